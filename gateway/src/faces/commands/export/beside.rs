//! What a bundle shows beside recordings: interventions as they were hashed, with their salts.

use std::path::Path;

use ecluse_policy::Intervention;
use ecluse_recordings::SealedRecording;

use super::choice::Choice;
use crate::live::presence::{self, Presence};
use crate::store::{Session, Store};

/// An intervention as the store has it.
pub(super) struct Body {
    pub(super) number: u64,
    pub(super) text: String,
    pub(super) salt: Option<String>,
    /// None where it does not read.
    pub(super) intervention: Option<Intervention>,
    /// Who accompanied its sessions.
    pub(super) presences: Vec<Presence>,
}

/// The interventions that were chosen, as they are at the moment of the bundle.
pub(super) async fn bodies(store: &Store, choice: &Choice) -> anyhow::Result<Vec<Body>> {
    let mut bodies = Vec::new();
    for id in &choice.interventions {
        if let Some((number, text, salt)) = store.intervention_text(*id).await? {
            let intervention: Option<Intervention> = serde_json::from_str(&text).ok();
            let presences = match &intervention {
                Some(it) => {
                    presence::of(store, *id, None, it.request().requested_at)
                        .await?
                        .all
                }
                None => Vec::new(),
            };
            bodies.push(Body {
                intervention,
                number,
                text,
                salt,
                presences,
            });
        }
    }
    Ok(bodies)
}

/// Whether the directory of a session holds the recording of another one.
pub(super) fn is_of_another(dir: &Path, session: &Session) -> bool {
    SealedRecording::open(dir).is_ok_and(|found| {
        let manifest = found.manifest();
        manifest.session() != session.start.id.as_uuid()
            || manifest.facts.client != session.start.client.as_str()
    })
}
