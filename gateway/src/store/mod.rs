//! What the gateway remembers: documents, the audit trail, enrolments, interventions, sessions, secrets.
//!
//! One SQL text serves SQLite (a file in the data directory) and PostgreSQL ([`sql`]). Every change is a
//! transaction that also holds its audit records, so neither exists without the other; every committed
//! change raises the epoch and wakes those whom it concerns ([`topics`]), within this process at once, across processes as
//! soon as PostgreSQL tells, and within [`POLL`] in any case.
//!
//! Changes are made one at a time. Whoever waits in turn waits behind everybody's; the handle of a client does not
//! ([`Store::ahead`]).
//!
//! The store decides nothing: it keeps values of the policy crate and hands them back. Each subject has
//! its file: [`address`], [`audit`], [`bound`], [`credentials`], [`documents`], [`enrolments`], [`extraction`], [`failures`], [`host_keys`],
//! [`interventions`], [`nodes`], [`node_runs`], [`orders`], [`owed`], [`remembered`], [`search`], [`sessions`].

mod address;
mod audit;
mod binding;
mod bound;
mod credentials;
mod documents;
mod enrolments;
mod error;
mod extraction;
mod failures;
mod host_keys;
mod interventions;
mod journal;
mod keys;
mod listening;
mod lock;
mod migrations;
mod node_runs;
mod nodes;
mod opening;
mod orders;
mod outlived;
mod owed;
mod receipts;
mod recordings;
mod remembered;
mod search;
mod session_row;
mod sessions;
mod settings;
mod sql;
mod tables;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
mod topics;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ecluse_policy::documents::NodeRules;
use ecluse_policy::{Documents, Timestamp};
use ecluse_recordings::log::{Frontier, Hash};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

pub use self::address::check_address;
pub use self::audit::{AuditPage, AuditQuery};
pub use self::bound::{
    Contradicted, Cuts, DocumentFault, DocumentText, Hidden, InterventionFault, InterventionGone,
    LastText, SessionFault, SessionSaid, Standing, Stretches, Uncopied, Wrong,
};
pub use self::credentials::{Credential, CredentialEntry, CredentialKind};
pub use self::documents::{
    Applied, ApplyError, ApplyOutcome, DocumentOf, DocumentTexts, DocumentVersion, UNKNOWN_BEFORE,
    compile, read,
};
pub use self::enrolments::{Enrolled, Enrolment, NewEnrolment};
pub(crate) use self::enrolments::{FIRST, REPLACED};
pub use self::error::StoreError;
pub(crate) use self::extraction::{Booked, Mark};
pub use self::failures::{Block, Blocked, Claim};
pub use self::host_keys::HostKeyAlert;
pub use self::interventions::{InterventionError, InterventionQuery, Next, StateName};
pub use self::journal::{
    Copied, Defect, Destroyed, Destruction, JournalEntry, Recomputed, TrailHead,
};
pub use self::keys::SigningKey;
pub use self::lock::{ChangeLock, ServeLock};
pub use self::node_runs::{Holder, Run, Serving};
pub use self::nodes::{HEARD_WITHIN, LEASE, Node, RemoveError, Removed};
pub(crate) use self::orders::ORDER;
pub use self::orders::{Given, Held, Reply};
use self::owed::Owed;
pub(crate) use self::owed::with_event;
pub use self::recordings::Sealed;
pub use self::remembered::FactorBinding;
pub use self::search::Searchable;
pub use self::sessions::{LastMoment, Session, SessionEnd, SessionQuery, SessionStart};
pub use self::settings::{ENDS, JOINED, NODE, SETTINGS};
use self::sql::{Db, Engine, Tx, values};
pub use self::tables::{OwnKey, Permission, SEALED, SealedValue};
use self::topics::{Announcer, Topic};
pub use self::topics::{Changes, Topics};
use crate::audit::{AuditRecord, trails};
use crate::clock;
use crate::secrets::{self, StoreKey};
use crate::settings::{Settings, StoreAddress};

/// How soon a change made by another process is noticed.
pub const POLL: Duration = Duration::from_millis(250);

/// The gateway's memory. Cheap to clone; all clones are the same store.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
    /// Whether changes made through this clone wait behind those in turn.
    in_turn: bool,
}

#[derive(Debug)]
struct Inner {
    db: Db,
    key: Arc<StoreKey>,
    announcer: Arc<Announcer>,
    /// Whether changes of other processes are followed.
    following: AtomicBool,
    /// What happened and is not on record yet.
    owed: Arc<Owed>,
    /// Whose turn it is, among those who wait for it: the database itself is asked by one of them at a time.
    turns: Arc<Semaphore>,
    /// The documents last read, so that they are parsed once a version.
    documents: Mutex<bound::Loaded>,
    /// What the log says of interventions and documents, as far as it was read.
    said: Mutex<bound::Said>,
    /// What the gateway's own settings say of budgets.
    node: NodeRules,
    /// The texts by which it was last asked whose trails a record enters, read.
    trails: Mutex<Option<(DocumentTexts, Arc<Documents>)>>,
}

impl Store {
    /// Opens the store the settings name: makes it at the first start, brings an older format up to date.
    ///
    /// # Errors
    /// The database cannot be reached or does not prove who it is, a newer program wrote it, or the store's key is not there or another one.
    pub async fn open(settings: &Settings) -> Result<Self, StoreError> {
        secrets::create_private_dir(&settings.data_dir)?;
        opening::check_owner(&settings.data_dir)?;
        let keys = settings.keys_dir();
        match &settings.store {
            StoreAddress::Sqlite => {
                let path = settings.data_dir.join("ecluse.db");
                let db = opening::sqlite(&path).await?;
                // The library locks PostgreSQL while it migrates; SQLite it leaves to us.
                let _alone = lock::wait_for(settings.data_dir.join("migrate.lock")).await?;
                let node = settings.extraction.clone();
                Self::with(db, &keys, &path.display().to_string(), node).await
            }
            StoreAddress::Postgres(url) => {
                let options = address::options(url)?;
                let place = format!(
                    "PostgreSQL at {}:{}",
                    options.get_host(),
                    options.get_port()
                );
                let node = settings.extraction.clone();
                Self::with(opening::postgres(options).await?, &keys, &place, node).await
            }
        }
    }

    /// Opens the store the settings name, where it is there and has this program's format; nothing is made and nothing is
    /// brought up to date.
    ///
    /// # Errors
    /// The database cannot be reached, or the store's key is not there or another one.
    pub async fn open_as_is(settings: &Settings) -> Result<Option<Self>, StoreError> {
        let db = match &settings.store {
            StoreAddress::Sqlite => {
                let path = settings.data_dir.join("ecluse.db");
                if !path.is_file() {
                    return Ok(None);
                }
                opening::check_owner(&settings.data_dir)?;
                opening::sqlite(&path).await?
            }
            StoreAddress::Postgres(url) => opening::postgres(address::options(url)?).await?,
        };
        if !migrations::is_current(&db).await? {
            db.close().await;
            return Ok(None);
        }
        let credentials = secrets::credentials_directory();
        let key = binding::open(&db, &settings.keys_dir(), credentials.as_deref()).await?;
        let epoch = read_epoch(&db).await?;
        let node = settings.extraction.clone();
        Ok(Some(Self::of(db, key, epoch, node)))
    }

    fn of(db: Db, key: StoreKey, epoch: u64, node: NodeRules) -> Self {
        let announcer = Announcer::new(epoch, db.engine());
        let inner = Inner {
            db,
            key: Arc::new(key),
            announcer,
            following: AtomicBool::new(false),
            owed: Arc::new(Owed::new()),
            turns: Arc::new(Semaphore::new(1)),
            documents: Mutex::default(),
            said: Mutex::default(),
            node,
            trails: Mutex::new(None),
        };
        Self {
            inner: Arc::new(inner),
            in_turn: true,
        }
    }

    async fn with(
        db: Db,
        keys_dir: &Path,
        place: &str,
        node: NodeRules,
    ) -> Result<Self, StoreError> {
        migrations::migrate(&db, place).await?;
        // The store first: it knows whether a key may be made for it.
        let credentials = secrets::credentials_directory();
        let key = binding::open(&db, keys_dir, credentials.as_deref()).await?;
        let epoch = read_epoch(&db).await?;
        let store = Self::of(db, key, epoch, node);
        journal::check_begun(&store).await?;
        bound::begin(&store).await?;
        bound::begin_secrets(&store).await?;
        bound::begin_clearances(&store).await?;
        Ok(store)
    }

    /// The same store, whose changes go before all that wait in turn: one of those at most is under way. For what a client's
    /// people do and for the ends of rights (F5): a thousand refusals of somebody else must not hold up a withdrawal.
    #[must_use]
    pub fn ahead(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            in_turn: false,
        }
    }

    /// Told of the changes that concern `of`, from here on: those of this process at once, of others within [`POLL`] at the
    /// latest. Subscribe, then read; being woken says only that something changed.
    pub fn changes(&self, of: Topics) -> Changes {
        if !self.inner.following.swap(true, Ordering::AcqRel) {
            listening::begin(&self.inner);
        }
        self.inner.announcer.subscribe(of)
    }

    /// The store as it is at this moment, to be read only: whoever compares what stands in several places reads all of it
    /// of one moment, whatever others write meanwhile. It holds one connection until the last clone is gone.
    ///
    /// # Errors
    /// The store failed.
    pub async fn snapshot(&self) -> Result<Self, StoreError> {
        // Read before the moment, and so true of it: what was read of the log is not read again.
        let said = self.said().clone().strictly();
        let db = self.inner.db.snapshot().await?;
        let epoch = read_epoch(&db).await?;
        let announcer = Announcer::new(epoch, db.engine());
        let inner = Inner {
            db,
            key: Arc::clone(&self.inner.key),
            announcer,
            // Nothing changes here.
            following: AtomicBool::new(true),
            owed: Arc::new(Owed::new()),
            turns: Arc::new(Semaphore::new(1)),
            documents: Mutex::default(),
            said: Mutex::new(said),
            node: self.inner.node.clone(),
            trails: Mutex::new(None),
        };
        Ok(Self {
            inner: Arc::new(inner),
            in_turn: true,
        })
    }

    /// Waits for running statements and closes every connection.
    pub async fn close(&self) {
        self.inner.db.close().await;
    }

    fn db(&self) -> &Db {
        &self.inner.db
    }

    /// What the gateway's own settings say of budgets.
    pub fn node(&self) -> &NodeRules {
        &self.inner.node
    }

    fn key(&self) -> &StoreKey {
        &self.inner.key
    }

    /// Begins a change. It happens at [`Writing::commit`], or not at all.
    async fn write(&self) -> Result<Writing, StoreError> {
        let turn = if self.in_turn {
            // Never closed.
            Arc::clone(&self.inner.turns).acquire_owned().await.ok()
        } else {
            None
        };
        let mut tx = self.inner.db.begin().await?;
        // First of all: on PostgreSQL this row makes writers wait for one another, so that what a
        // transaction reads stays true until it commits, as on SQLite.
        let epoch = raise(&mut tx, "epoch").await?;
        Ok(Writing {
            tx,
            epoch,
            inner: Arc::clone(&self.inner),
            frontier: None,
            added: Vec::new(),
            planted: 0,
            _turn: turn,
            documents: None,
            topics: BTreeSet::new(),
        })
    }
}

/// A change being made. Invariant: no other change happens between its first statement and its commit.
struct Writing {
    tx: Tx,
    epoch: u64,
    inner: Arc<Inner>,
    /// Where the journal stands within this change, once it was compared with what was seen, or something was added to it.
    frontier: Option<Frontier>,
    /// What was added to it: place, hash and words.
    added: Vec<(u64, Hash, String)>,
    /// Rows of the index that stood where this change wrote, beyond the end of the log, and were taken away.
    planted: u64,
    /// Given back last of all.
    _turn: Option<OwnedSemaphorePermit>,
    /// The documents as this change leaves them, once whose trails a record enters was asked of them.
    documents: Option<Arc<Documents>>,
    /// What it concerns.
    topics: BTreeSet<Topic>,
}

impl Writing {
    /// The next number of a counter, without gaps in what is committed.
    async fn next(&mut self, counter: &'static str) -> Result<u64, StoreError> {
        raise(&mut self.tx, counter).await
    }

    /// It concerns this too, which none of its records tells.
    fn concern(&mut self, topic: Topic) {
        self.topics.insert(topic);
    }

    /// Writes one record of this change into each trail that it concerns; the place of the last entry of it.
    async fn append(&mut self, record: &AuditRecord) -> Result<u64, StoreError> {
        self.compare().await?;
        let bound = bound::with_digests(self, record).await?;
        let record = bound.as_ref().unwrap_or(record);
        let record = &*receipts::numbered(self, record).await?;
        let event = match record.event {
            Some(event) => event,
            None => new_id(record.at)?,
        };
        let documents = if trails::asks_documents(record) {
            self.documents().await?
        } else {
            Arc::default()
        };
        let mut last = 0;
        for record in trails::spread(record.clone(), &documents) {
            topics::add(&mut self.topics, &record);
            last = audit::append(self, &record, event).await?;
        }
        Ok(last)
    }

    /// The documents as this change leaves them; none where their texts do not read, which must keep nothing off the
    /// record.
    async fn documents(&mut self) -> Result<Arc<Documents>, StoreError> {
        if let Some(documents) = &self.documents {
            return Ok(Arc::clone(documents));
        }
        let documents = documents::within(self).await?;
        self.documents = Some(Arc::clone(&documents));
        Ok(documents)
    }

    /// Writes the records of this change, then makes it happen.
    async fn commit(mut self, records: &[AuditRecord]) -> Result<(), StoreError> {
        self.compare().await?;
        // What is wrong with the log itself stands before whatever is written into it.
        let mut untold = Untold::take(&self.inner);
        for record in untold.records.iter().chain(records) {
            self.append(record).await?;
        }
        // What was taken away is on record, with the change that found it in its way.
        if self.planted > 0 {
            let record = audit::planted(self.planted, clock::now());
            self.append(&record).await?;
        }
        if self.inner.db.engine() == Engine::Postgres {
            let words = topics::words(&self.inner.key, self.epoch, &self.topics);
            self.tx.execute(listening::SAY, values![words]).await?;
        }
        self.tx.commit().await?;
        untold.records.clear();
        let mut said = self.inner.said();
        for (seq, leaf, line) in &self.added {
            said.committed(*seq, *leaf, line);
        }
        drop(said);
        self.inner.announcer.announce(self.epoch, &self.topics);
        Ok(())
    }
}

/// What is to be put on record of the log itself. Given back where that does not happen.
struct Untold {
    inner: Arc<Inner>,
    records: Vec<AuditRecord>,
}

impl Untold {
    fn take(inner: &Arc<Inner>) -> Self {
        Self {
            records: inner.said().take_untold(),
            inner: Arc::clone(inner),
        }
    }
}

impl Drop for Untold {
    fn drop(&mut self) {
        if !self.records.is_empty() {
            let records = std::mem::take(&mut self.records);
            self.inner.said().give_back(records);
        }
    }
}

/// A new id that sorts by time (UUID version 7).
///
/// # Errors
/// The system gives no randomness.
pub fn new_id(at: Timestamp) -> Result<Uuid, StoreError> {
    let millis = u64::try_from(at.as_micros() / 1000).unwrap_or(0);
    Ok(uuid::Builder::from_unix_timestamp_millis(millis, &secrets::random()?).into_uuid())
}

async fn raise(tx: &mut Tx, counter: &'static str) -> Result<u64, StoreError> {
    let sql = "UPDATE counters SET value = value + 1 WHERE name = $1 RETURNING value";
    let row = tx.row(sql, values![counter]).await?;
    row.ok_or(StoreError::Null {
        column: "counters.value",
    })?
    .count("value")
}

async fn read_epoch(db: &Db) -> Result<u64, StoreError> {
    let row = db
        .row("SELECT value FROM counters WHERE name = 'epoch'", values![])
        .await?;
    row.ok_or(StoreError::Null {
        column: "counters.value",
    })?
    .count("value")
}
