//! Which line of which file allows something, or everything that is missing.
//!
//! The answer for a question asked beforehand: whether the matrix would allow it, apart from any approval. It uses the
//! same table as [`crate::admission`], so the two cannot disagree.

mod copies;

use std::fmt;

use crate::accompaniment::Accompanied;
use crate::capability::files::Protocol;
use crate::capability::{Allowed, Capability, Standing};
use crate::clearance::why_not;
use crate::confirm::{Confirm, Confirmation};
use crate::documents::{ApprovalRule, CEILING, Documents, Flow, Provider, Target, Technician};
use crate::extraction::Budgets;
use crate::flow::FlowRequest;
use crate::flow::choke::{Mismatch, answers_in, by_paths};
use crate::name::{AccountName, FlowName, PersonId, TargetId};
use crate::terms::signals_of;
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
    /// The entry, with what is written beside it: `command: * (owner Odile, until 2027-03-31)`.
    pub allow: String,
    /// Whether it brings a terminal; `None` where that is no question, as for a variable or a file.
    pub terminal: Option<bool>,
    /// Whether bytes pass by it, which its budgets count.
    pub passes: bool,
    /// The signals that it brings, without `SIG`.
    pub signals: &'static [&'static str],
    /// How many operators must approve.
    pub by: u32,
    /// For how long at most.
    pub at_most: Span,
    /// Who answers for that length and until when, where it is longer than a day.
    pub long: Option<String>,
    /// Until when the hours are open and the entry is in force; `None` when neither ends.
    pub closes_at: Option<Timestamp>,
    /// How much may leave by it.
    pub budgets: Budgets,
    /// After how long without anybody what it opened ends.
    pub idle: Option<Span>,
    /// Whether an operator has to watch, and how many sessions each may.
    pub accompanied: Option<Accompanied>,
    /// Whether it waits for an operator's yes, and how.
    pub confirmation: Option<Confirmation>,
    /// Which signals it may give, each with what that does.
    pub signals_told: Vec<String>,
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
    general.extend(why_not(documents, client, &provider.id, person, &target.id));
    let (mut allowed, mut lacking) = (Vec::new(), Vec::new());
    let written = documents.written(client).iter();
    for (flow, written) in client.flows.iter().zip(written) {
        let (accounts, mut lacks) = who_and_where(flow, provider, technician, target);
        // A posture that refuses its lines of files makes no command of a copy.
        let by_paths = by_paths(&written.allow);
        let answers = |capability: &Capability| {
            answers_in(&by_paths, capability, request).is_ok()
                && copies::may_give(capability, request)
        };
        let has_files = by_paths.contains(&Protocol::Sftp);
        let mut entries: Vec<(&Allowed, &Capability, u32)> = Vec::new();
        for (place, entry) in flow.allow.iter().enumerate() {
            let line = flow.lines.allow.get(place).copied();
            entries.extend(
                entry
                    .at(at)
                    .filter(|capability| answers(capability))
                    .filter(|capability| documents.never(target, capability).is_none())
                    .map(|capability| (entry, capability, line.unwrap_or(flow.lines.flow))),
            );
        }
        // One line for each path that is copied, or nothing is.
        let given = entries.iter().map(|(_, capability, _)| *capability);
        if has_files && copies::missing(given, request).is_some() {
            entries.clear();
        }
        if entries.is_empty() {
            let standing = || written.allow.iter().filter_map(|entry| entry.at(at));
            let door = standing()
                .filter(|capability| answers(capability))
                .find_map(|it| documents.never(target, it));
            let mut allowed = standing().filter(|capability| answers(capability));
            let given = standing().filter(|capability| answers(capability));
            let uncopied = has_files.then(|| copies::missing(given, request)).flatten();
            lacks.push(if let Some(door) = door {
                format!("allow: \"{}\" is the door of {door} by SSH, which no forward gives: open a session to it by its name", request.missing_flow())
            } else {
                if let Some(missing) = &uncopied {
                    format!("allow: \"{missing}\" is not there (a copy is judged by its paths)")
                } else if allowed.next().is_some() {
                    format!(
                        "posture: \"{}\" is refused while the posture is high",
                        request.missing_flow()
                    )
                } else {
                    what_is_missing(flow, &by_paths, request, at)
                }
            });
        }
        if !flow.hours.open_at(at) {
            lacks.push(match flow.hours.opens_after(at) {
                Some(opens) => format!("hours: {} is closed then; it opens at {opens}", flow.hours),
                None => format!("hours: {} is closed then", flow.hours),
            });
        }
        let ApprovalRule { by, at_most } = flow.approval.at(at);
        if at_most.is_zero() {
            lacks.push("approval.at-most: 0s lets nothing be approved".to_owned());
        }
        if general.is_empty() && lacks.is_empty() {
            let budgets = documents.budgets(client, target, flow, None, at);
            allowed.extend(entries.into_iter().map(|(entry, capability, line)| {
                let ends = [entry.ends_at(), flow.hours.closes_after(at)];
                AllowedBy {
                    file: client.file.clone(),
                    line,
                    flow: flow.name.clone(),
                    accounts: accounts.clone(),
                    allow: match capability {
                        Capability::File(_) if matches!(request, FlowRequest::Command(_)) => {
                            format!("{entry} (a copy is judged by its paths)")
                        }
                        Capability::File(_)
                        | Capability::Shell
                        | Capability::Command(_)
                        | Capability::Env(_)
                        | Capability::Forward(_) => entry.to_string(),
                    },
                    terminal: match capability {
                        Capability::Shell | Capability::Command(_) => Some(entry.terminal()),
                        Capability::Env(_) | Capability::File(_) | Capability::Forward(_) => None,
                    },
                    passes: !matches!(capability, Capability::Env(_)),
                    signals: signals_of(capability),
                    by,
                    at_most,
                    long: flow
                        .approval
                        .long()
                        .filter(|_| at_most > CEILING)
                        .map(ToString::to_string),
                    closes_at: ends.into_iter().flatten().min(),
                    budgets: budgets.clone(),
                    idle: flow.idle,
                    accompanied: flow.approval.accompanied(),
                    confirmation: Confirm::of(&flow.confirm, request),
                    signals_told: client.signals.told_at(&flow.name, &target.id),
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

fn what_is_missing(
    flow: &Flow,
    by_paths: &[Protocol],
    request: &FlowRequest,
    at: Timestamp,
) -> String {
    let reasons = flow
        .allow
        .iter()
        .filter_map(|entry| match (entry.standing(at), entry.at(at)) {
            (Standing::Over(derogation), _) => {
                Some(format!("{}: over ({derogation})", entry.line()))
            }
            (Standing::Unanswered, _) => Some(format!(
                "{}: not in force without owner and until",
                entry.line()
            )),
            (Standing::InForce, Some(capability)) => {
                match answers_in(by_paths, capability, request) {
                    Ok(()) | Err(Mismatch::OtherKind) => None,
                    Err(Mismatch::Command(reason)) => Some(format!("{}: {reason}", entry.line())),
                    Err(Mismatch::Env(reason)) => Some(format!("{}: {reason}", entry.line())),
                }
            }
            (Standing::InForce, None) => None,
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
                    terminal,
                    passes,
                    signals,
                    by,
                    at_most,
                    long,
                    closes_at,
                    budgets,
                    idle,
                    accompanied,
                    confirmation,
                    signals_told,
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
                    let approvals = if *by == 1 { "approval" } else { "approvals" };
                    write!(formatter, "{by} {approvals}, {at_most} at most")?;
                    if let Some(long) = long {
                        write!(formatter, " ({long})")?;
                    }
                    if let Some(closes_at) = closes_at {
                        write!(formatter, "; open until {closes_at}")?;
                    }
                    if let Some(accompanied) = accompanied {
                        write!(formatter, "\n    {accompanied}")?;
                    }
                    if let Some(confirmation) = confirmation {
                        write!(formatter, "\n    {confirmation}")?;
                    }
                    match terminal {
                        Some(true) => write!(formatter, "\n    with a terminal")?,
                        Some(false) => write!(formatter, "\n    without a terminal")?,
                        None => {}
                    }
                    if !passes {
                        continue;
                    }
                    if terminal.is_some() {
                        write!(formatter, "; signals {}", signals.join(" "))?;
                    }
                    write!(formatter, "\n    {budgets}")?;
                    if let Some(idle) = idle {
                        write!(formatter, "\n    ends after {idle} without anybody")?;
                    }
                    if !signals_told.is_empty() {
                        let told = signals_told.join(", ");
                        write!(formatter, "\n    signals that are told: {told}")?;
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
                    if lacks.is_empty() {
                        write!(formatter, " nothing is missing in it")?;
                    }
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
