//! Recordings as an auditor's own tools see them: asciicast files, read with a JSON parser and nothing of the project.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
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

/// All finished `.cast` files under `directory`, oldest first. A session is finished when its `session.json` is there.
///
/// # Errors
/// When it cannot be read.
pub fn casts(directory: &Path) -> Result<Vec<PathBuf>> {
    files(directory, &|path| {
        path.extension()
            .is_some_and(|extension| extension == "cast")
            && path.with_file_name("session.json").exists()
            && !path.to_string_lossy().contains("converting.tmp")
    })
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

/// Waits until `count` casts lie under `directory`: recordings are finished when their session is.
///
/// # Errors
/// When they do not appear.
pub fn wait_for_casts(directory: &Path, count: usize) -> Result<Vec<PathBuf>> {
    wait::until(
        &format!("{count} casts under {}", directory.display()),
        Duration::from_secs(30),
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
    let text =
        fs::read_to_string(cast).with_context(|| format!("{} is not UTF-8", cast.display()))?;
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
