//! What changes on disk while the journal is read is not taken for an alteration, unless the journal does not tell of it
//! (R3).

use ecluse_policy::Timestamp;
use ecluse_recordings::evidence::key::Identity;
use ecluse_recordings::evidence::signature::{HeldKey, Signer};
use ecluse_recordings::{
    Event, Protection, Recorder, SESSION, Sealing, SessionEnd, convert_journal_form,
    seal_as_journal,
};

use super::*;
use crate::audit::{AuditKind, AuditRecord};
use crate::passage::testing::facts;
use crate::settings::Settings;
use crate::store::testing::TestStore;

const SESSION_ID: Uuid = Uuid::from_u128(7);

fn seal_record(sealed: &SealedRecording, form: &str) -> AuditRecord {
    AuditRecord::new(AuditKind::RecordingSealed, Timestamp::from_micros(1))
        .session(SessionId::from_uuid(SESSION_ID))
        .detail("manifest-sha256", sealed.manifest_sha256())
        .detail("form", form)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversion_since_the_entries_were_read_is_told_by_the_journal_or_is_an_alteration() {
    let store = TestStore::sqlite().await;
    let root = tempfile::tempdir().unwrap();
    let text = format!("data-dir = {:?}", root.path().join("data"));
    let settings = Settings::parse(&root.path().join("gateway.toml"), &text).unwrap();
    let (signer, client) = (HeldKey::from_seed(&[3; 32]).unwrap(), Identity::generate());
    let signers = [signer.public()];
    let sealing = Sealing {
        signer: &signer,
        ours: &signers,
        by: "a test",
        now: 1,
        screen_text: &|_| false,
    };
    let protection = Protection::for_recipients(vec![client.public()]).unwrap();
    let recorder = Recorder::open(root.path(), facts(SESSION_ID), protection, None).unwrap();
    recorder.append(SESSION, 1, Event::Note("said")).unwrap();
    let closed = recorder.close(2, &SessionEnd::because("closed")).unwrap();
    let dir = recorder.dir().to_path_buf();
    drop(recorder);
    let first = seal_as_journal(&closed, false, &sealing).unwrap();
    first.remove_journal().unwrap();
    store
        .record(&[seal_record(&first, "journal")])
        .await
        .unwrap();
    let read = store.journal_size().await.unwrap();
    let manifest = first.manifest_sha256();
    let seal = Seal::told(read - 1, |name| match name {
        "form" => Some("journal"),
        _ => Some(manifest.as_str()),
    });
    let look = async |size: u64| {
        let known = Known {
            store: &store,
            settings: &settings,
            size,
            signers: &signers,
        };
        let mut findings = Findings::default();
        let session = SESSION_ID.to_string();
        let found = sealed(known, &dir, &session, &seal, &mut findings).await;
        (found.unwrap(), findings.verdict())
    };
    assert_eq!(look(read).await, (Some(first), Verdict::Intact));

    let identities = [client];
    let files = convert_journal_form(&dir, &identities, &signers, &sealing).unwrap();
    files.remove_journal().unwrap();
    assert_eq!(look(read).await, (None, Verdict::Altered));
    store.record(&[seal_record(&files, "files")]).await.unwrap();
    assert_eq!(look(read).await, (Some(files), Verdict::Intact));
    // What was among the entries read counted already, and did not stand.
    let all = store.journal_size().await.unwrap();
    assert_eq!(look(all).await, (None, Verdict::Altered));
}
