//! Connectors: the only code that dials.
//!
//! A connector dials the destination written in a [`ecluse_policy::Permit`] and nothing else (invariant 5), proves the
//! target's identity (C3) and logs on with a credential that technicians never see (C2).

pub(crate) mod certificate;
pub(crate) mod ssh;
pub(crate) mod target;
