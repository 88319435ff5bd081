//! Signals by their names (RFC 4254 §6.10), without `SIG`.

use super::caps;

/// Told where a name is none of the protocol's: the one that OpenSSH uses for signals without a name.
const NAMELESS: &str = "SIG@openssh.com";

/// A signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signal(String);

impl Signal {
    /// The signal of this name, whatever it is.
    pub(crate) fn named(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.0
    }

    /// The signal as a client is told of it: a name of the protocol or a local one, `name@domain`. What is neither has no
    /// name.
    pub(crate) fn told(self) -> Self {
        const KNOWN: [&str; 13] = [
            "ABRT", "ALRM", "FPE", "HUP", "ILL", "INT", "KILL", "PIPE", "QUIT", "SEGV", "TERM",
            "USR1", "USR2",
        ];
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_local = self.0.len() <= caps::NAME
            && self.0.split_once('@').is_some_and(|(name, domain)| {
                [name, domain]
                    .iter()
                    .all(|part| !part.is_empty() && part.chars().all(plain))
            });
        if KNOWN.contains(&self.name()) || is_local {
            self
        } else {
            Self::named(NAMELESS)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F5: what a target calls a signal reaches a client only in the form that the protocol has for it.
    #[test]
    fn only_names_of_the_protocol_are_told() {
        let told = |text: &str| Signal::named(text).told().name().to_owned();
        for known in ["STKFLT@openssh.com", "USR2", "KILL"] {
            assert_eq!(told(known), known);
        }
        for odd in [
            "",
            "@",
            "a@",
            "\u{1b}[2J",
            "EMT",
            "a b@c",
            &format!("{}@x", "a".repeat(300)),
        ] {
            assert_eq!(told(odd), NAMELESS, "{odd:?}");
        }
    }
}
