//! `clients/<id>.toml`: a client's people, its targets and its matrix.

use std::collections::BTreeSet;

use super::accounts::accounts;
use super::allow::allow;
use super::approval::approval;
use super::confirm::confirm;
use super::error::DocumentError;
use super::evidence;
use super::extraction::{Extraction, Of, zone};
use super::idle::idle;
use super::keeping;
use super::networks::Networks;
use super::provider::{ID, KEY, LANG, LAST_DAY, contacts, values, whole};
use super::reader::{At, Reader, Table};
use super::{
    Auditor, Client, Factor, Flow, FlowLines, HostPort, Operator, Protocol, Selector, Target, Whom,
};
use crate::key::PublicKey;
use crate::name::{
    AccountName, ClientId, FlowName, GroupName, Lang, NameError, PersonId, ProviderId, TargetId,
    shown,
};
use crate::schedule::Schedule;
use crate::signals::Signals;
use crate::time::Timestamp;

const ACCOUNT: &str = "accounts such as \"postgres\"";
const ADDRESS: &str = "HOST:PORT, such as \"10.1.2.3:22\" or \"[2001:db8::1]:22\"";
const SELECTORS: &str = "\"PROVIDER:GROUP\", \"PROVIDER/PERSON\" or \"PROVIDER:*\"";
const FACTORS: &str =
    "[\"station\", \"key\", \"totp\"]: this version asks every technician for all three";

/// Reads one client's document.
///
/// # Errors
/// Everything that is wrong with it, by line.
pub fn parse_client(file: &str, text: &str) -> Result<Client, Vec<DocumentError>> {
    Reader::read(file, text, |reader, root| {
        // Every part is read before any is given up, so that all errors are reported together.
        let contacts = contacts(root);
        let head = root.table("client", "a [client] table with id, name and lang");
        let lang = head
            .as_ref()
            .and_then(|head| head.parsed("lang", LANG, Lang::parse))
            .map_or(Lang::En, |at| at.value);
        let operators = root.tables("operator");
        let operators = operators.iter().map(|table| operator(table, lang));
        let operators = whole(operators.collect());
        let auditors = root
            .tables("auditor")
            .iter()
            .map(|table| auditor(table, lang))
            .collect();
        let targets: Vec<_> = root.tables("target").iter().map(target).collect();
        let flows: Vec<_> = root.tables("flow").iter().map(flow).collect();
        let signals = super::signals::Written::read(root, &targets, &flows);
        let flows = whole(flows);
        let posture = super::posture::posture(root, &operators, &flows);
        let recordings = head.as_ref().map(evidence::recordings);
        let zone = head.as_ref().and_then(zone);
        let extraction = head
            .as_ref()
            .map(|head| Extraction::read(head, Of::Client))
            .unwrap_or_default();
        let retention = keeping::retention(root);
        let search = evidence::search(root, recordings.as_ref());
        let copies = evidence::copies(root);
        let notice = super::notice::notice(root);
        root.finish();
        let head = head?;
        let id = head.parsed("id", ID, ClientId::parse);
        let name = head.text("name");
        head.finish();
        let client = Client {
            file: reader.file().to_owned(),
            id: id?.value,
            name: name?,
            lang,
            contacts,
            operators,
            auditors: whole(auditors),
            targets: whole(targets),
            flows,
            recordings: recordings?,
            retention,
            search,
            copies,
            notice,
            zone,
            extraction,
            posture,
            signals: Signals::default(),
        };
        let signals = signals.in_zone(&client.days_of());
        Some(Client { signals, ..client })
    })
}

fn operator(table: &Table<'_>, lang: Lang) -> Option<Operator> {
    let operator = person(table, lang);
    table.finish();
    operator
}

fn auditor(table: &Table<'_>, lang: Lang) -> Option<Auditor> {
    let person = person(table, lang);
    let unmask = table.flag("unmask");
    table.finish();
    let Operator {
        line,
        id,
        name,
        lang,
        keys,
        networks,
        expires,
        disabled,
    } = person?;
    Some(Auditor {
        line,
        id,
        name,
        lang,
        keys,
        networks,
        expires,
        disabled,
        unmask,
    })
}

/// What an operator and an auditor have in common.
fn person(table: &Table<'_>, lang: Lang) -> Option<Operator> {
    let id = table.parsed("id", ID, PersonId::parse);
    let name = table.text("name");
    let lang = table
        .maybe_parsed("lang", LANG, Lang::parse)
        .map_or(lang, |at| at.value);
    let keys = values(table.list("keys", KEY, PublicKey::parse));
    let networks = Networks::read(table);
    let expires = table
        .maybe_parsed("expires", LAST_DAY, Timestamp::parse_last_day)
        .map(|at| at.value);
    let disabled = table.flag("disabled");
    Some(Operator {
        line: table.line,
        id: id?.value,
        name: name?,
        lang,
        keys,
        networks,
        expires,
        disabled,
    })
}

fn target(table: &Table<'_>) -> Option<Target> {
    let id = table.parsed("id", ID, TargetId::parse);
    let address = table.parsed("address", ADDRESS, HostPort::parse);
    let protocol = table.parsed("protocol", "\"ssh\"", |text| match text {
        "ssh" => Ok(Protocol::Ssh),
        other => Err(format!("`{}` is not served by this version", shown(other))),
    });
    let host_keys = table.list("host-keys", KEY, PublicKey::parse);
    let (accounts, whys) = accounts(table).unwrap_or_default();
    let extraction = Extraction::read(table, Of::Target);
    table.finish();
    if let Some(At { value: keys, line }) = &host_keys
        && keys.is_empty()
    {
        table.error(
            *line,
            "host-keys",
            "is empty: the gateway trusts no target that cannot prove itself",
            "at least one key line, as `ssh-keyscan` shows it, compared on the target itself",
        );
    }
    Some(Target {
        line: table.line,
        id: id?.value,
        address: address?.value,
        protocol: protocol?.value,
        host_keys: values(host_keys),
        accounts,
        whys,
        extraction,
    })
}

fn flow(table: &Table<'_>) -> Option<Flow> {
    let name = table.parsed("name", ID, FlowName::parse);
    let technicians = table.list("technicians", SELECTORS, selector);
    let targets = table.list("targets", "targets' ids", TargetId::parse);
    let accounts = table.list("accounts", ACCOUNT, AccountName::parse);
    let allow = allow(table);
    let hours = table.parsed("hours", crate::schedule::ACCEPTED, Schedule::parse);
    let authentication = table.list("authentication", FACTORS, factor);
    if let Some(At {
        value: factors,
        line,
    }) = &authentication
        && factors.len() < 3
    {
        table.error(
            *line,
            "authentication",
            "asks for less than every technician proves",
            FACTORS,
        );
    }
    let approval = approval(table);
    let extraction = Extraction::read(table, Of::Flow);
    let idle = idle(table);
    let confirm = confirm(table);
    let why = table.maybe_text("why");
    table.finish();
    let (technicians, targets, accounts, allow) = (technicians?, targets?, accounts?, allow?);
    let (approval, confirm) = (approval?, confirm?);
    let lines = FlowLines {
        flow: table.line,
        technicians: technicians.value.iter().map(|at| at.line).collect(),
        targets: targets.line,
        accounts: accounts.line,
        allow: allow.value.iter().map(|at| at.line).collect(),
        approval: approval.line,
        confirm: confirm.iter().map(|at| at.line).collect(),
    };
    Some(Flow {
        lines,
        name: name?.value,
        why,
        technicians: technicians.value.into_iter().map(|at| at.value).collect(),
        targets: set(targets),
        accounts: set(accounts),
        allow: allow.value.into_iter().map(|at| at.value).collect(),
        hours: hours?.value,
        authentication: set(authentication?),
        approval: approval.value,
        extraction,
        idle,
        confirm: confirm.into_iter().map(|at| at.value).collect(),
    })
}

fn set<T: Ord>(list: At<Vec<At<T>>>) -> BTreeSet<T> {
    list.value.into_iter().map(|at| at.value).collect()
}

fn selector(text: &str) -> Result<Selector, String> {
    let name = |error: NameError| error.to_string();
    match (text.split_once(':'), text.split_once('/')) {
        (Some((provider, "*")), _) => Ok(Selector {
            provider: ProviderId::parse(provider).map_err(name)?,
            whom: Whom::Everyone,
        }),
        (Some((provider, group)), _) => Ok(Selector {
            provider: ProviderId::parse(provider).map_err(name)?,
            whom: Whom::Group(GroupName::parse(group).map_err(name)?),
        }),
        (None, Some((provider, person))) => Ok(Selector {
            provider: ProviderId::parse(provider).map_err(name)?,
            whom: Whom::Person(PersonId::parse(person).map_err(name)?),
        }),
        (None, None) => Err(format!("`{}` does not say of which provider", shown(text))),
    }
}

fn factor(text: &str) -> Result<Factor, String> {
    [Factor::Station, Factor::Key, Factor::Totp]
        .into_iter()
        .find(|factor| factor.as_str() == text)
        .ok_or_else(|| format!("`{}` is not a factor of this version", shown(text)))
}
