//! Waiting beside an intervention: one live line, and a line above it for each thing that happens.

use std::time::Duration;

use ecluse_policy::intervention::{Grant, Intervention, State};
use ecluse_policy::{InterventionNumber, PersonId, Refusal, Timestamp};
use tokio::time::{MissedTickBehavior, interval_at};

use super::super::desk::{Desk, Trouble};
use super::super::{shown, standing};
use super::Room;
use crate::clock;
use crate::deeds::Undone;
use crate::deeds::news::Beside;
use crate::deeds::requests::{self, Cancel};
use crate::passage::entry;
use crate::terminal::{Event, Key};
use crate::texts::times;

/// How often the live line moves.
const TICK: Duration = Duration::from_secs(1);
/// On a terminal without a live line: when a line says that the wait goes on.
const SPARINGLY: Duration = Duration::from_secs(300);

/// What a wait for one intervention came to.
pub(super) enum Waited {
    /// Something changed that policy must look at again.
    LookAgain,
    /// They left before there was an answer.
    Left,
    /// Told; nothing is left to wait for.
    Over,
}

impl Room {
    pub(super) async fn wait_for(
        &mut self,
        desk: &mut Desk<'_>,
        number: InterventionNumber,
    ) -> Result<Waited, Trouble> {
        let mut documents = desk.gateway.documents.clone();
        let mut tick = interval_at(tokio::time::Instant::now() + TICK, TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut said = clock::monotonic();
        let Some(mut beside) = Beside::begin(desk.gateway, number).await? else {
            desk.problem("room-gone", &[("number", number.to_string().into())])
                .await?;
            return Ok(Waited::Over);
        };
        self.show(desk, &beside.intervention, false).await?;
        let client = beside.intervention.request().client.clone();
        let mut posture = standing::posture_of(desk, &client);
        // One key alone takes nothing back that people have answered for.
        let mut sure = false;
        loop {
            let intervention = &beside.intervention;
            if let Some(waited) = self.news(desk, intervention).await? {
                desk.terminal.end_status().await?;
                return Ok(waited);
            }
            let now = clock::now();
            let line = match sure {
                true => desk.say("room-status-cancel-sure", &[]),
                false => status_line(desk, intervention, now),
            };
            desk.terminal.status(&line).await?;
            if desk.terminal.is_plain() && said.elapsed() >= SPARINGLY {
                said = clock::monotonic();
                desk.terminal.line(&line).await?;
            }
            tokio::select! {
                event = desk.terminal.event() => match event? {
                    Event::Key(Key::Char('q' | 'Q')) if !sure && begins(intervention).is_none() => {
                        sure = true;
                        // What has no live line is asked in a line.
                        if desk.terminal.is_plain() {
                            desk.line("room-status-cancel-sure", &[]).await?;
                        }
                    }
                    Event::Key(Key::Char('q' | 'Q') | Key::Control('c' | 'd')) => {
                        desk.terminal.end_status().await?;
                        return self.leave(desk, intervention).await;
                    }
                    // `ssh -tt … < /dev/null` can still wait; it just cannot cancel.
                    Event::Key(_) => sure = false,
                    Event::Resize(_) | Event::Eof => {}
                },
                _ = tick.tick() => {
                    // A planned start is an event that no change of the store announces.
                    if begins(intervention).is_some_and(|start| start <= clock::now()) {
                        desk.terminal.end_status().await?;
                        return Ok(Waited::LookAgain);
                    }
                }
                Ok(()) = beside.changes.changed() => if !beside.look(desk.gateway).await? {
                    return Ok(Waited::LookAgain);
                },
                // Policy looks whether the person may still be here, and ask for this.
                Ok(()) = documents.changed() => {
                    desk.terminal.end_status().await?;
                    if let Some(ended) = desk.ended() {
                        desk.terminal.err_line(&ended).await?;
                        return Ok(Waited::Over);
                    }
                    if self.is_barred(desk).await? {
                        return Ok(Waited::LookAgain);
                    }
                    // It may take one more yes, or be refused, by what was not said when they asked.
                    let now = standing::posture_of(desk, &client);
                    if now != posture {
                        let is_over = || desk.say("posture-is-over", &[("client", client.as_str().into())]);
                        let line = now.clone().unwrap_or_else(is_over);
                        desk.terminal.hanging(&line, 2).await?;
                        self.tell_outlook(desk, &beside.intervention).await?;
                    }
                    posture = now;
                }
            }
        }
    }

    /// Whether the client does not let the person come any more.
    async fn is_barred(&self, desk: &Desk<'_>) -> Result<bool, Trouble> {
        let account = self.account.as_ref();
        let found = entry::look(desk.gateway, desk.visitor, &self.target, account, None).await?;
        Ok(matches!(
            found,
            Err(Refusal::KeptOut { .. }
                | Refusal::NotAccepted { .. }
                | Refusal::PersonRefused { .. })
        ))
    }

    /// Says what happened to the intervention since the last look; answers when the wait is over.
    async fn news(
        &mut self,
        desk: &mut Desk<'_>,
        intervention: &Intervention,
    ) -> Result<Option<Waited>, Trouble> {
        // Policy says what becomes of one that the log contradicts.
        if intervention.is_contradicted() {
            return Ok(Some(Waited::LookAgain));
        }
        let applied = desk.applied();
        let name = |person: &PersonId| shown::person(&applied.documents, person);
        let number = intervention.number().to_string();
        if let Some((person, at)) = intervention.seen().filter(|_| !self.told.seen) {
            self.told.seen = true;
            let args = [
                ("time", times::clock(*at, clock::now()).into()),
                ("person", name(person).into()),
            ];
            desk.line("room-seen", &args).await?;
        }
        match intervention.state() {
            State::Requested => {
                for approval in intervention.approvals().iter().skip(self.told.approvals) {
                    let args = [
                        ("time", times::clock(approval.at, clock::now()).into()),
                        ("person", name(&approval.operator).into()),
                    ];
                    desk.line("room-approval-counted", &args).await?;
                }
                self.told.approvals = intervention.approvals().len();
                Ok(None)
            }
            State::Approved { granted } => {
                self.tell_grant(desk, intervention, granted).await?;
                Ok((granted.starts_at <= clock::now()).then_some(Waited::LookAgain))
            }
            State::Open { granted, .. } => {
                self.tell_grant(desk, intervention, granted).await?;
                Ok(Some(Waited::LookAgain))
            }
            State::Refused { by, at, reason } => {
                let args = [
                    ("time", times::clock(*at, clock::now()).into()),
                    ("person", name(by).into()),
                    ("reason", reason.as_str().into()),
                ];
                over(desk, "room-refused", &args).await
            }
            State::Expired { at, .. } if self.told.granted => {
                over(
                    desk,
                    "room-not-used",
                    &[("time", times::clock(*at, clock::now()).into())],
                )
                .await
            }
            State::Expired { at, .. } => {
                let waited =
                    times::length_in(desk.lang(), at.since(intervention.request().requested_at));
                over(
                    desk,
                    "room-expired",
                    &[
                        ("time", times::clock(*at, clock::now()).into()),
                        ("length", waited.into()),
                    ],
                )
                .await
            }
            State::Cancelled { .. } => {
                over(
                    desk,
                    "room-cancelled-elsewhere",
                    &[("number", number.into())],
                )
                .await
            }
            State::Closed { reason, .. } => {
                let reason = shown::close_reason(&desk.gateway.texts, desk.lang(), reason);
                over(desk, "room-closed", &[("reason", reason.into())]).await
            }
        }
    }

    /// Says who approved, until when, and what was left out (I2).
    async fn tell_grant(
        &mut self,
        desk: &mut Desk<'_>,
        intervention: &Intervention,
        granted: &Grant,
    ) -> Result<(), Trouble> {
        if std::mem::replace(&mut self.told.granted, true) {
            return Ok(());
        }
        // Someone who comes in an approved window was told before, or does not wait at all.
        let Some(approval) = intervention.approvals().last() else {
            return Ok(());
        };
        let applied = desk.applied();
        let now = clock::now();
        let args = [
            ("time", times::clock(approval.at, clock::now()).into()),
            (
                "person",
                shown::person(&applied.documents, &approval.operator).into(),
            ),
            (
                "length",
                times::length_in(desk.lang(), granted.length).into(),
            ),
            (
                "latest",
                times::moment(granted.latest_end, now, None).into(),
            ),
        ];
        desk.line("room-approved", &args).await?;
        let compared = shown::compared(
            &desk.gateway.texts,
            desk.lang(),
            intervention.request(),
            granted,
        );
        for less in compared.into_iter().filter(shown::Compared::is_less) {
            let args = [
                ("what", desk.say(less.part.word_id(), &[]).into()),
                ("asked", less.asked.into()),
                ("granted", less.granted.into()),
            ];
            let text = format!("       {}", desk.say("room-less", &args));
            desk.terminal.hanging(&text, 2).await?;
        }
        if now < granted.starts_at {
            let start = times::moment(granted.starts_at, now, None);
            desk.line("room-starts", &[("start", start.into())]).await?;
        }
        Ok(())
    }

    /// `q`: takes the request back; an approved one that has yet to begin is kept.
    async fn leave(
        &mut self,
        desk: &mut Desk<'_>,
        intervention: &Intervention,
    ) -> Result<Waited, Trouble> {
        let number = intervention.number().to_string();
        if begins(intervention).is_some() {
            desk.line("room-left-approved", &[("number", number.into())])
                .await?;
            return Ok(Waited::Left);
        }
        let id = intervention.number();
        match requests::cancel(desk.gateway, desk.visitor, Cancel { id }).await {
            Ok(_) => {
                desk.line("room-cancelled", &[("number", number.into())])
                    .await?
            }
            Err(Undone::Store(error)) => return Err(error.into()),
            // Answered in this very moment: the answer is what counts, and is said.
            Err(_) => return Ok(Waited::LookAgain),
        }
        Ok(Waited::Left)
    }
}

async fn over(
    desk: &mut Desk<'_>,
    id: &str,
    args: &[(&str, crate::texts::Value<'_>)],
) -> Result<Option<Waited>, Trouble> {
    // It may hold a reason of any length: what follows its first line stands apart from lines of ours.
    let text = desk.say(id, args);
    desk.terminal.err_hanging(&text, 4).await?;
    Ok(Some(Waited::Over))
}

/// When an approved intervention begins, if that is still ahead or was when it was approved.
fn begins(intervention: &Intervention) -> Option<Timestamp> {
    match intervention.state() {
        State::Approved { granted } => Some(granted.starts_at),
        State::Requested
        | State::Open { .. }
        | State::Refused { .. }
        | State::Expired { .. }
        | State::Closed { .. }
        | State::Cancelled { .. } => None,
    }
}

/// The live line; what matters most first, because a narrow terminal shows only its beginning.
fn status_line(desk: &Desk<'_>, intervention: &Intervention, now: Timestamp) -> String {
    let applied = desk.applied();
    let request = intervention.request();
    if let Some(start) = begins(intervention) {
        let left = times::countdown(desk.lang(), start.since(now));
        let parts = [
            desk.say("room-status-starts", &[("left", left.into())]),
            desk.say("room-status-keys-leave", &[]),
        ];
        return parts.join(" · ");
    }
    let left = times::countdown(desk.lang(), request.answer_due().since(now));
    let seen = match intervention.seen() {
        Some((person, at)) => {
            let args = [
                ("person", person.as_str().into()),
                ("time", times::clock(*at, clock::now()).into()),
            ];
            desk.say("room-status-seen", &args)
        }
        None => desk.say("room-status-unseen", &[]),
    };
    let operators = shown::operator_ids(&applied.documents, &request.client, now);
    // The way out is never what a narrow terminal leaves out.
    let parts = [
        desk.say("room-status-waiting", &[("left", left.into())]),
        desk.say("room-status-keys", &[]),
        seen,
        desk.say("room-status-for", &[("operators", operators.into())]),
    ];
    parts.join(" · ")
}
