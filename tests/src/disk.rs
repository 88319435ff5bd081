//! A file system that is small enough to be filled.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use rustix::fs::{FallocateFlags, fallocate};

use crate::recording;

/// Runs `test` with a file system of `mebibytes` that is its alone.
///
/// # Errors
/// When the test fails, and when there is no such file system: what could not be tried has not passed.
pub fn with_small(mebibytes: u32, test: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let small = directory.path().join("small");
    fs::create_dir(&small)?;
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", &format!("size={mebibytes}m"), "tmpfs"])
        .arg(&small)
        .output()?;
    ensure!(
        mounted.status.success(),
        "a small tmpfs cannot be mounted, so that a full disk cannot be tried: run tests/run as root, in a container with CAP_SYS_ADMIN; or leave these tests out with -E 'not test(/full_disk|^space::/)'. mount said: {}",
        String::from_utf8_lossy(&mounted.stderr)
    );
    let result = test(&small);
    let unmounted = Command::new("umount").arg("-l").arg(&small).status()?;
    ensure!(unmounted.success(), "{} is still mounted", small.display());
    result
}

/// Takes the disk to its last byte, as a neighbour's files would.
///
/// # Errors
/// When a file cannot even be named.
pub fn fill_to_the_last(small: &Path) -> Result<()> {
    // In ever smaller pieces, until nothing fits.
    let mut left = 24_u64 << 10;
    let mut neighbour = 0;
    while left > 0 {
        let file = File::create(small.join(format!("neighbour-{neighbour}")))?;
        neighbour += 1;
        if fallocate(&file, FallocateFlags::empty(), 0, left << 10).is_err() {
            left /= 2;
        }
    }
    Ok(())
}

/// Takes those files away again.
///
/// # Errors
/// When one cannot be removed.
pub fn free_again(small: &Path) -> Result<()> {
    let is_ours = |path: &Path| path.to_string_lossy().contains("/neighbour-");
    for file in recording::files(small, &is_ours)? {
        fs::remove_file(file)?;
    }
    Ok(())
}
