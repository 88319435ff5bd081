//! Recordings as an auditor's own tools see them: decrypted by `age`, decompressed by `zstd`, read with a JSON parser and
//! nothing of the project.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::wait;

/// One event of a cast: seconds, kind, text.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// When, from the start.
    pub seconds: f64,
    /// `o`, `i`, `r`, `m`.
    pub kind: String,
    /// What.
    pub text: String,
}

/// Key files that read recordings of this process's sites.
static IDENTITIES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Makes a key file known: [`plain`] tries every one that exists.
pub fn reads_with(identity: PathBuf) {
    let mut known = IDENTITIES.lock().unwrap_or_else(PoisonError::into_inner);
    if !known.contains(&identity) {
        known.push(identity);
    }
}

/// All sealed casts under `directory`, oldest first. A session is sealed when its signature is there.
///
/// # Errors
/// When it cannot be read.
pub fn casts(directory: &Path) -> Result<Vec<PathBuf>> {
    sealed(directory, ".cast")
}

/// All sealed files under `directory` whose plain name ends with `end`, oldest first.
///
/// # Errors
/// When it cannot be read.
pub fn sealed(directory: &Path, end: &str) -> Result<Vec<PathBuf>> {
    let end = format!("{end}.zst.age");
    files(directory, &|path| {
        path.to_string_lossy().ends_with(&end)
            && path.with_file_name("manifest.json.sig").exists()
            && !path.to_string_lossy().contains("converting.tmp")
    })
}

/// What a sealed file holds, by the chain that the recordings' README gives to auditors: the recording's key out of
/// `recording.key.age`, the file with that key, then `zstd`.
///
/// # Errors
/// When no known key reads it, or a program is missing (`tests/run` installs them).
pub fn plain(sealed: &Path) -> Result<Vec<u8>> {
    let wrapped = sealed.with_file_name("recording.key.age");
    let mut unwrap = Command::new("age");
    unwrap.arg("--decrypt");
    for identity in IDENTITIES
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .iter()
        .filter(|identity| identity.exists())
    {
        unwrap.arg("--identity").arg(identity);
    }
    let key = run(unwrap.arg(&wrapped))?;
    let key_file = tempfile::NamedTempFile::new()?;
    fs::write(key_file.path(), key)?;
    let mut decrypt = Command::new("age");
    decrypt
        .args(["--decrypt", "--identity"])
        .arg(key_file.path())
        .arg(sealed)
        .stdout(Stdio::piped());
    let mut decrypting = decrypt.spawn().context("age is needed")?;
    let compressed = decrypting.stdout.take().context("no pipe from age")?;
    let plain = run(Command::new("zstd")
        .args(["-d", "-c", "-q"])
        .stdin(compressed))?;
    ensure!(
        decrypting.wait()?.success(),
        "age does not read {}",
        sealed.display()
    );
    Ok(plain)
}

/// Decrypts a file beside others of a test, for a program that wants a file: a cast for a player.
///
/// # Errors
/// As [`plain`].
pub fn unsealed(sealed: &Path, into: &Path) -> Result<PathBuf> {
    let name = sealed.file_stem().context("a file without name")?;
    let to = into.join(name).with_extension("");
    fs::write(&to, plain(sealed)?)?;
    Ok(to)
}

fn run(command: &mut Command) -> Result<Vec<u8>> {
    let output = command
        .output()
        .with_context(|| format!("{command:?} cannot be run"))?;
    ensure!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(output.stdout)
}

/// All files under `directory` that `wanted` picks, oldest first.
///
/// # Errors
/// When it cannot be read.
pub fn files(directory: &Path, wanted: &dyn Fn(&Path) -> bool) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(next) = open.pop() {
        let Ok(entries) = fs::read_dir(&next) else {
            continue;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if wanted(&path) {
                let modified = entry.metadata()?.modified()?;
                found.push((modified, path));
            }
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// Waits until `count` casts lie under `directory`: recordings are sealed when their session ends.
///
/// # Errors
/// When they do not appear.
pub fn wait_for_casts(directory: &Path, count: usize) -> Result<Vec<PathBuf>> {
    wait::until(
        &format!("{count} casts under {}", directory.display()),
        Duration::from_secs(120),
        || {
            let casts = casts(directory)?;
            Ok((casts.len() >= count).then_some(casts))
        },
    )
}

/// The events of a cast.
///
/// # Errors
/// When it is not asciicast.
pub fn events(cast: &Path) -> Result<Vec<Event>> {
    let text = String::from_utf8(plain(cast)?)
        .with_context(|| format!("{} is not UTF-8", cast.display()))?;
    let mut lines = text.lines();
    let header: Value = serde_json::from_str(lines.next().context("an empty cast")?)
        .context("the header is not JSON")?;
    anyhow::ensure!(
        header.get("version").and_then(Value::as_u64) == Some(2),
        "not asciicast version 2: {header}"
    );
    lines
        .map(|line| {
            let (seconds, kind, text): (f64, String, String) =
                serde_json::from_str(line).with_context(|| format!("not an event: {line}"))?;
            Ok(Event {
                seconds,
                kind,
                text,
            })
        })
        .collect()
}

/// The output of a cast, put together.
///
/// # Errors
/// When it is not asciicast.
pub fn output(cast: &Path) -> Result<String> {
    of_kind(cast, "o")
}

/// The input of a cast, put together.
///
/// # Errors
/// When it is not asciicast.
pub fn input(cast: &Path) -> Result<String> {
    of_kind(cast, "i")
}

fn of_kind(cast: &Path, kind: &str) -> Result<String> {
    Ok(events(cast)?
        .into_iter()
        .filter(|event| event.kind == kind)
        .map(|event| event.text)
        .collect())
}
