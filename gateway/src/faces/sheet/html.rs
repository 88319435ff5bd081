//! The matrix as a page: by itself, without network or script, to read on a screen and to print.

use ecluse_policy::Lang;

use super::words::Words;
use crate::deeds::matrix::{FlowOf, LineOf, Matrix, State};

/// Nothing is fetched and nothing runs, whatever stands in the page.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE: &str = "
:root { color-scheme: light; --ink: #1b1f24; --soft: #57606a; --rule: #d0d7de; --ground: #f6f8fa; --bad: #a40e26; --good: #1a6b34; --wait: #7d4e00; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 75rem; font: 15px/1.45 system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'DejaVu Sans', sans-serif; color: var(--ink); background: #fff; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; margin: 0 0 .75rem; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; padding-top: .5rem; border-top: 2px solid var(--ink); }
dl { display: grid; grid-template-columns: minmax(9rem, max-content) 1fr; gap: .15rem 1rem; margin: 0 0 .75rem; }
dt { color: var(--soft); }
dd { margin: 0; }
code { font: .92em ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; }
table { width: 100%; border-collapse: collapse; margin: .5rem 0; }
th, td { text-align: left; vertical-align: top; padding: .35rem .5rem; border-bottom: 1px solid var(--rule); }
th { background: var(--ground); font-weight: 600; }
th, td { overflow-wrap: break-word; }
td code { overflow-wrap: anywhere; }
td p, dd p { margin: 0; }
@media (min-width: 45rem) { td:first-child { min-width: 10rem; } td:last-child { min-width: 7rem; } }
.soft { color: var(--soft); }
.tag { font-weight: 600; }
.dead, .over, .missing { color: var(--bad); }
.used { color: var(--good); }
.not-yet, .unknown { color: var(--wait); }
footer { margin-top: 2rem; color: var(--soft); font-size: .9rem; }
@media (max-width: 45rem) {
  body { padding: .75rem; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin: 0 0 .4rem; }
  table, tbody, tr, td { display: block; }
  thead { position: absolute; clip-path: inset(50%); }
  tr { border-bottom: 2px solid var(--rule); padding: .3rem 0; }
  td { border: 0; padding: .15rem 0; }
  td[data-head]::before { content: attr(data-head); display: block; color: var(--soft); font-size: .85rem; }
}
@media print {
  @page { size: A4 landscape; margin: 12mm; }
  body { padding: 0; max-width: none; font-size: 10pt; }
  h2, dl { break-after: avoid; }
  tr, dl { break-inside: avoid; }
  thead { display: table-header-group; }
  th { background: none; border-bottom: 1.5px solid #000; }
}";

/// The page, line by line.
pub(super) fn lines(words: &Words<'_>, matrix: &Matrix) -> Vec<String> {
    let lang = match words.lang() {
        Lang::Fr => "fr",
        Lang::En => "en",
    };
    let title = words.say(
        "matrix-title-of",
        &[("client", matrix.name.as_str().into())],
    );
    let mut page = Page::default();
    page.raw(format!(
        "<!DOCTYPE html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">"
    ));
    page.raw(format!(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">"
    ));
    page.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">".to_owned());
    page.raw(format!(
        "<title>{}</title>\n<style>{STYLE}\n</style>\n</head>\n<body>",
        escaped(&title)
    ));
    page.raw(format!("<header>\n<h1>{}</h1>", escaped(&title)));
    let head = words.head(matrix);
    page.fields(
        head.iter()
            .map(|(label, value)| (label.clone(), escaped(value))),
    );
    page.raw("</header>\n<main>".to_owned());
    for flow in &matrix.flows {
        one_flow(&mut page, words, matrix, flow);
    }
    if matrix.flows.is_empty() {
        page.raw(format!("<p>{}</p>", escaped(&words.word("matrix-empty"))));
    }
    accounts(&mut page, words, matrix);
    derogations(&mut page, words, matrix);
    let remarks = words.remarks(matrix);
    if !remarks.is_empty() {
        page.raw(format!(
            "<section>\n<h2>{}</h2>",
            escaped(&words.word("matrix-remarks"))
        ));
        for remark in remarks {
            page.raw(format!("<p>{}</p>", escaped(&remark)));
        }
        page.raw("</section>".to_owned());
    }
    let args = [
        ("days", matrix.days.into()),
        ("from", words.moment(matrix.seen_from).into()),
        ("to", words.moment(words.now()).into()),
    ];
    page.raw(format!(
        "</main>\n<footer><p>{}</p></footer>",
        escaped(&words.say("matrix-foot", &args))
    ));
    page.raw("</body>\n</html>".to_owned());
    page.lines
}

fn one_flow(page: &mut Page, words: &Words<'_>, matrix: &Matrix, flow: &FlowOf) {
    let name = words.say("matrix-flow", &[("flow", flow.name.as_str().into())]);
    page.raw(format!("<section>\n<h2>{}</h2>", escaped(&name)));
    let paragraphs = |all: Vec<String>| {
        let all = all.iter().map(|one| format!("<p>{}</p>", escaped(one)));
        all.collect::<String>()
    };
    let mut fields = vec![
        (words.word("matrix-why"), why(words, flow.why.as_deref())),
        (
            words.word("matrix-technicians"),
            paragraphs(words.technicians(flow)),
        ),
        (
            words.word("matrix-stations"),
            escaped(&words.stations(flow)),
        ),
        (
            words.word("matrix-targets"),
            paragraphs(words.targets(flow)),
        ),
        (
            words.word("matrix-account"),
            escaped(&words.list(&flow.accounts)),
        ),
        (
            words.word("matrix-hours"),
            escaped(&words.hours(&flow.hours)),
        ),
        (
            words.word("matrix-authentication"),
            escaped(&words.list(&flow.authentication)),
        ),
        (
            words.word("matrix-approvals"),
            escaped(&words.approval(flow)),
        ),
        (
            words.word("matrix-extraction"),
            paragraphs(words.bounds(flow)),
        ),
    ];
    if let Some(idle) = flow.idle {
        fields.push((words.word("matrix-idle"), escaped(&words.length(idle))));
    }
    if !flow.confirm.is_empty() {
        let all = flow
            .confirm
            .iter()
            .map(|one| format!("<p><code>{}</code></p>", escaped(one)));
        fields.push((words.word("matrix-confirm"), all.collect()));
    }
    fields.push((
        words.word("matrix-seen-of"),
        escaped(&words.seen(&flow.seen)),
    ));
    page.fields(fields.into_iter());
    let heads = [
        "matrix-line",
        "matrix-towards",
        "matrix-terms",
        "matrix-seen-head",
    ];
    let heads = heads.map(|id| words.word(id));
    page.table(
        &heads,
        flow.lines.iter().map(|line| {
            let terms = words.terms(line);
            let terms = match terms.is_empty() {
                true => "–".to_owned(),
                false => paragraphs(terms),
            };
            let terms = if line.in_force {
                terms
            } else {
                format!("<div class=\"over\">{terms}</div>")
            };
            [
                format!("<code>{}</code>", escaped(&line.allow)),
                escaped(&words.towards(line)),
                terms,
                seen(words, matrix, line),
            ]
        }),
    );
    page.raw("</section>".to_owned());
}

fn seen(words: &Words<'_>, matrix: &Matrix, line: &LineOf) -> String {
    let class = match line.state {
        State::Used => "used",
        State::Dead => "dead tag",
        State::NotYet => "not-yet",
        State::Unknown => "unknown",
    };
    format!(
        "<span class=\"{class}\">{}</span>",
        escaped(&words.state(line, matrix.days))
    )
}

fn why(words: &Words<'_>, why: Option<&str>) -> String {
    let said = escaped(&words.why(why));
    match why {
        Some(_) => said,
        None => format!("<span class=\"missing tag\">{said}</span>"),
    }
}

fn accounts(page: &mut Page, words: &Words<'_>, matrix: &Matrix) {
    page.raw(format!(
        "<section>\n<h2>{}</h2>",
        escaped(&words.word("matrix-accounts"))
    ));
    let heads = [
        "matrix-account-on",
        "matrix-why",
        "matrix-credential-is",
        "matrix-credential-why",
        "matrix-flows",
    ];
    let heads = heads.map(|id| words.word(id));
    page.table(
        &heads,
        matrix.accounts.iter().map(|one| {
            let flows = words.list(&one.flows);
            [
                format!(
                    "<code>{}@{}</code>",
                    escaped(&one.account),
                    escaped(&one.target)
                ),
                why(words, one.why.as_deref()),
                escaped(&words.credential(one)),
                why(words, one.credential_why.as_deref()),
                if flows.is_empty() {
                    "–".to_owned()
                } else {
                    escaped(&flows)
                },
            ]
        }),
    );
    page.raw("</section>".to_owned());
}

fn derogations(page: &mut Page, words: &Words<'_>, matrix: &Matrix) {
    page.raw(format!(
        "<section>\n<h2>{}</h2>",
        escaped(&words.word("matrix-derogations"))
    ));
    if matrix.derogations.is_empty() {
        page.raw(format!("<p>{}</p>", escaped(&words.word("matrix-none"))));
    } else {
        let heads = [
            "matrix-what",
            "matrix-place",
            "matrix-owner",
            "matrix-until",
            "matrix-stands",
            "matrix-why",
        ];
        let heads = heads.map(|id| words.word(id));
        page.table(
            &heads,
            matrix.derogations.iter().map(|one| {
                let answered = one.answered.as_ref();
                let of = |text: Option<String>| {
                    text.map_or_else(|| "–".to_owned(), |text| escaped(&text))
                };
                let class = if one.in_force { "used" } else { "over tag" };
                [
                    format!("<code>{}</code>", escaped(&one.what)),
                    format!(
                        "<code>{}</code>",
                        escaped(&format!("{}:{}", one.key, one.line))
                    ),
                    of(answered.map(|it| words.told(&it.owner))),
                    of(answered.map(|it| it.until.clone())),
                    format!(
                        "<span class=\"{class}\">{}</span>",
                        escaped(&words.stands(one))
                    ),
                    why(words, one.why.as_deref()),
                ]
            }),
        );
    }
    page.raw("</section>".to_owned());
}

/// A page in the making. What [`Page::raw`], [`Page::fields`] and [`Page::table`] are given is escaped already, but for labels and heads.
#[derive(Default)]
struct Page {
    lines: Vec<String>,
}

impl Page {
    fn raw(&mut self, markup: String) {
        self.lines.extend(markup.lines().map(str::to_owned));
    }

    fn fields(&mut self, fields: impl Iterator<Item = (String, String)>) {
        self.raw("<dl>".to_owned());
        for (label, value) in fields {
            self.raw(format!("<dt>{}</dt><dd>{value}</dd>", escaped(&label)));
        }
        self.raw("</dl>".to_owned());
    }

    fn table<const N: usize>(
        &mut self,
        heads: &[String; N],
        rows: impl Iterator<Item = [String; N]>,
    ) {
        let row = heads
            .iter()
            .map(|head| format!("<th scope=\"col\">{}</th>", escaped(head)));
        self.raw(format!(
            "<table>\n<thead><tr>{}</tr></thead>\n<tbody>",
            row.collect::<String>()
        ));
        for cells in rows {
            let cells = heads.iter().zip(cells);
            let cells = cells
                .map(|(head, cell)| format!("<td data-head=\"{}\">{cell}</td>", escaped(head)));
            self.raw(format!("<tr>{}</tr>", cells.collect::<String>()));
        }
        self.raw("</tbody>\n</table>".to_owned());
    }
}

/// A text in a page: nothing of it is markup, neither between tags nor in an attribute, and it stays one line.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in crate::texts::harmless(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '`' => escaped.push_str("&#96;"),
            character => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escaped;

    /// F7: no word of a document is markup.
    #[test]
    fn f7_a_word_of_a_page_is_no_markup() {
        let hostile = "<script>alert('x')</script>\" onload=`x` &amp;";
        let text = escaped(hostile);
        assert!(!text.contains(['<', '>', '"', '\'', '`']), "{text}");
        assert!(text.ends_with("&amp;amp;"), "{text}");
        assert!(!escaped("a\nb\u{202e}c").contains(['\n', '\u{202e}']));
    }
}
