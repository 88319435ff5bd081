//! The command line: one file a subcommand.
//!
//! For administrators, in English. Every command finds the store through the settings file; a failure says
//! what to do next. What is printed goes through [`out`]. Nothing from a stranger reaches the terminal unescaped.

mod accounts;
mod apply;
mod carried;
mod check;
mod credential;
pub mod directory;
mod enroll;
mod explain;
mod export;
mod host_ca;
mod journal;
mod matrix;
mod minutes;
mod nodes;
pub(crate) mod out;
mod policy;
mod prompt;
mod recordings;
mod retention;
mod search;
mod serve;
mod talks;
mod verify;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::faces::commands::out::{errln, outln};
use crate::settings::{DEFAULT_FILE, Settings};
use crate::store::{Applied, Store};

/// Écluse: a dedicated remote-maintenance gateway. Technicians pass when the client says yes, are recorded
/// before a byte is relayed, and reach nothing else.
#[derive(Debug, Parser)]
#[command(
    name = "ecluse",
    version,
    propagate_version = true,
    max_term_width = 100
)]
pub struct Cli {
    /// The gateway's settings.
    #[arg(long, global = true, value_name = "FILE", env = "ECLUSE_CONFIG", default_value = DEFAULT_FILE)]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Check),
    #[command(subcommand)]
    Journal(journal::JournalCommand),
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    #[command(subcommand)]
    Recordings(recordings::RecordingsCommand),
    Serve(serve::Serve),
    Verify(verify::Verify),
    #[command(flatten)]
    OnStore(OnStore),
}

/// The commands that work on the store, beside a running gateway or without one.
#[derive(Debug, Subcommand)]
enum OnStore {
    Accounts(accounts::Accounts),
    Apply(apply::Apply),
    #[command(subcommand)]
    Credential(credential::CredentialCommand),
    Enroll(enroll::Enroll),
    Explain(explain::Explain),
    Export(export::Export),
    HostCa(host_ca::PrintHostCa),
    Matrix(matrix::Matrix),
    Nodes(nodes::Nodes),
    Reach(matrix::ReachOf),
    Retention(retention::Retention),
    #[command(subcommand)]
    Search(search::SearchCommand),
}

/// Runs the command line. Exit codes: 0 done, 1 failed or refused, 2 not a command; `explain` and `verify` have more.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(words) => return said_instead(&words),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let done = runtime.block_on(dispatch(cli));
    // A question that was interrupted still waits for its answer on a thread of its own.
    runtime.shutdown_background();
    let code = match done {
        Ok(code) => code,
        Err(error) => failed(&error),
    };
    printed(code)
}

/// Help, the version, or what is wrong with the command line; told like everything else.
fn said_instead(words: &clap::Error) -> ExitCode {
    if words.use_stderr() {
        // Its own way: nobody can be told where standard error is not read.
        let _ = words.print();
        return ExitCode::from(2);
    }
    // Coloured where a terminal reads it.
    let words = words.render();
    if std::io::stdout().is_terminal() {
        outln!("{}", words.ansi().to_string().trim_end());
    } else {
        outln!("{}", words.to_string().trim_end());
    }
    printed(ExitCode::SUCCESS)
}

/// The exit code, unless the words did not arrive.
fn printed(code: ExitCode) -> ExitCode {
    match out::finish() {
        None => code,
        Some(error) => failed(&anyhow::anyhow!(
            "not all of this could be printed: {error}"
        )),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    // On as many lines as the error itself has.
    errln!(
        "ecluse: {}",
        ecluse_recordings::neutralise_lines(every_cause(error))
    );
    ExitCode::FAILURE
}

/// An error with every cause that it does not tell itself.
fn every_cause(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if said.contains(&text) {
            continue;
        }
        if !said.is_empty() {
            said.push_str(": ");
        }
        said.push_str(&text);
    }
    said
}

/// What reads recordings at length leaves the machine to those in passage.
fn step_back() {
    if let Err(error) = rustix::process::nice(crate::readers::NICENESS) {
        tracing::debug!(%error, "reading at normal priority");
    }
}

async fn dispatch(cli: Cli) -> anyhow::Result<ExitCode> {
    let Cli { config, command } = cli;
    let done = match command {
        Command::Verify(verify) => {
            step_back();
            return verify.run();
        }
        Command::Journal(journal) => {
            step_back();
            return journal.run(&config).await;
        }
        Command::Check(check) => check.run().await,
        Command::Policy(policy) => return policy.run(&config).await,
        Command::Recordings(recordings) => {
            step_back();
            recordings.run(&config).await
        }
        // It locks the data directory before it opens what is in it.
        Command::Serve(serve) => serve.run(&config).await,
        Command::OnStore(command) => {
            if matches!(command, OnStore::Export(_) | OnStore::Search(_)) {
                step_back();
            }
            let settings = Settings::read(&config)?;
            let store = Store::open(&settings).await?;
            let done = command.run(&store, &settings).await;
            store.close().await;
            return done;
        }
    };
    done.map(|()| ExitCode::SUCCESS)
}

impl OnStore {
    async fn run(self, store: &Store, settings: &Settings) -> anyhow::Result<ExitCode> {
        let done = match self {
            Self::Explain(explain) => return explain.run(store, settings).await,
            Self::Accounts(accounts) => accounts.run(store, settings).await,
            Self::Apply(apply) => apply.run(store).await,
            Self::Credential(credential) => credential.run(store).await,
            Self::Enroll(enroll) => enroll.run(store).await,
            Self::Export(export) => return export.run(store, settings).await,
            Self::HostCa(host_ca) => host_ca.run(store, settings).await,
            Self::Matrix(matrix) => matrix.run(store).await,
            Self::Nodes(nodes) => nodes.run(store, settings).await,
            Self::Reach(reach) => reach.run(store).await,
            Self::Retention(retention) => retention.run(store, settings).await,
            Self::Search(search) => search.run(store, settings).await,
        };
        done.map(|()| ExitCode::SUCCESS)
    }
}

/// The documents in force, for a command that needs some.
async fn in_force(store: &Store) -> anyhow::Result<std::sync::Arc<Applied>> {
    let applied = store.documents().await?;
    anyhow::ensure!(
        applied.version > 0,
        "no documents are applied yet; run: ecluse apply DIR"
    );
    Ok(applied)
}

/// Who runs this command, for the audit trail: a name as the environment tells it, and the number the kernel
/// vouches for (R6).
fn administrator() -> String {
    let uid = rustix::process::getuid();
    let named = |variable: &str| std::env::var(variable).ok().filter(|name| !name.is_empty());
    // Behind sudo the kernel knows root only; sudo says whose request it was.
    let name = if uid.is_root() {
        named("SUDO_USER").or_else(|| named("DOAS_USER"))
    } else {
        None
    };
    let name = name
        .or_else(|| named("USER"))
        .or_else(|| named("LOGNAME"))
        .or_else(|| {
            let users = std::fs::read_to_string("/etc/passwd").ok()?;
            user_of(&users, uid.as_raw())
        })
        .unwrap_or_else(|| "unknown".into());
    format!(
        "{} (uid {})",
        ecluse_recordings::neutralise(name),
        uid.as_raw()
    )
}

/// The name of a user number in the text of `/etc/passwd`.
fn user_of(users: &str, uid: u32) -> Option<String> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_cause_that_the_error_tells_itself_is_said_once() {
        let gone = || std::io::Error::from(std::io::ErrorKind::NotFound);
        let told = ecluse_recordings::bundle::ReaderError::Io {
            path: "/nowhere".into(),
            source: gone(),
        };
        let said = every_cause(&told.into());
        assert_eq!(said, format!("cannot read /nowhere: {}", gone()));
        let apart = anyhow::Error::from(gone()).context("x.tar");
        assert_eq!(every_cause(&apart), format!("x.tar: {}", gone()));
    }

    #[test]
    fn whoever_is_named_by_no_variable_is_named_by_the_system() {
        let users = "root:x:0:0:root:/root:/bin/sh\n\nbroken\necluse:x:998:998::/:/bin/false\n";
        assert_eq!(user_of(users, 0).as_deref(), Some("root"));
        assert_eq!(user_of(users, 998).as_deref(), Some("ecluse"));
        assert_eq!(user_of(users, 1), None);
    }

    #[test]
    fn the_audit_trail_names_who_runs_a_command_by_a_number_nobody_chooses() {
        assert!(administrator().contains(&format!("(uid {})", rustix::process::getuid().as_raw())));
    }
}
