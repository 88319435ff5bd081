//! Yes, less, no, and no longer, in words (I2).
//!
//! One gesture each. What was granted is printed beside what was asked, so that the operator reads what they said.

use ecluse_policy::PersonId;
use ecluse_policy::intervention::Intervention;

use crate::clock;
use crate::deeds::answers::{self, Approve, Refuse, Refused, Withdraw};
use crate::deeds::{Undone, Wants};
use crate::faces::lobby::commands::Command;
use crate::faces::lobby::desk::{Desk, Trouble, status};
use crate::faces::lobby::{grammar, shown, step_up, technician};
use crate::terminal::Line;

/// Longest reason of an operator, in characters.
const LONGEST_REASON: usize = 1000;

/// `approve`; asks for a code where one is wanted.
pub(crate) async fn approve(
    desk: &mut Desk<'_>,
    command: &Command,
    words: &[String],
) -> Result<u32, Trouble> {
    let ask: Approve = grammar::parse(words)?;
    let mut done = answers::approve(desk.gateway, desk.visitor, ask.clone()).await;
    if let Err(Undone::Wants(Wants::Code(refusal))) = &done {
        if let Some(status) = step_up::code(desk, command, words, refusal).await? {
            return Ok(status);
        }
        done = answers::approve(desk.gateway, desk.visitor, ask).await;
    }
    tell_approval(desk, &done?.intervention).await?;
    Ok(status::DONE)
}

async fn tell_approval(desk: &mut Desk<'_>, intervention: &Intervention) -> Result<(), Trouble> {
    let request = intervention.request();
    let number = request.number.to_string();
    let documents = &desk.applied().documents;
    // What is granted already may want one more yes while the posture is heightened; and what is in use may be said yes to.
    let wants_more = intervention.yeses_wanted(documents, clock::now()).is_some();
    let Some(granted) = intervention.granted().filter(|_| !wants_more) else {
        return Ok(desk
            .line("operator-approved-partly", &[("number", number.into())])
            .await?);
    };
    let args = [
        ("number", number.into()),
        ("person", request.person.as_str().into()),
        ("targets", shown::names(&granted.scope.targets).into()),
    ];
    desk.line("operator-approved", &args).await?;
    let compared = shown::compared(&desk.gateway.texts, desk.lang(), request, granted);
    let mut fields: Vec<(String, String)> = Vec::new();
    for part in compared {
        let value = if part.is_less() {
            format!("{} → {}", part.asked, desk.terminal.bold(&part.granted))
        } else {
            part.granted
        };
        fields.push((desk.say(part.part.label_id(), &[]), value));
    }
    fields.push((desk.say("field-code", &[]), request.code()));
    desk.terminal.fields(&fields).await?;
    technician::tell_accompanied(desk, intervention).await?;
    technician::tell_short_hours(desk, intervention).await?;
    desk.line(
        "operator-technician-told",
        &[("person", request.person.as_str().into())],
    )
    .await?;
    Ok(())
}

/// `refuse`; asks for the reason where there is a prompt.
pub(crate) async fn refuse(desk: &mut Desk<'_>, words: &[String]) -> Result<u32, Trouble> {
    let mut ask: Refuse = grammar::parse(words)?;
    let mut done = answers::refuse(desk.gateway, desk.visitor, ask.clone()).await;
    if let Err(Undone::Wants(Wants::Reason(person))) = &done
        && let Some(reason) = why(desk, person).await?
    {
        ask.reason = Some(reason);
        done = answers::refuse(desk.gateway, desk.visitor, ask).await;
    }
    let Refused {
        intervention,
        reason,
    } = done?;
    let request = intervention.request();
    let args = [
        ("number", request.number.to_string().into()),
        ("person", request.person.as_str().into()),
        ("reason", reason.into()),
    ];
    desk.line("operator-refused", &args).await?;
    Ok(status::DONE)
}

/// A reason that is asked for, where there is a prompt.
async fn why(desk: &mut Desk<'_>, person: &PersonId) -> Result<Option<String>, Trouble> {
    if !desk.interactive {
        return Ok(None);
    }
    desk.line("operator-refuse-why", &[("person", person.as_str().into())])
        .await?;
    match desk.terminal.read_line("> ", LONGEST_REASON, None).await? {
        Line::Text(text) => Ok(Some(text)),
        Line::Interrupted | Line::End => Ok(None),
    }
}

/// `withdraw`; asks for the reason where there is a prompt.
pub(crate) async fn withdraw(desk: &mut Desk<'_>, words: &[String]) -> Result<u32, Trouble> {
    let mut ask: Withdraw = grammar::parse(words)?;
    let mut done = answers::withdraw(desk.gateway, desk.visitor, ask.clone()).await;
    if let Err(Undone::Wants(Wants::Reason(person))) = &done
        && let Some(reason) = why(desk, person).await?
    {
        ask.reason = Some(reason);
        done = answers::withdraw(desk.gateway, desk.visitor, ask).await;
    }
    let done = done?;
    let number = done.intervention.number().to_string();
    let args = [("number", number.into()), ("count", done.sessions.into())];
    desk.line("operator-withdrawn", &args).await?;
    Ok(status::DONE)
}
