//! Real programs that go through the gateway as alice does, by the options of her `ssh`.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::*;

/// `scp` as it was, which asks for a command.
pub(super) fn scp(ssh: &Ssh) -> Command {
    let mut options = ssh.arguments();
    // Neither `ssh` itself nor where it goes.
    options.remove(0);
    options.pop();
    let mut scp = Command::new("scp");
    scp.arg("-O").args(options).envs(ssh.variables());
    scp
}

pub(super) fn rsync(ssh: &Ssh) -> Result<Command> {
    let mut rsync = Command::new("rsync");
    rsync
        .args(["--inplace", "-e", &words(ssh)?])
        .envs(ssh.variables());
    Ok(rsync)
}

/// `git`, whose `ssh` leaves a copy of all that it received in a file.
pub(super) fn git(site: &Site, ssh: &Ssh, received: &Path) -> Result<Command> {
    let script = site.layout().root().join("ssh-of-git");
    let line = format!(
        "#!/bin/sh\n{} \"$@\" | tee '{}'\n",
        words(ssh)?,
        received.display()
    );
    fs::write(&script, line)?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700))?;
    let mut git = git_at(site.layout().root());
    git.env("GIT_SSH", script)
        .env("GIT_SSH_VARIANT", "ssh")
        .envs(ssh.variables());
    Ok(git)
}

/// A repository in the target's home, with the file of noise in it.
pub(super) fn repository(site: &Site) -> Result<()> {
    let home = site.layout().target_home();
    let steps: [&[&str]; 3] = [
        &["init", "--quiet", "repository"],
        &["-C", "repository", "add", "noise"],
        &[
            "-C",
            "repository",
            "commit",
            "--quiet",
            "--message",
            "all of it",
        ],
    ];
    for step in steps {
        let done = git_at(&home).args(step).output();
        let done = done
            .context("git is missing: run tests/run as root once, it installs what is missing")?;
        ensure!(done.status.success(), "{step:?}: {done:?}");
        if step.contains(&"init") {
            fs::copy(home.join("noise"), home.join("repository/noise"))?;
        }
    }
    Ok(())
}

/// Whoever runs it, without the machine's own settings.
fn git_at(directory: &Path) -> Command {
    let mut git = Command::new("git");
    git.current_dir(directory)
        .env("HOME", directory)
        .env("GIT_CONFIG_NOSYSTEM", "1");
    for who in ["GIT_AUTHOR", "GIT_COMMITTER"] {
        git.env(format!("{who}_NAME"), "Alice")
            .env(format!("{who}_EMAIL"), "alice@example.org");
    }
    git
}

/// `ssh` and its options as a shell reads them, without where it goes.
fn words(ssh: &Ssh) -> Result<String> {
    let mut words = ssh.arguments();
    words.pop();
    let quoted = |word: &OsString| Some(format!("'{}'", word.to_str()?));
    let words: Option<Vec<String>> = words.iter().map(quoted).collect();
    Ok(words.context("a path that is no text")?.join(" "))
}
