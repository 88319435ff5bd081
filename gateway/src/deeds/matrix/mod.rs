//! The flow matrix of a client as one annexes it to a contract and reviews it: what is allowed and why, what goes against the
//! rule and until when, and beside each line what was seen of it (F7, M11, P14, P15).
//!
//! What is allowed is asked of policy, what was seen of the log ([`seen`]). Looking only.

mod reach;
mod seen;
mod written;

use std::fmt;
use std::str::FromStr;

use clap::Args;
use ecluse_policy::{ClientId, Refusal, Role, Span, Timestamp, review};
use serde::{Deserialize, Serialize};

pub(crate) use self::reach::{Reach, Reached, reach, reached};
pub(crate) use self::written::{AccountOf, DerogationOf, FlowOf, LineOf, Matrix, SeenOf, State};
use super::typed::{Unclear, What};
use super::{Ask, Undone, right};
use crate::actor::Actor;
use crate::gateway::{Applied, Gateway};
use crate::store::{Store, StoreError};

/// How far back it is looked for what was seen.
pub(crate) const DAYS: u64 = 90;

/// A form in which it is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Format {
    /// For a terminal.
    #[default]
    Table,
    /// For a spreadsheet: a row for each line.
    Csv,
    /// A page to print.
    Html,
    /// For a program.
    Json,
}

impl Format {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Table, "table"),
        (Self::Csv, "csv"),
        (Self::Html, "html"),
        (Self::Json, "json"),
    ];
}

impl FromStr for Format {
    type Err = Unclear;
    fn from_str(typed: &str) -> Result<Self, Unclear> {
        let mut all = Self::ALL.into_iter();
        let found = all.find(|(_, name)| *name == typed);
        found
            .map(|(format, _)| format)
            .ok_or_else(|| What::Format.unclear(typed))
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = Self::ALL.iter();
        let name = all.find(|(format, _)| format == self);
        f.write_str(name.map_or("", |(_, name)| name))
    }
}

/// Shows the matrix.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Show {
    /// In which form.
    #[arg(long, default_value_t)]
    #[serde(default)]
    pub(crate) format: Format,
}

impl Ask for Show {
    const ACT: &'static str = "matrix";
    const USAGE: &'static str = "matrix [--format table|csv|html|json]";
}

/// The matrix of an operator's or an auditor's client. Nobody else's.
pub(crate) async fn show(house: &Gateway, by: &Actor) -> Result<Matrix, Undone> {
    let applied = house.applied();
    let (client, now) = right(house, by, Show::ACT, reader(by, &applied)).await?;
    let found = matrix(&house.store, &applied, &client, now).await?;
    // It was asked of the documents a moment ago: it is there.
    found.ok_or(Undone::Refused(Refusal::NotAnOperator))
}

/// Whose matrix somebody may read, and when that was asked.
fn reader(by: &Actor, applied: &Applied) -> Result<(ClientId, Timestamp), Refusal> {
    if let Role::Auditor { .. } = by.authenticated.role() {
        let auditor = by.as_auditor(applied)?;
        return Ok((auditor.client().clone(), auditor.now()));
    }
    let operator = by.as_operator(applied)?;
    Ok((operator.client().clone(), operator.now()))
}

/// The matrix of a client at `now`; none where there is no such client.
///
/// # Errors
/// The store failed.
pub(crate) async fn matrix(
    store: &Store,
    applied: &Applied,
    client: &ClientId,
    now: Timestamp,
) -> Result<Option<Matrix>, StoreError> {
    let documents = &applied.documents;
    let Some(client) = documents.client(client) else {
        return Ok(None);
    };
    let from = now.minus(Span::from_hours(24 * DAYS));
    let flows = review::flows(documents, client);
    let seen = seen::seen(store, documents, client, from).await?;
    let since = seen::since(store, client, flows, from).await?;
    let document = store.document_of(applied.version, &client.file).await?;
    let credentials = store.credentials().await?;
    let credentials: Vec<_> = credentials
        .into_iter()
        .filter(|one| client.targets.iter().any(|target| target.id == one.target))
        .collect();
    let facts = written::Facts {
        seen,
        since,
        document,
        credentials,
        from,
        now,
    };
    Ok(Some(written::matrix(applied, client, facts)))
}
