//! Words that were read, and are away when somebody needs them (R3, R4, R9).

use super::*;
use crate::store::{AuditQuery, Standing};

/// R4: words of an entry that was read long ago, away while somebody looks at its session, accuse nobody: the entry is told.
#[test]
fn r4_words_that_are_away_while_they_are_needed_accuse_no_row() {
    on_each_engine(async |store| {
        write(store, 3).await;
        let start = began(store).await;
        store.watch().await.unwrap();
        hide(store, &places(store, AuditKind::SessionStart).await).await;
        let query = SessionQuery {
            unended: true,
            ..SessionQuery::default()
        };
        let live = store.sessions(&query).await.unwrap();
        assert_eq!(live.len(), 1);
        let fault = live[0].fault.clone().unwrap();
        assert_eq!(fault.what, Wrong::Unknown);
        assert_eq!(live[0].standing(), Standing::NotKnownYet);
        store.tell_session_fault(&fault, at(40)).await.unwrap();
        // However the index hides it.
        let hidden = "UPDATE audit SET session = NULL WHERE kind = 'session-start'";
        attack(store, &[hidden]).await;
        let live = store.sessions(&query).await.unwrap();
        assert_eq!(live[0].fault.clone().unwrap().what, Wrong::Unknown);
        looked(store).await;
        nobody(store).await;
        assert_eq!(contradictions(store).await.len(), 1);
        words_back(store).await;
        looked(store).await;
        let live = store.sessions(&query).await.unwrap();
        assert_eq!((live.len(), live[0].fault.clone()), (1, None));
        assert_eq!(live[0].start.id, start.id);
        assert_eq!(store.said().open().count(), 1);
        // An order that was read is no forgery either.
        let given = give(store, "b").await;
        hide(store, &places(store, AuditKind::CutOrdered).await).await;
        assert_eq!(store.orders_for("b").await.unwrap(), []);
        words_back(store).await;
        let held = store.orders_for("b").await.unwrap();
        assert!(matches!(&held[..], [Held::OnRecord { id, .. }] if *id == given));
    });
}

/// R9: what operators are told of goes no further than what can be read, and words that retention took hold up nothing.
#[test]
fn r9_what_is_told_does_not_pass_words_that_are_away() {
    on_each_engine(async |store| {
        let client = ClientId::parse("hopital").unwrap();
        for (kind, second) in [
            (AuditKind::KeyMade, 1),
            (AuditKind::CredentialSet, 2),
            (AuditKind::CredentialSet, 3),
        ] {
            let record = AuditRecord::new(kind, at(second)).client(&client);
            store.record(&[record]).await.unwrap();
        }
        store.watch().await.unwrap();
        let ask = AuditQuery {
            client: Some(client.clone()),
            kinds: vec![AuditKind::CredentialSet, AuditKind::KeyMade],
            latest_first: true,
            ..AuditQuery::default()
        };
        let told = async || {
            let (found, away) = store.audit_so_far(&ask).await.unwrap();
            let found: Vec<u64> = found.iter().map(|stored| stored.seq).collect();
            (found, away)
        };
        assert_eq!(told().await, (vec![3, 2, 1], None));
        hide(store, &[2]).await;
        assert_eq!(told().await, (vec![3, 1], Some(2)));
        words_back(store).await;
        assert_eq!(told().await, (vec![3, 2, 1], None));
        let removal = Destruction {
            client: Some(client.clone()),
            in_force: false,
            before: at(3),
            at: at(1000),
            by: "root (uid 0)".into(),
            why: "the service ended".into(),
        };
        store.destroy_client_entries(&removal).await.unwrap();
        assert_eq!(told().await, (vec![3, 1], None));
        looked(store).await;
        nobody(store).await;
        assert_eq!(contradictions(store).await.len(), 1);
    });
}

/// R3: what was right in between is told anew, once an hour.
#[test]
fn r3_an_alteration_that_comes_again_is_told_again() {
    on_each_engine(async |store| {
        let taken = approved(store).await;
        let live = InterventionQuery {
            states: StateName::LIVE.to_vec(),
            ..InterventionQuery::default()
        };
        let told = async |when: Timestamp| {
            attack(store, &["UPDATE interventions SET person = 'zoe'"]).await;
            for _ in 0..2 {
                let (_, faults) = store.interventions_and_faults(&live).await.unwrap();
                for fault in &faults {
                    store.tell_intervention_fault(fault, when).await.unwrap();
                }
            }
            attack(store, &["UPDATE interventions SET person = 'alice'"]).await;
            assert!(!found(store, taken.id()).await.is_contradicted());
            records_of(store, &[AuditKind::NotOnRecord]).await.len()
        };
        let now = crate::clock::now();
        assert_eq!(told(at(9)).await, 1, "long ago");
        assert_eq!(told(now).await, 2);
        assert_eq!(told(now).await, 2, "within the hour");
    });
}
