//! What passes on a channel, held against the signals of its client: after it is recorded, and before it goes on (X3).
//!
//! The heuristics are policy's ([`ecluse_policy::signals`]); here they are fed, and what they find is told: a word of the
//! recording first, then an entry of the log, by which operators are told wherever they are. One that holds does so at once, and
//! from the entry on as an operator's hold (`adr/0045-a-signal-is-an-entry.md`).

mod drawing;
mod line;
mod unfolded;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use ecluse_policy::signals::watch::Shared;
use ecluse_policy::signals::{self, Fired, Moment, QUIET, Signal, Signals, Then, Tripwire, Watch};
use ecluse_policy::{FlowName, Span};
use ecluse_recordings as recordings;
use ecluse_recordings::{Direction, Event, RecordError, Stream};
use tokio::sync::watch;

pub(super) use self::drawing::Drawing;
use self::line::Line;
use self::unfolded::unfolded;
use super::channel::Start;
use super::session::Session;
use super::tap::{Tap, Tape};
use super::visit::Visit;
use super::visit::sessions::Seated;
use super::window::TerminalRequest;
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::live::signals::{LARGEST_MINUTE, PAST, PAST_DAYS, largest_minute, on_record};
use crate::live::{Held, hands};
use crate::store::{AuditQuery, StoreError};

/// How long it is waited before an entry that could not be written is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// What the channels of one session share.
#[derive(Debug, Default)]
pub(crate) struct Vigilance(Mutex<Together>);

#[derive(Debug, Default)]
struct Together {
    shared: Shared,
    /// When each was told last, since the session began.
    told: BTreeMap<Signal, Span>,
    /// The past of the person is being looked up.
    looks_back: bool,
}

impl Vigilance {
    fn lock(&self) -> MutexGuard<'_, Together> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The end of its session, with the most that left within a minute.
    pub(super) fn ends(&self, record: AuditRecord) -> AuditRecord {
        record.detail(LARGEST_MINUTE, self.lock().shared.minute.most())
    }
}

/// Watches one channel.
pub(super) struct Vigil<'a> {
    visit: &'a Arc<Visit>,
    session: &'a Arc<Session>,
    tap: &'a Tap,
    number: u32,
    command: Option<String>,
    /// The same with each line that goes on after a backslash joined to the next, where there is one.
    joined: Option<String>,
    flow: FlowName,
    state: Mutex<State>,
}

struct State {
    watch: Watch,
    held: watch::Receiver<Held>,
    /// The line at which somebody types: of a terminal, or of a shell without one.
    line: Option<Line>,
}

impl<'a> Vigil<'a> {
    /// Watches channel `number`, which `start` asked for, with what is drawn of its terminal where it has one.
    pub(super) fn new(
        visit: &'a Arc<Visit>,
        seated: &'a Seated,
        start: &Start,
        number: u32,
        drawing: Option<Drawing>,
        tap: &'a Tap,
    ) -> Self {
        let session = &seated.session;
        let state = State {
            watch: Watch::default(),
            held: session.live().held(),
            line: match (drawing, start) {
                (Some(drawing), _) => Some(Line::new(drawing)),
                (None, Start::Shell) => Some(Line::plain()),
                (None, Start::Command(_) | Start::Copy(_) | Start::Files | Start::Forward(_)) => {
                    None
                }
            },
        };
        let command = start.shown();
        let joined = match start {
            Start::Command(typed) => unfolded(typed).map(|all| recordings::spelled(&all)),
            Start::Shell | Start::Copy(_) | Start::Files | Start::Forward(_) => None,
        };
        Self {
            visit,
            session,
            tap,
            number,
            command,
            joined,
            flow: seated.permit.flow().clone(),
            state: Mutex::new(state),
        }
    }

    /// Looks at the command before it is started. What holds it has held its session when this returns.
    pub(super) async fn begins(&self) -> Result<(), RecordError> {
        // Whoever asks for it is there.
        let since = self.since();
        self.session.vigilance().lock().shared.is_present(since);
        // Known before the first byte: what is short and large is over before it could be asked for.
        let is_measured = self.with_rules(|rules| rules.burst.is_some());
        if is_measured && !self.session.vigilance().lock().shared.knows_past {
            look_back(self.visit, self.session).await;
        }
        let Some(command) = &self.command else {
            return Ok(());
        };
        let fired = self.with_rules(|rules| {
            let target = &self.session.live().facts().target;
            let all = rules.tripwires_at(&self.flow, target);
            let joined = self.joined.as_deref();
            let fires = |tripwire: &Tripwire| {
                let also = || joined.and_then(|joined| tripwire.fires_shown(joined));
                tripwire.fires_shown(command).or_else(also)
            };
            all.filter_map(fires).collect()
        });
        self.tell(fired)
    }

    fn with_rules<T>(&self, look: impl FnOnce(&Signals) -> T) -> T {
        with_rules(self.visit, self.session, look)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Since the session began.
    fn since(&self) -> Span {
        Span::from_micros(self.session.micros())
    }

    /// These were recorded.
    fn sees(&self, stream: Stream, pieces: &[Bytes]) -> Result<(), RecordError> {
        let way = match stream {
            Stream::Input => signals::Way::Up,
            Stream::Output => signals::Way::Output,
            Stream::ErrorOutput => signals::Way::Error,
        };
        let at = Moment {
            since: self.since(),
            now: clock::now(),
        };
        let fired = self.with_rules(|rules| {
            let (mut state, mut together) = (self.lock(), self.session.vigilance().lock());
            if rules.burst.is_some() && !together.shared.knows_past && !together.looks_back {
                together.looks_back = true;
                let (visit, session) = (Arc::clone(self.visit), Arc::clone(self.session));
                tokio::spawn(async move { look_back(&visit, &session).await });
            }
            let state = &mut *state;
            // Nobody is away from a session that is held, and no stream goes on through that.
            if state.held.has_changed().unwrap_or(false) {
                state.held.mark_unchanged();
                together.shared.is_present(at.since);
                state.watch.is_held();
            }
            let mut fired = Vec::new();
            for piece in pieces {
                let shared = &mut together.shared;
                fired.extend(state.watch.pass(rules, shared, at, way, piece));
            }
            drop(together);
            let target = &self.session.live().facts().target;
            let tripwires: Vec<_> = rules.tripwires_at(&self.flow, target).collect();
            if let Some(line) = state.line.as_mut().filter(|_| !tripwires.is_empty()) {
                fired.extend(line.passes(way, pieces, &tripwires));
            }
            fired
        });
        self.tell(fired)
    }

    /// Tells what was found, unless that was told lately: in the recording, and on record.
    fn tell(&self, fired: Vec<Fired>) -> Result<(), RecordError> {
        for one in fired {
            let since = self.since();
            let mut together = self.session.vigilance().lock();
            let told = together.told.get(&one.signal);
            let lately = told.is_some_and(|told| {
                since.as_micros() < told.as_micros().saturating_add(QUIET.as_micros())
            });
            // Somebody has to let each of these go on: that is bound enough, and the next time is another.
            let each = matches!((&one.signal, one.then), (Signal::Tripwire(_), Then::Hold));
            if lately && !each {
                continue;
            }
            together.told.insert(one.signal.clone(), since);
            drop(together);
            self.tap.event(Event::Note(&one.to_string()))?;
            let mut record = self.session.record(self.visit, AuditKind::Signal);
            record = on_record(record, &one)
                .detail("number", self.session.live().facts().number)
                .detail("channel", self.number)
                .detail("flow", self.flow.to_string());
            if let Some(command) = &self.command {
                record = record.detail("command", command.as_str());
            }
            match one.then {
                Then::Notify => {
                    let store = self.visit.gateway().store.clone();
                    tokio::spawn(async move { store.record_at_last(vec![record]).await });
                }
                Then::Hold => {
                    self.session.live().hold_at_once();
                    let (visit, session) = (Arc::clone(self.visit), Arc::clone(self.session));
                    tokio::spawn(async move { hold(&visit, &session, record).await });
                }
            }
        }
        Ok(())
    }
}

impl Tape for Vigil<'_> {
    fn bytes(&self, stream: Stream, pieces: &[Bytes]) -> Result<(), RecordError> {
        self.tap.bytes(stream, pieces)?;
        self.sees(stream, pieces)
    }

    fn event(&self, event: Event<'_>) -> Result<(), RecordError> {
        if let Event::Resize { cols, rows } = &event
            && let Some(line) = &mut self.lock().line
        {
            line.resized(*cols, *rows);
        }
        if let Event::Eof(Direction::ToTarget) = &event {
            self.ends()?;
        }
        self.tap.event(event)
    }

    fn ends(&self) -> Result<(), RecordError> {
        let fired = self.with_rules(|rules| {
            let target = &self.session.live().facts().target;
            let tripwires: Vec<_> = rules.tripwires_at(&self.flow, target).collect();
            let mut state = self.lock();
            let line = state.line.as_mut();
            line.map_or_else(Vec::new, |line| line.ends(&tripwires))
        });
        self.tell(fired)
    }

    fn restore(&self) -> Result<Option<Bytes>, RecordError> {
        self.tap.restore()
    }
}

/// Looks at the rules of a session's client, as they are in force.
fn with_rules<T>(visit: &Visit, session: &Session, look: impl FnOnce(&Signals) -> T) -> T {
    let applied = visit.gateway().applied();
    let client = applied.documents.client(&session.live().facts().client);
    match client {
        Some(client) => look(&client.signals),
        None => look(&Signals::default()),
    }
}

/// What is drawn of a terminal of this size: where a tripwire lies there it is paid for from the beginning on, and it is none
/// where there is too little memory for that.
pub(super) fn drawing(
    visit: &Visit,
    seated: &Seated,
    terminal: &TerminalRequest,
) -> Option<Drawing> {
    let purse = visit.connection().purse();
    let mut drawing = Drawing::new(terminal.cols, terminal.rows, purse);
    let is_needed = with_rules(visit, &seated.session, |rules| {
        let target = &seated.session.live().facts().target;
        let mut all = rules.tripwires_at(seated.permit.flow(), target);
        all.next().is_some()
    });
    (!is_needed || drawing.is_paid()).then_some(drawing)
}

/// Puts on record what holds a session already, and leaves it to what stands there. Nobody can let it go on before that is.
async fn hold(visit: &Visit, session: &Session, record: AuditRecord) {
    let (live, store) = (session.live(), visit.gateway().store.ahead());
    loop {
        match store.lay_hand(&record).await {
            Ok(seq) => {
                if let Some(entry) = hands::read(&record) {
                    live.signalled(seq, &entry);
                }
                return;
            }
            Err(error) => {
                tracing::warn!(%error, "a signal that holds a session is put on record later");
            }
        }
        if live.stopped().is_some() {
            return store.record_at_last(vec![record]).await;
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Finds out what the largest minute of the person's past sessions was; until it is known, no burst is told.
async fn look_back(visit: &Visit, session: &Session) {
    let found = past(visit, session).await;
    let mut together = session.vigilance().lock();
    together.looks_back = false;
    match found {
        Ok(largest) => {
            together.shared.largest = largest;
            together.shared.knows_past = true;
        }
        Err(error) => {
            tracing::warn!(%error, "what a person's past sessions took is not known yet");
        }
    }
}

async fn past(visit: &Visit, session: &Session) -> Result<Option<u64>, StoreError> {
    let facts = session.live().facts();
    let query = AuditQuery {
        client: Some(facts.client.clone()),
        person: Some(facts.person.to_string()),
        kinds: vec![AuditKind::SessionEnd],
        from: Some(facts.started.minus(PAST_DAYS)),
        latest_first: true,
        limit: Some(PAST),
        ..AuditQuery::default()
    };
    let ends = visit.gateway().store.audit(&query).await?;
    Ok(largest_minute(ends.iter().map(|end| &end.record)))
}
