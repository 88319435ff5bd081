//! What a site is made of before it runs: keys, documents, settings.

use anyhow::Result;

use crate::clock;
use crate::documents::{Documents, Flow, Officer, Settings, Station, Target, Technician};
use crate::keys;
use crate::layout::Layout;
use crate::ports::Ports;
use crate::target;

/// Technicians, each with the station they sit at. Station and person have a key pair of that name.
pub const TECHNICIANS: [(&str, &str); 2] = [("alice", "ws-1"), ("bruno", "ws-2")];
/// The client's operator.
pub const OPERATOR: &str = "odile";
/// The client's auditor.
pub const AUDITOR: &str = "aurele";
/// The target reached by a stored key.
pub const TARGET: &str = "db01";
/// The same machine, reached by a certificate of minutes.
pub const CERTIFIED_TARGET: &str = "web01";
/// The folder of the demo's target to which nothing is written without a yes.
pub const WAITS: &str = "waits";
/// The flow that the matrix allows.
pub const FLOW: &str = "dba";
/// How much may leave: more than any test moves that is not about it.
const EXTRACTION: &str = "{ session = \"64 GiB\", intervention = \"256 GiB\" }";
/// What the budgets of the demo are.
const DEMO_EXTRACTION: &str = "{ session = \"50 MiB\", intervention = \"200 MiB\", technician-day = \"500 MiB\", warn = \"70%\", at-limit = \"hold\" }";

/// How a site is to differ from the demo.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where its files are.
    pub layout: Layout,
    /// Where it listens.
    pub ports: Ports,
    /// What its documents say.
    pub documents: Documents,
    /// Which server plays the target; `None` for a target that the test brings.
    pub target: Option<target::Kind>,
    /// Whether the gateway's clock can be moved.
    pub movable_clock: bool,
    /// More variables for the gateway's process.
    pub environment: Vec<(String, String)>,
    /// More people to enrol.
    pub enrolled: Vec<String>,
}

impl Plan {
    /// A test's plan, with keys made where missing.
    ///
    /// # Errors
    /// When keys cannot be made.
    pub fn new(layout: &Layout, ports: Ports) -> Result<Self> {
        let documents = documents(layout, ports)?;
        let mut enrolled: Vec<String> = TECHNICIANS
            .iter()
            .map(|(person, _)| (*person).to_owned())
            .collect();
        enrolled.extend([OPERATOR.to_owned(), AUDITOR.to_owned()]);
        Ok(Self {
            layout: layout.clone(),
            ports,
            documents,
            target: Some(target::Kind::available()),
            movable_clock: false,
            environment: Vec::new(),
            enrolled,
        })
    }

    /// The demo's plan, in the demo's language and with budgets that people meet.
    ///
    /// # Errors
    /// When keys cannot be made.
    pub(crate) fn demo(layout: &Layout, ports: Ports) -> Result<Self> {
        let mut plan = Self::new(layout, ports)?;
        let documents = &mut plan.documents;
        documents.settings.lang = "fr".to_owned();
        documents.extraction = DEMO_EXTRACTION.to_owned();
        let home = layout.target_home().display().to_string();
        for right in ["read", "write", "list", "delete", "rename", "mkdir"] {
            let line = format!("sftp-{right}: {home}/**");
            documents.flow(FLOW)?.allow.push(line);
        }
        documents.flow(FLOW)?.confirm = vec![format!("sftp-write: {home}/{WAITS}/**")];
        std::fs::create_dir_all(layout.target_home().join(WAITS))?;
        let page = format!("forward: 127.0.0.1:{}", ports.page());
        documents.flow(FLOW)?.allow.push(page);
        let officers = documents.operators.iter_mut();
        for officer in officers.chain(&mut documents.auditors) {
            officer.lang = "fr".to_owned();
        }
        Ok(plan)
    }

    /// Another operator of the client, with a key of that name, enrolled.
    ///
    /// # Errors
    /// When the key cannot be made.
    pub fn operator(&mut self, id: &str, lang: &str) -> Result<()> {
        self.documents.operators.push(Officer {
            id: id.to_owned(),
            lang: lang.to_owned(),
            keys: vec![keys::pair(&self.layout, id)?],
            networks: None,
        });
        self.enrolled.push(id.to_owned());
        Ok(())
    }

    /// The change of a test that moves the gateway's clock, for [`Site::start_with`](crate::Site::start_with).
    ///
    /// # Errors
    /// Never.
    pub fn move_clock(&mut self) -> Result<()> {
        self.movable_clock = true;
        Ok(())
    }
}

/// The entry of `allow` for every command: a derogation, with who answers for it and its last day.
#[must_use]
pub fn every_command(until: &str) -> String {
    format!("{{ line = \"command: *\", owner = \"Odile\", until = \"{until}\" }}")
}

fn documents(layout: &Layout, ports: Ports) -> Result<Documents> {
    let account = target::account()?;
    let technician = |(id, station): (&str, &str), lang: &str| -> Result<Technician> {
        Ok(Technician {
            id: id.to_owned(),
            lang: lang.to_owned(),
            groups: vec!["dba".to_owned()],
            keys: vec![keys::pair(layout, id)?],
            stations: vec![station.to_owned()],
            expires: Some(clock::date_in(365)?),
            disabled: false,
        })
    };
    let station = |id: &str| -> Result<Station> {
        Ok(Station {
            id: id.to_owned(),
            keys: vec![keys::pair(layout, id)?],
            networks: vec!["127.0.0.0/8".to_owned(), "::1/128".to_owned()],
        })
    };
    let officer = |id: &str| -> Result<Officer> {
        Ok(Officer {
            id: id.to_owned(),
            lang: "en".to_owned(),
            keys: vec![keys::pair(layout, id)?],
            networks: None,
        })
    };
    let host_key = keys::pair(layout, target::HOST_KEY)?;
    let target = |id: &str| Target {
        id: id.to_owned(),
        address: format!("127.0.0.1:{}", ports.target),
        host_keys: vec![host_key.clone()],
        accounts: vec![account.clone()],
    };
    let [alice, bruno] = TECHNICIANS;
    Ok(Documents {
        settings: Settings {
            data: layout.data().display().to_string(),
            store: "sqlite".to_owned(),
            listen: format!("127.0.0.1:{}", ports.door),
            operators_listen: None,
            ssh_lines: Vec::new(),
            remember: "10m".to_owned(),
            failures: 3,
            block: "30m".to_owned(),
            source_failures: 20,
            authentication: Vec::new(),
            limits: Vec::new(),
            recordings: None,
            recording_lines: Vec::new(),
            lang: "en".to_owned(),
            tail: String::new(),
        },
        technicians: vec![technician(alice, "en")?, technician(bruno, "fr")?],
        stations: vec![station(alice.1)?, station(bruno.1)?],
        operators: vec![officer(OPERATOR)?],
        auditors: vec![officer(AUDITOR)?],
        targets: vec![target(TARGET), target(CERTIFIED_TARGET)],
        flows: vec![Flow {
            name: FLOW.to_owned(),
            technicians: vec!["maintech:dba".to_owned()],
            targets: vec![TARGET.to_owned(), CERTIFIED_TARGET.to_owned()],
            accounts: vec![account],
            allow: vec![
                "shell".to_owned(),
                every_command(&clock::date_in(365)?),
                "env: LANG LC_*".to_owned(),
            ],
            hours: "always".to_owned(),
            by: 1,
            at_most: "4h".to_owned(),
            accompanied: None,
            confirm: Vec::new(),
        }],
        provider_lines: Vec::new(),
        recording_recipients: vec![keys::reader(&layout.recording_key())?, "gateway".to_owned()],
        extraction: EXTRACTION.to_owned(),
        client_tail: String::new(),
    })
}
