//! `ecluse recordings rewrap`: other readers for sealed recordings.

use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, ensure};
use clap::Args;
use ecluse_recordings::SealedRecording;
use ecluse_recordings::evidence::key::{Identity, KeyError, Recipient};
use ecluse_recordings::evidence::manifest::sha256_hex;

use super::super::check::counted;
use super::super::{administrator, in_force, prompt};
use super::{Keys, directory, numbered};
use crate::archive::changes::{end_interrupted, latest_wrapping, readers_of, rewrap};
use crate::archive::indexing::index_with;
use crate::clock;
use crate::faces::commands::out::{errln, outln};
use crate::settings::Settings;
use crate::store::{Session, Store};

/// Wrap the keys of sealed recordings for other readers: artefacts, manifests and signatures stay as they are.
///
/// Without --for the readers are those that the client's document names now, but for those of --drop. Each change is put on record before it is
/// made, and `ecluse verify` knows it from there; where nobody is gained or lost, nothing is written. Readers gained (+) and lost (-) are named; before one is lost that the
/// client's document lists, it asks.
#[derive(Debug, Args)]
pub(in crate::faces::commands) struct Rewrap {
    /// The sessions, by number.
    #[arg(value_name = "SESSION", required = true)]
    sessions: Vec<u64>,
    /// A reader from now on: age1…, or `gateway`. May be given several times.
    #[arg(long = "for", value_name = "READER")]
    recipients: Vec<Reader>,
    /// A reader that is to read no more, age1… or `gateway`: it is dropped without a question, also where the client's
    /// document lists it. May be given several times.
    #[arg(long, value_name = "READER")]
    drop: Vec<Reader>,
    /// Drop readers that the client's document lists without a question.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    keys: Keys,
}

/// A reader, as one is named.
#[derive(Debug, Clone)]
enum Reader {
    /// The gateway itself.
    Gateway,
    /// Whoever has this key.
    Key(Recipient),
}

impl FromStr for Reader {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "gateway" {
            return Ok(Self::Gateway);
        }
        let key = text.parse().map(Self::Key);
        key.map_err(|error: KeyError| format!("{error}; the gateway itself is named `gateway`"))
    }
}

impl Reader {
    fn key(&self, gateway: &Recipient) -> Recipient {
        match self {
            Self::Gateway => gateway.clone(),
            Self::Key(key) => key.clone(),
        }
    }
}

impl Rewrap {
    pub(super) async fn run(&self, store: &Store, settings: &Settings) -> anyhow::Result<()> {
        let mut identities = self.keys.read()?;
        let gateway = store.recordings_identity(clock::now()).await?;
        let public = gateway.public();
        // It may be one of the readers already; then no key file is needed.
        identities.push(gateway.clone());
        let drop: Vec<String> = self
            .drop
            .iter()
            .map(|reader| reader.key(&public).to_string())
            .collect();
        for number in &self.sessions {
            let session = numbered(store, *number).await?;
            let recipients = match self.recipients.as_slice() {
                [] => readers(store, &session, &public).await?,
                chosen => chosen.iter().map(|reader| reader.key(&public)).collect(),
            };
            let recipients = without_dropped(recipients, &drop)?;
            let dir = directory(settings, &session)?;
            if let Some(ended) = end_interrupted(store, settings, &dir).await {
                errln!("{ended}");
            }
            let changes = self
                .agree(store, &session, &dir, &public, &recipients, &drop)
                .await
                .with_context(|| format!("session #{number}"))?;
            if !changes {
                outln!("#{number}: nothing changes, these readers have it already");
                continue;
            }
            // Before the gateway may lose its key: what it keeps of a recording it must read (C4).
            store.forget_search(session.start.id).await?;
            let by = administrator();
            rewrap(store, settings, &dir, &identities, &recipients, &by)
                .await
                .with_context(|| format!("session #{number}"))?;
            make_findable(store, &dir, &gateway)
                .await
                .with_context(|| {
                    format!(
                        "session #{number} has its new readers, and cannot be searched yet; try again with: ecluse search reindex"
                    )
                })?;
            outln!(
                "#{number}: {} from now on",
                counted(recipients.len(), "reader")
            );
        }
        Ok(())
    }
}

/// The readers without those that are to be dropped.
fn without_dropped(
    mut readers: Vec<Recipient>,
    dropped: &[String],
) -> anyhow::Result<Vec<Recipient>> {
    readers.retain(|one| !dropped.contains(&one.to_string()));
    ensure!(
        !readers.is_empty(),
        "nobody would read it any more: name who does with --for READER"
    );
    Ok(readers)
}

impl Rewrap {
    /// Says who reads the recording from now on and who does no more; asks before one goes that the client's document
    /// lists. Whether that is a change.
    async fn agree(
        &self,
        store: &Store,
        session: &Session,
        dir: &Path,
        gateway: &Recipient,
        recipients: &[Recipient],
        dropped: &[String],
    ) -> anyhow::Result<bool> {
        let recording = match SealedRecording::open(dir) {
            Ok(recording) => recording,
            // What is not sealed is told below.
            Err(error) if error.is_not_found() => return Ok(true),
            Err(error) => return Err(error.into()),
        };
        ensure!(
            recording.manifest().session() == session.start.id.as_uuid(),
            "{} holds the recording of another session ({}): somebody moved it; find out with: ecluse journal verify",
            dir.display(),
            recording.manifest().session()
        );
        let before = readers_of(store, &recording).await?;
        let strangers: Vec<String> = dropped
            .iter()
            .filter(|name| !before.contains(name))
            .cloned()
            .collect();
        ensure!(
            strangers.is_empty(),
            "{} does not read it, so nothing was changed; it is read by: {}",
            strangers.join(", "),
            before.join(", ")
        );
        let after: Vec<String> = recipients.iter().map(ToString::to_string).collect();
        let named = |name: &String| match *name == gateway.to_string() {
            true => format!("{name} (the gateway)"),
            false => name.clone(),
        };
        let number = session.number;
        let gained: Vec<&String> = after.iter().filter(|name| !before.contains(name)).collect();
        for name in &gained {
            outln!("#{number}: + {}", named(name));
        }
        let lost: Vec<&String> = before.iter().filter(|name| !after.contains(name)).collect();
        for name in &lost {
            outln!("#{number}: - {}", named(name));
        }
        if gained.is_empty() && lost.is_empty() {
            // A key file that is not the one on record is written anew all the same.
            let latest = latest_wrapping(store, session.start.id).await?;
            let expected = match latest {
                Some((_, digest)) => digest,
                None => recording.manifest().key.wrapped_sha256.clone(),
            };
            let found = recording.wrapped_key().map(|key| sha256_hex(&key)).ok();
            return Ok(found != Some(expected));
        }
        // A client that is in no document any more lists nobody.
        let listed = readers(store, session, gateway).await.unwrap_or_default();
        let listed: Vec<String> = listed.iter().map(ToString::to_string).collect();
        let asked: Vec<String> = lost
            .into_iter()
            .filter(|name| listed.contains(name) && !dropped.contains(name))
            .map(named)
            .collect();
        if asked.is_empty() || self.yes {
            return Ok(true);
        }
        let client = &session.start.client;
        let question = format!(
            "The document of {client} lists {}, who would not read this recording any more. Type yes to go on: ",
            asked.join(", ")
        );
        let answer = prompt::line(question).await?;
        ensure!(
            answer.is_some_and(|answer| answer.trim() == "yes"),
            "nothing was changed: the document of {client} lists {}; add --drop READER for each of them, or --yes",
            asked.join(", ")
        );
        Ok(true)
    }
}

/// Searchable where the gateway is among the readers, and not elsewhere.
async fn make_findable(store: &Store, dir: &Path, gateway: &Identity) -> anyhow::Result<()> {
    index_with(store, &SealedRecording::open(dir)?, gateway).await?;
    Ok(())
}

/// Who reads this client's recordings by its document now.
async fn readers(
    store: &Store,
    session: &Session,
    gateway: &Recipient,
) -> anyhow::Result<Vec<Recipient>> {
    let applied = in_force(store).await?;
    let client = applied
        .documents
        .client(&session.start.client)
        .with_context(|| {
            format!(
                "no document names {} any more; say --for",
                session.start.client
            )
        })?;
    let rules = &client.recordings;
    let mut readers: Vec<Recipient> = Vec::new();
    for name in &rules.recipients {
        readers.push(name.as_str().parse()?);
    }
    if rules.gateway {
        readers.push(gateway.clone());
    }
    Ok(readers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gateway_is_a_reader_by_its_name() {
        assert!(matches!("gateway".parse(), Ok(Reader::Gateway)));
        let refused = "gatway".parse::<Reader>().unwrap_err();
        assert!(refused.contains("named `gateway`"), "{refused}");
        let gateway: Recipient = Identity::generate().public();
        assert_eq!(
            Reader::Gateway.key(&gateway).to_string(),
            gateway.to_string()
        );
        let Ok(Reader::Key(key)) = gateway.to_string().parse() else {
            panic!("a key");
        };
        assert_eq!(key.to_string(), gateway.to_string());
    }
}
