//! What French asks of its sentences: blanks that no line breaks at, and elision before whatever name comes.

use super::super::*;

/// Every line of the French texts that somebody reads, without what names it; but those that OpenSSH shows before a log-on,
/// which are plain.
fn lines() -> impl Iterator<Item = (usize, &'static str)> {
    let numbered = FR.lines().enumerate().map(|(at, line)| (at + 1, line));
    let is_plain = |line: &str| {
        let id = line.split_once(" = ").map_or("", |(id, _)| id);
        super::is_at_the_door(id)
    };
    numbered
        .filter(move |(_, line)| !line.starts_with('#') && !is_plain(line))
        .map(|(at, line)| match line.split_once(" =") {
            Some((id, text)) if !id.contains(' ') => (at, text),
            _ => (at, line),
        })
}

/// No line on a terminal begins with a colon or a percent sign, nor ends in an opening quotation mark.
#[test]
fn no_line_breaks_before_what_french_sets_apart() {
    let before = [" :", " ;", " ?", " !", " »", " %"];
    for (at, line) in lines() {
        for mark in before {
            assert!(!line.contains(mark), "fr.ftl:{at}: “{mark}” in {line}");
        }
        assert!(!line.contains("« "), "fr.ftl:{at}: “« ” in {line}");
        // Where no blank stands at all, somebody forgot it.
        let bare = |mark: char| {
            let mut found = line.match_indices(mark);
            found.any(|(byte, _)| {
                let before = line.get(..byte).and_then(|it| it.chars().next_back());
                before.is_some_and(|letter| letter.is_alphabetic() || letter == '}')
            })
        };
        assert!(!bare('»'), "fr.ftl:{at}: {line}");
    }
}

/// `de hopital`, `de odile` are no French: the names of people and things stand behind DE().
#[test]
fn a_name_behind_de_is_elided() {
    const NAMES: [&str; 11] = [
        "account",
        "by",
        "client",
        "kept",
        "node",
        "operator",
        "people",
        "person",
        "provider",
        "target",
        "technician",
    ];
    for (at, line) in lines() {
        for name in NAMES {
            let bare = format!("de {{ ${name} }}");
            assert!(!line.contains(&bare), "fr.ftl:{at}: {bare} in {line}");
        }
    }
}

/// Two sentences that stand side by side are two.
#[test]
fn what_another_sentence_follows_ends_in_a_full_stop() {
    for text in [FR, EN] {
        for id in ["posture-standing", "end-kept-out", "accompany-request"] {
            let start = text.split_once(&format!("\n{id} =")).unwrap().1;
            let message: Vec<&str> = start.split('\n').collect();
            let last = message
                .iter()
                .skip(1)
                .position(|line| !line.starts_with([' ', '}']));
            let message = message[..=last.unwrap()].join("\n");
            let whole = message.ends_with('.') || message.ends_with("{ contact-of }");
            assert!(whole, "{id} ={message}");
        }
    }
}
