//! What was refused before anything passed: at a target's door, at a request, at an answer. In the order of the refusals of
//! `policy`; a test of the gateway walks them all.

use super::Pattern;

/// What is done with an intervention.
pub(super) const STEPS: &[Pattern] = &[
    ("look at", "consulter"),
    ("approve", "approuver"),
    ("refuse", "refuser"),
    ("cancel", "annuler"),
    ("finish", "terminer"),
    ("open", "ouvrir"),
    ("close", "terminer"),
    (
        "waits for an answer: {sentence}",
        "attend une réponse\u{a0}: {sentence}",
    ),
    ("left before an answer", "parti avant une réponse"),
];

pub(super) const REFUSALS: &[Pattern] = &[
    // ── heightened posture
    (
        "heightened posture of {} since {time} ({}: {}): intervention {} has {} of the {} approvals that it needs meanwhile; another operator approves it",
        "posture renforcée du client {} depuis {time} ({}\u{a0}: {})\u{a0}: l'intervention {} a {} des {} approbations qu'il lui faut pendant ce temps\u{a0}; un autre opérateur l'approuve",
    ),
    (
        "heightened posture of {} since {time} ({}: {}): `{}` is refused meanwhile",
        "posture renforcée du client {} depuis {time} ({}\u{a0}: {})\u{a0}: `{}` est refusé pendant ce temps",
    ),
    (
        "heightened posture of {} since {time} ({}: {}): the shorter window of meanwhile closed at {time}",
        "posture renforcée du client {} depuis {time} ({}\u{a0}: {})\u{a0}: la fenêtre raccourcie s'est fermée à {time}",
    ),
    (
        "heightened posture of {} since {time} ({}: {}): {} is not a possible length; accepted: 1s to {}",
        "posture renforcée du client {} depuis {time} ({}\u{a0}: {})\u{a0}: {} n'est pas une durée possible\u{a0}; admis\u{a0}: de 1s à {}",
    ),
    (
        "heightened posture of {} since {time} ({}: {}): {} is more than may leave; accepted: 1 B to {}",
        "posture renforcée du client {} depuis {time} ({}\u{a0}: {})\u{a0}: {} est plus qu'il ne peut sortir\u{a0}; admis\u{a0}: de 1 o à {}",
    ),
    // ── an answer to more than can be granted, and one that needs nobody's
    (
        "{} is more than can be granted; approve {} --for {}, or less",
        "{} est plus qu'il ne peut être accordé\u{a0}; approve {} --for {}, ou moins",
    ),
    (
        "{} is more than can be granted; approve {} --bytes {}, or less",
        "{} est plus qu'il ne peut être accordé\u{a0}; approve {} --bytes {}, ou moins",
    ),
    (
        "the approvals given suffice by the documents and the posture in force",
        "les approbations données suffisent selon les documents et la posture en vigueur",
    ),
    // ── reaching a target
    (
        "{} is not among your targets; `flows` lists what you may ask for",
        "{} n'est pas parmi vos cibles\u{a0}; `flows` liste ce que vous pouvez demander",
    ),
    (
        "intervention {} on {} waits for the client's answer",
        "l'intervention {} sur {} attend la réponse du client",
    ),
    (
        "intervention {} begins at {time}; come back then",
        "l'intervention {} commence à {time}\u{a0}; revenez à ce moment-là",
    ),
    (
        "intervention {} was asked from station {}; connect from there, or ask again from here",
        "l'intervention {} a été demandée depuis le poste {}\u{a0}; connectez-vous depuis ce poste, ou refaites la demande d'ici",
    ),
    (
        "{} is closed at this hour; it opens at {time}",
        "{} est fermée à cette heure\u{a0}; elle ouvre à {time}",
    ),
    ("{} is closed at this hour", "{} est fermée à cette heure"),
    (
        "several accounts are granted on {}: {}; name one: {}",
        "plusieurs comptes sont accordés sur {}\u{a0}: {}\u{a0}; nommez-en un\u{a0}: {}",
    ),
    (
        "intervention {} was approved without {}; ask the client for it in a new request",
        "l'intervention {} a été approuvée sans {}\u{a0}; demandez-le au client dans une nouvelle demande",
    ),
    (
        "the client's matrix does not allow what intervention {} was approved for; ask again",
        "la matrice du client ne permet pas ce pour quoi l'intervention {} a été approuvée\u{a0}; refaites la demande",
    ),
    (
        "intervention {} is not the one on record, so it opens nothing; ask anew, and tell the client",
        "l'intervention {} n'est pas celle du journal, elle n'ouvre donc rien\u{a0}; refaites la demande, et prévenez le client",
    ),
    (
        "words of the log on intervention {} may be missing; try later, or ask anew",
        "il manque peut-être des mots au journal sur l'intervention {}\u{a0}; réessayez plus tard, ou refaites la demande",
    ),
    // ── asking for an intervention
    (
        "only a provider's technician does this",
        "ceci revient aux techniciens d'un prestataire",
    ),
    (
        "only an operator of the client does this",
        "ceci revient aux opérateurs du client",
    ),
    (
        "only an auditor of the client does this",
        "ceci revient aux auditeurs du client",
    ),
    (
        "masked input is not shown to you; the client's document would have to say so",
        "les saisies masquées ne vous sont pas montrées\u{a0}; il faudrait que le document du client le dise",
    ),
    (
        "this needs a one-time code of the last {}, given on this connection",
        "il faut ici un code à usage unique qui date d'au plus {}, donné sur cette connexion",
    ),
    (
        "name at least one target: {}",
        "nommez au moins une cible\u{a0}: {}",
    ),
    (
        "these targets belong to several clients; ask each client separately",
        "ces cibles relèvent de plusieurs clients\u{a0}; faites une demande à chacun",
    ),
    (
        "no account is allowed on all of these targets; ask for each target separately",
        "aucun compte n'est permis sur toutes ces cibles\u{a0}; faites une demande pour chaque cible",
    ),
    (
        "several accounts are possible: {}; name one: {}",
        "plusieurs comptes sont possibles\u{a0}: {}\u{a0}; nommez-en un\u{a0}: {}",
    ),
    (
        "{} is not allowed to you on {}; `flows` lists what you may ask for",
        "{} ne vous est pas permis sur {}\u{a0}; `flows` liste ce que vous pouvez demander",
    ),
    (
        "the matrix does not allow {} on {} any more, which intervention {} asks for; approve less, or refuse it",
        "la matrice ne permet plus {} sur {}, que demande l'intervention {}\u{a0}; approuvez moins, ou refusez-la",
    ),
    (
        "nothing is left to allow on these targets; ask for each target separately",
        "il ne reste rien à permettre sur ces cibles\u{a0}; faites une demande pour chaque cible",
    ),
    (
        "the reason must have 1 to {} characters on one line, without control characters",
        "le motif doit avoir de 1 à {} caractères sur une ligne, sans caractères de commande",
    ),
    (
        "six digits are no reason: a one-time code stays with whoever reads it",
        "six chiffres ne sont pas un motif\u{a0}: un code à usage unique reste à qui le lit",
    ),
    (
        "{} is not a possible length; accepted: 1s to {}",
        "{} n'est pas une durée possible\u{a0}; admis\u{a0}: de 1s à {}",
    ),
    (
        "{} is not what may leave in one intervention; accepted: 1 B to {}",
        "{} n'est pas ce qui peut sortir en une intervention\u{a0}; admis\u{a0}: de 1 o à {}",
    ),
    (
        "{time} is not a possible start; accepted: until {time}",
        "{time} n'est pas un début possible\u{a0}; admis\u{a0}: jusqu'à {time}",
    ),
    (
        "what is asked for is closed until {time}, and the period is over at {time} at the latest; ask for that time: {}",
        "ce qui est demandé est fermé jusqu'à {time}, et la période est finie à {time} au plus tard\u{a0}; demandez-le pour ce moment\u{a0}: {}",
    ),
    (
        "{} requests wait for an answer already; cancel one, or wait for the client",
        "{} demandes attendent déjà une réponse\u{a0}; annulez-en une, ou attendez le client",
    ),
    (
        "{} requests within an hour are the most; ask again after {time}",
        "{} demandes en une heure sont le maximum\u{a0}; demandez à nouveau après {time}",
    ),
    (
        "it names targets of several clients, or some that are not known",
        "elle nomme des cibles de plusieurs clients, ou certaines qui ne sont pas connues",
    ),
    // ── answering a request
    (
        "only an operator of the client decides on its interventions",
        "seul un opérateur du client décide de ses interventions",
    ),
    (
        "nobody approves their own request",
        "personne n'approuve sa propre demande",
    ),
    (
        "you have approved intervention {} already; another operator must approve it too",
        "vous avez déjà approuvé l'intervention {}\u{a0}; un autre opérateur doit aussi l'approuver",
    ),
    (
        "nothing would be left of intervention {}; refuse it with a reason instead",
        "il ne resterait rien de l'intervention {}\u{a0}; refusez-la plutôt, avec un motif",
    ),
    (
        "an approval only shrinks what was asked; {} was not asked",
        "une approbation ne fait que réduire ce qui a été demandé\u{a0}; {} ne l'a pas été",
    ),
    (
        "intervention {} is {state}; nothing to {step}",
        "l'intervention {} est {state}\u{a0}; rien à {step}",
    ),
    (
        "there is no such intervention; `interventions` lists those there are",
        "cette intervention n'existe pas\u{a0}; `interventions` liste celles qui existent",
    ),
    (
        "intervention {} is not yours",
        "l'intervention {} n'est pas la vôtre",
    ),
    (
        "nothing of theirs has this name",
        "rien de ce qui les concerne ne porte ce nom",
    ),
    // ── who is let in
    (
        "{} keeps you out until an operator lifts it: {}",
        "{} vous exclut jusqu'à ce qu'un opérateur lève cette exclusion\u{a0}: {}",
    ),
    (
        "{} keeps station {} out until an operator lifts it: {}",
        "{} exclut le poste {} jusqu'à ce qu'un opérateur lève cette exclusion\u{a0}: {}",
    ),
    (
        "{} keeps everybody away from {} until an operator lifts it: {}",
        "{} exclut tout le monde de {} jusqu'à ce qu'un opérateur lève cette exclusion\u{a0}: {}",
    ),
    (
        "{} keeps everybody out until an operator lifts it: {}",
        "{} exclut tout le monde jusqu'à ce qu'un opérateur lève cette exclusion\u{a0}: {}",
    ),
    (
        "{} has not accepted you yet; an operator there accepts you first",
        "{} ne vous a pas encore accepté\u{a0}; un opérateur doit d'abord le faire",
    ),
    ("{} does not accept you", "{} ne vous accepte pas"),
    (
        "{} is kept out; lift it first: {}",
        "{} est exclu\u{a0}; levez d'abord cette exclusion\u{a0}: {}",
    ),
    (
        "{} is not accepted; accept them first: {}",
        "{} n'est pas accepté\u{a0}; acceptez d'abord cette personne\u{a0}: {}",
    ),
];
