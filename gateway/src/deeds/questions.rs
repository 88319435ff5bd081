//! An operator asks the technician of a session to explain something, and the technician answers (N1).
//!
//! Here they answer from the lobby, on whichever node; at the terminal of the session the passage takes it
//! (`passage/answering.rs`).

use clap::Args;
use ecluse_policy::PersonId;
use ecluse_policy::extraction::Hand;
use ecluse_policy::words::lenient_reason;
use serde::{Deserialize, Serialize};

use super::hands::{Handled, lay};
use super::typed;
use super::{Ask, Subject, Undone, Wants, no_such, right};
use crate::actor::Actor;
use crate::audit::AuditKind;
use crate::clock;
use crate::gateway::Gateway;
use crate::live::hands::{self, Entry};
use crate::live::questions::{Asked, mark};

/// Asks a technician to explain something: their session is held.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    /// Which session.
    #[arg(value_parser = typed::session)]
    pub(crate) session: u64,
    /// What is asked; the technician reads it.
    #[arg(required = true, num_args = 1.., allow_hyphen_values = true)]
    pub(crate) question: Vec<String>,
}

impl Ask for Question {
    const ACT: &'static str = "ask";
    const USAGE: &'static str = "ask SESSION \"…\"";
}

/// An operator asks.
pub(crate) async fn ask(house: &Gateway, by: &Actor, ask: Question) -> Result<Handled, Undone> {
    let Some(question) = lenient_reason(&ask.question.join(" ")) else {
        let applied = house.applied();
        right(house, by, Question::ACT, by.as_operator(&applied)).await?;
        return Err(Undone::Wants(Wants::Sentence));
    };
    let hand = Hand::Ask { question };
    lay(house, by, Question::ACT, ask.session, hand).await
}

/// Answers what is asked in a session of one's own, or shows it.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    /// Which session.
    #[arg(value_parser = typed::session)]
    pub(crate) session: u64,
    /// The answer; what is asked is shown without one.
    #[arg(num_args = 0.., allow_hyphen_values = true)]
    #[serde(default)]
    pub(crate) words: Vec<String>,
}

impl Ask for Answer {
    const ACT: &'static str = "answer";
    const USAGE: &'static str = "answer SESSION [\"…\"]";
}

/// What was asked in a session, and what of it was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Explained {
    /// The session's number.
    pub(crate) session: u64,
    /// What its questions bear.
    pub(crate) mark: String,
    /// All of it, in order.
    pub(crate) all: Vec<AskedThere>,
    /// Which of them was answered by this; none where nothing was.
    pub(crate) answered: Option<usize>,
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AskedThere {
    /// Who asks.
    pub(crate) by: PersonId,
    /// What.
    pub(crate) question: String,
    /// The answer, where there is one.
    pub(crate) answer: Option<String>,
}

impl AskedThere {
    /// As it stands.
    pub(super) fn of(asked: &Asked, answer: Option<&str>) -> Self {
        Self {
            by: asked.by.clone(),
            question: asked.question.clone(),
            answer: answer.map(str::to_owned),
        }
    }
}

/// A technician answers the first question of a session of theirs that waits for an answer.
pub(crate) async fn answer(house: &Gateway, by: &Actor, ask: Answer) -> Result<Explained, Undone> {
    let applied = house.applied();
    let technician = right(house, by, Answer::ACT, by.as_technician(&applied)).await?;
    let found = house.store.session(ask.session).await?;
    let of_theirs = found.filter(|it| it.start.person == *technician.person() && it.end.is_none());
    let Some(session) = of_theirs else {
        return Err(no_such(house, by, Answer::ACT, Subject::Session(ask.session)).await);
    };
    let start = &session.start;
    let here = house.live.all().into_iter();
    let here = here
        .filter(|one| one.facts().id == start.id)
        .collect::<Vec<_>>();
    let standing = match here.first() {
        Some(live) => live.hands().borrow().clone(),
        None => hands::standing(&house.store, start.id, start.at).await?,
    };
    let questions = standing.questions();
    let all = questions
        .all()
        .map(|(_, asked, answer)| AskedThere::of(asked, answer));
    let mut explained = Explained {
        session: ask.session,
        mark: mark(start.id),
        all: all.collect(),
        answered: None,
    };
    let words = ask.words.join(" ");
    let open = questions.open().filter(|_| !words.trim().is_empty());
    let Some((to, asked)) = open else {
        return Ok(explained);
    };
    let Some(words) = lenient_reason(&words) else {
        return Err(Undone::Wants(Wants::Sentence));
    };
    let record = by
        .record(AuditKind::Answer, clock::now())
        .client(&start.client)
        .target(&start.target)
        .intervention(start.intervention)
        .session(start.id)
        .detail("number", ask.session);
    let record = hands::answer_on_record(record, to, asked, &words);
    let seq = house.store.ahead().lay_hand(&record).await?;
    let nth = questions.all().position(|(seq, ..)| seq == to);
    if let Some(one) = nth.and_then(|nth| explained.all.get_mut(nth)) {
        one.answer = Some(words.clone());
    }
    explained.answered = nth;
    let entry = Entry::Answer { to, words };
    for live in here {
        live.lay(seq, &entry);
    }
    Ok(explained)
}
