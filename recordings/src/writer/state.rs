//! The open file behind a recorder: whole frames or an error, and what is known of it.

use super::{Mark, OnAppend, Progress};
use crate::chain::Chain;
use crate::event::StreamCounts;
use crate::evidence::key::RecordingKey;
use crate::frame::{self, FRAME_HEAD, Head, Inner, Kind, MAX_PAYLOAD};
use crate::{Event, RecordError, SessionFacts, Stream, layout};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Room kept for the closing frames of a session: a close reason for some hundreds of channels.
const RESERVE_BYTES: usize = 64 * 1024;

pub(super) struct Shared {
    pub(super) facts: SessionFacts,
    pub(super) dir: PathBuf,
    pub(super) root: PathBuf,
    pub(super) journal: PathBuf,
    pub(super) state: Mutex<State>,
    /// The same open file, so that a sync never waits for the lock of the writers.
    pub(super) syncing: File,
    pub(super) dirty: AtomicBool,
    pub(super) directories_durable: AtomicBool,
    /// Where the last whole frame ends, apart from `state`: looking at it never waits for a write.
    pub(super) reached: Mutex<Mark>,
    /// The same, as far as it survives a power cut.
    pub(super) durable: Mutex<Option<Mark>>,
    pub(super) header_sha256: [u8; 32],
    pub(super) key: RecordingKey,
    pub(super) on_append: Option<OnAppend>,
}

pub(super) struct State {
    pub(super) file: File,
    /// Where the last whole frame ends.
    pub(super) length: u64,
    pub(super) next_number: u64,
    pub(super) last_us: u64,
    pub(super) open_channels: BTreeMap<u32, StreamCounts>,
    pub(super) highest_channel: u32,
    pub(super) closed: bool,
    /// Bytes of an unfinished frame may stand behind `length`.
    pub(super) torn: bool,
    /// Goes up when a frame was cut off: its number comes again, its nonce must not.
    pub(super) attempt: u8,
    pub(super) chain: Chain,
    /// One frame, encrypted in place; kept so that an append allocates nothing.
    pub(super) buffer: Vec<u8>,
    pub(super) failure: Option<RecordError>,
}

impl State {
    pub(super) fn counts(&mut self, channel: u32) -> Result<&mut StreamCounts, RecordError> {
        self.open_channels
            .get_mut(&channel)
            .ok_or(RecordError::ChannelNotOpen(channel))
    }

    fn count(&mut self, channel: u32, stream: Stream, bytes: usize) -> Result<(), RecordError> {
        let counts = self.counts(channel)?;
        let total = match stream {
            Stream::Output => &mut counts.output,
            Stream::ErrorOutput => &mut counts.error_output,
            Stream::Input => &mut counts.input,
        };
        *total = total.saturating_add(bytes as u64);
        Ok(())
    }
}

impl Shared {
    /// A panic elsewhere leaves the state whole: it is changed only after a write succeeded.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn progress(&self) -> Progress {
        let reached = *lock(&self.reached);
        Progress {
            frames: reached.frames,
            bytes: reached.bytes,
            last_seal: reached.last_seal,
            durable: *lock(&self.durable),
        }
    }

    /// Bytes longer than a frame become several; each is counted when it is written, so that the
    /// counts hold even when a later one fails.
    pub(super) fn write_bytes(
        &self,
        state: &mut State,
        channel: u32,
        at_us: u64,
        stream: Stream,
        bytes: &[u8],
    ) -> Result<(), RecordError> {
        let kind = Kind::from(stream);
        state.counts(channel)?;
        for payload in bytes.chunks(MAX_PAYLOAD) {
            self.write_frame(state, channel, at_us, kind, &[payload])?;
            state.count(channel, stream, payload.len())?;
        }
        Ok(())
    }

    /// Consecutive pieces of one stream, as many to a frame as fit.
    pub(super) fn write_pieces<B: AsRef<[u8]>>(
        &self,
        state: &mut State,
        channel: u32,
        at_us: u64,
        stream: Stream,
        pieces: &[B],
    ) -> Result<(), RecordError> {
        state.counts(channel)?;
        let mut rest = pieces;
        while !rest.is_empty() {
            let mut length = 0_usize;
            let fitting = rest
                .iter()
                .take_while(|piece| {
                    length = length.saturating_add(piece.as_ref().len());
                    length <= MAX_PAYLOAD
                })
                .count();
            let (frame, after) = rest.split_at(fitting);
            if frame.is_empty() {
                // One piece that is longer than a frame.
                let Some((long, after)) = rest.split_first() else {
                    break;
                };
                self.write_bytes(state, channel, at_us, stream, long.as_ref())?;
                rest = after;
                continue;
            }
            self.write_frame(state, channel, at_us, Kind::from(stream), frame)?;
            let written = frame.iter().map(|piece| piece.as_ref().len()).sum();
            state.count(channel, stream, written)?;
            rest = after;
        }
        Ok(())
    }

    pub(super) fn write_event(
        &self,
        state: &mut State,
        channel: u32,
        at_us: u64,
        event: &Event<'_>,
    ) -> Result<(), RecordError> {
        let (kind, payload) = frame::encode(event);
        self.write_frame(state, channel, at_us, kind, &[payload.as_slice()])
    }

    /// Gathers a frame in the buffer, seals it there, and hands it to the kernel in one write.
    fn write_frame<B: AsRef<[u8]>>(
        &self,
        state: &mut State,
        channel: u32,
        at_us: u64,
        kind: Kind,
        payload: &[B],
    ) -> Result<(), RecordError> {
        let bytes: usize = payload.iter().map(|piece| piece.as_ref().len()).sum();
        if bytes > MAX_PAYLOAD {
            return Err(RecordError::TooLong {
                length: bytes,
                limit: MAX_PAYLOAD,
            });
        }
        let at_us = at_us.max(state.last_us);
        let inner = Inner {
            channel,
            at_us,
            length: u32::try_from(bytes).unwrap_or(u32::MAX),
            kind,
        };
        let sealed = frame::padded(bytes);
        let head = Head {
            length: u32::try_from(sealed).unwrap_or(u32::MAX),
            attempt: state.attempt,
            number: state.next_number,
        };
        state.buffer.clear();
        // To the byte: growing by halves, as a vector does, would take up to twice the longest frame.
        state.buffer.reserve_exact(head.whole());
        state.buffer.extend_from_slice(&head.encode());
        state.buffer.extend_from_slice(&inner.encode());
        for piece in payload {
            state.buffer.extend_from_slice(piece.as_ref());
        }
        state.buffer.resize(FRAME_HEAD.saturating_add(sealed), 0);
        let body = state.buffer.get_mut(FRAME_HEAD..).unwrap_or_default();
        let seal = match state.chain.seal(&head, body) {
            Ok(seal) => seal,
            Err(error) => {
                let failure = RecordError::Cipher(error);
                return Err(state.failure.get_or_insert(failure).clone());
            }
        };
        state.buffer.extend_from_slice(&seal.0);
        let crc = frame::crc(&[&state.buffer]);
        state.buffer.extend_from_slice(&crc);
        if let Err(error) = state.file.write_all(&state.buffer) {
            let failure = RecordError::io("write to", &self.journal, &error);
            state.torn = true;
            state.failure.get_or_insert_with(|| failure.clone());
            // Whatever part of it reached the disk was encrypted with its nonce.
            state.attempt = state.attempt.saturating_add(1);
            // Best now, while the place is known; recovery copes with a torn tail as well.
            let _ = self.cut_torn_frame(state);
            return Err(failure);
        }
        state.chain.advance(seal);
        state.length = state.length.saturating_add(state.buffer.len() as u64);
        state.next_number = state.next_number.saturating_add(1);
        state.last_us = at_us;
        *lock(&self.reached) = Mark {
            frames: state.next_number,
            bytes: state.length,
            last_seal: Some(seal),
        };
        self.dirty.store(true, Ordering::Release);
        Ok(())
    }

    pub(super) fn cut_torn_frame(&self, state: &mut State) -> Result<(), RecordError> {
        state
            .file
            .set_len(state.length)
            .map_err(|error| RecordError::io("shorten", &self.journal, &error))?;
        state.torn = false;
        Ok(())
    }

    pub(super) fn sync(&self) -> Result<(), RecordError> {
        // Cleared first: an append during the sync makes it dirty again.
        self.dirty.store(false, Ordering::Release);
        let reached = *lock(&self.reached);
        let result = self
            .syncing
            .sync_data()
            .map_err(|error| RecordError::io("sync", &self.journal, &error))
            .and_then(|()| self.sync_directories());
        match result {
            Ok(()) => {
                let mut durable = lock(&self.durable);
                if durable.is_none_or(|durable| durable.bytes < reached.bytes) {
                    *durable = Some(reached);
                }
                Ok(())
            }
            Err(failure) => Err(self.lock().failure.get_or_insert(failure).clone()),
        }
    }

    /// Once: the wrapped key, the new directories and the journal's name must survive too.
    fn sync_directories(&self) -> Result<(), RecordError> {
        if self.directories_durable.load(Ordering::Acquire) {
            return Ok(());
        }
        let wrapped = self.dir.join(layout::WRAPPED_KEY);
        File::open(&wrapped)
            .and_then(|file| file.sync_all())
            .map_err(|error| RecordError::io("sync", &wrapped, &error))?;
        for dir in self
            .dir
            .ancestors()
            .take_while(|dir| dir.starts_with(&self.root))
        {
            sync_directory(dir).map_err(|error| RecordError::io("sync", dir, &error))?;
        }
        self.directories_durable.store(true, Ordering::Release);
        Ok(())
    }
}

pub(crate) fn sync_directory(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Filled with bytes that no file system compresses or leaves as a hole.
pub(super) fn write_reserve(path: &Path) -> Result<(), RecordError> {
    let mut word = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(RESERVE_BYTES);
    while bytes.len() < RESERVE_BYTES {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(&bytes))
        .map_err(|error| RecordError::io("reserve room in", path, &error))
}

/// What a lock protects here is one plain value, whole whoever panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
