//! The open file behind a recorder: whole frames or an error, and what is known of it.

use super::{OnAppend, Progress};
use crate::event::StreamCounts;
use crate::frame::{self, Head, Kind, MAX_PAYLOAD};
use crate::{Event, RecordError, SessionFacts, Stream};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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
    pub(super) frames: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) durable: AtomicU64,
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
        Progress {
            frames: self.frames.load(Ordering::Acquire),
            bytes: self.bytes.load(Ordering::Acquire),
            durable: self.durable.load(Ordering::Acquire),
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
            let payload: Vec<&[u8]> = frame.iter().map(AsRef::as_ref).collect();
            self.write_frame(state, channel, at_us, Kind::from(stream), &payload)?;
            let written = payload.iter().map(|piece| piece.len()).sum();
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

    fn write_frame(
        &self,
        state: &mut State,
        channel: u32,
        at_us: u64,
        kind: Kind,
        payload: &[&[u8]],
    ) -> Result<(), RecordError> {
        let bytes: usize = payload.iter().map(|piece| piece.len()).sum();
        let length = u32::try_from(bytes).unwrap_or(u32::MAX);
        if bytes > MAX_PAYLOAD {
            return Err(RecordError::TooLong {
                length: bytes,
                limit: MAX_PAYLOAD,
            });
        }
        let at_us = at_us.max(state.last_us);
        let head = Head {
            length,
            channel,
            number: state.next_number,
            at_us,
            kind,
        }
        .encode();
        let crc = frame::crc_of_pieces(&head, payload);
        if let Err(error) = write_frame_vectored(&mut state.file, &head, payload, &crc) {
            let failure = RecordError::io("write to", &self.journal, &error);
            state.torn = true;
            state.failure.get_or_insert_with(|| failure.clone());
            // Best now, while the place is known; recovery copes with a torn tail as well.
            let _ = self.cut_torn_frame(state);
            return Err(failure);
        }
        let written = head.len().saturating_add(bytes).saturating_add(crc.len());
        state.length = state.length.saturating_add(written as u64);
        state.next_number = state.next_number.saturating_add(1);
        state.last_us = at_us;
        self.bytes.store(state.length, Ordering::Release);
        self.frames.store(state.next_number, Ordering::Release);
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
        let length = self.bytes.load(Ordering::Acquire);
        let result = self
            .syncing
            .sync_data()
            .map_err(|error| RecordError::io("sync", &self.journal, &error))
            .and_then(|()| self.sync_directories());
        match result {
            Ok(()) => {
                self.durable.fetch_max(length, Ordering::AcqRel);
                Ok(())
            }
            Err(failure) => Err(self.lock().failure.get_or_insert(failure).clone()),
        }
    }

    /// Once: the new directories and the journal's name must survive too.
    fn sync_directories(&self) -> Result<(), RecordError> {
        if self.directories_durable.load(Ordering::Acquire) {
            return Ok(());
        }
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

/// One `writev` as a rule; more only when the kernel takes less than it was given.
fn write_frame_vectored(
    file: &mut File,
    head: &[u8],
    payload: &[&[u8]],
    crc: &[u8],
) -> io::Result<()> {
    // The usual frame has one piece and needs no allocation.
    if let [payload] = payload {
        return write_all_vectored(file, &mut [head, payload, crc].map(IoSlice::new));
    }
    let mut slices = Vec::with_capacity(payload.len().saturating_add(2));
    slices.push(IoSlice::new(head));
    slices.extend(payload.iter().map(|piece| IoSlice::new(piece)));
    slices.push(IoSlice::new(crc));
    write_all_vectored(file, &mut slices)
}

fn write_all_vectored(file: &mut File, slices: &mut [IoSlice<'_>]) -> io::Result<()> {
    let mut left = slices;
    IoSlice::advance_slices(&mut left, 0);
    while !left.is_empty() {
        match file.write_vectored(left) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut left, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
