//! What a permit dials: one variant for each kind of target.

use crate::key::PublicKey;
use crate::name::AccountName;
use crate::verdict::Permit;

/// How the target of a permit is reached. Where it is, [`Permit::destination`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach<'p> {
    /// An SSH server.
    Ssh {
        /// The keys by which it proves itself (C3). Never empty.
        host_keys: &'p [PublicKey],
        /// As whom to log in.
        account: &'p AccountName,
    },
}

impl Permit {
    /// How to reach what it permits.
    #[must_use]
    pub fn reach(&self) -> Reach<'_> {
        Reach::Ssh {
            host_keys: self.host_keys(),
            account: self.account(),
        }
    }
}
