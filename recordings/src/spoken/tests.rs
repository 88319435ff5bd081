//! What is said in French of what stands in English.

use super::*;

fn french(text: &str) -> Option<String> {
    spoken(Language::French, text)
}

#[test]
fn what_a_sentence_quotes_stays_and_none_of_it_is_left_out() {
    for (english, said) in [
        ("cut by odile", "coupée par odile"),
        (
            "cut by odile: enough: closed",
            "coupée par odile\u{a0}: enough: closed",
        ),
        (
            "a shell: a shell is not part of this intervention; missing: shell",
            "un shell\u{a0}: un shell ne fait pas partie de cette intervention\u{a0}; il manque\u{a0}: shell",
        ),
        (
            "a break: a break is not part of this intervention; missing: break (no version allows it)",
            "un signal d'interruption (break)\u{a0}: un signal d'interruption (break) ne fait pas partie de cette intervention\u{a0}; il manque\u{a0}: break (aucune version ne le permet)",
        ),
        (
            "not passed on: the signal USR1 does not come with `command: x`",
            "non transmis\u{a0}: le signal USR1 ne va pas avec `command: x`",
        ),
        ("intervention #4 is closed", "l'intervention #4 est close"),
        (
            "ended: the window closed at 2026-11-30T00:54:15Z",
            "fin\u{a0}: la période s'est terminée à 2026-11-30 00:54:15 UTC",
        ),
        (
            "ended: intervention #7 was ended by odile: window moved: later",
            "fin\u{a0}: l'intervention #7 a été close par odile\u{a0}: window moved: later",
        ),
        (
            "ended: right-ended intervention #7 was ended by odile: window moved",
            "fin\u{a0}: l'intervention #7 a été close par odile\u{a0}: window moved",
        ),
        (
            "a shell: intervention #8 on web01 waits for the client's answer",
            "un shell\u{a0}: l'intervention #8 sur web01 attend la réponse du client",
        ),
        (
            "the command `id`: web01 is closed at this hour; it opens at 2026-11-30T04:50:00Z",
            "la commande `id`\u{a0}: web01 est fermée à cette heure\u{a0}; elle ouvre à 2026-11-30 04:50:00 UTC",
        ),
        (
            "ended: cut by odile: it is time",
            "fin\u{a0}: coupée par odile\u{a0}: it is time",
        ),
        (
            "signal tripwire dump (hold): typed, and not shown yet, against pg_dump",
            "signal tripwire dump (suspension)\u{a0}: tapé, et pas encore affiché, en regard de pg_dump",
        ),
        (
            "signal tripwire dump (notify): it is disabled, against it: pg_dump, against pg_dump",
            "signal tripwire dump (signalé)\u{a0}: it is disabled, against it: pg_dump, en regard de pg_dump",
        ),
        (
            "signal tripwire dump (hold): it is disabled, against pg_dump",
            "signal tripwire dump (suspension)\u{a0}: it is disabled, en regard de pg_dump",
        ),
        (
            "Écluse: this session was cut by odile: enough.",
            "Écluse\u{a0}: cette session a été coupée par odile\u{a0}: enough.",
        ),
    ] {
        assert_eq!(french(english).as_deref(), Some(said));
    }
}

#[test]
fn what_is_not_known_is_nobodys_translation() {
    for text in [
        "",
        "closed",
        "cut",
        "a later program's words: {}",
        "a shell",
    ] {
        assert_eq!(french(text), None, "{text}");
    }
    assert_eq!(spoken(Language::English, "cut by odile"), None);
}

/// A hole that is in one language alone would leave something out, or show a brace.
#[test]
fn both_languages_have_the_same_holes_in_the_same_order() {
    fn holes(mut pattern: &str) -> Vec<&str> {
        let mut found = Vec::new();
        while let (_, Some((kind, after))) = next_hole(pattern) {
            found.push(kind);
            pattern = after;
        }
        found
    }
    let said = [
        SENTENCES,
        screen::FAREWELLS,
        refusals::REFUSALS,
        refusals::STEPS,
        FLOWS,
        WHYS,
        TYPED,
        WHO,
        MISSING,
        STATES,
    ];
    for (english, french) in said.concat() {
        assert_eq!(holes(english), holes(french), "{english}");
    }
}
