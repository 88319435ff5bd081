//! A gateway without a door, and people who have logged on to it: for tests of dialogues.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use ecluse_policy::documents::{parse_client, parse_provider};
use ecluse_policy::{
    Authenticated, CodeOutcome, Documents, Lang, Login, ProvenCode, PublicKey, Step, Timestamp,
};
use tokio::sync::watch;
use uuid::Uuid;

use crate::actor::{Actor, Origin};
use crate::archive::keeper::Keeper;
use crate::archive::sealing::Sealer;
use crate::archive::space::{Reserve, Space};
use crate::clock;
use crate::copies::Absences;
use crate::door::crowd::Crowds;
use crate::evidence::EvidenceKeys;
use crate::extraction::accounts::Accounts;
use crate::gateway::Gateway;
use crate::host_ca::HostCa;
use crate::identity::ledger::{Ledger, Measure};
use crate::identity::people::People;
use crate::live::Live;
use crate::log::JournalKeys;
use crate::passage::notice::Told;
use crate::readers::{Readers, ReadingThreads};
use crate::settings::{Settings, SpaceBounds};
use crate::store::Applied;
use crate::store::testing::TestStore;
use crate::texts::Texts;
use crate::time_source::ClockStatus;

/// A gateway with alice and bruno of maintech, odile, omar and aurele of hopital, and another client.
pub(crate) struct House {
    pub(crate) gateway: Arc<Gateway>,
    /// Keeps the store's directory for as long as the house stands.
    pub(crate) _store: TestStore,
    _reading: ReadingThreads,
    documents: watch::Sender<Arc<Applied>>,
    stopping: watch::Sender<bool>,
}

/// The key of a person or station: any 32 bytes are an Ed25519 point's encoding as far as documents go.
fn key(seed: u8) -> PublicKey {
    let mut blob = Vec::new();
    for part in [b"ssh-ed25519".as_slice(), &[seed; 32]] {
        blob.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
        blob.extend(part);
    }
    PublicKey::from_blob(&blob).unwrap()
}

fn person_key(person: &str) -> PublicKey {
    let people = ["alice", "bruno", "odile", "omar", "aurele", "zoe"];
    key(u8::try_from(people.iter().position(|known| *known == person).unwrap()).unwrap() + 1)
}

fn station_key() -> PublicKey {
    key(50)
}

/// The documents; `by` operators approve, for `at_most`.
pub(crate) fn documents(by: u32, at_most: &str) -> Documents {
    documents_where(by, at_most, |text| text)
}

/// The same, each text after `edit`.
pub(crate) fn documents_where(
    by: u32,
    at_most: &str,
    edit: impl Fn(String) -> String,
) -> Documents {
    let line = |person: &str| person_key(person).to_line();
    let provider = format!(
        r#"
[provider]
id = "maintech"
name = "Maintech SAS"
lang = "en"
authority = []
revoked-keys = []
revoked-serials = []
[[technician]]
id = "alice"
name = "Alice"
lang = "en"
groups = ["dba"]
keys = ["{}"]
stations = ["*"]
[[technician]]
id = "bruno"
name = "Bruno"
lang = "fr"
groups = ["dba"]
keys = ["{}"]
stations = ["*"]
[[station]]
id = "atelier-1"
keys = ["{}"]
networks = ["192.0.2.0/24"]
"#,
        line("alice"),
        line("bruno"),
        station_key().to_line()
    );
    let hopital = format!(
        r#"
[client]
id = "hopital"
name = "Centre hospitalier"
lang = "fr"
[contacts]
decision = "RSSI, +33 1 99 00 00 12"
[[operator]]
id = "odile"
name = "Odile"
lang = "en"
keys = ["{}"]
[[operator]]
id = "omar"
name = "Omar"
keys = ["{}"]
[[auditor]]
id = "aurele"
name = "Aurèle"
keys = ["{}"]
unmask = false
[[target]]
id = "db01"
address = "10.1.2.3:22"
protocol = "ssh"
host-keys = ["{}"]
accounts = ["postgres"]
[[flow]]
name = "dba"
technicians = ["maintech:dba"]
targets = ["db01"]
accounts = ["postgres"]
allow = ["shell", "command: pg_dump --schema-only {{db}}", "env: LANG LC_*"]
hours = "always"
authentication = ["station", "key", "totp"]
approval = {{ by = {by}, at-most = "{at_most}" }}
extraction = {{ session = "50 MiB", intervention = "200 MiB" }}
"#,
        line("odile"),
        line("omar"),
        line("aurele"),
        key(60).to_line()
    );
    let mairie = format!(
        r#"
[client]
id = "mairie"
name = "Mairie"
lang = "fr"
[[operator]]
id = "zoe"
name = "Zoé"
keys = ["{}"]
"#,
        line("zoe")
    );
    let provider = parse_provider("providers/maintech.toml", &edit(provider)).unwrap();
    let clients = [
        ("clients/hopital.toml", hopital),
        ("clients/mairie.toml", mairie),
    ]
    .map(|(file, text)| parse_client(file, &edit(text)).unwrap());
    Documents::assemble(vec![provider], clients.into()).unwrap()
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with(documents(1, "4h")).await
    }

    pub(crate) async fn with(documents: Documents) -> Self {
        Self::configured(documents, "").await
    }

    /// With more lines of `gateway.toml`.
    pub(crate) async fn configured(documents: Documents, settings: &str) -> Self {
        let store = TestStore::sqlite().await;
        let data = store.dir.path();
        let text = format!("data-dir = \"{}\"\n{settings}", data.display());
        let settings = Settings::parse(Path::new("/gateway.toml"), &text).unwrap();
        let (documents, in_force) = watch::channel(Arc::new(Applied {
            version: 1,
            documents,
        }));
        let (stopping, stops) = watch::channel(false);
        let journal = JournalKeys::open(&store, &settings.journal, clock::now())
            .await
            .unwrap();
        let (readers, reading) = Readers::start().unwrap();
        let gateway = Arc::new(Gateway {
            keeper: Keeper::start(
                data.join("recordings"),
                Sealer::new(
                    EvidenceKeys::new(Arc::new(journal)),
                    store.store.clone(),
                    tokio::runtime::Handle::current(),
                ),
                Reserve::in_directory(data, 0),
                Vec::new(),
            )
            .unwrap(),
            extraction: Accounts::new(Arc::new(store.store.clone())),
            store: store.store.clone(),
            documents: in_force,
            live: Live::default(),
            purse: crate::passage::purse::Purse::common(settings.limits.memory),
            clock: watch::channel(ClockStatus::unknown(clock::now())).1,
            absences: Absences::default(),
            crowds: Crowds::default(),
            ledger: Ledger::new(Measure::of(&settings.limits)),
            people: People::new(settings.limits.log_ons_per_person),
            told: Told::default(),
            // However full the disk is that tests run on.
            space: Space::over(
                data,
                SpaceBounds {
                    warn_below: 0,
                    refuse_below: 0,
                    reserve: 0,
                },
            ),
            texts: Texts::load().unwrap(),
            stopping: stops,
            talks: tokio::runtime::Handle::current(),
            readers,
            node: "test".to_owned(),
            host_ca: HostCa::of(&crate::secrets::new_ed25519("test").unwrap()).unwrap(),
            settings,
        });
        Self {
            gateway,
            _store: store,
            _reading: reading,
            documents,
            stopping,
        }
    }

    /// The gateway stops.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Puts other documents into force.
    pub(crate) fn apply(&self, documents: Documents) {
        self.documents.send_replace(Arc::new(Applied {
            version: 2,
            documents,
        }));
    }

    /// Someone who has logged on.
    pub(crate) fn visitor(&self, person: &str) -> Actor {
        let now = clock::now();
        let source: SocketAddr = "192.0.2.10:53122".parse().unwrap();
        let authenticated = log_on(&self.gateway.applied().documents, person, source, now);
        Actor {
            code: Arc::new(Mutex::new(ProvenCode::of_log_on(&authenticated))),
            authenticated,
            origin: Origin::Ssh {
                source,
                door: "192.0.2.1:2222".parse().unwrap(),
            },
            connection: Uuid::nil(),
        }
    }
}

fn log_on(
    documents: &Documents,
    person: &str,
    source: SocketAddr,
    now: Timestamp,
) -> Authenticated {
    let mut login = Login::begin(person, source.ip());
    let _ = login.key_proven(documents, &station_key(), now);
    let _ = login.key_proven(documents, &person_key(person), now);
    match login.code_result(documents, CodeOutcome::Accepted, now) {
        Step::Complete(authenticated) => *authenticated,
        other @ (Step::NeedKey | Step::NeedCode | Step::Refuse(_)) => {
            panic!("{person} cannot log on: {other:?}")
        }
    }
}

/// The language of a person of these documents.
pub(crate) fn lang(visitor: &Actor) -> Lang {
    visitor.authenticated.lang()
}
