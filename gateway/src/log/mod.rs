//! The gateway's part in the journal: with which key it signs, that it can, and when.
//!
//! Entries are written by the store with each change ([`crate::store`]); here they are signed, so that whoever keeps a
//! checkpoint notices any rewriting (R3). What a checkpoint or a proof is, `ecluse_recordings::log` knows.

mod agent;
mod keys;
mod self_check;
mod source;
mod ticker;

pub use self::keys::{JournalKeys, KeysError, allowed_signers_text, origin};
pub use self::source::{SourceError, read_key};
pub(crate) use self::ticker::CONTRADICTED;
pub use self::ticker::Ticker;

#[cfg(test)]
mod tests;
