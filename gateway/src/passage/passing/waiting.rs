//! What is asked for, before the target hears anything of it: paid for, and kept waiting where nothing may pass (X3).
//!
//! A channel that finds its session held is refused, in so many words, but for one that is to be accompanied: it waits for whoever
//! does (I4). One that is the first to find out that a budget lets
//! nothing pass waits for whoever adds to it, open, as what runs does; what is typed on its terminal meanwhile is refused.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use ecluse_policy::Permit;
use ecluse_policy::extraction::{Budget, ByteCount, Way};
use ecluse_recordings::Event;

use super::{Passing, Start, shown, terminal};
use crate::audit::AuditKind;
use crate::clock;
use crate::extraction::Whole;
use crate::extraction::budgeted::standing;
use crate::live::{Holder, budget_key};
use crate::passage::answering::AtTerminal;
use crate::passage::confirming::{self, Wanted};
use crate::passage::farewell::Farewell;
use crate::passage::side::{Piece, Stream};
use crate::passage::tap::Tape;
use crate::passage::vigil::{self, Vigil};
use crate::passage::visit::sessions::Seated;
use crate::passage::visit::with_command;
use crate::passage::window::TerminalRequest;
use crate::texts::amounts;

/// What waits, in the words of lines: a place is no command that is called like it.
fn words_of(start: &Start, permit: &Permit) -> String {
    match (start, start.shown()) {
        (Start::Forward(_), _) => permit.capability().to_string(),
        (Start::Shell | Start::Files | Start::Command(_) | Start::Copy(_), Some(command)) => {
            format!("command: {command}")
        }
        (Start::Shell | Start::Files | Start::Command(_) | Start::Copy(_), None) => {
            "shell".to_owned()
        }
    }
}

/// How long a forward waits where nothing may pass.
const FORWARD_WAITS: Duration = Duration::from_secs(15);

impl Passing<'_> {
    /// Waits until something may pass each way, and pays for what is asked.
    ///
    /// # Errors
    /// Something holds its session, or its technician has left: the farewell.
    pub(super) async fn paid_for(&mut self) -> Result<Whole, Farewell> {
        let mut held = self.seated.session.live().held();
        let holder = held.borrow().keeps_out(self.number);
        if let Some(holder) = holder {
            return Err(self.held(&holder).await);
        }
        if let Some((_, terminal)) = terminal(self.opening, &self.seated.permit) {
            self.drawing = vigil::drawing(self.visit, self.seated, &terminal);
            if self.drawing.is_none() {
                return Err(self.without_memory().await);
            }
        }
        // Before the target hears of it: what is held here waits, and is started when it goes on.
        let (visit, seated) = (self.visit, self.seated);
        let vigil = Vigil::new(visit, seated, self.start, self.number, None, &self.tap);
        let begins = vigil.begins().await;
        begins.map_err(|error| self.unrecorded(&error))?;
        let (toll, size, number) = (Arc::clone(self.toll.toll()), self.asks(), self.number);
        if let Some(budget) = self.is_too_small_for(size).await {
            return Err(self.larger_than(&budget, size).await);
        }
        let mut asked = self.toll.whole_up();
        // Whoever opens a forward reads nothing until that is answered: they are not kept waiting for whoever adds to a budget.
        let patience = match self.start {
            Start::Forward(_) => Some(FORWARD_WAITS),
            Start::Shell | Start::Command(_) | Start::Copy(_) | Start::Files => None,
        };
        let paid = self.meanwhile(async move {
            let paying = async {
                toll.until_ready().await;
                asked.pay(size).await;
                // Never without a sender: the session holds it.
                let _ = held.wait_for(|held| !held.holds(number)).await;
                asked
            };
            match patience {
                None => Some(paying.await),
                Some(patience) => tokio::time::timeout(patience, paying).await.ok(),
            }
        });
        match paid.await? {
            Some(paid) => Ok(paid),
            None => {
                let words = self.visit.say_unpaid();
                let why = "nothing more may pass: a budget is spent, or somebody holds its session";
                Err(self.not_started(words, why.to_owned()).await)
            }
        }
    }

    /// Waits for an operator's yes, where what is asked needs one; nothing is dialled before it.
    ///
    /// # Errors
    /// There is none, or the technician has left: the farewell.
    pub(super) async fn confirmed(&mut self) -> Result<(), Farewell> {
        let Seated {
            session, permit, ..
        } = self.seated;
        let Some(terms) = permit.terms().confirmation() else {
            return Ok(());
        };
        let flow = self.start.flow();
        let wanted = Wanted::new(&words_of(self.start, permit), &[], terms);
        let asked = confirming::ask(self.visit, session, self.number, wanted);
        let said = self.meanwhile(asked).await?;
        let unconfirmed = match said {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(unconfirmed)) => unconfirmed,
            // Whoever asked is gone, and the session with it.
            Err(_) => return Err(Farewell::silent()),
        };
        let record = session.record(self.visit, AuditKind::FlowRefused).refused();
        let record = record.reason(&unconfirmed.because);
        let record = record.detail("flow", flow.to_string());
        self.visit.audit_refusal(with_command(record, &flow)).await;
        Err(Farewell::refused(unconfirmed.words).because(unconfirmed.because))
    }

    /// Does something before anything passes. Meanwhile lines of the gateway are told, and where it is held, what is typed is
    /// refused.
    ///
    /// # Errors
    /// The technician has left, or a line cannot be recorded: the farewell.
    pub(super) async fn meanwhile<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> Result<T, Farewell> {
        let (mut held, number) = (self.seated.session.live().held(), self.number);
        let mut work = std::pin::pin!(work);
        let done = loop {
            let (is_held, asked) = {
                let held = held.borrow_and_update();
                (held.holds(number), held.asked())
            };
            let is_typed = is_held && self.uplink.columns().is_some();
            tokio::select! {
                done = &mut work => break done,
                // Never without a sender: the session holds it.
                Ok(()) = held.changed() => {}
                Some(line) = self.notices.recv() => self.tell(&line).await?,
                piece = self.opening.end.source.next(), if is_typed => match piece {
                    None | Some(Piece::Close) => return Err(Farewell::silent()),
                    Some(piece) => self.keeps(piece, asked).await?,
                },
                () = self.uplink.until_closed() => return Err(Farewell::silent()),
            }
        };
        let refused = self.known.take_refused();
        if refused > 0 {
            self.tell(&self.visit.say_refused_keys(refused)).await?;
        }
        Ok(done)
    }

    /// What a target is told that the technician chose, before anything passes. **Unit**: bytes.
    fn asks(&self) -> usize {
        let permit = &self.seated.permit;
        let command = match self.start {
            Start::Shell | Start::Files => 0,
            Start::Command(command) => command.len(),
            Start::Copy(copy) => copy.typed.len(),
            // The place, as its line is written.
            Start::Forward(_) => permit.capability().to_string().len(),
        };
        let variables = permit.terms().environment().iter();
        let variables = variables.map(|(name, value)| name.len() + value.len());
        let terminal = terminal(self.opening, permit).map_or(0, |(term, asked)| {
            // Columns and rows, and of each mode what it is and what it is set to.
            term.as_str().len() + 8 + 5 * asked.modes.len()
        });
        command + variables.sum::<usize>() + terminal
    }

    /// Refuses what was typed, but for an answer, and keeps what counts when it begins.
    async fn keeps(&mut self, piece: Piece, asked: Option<u64>) -> Result<(), Farewell> {
        match piece {
            Piece::Data(_) | Piece::ErrorData(_) | Piece::Signal(_) => {
                let terminal = self.opening.terminal.as_ref();
                let desk = AtTerminal {
                    visit: self.visit,
                    session: &self.seated.session,
                    uplink: &self.uplink,
                    term: terminal.map_or(TerminalRequest::PLAIN, TerminalRequest::name),
                };
                let shown = self.known.refuses(&piece, asked, &desk);
                if !shown.is_empty() {
                    let told = self.opening.say(Stream::ErrorOutput, shown).await;
                    told.map_err(|_| Farewell::silent())?;
                }
            }
            Piece::Resize(size) => self.opening.resized = Some(size),
            Piece::Eof => self.known.ends(),
            Piece::Remark(remark) => {
                let noted = self.tap.event(Event::Note(&remark));
                noted.map_err(|error| self.unrecorded(&error))?;
            }
            Piece::Exit(_)
            | Piece::Refused
            | Piece::Beside(_)
            | Piece::BesideOver
            | Piece::Run(_)
            | Piece::Close => {}
        }
        Ok(())
    }

    /// A line of the gateway, before the target is reached.
    async fn tell(&mut self, line: &str) -> Result<(), Farewell> {
        let noted = self.tap.event(Event::Note(line));
        noted.map_err(|error| self.unrecorded(&error))?;
        let shown = shown(&self.uplink, line);
        let told = self.opening.say(Stream::ErrorOutput, shown).await;
        told.map_err(|_| Farewell::silent())
    }

    /// The budget that never lets so much pass towards the target, in this session or another, and that nobody is asked to add to.
    async fn is_too_small_for(&mut self, bytes: usize) -> Option<Budget> {
        let charges = self.toll.toll().budgeted();
        let mut charges = charges.charges(Way::Up, clock::agreed());
        let is_less = |budget: &Budget| {
            let most = budget.ceiling();
            most.is_some_and(|most| most.as_u64() < bytes as u64)
        };
        charges.retain(|one| !one.budget.holds() && is_less(&one.budget));
        if charges.is_empty() {
            return None;
        }
        let accounts: Vec<String> = charges.iter().map(|one| one.account.key.clone()).collect();
        let store = &self.visit.gateway().store;
        let booked = store.booked(&accounts).await.unwrap_or_default();
        let all = charges.iter().zip(&booked);
        let mut with_more = all.map(|(charge, booked)| standing(charge, booked).0);
        with_more.find(is_less)
    }

    /// What is asked for is larger than a budget.
    async fn larger_than(&mut self, budget: &Budget, bytes: usize) -> Farewell {
        let (texts, lang) = (&self.visit.gateway().texts, self.visit.lang());
        let key = budget_key(budget.level, budget.way);
        let limit = budget.ceiling().unwrap_or(ByteCount::MAX);
        let why = format!("what was asked for is {bytes} B, more than a budget: {limit} ({key})");
        let client = self.seated.permit.client();
        let args = [
            ("size", amounts::size(lang, bytes as u64).into()),
            ("limit", amounts::size(lang, limit.as_u64()).into()),
            ("key", texts.budget(lang, &key).into()),
            ("client", client.as_str().into()),
        ];
        let words = texts.say(lang, "command-over-budget", &args);
        self.not_started(words, why).await
    }

    async fn without_memory(&mut self) -> Farewell {
        let why = "too little memory for what is drawn of its terminal";
        let words = self.visit.say("memory-full-terminal");
        self.not_started(words, why.to_owned()).await
    }

    /// It is refused, on record, in these words.
    async fn not_started(&mut self, words: String, why: String) -> Farewell {
        let flow = self.start.flow();
        let session = &self.seated.session;
        let record = session.record(self.visit, AuditKind::FlowRefused).refused();
        let record = record.reason(&why).detail("flow", flow.to_string());
        self.visit.audit_refusal(with_command(record, &flow)).await;
        Farewell::refused(words).because(why)
    }

    async fn held(&mut self, holder: &Holder) -> Farewell {
        let Seated {
            session, permit, ..
        } = self.seated;
        let why = format!("{holder}: nothing new is started");
        let standing = session.live().hands().borrow().clone();
        let words = match (holder, standing.questions().open()) {
            (Holder::Hand(_), Some((_, asked))) => self.visit.say_asked_first(session, asked),
            (Holder::Hand(_) | Holder::Budget(_), _) => {
                self.visit.say_held(holder, permit.client())
            }
        };
        self.not_started(words, why).await
    }
}
