//! The files of a bundle or of a recording's directory, wherever they are: in a `.tar`, unpacked, or on the shelf.
//!
//! One pass finds every file and its digest, streaming; afterwards any file can be opened again. Nothing is unpacked.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::tar_reader::{Step, TarReader};
use super::{CHECKPOINT, MANIFEST, MAX_FILES, SUMS, is_bundle_name};

const BUFFER: usize = 1024 * 1024;
/// Bytes of a header.
const HEADER: u64 = 512;
/// Deepest directory of an unpacked bundle.
const MAX_DEPTH: usize = 6;

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum ReaderError {
    /// The system refused.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Neither a bundle nor a recording.
    #[error(
        "{0} is neither a bundle (a .tar made by `ecluse export`, or the directory it was unpacked into) nor the directory of a sealed recording"
    )]
    Foreign(PathBuf),
    /// A recording that is not sealed, as far as its directory tells.
    #[error(
        "{0} is a recording that is not sealed, or is being sealed: a running gateway does that when the session has ended, at its next start at the latest; verify it then"
    )]
    NotSealed(PathBuf),
}

/// Which of the things that are verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A bundle, packed or not.
    Bundle,
    /// One recording's directory.
    Recording,
}

/// What was seen of one file while passing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its length.
    pub bytes: u64,
    /// SHA-256.
    pub sha256: [u8; 32],
    at: u64,
}

/// Something in the archive or the directory that should not be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// It should not be there; what, in words.
    Foreign(String),
    /// A name for the second time.
    Twice(String),
    /// The archive ends too early.
    CutOff,
    /// What follows could not be read; why, in words.
    Broken(String),
}

/// Every file, with its digest.
#[derive(Debug)]
pub struct Files {
    root: PathBuf,
    packed: bool,
    kind: Kind,
    seen: BTreeMap<String, Seen>,
    oddities: Vec<Place>,
}

impl Files {
    /// Looks at everything once.
    ///
    /// # Errors
    /// It does not read, or is something else altogether. What is wrong *inside* is among [`Files::oddities`].
    pub fn open(path: &Path) -> Result<Self, ReaderError> {
        let failed = |source| ReaderError::Io {
            path: path.to_path_buf(),
            source,
        };
        let mut files = Files {
            root: path.to_path_buf(),
            packed: !fs::metadata(path).map_err(failed)?.is_dir(),
            kind: Kind::Bundle,
            seen: BTreeMap::new(),
            oddities: Vec::new(),
        };
        if files.packed {
            files.walk_archive().map_err(failed)?;
        } else {
            files.walk_directory("", 0)?;
        }
        if files.seen.contains_key(SUMS) || files.seen.contains_key(CHECKPOINT) {
            return Ok(files);
        }
        if !files.packed && files.seen.contains_key(MANIFEST) {
            files.kind = Kind::Recording;
            return Ok(files);
        }
        if files.seen.keys().any(|name| name == crate::layout::LIVE) {
            return Err(ReaderError::NotSealed(path.to_path_buf()));
        }
        // So little of it that no file is whole: it is known by the name that its first header begins with.
        if files.packed && files.oddities.contains(&Place::CutOff) {
            let known = !files.seen.is_empty() || begins_a_bundle(path).map_err(failed)?;
            if known {
                return Ok(files);
            }
        }
        Err(ReaderError::Foreign(path.to_path_buf()))
    }

    /// A bundle or a recording.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Every file, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Seen)> {
        self.seen.iter().map(|(name, seen)| (name.as_str(), seen))
    }

    /// What was seen of a file.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Seen> {
        self.seen.get(name)
    }

    /// Files whose names begin so, by name.
    pub fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Seen)> {
        self.seen
            .range(prefix.to_owned()..)
            .take_while(move |(name, _)| name.starts_with(prefix))
            .map(|(name, seen)| (name.as_str(), seen))
    }

    /// What should not be there.
    #[must_use]
    pub fn oddities(&self) -> &[Place] {
        &self.oddities
    }

    /// Opens a file that was seen.
    ///
    /// # Errors
    /// It is not there, or does not read.
    pub fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        let seen = self
            .find(name)
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        let mut file = if self.packed {
            File::open(&self.root)?
        } else {
            open_plain(&self.root.join(name))?
        };
        file.seek(SeekFrom::Start(seen.at))?;
        Ok(Box::new(file.take(seen.bytes)))
    }

    /// A whole file of at most `limit` bytes; none where it is longer. What is handed over is what was digested:
    /// a file that changes while it is verified is an error.
    ///
    /// # Errors
    /// It is not there, does not read, or changed.
    pub fn text(&self, name: &str, limit: u64) -> io::Result<Option<Vec<u8>>> {
        let mut from = self.read(name)?;
        let Some(seen) = self.find(name).filter(|seen| seen.bytes <= limit) else {
            return Ok(None);
        };
        let mut text = Vec::new();
        from.read_to_end(&mut text)?;
        if <[u8; 32]>::from(Sha256::digest(&text)) != seen.sha256 {
            return Err(io::Error::other("it changed while it was verified"));
        }
        Ok(Some(text))
    }

    fn walk_archive(&mut self) -> io::Result<()> {
        let file = File::open(&self.root)?;
        let mut archive = TarReader::new(BufReader::with_capacity(BUFFER, file));
        let mut buffer = vec![0; BUFFER];
        let oddity = loop {
            let (name, length) = match archive.step()? {
                Step::File(name, length) => (name, length),
                Step::Foreign(what) => {
                    self.oddities.push(Place::Foreign(what));
                    if self.oddities.len() > 1000 {
                        break Place::Broken("too much that does not belong".to_owned());
                    }
                    continue;
                }
                Step::End => return Ok(()),
                Step::CutOff => break Place::CutOff,
                Step::Broken(why) => break Place::Broken(why),
            };
            let at = archive.position;
            let (bytes, sha256) = digest(&mut (&mut archive).take(length), &mut buffer)?;
            if bytes != length {
                break Place::CutOff;
            }
            let seen = Seen { bytes, sha256, at };
            if self.seen.len() >= MAX_FILES {
                break Place::Broken(format!("more than {MAX_FILES} files"));
            }
            // The first stands: it is the one that streaming readers have acted on.
            match self.seen.entry(name) {
                Entry::Occupied(first) => self.oddities.push(Place::Twice(first.key().clone())),
                Entry::Vacant(free) => {
                    free.insert(seen);
                }
            }
        };
        self.oddities.push(oddity);
        Ok(())
    }

    fn walk_directory(&mut self, prefix: &str, depth: usize) -> Result<(), ReaderError> {
        let directory = self.root.join(prefix);
        let failed = |path: &Path| {
            let path = path.to_path_buf();
            move |source| ReaderError::Io { path, source }
        };
        let mut buffer = vec![0; BUFFER];
        for entry in fs::read_dir(&directory).map_err(failed(&directory))? {
            let entry = entry.map_err(failed(&directory))?;
            let path = entry.path();
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type().map_err(failed(&path))?;
            if kind.is_dir() && depth < MAX_DEPTH && is_bundle_name(&name) {
                self.walk_directory(&format!("{name}/"), depth + 1)?;
            } else if kind.is_file() && is_bundle_name(&name) && self.seen.len() < MAX_FILES {
                let mut file = match open_plain(&path) {
                    Ok(file) => file,
                    // Taken away while this was looking: whoever needs it says that it is not there.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(failed(&path)(error)),
                };
                let (bytes, sha256) = digest(&mut file, &mut buffer).map_err(failed(&path))?;
                let seen = Seen {
                    bytes,
                    sha256,
                    at: 0,
                };
                self.seen.insert(name, seen);
            } else {
                let name = crate::neutralise(&name);
                self.oddities.push(Place::Foreign(format!(
                    "`{name}` is not a file of a bundle (a link, a device, another name)"
                )));
            }
        }
        Ok(())
    }
}

/// Whether a file begins as the archive of a bundle does, as far as it goes.
fn begins_a_bundle(path: &Path) -> io::Result<bool> {
    let mut head = Vec::new();
    File::open(path)?.take(HEADER).read_to_end(&mut head)?;
    let name = head.split(|byte| *byte == 0).next().unwrap_or_default();
    let fits = |known: &str| {
        let known = known.as_bytes();
        known.starts_with(name) || name.starts_with(known)
    };
    Ok(!name.is_empty() && super::NAMES.iter().any(|known| fits(known)))
}

/// Opens a regular file, not what a link leads to.
fn open_plain(path: &Path) -> io::Result<File> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    File::open(path)
}

fn digest(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<(u64, [u8; 32])> {
    let mut hasher = Sha256::new();
    let mut total: u64 = 0;
    loop {
        match from.read(buffer) {
            Ok(0) => return Ok((total, hasher.finalize().into())),
            Ok(read) => {
                hasher.update(buffer.get(..read).unwrap_or_default());
                total = total.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
