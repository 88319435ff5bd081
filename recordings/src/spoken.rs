//! What a recording and the log say in English, in the reader's words.
//!
//! A sentence is put on record in English, once, and stays as it is: it is evidence, and older records hold it. Who reads
//! French is told the same in French where this program knows the sentence. What a sentence quotes (names, commands,
//! reasons, times) is not touched, and none of it is left out. A test of the gateway holds its sentences to these.

mod files;
mod named;
mod parts;
mod refusals;
mod screen;

pub(crate) use named::wanted;
pub(crate) use screen::on_screen;

use parts::{FLOWS, MISSING, STATES, TYPED, WHO, WHYS};

use crate::bundle::Language;

/// A sentence with holes, in English and in French. Each hole of the one is in the other, in the same order: `{}` is
/// quoted as it is, `{time}` is an instant, `{flow}`, `{why}`, `{typed}`, `{who}`, `{missing}`, `{budget}` and `{sentence}` are said in French where they are known.
pub(crate) type Pattern = (&'static str, &'static str);

/// Sentences within sentences are not followed further.
const DEEPEST: u8 = 3;

/// `text` in the reader's words; `None` where they read English, or this program does not know the sentence.
#[must_use]
pub fn spoken(language: Language, text: &str) -> Option<String> {
    let is_known = language == Language::French;
    let said = || sentence(text, 0).or_else(|| files::french(text));
    is_known.then(said).flatten()
}

/// What was asked for, or what is missing for it, in the reader's words; likewise.
#[must_use]
pub fn asked(language: Language, text: &str) -> Option<String> {
    match language {
        Language::English => None,
        Language::French => among(FLOWS, text, 0).or_else(|| among(MISSING, text, 0)),
    }
}

/// Every sentence and part of one, in English and in the reader's words, holes and all.
pub(crate) fn sentences(language: Language) -> impl Iterator<Item = Pattern> {
    let all = match language {
        Language::English => [].as_slice(),
        Language::French => &[
            SENTENCES,
            screen::FAREWELLS,
            refusals::REFUSALS,
            refusals::STEPS,
            FLOWS,
            MISSING,
            STATES,
            WHYS,
            TYPED,
            WHO,
        ],
    };
    all.iter().copied().flatten().copied()
}

fn sentence(text: &str, depth: u8) -> Option<String> {
    if depth > DEEPEST {
        return None;
    }
    refused(text, depth)
        .or_else(|| among(SENTENCES, text, depth))
        .or_else(|| among(screen::FAREWELLS, text, depth))
        .or_else(|| among(refusals::REFUSALS, text, depth))
}

/// `a shell: a shell is not part of this intervention`: what was asked, and why not.
fn refused(text: &str, depth: u8) -> Option<String> {
    text.match_indices(": ").find_map(|(at, colon)| {
        let (asked, why) = (text.get(..at)?, text.get(at + colon.len()..)?);
        let asked = among(FLOWS, asked, depth)?;
        let why = among(SENTENCES, why, depth).or_else(|| among(refusals::REFUSALS, why, depth))?;
        Some(format!("{asked}\u{a0}: {why}"))
    })
}

fn among(patterns: &[Pattern], text: &str, depth: u8) -> Option<String> {
    patterns
        .iter()
        .find_map(|(english, french)| filled(english, french, text, depth))
}

/// `text` as `french` has it, if it is of the pattern `english`.
fn filled(english: &str, french: &str, text: &str, depth: u8) -> Option<String> {
    let (first, mut holes) = next_hole(english);
    let mut rest = text.strip_prefix(first)?;
    let mut said = String::new();
    let (before, mut into) = next_hole(french);
    said.push_str(before);
    while let Some((kind, after)) = holes {
        let (literal, next) = next_hole(after);
        let (_, french_after) = into?;
        let (french_literal, french_next) = next_hole(french_after);
        let (value, left) = match (literal, &next) {
            // The last hole takes all there is before the end of the sentence.
            (end, None) => (rest.strip_suffix(end)?, ""),
            // Somebody chose every letter of it: what follows stands behind the last of these.
            (between, Some(_)) if kind == "typed" => rest.rsplit_once(between)?,
            (between, Some(_)) => rest.split_once(between)?,
        };
        said.push_str(&quoted(kind, value, depth)?);
        said.push_str(french_literal);
        (rest, holes, into) = (left, next, french_next);
    }
    rest.is_empty().then_some(said)
}

/// What stands in a hole; `None` where it is not of the hole's kind.
fn quoted(kind: &str, value: &str, depth: u8) -> Option<String> {
    match kind {
        "flow" => among(FLOWS, value, depth),
        "typed" => Some(among(TYPED, value, depth).unwrap_or_else(|| value.to_owned())),
        "why" => Some(among(WHYS, value, depth).unwrap_or_else(|| value.to_owned())),
        "who" => Some(among(WHO, value, depth).unwrap_or_else(|| value.to_owned())),
        "missing" => Some(among(MISSING, value, depth).unwrap_or_else(|| value.to_owned())),
        "state" => among(STATES, value, depth),
        "budget" => Some(among(named::BUDGETS, value, depth).unwrap_or_else(|| value.to_owned())),
        "step" => among(refusals::STEPS, value, depth),
        "time" => Some(instant(value).unwrap_or_else(|| value.to_owned())),
        "sentence" => sentence(value, depth.saturating_add(1)),
        _ => Some(value.to_owned()),
    }
}

/// `2026-11-30T00:54:15Z` as people write it.
fn instant(value: &str) -> Option<String> {
    let (day, time) = value.strip_suffix('Z')?.split_once('T')?;
    let has_only = |text: &str, sign: char| {
        text.chars()
            .all(|c| c.is_ascii_digit() || c == sign || c == '.')
    };
    (has_only(day, '-') && has_only(time, ':')).then(|| format!("{day} {time} UTC"))
}

/// What stands before the first hole, the kind of the hole, and what follows it.
fn next_hole(pattern: &str) -> (&str, Option<(&str, &str)>) {
    let hole = pattern.split_once('{').and_then(|(before, rest)| {
        let (kind, after) = rest.split_once('}')?;
        Some((before, (kind, after)))
    });
    match hole {
        Some((before, hole)) => (before, Some(hole)),
        None => (pattern, None),
    }
}

/// Whole sentences. Those that begin or end as others do, and say more, come first.
const SENTENCES: &[Pattern] = &[
    (
        "{sentence} The whole name: {}",
        "{sentence} Le nom entier\u{a0}: {}",
    ),
    // ── nobody said yes to what waited for it
    ("nobody answered within {}", "personne n'a répondu en {}"),
    ("its channel ended", "son canal a pris fin"),
    ("the session was held", "la session était suspendue"),
    // ── a forward, as a search finds it
    (
        "{} · ↑ {} bytes · ↓ {} bytes · {} s · ended: {sentence}",
        "{} · ↑ {} octets · ↓ {} octets · {} s · terminée\u{a0}: {sentence}",
    ),
    (
        "{} · ↑ {} bytes · ↓ {} bytes · {} s · ended: {}",
        "{} · ↑ {} octets · ↓ {} octets · {} s · terminée\u{a0}: {}",
    ),
    (
        "{} · ↑ {} bytes · ↓ {} bytes · {} s · ended",
        "{} · ↑ {} octets · ↓ {} octets · {} s · terminée",
    ),
    (
        "{} · ↑ {} bytes · ↓ {} bytes · {} s · did not reach its place: {sentence}",
        "{} · ↑ {} octets · ↓ {} octets · {} s · n'a pas atteint son but\u{a0}: {sentence}",
    ),
    (
        "{} · ↑ {} bytes · ↓ {} bytes · {} s · did not reach its place: {}",
        "{} · ↑ {} octets · ↓ {} octets · {} s · n'a pas atteint son but\u{a0}: {}",
    ),
    (
        "{} · ↑ {} bytes · ↓ {} bytes · {} s · did not reach its place",
        "{} · ↑ {} octets · ↓ {} octets · {} s · n'a pas atteint son but",
    ),
    // ── ends
    (
        "the window closed at {time}",
        "la période s'est terminée à {time}",
    ),
    (
        "the hours of the flow {} ended at {time}",
        "les heures du flux {} ont pris fin à {time}",
    ),
    (
        "`{}` (flow {}) was allowed until {time} only; ask the client whether it still is",
        "`{}` (flux {}) n'était permis que jusqu'à {time}\u{a0}; demandez au client si cela l'est encore",
    ),
    (
        "`{}` (flow {}) was allowed until {time} only",
        "`{}` (flux {}) n'était permis que jusqu'à {time}",
    ),
    (
        "intervention {} was ended by {}: {}",
        "l'intervention {} a été close par {}\u{a0}: {}",
    ),
    (
        "intervention {} was ended by {}",
        "l'intervention {} a été close par {}",
    ),
    (
        "intervention {} is {state}",
        "l'intervention {} est {state}",
    ),
    (
        "the client changed what is allowed on {}",
        "le client a modifié ce qui est permis sur {}",
    ),
    (
        "intervention {} is not the one on record",
        "l'intervention {} n'est pas celle du journal",
    ),
    (
        "the door of {} is closed: its document is not the one on record; the administrator puts the right one in force again",
        "la porte du client {} est fermée, son document n'est pas celui du journal\u{a0}; l'administrateur remet le bon en vigueur",
    ),
    (
        "the door of {} is closed: its document is not the one on record",
        "la porte du client {} est fermée, son document n'est pas celui du journal",
    ),
    (
        "kept out by {}, for {}: {}",
        "exclusion par {}, pour {}\u{a0}: {}",
    ),
    (
        "the technician is not accepted by {}; {} refused them",
        "le technicien n'est pas accepté par {}\u{a0}; {} l'a refusé",
    ),
    (
        "the technician is not accepted by {}",
        "le technicien n'est pas accepté par {}",
    ),
    ("cut by {}: {}", "coupée par {}\u{a0}: {}"),
    ("cut by {}", "coupée par {}"),
    (
        "the recording failed: {}",
        "l'enregistrement a échoué (noté en anglais\u{a0}: {})",
    ),
    (
        "the technician's client ignored the flow control of SSH",
        "le client SSH du technicien n'a pas respecté le contrôle de flux",
    ),
    (
        "session {} on the same connection ended, and the client did not read its end",
        "la session {} de la même connexion a pris fin, et le client n'a pas lu cette fin",
    ),
    (
        "this session was ended on record: its gateway had been taken out",
        "la fin de cette session était déjà consignée\u{a0}: sa passerelle avait été retirée",
    ),
    ("the gateway stops", "la passerelle s'arrête"),
    (
        "the gateway stopped without closing it; its end is recovered: the last frame that was recorded",
        "la passerelle s'est arrêtée sans la clore\u{a0}; sa fin est retrouvée dans la dernière trame enregistrée",
    ),
    (
        "the gateway stopped without closing it; its end is recovered: the last write to the recording, which the gateway cannot read",
        "la passerelle s'est arrêtée sans la clore\u{a0}; sa fin est retrouvée à la dernière écriture de l'enregistrement, que la passerelle ne peut lire",
    ),
    (
        "the gateway stopped without closing it; its end is recovered: the last word about it in the log",
        "la passerelle s'est arrêtée sans la clore\u{a0}; sa fin est retrouvée au dernier mot du journal à son sujet",
    ),
    (
        "the account {} does not exist any more",
        "le compte {} n'existe plus",
    ),
    (
        "the account {} is disabled",
        "le compte {} est hors service",
    ),
    (
        "the account {} expired at {time}",
        "le compte {} a expiré à {time}",
    ),
    (
        "the key or certificate of {} was withdrawn",
        "la clé ou le certificat de {} a été retiré",
    ),
    (
        "the certificate of {} ended at {time}",
        "le certificat de {} a pris fin à {time}",
    ),
    (
        "{} may not work from that address",
        "{} ne peut travailler depuis cette adresse",
    ),
    (
        "the station {} may not be used: {why}",
        "le poste {} ne peut être utilisé\u{a0}: {why}",
    ),
    (
        "the document of the provider of {} is not the one on record",
        "le document du prestataire de {} n'est pas celui du journal",
    ),
    // ── refusals
    (
        "this intervention ended at {time}; ask the client for a new window and reconnect",
        "cette intervention s'est terminée à {time}\u{a0}; demandez une nouvelle période au client, puis reconnectez-vous",
    ),
    (
        "{flow} is not part of this intervention; missing: {missing}",
        "{flow} ne fait pas partie de cette intervention\u{a0}; il manque\u{a0}: {missing}",
    ),
    (
        "{flow} is not part of this intervention: {why}; missing: {missing}",
        "{flow} ne fait pas partie de cette intervention\u{a0}: {why}\u{a0}; il manque\u{a0}: {missing}",
    ),
    (
        "{flow} is not sent: {why}; missing: {missing}",
        "{flow} ne passe pas\u{a0}: {why}\u{a0}; il manque\u{a0}: {missing}",
    ),
    (
        "{flow} is allowed without a terminal only (flow {}: `{}`); run it without one: ssh -T",
        "{flow} ne va que sans terminal (flux {}\u{a0}: `{}`)\u{a0}; à lancer sans terminal\u{a0}: ssh -T",
    ),
    (
        "a terminal named `{}` is not passed on; accepted: 1 to {} of {}; name another, such as: TERM=xterm-256color ssh",
        "un terminal nommé `{}` n'est pas transmis\u{a0}; admis\u{a0}: 1 à {} parmi {}\u{a0}; en donner un autre, comme\u{a0}: TERM=xterm-256color ssh",
    ),
    (
        "{flow} does not come with `{}`",
        "{flow} ne va pas avec `{}`",
    ),
    (
        "{flow} comes too late on this channel; ask for it on another",
        "{flow} vient trop tard sur ce canal\u{a0}; à demander sur un autre",
    ),
    (
        "no intervention is approved on {}; ask for one: {}",
        "aucune intervention n'est approuvée sur {}\u{a0}; en demander une\u{a0}: {}",
    ),
    (
        "the variables {} and {} beyond what a channel may ask for: not sent to the target",
        "les variables {} et {} au-delà de ce qu'un canal peut demander\u{a0}: non transmises à la cible",
    ),
    (
        "the variables {}: not sent to the target",
        "les variables {}\u{a0}: non transmises à la cible",
    ),
    // ── notes
    (
        "not passed on: {sentence}",
        "non transmis\u{a0}: {sentence}",
    ),
    (
        "the technician left before the target told how the command ended",
        "le technicien est parti avant que la cible dise comment la commande a fini",
    ),
    (
        "the terminal is put in order: {}",
        "le terminal est remis en ordre\u{a0}: {}",
    ),
    (
        "the target says again how the command ended, which is not passed on",
        "la cible redit comment la commande a fini, ce qui n'est pas transmis",
    ),
    (
        "data of undefined type {} is not passed on",
        "des données du type non défini {} ne sont pas transmises",
    ),
    (
        "the target gives no terminal",
        "la cible ne donne pas de terminal",
    ),
    (
        "an event on a channel that is not open",
        "un événement sur un canal qui n'est pas ouvert",
    ),
    // ── a target that is not reached
    (
        "the target's name cannot be resolved: {}",
        "le nom de la cible ne peut être résolu (noté en anglais\u{a0}: {})",
    ),
    (
        "the target refuses connections: {}",
        "la cible refuse les connexions (noté en anglais\u{a0}: {})",
    ),
    (
        "the target does not answer within {} s",
        "la cible ne répond pas en {} s",
    ),
    (
        "the target's host key is {}, pinned: {}",
        "la clé d'hôte de la cible est {}, attendue\u{a0}: {}",
    ),
    (
        "the target does not speak SSH as agreed: {}",
        "la cible ne parle pas SSH comme convenu (noté en anglais\u{a0}: {})",
    ),
    (
        "no credential is set for this account; ask the administrator to run `ecluse credential set`",
        "aucun secret n'est enregistré pour ce compte\u{a0}; demandez à l'administrateur de lancer `ecluse credential set`",
    ),
    (
        "the credential of this account cannot be used: {}",
        "le secret de ce compte est inutilisable (noté en anglais\u{a0}: {})",
    ),
    (
        "the target refuses the credential of this account",
        "la cible refuse le secret de ce compte",
    ),
    (
        "the target opens no channel: {}",
        "la cible n'ouvre pas de canal (noté en anglais\u{a0}: {})",
    ),
    (
        "the target's connection broke before anything was started",
        "la connexion à la cible s'est rompue avant que rien ne soit lancé",
    ),
    (
        "the technician left before the target answered",
        "le technicien est parti avant que la cible réponde",
    ),
];

#[cfg(test)]
mod tests;
