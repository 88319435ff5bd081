//! What the client's operator sees and does while a session runs. I5, I6, invariant 6.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use ecluse_tests::client::Running;
use ecluse_tests::{Site, Terminal, peers, wait};

fn open_site() -> Result<Site> {
    let site = Site::start()?;
    site.proven("alice", "db01")?;
    Ok(site)
}

/// A command of alice that runs until it is ended.
fn long_command(site: &Site) -> Result<Running> {
    let mut running = site
        .ssh("alice+db01")
        .run("echo started; exec sleep 1000")
        .spawn()?;
    running.first_line()?;
    Ok(running)
}

#[test]
fn live_shows_who_is_where() -> Result<()> {
    let site = open_site()?;
    let _running = long_command(&site)?;
    let text = site.operator(&["live"])?.success()?.text();
    for fact in ["alice", "db01"] {
        ensure!(
            text.contains(fact),
            "`live` does not show {fact:?}:\n{text}"
        );
    }
    Ok(())
}

#[test]
fn live_forgets_a_session_that_ended() -> Result<()> {
    let site = open_site()?;
    let running = long_command(&site)?;
    site.live_session()?;
    drop(running);
    ecluse_tests::wait::until_true("an empty `live`", Duration::from_secs(60), || {
        Ok(!site
            .operator(&["live"])?
            .success()?
            .text()
            .contains("alice"))
    })
}

#[test]
fn watching_shows_the_technicians_screen_as_it_changes() -> Result<()> {
    let site = open_site()?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 80, 24)?;
    terminal.sees_prompt()?;
    terminal.enters("echo before-watching")?;
    terminal.sees("\nbefore-watching")?;
    let id = site.live_session()?;
    let watch = Terminal::of(
        &site,
        &site.ssh("odile").shared("odile").run(format!("watch {id}")),
        100,
        40,
    )?;
    watch.sees("before-watching")?;
    terminal.enters("echo while-watching")?;
    watch.sees("while-watching")?;
    // A full-screen program is drawn, not passed on.
    terminal.enters("printf '\\033[2J\\033[5;10Hdrawn-at-ten\\033]0;title\\007'; sleep 1000")?;
    watch.sees("drawn-at-ten")?;
    terminal.presses("C-c")?;
    watch.presses("q")?;
    watch.ends()?;
    terminal.enters("exit 3")?;
    ensure!(terminal.ends()? == 3, "watching changed the session");
    Ok(())
}

#[test]
fn a_session_is_cut_by_its_id_its_technician_its_target_and_all() -> Result<()> {
    let site = open_site()?;
    for what in ["ID", "alice", "db01", "all"] {
        let mut running = long_command(&site)?;
        let id = site.live_session()?;
        site.operator(&["cut", if what == "ID" { &id } else { what }])?
            .success()?;
        let answer = running.answer()?;
        answer
            .status_is(254)?
            .says(&["this session was cut by odile"])
            .with_context(|| format!("cut {what}"))?;
        site.wait_for_target_sessions(0, Duration::from_secs(5))?;
    }
    Ok(())
}

#[test]
fn a_cut_of_another_target_cuts_nothing() -> Result<()> {
    let site = open_site()?;
    let mut running = site
        .ssh("alice+db01")
        .run("echo started; exec cat")
        .spawn()?;
    running.first_line()?;
    for what in ["web01", "bruno", "nonsense", "00000000"] {
        site.operator(&["cut", what])?
            .status_is(1)?
            .says(&["No session in passage matches", what])?;
    }
    // A cut takes effect within a second; what is said afterwards still comes back.
    let told = running.child.stdin.as_mut().context("no stdin")?;
    told.write_all(b"still here\n")?;
    ensure!(running.first_line()? == "still here");
    ensure!(
        site.operator(&["live"])?
            .success()?
            .text()
            .contains("alice")
    );
    drop(running.child.stdin.take());
    running.answer()?.success()?;
    Ok(())
}

#[test]
fn a_cut_shows_in_the_technicians_terminal() -> Result<()> {
    let site = open_site()?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 90, 30)?;
    terminal.sees_prompt()?;
    let id = site.live_session()?;
    let ssh = site.ssh("odile").shared("odile").run(format!("watch {id}"));
    let watch = Terminal::of(&site, &ssh, 100, 40)?;
    watch.sees("q leaves")?;
    site.operator(&["cut", "alice", "--reason", "maintenance is over"])?
        .success()?;
    // Who watches reads how it ended, too.
    watch.sees("is over: cut by odile: maintenance is over")?;
    watch.presses("q")?;
    ensure!(terminal.ends()? == 254);
    let screen = terminal.screen()?;
    ensure!(
        screen.contains("this session was cut by odile") && screen.contains("maintenance is over"),
        "nothing tells why:\n{screen}"
    );
    Ok(())
}

/// Invariant 6: at most one second, even against a client that has stopped reading.
#[test]
fn a_cut_takes_a_second_even_when_nobody_reads() -> Result<()> {
    let site = open_site()?;
    site.operator(&["live"])?.success()?;
    let mut client = peers::command(&site, "hostile_client", &["stalled_reader", "alice+db01"])?
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()?;
    let stdout = client.stdout.take().context("no stdout")?;
    let mut lines = BufReader::new(stdout).lines();
    let stalled = lines.next().context("the client said nothing")??;
    ensure!(stalled.contains("stalled: True"), "{stalled}");
    let cut_at = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64();
    site.operator(&["cut", "all"])?.success()?;
    let ended = lines.next().context("the client's socket stayed open")??;
    client.wait()?;
    let moment: f64 = ended
        .trim_start_matches("ended: ")
        .parse()
        .with_context(|| ended.clone())?;
    ensure!(
        moment - cut_at <= 1.0,
        "the cut took {:.2} s",
        moment - cut_at
    );
    site.wait_for_target_sessions(0, Duration::from_secs(1))?;
    Ok(())
}

#[test]
fn a_cut_of_many_sessions_ends_them_all() -> Result<()> {
    let site = open_site()?;
    let mut running = Vec::new();
    for _ in 0..10 {
        running.push(long_command(&site)?);
    }
    site.operator(&["cut", "all"])?.success()?;
    for client in &mut running {
        client.answer()?.status_is(254)?.says(&["cut by odile"])?;
    }
    site.wait_for_target_sessions(0, Duration::from_secs(5))?;
    Ok(())
}

/// A withdrawn approval ends what it opened, and opens nothing more.
#[test]
fn a_withdrawn_intervention_ends_its_sessions() -> Result<()> {
    let site = Site::start()?;
    let number = site.approved("alice", "db01")?.to_string();
    let mut running = long_command(&site)?;
    site.operator(&["withdraw", &number, "--reason", "done for today"])?
        .success()?;
    running.answer()?.status_is(254)?.says(&[&format!(
        "odile ended intervention #{number} before its time"
    )])?;
    site.wait_for_target_sessions(0, Duration::from_secs(5))?;
    // The recording itself says who and why: whoever looks for the reason finds the moment.
    let said = format!("intervention #{number} was ended by odile: ");
    let patience = Duration::from_secs(60);
    wait::until_true("the reason in the recording", patience, || {
        let found = site.auditor(&["search", "done for today", "--in", "note"])?;
        Ok(found.text().contains(&said))
    })?;
    site.ssh("alice+db01")
        .run("true")
        .answer()?
        .refused(&["request db01"])?;
    Ok(())
}

#[test]
fn what_does_not_exist_cannot_be_acted_on() -> Result<()> {
    let site = Site::start()?;
    for (words, told) in [
        (["approve", "999"], "There is no intervention #999"),
        (["approve", "0"], "0"),
        (["approve", "-1"], "-1"),
        (["approve", "99999999999999999999"], "99999999999999999999"),
        (["approve", "'; DROP TABLE interventions; --"], "DROP"),
        (["refuse", "999"], "999"),
        (["watch", "999"], "999"),
        (["watch", "\u{1b}[2J"], "[2J"),
        (["nonsense", "1"], "There is no command “nonsense”"),
    ] {
        let answer = site.operator(&words)?;
        ensure!(
            matches!(answer.status, Some(1 | 2)) && answer.errors.contains(told),
            "{words:?}: {answer:?}"
        );
        ensure!(
            !answer.errors.contains("\u{1b}[2J"),
            "{words:?} came back raw"
        );
    }
    Ok(())
}

#[test]
fn help_says_what_each_role_can_do() -> Result<()> {
    let site = Site::start()?;
    for (person, words) in [
        ("alice", ["request", "cancel"]),
        ("odile", ["approve", "cut"]),
        ("aurele", ["recordings", "replay"]),
    ] {
        let text = site.lobby(person, &["help"]).answer()?.success()?.text();
        for word in words {
            ensure!(
                text.contains(word),
                "{person}'s help does not name {word}:\n{text}"
            );
        }
    }
    Ok(())
}

#[test]
fn the_prompt_shows_a_new_request_by_itself() -> Result<()> {
    let site = Site::start()?;
    site.operator(&["pending"])?.success()?;
    let terminal = Terminal::of(&site, &site.ssh("odile").shared("odile"), 110, 40)?;
    terminal.sees("help")?;
    let number = site.request("alice", "db01")?;
    terminal.sees("monthly check")?;
    terminal.enters(&format!("approve {number}"))?;
    terminal.sees("approved")?;
    site.ssh("alice+db01").run("true").answer()?.success()?;
    Ok(())
}

/// What was done is told, even where it could not be put on record.
#[test]
fn a_cut_that_is_not_on_record_is_told_all_the_same() -> Result<()> {
    let site = open_site()?;
    let mut running = long_command(&site)?;
    let id = site.live_session()?;
    // The store takes everything but the record of a cut.
    let refuses = "CREATE TRIGGER no_cut BEFORE INSERT ON audit WHEN NEW.kind = 'cut' BEGIN SELECT RAISE(ABORT, 'disk full'); END";
    let script = "import sqlite3, sys\n\
        store = sqlite3.connect(sys.argv[1], timeout=30)\n\
        store.execute(sys.argv[2])\n\
        store.commit()";
    let made = std::process::Command::new("python3")
        .args(["-c", script])
        .arg(site.layout().data().join("ecluse.db"))
        .arg(refuses)
        .status()?;
    ensure!(made.success(), "the store did not take the trigger");
    let cut = site.operator(&["cut", &id])?;
    ensure!(
        cut.status == Some(1)
            && cut.text().contains(&format!("session {id}"))
            && cut
                .errors
                .contains("The cut is done, but it could not be put on record"),
        "{cut:?}"
    );
    ensure!(running.answer()?.status != Some(0), "nothing was cut");
    Ok(())
}

/// A script that opens a session a command does not flood an operator's prompt: what is more than few is gathered.
#[test]
fn a_script_does_not_flood_the_prompt() -> Result<()> {
    let site = Site::start()?;
    site.proven("alice", "db01")?;
    let odile = Terminal::of(&site, &site.ssh("odile"), 100, 40)?;
    odile.sees("écluse>")?;
    for _ in 0..12 {
        site.ssh("alice+db01").run("true").answer()?.success()?;
    }
    odile.sees("“live” lists those in passage.")?;
    let screen = odile.screen()?;
    let one_by_one = screen
        .lines()
        .filter(|line| line.contains("Session ") && line.contains(" alice"))
        .count();
    ensure!(one_by_one < 12, "{screen}");
    Ok(())
}
