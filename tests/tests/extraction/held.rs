//! What is held at a limit waits for an operator, loses nothing, and runs nothing that was typed meanwhile. X3.

use std::io::{Read, Write};

use ecluse_tests::target::sshd;
use ecluse_tests::{client, dropbear, recording};

use super::*;

/// The number of the session that `live` shows as held.
pub(super) fn held(site: &Site) -> Result<String> {
    held_by(site, "HELD, ")
}

/// The number of the session that `live` shows with these words.
pub(super) fn held_by(site: &Site, words: &str) -> Result<String> {
    wait::until("a session that is held", PATIENCE, || {
        let live = site.operator(&["live"])?.success()?.text();
        let row = live.lines().find(|line| line.contains(words));
        Ok(row.and_then(|row| row.split_whitespace().next().map(str::to_owned)))
    })
}

/// X3: a command with its input, held for longer than the target and the client wait for signs of life, and than the target's
/// keys last: what an operator adds
/// passes and no more, and in the end everything has come, byte for byte.
#[test]
fn x3_what_is_held_waits_and_goes_on_exactly() -> Result<()> {
    let mut site = open_site()?;
    fs::write(
        sshd::more(site.layout()),
        "ClientAliveInterval 3\nClientAliveCountMax 2\nRekeyLimit default 5s\n",
    )?;
    site.restart_target(true)?;
    holds_at(&mut site, "100 KiB")?;
    let noise = fs::read(site.layout().target_home().join("noise"))?;
    let all = [&*noise, &*noise, &*noise, b"the end"].concat();
    let mut running = site
        .ssh("alice+db01")
        .option("ServerAliveInterval=1")
        .option("ServerAliveCountMax=3")
        .run("cat noise noise noise; cat")
        .patience(PATIENCE)
        .spawn()?;
    let mut got = vec![0; 100 * KIB];
    let stdout = running.child.stdout.as_mut().context("no stdout")?;
    stdout.read_exact(&mut got)?;
    let session = held(&site)?;
    let unanswered = Instant::now() + Duration::from_secs(12);
    wait::until_true("the time to pass", PATIENCE, || {
        Ok(Instant::now() >= unanswered)
    })?;
    let told = site.operator(&["live"])?.success()?.text();
    ensure!(
        told.contains(&format!("it is held: topup {session} 100KiB")),
        "{told}"
    );
    let topped = site
        .operator(&["topup", &session, "50KiB"])?
        .success()?
        .text();
    for words in [
        "50 KiB may pass from here on",
        "session: 50 KiB more, 150 KiB in all",
    ] {
        ensure!(topped.contains(words), "{words:?} is not in {topped}");
    }
    let mut more = vec![0; 50 * KIB];
    let stdout = running.child.stdout.as_mut().context("no stdout")?;
    stdout.read_exact(&mut more)?;
    got.extend(more);
    ensure!(held(&site)? == session);
    // The rest, and what is sent meanwhile.
    let mut stdin = running.child.stdin.take().context("no stdin")?;
    stdin.write_all(b"the end")?;
    drop(stdin);
    site.operator(&["topup", &session, "64MiB"])?.success()?;
    let answer = running.answer()?.success()?.says(&[
        "Nothing more passes until an operator of hopital adds to it",
        "it goes on",
    ])?;
    got.extend(&answer.output);
    ensure!(
        got == all,
        "{} bytes came and not {}, or others",
        got.len(),
        all.len()
    );
    let records = store::audit(&site, "top-up")?;
    ensure!(records.len() == 2, "{records:?}");
    let first = records.first().map(Value::to_string).unwrap_or_default();
    for part in [
        "\"odile\"",
        "\"technician\":\"alice\"",
        "\"more\":51200",
        "code-proven-at",
    ] {
        ensure!(first.contains(part), "{part} is not in {first}");
    }
    Ok(())
}

/// X3: at a terminal the technician reads why nothing passes; what they type meanwhile is refused and never runs.
#[test]
fn x3_what_is_typed_while_it_is_held_does_not_run() -> Result<()> {
    let mut site = open_site()?;
    holds_at(&mut site, "20 KiB")?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 200, 40)?;
    terminal.sees("At most")?;
    terminal.enters("head -c 30000 plain; echo; echo rea''dy")?;
    terminal.sees("Nothing more passes until an operator of hopital")?;
    terminal.enters("touch typed")?;
    let session = held(&site)?;
    // What was typed is read before anything goes on.
    terminal.enters("touch typed")?;
    site.operator(&["topup", &session, "1MiB"])?.success()?;
    terminal.sees("ready")?;
    terminal.sees("was not passed on")?;
    terminal.enters("ls -d typed; echo do''ne")?;
    let screen = terminal.sees("done")?;
    ensure!(screen.contains("No such file"), "{screen}");
    // Whoever reads the recording reads that it was held, and that it went on.
    terminal.enters("exit")?;
    recording::wait_for_casts(&site.layout().recordings(), 2)?;
    let told = site
        .auditor(&["replay", &session, "--text"])?
        .success()?
        .text();
    let told = words(&told);
    for words in [
        "Nothing more passes until",
        "it goes on",
        "was not passed on",
    ] {
        ensure!(told.contains(words), "{words:?} is not in {told}");
    }
    Ok(())
}

/// X3: a budget of a session holds all its channels, whichever used it up: what is typed in another never runs, and what is begun
/// meanwhile over the same connection is refused in so many words, on record, before the target hears of it.
#[test]
fn x3_nothing_is_begun_in_a_session_that_is_held() -> Result<()> {
    let mut site = open_site()?;
    let terminal = shell_under_a_hold(&mut site)?;
    let uses_up = "head -c 30000 plain; sleep 1000";
    let mut finder = over_one(&site).run(uses_up).spawn()?;
    terminal.sees("Nothing more passes until an operator of hopital")?;
    let session = held(&site)?;
    over_one(&site).run("touch ran").answer()?.refused(&[
        "the 20 KiB that may pass (session) are spent",
        "This was not started",
    ])?;
    let refused = store::audit(&site, "flow-refused")?;
    let told = refused.first().map(Value::to_string).unwrap_or_default();
    ensure!(
        refused.len() == 1 && told.contains("holds the session") && told.contains("touch ran"),
        "{refused:?}"
    );
    for _ in 0..3 {
        terminal.enters("touch typed")?;
        ensure!(held(&site)? == session);
    }
    let home = site.layout().target_home();
    ensure!(!home.join("typed").exists() && !home.join("ran").exists());
    site.operator(&["topup", &session, "1MiB"])?.success()?;
    terminal.sees("was not passed on")?;
    terminal.enters("ls -d typed ran; echo do''ne")?;
    let screen = terminal.sees("done")?;
    ensure!(
        screen.matches("No such file").count() == 2,
        "typed or ran: {screen}"
    );
    over_one(&site).run("touch ran").answer()?.success()?;
    ensure!(home.join("ran").exists());
    finder.child.kill()?;
    Ok(())
}

/// X3: a shell whose terminal is raw has all of it, byte for byte, after a hold.
#[test]
fn x3_a_shell_goes_on_exactly() -> Result<()> {
    let mut site = open_site()?;
    holds_at(&mut site, "100 KiB")?;
    let noise = fs::read(site.layout().target_home().join("noise"))?;
    let ssh = site.ssh("alice+db01").flag("-tt").patience(PATIENCE);
    let mut running = ssh.spawn()?;
    let mut stdin = running.child.stdin.take().context("no stdin")?;
    stdin.write_all(b"stty raw -echo; cat noise; exit\n")?;
    let session = held(&site)?;
    site.operator(&["topup", &session, "64MiB"])?.success()?;
    let answer = running.answer()?.success()?;
    let mut places = answer.output.windows(noise.len());
    ensure!(places.any(|place| place == noise), "what came is not exact");
    drop(stdin);
    Ok(())
}

/// X3: a client whose window is 64 KiB and never more waits, and has all of it in the end.
#[test]
fn x3_a_client_with_a_small_window_waits_and_has_all() -> Result<()> {
    let mut site = open_site()?;
    holds_at(&mut site, "100 KiB")?;
    let noise = fs::read(site.layout().target_home().join("noise"))?;
    let mut dbclient = dropbear::client(&site, "alice")?;
    dbclient.args(["-W", "65536", "-l", "alice+db01", "127.0.0.1", "cat noise"]);
    let mut running = client::spawn(&mut dbclient, PATIENCE)?;
    let mut got = vec![0; 100 * KIB];
    let stdout = running.child.stdout.as_mut().context("no stdout")?;
    stdout.read_exact(&mut got)?;
    let session = held(&site)?;
    site.operator(&["topup", &session, "64MiB"])?.success()?;
    let answer = running.answer()?.success()?;
    got.extend(&answer.output);
    ensure!(got == noise, "{} bytes came, or others", got.len());
    Ok(())
}
