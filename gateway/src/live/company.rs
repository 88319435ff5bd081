//! Who accompanies which session (I4): operators who watch one, whose client programs answer, and who may.
//!
//! Watches stand here in the order in which they began. Whenever one begins, ends, falls silent or answers again, policy counts
//! anew who accompanies what. A session that is to be accompanied and whose last companion is gone is held at once; it goes on
//! once somebody's coming is on record (`passage/company.rs`, `adr/0046-accompanied-at-a-watch.md`).

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ecluse_policy::accompaniment::{Accompanied, Watcher, accompanying};
use ecluse_policy::{PersonId, Timestamp};
use tokio::sync::watch;

use super::{Live, LiveSession};
use crate::clock;

/// Somebody's client program.
pub(crate) trait Program: fmt::Debug + Send + Sync {
    /// Asks whether it is there; done once it answers, or its connection is over.
    fn answers(&self) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// How a session is accompanied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Company {
    rule: Option<Accompanied>,
    /// Who counts.
    present: BTreeSet<PersonId>,
    /// Those of them whose coming is on record.
    on_record: BTreeSet<PersonId>,
    alone_since: Option<Timestamp>,
    /// Whether its technician was told that it waits.
    is_told: bool,
}

impl Company {
    /// How it is to be accompanied, where it is.
    pub(crate) fn rule(&self) -> Option<Accompanied> {
        self.rule
    }

    /// Those who count, on record or not yet.
    pub(crate) fn present(&self) -> &BTreeSet<PersonId> {
        &self.present
    }

    /// Those who accompany it.
    pub(crate) fn on_record(&self) -> &BTreeSet<PersonId> {
        &self.on_record
    }

    /// Since when it waits for somebody; none where it does not.
    pub(crate) fn alone_since(&self) -> Option<Timestamp> {
        self.alone_since
    }

    /// It is to be accompanied so.
    pub(super) fn is_by(&mut self, rule: Option<Accompanied>) {
        self.rule = rule;
        self.settle();
    }

    /// These count now. Who left is not on record any more, whenever they come back.
    pub(super) fn is_of(&mut self, present: BTreeSet<PersonId>) {
        self.present = present;
        self.settle();
    }

    /// Somebody's coming is on record.
    pub(super) fn is_on_record(&mut self, person: &PersonId) {
        if self.present.contains(person) {
            self.on_record.insert(person.clone());
        }
        self.settle();
    }

    /// Its technician is told that it waits; whether they were already.
    pub(super) fn tell(&mut self) -> bool {
        std::mem::replace(&mut self.is_told, true)
    }

    fn settle(&mut self) {
        let present = &self.present;
        self.on_record.retain(|person| present.contains(person));
        let is_alone = self.rule.is_some() && self.on_record.is_empty();
        if !is_alone {
            self.alone_since = None;
            self.is_told = false;
        } else if self.alone_since.is_none() {
            self.alone_since = Some(clock::now());
        }
    }
}

/// What somebody's watching is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Worth {
    /// The session needs nobody.
    NotNeeded,
    /// It counts.
    Counts,
    /// Their client program does not answer, or not yet; or they may not any more.
    Silent,
    /// They accompany as many as the flow says already.
    Full {
        /// How many that is.
        at_most: u32,
    },
}

/// Those who watch.
#[derive(Debug, Default)]
pub(crate) struct Companions {
    watches: Mutex<Watches>,
}

#[derive(Debug, Default)]
struct Watches {
    next: u64,
    all: Vec<Watch>,
}

#[derive(Debug)]
struct Watch {
    id: u64,
    operator: PersonId,
    session: Arc<LiveSession>,
    /// Whether they are there, and may.
    is_there: bool,
    /// What they accompany already, that other nodes carry.
    elsewhere: Vec<Watcher>,
    worth: watch::Sender<Worth>,
}

impl Companions {
    fn lock(&self) -> MutexGuard<'_, Watches> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    /// Somebody watches a session: by which number they are known here, and what that is worth as it changes. Nothing, until
    /// they are there.
    pub(crate) fn is_watched(
        &self,
        session: &Arc<LiveSession>,
        operator: &PersonId,
    ) -> (u64, watch::Receiver<Worth>) {
        let mut watches = self.companions.lock();
        let id = watches.next;
        watches.next += 1;
        let (worth, told) = watch::channel(Worth::Silent);
        watches.all.push(Watch {
            id,
            operator: operator.clone(),
            session: Arc::clone(session),
            is_there: false,
            elsewhere: Vec::new(),
            worth,
        });
        drop(watches);
        self.count_companions();
        (id, told)
    }

    /// Whether whoever watches under this number is there, and may; and what of other nodes they accompany already.
    pub(crate) fn companion_is_there(&self, id: u64, is_there: bool, elsewhere: &[Watcher]) {
        let mut watches = self.companions.lock();
        let mut all = watches.all.iter_mut();
        let changed = match all.find(|one| one.id == id) {
            Some(one) => {
                let changed = one.is_there != is_there || one.elsewhere != elsewhere;
                one.is_there = is_there;
                one.elsewhere = elsewhere.to_vec();
                changed
            }
            None => false,
        };
        drop(watches);
        if changed {
            self.count_companions();
        }
    }

    /// They watch no more.
    pub(crate) fn is_left(&self, id: u64) {
        self.companions.lock().all.retain(|one| one.id != id);
        self.count_companions();
    }

    /// Counts anew who accompanies what.
    pub(crate) fn count_companions(&self) {
        // Throughout, so that of two counts the later one stands.
        let watches = self.companions.lock();
        let sessions = self.all();
        let is_live = |session: &LiveSession| {
            let id = session.facts().id;
            sessions.iter().any(|one| one.facts().id == id)
        };
        let of_use = watches.all.iter().filter(|one| one.is_there);
        let watchers: Vec<Watcher> = of_use
            .filter(|one| is_live(&one.session))
            .flat_map(|one| {
                let rule = one.session.company().borrow().rule();
                let here = rule.map(|rule| Watcher {
                    operator: one.operator.clone(),
                    session: one.session.facts().id,
                    rule,
                });
                // They came there before they came here.
                one.elsewhere.iter().cloned().chain(here)
            })
            .collect();
        let counted = accompanying(&watchers);
        for session in &sessions {
            let here = counted.iter();
            let here = here.filter(|(_, id)| *id == session.facts().id);
            session.is_accompanied_by(here.map(|(who, _)| who.clone()).collect());
        }
        for one in &watches.all {
            let rule = one.session.company().borrow().rule();
            let worth = match rule {
                None => Worth::NotNeeded,
                Some(_)
                    if counted.contains(&(one.operator.clone(), one.session.facts().id))
                        && one.is_there =>
                {
                    Worth::Counts
                }
                Some(_) if !one.is_there => Worth::Silent,
                Some(rule) => Worth::Full {
                    at_most: rule.sessions_per_operator,
                },
            };
            one.worth.send_if_modified(|known| {
                let is_new = *known != worth;
                *known = worth;
                is_new
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use ecluse_policy::SessionId;
    use ecluse_recordings::evidence::key::RecordingKey;
    use uuid::Uuid;

    use super::*;
    use crate::live::LiveChannel;
    use crate::live::tests::session_recorded;

    fn odile() -> PersonId {
        PersonId::parse("odile").unwrap()
    }

    fn accompanied() -> Option<Accompanied> {
        Some(Accompanied {
            sessions_per_operator: 1,
        })
    }

    /// I4: nothing passes before somebody's coming is on record, and who left and came back is on record anew.
    #[test]
    fn i4_a_session_is_alone_until_somebodys_coming_is_on_record() {
        let mut company = Company::default();
        assert!(company.alone_since().is_none());
        company.is_by(accompanied());
        assert!(company.alone_since().is_some());
        company.is_of([odile()].into());
        assert!(company.alone_since().is_some(), "it is not on record");
        company.is_on_record(&odile());
        assert!(company.alone_since().is_none());
        company.is_of(BTreeSet::new());
        assert!(company.alone_since().is_some());
        company.is_of([odile()].into());
        assert!(company.alone_since().is_some() && company.on_record().is_empty());
        // What was put on record of somebody who is gone makes nothing pass.
        company.is_of(BTreeSet::new());
        company.is_on_record(&odile());
        assert!(company.alone_since().is_some());
        company.is_by(None);
        assert!(company.alone_since().is_none());
    }

    /// I4: of one session both watches of an operator are one; of two, the first counts until it is left.
    #[tokio::test]
    async fn i4_the_second_session_of_an_operator_waits_for_the_end_of_the_first() {
        let live = Live::default();
        let mut sessions = Vec::new();
        let mut ends = Vec::new();
        for number in 1..=2 {
            let key = RecordingKey::generate();
            let (session, end) = session_recorded(number, "unused".into(), key).await;
            sessions.push(session);
            ends.push(end);
        }
        for session in &sessions {
            assert!(live.enter(Arc::clone(session)).is_none());
            session.is_to_be_accompanied(accompanied());
        }
        live.count_companions();
        let alone = |nth: usize| sessions[nth].held().borrow().holds(1);
        assert!(alone(0) && alone(1));
        let watches: Vec<_> = [0, 0, 1]
            .map(|nth| live.is_watched(&sessions[nth], &odile()))
            .into();
        assert_eq!(*watches[0].1.borrow(), Worth::Silent);
        for (id, _) in &watches {
            live.companion_is_there(*id, true, &[]);
        }
        let worth = || {
            let all = watches.iter();
            all.map(|(_, worth)| *worth.borrow()).collect::<Vec<_>>()
        };
        let full = Worth::Full { at_most: 1 };
        assert_eq!(worth(), [Worth::Counts, Worth::Counts, full]);
        assert!(alone(0), "it is not on record yet");
        sessions[0].company_on_record(&odile(), |_, _| None);
        sessions[1].company_on_record(&odile(), |_, _| None);
        assert!(!alone(0) && alone(1));
        // An operator's hold is another.
        live.is_left(watches[0].0);
        assert!(!alone(0));
        live.companion_is_there(watches[1].0, false, &[]);
        assert!(alone(0));
        assert_eq!(worth()[2], Worth::Counts);
        live.leave(2);
        live.companion_is_there(watches[1].0, true, &[]);
        assert_eq!(worth()[1], Worth::Counts);
        // Nor where they accompany one of another node.
        let there = Watcher {
            operator: odile(),
            session: SessionId::from_uuid(Uuid::from_u128(9)),
            rule: accompanied().unwrap(),
        };
        live.companion_is_there(watches[1].0, true, &[there]);
        assert_eq!(worth()[1], full);
        assert!(alone(0));
    }

    /// I4: who came and left before that is on record lets nothing go on, and nobody reads that it does.
    #[tokio::test]
    async fn i4_nobody_reads_that_it_goes_on_with_somebody_who_left() {
        let live = Live::default();
        let (session, _end) = session_recorded(1, "unused".into(), RecordingKey::generate()).await;
        assert!(live.enter(Arc::clone(&session)).is_none());
        let mut read = session.enter(LiveChannel {
            doing: None,
            number: 1,
            command: None,
            capabilities: Vec::new(),
            terminal: true,
            started: clock::now(),
            closes_at: clock::now(),
        });
        session.is_to_be_accompanied(accompanied());
        session.is_accompanied_by(BTreeSet::new());
        session.company_on_record(&odile(), |_, _| Some("it goes on".into()));
        assert!(session.held().borrow().holds(1) && read.try_recv().is_err());
        session.is_accompanied_by([odile()].into());
        session.company_on_record(&odile(), |company, _| {
            assert!(company.on_record().contains(&odile()));
            Some("it goes on".into())
        });
        assert!(!session.held().borrow().holds(1));
        assert_eq!(read.try_recv().unwrap(), "it goes on");
    }
}
