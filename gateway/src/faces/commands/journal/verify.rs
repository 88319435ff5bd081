//! `ecluse journal verify`: the whole journal hashed anew, against every checkpoint and against the recordings on disk.
//!
//! Read [`Verify::examine`]: it is the argument. The keys that the store itself names vouch for the store only as far as
//! nobody replaced both; a checkpoint from elsewhere (`--since`) and a key from elsewhere (`--log-key`) go further.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use ecluse_policy::Timestamp;
use ecluse_recordings::evidence::manifest::sha256_hex;
use ecluse_recordings::evidence::signature::openssh;
use ecluse_recordings::log::Entry;
use ecluse_recordings::verify::approvals::Approvals;
use ecluse_recordings::verify::times::{Found, Times};
use ecluse_recordings::verify::{Further, Seal, Seals, Verdict};
use ecluse_recordings::{Listed, neutralise};

use super::checkpoints::{compare, own_checkpoints, signed};
use super::defects::verdict_of;
use super::elsewhere::Recorders;
use super::orders::Orders;
use super::receipts::Receipts;
use super::tables::Tables;
use super::{bound, on_disk, read_kept, read_log_keys, sessions, since, unended};
use crate::archive::changes::{WRAPPED, end_all_interrupted};
use crate::archive::sealing::GONE;
use crate::audit::AuditKind;
use crate::faces::commands::out::Out;
use crate::log::CONTRADICTED;
use crate::settings::Settings;
use crate::store::{NODE, Recomputed, SessionQuery, SessionSaid, Store};

/// Check that nothing in the journal was altered, removed or moved, and that it extends every checkpoint.
///
/// A change of a recording's readers or form that was interrupted is ended first, by what the journal says, and told.
///
/// A gateway may serve meanwhile: the store is read as it is at one moment, and what comes on record or on disk afterwards
/// is looked up again before anybody is accused of it.
///
/// Exit codes: 0 intact, 1 failed to run, 2 usage, 4 altered, 5 missing, 6 reordered, 7 not in the log.
#[derive(Debug, Args)]
pub(in crate::faces::commands) struct Verify {
    /// A checkpoint you kept: the journal must be the same one, grown. May be given several times.
    #[arg(long, value_name = "CHECKPOINT")]
    since: Vec<PathBuf>,
    /// The keys you trust to sign checkpoints, instead of those in the store.
    #[arg(long = "log-key", value_name = "FILE")]
    log_keys: Vec<PathBuf>,
    /// Also read every file of every recording and compare it with its manifest.
    #[arg(long)]
    contents: bool,
}

/// What was found, line by line.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) lines: Vec<(Verdict, String)>,
    pub(super) notes: Vec<String>,
}

impl Findings {
    pub(super) fn add(&mut self, verdict: Verdict, text: impl std::fmt::Display) {
        self.lines.push((verdict, text.to_string()));
    }

    pub(super) fn note(&mut self, text: impl std::fmt::Display) {
        self.notes.push(text.to_string());
    }

    /// In lines, notes first: what was found several times is told once, with how often.
    pub(super) fn told(&self) -> String {
        let notes = self.notes.iter().map(|note| format!("note: {note}"));
        let found = self.lines.iter();
        let found = found.map(|(verdict, line)| format!("{verdict}: {line}"));
        let mut lines: Vec<(String, usize)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for line in notes.chain(found) {
            match places.get(&line).and_then(|place| lines.get_mut(*place)) {
                Some((_, count)) => *count += 1,
                None => {
                    places.insert(line.clone(), lines.len());
                    lines.push((line, 1));
                }
            }
        }
        let mut text = String::new();
        for (line, count) in lines {
            let _ = match count {
                1 => writeln!(text, "{line}"),
                count => writeln!(text, "{line} ({count} times)"),
            };
        }
        text
    }

    /// Whether entries are missing: what they said is then no reason to call anything else altered.
    pub(super) fn lacks(&self) -> bool {
        let mut found = self.lines.iter();
        found.any(|(verdict, _)| *verdict == Verdict::Missing)
    }

    /// The most severe of all.
    pub(super) fn verdict(&self) -> Verdict {
        [
            Verdict::Altered,
            Verdict::Reordered,
            Verdict::Missing,
            Verdict::NotInLog,
        ]
        .into_iter()
        .find(|verdict| self.lines.iter().any(|(found, _)| found == verdict))
        .unwrap_or(Verdict::Intact)
    }
}

/// What the entries say of one session.
#[derive(Debug, Default)]
pub(super) struct SessionSeen {
    /// What its row must say.
    pub(super) said: SessionSaid,
    /// Its number, as the entry that began it has it.
    pub(super) number: Option<u64>,
    /// Whether its end is on record.
    pub(super) ended: bool,
    sealed: Seals,
    /// Seals that change nothing, each with the one that stands.
    others: Vec<(u64, u64)>,
    /// The last key file that is on record; without one, the manifest names it.
    rewrapped: Option<(u64, String)>,
    pub(super) destroyed: bool,
    pub(super) failed: bool,
}

/// What recordings on disk are compared with.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) store: &'a Store,
    pub(super) settings: &'a Settings,
    /// Entries of the moment that is verified; what came afterwards is looked up before it accuses anybody.
    pub(super) size: u64,
    pub(super) signers: &'a [[u8; 32]],
}

/// What the entries say, as they go by.
#[derive(Debug)]
struct Seen {
    /// Who asked, who approved, and what stands beside it.
    approvals: Approvals,
    sessions: BTreeMap<String, SessionSeen>,
    /// The last entry by which each gateway began to serve, by the digest of its name.
    started: BTreeMap<String, u64>,
    keys: BTreeSet<String>,
    /// Before when the words of each client's entries were removed.
    removed: BTreeMap<String, Timestamp>,
    /// What else the tables must say.
    tables: Tables,
    orders: Orders,
    receipts: Receipts,
    /// The dates, against the order in which the entries stand.
    times: Times,
    /// What running gateways found wrong with the log itself.
    contradicted: Vec<String>,
    /// When the last entry was written.
    last: Timestamp,
}

impl Verify {
    pub(super) async fn run(&self, store: &Store, settings: &Settings) -> anyhow::Result<ExitCode> {
        let mut findings = Findings::default();
        let recomputed = self.examine(store, settings, &mut findings).await?;
        let mut text = findings.told();
        let root = recomputed
            .root()
            .map_or_else(|| "none".to_owned(), |root| root.to_base64());
        let _ = writeln!(
            text,
            "The journal of {} entries, root {root}: {}.",
            recomputed.size,
            findings.verdict()
        );
        let _ = Out.write_all(text.as_bytes());
        Ok(ExitCode::from(findings.verdict().exit_code()))
    }

    /// Hashes everything anew and compares it with whatever else speaks of it.
    pub(super) async fn examine(
        &self,
        store: &Store,
        settings: &Settings,
        findings: &mut Findings,
    ) -> anyhow::Result<Recomputed> {
        for ended in end_all_interrupted(store, settings)
            .await
            .with_context(|| settings.recordings.directory.display().to_string())?
        {
            findings.note(ended);
        }
        let given = read_log_keys(&self.log_keys)?;
        let mut checkpoints = Vec::new();
        for path in &self.since {
            checkpoints.push((path.display().to_string(), read_kept(path)?));
        }
        let outside = checkpoints.len();
        // All that the store says is read of one moment; the disk is looked at after it. What is on record up to there is
        // on disk by then, and what is on disk and not on record came since, or is somebody's doing.
        let moment = store.snapshot().await?;
        let signing = moment.signing_keys().await?;
        checkpoints.extend(own_checkpoints(&moment, findings).await?);
        let sizes = checkpoints
            .iter()
            .filter_map(|(_, note)| note.unverified().ok())
            .map(|checkpoint| checkpoint.size);

        let mut seen = Seen {
            approvals: Approvals::new(true),
            sessions: BTreeMap::new(),
            started: BTreeMap::new(),
            keys: BTreeSet::new(),
            removed: BTreeMap::new(),
            tables: Tables::default(),
            orders: Orders::default(),
            receipts: Receipts::default(),
            times: Times::default(),
            contradicted: Vec::new(),
            last: Timestamp::from_micros(0),
        };
        let recomputed = moment.recompute(sizes, |entry| seen.see(entry)).await?;
        for defect in &recomputed.defects {
            findings.add(verdict_of(defect), defect);
        }
        if recomputed.unnumbered > 0 {
            let count = recomputed.unnumbered;
            findings.note(format!("{count} entries are from before trails were numbered: that none of those is missing, the log shows and no number"));
        }
        for found in &seen.contradicted {
            findings.note(found);
        }
        for key in &signing {
            let line = openssh(&key.public);
            if !seen.keys.contains(&line) {
                findings.add(
                    Verdict::NotInLog,
                    format!("the signing key {line}: no entry of the journal made it"),
                );
            }
        }
        let publics: Vec<[u8; 32]> = signing.iter().map(|key| key.public).collect();
        for (name, note) in &checkpoints {
            if let Some(checkpoint) = signed(name, note, &given, &publics, findings) {
                compare(name, &checkpoint, &recomputed, findings);
                seen.times.checkpoint(checkpoint.size, checkpoint.at_us);
            }
        }
        if outside == 0 {
            findings.note("no checkpoint from elsewhere was given (--since): that the whole journal was replaced by another one would not be seen");
        }
        let live = SessionQuery {
            live: true,
            limit: Some(1_000_000),
            ..SessionQuery::default()
        };
        let live: BTreeSet<String> = moment
            .sessions(&live)
            .await?
            .iter()
            .map(|session| session.start.id.to_string())
            .collect();
        bound::compare(&moment, &seen.approvals, findings).await?;
        let away = recomputed.last_away();
        sessions::compare(&moment, &seen.sessions, &seen.removed, away, findings).await?;
        seen.tables.compare(&moment, away, findings).await?;
        std::mem::take(&mut seen.orders).judge(&seen.removed, findings);
        let drawn = moment.receipts_drawn().await?;
        std::mem::take(&mut seen.receipts).judge(&seen.removed, away, drawn, findings);
        let (_, faults) = moment.gateways_and_faults().await?;
        for fault in faults {
            findings.add(Verdict::Altered, fault);
        }
        let mut recorders = Recorders::read(&moment, settings).await?;
        drop(moment);
        let root = settings.recordings.directory.clone();
        let shelf = tokio::task::spawn_blocking(move || ecluse_recordings::list(&root, None))
            .await?
            .with_context(|| settings.recordings.directory.display().to_string())?;
        let known = Known {
            store,
            settings,
            size: recomputed.size,
            signers: &publics,
        };
        self.recordings(shelf, &seen, &live, known, &mut recorders, findings)
            .await?;
        unended::judge(known, &seen.sessions, &seen.started, findings).await?;
        recorders.tell(findings);
        if let Some((first, last)) = recomputed.uncopied.between {
            let entries = match recomputed.uncopied.count {
                1 => format!("entry {first} has"),
                count => format!("{count} entries, from entry {first} to entry {last}, have"),
            };
            findings.add(
                Verdict::Missing,
                format!("{entries} no copy beside the log, or another's: nothing would tell what that takes from whom if the words were away"),
            );
        }
        // Last: that something is missing for this reason makes nothing else more likely to be.
        let Found { early, notes } = std::mem::take(&mut seen.times).judge();
        for (place, text) in early {
            findings.add(Verdict::Missing, format!("{place}: {text}"));
        }
        for (place, text) in notes {
            findings.note(neutralise(format!("{place}: {text}")));
        }
        Ok(recomputed)
    }

    /// Compares what the journal says of recordings with what is on disk.
    async fn recordings(
        &self,
        shelf: Vec<Listed>,
        seen: &Seen,
        live: &BTreeSet<String>,
        known: Known<'_>,
        recorders: &mut Recorders,
        findings: &mut Findings,
    ) -> anyhow::Result<()> {
        let mut on_disk: HashMap<String, Listed> = HashMap::new();
        for listed in shelf {
            let name = listed.dir.file_name().map(|name| name.to_string_lossy());
            let name = name.unwrap_or_default().into_owned();
            if let Some(twice) = on_disk.insert(name, listed) {
                let place = neutralise(twice.dir.display().to_string());
                findings.add(
                    Verdict::Reordered,
                    format!("{place}: a second directory of the same session"),
                );
            }
        }
        for (session, said) in &seen.sessions {
            if let Some(contradiction) = said.said.contradiction() {
                findings.note(contradiction);
            }
            if let Some(problem) = said.said.without_end(seen.last) {
                findings.add(Verdict::Missing, problem);
            }
            let listed = on_disk.remove(session);
            for (other, stands) in &said.others {
                findings.add(
                    Verdict::Altered,
                    format!("entry {other}: session {session} was sealed before with entry {stands}, differently"),
                );
            }
            if said.destroyed {
                if let Some(listed) = listed
                    && !since::goes(&listed.dir).await
                {
                    let place = listed.dir.display();
                    findings.add(
                        Verdict::Altered,
                        format!("{place}: it was destroyed on record, and is there"),
                    );
                }
                continue;
            }
            if listed.is_none() && recorders.has(&said.said) {
                continue;
            }
            match (said.sealed.standing(), listed) {
                (Some(seal), Some(listed)) => {
                    let dir = &listed.dir;
                    let sealed = on_disk::sealed(known, dir, session, seal, findings).await?;
                    if let Some(recording) = &sealed {
                        bound::recording(&seen.approvals, recording, findings);
                        let rewrapped = said.rewrapped.as_ref();
                        on_disk::key_file(known, recording, rewrapped, findings).await?;
                    }
                    if self.contents {
                        on_disk::contents(known, dir, session, sealed.as_ref(), findings).await?;
                    }
                }
                (Some(Seal { seq, .. }), None) => {
                    if !since::since(known, session).await?.destroyed {
                        findings.add(
                            Verdict::Missing,
                            format!("the recording of session {session}, sealed with entry {seq}, is not there"),
                        );
                    }
                }
                (None, listed) => {
                    let is_live = live.contains(session);
                    on_disk::unsealed(known, session, said, listed, is_live, findings).await?;
                }
            }
        }
        for (session, listed) in on_disk {
            on_disk::unknown(known, &session, listed, findings).await?;
        }
        Ok(())
    }
}

impl Seen {
    fn see(&mut self, entry: &Entry) {
        self.approvals.see(entry);
        self.tables.see(entry);
        self.orders.see(entry);
        self.receipts.see(entry);
        self.times.see(entry);
        self.last = self.last.max(Timestamp::from_micros(entry.at_us));
        if entry.kind == AuditKind::CheckpointFailed.name()
            && entry.detail.contains_key(CONTRADICTED)
            && entry.client.is_none()
            && let Some(reason) = &entry.reason
        {
            let at = Timestamp::from_micros(entry.at_us);
            let found = format!(
                "entry {}: a running gateway found at {at}: {reason}",
                entry.seq
            );
            self.contradicted.push(neutralise(found));
        }
        if entry.kind == AuditKind::EntriesDestroyed.name()
            && let Some(client) = &entry.client
            && let Some(Ok(before)) = entry.detail_text("before").map(str::parse::<Timestamp>)
        {
            let last = self.removed.entry(client.clone()).or_insert(before);
            *last = before.max(*last);
        }
        if entry.kind == AuditKind::KeyMade.name() {
            self.keys
                .extend(entry.detail_text("public").map(str::to_owned));
            return;
        }
        if entry.kind == AuditKind::GatewayStart.name()
            && let Some(node) = entry.detail_text(NODE)
        {
            let node = sha256_hex(node.as_bytes());
            self.started.insert(node, entry.seq);
        }
        let Some(session) = &entry.session else {
            return;
        };
        let said = |kind: AuditKind| entry.kind == kind.name();
        if SessionSaid::is_of(entry) {
            self.of(session).said.see(entry);
        }
        if said(AuditKind::SessionStart) {
            let number = entry.detail_number("number");
            let seen = self.of(session);
            seen.number = seen.number.or(number);
        } else if said(AuditKind::SessionEnd) {
            self.of(session).ended = true;
        } else if said(AuditKind::RecordingSealed) {
            let said = self.of(session);
            match said.sealed.take(Seal::of(entry)) {
                Further::First | Further::Again | Further::Converted => {}
                Further::Other { than } => said.others.push((entry.seq, than)),
            }
        } else if said(AuditKind::RecordingRewrapped) {
            let digest = entry.detail_text(WRAPPED).unwrap_or_default();
            // The last one stands: an earlier key file would let in again whom it shut out.
            self.of(session).rewrapped = Some((entry.seq, digest.to_owned()));
        } else if said(AuditKind::RecordingDestroyed) {
            self.of(session).destroyed = true;
        } else if said(AuditKind::RecordingFailed) && !entry.detail.contains_key(GONE) {
            self.of(session).failed = true;
        }
    }

    fn of(&mut self, session: &str) -> &mut SessionSeen {
        self.sessions.entry(session.to_owned()).or_default()
    }
}
