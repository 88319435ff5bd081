//! Places that a line of forwards may name and never gives: the doors by SSH of targets, where a session is recorded.

use super::{Documents, Target};
use crate::capability::Capability;
use crate::capability::destination::{Door, ForwardLine, Known, NoForward};
use crate::name::TargetId;

impl Documents {
    /// Whose door by SSH `capability` names, where it is a forward from `own`: through it nothing passes, listed or not.
    #[must_use]
    pub fn never(&self, own: &Target, capability: &Capability) -> Option<TargetId> {
        let Capability::Forward(line @ ForwardLine::Forward(place)) = capability else {
            return None;
        };
        let door = |target: &Target| {
            let (host, port) = (target.address.host(), target.address.port());
            Door::of(target.id.clone(), host, port)
        };
        // Few targets are reached at the port of a forward, or called as its place.
        let others = self.clients.values().flat_map(|client| &client.targets);
        let host = place.host().to_string();
        let may_be = |it: &&Target| it.address.port() == place.port() || it.id.as_str() == host;
        let others = others.filter(|it| it.id != own.id).filter(may_be);
        let others: Vec<Door<TargetId>> = others.map(door).collect();
        let known = Known {
            gateway: &[],
            gateway_ports: &[],
            own: &door(own),
            others: &others,
        };
        match known.never(line)? {
            NoForward::Door(target) => Some(target.clone()),
            NoForward::Gateway => None,
        }
    }
}
