//! The stock OpenSSH client of a person of the site.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::layout::Layout;
use crate::plan::{Plan, TECHNICIANS};
use crate::target;
use crate::wait;

/// How long a client may take unless the test says otherwise.
const PATIENCE: Duration = Duration::from_secs(120);

/// The text of the site's `ssh_config`: `gw` is the gateway, keys are chosen by the name before `@`.
///
/// # Errors
/// When the account's name is not known.
pub fn configuration(layout: &Layout, plan: &Plan) -> Result<String> {
    let mut text = format!(
        "Host gw direct\n    HostName 127.0.0.1\n    UserKnownHostsFile \"{known}\"\n    GlobalKnownHostsFile /dev/null\n    StrictHostKeyChecking yes\n    UpdateHostKeys no\n    IdentitiesOnly yes\n    IdentityAgent none\n    PasswordAuthentication no\n    ServerAliveInterval 0\n    LogLevel ERROR\n",
        known = layout.known_hosts().display()
    );
    let _ = write!(text, "Host gw\n    Port {}\n", plan.ports.door);
    let _ = write!(
        text,
        "Host direct\n    Port {}\n    User {}\n    IdentityFile \"{}\"\n",
        plan.ports.target,
        target::account()?,
        layout.key(target::DIRECT_KEY).display()
    );
    for (person, station) in TECHNICIANS {
        let _ = write!(
            text,
            "Match originalhost gw user {person},{person}+*\n    IdentityFile \"{}\"\n    IdentityFile \"{}\"\n",
            layout.key(station).display(),
            layout.key(person).display()
        );
    }
    let documents = &plan.documents;
    for officer in documents.operators.iter().chain(&documents.auditors) {
        let _ = write!(
            text,
            "Match originalhost gw user {}\n    IdentityFile \"{}\"\n",
            officer.id,
            layout.key(&officer.id).display()
        );
    }
    Ok(text)
}

/// One `ssh`, before it runs.
#[derive(Debug, Clone)]
pub struct Ssh {
    configuration: PathBuf,
    destination: String,
    askpass: PathBuf,
    control: PathBuf,
    options: Vec<OsString>,
    command: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    patience: Duration,
}

/// How a client ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its exit status; `None` when a signal ended it.
    pub status: Option<i32>,
    /// Its standard output.
    pub output: Vec<u8>,
    /// Its standard error, invalid UTF-8 replaced.
    pub errors: String,
}

impl Answer {
    /// Its standard output as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }

    /// Its standard output, when it succeeded.
    ///
    /// # Errors
    /// When it did not, with all it said.
    pub fn success(self) -> Result<Self> {
        self.status_is(0)
    }

    /// Itself, when it ended with `status`.
    ///
    /// # Errors
    /// When it did not, with all it said.
    pub fn status_is(self, status: i32) -> Result<Self> {
        ensure!(
            self.status == Some(status),
            "the client ended with {:?} and not {status}; it wrote:\n{}\n--- and on stderr:\n{}",
            self.status,
            self.text(),
            self.errors
        );
        Ok(self)
    }

    /// Itself, when the gateway refused (status 254) with all of `words` on stderr.
    ///
    /// # Errors
    /// When it did something else.
    pub fn refused(self, words: &[&str]) -> Result<Self> {
        let answer = self.status_is(254)?;
        answer.says(words)
    }

    /// Itself, when all of `words` are on stderr, wherever their lines were broken.
    ///
    /// # Errors
    /// When one is not.
    pub fn says(self, words: &[&str]) -> Result<Self> {
        let flowing = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let errors = flowing(&self.errors);
        for word in words {
            ensure!(
                self.errors.contains(word) || errors.contains(&flowing(word)),
                "stderr does not say {word:?}:\n{}\n--- stdout:\n{}",
                self.errors,
                self.text()
            );
        }
        Ok(self)
    }

    /// Itself, when the target could not be had: status 255, as `ssh` itself says it, and all of `words` on stderr.
    ///
    /// # Errors
    /// When it did something else.
    pub fn failed(self, words: &[&str]) -> Result<Self> {
        self.status_is(255)?.says(words)
    }

    /// Itself, when the login failed (OpenSSH's status 255, permission denied).
    ///
    /// # Errors
    /// When it did not fail that way.
    pub fn denied(self) -> Result<Self> {
        self.status_is(255)?.says(&["Permission denied"])
    }
}

impl Ssh {
    /// An `ssh` of the site in `layout` to `destination`, answering a code when asked for one.
    #[must_use]
    pub fn new(layout: &Layout, destination: &str) -> Self {
        Self {
            configuration: layout.ssh_config(),
            destination: destination.to_owned(),
            askpass: layout.askpass(),
            control: layout.control(),
            // One try with a code: another try would want a code of its own, and wait for it.
            options: vec!["-o".into(), "NumberOfPasswordPrompts 1".into()],
            command: Vec::new(),
            environment: Vec::new(),
            patience: PATIENCE,
        }
    }

    /// Adds a flag, such as `-tt`.
    #[must_use]
    pub fn flag(mut self, flag: impl Into<OsString>) -> Self {
        self.options.push(flag.into());
        self
    }

    /// Adds `-o OPTION`.
    #[must_use]
    pub fn option(self, option: &str) -> Self {
        self.flag("-o").flag(option)
    }

    /// Uses this key and no other; call again for more, in the order they are to be offered.
    #[must_use]
    pub fn key(self, path: &std::path::Path) -> Self {
        let mut ssh = self;
        if ssh.configuration.as_os_str() != "/dev/null" {
            ssh = ssh.without_configured_keys();
        }
        ssh.flag("-i").flag(path)
    }

    /// Repeats the site's configuration as options, but for its keys.
    fn without_configured_keys(mut self) -> Self {
        let known = self.configuration.with_file_name("known_hosts");
        let port = std::fs::read_to_string(&self.configuration)
            .ok()
            .and_then(|text| {
                text.lines()
                    .find_map(|line| line.trim().strip_prefix("Port ").map(str::to_owned))
            })
            .unwrap_or_default();
        self.configuration = PathBuf::from("/dev/null");
        let known = format!("UserKnownHostsFile \"{}\"", known.display());
        self.option("HostName 127.0.0.1")
            .option(&format!("Port {port}"))
            .option(&known)
            .option("StrictHostKeyChecking yes")
            .option("UpdateHostKeys no")
            .option("IdentitiesOnly yes")
            .option("IdentityAgent none")
            .option("PasswordAuthentication no")
            .option("LogLevel ERROR")
    }

    /// What runs on the other side.
    #[must_use]
    pub fn run(mut self, command: impl Into<OsString>) -> Self {
        self.command.push(command.into());
        self
    }

    /// Sets a variable of the client's environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Answers `code` when asked for one, right or wrong.
    #[must_use]
    pub fn code(self, code: &str) -> Self {
        self.variable("ECLUSE_CODE", code)
    }

    /// Shares one connection among all clients that name `socket`.
    #[must_use]
    pub fn shared(self, socket: &str) -> Self {
        let path = self.control.join(socket);
        self.option("ControlMaster auto")
            .option("ControlPersist 600")
            .option(&format!("ControlPath \"{}\"", path.display()))
    }

    /// Gives up after `patience`.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The command line, for a terminal or a benchmark.
    #[must_use]
    pub fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> =
            vec!["ssh".into(), "-F".into(), self.configuration.clone().into()];
        arguments.extend(self.options.iter().cloned());
        arguments.push(self.destination.clone().into());
        arguments.extend(self.command.iter().cloned());
        arguments
    }

    /// The variables that make `ssh` ask a script and no terminal for codes, and what the test added.
    #[must_use]
    pub fn variables(&self) -> Vec<(OsString, OsString)> {
        let person = self
            .destination
            .split(['+', '@'])
            .next()
            .unwrap_or_default();
        let mut variables: Vec<(OsString, OsString)> = vec![
            ("SSH_ASKPASS".into(), self.askpass.clone().into()),
            ("SSH_ASKPASS_REQUIRE".into(), "force".into()),
            ("ECLUSE_PERSON".into(), person.into()),
            ("LC_ALL".into(), "C.UTF-8".into()),
        ];
        variables.extend(self.environment.iter().cloned());
        variables
    }

    /// The process, not started.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut arguments = self.arguments().into_iter();
        let mut command = Command::new(arguments.next().unwrap_or_default());
        command.args(arguments).envs(self.variables());
        command
    }

    /// Starts it with pipes.
    ///
    /// # Errors
    /// When there is no `ssh`.
    pub fn spawn(&self) -> Result<Running> {
        let child = self
            .command()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("ssh cannot be run: install the OpenSSH client")?;
        Ok(Running {
            child,
            patience: self.patience,
        })
    }

    /// Runs it with nothing on its standard input.
    ///
    /// # Errors
    /// When it does not end in time.
    pub fn answer(&self) -> Result<Answer> {
        self.answer_to(Vec::new())
    }

    /// Runs it with `input` on its standard input.
    ///
    /// # Errors
    /// When it does not end in time.
    pub fn answer_to(&self, input: impl Into<Vec<u8>>) -> Result<Answer> {
        let mut running = self.spawn()?;
        let input = input.into();
        let mut stdin = running.child.stdin.take().context("no standard input")?;
        // Written beside the reading: both pipes may be full at once. A client that ended breaks this pipe, rightly.
        let writing = thread::spawn(move || {
            let _ = stdin.write_all(&input);
        });
        let answer = running.answer();
        let _ = writing.join();
        answer
    }
}

/// A client that runs.
#[derive(Debug)]
pub struct Running {
    /// Its process, with pipes; taking one is the caller's to use.
    pub child: Child,
    patience: Duration,
}

impl Running {
    /// Makes sure that what [`Site::echoing`](crate::Site::echoing) began goes on.
    ///
    /// # Errors
    /// When it does not.
    pub fn goes_on(&mut self) -> Result<()> {
        let told = self.child.stdin.as_mut().context("no stdin")?;
        told.write_all(b"still here\n")?;
        ensure!(self.first_line()? == "still here");
        Ok(())
    }

    /// Waits for its first line, without its end, and takes nothing of what follows.
    ///
    /// # Errors
    /// When it ends before.
    pub fn first_line(&mut self) -> Result<String> {
        let stdout = self.child.stdout.as_mut().context("no stdout")?;
        let (mut line, mut byte) = (Vec::new(), [0_u8]);
        loop {
            stdout
                .read_exact(&mut byte)
                .context("the client ended before its first line")?;
            if byte == *b"\n" {
                return Ok(String::from_utf8(line)?);
            }
            line.extend(byte);
        }
    }

    /// Waits for its end and returns what it said.
    ///
    /// # Errors
    /// When it does not end in time: it is killed, and what it said is told.
    pub fn answer(&mut self) -> Result<Answer> {
        let output = collect(self.child.stdout.take());
        let errors = collect(self.child.stderr.take());
        let status = wait::until("the end of the client", self.patience, || {
            Ok(self.child.try_wait()?)
        });
        if status.is_err() {
            let _ = self.child.kill();
        }
        let output = output.join().ok().unwrap_or_default();
        let errors = String::from_utf8_lossy(&errors.join().ok().unwrap_or_default()).into_owned();
        let status = status.with_context(|| {
            format!(
                "so far it wrote:\n{}\n--- and on stderr:\n{errors}",
                shortened(&output)
            )
        })?;
        Ok(Answer {
            status: status.code(),
            output,
            errors,
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts any other client (plink, dbclient, a peer) with pipes.
///
/// # Errors
/// When it cannot be run.
pub fn spawn(command: &mut Command, patience: Duration) -> Result<Running> {
    let program = command.get_program().to_owned();
    let child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| {
            format!(
                "{} cannot be run: run tests/run as root once, it installs what is missing",
                AsRef::<OsStr>::as_ref(&program).to_string_lossy()
            )
        })?;
    Ok(Running { child, patience })
}

/// Runs any other client to its end.
///
/// # Errors
/// When it cannot be run or does not end in time.
pub fn run(command: &mut Command, input: &[u8], patience: Duration) -> Result<Answer> {
    let mut running = spawn(command, patience)?;
    let mut stdin = running.child.stdin.take().context("no standard input")?;
    let input = input.to_vec();
    let writing = thread::spawn(move || {
        let _ = stdin.write_all(&input);
    });
    let answer = running.answer();
    let _ = writing.join();
    answer
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}

fn shortened(bytes: &[u8]) -> String {
    let end = bytes.len().min(2_000);
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}
