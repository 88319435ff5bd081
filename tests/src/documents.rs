//! The documents of a site, as values that a test can change before they are written.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::layout::write_private;
use crate::ports::Ports;

/// Everything a site's `config` directory holds: one provider, one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Documents {
    /// `gateway.toml`.
    pub settings: Settings,
    /// The provider's people.
    pub technicians: Vec<Technician>,
    /// The provider's machines.
    pub stations: Vec<Station>,
    /// The client's deciders.
    pub operators: Vec<Officer>,
    /// The client's readers of evidence.
    pub auditors: Vec<Officer>,
    /// The client's systems.
    pub targets: Vec<Target>,
    /// What may pass.
    pub flows: Vec<Flow>,
    /// Lines of the provider's own table, as they are: authority, revocations.
    pub provider_lines: Vec<String>,
    /// Who reads the client's recordings: `age1…` keys, and `gateway` for the gateway too.
    pub recording_recipients: Vec<String>,
    /// How much may leave its targets, as TOML writes the table.
    pub extraction: String,
    /// Lines added at the end of the client's document, as they are.
    pub client_tail: String,
}

/// The gateway's own settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where it keeps its data.
    pub data: String,
    /// Its store: `sqlite` or an address of PostgreSQL.
    pub store: String,
    /// Where the SSH door listens.
    pub listen: String,
    /// Where operators and auditors have a door of their own.
    pub operators_listen: Option<String>,
    /// Further lines of `[ssh]`, as they are.
    pub ssh_lines: Vec<String>,
    /// How long a second factor is remembered.
    pub remember: String,
    /// Failures before a person is blocked.
    pub failures: u32,
    /// How long a block lasts.
    pub block: String,
    /// Failures before a source is blocked.
    pub source_failures: u32,
    /// Further lines of `[authentication]`, as they are.
    pub authentication: Vec<String>,
    /// Lines of `[limits]`, as they are.
    pub limits: Vec<String>,
    /// Where recordings go, when not in the data directory.
    pub recordings: Option<String>,
    /// Further lines of `[recordings]`, as they are.
    pub recording_lines: Vec<String>,
    /// The default language.
    pub lang: String,
    /// Further tables of `gateway.toml`, as they are.
    pub tail: String,
}

/// A technician of the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Technician {
    /// The nominative id.
    pub id: String,
    /// The language of messages.
    pub lang: String,
    /// Groups that flows may name.
    pub groups: Vec<String>,
    /// Public lines.
    pub keys: Vec<String>,
    /// Stations this person may use; `*` for all of the provider's.
    pub stations: Vec<String>,
    /// The account's last day.
    pub expires: Option<String>,
    /// Switched off.
    pub disabled: bool,
}

/// A station of the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Station {
    /// Its id.
    pub id: String,
    /// Public lines.
    pub keys: Vec<String>,
    /// Where it may connect from.
    pub networks: Vec<String>,
}

/// An operator or an auditor of the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Officer {
    /// The nominative id.
    pub id: String,
    /// The language of messages.
    pub lang: String,
    /// Public lines.
    pub keys: Vec<String>,
    /// Where they log on from; anywhere without.
    pub networks: Option<Vec<String>>,
}

/// A target of the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its id.
    pub id: String,
    /// Host and port.
    pub address: String,
    /// Pinned host keys, public lines.
    pub host_keys: Vec<String>,
    /// Accounts on it.
    pub accounts: Vec<String>,
}

/// A flow of the client's matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Its name.
    pub name: String,
    /// Who: `PROVIDER:GROUP`, `PROVIDER:PERSON`, `PROVIDER:*`.
    pub technicians: Vec<String>,
    /// Where.
    pub targets: Vec<String>,
    /// As whom.
    pub accounts: Vec<String>,
    /// What: `shell`, or `{ line = "command: uptime", terminal = true }` as TOML writes a table.
    pub allow: Vec<String>,
    /// When.
    pub hours: String,
    /// How many approvals it takes.
    pub by: u32,
    /// The longest window an approval may open; one of days, such as `40d`, with somebody who answers for it.
    pub at_most: String,
    /// How many sessions an operator accompanies, where one has to.
    pub accompanied: Option<u32>,
    /// What waits for an operator's yes, as entries of `allow` are written.
    pub confirm: Vec<String>,
}

impl Documents {
    /// Writes `gateway.toml`, `clients/hopital.toml` and `providers/maintech.toml` under `directory`.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, directory: &Path) -> Result<()> {
        for (file, text) in self.files() {
            write_private(&directory.join(file), &text)?;
        }
        Ok(())
    }

    /// Writes those of them that are missing. Where the others were written for other ports than `ports`, these are changed
    /// in them, and nothing else.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn write_missing(&self, directory: &Path, ports: Ports) -> Result<()> {
        let before = fs::read_to_string(directory.join("gateway.toml"))
            .ok()
            .and_then(|settings| served_on(&settings));
        for (file, text) in self.files() {
            let path = directory.join(file);
            if !path.exists() {
                write_private(&path, &text)?;
                continue;
            }
            let kept = fs::read_to_string(&path)
                .with_context(|| format!("{} cannot be read", path.display()))?;
            let moved = match before {
                // Both steps at once, so that a new port is not taken for the old one of the other.
                Some(before) => moved(&kept, before, ports),
                None => kept.clone(),
            };
            if moved != kept {
                write_private(&path, &moved)?;
            }
        }
        Ok(())
    }

    fn files(&self) -> [(&'static str, String); 3] {
        [
            ("gateway.toml", self.settings.text()),
            ("clients/hopital.toml", self.client_text()),
            ("providers/maintech.toml", self.provider_text()),
        ]
    }

    /// The technician `id`, to change.
    ///
    /// # Errors
    /// When there is none.
    pub fn technician(&mut self, id: &str) -> Result<&mut Technician> {
        self.technicians
            .iter_mut()
            .find(|person| person.id == id)
            .with_context(|| format!("no technician {id}"))
    }

    /// The target `id`, to change.
    ///
    /// # Errors
    /// When there is none.
    pub fn target(&mut self, id: &str) -> Result<&mut Target> {
        self.targets
            .iter_mut()
            .find(|target| target.id == id)
            .with_context(|| format!("no target {id}"))
    }

    /// The flow `name`, to change.
    ///
    /// # Errors
    /// When there is none.
    pub fn flow(&mut self, name: &str) -> Result<&mut Flow> {
        self.flows
            .iter_mut()
            .find(|flow| flow.name == name)
            .with_context(|| format!("no flow {name}"))
    }

    /// The text of the provider's document.
    #[must_use]
    pub fn provider_text(&self) -> String {
        let mut text =
            String::from("[provider]\nid = \"maintech\"\nname = \"Maintech\"\nlang = \"en\"\n");
        for line in &self.provider_lines {
            let _ = writeln!(text, "{line}");
        }
        for Technician {
            id,
            lang,
            groups,
            keys,
            stations,
            expires,
            disabled,
        } in &self.technicians
        {
            let _ = write!(
                text,
                "\n[[technician]]\nid = {}\nname = {}\nlang = {}\ngroups = {}\nkeys = {}\nstations = {}\n",
                quoted(id),
                quoted(&capitalised(id)),
                quoted(lang),
                list(groups),
                list(keys),
                list(stations)
            );
            if let Some(day) = expires {
                let _ = writeln!(text, "expires = {}", quoted(day));
            }
            if *disabled {
                text.push_str("disabled = true\n");
            }
        }
        for Station { id, keys, networks } in &self.stations {
            let _ = write!(
                text,
                "\n[[station]]\nid = {}\nkeys = {}\nnetworks = {}\n",
                quoted(id),
                list(keys),
                list(networks)
            );
        }
        text
    }

    /// The text of the client's document.
    #[must_use]
    pub fn client_text(&self) -> String {
        let mut text =
            String::from("[client]\nid = \"hopital\"\nname = \"Hôpital\"\nlang = \"fr\"\n");
        let _ = writeln!(
            text,
            "recording-recipients = {}",
            list(&self.recording_recipients)
        );
        if !self.extraction.is_empty() {
            let _ = writeln!(text, "extraction = {}", self.extraction);
        }
        for (table, officers) in [("operator", &self.operators), ("auditor", &self.auditors)] {
            for Officer {
                id,
                lang,
                keys,
                networks,
            } in officers
            {
                let _ = write!(
                    text,
                    "\n[[{table}]]\nid = {}\nname = {}\nlang = {}\nkeys = {}\n",
                    quoted(id),
                    quoted(&capitalised(id)),
                    quoted(lang),
                    list(keys)
                );
                if let Some(networks) = networks {
                    let _ = writeln!(text, "networks = {}", list(networks));
                }
            }
        }
        for Target {
            id,
            address,
            host_keys,
            accounts,
        } in &self.targets
        {
            let _ = write!(
                text,
                "\n[[target]]\nid = {}\naddress = {}\nprotocol = \"ssh\"\nhost-keys = {}\naccounts = {}\n",
                quoted(id),
                quoted(address),
                list(host_keys),
                list(accounts)
            );
        }
        for Flow {
            name,
            technicians,
            targets,
            accounts,
            allow,
            hours,
            by,
            at_most,
            accompanied,
            confirm,
        } in &self.flows
        {
            let accompanied = accompanied.map_or(String::new(), |each| {
                format!(", accompanied = true, sessions-per-operator = {each}")
            });
            let _ = write!(
                text,
                "\n[[flow]]\nname = {}\ntechnicians = {}\ntargets = {}\naccounts = {}\nallow = {}\nhours = {}\nauthentication = [\"station\", \"key\", \"totp\"]\napproval = {{ by = {by}, at-most = {}{accompanied} }}\n",
                quoted(name),
                list(technicians),
                list(targets),
                list(accounts),
                entries(allow),
                quoted(hours),
                longest(at_most)
            );
            if !confirm.is_empty() {
                let _ = writeln!(text, "confirm = {}", entries(confirm));
            }
        }
        text + &self.client_tail
    }
}

impl Settings {
    /// The text of `gateway.toml`.
    #[must_use]
    pub fn text(&self) -> String {
        let Self {
            data,
            store,
            listen,
            operators_listen,
            ssh_lines,
            remember,
            failures,
            block,
            source_failures,
            authentication,
            limits,
            recordings,
            recording_lines,
            lang,
            tail,
        } = self;
        let ssh_lines: String = ssh_lines.iter().map(|line| format!("{line}\n")).collect();
        let own_door = operators_listen
            .iter()
            .map(|address| format!("operators-listen = {}\n", quoted(address)))
            .collect::<String>();
        let mut text = format!(
            "data-dir = {}\nlang = {}\nstore = {}\n\n[ssh]\nlisten = {}\n{own_door}{ssh_lines}\n[authentication]\nremember = {}\nfailures = {failures}\nblock = {}\nsource-failures = {source_failures}\n",
            quoted(data),
            quoted(lang),
            quoted(store),
            quoted(listen),
            quoted(remember),
            quoted(block)
        );
        for line in authentication {
            let _ = writeln!(text, "{line}");
        }
        if !limits.is_empty() {
            let _ = write!(text, "\n[limits]\n{}\n", limits.join("\n"));
        }
        let directory = recordings
            .iter()
            .map(|directory| format!("directory = {}", quoted(directory)));
        let lines: Vec<String> = directory.chain(recording_lines.iter().cloned()).collect();
        if !lines.is_empty() {
            let _ = write!(text, "\n[recordings]\n{}\n", lines.join("\n"));
        }
        text + tail
    }
}

/// A TOML basic string.
#[must_use]
pub fn quoted(text: &str) -> String {
    // JSON's strings are TOML's basic strings but for DEL, which no document here holds.
    serde_json::Value::from(text).to_string()
}

/// A time of days is a derogation, which somebody answers for.
fn longest(at_most: &str) -> String {
    let length = quoted(at_most);
    if !at_most.ends_with('d') {
        return length;
    }
    let until = crate::clock::date_in(365).unwrap_or_default();
    format!("{length}, long = true, owner = \"Odile\", until = \"{until}\"")
}

fn list(items: &[String]) -> String {
    let quoted: Vec<String> = items.iter().map(|item| quoted(item)).collect();
    format!("[{}]", quoted.join(", "))
}

/// Entries that are texts, or tables as they are.
fn entries(items: &[String]) -> String {
    let written: Vec<String> = items
        .iter()
        .map(|item| match item.strip_prefix('{') {
            Some(_) => item.clone(),
            None => quoted(item),
        })
        .collect();
    format!("[{}]", written.join(", "))
}

fn capitalised(id: &str) -> String {
    let mut letters = id.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().collect::<String>() + letters.as_str())
        .unwrap_or_default()
}

/// The ports of a demo that was served by these settings: its target listens on the next one.
fn served_on(settings: &str) -> Option<Ports> {
    let listen = settings
        .lines()
        .find_map(|line| line.trim().strip_prefix("listen = \"127.0.0.1:"))?;
    let door: u16 = listen.split('"').next()?.parse().ok()?;
    let target = door.checked_add(1)?;
    Some(Ports { door, target })
}

/// `text` with the addresses of `before` turned into those of `after`.
fn moved(text: &str, before: Ports, after: Ports) -> String {
    const HOST: &str = "127.0.0.1:";
    let mut pieces = text.split(HOST);
    let mut moved = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = piece
            .find(|letter: char| !letter.is_ascii_digit())
            .unwrap_or(piece.len());
        let (port, rest) = piece.split_at(end);
        let port = match port.parse::<u16>() {
            Ok(port) if port == before.door => after.door.to_string(),
            Ok(port) if port == before.target => after.target.to_string(),
            Ok(port) if port == before.page() => after.page().to_string(),
            Ok(_) | Err(_) => port.to_owned(),
        };
        moved.push_str(HOST);
        moved.push_str(&port);
        moved.push_str(rest);
    }
    moved
}
