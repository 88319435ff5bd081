//! The register of what was transferred: a client's receipts, the latest first, or one of them (P10, MJ 4.8).

use std::collections::VecDeque;

use clap::Args;
use ecluse_policy::{ClientId, PersonId, Refusal, Role, TargetId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::actor::Actor;
use crate::audit::AuditKind;
use crate::deeds::typed::{self, Way};
use crate::deeds::{Ask, Subject, Undone, no_such, right};
use crate::gateway::{Applied, Gateway};
use crate::receipts::{Receipt, read};
use crate::store::{AuditQuery, StoreError};

/// Receipts that are listed at once.
pub(crate) const LISTED: usize = 50;
/// And that are written out at once.
const WRITTEN: usize = 100_000;
/// Entries that are read at once.
const PAGE: u32 = 1_000;

/// Lists receipts of files, or shows one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Receipts {
    /// This one alone.
    #[arg(id = "receipt", value_parser = typed::session)]
    #[serde(default)]
    pub(crate) number: Option<u64>,
    /// Of this person alone.
    #[arg(long, value_parser = typed::person)]
    #[serde(default)]
    pub(crate) person: Option<PersonId>,
    /// On this target alone.
    #[arg(long, value_parser = typed::target)]
    #[serde(default)]
    pub(crate) target: Option<TargetId>,
    /// One way alone.
    #[arg(long)]
    #[serde(default)]
    pub(crate) way: Option<Way>,
    /// From then on; read at the act.
    #[arg(long)]
    #[serde(default)]
    pub(crate) since: Option<String>,
    /// Before; read at the act.
    #[arg(long)]
    #[serde(default)]
    pub(crate) until: Option<String>,
    /// All of them, the first one first, as CSV.
    #[arg(long)]
    #[serde(default)]
    pub(crate) csv: bool,
}

impl Ask for Receipts {
    const ACT: &'static str = "receipts";
    const USAGE: &'static str =
        "receipts [N] [--person P] [--target T] [--way out|in] [--since D] [--until D] [--csv]";
}

/// Receipts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listed {
    /// The latest first; of what is written out, the first.
    pub(crate) receipts: Vec<Receipt>,
    /// Whether there are more.
    pub(crate) more: bool,
    /// Where the client's days begin.
    pub(crate) zone: String,
}

/// The receipts of an operator's or an auditor's client. Looking only.
pub(crate) async fn receipts(
    house: &Gateway,
    by: &Actor,
    ask: &Receipts,
) -> Result<Listed, Undone> {
    let applied = house.applied();
    let (client, now) = right(house, by, Receipts::ACT, reader(by, &applied)).await?;
    let moment = |typed: &Option<String>| {
        let typed = typed.as_deref();
        typed.map(|typed| typed::past(typed, now)).transpose()
    };
    let query = AuditQuery {
        client: Some(client.clone()),
        kinds: vec![AuditKind::Receipt],
        person: ask.person.as_ref().map(ToString::to_string),
        target: ask.target.clone(),
        from: moment(&ask.since)?,
        until: moment(&ask.until)?,
        limit: Some(PAGE),
        ..AuditQuery::default()
    };
    let most = match (ask.number, ask.csv) {
        (Some(_), _) => 1,
        (None, true) => WRITTEN,
        (None, false) => LISTED,
    };
    let is_meant = |one: &Receipt| {
        ask.number.is_none_or(|number| number == one.number)
            && ask.way.is_none_or(|Way(way)| way == one.way)
    };
    let is_first = ask.csv;
    let bound = (most.saturating_add(1), is_first);
    let mut receipts = found(house, query, bound, is_meant).await?;
    if !is_first {
        receipts.make_contiguous().reverse();
    }
    if let (Some(number), true) = (ask.number, receipts.is_empty()) {
        return Err(no_such(house, by, Receipts::ACT, Subject::Receipt(number)).await);
    }
    let more = receipts.len() > most;
    receipts.truncate(most);
    let documents = &applied.documents;
    let zone = documents.client(&client);
    let zone = zone.map_or_else(String::new, |client| client.days_of().to_string());
    Ok(Listed {
        receipts: receipts.into(),
        more,
        zone,
    })
}

/// Whose receipts somebody may read, and when that was asked.
fn reader(by: &Actor, applied: &Applied) -> Result<(ClientId, Timestamp), Refusal> {
    if let Role::Auditor { .. } = by.authenticated.role() {
        let auditor = by.as_auditor(applied)?;
        return Ok((auditor.client().clone(), auditor.now()));
    }
    let operator = by.as_operator(applied)?;
    Ok((operator.client().clone(), operator.now()))
}

/// The first of them, or the last, in their order.
async fn found(
    house: &Gateway,
    mut query: AuditQuery,
    (most, is_first): (usize, bool),
    is_meant: impl Fn(&Receipt) -> bool,
) -> Result<VecDeque<Receipt>, StoreError> {
    let mut all = VecDeque::new();
    loop {
        let page = house.store.audit(&query).await?;
        let Some(last) = page.last().map(|stored| stored.seq) else {
            return Ok(all);
        };
        query.after = Some(last);
        for one in page.iter().filter_map(read).filter(|one| is_meant(one)) {
            if all.len() >= most {
                if is_first {
                    return Ok(all);
                }
                all.pop_front();
            }
            all.push_back(one);
        }
    }
}
