//! What a client's posture will end of a session, told before it does (P6): on its terminals or, where it has none, on every
//! channel, and so in its recording.

use std::collections::BTreeMap;
use std::time::Duration;

use ecluse_policy::{HighPosture, Missing, Timestamp};

use super::session::Session;
use super::visit::Visit;
use super::visit::sessions::Seated;
use crate::clock;
use crate::faces::lobby::next;
use crate::texts::times;

/// How soon the store is asked again where it failed.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What was told of a session's end, by its words and when that is.
#[derive(Debug, Default)]
pub(super) struct Warned(BTreeMap<String, Timestamp>);

/// Tells what is new of it; when the first of it ends.
pub(super) async fn warn(
    visit: &Visit,
    session: &Session,
    warned: &mut Warned,
) -> Option<Timestamp> {
    let gateway = visit.gateway();
    let live = session.live();
    let (applied, now) = (gateway.applied(), live.now());
    let facts = live.facts();
    let mut ends: BTreeMap<String, (Timestamp, Box<HighPosture>)> = BTreeMap::new();
    if applied.documents.posture(&facts.client).is_some() {
        // Without the store it is told at the next look, or by the end itself.
        let found = gateway.store.intervention(facts.intervention).await;
        let intervention = found.ok().flatten();
        let latest = session.admission();
        for right in session.rights() {
            let (permit, documents) = (right.permit(), &applied.documents);
            let end = latest.ends_by_posture(permit, documents, intervention.as_ref(), now);
            if let Some((at, posture)) = end {
                // As often as the same is barred for the same reason, it is said once.
                let known = format!("{posture}");
                ends.entry(known).or_insert((at, posture));
            }
        }
    }
    let first = ends.values().map(|(at, _)| *at).min();
    // Shown from before it is told.
    live.ends_by_posture(first);
    for (known, (at, posture)) in &ends {
        if warned.0.get(known) != Some(at) {
            live.tell(None, &visit.say_ends(posture, *at, now));
        }
    }
    let goes_on = !warned.0.is_empty() && ends.is_empty();
    if goes_on {
        let words = visit.say("posture-goes-on");
        live.tell(None, &next::announced(gateway, visit.lang(), &words));
    }
    warned.0 = ends
        .into_iter()
        .map(|(known, (at, _))| (known, at))
        .collect();
    first
}

/// Something that was permitted, and waited, begins now: what a posture that came meanwhile does not allow ends here, before its
/// target hears of it.
pub(super) async fn begins(visit: &Visit, seated: &Seated) {
    let (gateway, live) = (visit.gateway(), seated.session.live());
    let applied = gateway.applied();
    if applied.documents.posture(&live.facts().client).is_none() {
        return;
    }
    // Without the store nothing is known of its approvals, and nothing begins.
    let intervention = loop {
        match gateway.store.intervention(live.facts().intervention).await {
            Ok(found) => break found,
            Err(error) => {
                tracing::warn!(%error, "what waited begins once the store says what is approved");
                tokio::time::sleep(AGAIN_AFTER).await;
            }
        }
    };
    let latest = seated.session.admission();
    let begins = latest.begins(
        &seated.permit,
        &applied.documents,
        intervention.as_ref(),
        live.now(),
    );
    if let Err(reason) = begins {
        seated.right.lose(reason);
        // Whoever waits for its right ends it.
        std::future::pending().await
    }
}

impl Visit {
    /// What a technician is told of what a posture will end.
    fn say_ends(&self, posture: &HighPosture, at: Timestamp, now: Timestamp) -> String {
        let (lang, texts) = (self.lang(), &self.gateway().texts);
        let left = times::countdown(lang, at.since(now));
        let line = match &posture.missing {
            Missing::Line { line } => line.as_str(),
            Missing::Yes { .. }
            | Missing::Window { .. }
            | Missing::Length { .. }
            | Missing::Bytes { .. } => "",
        };
        let id = match &posture.missing {
            Missing::Yes { .. } => "posture-warned-yes",
            Missing::Line { .. } => "posture-warned-line",
            Missing::Window { .. } | Missing::Length { .. } | Missing::Bytes { .. } => {
                "posture-warned-window"
            }
        };
        let since = times::moment(posture.since, clock::now(), None);
        let args = [
            ("client", posture.client.as_str().into()),
            ("since", since.into()),
            ("reason", crate::texts::told(&posture.reason).into()),
            ("left", left.into()),
            ("line", line.into()),
        ];
        let words = texts.say(lang, id, &args);
        next::announced(self.gateway(), lang, &words)
    }
}
