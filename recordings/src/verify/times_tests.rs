use proptest::prelude::*;
use serde_json::json;

use super::*;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
/// The day on which all this happens.
const NOW: i64 = 1_796_000_000 * SECOND;

fn entry(seq: u64, at_us: i64, kind: &str, detail: serde_json::Value) -> Entry {
    let session = kind.starts_with("session-") || kind == "recording-destroyed";
    Entry {
        seq,
        at_us,
        kind: kind.to_owned(),
        session: session.then(|| "s1".to_owned()),
        detail: detail.as_object().cloned().unwrap_or_default(),
        ..Entry::default()
    }
}

/// A log of a minute each, in which these stand at their places.
fn log(size: u64, others: &[Entry]) -> Times {
    let mut times = Times::default();
    for seq in 1..=size {
        match others.iter().find(|entry| entry.seq == seq) {
            Some(entry) => times.see(entry),
            None => {
                let at = NOW + i64::try_from(seq).unwrap() * 60 * SECOND;
                times.see(&entry(seq, at, "log-on", json!({})));
            }
        }
    }
    times
}

fn texts(found: &[(String, String)]) -> Vec<String> {
    let texts = found.iter();
    texts
        .map(|(place, text)| format!("{place}: {text}"))
        .collect()
}

/// R3, R7: the clock of one command, 63 days ahead, destroyed what was minutes old.
#[test]
fn r7_what_was_destroyed_under_another_clock_is_named() {
    let ahead = NOW + 63 * DAY;
    let destroyed = |seq| {
        entry(
            seq,
            ahead,
            "recording-destroyed",
            json!({ DUE: NOW + 62 * DAY }),
        )
    };
    let words = entry(7, ahead, "entries-destroyed", json!({}));
    let found = log(9, &[destroyed(5), destroyed(6), words]).judge();
    let early = texts(&found.early);
    assert_eq!(early.len(), 3, "{early:?}");
    assert!(
        early[0].starts_with("entry 5 (recording-destroyed): the recording was destroyed 61 d before its time: it was due since 20")
            && early[0].contains("entry 8 after it is of"),
        "{early:?}"
    );
    assert!(
        early[2].contains("words were destroyed 62 d before its time"),
        "{early:?}"
    );
    assert_eq!(found.notes, []);

    // Nothing follows but a checkpoint, or nothing at all.
    let mut alone = log(5, &[destroyed(5)]);
    alone.checkpoint(5, NOW + 400 * SECOND);
    let early = texts(&alone.judge().early);
    assert!(
        early[0].contains("the checkpoint of 5 entries after it"),
        "{early:?}"
    );
    assert_eq!(log(5, &[destroyed(5)]).judge(), Found::default());
}

/// Whoever dates entries falsely does not make a destruction wrong that was right, nor one right that was wrong.
#[test]
fn r3_false_dates_around_a_destruction_change_nothing_of_it() {
    let right = entry(
        20,
        NOW + 1200 * SECOND,
        "recording-destroyed",
        json!({ DUE: NOW - DAY }),
    );
    let back = |seq| entry(seq, NOW - 40 * DAY, "credential-set", json!({}));
    let found = log(60, &[right.clone(), back(21), back(30), back(31)]).judge();
    assert_eq!(found.early, []);
    assert_eq!(found.notes.len(), 2, "{:?}", found.notes);

    let ahead = |seq, kind| entry(seq, NOW + 63 * DAY, kind, json!({}));
    let wrong = ahead(20, "recording-destroyed");
    let found = log(
        60,
        &[
            ahead(19, "credential-set"),
            wrong,
            ahead(21, "credential-set"),
        ],
    )
    .judge();
    assert_eq!(found.early.len(), 1, "{:?}", found.notes);
}

/// R6: entries that are dated far from where they stand are named; clocks that differ a little are not.
#[test]
fn r6_dates_that_do_not_fit_their_place_are_named() {
    let back = entry(9, NOW - 40 * DAY, "credential-set", json!({}));
    let notes = texts(&log(30, std::slice::from_ref(&back)).judge().notes);
    assert_eq!(notes.len(), 1);
    assert!(
        notes[0].starts_with("entry 9: dated 20")
            && notes[0].contains("40 d before entry 8, which it follows"),
        "{notes:?}"
    );
    let ahead = |seq| entry(seq, NOW + 2 * 3600 * SECOND, "lockout", json!({}));
    let notes = texts(&log(30, &[ahead(9), ahead(10)]).judge().notes);
    assert!(
        notes[0].starts_with("entries 9 to 10: dated 20")
            && notes[0].contains("109 min after entry 11"),
        "{notes:?}"
    );
    let late = entry(25, NOW, "session-end", json!({}));
    let near = entry(9, NOW + 300 * SECOND, "lockout", json!({}));
    assert_eq!(log(30, &[late, near]).judge(), Found::default());
}

/// An honest correction is on record, and explains what stands around it.
#[test]
fn r6_a_clock_that_was_set_right_explains_its_dates() {
    let hour = 3600 * SECOND;
    let ahead: Vec<Entry> = (1..=10)
        .map(|seq| entry(seq, NOW + 2 * hour, "log-on", json!({})))
        .chain([entry(
            11,
            NOW + 660 * SECOND,
            "clock-jump",
            json!({ "micros": -2 * hour }),
        )])
        .collect();
    let notes = texts(&log(60, &ahead).judge().notes);
    assert_eq!(notes.len(), 1);
    assert!(
        notes[0].starts_with("entries 1 to 10")
            && notes[0].ends_with("entry 11 says that a clock was set there"),
        "{notes:?}"
    );
}

/// I3, R6: a session that ends before it begins, or was permitted for less long than it lasted.
#[test]
fn i3_sessions_that_outlast_what_was_permitted_are_named() {
    let at = |seconds: i64| NOW + seconds * SECOND;
    let start = entry(
        2,
        at(120),
        "session-start",
        json!({ PERMITTED_UNTIL: at(180) }),
    );
    let jump = entry(
        3,
        at(135 - 1800),
        "clock-jump",
        json!({ "micros": -1800 * SECOND }),
    );
    // As it stands in two trails.
    let again = Entry {
        seq: 4,
        ..jump.clone()
    };
    let end = entry(5, at(300 - 1800), "session-end", json!({}));
    let all = [start.clone(), jump, again, end];
    let notes = texts(&log(5, &all).judge().notes);
    let notes: Vec<&String> = notes
        .iter()
        .filter(|note| note.starts_with("session s1"))
        .collect();
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(
        notes[0].contains("a clock was set back meanwhile, which entry 3 tells"),
        "{notes:?}"
    );
    assert!(notes[1].contains("it ended 2 min after"), "{notes:?}");

    let long = entry(9, at(540), "session-end", json!({}));
    let notes = texts(&log(9, &[start.clone(), long]).judge().notes);
    assert!(notes[0].contains("is dated 6 min after"), "{notes:?}");
    let right = entry(3, at(181), "session-end", json!({}));
    assert_eq!(log(9, &[start, right]).judge(), Found::default());
}

proptest! {
    /// No log whose clocks differ by less than the tolerance is told anything of.
    #[test]
    fn r6_honest_logs_have_no_notes(steps in prop::collection::vec((0_i64..600, -140_i64..140), 1..200)) {
        let (mut times, mut now) = (Times::default(), NOW);
        for (seq, (step, off)) in (1..).zip(steps) {
            now += step * SECOND;
            times.see(&entry(seq, now + off * SECOND, "log-on", json!({})));
            if seq % 7 == 0 {
                times.checkpoint(seq, now);
            }
        }
        prop_assert_eq!(times.judge(), Found::default());
    }

    /// The row never goes back, and no longer one does.
    #[test]
    fn the_row_is_the_longest(ats in prop::collection::vec(0_i64..12, 0..10)) {
        let dates: Vec<Date> = (1..).zip(&ats).map(|(seq, at)| Date { seq, is_checkpoint: false, is_late: false, at: *at }).collect();
        let row = longest_row(&dates);
        prop_assert!(row.windows(2).all(|two| two[0] < two[1] && dates[two[0]].at <= dates[two[1]].at));
        let longest = (0_u32..1 << ats.len())
            .filter(|chosen| {
                let chosen: Vec<i64> = (0..ats.len()).filter(|bit| chosen >> bit & 1 == 1).map(|bit| ats[bit]).collect();
                chosen.is_sorted()
            })
            .map(u32::count_ones)
            .max();
        prop_assert_eq!(Some(u32::try_from(row.len()).unwrap()), longest);
    }
}
