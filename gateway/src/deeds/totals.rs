//! What left and entered through one intervention, and what was done about it, as the log has it (X1, X3).

use ecluse_policy::Intervention;
use serde::{Deserialize, Serialize};

use crate::audit::{AuditKind, AuditRecord};
use crate::gateway::Gateway;
use crate::live::presence::{self, Presence};
use crate::store::{AuditQuery, StoreError};

/// The sums of an intervention. **Unit** of bytes: payload bytes, from the target and towards it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Totals {
    /// Sessions that began.
    pub(crate) sessions: u64,
    /// Those of them whose end is on record: only these are counted.
    pub(crate) ended: u64,
    /// All that passed.
    pub(crate) all: [u64; 2],
    /// What of it on shells.
    pub(crate) shells: [u64; 2],
    /// What of it on commands.
    pub(crate) commands: [u64; 2],
    /// How often a budget was used up.
    pub(crate) limits: u64,
    /// How often operators added.
    pub(crate) topped_up: u64,
    /// How often they held a session by hand.
    pub(crate) held: u64,
    /// How often they slowed one.
    pub(crate) slowed: u64,
    /// How often they cut one.
    pub(crate) cut: u64,
    /// How often a session that is to be accompanied was left alone.
    pub(crate) left_alone: u64,
    /// Who accompanied which, from when to when.
    pub(crate) accompanied: Vec<Presence>,
}

impl Totals {
    fn add(&mut self, record: &AuditRecord) {
        let one = |count: &mut u64| *count += 1;
        let kind = record.kind;
        if kind == AuditKind::SessionStart {
            one(&mut self.sessions);
        } else if kind == AuditKind::SessionEnd {
            one(&mut self.ended);
            let count = |key| record.detail.get(key).and_then(|value| value.as_u64());
            let both = |key| {
                let both = record.detail.get(key).and_then(|value| value.as_array());
                let mut both = both.into_iter().flatten().filter_map(|one| one.as_u64());
                [both.next().unwrap_or(0), both.next().unwrap_or(0)]
            };
            let all = ["to-technician", "to-target"].map(|key| count(key).unwrap_or(0));
            add(&mut self.all, all);
            add(&mut self.shells, both("shells"));
            add(&mut self.commands, both("commands"));
        } else if kind == AuditKind::Extraction {
            // A warning is no end.
            if record.reason.as_deref() != Some("warn") {
                one(&mut self.limits);
            }
        } else if kind == AuditKind::TopUp {
            one(&mut self.topped_up);
        } else if kind == AuditKind::Hold {
            one(&mut self.held);
        } else if kind == AuditKind::Slow {
            if record.detail.contains_key("rate") {
                one(&mut self.slowed);
            }
        } else if kind == AuditKind::Cut {
            one(&mut self.cut);
        }
    }
}

fn add(sum: &mut [u64; 2], more: [u64; 2]) {
    for (sum, more) in sum.iter_mut().zip(more) {
        *sum = sum.saturating_add(more);
    }
}

/// The sums of an intervention.
///
/// # Errors
/// The store failed.
pub(crate) async fn totals(house: &Gateway, of: &Intervention) -> Result<Totals, StoreError> {
    let (intervention, requested_at) = (of.id(), of.request().requested_at);
    const LOOKED_FOR: [&[AuditKind]; 2] = [
        &[
            AuditKind::SessionStart,
            AuditKind::SessionEnd,
            AuditKind::Extraction,
            AuditKind::TopUp,
            AuditKind::Cut,
        ],
        &[AuditKind::Hold, AuditKind::Slow],
    ];
    let mut totals = Totals::default();
    for kinds in LOOKED_FOR {
        let query = AuditQuery {
            intervention: Some(intervention),
            kinds: kinds.to_vec(),
            limit: Some(u32::MAX),
            ..AuditQuery::default()
        };
        for stored in house.store.audit(&query).await? {
            totals.add(&stored.record);
        }
    }
    let presences = presence::of(&house.store, intervention, None, requested_at).await?;
    totals.left_alone = presences.left;
    totals.accompanied = presences.all;
    Ok(totals)
}

#[cfg(test)]
mod tests {
    use ecluse_policy::Timestamp;

    use super::*;

    /// X3: sums add up over sessions, those from before channels were told apart too; a warning and an end of slowing are no act.
    #[test]
    fn x3_sums_of_an_intervention_add_up() {
        let record = |kind| AuditRecord::new(kind, Timestamp::from_micros(0));
        let end = |down: u64, up: u64| {
            record(AuditKind::SessionEnd)
                .detail("to-technician", down)
                .detail("to-target", up)
        };
        let mut totals = Totals::default();
        for one in [
            record(AuditKind::SessionStart),
            record(AuditKind::SessionStart),
            record(AuditKind::SessionStart),
            end(100, 7),
            end(60, 5)
                .detail("shells", vec![10, 2])
                .detail("commands", vec![50, 3]),
            record(AuditKind::Extraction).reason("warn"),
            record(AuditKind::Extraction).reason("limit"),
            record(AuditKind::Extraction).reason("ceiling"),
            record(AuditKind::TopUp),
            record(AuditKind::Hold),
            record(AuditKind::Slow).detail("rate", 1024),
            record(AuditKind::Slow),
            record(AuditKind::Cut),
            record(AuditKind::Permit),
        ] {
            totals.add(&one);
        }
        let expected = Totals {
            sessions: 3,
            ended: 2,
            all: [160, 12],
            shells: [10, 2],
            commands: [50, 3],
            limits: 2,
            topped_up: 1,
            held: 1,
            slowed: 1,
            cut: 1,
            ..Totals::default()
        };
        assert_eq!(totals, expected);
    }
}
