//! A permit: where to, as whom, by which line, and until when.

use super::EndReason;
use crate::capability::Capability;
use crate::documents::HostPort;
use crate::key::PublicKey;
use crate::name::{AccountName, ClientId, FlowName, InterventionId, InterventionNumber, TargetId};
use crate::terms::Terms;
use crate::time::Timestamp;

/// Proof that one flow may pass, and where to. Only [`crate::admission::Admission::decide`] makes one.
///
/// Invariant: when it was made, a line of the matrix and an approved intervention both allowed the flow, and
/// `closes_at` was ahead.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Permit {
    pub(crate) destination: HostPort,
    pub(crate) host_keys: Vec<PublicKey>,
    pub(crate) account: AccountName,
    pub(crate) target: TargetId,
    pub(crate) client: ClientId,
    pub(crate) intervention: InterventionId,
    pub(crate) number: InterventionNumber,
    pub(crate) capability: Capability,
    pub(crate) flow: FlowName,
    pub(crate) terms: Box<Terms>,
    pub(crate) closes_at: Timestamp,
    /// What is over at `closes_at`.
    pub(crate) end: Box<EndReason>,
}

impl Permit {
    /// Where to dial: what the client's document says, never what was typed.
    #[must_use]
    pub const fn destination(&self) -> &HostPort {
        &self.destination
    }

    /// The keys by which the target proves itself (C3). Never empty.
    #[must_use]
    pub fn host_keys(&self) -> &[PublicKey] {
        &self.host_keys
    }

    /// As whom to log in on the target.
    #[must_use]
    pub const fn account(&self) -> &AccountName {
        &self.account
    }

    /// The target.
    #[must_use]
    pub const fn target(&self) -> &TargetId {
        &self.target
    }

    /// Whose target it is.
    #[must_use]
    pub const fn client(&self) -> &ClientId {
        &self.client
    }

    /// The intervention that allows it.
    #[must_use]
    pub const fn intervention(&self) -> InterventionId {
        self.intervention
    }

    /// Its number.
    #[must_use]
    pub const fn number(&self) -> InterventionNumber {
        self.number
    }

    /// The capability that allows it.
    #[must_use]
    pub const fn capability(&self) -> &Capability {
        &self.capability
    }

    /// The line of the matrix that allows it.
    #[must_use]
    pub const fn flow(&self) -> &FlowName {
        &self.flow
    }

    /// What it brings with it: the terminal, the variables and the signals that may pass.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// When it ends at the latest. **Range**: end excluded.
    #[must_use]
    pub const fn closes_at(&self) -> Timestamp {
        self.closes_at
    }

    /// Why it ends then: the window, the hours of the line, or the last day of a derogation.
    pub fn end(&self) -> &EndReason {
        &self.end
    }
}
