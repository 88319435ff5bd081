//! What a client's operators read, and the dialogue of what they do: requests, answers, sessions, cuts (I2, I5).
//!
//! Every command works on the operator's own client and on nothing else (O4): numbers of other clients
//! are answered like numbers that do not exist.

pub(crate) mod alerts;
pub(crate) mod answers;
pub(crate) mod changes;
pub(crate) mod confirming;
mod elsewhere;
pub(crate) mod hands;
pub(crate) mod keep_out;
pub(crate) mod live;
pub(crate) mod matrix;
pub(crate) mod people;
pub(crate) mod posture;
pub(crate) mod requests;
mod signals;
pub(crate) mod top_up;
pub(crate) mod watch;
