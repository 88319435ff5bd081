//! `index.html`: what is in a bundle, for people, on a screen or on paper.
//!
//! Self-contained and inert: no script, no address to load anything from, a policy that forbids both, and every text
//! from elsewhere neutralised before it is escaped.

use std::fmt::{Display, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::words::{Language, Words};
use super::{Contents, InterventionFacts, LeftOut, Window};
use crate::SessionEnd;
use crate::evidence::manifest::{ClockReading, Form, Manifest};
use crate::evidence::signature::openssh;
use crate::layout::moment;
use crate::spoken::{spoken, wanted};

const STYLE: &str = "body{font:10pt/1.4 sans-serif;max-width:62em;margin:2em auto;padding:0 1em;color:#111}\
h1{font-size:16pt}h2{font-size:13pt;border-bottom:1px solid #888;margin-top:2em}h3{font-size:11pt}\
table{border-collapse:collapse;width:100%;margin:.5em 0}th,td{border:1px solid #bbb;padding:.2em .4em;text-align:left;\
vertical-align:top;overflow-wrap:anywhere}th{background:#eee;font-weight:600}.facts th{width:14em}\
code{font:8.5pt monospace;overflow-wrap:anywhere}.warn{font-weight:700}\
@media print{body{margin:0;max-width:none}h2,h3{break-after:avoid}tr{break-inside:avoid}}";

/// The page.
#[must_use]
pub fn index(contents: &Contents, language: Language) -> String {
    let words = language.words();
    let mut page = Page::default();
    page.head(words, language);
    page.about(contents, words, language);
    if !contents.interventions.is_empty() {
        page.heading(2, words.interventions);
        for intervention in &contents.interventions {
            page.intervention(intervention, words);
        }
    }
    page.heading(2, words.recordings);
    for manifest in &contents.recordings {
        page.recording(manifest, contents, words, language);
    }
    if !contents.documents.is_empty() {
        page.heading(2, words.documents);
        page.list(&contents.documents);
    }
    page.raw("</body></html>\n");
    page.0
}

/// How a session ended, and by whom: what was written of it, where this program can say that in the reader's words.
fn how_it_ended(end: &SessionEnd, words: &Words, language: Language) -> String {
    // Where nobody said more, the text repeats the reason.
    let text = Some(end.text.as_str()).filter(|text| *text != end.reason);
    if let Some(said) = text.and_then(|text| spoken(language, text)) {
        return said;
    }
    let parts = [Some(words.ends.of(&end.reason)), end.by.as_deref(), text];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn raw(&mut self, html: &str) {
        self.0.push_str(html);
    }

    fn text(&mut self, text: impl Display) {
        for letter in crate::neutralise(text.to_string()).chars() {
            match letter {
                '&' => self.raw("&amp;"),
                '<' => self.raw("&lt;"),
                '>' => self.raw("&gt;"),
                '"' => self.raw("&quot;"),
                '\'' => self.raw("&#39;"),
                letter => self.0.push(letter),
            }
        }
    }

    fn heading(&mut self, level: u8, text: impl Display) {
        let _ = write!(self.0, "<h{level}>");
        self.text(text);
        let _ = writeln!(self.0, "</h{level}>");
    }

    fn list(&mut self, items: &[impl Display]) {
        self.raw("<ul>");
        for item in items {
            self.raw("<li><code>");
            self.text(item);
            self.raw("</code></li>\n");
        }
        self.raw("</ul>\n");
    }

    fn facts(&mut self, rows: &[(&str, String)]) {
        self.raw("<table class=\"facts\">\n");
        for (name, value) in rows {
            self.raw("<tr><th>");
            self.text(name);
            self.raw("</th><td>");
            self.text(value);
            self.raw("</td></tr>\n");
        }
        self.raw("</table>\n");
    }

    fn table(&mut self, heads: &[&str], rows: impl Iterator<Item = Vec<String>>) {
        self.raw("<table>\n<tr>");
        for head in heads {
            self.raw("<th>");
            self.text(head);
            self.raw("</th>");
        }
        self.raw("</tr>\n");
        for row in rows {
            self.raw("<tr>");
            for cell in row {
                self.raw("<td>");
                self.text(cell);
                self.raw("</td>");
            }
            self.raw("</tr>\n");
        }
        self.raw("</table>\n");
    }

    fn head(&mut self, words: &Words, language: Language) {
        let style = STANDARD.encode(Sha256::digest(STYLE));
        let _ = write!(
            self.0,
            "<!DOCTYPE html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{style}'; \
             base-uri 'none'; form-action 'none'\">\n<title>{}</title>\n<style>{STYLE}</style></head><body>\n",
            language.tag(),
            words.title
        );
        self.heading(1, words.title);
        self.raw("<p>");
        self.text(words.not_proof);
        self.raw("</p>\n");
    }

    fn about(&mut self, contents: &Contents, words: &Words, language: Language) {
        self.facts(&[
            (
                words.made,
                format!(
                    "{} {} {}",
                    moment(contents.made_us),
                    words.by_program,
                    contents.made_by
                ),
            ),
            (words.asked_by, contents.asked_by.clone()),
            (words.asked_for, wanted(language, &contents.asked_for)),
        ]);
        if !contents.left_out.is_empty() {
            self.heading(3, words.left_out);
            let line = |one: &LeftOut| {
                let why = words.whys.of(one);
                format!("{} #{} ({}): {why}", words.session, one.number, one.session)
            };
            self.list(&contents.left_out.iter().map(line).collect::<Vec<_>>());
        }
        self.heading(2, words.journal);
        let checkpoint = &contents.checkpoint;
        let cosigners = if contents.cosigners.is_empty() {
            words.nobody.to_owned()
        } else {
            contents.cosigners.join(", ")
        };
        self.facts(&[
            (words.origin, checkpoint.origin.clone()),
            (words.at, moment(checkpoint.at_us)),
            (words.size, checkpoint.size.to_string()),
            (words.root, checkpoint.root.to_string()),
            (words.cosigners, cosigners),
            (words.entries, contents.entries.to_string()),
        ]);
        self.heading(3, words.signers);
        self.list(&contents.signers.iter().map(openssh).collect::<Vec<_>>());
        self.heading(3, words.log_keys);
        self.list(&contents.log_keys);
        self.raw("<p>");
        self.text(words.compare);
        self.raw("</p>\n");
    }

    fn intervention(&mut self, facts: &InterventionFacts, words: &Words) {
        self.heading(3, format!("{} {}", words.intervention, facts.number));
        let mut rows = vec![
            (words.technician, facts.person.clone()),
            (words.client, facts.client.clone()),
            (words.asked, facts.asked.join(" · ")),
            (words.reason, facts.reason.clone()),
            (words.requested, moment(facts.requested_us)),
        ];
        if let Some(granted) = &facts.granted {
            rows.push((words.granted, granted.what.join(" · ")));
            rows.push((words.window, window(&granted.when, words)));
        }
        if let Some(passed) = &facts.passed {
            rows.push((words.left_and_entered, passed.sums.join(" · ")));
        }
        if !facts.acts.is_empty() {
            rows.push((words.acts, facts.acts.join(" · ")));
        }
        self.facts(&rows);
        if let Some(passed) = facts.passed.as_ref().filter(|it| !it.channels.is_empty()) {
            let heads = [
                words.session,
                words.channel,
                words.bytes_out,
                words.bytes_in,
                words.what,
            ];
            let channels = passed.channels.iter().map(|one| {
                let channel = one.channel.map(|channel| channel.to_string());
                vec![
                    one.session.clone(),
                    channel.unwrap_or_default(),
                    one.out.to_string(),
                    one.into.to_string(),
                    one.what.clone(),
                ]
            });
            self.table(&heads, channels);
        }
        let decisions = facts.decisions.iter().map(|decision| {
            vec![
                moment(decision.at_us),
                decision.by.clone(),
                decision.what.clone(),
                decision.text.clone(),
            ]
        });
        self.table(&[words.decisions, "", "", ""], decisions);
    }

    fn recording(
        &mut self,
        manifest: &Manifest,
        contents: &Contents,
        words: &Words,
        language: Language,
    ) {
        let facts = &manifest.facts;
        let id = facts.session;
        match contents.numbers.get(&id) {
            Some(number) => self.heading(3, format!("{} #{number} ({id})", words.session)),
            None => self.heading(3, format!("{} {id}", words.session)),
        }
        let ended = manifest
            .ended_us
            .and_then(|ended| facts.started.checked_add_unsigned(ended));
        let end = match (&manifest.end, manifest.cut_short) {
            (_, true) => words.cut_short.to_owned(),
            (Some(end), false) => how_it_ended(end, words, language),
            (None, false) => words.unknown.to_owned(),
        };
        let form = match manifest.form {
            Form::Files => words.form_files,
            Form::Journal => words.form_journal,
        };
        let optional = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".to_owned());
        self.facts(&[
            (words.technician, facts.person.clone()),
            (words.provider, optional(&facts.provider)),
            (words.station, optional(&facts.station)),
            (
                words.came_from,
                format!("{} → {}", facts.source, facts.terminal),
            ),
            (words.client, facts.client.clone()),
            (words.target, facts.target.clone()),
            (words.accounts, facts.accounts.join(", ")),
            (
                words.intervention,
                optional(&facts.intervention.map(|id| intervention(id, contents))),
            ),
            (words.reason, facts.reason.clone()),
            (words.started, moment(facts.started)),
            (
                words.ended,
                ended.map_or_else(|| words.unknown.to_owned(), moment),
            ),
            (words.end, end),
            (
                words.sealed,
                format!("{} ({})", moment(manifest.sealed), manifest.by),
            ),
            (words.documents_version, facts.documents_version.to_string()),
            (words.form, form.to_owned()),
            (words.readers, manifest.key.recipients.join(" ")),
        ]);
        self.coverage(manifest, words);
        self.heading(3, words.clock);
        self.list(
            &manifest
                .clock
                .iter()
                .map(|reading| clock(reading, facts.started, words))
                .collect::<Vec<_>>(),
        );
        self.heading(3, words.files);
        let files = manifest.files.iter().map(|file| {
            vec![
                file.name.clone(),
                file.bytes.to_string(),
                file.sha256.clone(),
            ]
        });
        self.table(&[words.file, words.bytes, "SHA-256"], files);
    }

    fn coverage(&mut self, manifest: &Manifest, words: &Words) {
        if manifest.channels.is_empty() {
            return;
        }
        self.heading(3, words.coverage);
        let rows = manifest.channels.iter().map(|channel| {
            let recorded = &channel.recorded;
            vec![
                format!("{} {}", channel.number, channel.kind.word()),
                format!(
                    "{} · {} · {}",
                    recorded.output, recorded.error_output, recorded.input
                ),
                channel.legs.map_or_else(
                    || words.unknown.to_owned(),
                    |legs| format!("{} · {}", legs.to_technician, legs.to_target),
                ),
                match (&channel.gap, channel.legs) {
                    (Some(gap), _) => gap.clone(),
                    (None, Some(_)) => words.no_gap.to_owned(),
                    // Nobody counted what passed: nobody knows.
                    (None, None) => words.gap_unknown.to_owned(),
                },
            ]
        });
        self.table(
            &[words.channel, words.recorded, words.passed, words.gap],
            rows,
        );
    }
}

/// An intervention as people name it, where the bundle has it.
fn intervention(id: Uuid, contents: &Contents) -> String {
    let found = contents.interventions.iter().find(|one| one.id == id);
    found.map_or_else(|| id.to_string(), |one| format!("{} ({id})", one.number))
}

fn clock(reading: &ClockReading, started: i64, words: &Words) -> String {
    let at = moment(started.saturating_add_unsigned(reading.at_us));
    let source = match reading.source.as_str() {
        "system" => words.clock_system,
        source => source,
    };
    let mut text = format!("{at} · {source}");
    match reading.offset_us {
        Some(offset) => {
            let _ = write!(text, ", {}: {offset} µs", words.clock_offset);
        }
        None => {
            let _ = write!(text, ", {}", words.clock_alone);
        }
    }
    if let Some(jumped) = reading.jumped_us {
        let _ = write!(text, ", {} {jumped} µs", words.clock_jump);
    }
    text
}

/// When it could be used, or was.
fn window(when: &Window, words: &Words) -> String {
    let from_to =
        |from: i64, until: i64| format!("{} {} {}", moment(from), words.until, moment(until));
    match when {
        Window::Used { from, until } => from_to(*from, *until),
        Window::Unused {
            from,
            length,
            until,
        } => format!(
            "{}; {length} {}",
            from_to(*from, *until),
            words.from_first_use
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_session_ended_is_said_in_the_readers_words() {
        let end = |reason: &str, by: Option<&str>, text: &str| SessionEnd {
            by: by.map(str::to_owned),
            text: text.to_owned(),
            ..SessionEnd::because(reason)
        };
        for (end, french, english) in [
            (end("closed", None, "closed"), "fermée", "closed"),
            (
                end("cut", Some("odile"), "cut by odile: enough"),
                "coupée par odile\u{a0}: enough",
                "cut · odile · cut by odile: enough",
            ),
            (
                end(
                    "quota",
                    None,
                    "a budget is spent: 204800 bytes (technician-day)",
                ),
                "un budget est épuisé\u{a0}: 204800 bytes (technicien, par jour)",
                "a budget was spent · a budget is spent: 204800 bytes (technician-day)",
            ),
            (
                end("unrecorded", None, "no space"),
                "elle ne pouvait plus être enregistrée · no space",
                "it could not be recorded · no space",
            ),
        ] {
            let said = |language: Language| how_it_ended(&end, language.words(), language);
            assert_eq!(said(Language::French), french);
            assert_eq!(said(Language::English), english);
        }
    }
}
