//! A change that is interrupted anywhere is finished or undone, by what the log says (R3, C4).

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;

use ecluse_policy::documents::RecordingRules;
use ecluse_recordings::evidence::manifest::sha256_hex;
use ecluse_recordings::{Event, SESSION, SessionEnd, SessionFacts};

use super::*;
use crate::admission::testing::House;

const SESSION_ID: Uuid = Uuid::from_u128(7);

fn facts() -> SessionFacts {
    SessionFacts {
        session: SESSION_ID,
        client: "hopital".into(),
        person: "alice".into(),
        provider: None,
        station: None,
        source: "192.0.2.7:4022".into(),
        terminal: "OpenSSH".into(),
        target: "db01".into(),
        accounts: vec!["postgres".into()],
        intervention: None,
        started: clock::now().as_micros(),
        documents_version: 1,
        reason: "a test".into(),
        approvals: Vec::new(),
    }
}

/// A house with one sealed recording, which the gateway reads.
struct Scene {
    house: House,
    dir: PathBuf,
}

impl Scene {
    async fn sealed() -> Self {
        let house = House::new().await;
        let keeper = &house.gateway.keeper;
        let recorder = keeper.open(facts(), &RecordingRules::default()).unwrap();
        recorder.append(SESSION, 1, Event::Note("said")).unwrap();
        keeper
            .close(&recorder, 2, &SessionEnd::because("closed"))
            .unwrap();
        let gateway = Arc::clone(&house.gateway);
        let patience = std::time::Duration::from_secs(60);
        let waiting =
            tokio::task::spawn_blocking(move || gateway.keeper.wait_until_finished(patience));
        assert_eq!(waiting.await.unwrap(), 0);
        let dir = recorder.dir().to_path_buf();
        Self { house, dir }
    }

    fn store(&self) -> &Store {
        &self.house.gateway.store
    }

    /// Wraps the key for somebody else, up to where it lies beside the old one.
    fn begin(&self) -> (Rewrapped, Identity) {
        let reader = Identity::generate();
        let identities = self.house.gateway.keeper.keys().identities();
        let rewrapped = Rewrapped::new(&self.dir, identities, &[reader.public()]).unwrap();
        (rewrapped, reader)
    }

    async fn put_on_record(&self, rewrapped: &Rewrapped, reader: &Identity) {
        put_rewrapping_on_record(self.store(), rewrapped, &[reader.public()], "root (uid 0)")
            .await
            .unwrap();
    }

    /// The whole of it; the key file it made.
    async fn rewrap(&self) -> Vec<u8> {
        let recipients = [
            Identity::generate().public(),
            self.house.gateway.keeper.keys().identities()[0].public(),
        ];
        let (identities, by) = (
            self.house.gateway.keeper.keys().identities(),
            "root (uid 0)",
        );
        let settings = &self.house.gateway.settings;
        rewrap(
            self.store(),
            settings,
            &self.dir,
            identities,
            &recipients,
            by,
        )
        .await
        .unwrap();
        self.key_file()
    }

    async fn end(&self) -> Vec<String> {
        end_all_interrupted(self.store(), &self.house.gateway.settings)
            .await
            .unwrap()
    }

    fn key_file(&self) -> Vec<u8> {
        fs::read(self.dir.join(layout::WRAPPED_KEY)).unwrap()
    }

    fn next(&self) -> PathBuf {
        self.dir.join(layout::WRAPPED_KEY_NEXT)
    }

    fn waits(&self) -> bool {
        fs::symlink_metadata(self.next()).is_ok()
    }

    fn reads(&self, identity: &Identity) -> bool {
        let sealed = SealedRecording::open(&self.dir).unwrap();
        sealed.unlock(std::slice::from_ref(identity)).is_ok()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c4_a_rewrapping_interrupted_before_its_record_is_undone() {
    let scene = Scene::sealed().await;
    let before = scene.key_file();
    let (rewrapped, reader) = scene.begin();
    drop(rewrapped);
    let told = scene.end().await;
    assert!(
        told.len() == 1 && told[0].contains("that the log does not know"),
        "{told:?}"
    );
    assert!(!scene.waits() && !scene.reads(&reader));
    assert_eq!(scene.key_file(), before);
    assert_eq!(scene.end().await, [] as [String; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn r3_a_rewrapping_interrupted_after_its_record_is_finished() {
    let scene = Scene::sealed().await;
    let (rewrapped, reader) = scene.begin();
    scene.put_on_record(&rewrapped, &reader).await;
    let digest = rewrapped.sha256().to_owned();
    drop(rewrapped);
    assert!(!scene.reads(&reader));
    let told = scene.end().await;
    assert!(
        told.len() == 1 && told[0].contains("is finished"),
        "{told:?}"
    );
    assert!(!scene.waits() && scene.reads(&reader));
    assert_eq!(sha256_hex(&scene.key_file()), digest);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_rewrapping_leaves_nothing_to_end() {
    let scene = Scene::sealed().await;
    let file = scene.rewrap().await;
    assert!(!scene.waits());
    assert_eq!(scene.end().await, [] as [String; 0]);
    assert_eq!(scene.key_file(), file);
}

/// Who can write into the directory chooses nothing: neither a key file of their own nor one whose readers were shut out.
#[tokio::test(flavor = "multi_thread")]
async fn c4_only_the_latest_key_file_on_record_takes_the_place() {
    let scene = Scene::sealed().await;
    let sealed = scene.key_file();
    let earlier = scene.rewrap().await;
    let latest = scene.rewrap().await;
    let (rewrapped, _) = scene.begin();
    drop(rewrapped);
    let unknown = fs::read(scene.next()).unwrap();
    for planted in [&sealed, &earlier, &unknown, &latest[..10].to_vec()] {
        fs::write(scene.next(), planted).unwrap();
        assert!(scene.end().await[0].contains("was removed"));
        assert!(!scene.waits());
        assert_eq!(scene.key_file(), latest);
    }
    // Neither what a link leads to, be it the right one, nor what never ends.
    let aside = scene.dir.join("aside");
    fs::write(&aside, &latest).unwrap();
    for leads_to in [aside.as_path(), Path::new("/dev/zero")] {
        symlink(leads_to, scene.next()).unwrap();
        assert!(scene.end().await[0].contains("was removed"));
        assert!(!scene.waits());
    }
    fs::create_dir(scene.next()).unwrap();
    fs::write(scene.next().join("inside"), "x").unwrap();
    assert!(scene.end().await[0].contains("was removed"));
    assert!(!scene.waits() && aside.exists());
    // The right one is, whoever laid it there.
    fs::write(scene.dir.join(layout::WRAPPED_KEY), &earlier).unwrap();
    fs::write(scene.next(), &latest).unwrap();
    assert!(scene.end().await[0].contains("is finished"));
    assert_eq!(scene.key_file(), latest);
}

/// The next change ends the one before it.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_goes_over_what_an_interrupted_one_left() {
    let scene = Scene::sealed().await;
    let (rewrapped, _) = scene.begin();
    drop(rewrapped);
    let file = scene.rewrap().await;
    assert!(!scene.waits());
    let latest = latest_wrapping(scene.store(), SessionId::from_uuid(SESSION_ID)).await;
    assert_eq!(latest.unwrap().unwrap().1, sha256_hex(&file));
}
