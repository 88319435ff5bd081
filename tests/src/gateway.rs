//! The gateway's command line, used as an administrator would.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, ensure};

/// The binary, and the settings it reads.
#[derive(Debug, Clone)]
pub struct Gateway {
    binary: PathBuf,
    settings: PathBuf,
}

impl Gateway {
    /// The binary that was built beside this program, or the one `ECLUSE_BINARY` names.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(settings: &Path) -> Result<Self> {
        let binary = match std::env::var_os("ECLUSE_BINARY") {
            Some(named) => PathBuf::from(named),
            None => beside("ecluse")?,
        };
        ensure!(
            binary.exists(),
            "there is no {}: run `cargo build --workspace` first",
            binary.display()
        );
        Ok(Self {
            binary,
            settings: settings.to_owned(),
        })
    }

    /// Where the binary is.
    #[must_use]
    pub fn binary(&self) -> &Path {
        &self.binary
    }

    /// `ecluse --config … ARGUMENTS`, not started.
    #[must_use]
    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .arg("--config")
            .arg(&self.settings)
            .args(arguments)
            .env_remove("ECLUSE_CONFIG");
        command
    }

    /// Runs a subcommand with `input` on its standard input.
    ///
    /// # Errors
    /// When it cannot be run; its own failure is in the output.
    pub fn try_run<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
        input: &str,
    ) -> Result<Output> {
        let mut command = self.command(arguments);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} cannot be run", self.binary.display()))?;
        if let Some(mut stdin) = child.stdin.take() {
            // A command that reads nothing closes its end first.
            let _ = stdin.write_all(input.as_bytes());
        }
        Ok(child.wait_with_output()?)
    }

    /// Runs a subcommand that must succeed, and returns its standard output.
    ///
    /// # Errors
    /// When it fails, with what it said.
    pub fn run<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
        input: &str,
    ) -> Result<String> {
        let arguments: Vec<_> = arguments
            .into_iter()
            .map(|argument| argument.as_ref().to_owned())
            .collect();
        let output = self.try_run(&arguments, input)?;
        ensure!(
            output.status.success(),
            "ecluse {} failed ({}):\n{}{}",
            arguments.join(OsStr::new(" ")).to_string_lossy(),
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// A program built with this one: beside it, or one directory up for a test, which cargo puts in `deps`.
///
/// # Errors
/// When this program's own place is not known.
pub fn beside(name: &str) -> Result<PathBuf> {
    let this = std::env::current_exe().context("this program's own place is not known")?;
    let mut directory = this.parent().context("this program has no directory")?;
    if directory.file_name() == Some(OsStr::new("deps")) {
        directory = directory
            .parent()
            .context("this program has no directory")?;
    }
    Ok(directory.join(name))
}
