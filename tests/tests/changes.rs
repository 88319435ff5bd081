//! What may change of a sealed recording, who reads it and its form, is on record, survives an interruption, and is nobody
//! else's to choose. R3, R10, C4.

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Site, keys, recording, store};

use crate::bundles::{SECRET, ends_with, export, recorded, said, verify_with, wait_for_seal};

/// The directory of the only recording.
fn directory(site: &Site) -> Result<PathBuf> {
    let manifests = recording::files(&site.layout().recordings(), &|path| {
        path.ends_with("manifest.json")
    })?;
    let dir = manifests.first().and_then(|manifest| manifest.parent());
    Ok(dir.context("no sealed recording")?.to_owned())
}

fn journal_verify(site: &Site) -> Result<Output> {
    site.gateway()
        .try_run(["journal", "verify", "--contents"], "")
}

/// A recording with new readers; its key file before and after.
fn rewrapped(site: &Site) -> Result<(PathBuf, Vec<u8>, Vec<u8>)> {
    let dir = directory(site)?;
    let before = fs::read(dir.join("recording.key.age"))?;
    let reader = site.layout().root().join("other.age");
    let public = keys::reader(&reader)?;
    let key = site.layout().recording_key().display().to_string();
    let line = [
        "recordings",
        "rewrap",
        "1",
        "--yes",
        "--key",
        &key,
        "--for",
        &public,
    ];
    site.gateway().run(line, "")?;
    ensure!(!dir.join("recording.key.age.next").exists());
    let after = fs::read(dir.join("recording.key.age"))?;
    ensure!(before != after, "the key file did not change");
    Ok((dir, before, after))
}

/// Killed between the record and the new key file: whoever comes next finishes it, and nothing reads as altered.
#[test]
fn an_interrupted_rewrapping_is_finished_by_whoever_comes_next() -> Result<()> {
    let mut site = recorded(|_| Ok(()))?;
    let (dir, before, after) = rewrapped(&site)?;
    ends_with(&journal_verify(&site)?, 0, &["intact"])?;
    let (key, next) = (
        dir.join("recording.key.age"),
        dir.join("recording.key.age.next"),
    );
    let interrupt = || -> Result<()> {
        fs::write(&key, &before)?;
        Ok(fs::write(&next, &after)?)
    };
    let is_finished = || -> Result<()> {
        ensure!(
            !next.exists() && fs::read(&key)? == after,
            "it is not finished"
        );
        Ok(())
    };

    interrupt()?;
    let bundle = export(&site, &["1"], "evidence.tar")?;
    is_finished()?;
    let elsewhere = tempfile::tempdir()?;
    let other = site.layout().root().join("other.age");
    ends_with(
        &verify_with(&other, &site, elsewhere.path(), &bundle)?,
        0,
        &["intact"],
    )?;

    interrupt()?;
    ends_with(&journal_verify(&site)?, 0, &["is finished", "intact"])?;
    is_finished()?;

    site.close()?;
    interrupt()?;
    site.open()?;
    is_finished()
}

/// Who can write into a recording's directory chooses no readers: neither beside the key file nor in its place.
#[test]
fn a_key_file_that_is_not_the_latest_on_record_never_takes_the_place() -> Result<()> {
    let site = recorded(|_| Ok(()))?;
    let (dir, before, after) = rewrapped(&site)?;
    let (key, next) = (
        dir.join("recording.key.age"),
        dir.join("recording.key.age.next"),
    );
    for planted in [before.as_slice(), b"age-encryption.org/v1\n"] {
        fs::write(&next, planted)?;
        let told = journal_verify(&site)?;
        ends_with(&told, 0, &["that the log does not know", "was removed"])?;
        ensure!(!next.exists() && fs::read(&key)? == after);
    }
    // The one that let in those who were shut out, put back in its place.
    fs::write(&key, &before)?;
    ends_with(
        &journal_verify(&site)?,
        4,
        &["recording.key.age: it was exchanged"],
    )?;
    fs::remove_file(&key)?;
    ends_with(&journal_verify(&site)?, 5, &["recording.key.age"])?;
    fs::write(&key, &after)?;
    ends_with(&journal_verify(&site)?, 0, &["intact"])
}

/// A gateway killed in a session that only the client reads, and started again: it has no key, and seals the journal as it is.
fn crashed() -> Result<Site> {
    let mut site = Site::start_with(|plan| {
        plan.documents
            .recording_recipients
            .retain(|recipient| recipient != "gateway");
        Ok(())
    })?;
    site.approved("alice", "db01")?;
    site.crash_in_session(SECRET)?;
    wait_for_seal(&site)?;
    Ok(site)
}

fn convert(site: &Site, arguments: &[&str]) -> Result<Output> {
    let line = ["recordings", "convert"].iter().chain(arguments);
    site.gateway().try_run(line, "")
}

/// What auditors get at the gateway of a recording that only the client reads: that it is there.
fn auditors_read_nothing(site: &Site) -> Result<()> {
    let replayed = site.auditor(&["replay", "1", "--text"])?;
    ensure!(
        replayed.status == Some(1)
            && !replayed.text().contains(SECRET)
            && replayed
                .errors
                .contains("Only the client's key opens the recording of session 1"),
        "the gateway replays what only the client reads: {replayed:?}"
    );
    let searched = site.auditor(&["search", "a-word"])?.text();
    ensure!(
        searched.contains("Nothing found") && searched.contains("was not searched"),
        "{searched}"
    );
    Ok(())
}

/// R10, C4: a holder of the key has files made of it, in place and on record; who reads it stays as it was.
#[test]
fn a_journal_form_becomes_files_that_stock_programs_read() -> Result<()> {
    let site = crashed()?;
    let dir = directory(&site)?;
    ensure!(dir.join("sealed.journal").exists(), "it is no journal form");
    auditors_read_nothing(&site)?;
    ends_with(&convert(&site, &["99"])?, 1, &["there is no session #99"])?;
    ends_with(
        &convert(&site, &["1"])?,
        1,
        &["session #1", "cannot be read"],
    )?;
    let stranger = site.layout().root().join("stranger.age");
    keys::reader(&stranger)?;
    let stranger = stranger.display().to_string();
    ends_with(
        &convert(&site, &["1", "--key", &stranger])?,
        1,
        &["cannot be read"],
    )?;
    ensure!(store::audit(&site, "recording-sealed")?.len() == 1);

    let key = site.layout().recording_key();
    let shown = key.display().to_string();
    let done = convert(&site, &["1", "--key", &shown])?;
    ends_with(&done, 0, &["#1: its recording is files from now on"])?;
    ensure!(!dir.join("sealed.journal").exists() && !dir.join("converting.tmp").exists());
    let again = convert(&site, &["1", "--key", &shown])?;
    ends_with(&again, 1, &["files already"])?;
    // `age -d | zstd -d`, with the client's key.
    let casts = recording::casts(&site.layout().recordings())?;
    let output = recording::output(casts.first().context("no cast")?)?;
    ensure!(output.contains(SECRET), "{output}");

    ends_with(&journal_verify(&site)?, 0, &["intact"])?;
    let bundle = export(&site, &["1"], "evidence.tar")?;
    let elsewhere = tempfile::tempdir()?;
    let verified = verify_with(&key, &site, elsewhere.path(), &bundle)?;
    ends_with(&verified, 3, &["cut short", "turned into files"])?;
    auditors_read_nothing(&site)?;
    let seals = store::audit(&site, "recording-sealed")?;
    let by = seals.last().and_then(|seal| seal.get("person")?.as_str());
    ensure!(by.is_some_and(|by| by.contains("(uid ")), "{seals:?}");
    Ok(())
}

/// What is there beside the journal form of a conversion that was killed goes, or is finished, with the next start.
#[test]
fn a_conversion_that_was_killed_leaves_a_recording_that_reads() -> Result<()> {
    let mut site = crashed()?;
    let dir = directory(&site)?;
    let key = site.layout().recording_key();
    let shown = key.display().to_string();
    site.close()?;
    let bundle = export(&site, &["1"], "before.tar")?;
    let elsewhere = tempfile::tempdir()?;
    ends_with(
        &verify_with(&key, &site, elsewhere.path(), &bundle)?,
        3,
        &["cut short"],
    )?;

    // Killed while it names its files: the first has its name, the rest waits.
    let waiting = dir.join("converting.tmp");
    fs::create_dir(&waiting)?;
    fs::write(waiting.join("session.json.zst.age"), "half")?;
    fs::write(dir.join("01-exec.cast.zst.age"), "whole")?;
    site.open()?;
    ensure!(!waiting.exists() && !dir.join("01-exec.cast.zst.age").exists());
    site.close()?;
    ends_with(&journal_verify(&site)?, 0, &["intact"])?;

    // Killed once the record was written, before the journal went.
    let journal = fs::read(dir.join("sealed.journal"))?;
    let done = convert(&site, &["1", "--key", &shown])?;
    ends_with(&done, 0, &["files from now on"])?;
    fs::write(dir.join("sealed.journal"), journal)?;
    let told = journal_verify(&site)?;
    ensure!(said(&told).contains("turned into files"), "{}", said(&told));
    ends_with(&told, 0, &["intact"])?;
    ensure!(!dir.join("sealed.journal").exists());
    Ok(())
}
