//! Interventions as a table. For technicians, operators and auditors alike.

use ecluse_policy::intervention::{Approval, Intervention, State};
use ecluse_policy::{Documents, PersonId, Role, Timestamp};

use super::desk::{Desk, Trouble, status};
use super::{grammar, shown};
use crate::clock;
use crate::deeds::listing::{self, Interventions, LISTED};
use crate::deeds::totals::{InSession, Totals, Waited};
use crate::live::presence::Presence;
use crate::passage::by_channel::OfChannel;
use crate::terminal::layout::Gives;
use crate::texts::{amounts, times};

/// `interventions`: a technician's own, or those of an operator's or an auditor's client.
pub(super) async fn interventions(desk: &mut Desk<'_>, words: &[String]) -> Result<u32, Trouble> {
    let ask: Interventions = grammar::parse(words)?;
    let one = ask.id.is_some();
    let listed = listing::interventions(desk.gateway, desk.visitor, ask).await?;
    if let ([intervention], true) = (listed.interventions.as_slice(), one) {
        in_full(desk, intervention, listed.totals.as_ref()).await?;
        return Ok(status::DONE);
    }
    let own = matches!(desk.visitor.authenticated.role(), Role::Technician { .. });
    if listed.interventions.is_empty() {
        let none = if own {
            "lobby-nothing-asked"
        } else {
            "operator-none-interventions"
        };
        desk.line(none, &[]).await?;
        return Ok(status::DONE);
    }
    list(desk, &listed.interventions, !own).await?;
    tell_more(desk, listed.more).await?;
    Ok(status::DONE)
}

/// One intervention, and nothing of it shortened: what was asked, what was granted of it, by whom, and how it stands.
async fn in_full(
    desk: &mut Desk<'_>,
    intervention: &Intervention,
    totals: Option<&Totals>,
) -> Result<(), Trouble> {
    let (now, lang) = (clock::now(), desk.lang());
    let texts = &desk.gateway.texts;
    let mut fields = shown::request_fields(texts, lang, intervention.request(), None, now);
    let applied = desk.gateway.applied();
    let state = shown::standing(texts, lang, intervention, &applied.documents, now);
    fields.insert(1, (desk.say("field-state", &[]), state));
    let approvals = intervention.approvals();
    if let Some((scope, length)) = intervention.last_granted()
        && !approvals.is_empty()
    {
        let yes = |approval: &Approval| {
            let at = times::moment(approval.at, now, None);
            format!("{} ({at})", approval.operator)
        };
        let granted = [
            shown::names(&scope.targets),
            shown::names(&scope.accounts),
            shown::capabilities(texts, lang, &scope.capabilities),
            times::length_in(lang, length),
        ];
        fields.push((
            desk.say("field-approvals", &[]),
            shown::names(approvals.iter().map(yes)),
        ));
        fields.push((desk.say("field-allowed", &[]), granted.join(" · ")));
    }
    if let Some(at) = until(intervention, &applied.documents, now) {
        let at = times::moment(at, now, None);
        fields.push((desk.say("field-end", &[]), at));
    }
    // One that nobody used has none.
    if let Some(totals) = totals.filter(|totals| totals.sessions > 0) {
        fields.push((desk.say("field-passed", &[]), passed(desk, totals)));
        if !totals.accompanied.is_empty() {
            let by = totals.accompanied.iter();
            let by: Vec<String> = by.map(|one| accompanied(desk, one, now)).collect();
            fields.push((desk.say("field-accompanied", &[]), by.join(" · ")));
        }
        if let Some(waited) = waited(desk, &totals.waited, now) {
            fields.push((desk.say("field-confirmed", &[]), waited));
        }
        if let Some(acts) = acts(desk, totals) {
            fields.push((desk.say("field-acts", &[]), acts));
        }
    }
    desk.terminal.fields(&fields).await?;
    match totals {
        Some(totals) => by_channel(desk, totals).await,
        None => Ok(()),
    }
}

/// Channels that are shown, the largest.
const CHANNELS: usize = 20;

/// What left and entered on each channel, in order; of many the largest.
async fn by_channel(desk: &mut Desk<'_>, totals: &Totals) -> Result<(), Trouble> {
    let mut channels: Vec<&InSession> = totals.channels.iter().collect();
    let left_out = channels.len().saturating_sub(CHANNELS);
    if left_out > 0 {
        channels.sort_by_key(|one| std::cmp::Reverse(one.of.out.saturating_add(one.of.into)));
        channels.truncate(CHANNELS);
        channels.sort_by_key(|one| (one.session, one.of.channel.unwrap_or(u32::MAX)));
    }
    if channels.is_empty() {
        return Ok(());
    }
    let heads = [
        "field-session",
        "totals-channel",
        "field-out",
        "field-in",
        "totals-what",
    ];
    let heads = heads.map(|id| desk.say(id, &[]));
    let lang = desk.lang();
    let row = |one: &&InSession| {
        let OfChannel {
            channel,
            shell,
            command,
            out,
            into,
        } = &one.of;
        let what = match (channel, shell, command) {
            (None, true, _) => desk.say("totals-other-shells", &[]),
            (None, false, _) => desk.say("totals-other-commands", &[]),
            (Some(_), true, _) => desk.say("totals-shell", &[]),
            (Some(_), false, Some(command)) => crate::texts::told(command),
            (Some(_), false, None) => desk.say("totals-command", &[]),
        };
        vec![
            one.session.to_string(),
            channel
                .map(|channel| channel.to_string())
                .unwrap_or_default(),
            amounts::size(lang, *out),
            amounts::size(lang, *into),
            what,
        ]
    };
    let rows: Vec<Vec<String>> = channels.iter().map(row).collect();
    desk.terminal
        .table_giving(&heads, &rows, &[Gives(4, 12)])
        .await?;
    if left_out > 0 {
        desk.line("totals-smaller", &[("count", left_out.into())])
            .await?;
    }
    Ok(())
}

/// What left and entered, by kind of channel; and what of it is not counted to the byte.
fn passed(desk: &Desk<'_>, totals: &Totals) -> String {
    let lang = desk.lang();
    let way = |id: &str, place: fn(&[u64; 2]) -> u64| {
        let [all, shells, commands] = [&totals.all, &totals.shells, &totals.commands].map(place);
        let args = [
            ("all", amounts::size(lang, all).into()),
            ("shells", amounts::size(lang, shells).into()),
            ("commands", amounts::size(lang, commands).into()),
        ];
        desk.say(id, &args)
    };
    let sessions = [
        ("sessions", totals.sessions.into()),
        ("open", totals.sessions.saturating_sub(totals.ended).into()),
    ];
    let mut told = vec![
        way("totals-out", |[down, _]| *down),
        way("totals-in", |[_, up]| *up),
        desk.say("totals-sessions", &sessions),
    ];
    let parts = [
        ("totals-so-far", totals.so_far),
        ("totals-recorded", totals.recorded),
        ("totals-drawn", totals.drawn),
    ];
    for (id, part) in parts.into_iter().filter(|(_, part)| part.sessions > 0) {
        let [out, into] = part.bytes.map(|bytes| amounts::size(lang, bytes));
        let args = [
            ("out", out.into()),
            ("in", into.into()),
            ("sessions", part.sessions.into()),
        ];
        told.push(desk.say(id, &args));
    }
    told.join(" · ")
}

/// Who accompanied a session, from when to when.
fn accompanied(desk: &Desk<'_>, presence: &Presence, now: Timestamp) -> String {
    let until = presence.until;
    let until = until.map_or_else(String::new, |until| times::to_the_second(until, now));
    let args = [
        ("session", presence.number.to_string().into()),
        ("by", presence.operator.as_str().into()),
        ("from", times::to_the_second(presence.from, now).into()),
        (
            "open",
            if presence.until.is_none() {
                "yes"
            } else {
                "no"
            }
            .into(),
        ),
        ("until", until.into()),
    ];
    desk.say("accompany-presence", &args)
}

/// What waited for a yes that is shown, the latest.
const WAITED: usize = 20;

/// What waited for a yes while it was used, and who said what of it and when; none where nothing did.
fn waited(desk: &Desk<'_>, all: &[Waited], now: Timestamp) -> Option<String> {
    let one = |one: &Waited| {
        let said = one.said.as_ref();
        let reason = said.and_then(|said| said.reason.as_deref());
        let at = said.map_or(one.at, |said| said.at);
        let by = said.and_then(|said| said.by.as_ref());
        // Nobody's is ours.
        let reason = reason.map(|reason| match by {
            Some(_) => crate::texts::told(reason),
            None => desk.gateway.texts.on_record(desk.lang(), reason),
        });
        let colon = desk.say("confirm-because", &[]);
        let reason = reason.map(|reason| format!("{colon} {reason}"));
        let how = match (said, by) {
            (None, _) => "open",
            (Some(said), _) if said.is_yes => "yes",
            (Some(_), Some(_)) => "no",
            (Some(_), None) => "nobody",
        };
        let args = [
            ("nth", one.nth.to_string().into()),
            ("what", one.what.as_str().into()),
            ("said", how.into()),
            ("by", by.map_or("", PersonId::as_str).into()),
            ("reason", reason.unwrap_or_default().into()),
            ("at", times::to_the_second(at, now).into()),
        ];
        desk.say("confirm-was", &args)
    };
    let before = all.len().saturating_sub(WAITED);
    let mut told: Vec<String> = all.iter().skip(before).map(one).collect();
    if before > 0 {
        told.push(desk.say("confirm-was-more", &[("count", before.into())]));
    }
    (!told.is_empty()).then(|| told.join(" · "))
}

/// What happened at budgets and was done by hand, each as often; none where nothing was.
fn acts(desk: &Desk<'_>, totals: &Totals) -> Option<String> {
    let done: Vec<String> = totals
        .done()
        .map(|(id, count)| desk.say(id, &[("count", count.into())]))
        .collect();
    (!done.is_empty()).then(|| done.join(" · "))
}

/// Says that a list does not hold all that is over.
async fn tell_more(desk: &mut Desk<'_>, more: bool) -> Result<(), Trouble> {
    if more {
        desk.line("common-older-left-out", &[("shown", LISTED.into())])
            .await?;
    }
    Ok(())
}

/// A table of interventions; with the person where they are not all the reader's own.
pub(crate) async fn list(
    desk: &mut Desk<'_>,
    interventions: &[Intervention],
    people: bool,
) -> Result<(), Trouble> {
    let now = clock::now();
    let head = |id: &str| desk.say(id, &[]);
    let mut heads = vec![head("field-number"), head("field-state")];
    if people {
        heads.push(head("field-person"));
    }
    heads.extend([
        head("field-targets"),
        head("field-account"),
        head("field-flow"),
        head("field-length"),
        head("field-end"),
        head("field-reason"),
    ]);
    let (texts, applied) = (&desk.gateway.texts, desk.applied());
    let row = |intervention: &Intervention| {
        let request = intervention.request();
        let (scope, length) = intervention
            .last_granted()
            .unwrap_or((&request.scope, request.length));
        let mut row = vec![
            request.number.to_string(),
            shown::standing(texts, desk.lang(), intervention, &applied.documents, now),
        ];
        if people {
            row.push(request.person.to_string());
        }
        row.extend([
            shown::names(&scope.targets),
            shown::names(&scope.accounts),
            shown::families(&scope.capabilities),
            times::length_in(desk.lang(), length),
            until(intervention, &applied.documents, now)
                .map(|at| times::moment(at, now, None))
                .unwrap_or_default(),
            crate::texts::told(&request.reason),
        ]);
        row
    };
    let rows: Vec<Vec<String>> = interventions.iter().map(row).collect();
    // What gives way on a narrow terminal, down to how many columns: states and reasons are somebody's words.
    let person = usize::from(people);
    let gives = [
        Gives(1, 9),
        Gives(2 + person, 6),
        Gives(4 + person, 5),
        Gives(7 + person, 9),
    ];
    desk.terminal.table_giving(&heads, &rows, &gives).await?;
    Ok(())
}

/// When an intervention ends or ended, as far as that is known; by its client's posture, where that ends it before. What is
/// suspended is not lost, and ends as it did.
pub(crate) fn until(
    intervention: &Intervention,
    documents: &Documents,
    now: Timestamp,
) -> Option<Timestamp> {
    match intervention.state() {
        State::Approved { .. } => intervention.due(),
        State::Open { closes_at, .. } => {
            let by_posture = match intervention.yeses_wanted(documents, now) {
                Some(_) => None,
                None => intervention.ends_by_posture(documents, now),
            };
            Some(by_posture.map_or(*closes_at, |at| at.min(*closes_at)))
        }
        State::Refused { at, .. }
        | State::Expired { at, .. }
        | State::Closed { at, .. }
        | State::Cancelled { at, .. } => Some(*at),
        State::Requested => None,
    }
}
