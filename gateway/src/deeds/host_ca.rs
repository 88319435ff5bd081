//! The line by which a technician's client knows the targets that it jumps to. Looking only.

use clap::Args;
use serde::{Deserialize, Serialize};

use super::{Ask, Undone, right};
use crate::actor::Actor;
use crate::gateway::Gateway;

/// Says the line.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KnownHosts {}

impl Ask for KnownHosts {
    const ACT: &'static str = "host-ca";
    const USAGE: &'static str = "host-ca";
}

/// The line for `known_hosts`, of the targets that the matrix lets them ask for; none where there is none.
pub(crate) async fn host_ca(
    house: &Gateway,
    by: &Actor,
    _: KnownHosts,
) -> Result<Option<String>, Undone> {
    let applied = house.applied();
    let technician = right(house, by, KnownHosts::ACT, by.as_technician(&applied)).await?;
    let reaches = technician.reaches();
    let targets = reaches.iter().flat_map(|reach| &reach.scope.targets);
    Ok(house.host_ca.line(&applied.documents, targets))
}
