//! What left and entered through one intervention, and what was done about it, as the log has it (X1, X3).
//!
//! A session that its own gateway ended was counted to the byte. Of one whose gateway died the recording holds every byte that
//! passed, and perhaps some that no longer did; where the gateway could not read that, what was drawn from its budgets is all
//! that is known. Each is told apart, and so is what has passed so far where a session goes on.

mod confirmed;

use std::collections::BTreeMap;

use ecluse_policy::extraction::{Account, Way};
use ecluse_policy::{Intervention, SessionId};
use serde::{Deserialize, Serialize};

pub(crate) use self::confirmed::Waited;
use crate::audit::{AuditKind, AuditRecord};
use crate::gateway::Gateway;
use crate::live::presence::{self, Presence};
use crate::passage::by_channel::{OfChannel, channels_of};
use crate::store::{AuditQuery, Store, StoreError};

/// The sums of an intervention. **Unit** of bytes: payload bytes, from the target and towards it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Totals {
    /// Sessions that began.
    pub(crate) sessions: u64,
    /// Those of them whose end is on record.
    pub(crate) ended: u64,
    /// All that passed.
    pub(crate) all: [u64; 2],
    /// What of it on shells.
    pub(crate) shells: [u64; 2],
    /// What of it on commands.
    pub(crate) commands: [u64; 2],
    /// What of it so far, in sessions that go on here.
    pub(crate) so_far: Part,
    /// What of it is recorded of sessions that ended with their gateway: at least what passed.
    pub(crate) recorded: Part,
    /// What of it was drawn from budgets, in sessions of which no more is known.
    pub(crate) drawn: Part,
    /// Channel by channel, in order.
    pub(crate) channels: Vec<InSession>,
    /// How often a budget was used up.
    pub(crate) limits: u64,
    /// How often operators added something.
    pub(crate) topped_up: u64,
    /// How often they held a session by hand.
    pub(crate) held: u64,
    /// How often they slowed one.
    pub(crate) slowed: u64,
    /// How often they cut one.
    pub(crate) cut: u64,
    /// How often they asked about one.
    pub(crate) asked: u64,
    /// How often they were answered.
    pub(crate) answered: u64,
    /// How often a signal or a tripwire was told.
    pub(crate) signals: u64,
    /// How many receipts of files there are.
    pub(crate) receipts: u64,
    /// How often an operator said yes to what waited for it while it was used.
    pub(crate) confirmed: u64,
    /// How often one said no, or nobody said anything in time.
    pub(crate) denied: u64,
    /// What waited for a yes, in order, and what was said of it.
    pub(crate) waited: Vec<Waited>,
    /// How many sessions a posture ended.
    pub(crate) by_posture: u64,
    /// How often a session that is to be accompanied was left alone.
    pub(crate) left_alone: u64,
    /// Who accompanied which, from when to when.
    pub(crate) accompanied: Vec<Presence>,
}

/// What of a sum is not counted to the byte.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    /// In so many sessions.
    pub(crate) sessions: u64,
    /// To the technician and to the target.
    pub(crate) bytes: [u64; 2],
}

/// What passed on a channel of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InSession {
    /// The session, by its number.
    pub(crate) session: u64,
    /// The channel.
    #[serde(flatten)]
    pub(crate) of: OfChannel,
}

/// How the end of a session begins that a posture ended.
const BY_POSTURE: &str = "heightened posture of ";

/// How much is known of what passed in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Exactly,
    SoFar,
    Recorded,
    Drawn,
}

/// A session, as its entries tell of it.
#[derive(Debug, Default)]
struct Story {
    number: u64,
    ended: bool,
    counted: Option<Counted>,
    recorded: Option<Vec<OfChannel>>,
}

/// What passed, and where.
#[derive(Debug, Default)]
struct Counted {
    all: [u64; 2],
    channels: Vec<OfChannel>,
}

impl Counted {
    fn of(channels: Vec<OfChannel>) -> Self {
        let mut all = [0, 0];
        for channel in &channels {
            add(&mut all, [channel.out, channel.into]);
        }
        Self { all, channels }
    }
}

impl Story {
    fn reads(&mut self, record: &AuditRecord) {
        let number = |key: &str| record.detail.get(key).and_then(|value| value.as_u64());
        if let Some(number) = number("number") {
            self.number = number;
        }
        if record.kind == AuditKind::SessionEnd {
            self.ended = true;
            let all = ["to-technician", "to-target"].map(number);
            // None where nobody was left to count.
            if let [Some(out), Some(into)] = all {
                let channels = channels_of(record).unwrap_or_else(|| before_channels(record));
                let all = [out, into];
                self.counted = Some(Counted { all, channels });
            }
        } else if record.kind == AuditKind::RecordingSealed
            && let Some(channels) = channels_of(record)
        {
            self.recorded = Some(channels);
        }
    }
}

/// What an entry has that was written before channels were told one by one.
fn before_channels(record: &AuditRecord) -> Vec<OfChannel> {
    let of = |(key, shell)| {
        let both = record.detail.get(key)?.as_array()?;
        let mut both = both.iter().filter_map(|one| one.as_u64());
        Some(OfChannel {
            shell,
            out: both.next()?,
            into: both.next()?,
            ..OfChannel::default()
        })
    };
    [("shells", true), ("commands", false)]
        .into_iter()
        .filter_map(of)
        .collect()
}

impl Totals {
    /// Something was done about what passes.
    fn acts(&mut self, record: &AuditRecord) {
        let kind = record.kind;
        let count = if kind == AuditKind::Extraction {
            // A warning is no end.
            (record.reason.as_deref() != Some("warn")).then_some(&mut self.limits)
        } else if kind == AuditKind::TopUp {
            // Where there was as much left, nothing is added.
            let added = record
                .detail
                .get("added")
                .and_then(|added| added.as_array());
            let adds = added.is_none_or(|added| !added.is_empty());
            adds.then_some(&mut self.topped_up)
        } else if kind == AuditKind::Hold {
            Some(&mut self.held)
        } else if kind == AuditKind::Slow {
            let slows = record.detail.contains_key("rate");
            slows.then_some(&mut self.slowed)
        } else if kind == AuditKind::Cut {
            Some(&mut self.cut)
        } else if kind == AuditKind::Question {
            Some(&mut self.asked)
        } else if kind == AuditKind::Answer {
            Some(&mut self.answered)
        } else if kind == AuditKind::Signal {
            Some(&mut self.signals)
        } else if kind == AuditKind::Receipt {
            Some(&mut self.receipts)
        } else if kind == AuditKind::SessionEnd {
            let reason = record.reason.as_deref().unwrap_or_default();
            let ended = reason.starts_with(BY_POSTURE);
            ended.then_some(&mut self.by_posture)
        } else {
            None
        };
        if let Some(count) = count {
            *count += 1;
        }
    }

    /// What happened and was done, each by its text and as often; what never was is left out.
    pub(crate) fn done(&self) -> impl Iterator<Item = (&'static str, u64)> {
        [
            ("totals-limits", self.limits),
            ("totals-topped-up", self.topped_up),
            ("totals-held", self.held),
            ("totals-slowed", self.slowed),
            ("totals-cut", self.cut),
            ("totals-asked", self.asked),
            ("totals-answered", self.answered),
            ("totals-signals", self.signals),
            ("totals-receipts", self.receipts),
            ("totals-confirms", self.confirmed),
            ("totals-denials", self.denied),
            ("totals-posture", self.by_posture),
            ("totals-left-alone", self.left_alone),
        ]
        .into_iter()
        .filter(|(_, count)| *count > 0)
    }

    /// What waited for a yes.
    fn waits(&mut self, waited: Vec<Waited>) {
        let said = |yes: bool| {
            let said = waited.iter().filter_map(|one| one.said.as_ref());
            said.filter(|said| said.is_yes == yes).count() as u64
        };
        (self.confirmed, self.denied) = (said(true), said(false));
        self.waited = waited;
    }

    fn session(&mut self, story: &Story, counted: Counted, known: Known) {
        self.sessions += 1;
        self.ended += u64::from(story.ended);
        let Counted { all, channels } = counted;
        add(&mut self.all, all);
        for channel in &channels {
            let kind = if channel.shell {
                &mut self.shells
            } else {
                &mut self.commands
            };
            add(kind, [channel.out, channel.into]);
        }
        let part = match known {
            Known::Exactly => None,
            Known::SoFar => Some(&mut self.so_far),
            Known::Recorded => Some(&mut self.recorded),
            Known::Drawn => Some(&mut self.drawn),
        };
        if let Some(part) = part {
            part.sessions += 1;
            add(&mut part.bytes, all);
        }
        let of = |of| InSession {
            session: story.number,
            of,
        };
        self.channels.extend(channels.into_iter().map(of));
    }
}

fn add(sum: &mut [u64; 2], more: [u64; 2]) {
    for (sum, more) in sum.iter_mut().zip(more) {
        *sum = sum.saturating_add(more);
    }
}

/// The sums of an intervention, with what has passed so far in sessions that go on here.
///
/// # Errors
/// The store failed.
pub(crate) async fn totals(house: &Gateway, of: &Intervention) -> Result<Totals, StoreError> {
    let mut here = BTreeMap::new();
    for session in house.live.all() {
        if session.facts().intervention == of.id() {
            here.insert(session.facts().id, session.passed().by_channel());
        }
    }
    on_record(&house.store, of, here).await
}

/// The sums of an intervention by what is on record, beside what passed so far in these sessions.
///
/// # Errors
/// The store failed.
pub(crate) async fn on_record(
    store: &Store,
    of: &Intervention,
    mut here: BTreeMap<SessionId, Vec<OfChannel>>,
) -> Result<Totals, StoreError> {
    let (intervention, requested_at) = (of.id(), of.request().requested_at);
    const SESSIONS: &[AuditKind] = &[
        AuditKind::SessionStart,
        AuditKind::SessionEnd,
        AuditKind::RecordingSealed,
    ];
    const LOOKED_FOR: [&[AuditKind]; 6] = [
        SESSIONS,
        &[AuditKind::Extraction, AuditKind::TopUp, AuditKind::Cut],
        &[AuditKind::Hold, AuditKind::Slow],
        &[AuditKind::Question, AuditKind::Answer, AuditKind::Signal],
        &[AuditKind::Receipt],
        &[AuditKind::ConfirmAsked, AuditKind::ConfirmAnswered],
    ];
    let mut totals = Totals::default();
    let mut waited = confirmed::Reading::default();
    let mut stories: BTreeMap<SessionId, Story> = BTreeMap::new();
    for kinds in LOOKED_FOR {
        let query = AuditQuery {
            intervention: Some(intervention),
            kinds: kinds.to_vec(),
            limit: Some(u32::MAX),
            ..AuditQuery::default()
        };
        for stored in store.audit(&query).await? {
            let record = &stored.record;
            totals.acts(record);
            waited.reads(&stored);
            if let (Some(session), true) = (record.session, is_of_session(record.kind)) {
                stories.entry(session).or_default().reads(record);
            }
        }
    }
    let mut stories: Vec<(SessionId, Story)> = stories.into_iter().collect();
    stories.sort_by_key(|(_, story)| story.number);
    for (session, mut story) in stories {
        let so_far = here.remove(&session).filter(|_| !story.ended);
        let (counted, known) = if let Some(counted) = story.counted.take() {
            (counted, Known::Exactly)
        } else if let Some(channels) = so_far {
            (Counted::of(channels), Known::SoFar)
        } else if let Some(channels) = story.recorded.take() {
            (Counted::of(channels), Known::Recorded)
        } else {
            (drawn(store, session).await?, Known::Drawn)
        };
        totals.session(&story, counted, known);
    }
    let presences = presence::of(store, intervention, None, requested_at).await?;
    totals.left_alone = presences.left;
    totals.waits(waited.all());
    totals.accompanied = presences.all;
    Ok(totals)
}

fn is_of_session(kind: AuditKind) -> bool {
    [
        AuditKind::SessionStart,
        AuditKind::SessionEnd,
        AuditKind::RecordingSealed,
    ]
    .contains(&kind)
}

/// What a session has drawn from its own budgets.
async fn drawn(store: &Store, session: SessionId) -> Result<Counted, StoreError> {
    let accounts = [Way::Down, Way::Up].map(|way| Account::of_session(session, way));
    let booked = store.booked(&accounts).await?;
    let mut spent = booked.iter().map(|booked| booked.spent);
    let all = [spent.next().unwrap_or(0), spent.next().unwrap_or(0)];
    Ok(Counted {
        all,
        channels: Vec::new(),
    })
}

/// What is recorded of a session that ended with its gateway, to the technician and to the target; none where that is not known.
///
/// # Errors
/// The store failed.
pub(crate) async fn recorded_of(
    store: &Store,
    session: SessionId,
) -> Result<Option<[u64; 2]>, StoreError> {
    let query = AuditQuery {
        session: Some(session),
        kinds: vec![AuditKind::RecordingSealed],
        limit: Some(u32::MAX),
        ..AuditQuery::default()
    };
    let mut found = None;
    for stored in store.audit(&query).await? {
        found = channels_of(&stored.record).or(found);
    }
    Ok(found.map(|channels| Counted::of(channels).all))
}

#[cfg(test)]
mod tests;
