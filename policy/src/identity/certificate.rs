//! OpenSSH user certificates (PROTOCOL.certkeys). The gateway's SSH library checks the authority's signature and
//! nothing more that is relied on here; everything else is checked below.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::documents::Provider;
use crate::key::PublicKey;
use crate::name::{PersonId, shown};
use crate::time::Timestamp;

/// What a certificate says, read from it, its signature by `ca` verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The key that is certified, and was proven.
    pub key: PublicKey,
    /// The key that signed.
    pub ca: PublicKey,
    /// Its serial number; zero where the authority gives none.
    pub serial: u64,
    /// What the authority wrote to recognise it.
    pub key_id: String,
    /// For a person or a host.
    pub kind: CertificateKind,
    /// Whom it is for.
    pub principals: Vec<String>,
    /// From when. **Unit**: seconds since 1970, UTC.
    pub valid_after: u64,
    /// Until when, excluded. **Unit**: seconds since 1970, UTC.
    pub valid_before: u64,
    /// What must be enforced or refused.
    pub critical_options: Vec<(String, String)>,
    /// What may be ignored, and is: rights come from the matrix alone.
    pub extensions: Vec<(String, String)>,
}

/// For a person, a host, or something later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateKind {
    /// Type 1.
    User,
    /// Type 2.
    Host,
    /// Any other number.
    Other(u32),
}

/// Why a certificate is not accepted. For the audit: the person reads the same words for every refusal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateRefused {
    /// The person has no provider whose authority could have signed.
    #[error("no authority may sign for this person")]
    NobodySigns,
    /// Signed by a key that the person's provider does not trust.
    #[error("its authority is not one of the person's provider")]
    Authority,
    /// The key, its authority or its serial is revoked.
    #[error("it is revoked")]
    Revoked,
    /// A host certificate, or an unknown type.
    #[error("it is not a user certificate")]
    Kind,
    /// It names no principal: OpenSSH may take that as anybody, this gateway as nobody.
    #[error("it names nobody")]
    NoPrincipal,
    /// It is for somebody else.
    #[error("it is not for this person")]
    Principal,
    /// Its time has not come.
    #[error("it is not valid before {0}")]
    NotYet(Timestamp),
    /// Its time is over, or it never had any.
    #[error("it was valid until {0}")]
    Over(Timestamp),
    /// `source-address` does not name the address, or does not read.
    #[error("it may not be used from this address")]
    Source,
    /// A critical option that this gateway cannot keep.
    #[error("its critical option `{option}` cannot be kept here")]
    CriticalOption {
        /// Its name, escaped.
        option: String,
    },
    /// The key stands in the documents as somebody else's.
    #[error("its key belongs to somebody else")]
    KeyOfAnother,
}

/// Checks everything in a certificate but its signature.
pub(super) fn check(
    facts: &CertificateFacts,
    person: &PersonId,
    provider: &Provider,
    source: IpAddr,
    now: Timestamp,
) -> Result<(), CertificateRefused> {
    // Destructured, so that a new part of a certificate cannot be forgotten here.
    let CertificateFacts {
        key: _,
        ca: _,
        serial: _,
        key_id: _,
        kind,
        principals,
        valid_after,
        valid_before,
        critical_options,
        extensions: _,
    } = facts;
    trusted(facts, provider)?;
    match kind {
        CertificateKind::User => {}
        CertificateKind::Host | CertificateKind::Other(_) => return Err(CertificateRefused::Kind),
    }
    if principals.is_empty() {
        return Err(CertificateRefused::NoPrincipal);
    }
    if !principals
        .iter()
        .any(|principal| principal == person.as_str())
    {
        return Err(CertificateRefused::Principal);
    }
    let (from, until) = (
        Timestamp::from_secs(*valid_after),
        Timestamp::from_secs(*valid_before),
    );
    if now < from {
        return Err(CertificateRefused::NotYet(from));
    }
    if until <= now {
        return Err(CertificateRefused::Over(until));
    }
    critical_options
        .iter()
        .try_for_each(|(name, value)| match name.as_str() {
            "source-address" => from_listed_network(value, source)
                .then_some(())
                .ok_or(CertificateRefused::Source),
            // `force-command` would be a right of the provider over the target, `verify-required` needs flags that are not
            // shown to the gateway, and an unknown one means what nobody here knows.
            other => Err(CertificateRefused::CriticalOption {
                option: shown(other),
            }),
        })
}

/// The part that is checked again while a session lasts: authority and revocation.
pub(super) fn trusted(
    facts: &CertificateFacts,
    provider: &Provider,
) -> Result<(), CertificateRefused> {
    if !provider.authority.contains(&facts.ca) {
        return Err(CertificateRefused::Authority);
    }
    let revoked = |key: &PublicKey| provider.revoked_keys.contains(&key.fingerprint());
    if revoked(&facts.key) || revoked(&facts.ca) || provider.revoked_serials.contains(&facts.serial)
    {
        return Err(CertificateRefused::Revoked);
    }
    Ok(())
}

/// A comma-separated list of networks or addresses; one that does not read spoils all of it.
fn from_listed_network(list: &str, source: IpAddr) -> bool {
    let source = source.to_canonical();
    let network = |text: &str| {
        text.parse::<IpNet>()
            .ok()
            .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
    };
    let networks: Option<Vec<IpNet>> = list.split(',').map(network).collect();
    networks.is_some_and(|networks| networks.iter().any(|network| network.contains(&source)))
}
