//! Sessions: what one intervention permits on one connection, with its own number, recording and end. Invariant 6, I3, I5, A8.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ecluse_tests::client::Running;
use ecluse_tests::{Plan, Site, Ssh, Terminal, peers, recording, store, wait};
use serde_json::Value;

/// Until what ended is seen to have ended, with a busy machine and clients that are started to ask.
const SOON: Duration = Duration::from_secs(10);

/// A request of alice for db01 of which only `families` are approved, for `length`.
fn approved_only(site: &Site, families: &[&str], length: &str) -> Result<String> {
    let number = site.request("alice", "db01")?.to_string();
    let mut words = vec!["approve", &number, "--for", length];
    for family in families {
        words.extend(["--only", family]);
    }
    site.operator(&words)?.success()?;
    Ok(number)
}

/// Alice's one connection.
fn shared(site: &Site) -> Ssh {
    site.ssh("alice+db01").shared("one")
}

/// A command that answers what it is told, line by line.
struct Echo(Running);

impl Echo {
    fn of(site: &Site) -> Result<Self> {
        let mut echo = Self(shared(site).run("cat").spawn()?);
        echo.answers("begun")?;
        Ok(echo)
    }

    fn answers(&mut self, line: &str) -> Result<()> {
        let stdin = self.0.child.stdin.as_mut().context("no standard input")?;
        stdin.write_all(format!("{line}\n").as_bytes())?;
        let answer = self.0.first_line()?;
        ensure!(answer == line, "{answer:?} came back for {line:?}");
        Ok(())
    }

    fn ends(&mut self) -> Result<String> {
        let answer = self.0.answer()?;
        ensure!(answer.status != Some(0), "{answer:?}");
        Ok(answer.errors)
    }
}

/// The shell of the second intervention, and the number of its session.
fn shell_beside(site: &Site) -> Result<(Terminal, String)> {
    let terminal = Terminal::of(site, &shared(site), 200, 30)?;
    let screen = terminal.sees("of this connection does not")?;
    terminal.sees_prompt()?;
    let number = screen
        .split("session ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next())
        .context("the terminal names no session")?;
    Ok((terminal, number.to_owned()))
}

/// The rows of `live`: session and intervention.
fn live(site: &Site) -> Result<Vec<(String, String)>> {
    let text = site.operator(&["live"])?.success()?.text();
    let row = |line: &str| {
        let mut words = line.split_whitespace().map(str::to_owned);
        let number = words.next()?;
        number.parse::<u64>().ok()?;
        Some((number, line.to_owned()))
    };
    Ok(text.lines().filter_map(row).collect())
}

/// How long it takes until `what` has happened; at most `within` is right.
fn takes<T>(what: &str, within: Duration, done: impl FnOnce() -> Result<T>) -> Result<T> {
    let began = Instant::now();
    let value = done()?;
    let took = began.elapsed();
    ensure!(took <= within, "{what} took {took:?}");
    Ok(value)
}

/// The cast whose input holds `word`, and the manifest beside it.
fn recorded(site: &Site, word: &str) -> Result<(PathBuf, Value)> {
    let directory = site.layout().recordings();
    let cast = wait::until(&format!("a recording of {word}"), SOON * 3, || {
        for cast in recording::casts(&directory)? {
            if recording::input(&cast)?.contains(word) {
                return Ok(Some(cast));
            }
        }
        Ok(None)
    })?;
    let manifest = fs::read(cast.with_file_name("manifest.json"))?;
    Ok((cast, serde_json::from_slice(&manifest)?))
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_default()
}

fn other_words_are_elsewhere(cast: &Path, words: &[&str]) -> Result<()> {
    let beside = recording::files(cast.parent().context("no directory")?, &|path| {
        path.to_string_lossy().ends_with(".cast.zst.age")
    })?;
    for cast in beside {
        let all = recording::input(&cast)? + &recording::output(&cast)?;
        for word in words {
            ensure!(!all.contains(word), "{word} is in {}", cast.display());
        }
    }
    Ok(())
}

/// F5: the recording of a second session on a connection is paid for out of the common purse; where that has not so much,
/// the session is refused in words and on record, and the first goes on.
#[test]
fn a_session_beside_another_is_refused_where_its_recording_has_no_memory() -> Result<()> {
    let site = Site::start_with(|plan| {
        plan.documents.settings.limits = vec!["memory = \"20 MiB\"".to_owned()];
        Ok(())
    })?;
    approved_only(&site, &["command"], "2h")?;
    let mut echo = Echo::of(&site)?;
    approved_only(&site, &["shell"], "1h")?;
    let refused = Terminal::of(&site, &shared(&site), 200, 30)?;
    refused.sees("too little memory left to record one more session on this connection")?;
    ensure!(refused.ends()? == 254);
    echo.answers("after-the-refusal")?;
    let rows = live(&site)?;
    ensure!(rows.len() == 1, "{rows:?}");
    let records = store::audit(&site, "session-refused")?;
    ensure!(
        records
            .iter()
            .any(|record| record["reason"] == "too little memory for a recording"),
        "{records:?}"
    );
    // On a connection of its own it has a place of its own.
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 200, 30)?;
    terminal.sees_prompt()?;
    echo.answers("beside-another-connection")?;
    Ok(())
}

/// A right of one thing is never looked up on another.
#[test]
fn two_interventions_of_one_connection_are_two_sessions_that_end_apart() -> Result<()> {
    let site = Site::start()?;
    approved_only(&site, &["command"], "2h")?;
    let mut echo = Echo::of(&site)?;
    let second = approved_only(&site, &["shell"], "1h")?;
    let (terminal, number) = shell_beside(&site)?;
    terminal.enters("echo typed-in-the-first-shell")?;
    terminal.sees("\ntyped-in-the-first-shell")?;
    echo.answers("beside-the-first-shell")?;
    let rows = live(&site)?;
    ensure!(rows.len() == 2, "`live` does not list them apart: {rows:?}");
    ensure!(
        rows.iter().any(|(session, _)| *session == number),
        "{rows:?}"
    );

    // A cut of the session ends it and nothing else.
    site.operator(&["cut", &number, "--reason", "enough"])?
        .success()?;
    terminal.ends()?;
    ensure!(
        terminal.screen()?.contains("enough"),
        "{}",
        terminal.screen()?
    );
    echo.answers("after-the-cut")?;

    // The intervention stands: the next shell opens a session of its own, which its withdrawal ends.
    let (terminal, third) = shell_beside(&site)?;
    ensure!(third != number, "session {number} was ended and goes on");
    terminal.enters("echo typed-in-the-second-shell")?;
    terminal.sees("\ntyped-in-the-second-shell")?;
    site.operator(&["withdraw", &second, "--reason", "done"])?
        .success()?;
    takes(
        "the end of a withdrawn shell",
        Duration::from_secs(2),
        || terminal.ends(),
    )?;
    echo.answers("after-the-withdrawal")?;

    // And what the first intervention does not permit is refused by it, while it goes on.
    let refused = Terminal::of(&site, &shared(&site), 200, 30)?;
    refused.sees("shell")?;
    ensure!(refused.ends()? == 254);
    echo.answers("after-the-refusal")?;

    // The person's handle takes the connection.
    site.operator(&["cut", "alice"])?.success()?;
    echo.ends()?;
    site.wait_for_target_sessions(0, SOON)?;
    wait::until_true("the end of the shared connection", SOON, || {
        let check = shared(&site).flag("-O").flag("check").answer()?;
        Ok(check.status != Some(0))
    })?;

    let (cast, manifest) = recorded(&site, "beside-the-first-shell")?;
    ensure!(text(&manifest, "/end/reason") == "cut", "{manifest}");
    ensure!(recording::input(&cast)?.contains("after-the-refusal"));
    other_words_are_elsewhere(
        &cast,
        &["typed-in-the-first-shell", "typed-in-the-second-shell"],
    )?;
    let (cast, manifest) = recorded(&site, "typed-in-the-first-shell")?;
    ensure!(
        text(&manifest, "/end/text") == "cut by odile: enough",
        "{manifest}"
    );
    // Why its channel ended is what the auditor reads, and not what the technician was told.
    ensure!(closed(&cast)? == "ecluse:closed cut by odile: enough");
    other_words_are_elsewhere(
        &cast,
        &["beside-the-first-shell", "typed-in-the-second-shell"],
    )?;
    let (cast, manifest) = recorded(&site, "typed-in-the-second-shell")?;
    ensure!(
        text(&manifest, "/end/reason") == "right-ended",
        "{manifest}"
    );
    ensure!(closed(&cast)? == format!("ecluse:closed {}", text(&manifest, "/end/text")));
    other_words_are_elsewhere(&cast, &["typed-in-the-first-shell", "after-the-cut"])?;
    Ok(())
}

/// The mark of a channel's end.
fn closed(cast: &Path) -> Result<String> {
    let events = recording::events(cast)?;
    let mut marks = events.into_iter().map(|event| event.text);
    marks
        .find(|text| text.starts_with("ecluse:closed "))
        .context("no end of the channel")
}

/// The other way round: the first session's end ends neither the connection nor the recording of the second.
#[test]
fn the_end_of_the_first_session_leaves_the_second_as_it_is() -> Result<()> {
    let site = Site::start()?;
    let first = approved_only(&site, &["command"], "2h")?;
    let mut echo = Echo::of(&site)?;
    approved_only(&site, &["shell", "command"], "1h")?;
    let (terminal, number) = shell_beside(&site)?;
    site.operator(&["withdraw", &first, "--reason", "done"])?
        .success()?;
    let errors = takes(
        "the end of a withdrawn command",
        Duration::from_secs(2),
        || echo.ends(),
    )?;
    ensure!(
        errors.contains("odile ended intervention #1"),
        "nothing tells why: {errors}"
    );
    terminal.enters("echo after-the-first")?;
    terminal.sees("\nafter-the-first")?;
    let (_, manifest) = recorded(&site, "begun")?;
    ensure!(
        text(&manifest, "/end/reason") == "right-ended",
        "{manifest}"
    );

    // A command, of the first's kind, stays in the session that is left: only its intervention permits it.
    let answer = shared(&site)
        .run("echo of-the-first-kind")
        .answer()?
        .success()?;
    ensure!(
        !answer.errors.contains("of this connection"),
        "{}",
        answer.errors
    );
    let rows = live(&site)?;
    ensure!(
        matches!(rows.as_slice(), [(session, _)] if *session == number),
        "{rows:?}"
    );
    terminal.enters("exit 3")?;
    ensure!(terminal.ends()? == 3);
    shared(&site).flag("-O").flag("exit").answer()?.success()?;
    let (_, manifest) = recorded(&site, "after-the-first")?;
    ensure!(text(&manifest, "/end/text") == "closed", "{manifest}");
    let starts = store::audit(&site, "session-start")?;
    let ends = store::audit(&site, "session-end")?;
    ensure!((starts.len(), ends.len()) == (2, 2), "{starts:?} {ends:?}");
    Ok(())
}

/// I3: each window ends its own session, and warns nobody else.
#[test]
fn a_window_ends_its_own_session_and_warns_its_own_channels() -> Result<()> {
    let site = Site::start_with(Plan::move_clock)?;
    approved_only(&site, &["command"], "2h")?;
    let first = Terminal::of(&site, &shared(&site).run("cat"), 200, 30)?;
    first.enters("one")?;
    first.sees("one\none")?;
    approved_only(&site, &["shell"], "30m")?;
    let (second, _) = shell_beside(&site)?;
    second.enters("echo typed-before-the-end")?;
    second.sees("\ntyped-before-the-end")?;
    site.clock().advance(21 * 60)?;
    second.sees("Save your work")?;
    site.clock().advance(10 * 60)?;
    second.ends()?;
    first.enters("two")?;
    let screen = first.sees("two\ntwo")?;
    ensure!(
        !screen.contains("Save your work"),
        "the wrong channel was warned:\n{screen}"
    );
    let (_, manifest) = recorded(&site, "typed-before-the-end")?;
    ensure!(
        text(&manifest, "/end/text").contains("window closed"),
        "{manifest}"
    );
    Ok(())
}

/// What a peer with two sessions on one connection says, line by line.
struct Peer {
    child: std::process::Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Peer {
    fn start(site: &Site, trick: &str) -> Result<Self> {
        let mut child = peers::command(site, "hostile_client", &[trick, "alice+db01"])?
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        let stdout = child.stdout.take().context("no stdout")?;
        let lines = BufReader::new(stdout).lines();
        Ok(Self { child, lines })
    }

    /// What follows `what` on its next line.
    fn says(&mut self, what: &str) -> Result<String> {
        let line = self.lines.next().context("the client said no more")??;
        let said = line
            .strip_prefix(what)
            .and_then(|rest| rest.strip_prefix(": "));
        Ok(said.with_context(|| line.clone())?.to_owned())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// When the one entry of a kind was made, in seconds since 1970: a cut counts from there, not from when somebody's client
/// began to log on to ask for it.
fn on_record_at(site: &Site, kind: &str) -> Result<f64> {
    let records = store::audit(site, kind)?;
    let [record] = records.as_slice() else {
        anyhow::bail!("not one entry: {records:?}");
    };
    let micros = record.get("at").and_then(Value::as_i64);
    let micros = u64::try_from(micros.context("an entry without its time")?)?;
    Ok(Duration::from_micros(micros).as_secs_f64())
}

/// Invariant 6: where the close of a session's channels does not get onto the wire, the connection goes, and the record of
/// the other session says why.
#[test]
fn a_client_that_reads_nothing_loses_its_connection_with_the_session() -> Result<()> {
    let site = Site::start()?;
    approved_only(&site, &["command"], "2h")?;
    let second = approved_only(&site, &["shell"], "1h")?;
    let mut peer = Peer::start(&site, "stalled_beside")?;
    ensure!(peer.says("stalled")? == "True");
    ensure!(live(&site)?.len() == 2);
    site.operator(&["withdraw", &second, "--reason", "done"])?
        .success()?;
    let ended: f64 = peer.says("ended")?.parse()?;
    let withdrawn = on_record_at(&site, "closing")?;
    ensure!(
        ended - withdrawn <= 2.0,
        "it took {:.2} s",
        ended - withdrawn
    );
    site.wait_for_target_sessions(0, SOON)?;
    let ends = wait::until("the ends of both sessions", SOON, || {
        let ends = store::audit(&site, "session-end")?;
        Ok((ends.len() == 2).then_some(ends))
    })?;
    let reasons: Vec<&str> = ends.iter().map(|end| text(end, "/reason")).collect();
    let of_the_other = "on the same connection ended, and the client did not read its end";
    ensure!(
        reasons.iter().any(|reason| reason.contains(of_the_other)),
        "{reasons:?}"
    );
    ensure!(
        reasons.iter().any(|reason| reason.contains("intervention")),
        "{reasons:?}"
    );
    let (_, manifest) = recorded(&site, "in-the-first")?;
    ensure!(
        text(&manifest, "/end/reason") == "connection-closed",
        "{manifest}"
    );
    ensure!(
        text(&manifest, "/end/text").contains(of_the_other),
        "{manifest}"
    );
    Ok(())
}

/// A client that reads its socket and not its shell has its window full and its connection in order: the close needs no
/// window, and the other session goes on.
#[test]
fn a_client_that_does_not_read_one_channel_keeps_the_others() -> Result<()> {
    let site = Site::start()?;
    approved_only(&site, &["command"], "2h")?;
    approved_only(&site, &["shell"], "1h")?;
    let mut peer = Peer::start(&site, "unread_beside")?;
    ensure!(peer.says("full")? == "True");
    let rows = live(&site)?;
    ensure!(rows.len() == 2, "{rows:?}");
    let (number, _) = rows.last().context("no session")?;
    site.operator(&["cut", number])?.success()?;
    let closed: f64 = peer.says("closed")?.parse()?;
    let cut = on_record_at(&site, "cut")?;
    ensure!(closed - cut <= 2.0, "it took {:.2} s", closed - cut);
    ensure!(peer.says("other")? == "still here");
    Ok(())
}
