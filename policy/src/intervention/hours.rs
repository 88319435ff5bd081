//! Whether the hours of the flows behind a request are those of its period: told when it is asked, and not after two yeses.

use std::collections::BTreeSet;

use super::{Intervention, State};
use crate::capability::Capability;
use crate::documents::{Documents, Flow};
use crate::flow::{Narrowing, Scope};
use crate::matrix::{allowed, conditions, flows_for};
use crate::name::{FlowName, PersonId, TargetId};
use crate::schedule::Schedule;
use crate::time::{Span, Timestamp};
use crate::verdict::Refusal;

/// A flow behind an intervention whose hours are not those of its period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShortHours {
    /// The flow.
    pub flow: FlowName,
    /// Where it counts: on the others something else gives as much.
    pub targets: BTreeSet<TargetId>,
    /// Its hours.
    pub hours: Schedule,
    /// How much of the period is left by them.
    pub within: Within,
}

/// How the hours of a flow stand to a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// It does not open before the end.
    Never {
        /// When it opens, where that is known.
        opens_at: Option<Timestamp>,
        /// The end. **Range**: excluded.
        ends_at: Timestamp,
    },
    /// It opens behind the beginning.
    Later {
        /// When.
        opens_at: Timestamp,
    },
    /// It is open at the beginning, and closes before the length is over.
    Shorter {
        /// When.
        closes_at: Timestamp,
    },
}

/// When something may be used: for `length` from the first use, which is not before `from`, and not from `until` on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Period {
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
    pub(super) length: Span,
}

impl Intervention {
    /// The flows behind it whose hours are not those of its period, as it would be if it were approved at `now`, or as it
    /// was approved. None where it does not wait to be used.
    #[must_use]
    pub fn short_hours(&self, documents: &Documents, now: Timestamp) -> Vec<ShortHours> {
        let person = &self.request.person;
        match &self.state {
            State::Requested => {
                let left = self.left_after(&Narrowing::default());
                let Ok(left) = left else {
                    return Vec::new();
                };
                let conditions = conditions(documents, person, &left.scope, left.length, now);
                let Ok(conditions) = conditions else {
                    return Vec::new();
                };
                let from = self.starts_at(now);
                let period = Period {
                    from,
                    until: from.plus(conditions.at_most),
                    length: left.length,
                };
                let approvals = conditions.by;
                short_hours(documents, person, &left.scope, period, approvals, now).1
            }
            State::Approved { granted } => {
                let period = Period {
                    from: granted.starts_at.max(now),
                    until: granted.latest_end,
                    length: granted.length,
                };
                let approvals = u32::try_from(self.approvals.len()).unwrap_or(u32::MAX);
                short_hours(documents, person, &granted.scope, period, approvals, now).1
            }
            State::Refused { .. }
            | State::Expired { .. }
            | State::Open { .. }
            | State::Closed { .. }
            | State::Cancelled { .. } => Vec::new(),
        }
    }
}

/// That some flow behind a request is open at some time of `period`.
///
/// # Errors
/// [`Refusal::NeverOpen`], where it is known when the first of them opens: nobody answers what nobody could use.
pub(super) fn some_time(
    documents: &Documents,
    person: &PersonId,
    scope: &Scope,
    period: Period,
    approvals: u32,
    now: Timestamp,
) -> Result<(), Refusal> {
    let (flows, short) = short_hours(documents, person, scope, period, approvals, now);
    if short.len() < flows {
        return Ok(());
    }
    let mut first: Option<Timestamp> = None;
    for ShortHours { within, .. } in &short {
        match within {
            Within::Never {
                opens_at: Some(at), ..
            } => first = first.into_iter().chain([*at]).min(),
            Within::Never { opens_at: None, .. } => {}
            Within::Later { .. } | Within::Shorter { .. } => return Ok(()),
        }
    }
    match first {
        Some(opens_at) => Err(Refusal::NeverOpen {
            until: period.until,
            opens_at,
        }),
        None => Ok(()),
    }
}

/// How many flows are behind the scope, and those that fall short and that nothing else makes up for.
fn short_hours(
    documents: &Documents,
    person: &PersonId,
    scope: &Scope,
    period: Period,
    approvals: u32,
    now: Timestamp,
) -> (usize, Vec<ShortHours>) {
    let mut behind: BTreeSet<&FlowName> = BTreeSet::new();
    let mut short: Vec<ShortHours> = Vec::new();
    for target in &scope.targets {
        for account in &scope.accounts {
            let mut whole: Vec<Capability> = Vec::new();
            let mut lacking: Vec<(&Flow, Within, Vec<Capability>)> = Vec::new();
            for flow in flows_for(documents, person, target, account) {
                let rule = flow.approval.at(now);
                let gives = given(flow, scope, now);
                if gives.is_empty() || rule.by > approvals || rule.at_most < period.length {
                    continue;
                }
                behind.insert(&flow.name);
                match within(&flow.hours, period) {
                    None => whole.extend(gives),
                    Some(within) => lacking.push((flow, within, gives)),
                }
            }
            for (flow, within, gives) in lacking {
                let made_up = |one: &Capability| whole.iter().any(|wide| wide.includes(one));
                if gives.iter().all(made_up) {
                    continue;
                }
                match short.iter_mut().find(|one| one.flow == flow.name) {
                    Some(one) => drop(one.targets.insert(target.clone())),
                    None => short.push(ShortHours {
                        flow: flow.name.clone(),
                        targets: BTreeSet::from([target.clone()]),
                        hours: flow.hours.clone(),
                        within,
                    }),
                }
            }
        }
    }
    (behind.len(), short)
}

/// What a flow allows of a scope.
fn given(flow: &Flow, scope: &Scope, now: Timestamp) -> Vec<Capability> {
    let asked = &scope.capabilities;
    allowed(flow, now)
        .flat_map(|allowed| asked.iter().filter_map(|asked| asked.common(allowed)))
        .collect()
}

/// What is wrong with the hours for a period; none where it can be used in full from its beginning on.
fn within(hours: &Schedule, period: Period) -> Option<Within> {
    let Period {
        from,
        until,
        length,
    } = period;
    let never = |opens_at| {
        Some(Within::Never {
            opens_at,
            ends_at: until,
        })
    };
    match hours.opens_after(from) {
        None => never(None),
        Some(at) if until <= at => never(Some(at)),
        Some(opens_at) if from < opens_at => Some(Within::Later { opens_at }),
        Some(_) => {
            let closes_at = hours.closes_after(from)?;
            (closes_at < from.plus(length)).then_some(Within::Shorter { closes_at })
        }
    }
}
