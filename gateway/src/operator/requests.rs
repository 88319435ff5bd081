//! The requests that wait, and the interventions there have been.

use ecluse_policy::intervention::{Intervention, Request};
use ecluse_policy::{AsOperator, InterventionNumber, Lang, entries_behind};

use super::alerts;
use crate::admission::commands::Command;
use crate::admission::desk::{Desk, Trouble, arguments, status};
use crate::admission::refused::not_theirs;
use crate::admission::words::{Misuse, Takes};
use crate::admission::{lobby, shown, steps};
use crate::audit::AuditKind;
use crate::clock;
use crate::gateway::Gateway;
use crate::store::{AuditQuery, InterventionQuery, StateName, StoreError};
use crate::texts::{Texts, times};

/// The requests of the operator's client that wait for an answer, the oldest first.
pub(crate) async fn waiting(
    gateway: &Gateway,
    by: &AsOperator<'_>,
) -> Result<Vec<Intervention>, StoreError> {
    let query = InterventionQuery {
        client: Some(by.client().clone()),
        states: vec![StateName::Requested],
        limit: Some(u32::MAX),
        ..InterventionQuery::default()
    };
    let mut waiting = gateway.store.interventions(&query).await?;
    waiting.reverse();
    Ok(waiting)
}

/// `pending`: the requests that wait; looking at them is seen by the technician.
pub(crate) async fn pending(
    desk: &mut Desk<'_>,
    by: &AsOperator<'_>,
    command: &Command,
    words: &[String],
) -> Result<u32, Trouble> {
    if let Err(misuse) = arguments(words, Takes::NOTHING, 0) {
        return desk.misused(command, &misuse).await;
    }
    alerts::tell(desk, by).await?;
    let waiting = waiting(desk.gateway, by).await?;
    if waiting.is_empty() {
        desk.line("operator-none-pending", &[]).await?;
    }
    for intervention in &waiting {
        // The alert above says why; there is nothing to answer.
        if intervention.is_contradicted() {
            let args = [("number", intervention.number().to_string().into())];
            desk.line("operator-request-not-on-record", &args).await?;
            continue;
        }
        block(desk, intervention).await?;
        // On record after it was shown; a request answered in between is none of our concern.
        let _ = steps::seen(desk.gateway, desk.visitor, by, intervention.id()).await?;
    }
    Ok(status::DONE)
}

/// One request as an operator reads it, with the commands that answer it.
async fn block(desk: &mut Desk<'_>, intervention: &Intervention) -> Result<(), Trouble> {
    let now = clock::now();
    let request = intervention.request();
    let source = asked_from(desk.gateway, request).await?;
    let texts = &desk.gateway.texts;
    let title = format!(
        "{}  {}",
        desk.terminal.bold(&request.number.to_string()),
        who(texts, desk.lang(), request, source.as_deref())
    );
    desk.terminal.hanging(&title, 5).await?;
    let what = [
        ("targets", shown::names(&request.scope.targets).into()),
        ("accounts", shown::names(&request.scope.accounts).into()),
    ];
    let left = times::countdown(desk.lang(), request.answer_due().since(now));
    let how_long = match request.start {
        None => desk.say(
            "operator-request-how-long",
            &[
                (
                    "length",
                    times::length_in(desk.lang(), request.length).into(),
                ),
                ("left", left.into()),
            ],
        ),
        Some(start) => desk.say(
            "operator-request-planned",
            &[
                ("start", times::moment(start, now, None).into()),
                (
                    "length",
                    times::length_in(desk.lang(), request.length).into(),
                ),
                ("left", left.into()),
            ],
        ),
    };
    let id = request.number.0.to_string();
    let mut lines = vec![
        format!("{} · {how_long}", desk.say("operator-request-what", &what)),
        shown::capabilities(texts, desk.lang(), &request.scope.capabilities),
    ];
    let documents = &desk.applied().documents;
    // What a yes is a yes to: with a terminal or not, and whose derogation.
    let behind = entries_behind(documents, &request.person, &request.scope, now);
    lines.extend(behind.iter().filter_map(|(flow, entry)| {
        let terms = shown::entry(texts, desk.lang(), entry, now)?;
        Some(format!("{flow}: {terms}"))
    }));
    lines.push(desk.say("operator-request-reason", &[]));
    for line in lines {
        desk.terminal.hanging(&format!("     {line}"), 2).await?;
    }
    desk.terminal
        .quoted(7, &crate::texts::told(&request.reason))
        .await?;
    let lines = [
        format!(
            "{} {}",
            desk.say("operator-request-code", &[]),
            desk.terminal.bold(&request.code())
        ),
        desk.terminal
            .dim(&desk.say("operator-request-hint", &[("id", id.into())])),
    ];
    for line in lines {
        desk.terminal.line(&format!("     {line}")).await?;
    }
    Ok(())
}

/// From which address a request was made: the technician was shown it, so the operator is.
async fn asked_from(gateway: &Gateway, request: &Request) -> Result<Option<String>, StoreError> {
    let query = AuditQuery {
        intervention: Some(request.id),
        kinds: vec![AuditKind::Request],
        limit: Some(1),
        ..AuditQuery::default()
    };
    let records = gateway.store.audit(&query).await?;
    Ok(records
        .first()
        .and_then(|stored| stored.record.source)
        .map(|source| source.to_string()))
}

fn who(texts: &Texts, lang: Lang, request: &Request, source: Option<&str>) -> String {
    texts.say(
        lang,
        "operator-request-line",
        &[
            ("person", request.person.as_str().into()),
            ("provider", request.provider.as_str().into()),
            (
                "station",
                shown::station(texts, lang, request, source).into(),
            ),
        ],
    )
}

/// The intervention of a number on the operator's client, or the words that there is none.
pub(crate) async fn find(
    desk: &mut Desk<'_>,
    by: &AsOperator<'_>,
    command: &Command,
    number: InterventionNumber,
) -> Result<Result<Intervention, u32>, Trouble> {
    let found = desk.gateway.store.intervention_numbered(number).await?;
    match found.filter(|found| found.request().client == *by.client()) {
        Some(intervention) => Ok(Ok(intervention)),
        None => {
            let typed = number.to_string();
            let args = [
                ("id", typed.as_str().into()),
                ("command", "interventions".into()),
            ];
            not_theirs(desk, command, &typed, "common-no-such-intervention", &args)
                .await
                .map(Err)
        }
    }
}

/// The number in the first word.
pub(crate) fn number(words: &[String]) -> Result<InterventionNumber, Misuse> {
    lobby::intervention_number(words)
}
