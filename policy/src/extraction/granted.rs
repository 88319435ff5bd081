//! The budgets of what an intervention grants, for whoever looks where they stand.

use super::Budgets;
use crate::documents::Documents;
use crate::intervention::{Grant, Intervention, State};
use crate::matrix::flows_for;
use crate::name::TargetId;
use crate::time::Timestamp;

/// The budgets by which something of an intervention may pass that is approved or open: those of each flow on each of its
/// targets, each once. None of one that is over, or waits for its answer.
#[must_use]
pub fn granted_budgets(
    documents: &Documents,
    intervention: &Intervention,
    now: Timestamp,
) -> Vec<(TargetId, Budgets)> {
    let granted: &Grant = match intervention.state() {
        State::Approved { granted } | State::Open { granted, .. } => granted,
        State::Requested
        | State::Refused { .. }
        | State::Expired { .. }
        | State::Closed { .. }
        | State::Cancelled { .. } => return Vec::new(),
    };
    let person = &intervention.request().person;
    let mut all: Vec<(TargetId, Budgets)> = Vec::new();
    for id in &granted.scope.targets {
        let Some((client, target)) = documents.target(id) else {
            continue;
        };
        for account in &granted.scope.accounts {
            for flow in flows_for(documents, person, id, account) {
                let budgets = documents.budgets(client, target, flow, granted.bytes, now);
                let one = (id.clone(), budgets);
                if !all.contains(&one) {
                    all.push(one);
                }
            }
        }
    }
    all
}
