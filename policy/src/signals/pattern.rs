//! The pattern of a tripwire, and what of a line it finds.

use std::fmt;

use crate::name::shown;

/// Longest pattern, in characters.
const LONGEST: usize = 200;
/// What is accepted, in words.
pub const ACCEPTED: &str = "1 to 200 visible characters to be looked for in a line, with * for anything between, such as \"pg_dump\" or \"rm -rf */data\"";

/// What is looked for: whole words, whatever their case, with `*` for anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    /// What stands between the stars, folded.
    parts: Vec<Vec<char>>,
}

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let is_visible =
            |letter: char| letter == ' ' || !(letter.is_control() || letter.is_whitespace());
        if text.chars().count() > LONGEST || !text.chars().all(is_visible) {
            return Err(format!("`{}` does not read as a pattern", shown(text)));
        }
        let parts: Vec<Vec<char>> = text.split('*').map(|part| folded(part.chars())).collect();
        if parts
            .iter()
            .all(|part| part.iter().all(|letter| *letter == ' '))
        {
            return Err(format!("`{}` finds every line", shown(text)));
        }
        Ok(Self {
            text: text.to_owned(),
            parts,
        })
    }

    /// Whether a line has it, however long that is: words before or behind hide nothing.
    #[must_use]
    pub fn finds(&self, line: &str) -> bool {
        let line = folded(line.chars());
        let Some((first, others)) = self.parts.split_first() else {
            return false;
        };
        let Some((last, middle)) = others.split_last() else {
            let mut places = places(&line, first, 0);
            return places.any(|at| begins_word(&line, at, first) && ends_word(&line, at, first));
        };
        // The earliest leaves the most room for what follows.
        let Some(at) = places(&line, first, 0).find(|at| begins_word(&line, *at, first)) else {
            return false;
        };
        let mut at = at + first.len();
        for part in middle {
            match places(&line, part, at).next() {
                Some(found) => at = found + part.len(),
                None => return false,
            }
        }
        places(&line, last, at).any(|at| ends_word(&line, at, last))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.text)
    }
}

/// In small letters, blanks one at a time.
fn folded(text: impl Iterator<Item = char>) -> Vec<char> {
    let mut all: Vec<char> = Vec::new();
    for letter in text {
        let letter = if letter.is_whitespace() { ' ' } else { letter };
        if letter != ' ' || all.last() != Some(&' ') {
            all.extend(letter.to_lowercase());
        }
    }
    all
}

/// Where a part stands, from a place on.
fn places<'a>(line: &'a [char], part: &'a [char], from: usize) -> impl Iterator<Item = usize> + 'a {
    let last = line.len().checked_sub(part.len());
    let places = from..last.map_or(from, |last| last + 1);
    places.filter(move |at| line.get(*at..*at + part.len()) == Some(part))
}

fn is_word(letter: Option<&char>) -> bool {
    letter.is_some_and(|letter| letter.is_alphanumeric() || *letter == '_')
}

/// Nothing of the same word stands before.
fn begins_word(line: &[char], at: usize, part: &[char]) -> bool {
    let before = at.checked_sub(1).and_then(|before| line.get(before));
    !(is_word(part.first()) && is_word(before))
}

/// Nothing of the same word stands behind.
fn ends_word(line: &[char], at: usize, part: &[char]) -> bool {
    !(is_word(part.last()) && is_word(line.get(at + part.len())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn finds(pattern: &str, line: &str) -> bool {
        Pattern::parse(pattern).unwrap().finds(line)
    }

    #[test]
    fn a_pattern_finds_whole_words_with_anything_for_a_star() {
        for (pattern, line) in [
            ("pg_dump", "postgres@db01:~$ pg_dump prod"),
            ("pg_dump", "$ sudo -u postgres /usr/bin/PG_DUMP"),
            ("pg_dump", "$ true;pg_dump>x"),
            ("pg_dump*", "$ pg_dumpall"),
            ("*dump", "$ mysqldump -A"),
            ("rm -rf */data", "$ rm  -rf  /srv/old/data"),
            (
                "select * from patients",
                "psql=> SELECT id, name FROM Patients;",
            ),
            ("a*b*c", "a-b-b-c"),
            ("> /dev/tcp/", "$ cat x > /dev/tcp/1.2.3.4/80"),
            ("scp", "scp"),
        ] {
            assert!(finds(pattern, line), "{pattern} in {line}");
        }
        for (pattern, line) in [
            ("pg_dump", "$ pg_dumpall"),
            ("dd", "$ git add -A"),
            ("rm -rf */data", "$ rm -rf /srv/database"),
            ("select * from patients", "from patients select"),
            ("a*b*c", "a-c-b"),
            ("scp", ""),
            ("aa*aa", "aaa"),
        ] {
            assert!(!finds(pattern, line), "{pattern} in {line}");
        }
        // Whoever pads it hides nothing.
        let (pad, found) = ("x".repeat(100_000), "pg_dump prod");
        assert!(finds("pg_dump", &format!("{found}; : {pad}")));
        assert!(finds("pg_dump*", &format!(": {pad}; {found}")));
        for bad in ["", "*", " * ", "a\tb", "a\u{202e}b\n"] {
            assert!(Pattern::parse(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        /// Beside a naive model: words and stars of a small alphabet.
        #[test]
        fn it_finds_what_a_naive_search_finds(pattern in "[ab*]{1,6}", line in "[ab ]{0,12}") {
            fn naive(parts: &[&str], line: &str, at: usize, is_first: bool) -> bool {
                let Some((part, rest)) = parts.split_first() else { return true };
                (at..=line.len()).any(|at| {
                    let fits = line[at..].starts_with(part);
                    let end = at + part.len();
                    let word = |place: usize| line[place..].starts_with(['a', 'b']);
                    let begins = !is_first || part.is_empty() || at == 0 || !word(at - 1);
                    let ends = !rest.is_empty() || part.is_empty() || !fits || !word(end);
                    fits && begins && ends && naive(rest, line, end, false)
                })
            }
            let parts: Vec<&str> = pattern.split('*').collect();
            let line: Vec<&str> = line.split_whitespace().collect();
            let line = line.join(" ");
            if let Ok(parsed) = Pattern::parse(&pattern) {
                prop_assert_eq!(parsed.finds(&line), naive(&parts, &line, 0, true));
            }
        }
    }
}
