//! A target that does not keep to the protocol: the technician is told, nothing hangs, nothing of it reaches the gateway. G2, R11.

use std::fs;
use std::io::Read;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ecluse_tests::process::{Care, Process};
use ecluse_tests::{Answer, Site, peers, wait};

struct Hostile {
    // The peer ends after the gateway that uses it.
    site: Site,
    _peer: Process,
}

impl Hostile {
    fn start(trick: &str) -> Result<Self> {
        let mut peer = None;
        let site = Site::start_with(|plan| {
            plan.target = None;
            let layout = &plan.layout;
            let key = layout.key(ecluse_tests::target::HOST_KEY);
            ecluse_tests::keys::pair(layout, ecluse_tests::target::ACCOUNT_KEY)?;
            let mut command = Command::new(peers::program("python")?);
            command
                .arg("-B")
                .arg(peers::repository().join("tests/peers/hostile_target.py"))
                .args([trick, &plan.ports.target.to_string()])
                .arg(key)
                .arg(layout.root().join("report"));
            let mut process =
                Process::start("hostile-target", &mut command, &layout.logs(), Care::Test)?;
            process.wait_for_line("ready", Duration::from_secs(20))?;
            peer = Some(process);
            Ok(())
        })?;
        site.approved("alice", "db01")?;
        let peer = peer.ok_or_else(|| anyhow::anyhow!("no target"))?;
        Ok(Self { site, _peer: peer })
    }

    fn answer(&mut self) -> Result<Answer> {
        let before = self.site.process()?.usage()?.memory;
        let answer = self
            .site
            .ssh("alice+db01")
            .run("anything")
            .patience(Duration::from_secs(90))
            .answer()?;
        ensure!(self.site.process()?.is_running()?, "the gateway died");
        let after = self.site.process()?.usage()?.memory;
        ensure!(
            after.saturating_sub(before) < 64 << 20,
            "the gateway grew by {} MiB",
            (after - before) >> 20
        );
        // The door still serves.
        self.site
            .ssh("alice")
            .shared("alice")
            .run("flows")
            .answer()?
            .success()?;
        Ok(answer)
    }

    fn report(&self) -> String {
        fs::read_to_string(self.site.layout().root().join("report")).unwrap_or_default()
    }
}

/// A target that cannot even be talked to: refused, by name, in bounded time.
fn is_refused(trick: &str) -> Result<()> {
    let mut hostile = Hostile::start(trick)?;
    let answer = hostile.answer()?.failed(&["db01"])?;
    ensure!(
        !answer.errors.contains('\u{1b}'),
        "raw bytes of the target on stderr: {:?}",
        answer.errors
    );
    Ok(())
}

/// A target with odd manners whose session is served all the same.
fn is_served(trick: &str) -> Result<String> {
    let mut hostile = Hostile::start(trick)?;
    let answer = hostile.answer()?;
    ensure!(answer.text() == "served\n", "{trick}: {answer:?}");
    Ok(hostile.report())
}

#[test]
fn an_honest_target_of_the_same_make_is_served() -> Result<()> {
    let mut hostile = Hostile::start("plain")?;
    let answer = hostile.answer()?.success()?;
    ensure!(answer.text() == "plain\n", "{answer:?}");
    // C1: of all that both can do, the gateway's first choice; and strict, so that nothing is cut off the beginning.
    let report = hostile.report();
    ensure!(
        report == "kex: mlkem768x25519-sha256\nstrict: True\n",
        "{report}"
    );
    Ok(())
}

/// C1: towards a target the hybrid exchange is not merely offered.
#[test]
fn a_target_that_exchanges_keys_post_quantum_alone_is_entered() -> Result<()> {
    let mut hostile = Hostile::start("post_quantum_alone")?;
    let answer = hostile.answer()?.success()?;
    ensure!(answer.text() == "plain\n", "{answer:?}");
    let report = hostile.report();
    ensure!(report.contains("kex: mlkem768x25519-sha256"), "{report}");
    Ok(())
}

#[test]
fn noise_instead_of_a_key_exchange_is_refused() -> Result<()> {
    is_refused("bad_exchange")
}

#[test]
fn a_key_exchange_with_false_lengths_is_refused() -> Result<()> {
    is_refused("bad_exchange_lengths")
}

#[test]
fn a_banner_without_end_is_cut() -> Result<()> {
    let mut hostile = Hostile::start("endless_banner")?;
    hostile.answer()?.failed(&["db01"])?;
    let report = wait::until("the target's report", Duration::from_secs(60), || {
        let report = hostile.report();
        Ok(report.contains("sent: ").then_some(report))
    })?;
    let sent: u64 = report.trim().trim_start_matches("sent: ").parse()?;
    ensure!(sent < 64 << 20, "{sent} bytes of a banner were taken");
    Ok(())
}

#[test]
fn a_target_that_says_nothing_is_given_up() -> Result<()> {
    is_refused("silent")
}

#[test]
fn a_target_that_stops_after_its_banner_is_given_up() -> Result<()> {
    is_refused("silent_after_banner")
}

#[test]
fn a_target_that_closes_at_once_is_named() -> Result<()> {
    is_refused("closes_at_once")
}

#[test]
fn a_target_that_is_no_ssh_server_is_named() -> Result<()> {
    is_refused("not_ssh")
}

#[test]
fn a_target_that_refuses_the_login_is_named() -> Result<()> {
    is_refused("refuses_login")
}

#[test]
fn a_target_that_refuses_the_channel_is_named() -> Result<()> {
    is_refused("refuses_channel")
}

#[test]
fn a_target_that_refuses_the_command_is_named() -> Result<()> {
    is_refused("refuses_command")
}

/// F6: a target opens nothing towards the gateway or the technician.
#[test]
fn channels_opened_by_a_target_are_refused() -> Result<()> {
    let report = is_served("own_channels")?;
    ensure!(
        report.lines().count() == 6 && !report.contains("opened"),
        "{report}"
    );
    Ok(())
}

#[test]
fn requests_of_a_target_change_nothing() -> Result<()> {
    is_served("own_requests")?;
    is_served("request_flood")?;
    Ok(())
}

/// What comes without bytes is taken out of where the SSH library lays it down, whichever it is.
#[test]
fn two_hundred_messages_without_bytes_do_not_stop_a_target() -> Result<()> {
    is_served("repeats_itself")?;
    Ok(())
}

#[test]
fn a_target_that_takes_its_channel_back_is_told_as_lost() -> Result<()> {
    let mut hostile = Hostile::start("takes_the_channel_back")?;
    let answer = hostile.answer()?.failed(&["db01"])?;
    ensure!(answer.text() == "begun\n", "{answer:?}");
    Ok(())
}

/// The client stands still, so that all of it would pile up: the target has 200 MiB in mind, and looks at no window.
#[test]
fn a_target_that_ignores_its_window_does_not_fill_the_memory() -> Result<()> {
    let mut hostile = Hostile::start("window_ignored")?;
    let before = hostile.site.process()?.usage()?.memory;
    let mut running = hostile.site.ssh("alice+db01").run("anything").spawn()?;
    let mut first = vec![0; 1 << 20];
    let stdout = running.child.stdout.as_mut().context("no stdout")?;
    stdout.read_exact(&mut first)?;
    let deadline = Instant::now() + Duration::from_secs(5);
    let mut worst = 0;
    wait::until_true(
        "five seconds of standing still",
        Duration::from_secs(10),
        || {
            let memory = hostile.site.process()?.usage()?.memory;
            worst = worst.max(memory.saturating_sub(before));
            Ok(Instant::now() >= deadline)
        },
    )?;
    ensure!(worst < 64 << 20, "it grew by {} MiB", worst >> 20);
    let report = hostile.report();
    ensure!(
        !report.contains(&format!("sent: {}", (200_u64 << 20) / 32_000 * 32_000)),
        "all of it was taken: {report}"
    );
    drop(running);
    hostile.site.ssh("alice").run("flows").answer()?.success()?;
    Ok(())
}

#[test]
fn a_target_that_grants_too_much_window_harms_nobody() -> Result<()> {
    let mut hostile = Hostile::start("window_overflow")?;
    let answer = hostile.answer()?;
    // Served, or given up by name; never half of it, and never a crash.
    let served = answer.status == Some(0) && answer.text() == "served\n";
    let given_up = answer.status == Some(255) && answer.errors.contains("db01");
    ensure!(served || given_up, "{answer:?}");
    Ok(())
}

#[test]
fn a_target_that_reads_byte_by_byte_gets_all() -> Result<()> {
    let hostile = Hostile::start("window_tiny")?;
    let answer = hostile
        .site
        .ssh("alice+db01")
        .run("anything")
        .answer_to(vec![b'x'; 20_000])?
        .success()?;
    ensure!(answer.text() == "got 20000\n", "{answer:?}");
    Ok(())
}

#[test]
fn output_after_the_end_of_output_harms_nobody() -> Result<()> {
    let mut hostile = Hostile::start("output_after_eof")?;
    let answer = hostile.answer()?;
    ensure!(answer.text().starts_with("before\n"), "{answer:?}");
    Ok(())
}

#[test]
fn output_of_an_unknown_kind_is_not_passed_on() -> Result<()> {
    let mut hostile = Hostile::start("unknown_stream")?;
    let answer = hostile.answer()?.success()?;
    ensure!(
        answer.text() == "served\n" && !answer.errors.contains("hidden"),
        "{answer:?}"
    );
    Ok(())
}

#[test]
fn a_target_that_vanishes_midway_is_told() -> Result<()> {
    for trick in ["closes_midway", "resets_midway"] {
        let mut hostile = Hostile::start(trick)?;
        let answer = hostile.answer()?;
        ensure!(
            answer.status != Some(0) && answer.text() == "half of i",
            "{trick}: {answer:?}"
        );
        ensure!(
            answer.errors.contains("db01"),
            "{trick}: nothing says that the target vanished: {}",
            answer.errors
        );
    }
    Ok(())
}

#[test]
fn an_end_without_a_status_is_no_success() -> Result<()> {
    let mut hostile = Hostile::start("no_status")?;
    let answer = hostile.answer()?;
    ensure!(
        answer.text() == "served\n" && answer.status != Some(0),
        "{answer:?}"
    );
    Ok(())
}

#[test]
fn statuses_and_signals_of_a_hostile_target_are_harmless() -> Result<()> {
    let mut hostile = Hostile::start("many_statuses")?;
    let answer = hostile.answer()?;
    ensure!(
        answer.text() == "served\n"
            && answer.status != Some(0)
            && !answer.errors.contains('\u{1b}'),
        "{answer:?}"
    );
    Ok(())
}

/// F5: how a command ended reaches the client once, capped, and in the form that the protocol has for it.
#[test]
fn a_target_ends_a_command_once_and_in_few_words() -> Result<()> {
    let mut hostile = Hostile::start("huge_ending")?;
    let site = &hostile.site;
    let answer = site.ssh("alice+db01").flag("-v").run("anything").answer()?;
    ensure!(answer.text() == "served\n", "{answer:?}");
    let told = answer.errors.matches("rtype exit-").count();
    ensure!(told == 1, "told {told} times: {}", answer.errors);
    ensure!(
        !answer.errors.contains('\u{1b}') && answer.errors.matches('M').count() < 1100,
        "{}",
        answer.errors
    );
    hostile.answer()?;
    Ok(())
}

/// F5: what is larger than a packet may be is not kept.
#[test]
fn packets_larger_than_they_may_be_end_the_connection_to_the_target() -> Result<()> {
    // What makes it end is at most the one packet that was read.
    let answer = Hostile::start("giant_packets")?
        .answer()?
        .failed(&["db01"])?;
    ensure!(answer.text().len() <= 200_000, "{}", answer.text().len());
    let answer = Hostile::start("giant_ending")?.answer()?;
    ensure!(
        answer.text() == "served\n" && answer.status == Some(255),
        "{answer:?}"
    );
    Ok(())
}

/// R11: what a hostile target wrote is replayed as a drawing, never as its own escape sequences.
#[test]
fn a_hostile_recording_is_replayed_harmlessly() -> Result<()> {
    let hostile = Hostile::start("terminal_bombs")?;
    let site = &hostile.site;
    site.ssh("alice+db01")
        .flag("-tt")
        .run("anything")
        .answer()?;
    ecluse_tests::recording::wait_for_casts(&site.layout().recordings(), 1)?;
    let listed = site.auditor(&["recordings"])?.success()?.text();
    let number = ecluse_tests::lobby::first_row(&listed)?;
    let replayed = site.auditor(&["replay", &number])?.success()?;
    let text = replayed.text();
    ensure!(text.contains("served"), "{text:?}");
    for bomb in ["\u{1b}]0;", "\u{1b}[6n", "\u{1b}[c", "\u{1b}]52", "\u{1b}P"] {
        ensure!(
            !text.contains(bomb),
            "{bomb:?} reached the auditor's terminal"
        );
    }
    Ok(())
}
