//! A client that does not keep to the protocol: the gateway refuses, stays small, and goes on serving. F5, invariant 10.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::process::Usage;
use ecluse_tests::{Answer, Site, peers, store};

fn open_site() -> Result<Site> {
    let site = Site::start()?;
    site.proven("alice", "db01")?;
    Ok(site)
}

fn trick(site: &mut Site, name: &str) -> Result<Answer> {
    let before = site.process()?.usage()?.memory;
    let answer = peers::run(site, "hostile_client", &[name, "alice+db01"])?;
    ensure!(site.process()?.is_running()?, "the gateway died of {name}");
    let after = site.process()?.usage()?.memory;
    ensure!(
        after.saturating_sub(before) < 64 << 20,
        "{name} made the gateway grow by {} MiB",
        (after - before) >> 20
    );
    Ok(answer)
}

/// What a trick printed, and that the gateway still serves others.
fn told(site: &mut Site, name: &str, line: &str) -> Result<()> {
    let answer = trick(site, name)?;
    ensure!(
        answer.text().contains(line),
        "{name}: {line:?} was not said: {answer:?}"
    );
    site.ssh("alice+db01")
        .run("echo served")
        .answer()?
        .success()?;
    Ok(())
}

/// A site that gives a stranger eight seconds: a login with a code takes three on a machine that is busy.
fn short_site() -> Result<Site> {
    let site = Site::start_with(|plan| {
        plan.documents.settings.limits = vec!["authenticate-within = \"8s\"".to_owned()];
        Ok(())
    })?;
    site.approved("alice", "db01")?;
    Ok(site)
}

#[test]
fn a_channel_before_login_ends_the_connection() -> Result<()> {
    told(&mut short_site()?, "channel_before_login", "closed: True")
}

/// Invariant 3: what a client tells in pixels would reach the target and stand in no recording, so it does not pass.
#[test]
fn a_window_has_no_pixels() -> Result<()> {
    let mut site = open_site()?;
    told(&mut site, "pixels", "first: 24 80 0 0\nthen: 30 100 0 0")
}

/// F5: what one person is refused without end is a few entries and a count.
#[test]
fn refusals_without_end_are_counted() -> Result<()> {
    let mut site = open_site()?;
    told(&mut site, "refused_loop", "answered: True")?;
    let refused = store::audit(&site, "flow-refused")?.len();
    ensure!((1..=40).contains(&refused), "{refused} entries");
    Ok(())
}

#[test]
fn a_request_before_login_ends_the_connection() -> Result<()> {
    told(&mut short_site()?, "request_before_login", "closed: True")
}

#[test]
fn data_before_login_ends_the_connection() -> Result<()> {
    told(&mut short_site()?, "data_before_login", "closed: True")
}

#[test]
fn a_packet_that_says_it_is_huge_ends_the_connection() -> Result<()> {
    told(&mut open_site()?, "huge_packet", "closed: True")
}

#[test]
fn an_identification_without_end_is_cut() -> Result<()> {
    let mut site = open_site()?;
    let answer = trick(&mut site, "endless_identification")?;
    let sent: u64 = answer
        .text()
        .trim()
        .rsplit(' ')
        .next()
        .and_then(|text| text.parse().ok())
        .unwrap_or(u64::MAX);
    ensure!(sent < 32 << 20, "{sent} bytes were taken before any login");
    Ok(())
}

#[test]
fn logins_without_end_on_one_connection_are_cut() -> Result<()> {
    let mut site = open_site()?;
    let answer = trick(&mut site, "login_storm")?;
    ensure!(answer.text().contains("closed: True"), "{answer:?}");
    site.ssh("alice+db01").run("true").answer()?.success()?;
    Ok(())
}

#[test]
fn a_second_shell_on_one_channel_is_refused() -> Result<()> {
    let mut site = open_site()?;
    let answer = trick(&mut site, "two_shells")?.success()?;
    ensure!(
        answer.text().contains("second: refused") && answer.text().contains("other: still here"),
        "{answer:?}"
    );
    Ok(())
}

#[test]
fn of_two_commands_in_one_breath_only_the_first_runs() -> Result<()> {
    let mut site = open_site()?;
    let answer = trick(&mut site, "two_shells_raw")?.success()?;
    ensure!(answer.text() == "received: b'first\\n'\n", "{answer:?}");
    Ok(())
}

#[test]
fn a_client_that_ignores_its_window_is_cut_before_it_fills_the_memory() -> Result<()> {
    told(&mut open_site()?, "window_overflow", "closed: True")
}

#[test]
fn a_storm_of_requests_does_not_stop_the_connection() -> Result<()> {
    told(&mut open_site()?, "request_storm", "other: still here")
}

/// What the SSH library lays down for each message of a channel is taken out, whichever it is: its task would stand still.
#[test]
fn forty_of_each_message_do_not_stop_the_connection() -> Result<()> {
    told(&mut open_site()?, "each_request_often", "other: still here")
}

/// A client that confirms channels which nobody opened towards it is sent away; the library's task would stand still, for ever.
#[test]
fn whoever_confirms_what_was_not_opened_is_sent_away() -> Result<()> {
    told(
        &mut open_site()?,
        "confirms_what_was_not_opened",
        "ended: True",
    )
}

#[test]
fn channels_are_bounded_in_number() -> Result<()> {
    let mut site = open_site()?;
    let answer = trick(&mut site, "channel_storm")?.success()?;
    // 400 are asked for, and `channels-per-connection` is 128 where nothing is set.
    ensure!(
        answer.text() == "opened: 128\nrefused: 272\nother: still here\n",
        "{answer:?}"
    );
    Ok(())
}

#[test]
fn talk_on_closed_and_unknown_channels_harms_nobody() -> Result<()> {
    let mut site = open_site()?;
    told(&mut site, "data_after_close", "other: still here")?;
    told(&mut site, "no_such_channel", "other: still here")
}

#[test]
fn impossible_terminals_harm_nobody() -> Result<()> {
    told(&mut open_site()?, "odd_terminal", "other: still here")
}

#[test]
fn another_target_named_midway_through_a_login_starts_it_again() -> Result<()> {
    let mut site = Site::start_with(|plan| {
        plan.documents.settings.remember = "0s".to_owned();
        Ok(())
    })?;
    let answer = trick(&mut site, "target_changed")?.success()?;
    ensure!(
        answer.text().starts_with("refused: ") && answer.text().ends_with("authenticated: False\n"),
        "{answer:?}"
    );
    // The same steps under one name are a login.
    let honest = trick(&mut site, "honest")?.success()?;
    ensure!(honest.text() == "authenticated: True\n", "{honest:?}");
    Ok(())
}

/// Both of alice's keys under `name`; her code was proven a moment ago.
fn enter(site: &Site, name: &str) -> Result<Answer> {
    site.ssh("alice")
        .flag("-l")
        .flag(name)
        .key(&site.layout().key("ws-1"))
        .key(&site.layout().key("alice"))
        .run("true")
        .answer()
}

/// User names with control characters, or of 10 kB, reach neither a log nor a terminal.
#[test]
fn impossible_names_are_refused_and_not_logged_raw() -> Result<()> {
    let mut site = open_site()?;
    for name in [
        "\u{1b}[31malice",
        "alice\u{7}",
        "alice\r\nfake log line",
        &"a".repeat(10_000),
        "alice+\u{1b}]0;x",
        "+",
        "@",
        "alice+db01+db01",
    ] {
        enter(&site, name)?
            .status_is(255)
            .with_context(|| format!("{name:?}"))?;
    }
    // With the same keys and no code, a name that is one enters: it is the names that were refused.
    enter(&site, "alice+db01")?.success()?;
    let log = site.process()?.errors() + &site.process()?.output();
    ensure!(
        !log.contains('\u{1b}') && !log.contains("\nfake log line") && !log.contains('\u{7}'),
        "raw bytes of a stranger in the log"
    );
    ensure!(log.len() < 1 << 20, "a stranger filled the log");
    Ok(())
}

/// By how many MiB the gateway grew at most while `flood.py` sent every kind of message there is.
fn growth_under(site: &mut Site, arguments: &[&str]) -> Result<u64> {
    let gateway = site.process()?.id();
    let before = Usage::of(gateway)?.memory;
    let over = AtomicBool::new(false);
    let (answer, most) = thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut most = before;
            while !over.load(Ordering::Relaxed) {
                most = most.max(Usage::of(gateway).map_or(0, |usage| usage.memory));
                thread::sleep(Duration::from_millis(20));
            }
            most
        });
        let answer = peers::run(site, "flood", arguments);
        over.store(true, Ordering::Relaxed);
        (answer, watching.join().unwrap_or(u64::MAX))
    });
    let answer = answer?.success()?;
    ensure!(answer.text().contains("walked"), "{answer:?}");
    ensure!(
        site.process()?.is_running()?,
        "the gateway died: {answer:?}"
    );
    site.ssh("alice+db01")
        .run("echo served")
        .answer()?
        .success()?;
    Ok((most - before) >> 20)
}

/// F5: nothing that a stranger sends is kept.
#[test]
fn every_kind_of_message_before_login_leaves_the_gateway_small() -> Result<()> {
    let grown = growth_under(&mut open_site()?, &["before"])?;
    ensure!(grown < 32, "{grown} MiB");
    Ok(())
}

/// F5: whatever is sent on 128 channels, none of them started, is paid for out of one purse of 16 MiB.
#[test]
fn every_kind_of_message_into_idle_channels_leaves_the_gateway_small() -> Result<()> {
    let grown = growth_under(&mut open_site()?, &["after", "alice+db01", "idle"])?;
    ensure!(grown < 64, "{grown} MiB");
    Ok(())
}

/// F5: so is what is sent to the gateway's own dialogues, whose answers nobody reads.
#[test]
fn every_kind_of_message_into_the_lobby_leaves_the_gateway_small() -> Result<()> {
    let grown = growth_under(&mut open_site()?, &["after", "alice", "shells"])?;
    ensure!(grown < 96, "{grown} MiB");
    Ok(())
}

/// F5: and where an answer is waited for.
#[test]
fn every_kind_of_message_into_waiting_rooms_leaves_the_gateway_small() -> Result<()> {
    let grown = growth_under(&mut open_site()?, &["after", "alice+web01", "shells"])?;
    ensure!(grown < 96, "{grown} MiB");
    Ok(())
}

/// F5: and where a program of the target reads it.
#[test]
fn every_kind_of_message_into_running_commands_leaves_the_gateway_small() -> Result<()> {
    let grown = growth_under(&mut open_site()?, &["after", "alice+db01", "running"])?;
    ensure!(grown < 96, "{grown} MiB");
    Ok(())
}

/// F5: all connections together stay within the setting.
#[test]
fn every_kind_of_message_on_many_connections_leaves_the_gateway_small() -> Result<()> {
    let mut site = Site::start_with(|plan| {
        plan.documents.settings.limits =
            vec!["per-source = 100\nper-person = 100\nmemory = \"192 MiB\"".to_owned()];
        Ok(())
    })?;
    site.proven("alice", "db01")?;
    let grown = growth_under(&mut site, &["many", "64", "alice+db01"])?;
    // One MiB for each connection beside what is lent.
    ensure!(grown < 192 + 64, "{grown} MiB");
    Ok(())
}
