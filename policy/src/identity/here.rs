//! Where somebody logs on: from which address, at which of the gateway's doors (F4, P13).
//!
//! A key that is shown where its owner may not be is treated as a key that nobody has: whoever holds it learns nothing. Only
//! where such a key is asked for a signature, as any may be that could be certified, does the record say whose it was.

use std::net::IpAddr;

use super::refusal::LoginRefusal;
use crate::documents::{Documents, KeyOwner, Networks, PersonRef};
use crate::key::PublicKey;

/// Whom one of the gateway's doors is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Doorway {
    /// Everybody: the settings name no door of the operators' own.
    Everybody,
    /// Technicians and their stations, where operators and auditors have a door of their own.
    Technicians,
    /// Operators and auditors.
    Operators,
}

/// Why a key is shown where its owner may not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Misplaced {
    /// It is another door than theirs.
    #[error("at a door that is not theirs")]
    Door,
    /// It is none of their networks.
    #[error("from outside their networks")]
    Network,
}

impl Doorway {
    /// Whether technicians and their stations come this way.
    #[must_use]
    pub const fn is_for_technicians(self) -> bool {
        match self {
            Self::Everybody | Self::Technicians => true,
            Self::Operators => false,
        }
    }

    const fn is_for_operators(self) -> bool {
        match self {
            Self::Everybody | Self::Operators => true,
            Self::Technicians => false,
        }
    }
}

/// Whose key it is, as far as that person or station may be here.
///
/// # Errors
/// The refusal for the record. Whoever shows the key is told the same in every case.
pub(super) fn owner<'d>(
    documents: &'d Documents,
    key: &PublicKey,
    source: IpAddr,
    doorway: Doorway,
) -> Result<KeyOwner<'d>, LoginRefusal> {
    let owner = documents
        .key_owner(key)
        .ok_or_else(|| LoginRefusal::UnknownKey {
            key: key.fingerprint(),
        })?;
    let (name, theirs, networks) = match owner {
        KeyOwner::Station { station, .. } => (
            format!("the station {}", station.id),
            doorway.is_for_technicians(),
            None,
        ),
        KeyOwner::Person(person @ PersonRef::Technician { .. }) => {
            (person.id().to_string(), doorway.is_for_technicians(), None)
        }
        KeyOwner::Person(person @ (PersonRef::Operator { .. } | PersonRef::Auditor { .. })) => (
            person.id().to_string(),
            doorway.is_for_operators(),
            person.networks(),
        ),
    };
    let misplaced = |why| LoginRefusal::Misplaced {
        key: key.fingerprint(),
        owner: name.clone(),
        why,
    };
    if !theirs {
        return Err(misplaced(Misplaced::Door));
    }
    // A station's networks are judged with the technician, after the last factor.
    match networks {
        Some(networks) if !networks.allow(source) => Err(misplaced(Misplaced::Network)),
        Some(_) | None => Ok(owner),
    }
}

impl<'d> PersonRef<'d> {
    /// From where they may log on, by their own document; a technician comes from a station, which has its own networks.
    #[must_use]
    pub const fn networks(&self) -> Option<&'d Networks> {
        match self {
            Self::Technician { .. } => None,
            Self::Operator { operator, .. } => Some(&operator.networks),
            Self::Auditor { auditor, .. } => Some(&auditor.networks),
        }
    }
}
