//! The check of `Cargo.lock` against the dated list of advisories, as `.ci/run` makes it. P8, P18.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use ecluse_tests::peers::repository;

const LOCK: &str = "[[package]]\nname = \"russh\"\nversion = \"0.65.1\"\n\n[[package]]\nname = \"rand\"\nversion = \"0.8.8\"\n\n[[package]]\nname = \"rand\"\nversion = \"0.10.4\"\n";

const LIST: &str = "date = 2026-11-01\nadvisories = [\n\
    { id = \"A-1\", crate = \"russh\", safe = [\">= 0.60.3\"], title = \"too much memory\", us = \"strangers talk to it\" },\n\
    { id = \"A-2\", crate = \"rand\", safe = [\">= 0.8.6, < 0.9.0\", \">= 0.10.1\"], title = \"unsound\", us = \"codes are drawn with it\" },\n\
    ]\n";

fn check_at(day: &str, lock: &Path, list: &Path) -> Result<Output> {
    Command::new(repository().join(".ci/advisories"))
        .arg("--lock")
        .arg(lock)
        .arg("--list")
        .arg(list)
        .args(["--today", day])
        .output()
        .context("the check cannot be run: it needs python3")
}

/// What the check says of a lock file and a list, on a day soon after the list's own.
fn check(lock: &str, list: &str) -> Result<(Option<i32>, String)> {
    check_on("2026-11-20", lock, list)
}

fn check_on(day: &str, lock: &str, list: &str) -> Result<(Option<i32>, String)> {
    let directory = tempfile::tempdir()?;
    let (lock_file, list_file) = (
        directory.path().join("Cargo.lock"),
        directory.path().join("list.toml"),
    );
    fs::write(&lock_file, lock)?;
    fs::write(&list_file, list)?;
    let output = check_at(day, &lock_file, &list_file)?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    Ok((output.status.code(), said))
}

fn expect(
    (code, said): (Option<i32>, String),
    wanted: i32,
    words: &[&str],
    not: &[&str],
) -> Result<()> {
    ensure!(
        code == Some(wanted),
        "it ended with {code:?} and not {wanted}:\n{said}"
    );
    for word in words {
        ensure!(said.contains(word), "{word:?} is not said in:\n{said}");
    }
    for word in not {
        ensure!(!said.contains(word), "{word:?} is said in:\n{said}");
    }
    Ok(())
}

#[test]
fn what_is_locked_answers_every_listed_advisory() -> Result<()> {
    let root = repository();
    let lock = root.join("Cargo.lock");
    let list = root.join(".ci/advisories.toml");
    // The day of the list itself, so that the list's age is not what this test tells.
    let text = fs::read_to_string(&list)?;
    let day = text
        .lines()
        .find_map(|line| line.strip_prefix("date = "))
        .context("the list has no date")?;
    let output = check_at(day, &lock, &list)?;
    ensure!(output.status.success(), "{output:?}");
    // It knows the SSH library, which databases are nearly blind to.
    let old = fs::read_to_string(&lock)?.replace(
        "name = \"russh\"\nversion = \"0.65.1\"",
        "name = \"russh\"\nversion = \"0.60.0\"",
    );
    let said = check_on(day, &old, &text)?;
    let words = ["russh 0.60.0: CVE-2026-42189", "GHSA-47hw-gvq5-r2gm"];
    expect(said, 1, &words, &["CVE-2024-43410"])
}

#[test]
fn a_vulnerable_version_fails_and_says_what_is_safe() -> Result<()> {
    expect(check(LOCK, LIST)?, 0, &["none not answered"], &["warning"])?;
    let vulnerable = LOCK.replace("0.65.1", "0.60.2");
    expect(
        check(&vulnerable, LIST)?,
        1,
        &[
            "russh 0.60.2: A-1",
            "too much memory",
            "safe: >= 0.60.3",
            "strangers talk to it",
        ],
        &["A-2"],
    )
}

/// A crate may be locked twice, a version lie between two safe ranges, and a candidate come before its release.
#[test]
fn each_locked_version_is_compared_by_the_rules_of_semver() -> Result<()> {
    for (from, to, code) in [
        ("0.10.4", "0.10.0", 1),
        ("0.10.4", "0.10.1-rc.2", 1),
        ("0.10.4", "0.10.1", 0),
        ("0.10.4", "0.10.10", 0),
        ("0.8.8", "0.8.5", 1),
        ("0.8.8", "0.9.2", 1),
        ("0.65.1", "0.60.3-beta.1", 1),
        ("0.65.1", "0.60.3+build.7", 0),
        ("0.65.1", "0.60.4-beta.1", 0),
        ("0.65.1", "0.9.0", 1),
        ("0.65.1", "1.0.0", 0),
    ] {
        let said = check(&LOCK.replace(from, to), LIST)?;
        expect(said, code, &[], &[]).with_context(|| format!("{from} as {to}"))?;
    }
    Ok(())
}

/// What no version escapes may be accepted by somebody, with a reason, until a day; then it is an error again.
#[test]
fn an_accepted_advisory_passes_until_its_day() -> Result<()> {
    let list = LIST.replace(
        "safe = [\">= 0.60.3\"]",
        "safe = [], accepted = \"only keys are checked\", owner = \"odile\", until = 2026-12-31",
    );
    expect(
        check(LOCK, &list)?,
        0,
        &[
            "accepted until 2026-12-31 by odile",
            "only keys are checked",
        ],
        &[],
    )?;
    expect(check_on("2026-12-31", LOCK, &list)?, 0, &[], &[])?;
    expect(
        check_on("2027-01-01", LOCK, &list)?,
        1,
        &["no version is", "decide again"],
        &[],
    )?;
    // Nobody accepts without a reason, an owner and an end.
    for key in [
        "accepted = \"only keys are checked\", ",
        "owner = \"odile\", ",
    ] {
        expect(check(LOCK, &list.replace(key, ""))?, 2, &["A-1"], &[])?;
    }
    Ok(())
}

#[test]
fn a_list_that_nobody_looked_through_for_thirty_days_warns() -> Result<()> {
    let warns = "warning: ";
    expect(check_on("2026-12-01", LOCK, LIST)?, 0, &[], &[warns])?;
    expect(
        check_on("2026-12-02", LOCK, LIST)?,
        0,
        &[warns, "31 days ago"],
        &[],
    )
}

#[test]
fn what_cannot_be_read_is_an_error_and_no_pass() -> Result<()> {
    for (lock, list, words) in [
        ("", LIST, "no packages"),
        (LOCK, "", "needs `date"),
        (LOCK, "date = 2026-11-01\nadvisories = []\n", "needs `date"),
        (LOCK, &LIST.replace(">= 0.60.3", "0.60.3"), "is no bound"),
        (LOCK, &LIST.replace(">= 0.60.3", ">= 0.60"), "is no version"),
        (LOCK, &LIST.replace("us =", "we ="), "wanted"),
        ("[[package", LIST, "Cargo.lock"),
    ] {
        expect(check(lock, list)?, 2, &["error: ", words], &[])?;
    }
    Ok(())
}

/// `.ci/run` makes the check before anything that takes long.
#[test]
fn the_check_is_part_of_what_must_pass() -> Result<()> {
    let run = fs::read_to_string(repository().join(".ci/run"))?;
    let first = run
        .lines()
        .find(|line| line.starts_with(".ci/") || line.starts_with("cargo "));
    ensure!(first == Some(".ci/advisories"), "{run}");
    Ok(())
}
