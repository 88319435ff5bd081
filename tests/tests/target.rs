//! The target alone, past any gateway: what the other tests compare with must itself be right.

use anyhow::{Result, ensure};
use ecluse_tests::layout::{Layout, write_private, write_script};
use ecluse_tests::payload::{Kind as Bytes, Payload, digest};
use ecluse_tests::plan::Plan;
use ecluse_tests::ports::Ports;
use ecluse_tests::process::Care;
use ecluse_tests::target::{self, Kind};
use ecluse_tests::{Ssh, Terminal, client, keys};
use tempfile::TempDir;

struct Alone {
    _target: target::Target,
    layout: Layout,
    _directory: TempDir,
}

impl Alone {
    fn start(kind: Kind) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("ecluse-").tempdir()?;
        let layout = Layout::create(directory.path())?;
        let ports = Ports::free()?;
        let plan = Plan::new(&layout, ports)?;
        let target = target::start(&layout, kind, ports.target, Care::Test)?;
        write_private(
            &layout.ssh_config(),
            &client::configuration(&layout, &plan)?,
        )?;
        write_private(
            &layout.known_hosts(),
            &format!(
                "[127.0.0.1]:{} {}\n",
                ports.target,
                keys::pair(&layout, target::HOST_KEY)?
            ),
        )?;
        write_script(&layout.askpass(), "#!/bin/sh\nexit 1\n")?;
        Ok(Self {
            _target: target,
            layout,
            _directory: directory,
        })
    }

    fn ssh(&self) -> Ssh {
        Ssh::new(&self.layout, "direct")
    }

    fn serves_commands(&self) -> Result<()> {
        let answer = self
            .ssh()
            .run("echo out; echo err >&2; pwd; exit 3")
            .answer()?
            .status_is(3)?;
        ensure!(
            answer.text() == format!("out\n{}\n", self.layout.target_home().display()),
            "{}",
            answer.text()
        );
        ensure!(answer.errors == "err\n", "{}", answer.errors);
        let bytes = Payload::new(Bytes::Noise, 8 << 20, 1).bytes();
        let answer = self.ssh().run("cat").answer_to(bytes.clone())?.success()?;
        ensure!(
            digest(&answer.output) == digest(&bytes),
            "other bytes came back: {} of {}",
            answer.output.len(),
            bytes.len()
        );
        let answer = self
            .ssh()
            .run("cat; echo after")
            .answer_to("before ")?
            .success()?;
        ensure!(answer.text() == "before after\n", "{}", answer.text());
        self.ssh().run("kill -TERM $$").answer()?.status_is(255)?;
        Ok(())
    }

    fn serves_a_terminal(&self) -> Result<()> {
        let ssh = self.ssh();
        let terminal = Terminal::open(&self.layout, &ssh.flag("-tt").arguments(), &[], 90, 30)?;
        terminal.sees_prompt()?;
        terminal.enters("stty size; echo $TERM")?;
        terminal.sees("30 90")?;
        terminal.resizes(100, 40)?;
        terminal.enters("stty size")?;
        terminal.sees("40 100")?;
        terminal.enters("sleep 1000; echo interrupted=$?")?;
        terminal.sees("sleep 1000")?;
        terminal.presses("C-c")?;
        terminal.sees_prompt()?;
        terminal.enters("exit 7")?;
        ensure!(terminal.ends()? == 7);
        Ok(())
    }
}

#[test]
fn the_machines_sshd_serves_commands() -> Result<()> {
    Alone::start(Kind::OpenSsh)?.serves_commands()
}

#[test]
fn the_machines_sshd_serves_a_terminal() -> Result<()> {
    Alone::start(Kind::OpenSsh)?.serves_a_terminal()
}

#[test]
fn the_built_in_target_serves_commands() -> Result<()> {
    Alone::start(Kind::BuiltIn)?.serves_commands()
}

#[test]
fn the_built_in_target_serves_a_terminal() -> Result<()> {
    Alone::start(Kind::BuiltIn)?.serves_a_terminal()
}
