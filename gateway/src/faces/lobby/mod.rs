//! The lobby and the waiting room: where people ask, wait, answer and look, before and beside the passage.
//!
//! It knows terminals and texts, and nothing of SSH. It decides nothing and keeps nothing: what people do is a deed
//! ([`crate::deeds`]), which asks policy and puts itself on record; this room reads what they type ([`grammar`]), asks what a
//! deed still wants, and says in their language what came of it. Read in this order: [`waiting_room`], then the
//! commands ([`commands`]): of technicians ([`technician`]), of operators ([`crate::faces::lobby::operator`]), of auditors ([`crate::faces::lobby::auditor`]).

mod accompanied;
pub mod auditor;
mod away;
pub(crate) mod commands;
mod confirmed;
pub(crate) mod desk;
mod doors;
mod gauges;
pub(crate) mod grammar;
pub(crate) mod listing;
pub(crate) mod next;
mod notices;
pub mod operator;
mod passing;
pub(crate) mod player;
mod prompt;
mod questions;
pub(crate) mod shown;
mod standing;
pub(crate) mod step_up;
pub(crate) mod technician;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub(crate) mod unshown;
mod waiting_room;
pub(crate) mod words;

use std::collections::BTreeSet;
use std::sync::Arc;

use ecluse_policy::{AccountName, Admission, Refusal, TargetId};

pub(crate) use crate::texts::times::parse_length;

use self::desk::{Desk, Trouble, status};
use crate::actor::Actor;
use crate::gateway::Gateway;
use crate::terminal::Terminal;

/// A technician did not get to the target; the exit status for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Leave {
    /// Exit status.
    pub status: u32,
    /// Whether they left by themselves, before there was an answer.
    pub before_answer: bool,
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
    visitor: &Actor,
    target: &TargetId,
    account: Option<&AccountName>,
) -> Result<Admission, Leave> {
    let mut desk = Desk {
        terminal,
        gateway,
        visitor,
        interactive: false,
        alerted: BTreeSet::new(),
        looked_in: false,
    };
    let told = match waiting_room::enter(&mut desk, target, account).await {
        Ok(waiting_room::Exit::Admitted(admission)) => return Ok(*admission),
        Ok(exit @ (waiting_room::Exit::Left | waiting_room::Exit::Goodbye)) => {
            (Ok(()), matches!(exit, waiting_room::Exit::Left))
        }
        Err(trouble) => {
            let before_answer = matches!(trouble, Trouble::Left(_));
            (tell(&mut desk, trouble).await, before_answer)
        }
    };
    // Whether the last words arrived changes nothing.
    let (_, before_answer) = told;
    Err(Leave {
        status: status::NOT_ADMITTED,
        before_answer,
    })
}

/// Says on standard error why nothing passes, with the exact command that asks for it. The exit status is 254.
pub async fn refuse_without_terminal(
    terminal: &mut Terminal,
    gateway: &Arc<Gateway>,
    visitor: &Actor,
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
        looked_in: false,
    };
    if let Err(trouble) = away::send_away(&mut desk, target, account, refusal).await {
        let _ = tell(&mut desk, trouble).await;
    }
    Leave {
        status: status::NOT_ADMITTED,
        before_answer: false,
    }
}

/// The lobby, and the commands of operators and auditors: one command, or a prompt when there is none.
/// Returns the exit status.
pub async fn run(
    terminal: &mut Terminal,
    gateway: &Arc<Gateway>,
    visitor: &Actor,
    command: Option<&str>,
) -> u32 {
    let mut desk = Desk {
        terminal,
        gateway,
        visitor,
        interactive: command.is_none(),
        alerted: BTreeSet::new(),
        looked_in: false,
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
        Trouble::Undone(undone) => {
            // A dialogue beside commands, such as the waiting room's.
            desk.undone(undone).await?;
        }
        // Of a command alone, which tells it.
        Trouble::Misused(_) => {}
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
