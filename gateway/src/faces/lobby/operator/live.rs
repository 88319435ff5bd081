//! The sessions in passage and what was cut, in words (I5).

use std::collections::BTreeSet;

use ecluse_policy::Timestamp;

use super::hands::by_in_words;
use super::{alerts, changes, elsewhere};
use crate::clock;
use crate::deeds::live::{self, Channels, Cut, Live, Passed, Passing, WasCut};
use crate::faces::lobby::desk::{Desk, Trouble, status};
use crate::faces::lobby::{gauges, grammar, shown, standing};
use crate::terminal::layout::{shorten, shorten_within};
use crate::texts::{amounts, times, told};

/// How much of a channel is shown, in columns.
const WIDEST: usize = 44;

/// `live`
pub(crate) async fn live(desk: &mut Desk<'_>, words: &[String]) -> Result<u32, Trouble> {
    let ask: Live = grammar::parse(words)?;
    let found = live::live(desk.gateway, desk.visitor, ask).await?;
    alerts::tell(desk).await?;
    changes::tell_once(desk).await?;
    standing::tell(desk).await?;
    if found.sessions.is_empty() {
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
        "field-out",
        "field-in",
        "field-budget",
        "field-channels",
    ];
    if found.several {
        heads.insert(1, "field-node");
    }
    let heads: Vec<String> = heads.iter().map(|id| desk.say(id, &[])).collect();
    let now = clock::now();
    let rows = found.sessions.iter().map(|session| {
        let mut row = row(desk, session, now);
        if found.several {
            row.insert(1, session.node.clone());
        }
        row
    });
    let rows: Vec<Vec<String>> = rows.collect();
    desk.terminal.table(&heads, &rows).await?;
    elsewhere::tell_lost(desk, &found.sessions).await?;
    Ok(status::DONE)
}

fn row(desk: &Desk<'_>, session: &Passing, now: Timestamp) -> Vec<String> {
    let channel = |(number, command): &(u32, Option<String>)| match command {
        None => format!("{number} shell"),
        // What tells one from another stands at its ends: the program, the file's name, how much of it.
        Some(command) => format!("{number} {}", shorten_within(&told(command), WIDEST)),
    };
    let channels = match &session.channels {
        Channels::Open(channels) => channels.iter().map(channel).collect::<Vec<_>>().join(", "),
        Channels::There => desk.say("live-channels-there", &[]),
        Channels::Lost { .. } => desk.say("live-lost", &[]),
    };
    let provider = session.provider.as_ref();
    let provider = provider.map(|provider| format!(" ({provider})"));
    let left = session.left;
    let left = left.map(|left| times::countdown(desk.lang(), left));
    let intervention = session.intervention.map(|number| number.to_string());
    let lang = desk.lang();
    let bytes = |of: fn(&Passed) -> u64| {
        let passed = session.passed.as_ref();
        passed.map_or(String::new(), |passed| amounts::size(lang, of(passed)))
    };
    let gauge = session.nearest.as_ref();
    let mut budget: Vec<String> = Vec::new();
    if let Some(by) = &session.held_by {
        // Who lets it go on has to know of both.
        let id = match session.held {
            true => "live-held-by-both",
            false => "live-held-by",
        };
        budget.push(desk.say(id, &[("by", by_in_words(desk, by).into())]));
    }
    if let Some(with) = &session.company {
        let number = ("session", session.number.to_string().into());
        budget.push(match with.alone_since {
            Some(since) => {
                let since = ("since", times::moment(since, now, None).into());
                desk.say("live-alone", &[since, number])
            }
            None => {
                let by = shown::names(&with.by).into();
                desk.say("live-accompanied", &[("by", by)])
            }
        });
    }
    if let Some(asked) = &session.asked {
        let words = |text: &str| shorten(text, 40);
        let question = ("question", words(&asked.question).into());
        budget.push(match &asked.answer {
            None => desk.say("live-asked", &[question]),
            Some(answer) => {
                let answer = ("answer", words(answer).into());
                desk.say("live-answered", &[question, answer])
            }
        });
    }
    budget.extend(session.waits.iter().map(|(nth, what)| {
        let args = [
            ("nth", nth.to_string().into()),
            ("what", shorten_within(what, 60).into()),
        ];
        desk.say("live-waits", &args)
    }));
    if let Some(rate) = session.slowed {
        let rate = [("rate", amounts::rate(lang, rate).into())];
        budget.push(desk.say("live-slowed", &rate));
    }
    budget.extend(gauge.map(|gauge| {
        let gauge = gauges::short(desk, gauge);
        match session.held && session.held_by.is_none() {
            true => desk.say("gauge-held", &[("gauge", gauge.into())]),
            false => gauge,
        }
    }));
    vec![
        session.number.to_string(),
        format!("{}{}", session.person, provider.unwrap_or_default()),
        session.target.to_string(),
        session.account.to_string(),
        times::moment(session.started, now, None),
        left.unwrap_or_default(),
        intervention.unwrap_or_default(),
        bytes(|passed| passed.down),
        bytes(|passed| passed.up),
        budget.join(", "),
        channels,
    ]
}

/// `cut`
pub(crate) async fn cut(desk: &mut Desk<'_>, words: &[String]) -> Result<u32, Trouble> {
    let ask: Cut = grammar::parse(words)?;
    let what = ask.what.clone();
    let cut = live::cut(desk.gateway, desk.visitor, ask).await?;
    if cut.is_nothing() {
        let args = [("what", what.into())];
        return desk.problem("operator-cut-none", &args).await;
    }
    tell(desk, &cut).await
}

/// Says what was cut, that the intervention still stands, and whether the cut is on record: what was done is told first.
async fn tell(desk: &mut Desk<'_>, cut: &WasCut) -> Result<u32, Trouble> {
    let WasCut {
        sessions,
        guests,
        elsewhere,
        interventions,
        on_record: _,
        trouble,
        may_be_elsewhere,
    } = cut;
    if !guests.is_empty() {
        let people: BTreeSet<&str> = guests.iter().map(|person| person.as_str()).collect();
        let people: Vec<&str> = people.into_iter().collect();
        let args = [
            ("count", guests.len().into()),
            ("people", people.join(", ").into()),
        ];
        desk.line("operator-cut-guests", &args).await?;
    }
    let numbers: Vec<String> = sessions.iter().map(u64::to_string).collect();
    let args = [
        ("count", sessions.len().into()),
        ("sessions", numbers.join(", ").into()),
    ];
    if !sessions.is_empty() {
        desk.line("operator-cut", &args).await?;
    }
    let answered = elsewhere::tell(desk, elsewhere).await?;
    for number in interventions {
        desk.line("operator-cut-note", &[("id", number.to_string().into())])
            .await?;
    }
    let Some(error) = trouble else {
        return Ok(answered);
    };
    let problem = desk.gateway.texts.store(desk.lang(), error);
    if !(sessions.is_empty() && guests.is_empty()) {
        desk.problem(
            "operator-cut-not-on-record",
            &[("problem", problem.as_str().into())],
        )
        .await?;
    }
    if *may_be_elsewhere {
        let args = [("problem", problem.into())];
        desk.problem("operator-cut-not-ordered", &args).await?;
    }
    Ok(status::PROBLEM)
}
