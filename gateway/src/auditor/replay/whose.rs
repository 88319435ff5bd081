//! A recording is shown as the session that it says it is, and to the client that it says it is of.

use std::path::Path;

use ecluse_policy::{ClientId, SessionId};
use ecluse_recordings::{OpenRecording, SealedRecording, SessionFacts};

use crate::evidence::EvidenceKeys;
use crate::texts::Unreadable;

/// A sealed recording, once its signature holds.
pub(in crate::auditor) fn open(
    dir: &Path,
    session: SessionId,
    client: &ClientId,
    keys: &EvidenceKeys,
) -> Result<OpenRecording, Unreadable> {
    let sealed = SealedRecording::open(dir)?;
    belongs(&sealed.manifest().facts, session, client)?;
    sealed
        .verify_signature(&keys.allowed_signers())
        .map_err(|error| {
            tracing::warn!(directory = %dir.display(), %error, "a recording is not shown");
            Unreadable::NotSigned
        })?;
    Ok(sealed.unlock(keys.identities())?)
}

/// Whether a recording is the one that the table of sessions says it is. Whose it is, the recording says, and no table (O4).
pub(super) fn belongs(
    facts: &SessionFacts,
    session: SessionId,
    client: &ClientId,
) -> Result<(), Unreadable> {
    if facts.session != session.as_uuid() {
        return Err(Unreadable::OtherSession {
            found: facts.session.to_string(),
        });
    }
    if facts.client != client.as_str() {
        return Err(Unreadable::OtherClient);
    }
    Ok(())
}
