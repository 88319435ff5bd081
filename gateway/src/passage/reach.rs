//! Reaching a target: the only place that dials (invariant 5).
//!
//! What is dialled stands in the [`Permit`], which only policy makes; nothing here resolves what somebody typed. A kind
//! of target is one arm of [`dial`] and a folder that speaks its protocol.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ecluse_policy::{Permit, Reach, Term};

use super::channel::Start;
use super::posture;
use super::side::End;
use super::visit::Visit;
use super::visit::sessions::Seated;
use super::window::TerminalRequest;
use crate::door::stream::Socket;
use crate::ssh;
use crate::ssh::target::Forwards;

/// What is asked of a target once it is reached. The environment is in the permit.
pub(crate) struct Asking<'a> {
    /// The permit that it goes by.
    pub(crate) permit: &'a Permit,
    /// The terminal, under the name that the permit gives it.
    pub(crate) terminal: Option<(&'a Term, TerminalRequest)>,
    /// What is started.
    pub(crate) start: &'a Start,
    /// What the forwards of the session share.
    pub(crate) forwards: &'a Forwards,
    /// Which of its channels this is.
    pub(crate) channel: u32,
    /// Where it sits.
    pub(crate) seated: &'a Seated,
}

impl Asking<'_> {
    /// Waits until nothing holds the channel: a hold may have come while the target was dialled, or a posture that bars what is
    /// asked, and nothing is started then.
    pub(crate) async fn until_free(&self, visit: &Visit) {
        let mut held = self.seated.session.live().held();
        loop {
            let free = held.wait_for(|held| !held.holds(self.channel));
            let is_free = free.await.is_ok();
            if !is_free {
                // Whoever could tell is gone, and the channel with it.
                std::future::pending::<()>().await;
            }
            posture::begins(visit, self.seated).await;
            if !held.borrow().holds(self.channel) {
                return;
            }
        }
    }
}

/// Reaches what `permit` permits. What the target says before it lets the gateway in is in `greeting`, also where nothing
/// comes of it.
///
/// # Errors
/// [`ConnectError`]; nothing stays open then.
pub(crate) async fn dial(
    visit: &Visit,
    asking: &Asking<'_>,
    greeting: &Greeting,
) -> Result<Reached, ConnectError> {
    match asking.permit.reach() {
        Reach::Ssh { host_keys, account } => {
            let at = ssh::target::Server {
                destination: asking.permit.destination(),
                host_keys,
                account,
            };
            match asking.start {
                Start::Forward(_) => ssh::target::forward(visit, at, asking, greeting).await,
                Start::Shell | Start::Command(_) | Start::Copy(_) | Start::Files => {
                    ssh::target::dial(visit, at, asking, greeting).await
                }
            }
        }
    }
}

/// A target that was reached and asked.
pub(crate) struct Reached {
    /// Its side of the passage.
    pub(crate) end: End,
    connection: Box<dyn Connected>,
}

/// What keeps the connection to a target open; it is cut when dropped.
pub(crate) trait Connected: Send + Sync {
    /// By which the connection can be cut.
    fn socket(&self) -> &Arc<Socket>;

    /// Whether what it sends and nobody takes keeps others from being read that share its connection.
    fn holds_others_back(&self) -> bool {
        false
    }

    /// Closes the connection once the target has taken what was sent to it, or after a few seconds. Must run inside the
    /// runtime.
    fn close_gently(self: Box<Self>);
}

impl Reached {
    /// A target whose side is `end`, for as long as `connection` is kept.
    pub(crate) fn new(end: End, connection: Box<dyn Connected>) -> Self {
        Self { end, connection }
    }

    /// By which the connection can be cut.
    pub(crate) fn socket(&self) -> &Arc<Socket> {
        self.connection.socket()
    }

    /// Its side, and what keeps its connection.
    pub(super) fn parts(&mut self) -> (&mut End, &dyn Connected) {
        (&mut self.end, &*self.connection)
    }

    /// Leaves the target.
    pub(crate) fn leave(self) {
        // Its side first: what it still sends is not waited for.
        drop(self.end);
        self.connection.close_gently();
    }
}

/// Why a channel ended that the target took and did not start, as it is on record.
pub(crate) const REFUSED_START: &str = "the target refused to start it";
/// The same of one whose target went away.
pub(crate) const TARGET_LOST: &str = "the connection to the target broke";

/// Why no connection to the target came about. Whose doing it is stands in the name; `text_id` is what the technician
/// reads, in words that reveal nothing about the target's address or credential.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// The name of the destination has no address.
    #[error("the target's name cannot be resolved: {0}")]
    Unresolved(std::io::Error),
    /// Nothing listens there, or a firewall says no.
    #[error("the target refuses connections: {0}")]
    Refused(std::io::Error),
    /// Nothing answers within the time allowed.
    #[error("the target does not answer within {} s", .0.as_secs())]
    Silent(Duration),
    /// The target proves another key than the pinned ones.
    #[error("the target's host key is {got}, pinned: {}", .pinned.join(", "))]
    HostKey {
        /// Fingerprint that the target presented.
        got: String,
        /// Fingerprints in the client's document.
        pinned: Vec<String>,
    },
    /// The handshake failed.
    #[error("the target does not speak SSH as agreed: {0}")]
    Handshake(String),
    /// No credential is set for this account.
    #[error(
        "no credential is set for this account; ask the administrator to run `ecluse credential set`"
    )]
    NoCredential,
    /// The stored credential cannot be used.
    #[error("the credential of this account cannot be used: {0}")]
    BadCredential(String),
    /// The target refuses the gateway's credential.
    #[error("the target refuses the credential of this account")]
    Authentication,
    /// The target logs on but opens no channel.
    #[error("the target opens no channel: {0}")]
    Channel(String),
    /// The target does not reach the place of a forward.
    #[error("the target does not reach {0}")]
    Unreachable(String),
    /// The target's SSH server lets nothing be forwarded there.
    #[error("the target's SSH server forbids a forward to {0}")]
    Prohibited(String),
    /// The place of a forward is the gateway itself, as the target sees it.
    #[error("{0} is a door of the gateway")]
    OwnDoor(String),
    /// Another forward of the session had failed so, while this one waited for it.
    #[error("{0}")]
    Before(String, &'static str),
    /// The connection broke before anything was started.
    #[error("the target's connection broke before anything was started")]
    Lost,
}

impl ConnectError {
    /// The message for the technician.
    pub(crate) fn text_id(&self) -> &'static str {
        match self {
            Self::Unresolved(_) => "target-unresolved",
            Self::Refused(_) => "target-down",
            Self::Silent(_) => "target-silent",
            Self::HostKey { .. } => "target-host-key",
            Self::Handshake(_) => "target-handshake",
            Self::NoCredential => "target-no-credential",
            Self::BadCredential(_) => "target-bad-credential",
            Self::Authentication => "target-authentication",
            Self::Channel(_) => "target-channel",
            Self::Unreachable(_) => "forward-unreachable",
            Self::Prohibited(_) => "forward-prohibited",
            Self::OwnDoor(_) => "forward-own-door",
            Self::Before(_, text_id) => text_id,
            Self::Lost => "target-lost",
        }
    }

    /// The same of whoever waited for it.
    pub(crate) fn once_more(&self) -> Self {
        let text_id = match self {
            // What it showed is told once.
            Self::HostKey { .. } => "target-lost",
            Self::Unresolved(_)
            | Self::Refused(_)
            | Self::Silent(_)
            | Self::Handshake(_)
            | Self::NoCredential
            | Self::BadCredential(_)
            | Self::Authentication
            | Self::Channel(_)
            | Self::Unreachable(_)
            | Self::Prohibited(_)
            | Self::OwnDoor(_)
            | Self::Before(..)
            | Self::Lost => self.text_id(),
        };
        Self::Before(self.to_string(), text_id)
    }
}

/// Longest greeting that is kept, in bytes.
const LONGEST_GREETING: usize = 4 << 10;

/// What a target says before it lets anybody in (`SSH_MSG_USERAUTH_BANNER`, RFC 4252 §5.4), made harmless: RFC 4252 asks
/// that nothing in it acts on a terminal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Greeting(Arc<Mutex<String>>);

impl Greeting {
    /// What was said so far, in whole lines.
    pub(crate) fn heard(&self) -> Option<String> {
        let said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (!said.is_empty()).then(|| said.clone())
    }

    /// A banner arrived; there may be several.
    pub(crate) fn hear(&self, banner: &str) {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for line in banner.lines() {
            let line = ecluse_recordings::neutralise(line.trim_end_matches('\r'));
            if said.len() + line.len() >= LONGEST_GREETING {
                return;
            }
            said.push_str(&line);
            said.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_is_lines_that_act_on_nothing_and_bounded() {
        let greeting = Greeting::default();
        assert_eq!(greeting.heard(), None);
        greeting.hear("Réservé.\r\n\x1b[2Jpatience\r\n");
        greeting.hear("encore");
        let heard = greeting.heard().unwrap();
        assert!(heard.starts_with("Réservé.\n"), "{heard:?}");
        assert!(
            heard.ends_with("encore\n") && !heard.contains('\x1b'),
            "{heard:?}"
        );
        for _ in 0..1000 {
            greeting.hear(&"x".repeat(100));
        }
        assert!(greeting.heard().unwrap().len() <= LONGEST_GREETING);
    }
}
