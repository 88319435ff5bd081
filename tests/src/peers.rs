//! Clients and servers written in Python, run from the environment that `tests/run` makes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::client::{self, Answer};
use crate::site::Site;

/// A program of that environment: `python`, `ansible`, `ssh-audit`.
///
/// # Errors
/// When the environment was not made.
pub fn program(name: &str) -> Result<PathBuf> {
    let directory = match std::env::var_os("ECLUSE_TEST_VENV") {
        Some(named) => PathBuf::from(named),
        None => repository().join("target/venv"),
    };
    let path = directory.join("bin").join(name);
    ensure!(
        path.exists(),
        "{} is missing: run tests/run once, it makes the environment of the Python peers",
        path.display()
    );
    Ok(path)
}

/// The players of asciicasts that evidence has to play in: the distribution's, and the newer one of the registry that
/// `tests/run` builds.
///
/// # Errors
/// When the newer one was not built.
pub fn players() -> Result<[PathBuf; 2]> {
    let newer = match std::env::var_os("ECLUSE_TEST_ASCIINEMA") {
        Some(named) => PathBuf::from(named),
        None => repository().join("target/peers/bin/asciinema"),
    };
    ensure!(
        newer.exists(),
        "{} is missing: run tests/run once, it builds it",
        newer.display()
    );
    Ok(["asciinema".into(), newer])
}

/// Where the peer `NAME.py` is.
#[must_use]
pub fn script(name: &str) -> PathBuf {
    repository().join("tests/peers").join(format!("{name}.py"))
}

/// The peer `NAME.py` with `arguments`, not started, knowing the site through its environment.
///
/// # Errors
/// When the environment was not made.
pub fn command(site: &Site, name: &str, arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(program("python")?);
    let layout = site.layout();
    command
        .arg("-B")
        .arg(script(name))
        .args(arguments)
        .env("GATEWAY_PORT", site.plan().ports.door.to_string())
        .env("KNOWN_HOSTS", layout.known_hosts())
        .env("KEYS", layout.root().join("keys"))
        .env("ASKPASS", layout.askpass())
        .env("ECLUSE_PERSON", "alice")
        .env("PYTHONUNBUFFERED", "1");
    Ok(command)
}

/// Runs a peer to its end.
///
/// # Errors
/// When it cannot be run or does not end in time.
pub fn run(site: &Site, name: &str, arguments: &[&str]) -> Result<Answer> {
    client::run(
        &mut command(site, name, arguments)?,
        &[],
        Duration::from_secs(180),
    )
}

/// The root of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest
        .parent()
        .context("no parent")
        .map_or_else(|_| manifest.to_owned(), Path::to_owned)
}
