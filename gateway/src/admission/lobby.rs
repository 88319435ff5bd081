//! What technicians do beside the waiting room: ask from afar, look at their interventions, give one up,
//! and learn what they may ask for.

use std::collections::BTreeSet;

use ecluse_policy::intervention::{Intervention, Request};
use ecluse_policy::matrix::Reach;
use ecluse_policy::{
    AccountName, AsTechnician, Ask, Capability, InterventionNumber, Refusal, Schedule, TargetId,
    Timestamp,
};
use jiff::tz::TimeZone;

use super::commands::Command;
use super::desk::{Desk, Trouble, arguments, status};
use super::listing::{latest, list, tell_more};
use super::refused::not_theirs;
use super::words::{Misuse, Takes};
use super::{next, parse_length, shown, steps};
use crate::clock;
use crate::gateway::Applied;
use crate::store::{InterventionQuery, StateName};
use crate::texts::times;

const REQUEST: Takes = Takes {
    values: &["account", "only", "flow", "for", "at"],
    sentences: &["reason"],
    switches: &[],
};

/// `request TARGET… --for D --reason "…"`
pub(crate) async fn request(
    desk: &mut Desk<'_>,
    applied: &Applied,
    by: &AsTechnician<'_>,
    command: &Command,
    words: &[String],
) -> Result<u32, Trouble> {
    let now = by.now();
    let written = match written_request(words, &by.reaches(), now) {
        Ok(written) => written,
        Err(Misuse::NoSuchFlow { typed, known }) => {
            let args = [("flow", typed.into()), ("known", known.into())];
            return desk.problem("lobby-no-such-flow", &args).await;
        }
        Err(misuse) => return desk.misused(command, &misuse).await,
    };
    if let Some(typed) = &written.typed_start
        && let Some(start) = written.ask.start
    {
        let time = times::moment(start, now, Some(&written.zone));
        desk.line(
            "lobby-time-read-as",
            &[("typed", typed.into()), ("time", time.as_str().into())],
        )
        .await?;
        if start <= now {
            return desk
                .problem("lobby-time-past", &[("time", time.into())])
                .await;
        }
    }
    let targets = written.ask.targets.clone();
    let intervention =
        match steps::request(desk.gateway, desk.visitor, applied, by, written.ask).await? {
            Ok(intervention) => intervention,
            Err(Refusal::NothingAsked) if written.only.is_some() => {
                return nothing_of(desk, &by.reaches(), &targets, written.only).await;
            }
            Err(refusal) => return desk.refused(&refusal).await,
        };
    let request = intervention.request();
    let source = desk.visitor.source.ip().to_string();
    let fields = shown::request_fields(
        &desk.gateway.texts,
        desk.lang(),
        request,
        Some(&source),
        now,
    );
    desk.terminal.fields(&fields).await?;
    let operators = shown::operators(&applied.documents, &request.client, now);
    let number = request.number.to_string();
    if operators.is_empty() {
        let contacts = shown::contacts(applied.documents.client(&request.client));
        let args = [
            ("number", number.into()),
            ("client", request.client.as_str().into()),
            ("contacts", contacts.into()),
        ];
        desk.line("room-sent-nobody", &args).await?;
    } else {
        let args = [
            ("number", number.into()),
            ("client", request.client.as_str().into()),
            ("operators", operators.join(", ").into()),
            ("code", request.code().into()),
        ];
        desk.line("lobby-requested", &args).await?;
        tell_where_to_wait(desk, by, request).await?;
    }
    Ok(status::DONE)
}

/// Nothing is left of what `--only` names: which of it is not allowed, and what is.
async fn nothing_of(
    desk: &mut Desk<'_>,
    reaches: &[Reach],
    targets: &BTreeSet<TargetId>,
    only: Option<BTreeSet<String>>,
) -> Result<u32, Trouble> {
    let there = |reach: &&Reach| !reach.scope.targets.is_disjoint(targets);
    let allowed: Vec<Capability> = reaches
        .iter()
        .filter(there)
        .flat_map(|reach| reach.scope.capabilities.clone())
        .collect();
    let args = [
        ("only", shown::names(only.unwrap_or_default()).into()),
        ("targets", shown::names(targets).into()),
        ("allowed", shown::families(&allowed).into()),
    ];
    let status = desk.problem("lobby-only-nothing", &args).await?;
    let refusal = Refusal::NothingAsked;
    if let Some(helps) = next::after(desk.gateway, desk.visitor, &refusal, desk.interactive) {
        desk.terminal.err_line(&helps).await?;
    }
    Ok(status)
}

/// Where the answer to a request is waited for, and where it stands: by commands that work where this is read.
async fn tell_where_to_wait(
    desk: &mut Desk<'_>,
    by: &AsTechnician<'_>,
    request: &Request,
) -> Result<(), Trouble> {
    let Some(target) = request.scope.targets.first() else {
        return Ok(());
    };
    // Where another intervention is open, logging on to the target opens that one.
    let opens = opens_another(desk, by, target).await?;
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

/// Whether the technician has an answered intervention on the target.
async fn opens_another(
    desk: &Desk<'_>,
    by: &AsTechnician<'_>,
    target: &TargetId,
) -> Result<bool, Trouble> {
    let theirs = InterventionQuery {
        person: Some(by.person().clone()),
        states: vec![StateName::Approved, StateName::Open],
        limit: Some(u32::MAX),
        ..InterventionQuery::default()
    };
    let answered = desk.gateway.store.interventions(&theirs).await?;
    Ok(answered.iter().any(|one| {
        one.last_granted()
            .is_some_and(|(scope, _)| scope.targets.contains(target))
    }))
}

struct Written {
    ask: Ask,
    /// The families that `--only` names.
    only: Option<BTreeSet<String>>,
    zone: TimeZone,
    /// A start typed without its offset: how it was read is said.
    typed_start: Option<String>,
}

fn written_request(words: &[String], reaches: &[Reach], now: Timestamp) -> Result<Written, Misuse> {
    let given = arguments(words, REQUEST, usize::MAX)?;
    let mut targets = BTreeSet::new();
    for word in given
        .words
        .iter()
        .flat_map(|word| word.split(','))
        .filter(|word| !word.is_empty())
    {
        targets.insert(TargetId::typed(word).map_err(|_| Misuse::NameUnclear(word.to_owned()))?);
    }
    if targets.is_empty() {
        return Err(Misuse::Missing("usage-no-target"));
    }
    let typed_length = given
        .one("for")?
        .ok_or(Misuse::Missing("usage-no-length"))?;
    let length =
        parse_length(typed_length).ok_or_else(|| Misuse::LengthUnclear(typed_length.to_owned()))?;
    let reason = given
        .one("reason")?
        .ok_or(Misuse::Missing("usage-no-reason"))?
        .trim()
        .to_owned();
    let account = match given.one("account")? {
        None => None,
        Some(typed) => {
            Some(AccountName::parse(typed).map_err(|_| Misuse::NameUnclear(typed.to_owned()))?)
        }
    };
    let reaches: Vec<&Reach> = reaches
        .iter()
        .filter(|reach| {
            reach
                .scope
                .targets
                .iter()
                .any(|target| targets.contains(target))
        })
        .collect();
    let zone = reaches
        .iter()
        .find_map(|reach| zone_of(&reach.hours))
        .unwrap_or(TimeZone::UTC);
    let (start, typed_start) = match given.one("at")? {
        None => (None, None),
        Some(typed) => {
            let start = times::parse_typed(typed, now, &zone)
                .ok_or_else(|| Misuse::TimeUnclear(typed.to_owned()))?;
            (Some(start), Some(typed.to_owned()))
        }
    };
    let capabilities = capabilities(&given, &reaches)?;
    Ok(Written {
        ask: Ask {
            targets,
            account,
            capabilities,
            reason,
            start,
            length,
        },
        only: families(given.all("only"))?,
        zone,
        typed_start,
    })
}

/// What `--only FAMILY` and `--flow NAME` leave of the matrix; `None` asks for all of it.
fn capabilities(
    given: &super::words::Arguments,
    reaches: &[&Reach],
) -> Result<Option<Vec<Capability>>, Misuse> {
    let families = families(given.all("only"))?;
    let flow = given.one("flow")?;
    if families.is_none() && flow.is_none() {
        return Ok(None);
    }
    let wanted = |capability: &&Capability| {
        families
            .as_ref()
            .is_none_or(|f| f.contains(capability.family()))
    };
    let of_flow = |reach: &&&Reach| flow.is_none_or(|flow| reach.flow.as_str() == flow);
    // Where no target is for this person, that is what policy says.
    if let Some(typed) = flow
        && !reaches.is_empty()
        && !reaches.iter().any(|reach| of_flow(&reach))
    {
        let known: BTreeSet<&str> = reaches.iter().map(|reach| reach.flow.as_str()).collect();
        return Err(Misuse::NoSuchFlow {
            typed: typed.to_owned(),
            known: shown::names(known),
        });
    }
    let mut chosen: Vec<Capability> = Vec::new();
    for capability in reaches
        .iter()
        .filter(of_flow)
        .flat_map(|reach| &reach.scope.capabilities)
        .filter(wanted)
    {
        if !chosen.contains(capability) {
            chosen.push(capability.clone());
        }
    }
    Ok(Some(chosen))
}

/// The families of flows that this version serves.
pub(crate) const FAMILIES: [&str; 3] = ["shell", "command", "env"];

/// Reads `shell,command` or `shell command`; `None` when nothing was typed.
pub(crate) fn families(typed: &[String]) -> Result<Option<BTreeSet<String>>, Misuse> {
    if typed.is_empty() {
        return Ok(None);
    }
    let mut families = BTreeSet::new();
    for word in typed
        .iter()
        .flat_map(|word| word.split([',', ' ']))
        .filter(|word| !word.is_empty())
    {
        if !FAMILIES.contains(&word) {
            return Err(Misuse::FlowUnknown(word.to_owned()));
        }
        families.insert(word.to_owned());
    }
    Ok(Some(families))
}

/// The time zone that a schedule names.
pub(crate) fn zone_of(hours: &Schedule) -> Option<TimeZone> {
    let text = hours.to_string();
    let name = text
        .split(';')
        .next()?
        .split_whitespace()
        .last()?
        .to_owned();
    TimeZone::get(&name).ok()
}

/// `interventions`, for a technician.
pub(crate) async fn interventions(
    desk: &mut Desk<'_>,
    by: &AsTechnician<'_>,
    command: &Command,
    words: &[String],
) -> Result<u32, Trouble> {
    if let Err(misuse) = arguments(words, Takes::NOTHING, 0) {
        return desk.misused(command, &misuse).await;
    }
    let theirs = InterventionQuery {
        person: Some(by.person().clone()),
        ..InterventionQuery::default()
    };
    let (interventions, more) = latest(desk, theirs).await?;
    if interventions.is_empty() {
        desk.line("lobby-nothing-asked", &[]).await?;
        return Ok(status::DONE);
    }
    list(desk, &interventions, false).await?;
    tell_more(desk, more).await?;
    Ok(status::DONE)
}

/// `flows`: what the matrix lets this person ask for.
pub(crate) async fn flows(
    desk: &mut Desk<'_>,
    by: &AsTechnician<'_>,
    command: &Command,
    words: &[String],
) -> Result<u32, Trouble> {
    if let Err(misuse) = arguments(words, Takes::NOTHING, 0) {
        return desk.misused(command, &misuse).await;
    }
    let reaches = by.reaches();
    let doors = super::doors::tell_closed(desk).await?;
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
            (label("field-hours"), reach.hours.to_string()),
            (
                label("field-at-most"),
                times::length_in(desk.lang(), reach.approval.at_most),
            ),
            (label("field-approvals"), reach.approval.by.to_string()),
        ]);
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

/// `cancel ID`: takes a request back, or gives an approved intervention up.
pub(crate) async fn cancel(
    desk: &mut Desk<'_>,
    by: &AsTechnician<'_>,
    command: &Command,
    words: &[String],
) -> Result<u32, Trouble> {
    let number = match arguments(words, Takes::NOTHING, 1)
        .and_then(|given| intervention_number(&given.words))
    {
        Ok(number) => number,
        Err(misuse) => return desk.misused(command, &misuse).await,
    };
    let Some(intervention) = own(desk, by, number).await? else {
        let typed = number.to_string();
        let args = [
            ("id", typed.as_str().into()),
            ("command", "interventions".into()),
        ];
        return not_theirs(desk, command, &typed, "common-no-such-intervention", &args).await;
    };
    match steps::cancel(desk.gateway, desk.visitor, by, &intervention).await? {
        Ok(_) => {
            desk.line("lobby-cancelled", &[("number", number.to_string().into())])
                .await?;
            Ok(status::DONE)
        }
        Err(refusal) => desk.refused(&refusal).await,
    }
}

async fn own(
    desk: &Desk<'_>,
    by: &AsTechnician<'_>,
    number: InterventionNumber,
) -> Result<Option<Intervention>, Trouble> {
    let found = desk.gateway.store.intervention_numbered(number).await?;
    Ok(found.filter(|intervention| intervention.request().person == *by.person()))
}

/// The first word as an intervention's number: `17` or `#17`.
pub(crate) fn intervention_number(words: &[String]) -> Result<InterventionNumber, Misuse> {
    let typed = words.first().ok_or(Misuse::Missing("usage-no-id"))?;
    InterventionNumber::parse(typed).map_err(|_| Misuse::NumberUnclear(typed.clone()))
}
