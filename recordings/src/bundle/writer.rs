//! Writing a bundle: files one after the other, digests as they pass, the signed list at the end.
//!
//! The same files in the same order with the same time give the same bytes; nothing of the machine (owners, times of
//! files) enters.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{
    MANIFEST, MANIFEST_SIGNATURE, MAX_FILES, RECORDINGS, SUMS, SUMS_SIGNATURE, WRAPPED_KEY,
    is_bundle_name, write_sums,
};
use crate::evidence::manifest::Manifest;
use crate::evidence::signature::{BUNDLE_NAMESPACE, SignatureError, Signer, sign_file};

const BLOCK: u64 = 512;
const BUFFER: usize = 256 * 1024;

/// Why a bundle was not written.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The archive could not be written.
    #[error("cannot write the bundle: {0}; make room and export again")]
    Write(#[source] io::Error),
    /// A file that belongs into it does not read.
    #[error("cannot read {path}: {source}; nothing can be exported without it")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file has another length than it was said to have.
    #[error(
        "{name} has another length than its manifest says; verify the recording before exporting it"
    )]
    Length {
        /// Its name in the bundle.
        name: String,
    },
    /// Not a name of a file in a bundle.
    #[error("`{0}` cannot be the name of a file in a bundle")]
    Name(String),
    /// A name for the second time.
    #[error("{0} is already in the bundle")]
    Twice(String),
    /// Too many files.
    #[error("a bundle holds at most {MAX_FILES} files; export a shorter time")]
    TooMany,
    /// A recording's manifest does not read.
    #[error("{path} does not read: {problem}; verify the recording before exporting it")]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The list was not signed.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

/// Writes one bundle.
pub struct BundleWriter<W> {
    out: W,
    mtime: u64,
    sums: BTreeMap<String, [u8; 32]>,
}

impl<W: Write> BundleWriter<W> {
    /// Begins a bundle; every file in it bears the time `mtime`. **Unit**: seconds since 1970.
    pub fn new(out: W, mtime: u64) -> Self {
        BundleWriter {
            out,
            mtime,
            sums: BTreeMap::new(),
        }
    }

    /// Adds a file that is in memory.
    ///
    /// # Errors
    /// Its name is no name or was used, or the archive cannot be written.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), BundleError> {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.add_from(name, length, bytes)
    }

    /// Adds a file of exactly `length` bytes.
    ///
    /// # Errors
    /// As [`BundleWriter::add`]; or it has another length, and the bundle is lost.
    pub fn add_from(
        &mut self,
        name: &str,
        length: u64,
        from: impl Read,
    ) -> Result<(), BundleError> {
        if [SUMS, SUMS_SIGNATURE].contains(&name) {
            return Err(BundleError::Twice(name.to_owned()));
        }
        if self.sums.len() >= MAX_FILES - 2 {
            return Err(BundleError::TooMany);
        }
        if self.sums.contains_key(name) {
            return Err(BundleError::Twice(name.to_owned()));
        }
        let digest = self.append(name, length, from)?;
        self.sums.insert(name.to_owned(), digest);
        Ok(())
    }

    /// Adds a sealed recording from its directory: manifest, signature, wrapped key, and every file the manifest names.
    ///
    /// Hands back the manifest, for the index. Nothing is judged here: a recording that was altered is exported as it
    /// is, for verification to say so. A file that is not there is left out, for the same reason.
    ///
    /// # Errors
    /// The manifest does not read, or the archive cannot be written.
    pub fn add_recording(&mut self, directory: &Path) -> Result<Manifest, BundleError> {
        let path = directory.join(MANIFEST);
        let text = read_text(&path)?;
        let manifest = Manifest::parse(&text).map_err(|problem| BundleError::Manifest {
            path: path.clone(),
            problem,
        })?;
        let prefix = format!("{RECORDINGS}{}/", manifest.session());
        self.add(&format!("{prefix}{MANIFEST}"), &text)?;
        let listed = manifest.files.iter().map(|file| file.name.as_str());
        for name in [MANIFEST_SIGNATURE, WRAPPED_KEY].into_iter().chain(listed) {
            let path = directory.join(name);
            let failed = |source| BundleError::Read {
                path: path.clone(),
                source,
            };
            let file = match File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(error)),
            };
            let length = file.metadata().map_err(failed)?.len();
            self.add_from(&format!("{prefix}{name}"), length, file)?;
        }
        Ok(manifest)
    }

    /// Ends the bundle with the signed list of its files, and hands the writer back.
    ///
    /// # Errors
    /// The key cannot be used, or the archive cannot be written.
    pub fn finish(mut self, signer: &dyn Signer) -> Result<W, BundleError> {
        let sums = write_sums(&self.sums);
        let signature = sign_file(signer, BUNDLE_NAMESPACE, sums.as_bytes())?;
        for (name, text) in [(SUMS, sums), (SUMS_SIGNATURE, signature)] {
            let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
            self.append(name, length, text.as_bytes())?;
        }
        let end = [0; 2 * 512];
        self.out.write_all(&end).map_err(BundleError::Write)?;
        self.out.flush().map_err(BundleError::Write)?;
        Ok(self.out)
    }

    fn append(
        &mut self,
        name: &str,
        length: u64,
        from: impl Read,
    ) -> Result<[u8; 32], BundleError> {
        let mut header = tar::Header::new_ustar();
        if !is_bundle_name(name) || header.set_path(name).is_err() {
            return Err(BundleError::Name(crate::neutralise(name)));
        }
        header.set_size(length);
        header.set_mode(0o644);
        header.set_mtime(self.mtime);
        header.set_uid(0);
        header.set_gid(0);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        self.out
            .write_all(header.as_bytes())
            .map_err(BundleError::Write)?;

        let mut hasher = Sha256::new();
        let mut buffer = vec![0; BUFFER];
        let mut from = from.take(length.saturating_add(1));
        let mut copied: u64 = 0;
        loop {
            let read = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => {
                    return Err(BundleError::Read {
                        path: PathBuf::from(name),
                        source,
                    });
                }
            };
            copied = copied.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
            if copied > length {
                break;
            }
            let bytes = buffer.get(..read).unwrap_or_default();
            hasher.update(bytes);
            self.out.write_all(bytes).map_err(BundleError::Write)?;
        }
        if copied != length {
            return Err(BundleError::Length {
                name: name.to_owned(),
            });
        }
        let padding = usize::try_from((BLOCK - length % BLOCK) % BLOCK).unwrap_or(0);
        let zeros = [0; 512];
        self.out
            .write_all(zeros.get(..padding).unwrap_or_default())
            .map_err(BundleError::Write)?;
        Ok(hasher.finalize().into())
    }
}

fn read_text(path: &Path) -> Result<Vec<u8>, BundleError> {
    let failed = |source| BundleError::Read {
        path: path.to_path_buf(),
        source,
    };
    let mut text = Vec::new();
    File::open(path)
        .and_then(|file| file.take(super::MAX_TEXT).read_to_end(&mut text))
        .map_err(failed)?;
    Ok(text)
}
