//! What a technician is told when a target cannot be had, and who is not trusted. C2, C3, STYLE §8: whose doing it is.

use std::time::Duration;

use anyhow::{Result, ensure};
use ecluse_tests::{Site, Terminal, keys, store, wait};

fn open_site() -> Result<Site> {
    let site = Site::start()?;
    site.approved("alice", "db01")?;
    Ok(site)
}

#[test]
fn a_target_that_is_down_is_named() -> Result<()> {
    let mut site = open_site()?;
    site.restart_target(false)?;
    site.ssh("alice+db01")
        .run("true")
        .answer()?
        .failed(&["db01 refuses connections"])?;
    // And once it is up again, nothing needs to be restarted.
    site.restart_target(true)?;
    site.ssh("alice+db01").run("true").answer()?.success()?;
    Ok(())
}

#[test]
fn a_target_that_refuses_the_account_is_named() -> Result<()> {
    let site = open_site()?;
    std::fs::write(site.layout().target().join("authorized_keys"), "")?;
    let answer = site
        .ssh("alice+db01")
        .run("true")
        .answer()?
        .failed(&["db01 refuses the gateway's credential for account"])?;
    ensure!(!answer.errors.contains("PRIVATE"), "{}", answer.errors);
    Ok(())
}

#[test]
fn an_account_without_a_credential_is_named() -> Result<()> {
    let site = Site::start_with(|plan| {
        let extra = ecluse_tests::documents::Target {
            id: "bare".to_owned(),
            ..plan.documents.target("db01")?.clone()
        };
        plan.documents.targets.push(extra);
        plan.documents.flow("dba")?.targets.push("bare".to_owned());
        Ok(())
    })?;
    site.approved("alice", "bare")?;
    site.ssh("alice+bare")
        .run("true")
        .answer()?
        .failed(&["no credential is set for account", "of bare"])?;
    ensure!(
        !site.target_log().contains("Accepted"),
        "the target was entered without a credential of its own"
    );
    Ok(())
}

/// C3: another host key than the pinned one: refused, both fingerprints named, the operator told.
#[test]
fn a_changed_host_key_is_refused_with_both_fingerprints() -> Result<()> {
    let site = Site::start_with(|plan| {
        let line = keys::pair(&plan.layout, "expected_host")?;
        plan.documents.target("db01")?.host_keys = vec![line];
        Ok(())
    })?;
    site.approved("alice", "db01")?;
    let expected = keys::fingerprint(&site.layout().key("expected_host"))?;
    let shown = keys::fingerprint(&site.layout().key(ecluse_tests::target::HOST_KEY))?;
    site.ssh("alice+db01")
        .run("true")
        .answer()?
        .failed(&[&expected, &shown])?;
    ensure!(
        !site.target_log().contains("Accepted"),
        "a target with another key was entered"
    );
    let told = site.operator(&["live"])?.success()?.text();
    ensure!(
        told.contains(&expected) && told.contains(&shown),
        "the operator is not told: {told}"
    );
    // The gateway does not learn the key by being refused.
    site.ssh("alice+db01")
        .run("true")
        .answer()?
        .failed(&[&expected, &shown])?;
    Ok(())
}

#[test]
fn a_target_that_goes_away_midway_is_told() -> Result<()> {
    let mut site = open_site()?;
    let mut running = site
        .ssh("alice+db01")
        .run("echo started; exec sleep 1000")
        .spawn()?;
    running.first_line()?;
    for id in ecluse_tests::process::descendants(site.target()?.process.id()) {
        let _ = ecluse_tests::process::send(id, rustix::process::Signal::KILL);
    }
    running
        .answer()?
        .status_is(255)?
        .says(&["the connection to db01 broke"])?;
    // How the session ended is no close of the technician's.
    wait::until_true("how it ended on record", Duration::from_secs(20), || {
        let ends = store::audit(&site, "session-end")?;
        Ok(ends
            .iter()
            .any(|end| end["reason"] == "the connection to the target broke"))
    })?;
    let listed = site.auditor(&["recordings"])?.text();
    ensure!(
        listed.contains("the connection to the target broke"),
        "{listed}"
    );
    // And found in the recording by whoever looks for it (R10).
    wait::until_sealed("the break is found", || {
        let found = site.auditor(&["search", "broke"])?;
        Ok(found
            .text()
            .contains("connection to the target")
            .then_some(()))
    })
}

#[test]
fn a_restarted_target_is_reached_again_from_the_same_connection() -> Result<()> {
    let mut site = open_site()?;
    site.ssh("alice+db01")
        .shared("alice-db01")
        .run("true")
        .answer()?
        .success()?;
    site.restart_target(false)?;
    site.ssh("alice+db01")
        .shared("alice-db01")
        .run("true")
        .answer()?
        .failed(&["db01"])?;
    site.restart_target(true)?;
    site.ssh("alice+db01")
        .shared("alice-db01")
        .run("true")
        .answer()?
        .success()?;
    Ok(())
}

#[test]
fn a_changed_credential_is_used_at_once() -> Result<()> {
    let site = open_site()?;
    let line = keys::pair(site.layout(), "next_account")?;
    std::fs::write(site.layout().target().join("authorized_keys"), line + "\n")?;
    site.ssh("alice+db01")
        .run("true")
        .answer()?
        .failed(&["db01"])?;
    let account = ecluse_tests::target::account()?;
    let key = site.layout().key("next_account");
    site.gateway().run(
        [
            "credential".as_ref(),
            "set".as_ref(),
            "db01".as_ref(),
            account.as_ref(),
            "--key-file".as_ref(),
            key.as_os_str(),
        ],
        "",
    )?;
    site.ssh("alice+db01").run("true").answer()?.success()?;
    Ok(())
}

/// A target whose own program ends keeps nothing open on either side.
#[test]
fn a_closed_terminal_hangs_up_the_program_on_the_target() -> Result<()> {
    let site = open_site()?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 80, 24)?;
    terminal.sees_prompt()?;
    terminal.enters("echo began-$((40 + 2)); exec sleep 1000")?;
    terminal.sees("began-42")?;
    drop(terminal);
    site.wait_for_target_sessions(0, Duration::from_secs(60))?;
    Ok(())
}

#[test]
fn the_built_in_target_works_behind_the_gateway_too() -> Result<()> {
    let site = Site::start_with(|plan| {
        plan.target = Some(ecluse_tests::target::Kind::BuiltIn);
        Ok(())
    })?;
    for target in ["db01", "web01"] {
        site.approved("alice", target)?;
        let answer = site
            .ssh(&format!("alice+{target}"))
            .run("echo out; echo err >&2; exit 3")
            .answer()?
            .status_is(3)?;
        ensure!(
            answer.text() == "out\n" && answer.errors.ends_with("err\n"),
            "{answer:?}"
        );
        // The first is told that it is recorded, by one line before; the same client's next target needs not be.
        let lines = if target == "db01" { 2 } else { 1 };
        ensure!(answer.errors.lines().count() == lines, "{answer:?}");
    }
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 90, 30)?;
    terminal.sees_prompt()?;
    terminal.enters("stty size; exit 7")?;
    terminal.sees("30 90")?;
    ensure!(terminal.ends()? == 7);
    Ok(())
}
