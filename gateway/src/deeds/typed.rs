//! What people type, read once at the edge, on a command line as in a form: more leniently than documents are read.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use ecluse_policy::{
    AccountName, ByteCount, ByteRate, Capability, InterventionNumber, PersonId, Span, TargetId,
    Timestamp,
};
use ecluse_recordings::search::LineKind;
use jiff::civil::Time;
use serde::{Deserialize, Serialize};

use super::moments;
use crate::receipts;
use crate::texts::{sizes, times};

/// The families of flows that this version serves.
pub(crate) const FAMILIES: [&str; 15] = Capability::FAMILIES;

/// What somebody typed that means nothing, and what it was to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{typed}` is not {what}")]
pub(crate) struct Unclear {
    /// As typed.
    pub(crate) typed: String,
    /// What it was to be.
    pub(crate) what: What,
}

/// What a word was to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// A name.
    Name,
    /// A number.
    Number,
    /// A length.
    Length,
    /// A number of bytes.
    Size,
    /// So many bytes a second, or none.
    Rate,
    /// A family of flows.
    Family,
    /// A time to come.
    Start,
    /// A moment that has been.
    Past,
    /// A place in a recording.
    Place,
    /// How fast a recording is played.
    Speed,
    /// A kind of line.
    Kind,
    /// What is said to somebody who is new.
    Answer,
    /// A posture.
    Posture,
    /// Something that waits in a session.
    Nth,
    /// Which way a file passed.
    Way,
    /// A line of `allow`.
    Line,
    /// A form in which the matrix is written.
    Format,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "a name of this gateway",
            Self::Number => "a number such as 17",
            Self::Length => "a length such as 30m, 2h or 1h30m",
            Self::Size => "a number of bytes such as 200MiB",
            Self::Rate => "a pace such as 8KiB/s, or off",
            Self::Family => "a family of flows (shell, command, env, sftp-read, sftp-write, …)",
            Self::Start => "a time such as 14:30 or 2026-11-23T14:30",
            Self::Past => "a moment such as 2d, 2026-11-23 or 2026-11-23T07:50",
            Self::Place => "a place in a recording such as 12m03.482s or 17:02",
            Self::Speed => "a speed from 0.1 to 100",
            Self::Kind => "a kind of line",
            Self::Answer => "accept or refuse",
            Self::Posture => "high or normal",
            Self::Nth => "something that waits, such as 12.1",
            Self::Way => "out or in",
            Self::Line => "a line such as sftp-read: /var/log/**",
            Self::Format => "table, csv, html or json",
        })
    }
}

impl What {
    /// `typed` is none.
    pub(crate) fn unclear(self, typed: &str) -> Unclear {
        Unclear {
            typed: typed.to_owned(),
            what: self,
        }
    }
}

/// A target's name.
pub(crate) fn target(typed: &str) -> Result<TargetId, Unclear> {
    TargetId::typed(typed).map_err(|_| What::Name.unclear(typed))
}

/// A line of `allow`.
pub(crate) fn line(typed: &str) -> Result<Capability, Unclear> {
    Capability::parse(typed).map_err(|_| What::Line.unclear(typed))
}

/// An account's name.
pub(crate) fn account(typed: &str) -> Result<AccountName, Unclear> {
    AccountName::parse(typed).map_err(|_| What::Name.unclear(typed))
}

/// An intervention's number, `17` or `#17`.
pub(crate) fn number(typed: &str) -> Result<InterventionNumber, Unclear> {
    InterventionNumber::parse(typed).map_err(|_| What::Number.unclear(typed))
}

/// A moment that has been, as seen at `now`: `2d`, `2026-11-23`, `07:50`.
pub(crate) fn past(typed: &str, now: Timestamp) -> Result<Timestamp, Unclear> {
    times::parse_past(typed, now).ok_or_else(|| What::Past.unclear(typed))
}

/// A person's name.
pub(crate) fn person(typed: &str) -> Result<PersonId, Unclear> {
    PersonId::parse(typed).map_err(|_| What::Name.unclear(typed))
}

/// A session's number, `12` or `#12`.
pub(crate) fn session(typed: &str) -> Result<u64, Unclear> {
    let number = typed.trim_start_matches('#').parse();
    number.map_err(|_| What::Number.unclear(typed))
}

/// A channel's number.
pub(crate) fn channel(typed: &str) -> Result<u32, Unclear> {
    let number = typed.trim_start_matches('#').parse();
    number.map_err(|_| What::Number.unclear(typed))
}

/// Declares a value that is a text in a form and a body as it is on a command line.
macro_rules! as_text {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = Unclear;
            fn try_from(typed: String) -> Result<Self, Unclear> {
                typed.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    };
}

/// The text of one that holds one value is that of the value.
macro_rules! as_its_value {
    ($name:ident) => {
        as_text!($name);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

/// Which way a file passed: `out`, `in`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Way(pub(crate) receipts::Way);
as_text!(Way);

impl FromStr for Way {
    type Err = Unclear;
    fn from_str(typed: &str) -> Result<Self, Unclear> {
        let word = match typed {
            "sortie" => "out",
            "entrée" => "in",
            word => word,
        };
        let way = receipts::Way::parse(word).map(Self);
        way.ok_or_else(|| What::Way.unclear(typed))
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

/// Something in a session, by its number there: `12.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Nth {
    /// The session.
    pub(crate) session: u64,
    /// The thing, from 1.
    pub(crate) number: u64,
}
as_text!(Nth);

impl FromStr for Nth {
    type Err = Unclear;
    fn from_str(typed: &str) -> Result<Self, Unclear> {
        let read = typed.trim_start_matches('#').split_once('.');
        let read = read.and_then(|(session, number)| {
            Some(Self {
                session: session.parse().ok()?,
                number: number.parse().ok()?,
            })
        });
        read.ok_or_else(|| What::Nth.unclear(typed))
    }
}

impl fmt::Display for Nth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.session, self.number)
    }
}

/// The same, of a command line.
pub(crate) fn nth(typed: &str) -> Result<Nth, Unclear> {
    typed.parse()
}

/// A length: `2h`, `1h30`, `90 min`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Length(pub(crate) Span);
as_its_value!(Length);

impl FromStr for Length {
    type Err = Unclear;
    fn from_str(typed: &str) -> Result<Self, Unclear> {
        let read = times::parse_length(typed).map(Self);
        read.ok_or_else(|| What::Length.unclear(typed))
    }
}

/// A number of bytes: `200MiB`, `200 Mio`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Size(pub(crate) ByteCount);
as_its_value!(Size);

impl FromStr for Size {
    type Err = Unclear;
    fn from_str(typed: &str) -> Result<Self, Unclear> {
        let read = sizes::parse_size(typed).map(Self);
        read.ok_or_else(|| What::Size.unclear(typed))
    }
}

/// How fast: `8KiB/s`, `8 Kio/s`; `off` for as fast as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Rate(pub(crate) Option<ByteRate>);
as_text!(Rate);

/// No pace.
const OFF: &str = "off";

impl FromStr for Rate {
    type Err = Unclear;
    fn from_str(typed: &str) -> Result<Self, Unclear> {
        let typed = typed.trim();
        if typed == OFF {
            return Ok(Self(None));
        }
        let size = typed.strip_suffix("/s").unwrap_or(typed);
        let size = sizes::parse_size(size);
        let rate = size.and_then(|size| ByteRate::parse(&format!("{size}/s")).ok());
        let rate = rate.map(|rate| Self(Some(rate)));
        rate.ok_or_else(|| What::Rate.unclear(typed))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(rate) => rate.fmt(f),
            None => f.write_str(OFF),
        }
    }
}

/// A family of flows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Family(String);
as_its_value!(Family);

impl Family {
    /// Its word.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Family {
    type Err = Unclear;
    fn from_str(typed: &str) -> Result<Self, Unclear> {
        if FAMILIES.contains(&typed) {
            Ok(Self(typed.to_owned()))
        } else {
            Err(What::Family.unclear(typed))
        }
    }
}

/// How fast a recording is played: `2`, `×0.5`, `4x`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Speed(pub(crate) f64);
as_its_value!(Speed);

/// The slowest and the fastest replay.
const SPEEDS: std::ops::RangeInclusive<f64> = 0.1..=100.0;

impl FromStr for Speed {
    type Err = Unclear;
    fn from_str(typed: &str) -> Result<Self, Unclear> {
        let number = typed.trim_start_matches(['×', 'x']).trim_end_matches('x');
        let speed = number.replace(',', ".").parse().ok();
        let speed = speed.filter(|speed| SPEEDS.contains(speed)).map(Self);
        speed.ok_or_else(|| What::Speed.unclear(typed))
    }
}

/// Where in a recording: `12m03.482s`, `17:02`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) enum At {
    /// So long after the channel's opening.
    Place(Duration),
    /// At a time of day, UTC, as transcripts print it.
    Clock(Time),
}
as_text!(At);

impl FromStr for At {
    type Err = Unclear;
    fn from_str(typed: &str) -> Result<Self, Unclear> {
        let place = moments::read(typed).map(Self::Place);
        let at = place.or_else(|| times::time_of_day(typed).map(Self::Clock));
        at.ok_or_else(|| What::Place.unclear(typed))
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Place(place) => f.write_str(&moments::written(*place)),
            Self::Clock(time) => time.fmt(f),
        }
    }
}

/// Which lines of a recording: those of its search text, by kind, or those that were typed and not echoed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) enum Kind {
    /// Of one kind.
    Of(LineKind),
    /// Typed and not echoed, in clear.
    Hidden,
}
as_text!(Kind);

impl Kind {
    /// The words there are.
    pub(crate) fn words() -> impl Iterator<Item = &'static str> {
        let kinds = LineKind::ALL.into_iter().map(LineKind::word);
        kinds.chain([HIDDEN])
    }
}

/// The words as a reader of French types them, as usage names them to them.
const IN_FRENCH: [(&str, &str); 7] = [
    ("commande", "command"),
    ("saisie", "typed"),
    ("écran", "screen"),
    ("refus", "refusal"),
    ("fichier", "file"),
    ("redirection", "forward"),
    ("caché", HIDDEN),
];

/// The word for [`Kind::Hidden`].
const HIDDEN: &str = "hidden";

impl FromStr for Kind {
    type Err = Unclear;
    fn from_str(typed: &str) -> Result<Self, Unclear> {
        let word = IN_FRENCH.iter().find(|(french, _)| *french == typed);
        let word = word.map_or(typed, |(_, word)| word);
        if word == HIDDEN {
            return Ok(Self::Hidden);
        }
        let kind = LineKind::ALL.into_iter().find(|kind| kind.word() == word);
        kind.map(Self::Of).ok_or_else(|| What::Kind.unclear(typed))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Of(kind) => kind.word(),
            Self::Hidden => HIDDEN,
        })
    }
}
