//! What people are told by the gateway beside what passes: that it is recorded, in what state their terminal is left, what
//! the target says first. P3, R1.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Answer, Plan, Site, Terminal, recording, wait};

const RECORDED: &str = "What you do here is recorded, and Hôpital may watch it as you do it.";

fn open_site() -> Result<Site> {
    let site = Site::start()?;
    site.approved("alice", "db01")?;
    Ok(site)
}

fn command(site: &Site) -> Result<Answer> {
    let answer = site
        .ssh("alice+db01")
        .run("printf out")
        .answer()?
        .success()?;
    ensure!(
        answer.text() == "out",
        "something stands in a command's output: {answer:?}"
    );
    Ok(answer)
}

/// P3: a shell is told on its terminal, before anything of the target, in which session it is and how long.
#[test]
fn a_shell_is_told_before_its_first_byte_that_it_is_recorded() -> Result<()> {
    let site = open_site()?;
    for _ in 0..2 {
        let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 100, 30)?;
        let screen = terminal.sees_prompt()?;
        // Wrapped at a word, as the terminal is wide.
        let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
        let told = words.find(RECORDED).with_context(|| screen.clone())?;
        let prompt = words.find("target$").unwrap_or_default();
        ensure!(told < prompt, "the target came first:\n{screen}");
        for fact in [
            "session ",
            "intervention #1,",
            " left.",
            "Aurele",
            "365 days",
        ] {
            ensure!(words.contains(fact), "{fact:?} is not told:\n{screen}");
        }
        terminal.enters("exit")?;
        terminal.ends()?;
    }
    // And it is on record that it was told.
    let casts = recording::wait_for_casts(&site.layout().recordings(), 2)?;
    let cast = casts.first().context("no cast")?;
    let events = recording::events(cast)?;
    ensure!(
        events
            .iter()
            .any(|event| event.kind == "m" && event.text.contains("What you do here is recorded")),
        "{events:?}"
    );
    Ok(())
}

/// P3: commands are told on standard error, and not each of a hundred.
#[test]
fn a_command_is_told_once_while_a_factor_is_remembered() -> Result<()> {
    let site = open_site()?;
    let answer = command(&site)?;
    ensure!(answer.errors.lines().count() == 1, "{}", answer.errors);
    ensure!(answer.errors.contains(RECORDED), "{}", answer.errors);
    for _ in 0..3 {
        let answer = command(&site)?;
        ensure!(answer.errors.is_empty(), "told again: {}", answer.errors);
    }
    Ok(())
}

#[test]
fn a_command_is_told_once_a_connection_where_nothing_is_remembered() -> Result<()> {
    let site = Site::start_with(|plan| {
        plan.documents.settings.remember = "0s".to_owned();
        Ok(())
    })?;
    site.approved("alice", "db01")?;
    for connection in ["one", "two"] {
        let shared = site.ssh("alice+db01").shared(connection);
        let first = shared.clone().run("printf out").answer()?.success()?;
        ensure!(first.errors.contains(RECORDED), "{}", first.errors);
        let second = shared.run("printf out").answer()?.success()?;
        ensure!(second.errors.is_empty(), "told again: {}", second.errors);
    }
    Ok(())
}

#[test]
fn a_client_writes_its_own_notice_in_each_language() -> Result<()> {
    let site = Site::start_with(|plan| {
        plan.documents.client_tail =
            "\n[recording-notice]\nfr = \"Tout est gardé un an ; le RSSI le lit.\"\nen = \"All of it is kept for a year.\"\n"
                .to_owned();
        Ok(())
    })?;
    for (person, words) in [
        ("alice", "All of it is kept for a year."),
        ("bruno", "le RSSI le lit."),
    ] {
        site.approved(person, "db01")?;
        let answer = site
            .ssh(&format!("{person}+db01"))
            .run("true")
            .answer()?
            .success()?;
        ensure!(answer.errors.contains(words), "{}", answer.errors);
        ensure!(!answer.errors.contains("watch"), "{}", answer.errors);
    }
    Ok(())
}

/// P3: before anybody is known, without a name, and settable.
#[test]
fn a_banner_stands_before_the_login() -> Result<()> {
    let site = open_site()?;
    let answer = site
        .ssh("alice+db01")
        .option("LogLevel INFO")
        .run("printf out")
        .answer()?
        .success()?;
    ensure!(
        answer.errors.starts_with("Access is reserved"),
        "{}",
        answer.errors
    );
    ensure!(answer.text() == "out");
    let site = Site::start_with(|plan| {
        plan.documents.settings.ssh_lines = vec!["banner = \"Réservé.\\nEnregistré.\"".to_owned()];
        Ok(())
    })?;
    let stranger = site
        .ssh("nobody")
        .option("LogLevel INFO")
        .answer()?
        .denied()?;
    ensure!(
        stranger.errors.contains("Réservé.\r\nEnregistré.\r\n"),
        "{:?}",
        stranger.errors
    );
    Ok(())
}

/// What a full-screen program switches on, as a command of a shell.
const ON: &str =
    "printf '\\033[?1049h\\033[?1002h\\033[?1006h\\033[?2004h\\033[?25l\\033[7mfull-screen'";
/// What puts a terminal in order after it.
const OFF: &str = "\u{1b}[0m\u{1b}[?25h\u{1b}[?1002l\u{1b}[?1006l\u{1b}[?2004l\u{1b}[?1049l";

/// Exactly what was left on is switched off, as the last output.
#[test]
fn what_a_program_left_switched_on_is_switched_off_last() -> Result<()> {
    let site = open_site()?;
    let through = site.ssh("alice+db01").flag("-tt");
    for end in ["exit 3", "kill -9 $$"] {
        let answer = through.clone().run(format!("{ON}; {end}")).answer()?;
        let text = answer.text();
        ensure!(text.ends_with(OFF), "{end}: {text:?}");
    }
    Ok(())
}

/// A full-screen program that is cut leaves nothing switched on behind, and the reason stands where it is read.
#[test]
fn a_terminal_is_left_in_order_after_any_end() -> Result<()> {
    let site = open_site()?;
    // Its own end, the target's sudden end, a cut of the session, a cut of the person.
    for end in ["exit 3", "kill -9 $PPID", "cut", "cut alice"] {
        let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 100, 30)?;
        terminal.sees_prompt()?;
        match end {
            "cut" | "cut alice" => {
                terminal.enters(&format!("{ON}; sleep 1000"))?;
                terminal.sees("full-screen")?;
                ensure!(
                    terminal.modes()? == "alternate, mouse",
                    "{}",
                    terminal.modes()?
                );
                let number = site.live_session()?;
                let what = if end == "cut" { &number } else { "alice" };
                site.operator(&["cut", what, "--reason", "maintenance is over"])?
                    .success()?;
                terminal.ends()?;
                terminal.sees("maintenance is over")?;
            }
            _ => {
                terminal.enters(&format!("{ON}; {end}"))?;
                terminal.ends()?;
            }
        }
        ensure!(
            terminal.modes()? == "in order",
            "{end}: {}",
            terminal.modes()?
        );
        site.wait_for_target_sessions(0, Duration::from_secs(10))?;
    }
    // What the gateway sent for it is on record, and not as the target's output.
    let on_record = wait::until("a recording of it", Duration::from_secs(120), || {
        for cast in recording::casts(&site.layout().recordings())? {
            let events = recording::events(&cast)?;
            if events
                .iter()
                .any(|event| event.kind == "m" && event.text.contains("put in order"))
            {
                return Ok(Some(recording::output(&cast)?));
            }
        }
        Ok(None)
    })?;
    ensure!(!on_record.contains("\x1b[?1049l"), "{on_record:?}");
    Ok(())
}

/// What a real terminal shows after a program that was cut is letters, in their own colour, whatever the program had saved,
/// shifted or designated; and its words can be read, which the gateway says after it put the terminal in order.
#[test]
fn a_terminal_is_left_in_order_whatever_was_saved_and_shifted() -> Result<()> {
    let site = open_site()?;
    for (left, undone) in [
        // Red and line drawing, saved, switched off and brought back.
        (
            "\\033[31m\\033(0\\0337\\033[0m\\033(B\\0338",
            "\u{1b}(B\u{1b}[0m\u{1b}7",
        ),
        // A locking shift to line drawing.
        ("\\033)0\\016", "\u{f}\u{1b})B"),
        // Inserting, and a store that is restored.
        (
            "\\033[?7l\\033[?7s\\033[?7h\\033[?7r\\033[4h",
            "\u{1b}[4l\u{1b}[?7h",
        ),
        // A colour of the terminal's own, by two bytes of the second set.
        ("\\302\\23511;red\\302\\234", "\u{1b}]111\u{1b}\\"),
    ] {
        let text = format!("printf '{left}'; exit 3");
        let answer = site.ssh("alice+db01").flag("-tt").run(&text).answer()?;
        ensure!(
            answer.text().ends_with(undone),
            "{left}: {:?}",
            answer.text()
        );
        let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 100, 30)?;
        terminal.sees_prompt()?;
        terminal.enters(&format!(
            "echo go-$((40 + 2)); printf '{left}'; exec sleep 1000"
        ))?;
        terminal.sees("go-42")?;
        let number = site.live_session()?;
        site.operator(&["cut", &number, "--reason", "maintenance is over"])?
            .success()?;
        terminal.ends()?;
        terminal.sees("maintenance is over")?;
        site.wait_for_target_sessions(0, Duration::from_secs(10))?;
    }
    Ok(())
}

#[test]
fn a_terminal_that_is_in_order_is_left_alone() -> Result<()> {
    let site = open_site()?;
    site.ssh("alice+db01").run("true").answer()?.success()?;
    let text = "printf '\\033[1;31mred\\033[0m\\033[?2004h\\033[?2004l'";
    let through = site
        .ssh("alice+db01")
        .flag("-tt")
        .run(text)
        .answer()?
        .success()?;
    let direct = site.direct().flag("-tt").run(text).answer()?.success()?;
    ensure!(through.output == direct.output, "{through:?} {direct:?}");
    Ok(())
}

/// A window that is resized while its user is asked, or waits, is that size in the shell.
#[test]
fn a_window_resized_in_the_waiting_room_reaches_the_shell() -> Result<()> {
    let site = Site::start()?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 100, 40)?;
    terminal.sees("Why do you need to connect?")?;
    terminal.resizes(90, 33)?;
    terminal.enters("a check")?;
    terminal.sees("For how long?")?;
    terminal.enters("1h")?;
    let number = site.next_pending()?;
    terminal.resizes(83, 29)?;
    site.operator(&["approve", &number.to_string()])?
        .success()?;
    terminal.sees_prompt()?;
    // The terminal around the client tells it of a new size a moment later, so it may come at any time from here on.
    terminal.enters(
        "until [ \"$(stty size)\" = \"29 83\" ]; do sleep 0.1; done; echo size-$((40 + 2))",
    )?;
    terminal.sees("size-42")?;
    Ok(())
}

/// The target's own words before the login pass, once a session, harmless and on record.
#[test]
fn the_targets_banner_passes() -> Result<()> {
    let site = Site::start_with(|plan| {
        let words = "Reserved for the hospital.\n\u{1b}[2JLeave now.\n";
        let banner = plan.layout.target().join("banner");
        std::fs::write(&banner, words)?;
        let line = format!("Banner \"{}\"\n", banner.display());
        Ok(std::fs::write(
            ecluse_tests::target::sshd::more(&plan.layout),
            line,
        )?)
    })?;
    site.approved("alice", "db01")?;
    let shared = site.ssh("alice+db01").shared("one");
    let first = shared.clone().run("printf out").answer()?.success()?;
    ensure!(first.text() == "out", "{first:?}");
    ensure!(
        first.errors.contains("Reserved for the hospital.\n"),
        "{}",
        first.errors
    );
    ensure!(
        first.errors.contains("Leave now.") && !first.errors.contains('\u{1b}'),
        "{:?}",
        first.errors
    );
    let second = shared.clone().run("printf out").answer()?.success()?;
    ensure!(second.errors.is_empty(), "said again: {}", second.errors);
    shared.flag("-O").flag("exit").answer()?.success()?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 100, 30)?;
    terminal.sees_prompt()?;
    ensure!(
        terminal.screen()?.contains("Reserved for the hospital."),
        "{}",
        terminal.screen()?
    );
    drop(terminal);
    wait::until_true(
        "the banner in a recording",
        Duration::from_secs(120),
        || {
            for cast in recording::casts(&site.layout().recordings())? {
                if recording::output(&cast)?.contains("Reserved for the hospital.") {
                    return Ok(true);
                }
            }
            Ok(false)
        },
    )
}

#[test]
fn the_warning_of_a_window_stands_on_a_line_of_its_own() -> Result<()> {
    let site = Site::start_with(Plan::move_clock)?;
    site.approved_for("alice", "db01", "30m")?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 200, 30)?;
    terminal.sees_prompt()?;
    site.clock().advance(21 * 60)?;
    terminal.sees("\nÉcluse: what you have open here ends in")?;
    Ok(())
}
