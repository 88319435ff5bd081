//! What is granted and allowed on one target: each flow of the matrix by its own conditions, and until when.

use std::cell::LazyCell;
use std::sync::Arc;

use crate::accompaniment::Accompanied;
use crate::capability::files::Protocol;
use crate::capability::{Allowed, Capability};
use crate::confirm::Confirm;
use crate::documents::Documents;
use crate::extraction::Budgets;
use crate::flow::FlowRequest;
use crate::flow::choke::{Mismatch, answers_in, by_paths};
use crate::identity::Presence;
use crate::intervention::Grant;
use crate::matrix::flows_in_both;
use crate::name::{AccountName, FlowName, InterventionNumber, TargetId};
use crate::posture::{HighPosture, InPosture, Missing};
use crate::terms::StartRequest;
use crate::time::{Span, Timestamp};
use crate::verdict::EndReason;

/// One thing that is granted and that one flow allows. **Range**: `closes_at` excluded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) capability: Capability,
    /// The line of the matrix, as it is written.
    pub(super) line: String,
    pub(super) flow: FlowName,
    /// Whether its flow has lines of files, by which what copies is judged.
    pub(super) by_paths: Arc<[Protocol]>,
    /// Whether a terminal comes with it.
    pub(super) terminal: bool,
    /// When the line is over, where it is a derogation. `closes_at` is never behind it.
    pub(super) over_at: Option<Timestamp>,
    /// When its flow's hours close, where they do. `closes_at` is never behind it.
    pub(super) hours_close_at: Option<Timestamp>,
    pub(super) closes_at: Timestamp,
    /// When it would close without a posture. `closes_at` is never behind it.
    pub(super) stands_until: Timestamp,
    /// What closes it at `closes_at`, where a posture does.
    pub(super) posture: Option<Box<HighPosture>>,
    /// How much may pass by it.
    pub(super) budgets: Arc<Budgets>,
    /// After how long without anybody what it opened ends.
    pub(super) idle: Option<Span>,
    /// Whether an operator has to watch what it opened.
    pub(super) accompanied: Option<Accompanied>,
    /// What of its flow waits for an operator's yes.
    pub(super) confirm: Arc<[Confirm]>,
}

/// A rule that a posture keeps back, and what it bars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Withheld {
    pub(super) rule: Rule,
    pub(super) because: Box<HighPosture>,
}

impl Withheld {
    /// Whether it would permit that a channel starts.
    pub(super) fn answers(&self, asked: &StartRequest, now: Timestamp) -> bool {
        now < self.rule.closes_at
            && (self.rule.terminal || asked.terminal.is_none())
            && self.rule.answers(&asked.flow).is_ok()
    }
}

/// For what rules are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    /// What begins: by the posture of this moment.
    New,
    /// What runs: it goes on until it was warned.
    Running,
}

/// How an intervention stands that grants.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    pub(super) number: InterventionNumber,
    pub(super) approvals: usize,
    pub(super) opened_at: Timestamp,
    pub(super) closes_at: Timestamp,
}

/// What is granted and allowed on one target as one account.
pub(super) struct Rules {
    /// What is open now.
    pub(super) open: Vec<Rule>,
    /// What would be, without the client's posture.
    pub(super) withheld: Vec<Withheld>,
    /// When the first of those that are closed at this hour opens; the far future where that is not known.
    pub(super) opens_at: Option<Timestamp>,
}

impl Rules {
    #[expect(
        clippy::too_many_arguments,
        reason = "everything a right depends on stands here, and nowhere else"
    )]
    pub(super) fn of(
        documents: &Documents,
        presence: &Presence,
        target: &TargetId,
        account: &AccountName,
        granted: &Grant,
        standing: Standing,
        asked: For,
        now: Timestamp,
    ) -> Self {
        let Grant {
            scope,
            starts_at,
            length,
            latest_end: _, // the window never closes behind it
            bytes,
        } = granted;
        let mut rules = Self {
            open: Vec::new(),
            withheld: Vec::new(),
            opens_at: None,
        };
        let Some((client, place)) = documents.target(target) else {
            return rules;
        };
        let posture = documents.posture(&client.id);
        for (flow, tight) in flows_in_both(documents, presence.person(), target, account) {
            // Each flow by its own conditions: one never stands in for another's (see `matrix`).
            let is_enough = |by: u32| usize::try_from(by).is_ok_and(|by| by <= standing.approvals);
            let enough = is_enough(flow.approval.by());
            let lasts_until = flow.approval.closes_at(*starts_at, *length, now);
            let (true, Some(lasts_until)) = (enough, lasts_until) else {
                continue;
            };
            // Of those flows alone that give something.
            let budgets =
                LazyCell::new(|| Arc::new(documents.budgets(client, place, flow, *bytes, now)));
            let lasts_until = lasts_until.min(standing.closes_at);
            let by_paths: Arc<[Protocol]> = by_paths(&flow.allow).into();
            let mut open: Vec<Rule> = Vec::new();
            let mut withheld: Vec<Withheld> = Vec::new();
            for granted in &scope.capabilities {
                for entry in &flow.allow {
                    let common = entry.at(now).and_then(|allowed| granted.common(allowed));
                    let Some(capability) = common else { continue };
                    // What the matrix may say, and never gives.
                    if documents.never(place, &capability).is_some() {
                        continue;
                    }
                    let stands_until = lasts_until.min(entry.ends_at().unwrap_or(Timestamp::MAX));
                    let mut rule = Rule {
                        capability,
                        line: entry.line(),
                        flow: flow.name.clone(),
                        by_paths: Arc::clone(&by_paths),
                        terminal: entry.terminal(),
                        over_at: entry.ends_at(),
                        hours_close_at: flow.hours.closes_after(now),
                        closes_at: stands_until,
                        stands_until,
                        posture: None,
                        budgets: Arc::clone(&budgets),
                        idle: flow.idle,
                        accompanied: flow.approval.accompanied(),
                        confirm: Arc::clone(&flow.confirm),
                    };
                    let Some(posture) = posture else {
                        open.push(rule);
                        continue;
                    };
                    let needed = Some(tight.approval.by()).filter(|by| !is_enough(*by));
                    let missing = barred(posture, entry, needed, standing, asked, now);
                    match missing {
                        Some(missing) => withheld.push(Withheld {
                            rule,
                            because: posture.bars(missing),
                        }),
                        None => {
                            rule.close_by(posture, standing, asked);
                            open.push(rule);
                        }
                    }
                }
            }
            if open.is_empty() && withheld.is_empty() {
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
            let open = open.into_iter().map(Rule::within_hours);
            rules.open.extend(open.filter(|rule| now < rule.closes_at));
            let kept_back = withheld.into_iter().map(|one| Withheld {
                rule: one.rule.within_hours(),
                because: one.because,
            });
            let kept_back = kept_back.filter(|one| now < one.rule.closes_at);
            rules.withheld.extend(kept_back);
        }
        rules
    }
}

/// What a posture bars of a rule, if anything.
fn barred(
    posture: &InPosture,
    entry: &Allowed,
    needed: Option<u32>,
    standing: Standing,
    asked: For,
    now: Timestamp,
) -> Option<Missing> {
    if asked == For::Running && now < posture.warned_until() {
        return None;
    }
    let over_at = posture.over_at(standing.opened_at);
    if posture.rules.refuses(entry) {
        Some(Missing::Line { line: entry.line() })
    } else if over_at <= now {
        Some(Missing::Window { closed_at: over_at })
    } else {
        needed.map(|needed| Missing::Yes {
            number: standing.number,
            needed,
            given: u32::try_from(standing.approvals).unwrap_or(u32::MAX),
        })
    }
}

impl Rule {
    /// Whether it alone lets `request` pass.
    pub(super) fn answers(&self, request: &FlowRequest) -> Result<(), Mismatch> {
        answers_in(&self.by_paths, &self.capability, request)
    }

    /// Of several that answer, the greatest comes first. A flow that gives a copy as a command gives it whatever another's paths
    /// say; of two that last as long, the stricter.
    pub(super) const fn preference(&self) -> (bool, Timestamp, bool) {
        let is_command = matches!(self.capability, Capability::Command(_));
        (is_command, self.closes_at, self.accompanied.is_some())
    }

    /// Closes with the shorter window of a posture.
    fn close_by(&mut self, posture: &InPosture, standing: Standing, asked: For) {
        let mut over_at = posture.over_at(standing.opened_at);
        if asked == For::Running {
            over_at = over_at.max(posture.warned_until());
        }
        if over_at < self.closes_at {
            self.closes_at = over_at;
            self.posture = Some(posture.bars(Missing::Window { closed_at: over_at }));
        }
    }

    fn within_hours(self) -> Self {
        let hours_close_at = self.hours_close_at.unwrap_or(Timestamp::MAX);
        let posture = self.posture.filter(|_| self.closes_at <= hours_close_at);
        Self {
            closes_at: self.closes_at.min(hours_close_at),
            stands_until: self.stands_until.min(hours_close_at),
            posture,
            ..self
        }
    }

    /// Whether it gives all of what another rule gave: as much, as long, and the terminal where there is one.
    pub(super) fn covers(
        &self,
        capability: &Capability,
        closes_at: Timestamp,
        terminal: bool,
    ) -> bool {
        self.capability.includes(capability)
            && closes_at <= self.stands_until
            && (self.terminal || !terminal)
    }

    /// What is over at `closes_at`. A derogation is told before what else ends with it: only its client can lift that.
    pub(super) fn end(&self) -> EndReason {
        let closed_at = self.closes_at;
        if let Some(posture) = &self.posture {
            EndReason::Posture(posture.clone())
        } else if self.over_at == Some(closed_at) {
            EndReason::DerogationOver {
                line: self.line.clone(),
                line_of: self.flow.clone(),
                over_at: closed_at,
            }
        } else if self.hours_close_at == Some(closed_at) {
            EndReason::HoursOver {
                line_of: self.flow.clone(),
                closed_at,
            }
        } else {
            EndReason::WindowOver { closed_at }
        }
    }
}
