# Écluse: what people read, in English. fr.ftl holds the same messages with the same variables
# (tests in gateway/src/texts). Words as in STYLE §7: technician, operator, auditor, client, target,
# intervention, flow, recording, session.

## Common

common-none = none
common-yes-keys = yY
common-unknown-command = There is no command “{ $command }” here. Type “help” to see what there is.
common-store-failed = The gateway could not keep this ({ $problem }). Nothing was changed; try again, or tell the gateway's administrator.
common-looks-too-often = That is more than is looked at in a minute, and each look is put on record. Try again in a minute.
common-needs-terminal = This needs a terminal: connect with “ssh -t”.
common-bye = Goodbye.
common-older-left-out = Everything that is still going on is listed, and the latest { $shown } of what is over. There are older ones.
common-time-note = Times that are shown are UTC.
common-no-such-intervention = There is no intervention { $id } that you can see. “{ $command }” lists them.
common-no-session-of-yours = You have no session { $id } that goes on. The question has the number of the session to answer for.
common-no-such-session = There is no session { $id } in passage that you can see. “live” lists them.

## Names of things

flow-shell = shell
flow-any-command = any command
flow-commands = commands (command): { $commands }
flow-files = files: { $files }
flow-forwards = connections: { $forwards }
flow-environment = environment variables (env): { $names }

term-terminal = with a terminal
term-no-terminal = without a terminal
term-by-line = by the line “{ $line }”
term-derogation = derogation of { $owner }, until { $until }
term-why = { $why }

state-requested = waiting for an answer
state-approved = approved
state-refused = refused
state-expired = expired without an answer
state-unused = expired without having been used
state-open = open
state-closed = closed
state-suspended = suspended by heightened posture
state-cancelled = cancelled
state-unended = over; its end is not on record
state-not-known-yet = NOT KNOWN YET
state-not-on-record = NOT AS ON RECORD
state-not-in-table = ONLY IN THE JOURNAL

outcome-refused = refused by { $person }: { $reason }
outcome-closed = closed: { $reason }

close-window-over = its time is over
close-by-technician = the technician has finished
close-by-operator = ended by { $person }: { $reason }

## Fields of what is shown

field-person = Person
field-person-of = { $person }, of { $provider }
field-stands = Standing
field-stations = Stations
field-keys = Keys
field-last-session = Last session
field-station = Station
field-station-from = { $station }, from { $source }
field-target = Target
field-target-account = { $target }, account { $account }
field-account = Account
field-flows = Asks for
field-allowed = Allows
field-terms = Terms
field-approvals = Approvals
field-session = Session
field-node = Node
field-intervention = Intervention
field-reason = Reason
field-when = When
field-when-from-approval = from the first use, for { $length }
field-when-planned = from the first use, not before { $start }, for { $length }
request-at-most-length = At present { $length } at most of it can be granted.
request-at-most-bytes = At present it can be granted that { $bytes } at most leave.
request-approvals = { $given ->
    [0] { $needed } approvals needed, none yet
   *[other] { $given } of { $needed } approvals ({ $people })
}
hours-never = The flow { $flow } ({ $targets }) does not open before { $opens }: approved now, the intervention would end before that, at { $ends } at the latest.
hours-never-known = The flow { $flow } ({ $targets }) is closed until { $ends }, when the intervention would end at the latest.
hours-later = The flow { $flow } ({ $targets }) is closed at the beginning of this period; it opens at { $opens }, and nothing of it is possible before.
hours-shorter = The flow { $flow } ({ $targets }) closes at { $closes }, before the length that was asked for is over; what it allows ends then.
field-request = Request
field-code = Code
field-state = State
field-number = No.
field-since = Since
field-left = Left
field-length = Length
field-bytes = Data out
field-bytes-matrix = as much as the matrix allows
field-bytes-unlimited = no limit
field-hidden = Hidden
field-targets = Targets
field-accounts = Accounts
field-hours = Hours
field-at-most = At most
field-flow = Flow
field-out = Out
field-in = In
field-budget = Budget
field-spent = Taken
field-rest = Left
field-anew = Anew
field-channels = Channels
field-passed = Passed
field-acts = Budgets and acts
field-end = End
field-started = Started

## The waiting room

room-title = Écluse · { $target } ({ $client })
room-title-account = Écluse · { $target }, account { $account } ({ $client })
room-no-intervention = You have no approved intervention on this target at present. You can ask for one here: the client's operators answer, and your session then continues by itself.
room-why = Why do you need to connect? The client reads this.
room-why-empty = A reason is required. Ctrl-C leaves without asking.
room-why-too-long = That is { $count } characters; { $most } at most. Please shorten it.
room-how-long = For how long? { $most } at most; Return alone asks for { $proposed }.
room-how-long-unclear = “{ $typed }” is not a length. Write for example 30m, 2h or 1h30m.
room-how-long-too-much = { $typed } is more than the { $most } that can be granted here.
room-which-account = Which account? { $accounts }
room-which-account-unclear = Please name one of: { $accounts }.
room-client-sees = This is what the client sees:
room-code-hint = The operator sees the same code. On the telephone, compare it.
room-sent = Request { $number } was sent. It is for the operators of { $client }: { $operators }.
room-sent-nobody = Request { $number } was kept, but { $client } has no operator who can answer at present. { contact-of }
room-joined = Your request { $number } is already waiting: you join it. It is for the operators of { $client }: { $operators }.
room-joined-approved = Your request { $number } is approved and has yet to begin: you wait for it here. The operators of { $client }: { $operators }.
room-seen = { $time }  Seen by { $person }.
room-approval-counted = { $time }  Approved by { $person }. Another operator has to approve it too.
room-approved = { $time }  Approved by { $person }: { $length } from the first use, until { $latest } at the latest.
room-less = { $what }: asked { $asked } → granted { $granted }
room-less-length = length
room-less-bytes = data that may leave
room-less-flows = flows
room-less-targets = targets
room-less-accounts = accounts
room-opening = Opening { $target }…
room-refused = { $time }  Refused by { $person }: { $reason }
room-expired = { $time }  Nobody answered within { $length }; the request has expired. Call your contact at the client, or ask again.
room-not-used = { $time }  The approved intervention was not used in time; it has expired.
room-cancelled = Request { $number } was cancelled. The operators see it.
room-cancelled-elsewhere = Request { $number } was cancelled.
room-closed = This intervention is over: { $reason }
room-gone = Request { $number } is no longer there; connect again to make another one.
room-starts = Approved; the intervention begins at { $start }. You can wait here or come back then.
room-left-approved = Intervention { $number } stays approved; come back when it begins.
room-status-waiting = { $left } left
room-status-seen = seen by { $person } { $time }
room-status-unseen = not yet seen
room-status-for = for { $operators }
room-status-keys = q cancels
room-status-cancel-sure = q again to cancel the request, any other key to go on waiting
room-status-starts = begins in { $left }
room-status-keys-leave = q leaves

## Without a terminal

gateway-no-terminal = Écluse: no approved intervention is open for { $person } on { $target }. Nothing was passed on.
gateway-no-terminal-pending = Écluse: request { $number } of { $person } for { $target } is still waiting for an answer. Nothing was passed on.
gateway-no-terminal-starts = Écluse: the intervention of { $person } on { $target } begins at { $start }. Nothing was passed on.
gateway-ask-with = Ask for one with:
gateway-wait-with = Wait for the answer with:
gateway-flows-with = See what you may ask for with:
gateway-says = Écluse:{" "}
gateway-reason-placeholder = why you need it

## The lobby

lobby-welcome = Écluse · welcome, { $person }.
door-open-again = The door of { $client } is open again: its document is the one on record.
let-in = { $client } lets you in: “flows” shows what you may ask for there.
lobby-hint = Type “help” to see what you can do, “exit” to leave.
lobby-nothing-asked = You have no intervention, and none is waiting.
lobby-your-interventions = Your interventions:
lobby-no-flows = No flow names you: there is nothing you may ask for. Your client's contact can add you to the flow matrix.
lobby-flows-head = What you may ask for (the client still has to approve each intervention):
lobby-requested = Request { $number } was sent to the operators of { $client }: { $operators }. Code { $code }.
lobby-requested-hint-alone = Type “interventions” to see how it stands.
lobby-requested-hint = Or type “interventions” to see how it stands.
lobby-stands-with = See how it stands with:
lobby-flows-typed = “flows” lists what you may ask for.
lobby-only-nothing = “{ $only }” is not allowed to you on { $targets }. Allowed there: { $allowed }.
lobby-only-nothing-meanwhile = “{ $only }” is refused on { $targets } until the posture is over. Allowed there meanwhile: { $allowed }.
lobby-cancelled = { $number } was cancelled.
lobby-time-unclear = “{ $typed }” is not a time. Write 14:30, 2026-11-23T14:30 or 2026-11-23T14:30:00Z.
lobby-time-past = { $time } is in the past.
lobby-length-unclear = “{ $typed }” is not a length. Write for example 30m, 2h or 1h30m.
lobby-size-unclear = “{ $typed }” is not a number of bytes. Write for example 200MiB, 512KiB or 1GiB.
lobby-rate-unclear = “{ $typed }” is not a pace. Write for example 8KiB/s or 1MiB/s, not less than 1KiB/s, or off.
lobby-no-such-flow = There is no flow “{ $flow }” for you on these targets. There are: { $known }.
lobby-name-unclear = “{ $typed }” is not a name of this gateway.
lobby-time-read-as = { $typed } is read as { $time }.
lobby-time-several = “{ $typed }” is not one moment for all that you ask for: { $read }. Write the moment itself, for example --at { $one }, or ask for one flow alone: --flow FLOW.
lobby-new-answer = { $number }: { $text }
lobby-answer-approved = approved by { $person }, { $length } from the first use, until { $latest } at the latest
lobby-answer-refused = refused by { $person }: { $reason }
lobby-answer-expired = expired without an answer
lobby-answer-seen = seen by { $person }
lobby-answer-closed = over: { $reason }
lobby-answer-closed-by = ended by { $person }: { $reason }

## Operators

operator-more-alerts = { $told ->
    [none] Alerts of the last seven days that are over: { $count } (“alerts” shows them).
   *[some] Further alerts of the last seven days: { $count } (“alerts” shows them).
}
operator-no-alerts = There is no alert of the last seven days.
operator-hint = { $count ->
    [0] No request is waiting.
    [one] One request is waiting: type “pending”.
   *[other] { $count } requests are waiting: type “pending”.
}
operator-new-request = New request { $number }: { $person } ({ $provider }), { $targets }, for { $length }: { $reason }
operator-suspended = The heightened posture suspends { $number } of { $person } ({ $provider }), { $targets }, that was approved: “pending” says what it wants.
operator-gone-request = Request { $number } of { $person } is no longer waiting: { $state }.
operator-none-pending = No request is waiting.
operator-space-low = { $time }  The gateway has { $free } MiB left for recordings: below { $bound } MiB no session begins. Tell its administrator.
operator-space-full = { $time }  The gateway has only { $free } MiB left for recordings, less than { $bound } MiB: no session begins. Tell its administrator.
operator-crowd = { $time }  Connections are turned away at the door since then, { $count } so far, from { $sources ->
    [one] one address
   *[other] { $sources } addresses
}: { $place }
operator-crowd-over = { $time }  Connections were turned away at the door until { $until }, { $count } from { $sources ->
    [one] one address
   *[other] { $sources } addresses
}: { $place }
crowd-shares = single addresses had taken their share of those who have not logged on. Whoever works there may have found the door closed, nobody else. Ask what connects from there.
crowd-person = single persons had as many connections as one may have. Nobody else was sent away.
crowd-operators = too many from operators' and auditors' networks had not logged on. Whoever came from there may have found the door closed; those inside stayed. Ask the gateway's administrator who connects there.
crowd-stations = too many from stations' networks had not logged on. Technicians may have found the door closed; those inside stayed. Ask the provider what connects from there.
crowd-everybody = too many from addresses that no document names had not logged on. Whoever works from such an address may have found the door closed; those whose networks are in the documents did not.
crowd-inside = all places after log-on were taken, but those kept for operators. Technicians and auditors who logged on were sent away; those inside stayed.
operator-copies-contradicted = { $time }  The journal contradicts the checkpoints at { $destination }: { $problem }. Keep what lies there, it is evidence, and have the gateway examined.
operator-journal-contradicted = { $time }  The gateway's journal is not the one whose checkpoints it signed: { $problem }. It is evidence: let nobody touch it, and have the gateway examined.
operator-checkpoint-failed = { $time }  Since then the gateway could sign no checkpoint of the journal: { $problem }. If it lasts more than some minutes, tell the gateway's administrator.
operator-copies-away = { $time }  Since then no copies of your events arrive at { $destination }. They are kept here and sent once it takes them again: have the receiver looked at.
operator-account-blocked = { $time }  The account of { $person } was blocked: too many wrong codes. Ask them whether they were theirs.
operator-code-elsewhere = { $time }  A right code of { $person } was given, with their key, at a station from which they may not work: nobody was let in. Ask them whether it was them; if not, have the gateway's administrator renew their key and second factor.
operator-account-unlocked = { $time }  The administrator { $by } ended the block of { $person }.
operator-account-enabled = { $time }  The administrator { $by } enabled the account of { $person }, which had lain unused.
operator-host-key = { $time }  { $target } presented host key { $got } instead of { $pinned }: nothing was sent to it. If the key was changed on purpose, put the new one into the client's document.
operator-intervention-not-on-record = { $time }  Somebody changed intervention #{ $number } in the gateway's store: it is not the one on record, and admits nobody. Have the gateway examined.
operator-session-not-on-record = { $time }  Somebody changed session { $number } in the gateway's table of sessions: it is not what the log tells of, and nothing is destroyed or ended by it. Have the gateway examined.
operator-document-not-on-record = { $time }  Somebody changed your document in the gateway's store: the door was closed until the right text was put in force again, on record. Have the gateway examined.
operator-session-outlived = { $time }  Session { $number } went on after its end was on record: its gateway had been taken out while it lived. Its end in the journal is not its end; the entry session-outlived and its recording tell of it.
operator-clock = { $time }  A gateway's clock was set, or is not the store's: { $problem }. Sessions do not go on longer for it. Ask the gateway's administrator whether it was meant.
operator-enrolment-not-on-record = { $time }  Somebody changed the second factor of { $person } in the gateway's store: it is not the one on record, and lets nobody in. Have the gateway examined, and { $person } enrolled anew.
operator-credential-not-on-record = { $time }  Somebody changed the password or key of { $account } on { $target } in the gateway's store: it is not the one on record, and is not used. Have the gateway examined, and set it anew.
operator-order-not-on-record = { $time }  An order to cut sessions stood in the store that nobody gave; it was not obeyed. Tell the gateway's administrator: somebody changes the store.
operator-more-hidden = { $time }  And { $count ->
    [one] one more session
   *[other] { $count } more sessions
  } in which { $person } typed lines that were not shown: { $numbers }. The auditors read them.
operator-more-budgets = { $time }  And { $count ->
    [one] one more mark
   *[other] { $count } more marks
  } that budgets reached in sessions of { $person }: { $numbers }.
operator-more-hands = { $time }  And { $count ->
    [one] one more act
   *[other] { $count } more acts
  } of { $person } by hand on sessions: { $numbers }.
signal-name = { $kind ->
    [tripwire] the tripwire “{ $name }”
   *[burst] the signal “burst”
    [steady] the signal “steady”
    [base64] the signal “base64”
    [unattended] the signal “unattended”
    [hours] the signal “hours”
  }
operator-signal = { $time }  { $name }: { $person } on { $target }, session { $session }, channel { $channel }: { $kind ->
    [burst] { $measured } left within a minute; more than { $threshold } is far above the past sessions.
    [steady] a steady stream at { $measured } while nobody types, { $threshold } or more all along.
    [base64] { $measured } of encoded text (base64 or the like), { $threshold } or more.
    [unattended] the recording grows while nobody has typed or sent anything for { $measured }, longer than { $threshold }.
    [hours] work at { $measured }, outside the usual hours ({ $threshold }).
    [unshown] a line that was typed, and is not shown yet, has “{ $threshold }”.
   *[tripwire] “{ $measured }” has “{ $threshold }”.
  }{ $runs ->
    [command] {" "}Command: { $command }
   *[shell] {""}
  }{ $then ->
    [hold] {" "}It is held: resume { $session }, ask { $session } "…", or cut { $session }.
    [over] {" "}It was held; it waits no more.
   *[notify] {""}
  }
operator-more-signals = { $time }  And { $count ->
    [one] one more signal
   *[other] { $count } more signals
  } in sessions of { $person }: { $numbers }.
operator-more-answers = { $time }  And { $count ->
    [one] one more answer
   *[other] { $count } more answers
  } of { $person }, in sessions { $numbers }.
operator-more-sessions = { $time }  And { $count ->
    [one] one more session
   *[other] { $count } more sessions
  } that somebody changed in the gateway's table: { $numbers }.
operator-more-interventions = { $time }  And { $count ->
    [one] one more intervention
   *[other] { $count } more interventions
  } that somebody changed in the gateway's store: { $numbers }.
operator-more-outlived = { $time }  And { $count ->
    [one] one more session
   *[other] { $count } more sessions
  } that went on after their end was on record: { $numbers }.
operator-more-of-person = { $time }  And { $count ->
    [one] one more alert
   *[other] { $count } more alerts
  } of this kind about { $person }; the gateway's journal has them all.
operator-more = { $time }  And { $count ->
    [one] one more alert
   *[other] { $count } more alerts
  } of this kind; the gateway's journal has them all.
changes-since = { $count ->
        [one] One change concerns { $client } since { $time }, when you were last told:
       *[other] { $count } changes concern { $client } since { $time }, when you were last told:
    }
# They come for the first time, as far as is on record
changes-since-then = { $count ->
        [one] One change concerns { $client } since { $time }:
       *[other] { $count } changes concern { $client } since { $time }:
    }
# When they were told last is not on record any more
changes-since-removed = { $count ->
        [one] One change concerns { $client }
       *[other] { $count } changes concern { $client }
    } since { $time }. When you were last told is not known any more: the words of before that day were removed at the end of their time.
changes-more = { $count ->
        [one]   … and one more.
       *[other]   … and { $count } more.
    }
changes-hint = “changes” lists all of them. One that nobody here knows of: ask the gateway's administrator.
changes-unknown-before = the gateway's store held another text than the one on record: what stood before is not known
changes-none = Nothing changed for { $client } since { $time }: neither documents, people, enrolments nor copies.
# One line for what happened several times
changes-repeated = { $first } – { $last }  { $count } × { $change }
changes-created = The administrator { $person } added { $object } to the documents. { $text }
changes-changed = The administrator { $person } changed { $object } in the documents. { $text }
changes-removed = The administrator { $person } took { $object } out of the documents. { $text }
changes-worded = The administrator { $person } changed comments or the order of lines in the document of { $object }; what it allows is the same.
changes-again = The administrator { $person } put the document of { $object } in force again: the store had held another text than the one on record.
# What changed in a document: the word of the document, which is English
changes-part = { $kind ->
   *[other] { $part }
}: { $text }
changes-nothing = nothing
changes-parts-more = { $count ->
    [one] {" "}… and one more line
   *[other] {" "}… and { $count } more lines
}
changes-enrolled = The administrator { $by } gave { $person } a new source of one-time codes.
changes-enrolled-first = The administrator { $by } gave { $person } their first source of one-time codes.
changes-enrolled-anew = The administrator { $by } REPLACED the source of one-time codes of { $person }: codes of the one before are worth nothing any more. Ask this person whether it is they who have another.
changes-enrolment-disabled = The one-time codes of { $person } count no longer, because no document names { $person } any more.
changes-credential = The administrator { $person } set the password or key with which the gateway logs on to { $target } as { $account }.
changes-reached = From here on the matrix of { $client } reaches, of { $object }: { $text }
changes-accepted = { $person } accepted: { $text }
changes-accepted-first = Accepted, since the document of { $client } named them from the first: { $text }
changes-refused = { $person } refused: { $text }
changes-kept-out = { $person } keeps out { $object }: { $text }
changes-lifted = { $person } lifted what was kept out: { $object }
changes-heightened = { $person } heightened the posture: { $text }
changes-normal = { $person } said that heightened posture is over.
changes-elsewhere = The administrator { $person } changed the document of { $object } in what does not concern { $client }.
changes-rewrapped = The administrator { $person } changed who reads the recording of session { $session } on { $target }. Readers gained: { $gained }. Readers lost: { $lost }.
changes-reader-gateway = the gateway
changes-copies-away = The receiver { $destination } stopped taking the copies of your events; they were kept.
changes-copies-back = The receiver { $destination } takes the copies of your events again.
changes-key = { $acted ->
    [no] The gateway made a new key of its own
   *[other] The administrator { $person } gave the gateway a new key
  }: compare what “ecluse journal keys” prints with what you have written down.
changes-settings = The gateway was started with other settings than the time before; ask its administrator which ones changed.
changes-destroyed = { $person } removed a recording at the end of its time.
changes-words-destroyed = { $person } removed the words of { $entries ->
    [one] one entry
   *[other] { $entries } entries
} of the journal at the end of their time.
changes-joined = A gateway that had never served with this store, { $node }, was started beside the others. { $parts ->
    [no] Its settings are those of the last one that began.
   *[other] Its settings differ from those of the last one that began, or cannot be compared, in: { $parts }.
  } If nobody here expected another gateway, ask the administrator at once.
changes-cut-short = The gateway stopped out of order, after { $stopped } and at the latest at { $latest }, and began again. { $count ->
    [0] It cut no session of yours short.
    [one] It cut one session short: { $sessions }. What was recorded of it is kept.
   *[other] It cut { $count } sessions short: { $sessions }. What was recorded of them is kept.
}
object-client = the client { $name }
object-operator = the operator { $name }
object-auditor = the auditor { $name }
object-target = the target { $name }
object-flow = the flow { $name }
object-provider = the provider { $name }
object-technician = the technician { $name }
object-station = the station { $name }
operator-typing-hidden = { $time }  { $person } typed { $lines ->
    [one] one line
   *[other] { $lines } lines
  }{ $session ->
    [0] {""}
   *[other] {" "}in session { $session }
  } on { $target } whose echo was not recognised: echo may have been off, or a full-screen program may be the reason. That alone is no reproach. An auditor who may unmask reads them with “search --in hidden”.
operator-terminal-without-echo = { $time }  { $person } asked for a terminal on { $target } that shows nothing of what is typed. What is typed is recorded.
operator-recording-trouble = { $time }  The recording of { $person } on { $target } is not whole: { $problem }. Tell the auditor and the gateway's administrator.
operator-budget = { $time }  { $person } on { $target }, session { $session }, channel { $channel }: { $mark ->
    [warn] { $spent } of the { $limit } that may pass ({ $key }) are taken, { $percent } %.
    [ceiling] the { $limit } that may pass ({ $key }) are spent up to the ceiling, and { $holds ->
        [no] it ends.
       *[yes] { $over ->
            [yes] it was held; it waits no more.
           *[no] it is held: topup { $session } { $more }, or cut { $session }.
        }
    }
   *[limit] the { $limit } that may pass ({ $key }) are spent, and { $then ->
        [end] it ends.
        [hold] { $over ->
            [yes] it was held; it waits no more.
           *[no] it is held: topup { $session } { $more }, or cut { $session }.
        }
       *[slow] it is slowed.
    }
  }{ $runs ->
    [shell] {""}
   *[command] {" "}Command: { $command }
  }
operator-topped-up = In session { $session } of { $person }, { $bytes } may pass from here on{ $up ->
    [yes] {" "}towards the target
   *[no] {""}
  }:
operator-topped-up-by = { $key }: { $more } more, { $limit } in all
operator-topped-up-nothing = Session { $session } of { $person } may pass as much already: nothing was added.
operator-topped-up-gateway = The gateway's own budget of today leaves { $left }, and no operator adds to that.
operator-topped-up-held = { $by } holds the session by hand, and that stays: resume { $session }.
operator-held = Session { $session } of { $person } is held: nothing passes, and what runs on the target stays there. resume { $session } lets it go on.
operator-held-already = Session { $session } of { $person } is held already, by { $by }.
operator-resumed = Session { $session } of { $person } goes on.
operator-resumed-alone = Session { $session } of { $person } is not held by hand any more, but waits for an operator who watches it: watch { $session }
operator-resumed-budget = Session { $session } of { $person } is not held by hand any more, but a budget holds it: topup { $session } SIZE.
operator-not-held = Nobody holds session { $session } of { $person } by hand.
operator-not-held-budget = Nobody holds session { $session } of { $person } by hand; a budget does: topup { $session } SIZE.
operator-slowed = Session { $session } of { $person } goes at { $rate } at most, each way. slow { $session } off lets it go.
operator-full-speed = Session { $session } of { $person } goes as fast again as its document lets it.
operator-not-slowed = Nobody slows session { $session } of { $person } by hand.
operator-hand-there = It passes through { $node }, which does it once it reads that, within a second.
operator-hand-lost = It passes through { $node }, which was not heard of: it is on record, and nothing says that it is done. If that gateway lives and cannot reach the store, look there.
operator-hand-ask = { $time }  { $by } asks { $person }, session { $session } on { $target }: “{ $reason }”
operator-answered = { $time }  { $person }, session { $session } on { $target }, was asked “{ $question }” and answers: “{ $answer }”. { $over ->
    [yes] It waits no more.
   *[no] { $budget ->
        [yes] A budget holds it too: resume { $session } and topup { $session } SIZE, or cut { $session }.
       *[no] resume { $session }, or cut { $session }.
    }
}
operator-asked = { $person } is asked, and session { $session } is held. The answer is told here and in live; resume { $session } lets it go on.
operator-hand-hold = { $time }  { $by } holds session { $session } of { $person } on { $target }.
operator-hand-hold-because = { $time }  { $by } holds session { $session } of { $person } on { $target }: { $reason }
operator-hand-resume = { $time }  { $by } lets session { $session } of { $person } on { $target } go on.
operator-hand-slow = { $time }  { $by } slows session { $session } of { $person } on { $target } to { $rate }.
operator-hand-over = (This session is over.)
operator-hand-full-speed = { $time }  { $by } slows session { $session } of { $person } on { $target } no more.
operator-none-live = No session is in passage.
live-channels-there = known there
live-lost = lost with the node
live-held-by = HELD by { $by }
live-held-by-both = HELD by { $by } and by a budget
live-asked = asked “{ $question }”
live-answered = asked “{ $question }”, answered “{ $answer }”
live-slowed = slowed to { $rate }
operator-node-lost = { $node } { $seconds ->
    [0] was not heard of lately
   *[other] has not been heard of for { $seconds } s
}: { $count ->
    [one] session { $sessions } is
   *[other] sessions { $sessions } are
} lost with it. If that gateway has stopped, nobody is on the target any more; if it only cannot reach the store, look there.
operator-none-interventions = There is no intervention yet.
operator-request-line = { $person } ({ $provider }) · station { $station }
operator-request-what = { $targets } · account { $accounts }
operator-request-not-known-yet = { $number }  NOT KNOWN YET: words of the gateway's log are missing, and it cannot be answered until they are there. If it stays so, have it asked anew.
operator-request-not-on-record = { $number }  NOT AS ON RECORD: it is not the request that the log tells of, and cannot be answered.
operator-request-how-long = for { $length } · expires in { $left }
operator-request-planned = from the first use, not before { $start }, for { $length } · expires in { $left }
operator-request-latest = approved now, it is over at { $latest } at the latest, whenever the first use is
operator-request-bytes = { $bytes } at most may leave
operator-request-reason = reason:
operator-request-code = code
operator-request-hint = approve { $id }   or   refuse { $id } --reason …
operator-request-hint-refused = refuse { $id } --reason …
operator-request-hint-withdraw = withdraw { $id }
operator-approved = { $number } is approved: { $person } on { $targets }.
operator-approved-partly = Your approval of { $number } counts. Another operator has to approve it too.
operator-technician-told = { $person } reads it now, or at their next log-on.
operator-refused = { $number } is refused; { $person } reads: { $reason }
operator-refuse-why = Why? { $person } reads this.
operator-withdrawn = { $number } is withdrawn; { $count ->
    [0] no session was in passage
    [one] one session ends
   *[other] { $count } sessions end
}.
operator-cut = Cut: { $count ->
    [one] session { $sessions }
   *[other] sessions { $sessions }
}.
operator-cut-guests = Closed: { $count ->
    [one] a connection of { $people } that carried no session
   *[other] { $count } connections of { $people } that carried no session
}. Whoever was there may log on again: what they asked for still waits.
operator-cut-none = No session in passage matches “{ $what }”. “live” lists them.
operator-cut-note = The intervention is still approved: “withdraw { $id }” ends it, so that no new session opens.
operator-cut-elsewhere = Cut on { $node }: { $count ->
    [one] session { $sessions }
   *[other] sessions { $sessions }
}.
operator-cut-guests-elsewhere = Closed on { $node }: { $count ->
    [one] a connection of { $people } that carried no session
   *[other] { $count } connections of { $people } that carried no session
}.
operator-cut-unanswered = { $node } did not answer: nobody can say what ended there. The order stands, and that gateway carries it out as soon as it is back; it means what was in passage when you gave it, nothing later. “live” shows what is left.
operator-cut-unvouched = { $node } answered that the cut is done, but the journal has nothing of it: the answer may be somebody else's, and sessions may go on. Look with “live”, cut on that gateway itself, and tell the gateway's administrator that somebody changes the store.
operator-cut-disobeyed = { $node } did not obey: the order in the store is not the one that the journal tells of. Cut there, and tell the gateway's administrator that somebody changes the store.
operator-cut-not-ordered = No other gateway was told to cut ({ $problem }). Log on to each of them and cut there.
operator-cut-not-on-record = The cut is done, but it could not be put on record yet ({ $problem }). The gateway puts it there as soon as the store answers again; until then, note who, when and why, and tell the gateway's administrator.
kept-person = { $name }
kept-station = the station { $name }
kept-target = the target { $name }
kept-all = everybody, from all your targets
keep-out-none = Nothing and nobody of yours is called “{ $what }”: no target, no technician or station that your matrix ({ $client }) reaches, nothing that is kept out. “keep-out” and “people” show what there is.
keep-out-why = Why? The technicians concerned read it.
keep-out-done = Kept out: { $what }. It holds for your targets, at every gateway, until an operator lifts it: keep-out { $name } --lift
keep-out-before = { $what }: kept out already by { $by } since { $time }: { $reason }
keep-out-ended = { $count ->
    [0] No session was in passage.
    [one] One session ends.
   *[other] { $count } sessions end.
}
keep-out-lifted = Lifted: { $what }. What was approved and is not over can be used again.
keep-out-nothing = Nothing and nobody is kept out.
keep-out-standing = Kept out until further notice: { $what }. “keep-out” says by whom and why.
keep-out-line = { $what } · by { $by } since { $time }: { $reason }
posture-unclear = “{ $typed }” is no posture: “posture high --reason "…"” or “posture normal”; “posture” alone says how it stands.
posture-why = Why? The technicians concerned read it.
posture-before = That is how it stands already: nothing was changed.
posture-is-normal = The posture is normal. “posture high --reason "…"” tightens everything at once.
posture-is-normal-told = The posture is normal.
posture-standing = The client { $client } is in heightened posture since { $time } ({ $by }): { $reason }.
posture-means = Heightened posture means: approvals needed: { $approvers } at least; an intervention lasts { $length } at most; refused: { $refuse }; may leave or enter at most: { $ceilings }; what it no longer allows ends { $warning } after the warning; operators who lead back (posture normal): { $back }.
posture-unwritten = Your document says nothing of it, so the gateway's own holds; to set it: [posture.high] with approvers, at-most, refuse, extraction, warning, normal-by.
posture-over-by = Said to be over by: { $people }. More operators are needed: posture normal
posture-ends-nothing = It ends no session in passage.
posture-ends = Session { $session } ({ $person } on { $target }), in { $left }: { $bars }
posture-ends-yes = it ends: intervention { $number } needs another operator's yes (approve { $id })
posture-ends-line = “{ $line }” ends
posture-ends-line-there = whatever runs there by “{ $line }” ends
posture-ends-window = its shorter window is over
posture-back = The posture is normal again. What was suspended and is not over can be used again.
posture-back-wanting = Said. It stays heightened until { $wanting ->
    [one] one more operator says
   *[other] { $wanting } more operators say
} it: posture normal
posture-is-over = The posture of { $client } is normal again.
posture-suspended = Suspended by heightened posture: it was approved, and goes on by the same number once another operator says yes: approve { $id }
posture-suspended-partly = Suspended by heightened posture: it was approved, and goes on by the same number once another operator says yes (approve { $id }), without { $lines }, refused until the posture is over.
posture-suspended-barred = Suspended by heightened posture: it was approved, but nothing of it is allowed meanwhile, and a yes alone changes nothing of that: wait until the posture is over.
posture-line = “{ $line }”
posture-session-ends = Session { $number } ends in { $left }, by heightened posture.
posture-warned-yes = The client { $client } is in heightened posture since { $since }: { $reason }. This session ends in { $left }: finish or save what is under way. The intervention is not lost, but needs another operator's yes: once another operator has approved it, connect again.
posture-warned-line = The client { $client } is in heightened posture since { $since }: { $reason }. “{ $line }” is refused meanwhile and ends in { $left }.
posture-warned-window = The client { $client } is in heightened posture since { $since }: { $reason }. Interventions are shorter meanwhile: this one ends in { $left }.
posture-goes-on = What was announced does not happen: this session goes on.
people-newcomer = { $person } ({ $provider }) is not accepted by you and has no right here: people accept { $person }, or people refuse { $person }.
people-unknown = Your matrix ({ $client }) reaches no technician called “{ $person }”. “people” shows those it reaches.
people-answer-unclear = “{ $typed }” is no answer: “people accept PERSON” or “people refuse PERSON”.
people-accepted = { $person } ({ $provider }) is accepted, and may ask for what your matrix allows.
people-accepted-before = { $person } ({ $provider }) was accepted before.
people-refused = { $person } ({ $provider }) is refused; { $count ->
    [0] no session was in passage
    [one] one session ends
   *[other] { $count } sessions end
}. To take it back: people accept { $person }
people-refused-before = { $person } ({ $provider }) was refused before.
people-none = Your matrix reaches nobody.
people-stands-accepted = accepted by { $by }, { $time }
people-stands-first = accepted by the document, { $time }
people-stands-refused = REFUSED by { $by }, { $time }
people-stands-new = NOT ACCEPTED YET: people accept { $person }
people-kept-out = KEPT OUT
people-last-never = no session with you
people-key-certificate = certificate signed by { $key }
operator-session-began = Session { $number }: { $person } is on { $target }.
operator-session-ended = Session { $number } of { $person } on { $target } is over.
operator-sessions-gathered = Sessions: { $began ->
    [0] none began
    [one] one began
   *[other] { $began } began
}, { $ended ->
    [0] none ended
    [one] one ended
   *[other] { $ended } ended
} ({ $people }). “live” lists those in passage.

## Watching

watch-held-budget = HELD by a budget that is spent
watch-held-because = HELD by { $by }: { $reason }
watch-left-time = { $left } left
watch-keys = q leaves · c cuts · ?
watch-keys-many = q leaves · c cuts · n next channel · ?
watch-cut-sure = Cut session { $number }? y/n
watch-waiting = Session { $number } has no terminal to show yet.
watch-keys-over = q leaves
watch-ended = session { $number } is over: { $how }
watch-stays = the screen stays as it was
watch-keys-all = q leaves · c cuts · n next channel · hjkl ←↓↑→ move · f follows the cursor
watch-over = Session { $number } is over: { $how }.
watch-left = You left session { $number }; it goes on.
watch-left-alone = You left session { $number }; it waits, since nobody accompanies it: watch { $number }
watch-left-held = You left session { $number }; it stays held: resume { $number }
watch-channel-ended = channel { $channel } ended: { $how }
watch-exit-status = exit status { $status }
watch-exit-signal = signal { $signal }
watch-closed = it closed
watch-then = then channel { $channel }
watch-channel = channel { $channel }
# In the status of watch, and of replay
screen-in-part = { $seen } of { $size } (hjkl)
watch-behind = not the present yet: catching up
screen-left-out = { $count ->
    [one] 1 excessive sequence of the target not drawn (letters are all here)
   *[other] { $count } excessive sequences of the target not drawn (letters are all here)
}
watch-recording-unreadable = The recording of session { $number } cannot be read ({ $problem }). The session itself is not affected; “cut { $number }” ends it.
watch-elsewhere = Session { $number } is in passage on { $node }. Watch it there: { $command }
watch-lost = Session { $number } is lost with { $node }, which is not heard of any more: there is nothing to watch. “cut { $number }” leaves it an order for when it is back.

## Auditors

auditor-hint = Type “recordings” to list the recordings, “search” to find a moment in them.
auditor-hint-none = No recording yet.
auditor-name-unknown = “{ $typed }” is not known to { $client }: no session and no flow names it. “recordings” and “interventions” show the names there are.
auditor-none = No recording matches.
auditor-hidden-unknown = “?”: the gateway cannot read this recording, so what was typed in it and not shown is neither counted nor searched. Whoever has its key can read it.
auditor-older-left-out = Every session in passage is listed, and the latest { $shown } of those that are over. --since, --until, --person, --target and --intervention show others.
auditor-no-such-recording = There is no recording { $id } that you can see. “recordings” lists them.
auditor-recording-missing = The recording of session { $number } cannot be shown: { $problem }
    Tell the gateway's administrator.
auditor-recording-locked = Only the client's key opens the recording of session { $number }; this gateway has none that does. The gateway's administrator takes it out with: ecluse export { $number } --output evidence.tar
    Whoever holds the key has it checked and read to its end, on any machine, with: ecluse verify --key KEY evidence.tar
    and reads it, once tar -xf evidence.tar has unpacked it, with: ecluse recordings read recordings/… --key KEY --into plain
auditor-session-not-in-table = Session { $number } is on record, and the gateway's table of sessions does NOT HAVE IT any more: somebody took it out, so it is neither replayed nor searched here. Tell the gateway's administrator to run: ecluse journal verify
auditor-session-not-known-yet = Of session { $number } it is NOT KNOWN YET whether the gateway's table of sessions has what the log tells of it, since words of the log are not there. Nobody is accused by that; they are looked for again. What its recording says of it stands.
auditor-session-not-on-record = Session { $number } is NOT ON RECORD as the gateway's table of sessions has it: somebody changed the table. What its recording and the journal say of it stands. Tell the gateway's administrator to run: ecluse journal verify
auditor-channels = Session { $number } has several channels: { $channels }. Choose one with --channel.
auditor-no-such-channel = Session { $number } has no channel { $channel }. It has: { $channels }.
auditor-still-open = Session { $number } is still in passage; this is what is recorded so far.
auditor-being-sealed = Session { $number } has ended and its recording is being sealed; this is what is recorded.
auditor-being-sealed-wait = Session { $number } has ended and its recording is being sealed: it can be replayed as text when it is. Ask again in a moment, or replay it in a terminal now.
auditor-time-unclear = “{ $typed }” is not a moment. Write for example 2d (two days ago), 2026-11-23, 2026-11-23T07:50, or 07:50 (also 07:50:30) for the last time it was. Times are UTC.
auditor-speed-unclear = “{ $typed }” is not a speed. Write a number from 0.1 to 100.
auditor-cut-short = The recording was cut short by a crash: everything the technician saw is in it, its orderly end is not.
auditor-damaged = The recording is damaged after { $at }: { $problem }.

unreadable-none = none was begun
unreadable-not-there = it is not where the store says
unreadable-elsewhere = it lies on another gateway, { $node }: log on there and give the same command
unreadable-system = the gateway's disk does not read it
unreadable-foreign = it is none that this version of the gateway reads
unreadable-damaged = { $file } is damaged at byte { $at }; the file is kept, it still is evidence
unreadable-torn = it ends within a frame: what comes before can be read once it is recovered
unreadable-locked = the gateway has no key to it
unreadable-not-signed = it does not bear the gateway's signature; the administrator finds out why with: ecluse journal verify
unreadable-other-session = its directory holds the recording of another session ({ $found }): somebody moved it; the administrator finds out with: ecluse journal verify
unreadable-other-client = it is not this client's: somebody changed the table of sessions; the administrator finds out with: ecluse journal verify
unreadable-interrupted = the reading was interrupted: try again
store-revision = intervention #{ $number } was changed by somebody else meanwhile
store-not-open = intervention #{ $number } is over, or not the one on record
store-journal = the journal is damaged or was rewritten, so nothing is written to it
store-documents = the documents in force are not understood by this version
store-damaged = the store holds what cannot be read
store-silent-now = the store does not answer

search-none = Nothing found.
search-none-partly = Nothing found in what can be searched; that is not everything:
search-found-in = on record in these words: { $text }
search-in-english = What the gateway notes and refuses is on record in English: it is found by its English words.
search-no-input = What came on standard input without a terminal is never searched: nothing there tells a password from a command. “replay” prints it.
search-no-screens = What was on screens is not searchable: the client's document does not ask for it (search, “screen-text”). Commands, what was typed and echoed, notes and refusals were looked through. “replay” shows the screens.
search-screens-left-out = { $count ->
    [one] One recording has no screen text, so it was not searched that way: { $numbers }. “replay” shows it.
   *[other] { $count } recordings have no screen text, so they were not searched that way: { $numbers }. “replay” shows them.
}
search-screens-unknown = { $count ->
    [one] Of one older recording it is not known whether it has screen text: { $numbers }. The administrator finds out with: ecluse search reindex
   *[other] Of { $count } older recordings it is not known whether they have screen text: { $numbers }. The administrator finds out with: ecluse search reindex
}
search-numbers-more = { $numbers }, … and { $count } more
search-partly = { $count ->
    [one] One recording of this selection is too large to be searchable as a whole: only its beginning was looked through.
   *[other] { $count } recordings of this selection are too large to be searchable as a whole: only their beginnings were looked through.
}
search-more = These are the latest { $shown } hits. --all shows every one; --person, --target, --since, --in, --way and --larger narrow them down.
search-too-short = Write at least one word of { $letters } letters or more.
search-too-long = That is more than can be looked for: at most 16 words of 256 letters.
search-no-words = Say which words to look for. Without words, --in refusal, --in hidden, --in file, --in forward, --way and --larger list all of their lines, and “search” alone the sessions.
search-no-bytes = --way and --larger mean something of files and forwards alone: give --in file, --in forward, or no --in.
search-problem = The recording of session { $number } could not be searched: { $problem }
    Have it verified, and tell the gateway's administrator.
search-unreadable = { $count ->
    [one] One recording of this selection was not searched: this gateway cannot read it (the client alone has its key), or it is being sealed. “recordings” lists it.
   *[other] { $count } recordings of this selection were not searched: this gateway cannot read them (the client alone has their keys), or they are being sealed. “recordings” lists them.
}
search-live = { $count ->
    [one] One session of this selection is still in passage: it can be searched once it is over.
   *[other] { $count } sessions of this selection are still in passage: they can be searched once they are over.
}
search-not-in = “{ $text }” is not in what can be searched of session { $number }.
search-kind-unknown = “{ $typed }” is not a kind of line. There are: { $known }.
search-kind-command = command
search-kind-typed = typed
search-kind-screen = screen
search-kind-note = note
search-kind-refusal = refusal
search-kind-file = file
search-kind-forward = forward
search-hidden-left-out = { $count ->
    [one] One session has typed lines whose echo was not recognised; they were not looked through: { $numbers }. Who may unmask looks with: search … --in hidden
   *[other] { $count } sessions have typed lines whose echo was not recognised; they were not looked through: { $numbers }. Who may unmask looks with: search … --in hidden
}
search-refused-of = refused on the connection of session { $number }
search-refused-before = refused before a session began: nothing was recorded
search-kind-hidden = hidden: its echo, or a part of it, was not recognised

replay-status = { $state } { $at } / { $length } · ×{ $speed }
# On the way to where the auditor wants to be
replay-seeking = catching up with { $to }: { $at }
replay-long = This takes a while to read: please wait.
replay-place-unclear = “{ $typed }” is not a place in a recording. Write how long after the channel's opening, such as 90s or 12m03.482s, or a time in UTC such as 17:02 or 17:02:49.
replay-beyond = There is nothing there: the recording lasts { $length }, from { $from } to { $until } UTC.
auditor-still-open-wait = Session { $number } is still in passage. What is recorded so far can be looked at in a terminal (“ssh -t”); as text, once the session is over.
replay-quit = q leaves
replay-keys = space pause · ←→ 10 s · + - speed · n p markers · ?
replay-keys-short = space ←→ +- np ?
replay-keys-help = ?
replay-keys-all = space pause · ←→ 10 s · +- speed · n p markers · Home/End · hjkl f view · q
replay-skipped = { $length } skipped
replay-playing = ▶
replay-paused = ⏸
replay-over = ■
replay-refused = refused: { $text }
replay-not-yet = This session is still in passage: { $option } reads a sealed recording. Leave it out to see what is recorded so far, or wait for the end of the session.
replay-cut-short = cut short by a crash
replay-not-sealed = Session { $number } has ended and its recording is being sealed: { $option } reads a sealed recording. Try again in a moment, or leave it out to see what is recorded.
replay-text-has-no-pace = Text has no pace: { $option } means something on a screen alone. Leave it out, or connect with “ssh -t” and without --text to replay on a screen.
replay-one-place = --at and --find both say where to begin: leave one of them out.
replay-unmask-is-whole = --unmask prints everything that was typed: { $option } cannot choose a part of it. Choose a channel with --channel, or look for words with “search WORDS --in hidden”.
replay-unmasked-times = All that was typed, in the order of time (UTC); “¤” marks lines with a part whose echo was not recognised.
replay-unmasked-line = { $time } channel { $channel } { $mark } │{" "}
replay-unmasked-untimed = Channel { $channel }, standard input without a terminal, and without times:
replay-transcript-head = Session { $number } · { $person } on { $target } · { $started }
replay-transcript-end = Ended { $time }: { $reason }

## Help

help-head = Commands:
help-request = Ask the client for an intervention. D is a length such as 30m or 2h, counted from the first use; with --at it cannot be used before that time, which is read in the time zone of the flow that is asked for, as UTC where it names none; the answer says how it was read. SIZE, such as 200MiB, is how much is to leave at most, where the matrix allows more.
help-interventions-technician = Your interventions and how they stand; of what is over, the latest. With its number, one of them in full.
help-flows = What you may ask for, on which targets.
help-topup = Let more pass in a session: so much from here on, whatever was spent. It goes on at once where a budget held it; --up is for what goes to the target.
help-slow = Slow a session at once, both ways: RATE is 8KiB/s for example; “off” lets it go as fast as its document lets it.
help-hold = Hold sessions at once, both ways: one, a target's, a technician's, or all. What runs on the target stays there. The technician reads the reason; what they type in a terminal meanwhile is not passed on.
help-ask = Ask the technician of a session to explain something: the session is held, the question stands on their terminal, and their answer is told to you and recorded.
help-resume = Let sessions go on that “hold” held: one, a target's, a technician's, or all. A budget that is spent holds it still: “topup”.
help-host-ca = The line for ~/.ssh/known_hosts by which your client knows the targets that it jumps to (ssh -J).
help-quota = What may still pass of your budgets: today's, those of your interventions, those of your sessions.
help-answer = Answer what an operator asks in a session of yours; without words, read what is asked.
help-cancel = Take a request back, or give an approved intervention up.
help-pending = The requests that wait for you. The technician sees that you have seen them.
help-approve = Say yes: as asked, or for less time, fewer bytes, flows, targets or accounts; --flow gives what one flow of the matrix gives of it, --line one line, such as "sftp-read: /var/log/app/**".
help-refuse = Say no, and why.
help-interventions-operator = What is going on on your targets, and the latest of what is over. With its number, one of them in full.
help-interventions-auditor = What your client was asked and what it answered, refusals too: all that is going on, the latest of what is over. With its number, one of them in full.
help-alerts = Everything you were alerted to in the last seven days, what is over as well. At log-on, “pending” and “live” tell a handful of what still matters.
help-live = The sessions in passage.
help-watch = See what a technician sees, as it changes. Where their terminal is larger than yours, h j k l or the arrow keys move over it, and f follows the cursor again. n goes to the next channel, c and then y cuts the session, ? shows the keys, q leaves. Where the flow wants a session accompanied, it passes only while an operator watches it: the line below says whether your watch counts, and once the last one leaves, the session waits.
help-cut = End sessions at once: one, a target's, a technician's, or all; with the last two, connections close too, of those who only wait as well. Nothing passes any more. What runs on a terminal there usually ends, and what it had in memory is lost; what runs without one may live on: look on the target. In doubt, “hold” first.
help-keep-out = Keep a person, a station, a target or everything (“all”) out of your targets until an operator lifts it with --lift: what is in passage ends at every gateway, and nothing of it begins anew. The technician reads the reason. Alone, it lists what is kept out.
help-posture = Heighten the posture of your client: everything is tightened at once as your document says ([posture.high]), and what it no longer allows ends after a warning, until “posture normal”, which takes a code of now. Technicians read the reason. Alone, it says how it stands and what it means.
help-posture-auditor = How the posture of your client stands: since when, by whom, why, and what it means.
help-people = The technicians whom your matrix reaches: who is accepted, their stations, keys and last session. Whoever is new has no right before you accept them; whoever is refused loses what is in passage.
help-withdraw = End an intervention for good: its sessions end, no new one opens.
help-changes = What changed for your client: documents, people, enrolments, copies.
help-recordings = What was recorded, newest first; “Hidden” counts the typed lines whose echo was not recognised, as the alert to operators does of the same session. What a prompt asked for without echo, such as a password, is not counted; “search --in hidden” lists that too.
help-search = Find a moment by what was typed, run, shown or refused, and how to replay it from there; with --in hidden, by typing whose echo was not recognised, for whom the client lets unmask. Without words, --in hidden, --in refusal, --in file and --in forward list all of it; otherwise sessions are listed. --way and --larger choose files and forwards by their way (“out” is from the target to the technician) and by how much passed.
help-replay = Play a recording; with --text, or without a terminal, print it in the order of time: all of it, or from --at or --find on. On the screen: space pauses and goes on, ← and → go 10 s back or on, + and - change the speed, n and p go to the next marker or the one before, Home and End to the beginning and the end, h j k l move over a screen larger than yours, f follows the cursor, ? shows the keys, q leaves.
help-help = This list, or what one command does.
help-exit = Leave.
help-families = FAMILY is one of: { $families }.
help-connect = To work on a target: { $command }

## Wrong use

usage-line = Use: { $usage }
usage-unknown-option = “{ $option }” is not an option of this command.
usage-no-value = “{ $option }” needs a value.
usage-twice = “{ $option }” is there twice.
usage-no-target = Name at least one target.
usage-no-id = Name an intervention by its number.
usage-no-session = Name a session by its number.
usage-no-sessions = Say what: a session by its number, a target or a technician by name, or “all”.
usage-no-person = Name a person.
usage-no-kept = Say who or what: a person, a station, a target, or “all”.
usage-no-size = Say how much: 50MiB.
usage-no-rate = Say how fast: 8KiB/s, or off.
usage-no-sentence = Say something that can be read, and no one-time code.
usage-no-length = Say for how long, such as --for 30m; “flows” says how long it can be.
usage-no-reason = Say why: --reason “…”.
usage-too-many-words = “{ $word }” is one word too many.
usage-number-unclear = “{ $typed }” is not a number.
usage-flow-unknown = “{ $typed }” is not a family of flows. There are: { $known }.

## Told in the technician's shell

# A budget, by its name in documents
budget-name = { $name ->
    [session] session
    [intervention] intervention
    [technician-day] technician, a day
    [channel] channel
    [day-target] target, a day
    [day-client] client, a day
    [day-gateway] gateway, a day
    [up-session] session, towards the target
    [up-intervention] intervention, towards the target
    [up-technician-day] technician, a day, towards the target
    [up-channel] channel, towards the target
    [up-day-target] target, a day, towards it
    [up-day-client] client, a day, towards its targets
    [up-day-gateway] gateway, a day, towards targets
   *[other] { $key }
}
budget-warn-end = Écluse: { $spent } of the { $limit } that may pass ({ $key }) are taken, { $percent } %. When they are spent, this ends.
budget-warn-slow = Écluse: { $spent } of the { $limit } that may pass ({ $key }) are taken, { $percent } %. Then it goes on at { $rate }, and is held at { $ceiling }.
budget-warn-hold = Écluse: { $spent } of the { $limit } that may pass ({ $key }) are taken, { $percent } %. When they are spent, this waits for an operator of the client.
budget-slowed = Écluse: the { $limit } that may pass ({ $key }) are spent. It goes on at { $rate }, and is held at { $ceiling }.
budget-held = Écluse: the { $limit } that may pass ({ $key }) are spent. Nothing more passes until an operator of { $client } adds to it; they are told. What is under way waits, and nothing of it is lost; what you type in a terminal meanwhile is not passed on.
budget-held-new = Écluse: the { $limit } that may pass ({ $key }) are spent, and this session is held. This was not started: nothing new is until an operator of { $client } adds to the budget; they are told.
budget-goes-on = Écluse: the budget lets more pass, and it goes on.
budget-goes-on-held = Écluse: the budget lets more pass, but { $by } holds this session: nothing passes until an operator lets it go on.
hold-told = Écluse: { $by } holds this session. Nothing more passes until an operator lets it go on. What is under way waits, and nothing of it is lost; what you type in a terminal meanwhile is not passed on.
hold-told-because = Écluse: { $by } holds this session: { $reason }. Nothing more passes until an operator lets it go on. What is under way waits, and nothing of it is lost; what you type in a terminal meanwhile is not passed on.
hold-new = Écluse: { $by } holds this session. This was not started, and nothing new is until an operator lets it go on.
ask-told = Écluse { $mark }: { $by } asks you: “{ $question }”. Nothing passes until an operator lets this session go on, and nothing is lost. Press Enter, then type your answer: it goes to the operator, not to the target.
ask-told-away = Écluse { $mark }: { $by } asks you: “{ $question }”. Nothing passes until an operator lets this session go on, and nothing is lost. Answer with: { $command }
ask-new = Écluse { $mark }: { $by } holds this session and asks you: “{ $question }”. This was not started, and nothing new is until an operator lets it go on. Answer with: { $command }
answer-label = Answer ({ $mark }):{" "}
answer-enter-first = Écluse: what you type is neither passed on nor an answer. To answer, press Enter first.
answer-none = Écluse: that is no answer: it is empty, or a one-time code. Press Enter to begin anew.
answer-not-kept = Écluse: your answer could not be put on record. Answer with: { $command }
answer-told = Écluse: { $by } asked: “{ $question }”. You answered: “{ $answer }”. The session goes on once an operator lets it.
answer-told-budget = Écluse: { $by } asked: “{ $question }”. You answered: “{ $answer }”. The session goes on once an operator lets it, and adds to the budget that is spent.
answer-owed = { $mark }: { $by } asks: “{ $question }”
answer-given = { $mark }: { $by } asked: “{ $question }”. You answered: “{ $answer }”.
answer-kept = That is on record, and told to the operators. Session { $session } goes on once one of them lets it.
answer-nothing-asked = Nothing is asked in session { $session } that waits for an answer.
hold-lifted = Écluse: { $by } lets this session go on.
hold-lifted-budget = Écluse: { $by } lets this session go on, but a budget that is spent still holds it: nothing passes until an operator adds to it.
idle-warned = Écluse: nobody types here. What is open on this terminal ends in { $left }; press a key to keep it.
idle-over = Écluse: nobody did anything here for { $length }, so this ends, as the flow “{ $flow }” says. Connect again to go on.
slow-told = Écluse: { $by } slows this session to { $rate }.
slow-lifted = Écluse: no operator slows this session any more.
budget-refused-keys = Écluse: what you typed while it was held ({ $count } B) was not passed on.
budget-spent = Écluse: the { $limit } that may pass ({ $key }) are spent.
totals-out = { $all } out (shells: { $shells }, commands: { $commands })
totals-in = { $all } in (shells: { $shells }, commands: { $commands })
totals-sessions = { $sessions ->
    [one] one session
   *[other] { $sessions } sessions
  }{ $open ->
    [0] {""}
    [one] , one of them open
   *[other] , { $open } of them open
  }
totals-so-far = of that { $out } out and { $in } in so far, in { $sessions ->
    [one] a session that goes on
   *[other] { $sessions } sessions that go on
  }
totals-recorded = of that at most { $out } out and { $in } in: what is recorded of { $sessions ->
    [one] a session that ended with its gateway
   *[other] { $sessions } sessions that ended with their gateway
  }
totals-drawn = of that { $out } out and { $in } in as drawn from budgets, for { $sessions ->
    [one] a session of which this gateway knows no more
   *[other] { $sessions } sessions of which this gateway knows no more
  }
totals-channel = Channel
totals-what = What
totals-shell = shell
totals-command = a command
totals-other-shells = smaller shells together
totals-other-commands = smaller commands together
totals-smaller = { $count ->
    [one] One smaller channel is not listed; it is in the sum.
   *[other] { $count } smaller channels are not listed; they are in the sum.
  }
totals-limits = a budget spent: { $count } ×
totals-topped-up = added to: { $count } ×
totals-held = held by hand: { $count } ×
totals-slowed = slowed by hand: { $count } ×
totals-cut = cut: { $count } ×
totals-asked = questions asked: { $count } ×
totals-answered = answered: { $count } ×
totals-signals = signals: { $count } ×
totals-posture = ended by the heightened posture: { $count } ×
quota-none = None of your interventions is approved, and so nothing may pass yet.
quota-of-today = today, { $client }
quota-of-intervention = intervention { $number }
quota-of-session = session { $number }
quota-unlimited = no limit
gauge-held = HELD, { $gauge }
gauge = { $percent } % of { $limit } ({ $key })
notice-budget = At most { $limits } may leave.
notice-budget-whole = { $limit } ({ $name })
notice-budget-left = { $left } of { $limit } ({ $name })
gateway-warning = Écluse: what you have open here ends in { $left }, at { $time }. Save your work.
notice-mark = A question of the gateway bears the mark { $mark }, which the target does not know.
notice-session = Écluse: session { $session }, intervention { $number }, { $left } left.
notice-then = Your intervention { $number }, approved for { $length }, can be used once this one is over.
notice-beside = Écluse: session { $session } begins for this: intervention { $number } permits it, and session { $before } of this connection does not.
notice-recorded = What you do here is recorded, and { $client } may watch it as you do it. It is read by { $readers } and kept { $kept }.
notice-auditors = its auditors
notice-auditors-named = its auditors ({ $names })
notice-keys = { $count ->
    [one] whoever holds its key
   *[other] whoever holds one of its { $count } keys
}
notice-auditors-and-keys = { $auditors } and { $keys }
notice-kept = for { $keep } after the service has ended
notice-kept-session = for { $keep } after the session
notice-kept-hold = for as long as it must not be destroyed

## Refusals of the policy crate (verdict/texts.rs gives the ids)

refusal-not-listed = { $target } is not among your targets.
refusal-no-intervention = No intervention is approved for you on { $target }.
refusal-pending = Your request { $number } on { $target } waits for the client's answer; nobody has looked at it yet.
refusal-pending-seen = Your request { $number } on { $target } waits for the client's answer; it was seen at { $seen_at }.
refusal-not-yet = Intervention { $number } begins at { $starts_at }. Come back then.
refusal-other-station = Intervention { $number } was asked from station { $asked_from }. Connect from there, or ask again from here.
refusal-outside-hours = { $target } is closed at this hour.
refusal-outside-hours-until = { $target } is closed at this hour. It opens at { $opens_at }.
refusal-choose-account = Several accounts are granted on { $target }: { $accounts }. Name one: PERSON+ACCOUNT@{ $target }
refusal-not-granted = Intervention { $number } was approved without { $what }. Ask the client for it in a new request.
refusal-matrix-narrower = The client's matrix does not allow what intervention { $number } was approved for. Ask again.
refusal-not-on-record = Intervention { $number } is not the one on record, so it opens nothing. Ask anew, and tell the client.
refusal-not-known-yet = Whether intervention { $number } still stands is not known: words of the gateway's log are missing. Try again in a minute; if it stays so, ask anew, and tell the client.
refusal-door-closed = The door of { $client } is closed: its document is not the one on record. The gateway's administrator puts the right one in force again.
contact-of = { $contacts ->
    [none] The client's document names nobody to call; turn to whoever gave you this work.
   *[other] Your contact: { $contacts }.
  }
refusal-kept-out-person = The client { $client } keeps you out: { $reason }. You have no right there until an operator lifts it. { contact-of }
refusal-kept-out-station = The client { $client } keeps out the station { $kept }, from which you connect: { $reason }. Nothing is allowed from there until an operator lifts it. { contact-of }
refusal-kept-out-target = The client { $client } keeps everybody away from { $kept }: { $reason }. Nobody works there until an operator lifts it. { contact-of }
refusal-kept-out-all = The client { $client } keeps everybody out: { $reason }. Nobody works there until an operator lifts it. { contact-of }
refusal-not-accepted = The client { $client } has not accepted you yet: you have no right there before one of its operators does; they see that you wait. { contact-of }
refusal-person-refused = The client { $client } does not accept you: you have no right there. { contact-of }
refusal-posture-yes = The client { $client } is in heightened posture since { $since }: { $reason }. Intervention { $number } is suspended, not lost: it has { $given } of { $needed } approvals. Once another operator has approved it, connect again. { contact-of }
refusal-posture-line = The client { $client } is in heightened posture since { $since }: { $reason }. Meanwhile “{ $line }” is refused to everybody; ask for something else, or wait until it is over. { contact-of }
refusal-posture-window = The client { $client } is in heightened posture since { $since }: { $reason }. Interventions are shorter meanwhile: this one was over at { $closed_at }. Ask for a new one, or wait until the posture is over. { contact-of }
refusal-posture-length = The client { $client } is in heightened posture since { $since }: { $reason }. Interventions are shorter meanwhile: { $asked } is too long, ask for { $at_most } at most.
refusal-posture-bytes = The client { $client } is in heightened posture since { $since }: { $reason }. Less may leave meanwhile: { $asked } is too much, ask for { $at_most } at most.
refusal-posture-line-to-grant = The client { $client } is in heightened posture since { $since }: { $reason }. Meanwhile “{ $line }”, which intervention { $number } asks for, is refused to everybody: approve less (approve { $number } --only …), refuse it, or wait until the posture is over.
refusal-posture-length-to-grant = The client { $client } is in heightened posture since { $since }: { $reason }. Meanwhile the { $asked } of intervention { $number } are too long: approve { $number } --for { $at_most }, or less.
refusal-posture-bytes-to-grant = The client { $client } is in heightened posture since { $since }: { $reason }. Less may leave meanwhile: { $asked } is too much, { $at_most } at most can be granted: approve { $number } --bytes { $typed }
refusal-is-kept-out = “{ $kept }” is kept out: nobody would pass. Lift it first: keep-out { $kept } --lift
refusal-accept-first = { $person } is not accepted by you, and would not pass. Accept them first: people accept { $person }
refusal-window-over = This intervention ended at { $closed_at }. Ask the client for a new window and reconnect.
refusal-flow-not-listed = { $flow } is not part of this intervention. Missing: { $missing }
refusal-command = { $flow } is not part of this intervention: { $reason }. Missing: { $missing }
refusal-env = { $flow } is not sent: { $reason }. Missing: { $missing }
refusal-no-terminal = { $flow } is allowed without a terminal only, by “{ $line }” of the flow { $line_of }. Run it without one: ssh -T …
refusal-term = A terminal named “{ $term }” is not passed on: its name has 1 to 64 of A-Z a-z 0-9 . _ + -. Name another: TERM=xterm-256color ssh …
refusal-not-brought = { $flow } does not come with “{ $line }”.
refusal-too-late = { $flow } comes too late on this channel. Ask for it on another one.
refusal-derogation-over = “{ $line }” of the flow { $line_of } was allowed until { $over_at } only. Ask the client whether it still is.
refusal-not-a-technician = This is for a provider's technicians. Type “help” to see what there is for you.
refusal-not-an-operator = This is for the client's operators. Type “help” to see what there is for you.
refusal-not-an-auditor = This is for the client's auditors. Type “help” to see what there is for you.
refusal-code-wanted = Before that, the gateway makes sure that it is you. It wants a one-time code, the six digits that your authenticator shows now: none was given on this connection in the last { $within }.
refusal-not-unmasking = Masked input is not shown to you. The client's document names who may read it (auditor, “unmask”).
refusal-no-target = Name at least one target: request TARGET --for 2h --reason "…"
refusal-several-clients = These targets belong to several clients. Ask each client separately.
refusal-no-common-account = No account is allowed on all of these targets. Ask for each target separately.
refusal-name-account = Several accounts are possible: { $accounts }. Name one: --account ACCOUNT
refusal-not-in-matrix = { $capability } is not allowed to you on { $target }.
refusal-outside-matrix = The client's matrix does not allow { $capability } on { $target } any more, which intervention { $number } asks for. Approve less (approve { $number } --only …), or refuse it.
refusal-nothing-asked = These targets have nothing in common that you may ask for. Ask for each target separately.
refusal-reason = A reason has 1 to { $longest } characters on one line, and none that are invisible (direction marks, joiners, fillers, private signs).
refusal-reason-is-code = Six digits are no reason: a one-time code stays with you. Say in words why.
refusal-length = { $asked } is not possible here: between 1s and { $at_most } can be asked.
refusal-bytes = { $asked } cannot be asked for here: between 1 B and { $at_most } may leave in one intervention.
refusal-length-to-grant = The client's matrix allows { $at_most } at most for what intervention { $number } asks for, not { $asked }. Approve less: approve { $number } --for { $at_most }
refusal-bytes-to-grant = The client's matrix lets { $at_most } leave at most in intervention { $number }, not { $asked }. Approve less: approve { $number } --bytes { $typed }
refusal-start = { $start } is not possible as a start: the latest is { $latest }.
refusal-never-open = What you ask for is closed until { $opens_at }, and this period would be over at { $until } at the latest: nobody could use it. Ask for that time: request … --at { $at }
refusal-too-many-waiting = { $waiting ->
    [one] One request waits for an answer already.
   *[other] { $waiting } requests wait for an answer already.
} Cancel one, or wait for the client.
refusal-too-often = You have made { $made ->
    [one] one request
   *[other] { $made } requests
} within an hour, which is the most. Ask again after { $again_at }.
refusal-not-its-operator = Only an operator of the client decides on its interventions.
refusal-own-request = Nobody approves their own request.
refusal-already-approved = You have approved intervention { $number } already. Another operator must approve it too.
refusal-nothing-left = Nothing would be left of intervention { $number }. Refuse it with a reason instead.
refusal-only-shrinks = An approval only shrinks what was asked; { $what } was not asked.
refusal-no-such-intervention = There is no such intervention any more. “interventions” lists those there are.
refusal-wrong-state = Intervention { $number } is { $state ->
    [requested] still waiting for an answer
    [approved] already approved
    [refused] refused
    [expired] expired
    [open] open
    [closed] closed
    [cancelled] cancelled
   *[other] in another state
}: nothing to { $step ->
    [approve] approve
    [refuse] refuse
    [cancel] cancel
    [open] open
    [close] end
   *[other] do
}.
refusal-refuse-instead = Intervention { $number } is still waiting for an answer: there is nothing to end yet. “refuse { $number }” says no to it.
refusal-withdraw-instead = Intervention { $number } is answered already. “withdraw { $number }” ends it.
refusal-not-yours = Intervention { $number } is not yours.

why-command-other-words = it is not the command that was agreed
why-command-shell-meaning = { $shown } has a meaning to a shell and is never part of an agreed command
why-command-spacing = its words must be separated by one space each, with none before or after
why-command-hole = what stands for { $hole } does not fit
why-command-too-long = it is too long
why-command-empty = it is empty or holds a NUL byte
why-env-not-listed = it is not on the list
why-env-dangerous = it can make a program of the target run other code and is never sent
why-env-value = its value is too long or holds what no such variable needs

## Why something ended (policy crate)

end-window-over = The window of this intervention closed at { $closed_at }.
end-hours-over = The hours of the flow { $line_of } ended at { $closed_at }.
end-derogation-over = “{ $line }” of the flow { $line_of } was allowed until { $over_at } only, so it ends. Ask the client whether it still is.
end-intervention-ended = Intervention { $number } is { $state ->
    [refused] refused
    [expired] expired
    [closed] closed
    [cancelled] cancelled
   *[other] over
}.
end-intervention-withdrawn = { $by } ended intervention { $number } before its time: { $reason }
    Connect again to ask for another one.
end-matrix-changed = The client changed what is allowed on { $target }.
end-not-on-record = Intervention { $number } is not the one on record any more.
end-door-closed = The door of { $client } is closed: its document is not the one on record.
end-kept-out = An operator of { $client } ended this and keeps it out until further notice: { $reason }. { contact-of }
end-not-accepted = The client { $client } does not accept you, or no longer does. { contact-of }
end-posture-yes = The client { $client } is in heightened posture since { $since }: { $reason }. Intervention { $number } is suspended, not lost: once another operator has approved it, connect again.
end-posture-line = The client { $client } is in heightened posture since { $since }: { $reason }. “{ $line }” is refused meanwhile: ask for something else, or wait until the posture is over.
end-posture-window = The client { $client } is in heightened posture since { $since }: { $reason }. Interventions are shorter meanwhile, and this one is over: ask for a new one, or wait until the posture is over.
ended-person-removed = Your account was removed.
ended-person-disabled = Your account is disabled.
ended-person-expired = Your account has expired.
ended-key-withdrawn = The key you logged in with was withdrawn.
ended-certificate-over = The certificate you logged in with is no longer valid.
ended-network-withdrawn = You connect from an address from which your account may not be used.
ended-station-withdrawn = The station you work from was withdrawn.
ended-provider-closed = The document of your organisation is not the one on record. The gateway's administrator puts the right one in force again.

## At the door: logging on (said to whoever has proven their keys). ASCII but for the prompt: OpenSSH shows the rest in octal

login-banner = Access is reserved for authorised remote maintenance. Connections, and what is done on them, are recorded and may be watched.
login-instructions = Enter the six digits that your authenticator shows now.
    Each code works once: after using one, wait for the next.
login-code-refused = That code was not accepted: it is wrong, or was used before.
    { $left ->
        [one] One more wrong code
       *[other] { $left } more wrong codes
    } and no code is looked at for { $length }.
login-code-shape = Six digits are wanted here, no password and no empty line. This does not count as a wrong code.
login-whom-to-ask = If that is not right, ask the gateway's administrator.
login-too-late = The time to log on is over ({ $length }). Connect again.
barred-expired = Your account expired on { $expired_at }.
barred-disabled = Your account is disabled.
barred-provider-closed = The document of your organisation in this gateway is not the one on record: nobody of it is let in, and no code is looked at.
barred-unused = Your account is disabled: it was not used since { $since }.
barred-blocked = Blocked. No code is looked at until { $until }: too many wrong codes came from you or from your address.
login-code = One-time code:{" "}
# ASCII alone: SSH clients show these words byte by byte.
door-too-many = Too many connections wait here for their log-on, so this one is closed. Try again in a minute; the operators have been told.
door-too-many-of-source = Too many connections are open from your address, so this one is closed. Close some, or wait a minute.
door-too-many-of-person = You have too many connections open here: close some and try again.
door-gateway-stops = The gateway stops. Connect again later.
jump-account = The user name of a jump is the account on { $target }: ssh -J YOU@GATEWAY ACCOUNT@{ $target }
door-too-often = You have logged on very often within a minute: use one connection for several commands (ControlMaster), and try again in a minute.
door-too-many-inside = All places are taken, but those kept for operators: try again in a few minutes. The operators have been told.

## A code in the middle of a dialogue

step-up-again = This code was used before; wait for the next.
step-up-wrong = This code is not right.
step-up-given-up = No code was proven; nothing was done.
step-up-needs-terminal = Here nobody can be asked for one. Give your command once more with -t, or: { $command }

## On the way to a target

target-unresolved = Écluse: the name of { $target } cannot be resolved. Tell the client's technical contact.
target-down = Écluse: { $target } refuses connections. Tell the client's technical contact.
target-silent = Écluse: { $target } does not answer. Try again, or tell the client's technical contact.
target-host-key = Écluse: { $target } proved another identity than the pinned one, so nothing was sent to it.
    Presented: { $got }
    Pinned: { $pinned }
    The client's operators have been told. Do not try to get around this.
target-handshake = Écluse: { $target } does not speak SSH as agreed. Tell the client's technical contact.
target-no-credential = Écluse: no credential is set for account { $account } of { $target }. The gateway's administrator sets it with: ecluse credential set { $target } { $account }
target-bad-credential = Écluse: the credential of account { $account } of { $target } cannot be used. Tell the gateway's administrator.
target-authentication = Écluse: { $target } refuses the gateway's credential for account { $account }. Tell the gateway's administrator.
target-channel = Écluse: { $target } let the gateway in but opens no channel. Try again, or tell the client's technical contact.
target-refused-start = Écluse: { $target } refused to start what you asked for.
target-lost = Écluse: the connection to { $target } broke.

## When a session ends before its own end

end-connection-cut = Écluse: this connection was closed by { $by }.
end-connection-cut-because = Écluse: this connection was closed by { $by }: { $reason }
end-cut = Écluse: this session was cut by { $by }.
end-cut-because = Écluse: this session was cut by { $by }: { $reason }
end-unrecorded = Écluse: this session cannot be recorded, so it ends. Tell the gateway's administrator.
end-unread = Écluse: session { $session } on this connection ended and your client did not read its end, so the connection is closed.
end-quota = Écluse: a budget is spent: { $limit } ({ $key }). Passed: { $spent }. This ends here.
quota-passed-apart = { $passed } in this session, of { $taken } taken from this budget in all
quota-helps-session = Connect again: another session has a budget of its own, within that of the intervention.
quota-helps-day = It begins anew tomorrow. If you need more today, ask the client's operators.
end-overflow = Écluse: your client ignored the flow control of SSH, so this session ends.
command-over-budget = Écluse: what you ask for is { $size }, and no more than { $limit } may pass ({ $key }): connecting again does not help. Ask the operators of { $client } for a larger budget, or send less.
command-too-long = Écluse: this command is longer than 128 KiB, so it is refused. Send it to the command's standard input instead.
end-ended-on-record = Écluse: this session was ended on record: its gateway had been taken out by its administrator, and lived. It ends now; connect again, what was asked and approved stays as it is.
end-gateway-stops = Écluse: the gateway stops. Connect again later; what was asked and approved stays as it is.
space-full = Écluse: the gateway has too little room left to record a session, so none begins. Tell its administrator; the client's operators are told.
memory-full = Écluse: the gateway has too little memory left to record one more session on this connection. Close another session there, or open another connection.
memory-full-terminal = Écluse: the gateway has too little memory left for one more terminal of this size on this connection. Make the window smaller, close another shell there, or open another connection.
store-silent = Écluse: the gateway cannot look up or record what is approved. Try again, or tell its administrator.

## Why a session ended, for those who read of it afterwards

over-closed = closed
over-target-lost = the connection to the target broke
over-idle = nobody did anything any more
over-window = its window ended at { $time }
over-hours = the hours of { $flow } ended at { $time }
over-derogation = “{ $line }” of { $flow } was allowed until { $time } only
over-account = the technician's account ended
over-key = the technician's key ended
over-place = the technician's station or address may not be used
over-intervention-by = intervention { $number } was ended by { $person }: { $reason }
over-intervention-finished = { $person } ended intervention { $number }
over-intervention = intervention { $number } was ended
over-matrix = the client changed what is allowed on { $target }
over-not-on-record = intervention #{ $number } was not the one on record any more
over-door-closed = a document was not the one on record, and its door closed
over-kept-out = kept out by { $person }: { $reason }
over-posture-yes = ended for want of another operator's yes, by the heightened posture of { $person }: { $reason }
over-posture-line = refused by the heightened posture of { $person }: { $reason }
over-posture-window = its window was over by the heightened posture of { $person }: { $reason }
over-person-refused = the technician was refused by { $person }
over-not-accepted = the technician was not accepted by the client any more
over-cut = cut by { $person }
over-cut-because = cut by { $person }: { $reason }
over-unrecorded = it could not be recorded: { $problem }
over-quota = a budget was spent: { $limit } ({ $key }), passed: { $spent }
over-overflow = the technician's client broke the protocol
over-unread = session { $session } of the connection ended unread
over-ended-on-record = it had been ended on record before: its gateway had been taken out, and lived
over-gateway-stops = the gateway stopped
over-in-english = { $reason }
over-orphaned = the gateway stopped without closing it
over-ended-after = after { $after }
over-ended-between = after { $after }, at the latest { $latest }
over-recovered-frame = ended { $when }: the gateway stopped without closing it; its last recorded frame is all that tells
over-recovered-write = ended { $when }: the gateway stopped without closing it; the last write to the recording, which it cannot read, is all that tells
over-recovered-log = ended { $when }: the gateway stopped without closing it; the last word about it in the journal is all that tells

## Accompaniment (I4)

accompany-waits = Écluse: this session is accompanied: nothing passes, and nothing is started on the target, until an operator of { $client } watches it (watch { $session }). They are told. It goes on by itself then; meanwhile the time of the intervention runs, and what you type is not passed on.
accompany-left = Écluse: nobody of { $client } watches this session any more, and it is paused until an operator does (watch { $session }). They are told. What is under way waits, and nothing of it is lost; what you type in a terminal meanwhile is not passed on.
accompany-goes-on = Écluse: { $people } { $held ->
    [yes] watches this session, but it is held: nothing passes yet.
   *[no] watches this session: it goes on.
}
accompany-over = Écluse: { $held ->
    [yes] this session does not have to be accompanied any more, but it is held: nothing passes yet.
   *[no] this session does not have to be accompanied any more: it goes on.
}
accompany-request = Accompanied, by the flow { $flow }: nothing passes unless an operator of { $client } watches the session, each { $count ->
    [one] one session
   *[other] { $count } sessions
} at most.
accompany-flow = yes: an operator watches, each { $count ->
    [one] one session
   *[other] { $count } sessions
} at most
accompany-presence = session { $session }: { $by }, { $open ->
    [yes] since { $from }{ $until }
   *[no] { $from } to { $until }
}
hold-lifted-alone = Écluse: { $by } lets this session go on, but nobody watches it: nothing passes until one does.
budget-goes-on-alone = Écluse: the budget lets more pass, but nobody of the client watches this session: nothing passes until an operator does.
field-accompanied = Accompanied
live-alone = WAITS since { $since } for an operator: watch { $session }
live-accompanied = accompanied by { $by }
operator-alone = { $time }  Session { $session } of { $person } on { $target } { $over ->
    [yes] waited for an operator who watches it; it waits no more.
   *[no] waits for an operator who watches it: watch { $session }
}
operator-more-alone = { $time }  And { $count ->
    [one] one more session
   *[other] { $count } more sessions
} of { $person } waited for an operator ({ $numbers }); live shows those that still do.
operator-waits = { $time }  { $person } on { $target } { $over ->
    [yes] waited for a yes ({ $nth }) to “{ $what }”; it waits no more.
   *[no] waits for a yes to “{ $what }”: confirm { $nth }, or deny { $nth } --reason "…"
  }
operator-more-waits = { $time }  And { $person } waited for a yes { $count ->
    [one] one more time
   *[other] { $count } more times
} (in session { $numbers }); “confirm” lists what still does.
live-waits = waits for a yes ({ $nth }) to “{ $what }”
field-confirm = Waits for a yes
field-confirmed = Yes and no
confirm-line = { $what } ({ $each ->
    [yes] each time
   *[no] once a session
}, within { $within })
confirm-request = While it is in use, by the flow { $flow }, this waits in its channel for a yes of an operator of { $client }: { $what }.
confirm-was = { $nth } “{ $what }”: { $said ->
    [yes] { $by } said yes
    [no] { $by } said no{ $reason }
    [nobody] nobody said yes{ $reason }
   *[open] waits
} ({ $at })
confirm-because = :
confirm-was-more = { $count ->
    [one] and one before
   *[other] and { $count } before
}
totals-confirms = yeses while in use: { $count }
totals-denials = refused, or nobody answered: { $count }
help-confirm = Say yes to something that waits for it in a session, by its number such as 12.1; without one, list what waits.
help-deny = Say no to something that waits for a yes; the technician reads the reason.
usage-no-waiting = Say which, by its number such as 12.1: “confirm” lists what waits.
confirm-unclear = “{ $typed }” is not the number of something that waits, such as 12.1: “confirm” lists what does.
confirm-none-such = Nothing of the number { $nth } waits or waited for a yes in a session that you can see. “confirm” lists what waits.
confirm-none-waits = Nothing waits for a yes.
confirm-waits = { $nth }  { $person } on { $target }: “{ $what }”, until { $until }. confirm { $nth }, or deny { $nth } --reason "…"
confirm-said-yes = Yes: { $person } may do this in session { $session }: “{ $what }”.
confirm-said-no = No: { $person } is refused this in session { $session }: “{ $what }”.
confirm-was-yes = { $by } said yes to “{ $what }” already ({ $nth }).
confirm-was-no = { $by } said no to “{ $what }” already ({ $nth }).
confirm-was-over = “{ $what }” ({ $nth }) waits no more: nobody answered in time, or its session or channel stopped waiting. { $person } has to ask again.
confirm-asked = Écluse: “{ $what }” waits for a yes of the client. Asked: { $asked }. Without an answer within { $within } it is refused; everything else goes on.
confirm-agreed = Écluse: { $by } said yes to “{ $what }”.
confirm-denied = { $by } said no to “{ $what }”.
confirm-denied-because = { $by } said no to “{ $what }”: { $reason }
confirm-unanswered = “{ $what }” needs a yes of the client, and nobody answered within { $within }. Try again, or call somebody first.
confirm-held = “{ $what }” waited for a yes of the client, and its session was held meanwhile. Try again once it goes on.
confirm-too-many = “{ $what }” needs a yes of the client, and this session has asked for too many. End it and open another.
confirm-too-long = “{ $what }” needs a yes of the client, and is longer than the { $most } of it that an operator is shown whole, so it is refused. Use shorter names, or split the command.
confirm-nobody = “{ $what }” needs a yes of the client, and none of its operators is logged on. { contact-of }
operator-still-alone = Session { $session } waits for an operator who watches it, and that stays: watch { $session }
totals-left-alone = left alone: { $count } ×
watch-accompanies = you accompany it
watch-not-counted = you do not accompany it yet
watch-full = YOU DO NOT ACCOMPANY IT: already { $count ->
    [one] 1 other
   *[other] { $count } others
}

# Files: words within their protocol, each on one line
files-missing = { $line } is not part of this intervention. What you may ask for: { $command }
files-missing-ask = { $line } is not part of this intervention; your flows list it. Ask for it with: { $command }
files-missing-nowhere = { $line } is not part of this intervention, and none of your flows lists it: only the client can add it. { contact-of } What you may ask for: { $command }
files-no-target = Files are copied to and from a target: name it, as in PERSON+TARGET@gateway.
forward-unpaid = Nothing more passes for now: a budget is spent, or an operator holds the session. They are told. How it stands: { $command }
forward-no-target = Nothing goes there. A connection goes through a target, as in ssh -L … PERSON+TARGET@gateway; to a target of your flows one jumps by its id, as in ssh -J PERSON@gateway ACCOUNT@TARGET.
forward-unreachable = Écluse: { $target } does not reach { $place }. It is allowed; nothing answers there. Tell the client's technical contact.
forward-prohibited = Écluse: the SSH server of { $target } lets nothing be forwarded to { $place }. It is allowed here; tell the client's technical contact (AllowTcpForwarding, PermitOpen).
word-or = or
gateway-not-in-flows = None of your flows lists that: only the client can add it to one. { contact-of }
forward-target-door = { $place } is the door of { $target } by SSH, to which no forward goes. Work there by its name: { $command }
forward-several-targets = { $place } is the door of several of your targets: { $targets }. Jump to one of them by its name: { $command } ACCOUNT@TARGET
forward-own-door = Écluse: { $place } is a door of the gateway itself, to which no connection goes. Ask for a target by its name.
files-protocol = The transfer of files ended: one of the two programs does not speak SFTP as it should. Start it again; if it ends again, use another program.
files-no-handle = No file is open by that name. Open it again.
files-other-handle = The file was not opened for that. Open it again for what you want to do.
files-many-handles = Too many files are open at once. Close some.
files-many-wait = Too many requests wait for an answer. Wait for one of them.
files-unknown = This request is not served here.
files-unusual = This request holds what SFTP version 3 does not have.
files-malformed = This request cannot be read.
files-no-path = A path has up to 4096 bytes and no NUL.
files-no-way = The target does not say where this path leads, so it cannot be looked up among what was agreed.
files-moved = The path led elsewhere while it was being opened. Try again.
files-climbs = Where a link points is written here without “..”, because that leads elsewhere once a directory is renamed. Write the absolute path.
copy-protocol = The transfer of files ended: one of the two programs does not speak `scp` as it should. Start it again; if it ends again, use `sftp`, or `scp` without -O.
copy-no-sftp = This target has no SFTP subsystem, so it does not say where paths lead and `scp` cannot be checked there. Ask the client to enable it.
copy-nothing = No such file or directory
copy-no-name = What is copied is called by its own name, not by “.”, “..” or “/”. Write its path.
copy-same-name = Two of these files have the same name. Copy them one by one.
copy-no-quotes = This path holds a line break, which `scp` cannot be given. Use `sftp`.
files-no-links = Links are made only on servers of the kind of OpenSSH.

## Programs that read and write trees (rsync, git)

tree-daemon = Rsync's daemon and its modules (HOST::MODULE) are not served. Write HOST:/PATH.
tree-secluded = rsync -s (--secluded-args, RSYNC_PROTECT_ARGS) hides the paths, so they cannot be checked. Leave it out, or write --no-s.
tree-rsync-option = Rsync's option { $option } is not allowed here: it may lead out of the paths that were agreed. Leave it out.
tree-rsync-form = This is not how rsync's own client starts it. Use rsync as in rsync -a HOST:/PATH/ .
tree-archive = git archive --remote is not served. Clone the repository instead.
tree-git-option = Git's option { $option } is not allowed here. Leave it out.
tree-git-form = This is not how git's own client starts it. Use git as in git clone HOST:/PATH
tree-no-sftp = This target has no SFTP subsystem, so it does not say where paths lead, and neither rsync nor git can be checked there. Ask the client to enable it.
tree-no-repository = There is no repository at this path. Write the path of the repository itself.
tree-no-quotes = The name of this path cannot be written on a command line. Use `sftp`.

## Receipts (P10)

help-receipts = The numbered receipts of files that passed, the latest first: who sent, who received, when, what, its SHA-256; N shows one, --csv writes all of them.
receipts-none = No file of this choice has passed.
receipts-none-such = There is no receipt { $id } that you can see. “receipts” lists them.
receipts-way-unclear = “{ $typed }” is no way that a file passes: “out” is from the target to the technician, “in” the other way.
receipts-older-left-out = Only the latest { $shown } are shown; choose with --person, --target, --intervention, --way, --since, --until, or write all of them with --csv.
receipts-out = from the target
receipts-in = to the target
receipts-unknown = not known
receipts-extent = { $extent ->
    [whole] all of the file
    [partial] a part of the file
    [sparse] parts of the file
   *[other] nothing of the file
}
receipts-outcome = { $outcome ->
    [done] done
    [failed] the target reported an error
    [withdrawn] ended: its right was lost meanwhile
    [unfinished] the channel ended before
   *[other] { $outcome }
}
field-receipt = Receipt
field-passed-at = When
field-way = Way
field-size = Size
field-path = Path
field-sender = Sent by
field-receiver = Received by
field-digest = SHA-256
field-outcome = Outcome
field-by = By
field-entry = Entry of the log
totals-receipts = receipts of files: { $count }
usage-line-unclear = “{ $typed }” is no line as flows write it, such as “shell”, “command: uptime” or “sftp-read: /var/log/app/**”.
