//! Deeds without any face: an actor, a store, and what came of it.

mod changes;

use ecluse_policy::intervention::State;
use ecluse_policy::{ClientId, CodeOutcome, InterventionNumber, ProvenCode, Span, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::alerts::{self, Alerts, alerts};
use super::answers::{Approve, Approved, Refuse, Withdraw, approve, refuse, withdraw};
use super::changes::{Begin, Changes, What, changes, news, untold, up_to_now};
use super::listing::{Interventions, Pending, interventions, pending, seen};
use super::live::{Cut, Live, cut, live};
use super::requests::{Cancel, Request, cancel, request};
use super::*;
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::faces::lobby::testing::{House, documents, documents_where};
use crate::store::Destruction;
use crate::store::testing::{records_of, words_away, words_back};

fn ask<A: Ask>(body: serde_json::Value) -> A {
    serde_json::from_value(body).unwrap()
}

/// What goes through JSON and back is the same.
fn returns<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) {
    let text = serde_json::to_string(value).unwrap();
    let back: T = serde_json::from_str(&text).unwrap();
    assert_eq!(&back, value, "{text}");
}

/// Alice has asked.
async fn asked(house: &House) {
    let body = json!({"target": ["db01"], "for": "2h", "reason": "disk"});
    let asked = request(&house.gateway, &house.visitor("alice"), ask(body)).await;
    returns(&asked.unwrap());
}

/// I2: a yes is done without a terminal, narrowed, and on record with the code that it was said with.
#[tokio::test]
async fn a_yes_needs_no_terminal() {
    let house = House::new().await;
    asked(&house).await;
    let odile = house.visitor("odile");
    let body = json!({"id": 1, "for": "1h30", "only": ["shell"]});
    let ask: Approve = ask(body);
    assert_eq!(ask.id, InterventionNumber(1));
    let approved = approve(&house.gateway, &odile, ask.clone()).await.unwrap();
    let State::Approved { granted } = approved.intervention.state() else {
        panic!("{approved:?}");
    };
    assert_eq!(granted.length, Span::from_mins(90));
    returns(&ask);
    returns::<Approved>(&approved);
    let records = records_of(&house.gateway.store, &[AuditKind::Approval]).await;
    assert!(
        records[0].detail.contains_key("code-proven-at"),
        "{records:?}"
    );
}

/// A2, R5: a right that is not there, or not any more, is a refusal on record, whatever the face.
#[tokio::test]
async fn whoever_has_no_right_does_nothing_and_is_on_record() {
    let house = House::new().await;
    asked(&house).await;
    let yes = || ask::<Approve>(json!({"id": 1}));
    for who in ["alice", "aurele"] {
        let undone = approve(&house.gateway, &house.visitor(who), yes()).await;
        assert!(matches!(
            undone,
            Err(Undone::Refused(Refusal::NotAnOperator))
        ));
    }
    // O4: another client's is not there.
    let undone = approve(&house.gateway, &house.visitor("zoe"), yes()).await;
    assert!(matches!(undone, Err(Undone::NoSuch(_))), "{undone:?}");
    // A8: switched off after log-on.
    let odile = house.visitor("odile");
    house.apply(documents_where(1, "4h", |text| {
        text.replace("id = \"odile\"\n", "id = \"odile\"\ndisabled = true\n")
    }));
    let undone = approve(&house.gateway, &odile, yes()).await;
    assert!(matches!(undone, Err(Undone::Refused(Refusal::Ended(_)))));
    let records = records_of(&house.gateway.store, &[AuditKind::ActRefused]).await;
    assert_eq!(records.len(), 4, "{records:?}");
    assert!(
        records
            .iter()
            .all(|record| record.detail["act"] == "approve")
    );
    let approvals = records_of(&house.gateway.store, &[AuditKind::Approval]).await;
    assert_eq!(approvals, []);
}

/// A2: what a yes wants is told before anything is done, and with it the same call does it.
#[tokio::test]
async fn a_yes_wants_a_code_of_now_and_then_is_said() {
    let house = House::new().await;
    asked(&house).await;
    let odile = house.visitor("odile");
    let hour_ago = clock::now().minus(Span::from_hours(1));
    let mut stale = ProvenCode::default();
    stale.judged(CodeOutcome::Accepted, hour_ago);
    *odile.code.lock().unwrap() = stale;
    let yes = || ask::<Approve>(json!({"id": 1}));
    let undone = approve(&house.gateway, &odile, yes()).await;
    assert!(
        matches!(
            &undone,
            Err(Undone::Wants(Wants::Code(Refusal::CodeWanted { .. })))
        ),
        "{undone:?}"
    );
    odile.code_judged(CodeOutcome::Accepted, clock::now());
    assert!(approve(&house.gateway, &odile, yes()).await.is_ok());
}

/// I2, R5: a no and an end want their reason; what is over already is refused before one is typed, on record.
#[tokio::test]
async fn a_no_wants_its_reason() {
    let house = House::new().await;
    asked(&house).await;
    let odile = house.visitor("odile");
    for reason in [json!(null), json!("  ")] {
        let no = ask::<Refuse>(json!({"id": 1, "reason": reason}));
        let undone = refuse(&house.gateway, &odile, no).await;
        assert!(
            matches!(&undone, Err(Undone::Wants(Wants::Reason(person))) if person.as_str() == "alice"),
            "{undone:?}"
        );
    }
    let no = ask::<Refuse>(json!({"id": 1, "reason": " not today "}));
    let refused = refuse(&house.gateway, &odile, no).await.unwrap();
    assert_eq!(refused.reason, "not today");
    returns(&refused);
    for undone in [
        refuse(&house.gateway, &odile, ask(json!({"id": 1})))
            .await
            .err(),
        withdraw(&house.gateway, &odile, ask(json!({"id": 1})))
            .await
            .err(),
    ] {
        assert!(
            matches!(undone, Some(Undone::Refused(Refusal::WrongState { .. }))),
            "{undone:?}"
        );
    }
    let kinds = [AuditKind::Refusal, AuditKind::Closing];
    let records = records_of(&house.gateway.store, &kinds).await;
    assert_eq!(records.len(), 3, "{records:?}");
}

/// I3: an end is told with the sessions that end by it.
#[tokio::test]
async fn an_end_needs_no_terminal() {
    let house = House::with(documents(1, "4h")).await;
    asked(&house).await;
    let odile = house.visitor("odile");
    approve(&house.gateway, &odile, ask(json!({"id": 1})))
        .await
        .unwrap();
    let end = ask::<Withdraw>(json!({"id": 1, "reason": "done"}));
    returns(&end);
    let withdrawn = withdraw(&house.gateway, &odile, end).await.unwrap();
    assert_eq!(withdrawn.sessions, 0);
    assert!(withdrawn.intervention.state().is_final());
    returns(&withdrawn);
}

/// A body says what it says, and nothing that no act takes.
#[test]
fn a_body_with_anything_else_is_none() {
    for body in [
        json!({"id": 1, "for": "soon"}),
        json!({"id": 1, "only": ["sftp"]}),
        json!({"id": 1, "longer": true}),
        json!({"id": "one"}),
        json!({}),
    ] {
        assert!(
            serde_json::from_value::<Approve>(body.clone()).is_err(),
            "{body}"
        );
    }
}

/// I1, R4: a request is made, listed, looked at and given up without a terminal; from afar the client is told of it.
#[tokio::test]
async fn a_request_needs_no_terminal() {
    let house = House::new().await;
    let (gateway, alice, odile) = (
        &house.gateway,
        house.visitor("alice"),
        house.visitor("odile"),
    );
    let body = json!({"target": ["db01"], "for": "1h", "only": ["shell"], "reason": " disk "});
    let asked = request(gateway, &alice, ask(body)).await.unwrap();
    assert_eq!(asked.intervention.request().reason, "disk");
    assert_eq!(asked.operators.len(), 2);
    assert!(!asked.opens_another);
    returns(&asked);
    let waiting = pending(gateway, &odile, Pending {}).await.unwrap();
    assert_eq!(waiting[0].source, Some("192.0.2.10".parse().unwrap()));
    returns(&waiting);
    for first in [true, false] {
        let seen = seen(gateway, &odile, asked.intervention.id())
            .await
            .unwrap();
        assert_eq!(seen.seen().unwrap().0.as_str(), "odile");
        let records = records_of(&gateway.store, &[AuditKind::Seen]).await;
        assert_eq!(records.len(), 1, "first: {first}");
    }
    for (who, count) in [
        ("alice", 1),
        ("bruno", 0),
        ("omar", 1),
        ("aurele", 1),
        ("zoe", 0),
    ] {
        let listed = interventions(gateway, &house.visitor(who), Interventions::default()).await;
        assert_eq!(listed.unwrap().interventions.len(), count, "{who}");
        // One alone is looked at by those who are shown it in the list.
        let one = Interventions {
            id: Some(InterventionNumber(1)),
        };
        match interventions(gateway, &house.visitor(who), one).await {
            Ok(one) => assert_eq!((one.interventions.len(), one.more), (count, false)),
            Err(undone) => assert!(count == 0 && matches!(undone, Undone::NoSuch(_)), "{who}"),
        }
    }
    let id = InterventionNumber(1);
    let theirs = cancel(gateway, &house.visitor("bruno"), Cancel { id }).await;
    assert!(matches!(theirs, Err(Undone::NoSuch(_))), "{theirs:?}");
    let cancelled = cancel(gateway, &alice, Cancel { id }).await.unwrap();
    returns(&cancelled);
    let again = cancel(gateway, &alice, Cancel { id }).await;
    assert!(matches!(again, Err(Undone::Refused(_))), "{again:?}");
}

/// One that went between the look and the step is not there; the store is well.
#[tokio::test]
async fn an_intervention_that_went_meanwhile_is_not_there() {
    let (house, empty) = (House::new().await, House::new().await);
    asked(&house).await;
    let number = InterventionNumber(1);
    let found = house.gateway.store.intervention_numbered(number).await;
    let found = found.unwrap().unwrap();
    let alice = empty.visitor("alice");
    let kind = AuditKind::Cancel;
    let stepped = steps::step(&empty.gateway, &alice, kind, &found, |latest| {
        Ok((latest.clone(), Vec::new()))
    })
    .await;
    assert!(
        matches!(stepped, Err(Undone::Refused(Refusal::NoSuchIntervention))),
        "{stepped:?}"
    );
}

/// What can only be read against the matrix is refused where it is read, and changes nothing.
#[tokio::test]
async fn a_request_says_what_of_it_is_unclear() {
    let house = House::new().await;
    let alice = house.visitor("alice");
    let of = |key: &str, value: &str| {
        let mut body = json!({"target": ["db01"], "for": "1h", "reason": "disk"});
        body[key] = json!(value);
        ask::<Request>(body)
    };
    let undone = request(&house.gateway, &alice, of("at", "teatime")).await;
    assert!(matches!(&undone, Err(Undone::Unclear(what)) if what.typed == "teatime"));
    let undone = request(&house.gateway, &alice, of("flow", "web")).await;
    let Err(Undone::NoSuch(Subject::Flow { known, .. })) = undone else {
        panic!("{undone:?}");
    };
    assert_eq!(known, ["dba".to_owned()].into());
    let undone = request(&house.gateway, &alice, of("account", "root")).await;
    assert!(matches!(undone, Err(Undone::Refused(_))), "{undone:?}");
    let waiting = pending(&house.gateway, &house.visitor("odile"), Pending {}).await;
    assert_eq!(waiting.unwrap(), []);
}

/// R5: a refused request is on record with what it named, up to a bound: whoever is refused can name whatever they like.
#[tokio::test]
async fn a_refused_request_leaves_no_more_on_record_than_it_should() {
    let house = House::new().await;
    let names: Vec<String> = (0..15_000).map(|n| format!("target-{n}")).collect();
    let body = json!({"target": names, "for": "1h", "reason": "disk"});
    let asked = request(&house.gateway, &house.visitor("alice"), ask(body)).await;
    assert!(matches!(asked, Err(Undone::Refused(_))), "{asked:?}");
    let records = records_of(&house.gateway.store, &[AuditKind::Request]).await;
    let [record] = records.as_slice() else {
        panic!("{}", records.len());
    };
    let named = record.detail["targets"].as_array().unwrap();
    assert_eq!(named[0], "target-0");
    let further = record.detail["further-targets"].as_u64().unwrap();
    assert_eq!(named.len() as u64 + further, 15_000);
    assert!(serde_json::to_string(&record.detail).unwrap().len() < 5_000);
}

/// What an operator is told first, as facts; nobody else is. What was dated before they looked, and stood there afterwards, is
/// news.
#[tokio::test]
async fn alerts_are_facts() {
    let house = House::new().await;
    let failed = |at| {
        AuditRecord::new(AuditKind::RecordingFailed, at)
            .client(&ecluse_policy::ClientId::parse("hopital").unwrap())
            .claimed("alice")
            .reason("the disk is full")
    };
    let tell = async |at| house.gateway.store.record(&[failed(at)]).await.unwrap();
    tell(clock::now().minus(Span::from_mins(60))).await;
    let odile = house.visitor("odile");
    let applied = house.gateway.applied();
    let operator = odile.as_operator(&applied).unwrap();
    // Dated before somebody looked, and there only afterwards.
    let dated = clock::now();
    let since = alerts::up_to_now(&house.gateway, &operator).await.unwrap();
    tell(dated).await;
    let all = alerts(&house.gateway, &odile, Alerts::default())
        .await
        .unwrap();
    assert_eq!(all.len(), 2, "{all:?}");
    assert!(all[0].at < all[1].at);
    returns(&all);
    let since = Some(since);
    let new = alerts(&house.gateway, &odile, Alerts { since })
        .await
        .unwrap();
    assert_eq!(new, all[1..]);
    let zoe = alerts(&house.gateway, &house.visitor("zoe"), Alerts::default()).await;
    assert_eq!(zoe.unwrap(), []);
    let alice = alerts(&house.gateway, &house.visitor("alice"), Alerts::default()).await;
    assert!(matches!(alice, Err(Undone::Refused(_))), "{alice:?}");
}

/// I5, R5: the handle needs no terminal; what names nothing of theirs is on record, and cutting all where nothing runs is no
/// attempt on anything.
#[tokio::test]
async fn a_cut_needs_no_terminal() {
    let house = House::new().await;
    let (gateway, odile) = (&house.gateway, house.visitor("odile"));
    let found = live(gateway, &odile, Live {}).await.unwrap();
    assert_eq!(found.sessions, []);
    returns(&found);
    let of = |what: &str| ask::<Cut>(json!({ "what": what, "reason": "now" }));
    returns(&of("all"));
    let all = cut(gateway, &odile, of("all")).await.unwrap();
    assert!(all.is_nothing() && all.on_record, "{all:?}");
    let text = serde_json::to_value(&all).unwrap();
    let back: super::live::WasCut = serde_json::from_value(text.clone()).unwrap();
    assert_eq!(serde_json::to_value(&back).unwrap(), text);
    for what in ["17", "alice", "db01", "nobody", "#"] {
        let undone = cut(gateway, &odile, of(what)).await;
        assert!(
            matches!(undone, Err(Undone::NoSuch(Subject::ToCut(_)))),
            "{undone:?}"
        );
    }
    let undone = cut(gateway, &house.visitor("aurele"), of("all")).await;
    assert!(
        matches!(undone, Err(Undone::Refused(Refusal::NotAnOperator))),
        "{undone:?}"
    );
    let records = records_of(&gateway.store, &[AuditKind::ActRefused]).await;
    assert_eq!(records.len(), 6, "{records:?}");
}
