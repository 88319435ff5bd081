//! The sessions in passage, and the red handle (I5).

use std::collections::BTreeSet;
use std::sync::Arc;

use ecluse_policy::words::lenient_reason;
use ecluse_policy::{AsOperator, PersonId, TargetId, Timestamp};

use super::{alerts, elsewhere};
use crate::admission::commands::Command;
use crate::admission::desk::{Desk, Trouble, arguments, status};
use crate::admission::refused::not_theirs;
use crate::admission::words::{Misuse, Takes};
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::live::orders::{self, Elsewhere, of_guest, of_session};
use crate::live::{CutWhat, Guest, LiveSession, Order, nodes};
use crate::store::StoreError;
use crate::texts::{times, told};

const CUT: Takes = Takes {
    values: &[],
    sentences: &["reason"],
    switches: &[],
};

/// `live`
pub(crate) async fn live(
    desk: &mut Desk<'_>,
    by: &AsOperator<'_>,
    command: &Command,
    words: &[String],
) -> Result<u32, Trouble> {
    if let Err(misuse) = arguments(words, Takes::NOTHING, 0) {
        return desk.misused(command, &misuse).await;
    }
    alerts::tell(desk).await?;
    let sessions = desk.gateway.live.list(by);
    let (remote, several) = nodes::elsewhere(desk.gateway, by).await?;
    if sessions.is_empty() && remote.is_empty() {
        desk.line("operator-none-live", &[]).await?;
        return Ok(status::DONE);
    }
    let mut heads = vec![
        "field-session",
        "field-person",
        "field-target",
        "field-account",
        "field-since",
        "field-left",
        "field-intervention",
        "field-channels",
    ];
    if several {
        heads.insert(1, "field-node");
    }
    let heads: Vec<String> = heads.iter().map(|id| desk.say(id, &[])).collect();
    let now = clock::now();
    let own = several.then(|| elsewhere::own_name(desk));
    let mut rows: Vec<(u64, Vec<String>)> = sessions
        .iter()
        .map(|session| {
            let mut row = row(desk, session, now);
            own.iter().for_each(|own| row.insert(1, own.clone()));
            (session.facts().number, row)
        })
        .collect();
    rows.extend(remote.iter().map(|remote| {
        let number = remote.session.number;
        (number, elsewhere::row(desk, remote, now))
    }));
    rows.sort_by_key(|(number, _)| *number);
    let rows: Vec<Vec<String>> = rows.into_iter().map(|(_, row)| row).collect();
    desk.terminal.table(&heads, &rows).await?;
    elsewhere::tell_lost(desk, &remote).await?;
    Ok(status::DONE)
}

fn row(desk: &Desk<'_>, session: &LiveSession, now: Timestamp) -> Vec<String> {
    let facts = session.facts();
    let channels = session.channels();
    let shown: Vec<String> = channels
        .iter()
        .map(|channel| match &channel.command {
            None => format!("{} shell", channel.number),
            Some(command) => format!(
                "{} {}",
                channel.number,
                crate::terminal::layout::shorten(&told(command), 30)
            ),
        })
        .collect();
    vec![
        facts.number.to_string(),
        format!("{} ({})", facts.person, facts.provider),
        facts.target.to_string(),
        facts.account.to_string(),
        times::moment(facts.started, now, None),
        times::countdown(desk.lang(), facts.closes_at.since(now)),
        facts.intervention_number.to_string(),
        shown.join(", "),
    ]
}

/// `cut SESSION|TECHNICIAN|TARGET|all`
pub(crate) async fn cut(
    desk: &mut Desk<'_>,
    by: &AsOperator<'_>,
    command: &Command,
    words: &[String],
) -> Result<u32, Trouble> {
    let written = arguments(words, CUT, 1).and_then(|given| {
        let what = given
            .words
            .first()
            .cloned()
            .ok_or(Misuse::Missing("usage-no-session"))?;
        // A reason that does not read holds up no cut.
        Ok((what, given.one("reason")?.and_then(lenient_reason)))
    });
    let (typed, reason) = match written {
        Ok(written) => written,
        Err(misuse) => return desk.misused(command, &misuse).await,
    };
    let Some(what) = what(desk, by, &typed) else {
        return none_to_cut(desk, command, &typed).await;
    };
    let cut = cut_now(desk, by, what.clone(), reason.as_deref()).await;
    if cut.is_nothing() {
        return match what {
            // Whoever cuts all where nothing runs has named nothing.
            CutWhat::All => {
                desk.problem("operator-cut-none", &[("what", typed.into())])
                    .await
            }
            CutWhat::Session(_) | CutWhat::Target(_) | CutWhat::Technician(_) => {
                none_to_cut(desk, command, &typed).await
            }
        };
    }
    tell(desk, &cut).await
}

async fn none_to_cut(desk: &mut Desk<'_>, command: &Command, typed: &str) -> Result<u32, Trouble> {
    let args = [("what", typed.into())];
    not_theirs(desk, command, typed, "operator-cut-none", &args).await
}

/// What was cut, and whether that is on record.
pub(crate) struct Cut {
    sessions: Vec<Arc<LiveSession>>,
    /// Connections that carried no session.
    guests: Vec<Guest>,
    /// What other nodes answered; why nothing is on record and nothing was asked of them, where the store failed.
    elsewhere: Result<Vec<Elsewhere>, StoreError>,
}

impl Cut {
    /// Whether nothing here or elsewhere was what was named.
    fn is_nothing(&self) -> bool {
        let nothing = elsewhere::is_nothing;
        self.sessions.is_empty()
            && self.guests.is_empty()
            && self.elsewhere.as_ref().is_ok_and(|all| nothing(all))
    }
}

/// What a word names: a session's number, everything, a target in passage here, a person of the documents, another target
/// of the client, or any person. The store is not asked: nothing comes before the handle.
fn what(desk: &Desk<'_>, by: &AsOperator<'_>, typed: &str) -> Option<CutWhat> {
    if typed == "all" {
        return Some(CutWhat::All);
    }
    if let Ok(number) = typed.trim_start_matches('#').parse() {
        return Some(CutWhat::Session(number));
    }
    let sessions = desk.gateway.live.list(by);
    let person = PersonId::parse(typed).ok();
    let documents = by.documents();
    let is_person = person
        .as_ref()
        .is_some_and(|person| documents.person(person).is_some());
    if let Ok(target) = TargetId::typed(typed) {
        let in_passage = sessions
            .iter()
            .any(|session| session.facts().target == target);
        let owner = documents.target(&target).map(|(client, _)| &client.id);
        if in_passage || owner == Some(by.client()) && !is_person {
            return Some(CutWhat::Target(target));
        }
    }
    person.map(CutWhat::Technician)
}

/// Cuts what is here, then puts it on record and orders the same of other nodes: nothing may come before the handle, not
/// even the store.
pub(crate) async fn cut_now(
    desk: &Desk<'_>,
    by: &AsOperator<'_>,
    what: CutWhat,
    reason: Option<&str>,
) -> Cut {
    let order = Order::of(by, what, reason);
    let live = &desk.gateway.live;
    // The idle ones first: what carries a session now carries none a moment later, and is told as that session.
    let guests = live.guests.cut(&order, by.documents(), None);
    let sessions = live.cut(&order);
    let now = clock::now();
    let record = |kind| {
        let record = desk.record(kind, now).client(by.client()).permitted();
        match reason {
            Some(reason) => record.reason(reason),
            None => record,
        }
    };
    let of_sessions = sessions
        .iter()
        .map(|session| of_session(record(AuditKind::Cut), session));
    let of_guests = guests
        .iter()
        .map(|guest| of_guest(record(AuditKind::Cut), by.client(), guest));
    let here: Vec<AuditRecord> = of_sessions.chain(of_guests).collect();
    let ordered = elsewhere::ordered(record(AuditKind::CutOrdered), &order.what);
    Cut {
        elsewhere: orders::give(desk.gateway, &order, ordered, &here).await,
        sessions,
        guests,
    }
}

/// Says what was cut, that the intervention still stands, and whether the cut is on record: what was done is told first.
pub(crate) async fn tell(desk: &mut Desk<'_>, cut: &Cut) -> Result<u32, Trouble> {
    let Cut {
        sessions,
        guests,
        elsewhere,
    } = cut;
    if !guests.is_empty() {
        let people: BTreeSet<String> = guests.iter().map(|one| one.person.to_string()).collect();
        let people: Vec<String> = people.into_iter().collect();
        let args = [
            ("count", guests.len().into()),
            ("people", people.join(", ").into()),
        ];
        desk.line("operator-cut-guests", &args).await?;
    }
    let numbers: Vec<String> = sessions
        .iter()
        .map(|session| session.facts().number.to_string())
        .collect();
    let args = [
        ("count", sessions.len().into()),
        ("sessions", numbers.join(", ").into()),
    ];
    if !sessions.is_empty() {
        desk.line("operator-cut", &args).await?;
    }
    let asked = elsewhere.as_deref().unwrap_or_default();
    let answered = elsewhere::tell(desk, asked).await?;
    let mut interventions: BTreeSet<u64> = sessions
        .iter()
        .map(|session| session.facts().intervention_number.0)
        .collect();
    interventions.extend(elsewhere::interventions(desk, asked).await);
    for number in interventions {
        desk.line("operator-cut-note", &[("id", number.to_string().into())])
            .await?;
    }
    let Err(error) = elsewhere else {
        return Ok(answered);
    };
    tracing::error!(%error, "a cut is not on record");
    let problem = desk.gateway.texts.store(desk.lang(), error);
    if !(sessions.is_empty() && guests.is_empty()) {
        desk.problem(
            "operator-cut-not-on-record",
            &[("problem", problem.as_str().into())],
        )
        .await?;
    }
    if desk.gateway.store.may_be_shared() {
        let args = [("problem", problem.into())];
        desk.problem("operator-cut-not-ordered", &args).await?;
    }
    Ok(status::PROBLEM)
}
