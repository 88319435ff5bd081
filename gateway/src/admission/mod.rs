//! The lobby and the waiting room: where people ask, wait, answer and look, before and beside the passage.
//!
//! It knows terminals, texts, the store and the policy crate, and nothing of SSH. It decides nothing: every
//! step of an intervention is a pure function of policy, asked with a mandate of that moment ([`ecluse_policy::mandate`]),
//! and this room keeps the result with its audit record and says it in the person's language. Read in this order: [`waiting_room`], [`steps`], [`life`],
//! then the commands of technicians ([`lobby`]), of operators ([`crate::operator`]) and of auditors
//! ([`crate::auditor`]).

mod away;
pub(crate) mod commands;
pub(crate) mod desk;
mod doors;
pub mod life;
pub(crate) mod listing;
pub(crate) mod lobby;
mod looks;
pub(crate) mod next;
mod notices;
mod passing;
pub(crate) mod player;
mod prompt;
mod questions;
pub(crate) mod refused;
pub(crate) mod shown;
pub(crate) mod step_up;
pub(crate) mod steps;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod waiting_room;
pub(crate) mod words;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use ecluse_policy::{
    AccountName, Admission, AsAuditor, AsOperator, AsTechnician, Authenticated, CodeOutcome, Lang,
    PersonId, ProvenCode, Refusal, TargetId, Timestamp,
};
use uuid::Uuid;

pub use self::steps::look as admit;
pub(crate) use crate::texts::times::parse_length;

use self::desk::{Desk, Trouble, status};
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::gateway::{Applied, Gateway};
use crate::terminal::Terminal;

/// A person inside the gateway, and how they got there.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// Who they proved to be.
    pub authenticated: Authenticated,
    /// From where they connect.
    pub source: SocketAddr,
    /// The address of the gateway that they connected to, for the commands it tells them to type.
    pub door: SocketAddr,
    /// Their terminal, for the audit trail (R4): `ssh 192.0.2.10:53122`.
    pub terminal_name: String,
    /// Their connection.
    pub connection: Uuid,
    /// The last code proven on it, shared by everything that goes on there.
    pub(crate) code: Arc<Mutex<ProvenCode>>,
}

impl Visitor {
    /// Who.
    pub fn person(&self) -> &PersonId {
        self.authenticated.person()
    }

    /// The language they read.
    pub(crate) fn lang(&self) -> Lang {
        self.authenticated.lang()
    }

    /// Their right to act as a technician, as the documents say now (A2).
    pub(crate) fn as_technician<'a>(
        &'a self,
        applied: &'a Applied,
    ) -> Result<AsTechnician<'a>, Refusal> {
        self.authenticated
            .as_technician(&applied.documents, clock::now())
    }

    /// Their right to act as an operator, as the documents say now (A2).
    pub(crate) fn as_operator<'a>(
        &'a self,
        applied: &'a Applied,
    ) -> Result<AsOperator<'a>, Refusal> {
        self.authenticated
            .as_operator(&applied.documents, clock::now())
    }

    /// Their right to act as an auditor, as the documents say now (A2).
    pub(crate) fn as_auditor<'a>(&'a self, applied: &'a Applied) -> Result<AsAuditor<'a>, Refusal> {
        self.authenticated
            .as_auditor(&applied.documents, clock::now())
    }

    /// The last code they proved on this connection.
    pub(crate) fn proven_code(&self) -> ProvenCode {
        *self.code.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another of their codes was looked at on this connection.
    pub(crate) fn code_judged(&self, outcome: CodeOutcome, now: Timestamp) {
        self.code
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .judged(outcome, now);
    }

    /// An audit record of what this person does, from where (R4).
    pub(crate) fn record(&self, kind: AuditKind, now: Timestamp) -> AuditRecord {
        AuditRecord::new(kind, now)
            .person(self.person())
            .station(self.authenticated.station())
            .source(self.source.ip())
            .terminal(&self.terminal_name)
            .detail("connection", self.connection.to_string())
    }

    /// How this person reaches the gateway with `ssh`: `ssh -p 2222 alice@192.0.2.1`.
    pub(crate) fn ssh(&self, target: Option<(&TargetId, Option<&AccountName>)>) -> String {
        match target {
            None => self.ssh_as(""),
            Some((target, None)) => self.ssh_to(target.as_str()),
            Some((target, Some(account))) => self.ssh_to(&format!("{account}@{target}")),
        }
    }

    /// The same towards something on the gateway, `db01` or `postgres@db01`.
    pub(crate) fn ssh_to(&self, aim: &str) -> String {
        self.ssh_as(&format!("+{aim}"))
    }

    fn ssh_as(&self, aim: &str) -> String {
        let port = if self.door.port() == 22 {
            String::new()
        } else {
            format!("-p {} ", self.door.port())
        };
        // A listener on :: shows an IPv4 client's own way to it as ::ffff:a.b.c.d.
        format!(
            "ssh {port}{}{aim}@{}",
            self.person(),
            self.door.ip().to_canonical()
        )
    }
}

/// A technician did not get to the target; the exit status for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Leave {
    /// Exit status.
    pub status: u32,
}

/// The waiting room: asks, waits, and returns with the client's yes, or not at all.
///
/// Everything was said on the terminal. A shell request without a pty belongs to [`refuse_without_terminal`].
///
/// # Errors
/// [`Leave`] when the person left, was refused, or could not be admitted.
pub async fn wait_for_approval(
    terminal: &mut Terminal,
    gateway: &Arc<Gateway>,
    visitor: &Visitor,
    target: &TargetId,
    account: Option<&AccountName>,
) -> Result<Admission, Leave> {
    let mut desk = Desk {
        terminal,
        gateway,
        visitor,
        interactive: false,
        alerted: BTreeSet::new(),
    };
    let told = match waiting_room::enter(&mut desk, target, account).await {
        Ok(waiting_room::Exit::Admitted(admission)) => return Ok(*admission),
        Ok(waiting_room::Exit::Goodbye) => Ok(()),
        Err(trouble) => tell(&mut desk, trouble).await,
    };
    // Whether the last words arrived changes nothing.
    let _ = told;
    Err(Leave {
        status: status::NOT_ADMITTED,
    })
}

/// Says on standard error why nothing passes, with the exact command that asks for it. The exit status is 254.
pub async fn refuse_without_terminal(
    terminal: &mut Terminal,
    gateway: &Arc<Gateway>,
    visitor: &Visitor,
    target: &TargetId,
    account: Option<&AccountName>,
    refusal: &Refusal,
) -> Leave {
    let mut desk = Desk {
        terminal,
        gateway,
        visitor,
        interactive: false,
        alerted: BTreeSet::new(),
    };
    if let Err(trouble) = away::send_away(&mut desk, target, account, refusal).await {
        let _ = tell(&mut desk, trouble).await;
    }
    Leave {
        status: status::NOT_ADMITTED,
    }
}

/// The lobby, and the commands of operators and auditors: one command, or a prompt when there is none.
/// Returns the exit status.
pub async fn run(
    terminal: &mut Terminal,
    gateway: &Arc<Gateway>,
    visitor: &Visitor,
    command: Option<&str>,
) -> u32 {
    let mut desk = Desk {
        terminal,
        gateway,
        visitor,
        interactive: command.is_none(),
        alerted: BTreeSet::new(),
    };
    let done = match command {
        Some(line) => commands::once(&mut desk, line).await,
        None => prompt::prompt(&mut desk).await,
    };
    match done {
        Ok(status) => status,
        Err(trouble) => {
            let _ = tell(&mut desk, trouble).await;
            status::PROBLEM
        }
    }
}

async fn tell(desk: &mut Desk<'_>, trouble: Trouble) -> Result<(), Trouble> {
    match trouble {
        Trouble::Left(_) => {}
        Trouble::Store(error) => {
            tracing::warn!(%error, "a dialogue ended: the store failed");
            desk.problem(
                "common-store-failed",
                &[(
                    "problem",
                    desk.gateway.texts.store(desk.lang(), &error).into(),
                )],
            )
            .await?;
        }
    }
    Ok(())
}
