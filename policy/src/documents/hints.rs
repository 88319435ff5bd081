//! What is right in a document and may still not be what its author wants: said by `check`, never refused.

use std::fmt;

use ipnet::IpNet;

use super::Documents;
use super::networks::{Networks, tells_apart};
use crate::name::PersonId;

/// One remark.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hint {
    /// The file.
    pub file: String,
    /// The line of the object that is meant, from 1.
    pub line: u32,
    /// The key: `operator.odile.networks`.
    pub key: String,
    /// What follows from it, and what to write instead.
    pub text: String,
}

impl fmt::Display for Hint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            key,
            text,
        } = self;
        write!(formatter, "{file}:{line}: {key}: {text}")
    }
}

impl Documents {
    /// What there is to remark, by file and line.
    #[must_use]
    pub fn hints(&self) -> Vec<Hint> {
        let mut hints = Vec::new();
        for client in self.clients.values() {
            let operators = client.operators.iter().map(|operator| {
                let about = ("operator", &operator.id, operator.line);
                (about, operator.disabled, &operator.networks)
            });
            let auditors = client.auditors.iter().map(|auditor| {
                let about = ("auditor", &auditor.id, auditor.line);
                (about, auditor.disabled, &auditor.networks)
            });
            for ((what, person, line), disabled, networks) in operators.chain(auditors) {
                if disabled {
                    continue;
                }
                let hint = |text| Hint {
                    file: client.file.clone(),
                    line,
                    key: format!("{what}.{person}.networks"),
                    text,
                };
                hints.extend(of_person(person, networks).map(hint));
            }
        }
        for (provider, station) in self.stations() {
            if station.disabled {
                continue;
            }
            hints.extend(wide(&station.networks).map(|network| Hint {
                file: provider.file.clone(),
                line: station.line,
                key: format!("station.{}.networks", station.id),
                text: too_wide(network),
            }));
        }
        hints.sort();
        hints
    }
}

fn of_person(person: &PersonId, networks: &Networks) -> Option<String> {
    match networks {
        Networks::Anywhere => Some(format!(
            "{person} may log on from anywhere, and so waits for the log-on among everybody else, where strangers can take \
             every place; write from where they come, such as networks = [\"10.20.0.0/16\"]"
        )),
        Networks::Listed(networks) => wide(networks).map(too_wide),
    }
}

fn wide(networks: &[IpNet]) -> Option<&IpNet> {
    networks.iter().find(|network| !tells_apart(network))
}

fn too_wide(network: &IpNet) -> String {
    format!(
        "{network} is so wide that whoever comes from it waits for the log-on among everybody else, where strangers can \
         take every place; name the networks themselves, /8 at the widest (/16 of IPv6)"
    )
}
