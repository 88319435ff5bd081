//! What the log says of whom clients accepted, of what they keep out, and of their postures (I5, I8, P1, P6).
//!
//! There is no table of it: a row taken out would let somebody in, a row put in would keep somebody out. The last word about each
//! is an entry of the client's trail, and those that take something away have their sealed copy ([`super::copies`]). Where words
//! are missing and no copy says what stood there, it may have been a refusal or a keep-out: what was accepted before that is
//! not known any more, and an operator says it anew (`adr/0043-nobody-new-passes-unseen.md`).

use std::collections::{BTreeMap, BTreeSet};

use ecluse_policy::clearance::Said as OfClient;
use ecluse_policy::{
    Clearance, Clearances, ClientId, Documents, Heightened, KeepOut, Kept, PersonId, ProviderId,
    Timestamp, people_of,
};
use ecluse_recordings::log::Entry;
use serde_json::Value as Json;

use super::super::sql::values;
use super::super::{Store, StoreError, Writing};
use super::said::Said;
use crate::audit::{
    AuditKind, AuditRecord, AuditVerdict, KEPT_OUT, PEOPLE, PEOPLE_TOLD, POSTURE_SINCE,
};
use crate::clock;

/// Whom, or what, a word is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Person(ProviderId, PersonId),
    Kept(Kept),
    /// The client's posture.
    High,
    /// The same: who says that it is over.
    Over(PersonId),
}

/// A word.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    Accepted(Option<PersonId>),
    Refused(PersonId),
    KeptOut(PersonId, String),
    Heightened(PersonId, String),
    /// Nothing is said of it any more.
    Ended,
}

/// The last words, by client and what they are about: by their places, and so the same in whatever order entries are taken in.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    all: BTreeMap<ClientId, BTreeMap<Subject, (u64, i64, Word)>>,
    /// Clients whose first word about people is on record, whomever it names.
    begun: BTreeSet<ClientId>,
    /// Whether a gateway began that knew every client to have one.
    tells: bool,
}

/// The names in a detail: `maintech/alice`.
fn people(entry: &Entry) -> Vec<Subject> {
    let list = entry.detail.get(PEOPLE).and_then(Json::as_array);
    let names = list.into_iter().flatten().filter_map(Json::as_str);
    let named = |name: &str| {
        let (provider, person) = name.split_once('/')?;
        let provider = ProviderId::parse(provider).ok()?;
        Some(Subject::Person(provider, PersonId::parse(person).ok()?))
    };
    names.filter_map(named).collect()
}

impl Words {
    pub(super) fn see(&mut self, seq: u64, entry: &Entry, kind: AuditKind) {
        if kind == AuditKind::GatewayStart {
            self.tells |= entry.detail.contains_key(PEOPLE_TOLD);
        }
        let client = entry.client.as_deref().map(ClientId::parse);
        let is_refused = entry.verdict.as_deref() == Some(AuditVerdict::Refuse.name());
        let Some(Ok(client)) = client.filter(|_| !is_refused) else {
            return;
        };
        let by = entry.person.as_deref().map(PersonId::parse);
        let by = by.and_then(Result::ok);
        let kept = || {
            let kept = entry.detail_text(KEPT_OUT).and_then(Kept::parse);
            kept.map(Subject::Kept).into_iter().collect()
        };
        let (about, word): (Vec<Subject>, Word) = if kind == AuditKind::PeopleAccepted {
            (people(entry), Word::Accepted(by))
        } else if kind == AuditKind::ClearanceEnded {
            (people(entry), Word::Ended)
        } else if kind == AuditKind::KeepOutLifted {
            (kept(), Word::Ended)
        } else if let (AuditKind::PostureHigh, Some(by)) = (kind, &by) {
            let reason = entry.reason.clone().unwrap_or_default();
            (vec![Subject::High], Word::Heightened(by.clone(), reason))
        } else if let (AuditKind::PostureNormal, Some(by)) = (kind, &by) {
            (vec![Subject::Over(by.clone())], Word::Ended)
        } else if let (AuditKind::PersonRefused, Some(by)) = (kind, &by) {
            (people(entry), Word::Refused(by.clone()))
        } else if let (AuditKind::KeepOut, Some(by)) = (kind, &by) {
            let reason = entry.reason.clone().unwrap_or_default();
            (kept(), Word::KeptOut(by.clone(), reason))
        } else {
            return;
        };
        if kind == AuditKind::PeopleAccepted {
            self.begun.insert(client.clone());
        }
        // What is heightened anew before it was over has been so since then.
        let since = entry.detail.get(POSTURE_SINCE).and_then(Json::as_i64);
        let since = since.filter(|_| kind == AuditKind::PostureHigh);
        let at_us = since.map_or(entry.at_us, |since| since.min(entry.at_us));
        let of_client = self.all.entry(client).or_default();
        for subject in about {
            let last = of_client.entry(subject);
            let last = last.or_insert_with(|| (seq, at_us, word.clone()));
            if seq > last.0 {
                *last = (seq, at_us, word.clone());
            }
        }
    }

    #[cfg(test)]
    pub(super) fn all(&self) -> String {
        format!("{:?} {:?} {}", self.all, self.begun, self.tells)
    }
}

/// Who has said since then that a posture is over, and when.
fn over_since(
    words: &BTreeMap<Subject, (u64, i64, Word)>,
    high: u64,
) -> BTreeMap<PersonId, Timestamp> {
    let since = words
        .iter()
        .filter_map(|(subject, (seq, at, _))| match subject {
            Subject::Over(by) if *seq > high => Some((by.clone(), Timestamp::from_micros(*at))),
            Subject::Over(_) | Subject::Person(..) | Subject::Kept(_) | Subject::High => None,
        });
    since.collect()
}

impl Said {
    /// What each client said, for policy.
    pub(in crate::store) fn clearances(&self) -> Clearances {
        let words = &self.clearances;
        let mut said: BTreeMap<ClientId, OfClient> = BTreeMap::new();
        let clients = self.documents.keys().filter_map(|owner| {
            let id = owner.strip_prefix("client ")?;
            ClientId::parse(id).ok()
        });
        for client in clients.chain(words.all.keys().cloned()) {
            let of = said.entry(client.clone()).or_default();
            of.accepts_all = !words.tells
                && !words.begun.contains(&client)
                && self.may_be_taken_after(0).is_none();
        }
        for (client, of_client) in &words.all {
            let of = said.entry(client.clone()).or_default();
            for (subject, (seq, at, word)) in of_client {
                let at = Timestamp::from_micros(*at);
                match (subject, word) {
                    (Subject::Person(provider, person), Word::Accepted(by)) => {
                        // What is missing since may have refused them, or kept them out.
                        if self.may_be_taken_after(*seq).is_some() {
                            continue;
                        }
                        let key = (provider.clone(), person.clone());
                        let by = by.clone();
                        of.people.insert(key, Clearance::Accepted { by, at });
                    }
                    (Subject::Person(provider, person), Word::Refused(by)) => {
                        let key = (provider.clone(), person.clone());
                        let by = by.clone();
                        of.people.insert(key, Clearance::Refused { by, at });
                    }
                    (Subject::Kept(kept), Word::KeptOut(by, reason)) => {
                        let (by, reason) = (by.clone(), reason.clone());
                        of.kept_out.insert(kept.clone(), KeepOut { by, at, reason });
                    }
                    (Subject::High, Word::Heightened(by, reason)) => {
                        of.posture = Some(Heightened {
                            by: by.clone(),
                            at,
                            reason: reason.clone(),
                            over: over_since(of_client, *seq),
                        });
                    }
                    // Nothing is said any more, or it is counted with what it is about.
                    (
                        Subject::Person(..),
                        Word::KeptOut(..) | Word::Heightened(..) | Word::Ended,
                    )
                    | (
                        Subject::Kept(_),
                        Word::Accepted(_) | Word::Refused(_) | Word::Heightened(..) | Word::Ended,
                    )
                    | (
                        Subject::High,
                        Word::Accepted(_) | Word::Refused(_) | Word::KeptOut(..) | Word::Ended,
                    )
                    | (Subject::Over(_), _) => {}
                }
            }
        }
        Clearances::on_record(said)
    }

    fn has_begun(&self, client: &ClientId) -> bool {
        self.clearances.begun.contains(client)
    }

    /// Everybody whom a client has accepted; a refusal outlasts that somebody leaves.
    fn accepted(&self) -> BTreeMap<ClientId, Vec<(ProviderId, PersonId)>> {
        let mut accepted: BTreeMap<ClientId, Vec<_>> = BTreeMap::new();
        for (client, of_client) in &self.clearances.all {
            for (subject, (_, _, word)) in of_client {
                if let Subject::Person(provider, person) = subject
                    && matches!(word, Word::Accepted(_))
                {
                    let people = accepted.entry(client.clone()).or_default();
                    people.push((provider.clone(), person.clone()));
                }
            }
        }
        accepted
    }
}

/// A record of people that a client has a word about.
pub(in crate::store) fn of_people(
    record: AuditRecord,
    client: &ClientId,
    people: &[(ProviderId, PersonId)],
) -> AuditRecord {
    let names = people.iter();
    let names: Vec<String> = names
        .map(|(provider, person)| format!("{provider}/{person}"))
        .collect();
    record.client(client).detail(PEOPLE, names)
}

/// The first word of each client that has none: whom its matrix names now is accepted.
fn first_words(
    said: &Said,
    documents: &Documents,
    model: &AuditRecord,
    why: &str,
) -> Vec<AuditRecord> {
    let clients = documents.clients().keys();
    let clients = clients.filter(|client| !said.has_begun(client));
    let first = clients.map(|client| {
        let people = people_of(documents, client).into_iter();
        let people: Vec<_> = people.map(|one| (one.provider, one.person)).collect();
        let mut record = model.clone().kind(AuditKind::PeopleAccepted).reason(why);
        // Whoever applies documents accepts nobody: the client's document does.
        if let Some(by) = record.person.take() {
            record = record.detail("by", by);
        }
        of_people(record, client, &people)
    });
    first.collect()
}

/// What a change of the documents says of whom clients accept: those whom a client's first document names are accepted by it;
/// who left their provider's is not accepted any more.
pub(in crate::store) fn with_documents(
    change: &Writing,
    next: &Documents,
    model: &AuditRecord,
) -> Vec<AuditRecord> {
    let said = change.said();
    // What is missing may be a client's first word.
    let mut records = match said.may_be_taken_after(0) {
        None => first_words(&said, next, model, "the client's first document names them"),
        Some(_) => Vec::new(),
    };
    for (client, people) in said.accepted() {
        let gone = people.into_iter().filter(|(provider, person)| {
            let now = next.technician(person).map(|(now, _)| &now.id);
            now != Some(provider)
        });
        let gone: Vec<_> = gone.collect();
        if !gone.is_empty() {
            let mut record = model
                .clone()
                .kind(AuditKind::ClearanceEnded)
                .reason("their provider's document does not name them any more");
            if let Some(by) = record.person.take() {
                record = record.detail("by", by);
            }
            records.push(of_people(record, &client, &gone));
        }
    }
    records
}

/// Puts on record that those are accepted whom the documents of an older store name, once for each client.
pub(in crate::store) async fn begin_clearances(store: &Store) -> Result<(), StoreError> {
    let any = "SELECT version FROM document_versions LIMIT 1";
    if store.db().row(any, values![]).await?.is_none() {
        return Ok(());
    }
    store.follow().await?;
    let is_due = |said: &Said| {
        let mut clients = said.in_force().filter_map(|(owner, _, _)| {
            let id = owner.strip_prefix("client ")?;
            ClientId::parse(id).ok()
        });
        !said.clearances.tells && !said.owes_after(0) && clients.any(|one| !said.has_begun(&one))
    };
    if !is_due(&store.said()) {
        return Ok(());
    }
    // As the log vouches for them: a text that was put there by hand accepts nobody.
    let applied = store.look_at_documents().await?;
    let mut change = store.write().await?;
    change.follow().await?;
    // Another process may have been faster.
    if !is_due(&change.said()) {
        return Ok(());
    }
    let model = AuditRecord::new(AuditKind::PeopleAccepted, clock::now());
    let why = "named before clients accepted people one by one";
    let records = {
        let said = change.said();
        let mut records = first_words(&said, &applied.documents, &model, why);
        // Of a client whose document is not the one on record nobody is accepted by what stands there.
        let documents = &applied.documents;
        records.retain(|record| {
            let client = record.client.as_ref();
            client.is_some_and(|client| !documents.is_closed(client))
        });
        records
    };
    if records.is_empty() {
        return Ok(());
    }
    change.commit(&records).await
}

/// The record of a gateway's start, with the word that every client has said something of people, where it is so.
pub(in crate::store) fn telling_of_people(change: &Writing, record: AuditRecord) -> AuditRecord {
    let said = change.said();
    let mut clients = said.in_force().filter_map(|(owner, _, _)| {
        let id = owner.strip_prefix("client ")?;
        ClientId::parse(id).ok()
    });
    let all = clients.all(|client| said.has_begun(&client));
    if said.clearances.tells || all {
        record.detail(PEOPLE_TOLD, true)
    } else {
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P6: a posture that is said anew before it was over is heightened since it was said first, so that what it ends is not warned
    /// a second time; and no entry says that it was heightened after itself.
    #[test]
    fn p6_a_posture_said_anew_is_heightened_since_it_was_said_first() {
        let client = ClientId::parse("hopital").unwrap();
        let since = |said: Json| {
            let mut words = Words::default();
            for (seq, kind, at, detail) in [
                (1, AuditKind::PostureHigh, 100, serde_json::json!({})),
                (2, AuditKind::PostureNormal, 150, serde_json::json!({})),
                (3, AuditKind::PostureHigh, 200, said.clone()),
            ] {
                let entry = serde_json::json!({
                    "salt": "00", "seq": seq, "at": at, "kind": kind.name(), "person": "odile",
                    "client": "hopital", "reason": "an intrusion", "verdict": "permit", "detail": detail,
                });
                words.see(seq, &serde_json::from_value(entry).unwrap(), kind);
            }
            words.all[&client][&Subject::High].1
        };
        assert_eq!(since(serde_json::json!({ "since": 100 })), 100);
        assert_eq!(since(serde_json::json!({ "since": 300 })), 200);
        assert_eq!(since(serde_json::json!({})), 200);
    }
}
