//! Versions of the documents, and what applying them takes along (R5, A1, A8).

use ecluse_policy::{CodeOutcome, PersonId, PublicKey};

use super::identity::judge;
use super::{at, confirmed};
use crate::audit::{AuditKind, AuditRecord};
use crate::identity::totp::TotpSecret;
use crate::secrets::new_ed25519;
use crate::store::sql::values;
use crate::store::testing::{
    TestStore, attack, on_each_engine, records_of, words_away, words_back,
};
use crate::store::{ApplyError, ApplyOutcome, AuditQuery, DocumentTexts, FactorBinding, Topics};

pub(super) fn key() -> String {
    new_ed25519("test")
        .unwrap()
        .public_key()
        .to_openssh()
        .unwrap()
}

/// A provider with technicians, and a client with one target at an address.
fn texts(technicians: &[&str], address: &str, host_key: &str) -> DocumentTexts {
    let mut provider =
        "[provider]\nid = \"maintech\"\nname = \"Maintech\"\nlang = \"en\"\n".to_owned();
    for technician in technicians {
        provider += &format!(
            "[[technician]]\nid = \"{technician}\"\nname = \"A person\"\nstations = [\"*\"]\n"
        );
    }
    let client = format!(
        "[client]\nid = \"hopital\"\nname = \"Hôpital\"\nlang = \"fr\"\n\
         [[target]]\nid = \"db01\"\naddress = \"{address}\"\nprotocol = \"ssh\"\nhost-keys = [\"{host_key}\"]\naccounts = [\"postgres\"]\n"
    );
    DocumentTexts::from([
        ("providers/maintech.toml".into(), provider),
        ("clients/hopital.toml".into(), client),
    ])
}

async fn apply(store: &TestStore, texts: &DocumentTexts) -> (u64, usize) {
    match store.apply_documents(texts, "root", at(1)).await.unwrap() {
        ApplyOutcome::Applied { version, changes } => (version, changes.len()),
        ApplyOutcome::Unchanged { version } => (version, 0),
    }
}

async fn changes_on_record(store: &TestStore) -> usize {
    records_of(store, &[AuditKind::DocumentChange]).await.len()
}

#[test]
fn r5_each_object_created_changed_or_removed_is_on_record_with_who_did_it() {
    on_each_engine(async |store| {
        assert_eq!(store.documents().await.unwrap().version, 0);
        let key = key();
        let (version, created) =
            apply(store, &texts(&["alice", "bruno"], "10.1.2.3:22", &key)).await;
        assert_eq!(version, 1);
        assert!(created >= 3, "two technicians and a target at least");
        assert_eq!(changes_on_record(store).await, created);
        let (version, changed) = apply(store, &texts(&["alice"], "10.1.2.4:22", &key)).await;
        assert_eq!(
            (version, changed),
            (2, 2),
            "bruno removed, the target's address changed"
        );
        let query = AuditQuery {
            kinds: vec![AuditKind::DocumentChange],
            latest_first: true,
            ..AuditQuery::default()
        };
        let read = store.audit(&query).await.unwrap();
        assert_eq!(read.len(), created + 2);
        assert_eq!(read[0].record.person.as_deref(), Some("root"));
        assert_eq!(read[0].record.detail["version"], 2);
        let about_target = read
            .iter()
            .take(2)
            .find(|stored| stored.record.client.is_some())
            .unwrap();
        assert_eq!(
            about_target.record.client.as_ref().unwrap().as_str(),
            "hopital",
            "the client reads what concerns it (R9)"
        );
        assert!(
            about_target.record.detail["lines"]
                .to_string()
                .contains("10.1.2.4:22")
        );
        assert_eq!(store.document_versions().await.unwrap().len(), 2);
        assert_eq!(
            store.document_texts(1).await.unwrap(),
            texts(&["alice", "bruno"], "10.1.2.3:22", &key)
        );
    });
}

#[test]
fn what_says_the_same_is_no_new_version_and_no_record() {
    on_each_engine(async |store| {
        let texts = texts(&["alice"], "10.1.2.3:22", &key());
        apply(store, &texts).await;
        let before = changes_on_record(store).await;
        let again = store.apply_documents(&texts, "root", at(2)).await.unwrap();
        assert_eq!(again, ApplyOutcome::Unchanged { version: 1 });
        assert_eq!(changes_on_record(store).await, before);
        let mut commented = texts.clone();
        commented
            .entry("clients/hopital.toml".into())
            .and_modify(|text| text.insert_str(0, "# reviewed\n"));
        assert_eq!(apply(store, &commented).await, (2, 0));
        assert_eq!(changes_on_record(store).await, before + 1);
    });
}

#[test]
fn wrong_documents_change_nothing_and_every_error_is_told() {
    on_each_engine(async |store| {
        let good = texts(&["alice"], "10.1.2.3:22", &key());
        apply(store, &good).await;
        let mut bad = good.clone();
        bad.entry("clients/hopital.toml".into())
            .and_modify(|text| *text = text.replace("10.1.2.3:22", "nowhere"));
        bad.entry("providers/maintech.toml".into())
            .and_modify(|text| text.push_str("colour = \"blue\"\n"));
        let error = store
            .apply_documents(&bad, "root", at(2))
            .await
            .unwrap_err();
        assert!(
            matches!(&error, ApplyError::Documents(errors) if errors.len() == 2),
            "{error}"
        );
        let text = error.to_string();
        assert!(
            text.contains("clients/hopital.toml:7: ") && text.contains("providers/maintech.toml:"),
            "{text}"
        );
        assert_eq!(store.documents().await.unwrap().version, 1);
    });
}

#[test]
fn a_plan_changes_nothing() {
    on_each_engine(async |store| {
        let texts = texts(&["alice"], "10.1.2.3:22", &key());
        let ApplyOutcome::Applied {
            version: 1,
            changes,
        } = store.plan_documents(&texts).await.unwrap()
        else {
            panic!()
        };
        assert!(!changes.is_empty());
        assert_eq!(store.documents().await.unwrap().version, 0);
        assert_eq!(changes_on_record(store).await, 0);
    });
}

#[test]
fn a_new_version_is_seen_by_another_process_and_parsed_once() {
    on_each_engine(async |store| {
        let other = store.as_another_process().await;
        assert_eq!(other.documents().await.unwrap().version, 0);
        apply(store, &texts(&["alice"], "10.1.2.3:22", &key())).await;
        let seen = other.documents().await.unwrap();
        assert_eq!(seen.version, 1);
        assert!(std::sync::Arc::ptr_eq(
            &seen,
            &other.documents().await.unwrap()
        ));
        other.close().await;
    });
}

#[test]
fn a8_who_is_removed_keeps_neither_enrolment_nor_remembered_factor() {
    on_each_engine(async |store| {
        let key = key();
        apply(store, &texts(&["alice", "bruno"], "10.1.2.3:22", &key)).await;
        let people = ["alice", "bruno"].map(|id| PersonId::parse(id).unwrap());
        let binding = |person: &PersonId| FactorBinding {
            person: person.clone(),
            key: PublicKey::parse(&key).unwrap().fingerprint(),
            station: None,
            source: "192.0.2.7".parse().unwrap(),
            client: None,
        };
        let secret = TotpSecret::generate().unwrap();
        for person in &people {
            let _ = store
                .enrol(&confirmed(person, &secret), false, &[])
                .await
                .unwrap();
            store
                .log_on(
                    person,
                    None,
                    Some((&binding(person), at(9000))),
                    at(1),
                    None,
                )
                .await
                .unwrap();
        }
        apply(store, &texts(&["alice"], "10.1.2.3:22", &key)).await;
        let [alice, bruno] = &people;
        assert_eq!(
            store.enrolment(alice).await.unwrap().unwrap().disabled_at,
            None
        );
        assert_eq!(
            store.enrolment(bruno).await.unwrap().unwrap().disabled_at,
            Some(at(1))
        );
        assert!(
            store
                .factor_remembered(&binding(alice), at(2))
                .await
                .unwrap()
        );
        assert!(
            !store
                .factor_remembered(&binding(bruno), at(2))
                .await
                .unwrap()
        );
        // The same id again, perhaps for somebody else: nothing of the first one opens.
        apply(store, &texts(&["alice", "bruno"], "10.1.2.3:22", &key)).await;
        let code = secret.code(at(3000));
        let outcome = judge(store, bruno, &code, 3000).await;
        assert_eq!(outcome, CodeOutcome::NotEnrolled);
        assert_eq!(
            records_of(store, &[AuditKind::EnrolmentDisabled])
                .await
                .len(),
            1
        );
    });
}

/// A8: so it is where the row of the second factor was taken out for the while, or the words of its enrolment are away with it: put
/// back, it opens nothing for who is named again.
#[test]
fn a8_who_is_removed_keeps_no_second_factor_whose_row_is_away() {
    on_each_engine(async |store| {
        let key = key();
        let person = PersonId::parse("bruno").unwrap();
        for (times, is_read) in [(1, true), (2, false)] {
            apply(store, &texts(&["alice", "bruno"], "10.1.2.3:22", &key)).await;
            let secret = TotpSecret::generate().unwrap();
            let record = AuditRecord::new(AuditKind::Enrolment, at(1)).person(&person);
            let (new, records) = (confirmed(&person, &secret), [record]);
            let _ = store.enrol(&new, true, &records).await.unwrap();
            let sql = "SELECT MAX(seq) AS seq FROM audit WHERE kind = 'enrolment'";
            let row = store.db().row(sql, values![]).await.unwrap().unwrap();
            let place = row.count("seq").unwrap();
            attack(
                store,
                &[
                    "CREATE TABLE enrolled AS SELECT * FROM enrolments",
                    "DELETE FROM enrolments",
                ],
            )
            .await;
            if !is_read {
                words_away(store, &format!("seq = {place}")).await;
                let copy = format!("DELETE FROM entry_copies WHERE seq = {place}");
                attack(store, &[&copy]).await;
            }
            let other = store.as_another_process().await;
            let left = texts(&["alice"], "10.1.2.3:22", &key);
            let done = other.apply_documents(&left, "root", at(2)).await.unwrap();
            assert!(matches!(done, ApplyOutcome::Applied { .. }));
            other.close().await;
            if !is_read {
                words_back(store).await;
            }
            let back = "INSERT INTO enrolments SELECT * FROM enrolled";
            attack(store, &[back, "DROP TABLE enrolled"]).await;
            apply(store, &texts(&["alice", "bruno"], "10.1.2.3:22", &key)).await;
            let code = secret.code(at(3000));
            let outcome = judge(store, &person, &code, 3000).await;
            assert_eq!(outcome, CodeOutcome::NotEnrolled, "{times}");
            let disabled = records_of(store, &[AuditKind::EnrolmentDisabled]).await;
            let of = disabled
                .iter()
                .filter(|one| one.person.as_deref() == Some("bruno"));
            assert_eq!(of.count(), times);
        }
    });
}

#[test]
fn a_record_that_cannot_be_written_undoes_the_change_it_tells_of() {
    on_each_engine(async |store| {
        let mut tx = store.db().begin().await.unwrap();
        // The next record's place is taken: writing it fails after everything else was done.
        let sql = "INSERT INTO journal (seq, leaf, entry) VALUES (1, $1, 'x')";
        let leaf = [0u8; 32];
        tx.execute(sql, values![leaf.as_slice()]).await.unwrap();
        tx.commit().await.unwrap();
        let changes = store.changes(Topics::everything());
        let texts = texts(&["alice"], "10.1.2.3:22", &key());
        store
            .apply_documents(&texts, "root", at(1))
            .await
            .unwrap_err();
        assert_eq!(store.documents().await.unwrap().version, 0);
        assert_eq!(store.document_versions().await.unwrap(), []);
        assert!(!changes.has_changed(), "nothing is announced");
    });
}

/// What an earlier version applied and this one would not is still read: what it lacks is not in force, the rest stands,
/// and a difference is shown against it (P15).
#[test]
fn documents_of_an_earlier_version_are_read_without_what_they_lack() {
    let flow = |allow: &str, at_most: &str| {
        format!(
            "[[flow]]\nname = \"dba\"\ntechnicians = [\"maintech/alice\"]\ntargets = [\"db01\"]\naccounts = [\"postgres\"]\n\
             allow = {allow}\nhours = \"always\"\nauthentication = [\"station\", \"key\", \"totp\"]\n\
             approval = {{ by = 1, at-most = \"{at_most}\" }}\n\
             extraction = {{ session = \"50 MiB\", intervention = \"200 MiB\" }}\n"
        )
    };
    on_each_engine(async |store| {
        let base = texts(&["alice"], "10.1.2.3:22", &key());
        let with = |flow: String| {
            let mut texts = base.clone();
            texts
                .entry("clients/hopital.toml".into())
                .and_modify(|text| text.push_str(&flow));
            texts
        };
        let old = with(flow("[\"shell\", \"command: *\", \"env: FOO_*\"]", "72h"));
        // As that version wrote them: without salts, and no entry with a digest.
        let mut change = store.write().await.unwrap();
        let sql =
            "INSERT INTO document_versions (version, applied_at, applied_by) VALUES (1, 1, 'root')";
        change.tx.execute(sql, values![]).await.unwrap();
        for (file, text) in &old {
            let sql = "INSERT INTO document_texts (version, file, text) VALUES (1, $1, $2)";
            change.tx.execute(sql, values![file, text]).await.unwrap();
        }
        change.commit(&[]).await.unwrap();

        let store = store.as_another_process().await;
        let applied = store.documents().await.unwrap();
        let alice = PersonId::parse("alice").unwrap();
        let reaches = ecluse_policy::matrix_scope(&applied.documents, &alice, at(2));
        let offered: Vec<String> = reaches
            .iter()
            .flat_map(|reach| &reach.scope.capabilities)
            .map(ToString::to_string)
            .collect();
        assert_eq!(offered, ["shell", "env: FOO_*"]);
        assert_eq!(reaches[0].approval.at_most.to_string(), "1d");

        let refused = store.apply_documents(&old, "root", at(2)).await;
        let Err(ApplyError::Documents(errors)) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(errors.len(), 3, "{errors:?}");
        let next = with(flow(
            "[\"shell\", { line = \"command: *\", owner = \"Odile\", until = \"2099-12-31\" }]",
            "24h",
        ));
        let Ok(ApplyOutcome::Applied { changes, .. }) = store.plan_documents(&next).await else {
            panic!("no plan")
        };
        assert_eq!(
            changes.len(),
            1,
            "the flow, and not everything: {changes:?}"
        );
        assert!(
            changes[0]
                .detail
                .contains(&"allow: + command: * (owner Odile, until 2099-12-31)".to_owned()),
            "{changes:?}"
        );
    });
}
