//! What is granted and allowed on one target: each flow of the matrix by its own conditions, and until when.

use crate::capability::Capability;
use crate::documents::Documents;
use crate::identity::Presence;
use crate::intervention::Grant;
use crate::matrix::flows_for;
use crate::name::{AccountName, FlowName, TargetId};
use crate::time::Timestamp;

/// One thing that is granted and that one flow allows. **Range**: `closes_at` excluded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) capability: Capability,
    pub(super) flow: FlowName,
    pub(super) closes_at: Timestamp,
}

/// What is granted and allowed on one target as one account.
pub(super) struct Rules {
    /// What is open now.
    pub(super) open: Vec<Rule>,
    /// When the first of those that are closed at this hour opens; the far future where that is not known.
    pub(super) opens_at: Option<Timestamp>,
}

impl Rules {
    #[expect(
        clippy::too_many_arguments,
        reason = "everything a right depends on stands here, and nowhere else"
    )]
    pub(super) fn of(
        documents: &Documents,
        presence: &Presence,
        target: &TargetId,
        account: &AccountName,
        granted: &Grant,
        approvals: usize,
        window_closes_at: Timestamp,
        now: Timestamp,
    ) -> Self {
        let Grant {
            scope,
            starts_at,
            length,
            latest_end: _, // `window_closes_at` is never behind it
        } = granted;
        let mut rules = Self {
            open: Vec::new(),
            opens_at: None,
        };
        for flow in flows_for(documents, presence.person(), target, account) {
            // Each flow by its own conditions: one never stands in for another's (see `matrix`).
            let enough = usize::try_from(flow.approval.by).is_ok_and(|by| by <= approvals);
            if !enough || *length > flow.approval.at_most {
                continue;
            }
            let capabilities: Vec<Capability> = scope
                .capabilities
                .iter()
                .flat_map(|granted| {
                    flow.allow
                        .iter()
                        .filter_map(|allowed| granted.common(allowed))
                })
                .collect();
            if capabilities.is_empty() {
                continue;
            }
            if !flow.hours.open_at(now) {
                let opens_at = flow.hours.opens_after(now).unwrap_or(Timestamp::MAX);
                rules.opens_at = Some(
                    rules
                        .opens_at
                        .map_or(opens_at, |earlier| earlier.min(opens_at)),
                );
                continue;
            }
            let closes_at = flow
                .hours
                .closes_after(now)
                .unwrap_or(Timestamp::MAX)
                .min(starts_at.plus(flow.approval.at_most))
                .min(window_closes_at);
            if now < closes_at {
                let rule = |capability| Rule {
                    capability,
                    flow: flow.name.clone(),
                    closes_at,
                };
                rules.open.extend(capabilities.into_iter().map(rule));
            }
        }
        rules
    }
}
