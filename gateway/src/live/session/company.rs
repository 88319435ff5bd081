//! How a session is accompanied, and that it is held where nobody does (I4).

use std::collections::BTreeSet;

use ecluse_policy::{Accompanied, PersonId};
use tokio::sync::watch;

use super::{Inner, LiveSession};
use crate::live::{Company, Held};

impl LiveSession {
    /// It is to be accompanied so, from here on; whether that is new. Whoever calls this counts the companions anew.
    pub(crate) fn is_to_be_accompanied(&self, rule: Option<Accompanied>) -> bool {
        let before = self.company.borrow().rule();
        self.change_company(|company| company.is_by(rule));
        before != rule
    }

    /// These accompany it now.
    pub(crate) fn is_accompanied_by(&self, present: BTreeSet<PersonId>) {
        self.change_company(|company| company.is_of(present));
    }

    /// Somebody's coming is on record: by that it goes on, and its technician reads these words first, unless whoever came has left
    /// meanwhile.
    pub(crate) fn company_on_record(
        &self,
        person: &PersonId,
        words: impl FnOnce(&Company, &Held) -> Option<String>,
    ) {
        let inner = self.lock();
        self.change_company_in(&inner, |company| {
            company.is_on_record(person);
            if company.on_record().contains(person)
                && let Some(words) = words(company, &self.held.borrow())
            {
                inner.tell(None, &words);
            }
        });
    }

    /// How it is accompanied, as it changes.
    pub(crate) fn company(&self) -> watch::Receiver<Company> {
        self.company.subscribe()
    }

    /// Its technician is told that it waits for somebody; whether it does, and whether they were told already.
    pub(crate) fn tells_alone(&self) -> Option<bool> {
        let mut told = None;
        // Nobody waits for that.
        self.company.send_if_modified(|company| {
            if company.alone_since().is_some() {
                told = Some(company.tell());
            }
            false
        });
        told
    }

    /// Whether it waits for somebody who accompanies it.
    pub(crate) fn waits_for_company(&self) -> bool {
        self.held.borrow().by_absence()
    }

    /// Whether an operator or a signal holds it.
    pub(crate) fn waits_by_hand(&self) -> bool {
        self.held.borrow().is_by_hand()
    }

    fn change_company(&self, change: impl FnOnce(&mut Company)) {
        self.change_company_in(&self.lock(), change);
    }

    /// Under one lock, so that what holds is what it has come to.
    fn change_company_in(&self, _: &Inner, change: impl FnOnce(&mut Company)) {
        let mut is_alone = false;
        self.company.send_if_modified(|company| {
            let before = company.clone();
            change(company);
            is_alone = company.alone_since().is_some();
            *company != before
        });
        self.held.send_if_modified(|held| held.is_alone(is_alone));
    }
}
