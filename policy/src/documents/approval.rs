//! After whose yes a flow opens, and for how long: a day at most, unless a derogation says longer.
//!
//! Without a ceiling a window approved once would be a permanent link (I3).

use super::derogation;
use super::reader::{At, Table};
use crate::accompaniment::Accompanied;
use crate::derogation::Derogation;
use crate::time::{Span, Timestamp};

const APPROVAL: &str = "{ by = 1, at-most = \"4h\" }";
/// How `at-most` is written above the ceiling.
pub(super) const LONG: &str = "\"24h\" or less, or { by = 1, at-most = \"72h\", long = true, owner = \"the person who answers for it\", until = \"2027-03-31\" }";

/// The longest window without a derogation.
pub const CEILING: Span = Span::from_hours(24);

/// After whose yes a flow opens at an instant, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApprovalRule {
    /// How many different operators; at least one.
    pub by: u32,
    /// The longest intervention, and the latest end after its start. Zero means never.
    pub at_most: Span,
}

/// `approval` as it is written. What it means depends on the time: [`ApprovalTerms::at`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalTerms {
    by: u32,
    at_most: Span,
    long: Option<Derogation>,
    accompanied: Option<Accompanied>,
}

impl ApprovalTerms {
    /// The rule in force at `now`.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> ApprovalRule {
        let long = self.long.as_ref().is_some_and(|long| long.holds_at(now));
        ApprovalRule {
            by: self.by,
            at_most: if long {
                self.at_most
            } else {
                self.at_most.min(CEILING)
            },
        }
    }

    /// The same with at least so many operators, and no longer than this.
    pub(super) fn tightened(&self, by: u32, at_most: Span) -> Self {
        let at_most = self.at_most.min(at_most);
        Self {
            by: self.by.max(by),
            at_most,
            long: self.long.clone().filter(|_| at_most > CEILING),
            accompanied: self.accompanied,
        }
    }

    /// Until when a grant of this length, from this start, lasts by this rule; `None` where it does not allow the length
    /// at `now`. A window longer than the ceiling ends with the derogation that allowed it.
    #[must_use]
    pub(crate) fn closes_at(
        &self,
        starts_at: Timestamp,
        length: Span,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let at_most = self.at(now).at_most;
        if length > at_most {
            return None;
        }
        let latest = starts_at.plus(at_most);
        Some(match &self.long {
            Some(long) if at_most > CEILING => {
                let by_derogation = latest.min(long.ends_at());
                if length > CEILING {
                    by_derogation
                } else {
                    by_derogation.max(starts_at.plus(CEILING))
                }
            }
            Some(_) | None => latest,
        })
    }

    /// How many different operators; at least one.
    #[must_use]
    pub const fn by(&self) -> u32 {
        self.by
    }

    /// `at-most` as it is written, in force or not: for people, not for deciding.
    #[must_use]
    pub const fn written(&self) -> Span {
        self.at_most
    }

    /// Who answers for a window above the ceiling, and until when.
    #[must_use]
    pub const fn long(&self) -> Option<&Derogation> {
        self.long.as_ref()
    }

    /// Whether an operator has to watch what it opens, and how many sessions each may (I4).
    #[must_use]
    pub const fn accompanied(&self) -> Option<Accompanied> {
        self.accompanied
    }
}

/// Reads the `approval` of a flow, and the line where it stands.
pub(super) fn approval(flow: &Table<'_>) -> Option<At<ApprovalTerms>> {
    let table = flow.table("approval", APPROVAL)?;
    let by = table.number("by", "a number of operators, 1 or more");
    let at_most = table.parsed(
        "at-most",
        "a duration such as \"4h\" or \"90m\"",
        Span::parse,
    );
    let long = long(&table, at_most.as_ref());
    let accompanied = accompanied(&table);
    table.finish();
    let by = by?;
    let number = u32::try_from(by.value)
        .ok()
        .filter(|by| (1..=100).contains(by));
    if number.is_none() {
        table.error(
            by.line,
            "by",
            format_args!(
                "{} does not fit: an intervention nobody approves does not exist",
                by.value
            ),
            "1 to 100",
        );
    }
    Some(At {
        value: ApprovalTerms {
            by: number?,
            at_most: at_most?.value,
            long: long?,
            accompanied: accompanied?,
        },
        line: table.line,
    })
}

/// Whether it is accompanied. The outer `None` follows an error.
fn accompanied(table: &Table<'_>) -> Option<Option<Accompanied>> {
    const EACH: &str = "sessions-per-operator";
    const MANY: &str = "a number of sessions, 1 to 100";
    let is_accompanied = table.flag("accompanied");
    let Some(each) = table.maybe_number(EACH, MANY)? else {
        let sessions_per_operator = 1;
        return Some(is_accompanied.then_some(Accompanied {
            sessions_per_operator,
        }));
    };
    if !is_accompanied {
        let problem = "stands beside `accompanied = true` only";
        table.error(
            each.line,
            EACH,
            problem,
            "accompanied = true, or no such key",
        );
        return None;
    }
    let number = u32::try_from(each.value)
        .ok()
        .filter(|each| (1..=100).contains(each));
    if number.is_none() {
        let problem = format_args!("{} does not fit: nobody could accompany", each.value);
        table.error(each.line, EACH, problem, "1 to 100");
    }
    let sessions_per_operator = number?;
    Some(Some(Accompanied {
        sessions_per_operator,
    }))
}

/// The derogation for a longer window. The outer `None` follows an error.
fn long(table: &Table<'_>, at_most: Option<&At<Span>>) -> Option<Option<Derogation>> {
    if table.flag("long") {
        if let Some(At { value, line }) = at_most
            && *value <= CEILING
        {
            let problem = format_args!("{value} needs no derogation");
            let accepted =
                "more than \"24h\" beside `long = true`, or neither long, owner nor until";
            table.error(*line, "at-most", problem, accepted);
        }
        return derogation::required(table, "long").map(Some);
    }
    match derogation::maybe(table, "long") {
        None => Some(None),
        Some(_) => {
            let problem = "stands beside a derogation only, and nothing here is one";
            for key in ["owner", "until"].into_iter().filter(|key| table.has(key)) {
                table.error(table.line, key, problem, "long = true, or no such key");
            }
            None
        }
    }
}
