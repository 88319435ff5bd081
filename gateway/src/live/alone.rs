//! Whether this run is alone under its gateway's name.
//!
//! A data directory that was copied, or a machine that was cloned, makes a second gateway of one name, often with the same
//! address. What begins under a name ends on record what that name left open; so it must not begin while another run lives.
//! Who lives renews its row, with a seal under the store's key that was made just then: a start waits whether somebody does,
//! unless it knows that nobody can. A run that finds another's word in its row ends once that one renews it; a word that nobody
//! renews so was written by hand, whatever is written beside it, and is taken out again.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ecluse_policy::HostPort;
use ecluse_recordings::neutralise;
use tokio::time::Instant;

use super::node_name::{NameError, keep};
use crate::store::{Holder, LEASE, Run, ServeLock, Serving, Store, StoreError};

/// What the latest run of a data directory was, as [`trace`] has it.
const FILE: &str = "run";
/// How often a start looks whether somebody renews the name.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// This run of a gateway, under its name.
#[derive(Debug, Clone)]
pub(crate) struct Own {
    /// Its name.
    pub(crate) name: String,
    run: Run,
    address: HostPort,
    /// Where the name is kept.
    path: PathBuf,
    /// Who was found in its place, and since when.
    found: Option<(Holder, Instant)>,
}

/// What a look at another run's word means.
#[derive(Debug, PartialEq, Eq)]
enum Means {
    /// Nothing yet.
    Wait,
    /// It lives.
    Lives,
    /// Nobody renews it.
    Nobody,
}

/// What it means that `holder` holds the row, in which another's word was `first` seen so `since` then. Only a seal that was
/// made since is a life: an old one can be put back by whoever kept a copy of the row, and none can be made without the key.
fn meaning(holder: &Holder, first: &Holder, since: Duration) -> Means {
    if holder.proven.is_some_and(|at| at >= first.seen_at) {
        return Means::Lives;
    }
    if since > LEASE {
        Means::Nobody
    } else {
        Means::Wait
    }
}

impl Own {
    /// Who serves.
    pub(crate) fn serving(&self) -> Serving {
        Serving {
            node: self.name.clone(),
            run: self.run.clone(),
        }
    }

    /// A run that is new.
    pub(super) fn new(name: String, address: &HostPort, path: PathBuf) -> Result<Self, NameError> {
        Ok(Self {
            name,
            run: Run::begin()?,
            address: address.clone(),
            path,
            found: None,
        })
    }

    /// Says that this run is here.
    ///
    /// # Errors
    /// [`NameError::Taken`] where another run goes on under its name: this one must end. Or the store failed.
    pub(super) async fn renew(&mut self, store: &Store) -> Result<(), NameError> {
        let (name, run, address) = (&self.name, &self.run, &self.address);
        if store.renew_node(name, run, address).await? {
            self.found = None;
            return Ok(());
        }
        let holder = store.node_holder(name).await?;
        // The store took nothing, and nobody else has it.
        let Some(holder) = holder.filter(|holder| holder.run.as_ref() != Some(run)) else {
            self.found = None;
            return Ok(());
        };
        let now = Instant::now();
        let first = self.found.as_ref();
        // By a clock that was set back nothing is made since: it is looked at anew.
        let first = first.filter(|(first, _)| first.seen_at <= holder.seen_at);
        let Some((first, since)) = first else {
            tracing::error!(
                address = %neutralise(&holder.address),
                "another word than this run's stands in the row of its name in the store; if it is renewed, another gateway serves under this name, and this one ends"
            );
            self.found = Some((holder, now));
            return Ok(());
        };
        match meaning(&holder, first, now.saturating_duration_since(*since)) {
            Means::Wait => {}
            Means::Lives => return Err(self.taken(&holder)),
            Means::Nobody => {
                tracing::error!("nobody renews that word; find out who changed the store");
                store.take_node(name, run, address, Some(&holder)).await?;
            }
        }
        Ok(())
    }

    /// Says that this run has no sessions any more.
    ///
    /// # Errors
    /// The store failed.
    pub(crate) async fn leave(&self, store: &Store) -> Result<(), StoreError> {
        store.leave_node(&self.name, &self.run).await
    }

    fn taken(&self, by: &Holder) -> NameError {
        NameError::Taken {
            address: neutralise(&by.address),
            path: self.path.clone(),
        }
    }
}

/// Begins a run as soon as no other can live under its name.
///
/// # Errors
/// [`NameError::Taken`] where one does. Or a file of the data directory cannot be used, or the store failed.
pub(super) async fn begin(
    data_dir: &Path,
    lock: &ServeLock,
    store: &Store,
    own: Own,
) -> Result<Own, NameError> {
    let file = data_dir.join(FILE);
    // Without one the machine cannot be told from its clones, and every word is waited for.
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let trace = |run: &Run| Ok::<_, StoreError>(trace(run, boot.trim(), lock.file_id()?));
    let latest = fs::read_to_string(&file).unwrap_or_default();
    let is_dead = |holder: &Holder| {
        let run = holder.run.as_ref().filter(|_| !boot.is_empty());
        let trace = run.map(&trace).transpose()?;
        Ok::<_, StoreError>(trace.as_deref() == Some(latest.trim_end()))
    };
    let mut first: Option<(Holder, Instant)> = None;
    loop {
        let holder = store.node_holder(&own.name).await?;
        if let Some(holder) = &holder
            // Nobody else can share the other kind of store.
            && store.may_be_shared()
            && holder.silent.is_none_or(|silent| silent <= LEASE)
            && !is_dead(holder)?
        {
            let now = Instant::now();
            // By a clock that was set back nothing is made since: it is looked at anew.
            first = first.filter(|(first, _)| first.seen_at <= holder.seen_at);
            let (seen, since) = first.get_or_insert_with(|| (holder.clone(), now));
            match meaning(holder, seen, now.saturating_duration_since(*since)) {
                Means::Wait => {
                    tokio::time::sleep(LOOK_EVERY).await;
                    continue;
                }
                Means::Lives => return Err(own.taken(holder)),
                Means::Nobody => {}
            }
        }
        keep(&file, &trace(&own.run)?).map_err(|error| NameError::File {
            path: file.clone(),
            error,
        })?;
        let (name, run, address) = (&own.name, &own.run, &own.address);
        if store.take_node(name, run, address, holder.as_ref()).await? {
            return Ok(own);
        }
        // Somebody was faster, and may renew it.
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// A run, and what it held meanwhile: the lock of this very file, on this very machine since it was switched on. Whoever holds
/// that lock finds by it that the run has ended. A copy has another file, a clone was switched on for itself.
fn trace(run: &Run, boot: &str, (device, inode): (u64, u64)) -> String {
    format!("{run} {boot} {device}:{inode}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::node_name;
    use crate::store::testing::{TestStore, on_each_engine};

    fn address() -> HostPort {
        HostPort::parse("gw1.example:22").unwrap()
    }

    /// A start of the gateway of a data directory.
    async fn start(dir: &Path, store: &TestStore) -> Result<(Own, ServeLock), NameError> {
        let lock = ServeLock::take(dir).unwrap();
        let own = node_name::take(dir, &lock, store, &address()).await?;
        Ok((own, lock))
    }

    /// A copy of a data directory, as `cp` makes it.
    fn copied(dir: &Path) -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        for file in ["node", FILE, "serve.lock"] {
            fs::copy(dir.join(file), copy.path().join(file)).unwrap();
        }
        copy
    }

    /// R4: a copy of a data directory, reached at the same address, does not begin while the original lives, and begins under
    /// a name of its own.
    #[test]
    fn r4_a_copied_data_directory_does_not_begin_beside_the_original() {
        on_each_engine(async |store| {
            if !store.may_be_shared() {
                return;
            }
            let dir = tempfile::tempdir().unwrap();
            let (mut original, _lock) = start(dir.path(), store).await.unwrap();
            let copy = copied(dir.path());
            let renewing = async {
                loop {
                    original.renew(store).await.unwrap();
                    tokio::time::sleep(LOOK_EVERY).await;
                }
            };
            let refused = tokio::select! {
                started = start(copy.path(), store) => started.unwrap_err().to_string(),
                () = renewing => unreachable!(),
            };
            assert!(refused.contains("reached at gw1.example:22"), "{refused}");
            assert!(refused.contains("write another name"), "{refused}");
            original.renew(store).await.unwrap();
            fs::write(copy.path().join("node"), "gw2\n").unwrap();
            let (second, _second) = start(copy.path(), store).await.unwrap();
            assert_eq!(second.name, "gw2");
            original.renew(store).await.unwrap();
        });
    }

    /// A gateway that was killed begins again at once, and so does one of an older program, or on another machine, once
    /// nobody renews its name.
    #[test]
    fn a_gateway_that_was_killed_begins_again_at_once() {
        on_each_engine(async |store| {
            let dir = tempfile::tempdir().unwrap();
            let (killed, lock) = start(dir.path(), store).await.unwrap();
            drop(lock);
            let began = Instant::now();
            let (again, _lock) = start(dir.path(), store).await.unwrap();
            assert!(began.elapsed() < LEASE / 2, "it waited");
            assert_ne!(killed.run, again.run);
            // What it left by then does not take the row of the one that serves.
            killed.leave(store).await.unwrap();
            let holder = store.node_holder(&again.name).await.unwrap().unwrap();
            assert_eq!(holder.run.as_ref(), Some(&again.run));
            let moved = copied(dir.path());
            let sql = "UPDATE nodes SET renewed_at = renewed_at - 11000000, run = NULL";
            store.changed_by_hand(sql).await;
            let began = Instant::now();
            let (_moved, _lock) = start(moved.path(), store).await.unwrap();
            assert!(began.elapsed() < LEASE / 2, "it waited");
        });
    }

    /// R4: the row of an earlier run, kept by whoever reads the store and put back with its seals, ends nobody and keeps nobody
    /// from beginning.
    #[test]
    fn r4_the_seals_of_an_earlier_run_are_no_life() {
        on_each_engine(async |store| {
            let dir = tempfile::tempdir().unwrap();
            let (_earlier, lock) = start(dir.path(), store).await.unwrap();
            drop(lock);
            // Under another name, which nobody else looks at.
            store
                .changed_by_hand(
                    "INSERT INTO nodes (name, address, renewed_at, run, proof) \
                     SELECT 'kept', address, renewed_at, run, proof FROM nodes",
                )
                .await;
            let (mut original, lock) = start(dir.path(), store).await.unwrap();
            store
                .changed_by_hand(
                    "UPDATE nodes SET run = (SELECT run FROM nodes WHERE name = 'kept'), \
                     proof = (SELECT proof FROM nodes WHERE name = 'kept') WHERE name <> 'kept'",
                )
                .await;
            original.renew(store).await.unwrap();
            store
                .changed_by_hand(
                    "UPDATE nodes SET renewed_at = renewed_at + 1 WHERE name <> 'kept'",
                )
                .await;
            original.renew(store).await.unwrap();
            let found = store.node_holder(&original.name).await.unwrap().unwrap();
            assert!(found.proven.is_some(), "the seal is a true one, and old");
            let (holder, since) = original.found.clone().unwrap();
            let since = since.checked_sub(LEASE + LOOK_EVERY).unwrap();
            assert_eq!(meaning(&found, &holder, since.elapsed()), Means::Nobody);
            original.found = Some((holder, since));
            original.renew(store).await.unwrap();
            original.renew(store).await.unwrap();
            assert_eq!(original.found, None);
            drop(lock);
        });
    }

    /// R4: a run that another one replaced ends; a word that somebody wrote into its row by hand ends nobody.
    #[test]
    fn r4_a_run_ends_when_another_renews_its_name_and_not_for_a_word_in_the_table() {
        on_each_engine(async |store| {
            let dir = tempfile::tempdir().unwrap();
            let (mut original, _lock) = start(dir.path(), store).await.unwrap();
            store
                .changed_by_hand("UPDATE nodes SET run = 'by hand', address = 'gw9.example:22'")
                .await;
            original.renew(store).await.unwrap();
            // However often somebody writes that it was renewed.
            for _ in 0..3 {
                store
                    .changed_by_hand("UPDATE nodes SET renewed_at = renewed_at + 1000000")
                    .await;
                original.renew(store).await.unwrap();
            }
            let (holder, since) = original.found.clone().unwrap();
            let earlier = since.checked_sub(LEASE + LOOK_EVERY).unwrap();
            original.found = Some((holder, earlier));
            original.renew(store).await.unwrap();
            original.renew(store).await.unwrap();
            assert_eq!(original.found, None);
            // The store did not hear of it, and the copy began meanwhile.
            let sql = "UPDATE nodes SET renewed_at = renewed_at - 11000000";
            store.changed_by_hand(sql).await;
            let copy = copied(dir.path());
            let (mut second, _second) = start(copy.path(), store).await.unwrap();
            original.renew(store).await.unwrap();
            second.renew(store).await.unwrap();
            let refused = original.renew(store).await.unwrap_err().to_string();
            assert!(
                refused.contains("serves under this one's name"),
                "{refused}"
            );
            second.renew(store).await.unwrap();
        });
    }
}
