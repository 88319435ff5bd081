//! Promises of a request's period: hours that are not its own are told when it is asked, and what nobody could use is refused.

use ecluse_policy::intervention::{ShortHours, Within};
use ecluse_policy::*;

use crate::site::*;

/// Of office hours, and of two operators for one hour.
const NIGHT: &str = r#"
[[flow]]
name = "night"
technicians = ["maintech:dba"]
targets = ["db01", "web01"]
accounts = ["ops"]
allow = ["command: id"]
hours = "mon-fri 05:50-20:00 Europe/Paris; sat 05:50-12:00 Europe/Paris"
authentication = ["station", "key", "totp"]
approval = { by = 2, at-most = "2h" }
"#;

fn asks(documents: &Documents, start: Option<&str>, now: &str) -> Result<Intervention, Refusal> {
    let ask = Ask {
        start: start.map(at),
        ..ask_for(&["web01"], "1h")
    };
    let presence = log_in(documents, "alice", &[ATELIER_1, ALICE], at(now))
        .unwrap()
        .presence()
        .unwrap();
    requested(documents, &presence, ask, at(now))
}

fn short(intervention: &Intervention, documents: &Documents, now: &str) -> Option<Within> {
    let mut short = intervention.short_hours(documents, at(now));
    assert!(short.len() <= 1, "{short:?}");
    short.pop().map(|ShortHours { within, .. }| within)
}

/// F1, I1: on the evening of a Saturday nothing opens before Monday: planned for Sunday, or for now with a day to answer, it
/// could never be used, and whoever asks is told from when on it could.
#[test]
fn a_period_that_nobody_could_use_is_refused_with_when_it_opens() {
    let documents = with_flows(NIGHT);
    let opens_at = at("2026-11-30T04:50:00Z");
    let sunday = asks(
        &documents,
        Some("2026-11-29T10:00:00Z"),
        "2026-11-28T18:00:00Z",
    );
    let until = at("2026-11-29T12:00:00Z");
    assert_eq!(sunday, Err(Refusal::NeverOpen { until, opens_at }));
    let said = sunday.unwrap_err().to_string();
    assert!(said.contains("--at 2026-11-30T04:50:00Z"), "{said}");
    // For now: a day to answer, and two hours from the answer on.
    let now = asks(&documents, None, "2026-11-28T18:00:00Z");
    let until = at("2026-11-29T20:00:00Z");
    assert_eq!(now, Err(Refusal::NeverOpen { until, opens_at }));
    // What is asked for that time is not refused, and what may still be answered in time neither.
    assert!(
        asks(
            &documents,
            Some("2026-11-30T04:50:00Z"),
            "2026-11-28T18:00:00Z"
        )
        .is_ok()
    );
    assert!(asks(&documents, None, "2026-11-29T06:00:00Z").is_ok());
}

#[test]
fn hours_that_meet_only_a_part_of_the_period_are_told_to_both_sides() {
    let documents = with_flows(NIGHT);
    let opens_at = at("2026-11-30T04:50:00Z");
    // Eight minutes before it opens.
    let early = asks(&documents, None, "2026-11-30T04:42:00Z").unwrap();
    let later = Some(Within::Later { opens_at });
    assert_eq!(short(&early, &documents, "2026-11-30T04:42:00Z"), later);
    assert_eq!(short(&early, &documents, "2026-11-30T04:50:00Z"), None);
    // The evening before: a yes of that moment would be over by then.
    let before = asks(&documents, None, "2026-11-29T20:00:00Z").unwrap();
    let never = Some(Within::Never {
        opens_at: Some(opens_at),
        ends_at: at("2026-11-29T22:00:00Z"),
    });
    assert_eq!(short(&before, &documents, "2026-11-29T20:00:00Z"), never);
    // Within the last hour.
    let late = asks(&documents, None, "2026-11-30T18:30:00Z").unwrap();
    let closes_at = at("2026-11-30T19:00:00Z");
    let shorter = Some(Within::Shorter { closes_at });
    assert_eq!(short(&late, &documents, "2026-11-30T18:30:00Z"), shorter);
    // Approved, the same is told of what was granted.
    let at_night = "2026-11-30T04:42:00Z";
    let all = Narrowing::default();
    let once = early.approved_by(&documents, &odile(&documents), &all, at(at_night));
    let twice = once
        .unwrap()
        .approved_by(&documents, &olive(&documents), &all, at(at_night))
        .unwrap();
    assert!(twice.granted().is_some());
    assert_eq!(short(&twice, &documents, at_night), later);
}

/// Rights are the union of the flows: what another flow gives at all hours is not short of any.
#[test]
fn what_another_flow_makes_up_for_is_not_told() {
    let always = NIGHT.replace("\"night\"", "\"always\"").replace(
        "mon-fri 05:50-20:00 Europe/Paris; sat 05:50-12:00 Europe/Paris",
        "always",
    );
    let documents = with_flows(&format!("{NIGHT}{always}"));
    let sunday = asks(
        &documents,
        Some("2026-11-29T10:00:00Z"),
        "2026-11-28T18:00:00Z",
    );
    assert_eq!(
        short(&sunday.unwrap(), &documents, "2026-11-28T18:00:00Z"),
        None
    );
    // Not by one that wants more operators than the request does.
    let more = always.replace("by = 2", "by = 3");
    let documents = with_flows(&format!("{NIGHT}{more}"));
    let sunday = asks(
        &documents,
        Some("2026-11-29T10:00:00Z"),
        "2026-11-28T18:00:00Z",
    );
    assert!(
        matches!(sunday, Err(Refusal::NeverOpen { .. })),
        "{sunday:?}"
    );
}
