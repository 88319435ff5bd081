//! What a hold leaves as it is, and who sees it. P5, X3, I5.

use std::io::Write;
use std::path::PathBuf;

use ecluse_tests::target::sshd;

use super::hands::does;
use super::*;

/// P5: a hold keeps what runs on the target, and so what a program there has only in memory or in a file that was removed, for longer
/// than the target waits for signs of life; it goes on as it was. A cut ends it.
#[test]
fn p5_a_hold_keeps_what_runs_and_a_cut_does_not() -> Result<()> {
    let mut site = Site::start()?;
    fs::write(
        sshd::more(site.layout()),
        "ClientAliveInterval 2\nClientAliveCountMax 2\n",
    )?;
    site.restart_target(true)?;
    site.proven("alice", "db01")?;
    // What it has is nowhere but in an open file that has no name any more.
    let runs = "echo trace > volatile; exec 3< volatile; rm volatile; echo $$; while read line; do echo \"got $line\"; done";
    let mut running = site
        .ssh("alice+db01")
        .run(runs)
        .patience(PATIENCE)
        .spawn()?;
    let program = PathBuf::from("/proc").join(running.first_line()?);
    let session = site.live_session()?;
    does(
        &site,
        &["hold", &session, "--reason", "what is that?"],
        "is held",
    )?;
    let stdin = running.child.stdin.as_mut().context("no stdin")?;
    stdin.write_all(b"later\n")?;
    let unanswered = Instant::now() + Duration::from_secs(8);
    wait::until_true("the time to pass", PATIENCE, || {
        ensure!(
            fs::read_to_string(program.join("fd/3"))? == "trace\n",
            "what it had is not there any more"
        );
        Ok(Instant::now() >= unanswered)
    })?;
    does(&site, &["resume", &session], "goes on")?;
    ensure!(running.first_line()? == "got later");
    ensure!(program.exists());
    does(&site, &["cut", &session], "Cut: session")?;
    running.answer()?.status_is(254)?;
    wait::until_true("the end of the program", PATIENCE, || Ok(!program.exists()))
}

/// X3, I5: whoever watches sees that it is held, by whom and why, and that it goes on.
#[test]
fn x3_a_watcher_sees_the_hold() -> Result<()> {
    let mut site = open_site()?;
    holds_at(&mut site, "20 KiB")?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 160, 30)?;
    terminal.sees_prompt()?;
    let session = site.live_session()?;
    let watch = site
        .ssh("odile")
        .shared("odile")
        .run(format!("watch {session}"));
    let watch = Terminal::of(&site, &watch, 160, 31)?;
    watch.sees("q leaves")?;
    does(
        &site,
        &["hold", &session, "--reason", "what is that?"],
        "is held",
    )?;
    terminal.sees("odile holds this session: what is that?")?;
    watch.sees("HELD by odile: what is that?")?;
    does(&site, &["resume", &session], "goes on")?;
    terminal.sees("lets this session go on")?;
    watch.sees_that("no hold any more", |screen| !screen.contains("HELD"))?;
    // And where a budget does it.
    terminal.enters("head -c 30000 plain")?;
    watch.sees("HELD by a budget that is spent")?;
    Ok(())
}
