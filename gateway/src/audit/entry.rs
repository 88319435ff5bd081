//! A record as an entry of the journal, and an entry as it reads again. The entry is the truth: what the store keeps
//! beside it is an index of it.

use std::collections::BTreeSet;

use ecluse_policy::{ClientId, InterventionId, SessionId, StationId, TargetId, Timestamp};
use ecluse_recordings::log::{Entry, Hash};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{AuditKind, AuditRecord, AuditVerdict, StoredAuditRecord};

/// Longest detail of an entry, in bytes; a reader refuses entries beyond a mebibyte.
const LONGEST_DETAIL: usize = 512 * 1024;
/// Names of values that are told where those are left out.
const MOST_NAMED: usize = 100;

/// Where an entry stands in the journal, and what belongs to it alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// 16 random bytes, hexadecimal: who sees the leaf alone cannot confirm a guess at the words.
    pub(crate) salt: String,
    /// From 1.
    pub(crate) seq: u64,
    /// The event it tells of.
    pub(crate) event: Uuid,
    /// Its number in its trail and the hash of the entry before it there; none where it stands in no chain.
    pub(crate) nth: Option<u64>,
    /// See `nth`.
    pub(crate) previous: Option<Hash>,
}

impl AuditRecord {
    /// The entry of this record.
    pub(crate) fn to_entry(&self, place: Place) -> Entry {
        // Without `..`: a field added to the record must be in the journal too.
        let Self {
            at,
            kind,
            person,
            station,
            source,
            terminal,
            client,
            target,
            intervention,
            session,
            verdict,
            reason,
            detail,
            concerns: _,
            event: _,
        } = self;
        let Place {
            salt,
            seq,
            event,
            nth,
            previous,
        } = place;
        Entry {
            salt,
            seq,
            at_us: at.as_micros(),
            kind: kind.name().to_owned(),
            person: person.clone(),
            station: station.as_ref().map(StationId::to_string),
            source: source.map(|source| source.to_string()),
            terminal: terminal.clone(),
            client: client.as_ref().map(ClientId::to_string),
            target: target.as_ref().map(TargetId::to_string),
            intervention: intervention.map(|id| InterventionId::as_uuid(id).to_string()),
            session: session.map(|id| SessionId::as_uuid(id).to_string()),
            verdict: verdict.map(|verdict| AuditVerdict::name(verdict).to_owned()),
            reason: reason.clone(),
            detail: bounded(detail),
            event: Some(event.to_string()),
            nth,
            previous,
        }
    }
}

impl StoredAuditRecord {
    /// What an entry says.
    ///
    /// # Errors
    /// It says something that no record does. In words.
    pub(crate) fn of_entry(entry: Entry) -> Result<Self, String> {
        // Without `..`: what an entry says must be read.
        let Entry {
            salt: _,
            seq,
            at_us,
            kind,
            person,
            station,
            source,
            terminal,
            client,
            target,
            intervention,
            session,
            verdict,
            reason,
            detail,
            event,
            nth,
            previous: _,
        } = entry;
        let record = AuditRecord {
            at: Timestamp::from_micros(at_us),
            kind: AuditKind::parse(&kind).ok_or("an unknown kind of record")?,
            person,
            station: parsed(station, StationId::parse)?,
            source: parsed(source, str::parse)?,
            terminal,
            client: parsed(client, ClientId::parse)?,
            target: parsed(target, TargetId::parse)?,
            intervention: parsed(intervention, Uuid::parse_str)?.map(InterventionId::from_uuid),
            session: parsed(session, Uuid::parse_str)?.map(SessionId::from_uuid),
            verdict: parsed(verdict, |text| {
                AuditVerdict::parse(text).ok_or("an unknown verdict")
            })?,
            reason,
            detail,
            concerns: BTreeSet::new(),
            event: None,
        };
        Ok(Self {
            seq,
            event,
            nth,
            record,
        })
    }
}

fn parsed<T, E: std::fmt::Display>(
    text: Option<String>,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, String> {
    text.map(|text| parse(&text).map_err(|error| error.to_string()))
        .transpose()
}

/// The same detail, unless it is too long to be read back: then its longest values are left out, as many as it takes, and
/// what they were is told by their names and by the digest of the whole. What is short stays: an entry must not lose the
/// digests in it, the version or the number because a text beside them is long.
fn bounded(detail: &Map<String, Value>) -> Map<String, Value> {
    let text = Value::Object(detail.clone()).to_string();
    if text.len() <= LONGEST_DETAIL {
        return detail.clone();
    }
    let digest = ecluse_recordings::evidence::manifest::sha256_hex(text.as_bytes());
    let mut by_length: Vec<(usize, &String, &Value)> = detail
        .iter()
        .map(|(key, value)| (key.len() + value.to_string().len() + 8, key, value))
        .collect();
    by_length.sort_unstable_by_key(|(length, key, _)| (*length, *key));
    let (mut short, mut left_out, mut total) = (Map::new(), Vec::new(), 0);
    for (length, key, value) in by_length {
        total += length;
        // Half of the room is for what stays, so that the names of the rest have some.
        if total <= LONGEST_DETAIL / 2 {
            short.insert(key.clone(), value.clone());
        } else if left_out.len() < MOST_NAMED {
            left_out.push(key.chars().take(200).collect::<String>());
        }
    }
    short.insert("left-out".into(), left_out.into());
    short.insert("left-out-bytes".into(), text.len().into());
    short.insert("left-out-sha256".into(), digest.into());
    short
}

#[cfg(test)]
mod tests {
    use ecluse_recordings::bound;

    use super::*;

    /// R3: whatever stands beside it, an entry keeps its digest.
    #[test]
    fn r3_what_is_too_long_is_left_out_and_the_digest_beside_it_stays() {
        let detail = |long: usize| {
            let mut detail = Map::new();
            detail.insert(bound::DOCUMENT.into(), "ab".repeat(32).into());
            detail.insert(bound::DOCUMENT_OF.into(), "client hopital".into());
            detail.insert("version".into(), 7.into());
            detail.insert("lines".into(), vec!["x".repeat(1000); long].into());
            detail.insert("text".into(), "y".repeat(1000).into());
            detail
        };
        let fits = detail(10);
        assert_eq!(bounded(&fits), fits);
        let long = detail(1000);
        let short = bounded(&long);
        for key in [bound::DOCUMENT, bound::DOCUMENT_OF, "version", "text"] {
            assert_eq!(short.get(key), long.get(key), "{key}");
        }
        assert!(!short.contains_key("lines"));
        assert_eq!(short["left-out"], Value::from(vec!["lines"]));
        let whole = Value::Object(long).to_string();
        assert_eq!(short["left-out-bytes"], whole.len());
        let digest = ecluse_recordings::evidence::manifest::sha256_hex(whole.as_bytes());
        assert_eq!(short["left-out-sha256"], digest);
        assert!(Value::Object(short).to_string().len() <= LONGEST_DETAIL);
        // So many that even their names have no room.
        let many: Map<_, _> = (0..20_000)
            .map(|n| (format!("k{n}"), "z".repeat(100).into()))
            .collect();
        assert!(Value::Object(bounded(&many)).to_string().len() <= LONGEST_DETAIL);
    }
}
