//! A crowd is told once, however many it is of.

use super::*;

const EVERYBODY: Places = Places::Before(Pool::Everybody);

fn at(secs: u64) -> Timestamp {
    Timestamp::from_secs(1_790_000_000 + secs)
}

fn source(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

fn kinds(records: &[AuditRecord]) -> Vec<AuditKind> {
    records.iter().map(|record| record.kind).collect()
}

/// F5: ten thousand strangers are two entries: the beginning and the end.
#[test]
fn a_crowd_is_told_once_and_its_end_with_the_counts() {
    let crowds = Crowds::default();
    crowds.turned_away(EVERYBODY, Full::Pool, source(1), at(0));
    let begun = crowds.look(at(0));
    assert_eq!(kinds(&begun), [AuditKind::DoorCrowded]);
    for number in 1..10_000u32 {
        let last = (number % 200) as u8;
        let now = at(u64::from(number / 100));
        crowds.turned_away(EVERYBODY, Full::Early, source(last), now);
        assert!(crowds.look(now).is_empty());
    }
    let told = crowds.told(at(0));
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].turned.total(), told[0].turned.sources()),
        (10_000, 200)
    );
    assert!(crowds.look(at(400)).is_empty(), "it may go on");
    let over = crowds.look(at(99 + 600));
    assert_eq!(kinds(&over), [AuditKind::DoorClear]);
    assert_eq!(over[0].detail["turned-away"], 10_000);
    assert_eq!(over[0].detail["at-random"], 9_999);
    assert_eq!(over[0].detail["places"], "everybody");
    assert!(crowds.look(at(2000)).is_empty());
    assert_eq!(crowds.told(at(0)).len(), 1, "operators still read of it");
    assert!(crowds.told(at(1000)).is_empty(), "and no longer for ever");

    crowds.turned_away(EVERYBODY, Full::Pool, source(1), at(5000));
    let again = crowds.look(at(5000));
    assert_eq!(kinds(&again), [AuditKind::DoorCrowded], "another one");
    assert_eq!(again[0].detail["turned-away"], 1);
}

/// A program that connects too often is no news, unless it keeps somebody known out.
#[test]
fn a_stranger_who_only_exceeds_their_own_share_is_no_news() {
    let crowds = Crowds::default();
    for _ in 0..UNREMARKABLE {
        crowds.turned_away(EVERYBODY, Full::Source, source(1), at(0));
    }
    assert!(crowds.look(at(1)).is_empty() && crowds.told(at(0)).is_empty());
    assert!(crowds.look(at(700)).is_empty(), "and its end neither");
    assert!(crowds.lock().is_empty());

    let stations = Places::Before(Pool::Stations);
    crowds.turned_away(stations, Full::Source, source(1), at(800));
    assert_eq!(kinds(&crowds.look(at(800))), [AuditKind::DoorCrowded]);
    for _ in 0..=UNREMARKABLE {
        crowds.turned_away(EVERYBODY, Full::Source, source(1), at(801));
    }
    assert_eq!(kinds(&crowds.look(at(801))), [AuditKind::DoorCrowded]);
}
