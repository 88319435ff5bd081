//! What is removed and what stays, without a gateway.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use ecluse_policy::documents::RetentionRules;
use ecluse_policy::retention::due;
use ecluse_policy::{
    AccountName, ClientId, InterventionId, PersonId, SessionId, Span, TargetId, Timestamp,
};

use super::inventory::{Inventory, Kept, State, directory};
use super::removal::{plan, remove, words};
use crate::audit::AuditKind;
use crate::store::testing::{TestStore, records_of};
use crate::store::{Session, SessionEnd, SessionStart, new_id};

const DAY: u64 = 24;

fn at(day: u64) -> Timestamp {
    Timestamp::from_secs(1_800_000_000).plus(Span::from_hours(day * DAY))
}

fn client() -> ClientId {
    ClientId::parse("hopital").unwrap()
}

fn session(recording: Option<&str>) -> Session {
    Session {
        hidden_lines: 0,
        fault: None,
        screen_text: None,
        unread: false,
        number: 7,
        start: SessionStart {
            id: SessionId::from_uuid(new_id(at(0)).unwrap()),
            node: "gw".into(),
            person: PersonId::parse("alice").unwrap(),
            station: None,
            source: "192.0.2.1".parse().unwrap(),
            client: client(),
            target: TargetId::parse("db01").unwrap(),
            account: AccountName::parse("postgres").unwrap(),
            intervention: InterventionId::from_uuid(new_id(at(0)).unwrap()),
            documents: 1,
            recording: recording.map(str::to_owned),
            at: at(0),
        },
        end: Some(SessionEnd {
            at: at(0),
            because: None,
            reason: "closed".into(),
            to_target: 0,
            to_technician: 0,
        }),
    }
}

/// Whoever can write into the store must not choose what `remove` removes.
#[test]
fn a_place_that_leads_elsewhere_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let session = session(None);
    let id = session.start.id.to_string();
    let good = format!("hopital/2027/01/15/{id}");
    assert_eq!(directory(root, &good, &session), Ok(None), "not there");
    std::fs::create_dir_all(root.join(&good)).unwrap();
    assert_eq!(directory(root, &good, &session), Ok(Some(root.join(&good))));
    for place in [
        format!("/hopital/2027/01/15/{id}"),
        format!("hopital/2027/01/../15/{id}"),
        format!("../hopital/2027/01/15/{id}"),
        format!("clinique/2027/01/15/{id}"),
        format!("hopital/2027/01/{id}"),
        "hopital/2027/01/15/another".to_owned(),
        "hopital".to_owned(),
        String::new(),
    ] {
        assert!(directory(root, &place, &session).is_err(), "{place}");
    }
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::create_dir(elsewhere.path().join(&id)).unwrap();
    symlink(elsewhere.path(), root.join("hopital/2027/01/16")).unwrap();
    let linked = format!("hopital/2027/01/16/{id}");
    assert!(directory(root, &linked, &session).is_err());
}

fn rules(service_ended: Option<u64>, hold: bool) -> RetentionRules {
    RetentionRules {
        service_ended: service_ended.map(at),
        keep: Span::from_hours(400 * DAY),
        legal_hold: hold.then(|| "enquête".to_owned()),
        ..RetentionRules::default()
    }
}

fn kept(number: u64, ended: Option<u64>, state: State, rules: &RetentionRules, now: u64) -> Kept {
    Kept {
        number,
        session: SessionId::from_uuid(new_id(at(0)).unwrap()),
        intervention: InterventionId::from_uuid(new_id(at(0)).unwrap()),
        client: client(),
        target: TargetId::parse("db01").unwrap(),
        at_least: false,
        ended: ended.map(at),
        state,
        due: due(rules, ended.map_or(at(now), at), at(now)),
        fault: None,
    }
}

fn inventory(kept: Vec<Kept>, rules: RetentionRules, now: u64) -> Inventory {
    Inventory {
        kept,
        strays: Vec::new(),
        rules: BTreeMap::from([(client(), rules)]),
        departed: BTreeSet::new(),
        contradicted: Vec::new(),
        gone: Vec::new(),
        nobody_before: None,
        root: PathBuf::from("/recordings"),
        at: at(now),
    }
}

fn sealed_in(dir: &Path) -> State {
    std::fs::create_dir_all(dir).unwrap();
    std::fs::write(dir.join("manifest.json"), "{}").unwrap();
    State::Sealed {
        dir: dir.to_owned(),
        manifest_sha256: "ab".repeat(32),
    }
}

async fn destroyed(store: &TestStore) -> Vec<AuditKind> {
    let kinds = [AuditKind::RecordingDestroyed, AuditKind::EntriesDestroyed];
    let records = records_of(store, &kinds).await;
    records.iter().map(|record| record.kind).collect()
}

/// R7: nothing earlier, nothing on hold, nothing while the service goes on.
#[tokio::test]
async fn what_is_not_due_stays() {
    let store = TestStore::sqlite().await;
    let dir = tempfile::tempdir().unwrap();
    for (ended, hold, now) in [
        (None, false, 10_000),
        (Some(10), false, 409),
        (Some(10), true, 10_000),
    ] {
        let rules = rules(ended, hold);
        let place = dir.path().join("hopital/2027/01/15/session");
        let kept = kept(1, Some(5), sealed_in(&place), &rules, now);
        assert_eq!(plan(&kept), None);
        let inventory = inventory(vec![kept], rules, now);
        assert!(words(&inventory).is_empty());
        let removed = remove(&store, inventory, "root").await.unwrap();
        assert_eq!(removed.lines, ["nothing is due"]);
        assert!(place.exists());
    }
    assert_eq!(destroyed(&store).await, []);
}

/// O9: what is due goes, with a record first; what cannot be trusted stays, and with it the words.
#[tokio::test]
async fn what_is_due_goes_with_a_record_and_what_is_doubtful_stays_with_the_words() {
    let store = TestStore::sqlite().await;
    let dir = tempfile::tempdir().unwrap();
    let rules = rules(Some(10), false);
    let place = dir.path().join("hopital/2027/01/15/session");
    let inventory = inventory(
        vec![
            kept(1, Some(5), sealed_in(&place), &rules, 500),
            kept(2, Some(6), State::Doubtful("torn".into()), &rules, 500),
            kept(3, None, State::Live, &rules, 500),
        ],
        rules,
        500,
    );
    let removed = remove(&store, inventory, "root (uid 0)").await.unwrap();
    assert_eq!(removed.failed, 0);
    assert!(!place.exists());
    assert!(
        !dir.path().join("hopital/2027/01").exists() && dir.path().join("hopital/2027").exists(),
        "days and months that are empty go too"
    );
    assert_eq!(removed.lines[0], "removed recording 1");
    assert_eq!(removed.lines[1], "kept recording 2: torn");
    assert!(removed.lines[2].starts_with("kept the words of hopital's entries"));
    assert_eq!(destroyed(&store).await, [AuditKind::RecordingDestroyed]);
    let record = records_of(&store, &[AuditKind::RecordingDestroyed])
        .await
        .remove(0);
    assert_eq!(record.person.as_deref(), Some("root (uid 0)"));
    assert_eq!(record.detail["manifest-sha256"], "ab".repeat(32));
    assert!(record.reason.unwrap().starts_with("due since "));
}

/// What only waits for its seal is not what somebody may have tampered with: it stays, and is called what it is.
#[tokio::test]
async fn what_waits_for_its_seal_is_not_doubtful() {
    let store = TestStore::sqlite().await;
    let rules = rules(Some(10), false);
    let kept = kept(4, Some(6), State::BeingSealed, &rules, 500);
    assert_eq!(kept.state.to_string(), "being sealed");
    assert!(plan(&kept).unwrap().contains("waits for its seal"));
    let inventory = inventory(vec![kept], rules, 500);
    let removed = remove(&store, inventory, "root").await.unwrap();
    assert!(
        removed.lines.len() == 1 && removed.lines[0].contains("waits for its seal"),
        "{removed:?}"
    );
    assert_eq!(destroyed(&store).await, []);
}

/// What another gateway recorded is not doubtful here: it is said where it lies, and goes there.
#[tokio::test]
async fn what_lies_on_another_gateway_is_said_to_lie_there() {
    let store = TestStore::sqlite().await;
    let rules = rules(Some(10), false);
    let there = State::Elsewhere("the gateway gw2.example:22 (gw2)".into());
    let kept = kept(4, Some(6), there, &rules, 500);
    assert_eq!(kept.state.to_string(), "elsewhere");
    let planned = plan(&kept).unwrap();
    assert!(
        planned.contains("lies on the disk of the gateway gw2.example:22"),
        "{planned}"
    );
    let inventory = inventory(vec![kept], rules, 500);
    let removed = remove(&store, inventory, "root").await.unwrap();
    assert!(removed.lines[0].contains("remove it there"), "{removed:?}");
    assert_eq!(destroyed(&store).await, []);
}

/// A crash between record and removal: the next run removes, without another record.
#[tokio::test]
async fn an_interrupted_removal_is_finished() {
    let store = TestStore::sqlite().await;
    let dir = tempfile::tempdir().unwrap();
    let rules = rules(Some(10), false);
    let place = dir.path().join("hopital/2027/01/15/session");
    sealed_in(&place);
    let leftover = State::Leftover { dir: place.clone() };
    // The rules may have become longer meanwhile: what is destroyed on record is gone all the same.
    let longer = RetentionRules {
        keep: Span::from_hours(5000 * DAY),
        ..rules
    };
    let kept = kept(1, Some(5), leftover, &longer, 500);
    let removed = remove(&store, inventory(vec![kept], longer, 500), "root")
        .await
        .unwrap();
    assert_eq!(removed.lines, ["removed recording 1"]);
    assert!(!place.exists());
    assert_eq!(destroyed(&store).await, []);
}

#[tokio::test]
async fn a_directory_that_cannot_be_removed_is_told_and_keeps_the_words() {
    let store = TestStore::sqlite().await;
    let dir = tempfile::tempdir().unwrap();
    let rules = rules(Some(10), false);
    // A file where a directory was.
    let place = dir.path().join("session");
    std::fs::write(&place, "").unwrap();
    let leftover = State::Leftover { dir: place };
    let kept = kept(1, Some(5), leftover, &rules, 500);
    let removed = remove(&store, inventory(vec![kept], rules, 500), "root")
        .await
        .unwrap();
    assert_eq!(removed.failed, 1);
    assert!(
        removed.lines[1].contains("not wholly removed"),
        "{removed:?}"
    );
}

#[test]
fn an_unknown_recording_on_disk_keeps_the_words() {
    let rules = rules(Some(10), false);
    let mut inventory = inventory(Vec::new(), rules, 500);
    assert!(words(&inventory)[0].1.is_ok());
    let place = PathBuf::from("/recordings/hopital/2027/01/15/x");
    inventory.strays = vec![(place, "damaged")];
    assert!(words(&inventory)[0].1.is_err());
    inventory.strays = vec![("/recordings/clinique/2027/01/15/x".into(), "damaged")];
    assert!(words(&inventory)[0].1.is_ok(), "another client's");
}
