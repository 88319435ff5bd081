//! What the store holds of interventions and documents against what the log says of them (R3).
//!
//! Each entry about an intervention or a document has the salted digest of what stands in the store after it
//! ([`ecluse_recordings::bound`]). Tables can be changed by whoever owns the machine; the log cannot, unseen. So nothing is
//! taken from those tables that the log contradicts: [`said`] reads the log by its places, never by the columns of the
//! audit trail, [`fold`] takes in each entry, [`missing`] has the places whose words are not there, [`late`] what comes of them, [`interventions`] and [`documents`] compare, [`sessions`] compares the table of sessions with its entries,
//! [`recorded`] has a session as it is on record, [`open`] knows which of them go on. [`witness`] keeps the log as it was seen
//! and [`watching`] compares it with the store's. [`loading`] makes the documents in force, [`applying`] puts them there,
//! [`taken_out`] knows those that left, [`told`] where there is what people are told of, [`cuts`] what came of an order,
//! [`blocks`] who is blocked, [`clearances`] whom clients accepted and what they keep out, [`copies`] what takes something from somebody where words are missing, [`sealed`] which sealed secrets
//! the doors may believe, [`lives`] when an account was last used, [`found`] how that is said where no entry says it yet or its words go, [`codes`] which codes were used and
//! who guessed, [`runs`] how each gateway began and ended, [`stretches`] how places are named, [`start`] binds what an older program
//! left. What follows from a contradiction, policy decides.

mod applying;
mod blocks;
mod clearances;
mod codes;
mod contradicted;
mod copies;
mod cuts;
mod documents;
mod fold;
mod found;
mod interventions;
mod late;
mod lives;
mod loading;
mod missing;
mod open;
mod reach;
mod recorded;
mod runs;
mod said;
mod sealed;
mod session_said;
mod sessions;
mod start;
mod stretches;
mod taken_out;
mod told;
mod uncopied;
mod watching;
mod witness;

pub(super) use self::applying::{bind, owner_of_object, put_in_force_again};
pub(super) use self::clearances::{begin_clearances, telling_of_people, with_documents};
pub use self::contradicted::Contradicted;
pub(super) use self::copies::{COPIES, begin_destroyed, keep as keep_copy, keep_destroyed};
pub use self::cuts::Cuts;
pub use self::documents::{DocumentFault, DocumentText, Wrong};
pub(super) use self::documents::{document_text, held_in};
pub(super) use self::found::{begin_secrets, secrets_again, telling_of_secrets};
pub use self::interventions::{InterventionFault, InterventionGone};
pub(super) use self::interventions::{bound, digest_of, judged_in, select};
pub(super) use self::lives::uses_again;
pub(super) use self::loading::Loaded;
pub use self::recorded::{Hidden, Standing};
pub(super) use self::said::Said;
pub(super) use self::sealed::{Row as SecretRow, Secret};
pub(super) use self::session_said::{BECAUSE, END_REASON, NODE};
pub use self::session_said::{SessionFault, SessionSaid};
pub(super) use self::sessions::{read_all, sessions_said_in};
pub(super) use self::start::begin;
pub use self::stretches::Stretches;
pub use self::taken_out::LastText;
pub(super) use self::told::is_told;
pub use self::uncopied::Uncopied;

use std::sync::{MutexGuard, PoisonError};

use ecluse_policy::InterventionId;
use ecluse_recordings::bound as keys;
use serde_json::{Map, Value as Json};

use super::sql::values;
use super::{Inner, Store, StoreError, Writing};
use crate::audit::{AuditKind, AuditRecord};
use crate::secrets;

/// Entries about an intervention: those after which its body is another, and those that only happen under it.
fn is_about_intervention(kind: AuditKind) -> bool {
    matches!(kind, AuditKind::Permit | AuditKind::SessionStart) || is_step(kind)
}

/// Entries that tell of a step of an intervention.
fn is_step(kind: AuditKind) -> bool {
    matches!(
        kind,
        AuditKind::Request
            | AuditKind::Seen
            | AuditKind::Approval
            | AuditKind::Refusal
            | AuditKind::Cancel
            | AuditKind::Expiry
            | AuditKind::Opening
            | AuditKind::Closing
    )
}

impl Inner {
    pub(in crate::store) fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    pub(super) fn said(&self) -> MutexGuard<'_, Said> {
        self.inner.said()
    }
}

impl Writing {
    fn said(&self) -> MutexGuard<'_, Said> {
        self.inner.said()
    }
}

/// A salt: 16 random bytes, hexadecimal.
pub(super) fn new_salt() -> Result<String, StoreError> {
    let salt = u128::from_be_bytes(secrets::random()?);
    Ok(format!("{salt:032x}"))
}

/// The record with the digests that belong to it and that whoever wrote it does not know; none where there are none.
pub(super) async fn with_digests(
    change: &mut Writing,
    record: &AuditRecord,
) -> Result<Option<AuditRecord>, StoreError> {
    let Some(id) = record.intervention else {
        return Ok(None);
    };
    if !is_about_intervention(record.kind) || record.detail.contains_key(keys::INTERVENTION) {
        return Ok(None);
    }
    let sql = "SELECT salt, body, client, provider FROM interventions WHERE id = $1";
    let row = change.tx.row(sql, values![id.as_uuid()]).await?;
    let Some(row) = row else { return Ok(None) };
    let mut bound = record.clone();
    if let Some(salt) = row.text_or_none("salt")? {
        let digest = keys::digest(&salt, row.text("body")?.as_bytes());
        bound = bound.detail(keys::INTERVENTION, digest);
    }
    if record.kind == AuditKind::SessionStart
        && let Some(version) = record.detail.get("documents").and_then(Json::as_u64)
    {
        change.follow().await?;
        let owners = [
            format!("client {}", row.text("client")?),
            format!("provider {}", row.text("provider")?),
        ];
        let said = change.said();
        let digests: Map<String, Json> = owners
            .into_iter()
            .filter_map(|owner| {
                let digest = said.document_at(&owner, version)?.to_owned();
                Some((owner, digest.into()))
            })
            .collect();
        drop(said);
        if !digests.is_empty() {
            bound = bound.detail(keys::DOCUMENTS, digests);
        }
    }
    Ok(Some(bound))
}

/// The name under which a contradiction about an intervention is kept in mind.
fn subject(id: InterventionId) -> String {
    format!("intervention {}", id.as_uuid())
}

/// The same for a session of the table.
fn session_subject(id: uuid::Uuid) -> String {
    format!("session {id}")
}
