//! What the gateway set into a cast beside what passed (`ecluse:…`), in the reader's words. What it quotes stays as it is.

use super::words::Words;
use crate::cast::MARK;
use crate::{FileEntry, neutralise};

/// A marker as a transcript has it, without brackets.
pub(super) fn said(marker: &str, words: &Words) -> String {
    let Some(own) = marker.strip_prefix(MARK) else {
        return neutralise(marker);
    };
    let (kind, rest) = own.split_once(' ').unwrap_or((own, ""));
    match kind {
        "binary" => binary(rest, words).unwrap_or_else(|| neutralise(own)),
        "exit" => format!("{} {}", words.exit, neutralise(rest)),
        "signal" => format!("{} {}", words.signalled, neutralise(rest)),
        "eof" if rest == "to-target" => words.eof[0].to_owned(),
        "eof" if rest == "to-technician" => words.eof[1].to_owned(),
        "note" => format!("{} {}", words.note, neutralise(words.said(rest).as_ref())),
        "refused" => format!(
            "{} {}",
            words.refused,
            neutralise(words.said(rest).as_ref())
        ),
        "closed" if rest == "closed" => words.closed.trim_end().to_owned(),
        "closed" => {
            let reason = neutralise(words.reason(rest).as_ref());
            format!("{}{}{reason}", words.closed.trim_end(), words.colon)
        }
        "cut" if rest == "short" => words.cut_short.to_owned(),
        "file" => match serde_json::from_str::<FileEntry>(rest) {
            Ok(entry) => entry.line(words.language()),
            Err(_) => neutralise(own),
        },
        "text" => neutralise(rest),
        // What a later program says is shown as it stands.
        _ => neutralise(own),
    }
}

/// `stream=S offset=O length=L file=F`
fn binary(rest: &str, words: &Words) -> Option<String> {
    let value = |name: &str| {
        let mut parts = rest.split(' ');
        parts.find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
    };
    let stream = value("stream")?;
    let stream = match stream {
        "stdout" | "output" => words.stream[0],
        "stderr" | "error-output" => words.stream[1],
        "stdin" | "input" => words.stream[2],
        other => other,
    };
    Some(format!(
        "{} {} ({}, {} {})",
        neutralise(value("length")?),
        words.not_text,
        neutralise(stream),
        words.in_file,
        neutralise(value("file")?)
    ))
}

#[cfg(test)]
mod tests {
    use super::super::words::of;
    use super::*;
    use crate::bundle::Language::{English, French};

    #[test]
    fn markers_are_in_the_readers_language_and_what_they_quote_is_not_touched() {
        for (marker, french, english) in [
            ("ecluse:exit 3", "sortie, code 3", "exit, status 3"),
            (
                "ecluse:signal TERM",
                "sortie, signal TERM",
                "exit, signal TERM",
            ),
            ("ecluse:cut short", "interrompu", "cut short"),
            (
                "ecluse:note it said so",
                "note it said so",
                "note it said so",
            ),
            (
                "ecluse:refused a forward",
                "refusé a forward",
                "refused a forward",
            ),
            (
                "ecluse:note the target gives no terminal",
                "note la cible ne donne pas de terminal",
                "note the target gives no terminal",
            ),
            (
                "ecluse:refused a shell: a shell does not come with `x`",
                "refusé un shell\u{a0}: un shell ne va pas avec `x`",
                "refused a shell: a shell does not come with `x`",
            ),
            ("ecluse:closed cut", "fermé\u{a0}: coupée", "closed: cut"),
            ("ecluse:closed closed", "fermé", "closed"),
            (
                "ecluse:closed Écluse: this session was cut by odile.",
                "fermé\u{a0}: Écluse\u{a0}: cette session a été coupée par odile.",
                "closed: Écluse: this session was cut by odile.",
            ),
            ("ecluse:text ecluse:x", "ecluse:x", "ecluse:x"),
            ("ecluse:later thing", "later thing", "later thing"),
            (
                "the program's own",
                "the program's own",
                "the program's own",
            ),
        ] {
            assert_eq!(said(marker, of(French)), french);
            assert_eq!(said(marker, of(English)), english);
        }
        let marker = "ecluse:binary stream=stdout offset=0 length=20 file=01-exec.output.raw";
        assert_eq!(
            said(marker, of(French)),
            "20 octets qui ne sont pas du texte (sortie, dans 01-exec.output.raw)"
        );
        assert_eq!(
            said("ecluse:binary nonsense\u{1b}", of(French)),
            "binary nonsense␛"
        );
    }
}
