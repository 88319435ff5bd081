//! Words as they are asked by somebody who reads in their language what stands on record in English.
//!
//! What the gateway said is shown to them in their words ([`crate::spoken`]), so it is found by these too. The filter of a
//! recording knows the English alone: each sentence whose words in the reader's language hold some of those that are looked for
//! is a question of its own, for its English and for the rest of the words. What a line of it then says in the reader's
//! language decides.

use super::fold::folded;
use super::query::folded_json;
use super::{Gram, Line, LineKind, Query, QueryError};
use crate::bundle::Language;
use crate::spoken::{sentences, spoken};

/// Questions in English for one; words that are in more sentences are no words to look for.
const MOST: usize = 200;
/// How many sentences may stand one within the other.
const DEEPEST: usize = 3;
/// Letters of a sentence that are enough to know it.
const ENOUGH: usize = 100;

/// What somebody looks for.
#[derive(Clone, Debug)]
pub struct Questions {
    asked: Query,
    on_record: Vec<Query>,
    language: Language,
}

impl Questions {
    /// Words as a person of this language typed them.
    ///
    /// # Errors
    /// As of [`Query::new`].
    pub fn new<'a>(
        words: impl IntoIterator<Item = &'a str>,
        language: Language,
    ) -> Result<Self, QueryError> {
        let words: Vec<&str> = words.into_iter().collect();
        let asked = Query::new(words.iter().copied())?;
        let on_record = on_record(&words, language);
        let on_record = on_record
            .iter()
            .filter_map(|words| Query::new(words.iter().map(String::as_str)).ok());
        Ok(Questions {
            asked,
            on_record: on_record.collect(),
            language,
        })
    }

    /// Every line, whatever stands in it.
    #[must_use]
    pub fn everything() -> Self {
        Questions {
            asked: Query::everything(),
            on_record: Vec::new(),
            language: Language::English,
        }
    }

    /// The words themselves.
    #[must_use]
    pub fn asked(&self) -> &Query {
        &self.asked
    }

    /// The grams that a recording's filter must hold: all of one of these.
    #[must_use]
    pub fn grams(&self) -> Vec<Vec<Gram>> {
        let all = [&self.asked].into_iter().chain(&self.on_record);
        all.map(Query::grams).collect()
    }

    /// Whether the words stand in what the gateway said, as it is on record or as its reader is told.
    #[must_use]
    pub fn is_in_words_of_ours(&self, text: &str) -> bool {
        self.asked.find(text).is_some() || self.is_told(text)
    }

    /// Whether they stand in a line. `folded` is room to work in, kept from line to line.
    pub(super) fn matches(&self, line: &Line, folded: &mut String) -> bool {
        let is_ours = matches!(
            line.kind,
            LineKind::Note | LineKind::Refusal | LineKind::Forward
        );
        self.asked.matches(&line.text, folded) || is_ours && self.is_told(&line.text)
    }

    /// Whether they may stand in a line that was written as this JSON. `room` is kept from line to line.
    pub(super) fn may_match(&self, json: &[u8], room: &mut Vec<u8>) -> bool {
        let Some(line) = folded_json(json, room) else {
            return true;
        };
        let is_ours = || {
            let kinds = [
                "\"kind\":\"note\"",
                "\"kind\":\"refusal\"",
                "\"kind\":\"forward\"",
            ];
            kinds.iter().any(|kind| line.contains(kind))
        };
        self.asked.may_stand_in(line)
            || !self.on_record.is_empty()
                && is_ours()
                && self.on_record.iter().any(|one| one.may_stand_in(line))
    }

    fn is_told(&self, text: &str) -> bool {
        !self.on_record.is_empty()
            && spoken(self.language, text).is_some_and(|told| self.asked.find(&told).is_some())
    }
}

/// The words in English under which a line may stand on record that holds `words` as its reader is told.
fn on_record(words: &[&str], language: Language) -> Vec<Vec<String>> {
    let sentences: Vec<(Vec<&str>, String)> = sentences(language)
        .map(|(english, told)| (pieces(english), pieces(told).join("\0")))
        .map(|(english, told)| (english, folded(&told).into_iter().collect()))
        .collect();
    let words = words.iter().map(|word| folded(word.trim()));
    let words: Vec<String> = words.map(String::from_iter).collect();
    let mut found: Vec<Vec<String>> = Vec::new();
    let mut begun = vec![(Vec::new(), words)];
    for _ in 0..DEEPEST {
        let mut next = Vec::new();
        for (outer, left) in &begun {
            for (english, told) in &sentences {
                let (_, rest): (Vec<String>, Vec<String>) = left
                    .iter()
                    .cloned()
                    .partition(|word| told.contains(word.as_str()));
                if rest.len() == left.len() {
                    continue;
                }
                let mut question: Vec<String> = outer.clone();
                question.extend(english.iter().map(|piece| (*piece).to_owned()));
                found.push(question.iter().chain(&rest).cloned().collect());
                if found.len() >= MOST {
                    return found;
                }
                if !rest.is_empty() {
                    next.push((question, rest));
                }
            }
        }
        begun = next;
    }
    found
}

/// What stands between the holes of a sentence.
fn pieces(sentence: &str) -> Vec<&str> {
    let between = sentence.split('{').enumerate().map(|(at, piece)| match at {
        0 => piece,
        _ => piece.split_once('}').map_or("", |(_, after)| after),
    });
    between
        .map(|piece| {
            let end = piece.char_indices().nth(ENOUGH);
            let end = end.map_or(piece.len(), |(end, _)| end);
            piece.get(..end).unwrap_or_default().trim()
        })
        .filter(|piece| !piece.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::{FilterBuilder, find, may_hold};

    fn asks(words: &[&str]) -> Questions {
        Questions::new(words.iter().copied(), Language::French).unwrap()
    }

    fn line(kind: LineKind, text: &str) -> Line {
        Line::new(0, 1, kind, text.to_owned())
    }

    /// R10: what its reader is told in French is found by the French words, through the filter and line by line.
    #[test]
    fn what_is_told_in_french_is_found_by_its_french_words() {
        for (words, english) in [
            (&["coupée"][..], "ended: cut by odile: enough"),
            (&["COUPEE", "odile"], "ended: cut by odile"),
            (&["fin", "coupée par"], "ended: cut by odile"),
            (
                &["redirection distante"],
                "a remote forward from localhost:0: a remote forward from localhost:0 is not part of this intervention; missing: remote-forward: 0",
            ),
            (
                &["ne fait pas partie", "uptime"],
                "the command `uptime`: the command `uptime` is not part of this intervention; missing: command: uptime",
            ),
            (&["hors service"], "ended: the account bruno is disabled"),
        ] {
            let questions = asks(words);
            let mut filter = FilterBuilder::default();
            filter.line(english);
            let filter = filter.finish();
            let held = questions.grams();
            assert!(
                held.iter().any(|grams| may_hold(filter.as_bytes(), grams)),
                "{words:?}"
            );
            let json = serde_json::to_vec(&line(LineKind::Note, english)).unwrap();
            let mut found = 0;
            find(&mut json.as_slice(), &questions, |_| {
                found += 1;
                true
            })
            .unwrap();
            assert_eq!(found, 1, "{words:?}");
            // What a target showed is as it showed it.
            let json = serde_json::to_vec(&line(LineKind::Screen, english)).unwrap();
            find(&mut json.as_slice(), &questions, |line| panic!("{line:?}")).unwrap();
        }
    }

    #[test]
    fn what_is_told_otherwise_is_not_found() {
        let mut room = String::new();
        for (words, english) in [
            (&["coupée", "olivia"][..], "ended: cut by odile"),
            (&["coupée"], "ended: closed"),
            (&["coupée"], "cut by hand, said the log"),
        ] {
            assert!(
                !asks(words).matches(&line(LineKind::Screen, english), &mut room),
                "{english}"
            );
        }
        assert!(
            !asks(&["coupée", "olivia"])
                .matches(&line(LineKind::Note, "ended: cut by odile"), &mut room)
        );
        // Whoever reads English asks in English, and French readers may too.
        let english = Questions::new(["coupée"], Language::English).unwrap();
        assert!(!english.matches(&line(LineKind::Note, "cut by odile"), &mut room));
        assert!(asks(&["cut by"]).matches(&line(LineKind::Note, "cut by odile"), &mut room));
        assert_eq!(english.grams().len(), 1);
    }
}
