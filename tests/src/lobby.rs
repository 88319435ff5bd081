//! What people do at the gateway itself: ask, approve, refuse, look, cut.

use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::client::{Answer, Running, Ssh};
use crate::plan::{AUDITOR, OPERATOR};
use crate::site::Site;
use crate::terminal::Terminal;
use crate::wait;

/// How long an operator waits for a request to show.
const PATIENCE: Duration = Duration::from_secs(60);

impl Site {
    /// A lobby command of `person`, over one shared connection a person: each login would want a code of its own.
    #[must_use]
    pub fn lobby(&self, person: &str, words: &[&str]) -> Ssh {
        let mut ssh = self.ssh(person).shared(person);
        for word in words {
            ssh = ssh.run(quoted(word));
        }
        ssh
    }

    /// A lobby command of the operator.
    ///
    /// # Errors
    /// When the client cannot be run.
    pub fn operator(&self, words: &[&str]) -> Result<Answer> {
        self.lobby(OPERATOR, words).answer()
    }

    /// A lobby command of the auditor.
    ///
    /// # Errors
    /// When the client cannot be run.
    pub fn auditor(&self, words: &[&str]) -> Result<Answer> {
        self.lobby(AUDITOR, words).answer()
    }

    /// A lobby command of `person` that wants a code of now, which a connection whose log-on was remembered asks for in its
    /// terminal; waits for what it tells.
    ///
    /// # Errors
    /// When that is not told.
    pub fn by_a_code(&self, person: &str, command: &str, told: &str) -> Result<()> {
        let ssh = self.ssh(person).flag("-tt").run(command);
        let terminal = Terminal::of(self, &ssh, 100, 30)?;
        let seen = terminal.sees_that("a code, or the word", |text| {
            text.contains(told) || text.contains("code:")
        })?;
        if !seen.contains(told) {
            terminal.enters(&self.fresh_code(person)?)?;
            terminal.sees(told)?;
        }
        terminal.ends().map(drop)
    }

    /// A command of `technician` on the target that says again what it is told, until it is ended.
    ///
    /// # Errors
    /// When it does not start.
    pub fn echoing(&self, technician: &str) -> Result<Running> {
        let ssh = self.ssh(&format!("{technician}+db01"));
        let ssh = ssh.run("echo started; exec cat").patience(PATIENCE);
        let mut running = ssh.spawn()?;
        running.first_line()?;
        Ok(running)
    }

    /// Whether `technician` gets to the target.
    ///
    /// # Errors
    /// When the client cannot be run.
    pub fn tries(&self, technician: &str) -> Result<Answer> {
        let ssh = self.ssh(&format!("{technician}+db01"));
        ssh.run("true").answer()
    }

    /// `technician` asks for `target`; returns the number of the request.
    ///
    /// # Errors
    /// When the gateway refuses the request.
    pub fn request(&self, technician: &str, target: &str) -> Result<u64> {
        let answer = self
            .lobby(
                technician,
                &[
                    "request",
                    target,
                    "--for",
                    "2h",
                    "--reason",
                    "monthly check",
                ],
            )
            .answer()?
            .success()?;
        number(&answer.text())
            .with_context(|| format!("the answer names no request: {}", answer.text()))
    }

    /// `technician` asks for `target` and the operator approves: the way to a session in most tests.
    ///
    /// # Errors
    /// When either is refused.
    pub fn approved(&self, technician: &str, target: &str) -> Result<u64> {
        let number = self.request(technician, target)?;
        self.operator(&["approve", &number.to_string()])?
            .success()?;
        Ok(number)
    }

    /// As [`Site::approved`], for `length` of the two hours that were asked.
    ///
    /// # Errors
    /// When either is refused.
    pub fn approved_for(&self, technician: &str, target: &str, length: &str) -> Result<u64> {
        let number = self.request(technician, target)?;
        self.operator(&["approve", &number.to_string(), "--for", length])?
            .success()?;
        Ok(number)
    }

    /// As [`Site::approved`], and the technician has just proved their code: what follows is not asked for one.
    ///
    /// # Errors
    /// When anything is refused.
    pub fn proven(&self, technician: &str, target: &str) -> Result<()> {
        self.approved(technician, target)?;
        self.ssh(&format!("{technician}+{target}"))
            .run("true")
            .answer()?
            .success()?;
        Ok(())
    }

    /// Waits until a request is pending, and returns its number.
    ///
    /// # Errors
    /// When none shows.
    pub fn next_pending(&self) -> Result<u64> {
        wait::until("a pending request", PATIENCE, || {
            let answer = self.operator(&["pending"])?;
            if answer.status != Some(0) {
                bail!("`pending` failed: {}{}", answer.text(), answer.errors);
            }
            Ok(number(&answer.text()))
        })
    }

    /// Waits until `live` names a session, and returns its number.
    ///
    /// # Errors
    /// When none shows.
    pub fn live_session(&self) -> Result<String> {
        wait::until("a live session", PATIENCE, || {
            let text = self.operator(&["live"])?.success()?.text();
            Ok(first_row(&text).ok())
        })
    }
}

/// The first `#17` of a text.
#[must_use]
pub fn number(text: &str) -> Option<u64> {
    text.split('#').skip(1).find_map(|rest| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    })
}

/// The number that begins the first row of a table: the newest session of `recordings`, the first of `live`.
///
/// # Errors
/// When no line begins with a number.
pub fn first_row(table: &str) -> Result<String> {
    let number = table.lines().find_map(|line| {
        line.split_whitespace()
            .next()
            .filter(|word| word.chars().all(|letter| letter.is_ascii_digit()))
    });
    number
        .map(str::to_owned)
        .with_context(|| format!("no row begins with a number in:\n{table}"))
}

/// Joined by `ssh` with spaces: what holds one is quoted.
fn quoted(word: &str) -> String {
    if word.contains(' ') {
        format!("\"{word}\"")
    } else {
        word.to_owned()
    }
}
