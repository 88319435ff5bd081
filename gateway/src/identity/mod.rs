//! Who is there: credentials in, an authenticated person and station out.

pub(crate) mod desk;
pub(crate) mod ledger;
mod outcome;
pub(crate) mod people;
pub mod totp;
mod wire;
