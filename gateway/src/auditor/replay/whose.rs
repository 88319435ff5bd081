//! A recording is shown as the session that it says it is, and to the client that it says it is of.

use std::path::Path;

use ecluse_policy::{ClientId, SessionId};
use ecluse_recordings::{OpenRecording, SealedRecording, SessionFacts};
use uuid::Uuid;

use crate::evidence::EvidenceKeys;

/// A sealed recording, once its signature holds; the problem in words otherwise.
pub(in crate::auditor) fn open(
    dir: &Path,
    session: SessionId,
    client: &ClientId,
    keys: &EvidenceKeys,
) -> Result<OpenRecording, String> {
    let sealed = SealedRecording::open(dir).map_err(|error| error.to_string())?;
    belongs(&sealed.manifest().facts, session, client)?;
    sealed
        .verify_signature(&keys.allowed_signers())
        .map_err(|error| error.to_string())?;
    sealed
        .unlock(keys.identities())
        .map_err(|error| error.to_string())
}

/// Whether a recording is the one that the table of sessions says it is. Whose it is, the recording says, and no table (O4).
pub(super) fn belongs(
    facts: &SessionFacts,
    session: SessionId,
    client: &ClientId,
) -> Result<(), String> {
    if facts.session != session.as_uuid() {
        return Err(of_another(&facts.session));
    }
    if facts.client != client.as_str() {
        return Err(OF_ANOTHER_CLIENT.to_owned());
    }
    Ok(())
}

const OF_ANOTHER_CLIENT: &str = "it is not this client's: somebody changed the table of sessions; the administrator finds out with: ecluse journal verify";

/// A recording under a number that is not its own: somebody moved its directory.
fn of_another(found: &Uuid) -> String {
    format!(
        "its directory holds the recording of another session ({found}): somebody moved it; the administrator finds out with: ecluse journal verify"
    )
}
