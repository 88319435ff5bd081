//! Why something that was permitted ended.

use crate::identity::Ended;
use crate::name::{ClientId, FlowName, InterventionNumber, PersonId, TargetId};
use crate::posture::{HighPosture, Missing};
use crate::time::Timestamp;

/// A person's end of an intervention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawal {
    /// Who.
    pub by: PersonId,
    /// Why, in an operator's words; its own technician, who had finished, says none.
    pub reason: Option<String>,
}

/// Why something that was permitted ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[must_use]
pub enum EndReason {
    /// The window of the grant is over.
    #[error("the window closed at {closed_at}")]
    WindowOver {
        /// When.
        closed_at: Timestamp,
    },
    /// The hours of the line that permitted it are over for now.
    #[error("the hours of the flow {line_of} ended at {closed_at}")]
    HoursOver {
        /// The flow.
        line_of: FlowName,
        /// When.
        closed_at: Timestamp,
    },
    /// The line that permitted it was a derogation, and its last day has passed (P15).
    #[error("`{line}` (flow {line_of}) was allowed until {over_at} only")]
    DerogationOver {
        /// The line.
        line: String,
        /// The flow whose line it is.
        line_of: FlowName,
        /// When it ended.
        over_at: Timestamp,
    },
    /// The person, their key or their station is withdrawn (A8).
    #[error("{0}")]
    Withdrawn(#[from] Ended),
    /// The intervention was closed, cancelled or refused, or is not there.
    #[error("intervention {number} {}", how_it_ended(.state, .because.as_ref()))]
    InterventionEnded {
        /// The intervention.
        number: InterventionNumber,
        /// Its state.
        state: &'static str,
        /// Who ended it and why, where a person did.
        because: Option<Withdrawal>,
    },
    /// The client's matrix does not allow all of it any more, or the target has another address or key.
    #[error("the client changed what is allowed on {target}")]
    MatrixChanged {
        /// The target.
        target: TargetId,
    },
    /// The log says something else of the intervention than the store.
    #[error("intervention {number} is not the one on record")]
    NotOnRecord {
        /// The intervention.
        number: InterventionNumber,
    },
    /// An operator of the client keeps the person, their station, the target or everybody out.
    #[error("kept out by {by}, for {client}: {reason}")]
    KeptOut {
        /// The client.
        client: ClientId,
        /// Who said so.
        by: PersonId,
        /// Why.
        reason: String,
        /// Whom to call there; empty where no document says it.
        contacts: String,
    },
    /// The client does not accept the person, or whether it does is not known any more.
    #[error("the technician is not accepted by {client}{}", said_by(.by.as_ref()))]
    NotAccepted {
        /// The client.
        client: ClientId,
        /// Whom to call there; empty where no document says it.
        contacts: String,
        /// Who said so, where somebody did.
        by: Option<PersonId>,
    },
    /// The client is in heightened posture, and that alone ended it.
    #[error("{0}")]
    Posture(Box<HighPosture>),
    /// The client's document is not the one that was put in force.
    #[error("the door of {client} is closed: its document is not the one on record")]
    DoorClosed {
        /// The client.
        client: ClientId,
    },
}

/// `was ended by odile: the window is needed elsewhere`; `is closed` where nobody did.
fn how_it_ended(state: &str, because: Option<&Withdrawal>) -> String {
    match because {
        Some(Withdrawal {
            by,
            reason: Some(reason),
        }) => format!("was ended by {by}: {reason}"),
        Some(Withdrawal { by, reason: None }) => format!("was ended by {by}"),
        None => format!("is {state}"),
    }
}

/// Who said so, behind what was said.
fn said_by(by: Option<&PersonId>) -> String {
    by.map(|by| format!("; {by} refused them"))
        .unwrap_or_default()
}

impl EndReason {
    /// Whether it ended the person's or the station's presence, and with it everything on their connection; any other
    /// reason ends what one intervention permitted, and nothing beside it (A1).
    #[must_use]
    pub const fn ends_presence(&self) -> bool {
        match self {
            Self::Withdrawn(_) => true,
            Self::WindowOver { .. }
            | Self::HoursOver { .. }
            | Self::DerogationOver { .. }
            | Self::InterventionEnded { .. }
            | Self::MatrixChanged { .. }
            | Self::NotOnRecord { .. }
            | Self::KeptOut { .. }
            | Self::NotAccepted { .. }
            | Self::Posture(_)
            | Self::DoorClosed { .. } => false,
        }
    }

    /// Whether time alone ended it, as was known when it was permitted: nobody took anything away.
    #[must_use]
    pub fn is_of_time(&self) -> bool {
        match self {
            Self::WindowOver { .. } | Self::HoursOver { .. } | Self::DerogationOver { .. } => true,
            Self::Posture(posture) => matches!(posture.missing, Missing::Window { .. }),
            Self::Withdrawn(_)
            | Self::InterventionEnded { .. }
            | Self::MatrixChanged { .. }
            | Self::NotOnRecord { .. }
            | Self::KeptOut { .. }
            | Self::NotAccepted { .. }
            | Self::DoorClosed { .. } => false,
        }
    }
}
