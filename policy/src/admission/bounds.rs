//! What bounds one channel while it is open, asked again by the rule that permitted it.

use super::rules::{For, Rule};
use super::{Admission, FileGrants};
use crate::accompaniment::Accompanied;
use crate::confirm::{Confirm, Confirmation};
use crate::documents::Documents;
use crate::extraction::Budgets;
use crate::flow::FlowRequest;
use crate::intervention::Intervention;
use crate::posture::HighPosture;
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
            let mut withheld = current.withheld.iter();
            match withheld.find(|one| covers(&&one.rule)) {
                Some(one) => EndReason::Posture(one.because.clone()),
                None => self.changed(),
            }
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
    /// waited is asked by this, and not by when what runs ends.
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
        let terminal = permit.terms.terminal().is_some();
        // What is left of its time may be shorter: it begins, and ends by that.
        let covers = |by: &Rule| by.covers(&permit.capability, now, terminal);
        if rules.open.iter().any(covers) {
            return Ok(());
        }
        let mut withheld = rules.withheld.iter();
        match withheld.find(|one| covers(&one.rule)) {
            Some(one) => Err(EndReason::Posture(one.because.clone())),
            // Whatever else ends it says so itself.
            None => Ok(()),
        }
    }

    /// When a channel that it permitted ends by the client's posture, and by what of it; none where it does not, as far as is
    /// known now. Nothing that runs ends by it before it was warned.
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
        let terminal = permit.terms.terminal().is_some();
        let covers = |by: &Rule| by.covers(&permit.capability, permit.closes_at, terminal);
        let warned = posture.warned_until();
        let open = rules.open.iter().filter(|rule| covers(rule));
        // Of several that give as much, the one that lasts longest.
        match open.max_by_key(|rule| rule.closes_at) {
            Some(rule) => {
                let because = rule.posture.clone()?;
                let at = rule.closes_at.max(warned);
                (at < permit.closes_at).then_some((at, because))
            }
            None => {
                let mut withheld = rules.withheld.iter();
                let one = withheld.find(|one| covers(&one.rule))?;
                Some((warned, one.because.clone()))
            }
        }
    }
}
