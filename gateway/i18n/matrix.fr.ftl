
# La matrice des flux sur papier, ce qui est joignable, et les cas d'un client.
help-matrix = La matrice des flux de votre client telle qu'on l'annexe à un contrat : chaque ligne avec sa justification, ses dérogations et ce qui en a été vu ces 90 derniers jours ; --format csv, html ou json l'écrit pour la garder.
help-reach = Tout ce qu'une personne peut joindre chez votre client ou, avec --target, tous ceux qui peuvent joindre une cible : comptes, lignes, horaires, postes, échéances.
matrix-format-unclear = « { $typed } » n'est pas une forme de la matrice : table, csv, html ou json.
matrix-title = MATRICE DES FLUX
matrix-title-of = Matrice des flux – { $client }
matrix-client = Client
matrix-at = Éditée le
matrix-version = Version des documents
matrix-document = Document
matrix-digest = SHA-256
matrix-since = En vigueur
matrix-since-version = depuis la version { $version }, { $at }, appliquée par { $by }
matrix-posture = Posture
matrix-posture-since = renforcée depuis { $since } ; ceci est ce qui est écrit
matrix-flow = FLUX { $flow }
matrix-flow-of = Flux
matrix-flows = Flux
matrix-why = Justification
matrix-no-why = non justifié
matrix-line-why = justification : { $why }
matrix-technicians = Techniciens
matrix-who = { $who } ({ $count ->
    [0] personne à ce jour
    *[other] à ce jour { $people }
  })
matrix-stations = Postes
matrix-nowhere = depuis aucun poste
matrix-targets = Cibles
matrix-account = Comptes
matrix-hours = Horaires
matrix-authentication = Authentification
matrix-approvals = Approbation
matrix-approval = { $by ->
    [one] 1 opérateur, { $length } au plus
    *[other] { $by } opérateurs, { $length } au plus
  }
matrix-approval-accompanied = { $approval } ; accompagnée, { $each ->
    [one] 1 session par opérateur
    *[other] { $each } sessions par opérateur
  }
matrix-extraction = Extraction
matrix-bounds-of = { $target } : { $bounds }
matrix-no-bounds = aucune borne
matrix-unlimited = sans limite
matrix-idle = Prend fin sans personne après
matrix-confirm = Attend un oui
matrix-seen-of = Constaté
matrix-seen-head = Constaté en 90 jours
matrix-line = Ligne
matrix-towards = Sens
matrix-terms = Conditions
matrix-to-target = vers la cible
matrix-to-technician = vers le technicien
matrix-both-ways = dans les deux sens
matrix-terminal = avec un terminal
matrix-derogation = dérogation : { $owner } en répond jusqu'au { $until } ({ $days ->
    [0] dernier jour
    [one] { $days } jour restant
    *[other] { $days } jours restants
  })
matrix-derogation-over = dérogation { DE($owner) } échue le { $until } : n'est plus en vigueur
matrix-unanswered = dérogation dont personne ne répond : n'est pas en vigueur
matrix-seen = { $uses ->
    [0] jamais utilisé
    [one] utilisé une fois, le { $last }
    *[other] utilisé { $uses } fois en { $sessions ->
        [one] { $sessions } session
        *[other] { $sessions } sessions
      }, la dernière le { $last }
  } ; { $granted ->
    [0] aucune intervention accordée
    [one] { $granted } intervention accordée
    *[other] { $granted } interventions accordées
  }
matrix-dead = MORTE : pas une fois en { $days } jours ; { $granted ->
    [0] aucune intervention accordée
    [one] { $granted } intervention accordée
    *[other] { $granted } interventions accordées
  }. Est-elle encore nécessaire ?
matrix-not-yet = pas encore : dans la matrice depuis le { $since }
matrix-unknown = inconnu : le journal ne le dit plus, ou pas de cette seule ligne
matrix-empty = La matrice n'a aucun flux : rien ne passe.
matrix-accounts = COMPTES ET SECRETS D'ACCÈS
matrix-account-on = Compte
matrix-credential-is = Secret d'accès
matrix-credential-why = Justification du secret
matrix-credential = { $kind ->
    [private-key] clé privée
    [password] mot de passe
    [certificate] certificat de quelques minutes
    *[other] { $kind }
  }, depuis le { $since }
matrix-no-credential = aucun
matrix-derogations = DÉROGATIONS
matrix-none = aucune
matrix-what = Quoi
matrix-place = Où
matrix-owner = Responsable
matrix-until = Jusqu'au
matrix-stands = État
matrix-over = ÉCHUE : n'est plus en vigueur
matrix-days-left = { $days ->
    [0] dernier jour
    [one] { $days } jour restant
    *[other] { $days } jours restants
  }
matrix-remarks = NON-CONFORMITÉS
matrix-remark-over = { $what } ({ $place }) : échue depuis { $until }, { $owner } en répondait. Ce qu'elle donnait n'est plus en vigueur : la renouveler ou la supprimer.
matrix-gone = { $count ->
    [one] Une utilisation concernait une ligne qui n'est plus dans la matrice.
    *[other] { $count } utilisations concernaient des lignes qui ne sont plus dans la matrice.
  }
matrix-wordless = { $count ->
    [one] Une entrée du journal ne se lit pas, ou a perdu ses mots à la fin de leur durée : on ne sait de quelle ligne elle venait.
    *[other] { $count } entrées du journal ne se lisent pas, ou ont perdu leurs mots à la fin de leur durée : on ne sait de quelles lignes elles venaient.
  }
matrix-without-why = Non justifiés : { $all }.
matrix-foot = Ce qui est constaté est ce que dit le journal du { $from } au { $to } ({ $days } jours). Ce qui n'est pas sur cette feuille ne passe pas.
usage-no-person-or-target = Nommez une personne, ou une cible avec --target.
reach-line = { $person } ({ $provider }) sur { $target } ({ $address }, { $client })
reach-nothing = Rien n'est joignable : aucun flux ne les nomme.
reach-closed-now = { $hours } (fermé à cette heure)
reach-expires = Compte jusqu'au
reach-barred = Barré pour l'heure
cases-failed-allowed = { $file }:{ $line } : « { $name } » : doit être permis, et est refusé
cases-failed-by = { $file }:{ $line } : « { $name } » : doit être permis par { $by }, et l'est par { $flows }
cases-failed-refused = { $file }:{ $line } : « { $name } » : doit être refusé, et est permis par { $flows }
cases-failed-because = { $file }:{ $line } : « { $name } » : est refusé, mais pas pour « { $because } »
cases-right = { $count ->
    [one] Le seul cas tient.
    *[other] Les { $count } cas tiennent.
  }
cases-wrong = { $failed } cas sur { $count } { $failed ->
    [one] ne tient pas.
    *[other] ne tiennent pas.
  }
