//! What is theirs and cannot be shown as they asked, in words.

use super::desk::{Desk, Trouble};
use crate::deeds::evidence::{Channel, Unshown, Why};
use crate::deeds::moments;
use crate::store::Standing;
use crate::terminal::layout::shorten;
use crate::texts::{Unreadable, Value, harmless, times};

/// Says why, on standard error.
pub(super) async fn tell(desk: &mut Desk<'_>, unshown: &Unshown) -> Result<u32, Trouble> {
    let Unshown {
        number,
        standing,
        why,
    } = unshown;
    // Of one that is gone there is nothing else to say.
    if !matches!(why, Why::NotInTable) {
        stands(desk, *number, *standing).await?;
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
            let apart = apart(*standing).unwrap_or("auditor-session-not-in-table");
            desk.problem(apart, &[number]).await
        }
        Why::Lost { node } => {
            let args = [number, ("node", node.into())];
            desk.problem("watch-lost", &args).await
        }
    }
}

/// Says how what the table has of a session stands to what the log has, where the two are not known to be one.
pub(crate) async fn stands(
    desk: &mut Desk<'_>,
    number: u64,
    standing: Standing,
) -> Result<(), Trouble> {
    if let Some(apart) = apart(standing) {
        desk.line(apart, &[("number", number.into())]).await?;
    }
    Ok(())
}

const fn apart(standing: Standing) -> Option<&'static str> {
    match standing {
        Standing::OnRecord => None,
        Standing::NotKnownYet => Some("auditor-session-not-known-yet"),
        Standing::Contradicted => Some("auditor-session-not-on-record"),
        Standing::Gone => Some("auditor-session-not-in-table"),
    }
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
