//! Promises of an intervention's life: which step follows which, what ends it, and how it is kept (I3, I6).

use ecluse_policy::intervention::warnings;
use ecluse_policy::*;

use crate::site::*;

/// Each step, from each state: what may follow, and nothing else.
#[test]
fn each_state_takes_only_its_own_steps() {
    let documents = documents();
    let (alice, odile) = (alice(&documents), odile(&documents));
    let asked = asked(&documents);
    let approved = approved(&documents);
    let open = approved.open(t0()).unwrap();
    let states = [
        ("requested", asked.clone(), "approve refuse seen cancel"),
        ("approved", approved.clone(), "cancel open close"),
        ("open", open.clone(), "open close finish"),
        (
            "refused",
            asked.refused_by(&documents, &odile, "no", t0()).unwrap(),
            "",
        ),
        (
            "cancelled",
            asked.cancelled_by(&documents, &alice, t0()).unwrap(),
            "",
        ),
        (
            "expired",
            asked.expire_if_due(t0().plus(span("24h"))).unwrap(),
            "",
        ),
        (
            "closed",
            open.finished_by(&documents, &alice, t0()).unwrap(),
            "",
        ),
    ];
    for (name, it, allowed) in states {
        assert_eq!(it.state().name(), name);
        let steps = [
            (
                "approve",
                it.approved_by(&documents, &odile, &Narrowing::default(), t0()),
            ),
            ("refuse", it.refused_by(&documents, &odile, "no", t0())),
            ("seen", it.looked_at_by(&documents, &odile, t0())),
            ("cancel", it.cancelled_by(&documents, &alice, t0())),
            ("open", it.open(t0())),
            ("close", it.closed_by(&documents, &odile, "enough", t0())),
            ("finish", it.finished_by(&documents, &alice, t0())),
        ];
        for (step, next) in steps {
            assert_eq!(
                next.is_ok(),
                allowed.split(' ').any(|one| one == step),
                "{name}: {step}: {next:?}"
            );
            if let Ok(next) = next {
                assert!(
                    next.revision() > it.revision() || next == it,
                    "{name}: {step}"
                );
            }
        }
        assert_eq!(it.state().is_final(), allowed.is_empty());
        assert_eq!(
            it.expire_if_due(Timestamp::MAX).is_none(),
            it.state().is_final()
        );
    }
}

#[test]
fn somebody_elses_intervention_is_not_yours_to_cancel() {
    let documents = documents();
    let refusal = Err(Refusal::NotYours {
        number: InterventionNumber(17),
    });
    assert_eq!(
        asked(&documents).cancelled_by(&documents, &bruno(&documents), t0()),
        refusal
    );
    assert_eq!(
        approved(&documents)
            .open(t0())
            .unwrap()
            .finished_by(&documents, &bruno(&documents), t0()),
        refusal
    );
}

#[test]
fn an_unanswered_request_expires_and_cannot_be_approved_late() {
    let documents = documents();
    let asked = asked(&documents);
    let due = t0().plus(span("24h"));
    assert_eq!(asked.expire_if_due(due.minus(Span::from_micros(1))), None);
    let late = asked.approved_by(&documents, &odile(&documents), &Narrowing::default(), due);
    assert_eq!(
        late,
        Err(Refusal::WrongState {
            number: InterventionNumber(17),
            state: "expired",
            step: "approve"
        })
    );
}

#[test]
fn warnings_come_ten_minutes_and_one_minute_before_the_end() {
    let end = t0().plus(span("2h"));
    let (ten, one) = (
        (end.minus(span("10m")), span("10m")),
        (end.minus(span("1m")), span("1m")),
    );
    assert_eq!(warnings(end, t0()), [ten, one]);
    assert_eq!(warnings(end, end.minus(span("10m"))), [one]);
    assert_eq!(warnings(end, end), []);
}

/// What had been granted is known of what is over, also of what an earlier program closed.
#[test]
fn what_was_granted_outlives_the_intervention() {
    let documents = documents();
    let less = Narrowing {
        length: Some(span("30m")),
        families: Some(set(["shell".to_owned()])),
        ..Narrowing::default()
    };
    let (asked, alice) = (asked(&documents), alice(&documents));
    let approved = asked
        .approved_by(&documents, &odile(&documents), &less, t0())
        .unwrap();
    let open = approved.open(t0()).unwrap();
    let closed = open.finished_by(&documents, &alice, t0()).unwrap();
    let over = [
        approved.cancelled_by(&documents, &alice, t0()).unwrap(),
        approved.expire_if_due(t0().plus(span("30d"))).unwrap(),
        open.expire_if_due(t0().plus(span("30d"))).unwrap(),
        closed.clone(),
    ];
    for it in [approved, open].into_iter().chain(over) {
        let (scope, length) = it.last_granted().unwrap();
        assert_eq!(length, span("30m"), "{it:?}");
        assert_eq!(scope.capabilities, [Capability::Shell], "{it:?}");
    }
    let mut earlier = serde_json::to_value(&closed).unwrap();
    earlier["state"]["closed"]
        .as_object_mut()
        .unwrap()
        .remove("granted")
        .unwrap();
    let earlier: Intervention = serde_json::from_value(earlier).unwrap();
    assert_eq!(earlier.last_granted(), closed.last_granted());
    // Nothing was granted of what nobody said yes to.
    for it in [
        asked.cancelled_by(&documents, &alice, t0()).unwrap(),
        asked.expire_if_due(t0().plus(span("30d"))).unwrap(),
        asked,
    ] {
        assert_eq!(it.last_granted(), None);
    }
}

#[test]
fn what_is_stored_reads_back_as_it_was_and_nothing_unknown_is_taken() {
    let documents = documents();
    let open = approved(&documents).open(t0()).unwrap();
    for it in [
        asked(&documents),
        approved(&documents),
        open.clone(),
        open.finished_by(&documents, &alice(&documents), t0())
            .unwrap(),
    ] {
        let stored = serde_json::to_string(&it).unwrap();
        assert_eq!(serde_json::from_str::<Intervention>(&stored).unwrap(), it);
        assert!(
            serde_json::from_str::<Intervention>(&stored.replacen('{', "{\"more\":1,", 1)).is_err()
        );
    }
}
