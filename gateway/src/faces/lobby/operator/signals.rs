//! Signals that were found, in words (X3).

use ecluse_policy::signals::Signal;
use ecluse_policy::{Lang, Schedule, Span, Timestamp};

use crate::clock;
use crate::deeds::alerts::{Found, Told};
use crate::faces::lobby::desk::Desk;
use crate::terminal::layout::shorten;
use crate::texts::{amounts, hours, times, told};

/// What was found, where, against what, and what became of it; nothing for what is no signal.
pub(super) fn in_words(desk: &Desk<'_>, at: Timestamp, told_of: &Told) -> String {
    let Told::Signal {
        person,
        target,
        session,
        channel,
        command,
        signal,
        measured,
        threshold,
        holds,
        over,
    } = told_of
    else {
        return String::new();
    };
    let (lang, texts) = (desk.lang(), &desk.gateway.texts);
    let (kind, name) = match Signal::parse(signal) {
        Some(signal) => (signal.kind(), texts.signal(lang, &signal)),
        None => ("", told(signal)),
    };
    // A line that a tripwire found in a command is that command: it is told once.
    let is_told = |command: &String| matches!(measured, Found::Text(line) if line == command);
    let command = command.as_ref().filter(|command| !is_told(command));
    let runs = command.map_or("shell", |_| "command");
    let command = command.map(|command| shorten(&told(command), 60));
    let then = match (holds, over) {
        (false, _) => "notify",
        (true, false) => "hold",
        (true, true) => "over",
    };
    // A line may look like either.
    let value = |it: &Found| match (kind, it) {
        ("hours", Found::Text(text)) => in_words_of(lang, text),
        (_, it) => found(lang, it),
    };
    let args = [
        ("time", times::moment(at, clock::now(), None).into()),
        ("person", person.into()),
        (
            "target",
            target
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default()
                .into(),
        ),
        ("session", session.to_string().into()),
        ("channel", channel.to_string().into()),
        ("kind", kind.into()),
        ("name", name.into()),
        ("runs", runs.into()),
        ("command", command.unwrap_or_default().into()),
        ("measured", shorten(&value(measured), 100).into()),
        ("threshold", shorten(&value(threshold), 100).into()),
        ("then", then.into()),
    ];
    desk.say("operator-signal", &args)
}

/// What was found, or what it was held against.
fn found(lang: Lang, found: &Found) -> String {
    match found {
        Found::Bytes(bytes) => amounts::size(lang, *bytes),
        Found::Rate(rate) => amounts::rate(lang, *rate),
        Found::Seconds(seconds) => times::length_in(lang, Span::from_secs(*seconds)),
        Found::Text(text) => told(text),
    }
}

/// An instant and hours as people write them; else a line, as it was.
fn in_words_of(lang: Lang, text: &str) -> String {
    if let Ok(at) = Timestamp::parse(text) {
        times::to_the_second(at, clock::now())
    } else if let Ok(usual) = Schedule::parse(text) {
        hours::hours(lang, &usual)
    } else {
        told(text)
    }
}
