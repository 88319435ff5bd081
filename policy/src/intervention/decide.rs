//! What becomes of a request: granted ⊆ requested, by the client's operators and nobody else (I1, I2, I6).

use std::collections::BTreeSet;

use super::{Approval, CloseReason, Grant, Intervention, Request, State};
use crate::capability::Capability;
use crate::clearance::could_come;
use crate::documents::{Documents, PersonRef};
use crate::extraction::ByteCount;
use crate::flow::{Narrowing, Scope};
use crate::identity::Presence;
use crate::mandate::{AsOperator, AsTechnician, ToWiden};
use crate::matrix::{Conditions, allowed_bytes, conditions};
use crate::name::PersonId;
use crate::posture::judged;
use crate::time::{Span, Timestamp};
use crate::verdict::Refusal;
use crate::words;

impl Intervention {
    /// An operator looked at it; the first is kept.
    ///
    /// # Errors
    /// Unless it waits and the person is an operator of its client.
    pub fn seen_by(&self, by: &AsOperator<'_>) -> Result<Self, Refusal> {
        let now = by.now();
        self.its_operator(by)?;
        // It would be the newest word about it.
        self.confirmed()?;
        self.must_wait("look at", now)?;
        let mut next = self.after(State::Requested);
        next.seen = self
            .seen
            .clone()
            .or_else(|| Some((by.person().clone(), now)));
        Ok(next)
    }

    /// One operator's yes, as asked or less. With enough of them the intervention is approved.
    ///
    /// What is left after every yes is what every operator agreed to. The matrix is asked again: what it does not allow
    /// at this moment is not granted.
    ///
    /// # Errors
    /// The refusal to show to the operator.
    pub fn approve(&self, by: &ToWiden<'_, '_>, narrowing: &Narrowing) -> Result<Self, Refusal> {
        self.with_approval(by.operator(), narrowing)
    }

    /// Whether this operator's yes would count, but for the code that it needs: asked before somebody types one.
    ///
    /// # Errors
    /// The refusal to show to the operator.
    pub fn awaits(&self, by: &AsOperator<'_>, narrowing: &Narrowing) -> Result<(), Refusal> {
        self.with_approval(by, narrowing).map(|_| ())
    }

    fn with_approval(&self, by: &AsOperator<'_>, narrowing: &Narrowing) -> Result<Self, Refusal> {
        let (documents, now) = (by.documents(), by.now());
        self.its_operator(by)?;
        self.confirmed()?;
        let further = self.lacks_yes(documents, now);
        if !further {
            self.must_wait("approve", now)?;
        }
        let said = |approval: &Approval| approval.operator == *by.person();
        let again = self.approvals.iter().any(said);
        let already = Refusal::AlreadyApproved {
            number: self.number(),
        };
        if again && further {
            return Err(already);
        }
        self.asker_could_come(documents, now)?;
        let left = self.left_after(narrowing)?;
        if further {
            let Left {
                scope,
                length,
                bytes,
            } = left;
            return Ok(self.further(by, scope, length, bytes));
        }
        let conditions = self
            .allowed(documents, &left, now)
            .map_err(|refusal| refusal.told_to_who_decides(self.number()))?;
        let Left {
            scope,
            length,
            bytes,
        } = left;
        let mut next = self.after(State::Requested);
        // Said once more it is one yes, of now.
        next.approvals.retain(|approval| !said(approval));
        next.approvals.push(Approval {
            operator: by.person().clone(),
            at: now,
            scope: scope.clone(),
            length,
            bytes,
        });
        next.seen = self
            .seen
            .clone()
            .or_else(|| Some((by.person().clone(), now)));
        let enough = next.has_enough(conditions.by, documents, now);
        if again && !enough {
            return Err(already);
        }
        if enough {
            let starts_at = self.starts_at(now);
            let latest_end = starts_at.plus(conditions.at_most);
            next.state = State::Approved {
                granted: Grant {
                    scope,
                    starts_at,
                    length,
                    latest_end,
                    bytes,
                },
            };
        }
        Ok(next)
    }

    /// Whether who asked is still somebody who could come.
    pub(super) fn asker_could_come(
        &self,
        documents: &Documents,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let Request {
            provider,
            person,
            station,
            client,
            scope,
            ..
        } = &self.request;
        let asker = documents
            .technician(person)
            .filter(|(theirs, _)| theirs.id == *provider);
        let Some((theirs, technician)) = asker else {
            return Err(Refusal::MatrixNarrower {
                number: self.number(),
            });
        };
        let asker = PersonRef::Technician {
            provider: theirs,
            technician,
        };
        asker.in_force(now)?;
        could_come(documents, client, provider, person, station, &scope.targets)
    }

    /// Under which conditions the matrix allows what is left of it at `now`.
    pub(super) fn allowed(
        &self,
        documents: &Documents,
        left: &Left,
        now: Timestamp,
    ) -> Result<Conditions, Refusal> {
        let person = &self.request.person;
        let Left {
            scope,
            length,
            bytes,
        } = left;
        judged(documents, &self.request.client, |documents| {
            let conditions = conditions(documents, person, scope, *length, now)?;
            allowed_bytes(documents, person, scope, *length, *bytes, now)?;
            Ok(conditions)
        })
    }

    /// Whether so many said yes who could still say it.
    pub(super) fn has_enough(&self, by: u32, documents: &Documents, now: Timestamp) -> bool {
        let standing = self.standing_approvals(documents, now).len();
        by <= u32::try_from(standing).unwrap_or(u32::MAX)
    }

    /// Whether this operator's no would count: asked before somebody types a reason.
    ///
    /// # Errors
    /// The refusal to show to the operator.
    pub fn awaits_refusal(&self, by: &AsOperator<'_>) -> Result<(), Refusal> {
        self.its_operator(by)?;
        self.must_wait("refuse", by.now())
    }

    /// An operator's no, with its reason.
    ///
    /// # Errors
    /// The refusal to show to the operator.
    pub fn refuse(&self, by: &AsOperator<'_>, reason: &str) -> Result<Self, Refusal> {
        self.awaits_refusal(by)?;
        Ok(self.after(State::Refused {
            by: by.person().clone(),
            at: by.now(),
            reason: words::reason(reason)?,
        }))
    }

    /// The technician takes it back before its first use.
    ///
    /// # Errors
    /// Unless it is theirs and was not used.
    pub fn cancel(&self, by: &AsTechnician<'_>) -> Result<Self, Refusal> {
        self.is_of(by.presence())?;
        match &self.state {
            State::Requested | State::Approved { .. } => Ok(self.after(State::Cancelled {
                at: by.now(),
                granted: self.granted().cloned(),
            })),
            State::Refused { .. }
            | State::Expired { .. }
            | State::Open { .. }
            | State::Closed { .. }
            | State::Cancelled { .. } => Err(self.wrong_state("cancel")),
        }
    }

    /// The technician has finished.
    ///
    /// # Errors
    /// Unless it is theirs and open.
    pub fn finish(&self, by: &AsTechnician<'_>) -> Result<Self, Refusal> {
        self.is_of(by.presence())?;
        match &self.state {
            State::Open { opened_at, .. } => {
                Ok(self.closed(by.now(), Some(*opened_at), CloseReason::ByTechnician))
            }
            State::Requested
            | State::Approved { .. }
            | State::Refused { .. }
            | State::Expired { .. }
            | State::Closed { .. }
            | State::Cancelled { .. } => Err(self.wrong_state("finish")),
        }
    }

    /// Whether this operator could end it: asked before somebody types a reason.
    ///
    /// # Errors
    /// The refusal to show to the operator.
    pub fn awaits_end(&self, by: &AsOperator<'_>) -> Result<(), Refusal> {
        self.its_operator(by)?;
        match &self.state {
            State::Approved { .. } | State::Open { .. } => Ok(()),
            State::Requested
            | State::Refused { .. }
            | State::Expired { .. }
            | State::Closed { .. }
            | State::Cancelled { .. } => Err(self.wrong_state("close")),
        }
    }

    /// An operator ends it, used or not.
    ///
    /// # Errors
    /// Unless it is approved or open and the person is an operator of its client.
    pub fn close(&self, by: &AsOperator<'_>, reason: &str) -> Result<Self, Refusal> {
        let now = by.now();
        self.awaits_end(by)?;
        let because = CloseReason::ByOperator {
            by: by.person().clone(),
            reason: words::reason(reason)?,
        };
        match &self.state {
            State::Approved { .. } => Ok(self.closed(now, None, because)),
            State::Open { opened_at, .. } => Ok(self.closed(now, Some(*opened_at), because)),
            State::Requested
            | State::Refused { .. }
            | State::Expired { .. }
            | State::Closed { .. }
            | State::Cancelled { .. } => Err(self.wrong_state("close")),
        }
    }

    /// The first use opens the window; later uses leave it as it is. It never moves an end.
    ///
    /// # Errors
    /// Unless it is on record, approved or open, and its time has come and is not over.
    pub fn open(&self, now: Timestamp) -> Result<Self, Refusal> {
        self.confirmed()?;
        match &self.state {
            State::Approved { granted } if now < granted.starts_at => Err(Refusal::NotYet {
                number: self.number(),
                starts_at: granted.starts_at,
            }),
            State::Approved { granted }
                if now < granted.latest_end && !granted.length.is_zero() =>
            {
                let closes_at = granted.closes_at(now);
                Ok(self.after(State::Open {
                    granted: granted.clone(),
                    opened_at: now,
                    closes_at,
                }))
            }
            State::Approved { granted } => Err(Refusal::WindowOver {
                closed_at: granted.latest_end,
            }),
            State::Open { closes_at, .. } if now < *closes_at => Ok(self.clone()),
            State::Open { closes_at, .. } => Err(Refusal::WindowOver {
                closed_at: *closes_at,
            }),
            State::Requested
            | State::Refused { .. }
            | State::Expired { .. }
            | State::Closed { .. }
            | State::Cancelled { .. } => Err(self.wrong_state("open")),
        }
    }

    /// What time alone makes of it; `None` when nothing is due.
    #[must_use]
    pub fn expire_if_due(&self, now: Timestamp) -> Option<Self> {
        // A step would put on record what the log contradicts.
        self.on_record().ok()?;
        let due = self.due().filter(|due| *due <= now)?;
        match &self.state {
            State::Requested | State::Approved { .. } => Some(self.after(State::Expired {
                at: due,
                granted: self.granted().cloned(),
            })),
            State::Open { opened_at, .. } => {
                Some(self.closed(due, Some(*opened_at), CloseReason::WindowOver))
            }
            State::Refused { .. }
            | State::Expired { .. }
            | State::Closed { .. }
            | State::Cancelled { .. } => None,
        }
    }

    fn closed(&self, at: Timestamp, opened_at: Option<Timestamp>, reason: CloseReason) -> Self {
        self.after(State::Closed {
            at,
            opened_at,
            reason,
            granted: self.granted().cloned(),
        })
    }

    /// The operator must be of this client, and not be the one who asked.
    fn its_operator(&self, by: &AsOperator<'_>) -> Result<(), Refusal> {
        self.on_record()?;
        if *by.person() == self.request.person {
            return Err(Refusal::OwnRequest);
        }
        if *by.client() != self.request.client {
            return Err(Refusal::NotItsOperator);
        }
        Ok(())
    }

    /// Those who said yes and could still say it, each once.
    pub(super) fn standing_approvals(
        &self,
        documents: &Documents,
        now: Timestamp,
    ) -> Vec<PersonId> {
        let stands = |approval: &&Approval| match documents.person(&approval.operator) {
            Some(person @ PersonRef::Operator { client, .. }) => {
                client.id == self.request.client && person.in_force(now).is_ok()
            }
            Some(PersonRef::Technician { .. } | PersonRef::Auditor { .. }) | None => false,
        };
        let distinct: BTreeSet<_> = self
            .approvals
            .iter()
            .filter(stands)
            .map(|approval| approval.operator.clone())
            .collect();
        distinct.into_iter().collect()
    }

    fn must_wait(&self, step: &'static str, now: Timestamp) -> Result<(), Refusal> {
        match &self.state {
            State::Requested if now < self.request.answer_due() => Ok(()),
            State::Requested => Err(Refusal::WrongState {
                number: self.number(),
                state: "expired",
                step,
            }),
            State::Approved { .. }
            | State::Refused { .. }
            | State::Expired { .. }
            | State::Open { .. }
            | State::Closed { .. }
            | State::Cancelled { .. } => Err(self.wrong_state(step)),
        }
    }

    fn is_of(&self, presence: &Presence) -> Result<(), Refusal> {
        self.on_record()?;
        if *presence.person() == self.request.person
            && *presence.provider() == self.request.provider
        {
            return Ok(());
        }
        Err(Refusal::NotYours {
            number: self.number(),
        })
    }

    /// What is left after the approvals so far and this narrowing.
    pub(super) fn left_after(&self, narrowing: &Narrowing) -> Result<Left, Refusal> {
        let Request {
            scope,
            length,
            bytes,
            ..
        } = &self.request;
        let (scope, length, bytes) = self
            .approvals
            .last()
            .map_or((scope, *length, *bytes), |approval| {
                (&approval.scope, approval.length, approval.bytes)
            });
        // Not cut down in silence: an operator who names more than was asked has misread the request.
        self.names_only_what_was_asked(narrowing)?;
        let shorter = narrowing.length.map_or(length, |wanted| wanted.min(length));
        let scope = scope.narrowed(narrowing);
        let fewer = match (bytes, narrowing.bytes) {
            (Some(left), Some(wanted)) => Some(left.min(wanted)),
            (left, wanted) => left.or(wanted),
        };
        if scope.is_empty() || shorter.is_zero() || fewer.is_some_and(ByteCount::is_zero) {
            return Err(Refusal::NothingLeft {
                number: self.number(),
            });
        }
        Ok(Left {
            scope,
            length: shorter,
            bytes: fewer,
        })
    }

    fn names_only_what_was_asked(&self, narrowing: &Narrowing) -> Result<(), Refusal> {
        let Narrowing {
            length,
            families,
            lines,
            targets,
            accounts,
            bytes,
        } = narrowing;
        let asked = &self.request.scope;
        let families_asked: BTreeSet<String> = asked
            .capabilities
            .iter()
            .map(|asked| asked.family().to_owned())
            .collect();
        more_than(targets.as_ref(), &asked.targets)?;
        more_than(accounts.as_ref(), &asked.accounts)?;
        more_than(families.as_ref(), &families_asked)?;
        let mut lines = lines.iter().flatten();
        let is_asked = |line: &Capability| asked.capabilities.iter().any(|one| one.includes(line));
        if let Some(more) = lines.find(|line| !is_asked(line)) {
            let what = crate::name::shown(&more.to_string());
            return Err(Refusal::OnlyShrinks { what });
        }
        let longer = length.filter(|length| *length > self.request.length);
        let asked = self.request.bytes;
        let more = bytes.filter(|bytes| asked.is_some_and(|asked| *bytes > asked));
        let longer = longer.map(|length| length.to_string());
        match longer.or(more.map(|bytes| bytes.to_string())) {
            Some(what) => Err(Refusal::OnlyShrinks { what }),
            None => Ok(()),
        }
    }
}

/// What is left of a request after the approvals so far.
pub(super) struct Left {
    pub(super) scope: Scope,
    pub(super) length: Span,
    pub(super) bytes: Option<ByteCount>,
}

fn more_than<T: Ord + ToString>(
    named: Option<&BTreeSet<T>>,
    asked: &BTreeSet<T>,
) -> Result<(), Refusal> {
    match named.and_then(|named| named.difference(asked).next()) {
        None => Ok(()),
        Some(more) => Err(Refusal::OnlyShrinks {
            what: crate::name::shown(&more.to_string()),
        }),
    }
}
