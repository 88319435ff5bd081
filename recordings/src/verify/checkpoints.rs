//! The journal's checkpoints: signed by its log, countersigned where that is said, and all of one history.

use super::trust::{self, Trust};
use super::{LogLine, Options, Report, Verdict};
use crate::bundle::{CHECKPOINT, CHECKPOINTS, CONSISTENCY, ConsistencyProofs, Files, LOG_KEYS};
use crate::layout::moment;
use crate::log::witness::check_growth;
use crate::log::{Checkpoint, NoteError, SignedNote, WitnessError};

/// Checks every checkpoint. Hands back the one that covers the entries, where it can be believed; `dated` gets how many
/// entries those of the bundle have that can be, and when they were made.
pub(super) fn check(
    files: &Files,
    options: &Options,
    trust: &mut Trust,
    dated: &mut Vec<(u64, i64)>,
    report: &mut Report,
) -> Option<Checkpoint> {
    let (note, head) = read(files, CHECKPOINT, trust, report)?;
    dated.push((head.size, head.at_us));
    report.log = Some(LogLine {
        origin: head.origin.clone(),
        size: head.size,
        root: head.root.to_string(),
        at: head.at_us,
        entries: 0,
        cosigned: Vec::new(),
        extends: Vec::new(),
        extended_by: Vec::new(),
    });
    cosignatures(CHECKPOINT, &note, true, trust, report);

    let proofs = proofs(files, report);
    for (name, _) in files.under(CHECKPOINTS) {
        let Some((note, other)) = read(files, name, trust, report) else {
            continue;
        };
        cosignatures(name, &note, false, trust, report);
        dated.push((other.size, other.at_us));
        compare(name, &other, &head, &proofs, None, report);
    }
    let mut joining = proofs;
    joining.proofs.extend(options.joining.iter().cloned());
    for (name, kept) in &options.since {
        match trust.checkpoint(kept) {
            Ok(later) if is_later(&later, &head, &joining) => {
                older(name, &later, &head, &joining, report);
            }
            Ok(earlier) => {
                let undecided = Some(Verdict::NotInLog);
                compare(name, &earlier, &head, &joining, undecided, report);
            }
            Err(error) => report.find(
                Verdict::Altered,
                CHECKPOINT,
                format!("it is not of the journal that {name} is of: {error}"),
            ),
        }
    }
    Some(head)
}

/// Whether a kept checkpoint was made after the bundle. One that was made before it and has more entries is another
/// matter: then the journal was rolled back in between, unless a proof says otherwise.
fn is_later(kept: &Checkpoint, head: &Checkpoint, joining: &ConsistencyProofs) -> bool {
    kept.origin == head.origin
        && kept.size > head.size
        && (kept.at_us > head.at_us || joining.between(head.size, kept.size).is_some())
}

/// Compares the other way round: whether the bundle's journal is the beginning of the one that was kept later.
fn older(
    name: &str,
    kept: &Checkpoint,
    head: &Checkpoint,
    joining: &ConsistencyProofs,
    report: &mut Report,
) {
    let Some(proof) = joining.between(head.size, kept.size) else {
        return report.find(
            Verdict::Older,
            CHECKPOINT,
            format!(
                "your checkpoint {name} ({} entries, of {}) is newer than this bundle ({} entries, of {}): export again to \
                 compare, or give the proof that joins the two (ecluse journal proof --from {}) as --since",
                kept.size,
                moment(kept.at_us),
                head.size,
                moment(head.at_us),
                head.size
            ),
        );
    };
    match check_growth(head, kept, proof) {
        Ok(()) => {
            if let Some(log) = &mut report.log {
                log.extended_by.push(kept.size);
            }
        }
        Err(error) => report.find(
            Verdict::Altered,
            CHECKPOINT,
            format!("compared with {name}: {error}"),
        ),
    }
}

/// Whether `head` is the log of `other`, grown. Where no proof joins them, `undecided` is the verdict, or a note is made.
fn compare(
    name: &str,
    other: &Checkpoint,
    head: &Checkpoint,
    proofs: &ConsistencyProofs,
    undecided: Option<Verdict>,
    report: &mut Report,
) {
    let proof = proofs.between(other.size, head.size);
    let error = match check_growth(other, head, proof.unwrap_or_default()) {
        Ok(()) => {
            if let Some(log) = &mut report.log {
                log.extends.push(other.size);
            }
            return;
        }
        Err(error) => error,
    };
    let said = format!("compared with {name}: {error}");
    match error {
        WitnessError::Rollback { .. } => report.find(Verdict::Missing, CHECKPOINT, said),
        WitnessError::NotJoined { .. } if proof.is_none() => {
            let text = format!(
                "{name} ({} entries) was not compared with it: the bundle has no proof from there to here; export it anew with that checkpoint",
                other.size
            );
            match undecided {
                Some(verdict) => report.find(verdict, CHECKPOINT, text),
                None => report.note(CHECKPOINT, text),
            }
        }
        WitnessError::Fork { .. }
        | WitnessError::NotJoined { .. }
        | WitnessError::OtherLog { .. }
        | WitnessError::Note(_)
        | WitnessError::Malformed(_) => report.find(Verdict::Altered, CHECKPOINT, said),
    }
}

fn read(
    files: &Files,
    name: &str,
    trust: &mut Trust,
    report: &mut Report,
) -> Option<(SignedNote, Checkpoint)> {
    let text = trust::text(files, name, report)?;
    if trust.no_log_key(files) {
        report.find(
            Verdict::Missing,
            name,
            format!("{LOG_KEYS} is not there: nobody can tell who signed it"),
        );
        return None;
    }
    let read = SignedNote::parse(&text).and_then(|note| Ok((trust.checkpoint(&note)?, note)));
    match read {
        Ok((checkpoint, note)) => Some((note, checkpoint)),
        Err(error) => {
            report.find(Verdict::Altered, name, error.to_string());
            None
        }
    }
}

fn cosignatures(name: &str, note: &SignedNote, main: bool, trust: &Trust, report: &mut Report) {
    for key in trust.witnesses() {
        match note.cosigned_at(key) {
            Ok(at) => {
                if let (Some(log), Some(at), true) = (&mut report.log, at, main) {
                    log.cosigned.push((key.name().to_owned(), at));
                }
            }
            Err(error @ NoteError::NotSigned(_)) => {
                if main && trust.log_keys_given() {
                    report.note(name, error.to_string());
                }
            }
            Err(error) => report.find(Verdict::Altered, name, error.to_string()),
        }
    }
    let known: Vec<&str> = trust.witnesses().map(|key| key.name()).collect();
    for cosigner in note.cosigners().filter(|name| !known.contains(name)) {
        report.note(
            name,
            format!("{cosigner} is said to have cosigned it; no key was given to check that with"),
        );
    }
}

fn proofs(files: &Files, report: &mut Report) -> ConsistencyProofs {
    if files.find(CONSISTENCY).is_none() {
        return ConsistencyProofs::default();
    }
    let Some(text) = trust::bytes(files, CONSISTENCY, report) else {
        return ConsistencyProofs::default();
    };
    serde_json::from_slice(&text).unwrap_or_else(|error| {
        report.find(Verdict::Altered, CONSISTENCY, error.to_string());
        ConsistencyProofs::default()
    })
}
