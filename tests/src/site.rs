//! A running site: the target, the gateway, and everything a person needs to use them.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::client::{self, Ssh};
use crate::clock::Clock;
use crate::codes::{Codes, secret_of};
use crate::documents::Documents;
use crate::gateway::{Gateway, beside};
use crate::keys;
use crate::layout::{Layout, write_private, write_script};
use crate::plan::{self, Plan};
use crate::ports::Ports;
use crate::process::{Care, Process};
use crate::target::{self, Target};
use crate::wait;

/// How long the gateway may take to answer after its start.
const START: Duration = Duration::from_secs(60);

/// A running site. Dropping it stops what it started; a test's site also removes its files.
#[derive(Debug)]
pub struct Site {
    // Fields are dropped in this order: the gateway first, so that its sessions end in words; the files last.
    gateway_process: Option<Process>,
    target: Option<Target>,
    layout: Layout,
    plan: Plan,
    gateway: Gateway,
    clock: Clock,
    codes: Codes,
    care: Care,
    _directory: Option<TempDir>,
}

impl Site {
    /// A test's own site, as the demo sets it up.
    ///
    /// # Errors
    /// When anything does not start.
    pub fn start() -> Result<Self> {
        Self::start_with(|_| Ok(()))
    }

    /// A test's own site, after `change` to the plan.
    ///
    /// # Errors
    /// When anything does not start.
    pub fn start_with(change: impl FnOnce(&mut Plan) -> Result<()>) -> Result<Self> {
        let mut site = Self::prepare(change)?;
        site.open()?;
        Ok(site)
    }

    /// A test's own site with all set up but the gateway not serving.
    ///
    /// # Errors
    /// When anything fails before.
    pub fn prepare(change: impl FnOnce(&mut Plan) -> Result<()>) -> Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("ecluse-")
            .tempdir()
            .context("no temporary directory")?;
        let layout = Layout::create(directory.path())?;
        let mut plan = Plan::new(&layout, Ports::free()?)?;
        // Longer than a step of codes: a client may have to wait for one that was not used.
        plan.documents.settings.limits = vec!["authenticate-within = \"60s\"".to_owned()];
        change(&mut plan)?;
        let mut site = Self::assemble(layout, plan, Care::Test, Some(directory))?;
        site.set_up()?;
        Ok(site)
    }

    /// The demo's site in `layout`, served on `ports`; keys, store and enrolments are kept from one start to the next.
    ///
    /// # Errors
    /// When anything does not start.
    pub fn demo(layout: Layout, ports: Ports) -> Result<Self> {
        let plan = Plan::demo(&layout, ports)?;
        let mut site = Self::assemble(layout, plan, Care::Demo, None)?;
        site.set_up()?;
        site.open()?;
        Ok(site)
    }

    fn assemble(
        layout: Layout,
        plan: Plan,
        care: Care,
        directory: Option<TempDir>,
    ) -> Result<Self> {
        let clock = if plan.movable_clock {
            Clock::movable(layout.root().join("clock"))?
        } else {
            Clock::real()
        };
        crate::recording::reads_with(layout.recording_key());
        let codes = Codes::new(layout.codes(), clock.clone());
        let gateway = Gateway::find(&layout.settings())?;
        Ok(Self {
            gateway_process: None,
            target: None,
            layout,
            plan,
            gateway,
            clock,
            codes,
            care,
            _directory: directory,
        })
    }

    /// Target, documents, enrolments and credentials: all before `serve`.
    fn set_up(&mut self) -> Result<()> {
        let first = !self.layout.root().join("set-up").exists();
        match self.care {
            Care::Test => self.plan.documents.write(&self.layout.config())?,
            // What somebody changed there is theirs.
            Care::Demo => {
                let documents = &self.plan.documents;
                documents.write_missing(&self.layout.config(), self.plan.ports)?;
            }
        }
        if let Some(kind) = self.plan.target {
            self.target = Some(target::start(
                &self.layout,
                kind,
                self.plan.ports.target,
                self.care,
            )?);
        }
        let config = self.layout.config();
        self.gateway
            .run([Path::new("check"), &config], "")
            .context("the documents of the site were not accepted")?;
        self.gateway.run([Path::new("apply"), &config], "")?;
        if first {
            for person in &self.plan.enrolled {
                self.enroll(person)?;
            }
            self.give_credentials()?;
            write_private(&self.layout.root().join("set-up"), "")?;
        }
        Ok(())
    }

    fn give_credentials(&self) -> Result<()> {
        let account = target::account()?;
        let key = self.layout.key(target::ACCOUNT_KEY);
        let known = |id: &str| {
            self.plan
                .documents
                .targets
                .iter()
                .any(|target| target.id == id)
        };
        if known(plan::TARGET) {
            self.gateway.run(
                [
                    Path::new("credential"),
                    "set".as_ref(),
                    plan::TARGET.as_ref(),
                    account.as_ref(),
                    "--key-file".as_ref(),
                    &key,
                ],
                "",
            )?;
        }
        if known(plan::CERTIFIED_TARGET) {
            self.gateway.run(
                [
                    "credential",
                    "set",
                    plan::CERTIFIED_TARGET,
                    &account,
                    "--certificate",
                ],
                "",
            )?;
            let authority = self.gateway.run(["credential", "authority"], "")?;
            write_private(&self.layout.target().join("user_ca.pub"), &authority)?;
        }
        Ok(())
    }

    /// Enrols `person` with a secret made here.
    ///
    /// # Errors
    /// When the gateway refuses.
    pub fn enroll(&self, person: &str) -> Result<()> {
        let secret = keys::totp_secret(&self.layout, person)?;
        let file = self.layout.secret(person);
        let code = self.codes.fresh(person, &secret)?;
        self.gateway.run(
            [
                Path::new("enroll"),
                person.as_ref(),
                "--secret-file".as_ref(),
                &file,
            ],
            &format!("{code}\n"),
        )?;
        Ok(())
    }

    /// Starts serving, and waits until the door answers.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn open(&mut self) -> Result<()> {
        let mut command = self.gateway.command(["serve"]);
        command.envs(self.clock.environment()?);
        command.envs(
            self.plan
                .environment
                .iter()
                .map(|(name, value)| (name, value)),
        );
        let mut process = Process::start("gateway", &mut command, &self.layout.logs(), self.care)?;
        process.wait_for_line("ready", START)?;
        self.gateway_process = Some(process);
        let line = self.host_key()?;
        write_private(
            &self.layout.known_hosts(),
            &format!(
                "[127.0.0.1]:{} {line}\n{}",
                self.plan.ports.door,
                self.target_line()?
            ),
        )?;
        write_private(
            &self.layout.ssh_config(),
            &client::configuration(&self.layout, &self.plan)?,
        )?;
        let demo = crate::environment::shell_word(&beside("demo")?);
        let root = crate::environment::shell_word(self.layout.root());
        write_script(
            &self.layout.code(),
            &format!("#!/bin/sh\nexec {demo} code --state {root} \"$@\"\n"),
        )?;
        write_script(
            &self.layout.askpass(),
            &format!("#!/bin/sh\nexec {demo} askpass --state {root} \"$@\"\n"),
        )
    }

    fn target_line(&self) -> Result<String> {
        Ok(format!(
            "[127.0.0.1]:{} {}\n",
            self.plan.ports.target,
            keys::pair(&self.layout, target::HOST_KEY)?
        ))
    }

    /// The gateway's host key: from the file beside its private half, or where that lies elsewhere, as the door shows it to the
    /// machine that runs it.
    ///
    /// # Errors
    /// When neither has an Ed25519 key.
    pub fn host_key(&self) -> Result<String> {
        let file = self.layout.data().join("keys/ssh_host_ed25519_key.pub");
        if let Ok(line) = fs::read_to_string(&file) {
            let words: Vec<&str> = line.split_whitespace().take(2).collect();
            return Ok(words.join(" "));
        }
        let scanned = Command::new("ssh-keyscan")
            .args([
                "-T",
                "10",
                "-t",
                "ed25519",
                "-p",
                &self.plan.ports.door.to_string(),
                "127.0.0.1",
            ])
            .stdin(Stdio::null())
            .output()
            .context("ssh-keyscan cannot be run: install the OpenSSH client")?;
        let text = String::from_utf8_lossy(&scanned.stdout).into_owned();
        let key = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .find_map(|line| line.split_once(' ').map(|(_, key)| key.trim().to_owned()));
        key.with_context(|| {
            format!(
                "the gateway showed no Ed25519 host key: {text}{}",
                String::from_utf8_lossy(&scanned.stderr)
            )
        })
    }

    /// Stops the gateway in order and waits for its end.
    ///
    /// # Errors
    /// When it does not end well.
    pub fn close(&mut self) -> Result<()> {
        if let Some(mut process) = self.gateway_process.take() {
            let before = process.ended()?;
            if let Some(status) = before {
                anyhow::bail!("the gateway had ended before it was asked to, with {status}");
            }
            let status = process.stop()?;
            ensure!(
                status.success(),
                "the gateway ended with {status} when asked to stop"
            );
        }
        Ok(())
    }

    /// Stops gateway and target in order; for the demo.
    ///
    /// # Errors
    /// When the gateway does not end well.
    pub fn stop(mut self) -> Result<()> {
        let closed = self.close();
        if let Some(mut target) = self.target.take() {
            target.process.stop()?;
        }
        closed
    }

    /// Kills the gateway at once, as a power cut would.
    ///
    /// # Errors
    /// When it was not running.
    pub fn kill(&mut self) -> Result<()> {
        let mut process = self
            .gateway_process
            .take()
            .context("the gateway is not running")?;
        process.kill()?;
        Ok(())
    }

    /// Writes changed documents and applies them.
    ///
    /// # Errors
    /// When the gateway refuses them.
    pub fn apply(&mut self, change: impl FnOnce(&mut Documents) -> Result<()>) -> Result<String> {
        change(&mut self.plan.documents)?;
        self.plan.documents.write(&self.layout.config())?;
        self.gateway
            .run([Path::new("apply"), &self.layout.config()], "")
    }

    /// An `ssh` of `person` to `address@gw`, with the keys of that person (and their station).
    ///
    /// `address` is what stands before the `@`: `alice+db01`, `odile`.
    #[must_use]
    pub fn ssh(&self, address: &str) -> Ssh {
        Ssh::new(&self.layout, &format!("{address}@gw"))
    }

    /// An `ssh` straight to the target, past the gateway: what is compared with.
    #[must_use]
    pub fn direct(&self) -> Ssh {
        Ssh::new(&self.layout, "direct")
    }

    /// The secret behind the one-time codes of `person`.
    ///
    /// # Errors
    /// When the person is not enrolled.
    pub fn secret(&self, person: &str) -> Result<String> {
        secret_of(&self.layout.secret(person))
    }

    /// A code of `person` that was not used yet.
    ///
    /// # Errors
    /// When the person is not enrolled.
    pub fn fresh_code(&self, person: &str) -> Result<String> {
        self.codes.fresh(person, &self.secret(person)?)
    }

    /// A plain connection to the door.
    ///
    /// # Errors
    /// When nothing listens.
    pub fn connect(&self) -> Result<TcpStream> {
        let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, self.plan.ports.door))
            .context("the gateway's door is closed")?;
        socket.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(socket)
    }

    /// Where its files are.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Its command line.
    #[must_use]
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// Its clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Its codes.
    #[must_use]
    pub fn codes(&self) -> &Codes {
        &self.codes
    }

    /// Its plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The gateway's process.
    ///
    /// # Errors
    /// When it is not serving.
    pub fn process(&mut self) -> Result<&mut Process> {
        self.gateway_process
            .as_mut()
            .context("the gateway is not serving")
    }

    /// The target's process.
    ///
    /// # Errors
    /// When it has none of its own.
    pub fn target(&mut self) -> Result<&mut Target> {
        self.target
            .as_mut()
            .context("this site was planned without a target")
    }

    /// Stops the target; with `again`, starts it anew.
    ///
    /// # Errors
    /// When it does not start.
    pub fn restart_target(&mut self, again: bool) -> Result<()> {
        drop(self.target.take());
        if again {
            let kind = self
                .plan
                .target
                .context("this site was planned without a target")?;
            self.target = Some(target::start(
                &self.layout,
                kind,
                self.plan.ports.target,
                self.care,
            )?);
        }
        Ok(())
    }

    /// What the target's sshd wrote about its sessions.
    #[must_use]
    pub fn target_log(&self) -> String {
        fs::read_to_string(target::sshd::log(&self.layout)).unwrap_or_default()
    }

    /// Waits until the gateway's process holds no more than `count` descendants of the target: its sessions ended.
    ///
    /// # Errors
    /// When they did not end in time.
    pub fn wait_for_target_sessions(&self, count: usize, patience: Duration) -> Result<()> {
        let id = self
            .target
            .as_ref()
            .context("this site was planned without a target")?
            .process
            .id();
        wait::until_true(
            &format!("at most {count} sessions on the target"),
            patience,
            // Its direct children.
            || Ok(crate::process::descendants(id).len() <= count),
        )
    }
}
