//! The receipts of a session on their way to the log: several files are put on record together, behind the path.
//!
//! They are there before the session's end is. A gateway that is killed within the moment between leaves a file in the recording and
//! no receipt of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ecluse_recordings::FileEntry;

use super::session::Session;
use super::visit::Visit;
use crate::audit::{AuditKind, AuditRecord};
use crate::live::Stop;
use crate::receipts::{Ends, of};

/// How long files are gathered that are put on record together.
const TOGETHER: Duration = Duration::from_millis(200);
/// Receipts of one change.
const AT_ONCE: usize = 200;
/// Receipts that wait for a store that does not answer: with more nothing passes, as with a recording that cannot be written.
const MOST: usize = 4_096;

/// Those that are not on record yet.
#[derive(Debug, Default)]
pub(crate) struct Receipts {
    pending: Mutex<Pending>,
    /// Held while some are put on record.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Pending {
    records: Vec<AuditRecord>,
    /// Somebody puts them on record.
    is_written: bool,
}

impl Receipts {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that wait, once those before them are on record: whoever takes them puts them there.
    pub(super) async fn take(&self) -> Vec<AuditRecord> {
        let _alone = self.writing.lock().await;
        std::mem::take(&mut self.lock().records)
    }

    /// Those of the next change: none of them as long as the store `owes` what was before, so that they are counted here. Nobody
    /// writes any more where there are none.
    fn next(&self, owes: bool) -> Option<Vec<AuditRecord>> {
        let mut pending = self.lock();
        let many = pending.records.len().min(AT_ONCE);
        pending.is_written = many > 0;
        let many_now = if owes { 0 } else { many };
        (many > 0).then(|| pending.records.drain(..many_now).collect())
    }
}

/// A file passed, on a channel of a session: its receipt is put on record soon.
pub(super) fn passed(
    visit: &Arc<Visit>,
    session: &Arc<Session>,
    channel: u32,
    protocol: &str,
    entry: &FileEntry,
) {
    let facts = session.live().facts();
    let record = session
        .record(visit, AuditKind::Receipt)
        .detail("number", facts.number)
        .detail("intervention-number", facts.intervention_number.0)
        .detail("channel", channel);
    let ends = Ends {
        technician: &format!("{} ({})", facts.person, facts.provider),
        target: &format!("{}@{} ({})", facts.account, facts.target, facts.client),
        protocol,
    };
    let records = of(&record, entry, ends);
    if records.is_empty() {
        return;
    }
    let begins = {
        let mut pending = session.receipts().lock();
        pending.records.extend(records);
        if pending.records.len() > MOST {
            let why = "receipts of files cannot be put on record".to_owned();
            session.live().stop(Stop::Unrecorded(why));
        }
        !std::mem::replace(&mut pending.is_written, true)
    };
    if begins {
        let (at, session) = (Arc::clone(visit), Arc::clone(session));
        visit
            .tasks()
            .spawn(async move { write(&at, &session).await });
    }
}

async fn write(visit: &Visit, session: &Session) {
    let store = &visit.gateway().store;
    loop {
        tokio::time::sleep(TOGETHER).await;
        let _alone = session.receipts().writing.lock().await;
        let Some(records) = session.receipts().next(store.owes()) else {
            return;
        };
        if !records.is_empty() {
            // Each has its event: what was committed and not answered is not written twice.
            store.record_at_last(records).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// While the store owes something, receipts stay where they are counted; they go on in their order, and none is left behind.
    #[test]
    fn p10_receipts_wait_with_their_session_for_a_store_that_is_away() {
        let receipts = Receipts::default();
        let at = |nth| ecluse_policy::Timestamp::from_micros(nth);
        let all: Vec<_> = (0..250)
            .map(|nth| AuditRecord::new(AuditKind::Receipt, at(nth)))
            .collect();
        receipts.lock().records = all.clone();
        assert_eq!(receipts.next(true), Some(Vec::new()));
        assert!(receipts.lock().is_written);
        assert_eq!(receipts.lock().records.len(), all.len());
        let mut written = receipts.next(false).unwrap();
        assert_eq!(written.len(), AT_ONCE);
        written.extend(receipts.next(false).unwrap());
        assert_eq!(written, all);
        assert_eq!(receipts.next(true), None);
        assert!(!receipts.lock().is_written);
    }
}
