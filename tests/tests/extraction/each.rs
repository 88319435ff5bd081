//! A budget of a channel is that channel's alone: the others of its session go on. X1, X3.

use super::held::held;
use super::pouring::Pouring;
use super::*;

/// A shell over the connection that more can use, in a session whose channels have so much each.
fn shell_beside(site: &mut Site, then: &str) -> Result<Terminal> {
    let limits = format!(
        "session = \"64 GiB\", intervention = \"63 GiB\", channel = \"100 KiB\", at-limit = \"{then}\""
    );
    budgets(site, &limits, "63 GiB")?;
    let terminal = Terminal::of(site, &over_one(site), 200, 40)?;
    terminal.sees("100 KiB (channel)")?;
    terminal.enters("echo rea''dy")?;
    terminal.sees("ready")?;
    Ok(terminal)
}

/// X1: a channel whose budget is spent ends, with no more than that; the shell beside it and what is begun later go on.
#[test]
fn x1_a_channels_budget_ends_that_channel_alone() -> Result<()> {
    let mut site = open_site()?;
    let terminal = shell_beside(&mut site, "end")?;
    for _ in 0..2 {
        let answer = over_one(&site)
            .run("cat noise")
            .answer()?
            .refused(&["a budget is spent: 100 KiB (channel)"])?;
        let got = received(&answer);
        ensure!(got == 100 * KIB, "{got} bytes came");
    }
    let answer = over_one(&site).run("head -c 1000 plain").answer()?;
    ensure!(received(&answer.success()?) == 1000);
    terminal.enters("echo still'' here")?;
    terminal.sees("still here")?;
    ensure!(
        store::audit(&site, "session-end")?.len() == 1,
        "its session ended"
    );
    // The shell has a budget of its own.
    terminal.enters("cat plain")?;
    ensure!(terminal.ends()? == 254);
    Ok(())
}

/// X3: one that holds is held alone, keys pass beside it, and a top-up lets it go on, byte for byte.
#[test]
fn x3_a_channels_budget_holds_that_channel_alone() -> Result<()> {
    let mut site = open_site()?;
    let terminal = shell_beside(&mut site, "hold")?;
    let noise = fs::read(site.layout().target_home().join("noise"))?;
    let mut running = over_one(&site).run("cat noise").spawn()?;
    let pouring = Pouring::of(&mut running, &noise)?;
    pouring.passes(100 * KIB - 1)?;
    let session = held(&site)?;
    terminal.enters("echo still'' here")?;
    terminal.sees("still here")?;
    let answer = over_one(&site).run("head -c 1000 plain").answer()?;
    ensure!(received(&answer.success()?) == 1000);
    let came = pouring.still()?;
    ensure!(came == 100 * KIB, "{came} bytes came");
    site.operator(&["topup", &session, "64MiB"])?.success()?;
    running.answer()?.success()?;
    let all = pouring.all()?;
    ensure!(all == noise.len(), "{all} bytes came");
    Ok(())
}
