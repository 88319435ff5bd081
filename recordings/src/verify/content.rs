//! What a recording holds, for who brings a key: everything decrypts to its end, is what was sealed, and is what its
//! manifest says of it. And what can be seen of an encrypted journal without one.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::entries::{SessionEntries, place};
use super::{Report, Verdict};
use crate::artefact::{Plain, plain_reader};
use crate::bundle::{Files, MANIFEST, WRAPPED_KEY};
use crate::evidence::key::{Identity, KeyError, MAX_WRAPPED, RecordingKey};
use crate::evidence::manifest::Manifest;
use crate::record::SessionRecord;
use crate::seal::salted_digest;
use crate::sealed::parse_record;
use crate::survey::survey;
use crate::{ChannelRecord, FinishError, JournalFrames, JournalReader, ReadError, layout, rebuild};

/// A recording inside a bundle.
pub(super) struct Inside<'a> {
    pub(super) files: &'a Files,
    pub(super) prefix: &'a str,
    pub(super) manifest: &'a Manifest,
    /// Files that are not as sealed; nothing further is said of them.
    pub(super) broken: &'a BTreeSet<String>,
}

impl Inside<'_> {
    fn at(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Takes the recording's key out of its wrapping.
    pub(super) fn key(&self, identities: &[Identity], report: &mut Report) -> Option<RecordingKey> {
        let at = self.at(WRAPPED_KEY);
        if identities.is_empty() {
            return None;
        }
        let wrapped = self.files.text(&at, MAX_WRAPPED as u64).ok()??;
        match RecordingKey::unwrap_with(&wrapped, identities) {
            Ok(key) if key.public().to_string() == self.manifest.key.public => Some(key),
            Ok(_) => {
                report.find(
                    Verdict::Altered,
                    at,
                    "it holds the key of another recording",
                );
                None
            }
            Err(error @ KeyError::NotForThisKey { .. }) => {
                report.note(at, error.to_string());
                None
            }
            Err(error) => {
                report.find(Verdict::Altered, at, error.to_string());
                None
            }
        }
    }

    /// Reads everything of the files form. True when all of it is as it was sealed.
    pub(super) fn read_files(&self, key: &RecordingKey, report: &mut Report) -> bool {
        let open = Opened { inside: self, key };
        let record_at = self.at(&layout::sealed_name(layout::RECORD));
        let before = report.findings.len();
        if self.broken.contains(&layout::sealed_name(layout::RECORD)) {
            return false;
        }
        let record = match parse_record(&open) {
            Ok(record) => record,
            Err(error) => {
                report.find(Verdict::Altered, record_at, error.to_string());
                return false;
            }
        };
        self.compare(&record, report);
        for file in &self.manifest.files {
            if self.broken.contains(&file.name) {
                continue;
            }
            let name = plain_name(&file.name);
            let found = salted_digest(&open, name, record.salts.get(name));
            let problem = match (found, &file.plain_salted_sha256) {
                (Ok(found), Some(sealed)) if found == *sealed => continue,
                (Ok(_), Some(_)) => "what it holds is not what was sealed".to_owned(),
                (Ok(_), None) => "its manifest does not say what it holds".to_owned(),
                (Err(error), _) => error.to_string(),
            };
            report.find(Verdict::Altered, self.at(&file.name), problem);
        }
        let whole = |channel: &ChannelRecord| {
            !channel
                .files
                .all()
                .any(|name| self.broken.contains(&layout::sealed_name(name)))
        };
        for channel in record.channels.iter().filter(|channel| whole(channel)) {
            if let Err(error) = rebuild::verify(&open, channel, false) {
                let said = if let FinishError::Mismatch { what } = &error {
                    format!("{what} is not what was recorded")
                } else {
                    error.to_string()
                };
                let cast = layout::sealed_name(&channel.files.cast);
                report.find(Verdict::Altered, self.at(&cast), said);
            }
        }
        self.broken.is_empty() && report.findings.len() == before
    }

    /// What stands in clear in the manifest is what the recording itself says.
    fn compare(&self, record: &SessionRecord, report: &mut Report) {
        let manifest = self.manifest;
        let channels: Vec<_> = record
            .channels
            .iter()
            .map(ChannelRecord::coverage)
            .collect();
        let differs = [
            (record.facts != manifest.facts, "of another session"),
            (
                record.cut_short != manifest.cut_short,
                "another story of how it was cut short",
            ),
            (record.end != manifest.end, "another end"),
            (channels != manifest.channels, "of other channels"),
            (record.clock != manifest.clock, "of another clock"),
            (
                record.journal.frames != manifest.journal.frames,
                "of another journal",
            ),
        ];
        for (_, what) in differs.iter().filter(|(differs, _)| *differs) {
            report.find(
                Verdict::Altered,
                self.at(MANIFEST),
                format!("it tells {what} than the recording that it names"),
            );
        }
    }

    /// Walks an encrypted journal as far as that goes without its key: header, numbers, lengths, checksums, and the
    /// seals that were on record while the session ran.
    pub(super) fn walk_journal(&self, entries: Option<&SessionEntries>, report: &mut Report) {
        let at = self.at(layout::SEALED_JOURNAL);
        let Ok(from) = self.files.read(&at) else {
            return;
        };
        let journal = &self.manifest.journal;
        let mut frames = match JournalFrames::from_reader(Path::new(&at), from) {
            Ok(frames) => frames,
            Err(error) => return report.find(Verdict::Altered, at, error.to_string()),
        };
        if frames.header().sha256_hex() != journal.header_sha256 {
            report.find(
                Verdict::Altered,
                &at,
                "it is not the journal that the manifest names",
            );
        }
        if frames.header().facts != self.manifest.facts {
            report.find(
                Verdict::Altered,
                self.at(MANIFEST),
                "it tells of another session than the journal that it names",
            );
        }
        let mut on_record: BTreeMap<u64, Vec<(String, &str)>> = BTreeMap::new();
        for entry in entries
            .map(|entries| entries.progress.as_slice())
            .unwrap_or_default()
        {
            if let (Some(count), Some(seal)) = (
                entry.detail_number("frames"),
                entry.detail_text("last-seal"),
            ) {
                on_record
                    .entry(count)
                    .or_default()
                    .push((place(entry), seal));
            }
        }
        loop {
            match frames.next_frame() {
                Ok(Some(frame)) => {
                    let seal = frame.seal.to_string();
                    for (entry, said) in on_record.remove(&frames.frames()).unwrap_or_default() {
                        if said != seal {
                            let text = format!(
                                "frame {} is not the one on record with {entry}",
                                frame.number
                            );
                            report.find(Verdict::Altered, &at, text);
                        }
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    let number = frames.frames();
                    return report.find(verdict_of(&error), at, format!("frame {number}: {error}"));
                }
            }
        }
        let last = frames
            .last_seal()
            .map(|seal| seal.to_string())
            .unwrap_or_default();
        if frames.frames() != journal.frames
            || frames.offset() != journal.bytes
            || last != journal.last_seal
        {
            report.find(
                Verdict::Altered,
                at,
                format!(
                    "it ends after {} frames, not where its manifest says ({})",
                    frames.frames(),
                    journal.frames
                ),
            );
        }
    }

    /// Opens every frame of an encrypted journal: each seal holds, and holds behind the one before.
    pub(super) fn read_journal(&self, key: &RecordingKey, report: &mut Report) -> bool {
        let at = self.at(layout::SEALED_JOURNAL);
        let Ok(from) = self.files.read(&at) else {
            return false;
        };
        let read = JournalReader::from_reader(Path::new(&at), from, key)
            .and_then(|mut reader| survey(&mut reader));
        match read {
            Ok(found) => {
                if found.end.is_none() && !self.manifest.cut_short {
                    report.find(
                        Verdict::CutShort,
                        &at,
                        "it stops before the session's end; every whole frame up to then is here",
                    );
                }
                self.broken.is_empty()
            }
            Err(error) => {
                report.find(verdict_of(&error), at, error.to_string());
                false
            }
        }
    }
}

struct Opened<'a> {
    inside: &'a Inside<'a>,
    key: &'a RecordingKey,
}

impl Plain for Opened<'_> {
    fn open_plain(&self, name: &str) -> Result<Box<dyn Read + Send>, ReadError> {
        let path = self.place(name);
        let listed = self
            .inside
            .manifest
            .files
            .iter()
            .any(|file| file.name == layout::sealed_name(name));
        if !listed {
            return Err(ReadError::foreign(&path, "the manifest names no such file"));
        }
        let sealed = self
            .inside
            .files
            .read(&self.inside.at(&layout::sealed_name(name)))
            .map_err(|error| ReadError::io(&path, error))?;
        plain_reader(&path, sealed, self.key)
    }

    fn place(&self, name: &str) -> PathBuf {
        PathBuf::from(self.inside.at(&layout::sealed_name(name)))
    }
}

fn plain_name(sealed: &str) -> &str {
    sealed.strip_suffix(layout::SEALED_SUFFIX).unwrap_or(sealed)
}

/// A frame with another number than its place has was moved, repeated, or follows one that was left out.
fn verdict_of(error: &ReadError) -> Verdict {
    match error {
        ReadError::Damaged { problem, .. } if problem.contains(crate::journal::OUT_OF_ORDER) => {
            Verdict::Reordered
        }
        ReadError::Damaged { .. }
        | ReadError::Torn { .. }
        | ReadError::Io { .. }
        | ReadError::Foreign { .. }
        | ReadError::Locked { .. } => Verdict::Altered,
    }
}
