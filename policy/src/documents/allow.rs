//! Reads `allow`: each entry a text, or a table with that text as `line` and terms beside it.

use super::derogation;
use super::reader::{At, Table};
use crate::capability::{self, Allowed, Capability, gives_terminal, needs_derogation};

/// The entries of a flow's `allow`.
pub(super) fn allow(flow: &Table<'_>) -> Option<At<Vec<At<Allowed>>>> {
    flow.entries(
        "allow",
        "line",
        capability::ACCEPTED,
        Capability::parse,
        |capability, table| match table {
            // A derogation written as a text has no owner and no end: it reads, and is never in force (`super::remarks`).
            None => Some(Allowed::plain(capability)),
            Some(table) => entry(capability, table),
        },
    )
}

fn entry(capability: Capability, table: &Table<'_>) -> Option<Allowed> {
    let terminal = table.maybe_flag("terminal");
    let why = table.maybe_text("why");
    let what = capability.to_string();
    let derogation = if needs_derogation(&capability) {
        Some(derogation::required(table, &what))
    } else {
        derogation::maybe(table, &what)
    };
    if let Some(At { value, line }) = terminal {
        match (&capability, value) {
            (
                Capability::Shell
                | Capability::Env(_)
                | Capability::File(_)
                | Capability::Forward(_),
                _,
            ) => table.error(
                line,
                "terminal",
                format_args!("`{what}` has no such term"),
                "terminal beside a command; a shell always brings one",
            ),
            (Capability::Command(_), false) if gives_terminal(&capability) => table.error(
                line,
                "terminal",
                "bars nothing here: any command can make a terminal for itself, and a limit that is not enforced must not look enforced",
                "remove it, or write templates in place of `command: *`",
            ),
            (Capability::Command(_), _) => {}
        }
    }
    let derogation = match derogation {
        Some(Some(derogation)) => Some(derogation),
        Some(None) => return None,
        None => None,
    };
    let terminal = terminal.is_some_and(|at| at.value);
    Some(Allowed::with(capability, terminal, why, derogation))
}
