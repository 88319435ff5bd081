//! The waiting room: asking at the door, and what happens until somebody answers. I1, F2.

use std::time::Duration;

use anyhow::{Result, ensure};
use ecluse_tests::{Site, Terminal, store, wait};

/// N2: nobody is let in but by a request and a yes. The whole way of a newcomer: the waiting room asks, the operator says yes, the shell appears.
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
    // What the shell writes, not what is typed: whatever was typed before has run by then.
    terminal.enters("ls -la; echo listed-$((40 + 2))")?;
    terminal.sees("listed-42")?;
    ensure!(
        !site.layout().target_home().join("typed-too-early").exists(),
        "keys from the waiting room were executed"
    );
    Ok(())
}

/// R5: whoever waits beside a request and leaves before there is an answer stands on record as having left, and as refused nothing.
#[test]
fn r5_who_leaves_before_an_answer_was_refused_nothing() -> Result<()> {
    let site = Site::start()?;
    site.request("alice", "db01")?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 100, 40)?;
    terminal.sees("is already waiting")?;
    // The window is closed; the request goes on waiting.
    drop(terminal);
    let mut reasons = Vec::new();
    wait::until_true("that she left", Duration::from_secs(20), || {
        let attempts = store::audit(&site, "admission")?;
        let attempts = attempts.iter();
        reasons = attempts
            .map(|one| (one.get("verdict").cloned(), one["reason"].to_string()))
            .collect();
        Ok(reasons.len() > 1)
    })?;
    let [(None, waits), (None, left)] = &reasons[..] else {
        anyhow::bail!("{reasons:?}");
    };
    ensure!(
        waits.contains("waits for an answer") && left.contains("left before an answer"),
        "{reasons:?}"
    );
    ensure!(
        site.operator(&["pending"])?
            .success()?
            .text()
            .contains("alice")
    );
    // Without a terminal nobody waits, and the attempt was refused.
    site.ssh("alice+db01")
        .run("true")
        .answer()?
        .status_is(254)?;
    let attempts = store::audit(&site, "admission")?;
    let last = attempts.last().and_then(|one| one.get("verdict"));
    ensure!(
        last.is_some_and(|verdict| verdict == "refuse"),
        "{attempts:?}"
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

/// I9: where none of the client's operators can answer, a technician reads whom to call, at a terminal and without one; and
/// a change of whom is shown like any other.
#[test]
fn contacts_are_on_hand_where_nobody_can_answer() -> Result<()> {
    const DECISION: &str = "RSSI, rssi@hopital.example";
    const TECHNICAL: &str = "Exploitation, +33 1 99 00 00 11";
    let contacts = |decision: &str| {
        format!("\n[contacts]\ntechnical = \"{TECHNICAL}\"\ndecision = \"{decision}\"\n")
    };
    let mut site = Site::start_with(|plan| {
        plan.documents.operators.clear();
        plan.enrolled.retain(|person| person != "odile");
        plan.documents.client_tail = contacts(DECISION);
        Ok(())
    })?;
    let words = ["request", "db01", "--for", "1h", "--reason", "a check"];
    let asked = site.lobby("alice", &words).answer()?.success()?.text();
    ensure!(
        asked.contains(&format!("Your contact: {DECISION}, {TECHNICAL}.")),
        "{asked}"
    );
    let terminal = Terminal::of(&site, &site.ssh("bruno+db01"), 160, 40)?;
    terminal.sees("Pour quelle raison")?;
    terminal.enters("une vérification")?;
    terminal.sees("Pour combien de temps")?;
    terminal.enters("1h")?;
    let call = format!("Votre contact : {DECISION}, {TECHNICAL}.");
    terminal.sees_that("whom to call", |screen| {
        // Wherever its lines are broken.
        let words: Vec<&str> = screen.split_whitespace().collect();
        words.join(" ").contains(&call)
    })?;
    terminal.presses("C-c")?;
    ensure!(terminal.ends()? == 254);

    let said = site.apply(|documents| {
        documents.client_tail = contacts("DSI, dsi@hopital.example");
        Ok(())
    })?;
    ensure!(
        said.contains(&format!(
            "contacts.decision: {DECISION} -> DSI, dsi@hopital.example"
        )),
        "{said}"
    );
    Ok(())
}

/// Words of other people reach an operator's terminal as text, never as escape sequences.
#[test]
fn a_hostile_reason_is_shown_harmlessly() -> Result<()> {
    let site = Site::start()?;
    let ask = |reason: &str| {
        site.ssh("alice")
            .shared("alice")
            .run(format!("request db01 --for 1h --reason \"{reason}\""))
            .answer()
    };
    let harmless = |answer: &ecluse_tests::Answer| -> Result<()> {
        let text = answer.text() + &answer.errors;
        let raw = ['\u{1b}', '\u{7}', '\u{202e}', '\u{2066}', '\u{200b}'];
        ensure!(!text.contains(raw), "{text:?}");
        Ok(())
    };
    // What begins an escape sequence, turns a line around or hides in it, is no reason at all.
    for hostile in [
        "\u{1b}]0;stolen\u{7}",
        "\u{1b}[2Jstolen",
        "\u{202e}stolen",
        "\u{2066}stolen",
        "st\u{200b}olen",
    ] {
        let answer = ask(hostile)?
            .status_is(1)?
            .says(&["A reason has 1 to", "on one line"])?;
        harmless(&answer)?;
    }
    // What merely looks like something is shown as it was typed.
    let odd = "stolen? <b>%s</b> #2 approved";
    harmless(&ask(odd)?.success()?)?;
    let pending = site.operator(&["pending"])?.success()?;
    harmless(&pending)?;
    let text = pending.text();
    ensure!(
        text.matches("stolen").count() == 1 && text.contains("<b>%s</b>"),
        "{text}"
    );
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

/// I4: whoever works reads who ended it and why, in a shell and in a command; and a request that waits is refused, not ended.
#[test]
fn the_reason_of_a_withdrawal_reaches_whoever_works() -> Result<()> {
    let site = Site::start()?;
    let number = site.approved("alice", "db01")?.to_string();
    let shell = Terminal::of(&site, &site.ssh("alice+db01"), 40, 30)?;
    shell.sees_prompt()?;
    let mut command = site
        .ssh("alice+db01")
        .run("echo begun; sleep 1000")
        .spawn()?;
    command.first_line()?;
    let waiting = site.request("bruno", "db01")?.to_string();
    let early = site.operator(&["withdraw", &waiting])?;
    ensure!(early.status == Some(1), "{early:?}");
    early.says(&["there is nothing to end yet", "refuse #2"])?;
    site.operator(&[
        "withdraw",
        &number,
        "--reason",
        "the window is needed elsewhere",
    ])?
    .success()?;
    let words = "odile ended intervention #1 before its time: the window is needed elsewhere";
    // No word is broken at the edge of the screen.
    let screen = shell.sees("Connect again")?;
    let told = screen.split_whitespace().collect::<Vec<_>>().join(" ");
    ensure!(told.contains(words), "{screen}");
    ensure!(shell.ends()? == 254);
    command
        .answer()?
        .status_is(254)?
        .says(&[words, "Connect again to ask for another one."])?;
    Ok(())
}

/// I5: the person's handle reaches whoever only waits, or sits in the lobby; they are told, and their connection is gone.
#[test]
fn a_cut_reaches_those_who_only_wait() -> Result<()> {
    let site = Site::start()?;
    let waiting = Terminal::of(&site, &site.ssh("alice+db01"), 120, 40)?;
    waiting.sees("Why do you need to connect?")?;
    waiting.enters("a check")?;
    waiting.sees("For how long?")?;
    waiting.enters("1h")?;
    let number = site.next_pending()?;
    let lobby = Terminal::of(&site, &site.ssh("alice"), 120, 40)?;
    lobby.sees("Type “help”")?;
    let bruno = Terminal::of(&site, &site.ssh("bruno"), 120, 40)?;
    bruno.sees("bienvenue, bruno")?;

    let said = site
        .operator(&["cut", "alice", "--reason", "not today"])?
        .success()?
        .text();
    ensure!(
        said.contains("2 connections of alice that carried no session"),
        "{said}"
    );
    for terminal in [&waiting, &lobby] {
        terminal.sees("not today")?;
        ensure!(terminal.ends()? != 0);
    }
    let records = store::audit(&site, "cut")?;
    ensure!(
        records.len() == 2
            && records.iter().all(|record| {
                record["reason"] == "not today"
                    && record["detail"]["technician"] == "alice"
                    && record["client"] == "hopital"
            }),
        "{records:?}"
    );
    // Nobody else is touched, and what was asked still waits.
    bruno.enters("interventions")?;
    bruno.sees_that("the answer to what bruno typed", |screen| {
        screen.matches("aucune intervention").count() == 2
    })?;
    site.operator(&["approve", &number.to_string()])?
        .success()?;
    let again = Terminal::of(&site, &site.ssh("alice+db01"), 120, 40)?;
    again.sees_prompt()?;
    // Once nobody is there, that is said.
    site.operator(&["cut", "carla"])?
        .says(&["No session in passage matches"])?;
    Ok(())
}
