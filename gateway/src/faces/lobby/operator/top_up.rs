//! What an operator adds to the budgets of a session, in words (X3).

use super::hands::{tell_alone, tell_where};
use crate::deeds::top_up::{self, TopUp, ToppedUp};
use crate::deeds::{Undone, Wants};
use crate::faces::lobby::commands::Command;
use crate::faces::lobby::desk::{Desk, Trouble, status};
use crate::faces::lobby::{grammar, step_up};
use crate::texts::amounts;

/// `topup`; asks for a code where one is wanted.
pub(crate) async fn top_up(
    desk: &mut Desk<'_>,
    command: &Command,
    words: &[String],
) -> Result<u32, Trouble> {
    let ask: TopUp = grammar::parse(words)?;
    let mut done = top_up::top_up(desk.gateway, desk.visitor, ask.clone()).await;
    if let Err(Undone::Wants(Wants::Code(refusal))) = &done {
        if let Some(status) = step_up::code(desk, command, words, refusal).await? {
            return Ok(status);
        }
        done = top_up::top_up(desk.gateway, desk.visitor, ask.clone()).await;
    }
    tell(desk, &ask, &done?).await
}

async fn tell(desk: &mut Desk<'_>, ask: &TopUp, done: &ToppedUp) -> Result<u32, Trouble> {
    let lang = desk.lang();
    let args = [
        ("session", done.at.number.to_string().into()),
        ("person", done.at.person.as_str().into()),
        ("bytes", amounts::size(lang, ask.bytes.0.as_u64()).into()),
        ("up", if ask.up { "yes" } else { "no" }.into()),
    ];
    if done.added.is_empty() {
        desk.line("operator-topped-up-nothing", &args).await?;
    } else {
        desk.line("operator-topped-up", &args).await?;
    }
    for added in &done.added {
        let args = [
            ("key", desk.gateway.texts.budget(lang, &added.budget).into()),
            ("more", amounts::size(lang, added.more).into()),
            ("limit", amounts::size(lang, added.limit).into()),
        ];
        desk.line("operator-topped-up-by", &args).await?;
    }
    if let Some(left) = done.gateway_leaves {
        let args = [("left", amounts::size(lang, left).into())];
        desk.line("operator-topped-up-gateway", &args).await?;
    }
    if let Some(by) = &done.at.held_by {
        let args = [
            ("session", done.at.number.to_string().into()),
            ("by", super::hands::by_in_words(desk, by).into()),
        ];
        desk.line("operator-topped-up-held", &args).await?;
    }
    tell_alone(desk, &done.at).await?;
    match done.added.is_empty() {
        true => Ok(status::DONE),
        false => tell_where(desk, &done.at).await,
    }
}
