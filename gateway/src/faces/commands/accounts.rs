//! `ecluse accounts`: every account, role, privilege and mechanism (A9), and every credential (O8); and the two acts that
//! open an account again (A6, A8).

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Context;
use clap::{Args, Subcommand};
use ecluse_policy::documents::{Networks, Stations};
use ecluse_policy::identity::{Disuse, disuse};
use ecluse_policy::{PersonId, PersonRef, PublicKey, Span, Timestamp};
use ecluse_recordings::neutralise;

use super::{administrator, in_force};
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::faces::commands::out::{Out, outln};
use crate::settings::{AuthenticationSettings, Settings};
use crate::store::{Applied, Block, Blocked, Enrolment, Store};
use crate::terminal::layout;

/// The width of a terminal that nobody has made wider.
const COLUMNS: usize = 80;

/// List every account with its role, its state and its means of authentication, every station, and every
/// target's credential.
///
/// Whose account an entry is stands first; a person without a second factor cannot log in. The state says who is
/// blocked by wrong codes and until when, and who has not used their account for the time that the settings name:
/// technicians are disabled then, operators and auditors are only listed.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Accounts {
    /// A line for each entry, however long, instead of a block.
    #[arg(long)]
    wide: bool,
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// End the block that wrong codes brought upon a person, on record; the operators concerned are told.
    ///
    /// What was counted against the address they come from stays.
    Unlock {
        /// The person's id.
        #[arg(value_name = "PERSON", value_parser = PersonId::parse)]
        person: PersonId,
    },
    /// Enable a technician's account again that was not used for too long, on record; the operators concerned are
    /// told.
    ///
    /// An account that its document disables, or whose time is over, is enabled in that document.
    Enable {
        /// The person's id.
        #[arg(value_name = "PERSON", value_parser = PersonId::parse)]
        person: PersonId,
    },
}

impl Accounts {
    pub(super) async fn run(&self, store: &Store, settings: &Settings) -> anyhow::Result<()> {
        match &self.act {
            None => list(store, &settings.authentication, self.wide).await,
            Some(Act::Unlock { person }) => unlock(store, person).await,
            Some(Act::Enable { person }) => enable(store, &settings.authentication, person).await,
        }
    }
}

async fn unlock(store: &Store, person: &PersonId) -> anyhow::Result<()> {
    let applied = in_force(store).await?;
    known(&applied, person)?;
    let at = clock::now();
    let blocks = store.blocks(at).await?;
    let Some(block) = blocks.iter().find(|block| is_of(block, person)) else {
        anyhow::bail!(
            "{person} is not blocked; if they are told so, their address is: see the blocked addresses of: ecluse accounts"
        );
    };
    store
        .record(&[record(AuditKind::LockoutLifted, person, at)])
        .await?;
    outln!(
        "{person} may log on again; they were blocked until {}.",
        block.until
    );
    Ok(())
}

async fn enable(
    store: &Store,
    settings: &AuthenticationSettings,
    person: &PersonId,
) -> anyhow::Result<()> {
    let applied = in_force(store).await?;
    let found = known(&applied, person)?;
    let at = clock::now();
    let Some(enrolment) = store.enrolment(person).await? else {
        anyhow::bail!("{person} is not enrolled; run: ecluse enroll {person}");
    };
    let since = match disuse(found, &enrolment.usage, settings.unused, at) {
        Disuse::Disabled { since } => since,
        Disuse::InUse | Disuse::Listed { .. } => {
            anyhow::bail!(match found.in_force(at) {
                Err(ended) =>
                    format!("{ended}; change that in its document, then run: ecluse apply DIR"),
                Ok(()) => format!("{person} is not disabled; nothing was changed"),
            });
        }
    };
    store
        .enable_account(person, at, &[record(AuditKind::AccountEnabled, person, at)])
        .await?;
    outln!("{person} may log on again; the account had not been used since {since}.");
    Ok(())
}

fn known<'a>(applied: &'a Applied, person: &PersonId) -> anyhow::Result<PersonRef<'a>> {
    applied.documents.person(person).with_context(|| {
        format!(
            "{person} is not in the documents in force (version {}); see: ecluse accounts",
            applied.version
        )
    })
}

fn record(kind: AuditKind, person: &PersonId, at: Timestamp) -> AuditRecord {
    AuditRecord::new(kind, at)
        .person(person)
        .detail("by", administrator())
}

async fn list(store: &Store, settings: &AuthenticationSettings, wide: bool) -> anyhow::Result<()> {
    let applied = in_force(store).await?;
    let documents = &applied.documents;
    let enrolments: BTreeMap<PersonId, Enrolment> = store
        .enrolments()
        .await?
        .into_iter()
        .map(|enrolment| (enrolment.person.clone(), enrolment))
        .collect();
    let now = clock::now();
    let blocks = store.blocks(now).await?;

    let mut people = vec![row([
        "PERSON",
        "NAME",
        "ROLE",
        "STATE",
        "EXPIRES",
        "LAST LOG-ON",
        "KEYS",
        "SECOND FACTOR",
    ])];
    for person in documents.people() {
        let enrolment = enrolments.get(person.id());
        let block = blocks.iter().find(|block| is_of(block, person.id()));
        people.push(row([
            person.id().as_str(),
            person.name(),
            &role(person),
            &state(person, enrolment, block, settings.unused, now),
            &person
                .expires()
                .map_or_else(|| "never".to_owned(), Timestamp::last_day),
            &enrolment
                .and_then(|enrolment| enrolment.usage.logged_on_at)
                .map_or_else(|| "never".to_owned(), |at| at.to_string()),
            &keys(person.keys()),
            &factor(enrolment),
        ]));
    }
    let mut stations = vec![row(["STATION", "PROVIDER", "STATE", "KEYS", "NETWORKS"])];
    for (provider, station) in documents.stations() {
        let state = if station.disabled {
            "disabled"
        } else {
            "in force"
        };
        let networks: Vec<String> = station.networks.iter().map(ToString::to_string).collect();
        let networks = if networks.is_empty() {
            "nowhere".to_owned()
        } else {
            networks.join(" ")
        };
        stations.push(row([
            station.id.as_str(),
            provider.id.as_str(),
            state,
            &keys(&station.keys),
            &networks,
        ]));
    }
    let mut credentials = vec![row(["TARGET", "ACCOUNT", "CREDENTIAL", "SET", "BY"])];
    for entry in store.credentials().await? {
        let (kind, at) = (entry.kind.to_string(), entry.set_at.to_string());
        credentials.push(row([
            entry.target.as_str(),
            entry.account.as_str(),
            &kind,
            &at,
            &entry.set_by,
        ]));
    }

    let shown = if wide { table } else { as_blocks };
    let mut out = Out;
    writeln!(
        out,
        "Accounts at {now}, documents version {}.\n",
        applied.version
    )?;
    writeln!(
        out,
        "{}\n{}\n{}",
        shown(&people),
        shown(&stations),
        shown(&credentials)
    )?;
    for Block { of, until } in &blocks {
        if let Blocked::Source(address) = of {
            writeln!(
                out,
                "Blocked by wrong codes: everybody who comes from {address}, until {until}."
            )?;
        }
    }
    writeln!(
        out,
        "Technicians prove a station's key, their own key or certificate, and a one-time"
    )?;
    writeln!(
        out,
        "password (TOTP, RFC 6238, six digits, HMAC-SHA-1); operators and auditors their\nown key and a one-time password. No password opens an account."
    )?;
    Ok(())
}

fn is_of(block: &Block, person: &PersonId) -> bool {
    matches!(&block.of, Blocked::Person(name) if name == person.as_str())
}

/// What stands in the way of a log-on, first what the documents say.
fn state(
    person: PersonRef<'_>,
    enrolment: Option<&Enrolment>,
    block: Option<&Block>,
    unused: Option<Span>,
    now: Timestamp,
) -> String {
    if let Err(ended) = person.in_force(now) {
        return ended.to_string();
    }
    let used = enrolment.map(|enrolment| disuse(person, &enrolment.usage, unused, now));
    let state = match used {
        Some(Disuse::Disabled { since }) => {
            format!(
                "disabled: not used since {since}; ecluse accounts enable {}",
                person.id()
            )
        }
        Some(Disuse::Listed { since }) => format!("in force, not used since {since}"),
        Some(Disuse::InUse) | None => "in force".to_owned(),
    };
    match block {
        Some(Block { until, .. }) => format!("{state}, blocked by wrong codes until {until}"),
        None => state,
    }
}

fn role(person: PersonRef<'_>) -> String {
    match person {
        PersonRef::Technician {
            provider,
            technician,
        } => {
            let from = match &technician.stations {
                Stations::All => "any station".to_owned(),
                Stations::Listed(stations) if stations.is_empty() => "no station".to_owned(),
                Stations::Listed(stations) => stations
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(" "),
            };
            format!("technician of {} from {from}", provider.id)
        }
        PersonRef::Operator { client, operator } => {
            format!("operator of {}{}", client.id, from(&operator.networks))
        }
        PersonRef::Auditor { client, auditor } => {
            let masked = if auditor.unmask {
                ", sees masked input"
            } else {
                ""
            };
            format!(
                "auditor of {}{}{masked}",
                client.id,
                from(&auditor.networks)
            )
        }
    }
}

fn from(networks: &Networks) -> String {
    match networks {
        Networks::Anywhere => " from anywhere".to_owned(),
        Networks::Listed(listed) if listed.is_empty() => " from nowhere".to_owned(),
        Networks::Listed(listed) => {
            let listed: Vec<String> = listed.iter().map(ToString::to_string).collect();
            format!(" from {}", listed.join(" "))
        }
    }
}

fn keys(keys: &[PublicKey]) -> String {
    if keys.is_empty() {
        return "none".to_owned();
    }
    keys.iter()
        .map(|key| format!("{} {}", key.algorithm(), key.fingerprint()))
        .collect::<Vec<_>>()
        .join(", ")
}

fn factor(enrolment: Option<&Enrolment>) -> String {
    match enrolment {
        None => "not enrolled".to_owned(),
        Some(Enrolment {
            disabled_at: Some(at),
            ..
        }) => format!("disabled since {at}"),
        Some(enrolment) => format!(
            "TOTP since {} by {}",
            enrolment.confirmed_at, enrolment.confirmed_by
        ),
    }
}

pub(super) type Cells = Vec<String>;

/// One line of [`table`]; nothing in it reaches a terminal raw.
pub(super) fn row<const N: usize>(cells: [&str; N]) -> Cells {
    cells.iter().map(neutralise).collect()
}

/// The first line gives the heads; each other one becomes a block of lines that fit [`COLUMNS`].
fn as_blocks(rows: &[Cells]) -> String {
    let Some((heads, rows)) = rows.split_first() else {
        return String::new();
    };
    let widest = heads.iter().map(|head| head.chars().count()).max();
    let widest = widest.unwrap_or_default();
    let mut text = String::new();
    for row in rows {
        for (at, (head, cell)) in heads.iter().zip(row).enumerate() {
            let (indent, head) = if at == 0 {
                ("", head.clone())
            } else {
                ("  ", head.to_lowercase())
            };
            let head = layout::pad(&format!("{indent}{head}"), widest + 2);
            for line in layout::wrap(&format!("{head}  {cell}"), COLUMNS, widest + 2) {
                text.push_str(line.trim_end());
                text.push('\n');
            }
        }
        text.push('\n');
    }
    text
}

/// Lines with columns as wide as their widest cell.
pub(super) fn table(rows: &[Cells]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            let length = cell.chars().count();
            match widths.get_mut(column) {
                Some(width) => *width = length.max(*width),
                None => widths.push(length),
            }
        }
    }
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}", width = *width))
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_fit_a_terminal_and_lose_nothing() {
        let key = format!("ssh-ed25519 SHA256:{}", "x".repeat(43));
        let keys = [key.as_str(), &key].join(", ");
        let rows = [
            row(["PERSON", "STATE", "KEYS", "SECOND FACTOR"]),
            row(["alice", &"in force ".repeat(20), &keys, "not enrolled"]),
        ];
        let text = as_blocks(&rows);
        assert!(
            text.lines().all(|line| layout::width(line) <= COLUMNS),
            "{text}"
        );
        assert!(text.starts_with("PERSON"));
        assert_eq!(text.matches(&key).count(), 2, "{text}");
        assert_eq!(text.matches("in force").count(), 20, "{text}");
        assert!(text.contains("  second factor  not enrolled"), "{text}");
    }

    #[test]
    fn columns_stand_under_one_another_and_hold_nothing_a_terminal_obeys() {
        let text = table(&[row(["A", "B"]), row(["long", "x\x1b[2J"]), row(["é", "y"])]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("A     B"));
        assert!(lines[2].starts_with("é     y"));
        assert!(!text.contains('\x1b'));
    }
}
