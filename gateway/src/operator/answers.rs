//! Yes, less, no, and no longer: what an operator says to an intervention (I2).
//!
//! One gesture each. What was granted is printed beside what was asked, so that the operator reads what
//! they said; policy makes sure that it is never more.

use std::collections::BTreeSet;

use ecluse_policy::intervention::{Intervention, State};
use ecluse_policy::{AccountName, AsOperator, InterventionNumber, NameError, Narrowing, TargetId};

use super::{elsewhere, requests};
use crate::admission::commands::Command;
use crate::admission::desk::{Desk, Trouble, arguments, status};
use crate::admission::refused::refused;
use crate::admission::words::{Misuse, Takes};
use crate::admission::{lobby, parse_length, shown, step_up, steps};
use crate::terminal::Line;

const APPROVE: Takes = Takes {
    values: &["for", "only", "target", "account"],
    sentences: &[],
    switches: &[],
};
const REASON: Takes = Takes {
    values: &[],
    sentences: &["reason"],
    switches: &[],
};
/// Longest reason of an operator, in characters.
const LONGEST_REASON: usize = 1000;

/// `approve ID [--for D] [--only FAMILY] [--target T] [--account A]`
pub(crate) async fn approve(
    desk: &mut Desk<'_>,
    by: &AsOperator<'_>,
    command: &Command,
    words: &[String],
) -> Result<u32, Trouble> {
    let (number, narrowing) = match written_approval(words) {
        Ok(written) => written,
        Err(misuse) => return desk.misused(command, &misuse).await,
    };
    let intervention = match requests::find(desk, by, command, number).await? {
        Ok(intervention) => intervention,
        Err(status) => return Ok(status),
    };
    // Before a code is typed and used up for nothing.
    if let Err(refusal) = intervention.awaits(by, &narrowing) {
        return desk.refused(&refusal).await;
    }
    if let Err(refusal) = by.to_widen(&desk.visitor.proven_code())
        && let Some(status) = step_up::code(desk, command, words, &refusal).await?
    {
        return Ok(status);
    }
    // A code may take a while to type: the right is asked again.
    let applied = desk.applied();
    let code = desk.visitor.proven_code();
    let by = match desk.visitor.as_operator(&applied) {
        Ok(by) => by,
        Err(refusal) => return desk.refused(&refusal).await,
    };
    let by = match by.to_widen(&code) {
        Ok(by) => by,
        Err(refusal) => return desk.refused(&refusal).await,
    };
    match steps::approve(
        desk.gateway,
        desk.visitor,
        &applied,
        &by,
        &intervention,
        &narrowing,
    )
    .await?
    {
        Ok(intervention) => {
            tell_approval(desk, &intervention).await?;
            Ok(status::DONE)
        }
        Err(refusal) => desk.refused(&refusal).await,
    }
}

fn written_approval(words: &[String]) -> Result<(InterventionNumber, Narrowing), Misuse> {
    let given = arguments(words, APPROVE, 1)?;
    let number = requests::number(&given.words)?;
    let length = match given.one("for")? {
        None => None,
        Some(typed) => {
            Some(parse_length(typed).ok_or_else(|| Misuse::LengthUnclear(typed.to_owned()))?)
        }
    };
    let narrowing = Narrowing {
        length,
        families: lobby::families(given.all("only"))?,
        targets: names(given.all("target"), TargetId::typed)?,
        accounts: names(given.all("account"), AccountName::parse)?,
    };
    Ok((number, narrowing))
}

fn names<T: Ord>(
    typed: &[String],
    parse: fn(&str) -> Result<T, NameError>,
) -> Result<Option<BTreeSet<T>>, Misuse> {
    if typed.is_empty() {
        return Ok(None);
    }
    let words = typed
        .iter()
        .flat_map(|word| word.split([',', ' ']))
        .filter(|word| !word.is_empty());
    words
        .map(|word| parse(word).map_err(|_| Misuse::NameUnclear(word.to_owned())))
        .collect::<Result<_, _>>()
        .map(Some)
}

async fn tell_approval(desk: &mut Desk<'_>, intervention: &Intervention) -> Result<(), Trouble> {
    let request = intervention.request();
    let number = request.number.to_string();
    let State::Approved { granted } = intervention.state() else {
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
    desk.line(
        "operator-technician-told",
        &[("person", request.person.as_str().into())],
    )
    .await?;
    Ok(())
}

/// `refuse ID --reason …`; asks for the reason where there is a prompt.
pub(crate) async fn refuse(
    desk: &mut Desk<'_>,
    by: &AsOperator<'_>,
    command: &Command,
    words: &[String],
) -> Result<u32, Trouble> {
    let (number, reason) = match with_reason(words) {
        Ok(written) => written,
        Err(misuse) => return desk.misused(command, &misuse).await,
    };
    let intervention = match requests::find(desk, by, command, number).await? {
        Ok(intervention) => intervention,
        Err(status) => return Ok(status),
    };
    if let Err(refusal) = intervention.awaits_refusal(by) {
        return desk.refused(&refusal).await;
    }
    let person = intervention.request().person.to_string();
    let reason = match why(desk, command, reason, &person).await? {
        Ok(reason) => reason,
        Err(status) => return Ok(status),
    };
    // A reason may take a while to type: the right is asked again.
    let applied = desk.applied();
    let by = match desk.visitor.as_operator(&applied) {
        Ok(by) => by,
        Err(refusal) => return refused(desk, command, &refusal).await,
    };
    match steps::refuse(desk.gateway, desk.visitor, &by, &intervention, &reason).await? {
        Ok(_) => {
            let args = [
                ("number", number.to_string().into()),
                ("person", person.into()),
                ("reason", reason.into()),
            ];
            desk.line("operator-refused", &args).await?;
            Ok(status::DONE)
        }
        Err(refusal) => desk.refused(&refusal).await,
    }
}

/// The reason that was written, or one that is asked for at the prompt; else the exit status.
async fn why(
    desk: &mut Desk<'_>,
    command: &Command,
    written: Option<String>,
    person: &str,
) -> Result<Result<String, u32>, Trouble> {
    if let Some(reason) = written {
        return Ok(Ok(reason));
    }
    if desk.interactive {
        desk.line("operator-refuse-why", &[("person", person.into())])
            .await?;
        if let Line::Text(text) = desk.terminal.read_line("> ", LONGEST_REASON, None).await?
            && !text.trim().is_empty()
        {
            return Ok(Ok(text.trim().to_owned()));
        }
    }
    desk.misused(command, &Misuse::Missing("usage-no-reason"))
        .await
        .map(Err)
}

fn with_reason(words: &[String]) -> Result<(InterventionNumber, Option<String>), Misuse> {
    let given = arguments(words, REASON, 1)?;
    let number = requests::number(&given.words)?;
    Ok((
        number,
        given.one("reason")?.map(|reason| reason.trim().to_owned()),
    ))
}

/// `withdraw ID`: ends an approved or open intervention; its sessions end with it.
pub(crate) async fn withdraw(
    desk: &mut Desk<'_>,
    by: &AsOperator<'_>,
    command: &Command,
    words: &[String],
) -> Result<u32, Trouble> {
    let (number, reason) = match with_reason(words) {
        Ok(written) => written,
        Err(misuse) => return desk.misused(command, &misuse).await,
    };
    let intervention = match requests::find(desk, by, command, number).await? {
        Ok(intervention) => intervention,
        Err(status) => return Ok(status),
    };
    // Before a reason is typed for nothing.
    if let Err(refusal) = intervention.awaits_end(by) {
        return desk.refused(&refusal).await;
    }
    let reason = match why(
        desk,
        command,
        reason,
        intervention.request().person.as_str(),
    )
    .await?
    {
        Ok(reason) => reason,
        Err(status) => return Ok(status),
    };
    // A reason may take a while to type: the right is asked again.
    let applied = desk.applied();
    let by = match desk.visitor.as_operator(&applied) {
        Ok(by) => by,
        Err(refusal) => return refused(desk, command, &refusal).await,
    };
    let live = desk.gateway.live.list(&by);
    let here = live
        .iter()
        .filter(|session| session.facts().intervention == intervention.id());
    let count = here.count() + elsewhere::count(desk, &by, intervention.id()).await;
    match steps::withdraw(desk.gateway, desk.visitor, &by, &intervention, &reason).await? {
        Ok(_) => {
            let args = [
                ("number", number.to_string().into()),
                ("count", count.into()),
            ];
            desk.line("operator-withdrawn", &args).await?;
            Ok(status::DONE)
        }
        Err(refusal) => desk.refused(&refusal).await,
    }
}
