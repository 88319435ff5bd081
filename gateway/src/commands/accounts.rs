//! `ecluse accounts`: every account, role, privilege and mechanism (A9), and every credential (O8).

use std::collections::BTreeMap;
use std::io::Write;

use clap::Args;
use ecluse_policy::documents::{Networks, Stations};
use ecluse_policy::{PersonId, PersonRef, PublicKey};
use ecluse_recordings::neutralise;

use super::in_force;
use crate::clock;
use crate::store::{Enrolment, Store};

/// List every account with its role, its state and its means of authentication, every station, and every
/// target's credential.
///
/// Whose account an entry is stands first; a person without a second factor cannot log in.
#[derive(Debug, Args)]
pub(super) struct Accounts {}

impl Accounts {
    pub(super) async fn run(&self, store: &Store) -> anyhow::Result<()> {
        let Self {} = self;
        let applied = in_force(store).await?;
        let documents = &applied.documents;
        let enrolments: BTreeMap<PersonId, Enrolment> = store
            .enrolments()
            .await?
            .into_iter()
            .map(|enrolment| (enrolment.person.clone(), enrolment))
            .collect();
        let now = clock::now();

        let mut people = vec![row([
            "PERSON",
            "NAME",
            "ROLE",
            "STATE",
            "KEYS",
            "SECOND FACTOR",
        ])];
        for person in documents.people() {
            let state = match person.in_force(now) {
                Ok(()) => "in force".to_owned(),
                Err(ended) => ended.to_string(),
            };
            let factor = factor(enrolments.get(person.id()));
            people.push(row([
                person.id().as_str(),
                person.name(),
                &role(person),
                &state,
                &keys(person.keys()),
                &factor,
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

        let mut out = std::io::stdout().lock();
        writeln!(
            out,
            "Accounts at {now}, documents version {}.\n",
            applied.version
        )?;
        writeln!(
            out,
            "{}\n{}\n{}",
            table(&people),
            table(&stations),
            table(&credentials)
        )?;
        writeln!(
            out,
            "Technicians prove a station's key, their own key or certificate, and a one-time password (TOTP, RFC 6238,"
        )?;
        writeln!(
            out,
            "six digits, HMAC-SHA-1); operators and auditors their own key and a one-time password. No password opens an account."
        )?;
        Ok(())
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
    fn columns_stand_under_one_another_and_hold_nothing_a_terminal_obeys() {
        let text = table(&[row(["A", "B"]), row(["long", "x\x1b[2J"]), row(["é", "y"])]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("A     B"));
        assert!(lines[2].starts_with("é     y"));
        assert!(!text.contains('\x1b'));
    }
}
