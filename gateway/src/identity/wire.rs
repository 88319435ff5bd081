//! Keys and certificates of the SSH library as policy knows them.

use crate::ssh::keys::{CertType, Certificate, OptionsMap, PublicKey as WireKey};
use ecluse_policy::{CertificateFacts, CertificateKind, PublicKey};

/// A key as policy knows it; none where policy knows no such kind.
pub(super) fn public_key(key: &WireKey) -> Option<PublicKey> {
    PublicKey::from_blob(&key.to_bytes().ok()?).ok()
}

/// What a certificate says, as policy looks at it.
pub(super) fn certificate_facts(certificate: &Certificate) -> Option<CertificateFacts> {
    let key = WireKey::from(certificate.public_key().clone());
    let authority = WireKey::from(certificate.signature_key().clone());
    Some(CertificateFacts {
        key: public_key(&key)?,
        ca: public_key(&authority)?,
        serial: certificate.serial(),
        key_id: certificate.key_id().to_owned(),
        kind: match certificate.cert_type() {
            CertType::User => CertificateKind::User,
            CertType::Host => CertificateKind::Host,
        },
        principals: certificate.valid_principals().to_vec(),
        valid_after: certificate.valid_after(),
        valid_before: certificate.valid_before(),
        critical_options: pairs(certificate.critical_options()),
        extensions: pairs(certificate.extensions()),
    })
}

fn pairs(options: &OptionsMap) -> Vec<(String, String)> {
    options
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
