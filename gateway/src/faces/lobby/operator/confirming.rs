//! What waits for an operator's yes, and what they say to it, in words.

use super::hands::tell_where;
use crate::clock;
use crate::deeds::confirming::{self, Confirm, Confirmed, Deny};
use crate::deeds::typed::Nth;
use crate::deeds::{Undone, Wants};
use crate::faces::lobby::commands::Command;
use crate::faces::lobby::desk::{Desk, Trouble, status};
use crate::faces::lobby::{grammar, step_up};
use crate::texts::times;

/// `confirm`; asks for a code where one is wanted.
pub(crate) async fn confirm(
    desk: &mut Desk<'_>,
    command: &Command,
    words: &[String],
) -> Result<u32, Trouble> {
    let ask: Confirm = grammar::parse(words)?;
    let Some(nth) = ask.waiting else {
        return show(desk).await;
    };
    let mut done = confirming::confirm(desk.gateway, desk.visitor, nth).await;
    if let Err(Undone::Wants(Wants::Code(refusal))) = &done {
        if let Some(status) = step_up::code(desk, command, words, refusal).await? {
            return Ok(status);
        }
        done = confirming::confirm(desk.gateway, desk.visitor, nth).await;
    }
    tell(desk, &done?, true).await
}

/// `deny`
pub(crate) async fn deny(desk: &mut Desk<'_>, words: &[String]) -> Result<u32, Trouble> {
    let ask: Deny = grammar::parse(words)?;
    let done = confirming::deny(desk.gateway, desk.visitor, ask).await?;
    tell(desk, &done, false).await
}

async fn show(desk: &mut Desk<'_>) -> Result<u32, Trouble> {
    let all = confirming::waiting(desk.gateway, desk.visitor).await?;
    if all.is_empty() {
        desk.line("confirm-none-waits", &[]).await?;
    }
    let now = clock::now();
    for one in &all {
        let args = [
            ("nth", one.nth.to_string().into()),
            ("what", one.what.as_str().into()),
            ("person", one.person.as_str().into()),
            ("target", one.target.as_str().into()),
            ("until", times::moment(one.until, now, None).into()),
        ];
        desk.line("confirm-waits", &args).await?;
    }
    Ok(status::DONE)
}

async fn tell(desk: &mut Desk<'_>, done: &Confirmed, yes: bool) -> Result<u32, Trouble> {
    let Nth { session, .. } = done.nth;
    let by = done.by.as_ref().map(ToString::to_string);
    let args = [
        ("nth", done.nth.to_string().into()),
        ("what", done.what.as_str().into()),
        ("person", done.at.person.as_str().into()),
        ("session", session.to_string().into()),
        ("by", by.clone().unwrap_or_default().into()),
    ];
    if done.is_new {
        let id = if yes {
            "confirm-said-yes"
        } else {
            "confirm-said-no"
        };
        desk.line(id, &args).await?;
        return tell_where(desk, &done.at).await;
    }
    let id = match (done.is_yes, by) {
        (true, _) => "confirm-was-yes",
        (false, Some(_)) => "confirm-was-no",
        (false, None) => "confirm-was-over",
    };
    desk.problem(id, &args).await
}
