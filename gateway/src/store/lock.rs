//! Locks on files of the data directory. The system releases them when the process ends, however it ends.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ecluse_policy::Timestamp;
use rustix::fs::{FlockOperation, flock};

use super::StoreError;

/// The right to serve from a data directory, held until dropped. Commands may run beside it.
#[derive(Debug)]
#[must_use = "the data directory is free again when this is dropped"]
pub struct ServeLock {
    file: File,
    path: PathBuf,
    unended: Option<Timestamp>,
}

/// How long somebody who looks whether a gateway serves may have the lock.
const LOOKED_AT: std::time::Duration = std::time::Duration::from_millis(100);

/// Stands in the lock's file while the gateway serves, before the time of its latest sign of life.
const SERVING: &str = "serving";

impl ServeLock {
    /// Takes the right to serve from `data_dir`.
    ///
    /// # Errors
    /// [`StoreError::AlreadyServed`] when another process has it.
    pub fn take(data_dir: &Path) -> Result<Self, StoreError> {
        let path = data_dir.join("serve.lock");
        let failed = |error| StoreError::File {
            path: path.clone(),
            error,
        };
        crate::secrets::create_private_dir(data_dir)?;
        let mut file = private_file(&path)?;
        let attempt = || flock(&file, FlockOperation::NonBlockingLockExclusive);
        let taken = attempt().or_else(|_| {
            // Somebody may only have looked whether it is held.
            std::thread::sleep(LOOKED_AT);
            attempt()
        });
        if let Err(error) = taken {
            if error != rustix::io::Errno::WOULDBLOCK {
                return Err(failed(error.into()));
            }
            return Err(StoreError::AlreadyServed {
                data_dir: data_dir.to_owned(),
                holder: holder(&mut file),
            });
        }
        // Only to tell the next one who holds it, and how the one before ended; the lock is the kernel's.
        let unended = unended(&mut file);
        let lock = Self {
            file,
            path,
            unended,
        };
        lock.write(unended)?;
        Ok(lock)
    }

    /// Whether a gateway serves from `data_dir`.
    ///
    /// # Errors
    /// The lock's file cannot be read.
    pub fn is_held(data_dir: &Path) -> Result<bool, StoreError> {
        let path = data_dir.join("serve.lock");
        let failed = |error| StoreError::File {
            path: path.clone(),
            error,
        };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(failed(error)),
        };
        // Free again when the file is closed, which is at once.
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(false),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(true),
            Err(error) => Err(failed(error.into())),
        }
    }

    /// The latest sign of life of the run before, if it served and did not end in order.
    pub fn unended(&self) -> Option<Timestamp> {
        self.unended
    }

    /// Which file is locked: as long as this machine runs, nobody else holds the lock of the same one. **Shape**: device and
    /// inode.
    ///
    /// # Errors
    /// The file tells nothing of itself.
    pub fn file_id(&self) -> Result<(u64, u64), StoreError> {
        let found = self.file.metadata().map_err(|error| StoreError::File {
            path: self.path.clone(),
            error,
        })?;
        Ok((found.dev(), found.ino()))
    }

    /// A sign of life of a gateway that serves: what the next run knows of this one if it does not end in order.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn serving(&self, now: Timestamp) -> Result<(), StoreError> {
        self.write(Some(now))
    }

    /// The gateway ended in order.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn ended(&self) -> Result<(), StoreError> {
        self.write(None)
    }

    fn write(&self, serving: Option<Timestamp>) -> Result<(), StoreError> {
        let process = std::process::id();
        let text = match serving {
            Some(at) => format!("{process} {SERVING} {}", at.as_micros()),
            None => process.to_string(),
        };
        let mut file = &self.file;
        file.rewind()
            .and_then(|()| file.write_all(text.as_bytes()))
            .and_then(|()| file.set_len(text.len() as u64))
            .map_err(|error| StoreError::File {
                path: self.path.clone(),
                error,
            })
    }
}

/// When the run before gave its latest sign of life, if it did not end in order. What does not read tells nothing.
fn unended(file: &mut File) -> Option<Timestamp> {
    let mut text = String::new();
    file.take(100).read_to_string(&mut text).ok()?;
    let (_, at) = text.split_once(SERVING)?;
    at.trim().parse().ok().map(Timestamp::from_micros)
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let process = match file.take(100).read_to_string(&mut text) {
        Ok(_) => text.split(' ').next().unwrap_or_default(),
        Err(_) => "",
    };
    if !process.is_empty() && process.bytes().all(|byte| byte.is_ascii_digit()) {
        format!(" (process {process})")
    } else {
        String::new()
    }
}

/// The right to change sealed recordings, held until dropped. What is on disk and what is on record change one after the
/// other, and nobody may come in between.
#[derive(Debug)]
#[must_use = "others may change recordings again when this is dropped"]
pub struct ChangeLock {
    _file: File,
}

impl ChangeLock {
    /// Waits until no other process of `data_dir` has it.
    ///
    /// # Errors
    /// The file cannot be made or locked.
    pub async fn take(data_dir: &Path) -> Result<Self, StoreError> {
        // With the store elsewhere, nothing else may have made it yet.
        crate::secrets::create_private_dir(data_dir)?;
        let file = wait_for(data_dir.join(Self::NAME)).await?;
        Ok(Self { _file: file })
    }

    /// The same without waiting; `None` while another process has it.
    ///
    /// # Errors
    /// The file cannot be made or locked.
    pub fn try_take(data_dir: &Path) -> Result<Option<Self>, StoreError> {
        crate::secrets::create_private_dir(data_dir)?;
        let path = data_dir.join(Self::NAME);
        let file = private_file(&path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(StoreError::File {
                path,
                error: error.into(),
            }),
        }
    }

    const NAME: &str = "change.lock";
}

/// Waits until no other process holds `path`; released when dropped.
pub(super) async fn wait_for(path: PathBuf) -> Result<File, StoreError> {
    let file = private_file(&path)?;
    // On a thread of its own: whoever holds the lock may need this one to finish.
    let locked = tokio::task::spawn_blocking(move || {
        flock(&file, FlockOperation::LockExclusive).map(|()| file)
    });
    let locked = locked
        .await
        .map_err(std::io::Error::other)
        .and_then(|locked| locked.map_err(Into::into));
    locked.map_err(|error| StoreError::File { path, error })
}

/// Opens a file that only its owner reads, and makes it where there is none; what it holds stays.
pub(super) fn private_file(path: &Path) -> Result<File, StoreError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|error| StoreError::File {
            path: path.to_owned(),
            error,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_gateway_on_the_same_data_directory_is_told_who_serves_there() {
        let dir = tempfile::tempdir().unwrap();
        let first = ServeLock::take(dir.path()).unwrap();
        let error = ServeLock::take(dir.path()).unwrap_err().to_string();
        assert!(
            error.contains(&format!("(process {})", std::process::id())),
            "{error}"
        );
        assert!(error.contains("another data-dir"), "{error}");
        drop(first);
        let _third = ServeLock::take(dir.path()).unwrap();
    }

    /// A run that served and did not end in order is known to the next one, even if a start failed in between.
    #[test]
    fn the_next_run_knows_of_one_that_did_not_end_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let take = || ServeLock::take(dir.path()).unwrap();
        let at = Timestamp::from_secs(1_790_000_000);
        let run = take();
        assert_eq!(run.unended(), None);
        run.serving(at).unwrap();
        drop(run);
        let failed_start = take();
        assert_eq!(failed_start.unended(), Some(at));
        let error = ServeLock::take(dir.path()).unwrap_err().to_string();
        assert!(
            error.contains(&format!("(process {})", std::process::id())),
            "{error}"
        );
        drop(failed_start);
        let run = take();
        assert_eq!(run.unended(), Some(at));
        run.serving(at).unwrap();
        run.ended().unwrap();
        drop(run);
        assert_eq!(take().unended(), None);
    }
}
