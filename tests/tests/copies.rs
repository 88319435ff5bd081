//! Copies that leave the machine as events arise: to a real rsyslog, to a directory, to a web hook. R3, R8, R9.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::ports::free_port;
use ecluse_tests::process::{Care, Process};
use ecluse_tests::receiver::{Authority, Message, Rsyslog};
use ecluse_tests::{Site, peers, store, wait};
use sha2::{Digest, Sha256};

const PATIENCE: Duration = Duration::from_secs(60);

fn site(receiver: &Rsyslog, authority: &Authority) -> Result<Site> {
    let tail = receiver.document(authority)?;
    Site::start_with(|plan| {
        plan.documents.client_tail = tail;
        Ok(())
    })
}

/// Waits until every entry of the client arrived, and returns all that did.
fn wait_for_all(site: &Site, receiver: &Rsyslog) -> Result<Vec<Message>> {
    wait::until("every entry at the receiver", PATIENCE, || {
        let wanted: BTreeSet<u64> = store::entries(site, "hopital")?
            .into_iter()
            .map(|(seq, _, _)| seq)
            .collect();
        let messages = receiver.messages()?;
        let arrived: BTreeSet<u64> = messages.iter().filter_map(Message::seq).collect();
        Ok(wanted.is_subset(&arrived).then_some(messages))
    })
}

/// In order, each at its first arrival; whole, and the client's own.
fn check(site: &Site, messages: &[Message]) -> Result<()> {
    let entries = store::entries(site, "hopital")?;
    let mut seen = BTreeSet::new();
    let mut last = 0;
    for message in messages {
        let Some(seq) = message.seq() else { continue };
        if seen.insert(seq) {
            ensure!(seq > last, "{seq} came after {last}");
            last = seq;
        }
        let (_, leaf, entry) = entries
            .iter()
            .find(|(number, _, _)| *number == seq)
            .with_context(|| format!("{seq} is not the client's: {message:?}"))?;
        ensure!(
            message.text == *entry,
            "{seq} arrived as {:?}, and is {entry:?}",
            message.text
        );
        ensure!(message.field("leaf") == Some(leaf), "{message:?}");
        let mut hash = Sha256::new_with_prefix([0]);
        hash.update(message.text.as_bytes());
        let hash: String = hash
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        ensure!(
            hash == *leaf,
            "what arrived is not what was hashed: {message:?}"
        );
        ensure!(message.field("client") == Some("hopital"), "{message:?}");
    }
    Ok(())
}

/// R8: stopped, killed, started again: everything arrives, in order, and is what was hashed.
#[test]
fn everything_arrives_at_a_receiver_that_comes_and_goes() -> Result<()> {
    let authority = Authority::new("IP:127.0.0.1")?;
    let mut receiver = Rsyslog::new(&authority)?;
    receiver.start()?;
    let site = site(&receiver, &authority)?;
    site.approved("alice", "db01")?;
    site.ssh("alice+db01").run("echo one").answer()?.success()?;
    let messages = wait_for_all(&site, &receiver)?;
    check(&site, &messages)?;
    let message = messages
        .iter()
        .find(|message| message.head.contains(" session-start "))
        .context("the session is not there")?;
    ensure!(message.head.starts_with("<109>1 2"), "{message:?}");
    ensure!(message.field("person") == Some("alice"), "{message:?}");
    ensure!(
        message.json()?.get("kind").and_then(|kind| kind.as_str()) == Some("session-start"),
        "{message:?}"
    );

    for at_once in [false, true] {
        receiver.stop(at_once)?;
        site.ssh("alice+db01")
            .run("echo away")
            .answer()?
            .success()?;
        site.ssh("alice+nowhere")
            .run("true")
            .answer()?
            .refused(&["nowhere is not among your targets"])?;
        receiver.start()?;
        check(&site, &wait_for_all(&site, &receiver)?)?;
    }
    Ok(())
}

/// R8: what was not taken is sent after the gateway's own end too.
#[test]
fn everything_arrives_though_the_gateway_is_killed_or_stopped() -> Result<()> {
    let authority = Authority::new("IP:127.0.0.1")?;
    let mut receiver = Rsyslog::new(&authority)?;
    let mut site = site(&receiver, &authority)?;
    site.approved("alice", "db01")?;
    site.ssh("alice+db01").run("echo one").answer()?.success()?;
    site.kill()?;
    receiver.start()?;
    site.open()?;
    check(&site, &wait_for_all(&site, &receiver)?)?;

    // Stopped in order, everything has arrived: nothing comes twice afterwards.
    site.ssh("alice+db01").run("echo two").answer()?.success()?;
    site.close()?;
    let before = wait_for_all(&site, &receiver)?;
    site.open()?;
    site.ssh("alice+db01")
        .run("echo three")
        .answer()?
        .success()?;
    let after = wait_for_all(&site, &receiver)?;
    check(&site, &after)?;
    let again = after
        .iter()
        .skip(before.len())
        .find(|message| message.seq().is_some() && before.contains(message));
    ensure!(again.is_none(), "{again:?} came twice");
    Ok(())
}

/// A receiver that proves nothing is told nothing.
#[test]
fn a_receiver_with_a_wrong_certificate_gets_nothing() -> Result<()> {
    let authority = Authority::new("IP:127.0.0.1")?;
    for impostor in [
        Authority::new("IP:127.0.0.1")?,
        Authority::new("DNS:other.example")?,
    ] {
        let mut receiver = Rsyslog::new(&impostor)?;
        receiver.start()?;
        let mut site = site(&receiver, &authority)?;
        site.approved("alice", "db01")?;
        site.ssh("alice+db01")
            .run("echo secret")
            .answer()?
            .success()?;
        wait::until_true("the refusal in the log", PATIENCE, || {
            Ok(site
                .process()?
                .errors()
                .contains("it does not prove who it is"))
        })?;
        let arrived = receiver.messages()?;
        ensure!(arrived.is_empty(), "{arrived:?}");
    }
    // The right authority, the wrong name.
    let elsewhere = Authority::new("DNS:other.example")?;
    let mut receiver = Rsyslog::new(&elsewhere)?;
    receiver.start()?;
    let mut site = site(&receiver, &elsewhere)?;
    site.approved("alice", "db01")?;
    wait::until_true("the refusal in the log", PATIENCE, || {
        Ok(site
            .process()?
            .errors()
            .contains("it does not prove who it is"))
    })?;
    let arrived = receiver.messages()?;
    ensure!(arrived.is_empty(), "{arrived:?}");
    Ok(())
}

/// R9: another client's entries, and the gateway's own, do not go out; what concerns every client does.
#[test]
fn a_receiver_gets_its_own_clients_entries_only() -> Result<()> {
    let authority = Authority::new("IP:127.0.0.1")?;
    let mut receiver = Rsyslog::new(&authority)?;
    receiver.start()?;
    let site = site(&receiver, &authority)?;
    // A stranger knocks: that is the gateway's own business.
    site.ssh("mallory").run("true").answer()?.denied()?;
    site.approved("alice", "db01")?;
    let messages = wait_for_all(&site, &receiver)?;
    check(&site, &messages)?;
    let told = |what: &str| messages.iter().any(|message| message.head.contains(what));
    ensure!(
        !told(" log-on-refused ") && !messages.iter().any(|one| one.text.contains("mallory")),
        "the gateway's own entries went out"
    );
    ensure!(told(" serve-start "), "the client is not told of the start");
    Ok(())
}

/// A checkpoint with its proof, as it was laid down.
#[derive(Debug, PartialEq)]
struct Laid {
    old: u64,
    size: u64,
    text: String,
}

fn laid(text: String) -> Result<Laid> {
    let read = |text: &str| -> Option<(u64, u64)> {
        let (head, note) = text.split_once("\n\n")?;
        let old = head.lines().next()?.strip_prefix("old ")?.parse().ok()?;
        Some((old, note.lines().nth(1)?.parse().ok()?))
    };
    let (old, size) = read(&text).with_context(|| format!("no checkpoint: {text:?}"))?;
    Ok(Laid { old, size, text })
}

/// The numbered checkpoints in a directory, smallest first.
fn laid_in(directory: &Path) -> Result<Vec<Laid>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "checkpoint") {
            all.push(laid(fs::read_to_string(path)?)?);
        }
    }
    all.sort_by_key(|laid| laid.size);
    Ok(all)
}

fn join(checkpoints: &[Laid]) -> Result<()> {
    ensure!(
        checkpoints.first().map(|first| first.old) == Some(0),
        "{checkpoints:?}"
    );
    for pair in checkpoints.windows(2) {
        let [before, after] = pair else { continue };
        ensure!(
            after.old == before.size,
            "{before:?} and {after:?} are not joined"
        );
    }
    Ok(())
}

fn site_with_checkpoints(place: &str, more: &str) -> Result<Site> {
    let tail = format!("\n[copies]\ncheckpoints = [\"{place}\"]\n{more}");
    Site::start_with(|plan| {
        plan.documents.client_tail = tail;
        Ok(())
    })
}

/// The files of the site's store, to be put back later.
fn store_files(site: &Site) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut files = Vec::new();
    for name in ["ecluse.db", "ecluse.db-wal", "ecluse.db-shm"] {
        let path = site.layout().data().join(name);
        if path.exists() {
            files.push((path.clone(), fs::read(path)?));
        }
    }
    Ok(files)
}

/// R3, R8: each checkpoint lies in the directory, joined to the one before; a store that is put back contradicts it.
#[test]
fn checkpoints_in_a_directory_prove_a_rollback() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let mut site = site_with_checkpoints(&format!("dir:{}", directory.path().display()), "")?;
    wait::until_true("the first checkpoint", PATIENCE, || {
        Ok(!laid_in(directory.path())?.is_empty())
    })?;
    site.close()?;
    let before = store_files(&site)?;
    site.open()?;
    site.approved("alice", "db01")?;
    site.ssh("alice+db01")
        .run("rm evidence")
        .answer()?
        .status_is(1)?;
    site.close()?;
    let checkpoints = laid_in(directory.path())?;
    ensure!(checkpoints.len() >= 3, "{checkpoints:?}");
    join(&checkpoints)?;
    let latest = fs::read_to_string(directory.path().join("latest"))?;
    ensure!(
        checkpoints.last().map(|last| &last.text) == Some(&latest),
        "`latest` is not the last"
    );

    // The administrator puts back yesterday's store.
    for name in ["ecluse.db-wal", "ecluse.db-shm"] {
        let _ = fs::remove_file(site.layout().data().join(name));
    }
    for (path, bytes) in before {
        fs::write(path, bytes)?;
    }
    site.open()?;
    let records = wait::until("the contradiction on record", PATIENCE, || {
        let records = store::audit(&site, "checkpoint-failed")?;
        Ok((!records.is_empty()).then_some(records))
    })?;
    let reason = records
        .first()
        .and_then(|record| record.get("reason")?.as_str())
        .unwrap_or_default();
    ensure!(
        reason.contains("rolled back") || reason.contains("says something else"),
        "{records:?}"
    );
    ensure!(
        fs::read_to_string(directory.path().join("latest"))? == latest,
        "the evidence was written over"
    );
    let live = site.operator(&["live"])?.text();
    ensure!(live.contains("contradicts the checkpoints"), "{live}");
    Ok(())
}

/// A mount that is missing is not written underneath, and gets everything once it is there.
#[test]
fn a_directory_that_is_missing_is_waited_for() -> Result<()> {
    let parent = tempfile::tempdir()?;
    let directory = parent.path().join("mount");
    let mut site = site_with_checkpoints(&format!("dir:{}", directory.display()), "")?;
    wait::until_true("the problem in the log", PATIENCE, || {
        Ok(site
            .process()?
            .errors()
            .contains("the directory is not there"))
    })?;
    ensure!(!directory.exists(), "it was made");
    fs::create_dir(&directory)?;
    wait::until_true("a checkpoint", PATIENCE, || {
        Ok(!laid_in(&directory)?.is_empty())
    })?;
    join(&laid_in(&directory)?)
}

/// The web hook of `tests/peers/hook.py`.
struct Hook {
    port: u16,
    directory: tempfile::TempDir,
    process: Option<Process>,
}

impl Hook {
    fn new() -> Result<Self> {
        Ok(Self {
            port: free_port()?,
            directory: tempfile::tempdir()?,
            process: None,
        })
    }

    fn start(&mut self, authority: &Authority) -> Result<()> {
        fs::create_dir_all(self.directory.path().join("bodies"))?;
        let mut command = Command::new("python3");
        command
            .arg("-B")
            .arg(peers::repository().join("tests/peers/hook.py"))
            .arg(self.port.to_string())
            .arg(authority.file("cert.pem"))
            .arg(authority.file("key.pem"))
            .arg(self.directory.path().join("bodies"));
        let mut process = Process::start("hook", &mut command, self.directory.path(), Care::Test)?;
        process.wait_for_line("ready", Duration::from_secs(20))?;
        self.process = Some(process);
        Ok(())
    }

    fn stop(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            process.stop()?;
        }
        Ok(())
    }

    /// What it took, in order.
    fn taken(&self) -> Result<Vec<Laid>> {
        let mut bodies: Vec<PathBuf> = fs::read_dir(self.directory.path().join("bodies"))?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<_>>()?;
        bodies.sort();
        bodies
            .iter()
            .map(|path| laid(fs::read_to_string(path)?))
            .collect()
    }
}

/// R8: a web hook gets every checkpoint, after it was away and after it forgot what it had.
#[test]
fn a_web_hook_gets_checkpoints_with_the_proof_it_asks_for() -> Result<()> {
    let authority = Authority::new("IP:127.0.0.1")?;
    let mut hook = Hook::new()?;
    hook.start(&authority)?;
    // The client's own authority vouches for both of its receivers.
    let receiver = Rsyslog::new(&authority)?;
    let more = receiver.document(&authority)?.replace("\n[copies]\n", "");
    let mut site = site_with_checkpoints(&format!("https://127.0.0.1:{}/hook", hook.port), &more)?;
    wait::until_true("the first checkpoint", PATIENCE, || {
        Ok(!hook.taken()?.is_empty())
    })?;
    site.close()?;
    let before = hook.taken()?;
    ensure!(before.len() >= 2, "{before:?}");
    join(&before)?;
    // It forgets: what it is asked with leads from a checkpoint that it does not have.
    hook.stop()?;
    hook.start(&authority)?;
    site.open()?;
    let after = wait::until("a checkpoint afterwards", PATIENCE, || {
        let taken = hook.taken()?;
        Ok((taken.len() > before.len()).then_some(taken))
    })?;
    let again = after.get(before.len()).context("none")?;
    ensure!(again.old == 0, "{again:?}");
    Ok(())
}

/// A hook that leads elsewhere, or proves nothing, is told nothing.
#[test]
fn a_web_hook_that_leads_elsewhere_or_proves_nothing_gets_nothing() -> Result<()> {
    let (authority, other) = (
        Authority::new("IP:127.0.0.1")?,
        Authority::new("IP:127.0.0.1")?,
    );
    for (server, path, problem) in [
        (&authority, "moved", "it answers 302"),
        (&other, "hook", "certificate"),
    ] {
        let mut hook = Hook::new()?;
        hook.start(server)?;
        let receiver = Rsyslog::new(&authority)?;
        let more = receiver.document(&authority)?.replace("\n[copies]\n", "");
        let place = format!("https://127.0.0.1:{}/{path}", hook.port);
        let mut site = site_with_checkpoints(&place, &more)?;
        wait::until_true("the problem in the log", PATIENCE, || {
            let errors = site.process()?.errors();
            let told = errors.lines().find(|line| line.contains(&place));
            Ok(told.is_some_and(|line| line.contains(problem)))
        })?;
        ensure!(hook.taken()?.is_empty(), "{:?}", hook.taken()?);
    }
    Ok(())
}
