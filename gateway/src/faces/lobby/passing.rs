//! Sessions that begin and end, as an operator reads of them at the prompt: each in a line of its own while they are few, a
//! line for all of them where a script opens one after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use ecluse_policy::AsOperator;

use super::desk::{Desk, Trouble};
use crate::clock;
use crate::deeds::news::{self, Passed as Who};

/// The shortest time between two tellings.
const APART: Duration = Duration::from_secs(5);
/// Beginnings and ends that are told one by one.
const FEW: usize = 2;
/// Who is named of many.
const NAMED: usize = 3;

/// What an operator knows of the sessions in passage.
pub(super) struct Passing {
    known: BTreeMap<u64, Who>,
    /// The highest number that was told or known.
    latest: u64,
    told: Option<Instant>,
    held_back: bool,
}

impl Passing {
    /// Takes in how things stand: sessions that ended before are no news either, even those of a moment ago.
    pub(super) async fn begin(desk: &Desk<'_>, by: &AsOperator<'_>) -> Result<Self, Trouble> {
        let latest = news::newest_session(desk.gateway, by).await?;
        // What began since that look is among those that live, or is news.
        let known = live(desk, by);
        Ok(Self {
            latest: latest.max(known.keys().max().copied()).unwrap_or_default(),
            known,
            told: None,
            held_back: false,
        })
    }

    /// When news that are held back are due.
    pub(super) fn due(&self) -> Option<Instant> {
        let told = self.told.filter(|_| self.held_back)?;
        Some(told + APART)
    }

    /// What happened since the last telling, unless that was a moment ago.
    pub(super) async fn news(
        &mut self,
        desk: &Desk<'_>,
        by: &AsOperator<'_>,
    ) -> Result<Vec<String>, Trouble> {
        let now = live(desk, by);
        if now == self.known && !self.held_back {
            return Ok(Vec::new());
        }
        if self.told.is_some_and(|told| told.elapsed() < APART) {
            self.held_back = true;
            return Ok(Vec::new());
        }
        let mut began = news::began_lately(desk.gateway, by).await?;
        began.extend(now.clone());
        began.retain(|number, _| *number > self.latest);
        let ended: BTreeMap<u64, Who> = self
            .known
            .iter()
            .chain(&began)
            .filter(|(number, _)| !now.contains_key(number))
            .map(|(number, who)| (*number, who.clone()))
            .collect();
        self.latest = began.keys().max().copied().unwrap_or(self.latest);
        self.known = now;
        self.held_back = false;
        if began.is_empty() && ended.is_empty() {
            return Ok(Vec::new());
        }
        self.told = Some(clock::monotonic());
        Ok(told(desk, &began, &ended))
    }
}

fn told(desk: &Desk<'_>, began: &BTreeMap<u64, Who>, ended: &BTreeMap<u64, Who>) -> Vec<String> {
    let line = |id: &str, (number, (person, target)): (&u64, &Who)| {
        let args = [
            ("number", (*number).into()),
            ("person", person.into()),
            ("target", target.into()),
        ];
        desk.say(id, &args)
    };
    if began.len() + ended.len() <= FEW {
        let began = began.iter().map(|one| line("operator-session-began", one));
        let ended = ended.iter().map(|one| line("operator-session-ended", one));
        return began.chain(ended).collect();
    }
    let people: BTreeSet<&Who> = began.values().chain(ended.values()).collect();
    let mut named: Vec<String> = people
        .iter()
        .take(NAMED)
        .map(|(person, target)| format!("{person} → {target}"))
        .collect();
    if people.len() > NAMED {
        named.push("…".to_owned());
    }
    let args = [
        ("began", began.len().into()),
        ("ended", ended.len().into()),
        ("people", named.join(", ").into()),
    ];
    vec![desk.say("operator-sessions-gathered", &args)]
}

/// Number → person and target.
fn live(desk: &Desk<'_>, by: &AsOperator<'_>) -> BTreeMap<u64, Who> {
    let live = desk.gateway.live.list(by);
    live.iter()
        .map(|session| session.facts())
        .map(|facts| {
            let who = (facts.person.to_string(), facts.target.to_string());
            (facts.number, who)
        })
        .collect()
}
