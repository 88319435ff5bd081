//! The matrix for a terminal: a block for each flow, no line wider than the terminal.

use ecluse_policy::Lang;

use super::words::Words;
use crate::deeds::matrix::{FlowOf, Matrix, State};
use crate::terminal::layout::{pad, width, wrap};

/// The lines.
pub(super) fn lines(words: &Words<'_>, matrix: &Matrix, columns: usize) -> Vec<String> {
    let mut sheet = Sheet {
        lines: Vec::new(),
        columns,
    };
    sheet.line(0, &words.word("matrix-title"));
    let (digest, head): (Vec<_>, Vec<_>) = words
        .head(matrix)
        .into_iter()
        .partition(|(_, value)| *value == matrix.document.sha256);
    sheet.fields(1, &head);
    // Whole on a line, to be compared with what `sha256sum` prints.
    sheet.fields(1, &digest);
    for flow in &matrix.flows {
        one_flow(&mut sheet, words, matrix, flow);
    }
    if matrix.flows.is_empty() {
        sheet.line(0, "");
        sheet.line(0, &words.word("matrix-empty"));
    }
    sheet.line(0, "");
    sheet.line(0, &words.word("matrix-accounts"));
    for account in &matrix.accounts {
        sheet.line(1, &format!("{}@{}", account.account, account.target));
        let fields = [
            (words.word("matrix-why"), words.why(account.why.as_deref())),
            (
                words.word("matrix-credential-is"),
                words.credential(account),
            ),
            (
                words.word("matrix-credential-why"),
                words.why(account.credential_why.as_deref()),
            ),
            (words.word("matrix-flows"), dash(words.list(&account.flows))),
        ];
        sheet.fields(2, &fields);
    }
    sheet.line(0, "");
    sheet.line(0, &words.word("matrix-derogations"));
    if matrix.derogations.is_empty() {
        sheet.line(1, &words.word("matrix-none"));
    }
    for one in &matrix.derogations {
        sheet.line(1, &format!("{} ({}:{})", one.what, one.key, one.line));
        let answered = one.answered.as_ref();
        let fields = [
            (
                words.word("matrix-owner"),
                dash(answered.map(|it| words.told(&it.owner)).unwrap_or_default()),
            ),
            (
                words.word("matrix-until"),
                dash(answered.map(|it| it.until.clone()).unwrap_or_default()),
            ),
            (words.word("matrix-stands"), words.stands(one)),
            (words.word("matrix-why"), words.why(one.why.as_deref())),
        ];
        sheet.fields(2, &fields);
    }
    let remarks = words.remarks(matrix);
    if !remarks.is_empty() {
        sheet.line(0, "");
        sheet.line(0, &words.word("matrix-remarks"));
        for remark in remarks {
            sheet.line(1, &remark);
        }
    }
    sheet.lines
}

fn one_flow(sheet: &mut Sheet, words: &Words<'_>, matrix: &Matrix, flow: &FlowOf) {
    sheet.line(0, "");
    sheet.line(
        0,
        &words.say("matrix-flow", &[("flow", flow.name.as_str().into())]),
    );
    let mut fields = vec![(words.word("matrix-why"), words.why(flow.why.as_deref()))];
    let mut several = |id: &str, all: Vec<String>| {
        let head = words.word(id);
        for (nth, one) in all.into_iter().enumerate() {
            let head = if nth == 0 {
                head.clone()
            } else {
                String::new()
            };
            fields.push((head, one));
        }
    };
    several("matrix-technicians", words.technicians(flow));
    several("matrix-stations", vec![words.stations(flow)]);
    several("matrix-targets", words.targets(flow));
    several("matrix-account", vec![words.list(&flow.accounts)]);
    several("matrix-hours", vec![words.hours(&flow.hours)]);
    several(
        "matrix-authentication",
        vec![words.list(&flow.authentication)],
    );
    several("matrix-approvals", vec![words.approval(flow)]);
    several("matrix-extraction", words.bounds(flow));
    if let Some(idle) = flow.idle {
        several("matrix-idle", vec![words.length(idle)]);
    }
    several("matrix-confirm", flow.confirm.clone());
    several("matrix-seen-of", vec![words.seen(&flow.seen)]);
    sheet.fields(1, &fields);
    for line in &flow.lines {
        let mark = match line.state {
            State::Dead => "✗",
            State::Used => "✓",
            State::NotYet | State::Unknown => "·",
        };
        sheet.line(1, &format!("{mark} {}", line.allow));
        let seen = words.state(line, matrix.days);
        sheet.line(3, &words.towards(line));
        sheet.line(3, &seen);
        for term in words.terms(line) {
            sheet.line(3, &term);
        }
    }
}

fn dash(text: String) -> String {
    if text.is_empty() {
        "–".to_owned()
    } else {
        text
    }
}

struct Sheet {
    lines: Vec<String>,
    columns: usize,
}

impl Sheet {
    fn line(&mut self, indent: usize, text: &str) {
        self.hanging(indent * 2, text, 2);
    }

    fn hanging(&mut self, indent: usize, text: &str, hanging: usize) {
        let text = format!("{}{}", " ".repeat(indent), crate::texts::harmless(text));
        self.lines.extend(wrap(&text, self.columns, hanging));
    }

    /// Labels in a column of their own, values beside them.
    fn fields(&mut self, indent: usize, fields: &[(String, String)]) {
        let widest = fields
            .iter()
            .map(|(label, _)| width(label))
            .max()
            .unwrap_or(0);
        for (label, value) in fields {
            let text = format!("{}  {value}", pad(label, widest));
            self.hanging(indent * 2, &text, widest + 2);
        }
    }
}

/// A colon as the reader writes it.
pub(super) const fn colon(lang: Lang) -> &'static str {
    match lang {
        Lang::Fr => "\u{a0}:",
        Lang::En => ":",
    }
}
