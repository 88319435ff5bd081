//! From a closed journal to evidence: compressed and encrypted files, the manifest that names them, its signature.
//!
//! Slow, for a thread of its own at low priority. Everything is written under a temporary directory, encrypted on the
//! way, read back and compared with the journal, and made durable; only then do the files take their names: artefacts,
//! then the manifest, then its signature. The journal stays until [`SealedRecording::remove_journal`], which the caller
//! calls once the seal is on record elsewhere. Interrupted anywhere, it is done again from the start.

use crate::artefact::{self, Artefacts, Plain, SealedArtefacts};
use crate::evidence::key::RecordingKey;
use crate::evidence::manifest::{
    self, ChannelCoverage, FileRecord, Form, JournalDigest, KeyRecord, Manifest, sha256_hex,
};
use crate::evidence::signature::{RECORDING_NAMESPACE, Signer, sign_file, verify_file};
use crate::read_back::read_back;
use crate::record::SessionRecord;
use crate::sealed::SealedRecording;
use crate::survey::survey;
use crate::writer::{ClosedJournal, sync_directory};
use crate::{FinishError, JournalHeader, JournalReader, Seal, convert, layout, passes};
use sha2::{Digest, Sha256};
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Who seals, and when.
#[derive(Clone, Copy)]
pub struct Sealing<'a> {
    /// Signs the manifest.
    pub signer: &'a dyn Signer,
    /// Whose signatures are ours: the key that signs now, and those that signed before. What was signed and then
    /// interrupted is finished, even where the key was rotated meanwhile.
    pub ours: &'a [[u8; 32]],
    /// Which program seals, such as `ecluse 0.1.0`.
    pub by: &'a str,
    /// **Unit**: microseconds since 1970, UTC.
    pub now: i64,
    /// Whether a client, by its name, wants what screens showed to be searchable.
    pub screen_text: &'a dyn Fn(&str) -> bool,
}

/// Seals a closed journal as files. Sealing what is sealed already gives the same recording again.
///
/// # Errors
/// The journal does not read, the disk refuses, or what was written does not read back the same. The
/// journal is kept then, and sealing may be tried again.
pub fn seal(
    journal: &ClosedJournal,
    key: &RecordingKey,
    sealing: &Sealing<'_>,
) -> Result<SealedRecording, FinishError> {
    let dir = journal.dir();
    seal_files(dir, &dir.join(layout::LIVE), key, sealing)
}

/// The same from a journal of either name.
pub(crate) fn seal_files(
    dir: &Path,
    source: &Path,
    key: &RecordingKey,
    sealing: &Sealing<'_>,
) -> Result<SealedRecording, FinishError> {
    if let Some(sealed) = already(dir, source, Form::Files, sealing)? {
        return Ok(sealed);
    }
    let temporary = fresh_directory(dir)?;
    let manifest = match write_artefacts(dir, source, &temporary, key, sealing) {
        Ok(manifest) => manifest,
        Err(error) => {
            // On a full disk, what was begun is in the way of the live sessions.
            let _ = fs::remove_dir_all(&temporary);
            return Err(error);
        }
    };
    sign_and_name(dir, &temporary, &manifest, sealing)
}

/// Writes every artefact into `temporary` and reads it back; the manifest says what they are.
fn write_artefacts(
    dir: &Path,
    source: &Path,
    temporary: &Path,
    key: &RecordingKey,
    sealing: &Sealing<'_>,
) -> Result<Manifest, FinishError> {
    let torn = dir.join(layout::TORN);
    let torn_bytes = fs::metadata(&torn).map_or(0, |torn| torn.len());

    let found = survey(&mut JournalReader::open(source, key)?)?;
    let last_seal = found.last_seal;
    let header = JournalReader::open(source, key)?.header().clone();
    let mut files = SealedArtefacts::new(temporary, key);
    let screen_text = (sealing.screen_text)(&header.facts.client);
    let passes = passes::plan(&found.channels, passes::MEMORY);
    let mut record = convert::convert(
        || JournalReader::open(source, key),
        found,
        passes,
        &mut files,
        torn_bytes,
        Some(screen_text),
    )?;
    if torn_bytes > 0 {
        keep_torn(&torn, &mut files)?;
    }
    write_record(&mut files, &mut record)?;
    read_back(&files, &record)?;

    keep_wrapped_key(dir, &header)?;
    let SealedArtefacts { mut files, .. } = files;
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let journal = JournalParts {
        frames: record.journal.frames,
        bytes: record.journal.bytes,
        last_seal,
        torn_bytes,
    };
    let mut manifest = new_manifest(&header, &journal, files, sealing);
    manifest.form = Form::Files;
    manifest.cut_short = record.cut_short;
    manifest.end.clone_from(&record.end);
    manifest.ended_us = Some(record.ended_us);
    manifest.channels = record
        .channels
        .iter()
        .map(crate::ChannelRecord::coverage)
        .collect::<Vec<ChannelCoverage>>();
    manifest.clock.clone_from(&record.clock);
    Ok(manifest)
}

/// What a manifest says of its journal.
pub(crate) struct JournalParts {
    pub(crate) frames: u64,
    pub(crate) bytes: u64,
    pub(crate) last_seal: Option<Seal>,
    pub(crate) torn_bytes: u64,
}

/// A manifest that claims nothing of what is inside.
pub(crate) fn new_manifest(
    header: &JournalHeader,
    journal: &JournalParts,
    files: Vec<FileRecord>,
    sealing: &Sealing<'_>,
) -> Manifest {
    Manifest {
        format: manifest::FORMAT.to_owned(),
        version: manifest::VERSION,
        facts: header.facts.clone(),
        form: Form::Journal,
        cut_short: true,
        end: None,
        ended_us: None,
        sealed: sealing.now,
        by: sealing.by.to_owned(),
        key: KeyRecord {
            public: header.public.clone(),
            recipients: header.recipients.clone(),
            wrapped_sha256: sha256_hex(&header.wrapped),
        },
        journal: JournalDigest {
            frames: journal.frames,
            bytes: journal.bytes,
            header_sha256: header.sha256_hex(),
            last_seal: journal
                .last_seal
                .map(|seal| seal.to_string())
                .unwrap_or_default(),
            torn_bytes: journal.torn_bytes,
        },
        channels: Vec::new(),
        clock: Vec::new(),
        files,
    }
}

/// Whether an earlier try came to its end, or so far that only the signature has to take its name. A manifest is never
/// signed a second time: what stands on disk may be anybody's, so all else is made anew from the journal.
pub(crate) fn already(
    dir: &Path,
    source: &Path,
    form: Form,
    sealing: &Sealing<'_>,
) -> Result<Option<SealedRecording>, FinishError> {
    name_waiting_signature(dir, sealing)?;
    let sealed = match SealedRecording::open(dir) {
        Ok(sealed) => sealed,
        Err(error) if error.is_not_found() || source.exists() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let signed = sealed.verify_signature(sealing.ours).is_ok();
    if !signed || sealed.manifest().form != form {
        return Ok(None);
    }
    Ok((!source.exists() || sealed.is_of(source)?).then_some(sealed))
}

/// The manifest has its name and its signature not yet: gives it.
fn name_waiting_signature(dir: &Path, sealing: &Sealing<'_>) -> Result<(), FinishError> {
    let temporary = dir.join(layout::CONVERTING);
    let (Ok(manifest), Ok(signature)) = (
        fs::read(dir.join(layout::MANIFEST)),
        fs::read_to_string(temporary.join(layout::SIGNATURE)),
    ) else {
        return Ok(());
    };
    if verify_file(&signature, RECORDING_NAMESPACE, &manifest, sealing.ours).is_ok() {
        rename(&temporary, dir, layout::SIGNATURE)?;
        sync(dir)?;
    }
    Ok(())
}

fn keep_torn(torn: &Path, files: &mut SealedArtefacts<'_>) -> Result<(), FinishError> {
    let fail = |error| FinishError::io("keep", torn, error);
    let mut tail = File::open(torn).map_err(fail)?;
    let about = tail.metadata().map_err(fail)?.len();
    let mut out = files.create(layout::TORN, about)?;
    artefact::copy(&mut tail, &mut out).map_err(fail)?;
    files.finish(layout::TORN, out)
}

pub(crate) fn write_record(
    files: &mut SealedArtefacts<'_>,
    record: &mut SessionRecord,
) -> Result<(), FinishError> {
    let salt = files.salt(layout::RECORD)?;
    record.salts = files.salts.clone();
    let mut out = files.create_salted(layout::RECORD, salt, u64::MAX)?;
    serde_json::to_writer_pretty(&mut out, &record)
        .map_err(io::Error::from)
        .and_then(|()| out.write_all(b"\n"))
        .map_err(|error| FinishError::io("write to", &files.path(layout::RECORD), error))?;
    files.finish(layout::RECORD, out)
}

/// SHA-256 of a salt and a file's plain bytes.
pub(crate) fn salted_digest(
    files: &dyn Plain,
    name: &str,
    salt: Option<&String>,
) -> Result<String, FinishError> {
    let salt = salt
        .and_then(|salt| crate::bytes::from_hex(salt))
        .unwrap_or_default();
    let mut digest = DigestOnly(Sha256::new_with_prefix(salt));
    artefact::copy(&mut files.open_plain(name)?, &mut digest)
        .map_err(|error| FinishError::io("read back", &files.place(name), error))?;
    Ok(crate::bytes::to_hex(&digest.0.finalize()))
}

pub(crate) struct DigestOnly(pub(crate) Sha256);

impl Write for DigestOnly {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Length and SHA-256 of a file as it stands on disk.
pub(crate) fn file_digest(file: &mut impl Read) -> io::Result<(u64, String)> {
    let mut digest = DigestOnly(Sha256::new());
    let bytes = artefact::copy(file, &mut digest)?;
    Ok((bytes, crate::bytes::to_hex(&digest.0.finalize())))
}

/// `recording.key.age` is there since the recording opened; it may have been lost, or replaced for other recipients.
pub(crate) fn keep_wrapped_key(dir: &Path, header: &JournalHeader) -> Result<(), FinishError> {
    if dir.join(layout::WRAPPED_KEY).exists() {
        return Ok(());
    }
    write_durably(dir, layout::WRAPPED_KEY, &header.wrapped)
}

/// Writes a whole file beside its place, makes it durable and gives it its name.
pub(crate) fn write_durably(dir: &Path, name: &str, bytes: &[u8]) -> Result<(), FinishError> {
    let beside = format!("{name}.tmp");
    let path = dir.join(&beside);
    match fs::remove_file(&path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(FinishError::io("remove", &path, error)),
    }
    artefact::create(&path)?
        .write_all(bytes)
        .and_then(|()| File::open(&path)?.sync_all())
        .and_then(|()| fs::rename(&path, dir.join(name)))
        .map_err(|error| FinishError::io("write", &path, error))?;
    sync(dir)
}

/// An empty `converting.tmp`.
pub(crate) fn fresh_directory(dir: &Path) -> Result<PathBuf, FinishError> {
    let temporary = dir.join(layout::CONVERTING);
    match fs::remove_dir_all(&temporary) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(FinishError::io("remove", &temporary, error)),
    }
    DirBuilder::new()
        .mode(0o700)
        .create(&temporary)
        .map_err(|error| FinishError::io("create directory", &temporary, error))?;
    Ok(temporary)
}

/// Signs, makes everything durable, then gives the names: artefacts, manifest, signature.
pub(crate) fn sign_and_name(
    dir: &Path,
    temporary: &Path,
    manifest: &Manifest,
    sealing: &Sealing<'_>,
) -> Result<SealedRecording, FinishError> {
    let failed = |error: serde_json::Error| {
        FinishError::io("write", &temporary.join(layout::MANIFEST), error.into())
    };
    let text = manifest.to_text().map_err(failed)?;
    let signature = sign_file(sealing.signer, RECORDING_NAMESPACE, &text)?;
    for (name, bytes) in [
        (layout::MANIFEST, text.as_slice()),
        (layout::SIGNATURE, signature.as_bytes()),
    ] {
        let path = temporary.join(name);
        artefact::create(&path)?
            .write_all(bytes)
            .map_err(|error| FinishError::io("write to", &path, error))?;
    }
    let artefacts: Vec<&str> = manifest
        .files
        .iter()
        .map(|file| file.name.as_str())
        .filter(|name| temporary.join(name).exists())
        .collect();
    let both = [layout::MANIFEST, layout::SIGNATURE];
    for name in artefacts.iter().copied().chain(both) {
        let path = temporary.join(name);
        File::open(&path)
            .and_then(|file| file.sync_all())
            .map_err(|error| FinishError::io("sync", &path, error))?;
    }
    // The signature must survive while it waits for its name.
    sync(temporary)?;
    for name in artefacts {
        rename(temporary, dir, name)?;
    }
    sync(dir)?;
    for name in both {
        rename(temporary, dir, name)?;
        sync(dir)?;
    }
    fs::remove_dir_all(temporary).map_err(|error| FinishError::io("remove", temporary, error))?;
    sync(dir)?;
    Ok(SealedRecording::open(dir)?)
}

fn rename(from: &Path, to: &Path, name: &str) -> Result<(), FinishError> {
    fs::rename(from.join(name), to.join(name))
        .map_err(|error| FinishError::io("rename", &from.join(name), error))
}

pub(crate) fn sync(dir: &Path) -> Result<(), FinishError> {
    sync_directory(dir).map_err(|error| FinishError::io("sync", dir, error))
}
