//! However many refused log-ons there are, a minute of them is a bounded number of entries.

use super::*;

const MEASURE: Measure = Measure {
    per_source: 6,
    in_all: 60,
};

fn source(number: u32) -> IpAddr {
    IpAddr::from((0xC633_0000u32 + number).to_be_bytes())
}

fn counts(records: &[AuditRecord]) -> u64 {
    let count = |record: &AuditRecord| record.detail["count"].as_u64().unwrap();
    records.iter().map(count).sum()
}

/// F5: 600 entries a second of one source are six, and one with the count.
#[test]
fn one_source_has_a_few_entries_and_a_count() {
    let ledger = Ledger::new(MEASURE);
    let written = (0..36_000)
        .filter(|_| ledger.takes(Pool::Everybody, source(1)))
        .count();
    assert_eq!(written, 6);
    let records = ledger.counted(Timestamp::from_secs(60));
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].source, Some(source(1)));
    assert_eq!(counts(&records), 36_000 - 6);
    assert!(
        records[0].reason.as_ref().unwrap().starts_with("35994 "),
        "{records:?}"
    );
    // The next minute begins with nothing.
    assert!(ledger.counted(Timestamp::from_secs(120)).is_empty());
    assert!(ledger.takes(Pool::Everybody, source(1)));
}

/// However many sources there are, nothing is lost from the count, and strangers take no entry of a station's.
#[test]
fn all_sources_together_are_bounded_too() {
    let ledger = Ledger::new(MEASURE);
    let attempts = 10 * 5000u32;
    let written = (0..attempts)
        .filter(|number| ledger.takes(Pool::Everybody, source(number % 5000)))
        .count();
    assert_eq!(written, 60);
    assert!(
        ledger.takes(Pool::Stations, source(70_000)),
        "full, but a station's"
    );
    let records = ledger.counted(Timestamp::from_secs(60));
    assert_eq!(records.len(), OWN_ENTRIES + 1);
    assert_eq!(counts(&records), u64::from(attempts) - 60);
    assert_eq!(records.last().unwrap().source, None);
}

#[test]
fn a_subscriber_of_ipv6_is_one_source() {
    let ledger = Ledger::new(Measure {
        per_source: 1,
        in_all: 60,
    });
    let address = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, 7, 1, 2, 3, last]);
    assert!(ledger.takes(Pool::Everybody, address(1)));
    assert!(!ledger.takes(Pool::Everybody, address(2)));
    let records = ledger.counted(Timestamp::from_secs(60));
    assert_eq!(records[0].detail["network"], "2001:db8:0:7::/64");
}

#[test]
fn zero_means_that_all_are_counted() {
    let ledger = Ledger::new(Measure {
        per_source: 0,
        in_all: 0,
    });
    assert!(!ledger.takes(Pool::Operators, source(1)));
    assert_eq!(counts(&ledger.counted(Timestamp::from_secs(60))), 1);
}
