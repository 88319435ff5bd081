//! What the store holds of interventions and documents, and what recordings say of them, against the entries.

use ecluse_recordings::SealedRecording;
use ecluse_recordings::bound as keys;
use ecluse_recordings::verify::Verdict;
use ecluse_recordings::verify::approvals::{Approvals, Problem, Rest};

use super::verify::Findings;
use crate::store::{Store, Wrong};

/// Compares the tables with the entries, and the entries with one another.
pub(super) async fn compare(
    store: &Store,
    approvals: &Approvals,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    tell(approvals.problems(|_| true), findings);
    for fault in store.contradicted_interventions().await? {
        let verdict = if fault.unknown {
            Verdict::NotInLog
        } else {
            Verdict::Altered
        };
        findings.add(verdict, fault);
    }
    for gone in store.interventions_gone().await? {
        let id = gone.id.as_uuid().to_string();
        if gone.was_removed && approvals.was_removed(&id) {
            findings.note(format!("intervention {id}: removed under retention"));
        } else {
            findings.add(Verdict::Missing, gone);
        }
    }
    store.look_at_documents().await?;
    for fault in store.document_faults() {
        let verdict = match fault.what {
            Wrong::Altered | Wrong::Unknown => Verdict::Altered,
            Wrong::Missing => Verdict::Missing,
            Wrong::Planted => Verdict::NotInLog,
        };
        findings.add(
            verdict,
            format!("{fault}; put the right text in force: ecluse apply DIR"),
        );
    }
    // Versions that are in force no more are evidence of what was.
    let newest = store.documents().await?.version;
    for version in store.document_versions().await? {
        let version = version.version;
        if version == newest {
            continue;
        }
        for text in store.bound_texts(version).await? {
            let place = format!("version {version} of {}", text.file);
            let found =
                approvals.document(&place, version, text.salt.as_deref(), text.text.as_bytes());
            tell(found.filter(|problem| problem.verdict.is_some()), findings);
            if let Some(salt) = &text.salt
                && let Some((owner, file)) =
                    approvals.put_in_force(&keys::digest(salt, text.text.as_bytes()))
                && (text.owner.as_deref() != Some(owner)
                    || file.is_some_and(|file| file != text.file))
            {
                findings.add(
                    Verdict::Altered,
                    format!(
                        "{place} was altered: the log has this text as the document of {owner}{}",
                        file.map_or_else(String::new, |file| format!(", in {file}"))
                    ),
                );
            }
        }
    }
    for rests in approvals.rested_on(|_| true) {
        let Rest::Document {
            owner,
            version,
            digest,
        } = rests.what
        else {
            continue;
        };
        let texts = store.bound_texts(version).await?;
        let there = texts.iter().any(|text| {
            let salt = text.salt.as_deref();
            salt.is_some_and(|salt| keys::digest(salt, text.text.as_bytes()) == digest)
        });
        let place = format!("version {version} of the document of {owner}");
        match (there, rests.removed) {
            (true, _) => {}
            (false, true) => findings.note(format!("{place}: removed under retention")),
            (false, false) => findings.add(
                Verdict::Missing,
                format!(
                    "{place}: a session began under it, and the store does not have it as it was"
                ),
            ),
        }
    }
    Ok(())
}

/// Compares what a recording says of its session with the entries.
pub(super) fn recording(
    approvals: &Approvals,
    recording: &SealedRecording,
    findings: &mut Findings,
) {
    tell(approvals.manifest(recording.manifest()), findings);
}

fn tell(problems: impl IntoIterator<Item = Problem>, findings: &mut Findings) {
    for Problem {
        verdict,
        place,
        text,
    } in problems
    {
        match verdict {
            Some(verdict) => findings.add(verdict, format!("{place}: {text}")),
            None => findings.note(format!("{place}: {text}")),
        }
    }
}
