//! The name of a gateway among those that share a store: made at its first start, and kept in its data directory.
//!
//! Sessions, recordings and orders are of a node by its name, so it must outlive what the machine is called: a container
//! has another host name at each start. It goes where the data goes, and so it must not be copied: two gateways of one name
//! would end each other's sessions (`live/alone.rs` sees to it that they do not).

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use ecluse_policy::HostPort;

use super::alone::{self, Own};
use crate::secrets::SecretError;
use crate::store::{Node, ServeLock, Store, StoreError};

/// Where it is kept.
const FILE: &str = "node";
/// Longest name.
const LONGEST: usize = 1024;

/// Why a gateway has no name.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NameError {
    /// Its file cannot be used.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Its file holds no name.
    #[error(
        "{}: it holds no name of a gateway (one line); restore it from a backup, or, if no session was ever recorded from this directory, delete it",
        path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
    },
    /// Another one serves under it.
    #[error(
        "another gateway, reached at {address}, serves under this one's name: one data directory is a copy of the other, or was moved while its gateway ran. Stop the one that is not to serve; if both are, write another name (one line) into {} of the copy, which is a gateway of its own then. To be done before either starts again",
        path.display()
    )]
    Taken {
        /// Where that one says that it is.
        address: String,
        /// The file.
        path: PathBuf,
    },
    /// No word for this run.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The name of the gateway of this data directory; as it would be made, where it never served.
///
/// # Errors
/// Its file cannot be read.
pub(crate) fn name(data_dir: &Path) -> Result<String, NameError> {
    Ok(kept(data_dir)?.unwrap_or_else(|| made(data_dir)))
}

/// The name under which the gateway of this data directory begins to serve, kept there from its first start on; the store
/// hears that it is here.
///
/// # Errors
/// Its file cannot be used, another gateway serves under this name, or the store failed.
pub(crate) async fn take(
    data_dir: &Path,
    lock: &ServeLock,
    store: &Store,
    address: &HostPort,
) -> Result<Own, NameError> {
    let path = data_dir.join(FILE);
    let name = match kept(data_dir)? {
        Some(name) => name,
        None => {
            let name = made(data_dir);
            let nodes = store.gateways().await?;
            let name = former(&nodes, &name, data_dir, address).unwrap_or(name);
            keep(&path, &name).map_err(|error| NameError::File {
                path: path.clone(),
                error,
            })?;
            name
        }
    };
    alone::begin(data_dir, lock, store, Own::new(name, address, path)?).await
}

/// A gateway of before names were kept goes on under the name that it had, whatever its machine is called now: the same
/// data directory, reached at the same address, and nobody serves under it.
fn former(nodes: &[Node], made: &str, data_dir: &Path, address: &HostPort) -> Option<String> {
    let place = format!(":{}", place(data_dir).display());
    let known = nodes.iter().any(|node| node.name == made);
    let mut same = nodes
        .iter()
        .filter(|node| node.is_lost() && node.address == *address && node.name.ends_with(&place));
    match (known, same.next(), same.next()) {
        (false, Some(node), None) => Some(node.name.clone()),
        (true, ..) | (false, None, _) | (false, Some(_), Some(_)) => None,
    }
}

fn kept(data_dir: &Path) -> Result<Option<String>, NameError> {
    let path = data_dir.join(FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(NameError::File { path, error }),
    };
    let name = text.trim_end_matches('\n');
    if name.is_empty() || name.len() > LONGEST || name.chars().any(char::is_control) {
        return Err(NameError::Unreadable { path });
    }
    Ok(Some(name.to_owned()))
}

/// Keeps one line in a file.
pub(super) fn keep(path: &Path, name: &str) -> std::io::Result<()> {
    // Whole or not at all: what is there has a name in it.
    let making = path.with_extension("new");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&making)?;
    writeln!(file, "{name}")?;
    file.sync_all()?;
    fs::rename(&making, path)?;
    match path.parent() {
        Some(dir) => fs::File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}

fn made(data_dir: &Path) -> String {
    let host = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    format!("{host}:{}", place(data_dir).display())
}

fn place(data_dir: &Path) -> PathBuf {
    data_dir
        .canonicalize()
        .unwrap_or_else(|_| data_dir.to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::store::testing::on_each_engine;

    fn address() -> HostPort {
        HostPort::parse("gw1.example:22").unwrap()
    }

    #[test]
    fn a_name_is_made_once_and_kept_whatever_the_machine_is_called() {
        on_each_engine(async |store| {
            let dir = tempfile::tempdir().unwrap();
            let made = name(dir.path()).unwrap();
            let lock = ServeLock::take(dir.path()).unwrap();
            let taken = async || take(dir.path(), &lock, store, &address()).await.unwrap();
            assert_eq!(taken().await.name, made);
            // Kept: under another host name it would be made otherwise.
            keep(&dir.path().join(FILE), "elsewhere:/data").unwrap();
            assert_eq!(name(dir.path()).unwrap(), "elsewhere:/data");
            assert_eq!(taken().await.name, "elsewhere:/data");
            for nonsense in ["", "\n", "a\nb\n"] {
                fs::write(dir.path().join(FILE), nonsense).unwrap();
                let refused = name(dir.path()).unwrap_err().to_string();
                assert!(refused.contains("it holds no name"), "{refused}");
            }
        });
    }

    #[test]
    fn a_gateway_of_before_goes_on_under_the_name_it_had() {
        let dir = tempfile::tempdir().unwrap();
        let made = made(dir.path());
        let node = |name: String, address: &str, silent: u64| Node {
            name,
            address: HostPort::parse(address).unwrap(),
            silent: Some(Duration::from_secs(silent)),
        };
        let old = format!("old-host:{}", place(dir.path()).display());
        let found = |nodes: &[Node]| former(nodes, &made, dir.path(), &address());
        let lost = node(old.clone(), "gw1.example:22", 3600);
        assert_eq!(found(std::slice::from_ref(&lost)), Some(old.clone()));
        for others in [
            vec![],
            // It lives, so it is another one.
            vec![node(old.clone(), "gw1.example:22", 1)],
            vec![node(old, "gw2.example:22", 3600)],
            vec![node("old-host:/elsewhere".into(), "gw1.example:22", 3600)],
            vec![lost.clone(), node(made.clone(), "gw1.example:22", 3600)],
            vec![
                lost.clone(),
                node(
                    format!("older-host:{}", place(dir.path()).display()),
                    "gw1.example:22",
                    3600,
                ),
            ],
        ] {
            assert_eq!(found(&others), None, "{others:?}");
        }
    }
}
