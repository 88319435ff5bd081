//! Reads a file of cases (`crate::cases`), as documents are read: every error with its line and what would be accepted.

use super::error::DocumentError;
use super::provider::{ID, LANG};
use super::reader::{Reader, Table};
use crate::cases::{Case, Cases, Expects};
use crate::flow::FlowRequest;
use crate::name::{AccountName, FlowName, Lang, PersonId, StationId, TargetId, shown};
use crate::time::Timestamp;

const EXPECT: &str = "\"allowed\" or \"refused\"";
const POSTURE: &str = "\"high\" or \"normal\"";
const ASKS: &str = "what is asked for, such as \"shell\" or \"command: uptime\"";
const AT: &str = "an instant with its offset, such as \"2026-12-01T10:00:00+01:00\"";

/// The cases of a text.
pub(crate) fn read(
    file: &str,
    text: &str,
    asks: impl Fn(&str) -> Result<FlowRequest, String>,
) -> Result<Cases, Vec<DocumentError>> {
    Reader::read(file, text, |reader, root| {
        let lang = root.maybe_parsed("lang", LANG, Lang::parse);
        let tables = root.tables("case");
        root.finish();
        if tables.is_empty() {
            let accepted = "one [[case]] at least: name, person, target, asks, expect";
            reader.error(Some(1), "case", "is missing", accepted);
        }
        let cases: Vec<Option<Case>> = tables.iter().map(|table| case(table, &asks)).collect();
        Some(Cases {
            lang: lang.map_or(Lang::En, |at| at.value),
            cases: cases.into_iter().collect::<Option<_>>()?,
        })
    })
}

fn case(table: &Table<'_>, read: &impl Fn(&str) -> Result<FlowRequest, String>) -> Option<Case> {
    let one_of = |text: &str, [yes, no]: [&str; 2]| match text {
        text if text == yes => Ok(true),
        text if text == no => Ok(false),
        other => Err(format!("`{}` is neither", shown(other))),
    };
    let name = table.text("name");
    let person = table.parsed("person", ID, PersonId::parse);
    let station = table.maybe_parsed("station", ID, StationId::parse);
    let target = table.parsed("target", ID, TargetId::parse);
    let account = table.maybe_parsed("account", "an account", AccountName::parse);
    let asks = table.parsed("asks", ASKS, read);
    let at = table.maybe_parsed("at", AT, Timestamp::parse);
    let posture = |text: &str| one_of(text, ["high", "normal"]);
    let posture = table.maybe_parsed("posture", POSTURE, posture);
    let expect = table.parsed("expect", EXPECT, |text| {
        one_of(text, ["allowed", "refused"])
    });
    let by = table.maybe_parsed("by", ID, FlowName::parse);
    let because = table.maybe_text("because");
    table.finish();
    let expects = match (expect?.value, by, because) {
        (true, by, None) => Expects::Allowed {
            by: by.map(|at| at.value),
        },
        (false, None, because) => Expects::Refused { because },
        (is_allowed, ..) => {
            let (key, accepted) = match is_allowed {
                true => ("because", "by = \"FLOW\" beside \"allowed\""),
                false => ("by", "because = \"WORDS\" beside \"refused\""),
            };
            table.error(
                table.line,
                key,
                "does not stand beside this answer",
                accepted,
            );
            return None;
        }
    };
    Some(Case {
        line: table.line,
        name: name?,
        person: person?.value,
        station: station.map(|at| at.value),
        target: target?.value,
        account: account.map(|at| at.value),
        asks: asks?.value,
        at: at.map(|at| at.value),
        posture: posture.map(|at| at.value),
        expects,
    })
}
