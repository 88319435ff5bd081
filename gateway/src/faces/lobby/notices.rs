//! News above the prompt: what happened since the last look, in the words of each role.
//!
//! Operators read of requests that come and go and of sessions that begin and end; technicians read what
//! became of theirs. Auditors are left alone.

use std::collections::BTreeMap;
use std::time::Instant;

use ecluse_policy::intervention::{Intervention, State};
use ecluse_policy::{AsOperator, AsTechnician, CloseReason, InterventionId, PersonId, Role};

use super::desk::{Desk, Trouble};
use super::passing::Passing;
use super::shown;
use crate::clock;
use crate::deeds::alerts as found;
use crate::deeds::changes::{UpTo, up_to_now};
use crate::deeds::{listing, news};
use crate::faces::lobby::operator::{alerts, changes};
use crate::texts::times;

/// What was known at the last look.
pub(super) enum Notices {
    Technician(BTreeMap<InterventionId, u64>),
    Operator {
        waiting: BTreeMap<InterventionId, Intervention>,
        passing: Passing,
        /// Alerts up to there were told.
        alerted: found::UpTo,
        /// Changes of what concerns the client were told up to there.
        changed: UpTo,
    },
    Auditor,
    /// The right to be told anything is over, or the person is; the connection ends too.
    Nobody,
}

impl Notices {
    /// Takes in how things stand; only what happens after it is news.
    pub(super) async fn begin(desk: &Desk<'_>) -> Result<Self, Trouble> {
        let applied = desk.applied();
        match desk.visitor.authenticated.role() {
            Role::Technician { .. } => {
                let Ok(by) = desk.visitor.as_technician(&applied) else {
                    return Ok(Self::Nobody);
                };
                let known = own(desk, &by)
                    .await?
                    .iter()
                    .map(|own| (own.id(), own.revision()))
                    .collect();
                Ok(Self::Technician(known))
            }
            Role::Operator { .. } => {
                let Ok(by) = desk.visitor.as_operator(&applied) else {
                    return Ok(Self::Nobody);
                };
                Ok(Self::Operator {
                    waiting: waiting(desk, &by).await?,
                    passing: Passing::begin(desk, &by).await?,
                    alerted: found::up_to_now(desk.gateway, &by).await?,
                    changed: up_to_now(desk.gateway, &by).await?,
                })
            }
            Role::Auditor { .. } => Ok(Self::Auditor),
        }
    }

    /// The first words at the prompt: what there is to do.
    pub(super) async fn greet(&mut self, desk: &mut Desk<'_>) -> Result<(), Trouble> {
        let applied = desk.applied();
        match self {
            Self::Technician(_) => {
                let Ok(by) = desk.visitor.as_technician(&applied) else {
                    return Ok(());
                };
                let mut mine = own(desk, &by).await?;
                mine.retain(|mine| !mine.state().is_final());
                if mine.is_empty() {
                    desk.line("lobby-nothing-asked", &[]).await?;
                } else {
                    desk.line("lobby-your-interventions", &[]).await?;
                    super::listing::list(desk, &mine, false).await?;
                }
            }
            Self::Operator {
                waiting, changed, ..
            } => {
                if desk.visitor.as_operator(&applied).is_err() {
                    return Ok(());
                }
                alerts::tell(desk).await?;
                changes::tell(desk, changed).await?;
                desk.line("operator-hint", &[("count", waiting.len().into())])
                    .await?;
            }
            Self::Auditor => {
                let Ok(by) = desk.visitor.as_auditor(&applied) else {
                    return Ok(());
                };
                let id = match news::any_session(desk.gateway, &by).await? {
                    true => "auditor-hint",
                    false => "auditor-hint-none",
                };
                desk.line(id, &[]).await?;
            }
            Self::Nobody => {}
        }
        Ok(())
    }

    /// Whether nothing is told because there was no right to be told when the notices began.
    pub(super) fn are_kept_back(&self) -> bool {
        matches!(self, Self::Nobody)
    }

    /// When news that are held back, because there are so many, are due.
    pub(super) fn due(&self) -> Option<Instant> {
        match self {
            Self::Operator { passing, .. } => passing.due(),
            Self::Technician(_) | Self::Auditor | Self::Nobody => None,
        }
    }

    /// One line for each thing that happened since the last look.
    pub(super) async fn news(&mut self, desk: &mut Desk<'_>) -> Result<Vec<String>, Trouble> {
        let applied = desk.applied();
        match self {
            Self::Technician(known) => {
                let mut news = Vec::new();
                let Ok(by) = desk.visitor.as_technician(&applied) else {
                    return Ok(news);
                };
                for mine in own(desk, &by).await?.iter().rev() {
                    if known
                        .insert(mine.id(), mine.revision())
                        .is_some_and(|revision| revision < mine.revision())
                        && let Some(text) = answer(desk, mine)
                    {
                        let args = [
                            ("number", mine.number().to_string().into()),
                            ("text", text.into()),
                        ];
                        news.push(desk.say("lobby-new-answer", &args));
                    }
                }
                Ok(news)
            }
            Self::Operator {
                waiting: known,
                passing,
                alerted,
                changed,
            } => {
                let Ok(by) = desk.visitor.as_operator(&applied) else {
                    return Ok(Vec::new());
                };
                // Before they are looked for: what comes in between is found again, and told once.
                let upto = found::up_to_now(desk.gateway, &by).await?;
                let mut news = alerts::since_then(desk, *alerted).await?;
                *alerted = upto;
                news.extend(changes::news(desk, changed).await?);
                let waiting = waiting(desk, &by).await?;
                for (id, request) in &waiting {
                    if !known.contains_key(id) {
                        news.extend(arrived(desk, request));
                    }
                }
                for (id, request) in known.iter().filter(|(id, _)| !waiting.contains_key(id)) {
                    if let Some(line) = gone(desk, &by, *id, request).await? {
                        news.push(line);
                    }
                }
                news.extend(passing.news(desk, &by).await?);
                *known = waiting;
                Ok(news)
            }
            Self::Auditor | Self::Nobody => Ok(Vec::new()),
        }
    }
}

async fn own(desk: &Desk<'_>, by: &AsTechnician<'_>) -> Result<Vec<Intervention>, Trouble> {
    Ok(listing::own(desk.gateway, by).await?.interventions)
}

async fn waiting(
    desk: &Desk<'_>,
    by: &AsOperator<'_>,
) -> Result<BTreeMap<InterventionId, Intervention>, Trouble> {
    let waiting = listing::waiting(desk.gateway, by).await?;
    Ok(waiting
        .into_iter()
        .map(|waiting| (waiting.id(), waiting))
        .collect())
}

/// A request that waits; or what was approved before and wants one more yes by a posture, unless this operator gave theirs.
fn arrived(desk: &Desk<'_>, intervention: &Intervention) -> Option<String> {
    let request = intervention.request();
    let id = if matches!(intervention.state(), State::Requested) {
        "operator-new-request"
    } else {
        "operator-suspended"
    };
    let mut given = intervention.approvals().iter();
    if given.any(|yes| yes.operator == *desk.person()) {
        return None;
    }
    Some(desk.say(
        id,
        &[
            ("number", request.number.to_string().into()),
            ("person", request.person.as_str().into()),
            ("provider", request.provider.as_str().into()),
            ("targets", shown::names(&request.scope.targets).into()),
            (
                "length",
                times::length_in(desk.lang(), request.length).into(),
            ),
            ("reason", request.reason.as_str().into()),
        ],
    ))
}

/// A request that waits no longer, unless this operator answered it: they know.
async fn gone(
    desk: &Desk<'_>,
    by: &AsOperator<'_>,
    id: InterventionId,
    known: &Intervention,
) -> Result<Option<String>, Trouble> {
    let Some(latest) = news::became(desk.gateway, by, id).await? else {
        return Ok(None);
    };
    if answered_by(known, &latest) == Some(desk.person()) {
        return Ok(None);
    }
    let args = [
        ("number", known.number().to_string().into()),
        ("person", known.request().person.as_str().into()),
        (
            "state",
            shown::state(&desk.gateway.texts, desk.lang(), latest.state()).into(),
        ),
    ];
    Ok(Some(desk.say("operator-gone-request", &args)))
}

/// Whose answer took it from those that wait. Where the yeses that there were suffice by now, as once a posture is over, it is nobody's.
fn answered_by<'i>(known: &Intervention, latest: &'i Intervention) -> Option<&'i PersonId> {
    match latest.state() {
        State::Refused { by, .. } => Some(by),
        State::Approved { .. } | State::Open { .. } | State::Closed { .. } => {
            let last = latest.approvals().last();
            let is_new = known.approvals().len() < latest.approvals().len();
            last.filter(|_| is_new).map(|yes| &yes.operator)
        }
        State::Requested | State::Expired { .. } | State::Cancelled { .. } => None,
    }
}

/// What became of a technician's own intervention.
fn answer(desk: &Desk<'_>, intervention: &Intervention) -> Option<String> {
    let applied = desk.applied();
    let name = |person| shown::person(&applied.documents, person);
    match intervention.state() {
        State::Requested => {
            let (person, _) = intervention.seen()?;
            Some(desk.say("lobby-answer-seen", &[("person", name(person).into())]))
        }
        // What is in use is their own doing, unless a posture wanted one more yes and has it since.
        State::Approved { granted } | State::Open { granted, .. } => {
            let approval = intervention.approvals().last()?;
            if let State::Open { opened_at, .. } = intervention.state()
                && approval.at <= *opened_at
            {
                return None;
            }
            let args = [
                ("person", name(&approval.operator).into()),
                (
                    "length",
                    times::length_in(desk.lang(), granted.length).into(),
                ),
                (
                    "latest",
                    times::moment(granted.latest_end, clock::now(), None).into(),
                ),
            ];
            Some(desk.say("lobby-answer-approved", &args))
        }
        State::Refused { by, reason, .. } => Some(desk.say(
            "lobby-answer-refused",
            &[
                ("person", name(by).into()),
                ("reason", reason.as_str().into()),
            ],
        )),
        State::Expired {
            granted: Some(_), ..
        } => Some(desk.say("state-unused", &[])),
        State::Expired { granted: None, .. } => Some(desk.say("lobby-answer-expired", &[])),
        State::Closed {
            reason: CloseReason::ByOperator { by, reason },
            ..
        } => Some(desk.say(
            "lobby-answer-closed-by",
            &[
                ("person", name(by).into()),
                ("reason", reason.as_str().into()),
            ],
        )),
        State::Closed { reason, .. } => {
            let reason = shown::close_reason(&desk.gateway.texts, desk.lang(), reason);
            Some(desk.say("lobby-answer-closed", &[("reason", reason.into())]))
        }
        // Their own doing.
        State::Cancelled { .. } => None,
    }
}
