//! Why a session ended, as it is kept: typed, so that whoever reads of it later reads it in their language.
//!
//! What is kept is never renamed: old stores hold it. The same in English words stands beside it, for the journal and the
//! recording.

use ecluse_policy::identity::Ended;
use ecluse_policy::{EndReason, Missing, Timestamp};
use serde::{Deserialize, Serialize};

use super::{SpentBudget, Stop};

/// How a channel ended that nothing ended, and so its session where it was the last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum ByItself {
    /// It was closed.
    #[default]
    Closed,
    /// Its connection to the target broke.
    TargetLost,
    /// Nobody did anything on it for as long as its flow lets that be.
    Idle,
}

impl From<ByItself> for Because {
    fn from(ended: ByItself) -> Self {
        match ended {
            ByItself::Closed => Self::Closed,
            ByItself::TargetLost => Self::TargetLost,
            ByItself::Idle => Self::Idle,
        }
    }
}

/// Why a session ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "kebab-case")]
pub enum Because {
    /// Its connection and channels were closed.
    Closed,
    /// The connection of its last channel to the target broke.
    TargetLost,
    /// Nobody did anything on its last channel for as long as its flow lets that be.
    Idle,
    /// The window was over.
    WindowOver {
        /// When.
        at: Timestamp,
    },
    /// The hours of the flow were over.
    HoursOver {
        /// The flow.
        flow: String,
        /// When.
        at: Timestamp,
    },
    /// The last day of a derogation had passed.
    DerogationOver {
        /// The line of the matrix.
        line: String,
        /// The flow whose line it is.
        flow: String,
        /// When.
        at: Timestamp,
    },
    /// The account was removed, disabled, or has expired.
    AccountEnded,
    /// The key or certificate was withdrawn, or is over.
    KeyEnded,
    /// The person or the station may not be used from there.
    PlaceEnded,
    /// The intervention was closed, cancelled or refused.
    InterventionEnded {
        /// Its number.
        number: u64,
        /// Who ended it, where a person did: an operator, or its own technician, who says no reason; not said of sessions from
        /// before this was kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// Why they did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The client changed what is allowed.
    MatrixChanged {
        /// On which target.
        target: String,
    },
    /// The intervention was not the one on record any more.
    NotOnRecord {
        /// Its number.
        number: u64,
    },
    /// The document of the client, or of the technician's provider, was not the one on record.
    DoorClosed,
    /// An operator keeps the person, their station, the target or everybody out.
    KeptOut {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// The client does not accept the person, or whether it does is not known any more.
    NotAccepted {
        /// Who refused them, where somebody did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// The client's posture was heightened, and what it permits had to end.
    Posture {
        /// Who heightened it.
        by: String,
        /// Why.
        reason: String,
        /// What it bars: `yes`, `line` or `window`.
        bars: String,
    },
    /// An operator cut it.
    Cut {
        /// Who.
        by: String,
        /// Why, if said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// It could not be recorded.
    Unrecorded {
        /// Why not.
        problem: String,
    },
    /// A budget was spent.
    Quota(SpentBudget),
    /// The client program broke the protocol.
    Overflow,
    /// Another session of the connection ended, and its client did not read that.
    Unread {
        /// The session that ended.
        session: u64,
    },
    /// Its end was on record already: its gateway had been taken out, and lived.
    EndedOnRecord,
    /// The gateway stopped in order.
    GatewayStops,
    /// The gateway stopped without closing it: when it ended is not known. From before it was looked up.
    Orphaned,
    /// The gateway stopped without closing it: it ended at the last moment known of it.
    Recovered {
        /// By what that is known.
        by: KnownBy,
        /// The gateway's next start: it had ended by then. Not said of sessions from before this was kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        latest: Option<Timestamp>,
    },
}

/// By what the end of a session is known that no gateway was left to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KnownBy {
    /// The last frame of its recording.
    Frame,
    /// The last write to its recording, which the gateway cannot read.
    Write,
    /// The last word about it in the log.
    Log,
}

impl KnownBy {
    /// Why the session ended, in English, for the journal.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Frame => {
                "the gateway stopped without closing it; its end is recovered: the last frame that was recorded"
            }
            Self::Write => {
                "the gateway stopped without closing it; its end is recovered: the last write to the recording, which the gateway cannot read"
            }
            Self::Log => {
                "the gateway stopped without closing it; its end is recovered: the last word about it in the log"
            }
        }
    }
}

impl From<&Stop> for Because {
    fn from(stop: &Stop) -> Self {
        match stop {
            Stop::Right(reason) => Self::from(reason),
            Stop::Cut { by, reason, .. } => Self::Cut {
                by: by.to_string(),
                reason: reason.clone(),
            },
            Stop::Unrecorded(problem) => Self::Unrecorded {
                problem: problem.clone(),
            },
            Stop::Quota(over) => Self::Quota(over.into()),
            Stop::Overflow => Self::Overflow,
            Stop::Unread { session } => Self::Unread { session: *session },
            Stop::EndedOnRecord => Self::EndedOnRecord,
            Stop::GatewayStops => Self::GatewayStops,
        }
    }
}

impl From<&EndReason> for Because {
    fn from(reason: &EndReason) -> Self {
        match reason {
            EndReason::WindowOver { closed_at } => Self::WindowOver { at: *closed_at },
            EndReason::HoursOver { line_of, closed_at } => Self::HoursOver {
                flow: line_of.to_string(),
                at: *closed_at,
            },
            EndReason::DerogationOver {
                line,
                line_of,
                over_at,
            } => Self::DerogationOver {
                line: line.clone(),
                flow: line_of.to_string(),
                at: *over_at,
            },
            EndReason::Withdrawn(ended) => match ended {
                Ended::PersonRemoved { .. }
                | Ended::PersonDisabled { .. }
                | Ended::PersonExpired { .. } => Self::AccountEnded,
                Ended::KeyWithdrawn { .. } | Ended::CertificateOver { .. } => Self::KeyEnded,
                Ended::NetworkWithdrawn { .. } | Ended::StationWithdrawn { .. } => Self::PlaceEnded,
                Ended::ProviderClosed { .. } => Self::DoorClosed,
            },
            EndReason::InterventionEnded {
                number, because, ..
            } => Self::InterventionEnded {
                number: number.0,
                by: because.as_ref().map(|end| end.by.to_string()),
                reason: because.as_ref().and_then(|end| end.reason.clone()),
            },
            EndReason::MatrixChanged { target } => Self::MatrixChanged {
                target: target.to_string(),
            },
            EndReason::NotOnRecord { number } => Self::NotOnRecord { number: number.0 },
            EndReason::DoorClosed { .. } => Self::DoorClosed,
            EndReason::KeptOut { by, reason, .. } => Self::KeptOut {
                by: by.to_string(),
                reason: reason.clone(),
            },
            EndReason::Posture(posture) => Self::Posture {
                by: posture.by.to_string(),
                reason: posture.reason.clone(),
                bars: match posture.missing {
                    Missing::Yes { .. } => "yes",
                    Missing::Line { .. } => "line",
                    Missing::Window { .. } | Missing::Length { .. } | Missing::Bytes { .. } => {
                        "window"
                    }
                }
                .to_owned(),
            },
            EndReason::NotAccepted { by, .. } => Self::NotAccepted {
                by: by.as_ref().map(ToString::to_string),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Old stores hold these words: they are read for ever.
    #[test]
    fn what_is_kept_reads_back_and_is_never_renamed() {
        let at = Timestamp::from_micros(5);
        for (because, kept) in [
            (Because::Closed, r#"{"because":"closed"}"#),
            (Because::TargetLost, r#"{"because":"target-lost"}"#),
            (Because::Idle, r#"{"because":"idle"}"#),
            (
                Because::WindowOver { at },
                r#"{"because":"window-over","at":5}"#,
            ),
            (
                Because::DerogationOver {
                    line: "command: *".into(),
                    flow: "dba".into(),
                    at,
                },
                r#"{"because":"derogation-over","line":"command: *","flow":"dba","at":5}"#,
            ),
            (
                Because::Cut {
                    by: "odile".into(),
                    reason: None,
                },
                r#"{"because":"cut","by":"odile"}"#,
            ),
            (
                Because::InterventionEnded {
                    number: 4,
                    by: None,
                    reason: None,
                },
                r#"{"because":"intervention-ended","number":4}"#,
            ),
            (
                Because::Quota(SpentBudget {
                    key: "session".into(),
                    limit: 10,
                    spent: 11,
                    passed: None,
                }),
                r#"{"because":"quota","key":"session","limit":10,"spent":11}"#,
            ),
            (
                Because::Quota(SpentBudget {
                    key: "session".into(),
                    limit: 10,
                    spent: 11,
                    passed: Some(9),
                }),
                r#"{"because":"quota","key":"session","limit":10,"spent":11,"passed":9}"#,
            ),
            (
                Because::KeptOut {
                    by: "odile".into(),
                    reason: "laptop stolen".into(),
                },
                r#"{"because":"kept-out","by":"odile","reason":"laptop stolen"}"#,
            ),
            (
                Because::Posture {
                    by: "odile".into(),
                    reason: "intrusion".into(),
                    bars: "yes".into(),
                },
                r#"{"because":"posture","by":"odile","reason":"intrusion","bars":"yes"}"#,
            ),
            (
                Because::NotAccepted { by: None },
                r#"{"because":"not-accepted"}"#,
            ),
            (Because::Orphaned, r#"{"because":"orphaned"}"#),
            (Because::EndedOnRecord, r#"{"because":"ended-on-record"}"#),
            (
                Because::Recovered {
                    by: KnownBy::Frame,
                    latest: None,
                },
                r#"{"because":"recovered","by":"frame"}"#,
            ),
            (
                Because::Recovered {
                    by: KnownBy::Log,
                    latest: Some(at),
                },
                r#"{"because":"recovered","by":"log","latest":5}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&because).unwrap(), kept);
            assert_eq!(serde_json::from_str::<Because>(kept).unwrap(), because);
        }
    }
}
