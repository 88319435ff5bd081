//! Reads `confirm`, and what is to be said of it.

use super::Flow;
use super::reader::{At, Table};
use crate::confirm::{ACCEPTED, Confirm, Confirmation};
use crate::time::{Span, Timestamp};

const WITHIN: &str = "a duration from \"10s\" to \"1h\", such as \"5m\"";
/// The shortest: somebody has to read it.
const SHORTEST: Span = Span::from_secs(10);
/// The longest: a client program waits with its connection open.
const LONGEST: Span = Span::from_hours(1);

/// `confirm` of a flow; nothing waits where it is not there. `None` follows an error.
pub(super) fn confirm(flow: &Table<'_>) -> Option<Vec<At<Confirm>>> {
    if !flow.has("confirm") {
        return Some(Vec::new());
    }
    let entries = flow.entries(
        "confirm",
        "line",
        ACCEPTED,
        Confirm::parse,
        |entry, table| {
            let Some(table) = table else {
                return Some(entry);
            };
            let each = table.flag("each");
            let read = |text: &str| match Span::parse(text) {
                Ok(within) if (SHORTEST..=LONGEST).contains(&within) => Ok(within),
                Ok(within) => Err(format!("{within} is no such time")),
                Err(error) => Err(error.to_string()),
            };
            let is_written = table.has("within");
            let written = table.maybe_parsed("within", WITHIN, read);
            if is_written && written.is_none() {
                return None;
            }
            let within = written.map_or(entry.terms().within, |at| at.value);
            Some(entry.on(Confirmation { each, within }))
        },
    )?;
    Some(entries.value)
}

/// What is to be said of the entries of a flow: those that nothing of it meets, and those that something in it goes around.
pub(super) fn remark(flow: &Flow, now: Timestamp, say: &mut impl FnMut(u32, &str, String)) {
    let mut around: Option<(u32, String)> = None;
    for (place, entry) in flow.confirm.iter().enumerate() {
        let line = flow.lines.confirm.get(place).copied();
        let line = line.unwrap_or(flow.lines.flow);
        if !entry.meets(&flow.allow, now) {
            let says = format!(
                "`{entry}` makes nothing wait: no line of `allow` in this flow gives anything of it"
            );
            say(line, "confirm", says);
        } else if around.is_none()
            && let Some(by) = entry.gone_around_by(&flow.allow, now)
        {
            around = Some((
                line,
                format!(
                    "`{entry}` asks of what is typed so, and is no barrier: `{by}` in this flow does the same by other words"
                ),
            ));
        }
    }
    if let Some((line, says)) = around {
        say(line, "confirm", says);
    }
}
