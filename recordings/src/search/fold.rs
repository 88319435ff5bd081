//! One form of text for finding: letter case, accents and runs of blanks make no difference.
//!
//! Both what is indexed and what is asked pass through here, so `ECLUSE`, `Écluse` and `écluse` are one
//! word. Only letters whose accent is a matter of one table are unaccented; other scripts stay as they are.

/// Folds `text` letter by letter: the letter to compare, and the place in `text` it comes from.
pub(super) fn fold(text: &str) -> impl Iterator<Item = (usize, char)> + '_ {
    let mut after_blank = false;
    text.char_indices().filter_map(move |(place, letter)| {
        if letter.is_ascii_graphic() {
            after_blank = false;
            return Some((place, letter.to_ascii_lowercase()));
        }
        if letter.is_whitespace() {
            let first = !after_blank;
            after_blank = true;
            return first.then_some((place, ' '));
        }
        // Marks that stand on the letter before.
        if ('\u{300}'..='\u{36f}').contains(&letter) {
            return None;
        }
        after_blank = false;
        let lower = letter.to_lowercase().next().unwrap_or(letter);
        Some((place, unaccented(lower)))
    })
}

/// The same without places.
pub(super) fn folded(text: &str) -> Vec<char> {
    fold(text).map(|(_, letter)| letter).collect()
}

/// Small letters of Latin-1 and Latin Extended-A without their accent.
fn unaccented(letter: char) -> char {
    match letter {
        'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => 'c',
        'ď' | 'đ' => 'd',
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => 'e',
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => 'g',
        'ĥ' | 'ħ' => 'h',
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => 'i',
        'ĵ' => 'j',
        'ķ' => 'k',
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => 'l',
        'ñ' | 'ń' | 'ņ' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => 'o',
        'ŕ' | 'ŗ' | 'ř' => 'r',
        'ś' | 'ŝ' | 'ş' | 'š' => 's',
        'ţ' | 'ť' | 'ŧ' => 't',
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => 'u',
        'ŵ' => 'w',
        'ý' | 'ÿ' | 'ŷ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        'ς' => 'σ',
        letter => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(text: &str) -> String {
        folded(text).into_iter().collect()
    }

    #[test]
    fn case_accents_and_blanks_make_no_difference() {
        assert_eq!(text("ÉCLUSE  \t d'Été"), "ecluse d'ete");
        assert_eq!(text("e\u{301}cluse"), "ecluse");
        assert_eq!(text("ΟΔΟΣ"), text("οδος"));
        assert_eq!(text("水門"), "水門");
    }

    proptest! {
        /// What is folded already stays as it is, so that asking twice is asking once.
        #[test]
        fn folding_twice_is_folding_once(any in "\\PC{0,40}") {
            let once = text(&any);
            prop_assert_eq!(text(&once), once);
        }
    }
}
