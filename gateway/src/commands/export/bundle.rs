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

use super::beside::{self, Body};
use super::choice::Choice;
use crate::audit::AuditKind;
use crate::clock;
use crate::journal::JournalKeys;
use crate::settings::Settings;
use crate::store::{AuditQuery, ChangeLock, DocumentText, JournalEntry, Store, read};

/// What a bundle says of the program that made it.
const BY: &str = concat!("ecluse ", env!("CARGO_PKG_VERSION"));
/// Entries read at once.
const PAGE: u32 = 1000;

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
    let (note, checkpoint, bodies) = beside::settled(store, keys, choice).await?;
    let mut entries = entries(store, choice, checkpoint.size).await?;
    beside::entries(store, checkpoint.size, &mut entries).await?;
    let mut salts = String::new();
    let mtime = u64::try_from(now.as_micros() / 1_000_000).unwrap_or(0);
    let mut writer = BundleWriter::new(out, mtime);

    let (recordings, left_out) = recordings(&mut writer, settings, choice, &unsealed)?;
    drop(alone);
    proofs(&mut writer, store, &entries, &checkpoint).await?;
    writer.add(bundle::CHECKPOINT, note.text().as_bytes())?;
    let kept = kept_checkpoints(&mut writer, store, since, &checkpoint).await?;
    let interventions = interventions(&mut writer, &bodies, &mut salts, language)?;
    let documents = documents(&mut writer, store, choice, &mut salts).await?;
    writer.add(bundle::SALTS, salts.as_bytes())?;
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
pub(super) async fn fresh_checkpoint(
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

/// The entries concerned, in order: of the sessions, of their interventions, of the client's documents, of this export.
async fn entries(
    store: &Store,
    choice: &Choice,
    size: u64,
) -> anyhow::Result<BTreeMap<u64, JournalEntry>> {
    let of_client = AuditQuery {
        client: Some(choice.client.clone()),
        ..AuditQuery::default()
    };
    let mut queries = vec![AuditQuery {
        kinds: vec![
            AuditKind::DocumentChange,
            AuditKind::Bound,
            AuditKind::NotOnRecord,
            AuditKind::EntriesDestroyed,
            AuditKind::Export,
        ],
        ..of_client.clone()
    }];
    for session in &choice.sessions {
        queries.push(AuditQuery {
            session: Some(session.start.id),
            ..of_client.clone()
        });
    }
    for intervention in interventions_of(choice) {
        queries.push(AuditQuery {
            intervention: Some(intervention),
            ..of_client.clone()
        });
    }
    let mut found = BTreeMap::new();
    for mut query in queries {
        query.limit = Some(PAGE);
        loop {
            let page = store.entries(&query).await?;
            let Some(last) = page.last() else { break };
            query.after = Some(last.seq);
            found.extend(
                page.into_iter()
                    .filter(|entry| entry.seq <= size)
                    .map(|entry| (entry.seq, entry)),
            );
        }
    }
    Ok(found)
}

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
        } else if let Some(other) = beside::of_another(&dir, session) {
            left_out.push(format!(
                "{} has the recording of session {other}, not of #{number}: somebody moved it; find out with: ecluse journal verify",
                dir.display()
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

fn interventions(
    writer: &mut BundleWriter<impl Write>,
    bodies: &[Body],
    salts: &mut String,
    language: Language,
) -> anyhow::Result<Vec<InterventionFacts>> {
    let mut facts = Vec::new();
    for Body {
        number,
        text,
        salt,
        intervention,
    } in bodies
    {
        let name = format!("{}{number}.json", bundle::INTERVENTIONS);
        // As it was hashed, byte by byte.
        writer.add(&name, text.as_bytes())?;
        if let Some(salt) = salt {
            salts.push_str(&format!("{salt}  {name}\n"));
        }
        facts.extend(intervention.as_ref().map(|it| facts_of(it, language)));
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
    salts: &mut String,
) -> anyhow::Result<Vec<String>> {
    let versions: BTreeSet<u64> = choice
        .sessions
        .iter()
        .map(|session| session.start.documents)
        .collect();
    let mut names = Vec::new();
    for version in versions {
        let bound = store.bound_texts(version).await?;
        let texts = bound
            .iter()
            .map(|text| (text.file.clone(), text.text.clone()))
            .collect();
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
        for DocumentText {
            file, text, salt, ..
        } in &bound
        {
            let name = format!("{}v{version}/{file}", bundle::DOCUMENTS);
            if wanted.contains(file) && bundle::is_bundle_name(&name) {
                writer.add(&name, text.as_bytes())?;
                if let Some(salt) = salt {
                    salts.push_str(&format!("{salt}  {name}\n"));
                }
                names.push(name);
            }
        }
    }
    Ok(names)
}
