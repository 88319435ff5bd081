//! The register of what was transferred: a client's receipts, the latest first, or one of them (P10, MJ 4.8).

use clap::Args;
use ecluse_policy::{ClientId, InterventionNumber, PersonId, Refusal, Role, TargetId, Timestamp};
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
    /// Of this intervention alone.
    #[arg(long, value_parser = typed::number)]
    #[serde(default)]
    pub(crate) intervention: Option<InterventionNumber>,
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
    const USAGE: &'static str = "receipts [N] [--person P] [--target T] [--intervention N] [--way out|in] [--since D] [--until D] [--csv]";
}

impl Receipts {
    /// Whether it is asked for, of those that entries are found by.
    fn means(&self, one: &Receipt) -> bool {
        self.number.is_none_or(|number| number == one.number)
            && self
                .intervention
                .is_none_or(|number| number.0 == one.intervention)
            && self.way.is_none_or(|Way(way)| way == one.way)
    }
}

/// Receipts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// The latest first; of what is written out, the first.
    pub(crate) receipts: Vec<Receipt>,
    /// Where those follow that are more.
    pub(crate) more: Option<Rest>,
    /// Where the client's days begin.
    pub(crate) zone: String,
}

/// What was not read yet of what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rest {
    /// Behind this entry.
    after: u64,
    /// When it was asked for: what was typed of times is of then.
    asked: Timestamp,
}

/// The receipts of an operator's or an auditor's client: the latest, or one of them, or what is written out piece by piece, each
/// where the one before ends. Looking only.
pub(crate) async fn receipts(
    house: &Gateway,
    by: &Actor,
    ask: &Receipts,
    rest: Option<Rest>,
) -> Result<Listed, Undone> {
    let applied = house.applied();
    let (client, now) = right(house, by, Receipts::ACT, reader(by, &applied)).await?;
    let asked = rest.map_or(now, |rest| rest.asked);
    let moment = |typed: &Option<String>| {
        let typed = typed.as_deref();
        typed.map(|typed| typed::past(typed, asked)).transpose()
    };
    let query = AuditQuery {
        client: Some(client.clone()),
        kinds: vec![AuditKind::Receipt],
        person: ask.person.as_ref().map(ToString::to_string),
        target: ask.target.clone(),
        from: moment(&ask.since)?,
        until: moment(&ask.until)?,
        after: rest.map(|rest| rest.after),
        limit: Some(PAGE),
        ..AuditQuery::default()
    };
    let (receipts, after) = match (ask.number, ask.csv) {
        (None, true) => in_order(house, query, ask).await?,
        (Some(_), _) | (None, false) => latest(house, query, ask).await?,
    };
    if let (Some(number), true) = (ask.number, receipts.is_empty()) {
        return Err(no_such(house, by, Receipts::ACT, Subject::Receipt(number)).await);
    }
    let zone = applied.documents.client(&client);
    let zone = zone.map_or_else(String::new, |client| client.days_of().to_string());
    Ok(Listed {
        receipts,
        more: after.map(|after| Rest { after, asked }),
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

/// One page of them, in their order, and the entry behind which there may be more.
async fn in_order(
    house: &Gateway,
    query: AuditQuery,
    ask: &Receipts,
) -> Result<(Vec<Receipt>, Option<u64>), StoreError> {
    let page = house.store.audit(&query).await?;
    let all = page.iter().filter_map(read).filter(|one| ask.means(one));
    Ok((all.collect(), page.last().map(|last| last.seq)))
}

/// The latest of them, that one first, or the one of a number; and the last entry shown, where there are more.
async fn latest(
    house: &Gateway,
    mut query: AuditQuery,
    ask: &Receipts,
) -> Result<(Vec<Receipt>, Option<u64>), StoreError> {
    query.latest_first = true;
    let mut all: Vec<Receipt> = Vec::new();
    loop {
        let page = house.store.audit(&query).await?;
        let Some(last) = page.last().map(|stored| stored.seq) else {
            return Ok((all, None));
        };
        query.before = Some(last);
        for one in page.iter().filter_map(read) {
            // Numbers only grow.
            if ask.number.is_some_and(|number| one.number < number) {
                return Ok((all, None));
            }
            if !ask.means(&one) {
                continue;
            }
            if all.len() == LISTED {
                return Ok((all, query.before));
            }
            all.push(one);
            if ask.number.is_some() {
                return Ok((all, None));
            }
        }
    }
}
