//! When a request is to begin, as somebody typed it: in the time zone of what they ask for, and of nothing else.

use ecluse_policy::Timestamp;
use ecluse_policy::matrix::Reach;
use jiff::tz::TimeZone;

use super::Undone;
use super::requests::Request;
use super::typed::What;
use crate::texts::hours::zones;
use crate::texts::times;

/// When a request is to begin.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Start {
    /// The instant.
    pub(crate) at: Timestamp,
    /// The time zone that it was read in.
    pub(crate) zone: TimeZone,
    /// When it was read.
    pub(crate) now: Timestamp,
}

/// Reads the start that was typed, where one was. `reaches` is what the matrix offers on the targets of the request.
pub(super) fn read(
    ask: &Request,
    reaches: &[Reach],
    now: Timestamp,
) -> Result<Option<Start>, Undone> {
    let Some(typed) = &ask.at else {
        return Ok(None);
    };
    let mut of: Vec<TimeZone> = Vec::new();
    for reach in reaches.iter().filter(|reach| is_asked(ask, reach)) {
        for zone in zones(&reach.hours) {
            if !of.contains(&zone) {
                of.push(zone);
            }
        }
    }
    if of.is_empty() {
        of.push(TimeZone::UTC);
    }
    let mut read: Vec<Start> = Vec::new();
    for zone in of {
        let at = times::parse_typed(typed, now, &zone);
        let at = at.ok_or_else(|| Undone::Unclear(What::Start.unclear(typed)))?;
        if read.iter().all(|start| start.at != at) {
            read.push(Start { at, zone, now });
        }
    }
    if read.len() > 1 {
        let typed = typed.clone();
        return Err(Undone::SeveralTimes { typed, read });
    }
    Ok(read.pop())
}

/// Whether a flow is part of what is asked for: by its name, by what it allows, by whom and for how long.
fn is_asked(ask: &Request, reach: &Reach) -> bool {
    let named = |flow: &String| reach.flow.as_str() == flow;
    let family = |family: &str| ask.only.iter().any(|one| one.as_str() == family);
    let mut capabilities = reach.scope.capabilities.iter();
    ask.flow.as_ref().is_none_or(named)
        && (ask.only.is_empty() || capabilities.any(|one| family(one.family())))
        && (ask.account.as_ref()).is_none_or(|account| reach.scope.accounts.contains(account))
        && ask.length.0 <= reach.approval.at_most
}

#[cfg(test)]
mod tests;
