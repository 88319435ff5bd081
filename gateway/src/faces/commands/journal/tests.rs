//! A cosigner refuses what contradicts what it saw; verification names what was done to a journal (R3).

mod secrets;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;

use clap::Parser;
use ecluse_policy::{
    AccountName, ClientId, InterventionId, PersonId, SessionId, TargetId, Timestamp,
};
use ecluse_recordings::evidence::signature::{HeldKey, Signer};
use ecluse_recordings::log::{Checkpoint, Extension, Hash, SignedNote, VerifierKey, leaf_hash};
use ecluse_recordings::verify::Verdict;

use super::verify::{Findings, Verify};
use super::*;
use crate::live::node_name;
use crate::store::testing::{TestStore, words_away, words_back};
use crate::store::{ServeLock, SessionStart};
use uuid::Uuid;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn log_key() -> Arc<dyn Signer> {
    Arc::new(HeldKey::from_seed(&[3; 32]).unwrap())
}

fn note(size: u64, root: Hash) -> SignedNote {
    let checkpoint = Checkpoint {
        origin: "gw1".into(),
        size,
        root,
        at_us: 1_800_000_000_000_000,
    };
    SignedNote::sign(&checkpoint, log_key().as_ref()).unwrap()
}

#[derive(Parser)]
struct Line {
    #[command(subcommand)]
    command: JournalCommand,
}

/// A cosigner with a key of the stock tool and a state of its own.
struct Cosigner {
    dir: tempfile::TempDir,
}

impl Cosigner {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(dir.path().join("key"))
            .status()
            .expect("install openssh-client");
        assert!(made.success());
        let key = VerifierKey::log("gw1", log_key().public()).unwrap();
        let cosigner = Self { dir };
        cosigner.write("log-keys", &format!("# gw1\n{key}\n"));
        cosigner
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    fn cosign(&self, shown: &str, with_key: bool) -> anyhow::Result<ExitCode> {
        let shown = self.write("shown", shown).display().to_string();
        let (key, state, log) = (self.path("key"), self.path("state"), self.path("log-keys"));
        let mut line = vec![
            "journal",
            "cosign",
            "--key",
            &key,
            "--name",
            "hopital.example/audit",
            "--state",
            &state,
        ];
        if with_key {
            line.extend(["--log-key", log.as_str()]);
        }
        line.push(&shown);
        let JournalCommand::Cosign(cosign) = Line::try_parse_from(line).unwrap().command else {
            panic!("another command");
        };
        cosign.run(at(1_800_000_100))
    }

    fn refused(&self, shown: &str) -> String {
        format!("{:#}", self.cosign(shown, false).unwrap_err())
    }

    fn state(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("state")).unwrap_or_default()
    }
}

fn settings(dir: &Path) -> Settings {
    let text = format!("data-dir = {:?}", dir.join("data"));
    Settings::parse(&dir.join("gateway.toml"), &text).unwrap()
}

async fn grow(store: &Store, count: i64) {
    for second in 0..count {
        let record = AuditRecord::new(AuditKind::LogOn, at(second)).claimed("alice");
        store.record(&[record]).await.unwrap();
    }
}

#[tokio::test]
async fn a_cosigner_follows_a_journal_that_only_grows() {
    let (store, cosigner) = (TestStore::sqlite().await, Cosigner::new());
    grow(&store, 3).await;
    let first = store
        .checkpoint("gw1", log_key(), at(10))
        .await
        .unwrap()
        .unwrap();
    // Whose journal it is, is never taken from the journal itself.
    assert!(
        cosigner
            .refused(&first.text())
            .contains("ecluse journal keys")
    );
    cosigner.cosign(&first.text(), true).unwrap();
    cosigner.cosign(&first.text(), false).unwrap();
    grow(&store, 4).await;
    store
        .checkpoint("gw1", log_key(), at(20))
        .await
        .unwrap()
        .unwrap();
    let bare = latest(&store).await.unwrap().text();
    assert!(
        cosigner
            .refused(&bare)
            .contains("ecluse journal proof --from 3")
    );
    let proven = proof(&store, 3).await.unwrap();
    cosigner.cosign(&proven.text(), false).unwrap();
    assert!(cosigner.state().contains("gw1"));
    // Back into the journal: the gateway's own checkpoint bears it from then on.
    let state: serde_json::Value = serde_json::from_str(&cosigner.state()).unwrap();
    let cosigned = state["cosigned"].as_str().unwrap();
    let file = cosigner.write("cosigned", cosigned);
    let add = AddCosignature {
        file,
        keys: Vec::new(),
    };
    assert!(add.run(&store).await.unwrap().starts_with("1 cosignature"));
    let names: Vec<String> = latest(&store)
        .await
        .unwrap()
        .cosigners()
        .map(str::to_owned)
        .collect();
    assert_eq!(names, ["hopital.example/audit"]);
    // The proof can also begin at nothing, and never beyond the end.
    assert!(proof(&store, 0).await.is_ok());
    assert!(
        proof(&store, 8)
            .await
            .unwrap_err()
            .to_string()
            .contains("rolled back")
    );
}

#[test]
fn a_cosigner_refuses_a_rollback_a_fork_and_a_stranger_and_remembers_what_it_saw() {
    let cosigner = Cosigner::new();
    cosigner
        .cosign(&note(5, leaf_hash(b"five")).text(), true)
        .unwrap();
    let before = cosigner.state();
    let rolled_back = cosigner.refused(&note(4, leaf_hash(b"four")).text());
    assert!(
        rolled_back.contains("NOT cosigned: the log was rolled back"),
        "{rolled_back}"
    );
    let forked = cosigner.refused(&note(5, leaf_hash(b"other five")).text());
    assert!(
        forked.contains("NOT cosigned: the log was forked"),
        "{forked}"
    );
    let unproven = Extension {
        old: 5,
        proof: vec![leaf_hash(b"made up")],
        note: note(6, leaf_hash(b"six")),
    };
    assert!(cosigner.refused(&unproven.text()).contains("was rewritten"));
    let stranger = HeldKey::from_seed(&[4; 32]).unwrap();
    let checkpoint = note(6, leaf_hash(b"six")).unverified().unwrap();
    let strange = SignedNote::sign(&checkpoint, &stranger).unwrap();
    assert!(cosigner.refused(&strange.text()).contains("rotated"));
    assert!(cosigner.refused("not a note").contains("not a signed note"));
    assert_eq!(cosigner.state(), before, "a refusal changes nothing");
}

/// Verification against what is kept elsewhere; `change` is what an administrator of the store did since.
/// One kind of fault is one line, however often it was met.
#[test]
fn what_was_found_several_times_is_told_once_with_how_often() {
    let mut findings = Findings::default();
    findings.note("no checkpoint was given");
    for _ in 0..11 {
        findings.add(Verdict::Altered, "version 1 is not there");
    }
    findings.add(Verdict::Missing, "version 1 is not there");
    assert_eq!(
        findings.told(),
        "note: no checkpoint was given\naltered: version 1 is not there (11 times)\nmissing: version 1 is not there\n"
    );
}

async fn verified(since: &SignedNote, store: &Store, dir: &Path) -> Findings {
    let file = dir.join("since");
    std::fs::write(&file, since.text()).unwrap();
    let line = ["journal", "verify", "--since", file.to_str().unwrap()];
    let JournalCommand::Verify(verify) = Line::try_parse_from(line).unwrap().command else {
        panic!("another command");
    };
    let mut findings = Findings::default();
    let examined = Verify::examine(&verify, store, &settings(dir), &mut findings).await;
    examined.unwrap();
    findings
}

#[tokio::test(flavor = "multi_thread")]
async fn verification_says_extended_rolled_back_forked_or_signed_by_a_stranger() {
    let store = TestStore::sqlite().await;
    let dir = tempfile::tempdir().unwrap();
    let keys = JournalKeys::open(&store, &settings(dir.path()).journal, at(1))
        .await
        .unwrap();
    grow(&store, 6).await;
    let since = store
        .checkpoint(keys.origin(), keys.signer(), at(2))
        .await
        .unwrap()
        .unwrap();
    grow(&store, 2).await;
    let found = verified(&since, &store, dir.path()).await;
    assert_eq!(
        (found.verdict(), found.lines.len()),
        (Verdict::Intact, 0),
        "{found:?}"
    );

    let checkpoint = since.unverified().unwrap();
    let sign = |size: u64, root: Hash| {
        let other = Checkpoint {
            size,
            root,
            ..checkpoint.clone()
        };
        SignedNote::sign(&other, keys.signer().as_ref()).unwrap()
    };
    let found = verified(&sign(100, checkpoint.root), &store, dir.path()).await;
    assert_eq!(found.verdict(), Verdict::Missing);
    assert!(found.lines[0].1.contains("rolled back"), "{found:?}");
    let found = verified(
        &sign(checkpoint.size, leaf_hash(b"other")),
        &store,
        dir.path(),
    )
    .await;
    assert_eq!(found.verdict(), Verdict::Altered);
    assert!(found.lines[0].1.contains("fork"), "{found:?}");
    let strange = SignedNote::sign(&checkpoint, log_key().as_ref()).unwrap();
    let found = verified(&strange, &store, dir.path()).await;
    assert!(
        found.lines[0].1.contains("no key that may sign"),
        "{found:?}"
    );
    // A rotation: checkpoints of both keys verify, and the log says where the new one comes from.
    rotate(&store, &settings(dir.path())).await.unwrap();
    let found = verified(&since, &store, dir.path()).await;
    assert_eq!(found.lines, [], "{found:?}");
    let latest = latest(&store).await.unwrap().unverified().unwrap();
    assert_eq!(
        latest.size,
        store.journal_size().await.unwrap(),
        "the old key's last word covers the new one"
    );
}

/// R3: of a session without an end the log tells whether its gateway was there to end it. One that started again was; one
/// that is down is said to be; one that serves may carry it still.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_without_an_end_is_named_once_its_gateway_started_again() {
    let store = TestStore::sqlite().await;
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let keys = JournalKeys::open(&store, &settings.journal, at(1))
        .await
        .unwrap();
    let node = node_name::name(&settings.data_dir).unwrap();
    let parts = BTreeMap::new();
    store
        .begin_with_settings(&node, &parts, at(2))
        .await
        .unwrap();
    let start = SessionStart {
        id: SessionId::from_uuid(Uuid::from_u128(7)),
        node: node.clone(),
        person: PersonId::parse("alice").unwrap(),
        station: None,
        source: "192.0.2.7".parse().unwrap(),
        client: ClientId::parse("hopital").unwrap(),
        target: TargetId::parse("db01").unwrap(),
        account: AccountName::parse("postgres").unwrap(),
        intervention: InterventionId::from_uuid(Uuid::from_u128(8)),
        documents: 1,
        recording: None,
        at: at(3),
    };
    let record = AuditRecord::new(AuditKind::SessionStart, at(3))
        .person(&start.person)
        .client(&start.client)
        .session(start.id);
    store.start_session(&start, &[record]).await.unwrap();
    let since = store
        .checkpoint(keys.origin(), keys.signer(), at(4))
        .await
        .unwrap()
        .unwrap();
    let told = async || {
        let found = verified(&since, &store, dir.path()).await;
        let missing = found.lines.iter().filter(|(verdict, line)| {
            *verdict == Verdict::Missing
                && line.contains("session #1")
                && line.contains("no entry says that it ended")
        });
        let notes = found.notes.iter();
        let notes = notes.filter(|note| {
            note.contains("session #1") && note.contains("left open by this gateway")
        });
        (missing.count(), notes.count())
    };
    assert_eq!(told().await, (0, 1));
    let serving = ServeLock::take(&settings.data_dir).unwrap();
    assert_eq!(told().await, (0, 0));
    drop(serving);
    store
        .begin_with_settings(&node, &parts, at(5))
        .await
        .unwrap();
    assert_eq!(told().await, (1, 0));
    // Where the words of its beginning are away, nobody is said to have put it there.
    words_away(&store, "entry LIKE '%\"session-start\"%'").await;
    let found = verified(&since, &store, dir.path()).await;
    let of_it = found.lines.iter().map(|(_, line)| line.as_str());
    let of_it: Vec<&str> = of_it.filter(|line| line.contains("session #1")).collect();
    let [line] = of_it[..] else {
        panic!("{found:?}")
    };
    assert!(
        line.contains("is not known") && !line.contains("by hand"),
        "{line}"
    );
    assert_eq!(found.verdict(), Verdict::Altered);
    words_back(&store).await;
    // Whose end is on record is nobody's any more, whatever starts.
    let end = AuditRecord::new(AuditKind::SessionEnd, at(6)).session(start.id);
    store.record(&[end]).await.unwrap();
    assert_eq!(told().await, (0, 0));
}

/// R3: the first seal stands, beside the gateway as in a bundle: whoever seals a second time is named.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_seal_of_a_session_is_named() {
    let store = TestStore::sqlite().await;
    let dir = tempfile::tempdir().unwrap();
    let keys = JournalKeys::open(&store, &settings(dir.path()).journal, at(1))
        .await
        .unwrap();
    let id = ecluse_policy::SessionId::from_uuid(uuid::Uuid::from_u128(7));
    let mut places = Vec::new();
    for manifest in ["aa", "bb"] {
        let sealed = AuditRecord::new(AuditKind::RecordingSealed, at(2))
            .session(id)
            .detail("manifest-sha256", manifest)
            .detail("form", "files");
        store.record(&[sealed]).await.unwrap();
        places.push(store.journal_size().await.unwrap());
    }
    let since = store
        .checkpoint(keys.origin(), keys.signer(), at(3))
        .await
        .unwrap()
        .unwrap();
    let found = verified(&since, &store, dir.path()).await;
    let said = format!(
        "entry {}: session {id} was sealed before with entry {}, differently",
        places[1], places[0]
    );
    let expected = (Verdict::Altered, said);
    assert!(found.lines.contains(&expected), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_keys_are_there_before_the_first_start() {
    let store = TestStore::sqlite().await;
    let dir = tempfile::tempdir().unwrap();
    let text = keys(&store, &settings(dir.path())).await.unwrap();
    assert_eq!(text, keys(&store, &settings(dir.path())).await.unwrap());
    assert_eq!(VerifierKey::parse_all(&text).unwrap().len(), 1, "as it is");
    assert!(text.contains("\n# age1"), "{text}");
}

/// A file that names nobody is no list of keys: the store's own would vouch for the store.
#[test]
fn a_file_without_a_key_is_refused_as_log_keys() {
    let dir = tempfile::tempdir().unwrap();
    for text in [
        "",
        "# nothing\n",
        "gateway namespaces=\"x\" ssh-ed25519 AAAA\n",
    ] {
        let path = dir.path().join("keys");
        std::fs::write(&path, text).unwrap();
        let error = read_log_keys(&[path]).unwrap_err().to_string();
        assert!(error.contains("no key was found"), "{text:?}: {error}");
    }
}
