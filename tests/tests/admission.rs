//! The client's approval: how one is asked for, given, reduced, refused, and what happens without. I1 to I3, I6, F1, F2.

use anyhow::{Result, ensure};
use ecluse_tests::{Site, Terminal};

#[test]
fn without_an_approval_the_refusal_says_what_to_type() -> Result<()> {
    let site = Site::start()?;
    let answer = site.ssh("alice+db01").run("id").answer()?.refused(&[
        "request db01",
        "--for",
        "--reason",
    ])?;
    ensure!(
        answer.output.is_empty(),
        "something passed: {}",
        answer.text()
    );
    ensure!(
        !site.target_log().contains("Accepted"),
        "the target was reached:\n{}",
        site.target_log()
    );
    Ok(())
}

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

#[test]
fn an_approval_may_be_shorter_than_what_was_asked() -> Result<()> {
    let site = Site::start_with(|plan| {
        plan.movable_clock = true;
        Ok(())
    })?;
    let number = site.request("alice", "db01")?;
    site.operator(&["approve", &number.to_string(), "--for", "30m"])?
        .success()?;
    site.ssh("alice+db01").run("true").answer()?.success()?;
    site.clock().advance(29 * 60)?;
    site.ssh("alice+db01").run("true").answer()?.success()?;
    site.clock().advance(2 * 60)?;
    site.ssh("alice+db01").run("true").answer()?.refused(&[])?;
    Ok(())
}

#[test]
fn an_approval_may_be_for_less_than_what_was_asked() -> Result<()> {
    let site = Site::start()?;
    let number = site.request("alice", "db01")?;
    site.operator(&["approve", &number.to_string(), "--only", "command"])?
        .success()?;
    site.ssh("alice+db01").run("echo yes").answer()?.success()?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 100, 30)?;
    terminal.sees("shell")?;
    ensure!(terminal.ends()? == 254);
    Ok(())
}

/// Invariant 2, from outside: what was not asked, or not in the matrix, cannot be approved.
#[test]
fn an_approval_never_grows() -> Result<()> {
    let site = Site::start()?;
    let answer = site
        .lobby(
            "alice",
            &[
                "request", "db01", "--only", "command", "--for", "1h", "--reason", "check",
            ],
        )
        .answer()?
        .success()?;
    let number = ecluse_tests::lobby::number(&answer.text())
        .ok_or_else(|| anyhow::anyhow!("{}", answer.text()))?
        .to_string();
    for more in [
        &["--for", "3h"][..],
        &["--only", "shell"],
        &["--target", "web01"],
        &["--account", "nobody"],
    ] {
        let answer = site.operator(&[&["approve", &number], more].concat())?;
        ensure!(
            answer.status != Some(0),
            "`approve {more:?}` was accepted: {answer:?}"
        );
    }
    site.ssh("alice+db01").run("true").answer()?.refused(&[])?;
    site.operator(&["approve", &number])?.success()?;
    site.ssh("alice+db01").run("true").answer()?.success()?;
    Ok(())
}

#[test]
fn more_than_the_matrix_cannot_be_asked() -> Result<()> {
    let site = Site::start()?;
    let answer = site
        .lobby(
            "alice",
            &["request", "db01", "--for", "5h", "--reason", "long"],
        )
        .answer()?;
    ensure!(answer.status != Some(0), "{answer:?}");
    ensure!(
        answer.errors.contains("4h"),
        "the refusal does not say what is possible: {}",
        answer.errors
    );
    Ok(())
}

#[test]
fn one_operators_yes_is_not_enough_where_two_are_asked() -> Result<()> {
    let site = Site::start_with(|plan| {
        let second = ecluse_tests::documents::Officer {
            id: "odile-2".to_owned(),
            lang: "en".to_owned(),
            keys: vec![ecluse_tests::keys::pair(&plan.layout, "odile-2")?],
        };
        plan.documents.operators.push(second);
        plan.enrolled.push("odile-2".to_owned());
        plan.documents.flow("dba")?.by = 2;
        Ok(())
    })?;
    let number = site.request("alice", "db01")?.to_string();
    site.operator(&["approve", &number])?.success()?;
    site.ssh("alice+db01").run("true").answer()?.refused(&[])?;
    let again = site.operator(&["approve", &number])?;
    ensure!(
        again.status != Some(0),
        "the same operator counted twice: {again:?}"
    );
    site.ssh("alice+db01").run("true").answer()?.refused(&[])?;
    site.lobby("odile-2", &["approve", &number])
        .answer()?
        .success()?;
    site.ssh("alice+db01").run("true").answer()?.success()?;
    Ok(())
}

/// I6: a technician's own words approve nothing, and roles do not reach into each other.
#[test]
fn nobody_decides_in_the_clients_stead() -> Result<()> {
    let site = Site::start()?;
    let number = site.request("alice", "db01")?.to_string();
    for (person, words) in [
        ("alice", vec!["approve", &number]),
        ("bruno", vec!["approve", &number]),
        ("aurele", vec!["approve", &number]),
        ("alice", vec!["live"]),
        ("alice", vec!["recordings"]),
        ("aurele", vec!["cut", "all"]),
        ("odile", vec!["replay", "1"]),
        (
            "odile",
            vec!["request", "db01", "--for", "1h", "--reason", "x"],
        ),
    ] {
        let answer = site.lobby(person, &words).answer()?;
        ensure!(
            answer.status != Some(0),
            "{person} could {words:?}: {answer:?}"
        );
    }
    site.ssh("alice+db01").run("true").answer()?.refused(&[])?;
    Ok(())
}

#[test]
fn one_technicians_approval_is_not_anothers() -> Result<()> {
    let site = Site::start()?;
    site.approved("alice", "db01")?;
    site.ssh("bruno+db01")
        .run("true")
        .answer()?
        .refused(&["request db01"])?;
    Ok(())
}

#[test]
fn one_targets_approval_is_not_anothers() -> Result<()> {
    let site = Site::start()?;
    site.approved("alice", "db01")?;
    site.ssh("alice+web01")
        .run("true")
        .answer()?
        .refused(&["request web01"])?;
    Ok(())
}

/// A target that the matrix does not give and one that does not exist are told apart by nobody.
#[test]
fn an_unlisted_target_and_an_unknown_one_get_the_same_words() -> Result<()> {
    let site = Site::start_with(|plan| {
        plan.documents
            .flow("dba")?
            .targets
            .retain(|target| target == "db01");
        Ok(())
    })?;
    let refusal = |target: &str| -> Result<String> {
        let answer = site
            .ssh(&format!("alice+{target}"))
            .run("id")
            .answer()?
            .refused(&[])?;
        let asked = site
            .lobby(
                "alice",
                &["request", target, "--for", "1h", "--reason", "x"],
            )
            .answer()?;
        ensure!(asked.status != Some(0), "{target} could be asked for");
        Ok(format!("{}\n{}", answer.errors, asked.errors).replace(target, "TARGET"))
    };
    let (unlisted, unknown) = (refusal("web01")?, refusal("nowhere")?);
    ensure!(
        unlisted == unknown,
        "they differ:\n{unlisted}\n---\n{unknown}"
    );
    Ok(())
}

#[test]
fn a_request_that_nobody_answers_expires() -> Result<()> {
    let site = Site::start_with(|plan| {
        plan.movable_clock = true;
        Ok(())
    })?;
    let number = site.request("alice", "db01")?.to_string();
    site.clock().advance(26 * 3600)?;
    let answer = site.operator(&["approve", &number])?;
    ensure!(
        answer.status != Some(0),
        "an expired request was approved: {answer:?}"
    );
    site.ssh("alice+db01").run("true").answer()?.refused(&[])?;
    Ok(())
}

#[test]
fn outside_its_hours_nothing_passes() -> Result<()> {
    // Open in one hour of the day only, eight hours from now, wherever the clock stands.
    let now = ecluse_tests::clock::Clock::real().seconds()?;
    let hour = (now / 3600 + 8) % 24;
    let hours = format!("mon-sun {hour:02}:00-{:02}:00 UTC", (hour + 1) % 24);
    let site = Site::start_with(|plan| {
        plan.movable_clock = true;
        plan.documents.flow("dba")?.hours = hours.clone();
        Ok(())
    })?;
    site.lobby(
        "alice",
        &["request", "db01", "--for", "4h", "--reason", "later"],
    )
    .answer()?;
    let pending = site.operator(&["pending"])?.text();
    if let Some(number) = ecluse_tests::lobby::number(&pending) {
        site.operator(&["approve", &number.to_string()])?;
    }
    site.ssh("alice+db01").run("true").answer()?.refused(&[])?;
    // In its hours it passes, once asked.
    site.clock().advance(8 * 3600 - now % 3600 + 60)?;
    let answer = site
        .lobby(
            "alice",
            &["request", "db01", "--for", "30m", "--reason", "now"],
        )
        .answer()?
        .success()?;
    let number = ecluse_tests::lobby::number(&answer.text())
        .unwrap_or_default()
        .to_string();
    site.operator(&["approve", &number])?.success()?;
    site.ssh("alice+db01").run("true").answer()?.success()?;
    // And at their end it stops.
    site.clock().advance(3600)?;
    site.ssh("alice+db01").run("true").answer()?.refused(&[])?;
    Ok(())
}

/// I3: a session is warned, then closed, when its window ends.
#[test]
fn a_session_is_warned_and_then_ended_at_the_end_of_its_window() -> Result<()> {
    let site = Site::start_with(|plan| {
        plan.movable_clock = true;
        Ok(())
    })?;
    let number = site.request("alice", "db01")?;
    site.operator(&["approve", &number.to_string(), "--for", "30m"])?
        .success()?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 120, 40)?;
    terminal.sees_prompt()?;
    site.clock().advance(21 * 60)?;
    terminal.sees("Écluse")?;
    site.clock().advance(8 * 60 + 30)?;
    site.clock().advance(60)?;
    terminal.ends()?;
    site.wait_for_target_sessions(0, std::time::Duration::from_secs(10))?;
    Ok(())
}

#[test]
fn an_open_command_ends_with_its_window() -> Result<()> {
    let site = Site::start_with(|plan| {
        plan.movable_clock = true;
        Ok(())
    })?;
    let number = site.request("alice", "db01")?;
    site.operator(&["approve", &number.to_string(), "--for", "30m"])?
        .success()?;
    let mut running = site
        .ssh("alice+db01")
        .run("echo started; sleep 1000")
        .spawn()?;
    let mut first = [0_u8; 8];
    std::io::Read::read_exact(
        running
            .child
            .stdout
            .as_mut()
            .ok_or_else(|| anyhow::anyhow!("no stdout"))?,
        &mut first,
    )?;
    site.clock().advance(31 * 60)?;
    let answer = running.answer()?;
    ensure!(answer.status != Some(0), "{answer:?}");
    site.wait_for_target_sessions(0, std::time::Duration::from_secs(10))?;
    Ok(())
}

/// A8, invariant 6: who is removed is out at once, not at the next login.
#[test]
fn a_removed_persons_sessions_end_at_once() -> Result<()> {
    let mut site = Site::start()?;
    site.approved("alice", "db01")?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 100, 30)?;
    terminal.sees_prompt()?;
    site.apply(|documents| {
        documents.technicians.retain(|person| person.id != "alice");
        Ok(())
    })?;
    terminal.ends()?;
    site.wait_for_target_sessions(0, std::time::Duration::from_secs(10))?;
    Ok(())
}

#[test]
fn a_replaced_key_ends_its_sessions_at_once() -> Result<()> {
    let mut site = Site::start()?;
    site.approved("alice", "db01")?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 100, 30)?;
    terminal.sees_prompt()?;
    let line = ecluse_tests::keys::pair(site.layout(), "alice-next")?;
    site.apply(|documents| {
        documents.technician("alice")?.keys = vec![line];
        Ok(())
    })?;
    terminal.ends()?;
    Ok(())
}

#[test]
fn a_flow_removed_from_the_matrix_ends_its_sessions_at_once() -> Result<()> {
    let mut site = Site::start()?;
    site.approved("alice", "db01")?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 100, 30)?;
    terminal.sees_prompt()?;
    site.apply(|documents| {
        documents
            .flow("dba")?
            .targets
            .retain(|target| target != "db01");
        Ok(())
    })?;
    terminal.ends()?;
    site.ssh("alice+db01").run("true").answer()?.refused(&[])?;
    Ok(())
}

#[test]
fn the_lobby_shows_what_a_technician_may_ask_for() -> Result<()> {
    let site = Site::start()?;
    let terminal = Terminal::of(&site, &site.ssh("alice"), 100, 40)?;
    terminal.sees("help")?;
    terminal.enters("flows")?;
    terminal.sees("db01")?;
    terminal.enters("request db01 --for 1h --reason \"a check\"")?;
    terminal.sees("#1")?;
    let number = site.next_pending()?;
    site.operator(&["approve", &number.to_string()])?
        .success()?;
    // The answer appears by itself.
    terminal.sees("approved")?;
    terminal.enters("interventions")?;
    terminal.sees("db01")?;
    terminal.enters("exit")?;
    ensure!(terminal.ends()? == 0);
    Ok(())
}

#[test]
fn a_request_can_be_taken_back() -> Result<()> {
    let site = Site::start()?;
    let number = site.request("alice", "db01")?.to_string();
    site.lobby("alice", &["cancel", &number])
        .answer()?
        .success()?;
    let answer = site.operator(&["approve", &number])?;
    ensure!(
        answer.status != Some(0),
        "a cancelled request was approved: {answer:?}"
    );
    Ok(())
}

#[test]
fn requests_that_wait_are_bounded_in_number() -> Result<()> {
    let site = Site::start()?;
    let mut accepted = 0;
    for _ in 0..20 {
        let answer = site
            .lobby(
                "alice",
                &["request", "db01", "--for", "1h", "--reason", "again"],
            )
            .answer()?;
        accepted += usize::from(answer.status == Some(0));
    }
    ensure!(
        (1..=10).contains(&accepted),
        "{accepted} requests of one person wait at once"
    );
    Ok(())
}

#[test]
fn each_person_is_spoken_to_in_their_language() -> Result<()> {
    let site = Site::start()?;
    let (alice, bruno) = (
        site.ssh("alice+db01").run("id").answer()?.refused(&[])?,
        site.ssh("bruno+db01").run("id").answer()?.refused(&[])?,
    );
    ensure!(
        alice.errors.contains("no approved intervention"),
        "{}",
        alice.errors
    );
    ensure!(
        bruno.errors.contains("aucune") || bruno.errors.contains("Aucune"),
        "{}",
        bruno.errors
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
