//! From where on alerts are looked for. What was told is known by the place of its entry in the log, and not by its time: an
//! entry is dated before it stands there, so that whoever looked in between would never be told of it.

use ecluse_policy::{AsOperator, ClientId, Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::PAGE;
use crate::audit::{AuditKind, AuditRecord};
use crate::gateway::Gateway;
use crate::store::{AuditQuery, StoreError};

/// What is kept beside the log is dated at most so long before it can be read.
const WRITTEN_WITHIN: Span = Span::from_secs(60);

/// Up to where somebody was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpTo {
    /// The last entry.
    seq: u64,
    /// What is no entry, up to then.
    pub(super) at: Timestamp,
}

/// What there is already is no news.
pub(crate) async fn up_to_now(house: &Gateway, by: &AsOperator<'_>) -> Result<UpTo, StoreError> {
    let query = AuditQuery {
        client: Some(by.client().clone()),
        latest_first: true,
        limit: Some(1),
        ..AuditQuery::default()
    };
    let found = house.store.audit(&query).await?;
    Ok(UpTo {
        seq: found.first().map_or(0, |stored| stored.seq),
        at: by.now(),
    })
}

/// From where on it is looked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Since {
    /// From a time on.
    Time(Timestamp),
    /// After what somebody was told.
    Told(UpTo),
}

impl Since {
    /// The time, for what is kept beside the log.
    pub(super) fn beside_the_log(self) -> Timestamp {
        match self {
            Self::Time(at) => at,
            Self::Told(upto) => upto.at.minus(WRITTEN_WITHIN),
        }
    }
}

/// Every record of these kinds, in order: what is told of them is chosen afterwards, when all of them are known.
pub(super) async fn all_of(
    house: &Gateway,
    client: &ClientId,
    kinds: &[AuditKind],
    from: Since,
) -> Result<Vec<AuditRecord>, StoreError> {
    let (from, after) = match from {
        Since::Time(at) => (Some(at), None),
        Since::Told(upto) => (None, Some(upto.seq)),
    };
    let mut query = AuditQuery {
        client: Some(client.clone()),
        kinds: kinds.to_vec(),
        from,
        after,
        limit: Some(PAGE),
        ..AuditQuery::default()
    };
    let mut all = Vec::new();
    loop {
        let page = house.store.audit(&query).await?;
        let Some(last) = page.last() else {
            return Ok(all);
        };
        query.after = Some(last.seq);
        all.extend(page.into_iter().map(|stored| stored.record));
    }
}

/// What ended since the first of these, of these kinds: apart, because what people are told of is found by the entries themselves.
pub(super) async fn ends_since(
    house: &Gateway,
    client: &ClientId,
    ends: &[AuditKind],
    of: &[AuditRecord],
) -> Result<Vec<AuditRecord>, StoreError> {
    match of.first() {
        Some(first) => all_of(house, client, ends, Since::Time(first.at)).await,
        None => Ok(Vec::new()),
    }
}

/// Whether one is of the session of another, and not before it.
pub(super) fn ended_since(found: &AuditRecord, since: &AuditRecord) -> bool {
    since.at >= found.at && found.session.is_some() && since.session == found.session
}
