//! What technicians do beside the waiting room, in words: ask from afar, give one up, learn what they may ask for.

use std::collections::BTreeSet;

use ecluse_policy::{Capability, Documents, Intervention, Refusal, TargetId, matrix_scope};

use super::desk::{Desk, Trouble, status};
use super::{accompanied, confirmed, grammar, next, shown, standing};
use crate::clock;
use crate::deeds::Undone;
use crate::deeds::host_ca::{self, KnownHosts};
use crate::deeds::listing::{self, Flows};
use crate::deeds::questions::{self, Answer};
use crate::deeds::requests::{self, Cancel, Request, Requested};
use crate::deeds::typed::Family;
use crate::texts::{hours, sizes, times};

/// `request`
pub(super) async fn request(desk: &mut Desk<'_>, words: &[String]) -> Result<u32, Trouble> {
    let ask: Request = grammar::parse(words)?;
    // A start typed without its offset: how it was read is said.
    if let Some(start) = requests::start(desk.gateway, desk.visitor, &ask).await? {
        let typed = ask.at.as_deref().unwrap_or_default();
        let time = times::moment(start.at, start.now, Some(&start.zone));
        desk.line(
            "lobby-time-read-as",
            &[("typed", typed.into()), ("time", time.as_str().into())],
        )
        .await?;
        if start.at <= start.now {
            return desk
                .problem("lobby-time-past", &[("time", time.into())])
                .await;
        }
    }
    let (only, targets) = (ask.only.clone(), ask.target.clone());
    let done = match requests::request(desk.gateway, desk.visitor, ask).await {
        Err(Undone::Refused(Refusal::NothingAsked)) if !only.is_empty() => {
            return nothing_of(desk, &targets, &only).await;
        }
        done => done?,
    };
    let (request, now) = (done.intervention.request(), clock::now());
    let source = desk.visitor.origin.source().ip().to_string();
    let texts = &desk.gateway.texts;
    let fields = shown::request_fields(texts, desk.lang(), request, Some(&source), now);
    desk.terminal.fields(&fields).await?;
    let applied = desk.applied();
    let number = ("number", request.number.to_string().into());
    let client = ("client", request.client.as_str().into());
    if done.operators.is_empty() {
        let contacts = shown::contacts(applied.documents.client(&request.client));
        desk.line(
            "room-sent-nobody",
            &[number, client, ("contacts", contacts.into())],
        )
        .await?;
    } else {
        let operators = done.operators.iter();
        let operators = shown::names(operators.map(|id| shown::person(&applied.documents, id)));
        let args = [
            number,
            client,
            ("operators", operators.into()),
            ("code", request.code().into()),
        ];
        desk.line("lobby-requested", &args).await?;
        let outlook = done.intervention.outlook(&applied.documents, now);
        if let Some(approvals) = outlook.and_then(|it| shown::approvals(texts, desk.lang(), &it)) {
            desk.terminal.line(&approvals).await?;
        }
        tell_accompanied(desk, &done.intervention).await?;
        tell_short_hours(desk, &done.intervention).await?;
        tell_where_to_wait(desk, &done).await?;
    }
    Ok(status::DONE)
}

/// `answer`
pub(super) async fn answer(desk: &mut Desk<'_>, words: &[String]) -> Result<u32, Trouble> {
    let ask: Answer = grammar::parse(words)?;
    let is_asked = ask.words.is_empty();
    let told = questions::answer(desk.gateway, desk.visitor, ask).await?;
    let session = || ("session", told.session.to_string().into());
    for (nth, one) in told.all.iter().enumerate() {
        if !is_asked && told.answered != Some(nth) {
            continue;
        }
        let args = [
            ("mark", told.mark.as_str().into()),
            ("by", one.by.as_str().into()),
            ("question", one.question.as_str().into()),
            ("answer", one.answer.as_deref().unwrap_or("").into()),
        ];
        let id = match &one.answer {
            Some(_) => "answer-given",
            None => "answer-owed",
        };
        desk.line(id, &args).await?;
    }
    match (told.answered, is_asked && !told.all.is_empty()) {
        (Some(_), _) => desk.line("answer-kept", &[session()]).await?,
        (None, true) => {}
        (None, false) => return desk.problem("answer-nothing-asked", &[session()]).await,
    }
    Ok(status::DONE)
}

/// The flows behind an intervention that are accompanied, or of which something waits for a yes while it is used.
pub(super) async fn tell_accompanied(
    desk: &mut Desk<'_>,
    intervention: &Intervention,
) -> Result<(), Trouble> {
    let (request, now) = (intervention.request(), clock::now());
    let mut lines = accompanied::lines(desk, request, now);
    lines.extend(confirmed::lines(desk, request, now));
    for line in lines {
        desk.terminal.line(&line).await?;
    }
    Ok(())
}

/// The flows behind an intervention whose hours are not those of its period.
pub(super) async fn tell_short_hours(
    desk: &mut Desk<'_>,
    intervention: &Intervention,
) -> Result<(), Trouble> {
    let now = clock::now();
    for short in intervention.short_hours(&desk.applied().documents, now) {
        let line = desk.gateway.texts.short_hours(desk.lang(), &short, now);
        desk.terminal.line(&line).await?;
    }
    Ok(())
}

/// Nothing is left of what `--only` names: which of it is not allowed, and what is.
async fn nothing_of(
    desk: &mut Desk<'_>,
    targets: &[TargetId],
    only: &[Family],
) -> Result<u32, Trouble> {
    let documents = desk.applied().documents.clone();
    let on_them = |documents: &Documents| -> Vec<Capability> {
        let mut reaches = matrix_scope(documents, desk.person(), clock::now());
        reaches.retain(|reach| {
            let mut targets = targets.iter();
            targets.any(|target| reach.scope.targets.contains(target))
        });
        let all = reaches.into_iter();
        all.flat_map(|reach| reach.scope.capabilities).collect()
    };
    let allowed = on_them(&documents);
    let written = on_them(&documents.as_written());
    // Where that is so by a posture, it is said first.
    if shown::families(&written) != shown::families(&allowed) {
        standing::tell_posture(desk).await?;
    }
    let (only, targets): (BTreeSet<_>, BTreeSet<_>) =
        (only.iter().collect(), targets.iter().collect());
    // All of it is allowed to them, but for the posture.
    let is_written = |only: &&&Family| {
        let mut all = written.iter();
        all.any(|one| one.family() == only.as_str())
    };
    let id = match only.iter().filter(is_written).count() == only.len() {
        true => "lobby-only-nothing-meanwhile",
        false => "lobby-only-nothing",
    };
    let args = [
        ("only", shown::names(only).into()),
        ("targets", shown::names(targets).into()),
        ("allowed", shown::families(&allowed).into()),
    ];
    let status = desk.problem(id, &args).await?;
    let refusal = Refusal::NothingAsked;
    if let Some(helps) = next::after(desk.gateway, desk.visitor, &refusal, desk.interactive) {
        desk.terminal.err_line(&helps).await?;
    }
    Ok(status)
}

/// Where the answer to a request is waited for, and where it stands: by commands that work where this is read.
async fn tell_where_to_wait(desk: &mut Desk<'_>, done: &Requested) -> Result<(), Trouble> {
    let Some(target) = done.intervention.request().scope.targets.first() else {
        return Ok(());
    };
    // Where another intervention is open, logging on to the target opens that one.
    let opens = done.opens_another;
    if !opens {
        let wait = desk.visitor.ssh(Some((target, None)));
        desk.line("gateway-wait-with", &[]).await?;
        desk.terminal.line(&format!("  {wait}")).await?;
    }
    if desk.interactive && opens {
        desk.line("lobby-requested-hint-alone", &[]).await?;
    } else if desk.interactive {
        desk.line("lobby-requested-hint", &[]).await?;
    } else {
        let stands = desk.visitor.ssh(None);
        desk.line("lobby-stands-with", &[]).await?;
        let stands = format!("  {stands} interventions");
        desk.terminal.line(&stands).await?;
    }
    Ok(())
}

/// `flows`: what the matrix lets this person ask for.
pub(super) async fn flows(desk: &mut Desk<'_>, words: &[String]) -> Result<u32, Trouble> {
    let ask: Flows = grammar::parse(words)?;
    let reaches = listing::flows(desk.gateway, desk.visitor, ask).await?;
    let doors = super::doors::tell_closed(desk).await? + super::standing::tell(desk).await?;
    if reaches.is_empty() && doors > 0 {
        return Ok(status::NOT_ADMITTED);
    }
    if reaches.is_empty() {
        desk.line("lobby-no-flows", &[]).await?;
        return Ok(status::DONE);
    }
    desk.line("lobby-flows-head", &[]).await?;
    for reach in &reaches {
        let label = |id: &str| desk.say(id, &[]);
        let (texts, now) = (&desk.gateway.texts, clock::now());
        let terms = reach
            .entries
            .iter()
            .filter_map(|entry| shown::entry(texts, desk.lang(), entry, now))
            .map(|terms| (label("field-terms"), terms));
        let mut fields = vec![
            (label("field-targets"), shown::names(&reach.scope.targets)),
            (label("field-accounts"), shown::names(&reach.scope.accounts)),
            (
                label("field-allowed"),
                shown::capabilities(&desk.gateway.texts, desk.lang(), &reach.scope.capabilities),
            ),
        ];
        fields.extend(terms);
        fields.extend([
            (
                label("field-hours"),
                hours::hours(desk.lang(), &reach.hours),
            ),
            (
                label("field-at-most"),
                times::length_in(desk.lang(), reach.approval.at_most),
            ),
            (
                label("field-bytes"),
                reach.bytes.map_or_else(
                    || label("field-bytes-unlimited"),
                    |bytes| sizes::size_in(desk.lang(), bytes),
                ),
            ),
            (label("field-approvals"), reach.approval.by.to_string()),
        ]);
        if let Some(rule) = reach.accompanied {
            let rule = accompanied::rule(texts, desk.lang(), rule);
            fields.push((label("field-accompanied"), rule));
        }
        if !reach.confirm.is_empty() {
            let what = confirmed::what(texts, desk.lang(), &reach.confirm);
            fields.push((label("field-confirm"), what));
        }
        let title = format!(
            "{} ({})",
            desk.terminal.bold(reach.flow.as_str()),
            reach.client
        );
        desk.terminal.line(&title).await?;
        desk.terminal.fields(&fields).await?;
    }
    Ok(status::DONE)
}

/// `host-ca`: the line by which their client knows the targets that it jumps to.
pub(super) async fn host_ca(desk: &mut Desk<'_>, words: &[String]) -> Result<u32, Trouble> {
    let ask: KnownHosts = grammar::parse(words)?;
    match host_ca::host_ca(desk.gateway, desk.visitor, ask).await? {
        Some(line) => desk.terminal.line(&line).await?,
        None => desk.line("lobby-no-flows", &[]).await?,
    }
    Ok(status::DONE)
}

/// `cancel`: takes a request back, or gives an approved intervention up.
pub(super) async fn cancel(desk: &mut Desk<'_>, words: &[String]) -> Result<u32, Trouble> {
    let ask: Cancel = grammar::parse(words)?;
    let done = requests::cancel(desk.gateway, desk.visitor, ask).await?;
    let number = done.intervention.number().to_string();
    desk.line("lobby-cancelled", &[("number", number.into())])
        .await?;
    Ok(status::DONE)
}
