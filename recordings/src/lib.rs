//! What happened: the formats of Écluse's recordings, writing and reading them.
//!
//! A session is written to a *live journal* while it runs ([`Recorder`]), frame by frame and without
//! user-space buffering, so that a byte whose [`Recorder::append`] has returned survives the death of
//! the process. On close the journal becomes asciicast files, exact raw streams beside what is not
//! text, and `session.json` ([`finish`]); after a crash, [`recover`] does the same with every whole
//! frame. Readers ([`JournalReader`], [`Follower`], [`cast::CastReader`]) expect hostile files, and
//! nothing recorded reaches a terminal except through [`screen`] or [`neutralise`].
//!
//! This crate knows `std::io` and nothing wider: no network, no clock, no policy. It takes every time
//! from its caller, in microseconds. The files are described byte by byte in `README.md`; start
//! reading at [`frame`] for the journal and at [`finish`] for what is left on disk.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::wildcard_enum_match_arm,
        reason = "tests may stop at the first surprise"
    )
)]

mod bytes;
pub mod cast;
mod convert;
mod convert_channel;
pub mod echo;
mod error;
mod event;
pub mod evidence;
mod facts;
mod finish;
pub mod frame;
mod journal;
pub mod layout;
pub mod log;
mod painter;
mod playback;
mod rebuild;
mod record;
mod recovery;
pub mod screen;
mod scrolling;
pub mod search;
mod shelf;
mod stream;
mod survey;
mod text;
mod transcript;
mod writer;

pub use bytes::Bytes;
pub use error::{FinishError, ReadError, RecordError};
pub use event::{
    ChannelClosed, ChannelKind, ChannelOpened, Direction, Event, ExitSignal, Pty, SessionEnd,
    StreamCounts,
};
pub use facts::{Protection, SessionFacts};
pub use finish::{FinishedRecording, finish};
pub use frame::SESSION;
pub use journal::{Follower, Frame, JournalReader};
pub use painter::Painter;
pub use playback::{PlayEvent, Playback, Step, Timed};
pub use rebuild::{Rebuilt, rebuild};
pub use record::{ChannelRecord, Exit, Files, JournalFacts, NoteLine, SessionRecord, StreamRecord};
pub use recovery::{Outcome, Recovered, recover};
pub use screen::{Screen, Size};
pub use shelf::{Listed, State, list};
pub use stream::Stream;
pub use text::{Utf8Decoder, neutralise, neutralise_lines};
pub use transcript::transcript;
pub use writer::{ClosedJournal, OnAppend, Progress, Recorder, SyncHandle};
