//! A copy that is sealed for its place and is of another timeline, from which the store was set back: it lets nobody in (A8, A6).

use std::collections::BTreeMap;

use ecluse_policy::CodeOutcome;
use ecluse_recordings::evidence::manifest::sha256_hex;
use ecluse_recordings::log::leaf_hash;
use serde_json::json;

use super::super::doors;
use super::super::identity::alice;
use super::*;
use crate::audit::{CODE_STEP, Place, SECRETS_TOLD};
use crate::identity::totp::TotpSecret;
use crate::store::SEALED;

/// Alice's second factor ended, and her row says that it did not; other entries follow. Her secret, and the place of its end.
async fn ended(store: &TestStore) -> (TotpSecret, u64) {
    let parts = BTreeMap::new();
    let begun = store.begin_with_settings("a", &parts, at(1));
    begun.await.unwrap();
    let secret = doors::enrolled(store).await;
    let ended = AuditRecord::new(AuditKind::EnrolmentDisabled, at(9)).person(&alice());
    let ended = store.disable_enrolment(&alice(), at(9), &[ended]).await;
    assert!(ended.unwrap());
    let enabled = "UPDATE enrolments SET disabled_at = NULL";
    attack(store, &[enabled]).await;
    let place = places(store, AuditKind::EnrolmentDisabled).await[0];
    write(store, 2).await;
    (secret, place)
}

/// What a door of a gateway that starts now makes of a right code.
async fn judged(store: &TestStore, secret: &TotpSecret) -> Result<CodeOutcome, StoreError> {
    let other = store.as_another_process().await;
    other.watch().await.unwrap();
    let claim = Claim {
        person: "alice",
        at: at(3000),
        ..claim()
    };
    let refused = AuditRecord::new(AuditKind::LogOnRefused, at(3000)).person(&alice());
    let code = secret.code(at(3000));
    let judged = other.judge_code(&claim, &alice(), &code, refused).await;
    other.close().await;
    judged.map(|judged| judged.outcome)
}

async fn put_copy(store: &TestStore, seq: u64, copy: &[u8]) {
    let sealed = store.key().seal("entry_copies", &seq.to_string(), copy);
    let mut tx = store.db().begin().await.unwrap();
    let sql = "UPDATE entry_copies SET sealed = $2 WHERE seq = $1";
    let done = tx.execute(sql, values![seq, sealed.unwrap()]).await;
    assert_eq!(done.unwrap(), 1);
    tx.commit().await.unwrap();
}

/// The copy that a gateway keeps of a record at a place: its hash, and its words where they take.
fn copy_of(record: &AuditRecord, seq: u64, with_words: bool) -> Vec<u8> {
    let place = Place {
        salt: "00".repeat(16),
        seq,
        event: Uuid::from_bytes([9; 16]),
        nth: None,
        previous: None,
    };
    let line = record.to_entry(place).to_line().unwrap();
    let mut copy = leaf_hash(&line).0.to_vec();
    if with_words {
        copy.extend_from_slice(&line);
    }
    copy
}

/// The copy of an entry with this hash whose words were destroyed by another.
fn destroyed_by(leaf: &[u8], by: u64) -> Vec<u8> {
    [leaf, &[0], &by.to_be_bytes()].concat()
}

/// A8: where the row is gone with its hash, no copy says that the place takes nothing, nor that it gives anything, nor that
/// retention took it: of any it may be another timeline's.
#[test]
fn a8_where_no_row_is_no_copy_says_that_nothing_was_taken() {
    on_each_engine(async |store| {
        let (secret, place) = ended(store).await;
        let gone = format!("DELETE FROM journal WHERE seq = {place}");
        attack(store, &[&gone]).await;
        let row = store.db().row("SELECT secret FROM enrolments", &[]).await;
        let digest = sha256_hex(&row.unwrap().unwrap().bytes("secret").unwrap());
        let of = |kind| AuditRecord::new(kind, at(9)).person(&alice()).permitted();
        let destroyed = destroyed_by(&copy_of(&of(AuditKind::LogOff), place, false), 200);
        let enrolment = of(AuditKind::Enrolment)
            .detail(SEALED, digest)
            .detail(SECRETS_TOLD, true);
        let log_on = of(AuditKind::LogOn).detail(CODE_STEP, 1);
        for (what, copy) in [
            ("nothing", copy_of(&of(AuditKind::LogOff), place, false)),
            ("a code", copy_of(&log_on, place, true)),
            ("an enrolment", copy_of(&enrolment, place, true)),
            ("a removal", destroyed),
        ] {
            put_copy(store, place, &copy).await;
            let told = judged(store, &secret).await;
            let is_told = matches!(told, Err(StoreError::NotReadable { .. }));
            assert!(is_told, "{what}: {told:?}");
        }
        // What a copy takes, it takes.
        let until = at(9000);
        let blocks = json!({ "person:alice": until.as_micros() });
        let lockout = AuditRecord::new(AuditKind::Lockout, at(9))
            .person(&alice())
            .detail(crate::store::failures::BLOCKS, blocks);
        put_copy(store, place, &copy_of(&lockout, place, true)).await;
        let blocked = judged(store, &secret).await.unwrap();
        assert_eq!(blocked, CodeOutcome::Blocked { until });
    });
}

/// A8, R7: that retention took the words of a place is believed of a copy where the entry that it names is a removal of this log,
/// and took them; of any other the place is missing, is told, and may have taken anything.
#[test]
fn a8_a_copy_names_the_removal_that_took_its_words_or_they_are_missing() {
    on_each_engine(async |store| {
        let client = ClientId::parse("mairie").unwrap();
        let log_off = AuditRecord::new(AuditKind::LogOff, at(2)).client(&client);
        let remove = async |second| {
            let removal = Destruction {
                client: Some(client.clone()),
                in_force: false,
                before: at(100),
                at: at(second),
                by: "root (uid 0)".into(),
                why: "the service ended".into(),
            };
            let done = store.destroy_client_entries(&removal).await.unwrap();
            done.unwrap().seq
        };
        store.record(std::slice::from_ref(&log_off)).await.unwrap();
        let (secret, place) = ended(store).await;
        let before = remove(1000).await;
        store.record(&vec![log_off; 9]).await.unwrap();
        let elsewhere = remove(1001).await;
        let sql = "SELECT leaf FROM journal WHERE seq = $1";
        let row = store.db().row(sql, values![place]).await.unwrap().unwrap();
        let leaf = row.bytes("leaf").unwrap();
        hide(store, &[place]).await;
        for (what, by) in [
            ("there is no such entry", 5000),
            ("it is no removal", place + 1),
            ("it took what is before", before),
            ("it took others", elsewhere),
        ] {
            put_copy(store, place, &destroyed_by(&leaf, by)).await;
            let told = judged(store, &secret).await;
            let is_told = matches!(told, Err(StoreError::NotReadable { .. }));
            assert!(is_told, "{what}: {told:?}");
        }
        let other = store.as_another_process().await;
        looked(&other).await;
        assert_eq!(contradictions(&other).await.len(), 1);
        other.close().await;
    });
}
