//! A permitted channel on its way: what each step of [`super::story`] is made of.

mod carrying;
mod gate;
mod unread;
mod waiting;

use std::sync::Arc;

use bytes::Bytes;
use ecluse_policy::extraction::Way;
use ecluse_policy::{Capability, FlowRequest, Permit, Term, Timestamp};
use ecluse_recordings as recordings;
use ecluse_recordings::{Direction, Event, RecordError};
use tokio::sync::mpsc;

use self::carrying::Beside;
use self::gate::Gate;
use self::unread::{UNREAD, UnreadForOthers};
use super::answering::AtTerminal;
use super::channel::{Opening, Start, lines};
use super::farewell::Farewell;
use super::kinds::{Kind, Ticket, Verdict};
use super::meter::Meter;
use super::notice::{self, Notice};
use super::posture;
use super::pump::{self, Confirms, Holds, Idle, Known, Lines, Notices, Pump, Stopped};
use super::reach::{self, Asking, ConnectError, Greeting, Reached};
use super::side::Stream;
use super::spending::Paying;
use super::tap::{Tap, Tape};
use super::unsettled::Unsettled;
use super::uplink::Uplink;
use super::vigil::{Drawing, Vigil};
use super::visit::sessions::Seated;
use super::visit::{Visit, with_command};
use super::window::TerminalRequest;
use crate::audit::AuditKind;
use crate::clock;
use crate::live::{ByItself, LiveChannel, LiveSession, Stop};

/// Exit status when the target's side failed, as `ssh` itself reports a broken connection.
const TARGET_FAILED: u32 = 255;
/// The same where files were refused, as `scp` itself reports it.
const COPY_REFUSED: u32 = 1;
/// Answers that wait for their channel.
const ANSWERS: usize = 16;

/// A channel that is open in the recording of its session.
pub(super) struct Passing<'a> {
    visit: &'a Arc<Visit>,
    uplink: Arc<Uplink>,
    opening: &'a mut Opening,
    start: &'a Start,
    seated: &'a Seated,
    number: u32,
    kind: Box<dyn Kind>,
    tap: Tap,
    meter: Meter,
    /// What it pays by; what it does not use goes back with it.
    toll: Paying,
    notices: mpsc::Receiver<String>,
    /// What is drawn of its terminal, until it passes.
    drawing: Option<Drawing>,
    /// How it ended, where it did by itself.
    by_itself: ByItself,
    /// What came of the technician before the target was reached.
    known: Known,
    /// What of the log of files waits until it has gone.
    unsettled: Unsettled,
    began: Timestamp,
    /// What operators say of what waits for their yes.
    answers: (mpsc::Sender<Said>, mpsc::Receiver<Said>),
}

/// A yes or a no.
type Said = (Ticket, Verdict);

impl<'a> Passing<'a> {
    /// Opens the channel in the recording and in the list of what is live.
    ///
    /// # Errors
    /// It cannot be recorded: the farewell.
    pub(super) async fn begin(
        visit: &'a Arc<Visit>,
        opening: &'a mut Opening,
        start: &'a Start,
        seated: &'a Seated,
    ) -> Result<Self, Farewell> {
        let live = seated.session.live();
        let number = live.number_channel();
        let terminal = terminal(opening, &seated.permit);
        let tap = seated
            .session
            .tap(number, terminal.as_ref().map(|(_, terminal)| terminal.rows));
        let opened = carrying::opened(start, &seated.permit, terminal.as_ref());
        if let Err(error) = tap.event(Event::opened(&opened)) {
            return Err(unrecorded(visit, live, &error));
        }
        if opened.pty.is_some_and(|pty| pty.hides_typing()) {
            seated.session.hides_typing(visit).await;
        }
        let command = start.shown();
        let mut notices = live.enter(LiveChannel {
            number,
            command: command.clone(),
            doing: None,
            capabilities: rests_on(&seated.permit),
            terminal: terminal.is_some(),
            started: clock::now(),
            closes_at: seated.permit.closes_at(),
        });
        if live.tells_alone().is_some() {
            live.tell(
                Some(number),
                &visit.say_of_company("accompany-waits", &seated.session),
            );
        }
        if let Start::Forward(_) = start {
            // There is nowhere to tell them.
            notices.close();
        }
        let meter = Meter::of(live.passed(), number, command.as_deref());
        let toll = Paying::open(visit, seated, number, command);
        Ok(Self {
            visit,
            uplink: Arc::clone(&opening.uplink),
            opening,
            start,
            seated,
            number,
            kind: carrying::kind_of(visit, seated, start),
            tap,
            meter,
            toll,
            notices,
            drawing: None,
            by_itself: ByItself::Closed,
            known: Known::default(),
            unsettled: Unsettled::default(),
            began: clock::now(),
            answers: mpsc::channel(ANSWERS),
        })
    }

    /// What may end it from outside.
    pub(super) fn gate(&self) -> Gate<'a> {
        Gate::new(self.visit, self.seated, self.toll.over())
    }

    /// Waits until it may pass, tells the technician that they are recorded, then reaches the target of the permit: nothing is
    /// started there while a budget or an operator holds the session, nor before somebody accompanies one that is to be.
    ///
    /// # Errors
    /// Why there is no target: the farewell.
    pub(super) async fn dial(&mut self) -> Result<Reached, Farewell> {
        let asked = self.paid_for().await?;
        self.confirmed().await?;
        posture::begins(self.visit, self.seated).await;
        // Not asked for each of a hundred `scp`, which are told nothing.
        let leaves = match self.start {
            Start::Command(_) | Start::Copy(_) | Start::Files if self.visit.is_told() => Vec::new(),
            Start::Forward(_) => Vec::new(),
            Start::Command(_) | Start::Copy(_) | Start::Files | Start::Shell => {
                let pays_by = self.toll.toll().budgeted();
                notice::as_they_stand(self.visit.gateway(), &pays_by).await
            }
        };
        let told = match self.start {
            // Nothing but what the two sides say passes on it; that it is recorded was told before the log-on (P3).
            Start::Forward(_) => None,
            Start::Command(_) | Start::Copy(_) | Start::Files | Start::Shell => {
                notice::for_channel(self.visit, self.opening, self.start, self.seated, &leaves)
            }
        };
        if let Some(Notice { recorded, shown }) = told {
            self.tap
                .event(Event::Note(&recorded))
                .map_err(|error| self.unrecorded(&error))?;
            // Whoever has left by now is told nothing, and dials nothing.
            self.opening
                .say(Stream::ErrorOutput, shown)
                .await
                .map_err(|_| Farewell::silent())?;
        }
        let greeting = Greeting::default();
        let permit = &self.seated.permit;
        let asking = Asking {
            permit,
            terminal: terminal(self.opening, permit),
            start: self.start,
            forwards: self.seated.session.forwards(),
            channel: self.number,
            seated: self.seated,
        };
        // A technician who hangs up while the target is dialled leaves no connection behind.
        let dialling = reach::dial(self.visit, &asking, &greeting);
        let before = self.opening.resized;
        let reached = self.meanwhile(dialling).await;
        // Asked for with the size that it had before.
        if let Some(size) = self
            .opening
            .resized
            .filter(|_| self.opening.resized != before)
        {
            self.known.resizes(size);
        }
        // Of a forward nothing is shown but what the two sides say: a shell of the session is told it.
        let is_shown = !matches!(self.start, Start::Forward(_));
        if let Some(greeting) = greeting.heard().filter(|_| is_shown)
            && let Err(error) = self.greet(greeting).await
        {
            return Err(self.unrecorded(&error));
        }
        match reached? {
            Ok(target) => {
                let live = self.seated.session.live();
                live.passed().beside(Way::Up, asked.passes());
                live.dialled(target.socket());
                self.opening.reached = true;
                if let Start::Forward(_) = self.start {
                    let reached = self.tap.event(Event::Note(recordings::REACHED));
                    reached.map_err(|error| self.unrecorded(&error))?;
                    // On record before the technician's client may send.
                    self.opening.end.sink.opened().await;
                }
                Ok(target)
            }
            Err(error) => Err(self.unconnected(&error).await),
        }
    }

    /// Pumps until a side ends.
    pub(super) async fn pump(&mut self, target: &mut Reached) -> Stopped {
        let (uplink, visit) = (&self.uplink, self.visit);
        let session = &self.seated.session;
        let mut drawing = self.drawing.take();
        let now = self.opening.terminal_now();
        if let (Some(drawing), Some(now)) = (&mut drawing, now) {
            drawing.resized(now.cols, now.rows);
        }
        let (to, answers) = &mut self.answers;
        let beside = Beside {
            visit,
            seated: self.seated,
            number: self.number,
            start: self.start,
        };
        let vigil = Vigil::new(
            visit,
            self.seated,
            self.start,
            self.number,
            drawing,
            &self.tap,
        );
        let asked = self.opening.terminal.as_ref();
        let term = asked.map_or(TerminalRequest::PLAIN, TerminalRequest::name);
        let (end, connection) = target.parts();
        let shares = matches!(self.start, Start::Forward(_));
        let others = UnreadForOthers::new(&self.uplink, session.live().held(), self.number);
        let mut pump = Pump {
            kind: &mut *self.kind,
            permit: &|request: &FlowRequest| beside.decide(request),
            tape: &vigil,
            meter: &self.meter,
            toll: self.toll.toll(),
            notices: Notices {
                lines: &mut self.notices,
                shown: &|line: &str| shown(uplink, line),
            },
            holds: Holds {
                held: self.seated.session.live().held(),
                channel: self.number,
                typed: uplink.columns().is_some(),
                refused: &|bytes| visit.say_refused_keys(bytes),
                desk: &AtTerminal {
                    visit,
                    session,
                    uplink,
                    term,
                },
            },
            idle: Idle {
                after: self.seated.right.idle(),
                warns: &|left| visit.say_idle(left),
            },
            lines: Lines {
                changed: self.seated.right.files(),
                left: &|| beside.line_left(),
                refused: &|line| beside.refused_file(line),
                unsettled: &self.unsettled,
                logs: &|entry| beside.logs(entry),
                shows: &|doing| beside.shows(doing),
                closes: None,
            },
            confirms: Confirms {
                ask: &|ticket, wanted| beside.confirms(ticket, wanted, to.clone()),
                answers,
            },
            drained_within: pump::DRAINED_WITHIN,
            known: std::mem::take(&mut self.known),
        };
        tokio::select! {
            biased;
            stopped = pump.run(&mut self.opening.end, end) => stopped,
            () = others.until_for_long(connection), if shares => Stopped::Unread,
        }
    }

    /// What the technician is told of an end that came by itself.
    pub(super) async fn ended(&mut self, stopped: Stopped) -> Farewell {
        match stopped {
            Stopped::Finished | Stopped::TechnicianLeft => Farewell::silent(),
            Stopped::Unread => {
                let _ = self.tap.event(Event::Note(UNREAD));
                Farewell::silent().because(UNREAD)
            }
            Stopped::TargetRefused => {
                self.target_failed("target-refused-start", reach::REFUSED_START)
            }
            Stopped::TargetLost => {
                // Found by whoever looks for it: that a channel closed is no line of its own.
                let _ = self.tap.event(Event::Note(reach::TARGET_LOST));
                self.by_itself = ByItself::TargetLost;
                self.target_failed("target-lost", reach::TARGET_LOST)
            }
            Stopped::Protocol(why) => {
                let text_id = match self.start {
                    Start::Copy(_) => "copy-protocol",
                    Start::Shell | Start::Command(_) | Start::Files | Start::Forward(_) => {
                        "files-protocol"
                    }
                };
                self.target_failed(text_id, &why)
            }
            Stopped::Refused { words, because } => Farewell {
                words,
                ..Farewell::explained(COPY_REFUSED)
            }
            .because(because),
            Stopped::Unrecorded(error) => self.unrecorded(&error),
            Stopped::Idle(after) => {
                let Seated {
                    session, permit, ..
                } = self.seated;
                self.by_itself = ByItself::Idle;
                let why = format!("nobody did anything for {after}");
                let _ = self.tap.event(Event::Note(&why));
                let record = session.record(self.visit, AuditKind::Idle).reason(&why);
                let record = record.detail("number", session.live().facts().number);
                let record = record.detail("flow", self.start.flow().to_string());
                let record = with_command(record, &self.start.flow());
                self.visit.audit(record).await;
                let words = self.visit.say_idle_over(after, permit);
                Farewell::refused(words).because(why)
            }
        }
    }

    /// Closes the channel in the recording, with what its terminal needs: that is on record too.
    pub(super) async fn conclude(mut self, mut farewell: Farewell) -> Farewell {
        let live = self.seated.session.live();
        live.ended_by_itself(self.by_itself);
        live.leave(self.number);
        if let Err(error) = self.finishes() {
            return self.unrecorded(&error);
        }
        match self.tap.restore() {
            Ok(order) => farewell.order = order,
            Err(error) => return self.unrecorded(&error),
        }
        let passed = self.meter.with_received(self.uplink.received());
        self.seated.session.live().passed().ended(self.number);
        // Not what the technician is told: that is in their language, and says what they are to do.
        let closed = farewell.because.as_deref().unwrap_or("closed").to_owned();
        self.forwarded(&closed, &passed).await;
        if let Err(error) = self.tap.event(Event::closed_after(closed, Some(passed))) {
            return self.unrecorded(&error);
        }
        farewell
    }

    /// Passes on what the target said before it let the gateway in, once a session.
    async fn greet(&mut self, greeting: String) -> Result<(), RecordError> {
        if !self.seated.session.is_greeted(&greeting) {
            return Ok(());
        }
        let greeting = Bytes::from(match self.opening.terminal {
            Some(_) => greeting.replace('\n', "\r\n"),
            None => greeting,
        });
        let towards = Direction::ToTechnician;
        self.meter.received(towards, greeting.len());
        self.tap.bytes(
            recordings::Stream::ErrorOutput,
            std::slice::from_ref(&greeting),
        )?;
        self.toll.pay_all(greeting.len()).await;
        self.meter.sent(towards, greeting.len());
        // That nobody reads it is found out by what follows.
        let _ = self.opening.say(Stream::ErrorOutput, greeting).await;
        Ok(())
    }

    fn unrecorded(&self, error: &RecordError) -> Farewell {
        unrecorded(self.visit, self.seated.session.live(), error)
    }

    fn target_failed(&self, text_id: &str, why: &str) -> Farewell {
        let words = self.visit.say_about(text_id, &self.seated.permit);
        Farewell::failed(words, TARGET_FAILED).because(why)
    }

    async fn unconnected(&mut self, error: &ConnectError) -> Farewell {
        let _ = self.tap.event(Event::Note(&error.to_string()));
        let Seated {
            session, permit, ..
        } = self.seated;
        session.unconnected(self.visit, permit, error).await;
        if let ConnectError::OwnDoor(_) = error {
            let words = self.visit.say_about(error.text_id(), permit);
            return Farewell::refused(words).because(error);
        }
        let words = if let ConnectError::HostKey { got, pinned } = error {
            // The target chose it.
            self.toll.pay_all(got.len()).await;
            session.live().passed().beside(Way::Down, got.len() as u64);
            self.visit.say_host_key(permit, got, pinned)
        } else {
            self.visit.say_about(error.text_id(), permit)
        };
        Farewell::failed(words, TARGET_FAILED).because(error)
    }
}

/// What cannot be recorded does not pass, on any channel of this session (R2).
fn unrecorded(visit: &Visit, live: &LiveSession, error: &RecordError) -> Farewell {
    let stop = Stop::Unrecorded(error.to_string());
    live.stop(stop.clone());
    Farewell::refused(visit.words_for(&stop)).because(&stop)
}

/// A line of the gateway on a channel where something passes: on a terminal, on a line of its own.
fn shown(uplink: &Uplink, line: &str) -> String {
    match uplink.columns() {
        Some(_) => format!("\r\n{}", lines(uplink, line)),
        None => lines(uplink, line),
    }
}

/// The terminal, under the name that the permit gives it, of the size that its window has by now.
fn terminal<'p>(opening: &Opening, permit: &'p Permit) -> Option<(&'p Term, TerminalRequest)> {
    permit.terms().terminal().zip(opening.terminal_now())
}

/// What a channel rests on.
fn rests_on(permit: &Permit) -> Vec<Capability> {
    match permit.terms().files() {
        Some(files) => files.capabilities().collect(),
        None => vec![permit.capability().clone()],
    }
}
