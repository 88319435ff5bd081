//! What stands within sentences: who acts, what is asked for, what is missing, how something stands, and why.

use super::Pattern;

/// What acts where no person does.
pub(super) const WHO: &[Pattern] = &[
    ("the tripwire “{}”", "le fil d'alerte «\u{a0}{}\u{a0}»"),
    ("the signal “{}”", "le signal «\u{a0}{}\u{a0}»"),
];

/// What can be asked for.
pub(super) const FLOWS: &[Pattern] = &[
    ("a session", "une session"),
    ("a terminal", "un terminal"),
    ("a shell", "un shell"),
    ("the command `{}`", "la commande `{}`"),
    ("the variable {}", "la variable {}"),
    ("a new window size", "une nouvelle taille de fenêtre"),
    ("the signal {}", "le signal {}"),
    ("a break", "un signal d'interruption (break)"),
    ("the subsystem {}", "le sous-système {}"),
    ("X11 forwarding", "la redirection X11"),
    ("agent forwarding", "la redirection de l'agent"),
    (
        "a connection to the socket {}",
        "une connexion à la socket {}",
    ),
    ("a connection to {}", "une connexion vers {}"),
    (
        "a remote forward from the socket {}",
        "une redirection distante depuis la socket {}",
    ),
    (
        "a remote forward from {}",
        "une redirection distante depuis {}",
    ),
    ("a channel of type {}", "un canal de type {}"),
    ("a request of type {}", "une requête de type {}"),
    (
        "a request to the connection, of unknown type and {} bytes",
        "une requête à la connexion, de type inconnu et de {} octets",
    ),
];

pub(super) const MISSING: &[Pattern] = &[
    (
        "sftp-read (to get), sftp-write (to put), sftp-list (to list)",
        "sftp-read (pour recevoir), sftp-write (pour envoyer), sftp-list (pour lister)",
    ),
    (
        "request of {} bytes (no version allows it)",
        "requête de {} octets (aucune version ne le permet)",
    ),
    (
        "{} (no version allows it)",
        "{} (aucune version ne le permet)",
    ),
];

pub(super) const STATES: &[Pattern] = &[
    ("refused", "refusée"),
    ("expired", "expirée"),
    ("closed", "close"),
    ("cancelled", "annulée"),
    ("requested", "en attente de réponse"),
    ("approved", "approuvée"),
    ("open", "ouverte"),
    ("gone", "introuvable"),
];

/// Why a command, a variable or a station does not do.
/// What stands for a line that is not told. A line itself is quoted, whatever it says.
pub(super) const TYPED: &[Pattern] = &[("typed, and not shown yet", "tapé, et pas encore affiché")];

pub(super) const WHYS: &[Pattern] = &[
    (
        "it is not the command that was agreed",
        "ce n'est pas la commande convenue",
    ),
    (
        "`{}` has a meaning to a shell and is never part of an agreed command",
        "`{}` a un sens pour un shell et ne fait jamais partie d'une commande convenue",
    ),
    (
        "its words must be separated by one space each, with none before or after",
        "ses mots doivent être séparés par une seule espace, sans espace avant ni après",
    ),
    ("it is longer than {} bytes", "elle dépasse {} octets"),
    (
        "it is empty or holds a NUL byte",
        "elle est vide ou contient un octet nul",
    ),
    ("it is not on the list", "elle ne figure pas sur la liste"),
    (
        "it can make a program of the target run other code or turn to another server, and is never sent",
        "elle peut faire exécuter un autre code à un programme de la cible ou le tourner vers un autre serveur, et n'est jamais transmise",
    ),
    (
        "its value is too long or holds what no such variable needs",
        "sa valeur est trop longue ou contient ce dont une telle variable n'a pas besoin",
    ),
    (
        "it is not in the documents",
        "il n'est pas dans les documents",
    ),
    (
        "it belongs to another provider",
        "il appartient à un autre prestataire",
    ),
    ("it is disabled", "il est hors service"),
    ("its key was withdrawn", "sa clé a été retirée"),
    (
        "the person may not work from it",
        "la personne ne peut y travailler",
    ),
    (
        "it connects from outside its networks",
        "il se connecte hors de ses réseaux",
    ),
    (
        "{} does not take that value: {}",
        "{} n'admet pas cette valeur (noté en anglais\u{a0}: {})",
    ),
];
