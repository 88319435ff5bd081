//! Keys at rest: the key that seals secrets in the store, and the gateway's own SSH host key.
//!
//! A copy of the database alone must open nothing (C2): one-time-password secrets and targets' credentials
//! are sealed with AES-256-GCM under a key that stands in a file beside it, or comes from systemd's
//! credentials. This module knows neither what it seals nor where the result is kept.

mod store_key;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::ssh::keys::{Ed25519Keypair, LineEnding, PrivateKey};
use zeroize::Zeroizing;

pub use self::store_key::StoreKey;

/// Length of the store's key.
pub const KEY_LEN: usize = 32;

/// Name of the credential that systemd may hand over (`LoadCredentialEncrypted=ecluse-store-key:…`).
const CREDENTIAL: &str = "ecluse-store-key";
/// Name of the file that holds the key otherwise.
const KEY_FILE: &str = "store.key";

/// What is wrong with a key file or a sealed value, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// A file could not be read or made.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Others can read a key.
    #[error(
        "{}: others than its owner may read this key (mode {mode:04o}); consider it known to them, or run: chmod 600 {}",
        path.display(), path.display()
    )]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A key file of another length.
    #[error("{}: a store key has {KEY_LEN} bytes, this file {found}; restore the file that belongs to this store", path.display())]
    NotAKey {
        /// The file.
        path: PathBuf,
        /// Its length.
        found: usize,
    },
    /// A store that was used, and no key.
    #[error(
        "{}: it is not there, and this store was used with its key already; a new key would open none of its secrets, so none is made. {LACKING}; otherwise restore the file from the backup of keys", path.display()
    )]
    NoKey {
        /// The file that is expected.
        path: PathBuf,
    },
    /// A key, and of another store.
    #[error(
        "{}: it is not the key of this store, whose secrets another one sealed; restore the file that belongs to it. {LACKING}", path.display()
    )]
    OtherKey {
        /// Where it came from.
        path: PathBuf,
    },
    /// A host key file that is no usable key.
    #[error("{}: not a private key in OpenSSH format without passphrase ({problem}); restore it, or move it away to have a new one made", path.display())]
    NotAHostKey {
        /// The file.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// The system gives no randomness.
    #[error("the system gives no random bytes")]
    NoRandomness,
    /// A sealed value does not open under this key at this place.
    #[error(
        "a secret of {place} does not open with this store key: another key sealed it, or the row was altered; restore store.key from the backup of this store"
    )]
    Unsealable {
        /// Table and row.
        place: String,
    },
}

/// What a command may lack that the service has.
const LACKING: &str = "Where systemd holds the key, a command needs the same credential: systemd-run --pipe --uid=ecluse \
    -p LoadCredentialEncrypted=ecluse-store-key:/etc/credstore.encrypted/ecluse-store-key ecluse …";

impl SecretError {
    /// There is no key for a store that was used.
    pub fn no_key(keys_dir: &Path) -> Self {
        Self::NoKey {
            path: keys_dir.join(KEY_FILE),
        }
    }
}

/// Fills a new array with random bytes.
///
/// # Errors
/// [`SecretError::NoRandomness`].
pub fn random<const N: usize>() -> Result<[u8; N], SecretError> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| SecretError::NoRandomness)?;
    Ok(bytes)
}

/// The directory in which systemd hands over credentials, if it does.
pub fn credentials_directory() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}

/// The gateway's own SSH host key, made at the first start.
///
/// # Errors
/// The file cannot be read or made, others may read it, or it is no usable key.
pub fn host_key(path: &Path) -> Result<PrivateKey, SecretError> {
    let not_a_key = |error: &dyn std::fmt::Display| SecretError::NotAHostKey {
        path: path.to_owned(),
        problem: error.to_string(),
    };
    if !path.exists() {
        let text = new_ed25519("ecluse").and_then(|key| {
            key.to_openssh(LineEnding::LF)
                .map_err(|error| not_a_key(&error))
        })?;
        create_secret(path, text.as_bytes())?;
    }
    check_permissions(path)?;
    let key = PrivateKey::from_openssh(read_secret(path)?.as_slice())
        .map_err(|error| not_a_key(&error))?;
    if key.is_encrypted() {
        return Err(not_a_key(&"it has a passphrase"));
    }
    Ok(key)
}

/// A new Ed25519 key, from the randomness of the one cryptographic library in use.
///
/// # Errors
/// [`SecretError::NoRandomness`].
pub fn new_ed25519(comment: &str) -> Result<PrivateKey, SecretError> {
    let seed = Zeroizing::new(random::<32>()?);
    PrivateKey::new(Ed25519Keypair::from_seed(&seed).into(), comment)
        .map_err(|_| SecretError::NoRandomness)
}

/// Makes a directory that only its owner can enter, with its parents.
///
/// # Errors
/// The directory cannot be made.
pub fn create_private_dir(path: &Path) -> Result<(), SecretError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| SecretError::File {
            path: path.to_owned(),
            error,
        })
}

/// Writes a secret that did not exist, whole or not at all: under another name first, flushed, then put in
/// place without ever replacing what somebody else made meanwhile (two commands may start at once).
fn create_secret(path: &Path, bytes: &[u8]) -> Result<(), SecretError> {
    let failed = |error| SecretError::File {
        path: path.to_owned(),
        error,
    };
    let parent = path.parent().unwrap_or(Path::new("."));
    create_private_dir(parent)?;
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{:016x}", u64::from_ne_bytes(random()?)));
    let draft = PathBuf::from(draft);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| match fs::hard_link(&draft, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        })
        .and_then(|()| File::open(parent)?.sync_all());
    let removed = fs::remove_file(&draft);
    written.and(removed).map_err(failed)
}

/// Reads a small secret file without leaving copies of it behind.
///
/// # Errors
/// The file cannot be read, or is larger than any key.
pub fn read_secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    const LARGEST: u64 = 64 << 10;
    let failed = |error| SecretError::File {
        path: path.to_owned(),
        error,
    };
    let file = File::open(path).map_err(failed)?;
    // Room for all of it beforehand: a growing vector leaves its old pieces in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LARGEST as usize));
    file.take(LARGEST).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 == LARGEST {
        return Err(failed(io::Error::other(
            "far larger than a key or a password; name the right file",
        )));
    }
    Ok(bytes)
}

fn check_permissions(path: &Path) -> Result<(), SecretError> {
    let mode = fs::metadata(path)
        .map_err(|error| SecretError::File {
            path: path.to_owned(),
            error,
        })?
        .permissions()
        .mode()
        & 0o7777;
    if mode & 0o077 != 0 {
        return Err(SecretError::TooOpen {
            path: path.to_owned(),
            mode,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> (tempfile::TempDir, StoreKey) {
        let dir = tempfile::tempdir().unwrap();
        let key = StoreKey::create(&dir.path().join("keys")).unwrap();
        (dir, key)
    }

    fn load(dir: &tempfile::TempDir) -> Result<Option<StoreKey>, SecretError> {
        StoreKey::load(&dir.path().join("keys"), None)
    }

    #[test]
    fn what_is_sealed_opens_at_its_place_and_nowhere_else() {
        let (_dir, key) = key();
        let sealed = key.seal("enrolments", "alice", b"secret").unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_eq!(
            key.open("enrolments", "alice", &sealed).unwrap().as_slice(),
            b"secret"
        );
        assert!(key.open("enrolments", "bruno", &sealed).is_err());
        assert!(key.open("credentials", "alice", &sealed).is_err());
        let (_other_dir, other) = self::key();
        assert!(
            other
                .open("enrolments", "alice", &sealed)
                .unwrap_err()
                .to_string()
                .contains("restore store.key")
        );
    }

    #[test]
    fn a_mark_holds_for_its_text_under_its_key() {
        let (dir, key) = key();
        let mark = key.mark("7 keys");
        assert!(load(&dir).unwrap().unwrap().is_marked("7 keys", &mark));
        assert!(!key.is_marked("8 keys", &mark) && !key.is_marked("7 keys", &mark[2..]));
        assert!(!key.is_marked("7 keys", b"nonsense") && !key.is_marked("7 keys", b""));
        let (_other_dir, other) = self::key();
        assert!(!other.is_marked("7 keys", &mark));
    }

    #[test]
    fn one_flipped_bit_or_a_missing_byte_opens_nothing() {
        let (_dir, key) = key();
        let sealed = key.seal("t", "r", b"secret").unwrap();
        for place in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[place] ^= 1;
            assert!(key.open("t", "r", &altered).is_err(), "byte {place}");
            assert!(
                key.open("t", "r", &sealed[..place]).is_err(),
                "cut at {place}"
            );
        }
    }

    #[test]
    fn the_key_is_made_once_and_for_its_owner_only() {
        let (dir, key) = key();
        let path = dir.path().join("keys/store.key");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(
            fs::metadata(dir.path().join("keys"))
                .unwrap()
                .permissions()
                .mode()
                & 0o777,
            0o700
        );
        assert_eq!(
            fs::read_dir(dir.path().join("keys")).unwrap().count(),
            1,
            "no draft stays behind"
        );
        let again = load(&dir).unwrap().unwrap();
        let sealed = key.seal("t", "r", b"secret").unwrap();
        assert!(again.open("t", "r", &sealed).is_ok());
        let same = StoreKey::create(&dir.path().join("keys")).unwrap();
        assert!(same.open("t", "r", &sealed).is_ok(), "made anew");
    }

    #[test]
    fn a_key_that_is_not_there_is_not_made_by_looking_for_it() {
        let dir = tempfile::tempdir().unwrap();
        assert!(load(&dir).unwrap().is_none());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_key_that_others_may_read_is_refused() {
        let (dir, _key) = key();
        let path = dir.path().join("keys/store.key");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = load(&dir).unwrap_err().to_string();
        assert!(
            error.contains("0640") && error.contains("chmod 600"),
            "{error}"
        );
    }

    #[test]
    fn a_short_key_is_refused() {
        let (dir, _key) = key();
        fs::write(dir.path().join("keys/store.key"), [1; 31]).unwrap();
        let error = load(&dir).unwrap_err().to_string();
        assert!(error.contains("32 bytes, this file 31"), "{error}");
    }

    #[test]
    fn the_host_key_stays_the_same_and_is_openssh_format() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys/ssh_host_ed25519_key");
        let first = host_key(&path).unwrap();
        assert_eq!(first.public_key(), host_key(&path).unwrap().public_key());
        assert!(
            fs::read_to_string(&path)
                .unwrap()
                .starts_with("-----BEGIN OPENSSH PRIVATE KEY-----")
        );
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        fs::write(&path, "nonsense").unwrap();
        assert!(
            host_key(&path)
                .unwrap_err()
                .to_string()
                .contains("move it away")
        );
    }
}
