//! What an operator does by hand to a session: held, let go, slowed, here and on another gateway. X3, I5.

use super::held::held;
use super::*;

/// What `live` of a site shows of a session, once it shows these words.
pub(super) fn shown(site: &Site, session: &str, words: &str) -> Result<String> {
    wait::until(&format!("{words:?} in `live`"), PATIENCE, || {
        let live = site.operator(&["live"])?.success()?.text();
        let mut rows = live.lines();
        let row = rows.find(|row| row.split_whitespace().next() == Some(session));
        Ok(row.filter(|row| row.contains(words)).map(str::to_owned))
    })
}

pub(super) fn does(site: &Site, command: &[&str], told: &str) -> Result<()> {
    let said = words(&site.operator(command)?.success()?.text());
    ensure!(said.contains(told), "{told:?} is not in {said}");
    Ok(())
}

/// X3: a session is held by hand, whatever its budgets are: the technician reads by whom and why, what they type never runs,
/// nothing new is started, and neither a top-up nor the end of a budget's hold lets it go. Then it is slowed, all its
/// channels together. Each is on record before it is done.
#[test]
fn x3_a_session_is_held_slowed_and_let_go_by_hand() -> Result<()> {
    let mut site = open_site()?;
    let terminal = shell_under_a_hold(&mut site)?;
    // By a technician: refused. Of a session that is not: the same words as for `cut`.
    site.lobby("alice", &["hold", "2"]).answer()?.status_is(1)?;
    site.operator(&["hold", "77"])?.status_is(1)?;
    let session = "2";
    does(
        &site,
        &["hold", session, "--reason", "what is that?"],
        "is held: nothing passes",
    )?;
    terminal.sees("odile holds this session: what is that?")?;
    terminal.enters("touch typed")?;
    shown(&site, session, "HELD by odile")?;
    does(
        &site,
        &["hold", session, "--reason", "what is that?"],
        "is held already, by odile",
    )?;
    over_one(&site)
        .run("touch ran")
        .answer()?
        .refused(&["odile holds this session. This was not started"])?;
    terminal.enters("touch typed")?;
    does(&site, &["resume", session], "goes on")?;
    terminal.sees("odile lets this session go on")?;
    terminal.sees("was not passed on")?;
    does(&site, &["resume", session], "Nobody holds session 2")?;
    // A budget holds it too: each hold stays when the other ends.
    terminal.enters("head -c 30000 plain; echo; echo rea''dy again")?;
    ensure!(held(&site)? == session);
    does(&site, &["resume", session], "a budget does")?;
    does(&site, &["hold", session], "is held: nothing passes")?;
    does(
        &site,
        &["topup", session, "1MiB"],
        "odile holds the session by hand, and that stays",
    )?;
    terminal.sees("the budget lets more pass, but odile holds this session")?;
    terminal.enters("touch typed")?;
    shown(&site, session, "HELD by odile")?;
    does(&site, &["resume", session], "goes on")?;
    terminal.sees("ready again")?;
    terminal.enters("ls -d typed ran; echo do''ne")?;
    let screen = terminal.sees("done")?;
    ensure!(
        screen.matches("No such file").count() == 2,
        "typed or ran: {screen}"
    );
    // Slowed, and not slowed any more.
    site.operator(&["slow", session, "1B/s"])?.status_is(2)?;
    does(
        &site,
        &["slow", session, "2KiB/s"],
        "goes at 2 KiB/s at most",
    )?;
    terminal.sees("odile slows this session to 2 KiB/s")?;
    shown(&site, session, "slowed to 2 KiB/s")?;
    let began = Instant::now();
    let answer = over_one(&site)
        .run("head -c 8192 plain")
        .answer()?
        .success()?;
    ensure!(answer.output.len() == 8192);
    ensure!(
        began.elapsed() > Duration::from_secs(3),
        "it was not slowed"
    );
    does(&site, &["slow", session, "off"], "goes as fast again")?;
    terminal.sees("no operator slows this session any more")?;
    terminal.enters("exit")?;
    for (kind, count) in [("hold", 2), ("resume", 2), ("slow", 2)] {
        let records = store::audit(&site, kind)?;
        ensure!(records.len() == count, "{kind}: {records:?}");
        let first = records.first().map(Value::to_string).unwrap_or_default();
        ensure!(
            first.contains("\"odile\"") && first.contains("\"technician\":\"alice\""),
            "{first}"
        );
    }
    // Whoever reads the recording reads of it.
    does(&site, &["cut", session], "Cut: session 2")?;
    for words in [
        "odile holds this session: what is that?",
        "lets this session go on",
        "slows this session to",
    ] {
        wait::until_true(&format!("{words:?} in the recording"), PATIENCE, || {
            let told = site.auditor(&["replay", session, "--text"])?.text();
            Ok(super::words(&told).contains(words))
        })?;
    }
    Ok(())
}

/// X3, I5: the same of a session that another gateway carries; `live` shows where its budgets stand.
#[test]
fn x3_a_session_of_another_gateway_is_held_and_let_go_by_hand() -> Result<()> {
    let address = store::database()?;
    let here = Site::start_with(|plan| {
        plan.documents.settings.store = address;
        plan.documents.extraction =
            "{ session = \"1 MiB\", intervention = \"64 MiB\", at-limit = \"hold\" }".to_owned();
        Ok(())
    })?;
    fill(&here)?;
    let there = here.beside()?;
    here.proven("alice", "db01")?;
    let over_one = there.ssh("alice+db01").shared("one").patience(PATIENCE);
    let terminal = Terminal::of(&there, &over_one, 200, 40)?;
    terminal.sees("At most")?;
    terminal
        .enters("head -c 600000 plain > /dev/null; head -c 540000 plain; clear; echo rea''dy")?;
    terminal.sees("ready")?;
    let session = wait::until("the session", PATIENCE, || {
        let live = here.operator(&["live"])?.success()?.text();
        let row = live.lines().find(|line| line.contains("known there"));
        Ok(row.and_then(|row| row.split_whitespace().next().map(str::to_owned)))
    })?;
    shown(&here, &session, "of 1 MiB (session)")?;
    does(
        &here,
        &["hold", &session, "--reason", "wait"],
        "is held: nothing passes",
    )?;
    terminal.sees("odile holds this session: wait")?;
    terminal.enters("touch typed")?;
    shown(&here, &session, "HELD by odile")?;
    does(
        &here,
        &["slow", &session, "1MiB/s"],
        "goes at 1 MiB/s at most",
    )?;
    terminal.sees("odile slows this session to 1 MiB/s")?;
    terminal.enters("touch typed")?;
    does(&here, &["resume", &session], "goes on")?;
    terminal.sees("was not passed on")?;
    terminal.enters("ls -d typed; echo do''ne")?;
    let screen = terminal.sees("done")?;
    ensure!(screen.contains("No such file"), "{screen}");
    // Held by a budget, which is known by what is told of its account.
    terminal
        .enters("head -c 2000000 plain > /dev/null; head -c 2000000 plain; clear; echo la''st")?;
    shown(&here, &session, "HELD, ")?;
    does(
        &here,
        &["topup", &session, "64MiB"],
        "may pass from here on",
    )?;
    terminal.sees("last")?;
    shown(&here, &session, "of 65 MiB (session)")?;
    let live = here.operator(&["live"])?.success()?.text();
    ensure!(!live.contains("HELD"), "{live}");
    Ok(())
}

/// X3, I5: all sessions of a technician, of a target or of everybody are held by one word, at every gateway, and let go by one.
#[test]
fn x3_a_technician_a_target_and_all_are_held_by_one_word() -> Result<()> {
    let address = store::database()?;
    let here = Site::start_with(|plan| {
        plan.documents.settings.store = address;
        Ok(())
    })?;
    let there = here.beside()?;
    here.proven("alice", "db01")?;
    here.proven("bruno", "db01")?;
    let begin = |site: &Site, who: &str| {
        let mut running = site.ssh(who).run("echo in; exec cat").spawn()?;
        running.first_line()?;
        Ok::<_, anyhow::Error>(running)
    };
    let _open = [
        begin(&here, "alice+db01")?,
        begin(&there, "alice+db01")?,
        begin(&here, "bruno+db01")?,
    ];
    let held_now = |count: usize| {
        wait::until_true(&format!("{count} that are held"), PATIENCE, || {
            let live = here.operator(&["live"])?.success()?.text();
            Ok(live
                .lines()
                .filter(|row| row.contains("HELD by odile"))
                .count()
                == count)
        })
    };
    for (what, count) in [("alice", 2), ("db01", 3), ("all", 3)] {
        let told = here
            .operator(&["hold", what, "--reason", "all of it"])?
            .success()?
            .text();
        ensure!(
            told.matches("is held: nothing passes").count() == count,
            "{told}"
        );
        held_now(count)?;
        // Once more, without a reason: that is no other word, and takes none away.
        let again = here.operator(&["hold", what])?.success()?.text();
        ensure!(again.matches("is held already").count() == count, "{again}");
        let told = here.operator(&["resume", what])?.success()?.text();
        ensure!(told.matches(" goes on.").count() == count, "{told}");
        held_now(0)?;
    }
    // Of nobody who is there.
    here.operator(&["hold", "nobody"])?.status_is(1)?;
    Ok(())
}
