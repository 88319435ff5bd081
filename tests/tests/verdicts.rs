//! What verification says is true, whatever goes on meanwhile: nobody honest is accused, and a loss, a roll-back or a
//! forgery keeps its own word. R3, R10, O1.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Site, recording, store, wait};

use crate::bundles::{ends_with, export, said};

fn verify(site: &Site, arguments: &[&Path]) -> Result<Output> {
    Command::new(site.gateway().binary())
        .arg("verify")
        .args(arguments)
        .env_clear()
        .output()
        .context("ecluse verify cannot be run")
}

fn sessions(site: &Site, count: usize) -> Result<()> {
    let before = store::audit(site, "recording-sealed")?.len();
    for _ in 0..count {
        site.ssh("alice+db01")
            .run("echo done")
            .answer()?
            .success()?;
    }
    wait::until_true("the seals on record", Duration::from_secs(60), || {
        Ok(store::audit(site, "recording-sealed")?.len() == before + count)
    })
}

fn site_with(count: usize) -> Result<Site> {
    let site = Site::start()?;
    site.approved("alice", "db01")?;
    sessions(&site, count)?;
    Ok(site)
}

/// Takes evidence out, where not all of it is there to be taken: the bundle is made, and the exit code says so.
fn partly(site: &Site, arguments: &[&str], name: &str) -> Result<(PathBuf, Output)> {
    let bundle = site.layout().root().join(name);
    let output = bundle.display().to_string();
    let all = ["export"]
        .iter()
        .chain(arguments)
        .copied()
        .chain(["--output", &output]);
    let made = site.gateway().try_run(all, "")?;
    ensure!(
        matches!(made.status.code(), Some(0 | 3)) && bundle.exists(),
        "{}: {}",
        made.status,
        said(&made)
    );
    Ok((bundle, made))
}

fn unpacked(bundle: &Path) -> Result<tempfile::TempDir> {
    let into = tempfile::tempdir()?;
    let done = Command::new("tar")
        .arg("-xf")
        .arg(bundle)
        .arg("-C")
        .arg(into.path())
        .status()?;
    ensure!(done.success(), "tar does not unpack the bundle");
    Ok(into)
}

fn session_dirs(site: &Site) -> Result<Vec<PathBuf>> {
    let manifests = recording::files(&site.layout().recordings(), &|path| {
        path.ends_with("manifest.json")
    })?;
    let dirs = manifests.iter().filter_map(|file| file.parent());
    let mut dirs: Vec<PathBuf> = dirs.map(Path::to_owned).collect();
    // Ids sort by time.
    dirs.sort();
    Ok(dirs)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status()?;
    ensure!(copied.success(), "cp failed");
    Ok(())
}

/// R10: of an intervention with two sessions, one is taken out; the other was not asked for, and is no loss. What was asked
/// for and is gone, is one.
#[test]
fn a_bundle_of_a_part_is_intact_and_of_a_loss_is_not() -> Result<()> {
    let site = site_with(2)?;
    let one = export(&site, &["1"], "one.tar")?;
    ends_with(
        &verify(&site, &[&one])?,
        0,
        &["intact", "asked for: session #1", "(session #2)"],
    )?;
    for (name, arguments) in [
        ("all", &["--client", "hopital"][..]),
        ("hour", &["--client", "hopital", "--from", "1h"]),
        ("both", &["1", "2"]),
        ("intervention", &["--intervention", "1"]),
    ] {
        let bundle = export(&site, arguments, name)?;
        ends_with(&verify(&site, &[&bundle])?, 0, &["intact"])?;
    }
    // What people read of it: by number, and to the end of the intervention, with who ended it and why.
    site.operator(&["withdraw", "1", "--reason", "the work is done"])?
        .success()?;
    let bundle = export(
        &site,
        &["--intervention", "1", "--lang", "en"],
        "withdrawn.tar",
    )?;
    let index = fs::read_to_string(unpacked(&bundle)?.path().join("index.html"))?;
    for told in [
        "withdrawn",
        "the work is done",
        "Session #1 (",
        "Session #2 (",
        "#1 (",
    ] {
        ensure!(index.contains(told), "{told:?} is not in {index}");
    }

    let dirs = session_dirs(&site)?;
    let gone = dirs.get(1).context("no second recording")?;
    fs::remove_dir_all(gone)?;
    let name = gone.file_name().context("no name")?.to_string_lossy();
    for (file, arguments) in [
        ("lost-both", &["1", "2"][..]),
        ("lost-intervention", &["--intervention", "1"]),
        ("lost-client", &["--client", "hopital"]),
    ] {
        let (bundle, made) = partly(&site, arguments, file)?;
        ends_with(&made, 3, &["1 recording asked for and not in it"])?;
        ends_with(&verify(&site, &[&bundle])?, 5, &["missing", &name])?;
    }
    // And of the first alone nothing is lost.
    let one = export(&site, &["1"], "one-again.tar")?;
    ends_with(&verify(&site, &[&one])?, 0, &["intact"])
}

/// O1: what never became a session is evidence too, and a client takes everything out at any time.
#[test]
fn refused_requests_and_clients_without_a_session_are_taken_out() -> Result<()> {
    let site = Site::start()?;
    let number = site.request("alice", "db01")?.to_string();
    site.operator(&["refuse", &number, "--reason", "not today"])?
        .success()?;
    let bundle = export(
        &site,
        &["--intervention", &number, "--lang", "en"],
        "refused.tar",
    )?;
    ends_with(&verify(&site, &[&bundle])?, 0, &["intact"])?;
    let whole = export(&site, &["--client", "hopital"], "whole.tar")?;
    ends_with(
        &verify(&site, &[&whole])?,
        0,
        &["intact", "everything of hopital"],
    )?;
    for bundle in [bundle, whole] {
        let into = unpacked(&bundle)?;
        let entries = fs::read_to_string(into.path().join("entries.jsonl"))?;
        ensure!(
            entries.contains("\"refusal\"") && entries.contains("not today"),
            "{entries}"
        );
        ensure!(
            into.path()
                .join(format!("interventions/{number}.json"))
                .exists()
        );
    }
    let stranger = site.layout().root().join("nobody.tar");
    let output = stranger.display().to_string();
    let refused = site
        .gateway()
        .try_run(["export", "--client", "nobody", "--output", &output], "")?;
    ensure!(
        refused.status.code() == Some(1)
            && said(&refused).contains("nothing is known of a client nobody"),
        "{}",
        said(&refused)
    );
    Ok(())
}

/// A session that goes on is not in a bundle, which says so; its recording cannot be rewrapped, for the reason that
/// `convert` gives; and no cause is told twice.
#[test]
fn what_is_not_ready_to_be_taken_out_is_said() -> Result<()> {
    let site = Site::start()?;
    site.approved("alice", "db01")?;
    let mut running = site.ssh("alice+db01").run("echo here; cat").spawn()?;
    running.first_line()?;
    let (bundle, made) = partly(&site, &["1"], "open.tar")?;
    ends_with(
        &made,
        3,
        &[
            "0 recordings",
            "session #1: it was still open",
            "1 recording asked for and not in it",
        ],
    )?;
    ends_with(
        &verify(&site, &[&bundle])?,
        0,
        &["intact", "session #1: it was still open"],
    )?;
    let key = site.layout().recording_key().display().to_string();
    for command in ["rewrap", "convert"] {
        let told = site
            .gateway()
            .try_run(["recordings", command, "1", "--key", &key], "")?;
        ends_with(&told, 1, &["its recording is not sealed yet"])?;
    }
    let told = said(&verify(&site, &[Path::new("/nowhere/at/all")])?);
    ensure!(told.matches("No such file").count() == 1, "{told}");
    let dry = site
        .gateway()
        .run(["retention", "remove", "--dry-run"], "")?;
    ensure!(dry.contains("nothing is due"), "{dry:?}");
    drop(running);
    Ok(())
}

/// A recording that waits for its seal is said to be being sealed, by whoever is asked, and never to be running or
/// doubtful.
#[test]
fn a_session_that_waits_for_its_seal_is_being_sealed() -> Result<()> {
    let site = Site::start()?;
    site.approved("alice", "db01")?;
    let mut running = site.ssh("alice+db01").run("echo here; cat").spawn()?;
    running.first_line()?;
    // In the way of sealing, as a disk that refuses is; for root too.
    let live = recording::files(&site.layout().recordings(), &|path| {
        path.ends_with("live.journal")
    })?;
    let dir = live.first().and_then(|file| file.parent());
    let dir = dir.context("no live recording")?;
    fs::write(
        dir.join("converting.tmp"),
        "a file where a directory should be",
    )?;
    site.operator(&["cut", "all"])?.success()?;
    wait::until_true("the end on record", Duration::from_secs(120), || {
        Ok(store::audit(&site, "session-end")?.len() == 1)
    })?;
    let replayed = site.auditor(&["replay", "1"])?;
    ensure!(
        replayed.status == Some(1) && replayed.errors.contains("being sealed"),
        "{replayed:?}"
    );
    let kept = site.gateway().run(["retention"], "")?;
    ensure!(
        kept.contains("being sealed") && !kept.contains("doubtful"),
        "{kept}"
    );
    let told = site.gateway().try_run(["journal", "verify"], "")?;
    ends_with(&told, 0, &["is being sealed", "intact"])?;
    let (bundle, made) = partly(&site, &["1"], "waits.tar")?;
    ends_with(&made, 3, &["was being sealed"])?;
    ends_with(
        &verify(&site, &[&bundle])?,
        0,
        &["intact", "was being sealed"],
    )?;
    Ok(())
}

/// R10: a copy that was cut is not a bundle that somebody altered.
#[test]
fn a_bundle_cut_anywhere_is_missing_its_end() -> Result<()> {
    let site = site_with(1)?;
    let bundle = export(&site, &["1"], "whole.tar")?;
    let whole = fs::read(&bundle)?;
    let cut = site.layout().root().join("cut.tar");
    for part in 1..40 {
        fs::write(
            &cut,
            whole.get(..whole.len() * part / 40).context("a part")?,
        )?;
        let told = verify(&site, &[&cut])?;
        ends_with(&told, 5, &["missing", "it ends early"])?;
        ensure!(!said(&told).contains("altered"), "{}", said(&told));
    }
    Ok(())
}

/// R3: a checkpoint newer than the bundle accuses nobody; with the proof that joins them, they are shown to be one journal.
/// A store that was put back to an earlier day is said to be.
#[test]
fn a_checkpoint_newer_than_the_bundle_is_told_from_a_roll_back() -> Result<()> {
    let mut site = site_with(1)?;
    let bundle = export(&site, &["1"], "monday.tar")?;
    let report = verify(&site, &[Path::new("--json"), &bundle])?;
    let report: serde_json::Value = serde_json::from_slice(&report.stdout)?;
    let size = report["log"]["size"].as_u64().context("no size")?;
    site.close()?;
    let (data, saved) = (site.layout().data(), site.layout().root().join("saved"));
    copy(&data, &saved)?;
    site.open()?;
    sessions(&site, 3)?;
    site.close()?;

    let kept = site.layout().root().join("tuesday");
    fs::write(&kept, site.gateway().run(["journal", "checkpoint"], "")?)?;
    let since = [Path::new("--since"), kept.as_path(), bundle.as_path()];
    let told = verify(&site, &since)?;
    ends_with(
        &told,
        8,
        &[
            "older than the checkpoint",
            "newer than this bundle",
            "export again to compare",
        ],
    )?;
    ensure!(!said(&told).contains("rolled back"), "{}", said(&told));
    let joined = site.layout().root().join("joined");
    let from = size.to_string();
    fs::write(
        &joined,
        site.gateway()
            .run(["journal", "proof", "--from", &from], "")?,
    )?;
    let since = [Path::new("--since"), joined.as_path(), bundle.as_path()];
    ends_with(
        &verify(&site, &since)?,
        0,
        &["intact", "is the beginning of the checkpoint of"],
    )?;

    fs::remove_dir_all(&data)?;
    copy(&saved, &data)?;
    let rolled = export(&site, &["1"], "rolled.tar")?;
    let since = [Path::new("--since"), kept.as_path(), rolled.as_path()];
    ends_with(&verify(&site, &since)?, 5, &["missing", "rolled back"])
}

/// R3: the journal is verified, and evidence taken out, beside a gateway whose sessions begin, end and are sealed all the
/// while; nobody is accused, and a forgery among it all is named.
#[test]
fn nobody_is_accused_beside_a_gateway_that_writes() -> Result<()> {
    let site = site_with(1)?;
    let done = AtomicBool::new(false);
    let (verified, exported) = std::thread::scope(|scope| -> Result<(usize, usize)> {
        let writers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    for _ in 0..12 {
                        site.ssh("alice+db01")
                            .run("echo done")
                            .answer()?
                            .success()?;
                    }
                    Ok(())
                })
            })
            .collect();
        let exporter = scope.spawn(|| -> Result<usize> {
            let mut exported = 0;
            while !done.load(Ordering::Relaxed) {
                let name = format!("beside-{exported}.tar");
                let (bundle, _) = partly(&site, &["--client", "hopital"], &name)?;
                ends_with(&verify(&site, &[&bundle])?, 0, &["intact"])?;
                fs::remove_file(bundle)?;
                exported += 1;
            }
            Ok(exported)
        });
        let verifier = scope.spawn(|| -> Result<usize> {
            let mut verified = 0;
            while !done.load(Ordering::Relaxed) {
                let told = site
                    .gateway()
                    .try_run(["journal", "verify", "--contents"], "")?;
                ends_with(&told, 0, &["intact"])?;
                verified += 1;
            }
            Ok(verified)
        });
        let written: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        done.store(true, Ordering::Relaxed);
        let exported = exporter.join();
        let verified = verifier.join();
        let lost = |_| anyhow::anyhow!("a thread was lost");
        for writer in written {
            writer.map_err(lost)??;
        }
        Ok((verified.map_err(lost)??, exported.map_err(lost)??))
    })?;
    ensure!(
        verified >= 3 && exported >= 3,
        "{verified} verifications and {exported} exports"
    );

    // In the same setting: a recording that somebody put in, and an entry that somebody changed.
    let dirs = session_dirs(&site)?;
    let first = dirs.first().context("no recording")?;
    let forged = first.with_file_name("01960000-0000-7000-8000-000000000000");
    copy(first, &forged)?;
    let verified = || {
        std::thread::scope(|scope| -> Result<Output> {
            let writer = scope.spawn(|| -> Result<()> {
                for _ in 0..3 {
                    site.ssh("alice+db01")
                        .run("echo done")
                        .answer()?
                        .success()?;
                }
                Ok(())
            });
            let told = site.gateway().try_run(["journal", "verify"], "");
            writer
                .join()
                .map_err(|_| anyhow::anyhow!("a thread was lost"))??;
            told
        })
    };
    ends_with(
        &verified()?,
        7,
        &["the journal knows nothing of this session"],
    )?;
    fs::remove_dir_all(&forged)?;
    const CHANGE: &str = "import sqlite3, sys\n\
        store = sqlite3.connect(sys.argv[1], timeout=30)\n\
        store.execute('drop trigger journal_keeps_its_words')\n\
        store.execute(\"update journal set entry = replace(entry, 'alice', 'bruno') where seq = (select max(seq) from audit where kind = 'session-start')\")\n\
        store.commit()";
    let changed = Command::new("python3")
        .args(["-c", CHANGE])
        .arg(site.layout().data().join("ecluse.db"))
        .output()?;
    ensure!(changed.status.success(), "{}", said(&changed));
    ends_with(
        &verified()?,
        4,
        &["was altered: its words have another hash"],
    )
}
