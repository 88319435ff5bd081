//! What operators are told of, or what holds a session, before any budget is spent, and what is no matter. X3, N1.

use std::path::PathBuf;
use std::process::Command;

use super::hands::{does, shown};
use super::*;
use crate::bundles::export;

/// Puts signals in force and waits until they are; `explain` reads the same documents as the gateway.
fn signals(site: &mut Site, written: &str, budget: &str) -> Result<()> {
    site.apply(|documents| {
        documents.client_tail = format!("\n{written}\n");
        documents.extraction = format!("{{ session = \"1 GiB\", intervention = \"{budget}\" }}");
        Ok(())
    })?;
    in_force(site, budget)
}

/// The records of signals, once there are so many.
fn found(site: &Site, count: usize) -> Result<Vec<Value>> {
    wait::until(&format!("{count} signals on record"), PATIENCE, || {
        let records = store::audit(site, "signal")?;
        Ok((records.len() >= count).then_some(records))
    })
}

/// What one of them says of a thing.
fn says(record: &Value, key: &str) -> String {
    let value = record.get("detail").and_then(|detail| detail.get(key));
    value
        .map(|value| value.to_string().replace('"', ""))
        .unwrap_or_default()
}

fn ran(site: &Site, file: &str) -> PathBuf {
    site.layout().target_home().join(file)
}

/// X3: a wall of base64, a long steady stream, a recording that grows at which nobody is, work outside the usual hours: each is told
/// once a session to every operator, in the recording and on record, and nothing is held; a log and a build are no wall.
#[test]
fn x3_what_is_worth_telling_is_told_once_to_every_operator() -> Result<()> {
    let mut site = Site::start_with(|plan| plan.operator("omar", "fr"))?;
    fill(&site)?;
    site.proven("alice", "db01")?;
    let run = |site: &Site, command: &str| over_one(site).run(command).answer()?.success();
    signals(&mut site, "[signals]\nbase64 = \"notify\"", "64 GiB")?;
    for harmless in [
        "yes | head -c 400000",
        "seq 100000",
        "i=0; while [ $i -lt 4000 ]; do echo \"Nov 30 15:22:16 db01 sshd[$i]: Accepted publickey for ops from 10.1.2.3 port 50022 ssh2\"; i=$((i+1)); done",
        "cat plain noise",
    ] {
        run(&site, harmless)?;
    }
    // Twice in one session, and once told.
    let wall = run(&site, "base64 noise")?;
    ensure!(
        wall.output.len() > 2 << 20,
        "{} bytes came",
        wall.output.len()
    );
    run(&site, "base64 noise >&2")?;
    let records = found(&site, 1)?;
    let [first] = records.as_slice() else {
        anyhow::bail!("{records:?}");
    };
    ensure!(
        says(first, "signal") == "base64" && says(first, "then") == "notify",
        "{first}"
    );
    ensure!(says(first, "command") == "base64 noise", "{first}");
    ensure!(says(first, "threshold") == "65536", "{first}");
    for (operator, told) in [
        ("odile", "The signal “base64”: alice on db01"),
        ("omar", "Le signal « base64 » : alice sur db01"),
    ] {
        let live = words(&site.lobby(operator, &["live"]).answer()?.success()?.text());
        let told = told.to_lowercase();
        ensure!(
            live.to_lowercase().contains(&told),
            "{told} is not in {live}"
        );
    }
    // Other documents act on what is open: the other signals, in the same session.
    let others = "[signals]\nsteady = { rate = \"1 KiB/s\", for = \"5s\" }\nunattended = { for = \"6s\" }\n\
                  hours = { usual = \"mon 00:00-00:01 UTC\" }";
    let mut running = over_one(&site)
        .run("while sleep 0.05; do head -c 2000 plain; done")
        .spawn()?;
    read(&mut running, 1000)?;
    signals(&mut site, others, "63 GiB")?;
    let drained = std::thread::spawn(move || running.answer());
    let records = found(&site, 4)?;
    let mut names: Vec<String> = records
        .iter()
        .map(|record| says(record, "signal"))
        .collect();
    names.sort_unstable();
    ensure!(
        names == ["base64", "hours", "steady", "unattended"],
        "{names:?}"
    );
    site.operator(&["cut", "alice"])?.success()?;
    let _ = drained.join();
    ensure!(
        store::audit(&site, "hold")?.is_empty(),
        "something was held"
    );
    ensure!(store::audit(&site, "signal")?.len() == 4, "told again");
    // Whoever reads the recording, or searches, reads of it.
    wait::until_true("the signal in a recording", PATIENCE, || {
        let told = site.auditor(&["search", "signal base64"])?.text();
        Ok(words(&told).contains("against 64 KiB"))
    })
}

/// X3: a tripwire holds a shell before its line reaches the target, whether it was typed or came out of the history; the technician
/// reads by what; `resume` lets exactly that go on, and does not hold it again. So it is with a command, which is not started.
/// Without the tripwire the same line passes.
#[test]
fn x3_a_tripwire_holds_before_its_line_runs() -> Result<()> {
    let mut site = open_site()?;
    let tripwire = "[[tripwire]]\nname = \"trip\"\npattern = \"touch */tripped*\"\ntargets = [\"db01\"]\nthen = \"hold\"";
    signals(&mut site, tripwire, "64 GiB")?;
    let terminal = Terminal::of(&site, &over_one(&site), 200, 40)?;
    terminal.sees("At most")?;
    terminal.enters("touch ./harmless; echo rea''dy")?;
    terminal.sees("ready")?;
    let watch = site.ssh("odile").shared("odile").run("watch 2");
    let watch = Terminal::of(&site, &watch, 200, 41)?;
    watch.sees("q leaves")?;
    terminal.enters("touch ./tripped; echo on''ce; base64 noise | tail -n 3; md5sum < noise")?;
    terminal.sees("the tripwire “trip” holds this session")?;
    shown(&site, "2", "HELD by the tripwire “trip”")?;
    watch.sees("HELD by the tripwire “trip”")?;
    // What is typed meanwhile is refused as in any hold, and what was held has not run.
    terminal.enters("touch typed")?;
    let live = words(&site.operator(&["live"])?.success()?.text());
    ensure!(live.contains("It is held: resume 2"), "{live}");
    ensure!(!ran(&site, "tripped").exists(), "it ran");
    does(&site, &["resume", "2"], "goes on")?;
    let screen = terminal.sees("once")?;
    // Who lets it go on is said before what then comes.
    let said = screen.find("odile lets this session go on");
    ensure!(said.is_some() && said < screen.rfind("\nonce"), "{screen}");
    watch.sees_that("no hold any more", |screen| !screen.contains("HELD"))?;
    wait::until_true("what was held", PATIENCE, || {
        Ok(ran(&site, "tripped").exists())
    })?;
    ensure!(
        !ran(&site, "typed").exists(),
        "what was typed meanwhile ran"
    );
    terminal.enters("echo still he''re")?;
    terminal.sees("still here")?;
    ensure!(store::audit(&site, "signal")?.len() == 1, "held again");
    // Out of the history: nothing of it is typed.
    terminal.presses("Up")?;
    terminal.presses("Up")?;
    terminal.sees_that("the line of before", |screen| {
        screen.matches("touch ./tripped").count() > 1
    })?;
    terminal.presses("Enter")?;
    let records = found(&site, 2)?;
    let second = records.last().context("no second")?;
    ensure!(
        says(second, "measured").contains("touch ./tripped"),
        "{second}"
    );
    shown(&site, "2", "HELD by the tripwire “trip”")?;
    does(&site, &["resume", "2"], "goes on")?;
    // A command, in a session of its own.
    let mut command = site
        .ssh("alice+db01")
        .run("touch ./tripped-too; cat noise")
        .patience(PATIENCE)
        .spawn()?;
    let session = super::held::held_by(&site, "HELD by the tripwire")?;
    ensure!(!ran(&site, "tripped-too").exists(), "it was started");
    does(&site, &["resume", &session], "goes on")?;
    let answer = command.answer()?.success()?;
    let noise = fs::read(ran(&site, "noise"))?;
    ensure!(answer.output == noise, "what came is not exact");
    // Taken out of the document while the shell is open.
    signals(&mut site, "", "63 GiB")?;
    terminal.enters("touch ./tripped-last; echo pas''sed")?;
    terminal.sees("passed")?;
    ensure!(
        store::audit(&site, "signal")?.len() == 3,
        "a tripwire that is gone"
    );
    terminal.enters("exit")?;
    // The connection stays, which others could share.
    does(&site, &["cut", "2"], "Cut: session 2")?;
    wait::until_true("the words in the recording", PATIENCE, || {
        let told = words(&site.auditor(&["replay", "2", "--text"])?.text());
        Ok(told.contains("signal tripwire trip (hold)")
            && told.contains("the tripwire “trip” holds this session"))
    })?;
    // Whoever reads the intervention, or takes its evidence away, reads how often.
    let told = words(&site.operator(&["interventions", "1"])?.success()?.text());
    ensure!(told.contains("signals: 3 ×"), "{told}");
    wait::until_true("the seal", PATIENCE, || {
        let sealed = store::audit(&site, "recording-sealed")?;
        Ok(sealed.len() >= 2)
    })?;
    let bundle = export(&site, &["2"], "evidence.tar")?;
    let page = Command::new("tar")
        .arg("-xOf")
        .arg(&bundle)
        .arg("index.html")
        .output()?;
    let page = String::from_utf8_lossy(&page.stdout).into_owned();
    ensure!(page.contains("signal donné\u{a0}: 3 fois"), "{page}");
    site.gateway().run(["journal", "verify"], "")?;
    Ok(())
}

/// X3: a burst is measured against the person's own past, which a restart does not take away; without one, against the floor.
#[test]
fn x3_a_burst_is_far_above_a_persons_own_past() -> Result<()> {
    let mut site = open_site()?;
    site.proven("bruno", "db01")?;
    signals(
        &mut site,
        "[signals]\nburst = { factor = 3, floor = \"100 KiB\" }",
        "64 GiB",
    )?;
    // Its end is on record when this returns.
    let take = |site: &Site, kib: usize| -> Result<()> {
        let command = format!("head -c {} plain", kib * KIB);
        let answer = site.ssh("alice+db01").run(command).answer()?.success()?;
        ensure!(answer.output.len() == kib * KIB);
        wait::until_true("the end of the session", PATIENCE, || {
            let ends = store::audit(site, "session-end")?;
            let mut all = ends.iter().map(|end| says(end, "largest-minute"));
            Ok(all.any(|minute| minute == (kib * KIB).to_string()))
        })
    };
    take(&site, 80)?;
    ensure!(store::audit(&site, "signal")?.is_empty(), "under the floor");
    // Three times 80 KiB.
    take(&site, 230)?;
    ensure!(store::audit(&site, "signal")?.is_empty(), "under the past");
    // While the operator's code is one of now: after the restart it is only remembered.
    site.proven("bruno", "db01")?;
    site.close()?;
    site.open()?;
    take(&site, 600)?;
    ensure!(
        store::audit(&site, "signal")?.is_empty(),
        "under the past that a restart left"
    );
    take(&site, 1900)?;
    let records = found(&site, 1)?;
    let first = records.first().context("no burst")?;
    ensure!(
        says(first, "threshold") == (3 * 600 * KIB).to_string(),
        "{first}"
    );
    // Who took nothing yet has no past.
    site.ssh("bruno+db01")
        .run("head -c 200000 plain")
        .answer()?
        .success()?;
    let records = found(&site, 2)?;
    let second = records.last().context("no second")?;
    ensure!(
        says(second, "threshold") == (100 * KIB).to_string(),
        "{second}"
    );
    Ok(())
}

/// X3, I5: what a signal holds on one gateway is told at another, and let go on from there.
#[test]
fn x3_a_signal_on_another_gateway_is_told_and_let_go_on() -> Result<()> {
    let address = store::database()?;
    let here = Site::start_with(|plan| {
        plan.documents.settings.store = address;
        plan.documents.client_tail = "\n[signals]\nbase64 = \"hold\"\n".to_owned();
        Ok(())
    })?;
    fill(&here)?;
    let there = here.beside()?;
    here.proven("alice", "db01")?;
    let mut running = there
        .ssh("alice+db01")
        .run("base64 noise")
        .patience(2 * PATIENCE)
        .spawn()?;
    read(&mut running, 1000)?;
    let session = super::held::held_by(&here, "HELD by the signal “base64”")?;
    let live = words(&here.operator(&["live"])?.success()?.text());
    ensure!(
        live.contains(&format!("It is held: resume {session}")),
        "{live}"
    );
    does(&here, &["resume", &session], "goes on")?;
    let answer = running.answer()?.success()?;
    ensure!(
        answer.output.len() > 2 << 20,
        "{} bytes came",
        answer.output.len()
    );
    let live = words(&here.operator(&["live"])?.success()?.text());
    ensure!(live.contains("it waits no more"), "{live}");
    Ok(())
}
