//! `ecluse apply DIR`: shows what changes, like a plan, and puts it in force.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use ecluse_policy::documents::{Change, ChangeKind};
use ecluse_recordings::neutralise;

use super::check::{counted, remarks};
use super::{administrator, directory};
use crate::clock;
use crate::faces::commands::out::Out;
use crate::store::{ApplyOutcome, Store, compile};

/// Put documents in force: shows every object created, changed and removed, then stores a new version.
///
/// A running gateway takes the new version at once: people and rights that it no longer names end in the
/// sessions of the moment too.
#[derive(Debug, Args)]
pub(super) struct Apply {
    /// The directory that holds clients/ and providers/. It stands for everything: what it does not name is
    /// removed.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Show what would change and change nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Apply {
    pub(super) async fn run(&self, store: &Store) -> anyhow::Result<()> {
        let texts = directory::read(&self.directory)?;
        let outcome = if self.dry_run {
            store.plan_documents(&texts).await?
        } else {
            store
                .apply_documents(&texts, &administrator(), clock::now())
                .await?
        };
        let mut out = Out;
        if let Ok(documents) = compile(&texts, store.node()) {
            write!(out, "{}", remarks(&documents, clock::now()))?;
        }
        match outcome {
            ApplyOutcome::Unchanged { version } => {
                writeln!(out, "Nothing to change: version {version} says the same.")?;
            }
            ApplyOutcome::Applied { version, changes } => {
                write!(out, "{}", plan(&changes))?;
                if self.dry_run {
                    writeln!(
                        out,
                        "Nothing was changed; without --dry-run this becomes version {version}."
                    )?;
                } else {
                    writeln!(out, "Applied as version {version}.")?;
                }
            }
        }
        Ok(())
    }
}

/// The changes as lines: `+` created, `~` changed, `-` removed, and a count.
fn plan(changes: &[Change]) -> String {
    let mut text = String::new();
    for change in changes {
        let sign = match change.kind {
            ChangeKind::Created => '+',
            ChangeKind::Changed => '~',
            ChangeKind::Removed => '-',
        };
        text.push_str(&format!("{sign} {}\n", neutralise(&change.object)));
        for line in &change.detail {
            text.push_str(&format!("    {}\n", neutralise(line)));
        }
    }
    let of = |kind| changes.iter().filter(|change| change.kind == kind).count();
    text.push_str(&format!(
        "{}: {} created, {} changed, {} removed.\n",
        counted(changes.len(), "object"),
        of(ChangeKind::Created),
        of(ChangeKind::Changed),
        of(ChangeKind::Removed)
    ));
    text
}
