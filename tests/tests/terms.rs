//! What a permit brings with it, tried with real clients: terminal, TERM, signals; and derogations that end. F2, F3, P15.

use anyhow::{Result, ensure};
use ecluse_tests::clock::{Clock, date_in};
use ecluse_tests::{Site, Terminal, peers, plan, recording, target};

fn site_with(allow: &[&str]) -> Result<Site> {
    let allow: Vec<String> = allow.iter().map(|line| (*line).to_owned()).collect();
    let site = Site::start_with(|plan| {
        plan.documents.flow("dba")?.allow = allow;
        Ok(())
    })?;
    site.proven("alice", "db01")?;
    Ok(site)
}

/// A command whose line gives no terminal is refused before it runs, and the words say what to do.
#[test]
fn a_terminal_under_a_template_is_refused_before_the_command_runs() -> Result<()> {
    let site = site_with(&[
        "command: true",
        "command: touch {name}",
        "{ line = \"command: tty\", terminal = true }",
    ])?;
    let marker = site.layout().target_home().join("marker");
    site.ssh("alice+db01")
        .flag("-tt")
        .run("touch marker")
        .answer()?
        .refused(&["command: touch {name}", "dba", "ssh -T"])?;
    ensure!(!marker.exists(), "the command ran");
    site.ssh("alice+db01")
        .flag("-T")
        .run("touch marker")
        .answer()?
        .success()?;
    ensure!(marker.exists());
    let answer = site
        .ssh("alice+db01")
        .flag("-tt")
        .run("tty")
        .answer()?
        .success()?;
    ensure!(answer.text().contains("/dev/pts/"), "{answer:?}");
    Ok(())
}

/// A terminal's name reaches the target as a name or not at all (CVE-2014-6271 and its kind).
#[test]
fn a_terminal_with_a_name_that_is_none_is_refused() -> Result<()> {
    let site = Site::start()?;
    site.proven("alice", "db01")?;
    let with = |term: &str| {
        site.ssh("alice+db01")
            .flag("-tt")
            .variable("TERM", term)
            .run("echo \"term=[$TERM]\"")
            .answer()
    };
    for bad in [
        "() { :;}; echo hacked",
        "x;id",
        "../../etc/passwd",
        "a b",
        &"x".repeat(60_000),
    ] {
        with(bad)?.refused(&["A-Z a-z 0-9 . _ + -", "TERM=xterm-256color ssh"])?;
    }
    for (good, seen) in [
        ("screen.xterm-256color", "screen.xterm-256color"),
        ("", "dumb"),
    ] {
        let answer = with(good)?.success()?;
        ensure!(
            answer.text().contains(&format!("term=[{seen}]")),
            "{answer:?}"
        );
    }
    // The lobby serves whoever has an odd terminal: nothing of it goes anywhere.
    site.ssh("alice")
        .flag("-tt")
        .variable("TERM", "() { :;}; echo hacked")
        .run("flows")
        .answer()?
        .success()?;
    Ok(())
}

/// A command gets INT TERM HUP QUIT, a shell all signals of RFC 4254, and without a terminal nobody's window changes.
/// What does not pass is on record. An sshd that runs as root for root itself passes none on, the built-in target does.
#[test]
fn signals_and_window_changes_pass_by_what_opened_the_channel() -> Result<()> {
    let site = Site::start_with(|plan| {
        plan.target = Some(target::Kind::BuiltIn);
        Ok(())
    })?;
    site.approved("alice", "db01")?;
    // The first command is told that it is recorded; what follows is exact on every stream.
    site.ssh("alice+db01").run("true").answer()?.success()?;
    peers::run(&site, "asyncssh_client", &["alice+db01", "terms"])?.success()?;
    let casts = recording::wait_for_casts(&site.layout().recordings(), 3)?;
    let mut marks = Vec::new();
    for cast in &casts {
        for event in recording::events(cast)? {
            if event.kind == "m" {
                marks.push(event.text);
            }
        }
    }
    for wanted in [
        "not passed on: the signal USR1 does not come with `command: *`",
        "not passed on: the signal KILL does not come with `command: *`",
        "not passed on: a new window size does not come with `command: *`",
        "signal TERM",
        "signal USR1",
    ] {
        ensure!(
            marks.iter().any(|mark| mark.contains(wanted)),
            "{wanted} is not on record: {marks:?}"
        );
    }
    Ok(())
}

/// P15: at its end a derogation takes with it what was opened by it, and nothing else.
#[test]
fn a_derogation_ends_while_it_is_used_and_the_rest_goes_on() -> Result<()> {
    let now = Clock::real().seconds()?;
    let then = now + 20 * 60;
    let (day, second) = (then / 86_400 - now / 86_400, then % 86_400);
    let until = format!(
        "{}T{:02}:{:02}:{:02}Z",
        date_in(day)?,
        second / 3600,
        second / 60 % 60,
        second % 60
    );
    let site = Site::start_with(|plan| {
        plan.movable_clock = true;
        plan.documents.flow("dba")?.allow = vec!["shell".to_owned(), plan::every_command(&until)];
        Ok(())
    })?;
    site.approved("alice", "db01")?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 100, 30)?;
    terminal.sees_prompt()?;
    let mut running = site
        .ssh("alice+db01")
        .run("echo started; sleep 1000")
        .spawn()?;
    running.first_line()?;
    site.clock().advance(21 * 60)?;
    let answer = running.answer()?;
    ensure!(answer.status == Some(254), "{answer:?}");
    // Told whose day ended, and not that a window closed.
    let said = &answer.errors;
    ensure!(
        said.contains("“command: *” of the flow dba was allowed until")
            && said.contains("Ask the client")
            && !said.contains("window"),
        "{said}"
    );
    site.ssh("alice+db01")
        .run("true")
        .answer()?
        .refused(&["command"])?;
    terminal.enters("echo still-$((40+2))")?;
    terminal.sees("still-42")?;
    Ok(())
}
