//! Writes the live journal: recorded before relayed, or an error that ends the passage.
//!
//! [`Recorder::append`] seals a frame in one reusable buffer and hands it to the kernel in one write. Nothing
//! waits in user space, so once it returned, killing this process loses nothing; a power cut loses at most what
//! came after the last [`SyncHandle::sync_if_dirty`]. Nothing is ever written in clear but what a manifest tells
//! anyway. Knows no clock and starts no thread.

mod state;

use crate::chain::{Chain, Seal};
use crate::event::{ChannelClosed, SessionEnd, StreamCounts};
use crate::evidence::key::RecordingKey;
use crate::evidence::manifest::ClockReading;
use crate::frame::SESSION;
use crate::{Event, Protection, RecordError, SessionFacts, Stream, header, layout};
use state::{Shared, State, write_reserve};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

pub(crate) use state::sync_directory;

/// Room for a frame from the start; grows to the longest frame that came.
const FIRST_BUFFER: usize = 64 * 1024;

/// Called after each append, outside of any lock: wakes whoever watches the session live.
pub type OnAppend = Box<dyn Fn() + Send + Sync>;

/// A place in a journal: what the log can vouch for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Frames written.
    pub frames: u64,
    /// Length of the journal.
    pub bytes: u64,
    /// The seal of the last of these frames, which covers all of them; `None` when there is no frame.
    pub last_seal: Option<Seal>,
}

/// How far a recording has come, all of it at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Frames written.
    pub frames: u64,
    /// Length of the journal.
    pub bytes: u64,
    /// The seal of the last frame, which covers all of them; `None` when there is no frame.
    pub last_seal: Option<Seal>,
    /// What survives a power cut; what is put on record elsewhere should be this.
    pub durable: Option<Mark>,
}

/// The open recording of one session, shared by all its channels.
///
/// Invariant: when an append returned `Ok`, its bytes are in the file; when one failed, no later one
/// succeeds.
pub struct Recorder {
    shared: Arc<Shared>,
}

/// Makes a recording durable, from a thread of the gateway's own.
#[derive(Clone)]
pub struct SyncHandle {
    shared: Arc<Shared>,
}

/// A recording whose last frame is written and durable; [`crate::seal`] makes files of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedJournal {
    dir: PathBuf,
}

impl Recorder {
    /// Opens the recording of a session: its directory, the wrapped key, the reserve, the journal with its
    /// header; with something to call after each append.
    ///
    /// # Errors
    /// When the facts cannot name a directory, the session exists already, or the disk refuses.
    pub fn open(
        root: &Path,
        facts: SessionFacts,
        protection: Protection,
        on_append: Option<OnAppend>,
    ) -> Result<Recorder, RecordError> {
        let dir = layout::session_dir(root, &facts)?;
        let (header, header_sha256) = header::encode(&facts, &protection)?;
        let Protection {
            key,
            wrapped,
            recipients: _,
        } = protection;
        let chain = Chain::new(&key, &header_sha256).map_err(RecordError::Cipher)?;

        let parent = dir.parent().unwrap_or(root);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(parent)
            .map_err(|error| RecordError::io("create directory", parent, &error))?;
        DirBuilder::new()
            .mode(0o700)
            .create(&dir)
            .map_err(|error| RecordError::io("create directory", &dir, &error))?;
        let wrapped_key = dir.join(layout::WRAPPED_KEY);
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&wrapped_key)
            .and_then(|mut file| file.write_all(&wrapped))
            .map_err(|error| RecordError::io("write to", &wrapped_key, &error))?;
        write_reserve(&dir.join(layout::RESERVE))?;

        let journal = dir.join(layout::LIVE);
        let fail = |doing, error: io::Error| RecordError::io(doing, &journal, &error);
        let mut file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(&journal)
            .map_err(|error| fail("create", error))?;
        // Tells recovery that somebody is writing; the kernel drops it when the process dies.
        file.try_lock()
            .map_err(|error| fail("lock", error.into()))?;
        let syncing = file.try_clone().map_err(|error| fail("open", error))?;
        file.write_all(&header)
            .map_err(|error| fail("write to", error))?;

        let length = header.len() as u64;
        Ok(Recorder {
            shared: Arc::new(Shared {
                facts,
                dir,
                root: root.to_path_buf(),
                journal,
                state: Mutex::new(State {
                    file,
                    length,
                    next_number: 0,
                    last_us: 0,
                    open_channels: BTreeMap::new(),
                    highest_channel: SESSION,
                    closed: false,
                    torn: false,
                    attempt: 0,
                    chain,
                    buffer: Vec::with_capacity(FIRST_BUFFER),
                    failure: None,
                }),
                syncing,
                dirty: AtomicBool::new(true),
                directories_durable: AtomicBool::new(false),
                reached: Mutex::new(Mark {
                    frames: 0,
                    bytes: length,
                    last_seal: None,
                }),
                durable: Mutex::new(None),
                header_sha256,
                key,
                on_append,
            }),
        })
    }

    /// Records one event. When this returns `Ok`, the bytes are out of this process's hands and may be
    /// relayed. `at_us` counts from the session's start; a time before the previous one is raised to it.
    ///
    /// # Errors
    /// The first failure of the disk, again at each later call; [`RecordError::Closed`]; an event on a
    /// channel that is not open, or too long for a frame (these two do not end the recording).
    pub fn append(&self, channel: u32, at_us: u64, event: Event<'_>) -> Result<(), RecordError> {
        let shared = &*self.shared;
        let mut state = shared.lock();
        if state.closed {
            return Err(RecordError::Closed);
        }
        if let Some(failure) = &state.failure {
            return Err(failure.clone());
        }
        match event {
            Event::Output(bytes) => {
                shared.write_bytes(&mut state, channel, at_us, Stream::Output, bytes)?;
            }
            Event::ErrorOutput(bytes) => {
                shared.write_bytes(&mut state, channel, at_us, Stream::ErrorOutput, bytes)?;
            }
            Event::Input(bytes) => {
                shared.write_bytes(&mut state, channel, at_us, Stream::Input, bytes)?;
            }
            Event::ChannelOpened(_) => {
                // Used once each: a number that came back would merge two channels in one file.
                if channel == SESSION || channel <= state.highest_channel {
                    return Err(RecordError::ChannelNumber(channel));
                }
                shared.write_event(&mut state, channel, at_us, &event)?;
                state.highest_channel = channel;
                state.open_channels.insert(channel, StreamCounts::default());
            }
            Event::ChannelClosed(closed) => {
                let bytes = *state.counts(channel)?;
                let closed = ChannelClosed {
                    bytes,
                    ..closed.into_owned()
                };
                shared.write_event(
                    &mut state,
                    channel,
                    at_us,
                    &Event::ChannelClosed(Cow::Owned(closed)),
                )?;
                state.open_channels.remove(&channel);
            }
            Event::Resize { .. }
            | Event::Eof(_)
            | Event::ExitStatus(_)
            | Event::ExitSignal(_)
            | Event::File(_) => {
                state.counts(channel)?;
                shared.write_event(&mut state, channel, at_us, &event)?;
            }
            Event::Marker(_) | Event::Note(_) | Event::Refusal(_) => {
                shared.write_event(&mut state, channel, at_us, &event)?;
            }
            Event::Clock(reading) => {
                let reading = ClockReading {
                    at_us: at_us.max(state.last_us),
                    ..reading.into_owned()
                };
                shared.write_event(&mut state, channel, at_us, &Event::clock(reading))?;
            }
            // Only `close` ends a session: it also closes the channels and makes it durable.
            Event::SessionEnd(_) => return Err(RecordError::Closed),
        }
        drop(state);
        if let Some(wake) = &shared.on_append {
            wake();
        }
        Ok(())
    }

    /// Records consecutive pieces of one stream as [`Recorder::append`] records one, with fewer and larger
    /// writes: what waits together is written together. The pieces are not told apart afterwards.
    ///
    /// # Errors
    /// As [`Recorder::append`]; some pieces may be recorded then, and none may be relayed.
    pub fn append_pieces<B: AsRef<[u8]>>(
        &self,
        channel: u32,
        at_us: u64,
        stream: Stream,
        pieces: &[B],
    ) -> Result<(), RecordError> {
        let shared = &*self.shared;
        let mut state = shared.lock();
        if state.closed {
            return Err(RecordError::Closed);
        }
        if let Some(failure) = &state.failure {
            return Err(failure.clone());
        }
        shared.write_pieces(&mut state, channel, at_us, stream, pieces)?;
        drop(state);
        if let Some(wake) = &shared.on_append {
            wake();
        }
        Ok(())
    }

    /// Ends the recording: closes the channels still open, writes the end, makes all durable. Also
    /// tries after a failure, with the room kept in reserve, so that the end and its reason are on
    /// record wherever the disk allows it.
    ///
    /// # Errors
    /// When the end could not be written or made durable. The journal stays as it is, and
    /// recovery finishes it as a recording cut short.
    pub fn close(&self, at_us: u64, end: &SessionEnd) -> Result<ClosedJournal, RecordError> {
        let shared = &*self.shared;
        let mut state = shared.lock();
        if state.closed {
            return Err(RecordError::Closed);
        }
        state.closed = true;
        // The reserve gives its blocks back before they are needed.
        let reserve = shared.dir.join(layout::RESERVE);
        match fs::remove_file(&reserve) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(RecordError::io("remove", &reserve, &error)),
        }
        if state.torn {
            shared.cut_torn_frame(&mut state)?;
        }
        for (channel, bytes) in std::mem::take(&mut state.open_channels) {
            let closed = Event::ChannelClosed(Cow::Owned(ChannelClosed {
                reason: end.reason.clone(),
                bytes,
                legs: None,
            }));
            shared.write_event(&mut state, channel, at_us, &closed)?;
        }
        shared.write_event(
            &mut state,
            SESSION,
            at_us,
            &Event::SessionEnd(Cow::Borrowed(end)),
        )?;
        drop(state);
        let synced = shared.sync();
        if let Some(wake) = &shared.on_append {
            wake();
        }
        synced.map(|()| ClosedJournal {
            dir: shared.dir.clone(),
        })
    }

    /// Something that makes this recording durable from another thread.
    #[must_use]
    pub fn sync_handle(&self) -> SyncHandle {
        SyncHandle {
            shared: Arc::clone(&self.shared),
        }
    }

    /// How far the recording has come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.shared.progress()
    }

    /// The first failure, if any: from then on nothing is recorded.
    #[must_use]
    pub fn failure(&self) -> Option<RecordError> {
        self.shared.lock().failure.clone()
    }

    /// The session's facts, as recorded.
    #[must_use]
    pub fn facts(&self) -> &SessionFacts {
        &self.shared.facts
    }

    /// The directory of the session.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.shared.dir
    }

    /// SHA-256 of the journal's header: what the log says of this recording when it begins.
    #[must_use]
    pub fn header_sha256(&self) -> [u8; 32] {
        self.shared.header_sha256
    }

    /// The recording's own key, for whoever may watch it live and for sealing it.
    #[must_use]
    pub fn key(&self) -> &RecordingKey {
        &self.shared.key
    }

    /// The live journal, for a [`crate::Follower`].
    #[must_use]
    pub fn journal(&self) -> &Path {
        &self.shared.journal
    }
}

impl SyncHandle {
    /// Makes what was appended so far survive a power cut. Returns whether there was anything to do.
    ///
    /// # Errors
    /// The recording's first failure. A failed sync ends the recording: what the kernel could not
    /// write once, it may have forgotten, so trying again would prove nothing.
    pub fn sync_if_dirty(&self) -> Result<bool, RecordError> {
        if !self.shared.dirty.load(Ordering::Acquire) {
            return Ok(false);
        }
        self.shared.sync().map(|()| true)
    }

    /// How far the recording has come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.shared.progress()
    }
}

impl ClosedJournal {
    /// The directory of the session.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A journal found closed on disk, or whose end is known to be missing.
    pub(crate) fn in_dir(dir: &Path) -> Self {
        ClosedJournal {
            dir: dir.to_path_buf(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::tests::facts;
    use crate::evidence::key::Identity;
    use crate::frame::{AROUND, MAX_PAYLOAD};
    use crate::{ChannelKind, ChannelOpened};

    /// F5: what the recording of a session takes is one frame, and not what a vector grows to on its way there.
    #[test]
    fn the_buffer_is_as_long_as_the_longest_frame() {
        let root = tempfile::tempdir().unwrap();
        let protection = Protection::for_recipients(vec![Identity::generate().public()]).unwrap();
        let recorder = Recorder::open(root.path(), facts(), protection, None).unwrap();
        let opened = ChannelOpened {
            kind: ChannelKind::Exec,
            command: Some(b"cat".as_slice().into()),
            account: None,
            pty: None,
            env: Vec::new(),
        };
        recorder.append(1, 0, Event::opened(&opened)).unwrap();
        // Each a little longer than the last, as a loaded connection brings them.
        for length in (60..=1024).step_by(4) {
            let piece = vec![7; length * 1024];
            recorder
                .append_pieces(1, 1, Stream::Output, &[piece])
                .unwrap();
        }
        let capacity = recorder.shared.lock().buffer.capacity();
        assert!(
            capacity <= MAX_PAYLOAD + AROUND + 512,
            "{capacity} bytes are kept"
        );
    }
}
