//! A code in the middle of a dialogue: for acts that give somebody more than they had (a yes, masked input in clear).
//!
//! The deed says that it wants one; this asks for it, on the channel's terminal and without showing it.

use ecluse_policy::{CodeOutcome, Refusal};

use super::commands::Command;
use super::desk::{Desk, Trouble, status};
use super::words;
use crate::clock;
use crate::deeds::{cannot_ask, code};
use crate::terminal::{Line, Prompt};

/// Codes that may be tried for one act.
const TRIES: usize = 3;
/// Longest code that is read, in characters.
const LONGEST_CODE: usize = 64;

/// Asks for the code that policy wants for `command`; `None` once one is proven, else the exit status, everything said.
///
/// Any other refusal is said as it is. Without a terminal nothing is asked: the person is told how to get one.
pub(crate) async fn code(
    desk: &mut Desk<'_>,
    command: &Command,
    words: &[String],
    refusal: &Refusal,
) -> Result<Option<u32>, Trouble> {
    let Refusal::CodeWanted { .. } = refusal else {
        return desk.refused(refusal).await.map(Some);
    };
    if desk.terminal.size().is_none() {
        return without_terminal(desk, command, words, refusal)
            .await
            .map(Some);
    }
    let why = desk
        .gateway
        .texts
        .refusal(desk.lang(), refusal, clock::now());
    desk.terminal.line(&why).await?;
    let label = desk.say("login-code", &[]);
    for _ in 0..TRIES {
        let prompt = Prompt::hidden(&label, LONGEST_CODE);
        let typed = match desk.terminal.ask(prompt, None).await? {
            Line::Text(typed) if !typed.trim().is_empty() => typed,
            Line::Text(_) | Line::Interrupted | Line::End => break,
        };
        let words = match code::prove(desk.gateway, desk.visitor, command.name, &typed).await? {
            CodeOutcome::Accepted => return Ok(None),
            CodeOutcome::Again => "step-up-again",
            CodeOutcome::Empty | CodeOutcome::Shapeless => "login-code-shape",
            CodeOutcome::Wrong | CodeOutcome::Replayed | CodeOutcome::NotEnrolled => {
                "step-up-wrong"
            }
            CodeOutcome::Blocked { until } => {
                let barred = ecluse_policy::Barred::Blocked { until };
                let words = desk
                    .gateway
                    .texts
                    .barred(desk.lang(), &barred, clock::now());
                desk.terminal.err_line(&words).await?;
                return Ok(Some(status::PROBLEM));
            }
        };
        desk.line(words, &[]).await?;
    }
    desk.problem("step-up-given-up", &[]).await.map(Some)
}

/// There is nobody to ask: on record, and told how to be asked.
async fn without_terminal(
    desk: &mut Desk<'_>,
    command: &Command,
    words: &[String],
    refusal: &Refusal,
) -> Result<u32, Trouble> {
    cannot_ask(desk.gateway, desk.visitor, command.name, refusal).await?;
    desk.refused(refusal).await?;
    let ssh = desk.visitor.ssh(None).replacen("ssh ", "ssh -t ", 1);
    let typed = [ssh.as_str(), command.name]
        .into_iter()
        .map(str::to_owned)
        .chain(words.iter().map(|word| words::typed_in_a_shell(word)))
        .collect::<Vec<_>>()
        .join(" ");
    desk.problem("step-up-needs-terminal", &[("command", typed.into())])
        .await
}
