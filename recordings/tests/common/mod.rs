//! What the tests share: facts, channels, and streams read back from the final files.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use ecluse_recordings::evidence::key::{Identity, RecordingKey};
use ecluse_recordings::evidence::signature::{HeldKey, Signer};
use ecluse_recordings::{
    Bytes, ChannelKind, ChannelOpened, ChannelRecord, OpenRecording, Outcome, Protection, Recorder,
    Recovered, Recovery, Sealing, SessionEnd, SessionFacts, Stream, layout, rebuild, recover, seal,
};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use uuid::Uuid;

/// Fixed, because child processes of a test record for it too; protects nothing but test data.
pub const CLIENT_KEY: &str =
    "AGE-SECRET-KEY-10K2U3JPDQJKQS76DX2ZEYK3M3LDGWA89VMQ6SS0NW6Q29MJ6U52QLG3MD4";

static SIGNER: LazyLock<HeldKey> = LazyLock::new(|| HeldKey::from_seed(&[7; 32]).unwrap());
static OURS: LazyLock<[[u8; 32]; 1]> = LazyLock::new(|| [SIGNER.public()]);

/// A key that the one of [`sealing`] was rotated to, and both of them.
static ROTATED: LazyLock<HeldKey> = LazyLock::new(|| HeldKey::from_seed(&[9; 32]).unwrap());
static BOTH: LazyLock<[[u8; 32]; 2]> = LazyLock::new(|| [SIGNER.public(), ROTATED.public()]);

/// Who may read what these tests record.
pub fn client() -> Identity {
    Identity::parse_all(CLIENT_KEY).unwrap().remove(0)
}

pub fn protection() -> Protection {
    Protection::for_recipients(vec![client().public()]).unwrap()
}

pub fn signer() -> &'static dyn Signer {
    &*SIGNER
}

pub fn sealing() -> Sealing<'static> {
    Sealing {
        signer: signer(),
        ours: &*OURS,
        by: "ecluse test",
        now: 1_795_428_999_000_000,
        screen_text: &|client| client != "mairie",
    }
}

/// As [`sealing`], after its key was rotated.
pub fn sealing_rotated() -> Sealing<'static> {
    Sealing {
        signer: &*ROTATED,
        ours: &*BOTH,
        ..sealing()
    }
}

pub fn recorder(root: &Path) -> Recorder {
    recorder_of(root, facts())
}

pub fn recorder_of(root: &Path, facts: SessionFacts) -> Recorder {
    Recorder::open(root, facts, protection(), None).unwrap()
}

/// Closes, seals, removes the journal, and opens what is left with the client's key.
pub fn sealed(recorder: &Recorder, at_us: u64, end: &SessionEnd) -> OpenRecording {
    let closed = recorder.close(at_us, end).unwrap();
    let recording = seal(&closed, recorder.key(), &sealing()).unwrap();
    recording.remove_journal().unwrap();
    assert_eq!(
        recording.verify_signature(&[signer().public()]),
        Ok(signer().public())
    );
    recording.unlock(&[client()]).unwrap()
}

/// Recovery by a gateway that holds the client's key and whose log knows of nothing more.
pub fn recovery() -> Recovery<'static> {
    Recovery {
        unwrap: &|wrapped| RecordingKey::unwrap_with(wrapped, &[client()]).ok(),
        known: &|_| Ok(None),
        sealing: sealing(),
    }
}

/// The same by a gateway that holds no key.
pub fn keyless() -> Recovery<'static> {
    Recovery {
        unwrap: &|_| None,
        ..recovery()
    }
}

/// Recovers as a gateway that holds the client's key does.
pub fn recover_with_key(root: &Path) -> Vec<Recovered> {
    recover_by(root, &recovery())
}

/// Recovers as a gateway that holds no key does.
pub fn recover_without_key(root: &Path) -> Vec<Recovered> {
    recover_by(root, &keyless())
}

/// Recovers, and removes the journals of what was sealed as if it were on record.
pub fn recover_by(root: &Path, recovery: &Recovery<'_>) -> Vec<Recovered> {
    acknowledged(recover(root, recovery).unwrap())
}

fn acknowledged(recovered: Vec<Recovered>) -> Vec<Recovered> {
    for one in &recovered {
        if let Outcome::Sealed { recording, .. } = &one.outcome {
            recording.remove_journal().unwrap();
        }
    }
    recovered
}

/// The recording that a recovery made.
pub fn opened(outcome: &Outcome) -> OpenRecording {
    let Outcome::Sealed { recording, .. } = outcome else {
        panic!("{outcome:?}")
    };
    recording.unlock(&[client()]).unwrap()
}

/// Every file of a recording on disk, by name.
pub fn read_all(dir: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                std::fs::read(entry.path()).unwrap(),
            )
        })
        .collect()
}

/// A file of a recording, decrypted.
pub fn plain(recording: &OpenRecording, name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut recording.open(name).unwrap(), &mut bytes).unwrap();
    bytes
}

pub fn on_disk(recording: &OpenRecording, name: &str) -> PathBuf {
    recording.dir().join(layout::sealed_name(name))
}

pub fn facts() -> SessionFacts {
    facts_of(Uuid::from_u128(0x0193_5a7e_0000_7000_8000_0000_0000_0001))
}

pub fn facts_of(session: Uuid) -> SessionFacts {
    SessionFacts {
        session,
        client: "hopital".into(),
        person: "alice".into(),
        provider: Some("maintech".into()),
        station: Some("maintech-st1".into()),
        source: "127.0.0.1:53122".into(),
        terminal: "ssh 127.0.0.1:53122".into(),
        target: "db01".into(),
        accounts: vec!["postgres".into()],
        intervention: Some(Uuid::from_u128(17)),
        started: 1_795_428_000_000_000,
        documents_version: 3,
        reason: "vérifier la réplication".into(),
        approvals: vec![],
    }
}

pub fn shell(cols: u32, rows: u32) -> ChannelOpened {
    ChannelOpened {
        kind: ChannelKind::Shell,
        command: None,
        account: Some("postgres".into()),
        pty: Some(ecluse_recordings::Pty {
            term: "xterm-256color".into(),
            cols,
            rows,
            modes: Vec::new(),
        }),
        env: vec![(Bytes::from("LANG"), Bytes::from("fr_FR.UTF-8"))],
    }
}

pub fn exec(command: &str) -> ChannelOpened {
    ChannelOpened {
        kind: ChannelKind::Exec,
        command: Some(command.into()),
        account: None,
        pty: None,
        env: vec![],
    }
}

/// A stream as the files give it back, unmasked.
pub fn stream(recording: &OpenRecording, channel: &ChannelRecord, stream: Stream) -> Vec<u8> {
    stream_of(recording, channel, stream, true)
}

pub fn stream_of(
    recording: &OpenRecording,
    channel: &ChannelRecord,
    stream: Stream,
    unmask: bool,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    rebuild(recording, channel, unmask, |piece| {
        if piece.stream == stream {
            bytes.extend_from_slice(piece.bytes);
        }
        Ok(())
    })
    .unwrap();
    bytes
}

/// A directory in memory where there is one: these tests sync thousands of small files.
pub fn fast_dir() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

/// For a test that cannot be tried on this machine: where `CI` is set it fails, elsewhere it says what is needed and goes on.
pub fn skipped(needed: &str) {
    assert!(
        std::env::var_os("CI").is_none(),
        "cannot be tried, and so has not passed: {needed}"
    );
    eprintln!("skipped: {needed}");
}

/// Runs an ignored test of the same program on a file system of its own, of `size`, which it finds in `RECORDINGS_ROOT`.
pub fn in_child_on_small_disk(test: &str, size: &str) {
    let root = tempfile::tempdir().unwrap();
    let script = format!(
        "mount -t tmpfs -o size={size} none '{0}' && exec '{1}' --exact {test} --ignored --nocapture",
        root.path().display(),
        std::env::current_exe().unwrap().display()
    );
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
        .env("RECORDINGS_ROOT", root.path())
        .output();
    let output = match output {
        Ok(output) => output,
        Err(error) => return skipped(&format!("unshare (util-linux) is needed: {error}")),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() && (said.contains("unshare:") || said.contains("mount:")) {
        return skipped(&format!("user namespaces with mounts are needed: {said}"));
    }
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stdout)
    );
}
