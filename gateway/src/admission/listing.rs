//! Interventions as a list: which of them, in what order, and the table that shows them. For technicians, operators and auditors alike.

use std::collections::BTreeSet;

use ecluse_policy::intervention::{Intervention, State};
use ecluse_policy::{ClientId, Timestamp};

use super::commands::Command;
use super::desk::{Desk, Trouble, arguments, status};
use super::shown;
use super::words::Takes;
use crate::clock;
use crate::store::{InterventionQuery, StateName};
use crate::terminal::layout::Gives;
use crate::texts::times;

/// Interventions that are over, listed at once; those that are not are all listed.
const LISTED: u32 = 30;

/// Everything in which something may still happen, and the latest of what is over, the latest first; and whether there is
/// more that is over.
pub(crate) async fn latest(
    desk: &Desk<'_>,
    whose: InterventionQuery,
) -> Result<(Vec<Intervention>, bool), Trouble> {
    let store = &desk.gateway.store;
    let live = InterventionQuery {
        states: StateName::LIVE.to_vec(),
        limit: Some(u32::MAX),
        ..whose.clone()
    };
    let over = InterventionQuery {
        states: StateName::FINAL.to_vec(),
        limit: Some(LISTED + 1),
        ..whose
    };
    let mut found = store.interventions(&over).await?;
    let listed = usize::try_from(LISTED).unwrap_or(usize::MAX);
    let more = found.len() > listed;
    found.truncate(listed);
    found.extend(store.interventions(&live).await?);
    // One that ended between the two questions is in both, or in neither: the later answer stands.
    found.reverse();
    let mut seen = BTreeSet::new();
    found.retain(|one| seen.insert(one.id()));
    found.sort_unstable_by_key(|one| std::cmp::Reverse(one.number()));
    Ok((found, more))
}

/// `interventions` of an operator or an auditor: what there is and was on their client's targets. Looking only; who may look
/// at a client's, their mandate says.
pub(crate) async fn of_client(
    desk: &mut Desk<'_>,
    client: &ClientId,
    command: &Command,
    words: &[String],
) -> Result<u32, Trouble> {
    if let Err(misuse) = arguments(words, Takes::NOTHING, 0) {
        return desk.misused(command, &misuse).await;
    }
    let theirs = InterventionQuery {
        client: Some(client.clone()),
        ..InterventionQuery::default()
    };
    let (interventions, more) = latest(desk, theirs).await?;
    if interventions.is_empty() {
        desk.line("operator-none-interventions", &[]).await?;
        return Ok(status::DONE);
    }
    list(desk, &interventions, true).await?;
    tell_more(desk, more).await?;
    Ok(status::DONE)
}

/// Says that a list does not hold all that is over.
pub(crate) async fn tell_more(desk: &mut Desk<'_>, more: bool) -> Result<(), Trouble> {
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
    let texts = &desk.gateway.texts;
    let row = |intervention: &Intervention| {
        let request = intervention.request();
        let (scope, length) = intervention
            .last_granted()
            .unwrap_or((&request.scope, request.length));
        let mut row = vec![
            request.number.to_string(),
            shown::standing(texts, desk.lang(), intervention),
        ];
        if people {
            row.push(request.person.to_string());
        }
        row.extend([
            shown::names(&scope.targets),
            shown::names(&scope.accounts),
            shown::families(&scope.capabilities),
            times::length_in(desk.lang(), length),
            until(intervention)
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

/// When an intervention ends or ended, as far as that is known.
pub(crate) fn until(intervention: &Intervention) -> Option<Timestamp> {
    match intervention.state() {
        State::Approved { .. } | State::Open { .. } => intervention.due(),
        State::Refused { at, .. }
        | State::Expired { at, .. }
        | State::Closed { at, .. }
        | State::Cancelled { at, .. } => Some(*at),
        State::Requested => None,
    }
}
