//! A session as it passes: whether it may be looked at, and where (I5).

use std::sync::Arc;

use clap::Args;
use ecluse_policy::{AccountName, AsOperator, ClientId, PersonId, Refusal, TargetId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Channel, Medium, Unshown, Why, look};
use crate::actor::Actor;
use crate::audit::AuditKind;
use crate::deeds::{Ask, Subject, Undone, no_such, right, typed};
use crate::gateway::Gateway;
use crate::live::LiveSession;
use crate::live::nodes;
use crate::live::orders::of_session;
use crate::store::Standing;

/// Looks at a session in passage.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Watch {
    /// Which.
    #[arg(value_parser = typed::session)]
    pub(crate) session: u64,
    /// From which of its channels on; from the first with a terminal, where none is named.
    #[arg(value_parser = typed::channel)]
    #[serde(default)]
    pub(crate) channel: Option<u32>,
}

impl Ask for Watch {
    const ACT: &'static str = "watch";
    const USAGE: &'static str = "watch SESSION [CHANNEL]";
}

/// A session that is looked at.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Watching {
    /// Its number.
    pub(crate) number: u64,
    /// The channel that was asked for.
    pub(crate) channel: Option<u32>,
    /// Whose.
    pub(crate) client: ClientId,
    /// The technician.
    pub(crate) person: PersonId,
    /// As which account.
    pub(crate) account: AccountName,
    /// On which target.
    pub(crate) target: TargetId,
    /// Since when.
    pub(crate) started: Timestamp,
    /// Until when at the latest.
    pub(crate) closes_at: Timestamp,
    /// What there is to see.
    #[serde(skip)]
    pub(crate) session: Arc<LiveSession>,
}

/// An operator looks at a session of their client: on record before anything is shown.
pub(crate) async fn watch(
    house: &Gateway,
    by: &Actor,
    ask: Watch,
    on: Medium,
) -> Result<Watching, Undone> {
    let applied = house.applied();
    let operator = right(house, by, Watch::ACT, by.as_operator(&applied)).await?;
    let Some(session) = house.live.find(&operator, ask.session) else {
        return Err(elsewhere(house, by, &operator, ask.session).await);
    };
    let unshown = |why| {
        Undone::Unshown(Box::new(Unshown {
            number: ask.session,
            standing: Standing::OnRecord,
            why,
        }))
    };
    let channels = session.channels();
    if let Some(channel) = ask.channel
        && !channels.iter().any(|one| one.number == channel)
    {
        let channels = channels.into_iter().map(|channel| Channel {
            number: channel.number,
            command: channel.command,
        });
        return Err(unshown(Why::NoChannel {
            channel,
            channels: channels.collect(),
        }));
    }
    if on == Medium::Text {
        return Err(unshown(Why::NeedsScreen));
    }
    look(house, by, Watch::ACT).await?;
    // On record before anything is shown: who looked at what.
    let record = of_session(by.record(AuditKind::Watch, operator.now()), &session).permitted();
    house.store.record(&[record]).await?;
    let facts = session.facts();
    Ok(Watching {
        number: facts.number,
        channel: ask.channel,
        client: facts.client.clone(),
        person: facts.person.clone(),
        account: facts.account.clone(),
        target: facts.target.clone(),
        started: facts.started,
        closes_at: facts.closes_at,
        session,
    })
}

/// Where a session can be watched that is in passage elsewhere; that there is none where it is nowhere.
async fn elsewhere(house: &Gateway, by: &Actor, operator: &AsOperator<'_>, number: u64) -> Undone {
    let remote = match nodes::elsewhere(house, operator).await {
        Ok((remote, _)) => remote,
        Err(error) => return error.into(),
    };
    let Some(there) = remote.iter().find(|one| one.session.number == number) else {
        return no_such(house, by, Watch::ACT, Subject::Session(number)).await;
    };
    let node = there.node();
    let why = match there.address().cloned() {
        Some(address) => Why::Elsewhere { node, address },
        None => Why::Lost { node },
    };
    Undone::Unshown(Box::new(Unshown {
        number,
        standing: Standing::OnRecord,
        why,
    }))
}

/// Whether the operator may still look, as the documents say now: a watch outlasts the right it began with.
pub(crate) fn may_still_watch(
    house: &Gateway,
    by: &Actor,
    client: &ClientId,
) -> Result<(), Refusal> {
    let applied = house.applied();
    match by.as_operator(&applied)?.client() == client {
        true => Ok(()),
        false => Err(Refusal::NotAnOperator),
    }
}
