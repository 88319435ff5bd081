//! What waited for an operator's yes while it was used, and who said what of it, as the log has it (I4).

use std::collections::BTreeMap;

use ecluse_policy::{PersonId, SessionId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::audit::StoredAuditRecord;
use crate::deeds::typed::Nth;
use crate::live::confirms::{Confirms, Said};
use crate::live::hands::{self, Entry};

/// Something that waited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Waited {
    /// Which, by its session.
    pub(crate) nth: Nth,
    /// What.
    pub(crate) what: String,
    /// Since when.
    pub(crate) at: Timestamp,
    /// What was said of it; nothing while it waits, or where its gateway died.
    pub(crate) said: Option<Answered>,
}

/// What was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answered {
    /// Whether it is a yes.
    pub(crate) is_yes: bool,
    /// Whose; nobody's where nobody answered in time, or it waited no more.
    pub(crate) by: Option<PersonId>,
    /// Why not, if said.
    pub(crate) reason: Option<String>,
    /// When.
    pub(crate) at: Timestamp,
}

/// Entries that are read.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// What stands of each session, and its number.
    sessions: BTreeMap<SessionId, (u64, Confirms)>,
    /// When each entry is of.
    times: BTreeMap<u64, Timestamp>,
}

impl Reading {
    /// Takes in what an entry says of what waits.
    pub(super) fn reads(&mut self, stored: &StoredAuditRecord) {
        let record = &stored.record;
        let (Some(session), Some(entry)) = (record.session, hands::read(record)) else {
            return;
        };
        let (number, confirms) = self.sessions.entry(session).or_default();
        match entry {
            Entry::Waits(waiting) => {
                let told = record
                    .detail
                    .get("number")
                    .and_then(|number| number.as_u64());
                *number = told.unwrap_or(*number);
                confirms.ask(stored.seq, waiting);
            }
            Entry::Says { to, said } => {
                confirms.answer(stored.seq, to, said);
            }
            Entry::Hand(_) | Entry::Answer { .. } => return,
        }
        self.times.insert(stored.seq, record.at);
    }

    /// All that waited, in order.
    pub(super) fn all(self) -> Vec<Waited> {
        let Self { sessions, times } = self;
        let at = |seq: u64| times.get(&seq).copied();
        let mut all: Vec<Waited> = Vec::new();
        for (session, confirms) in sessions.values() {
            all.extend(confirms.all().map(|(waiting, said)| Waited {
                nth: Nth {
                    session: *session,
                    number: waiting.number,
                },
                what: waiting.what.clone(),
                at: waiting.at,
                said: said.map(|(seq, said)| {
                    let Said { is_yes, by, reason } = said.clone();
                    Answered {
                        is_yes,
                        by,
                        reason,
                        at: at(seq).unwrap_or(waiting.at),
                    }
                }),
            }));
        }
        all.sort_by_key(|one| (one.at, one.nth));
        all
    }
}
