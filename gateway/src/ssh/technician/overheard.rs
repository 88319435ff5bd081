//! What the SSH library refuses by itself, overheard in its log (`adr/0025-what-the-library-refuses.md`).
//!
//! It has no callback for a channel of a type that it does not know (`tun@openssh.com`), for two that it knows
//! (`auth-agent@openssh.com`, `forwarded-streamlocal@openssh.com`) and for requests on a channel that it does not know.
//! It refuses them, and says so in its log, in the task of the connection: which task speaks is which connection it is.
//! Nothing of that log is printed. The lines are those of the one version that is pinned; a test walks every kind
//! (`tests/tests/hostile_client.rs`), so that another wording is a test that fails.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

use ecluse_policy::FlowRequest;
use log::{Level, LevelFilter, Log, Metadata, Record};
use tokio::task;

use crate::passage::caps;
use crate::passage::visit::Visit;

/// The two channel types that the library refuses without a word, told apart by the length of the message that asks for
/// one: an agent's says nothing beside its type, the other a path.
const AGENT: (&str, &str) = ("auth-agent@openssh.com", "39");
const STREAMLOCAL: &str = "forwarded-streamlocal@openssh.com";

static HEARD: LazyLock<Mutex<HashMap<task::Id, Arc<Heard>>>> = LazyLock::new(Mutex::default);

/// Begins to listen. Once, before the doors open.
///
/// # Errors
/// Something else takes the log already: what the library refuses would be on no record.
pub(crate) fn listen() -> Result<(), log::SetLoggerError> {
    log::set_logger(&Ear)?;
    log::set_max_level(LevelFilter::Debug);
    Ok(())
}

/// One connection that is listened to, until this is dropped.
pub(crate) struct Overheard {
    task: task::Id,
    heard: Arc<Heard>,
}

struct Heard {
    visit: Weak<Visit>,
    /// The type of a channel that is being opened, if it is one of the two that the library does not ask us about.
    opening: Mutex<Option<&'static str>>,
}

/// A line of the library's log that matters.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    /// A client wants to open a channel; the type stands in no line, but can be only this one if nothing more is said.
    Opens(&'static str),
    /// A channel was not opened.
    NotOpened,
    /// A type that it does not know.
    Channel(String),
    /// A request on a channel that it does not know.
    Request(String),
}

impl Overheard {
    /// Listens to the connection of `visit`, whose task this is called in.
    pub(crate) fn of(visit: &Arc<Visit>) -> Option<Self> {
        let task = task::try_id()?;
        let heard = Arc::new(Heard {
            visit: Arc::downgrade(visit),
            opening: Mutex::default(),
        });
        lock().insert(task, Arc::clone(&heard));
        Some(Self { task, heard })
    }

    /// The library asks us about the channel that is being opened.
    pub(crate) fn is_asked(&self) {
        self.heard.take();
    }
}

impl Drop for Overheard {
    fn drop(&mut self) {
        lock().remove(&self.task);
    }
}

impl Heard {
    fn hear(&self, line: Line) {
        match line {
            Line::Opens(silent) => {
                self.settle();
                *self.opening() = Some(silent);
            }
            Line::NotOpened => self.settle(),
            Line::Channel(name) => {
                self.take();
                self.refused(FlowRequest::of_channel(&caps::named(&name)));
            }
            Line::Request(name) => {
                if let Some(flow) = FlowRequest::of_request(&caps::named(&name)) {
                    self.refused(flow);
                }
            }
        }
    }

    /// A channel that we were not asked about was refused without a word.
    fn settle(&self) {
        if let Some(silent) = self.take() {
            self.refused(FlowRequest::of_channel(silent));
        }
    }

    fn take(&self) -> Option<&'static str> {
        self.opening().take()
    }

    fn opening(&self) -> MutexGuard<'_, Option<&'static str>> {
        self.opening.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refused(&self, flow: FlowRequest) {
        if let Some(visit) = self.visit.upgrade() {
            visit.refuse_counted(flow);
        }
    }
}

impl Line {
    fn of(record: &Record<'_>) -> Option<Self> {
        let text = || record.args().to_string();
        match (record.target(), record.level()) {
            ("russh::server", Level::Debug) => {
                let text = text();
                let (_, length) = text.strip_prefix("< msg type 90,")?.rsplit_once("len ")?;
                let (agent, agents) = AGENT;
                let silent = if length == agents { agent } else { STREAMLOCAL };
                Some(Self::Opens(silent))
            }
            ("russh::sshbuffer", Level::Debug) => text()
                .starts_with("> msg type 92,")
                .then_some(Self::NotOpened),
            ("russh::server::encrypted", Level::Debug) => text()
                .strip_prefix("unknown channel type: ")
                .map(|name| Self::Channel(name.to_owned())),
            ("russh::server::encrypted", Level::Warn) => text()
                .strip_prefix("unknown channel request ")
                .map(|name| Self::Request(name.to_owned())),
            _ => None,
        }
    }
}

struct Ear;

impl Log for Ear {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("russh::") && metadata.level() <= Level::Debug
    }

    fn log(&self, record: &Record<'_>) {
        let Some(line) = Line::of(record) else { return };
        let heard = task::try_id().and_then(|task| lock().get(&task).cloned());
        if let Some(heard) = heard {
            heard.hear(line);
        }
    }

    fn flush(&self) {}
}

fn lock() -> MutexGuard<'static, HashMap<task::Id, Arc<Heard>>> {
    HEARD.lock().unwrap_or_else(PoisonError::into_inner)
}
