//! What takes something from somebody holds while its words are away, and what takes nothing stops nobody (A6, A8, R3).

use std::collections::BTreeMap;

use ecluse_policy::CodeOutcome;

use super::super::doors;
use super::super::identity::{alice, judge, log_on, wrong};
use super::*;
use crate::archive::cut_short;
use crate::store::ServeLock;

/// A6, A8, A3: a block, an enrolment that ended and a factor that was replaced hold for a gateway that starts while their words are
/// away, whatever was put back into the tables, and though another entry is away; people of whom nothing was taken are let in.
#[test]
fn a8_what_takes_rights_away_holds_while_its_words_are_away() {
    on_each_engine(async |store| {
        let parts = BTreeMap::new();
        let begun = store.begin_with_settings("a", &parts, at(1));
        begun.await.unwrap();
        let secret = doors::enrolled(store).await;
        write(store, 3).await;
        let until = lock_out(store).await;
        let judged = async |other: &Store, second: i64| {
            let code = secret.code(at(second));
            judge(other, &alice(), &code, second).await
        };
        // A block; and a request, which takes nothing from anybody.
        for kind in [AuditKind::Lockout, AuditKind::Request] {
            hide(store, &places(store, kind).await).await;
            let other = store.as_another_process().await;
            looked(&other).await;
            assert_eq!(other.blocked_until(&claim()).await.unwrap(), Some(until));
            let second = if kind == AuditKind::Request {
                3060
            } else {
                3000
            };
            assert_eq!(judged(&other, second).await, CodeOutcome::Accepted);
            other.close().await;
            words_back(store).await;
        }
        // The end of an enrolment, with the words that it was seen missing.
        let ended = AuditRecord::new(AuditKind::EnrolmentDisabled, at(9)).person(&alice());
        let ended = store.disable_enrolment(&alice(), at(9), &[ended]).await;
        assert!(ended.unwrap());
        let mut away = places(store, AuditKind::EnrolmentDisabled).await;
        away.extend(places(store, AuditKind::Lockout).await);
        hide(store, &away).await;
        let enabled = "UPDATE enrolments SET disabled_at = NULL";
        attack(store, &[enabled]).await;
        let other = store.as_another_process().await;
        assert_eq!(other.blocked_until(&claim()).await.unwrap(), Some(until));
        assert_eq!(judged(&other, 3120).await, CodeOutcome::NotEnrolled);
        other.close().await;
        // With the copies gone, and the index altered: nothing tells what it takes, so nobody is let in by what is older.
        let listed = listed(&away);
        let gone = format!("DELETE FROM entry_copies WHERE seq IN ({listed})");
        let index = format!("UPDATE audit SET kind = 'log-on' WHERE seq IN ({listed})");
        attack(store, &[&gone, &index]).await;
        let other = store.as_another_process().await;
        let code = secret.code(at(3180));
        let claim = Claim {
            person: "alice",
            at: at(3180),
            ..claim()
        };
        let refused = AuditRecord::new(AuditKind::LogOnRefused, at(3180)).person(&alice());
        let told = other.judge_code(&claim, &alice(), &code, refused).await;
        let is_told = matches!(told, Err(StoreError::NotReadable { .. }));
        assert!(is_told, "{told:?}");
        // Whoever is enrolled since is let in: nothing that is away can be about that.
        let secret = doors::enrolled(store).await;
        let code = secret.code(at(3240));
        let let_in = judge(&other, &alice(), &code, 3240).await;
        assert_eq!(let_in, CodeOutcome::Accepted);
        other.close().await;
    });
}

/// A6: a code that was accepted, and tries that count, hold for a gateway that starts while their words are away.
#[test]
fn a6_a_code_was_used_and_a_try_counts_while_their_words_are_away() {
    on_each_engine(async |store| {
        let parts = BTreeMap::new();
        let begun = store.begin_with_settings("a", &parts, at(1));
        begun.await.unwrap();
        let secret = doors::enrolled(store).await;
        let code = secret.code(at(3000));
        assert_eq!(log_on(store, &code, 3000).await, CodeOutcome::Accepted);
        for _ in 0..2 {
            let outcome = judge(store, &alice(), &wrong(&secret, 0), 3001).await;
            assert_eq!(outcome, CodeOutcome::Wrong);
        }
        let mut away = places(store, AuditKind::LogOn).await;
        away.extend(places(store, AuditKind::LogOnRefused).await);
        assert_eq!(away.len(), 3);
        hide(store, &away).await;
        let other = store.as_another_process().await;
        looked(&other).await;
        let again = judge(&other, &alice(), &code, 3010).await;
        assert_eq!(again, CodeOutcome::Again);
        let third = judge(&other, &alice(), &wrong(&secret, 0), 3011).await;
        assert_eq!(third, CodeOutcome::Wrong);
        let blocked = judge(&other, &alice(), &code, 3012).await;
        assert!(
            matches!(blocked, CodeOutcome::Blocked { .. }),
            "{blocked:?}"
        );
        other.close().await;
    });
}

/// R7, A3: whoever marks one row of destroyed words otherwise, or one more, makes nothing else missing: nobody waits, and nobody is told
/// of words that are not there. What an older program destroyed is known so from the next start on.
#[test]
fn r7_one_mark_that_was_altered_makes_nobody_wait() {
    on_each_engine(async |store| {
        let parts = BTreeMap::new();
        let begin = async |second| {
            let begun = store.begin_with_settings("a", &parts, at(second));
            begun.await.unwrap();
        };
        begin(1).await;
        let secret = doors::enrolled(store).await;
        let client = ClientId::parse("hopital").unwrap();
        for second in 2..9 {
            let record = AuditRecord::new(AuditKind::LogOff, at(second)).client(&client);
            store.record(&[record]).await.unwrap();
        }
        let running = store.as_another_process().await;
        running.watch().await.unwrap();
        let removal = Destruction {
            client: Some(client),
            in_force: false,
            before: at(100),
            at: at(1000),
            by: "root (uid 0)".into(),
            why: "the service ended".into(),
        };
        let done = store.destroy_client_entries(&removal).await.unwrap();
        let by = done.unwrap().seq;
        let sql = "SELECT seq FROM journal WHERE destroyed_by IS NOT NULL ORDER BY seq";
        let rows = store.db().rows(sql, values![]).await.unwrap();
        let gone: Vec<u64> = rows.iter().map(|row| row.count("seq").unwrap()).collect();
        assert_eq!(gone.len(), 7);
        let marked = |seq: u64, by: &str| {
            format!("UPDATE journal SET destroyed_by = {by} WHERE seq = {seq}")
        };
        let mut second = 3000;
        let mut nobody_waits = async |what: &str| {
            let late = store.as_another_process().await;
            for other in [&running, &late] {
                looked(other).await;
                second += 60;
                let code = secret.code(at(second));
                let outcome = judge(other, &alice(), &code, second).await;
                assert_eq!(outcome, CodeOutcome::Accepted, "{what}");
            }
            late.close().await;
            assert_eq!(contradictions(store).await, Vec::<String>::new(), "{what}");
        };
        nobody_waits("as it is").await;
        for other in ["NULL", "2", &(by - 1).to_string()] {
            attack(store, &[&marked(gone[2], other)]).await;
            nobody_waits(other).await;
            attack(store, &[&marked(gone[2], &by.to_string())]).await;
        }
        // As an older program left it: nothing was kept of it.
        attack(store, &["DELETE FROM entry_copies WHERE seq IN (SELECT seq FROM journal WHERE destroyed_by IS NOT NULL)"]).await;
        begin(2000).await;
        attack(store, &[&marked(gone[2], "NULL")]).await;
        nobody_waits("an older program's").await;
        running.close().await;
    });
}

/// R7: what retention took away has no copy of its words either.
#[test]
fn r7_no_copy_outlives_its_words() {
    on_each_engine(async |store| {
        let client = ClientId::parse("hopital").unwrap();
        for second in 1..5 {
            let record = AuditRecord::new(AuditKind::CredentialSet, at(second)).client(&client);
            store.record(&[record]).await.unwrap();
        }
        let removal = Destruction {
            client: Some(client),
            in_force: false,
            before: at(100),
            at: at(1000),
            by: "root (uid 0)".into(),
            why: "the service ended".into(),
        };
        let done = store.destroy_client_entries(&removal).await.unwrap();
        assert_eq!(done.unwrap().entries, 4);
        let sql = "SELECT entry_copies.seq AS seq, sealed FROM entry_copies JOIN journal ON journal.seq = entry_copies.seq WHERE journal.entry IS NULL";
        let rows = store.db().rows(sql, values![]).await.unwrap();
        assert_eq!(rows.len(), 4);
        for row in &rows {
            let (seq, sealed) = (row.count("seq").unwrap(), row.bytes("sealed").unwrap());
            let copy = store.key().open("entry_copies", &seq.to_string(), &sealed);
            // The hash, and by which entry they were destroyed.
            assert_eq!(copy.unwrap().len(), 32 + 1 + 8);
        }
    });
}

/// N3, R4: that a gateway was killed is put on record at its next start, whatever other words are away just then and whatever became
/// of its lock's file; where its end may be among them, that is said.
#[test]
fn n3_a_killed_gateway_is_told_of_whatever_is_away() {
    on_each_engine(async |store| {
        let parts = BTreeMap::new();
        let begun = store.begin_with_settings("a", &parts, at(1));
        begun.await.unwrap();
        write(store, 2).await;
        let away = places(store, AuditKind::Request).await;
        assert_eq!(away.len(), 2);
        hide(store, &away).await;
        let other = store.as_another_process().await;
        let unended = other.unended_run("a").await.unwrap();
        assert_eq!(unended, Some((at(1), true)));
        other.close().await;
        let gone = format!("DELETE FROM entry_copies WHERE seq IN ({})", listed(&away));
        attack(store, &[&gone]).await;
        let other = store.as_another_process().await;
        let dir = tempfile::tempdir().unwrap();
        for second in [9, 10] {
            let lock = ServeLock::take(dir.path()).unwrap();
            cut_short::tell(&other, &lock, "a", at(second))
                .await
                .unwrap();
        }
        let told = records_of(store, &[AuditKind::ServeCutShort]).await;
        assert_eq!(told.len(), 1);
        let reason = told[0].reason.as_deref().unwrap_or_default();
        assert!(reason.contains("unless its end is among"), "{reason}");
        other.close().await;
    });
}
