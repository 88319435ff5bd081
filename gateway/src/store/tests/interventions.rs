//! Interventions: numbered once, changed one step after the other, found again (I1, I2).

use ecluse_policy::intervention::{Intervention, State, Waiting};
use ecluse_policy::{ClientId, InterventionId, InterventionNumber, PersonId, Timestamp};
use serde_json::{Value, json};

use super::at;
use crate::audit::{AuditKind, AuditRecord};
use crate::settings::{InterventionSettings, Settings};
use crate::store::testing::{TestStore, on_each_engine, records_of};
use crate::store::{AuditQuery, InterventionError, InterventionQuery, StateName, Topics, new_id};

fn person(id: &str) -> PersonId {
    PersonId::parse(id).unwrap()
}

fn limits() -> InterventionSettings {
    Settings::parse(std::path::Path::new("/gateway.toml"), "")
        .unwrap()
        .interventions
}

/// A value as policy would make it; what it grants matters to nobody here.
fn value(id: InterventionId, number: InterventionNumber, of: &str, client: &str) -> Intervention {
    serde_json::from_value(json!({
        "request": {
            "id": id, "number": number, "person": of, "provider": "maintech", "station": "laptop-1",
            "client": client, "scope": { "targets": ["db01"], "accounts": ["postgres"], "capabilities": [] },
            "reason": "the disk is full", "requested_at": 0, "start": null, "length": 1, "answer_due": 3_600_000_000_i64,
        },
        "state": "requested", "seen": null, "approvals": [], "revision": 1,
    }))
    .unwrap()
}

/// The next value in another state, as a transition of policy would make it.
fn next(intervention: &Intervention, state: Value) -> Intervention {
    let mut value = serde_json::to_value(intervention).unwrap();
    value["state"] = state;
    value["revision"] = json!(intervention.revision() + 1);
    serde_json::from_value(value).unwrap()
}

fn cancelled() -> Value {
    json!({ "cancelled": { "at": 5 } })
}

async fn insert(store: &TestStore, of: &str, client: &str) -> Intervention {
    let make = |id, number, _| {
        let record = AuditRecord::new(AuditKind::Request, at(1)).intervention(id);
        Ok::<_, ()>((value(id, number, of, client), vec![record]))
    };
    store
        .insert_intervention(&person(of), at(1), &limits(), make)
        .await
        .unwrap()
}

#[test]
fn a_request_comes_back_as_it_was_and_by_its_number() {
    on_each_engine(async |store| {
        let made = insert(store, "alice", "hopital").await;
        assert_eq!(made.number(), InterventionNumber(1));
        assert_eq!(
            store.intervention(made.id()).await.unwrap().as_ref(),
            Some(&made)
        );
        assert_eq!(
            store
                .intervention_numbered(InterventionNumber(1))
                .await
                .unwrap(),
            Some(made)
        );
        assert_eq!(
            store
                .intervention_numbered(InterventionNumber(2))
                .await
                .unwrap(),
            None
        );
    });
}

/// F5: what policy is told of a person's last hour is what the store holds, whatever became of it.
#[test]
fn the_requests_of_a_persons_last_hour_are_counted() {
    on_each_engine(async |store| {
        let limits = InterventionSettings {
            requests_per_hour: 3,
            ..limits()
        };
        let counted = async |of: &str, now: Timestamp| {
            let mut told = None;
            let _ = store
                .insert_intervention(&person(of), now, &limits, |_, _, waiting| {
                    told = Some((waiting.of_person_lately, waiting.first_lately));
                    Err::<crate::store::Next, _>(())
                })
                .await;
            told.unwrap()
        };
        let made = Timestamp::from_micros(0);
        assert_eq!(counted("alice", made).await, (0, None));
        for _ in 0..2 {
            let one = insert(store, "alice", "hopital").await;
            let changed = store
                .change_intervention(one.id(), |latest| {
                    Ok::<_, ()>((next(latest, cancelled()), Vec::new()))
                })
                .await;
            assert!(changed.is_ok(), "{changed:?}");
        }
        assert_eq!(counted("alice", made).await, (2, Some(made)));
        // No more are looked at than there may be.
        for _ in 0..2 {
            let _ = insert(store, "alice", "hopital").await;
        }
        assert_eq!(counted("alice", made).await, (3, Some(made)));
        assert_eq!(counted("bruno", made).await, (0, None));
        let later = made.plus(ecluse_policy::Span::from_hours(1));
        assert_eq!(counted("alice", later).await, (0, None));
    });
}

#[test]
fn a_refused_request_uses_no_number_and_leaves_no_record() {
    on_each_engine(async |store| {
        let refused = store
            .insert_intervention(&person("alice"), at(1), &limits(), |_, _, _| {
                Err("the matrix says no")
            })
            .await;
        assert!(matches!(
            refused,
            Err(InterventionError::Refused("the matrix says no"))
        ));
        assert_eq!(
            insert(store, "alice", "hopital").await.number(),
            InterventionNumber(1)
        );
        assert_eq!(store.audit(&AuditQuery::default()).await.unwrap().len(), 1);
    });
}

#[test]
fn requests_at_once_get_a_number_each_and_see_all_that_wait() {
    on_each_engine(async |store| {
        let other = store.as_another_process().await;
        let mut tasks = tokio::task::JoinSet::new();
        for turn in 0..20 {
            let store = if turn % 2 == 0 {
                store.store.clone()
            } else {
                other.clone()
            };
            tasks.spawn(async move {
                let make = |id, number, waiting: Waiting| {
                    let full = waiting.of_person >= waiting.most_of_person;
                    if full {
                        Err(())
                    } else {
                        Ok((value(id, number, "alice", "hopital"), vec![]))
                    }
                };
                store
                    .insert_intervention(&person("alice"), at(1), &limits(), make)
                    .await
                    .is_ok()
            });
        }
        let accepted = tasks
            .join_all()
            .await
            .into_iter()
            .filter(|accepted| *accepted)
            .count();
        assert_eq!(accepted, 3, "three may wait, however many ask at once");
        let mut numbers: Vec<_> = store
            .interventions(&InterventionQuery::default())
            .await
            .unwrap()
            .iter()
            .map(|intervention| intervention.number().0)
            .collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [1, 2, 3]);
        let make = |id, number, waiting: Waiting| {
            assert_eq!((waiting.of_person, waiting.in_all), (0, 3));
            Ok::<_, ()>((value(id, number, "bruno", "hopital"), vec![]))
        };
        let _ = store
            .insert_intervention(&person("bruno"), at(1), &limits(), make)
            .await
            .unwrap();
        other.close().await;
    });
}

#[test]
fn of_answers_at_once_each_meets_the_one_before() {
    on_each_engine(async |store| {
        let id = insert(store, "alice", "hopital").await.id();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let store = store.store.clone();
            tasks.spawn(async move {
                let changed = store.change_intervention(id, |latest| {
                    if *latest.state() != State::Requested {
                        return Err("answered already");
                    }
                    let record = AuditRecord::new(AuditKind::Cancel, at(5)).intervention(id);
                    Ok((next(latest, cancelled()), vec![record]))
                });
                changed.await.is_ok()
            });
        }
        let accepted = tasks
            .join_all()
            .await
            .into_iter()
            .filter(|accepted| *accepted)
            .count();
        assert_eq!(accepted, 1);
        assert_eq!(records_of(store, &[AuditKind::Cancel]).await.len(), 1);
        assert_eq!(store.intervention(id).await.unwrap().unwrap().revision(), 2);
    });
}

#[test]
fn a_value_decided_on_an_older_revision_changes_nothing() {
    on_each_engine(async |store| {
        let first = insert(store, "alice", "hopital").await;
        let record = [AuditRecord::new(AuditKind::Cancel, at(5))];
        let second = next(&first, cancelled());
        assert!(
            store
                .replace_intervention(1, &second, &record)
                .await
                .unwrap()
        );
        assert!(
            !store
                .replace_intervention(1, &second, &record)
                .await
                .unwrap()
        );
        assert!(
            !store
                .replace_intervention(2, &second, &record)
                .await
                .unwrap(),
            "a revision only grows"
        );
        assert_eq!(records_of(store, &[AuditKind::Cancel]).await.len(), 1);
    });
}

#[test]
fn nothing_new_writes_nothing() {
    on_each_engine(async |store| {
        let made = insert(store, "alice", "hopital").await;
        let changes = store.changes(Topics::everything());
        let same = store
            .change_intervention::<()>(made.id(), |latest| Ok((latest.clone(), vec![])))
            .await
            .unwrap();
        assert_eq!(same, made);
        assert!(!changes.has_changed());
        let unknown = InterventionId::from_uuid(new_id(at(1)).unwrap());
        let changed = store
            .change_intervention::<()>(unknown, |latest| Ok((latest.clone(), vec![])))
            .await;
        assert!(matches!(changed, Err(InterventionError::Unknown)));
    });
}

#[test]
fn they_are_listed_by_client_person_and_state() {
    on_each_engine(async |store| {
        let _ = insert(store, "alice", "hopital").await;
        let second = insert(store, "bruno", "hopital").await;
        let _ = insert(store, "alice", "mairie").await;
        store
            .replace_intervention(1, &next(&second, cancelled()), &[])
            .await
            .unwrap();
        let numbers = async |query: InterventionQuery| -> Vec<u64> {
            store
                .interventions(&query)
                .await
                .unwrap()
                .iter()
                .map(|intervention| intervention.number().0)
                .collect()
        };
        let all = InterventionQuery::default;
        assert_eq!(numbers(all()).await, [3, 2, 1]);
        let hopital = Some(ClientId::parse("hopital").unwrap());
        assert_eq!(
            numbers(InterventionQuery {
                client: hopital.clone(),
                ..all()
            })
            .await,
            [2, 1]
        );
        assert_eq!(
            numbers(InterventionQuery {
                person: Some(person("alice")),
                ..all()
            })
            .await,
            [3, 1]
        );
        let live = InterventionQuery {
            client: hopital,
            states: StateName::LIVE.to_vec(),
            ..all()
        };
        assert_eq!(numbers(live).await, [1]);
        assert_eq!(
            numbers(InterventionQuery {
                before: Some(InterventionNumber(3)),
                limit: Some(1),
                ..all()
            })
            .await,
            [2]
        );
    });
}

#[test]
fn states_are_called_what_policy_calls_them() {
    let cancelled: State = serde_json::from_value(cancelled()).unwrap();
    for state in [State::Requested, cancelled] {
        assert_eq!(StateName::of(&state).as_str(), state.name());
    }
}
