//! Letters with marks on them: accents that combine, joiners, selectors. They take no place of their own.
//!
//! The model keeps one character a cell. A letter with its marks is therefore kept as one character that no program
//! prints, of the same width, and [`Marked`] knows what it stands for. A target that prints such a character itself gets
//! another in its place, so that nothing it sends can be taken for what somebody else sent.

use crate::text::acts;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use unicode_width::UnicodeWidthChar;

/// Private, one cell wide.
const NARROW: std::ops::RangeInclusive<u32> = 0x0010_0000..=0x0010_fffd;
/// Not assigned, two cells wide.
const WIDE: std::ops::RangeInclusive<u32> = 0x0003_f000..=0x0003_fffd;
/// Different letters with marks that one screen remembers; beyond, marks are left out.
const MOST: usize = 4000;
/// Marks on one letter; beyond, they are left out.
const MOST_MARKS: usize = 8;

/// The letters with marks of one screen; copies are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marked(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    by_text: HashMap<String, char>,
    by_letter: HashMap<char, String>,
    narrow: u32,
    wide: u32,
}

/// Whether a character takes no place of its own.
pub(crate) fn is_mark(letter: char) -> bool {
    letter >= '\u{ad}' && letter.width() == Some(0)
}

/// What is kept for a letter that was printed.
pub(crate) fn kept(letter: char) -> char {
    match letter as u32 {
        ascii if ascii < 0x80 => letter,
        code if NARROW.contains(&code) => '\u{fffd}',
        code if WIDE.contains(&code) => '〓',
        _ => letter,
    }
}

fn stands_for_several(letter: char) -> bool {
    let code = letter as u32;
    code > 0xffff && (NARROW.contains(&code) || WIDE.contains(&code))
}

impl Marked {
    /// What is kept for a letter, or for one that has marks already, with one more; `None` where that is left out.
    pub(crate) fn with(&self, letter: char, mark: char) -> Option<char> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = match table.by_letter.get(&letter) {
            Some(text) => text.clone(),
            None => letter.to_string(),
        };
        if text.chars().count() > MOST_MARKS {
            return None;
        }
        text.push(mark);
        if let Some(known) = table.by_text.get(&text) {
            return Some(*known);
        }
        if table.by_text.len() >= MOST {
            return None;
        }
        let code = if letter.width() == Some(2) {
            table.wide += 1;
            WIDE.start() + table.wide
        } else {
            table.narrow += 1;
            NARROW.start() + table.narrow
        };
        let kept = char::from_u32(code).filter(|kept| stands_for_several(*kept))?;
        table.by_text.insert(text.clone(), kept);
        table.by_letter.insert(kept, text);
        Some(kept)
    }

    /// Writes what a cell holds, as text that cannot act; marks that would are shown. Of those that only join or choose how a
    /// letter is drawn, those stay that do so in the letter's own script; elsewhere they hide in a word, and are left out.
    pub(crate) fn write(&self, letter: char, text: &mut String) {
        if letter.is_ascii_graphic() || letter == ' ' {
            return text.push(letter);
        }
        if !stands_for_several(letter) {
            return text.push(printable(letter));
        }
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(whole) = table.by_letter.get(&letter) else {
            return;
        };
        let mut letters = whole.chars().peekable();
        let (mut first, mut before) = (None, None);
        while let Some(letter) = letters.next() {
            let first = *first.get_or_insert(letter);
            match letter {
                mark if is_joiner(mark) => {
                    if is_at_home(first, before, mark, letters.peek().copied()) {
                        text.push(mark);
                    }
                }
                letter if acts(letter) => text.push('\u{fffd}'),
                letter => text.push(letter),
            }
            before = Some(letter);
        }
    }

    /// The letter of a cell, and the marks of it that are drawn.
    pub(crate) fn parts(&self, letter: char) -> (char, Marks) {
        if !stands_for_several(letter) {
            return (printable(letter), Marks::default());
        }
        let mut text = String::new();
        self.write(letter, &mut text);
        let mut letters = text.chars();
        let first = letters.next().unwrap_or('\u{fffd}');
        let mut marks = Marks::default();
        // A joiner makes one picture of two where the reader's terminal can: the row would shift.
        let drawn = letters.filter(|mark| is_mark(*mark) && !acts(*mark) && !is_joiner(*mark));
        for (place, mark) in marks.0.iter_mut().zip(drawn) {
            *place = Some(mark);
        }
        (first, marks)
    }
}

/// Whether a mark shows nothing itself: joiners, and selectors of how a letter is drawn.
pub(crate) fn is_joiner(mark: char) -> bool {
    matches!(mark, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

/// Whether such a mark does what it is for, and hides in no word: behind a pictograph, a key's sign or a letter of a script
/// that is written joined. One joiner a letter, the last of its marks: it joins to the next letter.
fn is_at_home(first: char, before: Option<char>, mark: char, after: Option<char>) -> bool {
    match mark {
        '\u{fe0e}' | '\u{fe0f}' if before == Some(first) => {
            let is_key = matches!(first, '0'..='9' | '#' | '*') && after == Some('\u{20e3}');
            is_key || is_pictograph(first)
        }
        '\u{200d}' if after.is_none() => is_pictograph(first) || is_written_joined(first),
        '\u{200c}' if after.is_none() => is_written_joined(first),
        _ => false,
    }
}

/// Signs that are pictures, and have no letters among them.
fn is_pictograph(letter: char) -> bool {
    matches!(
        letter,
        '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{23ff}' | '\u{25a0}'..='\u{27bf}' | '\u{2900}'..='\u{297f}'
            | '\u{2b00}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}'
    )
}

/// Scripts in which letters join, and words are written with joiners and non-joiners: Arabic and its neighbours, those of India,
/// Burmese, Khmer, Mongolian.
fn is_written_joined(letter: char) -> bool {
    matches!(
        letter,
        '\u{620}'..='\u{8ff}' | '\u{904}'..='\u{dff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17dc}'
            | '\u{1820}'..='\u{18aa}'
    )
}

/// The marks of a letter that are drawn with it, at most three. They combine, and do nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks([Option<char>; 3]);

impl Marks {
    /// None.
    pub const NONE: Marks = Marks([None; 3]);

    /// The marks, in order.
    pub fn iter(self) -> impl Iterator<Item = char> {
        self.0.into_iter().flatten()
    }
}

/// A letter that takes its cell and nothing else.
pub(crate) fn printable(letter: char) -> char {
    if acts(letter) {
        return '\u{fffd}';
    }
    if letter.width() == Some(0) {
        ' '
    } else {
        letter
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_several_is_as_wide_as_its_letter() {
        let marked = Marked::default();
        let narrow = marked.with('e', '\u{301}').unwrap();
        let wide = marked.with('水', '\u{301}').unwrap();
        assert_eq!((narrow.width(), wide.width()), (Some(1), Some(2)));
        let two = marked.with(narrow, '\u{323}').unwrap();
        let mut text = String::new();
        for letter in [narrow, wide, two] {
            marked.write(letter, &mut text);
        }
        assert_eq!(text, "e\u{301}水\u{301}e\u{301}\u{323}");
        assert_eq!(marked.with('e', '\u{301}'), Some(narrow));
        assert_eq!(marked.parts(narrow).1.iter().collect::<String>(), "\u{301}");
    }

    #[test]
    fn nobody_else_can_print_it_and_it_has_an_end() {
        let marked = Marked::default();
        let narrow = marked.with('e', '\u{301}').unwrap();
        assert_eq!(kept(narrow), '\u{fffd}');
        let mut letter = 'a';
        let mut marks = 0;
        while let Some(more) = marked.with(letter, '\u{300}') {
            (letter, marks) = (more, marks + 1);
        }
        assert_eq!(marks, MOST_MARKS);
        let many = (0x4e00..0x9000).filter_map(char::from_u32);
        let kept = many
            .filter_map(|letter| marked.with(letter, '\u{301}'))
            .count();
        assert!(kept < MOST, "{kept}");
    }

    /// What joins stays where its script joins, and hides in no word of any other; nothing of it is drawn.
    #[test]
    fn joiners_stay_where_they_are_at_home() {
        let cell = |sent: &str| {
            let marked = Marked::default();
            let mut letters = sent.chars();
            let first = letters.next().unwrap();
            let kept = letters.fold(first, |letter, mark| marked.with(letter, mark).unwrap());
            let mut text = String::new();
            marked.write(kept, &mut text);
            assert!(!marked.parts(kept).1.iter().any(is_joiner), "{sent:?}");
            text
        };
        for whole in [
            "👩\u{200d}",
            "❤\u{fe0f}",
            "❤\u{fe0f}\u{200d}",
            "⌚\u{fe0e}",
            "1\u{fe0f}\u{20e3}",
            "ی\u{200c}",
            "क\u{94d}\u{200d}",
        ] {
            assert_eq!(cell(whole), whole);
        }
        for (sent, written) in [
            ("p\u{200d}", "p"),
            ("p\u{fe0f}", "p"),
            ("1\u{fe0f}", "1"),
            ("é\u{200c}", "é"),
            ("水\u{200d}", "水"),
            ("👩\u{200d}\u{200d}\u{200d}", "👩\u{200d}"),
            ("👩\u{200c}", "👩"),
            ("❤\u{fe0f}\u{fe0f}", "❤\u{fe0f}"),
            ("❤\u{fe01}", "❤"),
            ("👩\u{202e}", "👩\u{fffd}"),
        ] {
            assert_eq!(cell(sent), written, "{sent:?}");
        }
    }

    #[test]
    fn marks_that_act_are_shown_and_never_drawn() {
        let marked = Marked::default();
        let letter = marked.with('a', '\u{202e}').unwrap();
        let mut text = String::new();
        marked.write(letter, &mut text);
        assert_eq!(text, "a\u{fffd}");
        assert_eq!(marked.parts(letter), ('a', Marks::NONE));
    }
}
