//! What makes a recording evidence: keys that read it, signatures that close it, the manifest that names its parts.
//!
//! Knows formats and checks them; where keys are kept and when things are signed is its caller's business.

pub mod key;
pub mod manifest;
pub mod signature;
