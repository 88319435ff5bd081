//! A directory of documents: `clients/*.toml` and `providers/*.toml`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::store::DocumentTexts;

/// Largest document. What people write by hand stays far below.
const LARGEST: u64 = 4 << 20;

/// Why a directory of documents cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// A file or directory cannot be read.
    #[error("{}: {error}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// There is no document at all, which is a wrong directory rather than a wish to remove everybody.
    #[error("{}: no clients/*.toml and no providers/*.toml here; name the directory that holds both", path.display())]
    Empty {
        /// Which.
        path: PathBuf,
    },
}

/// Reads the documents of a directory, by their names within it.
///
/// # Errors
/// The directory or a file in it cannot be read, or it holds no document.
pub fn read(directory: &Path) -> Result<DocumentTexts, DirectoryError> {
    fs::metadata(directory).map_err(|error| DirectoryError::Unreadable {
        path: directory.to_owned(),
        error,
    })?;
    let mut texts = DocumentTexts::new();
    for kind in ["clients", "providers"] {
        let inside = directory.join(kind);
        if !inside.exists() {
            continue;
        }
        let unreadable = |error| DirectoryError::Unreadable {
            path: inside.clone(),
            error,
        };
        for entry in fs::read_dir(&inside).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let Some(name) = document_name(&path) else {
                continue;
            };
            texts.insert(format!("{kind}/{name}"), text(&path)?);
        }
    }
    if texts.is_empty() {
        return Err(DirectoryError::Empty {
            path: directory.to_owned(),
        });
    }
    Ok(texts)
}

/// The name of a document's file; none for the copies that editors leave.
fn document_name(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?;
    (name.ends_with(".toml") && !name.starts_with('.')).then_some(name)
}

fn text(path: &Path) -> Result<String, DirectoryError> {
    let unreadable = |error| DirectoryError::Unreadable {
        path: path.to_owned(),
        error,
    };
    if fs::metadata(path).map_err(unreadable)?.len() > LARGEST {
        return Err(unreadable(io::Error::other(
            "larger than 4 MiB; a document is written by hand",
        )));
    }
    fs::read_to_string(path).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_read_by_their_place_and_editors_copies_are_not() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(
            read(&dir.path().join("nowhere")),
            Err(DirectoryError::Unreadable { .. })
        ));
        assert!(
            read(dir.path())
                .unwrap_err()
                .to_string()
                .contains("name the directory")
        );
        for inside in ["clients", "providers"] {
            fs::create_dir(dir.path().join(inside)).unwrap();
        }
        for file in [
            "clients/hopital.toml",
            "clients/.hopital.toml",
            "clients/hopital.toml~",
            "providers/maintech.toml",
        ] {
            fs::write(dir.path().join(file), file).unwrap();
        }
        let texts = read(dir.path()).unwrap();
        assert_eq!(
            texts.keys().collect::<Vec<_>>(),
            ["clients/hopital.toml", "providers/maintech.toml"]
        );
    }
}
