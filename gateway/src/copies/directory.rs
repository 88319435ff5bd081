//! Checkpoints as files: `SIZE.checkpoint` each, and `latest`. What lies there is never written over.
//!
//! A file is what a witness is asked with (C2SP tlog-witness): the proof from the checkpoint before, then the signed
//! note. A checkpoint that does not extend `latest` is evidence: it is laid down beside it, `latest` stays, and whoever
//! called is told.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use ecluse_policy::ClientId;
use ecluse_recordings::log::witness::check_growth;
use ecluse_recordings::log::{Checkpoint, Extension};

use crate::store::TrailHead;

/// The newest, for those who follow.
const LATEST: &str = "latest";
/// Longest file that is read, in bytes.
const LONGEST: u64 = 256 << 10;

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Laid {
    /// It lies there.
    Arrived,
    /// It lies there, and contradicts what lay there before.
    Contradicts(String),
}

/// What the latest file says; none where there is none, or where it says nothing.
pub(super) fn latest(directory: &str) -> io::Result<Option<Checkpoint>> {
    let directory = Path::new(directory);
    // Not made: a mount that is missing would be filled underneath.
    if !directory.is_dir() {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            "the directory is not there",
        ));
    }
    Ok(read(&directory.join(LATEST))?
        .and_then(|text| Extension::parse(&text).ok())
        .and_then(|extension| extension.note.unverified().ok()))
}

/// Lays down a checkpoint, compared with the latest one.
pub(super) fn lay_down(
    directory: &str,
    latest: Option<&Checkpoint>,
    extension: &Extension,
) -> io::Result<Laid> {
    let directory = Path::new(directory);
    let next = extension.note.unverified().map_err(io::Error::other)?;
    let name = format!("{}.checkpoint", next.size);
    let there = read(&directory.join(&name))?.map(|text| {
        Extension::parse(&text)
            .ok()
            .and_then(|extension| extension.note.unverified().ok())
    });
    let text = extension.text();
    match there {
        None => write(directory, &name, &text)?,
        Some(Some(there)) if same(&there, &next) => {}
        Some(_) => {
            let root = next.root.to_string();
            let beside = format!(
                "{}-{}.checkpoint",
                next.size,
                root.get(..16).unwrap_or_default()
            );
            if read(&directory.join(&beside))?.is_none() {
                write(directory, &beside, &text)?;
            }
            return Ok(Laid::Contradicts(format!(
                "{name} says something else than the journal of that size"
            )));
        }
    }
    match latest {
        Some(latest) if same(latest, &next) => Ok(Laid::Arrived),
        Some(latest) if latest.size == extension.old || latest.size >= next.size => {
            match check_growth(latest, &next, &extension.proof) {
                Ok(()) => write(directory, LATEST, &text).map(|()| Laid::Arrived),
                Err(problem) => Ok(Laid::Contradicts(problem.to_string())),
            }
        }
        Some(latest) => Ok(Laid::Contradicts(format!(
            "nothing shows that it extends the checkpoint of {} entries",
            latest.size
        ))),
        None => write(directory, LATEST, &text).map(|()| Laid::Arrived),
    }
}

/// Lays down how far a client's own trail had come at a checkpoint: `SIZE.CLIENT.trail` with the client, the number of
/// entries and the hash of the last one. What lies there is never written over.
pub(super) fn lay_trail(
    directory: &str,
    size: u64,
    client: &ClientId,
    head: TrailHead,
) -> io::Result<()> {
    let directory = Path::new(directory);
    let name = format!("{size}.{client}.trail");
    if read(&directory.join(&name))?.is_some() {
        return Ok(());
    }
    let text = format!("{client} {} {}\n", head.nth, head.leaf);
    write(directory, &name, &text)
}

fn same(one: &Checkpoint, other: &Checkpoint) -> bool {
    (&one.origin, one.size, one.root) == (&other.origin, other.size, other.root)
}

/// A file's text; none where it is not there, or is no text of ours.
fn read(path: &Path) -> io::Result<Option<String>> {
    match File::open(path) {
        Ok(file) => {
            let mut bytes = Vec::new();
            file.take(LONGEST).read_to_end(&mut bytes)?;
            Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whole or not at all. Readable by all: there is nothing secret in a checkpoint, and others are to read it.
fn write(directory: &Path, name: &str, text: &str) -> io::Result<()> {
    let draft = directory.join(format!(".{name}.draft"));
    match fs::remove_file(&draft) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    drop(file);
    fs::rename(&draft, directory.join(name))?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use ecluse_recordings::log::Extension;

    use super::super::tests::{act, sign};
    use super::super::{checkpoints_since, size_of};
    use super::*;
    use crate::store::testing::TestStore;

    /// A journal of `counts` entries between checkpoints, and the checkpoints with their proofs.
    async fn journal(counts: &[u32]) -> Vec<Extension> {
        let store = TestStore::sqlite().await;
        let (mut next, mut all) = (0, Vec::new());
        for count in counts {
            act(&store, "hopital", *count).await;
            sign(&store).await;
            for (size, extension) in checkpoints_since(&store, next, 10).await.unwrap() {
                next = size + 1;
                all.push(extension);
            }
        }
        all
    }

    fn lay(directory: &Path, extension: &Extension) -> io::Result<Laid> {
        let directory = directory.to_str().unwrap();
        let latest = latest(directory)?;
        lay_down(directory, latest.as_ref(), extension)
    }

    fn text(directory: &Path, name: &str) -> String {
        fs::read_to_string(directory.join(name)).unwrap()
    }

    #[tokio::test]
    async fn each_checkpoint_is_a_file_and_the_latest_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        let checkpoints = journal(&[2, 3]).await;
        for checkpoint in &checkpoints {
            assert_eq!(lay(directory, checkpoint).unwrap(), Laid::Arrived);
            let size = size_of(&checkpoint.note).unwrap();
            let name = format!("{size}.checkpoint");
            assert_eq!(text(directory, &name), checkpoint.text());
            assert_eq!(text(directory, "latest"), checkpoint.text());
        }
        // Sent twice, as after a restart.
        assert_eq!(lay(directory, &checkpoints[1]).unwrap(), Laid::Arrived);
        assert_eq!(fs::read_dir(directory).unwrap().count(), 3);
    }

    /// R3: a journal that was rewritten contradicts what lies there, and writes nothing over it.
    #[tokio::test]
    async fn another_history_is_laid_beside_and_told() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        for checkpoint in journal(&[2, 3]).await {
            lay(directory, &checkpoint).unwrap();
        }
        let before = text(directory, "latest");
        // Salts differ, so the same acts give another history.
        let forged = journal(&[2, 3, 4]).await;
        for checkpoint in &forged {
            let laid = lay(directory, checkpoint).unwrap();
            assert!(matches!(laid, Laid::Contradicts(_)), "{laid:?}");
        }
        assert_eq!(text(directory, "latest"), before);
        assert_eq!(text(directory, "5.checkpoint"), before);
        let names: Vec<_> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert!(
            names.iter().any(|name| name.starts_with("5-")),
            "both histories are kept: {names:?}"
        );
    }

    /// R3: a journal that was rolled back.
    #[tokio::test]
    async fn a_journal_that_shrank_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        let checkpoints = journal(&[2, 3, 4]).await;
        lay(directory, &checkpoints[0]).unwrap();
        lay(directory, &checkpoints[1]).unwrap();
        lay(directory, &checkpoints[2]).unwrap();
        let mut shorter = journal(&[3]).await;
        let Laid::Contradicts(problem) = lay(directory, &shorter.remove(0)).unwrap() else {
            panic!("a rollback is no news");
        };
        assert!(problem.contains("rolled back"), "{problem}");
    }

    #[tokio::test]
    async fn a_directory_that_is_missing_is_not_made() {
        let directory = tempfile::tempdir().unwrap();
        let absent = directory.path().join("mount");
        assert!(lay(&absent, &journal(&[1]).await[0]).is_err());
        assert!(!absent.exists());
    }

    #[tokio::test]
    async fn a_latest_of_somebody_else_stops_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        fs::write(directory.join("latest"), [0xff; 1000]).unwrap();
        let checkpoint = &journal(&[1]).await[0];
        assert_eq!(lay(directory, checkpoint).unwrap(), Laid::Arrived);
        assert_eq!(text(directory, "latest"), checkpoint.text());
    }
}
