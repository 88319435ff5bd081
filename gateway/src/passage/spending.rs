//! What a channel's budgets do to it and to its session (X3): who is told at a mark, and what ends or is held where nothing
//! is left.
//!
//! That an account has reached a mark is on record once, whichever session of whichever node notices it; each session tells
//! its own technician. What is spent for a session or more ends the session; what is spent for one channel ends that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use ecluse_policy::extraction::{AtLimit, Budget, ByteCount, Level, Threshold, Way};
use tokio::sync::watch;

use super::session::Session;
use super::visit::Visit;
use super::visit::sessions::Seated;
use crate::audit::{AuditKind, AuditRecord};
use crate::extraction::budgeted::{Budgeted, Counted};
use crate::extraction::pace::Paces;
use crate::extraction::toll::Toll;
use crate::extraction::{Reached, Teller, Whole};
use crate::live::{Exhausted, Stop, budget_key};
use crate::store::Mark;

/// What the channels of one session share.
#[derive(Debug, Default)]
pub(crate) struct Spending {
    paces: Arc<Paces>,
    /// What its technician was told.
    told: Mutex<BTreeSet<(String, Option<ByteCount>, Threshold)>>,
}

impl Spending {
    /// Whether that is news to its technician; it is none from now on.
    fn is_news(&self, reached: &Reached) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever has more than before is told of its marks anew.
        let mark = |what| (reached.account.clone(), reached.budget.bytes.bytes(), what);
        // Past the limit, nobody need hear of the warning before it.
        if reached.what == Threshold::Limit {
            told.insert(mark(Threshold::Warn));
        }
        told.insert(mark(reached.what))
    }

    /// It is not reached any more, and news when it is again.
    fn is_over(&self, reached: &Reached) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.remove(&(
            reached.account.clone(),
            reached.budget.bytes.bytes(),
            reached.what,
        ));
    }
}

/// A channel that pays; closed when dropped, wherever that is.
pub(super) struct Paying {
    toll: Arc<Toll>,
    over: watch::Receiver<Option<Exhausted>>,
}

impl Paying {
    /// Channel `number` of a session pays from here on, by the budgets of its permit.
    pub(super) fn open(
        visit: &Arc<Visit>,
        seated: &Seated,
        number: u32,
        command: Option<String>,
    ) -> Self {
        let (session, permit) = (&seated.session, &seated.permit);
        let facts = session.live().facts();
        let counted = Counted {
            node: visit.gateway().node.clone(),
            client: facts.client.clone(),
            target: facts.target.clone(),
            person: facts.person.clone(),
            intervention: facts.intervention,
            session: facts.id,
            channel: number.into(),
        };
        let budgets = permit.terms().budgets().clone();
        let over = watch::Sender::new(None);
        let receiver = over.subscribe();
        let teller = SessionTeller {
            visit: Arc::clone(visit),
            session: Arc::clone(session),
            number,
            command,
            over,
            held: Mutex::default(),
        };
        let toll = Toll::open(
            &visit.gateway().extraction,
            &session.spending().paces,
            Arc::new(Budgeted { budgets, counted }),
            Arc::new(teller),
        );
        seated.right.pays_by(&toll);
        session.live().pays_by(number, &toll);
        Self {
            toll,
            over: receiver,
        }
    }

    pub(super) fn toll(&self) -> &Arc<Toll> {
        &self.toll
    }

    /// Told when a budget of this channel alone is spent.
    pub(super) fn over(&self) -> watch::Receiver<Option<Exhausted>> {
        self.over.clone()
    }

    /// Something that goes to the target whole or not at all.
    pub(super) fn whole_up(&self) -> Whole {
        self.toll.whole(Way::Up)
    }

    /// Pays for bytes towards the technician that come by another way than the pump.
    pub(super) async fn pay_all(&self, bytes: usize) {
        self.toll.pay_all(Way::Down, bytes).await;
    }
}

impl Drop for Paying {
    fn drop(&mut self) {
        self.toll.close();
    }
}

/// Tells a session of the budgets of one of its channels.
struct SessionTeller {
    visit: Arc<Visit>,
    session: Arc<Session>,
    number: u32,
    command: Option<String>,
    over: watch::Sender<Option<Exhausted>>,
    /// What lets nothing more pass of the channel, as it found out itself.
    held: Mutex<BTreeMap<Way, Reached>>,
}

impl std::fmt::Debug for SessionTeller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionTeller").finish_non_exhaustive()
    }
}

impl Teller for SessionTeller {
    fn reached(&self, reached: Reached) {
        if !self.session.spending().is_news(&reached) {
            return;
        }
        if let Some(words) = self.words(&reached) {
            self.tell(reached.budget.level, &words);
        }
        self.put_on_record(reached);
    }

    fn over(&self, reached: Reached) {
        let over = self.exhausted(&reached);
        if self.session.spending().is_news(&reached) {
            self.put_on_record(reached);
        }
        match over.level {
            Level::Channel => {
                self.over.send_replace(Some(over));
            }
            Level::Node
            | Level::Client
            | Level::Target
            | Level::TechnicianDay
            | Level::Intervention
            | Level::Session => self.session.live().stop(Stop::Quota(over)),
        }
    }

    fn held(&self, reached: Reached) {
        let live = self.session.live();
        if live.hold(self.number, self.exhausted(&reached)) {
            let texts = &self.visit.gateway().texts;
            let words = texts.budget_held(self.visit.lang(), &reached, &live.facts().client);
            self.tell(reached.budget.level, &words);
        }
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(reached.budget.way, reached.clone());
        drop(held);
        if self.session.spending().is_news(&reached) {
            self.put_on_record(reached);
        }
    }

    fn goes_on(&self, way: Way) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let was = held.remove(&way);
        drop(held);
        if let Some(was) = was {
            self.take_back(was);
        }
        let live = self.session.live();
        live.let_go(self.number, way, |held| self.visit.say_budget_goes_on(held));
    }
}

impl SessionTeller {
    fn exhausted(&self, reached: &Reached) -> Exhausted {
        let Budget { level, way, .. } = reached.budget;
        let passed = match level {
            // Its own, from its first byte on.
            Level::Channel => reached.spent,
            Level::Node
            | Level::Client
            | Level::Target
            | Level::TechnicianDay
            | Level::Intervention
            | Level::Session => self.session.live().passed().paid(way),
        };
        Exhausted {
            level,
            way,
            limit: reached.budget.bytes.bytes().unwrap_or(ByteCount::MAX),
            spent: ByteCount::new(reached.spent),
            passed: ByteCount::new(passed),
            ceiling: reached.what == Threshold::Ceiling,
        }
    }

    /// Tells the technician, where what is told counts.
    fn tell(&self, level: Level, words: &str) {
        let live = self.session.live();
        match level {
            Level::Channel => live.tell(Some(self.number), words),
            Level::Node
            | Level::Client
            | Level::Target
            | Level::TechnicianDay
            | Level::Intervention
            | Level::Session => live.tell(None, words),
        }
    }

    /// What the technician is told; nothing where the end says it all, or where it is held.
    fn words(&self, reached: &Reached) -> Option<String> {
        let texts = &self.visit.gateway().texts;
        let lang = self.visit.lang();
        match (reached.what, reached.budget.at_limit) {
            (Threshold::Limit, AtLimit::End | AtLimit::Hold) | (Threshold::Ceiling, _) => None,
            (Threshold::Warn, _) | (Threshold::Limit, AtLimit::Slow { .. }) => {
                texts.budget_reached(lang, reached)
            }
        }
    }

    /// What was used up is not: others gave something back, or somebody added to it.
    fn take_back(&self, was: Reached) {
        self.session.spending().is_over(&was);
        let Some(mark) = Mark::of(&was.budget, was.what) else {
            return;
        };
        let store = self.visit.gateway().store.clone();
        tokio::spawn(async move {
            if let Err(error) = store.uncross(&was.account, mark).await {
                tracing::warn!(%error, "the mark of a budget that goes on is not put on record anew");
            }
        });
    }

    fn put_on_record(&self, reached: Reached) {
        let Reached {
            account,
            budget,
            what,
            spent,
        } = reached;
        let limit = budget.bytes.bytes().unwrap_or(ByteCount::MAX);
        let mut record: AuditRecord = self
            .session
            .record(&self.visit, AuditKind::Extraction)
            .reason(what.name())
            .detail("account", account.as_str())
            .detail("level", budget.level.name())
            .detail("way", budget.way.name())
            .detail("budget", budget_key(budget.level, budget.way))
            .detail("spent", spent)
            .detail("limit", limit.as_u64())
            .detail("number", self.session.live().facts().number)
            .detail("channel", self.number)
            .detail("holds", budget.holds());
        if let AtLimit::Slow { rate, ceiling: _ } = budget.at_limit {
            let ceiling = budget.ceiling().unwrap_or(limit);
            record = record
                .detail("slow-rate", rate.as_u64())
                .detail("ceiling", ceiling.as_u64());
        }
        if let Some(command) = &self.command {
            record = record.detail("command", command.as_str());
        }
        let Some(mark) = Mark::of(&budget, what) else {
            return;
        };
        let store = self.visit.gateway().store.clone();
        tokio::spawn(async move {
            if let Err(error) = store.cross(&account, mark, record.clone()).await {
                tracing::warn!(%error, "the mark of a budget is put on record later");
                store.record_at_last(vec![record]).await;
            }
        });
    }
}
