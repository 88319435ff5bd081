//! Sums of an intervention, and what was said of what waited.

use ecluse_policy::{
    ClientId, EndReason, HighPosture, InterventionNumber, Missing, PersonId, Timestamp,
};
use serde_json::json;

use super::*;
use crate::passage::by_channel::with_channels;

fn record(kind: AuditKind) -> AuditRecord {
    AuditRecord::new(kind, Timestamp::from_micros(0))
}

fn channel(channel: u32, shell: bool, [out, into]: [u64; 2]) -> OfChannel {
    OfChannel {
        channel: Some(channel),
        shell,
        out,
        into,
        ..OfChannel::default()
    }
}

/// X3: sums add up over sessions, those from before channels were told one by one too; a warning and an end of slowing are no act.
#[test]
fn x3_sums_of_an_intervention_add_up() {
    let end = |down: u64, up: u64| {
        record(AuditKind::SessionEnd)
            .detail("to-technician", down)
            .detail("to-target", up)
    };
    let start = |number: u64| record(AuditKind::SessionStart).detail("number", number);
    let old = end(60, 5)
        .detail("shells", vec![10, 2])
        .detail("commands", vec![50, 3]);
    let each = [channel(1, true, [30, 4]), channel(2, false, [70, 3])];
    let lost = [channel(1, false, [1000, 10])];
    let mut totals = Totals::default();
    let stories = [
        vec![start(1), old],
        vec![start(2), with_channels(end(100, 7), &each)],
        vec![
            start(3),
            record(AuditKind::SessionEnd).detail("recovered", true),
            with_channels(record(AuditKind::RecordingSealed), &lost),
        ],
    ];
    for told in &stories {
        let mut story = Story::default();
        for one in told {
            story.reads(one);
        }
        let (counted, known) = match (story.counted.take(), story.recorded.take()) {
            (Some(counted), _) => (counted, Known::Exactly),
            (None, Some(channels)) => (Counted::of(channels), Known::Recorded),
            (None, None) => panic!("{story:?}"),
        };
        totals.session(&story, counted, known);
    }
    let posture = EndReason::Posture(Box::new(HighPosture {
        client: ClientId::parse("hopital").unwrap(),
        since: Timestamp::from_micros(0),
        by: PersonId::parse("odile").unwrap(),
        reason: "an intrusion".to_owned(),
        contacts: String::new(),
        decides: None,
        missing: Missing::Yes {
            number: InterventionNumber(3),
            needed: 2,
            given: 1,
        },
    }))
    .to_string();
    for one in [
        record(AuditKind::Extraction).reason("warn"),
        record(AuditKind::Extraction).reason("limit"),
        record(AuditKind::Extraction).reason("ceiling"),
        record(AuditKind::TopUp),
        record(AuditKind::TopUp).detail("added", json!([])),
        record(AuditKind::TopUp).detail("added", json!([{ "account": "session 1" }])),
        record(AuditKind::Hold),
        record(AuditKind::Slow).detail("rate", 1024),
        record(AuditKind::Slow),
        record(AuditKind::Cut),
        record(AuditKind::Question),
        record(AuditKind::Answer),
        record(AuditKind::Signal),
        record(AuditKind::SessionEnd).reason(&posture),
        record(AuditKind::SessionEnd).reason("closed"),
        record(AuditKind::Permit),
    ] {
        totals.acts(&one);
    }
    let told = std::mem::take(&mut totals.channels);
    let numbers: Vec<u64> = told.iter().map(|one| one.session).collect();
    assert_eq!(numbers, [1, 1, 2, 2, 3]);
    let expected = Totals {
        sessions: 3,
        ended: 3,
        all: [1160, 22],
        shells: [40, 6],
        commands: [1120, 16],
        recorded: Part {
            sessions: 1,
            bytes: [1000, 10],
        },
        limits: 2,
        topped_up: 2,
        held: 1,
        slowed: 1,
        cut: 1,
        asked: 1,
        answered: 1,
        signals: 1,
        by_posture: 1,
        ..Totals::default()
    };
    assert_eq!(totals, expected);
}

/// I4: what waited is told with the answer that counts, the first in the log, by whom and of when; a question without one waits.
#[test]
fn i4_what_waited_is_told_with_who_said_yes_and_when() {
    use crate::audit::StoredAuditRecord;
    use crate::live::confirms::{Said, Waiting, asked_on_record, said_on_record};
    use ecluse_policy::{SessionId, Span};
    let session = SessionId::from_uuid(uuid::Uuid::from_u128(7));
    let waiting = |number: u64| Waiting {
        number,
        what: format!("command: {number}"),
        channel: 1,
        at: Timestamp::from_micros(10),
        within: Span::from_secs(300),
        each: true,
    };
    let at =
        |micros| AuditRecord::new(AuditKind::Cut, Timestamp::from_micros(micros)).session(session);
    let odile = PersonId::parse("odile").unwrap();
    let said = |is_yes, by: Option<&PersonId>, reason: Option<&str>| Said {
        is_yes,
        by: by.cloned(),
        reason: reason.map(str::to_owned),
    };
    let yes = said(true, Some(&odile), None);
    let late = said(false, None, Some("nobody answered within 5m"));
    let mut reading = confirmed::Reading::default();
    for (seq, record) in [
        (
            1,
            asked_on_record(at(10).detail("number", 3), &waiting(1), None),
        ),
        (
            2,
            asked_on_record(at(11).detail("number", 3), &waiting(2), None),
        ),
        (
            3,
            asked_on_record(at(12).detail("number", 3), &waiting(3), None),
        ),
        (
            4,
            said_on_record(at(20).person(&odile), 1, &waiting(1), &yes),
        ),
        (5, said_on_record(at(21), 1, &waiting(1), &late)),
        (6, said_on_record(at(22), 2, &waiting(2), &late)),
    ] {
        let stored = StoredAuditRecord {
            seq,
            event: None,
            nth: None,
            record,
        };
        reading.reads(&stored);
    }
    let mut totals = Totals::default();
    totals.waits(reading.all());
    assert_eq!((totals.confirmed, totals.denied), (1, 1));
    let told: Vec<_> = totals
        .waited
        .iter()
        .map(|one| {
            let said = one
                .said
                .as_ref()
                .map(|said| (said.is_yes, said.by.clone(), said.at.as_micros()));
            (one.nth.to_string(), said)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("3.1".to_owned(), Some((true, Some(odile), 20))),
            ("3.2".to_owned(), Some((false, None, 22))),
            ("3.3".to_owned(), None),
        ]
    );
}
