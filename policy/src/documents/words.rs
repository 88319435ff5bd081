//! Texts for people: one line, in which every character shows.

use crate::name::shown;

/// Longest name for people, or contact, in characters.
const LONGEST_TEXT: usize = 200;

/// What is accepted as a text for people.
pub(super) const PEOPLE: &str = "1 to 200 visible characters on one line";

/// A text that people will read on terminals and pages.
pub(super) fn for_people(text: &str) -> Result<String, String> {
    let fits = (1..=LONGEST_TEXT).contains(&text.chars().count()) && !text.trim().is_empty();
    if fits && is_visible(text) {
        Ok(text.to_owned())
    } else {
        Err(format!("`{}` does not read as a text", shown(text)))
    }
}

/// Whether a text is one line in which every character shows: nothing moves a cursor, hides or reorders words.
pub(crate) fn is_visible(text: &str) -> bool {
    !text.chars().any(|character| {
        character.is_control()
            || matches!(character, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    })
}
