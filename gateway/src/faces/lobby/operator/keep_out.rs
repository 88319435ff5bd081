//! What a client keeps out, in words (I5, I8).

use ecluse_policy::Kept;

use crate::clock;
use crate::deeds::keep_out::{self, Done, KeepOut, KeptOut};
use crate::deeds::{Undone, Wants};
use crate::faces::lobby::commands::Command;
use crate::faces::lobby::desk::{Desk, Trouble, status};
use crate::faces::lobby::words::Misuse;
use crate::faces::lobby::{grammar, step_up};
use crate::terminal::Line;
use crate::texts::{times, told};

/// Longest reason of an operator, in characters.
const LONGEST_REASON: usize = 1000;
/// How far what follows the first line stands in.
const INDENT: usize = 4;

/// `keep-out`; asks for the reason where there is a prompt, and for a code where one is wanted.
pub(crate) async fn keep_out(
    desk: &mut Desk<'_>,
    command: &Command,
    words: &[String],
) -> Result<u32, Trouble> {
    let mut ask: KeepOut = grammar::parse(words)?;
    if ask.what.is_none() && !words.is_empty() {
        return Err(Misuse::Missing("usage-no-kept").into());
    }
    let mut done = keep_out::keep_out(desk.gateway, desk.visitor, ask.clone()).await;
    if let Err(Undone::Wants(Wants::Code(refusal))) = &done {
        if let Some(status) = step_up::code(desk, command, words, refusal).await? {
            return Ok(status);
        }
        done = keep_out::keep_out(desk.gateway, desk.visitor, ask).await;
    } else if let Err(Undone::Wants(Wants::Why)) = &done
        && let Some(reason) = why(desk).await?
    {
        ask.reason = Some(reason);
        done = keep_out::keep_out(desk.gateway, desk.visitor, ask).await;
    }
    match done? {
        Done::Listed(all) => list(desk, &all).await?,
        Done::KeptOut {
            kept,
            before,
            sessions,
        } => {
            for one in &before {
                let line = line(desk, "keep-out-before", one);
                desk.terminal.hanging(&line, INDENT).await?;
            }
            for one in &kept {
                let args = [
                    ("what", named(desk, one).into()),
                    ("name", one.name().into()),
                ];
                desk.line("keep-out-done", &args).await?;
            }
            if !kept.is_empty() {
                desk.line("keep-out-ended", &[("count", sessions.into())])
                    .await?;
            }
        }
        Done::Lifted(kept) => {
            for one in &kept {
                desk.line("keep-out-lifted", &[("what", named(desk, one).into())])
                    .await?;
            }
        }
    }
    Ok(status::DONE)
}

async fn why(desk: &mut Desk<'_>) -> Result<Option<String>, Trouble> {
    if !desk.interactive {
        return Ok(None);
    }
    desk.line("keep-out-why", &[]).await?;
    match desk.terminal.read_line("> ", LONGEST_REASON, None).await? {
        Line::Text(text) => Ok(Some(text)),
        Line::Interrupted | Line::End => Ok(None),
    }
}

async fn list(desk: &mut Desk<'_>, all: &[KeptOut]) -> Result<(), Trouble> {
    if all.is_empty() {
        desk.line("keep-out-nothing", &[]).await?;
    }
    for one in all {
        let line = line(desk, "keep-out-line", one);
        desk.terminal.hanging(&line, INDENT).await?;
    }
    Ok(())
}

fn line(desk: &Desk<'_>, id: &str, one: &KeptOut) -> String {
    let args = [
        ("what", named(desk, &one.kept).into()),
        ("by", one.by.as_str().into()),
        ("time", times::moment(one.at, clock::now(), None).into()),
        ("reason", told(&one.reason).into()),
    ];
    desk.say(id, &args)
}

/// What is kept out, in words.
pub(crate) fn named(desk: &Desk<'_>, kept: &Kept) -> String {
    let id = match kept {
        Kept::Person(_) => "kept-person",
        Kept::Station(_) => "kept-station",
        Kept::Target(_) => "kept-target",
        Kept::All => "kept-all",
    };
    desk.say(id, &[("name", kept.name().into())])
}
