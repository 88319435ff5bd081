//! Everything SSH can ask besides a shell and a command is refused, in words that name the missing flow. F1, F2, F6.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Site, Terminal, peers, recording};

fn open_site() -> Result<Site> {
    let site = Site::start()?;
    site.proven("alice", "db01")?;
    Ok(site)
}

/// A subsystem that no line could give fails at once: a client that is let in and then sent away tries again and again.
#[test]
fn a_subsystem_that_nobody_has_fails_at_once() -> Result<()> {
    let site = open_site()?;
    for name in ["sftp", "netconf"] {
        let answer = site.ssh("alice+db01").flag("-s").run(name).answer()?;
        let answer = answer.failed(&["subsystem request failed"])?;
        ensure!(answer.status == Some(255), "{answer:?}");
    }
    Ok(())
}

/// The status of a command that closes its output long before it ends, without and with a shared connection, whether its
/// input ends before its output or after.
#[test]
fn a_status_that_comes_long_after_the_output_arrives() -> Result<()> {
    let site = open_site()?;
    for command in [
        "exec >/dev/null 2>&1; sleep 2; exit 7",
        "exec >/dev/null 2>&1; sleep 1; cat; sleep 1; exit 7",
    ] {
        let client = site.ssh("alice+db01").run(command);
        client.answer()?.status_is(7)?;
        client.clone().shared("status").answer()?.status_is(7)?;
        client.shared("status").answer()?.status_is(7)?;
    }
    Ok(())
}

/// The output of a command may end long before the command, and a program that waits for that goes on.
#[test]
fn the_end_of_output_arrives_although_the_command_runs_on() -> Result<()> {
    let site = open_site()?;
    let mut running = site
        .ssh("alice+db01")
        .run("exec >&-; cat >/dev/null")
        .patience(Duration::from_secs(60))
        .spawn()?;
    let mut output = Vec::new();
    let mut stdout = running.child.stdout.take().context("no stdout")?;
    std::io::Read::read_to_end(&mut stdout, &mut output)?;
    drop(running.child.stdin.take());
    running.answer()?;
    Ok(())
}

/// A technician who leaves at once: the status is on record if it comes soon, and otherwise that it did not come.
#[test]
fn a_status_is_on_record_however_the_technician_leaves() -> Result<()> {
    let site = open_site()?;
    for (count, command, wanted) in [
        (1, "trap '' HUP PIPE; echo begun; cat; exit 7", "exit 7"),
        (
            2,
            "trap '' HUP PIPE; echo begun; sleep 3",
            "left before the target told",
        ),
    ] {
        let mut running = site.ssh("alice+db01").run(command).spawn()?;
        running.first_line()?;
        running.child.kill()?;
        running.child.wait()?;
        recording::wait_for_casts(&site.layout().recordings(), count)?;
        let listed = site.auditor(&["recordings"])?.success()?.text();
        let newest = ecluse_tests::lobby::first_row(&listed)?;
        let replayed = site.auditor(&["replay", &newest])?.success()?.text();
        ensure!(replayed.contains(wanted), "{command}: {replayed}");
    }
    Ok(())
}

/// F5: a command that no program could be given is refused in words; one that is as long as can be runs.
#[test]
fn a_command_may_be_as_long_as_an_argument() -> Result<()> {
    let site = open_site()?;
    let long = |length: usize| format!("echo {} | wc -c", "x".repeat(length));
    site.ssh("alice+db01")
        .run(long(120_000))
        .answer()?
        .says(&["120001"])?;
    site.ssh("alice+db01")
        .run(long(131_072))
        .answer()?
        .refused(&["128"])?;
    Ok(())
}

#[test]
fn a_local_forward_is_refused_and_named() -> Result<()> {
    let site = open_site()?;
    let answer = site
        .ssh("alice+db01")
        .flag("-W")
        .flag("127.0.0.1:22")
        .option("LogLevel INFO")
        .answer()?;
    ensure!(answer.status != Some(0), "{answer:?}");
    ensure!(
        answer.errors.contains("prohibited") && answer.errors.contains("forward: 127.0.0.1:22"),
        "{}",
        answer.errors
    );
    Ok(())
}

#[test]
fn a_remote_forward_is_refused() -> Result<()> {
    let site = open_site()?;
    for forward in ["0:127.0.0.1:22", "/tmp/ecluse-forward.sock:127.0.0.1:22"] {
        let answer = site
            .ssh("alice+db01")
            .option("ExitOnForwardFailure yes")
            .flag("-R")
            .flag(forward)
            .run("true")
            .answer()?;
        ensure!(answer.status == Some(255), "-R {forward}: {answer:?}");
    }
    Ok(())
}

#[test]
fn a_forward_to_a_socket_is_refused() -> Result<()> {
    let site = open_site()?;
    let local = site.layout().control().join("forward.sock");
    let _running = site
        .ssh("alice+db01")
        .flag("-N")
        .flag("-L")
        .flag(format!("{}:/run/dbus/system_bus_socket", local.display()))
        .spawn()?;
    // The name is there a moment before anybody listens.
    let mut socket = ecluse_tests::wait::until(
        "the local end of the forward",
        std::time::Duration::from_secs(20),
        || Ok(std::os::unix::net::UnixStream::connect(&local).ok()),
    )?;
    let mut received = Vec::new();
    // The gateway refuses the channel; the client closes its end.
    std::io::Read::read_to_end(&mut socket, &mut received)?;
    ensure!(received.is_empty());
    Ok(())
}

#[test]
fn agent_and_x11_forwarding_are_refused() -> Result<()> {
    let site = open_site()?;
    let answer = site
        .ssh("alice+db01")
        .flag("-A")
        .variable("SSH_AUTH_SOCK", "/dev/null")
        .run("echo agent=$SSH_AUTH_SOCK")
        .answer()?;
    ensure!(
        answer.text() == "agent=\n" || answer.status == Some(254),
        "{answer:?}"
    );
    let answer = site
        .ssh("alice+db01")
        .flag("-Y")
        .option("ForwardX11 yes")
        .variable("DISPLAY", ":9")
        .variable("XAUTHORITY", "/dev/null")
        .run("echo display=$DISPLAY")
        .answer()?;
    ensure!(
        answer.text() == "display=\n" || answer.status == Some(254),
        "{answer:?}"
    );
    Ok(())
}

#[test]
fn channels_of_every_other_kind_are_refused() -> Result<()> {
    let site = open_site()?;
    let answer =
        peers::run(&site, "hostile_client", &["unknown_channels", "alice+db01"])?.success()?;
    for kind in [
        "direct-tcpip",
        "forwarded-tcpip",
        "x11",
        "auth-agent",
        "nonsense",
    ] {
        ensure!(
            answer.text().contains(&format!("{kind}: refused")),
            "{kind} was not refused:\n{}",
            answer.text()
        );
    }
    Ok(())
}

#[test]
fn a_tunnel_is_refused() -> Result<()> {
    let site = open_site()?;
    let answer = site
        .ssh("alice+db01")
        .option("Tunnel point-to-point")
        .option("ExitOnForwardFailure yes")
        .flag("-w")
        .flag("0:0")
        .run("true")
        .answer()?;
    ensure!(answer.status == Some(255), "{answer:?}");
    Ok(())
}

#[test]
fn a_jump_through_the_gateway_is_refused() -> Result<()> {
    let site = open_site()?;
    // F6: the gateway is no way to other hosts, its own target included.
    let proxy = format!(
        "ProxyCommand ssh -F \"{}\" -W 127.0.0.1:{} alice+db01@gw",
        site.layout().ssh_config().display(),
        site.plan().ports.target
    );
    let answer = site.direct().option(&proxy).run("true").answer()?;
    ensure!(answer.status == Some(255), "{answer:?}");
    Ok(())
}

/// F2, F3: with a flow for one command, that command passes and nothing that merely looks like it.
#[test]
fn only_the_listed_command_passes() -> Result<()> {
    let site = Site::start_with(|plan| {
        plan.documents.flow("dba")?.allow = vec![
            "command: echo dump {name}".to_owned(),
            "command: uptime".to_owned(),
        ];
        Ok(())
    })?;
    site.approved("alice", "db01")?;
    site.ssh("alice+db01")
        .run("echo dump beds")
        .answer()?
        .success()?;
    for other in [
        "echo dump",
        "echo dump beds; id",
        "echo dump $(id)",
        "echo dump a b",
        "echo  dump beds",
        "ECHO dump beds",
        "sh -c 'echo dump beds'",
        "uptime; id",
        "uptime\nid",
        "",
    ] {
        if other.is_empty() {
            continue;
        }
        let answer = site.ssh("alice+db01").run(other).answer()?;
        ensure!(
            answer.status == Some(254),
            "{other:?} was not refused: {answer:?}"
        );
        ensure!(
            answer.errors.contains("command: ") || answer.errors.contains("command"),
            "{other:?}: {}",
            answer.errors
        );
    }
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 100, 30)?;
    terminal.sees("shell")?;
    ensure!(terminal.ends()? == 254);
    Ok(())
}

/// Invariant 1: a flow that lists nothing allows nothing.
#[test]
fn a_flow_without_capabilities_allows_nothing() -> Result<()> {
    let started = Site::start_with(|plan| {
        plan.documents.flow("dba")?.allow = Vec::new();
        Ok(())
    });
    // Refusing such a document is as good as serving it.
    let Ok(site) = started else { return Ok(()) };
    let asked = site
        .lobby(
            "alice",
            &["request", "db01", "--for", "1h", "--reason", "x"],
        )
        .answer()?;
    ensure!(
        asked.status != Some(0),
        "an empty flow could be asked for: {asked:?}"
    );
    site.ssh("alice+db01").run("true").answer()?.refused(&[])?;
    Ok(())
}

#[test]
fn scp_and_rsync_are_refused_where_commands_are_not_listed() -> Result<()> {
    let site = Site::start_with(|plan| {
        plan.documents.flow("dba")?.allow = vec!["shell".to_owned()];
        Ok(())
    })?;
    site.approved("alice", "db01")?;
    for command in [
        "scp -t /tmp",
        "scp -f /etc/passwd",
        "rsync --server --sender -logDtpre.iLsfxCIvu . /etc/",
        "/usr/lib/openssh/sftp-server",
    ] {
        site.ssh("alice+db01")
            .run(command)
            .answer()?
            .refused(&["command"])?;
    }
    Ok(())
}
