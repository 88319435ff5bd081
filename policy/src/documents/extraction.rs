//! `extraction = { … }` as it is written in one place, and what holds where several places say something.
//!
//! A flow, its target, its client and the gateway itself may each say something. A key that one does not say is the next
//! one's ([`Documents::budgets`]). `"unlimited"` is a derogation like any other: somebody answers for it, and after its
//! last day it counts as not written (P15).

mod unlimited;

use std::collections::BTreeMap;

use super::derogation;
use super::error::DocumentError;
use super::reader::{At, Reader, Table};
use super::{Client, Documents, Flow, Target};
use crate::derogation::Derogation;
use crate::extraction::bytes::{ACCEPTED_CEILING, ACCEPTED_RATE, ACCEPTED_WARN};
use crate::extraction::zone::ACCEPTED_ZONE;
use crate::extraction::{
    AtLimit, Budget, Budgets, ByteCount, ByteRate, Level, Limit, Percent, Way, Zone,
};
use crate::name::shown;
use crate::time::Timestamp;

const TABLE: &str = "a table such as { session = \"50 MiB\", intervention = \"200 MiB\" }";
pub(super) const BYTES: &str = "a number of bytes such as \"50 MiB\" (\"0 B\" lets nothing pass), or \"unlimited\" beside owner and until";
const AT_LIMIT: &str = "\"end\" (nothing more passes), \"slow\" (it goes on at slow-rate up to ceiling, and is held there), or \"hold\" (it waits for an operator)";
/// What `check` prints where nothing is said.
const LINE: &str = "extraction = { session = \"50 MiB\", intervention = \"200 MiB\" }";

/// What has to be said by somebody: without both, many small sessions would be as good as no limit, or one large one.
const REQUIRED: [Level; 2] = [Level::Session, Level::Intervention];

/// What happens at a limit, as it is written; with what stands beside it, or further out, an [`AtLimit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    End,
    Slow,
    Hold,
}

/// Where an `extraction` stands: which keys it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// A line of the matrix.
    Flow,
    /// A target.
    Target,
    /// A client.
    Client,
    /// The gateway itself.
    Node,
}

impl Of {
    /// The level that its `day` is of.
    const fn day(self) -> Option<Level> {
        match self {
            Self::Flow => None,
            Self::Target => Some(Level::Target),
            Self::Client => Some(Level::Client),
            Self::Node => Some(Level::Node),
        }
    }

    /// The levels that it may speak of, by their keys.
    pub(super) fn keys(self) -> impl Iterator<Item = (&'static str, &'static str, Level)> {
        let day = self.day().map(|level| ("day", "up-day", level));
        [
            ("session", "up-session", Level::Session),
            ("intervention", "up-intervention", Level::Intervention),
            ("technician-day", "up-technician-day", Level::TechnicianDay),
            ("channel", "up-channel", Level::Channel),
        ]
        .into_iter()
        .chain(day)
    }
}

/// The budgets that one place says. Empty where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extraction {
    limits: BTreeMap<(Level, Way), Limit>,
    rates: BTreeMap<Way, ByteRate>,
    warn: Option<Percent>,
    at_limit: Option<Choice>,
    slow_rate: Option<ByteRate>,
    ceiling: Option<Percent>,
    derogation: Option<Derogation>,
    /// Where it stands; zero where it is not written.
    line: u32,
}

impl Extraction {
    /// Whether anything is written.
    #[must_use]
    pub const fn is_written(&self) -> bool {
        self.line != 0
    }

    /// What it says of one level, where that holds at `now`.
    fn limit(&self, level: Level, way: Way, now: Timestamp) -> Option<Limit> {
        let limit = self.limits.get(&(level, way)).copied()?;
        let holds = match limit {
            Limit::Bytes(_) => true,
            Limit::Unlimited => self.derogation.as_ref().is_some_and(|it| it.holds_at(now)),
        };
        holds.then_some(limit)
    }

    /// Whether it speaks of a level, in force or not.
    fn says(&self, level: Level) -> bool {
        self.limits.contains_key(&(level, Way::Down))
    }

    /// The derogation for what is unlimited, where it is over at `now`.
    pub(super) fn over(&self, now: Timestamp) -> Option<(u32, &Derogation)> {
        let over = self.derogation.as_ref()?;
        (!over.holds_at(now)).then_some((self.line, over))
    }

    /// Each thing that it says by its key, for people.
    pub(super) fn parts(&self) -> Vec<(&'static str, String)> {
        let Self {
            limits,
            rates,
            warn,
            at_limit,
            slow_rate,
            ceiling,
            derogation,
            line: _,
        } = self;
        let mut parts = Vec::new();
        for ((level, way), limit) in limits {
            let answered = match (limit, derogation) {
                (Limit::Unlimited, Some(derogation)) => format!("{limit} ({derogation})"),
                (Limit::Unlimited, None) | (Limit::Bytes(_), _) => limit.to_string(),
            };
            parts.push((key_in_full(*level, *way), answered));
        }
        for (way, rate) in rates {
            let key = match way {
                Way::Down => "extraction.rate",
                Way::Up => "extraction.up-rate",
            };
            parts.push((key, rate.to_string()));
        }
        let mut part = |key, text: Option<String>| parts.extend(text.map(|text| (key, text)));
        part("extraction.warn", warn.map(|warn| warn.to_string()));
        let choice = at_limit.map(|choice| match choice {
            Choice::End => "end".to_owned(),
            Choice::Slow => "slow".to_owned(),
            Choice::Hold => "hold".to_owned(),
        });
        part("extraction.at-limit", choice);
        part("extraction.slow-rate", slow_rate.map(|it| it.to_string()));
        part("extraction.ceiling", ceiling.map(|it| it.to_string()));
        parts
    }

    /// Reads the `extraction` of a flow, a target, a client or the gateway, where there is one.
    pub(super) fn read(owner: &Table<'_>, of: Of) -> Self {
        let Some(table) = owner.maybe_table("extraction", TABLE) else {
            return Self::default();
        };
        let read = Self::of_table(&table, of);
        table.finish();
        read
    }

    fn of_table(table: &Table<'_>, of: Of) -> Self {
        let mut read = Self {
            line: table.line,
            ..Self::default()
        };
        for (down, up, level) in of.keys() {
            for (key, way) in [(down, Way::Down), (up, Way::Up)] {
                let limit = table.maybe_parsed(key, BYTES, limit);
                read.limits.extend(limit.map(|at| ((level, way), at.value)));
            }
        }
        for (key, way) in [("rate", Way::Down), ("up-rate", Way::Up)] {
            let rate = table.maybe_parsed(key, ACCEPTED_RATE, ByteRate::parse);
            read.rates.extend(rate.map(|at| (way, at.value)));
        }
        let warn = table.maybe_parsed("warn", ACCEPTED_WARN, Percent::parse_warn);
        read.warn = warn.map(|at| at.value);
        let choice = table.maybe_parsed("at-limit", AT_LIMIT, choice);
        read.at_limit = choice.map(|at| at.value);
        let slow_rate = table.maybe_parsed("slow-rate", ACCEPTED_RATE, ByteRate::parse);
        let ceiling = table.maybe_parsed("ceiling", ACCEPTED_CEILING, Percent::parse_ceiling);
        let slows_nothing = match read.at_limit {
            Some(Choice::End) => Some(
                "slows nothing beside at-limit = \"end\", and a limit that is not enforced must not look enforced",
            ),
            Some(Choice::Hold) => Some(
                "slows nothing beside at-limit = \"hold\", and a limit that is not enforced must not look enforced",
            ),
            Some(Choice::Slow) | None => None,
        };
        if let Some(problem) = slows_nothing {
            let lines = [
                ("slow-rate", slow_rate.as_ref().map(|at| at.line)),
                ("ceiling", ceiling.as_ref().map(|at| at.line)),
            ];
            for (key, line) in lines {
                if let Some(line) = line {
                    table.error(line, key, problem, "at-limit = \"slow\", or no such key");
                }
            }
        }
        read.slow_rate = slow_rate.map(|at| at.value);
        read.ceiling = ceiling.map(|at| at.value);
        read.derogation = answered(
            table,
            read.limits.values().any(|it| *it == Limit::Unlimited),
        );
        read
    }
}

/// The owner and end of what is unlimited, where something is.
fn answered(table: &Table<'_>, unlimited: bool) -> Option<Derogation> {
    if unlimited {
        return derogation::required(table, "unlimited");
    }
    if derogation::maybe(table, "unlimited").is_some() {
        let problem = "stands beside a derogation only, and nothing here is \"unlimited\"";
        for key in ["owner", "until"].into_iter().filter(|key| table.has(key)) {
            table.error(table.line, key, problem, "no such key");
        }
    }
    None
}

fn limit(text: &str) -> Result<Limit, String> {
    if text == "unlimited" {
        return Ok(Limit::Unlimited);
    }
    ByteCount::parse(text)
        .map(Limit::Bytes)
        .map_err(|_| format!("`{}` is not a number of bytes", shown(text)))
}

fn choice(text: &str) -> Result<Choice, String> {
    match text {
        "end" => Ok(Choice::End),
        "slow" => Ok(Choice::Slow),
        "hold" => Ok(Choice::Hold),
        other => Err(format!("`{}` is not what happens at a limit", shown(other))),
    }
}

const fn key_in_full(level: Level, way: Way) -> &'static str {
    match (level, way) {
        (Level::Node | Level::Client | Level::Target, Way::Down) => "extraction.day",
        (Level::Node | Level::Client | Level::Target, Way::Up) => "extraction.up-day",
        (Level::TechnicianDay, Way::Down) => "extraction.technician-day",
        (Level::TechnicianDay, Way::Up) => "extraction.up-technician-day",
        (Level::Intervention, Way::Down) => "extraction.intervention",
        (Level::Intervention, Way::Up) => "extraction.up-intervention",
        (Level::Session, Way::Down) => "extraction.session",
        (Level::Session, Way::Up) => "extraction.up-session",
        (Level::Channel, Way::Down) => "extraction.channel",
        (Level::Channel, Way::Up) => "extraction.up-channel",
    }
}

/// What the gateway's own settings say of budgets, and where its days begin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeRules {
    extraction: Extraction,
    zone: Option<Zone>,
}

impl NodeRules {
    /// Reads `[extraction]` out of the whole text of the gateway's settings; the rest of them is not looked at.
    ///
    /// # Errors
    /// Everything that is wrong with it, by line.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<DocumentError>> {
        Reader::read(file, text, |_, root| {
            let Some(table) = root.maybe_table("extraction", "an [extraction] table") else {
                return Some(Self::default());
            };
            let extraction = Extraction::of_table(&table, Of::Node);
            let zone = zone(&table);
            table.finish();
            Some(Self { extraction, zone })
        })
    }
}

/// Reads the `zone` of a client or of the gateway, where there is one.
pub(super) fn zone(table: &Table<'_>) -> Option<Zone> {
    let zone = table.maybe_parsed("zone", ACCEPTED_ZONE, Zone::parse);
    zone.map(|At { value, line: _ }| value)
}

impl Client {
    /// Where its days begin: as it says; else where the hours of its flows are, where all of them name one zone; else UTC.
    #[must_use]
    pub fn days_of(&self) -> Zone {
        if let Some(zone) = &self.zone {
            return zone.clone();
        }
        let mut zones = self.flows.iter().flat_map(|flow| flow.hours.zones());
        let first = zones.next();
        match first {
            Some(first) if zones.all(|zone| zone == first) => first,
            Some(_) | None => Zone::UTC,
        }
    }

    /// Whether it speaks of budgets at all: one that does not was applied before there were any.
    fn says_extraction(&self) -> bool {
        let mut flows = self.flows.iter();
        let mut targets = self.targets.iter();
        self.extraction.is_written()
            || flows.any(|flow| flow.extraction.is_written())
            || targets.any(|target| target.extraction.is_written())
    }
}

/// What is said of one flow on one target, the narrowest first.
struct Chain<'d> {
    all: [&'d Extraction; 4],
}

impl<'d> Chain<'d> {
    /// Without what is narrower than the place where a level's `day` stands.
    fn from(&self, level: Level) -> &[&'d Extraction] {
        let [_, further @ ..] = &self.all;
        let [_, client_and_node @ ..] = further;
        let [_, node @ ..] = client_and_node;
        match level {
            Level::Node => node,
            Level::Client => client_and_node,
            Level::Target => further,
            Level::TechnicianDay | Level::Intervention | Level::Session | Level::Channel => {
                &self.all
            }
        }
    }

    fn first<T>(places: &[&Extraction], of: impl Fn(&Extraction) -> Option<T>) -> Option<T> {
        places.iter().find_map(|place| of(place))
    }

    /// The budget of one level, with what stands nearest beside it.
    fn budget(&self, level: Level, way: Way, bytes: Limit) -> Budget {
        let places = self.from(level);
        let at_limit = match Self::first(places, |place| place.at_limit) {
            Some(Choice::Slow) => AtLimit::Slow {
                rate: Self::first(places, |place| place.slow_rate).unwrap_or(ByteRate::TRICKLE),
                ceiling: Self::first(places, |place| place.ceiling).unwrap_or(Percent::CEILING),
            },
            Some(Choice::Hold) => AtLimit::Hold,
            // What lets the least pass, where nothing is said.
            Some(Choice::End) | None => AtLimit::End,
        };
        Budget {
            level,
            way,
            bytes,
            warn: Self::first(places, |place| place.warn).unwrap_or(Percent::WARN),
            at_limit,
        }
    }
}

impl Documents {
    /// The same documents on a gateway whose own settings say this.
    #[must_use]
    pub fn on_node(mut self, node: NodeRules) -> Self {
        self.node = node;
        self
    }

    fn chain<'d>(&'d self, client: &'d Client, target: &'d Target, flow: &'d Flow) -> Chain<'d> {
        let node = &self.node.extraction;
        Chain {
            all: [
                &flow.extraction,
                &target.extraction,
                &client.extraction,
                node,
            ],
        }
    }

    /// What may pass by one flow on one target at `now`, where `granted` is what an approval left of the intervention's.
    #[must_use]
    pub(crate) fn budgets(
        &self,
        client: &Client,
        target: &Target,
        flow: &Flow,
        granted: Option<ByteCount>,
        now: Timestamp,
    ) -> Budgets {
        let chain = self.chain(client, target, flow);
        let mut list = Vec::new();
        for level in Level::ALL {
            for way in Way::ALL {
                let said = Chain::first(chain.from(level), |place| place.limit(level, way, now));
                // Nothing by absence: only a document that does not know of budgets has none.
                let required = way == Way::Down && REQUIRED.contains(&level);
                let said = match said {
                    None if required && client.says_extraction() => {
                        Some(Limit::Bytes(ByteCount::ZERO))
                    }
                    None | Some(_) => said,
                };
                let of_intervention = level == Level::Intervention && way == Way::Down;
                let left = granted.filter(|_| of_intervention);
                let least = match (said, left) {
                    (Some(Limit::Bytes(said)), Some(left)) => Some(Limit::Bytes(said.min(left))),
                    (Some(Limit::Unlimited) | None, Some(left)) => Some(Limit::Bytes(left)),
                    (said, None) => said,
                };
                list.extend(least.map(|bytes| chain.budget(level, way, bytes)));
            }
        }
        let rate = |way: Way| Chain::first(&chain.all, |place| place.rates.get(&way).copied());
        let said = Budgets {
            list,
            rate_down: rate(Way::Down),
            rate_up: rate(Way::Up),
            zone: client.days_of(),
            node_zone: self.node.zone.clone().unwrap_or(Zone::UTC),
        };
        self.within_posture(&client.id, said)
    }

    /// The flows of which nobody says how much may leave in a session and in an intervention, each once, with the line to
    /// add: refused in documents that are applied now, and without a limit in those that were applied before there were
    /// budgets.
    #[must_use]
    pub fn without_budget(&self) -> Vec<DocumentError> {
        let mut errors = Vec::new();
        for (client, flow) in self.flows() {
            let targets = client.targets.iter();
            let lacking = targets
                .filter(|target| flow.targets.contains(&target.id))
                .find_map(|target| {
                    let chain = self.chain(client, target, flow);
                    let silent = |level: &Level| !chain.all.iter().any(|place| place.says(*level));
                    let levels: Vec<Level> = REQUIRED.into_iter().filter(silent).collect();
                    (!levels.is_empty()).then_some((target, levels))
                });
            if let Some((target, levels)) = lacking {
                errors.push(lacks(client, target, flow, &levels));
            }
        }
        errors
    }
}

fn lacks(client: &Client, target: &Target, flow: &Flow, levels: &[Level]) -> DocumentError {
    let names: Vec<String> = levels
        .iter()
        .map(|level| match level {
            Level::Intervention => "an intervention".to_owned(),
            Level::Node
            | Level::Client
            | Level::Target
            | Level::TechnicianDay
            | Level::Session
            | Level::Channel => format!("a {level}"),
        })
        .collect();
    let also = "the same in its [[target]], in [client] or in the gateway's settings holds for every flow that says nothing";
    let accepted = match (flow.extraction.is_written(), levels) {
        (true, [Level::Session]) => format!("session = \"50 MiB\" in its extraction; {also}"),
        (true, [Level::Intervention]) => {
            format!("intervention = \"200 MiB\" in its extraction; {also}")
        }
        (true, _) => {
            format!("session = \"50 MiB\", intervention = \"200 MiB\" in its extraction; {also}")
        }
        (false, _) => format!("{LINE}; {also}"),
    };
    DocumentError {
        file: client.file.clone(),
        line: Some(if flow.extraction.is_written() {
            flow.extraction.line
        } else {
            flow.lines.flow
        }),
        key: format!("flow.{}.extraction", flow.name),
        problem: format!(
            "says no budget of {} for {}, and neither does anything that it rests on",
            names.join(" and of "),
            target.id
        ),
        accepted,
    }
}
