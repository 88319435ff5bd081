//! `recording.key.age`: the one file of a recording that may be replaced, and only on record.

use super::entries::{SessionEntries, place};
use super::trust;
use super::{Report, Verdict};
use crate::bundle::{ENTRIES, Files, Kind, WRAPPED_KEY};
use crate::evidence::key::recipients_in;
use crate::evidence::manifest::{Manifest, sha256_hex};
use crate::log::Entry;

pub(super) fn check(
    files: &Files,
    prefix: &str,
    manifest: &Manifest,
    entries: Option<&SessionEntries>,
    report: &mut Report,
) {
    let name = format!("{prefix}{WRAPPED_KEY}");
    let Some(wrapped) = trust::bytes(files, &name, report) else {
        return;
    };
    let (digest, found) = (sha256_hex(&wrapped), recipients_in(&wrapped));
    // The last rewrapping stands; an earlier key file would let in again whom it shut out.
    let last = entries.and_then(|entries| entries.rewrapped.last());
    let (expected, recipients, said) = match last {
        Some(entry) => (
            entry.detail_text("wrapped-sha256").unwrap_or_default(),
            recipients(entry),
            place(entry),
        ),
        None => (
            manifest.key.wrapped_sha256.as_str(),
            Some(manifest.key.recipients.len()),
            "the manifest".to_owned(),
        ),
    };
    if digest == expected {
        if last.is_some() {
            report.note(&name, format!("it was rewrapped for others, see {said}"));
        }
        return;
    }
    let stanzas = match recipients {
        Some(count) if count != found => {
            format!("; it has {found} recipient(s), and {said} has {count}")
        }
        Some(_) | None => String::new(),
    };
    let earlier = entries
        .map(|entries| entries.rewrapped.as_slice())
        .unwrap_or_default()
        .iter()
        .filter_map(|entry| entry.detail_text("wrapped-sha256"))
        .chain([manifest.key.wrapped_sha256.as_str()])
        .any(|known| known == digest);
    if earlier {
        report.find(
            Verdict::Altered,
            &name,
            format!(
                "it is an earlier one than that of {said}: whom that shut out reads it again, or the rewrapping was \
                 never finished; rewrap it anew"
            ),
        );
    } else if files.kind() == Kind::Bundle && files.find(ENTRIES).is_none() {
        report.note(
            &name,
            format!("it is not the one that was sealed{stanzas}; whether it was rewrapped cannot be told without {ENTRIES}"),
        );
    } else if files.kind() == Kind::Recording {
        // Without the journal it cannot be told from a rewrapping that is on record there.
        report.note(
            &name,
            format!("it is not the one that was sealed{stanzas}; whether it was rewrapped on record or exchanged cannot be told here: export the recording, and verify the bundle"),
        );
    } else if entries.is_none() {
        report.find(
            Verdict::Altered,
            &name,
            format!("it is not the one that was sealed{stanzas}; if it was rewrapped, the journal has it: verify a bundle"),
        );
    } else {
        report.find(
            Verdict::Altered,
            &name,
            format!(
                "it was exchanged without being on record: it is not the one of {said}{stanzas}"
            ),
        );
    }
}

/// How many recipients an entry names: as a list, or as a number.
fn recipients(entry: &Entry) -> Option<usize> {
    let said = entry.detail.get("recipients")?;
    said.as_array()
        .map(Vec::len)
        .or_else(|| usize::try_from(said.as_u64()?).ok())
}
