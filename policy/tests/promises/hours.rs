//! Promises of hours: open when the wall clock says so, over midnight, and right when the clock changes.

use ecluse_policy::*;
use proptest::prelude::*;

use crate::site::*;

fn hours(text: &str) -> Schedule {
    Schedule::parse(text).unwrap()
}

/// Opens and closes exactly at these instants.
fn window(schedule: &Schedule, from: &str, to: &str) {
    let (from, to, tick) = (at(from), at(to), Span::from_micros(1));
    assert!(!schedule.open_at(from.minus(tick)), "before {from}");
    assert!(schedule.open_at(from), "at {from}");
    assert!(schedule.open_at(to.minus(tick)), "before {to}");
    assert!(!schedule.open_at(to), "at {to}");
    assert_eq!(schedule.closes_after(from), Some(to));
    assert_eq!(schedule.opens_after(from.minus(tick)), Some(from));
}

#[test]
fn office_hours_follow_summer_and_winter_time() {
    let office = hours("mon-fri 07:00-20:00 Europe/Paris");
    window(&office, "2026-11-23T06:00:00Z", "2026-11-23T19:00:00Z");
    window(&office, "2026-07-06T05:00:00Z", "2026-07-06T18:00:00Z");
    assert_eq!(
        office.opens_after(at("2026-11-21T12:00:00Z")),
        Some(at("2026-11-23T06:00:00Z")),
        "over the week-end"
    );
    assert!(!office.open_at(at("2026-11-22T12:00:00Z")));
}

/// 2026-03-29: 02:00 becomes 03:00. 2026-10-25: 03:00 becomes 02:00 again.
#[test]
fn a_night_when_the_clock_changes_is_neither_stretched_nor_opened_twice() {
    window(
        &hours("sun 01:00-04:00 Europe/Paris"),
        "2026-03-29T00:00:00Z",
        "2026-03-29T02:00:00Z",
    );
    window(
        &hours("sun 01:00-02:30 Europe/Paris"),
        "2026-03-29T00:00:00Z",
        "2026-03-29T01:00:00Z",
    ); // ends at the jump
    window(
        &hours("sun 02:30-05:00 Europe/Paris"),
        "2026-03-29T01:00:00Z",
        "2026-03-29T03:00:00Z",
    ); // begins at the jump
    let jumped = hours("sun 02:10-02:50 Europe/Paris");
    assert!(
        !jumped.open_at(at("2026-03-29T00:59:59Z")) && !jumped.open_at(at("2026-03-29T01:00:00Z")),
        "never shown, never open"
    );
    window(&jumped, "2026-04-05T00:10:00Z", "2026-04-05T00:50:00Z");

    window(
        &hours("sun 01:00-04:00 Europe/Paris"),
        "2026-10-24T23:00:00Z",
        "2026-10-25T03:00:00Z",
    );
    let once = hours("sun 01:00-02:30 Europe/Paris");
    window(&once, "2026-10-24T23:00:00Z", "2026-10-25T00:30:00Z");
    assert!(
        !once.open_at(at("2026-10-25T01:15:00Z")),
        "02:15 is shown a second time: still closed"
    );
    window(
        &hours("sun 02:15-02:45 Europe/Paris"),
        "2026-10-25T00:15:00Z",
        "2026-10-25T00:45:00Z",
    );
}

#[test]
fn a_window_over_midnight_belongs_to_the_day_it_begins() {
    let night = hours("fri 22:00-06:00 Europe/Paris");
    window(&night, "2026-11-27T21:00:00Z", "2026-11-28T05:00:00Z");
    assert!(
        !night.open_at(at("2026-11-27T02:00:00Z")),
        "the night from Thursday"
    );
    window(
        &hours("sun 22:00-24:00 Europe/Paris"),
        "2026-11-29T21:00:00Z",
        "2026-11-29T23:00:00Z",
    );
    window(
        &hours("sat-mon 23:30-00:30 UTC"),
        "2026-11-23T23:30:00Z",
        "2026-11-24T00:30:00Z",
    );
    window(
        &hours("sat 22:00-06:00 Europe/Paris"),
        "2026-03-28T21:00:00Z",
        "2026-03-29T04:00:00Z",
    ); // 7 hours long
    window(
        &hours("sat 22:00-06:00 Europe/Paris"),
        "2026-10-24T20:00:00Z",
        "2026-10-25T05:00:00Z",
    ); // 9 hours long
}

#[test]
fn windows_that_touch_are_one_and_a_full_week_never_closes() {
    let touching = hours("mon 08:00-12:00 UTC; mon 12:00-14:00 UTC; mon 13:00-16:00 UTC");
    assert_eq!(
        touching.closes_after(at("2026-11-23T09:00:00Z")),
        Some(at("2026-11-23T16:00:00Z"))
    );
    for always in [
        "always",
        "mon-sun 00:00-24:00 Europe/Paris",
        "mon-sun 08:00-07:00 UTC; mon-sun 06:30-08:30 UTC",
    ] {
        assert_eq!(hours(always).closes_after(t0()), None, "{always}");
        assert!(hours(always).open_at(t0()));
    }
    assert_eq!(
        hours("mon-sat 00:00-24:00 UTC").closes_after(t0()),
        Some(at("2026-11-29T00:00:00Z"))
    );
    let closed = hours("sun 10:00-11:00 UTC");
    assert_eq!(
        closed.closes_after(t0()),
        Some(t0()),
        "where it is closed nothing is left"
    );
}

#[test]
fn what_is_written_reads_back() {
    let schedule = hours("  mon-fri   07:00-20:00  Europe/Paris ;sat 08:00-12:00 Europe/Paris");
    assert_eq!(
        schedule.to_string(),
        "mon-fri 07:00-20:00 Europe/Paris; sat 08:00-12:00 Europe/Paris"
    );
    assert_eq!(hours(&schedule.to_string()), schedule);
    for bad in [
        "",
        ";",
        "always;always",
        "mon 7:00-8:00 UTC",
        "mon 07:00-08:60 UTC",
        "mon 24:00-08:00 UTC",
        "mon 07:00 UTC",
        "mon 07:00-08:00 ../../etc/passwd",
        "mon- 07:00-08:00 UTC",
        "mon, 07:00-08:00 UTC",
        "mon 07:00-08:00 UTC;",
    ] {
        assert!(Schedule::parse(bad).is_err(), "{bad}");
    }
}

/// Open by the wall clock alone, for zones and days on which the clock does not change.
fn naive(day_first: u32, day_last: u32, from: i64, to: i64, at: Timestamp) -> bool {
    let minutes = at.as_micros().div_euclid(60_000_000);
    let (day, minute) = (minutes.div_euclid(1_440), minutes.rem_euclid(1_440));
    let weekday = |day: i64| u32::try_from((day + 3).rem_euclid(7)).unwrap(); // 1970-01-01 was a Thursday
    let among = |day: u32| (day + 7 - day_first) % 7 <= (day_last + 7 - day_first) % 7;
    let today = among(weekday(day)) && minute >= from && (minute < to || to <= from);
    let since_yesterday = among(weekday(day - 1)) && to <= from && minute < to;
    today || since_yesterday
}

proptest! {
    #[test]
    fn hours_agree_with_the_wall_clock(first in 0u32..7, last in 0u32..7, from in 0i64..1440, to in 0i64..1440, minute in 0i64..20_160) {
        prop_assume!(from != to);
        const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let text = format!("{}-{} {:02}:{:02}-{:02}:{:02} UTC", NAMES[first as usize], NAMES[last as usize], from / 60, from % 60, to / 60, to % 60);
        let schedule = hours(&text);
        let now = t0().plus(Span::from_mins(u64::try_from(minute).unwrap()));
        prop_assert_eq!(schedule.open_at(now), naive(first, last, from, to, now), "{} at {}", text, now);
        // It stays open until it closes, is closed then, and is closed until it opens.
        match schedule.closes_after(now) {
            Some(end) if end > now => {
                prop_assert!(!schedule.open_at(end));
                prop_assert!(schedule.open_at(end.minus(Span::from_micros(1))));
                prop_assert!(schedule.open_at(now.plus(Span::from_micros(end.since(now).as_micros() / 2))));
            }
            Some(_) => prop_assert!(!schedule.open_at(now)),
            None => prop_assert!(schedule.open_at(now)),
        }
        let opens = schedule.opens_after(now).unwrap();
        prop_assert!(schedule.open_at(opens));
        prop_assert!(opens == now || !schedule.open_at(opens.minus(Span::from_micros(1))));
    }
}
