//! Whose trail an event enters: the one table of it, which `README.md` shows in the same words.
//!
//! An event that concerns several clients is one entry for each of them, all with the same `event`, and none says
//! anything of another client: not its name, nor its targets, people or documents (R9). What concerns no client is in the
//! gateway's own trail. Pure: documents are given.

use std::collections::BTreeSet;

use ecluse_policy::documents::{Change, Stations, Technician};
use ecluse_policy::{ClientId, Documents, PersonId, PersonRef, clients_concerned};

use super::{AuditKind, AuditRecord, CODE_STEP, COUNTED, SECRET, SECRETS_TOLD};

/// Whose trails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goes {
    /// To the client whose target, intervention, session or recording it is about.
    Client,
    /// To the client of an operator or auditor; for a technician, to the client of what they named.
    Person,
    /// To each client whose matter the person is.
    Reach,
    /// To the client whose object of the documents it is; a provider's, to each client that its people reach.
    Object,
    /// To everybody.
    All,
    /// To nobody else.
    Own,
}

impl Goes {
    /// In words; the README has the same.
    #[cfg(test)]
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Client => {
                "the client whose target, intervention, session, recording or copies it is about; where there is none, the gateway's own"
            }
            Self::Person => {
                "an operator's or auditor's: their client; a technician's: the client of the target they named or of the act, else the gateway's own; a stranger's: the gateway's own"
            }
            Self::Reach => {
                "an operator's or auditor's: their client; a technician's: each client whose matrix reaches them; where there is none, the gateway's own"
            }
            Self::Object => {
                "an object of a client: that client; a provider, its people and stations: each client whose matrix reaches them, before or after; where there is none, the gateway's own"
            }
            Self::All => {
                "each client, and the gateway's own; about one client's copies: that client"
            }
            Self::Own => "the gateway's own",
        }
    }
}

impl AuditKind {
    /// Whose trails events of this kind enter.
    pub(crate) const fn goes(self) -> Goes {
        match self {
            Self::LogOn
            | Self::LogOnRefused
            | Self::LogOff
            | Self::CodeProven
            | Self::CodeRefused
            | Self::ChangesTold
            | Self::ActRefused => Goes::Person,
            Self::Lockout
            | Self::CodeElsewhere
            | Self::LockoutLifted
            | Self::AccountEnabled
            | Self::Enrolment
            | Self::EnrolmentDisabled => Goes::Reach,
            Self::DocumentChange => Goes::Object,
            // What was found of the store, by whose it is.
            Self::Bound | Self::NotOnRecord => Goes::Client,
            // One for each client, made where what it reaches is compared.
            Self::Reached => Goes::Client,
            Self::Request
            | Self::Seen
            | Self::Approval
            | Self::Refusal
            | Self::Cancel
            | Self::Expiry
            | Self::Opening
            | Self::Closing
            | Self::Admission
            | Self::SessionStart
            | Self::SessionEnd
            | Self::SessionOutlived
            | Self::Permit
            | Self::FlowRefused
            | Self::Forwarded
            | Self::TypingHidden
            | Self::Extraction
            | Self::Idle
            | Self::TopUp
            | Self::Hold
            | Self::Resume
            | Self::Slow
            | Self::Question
            | Self::Signal
            | Self::Answer
            | Self::ConfirmAsked
            | Self::ConfirmAnswered
            | Self::Receipt
            | Self::Accompanied
            | Self::Unaccompanied
            | Self::KeepOut
            | Self::KeepOutLifted
            | Self::PostureHigh
            | Self::PostureNormal
            | Self::PeopleAccepted
            | Self::PersonRefused
            | Self::ClearanceEnded
            | Self::Cut
            | Self::CutOrdered
            | Self::Watch
            | Self::Replay
            | Self::CredentialSet
            | Self::HostKeyMismatch
            | Self::TargetFailed
            | Self::SessionRefused
            | Self::RecordingFailed
            | Self::CoverageGap
            | Self::RecordingRecovered
            | Self::RecordingSealed
            | Self::RecordingProgress
            | Self::RecordingRewrapped
            | Self::RecordingDestroyed
            | Self::EntriesDestroyed
            | Self::Export
            | Self::Search
            | Self::CopiesAway
            | Self::CopiesBack
            | Self::TrailCount
            | Self::ServeCutShort => Goes::Client,
            Self::ClockJump
            | Self::ClockReading
            | Self::LowSpace
            | Self::CheckpointFailed
            | Self::KeyMade
            | Self::SettingsChange
            | Self::NodeRemoved
            | Self::GatewayStart
            | Self::GatewayStop => Goes::All,
            Self::DoorCrowded
            | Self::DoorClear
            | Self::JournalStart
            | Self::BindingsBegin
            | Self::CheckpointCosigned => Goes::Own,
        }
    }
}

/// What every client concerned may read of an event that is not of its targets alone.
const SHARED: [&str; 9] = [
    "by",
    "act",
    "blocks",
    // Of an enrolment: whether it is the first.
    "change",
    "connection",
    "sealed-sha256",
    CODE_STEP,
    COUNTED,
    SECRETS_TOLD,
];

/// Whether [`spread`] asks the documents about this record.
pub(crate) fn asks_documents(record: &AuditRecord) -> bool {
    match record.kind.goes() {
        Goes::Person | Goes::Reach => record.person.is_some(),
        Goes::All => record.client.is_none(),
        Goes::Client => is_of_a_secret(record),
        Goes::Object | Goes::Own => false,
    }
}

/// The records that go into the trails, one for each; never none.
pub(crate) fn spread(record: AuditRecord, documents: &Documents) -> Vec<AuditRecord> {
    match record.kind.goes() {
        Goes::Client if is_of_a_secret(&record) => of_a_secret(&record, documents),
        Goes::Client => vec![record],
        Goes::Own => vec![of_nobody(record)],
        Goes::Person => vec![of_person(record, documents)],
        Goes::Reach => {
            let mut clients = record.concerns.clone();
            if let Some(person) = person(&record) {
                clients.extend(clients_concerned(documents, &person));
            }
            each(&record, clients, shared)
        }
        Goes::Object if record.client.is_some() => vec![record],
        Goes::Object => {
            let clients = record.concerns.clone();
            each(&record, clients, |record, client| {
                record.clone().client(client)
            })
        }
        Goes::All if record.client.is_some() => vec![record],
        Goes::All => {
            let clients = documents.clients().keys().cloned().collect();
            let mut all = vec![record.clone()];
            if !documents.clients().is_empty() {
                all.extend(each(&record, clients, |record, client| {
                    record.clone().client(client)
                }));
            }
            all
        }
    }
}

fn each(
    record: &AuditRecord,
    clients: BTreeSet<ClientId>,
    of: impl Fn(&AuditRecord, &ClientId) -> AuditRecord,
) -> Vec<AuditRecord> {
    if clients.is_empty() {
        return vec![of_nobody(record.clone())];
    }
    clients.iter().map(|client| of(record, client)).collect()
}

/// Whether it tells of a sealed secret that is not the one on record, and not yet whose matter that is.
fn is_of_a_secret(record: &AuditRecord) -> bool {
    record.client.is_none() && record.detail.contains_key(SECRET)
}

/// One for each client whose matrix reaches the person, or for the client of the target.
fn of_a_secret(record: &AuditRecord, documents: &Documents) -> Vec<AuditRecord> {
    let clients = match (person(record), &record.target) {
        (Some(person), _) => clients_concerned(documents, &person),
        (None, Some(target)) => {
            let found = documents.target(target);
            found
                .map(|(client, _)| client.id.clone())
                .into_iter()
                .collect()
        }
        (None, None) => BTreeSet::new(),
    };
    each(record, clients, |record, client| {
        record.clone().client(client)
    })
}

fn person(record: &AuditRecord) -> Option<PersonId> {
    PersonId::parse(record.person.as_deref()?).ok()
}

fn of_person(record: AuditRecord, documents: &Documents) -> AuditRecord {
    let found = person(&record);
    match found.as_ref().and_then(|person| documents.person(person)) {
        Some(PersonRef::Operator { client, .. } | PersonRef::Auditor { client, .. }) => {
            if record.client.as_ref() == Some(&client.id) {
                record
            } else if record.client.is_none() && record.target.is_none() {
                record.client(&client.id)
            } else {
                // What they named is another client's.
                shared(&record, &client.id)
            }
        }
        // The target they named, or the act's.
        Some(PersonRef::Technician { .. }) => record,
        // A stranger belongs to nobody, whatever they name; who was let in once was somebody.
        None if record.kind == AuditKind::LogOnRefused => of_nobody(record),
        None => record,
    }
}

fn of_nobody(mut record: AuditRecord) -> AuditRecord {
    record.client = None;
    record.target = None;
    record.intervention = None;
    record.session = None;
    record
}

/// The same event for a client that is concerned by the person alone: who, from where and why, and nothing of what they
/// named.
fn shared(record: &AuditRecord, client: &ClientId) -> AuditRecord {
    let mut record = of_nobody(record.clone()).client(client);
    record
        .detail
        .retain(|key, _| SHARED.contains(&key.as_str()));
    record
}

/// The clients that a change of an object of no client concerns, by the documents before and after it.
pub(crate) fn concerned(
    before: &Documents,
    after: &Documents,
    change: &Change,
) -> BTreeSet<ClientId> {
    let mut clients = reached(before, &change.object);
    clients.extend(reached(after, &change.object));
    clients
}

fn reached(documents: &Documents, object: &str) -> BTreeSet<ClientId> {
    let Some((kind, name)) = object.split_once(' ') else {
        return BTreeSet::new();
    };
    let (provider, within) = name.split_once('/').unwrap_or((name, ""));
    let Some(provider) = documents
        .providers()
        .values()
        .find(|one| one.id.as_str() == provider)
    else {
        return BTreeSet::new();
    };
    let of_those = |wanted: &dyn Fn(&Technician) -> bool| {
        let technicians = provider.technicians.iter();
        technicians
            .filter(|technician| wanted(technician))
            .flat_map(|technician| clients_concerned(documents, &technician.id))
            .collect()
    };
    match kind {
        "provider" => of_those(&|_| true),
        "technician" => of_those(&|technician| technician.id.as_str() == within),
        "station" => of_those(&|technician| match &technician.stations {
            Stations::All => true,
            Stations::Listed(listed) => listed.iter().any(|station| station.as_str() == within),
        }),
        _ => BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests;
