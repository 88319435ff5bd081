//! Who owns the machine cannot rewrite what happened without its being seen, and evidence is carried away to where the
//! machine has no say. R3, R9, R10, O4.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Site, recording};
use serde_json::Value;

/// A site where alice did something, stopped in order; and the checkpoint that somebody kept.
fn stopped_site() -> Result<(Site, PathBuf)> {
    let mut site = Site::start()?;
    site.approved("alice", "db01")?;
    site.ssh("alice+db01")
        .run("echo done")
        .answer()?
        .success()?;
    recording::wait_for_casts(&site.layout().recordings(), 1)?;
    site.close()?;
    let kept = site.layout().root().join("yesterday");
    fs::write(&kept, site.gateway().run(["journal", "checkpoint"], "")?)?;
    Ok((site, kept))
}

fn verify(site: &Site, more: &[&str]) -> Result<Output> {
    let arguments = ["journal", "verify"].iter().chain(more);
    site.gateway().try_run(arguments, "")
}

/// Verifies; the exit code has to be `code`, and the answer to say `said`.
fn expect(site: &Site, kept: &Path, code: i32, said: &str, attack: &str) -> Result<()> {
    let kept = kept.to_str().context("a path")?;
    let output = verify(site, &["--since", kept, "--contents"])?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.code() == Some(code) && text.contains(said),
        "{attack}: {} instead of {code}, and not {said:?} in:\n{text}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// Copies a directory with the stock tool.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let _ = fs::remove_dir_all(to);
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status()?;
    ensure!(copied.success(), "cp failed");
    Ok(())
}

fn rewrite(site: &Site, attack: &str) -> Result<()> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/rewrite_journal.py");
    let done = Command::new("python3")
        .arg(script)
        .arg(site.layout().data().join("ecluse.db"))
        .arg(attack)
        .output()?;
    ensure!(
        done.status.success(),
        "{attack}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    Ok(())
}

/// Each attack of an administrator who owns store and files, against a checkpoint kept elsewhere.
#[test]
fn an_administrators_rewriting_is_caught_each_time_with_yesterdays_checkpoint() -> Result<()> {
    let (site, kept) = stopped_site()?;
    expect(&site, &kept, 0, "intact", "nothing")?;
    let data = site.layout().data();
    let saved = site.layout().root().join("saved");
    copy(&data, &saved)?;

    for (attack, code, said) in [
        ("alter-words", 4, "was altered: its words have another hash"),
        (
            "alter-record",
            4,
            "its entry in the journal says something else",
        ),
        ("remove-entry", 5, "is missing: it was taken away"),
        ("empty-words", 4, "tells of a destruction of other entries"),
        (
            "rewrite-all",
            4,
            "it was rewritten, or this is a fork of it",
        ),
    ] {
        rewrite(&site, attack)?;
        expect(&site, &kept, code, said, attack)?;
        copy(&saved, &data)?;
    }

    let cast = recording::casts(&site.layout().recordings())?;
    let cast = cast.first().context("no cast")?;
    let session = cast.parent().context("no directory")?;
    let flip = |name: &Path| -> Result<()> {
        let mut bytes = fs::read(name)?;
        let last = bytes.last_mut().context("an empty file")?;
        *last ^= 1;
        Ok(fs::write(name, bytes)?)
    };
    type Attack<'a> = (&'a str, i32, &'a str, &'a dyn Fn() -> Result<()>);
    let attacks: [Attack<'_>; 5] = [
        ("a recording removed", 5, "is not there", &|| {
            Ok(fs::remove_dir_all(session)?)
        }),
        ("a byte of a file", 4, "cast.zst.age", &|| flip(cast)),
        (
            "a byte of a manifest",
            4,
            "its manifest is not the one sealed",
            &|| flip(&session.join("manifest.json")),
        ),
        ("a seal removed", 5, "does not open", &|| {
            Ok(fs::remove_file(session.join("manifest.json.sig"))?)
        }),
        (
            "a recording put in",
            7,
            "the journal knows nothing of this session",
            &|| {
                let other = session.with_file_name("01960000-0000-7000-8000-000000000000");
                copy(session, &other)
            },
        ),
    ];
    for (attack, code, said, change) in attacks {
        change()?;
        expect(&site, &kept, code, said, attack)?;
        copy(&saved, &data)?;
    }
    expect(&site, &kept, 0, "intact", "everything put back")
}

/// A gateway whose signing key does not sign opens no door.
#[test]
fn a_gateway_that_cannot_sign_opens_no_door() -> Result<()> {
    let site = Site::prepare(|plan| {
        let socket = "\n[journal]\nsigning-key = \"agent:/nowhere/agent.sock\"\n";
        plan.documents.settings.tail.push_str(socket);
        Ok(())
    })?;
    let output = site.gateway().try_run(["serve"], "")?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        output.status.code() == Some(1) && said.contains("the ssh-agent at /nowhere/agent.sock"),
        "{}: {said}",
        output.status
    );
    ensure!(output.stdout.is_empty(), "it said that it was ready");
    Ok(())
}

const MAIRIE: &str = "[client]\nid = \"mairie\"\nname = \"Mairie de Fontenay\"\nlang = \"fr\"\n";

/// R9, O4: of other clients only hashes leave; what leaves verifies without the gateway, against a kept checkpoint.
#[test]
fn an_export_is_of_one_client_and_verifies_where_there_is_no_gateway() -> Result<()> {
    let (site, kept) = stopped_site()?;
    fs::write(site.layout().config().join("clients/mairie.toml"), MAIRIE)?;
    let config = site.layout().config();
    site.gateway().run([Path::new("apply"), &config], "")?;
    let kept_name = kept.to_str().context("a path")?;
    let elsewhere = tempfile::tempdir()?;
    let bundle = elsewhere.path().join("evidence.tar");
    let bundle_name = bundle.to_str().context("a path")?;
    let made = ["export", "1", "--since", kept_name, "--output", bundle_name];
    site.gateway().run(made, "")?;
    let log_keys = elsewhere.path().join("log-keys");
    let printed = site.gateway().run(["journal", "keys"], "")?;
    let log_lines: Vec<&str> = printed
        .lines()
        .filter(|line| line.starts_with("ecluse-"))
        .collect();
    fs::write(&log_keys, log_lines.join("\n"))?;

    // Elsewhere: no settings, no store.
    let verified = Command::new(site.gateway().binary())
        .args(["verify", "--since", kept_name, "--log-key"])
        .arg(&log_keys)
        .arg(&bundle)
        .current_dir(elsewhere.path())
        .output()?;
    ensure!(
        verified.status.success(),
        "{}\n{}{}",
        verified.status,
        String::from_utf8_lossy(&verified.stdout),
        String::from_utf8_lossy(&verified.stderr)
    );
    let unpacked = elsewhere.path().join("unpacked");
    fs::create_dir(&unpacked)?;
    let tar = Command::new("tar")
        .arg("-xf")
        .arg(&bundle)
        .arg("-C")
        .arg(&unpacked)
        .status()?;
    ensure!(tar.success(), "stock tar does not read it");
    let sums = Command::new("sha256sum")
        .args(["-c", "--quiet", "SHA256SUMS"])
        .current_dir(&unpacked)
        .output()?;
    ensure!(
        sums.status.success(),
        "{}",
        String::from_utf8_lossy(&sums.stdout)
    );

    let entries = fs::read_to_string(unpacked.join("entries.jsonl"))?;
    let mut kinds = Vec::new();
    for line in entries.lines() {
        let entry: Value = serde_json::from_str(line)?;
        ensure!(entry["client"] == "hopital", "another's entry left: {line}");
        kinds.push(entry["kind"].as_str().unwrap_or_default().to_owned());
    }
    for kind in [
        "request",
        "approval",
        "session-start",
        "session-end",
        "recording-sealed",
        "export",
    ] {
        ensure!(
            kinds.iter().any(|found| found == kind),
            "no {kind} among {kinds:?}"
        );
    }
    for file in recording::files(&unpacked, &|_| true)? {
        let bytes = fs::read(&file)?;
        let found = ["mairie", "Mairie de Fontenay"].iter().any(|name| {
            bytes
                .windows(name.len())
                .any(|window| window == name.as_bytes())
        });
        ensure!(!found, "{} speaks of another client", file.display());
    }
    Ok(())
}
