//! What a client's auditors read, in words: what was recorded, moments in it, and a recording itself (R10, R11). What they
//! may see, [`crate::deeds::evidence`] and [`crate::deeds::search`] know.

mod patience;
pub(crate) mod receipts;
pub(crate) mod recordings;
pub(crate) mod replay;
pub(crate) mod search;
mod transcript;
