//! What one person types and others read and decide by: reasons. One line, in which nothing hides, and nothing makes room
//! for words that look like somebody else's.

use crate::documents::is_visible;
use crate::verdict::Refusal;

/// Longest reason, in characters.
pub const LONGEST_REASON: usize = 1_000;

/// A reason as it is kept: runs of blanks of any kind are one, none stand at its ends.
///
/// # Errors
/// [`Refusal::Reason`] when nothing is left, it is too long, or holds what hides or moves text, or is not drawn.
/// [`Refusal::ReasonIsCode`] for what is a one-time code.
pub fn reason(typed: &str) -> Result<String, Refusal> {
    let reason = folded(typed);
    if is_code(&reason) {
        return Err(Refusal::ReasonIsCode);
    }
    let fits = (1..=LONGEST_REASON).contains(&reason.chars().count());
    if fits && is_visible(&reason) && each_shows(typed) {
        return Ok(reason);
    }
    Err(Refusal::Reason {
        longest: u64::try_from(LONGEST_REASON).unwrap_or(u64::MAX),
    })
}

/// Whether a text is six digits, as authenticators show them, with or without a blank in the middle.
#[must_use]
pub fn is_code(text: &str) -> bool {
    let digits: Vec<char> = text.chars().filter(|letter| *letter != ' ').collect();
    digits.len() == 6 && digits.iter().all(char::is_ascii_digit)
}

/// The same for what must not be held up by how it was typed, as a cut: what does not fit is left out. `None` when nothing
/// is left.
#[must_use]
pub fn lenient_reason(typed: &str) -> Option<String> {
    let mut visible = String::with_capacity(typed.len());
    for letter in typed.chars() {
        let letter = if letter.is_whitespace() { ' ' } else { letter };
        if is_visible(letter.encode_utf8(&mut [0; 4])) && shows(letter, visible.chars().last()) {
            visible.push(letter);
        }
    }
    let kept: String = folded(&visible).chars().take(LONGEST_REASON).collect();
    let kept = kept.trim_end();
    (!kept.is_empty() && !is_code(kept)).then(|| kept.to_owned())
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

fn each_shows(text: &str) -> bool {
    let before = std::iter::once(None).chain(text.chars().map(Some));
    text.chars()
        .zip(before)
        .all(|(letter, before)| shows(letter, before))
}

/// Whether a character can be read where it stands. The two that choose how an emoji is drawn count as part of it.
fn shows(letter: char, before: Option<char>) -> bool {
    match letter {
        '\u{fe0e}' | '\u{fe0f}' => {
            before.is_some_and(|before| !before.is_whitespace() && !is_hidden(before))
        }
        letter => !is_hidden(letter),
    }
}

/// Whether no reader knows that the character is there, or none but its author what it says.
///
/// **Source**: `Default_Ignorable_Code_Point` of Unicode 16.0 (DerivedCoreProperties.txt), which fonts draw as nothing;
/// the two that they draw as blanks and that are no white space (U+2800, U+1D159); interlinear marks and the object
/// replacement (U+FFF9 to U+FFFC); private use and what is no character (UnicodeData.txt: Co; PropList.txt:
/// `Noncharacter_Code_Point`).
const fn is_hidden(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffc}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d159}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
        | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}' | '\u{fdd0}'..='\u{fdef}'
    ) || (letter as u32) & 0xfffe == 0xfffe
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
            ("disk\u{3000}\u{a0}full\u{2003}", "disk full"),
            ("⚠\u{fe0f} disk", "⚠\u{fe0f} disk"),
            ("où\u{a0}?", "où\u{a0}?"),
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

    /// Whoever decides reads all of what they decide by.
    #[test]
    fn what_nobody_can_see_is_in_no_reason() {
        for hidden in [
            0xad,
            0x34f,
            0x61c,
            0x115f,
            0x1160,
            0x17b4,
            0x180e,
            0x200b,
            0x2028,
            0x202e,
            0x2060,
            0x2066,
            0x2800,
            0x3164,
            0xe000,
            0xfdd0,
            0xfe00,
            0xfeff,
            0xffa0,
            0xfff9,
            0xfffc,
            0x1bca0,
            0x1d159,
            0x1d173,
            0x1fffe,
            0xe0041,
            0xe0100,
            0xf0000,
            0x0010_ffff,
        ] {
            let letter = char::from_u32(hidden).unwrap();
            for typed in [
                format!("a{letter}b"),
                format!("a {letter}"),
                letter.to_string(),
            ] {
                assert!(
                    matches!(reason(&typed), Err(Refusal::Reason { .. })),
                    "U+{hidden:04X} in {typed:?}"
                );
                let kept = lenient_reason(&typed).unwrap_or_default();
                assert!(!kept.contains(letter), "U+{hidden:04X} in a cut's {kept:?}");
            }
        }
        for shown in ["e\u{301}", "עברית", "ไทย", "한국", "✔\u{fe0f}"] {
            assert!(reason(shown).is_ok(), "{shown:?}");
        }
        assert!(
            reason("a\u{fe0f}\u{fe0f}").is_err(),
            "one letter has one way to be drawn"
        );
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

    /// A code that was typed where a reason is asked for is shown to nobody.
    #[test]
    fn six_digits_are_a_code_and_no_reason() {
        for code in ["091952", " 091952 ", "091 952"] {
            assert_eq!(reason(code), Err(Refusal::ReasonIsCode), "{code}");
        }
        for fine in ["0919521", "09195", "ticket 091952", "09195x"] {
            assert!(reason(fine).is_ok(), "{fine}");
        }
    }
}
