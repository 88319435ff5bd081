//! Which line of which file allows something, or everything that is missing.
//!
//! The answer for a question asked beforehand: whether the matrix would allow it, apart from any approval. It uses the
//! same table as [`crate::admission`], so the two cannot disagree.

use std::fmt;

use crate::documents::{Documents, Flow, Provider, Target, Technician};
use crate::flow::FlowRequest;
use crate::flow::choke::{Mismatch, answers};
use crate::name::{AccountName, FlowName, PersonId, TargetId};
use crate::time::{Span, Timestamp};

/// The answer to "may this person do this on that target at that time".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Explanation {
    /// At least one line allows it, after an approval.
    Allowed(Vec<AllowedBy>),
    /// No line does.
    Missing {
        /// What is missing whatever the flow: the person, the target, an account in force.
        general: Vec<String>,
        /// What each flow of the target's client lacks.
        flows: Vec<Lacking>,
    },
}

/// One line that allows it, and its terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedBy {
    /// The file.
    pub file: String,
    /// The line of the entry of `allow`.
    pub line: u32,
    /// The flow.
    pub flow: FlowName,
    /// As whom.
    pub accounts: Vec<AccountName>,
    /// The entry, as it is written.
    pub allow: String,
    /// How many operators must approve.
    pub by: u32,
    /// For how long at most.
    pub at_most: Span,
    /// Until when the hours are open; `None` when they do not close.
    pub closes_at: Option<Timestamp>,
}

/// One flow that does not allow it, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    /// The file.
    pub file: String,
    /// The line where the flow begins.
    pub line: u32,
    /// The flow.
    pub flow: FlowName,
    /// Everything it lacks.
    pub lacks: Vec<String>,
}

impl Explanation {
    /// Whether a line allows it.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        match self {
            Self::Allowed(_) => true,
            Self::Missing { .. } => false,
        }
    }
}

/// Explains whether the matrix allows `request` to `person` on `target` at that instant.
#[must_use]
pub fn explain(
    documents: &Documents,
    person: &PersonId,
    target: &TargetId,
    request: &FlowRequest,
    at: Timestamp,
) -> Explanation {
    let mut general = Vec::new();
    let found = documents.person(person);
    match found.map(|found| found.in_force(at)) {
        None => general.push(format!("{person} is in no document")),
        Some(Err(ended)) => general.push(ended.to_string()),
        Some(Ok(())) => {}
    }
    let technician = documents.technician(person);
    if found.is_some() && technician.is_none() {
        general.push(format!("{person} is not a technician"));
    }
    let owned = documents.target(target);
    if owned.is_none() {
        general.push(format!("{target} is a target of no client"));
    }
    let (Some((provider, technician)), Some((client, target))) = (technician, owned) else {
        return Explanation::Missing {
            general,
            flows: Vec::new(),
        };
    };
    let (mut allowed, mut lacking) = (Vec::new(), Vec::new());
    for flow in &client.flows {
        let (accounts, mut lacks) = who_and_where(flow, provider, technician, target);
        let entries: Vec<usize> = (0..flow.allow.len())
            .filter(|entry| entry_answers(flow, *entry, request).is_ok())
            .collect();
        if entries.is_empty() {
            lacks.push(what_is_missing(flow, request));
        }
        if !flow.hours.open_at(at) {
            lacks.push(match flow.hours.opens_after(at) {
                Some(opens) => format!("hours: {} is closed then; it opens at {opens}", flow.hours),
                None => format!("hours: {} is closed then", flow.hours),
            });
        }
        if flow.approval.at_most.is_zero() {
            lacks.push("approval.at-most: 0s lets nothing be approved".to_owned());
        }
        if general.is_empty() && lacks.is_empty() {
            allowed.extend(entries.into_iter().map(|entry| {
                AllowedBy {
                    file: client.file.clone(),
                    line: flow
                        .lines
                        .allow
                        .get(entry)
                        .copied()
                        .unwrap_or(flow.lines.flow),
                    flow: flow.name.clone(),
                    accounts: accounts.clone(),
                    allow: flow
                        .allow
                        .get(entry)
                        .map(ToString::to_string)
                        .unwrap_or_default(),
                    by: flow.approval.by,
                    at_most: flow.approval.at_most,
                    closes_at: flow.hours.closes_after(at),
                }
            }));
        } else {
            lacking.push(Lacking {
                file: client.file.clone(),
                line: flow.lines.flow,
                flow: flow.name.clone(),
                lacks,
            });
        }
    }
    if allowed.is_empty() {
        Explanation::Missing {
            general,
            flows: lacking,
        }
    } else {
        Explanation::Allowed(allowed)
    }
}

/// The accounts that the flow opens on the target, and what it lacks for this technician there.
fn who_and_where(
    flow: &Flow,
    provider: &Provider,
    technician: &Technician,
    target: &Target,
) -> (Vec<AccountName>, Vec<String>) {
    let mut lacks = Vec::new();
    if !flow
        .technicians
        .iter()
        .any(|selector| selector.names(&provider.id, technician))
    {
        lacks.push(format!(
            "technicians: {} is not named (\"{}/{}\" would)",
            technician.id, provider.id, technician.id
        ));
    }
    if !flow.targets.contains(&target.id) {
        lacks.push(format!("targets: {} is not named", target.id));
    }
    let accounts: Vec<AccountName> = flow
        .accounts
        .intersection(&target.accounts)
        .cloned()
        .collect();
    if accounts.is_empty() {
        lacks.push(format!("accounts: none of {} is named", target.id));
    }
    (accounts, lacks)
}

fn entry_answers(flow: &Flow, entry: usize, request: &FlowRequest) -> Result<(), Mismatch> {
    flow.allow
        .get(entry)
        .map_or(Err(Mismatch::OtherKind), |capability| {
            answers(capability, request)
        })
}

fn what_is_missing(flow: &Flow, request: &FlowRequest) -> String {
    let reasons =
        (0..flow.allow.len()).filter_map(|entry| match entry_answers(flow, entry, request) {
            Ok(()) | Err(Mismatch::OtherKind) => None,
            Err(Mismatch::Command(reason)) => Some(format!("{}: {reason}", flow.allow.get(entry)?)),
            Err(Mismatch::Env(reason)) => Some(format!("{}: {reason}", flow.allow.get(entry)?)),
        });
    let reasons: Vec<String> = reasons.collect();
    let missing = request.missing_flow();
    if reasons.is_empty() {
        format!("allow: \"{missing}\" is not there")
    } else {
        format!("allow: \"{missing}\" is not there ({})", reasons.join("; "))
    }
}

impl fmt::Display for Explanation {
    /// Several lines, the answer first.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allowed(by) => {
                write!(formatter, "allowed, after an approval, by:")?;
                for AllowedBy {
                    file,
                    line,
                    flow,
                    accounts,
                    allow,
                    by,
                    at_most,
                    closes_at,
                } in by
                {
                    let accounts = accounts
                        .iter()
                        .map(ToString::to_string)
                        .collect::<Vec<_>>()
                        .join(", ");
                    write!(
                        formatter,
                        "\n  {file}:{line}: flow {flow}: \"{allow}\" as {accounts}; "
                    )?;
                    write!(formatter, "{by} approval(s), {at_most} at most")?;
                    if let Some(closes_at) = closes_at {
                        write!(formatter, "; hours until {closes_at}")?;
                    }
                }
                Ok(())
            }
            Self::Missing { general, flows } => {
                write!(formatter, "refused; missing:")?;
                for line in general {
                    write!(formatter, "\n  {line}")?;
                }
                for Lacking {
                    file,
                    line,
                    flow,
                    lacks,
                } in flows
                {
                    write!(formatter, "\n  {file}:{line}: flow {flow}:")?;
                    for lack in lacks {
                        write!(formatter, "\n    {lack}")?;
                    }
                }
                if general.is_empty() && flows.is_empty() {
                    write!(formatter, "\n  the client has no flow at all")?;
                }
                Ok(())
            }
        }
    }
}
