//! What each client's matrix reaches of each provider: the people it names, the stations they may come from, and the
//! authorities whose certificates stand for their keys. Pure: documents are given.
//!
//! A client that begins to reach a provider was told nothing of it before. So that its own trail vouches for the provider's
//! document, an entry says what it reaches and what that document hashes to (`store/bound/reach.rs`).

use std::collections::{BTreeMap, BTreeSet};

use ecluse_policy::documents::{Provider, Stations, Technician};
use ecluse_policy::{ClientId, Documents, ProviderId, clients_concerned};

/// What a client reaches, by client and provider: objects as documents name them, such as `technician maintech/alice`.
pub(crate) type Reached = BTreeMap<(ClientId, ProviderId), BTreeSet<String>>;

/// What is reached under these documents.
pub(crate) fn reached(documents: &Documents) -> Reached {
    let mut reached = Reached::new();
    for provider in documents.providers().values() {
        for technician in &provider.technicians {
            let objects = objects_behind(provider, technician);
            for client in clients_concerned(documents, &technician.id) {
                let of_client = reached.entry((client, provider.id.clone())).or_default();
                of_client.extend(objects.iter().cloned());
            }
        }
    }
    reached
}

/// A technician, and what may stand for them.
fn objects_behind(provider: &Provider, technician: &Technician) -> Vec<String> {
    let id = &provider.id;
    let stations = provider
        .stations
        .iter()
        .filter(|station| match &technician.stations {
            Stations::All => true,
            Stations::Listed(listed) => listed.contains(&station.id),
        });
    let stations = stations.map(|station| format!("station {id}/{}", station.id));
    let authorities = provider.authority.iter();
    let authorities = authorities.map(|key| format!("authority {id}/{}", key.fingerprint()));
    std::iter::once(format!("technician {id}/{}", technician.id))
        .chain(stations)
        .chain(authorities)
        .collect()
}

/// The object of the documents whose change tells of this one: an authority stands in the provider's own.
pub(crate) fn told_with(object: &str) -> String {
    match object.strip_prefix("authority ") {
        Some(name) => {
            let provider = name.split('/').next().unwrap_or(name);
            format!("provider {provider}")
        }
        None => object.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faces::lobby::testing::documents_where;

    #[test]
    fn a_client_reaches_whom_its_matrix_names_and_the_stations_they_come_from() {
        let documents = documents_where(1, "4h", |text| text);
        let reached = reached(&documents);
        let hopital = ClientId::parse("hopital").unwrap();
        let maintech = ProviderId::parse("maintech").unwrap();
        let objects = &reached[&(hopital, maintech)];
        assert!(objects.contains("technician maintech/alice"), "{objects:?}");
        assert!(
            objects.contains("station maintech/atelier-1"),
            "{objects:?}"
        );
        // The town's matrix names nobody.
        assert_eq!(reached.len(), 1, "{reached:?}");
    }

    #[test]
    fn an_authority_is_told_with_its_provider() {
        assert_eq!(
            told_with("authority maintech/SHA256:a/b"),
            "provider maintech"
        );
        assert_eq!(told_with("station maintech/x"), "station maintech/x");
    }
}
