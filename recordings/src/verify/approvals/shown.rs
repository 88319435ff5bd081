//! What is shown beside the entries, texts of interventions and documents, and what must be.

use super::super::Verdict;
use super::{Approvals, Problem};
use crate::bound;

impl Approvals {
    /// Compares the text of an intervention, as the store or a bundle has it, with the last entry about it.
    #[must_use]
    pub fn intervention(&self, place: &str, salt: Option<&str>, text: &[u8]) -> Option<Problem> {
        let problem = |verdict, text: String| {
            Some(Problem {
                verdict,
                place: place.to_owned(),
                text,
            })
        };
        let body: Option<serde_json::Value> = serde_json::from_slice(text).ok();
        let id = body
            .as_ref()
            .and_then(|body| body.pointer("/request/id")?.as_str());
        let Some(story) = id.and_then(|id| self.interventions.get(id)) else {
            return match self.from {
                Some(_) => problem(
                    Some(Verdict::NotInLog),
                    "no entry tells of this intervention".to_owned(),
                ),
                None => problem(None, before_digests()),
            };
        };
        let steps = story.steps.iter().filter(|step| step.kind != "permit");
        let mut last = steps.filter_map(|step| Some((step.seq, step.digest.as_ref()?)));
        match (last.next_back(), salt) {
            (None, _) => problem(None, before_digests()),
            (Some((seq, _)), None) => problem(
                Some(Verdict::Missing),
                format!(
                    "its salt is not there: whether it is the one of entry {seq}, nobody can tell"
                ),
            ),
            (Some((_, wanted)), Some(salt)) if *wanted == bound::digest(salt, text) => None,
            (Some((seq, _)), Some(_)) => problem(
                Some(Verdict::Altered),
                format!("it is not the intervention on record with entry {seq}"),
            ),
        }
    }

    /// Compares the text of a document that was in force with a version with what the entries say.
    #[must_use]
    pub fn document(
        &self,
        place: &str,
        version: u64,
        salt: Option<&str>,
        text: &[u8],
    ) -> Option<Problem> {
        let problem = |verdict, text: &str| {
            Some(Problem {
                verdict,
                place: place.to_owned(),
                text: text.to_owned(),
            })
        };
        let from_before = self.from.is_none() || version < self.from_version;
        let Some(salt) = salt else {
            let verdict = (!from_before).then_some(Verdict::Missing);
            let text = if from_before {
                before_digests()
            } else {
                "its salt is not there: whether it was in force, nobody can tell".to_owned()
            };
            return problem(verdict, &text);
        };
        let digest = bound::digest(salt, text);
        let said = self.documents.values().any(|all| {
            let last = all.iter().rfind(|one| one.version <= version);
            last.is_some_and(|last| last.digest.as_ref() == Some(&digest))
        });
        let mut began = self
            .sessions
            .values()
            .filter(|said| said.version == Some(version));
        let began = began.any(|said| said.documents.values().any(|one| *one == digest));
        if said || began {
            return None;
        }
        if from_before {
            return problem(None, &before_digests());
        }
        if place.contains("/providers/") && !self.tells_of_provider(version, text) {
            return problem(
                None,
                "no entry here tells of this provider's document: it was put in force before it concerned this client",
            );
        }
        problem(
            Some(Verdict::Altered),
            "no entry put this text in force with that version",
        )
    }

    /// Whether any entry here says what the document of this provider was: one that put it in force, or the beginning of a
    /// session under that version.
    fn tells_of_provider(&self, version: u64, text: &[u8]) -> bool {
        let text = String::from_utf8_lossy(text);
        let rested = self
            .sessions
            .values()
            .filter(|said| said.version == Some(version))
            .flat_map(|said| said.documents.keys());
        self.documents.keys().chain(rested).any(|owner| {
            let id = owner.strip_prefix("provider ");
            id.is_some_and(|id| text.contains(&format!("id = \"{id}\"")))
        })
    }

    /// Interventions and documents that sessions rest on, by what they must be shown as: the number of an intervention,
    /// and version and digest of a document. With whose they are, and whether they were removed under retention.
    #[must_use]
    pub fn rested_on(&self, of: impl Fn(&str) -> bool) -> Vec<RestsOn> {
        let mut all = Vec::new();
        let asked = self.sessions.iter().filter(|(session, _)| of(session));
        for said in asked
            .map(|(_, said)| said)
            .filter(|said| said.digest.is_some())
        {
            let removed = self.may_be_removed(said.client.as_deref(), said.seq);
            let story = said.intervention.as_ref();
            let story = story.and_then(|id| self.interventions.get(id));
            if let Some(number) = story.and_then(|story| story.number) {
                all.push(RestsOn {
                    what: Rest::Intervention(number),
                    removed,
                });
            }
            let Some(version) = said.version else {
                continue;
            };
            for (owner, digest) in &said.documents {
                all.push(RestsOn {
                    what: Rest::Document {
                        owner: owner.clone(),
                        version,
                        digest: digest.clone(),
                    },
                    removed,
                });
            }
        }
        all
    }

    /// Whether an intervention that is not there was removed under retention, as far as the entries say.
    #[must_use]
    pub fn was_removed(&self, id: &str) -> bool {
        let Some(story) = self.interventions.get(id) else {
            return false;
        };
        // Older programs left the last words of some whose first they took.
        let first = story.steps.iter().find(|step| step.kind == "request");
        self.may_be_removed(story.client.as_deref(), first.map_or(0, |step| step.seq))
    }
}

/// What a session rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestsOn {
    /// What.
    pub what: Rest,
    /// Whether the client's entries tell of a removal under retention.
    pub removed: bool,
}

/// An intervention or a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rest {
    /// By its number.
    Intervention(u64),
    /// By its digest.
    Document {
        /// Whose.
        owner: String,
        /// With which version it was in force.
        version: u64,
        /// What it must hash to.
        digest: String,
    },
}

fn before_digests() -> String {
    "it is from before the journal had digests of interventions and documents".to_owned()
}
