//! Reads who answers for a derogation and until when: the same two keys wherever one is written.

use super::reader::Table;
use super::words::{PEOPLE, for_people};
use crate::derogation::Derogation;
use crate::time::Timestamp;

/// What stands beside a derogation.
pub(super) const KEYS: &str = "owner = \"the person who answers for it\", until = \"2027-03-31\"";
const LAST_DAY: &str = "its last day, such as \"2027-03-31\"";

/// The owner and end of the derogation `what` (`command: *`, `long`), which `table` holds. `None`, with an error that
/// says what to write, where one is missing.
pub(super) fn required(table: &Table<'_>, what: &str) -> Option<Derogation> {
    if !table.has("owner") || !table.has("until") {
        let _ = (maybe_owner(table), maybe_until(table));
        let missing = if table.has("owner") { "until" } else { "owner" };
        let problem = format_args!(
            "is missing: `{what}` is a derogation, which somebody answers for and which ends"
        );
        table.error(table.line, missing, problem, KEYS);
        return None;
    }
    let (owner, until) = (maybe_owner(table), maybe_until(table));
    Derogation::new(owner?, &until?).ok()
}

/// The owner and end of an entry that may have both or neither. `None` where there is neither, `Some(None)` after an
/// error.
pub(super) fn maybe(table: &Table<'_>, what: &str) -> Option<Option<Derogation>> {
    let (owner, until) = (table.has("owner"), table.has("until"));
    if owner || until {
        Some(required(table, what))
    } else {
        // Asked for all the same, so that both are named among the keys that are accepted here.
        let _ = (maybe_owner(table), maybe_until(table));
        None
    }
}

fn maybe_owner(table: &Table<'_>) -> Option<String> {
    table
        .maybe_parsed("owner", PEOPLE, for_people)
        .map(|at| at.value)
}

fn maybe_until(table: &Table<'_>) -> Option<String> {
    let day = |text: &str| Timestamp::parse_last_day(text).map(|_| text.to_owned());
    table
        .maybe_parsed("until", LAST_DAY, day)
        .map(|at| at.value)
}
