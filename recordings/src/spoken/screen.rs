//! What a transcript says of a screen, and why a channel ended.

use super::{Pattern, among};
use crate::bundle::Language;

/// What a transcript says of a screen, between brackets, in the reader's words; `None` where they read English, or this
/// program does not know it. What a target sent is not touched.
#[must_use]
pub(crate) fn on_screen(language: Language, text: &str) -> Option<String> {
    match language {
        Language::English => None,
        Language::French => {
            let inner = text.strip_prefix('[')?.strip_suffix(']')?;
            french(inner).map(|said| format!("[{said}]"))
        }
    }
}

fn french(inner: &str) -> Option<String> {
    if let Some(words) = inner.strip_prefix("drawn over at once: ") {
        return Some(format!("aussitôt recouvert\u{a0}: {}", more(words)));
    }
    if let Some((what, text)) = inner
        .strip_prefix("not shown, ")
        .and_then(|rest| rest.split_once(": "))
    {
        let what = among(SEQUENCES, what, 0)?;
        return Some(format!("non montré, {what}\u{a0}: {}", more(text)));
    }
    among(OF_SCREENS, inner, 0)
}

/// `words … and 3 more`
fn more(words: &str) -> String {
    words
        .strip_suffix(" more")
        .and_then(|rest| rest.rsplit_once(" … and "))
        .filter(|(_, count)| count.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or_else(
            || words.to_owned(),
            |(words, count)| format!("{words} … et {count} de plus"),
        )
}

const OF_SCREENS: &[Pattern] = &[
    (
        "a full-screen program begins",
        "un programme prend tout l'écran",
    ),
    (
        "the full-screen program ends, after {} s",
        "le programme rend l'écran, après {} s",
    ),
    ("concealed: {}", "dissimulé\u{a0}: {}"),
    (
        "{} more lines were erased in place, more than their bytes may cost",
        "{} autres lignes ont été effacées sur place, plus que leurs octets ne peuvent coûter",
    ),
    (
        "not shown: {} more that were hidden at once",
        "non montré\u{a0}: {} autres, cachés aussitôt",
    ),
    (
        "this screen could not be drawn; it continues from here",
        "cet écran n'a pu être dessiné\u{a0}; il reprend ici",
    ),
    (
        "1 sequence left out: more drawing than its bytes may cost",
        "1 séquence laissée de côté\u{a0}: plus de dessin que ses octets ne peuvent coûter",
    ),
    (
        "{} sequences left out: more drawing than their bytes may cost",
        "{} séquences laissées de côté\u{a0}: plus de dessin que leurs octets ne peuvent coûter",
    ),
    (
        "a terminal of {} columns and {} rows; {} and {} of them are drawn, and what stands beyond is drawn at their edge",
        "un terminal de {} colonnes et {} lignes\u{a0}; {} et {} en sont dessinées, et ce qui est au-delà l'est à leur bord",
    ),
];

/// What a target sent that no screen shows.
const SEQUENCES: &[Pattern] = &[
    ("device control string", "chaîne de commande du terminal"),
    ("string", "chaîne"),
    ("private message", "message privé"),
    ("application command", "commande d'application"),
    ("sequence without an end", "séquence sans fin"),
    (
        "more marks on letters than are kept of them",
        "plus de signes sur des lettres qu'il n'en est gardé",
    ),
    ("title", "titre"),
    ("working directory", "répertoire de travail"),
    ("link", "lien"),
    ("clipboard", "presse-papiers"),
    ("command", "commande"),
];

/// Why a channel ended. What begins with `Écluse:` an English technician read, and an older gateway kept as the reason.
pub(super) const FAREWELLS: &[Pattern] = &[
    (
        "the target refused to start it",
        "la cible a refusé de le lancer",
    ),
    (
        "the connection to the target broke",
        "la connexion à la cible s'est rompue",
    ),
    (
        "Écluse: this connection was closed by {}: {}",
        "Écluse\u{a0}: cette connexion a été fermée par {}\u{a0}: {}",
    ),
    (
        "Écluse: this connection was closed by {}.",
        "Écluse\u{a0}: cette connexion a été fermée par {}.",
    ),
    (
        "Écluse: this session was cut by {}: {}",
        "Écluse\u{a0}: cette session a été coupée par {}\u{a0}: {}",
    ),
    (
        "Écluse: this session was cut by {}.",
        "Écluse\u{a0}: cette session a été coupée par {}.",
    ),
    (
        "Écluse: this session cannot be recorded, so it ends. Tell the gateway's administrator.",
        "Écluse\u{a0}: cette session ne peut pas être enregistrée\u{a0}; elle s'arrête. Prévenez l'administrateur de la passerelle.",
    ),
    (
        "Écluse: session {} on this connection ended and your client did not read its end, so the connection is closed.",
        "Écluse\u{a0}: la session {} de cette connexion a pris fin et votre client n'a pas lu cette fin\u{a0}; la connexion est fermée.",
    ),
    (
        "Écluse: your client ignored the flow control of SSH, so this session ends.",
        "Écluse\u{a0}: votre client n'a pas respecté le contrôle de flux de SSH\u{a0}; cette session s'arrête.",
    ),
    (
        "Écluse: the gateway stops. Connect again later; what was asked and approved stays as it is.",
        "Écluse\u{a0}: la passerelle s'arrête. Reconnectez-vous plus tard\u{a0}; ce qui est demandé et approuvé reste valable.",
    ),
    (
        "a budget is spent up to its ceiling: {} ({budget})",
        "un budget est épuisé jusqu'à son plafond\u{a0}: {} ({budget})",
    ),
    (
        "a budget is spent: {} ({budget})",
        "un budget est épuisé\u{a0}: {} ({budget})",
    ),
    (
        "Écluse: a budget is spent: {} ({budget}). Passed: {}. This ends here.",
        "Écluse\u{a0}: un budget est épuisé\u{a0}: {} ({budget}). Passé\u{a0}: {}. Cela prend fin ici.",
    ),
    (
        "Écluse: the {} that may pass ({budget}) are spent. Nothing more passes until an operator of {} adds to it; they are told. What is under way waits, and nothing of it is lost; what you type in a terminal meanwhile is not passed on.",
        "Écluse\u{a0}: les {} qui peuvent passer ({budget}) sont épuisés. Plus rien ne passe avant qu'un opérateur de {} n'en accorde davantage\u{a0}; ils sont prévenus. Ce qui est en cours attend, et rien n'en est perdu\u{a0}; ce que vous tapez entre-temps dans un terminal n'est pas transmis.",
    ),
    (
        "Écluse: the budget lets more pass, and it goes on.",
        "Écluse\u{a0}: le budget laisse de nouveau passer, et tout reprend.",
    ),
    (
        "Écluse: what you typed while it was held ({} B) was not passed on.",
        "Écluse\u{a0}: ce que vous avez tapé pendant la suspension ({} o) n'a pas été transmis.",
    ),
    (
        "Écluse: the budget lets more pass, but {who} holds this session: nothing passes until an operator lets it go on.",
        "Écluse\u{a0}: le budget laisse de nouveau passer, mais {who} suspend cette session\u{a0}: rien ne passe avant qu'un opérateur ne la laisse reprendre.",
    ),
    (
        "Écluse: {who} holds this session: {}. Nothing more passes until an operator lets it go on. What is under way waits, and nothing of it is lost; what you type in a terminal meanwhile is not passed on.",
        "Écluse\u{a0}: {who} suspend cette session\u{a0}: {}. Plus rien ne passe avant qu'un opérateur ne la laisse reprendre. Ce qui est en cours attend, et rien n'en est perdu\u{a0}; ce que vous tapez entre-temps dans un terminal n'est pas transmis.",
    ),
    (
        "Écluse: {who} holds this session. Nothing more passes until an operator lets it go on. What is under way waits, and nothing of it is lost; what you type in a terminal meanwhile is not passed on.",
        "Écluse\u{a0}: {who} suspend cette session. Plus rien ne passe avant qu'un opérateur ne la laisse reprendre. Ce qui est en cours attend, et rien n'en est perdu\u{a0}; ce que vous tapez entre-temps dans un terminal n'est pas transmis.",
    ),
    (
        "Écluse: {who} holds this session. This was not started, and nothing new is until an operator lets it go on.",
        "Écluse\u{a0}: {who} suspend cette session. Rien n'a été lancé\u{a0}: rien de nouveau ne le sera avant qu'un opérateur ne la laisse reprendre.",
    ),
    (
        "Écluse: an operator lets this session go on.",
        "Écluse\u{a0}: un opérateur laisse reprendre cette session.",
    ),
    (
        "Écluse: an operator lets this session go on, but a budget that is spent still holds it: nothing passes until an operator adds to it.",
        "Écluse\u{a0}: un opérateur laisse reprendre cette session, mais un budget épuisé la suspend encore\u{a0}: rien ne passe avant qu'un opérateur n'en accorde davantage.",
    ),
    (
        "Écluse: {} lets this session go on.",
        "Écluse\u{a0}: {} laisse reprendre cette session.",
    ),
    (
        "Écluse: {} lets this session go on, but a budget that is spent still holds it: nothing passes until an operator adds to it.",
        "Écluse\u{a0}: {} laisse reprendre cette session, mais un budget épuisé la suspend encore\u{a0}: rien ne passe avant qu'un opérateur n'en accorde davantage.",
    ),
    (
        "Écluse: {} slows this session to {}.",
        "Écluse\u{a0}: {} ralentit cette session à {}.",
    ),
    (
        "Écluse: no operator slows this session any more.",
        "Écluse\u{a0}: plus aucun opérateur ne ralentit cette session.",
    ),
    (
        "Écluse {}: {} asks you: “{}”. Nothing passes until an operator lets this session go on, and nothing is lost. Press Enter, then type your answer: it goes to the operator, not to the target.",
        "Écluse {}\u{a0}: {} vous demande\u{a0}: «\u{a0}{}\u{a0}». Rien ne passe avant qu'un opérateur ne laisse reprendre cette session, et rien n'est perdu. Appuyez sur Entrée, puis tapez votre réponse\u{a0}: elle va à l'opérateur, pas à la cible.",
    ),
    (
        "Écluse {}: {} asks you: “{}”. Nothing passes until an operator lets this session go on, and nothing is lost. Answer with: {}",
        "Écluse {}\u{a0}: {} vous demande\u{a0}: «\u{a0}{}\u{a0}». Rien ne passe avant qu'un opérateur ne laisse reprendre cette session, et rien n'est perdu. Répondez avec\u{a0}: {}",
    ),
    (
        "Écluse: {} asked: “{}”. You answered: “{}”. The session goes on once an operator lets it.",
        "Écluse\u{a0}: {} a demandé\u{a0}: «\u{a0}{}\u{a0}». Vous avez répondu\u{a0}: «\u{a0}{}\u{a0}». La session reprend dès qu'un opérateur la laisse reprendre.",
    ),
    (
        "Écluse: {} asked: “{}”. You answered: “{}”. The session goes on once an operator lets it, and adds to the budget that is spent.",
        "Écluse\u{a0}: {} a demandé\u{a0}: «\u{a0}{}\u{a0}». Vous avez répondu\u{a0}: «\u{a0}{}\u{a0}». La session reprend dès qu'un opérateur la laisse reprendre et augmente le budget épuisé.",
    ),
    (
        "Écluse: your answer could not be put on record. Answer with: {}",
        "Écluse\u{a0}: votre réponse n'a pas pu être consignée. Répondez avec\u{a0}: {}",
    ),
    (
        "Écluse: nobody types here. What is open on this terminal ends in {}; press a key to keep it.",
        "Écluse\u{a0}: personne ne tape ici. Ce qui est ouvert sur ce terminal prend fin dans {}\u{a0}; appuyez sur une touche pour le garder.",
    ),
    (
        "what was asked for is {} B, more than a budget: {} ({budget})",
        "ce qui était demandé fait {} o, plus qu'un budget\u{a0}: {} ({budget})",
    ),
    (
        "too little memory for what is drawn of its terminal",
        "trop peu de mémoire pour ce qui est dessiné de son terminal",
    ),
    (
        "nobody did anything for {}",
        "personne n'a rien fait pendant {}",
    ),
    (
        "{sentence}, and holds the session: nothing new is started",
        "{sentence}, qui suspend la session\u{a0}: rien de nouveau n'est lancé",
    ),
    (
        "{who} holds the session ({}): nothing new is started",
        "{who} suspend la session ({})\u{a0}: rien de nouveau n'est lancé",
    ),
    (
        "{who} holds the session: nothing new is started",
        "{who} suspend la session\u{a0}: rien de nouveau n'est lancé",
    ),
    (
        "signal {} (notify): {typed}, against {}",
        "signal {} (signalé)\u{a0}: {typed}, en regard de {}",
    ),
    (
        "signal {} (hold): {typed}, against {}",
        "signal {} (suspension)\u{a0}: {typed}, en regard de {}",
    ),
    // A search has the word for programs before the sentence.
    ("ended: right-ended {sentence}", "fin\u{a0}: {sentence}"),
    ("ended: quota {sentence}", "fin\u{a0}: {sentence}"),
    ("ended: unrecorded {sentence}", "fin\u{a0}: {sentence}"),
    (
        "ended: connection-closed {sentence}",
        "fin\u{a0}: {sentence}",
    ),
    ("ended: ended-on-record {sentence}", "fin\u{a0}: {sentence}"),
    ("ended: gateway-stops {sentence}", "fin\u{a0}: {sentence}"),
    ("ended: overflow {sentence}", "fin\u{a0}: {sentence}"),
    ("ended: {sentence}", "fin\u{a0}: {sentence}"),
    (
        "Écluse: {} ended intervention {} before its time: {}\nConnect again to ask for another one.",
        "Écluse\u{a0}: {} a mis fin à l'intervention {} avant son terme\u{a0}: {}\nReconnectez-vous pour en demander une autre.",
    ),
    (
        "Écluse: {} ended intervention {} before its time: {}␊Connect again to ask for another one.",
        "Écluse\u{a0}: {} a mis fin à l'intervention {} avant son terme\u{a0}: {}␊Reconnectez-vous pour en demander une autre.",
    ),
    (
        "Écluse: The window of this intervention closed at {}.",
        "Écluse\u{a0}: la période de cette intervention s'est terminée à {}.",
    ),
    (
        "Écluse: The hours of the flow {} ended at {}.",
        "Écluse\u{a0}: les heures du flux {} ont pris fin à {}.",
    ),
    (
        "Écluse: The client changed what is allowed on {}.",
        "Écluse\u{a0}: le client a modifié ce qui est permis sur {}.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// R10: a reader of French reads no English of ours between what was recorded, and what was sent stays.
    #[test]
    fn what_is_said_of_a_screen_is_in_the_readers_words() {
        for (english, french) in [
            (
                "[a full-screen program begins]",
                "[un programme prend tout l'écran]",
            ),
            (
                "[the full-screen program ends, after 2 s]",
                "[le programme rend l'écran, après 2 s]",
            ),
            (
                "[drawn over at once: :q! … and b … and 3 more]",
                "[aussitôt recouvert\u{a0}: :q! … and b … et 3 de plus]",
            ),
            (
                "[not shown, title: root: more]",
                "[non montré, titre\u{a0}: root: more]",
            ),
        ] {
            assert_eq!(
                on_screen(Language::French, english).as_deref(),
                Some(french)
            );
            assert_eq!(on_screen(Language::English, english), None);
        }
        assert_eq!(on_screen(Language::French, "[a later word]"), None);
    }
}
