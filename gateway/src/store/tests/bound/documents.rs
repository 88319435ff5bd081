//! The texts of documents, and what retention takes of them.

use super::*;

fn provider(id: &str, technician: &str) -> String {
    format!(
        "[provider]\nid = \"{id}\"\nname = \"P\"\nlang = \"en\"\n\
         [[technician]]\nid = \"{technician}\"\nname = \"A person\"\nstations = [\"*\"]\n"
    )
}

fn client(id: &str) -> String {
    format!("[client]\nid = \"{id}\"\nname = \"C\"\nlang = \"fr\"\n")
}

fn texts() -> DocumentTexts {
    DocumentTexts::from([
        ("clients/hopital.toml".into(), client("hopital")),
        ("clients/mairie.toml".into(), client("mairie")),
        (
            "providers/maintech.toml".into(),
            provider("maintech", "alice"),
        ),
    ])
}

async fn apply(store: &Store, texts: &DocumentTexts) -> ApplyOutcome {
    store.apply_documents(texts, "root", at(1)).await.unwrap()
}

/// R3: each way to put another text in the place of a client's; the other client's door stays open, and what was put in
/// force again, on record, opens it.
#[test]
fn r3_a_document_changed_by_hand_closes_its_owners_door_and_no_others() {
    let copied = "INSERT INTO document_texts (version, file, text, salt, owner) \
                  SELECT 7, file, replace(text, 'hopital\"', 'hopital\" # x'), salt, owner FROM document_texts WHERE version = 2";
    for (attacks, what) in [
        (
            vec![
                "UPDATE document_texts SET text = text || '# x' WHERE file = 'clients/hopital.toml'",
            ],
            Wrong::Altered,
        ),
        (
            vec!["UPDATE document_texts SET text = 'no document' WHERE owner = 'client hopital'"],
            Wrong::Altered,
        ),
        (
            vec![
                "INSERT INTO document_versions (version, applied_at, applied_by) VALUES (7, 1, 'root')",
                copied,
            ],
            Wrong::Altered,
        ),
        // The version before, whose text of this client was another.
        (
            vec!["DELETE FROM document_versions WHERE version = 2"],
            Wrong::Altered,
        ),
        (
            vec!["DELETE FROM document_texts WHERE version = 2 AND owner = 'client hopital'"],
            Wrong::Missing,
        ),
    ] {
        on_each_engine(async |store| {
            let mut first = texts();
            first.insert(
                "clients/hopital.toml".into(),
                client("hopital") + "# the first\n",
            );
            apply(store, &first).await;
            apply(store, &texts()).await;
            let hopital = ClientId::parse("hopital").unwrap();
            let mairie = ClientId::parse("mairie").unwrap();
            assert!(
                store
                    .documents()
                    .await
                    .unwrap()
                    .documents
                    .closed()
                    .clients
                    .is_empty()
            );
            for sql in &attacks {
                attack(store, &[*sql]).await;
            }
            let other = store.as_another_process().await;
            for store in [&store.store, &other] {
                let applied = store.look_at_documents().await.unwrap();
                assert!(applied.documents.is_closed(&hopital), "{attacks:?}");
                assert!(!applied.documents.is_closed(&mairie), "{attacks:?}");
                assert!(applied.documents.client(&mairie).is_some());
                let faults = store.document_faults();
                assert_eq!((faults.len(), faults[0].what), (1, what), "{attacks:?}");
                assert!(faults[0].to_string().starts_with("client hopital"));
                store.tell_document_faults(at(2)).await.unwrap();
            }
            let told = records_of(store, &[AuditKind::NotOnRecord]).await;
            assert_eq!(told.len(), 1, "{attacks:?}");
            assert_eq!(told[0].client, Some(hopital.clone()));
            // Whatever the table says: the right text again is a new version, with an entry.
            assert!(matches!(
                apply(&other, &texts()).await,
                ApplyOutcome::Applied { .. }
            ));
            let applied = store.documents().await.unwrap();
            assert!(!applied.documents.is_closed(&hopital), "{attacks:?}");
            assert!(store.document_faults().is_empty());
            assert_eq!(
                apply(&other, &texts()).await,
                ApplyOutcome::Unchanged {
                    version: applied.version
                }
            );
            other.close().await;
        });
    }
}

/// R5: what somebody wrote into the store was never in force, and no entry says that it was: the right text put back is no
/// change of any object, another one has no value before it.
#[test]
fn r5_no_entry_tells_a_tampered_value_as_one_that_stood() {
    const TAMPERED: &str = "UPDATE document_texts SET text = replace(text, '\"C\"', '\"tampered\"') \
                            WHERE owner = 'client hopital'";
    on_each_engine(async |store| {
        apply(store, &texts()).await;
        attack(store, &[TAMPERED]).await;
        let other = store.as_another_process().await;
        let ApplyOutcome::Applied { changes, .. } = apply(&other, &texts()).await else {
            panic!("nothing was put in force again");
        };
        assert_eq!(changes, [], "it is the right text again");
        let told = records_of(store, &[AuditKind::DocumentChange]).await;
        let again = told.last().unwrap();
        assert_eq!(again.detail["change"], "again");
        attack(store, &[TAMPERED]).await;
        let another = store.as_another_process().await;
        let mut next = texts();
        let text = next.get_mut("clients/hopital.toml").unwrap();
        *text = text.replace("\"C\"", "\"Another\"");
        apply(&another, &next).await;
        let told = records_of(store, &[AuditKind::DocumentChange]).await;
        let lines = told.iter().filter_map(|record| record.detail.get("lines"));
        let lines: String = lines.map(ToString::to_string).collect();
        let last = told.last().unwrap().detail["lines"].to_string();
        assert!(last.contains("what stood before is not known"), "{last}");
        assert!(!lines.contains("tampered"), "{lines}");
        other.close().await;
        another.close().await;
    });
}

/// R3: a provider's text closes for its people alone; a text that nobody put in force counts for nothing.
#[test]
fn r3_a_providers_document_closes_for_its_people_and_a_planted_one_counts_for_nothing() {
    on_each_engine(async |store| {
        apply(store, &texts()).await;
        attack(
            store,
            &[
                "UPDATE document_texts SET text = replace(text, 'alice', 'mallory') WHERE owner = 'provider maintech'",
                "INSERT INTO document_texts (version, file, text, salt, owner) \
                 SELECT version, 'clients/evil.toml', replace(text, 'mairie', 'evil'), salt, 'client evil' \
                 FROM document_texts WHERE owner = 'client mairie'",
            ],
        )
        .await;
        let other = store.as_another_process().await;
        let applied = other.documents().await.unwrap();
        let maintech = ProviderId::parse("maintech").unwrap();
        assert!(applied.documents.is_closed_provider(&maintech));
        assert!(applied.documents.closed().clients.is_empty());
        assert!(
            applied
                .documents
                .client(&ClientId::parse("evil").unwrap())
                .is_none()
        );
        let mut what: Vec<_> = other
            .document_faults()
            .into_iter()
            .map(|fault| fault.what)
            .collect();
        what.sort_by_key(|what| *what as u8);
        assert_eq!(what, [Wrong::Altered, Wrong::Planted]);
        other.close().await;
    });
}

/// The digests in the entries are of the text with the salt beside it, and a text that stays keeps both.
#[test]
fn a_document_has_its_digest_in_the_log_and_keeps_it_while_it_stays() {
    on_each_engine(async |store| {
        apply(store, &texts()).await;
        let mut next = texts();
        next.insert("clients/mairie.toml".into(), client("mairie") + "# again\n");
        apply(store, &next).await;
        let (first, second) = (
            store.bound_texts(1).await.unwrap(),
            store.bound_texts(2).await.unwrap(),
        );
        assert_eq!(first[0], second[0], "hopital stays as it is");
        assert_ne!(first[1].salt, second[1].salt);
        let records = records_of(store, &[AuditKind::DocumentChange]).await;
        for text in first.iter().chain(&second[1..2]) {
            let digest = keys::digest(text.salt.as_deref().unwrap(), text.text.as_bytes());
            assert!(records.iter().any(|record| {
                record.detail.get(keys::DOCUMENT) == Some(&digest.clone().into())
                    && record.detail.get(keys::DOCUMENT_OF)
                        == text.owner.clone().map(Into::into).as_ref()
            }));
        }
        // What another client's entry says is not in this one's.
        let hopital = ClientId::parse("hopital").unwrap();
        let of_hopital = records
            .iter()
            .filter(|record| record.client == Some(hopital.clone()));
        assert!(of_hopital.clone().count() > 0);
        for record in of_hopital {
            assert_eq!(record.detail[keys::DOCUMENT_OF], "client hopital");
        }
    });
}

/// What an older program left is bound as it is found, once: afterwards a row without a salt was put there by hand.
#[test]
fn an_older_store_is_bound_as_it_is_found_and_only_once() {
    on_each_engine(async |store| {
        let old = [
            "INSERT INTO document_versions (version, applied_at, applied_by) VALUES (1, 1, 'root')",
            "INSERT INTO document_texts (version, file, text) VALUES (1, 'clients/hopital.toml', '[client]\nid = \"hopital\"\nname = \"C\"\nlang = \"fr\"\n')",
        ];
        attack(store, &old).await;
        let other = store.as_another_process().await;
        let begin = records_of(store, &[AuditKind::BindingsBegin]).await;
        assert_eq!((begin.len(), &begin[0].detail["version"]), (1, &1.into()));
        assert!(
            other
                .documents()
                .await
                .unwrap()
                .documents
                .closed()
                .clients
                .is_empty()
        );
        assert!(other.document_faults().is_empty());
        attack(
            store,
            &["UPDATE document_texts SET salt = NULL, text = text || '# x'"],
        )
        .await;
        let third = store.as_another_process().await;
        assert_eq!(
            records_of(store, &[AuditKind::BindingsBegin]).await.len(),
            1
        );
        let applied = third.documents().await.unwrap();
        assert!(
            applied
                .documents
                .is_closed(&ClientId::parse("hopital").unwrap())
        );
        other.close().await;
        third.close().await;
    });
}

/// R7: text and salt of what is in force no more go together; what is in force stays so, and is on record again.
#[test]
fn r7_retention_takes_old_texts_with_their_salts_and_leaves_the_door_as_it_is() {
    on_each_engine(async |store| {
        apply(store, &texts()).await;
        let mut next = texts();
        next.insert(
            "clients/hopital.toml".into(),
            client("hopital") + "# again\n",
        );
        apply(store, &next).await;
        let hopital = ClientId::parse("hopital").unwrap();
        store
            .destroy_client_entries(&Destruction {
                client: Some(hopital.clone()),
                in_force: false,
                before: at(5),
                at: at(9),
                by: "root".into(),
                why: "the service ended".into(),
            })
            .await
            .unwrap()
            .unwrap();
        let owners = |texts: Vec<crate::store::DocumentText>| -> Vec<String> {
            texts.into_iter().filter_map(|text| text.owner).collect()
        };
        assert_eq!(
            owners(store.bound_texts(1).await.unwrap()),
            ["client mairie", "provider maintech"]
        );
        assert_eq!(store.bound_texts(2).await.unwrap().len(), 3);
        let other = store.as_another_process().await;
        assert!(
            !other
                .documents()
                .await
                .unwrap()
                .documents
                .is_closed(&hopital)
        );
        assert!(other.document_faults().is_empty());
        other.close().await;
    });
}
