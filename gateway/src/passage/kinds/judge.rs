//! How each thing that is asked of files is answered: by policy, and where a line of `confirm` names it, by an operator.

use std::collections::BTreeMap;

use ecluse_policy::FlowRequest;

use super::files::Reads;
use super::sftp::{Answer, Operation, Ticket};
use super::{Ask, Step};
use crate::passage::confirming::Wanted;

/// Answers for one channel.
pub(super) struct Judge<R> {
    reads: R,
    next: u64,
    /// What was answered with a ticket since the last look.
    given: BTreeMap<Ticket, Wanted>,
}

impl<R: Reads> Judge<R> {
    /// A judge who reads and asks so.
    pub(super) const fn new(reads: R) -> Self {
        Self {
            reads,
            next: 0,
            given: BTreeMap::new(),
        }
    }

    /// Whoever reads what is said.
    pub(super) const fn reads(&self) -> &R {
        &self.reads
    }

    /// Whether an operation may pass.
    pub(super) fn answer(&mut self, operation: &Operation, ask: &mut Ask<'_>) -> Answer {
        if let Err(words) = self.stands(operation, ask) {
            return Answer::Refuse(words);
        }
        let Some(wanted) = self.reads.waits(operation) else {
            return Answer::Permit;
        };
        self.next += 1;
        let ticket = Ticket(self.next);
        self.given.insert(ticket, wanted);
        Answer::Wait(ticket)
    }

    /// Whether everything that an operation needs is given, whoever has yet to say yes to it; the words of the first refusal.
    pub(super) fn stands(&self, operation: &Operation, ask: &mut Ask<'_>) -> Result<(), String> {
        for need in operation.request.needs() {
            ask(&FlowRequest::File(need.clone()))
                .map_err(|refusal| self.reads.refused(&refusal, operation, &need))?;
        }
        Ok(())
    }

    /// Asks for what waits of all that was given a ticket; an answer that nobody waited for is forgotten.
    pub(super) fn asks(&mut self, waits: impl Iterator<Item = Ticket>, out: &mut Vec<Step>) {
        if self.given.is_empty() {
            return;
        }
        for ticket in waits {
            if let Some(wanted) = self.given.remove(&ticket) {
                out.push(Step::Confirm(ticket, wanted));
            }
        }
        self.given.clear();
    }
}
