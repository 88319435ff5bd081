//! What the entries say of a session, and what of its row says something else.
//!
//! Every column of a row is what an entry about the session says, or follows from that; so the row is compared column by
//! column, and needs no digest. What an older entry does not tell of is not compared, but for the typed cause of an end,
//! which is then not shown either: the words of the entry are.

use std::fmt;

use ecluse_policy::{ClientId, InterventionId, SessionId, Timestamp};
use ecluse_recordings::evidence::manifest::sha256_hex;
use ecluse_recordings::log::Entry;
use ecluse_recordings::verify::{Further, Seal, Seals};
use ecluse_recordings::{layout, neutralise};
use serde_json::Value as Json;

use super::super::SessionEnd;
use super::super::session_row::{SessionRow, State};
use super::Wrong;
use super::recorded::Recorded;
use crate::audit::{AuditKind, AuditRecord};

/// How far the end of a row may be from that of its entry where an older program wrote them: it read the clock twice.
/// **Unit**: microseconds.
const APART: u64 = 60_000_000;
/// The detail of a session's beginning that names its gateway, by a digest: the name tells of the machine.
pub(in crate::store) const NODE: &str = "node-sha256";
/// The detail of a session's end that has its cause, typed.
pub(in crate::store) const BECAUSE: &str = "because";

/// The detail of an entry that tells of the end of a session that outlived its end on record: why it ended, whose words of
/// its own are about the contradiction.
pub(in crate::store) const END_REASON: &str = "end-reason";

/// The entries that a row is compared with.
pub(super) const KINDS: [AuditKind; 6] = [
    AuditKind::SessionStart,
    AuditKind::SessionEnd,
    AuditKind::SessionOutlived,
    AuditKind::TypingHidden,
    AuditKind::RecordingSealed,
    AuditKind::RecordingDestroyed,
];

/// What the entries say of one session.
#[derive(Debug, Clone, Default)]
pub struct SessionSaid {
    began: Option<Began>,
    ended: Option<Ended>,
    /// Its end indeed, where the first was told by somebody else while it went on.
    outlived: Option<Ended>,
    hidden_lines: u64,
    seals: Seals,
    sealed_at: i64,
    destroyed: bool,
}

#[derive(Debug, Clone)]
struct Began {
    seq: u64,
    at: i64,
    /// Column and value, by the words for the column.
    says: [(&'static str, Option<String>); 6],
    account: Option<String>,
    documents: Option<u64>,
    number: Option<u64>,
    node: Option<String>,
    recorded: Recorded,
}

#[derive(Debug, Clone)]
struct Ended {
    seq: u64,
    at: i64,
    /// How far the row may be from that. **Unit**: microseconds.
    within: u64,
    reason: Option<String>,
    because: Option<Json>,
    bytes: [u64; 2],
}

impl SessionSaid {
    /// Whether an entry says something of a session.
    pub fn is_of(entry: &Entry) -> bool {
        KINDS.iter().any(|kind| entry.kind == kind.name())
    }

    /// Takes in an entry about it. Entries come in their order.
    pub fn see(&mut self, entry: &Entry) {
        let is = |kind: AuditKind| entry.kind == kind.name();
        if is(AuditKind::SessionStart) {
            self.began.get_or_insert_with(|| Began::of(entry));
        } else if is(AuditKind::SessionEnd) {
            self.ended.get_or_insert_with(|| Ended::of(entry));
        } else if is(AuditKind::SessionOutlived) {
            self.outlived.get_or_insert_with(|| Ended::of(entry));
        } else if is(AuditKind::TypingHidden) {
            self.hidden_lines = entry.detail_number("lines").unwrap_or(self.hidden_lines);
        } else if is(AuditKind::RecordingSealed) {
            match self.seals.take(Seal::of(entry)) {
                Further::First | Further::Converted => self.sealed_at = entry.at_us,
                Further::Again | Further::Other { .. } => {}
            }
        } else if is(AuditKind::RecordingDestroyed) {
            self.destroyed = true;
        }
    }

    /// The entry that began it.
    pub fn began(&self) -> Option<u64> {
        self.began.as_ref().map(|began| began.seq)
    }

    /// The gateway that recorded it, by the digest of its name; none in entries from before that was told.
    pub fn node(&self) -> Option<&str> {
        self.began.as_ref()?.node.as_deref()
    }

    /// Whether its end is on record.
    pub(in crate::store) fn is_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// How many lines are on record as typed and not shown.
    pub(in crate::store) fn hidden_lines(&self) -> u64 {
        self.hidden_lines
    }

    /// Whether a seal of its recording is on record.
    pub fn is_sealed(&self) -> bool {
        self.seals.standing().is_some()
    }

    /// That it has a seal on record and no end, though the log went on until `last`: each session is ended before or as its
    /// recording is sealed, and at the latest when its gateway starts again.
    pub fn without_end(&self, last: Timestamp) -> Option<String> {
        let (began, seal) = (self.began.as_ref()?, self.seals.standing()?);
        let since = last.as_micros().saturating_sub(self.sealed_at);
        let is_due = u64::try_from(since).is_ok_and(|since| since > APART);
        (self.ended.is_none() && is_due).then(|| {
            format!(
                "session #{}: its recording was sealed with entry {}, and no entry says that the session ended: its gateway died in between and has not started since, or the end was kept off the log",
                began.number.unwrap_or(0),
                seal.seq
            )
        })
    }

    /// Whether the cause of its end is not on record, though its end is.
    pub(super) fn is_without_cause(&self) -> bool {
        let ended = self.ended.as_ref();
        ended.is_some_and(|ended| ended.because.is_none())
    }

    /// How it ended indeed, where it went on after its end was on record.
    pub(super) fn outlived(&self) -> Option<SessionEnd> {
        let end = self.outlived.as_ref()?;
        let because = end.because.clone();
        let [to_target, to_technician] = end.bytes;
        Some(SessionEnd {
            at: Timestamp::from_micros(end.at),
            reason: end.reason.clone().unwrap_or_default(),
            because: because.and_then(|kept| serde_json::from_value(kept).ok()),
            to_target,
            to_technician,
        })
    }

    /// That its end on record was not its end, in words.
    pub fn contradiction(&self) -> Option<String> {
        let (ended, outlived) = (self.ended.as_ref()?, self.outlived.as_ref()?);
        let number = self.began.as_ref().and_then(|began| began.number);
        Some(format!(
            "session #{} went on after entry {} ended it on record: its gateway had been taken out while it lived; it ended at {}, as entry {} tells",
            number.unwrap_or(0),
            ended.seq,
            Timestamp::from_micros(outlived.at),
            outlived.seq
        ))
    }

    /// Whether it ended before `time`, as far as it is on record.
    pub fn ended_before(&self, time: Timestamp) -> bool {
        let ended = self.ended.as_ref();
        ended.is_some_and(|ended| ended.at < time.as_micros())
    }

    /// Whose it is, as the entry that began it has it.
    pub(super) fn client(&self) -> Option<ClientId> {
        let began = self.began.as_ref()?;
        let mut says = began.says.iter();
        let (_, client) = says.find(|(what, _)| *what == CLIENT)?;
        ClientId::parse(client.as_deref()?).ok()
    }

    fn recorded(&self) -> Option<Box<Recorded>> {
        let began = self.began.as_ref()?;
        Some(Box::new(Recorded {
            is_sealed: self.is_sealed(),
            is_destroyed: self.destroyed,
            ..began.recorded.clone()
        }))
    }

    /// What is wrong where the table has no row of it; none where no entry began it either.
    pub fn missing(&self, id: SessionId) -> Option<SessionFault> {
        let began = self.began.as_ref()?;
        Some(SessionFault {
            id,
            number: began.number.unwrap_or(0),
            client: None,
            of: self.client(),
            recorded_number: began.number,
            recorded: self.recorded(),
            what: Wrong::Missing,
            differs: Vec::new(),
            began: Some(began.seq),
            entries: vec![began.seq],
        })
    }
}

const CLIENT: &str = "client";

impl Began {
    fn of(entry: &Entry) -> Self {
        Self {
            seq: entry.seq,
            at: entry.at_us,
            says: [
                (CLIENT, entry.client.clone()),
                ("person", entry.person.clone()),
                ("station", entry.station.clone()),
                ("source", entry.source.clone()),
                ("target", entry.target.clone()),
                ("intervention", entry.intervention.clone()),
            ],
            account: entry.detail_text("account").map(str::to_owned),
            documents: entry.detail_number("documents"),
            number: entry.detail_number("number"),
            node: entry.detail_text(NODE).map(str::to_owned),
            recorded: Recorded::of(entry),
        }
    }

    fn compare(&self, row: &SessionRow, differs: &mut Differences) {
        let start = &row.session.start;
        let found = [
            Some(start.client.to_string()),
            Some(start.person.to_string()),
            start.station.as_ref().map(ToString::to_string),
            Some(start.source.to_string()),
            Some(start.target.to_string()),
            Some(start.intervention.as_uuid().to_string()),
        ];
        for ((what, said), found) in self.says.iter().zip(found) {
            differs.unless(*said == found, what, shown(found.as_ref()));
        }
        let number = row.session.number;
        let told = |said: Option<u64>, found: u64| said.is_none_or(|said| said == found);
        differs.unless(told(self.number, number), "the number", number);
        let said = self.account.as_deref();
        let same = said.is_none_or(|said| said == start.account.as_str());
        differs.unless(same, "account", &start.account);
        let same = told(self.documents, start.documents);
        differs.unless(same, "the version of the documents", start.documents);
        let node = sha256_hex(start.node.as_bytes());
        let same = self.node.as_ref().is_none_or(|said| *said == node);
        differs.unless(same, "the gateway", &start.node);
        let same = start.at.as_micros() == self.at;
        differs.unless(same, "its beginning", start.at);
        // Where it is follows from whose it is and the day it began.
        let place = layout::place(start.client.as_str(), self.at, start.id.as_uuid());
        let same = start.recording == place || start.recording.is_none() && !row.is_sealed();
        differs.unless(same, "its recording at", shown(start.recording.as_ref()));
    }
}

impl Ended {
    fn of(entry: &Entry) -> Self {
        let bytes = |name| entry.detail_number(name).unwrap_or(0);
        // One that was found at a start ended before that, at the last moment known of it.
        let at = entry.detail_text("ended-at");
        let at = at.and_then(|at| at.parse().ok()).map(Timestamp::as_micros);
        Self {
            seq: entry.seq,
            at: at.unwrap_or(entry.at_us),
            within: match (at, entry.detail.contains_key(BECAUSE)) {
                // Told to the second.
                (Some(_), _) => 1_000_000,
                (None, true) => 0,
                (None, false) => APART,
            },
            reason: match entry.detail_text(END_REASON) {
                Some(reason) => Some(reason.to_owned()),
                None => entry.reason.clone(),
            },
            because: entry.detail.get(BECAUSE).cloned(),
            bytes: [bytes("to-target"), bytes("to-technician")],
        }
    }
}

/// Compares the end of a row with the entry that tells of it, or with there being none.
fn compare_end(said: Option<&Ended>, row: &SessionRow, differs: &mut Differences) {
    let end = row.session.end.as_ref();
    let [target, technician] = said.map_or([0, 0], |said| said.bytes);
    differs.unless(
        row.to_target == target,
        "bytes to the target",
        row.to_target,
    );
    let found = row.to_technician;
    differs.unless(found == technician, "bytes to the technician", found);
    let (same, reason, because) = match (said, end) {
        (None, None) => (true, row.end_reason.is_none(), row.because.is_none()),
        (Some(said), Some(end)) => {
            // As a record makes both harmless.
            let cause = row.because.as_deref().map(serde_json::from_str::<Json>);
            let cause = cause.map(|read| read.unwrap_or(Json::Null));
            let as_told = AuditRecord::new(AuditKind::SessionEnd, end.at)
                .reason(row.end_reason.as_deref().unwrap_or_default())
                .detail(BECAUSE, cause);
            let because = said.because.as_ref();
            let apart = end.at.as_micros().abs_diff(said.at);
            (
                apart <= said.within,
                as_told.reason == said.reason,
                because.is_none_or(|said| as_told.detail.get(BECAUSE) == Some(said)),
            )
        }
        (None, Some(_)) | (Some(_), None) => (false, true, true),
    };
    let at = end.map_or_else(|| "none".to_owned(), |end| end.at.to_string());
    differs.unless(same, "its end", at);
    let found = shown(row.end_reason.as_ref());
    differs.unless(reason, "the reason of its end", found);
    differs.unless(because, "the cause of its end", shown(row.because.as_ref()));
}

impl SessionSaid {
    /// What is wrong with a row, if anything is.
    pub(in crate::store) fn compare(&self, row: &SessionRow) -> Option<SessionFault> {
        let session = &row.session;
        let mut fault = SessionFault {
            id: session.start.id,
            number: session.number,
            client: Some(session.start.client.clone()),
            of: self.client(),
            recorded_number: self.began.as_ref().and_then(|began| began.number),
            recorded: self.recorded(),
            what: Wrong::Altered,
            differs: Vec::new(),
            began: self.began(),
            entries: Vec::new(),
        };
        let Some(began) = &self.began else {
            fault.what = Wrong::Planted;
            return Some(fault);
        };
        let mut differs = Differences::default();
        began.compare(row, &mut differs);
        compare_end(self.ended.as_ref(), row, &mut differs);
        let hidden = session.hidden_lines;
        differs.unless(hidden == self.hidden_lines, "hidden lines", hidden);
        let state = match (self.destroyed, self.is_sealed()) {
            (true, _) => State::Destroyed,
            (false, true) => State::Sealed,
            (false, false) => State::Open,
        };
        let found = shown(row.state.as_ref());
        differs.unless(state.is(row.state.as_deref()), "its recording as", found);
        let seal = self.seals.standing();
        let said = seal.map(|seal| &seal.manifest_sha256);
        let found = row.manifest_sha256.as_ref();
        differs.unless(said == found, "the manifest", shown(found));
        let said = seal.map(|seal| &seal.form);
        let found = row.form.as_ref();
        differs.unless(said == found, "the form of its recording", shown(found));
        let same = match (seal, row.sealed_at) {
            (Some(_), Some(at)) => at.as_micros() == self.sealed_at,
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        let found = row.sealed_at.map(|at| at.to_string());
        differs.unless(same, "the time of its seal", shown(found.as_ref()));
        if differs.0.is_empty() {
            return None;
        }
        fault.differs = differs.0;
        let ended = self.ended.as_ref().map(|ended| ended.seq);
        let sealed = seal.map(|seal| seal.seq);
        fault.entries = [Some(began.seq), ended, sealed]
            .into_iter()
            .flatten()
            .collect();
        Some(fault)
    }
}

#[derive(Default)]
struct Differences(Vec<(&'static str, String)>);

impl Differences {
    fn unless(&mut self, same: bool, what: &'static str, found: impl fmt::Display) {
        if !same {
            self.0.push((what, neutralise(found.to_string())));
        }
    }
}

fn shown(found: Option<&String>) -> &str {
    found.map_or("none", String::as_str)
}

/// A session of the table that the log contradicts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionFault {
    /// Which.
    pub id: SessionId,
    /// Its number, as the row has it; as the log has it where there is no row.
    pub number: u64,
    /// Whose, as the row has it.
    pub client: Option<ClientId>,
    /// Whose, as the log has it.
    pub of: Option<ClientId>,
    /// Its number, as the log has it.
    pub recorded_number: Option<u64>,
    /// It, as the log has it; none where no entry began it.
    pub recorded: Option<Box<Recorded>>,
    /// What is wrong.
    pub what: Wrong,
    /// What the row has otherwise: the column in words, and what stands there.
    pub differs: Vec<(&'static str, String)>,
    /// The entry that began it.
    pub began: Option<u64>,
    /// The entries that say otherwise.
    pub(super) entries: Vec<u64>,
}

impl SessionFault {
    /// Whose matter it is: whose the log says it is, or else the row.
    pub fn concerns(&self) -> Option<&ClientId> {
        self.of.as_ref().or(self.client.as_ref())
    }

    /// Whether the log has it under this intervention.
    pub fn was_under(&self, intervention: InterventionId) -> bool {
        let said = self.recorded.as_ref();
        said.is_some_and(|said| said.intervention == Some(intervention))
    }
}

impl fmt::Display for SessionFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            number, entries, ..
        } = self;
        let places: Vec<String> = entries.iter().map(ToString::to_string).collect();
        let places = places.join(", ");
        match self.what {
            Wrong::Unknown if self.is_gone() => write!(
                f,
                "session #{number}, begun with entry {places}, is not in the table: whether it was removed on record is not known, since words of the log are not there"
            ),
            Wrong::Unknown => write!(
                f,
                "session #{number} of the table: whether it is what the log tells of is not known, since words of the log are not there{}",
                self.apart()
            ),
            Wrong::Planted => write!(
                f,
                "session #{number} of the table: no entry began it; it was put into the store by hand"
            ),
            Wrong::Missing => write!(
                f,
                "session #{number} ({}), begun with entry {places}, is not in the table any more",
                self.id
            ),
            Wrong::Altered => write!(
                f,
                "session #{number} of the table was altered{}, and the log says otherwise (entries {places})",
                self.apart()
            ),
        }
    }
}
