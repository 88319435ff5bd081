//! What happened while the store did not answer: kept, in order, and put on record as soon as it does.
//!
//! A session ends when it ends; a store that is away for a moment must not leave it open in everybody's eyes for ever. So
//! whoever tells of what has happened already hands it over here ([`Store::record_at_last`]): it is tried at once, and kept
//! where that fails. Nothing is permitted by this: what must be on record before it may happen goes another way
//! ([`Store::record`]).

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use ecluse_policy::{ClientId, SessionId};
use ecluse_recordings::log::{Hash, leaf_hash};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::host_keys::HostKeyAlert;
use super::sql::values;
use super::{Inner, SessionEnd, Store, StoreError, new_id};
use crate::audit::{AuditKind, AuditRecord, AuditVerdict};
use crate::clock;
use crate::receipts::is_receipt;

/// How long what happened may hold up who tells of it.
const TRIED_FOR: Duration = Duration::from_secs(3);
/// How soon the store is asked again, at first.
const AGAIN_AFTER: Duration = Duration::from_millis(250);
/// How soon at the latest.
const AT_LEAST_EVERY: Duration = Duration::from_secs(1);
/// Records that are kept one by one, beside the ends of sessions; further ones are counted.
const MOST: usize = 10_000;
/// Ends of sessions that are remembered as put on record: one is told again at once, or never.
const ENDS: usize = 1000;
/// Entries that are looked through for one whose commit was not answered.
const LOOKED_THROUGH: u64 = 10_000;

/// What is to be put on record.
#[derive(Debug)]
enum Debt {
    End(SessionId, SessionEnd, Vec<AuditRecord>),
    HostKey(HostKeyAlert, Vec<AuditRecord>),
    Records(Vec<AuditRecord>),
}

/// What is not on record yet.
#[derive(Debug)]
pub(super) struct Owed {
    state: Mutex<State>,
    /// How many debts there are.
    count: watch::Sender<usize>,
    /// Where they are paid, whoever has them: the runtime of the store's own connections.
    runtime: Option<Handle>,
}

#[derive(Debug, Default)]
struct State {
    debts: VecDeque<Arc<Debt>>,
    /// What was beyond [`MOST`], by kind and trail.
    left_out: BTreeMap<(AuditKind, Option<ClientId>), (u64, Option<AuditVerdict>)>,
    paying: bool,
    /// The last sessions whose end this process put on record.
    ended: VecDeque<SessionId>,
}

impl Owed {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::default(),
            count: watch::Sender::new(0),
            runtime: Handle::try_current().ok(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_ended(&self, id: SessionId) -> bool {
        self.state().ended.contains(&id)
    }

    fn ended(&self, id: SessionId) {
        let mut state = self.state();
        state.ended.push_back(id);
        if state.ended.len() > ENDS {
            state.ended.pop_front();
        }
    }

    /// Whether anything is kept: what comes after it waits behind it.
    fn is_any(&self) -> bool {
        *self.count.borrow() > 0
    }

    fn keep(self: &Arc<Self>, inner: &Arc<Inner>, debt: Debt) {
        let mut state = self.state();
        match &debt {
            // As many as there were sessions in passage: none begins without the store.
            Debt::End(..) => state.debts.push_back(Arc::new(debt)),
            Debt::HostKey(_, records) | Debt::Records(records) => {
                // A receipt is never one of so many: a session gives no more of them while these wait.
                if state.debts.len() < MOST || records.iter().any(is_receipt) {
                    state.debts.push_back(Arc::new(debt));
                } else {
                    for record in records {
                        let of = (record.kind, record.client.clone());
                        let (count, verdict) = state.left_out.entry(of).or_default();
                        *count += 1;
                        *verdict = record.verdict;
                    }
                }
            }
        }
        self.count.send_replace(state.debts.len());
        if !std::mem::replace(&mut state.paying, true) {
            let paying = pay_all(Arc::downgrade(inner));
            match &self.runtime {
                Some(runtime) => drop(runtime.spawn(paying)),
                None => drop(tokio::spawn(paying)),
            }
        }
    }

    fn at(&self, place: usize) -> Option<Arc<Debt>> {
        self.state().debts.get(place).cloned()
    }

    fn paid(&self, place: usize) {
        let mut state = self.state();
        state.debts.remove(place);
        if state.debts.is_empty() {
            let left_out = std::mem::take(&mut state.left_out);
            let counted: Vec<AuditRecord> = left_out.into_iter().map(counted).collect();
            if !counted.is_empty() {
                state.debts.push_back(Arc::new(Debt::Records(counted)));
            }
        }
        self.count.send_replace(state.debts.len());
    }

    /// Whether there is nothing more to pay; then nobody pays from here on.
    fn is_done(&self) -> bool {
        let mut state = self.state();
        state.paying = !state.debts.is_empty();
        !state.paying
    }
}

fn counted(
    ((kind, client), (count, verdict)): (
        (AuditKind, Option<ClientId>),
        (u64, Option<AuditVerdict>),
    ),
) -> AuditRecord {
    let mut record = AuditRecord::new(kind, clock::now())
        .reason(format!(
            "{count} more like this while the store did not answer"
        ))
        .detail("count", count);
    record.client = client;
    record.verdict = verdict;
    with_event(record)
}

/// The same record with the id of its event, by which it is found again where nobody knows whether it was committed.
pub(crate) fn with_event(record: AuditRecord) -> AuditRecord {
    match (record.event, new_id(record.at)) {
        (None, Ok(event)) => record.event(event),
        // Without randomness nothing is written at all.
        (Some(_), _) | (None, Err(_)) => record,
    }
}

impl Store {
    /// Puts on record what has happened already: now, or as soon as the store answers. In the order in which it is told.
    pub async fn record_at_last(&self, records: Vec<AuditRecord>) {
        let records = records.into_iter().map(with_event).collect();
        self.at_last(Debt::Records(records)).await;
    }

    /// Puts on record as soon as the store answers what could not be put there just now.
    pub fn owe(&self, records: Vec<AuditRecord>) {
        let records: Vec<_> = records.into_iter().map(with_event).collect();
        if !records.is_empty() {
            self.inner.owed.keep(&self.inner, Debt::Records(records));
        }
    }

    /// Whether something that happened is not on record yet: what is put there now waits behind it.
    pub fn owes(&self) -> bool {
        self.inner.owed.is_any()
    }

    /// Puts on record as soon as the store answers what is wrong with the log itself: every change takes that along.
    pub(super) fn owe_untold(&self) {
        if self.inner.db.begins_changes() {
            self.inner.owed.keep(&self.inner, Debt::Records(Vec::new()));
        }
    }

    /// [`Store::end_session`], now or as soon as the store answers.
    pub async fn end_session_at_last(
        &self,
        id: SessionId,
        end: SessionEnd,
        records: Vec<AuditRecord>,
    ) {
        let records = records.into_iter().map(with_event).collect();
        self.at_last(Debt::End(id, end, records)).await;
    }

    /// [`Store::alert_host_key`], now or as soon as the store answers.
    pub async fn alert_host_key_at_last(&self, alert: HostKeyAlert, records: Vec<AuditRecord>) {
        let records = records.into_iter().map(with_event).collect();
        self.at_last(Debt::HostKey(alert, records)).await;
    }

    /// Waits until everything that happened is on record, for so long at most; how much is not.
    pub async fn settle(&self, within: Duration) -> usize {
        let mut count = self.inner.owed.count.subscribe();
        let paid = tokio::time::timeout(within, count.wait_for(|count| *count == 0));
        match paid.await {
            Ok(_) => 0,
            Err(_) => *self.inner.owed.count.borrow(),
        }
    }

    async fn at_last(&self, debt: Debt) {
        let owed = &self.inner.owed;
        if !owed.is_any() {
            match tokio::time::timeout(TRIED_FOR, self.pay(&debt)).await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => {
                    tracing::error!(%error, "the store does not answer: what happened is kept, and put on record when it does");
                }
                Err(_) => tracing::error!(
                    "the store does not answer in time: what happened is kept, and put on record when it does"
                ),
            }
        }
        owed.keep(&self.inner, debt);
    }

    async fn pay(&self, debt: &Debt) -> Result<(), StoreError> {
        match debt {
            Debt::End(id, end, records) => {
                // Only what this process knows to have written itself needs no word any more.
                if self.inner.owed.has_ended(*id) {
                    return Ok(());
                }
                if !self.end_session(*id, end, records).await? {
                    self.tell_outlived(*id, end, records).await?;
                }
                self.inner.owed.ended(*id);
                Ok(())
            }
            Debt::HostKey(alert, records) => self.alert_host_key(alert, records).await,
            Debt::Records(records) => self.record(records).await,
        }
    }

    /// Whether this event is on record: a commit that was not answered may have happened.
    async fn has_event(&self, record: &AuditRecord) -> Result<bool, StoreError> {
        let Some(event) = record.event else {
            return Ok(false);
        };
        let sql = "SELECT journal.seq, journal.leaf, journal.entry FROM journal JOIN counters ON counters.name = 'audit' \
                   WHERE journal.seq > counters.value - $1 AND journal.seq <= counters.value AND journal.entry LIKE $2";
        let like = format!("%\"event\":\"{event}\"%");
        let mut found = Vec::new();
        for row in &self.db().rows(sql, values![LOOKED_THROUGH, like]).await? {
            let leaf: Result<[u8; 32], _> = row.bytes("leaf")?.try_into();
            let words = leaf_hash(row.text("entry")?.as_bytes());
            if leaf.is_ok_and(|leaf| Hash(leaf) == words) {
                found.push((row.count("seq")?, words));
            }
        }
        Ok(!self.seen(&found).await?.is_empty())
    }

    /// What is on record by now is not written twice.
    async fn pay_again(&self, debt: &Debt) -> Result<(), StoreError> {
        let first = match debt {
            Debt::End(_, _, records) | Debt::HostKey(_, records) | Debt::Records(records) => {
                records.first()
            }
        };
        match first {
            Some(record) if self.has_event(record).await? => Ok(()),
            Some(_) | None => self.pay(debt).await,
        }
    }
}

/// Pays what is owed, oldest first, until there is nothing more or the store is gone.
async fn pay_all(store: Weak<Inner>) {
    let (mut wait, mut told) = (AGAIN_AFTER, false);
    loop {
        tokio::time::sleep(wait).await;
        let Some(inner) = store.upgrade() else { return };
        // What happened goes before what is about to.
        let store = Store {
            inner,
            in_turn: false,
        };
        let owed = &store.inner.owed;
        let (mut place, mut paid) = (0, false);
        while let Some(debt) = owed.at(place) {
            match store.pay_again(&debt).await {
                Ok(()) => {
                    owed.paid(place);
                    paid = true;
                }
                Err(StoreError::Database(sqlx::Error::PoolClosed)) => return,
                Err(error) if is_refused(&error) => {
                    if !std::mem::replace(&mut told, true) {
                        tracing::error!(%error, "the store answers, and does not take what happened: it is tried again, and what came after it first");
                    }
                    // It holds up no other.
                    place += 1;
                }
                Err(error) => {
                    tracing::debug!(%error, "the store still does not answer");
                    break;
                }
            }
        }
        if owed.is_done() {
            tracing::info!("everything that happened is on record again");
            return;
        }
        wait = if paid {
            AGAIN_AFTER
        } else {
            (wait * 2).min(AT_LEAST_EVERY)
        };
    }
}

/// Whether the store answered, and does not take this one: a constraint, a trigger, words that it cannot hold.
fn is_refused(error: &StoreError) -> bool {
    let StoreError::Database(error) = error else {
        return true;
    };
    let sqlx::Error::Database(error) = error else {
        return false;
    };
    let code = error.code().unwrap_or_default();
    // PostgreSQL: data, integrity, privileges and syntax, what a function raises. SQLite: the lowest byte is the kind.
    match code.parse::<u32>() {
        Ok(number) if code.len() != 5 => matches!(number & 0xff, 18..=20),
        Ok(_) | Err(_) => ["22", "23", "42", "P0"]
            .iter()
            .any(|class| code.starts_with(class)),
    }
}
