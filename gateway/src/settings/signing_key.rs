//! Where the key is that signs recordings and checkpoints, as the settings write it.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where the signing key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SigningKeySource {
    /// In the store, sealed; made at the first start.
    Store,
    /// A credential that systemd hands over, by its name.
    Credential(String),
    /// An ssh-agent, by its socket: a hardware key, or another account's.
    Agent(PathBuf),
}

impl SigningKeySource {
    /// Reads `store`, `credential:NAME` or `agent:/path/to/socket`.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "store" {
            return Some(Self::Store);
        }
        if let Some(name) = text.strip_prefix("credential:") {
            let one_component = !name.is_empty()
                && !name.starts_with('.')
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
            return one_component.then(|| Self::Credential(name.to_owned()));
        }
        let path = Path::new(text.strip_prefix("agent:")?);
        path.is_absolute().then(|| Self::Agent(path.to_owned()))
    }
}

impl fmt::Display for SigningKeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store => f.write_str("store"),
            Self::Credential(name) => write!(f, "credential:{name}"),
            Self::Agent(path) => write!(f, "agent:{}", path.display()),
        }
    }
}
