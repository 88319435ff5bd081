//! A further yes to what was approved before its client's posture was heightened: it is suspended until then, and not lost (P6).

use super::{Approval, Grant, Intervention, State};
use crate::capability::Capability;
use crate::documents::Documents;
use crate::extraction::ByteCount;
use crate::flow::Scope;
use crate::mandate::AsOperator;
use crate::matrix::flows_in_both;
use crate::name::{AccountName, TargetId};
use crate::posture::Missing;
use crate::time::{Span, Timestamp};

/// A line of the matrix by which something is granted.
struct Line {
    line: String,
    /// Whether the posture refuses it.
    refused: bool,
    gives: Vec<Capability>,
}

/// The refused lines by which one of these is given, where no other line gives it.
fn refused(lines: &[Line], of: &[Capability]) -> Vec<Missing> {
    let gives = |line: &Line, one: &Capability| line.gives.iter().any(|wide| wide.includes(one));
    let is_lost = |one: &&Capability| !lines.iter().any(|line| !line.refused && gives(line, one));
    let lost: Vec<&Capability> = of.iter().filter(is_lost).collect();
    let barred = lines
        .iter()
        .filter(|line| line.refused && lost.iter().any(|one| gives(line, one)));
    let barred = barred.map(|line| Missing::Line {
        line: line.line.clone(),
    });
    barred.collect()
}

fn extend(bars: &mut Vec<Missing>, further: Vec<Missing>) {
    for missing in further {
        if !bars.contains(&missing) {
            bars.push(missing);
        }
    }
}

impl Intervention {
    /// How many operators its client's posture wants, where that is more than have approved what is granted and not over.
    #[must_use]
    pub fn yeses_wanted(&self, documents: &Documents, now: Timestamp) -> Option<u32> {
        let posture = documents.posture(&self.request.client)?;
        self.granted()?;
        if self.due().is_none_or(|due| due <= now) {
            return None;
        }
        let given = u32::try_from(self.approvals.len()).unwrap_or(u32::MAX);
        let wanted = posture.rules.approvers;
        (given < wanted).then_some(wanted)
    }

    /// What its client's posture bars of what is granted, whatever the hour; nothing where nothing is granted.
    #[must_use]
    pub fn barred_by_posture(&self, documents: &Documents, now: Timestamp) -> Vec<Missing> {
        let mut bars = self.barred_as_a_whole(documents, now);
        for (target, account) in self.places() {
            let lines = self.lines_on(documents, target, account, now);
            let all: Vec<Capability> = lines.iter().flat_map(|line| line.gives.clone()).collect();
            extend(&mut bars, refused(&lines, &all));
        }
        bars
    }

    /// What of it the posture bars to a session on one target as one account: of lines those alone by which something runs, and
    /// of these none where another line gives the same.
    #[must_use]
    pub fn ended_by_posture(
        &self,
        documents: &Documents,
        target: &TargetId,
        account: &AccountName,
        runs: &[Capability],
        now: Timestamp,
    ) -> Vec<Missing> {
        let mut bars = self.barred_as_a_whole(documents, now);
        let lines = self.lines_on(documents, target, account, now);
        extend(&mut bars, refused(&lines, runs));
        bars
    }

    /// A yes that is wanted, and a window that is over.
    fn barred_as_a_whole(&self, documents: &Documents, now: Timestamp) -> Vec<Missing> {
        let Some(posture) = documents.posture(&self.request.client) else {
            return Vec::new();
        };
        let mut bars = Vec::new();
        let wanted = self.yeses_wanted(documents, now);
        bars.extend(wanted.map(|needed| Missing::Yes {
            number: self.number(),
            needed,
            given: u32::try_from(self.approvals.len()).unwrap_or(u32::MAX),
        }));
        if let State::Open { opened_at, .. } = &self.state {
            let closed_at = posture.over_at(*opened_at);
            if closed_at <= now {
                bars.push(Missing::Window { closed_at });
            }
        }
        bars
    }

    /// Where it is granted, and as whom.
    fn places(&self) -> impl Iterator<Item = (&TargetId, &AccountName)> {
        let scope = self.granted().map(|granted| &granted.scope);
        scope.into_iter().flat_map(|scope| {
            let accounts = &scope.accounts;
            let on = move |target| accounts.iter().map(move |account| (target, account));
            scope.targets.iter().flat_map(on)
        })
    }

    /// The lines by which something of it is granted there.
    fn lines_on(
        &self,
        documents: &Documents,
        target: &TargetId,
        account: &AccountName,
        now: Timestamp,
    ) -> Vec<Line> {
        let posture = documents.posture(&self.request.client);
        let (Some(posture), Some(granted)) = (posture, self.granted()) else {
            return Vec::new();
        };
        let flows = flows_in_both(documents, &self.request.person, target, account);
        let entries = flows.into_iter().flat_map(|(written, _)| &written.allow);
        let lines = entries.filter_map(|entry| {
            let allowed = entry.at(now)?;
            let of_it = granted.scope.capabilities.iter();
            let gives: Vec<Capability> = of_it.filter_map(|one| one.common(allowed)).collect();
            (!gives.is_empty()).then(|| Line {
                line: entry.line(),
                refused: posture.rules.refuses(entry),
                gives,
            })
        });
        lines.collect()
    }

    /// Whether anything of what is granted is allowed under its client's posture once operators have said yes.
    #[must_use]
    pub fn opens_with_yes(&self, documents: &Documents, now: Timestamp) -> bool {
        let Some(posture) = documents.posture(&self.request.client) else {
            return false;
        };
        if let State::Open { opened_at, .. } = &self.state
            && posture.over_at(*opened_at) <= now
        {
            return false;
        }
        self.places().any(|(target, account)| {
            let lines = self.lines_on(documents, target, account, now);
            lines.iter().any(|line| !line.refused)
        })
    }

    /// When what runs by it ends by its client's posture, for want of a yes or by a shorter window; lines that are refused are
    /// each channel's own.
    #[must_use]
    pub fn ends_by_posture(&self, documents: &Documents, now: Timestamp) -> Option<Timestamp> {
        let posture = documents.posture(&self.request.client)?;
        let State::Open { opened_at, .. } = &self.state else {
            return None;
        };
        let warned = posture.warned_until();
        Some(match self.yeses_wanted(documents, now) {
            Some(_) => warned,
            None => posture.over_at(*opened_at).max(warned),
        })
    }

    pub(super) fn lacks_yes(&self, documents: &Documents, now: Timestamp) -> bool {
        self.yeses_wanted(documents, now).is_some()
    }

    /// The same with one more operator's yes, to all of what is granted or to less.
    pub(super) fn further(
        &self,
        by: &AsOperator<'_>,
        scope: Scope,
        length: Span,
        bytes: Option<ByteCount>,
    ) -> Self {
        let less = |granted: &Grant| Grant {
            scope: scope.clone(),
            starts_at: granted.starts_at,
            length,
            latest_end: granted.latest_end,
            bytes,
        };
        let state = match &self.state {
            State::Approved { granted } => State::Approved {
                granted: less(granted),
            },
            State::Open {
                granted,
                opened_at,
                closes_at,
            } => {
                let granted = less(granted);
                State::Open {
                    closes_at: granted.closes_at(*opened_at).min(*closes_at),
                    granted,
                    opened_at: *opened_at,
                }
            }
            // Nothing is granted: there is nothing to say a further yes to.
            other @ (State::Requested
            | State::Refused { .. }
            | State::Expired { .. }
            | State::Closed { .. }
            | State::Cancelled { .. }) => other.clone(),
        };
        let mut next = self.after(state);
        next.approvals.push(Approval {
            operator: by.person().clone(),
            at: by.now(),
            scope,
            length,
            bytes,
        });
        next
    }
}
