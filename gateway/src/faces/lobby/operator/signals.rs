//! Signals that were found, in words (X3).

use ecluse_policy::signals::Signal;
use ecluse_policy::{Lang, Span, Timestamp};

use crate::clock;
use crate::deeds::alerts::{Found, Told};
use crate::faces::lobby::desk::Desk;
use crate::terminal::layout::shorten;
use crate::texts::{amounts, times, told};

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
    let runs = command.as_ref().map_or("shell", |_| "command");
    let command = command.as_ref().map(|command| shorten(&told(command), 60));
    let then = match (holds, over) {
        (false, _) => "notify",
        (true, false) => "hold",
        (true, true) => "over",
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
        ("measured", shorten(&found(lang, measured), 100).into()),
        ("threshold", shorten(&found(lang, threshold), 100).into()),
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
