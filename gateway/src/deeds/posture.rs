//! An operator tightens everything of their client by one word, and operators lead back (P6).
//!
//! The entry is the word, and nothing stands beside it, as with what is kept out ([`super::keep_out`]): policy reads it with the
//! documents, at each request, each channel and each look at what is live (`adr/0047-a-posture-is-an-entry.md`).

use std::fmt;
use std::str::FromStr;

use clap::Args;
use ecluse_policy::documents::PostureRules;
use ecluse_policy::words;
use ecluse_policy::{
    AccountName, AsOperator, Capability, ClientId, Documents, HighPosture, InPosture, Intervention,
    InterventionNumber, PersonId, Role, Span, TargetId, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::answers::proof;
use super::keep_out::in_force;
use super::typed::{Unclear, What};
use super::{Ask, Undone, Wants, cannot_ask, right};
use crate::actor::Actor;
use crate::audit::{AuditKind, POSTURE_SINCE};
use crate::gateway::Gateway;
use crate::live::nodes;
use crate::store::StoreError;

/// A posture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) enum To {
    /// Everything is tightened.
    High,
    /// Nothing is.
    Normal,
}

impl FromStr for To {
    type Err = Unclear;
    fn from_str(typed: &str) -> Result<Self, Unclear> {
        match typed {
            "high" => Ok(Self::High),
            "normal" => Ok(Self::Normal),
            _ => Err(What::Posture.unclear(typed)),
        }
    }
}

impl fmt::Display for To {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::High => "high",
            Self::Normal => "normal",
        })
    }
}

impl TryFrom<String> for To {
    type Error = Unclear;
    fn try_from(typed: String) -> Result<Self, Unclear> {
        typed.parse()
    }
}

impl From<To> for String {
    fn from(to: To) -> Self {
        to.to_string()
    }
}

/// Heightens the posture, leads back, or tells how it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Posture {
    /// `high` or `normal`; tells how it stands, without it.
    #[serde(default)]
    pub(crate) to: Option<To>,
    /// Why; technicians read it.
    #[arg(long, allow_hyphen_values = true)]
    #[serde(default)]
    pub(crate) reason: Option<String>,
}

impl Ask for Posture {
    const ACT: &'static str = "posture";
    const USAGE: &'static str = "posture [high --reason \"…\" | normal [--reason \"…\"]]";
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Done {
    /// How it stands.
    Told(Stands),
    /// It is heightened.
    Heightened {
        /// How it stands from here on.
        stands: Stands,
        /// What it ends or suspends of what is live, here and on other nodes.
        ends: Vec<Ends>,
    },
    /// It was before, or was normal before: that changed nothing.
    Before(Stands),
    /// So many more operators have to say that it is over; none, where it is.
    Back(u32),
}

/// How a client's posture stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stands {
    /// Whose.
    pub(crate) client: ClientId,
    /// That it is heightened, while it is.
    pub(crate) high: Option<High>,
    /// What heightened posture means there.
    pub(crate) means: Means,
}

/// That a posture is heightened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct High {
    /// Since when.
    pub(crate) since: Timestamp,
    /// Who said so.
    pub(crate) by: PersonId,
    /// Why.
    pub(crate) reason: String,
    /// Who has said since that it is over.
    pub(crate) over: Vec<PersonId>,
}

/// What heightened posture means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Means {
    /// At least so many approvals.
    pub(crate) approvers: u32,
    /// No intervention lasts longer.
    pub(crate) at_most: Span,
    /// What no flow gives.
    pub(crate) refuse: Vec<String>,
    /// The most that may pass, by the keys of the document.
    pub(crate) ceilings: Vec<String>,
    /// How long what it does not allow goes on.
    pub(crate) warning: Span,
    /// How many operators lead back.
    pub(crate) normal_by: u32,
    /// Whether the client's document says it, and not the gateway for it.
    pub(crate) written: bool,
}

/// A live session of which a posture ends something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ends {
    /// Its number.
    pub(crate) number: u64,
    /// Whose it is.
    pub(crate) person: PersonId,
    /// On which target.
    pub(crate) target: TargetId,
    /// By which intervention.
    pub(crate) intervention: InterventionNumber,
    /// Whether another node carries it: what runs there is not known here.
    pub(crate) there: bool,
    /// What is barred, as words find it.
    #[serde(skip)]
    pub(crate) bars: Vec<HighPosture>,
}

impl Stands {
    fn of(client: &ClientId, rules: &PostureRules, high: Option<&InPosture>) -> Self {
        // What is in force, where something is.
        let rules = high.map_or(rules, |high| &high.rules);
        Self {
            client: client.clone(),
            high: high.map(|high| High {
                since: high.said.at,
                by: high.said.by.clone(),
                reason: high.said.reason.clone(),
                over: high.said.over.keys().cloned().collect(),
            }),
            means: Means {
                approvers: rules.approvers,
                at_most: rules.at_most,
                refuse: rules.refuse.iter().map(ToString::to_string).collect(),
                ceilings: rules.ceilings(),
                warning: rules.warning,
                normal_by: rules.normal_by,
                written: rules.line != 0,
            },
        }
    }

    /// Of one client, where there is such a client.
    pub(crate) fn at(documents: &Documents, client: &ClientId) -> Option<Self> {
        let rules = &documents.client(client)?.posture;
        Some(Self::of(client, rules, documents.posture(client)))
    }
}

/// An operator heightens the posture, leads back, or looks how it stands; an auditor looks.
pub(crate) async fn posture(house: &Gateway, by: &Actor, ask: Posture) -> Result<Done, Undone> {
    let applied = house.applied();
    if let (Role::Auditor { .. }, None) = (by.authenticated.role(), ask.to) {
        let auditor = right(house, by, Posture::ACT, by.as_auditor(&applied)).await?;
        let stands = Stands::at(&applied.documents, auditor.client());
        return stands.map(Done::Told).ok_or_else(|| nobodys(""));
    }
    let operator = right(house, by, Posture::ACT, by.as_operator(&applied)).await?;
    let stands = Stands::at(&applied.documents, operator.client());
    let stands = stands.ok_or_else(|| nobodys(""))?;
    match ask.to {
        None if ask.reason.is_some() => Err(nobodys("")),
        None => Ok(Done::Told(stands)),
        Some(To::High) => heighten(house, by, &operator, stands, ask.reason).await,
        Some(To::Normal) => lead_back(house, by, &operator, stands, ask.reason).await,
    }
}

/// No posture was named.
fn nobodys(typed: &str) -> Undone {
    What::Posture.unclear(typed).into()
}

/// Everything is tightened: that only takes away, and so takes no code.
async fn heighten(
    house: &Gateway,
    by: &Actor,
    operator: &AsOperator<'_>,
    stands: Stands,
    reason: Option<String>,
) -> Result<Done, Undone> {
    // Where somebody has begun to lead back, it is said anew.
    if stands
        .high
        .as_ref()
        .is_some_and(|high| high.over.is_empty())
    {
        return Ok(Done::Before(stands));
    }
    let Some(reason) = reason else {
        return Err(Undone::Wants(Wants::Why));
    };
    let reason = checked(house, by, &reason).await?;
    let mut record = by
        .record(AuditKind::PostureHigh, operator.now())
        .client(operator.client())
        .permitted()
        .reason(&reason);
    // It was never over: what it ends is not warned a second time.
    if let Some(high) = &stands.high {
        record = record.detail(POSTURE_SINCE, high.since.as_micros());
    }
    // Nothing that waits in turn comes before it.
    house.store.ahead().record(&[record]).await?;
    let client = operator.client();
    in_force(house, |documents| {
        let high = documents.posture(client);
        high.is_some_and(|high| high.said.over.is_empty() && high.said.reason == reason)
    })
    .await;
    let applied = house.applied();
    let stands = Stands::at(&applied.documents, client).unwrap_or(stands);
    let ends = ends(house, operator, &applied.documents).await;
    Ok(Done::Heightened { stands, ends })
}

/// It is over, as far as this operator goes: that gives, and so takes a code of now.
async fn lead_back(
    house: &Gateway,
    by: &Actor,
    operator: &AsOperator<'_>,
    stands: Stands,
    reason: Option<String>,
) -> Result<Done, Undone> {
    if stands.high.is_none() {
        return Ok(Done::Before(stands));
    }
    let code = by.proven_code();
    let widening = operator.to_widen(&code);
    let widening = widening.map_err(|refusal| Undone::Wants(Wants::Code(refusal)))?;
    let Some(wanting) = widening.leads_back() else {
        return Ok(Done::Before(stands));
    };
    let mut record = by
        .record(AuditKind::PostureNormal, operator.now())
        .client(operator.client())
        .permitted()
        .detail("wanting", wanting);
    if let Some(reason) = reason {
        record = record.reason(&checked(house, by, &reason).await?);
    }
    let record = proof(record, by);
    house.store.ahead().record(&[record]).await?;
    let (client, person) = (operator.client(), operator.person());
    in_force(house, |documents| {
        let high = documents.posture(client);
        high.is_none_or(|high| high.said.over.contains_key(person))
    })
    .await;
    Ok(Done::Back(wanting))
}

async fn checked(house: &Gateway, by: &Actor, reason: &str) -> Result<String, Undone> {
    match words::reason(reason) {
        Ok(reason) => Ok(reason),
        Err(refusal) => {
            cannot_ask(house, by, Posture::ACT, &refusal).await?;
            Err(Undone::Refused(refusal))
        }
    }
}

/// What it ends or suspends of what is live; what cannot be looked at is left out, which holds up no act.
async fn ends(house: &Gateway, operator: &AsOperator<'_>, documents: &Documents) -> Vec<Ends> {
    match looked_at(house, operator, documents).await {
        Ok(ends) => ends,
        Err(error) => {
            tracing::warn!(%error, "what a posture ends is not known");
            Vec::new()
        }
    }
}

async fn looked_at(
    house: &Gateway,
    operator: &AsOperator<'_>,
    documents: &Documents,
) -> Result<Vec<Ends>, StoreError> {
    let Some(posture) = documents.posture(operator.client()) else {
        return Ok(Vec::new());
    };
    let now = operator.now();
    let mut ends = Vec::new();
    let mut add = |number, place: (&PersonId, &TargetId, &AccountName), it: &Intervention, runs| {
        let (person, target, account) = place;
        let there = matches!(runs, Runs::Unknown);
        let bars = match runs {
            Runs::These(runs) => it.ended_by_posture(documents, target, account, &runs, now),
            Runs::Unknown => it.barred_by_posture(documents, now),
        };
        if !bars.is_empty() {
            ends.push(Ends {
                number,
                person: person.clone(),
                target: target.clone(),
                intervention: it.number(),
                there,
                bars: bars.into_iter().map(|one| *posture.bars(one)).collect(),
            });
        }
    };
    for session in house.live.list(operator) {
        let facts = session.facts();
        if let Some(it) = house.store.intervention(facts.intervention).await? {
            let channels = session.channels().into_iter();
            let runs = channels.flat_map(|channel| channel.capabilities).collect();
            let place = (&facts.person, &facts.target, &facts.account);
            add(facts.number, place, &it, Runs::These(runs));
        }
    }
    let (remote, _) = nodes::elsewhere(house, operator).await?;
    for remote in remote.iter().filter(|remote| remote.address().is_some()) {
        if let Some(it) = &remote.intervention {
            let start = &remote.session.start;
            let place = (&start.person, &start.target, &start.account);
            add(remote.session.number, place, it, Runs::Unknown);
        }
    }
    ends.sort_by_key(|ends| ends.number);
    Ok(ends)
}

/// What runs on a session.
enum Runs {
    /// These.
    These(Vec<Capability>),
    /// Its node knows.
    Unknown,
}
