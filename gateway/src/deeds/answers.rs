//! Yes, less, no, and no longer: what an operator says to an intervention (I2). What was granted is never more than was
//! asked: policy sees to it.

use std::collections::BTreeSet;

use clap::Args;
use ecluse_policy::identity::SecondFactor;
use ecluse_policy::intervention::Intervention;
use ecluse_policy::{
    AccountName, AsOperator, Capability, InterventionId, InterventionNumber, Narrowing, TargetId,
    narrowed_to_flow,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::steps::{about, refused, step};
use super::typed::{self, Family, Length, Size};
use super::{Ask, Subject, Undone, Wants, no_such, of_client, right};
use crate::actor::Actor;
use crate::audit::{AuditKind, AuditRecord};
use crate::gateway::Gateway;
use crate::live::nodes;

/// A yes, to all of it or to less.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Approve {
    /// Which intervention.
    #[arg(value_parser = typed::number)]
    pub(crate) id: InterventionNumber,
    /// For how long, where that is less than was asked.
    #[arg(long = "for")]
    #[serde(default, rename = "for")]
    pub(crate) length: Option<Length>,
    /// How much may leave in all, where that is less than was asked.
    #[arg(long)]
    #[serde(default)]
    pub(crate) bytes: Option<Size>,
    /// Only these families of flows; all that were asked, where none is named.
    #[arg(long, value_delimiter = ',')]
    #[serde(default)]
    pub(crate) only: Vec<Family>,
    /// Only what one line of the matrix gives of it, by its name.
    #[arg(long)]
    #[serde(default)]
    pub(crate) flow: Option<String>,
    /// Only this, as flows write it: `sftp-read: /var/log/app/**`.
    #[arg(long, value_parser = typed::line, allow_hyphen_values = true)]
    #[serde(default)]
    pub(crate) line: Option<Capability>,
    /// Only these targets.
    #[arg(long, value_delimiter = ',', value_parser = typed::target)]
    #[serde(default)]
    pub(crate) target: Vec<TargetId>,
    /// Only these accounts.
    #[arg(long, value_delimiter = ',', value_parser = typed::account)]
    #[serde(default)]
    pub(crate) account: Vec<AccountName>,
}

impl Ask for Approve {
    const ACT: &'static str = "approve";
    const USAGE: &'static str = "approve ID [--for D] [--bytes SIZE] [--only FAMILY,…] [--flow F] [--line \"…\"] [--target T,…] [--account A,…]";
}

impl Approve {
    /// What is left, where one flow alone gives `of_flow` of what was asked.
    fn narrowing(self, of_flow: Narrowing) -> Narrowing {
        let Self {
            id: _,
            length,
            bytes,
            only,
            flow: _,
            line,
            target,
            account,
        } = self;
        let lines = match (of_flow.lines, line) {
            (Some(lines), Some(line)) => {
                // What the flow gives of it; where that is nothing, policy says so.
                let left = lines.iter().filter_map(|one| one.common(&line));
                Some(left.collect())
            }
            (lines, line) => lines.or(line.map(|line| vec![line])),
        };
        Narrowing {
            length: length.map(|Length(length)| length),
            families: named(only.into_iter().map(String::from).collect()),
            lines,
            targets: both(named(target), of_flow.targets),
            accounts: both(named(account), of_flow.accounts),
            bytes: bytes.map(|Size(bytes)| bytes),
        }
    }

    /// What the flow that they name gives of what was asked.
    async fn of_flow(
        &self,
        house: &Gateway,
        by: &Actor,
        operator: &AsOperator<'_>,
        asked: &Intervention,
    ) -> Result<Narrowing, Undone> {
        let Some(typed) = &self.flow else {
            return Ok(Narrowing::default());
        };
        let (documents, client) = (operator.documents(), operator.client());
        let scope = &asked.request().scope;
        let (person, now) = (&asked.request().person, operator.now());
        let given = |flow: &str| narrowed_to_flow(documents, client, (flow, person), scope, now);
        if let Some(narrowing) = given(typed) {
            return Ok(narrowing);
        }
        let flows = documents.client(client).map(|client| client.flows.iter());
        let names = flows
            .into_iter()
            .flatten()
            .map(|flow| flow.name.to_string());
        let known = names.filter(|name| given(name).is_some()).collect();
        let typed = typed.clone();
        Err(no_such(house, by, Self::ACT, Subject::Flow { typed, known }).await)
    }
}

/// Those that were named; all, where none was.
pub(super) fn named<T, S: FromIterator<T>>(named: Vec<T>) -> Option<S> {
    (!named.is_empty()).then(|| named.into_iter().collect())
}

/// What both leave; where that is nothing, policy says so.
fn both<T: Ord + Clone>(one: Option<BTreeSet<T>>, two: Option<BTreeSet<T>>) -> Option<BTreeSet<T>> {
    match (one, two) {
        (Some(one), Some(two)) => Some(&one & &two),
        (one, two) => one.or(two),
    }
}

/// What became of a yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Approved {
    /// The intervention: approved, or with one more yes where several are wanted.
    pub(crate) intervention: Intervention,
}

/// An operator says yes, to all of it or to less, with a code of now.
pub(crate) async fn approve(house: &Gateway, by: &Actor, ask: Approve) -> Result<Approved, Undone> {
    let kind = AuditKind::Approval;
    let applied = house.applied();
    let operator = right(house, by, Approve::ACT, by.as_operator(&applied)).await?;
    let asked = of_client(house, by, &operator, Approve::ACT, ask.id).await?;
    let of_flow = ask.of_flow(house, by, &operator, &asked).await?;
    let narrowing = ask.narrowing(of_flow);
    // Before a code is typed and used up for nothing.
    if let Err(refusal) = asked.awaits(&operator, &narrowing) {
        return Err(refused(house, by, kind, &asked, refusal).await);
    }
    let code = by.proven_code();
    let widening = operator.to_widen(&code);
    let widening = widening.map_err(|refusal| Undone::Wants(Wants::Code(refusal)))?;
    let intervention = step(house, by, kind, &asked, |latest| {
        let next = latest.approve(&widening, &narrowing)?;
        let record = about(by.record(kind, operator.now()), &next);
        let record = proof(record, by)
            .permitted()
            .detail("approvals", next.approvals().len())
            .detail("code", next.request().code())
            .detail("narrowing", json!(narrowing))
            .detail("granted", next.granted().map(|granted| json!(granted)))
            .detail("documents", applied.version);
        Ok((next, vec![record]))
    })
    .await?;
    Ok(Approved { intervention })
}

/// By what an operator proved who they are, at this yes: their key, and the code of which moment.
pub(super) fn proof(record: AuditRecord, by: &Actor) -> AuditRecord {
    let authenticated = &by.authenticated;
    let log_on = match authenticated.second_factor() {
        SecondFactor::Code => "fresh",
        SecondFactor::Remembered => "remembered",
    };
    let code = by.proven_code();
    record
        .detail("key", authenticated.person_key().to_string())
        .detail("log-on-code", log_on)
        .detail("code-proven-at", code.at().map(|at| at.to_string()))
}

/// A no.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refuse {
    /// Which intervention.
    #[arg(value_parser = typed::number)]
    pub(crate) id: InterventionNumber,
    /// Why; the technician reads it.
    #[arg(long, allow_hyphen_values = true)]
    #[serde(default)]
    pub(crate) reason: Option<String>,
}

impl Ask for Refuse {
    const ACT: &'static str = "refuse";
    const USAGE: &'static str = "refuse ID --reason \"…\"";
}

/// A no that was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refused {
    /// The intervention.
    pub(crate) intervention: Intervention,
    /// Why.
    pub(crate) reason: String,
}

/// An operator says no, and why.
pub(crate) async fn refuse(house: &Gateway, by: &Actor, ask: Refuse) -> Result<Refused, Undone> {
    let kind = AuditKind::Refusal;
    let applied = house.applied();
    let operator = right(house, by, Refuse::ACT, by.as_operator(&applied)).await?;
    let asked = of_client(house, by, &operator, Refuse::ACT, ask.id).await?;
    // Before a reason is typed for nothing.
    if let Err(refusal) = asked.awaits_refusal(&operator) {
        return Err(refused(house, by, kind, &asked, refusal).await);
    }
    let reason = why(ask.reason, &asked)?;
    let intervention = step(house, by, kind, &asked, |latest| {
        let next = latest.refuse(&operator, &reason)?;
        let record = about(by.record(kind, operator.now()), &next)
            .permitted()
            .reason(&reason);
        Ok((next, vec![record]))
    })
    .await?;
    Ok(Refused {
        intervention,
        reason,
    })
}

fn why(given: Option<String>, asked: &Intervention) -> Result<String, Undone> {
    let given = given.as_deref().map(str::trim);
    match given.filter(|reason| !reason.is_empty()) {
        Some(reason) => Ok(reason.to_owned()),
        None => Err(Undone::Wants(Wants::Reason(asked.request().person.clone()))),
    }
}

/// No longer.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Withdraw {
    /// Which intervention.
    #[arg(value_parser = typed::number)]
    pub(crate) id: InterventionNumber,
    /// Why; the technician reads it.
    #[arg(long, allow_hyphen_values = true)]
    #[serde(default)]
    pub(crate) reason: Option<String>,
}

impl Ask for Withdraw {
    const ACT: &'static str = "withdraw";
    const USAGE: &'static str = "withdraw ID [--reason \"…\"]";
}

/// An intervention that was ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Withdrawn {
    /// The intervention.
    pub(crate) intervention: Intervention,
    /// How many sessions end with it, here and on other nodes.
    pub(crate) sessions: usize,
}

/// An operator ends an approved or open intervention; its sessions end as their rights do.
pub(crate) async fn withdraw(
    house: &Gateway,
    by: &Actor,
    ask: Withdraw,
) -> Result<Withdrawn, Undone> {
    let kind = AuditKind::Closing;
    let applied = house.applied();
    let operator = right(house, by, Withdraw::ACT, by.as_operator(&applied)).await?;
    let asked = of_client(house, by, &operator, Withdraw::ACT, ask.id).await?;
    // Before a reason is typed for nothing.
    if let Err(refusal) = asked.awaits_end(&operator) {
        return Err(refused(house, by, kind, &asked, refusal).await);
    }
    let reason = why(ask.reason, &asked)?;
    let here = house.live.list(&operator);
    let here = here
        .iter()
        .filter(|session| session.facts().intervention == asked.id());
    let sessions = here.count() + there(house, &operator, asked.id()).await;
    let intervention = step(house, by, kind, &asked, |latest| {
        let next = latest.close(&operator, &reason)?;
        let record = about(by.record(kind, operator.now()), &next)
            .permitted()
            .reason(&reason);
        Ok((next, vec![record]))
    })
    .await?;
    Ok(Withdrawn {
        intervention,
        sessions,
    })
}

/// How many sessions of an intervention are in passage on other nodes that are heard of; those that cannot be counted are
/// not, which holds up no act.
async fn there(house: &Gateway, operator: &AsOperator<'_>, of: InterventionId) -> usize {
    let remote = match nodes::elsewhere(house, operator).await {
        Ok((remote, _)) => remote,
        Err(error) => {
            tracing::warn!(%error, "the sessions of other nodes are not counted");
            return 0;
        }
    };
    let heard = remote.iter().filter(|remote| remote.address().is_some());
    heard
        .filter(|remote| remote.session.start.intervention == of)
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// I2: what is named beside a flow leaves what both give, and nothing where that is nothing.
    #[test]
    fn i2_what_is_named_beside_a_flow_is_within_it() {
        let targets = |names: &[&str]| -> BTreeSet<TargetId> {
            let parsed = names.iter().map(|name| TargetId::parse(name).unwrap());
            parsed.collect()
        };
        let approve = |names: &[&str]| Approve {
            id: InterventionNumber(1),
            length: None,
            bytes: None,
            only: Vec::new(),
            flow: Some("dba".to_owned()),
            line: None,
            target: targets(names).into_iter().collect(),
            account: vec![AccountName::parse("root").unwrap()],
        };
        let of_flow = Narrowing {
            targets: Some(targets(&["db01", "db02"])),
            accounts: Some([AccountName::parse("postgres").unwrap()].into()),
            ..Narrowing::default()
        };
        let left = |names: &[&str]| approve(names).narrowing(of_flow.clone());
        assert_eq!(left(&["db02", "web01"]).targets, Some(targets(&["db02"])));
        assert_eq!(left(&["web01"]).targets, Some(BTreeSet::new()));
        assert_eq!(left(&[]).targets, Some(targets(&["db01", "db02"])));
        assert_eq!(left(&[]).accounts, Some(BTreeSet::new()));
    }
}
