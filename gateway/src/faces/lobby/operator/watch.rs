//! `watch`: what a technician sees, as it changes (I5, R11). The player shows it, on a screen alone.

use std::sync::Arc;

use super::live::cut;
use crate::deeds::accompany::accompany;
use crate::deeds::evidence::watch::{self, Watch, may_still_watch};
use crate::faces::lobby::desk::{Desk, Trouble, status};
use crate::faces::lobby::grammar;
use crate::faces::lobby::player::{Present, Stopped, how_it_ended, play};

/// `watch`
pub(crate) async fn watch(desk: &mut Desk<'_>, words: &[String]) -> Result<u32, Trouble> {
    let ask: Watch = grammar::parse(words)?;
    let on = desk.medium();
    let watching = watch::watch(desk.gateway, desk.visitor, ask, on).await?;
    // For as long as it is looked at, whether by this or not.
    let program = desk.terminal.program();
    let companion = accompany(desk.gateway, desk.visitor, &watching.session, program);
    let present = Present::new(Arc::clone(&watching.session), watching.channel);
    let present = present.counted_as(companion.worth());
    let may_look = |desk: &Desk<'_>| may_still_watch(desk.gateway, desk.visitor, &watching.client);
    let number = watching.number;
    let passing = Arc::clone(&watching.session);
    let stopped = play(desk, present, &may_look).await;
    drop(companion);
    let over = match stopped? {
        Stopped::Left { over: true } => {
            let how = how_it_ended(desk.gateway, desk.lang(), &passing);
            let args = [("number", number.into()), ("how", how.into())];
            desk.line("watch-over", &args).await?;
            return Ok(status::DONE);
        }
        // Asked once this one is gone.
        Stopped::Left { over: false } => {
            match (passing.waits_for_company(), passing.waits_by_hand()) {
                (true, _) => "watch-left-alone",
                (false, true) => "watch-left-held",
                (false, false) => "watch-left",
            }
        }
        Stopped::Cut => return cut(desk, &[number.to_string()]).await,
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
