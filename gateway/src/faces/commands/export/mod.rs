//! `ecluse export`: one bundle an auditor carries away, which verifies without this gateway (R10, O1).

mod beside;
mod bundle;
mod choice;
mod facts;
mod left_out;
mod passed;
mod trail;

use std::fs::{self, OpenOptions};
use std::io::BufWriter;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueEnum};
use ecluse_policy::ClientId;
use ecluse_recordings::bundle::Language;
use ecluse_recordings::log::{Checkpoint, Kept};

use self::bundle::Made;
use self::choice::Choice;
use super::administrator;
use crate::archive::changes::end_interrupted;
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::faces::commands::check::counted;
use crate::faces::commands::out::{errln, outln};
use crate::log::JournalKeys;
use crate::settings::Settings;
use crate::store::Store;

/// The exit code where something that was asked for is not in the bundle.
const LACKS: u8 = 3;

/// Carry evidence away: recordings, their entries of the journal with proofs, what was asked and approved, the documents
/// in force, in one .tar that verifies without this gateway.
///
/// A bundle is of one client: of other clients it holds hashes only. Recordings stay encrypted for their readers. It is
/// of one moment, whatever goes on meanwhile, and says what was asked for, what is therefore in it, and what is not.
///
/// Exit codes: 0 all that was asked for is in it, 1 no bundle was made, 2 usage, 3 it is made, and recordings that were asked
/// for are not in it: their sessions were open, they were being sealed, or they are not where they belong; or interventions and
/// sessions that the log tells of are gone from the store; or an intervention lies in it that the store has otherwise than the
/// log tells. A session whose row was altered is taken by what the log says of it, whole, and told.
#[derive(Debug, Args)]
pub(super) struct Export {
    /// Sessions, by number.
    #[arg(value_name = "SESSION")]
    sessions: Vec<u64>,
    /// An intervention with all its sessions, by its number; also one that was refused or ran out.
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["sessions", "client"])]
    intervention: Option<u64>,
    /// Everything of this client: sessions, interventions, requests that were refused or ran out, its whole part of the
    /// journal, its documents; with --from and --to, the sessions that began in that time, and what else is of it.
    #[arg(long, value_name = "CLIENT", value_parser = ClientId::parse, conflicts_with = "sessions")]
    client: Option<ClientId>,
    /// From when: a day (2026-11-25), a time, or a length before now (30d); without it, from the beginning.
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
    pub(super) async fn run(&self, store: &Store, settings: &Settings) -> anyhow::Result<ExitCode> {
        let now = clock::now();
        let since = self
            .since
            .iter()
            .map(|path| kept(path))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let choice = Choice::make(store, self, now).await?;
        // Told in the bundle too: an entry of its own each.
        for fault in &choice.faults {
            errln!("ecluse: {fault}; run: ecluse journal verify");
            store.tell_session_fault(fault, now).await?;
        }
        for fault in &choice.altered {
            errln!("ecluse: {fault}; run: ecluse journal verify");
            store.tell_intervention_fault(fault, now).await?;
        }
        for gone in &choice.gone {
            errln!("ecluse: {gone}; run: ecluse journal verify");
            store.tell_intervention_gone(gone, now).await?;
        }
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
            self,
            &since,
        )
        .await;
        match made {
            Ok(Made { summary, lacks }) => {
                outln!("{}: {summary}", self.output.display());
                outln!(
                    "Verify it anywhere: ecluse verify {}, or by hand: VERIFY.md inside.",
                    self.output.display()
                );
                let (gone, altered) = (choice.lacks(), choice.altered.len());
                if lacks == 0 && gone == 0 && altered == 0 {
                    return Ok(ExitCode::SUCCESS);
                }
                let output = self.output.display();
                if lacks > 0 {
                    errln!(
                        "ecluse: {output}: {} asked for and not in it, for the reasons above",
                        counted(lacks, "recording")
                    );
                }
                if gone > 0 {
                    errln!(
                        "ecluse: {output}: {} that the log tells of and the store has no more, so not in it",
                        counted(gone, "intervention or session")
                    );
                }
                if altered > 0 {
                    errln!(
                        "ecluse: {output}: {} in it not as on record: whoever verifies it is told that it was altered",
                        counted(altered, "intervention")
                    );
                }
                Ok(ExitCode::from(LACKS))
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
    let bytes = fs::read(path).with_context(place)?;
    let kept = Kept::read(&bytes).with_context(place)?;
    kept.note().unverified().with_context(place)
}
