//! `search`: a moment in the recordings of the auditor's client, and the command that lands on it (R10, R9). What is found
//! is shown neutralised (R11).

use std::ops::Range;

use ecluse_policy::Lang;
use ecluse_recordings::search::{LineKind, excerpt};

use super::recordings;
use crate::deeds::search::{self, Found, Hit, Left, Outcome, Refused, Search, Summary};
use crate::deeds::typed::Kind;
use crate::deeds::{Undone, Wants};
use crate::faces::lobby::commands::Command;
use crate::faces::lobby::desk::{Desk, Trouble, status};
use crate::faces::lobby::unshown::stands;
use crate::faces::lobby::{grammar, step_up};
use crate::texts::times;

/// Letters of a line that are shown.
const WIDTH: usize = 160;
/// Numbers of recordings that are written out.
const NUMBERS: usize = 30;

/// `search`; asks for a code where one is wanted.
pub(crate) async fn search(
    desk: &mut Desk<'_>,
    command: &Command,
    words: &[String],
) -> Result<u32, Trouble> {
    let ask: Search = grammar::parse(words)?;
    let (house, by) = (desk.gateway, desk.visitor);
    let mut done = search::search(house, by, &ask).await;
    if let Err(Undone::Wants(Wants::Code(refusal))) = &done {
        if let Some(status) = step_up::code(desk, command, words, refusal).await? {
            return Ok(status);
        }
        done = search::search(house, by, &ask).await;
    }
    let mut searching = match done? {
        Outcome::Sessions(listed) => return recordings::tell(desk, &listed).await,
        Outcome::Hits(searching) => searching,
    };
    while let Some(found) = searching.next().await? {
        match found {
            Found::Line(hit) => show(desk, &hit).await?,
            Found::Refusal(refused) => show_refused(desk, &refused).await?,
            Found::Apart { number, standing } => stands(desk, number, standing).await?,
            Found::Unread { number, why } => {
                let problem = desk.gateway.texts.unreadable(desk.lang(), &why);
                let args = [("number", number.into()), ("problem", problem.into())];
                desk.problem("search-problem", &args).await?;
            }
        }
    }
    tell(desk, &searching.over()).await?;
    Ok(status::DONE)
}

async fn show(desk: &mut Desk<'_>, hit: &Hit) -> Result<(), Trouble> {
    let head = format!(
        "{} · {} · {} · {}@{} · {}",
        desk.terminal.bold(&hit.number.to_string()),
        times::date_and_clock(hit.at),
        hit.person,
        hit.account,
        hit.target,
        desk.say(kind_word(hit.kind), &[]),
    );
    desk.terminal.hanging(&head, 4).await?;
    let said_by_us = matches!(
        hit.kind,
        Kind::Of(LineKind::Refusal | LineKind::Note | LineKind::File | LineKind::Forward)
    );
    if said_by_us {
        show_as_said(desk, &hit.text, &hit.found).await?;
    } else {
        let text = marked(desk, &hit.text, &hit.found);
        desk.terminal.hanging(&text, 4).await?;
    }
    let mut command = format!("    replay {}", hit.number);
    if let Some(place) = hit.place {
        command.push_str(&format!(" --channel {} --at {place}", hit.channel));
    }
    desk.terminal.line(&command).await?;
    Ok(())
}

async fn show_refused(desk: &mut Desk<'_>, refused: &Refused) -> Result<(), Trouble> {
    let kind = match refused.session {
        Some(number) => desk.say("search-refused-of", &[("number", number.into())]),
        None => desk.say("search-refused-before", &[]),
    };
    let target = refused.target.as_ref().map(ToString::to_string);
    let head = format!(
        "{} · {} · {} · {kind}",
        times::date_and_clock(refused.at),
        refused.person.as_deref().unwrap_or_default(),
        target.unwrap_or_default(),
    );
    desk.terminal.hanging(&head, 4).await?;
    show_as_said(desk, &refused.text, &refused.found).await
}

/// The same for what is on record in English: in the reader's words, what was asked for once. Where what was found reads
/// otherwise in these words, the words that it was found in stand below.
async fn show_as_said(
    desk: &mut Desk<'_>,
    line: &str,
    found: &[Range<usize>],
) -> Result<(), Trouble> {
    let said = in_reader_words(desk, once(line));
    let places = places_of(&said, line, found);
    desk.terminal
        .hanging(&marked(desk, &said, &places), 4)
        .await?;
    if !found.is_empty() && places.is_empty() {
        let english = marked(desk, line, found);
        let args = [("text", english.trim_start().into())];
        let text = desk.say("search-found-in", &args);
        desk.terminal.hanging(&format!("    {text}"), 4).await?;
    }
    Ok(())
}

/// What somebody was told, or gave as a reason, is in their language, and no English of ours.
fn in_reader_words(desk: &Desk<'_>, line: &str) -> String {
    if line.starts_with("Écluse") {
        return line.to_owned();
    }
    if let Some(reason) = line.strip_prefix("reason: ") {
        return format!("{} {reason}", desk.say("operator-request-reason", &[]));
    }
    desk.gateway.texts.on_record(desk.lang(), line)
}

/// Where in `said` the words stand that were found in `line`.
fn places_of(said: &str, line: &str, found: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut places: Vec<Range<usize>> = Vec::new();
    for word in found.iter().filter_map(|range| line.get(range.clone())) {
        let from = places.last().map_or(0, |place| place.end);
        let at = said.get(from..).and_then(|rest| rest.find(word));
        places.extend(at.map(|at| from + at..from + at + word.len()));
    }
    places
}

/// `a shell: a shell is not part of …` without what it says twice.
fn once(line: &str) -> &str {
    let said_again = |(at, colon): (usize, &str)| {
        let (asked, why) = (line.get(..at)?, line.get(at + colon.len()..)?);
        let again = why.strip_prefix(asked)?.starts_with(' ');
        again.then_some(why)
    };
    line.match_indices(": ")
        .find_map(said_again)
        .unwrap_or(line)
}

/// An excerpt of a line with what was found in it.
fn marked(desk: &Desk<'_>, line: &str, found: &[Range<usize>]) -> String {
    let mut text = String::from("    ");
    for piece in excerpt(line, found, WIDTH) {
        match (piece.found, desk.terminal.is_plain()) {
            (false, _) => text.push_str(&piece.text),
            (true, true) => {
                text.push('«');
                text.push_str(&piece.text);
                text.push('»');
            }
            (true, false) => text.push_str(&desk.terminal.bold(&piece.text)),
        }
    }
    text
}

fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Hidden => "search-kind-hidden",
        Kind::Of(LineKind::Command) => "search-kind-command",
        Kind::Of(LineKind::Typed) => "search-kind-typed",
        Kind::Of(LineKind::Screen) => "search-kind-screen",
        Kind::Of(LineKind::Note) => "search-kind-note",
        Kind::Of(LineKind::Refusal) => "search-kind-refusal",
        Kind::Of(LineKind::File) => "search-kind-file",
        Kind::Of(LineKind::Forward) => "search-kind-forward",
    }
}

/// What was found in all, and what was not looked into: nobody takes silence for an answer.
async fn tell(desk: &mut Desk<'_>, over: &Summary) -> Result<(), Trouble> {
    let Summary {
        given,
        more,
        no_screens,
        typing,
        left,
    } = over;
    if *given == 0 {
        let all = !no_screens && left.is_nothing() && left.hidden.is_empty();
        let id = if all {
            "search-none"
        } else {
            "search-none-partly"
        };
        desk.line(id, &[]).await?;
        if *typing {
            numbered(desk, "search-hidden-left-out", &left.hidden).await?;
        }
        // What the gateway says is on record in one language, and found by its words there.
        if desk.lang() == Lang::Fr {
            desk.line("search-in-english", &[]).await?;
        }
    }
    if *typing {
        desk.line("search-no-input", &[]).await?;
    }
    if *more {
        desk.line("search-more", &[("shown", (*given).into())])
            .await?;
    }
    if *no_screens {
        desk.line("search-no-screens", &[]).await?;
    }
    tell_left(desk, left).await
}

/// A line for each reason.
async fn tell_left(desk: &mut Desk<'_>, left: &Left) -> Result<(), Trouble> {
    numbered(desk, "search-screens-left-out", &left.without_screens).await?;
    numbered(desk, "search-screens-unknown", &left.screens_unknown).await?;
    for (id, count) in [
        ("search-partly", left.partly),
        ("search-unreadable", left.unreadable),
        ("search-live", left.live),
    ] {
        if count > 0 {
            desk.line(id, &[("count", count.into())]).await?;
        }
    }
    Ok(())
}

/// A line that names recordings: `3, 4, 9`, and how many more where there are many.
async fn numbered(desk: &mut Desk<'_>, id: &str, numbers: &[u64]) -> Result<(), Trouble> {
    if numbers.is_empty() {
        return Ok(());
    }
    let shown: Vec<String> = numbers.iter().take(NUMBERS).map(u64::to_string).collect();
    let mut shown = shown.join(", ");
    let more = numbers.len().saturating_sub(NUMBERS);
    if more > 0 {
        let args = [("numbers", shown.into()), ("count", more.into())];
        shown = desk.say("search-numbers-more", &args);
    }
    let args = [("count", numbers.len().into()), ("numbers", shown.into())];
    desk.line(id, &args).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::once;

    #[test]
    fn a_refusal_says_what_was_asked_once() {
        assert_eq!(
            once("the subsystem sftp: the subsystem sftp is not part of this intervention"),
            "the subsystem sftp is not part of this intervention"
        );
        assert_eq!(
            once("the command `a: b`: the command `a: b` is not sent: why"),
            "the command `a: b` is not sent: why"
        );
        let other = "the variables FOO: not sent to the target";
        assert_eq!(once(other), other);
    }
}
