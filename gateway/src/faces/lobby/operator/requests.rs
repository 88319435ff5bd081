//! The requests that wait, as operators read them.

use std::net::IpAddr;

use ecluse_policy::intervention::{Intervention, Request};
use ecluse_policy::{Lang, Missing, Narrowing, entries_behind};

use super::{alerts, changes};
use crate::clock;
use crate::deeds::Undone;
use crate::deeds::listing::{self, Pending, Waiting};
use crate::faces::lobby::desk::{Desk, Trouble, status};
use crate::faces::lobby::{accompanied, confirmed, grammar, shown, standing};
use crate::texts::{Texts, times};

/// `pending`: the requests that wait; looking at them is seen by the technician.
pub(crate) async fn pending(desk: &mut Desk<'_>, words: &[String]) -> Result<u32, Trouble> {
    let ask: Pending = grammar::parse(words)?;
    let waiting = listing::pending(desk.gateway, desk.visitor, ask).await?;
    alerts::tell(desk).await?;
    changes::tell_once(desk).await?;
    standing::tell(desk).await?;
    if waiting.is_empty() {
        desk.line("operator-none-pending", &[]).await?;
    }
    for Waiting {
        intervention,
        source,
    } in &waiting
    {
        // The alert above says why; there is nothing to answer.
        if intervention.is_contradicted() {
            let args = [("number", intervention.number().to_string().into())];
            let id = if intervention.is_not_known_yet() {
                "operator-request-not-known-yet"
            } else {
                "operator-request-not-on-record"
            };
            desk.line(id, &args).await?;
            continue;
        }
        block(desk, intervention, *source).await?;
        // On record after it was shown; a request answered in between is none of our concern.
        match listing::seen(desk.gateway, desk.visitor, intervention.id()).await {
            Ok(_) | Err(Undone::Refused(_)) => {}
            Err(undone) => return Err(undone.into()),
        }
    }
    Ok(status::DONE)
}

/// One request as an operator reads it, with the commands that answer it.
async fn block(
    desk: &mut Desk<'_>,
    intervention: &Intervention,
    source: Option<IpAddr>,
) -> Result<(), Trouble> {
    let now = clock::now();
    let request = intervention.request();
    let source = source.map(|source| source.to_string());
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
    if request.bytes.is_some() {
        let bytes = shown::bytes(texts, desk.lang(), request.bytes);
        lines.push(desk.say("operator-request-bytes", &[("bytes", bytes.into())]));
    }
    let documents = &desk.applied().documents;
    if let Some(outlook) = intervention.outlook(documents, now) {
        let latest = times::moment(outlook.latest_end, now, None);
        let mut line = desk.say("operator-request-latest", &[("latest", latest.into())]);
        if let Some(approvals) = shown::approvals(texts, desk.lang(), &outlook) {
            line = format!("{approvals} · {line}");
        }
        lines.push(line);
    }
    // What would answer a yes to all of it, where that is a no.
    let refused = desk
        .visitor
        .as_operator(&desk.applied())
        .map_or(None, |by| {
            intervention.awaits(&by, &Narrowing::default()).err()
        });
    if let Some(refusal) = &refused {
        lines.push(texts.refusal(desk.lang(), refusal, now));
    }
    if intervention.yeses_wanted(documents, now).is_some() {
        lines.push(suspended(desk, intervention, &id));
    }
    let short = intervention.short_hours(documents, now);
    lines.extend(
        short
            .iter()
            .map(|it| texts.short_hours(desk.lang(), it, now)),
    );
    // What a yes is a yes to, by which lines: with a terminal or not, and whose derogation.
    let behind = entries_behind(documents, &request.person, &request.scope, now);
    lines.extend(
        behind
            .iter()
            .filter_map(|one| shown::behind(texts, desk.lang(), one, now)),
    );
    lines.extend(accompanied::lines(desk, request, now));
    lines.extend(confirmed::lines(desk, request, now));
    lines.push(desk.say("operator-request-reason", &[]));
    for line in lines {
        desk.terminal.hanging(&format!("     {line}"), 2).await?;
    }
    desk.terminal
        .quoted(7, &crate::texts::told(&request.reason))
        .await?;
    let hint = match (&refused, intervention.granted()) {
        (None, _) => "operator-request-hint",
        (Some(_), None) => "operator-request-hint-refused",
        (Some(_), Some(_)) => "operator-request-hint-withdraw",
    };
    let lines = [
        format!(
            "{} {}",
            desk.say("operator-request-code", &[]),
            desk.terminal.bold(&request.code())
        ),
        desk.terminal.dim(&desk.say(hint, &[("id", id.into())])),
    ];
    for line in lines {
        desk.terminal.line(&format!("     {line}")).await?;
    }
    Ok(())
}

/// What a posture suspends, and what one more yes gives of it.
fn suspended(desk: &Desk<'_>, intervention: &Intervention, id: &str) -> String {
    let (documents, now) = (&desk.applied().documents, clock::now());
    if !intervention.opens_with_yes(documents, now) {
        return desk.say("posture-suspended-barred", &[]);
    }
    let barred = intervention.barred_by_posture(documents, now);
    let lines = barred.iter().filter_map(|one| match one {
        Missing::Line { line } => Some(desk.say("posture-line", &[("line", line.into())])),
        Missing::Yes { .. }
        | Missing::Window { .. }
        | Missing::Length { .. }
        | Missing::Bytes { .. } => None,
    });
    let lines: Vec<String> = lines.collect();
    let id = ("id", id.into());
    match lines.is_empty() {
        true => desk.say("posture-suspended", &[id]),
        false => {
            let lines = ("lines", lines.join(", ").into());
            desk.say("posture-suspended-partly", &[id, lines])
        }
    }
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
