//! Finds sessions on disk.

use crate::evidence::manifest::Manifest;
use crate::{JournalFrames, ReadError, SealedRecording, SessionFacts, layout};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// One session found.
#[derive(Debug)]
pub struct Listed {
    /// Its directory.
    pub dir: PathBuf,
    /// What state it is in.
    pub state: State,
}

/// The state of a session's directory.
#[derive(Debug)]
pub enum State {
    /// Sealed; no signature is checked here.
    Sealed(Box<Manifest>),
    /// A journal, open or waiting to be sealed.
    Live(Box<SessionFacts>),
    /// A journal that recovery set aside; its facts where they still read.
    Damaged(Option<Box<SessionFacts>>),
    /// Nothing that reads.
    Unreadable(ReadError),
}

/// The sessions of one client, or of all, oldest day first.
///
/// # Errors
/// When the directories do not read.
pub fn list(root: &Path, client: Option<&str>) -> io::Result<Vec<Listed>> {
    let dirs = match client {
        Some(client) if layout::is_safe_name(client) => dirs_below(&root.join(client), 4)?,
        Some(_) => Vec::new(),
        None => session_dirs(root)?,
    };
    Ok(dirs.into_iter().map(Listed::look).collect())
}

impl Listed {
    /// Looks at one directory, as [`list`] does.
    #[must_use]
    pub fn look(dir: PathBuf) -> Self {
        Self {
            state: state(&dir),
            dir,
        }
    }
}

fn state(dir: &Path) -> State {
    match SealedRecording::open(dir) {
        Ok(sealed) => return State::Sealed(Box::new(sealed.manifest().clone())),
        Err(error) if error.is_not_found() => {}
        Err(error) => return State::Unreadable(error),
    }
    let facts = |name| {
        JournalFrames::open(&dir.join(name)).map(|frames| Box::new(frames.header().facts.clone()))
    };
    if dir.join(layout::DAMAGED).exists() {
        return State::Damaged(facts(layout::DAMAGED).ok());
    }
    facts(layout::LIVE).map_or_else(State::Unreadable, State::Live)
}

/// Every `<client>/<yyyy>/<mm>/<dd>/<session>` under `root`, in order; nothing when `root` is not there.
pub(crate) fn session_dirs(root: &Path) -> io::Result<Vec<PathBuf>> {
    dirs_below(root, 5)
}

fn dirs_below(root: &Path, levels: usize) -> io::Result<Vec<PathBuf>> {
    let mut level = vec![root.to_path_buf()];
    for _ in 0..levels {
        let mut next = Vec::new();
        for dir in level {
            let entries = match fs::read_dir(&dir) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            for entry in entries {
                let entry = entry?;
                // Links are not followed: they could lead anywhere.
                if entry.file_type()?.is_dir() {
                    next.push(entry.path());
                }
            }
        }
        next.sort();
        level = next;
    }
    Ok(level)
}
