//! What a hold leaves to come, and what a top-up lets pass: one way alone, from another gateway, after a restart. X2, X3.

use std::io::Write;

use super::hands::does;
use super::held::{held, held_by};
use super::pouring::Pouring;
use super::*;

/// The largest slice of a channel, as the gateway's README says it.
const SLICE: usize = 8 << 20;

/// X3: after `hold` at full speed no more than a slice comes, and then nothing; after `resume` all of it, byte for byte.
#[test]
fn x3_a_hold_by_hand_freezes_a_flood_within_a_slice() -> Result<()> {
    let site = open_site()?;
    let home = site.layout().target_home();
    let noise = fs::read(home.join("noise"))?;
    let mut running = site
        .ssh("alice+db01")
        .run("while [ ! -e enough ]; do cat noise; done")
        .patience(PATIENCE)
        .spawn()?;
    let pouring = Pouring::of(&mut running, &noise)?;
    pouring.passes(SLICE)?;
    let session = site.live_session()?;
    does(&site, &["hold", &session], "is held: nothing passes")?;
    let answered = pouring.came();
    let held = pouring.still()?;
    ensure!(
        held - answered <= SLICE,
        "{} bytes came after the hold was answered",
        held - answered
    );
    ensure!(running.child.try_wait()?.is_none(), "it ended");
    does(&site, &["resume", &session], "goes on")?;
    pouring.passes(held + noise.len())?;
    fs::write(home.join("enough"), "")?;
    running.answer()?.success()?;
    let all = pouring.all()?;
    ensure!(all.is_multiple_of(noise.len()), "{all} bytes came");
    Ok(())
}

/// A yes of odile after a restart, when her code is remembered and no more of now.
fn tops_up_with_a_code(site: &Site, session: &str, size: &str) -> Result<()> {
    let topup = site.ssh("odile").run(format!("topup {session} {size}"));
    let terminal = Terminal::of(site, &topup, 110, 30)?;
    terminal.sees("One-time code:")?;
    terminal.enters(&site.fresh_code("odile")?)?;
    terminal.sees("may pass from here on")?;
    ensure!(terminal.ends()? == 0);
    Ok(())
}

/// X2, X3: a gateway that stops, or is killed, while a session is held by its budget: the session ends, in words where it stops;
/// what was taken is remembered, whoever comes next waits, and a top-up lets them go on.
#[test]
fn x3_a_gateway_that_ends_while_a_budget_holds_forgets_nothing() -> Result<()> {
    let mut site = open_site()?;
    let limits = "session = \"64 GiB\", intervention = \"100 KiB\", at-limit = \"hold\"";
    budgets(&mut site, limits, "100 KiB")?;
    let ran = site.layout().target_home().join("ran");
    let begin = |site: &Site, command: &str| {
        let ssh = site.ssh("alice+db01").run(command);
        ssh.patience(PATIENCE).spawn()
    };
    let mut first = begin(&site, "cat plain")?;
    // A little of it is taken: the exit status of what was run before.
    read(&mut first, 99 * KIB)?;
    held(&site)?;
    site.close()?;
    let answer = first
        .answer()?
        .refused(&["the gateway stops. Connect again later"])?;
    ensure!(received(&answer) <= KIB, "{} more came", received(&answer));
    for kill in [true, false] {
        site.open()?;
        let quota = site.lobby("alice", &["quota"]).answer()?.success()?.text();
        let row = quota.lines().find(|line| line.contains("(intervention)"));
        let row = row.with_context(|| format!("no intervention in {quota}"))?;
        ensure!(
            row.contains("100 KiB") && row.contains(" 0 B"),
            "it is forgotten what was taken: {row}"
        );
        let mut next = begin(&site, "touch ran; echo begun")?;
        let session = held(&site)?;
        ensure!(!ran.exists(), "it was started beyond the budget");
        if kill {
            site.kill()?;
            let answer = next.answer()?;
            ensure!(
                answer.status != Some(0) && answer.output.is_empty(),
                "{answer:?}"
            );
            continue;
        }
        tops_up_with_a_code(&site, &session, "1MiB")?;
        let answer = next.answer()?.success()?;
        ensure!(answer.text() == "begun\n" && ran.exists(), "{answer:?}");
    }
    Ok(())
}

/// X3: `topup --up` lets more in and no more out, and a `topup` without it no more in: counted on the target and at the client.
#[test]
fn x3_a_top_up_is_for_its_own_way_alone() -> Result<()> {
    let mut site = open_site()?;
    budgets(
        &mut site,
        "session = \"100 KiB\", intervention = \"64 GiB\", up-session = \"100 KiB\", at-limit = \"hold\"",
        "64 GiB",
    )?;
    let home = site.layout().target_home();
    let noise = fs::read(home.join("noise"))?;
    let arrived = || -> Result<usize> {
        let found = fs::metadata(home.join("got")).map(|found| found.len());
        Ok(usize::try_from(found.unwrap_or_default())?)
    };
    let mut running = site
        .ssh("alice+db01")
        .run("cat > got; cat noise")
        .patience(PATIENCE)
        .spawn()?;
    let pouring = Pouring::of(&mut running, &noise)?;
    let mut stdin = running.child.stdin.take().context("no stdin")?;
    let input = noise.clone();
    let written = std::thread::spawn(move || stdin.write_all(&input));
    let session = held(&site)?;
    // The words of the command are of the same budget.
    let most = 100 * KIB - "cat > got; cat noise".len();
    wait::until_true("all that may arrive", PATIENCE, || Ok(arrived()? >= most))?;
    does(&site, &["topup", &session, "50KiB"], "nothing was added")?;
    ensure!(held(&site)? == session && pouring.still()? == 0);
    ensure!(arrived()? == most, "{} bytes arrived", arrived()?);
    does(
        &site,
        &["topup", &session, "50KiB", "--up"],
        "50 KiB may pass from here on towards the target",
    )?;
    let most = most + 50 * KIB;
    wait::until_true("all that may arrive", PATIENCE, || Ok(arrived()? >= most))?;
    ensure!(held(&site)? == session && pouring.still()? == 0);
    ensure!(arrived()? == most, "{} bytes arrived", arrived()?);
    does(
        &site,
        &["topup", &session, "64MiB", "--up"],
        "64 MiB may pass from here on towards the target",
    )?;
    // In by all of it, out by what it was before.
    pouring.passes(100 * KIB - 1)?;
    ensure!(held(&site)? == session);
    let came = pouring.still()?;
    ensure!(came == 100 * KIB, "{came} bytes came");
    ensure!(
        fs::read(home.join("got"))? == noise,
        "what arrived is not exact"
    );
    site.operator(&["topup", &session, "64MiB"])?.success()?;
    running.answer()?.success()?;
    let all = pouring.all()?;
    ensure!(all == noise.len(), "{all} bytes came");
    let written = written.join().map(|written| written.is_ok());
    ensure!(written.is_ok_and(|written| written));
    Ok(())
}

/// X3: what a budget holds at one gateway goes on, byte for byte, by a top-up that is typed at another; one of so much lets so much
/// pass.
#[test]
fn x3_a_top_up_at_another_gateway_lets_it_go_on() -> Result<()> {
    let address = store::database()?;
    let here = Site::start_with(|plan| {
        plan.documents.settings.store = address;
        plan.documents.extraction =
            "{ session = \"100 KiB\", intervention = \"64 GiB\", at-limit = \"hold\" }".to_owned();
        Ok(())
    })?;
    fill(&here)?;
    let there = here.beside()?;
    here.proven("alice", "db01")?;
    let noise = fs::read(here.layout().target_home().join("noise"))?;
    let mut running = there
        .ssh("alice+db01")
        .run("cat noise")
        .patience(PATIENCE)
        .spawn()?;
    let pouring = Pouring::of(&mut running, &noise)?;
    pouring.passes(100 * KIB - 1)?;
    let session = held_by(&here, "100 % of 100 KiB (session)")?;
    does(
        &here,
        &["topup", &session, "50KiB"],
        "session: 50 KiB more, 150 KiB in all",
    )?;
    pouring.passes(150 * KIB - 1)?;
    let came = pouring.still()?;
    ensure!(came == 150 * KIB, "{came} bytes came");
    here.operator(&["topup", &session, "64MiB"])?.success()?;
    running.answer()?.success()?;
    let all = pouring.all()?;
    ensure!(all == noise.len(), "{all} bytes came");
    Ok(())
}
