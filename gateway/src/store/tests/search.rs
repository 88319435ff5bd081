//! Filters of recordings: who passes, and when they go.

use ecluse_policy::{AccountName, ClientId, InterventionId, PersonId, SessionId, TargetId};
use ecluse_recordings::search::{FilterBuilder, Query};

use super::at;
use crate::store::sql::values;
use crate::store::testing::on_each_engine;
use crate::store::{
    Destruction, Searchable, SessionEnd, SessionQuery, SessionStart, Store, new_id,
};

async fn session(store: &Store, client: &str, person: &str, lines: Option<&[&str]>) -> SessionId {
    let id = SessionId::from_uuid(new_id(at(1)).unwrap());
    let start = SessionStart {
        id,
        node: "a".to_owned(),
        person: PersonId::parse(person).unwrap(),
        station: None,
        source: "192.0.2.7".parse().unwrap(),
        client: ClientId::parse(client).unwrap(),
        target: TargetId::parse("db01").unwrap(),
        account: AccountName::parse("postgres").unwrap(),
        intervention: InterventionId::from_uuid(new_id(at(1)).unwrap()),
        documents: 1,
        recording: Some(format!("{client}/x")),
        at: at(10),
    };
    store.start_session(&start, &[]).await.unwrap();
    if let Some(lines) = lines {
        let mut filter = FilterBuilder::default();
        lines.iter().for_each(|line| filter.line(line));
        assert!(
            store
                .remember_search(id, &filter.finish(), true)
                .await
                .unwrap()
        );
    }
    id
}

async fn found(store: &Store, query: &SessionQuery, word: &str) -> Vec<(u64, Searchable)> {
    let grams = [Query::new([word]).unwrap().grams()];
    let sessions = store.searchable(query, &grams).await.unwrap();
    sessions
        .iter()
        .map(|(session, found)| (session.number, *found))
        .collect()
}

/// R10, R9: a filter lets through what it holds, within the query that was made.
#[test]
fn a_question_passes_the_filters_that_hold_it() {
    on_each_engine(async |store| {
        session(store, "hopital", "alice", Some(&["drop table patients"])).await;
        session(store, "hopital", "bruno", Some(&["select 1"])).await;
        session(store, "hopital", "alice", None).await;
        session(store, "mairie", "alice", Some(&["drop table taxes"])).await;
        let of = |client: &str| SessionQuery {
            client: Some(ClientId::parse(client).unwrap()),
            ..SessionQuery::default()
        };
        assert_eq!(
            found(store, &of("hopital"), "DROP").await,
            [
                (3, Searchable::Unknown),
                (2, Searchable::No),
                (1, Searchable::Perhaps)
            ]
        );
        assert_eq!(
            found(store, &of("mairie"), "patients").await,
            [(4, Searchable::No)]
        );
        let bruno = SessionQuery {
            person: Some(PersonId::parse("bruno").unwrap()),
            ..of("hopital")
        };
        assert_eq!(
            found(store, &bruno, "select").await,
            [(2, Searchable::Perhaps)]
        );
    });
}

/// C4: what the database holds of a recording does not open without the store's key.
#[test]
fn a_filter_in_the_database_is_sealed_for_its_session() {
    on_each_engine(async |store| {
        let lines: &[&str] = &["drop table patients"];
        let first = session(store, "hopital", "alice", Some(lines)).await;
        let second = session(store, "hopital", "alice", Some(lines)).await;
        let stored = async |id: SessionId| {
            let sql = "SELECT filter FROM search_filters WHERE session = $1";
            let row = store.db().row(sql, values![id.as_uuid()]).await.unwrap();
            row.unwrap().bytes("filter").unwrap()
        };
        let (one, other) = (stored(first).await, stored(second).await);
        assert_ne!(one, other);
        let mut plain = FilterBuilder::default();
        lines.iter().for_each(|line| plain.line(line));
        let plain = plain.finish();
        assert!(!one.windows(64).any(|part| part == &plain.as_bytes()[1..65]));
        // Moved to another session, it says nothing of that one.
        let mut change = store.write().await.unwrap();
        let sql = "UPDATE search_filters SET filter = $2 WHERE session = $1";
        let values = values![second.as_uuid(), one];
        change.tx.execute(sql, values).await.unwrap();
        change.commit(&[]).await.unwrap();
        let all = SessionQuery::default();
        let found = found(store, &all, "nowhere").await;
        assert_eq!(found.first(), Some(&(2, Searchable::Perhaps)));
    });
}

/// R7: nothing that finds a recording outlives it.
/// R10: what somebody made of one row hinders nobody's search, and hides nothing: its recording is opened.
#[test]
fn a_filter_that_was_altered_hides_no_recording_and_hinders_no_search() {
    on_each_engine(async |store| {
        let broken = session(store, "hopital", "alice", Some(&["select 1"])).await;
        session(store, "hopital", "alice", Some(&["drop table patients"])).await;
        let mut change = store.write().await.unwrap();
        let sql = "UPDATE search_filters SET filter = $2 WHERE session = $1";
        let values = values![broken.as_uuid(), b"nothing of ours".to_vec()];
        change.tx.execute(sql, values).await.unwrap();
        let sql = "UPDATE sessions SET ended_at = $2, screen_text = 1 WHERE id = $1";
        let values = values![broken.as_uuid(), at(20)];
        change.tx.execute(sql, values).await.unwrap();
        change.commit(&[]).await.unwrap();
        let all = SessionQuery::default();
        assert_eq!(
            found(store, &all, "drop").await,
            [(2, Searchable::Perhaps), (1, Searchable::Perhaps)]
        );
        // It is made anew.
        let to_index = store.sessions_to_index().await.unwrap();
        assert_eq!(to_index.first().map(|session| session.number), Some(1));
    });
}

/// Nor does a row of sessions that does not read.
#[tokio::test]
async fn a_session_whose_row_does_not_read_hinders_no_search() {
    let store = crate::store::testing::TestStore::sqlite().await;
    for _ in 0..3 {
        session(&store, "hopital", "alice", Some(&["drop table patients"])).await;
    }
    let mut tx = store.db().begin().await.unwrap();
    let sql = "UPDATE sessions SET source = 'nowhere' WHERE number = 3";
    tx.execute(sql, values![]).await.unwrap();
    tx.commit().await.unwrap();
    let one = SessionQuery {
        limit: Some(1),
        ..SessionQuery::default()
    };
    assert_eq!(
        found(&store, &one, "drop").await,
        [(2, Searchable::Perhaps)]
    );
}

#[test]
fn a_filter_goes_with_its_recording() {
    on_each_engine(async |store| {
        let lines: &[&str] = &["drop table patients"];
        let mut filter = FilterBuilder::default();
        filter.line("drop table");
        let filter = filter.finish();
        let all = SessionQuery::default();

        let destroyed = session(store, "hopital", "alice", Some(lines)).await;
        store.recording_destroyed(destroyed, &[]).await.unwrap();
        assert_eq!(found(store, &all, "drop").await, [(1, Searchable::Unknown)]);
        // Not even when sealing or indexing was under way.
        assert!(
            !store
                .remember_search(destroyed, &filter, true)
                .await
                .unwrap()
        );
        assert_eq!(found(store, &all, "drop").await, [(1, Searchable::Unknown)]);

        let forgotten = session(store, "hopital", "alice", Some(lines)).await;
        let end = SessionEnd {
            at: at(20),
            because: None,
            reason: "closed".into(),
            to_target: 0,
            to_technician: 0,
        };
        store.end_session(forgotten, &end, &[]).await.unwrap();
        store.forget_search(forgotten).await.unwrap();
        assert_eq!(
            found(store, &all, "drop").await.first(),
            Some(&(2, Searchable::Unknown))
        );
        let to_index = async || {
            let found = store.sessions_to_index().await.unwrap();
            let numbers = found.iter().map(|session| session.number);
            numbers.collect::<Vec<u64>>()
        };
        assert_eq!(to_index().await, [2]);

        let third = session(store, "hopital", "alice", Some(lines)).await;
        store.end_session(third, &end, &[]).await.unwrap();
        assert_eq!(to_index().await, [2]);
        // Sealed before it was kept whether screens are searchable: that is found out.
        let mut change = store.write().await.unwrap();
        let sql = "UPDATE sessions SET screen_text = NULL WHERE id = $1";
        let values = values![third.as_uuid()];
        change.tx.execute(sql, values).await.unwrap();
        change.commit(&[]).await.unwrap();
        assert_eq!(to_index().await, [3, 2]);
        let found = store.session(3).await.unwrap().unwrap();
        assert_eq!(found.screen_text, None);
        assert!(store.remember_search(third, &filter, false).await.unwrap());
        let found = store.session(3).await.unwrap().unwrap();
        assert_eq!(found.screen_text, Some(false));
        assert_eq!(to_index().await, [2]);
        // What an earlier program made rules nothing out, and is made anew.
        let row = third.as_uuid().to_string();
        let earlier = store
            .key()
            .seal("search_filters", &row, &[1, 0xff])
            .unwrap();
        let mut change = store.write().await.unwrap();
        let sql = "UPDATE search_filters SET filter = $2 WHERE session = $1";
        let values = values![third.as_uuid(), earlier];
        change.tx.execute(sql, values).await.unwrap();
        change.commit(&[]).await.unwrap();
        assert_eq!(to_index().await, [3, 2]);
        let record = crate::audit::AuditRecord::new(crate::audit::AuditKind::SessionEnd, at(20))
            .client(&ClientId::parse("hopital").unwrap());
        store.record(&[record]).await.unwrap();
        let destruction = Destruction {
            client: Some(ClientId::parse("hopital").unwrap()),
            in_force: false,
            before: at(1000),
            at: at(1000),
            by: "root".to_owned(),
            why: "end of service".to_owned(),
        };
        store.destroy_client_entries(&destruction).await.unwrap();
        let rows = store
            .db()
            .rows("SELECT session FROM search_filters", values![])
            .await
            .unwrap();
        assert!(rows.is_empty());
        let unknown = SessionId::from_uuid(new_id(at(1)).unwrap());
        assert!(!store.remember_search(unknown, &filter, true).await.unwrap());
    });
}

/// R10: a thousand recorded hours, as two thousand recordings of ten thousand different trigrams each.
#[test]
#[ignore = "measures for half a minute: cargo nextest run --release -p ecluse --run-ignored only thousand"]
fn a_thousand_recorded_hours_are_sifted_within_a_second() {
    const RECORDINGS: u64 = 2000;
    on_each_engine(async |store| {
        // Words of twelve letters out of thirty-two; what they are matters less than how many.
        let filters: Vec<_> = (0..10u64)
            .map(|n| {
                let mut filter = FilterBuilder::default();
                for word in 0..1100 {
                    let mut mixed = (n * 1100 + word + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                    let letters = (0..12).map(|_| {
                        mixed = mixed.rotate_left(5).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                        char::from(b'@' + u8::try_from(mixed >> 59).unwrap())
                    });
                    filter.line(&letters.collect::<String>());
                }
                if n == 7 {
                    filter.line("the needle in the haystack");
                }
                filter.finish()
            })
            .collect();
        for n in 0..RECORDINGS {
            let id = session(store, "hopital", "alice", None).await;
            // One recording in five hundred holds what is looked for.
            let which = if n % 500 == 0 { 7 } else { n % 7 };
            let filter = &filters[usize::try_from(which).unwrap()];
            store.remember_search(id, filter, true).await.unwrap();
        }
        let begun = crate::clock::monotonic();
        let grams = [Query::new(["needle in the hay"]).unwrap().grams()];
        let (mut before, mut passed, mut seen) = (None, 0, 0);
        loop {
            let page = SessionQuery {
                client: Some(ClientId::parse("hopital").unwrap()),
                before,
                limit: Some(256),
                ..SessionQuery::default()
            };
            let page = store.searchable(&page, &grams).await.unwrap();
            let Some((last, _)) = page.last() else { break };
            before = Some(last.number);
            seen += page.len() as u64;
            passed += page
                .iter()
                .filter(|(_, found)| *found == Searchable::Perhaps)
                .count();
        }
        let took = begun.elapsed();
        let size = {
            let sql = "SELECT SUM(LENGTH(filter)) AS size FROM search_filters";
            let row = store.db().row(sql, values![]).await.unwrap().unwrap();
            row.int("size").unwrap()
        };
        eprintln!("{seen} filters of {size} bytes in all sifted in {took:?}, {passed} passed");
        assert_eq!((seen, passed), (RECORDINGS, 4));
        assert!(took < std::time::Duration::from_secs(1), "{took:?}");
    });
}
