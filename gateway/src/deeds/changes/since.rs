//! From where on an operator is told what changed: from where they were told last, else from when they first came.

use ecluse_policy::{AsOperator, Timestamp};

use super::{BACK, Begin, UNREAD, UpTo};
use crate::actor::Actor;
use crate::audit::{AuditKind, StoredAuditRecord};
use crate::gateway::Gateway;
use crate::store::{AuditQuery, StoreError, Stretches};

/// Since when somebody was not told.
pub(super) enum Since {
    /// Since they were told, up to this entry.
    Told(UpTo),
    /// They never were; since they came for the first time, or a while ago.
    Came(Timestamp),
}

/// From where on somebody is told; nothing is old for whom no word of it is on record.
pub(super) async fn since(
    house: &Gateway,
    by: &Actor,
    operator: &AsOperator<'_>,
) -> Result<Option<Since>, StoreError> {
    let theirs = |kind| AuditQuery {
        client: Some(operator.client().clone()),
        person: Some(by.person().to_string()),
        kinds: vec![kind],
        ..AuditQuery::default()
    };
    let told = AuditQuery {
        latest_first: true,
        limit: Some(1),
        ..theirs(AuditKind::ChangesTold)
    };
    let destroyed = destroyed(house, operator).await?;
    if let Some(StoredAuditRecord { seq, record, .. }) = house.store.audit(&told).await?.first() {
        let upto = record.detail.get("up-to").and_then(|upto| upto.as_u64());
        let unread = record.detail.get(UNREAD).and_then(|unread| unread.as_str());
        // One that is dated ahead outlives later ones: when they were told last is not known then.
        let (at, begin) = match destroyed {
            Some((upto, before)) if upto > *seq => (record.at.min(before), Begin::Removed),
            Some(_) | None => (record.at, Begin::Told),
        };
        return Ok(Some(Since::Told(UpTo {
            seq: upto.unwrap_or_default(),
            at,
            begin,
            away: Stretches::parse(unread.unwrap_or_default()),
        })));
    }
    let came = AuditQuery {
        limit: Some(2),
        ..theirs(AuditKind::LogOn)
    };
    let here = by.connection.to_string();
    let before = house.store.audit(&came).await?;
    let first = before.iter().map(|stored| &stored.record).find(|record| {
        let connection = record.detail.get("connection");
        connection.and_then(|id| id.as_str()) != Some(here.as_str())
    });
    let back = operator.now().minus(BACK);
    match first {
        Some(record) => Ok(Some(Since::Came(record.at.max(back)))),
        // Of whom nothing is on record there may have been words that retention took: told is what came after those. Where it
        // took none, they come for the first time.
        None => Ok(destroyed.map(|(seq, at)| {
            Since::Told(UpTo {
                seq,
                at,
                begin: Begin::Removed,
                away: Stretches::default(),
            })
        })),
    }
}

/// Up to which entry retention took words of the client's last, and of before when.
async fn destroyed(
    house: &Gateway,
    operator: &AsOperator<'_>,
) -> Result<Option<(u64, Timestamp)>, StoreError> {
    let taken = AuditQuery {
        client: Some(operator.client().clone()),
        kinds: vec![AuditKind::EntriesDestroyed],
        latest_first: true,
        limit: Some(1),
        ..AuditQuery::default()
    };
    let found = house.store.audit(&taken).await?;
    let Some(StoredAuditRecord { record, .. }) = found.first() else {
        return Ok(None);
    };
    let seq = record.detail.get("up-to").and_then(|upto| upto.as_u64());
    let before = record.detail.get("before").and_then(|at| at.as_str());
    let before = before.and_then(|at| Timestamp::parse(at).ok());
    Ok(Some((seq.unwrap_or_default(), before.unwrap_or(record.at))))
}
