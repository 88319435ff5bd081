//! Where in a recording a replay begins, and that there is something there.

use std::time::Duration;

use ecluse_policy::Span;
use ecluse_recordings::bundle::Language;
use ecluse_recordings::{OpenRecording, Part};

use super::super::moments;
use super::written::At;
use crate::admission::desk::{Desk, Trouble};
use crate::store::Session;
use crate::texts::times;

/// Where to begin, counted from the opening of the channel that was chosen, or from the session's where there is none; past
/// its end there is nothing to show, which is said with the exit status.
pub(super) async fn begin(
    desk: &mut Desk<'_>,
    at: Option<At>,
    session: &Session,
    recording: &OpenRecording,
    chosen: Option<u32>,
) -> Result<Result<Duration, u32>, Trouble> {
    let channels = &recording.record().channels;
    let channel = channels.iter().find(|one| Some(one.number) == chosen);
    let opened = Duration::from_micros(channel.map_or(0, |channel| channel.opened_us));
    let at = match at {
        None => return Ok(Ok(Duration::ZERO)),
        Some(At::Place(at)) => at,
        // The first such time since the session began.
        Some(At::Clock(time)) => times::since_start(time, session.start.at).saturating_sub(opened),
    };
    let closed = match channel {
        Some(channel) => channel.closed_us,
        None => channels.iter().map(|one| one.closed_us).max().unwrap_or(0),
    };
    let lasted = Duration::from_micros(closed).saturating_sub(opened);
    if at <= lasted {
        return Ok(Ok(at));
    }
    let (from, until) = (
        session.start.at.plus(span(opened)),
        session.start.at.plus(span(opened.saturating_add(lasted))),
    );
    let args = [
        ("length", moments::written(lasted).into()),
        ("from", times::date_and_clock(from).into()),
        ("until", times::date_and_clock(until).into()),
    ];
    desk.problem("replay-beyond", &args).await.map(Err)
}

fn span(length: Duration) -> Span {
    Span::from_micros(u64::try_from(length.as_micros()).unwrap_or(u64::MAX))
}

/// What is printed as text: the channel that was asked for, from a place in the one that it is counted in.
pub(super) fn part(
    recording: &OpenRecording,
    asked: Option<u32>,
    counted_in: Option<u32>,
    at: Duration,
    language: Language,
) -> Part {
    let channels = &recording.record().channels;
    let opened_us = channels
        .iter()
        .find(|channel| Some(channel.number) == counted_in)
        .map_or(0, |channel| channel.opened_us);
    let from_us = match at {
        Duration::ZERO => 0,
        at => opened_us.saturating_add(u64::try_from(at.as_micros()).unwrap_or(u64::MAX)),
    };
    Part {
        channel: asked,
        from_us,
        find: None,
        language,
    }
}
