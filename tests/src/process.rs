//! Processes a site starts: watched while they run, ended by their own id, together with what they started.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::wait;

/// How long a process may take to end after SIGTERM before it is killed.
const GRACE: Duration = Duration::from_secs(10);
/// The same in the demo, where nobody wants anything killed: longer than the gateway gives its sessions, recordings and
/// copies together (10, 60 and 5 s).
const DEMO_GRACE: Duration = Duration::from_secs(80);
/// How much of a log is shown when something went wrong.
const TAIL: usize = 6_000;

/// One process of the site, with what it writes kept in files.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    output: PathBuf,
    errors: PathBuf,
    care: Care,
}

/// How a process is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Care {
    /// In the caller's process group, its log shown when it is dropped: the test runner shows it only for a test that failed.
    Test,
    /// In a group of its own, so that Ctrl-C in the terminal reaches the demo alone, which then stops all in order.
    Demo,
}

impl Process {
    /// Starts `command`, with its output in `logs/NAME.out` and `logs/NAME.err`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(name: &str, command: &mut Command, logs: &Path, care: Care) -> Result<Self> {
        let output = logs.join(format!("{name}.out"));
        let errors = logs.join(format!("{name}.err"));
        let log = |path: &PathBuf| {
            File::create(path).with_context(|| format!("{} cannot be written", path.display()))
        };
        command
            .stdin(Stdio::null())
            .stdout(log(&output)?)
            .stderr(log(&errors)?);
        if care == Care::Demo {
            command.process_group(0);
        }
        let child = command
            .spawn()
            .with_context(|| format!("{name} cannot be started ({:?})", command.get_program()))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            output,
            errors,
            care,
        })
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote to its standard output so far.
    #[must_use]
    pub fn output(&self) -> String {
        lossy(&self.output)
    }

    /// What it wrote to its standard error so far.
    #[must_use]
    pub fn errors(&self) -> String {
        lossy(&self.errors)
    }

    /// Whether it still runs.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Its exit status, once it ended by itself.
    ///
    /// # Errors
    /// When it did not end within `patience`.
    pub fn wait(&mut self, patience: Duration) -> Result<ExitStatus> {
        let name = self.name.clone();
        wait::until(&format!("the end of {name}"), patience, || {
            Ok(self.child.try_wait()?)
        })
    }

    /// Waits until its standard output has the line `line`.
    ///
    /// # Errors
    /// When it ends first, or the deadline passes; with the end of its log.
    pub fn wait_for_line(&mut self, line: &str, patience: Duration) -> Result<()> {
        let name = self.name.clone();
        let ready = wait::until(&format!("{name} to say {line:?}"), patience, || {
            if self.output().lines().any(|written| written.trim() == line) {
                return Ok(Some(()));
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("{name} ended ({status}) before it said {line:?}");
            }
            Ok(None)
        });
        ready.with_context(|| {
            format!(
                "{name} wrote:\n{}{}",
                tail(&self.output()),
                tail(&self.errors())
            )
        })
    }

    /// How it ended, if it has already.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Asks it to stop, and waits. Kills it when it does not listen.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        if let Some(status) = self.child.try_wait()? {
            return Ok(status);
        }
        self.signal(Signal::TERM)?;
        let grace = match self.care {
            Care::Test => GRACE,
            Care::Demo => DEMO_GRACE,
        };
        if let Ok(status) = self.wait(grace) {
            return Ok(status);
        }
        self.kill()
    }

    /// Kills it at once, as a power cut would, and waits for its end.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&mut self) -> Result<ExitStatus> {
        self.child
            .kill()
            .with_context(|| format!("{} cannot be killed", self.name))?;
        Ok(self.child.wait()?)
    }

    /// Sends `signal` to it.
    ///
    /// # Errors
    /// When it is gone.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        send(self.id(), signal)
    }

    /// Its memory and processor time so far.
    ///
    /// # Errors
    /// When it is gone.
    pub fn usage(&self) -> Result<Usage> {
        Usage::of(self.id())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let family = descendants(self.id());
        let status = match self.child.try_wait() {
            Ok(Some(status)) => Some(status),
            _ => self.stop().ok(),
        };
        for id in family {
            // Sessions of an sshd outlive their listener.
            let _ = send(id, Signal::KILL);
        }
        if self.care == Care::Test {
            let how = status.map_or_else(String::new, |status| match status.signal() {
                Some(signal) => format!(" (signal {signal})"),
                None => format!(" ({status})"),
            });
            eprintln!(
                "--- {}{how}\n{}{}",
                self.name,
                tail(&self.output()),
                tail(&self.errors())
            );
        }
    }
}

/// Sends `signal` to the process `id`.
///
/// # Errors
/// When there is none.
pub fn send(id: u32, signal: Signal) -> Result<()> {
    let pid = i32::try_from(id)
        .ok()
        .and_then(Pid::from_raw)
        .context("no such process id")?;
    kill_process(pid, signal).with_context(|| format!("process {id} cannot be signalled"))
}

/// The living processes that `root` started, and those they started.
#[must_use]
pub fn descendants(root: u32) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        if let Some(parent) = stat_fields(id).and_then(|fields| fields.get(1)?.parse().ok()) {
            children.entry(parent).or_default().push(id);
        }
    }
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(parent) = open.pop() {
        for child in children.get(&parent).into_iter().flatten() {
            found.push(*child);
            open.push(*child);
        }
    }
    found
}

/// What a process used so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    /// Processor time in seconds, user and system, all threads.
    pub cpu: f64,
    /// Memory in RAM, in bytes.
    pub memory: u64,
}

impl Usage {
    /// Reads `/proc/ID`.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn of(id: u32) -> Result<Self> {
        let fields = stat_fields(id).with_context(|| format!("there is no process {id}"))?;
        // Fields 14 and 15 of proc(5), in ticks of 1/100 s; the slice starts at field 3.
        let ticks = |field: usize| {
            fields
                .get(field)
                .and_then(|text| text.parse::<f64>().ok())
                .unwrap_or(0.0)
        };
        let status = fs::read_to_string(format!("/proc/{id}/status"))
            .with_context(|| format!("there is no process {id}"))?;
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap_or("0");
        let kibibytes: u64 = resident
            .split_whitespace()
            .next()
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        Ok(Self {
            cpu: (ticks(11) + ticks(12)) / 100.0,
            memory: kibibytes.saturating_mul(1024),
        })
    }
}

/// The fields of `/proc/ID/stat` after the command's name, which may itself hold spaces and brackets.
fn stat_fields(id: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

fn lossy(path: &Path) -> String {
    fs::read(path)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}

fn tail(text: &str) -> &str {
    let mut start = text.len().saturating_sub(TAIL);
    while !text.is_char_boundary(start) {
        start = start.saturating_add(1);
    }
    text.get(start..).unwrap_or_default()
}
