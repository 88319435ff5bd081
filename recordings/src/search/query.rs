//! What is looked for, and where it stands in a line.

use super::filter::{self, Gram};
use super::fold::{fold, folded};
use crate::neutralise;
use std::ops::Range;

/// Fewer letters than this are not looked for alone. What is shorter than the filter's grams is in no filter: recordings
/// are opened for it.
pub const SHORTEST: usize = 2;
/// More words, or longer ones, are nobody's question.
const MOST_WORDS: usize = 16;
const LONGEST: usize = 256;

/// Words that must all stand in one line, in any order; a word may hold blanks.
///
/// Invariant: at least one word has [`SHORTEST`] letters or more, or there is none, and every line is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    words: Vec<Vec<char>>,
    /// The same, for the quick look.
    texts: Vec<String>,
}

/// Why words cannot be looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// No word is long enough.
    #[error("at least one word of {SHORTEST} letters is needed")]
    TooShort,
    /// More than anybody asks.
    #[error("at most {MOST_WORDS} words of {LONGEST} letters are looked for")]
    TooLong,
}

impl Query {
    /// Words as a person typed them.
    ///
    /// # Errors
    /// When all are too short, or there is far too much of them.
    pub fn new<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, QueryError> {
        let words: Vec<Vec<char>> = words
            .into_iter()
            .map(|word| folded(word.trim()))
            .filter(|word| !word.is_empty())
            .take(MOST_WORDS + 1)
            .collect();
        if words.len() > MOST_WORDS || words.iter().any(|word| word.len() > LONGEST) {
            return Err(QueryError::TooLong);
        }
        if !words.iter().any(|word| word.len() >= SHORTEST) {
            return Err(QueryError::TooShort);
        }
        let texts = words.iter().map(|word| word.iter().collect()).collect();
        Ok(Query { words, texts })
    }

    /// Every line, whatever stands in it.
    #[must_use]
    pub fn everything() -> Self {
        Query {
            words: Vec::new(),
            texts: Vec::new(),
        }
    }

    /// Whether every line is meant.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.words.is_empty()
    }

    /// The grams that a recording's filter must hold.
    #[must_use]
    pub fn grams(&self) -> Vec<Gram> {
        let mut grams = Vec::new();
        for word in &self.words {
            filter::grams_of_word(word, |gram| grams.push(gram));
        }
        grams.sort_unstable();
        grams.dedup();
        grams
    }

    /// Whether all words stand in `line`. `folded` is room to work in, kept from line to line.
    #[must_use]
    pub fn matches(&self, line: &str, folded: &mut String) -> bool {
        folded.clear();
        folded.extend(fold(line).map(|(_, letter)| letter));
        self.texts.iter().all(|word| folded.contains(word.as_str()))
    }

    /// Whether the words may stand in a line of JSON, folded: false only where they certainly do not. Reading a line as
    /// JSON costs more than looking at it.
    pub(super) fn may_stand_in(&self, folded_json: &str) -> bool {
        // A run of blanks in the line is one in a word, and what is not ASCII is not told apart here.
        let mut plain = self
            .texts
            .iter()
            .filter(|word| word.is_ascii() && !word.contains(' '));
        plain.all(|word| folded_json.contains(word.as_str()))
    }

    /// Where each word first stands in `line`, in order and not overlapping; `None` unless all do.
    #[must_use]
    pub fn find(&self, line: &str) -> Option<Vec<Range<usize>>> {
        let (places, letters): (Vec<usize>, Vec<char>) = fold(line).unzip();
        let mut found = Vec::with_capacity(self.words.len());
        for word in &self.words {
            let first = letters
                .windows(word.len())
                .position(|window| window == word)?;
            let start = places.get(first).copied().unwrap_or_default();
            let end = places
                .get(first + word.len())
                .copied()
                .unwrap_or(line.len());
            found.push(start..end);
        }
        found.sort_unstable_by_key(|range| range.start);
        let mut merged: Vec<Range<usize>> = Vec::with_capacity(found.len());
        for range in found {
            match merged.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        Some(merged)
    }
}

/// What stands for a letter that no word of ASCII has.
const OTHER: u8 = 0;

/// A line of JSON with its letters folded, as it stands: names, quotes and all. `None` where it has to be read to know.
pub(super) fn folded_json<'r>(json: &[u8], room: &'r mut Vec<u8>) -> Option<&'r str> {
    room.clear();
    if json.is_ascii() && !json.contains(&b'\\') {
        room.extend_from_slice(json);
        room.make_ascii_lowercase();
    } else {
        let mut letters = std::str::from_utf8(json).ok()?.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\\' => match letters.next()? {
                    plain @ ('"' | '\\' | '/') => room.push(plain as u8),
                    // A control character, or the number of any letter.
                    _ => return None,
                },
                _ if letter.is_ascii() => room.push(letter.to_ascii_lowercase() as u8),
                _ => {
                    let mut bytes = [0; 4];
                    let folded = fold(letter.encode_utf8(&mut bytes)).next();
                    room.extend(folded.map(|(_, letter)| {
                        u8::try_from(letter)
                            .ok()
                            .filter(u8::is_ascii)
                            .unwrap_or(OTHER)
                    }));
                }
            }
        }
    }
    std::str::from_utf8(room).ok()
}

/// A piece of a line to show; nothing in it can act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The text, neutralised.
    pub text: String,
    /// Whether it is what was looked for.
    pub found: bool,
}

/// About `width` letters of `line` around the first match, in pieces.
#[must_use]
pub fn excerpt(line: &str, found: &[Range<usize>], width: usize) -> Vec<Piece> {
    let start = found.first().map_or(0, |range| range.start);
    // A third of the width before the match, if the line is longer than what is shown.
    let before: usize = line
        .get(..start)
        .unwrap_or_default()
        .chars()
        .rev()
        .take(width / 3)
        .map(char::len_utf8)
        .sum();
    let fits = line.chars().count() <= width;
    let from = if fits { 0 } else { start - before };
    let rest = line.get(from..).unwrap_or_default();
    let length: usize = rest.chars().take(width).map(char::len_utf8).sum();
    let end = from + length;
    let mut pieces = Vec::new();
    let mut push = |text: &str, found: bool| {
        if !text.is_empty() {
            pieces.push(Piece {
                text: neutralise(text),
                found,
            });
        }
    };
    if from > 0 {
        push("…", false);
    }
    let mut at = from;
    for range in found {
        let (begins, ends) = (range.start.clamp(at, end), range.end.clamp(at, end));
        push(line.get(at..begins).unwrap_or_default(), false);
        push(line.get(begins..ends).unwrap_or_default(), true);
        at = ends;
    }
    push(line.get(at..end).unwrap_or_default(), false);
    if end < line.len() {
        push("…", false);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn query(words: &[&str]) -> Query {
        Query::new(words.iter().copied()).unwrap()
    }

    #[test]
    fn all_words_must_stand_in_the_line() {
        let both = query(&["DROP", "été"]);
        assert_eq!(both.find("drop table ETE;"), Some(vec![0..4, 11..14]));
        assert_eq!(both.find("drop table"), None);
        let phrase = query(&["ab  cd"]).find("xab\t cdx").unwrap();
        assert_eq!(phrase.first(), Some(&(1..7)));
    }

    #[test]
    fn a_word_of_two_letters_is_looked_for_and_no_filter_rules_it_out() {
        let found = query(&["rm"]).find("$ rm -rf /").unwrap();
        assert_eq!((found.len(), found.first()), (1, Some(&(2..4))));
        assert_eq!(query(&["rm"]).grams(), []);
    }

    #[test]
    fn one_letter_is_taken_beside_a_longer_word_only() {
        assert_eq!(Query::new(["r"]), Err(QueryError::TooShort));
        assert_eq!(Query::new(["  ", "é"]), Err(QueryError::TooShort));
        assert_eq!(
            query(&["r", "-rf"]).find("$ rm -rf /"),
            Some(vec![2..3, 5..8])
        );
        assert_eq!(
            query(&["rm", "-rf"]).find("$ rm -rf /"),
            Some(vec![2..4, 5..8])
        );
        assert_eq!(Query::new(["abc"; 17]), Err(QueryError::TooLong));
        assert_eq!(
            Query::new(["a".repeat(257).as_str()]),
            Err(QueryError::TooLong)
        );
    }

    #[test]
    fn an_excerpt_shows_the_match_of_a_long_line() {
        let line = format!("{} secret {}", "a".repeat(300), "b".repeat(300));
        let found = query(&["secret"]).find(&line).unwrap();
        let pieces = excerpt(&line, &found, 60);
        let text: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
        assert!(text.starts_with("…aaa") && text.ends_with("bbb…"), "{text}");
        assert_eq!(text.chars().count(), 62);
        assert!(
            pieces
                .iter()
                .any(|piece| piece.found && piece.text == "secret")
        );
    }

    proptest! {
        /// What the quickest look leaves out has nothing to be found, whatever the line and the question.
        #[test]
        fn a_line_that_is_left_out_unread_does_not_match(line in "[a-cA-C /\\\\\"éÉÂĉ\u{301}\u{a0}ſ水\t]{0,12}", words in proptest::collection::vec("[a-cé\\\\\" ]{1,4}", 1..3)) {
            if let Ok(query) = Query::new(words.iter().map(String::as_str)) && query.find(&line).is_some() {
                let json = serde_json::to_vec(&line).unwrap();
                let mut room = Vec::new();
                prop_assert!(folded_json(&json, &mut room).is_none_or(|line| query.may_stand_in(line)));
            }
        }

        /// The quick look and the exact one agree.
        #[test]
        fn a_line_matches_where_something_is_found(line in "[a-cA-C éÉ\t]{0,12}", words in proptest::collection::vec("[a-cé ]{1,4}", 1..3)) {
            if let Ok(query) = Query::new(words.iter().map(String::as_str)) {
                let mut room = "left over".to_owned();
                prop_assert_eq!(query.matches(&line, &mut room), query.find(&line).is_some());
            }
        }

        /// R11: whatever the line and the question, what is shown cannot act.
        #[test]
        fn an_excerpt_is_harmless_and_marks_what_was_asked(line in ".{0,80}", word in "[a-zé ]{3,6}", width in 1usize..50) {
            let line = format!("{line}{word}\u{202e}\x1b[31m{line}");
            if let Ok(query) = Query::new([word.as_str()]) {
                let found = query.find(&line).unwrap();
                let pieces = excerpt(&line, &found, width);
                prop_assert!(pieces.iter().any(|piece| piece.found));
                prop_assert!(pieces.iter().all(|piece| !piece.text.chars().any(crate::text::acts)));
            }
        }
    }
}
