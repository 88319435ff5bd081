//! Room for recordings: operators are told before sessions are refused, and nothing passes that could not be recorded. R2.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Site, Terminal, disk, recording, store, wait};

/// A file system of 24 MiB for the recordings.
fn with_small_disk(test: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    disk::with_small(24, test)
}

fn site(small: &Path) -> Result<Site> {
    site_with(small, ["12 MiB", "6 MiB", "1 MiB"])
}

fn site_with(small: &Path, [warn, refuse, reserve]: [&str; 3]) -> Result<Site> {
    let site = Site::start_with(|plan| {
        plan.documents.settings.recordings = Some(small.display().to_string());
        plan.documents.settings.recording_lines = vec![
            format!("warn-below = \"{warn}\""),
            format!("refuse-below = \"{refuse}\""),
            format!("reserve = \"{reserve}\""),
        ];
        Ok(())
    })?;
    site.approved("alice", "db01")?;
    Ok(site)
}

/// Takes `mebibytes` of the disk, as a neighbour's files would.
fn fill(small: &Path, mebibytes: u64) -> Result<()> {
    let file = File::create(small.join("neighbour"))?;
    rustix::fs::fallocate(
        &file,
        rustix::fs::FallocateFlags::empty(),
        0,
        mebibytes << 20,
    )?;
    Ok(())
}

fn wait_for_levels(site: &Site, levels: &[&str]) -> Result<()> {
    wait::until_true(
        &format!("the levels {levels:?} on record"),
        Duration::from_secs(60),
        || {
            let found = store::audit_of(site, None, "low-space")?;
            let found: Vec<&str> = found
                .iter()
                .filter_map(|record| record.get("reason")?.as_str())
                .collect();
            Ok(found == levels)
        },
    )
}

#[test]
fn operators_are_told_of_little_room_before_sessions_are_refused() -> Result<()> {
    with_small_disk(|small| {
        let site = site(small)?;
        ensure!(
            !site.operator(&["live"])?.text().contains("MiB"),
            "an alert without need"
        );
        let prompt = Terminal::of(&site, &site.ssh("odile").shared("odile"), 110, 40)?;
        prompt.sees("odile")?;

        fill(small, 14)?;
        wait_for_levels(&site, &["low"])?;
        prompt.sees("below 6 MiB no session begins")?;
        let listed = site.operator(&["live"])?.text();
        ensure!(listed.contains("no session begins"), "{listed}");
        site.ssh("alice+db01").run("true").answer()?.success()?;

        fill(small, 20)?;
        let refused = site.ssh("alice+db01").run("echo unrecorded").answer()?;
        ensure!(
            refused.status == Some(254)
                && refused.output.is_empty()
                && refused.errors.contains("too little room"),
            "{refused:?}"
        );
        wait_for_levels(&site, &["low", "full"])?;
        prompt.sees("less than 6 MiB")?;
        let records = store::audit(&site, "session-refused")?;
        let record = records.first().context("the refusal is not on record")?;
        for (column, value) in [
            ("person", "alice"),
            ("client", "hopital"),
            ("target", "db01"),
            ("verdict", "refuse"),
        ] {
            ensure!(
                record.get(column).and_then(|found| found.as_str()) == Some(value),
                "{column} is not {value} in {record}"
            );
        }

        fs::remove_file(small.join("neighbour"))?;
        wait_for_levels(&site, &["low", "full", "enough"])?;
        site.ssh("alice+db01").run("true").answer()?.success()?;
        Ok(())
    })
}

/// A session that runs when the room falls below the bound goes on.
#[test]
fn a_session_that_runs_goes_on_when_new_ones_are_refused() -> Result<()> {
    with_small_disk(|small| {
        let site = site(small)?;
        let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 90, 30)?;
        terminal.sees_prompt()?;
        fill(small, 20)?;
        wait_for_levels(&site, &["full"])?;
        terminal.enters("echo still-$((40 + 2))")?;
        terminal.sees("still-42")?;
        terminal.enters("exit")?;
        terminal.ends()?;
        Ok(())
    })
}

/// Sessions whose recording is sealed.
fn sealed(small: &Path) -> Result<usize> {
    Ok(recording::files(small, &|path| path.ends_with("manifest.json.sig"))?.len())
}

/// Four mebibytes that do not compress, recorded as they are shown.
const NOISE: &str = "head -c 3000000 /dev/urandom | base64 -w 0 | tail -c 4000000 > noise; cat noise; echo; echo shown-$((40 + 2))";

/// Runs a session that records four mebibytes that do not compress, fills the disk to the last byte while it runs, and ends it.
fn session_on_a_disk_that_fills(site: &Site, small: &Path) -> Result<()> {
    let terminal = Terminal::of(site, &site.ssh("alice+db01"), 90, 30)?;
    terminal.sees_prompt()?;
    terminal.enters(NOISE)?;
    terminal.sees("shown-42")?;
    disk::fill_to_the_last(small)?;
    terminal.enters("exit")?;
    terminal.ends()?;
    Ok(())
}

/// The reserve closes what was recorded on a full disk.
#[test]
fn a_recording_is_sealed_on_a_full_disk_with_the_reserve() -> Result<()> {
    with_small_disk(|small| {
        let mut site = site_with(small, ["0 B", "0 B", "8 MiB"])?;
        wait::until_true("the reserve", Duration::from_secs(60), || {
            Ok(small.join("sealing.reserve").exists())
        })?;
        session_on_a_disk_that_fills(&site, small)?;
        wait::until_true("the seal", Duration::from_secs(120), || {
            Ok(sealed(small)? == 1)
        })?;
        let log = site.process()?.errors();
        ensure!(log.contains("sealed with the reserve"), "{log}");
        Ok(())
    })
}

/// Without a reserve the journal waits, and is sealed once there is room, without a restart.
#[test]
fn what_could_not_be_sealed_is_sealed_once_there_is_room() -> Result<()> {
    with_small_disk(|small| {
        let mut site = site_with(small, ["0 B", "0 B", "0 B"])?;
        session_on_a_disk_that_fills(&site, small)?;
        wait::until_true("the failure in the log", Duration::from_secs(60), || {
            Ok(site.process()?.errors().contains("could not be sealed"))
        })?;
        ensure!(sealed(small)? == 0, "sealed on a full disk");
        disk::free_again(small)?;
        wait::until_true("the seal", Duration::from_secs(40), || {
            Ok(sealed(small)? == 1)
        })
    })
}

/// R1: what a gateway that was killed left open is recovered once there is room, without another start, and told once.
#[test]
fn what_could_not_be_recovered_is_recovered_once_there_is_room() -> Result<()> {
    with_small_disk(|small| {
        let mut site = site_with(small, ["0 B", "0 B", "0 B"])?;
        let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 90, 30)?;
        terminal.sees_prompt()?;
        terminal.enters(NOISE)?;
        terminal.sees("shown-42")?;
        site.kill()?;
        disk::fill_to_the_last(small)?;
        site.open()?;
        let failed = || store::audit(&site, "recording-failed");
        let records = wait::until("the failure on record", Duration::from_secs(60), || {
            let records = failed()?;
            Ok((!records.is_empty()).then_some(records))
        })?;
        let reason = records
            .first()
            .and_then(|record| record.get("reason")?.as_str());
        ensure!(
            reason.is_some_and(|reason| reason.contains("tried again while the gateway runs")),
            "{records:?}"
        );
        ensure!(sealed(small)? == 0, "sealed on a full disk");
        disk::free_again(small)?;
        wait::until_true("the seal", Duration::from_secs(40), || {
            Ok(sealed(small)? == 1 && store::audit(&site, "recording-sealed")?.len() == 1)
        })?;
        ensure!(failed()?.len() == 1, "told more than once: {:?}", failed()?);
        ensure!(store::audit(&site, "recording-recovered")?.len() == 1);
        site.ssh("alice+db01").run("true").answer()?.success()?;
        Ok(())
    })
}
