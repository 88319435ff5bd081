//! What the journal says of a recording against what the recording says of itself, and recordings that the journal
//! speaks of and nobody shows.

use super::entries::{Journal, SessionEntries, place};
use super::recording::Checked;
use super::{Further, Report, Seal, Seals, Verdict};
use crate::bundle::{Choice, Files, MANIFEST, RECORDINGS};
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
    let mut seals = Seals::default();
    for entry in &entries.sealed {
        match seals.take(Seal::of(entry)) {
            Further::First | Further::Again => {}
            Further::Converted => report.note(
                place_of,
                format!(
                    "it was sealed as an encrypted journal first and turned into files with {}",
                    place(entry)
                ),
            ),
            Further::Other { than } => report.find(
                Verdict::Altered,
                place(entry),
                format!("the session was sealed before with entry {than}, differently"),
            ),
        }
    }
    match seals.standing() {
        None => report.find(
            Verdict::NotInLog,
            place_of,
            "no entry of the journal in this bundle vouches for it",
        ),
        Some(Seal {
            seq,
            manifest_sha256,
            ..
        }) if manifest_sha256 != digest => report.find(
            Verdict::Altered,
            place_of,
            format!("it is not the manifest that was sealed with entry {seq} (recording-sealed)"),
        ),
        Some(_) => {}
    }
}

/// Recordings that were sealed, or sessions that ended, of which the bundle has nothing.
pub(super) fn absent(
    files: &Files,
    journal: &Journal,
    choice: Option<&Choice>,
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
                "it is here, and was since"
            } else {
                "it was"
            };
            report.note(
                &directory,
                format!(
                    "{what} removed under retention, on record with {}: {why}",
                    place(destroyed)
                ),
            );
            continue;
        }
        if there {
            continue;
        }
        if let Some(choice) = choice.filter(|choice| !entries.belong_to(session, choice)) {
            super::choice::left_out(&directory, session, choice, report);
            continue;
        }
        // A bundle that says nothing of its choice may be an older gateway's, which left out what nobody asked for.
        let or = match choice {
            Some(_) => "",
            None => {
                "; the bundle is from before bundles say what was asked for: it may be of another session, export it again to tell"
            }
        };
        // Why it is left out was told with the choice.
        let told = choice.is_some_and(|choice| {
            let mut left_out = choice.left_out.iter();
            left_out.any(|one| one.session.to_string() == *session)
        });
        let began = entries.start.is_some() || !entries.progress.is_empty();
        let began_by = entries.start.as_ref();
        let is_elsewhere =
            choice.is_some_and(|choice| super::choice::lies_elsewhere(session, began_by, choice));
        match (entries.sealed.first(), &entries.end) {
            (Some(_), _) if is_elsewhere => {}
            (Some(sealed), _) => report.find(
                Verdict::Missing,
                &directory,
                format!("it was sealed with {}, and is not there{or}", place(sealed)),
            ),
            (None, Some(end)) if began && overdue(end, head) => report.find(
                Verdict::Missing,
                &directory,
                format!(
                    "the session ended with {}; no recording was sealed, and none is there{or}",
                    place(end)
                ),
            ),
            (None, _) if told => {}
            (None, Some(_)) if began => report.note(
                &directory,
                "the session had ended and its recording was being sealed when the bundle was made",
            ),
            (None, None) if began => report.note(
                &directory,
                "the session was still open when the bundle was made",
            ),
            (None, _) => {}
        }
    }
}

fn overdue(end: &Entry, head: Option<&Checkpoint>) -> bool {
    head.is_some_and(|head| head.at_us.saturating_sub(end.at_us) > SEALING)
}
