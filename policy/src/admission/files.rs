//! A channel of files: every line of files that is open is one right of it, each with its own end.
//!
//! What bounds the channel itself (how much, at which pace, who watches, when nobody is there) is what the strictest of the
//! flows of these lines says: they are in use together (`adr/0019-files-by-their-paths.md`).

use std::sync::Arc;

use super::rules::{Rule, Rules};
use super::{Admission, Bounds, closed};
use crate::accompaniment::Accompanied;
use crate::capability::Capability;
use crate::capability::files::{FileLine, FileNeed, Protocol};
use crate::confirm::{Confirm, Confirmation};
use crate::extraction::Budgets;
use crate::flow::{FlowRequest, SFTP};
use crate::name::{FlowName, TargetId};
use crate::time::Timestamp;
use crate::verdict::{EndReason, Permit, Refusal};

/// One line by which things of files may pass. **Range**: `closes_at` excluded.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FileGrant {
    line: FileLine,
    flow: FlowName,
    closes_at: Timestamp,
    end: EndReason,
    /// What of its flow waits for an operator's yes.
    confirm: Arc<[Confirm]>,
}

/// How something of files that is permitted waits for an operator's yes, and what of it, in the words of lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileConfirmation {
    /// How it waits.
    pub terms: Confirmation,
    /// What a line of `confirm` names: what the yes is about.
    pub named: Vec<String>,
    /// What is done together with it.
    pub beside: Vec<String>,
}

/// Everything by which things of files may pass on one channel.
///
/// Invariant: each line was granted and allowed when this was made. Without a line nothing passes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileGrants {
    grants: Vec<FileGrant>,
    target: TargetId,
}

impl FileGrants {
    /// Decides one thing that is asked of files.
    ///
    /// # Errors
    /// The refusal, which goes on record.
    pub fn decide(&self, need: &FileNeed, now: Timestamp) -> Result<(), Refusal> {
        let mut answering = self.grants.iter().filter(|one| one.line.answers(need));
        if answering.clone().any(|one| now < one.closes_at) {
            return Ok(());
        }
        Err(match answering.next() {
            Some(over) => closed(over.end.clone(), &self.target),
            None => Refusal::FlowNotListed {
                flow: FlowRequest::File(need.clone()),
                missing: need.line(),
            },
        })
    }

    /// How something that is permitted waits for an operator's yes: where any of the flows that give a part of it asks for one,
    /// as the strictest does.
    #[must_use]
    pub fn confirmation(&self, needs: &[FileNeed], now: Timestamp) -> Option<FileConfirmation> {
        let (mut asked, mut named, mut beside) = (None, Vec::new(), Vec::new());
        for need in needs {
            let request = FlowRequest::File(need.clone());
            let giving = self.grants.iter().filter(|one| now < one.closes_at);
            // Whoever moves something does what these lines give, whichever flow gives the move.
            let giving = giving.filter(|one| one.line.answers(need) || one.line.is_moved_by(need));
            let terms = giving.filter_map(|one| Confirm::of(&one.confirm, &request));
            let terms = Confirmation::strictest(terms);
            if matches!(need, FileNeed::Right(..) | FileNeed::Tree(..)) {
                match terms {
                    Some(_) => named.push(need.line()),
                    None => beside.push(need.line()),
                }
            }
            asked = Confirmation::strictest(asked.into_iter().chain(terms));
        }
        asked.map(|terms| FileConfirmation {
            terms,
            named,
            beside,
        })
    }

    /// When the next of its lines closes.
    #[must_use]
    pub fn next_end(&self, now: Timestamp) -> Option<Timestamp> {
        let ends = self.grants.iter().map(|one| one.closes_at);
        ends.filter(|end| now < *end).min()
    }

    /// Whether nothing passes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.grants.is_empty()
    }

    /// What each of its lines that is open gives, and until when.
    pub(super) fn rests(&self, now: Timestamp) -> impl Iterator<Item = (Capability, Timestamp)> {
        let open = self.grants.iter().filter(move |one| now < one.closes_at);
        open.map(|one| (Capability::File(one.line.clone()), one.closes_at))
    }

    /// Its lines as what they give.
    pub fn capabilities(&self) -> impl Iterator<Item = Capability> {
        let lines = self.grants.iter();
        lines.map(|one| Capability::File(one.line.clone()))
    }

    /// The line by which something is given, with its flow: the first that gives it, in force still or not.
    #[must_use]
    pub fn line_of(&self, need: &FileNeed) -> Option<String> {
        let mut giving = self.grants.iter().filter(|one| one.line.answers(need));
        giving
            .next()
            .map(|FileGrant { line, flow, .. }| format!("{flow}: {line}"))
    }

    /// Its lines as they are written, each with the flow that gives it.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let lines = self.grants.iter();
        lines.map(|FileGrant { line, flow, .. }| format!("{flow}: {line}"))
    }
}

/// What bounds several flows that are in use together.
struct Together<'r> {
    budgets: Budgets,
    rules: Vec<&'r Rule>,
}

impl<'r> Together<'r> {
    fn of(rules: Vec<&'r Rule>) -> Self {
        Self {
            budgets: Budgets::strictest(rules.iter().map(|rule| &*rule.budgets)),
            rules,
        }
    }

    fn bounds(self, files: FileGrants) -> Bounds {
        Bounds {
            budgets: self.budgets,
            idle: self.rules.iter().filter_map(|rule| rule.idle).min(),
            accompanied: Accompanied::strictest(self.rules.iter().map(|rule| rule.accompanied)),
            files: Some(files),
        }
    }
}

impl Admission {
    /// What bounds a channel that starts with `request` by `capability`, where it is one of files.
    pub(super) fn files_of(
        &self,
        request: &FlowRequest,
        capability: &Capability,
        now: Timestamp,
    ) -> Option<Bounds> {
        // The lines of its protocol: what another one's give cannot be asked on it.
        let protocol = match (request, capability) {
            (FlowRequest::Subsystem(name), _) if name == SFTP => Protocol::Sftp,
            (FlowRequest::Command(_), Capability::File(line)) => line.protocol(),
            _ => return None,
        };
        let (mut grants, mut rules) = (Vec::new(), Vec::new());
        for rule in self.rules.iter().filter(|rule| now < rule.closes_at) {
            if let Capability::File(line) = &rule.capability
                && line.protocol() == protocol
            {
                grants.push(FileGrant {
                    line: line.clone(),
                    flow: rule.flow.clone(),
                    closes_at: rule.closes_at,
                    end: rule.end(),
                    confirm: Arc::clone(&rule.confirm),
                });
                rules.push(rule);
            }
        }
        let files = FileGrants {
            grants,
            target: self.target.clone(),
        };
        Some(Together::of(rules).bounds(files))
    }

    /// The lines of a channel of files that stand still, each by a rule that gives as much for as long; none where none does.
    pub(super) fn files_left(
        files: &FileGrants,
        permit: &Permit,
        current: &Rules,
        now: Timestamp,
    ) -> Option<Bounds> {
        let (mut grants, mut rules) = (Vec::new(), Vec::new());
        for grant in files.grants.iter().filter(|one| now < one.closes_at) {
            let capability = Capability::File(grant.line.clone());
            let mut covering: Vec<&Rule> = current
                .open
                .iter()
                .filter(|rule| rule.covers(&capability, grant.closes_at, false))
                .collect();
            covering.sort_by_key(|rule| rule.flow != grant.flow);
            if let Some(rule) = covering.first() {
                // What waits is what is written: a channel that is open goes by that too.
                grants.push(FileGrant {
                    confirm: Arc::clone(&rule.confirm),
                    ..grant.clone()
                });
                rules.push(*rule);
            }
        }
        if grants.is_empty() {
            return None;
        }
        let files = FileGrants {
            grants,
            target: permit.target.clone(),
        };
        Some(Together::of(rules).bounds(files))
    }
}
