//! What waits for an operator's yes before it passes: the question on record, told to both sides, waited for, and answered once
//! (`adr/0056-a-yes-is-an-entry.md`).
//!
//! [`ask`] is all that a kind of channel needs: it says what waits, and gets a yes or the words of a no. Whoever drops the receiver
//! waits no more, which is on record too. What is the same and asked once a session is asked once, however many channels wait.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use ecluse_policy::{Confirmation, PersonId};
use tokio::sync::oneshot;

use super::caps;
use super::session::Session;
use super::visit::Visit;
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::live::Held;
use crate::live::confirms::{Said, Waiting, asked_on_record, said_on_record};
use crate::live::hands::{self, Entry};
use crate::live::officers;
use crate::store::StoreError;
use crate::texts::{amounts, times};

/// Something that waits for a yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// What, in the words of lines, as it is told: what is the same has the same words.
    pub(crate) what: String,
    /// All of it, where it is told without its middle.
    pub(crate) whole: Option<String>,
    /// Whether whoever says yes sees what it is about.
    pub(crate) is_told: bool,
    /// How it waits.
    pub(crate) terms: Confirmation,
}

impl Wanted {
    /// This, and what is done together with it, on these terms.
    pub(crate) fn new(named: &str, beside: &[String], terms: Confirmation) -> Self {
        let (what, is_told) = caps::waiting(named, beside);
        let parts: Vec<&str> = [named]
            .into_iter()
            .chain(beside.iter().map(String::as_str))
            .collect();
        let whole = Some(parts.join(caps::TOGETHER)).filter(|whole| *whole != what);
        Self {
            what,
            whole,
            is_told,
            terms,
        }
    }
}

/// Why something does not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unconfirmed {
    /// As the technician reads it.
    pub(crate) words: String,
    /// As it is on record.
    pub(crate) because: String,
}

/// What the channels of a session share of it.
#[derive(Debug, Default)]
pub(crate) struct Confirming {
    /// Held from the look whether the same waits until that it does is on record, and from that nobody waits until that is.
    asking: tokio::sync::Mutex<()>,
    /// How many wait for the answer to each question.
    waiters: Mutex<BTreeMap<u64, usize>>,
}

impl Confirming {
    fn joins(&self, seq: u64) {
        let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        *waiters.entry(seq).or_default() += 1;
    }

    /// One waits no more; whether nobody does.
    fn leaves(&self, seq: u64) -> bool {
        let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        let left = waiters
            .get(&seq)
            .copied()
            .unwrap_or_default()
            .saturating_sub(1);
        match left {
            0 => drop(waiters.remove(&seq)),
            left => drop(waiters.insert(seq, left)),
        }
        left == 0
    }
}

/// Asks the operators of a session's client whether something of one channel may pass. The answer comes by the receiver.
pub(crate) fn ask(
    visit: &Arc<Visit>,
    session: &Arc<Session>,
    channel: u32,
    wanted: Wanted,
) -> oneshot::Receiver<Result<(), Unconfirmed>> {
    let (mut answer, receiver) = oneshot::channel();
    let (at, session) = (Arc::clone(visit), Arc::clone(session));
    visit.tasks().spawn(async move {
        let question = Question {
            visit: &at,
            session: &session,
            channel,
            wanted,
        };
        let answered = question.answered(answer.closed()).await;
        // Whoever waits no more hears nothing.
        let _ = answer.send(answered);
    });
    receiver
}

struct Question<'a> {
    visit: &'a Arc<Visit>,
    session: &'a Arc<Session>,
    channel: u32,
    wanted: Wanted,
}

/// How the waiting ended that no operator did.
#[derive(Clone, Copy)]
enum Over {
    InTime,
    Held,
    Left,
}

impl Question<'_> {
    async fn answered(&self, gone: impl Future<Output = ()>) -> Result<(), Unconfirmed> {
        let begun = self.begin().await;
        let seq = match begun {
            Ok(Ok(Some(seq))) => seq,
            Ok(Ok(None)) => return Ok(()),
            Ok(Err(unconfirmed)) => return Err(unconfirmed),
            Err(error) => return Err(self.not_on_record(&error)),
        };
        let live = self.session.live();
        let (mut answers, mut held) = (live.hands(), live.held());
        let said = |standing: &hands::Standing| standing.confirms().said(seq).cloned();
        let by_whom = async {
            match answers.wait_for(|standing| said(standing).is_some()).await {
                Ok(standing) => said(&standing),
                // Cannot be: the session holds the sender.
                Err(_) => None,
            }
        };
        let over = tokio::select! {
            biased;
            Some(said) = by_whom => {
                self.session.confirming().leaves(seq);
                return self.of(&said);
            }
            () = gone => Over::Left,
            () = async { drop(held.wait_for(Held::is_by_hand).await) } => Over::Held,
            () = tokio::time::sleep(self.wanted.terms.within.to_std()) => Over::InTime,
        };
        // Whoever finds that the same waits, finds it before nobody does, or not at all.
        let alone = self.session.confirming().asking.lock().await;
        if !self.session.confirming().leaves(seq) {
            // Others wait for the same answer, each for their own time.
            let said = live.hands().borrow().confirms().said(seq).cloned();
            return said.map_or_else(|| Err(self.over(over)), |said| self.of(&said));
        }
        let ended = self.ends(seq, over).await;
        drop(alone);
        match ended {
            Ok(said) => self.of(&said),
            Err(error) => Err(self.not_on_record(&error)),
        }
    }

    /// Puts on record that it waits, and tells both sides; none where it is agreed already.
    async fn begin(&self) -> Result<Result<Option<u64>, Unconfirmed>, StoreError> {
        let (visit, live) = (self.visit, self.session.live());
        let Wanted {
            what,
            whole,
            is_told,
            terms,
        } = &self.wanted;
        if !is_told {
            return Ok(Err(self.too_long()));
        }
        let _alone = self.session.confirming().asking.lock().await;
        let (is_agreed, same, number, is_full) = {
            let standing = live.hands();
            let standing = standing.borrow();
            let confirms = standing.confirms();
            (
                confirms.is_agreed(what),
                confirms.same(what),
                confirms.next(),
                confirms.is_full(),
            )
        };
        if is_agreed && !terms.each {
            return Ok(Ok(None));
        }
        let same = same.filter(|_| !terms.each);
        if same.is_none() && is_full {
            return Ok(Err(self.too_many()));
        }
        let asked = officers::logged_on(visit.gateway(), &live.facts().client).await?;
        if asked.is_empty() {
            return Ok(Err(self.nobody()));
        }
        let seq = match same {
            Some(seq) => seq,
            None => {
                let waiting = Waiting {
                    number,
                    what: what.clone(),
                    channel: self.channel,
                    at: clock::now(),
                    within: terms.within,
                    each: terms.each,
                };
                let record = asked_on_record(self.record(), &waiting, whole.as_deref());
                let seq = visit.gateway().store.ahead().lay_hand(&record).await?;
                live.lay(seq, &Entry::Waits(waiting));
                seq
            }
        };
        self.session.confirming().joins(seq);
        live.tell(Some(self.channel), &self.say_asked(&asked));
        Ok(Ok(Some(seq)))
    }

    /// Nobody answered, or nobody waits: that is on record, unless somebody did before it. What counts.
    async fn ends(&self, seq: u64, over: Over) -> Result<Said, StoreError> {
        let (live, store) = (self.session.live(), &self.visit.gateway().store);
        let said = Said {
            is_yes: false,
            by: None,
            reason: Some(self.because(over)),
        };
        let waiting = {
            let standing = live.hands();
            let standing = standing.borrow();
            let mut open = standing.confirms().open();
            open.find(|(at, _)| *at == seq)
                .map(|(_, waiting)| waiting.clone())
        };
        let Some(waiting) = waiting else {
            // It was answered meanwhile.
            let counts = live.hands().borrow().confirms().said(seq).cloned();
            return Ok(counts.unwrap_or(said));
        };
        let record = said_on_record(self.record(), seq, &waiting, &said);
        let at = store.ahead().lay_hand(&record).await?;
        let entry = Entry::Says {
            to: seq,
            said: said.clone(),
        };
        live.lay(at, &entry);
        // Somebody's answer may stand before it, and have been heard of by nobody here.
        let facts = live.facts();
        for (at, entry) in hands::of_session(store, facts.id, facts.started).await? {
            live.lay(at, &entry);
        }
        let standing = live.hands();
        let counts = standing.borrow().confirms().said(seq).cloned();
        Ok(counts.unwrap_or(said))
    }

    fn of(&self, said: &Said) -> Result<(), Unconfirmed> {
        let texts = &self.visit.gateway().texts;
        let (lang, what) = (
            self.visit.lang(),
            ("what", self.wanted.what.as_str().into()),
        );
        if said.is_yes {
            let by = said.by.as_ref().map_or("", PersonId::as_str);
            let words = texts.say(lang, "confirm-agreed", &[("by", by.into()), what]);
            // Who said yes stands in the recording too; a no is why it was refused there.
            self.session.live().tell(Some(self.channel), &words);
            return Ok(());
        }
        let reason = said.reason.clone().unwrap_or_default();
        let Some(by) = &said.by else {
            return Err(match reason == self.because(Over::Held) {
                true => self.over(Over::Held),
                false => self.over(Over::InTime),
            });
        };
        let by = ("by", by.as_str().into());
        let words = match said.reason.as_deref() {
            None => texts.say(lang, "confirm-denied", &[by, what]),
            Some(reason) => {
                let args = [by, what, ("reason", reason.into())];
                texts.say(lang, "confirm-denied-because", &args)
            }
        };
        let by = said.by.as_ref().map_or("", PersonId::as_str);
        Err(Unconfirmed {
            words,
            because: format!("{by} said no: {reason}"),
        })
    }

    fn because(&self, over: Over) -> String {
        match over {
            Over::InTime => format!("nobody answered within {}", self.wanted.terms.within),
            Over::Held => "the session was held".to_owned(),
            Over::Left => "its channel ended".to_owned(),
        }
    }

    fn over(&self, over: Over) -> Unconfirmed {
        let (texts, lang) = (&self.visit.gateway().texts, self.visit.lang());
        let what = ("what", self.wanted.what.as_str().into());
        let within = times::length_in(lang, self.wanted.terms.within);
        let words = match over {
            Over::InTime => texts.say(
                lang,
                "confirm-unanswered",
                &[what, ("within", within.into())],
            ),
            Over::Held | Over::Left => texts.say(lang, "confirm-held", &[what]),
        };
        Unconfirmed {
            words,
            because: self.because(over),
        }
    }

    /// Nobody is there who could be asked: whom to call.
    fn nobody(&self) -> Unconfirmed {
        let house = self.visit.gateway();
        let client = &self.session.live().facts().client;
        let applied = house.applied();
        let contacts = applied.documents.client(client);
        let contacts = contacts.map(|client| client.contacts.to_call());
        let contacts = contacts.filter(|contacts| !contacts.is_empty());
        let contacts = contacts.unwrap_or_else(|| "none".to_owned());
        let args = [
            ("what", self.wanted.what.as_str().into()),
            ("contacts", contacts.into()),
        ];
        Unconfirmed {
            words: house.texts.say(self.visit.lang(), "confirm-nobody", &args),
            because: "it needs an operator's yes, and none of the client is logged on".to_owned(),
        }
    }

    /// This session has asked all that it may.
    fn too_many(&self) -> Unconfirmed {
        self.visit.count_refusal();
        let what = ("what", self.wanted.what.as_str().into());
        let texts = &self.visit.gateway().texts;
        Unconfirmed {
            words: texts.say(self.visit.lang(), "confirm-too-many", &[what]),
            because: "it needs an operator's yes, and its session has asked for too many"
                .to_owned(),
        }
    }

    /// Nobody could judge it by what they would see of it.
    fn too_long(&self) -> Unconfirmed {
        self.visit.count_refusal();
        let (texts, lang) = (&self.visit.gateway().texts, self.visit.lang());
        let args = [
            ("what", self.wanted.what.as_str().into()),
            ("most", amounts::size(lang, caps::WAITING as u64).into()),
        ];
        Unconfirmed {
            words: texts.say(lang, "confirm-too-long", &args),
            because: format!(
                "it needs an operator's yes, and is longer than the {} bytes that they are shown",
                caps::WAITING
            ),
        }
    }

    fn not_on_record(&self, error: &StoreError) -> Unconfirmed {
        tracing::warn!(%error, "what waits for a yes is not on record, and does not pass");
        Unconfirmed {
            words: self.visit.say("store-silent"),
            because: "that it waits for a yes could not be put on record".to_owned(),
        }
    }

    fn say_asked(&self, asked: &BTreeSet<PersonId>) -> String {
        let (texts, lang) = (&self.visit.gateway().texts, self.visit.lang());
        let names: Vec<&str> = asked.iter().map(PersonId::as_str).collect();
        let within = times::length_in(lang, self.wanted.terms.within);
        let args = [
            ("what", self.wanted.what.as_str().into()),
            ("asked", names.join(", ").into()),
            ("within", within.into()),
        ];
        texts.say(lang, "confirm-asked", &args)
    }

    fn record(&self) -> AuditRecord {
        let record = self.session.record(self.visit, AuditKind::ConfirmAsked);
        let number = self.session.live().facts().number;
        record.detail("number", number)
    }
}
