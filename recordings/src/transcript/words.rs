//! The words of a transcript's own lines, in French and in English. What was recorded stays as it is.

use std::borrow::Cow;

use crate::bundle::Language;
use crate::{on_screen, spoken};

/// Labels, each as wide as the others, and the words between what was recorded.
pub(super) struct Words {
    pub(super) session: &'static str,
    pub(super) started: &'static str,
    pub(super) who: &'static str,
    pub(super) of: &'static str,
    pub(super) station: &'static str,
    pub(super) from: &'static str,
    pub(super) target: &'static str,
    pub(super) account: &'static str,
    pub(super) why: &'static str,
    pub(super) ended: &'static str,
    pub(super) by: &'static str,
    pub(super) cut_short: &'static str,
    pub(super) stops_here: &'static str,
    pub(super) channel: &'static str,
    pub(super) command: &'static str,
    pub(super) variable: &'static str,
    pub(super) no_echo: &'static str,
    pub(super) status: &'static str,
    pub(super) signal: &'static str,
    pub(super) hidden: &'static str,
    pub(super) closed: &'static str,
    pub(super) until: &'static str,
    pub(super) refused: &'static str,
    pub(super) not_echoed: &'static str,
    /// Between a word and what explains it.
    pub(super) colon: &'static str,
    pub(super) note: &'static str,
    pub(super) marker: &'static str,
    pub(super) exit: &'static str,
    pub(super) signalled: &'static str,
    /// The technician's side ended, the target's side ended.
    pub(super) eof: [&'static str; 2],
    pub(super) not_text: &'static str,
    pub(super) in_file: &'static str,
    /// Output, standard error, input.
    pub(super) stream: [&'static str; 3],
    language: Language,
    /// After a single byte of output.
    byte: &'static str,
    /// After the numbers of bytes of output, of standard error, of input.
    pub(super) streams: [&'static str; 3],
}

impl Words {
    /// In which they are.
    pub(super) const fn language(&self) -> Language {
        self.language
    }

    /// What the record says in English, in the reader's words as far as this program knows them.
    pub(super) fn said<'r>(&self, text: &'r str) -> Cow<'r, str> {
        spoken(self.language, text).map_or(Cow::Borrowed(text), Cow::Owned)
    }

    /// What the recording itself says of a screen, likewise.
    pub(super) fn told(&self, text: String) -> String {
        on_screen(self.language, &text).unwrap_or(text)
    }

    /// Why a channel closed; as it was written where this program has no words for it.
    pub(super) fn reason<'r>(&self, reason: &'r str) -> Cow<'r, str> {
        // The words for it are those for a session, which is of another gender.
        if reason == "closed" {
            return Cow::Borrowed(self.closed.trim_end());
        }
        match self.language.end(reason) {
            same if same == reason => self.said(reason),
            known => Cow::Borrowed(known),
        }
    }

    /// `1 byte of output, 2 of standard error, 0 of input`: the unit stands behind the first number.
    pub(super) fn bytes(&self, output: u64) -> &'static str {
        match (self.language, output) {
            (Language::French, 0 | 1) | (Language::English, 1) => self.byte,
            (Language::French | Language::English, _) => self.streams[0],
        }
    }
}

pub(super) const fn of(language: Language) -> &'static Words {
    match language {
        Language::French => &FRENCH,
        Language::English => &ENGLISH,
    }
}

const ENGLISH: Words = Words {
    session: "session ",
    started: "started ",
    who: "who     ",
    of: "of",
    station: "station",
    from: "from",
    target: "where   ",
    account: "as",
    why: "why     ",
    ended: "ended   ",
    by: "by",
    cut_short: "cut short",
    stops_here: "cut short, the recording stops here",
    channel: "channel",
    command: "command ",
    variable: "with    ",
    no_echo: "terminal asked for without echo: what is typed is not shown",
    status: "exit     status",
    signal: "exit     signal",
    hidden: "hidden   lines typed whose echo was not recognised:",
    closed: "closed  ",
    until: "until",
    refused: "refused",
    not_echoed: "typed, not echoed",
    colon: ": ",
    note: "note",
    marker: "marker",
    exit: "exit, status",
    signalled: "exit, signal",
    eof: ["end of input", "end of output"],
    not_text: "bytes that are no text",
    in_file: "in",
    stream: ["output", "standard error", "input"],
    language: Language::English,
    byte: "byte of output",
    streams: ["bytes of output", "of standard error", "of input"],
};

const FRENCH: Words = Words {
    session: "session ",
    started: "début   ",
    who: "qui     ",
    of: "chez",
    station: "poste",
    from: "depuis",
    target: "où      ",
    account: "comme",
    why: "motif   ",
    ended: "fin     ",
    by: "par",
    cut_short: "interrompu",
    stops_here: "interrompu, l'enregistrement s'arrête ici",
    channel: "canal",
    command: "commande",
    variable: "avec    ",
    no_echo: "terminal demandé sans écho : ce qui est tapé n'est pas montré",
    status: "sortie   code",
    signal: "sortie   signal",
    hidden: "caché    lignes tapées dont l'écho n'a pas été reconnu :",
    closed: "fermé   ",
    until: "jusqu'à",
    refused: "refusé",
    not_echoed: "tapé, sans écho",
    colon: "\u{a0}: ",
    note: "note",
    marker: "repère",
    exit: "sortie, code",
    signalled: "sortie, signal",
    eof: ["fin de l'entrée", "fin de la sortie"],
    not_text: "octets qui ne sont pas du texte",
    in_file: "dans",
    stream: ["sortie", "erreur standard", "entrée"],
    language: Language::French,
    byte: "octet de sortie",
    streams: ["octets de sortie", "d'erreur standard", "d'entrée"],
};
