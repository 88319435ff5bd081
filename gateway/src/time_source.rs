//! How far the machine's clock is from the common time reference, known and on record (R6, N7).
//!
//! The servers of `[clock]` are asked at the start, every quarter of an hour and after each jump of the clock. What they
//! say becomes a [`ClockStatus`], which whoever records follows, and an audit record where it matters: at the start,
//! when the offset moved, when a source fell silent or came back, and once a day. The gateway never sets the clock:
//! that is the machine's own service's task, and this module watches it.

mod agreement;
#[cfg(test)]
mod fake;
mod sntp;
#[cfg(test)]
mod tests;

use std::time::Duration;

use ecluse_policy::{Span, Timestamp};
use ecluse_recordings::ClockReading;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::watch;

use self::agreement::{Agreement, agree};
use self::sntp::{Answer, NoAnswer};
use crate::audit::{AuditKind, AuditRecord};
use crate::clock::{self, Jump};
use crate::settings::NtpServer;
use crate::store::{Serving, Store, StoreError};

/// How often the clock is looked at for jumps.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often the servers are asked.
const ASK_EVERY: Duration = Duration::from_secs(15 * 60);
/// An offset that moved by more is on record, in microseconds.
const MOVED: u64 = 100_000;
/// After so long a reading is on record though nothing changed.
const REMIND_AFTER: Span = Span::from_hours(24);

/// What is known of the machine's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockStatus {
    /// When this was found out, by the machine's clock.
    pub measured_at: Timestamp,
    /// Whose word it is.
    pub source: ClockSource,
    /// The source's time minus the machine's, in microseconds; none where nobody could say.
    pub offset_us: Option<i64>,
    /// How far from the truth the offset may be, in microseconds.
    pub error_us: Option<i64>,
    /// The last jump of the machine's clock that was noticed while serving.
    pub jump: Option<Jump>,
    /// What each server said.
    servers: Vec<ServerSaid>,
}

/// Whose word the offset is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClockSource {
    /// No server is named: the machine's clock as it is.
    System,
    /// Servers that agree with one another.
    Agreed(Vec<NtpServer>),
    /// The only server that answers.
    Alone(NtpServer),
    /// Servers answer and contradict one another.
    Disagreed,
    /// No server answers.
    Silent,
}

/// As recordings and audit records bear it.
impl std::fmt::Display for ClockSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::Agreed(servers) => {
                f.write_str("ntp")?;
                servers.iter().try_for_each(|server| write!(f, " {server}"))
            }
            Self::Alone(server) => write!(f, "ntp {server}, not checked by another"),
            Self::Disagreed => f.write_str("system: the time servers contradict one another"),
            Self::Silent => f.write_str("system: no time server answers"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ServerSaid {
    server: NtpServer,
    said: Result<Answer, NoAnswer>,
}

impl ClockStatus {
    /// The machine's clock, of which nothing is known.
    pub fn unknown(at: Timestamp) -> Self {
        Self {
            measured_at: at,
            source: ClockSource::System,
            offset_us: None,
            error_us: None,
            jump: None,
            servers: Vec::new(),
        }
    }

    /// What the servers' answers come to.
    fn of(servers: Vec<ServerSaid>, at: Timestamp) -> Self {
        let answers: Vec<Option<Answer>> = servers
            .iter()
            .map(|server| server.said.as_ref().ok().copied())
            .collect();
        let name = |index: &usize| servers.get(*index).map(|server| server.server.clone());
        let (source, known) = match agree(&answers) {
            Agreement::Agreed {
                offset_us,
                error_us,
                who,
            } => (
                ClockSource::Agreed(who.iter().filter_map(name).collect()),
                Some((offset_us, error_us)),
            ),
            Agreement::Alone { answer, who } => (
                name(&who).map_or(ClockSource::Silent, ClockSource::Alone),
                Some((answer.offset_us, answer.error_us)),
            ),
            Agreement::Disagreed => (ClockSource::Disagreed, None),
            Agreement::Silence if servers.is_empty() => (ClockSource::System, None),
            Agreement::Silence => (ClockSource::Silent, None),
        };
        Self {
            measured_at: at,
            source,
            offset_us: known.map(|(offset, _)| offset),
            error_us: known.map(|(_, error)| error),
            jump: None,
            servers,
        }
    }

    /// What a recording bears of it, where `before` stands there already: nothing where nothing changed.
    pub(crate) fn reading_after(&self, before: Option<&Self>) -> Option<ClockReading> {
        let jump = before.and_then(|before| self.jump.filter(|jump| Some(*jump) != before.jump));
        let is_news = before.is_none_or(|before| self.is_news_after(before));
        (is_news || jump.is_some()).then(|| ClockReading {
            // The recorder knows.
            at_us: 0,
            source: self.source.to_string(),
            offset_us: self.offset_us,
            jumped_us: jump.map(|jump| jump.micros()),
        })
    }

    /// Whether this is other news than `before`, which is on record.
    fn is_news_after(&self, before: &Self) -> bool {
        let moved = match (before.offset_us, self.offset_us) {
            (Some(before), Some(after)) => before.abs_diff(after) > MOVED,
            (None, None) => false,
            (None, Some(_)) | (Some(_), None) => true,
        };
        let answering = |status: &Self| -> Vec<bool> {
            status
                .servers
                .iter()
                .map(|server| server.said.is_ok())
                .collect()
        };
        moved
            || self.measured_at.since(before.measured_at) >= REMIND_AFTER
            // Set back since: an age cannot be told.
            || self.measured_at < before.measured_at
            || answering(self) != answering(before)
            || std::mem::discriminant(&self.source) != std::mem::discriminant(&before.source)
    }

    fn record(&self) -> AuditRecord {
        let mut record = AuditRecord::new(AuditKind::ClockReading, self.measured_at)
            .detail("source", self.source.to_string())
            .detail("offset-us", self.offset_us.map_or(Value::Null, Value::from));
        if let Some(error) = self.error_us {
            record = record.detail("error-us", error);
        }
        if !self.servers.is_empty() {
            let servers: Vec<Value> = self.servers.iter().map(ServerSaid::json).collect();
            record = record.detail("servers", servers);
        }
        record
    }

    fn log(&self) {
        let source = self.source.to_string();
        match (self.offset_us, &self.source) {
            (_, ClockSource::System) => {
                tracing::info!(
                    source,
                    "the offset of the clock is unknown: no servers are named under [clock]"
                );
            }
            (Some(offset_us), _) if offset_us.unsigned_abs() <= MOVED => {
                tracing::info!(
                    source,
                    offset_us,
                    "the clock was compared with its time servers"
                );
            }
            (Some(offset_us), _) => {
                tracing::warn!(
                    source,
                    offset_us,
                    "the clock is off: check the machine's own time service"
                );
            }
            (None, _) => tracing::warn!(
                source,
                "the offset of the clock is unknown: check the servers under [clock]"
            ),
        }
    }
}

impl ServerSaid {
    fn json(&self) -> Value {
        let server = self.server.to_string();
        match &self.said {
            Ok(Answer {
                offset_us,
                error_us,
                stratum,
            }) => {
                json!({ "server": server, "offset-us": offset_us, "error-us": error_us, "stratum": stratum })
            }
            Err(problem) => json!({ "server": server, "problem": problem.to_string() }),
        }
    }
}

/// Asks these servers, once.
pub(crate) async fn compare(servers: &[NtpServer]) -> ClockStatus {
    let said = join_all(servers.iter().map(|server| async move {
        ServerSaid {
            server: server.clone(),
            said: sntp::ask(server).await,
        }
    }))
    .await;
    ClockStatus::of(said, clock::now())
}

/// Watches the machine's clock.
#[derive(Debug)]
pub(crate) struct TimeSource {
    servers: Vec<NtpServer>,
    store: Store,
    /// Who watches: whose clock it is.
    by: Serving,
    ask_every: Duration,
    status: watch::Sender<ClockStatus>,
    /// What was last put on record.
    on_record: Option<ClockStatus>,
}

impl TimeSource {
    /// A watch over the clock with these servers; asks them for the first time.
    ///
    /// # Errors
    /// The store failed: what is not on record is not known.
    pub(crate) async fn start(
        servers: &[NtpServer],
        store: &Store,
        by: Serving,
    ) -> Result<Self, StoreError> {
        let mut source = Self {
            servers: servers.to_vec(),
            store: store.clone(),
            by,
            ask_every: ASK_EVERY,
            status: watch::Sender::new(ClockStatus::unknown(clock::now())),
            on_record: None,
        };
        source.measure().await?;
        Ok(source)
    }

    /// What is known of the clock, and each change of it.
    pub(crate) fn status(&self) -> watch::Receiver<ClockStatus> {
        self.status.subscribe()
    }

    /// Watches until it is dropped.
    pub(crate) async fn run(mut self) {
        let mut asked = clock::monotonic();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let jump = clock::jump();
            if let Some(jump) = &jump {
                self.jumped(jump).await;
            }
            if jump.is_some() || asked.elapsed() >= self.ask_every {
                asked = clock::monotonic();
                if let Err(error) = self.measure().await {
                    tracing::error!(%error, "a reading of the clock could not be recorded");
                }
            }
        }
    }

    async fn jumped(&mut self, jump: &Jump) {
        tracing::warn!(from = %jump.expected, to = %jump.found, "the clock jumped");
        let record = AuditRecord::new(AuditKind::ClockJump, jump.found)
            .reason(format!("from {} to {}", jump.expected, jump.found))
            .detail("micros", jump.micros());
        let record = self.by.names(record);
        self.store.record_at_last(vec![record]).await;
        // Told before the servers answer, which may take seconds.
        self.status.send_modify(|status| status.jump = Some(*jump));
    }

    async fn measure(&mut self) -> Result<(), StoreError> {
        let mut status = compare(&self.servers).await;
        status.jump = self.status.borrow().jump;
        self.status.send_replace(status.clone());
        let is_news = self
            .on_record
            .as_ref()
            .is_none_or(|before| status.is_news_after(before));
        if is_news {
            status.log();
            self.store.record(&[status.record()]).await?;
            self.on_record = Some(status);
        }
        Ok(())
    }
}
