//! A file system that is small enough to be filled.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

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
