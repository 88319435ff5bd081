//! The machine's own sshd, run privately: high port, own keys, no PAM, as whoever runs the site.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::layout::{Layout, write_private};

/// Where the machine's sshd is, if it has one.
#[must_use]
pub fn program() -> Option<PathBuf> {
    [
        "/usr/sbin/sshd",
        "/usr/local/sbin/sshd",
        "/usr/bin/sshd",
        "/opt/homebrew/sbin/sshd",
    ]
    .iter()
    .map(PathBuf::from)
    .find(|path| path.exists())
}

/// Writes its configuration and returns the command that runs it in the foreground.
///
/// # Errors
/// When there is no sshd or the files cannot be written.
pub fn command(layout: &Layout, port: u16) -> Result<Command> {
    let program = program().context("there is no sshd on this machine")?;
    if rustix::process::geteuid().is_root() {
        // Started as root, sshd insists on this directory; distributions make it only when their own service starts.
        std::fs::create_dir_all("/run/sshd")
            .context("sshd needs the directory /run/sshd, which cannot be made")?;
    }
    let directory = layout.target();
    let config = directory.join("sshd_config");
    write_private(&config, &configuration(layout, port))?;
    let mut command = Command::new(program);
    command
        .arg("-D")
        .arg("-f")
        .arg(&config)
        .arg("-E")
        .arg(log(layout));
    Ok(command)
}

/// What sshd wrote about its sessions.
#[must_use]
pub fn log(layout: &Layout) -> PathBuf {
    layout.logs().join("sshd.log")
}

/// Lines that a test puts before ours, for [`Site::restart_target`](crate::Site::restart_target): the first value counts.
#[must_use]
pub fn more(layout: &Layout) -> PathBuf {
    layout.target().join("sshd_config.more")
}

fn configuration(layout: &Layout, port: u16) -> String {
    let directory = layout.target();
    let show = |path: &Path| format!("\"{}\"", path.display());
    format!(
        "Include {more}\nListenAddress 127.0.0.1\nPort {port}\nHostKey {host_key}\nPidFile none\nUsePAM no\nStrictModes no\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n\
         AuthorizedKeysFile {authorized}\nTrustedUserCAKeys {authority}\nAcceptEnv LANG LC_*\nSetEnv HOME={home}\n\
         AllowAgentForwarding yes\nAllowTcpForwarding yes\nX11Forwarding yes\nPrintMotd no\nPrintLastLog no\n\
         MaxSessions 200\nMaxStartups 500:100:1000\nLoginGraceTime 60\nUseDNS no\nSubsystem sftp internal-sftp -d {home}\nLogLevel VERBOSE\n",
        more = show(&more(layout)),
        host_key = show(&layout.key(super::HOST_KEY)),
        authorized = show(&directory.join("authorized_keys")),
        authority = show(&directory.join("user_ca.pub")),
        home = show(&layout.target_home()),
    )
}
