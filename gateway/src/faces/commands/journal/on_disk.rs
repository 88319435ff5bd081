//! What is on disk of a recording, against what the journal says of it.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use ecluse_policy::SessionId;
use ecluse_recordings::bundle::{MANIFEST, WRAPPED_KEY};
use ecluse_recordings::evidence::manifest::{MAX_MANIFEST, sha256_hex};
use ecluse_recordings::verify::{Options, Seal, Verdict};
use ecluse_recordings::{
    JournalFrames, Listed, ReadError, SealedRecording, State, layout, neutralise,
};
use uuid::Uuid;

use super::since::{begins, is_written, since};
use super::verify::{Findings, Known, SessionSeen};
use crate::archive::changes::{latest_seal, latest_wrapping};
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
    if !matches!(&digest, Ok(found) if *found == seal.manifest_sha256) {
        // Somebody may have turned its journal into files while the journal was read: their turn first, then again.
        let _alone = ChangeLock::take(&known.settings.data_dir).await?;
        later = converted_since(known, session, seal).await?;
        digest = manifest_digest(dir);
    }
    let Seal {
        seq,
        manifest_sha256,
        ..
    } = later.as_ref().unwrap_or(seal);
    let place = neutralise(dir.display().to_string());
    match digest {
        Ok(found) if found == *manifest_sha256 => {}
        Ok(_) => {
            let text = format!("{place}: its manifest is not the one sealed with entry {seq}");
            findings.add(Verdict::Altered, text);
            return Ok(None);
        }
        Err(_) if since(known, session).await?.destroyed => return Ok(None),
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
    let later =
        latest.map(|(seq, record)| Seal::told(seq, |name| record.detail.get(name)?.as_str()));
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

/// A session that was not sealed at the moment that is verified: live, being sealed, sealed since, or gone.
pub(super) async fn unsealed(
    known: Known<'_>,
    session: &str,
    said: &SessionSeen,
    listed: Option<Listed>,
    is_live: bool,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let Some(started) = said.said.began() else {
        return Ok(());
    };
    // A session ends, is sealed and goes while others are looked at: once more the disk, then what is on record since. In
    // this order: what is on disk only once it is on record, is on record by then.
    let listed = listed.map(|listed| Listed::look(listed.dir));
    let since = since(known, session).await?;
    if since.destroyed {
        return Ok(());
    }
    if let Some(seal) = &since.sealed {
        match listed {
            Some(Listed {
                dir,
                state: State::Sealed(_),
            }) => {
                sealed(known, &dir, session, seal, findings).await?;
            }
            // It was sealed between the two looks.
            Some(_) => {}
            None => findings.add(
                Verdict::Missing,
                format!(
                    "the recording of session {session}, sealed with entry {}, is not there",
                    seal.seq
                ),
            ),
        }
        return Ok(());
    }
    // The journal goes last, when its seal is on record.
    let sealing = |listed: &Listed| listed.dir.join(layout::LIVE).exists();
    if matches!(&listed, Some(listed) if matches!(listed.state, State::Sealed(_)) && sealing(listed))
    {
        findings.note(format!("session {session} is being sealed"));
        return Ok(());
    }
    // What is still to be sealed is looked at too: what its keeper writes behind a change hides none.
    if let Some(listed) = &listed
        && matches!(listed.state, State::Live(_))
        && let Some(problem) = damage(&listed.dir.join(layout::LIVE))
    {
        findings.add(
            Verdict::Altered,
            format!("the recording of session {session}, which is not sealed yet, was altered: {problem}"),
        );
        return Ok(());
    }
    match listed.map(|listed| listed.state) {
        Some(State::Live(_)) if is_live => {}
        Some(State::Live(_)) => findings.note(format!(
            "session {session} has ended and is being sealed, or waits for it; a gateway does that at its next start at the latest"
        )),
        Some(State::Damaged(_)) => findings.add(
            Verdict::Altered,
            format!("the recording of session {session} was found damaged, and set aside"),
        ),
        Some(State::Sealed(_)) => findings.add(
            Verdict::NotInLog,
            format!("the recording of session {session} is sealed, and no entry says so"),
        ),
        Some(State::Unreadable(error)) if error.is_not_found() => findings.add(
            Verdict::Missing,
            format!("the recording of session {session} is not there, and was not sealed: {error}"),
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
    Ok(())
}

/// What does not hold in a journal that is not sealed yet, as far as that shows without its key: whole frames are not what
/// was written. That its last one is not whole yet says nothing, nor that it is sealed by now.
fn damage(live: &Path) -> Option<ReadError> {
    let read = || {
        let mut frames = JournalFrames::open(live)?;
        while frames.next_frame()?.is_some() {}
        Ok(())
    };
    match read() {
        Err(damage @ (ReadError::Damaged { .. } | ReadError::Foreign { .. })) => Some(damage),
        Err(ReadError::Io { .. } | ReadError::Torn { .. } | ReadError::Locked { .. }) | Ok(()) => {
            None
        }
    }
}

/// A directory of a session that the journal did not know at the moment that is verified: one that begins, or somebody's.
pub(super) async fn unknown(
    known: Known<'_>,
    session: &str,
    listed: Listed,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let dir = listed.dir;
    if begins(known, session).await? {
        return Ok(());
    }
    let place = neutralise(dir.display().to_string());
    if is_written(&dir) {
        findings.note(format!(
            "{place}: a process writes it, and it is not on record yet: it begins, or somebody made it; verify again"
        ));
    } else if dir.exists() {
        findings.add(
            Verdict::NotInLog,
            format!("{place}: the journal knows nothing of this session"),
        );
    }
    Ok(())
}

/// Reads every file of a recording.
pub(super) async fn contents(
    known: Known<'_>,
    dir: &Path,
    session: &str,
    recording: Option<&SealedRecording>,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    // Nobody gives it another form meanwhile.
    let _alone = ChangeLock::take(&known.settings.data_dir).await?;
    let live = dir.join(layout::LIVE);
    let seal_on_record = recording.is_some() && live.exists();
    let options = Options {
        signers: known.signers.to_vec(),
        seal_on_record,
        ..Options::default()
    };
    if seal_on_record {
        still_there(session, recording, &live, findings);
    }
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
        Err(_) if since(known, session).await?.destroyed => {}
        Err(error) => findings.add(Verdict::Altered, format!("{}: {error}", dir.display())),
    }
    Ok(())
}

/// A journal beside the files that were made from it: the gateway takes it away once their seal is on record.
fn still_there(
    session: &str,
    recording: Option<&SealedRecording>,
    live: &Path,
    findings: &mut Findings,
) {
    let place = neutralise(live.display().to_string());
    match recording.map(|recording| recording.is_of(live)) {
        Some(Ok(true)) | None => findings.note(format!(
            "session {session} is sealed, and its journal is still there: a gateway takes it away, at its next start at the latest"
        )),
        Some(Ok(false)) => findings.add(
            Verdict::Altered,
            format!("{place}: it is not the journal that the recording was made from"),
        ),
        Some(Err(error)) if error.is_not_found() => {}
        Some(Err(error)) => findings.add(Verdict::Altered, format!("{place}: {error}")),
    }
}

#[cfg(test)]
mod tests;
