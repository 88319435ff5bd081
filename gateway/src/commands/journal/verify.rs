//! `ecluse journal verify`: the whole journal hashed anew, against every checkpoint and against the recordings on disk.
//!
//! Read [`Verify::examine`]: it is the argument. The keys that the store itself names vouch for the store only as far as
//! nobody replaced both; a checkpoint from elsewhere (`--since`) and a key from elsewhere (`--log-key`) go further.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use ecluse_recordings::bundle::MANIFEST;
use ecluse_recordings::evidence::manifest::{MAX_MANIFEST, sha256_hex};
use ecluse_recordings::evidence::signature::openssh;
use ecluse_recordings::log::{Checkpoint, Entry, SignedNote, VerifierKey};
use ecluse_recordings::verify::{Options, Verdict};
use ecluse_recordings::{Listed, SealedRecording, State, layout, neutralise};

use super::{read_log_keys, read_text};
use crate::audit::AuditKind;
use crate::settings::Settings;
use crate::store::{Defect, Recomputed, SessionQuery, Store};

/// Check that nothing in the journal was altered, removed or moved, and that it extends every checkpoint.
///
/// Exit codes: 0 intact, 1 failed to run, 2 usage, 4 altered, 5 missing, 6 reordered, 7 not in the log.
#[derive(Debug, Args)]
pub(in crate::commands) struct Verify {
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
    fn add(&mut self, verdict: Verdict, text: impl std::fmt::Display) {
        self.lines.push((verdict, text.to_string()));
    }

    fn note(&mut self, text: impl std::fmt::Display) {
        self.notes.push(text.to_string());
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
struct SessionSeen {
    started: Option<u64>,
    sealed: Option<(u64, String)>,
    destroyed: bool,
    failed: bool,
    /// It began while this was looking.
    too_young: bool,
}

/// What the entries say, as they go by.
#[derive(Debug, Default)]
struct Seen {
    sessions: BTreeMap<String, SessionSeen>,
    keys: BTreeSet<String>,
}

impl Verify {
    pub(super) async fn run(&self, store: &Store, settings: &Settings) -> anyhow::Result<ExitCode> {
        let mut findings = Findings::default();
        let recomputed = self.examine(store, settings, &mut findings).await?;
        let mut text = String::new();
        for note in &findings.notes {
            let _ = writeln!(text, "note: {note}");
        }
        for (verdict, line) in &findings.lines {
            let _ = writeln!(text, "{verdict}: {line}");
        }
        let root = recomputed
            .root()
            .map_or_else(|| "none".to_owned(), |root| root.to_base64());
        let _ = writeln!(
            text,
            "The journal of {} entries, root {root}: {}.",
            recomputed.size,
            findings.verdict()
        );
        let _ = std::io::stdout().write_all(text.as_bytes());
        Ok(ExitCode::from(findings.verdict().exit_code()))
    }

    /// Hashes everything anew and compares it with whatever else speaks of it.
    pub(super) async fn examine(
        &self,
        store: &Store,
        settings: &Settings,
        findings: &mut Findings,
    ) -> anyhow::Result<Recomputed> {
        // In this order: what is on record up to here is on disk when the disk is looked at, and every seal found there
        // is on record when the entries are read.
        let at_least = store.journal_size().await?;
        let root = settings.recordings.directory.clone();
        let shelf = tokio::task::spawn_blocking(move || ecluse_recordings::list(&root, None))
            .await?
            .with_context(|| settings.recordings.directory.display().to_string())?;
        let signing = store.signing_keys().await?;
        let given = read_log_keys(&self.log_keys)?;
        let mut checkpoints = Vec::new();
        for path in &self.since {
            let note =
                SignedNote::parse(&read_text(path)?).with_context(|| path.display().to_string())?;
            checkpoints.push((path.display().to_string(), note));
        }
        let outside = checkpoints.len();
        checkpoints.extend(own_checkpoints(store).await?);
        let sizes = checkpoints
            .iter()
            .filter_map(|(_, note)| note.unverified().ok())
            .map(|checkpoint| checkpoint.size);

        let mut seen = Seen::default();
        let recomputed = store.recompute(sizes, |entry| seen.see(entry)).await?;
        for defect in &recomputed.defects {
            findings.add(verdict_of(defect), defect);
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
        let live: BTreeSet<String> = store
            .sessions(&live)
            .await?
            .iter()
            .map(|session| session.start.id.to_string())
            .collect();
        seen.forget_started_after(at_least);
        self.recordings(shelf, &seen, &live, &publics, findings)
            .await?;
        Ok(recomputed)
    }

    /// Compares what the journal says of recordings with what is on disk.
    async fn recordings(
        &self,
        shelf: Vec<Listed>,
        seen: &Seen,
        live: &BTreeSet<String>,
        signers: &[[u8; 32]],
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
            let listed = on_disk.remove(session);
            if said.too_young {
                continue;
            }
            if said.destroyed {
                if let Some(listed) = listed {
                    let place = listed.dir.display();
                    findings.add(
                        Verdict::Altered,
                        format!("{place}: it was destroyed on record, and is there"),
                    );
                }
                continue;
            }
            match (&said.sealed, listed) {
                (Some((seq, digest)), Some(listed)) => {
                    sealed(&listed.dir, *seq, digest, signers, findings);
                    if self.contents {
                        contents(&listed.dir, signers, findings).await?;
                    }
                }
                (Some((seq, _)), None) => findings.add(
                    Verdict::Missing,
                    format!(
                        "the recording of session {session}, sealed with entry {seq}, is not there"
                    ),
                ),
                (None, listed) => unsealed(session, said, listed, live.contains(session), findings),
            }
        }
        for (_, listed) in on_disk {
            let place = neutralise(listed.dir.display().to_string());
            findings.add(
                Verdict::NotInLog,
                format!("{place}: the journal knows nothing of this session"),
            );
        }
        Ok(())
    }
}

impl Seen {
    fn see(&mut self, entry: &Entry) {
        if entry.kind == AuditKind::KeyMade.name() {
            self.keys
                .extend(entry.detail_text("public").map(str::to_owned));
            return;
        }
        let Some(session) = &entry.session else {
            return;
        };
        let said = |kind: AuditKind| entry.kind == kind.name();
        if said(AuditKind::SessionStart) {
            self.of(session).started = Some(entry.seq);
        } else if said(AuditKind::RecordingSealed) {
            let digest = entry.detail_text("manifest-sha256").unwrap_or_default();
            // The first seal is the one that nobody had reason to change yet.
            self.of(session)
                .sealed
                .get_or_insert((entry.seq, digest.to_owned()));
        } else if said(AuditKind::RecordingDestroyed) {
            self.of(session).destroyed = true;
        } else if said(AuditKind::RecordingFailed) {
            self.of(session).failed = true;
        }
    }

    fn forget_started_after(&mut self, seq: u64) {
        for said in self.sessions.values_mut() {
            said.too_young = said.started.is_some_and(|started| started > seq);
        }
    }

    fn of(&mut self, session: &str) -> &mut SessionSeen {
        self.sessions.entry(session.to_owned()).or_default()
    }
}

fn verdict_of(defect: &Defect) -> Verdict {
    match defect {
        Defect::Missing { .. } => Verdict::Missing,
        Defect::Misplaced { .. } => Verdict::Reordered,
        Defect::Uncounted { .. } => Verdict::NotInLog,
        Defect::Altered { .. }
        | Defect::RecordDiffers { .. }
        | Defect::Emptied { .. }
        | Defect::DestructionDiffers { .. }
        | Defect::Node { .. } => Verdict::Altered,
    }
}

/// Every checkpoint of the store, named for findings.
async fn own_checkpoints(store: &Store) -> anyhow::Result<Vec<(String, SignedNote)>> {
    const PAGE: u32 = 1000;
    let mut all = Vec::new();
    let mut from = 0;
    loop {
        let page = store.checkpoints(from, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(all);
        };
        from = last.unverified()?.size.saturating_add(1);
        for note in page {
            let size = note.unverified()?.size;
            all.push((format!("the store's checkpoint of {size} entries"), note));
        }
    }
}

/// What a checkpoint says, if one of the keys signed it.
fn signed(
    name: &str,
    note: &SignedNote,
    given: &[VerifierKey],
    own: &[[u8; 32]],
    findings: &mut Findings,
) -> Option<Checkpoint> {
    let origin = note.unverified().ok()?.origin;
    let own = own
        .iter()
        .filter_map(|public| VerifierKey::log(&origin, *public).ok());
    let keys: Vec<VerifierKey> = if given.is_empty() {
        own.collect()
    } else {
        given.to_vec()
    };
    let found = keys.iter().find_map(|key| note.verify(key).ok());
    if found.is_none() {
        findings.add(
            Verdict::Altered,
            format!(
                "{name}: no key that may sign for {} signed it",
                neutralise(&origin)
            ),
        );
    }
    found
}

/// Compares a checkpoint with the journal as its entries make it.
fn compare(name: &str, checkpoint: &Checkpoint, recomputed: &Recomputed, findings: &mut Findings) {
    let Checkpoint { size, root, .. } = checkpoint;
    if *size > recomputed.size {
        findings.add(
            Verdict::Missing,
            format!(
                "{name} speaks of {size} entries, and the journal has {}: it was rolled back",
                recomputed.size
            ),
        );
        return;
    }
    match recomputed.root_at(*size) {
        Some(found) if found == *root => {}
        Some(found) => findings.add(
            Verdict::Altered,
            format!(
                "{name}: at {size} entries it has the root {}, and the journal {}: it was rewritten, or this is a fork of it",
                root.to_base64(),
                found.to_base64()
            ),
        ),
        None => findings.note(format!("{name} cannot be compared: entries before it are missing")),
    }
}

/// Compares one recording on disk with the entry that sealed it.
fn sealed(dir: &Path, seq: u64, digest: &str, signers: &[[u8; 32]], findings: &mut Findings) {
    let place = neutralise(dir.display().to_string());
    match manifest_digest(dir) {
        Ok(found) if found == digest => {}
        Ok(_) => {
            let text = format!("{place}: its manifest is not the one sealed with entry {seq}");
            return findings.add(Verdict::Altered, text);
        }
        Err(error) => {
            let text =
                format!("{place}: it was sealed with entry {seq}, and its manifest: {error}");
            return findings.add(Verdict::Missing, text);
        }
    }
    match SealedRecording::open(dir) {
        Ok(recording) => {
            if let Err(error) = recording.verify_signature(signers) {
                findings.add(
                    Verdict::Altered,
                    format!("{place}: its manifest's signature: {error}"),
                );
            }
        }
        Err(error) => findings.add(
            Verdict::Missing,
            format!("{place}: it was sealed with entry {seq}, and does not open: {error}"),
        ),
    }
}

fn manifest_digest(dir: &Path) -> std::io::Result<String> {
    let mut text = Vec::new();
    File::open(dir.join(MANIFEST))?
        .take(MAX_MANIFEST)
        .read_to_end(&mut text)?;
    Ok(sha256_hex(&text))
}

/// A session that was never sealed: live, waiting for its seal, or gone.
fn unsealed(
    session: &str,
    said: &SessionSeen,
    listed: Option<Listed>,
    is_live: bool,
    findings: &mut Findings,
) {
    let Some(started) = said.started else {
        return;
    };
    // The journal goes last, when its seal is on record.
    let sealing = |listed: &Listed| listed.dir.join(layout::LIVE).exists();
    if matches!(&listed, Some(listed) if matches!(listed.state, State::Sealed(_)) && sealing(listed))
    {
        findings.note(format!("session {session} is being sealed"));
        return;
    }
    match listed.map(|listed| listed.state) {
        Some(State::Live(_)) if is_live => {}
        Some(State::Live(_)) => findings.note(format!(
            "session {session} ended and is not sealed yet; the gateway does it at its next start at the latest"
        )),
        Some(State::Damaged(_)) => findings.add(
            Verdict::Altered,
            format!("the recording of session {session} was found damaged, and set aside"),
        ),
        Some(State::Sealed(_)) => findings.add(
            Verdict::NotInLog,
            format!("the recording of session {session} is sealed, and no entry says so"),
        ),
        Some(State::Unreadable(error)) => findings.add(
            Verdict::Altered,
            format!("the recording of session {session} does not read: {error}"),
        ),
        None if said.failed => findings.note(format!(
            "session {session} has no recording; the journal says that it failed"
        )),
        None => findings.add(
            Verdict::Missing,
            format!("session {session}, begun with entry {started}, has neither a recording nor a word about its end"),
        ),
    }
}

/// Reads every file of a recording.
async fn contents(dir: &Path, signers: &[[u8; 32]], findings: &mut Findings) -> anyhow::Result<()> {
    let options = Options {
        signers: signers.to_vec(),
        ..Options::default()
    };
    let path = dir.to_owned();
    let report =
        tokio::task::spawn_blocking(move || ecluse_recordings::verify::verify(&path, &options))
            .await?;
    match report {
        Ok(report) => {
            for finding in &report.findings {
                // Alone on disk it has no entries beside it; those were compared already.
                if finding.verdict != Verdict::NotInLog && finding.verdict != Verdict::CutShort {
                    findings.add(
                        finding.verdict,
                        format!("{}/{}: {}", dir.display(), finding.place, finding.text),
                    );
                }
            }
        }
        Err(error) => findings.add(Verdict::Altered, format!("{}: {error}", dir.display())),
    }
    Ok(())
}
