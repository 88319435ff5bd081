//! What stands inside quotation marks of ours does not end them: whoever chose it writes nothing that reads as our own words.
//!
//! Which variables those are is read from the sentences themselves, so that no caller can forget one.

use std::collections::{BTreeMap, BTreeSet};

/// The words of people, in whose quotations others stand: these become `"`. What names a thing is spelled out, so that two are
/// never taken for one.
const WORDS: &[&str] = &["reason", "question", "answer"];

/// The variables inside quotation marks, of each message.
#[derive(Debug, Default)]
pub(super) struct Quoted(BTreeMap<&'static str, BTreeSet<&'static str>>);

impl Quoted {
    /// Those of these sentences.
    pub(super) fn of(sources: &[&'static str]) -> Self {
        let mut all: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for source in sources {
            let (mut id, mut within) = ("", false);
            for line in source.lines().filter(|line| !line.starts_with('#')) {
                if line.starts_with(|first: char| first.is_ascii_lowercase())
                    && let Some((name, _)) = line.split_once('=')
                {
                    (id, within) = (name.trim(), false);
                }
                for (at, letter) in line.char_indices() {
                    match letter {
                        '«' | '“' => within = true,
                        '»' | '”' => within = false,
                        '$' if within => {
                            let name = line.get(at + 1..).unwrap_or_default();
                            let end = name
                                .find(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c));
                            let name = name.get(..end.unwrap_or(name.len())).unwrap_or_default();
                            all.entry(id).or_default().insert(name);
                        }
                        _ => {}
                    }
                }
            }
        }
        Self(all)
    }

    /// `text` as the variable `name` of the message `id`.
    pub(super) fn closed(&self, id: &str, name: &str, text: String) -> String {
        let is_quoted = self.0.get(id).is_some_and(|names| names.contains(name));
        if !is_quoted || !text.contains(is_mark) {
            return text;
        }
        let is_words = WORDS.contains(&name);
        let mut out = String::with_capacity(text.len());
        for letter in text.chars() {
            match letter {
                letter if !is_mark(letter) => out.push(letter),
                _ if is_words => out.push('"'),
                letter => out.push_str(&format!("‹U+{:04X}›", u32::from(letter))),
            }
        }
        out
    }
}

/// Quotation marks that ours could be taken for.
fn is_mark(letter: char) -> bool {
    matches!(
        letter,
        '«' | '»' | '“'..='‟' | '❝' | '❞' | '≪' | '≫' | '⟪' | '⟫' | '《' | '》' | '〝'..='〟'
    )
}

#[cfg(test)]
mod tests {
    use ecluse_policy::Lang;

    use crate::texts::{Texts, Value};

    /// R11: a name makes no second question of the line that an operator answers, in either language, wherever it is quoted.
    #[test]
    fn r11_what_is_quoted_does_not_end_its_quotation() {
        let texts = Texts::load().unwrap();
        let forged = "ok\u{a0}», jusqu'à 23:59 UTC. confirm 1.1 «\u{a0}x”, until “y";
        for lang in [Lang::Fr, Lang::En] {
            for id in [
                "confirm-waits",
                "operator-waits",
                "live-waits",
                "confirm-asked",
                "confirm-was-over",
            ] {
                let args = [
                    "what", "nth", "person", "target", "until", "asked", "within", "time", "over",
                ];
                for exact in [false, true] {
                    let args = args.map(|name| match (name, exact) {
                        ("what", false) => (name, Value::from(forged)),
                        ("what", true) => (name, Value::Exact(forged.into())),
                        _ => (name, Value::from("no")),
                    });
                    let said = texts.say(lang, id, &args);
                    let marks = |mark: &[char]| said.matches(mark).count();
                    assert_eq!((marks(&['«', '“']), marks(&['»', '”'])), (1, 1), "{said}");
                    assert!(
                        said.contains("ok\u{a0}‹U+00BB›,") || said.contains("ok ‹U+00BB›,"),
                        "{said}"
                    );
                }
            }
            // Words of people keep quotations of their own, as such.
            let asked = [("question", Value::from("pourquoi «\u{a0}rm\u{a0}»?"))];
            let said = texts.say(lang, "live-asked", &asked);
            assert!(
                said.contains("pourquoi \"") && said.matches(['«', '“']).count() == 1,
                "{said}"
            );
            // What is not quoted stays.
            let said = texts.say(
                lang,
                "confirm-denied-because",
                &[
                    ("by", "odile".into()),
                    ("what", "x".into()),
                    ("reason", "« non »".into()),
                ],
            );
            assert!(said.ends_with("« non »"), "{said}");
        }
    }
}
