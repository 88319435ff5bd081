//! `gateway.toml` into checked [`Settings`]: where the gateway listens, keeps its state, and how patient
//! it is. What people may do stands in the documents of clients and providers, never here.
//!
//! Every key has the safe default; an unknown key is refused, because a limit that is misspelt must not
//! look enforced. Relative paths are relative to the file itself.

mod limits;
mod signing_key;
mod time_server;
mod written;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};

use ecluse_policy::documents::{DocumentError, NodeRules};
use ecluse_policy::{HostPort, Lang, LockoutRule, Span};

use self::limits::Contradiction;
pub use self::limits::LimitSettings;
pub use self::signing_key::SigningKeySource;
pub use self::time_server::NtpServer;
use self::written::Written;

/// Errors of one file that are told: who has more has another file in hand.
const MOST_ERRORS: usize = 50;

/// Where the settings are when neither `--config` nor `ECLUSE_CONFIG` says otherwise.
pub const DEFAULT_FILE: &str = "/etc/ecluse/gateway.toml";

/// The whole of `gateway.toml`, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The file these settings come from.
    pub file: PathBuf,
    /// Language of messages to people the gateway does not know yet. Default: French.
    pub lang: Lang,
    /// Where the gateway keeps its state, its keys and, unless told otherwise, its recordings.
    /// Default: `/var/lib/ecluse`.
    pub data_dir: PathBuf,
    /// Which database holds the state. Default: SQLite, in the data directory.
    pub store: StoreAddress,
    /// The SSH door.
    pub ssh: SshSettings,
    /// How people reach this gateway, where that is not where it listens: for those who look from another node.
    pub address: Option<HostPort>,
    /// Factors and lockout.
    pub authentication: AuthenticationSettings,
    /// Requests that wait for the client.
    pub interventions: InterventionSettings,
    /// What strangers may cost.
    pub limits: LimitSettings,
    /// Where recordings are written.
    pub recordings: RecordingSettings,
    /// What the machine's clock is compared with.
    pub clock: ClockSettings,
    /// The journal and the key that signs.
    pub journal: JournalSettings,
    /// How much may leave through this gateway, where no document says it, and in a day. Default: nothing is said.
    pub extraction: NodeRules,
}

/// Which database holds the state.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreAddress {
    /// One file, `ecluse.db`, in the data directory.
    Sqlite,
    /// A PostgreSQL server, as `postgres://user:password@host/database`.
    Postgres(String),
}

/// Does not show the password of the database.
impl std::fmt::Debug for StoreAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "Sqlite",
            Self::Postgres(_) => "Postgres(…)",
        })
    }
}

/// `[ssh]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshSettings {
    /// Addresses the SSH door listens on. Default: `127.0.0.1:2222`, this machine only.
    pub listen: Vec<SocketAddr>,
    /// Addresses of a door of the operators' and auditors' own (F4); everybody comes by `listen` where there are none.
    pub operators_listen: Vec<SocketAddr>,
    /// The gateway's own host key, made at the first start. Default: `keys/ssh_host_ed25519_key` in the
    /// data directory.
    pub host_key: PathBuf,
    /// The authority that signs what the gateway is to whoever jumps to a target, made at the first start. Default:
    /// `keys/ssh_host_ca_ed25519_key` in the data directory.
    pub host_ca: PathBuf,
    /// What everybody is told before logging on; none where the setting is empty. Default: in the gateway's language, that
    /// access is reserved and recorded.
    pub banner: Banner,
}

/// The words before a log-on. They reach strangers: no name stands in them but those that the administrator writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Banner {
    /// The gateway's own, in its language.
    Usual,
    /// These, in lines; none when empty.
    Written(String),
}

/// `[authentication]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticationSettings {
    /// How long a proven second factor is remembered for the same person, key, station, source and client.
    /// Default: `0s`, a code at every login.
    pub remember: Span,
    /// After what time without use a technician's account is disabled (A8); none: never. Default: `90d`.
    pub unused: Option<Span>,
    /// Who is blocked after how many failures (A6).
    pub lockout: LockoutRules,
}

/// The lockout of persons and of addresses (A6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockoutRules {
    /// Of a person: `failures`, by default 3, and `block`, by default `30m`.
    pub person: LockoutRule,
    /// Of a source address: `source-failures`, by default 30, because technicians share addresses, and
    /// `source-block`, by default `30m`.
    pub source: LockoutRule,
}

/// `[interventions]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterventionSettings {
    /// How long a request waits for an answer. Default: `1h`.
    pub pending_expires: Span,
    /// Requests of one person that may wait at once. Default: 3.
    pub waiting_per_person: u32,
    /// Requests that may wait at once in all. Default: 256.
    pub waiting_in_all: u32,
    /// Requests that one person may make within an hour. Default: 60.
    pub requests_per_hour: u32,
}

/// `[recordings]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingSettings {
    /// Default: `recordings` in the data directory.
    pub directory: PathBuf,
    /// How much room they need.
    pub space: SpaceBounds,
}

/// Room on the file system of the recordings, in bytes. Zero: never told, never refused, nothing kept aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpaceBounds {
    /// With less, operators are told. Default: `2 GiB`.
    pub warn_below: u64,
    /// With less, no session begins. Default: `512 MiB`.
    pub refuse_below: u64,
    /// Kept aside for closing recordings on a full disk. Default: `64 MiB`.
    pub reserve: u64,
}

/// `[clock]`: time servers that the machine's clock is compared with (R6, N7). The gateway never sets it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClockSettings {
    /// Asked at the start, every quarter of an hour and after a jump; two at least for one to be checked by the
    /// other. Default: none, and the offset is then on record as unknown.
    pub servers: Vec<NtpServer>,
}

/// `[journal]`: under which name and with which key recordings and checkpoints are signed (R3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalSettings {
    /// The name of the log. Default: `ecluse-` and the store's id; it stays once checkpoints bear it.
    pub origin: Option<String>,
    /// Where the signing key is. Default: `store`.
    pub signing_key: SigningKeySource,
}

/// What is wrong with `gateway.toml`: file, line, key, and what would be accepted.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("{}: cannot be read ({error}); name the settings with --config FILE or ECLUSE_CONFIG", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file can be read, a value cannot.
    #[error("{}:{line}: {key}{problem}", file.display())]
    Invalid {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key with `: ` after it, or nothing where no key could be named.
        key: String,
        /// The problem, and what would be accepted.
        problem: String,
    },
    /// Several values cannot be read: a line each.
    #[error("{}", lines(.0))]
    Several(Vec<SettingsError>),
}

fn lines(errors: &[SettingsError]) -> String {
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

impl Settings {
    /// Reads and checks the settings of `file`.
    ///
    /// # Errors
    /// All that is wrong, each with its line.
    pub fn read(file: &Path) -> Result<Self, SettingsError> {
        let text = std::fs::read_to_string(file).map_err(|error| SettingsError::Unreadable {
            file: file.to_owned(),
            error,
        })?;
        let absolute = std::path::absolute(file).map_err(|error| SettingsError::Unreadable {
            file: file.to_owned(),
            error,
        })?;
        Self::parse(&absolute, &text)
    }

    /// Checks the text of a settings file; `file` names it in errors and is what paths are relative to.
    ///
    /// # Errors
    /// All that is wrong, each with its line.
    pub fn parse(file: &Path, text: &str) -> Result<Self, SettingsError> {
        let written = every_error(file, text)?;
        let base = file.parent().unwrap_or(Path::new("."));
        let extraction = NodeRules::parse(&file.display().to_string(), text)
            .map_err(|errors| of_documents(file, errors))?;
        written
            .checked(file, base, extraction)
            .map_err(|contradiction| contradicted(file, text, contradiction))
    }

    /// The parts of the file as they are written, by their names: to tell which ones changed. They may hold passwords.
    ///
    /// # Errors
    /// The file does not read any more.
    pub fn parts(&self) -> Result<BTreeMap<String, String>, SettingsError> {
        let file = &self.file;
        let text = std::fs::read_to_string(file).map_err(|error| SettingsError::Unreadable {
            file: file.clone(),
            error,
        })?;
        // What does not parse was refused before this.
        let table: toml::Table = toml::from_str(&text).unwrap_or_default();
        Ok(table
            .into_iter()
            .map(|(name, value)| (name, value.to_string()))
            .collect())
    }

    /// How operators reach this gateway: as the settings say, else where its door listens; where that is everywhere, by the
    /// machine's own name. None where that name is no host's.
    pub fn address(&self) -> Option<HostPort> {
        if let Some(address) = &self.address {
            return Some(address.clone());
        }
        let doors = self.ssh.operators_listen.iter().chain(&self.ssh.listen);
        let door = doors.copied().next()?;
        let text = if door.ip().is_unspecified() {
            let host = rustix::system::uname()
                .nodename()
                .to_string_lossy()
                .into_owned();
            format!("{host}:{}", door.port())
        } else {
            door.to_string()
        };
        HostPort::parse(&text).ok()
    }

    /// The directory of the gateway's own keys.
    pub fn keys_dir(&self) -> PathBuf {
        self.data_dir.join("keys")
    }
}

/// Reads `text`; the parser stops at the first error, so what that was about is taken out and the rest read again.
fn every_error(file: &Path, text: &str) -> Result<Written, SettingsError> {
    let mut errors = Vec::new();
    let mut rest = text.to_owned();
    loop {
        let error = match toml::from_str::<Written>(&rest) {
            Ok(written) if errors.is_empty() => return Ok(written),
            Ok(_) => break,
            Err(error) => error,
        };
        // What was taken out may leave no TOML behind, which nobody wrote.
        let is_toml = toml::from_str::<toml::Table>(&rest).is_ok();
        if !is_toml && !errors.is_empty() {
            break;
        }
        let at = error.span().unwrap_or(0..0);
        errors.push(SettingsError::Invalid {
            file: file.to_owned(),
            line: line_of(&rest, at.start),
            key: key_at(&rest, &at)
                .map(|key| format!("{key}: "))
                .unwrap_or_default(),
            problem: problem(&error),
        });
        match without(&rest, &at) {
            Some(less) if is_toml && errors.len() < MOST_ERRORS => rest = less,
            Some(_) | None => break,
        }
    }
    Err(match errors.pop() {
        Some(only) if errors.is_empty() => only,
        last => {
            errors.extend(last);
            SettingsError::Several(errors)
        }
    })
}

/// `text` with the lines of what stands at `at` left empty: a key with its value, or a whole table; none where that changes
/// nothing.
fn without(text: &str, at: &Range<usize>) -> Option<String> {
    let is_header = |line: &&str| line.trim_start().starts_with('[');
    let mut lines: Vec<&str> = text.split('\n').collect();
    let (first, last) = (line_of(text, at.start) - 1, line_of(text, at.end) - 1);
    let last = if lines.get(first).is_some_and(is_header) {
        let more = lines.iter().skip(first + 1).position(is_header);
        more.map_or(lines.len() - 1, |more| first + more)
    } else {
        last
    };
    for line in lines.get_mut(first..=last)? {
        *line = "";
    }
    let less = lines.join("\n");
    (less != text).then_some(less)
}

/// What policy says of the part that it reads.
fn of_documents(file: &Path, errors: Vec<DocumentError>) -> SettingsError {
    let invalid = |error: DocumentError| {
        let DocumentError {
            file: _,
            line,
            key,
            problem,
            accepted,
        } = error;
        let accepted = match accepted.as_str() {
            "" => accepted,
            _ => format!("; accepted: {accepted}"),
        };
        SettingsError::Invalid {
            file: file.to_owned(),
            line: line
                .and_then(|line| usize::try_from(line).ok())
                .unwrap_or(1),
            key: format!("{key}: "),
            problem: format!("{problem}{accepted}"),
        }
    };
    let mut errors: Vec<SettingsError> = errors.into_iter().map(invalid).collect();
    match errors.pop() {
        Some(only) if errors.is_empty() => only,
        last => {
            errors.extend(last);
            SettingsError::Several(errors)
        }
    }
}

/// An error about a key that reads by itself and contradicts another.
fn contradicted(file: &Path, text: &str, contradiction: Contradiction) -> SettingsError {
    let Contradiction {
        table,
        key,
        problem,
    } = contradiction;
    let named = format!("{table}.{key}");
    let mut offset = 0;
    let line = text.lines().position(|line| {
        let at = offset..offset;
        offset += line.len() + 1;
        key_at(text, &at).as_ref() == Some(&named)
    });
    SettingsError::Invalid {
        file: file.to_owned(),
        // A key that contradicts another is written.
        line: line.map_or(1, |line| line + 1),
        key: format!("{named}: "),
        problem,
    }
}

/// The parser's words, on one line and with what it would accept set apart as everywhere else.
fn problem(error: &toml::de::Error) -> String {
    let text = error.message().replace('\n', "; ");
    text.replace(", expected ", "; accepted: ")
}

fn line_of(text: &str, offset: usize) -> usize {
    text.get(..offset).unwrap_or(text).matches('\n').count() + 1
}

/// The key that `at` is in, with its table: `ssh.listen`.
///
/// The parser gives a place, not a key; the place is a key or its value, so the key stands at the
/// beginning of the line (or of an earlier one, in a list over several lines).
fn key_at(text: &str, at: &Range<usize>) -> Option<String> {
    let line_end = text
        .get(at.start..)?
        .find('\n')
        .map_or(text.len(), |more| at.start + more);
    let mut key = None;
    let mut table = None;
    for line in text.get(..line_end)?.lines() {
        let line = line.trim();
        if let Some(header) = line
            .strip_prefix('[')
            .and_then(|rest| rest.split(']').next())
            && !line.contains('"')
        {
            table = Some(header.trim_matches(['[', ' ']).to_owned());
            key = None;
        } else if let Some((before, _)) = line.split_once('=')
            && !line.starts_with('#')
        {
            key = Some(before.trim().to_owned());
        }
    }
    match (table, key) {
        (Some(table), Some(key)) => Some(format!("{table}.{key}")),
        (None, key) => key,
        (table, None) => table,
    }
}

#[cfg(test)]
mod tests;
