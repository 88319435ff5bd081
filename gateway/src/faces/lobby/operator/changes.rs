//! What changed for a client, in words: at the prompt as it happens, and on request.

use std::collections::HashMap;

use ecluse_policy::{Kept, Timestamp};

use super::keep_out::named;
use crate::clock;
use crate::deeds::Undone;
use crate::deeds::changes::{self, Begin, Change, Changed, Changes, UpTo, What};
use crate::faces::lobby::desk::{Desk, Trouble, status};
use crate::faces::lobby::grammar;
use crate::texts::{parts, times, told};

/// Changes shown in the greeting; the rest is counted.
const SHOWN: usize = 5;
/// Longest text of one change in the greeting, in characters: whole parts, and how many more there are.
const LONGEST: usize = 400;
/// How far the second line of a change stands in.
const INDENT: usize = 4;

/// Tells what changed since this operator was told last.
pub(crate) async fn tell(desk: &mut Desk<'_>, upto: &mut UpTo) -> Result<(), Trouble> {
    let told = changes::untold(desk.gateway, desk.visitor, upto).await?;
    for line in told
        .iter()
        .flat_map(|told| told_lines(desk, told))
        .collect::<Vec<_>>()
    {
        desk.terminal.hanging(&line, INDENT).await?;
    }
    Ok(())
}

/// The same to whoever runs single commands: at the prompt they are told as they come, and as it happens.
pub(crate) async fn tell_once(desk: &mut Desk<'_>) -> Result<(), Trouble> {
    if desk.interactive {
        return Ok(());
    }
    let applied = desk.applied();
    let Ok(operator) = desk.visitor.as_operator(&applied) else {
        return Ok(());
    };
    let mut upto = changes::up_to_now(desk.gateway, &operator).await?;
    tell(desk, &mut upto).await
}

/// What changed since, in words; nothing where there is no right to be told any more.
pub(crate) async fn news(desk: &Desk<'_>, upto: &mut UpTo) -> Result<Vec<String>, Trouble> {
    match changes::news(desk.gateway, desk.visitor, upto).await {
        Ok(told) => Ok(told
            .iter()
            .flat_map(|told| told_lines(desk, told))
            .collect()),
        Err(Undone::Refused(_)) => Ok(Vec::new()),
        Err(undone) => Err(undone.into()),
    }
}

fn told_lines(desk: &Desk<'_>, told: &Changed) -> Vec<String> {
    let args = [
        ("count", told.changes.len().into()),
        ("client", told.client.as_str().into()),
        ("time", times::moment(told.from, clock::now(), None).into()),
    ];
    let since = match told.begin {
        Begin::Told => "changes-since",
        Begin::Asked => "changes-since-then",
        Begin::Removed => "changes-since-removed",
    };
    let mut lines = vec![desk.say(since, &args)];
    lines.extend(in_lines(desk, &told.changes, (SHOWN, LONGEST)));
    lines.push(desk.say("changes-hint", &[]));
    lines
}

/// `changes`
pub(crate) async fn changes(desk: &mut Desk<'_>, words: &[String]) -> Result<u32, Trouble> {
    let ask: Changes = grammar::parse(words)?;
    let found = changes::changes(desk.gateway, desk.visitor, ask).await?;
    if found.changes.is_empty() {
        let args = [
            ("client", found.client.as_str().into()),
            ("time", times::moment(found.from, clock::now(), None).into()),
        ];
        desk.line("changes-none", &args).await?;
    }
    for line in in_lines(desk, &found.changes, (usize::MAX, usize::MAX)) {
        desk.terminal.hanging(&line, INDENT).await?;
    }
    Ok(status::DONE)
}

/// What was said of changes, once.
struct Same {
    said: String,
    first: Timestamp,
    last: Timestamp,
    count: usize,
}

/// Changes in words, the latest first, so many and of that length at most; those that say the same are one, with how often,
/// and when first and last.
fn in_lines(desk: &Desk<'_>, changes: &[Change], (most, longest): (usize, usize)) -> Vec<String> {
    let now = clock::now();
    let mut all: Vec<Same> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for change in changes {
        let said = in_words(desk, change, longest, now);
        // From when to when each held is read from each.
        let alone = matches!(
            change.what,
            What::Heightened | What::Normal | What::KeptOut | What::Lifted
        );
        let place = match alone {
            true => all.len(),
            false => *places.entry(said.clone()).or_insert(all.len()),
        };
        match all.get_mut(place) {
            Some(same) => {
                same.first = change.at;
                same.count += 1;
            }
            None => all.push(Same {
                said,
                first: change.at,
                last: change.at,
                count: 1,
            }),
        }
    }
    let mut lines = Vec::new();
    for one in all.iter().take(most) {
        let last = times::moment(one.last, now, None);
        let line = if one.count == 1 {
            format!("{last}  {}", one.said)
        } else {
            let args = [
                ("count", one.count.into()),
                ("first", times::moment(one.first, now, None).into()),
                ("last", last.into()),
                ("change", one.said.as_str().into()),
            ];
            desk.say("changes-repeated", &args)
        };
        lines.push(format!("  {line}"));
    }
    let left: usize = all.iter().skip(most).map(|one| one.count).sum();
    if left > 0 {
        lines.push(desk.say("changes-more", &[("count", left.into())]));
    }
    lines
}

fn in_words(desk: &Desk<'_>, change: &Change, longest: usize, now: Timestamp) -> String {
    let list = |all: &[String]| listed(desk, all, longest);
    // What nobody gained or lost is a dash.
    let reader = |reader: &String| match *reader == change.gateway {
        true => desk.say("changes-reader-gateway", &[]),
        false => reader.clone(),
    };
    let readers = |all: &[String]| match list(&all.iter().map(reader).collect::<Vec<_>>()) {
        none if none.is_empty() => "–".to_owned(),
        some => some,
    };
    let part = |line: &String| desk.gateway.texts.part(desk.lang(), line);
    let lines = change.lines.iter();
    let lines: Vec<String> = if let What::KeptOut | What::Heightened = change.what {
        // What an operator said.
        lines.map(|line| told(line)).collect()
    } else {
        lines.map(part).collect()
    };
    // Minutes would tell nothing of what was over in one.
    let stopped = change.stopped.map(|at| times::to_the_second(at, now));
    let target = change.target.as_ref().map(ToString::to_string);
    let client = change.client.as_ref().map(ToString::to_string);
    let args = [
        ("count", change.sessions.len().into()),
        ("entries", change.entries.into()),
        ("sessions", list(&change.sessions).into()),
        ("stopped", stopped.unwrap_or_default().into()),
        ("latest", times::to_the_second(change.at, now).into()),
        ("session", change.session.as_str().into()),
        ("client", client.unwrap_or_default().into()),
        ("person", change.person.as_str().into()),
        (
            "acted",
            if change.person.is_empty() {
                "no".into()
            } else {
                "yes".into()
            },
        ),
        ("by", change.by.as_str().into()),
        ("object", of_what(desk, change).into()),
        ("text", list(&lines).into()),
        ("gained", readers(&change.gained).into()),
        ("lost", readers(&change.lost).into()),
        ("target", target.unwrap_or_default().into()),
        ("account", change.account.as_str().into()),
        ("destination", change.destination.as_str().into()),
        ("node", change.node.as_str().into()),
        (
            "parts",
            if change.parts.is_empty() {
                "no".into()
            } else {
                list(&change.parts).into()
            },
        ),
    ];
    let by_document = change.what == What::Accepted && change.person.is_empty();
    let id = match by_document {
        true => "changes-accepted-first",
        false => id(change.what),
    };
    desk.say(id, &args)
}

/// Parts of a change, as many as stand in that length, and how many more there are: no part is cut off without a sign.
fn listed(desk: &Desk<'_>, all: &[String], longest: usize) -> String {
    let mut text = String::new();
    let mut left = longest;
    for (place, part) in all.iter().enumerate() {
        let letters = part.chars().count();
        if letters > left {
            if place == 0 {
                text.extend(part.chars().take(left));
                text.push('…');
            }
            let more = all.len().saturating_sub(place.max(1));
            if more > 0 {
                text.push_str(&desk.say("changes-parts-more", &[("count", more.into())]));
            }
            return text;
        }
        if place > 0 {
            text.push_str(parts::between(desk.lang()));
        }
        text.push_str(part);
        left = left.saturating_sub(letters);
    }
    text
}

fn id(what: What) -> &'static str {
    match what {
        What::Again => "changes-again",
        What::Created => "changes-created",
        What::Changed => "changes-changed",
        What::Removed => "changes-removed",
        What::Reached => "changes-reached",
        What::Accepted => "changes-accepted",
        What::Refused => "changes-refused",
        What::KeptOut => "changes-kept-out",
        What::Lifted => "changes-lifted",
        What::Heightened => "changes-heightened",
        What::Normal => "changes-normal",
        What::Elsewhere => "changes-elsewhere",
        What::Enrolled => "changes-enrolled",
        What::EnrolledFirst => "changes-enrolled-first",
        What::EnrolledAnew => "changes-enrolled-anew",
        What::EnrolmentDisabled => "changes-enrolment-disabled",
        What::Credential => "changes-credential",
        What::Rewrapped => "changes-rewrapped",
        What::CopiesAway => "changes-copies-away",
        What::CopiesBack => "changes-copies-back",
        What::Key => "changes-key",
        What::Settings => "changes-settings",
        What::Joined => "changes-joined",
        What::CutShort => "changes-cut-short",
        What::Destroyed => "changes-destroyed",
        What::WordsDestroyed => "changes-words-destroyed",
        What::Worded => "changes-worded",
    }
}

/// `target hopital/db01`, in the reader's words.
/// What a change is of.
fn of_what(desk: &Desk<'_>, change: &Change) -> String {
    if let (What::KeptOut | What::Lifted, Some(kept)) = (change.what, Kept::parse(&change.object)) {
        return named(desk, &kept);
    }
    object(desk, &change.object)
}

fn object(desk: &Desk<'_>, object: &str) -> String {
    let Some((kind, name)) = object.split_once(' ') else {
        return object.to_owned();
    };
    let id = match kind {
        "client" => "object-client",
        "operator" => "object-operator",
        "auditor" => "object-auditor",
        "target" => "object-target",
        "flow" => "object-flow",
        "provider" => "object-provider",
        "technician" => "object-technician",
        "station" => "object-station",
        _ => return object.to_owned(),
    };
    desk.say(id, &[("name", name.into())])
}
