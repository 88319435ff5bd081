//! What happened: the formats of Écluse's recordings, writing and reading them.
//!
//! A session is written to a *live journal* while it runs ([`Recorder`]), frame by frame, encrypted and without
//! user-space buffering, so that a byte whose [`Recorder::append`] has returned survives the death of
//! the process. On close the journal becomes asciicast files, exact raw streams beside what is not
//! text, and `session.json`, each compressed and encrypted, under a signed manifest ([`fn@seal`]); after a crash,
//! [`recover`] does the same with every whole frame, and where nobody has the key the journal is sealed as it is.
//! [`SealedRecording::unlock`] opens either form. Readers ([`JournalReader`], [`Follower`], [`cast::CastReader`])
//! expect hostile files, and nothing recorded reaches a terminal except through [`screen`] or [`neutralise`].
//!
//! This crate knows `std::io` and nothing wider: no network, no clock, no policy. It takes every time
//! from its caller, in microseconds. The files are described byte by byte in `README.md`; start
//! reading at [`frame`] for the journal and at [`fn@seal`] for what is left on disk.

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

mod artefact;
mod at_once;
pub mod bound;
pub mod bundle;
mod bytes;
pub mod cast;
mod chain;
mod convert;
mod convert_channel;
pub mod echo;
mod error;
mod event;
pub mod evidence;
mod facts;
mod forwards;
pub mod frame;
mod header;
mod ink;
mod journal;
mod journal_form;
pub mod json;
mod keys;
pub mod layout;
pub mod log;
mod marks;
mod meter;
mod model;
mod pace;
mod packets;
mod painter;
mod passes;
pub mod pcapng;
mod piped;
mod playback;
mod read_back;
mod rebuild;
mod recent;
mod record;
mod recovery;
mod rectangles;
mod rewrap;
mod rows;
pub mod screen;
mod scrolling;
mod seal;
mod sealed;
pub mod search;
mod sequences;
mod shelf;
mod spoken;
mod stream;
mod survey;
mod text;
mod transcript;
pub mod transfer;
#[cfg(test)]
mod unseen_tests;
pub mod verify;
mod writer;

pub use bytes::Bytes;
pub use chain::Seal;
pub use error::{FinishError, ReadError, RecordError};
pub use event::{
    ChannelClosed, ChannelKind, ChannelOpened, Direction, Event, ExitSignal, Pty, SessionEnd,
    StreamCounts,
};
pub use evidence::manifest::{ChannelCoverage, ClockReading, Form, Legs, Manifest};
pub use facts::{Approval, SessionFacts};
pub use forwards::{REACHED, forwards};
pub use frame::SESSION;
pub use header::{JournalHeader, Protection};
pub use journal::{Follower, Frame, JournalFrames, JournalReader, SealedFrame};
pub use journal_form::{convert_journal_form, converted, seal_as_journal};
pub use marks::Marks;
pub use pace::paced;
pub use painter::Painter;
pub use playback::{PlayEvent, Playback, Step, Timed};
pub use rebuild::{Rebuilt, rebuild};
pub use record::{ChannelRecord, Exit, Files, JournalFacts, NoteLine, SessionRecord, StreamRecord};
pub use recovery::{Outcome, Recovered, Recovery, Unknown, Witness, recover, recover_in};
pub use rewrap::{EndedRewrapping, Rewrapped, changing, end_rewrapping, is_changing, rewrap};
pub use screen::{Screen, Size};
pub use seal::{Sealing, seal};
pub use sealed::{OpenRecording, SealedRecording};
pub use shelf::{Listed, State, list};
pub(crate) use spoken::on_screen;
pub use spoken::{asked, spoken};
pub use stream::Stream;
pub use text::{Utf8Decoder, neutralise, neutralise_lines, spelled};
pub use transcript::{Part, transcript, transcript_of};
pub use transfer::{FileEntry, FileOperation, FileOutcome};
pub use writer::{ClosedJournal, Mark, OnAppend, Progress, Recorder, SyncHandle};
