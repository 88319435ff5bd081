//! Bytes kept aside so that what was recorded can be closed and sealed on a full disk.
//!
//! One file in the recordings' directory, allocated and never read. Whoever seals takes it away when the disk is full,
//! and it is made again once there is room.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::FallocateFlags;
use rustix::io::Errno;

use super::free;
use crate::secrets;

/// Its name in the recordings' directory.
const NAME: &str = "sealing.reserve";

/// The reserve for closing seals.
#[derive(Debug, Clone)]
pub(crate) struct Reserve {
    file: PathBuf,
    bytes: u64,
}

impl Reserve {
    /// A reserve of so many bytes in `directory`; none of zero. Nothing is made yet.
    pub(crate) fn in_directory(directory: &Path, bytes: u64) -> Self {
        Self {
            file: directory.join(NAME),
            bytes,
        }
    }

    /// Gives the bytes back to the file system. Whether there were any.
    ///
    /// # Errors
    /// The system refuses.
    pub(crate) fn take(&self) -> io::Result<bool> {
        match fs::remove_file(&self.file) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Gives the bytes back where the disk is full but for less than they are. Whether there were any to give.
    pub(crate) fn take_if_full(&self) -> io::Result<bool> {
        let directory = self.file.parent().unwrap_or(Path::new("."));
        if free(directory)? >= self.bytes {
            return Ok(false);
        }
        self.take()
    }

    /// Sets the bytes aside again where there is room for as much once more. Whether they are set aside.
    ///
    /// # Errors
    /// The system refuses.
    pub(crate) fn restore(&self) -> io::Result<bool> {
        if self.bytes == 0 {
            self.take()?;
            return Ok(true);
        }
        if self.stands()? {
            return Ok(true);
        }
        let directory = self.file.parent().unwrap_or(Path::new("."));
        // What is left of an interrupted attempt is no reserve, and in the way of the measure.
        self.take()?;
        if free(directory)? < self.bytes.saturating_mul(2) {
            return Ok(false);
        }
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&self.file)?;
        let filled = fill(&file, self.bytes);
        if filled.is_err() {
            self.take()?;
        }
        filled.map(|()| true)
    }

    /// Whether the file is there, in its full size and with blocks behind it.
    fn stands(&self) -> io::Result<bool> {
        match fs::symlink_metadata(&self.file) {
            Ok(found) => Ok(found.is_file()
                && found.len() == self.bytes
                && found.blocks().saturating_mul(512) >= self.bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn fill(file: &File, bytes: u64) -> io::Result<()> {
    match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, bytes) {
        Ok(()) => return Ok(()),
        Err(Errno::OPNOTSUPP) => {}
        Err(error) => return Err(error.into()),
    }
    // Random, because a file system that cannot allocate may compress or leave holes.
    let mut left = bytes;
    let mut file = file;
    while left > 0 {
        let piece: [u8; 65536] = secrets::random().map_err(io::Error::other)?;
        let length = usize::try_from(left).map_or(piece.len(), |left| left.min(piece.len()));
        file.write_all(piece.get(..length).unwrap_or_default())?;
        left -= length as u64;
    }
    file.sync_all()
}
