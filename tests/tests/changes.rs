//! What may change of a sealed recording, who reads it, is on record, survives an interruption, and is nobody else's to
//! choose. R3, R10, C4.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Site, keys, recording};

use crate::bundles::{ends_with, export, recorded, verify};

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
    let line = ["recordings", "rewrap", "1", "--key", &key, "--for", &public];
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
    let arguments = [Path::new("--key"), &other, &bundle];
    ends_with(
        &verify(&site, elsewhere.path(), &arguments)?,
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
