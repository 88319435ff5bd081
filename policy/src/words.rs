//! What one person types and others read and decide by: reasons. One line, in which nothing hides, and nothing makes room
//! for words that look like somebody else's.

use crate::documents::is_visible;
use crate::verdict::Refusal;

/// Longest reason, in characters.
pub const LONGEST_REASON: usize = 1_000;

/// A reason as it is kept: runs of blanks of any kind are one, none stand at its ends.
///
/// # Errors
/// [`Refusal::Reason`] when nothing is left, it is too long, or holds what hides or moves text.
pub fn reason(typed: &str) -> Result<String, Refusal> {
    let reason = folded(typed);
    if (1..=LONGEST_REASON).contains(&reason.chars().count()) && is_visible(&reason) {
        return Ok(reason);
    }
    Err(Refusal::Reason {
        longest: u64::try_from(LONGEST_REASON).unwrap_or(u64::MAX),
    })
}

/// The same for what must not be held up by how it was typed, as a cut: what does not fit is left out. `None` when nothing
/// is left.
#[must_use]
pub fn lenient_reason(typed: &str) -> Option<String> {
    let visible: String = typed
        .chars()
        .map(|letter| if letter.is_whitespace() { ' ' } else { letter })
        .filter(|letter| is_visible(letter.encode_utf8(&mut [0; 4])))
        .collect();
    let kept: String = folded(&visible).chars().take(LONGEST_REASON).collect();
    let kept = kept.trim_end();
    (!kept.is_empty()).then(|| kept.to_owned())
}

/// `text` with runs of blanks of any kind as one, and none at its ends: padding that would push words to where another line
/// begins on the reader's terminal. A single no-break space stays one.
#[must_use]
pub fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if !is_blank(letter) {
            out.push(letter);
            continue;
        }
        let mut alone = true;
        while letters.next_if(|next| is_blank(*next)).is_some() {
            alone = false;
        }
        if out.is_empty() || letters.peek().is_none() {
            continue;
        }
        let unbroken = alone && matches!(letter, '\u{a0}' | '\u{202f}');
        out.push(if unbroken { letter } else { ' ' });
    }
    out
}

/// Whether nothing is drawn where the character stands: white space within a line, and letters that are blank.
const fn is_blank(letter: char) -> bool {
    let ends_a_line = matches!(
        letter,
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    );
    (letter.is_whitespace() && !ends_a_line)
        || matches!(
            letter,
            '\u{115f}'
                | '\u{1160}'
                | '\u{17b4}'
                | '\u{17b5}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{ffa0}'
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn runs_of_blanks_of_any_kind_are_one() {
        for (typed, kept) in [
            ("  disk   full ", "disk full"),
            ("disk\tfull", "disk full"),
            ("disk\u{3000}\u{2800}\u{a0}full\u{2003}", "disk full"),
            ("où\u{a0}?", "où\u{a0}?"),
            ("a\u{3164}b", "a b"),
        ] {
            assert_eq!(reason(typed), Ok(kept.to_owned()), "{typed:?}");
        }
        for nothing in [
            "",
            "a\nb",
            "  ",
            "\u{2800}\u{3000}",
            "a\u{202e}b",
            "a\u{1b}[2J",
        ] {
            assert!(
                matches!(reason(nothing), Err(Refusal::Reason { .. })),
                "{nothing:?}"
            );
        }
    }

    #[test]
    fn a_cut_is_not_held_up_by_its_reason() {
        assert_eq!(
            lenient_reason("now\u{1b}[2J\u{202e}!"),
            Some("now[2J!".to_owned())
        );
        assert_eq!(lenient_reason("\u{7}\u{2800}"), None);
        assert_eq!(
            lenient_reason(&"x".repeat(5_000)).map(|kept| kept.len()),
            Some(LONGEST_REASON)
        );
    }

    proptest! {
        /// What is kept once stays as it is, and holds no two blanks in a row.
        #[test]
        fn a_reason_is_one_line_without_padding(typed in any::<String>()) {
            for kept in reason(&typed).ok().into_iter().chain(lenient_reason(&typed)) {
                prop_assert_eq!(folded(&kept), kept.clone());
                prop_assert_eq!(reason(&kept), Ok(kept.clone()));
                let letters: Vec<char> = kept.chars().collect();
                prop_assert!(!letters.windows(2).any(|two| is_blank(two[0]) && is_blank(two[1])));
            }
        }
    }
}
