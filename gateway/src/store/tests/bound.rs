//! What is written into the tables by hand counts for nothing, and is told (R3, R7).

mod documents;

use ecluse_policy::intervention::Intervention;
use ecluse_policy::{ClientId, InterventionId, PersonId, ProviderId};
use ecluse_recordings::bound as keys;
use serde_json::json;

use super::at;
use crate::audit::{AuditKind, AuditRecord};
use crate::settings::{InterventionSettings, Settings};
use crate::store::sql::{Engine, values};
use crate::store::testing::{on_each_engine, records_of};
use crate::store::{
    ApplyOutcome, Destruction, DocumentTexts, InterventionQuery, StateName, Store, Wrong,
};

fn limits() -> InterventionSettings {
    Settings::parse(std::path::Path::new("/gateway.toml"), "")
        .unwrap()
        .interventions
}

/// As root, past everything that protects from mistakes.
async fn attack(store: &Store, sql: &[&'static str]) {
    let mut tx = store.db().begin().await.unwrap();
    for sql in sql {
        tx.execute(*sql, values![]).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// A request of alice, approved by odile, on record as policy would have it.
pub(super) async fn approved(store: &Store) -> Intervention {
    let value = |id, number, state: serde_json::Value, approvals, revision| -> Intervention {
        serde_json::from_value(json!({
            "request": {
                "id": id, "number": number, "person": "alice", "provider": "maintech", "station": "laptop-1",
                "client": "hopital", "scope": { "targets": ["db01"], "accounts": ["postgres"], "capabilities": [] },
                "reason": "the disk is full", "requested_at": 1_000_000, "start": null, "length": 60_000_000, "answer_due": 3_600_000_000_i64,
            },
            "state": state, "seen": null, "approvals": approvals, "revision": revision,
        }))
        .unwrap()
    };
    let person = PersonId::parse("alice").unwrap();
    let asked = store
        .insert_intervention(&person, at(1), &limits(), |id, number, _| {
            let record = AuditRecord::new(AuditKind::Request, at(1)).person(&person);
            let asked = value(id, number, json!("requested"), json!([]), 0);
            Ok::<_, ()>((asked, vec![record]))
        })
        .await
        .unwrap();
    let scope = json!({ "targets": ["db01"], "accounts": ["postgres"], "capabilities": [] });
    let granted = json!({ "approved": { "granted": {
        "scope": scope, "starts_at": 2_000_000, "length": 60_000_000, "latest_end": 3_000_000_000_i64 } } });
    let yes =
        json!([{ "operator": "odile", "at": 2_000_000, "scope": scope, "length": 60_000_000 }]);
    store
        .change_intervention::<()>(asked.id(), |latest| {
            let odile = PersonId::parse("odile").unwrap();
            let record = AuditRecord::new(AuditKind::Approval, at(2))
                .person(&odile)
                .permitted();
            let next = value(latest.id(), latest.number(), granted, yes, 1);
            Ok((next, vec![record]))
        })
        .await
        .unwrap()
}

/// Its technician gives it up.
pub(super) async fn take_back(store: &Store, id: InterventionId) {
    let _ = store
        .change_intervention::<()>(id, |latest| {
            let mut closed = serde_json::to_value(latest).unwrap();
            closed["state"] = json!({ "cancelled": { "at": 5 } });
            closed["revision"] = json!(2);
            let record = AuditRecord::new(AuditKind::Cancel, at(5));
            Ok((serde_json::from_value(closed).unwrap(), vec![record]))
        })
        .await
        .unwrap();
}

pub(super) async fn found(store: &Store, id: InterventionId) -> Intervention {
    store.intervention(id).await.unwrap().unwrap()
}

/// R3: whoever writes another approver, window, person or state into the table gives nobody anything.
#[test]
fn r3_an_intervention_changed_by_hand_is_marked_whatever_was_changed() {
    for change in [
        "UPDATE interventions SET body = replace(body, '\"operator\":\"odile\"', '\"operator\":\"omar\"')",
        "UPDATE interventions SET body = replace(body, 'the disk is full', 'nothing to see')",
        "UPDATE interventions SET body = replace(body, '\"latest_end\":3000000000', '\"latest_end\":9000000000000000')",
        "UPDATE interventions SET person = 'bruno'",
        "UPDATE interventions SET state = 'requested'",
        "UPDATE interventions SET number = 77",
        "UPDATE interventions SET salt = NULL",
        "UPDATE interventions SET salt = '00000000000000000000000000000000'",
    ] {
        on_each_engine(async |store| {
            let id = approved(store).await.id();
            assert!(!found(store, id).await.is_contradicted());
            attack(store, &[change]).await;
            let other = store.as_another_process().await;
            for store in [&store.store, &other] {
                assert!(found(store, id).await.is_contradicted(), "{change}");
            }
            let faults = other.contradicted_interventions().await.unwrap();
            assert_eq!((faults.len(), faults[0].unknown), (1, false), "{change}");
            other.close().await;
        });
    }
}

/// R3: a step that was taken back, and an approval that no entry tells of.
#[test]
fn r3_an_old_body_put_back_and_a_row_put_in_by_hand_are_marked() {
    on_each_engine(async |store| {
        let taken = approved(store).await;
        attack(store, &["CREATE TABLE kept AS SELECT * FROM interventions"]).await;
        take_back(store, taken.id()).await;
        attack(
            store,
            &[
                "DELETE FROM interventions",
                "INSERT INTO interventions SELECT * FROM kept",
            ],
        )
        .await;
        assert!(found(store, taken.id()).await.is_contradicted());
        // The columns of the trail are no help to whoever would hide the last entry.
        let hidden = "UPDATE audit SET intervention = NULL, kind = 'log-off' WHERE kind = 'cancel'";
        let triggers: &[&str] = match store.db().engine() {
            Engine::Sqlite => &["DROP TRIGGER audit_keeps_its_words"],
            Engine::Postgres => &["ALTER TABLE audit DISABLE TRIGGER USER"],
        };
        for sql in triggers.iter().copied().chain([hidden]) {
            attack(store, &[sql]).await;
        }
        let other = store.as_another_process().await;
        assert!(found(&other, taken.id()).await.is_contradicted());
        let other_id = match store.db().engine() {
            Engine::Sqlite => {
                "UPDATE kept SET id = x'01999999999979998999999999999999', number = 9"
            }
            Engine::Postgres => {
                "UPDATE kept SET id = '01999999-9999-7999-8999-999999999999', number = 9"
            }
        };
        attack(
            store,
            &[other_id, "INSERT INTO interventions SELECT * FROM kept"],
        )
        .await;
        let faults = other.contradicted_interventions().await.unwrap();
        assert!(
            faults
                .iter()
                .any(|fault| fault.unknown && fault.number == 9)
        );
        other.close().await;
    });
}

/// One entry, however often and from wherever it is looked at; and no step that would vouch for it.
#[test]
fn a_contradiction_is_on_record_once_and_nothing_goes_on_from_it() {
    on_each_engine(async |store| {
        let taken = approved(store).await;
        attack(
            store,
            &["UPDATE interventions SET body = replace(body, 'odile', 'omar')"],
        )
        .await;
        let live = InterventionQuery {
            states: StateName::LIVE.to_vec(),
            ..InterventionQuery::default()
        };
        let other = store.as_another_process().await;
        for store in [&store.store, &other, &store.store] {
            let (_, faults) = store.interventions_and_faults(&live).await.unwrap();
            for fault in &faults {
                store.tell_intervention_fault(fault, at(9)).await.unwrap();
            }
        }
        let told = records_of(store, &[AuditKind::NotOnRecord]).await;
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].client, ClientId::parse("hopital").ok());
        assert_eq!(told[0].detail["number"], 1);
        let record = [AuditRecord::new(AuditKind::Opening, at(9))];
        let mut next = serde_json::to_value(&taken).unwrap();
        next["revision"] = json!(2);
        let next = serde_json::from_value(next).unwrap();
        assert!(!store.replace_intervention(1, &next, &record).await.unwrap());
        assert!(records_of(store, &[AuditKind::Opening]).await.is_empty());
        other.close().await;
    });
}
