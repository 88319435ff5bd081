# Écluse : ce que les personnes lisent, en français. en.ftl contient les mêmes messages avec les mêmes
# variables (tests dans gateway/src/texts). Espaces insécables devant « : ; ? ! » et dans les guillemets.

## Commun

common-none = aucun
common-yes-keys = oOyY
common-unknown-command = La commande « { $command } » n'existe pas ici. Tapez « help » pour voir ce qui existe.
common-store-failed = La passerelle n'a pas pu l'enregistrer ({ $problem }). Rien n'a été modifié ; réessayez, ou prévenez l'administrateur de la passerelle.
common-looks-too-often = C'est plus que ce qui se consulte en une minute, et chaque consultation est consignée. Réessayez dans une minute.
common-needs-terminal = Il faut un terminal : connectez-vous avec « ssh -t ».
common-bye = Au revoir.
common-older-left-out = Tout ce qui est encore en cours est affiché, avec les { $shown } dernières de celles qui sont terminées. Il y en a de plus anciennes.
common-time-note = Les heures affichées sont en UTC.
common-no-such-intervention = Aucune intervention { $id } ne vous est visible. « { $command } » en donne la liste.
common-no-session-of-yours = Vous n'avez pas de session { $id } en cours. La question porte le numéro de la session à laquelle répondre.
common-no-such-session = Aucune session { $id } en cours ne vous est visible. « live » en donne la liste.

## Noms des choses

flow-shell = terminal (shell)
flow-any-command = toute commande (command)
flow-commands = commandes (command) : { $commands }
flow-files = fichiers : { $files }
flow-forwards = connexions : { $forwards }
flow-environment = variables d'environnement (env) : { $names }

term-terminal = avec terminal
term-no-terminal = sans terminal
term-by-line = par la ligne « { $line } »
term-derogation = dérogation dont répond { $owner }, jusqu'au { $until }
term-why = { $why }

state-requested = en attente de réponse
state-approved = approuvée
state-refused = refusée
state-expired = expirée sans réponse
state-unused = expirée sans avoir servi
state-open = ouverte
state-closed = close
state-suspended = suspendue par la posture renforcée
state-cancelled = annulée
state-unended = finie ; sa fin n'est pas au journal
state-not-known-yet = PAS ENCORE CONNU
state-not-on-record = AUTRE QUE LE JOURNAL
state-not-in-table = SEULEMENT AU JOURNAL

outcome-refused = refusée par { $person } : { $reason }
outcome-closed = close : { $reason }

close-window-over = sa période est écoulée
close-by-technician = le technicien a terminé
close-by-operator = close par { $person } : { $reason }

## Champs affichés

field-person = Personne
field-person-of = { $person } ({ $provider })
field-stands = Accueil
field-stations = Postes
field-keys = Clés
field-last-session = Dernière session
field-station = Poste
field-station-from = { $station }, depuis { $source }
field-target = Cible
field-target-account = { $target }, compte { $account }
field-account = Compte
field-flows = Demande
field-allowed = Permet
field-terms = Conditions
field-approvals = Approbations
field-session = Session
field-node = Nœud
field-intervention = Intervention
field-reason = Motif
field-when = Période
field-when-from-approval = dès la première utilisation, pour { $length }
field-when-planned = dès la première utilisation, pas avant { $start }, pour { $length }
request-at-most-length = Pour le moment, { $length } au plus peuvent en être accordées.
request-at-most-bytes = Pour le moment, la sortie { DE($bytes) } au plus peut être accordée.
request-approvals = { $given ->
    [0] { $needed } approbations nécessaires, aucune encore
   *[other] { $given } sur { $needed } approbations ({ $people })
}
hours-never = Le flux { $flow } ({ $targets }) n'ouvre qu'à { $opens } : approuvée maintenant, l'intervention prendrait fin avant, à { $ends } au plus tard.
hours-never-known = Le flux { $flow } ({ $targets }) est fermé jusqu'à { $ends }, où l'intervention prendrait fin au plus tard.
hours-later = Le flux { $flow } ({ $targets }) est fermé au début de cette période ; il ouvre à { $opens }, et rien n'en est possible avant.
hours-shorter = Le flux { $flow } ({ $targets }) ferme à { $closes }, avant que la durée demandée soit écoulée ; ce qu'il permet prend fin alors.
field-request = Demande
field-code = Code
field-state = État
field-number = N°
field-since = Début
field-left = Reste
field-length = Durée
field-bytes = Données sortantes
field-bytes-matrix = autant que la matrice le permet
field-bytes-unlimited = sans limite
field-hidden = Caché
field-targets = Cibles
field-accounts = Comptes
field-hours = Horaires
field-at-most = Au plus
field-flow = Flux
field-out = Sorti
field-in = Entré
field-budget = Budget
field-spent = Pris
field-rest = Reste
field-anew = À neuf
field-channels = Canaux
field-passed = Passé
field-acts = Budgets et gestes
field-end = Fin
field-started = Début

## La salle d'attente

room-title = Écluse · { $target } ({ $client })
room-title-account = Écluse · { $target }, compte { $account } ({ $client })
room-no-intervention = Aucune intervention approuvée ne vous est ouverte sur cette cible. Vous pouvez en demander une ici : les opérateurs du client répondent, puis votre session se poursuit d'elle-même.
room-why = Pour quelle raison devez-vous vous connecter ? Le client la lira.
room-why-empty = Un motif est nécessaire. Ctrl-C quitte sans rien demander.
room-why-too-long = Cela fait { $count } caractères, pour { $most } au plus. Veuillez raccourcir.
room-how-long = Pour combien de temps ? { $most } au plus ; Entrée seule demande { $proposed }.
room-how-long-unclear = « { $typed } » n'est pas une durée. Écrivez par exemple 30m, 2h ou 1h30m.
room-how-long-too-much = { $typed } dépasse les { $most } qui peuvent être accordés ici.
room-which-account = Quel compte ? { $accounts }
room-which-account-unclear = Veuillez nommer l'un de ceux-ci : { $accounts }.
room-client-sees = Voici ce que voit le client :
room-code-hint = L'opérateur voit le même code. Au téléphone, comparez-le.
room-sent = La demande { $number } est partie. Elle s'adresse aux opérateurs du client { $client } : { $operators }.
room-sent-nobody = La demande { $number } est enregistrée, mais aucun opérateur du client { $client } ne peut y répondre pour le moment. { contact-of }
room-joined = Votre demande { $number } est déjà en attente : vous la rejoignez. Elle s'adresse aux opérateurs du client { $client } : { $operators }.
room-joined-approved = Votre demande { $number } est approuvée et doit encore commencer : vous l'attendez ici. Les opérateurs du client { $client } : { $operators }.
room-seen = { $time }  Vue par { $person }.
room-approval-counted = { $time }  Approuvée par { $person }. Un autre opérateur doit aussi approuver.
room-approved = { $time }  Approuvée par { $person } : { $length } dès la première utilisation, jusqu'à { $latest } au plus tard.
room-less = { $what } : demandé { $asked } → accordé { $granted }
room-less-length = durée
room-less-bytes = données sortantes
room-less-flows = flux
room-less-targets = cibles
room-less-accounts = comptes
room-opening = Ouverture { DE($target) }…
room-refused = { $time }  Refusée par { $person } : { $reason }
room-expired = { $time }  Personne n'a répondu en { $length } ; la demande a expiré. Appelez votre contact chez le client, ou refaites une demande.
room-not-used = { $time }  L'intervention approuvée n'a pas été utilisée à temps ; elle a expiré.
room-cancelled = La demande { $number } est annulée. Les opérateurs le voient.
room-cancelled-elsewhere = La demande { $number } a été annulée.
room-closed = Cette intervention est terminée : { $reason }
room-gone = La demande { $number } n'existe plus ; reconnectez-vous pour en faire une autre.
room-starts = Approuvée ; l'intervention commence à { $start }. Vous pouvez attendre ici ou revenir à ce moment-là.
room-left-approved = L'intervention { $number } reste approuvée ; revenez quand elle commence.
room-status-waiting = encore { $left }
room-status-seen = vue par { $person } { $time }
room-status-unseen = pas encore vue
room-status-for = pour { $operators }
room-status-keys = q annule
room-status-cancel-sure = encore q pour annuler la demande, toute autre touche pour continuer d'attendre
room-status-starts = commence dans { $left }
room-status-keys-leave = q quitte

## Sans terminal

gateway-no-terminal = Écluse : aucune intervention approuvée n'est ouverte pour { $person } sur { $target }. Rien n'a été transmis.
gateway-no-terminal-pending = Écluse : la demande { $number } { DE($person) } pour { $target } attend encore une réponse. Rien n'a été transmis.
gateway-no-terminal-starts = Écluse : l'intervention { DE($person) } sur { $target } commence à { $start }. Rien n'a été transmis.
gateway-ask-with = Demandez-en une avec :
gateway-wait-with = Attendez la réponse avec :
gateway-flows-with = Voyez ce que vous pouvez demander avec :
gateway-says = Écluse :{" "}
gateway-reason-placeholder = le motif

## Le sas

lobby-welcome = Écluse · bienvenue, { $person }.
door-open-again = La porte du client { $client } est de nouveau ouverte : son document est celui du journal.
let-in = { $client } vous laisse venir : « flows » montre ce que vous pouvez y demander.
lobby-hint = Tapez « help » pour voir ce que vous pouvez faire, « exit » pour quitter.
lobby-nothing-asked = Vous n'avez aucune intervention, ni demande en attente.
lobby-your-interventions = Vos interventions :
lobby-no-flows = Aucun flux ne vous nomme : vous n'avez rien à demander. Votre contact chez le client peut vous ajouter à la matrice des flux.
lobby-flows-head = Ce que vous pouvez demander (le client doit encore approuver chaque intervention) :
lobby-requested = La demande { $number } est partie vers les opérateurs du client { $client } : { $operators }. Code { $code }.
lobby-requested-hint-alone = Tapez « interventions » pour voir où elle en est.
lobby-requested-hint = Ou tapez « interventions » pour voir où elle en est.
lobby-stands-with = Voyez où elle en est avec :
lobby-flows-typed = « flows » montre ce que vous pouvez demander.
lobby-only-nothing = « { $only } » ne vous est pas permis sur { $targets }. Y sont permis : { $allowed }.
lobby-only-nothing-meanwhile = « { $only } » est refusé sur { $targets } jusqu'à la fin de la posture. Y sont permis pendant ce temps : { $allowed }.
lobby-cancelled = { $number } est annulée.
lobby-time-unclear = « { $typed } » n'est pas une heure. Écrivez 14:30, 2026-11-23T14:30 ou 2026-11-23T14:30:00Z.
lobby-time-past = { $time } est déjà passé.
lobby-length-unclear = « { $typed } » n'est pas une durée. Écrivez par exemple 30m, 2h ou 1h30m.
lobby-size-unclear = « { $typed } » n'est pas un nombre d'octets. Écrivez par exemple 200MiB, 512KiB ou 1GiB (ou 200Mio, 512Kio, 1Gio).
lobby-rate-unclear = « { $typed } » n'est pas un débit. Écrivez par exemple 8KiB/s ou 1MiB/s, pas moins de 1KiB/s, ou off.
lobby-no-such-flow = Aucun flux « { $flow } » n'existe pour vous sur ces cibles. Il y a : { $known }.
lobby-name-unclear = « { $typed } » n'est pas un nom de cette passerelle.
lobby-time-read-as = { $typed } est compris comme { $time }.
lobby-time-several = « { $typed } » n'est pas le même moment partout où vous le demandez : { $read }. Écrivez le moment voulu, par exemple --at { $one }, ou demandez un seul flux : --flow FLUX.
lobby-new-answer = { $number } : { $text }
lobby-answer-approved = approuvée par { $person }, { $length } dès la première utilisation, jusqu'à { $latest } au plus tard
lobby-answer-refused = refusée par { $person } : { $reason }
lobby-answer-expired = expirée sans réponse
lobby-answer-seen = vue par { $person }
lobby-answer-closed = terminée : { $reason }
lobby-answer-closed-by = terminée par { $person } : { $reason }

## Opérateurs

operator-more-alerts = { $told ->
    [none] Alertes des sept derniers jours qui n'attendent plus rien : { $count } (« alerts » les montre).
   *[some] Autres alertes des sept derniers jours : { $count } (« alerts » les montre).
}
operator-no-alerts = Aucune alerte des sept derniers jours.
operator-hint = { $count ->
    [0] Aucune demande n'attend.
    [one] Une demande attend : tapez « pending ».
   *[other] { $count } demandes attendent : tapez « pending ».
}
operator-new-request = Nouvelle demande { $number } : { $person } ({ $provider }), { $targets }, pour { $length } : { $reason }
operator-suspended = La posture renforcée suspend { $number } { DE($person) } ({ $provider }), { $targets }, qui était approuvée : « pending » dit ce qu'il lui faut.
operator-gone-request = La demande { $number } { DE($person) } n'attend plus : { $state }.
operator-none-pending = Aucune demande n'attend.
operator-space-low = { $time }  Il reste { $free } Mio à la passerelle pour les enregistrements : en dessous de { $bound } Mio, aucune session ne commence. Prévenez son administrateur.
operator-space-full = { $time }  Il ne reste que { $free } Mio à la passerelle pour les enregistrements, moins de { $bound } Mio : aucune session ne commence. Prévenez son administrateur.
operator-crowd = { $time }  Depuis, des connexions sont refoulées à la porte, { $count } jusqu'ici, depuis { $sources ->
    [one] une adresse
   *[other] { $sources } adresses
} : { $place }
operator-crowd-over = { $time }  Des connexions ont été refoulées à la porte jusqu'à { $until }, { $count } depuis { $sources ->
    [one] une adresse
   *[other] { $sources } adresses
} : { $place }
crowd-shares = certaines adresses avaient pris leur part des connexions en attente d'authentification. Qui y travaille a pu trouver porte close, personne d'autre. Demandez ce qui se connecte de là.
crowd-person = certaines personnes avaient autant de connexions qu'une personne peut en avoir. Nul autre n'a été renvoyé.
crowd-operators = trop de connexions depuis les réseaux des opérateurs et auditeurs attendaient d'être authentifiées. Qui venait de là a pu trouver porte close ; ceux qui étaient entrés sont restés. Demandez à l'administrateur de la passerelle qui s'y connecte.
crowd-stations = trop de connexions depuis les réseaux des postes attendaient d'être authentifiées. Des techniciens ont pu trouver porte close ; ceux qui étaient entrés sont restés. Demandez au prestataire ce qui se connecte de là.
crowd-everybody = trop de connexions depuis des adresses qu'aucun document ne nomme attendaient d'être authentifiées. Qui travaille depuis une telle adresse a pu trouver porte close ; ceux dont les réseaux figurent dans les documents, non.
crowd-inside = toutes les places après connexion étaient prises, sauf celles réservées aux opérateurs. Les techniciens et auditeurs qui se connectaient ont été renvoyés ; ceux qui étaient entrés sont restés.
operator-copies-contradicted = { $time }  Le journal contredit les points de contrôle à { $destination } (noté en anglais : « { $problem } »). Conservez ce qui s'y trouve, c'est une preuve, et faites examiner la passerelle.
operator-journal-contradicted = { $time }  Le journal de la passerelle n'est plus celui dont elle a signé les points de contrôle (noté en anglais : « { $problem } »). C'est une preuve : que personne n'y touche ; faites examiner la passerelle.
operator-checkpoint-failed = { $time }  Depuis, la passerelle n'a pu signer aucun point de contrôle du journal (noté en anglais : « { $problem } »). Si cela dure plus de quelques minutes, prévenez l'administrateur de la passerelle.
operator-copies-away = { $time }  Depuis, aucune copie de vos événements n'arrive à { $destination }. Elles sont gardées ici et envoyées dès qu'il les accepte à nouveau : faites vérifier le récepteur.
operator-account-blocked = { $time }  Le compte { DE($person) } a été bloqué : trop de codes faux. Demandez à cette personne s'ils venaient d'elle.
operator-code-elsewhere = { $time }  Un code juste { DE($person) } a été donné, avec sa clé, depuis un poste d'où cette personne ne peut pas travailler : personne n'est entré. Demandez-lui si c'était elle ; sinon, faites renouveler sa clé et son second facteur par l'administrateur de la passerelle.
operator-account-unlocked = { $time }  L'administrateur { $by } a levé le blocage { DE($person) }.
operator-account-enabled = { $time }  L'administrateur { $by } a réactivé le compte { DE($person) }, resté sans usage.
operator-host-key = { $time }  { $target } a présenté la clé d'hôte { $got } au lieu de { $pinned } : rien ne lui a été envoyé. Si la clé a été changée volontairement, inscrivez la nouvelle dans le document du client.
operator-intervention-not-on-record = { $time }  Quelqu'un a modifié l'intervention nº { $number } dans la base de la passerelle : ce n'est pas celle du journal, et elle n'admet personne. Faites examiner la passerelle.
operator-session-not-on-record = { $time }  Quelqu'un a modifié la session { $number } dans la table des sessions de la passerelle : ce n'est pas ce que le journal rapporte, et rien n'est détruit ni terminé d'après elle. Faites examiner la passerelle.
operator-document-not-on-record = { $time }  Quelqu'un a modifié votre document dans la base de la passerelle : la porte est restée fermée jusqu'à ce que le bon texte soit remis en vigueur, avec sa trace. Faites examiner la passerelle.
operator-session-outlived = { $time }  La session { $number } a continué après que sa fin a été consignée : sa passerelle avait été retirée alors qu'elle vivait. La fin donnée au journal n'est pas la sienne ; l'entrée session-outlived et son enregistrement en rendent compte.
operator-clock = { $time }  L'horloge d'une passerelle a été changée, ou n'est pas celle de la base (noté en anglais : « { $problem } »). Les sessions n'en durent pas plus longtemps. Demandez à l'administrateur de la passerelle si c'était voulu.
operator-enrolment-not-on-record = { $time }  Quelqu'un a modifié le second facteur { DE($person) } dans la base de la passerelle : ce n'est pas celui du journal, et il ne laisse entrer personne. Faites examiner la passerelle, et inscrire { $person } à nouveau.
operator-credential-not-on-record = { $time }  Quelqu'un a modifié le mot de passe ou la clé { DE($account) } sur { $target } dans la base de la passerelle : ce n'est pas celui du journal, et la passerelle ne s'en sert pas. Faites examiner la passerelle, et définir le secret à nouveau.
operator-order-not-on-record = { $time }  Un ordre de couper des sessions se trouvait dans la base sans que personne l'ait donné ; il n'a pas été suivi. Prévenez l'administrateur de la passerelle : quelqu'un modifie la base.
operator-more-hidden = { $time }  Et { $count ->
    [one] une autre session
   *[other] { $count } autres sessions
  } où { $person } a tapé des lignes dont l'écho n'a pas été reconnu : { $numbers }. Les auditeurs les lisent.
operator-more-budgets = { $time }  Et { $count ->
    [one] un autre seuil
   *[other] { $count } autres seuils
  } de budget atteints dans des sessions { DE($person) } : { $numbers }.
operator-more-hands = { $time }  Et { $count ->
    [one] un autre geste
   *[other] { $count } autres gestes
  } { DE($person) } à la main sur des sessions : { $numbers }.
signal-name = { $kind ->
    [tripwire] le fil d'alerte « { $name } »
   *[burst] le signal « burst »
    [steady] le signal « steady »
    [base64] le signal « base64 »
    [unattended] le signal « unattended »
    [hours] le signal « hours »
  }
operator-signal = { $time }  { $name } : { $person } sur { $target }, session { $session }, canal { $channel } : { $kind ->
    [burst] { $measured } sortis en une minute ; au-delà de { $threshold }, c'est bien plus que dans ses sessions passées.
    [steady] un flux continu à { $measured } sans que personne ne tape, sans descendre sous { $threshold }.
    [base64] { $measured } de texte encodé (base64 ou semblable) ; le seuil est de { $threshold }.
    [unattended] l'enregistrement grossit alors que personne n'a rien tapé ni envoyé depuis { $measured } ; le seuil est de { $threshold }.
    [hours] travail à { $measured }, hors des heures habituelles ({ $threshold }).
    [unshown] une ligne tapée, et pas encore affichée, contient « { $threshold } ».
   *[tripwire] « { $measured } » contient « { $threshold } ».
  }{ $runs ->
    [command] {" "}Commande : { $command }
   *[shell] {""}
  }{ $then ->
    [hold] {" "}La session est suspendue : resume { $session }, ask { $session } "…", ou cut { $session }.
    [over] {" "}La session a été suspendue ; elle n'attend plus.
   *[notify] {""}
  }
operator-more-signals = { $time }  Et { $count ->
    [one] un autre signal
   *[other] { $count } autres signaux
  } dans des sessions { DE($person) } : { $numbers }.
operator-more-answers = { $time }  Et { $count ->
    [one] une autre réponse
   *[other] { $count } autres réponses
  } { DE($person) }, sessions { $numbers }.
operator-more-sessions = { $time }  Et { $count ->
    [one] une autre session
   *[other] { $count } autres sessions
  } que quelqu'un a modifiées dans la table de la passerelle : { $numbers }.
operator-more-interventions = { $time }  Et { $count ->
    [one] une autre intervention
   *[other] { $count } autres interventions
  } que quelqu'un a modifiées dans la base de la passerelle : { $numbers }.
operator-more-outlived = { $time }  Et { $count ->
    [one] une autre session
   *[other] { $count } autres sessions
  } qui ont continué après que leur fin a été consignée : { $numbers }.
operator-more-of-person = { $time }  Et { $count ->
    [one] un autre avertissement
   *[other] { $count } autres avertissements
  } du même genre concernant { $person } ; le journal de la passerelle les contient tous.
operator-more = { $time }  Et { $count ->
    [one] un autre avertissement
   *[other] { $count } autres avertissements
  } du même genre ; le journal de la passerelle les contient tous.
changes-since = { $count ->
        [one] Un changement concerne { $client } depuis la dernière fois que vous en avez été informé, { $time } :
       *[other] { $count } changements concernent { $client } depuis la dernière fois que vous en avez été informé, { $time } :
    }
# Première venue, pour autant que le journal le dise
changes-since-then = { $count ->
        [one] Un changement concerne { $client } depuis { $time } :
       *[other] { $count } changements concernent { $client } depuis { $time } :
    }
# Le journal ne dit plus quand la dernière information a eu lieu
changes-since-removed = { $count ->
        [one] Un changement concerne { $client }
       *[other] { $count } changements concernent { $client }
    } depuis { $time }. On ne sait plus quand vous en avez été informé pour la dernière fois : le texte des entrées antérieures a été effacé au terme de sa conservation.
changes-more = { $count ->
        [one]   … et un autre.
       *[other]   … et { $count } autres.
    }
changes-hint = « changes » les montre tous. Si personne ici n'en connaît un, interrogez l'administrateur de la passerelle.
changes-unknown-before = la base de la passerelle contenait un autre texte que celui du journal : ce qui y figurait avant n'est pas connu
changes-none = Rien n'a changé pour { $client } depuis { $time } : ni documents, ni personnes, ni codes, ni copies.
# Une seule ligne pour ce qui s'est produit plusieurs fois
changes-repeated = { $first } – { $last }  { $count } × { $change }
changes-created = L'administrateur { $person } a ajouté { $object } aux documents. { $text }
changes-changed = L'administrateur { $person } a modifié { $object } dans les documents. { $text }
changes-removed = L'administrateur { $person } a retiré { $object } des documents. { $text }
changes-worded = L'administrateur { $person } a changé des commentaires ou l'ordre des lignes du document pour { $object } ; ce qui est permis reste le même.
changes-again = L'administrateur { $person } a remis en vigueur le document pour { $object } : la base contenait un autre texte que celui du journal.
# Ce qui a changé dans un document : le mot du lecteur, puis celui du document
changes-part = { $kind ->
    [name] nom ({ $part })
    [lang] langue ({ $part })
    [authority] autorité ({ $part })
    [revoked-keys] clés révoquées ({ $part })
    [revoked-serials] numéros de série révoqués ({ $part })
    [keys] clés ({ $part })
    [groups] groupes ({ $part })
    [stations] postes ({ $part })
    [expires] dernier jour du compte ({ $part })
    [disabled] hors service ({ $part })
    [networks] réseaux ({ $part })
    [unmask] peut démasquer ({ $part })
    [address] adresse ({ $part })
    [protocol] protocole ({ $part })
    [host-keys] clés d'hôte ({ $part })
    [accounts] comptes ({ $part })
    [technicians] techniciens ({ $part })
    [targets] cibles ({ $part })
    [allow] permet ({ $part })
    [hours] horaires ({ $part })
    [authentication] authentification ({ $part })
    [approval-by] nombre d'approbations ({ $part })
    [approval-at-most] durée au plus ({ $part })
    [approval-long] durée longue ({ $part })
    [approval-accompanied] accompagnée ({ $part })
    [approval-sessions-per-operator] sessions par opérateur ({ $part })
    [contacts-technical] contact technique ({ $part })
    [contacts-decision] contact de décision ({ $part })
    [recording-recipients] lecteurs des enregistrements ({ $part })
    [retention-service-ended] dernier jour de la prestation ({ $part })
    [retention-regime] régime de conservation ({ $part })
    [retention-keep] conservation ({ $part })
    [retention-longest] conservation au plus ({ $part })
    [retention-legal-hold] interdiction de détruire ({ $part })
    [search-screen-text] recherche dans les écrans ({ $part })
    [copies-syslog] copies par syslog ({ $part })
    [copies-syslog-ca] autorité du récepteur syslog ({ $part })
    [copies-checkpoints] points de contrôle remis à ({ $part })
    [recording-notice-fr] avis en français ({ $part })
    [recording-notice-en] avis en anglais ({ $part })
    [idle] inactivité au plus ({ $part })
    [extraction-session] au plus par session ({ $part })
    [extraction-intervention] au plus par intervention ({ $part })
    [extraction-channel] au plus par canal ({ $part })
    [extraction-technician-day] au plus par technicien et par jour ({ $part })
    [extraction-target] au plus par cible ({ $part })
    [extraction-client] au plus pour le client ({ $part })
    [extraction-up-session] au plus par session, en entrée ({ $part })
    [extraction-up-intervention] au plus par intervention, en entrée ({ $part })
    [extraction-up-channel] au plus par canal, en entrée ({ $part })
    [extraction-up-technician-day] au plus par technicien et par jour, en entrée ({ $part })
    [extraction-up-target] au plus par cible, en entrée ({ $part })
    [extraction-up-client] au plus pour le client, en entrée ({ $part })
    [extraction-at-limit] une fois le budget épuisé ({ $part })
    [extraction-warn] avertissement ({ $part })
    [extraction-slow-rate] débit ensuite ({ $part })
    [extraction-ceiling] plafond ({ $part })
    [extraction-rate] débit sortant ({ $part })
    [extraction-up-rate] débit entrant ({ $part })
    [signals-burst] signal de rafale ({ $part })
    [signals-steady] signal de flux continu ({ $part })
    [signals-base64] signal de texte encodé ({ $part })
    [signals-unattended] signal de session délaissée ({ $part })
    [signals-hours] signal d'horaire ({ $part })
    [posture-high-approvers] posture renforcée, approbations ({ $part })
    [posture-high-at-most] posture renforcée, durée au plus ({ $part })
    [posture-high-refuse] posture renforcée, refusé ({ $part })
    [posture-high-extraction] posture renforcée, au plus ({ $part })
    [posture-high-warning] posture renforcée, avertissement ({ $part })
    [posture-high-normal-by] posture renforcée, opérateurs pour en sortir ({ $part })
   *[other] { $part }
} : { $text }
changes-nothing = rien
changes-parts-more = { $count ->
    [one] {" "}… et une autre ligne
   *[other] {" "}… et { $count } autres lignes
}
changes-enrolled = L'administrateur { $by } a donné à { $person } une nouvelle source de codes à usage unique.
changes-enrolled-first = L'administrateur { $by } a donné à { $person } sa première source de codes à usage unique.
changes-enrolled-anew = L'administrateur { $by } a REMPLACÉ la source de codes à usage unique { DE($person) } : les codes de la précédente ne valent plus. Demandez à cette personne si c'est bien elle qui en a une autre.
changes-enrolment-disabled = Les codes à usage unique { DE($person) } ne valent plus : aucun document ne nomme plus cette personne.
changes-credential = L'administrateur { $person } a défini le mot de passe ou la clé avec lequel la passerelle se connecte à { $target } sous le compte { $account }.
changes-reached = Désormais la matrice du client { $client } atteint, chez { $object } : { $text }
changes-accepted = { $person } a accepté : { $text }
changes-accepted-first = Acceptés, parce que le document { DE($client) } les nommait déjà : { $text }
changes-refused = { $person } a refusé : { $text }
changes-kept-out = { $person } exclut { $object } : { $text }
changes-lifted = { $person } a levé l'exclusion : { $object }
changes-heightened = { $person } a renforcé la posture : { $text }
changes-normal = { $person } a dit que la posture renforcée est terminée.
changes-elsewhere = L'administrateur { $person } a changé le document pour { $object } sur un point qui ne concerne pas { $client }.
changes-rewrapped = L'administrateur { $person } a changé qui lit l'enregistrement de la session { $session } sur { $target }. Lecteurs gagnés : { $gained }. Lecteurs perdus : { $lost }.
changes-reader-gateway = la passerelle
changes-copies-away = Le récepteur { $destination } ne prenait plus les copies de vos événements ; elles ont été gardées.
changes-copies-back = Le récepteur { $destination } prend de nouveau les copies de vos événements.
changes-key = { $acted ->
    [no] La passerelle s'est donné une nouvelle clé
   *[other] L'administrateur { $person } a donné une nouvelle clé à la passerelle
  } : comparez ce qu'affiche « ecluse journal keys » avec ce que vous avez noté.
changes-settings = La passerelle a démarré avec d'autres réglages que la fois précédente ; demandez à son administrateur lesquels ont changé.
changes-destroyed = { $person } a supprimé un enregistrement au terme de sa conservation.
changes-words-destroyed = { $person } a supprimé le texte { $entries ->
    [one] d'une entrée
   *[other] de { $entries } entrées
} du journal au terme de leur conservation.
changes-joined = Une passerelle qui n'avait jamais servi avec cette base, { $node }, a démarré à côté des autres. { $parts ->
    [no] Ses réglages sont ceux de la dernière qui a démarré.
   *[other] Ses réglages diffèrent de ceux de la dernière qui a démarré, ou ne peuvent être comparés, pour : { $parts }.
  } Si personne n'attendait une autre passerelle, interrogez tout de suite l'administrateur.
changes-cut-short = La passerelle s'est arrêtée sans ordre, après { $stopped } et au plus tard à { $latest }, puis a repris. { $count ->
    [0] Aucune de vos sessions n'a été interrompue.
    [one] Une session a été interrompue : { $sessions }. Ce qui en était enregistré est conservé.
   *[other] { $count } sessions ont été interrompues : { $sessions }. Ce qui en était enregistré est conservé.
}
object-client = le client { $name }
object-operator = l'opérateur { $name }
object-auditor = l'auditeur { $name }
object-target = la cible { $name }
object-flow = le flux { $name }
object-provider = le prestataire { $name }
object-technician = le technicien { $name }
object-station = le poste { $name }
operator-typing-hidden = { $time }  { $person } a tapé { $lines ->
    [one] une ligne
   *[other] { $lines } lignes
  }{ $session ->
    [0] {""}
   *[other] {" "}dans la session { $session }
  } sur { $target } dont l'écho n'a pas été reconnu : l'écho a pu être coupé, ou un programme plein écran peut en être la raison. Ce n'est pas en soi un reproche. Un auditeur autorisé à démasquer les lit avec « search --in hidden ».
operator-terminal-without-echo = { $time }  { $person } a demandé sur { $target } un terminal qui ne montre rien de ce qui est tapé. Ce qui est tapé est enregistré.
operator-recording-trouble = { $time }  L'enregistrement { DE($person) } sur { $target } n'est pas complet (noté en anglais : « { $problem } »). Prévenez l'auditeur et l'administrateur de la passerelle.
operator-budget = { $time }  { $person } sur { $target }, session { $session }, canal { $channel } : { $mark ->
    [warn] { $spent } sur les { $limit } qui peuvent passer ({ $key }) sont pris, { $percent } %.
    [ceiling] les { $limit } qui peuvent passer ({ $key }) sont épuisés jusqu'au plafond, et { $holds ->
        [no] cela prend fin.
       *[yes] { $over ->
            [yes] la session a été suspendue ; elle n'attend plus.
           *[no] la session est suspendue : topup { $session } { $more }, ou cut { $session }.
        }
    }
   *[limit] les { $limit } qui peuvent passer ({ $key }) sont épuisés, et { $then ->
        [end] cela prend fin.
        [hold] { $over ->
            [yes] la session a été suspendue ; elle n'attend plus.
           *[no] la session est suspendue : topup { $session } { $more }, ou cut { $session }.
        }
       *[slow] le débit est réduit.
    }
  }{ $runs ->
    [shell] {""}
   *[command] {" "}Commande : { $command }
  }
operator-topped-up = Dans la session { $session } { DE($person) }, { $bytes } peuvent passer à partir de maintenant{ $up ->
    [yes] {" "}vers la cible
   *[no] {""}
  } :
operator-topped-up-by = { $key } : { $more } de plus, { $limit } en tout
operator-topped-up-nothing = La session { $session } { DE($person) } peut déjà laisser passer autant : rien n'a été ajouté.
operator-topped-up-gateway = Le budget du jour de la passerelle elle-même laisse { $left }, et aucun opérateur n'y ajoute.
operator-topped-up-held = { $by } suspend la session à la main, et cela demeure : resume { $session }.
operator-held = La session { $session } { DE($person) } est suspendue : rien ne passe, et ce qui tourne sur la cible y reste. resume { $session } la laisse reprendre.
operator-held-already = La session { $session } { DE($person) } est déjà suspendue par { $by }.
operator-resumed = La session { $session } { DE($person) } reprend.
operator-resumed-alone = La session { $session } { DE($person) } n'est plus suspendue à la main, mais attend un opérateur qui la regarde : watch { $session }
operator-resumed-budget = La session { $session } { DE($person) } n'est plus suspendue à la main, mais un budget la suspend : topup { $session } TAILLE.
operator-not-held = Personne ne suspend la session { $session } { DE($person) } à la main.
operator-not-held-budget = Personne ne suspend la session { $session } { DE($person) } à la main ; un budget la suspend : topup { $session } TAILLE.
operator-slowed = La session { $session } { DE($person) } va à { $rate } au plus, dans chaque sens. slow { $session } off la laisse aller.
operator-full-speed = La session { $session } { DE($person) } va de nouveau aussi vite que son document le permet.
operator-not-slowed = Personne ne ralentit la session { $session } { DE($person) } à la main.
operator-hand-there = Elle passe par { $node }, qui le fait dès qu'elle le lit, en moins d'une seconde.
operator-hand-lost = Elle passe par { $node }, dont on est sans nouvelles : c'est consigné, et rien ne dit que cela agit. Si la passerelle a perdu le serveur de données mais vit, voyez sur place.
operator-hand-ask = { $time }  { $by } demande à { $person }, session { $session } sur { $target } : « { $reason } »
operator-answered = { $time }  { $person }, session { $session } sur { $target }, à la question « { $question } », répond : « { $answer } ». { $over ->
    [yes] Elle n'attend plus.
   *[no] { $budget ->
        [yes] Un budget la suspend aussi : resume { $session } et topup { $session } TAILLE, ou cut { $session }.
       *[no] resume { $session }, ou cut { $session }.
    }
}
operator-asked = La question est posée à { $person }, et la session { $session } est suspendue. La réponse est dite ici et dans live ; resume { $session } la laisse reprendre.
operator-hand-hold = { $time }  { $by } suspend la session { $session } { DE($person) } sur { $target }.
operator-hand-hold-because = { $time }  { $by } suspend la session { $session } { DE($person) } sur { $target } : { $reason }
operator-hand-resume = { $time }  { $by } laisse reprendre la session { $session } { DE($person) } sur { $target }.
operator-hand-slow = { $time }  { $by } ralentit à { $rate } la session { $session } { DE($person) } sur { $target }.
operator-hand-over = (Cette session est terminée.)
operator-hand-full-speed = { $time }  { $by } ne ralentit plus la session { $session } { DE($person) } sur { $target }.
operator-none-live = Aucune session n'est en cours.
live-channels-there = visibles là-bas
live-lost = perdue avec le nœud
live-held-by = SUSPENDUE par { $by }
live-held-by-both = SUSPENDUE par { $by } et par un budget
live-asked = question « { $question } »
live-answered = question « { $question } », réponse « { $answer } »
live-slowed = ralentie à { $rate }
operator-node-lost = { $node } { $seconds ->
    [0] n'a pas donné signe de vie récemment
   *[other] n'a pas donné signe de vie depuis { $seconds } s
} : { $count ->
    [one] la session { $sessions } est perdue
   *[other] les sessions { $sessions } sont perdues
} avec lui. Si cette passerelle est arrêtée, plus personne n'est sur la cible ; si elle ne joint seulement plus la base, regardez sur place.
operator-none-interventions = Il n'y a pas encore d'intervention.
operator-request-line = { $person } ({ $provider }) · poste { $station }
operator-request-what = { $targets } · compte { $accounts }
operator-request-not-known-yet = { $number }  PAS ENCORE CONNU : il manque des mots au journal de la passerelle, on ne peut y répondre avant qu'ils y soient. Si cela dure, faites refaire la demande.
operator-request-not-on-record = { $number }  AUTRE QUE LE JOURNAL : ce n'est pas la demande que le journal rapporte, on ne peut y répondre.
operator-request-how-long = pour { $length } · expire dans { $left }
operator-request-planned = dès la première utilisation, pas avant { $start }, pour { $length } · expire dans { $left }
operator-request-latest = approuvée maintenant, fin au plus tard : { $latest }, quelle que soit la première utilisation
operator-request-bytes = { $bytes } au plus peuvent sortir
operator-request-reason = motif :
operator-request-code = code
operator-request-hint = approve { $id }   ou   refuse { $id } --reason …
operator-request-hint-refused = refuse { $id } --reason …
operator-request-hint-withdraw = withdraw { $id }
operator-approved = { $number } est approuvée : { $person } sur { $targets }.
operator-approved-partly = Votre approbation de { $number } compte. Un autre opérateur doit aussi approuver.
operator-technician-told = { $person } le lit maintenant, ou à sa prochaine connexion.
operator-refused = { $number } est refusée ; { $person } lit : { $reason }
operator-refuse-why = Pour quelle raison ? { $person } la lira.
operator-withdrawn = { $number } est retirée ; { $count ->
    [0] aucune session n'était en cours
    [one] une session prend fin
   *[other] { $count } sessions prennent fin
}.
operator-cut = Coupure : { $count ->
    [one] session { $sessions }
   *[other] sessions { $sessions }
}.
operator-cut-guests = { $count ->
    [one] Fermée : une connexion { DE($people) } sans session
   *[other] Fermées : { $count } connexions { DE($people) } sans session
}. Qui s'y trouvait peut revenir : ce qui était demandé attend toujours.
operator-cut-none = Aucune session en cours ne correspond à « { $what } ». « live » en donne la liste.
operator-cut-note = L'intervention reste approuvée : « withdraw { $id } » y met fin, et aucune nouvelle session ne s'ouvre.
operator-cut-elsewhere = Coupure sur { $node } : { $count ->
    [one] session { $sessions }
   *[other] sessions { $sessions }
}.
operator-cut-guests-elsewhere = { $count ->
    [one] Fermée sur { $node } : une connexion sans session ({ $people })
   *[other] Fermées sur { $node } : { $count } connexions sans session ({ $people })
}.
operator-cut-unanswered = { $node } n'a pas répondu : on ne peut dire ce qui y a pris fin. L'ordre demeure et cette passerelle l'exécutera dès son retour ; il vise ce qui était en cours quand vous l'avez donné, rien de plus récent. « live » montre ce qui reste.
operator-cut-unvouched = { $node } a répondu que la coupure est faite, mais le journal n'en rapporte rien : la réponse peut être d'un autre, et des sessions peuvent continuer. Regardez avec « live », coupez sur cette passerelle même et prévenez l'administrateur que quelqu'un modifie la base.
operator-cut-disobeyed = { $node } n'a pas obéi : l'ordre qui se trouve dans la base n'est pas celui que rapporte le journal. Coupez sur place et prévenez l'administrateur de la passerelle que quelqu'un modifie la base.
operator-cut-not-ordered = Aucune autre passerelle n'a reçu l'ordre de couper ({ $problem }). Connectez-vous à chacune et coupez sur place.
operator-cut-not-on-record = La coupure est faite, mais elle n'a pas encore pu être consignée ({ $problem }). La passerelle la consigne dès que la base répond à nouveau ; d'ici là, notez qui, quand et pourquoi, et prévenez l'administrateur de la passerelle.
kept-person = { $name }
kept-station = le poste { $name }
kept-target = la cible { $name }
kept-all = tout le monde, de toutes vos cibles
keep-out-none = Rien ni personne chez vous ne s'appelle « { $what } » : ni cible, ni technicien ou poste que votre matrice ({ $client }) atteint, ni exclusion en vigueur. « keep-out » et « people » montrent ce qu'il y a.
keep-out-why = Pour quelle raison ? Les techniciens concernés la liront.
keep-out-done = Exclusion : { $what }. Cela vaut pour vos cibles, sur chaque passerelle, jusqu'à ce qu'un opérateur la lève : keep-out { $name } --lift
keep-out-before = { $what } : déjà exclu par { $by } depuis { $time } : { $reason }
keep-out-ended = { $count ->
    [0] Aucune session n'était en cours.
    [one] Une session prend fin.
   *[other] { $count } sessions prennent fin.
}
keep-out-lifted = Exclusion levée : { $what }. Ce qui était approuvé et n'est pas terminé peut servir de nouveau.
keep-out-nothing = Rien ni personne n'est exclu.
keep-out-standing = Exclus jusqu'à nouvel ordre : { $what }. « keep-out » dit par qui et pourquoi.
keep-out-line = { $what } · par { $by } depuis { $time } : { $reason }
posture-unclear = « { $typed } » n'est pas une posture : « posture high --reason "…" » ou « posture normal » ; « posture » seul dit où on en est.
posture-why = Pour quelle raison ? Les techniciens concernés la liront.
posture-before = C'est déjà le cas : rien n'a été changé.
posture-is-normal = La posture est normale. « posture high --reason "…" » resserre tout d'un coup.
posture-is-normal-told = La posture est normale.
posture-standing = Le client { $client } est en posture renforcée depuis { $time } ({ $by }) : { $reason }.
posture-means = La posture renforcée signifie : approbations nécessaires : { $approvers } au moins ; une intervention dure { $length } au plus ; refusé : { $refuse } ; peut sortir ou entrer au plus : { $ceilings } ; ce qu'elle ne permet plus prend fin { $warning } après l'avertissement ; opérateurs qu'il faut pour en sortir (posture normal) : { $back }.
posture-unwritten = Votre document n'en dit rien, c'est donc celle de la passerelle qui vaut ; pour la régler : [posture.high] avec approvers, at-most, refuse, extraction, warning, normal-by.
posture-over-by = Déclarée terminée par : { $people }. Il faut d'autres opérateurs : posture normal
posture-ends-nothing = Elle ne met fin à aucune session en cours.
posture-ends = Session { $session } ({ $person } sur { $target }), dans { $left } : { $bars }
posture-ends-yes = elle prend fin : l'intervention { $number } attend l'accord d'un autre opérateur (approve { $id })
posture-ends-line = « { $line } » prend fin
posture-ends-line-there = ce qui y tourne par « { $line } » prend fin
posture-ends-window = sa fenêtre raccourcie est terminée
posture-back = La posture est de nouveau normale. Ce qui était suspendu et n'est pas terminé peut servir de nouveau.
posture-back-wanting = C'est dit. Elle reste renforcée jusqu'à ce que { $wanting ->
    [one] un autre opérateur le dise
   *[other] { $wanting } autres opérateurs le disent
} aussi : posture normal
posture-is-over = La posture { DE($client) } est de nouveau normale.
posture-suspended = Suspendue par la posture renforcée : elle avait été approuvée, et reprend sous le même numéro dès qu'un autre opérateur donne son accord : approve { $id }
posture-suspended-partly = Suspendue par la posture renforcée : elle avait été approuvée, et reprend sous le même numéro dès qu'un autre opérateur donne son accord (approve { $id }), sans { $lines }, refusé jusqu'à la fin de la posture.
posture-suspended-barred = Suspendue par la posture renforcée : elle avait été approuvée, mais rien de ce qu'elle accorde n'est permis pendant ce temps, et un accord seul n'y change rien : attendez que la posture soit terminée.
posture-line = « { $line } »
posture-session-ends = La session { $number } prend fin dans { $left }, par la posture renforcée.
posture-warned-yes = Le client { $client } est en posture renforcée depuis { $since } : { $reason }. Cette session prend fin dans { $left } : terminez ou enregistrez ce qui est en cours. L'intervention n'est pas perdue, mais il lui faut l'accord d'un autre opérateur : dès qu'un autre opérateur l'aura approuvée, reconnectez-vous.
posture-warned-line = Le client { $client } est en posture renforcée depuis { $since } : { $reason }. « { $line } » est refusé pendant ce temps et prend fin dans { $left }.
posture-warned-window = Le client { $client } est en posture renforcée depuis { $since } : { $reason }. Les interventions sont plus courtes pendant ce temps : celle-ci prend fin dans { $left }.
posture-goes-on = Ce qui était annoncé n'a pas lieu : cette session continue.
people-newcomer = Vous n'avez pas encore accepté { $person } ({ $provider }), qui n'a aucun droit chez vous : people accept { $person }, ou people refuse { $person }.
people-unknown = Votre matrice ({ $client }) n'atteint aucun technicien nommé « { $person } ». « people » montre ceux qu'elle atteint.
people-answer-unclear = « { $typed } » n'est pas une réponse : « people accept PERSONNE » ou « people refuse PERSONNE ».
people-accepted = C'est accepté pour { $person } ({ $provider }) : cette personne peut demander ce que votre matrice lui permet.
people-accepted-before = C'était déjà accepté pour { $person } ({ $provider }).
people-refused = C'est refusé pour { $person } ({ $provider }) ; { $count ->
    [0] aucune session n'était en cours
    [one] une session prend fin
   *[other] { $count } sessions prennent fin
}. Pour revenir sur ce refus : people accept { $person }
people-refused-before = C'était déjà refusé pour { $person } ({ $provider }).
people-none = Votre matrice n'atteint personne.
people-stands-accepted = accord { DE($by) }, { $time }
people-stands-first = accord par le document, { $time }
people-stands-refused = REFUS { DE($by) }, { $time }
people-stands-new = PAS ENCORE D'ACCORD : people accept { $person }
people-kept-out = EXCLUSION
people-last-never = aucune session chez vous
people-key-certificate = certificat signé par { $key }
operator-session-began = Session { $number } : { $person } est sur { $target }.
operator-session-ended = La session { $number } { DE($person) } sur { $target } est terminée.
operator-sessions-gathered = Sessions : { $began ->
    [0] aucune n'a commencé
    [one] une a commencé
   *[other] { $began } ont commencé
}, { $ended ->
    [0] aucune n'a pris fin
    [one] une a pris fin
   *[other] { $ended } ont pris fin
} ({ $people }). « live » montre celles en cours.

## Observation

watch-held-budget = SUSPENDUE par un budget épuisé
watch-held-because = SUSPENDUE par { $by } : { $reason }
watch-left-time = encore { $left }
watch-keys = q quitte · c coupe · ?
watch-keys-many = q quitte · c coupe · n canal suivant · ?
watch-cut-sure = Couper la session { $number } ? o/n
watch-waiting = La session { $number } n'a pas encore de terminal à montrer.
watch-keys-over = q quitte
watch-ended = session { $number } terminée : { $how }
watch-stays = l'écran reste tel quel
watch-keys-all = q quitte · c coupe · n canal suivant · hjkl ←↓↑→ déplacent · f suit le curseur
watch-over = La session { $number } est terminée : { $how }.
watch-left = Vous avez quitté la session { $number } ; elle continue.
watch-left-alone = Vous avez quitté la session { $number } ; elle est suspendue, car personne ne l'accompagne : watch { $number }
watch-left-held = Vous avez quitté la session { $number } ; elle reste suspendue : resume { $number }
watch-channel-ended = canal { $channel } terminé : { $how }
watch-exit-status = code de sortie { $status }
watch-exit-signal = signal { $signal }
watch-closed = il s'est fermé
watch-then = puis le canal { $channel }
watch-channel = canal { $channel }
# In the status of watch, and of replay
screen-in-part = { $seen } sur { $size } (hjkl)
watch-behind = pas encore le présent : rattrapage en cours
screen-left-out = { $count ->
    [one] 1 séquence excessive de la cible non dessinée (les lettres y sont toutes)
   *[other] { $count } séquences excessives de la cible non dessinées (les lettres y sont toutes)
}
watch-recording-unreadable = L'enregistrement de la session { $number } ne peut être lu ({ $problem }). La session elle-même n'en est pas affectée ; « cut { $number } » y met fin.
watch-elsewhere = La session { $number } est en cours sur { $node }. Pour l'observer là-bas : { $command }
watch-lost = La session { $number } est perdue avec { $node }, qui ne donne plus signe de vie : il n'y a rien à observer. « cut { $number } » lui laisse un ordre pour son retour.

## Auditeurs

auditor-hint = Tapez « recordings » pour la liste des enregistrements, « search » pour y trouver un moment.
auditor-hint-none = Aucun enregistrement pour le moment.
auditor-name-unknown = « { $typed } » n'est pas connu du client { $client } : aucune session, aucun flux ne le nomme. « recordings » et « interventions » montrent les noms qu'il y a.
auditor-none = Aucun enregistrement ne correspond.
auditor-hidden-unknown = « ? » : la passerelle ne peut lire cet enregistrement, donc ni compter ni chercher ce qui y a été tapé sans être montré. Qui en a la clé peut le lire.
auditor-older-left-out = Toutes les sessions en cours sont affichées, avec les { $shown } dernières de celles qui sont terminées. --since, --until, --person, --target et --intervention en montrent d'autres.
auditor-no-such-recording = Aucun enregistrement { $id } ne vous est visible. « recordings » en donne la liste.
auditor-recording-missing = L'enregistrement de la session { $number } ne peut être montré : { $problem }
    Prévenez l'administrateur de la passerelle.
auditor-recording-locked = Seule la clé du client ouvre l'enregistrement de la session { $number } ; cette passerelle n'en a aucune. L'administrateur de la passerelle le sort avec : ecluse export { $number } --output preuves.tar
    Qui détient la clé le fait vérifier et lire jusqu'au bout, sur n'importe quelle machine, avec : ecluse verify --key CLÉ preuves.tar
    et le lit, une fois décompressé par tar -xf preuves.tar, avec : ecluse recordings read recordings/… --key CLÉ --into clair
auditor-session-not-in-table = La session { $number } est au journal, et la table des sessions de la passerelle ne l'A PLUS : quelqu'un l'en a retirée, on ne peut donc ni la revoir ni y chercher ici. Demandez à l'administrateur de la passerelle de lancer : ecluse journal verify
auditor-session-not-known-yet = Pour la session { $number }, on ne sait PAS ENCORE si la table des sessions de la passerelle a ce que le journal en rapporte : il manque des mots au journal. Cela n'accuse personne ; la passerelle les cherche de nouveau. Ce qu'en dit son enregistrement reste valable.
auditor-session-not-on-record = La session { $number } est ABSENTE DU JOURNAL telle que la table des sessions de la passerelle la décrit : quelqu'un a modifié la table. Ce qu'en disent son enregistrement et le journal reste valable. Demandez à l'administrateur de la passerelle de lancer : ecluse journal verify
auditor-channels = La session { $number } a plusieurs canaux : { $channels }. Choisissez-en un avec --channel.
auditor-no-such-channel = La session { $number } n'a pas de canal { $channel }. Elle a : { $channels }.
auditor-still-open = La session { $number } est encore en cours ; voici ce qui est enregistré jusqu'ici.
auditor-being-sealed = La session { $number } est terminée et son enregistrement est en cours de scellement ; voici ce qui est enregistré.
auditor-being-sealed-wait = La session { $number } est terminée et son enregistrement est en cours de scellement : il pourra être rejoué en texte ensuite. Réessayez dans un moment, ou rejouez-le dès maintenant dans un terminal.
auditor-time-unclear = « { $typed } » n'est pas un moment. Écrivez par exemple 2d (il y a deux jours), 2026-11-23, 2026-11-23T07:50, ou 07:50 (de même 07:50:30) pour la dernière fois. Les heures sont en UTC.
auditor-speed-unclear = « { $typed } » n'est pas une vitesse. Écrivez un nombre de 0.1 à 100.
auditor-cut-short = L'enregistrement a été interrompu par une panne : tout ce que le technicien a vu s'y trouve, sa fin en bon ordre non.
auditor-damaged = L'enregistrement est endommagé après { $at } : { $problem }.

unreadable-none = aucun n'a été commencé
unreadable-not-there = il n'est pas à l'endroit indiqué par la base
unreadable-elsewhere = il se trouve sur une autre passerelle, { $node } : connectez-vous à celle-ci et refaites la même commande
unreadable-system = le disque de la passerelle ne le lit pas
unreadable-foreign = cette version de la passerelle ne le lit pas
unreadable-damaged = { $file } est endommagé à l'octet { $at } ; le fichier est conservé, c'est encore une preuve
unreadable-torn = il s'arrête au milieu d'une trame : ce qui précède se lira une fois récupéré
unreadable-locked = la passerelle n'en a pas la clé
unreadable-not-signed = il ne porte pas la signature de la passerelle ; l'administrateur en trouve la raison avec : ecluse journal verify
unreadable-other-session = son répertoire contient l'enregistrement d'une autre session ({ $found }) : quelqu'un l'a déplacé ; l'administrateur en trouve la trace avec : ecluse journal verify
unreadable-other-client = il n'est pas à ce client : quelqu'un a modifié la table des sessions ; l'administrateur en trouve la trace avec : ecluse journal verify
unreadable-interrupted = la lecture a été interrompue : réessayez
store-revision = l'intervention nº { $number } a été modifiée entre-temps par quelqu'un d'autre
store-not-open = l'intervention nº { $number } est terminée, ou n'est pas celle du journal
store-journal = le journal est endommagé ou a été réécrit, rien n'y est donc écrit
store-documents = cette version ne comprend pas les documents en vigueur
store-damaged = la base contient ce qui ne peut être lu
store-silent-now = la base ne répond pas

search-none = Rien n'a été trouvé.
search-none-partly = Rien n'a été trouvé dans ce qui peut être parcouru ; ce n'est pas tout :
search-found-in = consigné en ces mots : { $text }
search-in-english = Ce que la passerelle note et refuse est consigné en anglais ; on le trouve par les mots dans lesquels vous le lisez, ou par ses mots anglais, comme « cut by ».
search-no-input = Ce qui est arrivé par l'entrée standard sans terminal n'est jamais cherché : rien n'y distingue un mot de passe d'une commande. « replay » l'imprime.
search-no-screens = Ce qui était à l'écran ne peut être cherché : le document du client ne le demande pas (search, « screen-text »). Les commandes, les saisies affichées, les notes et les refus ont été parcourus. « replay » montre les écrans.
search-screens-left-out = { $count ->
    [one] Un enregistrement n'a pas de texte d'écran, et n'a donc pas été parcouru de cette façon : { $numbers }. « replay » le montre.
   *[other] { $count } enregistrements n'ont pas de texte d'écran, et n'ont donc pas été parcourus de cette façon : { $numbers }. « replay » les montre.
}
search-screens-unknown = { $count ->
    [one] Un enregistrement plus ancien a peut-être un texte d'écran, on l'ignore : { $numbers }. L'administrateur le détermine avec : ecluse search reindex
   *[other] { $count } enregistrements plus anciens ont peut-être un texte d'écran, on l'ignore : { $numbers }. L'administrateur le détermine avec : ecluse search reindex
}
search-numbers-more = { $numbers }, … et { $count } autres
search-partly = { $count ->
    [one] Un enregistrement de cette sélection est trop grand pour être cherché en entier : seul son début a été parcouru.
   *[other] { $count } enregistrements de cette sélection sont trop grands pour être cherchés en entier : seul leur début a été parcouru.
}
search-more = Voici les { $shown } résultats les plus récents. --all les montre tous ; --person, --target, --since, --in, --way et --larger restreignent la recherche.
search-too-short = Écrivez au moins un mot de { $letters } lettres ou plus.
search-too-long = C'est plus que ce qui peut être cherché : au plus 16 mots de 256 lettres.
search-no-words = Dites quels mots chercher. Sans mots, --in refusal, --in hidden, --in file, --in forward, --way et --larger listent toutes leurs lignes, et « search » seul les sessions.
search-no-bytes = --way et --larger ne disent quelque chose que des fichiers et des redirections : donnez --in file, --in forward, ou laissez --in de côté.
search-problem = L'enregistrement de la session { $number } n'a pas pu être parcouru : { $problem }
    Faites-le vérifier, et prévenez l'administrateur de la passerelle.
search-unreadable = { $count ->
    [one] Un enregistrement de cette sélection n'a pas été parcouru : cette passerelle ne peut le lire (le client seul en a la clé), ou il est en cours de scellement. « recordings » le montre.
   *[other] { $count } enregistrements de cette sélection n'ont pas été parcourus : cette passerelle ne peut les lire (le client seul en a les clés), ou ils sont en cours de scellement. « recordings » les montre.
}
search-live = { $count ->
    [one] Une session de cette sélection est encore en cours : elle pourra être parcourue une fois terminée.
   *[other] { $count } sessions de cette sélection sont encore en cours : elles pourront être parcourues une fois terminées.
}
search-not-in = « { $text } » n'est pas dans ce qui peut être cherché de la session { $number }.
search-kind-unknown = « { $typed } » n'est pas une sorte de ligne. Il y a : { $known }.
search-kind-command = commande
search-kind-typed = saisie
search-kind-screen = écran
search-kind-note = note
search-kind-refusal = refus
search-kind-file = fichier
search-kind-forward = redirection
search-hidden-left-out = { $count ->
    [one] Une session contient des lignes tapées dont l'écho n'a pas été reconnu ; elles n'ont pas été parcourues : { $numbers }. Qui est autorisé à démasquer les cherche avec : search … --in hidden
   *[other] { $count } sessions contiennent des lignes tapées dont l'écho n'a pas été reconnu ; elles n'ont pas été parcourues : { $numbers }. Qui est autorisé à démasquer les cherche avec : search … --in hidden
}
search-refused-of = refusé sur la connexion de la session { $number }
search-refused-before = refusé avant le début d'une session, donc non enregistré
search-kind-hidden = caché : l'écho n'a pas été reconnu, en tout ou partie

replay-status = { $state } { $at } / { $length } · ×{ $speed }
# On the way to where the auditor wants to be
replay-seeking = rattrapage jusqu'à { $to } : { $at }
replay-long = La lecture est longue : veuillez patienter.
replay-place-unclear = « { $typed } » n'est pas un endroit d'un enregistrement. Écrivez combien de temps après l'ouverture du canal, comme 90s ou 12m03.482s, ou une heure UTC comme 17:02 ou 17:02:49.
replay-beyond = Il n'y a rien là : l'enregistrement dure { $length }, du { $from } au { $until } UTC.
auditor-still-open-wait = La session { $number } est encore en cours. Ce qui en est enregistré se regarde dans un terminal (« ssh -t ») ; en texte, une fois la session terminée.
replay-quit = q quitte
replay-keys = espace pause · ←→ 10 s · + - vitesse · n p repères · ?
replay-keys-short = espace ←→ +- np ?
replay-keys-help = ?
replay-keys-all = espace pause · ←→ 10 s · +- vitesse · n p repères · Début/Fin · hjkl f vue · q
replay-skipped = { $length } sautées
replay-playing = ▶
replay-paused = ⏸
replay-over = ■
replay-refused = refusé : { $text }
replay-not-yet = Cette session est encore en cours : { $option } lit un enregistrement scellé. Retirez cette option pour voir ce qui est enregistré jusqu'ici, ou attendez la fin de la session.
replay-cut-short = interrompu par une panne
replay-not-sealed = La session { $number } est terminée et son enregistrement est en cours de scellement : { $option } lit un enregistrement scellé. Réessayez dans un moment, ou retirez cette option pour voir ce qui est enregistré.
replay-text-has-no-pace = Un texte n'a pas de rythme : { $option } n'a de sens qu'à l'écran. Retirez cette option, ou connectez-vous avec « ssh -t » et sans --text pour rejouer à l'écran.
replay-one-place = --at et --find disent tous deux où commencer : retirez l'un des deux.
replay-unmask-is-whole = --unmask affiche tout ce qui a été tapé : { $option } ne peut en choisir une partie. Choisissez un canal avec --channel, ou cherchez des mots avec « search MOTS --in hidden ».
replay-unmasked-times = Tout ce qui a été tapé, dans l'ordre du temps (UTC) ; « ¤ » marque les lignes dont l'écho n'a pas été reconnu en entier.
replay-unmasked-line = { $time } canal { $channel } { $mark } │{" "}
replay-unmasked-untimed = Canal { $channel }, entrée standard sans terminal ni heures :
replay-transcript-head = Session { $number } · { $person } sur { $target } · { $started }
replay-transcript-end = Fin { $time } : { $reason }

## Aide

help-head = Commandes :
help-request = Demander une intervention au client. D est une durée comme 30m ou 2h, qui court dès la première utilisation ; avec --at, celle-ci n'est pas possible avant l'heure donnée, lue dans le fuseau horaire du flux demandé, en UTC s'il n'en nomme pas ; la réponse dit comment elle a été lue. TAILLE, par exemple 200MiB, est ce qui doit sortir au plus, là où la matrice permet davantage.
help-interventions-technician = Vos interventions et où elles en sont ; de ce qui est terminé, les dernières. Avec son numéro, une seule, en entier.
help-flows = Ce que vous pouvez demander, sur quelles cibles.
help-topup = Laisser passer davantage dans une session : autant à partir de maintenant, quoi qu'il ait été consommé. Ce qu'un budget suspendait reprend aussitôt ; --up vaut pour ce qui va vers la cible.
help-slow = Ralentir une session aussitôt, dans les deux sens : DÉBIT est par exemple 8KiB/s ; « off » la laisse aller aussi vite que son document le permet.
help-hold = Suspendre des sessions aussitôt, dans les deux sens : une, celles d'une cible, d'un technicien, ou toutes. Ce qui tourne sur la cible y reste. Le technicien lit le motif ; ce qu'il tape entre-temps n'est pas transmis.
help-ask = Demander une explication au technicien d'une session : elle est suspendue, la question s'affiche sur son terminal, et sa réponse vous est dite et est enregistrée.
help-resume = Laisser reprendre des sessions suspendues par « hold » : une, celles d'une cible, d'un technicien, ou toutes. Un budget épuisé la suspend toujours : « topup ».
help-host-ca = La ligne de ~/.ssh/known_hosts par laquelle votre client reconnaît les cibles où il rebondit (ssh -J).
help-quota = Ce qui peut encore passer de vos budgets : celui du jour, ceux de vos interventions, ceux de vos sessions.
help-answer = Répondre à ce qu'un opérateur demande dans une de vos sessions ; sans mots, lire ce qui est demandé.
help-cancel = Reprendre une demande, ou renoncer à une intervention approuvée.
help-pending = Les demandes qui vous attendent. Le technicien voit que vous les avez vues.
help-approve = Dire oui : comme demandé, ou pour moins de temps, d'octets, de flux, de cibles ou de comptes ; --flow accorde ce qu'un flux de la matrice en donne, --line une seule ligne, par exemple "sftp-read: /var/log/app/**".
help-refuse = Dire non, et pourquoi.
help-interventions-operator = Ce qui est en cours sur vos cibles, et le plus récent de ce qui est terminé. Avec son numéro, une seule, en entier.
help-interventions-auditor = Ce qui a été demandé à votre client et ce qu'il a répondu, refus compris : tout ce qui est en cours, le plus récent de ce qui est terminé. Avec son numéro, une seule, en entier.
help-alerts = Toutes les alertes des sept derniers jours, même celles qui n'attendent plus rien. La connexion, « pending » et « live » n'en disent que quelques-unes, parmi celles qui comptent encore.
help-live = Les sessions en cours.
help-watch = Voir ce que voit un technicien, à mesure que cela change. Si son terminal est plus grand que le vôtre, h j k l ou les flèches s'y déplacent, et f suit de nouveau le curseur. n passe au canal suivant, c puis o coupe la session, ? montre les touches, q quitte. Si le flux veut une session accompagnée, rien n'y passe sans un opérateur qui la regarde : la ligne du bas dit si votre présence compte, et dès que le dernier s'en va, la session est suspendue.
help-cut = Couper des sessions immédiatement : une, celles d'une cible, d'un technicien, ou toutes ; dans les deux derniers cas, les connexions sont coupées aussi, même de qui ne fait qu'attendre. Plus rien ne passe. Ce qui tourne là-bas dans un terminal prend en général fin, et ce qu'il avait en mémoire est perdu ; ce qui tourne sans terminal peut continuer : voyez sur la cible. Dans le doute, « hold » d'abord.
help-keep-out = Exclure une personne, un poste, une cible ou tout (« all ») de vos cibles, jusqu'à ce qu'un opérateur lève l'exclusion par --lift : ce qui est en cours prend fin sur chaque passerelle, et rien n'en recommence. Le technicien lit le motif. Seul, en donne la liste.
help-posture = Renforcer la posture de votre client : tout se resserre d'un coup comme le dit votre document ([posture.high]), et ce qu'elle ne permet plus prend fin après un avertissement, jusqu'à « posture normal », qui demande un code récent. Les techniciens lisent le motif. Seule, la commande dit où on en est et ce que cela signifie.
help-posture-auditor = Où en est la posture de votre client : depuis quand, par qui, pourquoi, et ce qu'elle signifie.
help-people = Les techniciens que votre matrice atteint : qui est accepté, leurs postes, leurs clés, leur dernière session. Qui est nouveau n'a aucun droit avant que vous ne l'acceptiez ; qui est refusé perd ce qui est en cours.
help-withdraw = Mettre fin à une intervention : ses sessions prennent fin, aucune autre ne s'ouvre.
help-changes = Ce qui a changé pour votre client : documents, personnes, codes, copies.
help-recordings = Ce qui a été enregistré, le plus récent d'abord ; « Caché » compte les lignes tapées dont l'écho n'a pas été reconnu, comme l'alerte aux opérateurs pour la même session. Ce qu'une invite demande sans écho, un mot de passe par exemple, n'est pas compté ; « search --in hidden » le montre aussi.
help-search = Trouver un moment par ce qui a été saisi, exécuté, affiché ou refusé, et comment le rejouer ; avec --in hidden, par ce qui a été tapé sans que l'écho en soit reconnu, pour qui le client laisse démasquer. Sans mots, --in hidden, --in refusal, --in file et --in forward en donnent la liste ; autrement, lister les sessions. --way et --larger choisissent des fichiers et des redirections par leur sens (« sortie » va de la cible au technicien) et par ce qui a passé.
help-replay = Rejouer un enregistrement ; avec --text, ou sans terminal, l'imprimer dans l'ordre du temps : en entier, ou à partir de --at ou de --find. À l'écran : espace met en pause ou reprend, ← et → vont de 10 s en arrière ou en avant, + et - changent la vitesse, n et p vont au repère suivant ou précédent, Début et Fin au début et à la fin, h j k l se déplacent sur un écran plus grand que le vôtre, f suit le curseur, ? montre les touches, q quitte.
help-help = Cette liste, ou ce que fait une commande.
help-exit = Quitter.
help-families = FAMILLE est l'une de : { $families }.
help-connect = Pour travailler sur une cible : { $command }

## Mauvais usage

usage-line = Usage : { $usage }
usage-unknown-option = « { $option } » n'est pas une option de cette commande.
usage-no-value = « { $option } » attend une valeur.
usage-twice = « { $option } » figure deux fois.
usage-no-target = Nommez au moins une cible.
usage-no-id = Nommez une intervention par son numéro.
usage-no-session = Nommez une session par son numéro.
usage-no-sessions = Dites quoi : une session par son numéro, une cible ou un technicien par son nom, ou « all ».
usage-no-person = Nommez une personne.
usage-no-kept = Dites qui ou quoi : une personne, un poste, une cible, ou « all ».
usage-no-size = Dites combien : 50MiB.
usage-no-rate = Dites à quel débit : 8KiB/s, ou off.
usage-no-sentence = Dites quelque chose qui se lise, et qui ne soit pas un code à usage unique.
usage-no-length = Dites pour combien de temps, par exemple --for 30m ; « flows » dit combien au plus.
usage-no-reason = Dites pourquoi : --reason "…".
usage-too-many-words = « { $word } » est un mot de trop.
usage-number-unclear = « { $typed } » n'est pas un nombre.
usage-flow-unknown = « { $typed } » n'est pas une famille de flux. Il y a : { $known }.

## Dit dans le terminal du technicien

# Un budget, d'après son nom dans les documents
budget-name = { $name ->
    [session] session
    [intervention] intervention
    [technician-day] technicien, par jour
    [channel] canal
    [day-target] cible, par jour
    [day-client] client, par jour
    [day-gateway] passerelle, par jour
    [up-session] session, vers la cible
    [up-intervention] intervention, vers la cible
    [up-technician-day] technicien, par jour, vers la cible
    [up-channel] canal, vers la cible
    [up-day-target] cible, par jour, vers elle
    [up-day-client] client, par jour, vers ses cibles
    [up-day-gateway] passerelle, par jour, vers les cibles
   *[other] { $key }
}
budget-warn-end = Écluse : { $spent } sur les { $limit } qui peuvent passer ({ $key }) sont pris, { $percent } %. Une fois épuisés, cela prend fin.
budget-warn-slow = Écluse : { $spent } sur les { $limit } qui peuvent passer ({ $key }) sont pris, { $percent } %. Ensuite le débit tombe à { $rate }, et tout est suspendu à { $ceiling }.
budget-warn-hold = Écluse : { $spent } sur les { $limit } qui peuvent passer ({ $key }) sont pris, { $percent } %. Une fois épuisés, tout attendra un opérateur du client.
budget-slowed = Écluse : les { $limit } qui peuvent passer ({ $key }) sont épuisés. Le débit tombe à { $rate }, et tout est suspendu à { $ceiling }.
budget-held = Écluse : les { $limit } qui peuvent passer ({ $key }) sont épuisés. Plus rien ne passe avant qu'un opérateur { DE($client) } n'en accorde davantage ; ils sont prévenus. Ce qui est en cours attend, et rien n'en est perdu ; ce que vous tapez entre-temps dans un terminal n'est pas transmis.
budget-held-new = Écluse : les { $limit } qui peuvent passer ({ $key }) sont épuisés, et cette session est suspendue. Rien n'a été lancé : rien de nouveau ne le sera avant qu'un opérateur { DE($client) } n'en accorde davantage ; ils sont prévenus.
budget-goes-on = Écluse : le budget laisse de nouveau passer, et tout reprend.
budget-goes-on-held = Écluse : le budget laisse de nouveau passer, mais { $by } suspend cette session : rien ne passe avant qu'un opérateur ne la laisse reprendre.
hold-told = Écluse : { $by } suspend cette session. Plus rien ne passe avant qu'un opérateur ne la laisse reprendre. Ce qui est en cours attend, et rien n'en est perdu ; ce que vous tapez entre-temps dans un terminal n'est pas transmis.
hold-told-because = Écluse : { $by } suspend cette session : { $reason }. Plus rien ne passe avant qu'un opérateur ne la laisse reprendre. Ce qui est en cours attend, et rien n'en est perdu ; ce que vous tapez entre-temps dans un terminal n'est pas transmis.
hold-new = Écluse : { $by } suspend cette session. Rien n'a été lancé : rien de nouveau ne le sera avant qu'un opérateur ne la laisse reprendre.
ask-told = Écluse { $mark } : { $by } vous demande : « { $question } ». Rien ne passe avant qu'un opérateur ne laisse reprendre cette session, et rien n'est perdu. Appuyez sur Entrée, puis tapez votre réponse : elle va à l'opérateur, pas à la cible.
ask-told-away = Écluse { $mark } : { $by } vous demande : « { $question } ». Rien ne passe avant qu'un opérateur ne laisse reprendre cette session, et rien n'est perdu. Répondez avec : { $command }
ask-new = Écluse { $mark } : { $by } suspend cette session et vous demande : « { $question } ». Rien n'a été lancé : rien de nouveau ne le sera avant qu'un opérateur ne la laisse reprendre. Répondez avec : { $command }
answer-label = Réponse ({ $mark }) :{" "}
answer-enter-first = Écluse : ce que vous tapez n'est ni transmis, ni une réponse. Pour répondre, appuyez d'abord sur Entrée.
answer-none = Écluse : ce n'est pas une réponse : rien, ou un code à usage unique. Appuyez sur Entrée pour recommencer.
answer-not-kept = Écluse : votre réponse n'a pas pu être consignée. Répondez avec : { $command }
answer-told = Écluse : { $by } a demandé : « { $question } ». Vous avez répondu : « { $answer } ». La session reprend dès qu'un opérateur la laisse reprendre.
answer-told-budget = Écluse : { $by } a demandé : « { $question } ». Vous avez répondu : « { $answer } ». La session reprend dès qu'un opérateur la laisse reprendre et augmente le budget épuisé.
answer-owed = { $mark } : { $by } demande : « { $question } »
answer-given = { $mark } : { $by } a demandé : « { $question } ». Vous avez répondu : « { $answer } ».
answer-kept = C'est consigné, et dit aux opérateurs. La session { $session } reprend dès que l'un d'eux la laisse reprendre.
answer-nothing-asked = Rien n'est demandé dans la session { $session } qui attende une réponse.
hold-lifted = Écluse : { $by } laisse reprendre cette session.
hold-lifted-budget = Écluse : { $by } laisse reprendre cette session, mais un budget épuisé la suspend encore : rien ne passe avant qu'un opérateur n'en accorde davantage.
idle-warned = Écluse : personne ne tape ici. Ce qui est ouvert sur ce terminal prend fin dans { $left } ; appuyez sur une touche pour le garder.
idle-over = Écluse : personne n'a rien fait ici pendant { $length }, donc cela prend fin, comme le dit le flux « { $flow } ». Reconnectez-vous pour reprendre.
slow-told = Écluse : { $by } ralentit cette session à { $rate }.
slow-lifted = Écluse : plus aucun opérateur ne ralentit cette session.
budget-refused-keys = Écluse : ce que vous avez tapé pendant la suspension ({ $count } o) n'a pas été transmis.
budget-spent = Écluse : les { $limit } qui peuvent passer ({ $key }) sont épuisés.
totals-out = { $all } sortis (shells : { $shells }, commandes : { $commands })
totals-in = { $all } entrés (shells : { $shells }, commandes : { $commands })
totals-sessions = { $sessions ->
    [one] une session
   *[other] { $sessions } sessions
  }{ $open ->
    [0] {""}
    [one] , dont une en cours
   *[other] , dont { $open } en cours
  }
totals-so-far = dont, pour l'instant, { $out } sortis et { $in } entrés dans { $sessions ->
    [one] une session qui continue
   *[other] { $sessions } sessions qui continuent
  }
totals-recorded = dont au plus { $out } sortis et { $in } entrés : ce qui est enregistré { $sessions ->
    [one] d'une session qui a pris fin avec sa passerelle
   *[other] de { $sessions } sessions qui ont pris fin avec leur passerelle
  }
totals-drawn = dont { $out } sortis et { $in } entrés, tels que pris sur les budgets, pour { $sessions ->
    [one] une session dont cette passerelle ne sait rien de plus
   *[other] { $sessions } sessions dont cette passerelle ne sait rien de plus
  }
totals-channel = Canal
totals-what = Quoi
totals-shell = shell
totals-command = une commande
totals-other-shells = autres shells, plus petits, ensemble
totals-other-commands = autres commandes, plus petites, ensemble
totals-smaller = { $count ->
    [one] Un canal plus petit n'est pas listé ; il est dans la somme.
   *[other] { $count } canaux plus petits ne sont pas listés ; ils sont dans la somme.
  }
totals-limits = budget épuisé : { $count } fois
totals-topped-up = augmenté : { $count } fois
totals-held = suspendue à la main : { $count } fois
totals-slowed = ralentie à la main : { $count } fois
totals-cut = coupée : { $count } fois
totals-asked = question posée : { $count } fois
totals-answered = réponse du technicien : { $count } fois
totals-signals = signal donné : { $count } fois
totals-posture = terminée par la posture renforcée : { $count } fois
quota-none = Aucune de vos interventions n'est approuvée : rien ne peut encore passer.
quota-of-today = aujourd'hui, { $client }
quota-of-intervention = intervention { $number }
quota-of-session = session { $number }
quota-unlimited = sans limite
gauge-held = SUSPENDUE, { $gauge }
gauge = { $percent } % de { $limit } ({ $key })
notice-budget = Peuvent sortir au plus { $limits }.
notice-budget-whole = { $limit } ({ $name })
notice-budget-left = { $left } sur { $limit } ({ $name })
gateway-warning = Écluse : ce que vous avez ouvert ici prend fin dans { $left }, à { $time }. Enregistrez votre travail.
notice-mark = Une question de la passerelle porte la marque { $mark }, que la cible ne connaît pas.
notice-session = Écluse : session { $session }, intervention { $number }, encore { $left }.
notice-then = Votre intervention { $number }, approuvée pour { $length }, pourra servir quand celle-ci sera finie.
notice-beside = Écluse : la session { $session } commence pour cela : l'intervention { $number } le permet, la session { $before } de cette connexion non.
notice-recorded = Ce que vous faites ici est enregistré et peut être suivi en direct par { $client }. L'enregistrement est lu par { $readers } et conservé { $kept }.
notice-auditors = ses auditeurs
notice-auditors-named = ses auditeurs ({ $names })
notice-keys = { $count ->
    [one] qui détient sa clé
   *[other] qui détient l'une de ses { $count } clés
}
notice-auditors-and-keys = { $auditors } et par { $keys }
notice-kept = { $keep } après la fin de la prestation
notice-kept-session = { $keep } après la session
notice-kept-hold = aussi longtemps qu'il ne doit pas être détruit

## Refus de la politique (les identifiants viennent de verdict/texts.rs)

refusal-not-listed = { $target } n'est pas l'une de vos cibles.
refusal-no-intervention = Aucune intervention ne vous est approuvée sur { $target }.
refusal-pending = Votre demande { $number } sur { $target } attend la réponse du client ; personne ne l'a encore regardée.
refusal-pending-seen = Votre demande { $number } sur { $target } attend la réponse du client ; elle a été vue à { $seen_at }.
refusal-not-yet = L'intervention { $number } commence à { $starts_at }. Revenez à ce moment-là.
refusal-other-station = L'intervention { $number } a été demandée depuis le poste { $asked_from }. Connectez-vous depuis ce poste, ou refaites la demande d'ici.
refusal-outside-hours = { $target } est fermée à cette heure.
refusal-outside-hours-until = { $target } est fermée à cette heure. Elle ouvre à { $opens_at }.
refusal-choose-account = Plusieurs comptes sont accordés sur { $target } : { $accounts }. Nommez-en un : PERSONNE+COMPTE@{ $target }
refusal-not-granted = L'intervention { $number } a été approuvée sans { $what }. Demandez-le au client dans une nouvelle demande.
refusal-matrix-narrower = La matrice du client ne permet plus ce pour quoi l'intervention { $number } a été approuvée. Refaites une demande.
refusal-not-on-record = L'intervention { $number } n'est pas celle du journal : elle n'ouvre rien. Refaites une demande, et prévenez le client.
refusal-not-known-yet = On ne sait pas si l'intervention { $number } tient encore : il manque des mots au journal de la passerelle. Réessayez dans une minute ; si cela dure, refaites une demande, et prévenez le client.
refusal-door-closed = La porte du client { $client } est fermée : son document n'est pas celui du journal. L'administrateur de la passerelle remet le bon en vigueur.
contact-of = { $contacts ->
    [none] Le document du client ne nomme personne à appeler ; passez par qui vous a confié ce travail.
   *[other] Votre contact : { $contacts }.
  }
refusal-kept-out-person = Le client { $client } vous exclut : { $reason }. Vous n'y avez aucun droit tant qu'un opérateur n'a pas levé cette exclusion. { contact-of }
refusal-kept-out-station = Le client { $client } exclut le poste { $kept }, d'où vous vous connectez : { $reason }. Rien n'y est permis depuis ce poste tant qu'un opérateur n'a pas levé cette exclusion. { contact-of }
refusal-kept-out-target = Le client { $client } exclut tout le monde { DE($kept) } : { $reason }. Personne n'y travaille tant qu'un opérateur n'a pas levé cette exclusion. { contact-of }
refusal-kept-out-all = Le client { $client } exclut tout le monde : { $reason }. Personne n'y travaille tant qu'un opérateur n'a pas levé cette exclusion. { contact-of }
refusal-not-accepted = Le client { $client } n'a pas encore donné son accord à votre venue : vous n'y avez aucun droit avant qu'un de ses opérateurs ne le fasse ; ils voient que vous attendez. { contact-of }
refusal-person-refused = Le client { $client } ne vous accepte pas : vous n'y avez aucun droit. { contact-of }
refusal-posture-yes = Le client { $client } est en posture renforcée depuis { $since } : { $reason }. L'intervention { $number } est suspendue, pas perdue : elle a { $given } des { $needed } approbations nécessaires. Dès qu'un autre opérateur l'aura approuvée, reconnectez-vous. { contact-of }
refusal-posture-line = Le client { $client } est en posture renforcée depuis { $since } : { $reason }. Pendant ce temps, « { $line } » est refusé à tout le monde ; demandez autre chose, ou attendez qu'elle soit terminée. { contact-of }
refusal-posture-window = Le client { $client } est en posture renforcée depuis { $since } : { $reason }. Les interventions sont plus courtes pendant ce temps : celle-ci s'est terminée à { $closed_at }. Faites une nouvelle demande, ou attendez que la posture soit terminée. { contact-of }
refusal-posture-length = Le client { $client } est en posture renforcée depuis { $since } : { $reason }. Les interventions sont plus courtes pendant ce temps : { $asked } est trop long, demandez { $at_most } au plus.
refusal-posture-bytes = Le client { $client } est en posture renforcée depuis { $since } : { $reason }. Moins peut sortir pendant ce temps : { $asked } est trop, demandez { $at_most } au plus.
refusal-posture-line-to-grant = Le client { $client } est en posture renforcée depuis { $since } : { $reason }. Pendant ce temps, « { $line } », que demande l'intervention { $number }, est refusé à tout le monde : approuvez moins (approve { $number } --only …), refusez-la, ou attendez que la posture soit terminée.
refusal-posture-length-to-grant = Le client { $client } est en posture renforcée depuis { $since } : { $reason }. Pendant ce temps, la durée { $asked } de l'intervention { $number } est trop longue : approve { $number } --for { $at_most }, ou moins.
refusal-posture-bytes-to-grant = Le client { $client } est en posture renforcée depuis { $since } : { $reason }. Moins peut sortir pendant ce temps : { $asked } est trop, { $at_most } au plus peuvent être accordés : approve { $number } --bytes { $typed }
refusal-is-kept-out = « { $kept } » est exclu : personne ne passerait. Levez d'abord cette exclusion : keep-out { $kept } --lift
refusal-accept-first = Vous n'avez pas encore accepté { $person }, qui ne passerait pas. Acceptez d'abord cette personne : people accept { $person }
refusal-window-over = Cette intervention s'est terminée à { $closed_at }. Demandez une nouvelle période au client, puis reconnectez-vous.
refusal-flow-not-listed = { $flow } ne fait pas partie de cette intervention. Il manque : { $missing }
refusal-command = { $flow } ne fait pas partie de cette intervention : { $reason }. Il manque : { $missing }
refusal-env = { $flow } ne passe pas : { $reason }. Il manque : { $missing }
refusal-no-terminal = { $flow } ne va que sans terminal, par « { $line } » du flux { $line_of }. À lancer sans terminal : ssh -T …
refusal-term = Un terminal nommé « { $term } » n'est pas transmis : un nom a de 1 à 64 caractères parmi A-Z a-z 0-9 . _ + -. Donnez-en un autre : TERM=xterm-256color ssh …
refusal-not-brought = { $flow } ne va pas avec « { $line } ».
refusal-too-late = { $flow } vient trop tard sur ce canal. À demander sur un autre.
refusal-derogation-over = « { $line } » du flux { $line_of } n'était permis que jusqu'au { $over_at }. Demandez au client si cela doit l'être encore.
refusal-not-a-technician = Ceci revient aux techniciens d'un prestataire. Tapez « help » pour voir ce qui existe pour vous.
refusal-not-an-operator = Ceci revient aux opérateurs du client. Tapez « help » pour voir ce qui existe pour vous.
refusal-not-an-auditor = Ceci revient aux auditeurs du client. Tapez « help » pour voir ce qui existe pour vous.
refusal-code-wanted = Avant cela, la passerelle s'assure que c'est bien vous. Il lui faut un code à usage unique, les six chiffres que montre votre authentificateur : aucun n'a été donné sur cette connexion depuis { $within }.
refusal-not-unmasking = Les saisies masquées ne vous sont pas montrées. Le document du client désigne qui peut les lire (auditor, « unmask »).
refusal-no-target = Nommez au moins une cible : request CIBLE --for 2h --reason "…"
refusal-several-clients = Ces cibles relèvent de plusieurs clients. Faites une demande à chacun.
refusal-no-common-account = Aucun compte n'est permis sur toutes ces cibles. Faites une demande pour chaque cible.
refusal-name-account = Plusieurs comptes sont possibles : { $accounts }. Nommez-en un : --account COMPTE
refusal-not-in-matrix = { $capability } ne vous est pas permis sur { $target }.
refusal-outside-matrix = La matrice du client ne permet plus { $capability } sur { $target }, que demande l'intervention { $number }. Approuvez moins (approve { $number } --only …), ou refusez-la.
refusal-nothing-asked = Ces cibles n'ont rien en commun que vous puissiez demander. Faites une demande pour chaque cible.
refusal-reason = Une raison a de 1 à { $longest } caractères, sur une ligne, dont aucun d'invisible (marques de direction, liants, caractères de remplissage, signes à usage privé).
refusal-reason-is-code = Six chiffres ne sont pas une raison : un code à usage unique reste chez vous. Dites pourquoi avec des mots.
refusal-length = { $asked } n'est pas possible ici : on peut demander de 1s à { $at_most }.
refusal-bytes = { $asked } ne peut pas être demandé ici : entre 1 o et { $at_most } peuvent sortir en une intervention.
refusal-length-to-grant = La matrice du client permet { $at_most } au plus pour ce que demande l'intervention { $number }, et non { $asked }. Approuvez moins : approve { $number } --for { $at_most }
refusal-bytes-to-grant = La matrice du client laisse sortir { $at_most } au plus dans l'intervention { $number }, et non { $asked }. Approuvez moins : approve { $number } --bytes { $typed }
refusal-start = { $start } n'est pas possible comme début : au plus tard { $latest }.
refusal-never-open = Ce que vous demandez est fermé jusqu'à { $opens_at }, et cette période serait finie à { $until } au plus tard : personne ne pourrait s'en servir. Demandez-la pour ce moment : request … --at { $at }
refusal-too-many-waiting = { $waiting ->
    [one] Une demande attend déjà une réponse.
   *[other] { $waiting } demandes attendent déjà une réponse.
} Annulez-en une, ou attendez le client.
refusal-too-often = Vous avez fait { $made ->
    [one] une demande
   *[other] { $made } demandes
} en une heure, c'est le maximum. Demandez à nouveau après { $again_at }.
refusal-not-its-operator = Seul un opérateur du client décide de ses interventions.
refusal-own-request = Personne n'approuve sa propre demande.
refusal-already-approved = Vous avez déjà approuvé l'intervention { $number }. Un autre opérateur doit aussi l'approuver.
refusal-nothing-left = Il ne resterait rien de l'intervention { $number }. Refusez-la plutôt, avec un motif.
refusal-only-shrinks = Une approbation ne fait que réduire la demande ; { $what } n'a pas été demandé.
refusal-no-such-intervention = Cette intervention n'existe pas, ou plus. « interventions » donne la liste de celles qui existent.
refusal-wrong-state = L'intervention { $number } est { $state ->
    [requested] encore en attente de réponse
    [approved] déjà approuvée
    [refused] refusée
    [expired] expirée
    [open] ouverte
    [closed] close
    [cancelled] annulée
   *[other] dans un autre état
} : rien à { $step ->
    [approve] approuver
    [refuse] refuser
    [cancel] annuler
    [open] ouvrir
    [close] terminer
   *[other] faire
}.
refusal-refuse-instead = L'intervention { $number } attend encore une réponse : il n'y a rien à terminer. « refuse { $number } » la refuse.
refusal-withdraw-instead = L'intervention { $number } a déjà sa réponse. « withdraw { $number } » y met fin.
refusal-not-yours = L'intervention { $number } n'est pas la vôtre.

why-command-other-words = ce n'est pas la commande convenue
why-command-shell-meaning = « { $shown } » a un sens pour un shell et ne fait jamais partie d'une commande convenue
why-command-spacing = ses mots doivent être séparés par une seule espace, sans espace avant ni après
why-command-hole = ce qui tient la place de { $hole } ne convient pas
why-command-too-long = elle est trop longue
why-command-empty = elle est vide ou contient un octet nul
why-env-not-listed = elle ne figure pas sur la liste
why-env-dangerous = elle peut faire exécuter un autre code à un programme de la cible et n'est jamais transmise
why-env-value = sa valeur est trop longue ou contient ce dont une telle variable n'a pas besoin

## Pourquoi quelque chose a pris fin (politique)

end-window-over = La période de cette intervention s'est terminée à { $closed_at }.
end-hours-over = Les heures du flux { $line_of } ont pris fin à { $closed_at }.
end-derogation-over = « { $line } » du flux { $line_of } n'était permis que jusqu'à { $over_at } : cela prend fin. Demandez au client si cela doit l'être encore.
end-intervention-ended = L'intervention { $number } est { $state ->
    [refused] refusée
    [expired] expirée
    [closed] close
    [cancelled] annulée
   *[other] terminée
}.
end-intervention-withdrawn = { $by } a mis fin à l'intervention { $number } avant son terme : { $reason }
    Reconnectez-vous pour en demander une autre.
end-matrix-changed = Le client a modifié ce qui est permis sur { $target }.
end-not-on-record = L'intervention { $number } n'est plus celle du journal.
end-door-closed = La porte du client { $client } est fermée : son document n'est pas celui du journal.
end-kept-out = Un opérateur { DE($client) } a mis fin à ceci et l'exclut jusqu'à nouvel ordre : { $reason }. { contact-of }
end-not-accepted = Le client { $client } ne vous accepte pas, ou plus. { contact-of }
end-posture-yes = Le client { $client } est en posture renforcée depuis { $since } : { $reason }. L'intervention { $number } est suspendue, pas perdue : dès qu'un autre opérateur l'aura approuvée, reconnectez-vous.
end-posture-line = Le client { $client } est en posture renforcée depuis { $since } : { $reason }. « { $line } » est refusé pendant ce temps : demandez autre chose, ou attendez que la posture soit terminée.
end-posture-window = Le client { $client } est en posture renforcée depuis { $since } : { $reason }. Les interventions sont plus courtes pendant ce temps, et celle-ci est terminée : faites une nouvelle demande, ou attendez que la posture soit terminée.
ended-person-removed = Votre compte a été supprimé.
ended-person-disabled = Votre compte est hors service.
ended-person-expired = Votre compte a expiré.
ended-key-withdrawn = La clé avec laquelle vous vous êtes connecté a été retirée.
ended-certificate-over = Le certificat avec lequel vous vous êtes connecté n'est plus valable.
ended-network-withdrawn = Vous vous connectez depuis une adresse d'où votre compte ne peut pas être utilisé.
ended-station-withdrawn = Le poste depuis lequel vous travaillez a été retiré.
ended-provider-closed = Le document de votre organisation n'est pas celui du journal. L'administrateur de la passerelle remet le bon en vigueur.

## À la porte : la connexion (dit à qui a prouvé ses clés). Sans accents, sauf à l'invite : OpenSSH les montre en octal

login-banner = Accès réservé à la télémaintenance autorisée. Les connexions et ce qui s'y fait sont enregistrés et peuvent être suivis en direct.
login-instructions = Saisissez les six chiffres que montre votre authentificateur.
    Chaque code ne sert qu'une fois, ensuite attendez le suivant.
login-code-refused = Ce code est faux ou a servi avant.
    Encore { $left ->
        [one] un code faux
       *[other] { $left } codes faux
    }, et aucun code n'est plus lu pendant { $length }.
login-code-shape = Il faut ici six chiffres, pas de mot de passe ni de ligne vide. Ceci ne compte pas comme un code faux.
login-whom-to-ask = En cas d'erreur, demandez l'aide de l'administrateur de la passerelle.
login-too-late = Le temps de connexion est fini ({ $length }). Recommencez.
barred-expired = Votre compte n'est plus valable depuis { $expired_at }.
barred-disabled = Votre compte est hors service.
barred-provider-closed = Le document de votre organisation dans cette passerelle n'est pas celui du journal : personne n'entre de sa part, et aucun code n'est lu.
barred-unused = Votre compte est hors service : il n'a pas servi depuis { $since }.
barred-blocked = Blocage en cours. Aucun code n'est lu avant { $until } : trop de codes faux sont venus de vous ou de votre adresse.
login-code = Code à usage unique :{" "}
# Sans accents : les clients SSH montrent ces mots octet par octet.
door-too-many = Trop de connexions attendent ici leur authentification, celle-ci est close. Revenez dans une minute, le client en est averti.
door-too-many-of-source = Trop de connexions sont ouvertes depuis votre adresse, celle-ci est close. Fermez-en, ou attendez une minute.
door-too-many-of-person = Vous avez trop de connexions ouvertes ici, fermez-en avant d'en ouvrir une autre.
door-gateway-stops = La passerelle cesse son service. Reconnectez-vous plus tard.
jump-account = Le nom d'un rebond est celui du compte sur { $target }, comme dans ssh -J VOUS@PASSERELLE COMPTE@{ $target }
door-too-often = Trop de connexions en une minute. Gardez-en une seule pour plusieurs commandes (ControlMaster), et revenez dans une minute.
door-too-many-inside = Toutes les places sont prises, sauf celles que la passerelle garde. Revenez dans quelques minutes, le client en est averti.

## Un code au milieu d'un dialogue

step-up-again = Ce code a déjà servi ; attendez le suivant.
step-up-wrong = Ce code n'est pas le bon.
step-up-given-up = Aucun code juste n'a été donné ; rien n'a été fait.
step-up-needs-terminal = Ici, personne ne peut le saisir. Redonnez votre commande avec -t, ou : { $command }

## Vers une cible

target-unresolved = Écluse : le nom { DE($target) } ne peut pas être résolu. Prévenez le contact technique du client.
target-down = Écluse : { $target } refuse les connexions. Prévenez le contact technique du client.
target-silent = Écluse : { $target } ne répond pas. Réessayez, ou prévenez le contact technique du client.
target-host-key = Écluse : { $target } a présenté une autre identité que celle qui est attendue ; rien ne lui a été envoyé.
    Présentée : { $got }
    Attendue : { $pinned }
    Les opérateurs du client sont prévenus. Ne cherchez pas à passer outre.
target-handshake = Écluse : { $target } ne parle pas SSH comme convenu. Prévenez le contact technique du client.
target-no-credential = Écluse : aucun secret n'est enregistré pour le compte { $account } { DE($target) }. L'administrateur de la passerelle l'enregistre par : ecluse credential set { $target } { $account }
target-bad-credential = Écluse : le secret du compte { $account } { DE($target) } est inutilisable. Prévenez l'administrateur de la passerelle.
target-authentication = Écluse : { $target } refuse le secret de la passerelle pour le compte { $account }. Prévenez l'administrateur de la passerelle.
target-channel = Écluse : { $target } a laissé entrer la passerelle mais n'ouvre pas de canal. Réessayez, ou prévenez le contact technique du client.
target-refused-start = Écluse : { $target } a refusé de lancer ce que vous demandez.
target-lost = Écluse : la connexion à { $target } s'est rompue.

## Quand une session s'arrête avant son terme

end-connection-cut = Écluse : cette connexion a été fermée par { $by }.
end-connection-cut-because = Écluse : cette connexion a été fermée par { $by } : { $reason }
end-cut = Écluse : cette session a été coupée par { $by }.
end-cut-because = Écluse : cette session a été coupée par { $by } : { $reason }
end-unrecorded = Écluse : cette session ne peut pas être enregistrée ; elle s'arrête. Prévenez l'administrateur de la passerelle.
end-unread = Écluse : la session { $session } de cette connexion a pris fin et votre client n'a pas lu cette fin ; la connexion est fermée.
end-quota = Écluse : un budget est épuisé : { $limit } ({ $key }). Passé : { $spent }. Cela prend fin ici.
quota-passed-apart = { $passed } dans cette session, sur { $taken } pris en tout sur ce budget
quota-helps-session = Reconnectez-vous : une autre session a son propre budget, dans celui de l'intervention.
quota-helps-day = Il repart à neuf demain. S'il vous faut davantage aujourd'hui, demandez aux opérateurs du client.
end-overflow = Écluse : votre client n'a pas respecté le contrôle de flux de SSH ; cette session s'arrête.
command-over-budget = Écluse : ce que vous demandez fait { $size }, et pas plus de { $limit } ne peuvent passer ({ $key }) : se reconnecter n'y change rien. Demandez un budget plus grand aux opérateurs { DE($client) }, ou envoyez moins.
command-too-long = Écluse : cette commande dépasse 128 Kio ; elle est refusée. Envoyez-la plutôt sur l'entrée standard de la commande.
end-ended-on-record = Écluse : la fin de cette session est déjà consignée : son administrateur avait retiré la passerelle, qui vivait. Elle s'arrête maintenant ; reconnectez-vous, ce qui est demandé et approuvé reste valable.
end-gateway-stops = Écluse : la passerelle s'arrête. Reconnectez-vous plus tard ; ce qui est demandé et approuvé reste valable.
space-full = Écluse : la passerelle n'a plus assez de place pour enregistrer une session ; aucune ne commence. Prévenez son administrateur ; les opérateurs du client sont avertis.
memory-full = Écluse : la passerelle n'a plus assez de mémoire pour enregistrer une session de plus sur cette connexion. Fermez-y une autre session, ou ouvrez une autre connexion.
memory-full-terminal = Écluse : la passerelle n'a plus assez de mémoire pour un terminal de plus, de cette taille, sur cette connexion. Réduisez la fenêtre, fermez-y un autre shell, ou ouvrez une autre connexion.
store-silent = Écluse : la passerelle ne peut ni consulter ni consigner ce qui est approuvé. Réessayez, ou prévenez son administrateur.

## Why a session ended, for those who read of it afterwards

over-closed = fermée
over-target-lost = la connexion avec la cible s'est rompue
over-idle = plus personne n'y faisait rien
over-window = sa période a pris fin à { $time }
over-hours = les heures du flux { $flow } ont pris fin à { $time }
over-derogation = « { $line } » du flux { $flow } n'était permis que jusqu'à { $time }
over-account = le compte du technicien n'est plus en service
over-key = la clé du technicien a pris fin
over-place = le poste ou l'adresse du technicien n'est plus admis
over-intervention-by = l'intervention { $number } a été close par { $person } : { $reason }
over-intervention-finished = { $person } a mis fin à l'intervention { $number }
over-intervention = l'intervention { $number } a pris fin
over-matrix = le client a modifié ce qui est permis sur { $target }
over-not-on-record = l'intervention nº { $number } n'était plus celle du journal
over-door-closed = un document n'était plus celui du journal, et sa porte s'est fermée
over-kept-out = exclusion par { $person } : { $reason }
over-posture-yes = terminée faute de l'accord d'un autre opérateur, par la posture renforcée { DE($person) } : { $reason }
over-posture-line = refusé par la posture renforcée { DE($person) } : { $reason }
over-posture-window = sa fenêtre était terminée par la posture renforcée { DE($person) } : { $reason }
over-person-refused = le technicien a été refusé par { $person }
over-not-accepted = le technicien n'était plus accepté par le client
over-cut = coupée par { $person }
over-cut-because = coupée par { $person } : { $reason }
over-unrecorded = elle ne pouvait pas être enregistrée (noté en anglais : « { $problem } »)
over-quota = un budget était épuisé : { $limit } ({ $key }), passé : { $spent }
over-overflow = le client SSH du technicien n'a pas respecté le protocole
over-unread = la session { $session } de la connexion a pris fin sans être lue
over-ended-on-record = sa fin avait été consignée auparavant : sa passerelle avait été retirée, et vivait
over-gateway-stops = la passerelle s'est arrêtée
over-in-english = (noté en anglais) { $reason }
over-orphaned = la passerelle s'est arrêtée sans la fermer
over-ended-after = après { $after }
over-ended-between = après { $after }, au plus tard { $latest }
over-recovered-frame = finie { $when } : la passerelle s'est arrêtée sans la clore ; seule sa dernière trame enregistrée le dit
over-recovered-write = finie { $when } : la passerelle s'est arrêtée sans la clore ; seule la dernière écriture de l'enregistrement, qu'elle ne peut lire, le dit
over-recovered-log = finie { $when } : la passerelle s'est arrêtée sans la clore ; seul le dernier mot du journal à son sujet le dit

## Accompagnement (I4)

accompany-waits = Écluse : cette session est accompagnée : rien ne passe, et rien n'est lancé sur la cible, tant qu'un opérateur { DE($client) } ne la regarde pas (watch { $session }). Ils sont prévenus. Tout reprend alors de soi-même ; entre-temps, la durée de l'intervention court, et ce que vous tapez n'est pas transmis.
accompany-left = Écluse : plus personne { DE($client) } ne regarde cette session : elle est suspendue jusqu'à ce qu'un opérateur le fasse (watch { $session }). Ils sont prévenus. Ce qui est en cours attend, et rien n'en est perdu ; ce que vous tapez entre-temps dans un terminal n'est pas transmis.
accompany-goes-on = Écluse : { $people } { $held ->
    [yes] regarde cette session, mais elle reste suspendue : rien ne passe encore.
   *[no] regarde cette session : elle reprend.
}
accompany-over = Écluse : { $held ->
    [yes] cette session n'a plus à être accompagnée, mais elle reste suspendue : rien ne passe encore.
   *[no] cette session n'a plus à être accompagnée : elle reprend.
}
accompany-request = Accompagnée, par le flux { $flow } : rien ne passe tant qu'un opérateur { DE($client) } ne regarde pas la session ; chacun en accompagne { $count ->
    [one] une
   *[other] { $count }
} au plus.
accompany-flow = oui : un opérateur regarde ; chacun accompagne { $count ->
    [one] une session
   *[other] { $count } sessions
} au plus
accompany-presence = session { $session } : { $by }, { $open ->
    [yes] depuis { $from }{ $until }
   *[no] de { $from } à { $until }
}
hold-lifted-alone = Écluse : { $by } laisse reprendre cette session, mais personne ne la regarde : rien ne passe avant que l'un d'eux le fasse.
budget-goes-on-alone = Écluse : le budget laisse de nouveau passer, mais personne du client ne regarde cette session : rien ne passe avant qu'un opérateur le fasse.
field-accompanied = Accompagnée
live-alone = ATTEND depuis { $since } un opérateur : watch { $session }
live-accompanied = accompagnée par { $by }
operator-alone = { $time }  La session { $session } { DE($person) } sur { $target } { $over ->
    [yes] attendait un opérateur qui la regarde ; elle ne l'attend plus.
   *[no] attend un opérateur qui la regarde : watch { $session }
}
operator-more-alone = { $time }  Et { $count ->
    [one] une autre session
   *[other] { $count } autres sessions
} { DE($person) } en attente d'un opérateur ({ $numbers }) ; live montre celles qui attendent encore.
operator-waits = { $time }  { $person } sur { $target } { $over ->
    [yes] attendait un oui ({ $nth }) pour « { $what } » ; ce n'est plus attendu.
   *[no] attend un oui pour « { $what } » : confirm { $nth }, ou deny { $nth } --reason "…"
  }
operator-more-waits = { $time }  Et { $person } a attendu un oui { $count ->
    [one] une fois de plus
   *[other] { $count } fois de plus
} (session { $numbers }) ; « confirm » montre ce qui attend encore.
live-waits = attend un oui ({ $nth }) pour « { $what } »
field-confirm = Attend un accord
field-confirmed = Accords
confirm-line = { $what } ({ $each ->
    [yes] à chaque fois
   *[no] une fois par session
}, d'ici { $within })
confirm-request = À l'usage, par le flux { $flow }, ceci attend dans son canal l'accord d'un opérateur { DE($client) } : { $what }.
confirm-was = { $nth } « { $what } » : { $said ->
    [yes] { $by } a dit oui
    [no] { $by } a dit non{ $reason }
    [nobody] personne n'a dit oui{ $reason }
   *[open] attend
} ({ $at })
confirm-because = {" "}:
confirm-was-more = { $count ->
    [one] et un avant
   *[other] et { $count } avant
}
totals-confirms = { $count ->
    [one] accord en cours d'usage : 1
   *[other] accords en cours d'usage : { $count }
}
totals-denials = { $count ->
    [one] refusé, ou resté sans réponse : 1 fois
   *[other] refusé, ou resté sans réponse : { $count } fois
}
help-confirm = Dire oui à ce qui attend votre accord dans une session, par son numéro, 12.1 par exemple ; sans numéro, la liste de ce qui attend.
help-deny = Dire non à ce qui attend un oui ; le technicien lit le motif.
usage-no-waiting = Dites lequel, par son numéro, 12.1 par exemple : « confirm » montre ce qui attend.
confirm-unclear = « { $typed } » n'est pas le numéro de ce qui attend, 12.1 par exemple : « confirm » en donne la liste.
confirm-none-such = Rien ne porte le numéro { $nth } parmi ce qui attend ou attendait un oui dans les sessions que vous voyez. « confirm » en donne la liste.
confirm-none-waits = Rien n'attend un oui.
confirm-waits = { $nth }  { $person } sur { $target } : « { $what } », jusqu'à { $until }. confirm { $nth }, ou deny { $nth } --reason "…"
confirm-said-yes = Oui : { $person } peut faire ceci dans la session { $session } : « { $what } ».
confirm-said-no = Non : ceci est refusé à { $person } dans la session { $session } : « { $what } ».
confirm-was-yes = { $by } a déjà dit oui à « { $what } » ({ $nth }).
confirm-was-no = { $by } a déjà dit non à « { $what } » ({ $nth }).
confirm-was-over = « { $what } » ({ $nth }) n'attend plus : personne n'a répondu à temps, ou sa session ou son canal a cessé d'attendre. { $person } doit redemander.
confirm-asked = Écluse : « { $what } » attend l'accord du client. Ont été sollicités : { $asked }. Sans réponse d'ici { $within }, ce sera refusé ; tout le reste continue.
confirm-agreed = Écluse : { $by } a dit oui à « { $what } ».
confirm-denied = { $by } a dit non à « { $what } ».
confirm-denied-because = { $by } a dit non à « { $what } » : { $reason }
confirm-unanswered = « { $what } » demande l'accord du client, et personne n'a répondu en { $within }. Réessayez, ou appelez d'abord quelqu'un.
confirm-held = « { $what } » attendait l'accord du client, et la session a été suspendue entre-temps. Réessayez quand elle reprendra.
confirm-too-many = « { $what } » demande l'accord du client, et cette session en a déjà demandé trop. Terminez-la et ouvrez-en une autre.
confirm-too-long = « { $what } » demande l'accord du client, mais dépasse les { $most } qu'un opérateur en voit en entier : c'est refusé. Prenez des noms plus courts, ou scindez la commande.
confirm-nobody = « { $what } » demande l'accord du client, et aucun de ses opérateurs n'est connecté. { contact-of }
operator-still-alone = La session { $session } attend un opérateur qui la regarde, et cela reste : watch { $session }
totals-left-alone = laissée seule : { $count } fois
watch-accompanies = vous l'accompagnez
watch-not-counted = vous ne l'accompagnez pas encore
watch-full = VOUS NE L'ACCOMPAGNEZ PAS : déjà { $count ->
    [one] 1 autre
   *[other] { $count } autres
}

# Fichiers : mots dits dans leur protocole, chacun sur une ligne
files-missing = { $line } ne fait pas partie de cette intervention. Ce que vous pouvez demander : { $command }
files-missing-ask = { $line } ne fait pas partie de cette intervention, mais figure dans vos flux. À demander par : { $command }
files-missing-nowhere = { $line } ne fait pas partie de cette intervention et ne figure dans aucun de vos flux, auxquels seul le client peut l'ajouter. { contact-of } Ce que vous pouvez demander : { $command }
files-no-target = Les fichiers se copient vers une cible ou depuis elle : la nommer, comme dans PERSONNE+CIBLE@passerelle.
forward-unpaid = Plus rien ne passe pour l'instant, un budget est épuisé ou un opérateur suspend la session. Le client en est averti. Ce qu'il en est : { $command }
forward-no-target = Rien n'y mène. Une connexion passe par une cible, comme dans ssh -L … PERSONNE+CIBLE@passerelle ; vers une cible de vos flux on rebondit par son nom, comme dans ssh -J PERSONNE@passerelle COMPTE@CIBLE.
forward-unreachable = Écluse : { $target } n'atteint pas { $place }. C'est autorisé, mais rien n'y répond. Prévenez le contact technique du client.
forward-prohibited = Écluse : { $target } n'ouvre pas de connexion vers { $place }, son serveur SSH l'interdit. C'est autorisé ici ; prévenez le contact technique du client (AllowTcpForwarding, PermitOpen).
word-or = ou
gateway-not-in-flows = Cela ne figure dans aucun de vos flux, auxquels seul le client peut l'ajouter. { contact-of }
forward-target-door = { $place } est la porte SSH { DE($target) }, vers laquelle aucune connexion ne passe. On y travaille par son nom : { $command }
forward-several-targets = { $place } est la porte de plusieurs de vos cibles : { $targets }. Rebondissez vers l'une d'elles par son nom : { $command } COMPTE@CIBLE
forward-own-door = Écluse : { $place } est une porte de la passerelle elle-même, vers laquelle rien ne passe. Demandez une cible par son nom.
files-protocol = Le transfert de fichiers a pris fin : l'un des deux programmes ne parle pas SFTP comme il le devrait. À relancer ; si cela recommence, avec un autre programme.
files-no-handle = Aucun fichier n'est ouvert sous ce nom. À rouvrir.
files-other-handle = Le fichier n'a pas été ouvert pour cela. À rouvrir pour ce que vous voulez en faire.
files-many-handles = Trop de fichiers sont ouverts à la fois. En fermer.
files-many-wait = Trop de demandes attendent une réponse. Attendre l'une d'elles.
files-unknown = Cette demande n'est pas servie ici.
files-unusual = Cette demande contient ce que SFTP version 3 ne connaît pas.
files-malformed = Cette demande ne se lit pas.
files-no-path = Un chemin a au plus 4096 octets et aucun NUL.
files-no-way = La cible ne dit pas où mène ce chemin : impossible de le chercher dans ce qui a été convenu.
files-moved = Le chemin menait ailleurs pendant son ouverture. À réessayer.
files-climbs = Ce vers quoi pointe un lien s'écrit ici sans « .. », qui mène ailleurs dès qu'un répertoire change de nom. Écrire le chemin absolu.
copy-protocol = Le transfert de fichiers a pris fin : l'un des deux programmes ne parle pas `scp` comme il le devrait. À relancer ; si cela recommence, avec `sftp`, ou avec `scp` sans -O.
copy-no-sftp = Cette cible n'a pas de sous-système SFTP : elle ne dit pas où mènent les chemins, et `scp` n'y est pas contrôlable. Demander au client de l'activer.
copy-nothing = Aucun fichier ni répertoire de ce nom
copy-no-name = Ce qui se copie s'appelle par son nom, pas par « . », « .. » ou « / ». Écrire son chemin.
copy-same-name = Deux de ces fichiers portent le même nom. Les copier un par un.
copy-no-quotes = Ce chemin contient un saut de ligne, que `scp` ne sait pas recevoir. Utiliser `sftp`.
files-no-links = Les liens ne se créent que sur des serveurs du genre d'OpenSSH.

## Programmes qui lisent et écrivent des arborescences (rsync, git)

tree-daemon = Le démon de rsync et ses modules (HÔTE::MODULE) ne sont pas servis. Écrire HÔTE:/CHEMIN.
tree-secluded = rsync -s (--secluded-args, RSYNC_PROTECT_ARGS) cache les chemins, qui ne sont alors pas contrôlables. À ôter, ou écrire --no-s.
tree-rsync-option = L'option { $option } de rsync n'est pas admise ici : elle peut mener hors des chemins convenus. À ôter.
tree-rsync-form = Le client rsync ne le lance pas ainsi. Utiliser rsync comme dans rsync -a HÔTE:/CHEMIN/ .
tree-archive = git archive --remote n'est pas servi. Cloner plutôt le dépôt.
tree-git-option = L'option { $option } de git n'est pas admise ici. À ôter.
tree-git-form = Le client git ne le lance pas ainsi. Utiliser git comme dans git clone HÔTE:/CHEMIN
tree-no-sftp = Cette cible n'a pas de sous-système SFTP : elle ne dit pas où mènent les chemins, et ni rsync ni git n'y sont contrôlables. Demander au client de l'activer.
tree-no-repository = Il n'y a pas de dépôt à ce chemin. Écrire le chemin du dépôt lui-même.
tree-no-quotes = Le nom de ce chemin ne s'écrit pas sur une ligne de commande. Utiliser `sftp`.

## Reçus (P10)

help-receipts = Les reçus numérotés des fichiers qui sont passés, le dernier en tête : qui a envoyé, qui a reçu, quand, quoi, son SHA-256 ; N en montre un, --csv les écrit tous.
receipts-none = Aucun fichier de ce choix n'est passé.
receipts-none-such = Il n'y a pas de reçu { $id } que vous puissiez voir. « receipts » en donne la liste.
receipts-way-unclear = « { $typed } » n'est pas un sens : « sortie » va de la cible au technicien, « entrée » dans l'autre sens.
receipts-older-left-out = Seuls les { $shown } derniers sont montrés ; choisissez avec --person, --target, --intervention, --way, --since, --until, ou écrivez-les tous avec --csv.
receipts-out = depuis la cible
receipts-in = vers la cible
receipts-unknown = inconnu
receipts-extent = { $extent ->
    [whole] tout le fichier
    [partial] une partie du fichier
    [sparse] des parties du fichier
   *[other] rien du fichier
}
receipts-outcome = { $outcome ->
    [done] fait
    [failed] la cible a signalé une erreur
    [withdrawn] terminé : le droit a été perdu en cours de route
    [unfinished] le canal s'est terminé avant
   *[other] { $outcome }
}
field-receipt = Reçu
field-passed-at = Date
field-way = Sens
field-size = Taille
field-path = Chemin
field-sender = Envoyé par
field-receiver = Reçu par
field-digest = SHA-256
field-outcome = Issue
field-by = Par
field-entry = Entrée du journal
totals-receipts = reçus de fichiers : { $count }
usage-line-unclear = « { $typed } » n'est pas une ligne telle que les flux les écrivent, par exemple « shell », « command: uptime » ou « sftp-read: /var/log/app/** ».
