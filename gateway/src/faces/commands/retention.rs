//! `ecluse retention`: what is kept until when and why, and the removal of what is due (R7, O9).
//!
//! What is due, [`ecluse_policy::retention`] decides. Here it is listed ([`inventory`]) and removed ([`removal`]), with a
//! record in the journal before anything goes.

mod inventory;
mod removal;
mod right_time;
#[cfg(test)]
mod tests;

use std::io::Write;

use clap::{Args, Subcommand};
use ecluse_policy::ClientId;
use ecluse_policy::documents::Regime;
use ecluse_policy::retention::Due;

use self::inventory::{Inventory, Kept, State, UNENDED};
use super::accounts::{row, table};
use super::carried::Carriers;
use super::{administrator, in_force};
use crate::clock;
use crate::faces::commands::out::Out;
use crate::settings::Settings;
use crate::store::Store;

/// What is kept until when and why; `remove` removes what is due.
///
/// Under the regime `mj` everything is kept until the service of its client has ended (`service-ended` in its document, or
/// the day when its document was taken out), and then for as long as `keep` says, a year at least; under `ext` (two months
/// at least) and `own` for as long as `keep` says after the session. What is past `longest` has to be removed, and is marked.
/// What is on hold, unsealed or damaged is never due. Traces that concern no client stay as long as those of any client.
#[derive(Debug, Args)]
pub(super) struct Retention {
    /// Of this client only.
    #[arg(long, global = true, value_name = "CLIENT")]
    client: Option<String>,
    #[command(subcommand)]
    command: Option<RetentionCommand>,
}

#[derive(Debug, Subcommand)]
enum RetentionCommand {
    Remove(Remove),
}

/// Remove what is due: recordings, and the words of the client's entries in the journal.
///
/// Each removal is on record before it is made. One that was interrupted is finished by the next run. What time it is, the clock
/// of this command does not decide alone: a gateway must have put its own time on record within the last two hours.
#[derive(Debug, Args)]
struct Remove {
    /// Only say what would be removed.
    #[arg(long)]
    dry_run: bool,
}

impl Retention {
    pub(super) async fn run(self, store: &Store, settings: &Settings) -> anyhow::Result<()> {
        let Self { client, command } = self;
        let client = client
            .map(|client| ClientId::parse(&client))
            .transpose()
            .map_err(anyhow::Error::msg)?;
        let applied = in_force(store).await?;
        if let Some(client) = &client {
            anyhow::ensure!(
                applied.documents.client(client).is_some()
                    || store.clients_on_record().await?.contains(client),
                "nothing is known of a client {client}"
            );
        }
        let now = clock::now();
        let carriers = Carriers::look(store, settings).await?;
        let inventory = Inventory::take(
            store,
            &applied.documents,
            &settings.recordings.directory,
            client.as_ref(),
            &carriers,
            now,
        )
        .await?;
        match command {
            None => show(&inventory, client.as_ref()),
            Some(RetentionCommand::Remove(Remove { dry_run: true })) => would_remove(&inventory),
            Some(RetentionCommand::Remove(Remove { dry_run: false })) => {
                if removal::is_anything_due(store, &inventory).await? {
                    right_time::check(store, settings, now).await?;
                }
                let removed = removal::remove(store, inventory, &administrator()).await?;
                let mut out = Out;
                for line in &removed.lines {
                    writeln!(out, "{}", ecluse_recordings::neutralise(line))?;
                }
                anyhow::ensure!(
                    removed.failed == 0,
                    "{} could not be removed; run this again once that is repaired",
                    removed.failed
                );
                Ok(())
            }
        }
    }
}

fn show(inventory: &Inventory, client: Option<&ClientId>) -> anyhow::Result<()> {
    let mut out = Out;
    if inventory.kept.is_empty() && inventory.strays.is_empty() {
        writeln!(out, "{}", nothing(inventory, client))?;
        return Ok(());
    }
    writeln!(out, "What is kept at {}.\n", inventory.at)?;
    let mut rows = vec![row([
        "SESSION",
        "CLIENT",
        "TARGET",
        "ENDED",
        "STATE",
        "KEPT UNTIL",
        "WHY",
    ])];
    for kept in &inventory.kept {
        let (until, why) = reason(kept, inventory);
        let ended = kept.ended.map_or_else(
            || no_end(&kept.state).to_owned(),
            |at| match kept.at_least {
                true => format!("≥ {at}"),
                false => at.to_string(),
            },
        );
        rows.push(row([
            &kept.number.to_string(),
            kept.client.as_str(),
            kept.target.as_str(),
            &ended,
            &kept.state.to_string(),
            &until,
            &why,
        ]));
    }
    writeln!(out, "{}", table(&rows))?;
    for kept in &inventory.kept {
        if kept.state == State::Unended {
            writeln!(out, "Session {}: {UNENDED}.", kept.number)?;
        }
    }
    for fault in &inventory.gone {
        writeln!(out, "{fault}; run: ecluse journal verify")?;
    }
    for (dir, state) in &inventory.strays {
        writeln!(
            out,
            "{}: {state}; no session of the store, so it is never removed here",
            ecluse_recordings::neutralise(dir.display().to_string())
        )?;
    }
    Ok(())
}

/// What stands for the end of a session that has none.
fn no_end(state: &State) -> &'static str {
    if *state == State::Live { "live" } else { "-" }
}

fn would_remove(inventory: &Inventory) -> anyhow::Result<()> {
    let mut lines: Vec<String> = inventory.kept.iter().filter_map(removal::plan).collect();
    for (client, words) in removal::words(inventory) {
        lines.push(match words {
            Ok(before) => {
                format!("would remove the words of {client}'s entries from before {before}")
            }
            Err(problem) => format!("keeps the words of {client}'s entries: {problem}"),
        });
    }
    if let Some(before) = inventory.nobody_before
        && inventory.contradicted.is_empty()
    {
        lines.push(format!(
            "would remove the words of entries that concern no client from before {before}"
        ));
    }
    if lines.is_empty() {
        lines.push("nothing is due".to_owned());
    }
    let mut out = Out;
    for line in &lines {
        writeln!(out, "{}", ecluse_recordings::neutralise(line))?;
    }
    Ok(())
}

/// What is said where there is no session: a head above no row tells nobody whether something was forgotten.
fn nothing(inventory: &Inventory, client: Option<&ClientId>) -> String {
    let Some(client) = client else {
        return format!("No session is kept at {}.", inventory.at);
    };
    let words = inventory.rules_of(client).map(|rules| {
        let keep = rules.told();
        match (rules.regime, rules.service_ended) {
            (Regime::Mj, None) => {
                format!("kept {keep} after its service, which goes on")
            }
            (Regime::Mj, Some(at)) if inventory.departed.contains(client) => {
                format!("kept {keep} from {at} on, since when no document names it")
            }
            (Regime::Mj, Some(at)) => {
                format!("kept {keep} after its service, which ended before {at}")
            }
            (Regime::Ext | Regime::Own, _) => format!("kept {keep} each"),
        }
    });
    let words = words.unwrap_or_else(|| {
        "kept: no document names it, and none that does reads any more".to_owned()
    });
    format!(
        "No session of {client} is kept at {}. The words of its entries in the journal are {words}.",
        inventory.at
    )
}

/// Until when something is kept, and why, in words.
fn reason(kept: &Kept, inventory: &Inventory) -> (String, String) {
    if kept.fault.is_some()
        && let Some(obstacle) = kept.state.obstacle()
    {
        return ("-".to_owned(), obstacle);
    }
    let Some(rules) = inventory.rules_of(&kept.client) else {
        return (
            "-".to_owned(),
            "no document names its client, and none that does reads any more: put it back, with service-ended under [retention]"
                .to_owned(),
        );
    };
    let told = rules.told();
    let ended = if inventory.departed.contains(&kept.client) {
        "no document names its client since"
    } else {
        "service ended before"
    };
    let because = || match (rules.regime, rules.service_ended) {
        (Regime::Mj, Some(at)) => format!("{ended} {at}, keep = {told}"),
        (Regime::Mj, None) => format!("the service goes on, keep = {told}"),
        (Regime::Ext | Regime::Own, _) => format!("regime = {}, keep = {told}", rules.regime),
    };
    match &kept.due {
        Due::LegalHold(why) => ("-".to_owned(), format!("legal hold: {why}")),
        Due::KeepUntilServiceEnds => (
            format!("{told} after the service"),
            "the service goes on".to_owned(),
        ),
        Due::KeepUntil(until) => (until.to_string(), because()),
        Due::Since(since) | Due::Overdue(since) => match kept.state.obstacle() {
            Some(obstacle) => ("-".to_owned(), obstacle),
            None => (format!("{} {since}", removal::how(&kept.due)), because()),
        },
    }
}
