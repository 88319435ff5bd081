//! One recording: its manifest is signed, every file is as the manifest says, none is missing, none came in beside it.

use std::collections::BTreeSet;

use super::content::Inside;
use super::entries::SessionEntries;
use super::trust::{self, Trust};
use super::{Options, RecordingLine, Report, Verdict, key_file};
use crate::bundle::{Files, MANIFEST, MANIFEST_SIGNATURE, RECORDINGS, WRAPPED_KEY};
use crate::bytes::to_hex;
use crate::evidence::manifest::{FileRecord, Form, Manifest, sha256_hex};
use crate::evidence::signature::RECORDING_NAMESPACE;
use crate::layout;

/// A manifest, as it was found.
pub(super) struct Checked {
    pub(super) manifest: Manifest,
    /// SHA-256 of its text, hexadecimal: what the journal has.
    pub(super) digest: String,
}

/// The directories under `recordings/`.
pub(super) fn names(files: &Files) -> BTreeSet<String> {
    files
        .under(RECORDINGS)
        .filter_map(|(name, _)| name.strip_prefix(RECORDINGS)?.split_once('/'))
        .map(|(session, _)| session.to_owned())
        .collect()
}

/// Checks the recording whose files begin with `prefix`.
pub(super) fn check(
    files: &Files,
    prefix: &str,
    entries: Option<&SessionEntries>,
    options: &Options,
    trust: &mut Trust,
    report: &mut Report,
) -> Option<Checked> {
    let place = format!("{prefix}{MANIFEST}");
    let text = trust::bytes(files, &place, report)?;
    let signature = format!("{prefix}{MANIFEST_SIGNATURE}");
    trust.check(
        files,
        &place,
        &text,
        &signature,
        RECORDING_NAMESPACE,
        report,
    );
    let manifest = match Manifest::parse(&text) {
        Ok(manifest) => manifest,
        Err(problem) => {
            report.find(Verdict::Altered, &place, problem);
            return None;
        }
    };
    let mut broken = BTreeSet::new();
    for record in &manifest.files {
        if !file(files, prefix, record, report) {
            broken.insert(record.name.clone());
        }
    }
    let mut known: BTreeSet<&str> = manifest
        .files
        .iter()
        .map(|file| file.name.as_str())
        .collect();
    if known.len() != manifest.files.len() {
        report.find(Verdict::Altered, &place, "it names a file twice");
    }
    known.extend([MANIFEST, MANIFEST_SIGNATURE, WRAPPED_KEY]);
    if options.seal_on_record {
        known.extend([
            layout::LIVE,
            layout::RESERVE,
            layout::TORN,
            layout::SEALED_JOURNAL,
        ]);
    }
    for (name, _) in files.under(prefix) {
        if !known.contains(name.strip_prefix(prefix).unwrap_or(name)) {
            report.find(
                Verdict::Altered,
                name,
                "it was added: the manifest does not name it",
            );
        }
    }
    key_file::check(files, prefix, &manifest, entries, report);
    state(&place, &manifest, report);
    let inside = Inside {
        files,
        prefix,
        manifest: &manifest,
        broken: &broken,
    };
    if manifest.form == Form::Journal {
        inside.walk_journal(entries, report);
    }
    let read = match inside.key(&options.identities, report) {
        Some(key) if manifest.form == Form::Files => inside.read_files(&key, report),
        Some(key) => inside.read_journal(&key, report),
        None => false,
    };
    let facts = &manifest.facts;
    report.recordings.push(RecordingLine {
        session: facts.session.to_string(),
        client: facts.client.clone(),
        target: facts.target.clone(),
        person: facts.person.clone(),
        started: facts.started,
        files: manifest.files.len(),
        read,
    });
    let digest = sha256_hex(&text);
    Some(Checked { manifest, digest })
}

/// Whether the manifest is the one of the session that its directory is named for.
pub(super) fn compare_name(
    name: &str,
    prefix: &str,
    checked: Option<&Checked>,
    report: &mut Report,
) {
    let Some(checked) = checked else { return };
    let said = checked.manifest.session();
    // Somebody may have copied one recording into a directory of another name; nobody renames a session.
    let names_a_session = !prefix.is_empty() || uuid::Uuid::parse_str(name).is_ok();
    if names_a_session && said.to_string() != name {
        report.find(
            Verdict::Altered,
            format!("{prefix}{MANIFEST}"),
            format!("it is the manifest of the session {said}, not of {name}"),
        );
    }
}

/// True when the file is as it was sealed.
fn file(files: &Files, prefix: &str, record: &FileRecord, report: &mut Report) -> bool {
    let place = format!("{prefix}{}", record.name);
    let (verdict, said) = match files.find(&place) {
        None => (
            Verdict::Missing,
            "the manifest names it, and it is not there".to_owned(),
        ),
        Some(seen) if seen.bytes != record.bytes => (
            Verdict::Altered,
            format!(
                "it has {} bytes, and {} when it was sealed",
                seen.bytes, record.bytes
            ),
        ),
        Some(seen) if to_hex(&seen.sha256) != record.sha256 => (
            Verdict::Altered,
            "its digest is not the one in its manifest".to_owned(),
        ),
        Some(_) => return true,
    };
    report.find(verdict, &place, said);
    false
}

/// What the gateway itself says is not as it should be.
fn state(place: &str, manifest: &Manifest, report: &mut Report) {
    if manifest.cut_short {
        report.find(
            Verdict::CutShort,
            place,
            "the gateway stopped before it could write the end; every whole frame up to then is here",
        );
    }
    for channel in &manifest.channels {
        if let Some(gap) = &channel.gap {
            let kind = channel.kind.word();
            report.note(
                place,
                format!(
                    "not everything on channel {} ({kind}) is recorded: {gap}",
                    channel.number
                ),
            );
        }
    }
    match manifest.form {
        Form::Files => {}
        Form::Journal => report.note(
            place,
            "it is kept as the encrypted journal that the gateway could not turn into files",
        ),
    }
}
