//! Who accompanies a session, where it passes: put on record before it goes on by that, and told to its technician (I4).
//!
//! That it is held is done already where the last one leaves; here it is put on record, and whoever comes lets it go on only
//! once that is. What a session's end leaves open ends with it.

use std::collections::BTreeMap;
use std::time::Duration;

use ecluse_policy::{Accompanied, PersonId, Timestamp};

use super::session::Session;
use super::visit::Visit;
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::live::orders::of_session;
use crate::live::presence::{ALONE, EACH, FROM};
use crate::live::{Company, Held};

/// How long until it is tried again to put on record that somebody came.
const AGAIN: Duration = Duration::from_secs(1);

/// Keeps an eye on who accompanies a session, until it is dropped.
pub(super) async fn keep(visit: &Visit, session: &Session) {
    let live = session.live();
    let mut company = live.company();
    let mut kept = Kept::default();
    loop {
        let now = company.borrow_and_update().clone();
        let again = kept.put_on_record(visit, session, &now).await;
        kept.tell(visit, session);
        tokio::select! {
            // Never without a sender: the session holds it.
            Ok(()) = company.changed() => {}
            () = tokio::time::sleep(AGAIN), if again => {}
        }
    }
}

/// What is on record, and told.
#[derive(Default)]
struct Kept {
    /// Since when, by whom.
    here: BTreeMap<PersonId, Timestamp>,
    /// Whether it is on record that it waits.
    is_alone: bool,
    /// Whether its technician knows that.
    waits: bool,
    /// Whether somebody accompanied it already.
    ever: bool,
}

impl Kept {
    /// Puts on record who left and who came; whether that is to be tried again.
    async fn put_on_record(&mut self, visit: &Visit, session: &Session, now: &Company) -> bool {
        let store = visit.gateway().store.ahead();
        let at = clock::now();
        let mut left: Vec<AuditRecord> = Vec::new();
        let gone: Vec<PersonId> = self.here.keys().cloned().collect();
        for person in gone {
            if now.on_record().contains(&person) {
                continue;
            }
            let record = of_session(
                of_operator(AuditKind::Unaccompanied, at, &person),
                session.live(),
            );
            let since = self.here.remove(&person);
            let record = record.detail(FROM, since.map_or(0, Timestamp::as_micros));
            left.push(record.detail(ALONE, now.alone_since().is_some() && self.here.is_empty()));
        }
        if now.alone_since().is_none() {
            self.is_alone = false;
        } else if !std::mem::replace(&mut self.is_alone, true) && left.is_empty() {
            // Nobody has come yet.
            let record = session.record(visit, AuditKind::Unaccompanied);
            let number = session.live().facts().number;
            let technician = session.live().facts().person.as_str();
            let record = record
                .detail("technician", technician)
                .detail("number", number);
            left.push(record.detail(ALONE, true));
        }
        if !left.is_empty() {
            store.record_at_last(left).await;
        }
        let mut again = false;
        for person in now.present().difference(now.on_record()) {
            let record = of_session(
                of_operator(AuditKind::Accompanied, at, person),
                session.live(),
            );
            let each = now.rule().map_or(1, |rule| rule.sessions_per_operator);
            let record = record.detail(EACH, each);
            match store.record(&[record]).await {
                Ok(()) => {
                    self.here.insert(person.clone(), at);
                    // What the target says next stands below it.
                    session.live().company_on_record(person, |company, held| {
                        let people = company.on_record().iter().map(PersonId::as_str);
                        let people: Vec<&str> = people.collect();
                        let waits = std::mem::take(&mut self.waits);
                        waits.then(|| visit.say_goes_on(held, &people))
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "nobody accompanies a session before that is on record");
                    again = true;
                }
            }
        }
        again
    }

    /// Tells the technician that it waits, or goes on.
    fn tell(&mut self, visit: &Visit, session: &Session) {
        let live = session.live();
        let company = live.company().borrow().clone();
        if company.alone_since().is_some() {
            if live.tells_alone() == Some(false) {
                let id = match self.ever {
                    true => "accompany-left",
                    false => "accompany-waits",
                };
                live.tell(None, &visit.say_of_company(id, session));
            }
            self.waits = true;
            return;
        }
        self.ever |= company.rule().is_some();
        // Nobody has to any more.
        if std::mem::take(&mut self.waits) {
            let held = live.held().borrow().clone();
            live.tell(None, &visit.say_goes_on(&held, &[]));
        }
    }
}

/// What is on record of an operator, not of the technician whose session it is.
fn of_operator(kind: AuditKind, at: Timestamp, person: &PersonId) -> AuditRecord {
    AuditRecord::new(kind, at).person(person).permitted()
}

impl Session {
    /// It is to be accompanied as the strictest of what its channels rest on says; as before, while none is open.
    pub(super) fn is_accompanied_by_its_rights(&self, visit: &Visit) {
        let rights = self.rights();
        if rights.is_empty() {
            return;
        }
        let rule = Accompanied::strictest(rights.iter().map(|right| right.accompanied()));
        if self.live().is_to_be_accompanied(rule) {
            visit.gateway().live.count_companions();
        }
    }
}

impl Visit {
    /// What the technician of a session reads that waits for somebody.
    pub(super) fn say_of_company(&self, id: &str, session: &Session) -> String {
        let facts = session.live().facts();
        let args = [
            ("client", facts.client.as_str().into()),
            ("session", facts.number.to_string().into()),
        ];
        self.gateway().texts.say(self.lang(), id, &args)
    }

    /// And once somebody came, or nobody has to.
    fn say_goes_on(&self, held: &Held, people: &[&str]) -> String {
        let still = held.by_hand().is_some() || held.by_budget();
        let still = if still { "yes" } else { "no" };
        let id = match people.is_empty() {
            true => "accompany-over",
            false => "accompany-goes-on",
        };
        let args = [("people", people.join(", ").into()), ("held", still.into())];
        self.gateway().texts.say(self.lang(), id, &args)
    }
}
