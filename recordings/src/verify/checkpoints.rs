//! The journal's checkpoints: signed by its log, countersigned where that is said, and all of one history.

use super::trust::{self, Trust};
use super::{LogLine, Options, Report, Verdict};
use crate::bundle::{CHECKPOINT, CHECKPOINTS, CONSISTENCY, ConsistencyProofs, Files};
use crate::log::witness::check_growth;
use crate::log::{Checkpoint, NoteError, SignedNote, WitnessError};

/// Checks every checkpoint. Hands back the one that covers the entries, where it can be believed.
pub(super) fn check(
    files: &Files,
    options: &Options,
    trust: &mut Trust,
    report: &mut Report,
) -> Option<Checkpoint> {
    let (note, head) = read(files, CHECKPOINT, trust, report)?;
    report.log = Some(LogLine {
        origin: head.origin.clone(),
        size: head.size,
        root: head.root.to_string(),
        at: head.at_us,
        entries: 0,
        cosigned: Vec::new(),
        extends: Vec::new(),
    });
    cosignatures(CHECKPOINT, &note, true, trust, report);

    let proofs = proofs(files, report);
    for (name, _) in files.under(CHECKPOINTS) {
        let Some((note, other)) = read(files, name, trust, report) else {
            continue;
        };
        cosignatures(name, &note, false, trust, report);
        compare(name, &other, &head, &proofs, None, report);
    }
    for (name, earlier) in &options.since {
        match trust.checkpoint(earlier) {
            Ok(earlier) => {
                let undecided = Some(Verdict::NotInLog);
                compare(name, &earlier, &head, &proofs, undecided, report);
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

/// Whether `head` is the log of `other`, grown. Where no proof joins them, `undecided` is the verdict, or a note is made.
fn compare(
    name: &str,
    other: &Checkpoint,
    head: &Checkpoint,
    proofs: &ConsistencyProofs,
    undecided: Option<Verdict>,
    report: &mut Report,
) {
    let proof = proofs
        .proofs
        .iter()
        .find(|proof| proof.old == other.size && proof.new == head.size);
    let hashes = proof.map(|proof| proof.proof.as_slice());
    let error = match check_growth(other, head, hashes.unwrap_or_default()) {
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
