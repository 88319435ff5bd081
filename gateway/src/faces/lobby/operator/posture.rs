//! Heightened posture, in words (P6).

use ecluse_policy::{Missing, Role};

use crate::clock;
use crate::deeds::posture::{self, Done, Ends, Means, Posture, Stands};
use crate::deeds::{Undone, Wants};
use crate::faces::lobby::commands::Command;
use crate::faces::lobby::desk::{Desk, Trouble, status};
use crate::faces::lobby::{grammar, shown, step_up};
use crate::terminal::Line;
use crate::texts::{amounts, parts, times, told};

/// Longest reason of an operator, in characters.
const LONGEST_REASON: usize = 1000;
/// How far what follows the first line stands in.
const INDENT: usize = 4;

/// `posture`; asks for the reason where there is a prompt, and for a code where one is wanted.
pub(crate) async fn posture(
    desk: &mut Desk<'_>,
    command: &Command,
    words: &[String],
) -> Result<u32, Trouble> {
    let mut ask: Posture = grammar::parse(words)?;
    let mut done = posture::posture(desk.gateway, desk.visitor, ask.clone()).await;
    if let Err(Undone::Wants(Wants::Code(refusal))) = &done {
        if let Some(status) = step_up::code(desk, command, words, refusal).await? {
            return Ok(status);
        }
        done = posture::posture(desk.gateway, desk.visitor, ask).await;
    } else if let Err(Undone::Wants(Wants::Why)) = &done
        && let Some(reason) = why(desk).await?
    {
        ask.reason = Some(reason);
        done = posture::posture(desk.gateway, desk.visitor, ask).await;
    }
    match done? {
        Done::Told(stands) => tell(desk, &stands).await?,
        Done::Before(stands) => {
            desk.line("posture-before", &[]).await?;
            tell(desk, &stands).await?;
        }
        Done::Heightened { stands, ends } => {
            tell(desk, &stands).await?;
            if ends.is_empty() {
                desk.line("posture-ends-nothing", &[]).await?;
            }
            for one in &ends {
                let line = ending(desk, one, &stands.means);
                desk.terminal.hanging(&line, INDENT).await?;
            }
        }
        Done::Back(0) => desk.line("posture-back", &[]).await?,
        Done::Back(wanting) => {
            let args = [("wanting", u64::from(wanting).into())];
            desk.line("posture-back-wanting", &args).await?;
        }
    }
    Ok(status::DONE)
}

async fn why(desk: &mut Desk<'_>) -> Result<Option<String>, Trouble> {
    if !desk.interactive {
        return Ok(None);
    }
    desk.line("posture-why", &[]).await?;
    match desk.terminal.read_line("> ", LONGEST_REASON, None).await? {
        Line::Text(text) => Ok(Some(text)),
        Line::Interrupted | Line::End => Ok(None),
    }
}

async fn tell(desk: &mut Desk<'_>, stands: &Stands) -> Result<(), Trouble> {
    let line = match &stands.high {
        None if !matches!(desk.visitor.authenticated.role(), Role::Operator { .. }) => {
            desk.say("posture-is-normal-told", &[])
        }
        None => desk.say("posture-is-normal", &[]),
        Some(_) => standing(desk, stands),
    };
    desk.terminal.hanging(&line, INDENT).await?;
    if let Some(high) = &stands.high
        && !high.over.is_empty()
    {
        let args = [("people", shown::names(&high.over).into())];
        desk.line("posture-over-by", &args).await?;
    }
    let line = means(desk, &stands.means);
    desk.terminal.hanging(&line, INDENT).await?;
    if !stands.means.written {
        desk.line("posture-unwritten", &[]).await?;
    }
    Ok(())
}

/// That a client's posture is heightened, since when, by whom and why.
pub(crate) fn standing(desk: &Desk<'_>, stands: &Stands) -> String {
    let Some(high) = &stands.high else {
        return String::new();
    };
    let args = [
        ("client", stands.client.as_str().into()),
        ("by", high.by.as_str().into()),
        ("time", times::moment(high.since, clock::now(), None).into()),
        ("reason", told(&high.reason).into()),
    ];
    desk.say("posture-standing", &args)
}

/// What it means.
pub(crate) fn means(desk: &Desk<'_>, means: &Means) -> String {
    let lang = desk.lang();
    let or_nothing = |all: &[String]| match all.is_empty() {
        true => "–".to_owned(),
        false => all.join(", "),
    };
    let ceilings = means.ceilings.iter();
    let ceilings: Vec<String> = ceilings.map(|it| amounts::in_words(lang, it)).collect();
    let args = [
        ("approvers", u64::from(means.approvers).into()),
        ("length", times::length_in(lang, means.at_most).into()),
        ("refuse", or_nothing(&means.refuse).into()),
        ("ceilings", or_nothing(&ceilings).into()),
        ("warning", times::length_in(lang, means.warning).into()),
        ("back", u64::from(means.normal_by).into()),
    ];
    desk.say("posture-means", &args)
}

/// What it ends of a session, and when.
fn ending(desk: &Desk<'_>, ends: &Ends, means: &Means) -> String {
    let bars = ends.bars.iter().map(|one| match &one.missing {
        Missing::Yes { .. } => {
            let number = ends.intervention;
            let args = [
                ("number", number.to_string().into()),
                ("id", number.0.to_string().into()),
            ];
            desk.say("posture-ends-yes", &args)
        }
        Missing::Line { line } => {
            let id = match ends.there {
                true => "posture-ends-line-there",
                false => "posture-ends-line",
            };
            desk.say(id, &[("line", line.into())])
        }
        Missing::Window { .. } | Missing::Length { .. } | Missing::Bytes { .. } => {
            desk.say("posture-ends-window", &[])
        }
    });
    let bars: Vec<String> = bars.collect();
    let args = [
        ("session", ends.number.to_string().into()),
        ("person", ends.person.as_str().into()),
        ("target", ends.target.as_str().into()),
        ("left", times::countdown(desk.lang(), means.warning).into()),
        ("bars", bars.join(parts::between(desk.lang())).into()),
    ];
    desk.say("posture-ends", &args)
}
