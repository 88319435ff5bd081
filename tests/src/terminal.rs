//! A person at a terminal: a program in a private tmux, typed into and looked at.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::client::Ssh;
use crate::layout::{Layout, write_private};
use crate::site::Site;
use crate::wait;

/// How long a person waits for something to appear.
const PATIENCE: Duration = Duration::from_secs(40);

/// Settings of each tmux: the whole screen is the program's, and stays to be read when it ended.
const SETTINGS: &str = "set -g remain-on-exit on\nset -g status off\nset -s escape-time 0\nset -g default-terminal xterm-256color\n";

/// A terminal of its own server, so that no other tmux is touched. Dropping it ends the program in it.
#[derive(Debug)]
pub struct Terminal {
    socket: PathBuf,
}

impl Terminal {
    /// Runs `ssh` in a terminal of `columns` by `rows`.
    ///
    /// # Errors
    /// When there is no tmux.
    pub fn of(site: &Site, ssh: &Ssh, columns: u16, rows: u16) -> Result<Self> {
        Self::open(
            site.layout(),
            &ssh.clone().flag("-tt").arguments(),
            &ssh.variables(),
            columns,
            rows,
        )
    }

    /// Runs any program in a terminal.
    ///
    /// # Errors
    /// When there is no tmux.
    pub fn open(
        layout: &Layout,
        command: &[OsString],
        variables: &[(OsString, OsString)],
        columns: u16,
        rows: u16,
    ) -> Result<Self> {
        let socket = free_socket(layout)?;
        let terminal = Self { socket };
        let mut tmux = terminal.tmux();
        let settings = layout.control().join("tmux.conf");
        write_private(&settings, SETTINGS)?;
        tmux.arg("-f").arg(&settings);
        tmux.args([
            "new-session",
            "-d",
            "-s",
            "t",
            "-x",
            &columns.to_string(),
            "-y",
            &rows.to_string(),
        ]);
        let status = (
            OsString::from("ECLUSE_STATUS"),
            terminal.status_file().into(),
        );
        for (name, value) in variables.iter().chain([&status]) {
            let mut pair = name.clone();
            pair.push("=");
            pair.push(value);
            tmux.arg("-e").arg(pair);
        }
        // The status is written by a shell around the program: tmux itself loses it now and then.
        tmux.args([
            "--",
            "sh",
            "-c",
            "\"$@\"; echo $? >\"$ECLUSE_STATUS\"",
            "sh",
        ])
        .args(command);
        terminal.check(tmux)?;
        // Set afterwards: a tmux that starts with it ends at once.
        terminal.run(&["set", "-g", "window-size", "manual"])?;
        Ok(terminal)
    }

    /// Types `text`, without a final Enter.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn types(&self, text: &str) -> Result<()> {
        self.run(&["send-keys", "-t", "t", "-l", "--", text])
    }

    /// Types `text` and Enter.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn enters(&self, text: &str) -> Result<()> {
        if !text.is_empty() {
            self.types(text)?;
        }
        self.presses("Enter")
    }

    /// Presses a key by tmux's name: `Enter`, `C-c`, `C-d`, `Up`.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn presses(&self, key: &str) -> Result<()> {
        self.run(&["send-keys", "-t", "t", key])
    }

    /// Gives the terminal another size.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn resizes(&self, columns: u16, rows: u16) -> Result<()> {
        self.run(&[
            "resize-window",
            "-t",
            "t",
            "-x",
            &columns.to_string(),
            "-y",
            &rows.to_string(),
        ])
    }

    /// What is on the screen, with what scrolled away above it.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn screen(&self) -> Result<String> {
        let mut tmux = self.tmux();
        tmux.args(["capture-pane", "-p", "-J", "-S", "-2000", "-t", "t"]);
        self.check(tmux)
    }

    /// Only what is visible.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn visible(&self) -> Result<String> {
        let mut tmux = self.tmux();
        tmux.args(["capture-pane", "-p", "-t", "t"]);
        self.check(tmux)
    }

    /// What a program left switched on in the terminal, in words; `in order` where that is nothing.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn modes(&self) -> Result<String> {
        let mut tmux = self.tmux();
        // Not the cursor: tmux hides it itself where the program has ended.
        let ask = "#{alternate_on} #{mouse_any_flag}";
        tmux.args(["display-message", "-p", "-t", "t", ask]);
        let flags = self.check(tmux)?;
        let on: Vec<&str> = flags
            .split_whitespace()
            .zip(["alternate", "mouse"])
            .filter_map(|(flag, name)| (flag == "1").then_some(name))
            .collect();
        Ok(if on.is_empty() {
            "in order".to_owned()
        } else {
            on.join(", ")
        })
    }

    /// Waits until the screen holds `text`, and returns the screen.
    ///
    /// # Errors
    /// When it does not appear, with what does.
    pub fn sees(&self, text: &str) -> Result<String> {
        self.sees_that(&format!("{text:?}"), |screen| screen.contains(text))
    }

    /// Waits until the screen satisfies `wanted`.
    ///
    /// # Errors
    /// When it never does, with what it shows.
    pub fn sees_that(&self, what: &str, wanted: impl Fn(&str) -> bool) -> Result<String> {
        let seen = wait::until(&format!("{what} on the screen"), PATIENCE, || {
            let screen = self.screen()?;
            Ok(wanted(&screen).then_some(screen))
        });
        match seen {
            Ok(screen) => Ok(screen),
            Err(error) => bail!("{error}; the screen shows:\n{}", self.screen()?.trim_end()),
        }
    }

    /// Waits until the target's prompt stands on the last line that is not empty.
    ///
    /// # Errors
    /// When it does not appear.
    pub fn sees_prompt(&self) -> Result<String> {
        self.sees_that("the target's prompt", |screen| {
            screen
                .trim_end()
                .lines()
                .last()
                .is_some_and(|line| line.trim_end().ends_with("target$"))
        })
    }

    /// Waits until the program ended, and returns its exit status.
    ///
    /// # Errors
    /// When it does not end.
    pub fn ends(&self) -> Result<i32> {
        let ended = wait::until("the end of the program in the terminal", PATIENCE, || {
            Ok(fs::read_to_string(self.status_file())
                .ok()
                .and_then(|status| status.trim().parse().ok()))
        });
        match ended {
            Ok(status) => Ok(status),
            Err(error) => bail!("{error}; the screen shows:\n{}", self.screen()?.trim_end()),
        }
    }

    fn status_file(&self) -> PathBuf {
        self.socket.with_extension("status")
    }

    fn run(&self, arguments: &[&str]) -> Result<()> {
        let mut tmux = self.tmux();
        tmux.args(arguments);
        self.check(tmux).map(drop)
    }

    fn check(&self, mut tmux: Command) -> Result<String> {
        let output = tmux
            .stdin(Stdio::null())
            .output()
            .context("tmux cannot be run: run tests/run as root once, or install tmux")?;
        ensure!(
            output.status.success(),
            "tmux {:?}: {}",
            tmux.get_args().collect::<Vec<_>>(),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn tmux(&self) -> Command {
        let mut tmux = Command::new("tmux");
        tmux.arg("-S")
            .arg(&self.socket)
            .env_remove("TMUX")
            .env("LC_ALL", "C.UTF-8")
            .env("TERM", "xterm-256color");
        tmux
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Ok(screen) = self.screen() {
            eprintln!("--- terminal\n{}", screen.trim_end());
        }
        // Ends this server alone: it has a socket of its own.
        let _ = self.run(&["kill-server"]);
    }
}

fn free_socket(layout: &Layout) -> Result<PathBuf> {
    let directory = layout.control();
    (0..1_000)
        .map(|number| directory.join(format!("t{number}")))
        .find(|path| !path.exists())
        .context("too many terminals")
}
