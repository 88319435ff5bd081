//! Who waits for their log-on among everybody else, where strangers can take the places: to be known, never refused.

use ipnet::IpNet;

use super::networks::{Networks, tells_apart};
use super::remarks::Remark;
use super::{Client, Documents};

/// Operators and auditors without networks, and networks that hold half the world.
pub(super) fn remarks(documents: &Documents) -> Vec<Remark> {
    let mut remarks: Vec<Remark> = documents.clients.values().flat_map(of_client).collect();
    for (provider, station) in documents.stations() {
        if station.disabled {
            continue;
        }
        remarks.extend(wide(&station.networks).map(|network| Remark {
            file: provider.file.clone(),
            line: station.line,
            key: format!("station.{}.networks", station.id),
            says: too_wide(network),
        }));
    }
    remarks
}

fn of_client(client: &Client) -> Vec<Remark> {
    let operators = client.operators.iter().map(|operator| {
        let about = ("operator", &operator.id, operator.line);
        (about, operator.disabled, &operator.networks)
    });
    let auditors = client.auditors.iter().map(|auditor| {
        let about = ("auditor", &auditor.id, auditor.line);
        (about, auditor.disabled, &auditor.networks)
    });
    let mut remarks = Vec::new();
    for ((what, person, line), disabled, networks) in operators.chain(auditors) {
        if disabled {
            continue;
        }
        let says = match networks {
            Networks::Anywhere => Some(format!(
                "{person} may log on from anywhere, and so waits for it among everybody else, where strangers can take every \
                 place; write from where they come, such as networks = [\"10.20.0.0/16\"]"
            )),
            Networks::Listed(networks) => wide(networks).map(too_wide),
        };
        remarks.extend(says.map(|says| Remark {
            file: client.file.clone(),
            line,
            key: format!("{what}.{person}.networks"),
            says,
        }));
    }
    remarks
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
