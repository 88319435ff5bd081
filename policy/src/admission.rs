//! Who may pass now, and what of it: the one choke point for every channel of every kind.
//!
//! [`admit`] looks at everything (person, station, matrix, hours, approval, window) and makes an [`Admission`];
//! [`Admission::decide`] answers each request out of it; [`Admission::recheck`] says whether all of it still holds.

use std::collections::BTreeSet;

use crate::capability::Capability;
use crate::documents::{Documents, HostPort};
use crate::flow::FlowRequest;
use crate::flow::choke::{Mismatch, answers};
use crate::identity::Presence;
use crate::intervention::{Grant, Intervention, State};
use crate::key::PublicKey;
use crate::matrix::{flows_for, listed_target};
use crate::name::{AccountName, ClientId, FlowName, TargetId};
use crate::time::{Span, Timestamp};
use crate::verdict::{EndReason, Permit, Refusal, Verdict};

/// Proof that a technician may act on a target as an account until [`Admission::closes_at`]. Only [`admit`] makes one.
///
/// Invariant: when it was made, the person and station were in force, an approved intervention had begun and was not
/// over, and each of its rules was granted and allowed by a line of the matrix at that hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    presence: Presence,
    client: ClientId,
    target: TargetId,
    destination: HostPort,
    host_keys: Vec<PublicKey>,
    account: AccountName,
    intervention: Intervention,
    first_use: bool,
    rules: Vec<Rule>,
}

/// One thing that is granted and that one flow allows. **Range**: `closes_at` excluded.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    capability: Capability,
    flow: FlowName,
    closes_at: Timestamp,
}

/// Decides whether a technician may act on a target now.
///
/// The account may be left out when exactly one is granted. Interventions of others are not looked at, so the gateway
/// may hand over more than those of this person.
///
/// # Errors
/// The refusal to show; the same words for a target that does not exist and one that is not for this person.
pub fn admit(
    documents: &Documents,
    presence: &Presence,
    target: &TargetId,
    account: Option<&AccountName>,
    interventions: &[Intervention],
    now: Timestamp,
) -> Result<Admission, Refusal> {
    presence.still_valid(documents, now)?;
    listed_target(documents, presence.person(), target)?;
    let mut admitted: Vec<Admission> = Vec::new();
    let mut refused: Vec<Refusal> = Vec::new();
    for intervention in interventions
        .iter()
        .filter(|it| is_about(it, presence, target))
    {
        match admit_by(documents, presence, target, account, intervention, now) {
            Ok(mut admissions) => admitted.append(&mut admissions),
            Err(refusal) => refused.push(refusal),
        }
    }
    let accounts: BTreeSet<AccountName> = admitted
        .iter()
        .map(|admission| admission.account.clone())
        .collect();
    if accounts.len() > 1 {
        return Err(Refusal::ChooseAccount {
            target: target.clone(),
            accounts,
        });
    }
    // Where two interventions would do, one that is open, then the one that lasts.
    let best = admitted
        .into_iter()
        .max_by_key(|admission| (!admission.first_use, admission.closes_at()));
    best.ok_or_else(|| {
        let nearest = refused.into_iter().min_by_key(nearness);
        nearest.unwrap_or(Refusal::NoIntervention {
            target: target.clone(),
        })
    })
}

fn is_about(intervention: &Intervention, presence: &Presence, target: &TargetId) -> bool {
    let request = intervention.request();
    request.person == *presence.person()
        && request.provider == *presence.provider()
        && request.scope.targets.contains(target)
}

/// Of several refusals, the one that is nearest to a yes helps most.
const fn nearness(refusal: &Refusal) -> u8 {
    match refusal {
        Refusal::OutsideHours { .. } => 0,
        Refusal::OtherStation { .. } => 1,
        Refusal::NotYet { .. } => 2,
        Refusal::Pending { .. } => 3,
        Refusal::NotGranted { .. } => 4,
        Refusal::MatrixNarrower { .. } => 5,
        Refusal::WindowOver { .. } => 6,
        // What is refused before any intervention is looked at, or answers another question.
        Refusal::NotListed { .. }
        | Refusal::NoIntervention { .. }
        | Refusal::ChooseAccount { .. }
        | Refusal::Ended(_)
        | Refusal::FlowNotListed { .. }
        | Refusal::Command { .. }
        | Refusal::Env { .. }
        | Refusal::NotATechnician
        | Refusal::NoTarget
        | Refusal::SeveralClients
        | Refusal::NoCommonAccount
        | Refusal::NameAccount { .. }
        | Refusal::NotInMatrix { .. }
        | Refusal::NothingAsked
        | Refusal::Reason { .. }
        | Refusal::Length { .. }
        | Refusal::Start { .. }
        | Refusal::TooManyWaiting { .. }
        | Refusal::NotItsOperator
        | Refusal::OwnRequest
        | Refusal::AlreadyApproved { .. }
        | Refusal::NothingLeft { .. }
        | Refusal::OnlyShrinks { .. }
        | Refusal::WrongState { .. }
        | Refusal::NotYours { .. } => 7,
    }
}

/// The admissions, one an account, that one intervention gives.
fn admit_by(
    documents: &Documents,
    presence: &Presence,
    target: &TargetId,
    account: Option<&AccountName>,
    intervention: &Intervention,
    now: Timestamp,
) -> Result<Vec<Admission>, Refusal> {
    let number = intervention.number();
    match intervention.state() {
        State::Approved { .. } | State::Open { .. } => {}
        State::Requested if now < intervention.request().answer_due() => {
            let seen_at = intervention.seen().map(|(_, at)| *at);
            return Err(Refusal::Pending {
                target: target.clone(),
                number,
                seen_at,
            });
        }
        State::Requested
        | State::Refused { .. }
        | State::Expired { .. }
        | State::Closed { .. }
        | State::Cancelled { .. } => {
            return Err(Refusal::NoIntervention {
                target: target.clone(),
            });
        }
    }
    let asked_from = &intervention.request().station;
    if asked_from != presence.station() {
        return Err(Refusal::OtherStation {
            number,
            asked_from: asked_from.clone(),
        });
    }
    let opened = intervention.open(now)?;
    let (Some(granted), State::Open { closes_at, .. }) = (opened.granted(), opened.state()) else {
        return Err(Refusal::NoIntervention {
            target: target.clone(),
        });
    };
    if !granted.scope.targets.contains(target) {
        return Err(Refusal::NotGranted {
            number,
            what: target.to_string(),
        });
    }
    if let Some(account) = account.filter(|account| !granted.scope.accounts.contains(*account)) {
        return Err(Refusal::NotGranted {
            number,
            what: account.to_string(),
        });
    }
    let (client, found) = listed_target(documents, presence.person(), target)?;
    if client.id != intervention.request().client {
        return Err(Refusal::MatrixNarrower { number });
    }
    let mut admissions = Vec::new();
    let mut opens_at = None;
    for account in granted
        .scope
        .accounts
        .iter()
        .filter(|one| account.is_none_or(|named| named == *one))
    {
        let approvals = opened.approvals().len();
        let rules = Rules::of(
            documents, presence, target, account, granted, approvals, *closes_at, now,
        );
        opens_at = opens_at.into_iter().chain(rules.opens_at).min();
        if !rules.open.is_empty() {
            admissions.push(Admission {
                presence: presence.clone(),
                client: client.id.clone(),
                target: target.clone(),
                destination: found.address.clone(),
                host_keys: found.host_keys.clone(),
                account: account.clone(),
                first_use: opened.revision() != intervention.revision(),
                intervention: opened.clone(),
                rules: rules.open,
            });
        }
    }
    match (admissions.is_empty(), opens_at) {
        (false, _) => Ok(admissions),
        (true, Some(at)) => Err(Refusal::OutsideHours {
            target: target.clone(),
            opens_at: Some(at),
        }),
        (true, None) => Err(Refusal::MatrixNarrower { number }),
    }
}

/// What is granted and allowed on one target as one account.
struct Rules {
    /// What is open now.
    open: Vec<Rule>,
    /// When the first of those that are closed at this hour opens; the far future where that is not known.
    opens_at: Option<Timestamp>,
}

impl Rules {
    #[expect(
        clippy::too_many_arguments,
        reason = "everything a right depends on stands here, and nowhere else"
    )]
    fn of(
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
        } = granted;
        let mut rules = Self {
            open: Vec::new(),
            opens_at: None,
        };
        for flow in flows_for(documents, presence.person(), target, account) {
            // Each flow by its own conditions: one never stands in for another's (see `matrix`).
            let enough = usize::try_from(flow.approval.by).is_ok_and(|by| by <= approvals);
            if !enough || *length > flow.approval.at_most {
                continue;
            }
            let capabilities: Vec<Capability> = scope
                .capabilities
                .iter()
                .flat_map(|granted| {
                    flow.allow
                        .iter()
                        .filter_map(|allowed| granted.common(allowed))
                })
                .collect();
            if capabilities.is_empty() {
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
            let closes_at = flow
                .hours
                .closes_after(now)
                .unwrap_or(Timestamp::MAX)
                .min(starts_at.plus(flow.approval.at_most))
                .min(window_closes_at);
            if now < closes_at {
                let rule = |capability| Rule {
                    capability,
                    flow: flow.name.clone(),
                    closes_at,
                };
                rules.open.extend(capabilities.into_iter().map(rule));
            }
        }
        rules
    }
}

impl Admission {
    /// Decides whether one flow may pass at `now`.
    ///
    /// The permit carries the destination written in the client's document, not the one typed.
    pub fn decide(&self, request: &FlowRequest, now: Timestamp) -> Verdict {
        let closed_at = self.closes_at();
        if closed_at <= now {
            return Verdict::Refuse(Refusal::WindowOver { closed_at });
        }
        let mut closest: Option<Mismatch> = None;
        let mut best: Option<&Rule> = None;
        for rule in &self.rules {
            match answers(&rule.capability, request) {
                Ok(()) if best.is_none_or(|best| best.closes_at < rule.closes_at) => {
                    best = Some(rule)
                }
                Ok(()) => {}
                Err(mismatch) => closest = Some(nearer(closest, mismatch)),
            }
        }
        match best {
            Some(rule) if now < rule.closes_at => Verdict::Permit(self.permit(rule)),
            Some(_) => Verdict::Refuse(Refusal::OutsideHours {
                target: self.target.clone(),
                opens_at: None,
            }),
            None => Verdict::Refuse(refusal(request, closest)),
        }
    }

    fn permit(&self, rule: &Rule) -> Permit {
        Permit {
            destination: self.destination.clone(),
            host_keys: self.host_keys.clone(),
            account: self.account.clone(),
            target: self.target.clone(),
            client: self.client.clone(),
            intervention: self.intervention.id(),
            number: self.intervention.number(),
            capability: rule.capability.clone(),
            flow: rule.flow.clone(),
            closes_at: rule.closes_at,
        }
    }

    /// Whether everything that it permits is still permitted: ask after every change of documents or of the
    /// intervention, and from time to time.
    ///
    /// Strict on purpose: where anything was taken away, all of it ends, and the technician comes back to what is left.
    ///
    /// # Errors
    /// The reason why it ends.
    pub fn recheck(
        &self,
        documents: &Documents,
        intervention: Option<&Intervention>,
        now: Timestamp,
    ) -> Result<(), EndReason> {
        // Destructured, so that a new part of an admission cannot be forgotten here.
        let Self {
            presence,
            client,
            target,
            destination,
            host_keys,
            account,
            intervention: mine,
            first_use: _,
            rules,
        } = self;
        presence.still_valid(documents, now)?;
        let ended = |state| EndReason::InterventionEnded {
            number: mine.number(),
            state,
        };
        let intervention = intervention
            .filter(|it| it.id() == mine.id())
            .ok_or(ended("gone"))?;
        if let Some(closed_at) = self.over_by(intervention, now) {
            return Err(EndReason::WindowOver { closed_at });
        }
        let Some(granted) = intervention.granted() else {
            return Err(ended(intervention.state().name()));
        };
        let changed = || EndReason::MatrixChanged {
            target: target.clone(),
        };
        let (owner, found) = documents.target(target).ok_or_else(changed)?;
        let same_place = owner.id == *client
            && found.address == *destination
            && host_keys.iter().all(|key| found.host_keys.contains(key));
        let still_granted =
            granted.scope.targets.contains(target) && granted.scope.accounts.contains(account);
        if !same_place || !still_granted {
            return Err(changed());
        }
        let window_closes_at = match intervention.state() {
            State::Open { closes_at, .. } => *closes_at,
            // Its first use is this one, and is not stored yet.
            State::Approved { .. } => mine.due().unwrap_or(now),
            State::Requested
            | State::Refused { .. }
            | State::Expired { .. }
            | State::Closed { .. }
            | State::Cancelled { .. } => return Err(ended(intervention.state().name())),
        };
        let approvals = intervention.approvals().len();
        let current = Rules::of(
            documents,
            presence,
            target,
            account,
            granted,
            approvals,
            window_closes_at,
            now,
        )
        .open;
        let stands = |rule: &Rule| {
            let covers = |by: &Rule| {
                by.capability.includes(&rule.capability) && rule.closes_at <= by.closes_at
            };
            rule.closes_at <= now || current.iter().any(covers)
        };
        if rules.iter().all(stands) {
            Ok(())
        } else {
            Err(changed())
        }
    }

    /// When the window ended, where it has.
    fn over_by(&self, intervention: &Intervention, now: Timestamp) -> Option<Timestamp> {
        let closes_at = match intervention.state() {
            State::Open { closes_at, .. } => self.closes_at().min(*closes_at),
            State::Closed {
                reason: crate::intervention::CloseReason::WindowOver,
                at,
                ..
            } => *at,
            State::Requested
            | State::Approved { .. }
            | State::Refused { .. }
            | State::Expired { .. }
            | State::Closed { .. }
            | State::Cancelled { .. } => self.closes_at(),
        };
        (closes_at <= now).then_some(closes_at)
    }

    /// The end at the latest of everything it permits; each permit has its own. **Range**: end excluded.
    #[must_use]
    pub fn closes_at(&self) -> Timestamp {
        self.rules
            .iter()
            .map(|rule| rule.closes_at)
            .max()
            .unwrap_or(Timestamp::from_micros(i64::MIN))
    }

    /// How long is left at `now`.
    #[must_use]
    pub fn left(&self, now: Timestamp) -> Span {
        self.closes_at().since(now)
    }

    /// Who, and from where.
    #[must_use]
    pub const fn presence(&self) -> &Presence {
        &self.presence
    }

    /// Whose target.
    #[must_use]
    pub const fn client(&self) -> &ClientId {
        &self.client
    }

    /// Where.
    #[must_use]
    pub const fn target(&self) -> &TargetId {
        &self.target
    }

    /// As whom.
    #[must_use]
    pub const fn account(&self) -> &AccountName {
        &self.account
    }

    /// The intervention, opened. Where [`Admission::is_first_use`], it is to be stored before anything passes.
    pub const fn intervention(&self) -> &Intervention {
        &self.intervention
    }

    /// Whether this admission opened the intervention.
    #[must_use]
    pub const fn is_first_use(&self) -> bool {
        self.first_use
    }

    /// What it permits.
    pub fn capabilities(&self) -> impl Iterator<Item = &Capability> {
        self.rules.iter().map(|rule| &rule.capability)
    }
}

/// Of two reasons, the one that says more than "something else".
fn nearer(one: Option<Mismatch>, two: Mismatch) -> Mismatch {
    use crate::capability::{CommandRefused, EnvRefused};
    let weight = |mismatch: &Mismatch| match mismatch {
        Mismatch::OtherKind => 0,
        Mismatch::Command(CommandRefused::OtherWords) | Mismatch::Env(EnvRefused::NotListed) => 1,
        Mismatch::Command(_) | Mismatch::Env(_) => 2,
    };
    match one {
        Some(one) if weight(&one) >= weight(&two) => one,
        Some(_) | None => two,
    }
}

fn refusal(request: &FlowRequest, closest: Option<Mismatch>) -> Refusal {
    let (flow, missing) = (request.clone(), request.missing_flow());
    match closest {
        Some(Mismatch::Command(reason)) => Refusal::Command {
            flow,
            missing,
            reason,
        },
        Some(Mismatch::Env(reason)) => Refusal::Env {
            flow,
            missing,
            reason,
        },
        Some(Mismatch::OtherKind) | None => Refusal::FlowNotListed { flow, missing },
    }
}
