//! A sealed recording: without a key its manifest and signature, with a key everything in it.

use crate::artefact::{self, Plain};
use crate::cast::CastReader;
use crate::evidence::key::{Identity, MAX_WRAPPED, RecordingKey};
use crate::evidence::manifest::{Form, MAX_MANIFEST, Manifest, sha256_hex};
use crate::evidence::signature::{RECORDING_NAMESPACE, SignatureError, verify_file};
use crate::pace::Paced;
use crate::passes::Pass;
use crate::record::{self, SessionRecord};
use crate::seal::{file_digest, salted_digest, sync};
use crate::survey::{Survey, survey};
use crate::{
    FinishError, JournalFrames, JournalReader, ReadError, convert, layout, piped, rebuild,
};
use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Longest `session.json` that is read: a thousand bytes a channel leaves room for sixty thousand.
const MAX_RECORD: u64 = 64 * 1024 * 1024;
/// Longest signature that is read.
const MAX_SIGNATURE: u64 = 64 * 1024;
const BUFFER: usize = 256 * 1024;

/// A recording that is closed, named and signed. Opening it checks no signature: see
/// [`SealedRecording::verify_signature`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedRecording {
    dir: PathBuf,
    manifest: Manifest,
    text: Vec<u8>,
    signature: String,
}

impl SealedRecording {
    /// Reads the manifest and the signature in a session's directory.
    ///
    /// # Errors
    /// When one is not there, or the manifest is not of a version this crate reads.
    pub fn open(dir: &Path) -> Result<Self, ReadError> {
        let path = dir.join(layout::MANIFEST);
        let text = read_at_most(&path, MAX_MANIFEST)?;
        let manifest =
            Manifest::parse(&text).map_err(|problem| ReadError::foreign(&path, problem))?;
        let path = dir.join(layout::SIGNATURE);
        let signature = String::from_utf8(read_at_most(&path, MAX_SIGNATURE)?)
            .map_err(|_| ReadError::foreign(&path, "it is not text"))?;
        Ok(SealedRecording {
            dir: dir.to_path_buf(),
            manifest,
            text,
            signature,
        })
    }

    /// The directory of the session.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What the recording consists of.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The bytes that were signed.
    #[must_use]
    pub fn manifest_text(&self) -> &[u8] {
        &self.text
    }

    /// SHA-256 of the manifest, hexadecimal: what the log says of this recording.
    #[must_use]
    pub fn manifest_sha256(&self) -> String {
        sha256_hex(&self.text)
    }

    /// The signature, as `ssh-keygen -Y verify` takes it.
    #[must_use]
    pub fn signature(&self) -> &str {
        &self.signature
    }

    /// Which of the allowed keys signed the manifest.
    ///
    /// # Errors
    /// None did, or the manifest was changed afterwards.
    pub fn verify_signature(&self, allowed: &[[u8; 32]]) -> Result<[u8; 32], SignatureError> {
        verify_file(&self.signature, RECORDING_NAMESPACE, &self.text, allowed)
    }

    /// `recording.key.age`, as it is.
    ///
    /// # Errors
    /// When it does not read.
    pub fn wrapped_key(&self) -> Result<Vec<u8>, ReadError> {
        read_at_most(&self.dir.join(layout::WRAPPED_KEY), MAX_WRAPPED as u64)
    }

    /// The recording's key, taken out of its wrapping.
    ///
    /// # Errors
    /// None of `identities` opens it, or it is the key of another recording.
    pub fn key(&self, identities: &[Identity]) -> Result<RecordingKey, ReadError> {
        let path = self.dir.join(layout::WRAPPED_KEY);
        let key = RecordingKey::unwrap_with(&self.wrapped_key()?, identities)
            .map_err(|error| ReadError::locked(&path, error))?;
        if key.public().to_string() != self.manifest.key.public {
            return Err(ReadError::foreign(
                &path,
                "it holds the key of another recording",
            ));
        }
        Ok(key)
    }

    /// Opens everything in it for a holder of one of its keys.
    ///
    /// # Errors
    /// As [`SealedRecording::key`]; when what it holds does not read or is not what the manifest names.
    pub fn unlock(&self, identities: &[Identity]) -> Result<OpenRecording, ReadError> {
        let key = self.key(identities)?;
        OpenRecording::new(self.clone(), key)
    }

    /// Removes the live journal and what served it, once the seal is on record elsewhere: until then it tells that it
    /// is not. Does nothing where there is none.
    ///
    /// # Errors
    /// The journal there is not the one this was made from, or the disk refuses.
    pub fn remove_journal(&self) -> Result<(), FinishError> {
        let live = self.dir.join(layout::LIVE);
        if live.exists() && !self.is_of(&live)? {
            return Err(FinishError::Mismatch {
                what: live.display().to_string(),
            });
        }
        let all = [
            layout::RESERVE,
            layout::TORN,
            layout::SEALED_JOURNAL,
            layout::LIVE,
        ];
        let names = match self.manifest.form {
            Form::Files => all.as_slice(),
            Form::Journal => &[layout::RESERVE, layout::LIVE],
        };
        let mut removed = false;
        for name in names {
            let path = self.dir.join(name);
            match fs::remove_file(&path) {
                Ok(()) => removed = true,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(FinishError::io("remove", &path, error)),
            }
        }
        if removed { sync(&self.dir) } else { Ok(()) }
    }

    /// Whether `journal` is the one this recording was made from, by header and length.
    ///
    /// # Errors
    /// It does not read, or is not there.
    pub fn is_of(&self, journal: &Path) -> Result<bool, ReadError> {
        let header = JournalFrames::open(journal)?.header().sha256_hex();
        let length = fs::metadata(journal)
            .map_err(|error| ReadError::io(journal, error))?
            .len();
        let made_from = &self.manifest.journal;
        Ok(header == made_from.header_sha256 && length == made_from.bytes)
    }
}

/// A sealed recording with its key: every file of it by plain name, whichever form it is kept in. Cheap to clone.
///
/// Invariant: a file is handed out only after its digest was compared with the manifest, and a journal's frames only
/// behind seals that hold: encryption alone would not do, because the key that files are encrypted for is public.
#[derive(Clone)]
pub struct OpenRecording {
    inner: Arc<Inner>,
}

struct Inner {
    sealed: SealedRecording,
    key: RecordingKey,
    record: SessionRecord,
    /// What a first pass found, for the journal form.
    journal: Option<Survey>,
    checked: Mutex<BTreeSet<String>>,
}

impl fmt::Debug for OpenRecording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenRecording")
            .field("sealed", &self.inner.sealed)
            .finish_non_exhaustive()
    }
}

impl OpenRecording {
    fn new(sealed: SealedRecording, key: RecordingKey) -> Result<Self, ReadError> {
        let checked = Mutex::default();
        let (record, journal) = match sealed.manifest.form {
            Form::Files => {
                let files = SealedFiles {
                    sealed: &sealed,
                    key: &key,
                    checked: &checked,
                };
                (parse_record(&files)?, None)
            }
            Form::Journal => {
                let (record, found) = record_of_journal(&sealed, &key)?;
                (record, Some(found))
            }
        };
        if record.facts != sealed.manifest.facts {
            return Err(ReadError::foreign(
                sealed.dir(),
                "its manifest tells of another session than its content",
            ));
        }
        Ok(OpenRecording {
            inner: Arc::new(Inner {
                sealed,
                key,
                record,
                journal,
                checked,
            }),
        })
    }

    /// The recording as it stands on disk.
    #[must_use]
    pub fn sealed(&self) -> &SealedRecording {
        &self.inner.sealed
    }

    /// The directory of the session.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.inner.sealed.dir()
    }

    /// What the recording holds.
    #[must_use]
    pub fn record(&self) -> &SessionRecord {
        &self.inner.record
    }

    /// The recording's key.
    #[must_use]
    pub fn key(&self) -> &RecordingKey {
        &self.inner.key
    }

    /// The plain bytes of one of its files, such as `01-shell.cast`; names stand in [`OpenRecording::record`].
    ///
    /// # Errors
    /// There is no such file, or it is not the one that the manifest names.
    pub fn open(&self, name: &str) -> Result<Box<dyn Read + Send>, ReadError> {
        let plain = match &self.inner.journal {
            None => SealedFiles {
                sealed: &self.inner.sealed,
                key: &self.inner.key,
                checked: &self.inner.checked,
            }
            .open_plain(name),
            Some(found) => piped::open(
                self.dir().join(layout::SEALED_JOURNAL),
                self.inner.key.clone(),
                found.clone(),
                name,
            ),
        }?;
        Ok(Box::new(Paced(plain)))
    }

    /// The cast of a channel.
    ///
    /// # Errors
    /// As [`OpenRecording::open`].
    pub fn cast(&self, name: &str) -> Result<CastReader, ReadError> {
        let reader = BufReader::with_capacity(BUFFER, self.open(name)?);
        CastReader::from_reader(&self.place(name), reader)
    }

    /// Reads every stream of every channel and compares counts and digests; every file's salted digest too.
    ///
    /// # Errors
    /// The first that does not match, or a file that does not read.
    pub fn verify(&self) -> Result<(), FinishError> {
        let record = self.record();
        for channel in &record.channels {
            rebuild::verify(self, channel, false)?;
        }
        if self.inner.journal.is_some() {
            return Ok(());
        }
        for file in &self.inner.sealed.manifest.files {
            let Some(expected) = &file.plain_salted_sha256 else {
                continue;
            };
            let name = file
                .name
                .strip_suffix(layout::SEALED_SUFFIX)
                .unwrap_or(&file.name);
            if salted_digest(self, name, record.salts.get(name))? != *expected {
                return Err(FinishError::Mismatch {
                    what: file.name.clone(),
                });
            }
        }
        Ok(())
    }
}

impl Plain for OpenRecording {
    fn open_plain(&self, name: &str) -> Result<Box<dyn Read + Send>, ReadError> {
        self.open(name)
    }

    fn place(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }
}

/// The files of the files form, each compared with the manifest before it is read.
struct SealedFiles<'a> {
    sealed: &'a SealedRecording,
    key: &'a RecordingKey,
    checked: &'a Mutex<BTreeSet<String>>,
}

impl Plain for SealedFiles<'_> {
    fn open_plain(&self, name: &str) -> Result<Box<dyn Read + Send>, ReadError> {
        let path = self.place(name);
        let known = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| {
                let files = &self.sealed.manifest.files;
                files.iter().find(|file| file.name == name)
            });
        let Some(known) = known.filter(|known| known.name == layout::sealed_name(name)) else {
            return Err(ReadError::foreign(&path, "the manifest names no such file"));
        };
        let fail = |error| ReadError::io(&path, error);
        let mut file = File::open(&path).map_err(fail)?;
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if !checked.contains(name) {
            let found = file_digest(&mut Paced(&mut file)).map_err(fail)?;
            if found != (known.bytes, known.sha256.clone()) {
                return Err(ReadError::damaged(
                    &path,
                    0,
                    "it is not the file that the manifest names",
                ));
            }
            file.rewind().map_err(fail)?;
            checked.insert(name.to_owned());
        }
        artefact::plain_reader(&path, file, self.key)
    }

    fn place(&self, name: &str) -> PathBuf {
        self.sealed.dir.join(layout::sealed_name(name))
    }
}

/// Reads `session.json`.
pub(crate) fn parse_record(files: &dyn Plain) -> Result<SessionRecord, ReadError> {
    let path = files.place(layout::RECORD);
    let mut text = Vec::new();
    files
        .open_plain(layout::RECORD)?
        .take(MAX_RECORD)
        .read_to_end(&mut text)
        .map_err(|error| ReadError::io(&path, error))?;
    let record: SessionRecord = serde_json::from_slice(&text)
        .map_err(|error| ReadError::foreign(&path, error.to_string()))?;
    if record.format != record::FORMAT || record.version != record::VERSION {
        return Err(ReadError::foreign(
            &path,
            format!(
                "{} version {}",
                crate::neutralise(&record.format),
                record.version
            ),
        ));
    }
    if !record
        .channels
        .iter()
        .all(|channel| channel.files.are_plain_names())
    {
        return Err(ReadError::foreign(
            &path,
            "it names files outside of the recording",
        ));
    }
    Ok(record)
}

/// Reads a journal through as if it were converted, keeping nothing of it but its record.
fn record_of_journal(
    sealed: &SealedRecording,
    key: &RecordingKey,
) -> Result<(SessionRecord, Survey), ReadError> {
    let path = sealed.dir.join(layout::SEALED_JOURNAL);
    let named = &sealed.manifest.journal;
    let mut reader = JournalReader::open(&path, key)?;
    if reader.header().sha256_hex() != named.header_sha256 {
        return Err(ReadError::foreign(
            &path,
            "it is not the journal that the manifest names",
        ));
    }
    let found = survey(&mut reader)?;
    let last_seal = found.last_seal.map(|seal| seal.to_string());
    if found.frames != named.frames || last_seal.unwrap_or_default() != named.last_seal {
        return Err(ReadError::damaged(
            &path,
            found.bytes,
            "it does not end where the manifest says",
        ));
    }
    let record = convert::convert(
        || JournalReader::open(&path, key),
        found.clone(),
        vec![Pass::of_everything()],
        &mut piped::Nowhere,
        named.torn_bytes,
        None,
    );
    match record {
        Ok(record) => Ok((record, found)),
        Err(FinishError::Journal(error)) => Err(error),
        Err(error) => Err(ReadError::damaged(&path, 0, error.to_string())),
    }
}

fn read_at_most(path: &Path, most: u64) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(most.saturating_add(1)).read_to_end(&mut bytes))
        .map_err(|error| ReadError::io(path, error))?;
    if bytes.len() as u64 > most {
        return Err(ReadError::foreign(
            path,
            format!("longer than {most} bytes"),
        ));
    }
    Ok(bytes)
}
