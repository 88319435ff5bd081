//! Our words without accents, for the places where SSH clients show every byte beyond ASCII as an escape.

/// `words` in ASCII, as far as they are letters and signs of French or English; whatever else was quoted stays.
pub(crate) fn plain(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    for c in words.chars() {
        match c {
            'à' | 'â' | 'ä' => out.push('a'),
            'é' | 'è' | 'ê' | 'ë' => out.push('e'),
            'î' | 'ï' => out.push('i'),
            'ô' | 'ö' => out.push('o'),
            'ù' | 'û' | 'ü' => out.push('u'),
            'ç' => out.push('c'),
            'œ' => out.push_str("oe"),
            'À' | 'Â' => out.push('A'),
            'É' | 'È' | 'Ê' => out.push('E'),
            'Î' => out.push('I'),
            'Ô' => out.push('O'),
            'Ç' => out.push('C'),
            '\u{a0}' | '\u{202f}' => out.push(' '),
            '’' | '‘' => out.push('\''),
            '«' | '»' | '“' | '”' => out.push('"'),
            '–' | '—' => out.push('-'),
            '…' => out.push_str("..."),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C5: no escape stands in the words of a channel that is refused.
    #[test]
    fn our_words_are_ascii_and_what_is_quoted_stays() {
        for (words, said) in [
            (
                "une connexion vers [fe80::1]:22 ne fait pas partie de cette intervention. Il manque\u{a0}: forward: [fe80::1]:22",
                "une connexion vers [fe80::1]:22 ne fait pas partie de cette intervention. Il manque : forward: [fe80::1]:22",
            ),
            (
                "Écluse\u{a0}: déjà là, n’est-ce pas…",
                "Ecluse : deja la, n'est-ce pas...",
            ),
            ("漢", "漢"),
        ] {
            assert_eq!(plain(words), said);
        }
    }
}
