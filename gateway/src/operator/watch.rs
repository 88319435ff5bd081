//! `watch`: what a technician sees, as it changes (I5, R11).
//!
//! The screen is drawn from the live journal by the recordings crate's terminal model and painter: an
//! operator sees what is on record, and no byte of the target reaches their terminal as it was.

use std::sync::Arc;

use ecluse_policy::{AsOperator, Refusal};

use super::elsewhere;
use super::live::{cut_now, tell};
use crate::admission::commands::Command;
use crate::admission::desk::{Desk, Trouble, arguments, status};
use crate::admission::player::{Present, Stopped, play};
use crate::admission::refused::refused;
use crate::admission::words::{Misuse, Takes};
use crate::audit::AuditKind;
use crate::clock;
use crate::live::orders::of_session;
use crate::live::{CutWhat, LiveSession};

/// `watch SESSION [CHANNEL]`
pub(crate) async fn watch(
    desk: &mut Desk<'_>,
    by: &AsOperator<'_>,
    command: &Command,
    words: &[String],
) -> Result<u32, Trouble> {
    let written = arguments(words, Takes::NOTHING, 2).and_then(|given| {
        let session = given
            .words
            .first()
            .ok_or(Misuse::Missing("usage-no-session"))?;
        let number = |word: &String| {
            word.trim_start_matches('#')
                .parse::<u64>()
                .map_err(|_| Misuse::NumberUnclear(word.clone()))
        };
        Ok((
            number(session)?,
            given.words.get(1).map(number).transpose()?,
        ))
    });
    let (number, channel) = match written {
        Ok(written) => written,
        Err(misuse) => return desk.misused(command, &misuse).await,
    };
    let Some(session) = desk.gateway.live.find(by, number) else {
        return elsewhere::watch(desk, by, command, number).await;
    };
    if let Some(wanted) = channel
        && !session
            .channels()
            .iter()
            .any(|channel| u64::from(channel.number) == wanted)
    {
        let channels = session
            .channels()
            .iter()
            .map(|channel| channel.number.to_string())
            .collect::<Vec<_>>()
            .join(", ");
        let args = [
            ("number", number.into()),
            ("channel", wanted.into()),
            ("channels", channels.into()),
        ];
        return desk.problem("auditor-no-such-channel", &args).await;
    }
    if desk.terminal.is_plain() {
        return desk.problem("common-needs-terminal", &[]).await;
    }
    // On record before anything is shown: who looked at what.
    let record = of_session(desk.record(AuditKind::Watch, clock::now()), &session).permitted();
    desk.gateway.store.record(&[record]).await?;
    let wanted = channel.and_then(|channel| u32::try_from(channel).ok());
    let present = Present::new(Arc::clone(&session), wanted);
    let may_look = |desk: &Desk<'_>| still_theirs(desk, &session);
    let over = match play(desk, present, &may_look).await? {
        Stopped::Left { over: true } => "watch-over",
        Stopped::Left { over: false } => "watch-left",
        Stopped::Cut => {
            let applied = desk.applied();
            let by = match desk.visitor.as_operator(&applied) {
                Ok(by) => by,
                Err(refusal) => return refused(desk, command, &refusal).await,
            };
            let cut = cut_now(desk, &by, CutWhat::Session(number), None).await;
            return tell(desk, &cut).await;
        }
        Stopped::Refused(refusal) => return desk.refused(&refusal).await,
        Stopped::Unreadable(problem) => {
            let problem = desk.gateway.texts.unreadable(desk.lang(), &problem);
            let args = [("number", number.into()), ("problem", problem.into())];
            return desk.problem("watch-recording-unreadable", &args).await;
        }
    };
    desk.line(over, &[("number", number.into())]).await?;
    Ok(status::DONE)
}

/// Whether the operator may still look, as the documents say now: a watch outlasts the right it began with.
fn still_theirs(desk: &Desk<'_>, session: &LiveSession) -> Result<(), Refusal> {
    let applied = desk.applied();
    let by = desk.visitor.as_operator(&applied)?;
    if *by.client() == session.facts().client {
        Ok(())
    } else {
        Err(Refusal::NotAnOperator)
    }
}
