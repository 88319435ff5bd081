//! Files over SFTP: what the matrix lists passes by stock programs, byte for byte, and nothing else does. F1, F2.
//!
//! The target is a real sshd. Each test has a folder of its own: `in` is what the matrix lists, `out` stands beside it, and
//! links and `..` lead from the one to the other.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::payload::{Kind, Payload};
use ecluse_tests::{Answer, Plan, Site, client};
use tempfile::TempDir;

mod confirm;
mod less;
mod log;
mod midway;
mod mounted;
mod programs;
mod receipts;
mod refused;
mod scp;

const PATIENCE: Duration = Duration::from_secs(60);
/// Everything, as `allow` writes it, below `in`.
const ALL: &[&str] = &["read", "write", "list", "delete", "rename", "mkdir"];

/// A site whose matrix lists things of files, and the files.
struct Ground {
    site: Site,
    folder: TempDir,
}

impl Ground {
    /// A site where alice may do `rights` below `in`, and run `true`.
    fn start(rights: &[&str]) -> Result<Self> {
        Self::start_with(rights, |_| Ok(()))
    }

    /// The same, after `change` to the plan.
    fn start_with(rights: &[&str], change: impl FnOnce(&mut Plan) -> Result<()>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let root = fs::canonicalize(folder.path())?;
        for name in ["in/dir", "out", "here"] {
            fs::create_dir_all(root.join(name))?;
        }
        fs::write(root.join("in/file"), noise(300_000))?;
        fs::write(root.join("in/dir/small"), "small")?;
        fs::write(root.join("out/secret"), "secret")?;
        symlink("../out/secret", root.join("in/link"))?;
        symlink("../out", root.join("in/link-dir"))?;
        let lines = lines(&root, rights);
        let site = Site::start_with(|plan| {
            plan.documents.flow("dba")?.allow = lines;
            change(plan)
        })?;
        site.proven("alice", "db01")?;
        Ok(Self { site, folder })
    }

    fn root(&self) -> Result<PathBuf> {
        Ok(fs::canonicalize(self.folder.path())?)
    }

    /// A path of it, for the client as for the target.
    fn at(&self, path: &str) -> String {
        self.folder.path().join(path).display().to_string()
    }

    fn holds(&self, path: &str) -> Result<Vec<u8>> {
        fs::read(self.folder.path().join(path)).with_context(|| path.to_owned())
    }

    /// OpenSSH's program of this name, told how to reach the gateway as alice.
    fn program(&self, name: &str) -> Command {
        let ssh = self.site.ssh("alice+db01");
        let mut options = ssh.arguments();
        // Neither `ssh` itself nor where it goes.
        options.remove(0);
        options.pop();
        let mut program = Command::new(name);
        program.args(options).envs(ssh.variables());
        program
    }

    /// What `sftp` says to a batch, where `@` is the folder.
    fn sftp(&self, batch: &str) -> Result<Answer> {
        self.sftp_command(batch)
            .and_then(|mut sftp| client::run(&mut sftp, &[], PATIENCE))
    }

    fn sftp_command(&self, batch: &str) -> Result<Command> {
        let at = self.folder.path().join("batch");
        let root = self.root()?;
        fs::write(&at, batch.replace('@', &root.display().to_string()))?;
        let mut sftp = self.program("sftp");
        sftp.arg("-b").arg(at).arg("alice+db01@gw");
        Ok(sftp)
    }

    /// What `scp` says to two places; one on the target begins with `:`.
    fn scp(&self, flags: &[&str], from: &str, to: &str) -> Result<Answer> {
        let place = |place: &str| match place.strip_prefix(':') {
            Some(path) => format!("alice+db01@gw:{}", self.at(path)),
            None => self.at(place),
        };
        let mut scp = self.program("scp");
        scp.args(flags).arg(place(from)).arg(place(to));
        client::run(&mut scp, &[], PATIENCE)
    }
}

/// Lines of these rights below `in`, and `true`.
fn lines(root: &std::path::Path, rights: &[&str]) -> Vec<String> {
    let line = |right: &&str| format!("sftp-{right}: {}/in/**", root.display());
    let mut lines: Vec<String> = rights.iter().map(line).collect();
    lines.push("command: true".to_owned());
    lines
}

fn noise(bytes: u64) -> Vec<u8> {
    Payload::new(Kind::Noise, bytes, 7).bytes()
}

/// On one line, so that it reads the same however wide it was shown.
fn said(answer: &Answer) -> String {
    let words: Vec<&str> = answer.errors.split_whitespace().collect();
    words.join(" ")
}

fn is_refused(answer: &Answer, words: &str) -> Result<()> {
    ensure!(answer.status != Some(0), "{answer:?}");
    ensure!(said(answer).contains(words), "{words}: {answer:?}");
    Ok(())
}
