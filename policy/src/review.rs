//! A client's matrix as one reviews it: every line with its reason, its derogations, and what was used of it (F7, P14, P15).
//!
//! For people, not for deciding: what is over, or tightened by a posture, stands here as it is written, and says so. Which line
//! something that passed is counted for is compared here, since what a line gives is nobody else's to read.

use std::collections::BTreeSet;

use crate::capability::files::{FileRight, TargetPath};
use crate::capability::{Allowed, Capability, Standing};
use crate::derogation::Derogation;
use crate::documents::{
    CEILING, Client, Documents, Extraction, Flow, Provider, Remark, Selector, Stations, Technician,
};
use crate::extraction::{AtLimit, Budgets, Level, Way};
use crate::flow::choke::answers;
use crate::flow::{FlowRequest, Scope};
use crate::name::{FlowName, StationId, TargetId};
use crate::time::Timestamp;

/// Which way bytes go by a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Towards {
    /// To the target alone.
    Target,
    /// To the technician alone.
    Technician,
    /// Both ways.
    Both,
}

/// Which way a line of this family lets pass what it is for. Every answer of a target goes to the technician besides.
#[must_use]
pub fn towards(family: &str) -> Towards {
    match family.rsplit('-').next() {
        Some("read" | "list") => Towards::Technician,
        Some("env" | "write" | "delete" | "rename" | "mkdir") => Towards::Target,
        Some(_) | None => Towards::Both,
    }
}

/// Something that a document allows against its own rule, and who answers for it (P15).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derogated<'d> {
    /// The line of the file.
    pub line: u32,
    /// Where it stands: `flow.dba.allow`.
    pub key: String,
    /// What is allowed: `command: *`, `at-most 3d`, `unlimited session`.
    pub what: String,
    /// Why, where that is said.
    pub why: Option<&'d str>,
    /// Who answers for it until when; nobody, in documents of before that was asked for, and then it is not in force.
    pub answered: Option<&'d Derogation>,
}

impl Derogated<'_> {
    /// Whether it is in force at `now`.
    #[must_use]
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.answered.is_some_and(|it| it.holds_at(now))
    }
}

/// Every derogation of a client, past ones too, in the order of its document.
#[must_use]
pub fn derogations<'d>(documents: &'d Documents, client: &'d Client) -> Vec<Derogated<'d>> {
    let mut all = Vec::new();
    let mut unlimited = |path: String, extraction: &'d Extraction| {
        all.extend(
            extraction
                .unlimited()
                .map(|(line, derogation, keys)| Derogated {
                    line,
                    key: format!("{path}extraction"),
                    what: format!("unlimited {}", keys.join(", ")),
                    why: None,
                    answered: Some(derogation),
                }),
        );
    };
    unlimited("client.".to_owned(), &client.extraction);
    for target in &client.targets {
        unlimited(format!("target.{}.", target.id), &target.extraction);
    }
    for flow in documents.written(client) {
        unlimited(format!("flow.{}.", flow.name), &flow.extraction);
    }
    for flow in documents.written(client) {
        for (entry, line) in entries(flow) {
            let is_unanswered = matches!(entry.standing(Timestamp::MAX), Standing::Unanswered);
            if entry.derogation().is_some() || is_unanswered {
                all.push(Derogated {
                    line,
                    key: format!("flow.{}.allow", flow.name),
                    what: entry.line(),
                    why: entry.why().or(flow.why.as_deref()),
                    answered: entry.derogation(),
                });
            }
        }
        let approval = &flow.approval;
        if approval.long().is_some() || approval.written() > CEILING {
            all.push(Derogated {
                line: flow.lines.approval,
                key: format!("flow.{}.approval", flow.name),
                what: format!("at-most {}", approval.written()),
                why: flow.why.as_deref(),
                answered: approval.long(),
            });
        }
    }
    all.sort_by_key(|one| one.line);
    all
}

/// The flows of a client as they are written, whatever its posture.
#[must_use]
pub fn flows<'d>(documents: &'d Documents, client: &'d Client) -> &'d [Flow] {
    documents.written(client)
}

/// The entries of a flow's `allow`, each with its line in the file.
pub fn entries(flow: &Flow) -> impl Iterator<Item = (&Allowed, u32)> {
    flow.allow.iter().enumerate().map(|(place, entry)| {
        let line = flow.lines.allow.get(place).copied();
        (entry, line.unwrap_or(flow.lines.flow))
    })
}

/// Whom a selector of a flow names today.
#[must_use]
pub fn named<'d>(
    documents: &'d Documents,
    selector: &Selector,
) -> Vec<(&'d Provider, &'d Technician)> {
    let Some(provider) = documents.provider(&selector.provider) else {
        return Vec::new();
    };
    let people = provider.technicians.iter();
    let named = people.filter(|person| selector.names(&provider.id, person));
    named.map(|person| (provider, person)).collect()
}

/// From which stations somebody may come today: those that are not switched off.
#[must_use]
pub fn stations<'d>(provider: &'d Provider, person: &Technician) -> BTreeSet<&'d StationId> {
    let stations = provider.stations.iter().filter(|one| !one.disabled);
    let stations = stations.filter(|station| match &person.stations {
        Stations::All => true,
        Stations::Listed(listed) => listed.contains(&station.id),
    });
    stations.map(|station| &station.id).collect()
}

/// One thing that bounds what passes, by its key: `session`, `up-session`, `client-day`, `rate`, `at-limit`.
pub type Bound = (String, String);

/// What bounds what may pass by a flow at `now`, by keys: for all of its targets, or for each where they differ.
#[must_use]
pub fn budgets(
    documents: &Documents,
    client: &Client,
    flow: &Flow,
    now: Timestamp,
) -> Vec<(Option<TargetId>, Vec<Bound>)> {
    let targets = client.targets.iter();
    let targets = targets.filter(|target| flow.targets.contains(&target.id));
    let each: Vec<(Option<TargetId>, Vec<Bound>)> = targets
        .map(|target| {
            let budgets = documents.budgets(client, target, flow, None, now);
            (Some(target.id.clone()), bounds(&budgets))
        })
        .collect();
    match each.first() {
        Some((_, first)) if each.iter().all(|(_, bounds)| bounds == first) => {
            vec![(None, first.clone())]
        }
        Some(_) | None => each,
    }
}

fn bounds(budgets: &Budgets) -> Vec<Bound> {
    let mut all = Vec::new();
    for way in Way::ALL {
        let up = match way {
            Way::Down => "",
            Way::Up => "up-",
        };
        for level in Level::ALL {
            if let Some(budget) = budgets.of(level, way) {
                let name = match level {
                    Level::Node => "node-day",
                    Level::Client => "client-day",
                    Level::Target => "target-day",
                    Level::TechnicianDay => "technician-day",
                    Level::Intervention => "intervention",
                    Level::Session => "session",
                    Level::Channel => "channel",
                };
                all.push((format!("{up}{name}"), budget.bytes.to_string()));
            }
        }
        if let Some(rate) = budgets.rate(way) {
            all.push((format!("{up}rate"), rate.to_string()));
        }
    }
    if let Some(budget) = budgets.of(Level::Session, Way::Down) {
        let mut say = |key: &str, value: String| all.push((key.to_owned(), value));
        match budget.at_limit {
            AtLimit::End => say("at-limit", "end".to_owned()),
            AtLimit::Slow { rate, ceiling } => {
                say("at-limit", "slow".to_owned());
                say("slow-rate", rate.to_string());
                say("ceiling", ceiling.to_string());
            }
            AtLimit::Hold => say("at-limit", "hold".to_owned()),
        }
    }
    all
}

impl Documents {
    /// What of a client's matrix says no reason, client by client: one remark each (P14).
    #[must_use]
    pub fn unjustified(&self) -> Vec<Remark> {
        let of = |client: &Client| {
            let missing = without_why(self, client);
            let says = format!(
                "nothing says why: {}. Write why = \"…\" beside each; accounts also credential-why (`ecluse matrix` prints it)",
                missing.join(", ")
            );
            (!missing.is_empty()).then(|| Remark {
                file: client.file.clone(),
                line: 1,
                key: "why".to_owned(),
                says,
            })
        };
        self.clients().values().filter_map(of).collect()
    }
}

/// What of a client's matrix says no reason, in the words of its document.
#[must_use]
pub fn without_why(documents: &Documents, client: &Client) -> Vec<String> {
    let flows = documents.written(client).iter();
    let flows = flows.filter(|flow| flow.why.is_none());
    let mut missing: Vec<String> = flows.map(|flow| format!("flow {}", flow.name)).collect();
    for target in &client.targets {
        for account in &target.accounts {
            let whys = target.whys.get(account);
            if whys.is_none_or(|whys| whys.account.is_none()) {
                missing.push(format!("account {account}@{}", target.id));
            }
            if whys.is_none_or(|whys| whys.credential.is_none()) {
                missing.push(format!("credential {account}@{}", target.id));
            }
        }
    }
    missing
}

/// The places in a flow's `allow` of what a granted scope gives anything of.
#[must_use]
pub fn given(flow: &Flow, scope: &Scope) -> Vec<usize> {
    let all = flow.allow.iter().enumerate();
    let given = all.filter(|(_, entry)| {
        let line = entry.as_written();
        let mut granted = scope.capabilities.iter();
        granted.any(|granted| granted.common(line).is_some())
    });
    given.map(|(place, _)| place).collect()
}

/// Something that passed, as the log tells of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Used {
    /// By this capability, which is no wider than the line that gave it.
    By(Capability),
    /// By some line of this family: what the log of earlier versions says.
    Family(String),
    /// A variable of this name.
    Variable(String),
    /// A file at this path.
    File(FileRight, TargetPath),
}

/// The line of a flow that something is counted for: the flow, and the place in its `allow`.
pub type Counted = (usize, usize);

/// The lines of a client that something which passed on `target` is counted for; of a `flow`, where the log names it. Several only
/// where the log does not tell which of them it was.
#[must_use]
pub fn counted_for(
    flows: &[Flow],
    flow: Option<&FlowName>,
    target: &TargetId,
    used: &Used,
) -> Vec<Counted> {
    let (mut exactly, mut wider) = (Vec::new(), Vec::new());
    for (nth, one) in flows.iter().enumerate() {
        if flow.is_some_and(|flow| *flow != one.name) || !one.targets.contains(target) {
            continue;
        }
        for (place, entry) in one.allow.iter().enumerate() {
            let line = entry.as_written();
            match used {
                Used::By(capability) if capability == line => exactly.push((nth, place)),
                Used::By(capability) if line.includes(capability) => wider.push((nth, place)),
                Used::By(_) => {}
                Used::Family(family) if line.family() == family => wider.push((nth, place)),
                Used::Family(_) => {}
                Used::Variable(name) => {
                    let (name, value) = (name.clone(), String::new());
                    let asked = FlowRequest::Env { name, value };
                    if answers(line, &asked).is_ok() {
                        wider.push((nth, place));
                    }
                }
                Used::File(right, path) => {
                    let need = crate::FileNeed::Right(*right, path.clone());
                    if answers(line, &FlowRequest::File(need)).is_ok() {
                        wider.push((nth, place));
                    }
                }
            }
        }
    }
    let mut all = if exactly.is_empty() { wider } else { exactly };
    // Which of several lines gave it is known but for the family alone.
    if !matches!(used, Used::Family(_)) {
        all.truncate(1);
    }
    all
}
