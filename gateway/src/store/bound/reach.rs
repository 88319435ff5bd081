//! What a client's trail has to say of the providers that its matrix reaches: whom and what it reaches from here on, and
//! what the provider's document hashes to, so that the trail alone vouches for that document.

use std::collections::{BTreeMap, BTreeSet};

use ecluse_policy::{ClientId, Documents};
use ecluse_recordings::bound as keys;
use serde_json::Value as Json;

use super::said::Said;
use crate::audit::reach::{Reached, reached, told_with};
use crate::audit::{AuditKind, AuditRecord};

/// What happened, in the detail `change`: somebody or something is reached that was not.
const BEGUN: &str = "reach-begun";
/// Or the provider's document is another one in what does not concern this client.
const ELSEWHERE: &str = "changed-elsewhere";

/// The records that the clients' trails lack beside `records`, which tell of the same change. `digests` are of the documents
/// as the change leaves them, by whose they are.
pub(super) fn records(
    [before, next]: [&Documents; 2],
    digests: &BTreeMap<String, String>,
    said: &Said,
    records: &[AuditRecord],
    model: &AuditRecord,
) -> Vec<AuditRecord> {
    let before: Reached = reached(before);
    let mut lacking = Vec::new();
    for ((client, provider), objects) in reached(next) {
        let owner = format!("provider {provider}");
        let Some(digest) = digests.get(&owner) else {
            continue;
        };
        let told: Vec<&AuditRecord> = records
            .iter()
            .filter(|record| record.concerns.contains(&client))
            .collect();
        let tells_of = |object: &str| {
            let object = Json::from(told_with(object));
            told.iter()
                .any(|record| record.detail.get("object") == Some(&object))
        };
        let none = BTreeSet::new();
        let known = before.get(&(client.clone(), provider)).unwrap_or(&none);
        let begun: Vec<&str> = objects
            .difference(known)
            .filter(|object| !tells_of(object))
            .map(String::as_str)
            .collect();
        let of_document = Json::from(digest.as_str());
        let vouched = said.is_known_to(&client, &owner, digest)
            || told.iter().any(|record| {
                record.detail.get(keys::DOCUMENT_OF).and_then(Json::as_str) == Some(&owner)
                    && record.detail.get(keys::DOCUMENT) == Some(&of_document)
            });
        if begun.is_empty() && vouched {
            continue;
        }
        lacking.push(record(model, &client, &owner, digest, &begun));
    }
    lacking
}

fn record(
    model: &AuditRecord,
    client: &ClientId,
    owner: &str,
    digest: &str,
    begun: &[&str],
) -> AuditRecord {
    let (change, reason) = if begun.is_empty() {
        (
            ELSEWHERE,
            "the document of a provider that this client's matrix reaches, as it is in force; what concerns this client in it is as before",
        )
    } else {
        (
            BEGUN,
            "this client's matrix reaches this of the provider from here on",
        )
    };
    model
        .clone()
        .kind(AuditKind::Reached)
        .client(client)
        .reason(reason)
        .detail("object", owner)
        .detail("change", change)
        .detail("lines", begun)
        .detail(keys::DOCUMENT_OF, owner)
        .detail(keys::DOCUMENT, digest)
}
