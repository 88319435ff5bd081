//! How a command ends: its status arrives and is on record, and its requests are as long as they may be. F5.

use std::io::Read;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Site, peers, wait};

fn open_site() -> Result<Site> {
    let site = Site::start()?;
    site.proven("alice", "db01")?;
    Ok(site)
}

/// The status of a command that closes its output long before it ends, without and with a shared connection, whether its
/// input ends before its output or after.
#[test]
fn a_status_that_comes_long_after_the_output_arrives() -> Result<()> {
    let site = open_site()?;
    for command in [
        "exec >/dev/null 2>&1; sleep 2; exit 7",
        "exec >/dev/null 2>&1; sleep 1; cat; sleep 1; exit 7",
    ] {
        let client = site.ssh("alice+db01").run(command);
        client.answer()?.status_is(7)?;
        client.clone().shared("status").answer()?.status_is(7)?;
        client.shared("status").answer()?.status_is(7)?;
    }
    Ok(())
}

/// The output of a command may end long before the command, and a program that waits for that goes on.
#[test]
fn the_end_of_output_arrives_although_the_command_runs_on() -> Result<()> {
    let site = open_site()?;
    let mut running = site
        .ssh("alice+db01")
        .run("exec >/dev/null 2>&1; cat")
        .patience(Duration::from_secs(60))
        .spawn()?;
    let mut output = Vec::new();
    let mut stdout = running.child.stdout.take().context("no stdout")?;
    stdout.read_to_end(&mut output)?;
    drop(running.child.stdin.take());
    running.answer()?;
    Ok(())
}

/// A technician who leaves at once: the status is on record if it comes soon, and otherwise that it did not come.
#[test]
fn a_status_is_on_record_however_the_technician_leaves() -> Result<()> {
    let site = open_site()?;
    for (command, wanted) in [
        ("trap '' HUP PIPE; echo begun; cat; exit 7", "exit 7"),
        (
            "trap '' HUP PIPE; echo begun; sleep 3",
            "left before the target told",
        ),
    ] {
        let mut running = site.ssh("alice+db01").run(command).spawn()?;
        running.first_line()?;
        running.child.kill()?;
        running.child.wait()?;
        wait::until_sealed(wanted, || {
            let listed = site.auditor(&["recordings"])?.success()?.text();
            let newest = ecluse_tests::lobby::first_row(&listed)?;
            let replayed = site.auditor(&["replay", &newest])?.text();
            Ok(replayed.contains(wanted).then_some(()))
        })?;
    }
    Ok(())
}

/// F5: a command that no program could be given is refused in words; one that is nearly as long as can be runs.
#[test]
fn a_command_may_be_as_long_as_an_argument() -> Result<()> {
    let site = open_site()?;
    let long = format!("echo {} | wc -c", "x".repeat(120_000));
    let answer = site.ssh("alice+db01").run(long).answer()?.success()?;
    ensure!(answer.text().contains("120001"), "{answer:?}");
    // Longer than this machine's own `ssh` could be told to send.
    let answer = peers::run(&site, "hostile_client", &["long_command", "alice+db01"])?.success()?;
    ensure!(
        answer.text().contains("status: 254") && answer.text().contains("128"),
        "{answer:?}"
    );
    Ok(())
}
