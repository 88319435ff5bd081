//! What lets in or locks out is what the log says, and no table alone (A3, A6, A8, C2, R3).

use ecluse_policy::{AccountName, CodeOutcome, PersonId, TargetId};
use zeroize::Zeroizing;

use super::identity::{alice, judge, log_on};
use super::journal::write;
use super::{at, confirmed};
use crate::audit::{AuditKind, AuditRecord, SECRET};
use crate::identity::totp::TotpSecret;
use crate::store::sql::values;
use crate::store::testing::{TestStore, on_each_engine, records_of};
use crate::store::{Credential, Destruction, Enrolled, SEALED, Store, StoreError};

fn carol() -> PersonId {
    PersonId::parse("carol").unwrap()
}

async fn enrol(store: &Store, person: &PersonId, seconds: i64, is_told: bool) -> TotpSecret {
    let secret = TotpSecret::generate().unwrap();
    let record = AuditRecord::new(AuditKind::Enrolment, at(seconds)).person(person);
    let records = if is_told { vec![record] } else { Vec::new() };
    let new = confirmed(person, &secret);
    let done = store.enrol(&new, true, &records).await;
    assert_eq!(done.unwrap(), Enrolled::Done);
    secret
}

/// The row of a second factor as whoever has a copy of the store and of its key puts it there.
async fn plant(store: &TestStore, person: &PersonId) -> TotpSecret {
    let secret = TotpSecret::generate().unwrap();
    let place = person.as_str();
    let sealed = store.key().seal("enrolments", place, secret.as_bytes());
    let sql = "INSERT INTO enrolments (person, secret, confirmed_at, confirmed_by) VALUES ($1, $2, 1, 'root')";
    let mut tx = store.db().begin().await.unwrap();
    tx.execute(sql, values![place, sealed.unwrap()])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    secret
}

async fn sealed(store: &Store) -> Vec<u8> {
    let sql = "SELECT secret AS sealed FROM enrolments WHERE person = 'alice'";
    let row = store.db().row(sql, &[]).await.unwrap().unwrap();
    row.bytes("sealed").unwrap()
}

async fn put(store: &TestStore, sealed: &[u8]) {
    let sql = "UPDATE enrolments SET secret = $1 WHERE person = 'alice'";
    let mut tx = store.db().begin().await.unwrap();
    assert_eq!(tx.execute(sql, values![sealed]).await.unwrap(), 1);
    tx.commit().await.unwrap();
}

async fn faults(store: &Store) -> Vec<AuditRecord> {
    records_of(store, &[AuditKind::NotOnRecord]).await
}

async fn forget(store: &Store, before: i64, now: i64) {
    let removal = Destruction {
        client: None,
        in_force: false,
        before: at(before),
        at: at(now),
        by: "root".into(),
        why: "a test".into(),
    };
    let done = store.destroy_client_entries(&removal).await.unwrap();
    assert!(done.is_some());
}

/// A3, A6: whatever is done to the row of a second factor, its person is blocked by no right code; a row that is only said to be
/// disabled, and not on record, lets them in.
#[test]
fn a6_a_row_changed_by_hand_locks_nobody_out() {
    on_each_engine(async |store| {
        let secret = enrol(store, &alice(), 1, true).await;
        let code = |seconds| secret.code(at(seconds));
        store
            .changed_by_hand("UPDATE enrolments SET disabled_at = confirmed_at + 1")
            .await;
        assert_eq!(
            log_on(store, &code(3000), 3000).await,
            CodeOutcome::Accepted
        );
        let row = sealed(store).await;
        store.changed_by_hand("DELETE FROM enrolments").await;
        for seconds in (0..8).map(|n| 3060 + 60 * n) {
            let outcome = judge(store, &alice(), &code(seconds), seconds).await;
            assert_eq!(outcome, CodeOutcome::NotEnrolled);
        }
        assert_eq!(records_of(store, &[AuditKind::Lockout]).await.len(), 0);
        let found = faults(store).await;
        assert_eq!(found.len(), 1, "once");
        let why = found[0].reason.as_deref().unwrap_or_default();
        assert!(why.contains("is not in the store"), "{why}");
        plant(store, &alice()).await;
        put(store, &row).await;
        assert_eq!(
            log_on(store, &code(3600), 3600).await,
            CodeOutcome::Accepted
        );
        // One that is gone on record is a guess like any other.
        let record = AuditRecord::new(AuditKind::EnrolmentDisabled, at(5)).person(&alice());
        let disabled = store.disable_enrolment(&alice(), at(5), &[record]).await;
        assert!(disabled.unwrap());
        for _ in 0..3 {
            judge(store, &alice(), &code(3700), 3700).await;
        }
        assert_eq!(records_of(store, &[AuditKind::Lockout]).await.len(), 1);
        assert_eq!(faults(store).await.len(), 1);
    });
}

/// A3, C2: a second factor, or a credential, of which the log never told opens nothing, though it is sealed for its place; on a
/// node that begins later too.
#[test]
fn a3_a_secret_of_which_the_log_never_told_opens_nothing() {
    on_each_engine(async |store| {
        enrol(store, &alice(), 1, true).await;
        let secret = plant(store, &carol()).await;
        let (target, account) = (
            TargetId::parse("db01").unwrap(),
            AccountName::parse("postgres").unwrap(),
        );
        let word = Credential::Password(Zeroizing::new("planted".to_owned()));
        store
            .set_credential(&target, &account, &word, "root", at(1), &[])
            .await
            .unwrap();
        let late = store.as_another_process().await;
        for store in [&store.store, &late] {
            for seconds in [3000, 3060, 3120, 3180] {
                let code = secret.code(at(seconds));
                let outcome = judge(store, &carol(), &code, seconds).await;
                assert_eq!(outcome, CodeOutcome::NotEnrolled);
            }
            let error = store.credential(&target, &account, at(9)).await;
            let is_told = matches!(error, Err(StoreError::NotOnRecord { .. }));
            assert!(is_told, "{error:?}");
        }
        let found = faults(store).await;
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].detail[SECRET], "enrolment of carol");
        assert_eq!(found[1].detail[SECRET], "credential of postgres@db01");
        assert_eq!(records_of(store, &[AuditKind::Lockout]).await.len(), 0);
        late.close().await;
    });
}

/// A3: what an older program left and no entry has the digest of is put on record as it is found, once, and goes on working;
/// what is put there afterwards does not.
#[test]
fn a3_what_an_older_program_left_is_put_on_record_as_it_is_found() {
    on_each_engine(async |store| {
        let secret = enrol(store, &alice(), 1, false).await;
        store
            .record(&[AuditRecord::new(AuditKind::Enrolment, at(1)).person(&alice())])
            .await
            .unwrap();
        store
            .changed_by_hand("UPDATE enrolments SET told = NULL")
            .await;
        let late = store.as_another_process().await;
        let found = records_of(store, &[AuditKind::Bound]).await;
        assert_eq!(found.len(), 1);
        assert!(found[0].detail.contains_key(SEALED), "{:?}", found[0]);
        assert_eq!(
            log_on(&late, &secret.code(at(3000)), 3000).await,
            CodeOutcome::Accepted
        );
        let planted = plant(store, &carol()).await;
        let later = store.as_another_process().await;
        let code = planted.code(at(3000));
        let outcome = judge(&later, &carol(), &code, 3000).await;
        assert_eq!(outcome, CodeOutcome::NotEnrolled);
        assert_eq!(records_of(store, &[AuditKind::Bound]).await.len(), 1);
        late.close().await;
        later.close().await;
    });
}

/// R7, A3: retention takes the words of the last setting of a second factor, and leaves those of an earlier one, which is dated ahead:
/// the right row stays right, and the old one opens nothing, also on a node that begins afterwards; so when all words are gone.
#[test]
fn r7_the_last_word_about_a_secret_outlives_older_ones() {
    on_each_engine(async |store| {
        write(store, 5).await;
        enrol(store, &alice(), 90_000, true).await;
        let old = sealed(store).await;
        let secret = enrol(store, &alice(), 10, true).await;
        let right = sealed(store).await;
        for _ in 0..4 {
            let log_off = AuditRecord::new(AuditKind::LogOff, at(20));
            store.record(&[log_off]).await.unwrap();
        }
        for (nth, (before, now)) in [(100, 150), (200_000, 200_001)].into_iter().enumerate() {
            forget(store, before, now).await;
            let again = records_of(store, &[AuditKind::Bound]).await;
            assert!(again.last().unwrap().detail.contains_key(SEALED));
            let late = store.as_another_process().await;
            for store in [&store.store, &late] {
                let seconds = 300_000 + 600 * i64::try_from(nth).unwrap();
                let code = secret.code(at(seconds));
                let outcome = judge(store, &alice(), &code, seconds).await;
                assert_eq!(outcome, CodeOutcome::Accepted);
            }
            assert_eq!(faults(store).await.len(), nth, "nobody is accused");
            put(store, &old).await;
            for store in [&store.store, &late] {
                let code = secret.code(at(400_000));
                let outcome = judge(store, &alice(), &code, 400_000).await;
                assert_eq!(outcome, CodeOutcome::NotEnrolled);
            }
            put(store, &right).await;
            late.close().await;
            // What was found is dated by then.
            for _ in 0..4 {
                let log_off = AuditRecord::new(AuditKind::LogOff, at(20));
                store.record(&[log_off]).await.unwrap();
            }
        }
    });
}
