//! What passes only while somebody of the client watches it. I4, I5.

use std::fmt::Write as _;
use std::io::Write;
use std::process::Command;
use std::time::SystemTime;

use ecluse_tests::plan::FLOW;
use ecluse_tests::process::{descendants, send};
use rustix::process::Signal;

use super::hands::{does, shown};
use super::pouring::Pouring;
use super::*;
use crate::bundles::export;

/// A site with two operators, where alice and bruno may work and their codes are remembered, and from here on accompanied, each
/// operator so many sessions.
fn site_accompanied(each: u32) -> Result<Site> {
    let mut site = Site::start_with(|plan| plan.operator("omar", "en"))?;
    fill(&site)?;
    for technician in ["alice", "bruno"] {
        site.proven(technician, "db01")?;
    }
    for operator in ["odile", "omar"] {
        site.lobby(operator, &["live"]).answer()?.success()?;
    }
    let told = accompanied(&mut site, each)?;
    ensure!(
        told.contains("approval.accompanied: true") && told.contains("each 1 session at most"),
        "{told}"
    );
    site.wait_for_target_sessions(0, PATIENCE)?;
    Ok(site)
}

fn accompanied(site: &mut Site, each: u32) -> Result<String> {
    let told = site.apply(|documents| {
        documents.flow(FLOW)?.accompanied = Some(each);
        Ok(())
    })?;
    wait::until_true("that flows are accompanied", PATIENCE, || {
        let flows = site.lobby("alice", &["flows"]).answer()?.success()?.text();
        let each = match each {
            1 => "each one session".to_owned(),
            each => format!("each {each} sessions"),
        };
        Ok(flows.contains(&each))
    })?;
    Ok(told)
}

/// `watch` of an operator, over a connection of its own.
fn watches(site: &Site, operator: &str, session: &str) -> Result<Running> {
    let ssh = site.ssh(operator).flag("-tt");
    let ssh = ssh.variable("TERM", "xterm-256color");
    ssh.run(format!("watch {session}")).spawn()
}

/// The same on a terminal that is looked at.
fn watches_on(site: &Site, operator: &str, session: &str) -> Result<Terminal> {
    let ssh = site.ssh(operator).run(format!("watch {session}"));
    Terminal::of(site, &ssh, 200, 40)
}

/// How many connections the target has.
fn connections(site: &mut Site) -> Result<usize> {
    Ok(descendants(site.target()?.process.id()).len())
}

/// When something happened, after the Epoch.
fn at(record: &Value) -> Option<Duration> {
    Some(Duration::from_micros(record.get("at")?.as_u64()?))
}

/// Who and whether it is left alone, of all entries of a kind.
fn entries(site: &Site, kind: &str) -> Result<Vec<String>> {
    let told = store::audit(site, kind)?.into_iter().map(|record| {
        let who = record.get("person").and_then(Value::as_str);
        let alone = record.pointer("/detail/alone").and_then(Value::as_bool);
        let mut told = who.unwrap_or_default().to_owned();
        if alone == Some(true) {
            let _ = write!(told, " alone");
        }
        told
    });
    Ok(told.collect())
}

/// P6: what was permitted and waits for company is not begun once a posture says otherwise, whoever comes.
#[test]
fn p6_what_waits_when_a_posture_comes_is_not_begun() -> Result<()> {
    let site = site_accompanied(1)?;
    let mut waits = site
        .ssh("alice+db01")
        .run("touch begun")
        .patience(PATIENCE)
        .spawn()?;
    let session = site.live_session()?;
    shown(&site, &session, &format!("watch {session}"))?;
    site.operator(&["posture", "high", "--reason", "an intrusion"])?
        .success()?;
    let watching = watches(&site, "odile", &session)?;
    let ended = waits.answer()?;
    ensure!(
        ended.status != Some(0) && words(&ended.errors).contains("heightened posture"),
        "{ended:?}"
    );
    ensure!(!site.layout().target_home().join("begun").exists());
    drop(watching);
    Ok(())
}

/// I4: nothing is dialled before an operator watches; it pauses at once when the client of the last one is killed, within ten seconds
/// when it is silent, and goes on, byte for byte, when another watches or the silent one answers again. Neither an auditor nor
/// `resume` does it, and the times of presence are on record.
#[test]
fn i4_a_session_waits_passes_and_pauses_with_whoever_watches() -> Result<()> {
    let mut site = site_accompanied(1)?;
    let noise = fs::read(site.layout().target_home().join("noise"))?;
    // Not so much that its sealing takes minutes.
    let limits = "session = \"64 GiB\", intervention = \"255 GiB\", rate = \"2 MiB/s\"";
    budgets(&mut site, limits, "255 GiB")?;
    let enough = site.layout().target_home().join("enough");
    let mut running = site
        .ssh("alice+db01")
        .run("while [ ! -e enough ]; do cat noise; done; cat")
        .patience(PATIENCE)
        .spawn()?;
    let pouring = Pouring::of(&mut running, &noise)?;
    let session = site.live_session()?;
    shown(&site, &session, &format!("watch {session}"))?;
    let told = site.lobby("omar", &["live"]).answer()?.success()?.text();
    ensure!(
        told.contains("waits for an operator who watches it: watch"),
        "{told}"
    );
    does(
        &site,
        &["resume", &session],
        "waits for an operator who watches it, and that stays",
    )?;
    // An auditor has no `watch`, and so no company to give.
    let auditor = watches(&site, "aurele", &session)?.answer()?;
    ensure!(auditor.status != Some(0), "{}", auditor.text());
    shown(&site, &session, "WAITS since")?;
    ensure!(connections(&mut site)? == 0, "the target was dialled");
    ensure!(entries(&site, "accompanied")?.is_empty());
    // An operator watches.
    let mut odile = watches(&site, "odile", &session)?;
    pouring.passes(100 * KIB)?;
    shown(&site, &session, "accompanied by odile")?;
    ensure!(connections(&mut site)? > 0);
    // Killed.
    let killed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    odile.child.kill()?;
    shown(&site, &session, "WAITS since")?;
    let left = store::audit(&site, "unaccompanied")?;
    let left = left.last().and_then(at).context("nobody left")?;
    let late = left.saturating_sub(killed);
    ensure!(late < Duration::from_secs(2), "seen after {late:?}");
    // Nothing comes until the next one watches.
    let came = pouring.still()?;
    shown(&site, &session, "WAITS since")?;
    ensure!(
        pouring.came() == came,
        "{} bytes came to nobody's eyes",
        pouring.came() - came
    );
    // Another, who falls silent and answers again.
    let omar = watches(&site, "omar", &session)?;
    shown(&site, &session, "accompanied by omar")?;
    pouring.passes(came + noise.len())?;
    send(omar.child.id(), Signal::STOP)?;
    let stopped = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    shown(&site, &session, "WAITS since")?;
    let left = store::audit(&site, "unaccompanied")?;
    let left = left.last().and_then(at).context("nobody left")?;
    let late = left.saturating_sub(stopped);
    ensure!(late <= Duration::from_secs(10), "seen after {late:?}");
    let came = pouring.still()?;
    send(omar.child.id(), Signal::CONT)?;
    shown(&site, &session, "accompanied by omar")?;
    pouring.passes(came)?;
    fs::write(enough, "")?;
    let mut stdin = running.child.stdin.take().context("no stdin")?;
    let input = noise.clone();
    // The target reads it once all before it is read here.
    let written = std::thread::spawn(move || stdin.write_all(&input));
    let answer = running.answer()?.success()?.says(&[
        "nothing is started on the target, until an operator of hopital watches it",
        "odile watches this session: it goes on",
        "nobody of hopital watches this session any more",
        "omar watches this session: it goes on",
    ])?;
    ensure!(answer.output.is_empty());
    let written = written.join().map(|written| written.is_ok());
    ensure!(written.is_ok_and(|written| written));
    // What the target sent by itself, and what it read.
    let all = pouring.all()?;
    ensure!(all.is_multiple_of(noise.len()), "{all} bytes came");
    ensure!(entries(&site, "accompanied")? == ["odile", "omar", "omar"]);
    let left = entries(&site, "unaccompanied")?;
    let expected = ["alice alone", "odile alone", "omar alone"];
    ensure!(left.starts_with(&expected.map(str::to_owned)), "{left:?}");
    // Whoever reads of it afterwards.
    let told = site.operator(&["interventions", "1"])?.success()?.text();
    ensure!(
        told.contains("Accompanied") && told.contains("left alone: 2 ×"),
        "{told}"
    );
    wait::until_true("the seals on record", PATIENCE, || {
        Ok(store::audit(&site, "recording-sealed")?.len() == 3)
    })?;
    let bundle = export(&site, &[&session], "evidence.tar")?;
    let page = Command::new("tar")
        .arg("-xOf")
        .arg(&bundle)
        .arg("index.html")
        .output()?;
    let page = String::from_utf8_lossy(&page.stdout).into_owned();
    let times = page.matches(&format!("session #{session}")).count();
    ensure!(page.contains("accomp") && times >= 3, "{page}");
    site.gateway().run(["journal", "verify"], "")?;
    drop(omar);
    Ok(())
}

/// Whoever asks, says yes or explains reads that it is accompanied.
fn is_told_beforehand(site: &Site) -> Result<()> {
    let explained = site
        .gateway()
        .run(["explain", "alice", "db01", "shell"], "")?;
    ensure!(
        explained.contains("accompanied: nothing passes unless an operator watches"),
        "{explained}"
    );
    let ask = [
        "request",
        "web01",
        "--for",
        "1h",
        "--reason",
        "the disk is full",
    ];
    let asked = site.lobby("alice", &ask).answer()?.success()?.text();
    let number = ecluse_tests::lobby::number(&asked).context("no number")?;
    let number = number.to_string();
    let pending = site.operator(&["pending"])?.success()?.text();
    let approved = site.operator(&["approve", &number])?.success()?.text();
    for told in [asked, pending, approved] {
        ensure!(
            told.contains(
                "Accompanied, by the flow dba: nothing passes unless an operator of hopital"
            ),
            "{told}"
        );
    }
    Ok(())
}

/// I4: an operator accompanies one session unless the flow says more, reads why the second does not count, and counts there once they
/// leave the first. At a terminal the technician reads that it waits and when it goes on, and what they type meanwhile is not
/// passed on. Who is removed from the documents accompanies nothing.
#[test]
fn i4_an_operator_accompanies_as_many_sessions_as_the_flow_says() -> Result<()> {
    let mut site = site_accompanied(1)?;
    is_told_beforehand(&site)?;
    let alice = Terminal::of(&site, &site.ssh("alice+db01"), 200, 40)?;
    alice.sees("this session is accompanied: nothing passes")?;
    let first = site.live_session()?;
    let mut bruno = site
        .ssh("bruno+db01")
        .run("cat")
        .patience(PATIENCE)
        .spawn()?;
    let second = (first.parse::<u64>()? + 1).to_string();
    shown(&site, &second, "WAITS since")?;
    alice.enters("touch typed")?;
    let of_first = watches_on(&site, "odile", &first)?;
    of_first.sees("you accompany it")?;
    alice.sees("odile watches this session: it goes on")?;
    alice.sees("was not passed on")?;
    alice.sees_prompt()?;
    let of_second = watches_on(&site, "odile", &second)?;
    of_second.sees("YOU DO NOT ACCOMPANY IT")?;
    shown(&site, &second, "WAITS since")?;
    // The flow says two.
    accompanied(&mut site, 2)?;
    of_second.sees("you accompany it")?;
    shown(&site, &second, "accompanied by odile")?;
    accompanied(&mut site, 1)?;
    of_second.sees("YOU DO NOT ACCOMPANY IT")?;
    shown(&site, &second, "WAITS since")?;
    // The first is left: it pauses, and the second goes on.
    of_first.presses("q")?;
    of_first.sees("it waits, since nobody accompanies it")?;
    of_first.ends()?;
    shown(&site, &second, "accompanied by odile")?;
    shown(&site, &first, "WAITS since")?;
    alice.sees("nobody of hopital watches this session any more")?;
    let omar = watches(&site, "omar", &first)?;
    shown(&site, &first, "accompanied by omar")?;
    alice.enters("ls -d typed; echo do''ne")?;
    let screen = alice.sees("done")?;
    ensure!(screen.contains("No such file"), "{screen}");
    // Beside it, the session is held by hand: each stays when the other ends.
    does(&site, &["hold", &first], "is held: nothing passes")?;
    site.apply(|documents| {
        documents.operators.retain(|one| one.id != "omar");
        Ok(())
    })?;
    shown(&site, &first, "WAITS since")?;
    drop(omar);
    does(
        &site,
        &["resume", &first],
        "is not held by hand any more, but waits for an operator",
    )?;
    alice.sees("but nobody watches it")?;
    shown(&site, &first, "WAITS since")?;
    // Nobody has to any more.
    site.apply(|documents| {
        documents.flow(FLOW)?.accompanied = None;
        Ok(())
    })?;
    alice.sees("does not have to be accompanied any more: it goes on")?;
    bruno.child.stdin.take();
    bruno.answer()?.success()?;
    Ok(())
}

/// I4, O4: who accompanies a session that one gateway carries does not accompany another at the next, before they leave the first;
/// `live` shows it at either.
#[test]
fn i4_an_operator_is_counted_over_all_gateways_of_a_store() -> Result<()> {
    let address = store::database()?;
    let mut here = Site::start_with(|plan| {
        plan.documents.settings.store = address;
        Ok(())
    })?;
    let there = here.beside()?;
    for technician in ["alice", "bruno"] {
        here.proven(technician, "db01")?;
    }
    accompanied(&mut here, 1)?;
    let mut alice = there
        .ssh("alice+db01")
        .run("cat")
        .patience(PATIENCE)
        .spawn()?;
    let first = here.live_session()?;
    shown(&here, &first, "WAITS since")?;
    let odile = watches_on(&there, "odile", &first)?;
    odile.sees("you accompany it")?;
    shown(&here, &first, "accompanied by odile")?;
    let mut bruno = here
        .ssh("bruno+db01")
        .run("cat")
        .patience(PATIENCE)
        .spawn()?;
    let second = (first.parse::<u64>()? + 1).to_string();
    shown(&here, &second, "WAITS since")?;
    let too = watches_on(&here, "odile", &second)?;
    too.sees("YOU DO NOT ACCOMPANY IT")?;
    shown(&here, &second, "WAITS since")?;
    odile.presses("q")?;
    odile.ends()?;
    too.sees("you accompany it")?;
    shown(&here, &second, "accompanied by odile")?;
    shown(&here, &first, "WAITS since")?;
    bruno.child.stdin.take();
    bruno.answer()?.success()?;
    alice.child.kill()?;
    Ok(())
}
