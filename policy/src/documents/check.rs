//! What holds between documents: ids and keys belong to one, and what is named exists.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::error::DocumentError;
use super::{
    Client, Closed, Documents, Flow, NodeRules, Provider, Selector, Stations, Whom, parse_client,
    parse_provider,
};
use crate::clearance::Clearances;
use crate::key::{Fingerprint, PublicKey};

impl Documents {
    /// Checks documents against each other and puts them together.
    ///
    /// # Errors
    /// Everything that is wrong, by file and line.
    pub fn assemble(
        providers: Vec<Provider>,
        clients: Vec<Client>,
    ) -> Result<Self, Vec<DocumentError>> {
        Self::assemble_around(Closed::default(), providers, clients)
    }

    /// The same, where some documents are not the ones that were put in force: their doors are closed whether a text of
    /// them is here or not, and what others say of a closed provider's people is left alone.
    ///
    /// # Errors
    /// Everything that is wrong, by file and line.
    pub fn assemble_around(
        closed: Closed,
        providers: Vec<Provider>,
        clients: Vec<Client>,
    ) -> Result<Self, Vec<DocumentError>> {
        let mut errors = Vec::new();
        each_id_once(&providers, &clients, &mut errors);
        each_key_once(&providers, &clients, &mut errors);
        providers
            .iter()
            .for_each(|provider| stations_exist(provider, &mut errors));
        for client in &clients {
            client.flows.iter().for_each(|flow| {
                flow_names_what_exists(client, flow, &providers, &closed, &mut errors)
            });
        }
        if !errors.is_empty() {
            errors.sort();
            return Err(errors);
        }
        Ok(Self {
            providers: providers
                .into_iter()
                .map(|provider| (provider.id.clone(), provider))
                .collect(),
            clients: clients
                .into_iter()
                .map(|client| (client.id.clone(), client))
                .collect(),
            closed,
            node: NodeRules::default(),
            clearances: Clearances::default(),
            high: BTreeMap::new(),
        })
    }

    /// Reads and checks a whole directory, given as (path, text): `providers/*.toml` and `clients/*.toml`.
    ///
    /// # Errors
    /// Everything that is wrong, by file and line. Documents are checked against each other once each reads by itself.
    pub fn parse<'t>(
        texts: impl IntoIterator<Item = (&'t str, &'t str)>,
    ) -> Result<Self, Vec<DocumentError>> {
        let (mut providers, mut clients, mut errors) = (Vec::new(), Vec::new(), Vec::new());
        for (file, text) in texts {
            match kind(file) {
                Some(Kind::Provider) => parse_provider(file, text)
                    .map_or_else(|wrong| errors.extend(wrong), |it| providers.push(it)),
                Some(Kind::Client) => parse_client(file, text)
                    .map_or_else(|wrong| errors.extend(wrong), |it| clients.push(it)),
                None => errors.push(DocumentError {
                    file: file.to_owned(),
                    line: None,
                    key: String::new(),
                    problem: "is neither a provider's nor a client's document".to_owned(),
                    accepted: "providers/ID.toml and clients/ID.toml".to_owned(),
                }),
            }
        }
        if errors.is_empty() {
            Self::assemble(providers, clients)
        } else {
            Err(errors)
        }
    }
}

enum Kind {
    Provider,
    Client,
}

/// By the name of the directory that holds the file.
fn kind(file: &str) -> Option<Kind> {
    let mut parts = file.rsplit('/');
    parts.next().filter(|name| name.ends_with(".toml"))?;
    match parts.next() {
        Some("providers") => Some(Kind::Provider),
        Some("clients") => Some(Kind::Client),
        Some(_) | None => None,
    }
}

/// Who holds a name or key already: the words for an error about the second.
type Held<K> = BTreeMap<K, String>;

fn once<K: Ord + Display>(
    held: &mut Held<K>,
    what: K,
    place: (&str, u32),
    key: String,
    holder: String,
    errors: &mut Vec<DocumentError>,
) {
    let (file, line) = place;
    let mine = format!("{holder} ({file}:{line})");
    if let Some(first) = held.get(&what) {
        errors.push(DocumentError {
            file: file.to_owned(),
            line: Some(line),
            key,
            problem: format!("{what} belongs to {first} already"),
            accepted: "one that nothing else has".to_owned(),
        });
    } else {
        held.insert(what, mine);
    }
}

/// People, stations and targets are named by their id alone, in user names and in evidence (A1).
fn each_id_once(providers: &[Provider], clients: &[Client], errors: &mut Vec<DocumentError>) {
    let (mut organisations, mut client_ids) = (Held::new(), Held::new());
    let (mut people, mut stations, mut targets) = (Held::new(), Held::new(), Held::new());
    for provider in providers {
        let file = provider.file.as_str();
        once(
            &mut organisations,
            &provider.id,
            (file, 1),
            "provider.id".into(),
            "a provider".into(),
            errors,
        );
        for technician in &provider.technicians {
            let holder = format!("a technician of {}", provider.id);
            once(
                &mut people,
                &technician.id,
                (file, technician.line),
                "technician.id".into(),
                holder,
                errors,
            );
        }
        for station in &provider.stations {
            let holder = format!("a station of {}", provider.id);
            once(
                &mut stations,
                &station.id,
                (file, station.line),
                "station.id".into(),
                holder,
                errors,
            );
        }
    }
    for client in clients {
        let file = client.file.as_str();
        once(
            &mut client_ids,
            &client.id,
            (file, 1),
            "client.id".into(),
            "a client".into(),
            errors,
        );
        for operator in &client.operators {
            let holder = format!("an operator of {}", client.id);
            once(
                &mut people,
                &operator.id,
                (file, operator.line),
                "operator.id".into(),
                holder,
                errors,
            );
        }
        for auditor in &client.auditors {
            let holder = format!("an auditor of {}", client.id);
            once(
                &mut people,
                &auditor.id,
                (file, auditor.line),
                "auditor.id".into(),
                holder,
                errors,
            );
        }
        for target in &client.targets {
            let holder = format!("a target of {}", client.id);
            once(
                &mut targets,
                &target.id,
                (file, target.line),
                "target.id".into(),
                holder,
                errors,
            );
        }
        let mut flows = Held::new();
        for flow in &client.flows {
            once(
                &mut flows,
                &flow.name,
                (file, flow.lines.flow),
                "flow.name".into(),
                "a flow".into(),
                errors,
            );
        }
    }
}

/// A key that two people share names nobody (A1); an authority's key that is also a person's would sign for others.
fn each_key_once(providers: &[Provider], clients: &[Client], errors: &mut Vec<DocumentError>) {
    let mut held: Held<Fingerprint> = Held::new();
    let mut check = |keys: &[PublicKey], place: (&str, u32), key: &str, holder: String| {
        for public in keys {
            once(
                &mut held,
                public.fingerprint(),
                place,
                key.to_owned(),
                holder.clone(),
                errors,
            );
        }
    };
    // An authority may sign for several providers: it is held against people and stations, not against itself.
    let mut authorities: BTreeMap<Fingerprint, (&PublicKey, &str, String)> = BTreeMap::new();
    for provider in providers {
        for key in &provider.authority {
            let holder = format!("the authority of {}", provider.id);
            authorities
                .entry(key.fingerprint())
                .or_insert((key, &provider.file, holder));
        }
    }
    for (key, file, holder) in authorities.into_values() {
        check(
            std::slice::from_ref(key),
            (file, 1),
            "provider.authority",
            holder,
        );
    }
    for provider in providers {
        let file = provider.file.as_str();
        for station in &provider.stations {
            check(
                &station.keys,
                (file, station.line),
                "station.keys",
                format!("station {}", station.id),
            );
        }
        for technician in &provider.technicians {
            check(
                &technician.keys,
                (file, technician.line),
                "technician.keys",
                format!("technician {}", technician.id),
            );
        }
    }
    for client in clients {
        let file = client.file.as_str();
        for operator in &client.operators {
            check(
                &operator.keys,
                (file, operator.line),
                "operator.keys",
                format!("operator {}", operator.id),
            );
        }
        for auditor in &client.auditors {
            check(
                &auditor.keys,
                (file, auditor.line),
                "auditor.keys",
                format!("auditor {}", auditor.id),
            );
        }
    }
}

fn stations_exist(provider: &Provider, errors: &mut Vec<DocumentError>) {
    for technician in &provider.technicians {
        let Stations::Listed(listed) = &technician.stations else {
            continue;
        };
        for station in listed
            .iter()
            .filter(|id| !provider.stations.iter().any(|station| station.id == **id))
        {
            errors.push(DocumentError {
                file: provider.file.clone(),
                line: Some(technician.line),
                key: format!("technician.{}.stations", technician.id),
                problem: format!("{station} is not a station of {}", provider.id),
                accepted: known(provider.stations.iter().map(|station| &station.id)),
            });
        }
    }
}

fn flow_names_what_exists(
    client: &Client,
    flow: &Flow,
    providers: &[Provider],
    closed: &Closed,
    errors: &mut Vec<DocumentError>,
) {
    let mut wrong = |line: u32, key: &str, problem: String, accepted: String| {
        let key = format!("flow.{}.{key}", flow.name);
        errors.push(DocumentError {
            file: client.file.clone(),
            line: Some(line),
            key,
            problem,
            accepted,
        });
    };
    for (position, selector) in flow.technicians.iter().enumerate() {
        // Whom a closed provider has is not known; nobody of it passes.
        if closed.providers.contains(&selector.provider) {
            continue;
        }
        let line = flow
            .lines
            .technicians
            .get(position)
            .copied()
            .unwrap_or(flow.lines.flow);
        if let Err((problem, accepted)) = selects_someone(selector, providers) {
            wrong(line, "technicians", problem, accepted);
        }
    }
    for id in &flow.targets {
        if !client.targets.iter().any(|target| target.id == *id) {
            let accepted = known(client.targets.iter().map(|target| &target.id));
            wrong(
                flow.lines.targets,
                "targets",
                format!("{id} is not a target of {}", client.id),
                accepted,
            );
        }
    }
    let targets: Vec<_> = client
        .targets
        .iter()
        .filter(|target| flow.targets.contains(&target.id))
        .collect();
    for account in &flow.accounts {
        if !targets
            .iter()
            .any(|target| target.accounts.contains(account))
        {
            let accepted = known(targets.iter().flat_map(|target| &target.accounts));
            wrong(
                flow.lines.accounts,
                "accounts",
                format!("{account} is an account of none of these targets"),
                accepted,
            );
        }
    }
}

/// A selector that names nobody is a mistake of the one who wrote it, not a right for later.
fn selects_someone(selector: &Selector, providers: &[Provider]) -> Result<(), (String, String)> {
    let Selector { provider: id, whom } = selector;
    let Some(provider) = providers.iter().find(|provider| provider.id == *id) else {
        return Err((
            format!("{id} is not a provider"),
            known(providers.iter().map(|provider| &provider.id)),
        ));
    };
    let technicians = || provider.technicians.iter();
    match whom {
        Whom::Everyone => Ok(()),
        Whom::Group(group) if technicians().any(|technician| technician.groups.contains(group)) => {
            Ok(())
        }
        Whom::Group(group) => {
            let groups = known(technicians().flat_map(|technician| &technician.groups));
            Err((
                format!("no technician of {id} is in the group {group}"),
                groups,
            ))
        }
        Whom::Person(person) if technicians().any(|technician| technician.id == *person) => Ok(()),
        Whom::Person(person) => Err((
            format!("{person} is not a technician of {id}"),
            known(technicians().map(|technician| &technician.id)),
        )),
    }
}

/// The names that exist, for an error.
fn known<'n, T: Display + Ord + 'n>(names: impl Iterator<Item = &'n T>) -> String {
    let names: std::collections::BTreeSet<&T> = names.collect();
    if names.is_empty() {
        return "none yet".to_owned();
    }
    names
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
