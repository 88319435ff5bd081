//! The end of what was approved: hours, windows, and what is taken away while it is used. I3, A8, invariant 6.

use std::time::Duration;

use anyhow::{Result, ensure};
use ecluse_tests::{Plan, Site, Terminal, store, wait};

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_request_that_nobody_answers_expires() -> Result<()> {
    let site = Site::start_with(Plan::move_clock)?;
    let number = site.request("alice", "db01")?.to_string();
    site.clock().advance(26 * 3600)?;
    site.operator(&["approve", &number])?
        .status_is(1)?
        .says(&["is expired: nothing to approve"])?;
    site.ssh("alice+db01")
        .run("true")
        .answer()?
        .refused(&["no approved intervention is open"])?;
    Ok(())
}

#[test]
fn outside_its_hours_nothing_passes() -> Result<()> {
    // Open in one hour of the day only, two hours from now, wherever the clock stands.
    let now = ecluse_tests::clock::Clock::real().seconds()?;
    let hour = (now / 3600 + 2) % 24;
    let hours = format!("mon-sun {hour:02}:00-{:02}:00 UTC", (hour + 1) % 24);
    let site = Site::start_with(|plan| {
        plan.movable_clock = true;
        plan.documents.flow("dba")?.hours = hours.clone();
        Ok(())
    })?;
    // It may be asked for and approved beforehand, and both sides are told that this opens nothing yet.
    let closed = "The flow dba (db01) is closed at the beginning of this period; it opens at";
    let asked = site
        .lobby(
            "alice",
            &["request", "db01", "--for", "2h", "--reason", "x"],
        )
        .answer()?
        .success()?
        .text();
    ensure!(asked.contains(closed), "{asked}");
    let number = ecluse_tests::lobby::number(&asked)
        .unwrap_or_default()
        .to_string();
    let pending = site.operator(&["pending"])?.success()?.text();
    ensure!(pending.contains(closed), "{pending}");
    let approved = site.operator(&["approve", &number])?.success()?.text();
    ensure!(approved.contains(closed), "{approved}");
    // What nobody could use is not asked: the whole of it is over before it opens.
    let day = ecluse_tests::clock::date_in(1)?;
    let at = format!("{day}T{:02}:00:00Z", (hour + 12) % 24);
    let never = [
        "request", "db01", "--for", "1h", "--at", &at, "--reason", "x",
    ];
    site.lobby("alice", &never)
        .answer()?
        .status_is(1)?
        .says(&["What you ask for is closed until", "request … --at "])?;
    site.ssh("alice+db01")
        .run("true")
        .answer()?
        .refused(&["db01 is closed at this hour. It opens at"])?;
    ensure!(
        !site.target_log().contains("Accepted"),
        "the target was reached:\n{}",
        site.target_log()
    );
    // In its hours it passes, once asked.
    site.clock().advance(2 * 3600 - now % 3600 + 60)?;
    let answer = site
        .lobby(
            "alice",
            &["request", "db01", "--for", "30m", "--reason", "now"],
        )
        .answer()?
        .success()?;
    let number = ecluse_tests::lobby::number(&answer.text())
        .unwrap_or_default()
        .to_string();
    site.ssh("odile")
        .run(format!("approve {number}"))
        .answer()?
        .success()?;
    site.ssh("alice+db01").run("true").answer()?.success()?;
    // And at their end it stops.
    site.clock().advance(3600)?;
    site.ssh("alice+db01")
        .run("true")
        .answer()?
        .refused(&["db01"])?;
    Ok(())
}

/// I3, N2: what was granted for a set time ends with it. A session is warned, then closed, when its window ends.
#[test]
fn a_session_is_warned_and_then_ended_at_the_end_of_its_window() -> Result<()> {
    let site = Site::start_with(Plan::move_clock)?;
    site.approved_for("alice", "db01", "30m")?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 120, 40)?;
    terminal.sees_prompt()?;
    site.clock().advance(21 * 60)?;
    terminal.sees("what you have open here ends in")?;
    site.clock().advance(8 * 60 + 30)?;
    site.clock().advance(60)?;
    ensure!(terminal.ends()? == 254);
    terminal.sees("The window of this intervention closed at")?;
    site.wait_for_target_sessions(0, std::time::Duration::from_secs(10))?;
    Ok(())
}

/// I3, N2, R6: a clock that is set back keeps nobody in past the end that was approved: the session ends, the
/// intervention with it, and the operators are told.
#[test]
fn i3_a_clock_that_is_set_back_gives_nobody_more_time() -> Result<()> {
    let site = Site::start_with(Plan::move_clock)?;
    site.approved_for("alice", "db01", "12s")?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 120, 40)?;
    terminal.sees_prompt()?;
    site.clock().advance(-30 * 60)?;
    ensure!(terminal.ends()? == 254);
    terminal.sees("The window of this intervention closed at")?;
    site.wait_for_target_sessions(0, Duration::from_secs(10))?;
    // It is over for whoever comes again, by a clock that says that it is not.
    wait::until_true("the end of the intervention", PATIENCE, || {
        Ok(!store::audit(&site, "closing")?.is_empty())
    })?;
    site.clock().advance(31 * 60)?;
    let told = site.operator(&["pending"])?.success()?.text();
    ensure!(told.contains("A gateway's clock was set"), "{told}");
    Ok(())
}

#[test]
fn an_open_command_ends_with_its_window() -> Result<()> {
    let site = Site::start_with(Plan::move_clock)?;
    site.approved_for("alice", "db01", "30m")?;
    let mut running = site
        .ssh("alice+db01")
        .run("echo started; sleep 1000")
        .spawn()?;
    running.first_line()?;
    site.clock().advance(31 * 60)?;
    running
        .answer()?
        .status_is(254)?
        .says(&["The window of this intervention closed at"])?;
    site.wait_for_target_sessions(0, std::time::Duration::from_secs(10))?;
    Ok(())
}

/// A8, invariant 6: who is removed is out at once, not at the next login.
#[test]
fn a_removed_persons_sessions_end_at_once() -> Result<()> {
    let mut site = Site::start()?;
    site.approved("alice", "db01")?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 100, 30)?;
    terminal.sees_prompt()?;
    site.apply(|documents| {
        documents.technicians.retain(|person| person.id != "alice");
        Ok(())
    })?;
    ensure!(terminal.ends()? == 254);
    terminal.sees("Your account was removed")?;
    site.wait_for_target_sessions(0, std::time::Duration::from_secs(10))?;
    Ok(())
}

#[test]
fn a_replaced_key_ends_its_sessions_at_once() -> Result<()> {
    let mut site = Site::start()?;
    site.approved("alice", "db01")?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 100, 30)?;
    terminal.sees_prompt()?;
    let line = ecluse_tests::keys::pair(site.layout(), "alice-next")?;
    site.apply(|documents| {
        documents.technician("alice")?.keys = vec![line];
        Ok(())
    })?;
    ensure!(terminal.ends()? == 254);
    terminal.sees("The key you logged in with was withdrawn")?;
    Ok(())
}

#[test]
fn a_flow_removed_from_the_matrix_ends_its_sessions_at_once() -> Result<()> {
    let mut site = Site::start()?;
    site.approved("alice", "db01")?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 100, 30)?;
    terminal.sees_prompt()?;
    site.apply(|documents| {
        documents
            .flow("dba")?
            .targets
            .retain(|target| target != "db01");
        Ok(())
    })?;
    ensure!(terminal.ends()? == 254);
    terminal.sees("The client changed what is allowed on db01")?;
    site.ssh("alice+db01")
        .run("true")
        .answer()?
        .refused(&["db01 is not among your targets"])?;
    // R4: a session whose every line is lost was not left by its technician, in the journal either.
    site.apply(|documents| {
        documents.flow("dba")?.targets.push("db01".to_owned());
        Ok(())
    })?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 100, 30)?;
    terminal.sees_prompt()?;
    site.apply(|documents| {
        let allow = &mut documents.flow("dba")?.allow;
        allow.retain(|line| !line.contains("shell"));
        Ok(())
    })?;
    ensure!(terminal.ends()? == 254);
    wait::until_true("both ends on record", PATIENCE, || {
        Ok(store::audit(&site, "session-end")?.len() == 2)
    })?;
    let ends = store::audit(&site, "session-end")?;
    let because = |end: &serde_json::Value| {
        let because = end.pointer("/detail/because/because");
        because.and_then(|because| because.as_str()) == Some("matrix-changed")
    };
    ensure!(ends.iter().all(because), "{ends:?}");
    Ok(())
}

/// Invariant 6: a lost line ends the channels that it permitted; a channel of another line goes on, on the same connection
/// and in the same session.
#[test]
fn a_lost_line_ends_its_own_channels_and_no_others() -> Result<()> {
    let mut site = Site::start()?;
    site.approved("alice", "db01")?;
    let shared = site.ssh("alice+db01").shared("lines");
    shared.clone().run("true").answer()?.success()?;
    let mut command = shared
        .clone()
        .run("echo started; exec sleep 1000")
        .spawn()?;
    command.first_line()?;
    let terminal = Terminal::of(&site, &shared, 100, 30)?;
    terminal.sees_prompt()?;
    site.apply(|documents| {
        let allow = &mut documents.flow("dba")?.allow;
        allow.retain(|line| !line.contains("command"));
        Ok(())
    })?;
    command
        .answer()?
        .status_is(254)?
        .says(&["The client changed what is allowed on db01"])?;
    terminal.enters("echo it goes on")?;
    terminal.sees("\nit goes on")?;
    // What the session itself rests on ends it whole.
    site.apply(|documents| {
        let targets = &mut documents.flow("dba")?.targets;
        targets.retain(|target| target != "db01");
        Ok(())
    })?;
    ensure!(terminal.ends()? == 254);
    Ok(())
}
