//! Evidence that is carried away: exported, checked far from the gateway, with stock programs and with `ecluse verify`.
//! R3, R9, R10, C4, O1, invariant 8.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Site, recording, store, wait};

/// What the target says in a recorded session. It stands whole in no command line: those are on record for others to read.
pub(crate) const SECRET: &str = "a-word-that-only-the-client-reads";
pub(crate) const SAYS_IT: &str = "echo a-word-that-only-$(echo the-client)-reads";

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

pub(crate) fn ends_with(output: &Output, code: i32, words: &[&str]) -> Result<()> {
    let text = said(output);
    ensure!(
        output.status.code() == Some(code),
        "it ended with {} and not {code}:\n{text}",
        output.status
    );
    for word in words {
        ensure!(text.contains(word), "{word:?} is not said in:\n{text}");
    }
    Ok(())
}

/// A site with one sealed session, in which a word was said.
pub(crate) fn recorded(change: impl FnOnce(&mut ecluse_tests::Plan) -> Result<()>) -> Result<Site> {
    let site = Site::start_with(change)?;
    site.approved("alice", "db01")?;
    site.ssh("alice+db01").run(SAYS_IT).answer()?.success()?;
    wait_for_seal(&site)?;
    Ok(site)
}

/// Waits until the only recording is sealed: that is what is on record, the files have their names a moment before.
pub(crate) fn wait_for_seal(site: &Site) -> Result<()> {
    wait::until_true("the seal on record", Duration::from_secs(120), || {
        Ok(store::audit(site, "recording-sealed")?.len() == 1)
    })
}

pub(crate) fn export(site: &Site, arguments: &[&str], name: &str) -> Result<PathBuf> {
    let bundle = site.layout().root().join(name);
    let output = bundle.display().to_string();
    let all: Vec<&str> = ["export"]
        .iter()
        .chain(arguments)
        .copied()
        .chain(["--output", &output])
        .collect();
    site.gateway().run(all, "")?;
    Ok(bundle)
}

/// Verifies with nothing of the site but the program: another directory, no settings, an empty environment.
fn verify(site: &Site, elsewhere: &Path, arguments: &[&Path]) -> Result<Output> {
    Command::new(site.gateway().binary())
        .arg("verify")
        .args(arguments)
        .current_dir(elsewhere)
        .env_clear()
        .output()
        .context("ecluse verify cannot be run")
}

/// The same by somebody who has a key to the recordings.
pub(crate) fn verify_with(
    key: &Path,
    site: &Site,
    elsewhere: &Path,
    bundle: &Path,
) -> Result<Output> {
    verify(site, elsewhere, &[Path::new("--key"), key, bundle])
}

fn unpacked(bundle: &Path, into: &Path) -> Result<()> {
    let done = Command::new("tar")
        .arg("-xf")
        .arg(bundle)
        .arg("-C")
        .arg(into)
        .status()?;
    ensure!(done.success(), "tar does not unpack the bundle");
    Ok(())
}

fn shell(directory: &Path, command: &str) -> Result<Output> {
    Command::new("bash")
        .args(["-euo", "pipefail", "-c", command])
        .current_dir(directory)
        .output()
        .context("bash cannot be run")
}

/// R10, invariant 8: the bundle verifies where there is no gateway, with its key and without.
#[test]
fn a_bundle_verifies_without_the_gateway() -> Result<()> {
    let mut site = recorded(|_| Ok(()))?;
    let bundle = export(&site, &["1"], "evidence.tar")?;
    ensure!(
        fs::metadata(&bundle)?.permissions().mode() & 0o777 == 0o600,
        "others may read the bundle"
    );
    site.close()?;
    fs::remove_dir_all(site.layout().data())?;
    let elsewhere = tempfile::tempdir()?;
    ends_with(
        &verify(&site, elsewhere.path(), &[&bundle])?,
        0,
        &["intact"],
    )?;
    let key = site.layout().recording_key();
    let with_key = verify_with(&key, &site, elsewhere.path(), &bundle)?;
    ends_with(&with_key, 0, &["intact"])?;

    // Any byte of the archive changed is told.
    let mut bytes = fs::read(&bundle)?;
    let middle = bytes.len() / 3;
    *bytes.get_mut(middle).context("an empty bundle")? ^= 1;
    let altered = elsewhere.path().join("altered.tar");
    fs::write(&altered, bytes)?;
    let told = verify(&site, elsewhere.path(), &[&altered])?;
    ends_with(&told, 4, &["altered"])
}

/// Invariant 8: `sha256sum`, `ssh-keygen`, `age`, `zstd`, `asciinema`, and nothing of ours.
#[test]
fn a_bundle_is_read_with_stock_programs() -> Result<()> {
    let site = recorded(|_| Ok(()))?;
    let bundle = export(
        &site,
        &["--intervention", "1", "--lang", "en"],
        "evidence.tar",
    )?;
    let elsewhere = tempfile::tempdir()?;
    unpacked(&bundle, elsewhere.path())?;
    let key = site.layout().recording_key();
    let script = format!(
        "sha256sum --quiet -c SHA256SUMS
         ssh-keygen -Y verify -f allowed_signers -I gateway -n ecluse-bundle@v1 -s SHA256SUMS.sig <SHA256SUMS >/dev/null
         cd recordings/*
         ssh-keygen -Y verify -f ../../allowed_signers -I gateway -n ecluse-recording@v1 -s manifest.json.sig <manifest.json >/dev/null
         age -d -i '{}' recording.key.age >recording.key
         for sealed in *.cast.zst.age; do age -d -i recording.key \"$sealed\" | zstd -dq >\"${{sealed%.zst.age}}\"; done
         script -qec 'asciinema cat *.cast' /dev/null",
        key.display()
    );
    let read = shell(elsewhere.path(), &script)?;
    ends_with(&read, 0, &[SECRET])?;
    // The pages are for people: who, why, and how to check.
    let guide = fs::read_to_string(elsewhere.path().join("VERIFY.md"))?;
    ensure!(guide.contains("ssh-keygen -Y verify"), "{guide}");
    let index = fs::read_to_string(elsewhere.path().join("index.html"))?;
    ensure!(
        index.contains("alice") && index.contains("odile") && !index.contains("<script"),
        "{index}"
    );
    Ok(())
}

/// What stands in a row of the page for people, one for each table that has it.
fn rows<'p>(page: &'p str, name: &str) -> Vec<&'p str> {
    page.split(&format!("<tr><th>{name}</th><td>"))
        .skip(1)
        .filter_map(|rest| rest.split("</td>").next())
        .collect()
}

/// R10, N2: the page says "approved" of what was, and from the first use on; who countersigned the journal stands there, and
/// what they signed is in the bundle.
#[test]
fn the_page_of_a_bundle_tells_what_was_granted_and_who_countersigned() -> Result<()> {
    let mut site = recorded(|_| Ok(()))?;
    let refused = site.request("alice", "web01")?.to_string();
    site.operator(&["refuse", &refused, "--reason", "not today"])?
        .success()?;
    let root = site.layout().root().to_owned();
    let file = |name: &str| root.join(name).display().to_string();
    let keys = site.gateway().run(["journal", "keys"], "")?;
    let of_the_log: Vec<&str> = keys
        .lines()
        .filter(|line| line.starts_with("ecluse-"))
        .collect();
    fs::write(root.join("log-keys"), of_the_log.join("\n"))?;
    fs::write(
        root.join("checkpoint"),
        site.gateway().run(["journal", "checkpoint"], "")?,
    )?;
    ecluse_tests::keys::pair(site.layout(), "witness")?;
    let witness = site.layout().key("witness").display().to_string();
    let (state, log_keys, checkpoint) = (file("state"), file("log-keys"), file("checkpoint"));
    let cosign = [
        "journal",
        "cosign",
        "--key",
        &witness,
        "--name",
        "hopital.example/witness",
        "--state",
        &state,
        "--log-key",
        &log_keys,
        &checkpoint,
    ];
    fs::write(root.join("cosigned"), site.gateway().run(cosign, "")?)?;
    let cosigned = file("cosigned");
    site.gateway()
        .run(["journal", "add-cosignature", &cosigned], "")?;
    let bundle = export(
        &site,
        &["--client", "hopital", "--lang", "en"],
        "evidence.tar",
    )?;
    site.close()?;
    let elsewhere = tempfile::tempdir()?;
    unpacked(&bundle, elsewhere.path())?;
    let page = fs::read_to_string(elsewhere.path().join("index.html"))?;
    let (approved, granted) = (rows(&page, "Approved from"), rows(&page, "Granted"));
    ensure!(
        approved.len() == 1 && granted.len() == 1 && page.contains("not today"),
        "{approved:?} {granted:?}: {page}"
    );
    let began = rows(&page, "Began");
    let (from, until) = approved[0].split_once(" to ").context("no end")?;
    ensure!(
        from <= began[0] && began[0] < until,
        "{approved:?} {began:?}"
    );
    let by = rows(&page, "Countersigned by (so many entries)");
    ensure!(by[0].starts_with("hopital.example/witness ("), "{by:?}");
    let checkpoints = fs::read_dir(elsewhere.path().join("checkpoints"))?.count();
    ensure!(checkpoints == 1, "{checkpoints} checkpoints");
    ends_with(
        &verify(&site, elsewhere.path(), &[&bundle])?,
        0,
        &["intact"],
    )
}

/// C4, R9: from a client that keeps its recordings to itself, nothing readable rests on the machine or leaves it.
#[test]
fn what_only_the_client_reads_rests_nowhere_in_clear() -> Result<()> {
    let mut site = recorded(|plan| {
        plan.documents
            .recording_recipients
            .retain(|recipient| recipient != "gateway");
        Ok(())
    })?;
    let refused = site.auditor(&["replay", "1", "--text"])?;
    ensure!(
        refused.status == Some(1)
            && !refused.text().contains(SECRET)
            && refused
                .errors
                .contains("Only the client's key opens the recording of session 1"),
        "the gateway replays what only the client reads: {refused:?}"
    );
    let bundle = export(&site, &["1"], "evidence.tar")?;
    site.close()?;
    let all = recording::files(site.layout().root(), &|_| true)?;
    for needed in ["ecluse.db", ".cast.zst.age", "evidence.tar", "gateway.err"] {
        let is_there = |file: &PathBuf| file.to_string_lossy().ends_with(needed);
        ensure!(
            all.iter().any(is_there),
            "no {needed} was looked into: {all:?}"
        );
    }
    for file in all {
        let bytes = fs::read(&file)?;
        ensure!(
            !bytes
                .windows(SECRET.len())
                .any(|window| window == SECRET.as_bytes()),
            "what was on the screen stands in clear in {}",
            file.display()
        );
    }
    let elsewhere = tempfile::tempdir()?;
    let key = site.layout().recording_key();
    ends_with(
        &verify_with(&key, &site, elsewhere.path(), &bundle)?,
        0,
        &["intact"],
    )?;
    unpacked(&bundle, elsewhere.path())?;
    let recordings = recording::files(&elsewhere.path().join("recordings"), &|path| {
        path.ends_with("manifest.json")
    })?;
    let dir = recordings
        .first()
        .and_then(|manifest| manifest.parent())
        .context("no recording in the bundle")?;
    let clear = elsewhere.path().join("clear");
    let read = Command::new(site.gateway().binary())
        .args(["recordings", "read"])
        .arg(dir)
        .arg("--into")
        .arg(&clear)
        .arg("--key")
        .arg(&key)
        .output()?;
    ends_with(&read, 0, &[".cast"])?;
    let casts = recording::files(&clear, &|path| path.to_string_lossy().ends_with(".cast"))?;
    let cast = fs::read_to_string(casts.first().context("no cast")?)?;
    ensure!(cast.contains(SECRET), "{cast}");
    Ok(())
}

/// C4: other readers from now on, on record, and neither artefacts nor signatures change.
#[test]
fn rewrapping_changes_the_readers_and_nothing_else() -> Result<()> {
    let site = recorded(|_| Ok(()))?;
    let other = site.layout().root().join("other.age");
    let public = ecluse_tests::keys::reader(&other)?;
    let key = site.layout().recording_key().display().to_string();
    let mut line = vec!["recordings", "rewrap", "1", "--key", &key, "--for", &public];
    // The client's document lists the reader that would go: without a yes nothing changes.
    let asked = site.gateway().try_run(&line, "")?;
    let text = said(&asked);
    ensure!(
        !asked.status.success()
            && text.contains("nothing was changed")
            && text.contains("#1: + age1")
            && text.contains("#1: - age1"),
        "{text}"
    );
    line.push("--yes");
    site.gateway().run(&line, "")?;
    // The same again changes nothing, and is on no record.
    let again = site.gateway().run(&line, "")?;
    ensure!(again.contains("#1: nothing changes"), "{again}");
    let records = store::audit(&site, "recording-rewrapped")?;
    let detail = &records.first().context("no record")?["detail"];
    ensure!(
        records.len() == 1 && detail["gained"][0] == public,
        "{detail}"
    );
    let bundle = export(&site, &["1"], "evidence.tar")?;
    let elsewhere = tempfile::tempdir()?;
    let by_other = verify_with(&other, &site, elsewhere.path(), &bundle)?;
    ends_with(&by_other, 0, &["intact"])?;
    let old = site.layout().recording_key();
    let by_old = verify_with(&old, &site, elsewhere.path(), &bundle)?;
    let told = said(&by_old);
    ensure!(
        told.contains("none of the given keys reads this recording") && told.contains("not read"),
        "the old key still reads: {told}"
    );
    Ok(())
}

/// R10: a session that a crash cut short says so, and is whole as far as it goes.
#[test]
fn a_session_cut_short_by_a_crash_says_so() -> Result<()> {
    let mut site = Site::start()?;
    site.approved("alice", "db01")?;
    site.crash_in_session(SECRET)?;
    recording::wait_for_casts(&site.layout().recordings(), 1)?;
    let bundle = export(&site, &["1"], "evidence.tar")?;
    let elsewhere = tempfile::tempdir()?;
    let key = site.layout().recording_key();
    ends_with(
        &verify_with(&key, &site, elsewhere.path(), &bundle)?,
        3,
        &["cut short"],
    )
}
