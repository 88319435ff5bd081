//! What a technician is asked while their session is held, and how they answer at its terminal (N1).
//!
//! The question comes on the way of the gateway's own words and bears the session's mark, which its target never learns; the
//! answer is put on record before anybody is told of it, and then in the recording, as the gateway's words.

use std::sync::Arc;

use ecluse_policy::words::lenient_reason;

use super::pump::Desk;
use super::session::Session;
use super::uplink::Uplink;
use super::visit::Visit;
use crate::audit::AuditKind;
use crate::live::hands::{Entry, answer_on_record};
use crate::live::questions::{Asked, mark};
use crate::terminal::{Aside, only_lines};

/// Takes answers at the terminal of one channel.
pub(super) struct AtTerminal<'a> {
    pub(super) visit: &'a Arc<Visit>,
    pub(super) session: &'a Arc<Session>,
    pub(super) uplink: &'a Uplink,
    /// The terminal's name, as the gateway believes it.
    pub(super) term: &'a str,
}

impl Desk for AtTerminal<'_> {
    fn aside(&self) -> Aside {
        let texts = &self.visit.gateway().texts;
        let args = [("mark", self.session.mark().into())];
        let label = texts.say(self.visit.lang(), "answer-label", &args);
        let hint = super::channel::lines(self.uplink, &self.visit.say("answer-enter-first"));
        Aside::new(label, format!("\r\n{hint}"), only_lines(self.term))
    }

    fn columns(&self) -> u16 {
        let columns = self.uplink.columns().unwrap_or_default();
        u16::try_from(columns).unwrap_or(u16::MAX)
    }

    fn takes(&self, to: u64, answer: &str) -> Result<(), String> {
        let Some(answer) = lenient_reason(answer) else {
            let words = self.visit.say("answer-none");
            return Err(super::channel::lines(self.uplink, &words));
        };
        let (visit, session) = (Arc::clone(self.visit), Arc::clone(self.session));
        // The pump waits for nobody, and neither does whoever hangs up behind their answer.
        self.visit
            .tasks()
            .spawn(async move { answered(&visit, &session, to, answer).await });
        Ok(())
    }
}

/// Puts an answer on record, and so into the session.
async fn answered(visit: &Visit, session: &Session, to: u64, words: String) {
    let live = session.live();
    let asked = {
        let standing = live.hands();
        let standing = standing.borrow();
        let mut all = standing.questions().all();
        all.find(|(seq, ..)| *seq == to)
            .map(|(_, asked, _)| asked.clone())
    };
    let Some(asked) = asked else {
        return;
    };
    let record = session.record(visit, AuditKind::Answer);
    let record = record.detail("number", live.facts().number);
    let record = answer_on_record(record, to, &asked, &words);
    match visit.gateway().store.ahead().lay_hand(&record).await {
        Ok(seq) => {
            live.lay(seq, &Entry::Answer { to, words });
        }
        Err(error) => {
            tracing::warn!(%error, "an answer is not on record");
            let args = [("command", visit.answers_by(session).into())];
            let texts = &visit.gateway().texts;
            live.tell(None, &texts.say(visit.lang(), "answer-not-kept", &args));
        }
    }
}

impl Session {
    /// What the gateway's questions bear in it.
    pub(super) fn mark(&self) -> String {
        mark(self.live().facts().id)
    }
}

impl Visit {
    /// What a technician is asked, and how they answer: at a terminal of the session, or from the lobby.
    pub(super) fn say_asked(&self, session: &Session, asked: &Asked) -> String {
        let has_terminal = session.live().channels().iter().any(|one| one.terminal);
        let args = [
            ("mark", session.mark().into()),
            ("by", asked.by.as_str().into()),
            ("question", asked.question.as_str().into()),
            ("command", self.answers_by(session).into()),
        ];
        let id = match has_terminal {
            true => "ask-told",
            false => "ask-told-away",
        };
        self.gateway().texts.say(self.lang(), id, &args)
    }

    /// What they are told who begin something while they are asked.
    pub(super) fn say_asked_first(&self, session: &Session, asked: &Asked) -> String {
        let args = [
            ("mark", session.mark().into()),
            ("by", asked.by.as_str().into()),
            ("question", asked.question.as_str().into()),
            ("command", self.answers_by(session).into()),
        ];
        self.gateway().texts.say(self.lang(), "ask-new", &args)
    }

    /// What they read of an answer that is on record.
    pub(super) fn say_answered(&self, asked: &Asked, answer: &str, by_budget: bool) -> String {
        let args = [
            ("by", asked.by.as_str().into()),
            ("question", asked.question.as_str().into()),
            ("answer", answer.into()),
        ];
        let id = match by_budget {
            true => "answer-told-budget",
            false => "answer-told",
        };
        self.gateway().texts.say(self.lang(), id, &args)
    }

    /// The command that answers from elsewhere.
    fn answers_by(&self, session: &Session) -> String {
        let number = session.live().facts().number;
        format!("{} answer {number} \"…\"", self.visitor().ssh(None))
    }
}
