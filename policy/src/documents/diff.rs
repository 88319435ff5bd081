//! What changes between two versions of the documents, object by object, for people and for the audit (R5, F7).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use super::{
    Auditor, Client, Contacts, CopyRules, Documents, Extraction, Flow, Networks, NoticeRules,
    Operator, Provider, RecordingRules, RetentionRules, SearchRules, Station, Stations,
    SyslogReceiver, Target, Technician, Whys,
};
use crate::key::PublicKey;
use crate::name::AccountName;
use crate::time::Timestamp;

/// One object that is created, changed or removed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// Which: `target hopital/db01`.
    pub object: String,
    /// What happens to it.
    pub kind: ChangeKind,
    /// How: `address: a -> b`, `keys: + …`, `keys: - …`.
    pub detail: Vec<String>,
}

/// What happens to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// It is new.
    Created,
    /// It stays and differs.
    Changed,
    /// It goes.
    Removed,
}

impl ChangeKind {
    /// One word, for people and for finding a translation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Removed => "removed",
        }
    }
}

/// What changes from `old` to `new`, in the order of the objects' names. Empty when nothing does; lines and comments of
/// the files do not count.
#[must_use]
pub fn diff(old: &Documents, new: &Documents) -> Vec<Change> {
    let (old, new) = (objects(old), objects(new));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let none = Object::default();
    let mut changes = Vec::new();
    for name in names {
        let (before, after) = (old.get(name), new.get(name));
        let kind = match (before, after) {
            (None, _) => ChangeKind::Created,
            (_, None) => ChangeKind::Removed,
            (Some(before), Some(after)) if before == after => continue,
            (Some(_), Some(_)) => ChangeKind::Changed,
        };
        let detail = differences(before.unwrap_or(&none), after.unwrap_or(&none));
        changes.push(Change {
            object: name.clone(),
            kind,
            detail,
        });
    }
    changes
}

/// The parts of one object by name.
type Object = BTreeMap<&'static str, Part>;

/// One part: one text, or several.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    One(String),
    Several(BTreeSet<String>),
}

fn differences(before: &Object, after: &Object) -> Vec<String> {
    let names: BTreeSet<&&str> = before.keys().chain(after.keys()).collect();
    names
        .into_iter()
        .flat_map(|name| difference(name, before.get(name), after.get(name)))
        .collect()
}

fn difference(name: &str, before: Option<&Part>, after: Option<&Part>) -> Vec<String> {
    let several = |part: Option<&Part>| match part {
        Some(Part::Several(texts)) => texts.clone(),
        Some(Part::One(text)) => BTreeSet::from([text.clone()]),
        None => BTreeSet::new(),
    };
    match (before, after) {
        (Some(Part::One(before)), Some(Part::One(after))) if before == after => Vec::new(),
        (Some(Part::One(before)), Some(Part::One(after))) => {
            vec![format!("{name}: {before} -> {after}")]
        }
        (None, Some(Part::One(after))) => vec![format!("{name}: {after}")],
        (Some(Part::One(before)), None) => vec![format!("{name}: {before} -> nothing")],
        (before, after) => {
            let (before, after) = (several(before), several(after));
            let gone = before
                .difference(&after)
                .map(|text| format!("{name}: - {text}"));
            let come = after
                .difference(&before)
                .map(|text| format!("{name}: + {text}"));
            gone.chain(come).collect()
        }
    }
}

fn objects(documents: &Documents) -> BTreeMap<String, Object> {
    // Whose doors are closed, and what the gateway's settings say, is no word of the documents.
    let Documents {
        providers,
        clients,
        closed: _,
        node: _,
        clearances: _,
        high: _, // what flows were written as is asked of the documents
    } = documents;
    let mut objects = BTreeMap::new();
    providers
        .values()
        .for_each(|provider| add_provider(provider, &mut objects));
    clients
        .values()
        .for_each(|client| add_client(client, documents.written(client), &mut objects));
    objects
}

fn one(text: impl Display) -> Part {
    Part::One(text.to_string())
}

fn several<T: Display>(texts: impl IntoIterator<Item = T>) -> Part {
    Part::Several(texts.into_iter().map(|text| text.to_string()).collect())
}

fn keys(keys: &[PublicKey]) -> Part {
    several(keys)
}

fn maybe(name: &'static str, text: Option<impl Display>, object: &mut Object) {
    if let Some(text) = text {
        object.insert(name, one(text));
    }
}

// Each struct is destructured whole: a new field that nobody shows here does not compile.

fn add_provider(provider: &Provider, objects: &mut BTreeMap<String, Object>) {
    let Provider {
        file: _,
        id,
        name,
        lang,
        contacts,
        technicians,
        stations,
        authority,
        revoked_keys,
        revoked_serials,
    } = provider;
    let mut object = Object::from([
        ("name", one(name)),
        ("lang", one(lang)),
        ("authority", keys(authority)),
        ("revoked-keys", several(revoked_keys)),
        ("revoked-serials", several(revoked_serials)),
    ]);
    add_contacts(contacts, &mut object);
    objects.insert(format!("provider {id}"), object);
    for Technician {
        line: _,
        id: person,
        name,
        lang,
        groups,
        keys: own,
        stations,
        expires,
        disabled,
    } in technicians
    {
        let stations = match stations {
            Stations::All => several(["*"]),
            Stations::Listed(listed) => several(listed),
        };
        let mut object = person_object(name, lang, own, *expires, *disabled);
        object.insert("groups", several(groups));
        object.insert("stations", stations);
        objects.insert(format!("technician {id}/{person}"), object);
    }
    for Station {
        line: _,
        id: station,
        keys: own,
        networks,
        disabled,
    } in stations
    {
        let object = Object::from([
            ("keys", keys(own)),
            ("networks", several(networks)),
            ("disabled", one(disabled)),
        ]);
        objects.insert(format!("station {id}/{station}"), object);
    }
}

fn add_client(client: &Client, written: &[Flow], objects: &mut BTreeMap<String, Object>) {
    let Client {
        file: _,
        id,
        name,
        lang,
        contacts,
        operators,
        auditors,
        targets,
        flows: _, // `written`: a posture is no change of the documents
        recordings,
        retention,
        search,
        copies,
        notice,
        zone,
        extraction,
        posture,
        signals,
    } = client;
    let mut object = Object::from([("name", one(name)), ("lang", one(lang))]);
    add_contacts(contacts, &mut object);
    add_evidence(recordings, retention, search, copies, &mut object);
    let NoticeRules { fr, en } = notice;
    maybe("recording-notice.fr", fr.as_ref(), &mut object);
    maybe("recording-notice.en", en.as_ref(), &mut object);
    maybe("zone", zone.as_ref(), &mut object);
    add_extraction(extraction, &mut object);
    if posture.line != 0 {
        object.extend(
            posture
                .parts()
                .into_iter()
                .map(|(key, text)| (key, one(text))),
        );
    }
    let parts = super::signals::parts(signals).into_iter();
    object.extend(parts.map(|(key, text)| (key, Part::One(text))));
    objects.insert(format!("client {id}"), object);
    for (name, parts) in super::signals::tripwires(signals) {
        let parts = parts.into_iter();
        let object = parts.map(|(key, text)| (key, Part::One(text))).collect();
        objects.insert(format!("tripwire {id}/{name}"), object);
    }
    for Operator {
        line: _,
        id: person,
        name,
        lang,
        keys: own,
        networks,
        expires,
        disabled,
    } in operators
    {
        let mut object = person_object(name, lang, own, *expires, *disabled);
        add_networks(networks, &mut object);
        objects.insert(format!("operator {id}/{person}"), object);
    }
    for Auditor {
        line: _,
        id: person,
        name,
        lang,
        keys: own,
        networks,
        expires,
        disabled,
        unmask,
    } in auditors
    {
        let mut object = person_object(name, lang, own, *expires, *disabled);
        add_networks(networks, &mut object);
        object.insert("unmask", one(unmask));
        objects.insert(format!("auditor {id}/{person}"), object);
    }
    for Target {
        line: _,
        id: target,
        address,
        protocol,
        host_keys,
        accounts,
        whys,
        extraction,
    } in targets
    {
        let mut object = Object::from([
            ("address", one(address)),
            ("protocol", one(protocol)),
            ("host-keys", keys(host_keys)),
            ("accounts", several(accounts)),
        ]);
        add_whys(whys, &mut object);
        add_extraction(extraction, &mut object);
        objects.insert(format!("target {id}/{target}"), object);
    }
    for Flow {
        lines: _,
        name,
        why,
        technicians,
        targets,
        accounts,
        allow,
        hours,
        authentication,
        approval,
        extraction,
        idle,
        confirm,
    } in written
    {
        let mut object = Object::from([
            ("technicians", several(technicians)),
            ("targets", several(targets)),
            ("accounts", several(accounts)),
            ("allow", several(allow)),
            ("hours", one(hours)),
            (
                "authentication",
                several(authentication.iter().map(|factor| factor.as_str())),
            ),
            ("approval.by", one(approval.by())),
            ("approval.at-most", one(approval.written())),
        ]);
        maybe("why", why.as_ref(), &mut object);
        maybe("approval.long", approval.long(), &mut object);
        if let Some(rule) = approval.accompanied() {
            let each = rule.sessions_per_operator;
            object.insert("approval.accompanied", one(true));
            object.insert("approval.sessions-per-operator", one(each));
        }
        maybe("idle", idle.as_ref(), &mut object);
        if !confirm.is_empty() {
            object.insert("confirm", several(confirm.iter()));
        }
        add_extraction(extraction, &mut object);
        objects.insert(format!("flow {id}/{name}"), object);
    }
}

/// Nothing where none is said, so that the first ones show as a change.
fn add_whys(whys: &BTreeMap<AccountName, Whys>, object: &mut Object) {
    type Said = fn(&Whys) -> Option<&String>;
    let all: [(&'static str, Said); 2] = [
        ("why", |whys| whys.account.as_ref()),
        ("credential-why", |whys| whys.credential.as_ref()),
    ];
    for (key, said) in all {
        let said = whys.iter().filter_map(|(account, whys)| {
            let why = said(whys)?;
            Some(format!("{account}: {why}"))
        });
        let said: Vec<String> = said.collect();
        if !said.is_empty() {
            object.insert(key, several(said));
        }
    }
}

fn add_extraction(extraction: &Extraction, object: &mut Object) {
    let parts = extraction.parts().into_iter();
    object.extend(parts.map(|(key, text)| (key, Part::One(text))));
}

/// Nothing where none are named, so that the first ones that are show as a change.
fn add_networks(networks: &Networks, object: &mut Object) {
    match networks {
        Networks::Anywhere => {}
        Networks::Listed(listed) if listed.is_empty() => {
            object.insert("networks", one("nowhere"));
        }
        Networks::Listed(listed) => {
            object.insert("networks", several(listed));
        }
    }
}

fn add_contacts(contacts: &Contacts, object: &mut Object) {
    let Contacts {
        technical,
        decision,
    } = contacts;
    maybe("contacts.technical", technical.as_ref(), object);
    maybe("contacts.decision", decision.as_ref(), object);
}

fn add_evidence(
    recordings: &RecordingRules,
    retention: &RetentionRules,
    search: &SearchRules,
    copies: &CopyRules,
    object: &mut Object,
) {
    let RecordingRules {
        recipients,
        gateway,
    } = recordings;
    let RetentionRules {
        regime,
        service_ended,
        keep,
        longest,
        legal_hold,
        line: _,
    } = retention;
    let SearchRules { screen_text } = search;
    let CopyRules {
        syslog,
        checkpoints,
    } = copies;
    let itself = gateway.then(|| "gateway".to_owned());
    let readers = recipients.iter().map(ToString::to_string).chain(itself);
    object.insert("recording-recipients", several(readers));
    maybe(
        "retention.service-ended",
        service_ended.map(Timestamp::last_day),
        object,
    );
    object.insert("retention.regime", one(regime));
    object.insert("retention.keep", one(keep));
    maybe("retention.longest", *longest, object);
    maybe("retention.legal-hold", legal_hold.as_ref(), object);
    object.insert("search.screen-text", one(screen_text));
    if let Some(SyslogReceiver { address, authority }) = syslog {
        object.insert("copies.syslog", one(format_args!("tls://{address}")));
        object.insert("copies.syslog-ca", one(authority));
    }
    if !checkpoints.is_empty() {
        object.insert("copies.checkpoints", several(checkpoints));
    }
}

fn person_object(
    name: &str,
    lang: &impl Display,
    own: &[PublicKey],
    expires: Option<Timestamp>,
    disabled: bool,
) -> Object {
    let mut object = Object::from([
        ("name", one(name)),
        ("lang", one(lang)),
        ("keys", keys(own)),
        ("disabled", one(disabled)),
    ]);
    maybe("expires", expires.map(Timestamp::last_day), &mut object);
    object
}
