//! What bounds one channel while it is open, asked again by the rule that permitted it.

use super::rules::{For, Rule, Withheld};
use super::{Admission, FileGrants};
use crate::accompaniment::Accompanied;
use crate::capability::Capability;
use crate::confirm::{Confirm, Confirmation};
use crate::documents::Documents;
use crate::extraction::Budgets;
use crate::flow::FlowRequest;
use crate::intervention::Intervention;
use crate::posture::{HighPosture, Missing};
use crate::time::{Span, Timestamp};
use crate::verdict::{EndReason, Permit};

/// What bounds a channel while it is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// How much may pass, and at which pace.
    pub budgets: Budgets,
    /// After how long without anybody it ends.
    pub idle: Option<Span>,
    /// Whether an operator has to watch, and how many sessions each may.
    pub accompanied: Option<Accompanied>,
    /// The lines by which things of files pass, where it is a channel of files.
    pub files: Option<FileGrants>,
}

/// A right that a channel rests on: the one that opened it, or each line of a channel of files.
struct Rest {
    capability: Capability,
    /// **Range**: end excluded.
    until: Timestamp,
    terminal: bool,
}

impl Rest {
    /// All that a channel rests on and that is open.
    fn of(permit: &Permit, now: Timestamp) -> Vec<Self> {
        let terminal = permit.terms.terminal().is_some();
        match &permit.terms.files {
            Some(files) => files
                .rests(now)
                .map(|(capability, until)| Self {
                    capability,
                    until,
                    terminal: false,
                })
                .collect(),
            None => vec![Self {
                capability: permit.capability.clone(),
                until: permit.closes_at,
                terminal,
            }],
        }
    }

    /// Whether a rule gives it, for so long.
    fn is_by(&self, rule: &Rule, until: Timestamp) -> bool {
        rule.covers(&self.capability, until, self.terminal)
    }

    /// What a posture keeps back of it.
    fn barred<'w>(&self, withheld: &'w [Withheld], until: Timestamp) -> Option<&'w HighPosture> {
        let mut withheld = withheld.iter();
        let one = withheld.find(|one| self.is_by(&one.rule, until))?;
        Some(&one.because)
    }
}

/// What bars all of it: of several lines each is named once.
fn together<'b>(all: impl Iterator<Item = &'b HighPosture>) -> Option<Box<HighPosture>> {
    let mut together: Option<Box<HighPosture>> = None;
    let mut named: Vec<&str> = Vec::new();
    for because in all {
        let first = together.get_or_insert_with(|| Box::new(because.clone()));
        if let (Missing::Line { line: all }, Missing::Line { line }) =
            (&mut first.missing, &because.missing)
            && !named.contains(&line.as_str())
        {
            named.push(line);
            *all = named.join(", ");
        }
    }
    together
}

impl Admission {
    /// How a start waits for an operator's yes: where any of the flows that give it asks for one, as the strictest does.
    pub(super) fn confirmation(
        &self,
        request: &FlowRequest,
        now: Timestamp,
    ) -> Option<Confirmation> {
        let giving = self.rules.iter().filter(|rule| now < rule.closes_at);
        let giving = giving.filter(|rule| rule.answers(request).is_ok());
        Confirmation::strictest(giving.filter_map(|rule| Confirm::of(&rule.confirm, request)))
    }

    /// Whether one channel that it permitted may go on, by the rule that permitted it: another rule of the same session that
    /// is lost ends other channels. Strict: what the rule gave for longer, or with the terminal that came along, is
    /// not what a lesser one gives.
    ///
    /// # Errors
    /// The reason why it ends; that of the session, where that ends.
    pub fn recheck_channel(
        &self,
        permit: &Permit,
        documents: &Documents,
        intervention: Option<&Intervention>,
        now: Timestamp,
    ) -> Result<(), EndReason> {
        self.budgets(permit, documents, intervention, now)
            .map(|_| ())
    }

    /// How much may pass on one channel that it permitted, as it is now: ask after every change of documents or of the
    /// intervention, and where [`Admission::recheck_channel`] would be asked, which says the same of the channel itself.
    ///
    /// Where the line that permitted it is gone and another one gives as much, it is that one's.
    ///
    /// # Errors
    /// The reason why the channel ends.
    pub fn budgets(
        &self,
        permit: &Permit,
        documents: &Documents,
        intervention: Option<&Intervention>,
        now: Timestamp,
    ) -> Result<Budgets, EndReason> {
        let bounds = self.bounds(permit, documents, intervention, now)?;
        Ok(bounds.budgets)
    }

    /// The same, with everything else that bounds such a channel while it is open.
    ///
    /// # Errors
    /// The reason why the channel ends.
    pub fn bounds(
        &self,
        permit: &Permit,
        documents: &Documents,
        intervention: Option<&Intervention>,
        now: Timestamp,
    ) -> Result<Bounds, EndReason> {
        let current = self.standing(documents, intervention, For::Running, now)?;
        if permit.closes_at <= now {
            return Err((*permit.end).clone());
        }
        let terminal = permit.terms.terminal().is_some();
        let covers = |by: &&Rule| by.covers(&permit.capability, permit.closes_at, terminal);
        let mut covering: Vec<&Rule> = current.open.iter().filter(covers).collect();
        covering.sort_by_key(|rule| rule.flow != permit.flow);
        let lost = || {
            let rests = Rest::of(permit, now);
            let barred = rests
                .iter()
                .filter_map(|rest| rest.barred(&current.withheld, rest.until));
            together(barred).map_or_else(|| self.changed(), EndReason::Posture)
        };
        if let Some(files) = &permit.terms.files {
            return Self::files_left(files, permit, &current, now).ok_or_else(lost);
        }
        let rule = covering.first().ok_or_else(lost)?;
        Ok(Bounds {
            budgets: (*rule.budgets).clone(),
            idle: rule.idle,
            accompanied: rule.accompanied,
            files: None,
        })
    }

    /// Whether a channel that it permitted may begin now that the client is in heightened posture: what was permitted before and
    /// waited is asked by this, and not by when what runs ends. A channel of files begins by any of its lines.
    ///
    /// # Errors
    /// What keeps it.
    pub fn begins(
        &self,
        permit: &Permit,
        documents: &Documents,
        intervention: Option<&Intervention>,
        now: Timestamp,
    ) -> Result<(), EndReason> {
        if documents.posture(&self.client).is_none() {
            return Ok(());
        }
        let rules = self.standing(documents, intervention, For::New, now)?;
        // What is left of its time may be shorter: it begins, and ends by that.
        let rests = Rest::of(permit, now);
        let is_open = |rest: &Rest| rules.open.iter().any(|rule| rest.is_by(rule, now));
        if rests.iter().any(is_open) {
            return Ok(());
        }
        let barred = rests
            .iter()
            .filter_map(|rest| rest.barred(&rules.withheld, now));
        match together(barred) {
            Some(because) => Err(EndReason::Posture(because)),
            // Whatever else ends it says so itself.
            None => Ok(()),
        }
    }

    /// When a channel that it permitted ends by the client's posture, and by what of it; none where it does not, as far as is
    /// known now. Nothing that runs ends by it before it was warned, and a channel of files ends with the last of its lines.
    #[must_use]
    pub fn ends_by_posture(
        &self,
        permit: &Permit,
        documents: &Documents,
        intervention: Option<&Intervention>,
        now: Timestamp,
    ) -> Option<(Timestamp, Box<HighPosture>)> {
        let posture = documents.posture(&self.client)?;
        let rules = self.standing(documents, intervention, For::New, now).ok()?;
        let warned = posture.warned_until();
        let mut ends: Vec<(Timestamp, &HighPosture)> = Vec::new();
        for rest in &Rest::of(permit, now) {
            let open = rules
                .open
                .iter()
                .filter(|rule| rest.is_by(rule, rest.until));
            // Of several that give as much, the one that lasts longest.
            match open.max_by_key(|rule| rule.closes_at) {
                Some(rule) => {
                    let because = rule.posture.as_deref()?;
                    let at = rule.closes_at.max(warned);
                    ends.push((at < rest.until).then_some((at, because))?);
                }
                None => {
                    let barred = rest.barred(&rules.withheld, rest.until);
                    ends.extend(barred.map(|because| (warned, because)));
                }
            }
        }
        let last = ends.iter().map(|(at, _)| *at).max()?;
        let with_it = ends.iter().filter(|(at, _)| *at == last);
        Some((last, together(with_it.map(|(_, because)| *because))?))
    }
}
