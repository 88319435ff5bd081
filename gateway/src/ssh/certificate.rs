//! Certificates of a short life: the gateway as the SSH user authority of its targets (C2, N6), and as the authority by which it
//! proves itself to whoever jumps to one.
//!
//! A target that trusts the gateway's authority (`TrustedUserCAKeys`) needs no stored credential: for each connection
//! the gateway makes a key that never touches a disk and a certificate for it, valid for one account and a few minutes.
//! To a client that jumps (`ssh -J`) the gateway is the target: its own host key, with a certificate for the target's name.

use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use ecluse_policy::Timestamp;
use russh::keys::PrivateKey;
use russh::keys::ssh_key::certificate::{Builder, CertType};
use russh::keys::ssh_key::private::{Ed25519Keypair, KeypairData};
use russh::keys::ssh_key::{self, Certificate, PublicKey};
use zeroize::Zeroizing;

/// Validity before now: clocks of targets may lag.
const BACKDATED: Duration = Duration::from_secs(120);
/// Validity after now. A session outlives its certificate: it is looked at when logging on only.
const VALID: Duration = Duration::from_secs(300);
/// That of a host's: a client may look again when keys are renewed.
const HOST_VALID: Duration = Duration::from_secs(24 * 3600);

/// What the certificate says beside the key.
#[derive(Debug)]
pub(crate) struct Purpose<'a> {
    /// The account on the target: the certificate's only principal.
    pub(crate) account: &'a str,
    /// Who it is for, written to the target's log as the certificate's key id.
    pub(crate) key_id: String,
    /// Extensions: `permit-pty` where a terminal is permitted.
    pub(crate) with_terminal: bool,
    /// And `permit-port-forwarding` where it is for forwards; nothing else.
    pub(crate) with_forwards: bool,
}

/// Makes a key and a certificate for it, signed by `authority`.
///
/// # Errors
/// When the system gives no randomness or the authority's key cannot sign.
pub(crate) fn issue(
    authority: &PrivateKey,
    purpose: &Purpose<'_>,
    now: Timestamp,
) -> Result<(PrivateKey, Certificate), ssh_key::Error> {
    let mut seed = Zeroizing::new([0u8; 32]);
    fill(seed.as_mut_slice())?;
    let key = PrivateKey::new(KeypairData::Ed25519(Ed25519Keypair::from_seed(&seed)), "")?;
    let mut builder = builder(key.public_key(), now, VALID)?;
    builder
        .cert_type(CertType::User)?
        .key_id(purpose.key_id.as_str())?
        .valid_principal(purpose.account)?;
    if purpose.with_terminal {
        builder.extension("permit-pty", "")?;
    }
    if purpose.with_forwards {
        builder.extension("permit-port-forwarding", "")?;
    }
    let certificate = builder.sign(authority)?;
    Ok((key, certificate))
}

/// Makes a certificate for the host key `key` under these names, signed by `authority`.
///
/// # Errors
/// When the system gives no randomness or the authority's key cannot sign.
pub(super) fn of_host(
    authority: &PrivateKey,
    key: &PublicKey,
    names: &[&str],
    now: Timestamp,
) -> Result<Certificate, ssh_key::Error> {
    let mut builder = builder(key, now, HOST_VALID)?;
    builder.cert_type(CertType::Host)?.key_id("ecluse")?;
    for name in names {
        builder.valid_principal(*name)?;
    }
    builder.sign(authority)
}

/// A certificate for `key`, valid for so long, of a serial number of its own.
fn builder(key: &PublicKey, now: Timestamp, valid: Duration) -> Result<Builder, ssh_key::Error> {
    let (mut nonce, mut serial) = ([0u8; 32], [0u8; 8]);
    fill(&mut nonce)?;
    fill(&mut serial)?;
    let now = u64::try_from(now.as_micros() / 1_000_000).map_err(|_| ssh_key::Error::Time)?;
    let after = now.saturating_sub(BACKDATED.as_secs());
    let before = now.saturating_add(valid.as_secs());
    let mut builder = Builder::new(nonce, key, after, before)?;
    builder.serial(u64::from_be_bytes(serial))?;
    Ok(builder)
}

fn fill(bytes: &mut [u8]) -> Result<(), ssh_key::Error> {
    SystemRandom::new()
        .fill(bytes)
        .map_err(|_| ssh_key::Error::Crypto)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authority() -> PrivateKey {
        PrivateKey::new(
            KeypairData::Ed25519(Ed25519Keypair::from_seed(&[7; 32])),
            "authority",
        )
        .unwrap()
    }

    /// C2: minutes, one account, a terminal only where permitted.
    #[test]
    fn a_certificate_is_for_one_account_and_minutes() {
        let now = Timestamp::from_micros(1_800_000_000_000_000);
        let purpose = Purpose {
            account: "postgres",
            key_id: "alice #17".to_owned(),
            with_terminal: false,
            with_forwards: false,
        };
        let (key, certificate) = issue(&authority(), &purpose, now).unwrap();
        assert_eq!(certificate.public_key(), key.public_key().key_data());
        assert_eq!(certificate.valid_principals(), ["postgres"]);
        assert_eq!(certificate.valid_before() - certificate.valid_after(), 420);
        assert!(certificate.extensions().is_empty());
        assert!(certificate.verify_signature().is_ok());
        let (other, _) = issue(&authority(), &purpose, now).unwrap();
        assert_ne!(other.public_key(), key.public_key());
    }

    /// A5: whoever jumps to a target is shown a host of its name, and of no other.
    #[test]
    fn a_host_is_of_these_names_for_a_day() {
        let now = Timestamp::from_micros(1_800_000_000_000_000);
        let key = authority();
        let certificate =
            of_host(&authority(), key.public_key(), &["db01", "10.1.2.3"], now).unwrap();
        assert_eq!(certificate.cert_type(), CertType::Host);
        assert_eq!(certificate.valid_principals(), ["db01", "10.1.2.3"]);
        assert_eq!(
            certificate.valid_before() - certificate.valid_after(),
            86_520
        );
        assert!(certificate.verify_signature().is_ok());
    }
}
