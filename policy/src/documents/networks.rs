//! From where people and stations connect, and which places before log-on that opens to a source (F5, P13).
//!
//! A place is no right: a source that is in nobody's network may log on as well as any other, it only waits among
//! everybody else.

use std::net::IpAddr;

use ipnet::IpNet;

use super::Documents;
use super::provider::{network, values};
use super::reader::Table;

pub(super) const ACCEPTED: &str =
    "networks such as \"192.0.2.0/24\" or \"2001:db8::/48\", or [] for nowhere";

/// The shortest prefixes of networks that tell anybody apart. What is wider holds half the world, and opens no place that
/// the rest of it does not have.
const SHORTEST_IPV4: u8 = 8;
const SHORTEST_IPV6: u8 = 16;

/// From where a person of a client may log on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Networks {
    /// From anywhere: the document names none.
    Anywhere,
    /// From these; from nowhere when empty.
    Listed(Vec<IpNet>),
}

impl Networks {
    /// Whether a source is one of them.
    #[must_use]
    pub fn allow(&self, source: IpAddr) -> bool {
        match self {
            Self::Anywhere => true,
            Self::Listed(networks) => holds(networks, source),
        }
    }

    /// The networks that are named; none where anywhere will do.
    #[must_use]
    pub fn listed(&self) -> &[IpNet] {
        match self {
            Self::Anywhere => &[],
            Self::Listed(networks) => networks,
        }
    }

    /// The value of `networks`, which may be left out.
    pub(super) fn read(table: &Table<'_>) -> Self {
        // One that is there and wrong is an error, and no document.
        match table.maybe_list("networks", ACCEPTED, network) {
            None => Self::Anywhere,
            listed => Self::Listed(values(listed)),
        }
    }
}

/// Places before log-on. Each has its own number of them and lends none to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pool {
    /// For the networks of operators and auditors.
    Operators,
    /// For the networks of stations.
    Stations,
    /// For every other source.
    Everybody,
}

impl Pool {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Operators, Self::Stations, Self::Everybody];

    /// Its name in settings and on record.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Operators => "operators",
            Self::Stations => "stations",
            Self::Everybody => "everybody",
        }
    }
}

impl Documents {
    /// Where a source waits for its log-on: in the first pool of which somebody's network holds it. What is disabled
    /// opens no place, and neither does a network as wide as half the world.
    #[must_use]
    pub fn pool_of(&self, source: IpAddr) -> Pool {
        let here = |networks: &[IpNet]| {
            let source = source.to_canonical();
            networks
                .iter()
                .any(|network| tells_apart(network) && network.contains(&source))
        };
        let mut officers = self.clients.values().flat_map(|client| {
            let operators = client
                .operators
                .iter()
                .map(|operator| (operator.disabled, &operator.networks));
            let auditors = client
                .auditors
                .iter()
                .map(|auditor| (auditor.disabled, &auditor.networks));
            operators.chain(auditors)
        });
        if officers.any(|(disabled, networks)| !disabled && here(networks.listed())) {
            return Pool::Operators;
        }
        if self
            .stations()
            .any(|(_, station)| !station.disabled && here(&station.networks))
        {
            return Pool::Stations;
        }
        Pool::Everybody
    }
}

/// Whether a source is in one of these networks.
pub(super) fn holds(networks: &[IpNet], source: IpAddr) -> bool {
    // A dual-stack socket shows an IPv4 peer as ::ffff:a.b.c.d; the document says a.b.c.d.
    let source = source.to_canonical();
    networks.iter().any(|network| network.contains(&source))
}

/// Whether a network is narrow enough to tell its people from the rest of the world.
pub(super) const fn tells_apart(network: &IpNet) -> bool {
    match network {
        IpNet::V4(network) => network.prefix_len() >= SHORTEST_IPV4,
        IpNet::V6(network) => network.prefix_len() >= SHORTEST_IPV6,
    }
}
