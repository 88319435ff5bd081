//! Keys from each source, the self-check, and checkpoints by the minute.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use ecluse_policy::{Documents, Timestamp};
use ecluse_recordings::evidence::key::RecordingKey;
use ecluse_recordings::evidence::signature::{SignatureError, Signer, holds, openssh};

use super::agent::Agent;
use super::source::read_key;
use super::ticker::Ticker;
use super::*;
use crate::audit::{AuditKind, AuditRecord};
use crate::settings::{JournalSettings, SigningKeySource};
use crate::store::testing::TestStore;
use crate::store::{AuditQuery, Store};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn settings(source: SigningKeySource) -> JournalSettings {
    JournalSettings {
        origin: None,
        signing_key: source,
    }
}

async fn open(store: &Store, source: SigningKeySource) -> Result<JournalKeys, KeysError> {
    JournalKeys::open(store, &settings(source), at(1)).await
}

async fn kinds(store: &Store) -> Vec<AuditKind> {
    let records = store.audit(&AuditQuery::default()).await.unwrap();
    records.iter().map(|stored| stored.record.kind).collect()
}

/// A real ssh-agent, ended with the test.
struct SshAgent {
    dir: tempfile::TempDir,
    child: std::process::Child,
}

impl SshAgent {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let child = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(dir.path().join("socket"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("install openssh-client");
        let agent = Self { dir, child };
        for _ in 0..1000 {
            if agent.socket().exists() && Agent::keys(&agent.socket()).is_ok() {
                return agent;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        panic!("the ssh-agent does not answer");
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("socket")
    }

    fn source(&self) -> SigningKeySource {
        SigningKeySource::Agent(self.socket())
    }

    /// Makes a key with the stock tool and loads it; its file.
    fn load(&self, name: &str, kind: &str) -> PathBuf {
        let file = self.dir.path().join(name);
        make_key(&file, kind);
        self.add(&file);
        file
    }

    fn add(&self, file: &Path) {
        self.run("ssh-add", &["-q", file.to_str().unwrap()]);
    }

    fn remove(&self, file: &Path) {
        self.run("ssh-add", &["-q", "-d", file.to_str().unwrap()]);
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let done = Command::new(program)
            .args(arguments)
            .env("SSH_AUTH_SOCK", self.socket())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(done.success(), "{program} {arguments:?}");
    }
}

impl Drop for SshAgent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn make_key(file: &Path, kind: &str) {
    let done = Command::new("ssh-keygen")
        .args(["-q", "-t", kind, "-N", "", "-f"])
        .arg(file)
        .status()
        .expect("install openssh-client");
    assert!(done.success());
}

fn public_of(file: &Path) -> [u8; 32] {
    let line = fs::read_to_string(file.with_extension("pub")).unwrap();
    ecluse_recordings::evidence::signature::from_openssh(&line).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_makes_its_keys_once_with_a_record_of_each() {
    let store = TestStore::sqlite().await;
    let keys = open(&store, SigningKeySource::Store).await.unwrap();
    assert_eq!(
        kinds(&store).await,
        [AuditKind::KeyMade, AuditKind::KeyMade]
    );
    assert!(keys.origin().starts_with("ecluse-") && keys.origin().len() == 15);
    let again = open(&store, SigningKeySource::Store).await.unwrap();
    assert_eq!(again.origin(), keys.origin());
    assert_eq!(again.signer().public(), keys.signer().public());
    assert_eq!(again.identity().public(), keys.identity().public());
    assert_eq!(kinds(&store).await.len(), 2);
    again.self_check(Documents::default(), at(2)).await.unwrap();
    // The database alone holds no secret (C2).
    let identity = keys.identity().to_text();
    store.close().await;
    let bytes = fs::read(store.dir.path().join("ecluse.db")).unwrap();
    assert!(
        !bytes
            .windows(20)
            .any(|window| identity.as_bytes().starts_with(window))
    );
}

/// A rotated key signs from then on, without a restart; what the old one signed still verifies.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_rotation_both_keys_are_allowed_and_the_new_one_signs() {
    let store = TestStore::sqlite().await;
    let keys = open(&store, SigningKeySource::Store).await.unwrap();
    let before = keys.signer();
    let signature = before.sign(b"said before").unwrap();
    let after = store
        .rotate_signing_seed("root (uid 0)", at(9))
        .await
        .unwrap();
    keys.refresh(&store, at(10)).await.unwrap();
    assert_eq!(keys.signer().public(), after);
    assert_eq!(keys.allowed(), [before.public(), after]);
    assert!(holds(&keys.allowed()[0], b"said before", &signature));
    let text = keys.allowed_signers();
    assert!(
        text.contains("# gateway, from 1970-01-01T00:00:01Z until 1970-01-01T00:00:09Z\n"),
        "{text}"
    );
    assert!(
        text.contains("# gateway, from 1970-01-01T00:00:09Z until now\n"),
        "{text}"
    );
    assert_eq!(
        ecluse_recordings::evidence::signature::parse_allowed_signers(&text),
        keys.allowed()
    );
    assert_eq!(keys.verifiers().unwrap().len(), 2);
    let records = store.audit(&AuditQuery::default()).await.unwrap();
    let last = &records.last().unwrap().record;
    assert_eq!(last.person.as_deref(), Some("root (uid 0)"));
    assert_eq!(last.detail["replaces"], openssh(&before.public()).as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_keeps_its_name_once_it_is_signed() {
    let store = TestStore::sqlite().await;
    let mut wanted = settings(SigningKeySource::Store);
    wanted.origin = Some("gateway1.hopital.example".into());
    let keys = JournalKeys::open(&store, &wanted, at(1)).await.unwrap();
    store
        .checkpoint(keys.origin(), keys.signer(), at(2))
        .await
        .unwrap()
        .unwrap();
    wanted.origin = Some("gateway2.hopital.example".into());
    let refused = JournalKeys::open(&store, &wanted, at(3))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("set origin = \"gateway1.hopital.example\""),
        "{refused}"
    );
    wanted.origin = None;
    let keys = JournalKeys::open(&store, &wanted, at(3)).await.unwrap();
    assert_eq!(keys.origin(), "gateway1.hopital.example");
}

#[test]
fn a_key_file_is_an_openssh_key_or_a_seed_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    make_key(&file, "ed25519");
    assert_eq!(read_key(&file).unwrap().public(), public_of(&file));
    let seed = dir.path().join("seed");
    fs::write(&seed, [7; 32]).unwrap();
    let signature = read_key(&seed).unwrap().sign(b"x").unwrap();
    assert!(holds(&read_key(&seed).unwrap().public(), b"x", &signature));
    let ecdsa = dir.path().join("ecdsa");
    make_key(&ecdsa, "ecdsa");
    let locked = dir.path().join("locked");
    fs::copy(&file, &locked).unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o600)).unwrap();
    let done = Command::new("ssh-keygen")
        .args(["-q", "-p", "-P", "", "-N", "a passphrase", "-f"])
        .arg(&locked)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(done.success());
    let short = dir.path().join("short");
    fs::write(&short, [7; 31]).unwrap();
    for (file, problem) in [
        (&ecdsa, "ecdsa"),
        (&locked, "passphrase"),
        (&short, "32 bytes"),
    ] {
        let refused = read_key(file).unwrap_err().to_string();
        assert!(refused.contains(problem), "{refused}");
    }
}

/// The real ssh-agent holds the key; it never comes here.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_real_ssh_agent_signs() {
    let store = TestStore::sqlite().await;
    let agent = SshAgent::start();
    let refused = open(&store, agent.source()).await.unwrap_err().to_string();
    assert!(refused.contains("has 0 Ed25519 keys"), "{refused}");
    agent.load("other", "ecdsa");
    let first = agent.load("first", "ed25519");
    let keys = open(&store, agent.source()).await.unwrap();
    assert_eq!(keys.signer().public(), public_of(&first));
    keys.self_check(Documents::default(), at(2)).await.unwrap();
    let signature = keys.signer().sign(b"said").unwrap();
    assert!(holds(&public_of(&first), b"said", &signature));
    // With a second one loaded, the one that signed before is meant.
    let second = agent.load("second", "ed25519");
    let again = open(&store, agent.source()).await.unwrap();
    assert_eq!(again.signer().public(), public_of(&first));
    // Taken away, it does not sign; the other is taken at the next start, and both stay allowed.
    agent.remove(&first);
    let refused = keys.signer().sign(b"said").unwrap_err().to_string();
    assert!(refused.contains("load the key"), "{refused}");
    assert!(keys.self_check(Documents::default(), at(3)).await.is_err());
    let keys = open(&store, agent.source()).await.unwrap();
    assert_eq!(keys.signer().public(), public_of(&second));
    assert_eq!(keys.allowed().len(), 2);
    // Two strangers to the gateway: it does not guess.
    agent.remove(&second);
    agent.load("third", "ed25519");
    agent.load("fourth", "ed25519");
    let refused = open(&store, agent.source()).await.unwrap_err().to_string();
    assert!(refused.contains("load exactly one"), "{refused}");
}

/// An agent that answers what it likes.
#[test]
fn a_hostile_agent_is_refused_and_never_waited_for_without_end() {
    let dir = tempfile::tempdir().unwrap();
    let answers: &[&[u8]] = &[
        b"",
        &[0, 0, 0, 0],
        &[0xff, 0xff, 0xff, 0xff, 12],
        &[0, 0, 0, 1, 5],
        &[0, 0, 0, 1, 14],
        &[0, 0, 0, 5, 12, 0xff, 0xff, 0xff, 0xff],
        &[0, 0, 0, 9, 12, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff],
        &[0, 0, 0, 9, 14, 0, 0, 0, 4, 0, 0, 0, 0],
    ];
    for (number, answer) in answers.iter().enumerate() {
        let path = dir.path().join(number.to_string());
        let listener = UnixListener::bind(&path).unwrap();
        let answering = std::thread::spawn({
            let answer = answer.to_vec();
            move || {
                for stream in listener.incoming().take(2) {
                    use std::io::{Read, Write};
                    let mut stream = stream.unwrap();
                    let mut asked = [0; 5];
                    stream.read_exact(&mut asked).unwrap();
                    stream.write_all(&answer).unwrap();
                }
            }
        });
        assert!(Agent::keys(&path).is_err(), "{answer:?}");
        let refused = Agent::new(&path, [1; 32]).sign(b"x").unwrap_err();
        assert!(
            matches!(refused, SignatureError::NotSigned(_)),
            "{answer:?}"
        );
        answering.join().unwrap();
    }
    let gone = Agent::keys(&dir.path().join("nothing"))
        .unwrap_err()
        .to_string();
    assert!(gone.contains("check that it runs"), "{gone}");
}

/// Signs something else than it was asked to.
struct Liar(Arc<dyn Signer>);

impl Signer for Liar {
    fn public(&self) -> [u8; 32] {
        self.0.public()
    }

    fn sign(&self, _message: &[u8]) -> Result<[u8; 64], SignatureError> {
        self.0.sign(b"something else")
    }
}

/// Peers shipped for years without ever signing: a key that does not sign keeps the doors shut.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_does_not_sign_is_found_before_the_doors_open() {
    let store = TestStore::sqlite().await;
    let keys = open(&store, SigningKeySource::Store).await.unwrap();
    let identity = keys.identity();
    let check = |signer: &dyn Signer, documents: &Documents| {
        self_check::check(signer, keys.origin(), identity, documents, at(2))
    };
    let none = Documents::default();
    check(keys.signer().as_ref(), &none).unwrap();
    let refused = check(&Liar(keys.signer()), &none).unwrap_err().to_string();
    assert!(
        refused.contains("its doors stay shut: signing a file"),
        "{refused}"
    );
}

/// R3: at least each minute while the journal grows; trouble is on record when it begins and when it ends.
#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_follow_the_journal_and_trouble_is_told_once() {
    let store = TestStore::sqlite().await;
    let agent = SshAgent::start();
    let file = agent.load("key", "ed25519");
    let keys = Arc::new(open(&store, agent.source()).await.unwrap());
    let ticker = Ticker::new(store.store.clone(), Arc::clone(&keys));
    let size = async || match store.latest_checkpoint().await.unwrap() {
        Some(note) => note.verify(&keys.verifiers().unwrap()[0]).unwrap().size,
        None => 0,
    };
    ticker.tick(at(60)).await;
    assert_eq!(size().await, 2);
    ticker.tick(at(120)).await;
    assert_eq!(
        store.checkpoints(0, 10).await.unwrap().len(),
        1,
        "nothing happened"
    );
    store
        .record(&[AuditRecord::new(AuditKind::LogOn, at(130))])
        .await
        .unwrap();
    agent.remove(&file);
    ticker.tick(at(180)).await;
    ticker.tick(at(240)).await;
    assert_eq!(size().await, 2);
    agent.add(&file);
    ticker.tick(at(300)).await;
    ticker.tick(at(360)).await;
    assert_eq!(
        kinds(&store).await[2..],
        [
            AuditKind::LogOn,
            AuditKind::CheckpointFailed,
            AuditKind::CheckpointFailed
        ]
    );
    assert_eq!(size().await, 5);
}

/// A client's own key and the gateway's: each opens what was wrapped for both.
#[tokio::test(flavor = "multi_thread")]
async fn the_gateways_identity_reads_what_is_wrapped_for_it() {
    let store = TestStore::sqlite().await;
    let keys = open(&store, SigningKeySource::Store).await.unwrap();
    let wrapped = RecordingKey::generate()
        .wrap(&[keys.identity().public()])
        .unwrap();
    let again = open(&store, SigningKeySource::Store).await.unwrap();
    RecordingKey::unwrap_with(&wrapped, std::slice::from_ref(again.identity())).unwrap();
}
