//! People, targets and flows as people wrote them.
//!
//! [`parse_client`] and [`parse_provider`] read one text each; [`Documents::assemble`] checks them against each other
//! and is the only way to [`Documents`]. Every error is reported, not the first only, with its file, line and key and
//! with what would be accepted. Nothing here grants anything: [`crate::matrix`] reads what these say.

mod accounts;
mod allow;
mod approval;
mod cases;
mod check;
mod client;
mod confirm;
mod derogation;
mod diff;
mod doors;
mod error;
mod evidence;
mod extraction;
mod heightened;
mod host_port;
mod idle;
mod keeping;
mod lookup;
mod networks;
mod notice;
mod posture;
mod provider;
mod reader;
mod remarks;
mod signals;
mod waiting;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

pub use self::accounts::Whys;
pub use self::approval::{ApprovalRule, ApprovalTerms, CEILING};
pub(crate) use self::cases::read as read_cases;
pub use self::client::parse_client;
pub use self::diff::{Change, ChangeKind, diff};
pub use self::error::DocumentError;
pub use self::evidence::{
    Certificates, CheckpointPlace, CopyRules, RecipientName, RecordingRules, SearchRules,
    SyslogReceiver,
};
pub use self::extraction::{Extraction, NodeRules};
pub use self::host_port::HostPort;
pub use self::keeping::{Regime, RetentionRules};
pub use self::lookup::{KeyOwner, PersonRef};
pub use self::networks::{Networks, Pool};
pub use self::notice::NoticeRules;
pub use self::posture::{Ceilings, PostureRules, Refused};
pub use self::provider::parse_provider;
pub use self::remarks::Remark;
pub(crate) use self::words::is_visible;
use crate::capability::Allowed;
use crate::clearance::Clearances;
use crate::confirm::Confirm;
use crate::extraction::Zone;
use crate::key::{Fingerprint, PublicKey};
use crate::name::{
    AccountName, ClientId, FlowName, GroupName, Lang, PersonId, ProviderId, StationId, TargetId,
};
use crate::posture::InPosture;
use crate::schedule::Schedule;
use crate::signals::Signals;
use crate::time::{Span, Timestamp};

/// All documents in force, checked against each other.
///
/// Invariant: only [`Documents::assemble`] makes one that is not empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Documents {
    providers: BTreeMap<ProviderId, Provider>,
    clients: BTreeMap<ClientId, Client>,
    closed: Closed,
    /// What the gateway's own settings say of budgets.
    node: NodeRules,
    /// What clients said of people and places beside these.
    clearances: Clearances,
    /// Clients in heightened posture: their flows are tightened.
    high: BTreeMap<ClientId, InPosture>,
}

/// Whose documents are not the ones that were put in force: their doors are closed, and nobody else's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Closed {
    /// Nobody passes to their targets, and their operators and auditors act on nothing.
    pub clients: BTreeSet<ClientId>,
    /// Their technicians and stations are not let in.
    pub providers: BTreeSet<ProviderId>,
}

/// One provider: the people and stations it vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// The file it was read from, for errors and explanations.
    pub file: String,
    /// Its id.
    pub id: ProviderId,
    /// Its name, for people.
    pub name: String,
    /// The language of its people unless they say otherwise.
    pub lang: Lang,
    /// Whom to call.
    pub contacts: Contacts,
    /// Who works for it.
    pub technicians: Vec<Technician>,
    /// The machines they work from.
    pub stations: Vec<Station>,
    /// The keys that sign its people's certificates.
    pub authority: Vec<PublicKey>,
    /// Keys never accepted again, whoever shows them.
    pub revoked_keys: BTreeSet<Fingerprint>,
    /// Serial numbers of certificates never accepted again, under every authority of the provider.
    pub revoked_serials: BTreeSet<u64>,
}

/// One person of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Technician {
    /// The line of the file where the person begins.
    pub line: u32,
    /// Their id.
    pub id: PersonId,
    /// Their name, for people.
    pub name: String,
    /// Their language.
    pub lang: Lang,
    /// The groups a flow can name.
    pub groups: BTreeSet<GroupName>,
    /// Their keys; none is fine where the provider has an authority.
    pub keys: Vec<PublicKey>,
    /// From where they may work.
    pub stations: Stations,
    /// When the account ends (A8). **Range**: end excluded.
    pub expires: Option<Timestamp>,
    /// Whether the account is switched off.
    pub disabled: bool,
}

/// From which stations a technician may work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stations {
    /// `["*"]`: every station of the provider.
    All,
    /// These; none when empty.
    Listed(BTreeSet<StationId>),
}

impl Stations {
    /// Whether the station is among them.
    #[must_use]
    pub fn allow(&self, station: &StationId) -> bool {
        match self {
            Self::All => true,
            Self::Listed(stations) => stations.contains(station),
        }
    }
}

/// One machine of a provider (A3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Station {
    /// The line of the file where the station begins.
    pub line: u32,
    /// Its id.
    pub id: StationId,
    /// Its keys; without one it cannot be used.
    pub keys: Vec<PublicKey>,
    /// The networks it connects from; none when empty.
    pub networks: Vec<IpNet>,
    /// Whether it is switched off.
    pub disabled: bool,
}

impl Station {
    /// Whether the station may connect from this address.
    #[must_use]
    pub fn allows_source(&self, source: IpAddr) -> bool {
        networks::holds(&self.networks, source)
    }
}

/// Whom to call at an organisation (I9).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contacts {
    /// For technical questions.
    pub technical: Option<String>,
    /// For decisions.
    pub decision: Option<String>,
}

impl Contacts {
    /// Whom to call, who decides first; empty where the document names nobody.
    #[must_use]
    pub fn to_call(&self) -> String {
        let all = [&self.decision, &self.technical].into_iter().flatten();
        all.map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}

/// One client: its people, its targets, its matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The file it was read from, for errors and explanations.
    pub file: String,
    /// Its id.
    pub id: ClientId,
    /// Its name, for people.
    pub name: String,
    /// The language of its people unless they say otherwise.
    pub lang: Lang,
    /// Whom to call.
    pub contacts: Contacts,
    /// Who approves, watches and cuts.
    pub operators: Vec<Operator>,
    /// Who reads evidence afterwards.
    pub auditors: Vec<Auditor>,
    /// What it owns.
    pub targets: Vec<Target>,
    /// Its matrix (F1).
    pub flows: Vec<Flow>,
    /// Who reads its recordings (C4).
    pub recordings: RecordingRules,
    /// How long they are kept (R7).
    pub retention: RetentionRules,
    /// What of them is made searchable (R10).
    pub search: SearchRules,
    /// Where copies of its traces go (R8).
    pub copies: CopyRules,
    /// What its technicians are told of being recorded (P3).
    pub notice: NoticeRules,
    /// Where its days begin, where it says so: [`Client::days_of`].
    pub zone: Option<Zone>,
    /// How much may leave its targets, where neither a flow nor a target says it, and in a day of all of them (X1, X2).
    pub extraction: Extraction,
    /// What one word of an operator tightens (P6).
    pub posture: PostureRules,
    /// What its operators are told of, or what holds a session, before any budget is spent.
    pub signals: Signals,
}

/// One operator of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// The line of the file where the person begins.
    pub line: u32,
    /// Their id.
    pub id: PersonId,
    /// Their name, for people.
    pub name: String,
    /// Their language.
    pub lang: Lang,
    /// Their keys.
    pub keys: Vec<PublicKey>,
    /// From where they may log on (P13).
    pub networks: Networks,
    /// When the account ends. **Range**: end excluded.
    pub expires: Option<Timestamp>,
    /// Whether the account is switched off.
    pub disabled: bool,
}

/// One auditor of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auditor {
    /// The line of the file where the person begins.
    pub line: u32,
    /// Their id.
    pub id: PersonId,
    /// Their name, for people.
    pub name: String,
    /// Their language.
    pub lang: Lang,
    /// Their keys.
    pub keys: Vec<PublicKey>,
    /// From where they may log on (P13).
    pub networks: Networks,
    /// When the account ends. **Range**: end excluded.
    pub expires: Option<Timestamp>,
    /// Whether the account is switched off.
    pub disabled: bool,
    /// Whether masked input (a password at a prompt) is shown to them.
    pub unmask: bool,
}

/// One machine under maintenance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The line of the file where the target begins.
    pub line: u32,
    /// Its id.
    pub id: TargetId,
    /// Where it answers.
    pub address: HostPort,
    /// How it is spoken to.
    pub protocol: Protocol,
    /// The keys by which it proves itself; never empty (C3).
    pub host_keys: Vec<PublicKey>,
    /// The accounts that exist for flows.
    pub accounts: BTreeSet<AccountName>,
    /// Why they are there, where that is said (P14).
    pub whys: BTreeMap<AccountName, Whys>,
    /// How much may leave it, where a flow does not say it, and in a day (X1, X2).
    pub extraction: Extraction,
}

/// How a target is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// SSH.
    Ssh,
}

impl fmt::Display for Protocol {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ssh => formatter.pad("ssh"),
        }
    }
}

/// One line of a client's matrix: who, where, as whom, what, when, after whose yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Where each part stands in the file.
    pub lines: FlowLines,
    /// Its name.
    pub name: FlowName,
    /// Why it is there, in the client's words (P14).
    pub why: Option<String>,
    /// Who; nobody when empty.
    pub technicians: Vec<Selector>,
    /// Where; nowhere when empty.
    pub targets: BTreeSet<TargetId>,
    /// As whom; nobody when empty.
    pub accounts: BTreeSet<AccountName>,
    /// What; nothing when empty.
    pub allow: Vec<Allowed>,
    /// When.
    pub hours: Schedule,
    /// What a technician proves first.
    pub authentication: BTreeSet<Factor>,
    /// After whose yes, and for how long.
    pub approval: ApprovalTerms,
    /// How much may leave by it (X1, X2).
    pub extraction: Extraction,
    /// After how long without anybody what it opened ends; never, where it says nothing.
    pub idle: Option<Span>,
    /// What of it waits for an operator's yes while it is in use.
    pub confirm: Arc<[Confirm]>,
}

/// The lines of a flow's parts in its file, counted from 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlowLines {
    /// The flow itself.
    pub flow: u32,
    /// Each selector of `technicians`.
    pub technicians: Vec<u32>,
    /// `targets`.
    pub targets: u32,
    /// `accounts`.
    pub accounts: u32,
    /// Each entry of `allow`.
    pub allow: Vec<u32>,
    /// `approval`.
    pub approval: u32,
    /// Each entry of `confirm`.
    pub confirm: Vec<u32>,
}

/// Whom a flow is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Selector {
    /// Of which provider.
    pub provider: ProviderId,
    /// Who of it.
    pub whom: Whom,
}

/// Who of a provider.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Whom {
    /// `maintech:*`.
    Everyone,
    /// `maintech:dba`.
    Group(GroupName),
    /// `maintech/alice`.
    Person(PersonId),
}

impl Selector {
    /// Whether it names this technician of this provider.
    #[must_use]
    pub fn names(&self, provider: &ProviderId, technician: &Technician) -> bool {
        let Self {
            provider: named,
            whom,
        } = self;
        named == provider
            && match whom {
                Whom::Everyone => true,
                Whom::Group(group) => technician.groups.contains(group),
                Whom::Person(person) => technician.id == *person,
            }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { provider, whom } = self;
        match whom {
            Whom::Everyone => write!(formatter, "{provider}:*"),
            Whom::Group(group) => write!(formatter, "{provider}:{group}"),
            Whom::Person(person) => write!(formatter, "{provider}/{person}"),
        }
    }
}

/// One thing that a technician proves at log-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Factor {
    /// The station's key.
    Station,
    /// The person's key or certificate.
    Key,
    /// A one-time password.
    Totp,
}

impl Factor {
    /// As documents write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Station => "station",
            Self::Key => "key",
            Self::Totp => "totp",
        }
    }
}
