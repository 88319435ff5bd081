//! One part of a document's object that changed, as the difference has it (`keep: 60d -> 90d`), for those who read of it
//! later. What it is called is said in their language; values are the document's own, but for those that are words.

use ecluse_policy::Lang;

use super::{Texts, Value};
use crate::store::UNKNOWN_BEFORE;

/// Parts that are said with yes and no.
const YES_OR_NO: [&str; 3] = ["disabled", "unmask", "search.screen-text"];
/// Parts that are lengths.
const LENGTHS: [&str; 4] = [
    "approval.at-most",
    "approval.long",
    "retention.keep",
    "retention.longest",
];

impl Texts {
    /// A line of a difference.
    pub(crate) fn part(&self, lang: Lang, line: &str) -> String {
        if line == UNKNOWN_BEFORE {
            return self.say(lang, "changes-unknown-before", &[]);
        }
        let Some((part, rest)) = line.split_once(": ") else {
            return line.to_owned();
        };
        let values: Vec<String> = match rest.strip_suffix(" -> nothing") {
            Some(before) => vec![
                self.value(lang, part, before),
                self.say(lang, "changes-nothing", &[]),
            ],
            // Of a text that holds an arrow itself nothing is a word of ours.
            None => rest
                .split(" -> ")
                .map(|value| self.value(lang, part, value))
                .collect(),
        };
        let kind = part.replace('.', "-");
        let args = [
            ("kind", kind.into()),
            ("part", part.into()),
            ("text", Value::Exact(values.join(" -> ").into())),
        ];
        self.say(lang, "changes-part", &args)
    }

    fn value(&self, lang: Lang, part: &str, value: &str) -> String {
        match (lang, value) {
            (Lang::En, _) => value.to_owned(),
            (Lang::Fr, "true") if YES_OR_NO.contains(&part) => "oui".to_owned(),
            (Lang::Fr, "false") if YES_OR_NO.contains(&part) => "non".to_owned(),
            (Lang::Fr, "nowhere") if part == "networks" => "aucun".to_owned(),
            (Lang::Fr, length) if LENGTHS.contains(&part) => length.replace('d', "j"),
            (Lang::Fr, _) => value.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_said_in_the_readers_language() {
        let texts = Texts::load().unwrap();
        for (line, french, english) in [
            (
                "disabled: false -> true",
                "hors service (disabled)\u{a0}: non -> oui",
                "disabled: false -> true",
            ),
            (
                "retention.keep: 60d -> 90d",
                "conservation (retention.keep)\u{a0}: 60j -> 90j",
                "retention.keep: 60d -> 90d",
            ),
            (
                "expires: 2027-01-01T00:00:00Z -> nothing",
                "fin du compte (expires)\u{a0}: 2027-01-01T00:00:00Z -> rien",
                "expires: 2027-01-01T00:00:00Z -> nothing",
            ),
            (
                "allow: + command: echo true",
                "permet (allow)\u{a0}: + command: echo true",
                "allow: + command: echo true",
            ),
            (
                "name: a -> true",
                "nom (name)\u{a0}: a -> true",
                "name: a -> true",
            ),
            (
                "later: 1d -> 2d",
                "later\u{a0}: 1d -> 2d",
                "later: 1d -> 2d",
            ),
        ] {
            assert_eq!(texts.part(Lang::Fr, line), french);
            assert_eq!(texts.part(Lang::En, line), english);
        }
    }
}
