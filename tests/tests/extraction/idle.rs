//! What ends because nobody does anything, and what does not. I3.

use super::held::held;
use super::*;

/// I3: a terminal at which nobody types is warned and ends, whatever is drawn there, and so does a command that says nothing; one that
/// speaks goes on, and what is held is not idle. Each end is on record.
#[test]
fn i3_what_nobody_uses_ends_after_a_warning() -> Result<()> {
    let mut site = open_site()?;
    site.apply(|documents| {
        documents.client_tail = "idle = \"1m\"\n".to_owned();
        documents.extraction =
            "{ session = \"20 KiB\", intervention = \"64 GiB\", at-limit = \"hold\" }".to_owned();
        Ok(())
    })?;
    in_force(&site, "64 GiB")?;
    let mut holding = site.ssh("alice+db01").run("cat plain").spawn()?;
    held(&site)?;
    let draws = "while sleep 1; do printf .; done";
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 100, 30)?;
    terminal.sees("At most")?;
    terminal.enters(draws)?;
    let mut silent = site
        .ssh("alice+db01")
        .run("sleep 1000")
        .patience(2 * PATIENCE)
        .spawn()?;
    let mut speaking = site.ssh("alice+db01").run(draws).spawn()?;
    terminal.sees("nobody types here")?;
    silent
        .answer()?
        .refused(&["nobody did anything here for", "as the flow “dba” says"])?;
    terminal.sees("nobody did anything here for")?;
    ensure!(terminal.ends()? == 254);
    ensure!(speaking.child.try_wait()?.is_none(), "it spoke, and ended");
    ensure!(
        holding.child.try_wait()?.is_none(),
        "it was held, and ended"
    );
    let records = store::audit(&site, "idle")?;
    ensure!(records.len() == 2, "{records:?}");
    let told = records.iter().map(Value::to_string).collect::<String>();
    ensure!(told.contains("nobody did anything for 1m") && told.contains("sleep 1000"));
    // How a session ended that nobody used is no mere close.
    wait::until_true("the end in the list", PATIENCE, || {
        let listed = site.auditor(&["recordings"])?;
        Ok(listed.text().contains("nobody did anything any more"))
    })?;
    speaking.child.kill()?;
    holding.child.kill()?;
    Ok(())
}

/// I3: a time that is written while a channel is open holds for it from then on, and another that is written takes its place.
#[test]
fn i3_an_idle_time_that_changes_reaches_what_is_open() -> Result<()> {
    let mut site = open_site()?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 100, 30)?;
    terminal.sees("At most")?;
    terminal.sees_prompt()?;
    let mut idle = |time: &str| {
        site.apply(|documents| {
            documents.client_tail = format!("idle = \"{time}\"\n");
            Ok(())
        })
    };
    idle("1m")?;
    terminal.sees("nobody types here")?;
    idle("4h")?;
    let over = Instant::now() + Duration::from_secs(40);
    wait::until_true("the time to pass", PATIENCE, || Ok(Instant::now() >= over))?;
    terminal.enters("echo still'' here")?;
    terminal.sees("still here")?;
    ensure!(store::audit(&site, "idle")?.is_empty());
    Ok(())
}
