//! What a bundle was asked to hold, and what is therefore in it and what is not: so that what was left out on purpose is
//! not taken for lost, and what the choice itself demands cannot be left out.
//!
//! It stands in a file of its own, whose digest is in the signed list: the gateway vouches for it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::neutralise;

/// Where the name of a gateway goes in words.
const NODE: &str = "{node}";

/// The choice behind a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Choice {
    /// In words, such as `session #1`.
    pub asked_for: String,
    /// Whose evidence it is.
    pub client: String,
    /// Which recordings belong into it.
    pub rule: Rule,
    /// How many entries the journal had when it was made: what came afterwards is not in the bundle.
    pub entries: u64,
    /// The recordings that are in it.
    pub recordings: Vec<Uuid>,
    /// Sessions that its entries tell of and whose recordings are not in it.
    pub left_out: Vec<LeftOut>,
}

/// Which recordings belong into a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Those of these sessions.
    Sessions(Vec<Uuid>),
    /// Those of all sessions of these interventions.
    Interventions(Vec<Uuid>),
    /// Those of all sessions of the client that began in this time.
    Began {
        /// From when; without it, from the beginning. **Unit**: microseconds since 1970, UTC.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<i64>,
        /// Until when, excluded; the same unit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<i64>,
    },
}

/// A session whose recording is not in the bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LeftOut {
    /// The session.
    pub session: Uuid,
    /// Its number, as people type it.
    pub number: u64,
    /// Why its recording is not there.
    pub why: Why,
    /// The name of the gateway on whose disk it lies, where that is why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
}

/// Why a recording is not in a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// Nobody asked for it.
    NotChosen,
    /// Its session went on.
    StillOpen,
    /// The gateway that carried its session had stopped without ending it.
    Unended,
    /// Its session had ended, and its seal was not on record yet.
    BeingSealed,
    /// There never was one.
    NoRecording,
    /// It was destroyed, on record.
    Destroyed,
    /// It was sealed, and was not where it belongs.
    NotThere,
    /// Its place held the recording of another session.
    Moved,
    /// It lies on the disk of another gateway of the same store, which exports it.
    Elsewhere,
}

impl Rule {
    /// Whether the recording of a session belongs into the bundle. What is not known of it, does not keep it out.
    #[must_use]
    pub fn covers(&self, session: &str, intervention: Option<&str>, began_us: Option<i64>) -> bool {
        let among = |ids: &[Uuid], id: &str| Uuid::parse_str(id).is_ok_and(|id| ids.contains(&id));
        match self {
            Self::Sessions(sessions) => among(sessions, session),
            Self::Interventions(interventions) => {
                intervention.is_none_or(|intervention| among(interventions, intervention))
            }
            Self::Began { from, until } => began_us.is_none_or(|began| {
                from.is_none_or(|from| began >= from) && until.is_none_or(|until| began < until)
            }),
        }
    }
}

impl LeftOut {
    /// Why, in words, as they go on after the session.
    #[must_use]
    pub fn words(&self) -> String {
        self.in_words(self.why.words())
    }

    /// The same, in the words of some language, with the gateway in its place.
    pub(super) fn in_words(&self, words: &str) -> String {
        let node = self.node.as_deref().unwrap_or("?");
        words.replace(NODE, &neutralise(node))
    }
}

impl Why {
    /// In words, as they go on after the session; the gateway that has it stands in [`LeftOut`].
    #[must_use]
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::NotChosen => "its recording was not asked for",
            Self::StillOpen => "it was still open: export it when it has ended",
            Self::Unended => {
                "its gateway did not run and had left it without an end, which it gets at the next start: export it again then"
            }
            Self::BeingSealed => {
                "it had ended, and its recording was being sealed: export it again when it is"
            }
            Self::NoRecording => "it has no recording",
            Self::Destroyed => "its recording was removed under retention, on record",
            Self::Moved => {
                "its place holds the recording of another session, which somebody moved there: ecluse journal verify says more"
            }
            Self::NotThere => {
                "its recording was sealed and is not where it belongs: ecluse journal verify says more"
            }
            Self::Elsewhere => {
                "its recording lies on the gateway {node}, not here: export it there as well"
            }
        }
    }
}
