//! Promises of the choke point about time: when an intervention opens, how long it stays open, when it ends (I1, I3).

use ecluse_policy::*;

use crate::site::*;

#[test]
fn without_an_approval_nobody_passes_and_each_state_has_its_words() {
    let documents = documents();
    let (alice, odile) = (alice(&documents), odile(&documents));
    let admit = |interventions: &[Intervention], now| {
        admit(
            &documents,
            &alice,
            &target("db01"),
            None,
            interventions,
            now,
        )
    };
    assert_eq!(
        admit(&[], t0()).unwrap_err(),
        Refusal::NoIntervention {
            target: target("db01")
        }
    );

    let asked = requested(&documents, &alice, ask_for(&["db01"], "2h"), t0()).unwrap();
    let pending = |seen_at| Refusal::Pending {
        target: target("db01"),
        number: InterventionNumber(17),
        seen_at,
    };
    assert_eq!(
        admit(std::slice::from_ref(&asked), t0()).unwrap_err(),
        pending(None)
    );
    let seen = asked.looked_at_by(&documents, &odile, t0()).unwrap();
    assert_eq!(admit(&[seen], t0()).unwrap_err(), pending(Some(t0())));

    let none = Refusal::NoIntervention {
        target: target("db01"),
    };
    let refused = asked
        .refused_by(&documents, &odile, "not today", t0())
        .unwrap();
    let cancelled = asked.cancelled_by(&documents, &alice, t0()).unwrap();
    let expired = asked.expire_if_due(t0().plus(span("24h"))).unwrap();
    let closed = approved(&documents)
        .closed_by(&documents, &odile, "enough", t0())
        .unwrap();
    for over in [refused, cancelled, expired, closed] {
        assert_eq!(admit(&[over], t0()).unwrap_err(), none);
    }
    let late = t0().plus(span("4h"));
    assert_eq!(
        admit(&[approved(&documents)], late).unwrap_err(),
        Refusal::WindowOver { closed_at: late }
    );
}

#[test]
fn a_planned_intervention_opens_when_it_begins_and_not_before() {
    let documents = documents();
    let start = at("2026-11-23T14:00:00Z");
    let ask = Ask {
        start: Some(start),
        ..ask_for(&["db01"], "2h")
    };
    let asked = requested(&documents, &alice(&documents), ask, t0()).unwrap();
    let planned = asked
        .approved_by(&documents, &odile(&documents), &Narrowing::default(), t0())
        .unwrap();
    let admit = |now| {
        admit(
            &documents,
            &alice(&documents),
            &target("db01"),
            None,
            std::slice::from_ref(&planned),
            now,
        )
    };
    assert_eq!(
        admit(start.minus(Span::from_micros(1))).unwrap_err(),
        Refusal::NotYet {
            number: InterventionNumber(17),
            starts_at: start
        }
    );
    assert_eq!(admit(start).unwrap().closes_at(), start.plus(span("2h")));
}

/// Who comes now waits beside what is asked for now, and not for what was approved for another day; what begins soon comes first.
#[test]
fn what_waits_for_its_answer_comes_before_what_begins_long_after() {
    let documents = documents();
    let asked_for = |start| {
        let ask = Ask {
            start,
            ..ask_for(&["db01"], "2h")
        };
        requested(&documents, &alice(&documents), ask, t0()).unwrap()
    };
    let planned = |after| {
        let asked = asked_for(Some(t0().plus(span(after))));
        let by = odile(&documents);
        asked.approved_by(&documents, &by, &Narrowing::default(), t0())
    };
    for (after, waits) in [("8h", true), ("30m", false)] {
        let both = [planned(after).unwrap(), asked_for(None)];
        let (who, where_) = (alice(&documents), target("db01"));
        let refusal = admit(&documents, &who, &where_, None, &both, t0()).unwrap_err();
        let is_pending = matches!(refusal, Refusal::Pending { .. });
        assert_eq!(is_pending, waits, "{after}: {refusal}");
    }
}

#[test]
fn the_length_counts_from_the_first_use_up_to_a_hard_end() {
    let documents = documents();
    let (alice, granted) = (alice(&documents), approved(&documents));
    let later = t0().plus(span("3h"));
    let admission = admit(&documents, &alice, &target("db01"), None, &[granted], later).unwrap();
    assert!(admission.is_first_use());
    assert_eq!(
        admission.closes_at(),
        t0().plus(span("4h")),
        "4h after the approval, whenever the first use was"
    );
    let again = admit(
        &documents,
        &alice,
        &target("db01"),
        None,
        &[admission.intervention().clone()],
        later.plus(span("30m")),
    )
    .unwrap();
    assert!(!again.is_first_use());
    assert_eq!(
        again.closes_at(),
        admission.closes_at(),
        "a second session buys no time"
    );
}

#[test]
fn outside_the_hours_nothing_is_open_and_the_end_of_the_hours_is_an_end() {
    let documents = documents();
    let evening = at("2026-11-23T18:30:00Z"); // 19:30 in Paris
    let asked = requested(
        &documents,
        &alice(&documents),
        ask_for(&["db01"], "4h"),
        evening,
    )
    .unwrap();
    let granted = asked
        .approved_by(
            &documents,
            &odile(&documents),
            &Narrowing::default(),
            evening,
        )
        .unwrap();
    let admit = |now| {
        admit(
            &documents,
            &alice(&documents),
            &target("db01"),
            None,
            std::slice::from_ref(&granted),
            now,
        )
    };
    let closes = at("2026-11-23T19:00:00Z");
    assert_eq!(admit(evening).unwrap().closes_at(), closes);
    assert_eq!(
        admit(closes).unwrap_err(),
        Refusal::OutsideHours {
            target: target("db01"),
            opens_at: Some(at("2026-11-24T06:00:00Z"))
        }
    );
    assert_eq!(
        refused(admit(evening).unwrap().decide(&FlowRequest::Shell, closes)),
        Refusal::OutsideHours {
            target: target("db01"),
            opens_at: None
        }
    );
}

/// `brief` is always open and short, `long` closes at 10:30 UTC: what one allows is not lengthened by the other.
#[test]
fn a_short_flow_does_not_serve_a_long_grant_nor_outlast_its_own_time() {
    let flow = |name: &str, hours: &str, at_most: &str| {
        DBA.replace("name = \"dba\"", &format!("name = \"{name}\""))
            .replace("mon-fri 07:00-20:00 Europe/Paris", hours)
            .replace("\"4h\"", &format!("\"{at_most}\""))
    };
    let documents = with_flows(&format!(
        "{}{}",
        flow("brief", "always", "1h"),
        flow("long", "mon 10:30-11:30 Europe/Paris", "4h")
    ));
    let admit_at = |length: &str, now: &str| {
        let asked = requested(
            &documents,
            &alice(&documents),
            ask_for(&["db01"], length),
            t0(),
        )
        .unwrap();
        let granted = asked
            .approved_by(&documents, &odile(&documents), &Narrowing::default(), t0())
            .unwrap();
        admit(
            &documents,
            &alice(&documents),
            &target("db01"),
            None,
            &[granted],
            at(now),
        )
    };
    assert!(admit_at("3h", "2026-11-23T10:29:00Z").is_ok());
    assert!(
        matches!(
            admit_at("3h", "2026-11-23T10:45:00Z"),
            Err(Refusal::OutsideHours { .. })
        ),
        "brief never lasts 3h"
    );
    assert_eq!(
        admit_at("1h", "2026-11-23T10:45:00Z").unwrap().closes_at(),
        t0().plus(span("1h")),
        "brief ends 1h after the approval"
    );
}

/// Of two interventions the one in use is taken; that another waits behind it is said.
#[test]
fn what_was_approved_beside_an_intervention_in_use_is_known_to_wait() {
    let documents = documents();
    let used = admitted(&documents);
    let (id, number) = ids(18);
    let presence = alice(&documents);
    let ask = ask_for(&["db01"], "1h");
    let waiting = Waiting::counted(0, 0);
    let next = request_by(&documents, &presence, ask, waiting, id, number, t0())
        .unwrap()
        .approved_by(&documents, &odile(&documents), &Narrowing::default(), t0())
        .unwrap();
    let both = [used.intervention().clone(), next.clone()];
    let admit = |interventions: &[Intervention]| {
        admit(
            &documents,
            &presence,
            &target("db01"),
            None,
            interventions,
            t0(),
        )
        .unwrap()
    };
    let admission = admit(&both);
    assert_eq!(admission.intervention().number(), InterventionNumber(17));
    assert_eq!(admission.then(), Some((number, span("1h"))));
    // Where neither is used, neither waits for the other; nor does one alone.
    assert_eq!(admit(&[approved(&documents), next]).then(), None);
    assert_eq!(admit(&both[..1]).then(), None);
}
