//! Nobody's looking slows anybody's hand, and whoever looks sees what is there. I5, R11, R10.

use std::time::Duration;

use anyhow::{Result, ensure};
use ecluse_tests::client::Running;
use ecluse_tests::lobby::first_row;
use ecluse_tests::{Site, Terminal, wait};

/// Standing still readers of one auditor: more than have a thread of their own at once.
const STANDING: usize = 12;

fn watch(site: &Site, id: &str) -> Result<Terminal> {
    let ssh = site.ssh("odile").shared("odile").run(format!("watch {id}"));
    Terminal::of(site, &ssh, 100, 31)
}

/// R11, I5: who comes late to a long session sees the screen as it is now, and so does everybody after them.
#[test]
fn a_latecomer_sees_the_present_of_a_long_session() -> Result<()> {
    let site = Site::start()?;
    site.proven("alice", "db01")?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 100, 30)?;
    terminal.sees_prompt()?;
    // Some 4 MB: long enough for its screen to be kept.
    terminal.enters("seq -f 'line %.0f of what was printed' 1 140000; echo the-end''-of-it")?;
    terminal.sees("the-end-of-it")?;
    let id = site.live_session()?;
    let first = watch(&site, &id)?;
    first.sees("the-end-of-it")?;
    terminal.enters("printf '\\033[10;20Hand-afterwards'; sleep 1000")?;
    first.sees("and-afterwards")?;
    let second = watch(&site, &id)?;
    second.sees("and-afterwards")?;
    // Row for row what the technician has, on both, below which stands the status line.
    let rows = |terminal: &Terminal| -> Result<Vec<String>> {
        let screen = terminal.visible()?;
        Ok(screen
            .lines()
            .take(30)
            .map(|row| row.trim_end().to_owned())
            .collect())
    };
    let theirs = rows(&terminal)?;
    for (who, terminal) in [("the first", &first), ("the latecomer", &second)] {
        wait::until_true(
            &format!("{who} sees the technician's screen"),
            Duration::from_secs(60),
            || Ok(rows(terminal)? == theirs),
        )?;
    }
    Ok(())
}

/// I5, R11: an operator's terminal that is smaller than the technician's says so, keeps its clock, and moves over all of
/// it; no row and no column is out of sight for good.
#[test]
fn a_small_terminal_moves_over_a_larger_one() -> Result<()> {
    let site = Site::start()?;
    site.proven("alice", "db01")?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 100, 30)?;
    terminal.sees_prompt()?;
    terminal.enters(
        "printf '\\033[H\\033[2Jtop-''left\\033[1;88Htop-''right\\033[30;1Hbot''tom'; sleep 1000",
    )?;
    terminal.sees("bottom")?;
    let id = site.live_session()?;
    let ssh = site.ssh("odile").shared("odile").run(format!("watch {id}"));
    let watch = Terminal::of(&site, &ssh, 40, 12)?;
    watch.sees("40×10 of 100×30")?;
    watch.sees(" left")?;
    watch.sees("bottom")?;
    for _ in 0..25 {
        watch.presses("k")?;
    }
    watch.sees("top-left")?;
    for _ in 0..8 {
        watch.presses("l")?;
    }
    watch.sees("top-right")?;
    watch.presses("f")?;
    watch.sees("bottom")?;
    Ok(())
}

/// A shell in which nothing happens is shown as it is: nobody is told that the present is still to come.
#[test]
fn an_idle_shell_is_the_present() -> Result<()> {
    let site = Site::start()?;
    site.proven("alice", "db01")?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 100, 30)?;
    terminal.sees_prompt()?;
    let watch = watch(&site, &site.live_session()?)?;
    watch.sees("q leaves")?;
    // The status line counts the seconds: some of them pass.
    let mut statuses = std::collections::BTreeSet::new();
    wait::until_true("five statuses", Duration::from_secs(30), || {
        let screen = watch.visible()?;
        let status = screen.lines().last().unwrap_or_default().to_owned();
        ensure!(!status.contains("not the present"), "{status}");
        statuses.insert(status);
        Ok(statuses.len() >= 5)
    })?;
    Ok(())
}

/// What a sequence asks for beyond what its bytes may cost is not drawn, and the operator is told.
#[test]
fn what_is_not_drawn_is_told_to_who_watches_and_who_reads() -> Result<()> {
    let site = Site::start()?;
    site.proven("alice", "db01")?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 100, 30)?;
    terminal.sees_prompt()?;
    let id = site.live_session()?;
    let watch = watch(&site, &id)?;
    watch.sees("q leaves")?;
    terminal.enters(
        "for i in $(seq 3000); do printf 'x\\033[65535b'; done >worst; head -c 30000 worst; echo; echo after''-it",
    )?;
    watch.sees("after-it")?;
    watch.sees("not drawn")?;
    watch.presses("q")?;
    watch.ends()?;
    terminal.enters("exit")?;
    terminal.ends()?;
    let recordings = wait::until_sealed("the sealed recording", || {
        let answer = site.auditor(&["replay", &id, "--text"])?;
        Ok((answer.status == Some(0)).then_some(answer))
    })?;
    let text = recordings.text();
    ensure!(
        text.contains("left out: more drawing than"),
        "nothing is told:\n{:.2000}",
        text
    );
    ensure!(text.contains("after-it"), "{:.2000}", text);
    ensure!(text.len() < 4_000_000, "{} bytes of transcript", text.len());
    Ok(())
}

/// I5: readers that stand still, because nobody takes what they read, hold up neither the red handle nor an answer to a
/// request nor another reader. Nothing here is timed: a gateway whose dialogues or store wait for a reader never gets
/// to the end of this test.
#[test]
fn hands_work_while_readers_stand_still() -> Result<()> {
    let site = Site::start()?;
    site.proven("alice", "db01")?;
    // More text than all that lies between the gateway and a client that does not read.
    site.ssh("alice+db01")
        .run("seq -f 'line %.0f of a long recording that nobody reads to its end' 1 250000")
        .answer()?
        .success()?;
    ecluse_tests::recording::wait_for_casts(&site.layout().recordings(), 2)?;
    let recording = first_row(&site.auditor(&["recordings"])?.success()?.text())?;
    let mut standing: Vec<Running> = Vec::new();
    for _ in 0..STANDING {
        let mut reading = site
            .ssh("aurele")
            .shared("aurele")
            .run(format!("replay {recording} --text"))
            .spawn()?;
        if standing.is_empty() {
            reading.first_line()?;
        }
        standing.push(reading);
    }
    // A flood that is watched and not looked at, either.
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 100, 30)?;
    terminal.sees_prompt()?;
    terminal.enters("yes 'a flood of output'")?;
    terminal.sees("a flood of output")?;
    let id = site.live_session()?;
    let watched = watch(&site, &id)?;
    watched.sees("a flood of output")?;

    let number = site.request("bruno", "db01")?.to_string();
    site.operator(&["approve", &number])?.success()?;
    site.operator(&["withdraw", &number, "--reason", "done already"])?
        .success()?;
    let number = site.request("bruno", "db01")?.to_string();
    site.operator(&["refuse", &number, "--reason", "not now"])?
        .success()?;
    site.auditor(&["recordings"])?.success()?;
    site.operator(&["cut", &id])?.success()?;
    ensure!(terminal.ends()? != 0, "the cut session went on");
    watched.sees("over")?;
    // One that stood still goes on where it was, once it is read.
    let mut first = standing.remove(0);
    drop(standing);
    let rest = first.answer()?.success()?.text();
    ensure!(
        rest.contains("line 250000 of"),
        "a reader that was held up did not get to the end"
    );
    Ok(())
}
