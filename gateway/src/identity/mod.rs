//! Who is there: credentials in, an authenticated person and station out.

pub(crate) mod desk;
pub mod totp;
