//! What is on disk of a recording, against what the journal says of it.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use ecluse_policy::SessionId;
use ecluse_recordings::bundle::{MANIFEST, WRAPPED_KEY};
use ecluse_recordings::evidence::manifest::{MAX_MANIFEST, sha256_hex};
use ecluse_recordings::verify::{Options, Verdict};
use ecluse_recordings::{Listed, ReadError, SealedRecording, State, layout, neutralise};
use uuid::Uuid;

use super::verify::{Findings, Known, Seal, SessionSeen};
use crate::passage::changes::{latest_seal, latest_wrapping};
use crate::store::ChangeLock;

/// Compares one recording on disk with the entry that sealed it; the recording, where its manifest is the one on record.
pub(super) async fn sealed(
    known: Known<'_>,
    dir: &Path,
    session: &str,
    seal: &Seal,
    findings: &mut Findings,
) -> anyhow::Result<Option<SealedRecording>> {
    let mut digest = manifest_digest(dir);
    let mut later = None;
    if !matches!(&digest, Ok(found) if *found == seal.manifest) {
        // Somebody may have turned its journal into files while the journal was read: their turn first, then again.
        let _alone = ChangeLock::take(&known.settings.data_dir).await?;
        later = converted_since(known, session, seal).await?;
        digest = manifest_digest(dir);
    }
    let Seal { seq, manifest, .. } = later.as_ref().unwrap_or(seal);
    let place = neutralise(dir.display().to_string());
    match digest {
        Ok(found) if found == *manifest => {}
        Ok(_) => {
            let text = format!("{place}: its manifest is not the one sealed with entry {seq}");
            findings.add(Verdict::Altered, text);
            return Ok(None);
        }
        Err(error) => {
            let text =
                format!("{place}: it was sealed with entry {seq}, and its manifest: {error}");
            findings.add(Verdict::Missing, text);
            return Ok(None);
        }
    }
    match SealedRecording::open(dir) {
        Ok(recording) => {
            if let Err(error) = recording.verify_signature(known.signers) {
                findings.add(
                    Verdict::Altered,
                    format!("{place}: its manifest's signature: {error}"),
                );
            }
            Ok(Some(recording))
        }
        Err(error) => {
            findings.add(
                Verdict::Missing,
                format!("{place}: it was sealed with entry {seq}, and does not open: {error}"),
            );
            Ok(None)
        }
    }
}

/// The seal that took the place of `seal` after the entries were read.
async fn converted_since(
    known: Known<'_>,
    session: &str,
    seal: &Seal,
) -> anyhow::Result<Option<Seal>> {
    let Ok(session) = Uuid::parse_str(session) else {
        return Ok(None);
    };
    let latest = latest_seal(known.store, SessionId::from_uuid(session)).await?;
    let latest = latest.filter(|(seq, _)| *seq > known.size);
    let later = latest.map(|(seq, record)| Seal::of(seq, |name| record.detail.get(name)?.as_str()));
    Ok(later.filter(|later| later.replaces(seal)))
}

fn manifest_digest(dir: &Path) -> std::io::Result<String> {
    let mut text = Vec::new();
    File::open(dir.join(MANIFEST))?
        .take(MAX_MANIFEST)
        .read_to_end(&mut text)?;
    Ok(sha256_hex(&text))
}

/// Compares the one file of a sealed recording that may be replaced with what the journal says of it: `rewrapped` is the
/// place of its last rewrapping, and the digest of the key file. The manifest is the one on record.
pub(super) async fn key_file(
    known: Known<'_>,
    recording: &SealedRecording,
    rewrapped: Option<&(u64, String)>,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let sealed = &recording.manifest().key.wrapped_sha256;
    let expected = rewrapped.map_or(sealed, |(_, digest)| digest);
    if key_digest(recording).ok().as_ref() == Some(expected) {
        return Ok(());
    }
    // Somebody may have given it other readers while the journal was read: their turn first, then again.
    let _alone = ChangeLock::take(&known.settings.data_dir).await?;
    let session = SessionId::from_uuid(recording.manifest().session());
    let later = latest_wrapping(known.store, session).await?;
    let later = later.filter(|(seq, _)| *seq > known.size);
    let last = later.as_ref().or(rewrapped);
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
    known: Known<'_>,
    dir: &Path,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    // Nobody gives it another form meanwhile.
    let _alone = ChangeLock::take(&known.settings.data_dir).await?;
    let options = Options {
        signers: known.signers.to_vec(),
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

#[cfg(test)]
mod tests;
