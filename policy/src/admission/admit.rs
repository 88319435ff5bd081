//! Who may pass now: of all a person's interventions, the best admission, or the refusal that is nearest to a yes.

use std::collections::BTreeSet;

use super::Admission;
use super::rules::{For, Rules, Standing, Withheld};
use crate::clearance::let_in;
use crate::documents::Documents;
use crate::identity::Presence;
use crate::intervention::{Intervention, State};
use crate::matrix::listed_target;
use crate::name::{AccountName, InterventionNumber, TargetId};
use crate::posture::Missing;
use crate::terms::StartRequest;
use crate::time::{Span, Timestamp};
use crate::verdict::{Refusal, Verdict};

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
    admit_for(
        documents,
        presence,
        target,
        account,
        None,
        interventions,
        now,
    )
}

/// Like [`admit`], for one channel that is to start: of several interventions and accounts, those that permit it come first, so that it is
/// never refused by one intervention while another of the same person permits it. Where none permits it, the admission is
/// what [`admit`] gives, and refuses it in its own words.
///
/// # Errors
/// As [`admit`].
pub fn admit_for(
    documents: &Documents,
    presence: &Presence,
    target: &TargetId,
    account: Option<&AccountName>,
    asked: Option<&StartRequest>,
    interventions: &[Intervention],
    now: Timestamp,
) -> Result<Admission, Refusal> {
    presence.still_valid(documents, now)?;
    let (client, _) = listed_target(documents, presence.person(), target, now)?;
    let_in(documents, client, presence, target)?;
    let mut admitted: Vec<Admission> = Vec::new();
    let mut refused: Vec<(Refusal, bool)> = Vec::new();
    for intervention in interventions
        .iter()
        .filter(|it| is_about(it, presence, target))
    {
        match admit_by(
            documents,
            presence,
            target,
            account,
            asked,
            intervention,
            now,
        ) {
            Ok(mut admissions) => admitted.append(&mut admissions),
            Err(refused_by) => refused.push(refused_by),
        }
    }
    let permits = |admission: &Admission| {
        asked.is_some_and(|asked| matches!(admission.open(asked, now), Verdict::Permit(_)))
    };
    let answered = |one: &Withheld| asked.is_some_and(|asked| one.answers(asked, now));
    let bars = |admission: &Admission| admission.withheld.iter().any(answered);
    if admitted.iter().any(permits) {
        admitted.retain(permits);
    } else if admitted.iter().any(bars) {
        admitted.retain(bars);
    } else {
        // What is asked may be another intervention's, and nothing but the posture keep it back there.
        let barred = refused.iter().filter(|(_, answers)| *answers);
        let barred = barred.map(|(refusal, _)| refusal);
        if let Some(refusal) = barred.min_by_key(|refusal| remedy(refusal)) {
            return Err(refusal.clone());
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
        .iter()
        .max_by_key(|admission| (!admission.first_use, admission.closes_at()))
        .cloned();
    // One that is used ends first; that another waits behind it is for the person to know.
    let best = best.map(|best| {
        let others = admitted
            .iter()
            .filter(|other| !best.first_use && other.first_use);
        let lasting = others.filter_map(|other| {
            let granted = other.intervention.granted()?;
            Some((other.intervention.number(), granted.length))
        });
        let then = lasting.max_by_key(|(_, length)| *length);
        Admission { then, ..best }
    });
    best.ok_or_else(|| {
        let pending_from = interventions
            .iter()
            .filter(|it| is_about(it, presence, target) && matches!(it.state(), State::Requested))
            .map(|it| it.request().start.unwrap_or(now))
            .min();
        // What begins long after something that waits for its answer could begin is not what they come for.
        let is_far = |refusal: &Refusal| {
            matches!((refusal, pending_from), (Refusal::NotYet { starts_at, .. }, Some(from)) if from.plus(SOON) < *starts_at)
        };
        let nearest = refused.into_iter().map(|(refusal, _)| refusal);
        let nearest = nearest.min_by_key(|refusal| match is_far(refusal) {
            true => (PENDING, 1),
            false => (nearness(refusal), remedy(refusal)),
        });
        nearest.unwrap_or(Refusal::NoIntervention {
            target: target.clone(),
        })
    })
}

impl Admission {
    /// Another intervention that permits the same, approved and not used yet, with its length: it can be used once this one,
    /// which is in use, is over.
    #[must_use]
    pub const fn then(&self) -> Option<(InterventionNumber, Span)> {
        self.then
    }

    /// The admission that the same intervention gives now, for the same person on the same target as the same account: what
    /// a new channel of a session is decided by.
    ///
    /// # Errors
    /// The refusal, where the intervention admits nobody there any more, or is another one.
    pub fn renewed(
        &self,
        documents: &Documents,
        intervention: &Intervention,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        if intervention.id() != self.intervention.id() {
            return Err(Refusal::NoIntervention {
                target: self.target.clone(),
            });
        }
        admit(
            documents,
            &self.presence,
            &self.target,
            Some(&self.account),
            std::slice::from_ref(intervention),
            now,
        )
    }
}

fn is_about(intervention: &Intervention, presence: &Presence, target: &TargetId) -> bool {
    let request = intervention.request();
    request.person == *presence.person()
        && request.provider == *presence.provider()
        && request.scope.targets.contains(target)
}

/// How near a request that waits for its answer is.
const PENDING: u8 = 3;
/// Who comes waits this long for what is approved, rather than for an answer.
const SOON: Span = Span::from_hours(1);

/// Of several refusals, the one that is nearest to a yes helps most.
const fn nearness(refusal: &Refusal) -> u8 {
    match refusal {
        Refusal::OutsideHours { .. } => 0,
        Refusal::OtherStation { .. } => 1,
        Refusal::NotYet { .. } | Refusal::Posture(_) => 2,
        Refusal::Pending { .. } => PENDING,
        Refusal::NotGranted { .. } => 4,
        Refusal::MatrixNarrower { .. } => 5,
        Refusal::WindowOver { .. } => 6,
        Refusal::NotOnRecord { .. } | Refusal::NotKnownYet { .. } => 6,
        // What is refused before any intervention is looked at, or answers another question.
        Refusal::NotListed { .. }
        | Refusal::NoIntervention { .. }
        | Refusal::ChooseAccount { .. }
        | Refusal::Ended(_)
        | Refusal::FlowNotListed { .. }
        | Refusal::Command { .. }
        | Refusal::Env { .. }
        | Refusal::NoTerminal { .. }
        | Refusal::Term(_)
        | Refusal::NotBrought { .. }
        | Refusal::TooLate { .. }
        | Refusal::DerogationOver { .. }
        | Refusal::NotATechnician
        | Refusal::NotAnOperator
        | Refusal::NotAnAuditor
        | Refusal::NotUnmasking
        | Refusal::CodeWanted { .. }
        | Refusal::NoTarget
        | Refusal::SeveralClients
        | Refusal::NoCommonAccount
        | Refusal::NameAccount { .. }
        | Refusal::NotInMatrix { .. }
        | Refusal::OutsideMatrix { .. }
        | Refusal::NothingAsked
        | Refusal::DoorClosed { .. }
        | Refusal::KeptOut { .. }
        | Refusal::NotAccepted { .. }
        | Refusal::PersonRefused { .. }
        | Refusal::IsKeptOut { .. }
        | Refusal::AcceptFirst { .. }
        | Refusal::Reason { .. }
        | Refusal::ReasonIsCode
        | Refusal::Length { .. }
        | Refusal::Bytes { .. }
        | Refusal::LengthToGrant { .. }
        | Refusal::BytesToGrant { .. }
        | Refusal::Start { .. }
        | Refusal::NeverOpen { .. }
        | Refusal::TooManyWaiting { .. }
        | Refusal::TooOften { .. }
        | Refusal::NotItsOperator
        | Refusal::OwnRequest
        | Refusal::AlreadyApproved { .. }
        | Refusal::NothingLeft { .. }
        | Refusal::OnlyShrinks { .. }
        | Refusal::WrongState { .. }
        | Refusal::NoSuchIntervention
        | Refusal::NotYours { .. } => 7,
    }
}

/// How far what would help is, of what a posture bars: a yes is nearest, and a line is refused to everybody.
const fn remedy(refusal: &Refusal) -> u8 {
    let Refusal::Posture(posture) = refusal else {
        return 0;
    };
    match posture.missing {
        Missing::Yes { .. } => 0,
        Missing::Window { .. } | Missing::Length { .. } | Missing::Bytes { .. } => 1,
        Missing::Line { .. } => 2,
    }
}

/// The admissions, one an account, that one intervention gives; else the refusal, and whether a posture alone keeps back what
/// is asked.
fn admit_by(
    documents: &Documents,
    presence: &Presence,
    target: &TargetId,
    account: Option<&AccountName>,
    asked: Option<&StartRequest>,
    intervention: &Intervention,
    now: Timestamp,
) -> Result<Vec<Admission>, (Refusal, bool)> {
    let mut withheld = Vec::new();
    let admissions = admissions_by(
        documents,
        presence,
        target,
        account,
        intervention,
        &mut withheld,
        now,
    );
    if let Ok(admissions) = &admissions
        && !admissions.is_empty()
    {
        return Ok(admissions.clone());
    }
    let answers = |one: &&Withheld| asked.is_some_and(|asked| one.answers(asked, now));
    let nearest = |all: &mut dyn Iterator<Item = &Withheld>| {
        let refusals = all.map(|one| Refusal::Posture(one.because.clone()));
        refusals.min_by_key(remedy)
    };
    if let Some(refusal) = nearest(&mut withheld.iter().filter(answers)) {
        return Err((refusal, true));
    }
    let refusal = match (admissions, nearest(&mut withheld.iter())) {
        // At this hour nothing passes either way.
        (Err(refusal @ Refusal::OutsideHours { .. }), _) | (Err(refusal), None) => refusal,
        (_, Some(refusal)) => refusal,
        (Ok(_), None) => Refusal::NoIntervention {
            target: target.clone(),
        },
    };
    Err((refusal, false))
}

/// The same, with what a posture keeps back.
fn admissions_by(
    documents: &Documents,
    presence: &Presence,
    target: &TargetId,
    account: Option<&AccountName>,
    intervention: &Intervention,
    withheld: &mut Vec<Withheld>,
    now: Timestamp,
) -> Result<Vec<Admission>, Refusal> {
    let number = intervention.number();
    intervention.confirmed()?;
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
    let State::Open {
        granted,
        opened_at,
        closes_at,
    } = opened.state()
    else {
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
    let (client, found) = listed_target(documents, presence.person(), target, now)?;
    if client.id != intervention.request().client {
        return Err(Refusal::MatrixNarrower { number });
    }
    let mut admissions = Vec::new();
    let mut opens_at = None;
    let standing = Standing {
        number,
        approvals: opened.approvals().len(),
        opened_at: *opened_at,
        closes_at: *closes_at,
    };
    for account in granted
        .scope
        .accounts
        .iter()
        .filter(|one| account.is_none_or(|named| named == *one))
    {
        let rules = Rules::of(
            documents,
            presence,
            target,
            account,
            granted,
            standing,
            For::New,
            now,
        );
        withheld.extend(rules.withheld.iter().cloned());
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
                then: None,
                intervention: opened.clone(),
                rules: rules.open,
                withheld: rules.withheld,
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
