//! Second factors and credentials against the entries: who set each and when, and since when it is not in force.
//!
//! A row is compared with the entry that set it, and that is the one with its digest: retention may have taken the words of that
//! entry and left those of an earlier one. Then the last word was said again without who and when, and of those nothing is
//! known (`gateway/adr/0034`, `0038`). That a row is not the one of the last word [`super::secrets`] says.

use std::collections::{BTreeMap, BTreeSet};

use ecluse_policy::Timestamp;
use ecluse_recordings::log::Entry;
use ecluse_recordings::neutralise;
use ecluse_recordings::verify::Verdict;

use super::secrets::{Of, Secrets};
use super::tables::{Done, Removed, by_whom, compared, differs, near, same, untold};
use super::verify::Findings;
use crate::audit::{AuditKind, SECRET};
use crate::store::{SEALED, Store};

/// What the entries say of them.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Who set each, when and to which digest, by their places.
    set: BTreeMap<Of, Vec<(Option<String>, Done)>>,
    /// Since when somebody's second factor is disabled, where the last word of it says so.
    disabled: BTreeMap<String, Done>,
    /// When somebody's account was enabled last.
    enabled: BTreeMap<String, Done>,
    /// Those of which the last word was said again.
    again: BTreeSet<Of>,
    secrets: Secrets,
}

impl Held {
    /// Takes in an entry. Entries come in their order.
    pub(super) fn see(&mut self, entry: &Entry, kind: AuditKind) {
        self.secrets.see(entry, kind);
        let person = || entry.person.clone().unwrap_or_default();
        let done = |by: Option<&str>, what: Option<&str>| Done {
            seq: entry.seq,
            at: entry.at_us,
            by: by.map(str::to_owned),
            what: what.unwrap_or_default().to_owned(),
        };
        let by = entry.detail_text("by");
        if kind == AuditKind::Enrolment {
            self.disabled.remove(&person());
            self.sets(Of::Person(person()), entry, done(by, None));
        } else if kind == AuditKind::EnrolmentDisabled {
            self.disabled.insert(person(), done(by, None));
        } else if kind == AuditKind::AccountEnabled {
            self.enabled.insert(person(), done(by, None));
        } else if kind == AuditKind::CredentialSet {
            let target = entry.target.clone().unwrap_or_default();
            let account = entry.detail_text("account").unwrap_or_default().to_owned();
            let done = done(entry.person.as_deref(), entry.detail_text("credential"));
            self.sets(Of::Account(target, account), entry, done);
        } else if kind == AuditKind::Bound
            && let Some(of) = entry.detail_text(SECRET).and_then(Of::named)
        {
            // Whether an earlier word disabled it says nothing any more.
            if let Of::Person(person) = &of {
                self.disabled.remove(person);
            }
            self.again.insert(of);
        }
    }

    fn sets(&mut self, of: Of, entry: &Entry, done: Done) {
        self.again.remove(&of);
        let digest = entry.detail_text(SEALED).map(str::to_owned);
        self.set.entry(of).or_default().push((digest, done));
    }

    /// The last entry that set one.
    fn last(&self, of: &Of) -> Option<&(Option<String>, Done)> {
        self.set.get(of)?.last()
    }

    /// The entry that set one to a value. Those of older versions do not say to which: it is the last, unless words were removed.
    fn setting(&self, of: &Of, digest: Option<&String>, removed: &Removed<'_>) -> Option<&Done> {
        let all = self.set.get(of)?;
        let its_own = all.iter().rfind(|(said, _)| said.as_ref() == digest);
        let (_, done) = match (its_own, all.last()?) {
            (Some(own @ (Some(_), _)), _) => own,
            (_, last @ (None, _)) if removed.is_none() => last,
            (Some(_) | None, _) => return None,
        };
        Some(done)
    }

    /// Those that the log has set last, or says again that they stay, and of which there is no row; each with the entry that says so.
    fn gone<'h>(&'h self, there: &'h BTreeSet<Of>) -> impl Iterator<Item = (&'h Of, String)> {
        let all: BTreeSet<&Of> = self.set.keys().chain(self.secrets.set()).collect();
        let gone = all.into_iter().filter(|of| !there.contains(*of));
        gone.filter_map(|of| {
            let made = match of {
                Of::Person(_) => "made",
                Of::Account(..) => "set",
                Of::Key(_) => return None,
            };
            if self.again.contains(of) && !self.secrets.is_ended(of) {
                let seq = self.secrets.place(of)?;
                return Some((of, format!("on record with entry {seq}")));
            }
            let (_, said) = self.last(of)?;
            // A credential that was removed is told by an entry of the same kind; or that is what was said again.
            let is_removed = said.what.is_empty() || self.again.contains(of);
            let stays = matches!(of, Of::Person(_)) || !is_removed;
            stays.then(|| (of, format!("{made} with entry {}", said.seq)))
        })
    }

    /// Compares them with what the store holds. `away` is the last place whose words are not there: what they say is not known.
    pub(super) async fn compare(
        &self,
        store: &Store,
        removed: &Removed<'_>,
        away: Option<u64>,
        findings: &mut Findings,
    ) -> anyhow::Result<()> {
        let sealed = store.sealed_values().await?;
        let digests = sealed.iter().map(|found| (Of::found(found), &found.digest));
        let digests: BTreeMap<Of, &String> = digests.collect();
        self.people(store, &digests, removed, away, findings)
            .await?;
        self.credentials(store, &digests, removed, findings).await?;
        self.secrets.compare(&sealed, findings);
        self.secrets.codes_twice(findings);
        for place in self.secrets.untold() {
            untold(removed.is_none(), findings, place);
        }
        Ok(())
    }

    /// A row of which no entry tells. Once the log tells of each that opens something, no retention takes its last word.
    fn untold(&self, opens: bool, removed: &Removed<'_>, findings: &mut Findings, place: &str) {
        let tells = removed.is_none() || opens && self.secrets.tells();
        untold(tells, findings, place);
    }

    async fn people(
        &self,
        store: &Store,
        digests: &BTreeMap<Of, &String>,
        removed: &Removed<'_>,
        away: Option<u64>,
        findings: &mut Findings,
    ) -> anyhow::Result<()> {
        let mut there = BTreeSet::new();
        for found in store.enrolment_rows().await? {
            let person = found.person.to_string();
            let place = format!("the enrolment of {person}");
            let of = Of::Person(person.clone());
            let is_in_force = found.disabled_at.is_none();
            if is_in_force {
                self.secrets.in_force(&of, &place, findings);
            }
            if !self.secrets.has(&of) {
                self.untold(is_in_force, removed, findings, &place);
            } else if let Some(said) = self.setting(&of, digests.get(&of).copied(), removed) {
                compared(&place, "when", found.confirmed_at, said, findings);
                let by = neutralise(&found.confirmed_by);
                by_whom(&place, "by whom", &by, said, findings);
            }
            let disabled = self.disabled.get(&person);
            let since = found.disabled_at;
            maybe(&place, "disabled", since, disabled, removed, findings);
            let enabled = self.enabled.get(&person);
            let since = found.usage.enabled_at;
            maybe(&place, "enabled", since, enabled, removed, findings);
            if self.secrets.has(&of) && away.is_none() {
                // Of a second factor that is in force by the log, an end would be said, and said again.
                if let (Some(at), None, Some(tells)) =
                    (found.disabled_at, disabled, self.secrets.tells_end(&of))
                {
                    let that = format!("that {place} is disabled since {at}");
                    untold(tells, findings, that);
                }
                if let (Some(at), None) = (found.usage.enabled_at, enabled) {
                    let that = format!("that {place} was enabled at {at}");
                    untold(!removed.may_be_of(at), findings, that);
                }
            }
            there.insert(of);
        }
        for (of, since) in self.gone(&there) {
            if let Of::Person(person) = of {
                let person = neutralise(person);
                findings.add(
                    Verdict::Missing,
                    format!("the enrolment of {person}, {since}, is not in the table any more"),
                );
            }
        }
        Ok(())
    }

    async fn credentials(
        &self,
        store: &Store,
        digests: &BTreeMap<Of, &String>,
        removed: &Removed<'_>,
        findings: &mut Findings,
    ) -> anyhow::Result<()> {
        let mut there = BTreeSet::new();
        for found in store.credentials().await? {
            let place = format!("the credential of {}@{}", found.account, found.target);
            let of = Of::Account(found.target.to_string(), found.account.to_string());
            self.secrets.in_force(&of, &place, findings);
            if !self.secrets.has(&of) {
                self.untold(true, removed, findings, &place);
            } else if let Some(said) = self.setting(&of, digests.get(&of).copied(), removed) {
                compared(&place, "when it was set", found.set_at, said, findings);
                let by = neutralise(&found.set_by);
                by_whom(&place, "who set it", &by, said, findings);
                same(&place, "the kind", &found.kind.to_string(), said, findings);
            }
            there.insert(of);
        }
        for (of, since) in self.gone(&there) {
            if let Of::Account(target, account) = of {
                findings.add(
                    Verdict::Missing,
                    format!("the credential of {account}@{target}, {since}, is not in the table any more"),
                );
            }
        }
        Ok(())
    }
}

/// A time that a row has or not, and an entry tells of or not.
fn maybe(
    place: &str,
    what: &str,
    found: Option<Timestamp>,
    said: Option<&Done>,
    removed: &Removed<'_>,
    findings: &mut Findings,
) {
    match (found, said) {
        // It may be that of a later entry which has no words any more.
        (Some(found), Some(said)) if !near(found, said.at) && removed.may_be_of(found) => {}
        (Some(found), Some(said)) => compared(place, what, found, said, findings),
        (None, Some(said)) => differs(place, what, "not told", said, findings),
        // What no entry tells of is looked at by itself.
        (Some(_) | None, None) => {}
    }
}
