//! Which times people mean.

use ecluse_policy::{PersonId, matrix_scope};
use serde_json::{Value, json};

use super::*;
use crate::faces::lobby::testing::documents_where;

/// Alice's flows on db01: one at all hours, one of office hours in Paris, one in Athens.
fn reads(ask: Value) -> Result<Option<Start>, Undone> {
    let documents = documents_where(1, "4h", |text| {
        // Its flow stands at the end of the client's document.
        let Some(flow) = text.find("[[flow]]").and_then(|at| text.get(at..)) else {
            return text;
        };
        let named = |name: &str, hours: &str| {
            flow.replace("name = \"dba\"", &format!("name = \"{name}\""))
                .replace("hours = \"always\"", &format!("hours = \"{hours}\""))
        };
        let paris = named("paris", "mon-fri 05:50-20:00 Europe/Paris");
        let athens = named("athens", "mon-fri 08:00-18:00 Europe/Athens");
        format!("{text}{paris}{athens}")
    });
    let now = Timestamp::parse("2026-11-30T04:00:00Z").unwrap();
    let person = PersonId::parse("alice").unwrap();
    let reaches = matrix_scope(&documents, &person, now);
    assert_eq!(reaches.len(), 3, "{reaches:?}");
    let mut body = json!({"target": ["db01"], "for": "1h", "reason": "disk"});
    for (key, value) in ask.as_object().unwrap() {
        body[key] = value.clone();
    }
    read(&serde_json::from_value(body).unwrap(), &reaches, now)
}

fn at(flow: &str, typed: &str) -> String {
    let start = reads(json!({"flow": flow, "at": typed})).unwrap().unwrap();
    format!("{} {}", start.at, start.zone.iana_name().unwrap_or("UTC"))
}

/// I1: a start is read in the zone of the flow that is asked for, and never in that of another one beside it.
#[test]
fn a_start_is_read_in_the_zone_of_what_is_asked_for() {
    assert_eq!(at("dba", "06:30"), "2026-11-30T06:30:00Z UTC");
    assert_eq!(at("paris", "06:30"), "2026-11-30T05:30:00Z Europe/Paris");
    assert_eq!(at("athens", "06:30"), "2026-11-30T04:30:00Z Europe/Athens");
    assert_eq!(reads(json!({})).unwrap(), None);
}

/// Where what is asked for has several zones, it is said what the time would be in each, and nothing is asked.
#[test]
fn a_start_that_is_several_times_is_not_one() {
    let Err(Undone::SeveralTimes { typed, read }) = reads(json!({"at": "06:30"})) else {
        panic!("one time was read");
    };
    assert_eq!((typed.as_str(), read.len()), ("06:30", 2));
    // An instant is the same everywhere.
    let instant = reads(json!({"at": "2026-11-30T06:30:00+01:00"})).unwrap();
    assert_eq!(instant.unwrap().at.to_string(), "2026-11-30T05:30:00Z");
}
