//! Whom clients accepted and what they keep out is what the log says, whatever stands or is missing in tables (I5, I8, P1).

use ecluse_policy::{Clearance, ClientId, Kept, PersonId, people_of};

use super::at;
use super::documents::key;
use crate::audit::{AuditKind, AuditRecord, KEPT_OUT, PEOPLE};
use crate::store::sql::values;
use crate::store::testing::{
    TestStore, attack, on_each_engine, records_of, words_away, words_back,
};
use crate::store::{DocumentTexts, Store};

fn hopital() -> ClientId {
    ClientId::parse("hopital").unwrap()
}

fn person(id: &str) -> PersonId {
    PersonId::parse(id).unwrap()
}

/// A client whose matrix names whoever the provider has.
fn texts(technicians: &[&str], host_key: &str) -> DocumentTexts {
    let mut provider =
        "[provider]\nid = \"maintech\"\nname = \"Maintech\"\nlang = \"en\"\n".to_owned();
    for technician in technicians {
        provider += &format!(
            "[[technician]]\nid = \"{technician}\"\nname = \"A person\"\nstations = [\"*\"]\n"
        );
    }
    let client = format!(
        "[client]\nid = \"hopital\"\nname = \"Hôpital\"\nlang = \"fr\"\nextraction = {{ session = \"1 MiB\", intervention = \"1 MiB\" }}\n\
         [[target]]\nid = \"db01\"\naddress = \"10.1.2.3:22\"\nprotocol = \"ssh\"\nhost-keys = [\"{host_key}\"]\naccounts = [\"ops\"]\n\
         [[flow]]\nname = \"all\"\ntechnicians = [\"maintech:*\"]\ntargets = [\"db01\"]\naccounts = [\"ops\"]\nallow = [\"shell\"]\n\
         hours = \"always\"\nauthentication = [\"station\", \"key\", \"totp\"]\napproval = {{ by = 1, at-most = \"4h\" }}\n"
    );
    DocumentTexts::from([
        ("providers/maintech.toml".into(), provider),
        ("clients/hopital.toml".into(), client),
    ])
}

async fn apply(store: &Store, texts: &DocumentTexts) {
    store.apply_documents(texts, "root", at(1)).await.unwrap();
}

/// Who is accepted, as a gateway reads it, and what is kept out.
async fn reads(store: &Store) -> (Vec<String>, Vec<String>) {
    let applied = store.look_at_documents().await.unwrap();
    let people = people_of(&applied.documents, &hopital()).into_iter();
    let accepted = people.filter(|one| one.accepted);
    let said = applied.documents.clearances().of(&hopital()).cloned();
    let kept = said.unwrap_or_default().kept_out;
    (
        accepted.map(|one| one.person.to_string()).collect(),
        kept.keys().map(ToString::to_string).collect(),
    )
}

async fn says(store: &Store, kind: AuditKind, who: &str) {
    let record = AuditRecord::new(kind, at(2))
        .person(&person("odile"))
        .client(&hopital())
        .reason("laptop stolen")
        .detail(PEOPLE, vec![format!("maintech/{who}")])
        .detail(KEPT_OUT, Kept::Person(person(who)).to_string());
    store.record(&[record]).await.unwrap();
}

/// The same, by whoever watches, and by a gateway that begins now.
async fn both(store: &TestStore, accepted: &[&str], kept: &[&str]) {
    let (now, out) = reads(store).await;
    assert_eq!((now, out), wanted(accepted, kept));
    let other = store.as_another_process().await;
    let (now, out) = reads(&other).await;
    assert_eq!((now, out), wanted(accepted, kept), "a gateway that begins");
    other.close().await;
}

fn wanted(accepted: &[&str], kept: &[&str]) -> (Vec<String>, Vec<String>) {
    let strings = |all: &[&str]| all.iter().map(|&one| one.to_owned()).collect();
    (strings(accepted), strings(kept))
}

/// P1: whom the first document names is accepted by it, in one entry; who comes later is not, nor who comes again.
#[test]
fn p1_a_clients_first_document_accepts_whom_it_names_and_no_later_one() {
    on_each_engine(async |store| {
        let key = key();
        apply(store, &texts(&["alice"], &key)).await;
        both(store, &["alice"], &[]).await;
        let said = records_of(store, &[AuditKind::PeopleAccepted]).await;
        assert_eq!(said.len(), 1);
        assert_eq!(said[0].client, Some(hopital()));
        assert_eq!(said[0].person, None);
        assert_eq!(said[0].detail["by"], "root");
        apply(store, &texts(&["alice", "carla"], &key)).await;
        both(store, &["alice"], &[]).await;
        says(store, AuditKind::PeopleAccepted, "carla").await;
        both(store, &["alice", "carla"], &[]).await;
        let applied = store.look_at_documents().await.unwrap();
        let people = people_of(&applied.documents, &hopital());
        assert!(matches!(
            &people[1].word,
            Some(Clearance::Accepted { by: Some(by), .. }) if by.as_str() == "odile"
        ));
        apply(store, &texts(&["alice"], &key)).await;
        let ended = records_of(store, &[AuditKind::ClearanceEnded]).await;
        assert_eq!(ended[0].detail[PEOPLE].to_string(), "[\"maintech/carla\"]");
        apply(store, &texts(&["alice", "carla"], &key)).await;
        both(store, &["alice"], &[]).await;
        says(store, AuditKind::PersonRefused, "alice").await;
        both(store, &[], &[]).await;
        // A refusal outlasts that somebody leaves: for good.
        apply(store, &texts(&["carla"], &key)).await;
        apply(store, &texts(&["alice", "carla"], &key)).await;
        let applied = store.look_at_documents().await.unwrap();
        let people = people_of(&applied.documents, &hopital());
        assert!(matches!(&people[0].word, Some(Clearance::Refused { .. })));
        assert_eq!(
            records_of(store, &[AuditKind::PeopleAccepted]).await.len(),
            2
        );
    });
}

/// P1: a client that names nobody at first has accepted nobody.
#[test]
fn p1_a_client_that_named_nobody_accepts_nobody_who_comes_later() {
    on_each_engine(async |store| {
        let key = key();
        apply(store, &texts(&[], &key)).await;
        apply(store, &texts(&["alice"], &key)).await;
        both(store, &[], &[]).await;
    });
}

/// I5, I8: it stays, for who watches and for who begins, until it is lifted.
#[test]
fn i8_what_is_kept_out_stays_until_it_is_lifted() {
    on_each_engine(async |store| {
        apply(store, &texts(&["alice"], &key())).await;
        says(store, AuditKind::KeepOut, "alice").await;
        both(store, &["alice"], &["person alice"]).await;
        says(store, AuditKind::KeepOutLifted, "alice").await;
        both(store, &["alice"], &[]).await;
    });
}

async fn places(store: &Store, kind: AuditKind) -> String {
    let sql = "SELECT seq FROM audit WHERE kind = $1 ORDER BY seq";
    let rows = store.db().rows(sql, values![kind.name()]).await.unwrap();
    let places: Vec<String> = rows
        .iter()
        .map(|row| row.count("seq").unwrap().to_string())
        .collect();
    format!("seq IN ({})", places.join(", "))
}

/// I5, P1, R3: whoever blanks the words of a keep-out or of a refusal lets nobody in: the sealed copy says them.
#[test]
fn i5_words_that_are_away_let_nobody_in() {
    for kind in [AuditKind::KeepOut, AuditKind::PersonRefused] {
        on_each_engine(async |store| {
            started(store).await;
            apply(store, &texts(&["alice", "bruno"], &key())).await;
            says(store, kind, "alice").await;
            let (accepted, kept) = reads(store).await;
            words_away(store, &places(store, kind).await).await;
            for _ in 0..2 {
                let (accepted, kept) = (accepted.as_slice(), kept.as_slice());
                let now = reads(store).await;
                assert_eq!((now.0.as_slice(), now.1.as_slice()), (accepted, kept));
                let other = store.as_another_process().await;
                let now = reads(&other).await;
                assert_eq!((now.0.as_slice(), now.1.as_slice()), (accepted, kept));
                other.close().await;
            }
        });
    }
}

async fn started(store: &Store) {
    let record = AuditRecord::new(AuditKind::GatewayStart, at(1)).detail("copies", true);
    store.record(&[record]).await.unwrap();
}

/// I5, P1, R3: and where the copy is gone too, nobody is known to be accepted whom the client accepted before, until the words are
/// back or an operator says it anew.
#[test]
fn i5_without_words_and_copy_nobody_is_known_to_be_accepted() {
    on_each_engine(async |store| {
        started(store).await;
        apply(store, &texts(&["alice", "bruno"], &key())).await;
        says(store, AuditKind::KeepOut, "alice").await;
        let gone = places(store, AuditKind::KeepOut).await;
        words_away(store, &gone).await;
        attack(store, &[&format!("DELETE FROM entry_copies WHERE {gone}")]).await;
        // Who read it before goes on knowing.
        assert_eq!(reads(store).await.1, ["person alice"]);
        let other = store.as_another_process().await;
        assert_eq!(reads(&other).await, wanted(&[], &[]));
        says(&other, AuditKind::PeopleAccepted, "bruno").await;
        assert_eq!(reads(&other).await, wanted(&["bruno"], &[]));
        words_back(store).await;
        other.watch().await.unwrap();
        let (accepted, kept) = reads(&other).await;
        assert_eq!(
            (accepted, kept),
            wanted(&["alice", "bruno"], &["person alice"])
        );
        other.close().await;
    });
}

/// P1, R3: a row of the index that no entry stands behind accepts nobody and lifts nothing.
#[test]
fn p1_a_row_of_the_index_says_nothing() {
    on_each_engine(async |store| {
        let key = key();
        apply(store, &texts(&["alice"], &key)).await;
        apply(store, &texts(&["alice", "carla"], &key)).await;
        says(store, AuditKind::KeepOut, "alice").await;
        let kinds = [
            ("keep-out", "keep-out-lifted"),
            ("document-change", "people-accepted"),
        ];
        for (from, to) in kinds {
            let sql = format!("UPDATE audit SET kind = '{to}' WHERE kind = '{from}'");
            attack(store, &[&sql]).await;
        }
        both(store, &["alice"], &["person alice"]).await;
    });
}
