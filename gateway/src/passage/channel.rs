//! One channel of an authenticated person, from its shell or command to its close.
//!
//! [`serve`] is its story: whoever names a target needs an admission, the admission a permit for this very flow, the
//! permit a seat in the session of its intervention, and only then bytes pass. Everybody else talks to the gateway itself.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use ecluse_policy::{EndReason, FlowRequest, Permit, StartRequest, TargetId, Term};
use ecluse_recordings::{ChannelKind, ChannelOpened, Event, RecordError};
use russh::{ChannelWriteHalf, client};

use super::admittance::admitted;
use super::downlink::{Downlink, Gone, Stream};
use super::farewell::{Farewell, take_leave};
use super::legs::LegCounts;
use super::notice::{self, Notice};
use super::order::Order;
use super::purse::RequestCosts;
use super::relay::{Asked, Relay, RelayEnd};
use super::talk;
use super::tap::Tap;
use super::uplink::Uplink;
use super::visit::Visit;
use super::visit::sessions::{Seated, Unseated};
use super::window::{TerminalRequest, WindowSize};
use crate::clock;
use crate::connector::ssh::{self as connector, ConnectError, TargetChannel};
use crate::connector::target::Greeting;
use crate::live::{LiveChannel, Seat, Stop};

/// Exit status when the target's side failed, as `ssh` itself reports a broken connection.
const TARGET_FAILED: u32 = 255;

/// The longest sleep between two looks at the wall clock.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What a channel asked for before its shell or command.
pub(crate) struct Opening {
    pub(crate) uplink: Arc<Uplink>,
    pub(crate) downlink: Downlink,
    pub(crate) terminal: Option<TerminalRequest>,
    pub(crate) environment: Vec<(String, String)>,
    /// How many variables were asked for beyond what is kept ([`super::caps`]).
    pub(crate) variables_unkept: u32,
    /// The size that its window was given while it talked to the gateway.
    resized: Mutex<Option<WindowSize>>,
    /// What the requests are paid for with.
    costs: RequestCosts,
    /// What the gateway's own dialogue switched on in the person's terminal.
    order: Mutex<Order>,
}

impl Opening {
    /// A channel that has asked for nothing yet.
    pub(crate) fn new(uplink: Arc<Uplink>, downlink: Downlink) -> Self {
        Self {
            uplink,
            downlink,
            terminal: None,
            environment: Vec::new(),
            variables_unkept: 0,
            resized: Mutex::new(None),
            costs: RequestCosts::default(),
            order: Mutex::new(Order::new(u32::MAX)),
        }
    }

    /// Says something of the gateway's own dialogue.
    ///
    /// # Errors
    /// [`Gone`] when nobody is there to read it.
    pub(super) async fn say(&self, stream: Stream, bytes: Bytes) -> Result<(), Gone> {
        self.order().read(&bytes);
        self.downlink.send(stream, bytes).await
    }

    /// What puts the person's terminal in order after what was said; none where it is.
    fn restore(&self) -> Option<Bytes> {
        self.order().restore().map(Bytes::from)
    }

    fn order(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Pays for `bytes` kept for as long as the channel is open; false when the purse is empty.
    pub(crate) fn pay(&mut self, bytes: usize) -> bool {
        self.costs.pay(self.uplink.connection().purse(), bytes)
    }

    /// Remembers another size of the window: the shell that comes after the talk begins with it.
    pub(super) fn resize(&self, size: WindowSize) {
        *self.resized.lock().unwrap_or_else(PoisonError::into_inner) = Some(size);
    }

    /// The terminal that was asked for, with the size that its window has by now.
    pub(super) fn terminal_now(&self) -> Option<TerminalRequest> {
        let resized = *self.resized.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = self.terminal.clone()?;
        Some(match resized {
            None => asked,
            Some(WindowSize { cols, rows }) => TerminalRequest {
                cols,
                rows,
                ..asked
            },
        })
    }
}

/// What starts a channel.
#[derive(Debug, Clone)]
pub(crate) enum Start {
    /// The account's shell.
    Shell,
    /// One command, as bytes.
    Command(Vec<u8>),
}

impl Start {
    pub(super) fn flow(&self) -> FlowRequest {
        match self {
            Self::Shell => FlowRequest::Shell,
            Self::Command(command) => FlowRequest::Command(command.clone()),
        }
    }
}

/// Serves one channel until it is closed.
pub(crate) async fn serve(visit: Arc<Visit>, opening: Opening, start: Start) {
    let cut_on_panic = CutOnPanic(Arc::clone(&visit));
    // Its session counts the channel until the close is on the wire.
    let seat = OnceLock::new();
    let farewell = if let Some(target) = &visit.address().target {
        pass(&visit, &opening, &start, target, &seat).await
    } else {
        tokio::select! {
            biased;
            stop = visit.until_ending() => Ok(Farewell::refused(visit.words_without_session(&stop))),
            left = talk::converse(&visit, &opening, &start) => left.map(Farewell::explained),
        }
    };
    if let Ok(mut farewell) = farewell {
        // Whoever looked at a screen of the gateway's own leaves it.
        farewell.order = farewell.order.or_else(|| opening.restore());
        // Whoever has left hears no farewell.
        let _ = take_leave(&opening, farewell).await;
    }
    close(&opening).await;
    drop(seat);
    drop(cut_on_panic);
}

/// Serves a channel that asked for what is refused: says so and closes.
pub(crate) async fn refuse(opening: Opening, words: String) {
    let _ = take_leave(&opening, Farewell::refused(words)).await;
    close(&opening).await;
}

/// Closes a channel; returns when the close is on the wire. What the technician still sends is discarded first: a full queue
/// would keep the library's task from sending anything.
async fn close(opening: &Opening) {
    opening.uplink.discard();
    opening.downlink.close().await;
}

/// Towards a target: admission and permit, a seat in their session, connection, relay.
async fn pass(
    visit: &Arc<Visit>,
    opening: &Opening,
    start: &Start,
    target: &TargetId,
    seat: &OnceLock<Seat>,
) -> Result<Farewell, Gone> {
    let asked = StartRequest {
        flow: start.flow(),
        terminal: opening.terminal.as_ref().map(|it| it.term.clone()),
        environment: opening.environment.clone(),
    };
    let admitted = tokio::select! {
        biased;
        // Whoever waits for an approval is reached too.
        stop = visit.until_ending() => return Ok(Farewell::refused(visit.words_without_session(&stop))),
        admitted = admitted(visit, opening, target, &asked) => admitted?,
    };
    let permitted = match admitted {
        Ok(permitted) => permitted,
        Err(farewell) => return Ok(farewell),
    };
    let (seated, taken) = match visit.seat(permitted).await {
        Ok(seated) => seated,
        Err(Unseated::Stopped(stop)) => {
            return Ok(Farewell::refused(visit.words_without_session(&stop)));
        }
        Err(Unseated::Unrecorded(words)) => return Ok(Farewell::refused(words)),
    };
    let _ = seat.set(taken);
    let Seated {
        session, permit, ..
    } = &seated;
    let unkept = opening.variables_unkept;
    if let Err(error) = session
        .permitted(visit, permit, &start.flow(), unkept)
        .await
    {
        tracing::error!(%error, "a permit could not be put on record, so nothing passes");
        return Ok(Farewell::refused(visit.say("store-silent")));
    }
    Passing {
        visit,
        opening,
        start,
        seated: &seated,
        told: notice::for_channel(visit, opening, start, &seated),
    }
    .run()
    .await
}

/// A permitted channel on its way.
struct Passing<'a> {
    visit: &'a Arc<Visit>,
    opening: &'a Opening,
    start: &'a Start,
    seated: &'a Seated,
    /// What the technician is told first (P3).
    told: Option<Notice>,
}

impl Passing<'_> {
    async fn run(self) -> Result<Farewell, Gone> {
        let live = self.seated.session.live();
        let number = live.number_channel();
        let rows = self.terminal().map(|(_, terminal)| terminal.rows);
        let tap = self.seated.session.tap(number, rows);
        let opened = self.opened();
        if let Err(error) = tap.record(Event::opened(&opened)) {
            return Ok(self.unrecorded(&error));
        }
        if opened.pty.is_some_and(|pty| pty.hides_typing()) {
            self.seated.session.hides_typing(self.visit).await;
        }
        let mut notices = live.enter(LiveChannel {
            number,
            command: match self.start {
                Start::Shell => None,
                Start::Command(command) => Some(ecluse_recordings::spelled(command)),
            },
            terminal: self.terminal().is_some(),
            started: clock::now(),
            closes_at: self.seated.permit.closes_at(),
        });
        let legs = LegCounts::default();
        let mut farewell = tokio::select! {
            biased;
            stop = live.until_stopped() => self.stopped(&stop),
            end = until_closed(&self.seated.permit) => self.stopped(&Stop::Right(end)),
            end = self.seated.right.until_lost() => self.stopped(&Stop::Right(end)),
            farewell = self.connected(&tap, &mut notices, &legs) => match live.stopped() {
                // The cut closed the target's socket first: its reason is the one that counts.
                Some(stop) => self.stopped(&stop),
                None => farewell,
            },
        };
        live.leave(number);
        // Before the recording of the channel is closed: what its terminal needs is on record too.
        match tap.restore() {
            Ok(order) => farewell.order = order,
            Err(error) => return Ok(self.unrecorded(&error)),
        }
        let passed = legs.with_received(self.opening.uplink.received());
        let closed = farewell
            .words
            .clone()
            .unwrap_or_else(|| "closed".to_owned());
        if let Err(error) = tap.record(Event::closed_after(closed, Some(passed))) {
            return Ok(self.unrecorded(&error));
        }
        Ok(farewell)
    }

    async fn connected(
        &self,
        tap: &Tap,
        notices: &mut tokio::sync::mpsc::Receiver<String>,
        legs: &LegCounts,
    ) -> Farewell {
        if let Some(Notice { recorded, shown }) = &self.told {
            if let Err(error) = tap.record(Event::Note(recorded)) {
                return self.unrecorded(&error);
            }
            let told = Bytes::from(shown.clone());
            // Whoever has left by now is told nothing, and dials nothing.
            if let Err(Gone) = self.opening.downlink.send(Stream::ErrorOutput, told).await {
                return Farewell::silent();
            }
        }
        let greeting = Greeting::default();
        let connected = self.connect(&greeting).await;
        if let Some(greeting) = greeting.heard()
            && let Err(error) = self.greet(tap, legs, greeting).await
        {
            return self.unrecorded(&error);
        }
        let target = match connected {
            Ok(target) => target,
            Err(error) => return self.unconnected(tap, &error).await,
        };
        let (read, write, connection) = target.into_parts();
        self.seated.session.live().dialled(connection.socket());
        let Ok(asked) = self.ask(&write).await else {
            return self.target_failed("target-lost");
        };
        let relay = Relay {
            uplink: &self.opening.uplink,
            downlink: &self.opening.downlink,
            permit: &self.seated.permit,
            tap,
            notices,
            asked,
            legs,
            inflow: connection.inflow(),
        };
        let end = relay.run(read, write).await;
        connection.close_gently();
        match end {
            RelayEnd::Finished | RelayEnd::TechnicianLeft => Farewell::silent(),
            RelayEnd::TargetRefused => self.target_failed("target-refused-start"),
            RelayEnd::TargetLost => self.target_failed("target-lost"),
            RelayEnd::Unrecorded(error) => self.unrecorded(&error),
        }
    }

    /// Passes on what the target said before it let the gateway in, once a session.
    async fn greet(
        &self,
        tap: &Tap,
        legs: &LegCounts,
        greeting: String,
    ) -> Result<(), RecordError> {
        if !self.seated.session.is_greeted(&greeting) {
            return Ok(());
        }
        let greeting = Bytes::from(match self.opening.terminal {
            Some(_) => greeting.replace('\n', "\r\n"),
            None => greeting,
        });
        legs.received_from_target(greeting.len());
        tap.output(Stream::ErrorOutput, std::slice::from_ref(&greeting))?;
        legs.sent_to_technician(greeting.len());
        // That nobody reads it is found out by what follows.
        let _ = self
            .opening
            .downlink
            .send(Stream::ErrorOutput, greeting)
            .await;
        Ok(())
    }

    async fn connect(&self, greeting: &Greeting) -> Result<TargetChannel, ConnectError> {
        let credential = self.visit.credential(&self.seated.permit).await?;
        let technician_left = async {
            // A technician who hangs up while the target is dialled leaves no connection behind.
            self.opening.uplink.until_closed().await;
        };
        tokio::select! {
            target = connector::connect(&self.seated.permit, credential, self.terminal().is_some(), clock::now(), greeting, self.opening.uplink.connection().purse()) => target,
            () = technician_left => Err(ConnectError::Abandoned),
        }
    }

    /// The terminal, under the name that the permit gives it, of the size that its window has by now.
    fn terminal(&self) -> Option<(&Term, TerminalRequest)> {
        let term = self.seated.permit.terms().terminal();
        term.zip(self.opening.terminal_now())
    }

    /// Sends what the permit brings to the target, without waiting between the requests.
    async fn ask(
        &self,
        target: &ChannelWriteHalf<client::Msg>,
    ) -> Result<Vec<Asked>, russh::Error> {
        let mut asked = Vec::new();
        if let Some((term, terminal)) = self.terminal() {
            let TerminalRequest {
                term: _,
                cols,
                rows,
                modes,
            } = terminal;
            target
                .request_pty(true, term.as_str(), cols, rows, 0, 0, &modes)
                .await?;
            asked.push(Asked::Terminal);
        }
        for (name, value) in self.seated.permit.terms().environment() {
            target.set_env(false, name.as_str(), value.as_str()).await?;
        }
        match self.start {
            Start::Shell => target.request_shell(true).await?,
            Start::Command(command) => target.exec(true, command.as_slice()).await?,
        }
        asked.push(Asked::Start);
        Ok(asked)
    }

    fn opened(&self) -> ChannelOpened {
        ChannelOpened {
            kind: match self.start {
                Start::Shell => ChannelKind::Shell,
                Start::Command(_) => ChannelKind::Exec,
            },
            command: match self.start {
                Start::Shell => None,
                Start::Command(command) => Some(command.as_slice().into()),
            },
            account: Some(self.seated.permit.account().to_string()),
            pty: self
                .terminal()
                .map(|(term, terminal)| ecluse_recordings::Pty {
                    term: term.to_string(),
                    cols: terminal.cols,
                    rows: terminal.rows,
                    modes: terminal.recorded_modes(),
                }),
            env: self
                .seated
                .permit
                .terms()
                .environment()
                .iter()
                .map(|(name, value)| (name.as_bytes().into(), value.as_bytes().into()))
                .collect(),
        }
    }

    /// The end that an operator, a clock or a failed recording brought.
    fn stopped(&self, stop: &Stop) -> Farewell {
        Farewell::refused(self.visit.words_for(stop))
    }

    fn unrecorded(&self, error: &ecluse_recordings::RecordError) -> Farewell {
        let stop = Stop::Unrecorded(error.to_string());
        // What cannot be recorded does not pass, on any channel of this session (R2).
        self.seated.session.live().stop(stop.clone());
        self.stopped(&stop)
    }

    fn target_failed(&self, text_id: &str) -> Farewell {
        let words = self.visit.say_about(text_id, &self.seated.permit);
        Farewell::failed(words, TARGET_FAILED)
    }

    async fn unconnected(&self, tap: &Tap, error: &ConnectError) -> Farewell {
        if matches!(error, ConnectError::Abandoned) {
            return Farewell::silent();
        }
        let _ = tap.record(Event::Note(&error.to_string()));
        self.seated
            .session
            .unconnected(self.visit, &self.seated.permit, error)
            .await;
        let words = if let ConnectError::HostKey { got, pinned } = error {
            self.visit.say_host_key(&self.seated.permit, got, pinned)
        } else {
            self.visit.say_about(error.text_id(), &self.seated.permit)
        };
        Farewell::failed(words, TARGET_FAILED)
    }
}

/// Waits until the line of the matrix that permitted this channel closes, which may be before the session's window.
/// Looks at the wall clock now and then, because it may be set.
async fn until_closed(permit: &Permit) -> EndReason {
    let closes_at = permit.closes_at();
    loop {
        let now = clock::now();
        if closes_at <= now {
            return permit.end().clone();
        }
        tokio::time::sleep(closes_at.since(now).to_std().min(LOOK_EVERY)).await;
    }
}

/// A defect in one channel ends its connection, whose recording is then closed as for any other end.
struct CutOnPanic(Arc<Visit>);

impl Drop for CutOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.connection().cut();
        }
    }
}
