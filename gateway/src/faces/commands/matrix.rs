//! `ecluse matrix` and `ecluse reach`: what may pass and what was seen of it, and who reaches what.

use std::io::IsTerminal as _;

use clap::Args;
use ecluse_policy::{ClientId, Lang, PersonId, TargetId};

use super::in_force;
use crate::clock;
use crate::deeds::matrix::{self, Format, Reach};
use crate::faces::commands::out::outln;
use crate::faces::sheet;
use crate::store::Store;
use crate::texts::Texts;

/// Print the flow matrix of a client as one annexes it to a contract: every line with its reason, its derogations with owner and end, and
/// beside each line what was seen of it in the last 90 days.
///
/// Lines that nobody used in that time are marked as dead, or "not yet" where they have not stood there for so long; flows, accounts and
/// credentials without a reason (`why`, `credential-why` in the document) are named. `table` and `html` are in the client's language;
/// `csv` and `json` have English names, and no spreadsheet computes what stands in them. The page needs no network and is made to be printed.
/// Its operators and auditors read theirs by `ssh PERSON@GATEWAY matrix`.
#[derive(Debug, Args)]
pub(super) struct Matrix {
    /// Whose; every client's in turn, without it.
    #[arg(long, value_name = "C", value_parser = ClientId::parse)]
    client: Option<ClientId>,
    /// table, csv, html or json; of several clients, csv, html and json need --client.
    #[arg(long, value_name = "FORMAT", default_value_t)]
    format: Format,
    /// fr or en, in place of the client's language.
    #[arg(long, value_name = "LANG", value_parser = Lang::parse)]
    lang: Option<Lang>,
}

impl Matrix {
    pub(super) async fn run(&self, store: &Store) -> anyhow::Result<()> {
        let applied = in_force(store).await?;
        let clients: Vec<ClientId> = match &self.client {
            Some(client) => vec![client.clone()],
            None => applied.documents.clients().keys().cloned().collect(),
        };
        anyhow::ensure!(
            clients.len() <= 1 || self.format == Format::Table,
            "there are {} clients: name one with --client, since each has a matrix of its own",
            clients.len()
        );
        let texts = Texts::load()?;
        for (nth, client) in clients.iter().enumerate() {
            let found = matrix::matrix(store, &applied, client, clock::now()).await?;
            let Some(found) = found else {
                anyhow::bail!("no document is of a client {client}");
            };
            if nth > 0 {
                outln!("");
            }
            let lang = self.lang.unwrap_or(found.lang);
            for line in sheet::written(&texts, lang, &found, self.format, columns()) {
                outln!("{line}");
            }
        }
        Ok(())
    }
}

/// List everything that a person can reach, or with --target everybody who can reach it: accounts, lines, hours, stations, ends, and what bars it
/// now.
///
/// It speaks of the documents in force; an approved intervention is needed besides, always.
#[derive(Debug, Args)]
pub(super) struct ReachOf {
    /// The person's id.
    #[arg(value_name = "PERSON", value_parser = PersonId::parse, required_unless_present = "target")]
    person: Option<PersonId>,
    /// The target's id; with a person too, that person there.
    #[arg(long, value_name = "T", value_parser = TargetId::parse)]
    target: Option<TargetId>,
    /// fr or en.
    #[arg(long, value_name = "LANG", value_parser = Lang::parse, default_value = "en")]
    lang: Lang,
}

impl ReachOf {
    pub(super) async fn run(&self, store: &Store) -> anyhow::Result<()> {
        let applied = in_force(store).await?;
        let ask = Reach {
            person: self.person.clone(),
            target: self.target.clone(),
        };
        let found = matrix::reached(&applied.documents, &ask, None, clock::now());
        let Some(found) = found else {
            anyhow::bail!("no technician and no target of the documents has this name");
        };
        let texts = Texts::load()?;
        for line in sheet::reached(&texts, self.lang, &found, columns()) {
            outln!("{line}");
        }
        Ok(())
    }
}

/// The columns of the terminal, or of what is kept.
fn columns() -> usize {
    let out = std::io::stdout();
    let size = out
        .is_terminal()
        .then(|| rustix::termios::tcgetwinsize(&out).ok());
    let columns = size.flatten().map(|size| usize::from(size.ws_col));
    columns
        .filter(|columns| *columns > 0)
        .unwrap_or(sheet::COLUMNS)
}
