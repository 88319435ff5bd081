//! `ecluse check DIR`: are these documents, and settings if there are any, ones the gateway would take?

mod journal;

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::Args;

use ecluse_policy::documents::{NodeRules, Remark};
use ecluse_policy::{Documents, Timestamp};

use super::directory;
use crate::clock;
use crate::faces::commands::out::outln;
use crate::memory::caps::Caps;
use crate::settings::Settings;
use crate::store::{Contradicted, Store, check_address, compile};
use crate::terminal::layout::wrap;

/// Check documents before they are applied: every error with file, line, key and what would be accepted.
///
/// Reads DIR/clients/*.toml and DIR/providers/*.toml, and DIR/gateway.toml where there is one, and says how much memory
/// the gateway may take under it; where its store is there already, also which documents in it are not the ones that were
/// put in force, which interventions and sessions are not those that the log tells of, and what a running gateway put on
/// record against the log itself. Changes nothing and needs no store. Notes name derogations that are over, templates
/// whose holes take less than they once did, operators and auditors who wait for their log-on among strangers, and what
/// says no reason (`why`).
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The directory that holds clients/ and providers/.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

impl Check {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let (mut problems, mut store) = (Vec::new(), Vec::new());
        let settings = self.directory.join("gateway.toml");
        let (mut caps, mut node) = (None, NodeRules::default());
        if settings.exists() {
            let read = Settings::read(&settings).map_err(|error| error.to_string());
            if let Ok(read) = &read {
                store = in_store(read).await;
                node = read.extraction.clone();
            }
            let checked = read.and_then(|read| {
                check_address(&read.store)
                    .map_err(|error| format!("{}: store: {error}", settings.display()))?;
                Ok(Caps::of(&read.limits))
            });
            match checked {
                Ok(sum) => caps = Some(sum),
                Err(found) => problems.extend(found.lines().map(str::to_owned)),
            }
        }
        let texts = directory::read(&self.directory)?;
        match compile(&texts, &node) {
            Ok(documents) if problems.is_empty() => {
                let all = remarks(&documents, clock::now()) + &unjustified(&documents);
                for remark in all.lines() {
                    outln!("{remark}");
                }
                outln!(
                    "Right: {} and {} in {}.",
                    counted(documents.providers().len(), "provider"),
                    counted(documents.clients().len(), "client"),
                    self.directory.display()
                );
                if let Some(caps) = caps {
                    outln!("Memory: {caps}.");
                }
            }
            Ok(_) => {}
            Err(errors) => problems.extend(errors.iter().map(ToString::to_string)),
        }
        let say = |lines: &[String]| {
            for line in lines {
                outln!("{}", ecluse_recordings::neutralise(line));
            }
        };
        say(&problems);
        // No error of the files: whoever mends one there looks for it in vain.
        if !store.is_empty() {
            outln!("In the store, beside these files:");
            say(&store);
        }
        let places = [
            (
                problems.len(),
                "error",
                self.directory.display().to_string(),
            ),
            (store.len(), "fault", "the store".to_owned()),
        ];
        let found: Vec<String> = places
            .into_iter()
            .filter(|(count, ..)| *count > 0)
            .map(|(count, what, place)| format!("{} in {place}", counted(count, what)))
            .collect();
        anyhow::ensure!(
            found.is_empty(),
            "{}; nothing was changed",
            found.join(", ")
        );
        Ok(())
    }
}

/// What the store of these settings holds in the place of the documents that were put in force, where there is a store of
/// this program's format: looking changes nothing.
async fn in_store(settings: &Settings) -> Vec<String> {
    let store = match Store::open_as_is(settings).await {
        Ok(Some(store)) => store,
        Ok(None) => return Vec::new(),
        Err(error) => {
            outln!(
                "Note: the store was not looked at: {}",
                ecluse_recordings::neutralise(error.to_string())
            );
            return Vec::new();
        }
    };
    let looked = store.look_at_documents().await;
    let faults = store.document_faults();
    let rows = Contradicted::find(&store).await;
    let nodes = store.gateways_and_faults().await;
    let against_the_log = journal::find(&store).await;
    store.close().await;
    let faults = faults.iter().map(|fault| {
        format!("{fault}; find out who changed the store, then put the right text in force again, which is on record: ecluse apply DIR")
    });
    let mut problems: Vec<String> = faults
        .chain(looked.err().map(|error| error.to_string()))
        .collect();
    match rows {
        Ok(rows) => {
            problems.extend(rows.lines().map(|line| {
                format!("{line}; find out who changed the store: ecluse journal verify")
            }))
        }
        Err(error) => problems.push(error.to_string()),
    }
    match nodes {
        Ok((_, faults)) => problems.extend(faults),
        Err(error) => problems.push(error.to_string()),
    }
    match against_the_log {
        Ok(found) => {
            problems.extend(found.faults);
            for line in found.notes {
                outln!("Note: {line}");
            }
        }
        Err(error) => problems.push(error.to_string()),
    }
    problems
}

/// What there is to know about documents that are right: a line each, which a terminal is told between words.
pub(super) fn remarks(documents: &Documents, now: Timestamp) -> String {
    notes(&documents.remarks(now))
}

/// The same of what says no reason (P14): of documents that are looked at, not of each time they are applied.
fn unjustified(documents: &Documents) -> String {
    notes(&documents.unjustified())
}

fn notes(remarks: &[Remark]) -> String {
    let columns = std::io::stdout().is_terminal().then_some(TERMINAL);
    remarks
        .iter()
        .map(|remark| note(&remark.to_string(), columns))
        .collect()
}

/// Columns of a note on a terminal: no wider than any that people work in.
const TERMINAL: usize = 78;

fn note(remark: &str, columns: Option<usize>) -> String {
    let note = format!("Note: {}", ecluse_recordings::neutralise(remark));
    let lines = match columns {
        Some(columns) => wrap(&note, columns, 6),
        None => vec![note],
    };
    lines.into_iter().map(|line| line + "\n").collect()
}

/// `1 client`, `2 clients`.
pub(super) fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_one_line_but_on_a_terminal() {
        let remark = "clients/hopital.toml:46: flow dba: ".repeat(6);
        let lines = note(&remark, Some(TERMINAL));
        assert!(lines.lines().count() > 1);
        assert!(
            lines.lines().all(|line| line.chars().count() <= TERMINAL),
            "{lines}"
        );
        assert!(
            lines.lines().skip(1).all(|line| line.starts_with("      ")),
            "{lines}"
        );
        assert_eq!(note(&remark, None).lines().count(), 1);
    }
}
