//! asciicast: written as version 2 for every stock player, read tolerantly in versions 1 to 3.
//!
//! `o` and `i` events and the header go through the `asciicast` crate's types; `r` and `m`, which that
//! crate lacks, are written here in the same shape. See `README.md` for the markers of our own.

mod reader;
mod writer;

pub use reader::{CastEvent, CastHeader, CastReader, Code};
pub(crate) use writer::CastWriter;
pub use writer::{Header, MARK};
