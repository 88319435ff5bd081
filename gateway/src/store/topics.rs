//! Who is woken by which change: a commit wakes those whom it concerns and nobody else.
//!
//! What a change concerns follows from its audit records, in one table matched over every kind ([`table`]), so that no
//! writer can forget it; the few changes without a record name it themselves. Whoever waits subscribes first and reads
//! then: a commit whose announcement came before the subscription is seen by the reading.
//!
//! In this process a commit is announced by name at once. Other processes on PostgreSQL hear it by name too (NOTIFY,
//! [`super::listening`]). Behind both stands the epoch, which every commit raises by one: commits that it counts and that
//! nobody named wake everybody ([`Announcer::catch_up`]).
//!
//! Anybody who can connect to the database can say something there; words are those that a gateway of this store marked
//! ([`words`]). Said again, they keep nobody asleep: a word names a commit only if the store has counted as far by then
//! ([`seen`]), and a store that counts less than before was set back, which wakes everybody.

mod seen;
mod table;
mod words;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use ecluse_policy::{ClientId, InterventionId};
use tokio::sync::watch;

pub(super) use self::seen::Look;
use self::seen::Seen;
pub(super) use self::table::add;
pub(super) use self::words::{read, words};
use super::sql::Engine;

/// Something that a change can concern.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Topic {
    /// The documents in force.
    Documents,
    /// Any intervention.
    Interventions,
    /// One intervention.
    Intervention(InterventionId),
    /// The trail of a client, or the gateway's own: an entry was added to it.
    Trail(Option<ClientId>),
    /// The checkpoints of the journal.
    Checkpoints,
    /// The keys of the gateway.
    Keys,
    /// Orders to nodes, and their answers.
    Orders,
}

/// What somebody waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics(Option<Vec<Topic>>);

impl Topics {
    /// Every change.
    pub fn everything() -> Self {
        Self(None)
    }

    /// The documents in force.
    pub fn documents() -> Self {
        Self(Some(vec![Topic::Documents]))
    }

    /// Any intervention.
    pub fn interventions() -> Self {
        Self(Some(vec![Topic::Interventions]))
    }

    /// One intervention.
    pub fn intervention(id: InterventionId) -> Self {
        Self(Some(vec![Topic::Intervention(id)]))
    }

    /// What a client's people are told of: its trail, and the gateway's own.
    pub fn told_to(client: &ClientId) -> Self {
        let trails = [Some(client.clone()), None];
        Self(Some(trails.map(Topic::Trail).into()))
    }

    /// A client's entries, and checkpoints: what is copied.
    pub fn copied_to(client: &ClientId) -> Self {
        let trail = Topic::Trail(Some(client.clone()));
        Self(Some(vec![trail, Topic::Checkpoints]))
    }

    /// The checkpoints of the journal.
    pub fn checkpoints() -> Self {
        Self(Some(vec![Topic::Checkpoints]))
    }

    /// The keys of the gateway.
    pub fn keys() -> Self {
        Self(Some(vec![Topic::Keys]))
    }

    /// Orders to nodes, and their answers.
    pub fn orders() -> Self {
        Self(Some(vec![Topic::Orders]))
    }
}

/// Told of changes from when it was made on.
#[derive(Debug)]
pub struct Changes {
    number: u64,
    woken: watch::Receiver<u64>,
    announcer: Weak<Announcer>,
}

impl Changes {
    /// Waits for a change since the last one that was waited for or marked.
    ///
    /// # Errors
    /// The store is gone.
    pub async fn changed(&mut self) -> Result<(), watch::error::RecvError> {
        self.woken.changed().await
    }

    /// What happened until here is known: whoever reads after this misses nothing.
    pub fn mark_unchanged(&mut self) {
        self.woken.mark_unchanged();
    }

    /// Whether there was a change since.
    #[cfg(test)]
    pub fn has_changed(&self) -> bool {
        self.woken.has_changed().unwrap()
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        if let Some(announcer) = self.announcer.upgrade() {
            announcer.waiters().remove(self.number);
        }
    }
}

/// Wakes those who wait.
#[derive(Debug)]
pub(super) struct Announcer {
    waiters: Mutex<Waiters>,
    seen: Mutex<Seen>,
    /// Whether other processes name their commits, as on PostgreSQL.
    others_name: bool,
}

#[derive(Debug, Default)]
struct Waiters {
    last: u64,
    all: HashMap<u64, (Topics, watch::Sender<u64>)>,
    by_topic: HashMap<Topic, BTreeSet<u64>>,
    of_everything: BTreeSet<u64>,
}

impl Waiters {
    fn remove(&mut self, number: u64) {
        let Some((topics, _)) = self.all.remove(&number) else {
            return;
        };
        let Some(topics) = topics.0 else {
            self.of_everything.remove(&number);
            return;
        };
        for topic in topics {
            if let Some(waiting) = self.by_topic.get_mut(&topic) {
                waiting.remove(&number);
                if waiting.is_empty() {
                    self.by_topic.remove(&topic);
                }
            }
        }
    }

    fn wake<'n>(&self, numbers: impl Iterator<Item = &'n u64>, epoch: u64) {
        for (_, woken) in numbers.filter_map(|number| self.all.get(number)) {
            woken.send_replace(epoch);
        }
    }
}

impl Announcer {
    /// Nobody waits yet; everything up to `epoch` is known.
    pub(super) fn new(epoch: u64, engine: Engine) -> Arc<Self> {
        Arc::new(Self {
            others_name: match engine {
                Engine::Postgres => true,
                Engine::Sqlite => false,
            },
            waiters: Mutex::default(),
            seen: Mutex::new(Seen::upto(epoch)),
        })
    }

    pub(super) fn subscribe(self: &Arc<Self>, topics: Topics) -> Changes {
        let mut waiters = self.waiters();
        waiters.last = waiters.last.wrapping_add(1);
        let number = waiters.last;
        let (sender, woken) = watch::channel(0);
        match &topics.0 {
            None => {
                waiters.of_everything.insert(number);
            }
            Some(topics) => {
                for topic in topics {
                    let waiting = waiters.by_topic.entry(topic.clone()).or_default();
                    waiting.insert(number);
                }
            }
        }
        waiters.all.insert(number, (topics, sender));
        Changes {
            number,
            woken,
            announcer: Arc::downgrade(self),
        }
    }

    /// A commit of this process happened, and this is what it concerns.
    pub(super) fn announce(&self, epoch: u64, topics: &BTreeSet<Topic>) {
        let unnamed = self.seen().committed(epoch, topics, self.others_name);
        self.wake((!unnamed).then_some(topics), epoch);
    }

    /// Somebody says that a commit happened, and what it concerns; none stands for anything.
    pub(super) fn hear(&self, epoch: u64, topics: Option<&BTreeSet<Topic>>) {
        if self.seen().heard(epoch, topics) {
            self.wake(topics, epoch);
        }
    }

    /// Begins to look how far the store has counted: to be handed to [`looked`](Self::looked) with what it says.
    pub(super) fn look(&self) -> Look {
        self.seen().look()
    }

    /// The store has counted up to `epoch`; whether every commit up to there was named.
    pub(super) fn looked(&self, look: Look, epoch: u64) -> bool {
        let (knows, was_set_back) = self.seen().looked(look, epoch);
        if was_set_back {
            tracing::warn!(
                epoch,
                "the store counts less than before: it was set back, or another one answers in its place"
            );
            self.wake_all(epoch);
        }
        knows
    }

    /// Commits up to `epoch` happened: where one was not named, everybody is woken.
    pub(super) fn catch_up(&self, epoch: u64) {
        let news = self.seen().catch_up(epoch);
        if news {
            self.wake_all(epoch);
        }
    }

    fn wake(&self, topics: Option<&BTreeSet<Topic>>, epoch: u64) {
        let Some(topics) = topics else {
            return self.wake_all(epoch);
        };
        let waiters = self.waiters();
        let named = topics
            .iter()
            .filter_map(|topic| waiters.by_topic.get(topic));
        let numbers: BTreeSet<u64> = named.flatten().copied().collect();
        waiters.wake(numbers.iter().chain(&waiters.of_everything), epoch);
    }

    fn wake_all(&self, epoch: u64) {
        let waiters = self.waiters();
        waiters.wake(waiters.all.keys(), epoch);
    }

    fn waiters(&self) -> MutexGuard<'_, Waiters> {
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn intervention(number: u128) -> Topic {
        Topic::Intervention(InterventionId::from_uuid(Uuid::from_u128(number)))
    }

    /// What the store says to somebody who looks now.
    fn knows(announcer: &Announcer, epoch: u64) -> bool {
        announcer.looked(announcer.look(), epoch)
    }

    #[test]
    fn a_commit_wakes_whom_it_concerns_and_one_that_nobody_named_wakes_everybody() {
        let announcer = Announcer::new(10, Engine::Postgres);
        let mut mine = announcer.subscribe(Topics(Some(vec![intervention(1)])));
        let mut other = announcer.subscribe(Topics(Some(vec![intervention(2)])));
        let mut all = announcer.subscribe(Topics::everything());
        let about = |number| BTreeSet::from([intervention(number)]);
        announcer.announce(11, &about(1));
        assert!(mine.has_changed() && all.has_changed() && !other.has_changed());
        for changes in [&mut mine, &mut all] {
            changes.mark_unchanged();
        }
        // The same commit, heard once more from another side.
        announcer.hear(11, Some(&about(1)));
        assert!(!mine.has_changed());
        // Out of order: 12 is not named yet.
        announcer.hear(13, Some(&about(2)));
        assert!(other.has_changed() && !knows(&announcer, 13));
        other.mark_unchanged();
        announcer.catch_up(12);
        assert!(mine.has_changed() && other.has_changed() && knows(&announcer, 13));
        drop(mine);
        assert!(!announcer.waiters().by_topic.contains_key(&intervention(1)));
    }

    /// Words that anybody can say name no commit before it happened, and silence none.
    #[test]
    fn forged_words_wake_and_keep_nobody_asleep() {
        let announcer = Announcer::new(10, Engine::Postgres);
        let mut mine = announcer.subscribe(Topics(Some(vec![intervention(1)])));
        let mut elses = announcer.subscribe(Topics(Some(vec![intervention(2)])));
        let about = |number| BTreeSet::from([intervention(number)]);
        let mut woken = |what: &str, mine_is: bool| {
            assert_eq!(mine.has_changed(), mine_is, "{what}");
            mine.mark_unchanged();
        };
        for epoch in 1..=100_000 {
            announcer.hear(epoch, Some(&about(2)));
        }
        assert!(elses.has_changed());
        elses.mark_unchanged();
        woken("words of others", false);
        announcer.announce(11, &about(1));
        woken("a commit of this process", true);
        announcer.hear(12, Some(&about(1)));
        woken("words of a commit elsewhere", true);
        assert!(knows(&announcer, 12));
        // 13 was named by nobody but the forger, before it happened.
        assert!(!knows(&announcer, 13));
        announcer.catch_up(13);
        woken("a commit that only lies named", true);
        assert!(announcer.seen().remembered() < 10_000);
    }

    /// After a failover to a copy that was behind, the numbers begin again below.
    #[test]
    fn a_store_that_was_set_back_wakes_everybody_and_goes_on_from_there() {
        let announcer = Announcer::new(10, Engine::Postgres);
        let mut mine = announcer.subscribe(Topics(Some(vec![intervention(1)])));
        let about = |number| BTreeSet::from([intervention(number)]);
        announcer.announce(11, &about(2));
        // A look that began before that commit says nothing of it.
        let look = Look::of(10);
        assert!(announcer.looked(look, 10) && !mine.has_changed());
        assert!(knows(&announcer, 5));
        assert!(mine.has_changed());
        mine.mark_unchanged();
        announcer.announce(6, &about(1));
        assert!(mine.has_changed());
        mine.mark_unchanged();
        announcer.hear(7, Some(&about(1)));
        assert!(mine.has_changed() && knows(&announcer, 7));
        mine.mark_unchanged();
        assert!(!knows(&announcer, 8));
    }

    /// Where other processes name nothing, the next commit of this one shows that there were some.
    #[test]
    fn commits_that_nobody_names_are_noticed_at_the_next_one() {
        let announcer = Announcer::new(10, Engine::Sqlite);
        let mut documents = announcer.subscribe(Topics::documents());
        let about = BTreeSet::from([intervention(1)]);
        announcer.announce(11, &about);
        assert!(!documents.has_changed());
        announcer.announce(13, &about);
        assert!(documents.has_changed() && knows(&announcer, 13));
        documents.mark_unchanged();
        announcer.announce(14, &about);
        assert!(!documents.has_changed());
    }
}
