//! How the gateway logs on to a target's account. Never shown to anybody (C2).

use ecluse_policy::Permit;
use zeroize::Zeroizing;

use crate::clock;
use crate::passage::reach::ConnectError;
use crate::passage::visit::Visit;
use crate::ssh::keys::PrivateKey;
use crate::store;

/// A key, a password, or a certificate of minutes.
#[derive(Debug)]
pub(super) enum Credential {
    /// A private key in OpenSSH form.
    Key(Box<PrivateKey>),
    /// A password.
    Password(Zeroizing<String>),
    /// A certificate made for this connection by the gateway's authority.
    Certificate {
        /// The authority's key.
        authority: Box<PrivateKey>,
        /// Who it is for, written to the target's log.
        key_id: String,
    },
}

impl Credential {
    /// How to log on to the account of `permit`.
    ///
    /// # Errors
    /// None is set, or it cannot be read.
    pub(super) async fn of(visit: &Visit, permit: &Permit) -> Result<Self, ConnectError> {
        let failed = |error: store::StoreError| ConnectError::BadCredential(error.to_string());
        let store = &visit.gateway().store;
        let stored = store
            .credential(permit.target(), permit.account(), clock::now())
            .await
            .map_err(failed)?;
        Ok(match stored.ok_or(ConnectError::NoCredential)? {
            store::Credential::PrivateKey(key) => Self::Key(key),
            store::Credential::Password(password) => Self::Password(password),
            store::Credential::Certificate => Self::Certificate {
                authority: Box::new(store.user_authority(clock::now()).await.map_err(failed)?),
                key_id: format!("ecluse {} {}", visit.visitor().person(), permit.number()),
            },
        })
    }
}
