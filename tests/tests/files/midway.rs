//! What happens while files pass: budgets that hold and go on, a cut, a line that is lost. X2, X3, I5.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Terminal, client, peers, store, wait};

use super::{ALL, Ground, PATIENCE, lines, noise, said};

const MIB: u64 = 1 << 20;

fn in_force(ground: &Ground, shown: &str) -> Result<()> {
    wait::until_true("the budget", PATIENCE, || {
        let told = ground.site.lobby("alice", &["quota"]).answer()?;
        Ok(told.success()?.text().contains(shown))
    })
}

/// X3: a download is held where its budget ends, says so, and goes on exactly once an operator adds to it.
#[test]
fn x3_a_download_is_held_topped_up_and_exact() -> Result<()> {
    let mut ground = Ground::start(ALL)?;
    fs::write(ground.at("in/large"), noise(6 * MIB))?;
    ground.site.apply(|documents| {
        documents.extraction =
            "{ session = \"2 MiB\", intervention = \"64 GiB\", at-limit = \"hold\" }".to_owned();
        Ok(())
    })?;
    in_force(&ground, "64 GiB")?;
    let mut sftp = ground.sftp_command("get @/in/large @/here/large\n")?;
    let mut running = client::spawn(&mut sftp, PATIENCE)?;
    let size = || fs::metadata(ground.at("here/large")).map_or(0, |file| file.len());
    wait::until_true("the hold", PATIENCE, || {
        let live = ground.site.operator(&["live"])?.success()?.text();
        Ok(live.contains("HELD") || live.to_lowercase().contains("held"))
    })?;
    ensure!(size() <= 2 * MIB, "{} bytes passed", size());
    let session = ground.site.live_session()?;
    ground
        .site
        .operator(&["topup", &session, "16MiB"])?
        .success()?;
    let answer = running.answer()?;
    ensure!(answer.status == Some(0), "{answer:?}");
    ensure!(ground.holds("here/large")? == ground.holds("in/large")?);
    Ok(())
}

/// I5: a cut ends a transfer, which says by whom; what came until then is what the file begins with.
#[test]
fn i5_a_cut_ends_a_transfer() -> Result<()> {
    let mut ground = Ground::start(ALL)?;
    let sent = noise(8 * MIB);
    fs::write(ground.at("here/large"), &sent)?;
    ground.site.apply(|documents| {
        documents.extraction =
            "{ session = \"1 GiB\", intervention = \"7 GiB\", up-rate = \"512 KiB/s\" }".to_owned();
        Ok(())
    })?;
    in_force(&ground, "7 GiB")?;
    let mut sftp = ground.sftp_command("put @/here/large @/in/large\n")?;
    let mut running = client::spawn(&mut sftp, PATIENCE)?;
    // The operator sees what passes, by its name.
    wait::until_true("the transfer in `live`", PATIENCE, || {
        let live = ground.site.operator(&["live"])?.success()?.text();
        Ok(live.contains("sftp ↑"))
    })?;
    let session = ground.site.live_session()?;
    let watching = ground.site.ssh("odile").shared("odile");
    let watch = Terminal::of(
        &ground.site,
        &watching.run(format!("watch {session}")),
        200,
        40,
    )?;
    watch.sees("passing to the target")?;
    ground.site.operator(&["cut", &session])?.success()?;
    let answer = running.answer()?;
    ensure!(
        answer.status != Some(0) && said(&answer).contains("odile"),
        "{answer:?}"
    );
    let came = ground.holds("in/large")?;
    ensure!(
        came.len() < sent.len() && sent.starts_with(&came),
        "{}",
        came.len()
    );
    Ok(())
}

/// X2, 10: paramiko asks for the whole of a file before it reads any: under 1 MiB/s that costs the gateway at most 16 MiB, and the
/// file is exact once the pace is lifted.
#[test]
fn x2_a_client_that_asks_for_all_at_once_costs_no_memory() -> Result<()> {
    let mut ground = Ground::start(ALL)?;
    fs::write(ground.at("in/file"), noise(48 * MIB))?;
    ground.sftp("ls @/in\n")?.success()?;
    let paced = |ground: &mut Ground, rate: &str, shown: &str| -> Result<()> {
        ground.site.apply(|documents| {
            documents.extraction =
                format!("{{ session = \"2 GiB\", intervention = \"{shown}\"{rate} }}");
            Ok(())
        })?;
        in_force(ground, shown)
    };
    paced(&mut ground, ", rate = \"1 MiB/s\"", "7 GiB")?;
    let root = ground.root()?.display().to_string();
    let arguments = ["alice+db01", &root, "all-at-once"];
    let mut peer = peers::command(&ground.site, "paramiko_sftp", &arguments)?;
    let before = ground.site.process()?.usage()?.memory;
    let mut running = client::spawn(&mut peer, Duration::from_secs(120))?;
    let (mut worst, since) = (0, Instant::now());
    wait::until_true("ten seconds of it", PATIENCE, || {
        let usage = ground.site.process()?.usage()?;
        worst = worst.max(usage.memory.saturating_sub(before));
        Ok(since.elapsed() >= Duration::from_secs(10))
    })?;
    ensure!(worst <= 16 << 20, "it costs {} KiB", worst >> 10);
    paced(&mut ground, "", "6 GiB")?;
    running.answer()?.success()?;
    Ok(())
}

/// Invariant 6: a line that the client takes away ends what rests on it, and nothing else: the channel goes on.
#[test]
fn a_line_that_is_lost_ends_its_operation_alone() -> Result<()> {
    let mut ground = Ground::start(ALL)?;
    fs::write(ground.at("in/large"), noise(8 * MIB))?;
    ground.site.apply(|documents| {
        documents.extraction =
            "{ session = \"1 GiB\", intervention = \"7 GiB\", rate = \"512 KiB/s\" }".to_owned();
        Ok(())
    })?;
    in_force(&ground, "7 GiB")?;
    let batch = "-get @/in/large @/here/large\nput @/here/mine @/in/mine\n";
    fs::write(ground.at("here/mine"), "mine")?;
    let mut sftp = ground.sftp_command(batch)?;
    let mut running = client::spawn(&mut sftp, Duration::from_secs(90))?;
    wait::until_true("the transfer", PATIENCE, || {
        Ok(fs::metadata(ground.at("here/large")).is_ok_and(|file| file.len() > 0))
    })?;
    let root = ground.root()?;
    ground.site.apply(|documents| {
        documents.flow("dba")?.allow = lines(&root, &["write", "list"]);
        Ok(())
    })?;
    let answer = running.answer()?;
    ensure!(answer.status == Some(0), "{answer:?}");
    ensure!(said(&answer).contains("sftp-read: "), "{answer:?}");
    ensure!(ground.holds("in/mine")? == b"mine");
    let got = ground.holds("here/large").unwrap_or_default();
    ensure!(got.len() < 8 << 20, "all of it passed");
    // The session has not ended by it.
    let ends = store::audit(&ground.site, "session-end")?;
    let by_right = ends.iter().filter(|end| {
        end["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("matrix"))
    });
    ensure!(by_right.count() == 0, "{ends:?}");
    let _ = answer.status.context("a status")?;
    Ok(())
}
