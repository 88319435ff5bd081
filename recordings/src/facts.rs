//! Who, from where, to what, under which intervention: written before the first byte passes.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What is known of a session when its recording opens. Names are text here: parsing and judging
/// them is `ecluse-policy`'s business, and a recording must outlive any change of those rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SessionFacts {
    /// The session; also the last directory of its path.
    pub session: Uuid,
    /// The client whose target it is; also the first directory of the path.
    pub client: String,
    /// The technician.
    pub person: String,
    /// Who employs the technician.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The machine the technician works from, where one was proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub station: Option<String>,
    /// Source address and port.
    pub source: String,
    /// How the technician came in, such as `ssh 127.0.0.1:53122` (R4).
    pub terminal: String,
    /// The target.
    pub target: String,
    /// The accounts used on it.
    pub accounts: Vec<String>,
    /// The intervention that admitted the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intervention: Option<Uuid>,
    /// **Unit**: microseconds since 1970, UTC.
    pub started: i64,
    /// The version of the documents that admitted the session.
    pub documents_version: i64,
    /// Why the technician asked, in their words.
    pub reason: String,
    /// Who said yes to what, in the order it was said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Approval>,
}

/// A yes that stands behind a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Approval {
    /// Who gave it.
    pub by: String,
    /// When. **Unit**: microseconds since 1970, UTC.
    pub at: i64,
    /// To what, in words.
    pub what: String,
}
