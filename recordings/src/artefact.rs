//! Artefacts at rest: compressed, then encrypted for the recording's own key (`age -d | zstd -d` reads them).
//!
//! What is written goes through the compressor and the cipher before it reaches a file; no plain byte ever does.
//! Digests of both sides are taken on the way.

use crate::evidence::key::RecordingKey;
use crate::evidence::manifest::FileRecord;
use crate::{FinishError, ReadError, layout};
use age::stream::StreamWriter;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const BUFFER: usize = 256 * 1024;
/// What waits in front of a file's compressor.
const WRITE_BUFFER: usize = 32 * 1024;
const LEVEL: i32 = 3;
/// Largest window a reader grants (8 MiB).
const WINDOW_LOG: u32 = 23;
/// The window of level 3 (2 MiB), and the smallest that the format has.
const WRITE_WINDOW_LOG: (u32, u32) = (10, 21);
const SALT: usize = 32;

/// Where the files of a recording are written: by name, and finished one by one.
pub(crate) trait Artefacts {
    /// What a file's bytes are written to.
    type Out: Write;

    /// Begins a file of `about` so many bytes; a wrong guess costs memory or compression, nothing else.
    fn create(&mut self, name: &str, about: u64) -> Result<Self::Out, FinishError>;

    /// Ends a file.
    fn finish(&mut self, name: &str, out: Self::Out) -> Result<(), FinishError>;
}

/// Whatever gives the plain bytes of a recording's files by name.
pub(crate) trait Plain {
    /// Opens a file; memory stays bounded whatever it holds.
    fn open_plain(&self, name: &str) -> Result<Box<dyn Read + Send>, ReadError>;

    /// Where the file is, for errors.
    fn place(&self, name: &str) -> PathBuf;
}

/// Writes artefacts into one directory, for one recording's key.
pub(crate) struct SealedArtefacts<'a> {
    dir: &'a Path,
    key: &'a RecordingKey,
    pub(crate) files: Vec<FileRecord>,
    /// By plain name, hexadecimal.
    pub(crate) salts: BTreeMap<String, String>,
    /// CRC-32 of the plain bytes, by plain name: for reading back alone.
    pub(crate) sums: BTreeMap<String, u32>,
}

impl<'a> SealedArtefacts<'a> {
    pub(crate) fn new(dir: &'a Path, key: &'a RecordingKey) -> Self {
        SealedArtefacts {
            dir,
            key,
            files: Vec::new(),
            salts: BTreeMap::new(),
            sums: BTreeMap::new(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(layout::sealed_name(name))
    }

    /// Chooses the salt of a file's digest.
    pub(crate) fn salt(&mut self, name: &str) -> Result<[u8; SALT], FinishError> {
        let mut salt = [0; SALT];
        aws_lc_rs::rand::fill(&mut salt)
            .map_err(|_| FinishError::Key(crate::evidence::key::KeyError::Cipher))?;
        self.salts
            .insert(name.to_owned(), crate::bytes::to_hex(&salt));
        Ok(salt)
    }

    pub(crate) fn create_salted(
        &self,
        name: &str,
        salt: [u8; SALT],
        about: u64,
    ) -> Result<BufWriter<SealedFile>, FinishError> {
        let path = self.path(name);
        let file = create(&path)?;
        SealedFile::new(file, self.key, salt, about)
            .map(|file| BufWriter::with_capacity(WRITE_BUFFER, file))
            .map_err(|error| FinishError::io("write to", &path, error))
    }
}

impl Artefacts for SealedArtefacts<'_> {
    type Out = BufWriter<SealedFile>;

    fn create(&mut self, name: &str, about: u64) -> Result<Self::Out, FinishError> {
        let salt = self.salt(name)?;
        self.create_salted(name, salt, about)
    }

    fn finish(&mut self, name: &str, out: Self::Out) -> Result<(), FinishError> {
        let path = self.path(name);
        let finished = out
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
            .and_then(SealedFile::finish)
            .map_err(|error| FinishError::io("write to", &path, error))?;
        self.sums.insert(name.to_owned(), finished.sum);
        self.files.push(FileRecord {
            name: layout::sealed_name(name),
            bytes: finished.bytes,
            sha256: finished.sha256,
            plain_salted_sha256: Some(finished.plain_salted_sha256),
        });
        Ok(())
    }
}

impl Plain for SealedArtefacts<'_> {
    fn open_plain(&self, name: &str) -> Result<Box<dyn Read + Send>, ReadError> {
        let path = self.path(name);
        let file = File::open(&path).map_err(|error| ReadError::io(&path, error))?;
        plain_reader(&path, file, self.key)
    }

    fn place(&self, name: &str) -> PathBuf {
        self.path(name)
    }
}

/// One artefact being written: digest and checksum of the plain side, zstd, age, digest of the file, file.
pub(crate) struct SealedFile {
    plain: Sha256,
    sum: crc32fast::Hasher,
    zstd: zstd::stream::write::Encoder<'static, StreamWriter<Digested>>,
}

impl SealedFile {
    fn new(file: File, key: &RecordingKey, salt: [u8; SALT], about: u64) -> io::Result<Self> {
        let digested = Digested {
            file,
            digest: Sha256::new(),
            bytes: 0,
        };
        let age = key.encryptor()?.wrap_output(digested)?;
        let mut zstd = zstd::stream::write::Encoder::new(age, LEVEL)?;
        zstd.window_log(window_log(about))?;
        Ok(SealedFile {
            plain: Sha256::new_with_prefix(salt),
            sum: crc32fast::Hasher::new(),
            zstd,
        })
    }

    fn finish(self) -> io::Result<Finished> {
        let digested = self.zstd.finish()?.finish()?;
        Ok(Finished {
            bytes: digested.bytes,
            sha256: crate::bytes::to_hex(&digested.digest.finalize()),
            plain_salted_sha256: crate::bytes::to_hex(&self.plain.finalize()),
            sum: self.sum.finalize(),
        })
    }
}

/// What is known of an artefact once it is written.
struct Finished {
    bytes: u64,
    sha256: String,
    plain_salted_sha256: String,
    sum: u32,
}

impl Write for SealedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.zstd.write(bytes)?;
        let written_bytes = bytes.get(..written).unwrap_or_default();
        self.plain.update(written_bytes);
        self.sum.update(written_bytes);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        // What waits inside is written by `finish`; ending a block early would only cost compression.
        Ok(())
    }
}

struct Digested {
    file: File,
    digest: Sha256,
    bytes: u64,
}

impl Write for Digested {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.digest.update(bytes.get(..written).unwrap_or_default());
        self.bytes = self.bytes.saturating_add(written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The window for a file of `about` so many bytes: a compressor takes memory by its window, not by what comes.
fn window_log(about: u64) -> u32 {
    let (least, most) = WRITE_WINDOW_LOG;
    u64::BITS
        .saturating_sub(about.leading_zeros())
        .clamp(least, most)
}

/// Most memory that a file of `about` so many bytes takes while it is written.
///
/// **Unit**: bytes. The window, the two tables of level 3, which shrink with it, a block on each side, and what waits
/// in front of the compressor and of the cipher (whose buffers are touched only as far as they are filled).
pub(crate) fn memory(about: u64) -> u64 {
    const BLOCK: u64 = 128 * 1024;
    const LONG_TABLE: u64 = 512 * 1024;
    const SHORT_TABLE: u64 = 256 * 1024;
    const CHUNK: u64 = 2 * 64 * 1024;
    let window = 1u64 << window_log(about);
    let tables = LONG_TABLE.min(8 * window) + SHORT_TABLE.min(4 * window);
    let waiting = CHUNK.min(window) + (WRITE_BUFFER as u64).min(window);
    window + tables + 2 * BLOCK.min(window) + waiting
}

/// The plain bytes of an artefact.
pub(crate) fn plain_reader(
    path: &Path,
    sealed: impl Read + Send + 'static,
    key: &RecordingKey,
) -> Result<Box<dyn Read + Send>, ReadError> {
    let fail = |error| ReadError::io(path, error);
    let decryptor = age::Decryptor::new_buffered(BufReader::with_capacity(BUFFER, sealed))
        .map_err(|error| ReadError::foreign(path, error.to_string()))?;
    let age = decryptor
        .decrypt(std::iter::once(key.identity().as_age()))
        .map_err(|error| ReadError::foreign(path, error.to_string()))?;
    let mut zstd = zstd::stream::read::Decoder::new(age).map_err(fail)?;
    zstd.window_log_max(WINDOW_LOG).map_err(fail)?;
    Ok(Box::new(zstd))
}

pub(crate) fn create(path: &Path) -> Result<File, FinishError> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| FinishError::io("create", path, error))
}

/// Copies everything through.
pub(crate) fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<u64> {
    let mut buffer = vec![0u8; BUFFER];
    let mut copied = 0u64;
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => return Ok(copied),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        to.write_all(buffer.get(..read).unwrap_or_default())?;
        copied = copied.saturating_add(read as u64);
    }
}
