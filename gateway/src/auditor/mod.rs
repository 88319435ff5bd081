//! What a client's auditors do: find what was recorded, and replay it (R10, R11).
//!
//! Auditors only read, and only their own client's sessions (O4). Who looked at what is on record.

mod moments;
mod patience;
pub(crate) mod recordings;
pub(crate) mod replay;
pub(crate) mod search;
mod transcript;
