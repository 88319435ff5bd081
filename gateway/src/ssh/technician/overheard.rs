//! What the SSH library refuses by itself, overheard in its log (`adr/0025-what-the-library-refuses.md`).
//!
//! It has no callback for a channel of a type that it does not know (`tun@openssh.com`), for two that it knows
//! (`auth-agent@openssh.com`, `forwarded-streamlocal@openssh.com`) and for requests, on a channel or global, that it does
//! not know. Of such a global request it says no name, only how long it was.
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

/// What a message that asks for something global holds beside its name and what it says: its kind, the length of the
/// name, and whether an answer is wanted.
const GLOBAL: u64 = 6;
/// How the lines begin that tell of the global requests that the library knows.
const KNOWN: &[&str] = &[
    "handler.tcpip_forward ",
    "handler.cancel_tcpip_forward ",
    "handler.streamlocal_forward ",
    "handler.cancel_streamlocal_forward ",
];

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
    /// What is being asked for, if the library does not ask us about it.
    silent: Mutex<Option<Silent>>,
}

/// What the library may refuse without a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Silent {
    /// A channel of one of the two types that it does not ask us about.
    Channel(&'static str),
    /// A global request, by the bytes of its name and of what it says.
    Request(u64),
}

/// A line of the library's log that matters.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    /// A client asks for something; what stands in no line, but can be only this if nothing more is said.
    Asks(Silent),
    /// A client says something else than bytes: what it asked for before is answered.
    Goes,
    /// A channel was not opened, or a global request refused.
    Refused,
    /// A global request that it knows.
    Known,
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
            silent: Mutex::default(),
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
        // A request that wants no answer has none to be known by; of a channel it may be that it was not read.
        if let Some(request @ Silent::Request(_)) = self.heard.take() {
            self.heard.unasked(request);
        }
    }
}

impl Heard {
    fn hear(&self, line: Line) {
        match line {
            Line::Asks(silent) => {
                self.settle();
                *self.silent() = Some(silent);
            }
            Line::Goes | Line::Refused => self.settle(),
            Line::Known => {
                self.take();
            }
            Line::Channel(name) => {
                self.take();
                self.refused(Some(FlowRequest::of_channel(&caps::named(&name))));
            }
            Line::Request(name) => self.refused(FlowRequest::of_request(&caps::named(&name))),
        }
    }

    /// What we were not asked about was refused without a word.
    fn settle(&self) {
        if let Some(silent) = self.take() {
            self.unasked(silent);
        }
    }

    fn unasked(&self, silent: Silent) {
        self.refused(match silent {
            Silent::Channel(name) => Some(FlowRequest::of_channel(name)),
            Silent::Request(bytes) => FlowRequest::of_unnamed_request(bytes),
        });
    }

    fn take(&self) -> Option<Silent> {
        self.silent().take()
    }

    fn silent(&self) -> MutexGuard<'_, Option<Silent>> {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing where what was refused asks for nothing.
    fn refused(&self, flow: Option<FlowRequest>) {
        if let Some((flow, visit)) = flow.zip(self.visit.upgrade()) {
            visit.refuse_counted(&flow);
        }
    }
}

impl Line {
    fn of(record: &Record<'_>) -> Option<Self> {
        let text = || record.args().to_string();
        match (record.target(), record.level()) {
            ("russh::server", Level::Debug) => {
                let text = text();
                let (kind, rest) = text.strip_prefix("< msg type ")?.split_once(',')?;
                let length = || rest.rsplit_once("len ").map(|(_, length)| length);
                let (agent, agents) = AGENT;
                match kind {
                    "80" => {
                        let bytes = length()?.parse::<u64>().ok()?;
                        Some(Self::Asks(Silent::Request(bytes.saturating_sub(GLOBAL))))
                    }
                    "90" => {
                        let silent = if length()? == agents {
                            agent
                        } else {
                            STREAMLOCAL
                        };
                        Some(Self::Asks(Silent::Channel(silent)))
                    }
                    // The end of the connection, of a channel's bytes or of a channel, and a request on one.
                    "1" | "96" | "97" | "98" => Some(Self::Goes),
                    _ => None,
                }
            }
            ("russh::sshbuffer", Level::Debug) => {
                let text = text();
                let refused = ["> msg type 82,", "> msg type 92,"];
                let is_one = refused.iter().any(|line| text.starts_with(line));
                is_one.then_some(Self::Refused)
            }
            ("russh::server::encrypted", Level::Debug) => {
                let text = text();
                if KNOWN.iter().any(|line| text.starts_with(line)) {
                    return Some(Self::Known);
                }
                let name = text.strip_prefix("unknown channel type: ")?;
                Some(Self::Channel(name.to_owned()))
            }
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
