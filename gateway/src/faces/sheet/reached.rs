//! What somebody reaches, or who reaches a target, for a terminal.

use ecluse_policy::{Lang, Refusal};

use super::table::colon;
use super::words::Words;
use crate::deeds::matrix::Reached;
use crate::terminal::layout::wrap;
use crate::texts::{Texts, times};

/// The lines, none wider than `columns`.
pub(crate) fn reached(texts: &Texts, lang: Lang, found: &Reached, columns: usize) -> Vec<String> {
    let words = Words::of(
        texts,
        lang,
        found.zone.as_deref().unwrap_or("UTC"),
        found.at,
    );
    let mut lines = Vec::new();
    if found.lines.is_empty() {
        lines.push(words.word("reach-nothing"));
    }
    for one in &found.lines {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        let args = [
            ("person", one.person.as_str().into()),
            ("provider", one.provider.as_str().into()),
            ("target", one.target.as_str().into()),
            ("address", one.address.as_str().into()),
            ("client", one.client.as_str().into()),
        ];
        lines.extend(wrap(&words.say("reach-line", &args), columns, 2));
        let names = |all: Vec<&str>| all.join(", ");
        let hours = words.hours(&one.hours.to_string());
        let hours = match one.hours.open_at(found.at) {
            true => hours,
            false => words.say("reach-closed-now", &[("hours", hours.into())]),
        };
        let stations = names(one.stations.iter().map(|it| it.as_str()).collect());
        let approval = [
            ("by", one.approval.by.into()),
            (
                "length",
                times::length_in(lang, one.approval.at_most).into(),
            ),
        ];
        let mut fields = vec![
            ("matrix-flow-of", format!("{} ({})", one.flow, one.line)),
            (
                "matrix-account",
                names(one.accounts.iter().map(|it| it.as_str()).collect()),
            ),
            (
                "matrix-stations",
                if stations.is_empty() {
                    words.word("matrix-nowhere")
                } else {
                    stations
                },
            ),
            ("matrix-hours", hours),
            ("matrix-approvals", words.say("matrix-approval", &approval)),
        ];
        if let Some(expires) = one.expires {
            fields.push(("reach-expires", expires.last_day()));
        }
        for (line, allowed) in &one.lines {
            fields.push(("matrix-line", format!("{allowed} ({line})")));
        }
        for bar in &one.bars {
            fields.push(("reach-barred", why(texts, lang, bar, found)));
        }
        for (id, value) in fields {
            let text = format!("  {}{} {value}", words.word(id), colon(lang));
            lines.extend(wrap(&crate::texts::harmless(&text), columns, 4));
        }
    }
    lines
}

fn why(texts: &Texts, lang: Lang, bar: &Refusal, found: &Reached) -> String {
    texts.refusal(lang, bar, found.at)
}
