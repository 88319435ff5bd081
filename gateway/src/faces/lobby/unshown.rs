//! What is theirs and cannot be shown as they asked, in words.

use super::desk::{Desk, Trouble};
use crate::deeds::evidence::{Channel, Unshown, Why};
use crate::deeds::moments;
use crate::terminal::layout::shorten;
use crate::texts::{Unreadable, Value, harmless, times};

/// Says why, on standard error.
pub(super) async fn tell(desk: &mut Desk<'_>, unshown: &Unshown) -> Result<u32, Trouble> {
    let Unshown {
        number,
        on_record,
        why,
    } = unshown;
    if !on_record {
        not_on_record(desk, *number).await?;
    }
    let number = ("number", (*number).into());
    let option = |option: &'static str| [("option", option.into())];
    match why {
        // Nobody here has the key: who has it is sent where it opens, not to somebody who has none either.
        Why::Unreadable(Unreadable::Locked) => {
            desk.problem("auditor-recording-locked", &[number]).await
        }
        Why::Unreadable(problem) => {
            let problem = desk.gateway.texts.unreadable(desk.lang(), problem);
            let args = [number, ("problem", problem.into())];
            desk.problem("auditor-recording-missing", &args).await
        }
        Why::NotYet(named) => desk.problem("replay-not-yet", &option(named)).await,
        Why::NotSealed(named) => {
            let args = [number, ("option", (*named).into())];
            desk.problem("replay-not-sealed", &args).await
        }
        Why::NoPace(named) => {
            desk.problem("replay-text-has-no-pace", &option(named))
                .await
        }
        Why::TwoPlaces => desk.problem("replay-one-place", &option("--at")).await,
        Why::Whole(named) => desk.problem("replay-unmask-is-whole", &option(named)).await,
        Why::NoChannel { channel, channels } => {
            let args = [number, ("channel", (*channel).into()), listed(channels)];
            desk.problem("auditor-no-such-channel", &args).await
        }
        Why::SeveralChannels(channels) => {
            let args = [number, listed(channels)];
            desk.problem("auditor-channels", &args).await
        }
        Why::Beyond {
            length,
            from,
            until,
        } => {
            let args = [
                ("length", moments::written(*length).into()),
                ("from", times::date_and_clock(*from).into()),
                ("until", times::date_and_clock(*until).into()),
            ];
            desk.problem("replay-beyond", &args).await
        }
        Why::NotIn(text) => {
            let args = [("text", harmless(text).into()), number];
            desk.problem("search-not-in", &args).await
        }
        Why::TooShort => too_short(desk).await,
        Why::InPassage => desk.problem("auditor-still-open-wait", &[number]).await,
        Why::BeingSealed => desk.problem("auditor-being-sealed-wait", &[number]).await,
        Why::NeedsScreen => desk.problem("common-needs-terminal", &[]).await,
        Why::Elsewhere { node, address } => {
            let port = match address.port() {
                22 => String::new(),
                port => format!("-p {port} "),
            };
            let command = format!(
                "ssh -t {port}{}@{} watch {}",
                desk.person(),
                address.host(),
                unshown.number
            );
            let args = [number, ("node", node.into()), ("command", command.into())];
            desk.problem("watch-elsewhere", &args).await
        }
        Why::NotInTable => {
            desk.problem("auditor-session-not-in-table", &[number])
                .await
        }
        Why::Lost { node } => {
            let args = [number, ("node", node.into())];
            desk.problem("watch-lost", &args).await
        }
    }
}

/// Says that the log has a session, and the table does not any more.
pub(crate) async fn not_in_table(desk: &mut Desk<'_>, number: u64) -> Result<(), Trouble> {
    let number = [("number", number.into())];
    desk.line("auditor-session-not-in-table", &number).await?;
    Ok(())
}

/// Says that the table has something else of a session than the log.
pub(crate) async fn not_on_record(desk: &mut Desk<'_>, number: u64) -> Result<(), Trouble> {
    let number = [("number", number.into())];
    desk.line("auditor-session-not-on-record", &number).await?;
    Ok(())
}

/// Says that what is looked for is too short.
pub(super) async fn too_short(desk: &mut Desk<'_>) -> Result<u32, Trouble> {
    let letters = [("letters", ecluse_recordings::search::SHORTEST.into())];
    desk.problem("search-too-short", &letters).await
}

/// `1 shell, 2 uptime`
fn listed(channels: &[Channel]) -> (&'static str, Value<'static>) {
    let shown = |channel: &Channel| match &channel.command {
        Some(command) => format!("{} {}", channel.number, shorten(command, 40)),
        None => format!("{} shell", channel.number),
    };
    let all: Vec<String> = channels.iter().map(shown).collect();
    ("channels", all.join(", ").into())
}
