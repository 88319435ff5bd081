//! Alerts in words, each told once in a dialogue, the latest last: where the eye is, nearest to the prompt.

use ecluse_policy::TargetId;

use super::signals;
use crate::archive::space::mebibytes;
use crate::clock;
use crate::deeds::Undone;
use crate::deeds::alerts::{self, Alert, Alerts, HandAct, Handful, Place, Sort, Told, UpTo};
use crate::faces::lobby::desk::{Desk, Trouble, status};
use crate::faces::lobby::doors::NEWS;
use crate::faces::lobby::grammar;
use crate::terminal::layout::shorten;
use crate::texts::{Value, amounts, times, told};

/// `alerts`: all of them.
pub(crate) async fn alerts(desk: &mut Desk<'_>, words: &[String]) -> Result<u32, Trouble> {
    let ask: Alerts = grammar::parse(words)?;
    let all = alerts::alerts(desk.gateway, desk.visitor, ask).await?;
    if all.is_empty() {
        desk.line("operator-no-alerts", &[]).await?;
    }
    for alert in &all {
        let line = in_words(desk, alert);
        desk.terminal.hanging(&line, NEWS).await?;
        desk.alerted.insert(alert.known());
    }
    Ok(status::DONE)
}

/// Tells a handful of the alerts of the operator's client that were not told in this dialogue yet, and where the rest is read.
pub(crate) async fn tell(desk: &mut Desk<'_>) -> Result<(), Trouble> {
    let first = !std::mem::replace(&mut desk.looked_in, true);
    let mut untold = alerts::alerts(desk.gateway, desk.visitor, Alerts::default()).await?;
    untold.retain(|alert| !desk.alerted.contains(&alert.known()));
    let Handful { told, more, over } = alerts::handful(untold);
    for alert in &told {
        let line = in_words(desk, alert);
        desk.terminal.hanging(&line, NEWS).await?;
        // What is left for now is told at the next look.
        desk.alerted.insert(alert.known());
    }
    // What is over by now was told while it was not, but to whoever just came.
    if more > 0 || first && over > 0 {
        let of = if told.is_empty() { "none" } else { "some" };
        let args = [("count", (more + over).into()), ("told", of.into())];
        desk.line("operator-more-alerts", &args).await?;
    }
    Ok(())
}

/// The alerts since then; none where there is no right to them any more.
pub(crate) async fn since_then(desk: &mut Desk<'_>, since: UpTo) -> Result<Vec<String>, Trouble> {
    let since = Some(since);
    match untold(desk, Alerts { since }).await {
        Err(Trouble::Undone(Undone::Refused(_))) => Ok(Vec::new()),
        told => told,
    }
}

async fn untold(desk: &mut Desk<'_>, ask: Alerts) -> Result<Vec<String>, Trouble> {
    let mut untold = alerts::alerts(desk.gateway, desk.visitor, ask).await?;
    untold.retain(|alert| desk.alerted.insert(alert.known()));
    Ok(untold.iter().map(|alert| in_words(desk, alert)).collect())
}

fn in_words(desk: &Desk<'_>, alert: &Alert) -> String {
    let now = clock::now();
    let time = ("time", times::moment(alert.at, now, None).into());
    match &alert.told {
        Told::Blocked { person } => desk.say(
            "operator-account-blocked",
            &[time, ("person", person.into())],
        ),
        Told::CodeElsewhere { person } => desk.say(
            "operator-code-elsewhere",
            &[time, ("person", person.into())],
        ),
        Told::Unblocked { person, by } => desk.say(
            "operator-account-unlocked",
            &[time, ("person", person.into()), ("by", by.into())],
        ),
        Told::Enabled { person, by } => desk.say(
            "operator-account-enabled",
            &[time, ("person", person.into()), ("by", by.into())],
        ),
        Told::SpaceLow { free, bound } => desk.say(
            "operator-space-low",
            &[
                time,
                ("free", mebibytes(*free).into()),
                ("bound", mebibytes(*bound).into()),
            ],
        ),
        Told::SpaceFull { free, bound } => desk.say(
            "operator-space-full",
            &[
                time,
                ("free", mebibytes(*free).into()),
                ("bound", mebibytes(*bound).into()),
            ],
        ),
        Told::Crowd {
            place,
            until,
            count,
            sources,
            over,
        } => {
            let place = match place {
                Place::Shares => "crowd-shares",
                Place::Person => "crowd-person",
                Place::Operators => "crowd-operators",
                Place::Stations => "crowd-stations",
                Place::Everybody => "crowd-everybody",
                Place::Inside => "crowd-inside",
            };
            let args = [
                time,
                ("until", times::moment(*until, now, None).into()),
                ("count", count.to_string().into()),
                ("sources", (*sources).into()),
                ("place", desk.say(place, &[]).into()),
            ];
            let id = if *over {
                "operator-crowd-over"
            } else {
                "operator-crowd"
            };
            desk.say(id, &args)
        }
        Told::Recording {
            person,
            target,
            problem,
        } => {
            let problem = [("problem", problem.into())];
            let args = about(time, person, target.as_ref(), 0, problem);
            desk.say("operator-recording-trouble", &args)
        }
        Told::Hidden {
            person,
            target,
            session,
            lines,
        } => {
            let (id, lines) = match lines {
                Some(lines) => ("operator-typing-hidden", *lines),
                None => ("operator-terminal-without-echo", 0),
            };
            let lines = [("lines", lines.into())];
            desk.say(id, &about(time, person, target.as_ref(), *session, lines))
        }
        Told::Budget {
            person,
            target,
            session,
            channel,
            command,
            mark,
            key,
            spent,
            limit,
            slows,
            holds,
            over,
        } => {
            let lang = desk.lang();
            let runs = command.as_ref().map_or("shell", |_| "command");
            let command = command.as_ref().map(|command| shorten(&told(command), 60));
            let then = match (slows, holds) {
                (true, _) => "slow",
                (false, true) => "hold",
                (false, false) => "end",
            };
            let more = [
                ("channel", (*channel).into()),
                ("runs", runs.into()),
                ("command", command.unwrap_or_default().into()),
                ("mark", mark.into()),
                ("key", desk.gateway.texts.budget(lang, key).into()),
                ("spent", amounts::size(lang, *spent).into()),
                ("limit", amounts::size(lang, *limit).into()),
                ("more", amounts::typed(*limit).into()),
                ("percent", amounts::percent(*spent, *limit).into()),
                ("then", then.into()),
                ("holds", yes_or_no(*holds)),
                ("over", yes_or_no(*over)),
            ];
            let args = about(time, person, target.as_ref(), *session, more);
            desk.say("operator-budget", &args)
        }
        told @ Told::Signal { .. } => signals::in_words(desk, alert.at, told),
        Told::Answered {
            person,
            target,
            session,
            question,
            answer,
            budget,
            over,
        } => {
            let more = [
                ("question", question.into()),
                ("answer", answer.into()),
                ("budget", yes_or_no(*budget)),
                ("over", yes_or_no(*over)),
            ];
            let args = about(time, person, target.as_ref(), *session, more);
            desk.say("operator-answered", &args)
        }
        Told::Waits(one) => {
            let args = [
                time,
                ("person", one.person.as_str().into()),
                ("target", one.target.as_str().into()),
                ("nth", one.nth.to_string().into()),
                ("what", one.what.as_str().into()),
                ("over", yes_or_no(one.over)),
            ];
            desk.say("operator-waits", &args)
        }
        Told::Alone {
            person,
            target,
            session,
            over,
        } => {
            let over = [("over", yes_or_no(*over))];
            let args = about(time, person, target.as_ref(), *session, over);
            desk.say("operator-alone", &args)
        }
        Told::Hand {
            by,
            person,
            target,
            session,
            act,
            reason,
            over,
        } => {
            let (id, rate) = match (act, reason) {
                (HandAct::Hold, None) => ("operator-hand-hold", 0),
                (HandAct::Hold, Some(_)) => ("operator-hand-hold-because", 0),
                (HandAct::Ask, _) => ("operator-hand-ask", 0),
                (HandAct::Resume, _) => ("operator-hand-resume", 0),
                (HandAct::Slow(rate), _) => ("operator-hand-slow", *rate),
                (HandAct::FullSpeed, _) => ("operator-hand-full-speed", 0),
            };
            let more = [
                ("by", by.into()),
                ("rate", amounts::rate(desk.lang(), rate).into()),
                ("reason", reason.clone().unwrap_or_default().into()),
            ];
            let args = about(time, person, target.as_ref(), *session, more);
            let mut line = desk.say(id, &args);
            if *over {
                line = format!("{line} {}", desk.say("operator-hand-over", &[]));
            }
            line
        }
        Told::CopiesContradicted {
            destination,
            problem,
        } => {
            let args = [
                time,
                ("destination", destination.into()),
                ("problem", problem.into()),
            ];
            desk.say("operator-copies-contradicted", &args)
        }
        Told::JournalContradicted { problem } => desk.say(
            "operator-journal-contradicted",
            &[time, ("problem", problem.into())],
        ),
        Told::CheckpointFailed { problem } => desk.say(
            "operator-checkpoint-failed",
            &[time, ("problem", problem.into())],
        ),
        Told::CopiesAway { destination } => desk.say(
            "operator-copies-away",
            &[time, ("destination", destination.into())],
        ),
        Told::SessionNotOnRecord { number } => desk.say(
            "operator-session-not-on-record",
            &[time, ("number", (*number).into())],
        ),
        Told::SessionOutlived { number } => desk.say(
            "operator-session-outlived",
            &[time, ("number", (*number).into())],
        ),
        Told::InterventionNotOnRecord { number } => desk.say(
            "operator-intervention-not-on-record",
            &[time, ("number", (*number).into())],
        ),
        Told::Clock { problem } => desk.say("operator-clock", &[time, ("problem", problem.into())]),
        Told::OrderNotOnRecord => desk.say("operator-order-not-on-record", &[time]),
        Told::DocumentNotOnRecord => desk.say("operator-document-not-on-record", &[time]),
        Told::EnrolmentNotOnRecord { person } => desk.say(
            "operator-enrolment-not-on-record",
            &[time, ("person", person.into())],
        ),
        Told::CredentialNotOnRecord { target, account } => desk.say(
            "operator-credential-not-on-record",
            &[
                time,
                ("target", target.to_string().into()),
                ("account", account.into()),
            ],
        ),
        Told::More {
            sort,
            person,
            count,
            numbers,
        } => {
            let args = [
                time,
                ("count", (*count).into()),
                ("person", person.clone().unwrap_or_default().into()),
                ("numbers", ranges(numbers).into()),
            ];
            let id = match sort {
                Sort::Hidden if !numbers.is_empty() => "operator-more-hidden",
                Sort::Budgets => "operator-more-budgets",
                Sort::Signals => "operator-more-signals",
                Sort::Hands => "operator-more-hands",
                Sort::Answers => "operator-more-answers",
                Sort::Alone => "operator-more-alone",
                Sort::Waits => "operator-more-waits",
                Sort::Sessions => "operator-more-sessions",
                Sort::Interventions => "operator-more-interventions",
                Sort::Outlived => "operator-more-outlived",
                Sort::Hidden | Sort::Accounts | Sort::Recordings => "operator-more-of-person",
                Sort::Checkpoints | Sort::Clocks | Sort::Others => "operator-more",
            };
            desk.say(id, &args)
        }
        Told::HostKey {
            target,
            got,
            pinned,
        } => {
            let args = [
                time,
                ("target", target.as_str().into()),
                ("got", got.into()),
                ("pinned", pinned.into()),
            ];
            desk.say("operator-host-key", &args)
        }
    }
}

/// What a line says of somebody's session on a target, and more.
fn about<'a>(
    time: (&'static str, Value<'a>),
    person: &'a str,
    target: Option<&TargetId>,
    session: u64,
    more: impl IntoIterator<Item = (&'static str, Value<'a>)>,
) -> Vec<(&'static str, Value<'a>)> {
    let target = target.map(ToString::to_string).unwrap_or_default();
    let mut args = vec![
        time,
        ("person", person.into()),
        ("target", target.into()),
        ("session", session.into()),
    ];
    args.extend(more);
    args
}

fn yes_or_no(it: bool) -> Value<'static> {
    if it { "yes" } else { "no" }.into()
}

/// Numbers in order, those that follow one another as a range: 2–20, 31.
fn ranges(numbers: &[u64]) -> String {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*number) => *last = *number,
            Some(_) | None => ranges.push((*number, *number)),
        }
    }
    let ranges = ranges.into_iter().map(|(first, last)| {
        if first == last {
            first.to_string()
        } else {
            format!("{first}–{last}")
        }
    });
    ranges.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::ranges;

    #[test]
    fn numbers_that_follow_one_another_are_a_range() {
        assert_eq!(ranges(&[2, 3, 4, 7, 9, 10]), "2–4, 7, 9–10");
        assert_eq!(ranges(&[]), "");
    }
}
