//! After how long without anybody a channel ends.

use super::reader::Table;
use crate::time::Span;

const IDLE: &str = "a duration from \"1m\" to \"24h\", such as \"15m\"";
/// The shortest: nobody reads a page in less.
const SHORTEST: Span = Span::from_secs(60);
const LONGEST: Span = Span::from_hours(24);

/// `idle` of a flow; none where it is not there.
pub(super) fn idle(table: &Table<'_>) -> Option<Span> {
    let read = |text: &str| match Span::parse(text) {
        Ok(idle) if (SHORTEST..=LONGEST).contains(&idle) => Ok(idle),
        Ok(idle) => Err(format!("{idle} is no such time")),
        Err(error) => Err(error.to_string()),
    };
    table.maybe_parsed("idle", IDLE, read).map(|at| at.value)
}
