//! Nobody passes without a yes: for each session the entries must tell who asked, who approved, that it was opened, and
//! that it began, in this order, of one intervention; and the digests in them must be of what is shown beside them.
//!
//! [`Approvals`] is shown entries in their order, of a bundle or of a whole journal, and answers what is missing or
//! differs. Entries from before there were digests are told, and accuse nobody.

mod shown;
mod story;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use self::shown::{Rest, RestsOn};
use super::Verdict;
use crate::bound;
use crate::log::Entry;

/// What is wrong; without a verdict, something to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which kind of thing; none for a note.
    pub verdict: Option<Verdict>,
    /// The entry or session.
    pub place: String,
    /// What there is to say, in words.
    pub text: String,
}

/// What entries say of interventions, documents, and the sessions that rest on them.
#[derive(Debug, Default)]
pub struct Approvals {
    /// Whether these are all entries there are, or those about one client.
    whole: bool,
    /// The first entry that has a digest: after it, every one must.
    from: Option<u64>,
    /// The version of the documents in force when the digests began.
    from_version: u64,
    interventions: BTreeMap<String, Story>,
    documents: BTreeMap<String, Vec<DocumentSaid>>,
    sessions: BTreeMap<String, SessionSaid>,
    /// Clients whose entries lost their words at the end of their time, and up to which place: what came afterwards, nobody
    /// removed.
    destroyed: BTreeMap<String, u64>,
}

/// What the entries say of one intervention.
#[derive(Debug, Default)]
struct Story {
    client: Option<String>,
    number: Option<u64>,
    steps: Vec<Step>,
    /// Bound as an older program left it.
    found: bool,
}

#[derive(Debug)]
struct Step {
    seq: u64,
    at: i64,
    kind: String,
    person: Option<String>,
    state: Option<String>,
    reason: Option<String>,
    /// With an approval: how many there were then.
    approvals: Option<u64>,
    digest: Option<String>,
}

#[derive(Debug)]
struct DocumentSaid {
    seq: u64,
    version: u64,
    digest: Option<String>,
}

#[derive(Debug)]
struct SessionSaid {
    seq: u64,
    at: i64,
    person: Option<String>,
    station: Option<String>,
    client: Option<String>,
    target: Option<String>,
    account: Option<String>,
    intervention: Option<String>,
    version: Option<u64>,
    digest: Option<String>,
    documents: BTreeMap<String, String>,
}

const STEPS: [&str; 8] = [
    "request", "seen", "approval", "refusal", "cancel", "expiry", "opening", "closing",
];
const ENDS: [&str; 4] = ["refusal", "cancel", "expiry", "closing"];

impl Approvals {
    /// For entries of one client; `whole` for all that a journal has.
    #[must_use]
    pub fn new(whole: bool) -> Self {
        Self {
            whole,
            ..Self::default()
        }
    }

    /// Takes in an entry. Entries come in their order.
    pub fn see(&mut self, entry: &Entry) {
        let has = |key: &str| entry.detail.contains_key(key);
        if entry.kind == bound::BEGIN {
            self.from_version = entry.detail_number("version").unwrap_or(0);
        }
        // The same for who sees one client's entries alone.
        if entry.kind == bound::FOUND && has(bound::DOCUMENT_OF) && self.from_version == 0 {
            self.from_version = entry.detail_number("version").unwrap_or(0);
        }
        if self.from.is_none()
            && (entry.kind == bound::BEGIN || has(bound::INTERVENTION) || has(bound::DOCUMENT))
        {
            self.from = Some(entry.seq);
        }
        if entry.kind == "entries-destroyed" {
            if let Some(client) = &entry.client {
                let up_to = entry.detail_number("up-to").unwrap_or(entry.seq);
                let last = self.destroyed.entry(client.clone()).or_default();
                *last = up_to.max(*last);
            }
        } else if entry.kind == "not-on-record" {
            // What was found says nothing of what is right.
        } else if let Some(owner) = entry.detail_text(bound::DOCUMENT_OF) {
            let said = DocumentSaid {
                seq: entry.seq,
                version: entry.detail_number("version").unwrap_or(0),
                digest: entry.detail_text(bound::DOCUMENT).map(str::to_owned),
            };
            self.documents
                .entry(owner.to_owned())
                .or_default()
                .push(said);
        } else if entry.kind == "session-start" {
            self.session(entry);
        } else if let Some(id) = &entry.intervention
            && entry.verdict.as_deref() != Some("refuse")
        {
            self.step(id, entry);
        }
    }

    /// Whether words of a client from before a place, and what they were about, may have been removed under retention.
    fn may_be_removed(&self, client: Option<&str>, before: u64) -> bool {
        let up_to = client.and_then(|client| self.destroyed.get(client));
        up_to.is_some_and(|up_to| before <= *up_to)
    }

    fn step(&mut self, id: &str, entry: &Entry) {
        let kind = entry.kind.as_str();
        let found = kind == bound::FOUND;
        if !found && kind != "permit" && !STEPS.contains(&kind) {
            return;
        }
        let story = self.interventions.entry(id.to_owned()).or_default();
        story.found |= found;
        if story.client.is_none() {
            story.client.clone_from(&entry.client);
        }
        story.number = story.number.or(entry.detail_number("number"));
        story.steps.push(Step {
            seq: entry.seq,
            at: entry.at_us,
            kind: entry.kind.clone(),
            person: entry.person.clone(),
            state: entry.detail_text("state").map(str::to_owned),
            reason: entry.reason.clone(),
            approvals: entry.detail_number("approvals"),
            digest: entry.detail_text(bound::INTERVENTION).map(str::to_owned),
        });
    }

    fn session(&mut self, entry: &Entry) {
        let Some(session) = &entry.session else {
            return;
        };
        let documents = entry.detail.get(bound::DOCUMENTS);
        let documents = documents.and_then(|all| all.as_object());
        let digests = documents.into_iter().flatten();
        let said = SessionSaid {
            seq: entry.seq,
            at: entry.at_us,
            person: entry.person.clone(),
            station: entry.station.clone(),
            client: entry.client.clone(),
            target: entry.target.clone(),
            account: entry.detail_text("account").map(str::to_owned),
            intervention: entry.intervention.clone(),
            version: entry.detail_number("documents"),
            digest: entry.detail_text(bound::INTERVENTION).map(str::to_owned),
            documents: digests
                .filter_map(|(owner, digest)| Some((owner.clone(), digest.as_str()?.to_owned())))
                .collect(),
        };
        // Two of them are told elsewhere; the first stands.
        self.sessions.entry(session.clone()).or_insert(said);
    }
}
