//! `ecluse export`: one bundle an auditor carries away, which verifies without this gateway (R10, O1).

mod beside;
mod bundle;
mod choice;

use std::fs::{self, OpenOptions};
use std::io::BufWriter;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};
use ecluse_policy::ClientId;
use ecluse_recordings::bundle::Language;
use ecluse_recordings::log::{Checkpoint, SignedNote};

use self::choice::Choice;
use super::administrator;
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::commands::out::{errln, outln};
use crate::journal::JournalKeys;
use crate::passage::changes::end_interrupted;
use crate::settings::Settings;
use crate::store::Store;

/// Carry evidence away: recordings, their entries of the journal with proofs, what was asked and approved, the documents
/// in force, in one .tar that verifies without this gateway.
///
/// A bundle is of one client: of other clients it holds hashes only. Recordings stay encrypted for their readers.
#[derive(Debug, Args)]
pub(super) struct Export {
    /// Sessions, by number.
    #[arg(value_name = "SESSION", required_unless_present_any = ["intervention", "client"])]
    sessions: Vec<u64>,
    /// All sessions of an intervention, by its number.
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["sessions", "client"])]
    intervention: Option<u64>,
    /// All sessions on this client's targets, from --from to --to.
    #[arg(long, value_name = "CLIENT", value_parser = ClientId::parse, conflicts_with = "sessions", requires = "from")]
    client: Option<ClientId>,
    /// From when: a day (2026-11-25), a time, or a length before now (30d).
    #[arg(long, value_name = "TIME", requires = "client")]
    from: Option<String>,
    /// Until when; without it, until now.
    #[arg(long, value_name = "TIME", requires = "client")]
    to: Option<String>,
    /// The language of its pages.
    #[arg(long, value_enum, default_value_t = Lang::Fr)]
    lang: Lang,
    /// A checkpoint that was kept elsewhere: the bundle then proves that the journal only grew since.
    #[arg(long, value_name = "CHECKPOINT")]
    since: Vec<PathBuf>,
    /// The bundle; not overwritten.
    #[arg(long, short, value_name = "FILE.tar")]
    output: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Lang {
    Fr,
    En,
}

impl From<Lang> for Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::Fr => Language::French,
            Lang::En => Language::English,
        }
    }
}

impl Export {
    pub(super) async fn run(&self, store: &Store, settings: &Settings) -> anyhow::Result<()> {
        let now = clock::now();
        let since = self
            .since
            .iter()
            .map(|path| kept(path))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let choice = Choice::make(store, self, now).await?;
        let keys = JournalKeys::open(store, &settings.journal, now).await?;
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&self.output)
            .with_context(|| {
                format!(
                    "{} cannot be made; name a file that is not there yet",
                    self.output.display()
                )
            })?;
        // On record before anything leaves; the bundle holds this entry too.
        let numbers: Vec<u64> = choice
            .sessions
            .iter()
            .map(|session| session.number)
            .collect();
        let record = AuditRecord::new(AuditKind::Export, now)
            .claimed(&administrator())
            .client(&choice.client)
            .detail("asked-for", choice.asked_for.as_str())
            .detail("sessions", numbers);
        store.record(&[record]).await?;
        for session in &choice.sessions {
            if let Some(path) = &session.start.recording
                && let dir = settings.recordings.directory.join(path)
                && let Some(ended) = end_interrupted(store, settings, &dir).await
            {
                errln!("{ended}");
            }
        }
        let made = bundle::write(
            BufWriter::with_capacity(1 << 20, file),
            store,
            settings,
            &keys,
            &choice,
            &since,
            self.lang.into(),
        )
        .await;
        match made {
            Ok(summary) => {
                outln!("{}: {summary}", self.output.display());
                outln!(
                    "Verify it anywhere: ecluse verify {}, or by hand: VERIFY.md inside.",
                    self.output.display()
                );
                Ok(())
            }
            Err(error) => {
                // Half a bundle proves nothing and could be taken for one.
                let _ = fs::remove_file(&self.output);
                Err(error)
            }
        }
    }
}

/// A checkpoint that somebody kept. It is not checked here: who verifies the bundle does.
fn kept(path: &Path) -> anyhow::Result<Checkpoint> {
    let place = || path.display().to_string();
    let text = fs::read_to_string(path).with_context(place)?;
    let note = SignedNote::parse(&text).with_context(place)?;
    note.unverified().with_context(place)
}
