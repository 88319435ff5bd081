//! What goes into a bundle: of the client it is for, everything concerned; of everybody else, hashes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use ecluse_policy::PersonId;
use ecluse_policy::documents::{Technician, parse_client, parse_provider};
use ecluse_recordings::bundle::{
    self, BundleWriter, Consistency, ConsistencyProofs, Contents, EntryProof, InterventionFacts,
    Language, LeftOut, ProofsHead, Why,
};
use ecluse_recordings::evidence::manifest::Manifest;
use ecluse_recordings::json;
use ecluse_recordings::log::{Checkpoint, SignedNote};

use super::Export;
use super::beside::{self, Body};
use super::choice::Choice;
use super::facts::facts_of;
use super::left_out::{Belongs, not_chosen, whether};
use super::trail;
use crate::clock;
use crate::deeds::totals::on_record;
use crate::faces::commands::carried::Carriers;
use crate::faces::commands::check::counted;
use crate::log::JournalKeys;
use crate::settings::Settings;
use crate::store::{
    ChangeLock, DocumentText, DocumentTexts, DocumentVersion, JournalEntry, SessionStart, Store,
};
use crate::texts::Texts;

/// What a bundle says of the program that made it.
const BY: &str = concat!("ecluse ", env!("CARGO_PKG_VERSION"));

/// A bundle that was made.
pub(super) struct Made {
    /// What is in it, in words.
    pub(super) summary: String,
    /// How many recordings were asked for that there are, and that are not in it.
    pub(super) lacks: usize,
}

/// Writes the whole bundle.
pub(super) async fn write(
    out: impl Write,
    live: &Store,
    settings: &Settings,
    keys: &JournalKeys,
    export: &Export,
    since: &[Checkpoint],
) -> anyhow::Result<Made> {
    let now = clock::now();
    let language: Language = export.lang.into();
    // Until the recordings are copied, nobody gives them readers or a form that the entries in here do not tell of.
    let alone = ChangeLock::take(&settings.data_dir).await?;
    // All of one moment, which the checkpoint covers to its last entry: what is sealed or decided afterwards has no entry
    // in here that would vouch for it.
    let Moment {
        store,
        note,
        checkpoint,
    } = moment(live, keys).await?;
    let store = &store;
    let choice = &Choice::make(store, export, now).await?;
    let chosen = trail::chosen(store, choice, checkpoint.size).await?;
    let entries = &chosen.entries;
    let mtime = u64::try_from(now.as_micros() / 1_000_000).unwrap_or(0);
    let mut writer = BundleWriter::new(out, mtime);

    let (recordings, mut left_out) = recordings(&mut writer, live, store, settings, choice).await?;
    drop(alone);
    left_out.extend(not_chosen(store, choice, entries).await?);
    proofs(&mut writer, store, entries, &checkpoint).await?;
    trail::write(&mut writer, store, choice, &chosen, checkpoint.size).await?;
    writer.add(bundle::CHECKPOINT, note.text().as_bytes())?;
    let cosigned = store.latest_cosigned().await?;
    let mut kept: Vec<Checkpoint> = since.to_vec();
    if let Some(cosigned) = &cosigned {
        kept.push(cosigned.unverified()?);
    }
    let kept = kept_checkpoints(&mut writer, store, &kept, &checkpoint).await?;
    let told = bundle::Choice {
        asked_for: choice.asked_for.clone(),
        client: choice.client.to_string(),
        rule: choice.rule.clone(),
        entries: checkpoint.size,
        recordings: recordings.iter().map(Manifest::session).collect(),
        left_out: left_out.clone(),
    };
    writer.add(bundle::CHOICE, json::to_string_pretty(&told)?.as_bytes())?;
    let mut salts = String::new();
    let bodies = beside::bodies(store, choice).await?;
    let interventions = interventions(&mut writer, store, &bodies, &mut salts, language).await?;
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
        left_out,
        checkpoint,
        cosigners: cosigners(cosigned.as_ref())?,
        entries: u64::try_from(entries.len()).unwrap_or(u64::MAX),
        signers: keys.allowed(),
        log_keys: verifiers,
        recordings,
        numbers: choice
            .sessions
            .iter()
            .map(|session| (session.start.id.as_uuid(), session.number))
            .collect(),
        interventions,
        documents,
    };
    writer.add(bundle::INDEX, bundle::index(&contents, language).as_bytes())?;
    writer.add(bundle::GUIDE, bundle::guide(&contents, language).as_bytes())?;
    writer.finish(keys.signer().as_ref())?;

    let mut summary = format!(
        "{}, {} entries of the journal, checkpoint of {} entries",
        counted(contents.recordings.len(), "recording"),
        contents.entries,
        contents.checkpoint.size
    );
    if kept > 0 {
        summary.push_str(&format!(
            ", proven to extend {}",
            counted(kept, "kept checkpoint")
        ));
    }
    for left_out in &contents.left_out {
        let (number, why) = (left_out.number, left_out.words());
        summary.push_str(&format!("\n  session #{number}: {why}"));
    }
    let lacks = |left_out: &&LeftOut| match left_out.why {
        Why::StillOpen
        | Why::Unended
        | Why::BeingSealed
        | Why::NotThere
        | Why::Moved
        | Why::Elsewhere => true,
        Why::NotChosen | Why::NoRecording | Why::Destroyed => false,
    };
    let lacks = contents.left_out.iter().filter(lacks).count();
    Ok(Made { summary, lacks })
}

/// The store at one moment, and the checkpoint that covers all of it.
struct Moment {
    store: Store,
    note: SignedNote,
    checkpoint: Checkpoint,
}

async fn moment(live: &Store, keys: &JournalKeys) -> anyhow::Result<Moment> {
    /// A running gateway signs once a minute; twice in a row is rare, and more is no race.
    const TRIES: usize = 10;
    for _ in 0..TRIES {
        let now = clock::now();
        let store = live.snapshot().await?;
        let made = live
            .checkpoint_of(&store, keys.origin(), keys.signer(), now)
            .await?;
        if let Some(note) = made {
            let checkpoint = note.unverified()?;
            return Ok(Moment {
                store,
                note,
                checkpoint,
            });
        }
    }
    anyhow::bail!("other processes sign checkpoints all the time; export again")
}

/// Adds each recording whose seal is on record at this moment; says of the others why they are not in it.
async fn recordings(
    writer: &mut BundleWriter<impl Write>,
    live: &Store,
    store: &Store,
    settings: &Settings,
    choice: &Choice,
) -> anyhow::Result<(Vec<Manifest>, Vec<LeftOut>)> {
    let mut manifests = Vec::new();
    let mut left_out = Vec::new();
    let carriers = Carriers::look(live, settings).await?;
    for session in &choice.sessions {
        let path = session.start.recording.as_ref();
        let dir = path.map(|path| settings.recordings.directory.join(path));
        match whether(live, store, session, dir.as_deref(), &carriers).await? {
            Belongs::In(dir) => manifests.push(writer.add_recording(dir)?),
            Belongs::Out(why) => left_out.push(LeftOut {
                session: session.start.id.as_uuid(),
                number: session.number,
                why,
                node: (why == Why::Elsewhere).then(|| session.start.node.clone()),
            }),
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

/// Who cosigned, and how far.
fn cosigners(cosigned: Option<&SignedNote>) -> anyhow::Result<Vec<String>> {
    let Some(note) = cosigned else {
        return Ok(Vec::new());
    };
    let size = note.unverified()?.size;
    let names = note.cosigners();
    Ok(names.map(|name| format!("{name} ({size})")).collect())
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
    bodies: &[Body],
    salts: &mut String,
    language: Language,
) -> anyhow::Result<Vec<InterventionFacts>> {
    let mut facts = Vec::new();
    let texts = Texts::load()?;
    for Body {
        number,
        text,
        salt,
        intervention,
        presences,
    } in bodies
    {
        let name = format!("{}{number}.json", bundle::INTERVENTIONS);
        // As it was hashed, byte by byte.
        writer.add(&name, text.as_bytes())?;
        if let Some(salt) = salt {
            salts.push_str(&format!("{salt}  {name}\n"));
        }
        if let Some(intervention) = intervention {
            // What passes at this moment, only the gateway that carries it knows.
            let totals = on_record(store, intervention, BTreeMap::new()).await?;
            facts.push(facts_of(
                intervention,
                presences,
                &totals,
                (&texts, language),
            ));
        }
    }
    Ok(facts)
}

/// Adds the client's own document, and those of the providers whose technicians came or asked, in every version that
/// admitted one of the sessions or was in force at a request; of a whole client, its own in every version. Other clients'
/// documents stay here.
async fn documents(
    writer: &mut BundleWriter<impl Write>,
    store: &Store,
    choice: &Choice,
    salts: &mut String,
) -> anyhow::Result<Vec<String>> {
    let mut wanted: BTreeMap<u64, BTreeSet<PersonId>> = BTreeMap::new();
    for session in &choice.sessions {
        let SessionStart {
            documents, person, ..
        } = &session.start;
        wanted.entry(*documents).or_default().insert(person.clone());
    }
    let versions = store.document_versions().await?;
    for id in &choice.interventions {
        let Some(intervention) = store.intervention(*id).await? else {
            continue;
        };
        let request = intervention.request();
        let in_force = |version: &&DocumentVersion| version.applied_at <= request.requested_at;
        if let Some(version) = versions.iter().find(in_force) {
            let people = wanted.entry(version.version).or_default();
            people.insert(request.person.clone());
        }
    }
    if choice.time.is_some() {
        for version in &versions {
            wanted.entry(version.version).or_default();
        }
    }
    let mut names = Vec::new();
    let mut before = None;
    for (version, people) in wanted {
        let bound = store.bound_texts(version).await?;
        let texts: DocumentTexts = bound
            .iter()
            .map(|text| (text.file.clone(), text.text.clone()))
            .collect();
        let mut files = BTreeSet::new();
        // Each by itself: one that does not read keeps no other out.
        for (file, text) in &texts {
            if file.starts_with("providers/") {
                let of_them = |technician: &Technician| people.contains(&technician.id);
                if parse_provider(file, text).is_ok_and(|one| one.technicians.iter().any(of_them)) {
                    files.insert(file.clone());
                }
            } else if parse_client(file, text).is_ok_and(|one| one.id == choice.client) {
                // A version that only changes others is no version of this client's.
                if !people.is_empty() || before.as_ref() != Some(text) {
                    files.insert(file.clone());
                }
                before = Some(text.clone());
            }
        }
        for DocumentText {
            file, text, salt, ..
        } in &bound
        {
            let name = format!("{}v{version}/{file}", bundle::DOCUMENTS);
            if files.contains(file) && bundle::is_bundle_name(&name) {
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
