//! Time's part in an intervention: requests expire, windows close, sessions are warned before (I3); and those whose yeses suffice
//! once a posture is over are approved (P6).
//!
//! One task. It sleeps until the next instant at which something is due, and looks again at each change of
//! the store, and at least every few seconds, because a wall clock that is set moves every instant.
//! Sessions end through their own rights (`passage`), so a store that fails here leaves no session open
//! beyond its window; it leaves a row that says "open" until the store answers again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ecluse_policy::intervention::{Intervention, State, warnings};
use ecluse_policy::{Lang, Timestamp};
use serde_json::json;

use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::deeds::steps::about;
use crate::gateway::Gateway;
use crate::live::{LiveChannel, LiveSession};
use crate::store::{InterventionError, InterventionQuery, StateName, StoreError, Topics};
use crate::texts::times;

/// The longest sleep between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// After a failure of the store: not at once again.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Runs until the gateway stops.
pub(crate) async fn run(gateway: Arc<Gateway>) {
    // Whatever happens is a reason to look at the clock: it may have been set, and what is over ends before it is asked for.
    let mut changes = gateway.store.changes(Topics::everything());
    let mut stopping = gateway.stopping.clone();
    let mut documents = gateway.documents.clone();
    let mut warned = Warned::default();
    loop {
        changes.mark_unchanged();
        documents.mark_unchanged();
        let now = clock::agreed();
        warned.warn(&gateway);
        let sleep = match look(&gateway, now).await {
            Ok(next) => {
                let next = next.map(|next| next.since(clock::agreed()).to_std());
                let next = next.into_iter().chain(warned.next(&gateway)).min();
                next.map_or(LOOK_EVERY, |next| next.min(LOOK_EVERY))
            }
            Err(error) => {
                tracing::warn!(%error, "interventions that are due are not closed: the store failed");
                AFTER_FAILURE
            }
        };
        tokio::select! {
            _ = changes.changed() => {}
            // The yeses of a request may suffice by others.
            _ = documents.changed() => {}
            () = tokio::time::sleep(sleep) => {}
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
    }
}

/// Takes every step that is due; answers when the next one is.
async fn look(gateway: &Gateway, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let query = InterventionQuery {
        states: StateName::LIVE.to_vec(),
        ..InterventionQuery::default()
    };
    // What ends, ends before anything else is written.
    let store = gateway.store.ahead();
    let mut next: Option<Timestamp> = None;
    let (interventions, faults) = gateway.store.interventions_and_faults(&query).await?;
    for fault in &faults {
        gateway.store.tell_intervention_fault(fault, now).await?;
    }
    gateway
        .live
        .keep_times(&interventions.iter().map(|one| one.id()).collect());
    for intervention in interventions {
        // Policy takes no step of it, so none is waited for.
        if intervention.is_contradicted() {
            continue;
        }
        let Some(due) = intervention.due() else {
            continue;
        };
        // Where its sessions have come to its end, it is over, whatever is done to the clock meanwhile.
        let now = gateway.live.reached(intervention.id()).max(now);
        if now < due {
            approve_if_sufficed(gateway, &intervention, now).await?;
            next = Some(next.map_or(due, |next| next.min(due)));
            continue;
        }
        let changed = store.change_intervention(intervention.id(), |latest| {
            // Another node, or an operator, may have been first: then nothing is due any more.
            match step(latest, now) {
                Some((next, record)) => Ok::<_, std::convert::Infallible>((next, vec![record])),
                None => Ok((latest.clone(), Vec::new())),
            }
        });
        match changed.await {
            Ok(_) | Err(InterventionError::Unknown) => {}
            Err(InterventionError::Refused(never)) => match never {},
            Err(InterventionError::Store(error)) => return Err(error),
        }
    }
    Ok(next)
}

/// Approves a request whose yeses suffice by the documents in force, where they did not when they were given.
async fn approve_if_sufficed(
    gateway: &Gateway,
    waiting: &Intervention,
    now: Timestamp,
) -> Result<(), StoreError> {
    let applied = gateway.applied();
    let documents = &applied.documents;
    if waiting.approve_if_sufficed(documents, now).is_none() {
        return Ok(());
    }
    let changed = gateway.store.change_intervention(waiting.id(), |latest| {
        let Some(next) = latest.approve_if_sufficed(documents, now) else {
            return Ok::<_, std::convert::Infallible>((latest.clone(), Vec::new()));
        };
        let record = about(AuditRecord::new(AuditKind::Approval, now), &next)
            .permitted()
            .reason("the approvals given suffice by the documents and the posture in force")
            .detail("approvals", next.approvals().len())
            .detail("code", next.request().code())
            .detail("granted", next.granted().map(|granted| json!(granted)))
            .detail("documents", applied.version);
        Ok((next, vec![record]))
    });
    match changed.await {
        Ok(_) | Err(InterventionError::Unknown) => Ok(()),
        Err(InterventionError::Refused(never)) => match never {},
        Err(InterventionError::Store(error)) => Err(error),
    }
}

/// Time's own step: a request that expires, a window that closes.
fn step(intervention: &Intervention, now: Timestamp) -> Option<(Intervention, AuditRecord)> {
    let next = intervention.expire_if_due(now)?;
    let kind = match next.state() {
        State::Closed { .. } => AuditKind::Closing,
        State::Requested
        | State::Approved { .. }
        | State::Refused { .. }
        | State::Expired { .. }
        | State::Open { .. }
        | State::Cancelled { .. } => AuditKind::Expiry,
    };
    let record = about(AuditRecord::new(kind, now), &next);
    Some((next, record))
}

/// Which channels, by session and number, were warned of which instant.
#[derive(Debug, Default)]
struct Warned(BTreeMap<(u64, u32), BTreeSet<Timestamp>>);

impl Warned {
    /// Warns every channel whose own end is within a warning's reach, once for each warning. A channel that
    /// begins within reach is told at once: it has less time than it may think. A shell was told by its first words.
    fn warn(&mut self, gateway: &Gateway) {
        let channels = channels(gateway);
        let live: BTreeSet<_> = channels.iter().map(|(key, ..)| *key).collect();
        self.0.retain(|key, _| live.contains(key));
        for (key, session, channel) in channels {
            let (closes_at, now) = (channel.closes_at, session.now());
            let told = self.0.entry(key).or_insert_with(|| match channel.command {
                Some(_) => BTreeSet::new(),
                None => warnings(closes_at, Timestamp::from_micros(i64::MIN))
                    .into_iter()
                    .map(|(at, _)| at)
                    .filter(|at| *at <= channel.started)
                    .collect(),
            });
            let reached: Vec<Timestamp> = warnings(closes_at, Timestamp::from_micros(i64::MIN))
                .into_iter()
                .filter(|(at, _)| *at <= now && now < closes_at)
                .map(|(at, _)| at)
                .collect();
            // Of several reached at once, one line says it.
            let known = told.len();
            told.extend(reached);
            if told.len() > known {
                let lang = gateway
                    .applied()
                    .documents
                    .person(&session.facts().person)
                    .map_or(Lang::Fr, |person| person.lang());
                session.notify(key.1, &warning(gateway, lang, closes_at, now));
            }
        }
    }

    /// How long until the next warning is due.
    fn next(&self, gateway: &Gateway) -> Option<Duration> {
        channels(gateway)
            .into_iter()
            .flat_map(|(_, session, channel)| {
                let now = session.now();
                let due = warnings(channel.closes_at, now).into_iter();
                due.map(move |(at, _)| at.since(now).to_std())
            })
            .min()
    }
}

/// Every live channel, with its session and its own end: two interventions of one connection end apart, and so do two lines
/// of one matrix.
fn channels(gateway: &Gateway) -> Vec<((u64, u32), Arc<LiveSession>, LiveChannel)> {
    let mut channels = Vec::new();
    for session in gateway.live.all() {
        for channel in session.channels() {
            let key = (session.facts().number, channel.number);
            channels.push((key, Arc::clone(&session), channel));
        }
    }
    channels
}

/// The sentence that warns a technician.
fn warning(gateway: &Gateway, lang: Lang, closes_at: Timestamp, now: Timestamp) -> String {
    let left = times::countdown(lang, closes_at.since(now));
    let time = times::moment(closes_at, now, None);
    gateway.texts.say(
        lang,
        "gateway-warning",
        &[("left", left.into()), ("time", time.into())],
    )
}
