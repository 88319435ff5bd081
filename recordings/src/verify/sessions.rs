//! What the journal says of a recording against what the recording says of itself, and recordings that the journal
//! speaks of and nobody shows.

use super::entries::{Journal, SessionEntries, place};
use super::recording::Checked;
use super::{Report, Verdict};
use crate::bundle::{Files, MANIFEST, RECORDINGS};
use crate::log::{Checkpoint, Entry};

/// How long sealing may take after a session's end. **Unit**: microseconds.
const SEALING: i64 = 3_600_000_000;

/// Compares one recording with its entries.
pub(super) fn compare(
    prefix: &str,
    checked: Option<&Checked>,
    entries: Option<&SessionEntries>,
    report: &mut Report,
) {
    let Some(Checked { manifest, digest }) = checked else {
        return;
    };
    let place_of = format!("{prefix}{MANIFEST}");
    let none = SessionEntries::default();
    let entries = entries.unwrap_or(&none);
    sealed(&place_of, digest, entries, report);

    let journal = &manifest.journal;
    match &entries.start {
        None => report.find(
            Verdict::Missing,
            format!("entry session-start of {}", manifest.session()),
            "every session's beginning is on record, and this one's is not in the bundle",
        ),
        Some(start) => match start.detail_text("journal-header-sha256") {
            Some(said) if said != journal.header_sha256 => report.find(
                Verdict::Altered,
                &place_of,
                format!(
                    "it is of another journal than the one begun with {}",
                    place(start)
                ),
            ),
            Some(_) => {}
            None => report.note(
                place(start),
                "it does not say with which header the journal began",
            ),
        },
    }
    for progress in &entries.progress {
        let frames = progress.detail_number("frames").unwrap_or(0);
        let bytes = progress.detail_number("bytes").unwrap_or(0);
        if frames > journal.frames || bytes > journal.bytes {
            report.find(
                Verdict::Altered,
                &place_of,
                format!(
                    "its end was cut off: {frames} frames ({bytes} bytes) were on record with {}, and it has {} ({} bytes)",
                    place(progress),
                    journal.frames,
                    journal.bytes
                ),
            );
        } else if frames == journal.frames
            && let Some(seal) = progress.detail_text("last-seal")
            && seal != journal.last_seal
        {
            report.find(
                Verdict::Altered,
                &place_of,
                format!(
                    "its last frame is not the one on record with {}",
                    place(progress)
                ),
            );
        }
    }
}

fn sealed(place_of: &str, digest: &str, entries: &SessionEntries, report: &mut Report) {
    let said = |entry: &Entry| entry.detail_text("manifest-sha256").map(str::to_owned);
    let form = |entry: &Entry| entry.detail_text("form").map(str::to_owned);
    // The first seal is the one that nobody had reason to change yet. What was sealed as a journal may be turned into
    // files, on record, by who has its key.
    let Some((mut valid, others)) = entries.sealed.split_first() else {
        return report.find(
            Verdict::NotInLog,
            place_of,
            "no entry of the journal in this bundle vouches for it",
        );
    };
    for other in others.iter().filter(|other| said(other) != said(valid)) {
        let converted =
            form(valid).as_deref() == Some("journal") && form(other).as_deref() == Some("files");
        if converted {
            valid = other;
            report.note(
                place_of,
                format!(
                    "it was sealed as an encrypted journal first and turned into files with {}",
                    place(other)
                ),
            );
        } else {
            report.find(
                Verdict::Altered,
                place(other),
                format!(
                    "the session was sealed before with {}, differently",
                    place(valid)
                ),
            );
        }
    }
    if said(valid).as_deref() != Some(digest) {
        report.find(
            Verdict::Altered,
            place_of,
            format!(
                "it is not the manifest that was sealed with {}",
                place(valid)
            ),
        );
    }
}

/// Recordings that were sealed, or sessions that ended, of which the bundle has nothing.
pub(super) fn absent(
    files: &Files,
    journal: &Journal,
    head: Option<&Checkpoint>,
    report: &mut Report,
) {
    for (session, entries) in &journal.sessions {
        let directory = format!("{RECORDINGS}{session}/");
        let there = files.under(&directory).next().is_some();
        if let Some(destroyed) = &entries.destroyed {
            let why = destroyed
                .detail_text("why")
                .or(destroyed.reason.as_deref())
                .unwrap_or("no reason is on record");
            let what = if there {
                "it is here nevertheless, and was"
            } else {
                "it was"
            };
            report.note(
                &directory,
                format!(
                    "{what} destroyed on record with {}: {why}",
                    place(destroyed)
                ),
            );
            continue;
        }
        if there {
            continue;
        }
        let began = entries.start.is_some() || !entries.progress.is_empty();
        match (entries.sealed.first(), &entries.end) {
            (Some(sealed), _) => report.find(
                Verdict::Missing,
                &directory,
                format!("it was sealed with {}, and is not there", place(sealed)),
            ),
            (None, Some(end)) if began && overdue(end, head) => report.find(
                Verdict::Missing,
                &directory,
                format!(
                    "the session ended with {}; no recording was sealed, and none is there",
                    place(end)
                ),
            ),
            (None, _) if began => report.note(
                &directory,
                "the session had begun and its recording was not sealed when the bundle was made",
            ),
            (None, _) => {}
        }
    }
}

fn overdue(end: &Entry, head: Option<&Checkpoint>) -> bool {
    head.is_some_and(|head| head.at_us.saturating_sub(end.at_us) > SEALING)
}
