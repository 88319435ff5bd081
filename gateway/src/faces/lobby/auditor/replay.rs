//! `replay`: a recording on a screen of its own, or as text where there is no terminal.

use ecluse_policy::Span;

use super::patience::patiently;
use super::transcript;
use crate::deeds::evidence::may_still_read;
use crate::deeds::evidence::replay::{self, Replay, State, What};
use crate::deeds::{Undone, Wants};
use crate::faces::lobby::commands::Command;
use crate::faces::lobby::desk::{Desk, Trouble, status};
use crate::faces::lobby::player::{Recorded, Stopped, play};
use crate::faces::lobby::unshown::stands;
use crate::faces::lobby::{grammar, step_up};
use crate::texts::{Unreadable, times};

/// `replay`; asks for a code where one is wanted.
pub(crate) async fn replay(
    desk: &mut Desk<'_>,
    command: &Command,
    words: &[String],
) -> Result<u32, Trouble> {
    let ask: Replay = grammar::parse(words)?;
    let (house, by, on) = (desk.gateway, desk.visitor, desk.medium());
    let mut done = patiently(desk, replay::replay(house, by, &ask, on)).await?;
    if let Err(Undone::Wants(Wants::Code(refusal))) = &done {
        if let Some(status) = step_up::code(desk, command, words, refusal).await? {
            return Ok(status);
        }
        done = patiently(desk, replay::replay(house, by, &ask, on)).await?;
    }
    let (replaying, what) = done?;
    let number = [("number", replaying.number.into())];
    stands(desk, replaying.number, replaying.standing).await?;
    match replaying.state {
        State::Sealed => {}
        State::CutShort => desk.line("auditor-cut-short", &[]).await?,
        State::InPassage => desk.line("auditor-still-open", &number).await?,
        State::BeingSealed => desk.line("auditor-being-sealed", &number).await?,
    }
    let recorded = match what {
        What::Text(recording, part) => {
            let looked_for = ask.find.as_deref();
            return transcript::print(desk, &replaying, &recording, *part, looked_for).await;
        }
        What::Screen(playback, markers, length) => {
            let who = format!(
                "{} · {}@{}",
                replaying.person, replaying.account, replaying.target
            );
            Recorded::new(*playback, replaying.at, markers, length, who)
                .map(|recorded| recorded.cut_short(replaying.state == State::CutShort))
        }
    };
    let problem = match recorded {
        Ok(recorded) => {
            let may_look = |desk: &Desk<'_>| {
                may_still_read(desk.gateway, desk.visitor, &replaying.client, false)
            };
            match play(desk, recorded, &may_look).await? {
                Stopped::Left { .. } | Stopped::Cut => return Ok(status::DONE),
                Stopped::Refused(refusal) => return desk.refused(&refusal).await,
                Stopped::Unreadable(problem) => problem,
            }
        }
        Err(error) => Unreadable::from(error),
    };
    let at = times::countdown(desk.lang(), Span::ZERO);
    let problem = desk.gateway.texts.unreadable(desk.lang(), &problem);
    let args = [("at", at.into()), ("problem", problem.into())];
    desk.problem("auditor-damaged", &args).await
}
