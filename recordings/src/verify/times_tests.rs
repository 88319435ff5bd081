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

/// R7: a gateway that starts once by a dead clock, long before all that is on record, accuses no destruction that was honest.
#[test]
fn r7_a_clock_from_before_the_log_contradicts_nothing() {
    let mut times = Times::default();
    let minute = |n: i64| NOW + n * 60 * SECOND;
    for n in 1..20 {
        times.see(&entry(n, minute(n.cast_signed()), "trail-count", json!({})));
    }
    // Nobody served in the two months between.
    let later = 63 * DAY;
    times.see(&entry(20, minute(20) + later, "serve-start", json!({})));
    let due = json!({ DUE: minute(20) + later - DAY });
    let destroyed = entry(21, minute(21) + later, "recording-destroyed", due);
    times.see(&destroyed);
    times.see(&entry(22, NOW - 300 * DAY, "serve-start", json!({})));
    times.see(&entry(23, minute(23) + later, "serve-start", json!({})));
    times.checkpoint(23, minute(24) + later);
    let early = texts(&times.judge().early);
    assert!(early.is_empty(), "{early:?}");
}

/// R7, R3: however many entries somebody makes by the clock that destroyed, and whether or not a running gateway saw it set: the
/// gateway that serves at the right time afterwards contradicts it. A log that lived through the time is honest, whatever clock is
/// wrong after it.
#[test]
fn r7_no_number_of_entries_outvotes_the_time_at_which_a_gateway_serves() {
    let minute = |seq: i64| NOW + seq * 60 * SECOND;
    let falsely = |with_jumps: bool| {
        let mut times = Times::default();
        let mut seq = 0;
        let mut see = |at: i64, kind: &str, detail: serde_json::Value| {
            seq += 1;
            times.see(&entry(seq, at, kind, detail));
        };
        for n in 0..20 {
            see(minute(n), "trail-count", json!({}));
        }
        let jump = |micros: i64| ("clock-jump", json!({ "micros": micros, "node": "a" }));
        let (kind, detail) = if with_jumps {
            jump(63 * DAY)
        } else {
            ("serve-start", json!({}))
        };
        see(minute(20) + 63 * DAY, kind, detail);
        see(
            minute(21) + 63 * DAY,
            "recording-destroyed",
            json!({ DUE: minute(30) + 62 * DAY }),
        );
        for n in 22..400 {
            see(minute(n) + 63 * DAY, "credential-set", json!({}));
        }
        let (kind, detail) = if with_jumps {
            jump(-63 * DAY)
        } else {
            ("serve-start", json!({}))
        };
        see(minute(23), kind, detail);
        see(minute(24), "log-on", json!({}));
        times.checkpoint(seq, minute(25));
        texts(&times.judge().early)
    };
    for with_jumps in [true, false] {
        let early = falsely(with_jumps);
        assert_eq!(early.len(), 1, "{early:?}");
        assert!(early[0].contains("62 d before its time"), "{early:?}");
    }
    // Three days of hourly counts; what became due a day ago is destroyed; then another gateway's clock is three days behind.
    let mut times = Times::default();
    let hour = 3600 * SECOND;
    for n in 0..72 {
        let at = NOW + i64::try_from(n).unwrap() * hour;
        times.see(&entry(n + 1, at, "trail-count", json!({})));
    }
    let now = NOW + 72 * hour;
    times.see(&entry(
        73,
        now,
        "recording-destroyed",
        json!({ DUE: now - 24 * hour }),
    ));
    for seq in 74..90 {
        times.see(&entry(seq, now - 72 * hour, "trail-count", json!({})));
    }
    times.see(&entry(90, now + SECOND, "trail-count", json!({})));
    assert_eq!(texts(&times.judge().early), Vec::<String>::new());
}

/// R7, R6: a clock that was set back, and right again after an upgrade: the jump that an earlier version put on record names no
/// gateway, and is that of the one which began. Of several it is not told whose it was.
#[test]
fn r7_a_jump_from_before_an_upgrade_is_of_the_gateway_that_began() {
    let early = |others: &[&str], named: Option<&str>| {
        let mut times = Times::default();
        let mut seq = 0;
        let mut see = |minute: i64, kind: &str, detail: serde_json::Value| {
            seq += 1;
            times.see(&entry(seq, NOW + minute * 60 * SECOND, kind, detail));
        };
        let begins = json!({ "node": "a" });
        see(0, "serve-start", begins.clone());
        for node in others {
            see(0, "serve-start", json!({ "node": node }));
        }
        for minute in 1..20 {
            see(minute, "trail-count", json!({}));
        }
        // Nobody serves for two months.
        let (day, back) = (24 * 60, 62 * 24 * 60);
        let now = 63 * day;
        see(now, "serve-start", begins);
        for _ in 0..5 {
            see(now, "log-on", json!({}));
        }
        let due = NOW + (now - day) * 60 * SECOND;
        see(now + 1, "recording-destroyed", json!({ DUE: due }));
        let jump = |minutes: i64| json!({ "micros": minutes * 60 * SECOND });
        see(now - back + 2, "clock-jump", jump(-back));
        see(now - back + 3, "trail-count", json!({}));
        let mut set_right = jump(back);
        if let Some(node) = named {
            set_right["node"] = node.into();
        }
        see(now + 4, "clock-jump", set_right);
        see(now + 5, "trail-count", json!({}));
        texts(&times.judge().early).len()
    };
    for (others, named, found) in [
        (&[][..], Some("a"), 0),
        (&["a"], None, 0),
        (&[], Some("b"), 1),
        (&["b"], Some("a"), 1),
        (&["b"], None, 1),
    ] {
        assert_eq!(early(others, named), found, "{others:?} {named:?}");
    }
}

/// R6: a jump that the end of a session is the first to show is on record behind it; and what was set ahead and back again is no
/// time that anybody was given.
#[test]
fn r6_the_jumps_of_a_session_are_taken_together() {
    let at = |seconds: i64| NOW + seconds * SECOND;
    let jump = |seq, at_us, seconds: i64| {
        let detail = json!({ "micros": seconds * SECOND, "node": "a" });
        entry(seq, at_us, "clock-jump", detail)
    };
    let start = |until: i64| {
        let node = sha256_hex(b"a");
        let detail = json!({ PERMITTED_UNTIL: at(until), "node-sha256": node });
        entry(2, at(120), "session-start", detail)
    };
    let of_session = |all: &[Entry]| {
        let notes = texts(&log(12, all).judge().notes);
        let notes = notes
            .into_iter()
            .filter(|note| note.starts_with("session s1"));
        notes.collect::<Vec<_>>()
    };
    let back = -30 * 3600;
    let end = entry(3, at(130 + back), "session-end", json!({}));
    let notes = of_session(&[start(3600), end, jump(5, at(129 + back), back)]);
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].contains("which entry 5 tells"), "{notes:?}");
    let both = [
        start(3600),
        jump(3, at(130 + 18 * 3600), 18 * 3600),
        jump(4, at(140), -18 * 3600),
        entry(9, at(540), "session-end", json!({})),
    ];
    assert_eq!(of_session(&both), Vec::<String>::new());
    let beyond = at(125 + 18 * 3600);
    let ended = entry(4, beyond, "session-end", json!({}));
    let notes = of_session(&[start(3600), jump(3, beyond, 18 * 3600), ended]);
    assert_eq!(notes, Vec::<String>::new());
}

/// I3, R6: what another gateway's clock did is no word about a session; that of its own counts once, whoever else's jumped at that
/// moment, and where an older entry does not say whose it was, that is said.
#[test]
fn i3_a_jump_is_of_the_gateway_whose_clock_it_was() {
    let at = |seconds: i64| NOW + seconds * SECOND;
    let told = |node: Option<&str>, jumped: &[Option<&str>]| {
        let mut start = json!({ PERMITTED_UNTIL: at(180) });
        if let Some(node) = node {
            start["node-sha256"] = sha256_hex(node.as_bytes()).into();
        }
        let mut all = vec![entry(2, at(120), "session-start", start)];
        for (seq, node) in (3..).zip(jumped) {
            let mut jump = json!({ "micros": -600 * SECOND });
            if let Some(node) = node {
                jump["node"] = (*node).into();
            }
            all.push(entry(seq, at(125), "clock-jump", jump));
        }
        all.push(entry(9, at(160), "session-end", json!({})));
        let notes = texts(&log(9, &all).judge().notes);
        notes
            .into_iter()
            .filter(|note| note.starts_with("session s1"))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        told(Some("a"), &[Some("b"), Some("c")]),
        Vec::<String>::new()
    );
    // Each in two trails.
    let own = told(Some("a"), &[Some("b"), Some("a"), Some("b"), Some("a")]);
    assert_eq!(own.len(), 1);
    assert!(
        own[0].contains("its gateway's clock was set back by 10 min")
            && own[0].contains("it ended 9 min after"),
        "{own:?}"
    );
    for (node, jumped) in [(Some("a"), None), (None, Some("b")), (None, None)] {
        let older = told(node, &[jumped]);
        assert!(
            older[0].contains("where that was its gateway's"),
            "{older:?}"
        );
    }
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
        let dates: Vec<Date> = (1..).zip(&ats).map(|(seq, at)| Date { seq, is_checkpoint: false, is_late: false, is_served: false, at: *at }).collect();
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
