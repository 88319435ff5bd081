//! The file as people write it: units written out, everything optional, nothing else allowed.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use ecluse_policy::documents::NodeRules;
use ecluse_policy::identity::UNUSED_FOR;
use ecluse_policy::{HostPort, Lang, LockoutRule, Span};
use ecluse_recordings::log::VerifierKey;
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

use super::limits::Contradiction;
use super::{
    AuthenticationSettings, Banner, ClockSettings, InterventionSettings, JournalSettings,
    LockoutRules, NtpServer, RecordingSettings, Settings, SigningKeySource, SpaceBounds,
    SshSettings, StoreAddress,
};

/// The file as written: everything optional, nothing else allowed.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Written {
    lang: Option<WrittenLang>,
    data_dir: Option<PathBuf>,
    store: Option<WrittenStore>,
    ssh: WrittenSsh,
    authentication: WrittenAuthentication,
    interventions: WrittenInterventions,
    limits: WrittenLimits,
    recordings: WrittenRecordings,
    clock: WrittenClock,
    journal: WrittenJournal,
    node: WrittenNode,
    /// Policy reads it, as it reads the same in documents.
    extraction: Option<de::IgnoredAny>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenSsh {
    listen: Option<Listen>,
    operators_listen: Option<Listen>,
    host_key: Option<PathBuf>,
    host_ca: Option<PathBuf>,
    banner: Option<WrittenBanner>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenAuthentication {
    remember: Option<WrittenSpan>,
    unused: Option<WrittenUnused>,
    failures: Option<Count>,
    block: Option<WrittenSpan>,
    source_failures: Option<Count>,
    source_block: Option<WrittenSpan>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenInterventions {
    pending_expires: Option<WrittenSpan>,
    waiting_per_person: Option<Count>,
    waiting_in_all: Option<Count>,
    requests_per_hour: Option<Count>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct WrittenLimits {
    pub(super) per_source: Option<Count>,
    pub(super) total: Option<Count>,
    pub(super) per_person: Option<Count>,
    pub(super) kept_for_operators: Option<Count>,
    pub(super) unauthenticated: Option<Count>,
    pub(super) unauthenticated_per_source: Option<Count>,
    pub(super) drop_from: Option<Count>,
    pub(super) unauthenticated_operators: Option<Count>,
    pub(super) unauthenticated_stations: Option<Count>,
    pub(super) refusals_per_source: Option<Count>,
    pub(super) refusals_in_all: Option<Count>,
    pub(super) log_ons_per_person: Option<Count>,
    pub(super) authenticate_within: Option<WrittenSpan>,
    pub(super) channels_per_connection: Option<Count>,
    pub(super) before_login_bytes: Option<Bytes>,
    pub(super) memory: Option<Bytes>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenRecordings {
    directory: Option<PathBuf>,
    warn_below: Option<Bytes>,
    refuse_below: Option<Bytes>,
    reserve: Option<Bytes>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenClock {
    servers: Option<WrittenServers>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenJournal {
    origin: Option<Origin>,
    signing_key: Option<WrittenSigningKey>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenNode {
    address: Option<WrittenAddress>,
}

impl Written {
    pub(super) fn checked(
        self,
        file: &Path,
        base: &Path,
        extraction: NodeRules,
    ) -> Result<Settings, Contradiction> {
        let Self {
            lang,
            data_dir,
            store,
            ssh,
            authentication,
            interventions,
            limits,
            recordings,
            clock,
            journal,
            node,
            extraction: _,
        } = self;
        let data_dir = base.join(data_dir.unwrap_or_else(|| PathBuf::from("/var/lib/ecluse")));
        let minutes = |count: u64| Span::from_secs(count * 60);
        Ok(Settings {
            file: file.to_owned(),
            lang: lang.map_or(Lang::Fr, |lang| lang.0),
            store: store.map_or(StoreAddress::Sqlite, |store| store.0),
            ssh: ssh.checked(&data_dir, base)?,
            address: node.address.map(|address| address.0),
            authentication: AuthenticationSettings {
                remember: span(authentication.remember, Span::from_secs(0)),
                unused: authentication
                    .unused
                    .map_or(Some(UNUSED_FOR), |unused| unused.0),
                lockout: LockoutRules {
                    person: LockoutRule {
                        failures: count(authentication.failures, LockoutRule::PERSON.failures),
                        block: span(authentication.block, LockoutRule::PERSON.block),
                    },
                    source: LockoutRule {
                        failures: count(
                            authentication.source_failures,
                            LockoutRule::SOURCE.failures,
                        ),
                        block: span(authentication.source_block, LockoutRule::SOURCE.block),
                    },
                },
            },
            interventions: InterventionSettings {
                pending_expires: span(interventions.pending_expires, minutes(60)),
                waiting_per_person: count(interventions.waiting_per_person, 3),
                waiting_in_all: count(interventions.waiting_in_all, 256),
                requests_per_hour: count(interventions.requests_per_hour, 60),
            },
            limits: limits.checked()?,
            recordings: RecordingSettings {
                directory: recordings
                    .directory
                    .map_or_else(|| data_dir.join("recordings"), |path| base.join(path)),
                space: SpaceBounds {
                    warn_below: bytes(recordings.warn_below, 2 << 30),
                    refuse_below: bytes(recordings.refuse_below, 512 << 20),
                    reserve: bytes(recordings.reserve, 64 << 20),
                },
            },
            journal: JournalSettings {
                origin: journal.origin.map(|origin| origin.0),
                signing_key: journal
                    .signing_key
                    .map_or(SigningKeySource::Store, |source| source.0),
            },
            clock: ClockSettings {
                servers: clock.servers.map_or_else(Vec::new, |servers| servers.0),
            },
            extraction,
            data_dir,
        })
    }
}

impl WrittenSsh {
    fn checked(self, data_dir: &Path, base: &Path) -> Result<SshSettings, Contradiction> {
        let Self {
            listen,
            operators_listen,
            host_key,
            host_ca,
            banner,
        } = self;
        let listen = listen.map_or_else(
            || vec![(Ipv4Addr::LOCALHOST, 2222).into()],
            |listen| listen.0,
        );
        let operators_listen = operators_listen.map(|listen| listen.0);
        if let Some(own) = &operators_listen {
            doors_apart(&listen, own)?;
        }
        let key = |path: Option<PathBuf>, usual| {
            path.map_or_else(|| data_dir.join(usual), |path| base.join(path))
        };
        Ok(SshSettings {
            listen,
            operators_listen: operators_listen.unwrap_or_default(),
            host_key: key(host_key, "keys/ssh_host_ed25519_key"),
            host_ca: key(host_ca, "keys/ssh_host_ca_ed25519_key"),
            banner: banner.map_or(Banner::Usual, |banner| Banner::Written(banner.0)),
        })
    }
}

/// The operators' own door is one, and another than the technicians'.
fn doors_apart(listen: &[SocketAddr], own: &[SocketAddr]) -> Result<(), Contradiction> {
    let refused = |problem: String| Contradiction {
        table: "ssh",
        key: "operators-listen",
        problem,
    };
    if own.is_empty() {
        return Err(refused(format!(
            "is empty, so that no operator could log on; accepted: {LISTEN_ACCEPTED}; without the key operators come by `listen`"
        )));
    }
    let same = |a: &SocketAddr, b: &SocketAddr| {
        let everywhere = a.ip().is_unspecified() || b.ip().is_unspecified();
        a.port() == b.port() && (a.ip() == b.ip() || everywhere)
    };
    match own
        .iter()
        .find(|own| listen.iter().any(|all| same(own, all)))
    {
        None => Ok(()),
        Some(address) => Err(refused(format!(
            "{address} is where `listen` listens too; accepted: another address or another port than those of `listen`"
        ))),
    }
}

pub(super) fn span(written: Option<WrittenSpan>, default: Span) -> Span {
    written.map_or(default, |span| span.0)
}

pub(super) fn count(written: Option<Count>, default: u32) -> u32 {
    written.map_or(default, |count| count.0)
}

pub(super) fn bytes(written: Option<Bytes>, default: u64) -> u64 {
    written.map_or(default, |bytes| bytes.0)
}

struct WrittenLang(Lang);

impl<'de> Deserialize<'de> for WrittenLang {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match String::deserialize(from)?.as_str() {
            "fr" => Ok(Self(Lang::Fr)),
            "en" => Ok(Self(Lang::En)),
            other => Err(refused(other, "\"fr\" or \"en\"")),
        }
    }
}

/// Words for strangers' terminals.
struct WrittenBanner(String);

/// Longest banner, in characters.
const LONGEST_BANNER: usize = 2000;

impl<'de> Deserialize<'de> for WrittenBanner {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let visible = text.lines().all(|line| !line.chars().any(char::is_control));
        if visible && text.chars().count() <= LONGEST_BANNER {
            Ok(Self(text))
        } else {
            let accepted = format!("at most {LONGEST_BANNER} visible characters, in lines");
            Err(refused(
                &text.chars().take(40).collect::<String>(),
                &accepted,
            ))
        }
    }
}

struct WrittenStore(StoreAddress);

impl<'de> Deserialize<'de> for WrittenStore {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        match text.as_str() {
            "sqlite" => Ok(Self(StoreAddress::Sqlite)),
            url if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                Ok(Self(StoreAddress::Postgres(text)))
            }
            // Not repeated: whatever it is, it may hold a password.
            _ => Err(de::Error::custom(
                "is not a store; accepted: \"sqlite\" or \"postgres://user:password@host/database\"",
            )),
        }
    }
}

/// The name of a log: what can also be the name of its key.
struct Origin(String);

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        VerifierKey::log(&text, [0; 32])
            .map(|_| Self(text.clone()))
            .map_err(|_| {
                refused(
                    &text,
                    "a name without spaces and +, such as \"gateway1.hopital.example\"",
                )
            })
    }
}

/// Where people reach a node.
struct WrittenAddress(HostPort);

impl<'de> Deserialize<'de> for WrittenAddress {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        HostPort::parse(&text)
            .map(Self)
            .map_err(|_| refused(&text, "HOST:PORT, such as \"gw2.hopital.example:22\""))
    }
}

struct WrittenSigningKey(SigningKeySource);

impl<'de> Deserialize<'de> for WrittenSigningKey {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        SigningKeySource::parse(&text).map(Self).ok_or_else(|| {
            refused(
                &text,
                "\"store\", \"credential:NAME\" or \"agent:/ABSOLUTE/PATH\"",
            )
        })
    }
}

pub(super) struct WrittenSpan(Span);

impl<'de> Deserialize<'de> for WrittenSpan {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Span::parse(&text).map(Self).map_err(|_| {
            refused(
                &text,
                "a length of time such as \"30s\", \"10m\", \"1h30m\" or \"2d\"",
            )
        })
    }
}

/// A length of time, or none at all.
struct WrittenUnused(Option<Span>);

impl<'de> Deserialize<'de> for WrittenUnused {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        if text == "unlimited" {
            return Ok(Self(None));
        }
        Span::parse(&text)
            .map(|span| Self(Some(span)))
            .map_err(|_| {
                refused(
                    &text,
                    "a length of time such as \"90d\", or \"unlimited\": no account is disabled for want of use",
                )
            })
    }
}

/// A count: zero means zero, there is no negative one.
pub(super) struct Count(pub(super) u32);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let number = i64::deserialize(from)?;
        u32::try_from(number)
            .map(Self)
            .map_err(|_| refused(&number.to_string(), "a whole number from 0 to 4294967295"))
    }
}

/// A size with its unit written out.
pub(super) struct Bytes(u64);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        parse_bytes(&text)
            .map(Self)
            .ok_or_else(|| refused(&text, "a size such as \"4096 B\", \"256 KiB\" or \"1 MiB\""))
    }
}

fn parse_bytes(text: &str) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at_checked(digits)?;
    let factor: u64 = match unit.trim_start_matches(' ') {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// One address or a list of them.
struct Listen(Vec<SocketAddr>);

impl<'de> Deserialize<'de> for Listen {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ListenVisitor)
    }
}

struct ListenVisitor;

fn parse_address<E: de::Error>(text: &str) -> Result<SocketAddr, E> {
    text.parse().map_err(|_| refused(text, LISTEN_ACCEPTED))
}

const LISTEN_ACCEPTED: &str =
    "an address and a port such as \"0.0.0.0:2222\" or \"[::]:2222\", or a list of them";

impl<'de> Visitor<'de> for ListenVisitor {
    type Value = Listen;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(LISTEN_ACCEPTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Listen, E> {
        parse_address(text).map(|address| Listen(vec![address]))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Listen, A::Error> {
        let mut addresses = Vec::new();
        while let Some(text) = list.next_element::<String>()? {
            addresses.push(parse_address(&text)?);
        }
        Ok(Listen(addresses))
    }
}

/// Time servers; more than a few would be asked for nothing.
struct WrittenServers(Vec<NtpServer>);

const SERVERS: usize = 8;

impl<'de> Deserialize<'de> for WrittenServers {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(from)?;
        if names.len() > SERVERS {
            let accepted = format!("a list of at most {SERVERS} time servers");
            return Err(refused(&format!("{} names", names.len()), &accepted));
        }
        let server = |name: &String| {
            NtpServer::parse(name).ok_or_else(|| {
                refused(
                    name,
                    "a time server such as \"ntp.example.net\", \"192.0.2.1:123\" or \"[2001:db8::1]:123\"",
                )
            })
        };
        names.iter().map(server).collect::<Result<_, _>>().map(Self)
    }
}

fn refused<E: de::Error>(value: &str, accepted: &str) -> E {
    E::custom(format_args!(
        "{value:?} is not understood; accepted: {accepted}"
    ))
}
