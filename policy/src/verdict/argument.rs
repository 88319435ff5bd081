//! The values inside a text for people.

use std::fmt;

use crate::extraction::ByteCount;
use crate::time::{Span, Timestamp};

/// One value inside a text for people; the gateway writes times and lists in the reader's language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    /// Names and other text, already safe to show.
    Text(String),
    /// An instant.
    Time(Timestamp),
    /// An instant of which the day matters: it is never said without its date.
    Day(Timestamp),
    /// A duration.
    Span(Span),
    /// A count.
    Number(u64),
    /// A number of bytes.
    Bytes(ByteCount),
    /// Several texts.
    List(Vec<String>),
}

impl fmt::Display for Argument {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => formatter.write_str(text),
            Self::Time(at) | Self::Day(at) => at.fmt(formatter),
            Self::Span(span) => span.fmt(formatter),
            Self::Number(number) => number.fmt(formatter),
            Self::Bytes(bytes) => bytes.fmt(formatter),
            Self::List(texts) => formatter.write_str(&texts.join(", ")),
        }
    }
}

/// The values of a text for people, by name.
pub type Arguments = Vec<(&'static str, Argument)>;
