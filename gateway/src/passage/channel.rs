//! One channel of an authenticated person, from its shell or command to its close.
//!
//! [`serve`] is its story: whoever names a target needs an admission, the admission a permit for this very flow, the
//! permit a connection, and only then bytes pass. Everybody else talks to the gateway itself.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ecluse_policy::{
    EndReason, FlowRequest, Permit, StartRequest, TargetId, Term, TermRefused, Timestamp, Verdict,
};
use ecluse_recordings::{ChannelKind, ChannelOpened, Event};
use russh::{ChannelWriteHalf, Pty, client};

use super::admittance::admitted;
use super::downlink::{Downlink, Gone, Stream};
use super::legs::LegCounts;
use super::relay::{Asked, Relay, RelayEnd};
use super::session::Session;
use super::talk;
use super::tap::Tap;
use super::uplink::Uplink;
use super::visit::Visit;
use crate::clock;
use crate::connector::ssh::{self as connector, ConnectError, TargetChannel};
use crate::live::{LiveChannel, Stop};
use crate::terminal::Size;

/// Exit status of the gateway's own refusals: not one a command usually has, and not `ssh`'s own 255.
pub(crate) const REFUSED: u32 = 254;
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
}

impl Opening {
    /// A channel that has asked for nothing yet.
    pub(crate) fn new(uplink: Arc<Uplink>, downlink: Downlink) -> Self {
        Self {
            uplink,
            downlink,
            terminal: None,
            environment: Vec::new(),
        }
    }
}

/// A terminal request (RFC 4254 §6.2).
#[derive(Debug, Clone)]
pub(crate) struct TerminalRequest {
    /// Its name, or why a target is not told it.
    pub(crate) term: Result<Term, TermRefused>,
    pub(crate) cols: u32,
    pub(crate) rows: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) modes: Vec<(Pty, u32)>,
}

impl TerminalRequest {
    /// A terminal that can do nothing but write lines.
    pub(crate) const PLAIN: &'static str = "dumb";

    /// The name by which the gateway itself writes on it.
    pub(crate) fn name(&self) -> &str {
        self.term.as_ref().map_or(Self::PLAIN, Term::as_str)
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
    fn flow(&self) -> FlowRequest {
        match self {
            Self::Shell => FlowRequest::Shell,
            Self::Command(command) => FlowRequest::Command(command.clone()),
        }
    }
}

/// How a channel ended, for the technician's client.
pub(super) struct Farewell {
    /// Said on standard error.
    words: Option<String>,
    /// Reported unless the target already reported its own.
    status: Option<u32>,
}

impl Farewell {
    fn silent() -> Self {
        Self {
            words: None,
            status: None,
        }
    }

    /// Everything was said already.
    pub(super) fn explained(status: u32) -> Self {
        Self {
            words: None,
            status: Some(status),
        }
    }

    /// A refusal, in these words.
    pub(super) fn refused(words: String) -> Self {
        Self {
            words: Some(words),
            status: Some(REFUSED),
        }
    }
}

/// Serves one channel until it is closed.
pub(crate) async fn serve(visit: Arc<Visit>, opening: Opening, start: Start) {
    let cut_on_panic = CutOnPanic(Arc::clone(&visit));
    let farewell = if let Some(target) = &visit.address().target {
        pass(&visit, &opening, &start, target).await
    } else {
        talk::converse(&visit, &opening, &start)
            .await
            .map(Farewell::explained)
    };
    if let Ok(farewell) = farewell {
        // Whoever has left hears no farewell.
        let _ = take_leave(&opening, farewell).await;
    }
    opening.downlink.close().await;
    opening.uplink.discard();
    drop(cut_on_panic);
}

/// Serves a channel that asked for what is refused: says so and closes.
pub(crate) async fn refuse(opening: Opening, words: String) {
    let _ = take_leave(&opening, Farewell::refused(words)).await;
    opening.downlink.close().await;
    opening.uplink.discard();
}

async fn take_leave(opening: &Opening, farewell: Farewell) -> Result<(), Gone> {
    if let Some(words) = farewell.words {
        // On a terminal the words begin on a line of their own, wherever the cursor was left.
        let words = match opening.terminal {
            Some(_) => format!("\r\n{}\r\n", words.replace('\n', "\r\n")),
            None => words + "\n",
        };
        opening
            .downlink
            .send(Stream::ErrorOutput, Bytes::from(words))
            .await?;
    }
    if let Some(status) = farewell.status {
        opening.downlink.exit_status(status).await?;
        opening.downlink.eof().await?;
    }
    Ok(())
}

/// Towards a target: admission, permit, recording, connection, relay.
async fn pass(
    visit: &Arc<Visit>,
    opening: &Opening,
    start: &Start,
    target: &TargetId,
) -> Result<Farewell, Gone> {
    let admission = match admitted(visit, opening, target).await? {
        Ok(admission) => admission,
        Err(farewell) => return Ok(farewell),
    };
    let asked = StartRequest {
        flow: start.flow(),
        terminal: opening.terminal.as_ref().map(|it| it.term.clone()),
        environment: opening.environment.clone(),
    };
    let permit = match admission.open(&asked, clock::now()) {
        Verdict::Permit(permit) => permit,
        Verdict::Refuse(refusal) => {
            return Ok(Farewell::refused(visit.refuse(&start.flow(), &refusal)));
        }
    };
    let session = match visit.session(&admission).await {
        Ok(session) => session,
        Err(words) => return Ok(Farewell::refused(words)),
    };
    if let Err(error) = session.permitted(visit, &permit, &start.flow()).await {
        tracing::error!(%error, "a permit could not be put on record, so nothing passes");
        return Ok(Farewell::refused(visit.say("store-silent")));
    }
    Passing {
        visit,
        opening,
        start,
        permit: &permit,
        session: &session,
    }
    .run()
    .await
}

/// A permitted channel on its way.
struct Passing<'a> {
    visit: &'a Arc<Visit>,
    opening: &'a Opening,
    start: &'a Start,
    permit: &'a Permit,
    session: &'a Arc<Session>,
}

impl Passing<'_> {
    async fn run(self) -> Result<Farewell, Gone> {
        let live = self.session.live();
        let number = live.number_channel();
        let tap = self.session.tap(number);
        if let Err(error) = tap.record(Event::opened(&self.opened())) {
            return Ok(self.unrecorded(&error));
        }
        let mut notices = live.enter(LiveChannel {
            number,
            command: match self.start {
                Start::Shell => None,
                Start::Command(command) => Some(ecluse_recordings::neutralise(command)),
            },
            terminal: self.terminal().is_some(),
            started: clock::now(),
        });
        let legs = LegCounts::default();
        let farewell = tokio::select! {
            biased;
            stop = live.until_stopped() => self.stopped(&stop),
            closed_at = until_closed(self.permit) => {
                self.stopped(&Stop::Right(EndReason::WindowOver { closed_at }))
            }
            farewell = self.connected(&tap, &mut notices, &legs) => match live.stopped() {
                // The cut closed the target's socket first: its reason is the one that counts.
                Some(stop) => self.stopped(&stop),
                None => farewell,
            },
        };
        live.leave(number);
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
        let target = match self.connect().await {
            Ok(target) => target,
            Err(error) => return self.unconnected(tap, &error).await,
        };
        let (read, write, connection) = target.into_parts();
        self.session.live().dialled(connection.socket());
        let Ok(asked) = self.ask(&write).await else {
            return self.target_failed("target-lost");
        };
        let relay = Relay {
            uplink: &self.opening.uplink,
            downlink: &self.opening.downlink,
            permit: self.permit,
            tap,
            notices,
            asked,
            legs,
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

    async fn connect(&self) -> Result<TargetChannel, ConnectError> {
        let credential = self.visit.credential(self.permit).await?;
        let technician_left = async {
            // A technician who hangs up while the target is dialled leaves no connection behind.
            self.opening.uplink.until_closed().await;
        };
        tokio::select! {
            target = connector::connect(self.permit, credential, self.terminal().is_some(), clock::now()) => target,
            () = technician_left => Err(ConnectError::Abandoned),
        }
    }

    /// The terminal, under the name that the permit gives it.
    fn terminal(&self) -> Option<(&Term, &TerminalRequest)> {
        self.permit
            .terms()
            .terminal()
            .zip(self.opening.terminal.as_ref())
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
                width,
                height,
                modes,
            } = terminal;
            target
                .request_pty(true, term.as_str(), *cols, *rows, *width, *height, modes)
                .await?;
            asked.push(Asked::Terminal);
        }
        for (name, value) in self.permit.terms().environment() {
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
            account: Some(self.permit.account().to_string()),
            pty: self
                .terminal()
                .map(|(term, terminal)| ecluse_recordings::Pty {
                    term: term.to_string(),
                    cols: terminal.cols,
                    rows: terminal.rows,
                }),
            env: self
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
        self.session.live().stop(stop.clone());
        self.stopped(&stop)
    }

    fn target_failed(&self, text_id: &str) -> Farewell {
        Farewell {
            words: Some(self.visit.say_about(text_id, self.permit)),
            status: Some(TARGET_FAILED),
        }
    }

    async fn unconnected(&self, tap: &Tap, error: &ConnectError) -> Farewell {
        if matches!(error, ConnectError::Abandoned) {
            return Farewell::silent();
        }
        let _ = tap.record(Event::Note(&error.to_string()));
        self.session
            .unconnected(self.visit, self.permit, error)
            .await;
        let words = if let ConnectError::HostKey { got, pinned } = error {
            self.visit.say_host_key(self.permit, got, pinned)
        } else {
            self.visit.say_about(error.text_id(), self.permit)
        };
        Farewell {
            words: Some(words),
            status: Some(TARGET_FAILED),
        }
    }
}

/// Waits until the line of the matrix that permitted this channel closes, which may be before the session's window.
/// Looks at the wall clock now and then, because it may be set.
async fn until_closed(permit: &Permit) -> Timestamp {
    let closes_at = permit.closes_at();
    loop {
        let now = clock::now();
        if closes_at <= now {
            return closes_at;
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

/// The size that a terminal request tells, bounded to what terminals have.
pub(crate) fn told_size(terminal: &TerminalRequest) -> Size {
    Size::told(terminal.cols, terminal.rows)
}
