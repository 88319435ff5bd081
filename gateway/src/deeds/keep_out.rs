//! An operator keeps a person, a station, a target or everything out of their client until one lifts it (I5, I8): what is live
//! of it ends on every node, and nothing of it begins anew.
//!
//! The entry is the word, and nothing stands beside it: policy reads it with the documents, at each request, each channel and
//! each look at what is live ([`ecluse_policy::clearance`], `adr/0042-what-is-kept-out.md`).

use std::time::Duration;

use clap::Args;
use ecluse_policy::words;
use ecluse_policy::{AsOperator, Documents, Kept, PersonId, StationId, TargetId, Timestamp};
use serde::{Deserialize, Serialize};

use super::answers::proof;
use super::typed::What;
use super::{Ask, Subject, Undone, Wants, cannot_ask, no_such, right};
use crate::actor::Actor;
use crate::audit::{AuditKind, KEPT_OUT};
use crate::gateway::Gateway;
use crate::live::nodes;
use crate::store::StoreError;

/// How long an act waits until what it put on record is in force here: the next command goes by it.
const IN_FORCE_WITHIN: Duration = Duration::from_secs(1);

/// Keeps something out, lets it come again, or lists what is kept out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeepOut {
    /// A person, a station, a target, or `all`; lists, without it.
    #[arg(id = "kept")]
    #[serde(default)]
    pub(crate) what: Option<String>,
    /// Why; the technician reads it.
    #[arg(long, allow_hyphen_values = true)]
    #[serde(default)]
    pub(crate) reason: Option<String>,
    /// Lets it come again.
    #[arg(long)]
    #[serde(default)]
    pub(crate) lift: bool,
}

impl Ask for KeepOut {
    const ACT: &'static str = "keep-out";
    const USAGE: &'static str = "keep-out [PERSON|STATION|TARGET|all --reason \"…\" | --lift]";
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Done {
    /// What is kept out.
    Listed(Vec<KeptOut>),
    /// It is kept out.
    KeptOut {
        /// What; several things of one name.
        kept: Vec<Kept>,
        /// Which of it was kept out before: that changed nothing.
        before: Vec<KeptOut>,
        /// How many sessions end with it, here and on other nodes.
        sessions: usize,
    },
    /// It may come again.
    Lifted(Vec<Kept>),
}

/// What is kept out, since when, by whom and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptOut {
    /// What.
    pub(crate) kept: Kept,
    /// By whom.
    pub(crate) by: PersonId,
    /// Since when.
    pub(crate) at: Timestamp,
    /// Why.
    pub(crate) reason: String,
}

/// What the operator's client keeps out.
pub(crate) fn standing(by: &AsOperator<'_>) -> Vec<KeptOut> {
    let all = by.kept_out().into_iter();
    let all = all.map(|(kept, word)| KeptOut {
        kept: kept.clone(),
        by: word.by.clone(),
        at: word.at,
        reason: word.reason.clone(),
    });
    all.collect()
}

/// An operator keeps something out, lets it come again, or looks what is kept out.
pub(crate) async fn keep_out(house: &Gateway, by: &Actor, ask: KeepOut) -> Result<Done, Undone> {
    let applied = house.applied();
    let operator = right(house, by, KeepOut::ACT, by.as_operator(&applied)).await?;
    let standing = standing(&operator);
    let Some(typed) = ask.what else {
        return match ask.lift || ask.reason.is_some() {
            false => Ok(Done::Listed(standing)),
            true => Err(What::Name.unclear("").into()),
        };
    };
    let mut meant = operator.meant_to_keep_out(&typed);
    if ask.lift {
        meant.retain(|kept| standing.iter().any(|one| one.kept == *kept));
    }
    if meant.is_empty() {
        let client = operator.client().clone();
        let subject = Subject::ToKeepOut { typed, client };
        return Err(no_such(house, by, KeepOut::ACT, subject).await);
    }
    if ask.lift {
        return lift(house, by, &operator, meant).await;
    }
    let (mut before, mut kept) = (Vec::new(), Vec::new());
    for one in meant {
        match standing.iter().find(|standing| standing.kept == one) {
            Some(standing) => before.push(standing.clone()),
            None => kept.push(one),
        }
    }
    if kept.is_empty() {
        return Ok(Done::KeptOut {
            kept,
            before,
            sessions: 0,
        });
    }
    let Some(reason) = ask.reason else {
        return Err(Undone::Wants(Wants::Why));
    };
    let reason = match words::reason(&reason) {
        Ok(reason) => reason,
        Err(refusal) => {
            cannot_ask(house, by, KeepOut::ACT, &refusal).await?;
            return Err(Undone::Refused(refusal));
        }
    };
    let mut sessions = 0;
    for kept in &kept {
        sessions += live(house, &operator, kept).await;
    }
    let records: Vec<_> = kept
        .iter()
        .map(|kept| {
            let record = by
                .record(AuditKind::KeepOut, operator.now())
                .client(operator.client())
                .permitted()
                .reason(&reason)
                .detail(KEPT_OUT, kept.to_string());
            match kept {
                Kept::Target(target) => record.target(target),
                Kept::Person(_) | Kept::Station(_) | Kept::All => record,
            }
        })
        .collect();
    // Nothing that waits in turn comes before it.
    house.store.ahead().record(&records).await?;
    let client = operator.client();
    in_force(house, |documents| {
        let said = documents.clearances().of(client);
        said.is_some_and(|said| kept.iter().all(|kept| said.kept_out.contains_key(kept)))
    })
    .await;
    Ok(Done::KeptOut {
        kept,
        before,
        sessions,
    })
}

/// What was kept out may come again: that gives, and so takes a code of now.
async fn lift(
    house: &Gateway,
    by: &Actor,
    operator: &AsOperator<'_>,
    mut kept: Vec<Kept>,
) -> Result<Done, Undone> {
    let code = by.proven_code();
    let widening = operator.to_widen(&code);
    let widening = widening.map_err(|refusal| Undone::Wants(Wants::Code(refusal)))?;
    kept.retain(|kept| widening.lifts(kept));
    let records: Vec<_> = kept
        .iter()
        .map(|kept| {
            let record = by
                .record(AuditKind::KeepOutLifted, operator.now())
                .client(operator.client())
                .permitted()
                .detail(KEPT_OUT, kept.to_string());
            match kept {
                Kept::Target(target) => proof(record, by).target(target),
                Kept::Person(_) | Kept::Station(_) | Kept::All => proof(record, by),
            }
        })
        .collect();
    house.store.ahead().record(&records).await?;
    let client = operator.client();
    in_force(house, |documents| {
        let said = documents.clearances().of(client);
        said.is_some_and(|said| !kept.iter().any(|kept| said.kept_out.contains_key(kept)))
    })
    .await;
    Ok(Done::Lifted(kept))
}

/// Waits a moment until what was put on record is in force here: it ends and lets in by that.
pub(super) async fn in_force(house: &Gateway, is: impl Fn(&Documents) -> bool) {
    let mut documents = house.documents.clone();
    let taken = documents.wait_for(|applied| is(&applied.documents));
    // What is on record comes into force by itself; whoever waits too long is told the same.
    let _ = tokio::time::timeout(IN_FORCE_WITHIN, taken).await;
}

/// How many sessions of the client are in passage that a word ends, here and on other nodes that are heard of; those that cannot
/// be counted are not, which holds up no act.
pub(super) async fn live(house: &Gateway, operator: &AsOperator<'_>, kept: &Kept) -> usize {
    let here = house.live.list(operator);
    let here = here.iter().filter(|session| {
        let facts = session.facts();
        is_of(kept, &facts.person, Some(&facts.station), &facts.target)
    });
    let here = here.count();
    match there(house, operator, kept).await {
        Ok(there) => here.saturating_add(there),
        Err(error) => {
            tracing::warn!(%error, "the sessions of other nodes are not counted");
            here
        }
    }
}

async fn there(
    house: &Gateway,
    operator: &AsOperator<'_>,
    kept: &Kept,
) -> Result<usize, StoreError> {
    let (remote, _) = nodes::elsewhere(house, operator).await?;
    let heard = remote.iter().filter(|remote| remote.address().is_some());
    let theirs = heard.filter(|remote| {
        let start = &remote.session.start;
        let station = remote.intervention.as_ref();
        let station = station.map(|intervention| &intervention.request().station);
        is_of(kept, &start.person, station, &start.target)
    });
    Ok(theirs.count())
}

fn is_of(kept: &Kept, who: &PersonId, from: Option<&StationId>, on: &TargetId) -> bool {
    match kept {
        Kept::Person(person) => person == who,
        Kept::Station(station) => from == Some(station),
        Kept::Target(target) => target == on,
        Kept::All => true,
    }
}
