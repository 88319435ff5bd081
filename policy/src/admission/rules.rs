//! What is granted and allowed on one target: each flow of the matrix by its own conditions, and until when.

use std::cell::LazyCell;
use std::sync::Arc;

use crate::accompaniment::Accompanied;
use crate::capability::Capability;
use crate::documents::Documents;
use crate::extraction::Budgets;
use crate::identity::Presence;
use crate::intervention::Grant;
use crate::matrix::flows_for;
use crate::name::{AccountName, FlowName, TargetId};
use crate::time::{Span, Timestamp};
use crate::verdict::EndReason;

/// One thing that is granted and that one flow allows. **Range**: `closes_at` excluded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) capability: Capability,
    /// The line of the matrix, as it is written.
    pub(super) line: String,
    pub(super) flow: FlowName,
    /// Whether a terminal comes with it.
    pub(super) terminal: bool,
    /// When the line is over, where it is a derogation. `closes_at` is never behind it.
    pub(super) over_at: Option<Timestamp>,
    /// When its flow's hours close, where they do. `closes_at` is never behind it.
    pub(super) hours_close_at: Option<Timestamp>,
    pub(super) closes_at: Timestamp,
    /// How much may pass by it.
    pub(super) budgets: Arc<Budgets>,
    /// After how long without anybody what it opened ends.
    pub(super) idle: Option<Span>,
    /// Whether an operator has to watch what it opened.
    pub(super) accompanied: Option<Accompanied>,
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
            bytes,
        } = granted;
        let mut rules = Self {
            open: Vec::new(),
            opens_at: None,
        };
        let Some((client, place)) = documents.target(target) else {
            return rules;
        };
        for flow in flows_for(documents, presence.person(), target, account) {
            // Each flow by its own conditions: one never stands in for another's (see `matrix`).
            let enough = usize::try_from(flow.approval.by()).is_ok_and(|by| by <= approvals);
            let lasts_until = flow.approval.closes_at(*starts_at, *length, now);
            let (true, Some(lasts_until)) = (enough, lasts_until) else {
                continue;
            };
            // Of those flows alone that give something.
            let budgets =
                LazyCell::new(|| Arc::new(documents.budgets(client, place, flow, *bytes, now)));
            let mut open: Vec<Rule> = Vec::new();
            for granted in &scope.capabilities {
                for entry in &flow.allow {
                    let common = entry.at(now).and_then(|allowed| granted.common(allowed));
                    open.extend(common.map(|capability| {
                        Rule {
                            capability,
                            line: entry.line(),
                            flow: flow.name.clone(),
                            terminal: entry.terminal(),
                            over_at: entry.ends_at(),
                            hours_close_at: flow.hours.closes_after(now),
                            closes_at: lasts_until
                                .min(window_closes_at)
                                .min(entry.ends_at().unwrap_or(Timestamp::MAX)),
                            budgets: Arc::clone(&budgets),
                            idle: flow.idle,
                            accompanied: flow.approval.accompanied(),
                        }
                    }));
                }
            }
            if open.is_empty() {
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
            rules.open.extend(
                open.into_iter()
                    .map(|rule| Rule {
                        closes_at: rule
                            .closes_at
                            .min(rule.hours_close_at.unwrap_or(Timestamp::MAX)),
                        ..rule
                    })
                    .filter(|rule| now < rule.closes_at),
            );
        }
        rules
    }
}

impl Rule {
    /// Whether it gives all of what another rule gave: as much, as long, and the terminal where there is one.
    pub(super) fn covers(
        &self,
        capability: &Capability,
        closes_at: Timestamp,
        terminal: bool,
    ) -> bool {
        self.capability.includes(capability)
            && closes_at <= self.closes_at
            && (self.terminal || !terminal)
    }

    /// What is over at `closes_at`. A derogation is told before what else ends with it: only its client can lift that.
    pub(super) fn end(&self) -> EndReason {
        let closed_at = self.closes_at;
        if self.over_at == Some(closed_at) {
            EndReason::DerogationOver {
                line: self.line.clone(),
                line_of: self.flow.clone(),
                over_at: closed_at,
            }
        } else if self.hours_close_at == Some(closed_at) {
            EndReason::HoursOver {
                line_of: self.flow.clone(),
                closed_at,
            }
        } else {
            EndReason::WindowOver { closed_at }
        }
    }
}
