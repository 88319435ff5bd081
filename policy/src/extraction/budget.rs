//! What is written of one level, all of it for one channel, and under which names it is counted.

use std::fmt;

use super::bytes::{ByteCount, ByteRate, Percent};
use super::tree::Threshold;
use super::zone::{CivilDay, Zone};
use crate::name::{ClientId, InterventionId, PersonId, SessionId, TargetId};
use crate::time::Timestamp;

/// Whose bytes are counted together, the widest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Everything that passes through one gateway, of a day.
    Node,
    /// Everything of a client's targets, of a day.
    Client,
    /// Everything of one target, of a day.
    Target,
    /// Everything of one technician at one client, of a day.
    TechnicianDay,
    /// One intervention, however long and with however many sessions.
    Intervention,
    /// One session.
    Session,
    /// One channel of a session.
    Channel,
}

impl Level {
    /// Every level, the widest first.
    pub const ALL: [Self; 7] = [
        Self::Node,
        Self::Client,
        Self::Target,
        Self::TechnicianDay,
        Self::Intervention,
        Self::Session,
        Self::Channel,
    ];

    /// One word, for accounts, records and finding a translation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Client => "client",
            Self::Target => "target",
            Self::TechnicianDay => "technician-day",
            Self::Intervention => "intervention",
            Self::Session => "session",
            Self::Channel => "channel",
        }
    }

    /// Whether it begins anew each day.
    #[must_use]
    pub const fn is_daily(self) -> bool {
        match self {
            Self::Node | Self::Client | Self::Target | Self::TechnicianDay => true,
            Self::Intervention | Self::Session | Self::Channel => false,
        }
    }

    /// Whether channels of several gateways are counted for it.
    #[must_use]
    pub const fn spans_gateways(self) -> bool {
        match self {
            Self::Client | Self::Target | Self::TechnicianDay | Self::Intervention => true,
            Self::Node | Self::Session | Self::Channel => false,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// From the target to the technician: extraction.
    Down,
    /// From the technician to the target.
    Up,
}

impl Way {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Down, Self::Up];

    /// One word, for accounts and records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Up => "up",
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// How much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limit {
    /// So many bytes; none when zero.
    Bytes(ByteCount),
    /// Any number: a derogation, while it holds.
    Unlimited,
}

impl Limit {
    /// The bytes, where there is a limit.
    #[must_use]
    pub const fn bytes(self) -> Option<ByteCount> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Unlimited => None,
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => bytes.fmt(formatter),
            Self::Unlimited => formatter.pad("unlimited"),
        }
    }
}

/// What happens when a budget is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AtLimit {
    /// Nothing more passes, and what it counts ends.
    End,
    /// It goes on at this pace up to this share of the budget, and is held there.
    Slow {
        /// The pace behind the limit.
        rate: ByteRate,
        /// Where it is held.
        ceiling: Percent,
    },
    /// Nothing more passes until an operator adds to it; what it counts stays open.
    Hold,
}

/// One budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Whose bytes it counts.
    pub level: Level,
    /// Which way.
    pub way: Way,
    /// How many.
    pub bytes: Limit,
    /// From which share of it on people are told.
    pub warn: Percent,
    /// What happens when it is spent.
    pub at_limit: AtLimit,
}

impl Budget {
    /// From how many bytes on people are told; none where there is no limit.
    #[must_use]
    pub fn warn_at(&self) -> Option<ByteCount> {
        self.bytes.bytes().map(|limit| self.warn.of(limit))
    }

    /// How many bytes pass at the very most: the limit, or the ceiling of a slowed one. None where there is no limit.
    #[must_use]
    pub fn ceiling(&self) -> Option<ByteCount> {
        let limit = self.bytes.bytes()?;
        Some(match self.at_limit {
            AtLimit::End | AtLimit::Hold => limit,
            AtLimit::Slow { rate: _, ceiling } => ceiling.of(limit),
        })
    }

    /// At how many bytes a mark of it is reached; none where there is no limit.
    #[must_use]
    pub fn at(&self, what: Threshold) -> Option<ByteCount> {
        match what {
            Threshold::Warn => self.warn_at(),
            Threshold::Limit => self.bytes.bytes(),
            Threshold::Ceiling => self.ceiling(),
        }
    }

    /// Up to what its account may grow in one step from here: before the limit to the limit, so that nothing behind it
    /// passes at the pace before it; behind it to the ceiling.
    #[must_use]
    pub fn reach(&self, spent: ByteCount) -> ByteCount {
        match self.bytes {
            Limit::Unlimited => ByteCount::MAX,
            Limit::Bytes(limit) if spent < limit => limit,
            Limit::Bytes(limit) => self.ceiling().unwrap_or(limit),
        }
    }

    /// Whether what is used up stays open and waits for somebody who adds to it; a gateway's day is nobody's to add to, and
    /// ends what it counts.
    #[must_use]
    pub const fn holds(&self) -> bool {
        match (self.level, self.at_limit) {
            (Level::Node, _) | (_, AtLimit::End) => false,
            (
                Level::Client
                | Level::Target
                | Level::TechnicianDay
                | Level::Intervention
                | Level::Session
                | Level::Channel,
                AtLimit::Slow { .. } | AtLimit::Hold,
            ) => true,
        }
    }

    /// The same with so much more, where it has a limit.
    #[must_use]
    pub fn with_more(self, more: ByteCount) -> Self {
        let bytes = match self.bytes {
            Limit::Bytes(limit) => Limit::Bytes(limit.plus(more)),
            Limit::Unlimited => Limit::Unlimited,
        };
        Self { bytes, ..self }
    }

    /// The pace from here on, where its limit is behind.
    #[must_use]
    pub fn pace(&self, spent: ByteCount) -> Option<ByteRate> {
        match (self.bytes, self.at_limit) {
            (Limit::Bytes(limit), AtLimit::Slow { rate, ceiling: _ }) if limit <= spent => {
                Some(rate)
            }
            (Limit::Bytes(_), AtLimit::Slow { .. } | AtLimit::End | AtLimit::Hold)
            | (Limit::Unlimited, _) => None,
        }
    }
}

/// Everything that counts what one channel sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budgets {
    /// The budgets, the widest level first.
    pub list: Vec<Budget>,
    /// The pace from the target, of the whole session; none is as fast as it goes.
    pub rate_down: Option<ByteRate>,
    /// The same towards it.
    pub rate_up: Option<ByteRate>,
    /// Where the client's days begin.
    pub zone: Zone,
    /// Where the gateway's own days begin.
    pub node_zone: Zone,
}

impl Default for Budgets {
    /// No budget: of documents from before there were any.
    fn default() -> Self {
        Self {
            list: Vec::new(),
            rate_down: None,
            rate_up: None,
            zone: Zone::UTC,
            node_zone: Zone::UTC,
        }
    }
}

/// What a channel's bytes are counted for.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The gateway that serves it, by a name that no other one has.
    pub node: &'a str,
    /// Whose target.
    pub client: &'a ClientId,
    /// Which target.
    pub target: &'a TargetId,
    /// Who.
    pub person: &'a PersonId,
    /// By which intervention.
    pub intervention: InterventionId,
    /// In which session.
    pub session: SessionId,
    /// In which channel of it.
    pub channel: u64,
}

/// Where one level's bytes are added up: every channel that has the same name has the same account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account {
    /// The name. **Shape**: `down/client/hopital/2026-11-30`; no two different things share one.
    pub key: String,
    /// When another account takes its place, at the end of its day; none where it lasts. **Range**: end excluded.
    pub until: Option<Timestamp>,
}

impl Account {
    /// Whether a name is that of an account for which channels of several gateways are counted.
    #[must_use]
    pub fn spans_gateways(key: &str) -> bool {
        let name = key.split('/').nth(1);
        let mut spanning = Level::ALL.iter().filter(|level| level.spans_gateways());
        spanning.any(|level| Some(level.name()) == name)
    }

    /// The name of the account of one session, one way.
    #[must_use]
    pub fn of_session(session: SessionId, way: Way) -> String {
        format!("{way}/{}/{session}", Level::Session)
    }

    /// Whether a name is that of an account of a day before `day`, of one of this client's.
    #[must_use]
    pub fn is_of_client_before(key: &str, client: &ClientId, day: CivilDay) -> bool {
        let mut parts = key.split('/').skip(1);
        let daily = Level::ALL.iter().filter(|level| level.is_daily());
        let of_clients: Vec<&str> = daily
            .filter(|level| **level != Level::Node)
            .map(|level| level.name())
            .collect();
        let [level, its_day, owner] = [parts.next(), parts.next(), parts.next()];
        // Days are written so that they sort.
        level.is_some_and(|level| of_clients.contains(&level))
            && owner == Some(client.as_str())
            && its_day.is_some_and(|its_day| its_day < day.to_string().as_str())
    }
}

/// One budget and the account that it limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// The budget.
    pub budget: Budget,
    /// Its account.
    pub account: Account,
}

impl Budgets {
    /// What has to be charged for bytes that go this way at `now`, the widest level first: the same order for everybody,
    /// so that two who lock them one by one never wait for each other.
    #[must_use]
    pub fn charges(&self, place: &Place<'_>, way: Way, now: Timestamp) -> Vec<Charge> {
        let mine = self.list.iter().filter(|budget| budget.way == way);
        mine.map(|budget| Charge {
            budget: *budget,
            account: self.account(budget.level, way, place, now),
        })
        .collect()
    }

    /// The account of one level at `now`.
    #[must_use]
    pub fn account(&self, level: Level, way: Way, place: &Place<'_>, now: Timestamp) -> Account {
        let Place {
            node,
            client,
            target,
            person,
            intervention,
            session,
            channel,
        } = place;
        let zone = match level {
            Level::Node => &self.node_zone,
            Level::Client
            | Level::Target
            | Level::TechnicianDay
            | Level::Intervention
            | Level::Session
            | Level::Channel => &self.zone,
        };
        let day = || zone.day(now);
        // The day stands before a gateway's name, which is the only one that may hold a `/`.
        let name = match level {
            Level::Node => dated(day(), node),
            Level::Client => dated(day(), client),
            Level::Target => dated(day(), format_args!("{client}/{target}")),
            Level::TechnicianDay => dated(day(), format_args!("{client}/{person}")),
            Level::Intervention => intervention.to_string(),
            Level::Session => session.to_string(),
            Level::Channel => format!("{session}/{channel}"),
        };
        Account {
            key: format!("{way}/{level}/{name}"),
            until: level.is_daily().then(|| zone.next_midnight(now)),
        }
    }

    /// The budget of one level, where there is one.
    #[must_use]
    pub fn of(&self, level: Level, way: Way) -> Option<&Budget> {
        let mut mine = self.list.iter();
        mine.find(|budget| budget.level == level && budget.way == way)
    }

    /// The pace one way.
    #[must_use]
    pub const fn rate(&self, way: Way) -> Option<ByteRate> {
        match way {
            Way::Down => self.rate_down,
            Way::Up => self.rate_up,
        }
    }

    /// Whether nothing of it counts or slows anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty() && self.rate_down.is_none() && self.rate_up.is_none()
    }
}

fn dated(day: CivilDay, name: impl fmt::Display) -> String {
    format!("{day}/{name}")
}

impl fmt::Display for Budgets {
    /// For people, on one line: `200 MiB an intervention, 50 MiB a session, 1 MiB/s; told from 70%, at the limit 8 KiB/s up
    /// to 110%, then held`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return formatter.write_str("no limit of what may leave");
        }
        let mut parts: Vec<String> = Vec::new();
        for way in Way::ALL {
            let mut mine: Vec<String> = self
                .list
                .iter()
                .filter(|budget| budget.way == way)
                .map(|budget| format!("{} {}", budget.bytes, each(budget.level)))
                .collect();
            mine.extend(self.rate(way).map(|rate| rate.to_string()));
            if mine.is_empty() {
                continue;
            }
            let towards = match way {
                Way::Down => "",
                Way::Up => "towards the target ",
            };
            parts.push(format!("{towards}{}", mine.join(", ")));
        }
        let mut groups: Vec<((Percent, AtLimit), Vec<&str>)> = Vec::new();
        for budget in self.list.iter().filter(|one| one.bytes.bytes().is_some()) {
            let (terms, name) = ((budget.warn, budget.at_limit), each(budget.level));
            match groups.iter_mut().find(|(same, _)| *same == terms) {
                Some((_, names)) if names.contains(&name) => {}
                Some((_, names)) => names.push(name),
                None => groups.push((terms, vec![name])),
            }
        }
        let only = groups.len() == 1;
        parts.extend(groups.iter().map(|((warn, at_limit), names)| {
            let then = match at_limit {
                AtLimit::End => "ended at the limit".to_owned(),
                AtLimit::Slow { rate, ceiling } => {
                    format!("at the limit {rate} up to {ceiling}, then held")
                }
                AtLimit::Hold => "held at the limit".to_owned(),
            };
            if only {
                format!("told from {warn}, {then}")
            } else {
                format!("{}: told from {warn}, {then}", names.join(", "))
            }
        }));
        formatter.write_str(&parts.join("; "))
    }
}

const fn each(level: Level) -> &'static str {
    match level {
        Level::Node => "a day through the gateway",
        Level::Client => "a day of the client",
        Level::Target => "a day of the target",
        Level::TechnicianDay => "a day of the technician",
        Level::Intervention => "an intervention",
        Level::Session => "a session",
        Level::Channel => "a channel",
    }
}
