//! The waiting room: a technician with a terminal and without an open intervention asks for one, and
//! waits for the client's answer with everything in sight that the client sees.
//!
//! The room decides nothing. Policy says whether somebody is admitted ([`ecluse_policy::admit`]); the room
//! turns each refusal that time or an operator can lift into a wait, and every other one into a goodbye.

use std::collections::BTreeSet;
use std::time::Duration;

use ecluse_policy::intervention::{Grant, Intervention, State};
use ecluse_policy::{
    AccountName, Admission, Ask, InterventionId, InterventionNumber, PersonId, Refusal, TargetId,
    Timestamp,
};
use tokio::time::{MissedTickBehavior, interval_at};

use super::desk::{Desk, Trouble};
use super::questions::{ask_length, ask_reason, choose};
use super::{shown, steps};
use crate::clock;
use crate::terminal::{Event, Key};
use crate::texts::times;

/// How often the live line moves.
const TICK: Duration = Duration::from_secs(1);
/// On a terminal without a live line: when a line says that the wait goes on.
const SPARINGLY: Duration = Duration::from_secs(300);

/// The way out of the room.
pub(crate) enum Exit {
    /// Admitted: the session continues.
    Admitted(Box<Admission>),
    /// Not admitted, and told why.
    Goodbye,
}

/// What a wait for one intervention came to.
enum Waited {
    /// Something changed that policy must look at again.
    LookAgain,
    /// Told; nothing is left to wait for.
    Over,
}

/// Leads a technician from the door to an [`Admission`], or out.
pub(crate) async fn enter(
    desk: &mut Desk<'_>,
    target: &TargetId,
    account: Option<&AccountName>,
) -> Result<Exit, Trouble> {
    let mut room = Room {
        target: target.clone(),
        account: account.cloned(),
        told: Told::default(),
    };
    loop {
        match steps::look(
            desk.gateway,
            desk.visitor,
            &room.target,
            room.account.as_ref(),
        )
        .await?
        {
            Ok(admission) => {
                if room.told.anything {
                    desk.line("room-opening", &[("target", room.target.as_str().into())])
                        .await?;
                }
                return Ok(Exit::Admitted(Box::new(admission)));
            }
            Err(Refusal::NoIntervention { .. }) if !room.told.asked => {
                if !room.ask(desk).await? {
                    return Ok(Exit::Goodbye);
                }
            }
            Err(Refusal::Pending { number, .. } | Refusal::NotYet { number, .. }) => {
                if let Waited::Over = room.wait_for(desk, number).await? {
                    return Ok(Exit::Goodbye);
                }
            }
            Err(Refusal::ChooseAccount { accounts, .. }) if !room.told.account_asked => {
                if !room.choose_account(desk, &accounts).await? {
                    return Ok(Exit::Goodbye);
                }
            }
            Err(refusal) => {
                desk.refused(&refusal).await?;
                return Ok(Exit::Goodbye);
            }
        }
    }
}

struct Room {
    target: TargetId,
    account: Option<AccountName>,
    told: Told,
}

/// What the person has been told, so that nothing is said twice.
#[derive(Debug, Default)]
struct Told {
    /// The dialogue began: there is something above.
    anything: bool,
    /// A request was made here; after it, nothing is asked again.
    asked: bool,
    account_asked: bool,
    /// The request whose facts were shown.
    shown: Option<InterventionId>,
    seen: bool,
    approvals: usize,
    granted: bool,
}

impl Room {
    async fn title(&mut self, desk: &mut Desk<'_>) -> Result<(), Trouble> {
        if std::mem::replace(&mut self.told.anything, true) {
            return Ok(());
        }
        let applied = desk.gateway.applied();
        let client = applied
            .documents
            .target(&self.target)
            .map(|(client, _)| client.name.clone())
            .unwrap_or_default();
        let title = match &self.account {
            Some(account) => desk.say(
                "room-title-account",
                &[
                    ("target", self.target.as_str().into()),
                    ("account", account.as_str().into()),
                    ("client", client.into()),
                ],
            ),
            None => desk.say(
                "room-title",
                &[
                    ("target", self.target.as_str().into()),
                    ("client", client.into()),
                ],
            ),
        };
        let title = desk.terminal.bold(&title);
        desk.terminal.line(&title).await?;
        desk.terminal.line("").await?;
        Ok(())
    }

    /// Asks why and for how long, and puts the request; `false` when the person leaves it.
    async fn ask(&mut self, desk: &mut Desk<'_>) -> Result<bool, Trouble> {
        self.title(desk).await?;
        desk.terminal.forget_typed_ahead();
        desk.line("room-no-intervention", &[]).await?;
        desk.terminal.line("").await?;
        let at_most = desk.at_most(&self.target);
        let Some(reason) = ask_reason(desk).await? else {
            return Ok(false);
        };
        let Some(length) = ask_length(desk, at_most).await? else {
            return Ok(false);
        };
        // Policy has the last word on all of it; where it can be helped by one more question, it is asked.
        loop {
            let ask = Ask {
                targets: [self.target.clone()].into(),
                account: self.account.clone(),
                capabilities: None,
                reason: reason.clone(),
                start: None,
                length,
            };
            match steps::request(desk.gateway, desk.visitor, ask).await? {
                Ok(intervention) => {
                    self.told.asked = true;
                    self.show(desk, &intervention, true).await?;
                    return Ok(true);
                }
                Err(Refusal::NameAccount { accounts }) if !self.told.account_asked => {
                    if !self.choose_account(desk, &accounts).await? {
                        return Ok(false);
                    }
                }
                Err(refusal) => {
                    desk.refused(&refusal).await?;
                    return Ok(false);
                }
            }
        }
    }
}

impl Room {
    async fn choose_account(
        &mut self,
        desk: &mut Desk<'_>,
        accounts: &BTreeSet<AccountName>,
    ) -> Result<bool, Trouble> {
        self.told.account_asked = true;
        self.title(desk).await?;
        self.account = choose(desk, accounts).await?;
        Ok(self.account.is_some())
    }

    /// Shows what the client sees, and to whom it went.
    async fn show(
        &mut self,
        desk: &mut Desk<'_>,
        intervention: &Intervention,
        new: bool,
    ) -> Result<(), Trouble> {
        let request = intervention.request();
        if self.told.shown == Some(request.id) {
            return Ok(());
        }
        self.title(desk).await?;
        self.told = Told {
            anything: true,
            asked: true,
            account_asked: true,
            shown: Some(request.id),
            ..Told::default()
        };
        let now = clock::now();
        let texts = &desk.gateway.texts;
        let source = desk.visitor.source.ip().to_string();
        let mut fields = shown::request_fields(texts, desk.lang(), request, Some(&source), now);
        if let Some((_, code)) = fields.last_mut() {
            *code = desk.terminal.bold(code);
        }
        desk.terminal.line("").await?;
        desk.line("room-client-sees", &[]).await?;
        desk.terminal.line("").await?;
        desk.terminal.fields(&fields).await?;
        desk.terminal.line("").await?;
        desk.line("room-code-hint", &[]).await?;
        let applied = desk.gateway.applied();
        let client = applied.documents.client(&request.client);
        let operators = shown::operators(&applied.documents, &request.client, now);
        let number = request.number.to_string();
        if operators.is_empty() {
            let contacts = shown::contacts(client);
            desk.line(
                "room-sent-nobody",
                &[
                    ("number", number.into()),
                    ("client", request.client.as_str().into()),
                    ("contacts", contacts.into()),
                ],
            )
            .await?;
        } else {
            let id = if new { "room-sent" } else { "room-joined" };
            desk.line(
                id,
                &[
                    ("number", number.into()),
                    ("client", request.client.as_str().into()),
                    ("operators", operators.join(", ").into()),
                ],
            )
            .await?;
        }
        desk.terminal.line("").await?;
        Ok(())
    }
}

/// Waits beside an intervention: one live line, and a line above it for each thing that happens.
impl Room {
    async fn wait_for(
        &mut self,
        desk: &mut Desk<'_>,
        number: InterventionNumber,
    ) -> Result<Waited, Trouble> {
        let mut changes = desk.gateway.store.changes();
        let mut documents = desk.gateway.documents.clone();
        let mut tick = interval_at(tokio::time::Instant::now() + TICK, TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut said = clock::monotonic();
        let Some(mut intervention) = desk.gateway.store.intervention_numbered(number).await? else {
            desk.problem("room-gone", &[("number", number.to_string().into())])
                .await?;
            return Ok(Waited::Over);
        };
        self.show(desk, &intervention, false).await?;
        loop {
            if let Some(waited) = self.news(desk, &intervention).await? {
                desk.terminal.end_status().await?;
                return Ok(waited);
            }
            let now = clock::now();
            let line = status_line(desk, &intervention, now);
            desk.terminal.status(&line).await?;
            if desk.terminal.is_plain() && said.elapsed() >= SPARINGLY {
                said = clock::monotonic();
                desk.terminal.line(&line).await?;
            }
            tokio::select! {
                event = desk.terminal.event() => match event? {
                    Event::Key(Key::Char('q' | 'Q') | Key::Control('c' | 'd')) => {
                        desk.terminal.end_status().await?;
                        return self.leave(desk, &intervention).await;
                    }
                    // `ssh -tt … < /dev/null` can still wait; it just cannot cancel.
                    Event::Key(_) | Event::Resize(_) | Event::Eof => {}
                },
                _ = tick.tick() => {
                    // A planned start is an event that no change of the store announces.
                    if begins(&intervention).is_some_and(|start| start <= clock::now()) {
                        desk.terminal.end_status().await?;
                        return Ok(Waited::LookAgain);
                    }
                }
                Ok(()) = changes.changed() => match desk.gateway.store.intervention_numbered(number).await? {
                    Some(changed) => intervention = changed,
                    None => return Ok(Waited::LookAgain),
                },
                // Policy looks whether the person may still be here, and ask for this.
                Ok(()) = documents.changed() => {
                    desk.terminal.end_status().await?;
                    if let Some(ended) = desk.ended() {
                        desk.terminal.err_line(&ended).await?;
                        return Ok(Waited::Over);
                    }
                }
            }
        }
    }

    /// Says what happened to the intervention since the last look; answers when the wait is over.
    async fn news(
        &mut self,
        desk: &mut Desk<'_>,
        intervention: &Intervention,
    ) -> Result<Option<Waited>, Trouble> {
        let applied = desk.applied();
        let name = |person: &PersonId| shown::person(&applied.documents, person);
        let number = intervention.number().to_string();
        if let Some((person, at)) = intervention.seen().filter(|_| !self.told.seen) {
            self.told.seen = true;
            let args = [
                ("time", times::clock(*at).into()),
                ("person", name(person).into()),
            ];
            desk.line("room-seen", &args).await?;
        }
        match intervention.state() {
            State::Requested => {
                for approval in intervention.approvals().iter().skip(self.told.approvals) {
                    let args = [
                        ("time", times::clock(approval.at).into()),
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
                    ("time", times::clock(*at).into()),
                    ("person", name(by).into()),
                    ("reason", reason.as_str().into()),
                ];
                over(desk, "room-refused", &args).await
            }
            State::Expired { at } if self.told.granted => {
                over(desk, "room-not-used", &[("time", times::clock(*at).into())]).await
            }
            State::Expired { at } => {
                let waited = times::length(at.since(intervention.request().requested_at));
                over(
                    desk,
                    "room-expired",
                    &[
                        ("time", times::clock(*at).into()),
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
            ("time", times::clock(approval.at).into()),
            (
                "person",
                shown::person(&applied.documents, &approval.operator).into(),
            ),
            ("length", times::length(granted.length).into()),
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
            return Ok(Waited::Over);
        }
        match steps::cancel(desk.gateway, desk.visitor, intervention).await? {
            Ok(_) => {
                desk.line("room-cancelled", &[("number", number.into())])
                    .await?
            }
            // Answered in this very moment: the answer is what counts, and is said.
            Err(_) => return Ok(Waited::LookAgain),
        }
        Ok(Waited::Over)
    }
}

async fn over(
    desk: &mut Desk<'_>,
    id: &str,
    args: &[(&str, crate::texts::Value<'_>)],
) -> Result<Option<Waited>, Trouble> {
    desk.problem(id, args).await?;
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
                ("time", times::clock(*at).into()),
            ];
            desk.say("room-status-seen", &args)
        }
        None => desk.say("room-status-unseen", &[]),
    };
    let operators = shown::operator_ids(&applied.documents, &request.client, now);
    let parts = [
        desk.say("room-status-waiting", &[("left", left.into())]),
        seen,
        desk.say("room-status-keys", &[]),
        desk.say("room-status-for", &[("operators", operators.into())]),
    ];
    parts.join(" · ")
}
