//! The table of sessions against the entries about them: every column of every row, rows that no entry began, and sessions
//! that have no row.
//!
//! Lists, replay, exports and retention read the table; the journal is what was said when each thing happened.

use std::collections::{BTreeMap, BTreeSet};

use ecluse_policy::{SessionId, Timestamp};
use ecluse_recordings::verify::Verdict;
use uuid::Uuid;

use super::verify::{Findings, SessionSeen};
use crate::store::{SessionFault, Store, Wrong};

/// Compares every row with the entries about its session, and names rows without any and sessions without a row.
/// `removed` is before when each client's words were removed under retention, `away` the last place of the log whose words are
/// not there: what a row has otherwise is then no forgery as far as is known.
pub(super) async fn compare(
    store: &Store,
    seen: &BTreeMap<String, SessionSeen>,
    removed: &BTreeMap<String, Timestamp>,
    away: Option<u64>,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let said = |id: SessionId| seen.get(&id.to_string()).map(|seen| &seen.said);
    let compared = store.compare_sessions(said).await?;
    let judged = |fault: SessionFault| {
        let may_be_away = away.is_some_and(|away| away > fault.began.unwrap_or(0));
        fault.unless(may_be_away)
    };
    for fault in compared.faults {
        let fault = judged(fault);
        findings.add(verdict(&fault), &fault);
    }
    for unread in &compared.unread {
        findings.add(Verdict::Altered, unread);
    }
    let rows: BTreeSet<String> = compared.ids.iter().map(ToString::to_string).collect();
    for (session, seen) in seen.iter().filter(|(session, _)| !rows.contains(*session)) {
        let Ok(id) = Uuid::parse_str(session) else {
            continue;
        };
        let Some(fault) = seen.said.missing(SessionId::from_uuid(id)) else {
            continue;
        };
        let client = fault.of.as_ref().map(ToString::to_string);
        let removed = client.and_then(|client| removed.get(&client));
        // Where others of its intervention are kept, an older program let the row go and kept the words.
        if removed.is_some_and(|before| seen.said.ended_before(*before)) {
            findings.note(format!("session {session}: removed under retention"));
        } else {
            let fault = judged(fault);
            findings.add(verdict(&fault), &fault);
        }
    }
    Ok(())
}

fn verdict(fault: &SessionFault) -> Verdict {
    match fault.what {
        Wrong::Altered => Verdict::Altered,
        // Of what is not known nobody is accused: the words that would tell are what is missing.
        Wrong::Missing | Wrong::Unknown => Verdict::Missing,
        Wrong::Planted => Verdict::NotInLog,
    }
}
