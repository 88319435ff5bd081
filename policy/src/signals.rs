//! Signals worth telling: what operators are told of, or what holds a session, before any budget is spent (X3, N1).
//!
//! Each is a heuristic with a name, numbers that a client sets, and one of two consequences: it is told, or the session is
//! held until an operator lets it go on. None ever ends anything, none is a barrier, and none decides a right
//! (`adr/0016-signals-worth-telling.md`). Bytes and times go in, [`Fired`] comes out; nothing here reads a clock.
//!
//! Read in this order: [`rules`] (what is written), [`watch`] (one channel), [`minute`], [`steady`], [`wall`] (the
//! heuristics that count), [`pattern`] (tripwires).

pub mod minute;
pub mod pattern;
pub mod rules;
pub mod steady;
pub mod wall;
pub mod watch;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::extraction::ByteCount;
use crate::name::{FlowName, PersonId};
use crate::time::Span;

pub use self::minute::Minute;
pub use self::pattern::Pattern;
pub use self::rules::{Burst, Hours, Signals, Steady, Tripwire, UNSHOWN, Unattended, Wall};
pub use self::watch::{Moment, Watch, Way};

/// How long a signal of one session is not told again. A tripwire that holds is told each time: somebody has to let it go on.
pub const QUIET: Span = Span::from_mins(10);

/// What a signal does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Then {
    /// Operators are told.
    Notify,
    /// They are told, and nothing passes until one of them lets it go on.
    Hold,
}

impl Then {
    /// Its word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Notify => "notify",
            Self::Hold => "hold",
        }
    }
}

impl fmt::Display for Then {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// Which signal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signal {
    /// Far more left within a minute than ever of this person.
    Burst,
    /// A long steady stream while nobody types.
    Steady,
    /// A wall of base64, or of what is like it.
    Base64,
    /// A recording grows at which nobody is.
    Unattended,
    /// Work outside the usual hours.
    Hours,
    /// A line with a pattern of the client's.
    Tripwire(FlowName),
}

/// What stands before the name of a tripwire.
const TRIPWIRE: &str = "tripwire ";

impl Signal {
    /// Those that have a key of their own.
    pub const ALL: [Self; 5] = [
        Self::Burst,
        Self::Steady,
        Self::Base64,
        Self::Unattended,
        Self::Hours,
    ];

    /// Its key, or `tripwire`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Burst => "burst",
            Self::Steady => "steady",
            Self::Base64 => "base64",
            Self::Unattended => "unattended",
            Self::Hours => "hours",
            Self::Tripwire(_) => "tripwire",
        }
    }

    /// The name that a client gave it.
    #[must_use]
    pub fn given(&self) -> Option<&str> {
        match self {
            Self::Tripwire(name) => Some(name.as_str()),
            Self::Burst | Self::Steady | Self::Base64 | Self::Unattended | Self::Hours => None,
        }
    }

    /// As it is displayed; none where it is no signal.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix(TRIPWIRE) {
            Some(name) => FlowName::parse(name).ok().map(Self::Tripwire),
            None => Self::ALL.into_iter().find(|one| one.kind() == text),
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tripwire(name) => write!(formatter, "{TRIPWIRE}{name}"),
            Self::Burst | Self::Steady | Self::Base64 | Self::Unattended | Self::Hours => {
                formatter.pad(self.kind())
            }
        }
    }
}

/// Who holds a session that no budget holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// An operator.
    Person(PersonId),
    /// A signal.
    Signal(Signal),
}

impl fmt::Display for By {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(person) => person.fmt(formatter),
            Self::Signal(signal) => write!(formatter, "the signal {signal}"),
        }
    }
}

/// What was found, or what it is held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// So many bytes.
    Bytes(u64),
    /// So many a second.
    Rate(u64),
    /// So long.
    Time(Span),
    /// In words.
    Text(String),
}

impl Value {
    /// What it is counted in, for whoever reads a number.
    #[must_use]
    pub const fn unit(&self) -> &'static str {
        match self {
            Self::Bytes(_) => "bytes",
            Self::Rate(_) => "bytes-a-second",
            Self::Time(_) => "seconds",
            Self::Text(_) => "text",
        }
    }

    /// What a number in this unit says.
    #[must_use]
    pub fn of(unit: &str, number: u64) -> Option<Self> {
        match unit {
            "bytes" => Some(Self::Bytes(number)),
            "bytes-a-second" => Some(Self::Rate(number)),
            "seconds" => Some(Self::Time(Span::from_secs(number))),
            _ => None,
        }
    }

    /// As a number; none where it is words.
    #[must_use]
    pub const fn number(&self) -> Option<u64> {
        match self {
            Self::Bytes(number) | Self::Rate(number) => Some(*number),
            Self::Time(span) => Some(span.as_secs()),
            Self::Text(_) => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => ByteCount::new(*bytes).fmt(formatter),
            Self::Rate(rate) => write!(formatter, "{}/s", ByteCount::new(*rate)),
            Self::Time(span) => span.fmt(formatter),
            Self::Text(text) => formatter.pad(text),
        }
    }
}

/// A signal that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Fired {
    /// Which.
    pub signal: Signal,
    /// What it does.
    pub then: Then,
    /// What was found.
    pub measured: Value,
    /// What it was held against.
    pub threshold: Value,
}

impl fmt::Display for Fired {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            signal,
            then,
            measured,
            threshold,
        } = self;
        write!(
            formatter,
            "signal {signal} ({then}): {measured}, against {threshold}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is put on record is read back, for ever.
    #[test]
    fn a_signal_is_read_as_it_is_shown() {
        let tripwire = Signal::Tripwire(FlowName::parse("dump").unwrap());
        assert_eq!(tripwire.to_string(), "tripwire dump");
        for signal in Signal::ALL.into_iter().chain([tripwire]) {
            assert_eq!(Signal::parse(&signal.to_string()), Some(signal));
        }
        for none in ["", "tripwire", "tripwire ", "tripwire A b", "odile"] {
            assert_eq!(Signal::parse(none), None, "{none}");
        }
        for value in [
            Value::Bytes(7),
            Value::Rate(8),
            Value::Time(Span::from_secs(9)),
        ] {
            let number = value.number().unwrap();
            assert_eq!(Value::of(value.unit(), number), Some(value));
        }
    }
}
