//! The other tables against the entries: versions of the documents, alerts of host keys, keys, what permits to take words away,
//! and the counters; enrolments and credentials are [`super::held`]'s. `gateway/adr/0018` has the whole list of columns.
//!
//! What retention took the words of is not compared: the entries that are left tell of it no more. So a row that no entry
//! tells of is accused only where no words were ever taken away.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ecluse_policy::Timestamp;
use ecluse_recordings::evidence::signature::openssh;
use ecluse_recordings::log::Entry;
use ecluse_recordings::neutralise;
use ecluse_recordings::verify::Verdict;

use super::held::Held;
use super::runs::Runs;
use super::verify::Findings;
use crate::audit::AuditKind;
use crate::store::{NODE, SETTINGS, Store};

/// How far the time of a row may be from that of its entry: in older stores they were read one after the other.
/// **Unit**: microseconds.
const APART: u64 = 60_000_000;

/// When, by whom, and with which entry something was done.
#[derive(Debug, Clone)]
pub(super) struct Done {
    pub(super) seq: u64,
    pub(super) at: i64,
    pub(super) by: Option<String>,
    pub(super) what: String,
}

/// Before when words of each client were taken away; by nobody's name, those of no client.
pub(super) struct Removed<'r>(&'r BTreeMap<Option<String>, i64>);

impl Removed<'_> {
    /// Whether none were.
    pub(super) fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether words of this time may be among them.
    pub(super) fn may_be_of(&self, at: Timestamp) -> bool {
        self.0.values().any(|before| at.as_micros() < *before)
    }
}

/// What the entries say of the rows of other tables.
#[derive(Debug, Default)]
pub(super) struct Tables {
    versions: BTreeMap<u64, Done>,
    /// The version in force when digests began; those up to it may have no entry.
    old_versions: u64,
    held: Held,
    host_keys: Vec<(String, String, Done)>,
    /// The last key made of each name, by its public half.
    keys: BTreeMap<String, Done>,
    /// Every key that signs or signed: its public half and where it lies.
    signing: Vec<(String, Done)>,
    destroyed: BTreeMap<u64, (Option<String>, Option<u64>, i64)>,
    /// Before when words of each client were taken away; by nobody's name, those of no client.
    removed: BTreeMap<Option<String>, i64>,
    sessions: u64,
    interventions: u64,
    /// The settings of each node's last start, by the digest of what was kept of them, with its entry, and whether a change is on
    /// record since.
    settings: BTreeMap<Option<String>, (String, u64, bool)>,
    /// Starts with other settings than the one before, which is beside them, without a word of it.
    unsaid: BTreeMap<u64, u64>,
    runs: Runs,
}

impl Tables {
    /// Takes in an entry. Entries come in their order.
    pub(super) fn see(&mut self, entry: &Entry) {
        let Some(kind) = AuditKind::parse(&entry.kind) else {
            return;
        };
        let number = |name| entry.detail_number(name);
        // None of an earlier version, which knew of one gateway.
        let node = || entry.detail_text(NODE).map(str::to_owned);
        let done = |by: Option<&str>, what: Option<&str>| Done {
            seq: entry.seq,
            at: entry.at_us,
            by: by.map(str::to_owned),
            what: what.unwrap_or_default().to_owned(),
        };
        self.held.see(entry, kind);
        if kind == AuditKind::DocumentChange {
            if let Some(version) = number("version") {
                let done = done(entry.person.as_deref(), None);
                self.versions.entry(version).or_insert(done);
            }
        } else if kind == AuditKind::BindingsBegin {
            self.old_versions = number("version").unwrap_or(0);
        } else if kind == AuditKind::HostKeyMismatch {
            let of = (entry.client.clone(), entry.target.clone());
            if let (Some(client), Some(target)) = of {
                self.host_keys.push((client, target, done(None, None)));
            }
        } else if kind == AuditKind::KeyMade {
            let name = entry.detail_text("key").unwrap_or_default().to_owned();
            if let (Some(public), Some(source)) =
                (entry.detail_text("public"), entry.detail_text("source"))
            {
                let signs = done(None, Some(source));
                self.signing.push((public.to_owned(), signs));
            }
            // One that lies elsewhere is in no table of keys.
            if entry
                .detail_text("source")
                .is_none_or(|source| source == "store")
            {
                let done = done(None, entry.detail_text("public"));
                self.keys.insert(name, done);
            }
        } else if kind == AuditKind::EntriesDestroyed {
            let told = (entry.client.clone(), number("up-to"), entry.at_us);
            self.destroyed.insert(entry.seq, told);
            let before = entry.detail_text("before");
            let before = before.and_then(|before| before.parse::<Timestamp>().ok());
            let before = before.map_or(entry.at_us, Timestamp::as_micros);
            let last = self.removed.entry(entry.client.clone()).or_insert(before);
            *last = before.max(*last);
        } else if kind == AuditKind::SettingsChange {
            if let Some((.., said)) = self.settings.get_mut(&node()) {
                *said = true;
            }
        } else if kind == AuditKind::GatewayStop || kind == AuditKind::ServeCutShort {
            self.runs.end(node());
        } else if kind == AuditKind::GatewayStart {
            self.runs.begin(entry, node());
            if let Some(digest) = entry.detail_text(SETTINGS) {
                let began = (digest.to_owned(), entry.seq, false);
                if let Some((before, seq, false)) = self.settings.insert(node(), began)
                    && before != digest
                {
                    self.unsaid.insert(entry.seq, seq);
                }
            }
        } else if kind == AuditKind::SessionStart {
            self.sessions = self.sessions.max(number("number").unwrap_or(0));
        } else if kind == AuditKind::Request {
            self.interventions = self.interventions.max(number("number").unwrap_or(0));
        }
    }

    /// Compares the tables, as the store has them at the moment that is verified. `away` is the last place whose words are not there.
    pub(super) async fn compare(
        &self,
        store: &Store,
        away: Option<u64>,
        findings: &mut Findings,
    ) -> anyhow::Result<()> {
        self.versions(store, findings).await?;
        self.held
            .compare(store, &Removed(&self.removed), away, findings)
            .await?;
        self.keys(store, findings).await?;
        self.alerts(store, findings).await?;
        self.permissions(store, findings).await?;
        for (seq, before) in &self.unsaid {
            let words = format!(
                "the gateway began with entry {seq} under other settings than before, and no entry says so"
            );
            // What was said of it, or a start in between, may be among what retention took of the gateway's own trail.
            let mut destroyed = self.destroyed.values();
            let took = |(client, up_to, _): &(Option<_>, Option<u64>, _)| {
                client.is_none() && up_to.is_none_or(|up_to| up_to > *before)
            };
            if destroyed.any(took) {
                findings.note(format!("{words}; some words were removed under retention"));
            } else {
                let words = format!("{words}: what the store keeps of them was changed");
                findings.add(Verdict::Altered, words);
            }
        }
        self.runs.tell(!self.removed.is_empty(), findings);
        for (name, said) in [
            ("session", self.sessions),
            ("intervention", self.interventions),
        ] {
            let value = store.counter(name).await?;
            // Numbers beyond those of the log may be of entries that are not there.
            let beyond = value > said && self.removed.is_empty() && !findings.lacks();
            if value < said || beyond {
                findings.add(
                    Verdict::Altered,
                    format!("the counter of {name}s stands at {value}, and the last that the log tells of has number {said}"),
                );
            }
        }
        Ok(())
    }

    /// A row that no entry tells of.
    fn untold(&self, findings: &mut Findings, place: impl fmt::Display) {
        untold(self.removed.is_empty(), findings, place);
    }

    async fn versions(&self, store: &Store, findings: &mut Findings) -> anyhow::Result<()> {
        let mut there = BTreeSet::new();
        for found in store.document_versions().await? {
            let version = found.version;
            there.insert(version);
            let place = format!("version {version} of the documents");
            let Some(said) = self.versions.get(&version) else {
                if version > self.old_versions {
                    self.untold(findings, place);
                }
                continue;
            };
            compared(
                &place,
                "when it was applied",
                found.applied_at,
                said,
                findings,
            );
            // As an entry has a person that it does not know.
            let by = neutralise(&found.applied_by);
            by_whom(&place, "who applied it", &by, said, findings);
        }
        for (version, said) in &self.versions {
            if !there.contains(version) {
                findings.add(
                    Verdict::Missing,
                    format!(
                        "version {version} of the documents, applied with entry {}, is not in the table any more",
                        said.seq
                    ),
                );
            }
        }
        Ok(())
    }

    async fn keys(&self, store: &Store, findings: &mut Findings) -> anyhow::Result<()> {
        let signing = store.signing_keys().await?;
        for (nth, found) in signing.iter().enumerate() {
            let public = openssh(&found.public);
            let place = format!("the signing key {public}");
            let said = self
                .signing
                .iter()
                .rfind(|(said, done)| *said == public && near(found.from, done.at));
            // That no entry made it is told with the checkpoints.
            if let Some((_, said)) = said {
                same(&place, "where it lies", &found.source, said, findings);
                let next = signing.get(nth + 1).map(|next| next.from);
                if found.until != next {
                    let until = found
                        .until
                        .map_or_else(|| "open".to_owned(), |at| at.to_string());
                    differs(&place, "its end", until, said, findings);
                }
            } else if self.signing.iter().any(|(said, _)| *said == public) {
                findings.add(
                    Verdict::Altered,
                    format!(
                        "{place} was altered: it signs since {} in the table, and no entry says so",
                        found.from
                    ),
                );
            }
        }
        for (public, said) in &self.signing {
            if !signing
                .iter()
                .any(|found| openssh(&found.public) == *public)
            {
                findings.add(
                    Verdict::Missing,
                    format!(
                        "the signing key {public}, made with entry {}, is not in the table any more",
                        said.seq
                    ),
                );
            }
        }
        let mut there = BTreeSet::new();
        for found in store.own_keys().await? {
            there.insert(found.name.clone());
            let place = format!("the gateway's key {}", neutralise(&found.name));
            match self.keys.get(&found.name) {
                None => self.untold(findings, &place),
                Some(said) => {
                    compared(&place, "when it was made", found.made_at, said, findings);
                    same(&place, "its public half", &found.public, said, findings);
                }
            }
        }
        // No retention takes the entry that made one, and a new one stands in the row of the one before.
        for (name, said) in &self.keys {
            if !there.contains(name) {
                findings.add(
                    Verdict::Missing,
                    format!(
                        "the gateway's key {}, made with entry {}, is not in the table any more",
                        neutralise(name),
                        said.seq
                    ),
                );
            }
        }
        Ok(())
    }

    async fn alerts(&self, store: &Store, findings: &mut Findings) -> anyhow::Result<()> {
        let mut said = self.host_keys.clone();
        for found in store.all_host_key_alerts().await? {
            let place = format!("the alert about the host key of {}", found.target);
            let told = said.iter().position(|(client, target, done)| {
                client == found.client.as_str()
                    && target == found.target.as_str()
                    && near(found.at, done.at)
            });
            match told {
                Some(told) => drop(said.swap_remove(told)),
                None => self.untold(findings, place),
            }
        }
        for (client, target, done) in said {
            let removed = self.removed.get(&Some(client));
            if removed.is_none_or(|before| done.at >= *before) {
                findings.add(
                    Verdict::Missing,
                    format!(
                        "the alert about the host key of {target}, told with entry {}, is not in the table any more, or altered",
                        done.seq
                    ),
                );
            }
        }
        Ok(())
    }

    async fn permissions(&self, store: &Store, findings: &mut Findings) -> anyhow::Result<()> {
        let mut there = BTreeSet::new();
        for found in store.permissions().await? {
            let seq = found.seq;
            there.insert(seq);
            match self.destroyed.get(&seq) {
                None => findings.add(
                    Verdict::NotInLog,
                    format!(
                        "a permission to take words away names entry {seq}, which tells of none"
                    ),
                ),
                Some((client, up_to, at)) => {
                    let same = *client == found.client
                        && up_to.is_none_or(|up_to| up_to == found.up_to)
                        && near(found.at, *at);
                    if !same {
                        findings.add(
                            Verdict::Altered,
                            format!("the permission to take words away is another than entry {seq} tells of"),
                        );
                    }
                }
            }
        }
        for seq in self.destroyed.keys().filter(|seq| !there.contains(seq)) {
            findings.add(
                Verdict::Missing,
                format!(
                    "the permission to take words away of entry {seq} is not in the table any more"
                ),
            );
        }
        Ok(())
    }
}

pub(super) fn near(found: Timestamp, said: i64) -> bool {
    found.as_micros().abs_diff(said) <= APART
}

pub(super) fn differs(
    place: &str,
    what: &str,
    found: impl fmt::Display,
    said: &Done,
    findings: &mut Findings,
) {
    findings.add(
        Verdict::Altered,
        format!(
            "{place} was altered: {what} is {} in the table, and entry {} says otherwise",
            neutralise(found.to_string()),
            said.seq
        ),
    );
}

pub(super) fn compared(
    place: &str,
    what: &str,
    found: Timestamp,
    said: &Done,
    findings: &mut Findings,
) {
    if !near(found, said.at) {
        differs(place, what, found, said, findings);
    }
}

pub(super) fn by_whom(place: &str, what: &str, found: &str, said: &Done, findings: &mut Findings) {
    if said.by.as_ref().is_some_and(|by| by != found) {
        differs(place, what, found, said, findings);
    }
}

pub(super) fn same(place: &str, what: &str, found: &str, said: &Done, findings: &mut Findings) {
    if !said.what.is_empty() && said.what != found {
        differs(place, what, found, said, findings);
    }
}

/// A row that no entry tells of; where the log does not tell of each, its words may have been removed.
pub(super) fn untold(tells: bool, findings: &mut Findings, place: impl fmt::Display) {
    if tells {
        findings.add(
            Verdict::NotInLog,
            format!("{place}: no entry tells of it; it was put into the store by hand"),
        );
    } else {
        findings.note(format!(
            "{place}: no entry with words tells of it; some were removed under retention"
        ));
    }
}
