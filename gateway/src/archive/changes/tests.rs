//! A change that is interrupted anywhere is finished or undone, by what the log says (R3, C4).

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;

use ecluse_policy::documents::RecordingRules;
use ecluse_policy::{AccountName, ClientId, InterventionId, PersonId, TargetId};
use ecluse_recordings::evidence::manifest::sha256_hex;
use ecluse_recordings::{Event, Protection, Recorder, SESSION, SessionEnd, seal_as_journal};

use super::super::sealing::put_on_record;
use super::*;
use crate::faces::lobby::testing::House;
use crate::passage::testing::{facts, until_sealed};
use crate::store::testing::records_of;
use crate::store::{Searchable, SessionQuery, SessionStart};

const SESSION_ID: Uuid = Uuid::from_u128(7);

/// A house with one sealed recording, which the gateway reads.
struct Scene {
    house: House,
    dir: PathBuf,
}

impl Scene {
    async fn sealed() -> Self {
        let house = House::new().await;
        let keeper = &house.gateway.keeper;
        let recorder = keeper
            .open(facts(SESSION_ID), &RecordingRules::default())
            .unwrap();
        recorder.append(SESSION, 1, Event::Note("said")).unwrap();
        keeper
            .close(&recorder, 2, &SessionEnd::because("closed"))
            .unwrap();
        until_sealed(&house).await;
        let dir = recorder.dir().to_path_buf();
        Self { house, dir }
    }

    /// The same, sealed as its journal by a gateway that had lost the key; read by `client` alone.
    async fn sealed_as_journal(client: &Identity) -> Self {
        let house = House::new().await;
        let root = &house.gateway.settings.recordings.directory;
        let protection = Protection::for_recipients(vec![client.public()]).unwrap();
        let recorder = Recorder::open(root, facts(SESSION_ID), protection, None).unwrap();
        recorder.append(SESSION, 1, Event::Note("said")).unwrap();
        let closed = recorder.close(2, &SessionEnd::because("closed")).unwrap();
        let dir = recorder.dir().to_path_buf();
        drop(recorder);
        let scene = Self { house, dir };
        scene.start_session().await;
        let keys = Arc::clone(scene.house.gateway.keeper.keys());
        let sealed = keys.with_sealing(&|_| false, |sealing| {
            seal_as_journal(&closed, false, sealing)
        });
        let sealed = sealed.unwrap();
        assert!(matches!(
            scene.convert(client).await,
            Err(ChangeError::NotSealed)
        ));
        put_on_record(scene.store(), &sealed).await.unwrap();
        sealed.remove_journal().unwrap();
        scene
    }

    async fn start_session(&self) {
        let root = &self.house.gateway.settings.recordings.directory;
        let start = SessionStart {
            id: SessionId::from_uuid(SESSION_ID),
            node: "test".into(),
            person: PersonId::parse("alice").unwrap(),
            station: None,
            source: "192.0.2.7".parse().unwrap(),
            client: ClientId::parse("hopital").unwrap(),
            target: TargetId::parse("db01").unwrap(),
            account: AccountName::parse("postgres").unwrap(),
            intervention: InterventionId::from_uuid(Uuid::from_u128(8)),
            documents: 1,
            recording: Some(self.dir.strip_prefix(root).unwrap().display().to_string()),
            at: clock::now(),
        };
        self.store().start_session(&start, &[]).await.unwrap();
    }

    async fn convert(&self, key: &Identity) -> Result<(), ChangeError> {
        let gateway = &self.house.gateway;
        let (keys, session) = (gateway.keeper.keys(), SessionId::from_uuid(SESSION_ID));
        let (identities, by) = (vec![key.clone()], "root (uid 0)");
        let settings = &gateway.settings;
        convert(
            self.store(),
            settings,
            keys,
            session,
            &self.dir,
            identities,
            by,
        )
        .await
    }

    /// The files, named and signed, and nothing on record.
    fn convert_and_stop(&self, client: &Identity) -> SealedRecording {
        let keys = self.house.gateway.keeper.keys();
        let allowed = keys.allowed_signers();
        let identities = std::slice::from_ref(client);
        keys.with_sealing(&|_| false, |sealing| {
            convert_journal_form(&self.dir, identities, &allowed, sealing)
        })
        .unwrap()
    }

    /// Digest and form as the store has them.
    async fn on_record(&self) -> (String, String) {
        let session = SessionId::from_uuid(SESSION_ID);
        let sealed = self
            .store()
            .sealed_recording(session)
            .await
            .unwrap()
            .unwrap();
        (sealed.manifest_sha256, sealed.form)
    }

    async fn seals(&self) -> Vec<AuditRecord> {
        records_of(self.store(), &[AuditKind::RecordingSealed]).await
    }

    async fn searchable(&self) -> Searchable {
        let query = SessionQuery::default();
        let found = self
            .store()
            .searchable(&query, &[Vec::new()])
            .await
            .unwrap();
        found[0].1
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

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_form_becomes_files_on_record_for_who_has_its_key() {
    let client = Identity::generate();
    let scene = Scene::sealed_as_journal(&client).await;
    let before = scene.on_record().await;
    assert_eq!(before.1, "journal");
    let refused = scene.convert(&Identity::generate()).await.unwrap_err();
    assert!(refused.to_string().contains("cannot be read"), "{refused}");
    assert_eq!(scene.on_record().await, before);

    scene.convert(&client).await.unwrap();
    let files = SealedRecording::open(&scene.dir).unwrap();
    let after = (files.manifest_sha256(), "files".to_owned());
    assert_eq!(scene.on_record().await, after);
    assert!(!scene.dir.join(layout::SEALED_JOURNAL).exists());
    assert!(scene.reads(&client));
    let seals = scene.seals().await;
    assert_eq!(seals.len(), 2);
    assert_eq!(seals[1].person.as_deref(), Some("root (uid 0)"));
    assert_eq!(seals[1].detail["manifest-sha256"], after.0.as_str());
    assert_eq!(scene.searchable().await, Searchable::Unknown, "C4");
    let again = scene.convert(&client).await.unwrap_err();
    assert!(matches!(again, ChangeError::FilesAlready));
    assert_eq!(scene.end().await, [] as [String; 0]);
}

/// Without a key file where the gateway reads it itself; then auditors find it.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_gateway_reads_it_converts_and_makes_findable() {
    let client = Identity::generate();
    let scene = Scene::sealed_as_journal(&client).await;
    let gateway = scene.house.gateway.keeper.keys().identities()[0].clone();
    let recipients = [client.public(), gateway.public()];
    let (settings, by) = (&scene.house.gateway.settings, "root (uid 0)");
    let identities = std::slice::from_ref(&client);
    rewrap(
        scene.store(),
        settings,
        &scene.dir,
        identities,
        &recipients,
        by,
    )
    .await
    .unwrap();
    scene.convert(&gateway).await.unwrap();
    assert_eq!(scene.searchable().await, Searchable::Perhaps);
}

/// Killed between the files and their record, and between the record and the end of the journal.
#[tokio::test(flavor = "multi_thread")]
async fn r3_a_conversion_interrupted_before_or_after_its_record_is_ended() {
    let client = Identity::generate();
    for recorded in [false, true] {
        let scene = Scene::sealed_as_journal(&client).await;
        let files = scene.convert_and_stop(&client);
        assert!(scene.reads(&client), "it reads meanwhile");
        if recorded {
            let done = put_conversion_on_record(scene.store(), &files, "root (uid 0)").await;
            assert!(done.unwrap());
        }
        let told = scene.end().await;
        assert!(told.len() == 1 && told[0].contains("on record"), "{told:?}");
        assert_eq!(
            scene.on_record().await,
            (files.manifest_sha256(), "files".to_owned())
        );
        assert_eq!(scene.seals().await.len(), 2);
        assert!(!scene.dir.join(layout::SEALED_JOURNAL).exists() && scene.reads(&client));
        assert_eq!(scene.end().await, [] as [String; 0]);
    }
}

/// Files that somebody else signed are not put on record, whatever lies beside them.
#[tokio::test(flavor = "multi_thread")]
async fn r3_files_that_this_gateway_did_not_sign_stay_off_the_record() {
    let client = Identity::generate();
    let scene = Scene::sealed_as_journal(&client).await;
    let before = scene.on_record().await;
    let manifest = fs::read(scene.dir.join(layout::MANIFEST)).unwrap();
    let signature = fs::read(scene.dir.join(layout::SIGNATURE)).unwrap();
    scene.convert_and_stop(&client);
    // The signature of the journal form over the manifest of the files.
    fs::write(scene.dir.join(layout::SIGNATURE), &signature).unwrap();
    let told = scene.end().await;
    assert!(told[0].contains("not signed by this gateway"), "{told:?}");
    assert_eq!(scene.on_record().await, before);
    // What is not on record is not converted either.
    assert!(matches!(
        scene.convert(&client).await,
        Err(ChangeError::OtherSeal)
    ));
    fs::write(scene.dir.join(layout::MANIFEST), manifest).unwrap();
    scene.convert(&client).await.unwrap();
    assert!(scene.reads(&client));
}
