//! What budgets are called, and what a bundle was asked for: parts of what stands on record in English, as readers of French say them.

use super::{Pattern, among};
use crate::bundle::Language;

/// Budgets, as documents name them and as a technician reads of them.
pub(super) const BUDGETS: &[Pattern] = &[
    ("session", "session"),
    ("intervention", "intervention"),
    ("technician-day", "technicien, par jour"),
    ("technician, a day", "technicien, par jour"),
    ("channel", "canal"),
    ("day target", "cible, par jour"),
    ("target, a day", "cible, par jour"),
    ("day client", "client, par jour"),
    ("client, a day", "client, par jour"),
    ("day gateway", "passerelle, par jour"),
    ("gateway, a day", "passerelle, par jour"),
    ("up-{budget}", "{budget}, vers la cible"),
    ("{budget}, towards the target", "{budget}, vers la cible"),
    ("{budget}, towards it", "{budget}, vers elle"),
    ("{budget}, towards its targets", "{budget}, vers ses cibles"),
    ("{budget}, towards targets", "{budget}, vers les cibles"),
];

/// What a bundle is of.
const BUNDLES: &[Pattern] = &[
    ("session {}", "la session {}"),
    ("sessions {}", "les sessions {}"),
    ("intervention {}", "l'intervention {}"),
    ("everything of {}", "tout ce qui concerne {}"),
    ("{}, since {time}", "{}, depuis le {time}"),
    ("{}, until {time}", "{}, jusqu'au {time}"),
    ("{}, {time} – {time}", "{}, du {time} au {time}"),
];

/// What a bundle was asked for, in the reader's words; as it was written where this program does not know it.
pub(crate) fn wanted(language: Language, text: &str) -> String {
    let known = match language {
        Language::English => None,
        Language::French => among(BUNDLES, text, 0),
    };
    known.unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spoken::spoken;

    #[test]
    fn a_bundle_says_what_was_asked_for_in_the_readers_words() {
        for (english, french) in [
            ("session #4", "la session #4"),
            ("sessions #4, #5", "les sessions #4, #5"),
            ("intervention #7", "l'intervention #7"),
            ("everything of hopital", "tout ce qui concerne hopital"),
            (
                "hopital, since 2026-11-30T00:54:15Z",
                "hopital, depuis le 2026-11-30 00:54:15 UTC",
            ),
            (
                "hopital, 2026-11-29T00:00:00Z – 2026-11-30T00:00:00Z",
                "hopital, du 2026-11-29 00:00:00 UTC au 2026-11-30 00:00:00 UTC",
            ),
            ("something of later", "something of later"),
        ] {
            assert_eq!(wanted(Language::French, english), french);
            assert_eq!(wanted(Language::English, english), english);
        }
    }

    #[test]
    fn a_budget_that_ended_something_is_named_in_the_readers_words() {
        for (english, french) in [
            ("session", "session"),
            ("technician-day", "technicien, par jour"),
            ("technician, a day", "technicien, par jour"),
            ("up-technician-day", "technicien, par jour, vers la cible"),
            ("up-day target", "cible, par jour, vers la cible"),
            ("of-later", "of-later"),
        ] {
            let english = format!("a budget is spent: 204800 bytes ({english})");
            let french = format!("un budget est épuisé\u{a0}: 204800 bytes ({french})");
            assert_eq!(spoken(Language::French, &english), Some(french));
        }
    }
}
