//! Looking at evidence: which recordings there are, one of them from a place on, a session as it passes (R10, R11, I5).
//!
//! Auditors only read, and only their own client's sessions (O4); operators look at their client's sessions in passage.
//! Who looked at what is on record before anything is given. How it is shown is the face's, which asks again whether it
//! may be as long as it shows it.

pub(crate) mod opening;
mod place;
pub(crate) mod receipts;
pub(crate) mod recordings;
pub(crate) mod replay;
#[cfg(test)]
mod tests;
pub(crate) mod watch;

use std::time::Duration;

use ecluse_policy::{ClientId, HostPort, Refusal, Timestamp};
use serde::Serialize;

use super::Undone;
use crate::actor::Actor;
use crate::gateway::Gateway;
use crate::live::Because;
use crate::store::{Session, SessionEnd, Standing, StoreError};
use crate::texts::Unreadable;

/// How a face shows what it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Medium {
    /// On a screen, which changes.
    Screen,
    /// As text.
    Text,
}

/// Something of theirs that cannot be shown as they asked.
#[derive(Debug)]
pub(crate) struct Unshown {
    /// Which session.
    pub(crate) number: u64,
    /// How what the gateway's table has of it stands to what the log has.
    pub(crate) standing: Standing,
    /// Why.
    pub(crate) why: Why,
}

/// Why something cannot be shown as somebody asked.
#[derive(Debug)]
pub(crate) enum Why {
    /// Its recording does not read.
    Unreadable(Unreadable),
    /// An option reads sealed recordings, and this session is still in passage.
    NotYet(&'static str),
    /// An option reads sealed recordings, and this one is being sealed.
    NotSealed(&'static str),
    /// An option says how fast a screen is played, and this is text.
    NoPace(&'static str),
    /// Two options say where to begin.
    TwoPlaces,
    /// An option chooses a part, and masked input is given whole.
    Whole(&'static str),
    /// It has no such channel.
    NoChannel {
        /// The one that was asked for.
        channel: u32,
        /// Those there are.
        channels: Vec<Channel>,
    },
    /// It has several channels, and none was chosen.
    SeveralChannels(Vec<Channel>),
    /// There is nothing at that place.
    Beyond {
        /// How long it lasts.
        length: Duration,
        /// When it begins.
        from: Timestamp,
        /// When it ends.
        until: Timestamp,
    },
    /// Words that are not in it.
    NotIn(String),
    /// Words too short to be looked for.
    TooShort,
    /// Its session is still in passage: there is a screen, and no text yet.
    InPassage,
    /// Its session has ended and it is being sealed: there is a screen, and no text yet.
    BeingSealed,
    /// It can only be looked at on a screen.
    NeedsScreen,
    /// Its session is in passage on another node.
    Elsewhere {
        /// Which, as people call it.
        node: String,
        /// Where people reach it.
        address: HostPort,
    },
    /// It is on record, and the gateway's table of sessions does not have it any more.
    NotInTable,
    /// Its session is lost with its node.
    Lost {
        /// Which.
        node: String,
    },
}

/// A channel, as one is chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Channel {
    /// Its number.
    pub(crate) number: u32,
    /// The command that it was opened with; none of a shell.
    pub(crate) command: Option<String>,
}

/// How a session ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Ended {
    /// When.
    pub(crate) at: Timestamp,
    /// Why; as it was written, where that is all there is.
    pub(crate) reason: String,
    /// The same, typed.
    pub(crate) because: Option<Because>,
}

impl Ended {
    fn of(end: &SessionEnd) -> Self {
        Self {
            at: end.at,
            reason: end.reason.clone(),
            because: end.because.clone(),
        }
    }
}

/// One more recording, or session, is looked at. Each look is on record, so there is a bound to how many there are in a
/// minute.
pub(super) async fn look(house: &Gateway, by: &Actor, act: &str) -> Result<(), Undone> {
    if house.people.may_look(by.person()) {
        return Ok(());
    }
    let record = by
        .refused(act)
        .reason("looked at too many things within a minute");
    house
        .people
        .enter(&house.store, by.person(), record)
        .await?;
    Err(Undone::TooOften)
}

/// How the table's row of a session stands to the log; where it is contradicted, that is put on record, once.
pub(crate) async fn standing(
    house: &Gateway,
    session: &Session,
    now: Timestamp,
) -> Result<Standing, StoreError> {
    if let Some(fault) = &session.fault {
        house.store.tell_session_fault(fault, now).await?;
    }
    Ok(session.standing())
}

/// Whether an auditor may still read what is of `client`, as the documents say now: to read lasts longer than the right it
/// began with.
pub(crate) fn may_still_read(
    house: &Gateway,
    by: &Actor,
    client: &ClientId,
    unmask: bool,
) -> Result<(), Refusal> {
    let applied = house.applied();
    let auditor = by.as_auditor(&applied)?;
    if auditor.client() != client {
        return Err(Refusal::NotAnAuditor);
    }
    if unmask {
        // Begun with a code of its moment; the grant is what may end.
        auditor.may_unmask()?;
    }
    Ok(())
}
