//! What is on disk of a recording, against what the journal says of it.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use ecluse_policy::SessionId;
use ecluse_recordings::bundle::{MANIFEST, WRAPPED_KEY};
use ecluse_recordings::evidence::manifest::{MAX_MANIFEST, sha256_hex};
use ecluse_recordings::verify::{Options, Verdict};
use ecluse_recordings::{Listed, ReadError, SealedRecording, State, layout, neutralise};

use super::verify::{Findings, SessionSeen};
use crate::passage::changes::latest_wrapping;
use crate::settings::Settings;
use crate::store::{ChangeLock, Store};

/// Compares one recording on disk with the entry that sealed it; the recording, where its manifest is the one on record.
pub(super) fn sealed(
    dir: &Path,
    seq: u64,
    digest: &str,
    signers: &[[u8; 32]],
    findings: &mut Findings,
) -> Option<SealedRecording> {
    let place = neutralise(dir.display().to_string());
    match manifest_digest(dir) {
        Ok(found) if found == digest => {}
        Ok(_) => {
            let text = format!("{place}: its manifest is not the one sealed with entry {seq}");
            findings.add(Verdict::Altered, text);
            return None;
        }
        Err(error) => {
            let text =
                format!("{place}: it was sealed with entry {seq}, and its manifest: {error}");
            findings.add(Verdict::Missing, text);
            return None;
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
            Some(recording)
        }
        Err(error) => {
            findings.add(
                Verdict::Missing,
                format!("{place}: it was sealed with entry {seq}, and does not open: {error}"),
            );
            None
        }
    }
}

fn manifest_digest(dir: &Path) -> std::io::Result<String> {
    let mut text = Vec::new();
    File::open(dir.join(MANIFEST))?
        .take(MAX_MANIFEST)
        .read_to_end(&mut text)?;
    Ok(sha256_hex(&text))
}

/// What the journal says of a recording's key file.
pub(super) struct KeyFileSaid<'a> {
    /// Entries that were read.
    pub(super) size: u64,
    /// The place of the last rewrapping among them, and the digest of its key file.
    pub(super) rewrapped: Option<&'a (u64, String)>,
}

/// Compares the one file of a sealed recording that may be replaced with what the journal says of it. The manifest is
/// the one on record.
pub(super) async fn key_file(
    store: &Store,
    settings: &Settings,
    recording: &SealedRecording,
    said: KeyFileSaid<'_>,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let sealed = &recording.manifest().key.wrapped_sha256;
    let expected = said.rewrapped.map_or(sealed, |(_, digest)| digest);
    if key_digest(recording).ok().as_ref() == Some(expected) {
        return Ok(());
    }
    // Somebody may have given it other readers while the journal was read: their turn first, then again.
    let _alone = ChangeLock::take(&settings.data_dir).await?;
    let session = SessionId::from_uuid(recording.manifest().session());
    let later = latest_wrapping(store, session).await?;
    let later = later.filter(|(seq, _)| *seq > said.size);
    let last = later.as_ref().or(said.rewrapped);
    let expected = last.map_or(sealed, |(_, digest)| digest);
    let place = neutralise(recording.dir().join(WRAPPED_KEY).display().to_string());
    match key_digest(recording) {
        Ok(found) if found == *expected => {}
        Ok(_) => {
            let entry = last.map_or_else(
                || "its manifest".to_owned(),
                |(seq, _)| format!("entry {seq}"),
            );
            findings.add(
                Verdict::Altered,
                format!("{place}: it was exchanged: it is not the one of {entry}"),
            );
        }
        Err(error) => findings.add(Verdict::Missing, format!("{place}: {error}")),
    }
    Ok(())
}

fn key_digest(recording: &SealedRecording) -> Result<String, ReadError> {
    Ok(sha256_hex(&recording.wrapped_key()?))
}

/// A session that was never sealed: live, waiting for its seal, or gone.
pub(super) fn unsealed(
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
pub(super) async fn contents(
    dir: &Path,
    signers: &[[u8; 32]],
    findings: &mut Findings,
) -> anyhow::Result<()> {
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
                // Alone on disk it has no entries beside it; those were compared already, and the key file with them.
                let compared = finding.verdict == Verdict::NotInLog || finding.place == WRAPPED_KEY;
                if !compared && finding.verdict != Verdict::CutShort {
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
