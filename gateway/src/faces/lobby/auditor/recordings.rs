//! `recordings`: the sessions there have been, newest first.

use ecluse_policy::Timestamp;

use crate::deeds::evidence::Ended;
use crate::deeds::evidence::recordings::{self, Course, LISTED, Listed, OfList, Recordings};
use crate::faces::lobby::desk::{Desk, Trouble, status};
use crate::faces::lobby::grammar;
use crate::faces::lobby::unshown::stands;
use crate::live::Because;
use crate::store::Standing;
use crate::terminal::layout::Gives;
use crate::texts::{amounts, times};

/// `recordings`
pub(crate) async fn recordings(desk: &mut Desk<'_>, words: &[String]) -> Result<u32, Trouble> {
    let ask: Recordings = grammar::parse(words)?;
    let listed = recordings::recordings(desk.gateway, desk.visitor, &ask).await?;
    tell(desk, &listed).await
}

/// A list of sessions.
pub(super) async fn tell(desk: &mut Desk<'_>, listed: &Listed) -> Result<u32, Trouble> {
    let Listed {
        sessions,
        more,
        now,
    } = listed;
    if sessions.is_empty() {
        desk.line("auditor-none", &[]).await?;
        return Ok(status::DONE);
    }
    let heads = [
        "field-number",
        "field-started",
        "field-person",
        "field-target",
        "field-length",
        "field-hidden",
        "field-out",
        "field-in",
        "field-end",
    ];
    let heads: Vec<String> = heads.iter().map(|id| desk.say(id, &[])).collect();
    let rows: Vec<Vec<String>> = sessions
        .iter()
        .map(|session| row(desk, session, *now))
        .collect();
    // Only the end is somebody's words, and gives way on a narrow terminal.
    let gives = [Gives(8, 12)];
    desk.terminal.table_giving(&heads, &rows, &gives).await?;
    for session in sessions.iter().filter(|session| session.facts.is_none()) {
        stands(desk, session.number, session.standing).await?;
    }
    let mut facts = sessions.iter().filter_map(|session| session.facts.as_ref());
    if facts.any(|facts| facts.hidden_lines.is_none()) {
        desk.line("auditor-hidden-unknown", &[]).await?;
    }
    if *more {
        desk.line("auditor-older-left-out", &[("shown", LISTED.into())])
            .await?;
    }
    Ok(status::DONE)
}

/// Why a session ended, in the reader's language; as it was written where that is all there is.
pub(super) fn why(desk: &Desk<'_>, end: &Ended, now: Timestamp) -> String {
    match &end.because {
        Some(because) => desk
            .gateway
            .texts
            .because(desk.lang(), because, end.at, now),
        None => desk.gateway.texts.on_record(desk.lang(), &end.reason),
    }
}

/// How long a session was; of one that no gateway was left to end, how long at least, or at most.
fn length(desk: &Desk<'_>, end: &Ended, start: Timestamp) -> String {
    let length = times::countdown(desk.lang(), end.at.since(start));
    match &end.because {
        Some(Because::Recovered { .. }) => format!("≥ {length}"),
        Some(Because::Orphaned) => format!("≤ {length}"),
        Some(_) | None => length,
    }
}

/// In short, where the table is not known to have what the log has.
const fn state(standing: Standing) -> &'static str {
    match standing {
        Standing::OnRecord | Standing::NotKnownYet => "state-not-known-yet",
        Standing::Contradicted => "state-not-on-record",
        Standing::Gone => "state-not-in-table",
    }
}

fn row(desk: &Desk<'_>, session: &OfList, now: Timestamp) -> Vec<String> {
    let number = session.number.to_string();
    let unknown = || "?".to_owned();
    let Some(facts) = &session.facts else {
        // Nothing else that the table says of it is shown as if it were so.
        let end = desk.say(state(session.standing), &[]);
        return vec![
            number,
            unknown(),
            unknown(),
            unknown(),
            unknown(),
            String::new(),
            unknown(),
            unknown(),
            end,
        ];
    };
    let (length, end) = match &facts.course {
        Course::Ended(end) => (length(desk, end, facts.started), why(desk, end, now)),
        Course::Open => (
            times::countdown(desk.lang(), now.since(facts.started)),
            desk.say("state-open", &[]),
        ),
        // How long it was, nobody knows yet.
        Course::Lost => (unknown(), desk.say("live-lost", &[])),
        Course::Unended => (unknown(), desk.say("state-unended", &[])),
    };
    let (lang, is_over) = (desk.lang(), !matches!(facts.course, Course::Open));
    let is_recorded = match &facts.course {
        Course::Ended(end) => matches!(
            end.because,
            Some(Because::Recovered { .. } | Because::Orphaned)
        ),
        Course::Open | Course::Lost | Course::Unended => false,
    };
    let passed = |of: fn((u64, u64)) -> u64| match facts.passed {
        // A recording holds all that passed, and perhaps what no longer did.
        Some(both) if is_recorded => format!("≤ {}", amounts::size(lang, of(both))),
        Some(both) => amounts::size(lang, of(both)),
        None if is_over => unknown(),
        None => String::new(),
    };
    vec![
        number,
        times::date_and_clock(facts.started),
        facts.person.to_string(),
        format!("{}@{}", facts.account, facts.target),
        length,
        match facts.hidden_lines {
            None => unknown(),
            Some(0) => String::new(),
            Some(lines) => lines.to_string(),
        },
        passed(|(down, _)| down),
        passed(|(_, up)| up),
        end,
    ]
}
