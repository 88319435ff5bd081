//! A code of now for what gives somebody more than they had, and none for what takes away. A2, A6.

use anyhow::{Result, ensure};
use ecluse_tests::{Answer, Plan, Site, Ssh, Terminal, store};

const WANTED: [&str; 2] = ["in the last 5 minutes", "ssh -t -p "];

/// A log-on of odile that has no code to give: her second factor is remembered.
fn remembered(site: &Site, command: &str) -> Result<Answer> {
    site.ssh("odile")
        .option("BatchMode yes")
        .run(command)
        .answer()
}

/// The same in a terminal, for one command.
fn in_terminal(site: &Site, ssh: Ssh) -> Result<Terminal> {
    Terminal::of(site, &ssh.flag("-tt"), 110, 30)
}

/// Operators' scripts have no terminal and log on with a code for each yes: that is enough.
#[test]
fn a_script_that_logs_on_with_a_code_says_yes() -> Result<()> {
    let site = Site::start_with(|plan| {
        plan.documents.settings.remember = "0s".to_owned();
        Ok(())
    })?;
    let number = site.request("alice", "db01")?;
    let yes = format!("approve {number} --for 1h");
    let answer = site.ssh("odile").run(yes).answer()?.success()?;
    ensure!(answer.text().contains("alice"), "{answer:?}");
    Ok(())
}

/// Within the minutes for which a code is remembered an operator looks, refuses, cuts and withdraws; for a yes a code is asked
/// for, which without a terminal is refused, naming how to get one.
#[test]
fn a_remembered_code_looks_and_stops_and_says_no_yes() -> Result<()> {
    let site = Site::start()?;
    let first = site.approved("alice", "db01")?;
    site.ssh("odile").run("pending").answer()?.success()?;
    let (second, third) = (
        site.request("alice", "db01")?,
        site.request("bruno", "db01")?,
    );

    let answer = remembered(&site, &format!("approve {second} --for 1h"))?
        .status_is(1)?
        .says(&WANTED)?;
    ensure!(
        answer
            .errors
            .contains(&format!("approve {second} --for 1h")),
        "{answer:?}"
    );
    let refused = store::audit(&site, "act-refused")?;
    ensure!(
        refused
            .iter()
            .any(|record| record.to_string().contains("one-time code")),
        "{refused:?}"
    );
    ensure!(
        store::audit(&site, "approval")?.len() == 1,
        "nothing was approved"
    );
    // Something to cut.
    let mut running = site
        .ssh("alice+db01")
        .run("echo started; exec sleep 1000")
        .spawn()?;
    running.first_line()?;
    for command in [
        "pending".to_owned(),
        "live".to_owned(),
        format!("refuse {third} --reason later"),
        "cut all".to_owned(),
        format!("withdraw {first} --reason enough"),
    ] {
        remembered(&site, &command)?.success()?;
    }
    running.answer()?;

    // With a terminal it is asked for there, and not shown.
    let yes = site.ssh("odile").run(format!("approve {second} --for 1h"));
    let terminal = in_terminal(&site, yes)?;
    terminal.sees("One-time code:")?;
    terminal.enters("12 34")?;
    terminal.sees("Six digits are wanted here")?;
    let code = site.fresh_code("odile")?;
    terminal.enters(&code)?;
    let screen = terminal.sees("approved")?;
    ensure!(
        !screen.contains(&code) && !screen.contains("12 34"),
        "a code is shown:\n{screen}"
    );
    ensure!(terminal.ends()? == 0);
    ensure!(store::audit(&site, "code-proven")?.len() == 1);
    ensure!(store::audit(&site, "code-refused")?.len() == 1);
    // It is used up, here and at the door: from an address where none is remembered.
    site.ssh("odile")
        .option("BindAddress 127.0.0.2")
        .code(&code)
        .run("pending")
        .answer()?
        .denied()?;
    ensure!(
        store::audit(&site, "log-on-refused")?
            .iter()
            .any(|record| record["source"] == "127.0.0.2" && record.to_string().contains("used")),
        "the code was not refused as a used one"
    );
    let again = site.request("bruno", "db01")?;
    let terminal = in_terminal(&site, site.ssh("odile").run(format!("approve {again}")))?;
    terminal.sees("One-time code:")?;
    terminal.enters(&code)?;
    terminal.sees("This code was used before")?;
    terminal.presses("C-c")?;
    terminal.sees("nothing was done")?;
    ensure!(terminal.ends()? == 1);
    Ok(())
}

/// ControlMaster: a connection that stands for hours says who was there then. After five minutes a yes asks for a code, on the
/// connection's own channel; then the connection is fresh again.
#[test]
fn a_shared_connection_older_than_five_minutes_asks_again() -> Result<()> {
    let site = Site::start_with(Plan::move_clock)?;
    let first = site.approved("alice", "db01")?;
    let (second, third) = (
        site.request("bruno", "db01")?,
        site.request("alice", "db01")?,
    );
    site.clock().advance(5 * 60 + 10)?;
    // Something to cut.
    let mut running = site
        .ssh("alice+db01")
        .run("echo started; exec sleep 1000")
        .spawn()?;
    running.first_line()?;
    site.operator(&["approve", &second.to_string()])?
        .status_is(1)?
        .says(&WANTED)?;
    site.operator(&["pending"])?.success()?;
    site.operator(&["live"])?.success()?;
    site.operator(&["cut", "all"])?.success()?;
    running.answer()?;
    site.operator(&["withdraw", &first.to_string(), "--reason", "enough"])?
        .success()?;

    let shared = site.lobby("odile", &["approve", &second.to_string()]);
    let terminal = in_terminal(&site, shared)?;
    terminal.sees("One-time code:")?;
    terminal.enters(&site.fresh_code("odile")?)?;
    terminal.sees("approved")?;
    ensure!(terminal.ends()? == 0);
    // The connection is fresh for its scripts too.
    site.operator(&["approve", &third.to_string()])?.success()?;
    Ok(())
}

/// A6: codes guessed in the middle of a dialogue block like those at the door.
#[test]
fn guesses_in_a_dialogue_block_like_those_at_the_door() -> Result<()> {
    let site = Site::start_with(Plan::move_clock)?;
    let number = site.request("alice", "db01")?;
    site.operator(&["pending"])?.success()?;
    site.clock().advance(5 * 60 + 10)?;
    let terminal = in_terminal(
        &site,
        site.lobby("odile", &["approve", &number.to_string()]),
    )?;
    for _ in 0..3 {
        terminal.sees_that("the question", |screen| {
            screen.trim_end().ends_with("One-time code:")
        })?;
        terminal.enters("000000")?;
    }
    terminal.sees("nothing was done")?;
    ensure!(terminal.ends()? == 1);
    ensure!(store::audit(&site, "lockout")?.len() == 1);
    // While blocked no code is looked at, in a dialogue or at the door; and what takes away still works.
    let code = site.fresh_code("odile")?;
    let terminal = in_terminal(
        &site,
        site.lobby("odile", &["approve", &number.to_string()]),
    )?;
    terminal.sees("One-time code:")?;
    terminal.enters(&code)?;
    terminal.sees("No code is looked at until")?;
    ensure!(terminal.ends()? == 1);
    site.ssh("odile")
        .option("LogLevel INFO")
        .code(&code)
        .run("pending")
        .answer()?
        .denied()?
        .says(&["No code is looked at until"])?;
    site.operator(&["refuse", &number.to_string(), "--reason", "later"])?
        .success()?;
    Ok(())
}

/// Masked input in clear is for the auditors whom the client names, with a code of now; the masked recording needs none.
#[test]
fn masked_input_in_clear_asks_for_a_code_of_now() -> Result<()> {
    let site = Site::start_with(Plan::move_clock)?;
    let document = site.layout().config().join("clients/hopital.toml");
    let granted = std::fs::read_to_string(&document)?
        .replace("id = \"aurele\"\n", "id = \"aurele\"\nunmask = true\n");
    std::fs::write(&document, granted)?;
    let config = site.layout().config().display().to_string();
    site.gateway().run(["apply", &config], "")?;

    site.approved("alice", "db01")?;
    site.ssh("alice+db01").run("true").answer()?.success()?;
    let number = ecluse_tests::wait::until_sealed("a sealed recording", || {
        let table = site.auditor(&["recordings"])?.success()?.text();
        Ok(ecluse_tests::lobby::first_row(&table).ok())
    })?;
    let clear = ["replay", &number, "--unmask"];
    // As text it is replayed once it is sealed.
    ecluse_tests::wait::until_sealed("what was masked, in clear", || {
        let answer = site.auditor(&clear)?;
        Ok((answer.status == Some(0)).then_some(()))
    })?;
    site.clock().advance(5 * 60 + 10)?;
    site.auditor(&clear)?.status_is(1)?.says(&WANTED)?;
    site.auditor(&["replay", &number])?.success()?;
    let terminal = in_terminal(&site, site.lobby("aurele", &clear))?;
    terminal.sees("One-time code:")?;
    terminal.enters(&site.fresh_code("aurele")?)?;
    ensure!(terminal.ends()? == 0);
    ensure!(store::audit(&site, "code-proven")?.len() == 1);
    Ok(())
}
