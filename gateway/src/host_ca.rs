//! By what whoever jumps to a target (`ssh -J`) knows it: the gateway shows a host certificate for the target's name, signed by an
//! authority of its own, for which one line stands in a client's `known_hosts`.

use std::collections::BTreeSet;

use ecluse_policy::Documents;
use ecluse_policy::TargetId;

use crate::ssh::keys::{Error, PrivateKey};

/// The public half of the authority.
#[derive(Debug, Clone)]
pub(crate) struct HostCa(String);

impl HostCa {
    /// Of this key.
    ///
    /// # Errors
    /// It cannot be written as OpenSSH writes keys.
    pub(crate) fn of(authority: &PrivateKey) -> Result<Self, Error> {
        let line = authority.public_key().to_openssh()?;
        // The comment is the file's, not the line's.
        let key: Vec<&str> = line.split(' ').take(2).collect();
        Ok(Self(key.join(" ")))
    }

    /// The line for `known_hosts` (`sshd(8)`): this authority, for these targets and nothing else, by their ids and by the addresses
    /// of their documents. Without a target there is none.
    pub(crate) fn line<'t>(
        &self,
        documents: &Documents,
        targets: impl Iterator<Item = &'t TargetId>,
    ) -> Option<String> {
        let mut names = BTreeSet::new();
        for id in targets {
            names.insert(id.as_str().to_owned());
            if let Some((_, target)) = documents.target(id) {
                names.insert(target.address.host().to_owned());
            }
        }
        let names: Vec<String> = names.into_iter().collect();
        (!names.is_empty()).then(|| format!("@cert-authority {} {}", names.join(","), self.0))
    }
}
