//! Everything SSH can ask besides a shell and a command is refused, in words that name the missing flow. F1, F2, F6.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::process::{Care, Process};
use ecluse_tests::{Site, Terminal, client, peers, store, wait};

const PATIENCE: Duration = Duration::from_secs(60);

fn open_site() -> Result<Site> {
    let site = Site::start()?;
    site.proven("alice", "db01")?;
    Ok(site)
}

/// Waits until the refusal of `flow` is on record: the gateway was asked, and it is the gateway that said no.
fn is_on_record(site: &Site, flow: &str) -> Result<()> {
    let what = format!("the refusal of {flow:?} on record");
    wait::until_true(&what, PATIENCE, || {
        let refusals = store::audit(site, "flow-refused")?;
        Ok(refusals.iter().any(|refusal| {
            refusal["verdict"] == "refuse"
                && refusal["person"] == "alice"
                && refusal
                    .pointer("/detail/flow")
                    .is_some_and(|asked| asked == flow)
        }))
    })
}

/// A subsystem that no line could give fails at once: a client that is let in and then sent away tries again and again.
#[test]
fn a_subsystem_that_nobody_has_fails_at_once() -> Result<()> {
    let site = open_site()?;
    let ssh = site.ssh("alice+db01").flag("-s").run("netconf");
    ssh.answer()?.failed(&["subsystem request failed"])?;
    is_on_record(&site, "the subsystem netconf")
}

/// F2: whoever copies files reads which flow is missing and how to see what there is, from the real programs, on a connection of
/// their own and on a shared one; and never without.
#[test]
fn scp_and_sftp_show_the_missing_flow() -> Result<()> {
    let site = open_site()?;
    let here = site.layout().root().join("a-file");
    std::fs::write(&here, "contents")?;
    let alone = site.ssh("alice+db01");
    let shared = alone.clone().shared("files");
    shared.clone().run("true").answer()?.success()?;
    let to = "alice+db01@gw:/tmp/never";
    for ssh in [&alone, &shared] {
        let mut options = ssh.arguments();
        // Neither `ssh` itself nor where it goes.
        options.remove(0);
        options.pop();
        for _ in 0..5 {
            let mut scp = Command::new("scp");
            scp.args(&options).arg(&here).arg(to);
            let mut sftp = Command::new("sftp");
            sftp.args(&options).arg("alice+db01@gw");
            for mut program in [scp, sftp] {
                program.envs(ssh.variables());
                let answer = client::run(&mut program, &[], PATIENCE)?;
                ensure!(answer.status != Some(0), "{answer:?}");
                let errors: Vec<&str> = answer.errors.split_whitespace().collect();
                let errors = errors.join(" ");
                let told = errors.find("Missing: sftp-read");
                let helps = errors.find("alice@127.0.0.1 flows");
                ensure!(told.is_some() && told < helps, "{program:?}: {answer:?}");
            }
        }
    }
    is_on_record(&site, "the subsystem sftp")
}

/// A refusal is no dead end: it names the command that helps, as it works for whoever reads it. F2.
#[test]
fn a_refusal_names_the_command_that_helps() -> Result<()> {
    let mut site = Site::start()?;
    let number = site.request("alice", "db01")?.to_string();
    site.operator(&["approve", &number, "--only", "command"])?
        .success()?;
    // Capital letters make no other target.
    site.ssh("alice+DB01").run("true").answer()?.success()?;
    let shell = site.ssh("alice+db01").answer()?;
    let account = ecluse_tests::target::account()?;
    shell.refused(&[
        "Écluse: a shell is not part of this intervention. Missing: shell",
        &format!("alice@127.0.0.1 request db01 --account {account} --for "),
    ])?;
    // What the matrix does not have is not asked for in vain.
    site.ssh("alice+db99").run("true").answer()?.refused(&[
        "Écluse: db99 is not among your targets.",
        "alice@127.0.0.1 flows",
    ])?;
    let lobby = |site: &Site, words: &[&str]| site.lobby("alice", words).answer();
    let again = ["request", "DB01", "--for", "1h", "--reason", "again"];
    let told = lobby(&site, &again)?.success()?.text();
    // Another intervention is open there: to go there would use that one, and wait for no answer.
    ensure!(
        !told.contains("alice+db01@127.0.0.1") && told.contains("alice@127.0.0.1 interventions"),
        "{told}"
    );
    site.apply(|documents| {
        documents.flow("dba")?.allow = vec!["command: uptime".to_owned()];
        Ok(())
    })?;
    let only = [
        "request", "db01", "--only", "shell", "--for", "1h", "--reason", "x",
    ];
    wait::until_true("the flow without a shell to be in force", PATIENCE, || {
        Ok(lobby(&site, &["flows"])?.text().contains("command: uptime"))
    })?;
    let refused = lobby(&site, &only)?;
    ensure!(refused.status == Some(1), "{refused:?}");
    refused.says(&["“shell” is not allowed to you on db01. Allowed there: command."])?;
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
    is_on_record(&site, "a connection to 127.0.0.1:22")
}

#[test]
fn a_remote_forward_is_refused() -> Result<()> {
    let site = open_site()?;
    for (forward, told, flow) in [
        (
            "0:127.0.0.1:22",
            "remote port forwarding failed for listen port 0",
            "a remote forward from localhost:0",
        ),
        (
            "/tmp/ecluse-forward.sock:127.0.0.1:22",
            "remote port forwarding failed for listen path /tmp/ecluse-forward.sock",
            "a remote forward from the socket /tmp/ecluse-forward.sock",
        ),
    ] {
        site.ssh("alice+db01")
            .option("ExitOnForwardFailure yes")
            .flag("-R")
            .flag(forward)
            .run("true")
            .answer()?
            .failed(&[told])?;
        is_on_record(&site, flow)?;
    }
    Ok(())
}

#[test]
fn a_forward_to_a_socket_is_refused() -> Result<()> {
    let site = open_site()?;
    let local = site.layout().control().join("forward.sock");
    let mut running = site
        .ssh("alice+db01")
        .option("LogLevel INFO")
        .flag("-N")
        .flag("-L")
        .flag(format!("{}:/run/dbus/system_bus_socket", local.display()))
        .spawn()?;
    // The name is there a moment before anybody listens.
    let mut socket = ecluse_tests::wait::until("the local end of the forward", PATIENCE, || {
        Ok(std::os::unix::net::UnixStream::connect(&local).ok())
    })?;
    let mut received = Vec::new();
    // The gateway refuses the channel; the client closes its end.
    std::io::Read::read_to_end(&mut socket, &mut received)?;
    ensure!(received.is_empty());
    is_on_record(
        &site,
        "a connection to the socket /run/dbus/system_bus_socket",
    )?;
    // And the client was told, before it was ended here.
    running.child.kill()?;
    running
        .answer()?
        .says(&["socket: /run/dbus/system_bus_socket"])?;
    Ok(())
}

/// F6. The client has an agent and a display to forward, and asks: what it says on the way is looked at first, so that no
/// silence passes for a refusal.
#[test]
fn agent_and_x11_forwarding_are_refused() -> Result<()> {
    let site = open_site()?;
    let socket = site.layout().control().join("agent.sock");
    let mut agent = Command::new("ssh-agent");
    agent.arg("-D").arg("-a").arg(&socket);
    let _agent = Process::start("agent", &mut agent, &site.layout().logs(), Care::Test)?;
    wait::until_true("the agent", PATIENCE, || Ok(socket.exists()))?;
    let answer = site
        .ssh("alice+db01")
        .flag("-A")
        .option("IdentityAgent SSH_AUTH_SOCK")
        .variable("SSH_AUTH_SOCK", &socket)
        .option("LogLevel DEBUG1")
        .run("echo agent=$SSH_AUTH_SOCK")
        .answer()?
        .success()?
        .says(&["Requesting authentication agent forwarding"])?;
    ensure!(answer.text() == "agent=\n", "{answer:?}");
    is_on_record(&site, "agent forwarding")?;
    let answer = site
        .ssh("alice+db01")
        .flag("-Y")
        .variable("DISPLAY", ":9")
        .option("LogLevel DEBUG1")
        .run("echo display=$DISPLAY")
        .answer()?
        .success()?
        .says(&[
            "Requesting X11 forwarding",
            "X11 forwarding request failed on channel 0",
        ])?;
    ensure!(answer.text() == "display=\n", "{answer:?}");
    is_on_record(&site, "X11 forwarding")?;
    // Asked by a client that wants an answer to each.
    let answer = peers::run(
        &site,
        "hostile_client",
        &["forwarding_requests", "alice+db01"],
    )?
    .success()?;
    ensure!(
        answer.text()
            == "auth-agent-req@openssh.com: refused\nx11-req: refused\nnonsense@example.org: refused\n",
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
        "tun",
        "nonsense",
    ] {
        ensure!(
            answer.text().contains(&format!("\n{kind}: refused"))
                || answer.text().starts_with(&format!("{kind}: refused")),
            "{kind} was not refused:\n{}",
            answer.text()
        );
    }
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
    let target = format!("127.0.0.1:{}", site.plan().ports.target);
    let before = site.target_log().matches("Connection from").count();
    site.direct()
        .option(&proxy)
        .run("true")
        .answer()?
        .failed(&["stdio forwarding failed"])?;
    is_on_record(&site, &format!("a connection to {target}"))?;
    ensure!(
        site.target_log().matches("Connection from").count() == before,
        "the target was dialled:\n{}",
        site.target_log()
    );
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
    ] {
        let answer = site
            .ssh("alice+db01")
            .run(other)
            .answer()?
            .refused(&["the command"])
            .with_context(|| format!("{other:?}"))?;
        ensure!(answer.output.is_empty(), "{other:?}: {answer:?}");
    }
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 100, 30)?;
    terminal.sees("Missing: shell")?;
    ensure!(terminal.ends()? == 254);
    Ok(())
}

/// Invariant 1: a flow that lists nothing allows nothing: neither a shell nor a command can be asked for, nor passes.
#[test]
fn a_flow_without_capabilities_allows_nothing() -> Result<()> {
    let mut site = Site::start_with(|plan| {
        plan.documents.flow("dba")?.allow = vec!["command: true".to_owned()];
        Ok(())
    })?;
    site.approved("alice", "db01")?;
    let command = || site.ssh("alice+db01").run("true").answer();
    command()?.success()?;
    let entered = site.target_log().matches("Accepted").count();
    site.apply(|documents| {
        documents.flow("dba")?.allow = Vec::new();
        Ok(())
    })?;
    // What was granted before opens nothing any more, and nothing can be asked for.
    let refused = site.ssh("alice+db01").run("true").answer()?;
    refused.refused(&["db01"])?;
    for only in [&[][..], &["--only", "shell"], &["--only", "command"]] {
        let words = ["request", "db01", "--for", "1h", "--reason", "x"];
        let asked = site.lobby("alice", &[&words, only].concat()).answer()?;
        ensure!(
            asked.status == Some(1) && asked.errors.contains("db01"),
            "an empty flow could be asked for with {only:?}: {asked:?}"
        );
    }
    let asked = store::audit(&site, "request")?;
    ensure!(
        asked
            .iter()
            .filter(|record| record["verdict"] == "permit")
            .count()
            == 1,
        "something was asked for: {asked:?}"
    );
    ensure!(
        site.target_log().matches("Accepted").count() == entered,
        "the target was entered:\n{}",
        site.target_log()
    );
    Ok(())
}

#[test]
fn scp_and_rsync_are_refused_where_commands_are_not_listed() -> Result<()> {
    let site = Site::start_with(|plan| {
        plan.documents.flow("dba")?.allow = vec!["shell".to_owned()];
        Ok(())
    })?;
    site.approved("alice", "db01")?;
    for (command, missing) in [
        ("scp -t /tmp", "command: scp"),
        ("scp -f /etc/passwd", "command: scp"),
        (
            "rsync --server --sender -logDtpre.iLsfxCIvu . /etc/",
            "rsync-read",
        ),
        ("git-receive-pack '/etc'", "git-write"),
        ("/usr/lib/openssh/sftp-server", "command: /usr/lib"),
    ] {
        site.ssh("alice+db01")
            .run(command)
            .answer()?
            .refused(&[missing])?;
    }
    Ok(())
}
