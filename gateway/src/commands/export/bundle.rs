//! What goes into a bundle: of the client it is for, everything concerned; of everybody else, hashes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use anyhow::Context;
use ecluse_policy::{Intervention, InterventionId};
use ecluse_recordings::bundle::{
    self, BundleWriter, Consistency, ConsistencyProofs, Contents, Decision, EntryProof,
    InterventionFacts, Language, ProofsHead,
};
use ecluse_recordings::evidence::manifest::Manifest;
use ecluse_recordings::layout;
use ecluse_recordings::log::{Checkpoint, SignedNote};

use super::choice::Choice;
use super::trail;
use crate::clock;
use crate::journal::JournalKeys;
use crate::settings::Settings;
use crate::store::{ChangeLock, JournalEntry, Store, read};

/// What a bundle says of the program that made it.
const BY: &str = concat!("ecluse ", env!("CARGO_PKG_VERSION"));

/// Writes the whole bundle; a summary in words.
pub(super) async fn write(
    out: impl Write,
    store: &Store,
    settings: &Settings,
    keys: &JournalKeys,
    choice: &Choice,
    since: &[Checkpoint],
    language: Language,
) -> anyhow::Result<String> {
    let now = clock::now();
    // Until the recordings are copied, nobody gives them readers or a form that the entries in here do not tell of.
    let alone = ChangeLock::take(&settings.data_dir).await?;
    let unsealed = unsealed(store, settings, choice).await?;
    let (note, checkpoint) = fresh_checkpoint(store, keys).await?;
    let entries = trail::chosen(store, choice, checkpoint.size).await?;
    let mtime = u64::try_from(now.as_micros() / 1_000_000).unwrap_or(0);
    let mut writer = BundleWriter::new(out, mtime);

    let (recordings, left_out) = recordings(&mut writer, settings, choice, &unsealed)?;
    drop(alone);
    proofs(&mut writer, store, &entries, &checkpoint).await?;
    trail::write(&mut writer, store, choice, &entries, checkpoint.size).await?;
    writer.add(bundle::CHECKPOINT, note.text().as_bytes())?;
    let kept = kept_checkpoints(&mut writer, store, since, &checkpoint).await?;
    let interventions = interventions(&mut writer, store, choice, language).await?;
    let documents = documents(&mut writer, store, choice).await?;
    let verifiers = keys.verifiers()?;
    let lines: String = verifiers.iter().map(|key| format!("{key}\n")).collect();
    writer.add(bundle::LOG_KEYS, lines.as_bytes())?;
    writer.add(bundle::ALLOWED_SIGNERS, keys.allowed_signers().as_bytes())?;

    let contents = Contents {
        made_us: now.as_micros(),
        made_by: BY.to_owned(),
        asked_by: super::administrator(),
        asked_for: choice.asked_for.clone(),
        checkpoint,
        cosigners: note.cosigners().map(ToOwned::to_owned).collect(),
        entries: u64::try_from(entries.len()).unwrap_or(u64::MAX),
        signers: keys.allowed(),
        log_keys: verifiers,
        recordings,
        interventions,
        documents,
    };
    writer.add(bundle::INDEX, bundle::index(&contents, language).as_bytes())?;
    writer.add(bundle::GUIDE, bundle::guide(&contents, language).as_bytes())?;
    writer.finish(keys.signer().as_ref())?;

    let mut summary = format!(
        "{} recording(s), {} entries of the journal, checkpoint of {} entries",
        contents.recordings.len(),
        contents.entries,
        contents.checkpoint.size
    );
    if kept > 0 {
        summary.push_str(&format!(", proven to extend {kept} kept checkpoint(s)"));
    }
    for reason in left_out {
        summary.push_str(&format!("\n  {reason}"));
    }
    Ok(summary)
}

/// Sessions whose recordings wait for their seal. Asked before the checkpoint is made: what is sealed afterwards may have
/// all its files, and no entry in this bundle that vouches for them.
async fn unsealed(
    store: &Store,
    settings: &Settings,
    choice: &Choice,
) -> anyhow::Result<BTreeSet<u64>> {
    let mut unsealed = BTreeSet::new();
    for session in &choice.sessions {
        let path = session.start.recording.as_ref();
        let dir = path.map(|path| settings.recordings.directory.join(path));
        // The journal goes once the seal is on record.
        if dir.is_some_and(|dir| dir.join(layout::LIVE).exists())
            && store.sealed_recording(session.start.id).await?.is_none()
        {
            unsealed.insert(session.number);
        }
    }
    Ok(unsealed)
}

/// A checkpoint that covers everything until now.
async fn fresh_checkpoint(
    store: &Store,
    keys: &JournalKeys,
) -> anyhow::Result<(SignedNote, Checkpoint)> {
    store
        .checkpoint(keys.origin(), keys.signer(), clock::now())
        .await?;
    let note = store
        .latest_checkpoint()
        .await?
        .context("the journal has no checkpoint; start the gateway once")?;
    let checkpoint = note.unverified()?;
    Ok((note, checkpoint))
}

/// The interventions of the sessions.
pub(super) fn interventions_of(choice: &Choice) -> BTreeSet<InterventionId> {
    choice
        .sessions
        .iter()
        .map(|session| session.start.intervention)
        .collect()
}

/// Adds each sealed recording; says of the others why they are not in it.
fn recordings(
    writer: &mut BundleWriter<impl Write>,
    settings: &Settings,
    choice: &Choice,
    unsealed: &BTreeSet<u64>,
) -> anyhow::Result<(Vec<Manifest>, Vec<String>)> {
    let mut manifests = Vec::new();
    let mut left_out = Vec::new();
    for session in &choice.sessions {
        let number = session.number;
        let dir = match &session.start.recording {
            Some(path) => settings.recordings.directory.join(path),
            None => {
                left_out.push(format!("session #{number} has no recording"));
                continue;
            }
        };
        if unsealed.contains(&number) && session.end.is_some() {
            left_out.push(format!(
                "the recording of session #{number} is not sealed yet: export it again when it is"
            ));
        } else if dir.join(bundle::MANIFEST).exists() {
            manifests.push(writer.add_recording(&dir)?);
        } else if session.end.is_none() {
            left_out.push(format!(
                "session #{number} is still open: export it when it has ended"
            ));
        } else {
            left_out.push(format!(
                "the recording of session #{number} is not in {}: it is not sealed yet, or it was removed; ecluse journal verify says which",
                dir.display()
            ));
        }
    }
    Ok((manifests, left_out))
}

/// Adds the entries as they were hashed, and that each is in the journal.
async fn proofs(
    writer: &mut BundleWriter<impl Write>,
    store: &Store,
    entries: &BTreeMap<u64, JournalEntry>,
    checkpoint: &Checkpoint,
) -> anyhow::Result<()> {
    let mut lines = String::new();
    let head = ProofsHead {
        size: checkpoint.size,
        root: checkpoint.root,
    };
    let mut proofs = serde_json::to_string(&head)? + "\n";
    for (seq, entry) in entries {
        // Its words were destroyed, on record; of it there is only the hash.
        let Some(line) = &entry.line else { continue };
        lines.push_str(line);
        lines.push('\n');
        let proof = EntryProof {
            seq: *seq,
            proof: store.inclusion(*seq, checkpoint.size).await?,
        };
        proofs.push_str(&serde_json::to_string(&proof)?);
        proofs.push('\n');
    }
    writer.add(bundle::ENTRIES, lines.as_bytes())?;
    writer.add(bundle::PROOFS, proofs.as_bytes())?;
    Ok(())
}

/// Adds, for each checkpoint that somebody kept, the proof that the journal extends it; a fork or a rollback has none.
async fn kept_checkpoints(
    writer: &mut BundleWriter<impl Write>,
    store: &Store,
    since: &[Checkpoint],
    now: &Checkpoint,
) -> anyhow::Result<usize> {
    let mut all = ConsistencyProofs::default();
    let mut sizes = BTreeSet::new();
    for kept in since {
        store.check_extends(kept).await?;
        if !sizes.insert(kept.size) {
            continue;
        }
        all.proofs.push(Consistency {
            old: kept.size,
            new: now.size,
            proof: store.consistency(kept.size, now.size).await?,
        });
        if let Some(note) = store.checkpoint_at(kept.size).await?
            && kept.size != now.size
        {
            let name = format!("{}{}", bundle::CHECKPOINTS, kept.size);
            writer.add(&name, note.text().as_bytes())?;
        }
    }
    if !all.proofs.is_empty() {
        writer.add(bundle::CONSISTENCY, &serde_json::to_vec_pretty(&all)?)?;
    }
    Ok(sizes.len())
}

async fn interventions(
    writer: &mut BundleWriter<impl Write>,
    store: &Store,
    choice: &Choice,
    language: Language,
) -> anyhow::Result<Vec<InterventionFacts>> {
    let mut facts = Vec::new();
    for id in interventions_of(choice) {
        let Some(intervention) = store.intervention(id).await? else {
            continue;
        };
        let number = intervention.number().0;
        let name = format!("{}{number}.json", bundle::INTERVENTIONS);
        writer.add(&name, &serde_json::to_vec_pretty(&intervention)?)?;
        facts.push(facts_of(&intervention, language));
    }
    Ok(facts)
}

fn facts_of(intervention: &Intervention, language: Language) -> InterventionFacts {
    let (seen, approved) = match language {
        Language::French => ("vue", "approuvée pour"),
        Language::English => ("seen", "approved for"),
    };
    let request = intervention.request();
    let window = intervention.approvals().last().map(|approval| {
        let from = request.start.unwrap_or(approval.at);
        (from.as_micros(), from.plus(approval.length).as_micros())
    });
    let scope = &request.scope;
    let asked = scope
        .targets
        .iter()
        .map(ToString::to_string)
        .chain(
            scope
                .accounts
                .iter()
                .map(|account| format!("account {account}")),
        )
        .chain(scope.capabilities.iter().map(ToString::to_string))
        .collect();
    let seen = intervention.seen().map(|(by, at)| decision(by, *at, seen));
    let approvals = intervention.approvals().iter().map(|approval| Decision {
        text: format!("{}", approval.length),
        ..decision(&approval.operator, approval.at, approved)
    });
    InterventionFacts {
        number: format!("#{}", intervention.number().0),
        person: request.person.to_string(),
        client: request.client.to_string(),
        asked,
        reason: request.reason.clone(),
        requested_us: request.requested_at.as_micros(),
        window_us: window,
        decisions: seen.into_iter().chain(approvals).collect(),
    }
}

fn decision(by: &ecluse_policy::PersonId, at: ecluse_policy::Timestamp, what: &str) -> Decision {
    Decision {
        at_us: at.as_micros(),
        by: by.to_string(),
        what: what.to_owned(),
        text: String::new(),
    }
}

/// Adds the client's own document, and those of the providers whose technicians came, in every version that admitted
/// one of the sessions. Other clients' documents stay here.
async fn documents(
    writer: &mut BundleWriter<impl Write>,
    store: &Store,
    choice: &Choice,
) -> anyhow::Result<Vec<String>> {
    let versions: BTreeSet<u64> = choice
        .sessions
        .iter()
        .map(|session| session.start.documents)
        .collect();
    let mut names = Vec::new();
    for version in versions {
        let texts = store.document_texts(version).await?;
        let Ok(documents) = read(&texts) else {
            continue;
        };
        let mut wanted: BTreeSet<String> = documents
            .client(&choice.client)
            .map(|client| client.file.clone())
            .into_iter()
            .collect();
        let people: BTreeSet<_> = choice
            .sessions
            .iter()
            .filter(|session| session.start.documents == version)
            .map(|session| &session.start.person)
            .collect();
        for provider in documents.providers().values() {
            if provider
                .technicians
                .iter()
                .any(|technician| people.contains(&technician.id))
            {
                wanted.insert(provider.file.clone());
            }
        }
        for (file, text) in &texts {
            let name = format!("{}v{version}/{file}", bundle::DOCUMENTS);
            if wanted.contains(file) && bundle::is_bundle_name(&name) {
                writer.add(&name, text.as_bytes())?;
                names.push(name);
            }
        }
    }
    Ok(names)
}
