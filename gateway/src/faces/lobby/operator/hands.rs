//! What operators do by hand to a session, in words (X3).

use ecluse_policy::signals::By;

use crate::deeds::hands::{self, Handled, Hold, Resume, Slow};
use crate::deeds::in_passage::AtSession;
use crate::deeds::questions::{self, Question};
use crate::faces::lobby::desk::{Desk, Trouble, status};
use crate::faces::lobby::grammar;
use crate::texts::amounts;

/// `hold`
pub(crate) async fn hold(desk: &mut Desk<'_>, words: &[String]) -> Result<u32, Trouble> {
    let ask: Hold = grammar::parse(words)?;
    let done = hands::hold(desk.gateway, desk.visitor, ask).await?;
    tell_all(desk, &done, |done| match done.is_new {
        true => "operator-held",
        false => "operator-held-already",
    })
    .await
}

/// `ask`
pub(crate) async fn ask(desk: &mut Desk<'_>, words: &[String]) -> Result<u32, Trouble> {
    let ask: Question = grammar::parse(words)?;
    let done = questions::ask(desk.gateway, desk.visitor, ask).await?;
    tell(desk, "operator-asked", &done).await
}

/// `resume`
pub(crate) async fn resume(desk: &mut Desk<'_>, words: &[String]) -> Result<u32, Trouble> {
    let ask: Resume = grammar::parse(words)?;
    let done = hands::resume(desk.gateway, desk.visitor, ask).await?;
    let status = tell_all(desk, &done, |done| match (done.is_new, done.by_budget) {
        (true, Some(true)) => "operator-resumed-budget",
        (true, Some(false) | None) if done.at.is_alone => "operator-resumed-alone",
        (true, Some(false) | None) => "operator-resumed",
        (false, Some(true)) => "operator-not-held-budget",
        (false, Some(false) | None) => "operator-not-held",
    })
    .await?;
    let said = |done: &&Handled| done.is_new && done.by_budget != Some(true);
    for done in done.iter().filter(|done| !said(done)) {
        tell_alone(desk, &done.at).await?;
    }
    Ok(status)
}

/// Tells of each session that was meant.
async fn tell_all(
    desk: &mut Desk<'_>,
    all: &[Handled],
    id: fn(&Handled) -> &'static str,
) -> Result<u32, Trouble> {
    if all.is_empty() {
        desk.line("operator-none-live", &[]).await?;
    }
    let mut worst = status::DONE;
    for done in all {
        worst = worst.max(tell(desk, id(done), done).await?);
    }
    Ok(worst)
}

/// `slow`
pub(crate) async fn slow(desk: &mut Desk<'_>, words: &[String]) -> Result<u32, Trouble> {
    let ask: Slow = grammar::parse(words)?;
    let done = hands::slow(desk.gateway, desk.visitor, ask).await?;
    let id = match (done.rate, done.is_new) {
        (Some(_), _) => "operator-slowed",
        (None, true) => "operator-full-speed",
        (None, false) => "operator-not-slowed",
    };
    tell(desk, id, &done).await
}

/// Who holds a session.
pub(super) fn by_in_words(desk: &Desk<'_>, by: &By) -> String {
    desk.gateway.texts.holder(desk.lang(), by)
}

async fn tell(desk: &mut Desk<'_>, id: &str, done: &Handled) -> Result<u32, Trouble> {
    let (lang, held_by) = (desk.lang(), done.at.held_by.as_ref());
    let args = [
        ("session", done.at.number.to_string().into()),
        ("person", done.at.person.as_str().into()),
        (
            "by",
            held_by
                .map_or_else(String::new, |by| by_in_words(desk, by))
                .into(),
        ),
        ("rate", amounts::rate(lang, done.rate.unwrap_or(0)).into()),
    ];
    desk.line(id, &args).await?;
    match done.is_new {
        true => tell_where(desk, &done.at).await,
        false => Ok(status::DONE),
    }
}

/// Says what else a session waits for that an operator lets go on.
pub(super) async fn tell_alone(desk: &mut Desk<'_>, at: &AtSession) -> Result<(), Trouble> {
    if at.is_alone {
        let args = [("session", at.number.to_string().into())];
        desk.line("operator-still-alone", &args).await?;
    }
    Ok(())
}

/// Says which other gateway does it, where one does.
pub(super) async fn tell_where(desk: &mut Desk<'_>, at: &AtSession) -> Result<u32, Trouble> {
    let Some((node, is_heard)) = &at.there else {
        return Ok(status::DONE);
    };
    let node = [("node", node.into())];
    if *is_heard {
        desk.line("operator-hand-there", &node).await?;
        return Ok(status::DONE);
    }
    desk.problem("operator-hand-lost", &node).await
}
