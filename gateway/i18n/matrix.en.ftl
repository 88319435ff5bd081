
# The flow matrix on paper, what is reached, and a client's own cases.
help-matrix = Your client's flow matrix as one annexes it to a contract: each line with its reason, its derogations and what was seen of it in the last 90 days; --format csv, html or json writes it to keep.
help-reach = Everything that a person can reach of your client, or, with --target, everybody who can reach a target: accounts, lines, hours, stations, ends.
matrix-format-unclear = “{ $typed }” is no form of the matrix: table, csv, html or json.
matrix-title = FLOW MATRIX
matrix-title-of = Flow matrix – { $client }
matrix-client = Client
matrix-at = Printed
matrix-version = Version of the documents
matrix-document = Document
matrix-digest = SHA-256
matrix-since = In force
matrix-since-version = since version { $version }, { $at }, applied by { $by }
matrix-posture = Posture
matrix-posture-since = heightened since { $since }; what stands here is what is written
matrix-flow = FLOW { $flow }
matrix-flow-of = Flow
matrix-flows = Flows
matrix-why = Why
matrix-no-why = not justified
matrix-line-why = why: { $why }
matrix-technicians = Technicians
matrix-who = { $who } ({ $count ->
    [0] nobody today
    *[other] today { $people }
  })
matrix-stations = Stations
matrix-nowhere = from no station
matrix-targets = Targets
matrix-account = Accounts
matrix-hours = Hours
matrix-authentication = Authentication
matrix-approvals = Approval
matrix-approval = { $by ->
    [one] 1 operator, { $length } at most
    *[other] { $by } operators, { $length } at most
  }
matrix-approval-accompanied = { $approval }; accompanied, { $each ->
    [one] 1 session an operator
    *[other] { $each } sessions an operator
  }
matrix-extraction = Extraction
matrix-bounds-of = { $target }: { $bounds }
matrix-no-bounds = no bound
matrix-unlimited = unlimited
matrix-idle = Ends unattended after
matrix-confirm = Waits for a yes
matrix-seen-of = Seen
matrix-seen-head = Seen in 90 days
matrix-line = Line
matrix-towards = Direction
matrix-terms = Terms
matrix-to-target = to the target
matrix-to-technician = to the technician
matrix-both-ways = both ways
matrix-terminal = with a terminal
matrix-derogation = derogation: { $owner } answers for it until { $until } ({ $days ->
    [0] the last day
    [one] 1 day left
    *[other] { $days } days left
  })
matrix-derogation-over = derogation of { $owner } over since { $until }: not in force
matrix-unanswered = a derogation that nobody answers for: not in force
matrix-seen = { $uses ->
    [0] not used
    [one] used once, { $last }
    *[other] used { $uses } times in { $sessions ->
        [one] 1 session
        *[other] { $sessions } sessions
      }, last { $last }
  }; { $granted ->
    [0] no intervention granted
    [one] 1 intervention granted
    *[other] { $granted } interventions granted
  }
matrix-dead = DEAD: not once in { $days } days; { $granted ->
    [0] no intervention granted
    [one] 1 intervention granted
    *[other] { $granted } interventions granted
  }. Is it still needed?
matrix-not-yet = not yet: in the matrix since { $since }
matrix-unknown = not known: the log does not tell any more, or not of this line alone
matrix-empty = The matrix has no flow: nothing passes.
matrix-accounts = ACCOUNTS AND CREDENTIALS
matrix-account-on = Account
matrix-credential-is = Credential
matrix-credential-why = Why the credential
matrix-credential = { $kind ->
    [private-key] private key
    [password] password
    [certificate] certificate of minutes
    *[other] { $kind }
  }, since { $since }
matrix-no-credential = none
matrix-derogations = DEROGATIONS
matrix-none = none
matrix-what = What
matrix-place = Where
matrix-owner = Owner
matrix-until = Until
matrix-stands = State
matrix-over = OVER: not in force any more
matrix-days-left = { $days ->
    [0] the last day
    [one] 1 day left
    *[other] { $days } days left
  }
matrix-remarks = NOT IN ORDER
matrix-remark-over = { $what } ({ $place }): over since { $until }, { $owner } answered for it. What it gave is not in force any more: renew it or remove it.
matrix-gone = { $count ->
    [one] One use was of a line that is not in the matrix any more.
    *[other] { $count } uses were of lines that are not in the matrix any more.
  }
matrix-wordless = { $count ->
    [one] One entry of the log does not read, or has lost its words to retention: of which line it was a use is not known.
    *[other] { $count } entries of the log do not read, or have lost their words to retention: of which lines they were uses is not known.
  }
matrix-without-why = Not justified: { $all }.
matrix-foot = What was seen is that of the log from { $from } to { $to } ({ $days } days). What this sheet does not list does not pass.
usage-no-person-or-target = Name a person, or a target with --target.
reach-line = { $person } ({ $provider }) on { $target } ({ $address }, { $client })
reach-nothing = Nothing is reached: no flow names them.
reach-closed-now = { $hours } (closed now)
reach-expires = Account until
reach-barred = Barred now
cases-failed-allowed = { $file }:{ $line }: “{ $name }”: must be allowed, and is refused
cases-failed-by = { $file }:{ $line }: “{ $name }”: must be allowed by { $by }, and is allowed by { $flows }
cases-failed-refused = { $file }:{ $line }: “{ $name }”: must be refused, and is allowed by { $flows }
cases-failed-because = { $file }:{ $line }: “{ $name }”: is refused, and not for “{ $because }”
cases-right = { $count ->
    [one] The one case holds.
    *[other] All { $count } cases hold.
  }
cases-wrong = { $failed } of { $count ->
    [one] 1 case does
    *[other] { $count } cases do
  } not hold.
