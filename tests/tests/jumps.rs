//! `ssh -J PERSON@gateway ACCOUNT@TARGET`: a jump to a target is a session on it, with stock clients, and nothing else. F1, F6, R2, X2.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::layout::write_private;
use ecluse_tests::payload::{Kind, Payload};
use ecluse_tests::{
    Answer, Plan, Site, Ssh, Terminal, client, peers, recording, store, target, wait,
};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);
const MIB: usize = 1 << 20;

/// A site, and the line by which alice's client knows the targets that it jumps to.
struct Ground {
    site: Site,
    known: PathBuf,
}

impl Ground {
    fn start() -> Result<Self> {
        Self::start_with(|_| Ok(()))
    }

    fn start_with(change: impl FnOnce(&mut Plan) -> Result<()>) -> Result<Self> {
        let site = Site::start_with(change)?;
        let line = site.lobby("alice", &["host-ca"]).answer()?.success()?;
        let known = site.layout().root().join("known_by_jumps");
        write_private(&known, &line.text())?;
        Ok(Self { site, known })
    }

    /// Alice's client, which jumps to `destination` by the gateway.
    fn jump(&self, destination: &str) -> Ssh {
        let hops = Ssh::new(self.site.layout(), destination)
            .flag("-J")
            .flag("alice@gw");
        self.options()
            .into_iter()
            .fold(hops, |ssh, option| ssh.option(&option))
    }

    fn options(&self) -> Vec<String> {
        let known = self.known.display();
        [
            &format!("UserKnownHostsFile \"{known}\""),
            "GlobalKnownHostsFile /dev/null",
            "StrictHostKeyChecking yes",
            "UpdateHostKeys no",
            "IdentityAgent none",
            "IdentityFile /dev/null",
            "LogLevel ERROR",
        ]
        .map(str::to_owned)
        .to_vec()
    }

    /// The account on db01.
    fn to_target(&self) -> Result<String> {
        Ok(format!("{}@db01", target::account()?))
    }

    /// Another program of OpenSSH's that jumps.
    fn run(&self, program: &str, words: &[&str]) -> Result<Answer> {
        let ssh = self.site.ssh("alice");
        let mut command = Command::new(program);
        command
            .arg("-F")
            .arg(self.site.layout().ssh_config())
            .args(["-J", "alice@gw"]);
        for option in self.options() {
            command.arg("-o").arg(option);
        }
        command.args(words).envs(ssh.variables());
        client::run(&mut command, b"", PATIENCE)
    }
}

/// The entries of this kind whose detail says so.
fn detail<'e>(entry: &'e Value, key: &str) -> Option<&'e str> {
    entry.get("detail")?.get(key)?.as_str()
}

/// R2, R4, X2: a jump runs, byte for byte, with the target's own status; it is recorded as any session on that target, its log-on names
/// the connection that it came by, and what left is counted once.
#[test]
fn a_jump_is_a_session_on_its_target() -> Result<()> {
    let ground = Ground::start()?;
    let site = &ground.site;
    site.approved("alice", "db01")?;
    let sent = Payload::new(Kind::Noise, 3 * MIB as u64, 1).bytes();
    fs::write(site.layout().target_home().join("taken"), &sent)?;
    let taken = site.layout().target_home().join("taken");
    let to = ground.to_target()?;
    let answer = ground
        .jump(&to)
        .run(format!("cat {}; exit 7", taken.display()))
        .answer()?;
    ensure!(
        answer.status == Some(7) && answer.output == sent,
        "{:?}",
        answer.errors
    );
    // What goes up comes back.
    let echoed = ground
        .jump(&to)
        .run("cat")
        .answer_to(sent.clone())?
        .success()?;
    ensure!(echoed.output == sent);

    let left = site.lobby("alice", &["quota"]).answer()?.success()?.text();
    ensure!(
        left.contains(" 6 MiB "),
        "what left is not counted once:\n{left}"
    );
    let starts = store::audit(site, "session-start")?;
    ensure!(starts.len() == 2, "{starts:?}");
    let start = starts.first().context("no session began")?;
    ensure!(
        start["person"] == "alice" && start["target"] == "db01",
        "{start}"
    );
    let log_ons = store::audit(site, "log-on")?;
    let inner: Vec<_> = log_ons
        .iter()
        .filter(|one| detail(one, "within").is_some())
        .collect();
    ensure!(inner.len() == 2, "{log_ons:?}");
    for one in inner {
        let within = detail(one, "within").context("it is within none")?;
        let outer = log_ons
            .iter()
            .find(|log_on| detail(log_on, "connection") == Some(within));
        let outer = outer.context("its log-on is within a connection of nobody")?;
        ensure!(
            outer["person"] == "alice" && detail(outer, "second-factor").is_some(),
            "{outer}"
        );
        ensure!(
            one["target"] == "db01" && detail(one, "connection") != Some(within),
            "{one}"
        );
    }
    let said = ground.jump(&to).run("echo so it was").answer()?.success()?;
    ensure!(
        said.output
            == b"so it was
"
    );
    let casts = recording::wait_for_casts(&site.layout().recordings(), 3)?;
    let recorded = casts
        .iter()
        .map(|cast| recording::output(cast))
        .collect::<Result<Vec<_>>>()?;
    ensure!(
        recorded.iter().any(|text| text.contains("so it was")),
        "what left is not recorded"
    );
    Ok(())
}

/// A terminal, `sftp` and `scp` by a jump.
#[test]
fn a_jump_carries_what_the_front_door_does() -> Result<()> {
    let ground = Ground::start_with(|plan| {
        let home = plan.layout.target_home().display().to_string();
        for flow in &mut plan.documents.flows {
            for right in ["read", "write", "list"] {
                flow.allow.push(format!("sftp-{right}: {home}/**"));
            }
        }
        Ok(())
    })?;
    let site = &ground.site;
    site.approved("alice", "db01")?;
    let to = ground.to_target()?;
    let terminal = Terminal::of(site, &ground.jump(&to).flag("-tt"), 100, 30)?;
    terminal.sees_prompt()?;
    terminal.enters("stty size; exit 3")?;
    terminal.sees("30 100")?;
    ensure!(terminal.ends()? == 3);

    let here = site.layout().root().join("copied");
    let there = site.layout().target_home().join("copied");
    let bytes = Payload::new(Kind::Noise, MIB as u64, 1).bytes();
    fs::write(&here, &bytes)?;
    let remote = format!("{to}:{}", there.display());
    ground
        .run("scp", &[&here.display().to_string(), &remote])?
        .success()?;
    ensure!(fs::read(&there)? == bytes);
    fs::remove_file(&here)?;
    ground
        .run("scp", &[&remote, &here.display().to_string()])?
        .success()?;
    ensure!(fs::read(&here)? == bytes);
    Ok(())
}

/// A5, C3: a client that was not told of the gateway's authority does not believe that this is db01; who was, believes it of no
/// other name.
#[test]
fn a_jump_is_believed_by_the_line_alone() -> Result<()> {
    let ground = Ground::start()?;
    ground.site.approved("alice", "db01")?;
    let line = fs::read_to_string(&ground.known)?;
    ensure!(
        line.starts_with("@cert-authority ") && line.contains("db01"),
        "{line}"
    );
    ensure!(line.lines().count() == 1 && !line.contains('*'), "{line}");
    // The administrator's command names no fewer.
    let all = ground.site.gateway().run(["host-ca"], "")?;
    let key = |line: &str| {
        line.split(' ')
            .skip(2)
            .collect::<Vec<_>>()
            .join(" ")
            .trim()
            .to_owned()
    };
    ensure!(
        all.contains("db01") && key(&all) == key(&line),
        "{all}\n{line}"
    );
    fs::write(&ground.known, "")?;
    let answer = ground
        .jump(&ground.to_target()?)
        .run("true")
        .answer()?
        .status_is(255)?;
    answer.says(&["Host key verification failed"])?;
    ensure!(store::audit(&ground.site, "session-start")?.is_empty());
    Ok(())
}

/// F1, F6: no jump leads anywhere else: to what no document names, to a port that is not the target's, on from a jump, or to an account that
/// is not listed; and the bytes of the channel are the gateway's own SSH, never the target's.
#[test]
fn f6_a_jump_leads_nowhere_else() -> Result<()> {
    let ground = Ground::start_with(|plan| {
        // Where two targets are at one address, neither is meant by it.
        let others = plan
            .documents
            .targets
            .iter_mut()
            .filter(|one| one.id != "db01");
        others.for_each(|target| target.address = "127.0.0.1:1".to_owned());
        Ok(())
    })?;
    let site = &ground.site;
    site.approved("alice", "db01")?;
    let account = target::account()?;
    let door = site.plan().ports.door.to_string();
    let own = format!("127.0.0.1:{door}");
    for place in ["elsewhere:22", "db01:23", "127.0.0.1:2", &own, "db02:22"] {
        let told = site.ssh("alice").option("LogLevel INFO");
        let answer = told.flag("-W").flag(place).answer()?.status_is(255)?;
        let answer = answer.says(&["administratively prohibited"])?;
        ensure!(answer.output.is_empty(), "{place}: {answer:?}");
    }
    // By its id, by its name in capitals, by its address: always the gateway, which says no version of the target's.
    let address = format!("127.0.0.1:{}", site.plan().ports.target);
    for place in ["db01:22", "DB01:22", &address] {
        let mut running = site.ssh("alice").flag("-W").flag(place).spawn()?;
        let line = running.first_line()?;
        ensure!(line.trim() == "SSH-2.0-Ecluse", "{place}: {line:?}");
    }
    // An outer connection that names a target is no way around either.
    let mut running = site.ssh("alice+db01").flag("-W").flag(&address).spawn()?;
    ensure!(running.first_line()?.trim() == "SSH-2.0-Ecluse");
    drop(running);
    // The jump itself gets in; what it asks on from there is refused.
    let to = format!("{account}@db01");
    let proxied = Ssh::new(site.layout(), &to)
        .option("LogLevel INFO")
        .flag("-J")
        .flag("alice@gw");
    let proxied = ground
        .options()
        .iter()
        .fold(proxied, |ssh, it| ssh.option(it));
    let answer = proxied
        .flag("-W")
        .flag("db01:22")
        .answer()?
        .status_is(255)?;
    let answer = answer.says(&["administratively prohibited"])?;
    ensure!(!answer.text().contains("SSH-2.0"), "{answer:?}");
    let log_ons = store::audit(site, "log-on")?;
    ensure!(
        log_ons.iter().any(|one| detail(one, "within").is_some()),
        "{log_ons:?}"
    );
    let answer = ground.jump("nobody@db01").run("true").answer()?;
    ensure!(answer.status == Some(254), "{answer:?}");
    // Nobody is told to ask for an account that no line gives.
    let told = answer.errors;
    ensure!(
        told.contains(" flows") && !told.contains("request db01"),
        "{told}"
    );
    Ok(())
}

/// I1: without an approved intervention a jump reads the words of the front door, and asks nobody.
#[test]
fn i1_a_jump_without_an_intervention_is_told_how_to_ask() -> Result<()> {
    let ground = Ground::start()?;
    let to = ground.to_target()?;
    let jumped = ground.jump(&to).run("true").answer()?;
    jumped.refused(&["request db01"])?;
    ensure!(store::audit(&ground.site, "session-start")?.is_empty());
    Ok(())
}

/// I5, invariant 6: what ends the session, the person's connection, or the outer client ends the jump, with its words where they can be
/// read; and another client's operator does not end it by closing what carries it.
#[test]
fn i5_what_ends_either_ends_the_jump() -> Result<()> {
    let ground = Ground::start()?;
    let site = &ground.site;
    site.approved("alice", "db01")?;
    let to = ground.to_target()?;
    let mut running = ground.jump(&to).run("echo begun; exec cat").spawn()?;
    ensure!(running.first_line()? == "begun");
    let number = site.live_session()?;
    site.operator(&["cut", &number, "--reason", "enough"])?
        .success()?;
    let answer = running.answer()?;
    ensure!(
        answer.status != Some(0) && answer.errors.contains("enough"),
        "{answer:?}"
    );

    let mut running = ground.jump(&to).run("echo begun; exec cat").spawn()?;
    ensure!(running.first_line()? == "begun");
    site.operator(&["cut", "alice", "--reason", "leave"])?
        .success()?;
    let answer = running.answer()?;
    ensure!(
        answer.status != Some(0) && answer.errors.contains("leave"),
        "{answer:?}"
    );

    // The client that carries it goes: the session ends, and its recording is closed.
    let mut running = ground.jump(&to).run("echo begun; exec cat").spawn()?;
    ensure!(running.first_line()? == "begun");
    let carrier = carrier_of(running.child.id())?;
    ensure!(
        Command::new("kill")
            .args(["-9", &carrier])
            .stdout(Stdio::null())
            .status()?
            .success()
    );
    running.answer()?;
    wait::until_true("the session ends", PATIENCE, || {
        Ok(store::audit(site, "session-end")?.len() == 3)
    })
}

/// The process of the outer client that `ssh -J` has started.
fn carrier_of(client: u32) -> Result<String> {
    let found = Command::new("pgrep")
        .args(["-P", &client.to_string()])
        .output()?;
    let text = String::from_utf8(found.stdout)?;
    text.lines()
        .next()
        .map(str::to_owned)
        .context("ssh -J has started no client")
}

/// F5: a jump takes a place as any connection of its person's does.
#[test]
fn f5_a_jump_takes_a_place() -> Result<()> {
    let ground = Ground::start_with(|plan| {
        plan.documents
            .settings
            .limits
            .push("per-person = 3".to_owned());
        Ok(())
    })?;
    let site = &ground.site;
    site.approved("alice", "db01")?;
    let to = ground.to_target()?;
    let mut running = ground.jump(&to).run("echo begun; exec cat").spawn()?;
    ensure!(running.first_line()? == "begun");
    let answer = ground.jump(&to).run("true").answer()?.status_is(255)?;
    answer.says(&["too many connections"])?;
    running.goes_on()
}

/// A program's own channel: paramiko knows no certificates of hosts, logs on by `none`, and reads the words of what is refused.
#[test]
fn paramiko_jumps_as_well() -> Result<()> {
    let ground = Ground::start()?;
    ground.site.approved("alice", "db01")?;
    let account = target::account()?;
    let answer =
        peers::run(&ground.site, "paramiko_jump", &["alice", "db01", &account])?.success()?;
    let said = answer.text();
    ensure!(said.starts_with("same\n5\n"), "{said}");
    ensure!(
        said.contains("Missing: sftp-read") && !said.contains("listed\n"),
        "{said}"
    );
    Ok(())
}
