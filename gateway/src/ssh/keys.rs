//! Keys and certificates of the SSH protocol, under the names by which the house knows them.

pub(crate) use russh::keys::ssh_key::certificate::{CertType, OptionsMap};
pub(crate) use russh::keys::ssh_key::private::Ed25519Keypair;
pub(crate) use russh::keys::ssh_key::{Algorithm, Certificate, LineEnding};
pub(crate) use russh::keys::{Error, PrivateKey, PublicKey, decode_secret_key};
