//! `providers/<id>.toml`: the people and stations a provider vouches for.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::error::DocumentError;
use super::networks;
use super::reader::{At, Reader, Table};
use super::{Contacts, Provider, Station, Stations, Technician};
use crate::key::{Fingerprint, KeyError, PublicKey};
use crate::name::{GroupName, Lang, PersonId, ProviderId, StationId, shown};
use crate::time::Timestamp;

pub(super) const KEY: &str = "an OpenSSH public key line, such as \"ssh-ed25519 AAAA…\"";
pub(super) const ID: &str = "1 to 64 of a-z 0-9 . _ - beginning with a letter or digit";
pub(super) const LANG: &str = "\"fr\" or \"en\"";
pub(super) const LAST_DAY: &str = "the last valid day, such as \"2027-12-31\"";
const REVOKED: &str = "public key lines or fingerprints such as \"SHA256:…\"";
const STATIONS: &str = "[\"*\"] for every station of the provider, or stations' ids";

/// Reads one provider's document.
///
/// # Errors
/// Everything that is wrong with it, by line.
pub fn parse_provider(file: &str, text: &str) -> Result<Provider, Vec<DocumentError>> {
    Reader::read(file, text, |reader, root| {
        // Every part is read before any is given up, so that all errors are reported together.
        let contacts = contacts(root);
        let head = root.table("provider", "a [provider] table with id, name and lang");
        let lang = head
            .as_ref()
            .and_then(|head| head.parsed("lang", LANG, Lang::parse))
            .map_or(Lang::En, |at| at.value);
        let technicians = root
            .tables("technician")
            .iter()
            .map(|table| technician(table, lang))
            .collect();
        let stations = root.tables("station").iter().map(station).collect();
        root.finish();
        let head = head?;
        let id = head.parsed("id", ID, ProviderId::parse);
        let name = head.text("name");
        let authority = values(head.maybe_list("authority", KEY, PublicKey::parse));
        let revoked_keys = values(head.maybe_list("revoked-keys", REVOKED, fingerprint))
            .into_iter()
            .collect();
        let revoked_serials = head.numbers(
            "revoked-serials",
            "serial numbers of certificates, such as [17, 18]",
        );
        head.finish();
        Some(Provider {
            file: reader.file().to_owned(),
            id: id?.value,
            name: name?,
            lang,
            contacts,
            technicians: whole(technicians),
            stations: whole(stations),
            authority,
            revoked_keys,
            revoked_serials,
        })
    })
}

fn technician(table: &Table<'_>, lang: Lang) -> Option<Technician> {
    let id = table.parsed("id", ID, PersonId::parse);
    let name = table.text("name");
    let lang = table
        .maybe_parsed("lang", LANG, Lang::parse)
        .map_or(lang, |at| at.value);
    let groups = values(table.maybe_list("groups", ID, GroupName::parse))
        .into_iter()
        .collect();
    let keys = values(table.maybe_list("keys", KEY, PublicKey::parse));
    let stations = stations(table);
    let expires = table
        .maybe_parsed("expires", LAST_DAY, Timestamp::parse_last_day)
        .map(|at| at.value);
    let disabled = table.flag("disabled");
    table.finish();
    Some(Technician {
        line: table.line,
        id: id?.value,
        name: name?,
        lang,
        groups,
        keys,
        stations,
        expires,
        disabled,
    })
}

/// Required in the text: a person without the key would work from nowhere, and nobody would see why.
fn stations(table: &Table<'_>) -> Stations {
    let Some(list) = table.list("stations", STATIONS, |text| match text {
        "*" => Ok(None),
        id => StationId::parse(id).map(Some),
    }) else {
        return Stations::Listed(BTreeSet::new());
    };
    let everywhere = list.value.iter().any(|at| at.value.is_none());
    if everywhere && list.value.len() > 1 {
        table.error(
            list.line,
            "stations",
            "`*` stands beside other stations",
            STATIONS,
        );
        return Stations::Listed(BTreeSet::new());
    }
    if everywhere {
        return Stations::All;
    }
    Stations::Listed(list.value.into_iter().filter_map(|at| at.value).collect())
}

fn station(table: &Table<'_>) -> Option<Station> {
    let id = table.parsed("id", ID, StationId::parse);
    let keys = values(table.list("keys", KEY, PublicKey::parse));
    let networks = values(table.list("networks", networks::ACCEPTED, network));
    let disabled = table.flag("disabled");
    table.finish();
    Some(Station {
        line: table.line,
        id: id?.value,
        keys,
        networks,
        disabled,
    })
}

/// A network whose address is its first: `10.1.2.3/8` could mean the machine or the network.
pub(super) fn network(text: &str) -> Result<IpNet, String> {
    let refused = || format!("`{}` is not a network", shown(text));
    let network: IpNet = text.parse().map_err(|_| refused())?;
    if network.addr() == network.network() {
        Ok(network)
    } else {
        Err(format!(
            "`{network}` names a machine inside a network; write {} or {}/{}",
            network.trunc(),
            network.addr(),
            network.max_prefix_len()
        ))
    }
}

fn fingerprint(text: &str) -> Result<Fingerprint, KeyError> {
    if text.starts_with("SHA256:") {
        Fingerprint::parse(text)
    } else {
        PublicKey::parse(text).map(|key| key.fingerprint())
    }
}

/// `[contacts]`, on both sides (I9).
pub(super) fn contacts(root: &Table<'_>) -> Contacts {
    let Some(table) =
        root.maybe_table("contacts", "a [contacts] table with technical and decision")
    else {
        return Contacts::default();
    };
    let contacts = Contacts {
        technical: table.maybe_text("technical"),
        decision: table.maybe_text("decision"),
    };
    table.finish();
    contacts
}

/// The values of a list without their lines; none where it was absent or wrong.
pub(super) fn values<T>(list: Option<At<Vec<At<T>>>>) -> Vec<T> {
    list.map(|list| list.value.into_iter().map(|at| at.value).collect())
        .unwrap_or_default()
}

/// Those that could be read. Where one could not, its errors keep the whole document from being used.
pub(super) fn whole<T>(parts: Vec<Option<T>>) -> Vec<T> {
    parts.into_iter().flatten().collect()
}
