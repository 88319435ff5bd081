//! The waiting room: asking at the door, and what happens until somebody answers. I1, F2.

use anyhow::{Result, ensure};
use ecluse_tests::{Site, Terminal};

/// The whole way of a newcomer: the waiting room asks, the operator says yes, the shell appears.
#[test]
fn the_waiting_room_asks_and_then_the_shell_appears() -> Result<()> {
    let site = Site::start()?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 100, 40)?;
    terminal.sees("Why do you need to connect?")?;
    terminal.enters("the nightly dump failed")?;
    terminal.sees("For how long?")?;
    terminal.enters("45m")?;
    let waiting = terminal.sees("This is what the client sees")?;
    let waiting = if waiting.contains("the nightly dump failed") {
        waiting
    } else {
        terminal.sees("the nightly dump failed")?
    };
    ensure!(waiting.contains("db01"), "{waiting}");

    let number = site.next_pending()?;
    let pending = site.operator(&["pending"])?.success()?.text();
    for fact in ["alice", "db01", "the nightly dump failed", "45m", "ws-1"] {
        ensure!(
            pending.contains(fact),
            "`pending` does not show {fact:?}:\n{pending}"
        );
    }
    // Both sides read the same code aloud.
    let code = comparison_code(&pending)
        .ok_or_else(|| anyhow::anyhow!("`pending` shows no code:\n{pending}"))?;
    terminal.sees(&code)?;
    terminal.sees("een by")?;

    site.operator(&["approve", &number.to_string()])?
        .success()?;
    terminal.sees_prompt()?;
    terminal.enters("echo on-the-target; exit 5")?;
    terminal.sees("on-the-target")?;
    ensure!(terminal.ends()? == 5, "the shell's status was lost");
    Ok(())
}

#[test]
fn keys_typed_while_waiting_do_not_reach_the_target() -> Result<()> {
    let site = Site::start()?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 100, 40)?;
    terminal.sees("Why do you need to connect?")?;
    terminal.enters("a check")?;
    terminal.sees("For how long?")?;
    terminal.enters("1h")?;
    let number = site.next_pending()?;
    terminal.enters("touch typed-too-early")?;
    site.operator(&["approve", &number.to_string()])?
        .success()?;
    terminal.sees_prompt()?;
    terminal.enters("ls -la; echo listed")?;
    terminal.sees("listed")?;
    ensure!(
        !site.layout().target_home().join("typed-too-early").exists(),
        "keys from the waiting room were executed"
    );
    Ok(())
}

#[test]
fn a_refusal_and_its_reason_reach_the_technician() -> Result<()> {
    let site = Site::start()?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 100, 40)?;
    terminal.sees("Why do you need to connect?")?;
    terminal.enters("curiosity")?;
    terminal.sees("For how long?")?;
    terminal.enters("1h")?;
    let number = site.next_pending()?;
    site.operator(&[
        "refuse",
        &number.to_string(),
        "--reason",
        "not during the audit",
    ])?
    .success()?;
    terminal.sees("not during the audit")?;
    ensure!(
        terminal.ends()? == 254,
        "a refusal must end with status 254"
    );
    site.ssh("alice+db01")
        .run("id")
        .answer()?
        .refused(&["request db01"])?;
    Ok(())
}

#[test]
fn leaving_the_waiting_room_opens_nothing() -> Result<()> {
    let site = Site::start()?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 100, 40)?;
    terminal.sees("Why do you need to connect?")?;
    terminal.presses("C-c")?;
    ensure!(terminal.ends()? == 254);
    ensure!(
        !site.target_log().contains("Accepted"),
        "the target was reached"
    );
    Ok(())
}

/// Words of other people reach an operator's terminal as text, never as escape sequences.
#[test]
fn a_hostile_reason_is_shown_harmlessly() -> Result<()> {
    let site = Site::start()?;
    let answer = site
        .ssh("alice")
        .shared("alice")
        .run("request db01 --for 1h --reason \"\u{1b}]0;stolen\u{7}\u{1b}[2J \u{202e}evil\"")
        .answer()?;
    let pending = site.operator(&["pending"])?.success()?;
    for text in [&pending.text(), &answer.text(), &answer.errors] {
        ensure!(
            !text.contains("\u{1b}]0;")
                && !text.contains("\u{1b}[2J")
                && !text.contains('\u{202e}'),
            "{text:?}"
        );
    }
    Ok(())
}

/// `KDWP-7MZR`: two groups of four letters or digits.
fn comparison_code(text: &str) -> Option<String> {
    let is_group = |group: &str| {
        group.len() == 4
            && group
                .chars()
                .all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit())
    };
    text.split_whitespace()
        .find(|word| {
            word.split_once('-')
                .is_some_and(|(left, right)| is_group(left) && is_group(right))
        })
        .map(str::to_owned)
}
