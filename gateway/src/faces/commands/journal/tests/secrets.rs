//! Sealed secrets, and their rows, against what the log says last of them (A3, R7).

use ecluse_policy::{AccountName, PersonId, TargetId};
use ecluse_recordings::verify::Verdict;
use zeroize::Zeroizing;

use super::*;
use crate::audit::CODE_STEP;
use crate::identity::totp::TotpSecret;
use crate::store::{Credential, Destruction, NewEnrolment};

/// A store whose journal has its keys, where it lies, and those keys.
async fn begun() -> (TestStore, tempfile::TempDir, JournalKeys) {
    let store = TestStore::sqlite().await;
    let dir = tempfile::tempdir().unwrap();
    let keys = JournalKeys::open(&store, &settings(dir.path()).journal, at(1))
        .await
        .unwrap();
    (store, dir, keys)
}

async fn kept(store: &Store, keys: &JournalKeys) -> SignedNote {
    let note = store.checkpoint(keys.origin(), keys.signer(), at(9)).await;
    note.unwrap().unwrap()
}

async fn enrol(store: &Store, person: &str, seconds: i64, by: &str) {
    let person = PersonId::parse(person).unwrap();
    let secret = TotpSecret::generate().unwrap();
    let new = NewEnrolment {
        person: &person,
        secret: &secret,
        step: 1,
        by,
        at: at(seconds),
    };
    let record = AuditRecord::new(AuditKind::Enrolment, at(seconds))
        .person(&person)
        .detail("by", by);
    let _ = store.enrol(&new, true, &[record]).await.unwrap();
}

async fn disable(store: &Store, person: &str, seconds: i64) {
    let person = PersonId::parse(person).unwrap();
    let record = AuditRecord::new(AuditKind::EnrolmentDisabled, at(seconds))
        .person(&person)
        .detail("by", "root");
    let records = [record];
    let disabled = store.disable_enrolment(&person, at(seconds), &records);
    assert!(disabled.await.unwrap());
}

async fn credential(store: &Store, account: &str, word: Option<&str>, seconds: i64, by: &str) {
    let target = TargetId::parse("db01").unwrap();
    let account = AccountName::parse(account).unwrap();
    let record = AuditRecord::new(AuditKind::CredentialSet, at(seconds))
        .claimed(by)
        .target(&target)
        .detail("account", account.as_str());
    let Some(word) = word else {
        let records = [record];
        let removed = store.remove_credential(&target, &account, &records);
        assert!(removed.await.unwrap());
        return;
    };
    let record = record.detail("credential", "password");
    let word = Credential::Password(Zeroizing::new(word.to_owned()));
    let records = [record];
    let set = store.set_credential(&target, &account, &word, by, at(seconds), &records);
    set.await.unwrap();
}

/// Retention takes the gateway's own words of before a time.
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

/// A3, R7: a log-on by a second factor of which the log never told is named, though its row is gone again; one that retention took
/// the last words of, and left an earlier setting, is not called altered.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_that_was_never_told_is_named_and_one_told_again_is_not() {
    let (store, dir, keys) = begun().await;
    for told_at in [90_000, 2] {
        enrol(&store, "alice", told_at, "root").await;
    }
    let carol = AuditRecord::new(AuditKind::LogOn, at(3))
        .claimed("carol")
        .permitted()
        .detail(CODE_STEP, 7);
    store.record(&[carol]).await.unwrap();
    grow(&store, 6).await;
    let since = kept(&store, &keys).await;
    let found = verified(&since, &store, dir.path()).await;
    let named = |of: &str| {
        let mut lines = found.lines.iter();
        lines.any(|(verdict, text)| *verdict == Verdict::NotInLog && text.contains(of))
    };
    assert!(
        named("the second factor with which carol logged on"),
        "{found:?}"
    );
    assert!(!named("alice"), "{found:?}");
    forget(&store, 100, 150).await;
    let found = verified(&since, &store, dir.path()).await;
    assert_eq!(found.lines, [], "{found:?}");
}

/// A3, C2, R7: retention takes the words of the last setting, and leaves those of an earlier one that is dated ahead. Nobody is accused of
/// a row that is as it was set then, or is not there or not in force since; and what was done to it by hand is named all the same.
#[tokio::test(flavor = "multi_thread")]
async fn r7_a_row_is_held_to_the_entry_that_set_it_and_to_no_earlier_one() {
    let (store, dir, keys) = begun().await;
    grow(&store, 5).await;
    for person in ["alice", "bob", "carol"] {
        enrol(&store, person, 90_000, "ann").await;
    }
    for account in ["ops", "postgres"] {
        credential(&store, account, Some("first"), 90_000, "ann").await;
    }
    disable(&store, "bob", 90_001).await;
    // The clock is right again.
    for person in ["alice", "bob", "carol"] {
        enrol(&store, person, 10, "zoe").await;
    }
    disable(&store, "carol", 11).await;
    credential(&store, "postgres", Some("second"), 12, "zoe").await;
    credential(&store, "ops", None, 13, "zoe").await;
    grow(&store, 20).await;
    let since = kept(&store, &keys).await;
    let before = verified(&since, &store, dir.path()).await;
    assert_eq!(before.lines, [], "{before:?}");
    forget(&store, 100, 150).await;
    let found = verified(&since, &store, dir.path()).await;
    assert_eq!(found.lines, [], "{found:?}");
    // Of one whose entry has its words, who and when are compared.
    enrol(&store, "dave", 200, "zoe").await;
    store
        .changed_by_hand("UPDATE enrolments SET confirmed_by = 'ann' WHERE person = 'dave'")
        .await;
    let found = verified(&since, &store, dir.path()).await;
    let [(Verdict::Altered, line)] = &found.lines[..] else {
        panic!("{found:?}")
    };
    assert!(
        line.contains("the enrolment of dave was altered: by whom"),
        "{line}"
    );
    store
        .changed_by_hand("UPDATE enrolments SET confirmed_by = 'zoe' WHERE person = 'dave'")
        .await;
    for (change, back, told) in [
        (
            "UPDATE enrolments SET disabled_at = NULL WHERE person = 'carol'",
            "UPDATE enrolments SET disabled_at = 11000000 WHERE person = 'carol'",
            "the enrolment of carol is in force in the table",
        ),
        (
            "UPDATE enrolments SET person = 'alicf' WHERE person = 'alice'",
            "UPDATE enrolments SET person = 'alice' WHERE person = 'alicf'",
            "the enrolment of alice, on record with entry",
        ),
        (
            "UPDATE credentials SET sealed = zeroblob(60)",
            "UPDATE credentials SET kind = kind",
            "the sealed value of credentials db01 postgres password was altered",
        ),
    ] {
        store.changed_by_hand(change).await;
        let found = verified(&since, &store, dir.path()).await;
        let mut lines = found.lines.iter();
        assert!(lines.any(|(_, line)| line.contains(told)), "{found:?}");
        store.changed_by_hand(back).await;
    }
}

/// A6, R3: one code that was accepted twice is named, where somebody hid that it was used; an entry in each trail is one use, and the
/// codes of a secret that was set anew are others.
#[tokio::test(flavor = "multi_thread")]
async fn a6_a_code_that_was_accepted_twice_is_named() {
    let (store, dir, keys) = begun().await;
    enrol(&store, "alice", 2, "root").await;
    let log_on = |second, step: u64| {
        AuditRecord::new(AuditKind::LogOn, at(second))
            .claimed("alice")
            .permitted()
            .detail(CODE_STEP, step)
    };
    let hopital = ClientId::parse("hopital").unwrap();
    let once = crate::store::with_event(log_on(3, 7));
    let both = [once.clone(), once.client(&hopital)];
    store.record(&both).await.unwrap();
    let refused = log_on(4, 7).refused();
    store.record(&[refused, log_on(5, 8)]).await.unwrap();
    enrol(&store, "alice", 6, "root").await;
    store.record(&[log_on(7, 8)]).await.unwrap();
    let since = kept(&store, &keys).await;
    let found = verified(&since, &store, dir.path()).await;
    assert_eq!(found.lines, [], "{found:?}");
    store.record(&[log_on(9, 8)]).await.unwrap();
    let found = verified(&since, &store, dir.path()).await;
    let [(Verdict::Missing, line)] = &found.lines[..] else {
        panic!("{found:?}")
    };
    assert!(
        line.contains("one code of alice was accepted twice"),
        "{line}"
    );
}

/// A3, C2: retention takes the words by which a second factor or a credential was set; its row is missed all the same when somebody takes
/// it away, and one that was taken away on record is not.
#[tokio::test(flavor = "multi_thread")]
async fn r3_a_row_that_was_said_again_and_is_gone_is_missing() {
    let (store, dir, keys) = begun().await;
    enrol(&store, "alice", 2, "root").await;
    for account in ["ops", "postgres"] {
        credential(&store, account, Some("first"), 3, "root").await;
    }
    grow(&store, 6).await;
    let since = kept(&store, &keys).await;
    forget(&store, 100, 150).await;
    credential(&store, "ops", None, 200, "root").await;
    let found = verified(&since, &store, dir.path()).await;
    assert_eq!(found.lines, [], "{found:?}");
    store.changed_by_hand("DELETE FROM enrolments").await;
    store.changed_by_hand("DELETE FROM credentials").await;
    let found = verified(&since, &store, dir.path()).await;
    let [enrolment, credential] = &found.lines[..] else {
        panic!("{found:?}")
    };
    assert_eq!(
        (enrolment.0, credential.0),
        (Verdict::Missing, Verdict::Missing)
    );
    assert!(
        enrolment
            .1
            .contains("the enrolment of alice, on record with entry"),
        "{found:?}"
    );
    assert!(
        credential
            .1
            .contains("the credential of postgres@db01, on record with entry"),
        "{found:?}"
    );
}

/// The gateway's own keys: one that was made and is gone is named, and a rotation is not.
#[tokio::test(flavor = "multi_thread")]
async fn r3_a_key_of_the_gateway_that_is_gone_is_missing() {
    let (store, dir, keys) = begun().await;
    store.recordings_identity(at(2)).await.unwrap();
    store.user_authority(at(2)).await.unwrap();
    grow(&store, 3).await;
    let since = kept(&store, &keys).await;
    rotate(&store, &settings(dir.path())).await.unwrap();
    let found = verified(&since, &store, dir.path()).await;
    assert_eq!(found.lines, [], "{found:?}");
    for (change, key) in [
        (
            "DELETE FROM gateway_keys WHERE name = 'journal-signing'",
            "journal-signing",
        ),
        (
            "DELETE FROM gateway_keys WHERE name = 'recordings-identity'",
            "recordings-identity",
        ),
        ("DELETE FROM gateway_keys", "user-authority"),
        (
            "DELETE FROM signing_keys WHERE until_at IS NULL",
            "the signing key ",
        ),
    ] {
        store.changed_by_hand(change).await;
        let found = verified(&since, &store, dir.path()).await;
        let mut lines = found.lines.iter();
        let is_named = lines.any(|(verdict, line)| {
            *verdict == Verdict::Missing
                && line.contains(key)
                && line.contains("not in the table any more")
        });
        assert!(is_named, "{key}: {found:?}");
    }
}

/// A second factor that is in force by the log is not said to be disabled because its row says so, nor an account enabled: each is named,
/// also after retention took the words of its setting. Where retention took words of that time, that is said.
#[tokio::test(flavor = "multi_thread")]
async fn r3_a_row_marked_as_disabled_or_enabled_by_hand_is_named() {
    let (store, dir, keys) = begun().await;
    enrol(&store, "alice", 2, "root").await;
    grow(&store, 6).await;
    let since = kept(&store, &keys).await;
    let mark = "UPDATE enrolments SET disabled_at = 120000000, enabled_at = 121000000";
    let unmark = "UPDATE enrolments SET disabled_at = NULL, enabled_at = NULL";
    let named = [
        "that the enrolment of alice is disabled since",
        "that the enrolment of alice was enabled at",
    ];
    for is_forgotten in [false, true] {
        if is_forgotten {
            forget(&store, 100, 150).await;
        }
        store.changed_by_hand(mark).await;
        let found = verified(&since, &store, dir.path()).await;
        let [(Verdict::NotInLog, disabled), (Verdict::NotInLog, enabled)] = &found.lines[..] else {
            panic!("{found:?}")
        };
        assert!(
            disabled.contains(named[0]) && enabled.contains(named[1]),
            "{found:?}"
        );
        let shown = store.enrolments().await.unwrap();
        assert_eq!(shown[0].disabled_at, None, "{shown:?}");
        store.changed_by_hand(unmark).await;
        let found = verified(&since, &store, dir.path()).await;
        assert_eq!(found.lines, [], "{found:?}");
    }
    // Of when an account was enabled, before the day up to which words were removed, the row tells.
    store
        .changed_by_hand("UPDATE enrolments SET enabled_at = 99000000")
        .await;
    let found = verified(&since, &store, dir.path()).await;
    assert_eq!(found.lines, [], "{found:?}");
    assert!(
        found.notes.iter().any(|note| note.contains(named[1])),
        "{found:?}"
    );
    disable(&store, "alice", 200).await;
    let found = verified(&since, &store, dir.path()).await;
    assert_eq!(found.lines, [], "{found:?}");
    let shown = store.enrolments().await.unwrap();
    assert_eq!(shown[0].disabled_at, Some(at(200)));
}

/// What stands beside the log is missed like what stands in it: copies that were taken away, or stand in the place of others, are counted in one
/// line. Of entries from before the first start that makes them nothing is said.
#[tokio::test(flavor = "multi_thread")]
async fn r3_copies_that_are_gone_are_missing() {
    let (store, dir, keys) = begun().await;
    grow(&store, 3).await;
    let since = kept(&store, &keys).await;
    store
        .changed_by_hand("DELETE FROM entry_copies WHERE seq = 2")
        .await;
    let found = verified(&since, &store, dir.path()).await;
    assert_eq!(found.lines, [], "no gateway began yet: {found:?}");
    let parts = BTreeMap::new();
    store
        .begin_with_settings("a", &parts, at(1000))
        .await
        .unwrap();
    let first = store.journal_size().await.unwrap();
    let many =
        (0..1100).map(|second| AuditRecord::new(AuditKind::LogOn, at(second)).claimed("alice"));
    store.record(&many.collect::<Vec<_>>()).await.unwrap();
    forget(&store, 20, 2000).await;
    let found = verified(&since, &store, dir.path()).await;
    assert_eq!(found.lines, [], "{found:?}");
    let last = first + 1050;
    for (change, told) in [
        (
            format!("DELETE FROM entry_copies WHERE seq = {last}"),
            format!("entry {last} has no copy beside the log, or another's"),
        ),
        (
            format!(
                "UPDATE entry_copies SET sealed = (SELECT sealed FROM entry_copies WHERE seq = 1) WHERE seq = {}",
                first + 30
            ),
            format!(
                "2 entries, from entry {} to entry {last}, have no copy",
                first + 30
            ),
        ),
    ] {
        store.changed_by_hand(change).await;
        let found = verified(&since, &store, dir.path()).await;
        let [(Verdict::Missing, line)] = &found.lines[..] else {
            panic!("{found:?}")
        };
        assert!(line.contains(&told), "{line}");
    }
    // Where retention took the words of every start, what else such a program writes tells that it makes copies.
    let (store, dir, keys) = begun().await;
    enrol(&store, "alice", 2, "root").await;
    grow(&store, 3).await;
    let since = kept(&store, &keys).await;
    let last = store.journal_size().await.unwrap();
    let change = format!("DELETE FROM entry_copies WHERE seq = {last}");
    store.changed_by_hand(change).await;
    let found = verified(&since, &store, dir.path()).await;
    assert_eq!(found.verdict(), Verdict::Missing, "{found:?}");
}
