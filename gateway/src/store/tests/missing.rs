//! Words that are away when a gateway reads on are missing, and nothing else is: what is beyond is taken in, nobody is accused, it
//! is told once, and what comes late takes its place (R3, R4, A2, A6, I5).

mod needed;
mod taken;
mod timelines;

use ecluse_policy::{ClientId, PersonId, Timestamp};
use uuid::Uuid;

use super::at;
use super::bound::{approved, found, take_back};
use super::journal::write;
use super::owed::{SETTLED, end};
use super::sessions::{began, record, start};
use super::witness::contradictions;
use crate::audit::{AuditKind, AuditRecord};
use crate::live::{CutWhat, Order};
use crate::settings::Settings;
use crate::store::sql::values;
use crate::store::testing::{
    TestStore, attack, on_each_engine, records_of, words_away, words_back,
};
use crate::store::{
    Claim, Destruction, Held, InterventionQuery, SessionQuery, SessionStart, StateName, Store,
    StoreError, Wrong,
};

/// The places of the entries of a kind.
async fn places(store: &Store, kind: AuditKind) -> Vec<u64> {
    let sql = "SELECT seq FROM audit WHERE kind = $1 ORDER BY seq";
    let rows = store.db().rows(sql, values![kind.name()]).await.unwrap();
    rows.iter().map(|row| row.count("seq").unwrap()).collect()
}

fn listed(places: &[u64]) -> String {
    let places: Vec<String> = places.iter().map(ToString::to_string).collect();
    places.join(", ")
}

/// Takes the words of these entries away for a moment.
async fn hide(store: &Store, places: &[u64]) {
    words_away(store, &format!("seq IN ({})", listed(places))).await;
}

/// Looks until what there is to tell is on record.
async fn looked(store: &Store) {
    for _ in 0..3 {
        store.watch().await.unwrap();
    }
    assert_eq!(store.settle(SETTLED).await, 0);
}

/// That nobody was accused.
async fn nobody(store: &Store) {
    assert!(
        records_of(store, &[AuditKind::NotOnRecord])
            .await
            .is_empty()
    );
}

/// Another gateway of the same store: it ran before what `happens`, or starts just then.
async fn other(store: &TestStore, runs: bool) -> Option<Store> {
    if !runs {
        return None;
    }
    let other = store.as_another_process().await;
    other.watch().await.unwrap();
    Some(other)
}

/// An order to cut sessions of a node.
async fn give(store: &Store, node: &str) -> Uuid {
    let order = Order {
        client: ClientId::parse("hopital").unwrap(),
        by: PersonId::parse("odile").unwrap(),
        what: CutWhat::All,
        reason: None,
    };
    let record = AuditRecord::new(AuditKind::CutOrdered, at(6)).client(&order.client);
    let given = store
        .give_order(&order, &[node.to_owned()], record, &[])
        .await;
    given.unwrap().id
}

fn claim() -> Claim<'static> {
    let settings = Settings::parse(std::path::Path::new("/gateway.toml"), "").unwrap();
    Claim {
        elsewhere: false,
        person: "bruno",
        source: "192.0.2.9".parse().unwrap(),
        at: at(30),
        rules: settings.authentication.lockout,
    }
}

/// Blocks bruno; until when.
async fn lock_out(store: &Store) -> Timestamp {
    let bruno = PersonId::parse("bruno").unwrap();
    loop {
        let refused = AuditRecord::new(AuditKind::LogOnRefused, at(30)).person(&bruno);
        let claim = claim();
        let counted = store.count_failure(&claim, Some(&bruno), refused);
        if let Some(until) = counted.await.unwrap() {
            return until;
        }
    }
}

/// R4, I5: a session whose beginning could not be read is shown and cut by its row, accuses nobody, and is one of all when its
/// words are there; so is one that ended meanwhile.
#[test]
fn r4_a_session_whose_beginning_is_away_is_found_all_the_same() {
    for runs in [true, false] {
        on_each_engine(async |store| {
            write(store, 5).await;
            let running = other(store, runs).await;
            let start = began(store).await;
            hide(store, &places(store, AuditKind::SessionStart).await).await;
            let other = match running {
                Some(other) => other,
                None => store.as_another_process().await,
            };
            let query = SessionQuery {
                unended: true,
                ..SessionQuery::default()
            };
            for _ in 0..3 {
                let live = other.sessions(&query).await.unwrap();
                assert_eq!(live.len(), 1);
                let fault = live[0].fault.clone().unwrap();
                assert_eq!(fault.what, Wrong::Unknown);
                other.tell_session_fault(&fault, at(40)).await.unwrap();
                looked(&other).await;
            }
            nobody(&other).await;
            let told = contradictions(&other).await;
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(told[0].contains("the words of entry"), "{told:?}");
            words_back(store).await;
            let live = other.sessions(&query).await.unwrap();
            assert_eq!((live.len(), live[0].fault.clone()), (1, None));
            assert_eq!(other.said().open().count(), 1);
            assert!(!other.said().owes_after(0));
            hide(store, &places(store, AuditKind::SessionStart).await).await;
            let third = store.as_another_process().await;
            third.watch().await.unwrap();
            let told = record(AuditKind::SessionEnd, &start, 30).reason("closed");
            assert!(store.end_session(start.id, &end(), &[told]).await.unwrap());
            third.watch().await.unwrap();
            words_back(store).await;
            for one in [&other, &third] {
                one.watch().await.unwrap();
                assert_eq!(one.said().open().count(), 0, "it ended");
            }
            nobody(store).await;
            assert_eq!(contradictions(store).await.len(), 1, "once, whoever looks");
            other.close().await;
            third.close().await;
        });
    }
}

/// A2: a withdrawal whose words are away, with its row set back, lets nobody in; when they are there, the row is another than the
/// log tells of.
#[test]
fn a2_a_withdrawal_that_is_away_grants_nothing() {
    for runs in [true, false] {
        on_each_engine(async |store| {
            let taken = approved(store).await;
            let running = other(store, runs).await;
            attack(
                store,
                &["CREATE TABLE earlier AS SELECT * FROM interventions"],
            )
            .await;
            take_back(store, taken.id()).await;
            hide(store, &places(store, AuditKind::Cancel).await).await;
            let set_back = [
                "DELETE FROM interventions",
                "INSERT INTO interventions SELECT * FROM earlier",
            ];
            attack(store, &set_back).await;
            let other = match running {
                Some(other) => other,
                None => store.as_another_process().await,
            };
            let live = InterventionQuery {
                states: StateName::LIVE.to_vec(),
                ..InterventionQuery::default()
            };
            let there = found(&other, taken.id()).await;
            assert!(there.is_not_known_yet() && !there.is_contradicted());
            let start = SessionStart {
                intervention: taken.id(),
                ..start()
            };
            let begin = record(AuditKind::SessionStart, &start, 10);
            let refused = other.start_session(&start, &[begin]).await.unwrap_err();
            assert!(matches!(refused, StoreError::NotOpen { .. }), "{refused}");
            let (_, faults) = other.interventions_and_faults(&live).await.unwrap();
            assert_eq!(faults, []);
            looked(&other).await;
            nobody(&other).await;
            words_back(store).await;
            let there = found(&other, taken.id()).await;
            assert!(there.is_contradicted() && !there.is_not_known_yet());
            other.close().await;
        });
    }
}

/// R3: a step of another gateway whose words are away makes its row neither true nor false.
#[test]
fn r3_a_step_that_is_away_accuses_nobody() {
    on_each_engine(async |store| {
        let taken = approved(store).await;
        let other = store.as_another_process().await;
        other.watch().await.unwrap();
        take_back(store, taken.id()).await;
        hide(store, &places(store, AuditKind::Cancel).await).await;
        let there = found(&other, taken.id()).await;
        assert!(there.is_contradicted() && there.is_not_known_yet());
        assert_eq!(other.contradicted_interventions().await.unwrap(), []);
        words_back(store).await;
        let there = found(&other, taken.id()).await;
        assert!(!there.is_contradicted() && !there.is_not_known_yet());
        other.close().await;
    });
}

/// R3, I5, A6: one entry that is away keeps nothing else from anybody: a request since then is honest, an order is obeyed, a
/// withdrawal and a block hold, and all of it is told once. So it is where the row itself is gone.
#[test]
fn r3_what_is_beyond_a_gap_is_taken_in() {
    for is_gone in [false, true] {
        on_each_engine(async |store| {
            write(store, 4).await;
            let other = store.as_another_process().await;
            other.watch().await.unwrap();
            let log_on = AuditRecord::new(AuditKind::LogOn, at(5));
            store.record(&[log_on]).await.unwrap();
            write(store, 1).await;
            let gap = places(store, AuditKind::LogOn).await;
            hide(store, &gap).await;
            if is_gone {
                let gone = format!("DELETE FROM journal WHERE seq IN ({})", listed(&gap));
                attack(store, &[&gone]).await;
            }
            looked(&other).await;
            let taken = approved(store).await;
            let given = give(store, "b").await;
            looked(&other).await;
            let there = found(&other, taken.id()).await;
            assert!(!there.is_contradicted() && !there.is_not_known_yet());
            assert_eq!(other.contradicted_interventions().await.unwrap(), []);
            let held = other.orders_for("b").await.unwrap();
            assert!(matches!(&held[..], [Held::OnRecord { id, .. }] if *id == given));
            let until = lock_out(store).await;
            assert_eq!(other.blocked_until(&claim()).await.unwrap(), Some(until));
            attack(
                store,
                &["CREATE TABLE earlier AS SELECT * FROM interventions"],
            )
            .await;
            take_back(store, taken.id()).await;
            let set_back = [
                "DELETE FROM interventions",
                "INSERT INTO interventions SELECT * FROM earlier",
            ];
            attack(store, &set_back).await;
            let there = found(&other, taken.id()).await;
            assert!(there.is_contradicted() && !there.is_not_known_yet());
            nobody(store).await;
            write(&other, 3).await;
            looked(store).await;
            looked(&other).await;
            assert_eq!(contradictions(store).await.len(), 1);
            if is_gone {
                let back = format!(
                    "INSERT INTO journal SELECT * FROM kept WHERE seq IN ({})",
                    listed(&gap)
                );
                attack(store, &[&back, "DROP TABLE kept"]).await;
            } else {
                words_back(store).await;
            }
            write(&other, 1).await;
            looked(&other).await;
            let size = other.journal_size().await.unwrap();
            let root = other.journal_root(size).await.unwrap();
            assert!(!other.said().owes_after(0));
            assert_eq!(other.seen_root(size), Some(root));
            assert_eq!(contradictions(store).await.len(), 1);
            other.close().await;
        });
    }
}

/// I5: an order whose words are away is no forgery: it is obeyed when they are there.
#[test]
fn i5_an_order_that_is_away_is_waited_for() {
    on_each_engine(async |store| {
        write(store, 2).await;
        let other = store.as_another_process().await;
        other.watch().await.unwrap();
        let given = give(store, "b").await;
        hide(store, &places(store, AuditKind::CutOrdered).await).await;
        assert_eq!(other.orders_for("b").await.unwrap(), []);
        words_back(store).await;
        let held = other.orders_for("b").await.unwrap();
        assert!(matches!(&held[..], [Held::OnRecord { id, .. }] if *id == given));
        other.close().await;
    });
}

/// A6: a block whose words are away at a start holds as soon as they are there.
#[test]
fn a6_a_block_that_is_away_holds_when_it_is_there() {
    on_each_engine(async |store| {
        let until = lock_out(store).await;
        hide(store, &places(store, AuditKind::Lockout).await).await;
        let other = store.as_another_process().await;
        looked(&other).await;
        assert_eq!(contradictions(&other).await.len(), 1);
        words_back(store).await;
        assert_eq!(other.blocked_until(&claim()).await.unwrap(), Some(until));
        other.close().await;
    });
}

/// R7: words that retention took, on record, before a gateway read them are not missing; and nobody hides more under that.
#[test]
fn r7_words_that_retention_took_are_not_missing() {
    on_each_engine(async |store| {
        let other = store.as_another_process().await;
        write(store, 2).await;
        other.watch().await.unwrap();
        write(store, 6).await;
        let removal = Destruction {
            client: ClientId::parse("hopital").ok(),
            in_force: false,
            before: at(100),
            at: at(1000),
            by: "root (uid 0)".into(),
            why: "the service ended".into(),
        };
        let done = store.destroy_client_entries(&removal).await.unwrap();
        let third = store.as_another_process().await;
        for one in [&other, &third] {
            looked(one).await;
            assert!(!one.said().owes_after(0));
        }
        assert!(contradictions(store).await.is_empty());
        third.close().await;
        let by = done.unwrap().seq;
        let more = format!("UPDATE journal SET entry = NULL, destroyed_by = {by} WHERE seq = 3");
        attack(store, &[&more]).await;
        let third = store.as_another_process().await;
        looked(&third).await;
        assert!(third.said().owes_after(0));
        assert_eq!(contradictions(&third).await.len(), 1);
        for one in [other, third] {
            one.close().await;
        }
    });
}

/// R3: a store whose words are all away is not taken for one that never had digests.
#[test]
fn r3_nobody_is_let_in_by_what_is_not_there() {
    on_each_engine(async |store| {
        let _ = approved(store).await;
        let size = store.journal_size().await.unwrap();
        let all: Vec<u64> = (1..=size).collect();
        hide(store, &all).await;
        attack(store, &["UPDATE interventions SET salt = NULL"]).await;
        let other = store.as_another_process().await;
        assert!(
            records_of(&other, &[AuditKind::BindingsBegin])
                .await
                .is_empty()
        );
        let person = PersonId::parse("alice").unwrap();
        let query = InterventionQuery {
            person: Some(person),
            ..InterventionQuery::default()
        };
        let (there, _) = other.interventions_and_faults(&query).await.unwrap();
        assert!(there.iter().all(|it| it.is_contradicted()));
        other.close().await;
    });
}
