//! The table of sessions against the entries that began them: whose a session was, who came, where to and when.
//!
//! Lists, replay and retention read the table; the journal is what was said when the session began.

use std::collections::{BTreeMap, BTreeSet};

use ecluse_policy::InterventionId;
use ecluse_recordings::log::Entry;
use ecluse_recordings::neutralise;
use ecluse_recordings::verify::Verdict;

use super::verify::{Findings, SessionSeen};
use crate::store::{Session, SessionQuery, Store};

/// How far the time of a row may be from that of its entry: they were read one after the other. **Unit**: microseconds.
const APART: u64 = 60_000_000;

/// How a session began, as its entry has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Began {
    seq: u64,
    at_us: i64,
    says: [(&'static str, Option<String>); 4],
}

impl Began {
    /// What a session-start says.
    pub(super) fn of(entry: &Entry) -> Self {
        Self {
            seq: entry.seq,
            at_us: entry.at_us,
            says: [
                ("client", entry.client.clone()),
                ("person", entry.person.clone()),
                ("target", entry.target.clone()),
                ("intervention", entry.intervention.clone()),
            ],
        }
    }

    /// What the row says otherwise, in words.
    fn differs(&self, session: &Session) -> Vec<String> {
        let start = &session.start;
        let row = [
            start.client.to_string(),
            start.person.to_string(),
            start.target.to_string(),
            InterventionId::as_uuid(start.intervention).to_string(),
        ];
        let said = self.says.iter().zip(row);
        let mut differs: Vec<String> = said
            .filter(|((_, said), row)| said.as_ref() != Some(row))
            .map(|((what, _), row)| format!("{what} {}", neutralise(row)))
            .collect();
        if start.at.as_micros().abs_diff(self.at_us) > APART {
            differs.push(format!("its beginning {}", start.at));
        }
        differs
    }
}

/// Compares every row with the entry that began it, and names rows without one and sessions without a row.
pub(super) async fn compare(
    store: &Store,
    seen: &BTreeMap<String, SessionSeen>,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let all = SessionQuery {
        limit: Some(u32::MAX),
        ..SessionQuery::default()
    };
    let mut rows = BTreeSet::new();
    for session in store.sessions(&all).await? {
        let id = session.start.id.to_string();
        let number = session.number;
        let began = seen.get(&id).and_then(|seen| seen.began.as_ref());
        rows.insert(id);
        let Some(began) = began else {
            findings.add(
                Verdict::NotInLog,
                format!("session #{number} of the table: no entry began it; it was put into the store by hand"),
            );
            continue;
        };
        let differs = began.differs(&session);
        if !differs.is_empty() {
            findings.add(
                Verdict::Altered,
                format!(
                    "session #{number} of the table was altered: it has {}, and entry {} began it otherwise",
                    differs.join(", "),
                    began.seq
                ),
            );
        }
    }
    for (session, seen) in seen {
        if let Some(began) = &seen.began
            && !rows.contains(session)
        {
            if seen.destroyed {
                findings.note(format!(
                    "session {session}, begun with entry {}: removed under retention",
                    began.seq
                ));
                continue;
            }
            findings.add(
                Verdict::Missing,
                format!(
                    "session {session}, begun with entry {}, is not in the table any more",
                    began.seq
                ),
            );
        }
    }
    Ok(())
}
