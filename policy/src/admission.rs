//! Who may pass now, and what of it: the one choke point for every channel of every kind.
//!
//! [`admit()`] looks at everything (person, station, matrix, hours, approval, window) and makes an [`Admission`];
//! [`Admission::decide`] answers each request out of it; [`Admission::recheck`] says whether all of it still holds.

mod admit;
mod bounds;
mod files;
mod rules;
mod withdrawal;

pub use self::admit::{admit, admit_for};
pub use self::bounds::Bounds;
pub use self::files::{FileConfirmation, FileGrants};

use std::sync::Arc;

use self::rules::{For, Rule, Rules, Standing, Withheld};
use self::withdrawal::withdrawal;
use crate::capability::Capability;
use crate::clearance::still_in;
use crate::documents::{Documents, HostPort};
use crate::flow::FlowRequest;
use crate::flow::choke::{Mismatch, fit};
use crate::identity::Presence;
use crate::intervention::{CloseReason, Intervention, State};
use crate::key::PublicKey;
use crate::name::{AccountName, ClientId, InterventionNumber, TargetId};
use crate::posture::HighPosture;
use crate::terms::{StartRequest, Terms, signals_of};
use crate::time::{Span, Timestamp};
use crate::verdict::{EndReason, Permit, Refusal, Verdict};

/// Proof that a technician may act on a target as an account until [`Admission::closes_at`]. Only [`admit()`] makes one.
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
    /// Another that was approved and not used, while this one is.
    then: Option<(InterventionNumber, Span)>,
    rules: Vec<Rule>,
    /// What the client's posture kept back.
    withheld: Vec<Withheld>,
}

impl Admission {
    /// Decides whether one flow may pass at `now`, with nothing asked beside it.
    ///
    /// The permit carries the destination written in the client's document, not the one typed.
    pub fn decide(&self, request: &FlowRequest, now: Timestamp) -> Verdict {
        self.open(&StartRequest::plain(request.clone()), now)
    }

    /// Decides whether a channel may start at `now` with everything that it asks for, and what of it comes along.
    ///
    /// A terminal that does not come along refuses the start: what expects one would run and wait, or misbehave.
    /// Variables that do not are left out, as sshd leaves them out, and named ([`Terms::left_out`]).
    pub fn open(&self, start: &StartRequest, now: Timestamp) -> Verdict {
        let StartRequest {
            flow,
            terminal,
            environment,
        } = start;
        let terminal = terminal.as_ref();
        let rule = match self.rule_for(flow, terminal.is_some(), now) {
            Ok(rule) => rule,
            Err(refusal) => return Verdict::Refuse(refusal),
        };
        let terminal = match terminal.cloned().transpose() {
            Ok(terminal) => terminal,
            Err(refused) => return Verdict::Refuse(refused.into()),
        };
        let is_sent = |(name, value): &(String, String)| {
            let (name, value) = (name.clone(), value.clone());
            self.rule_for(&FlowRequest::Env { name, value }, false, now)
                .is_ok()
        };
        let (environment, left_out): (Vec<_>, Vec<_>) =
            environment.iter().cloned().partition(is_sent);
        let mut terms = Terms {
            terminal,
            environment,
            left_out: left_out.into_iter().map(|(name, _)| name).collect(),
            signals: signals_of(&rule.capability),
            budgets: Arc::clone(&rule.budgets),
            idle: rule.idle,
            accompanied: rule.accompanied,
            confirmation: self.confirmation(flow, now),
            files: None,
        };
        if let Some(Bounds {
            budgets,
            idle,
            accompanied,
            files,
        }) = self.files_of(flow, &rule.capability, now)
        {
            terms.budgets = Arc::new(budgets);
            (terms.idle, terms.accompanied, terms.files) = (idle, accompanied, files);
        }
        Verdict::Permit(self.permit(rule, terms))
    }

    /// Of the rules that answer the request, with a terminal where one is asked for, the one that lasts longest.
    fn rule_for(
        &self,
        request: &FlowRequest,
        terminal: bool,
        now: Timestamp,
    ) -> Result<&Rule, Refusal> {
        let closed_at = self.closes_at();
        if closed_at <= now {
            return Err(closed(self.end_at(closed_at), &self.target));
        }
        let mut closest: Option<(Mismatch, usize)> = None;
        let mut answering: Vec<&Rule> = Vec::new();
        for rule in &self.rules {
            match rule.answers(request) {
                Ok(()) => answering.push(rule),
                Err(mismatch) => {
                    let fit = fit(&rule.capability, request);
                    closest = Some(nearer(closest, (mismatch, fit)));
                }
            }
        }
        let lasting = |rules: &[&'_ Rule]| rules.iter().map(|rule| rule.closes_at).max();
        let barred = || self.withheld_from(request, terminal, now);
        let Some(last) = lasting(&answering) else {
            if let Some(posture) = barred() {
                return Err(Refusal::Posture(posture));
            }
            return Err(refusal(request, closest.map(|(mismatch, _)| mismatch)));
        };
        answering.retain(|rule| now < rule.closes_at);
        let open = answering.iter().copied();
        let best = open
            .filter(|rule| rule.terminal || !terminal)
            .max_by_key(|rule| rule.preference());
        match (best, answering.first()) {
            (Some(best), _) => Ok(best),
            (None, Some(_)) if let Some(posture) = barred() => Err(Refusal::Posture(posture)),
            (None, Some(without)) => Err(Refusal::NoTerminal {
                flow: request.clone(),
                line: without.line.clone(),
                line_of: without.flow.clone(),
            }),
            (None, None) => Err(self.closed_by(request, last)),
        }
    }

    /// What the client's posture bars of a request, where it alone does.
    fn withheld_from(
        &self,
        request: &FlowRequest,
        terminal: bool,
        now: Timestamp,
    ) -> Option<Box<HighPosture>> {
        let mut withheld = self.withheld.iter();
        let answering = withheld.find(|one| {
            now < one.rule.closes_at
                && (one.rule.terminal || !terminal)
                && one.rule.answers(request).is_ok()
        });
        answering.map(|one| one.because.clone())
    }

    /// Why the rules that answer a request are closed: the last of them closed at `closed_at`.
    fn closed_by(&self, request: &FlowRequest, closed_at: Timestamp) -> Refusal {
        let last = self
            .rules
            .iter()
            .find(|rule| rule.closes_at == closed_at && rule.answers(request).is_ok());
        match last.map(Rule::end) {
            Some(end @ (EndReason::DerogationOver { .. } | EndReason::Posture(_))) => {
                closed(end, &self.target)
            }
            Some(_) | None => Refusal::OutsideHours {
                target: self.target.clone(),
                opens_at: None,
            },
        }
    }

    fn permit(&self, rule: &Rule, terms: Terms) -> Permit {
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
            terms: Box::new(terms),
            closes_at: rule.closes_at,
            end: Box::new(rule.end()),
        }
    }

    /// Why all of it is over at `closed_at`: what ended the rule that lasted longest, or the window before it.
    fn end_at(&self, closed_at: Timestamp) -> EndReason {
        let last = self.rules.iter().find(|rule| rule.closes_at == closed_at);
        last.map_or(EndReason::WindowOver { closed_at }, Rule::end)
    }

    /// Whether a session that it admitted may go on: ask after every change of documents or of the intervention, and from
    /// time to time. Person, station, intervention, window, target, its address and keys, and the account are all of the
    /// session's; so is the last rule. Each of its channels is asked by [`Admission::recheck_channel`].
    ///
    /// # Errors
    /// The reason why it ends.
    pub fn recheck(
        &self,
        documents: &Documents,
        intervention: Option<&Intervention>,
        now: Timestamp,
    ) -> Result<(), EndReason> {
        let current = self.standing(documents, intervention, For::Running, now)?;
        let covers =
            |by: &Rule, rule: &Rule| by.covers(&rule.capability, rule.closes_at, rule.terminal);
        let mut lasting = self.rules.iter().filter(|rule| now < rule.closes_at);
        if lasting
            .clone()
            .any(|rule| current.open.iter().any(|by| covers(by, rule)))
        {
            return Ok(());
        }
        let withheld = lasting.find_map(|rule| {
            let mut withheld = current.withheld.iter();
            withheld.find(|one| covers(&one.rule, rule))
        });
        Err(match withheld {
            Some(one) => EndReason::Posture(one.because.clone()),
            None => self.changed(),
        })
    }

    fn changed(&self) -> EndReason {
        EndReason::MatrixChanged {
            target: self.target.clone(),
        }
    }

    /// The rules that stand now, where everything else that its sessions rest on does.
    fn standing(
        &self,
        documents: &Documents,
        intervention: Option<&Intervention>,
        asked: For,
        now: Timestamp,
    ) -> Result<Rules, EndReason> {
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
            then: _,
            rules: _,    // asked one by one
            withheld: _, // by the posture of its own moment
        } = self;
        presence.still_valid(documents, now)?;
        let ended = |state, because| EndReason::InterventionEnded {
            number: mine.number(),
            state,
            because,
        };
        let intervention = intervention
            .filter(|it| it.id() == mine.id())
            .ok_or(ended("gone", None))?;
        let not_on_record = || EndReason::NotOnRecord {
            number: mine.number(),
        };
        if intervention.is_contradicted() && !intervention.is_not_known_yet() {
            return Err(not_on_record());
        }
        if documents.is_closed(client) {
            return Err(EndReason::DoorClosed {
                client: client.clone(),
            });
        }
        still_in(documents, client, presence, target)?;
        if let Some(closed_at) = self.over_by(intervention, now) {
            return Err(self.end_at(closed_at));
        }
        let Some(granted) = intervention.granted() else {
            return Err(ended(intervention.state().name(), withdrawal(intervention)));
        };
        // What ends it holds at once; what grants does not, before its words are there.
        if intervention.is_contradicted() {
            return Err(not_on_record());
        }
        let changed = || self.changed();
        let (owner, found) = documents.target(target).ok_or_else(changed)?;
        let same_place = owner.id == *client
            && found.address == *destination
            && host_keys.iter().all(|key| found.host_keys.contains(key));
        let still_granted =
            granted.scope.targets.contains(target) && granted.scope.accounts.contains(account);
        if !same_place || !still_granted {
            return Err(changed());
        }
        let (opened_at, closes_at) = match (intervention.state(), mine.state()) {
            (
                State::Open {
                    opened_at,
                    closes_at,
                    ..
                },
                _,
            )
            // Its first use is this one, and is not stored yet.
            | (
                State::Approved { .. },
                State::Open {
                    opened_at,
                    closes_at,
                    ..
                },
            ) => (*opened_at, *closes_at),
            (
                State::Requested
                | State::Approved { .. }
                | State::Refused { .. }
                | State::Expired { .. }
                | State::Closed { .. }
                | State::Cancelled { .. },
                _,
            ) => {
                return Err(ended(intervention.state().name(), withdrawal(intervention)));
            }
        };
        let standing = Standing {
            number: mine.number(),
            approvals: intervention.approvals().len(),
            opened_at,
            closes_at,
        };
        Ok(Rules::of(
            documents, presence, target, account, granted, standing, asked, now,
        ))
    }

    /// When the window ended, where it has.
    fn over_by(&self, intervention: &Intervention, now: Timestamp) -> Option<Timestamp> {
        let closes_at = match intervention.state() {
            State::Open { closes_at, .. } => self.closes_at().min(*closes_at),
            State::Closed {
                reason: CloseReason::WindowOver,
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

/// Of two reasons, the one that says more than "something else"; of two templates, the one that more words fit.
fn nearer(one: Option<(Mismatch, usize)>, two: (Mismatch, usize)) -> (Mismatch, usize) {
    use crate::capability::{CommandRefused, EnvRefused};
    let weight = |(mismatch, fit): &(Mismatch, usize)| match mismatch {
        Mismatch::OtherKind => (0, 0),
        Mismatch::Command(CommandRefused::OtherWords) | Mismatch::Env(EnvRefused::NotListed) => {
            (1, 0)
        }
        Mismatch::Command(_) | Mismatch::Env(_) => (2, *fit),
    };
    match one {
        Some(one) if weight(&one) >= weight(&two) => one,
        Some(_) | None => two,
    }
}

/// The refusal of what time has ended.
pub(crate) fn closed(end: EndReason, target: &TargetId) -> Refusal {
    match end {
        EndReason::DerogationOver {
            line,
            line_of,
            over_at,
        } => Refusal::DerogationOver {
            line,
            line_of,
            over_at,
        },
        EndReason::HoursOver { .. } => Refusal::OutsideHours {
            target: target.clone(),
            opens_at: None,
        },
        EndReason::WindowOver { closed_at } => Refusal::WindowOver { closed_at },
        EndReason::Withdrawn(ended) => Refusal::Ended(ended),
        EndReason::NotOnRecord { number } => Refusal::NotOnRecord { number },
        EndReason::DoorClosed { client } => Refusal::DoorClosed { client },
        EndReason::Posture(posture) => Refusal::Posture(posture),
        // Of time alone: nothing of these is an end of it.
        EndReason::InterventionEnded { .. }
        | EndReason::MatrixChanged { .. }
        | EndReason::KeptOut { .. }
        | EndReason::NotAccepted { .. } => Refusal::NoIntervention {
            target: target.clone(),
        },
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
