//! Recordings at rest: made durable, sealed on record, recovered after a crash, found again, given other readers.
//!
//! Nothing here carries what passes: `passage` hands a journal over when its session ends, and goes on. What is here waits for
//! disks and for the store, on threads of its own.

pub(crate) mod changes;
pub(crate) mod cut_short;
pub(crate) mod indexing;
pub(crate) mod keeper;
mod last_moment;
pub(crate) mod recovery;
pub(crate) mod sealing;
pub(crate) mod space;
