//! What is written behind `replay`.

use std::time::Duration;

use ecluse_policy::Span;
use jiff::civil::Time;

use super::super::moments;
use crate::admission::desk::arguments;
use crate::admission::parse_length;
use crate::admission::words::{Misuse, Takes};
use crate::texts::times;

const TAKES: Takes = Takes {
    values: &["channel", "speed", "skip-idle", "at"],
    sentences: &["find"],
    switches: &["unmask", "text"],
};
/// Idle stretches are shortened to this unless said otherwise.
const SKIP_IDLE: Span = Span::from_secs(2);
/// The slowest and the fastest replay.
const SPEEDS: std::ops::RangeInclusive<f64> = 0.1..=100.0;

/// Where a replay begins.
#[derive(Clone, Copy)]
pub(super) enum At {
    /// So long after the channel's opening.
    Place(Duration),
    /// At a time of day, UTC, as transcripts print it.
    Clock(Time),
}

/// A replay as somebody typed it.
#[derive(Clone)]
pub(super) struct Written {
    pub(super) number: u64,
    pub(super) channel: Option<u32>,
    pub(super) speed: f64,
    pub(super) skip_idle: Span,
    /// The option of the two above that was written: it says how fast a screen is played.
    pub(super) pace: Option<&'static str>,
    pub(super) at: Option<At>,
    pub(super) find: Option<String>,
    pub(super) unmask: bool,
    pub(super) text: bool,
}

/// Reads it.
pub(super) fn written(words: &[String]) -> Result<Written, Misuse> {
    let given = arguments(words, TAKES, 1)?;
    let typed = given
        .words
        .first()
        .ok_or(Misuse::Missing("usage-no-session"))?;
    let number = typed
        .trim_start_matches('#')
        .parse()
        .map_err(|_| Misuse::NumberUnclear(typed.clone()))?;
    let length = |name: &str, otherwise: Span| match given.one(name)? {
        None => Ok(otherwise),
        Some(typed) => parse_length(typed).ok_or_else(|| Misuse::LengthUnclear(typed.to_owned())),
    };
    let channel = match given.one("channel")? {
        None => None,
        Some(typed) => Some(
            typed
                .parse()
                .map_err(|_| Misuse::NumberUnclear(typed.to_owned()))?,
        ),
    };
    let speed = match given.one("speed")? {
        None => 1.0,
        Some(typed) => typed
            .trim_start_matches(['×', 'x'])
            .trim_end_matches('x')
            .replace(',', ".")
            .parse()
            .ok()
            .filter(|speed| SPEEDS.contains(speed))
            .ok_or_else(|| Misuse::SpeedUnclear(typed.to_owned()))?,
    };
    let at = match given.one("at")? {
        None => None,
        Some(typed) => {
            let place = moments::read(typed).map(At::Place);
            let at = place.or_else(|| times::time_of_day(typed).map(At::Clock));
            Some(at.ok_or_else(|| Misuse::PlaceUnclear(typed.to_owned()))?)
        }
    };
    Ok(Written {
        number,
        channel,
        speed,
        skip_idle: length("skip-idle", SKIP_IDLE)?,
        pace: ["speed", "skip-idle"]
            .into_iter()
            .zip(["--speed", "--skip-idle"])
            .find_map(|(name, option)| given.one(name).ok().flatten().map(|_| option)),
        at,
        find: given.one("find")?.map(str::to_owned),
        unmask: given.has("unmask"),
        text: given.has("text"),
    })
}
