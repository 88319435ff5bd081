//! The words of the index, in French and in English.

use super::Why;

/// In which language the pages of a bundle are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// Français.
    French,
    /// English.
    #[default]
    English,
}

impl Language {
    /// Its tag (BCP 47).
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Language::French => "fr",
            Language::English => "en",
        }
    }

    /// How a session or a channel ended, for a reason; the reason itself, where this program does not know it.
    pub(crate) fn end(self, reason: &str) -> &str {
        self.words().ends.of(reason)
    }

    pub(super) const fn words(self) -> &'static Words {
        match self {
            Language::French => &FRENCH,
            Language::English => &ENGLISH,
        }
    }
}

/// Why a recording is not in the bundle, in words.
pub(super) struct Whys {
    not_chosen: &'static str,
    still_open: &'static str,
    unended: &'static str,
    being_sealed: &'static str,
    no_recording: &'static str,
    destroyed: &'static str,
    not_there: &'static str,
    moved: &'static str,
}

impl Whys {
    pub(super) const fn of(&self, why: Why) -> &'static str {
        match why {
            Why::NotChosen => self.not_chosen,
            Why::StillOpen => self.still_open,
            Why::Unended => self.unended,
            Why::BeingSealed => self.being_sealed,
            Why::NoRecording => self.no_recording,
            Why::Destroyed => self.destroyed,
            Why::NotThere => self.not_there,
            Why::Moved => self.moved,
        }
    }
}

/// How sessions end, in words.
pub(super) struct Ends {
    closed: &'static str,
    right_ended: &'static str,
    cut: &'static str,
    unrecorded: &'static str,
    quota: &'static str,
    overflow: &'static str,
    connection_closed: &'static str,
    ended_on_record: &'static str,
    gateway_stops: &'static str,
}

impl Ends {
    /// The words for a reason; itself, where this program does not know it.
    pub(super) fn of<'r>(&self, reason: &'r str) -> &'r str {
        match reason {
            "closed" => self.closed,
            "right-ended" => self.right_ended,
            "cut" => self.cut,
            "unrecorded" => self.unrecorded,
            "quota" => self.quota,
            "overflow" => self.overflow,
            "connection-closed" => self.connection_closed,
            "ended-on-record" => self.ended_on_record,
            "gateway-stops" => self.gateway_stops,
            other => other,
        }
    }
}

pub(super) struct Words {
    pub(super) title: &'static str,
    pub(super) not_proof: &'static str,
    pub(super) made: &'static str,
    pub(super) by_program: &'static str,
    pub(super) asked_by: &'static str,
    pub(super) asked_for: &'static str,
    pub(super) left_out: &'static str,
    pub(super) whys: Whys,
    pub(super) ends: Ends,
    pub(super) journal: &'static str,
    pub(super) origin: &'static str,
    pub(super) size: &'static str,
    pub(super) root: &'static str,
    pub(super) at: &'static str,
    pub(super) cosigners: &'static str,
    pub(super) nobody: &'static str,
    pub(super) entries: &'static str,
    pub(super) signers: &'static str,
    pub(super) log_keys: &'static str,
    pub(super) compare: &'static str,
    pub(super) interventions: &'static str,
    pub(super) intervention: &'static str,
    pub(super) technician: &'static str,
    pub(super) provider: &'static str,
    pub(super) station: &'static str,
    pub(super) came_from: &'static str,
    pub(super) client: &'static str,
    pub(super) target: &'static str,
    pub(super) accounts: &'static str,
    pub(super) asked: &'static str,
    pub(super) reason: &'static str,
    pub(super) requested: &'static str,
    pub(super) window: &'static str,
    pub(super) until: &'static str,
    pub(super) decisions: &'static str,
    pub(super) recordings: &'static str,
    pub(super) session: &'static str,
    pub(super) started: &'static str,
    pub(super) ended: &'static str,
    pub(super) end: &'static str,
    pub(super) cut_short: &'static str,
    pub(super) sealed: &'static str,
    pub(super) documents_version: &'static str,
    pub(super) readers: &'static str,
    pub(super) form: &'static str,
    pub(super) form_files: &'static str,
    pub(super) form_journal: &'static str,
    pub(super) coverage: &'static str,
    pub(super) channel: &'static str,
    pub(super) recorded: &'static str,
    pub(super) passed: &'static str,
    pub(super) gap: &'static str,
    pub(super) no_gap: &'static str,
    pub(super) gap_unknown: &'static str,
    pub(super) unknown: &'static str,
    pub(super) clock: &'static str,
    pub(super) clock_offset: &'static str,
    pub(super) clock_jump: &'static str,
    pub(super) clock_alone: &'static str,
    pub(super) files: &'static str,
    pub(super) file: &'static str,
    pub(super) bytes: &'static str,
    pub(super) documents: &'static str,
}

const ENGLISH: Words = Words {
    title: "Evidence of remote maintenance",
    not_proof: "This page is for reading. What proves are the signed files beside it: check them as VERIFY.md says.",
    made: "Made",
    by_program: "by",
    asked_by: "Asked for by",
    asked_for: "Asked for",
    left_out: "Not in this bundle",
    whys: Whys {
        not_chosen: Why::NotChosen.words(),
        still_open: Why::StillOpen.words(),
        unended: Why::Unended.words(),
        being_sealed: Why::BeingSealed.words(),
        no_recording: Why::NoRecording.words(),
        destroyed: Why::Destroyed.words(),
        not_there: Why::NotThere.words(),
        moved: Why::Moved.words(),
    },
    ends: Ends {
        closed: "closed",
        right_ended: "its right ended",
        cut: "cut",
        unrecorded: "it could not be recorded",
        quota: "a budget was spent",
        overflow: "too much was pending",
        connection_closed: "the connection closed",
        ended_on_record: "it had been ended on record before: its gateway had been taken out, and lived",
        gateway_stops: "the gateway stopped",
    },
    journal: "Journal",
    origin: "Journal",
    size: "Entries in all",
    root: "Root",
    at: "Checkpoint of",
    cosigners: "Countersigned by",
    nobody: "nobody",
    entries: "Entries in this bundle",
    signers: "Keys that sign recordings",
    log_keys: "Keys that sign the journal",
    compare: "Compare these keys with what the gateway's administrator published, over another way than this bundle came.",
    interventions: "Interventions",
    intervention: "Intervention",
    technician: "Technician",
    provider: "Provider",
    station: "Station",
    came_from: "Came from",
    client: "Client",
    target: "Target",
    accounts: "Accounts",
    asked: "Asked for",
    reason: "Reason given",
    requested: "Requested",
    window: "Approved from",
    until: "to",
    decisions: "Decisions",
    recordings: "Recordings",
    session: "Session",
    started: "Began",
    ended: "Ended",
    end: "How it ended",
    cut_short: "cut short: the gateway stopped before it could write the end; everything that passed until then is here",
    sealed: "Sealed",
    documents_version: "Version of the documents",
    readers: "Recorded for the keys",
    form: "Form",
    form_files: "files, each compressed and encrypted",
    form_journal: "encrypted journal, as it was when the gateway stopped",
    coverage: "What passed, and what is recorded",
    channel: "Channel",
    recorded: "Recorded (output, errors, input)",
    passed: "Passed (to the technician, to the target)",
    gap: "Gap",
    no_gap: "none",
    gap_unknown: "not known",
    unknown: "not known",
    clock: "Clock",
    clock_offset: "source minus gateway",
    clock_jump: "the gateway's clock jumped by",
    clock_alone: "not compared",
    files: "Files",
    file: "File",
    bytes: "Bytes",
    documents: "Documents in force",
};

const FRENCH: Words = Words {
    title: "Preuves de télémaintenance",
    not_proof: "Cette page est faite pour être lue. Ce qui prouve, ce sont les fichiers signés qui l'accompagnent : vérifiez-les comme l'indique VERIFY.md.",
    made: "Établi le",
    by_program: "par",
    asked_by: "Demandé par",
    asked_for: "Objet de la demande",
    left_out: "Ce qui n'est pas dans ce dossier",
    whys: Whys {
        not_chosen: "son enregistrement n'a pas été demandé",
        still_open: "elle était encore en cours : exportez-la quand elle sera terminée",
        unended: "sa passerelle ne fonctionnait pas et l'avait laissée sans fin, qu'elle reçoit au prochain démarrage : exportez-la de nouveau ensuite",
        being_sealed: "elle était terminée, et son enregistrement en cours de scellement : exportez-la de nouveau ensuite",
        no_recording: "elle n'a pas d'enregistrement",
        destroyed: "son enregistrement a été détruit, et le journal le dit",
        not_there: "son enregistrement a été scellé et n'est pas à sa place : ecluse journal verify en dit plus",
        moved: "sa place contient l'enregistrement d'une autre session, que quelqu'un y a mis : ecluse journal verify en dit plus",
    },
    ends: Ends {
        closed: "fermée",
        right_ended: "son droit a pris fin",
        cut: "coupée",
        unrecorded: "elle ne pouvait plus être enregistrée",
        quota: "un budget était épuisé",
        overflow: "trop de données en attente",
        connection_closed: "la connexion s'est fermée",
        ended_on_record: "sa fin avait été consignée auparavant\u{a0}: sa passerelle avait été retirée, et vivait",
        gateway_stops: "la passerelle s'est arrêtée",
    },
    journal: "Journal",
    origin: "Journal",
    size: "Nombre total d'entrées",
    root: "Racine",
    at: "Point de contrôle du",
    cosigners: "Contresigné par",
    nobody: "personne",
    entries: "Entrées dans ce dossier",
    signers: "Clés qui signent les enregistrements",
    log_keys: "Clés qui signent le journal",
    compare: "Comparez ces clés à celles publiées par l'administrateur de la passerelle, par une autre voie que celle de ce dossier.",
    interventions: "Interventions",
    intervention: "Intervention",
    technician: "Technicien",
    provider: "Prestataire",
    station: "Poste",
    came_from: "Provenance",
    client: "Client",
    target: "Cible",
    accounts: "Comptes",
    asked: "Demandé",
    reason: "Motif donné",
    requested: "Demande du",
    window: "Approuvé du",
    until: "au",
    decisions: "Décisions",
    recordings: "Enregistrements",
    session: "Session",
    started: "Début",
    ended: "Fin",
    end: "Comment elle a fini",
    cut_short: "interrompu : la passerelle s'est arrêtée avant d'écrire la fin ; tout ce qui est passé jusque-là est ici",
    sealed: "Scellé le",
    documents_version: "Version des documents",
    readers: "Enregistré pour les clés",
    form: "Forme",
    form_files: "fichiers, chacun compressé et chiffré",
    form_journal: "journal chiffré, tel qu'à l'arrêt de la passerelle",
    coverage: "Ce qui est passé, et ce qui est enregistré",
    channel: "Canal",
    recorded: "Enregistré (sortie, erreurs, entrée)",
    passed: "Passé (vers le technicien, vers la cible)",
    gap: "Lacune",
    no_gap: "aucune",
    gap_unknown: "inconnue",
    unknown: "inconnu",
    clock: "Horloge",
    clock_offset: "source moins passerelle",
    clock_jump: "l'horloge de la passerelle a sauté de",
    clock_alone: "non comparée",
    files: "Fichiers",
    file: "Fichier",
    bytes: "Octets",
    documents: "Documents en vigueur",
};
