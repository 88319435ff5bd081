//! The target behind the gateway: the machine's own sshd, or a small server of ours where there is none.

use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::gateway::beside;
use crate::keys;
use crate::layout::{Layout, write_private};
use crate::process::{Care, Process};
use crate::wait;

pub mod builtin;
pub mod sshd;

/// Which server plays the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The machine's OpenSSH, run privately.
    OpenSsh,
    /// [`builtin`].
    BuiltIn,
}

impl Kind {
    /// OpenSSH where it is installed.
    #[must_use]
    pub fn available() -> Self {
        if sshd::program().is_some() {
            Self::OpenSsh
        } else {
            Self::BuiltIn
        }
    }
}

/// A running target.
#[derive(Debug)]
pub struct Target {
    /// Its process.
    pub process: Process,
    /// Which server it is.
    pub kind: Kind,
    /// Where it listens on 127.0.0.1.
    pub port: u16,
}

/// The name of the key pair that opens the target's account.
pub const ACCOUNT_KEY: &str = "target_account";
/// The name of the key pair that tests and the benchmark use to go to the target without the gateway.
pub const DIRECT_KEY: &str = "direct";
/// The name of the target's host key.
pub const HOST_KEY: &str = "target_host";

/// Starts the target and waits until it answers.
///
/// # Errors
/// When it does not.
pub fn start(layout: &Layout, kind: Kind, port: u16, care: Care) -> Result<Target> {
    prepare(layout)?;
    let mut command = match kind {
        Kind::OpenSsh => sshd::command(layout, port)?,
        Kind::BuiltIn => {
            let mut command = Command::new(beside("demo")?);
            command
                .arg("target")
                .arg("--state")
                .arg(layout.root())
                .arg("--port")
                .arg(port.to_string());
            command
        }
    };
    let mut process = Process::start("target", &mut command, &layout.logs(), care)?;
    let answered = wait::until("the target to answer", Duration::from_secs(60), || {
        anyhow::ensure!(process.is_running()?, "the target ended at once");
        Ok(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok())
    });
    answered.with_context(|| format!("the target wrote:\n{}", process.errors()))?;
    Ok(Target {
        process,
        kind,
        port,
    })
}

/// Makes the target's keys, and the shell files that start a session in its own home.
fn prepare(layout: &Layout) -> Result<()> {
    keys::pair(layout, HOST_KEY)?;
    let authorized = [
        keys::pair(layout, ACCOUNT_KEY)?,
        keys::pair(layout, DIRECT_KEY)?,
    ];
    write_private(
        &layout.target().join("authorized_keys"),
        &(authorized.join("\n") + "\n"),
    )?;
    let authority = layout.target().join("user_ca.pub");
    if !authority.exists() {
        write_private(&authority, "")?;
    }
    let home = layout.target_home();
    // A prompt that tests can wait for; bash started by an sshd reads .bashrc, a login shell .profile.
    let settings = "cd \"$HOME\"\nPS1='target$ '\nPS2='> '\nunset PROMPT_COMMAND\n";
    write_private(&home.join(".bashrc"), settings)?;
    write_private(&home.join(".profile"), settings)?;
    write_private(&home.join(".hushlogin"), "")
}

/// The account of sessions on the target: whoever runs the site.
///
/// # Errors
/// When `id` does not say.
pub fn account() -> Result<String> {
    let output = Command::new("id")
        .arg("-un")
        .output()
        .context("id cannot be run")?;
    Ok(String::from_utf8(output.stdout)
        .context("the account's name is not UTF-8")?
        .trim()
        .to_owned())
}

/// The account's own shell.
#[must_use]
pub fn login_shell() -> PathBuf {
    let account = account().unwrap_or_default();
    let entries = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let entry = entries
        .lines()
        .find(|line| line.split(':').next() == Some(account.as_str()));
    let shell = entry
        .and_then(|line| line.split(':').nth(6))
        .filter(|shell| Path::new(shell).exists());
    PathBuf::from(shell.unwrap_or("/bin/sh"))
}
