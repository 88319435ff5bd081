//! What a client's document says of how long its evidence is kept, `[retention]`, and what each regime asks at least.
//!
//! It reads and checks the words only; [`crate::retention`] decides what is due.

use std::fmt;

use super::reader::{At, Table};
use super::words::for_people;
use crate::name::shown;
use crate::time::{Span, Timestamp};

const REGIME: &str = "\"mj\" (kept until the service has ended and a year at least since: MJ 4.17), \"ext\" (two months at least since the session ended: EXT annex 3) or \"own\" (as long as `keep` says since the session ended)";
const SERVICE_ENDED: &str = "the last day of the service, such as \"2027-12-31\"";
const REASON: &str = "why, in 1 to 200 visible characters on one line";
const LONGEST: &str = "a duration that is longer than what has to be kept, such as \"730d\"";

const DAY: u64 = 24;

/// From when on the time counts, and how long everything is kept at least (R7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Regime {
    /// MJ 4.17, "sur une durée d'un an après la fin de la prestation": everything until the service has ended, and a year at
    /// least from then on. What holds where the document says nothing.
    #[default]
    Mj,
    /// EXT annex 3, "deux mois de sauvegarde sont demandés sur les pare-feux et les serveurs Web": two months at least, from
    /// the end of the session.
    Ext,
    /// The client's own rule, where neither of these texts applies: from the end of the session, a day at least, so that
    /// nothing is gone before its reader could look.
    Own,
}

impl Regime {
    /// Every regime.
    pub const ALL: [Self; 3] = [Self::Mj, Self::Ext, Self::Own];

    /// As documents write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mj => "mj",
            Self::Ext => "ext",
            Self::Own => "own",
        }
    }

    /// The shortest time that anything is kept. A year of `mj` has the day that a leap year has more, two months of `ext`
    /// are the longest two that follow each other: neither is ever shorter than its text asks.
    #[must_use]
    pub const fn floor(self) -> Span {
        Span::from_hours(match self {
            Self::Mj => 366 * DAY,
            Self::Ext => 62 * DAY,
            Self::Own => DAY,
        })
    }

    /// The shortest `keep` that can be written: a year is written "365d".
    const fn shortest_written(self) -> Span {
        match self {
            Self::Mj => RetentionRules::USUAL,
            Self::Ext | Self::Own => self.floor(),
        }
    }

    /// What asks for it, in words.
    const fn rule(self) -> &'static str {
        match self {
            Self::Mj => {
                "a year after the end of the service, the least that MJ 4.17 asks for (\"366d\": some years have that many)"
            }
            Self::Ext => "two months, the least that EXT annex 3 asks for (\"62d\")",
            Self::Own => "a day, the least that is kept (\"1d\")",
        }
    }

    const fn accepted_keep(self) -> &'static str {
        match self {
            Self::Mj => "a duration of at least \"365d\", counted from the end of the service",
            Self::Ext => {
                "a duration of at least \"62d\", such as \"365d\", counted from the end of the session"
            }
            Self::Own => {
                "a duration of at least \"1d\", such as \"30d\", counted from the end of the session"
            }
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|regime| regime.name() == text);
        found.ok_or_else(|| format!("`{}` is no regime", shown(text)))
    }
}

impl fmt::Display for Regime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// How long a client's recordings and traces are kept (R7, MJ 4.17, EXT annex 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionRules {
    /// From when on the time counts.
    pub regime: Regime,
    /// When the service ended. **Range**: the instant after its last day, UTC.
    pub service_ended: Option<Timestamp>,
    /// How long everything is kept, as it is written; [`RetentionRules::held`] is what holds.
    pub keep: Span,
    /// How long anything is kept at most, counted as `keep` is. Invariant: not below [`RetentionRules::held`].
    pub longest: Option<Span>,
    /// Why nothing is removed whatever the time, where something says so.
    pub legal_hold: Option<String>,
    /// Where `keep` stands in the document; 0 where it does not.
    pub line: u32,
}

impl RetentionRules {
    /// What holds where the document says nothing: one year.
    pub const USUAL: Span = Span::from_hours(365 * DAY);

    /// How long everything is kept: as written, and never shorter than the regime asks.
    #[must_use]
    pub fn held(&self) -> Span {
        self.keep.max(self.regime.floor())
    }

    /// The same as people are told it: a year is a year.
    #[must_use]
    pub fn told(&self) -> Span {
        if self.keep < self.regime.shortest_written() {
            self.held()
        } else {
            self.keep
        }
    }

    /// What whoever wrote less than what holds should know. Only a document that names no regime can.
    pub(super) fn remark(&self) -> Option<String> {
        (self.keep < self.regime.shortest_written()).then(|| {
            format!(
                "{} is less than a year, which is what is kept: no regime is written, so \"{}\" holds (MJ 4.17). Write regime = \"ext\" or \"own\" where it does not apply",
                self.keep, self.regime
            )
        })
    }
}

impl Default for RetentionRules {
    fn default() -> Self {
        Self {
            regime: Regime::default(),
            service_ended: None,
            keep: Self::USUAL,
            longest: None,
            legal_hold: None,
            line: 0,
        }
    }
}

/// `[retention]`.
pub(super) fn retention(root: &Table<'_>) -> RetentionRules {
    let mut rules = RetentionRules::default();
    let Some(table) = root.maybe_table("retention", "a [retention] table") else {
        return rules;
    };
    let written = table
        .maybe_parsed("regime", REGIME, Regime::parse)
        .map(|at| at.value);
    rules.regime = written.unwrap_or_default();
    rules.service_ended = table
        .maybe_parsed("service-ended", SERVICE_ENDED, |text| {
            if text.contains(['T', 't']) {
                return Err(format!("`{}` is not a day", shown(text)));
            }
            Timestamp::parse_last_day(text)
                .map_err(|_| format!("`{}` is not a day of the calendar", shown(text)))
        })
        .map(|at| at.value);
    keep(&table, written, &mut rules);
    longest(&table, &mut rules);
    rules.legal_hold = table
        .maybe_parsed("legal-hold", REASON, for_people)
        .map(|at| at.value);
    table.finish();
    rules
}

fn keep(table: &Table<'_>, written: Option<Regime>, rules: &mut RetentionRules) {
    let accepted = rules.regime.accepted_keep();
    let Some(At { value, line }) = table.maybe_parsed("keep", accepted, Span::parse) else {
        if written == Some(Regime::Own) {
            let problem = "is not there, and nothing else says how long anything is kept";
            table.error(table.line, "keep", problem, accepted);
        }
        return;
    };
    // A document from before regimes may say two months: it reads, and more is kept than it says.
    let shortest = written.map_or(Regime::Ext.floor(), Regime::shortest_written);
    if value < shortest {
        let rule = rules.regime.rule();
        table.error(
            line,
            "keep",
            format_args!("{value} is less than {rule}"),
            accepted,
        );
    }
    rules.keep = value;
    rules.line = line;
}

fn longest(table: &Table<'_>, rules: &mut RetentionRules) {
    let Some(At { value, line }) = table.maybe_parsed("longest", LONGEST, Span::parse) else {
        return;
    };
    let regime = rules.regime;
    if value < regime.floor() {
        let problem = format_args!("{value} is less than {}", regime.rule());
        table.error(line, "longest", problem, LONGEST);
    } else if value < rules.held() {
        let problem = format_args!(
            "{value} is less than {}, for which everything is kept",
            rules.held()
        );
        table.error(line, "longest", problem, LONGEST);
    }
    rules.longest = Some(value.max(rules.held()));
}
