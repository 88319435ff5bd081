//! A8, O4: every act × everybody, in every standing. The documents in force at the act decide, not those of the log-on.

use ecluse_policy::*;

use crate::site::*;

/// Somebody who logged on while everything was in order.
struct Person {
    id: &'static str,
    keys: &'static [u8],
    key: u8,
    role: Is,
    /// Of the provider or client whose things the acts below are about.
    theirs: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    Technician,
    Operator,
    Auditor,
}

const PEOPLE: &[Person] = &[
    Person {
        id: "alice",
        keys: &[ATELIER_1, ALICE],
        key: ALICE,
        role: Is::Technician,
        theirs: true,
    },
    Person {
        id: "bruno",
        keys: &[ATELIER_2, BRUNO],
        key: BRUNO,
        role: Is::Technician,
        theirs: false,
    },
    Person {
        id: "other-technician",
        keys: &[ELSEWHERE_STATION, ELSEWHERE_PERSON],
        key: ELSEWHERE_PERSON,
        role: Is::Technician,
        theirs: false,
    },
    Person {
        id: "odile",
        keys: &[ODILE],
        key: ODILE,
        role: Is::Operator,
        theirs: true,
    },
    Person {
        id: "other-operator",
        keys: &[OTHER_OPERATOR],
        key: OTHER_OPERATOR,
        role: Is::Operator,
        theirs: false,
    },
    Person {
        id: "aurele",
        keys: &[AURELE],
        key: AURELE,
        role: Is::Auditor,
        theirs: true,
    },
    Person {
        id: "other-auditor",
        keys: &[OTHER_AUDITOR],
        key: OTHER_AUDITOR,
        role: Is::Auditor,
        theirs: false,
    },
];

/// What became of them since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    InForce,
    Disabled,
    Expired,
    Removed,
    KeyReplaced,
    /// Somebody of another role bears the name.
    OtherRole,
    /// Somebody of the same role elsewhere bears the name.
    Elsewhere,
    /// The station they came from is switched off.
    StationDisabled,
}

const STANDINGS: [Standing; 8] = [
    Standing::InForce,
    Standing::Disabled,
    Standing::Expired,
    Standing::Removed,
    Standing::KeyReplaced,
    Standing::OtherRole,
    Standing::Elsewhere,
    Standing::StationDisabled,
];

/// What an act needs, beside a person in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    Technician,
    /// The technician whom the matrix names.
    Listed,
    /// The technician who asked.
    Asker,
    Operator,
    /// An operator of the client that was asked.
    ItsOperator,
    Auditor,
    Unmasking,
}

type Act = fn(&Documents, &Authenticated, Timestamp) -> Result<(), Refusal>;

/// Every act there is, with the mandate it takes.
const ACTS: &[(&str, Needs, Act)] = &[
    ("flows", Needs::Technician, |documents, by, now| {
        by.as_technician(documents, now)
            .map(|by| drop(by.reaches()))
    }),
    (
        "interventions, own",
        Needs::Technician,
        |documents, by, now| by.as_technician(documents, now).map(drop),
    ),
    ("request", Needs::Listed, |documents, by, now| {
        let (id, number) = ids(18);
        let by = by.as_technician(documents, now)?;
        let ask = ask_for(&["db01"], "2h");
        intervention::request(&by, ask, Waiting::counted(0, 0), id, number).map(drop)
    }),
    ("cancel", Needs::Asker, |documents, by, now| {
        asked(&before())
            .cancel(&by.as_technician(documents, now)?)
            .map(drop)
    }),
    ("finish", Needs::Asker, |documents, by, now| {
        let open = approved(&before()).open(t0())?;
        open.finish(&by.as_technician(documents, now)?).map(drop)
    }),
    (
        "pending, interventions, live, watch, cut, alerts",
        Needs::Operator,
        |documents, by, now| {
            // What these show and end is of this client and of no other (O4).
            by.as_operator(documents, now)
                .map(|operator| assert_eq!(Some(operator.client()), client_of(by)))
        },
    ),
    ("seen", Needs::ItsOperator, |documents, by, now| {
        asked(&before())
            .seen_by(&by.as_operator(documents, now)?)
            .map(drop)
    }),
    ("approve", Needs::ItsOperator, |documents, by, now| {
        let by = by.as_operator(documents, now)?;
        asked(&before())
            .approve(&by.to_widen(&code_of(now))?, &Narrowing::default())
            .map(drop)
    }),
    ("refuse", Needs::ItsOperator, |documents, by, now| {
        asked(&before())
            .refuse(&by.as_operator(documents, now)?, "no")
            .map(drop)
    }),
    ("withdraw", Needs::ItsOperator, |documents, by, now| {
        approved(&before())
            .close(&by.as_operator(documents, now)?, "enough")
            .map(drop)
    }),
    (
        "recordings, search, replay",
        Needs::Auditor,
        |documents, by, now| {
            by.as_auditor(documents, now)
                .map(|auditor| assert_eq!(Some(auditor.client()), client_of(by)))
        },
    ),
    ("replay --unmask", Needs::Unmasking, |documents, by, now| {
        by.as_auditor(documents, now)?
            .unmask(&code_of(now))
            .map(drop)
    }),
];

fn client_of(by: &Authenticated) -> Option<&ClientId> {
    match by.role() {
        Role::Technician { .. } => None,
        Role::Operator { client } | Role::Auditor { client } => Some(client),
    }
}

fn texts() -> [String; 4] {
    let unmasking = hopital(DBA).replace("id = \"aurele\"", "id = \"aurele\"\nunmask = true");
    [maintech(), elsewhere(), unmasking, mairie()]
}

fn documents_in(texts: &[String; 4]) -> Documents {
    documents_from([&texts[0], &texts[1], &texts[2], &texts[3]])
}

/// The documents at the log-on.
fn before() -> Documents {
    documents_in(&texts())
}

/// The documents at the act.
fn after(person: &Person, standing: Standing) -> Documents {
    let id = format!("id = \"{}\"\n", person.id);
    let renamed = |text: &str, from: &str, to: &str| {
        text.replace(&format!("id = \"{from}\"\n"), &format!("id = \"{to}\"\n"))
    };
    let mut texts = texts();
    match standing {
        Standing::InForce => {}
        Standing::Disabled => {
            texts = texts.map(|text| text.replace(&id, &format!("{id}disabled = true\n")));
        }
        Standing::Expired => {
            texts = texts.map(|text| {
                let text = text.replace("expires = \"2027-12-31\"\n", "");
                text.replace(&id, &format!("{id}expires = \"2026-11-22\"\n"))
            });
        }
        Standing::Removed => texts = texts.map(|text| renamed(&text, person.id, "gone")),
        Standing::KeyReplaced => {
            texts = texts.map(|text| text.replace(&line(person.key), &line(STRANGER)));
        }
        Standing::OtherRole => {
            texts = texts.map(|text| renamed(&text, person.id, "gone"));
            let (text, other) = match person.role {
                Is::Technician => (2, "olive"),
                Is::Operator | Is::Auditor => (0, "bruno"),
            };
            texts[text] = renamed(&texts[text], other, person.id);
        }
        Standing::Elsewhere => {
            let (text, other) = match (person.role, person.theirs) {
                (Is::Technician, _) if person.id == "other-technician" => (0, "bruno"),
                (Is::Technician, _) => (1, "other-technician"),
                (Is::Operator, true) => (3, "other-operator"),
                (Is::Operator, false) => (2, "olive"),
                (Is::Auditor, true) => (3, "other-auditor"),
                (Is::Auditor, false) => (2, "aurele"),
            };
            texts = texts.map(|text| renamed(&text, person.id, "gone"));
            texts[text] = renamed(&texts[text], other, person.id);
        }
        Standing::StationDisabled => {
            for station in ["atelier-1", "atelier-2", "other-station"] {
                let id = format!("id = \"{station}\"\n");
                texts = texts.map(|text| text.replace(&id, &format!("{id}disabled = true\n")));
            }
        }
    }
    documents_in(&texts)
}

/// Why this person may not be here any more, read off the table of standings.
fn ended(person: &Person, standing: Standing) -> Option<Ended> {
    let who = crate::site::person(person.id);
    match (standing, person.role) {
        (Standing::InForce, _) | (Standing::StationDisabled, Is::Operator | Is::Auditor) => None,
        (Standing::Disabled, _) => Some(Ended::PersonDisabled { person: who }),
        (Standing::Expired, _) => Some(Ended::PersonExpired {
            person: who,
            expired_at: at("2026-11-23T00:00:00Z"),
        }),
        (Standing::KeyReplaced, _) => Some(Ended::KeyWithdrawn { person: who }),
        (Standing::Removed | Standing::OtherRole | Standing::Elsewhere, _) => {
            Some(Ended::PersonRemoved { person: who })
        }
        (Standing::StationDisabled, Is::Technician) => {
            let station = match person.keys {
                [ATELIER_1, _] => "atelier-1",
                [ATELIER_2, _] => "atelier-2",
                _ => "other-station",
            };
            Some(Ended::StationWithdrawn {
                station: StationId::parse(station).unwrap(),
                why: ecluse_policy::identity::StationFault::Disabled,
            })
        }
    }
}

/// What must come of it, in a table that knows nothing of how policy finds out.
fn expected(person: &Person, standing: Standing, needs: Needs) -> Result<(), Refusal> {
    if let Some(ended) = ended(person, standing) {
        return Err(Refusal::Ended(ended));
    }
    match (needs, person.role, person.theirs) {
        (Needs::Technician, Is::Technician, _)
        | (Needs::Listed | Needs::Asker, Is::Technician, true)
        | (Needs::Operator, Is::Operator, _)
        | (Needs::ItsOperator, Is::Operator, true)
        | (Needs::Auditor, Is::Auditor, _)
        | (Needs::Unmasking, Is::Auditor, true) => Ok(()),
        (Needs::Listed, Is::Technician, false) => Err(Refusal::NotListed {
            target: "db01".into(),
        }),
        (Needs::Asker, Is::Technician, false) => Err(Refusal::NotYours {
            number: InterventionNumber(17),
        }),
        (Needs::ItsOperator, Is::Operator, false) => Err(Refusal::NotItsOperator),
        (Needs::Unmasking, Is::Auditor, false) => Err(Refusal::NotUnmasking),
        (Needs::Technician | Needs::Listed | Needs::Asker, Is::Operator | Is::Auditor, _) => {
            Err(Refusal::NotATechnician)
        }
        (Needs::Operator | Needs::ItsOperator, Is::Technician | Is::Auditor, _) => {
            Err(Refusal::NotAnOperator)
        }
        (Needs::Auditor | Needs::Unmasking, Is::Technician | Is::Operator, _) => {
            Err(Refusal::NotAnAuditor)
        }
    }
}

/// A8, O4.
#[test]
fn every_act_asks_the_documents_of_its_moment() {
    let before = before();
    let mut permitted = 0;
    for person in PEOPLE {
        let by = log_in(&before, person.id, person.keys, t0()).unwrap();
        for standing in STANDINGS {
            let after = after(person, standing);
            for (name, needs, act) in ACTS {
                let came = act(&after, &by, t0());
                permitted += usize::from(came.is_ok());
                assert_eq!(
                    came,
                    expected(person, standing, *needs),
                    "{name} by {}, {standing:?}",
                    person.id
                );
            }
        }
    }
    assert!(permitted > 25, "{permitted} acts were permitted at all");
}

/// A right given or taken while somebody is here holds from that moment, and does not end their being here.
#[test]
fn unmasking_is_as_the_document_says_at_the_act() {
    let (with, without) = (before(), documents());
    for (logged_on, asked_of, may) in [(&with, &without, false), (&without, &with, true)] {
        let aurele = log_in(logged_on, "aurele", &[AURELE], t0()).unwrap();
        assert_eq!(aurele.still_valid(asked_of, t0()), Ok(()));
        let auditor = aurele.as_auditor(asked_of, t0()).unwrap();
        assert_eq!(
            auditor.unmask(&code_of(t0())).map(drop),
            if may {
                Ok(())
            } else {
                Err(Refusal::NotUnmasking)
            }
        );
    }
}

/// An account that ends does so at its instant, for every act alike.
#[test]
fn a_mandate_ends_with_the_account() {
    let documents = documents_of(
        &maintech(),
        &hopital(DBA).replace("id = \"odile\"", "id = \"odile\"\nexpires = \"2026-11-24\""),
    );
    let odile = odile(&documents);
    let end = at("2026-11-25T00:00:00Z");
    assert!(
        odile
            .as_operator(&documents, end.minus(Span::from_micros(1)))
            .is_ok()
    );
    assert_eq!(
        odile.as_operator(&documents, end).map(drop),
        Err(Refusal::Ended(Ended::PersonExpired {
            person: person("odile"),
            expired_at: end
        }))
    );
}

/// A yes and `unmask` need a code of the last five minutes on this connection; refusing, withdrawing and looking need none.
#[test]
fn only_what_gives_asks_for_a_fresh_code() {
    let documents = before();
    let five = Span::from_mins(5);
    let odile = log_in(&documents, "odile", &[ODILE], t0()).unwrap();
    let aurele = log_in(&documents, "aurele", &[AURELE], t0()).unwrap();
    let log_on = ProvenCode::of_log_on(&odile);
    assert_eq!(log_on, code_of(t0()), "the log-on's code counts");
    let mut remembered = crate::login::begin("odile");
    let _ = crate::login::step(&mut remembered, &documents, ODILE);
    let Step::Complete(remembered) = remembered.second_factor_remembered(&documents, true, t0())
    else {
        panic!()
    };
    let never = ProvenCode::of_log_on(&remembered);
    assert_eq!(never, ProvenCode::default(), "a remembered one does not");

    let wanted = Err(Refusal::CodeWanted { within: five });
    for (code, now, gives) in [
        (log_on, t0(), Ok(())),
        (log_on, t0().plus(five).minus(Span::from_micros(1)), Ok(())),
        (log_on, t0().plus(five), wanted.clone()),
        (never, t0(), wanted),
    ] {
        let operator = odile.as_operator(&documents, now).unwrap();
        let auditor = aurele.as_auditor(&documents, now).unwrap();
        assert_eq!(operator.to_widen(&code).map(drop), gives);
        assert_eq!(auditor.unmask(&code).map(drop), gives);
        assert_eq!(auditor.may_unmask(), Ok(()));
        assert!(asked(&documents).refuse(&operator, "no").is_ok());
        assert!(asked(&documents).seen_by(&operator).is_ok());
        assert!(approved(&documents).close(&operator, "enough").is_ok());
    }
}

/// I5, O4: an operator shows out a technician whom their matrix names, or who names one of their targets, and nobody else's.
#[test]
fn an_operator_shows_out_their_own_clients_technicians_only() {
    let documents = before();
    let odile = log_in(&documents, "odile", &[ODILE], t0()).unwrap();
    let other = log_in(&documents, "other-operator", &[OTHER_OPERATOR], t0()).unwrap();
    let odile = odile.as_operator(&documents, t0()).unwrap();
    let other = other.as_operator(&documents, t0()).unwrap();
    let (alice, db01) = (person("alice"), target("db01"));
    assert!(odile.may_show_out(&alice, Some(&db01)));
    assert!(odile.may_show_out(&alice, None));
    assert!(!other.may_show_out(&alice, Some(&db01)));
    assert!(!other.may_show_out(&alice, None));
    // Nobody who is no technician, and nobody at what is no target.
    assert!(!odile.may_show_out(&person("odile"), None));
    assert!(!odile.may_show_out(&alice, Some(&target("nowhere"))));
}
