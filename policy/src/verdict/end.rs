//! Why something that was permitted ended.

use crate::identity::Ended;
use crate::name::{ClientId, InterventionNumber, TargetId};
use crate::time::Timestamp;

/// Why something that was permitted ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[must_use]
pub enum EndReason {
    /// The window of the grant or the hours of the flow are over.
    #[error("the window closed at {closed_at}")]
    WindowOver {
        /// When.
        closed_at: Timestamp,
    },
    /// The person, their key or their station is withdrawn (A8).
    #[error("{0}")]
    Withdrawn(#[from] Ended),
    /// The intervention was closed, cancelled or refused, or is not there.
    #[error("intervention {number} is {state}")]
    InterventionEnded {
        /// The intervention.
        number: InterventionNumber,
        /// Its state.
        state: &'static str,
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
    /// The client's document is not the one that was put in force.
    #[error("the door of {client} is closed: its document is not the one on record")]
    DoorClosed {
        /// The client.
        client: ClientId,
    },
}

impl EndReason {
    /// Whether it ended the person's or the station's presence, and with it everything on their connection; any other
    /// reason ends what one intervention permitted, and nothing beside it (A1).
    #[must_use]
    pub const fn ends_presence(&self) -> bool {
        match self {
            Self::Withdrawn(_) => true,
            Self::WindowOver { .. }
            | Self::InterventionEnded { .. }
            | Self::MatrixChanged { .. }
            | Self::NotOnRecord { .. }
            | Self::DoorClosed { .. } => false,
        }
    }
}
