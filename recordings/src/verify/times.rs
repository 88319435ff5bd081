//! The order of the log and the dates in it, held together: what stands where no clock that was right can have put it.
//!
//! An entry is dated by whoever writes it, and its place it gets from the log, so the two show one another up
//! (`gateway/adr/0033-time-and-the-order-of-the-log.md`). The time at a place is what most entries and checkpoints around it
//! agree on: the longest row of them whose dates never go back. One that is outside it by more than [`TOLERANCE`] is named,
//! and accuses nobody. What counts against a bundle or a journal is one thing: that something was destroyed before it was due.

use std::collections::{BTreeMap, BTreeSet};

use super::entries::place;
use super::served::Served;
use crate::evidence::manifest::sha256_hex;
use crate::layout::moment;
use crate::log::Entry;

/// The detail of a destruction: since when it was due. **Unit**: microseconds since 1970, UTC.
pub const DUE: &str = "due-us";
/// The detail of a session's beginning: until when it was permitted at most. **Unit**: microseconds since 1970, UTC.
pub const PERMITTED_UNTIL: &str = "permitted-until-us";

/// How far dates may go back without being named: clocks of several machines differ, and entries wait for the store.
/// **Unit**: microseconds.
pub const TOLERANCE: i64 = 300_000_000;
/// How much too early is a destruction that no honest command made: it refuses where no gateway was heard of for so long.
pub(super) const EARLY: i64 = 7_200_000_000;
/// How far clocks and ends of sessions may differ, within one session.
const MOMENT: i64 = 60_000_000;
/// Notes of dates that are made one by one.
const MOST: usize = 20;
/// Dates that are held together at most, thirty bytes each: a stranger's bundle may have any number.
const MOST_DATES: usize = 4_000_000;
/// A clock-jump explains entries that stand so close to it.
const NEAR: u64 = 50;

/// What is dated when it happened and may be put on record much later, since the store was away or the gateway down.
const LATE: [&str; 8] = [
    "session-end",
    "session-outlived",
    "log-off",
    "log-on-refused",
    "recording-recovered",
    "recording-failed",
    "serve-cut-short",
    "cut",
];

/// What a gateway that serves puts on record by itself, again and again.
const SERVED: [&str; 5] = [
    "serve-start",
    "serve-stop",
    "trail-count",
    "clock-reading",
    "clock-jump",
];

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Destroyed before it was due: which entry says so, and what of it.
    pub early: Vec<(String, String)>,
    /// What else there is to know.
    pub notes: Vec<(String, String)>,
}

/// The dates, as the entries go by.
#[derive(Debug, Default)]
pub struct Times {
    dates: Vec<Date>,
    left_out: u64,
    destroyed: Vec<Destroyed>,
    jumps: Vec<Jump>,
    /// Every gateway that began, by the digest of its name, as far as that would name it.
    began: BTreeSet<String>,
    sessions: BTreeMap<String, Session>,
}

/// The date of an entry, or of a checkpoint of so many entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Date {
    pub(super) seq: u64,
    pub(super) is_checkpoint: bool,
    pub(super) is_late: bool,
    /// Whether a gateway says with it what time it is: without that nothing is destroyed.
    pub(super) is_served: bool,
    pub(super) at: i64,
}

#[derive(Debug)]
struct Destroyed {
    seq: u64,
    at: i64,
    place: String,
    due: Option<i64>,
    is_recording: bool,
}

#[derive(Debug)]
pub(super) struct Jump {
    pub(super) seq: u64,
    at: i64,
    pub(super) micros: i64,
    /// Whose clock it was, by the digest of the gateway's name; none of an earlier version, which does not tell.
    pub(super) node: Option<String>,
}

#[derive(Debug, Default)]
struct Session {
    start: Option<(u64, i64)>,
    /// Its gateway, by the digest of its name, where that is told.
    node: Option<String>,
    until: Option<i64>,
    end: Option<(u64, i64)>,
}

impl Times {
    /// The next entry, in the order of the log.
    pub fn see(&mut self, entry: &Entry) {
        let number = |key| entry.detail.get(key).and_then(serde_json::Value::as_i64);
        let is_recording = entry.kind == "recording-destroyed";
        if is_recording || entry.kind == "entries-destroyed" {
            // Evidence of when others were made, and never of itself.
            self.destroyed.push(Destroyed {
                seq: entry.seq,
                at: entry.at_us,
                place: place(entry),
                due: number(DUE),
                is_recording,
            });
            return;
        }
        self.date(Date {
            seq: entry.seq,
            is_checkpoint: false,
            is_late: LATE.contains(&entry.kind.as_str()),
            is_served: SERVED.contains(&entry.kind.as_str()),
            at: entry.at_us,
        });
        let node = || {
            let node = entry.detail_text("node")?;
            Some(sha256_hex(node.as_bytes()))
        };
        if entry.kind == "serve-start" {
            self.began.extend(node());
        }
        if entry.kind == "clock-jump"
            && let Some(micros) = number("micros")
        {
            let jump = Jump {
                seq: entry.seq,
                at: entry.at_us,
                micros,
                node: node(),
            };
            // It stands in every trail.
            let same =
                |one: &Jump| (one.at, one.micros, &one.node) == (jump.at, jump.micros, &jump.node);
            if !self.jumps.iter().rev().take(MOST).any(same) {
                self.jumps.push(jump);
            }
        }
        if let Some(session) = &entry.session {
            let here = (entry.seq, entry.at_us);
            match entry.kind.as_str() {
                "session-start" => {
                    let session = self.sessions.entry(session.clone()).or_default();
                    session.start = Some(here);
                    session.until = number(PERMITTED_UNTIL);
                    session.node = entry.detail_text("node-sha256").map(str::to_owned);
                }
                "session-end" => self.sessions.entry(session.clone()).or_default().end = Some(here),
                _ => {}
            }
        }
    }

    /// A checkpoint of the log, of so many entries.
    pub fn checkpoint(&mut self, size: u64, at: i64) {
        self.date(Date {
            seq: size,
            is_checkpoint: true,
            is_late: false,
            is_served: true,
            at,
        });
    }

    fn date(&mut self, date: Date) {
        if self.dates.len() < MOST_DATES {
            self.dates.push(date);
        } else {
            self.left_out += 1;
        }
    }

    /// What stands where it cannot have been made.
    #[must_use]
    pub fn judge(mut self) -> Found {
        // Checkpoints come when they come; each stands behind the last entry that it covers.
        self.dates.sort();
        let row = longest_row(&self.dates);
        let mut found = Found::default();
        self.destructions(&row, &mut found);
        self.outside(&row, &mut found);
        self.of_sessions(&mut found);
        if self.left_out > 0 {
            let text = format!(
                "{} more than {MOST_DATES} were not compared with the order of the log",
                self.left_out
            );
            found.notes.push(("the dates".to_owned(), text));
        }
        found
    }

    /// The dates of the row before and after a place.
    fn around(&self, row: &[usize], seq: u64) -> (Option<Date>, Option<Date>) {
        let date = |index: &usize| self.dates.get(*index).copied();
        let before = |index: &usize| date(index).is_some_and(|date| date.seq < seq);
        let next = row.partition_point(before);
        // Not the place itself, where it is of the row.
        let after = row.iter().skip(next).filter_map(date);
        let after = after
            .into_iter()
            .find(|date| date.seq > seq || date.is_checkpoint);
        (
            next.checked_sub(1).and_then(|last| date(row.get(last)?)),
            after,
        )
    }

    fn destructions(&self, row: &[usize], found: &mut Found) {
        let served = Served::of(&self.dates, &self.jumps, &self.began);
        for one in &self.destroyed {
            let (before, after) = self.around(row, one.seq);
            let due = one.due.unwrap_or(one.at);
            let by_row = after.filter(|after| due.saturating_sub(after.at) > EARLY);
            let since = by_row.or_else(|| served.contradicts(one.seq, due));
            if let Some(after) = since {
                let early = due.saturating_sub(after.at);
                let what = if one.is_recording {
                    "the recording was destroyed"
                } else {
                    "words were destroyed"
                };
                let because = match one.due {
                    Some(due) => format!("it was due since {}", moment(due)),
                    None => format!("it is dated {}", moment(one.at)),
                };
                let text = format!(
                    "{what} {} before its time: {because}, and {after} after it is of {}",
                    length(early),
                    moment(after.at),
                    after = named(after),
                );
                found.early.push((one.place.clone(), text));
            } else if let Some(text) =
                after.and_then(|after| apart(one.at, before, Some(after), false))
            {
                found.notes.push((one.place.clone(), text));
            }
        }
    }

    /// Entries and checkpoints that are outside the row, those that follow one another in one note.
    fn outside(&self, row: &[usize], found: &mut Found) {
        let mut runs: Vec<(Date, Date, String)> = Vec::new();
        let (mut of_row, mut is_open) = (row.iter().copied().peekable(), false);
        for (index, date) in self.dates.iter().enumerate() {
            if of_row.next_if_eq(&index).is_some() {
                is_open = false;
                continue;
            }
            let (before, after) = self.around(row, date.seq);
            let Some(text) = apart(date.at, before, after, date.is_late) else {
                continue;
            };
            match runs.last_mut() {
                Some((_, last, _)) if is_open => *last = *date,
                Some(_) | None => runs.push((*date, *date, text)),
            }
            is_open = true;
        }
        let more = runs.len().saturating_sub(MOST);
        for (first, last, text) in runs.into_iter().take(MOST) {
            let place = if first.seq == last.seq {
                named(first)
            } else {
                format!("entries {} to {}", first.seq, last.seq)
            };
            let near = |jump: &&Jump| {
                jump.seq.saturating_add(NEAR) >= first.seq
                    && jump.seq <= last.seq.saturating_add(NEAR)
            };
            let because = match self.jumps.iter().find(near) {
                Some(jump) => format!("; entry {} says that a clock was set there", jump.seq),
                None => String::new(),
            };
            found.notes.push((place, format!("{text}{because}")));
        }
        if more > 0 {
            let text = format!("{more} more stretches are dated otherwise than they stand");
            found.notes.push(("the dates".to_owned(), text));
        }
    }

    fn of_sessions(&self, found: &mut Found) {
        for (name, session) in &self.sessions {
            let (Some((began, start)), Some((ended, end))) = (session.start, session.end) else {
                continue;
            };
            // Another gateway's clock is no matter of this one's sessions.
            let theirs = |jump: &&Jump| match (&jump.node, &session.node) {
                (Some(jumped), Some(carried)) => jumped == carried,
                (Some(_) | None, Some(_) | None) => true,
            };
            // The end may be the first that shows a jump, which is put on record behind it: then it is dated as the jump is.
            let at_end = |jump: &Jump| {
                jump.seq > ended
                    && jump.seq <= ended.saturating_add(NEAR)
                    && (0..=MOMENT).contains(&end.saturating_sub(jump.at))
            };
            let between = self
                .jumps
                .iter()
                .filter(|jump| jump.seq > began && jump.seq <= ended || at_end(jump))
                .filter(theirs);
            // What was set ahead and back again took nothing and gave nothing.
            let net: i64 = between.clone().map(|jump| jump.micros).sum();
            let back = net.min(0);
            let place = format!("session {name}");
            if end.saturating_add(MOMENT) < start {
                let because = match between.clone().find(|jump| jump.micros < 0) {
                    Some(jump) => format!(
                        "a clock was set back meanwhile, which entry {} tells",
                        jump.seq
                    ),
                    None => "no entry says that a clock was set back".to_owned(),
                };
                let text = format!(
                    "its end (entry {ended}) is dated {} before its beginning (entry {began}): {because}",
                    length(start.saturating_sub(end))
                );
                found.notes.push((place.clone(), text));
            }
            let Some(until) = session.until else { continue };
            let over = end.saturating_sub(until);
            let over_unset = over.saturating_sub(back);
            // A clock that is set beyond it ends it, and is on record itself.
            let was_set_beyond = net > 0 && over.saturating_sub(net) <= MOMENT;
            if over > MOMENT && !was_set_beyond {
                let text = format!(
                    "its end (entry {ended}) is dated {} after {}, until when it was permitted",
                    length(over),
                    moment(until)
                );
                found.notes.push((place, text));
            } else if back < 0 && over_unset > MOMENT {
                let (back, over) = (length(back.saturating_neg()), length(over_unset));
                let until = moment(until);
                let is_known =
                    session.node.is_some() && between.clone().all(|jump| jump.node.is_some());
                let text = if is_known {
                    format!(
                        "its gateway's clock was set back by {back} while it went on: it ended {over} after {until}, until when it was permitted"
                    )
                } else {
                    format!(
                        "clocks were set back by {back} while it went on: where that was its gateway's, it ended {over} after {until}, until when it was permitted"
                    )
                };
                found.notes.push((place, text));
            }
        }
    }
}

/// How a date is out of place between those before and after it, in words.
fn apart(at: i64, before: Option<Date>, after: Option<Date>, is_late: bool) -> Option<String> {
    if let Some(after) = after
        && at.saturating_sub(after.at) > TOLERANCE
    {
        return Some(format!(
            "dated {}, {} after {}, which follows it",
            moment(at),
            length(at.saturating_sub(after.at)),
            named(after)
        ));
    }
    let before = before.filter(|_| !is_late)?;
    let behind = before.at.saturating_sub(at);
    (behind > TOLERANCE).then(|| {
        format!(
            "dated {}, {} before {}, which it follows: by another clock, or put on record late",
            moment(at),
            length(behind),
            named(before)
        )
    })
}

fn named(date: Date) -> String {
    if date.is_checkpoint {
        format!("the checkpoint of {} entries", date.seq)
    } else {
        format!("entry {}", date.seq)
    }
}

/// A length of time, for people.
fn length(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        172_800.. => format!("{} d", seconds / 86_400),
    }
}

/// The places of the longest row of dates that never go back; of several, one.
fn longest_row(dates: &[Date]) -> Vec<usize> {
    // Of each length, the place where a row of it ends earliest; and the place before each.
    let at = |place: u32| dates.get(place as usize);
    let mut ends: Vec<u32> = Vec::new();
    let mut before: Vec<u32> = Vec::with_capacity(dates.len());
    for (index, date) in (0_u32..).zip(dates) {
        let goes_on = |end: &u32| at(*end).is_some_and(|end| end.at <= date.at);
        let length = ends.partition_point(goes_on);
        let last = length.checked_sub(1).and_then(|last| ends.get(last));
        before.push(last.copied().unwrap_or(NONE));
        match ends.get_mut(length) {
            Some(end) => *end = index,
            None => ends.push(index),
        }
    }
    let mut row = Vec::with_capacity(ends.len());
    let mut place = ends.last().copied().unwrap_or(NONE);
    while place != NONE {
        row.push(place as usize);
        place = before.get(place as usize).copied().unwrap_or(NONE);
    }
    row.reverse();
    row
}

/// No place: there are fewer than [`MOST_DATES`].
const NONE: u32 = u32::MAX;

#[cfg(test)]
#[path = "times_tests.rs"]
mod tests;
