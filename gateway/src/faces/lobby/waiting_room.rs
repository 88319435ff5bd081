//! The waiting room: a technician with a terminal and without an open intervention asks for one, and
//! waits for the client's answer with everything in sight that the client sees.
//!
//! The room decides nothing. Policy says whether somebody is admitted ([`ecluse_policy::admit`]); the room
//! turns each refusal that time or an operator can lift into a wait ([`waiting`]), and every other one into a goodbye.

mod waiting;

use std::collections::BTreeSet;

use ecluse_policy::intervention::{Intervention, State};
use ecluse_policy::{AccountName, Admission, InterventionId, Refusal, TargetId};

use self::waiting::Waited;
use super::desk::{Desk, Trouble};
use super::questions::{ask_length, ask_reason, choose};
use super::{away, shown, technician};
use crate::clock;
use crate::deeds::Undone;
use crate::deeds::requests::{self, Request, Requested};
use crate::deeds::typed::Length;
use crate::passage::entry;

/// The way out of the room.
pub(crate) enum Exit {
    /// Admitted: the session continues.
    Admitted(Box<Admission>),
    /// They left before there was an answer, or asked nothing.
    Left,
    /// Not admitted, and told why.
    Goodbye,
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
        match entry::look(
            desk.gateway,
            desk.visitor,
            &room.target,
            room.account.as_ref(),
            None,
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
                match room.ask(desk).await? {
                    Asked::Put => {}
                    Asked::Left => return Ok(Exit::Left),
                    Asked::Refused => return Ok(Exit::Goodbye),
                }
            }
            Err(Refusal::Pending { number, .. } | Refusal::NotYet { number, .. }) => {
                match room.wait_for(desk, number).await? {
                    Waited::LookAgain => {}
                    Waited::Left => return Ok(Exit::Left),
                    Waited::Over => return Ok(Exit::Goodbye),
                }
            }
            Err(Refusal::ChooseAccount { accounts, .. }) if !room.told.account_asked => {
                if !room.choose_account(desk, &accounts).await? {
                    return Ok(Exit::Left);
                }
            }
            Err(refusal) => {
                away::explain(desk, &room.target, account, &refusal).await?;
                return Ok(Exit::Goodbye);
            }
        }
    }
}

/// What came of asking.
enum Asked {
    /// The request is put.
    Put,
    /// They left it.
    Left,
    /// Policy says no; told.
    Refused,
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

    /// Asks why and for how long, and puts the request.
    async fn ask(&mut self, desk: &mut Desk<'_>) -> Result<Asked, Trouble> {
        self.title(desk).await?;
        desk.terminal.forget_typed_ahead();
        desk.line("room-no-intervention", &[]).await?;
        desk.terminal.line("").await?;
        let at_most = desk.at_most(&self.target);
        let Some(reason) = ask_reason(desk).await? else {
            return Ok(Asked::Left);
        };
        let Some(length) = ask_length(desk, at_most).await? else {
            return Ok(Asked::Left);
        };
        // Policy has the last word on all of it; where it can be helped by one more question, it is asked.
        loop {
            let ask = Request {
                target: vec![self.target.clone()],
                account: self.account.clone(),
                flow: None,
                only: Vec::new(),
                length: Length(length),
                bytes: None,
                at: None,
                reason: reason.clone(),
            };
            match requests::request(desk.gateway, desk.visitor, ask).await {
                Ok(Requested { intervention, .. }) => {
                    self.told.asked = true;
                    self.show(desk, &intervention, true).await?;
                    return Ok(Asked::Put);
                }
                Err(Undone::Refused(Refusal::NameAccount { accounts }))
                    if !self.told.account_asked =>
                {
                    if !self.choose_account(desk, &accounts).await? {
                        return Ok(Asked::Left);
                    }
                }
                Err(undone) => {
                    desk.undone(undone).await?;
                    return Ok(Asked::Refused);
                }
            }
        }
    }

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

    /// How many have to approve, and what can be granted at most.
    async fn tell_outlook(
        &mut self,
        desk: &mut Desk<'_>,
        intervention: &Intervention,
    ) -> Result<(), Trouble> {
        let applied = desk.gateway.applied();
        let outlook = intervention.outlook(&applied.documents, clock::now());
        let (texts, lang) = (&desk.gateway.texts, desk.lang());
        let lines = outlook.iter().flat_map(|it| {
            let approvals = shown::approvals(texts, lang, it).into_iter();
            approvals.chain(shown::at_most(texts, lang, it))
        });
        for line in lines.collect::<Vec<_>>() {
            desk.terminal.hanging(&line, 2).await?;
        }
        Ok(())
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
        let source = desk.visitor.origin.source().ip().to_string();
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
            let is_approved = matches!(intervention.state(), State::Approved { .. });
            let id = match (new, is_approved) {
                (true, _) => "room-sent",
                (false, true) => "room-joined-approved",
                (false, false) => "room-joined",
            };
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
        self.tell_outlook(desk, intervention).await?;
        technician::tell_accompanied(desk, intervention).await?;
        technician::tell_short_hours(desk, intervention).await?;
        desk.terminal.line("").await?;
        Ok(())
    }
}
