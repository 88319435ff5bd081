//! `[posture.high]`: what a client tightens by one word of an operator (P6, EXT annex 2).
//!
//! Every key only takes away: what holds is the least of the flow and of the posture. A client that writes nothing has a posture
//! all the same, since it is needed on the worst day and not on the one on which documents are written.

use std::collections::BTreeMap;
use std::fmt;

use super::extraction::{BYTES, Of};
use super::reader::{At, Table};
use super::{ApprovalTerms, CEILING, Flow, Operator};
use crate::capability::{self, Allowed, Capability};
use crate::extraction::bytes::ACCEPTED_RATE;
use crate::extraction::{
    AtLimit, Budget, Budgets, ByteCount, ByteRate, Level, Limit, Percent, Way,
};
use crate::name::shown;
use crate::time::Span;

const TABLE: &str =
    "a [posture.high] table with approvers, at-most, refuse, extraction, warning, normal-by";
const AT_MOST: &str = "a duration up to \"24h\", such as \"1h\"";
const REFUSE: &str = "families (\"shell\", \"command\", \"env\", \"sftp-write\", …) and lines as flows write them (\"command: *\")";
const EXTRACTION: &str = "a table such as { session = \"5 MiB\", intervention = \"20 MiB\" }";
const WARNING: &str = "a duration up to \"10m\", such as \"60s\"";
const LONGEST_WARNING: Span = Span::from_mins(10);

/// What a posture asks for where its document does not say it.
const APPROVERS: u32 = 2;
const WINDOW: Span = Span::from_hours(1);
const WARNED: Span = Span::from_secs(60);
const SESSION: u64 = 5 << 20;
const INTERVENTION: u64 = 20 << 20;

/// What holds while a client is in heightened posture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostureRules {
    /// At least so many operators approve, whatever the flow.
    pub approvers: u32,
    /// No intervention lasts longer, counted from its first use.
    pub at_most: Span,
    /// What no flow gives meanwhile.
    pub refuse: Vec<Refused>,
    /// The most that may pass, where a flow does not say less.
    pub extraction: Ceilings,
    /// How long what is not allowed any more goes on after it was warned.
    pub warning: Span,
    /// How many different operators lead back.
    pub normal_by: u32,
    /// Where it stands in the document; 0 where it does not.
    pub line: u32,
}

/// What no flow gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// Everything of a family.
    Family(&'static str),
    /// One line, as flows write it: no other that gives some of it.
    Line(Capability),
}

impl Refused {
    fn parse(text: &str) -> Result<Self, String> {
        match Capability::FAMILIES.into_iter().find(|one| *one == text) {
            Some(family) => Ok(Self::Family(family)),
            None => Capability::parse(text)
                .map(Self::Line)
                .map_err(|error| error.to_string()),
        }
    }

    fn is(&self, entry: &Allowed) -> bool {
        match self {
            Self::Family(family) => entry.line().split(':').next() == Some(family),
            Self::Line(line) => entry.line() == line.to_string(),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Family(family) => formatter.pad(family),
            Self::Line(line) => line.fmt(formatter),
        }
    }
}

/// The most that may pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ceilings {
    bytes: BTreeMap<(Level, Way), (&'static str, ByteCount)>,
    rates: BTreeMap<Way, ByteRate>,
}

impl Ceilings {
    fn built_in() -> Self {
        let down = |level, key, bytes| ((level, Way::Down), (key, ByteCount::new(bytes)));
        Self {
            bytes: BTreeMap::from([
                down(Level::Session, "session", SESSION),
                down(Level::Intervention, "intervention", INTERVENTION),
            ]),
            rates: BTreeMap::new(),
        }
    }

    fn read(table: &Table<'_>) -> Self {
        let mut read = Self::default();
        for (down, up, level) in Of::Client.keys() {
            for (key, way) in [(down, Way::Down), (up, Way::Up)] {
                let bytes = table.maybe_parsed(key, BYTES, |text| {
                    ByteCount::parse(text)
                        .map_err(|_| format!("`{}` is not a number of bytes", shown(text)))
                });
                let bytes = bytes.map(|at| ((level, way), (key, at.value)));
                read.bytes.extend(bytes);
            }
        }
        for (key, way) in [("rate", Way::Down), ("up-rate", Way::Up)] {
            let rate = table.maybe_parsed(key, ACCEPTED_RATE, ByteRate::parse);
            read.rates.extend(rate.map(|at| (way, at.value)));
        }
        table.finish();
        read
    }

    /// The least of these and of what a flow says.
    pub(super) fn least(&self, mut budgets: Budgets) -> Budgets {
        for ((level, way), (_, most)) in &self.bytes {
            let mut list = budgets.list.iter_mut();
            match list.find(|one| one.level == *level && one.way == *way) {
                Some(said) => {
                    said.bytes = match said.bytes {
                        Limit::Bytes(bytes) => Limit::Bytes(bytes.min(*most)),
                        Limit::Unlimited => Limit::Bytes(*most),
                    };
                }
                None => {
                    let beside = budgets.list.first();
                    let budget = Budget {
                        level: *level,
                        way: *way,
                        bytes: Limit::Bytes(*most),
                        warn: beside.map_or(Percent::WARN, |one| one.warn),
                        at_limit: beside.map_or(AtLimit::End, |one| one.at_limit),
                    };
                    budgets.list.push(budget);
                }
            }
        }
        // The widest level first, whatever was added.
        budgets.list.sort_by_key(|one| (one.level, one.way));
        let least = |said: Option<ByteRate>, way| {
            said.into_iter().chain(self.rates.get(&way).copied()).min()
        };
        budgets.rate_down = least(budgets.rate_down, Way::Down);
        budgets.rate_up = least(budgets.rate_up, Way::Up);
        budgets
    }

    fn parts(&self) -> Vec<String> {
        let bytes = self.bytes.values();
        let rates = self.rates.iter().map(|(way, rate)| match way {
            Way::Down => format!("rate {rate}"),
            Way::Up => format!("up-rate {rate}"),
        });
        let bytes = bytes.map(|(key, bytes)| format!("{key} {bytes}"));
        bytes.chain(rates).collect()
    }
}

impl PostureRules {
    /// What holds where a client of so many operators writes nothing: a client with one is not left with nobody who can say yes.
    #[must_use]
    pub fn built_in(operators: usize) -> Self {
        let operators = u32::try_from(operators).unwrap_or(u32::MAX);
        let any_command = Capability::parse("command: *").ok();
        Self {
            approvers: APPROVERS.min(operators).max(1),
            at_most: WINDOW,
            refuse: any_command.map(Refused::Line).into_iter().collect(),
            extraction: Ceilings::built_in(),
            warning: WARNED,
            normal_by: 1,
            line: 0,
        }
    }

    /// Whether an entry of a flow gives nothing meanwhile.
    #[must_use]
    pub fn refuses(&self, entry: &Allowed) -> bool {
        self.refuse.iter().any(|refused| refused.is(entry))
    }

    /// A flow as it is meanwhile.
    pub(crate) fn tightened(&self, flow: &Flow) -> Flow {
        let mut tight = flow.clone();
        let lines = flow.lines.allow.iter().copied();
        // In documents that were read each entry has its line.
        let lines = lines.chain(std::iter::repeat(flow.lines.flow));
        let kept = flow.allow.iter().cloned().zip(lines);
        (tight.allow, tight.lines.allow) = kept.filter(|(entry, _)| !self.refuses(entry)).unzip();
        tight.approval = ApprovalTerms::tightened(&flow.approval, self.approvers, self.at_most);
        tight
    }

    /// Each thing that it says by its key, for people.
    #[must_use]
    pub fn parts(&self) -> Vec<(&'static str, String)> {
        let Self {
            approvers,
            at_most,
            refuse,
            extraction,
            warning,
            normal_by,
            line: _,
        } = self;
        let refuse = refuse.iter().map(ToString::to_string);
        vec![
            ("posture.high.approvers", approvers.to_string()),
            ("posture.high.at-most", at_most.to_string()),
            ("posture.high.refuse", refuse.collect::<Vec<_>>().join(", ")),
            ("posture.high.extraction", extraction.parts().join(", ")),
            ("posture.high.warning", warning.to_string()),
            ("posture.high.normal-by", normal_by.to_string()),
        ]
    }

    /// The most that may pass, by its keys, for people.
    #[must_use]
    pub fn ceilings(&self) -> Vec<String> {
        self.extraction.parts()
    }
}

/// Reads `[posture.high]` of a client of these operators and flows.
pub(super) fn posture(root: &Table<'_>, operators: &[Operator], flows: &[Flow]) -> PostureRules {
    let in_force = operators.iter().filter(|operator| !operator.disabled);
    let operators = in_force.count();
    let mut rules = PostureRules::built_in(operators);
    let Some(posture) = root.maybe_table("posture", TABLE) else {
        return rules;
    };
    let table = posture.table("high", TABLE);
    posture.finish();
    let Some(table) = table else { return rules };
    rules.line = table.line;
    for (key, number) in [
        ("approvers", &mut rules.approvers),
        ("normal-by", &mut rules.normal_by),
    ] {
        *number = people(&table, key, operators).unwrap_or(*number);
    }
    let within = |longest: Span| {
        move |text: &str| match Span::parse(text) {
            Ok(span) if span <= longest => Ok(span),
            Ok(span) => Err(format!("{span} is too long")),
            Err(error) => Err(error.to_string()),
        }
    };
    let at_most = table.maybe_parsed("at-most", AT_MOST, within(CEILING));
    rules.at_most = at_most.map_or(rules.at_most, |at| at.value);
    let warning = table.maybe_parsed("warning", WARNING, within(LONGEST_WARNING));
    rules.warning = warning.map_or(rules.warning, |at| at.value);
    if let Some(At { value, line: _ }) = table.maybe_list("refuse", REFUSE, Refused::parse) {
        let named = value.iter();
        named.for_each(|refused| is_given(&table, refused, flows));
        rules.refuse = value.into_iter().map(|at| at.value).collect();
    }
    if let Some(extraction) = table.maybe_table("extraction", EXTRACTION) {
        rules.extraction = Ceilings::read(&extraction);
    }
    table.finish();
    rules
}

/// A number of operators, of whom there are so many.
fn people(table: &Table<'_>, key: &str, operators: usize) -> Option<u32> {
    let accepted =
        format!("1 to {operators}: this client has so many operators who are not disabled");
    let At { value, line } = table.maybe_number(key, &accepted)??;
    let number = u32::try_from(value).ok();
    let fits =
        |number: &u32| usize::try_from(*number).is_ok_and(|it| (1..=operators).contains(&it));
    let number = number.filter(fits);
    if number.is_none() {
        table.error(line, key, format_args!("{value} does not fit"), &accepted);
    }
    number
}

/// A line that no flow has bars nothing, and a limit that is not enforced must not look enforced.
fn is_given(table: &Table<'_>, refused: &At<Refused>, flows: &[Flow]) {
    let Refused::Line(line) = &refused.value else {
        return;
    };
    let written = line.to_string();
    let mut entries = flows.iter().flat_map(|flow| &flow.allow);
    if written != "command: *" && !entries.any(|entry| refused.value.is(entry)) {
        let problem = format_args!(
            "no flow has the line `{written}`, so this bars nothing, also where a wider line gives the same"
        );
        let families = Capability::FAMILIES.map(|family| format!("\"{family}\""));
        let accepted = format!(
            "a line as a flow has it, or a family ({}); {}",
            families.join(", "),
            capability::ACCEPTED
        );
        table.error(refused.line, "refuse", problem, &accepted);
    }
}
