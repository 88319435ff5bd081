//! Where in a recording a replay begins, and that there is something there.

use std::time::Duration;

use ecluse_policy::{Span, Timestamp};
use ecluse_recordings::{OpenRecording, Part};

use super::Why;
use crate::deeds::typed::At;
use crate::texts::times;

/// Where to begin, counted from the opening of the channel that was chosen, or from the session's where there is none.
///
/// # Errors
/// There is nothing past its end.
pub(super) fn begin(
    at: Option<At>,
    started: Timestamp,
    recording: &OpenRecording,
    chosen: Option<u32>,
) -> Result<Duration, Why> {
    let channels = &recording.record().channels;
    let channel = channels.iter().find(|one| Some(one.number) == chosen);
    let opened = Duration::from_micros(channel.map_or(0, |channel| channel.opened_us));
    let at = match at {
        None => return Ok(Duration::ZERO),
        Some(At::Place(at)) => at,
        // The first such time since the session began.
        Some(At::Clock(time)) => times::since_start(time, started).saturating_sub(opened),
    };
    let closed = match channel {
        Some(channel) => channel.closed_us,
        None => channels.iter().map(|one| one.closed_us).max().unwrap_or(0),
    };
    let lasted = Duration::from_micros(closed).saturating_sub(opened);
    if at <= lasted {
        return Ok(at);
    }
    Err(Why::Beyond {
        length: lasted,
        from: started.plus(span(opened)),
        until: started.plus(span(opened.saturating_add(lasted))),
    })
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
        ..Part::default()
    }
}
