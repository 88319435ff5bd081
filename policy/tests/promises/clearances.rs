//! Whom a client has accepted, and what it keeps out (I5, I8, P1).

use std::collections::BTreeMap;

use ecluse_policy::clearance::Said;
use ecluse_policy::*;

use crate::site::*;

const BOTH: &str = r#"
[[flow]]
name = "ops"
technicians = ["maintech:*"]
targets = ["db01", "web01"]
accounts = ["ops"]
allow = ["shell"]
hours = "mon-fri 07:00-20:00 Europe/Paris"
authentication = ["station", "key", "totp"]
approval = { by = 1, at-most = "4h" }
"#;

fn client(id: &str) -> ClientId {
    ClientId::parse(id).unwrap()
}

fn accepted(people: &[&str]) -> Said {
    let word = |id: &&str| {
        let accepted = Clearance::Accepted { by: None, at: t0() };
        let key = (ProviderId::parse("maintech").unwrap(), person(id));
        (key, accepted)
    };
    Said {
        people: people.iter().map(word).collect(),
        ..Said::default()
    }
}

fn keeping(said: Said, kept: Kept) -> Said {
    let word = KeepOut {
        by: person("odile"),
        at: t0(),
        reason: "laptop stolen".to_owned(),
    };
    Said {
        kept_out: BTreeMap::from([(kept, word)]),
        ..said
    }
}

fn saying(documents: &Documents, hopital: Said) -> Documents {
    let said = BTreeMap::from([(client("hopital"), hopital)]);
    documents.clone().cleared(Clearances::on_record(said))
}

fn kinds() -> [Kept; 4] {
    [
        Kept::Person(person("alice")),
        Kept::Station(StationId::parse("atelier-1").unwrap()),
        Kept::Target(target("db01")),
        Kept::All,
    ]
}

/// Nothing is permitted by absence: of a client that said nothing of somebody, they are not accepted.
#[test]
fn p1_a_newcomer_has_no_right_before_a_yes_of_the_client() {
    let before = documents();
    let admission = admitted(&before);
    let open = admission.intervention().clone();
    for (said, refusal) in [
        (
            accepted(&[]),
            Refusal::NotAccepted {
                client: client("hopital"),
                contacts: String::new(),
            },
        ),
        (
            Said {
                people: BTreeMap::from([(
                    (ProviderId::parse("maintech").unwrap(), person("alice")),
                    Clearance::Refused {
                        by: person("odile"),
                        at: t0(),
                    },
                )]),
                accepts_all: true,
                ..Said::default()
            },
            Refusal::PersonRefused {
                client: client("hopital"),
                contacts: String::new(),
            },
        ),
    ] {
        let documents = saying(&before, said);
        let alice = alice(&documents);
        assert_eq!(
            requested(&documents, &alice, ask_for(&["db01"], "1h"), t0()).unwrap_err(),
            refusal
        );
        let asked = std::slice::from_ref(&open);
        let again = admit(&documents, &alice, &target("db01"), None, asked, t0());
        assert_eq!(again.unwrap_err(), refusal);
        assert!(matches!(
            admission.recheck(&documents, Some(&open), t0()),
            Err(EndReason::NotAccepted { .. })
        ));
        assert_eq!(matrix_scope(&documents, &person("alice"), t0()), []);
        assert_eq!(bars(&documents, &alice, t0()), vec![refusal]);
        let odile = odile(&documents);
        let operator = odile.as_operator(&documents, t0()).unwrap();
        let waiting = crate::site::asked(&before);
        assert_eq!(
            waiting.awaits(&operator, &Narrowing::default()),
            Err(Refusal::AcceptFirst {
                person: person("alice")
            })
        );
        assert!(!operator.newcomer(&person("alice")).unwrap().accepted);
    }
    // A client of which the log has nothing has accepted nobody.
    let nothing = before
        .clone()
        .cleared(Clearances::on_record(BTreeMap::new()));
    assert!(matches!(
        requested(&nothing, &alice(&nothing), ask_for(&["db01"], "1h"), t0()),
        Err(Refusal::NotAccepted { .. })
    ));
    let after = saying(&before, accepted(&["alice"]));
    let _ = requested(&after, &alice(&after), ask_for(&["db01"], "1h"), t0()).unwrap();
    assert_eq!(admission.recheck(&after, Some(&open), t0()), Ok(()));
    assert_eq!(bars(&after, &alice(&after), t0()), vec![]);
}

/// The same name at another provider is somebody else.
#[test]
fn p1_a_yes_is_for_a_person_of_one_provider() {
    let mut said = accepted(&[]);
    let word = Clearance::Accepted { by: None, at: t0() };
    let elsewhere = ProviderId::parse("elsewhere").unwrap();
    said.people.insert((elsewhere, person("alice")), word);
    let documents = saying(&documents(), said);
    assert!(matches!(
        requested(
            &documents,
            &alice(&documents),
            ask_for(&["db01"], "1h"),
            t0()
        ),
        Err(Refusal::NotAccepted { .. })
    ));
}

#[test]
fn i5_what_is_kept_out_neither_asks_nor_comes_nor_stays() {
    let before = documents();
    let admission = admitted(&before);
    let open = admission.intervention().clone();
    for kept in kinds() {
        let documents = saying(&before, keeping(accepted(&["alice"]), kept.clone()));
        let alice = alice(&documents);
        let refusal = Refusal::KeptOut {
            client: client("hopital"),
            kept: Box::new(kept.clone()),
            reason: "laptop stolen".to_owned(),
            contacts: String::new(),
        };
        assert!(TEXT_IDS.contains(&refusal.text_id()));
        let asked = std::slice::from_ref(&open);
        let again = admit(&documents, &alice, &target("db01"), None, asked, t0());
        assert_eq!(again.unwrap_err(), refusal);
        assert_eq!(
            requested(&documents, &alice, ask_for(&["db01"], "1h"), t0()).unwrap_err(),
            refusal
        );
        assert_eq!(
            admission.recheck(&documents, Some(&open), t0()),
            Err(EndReason::KeptOut {
                client: client("hopital"),
                by: person("odile"),
                reason: "laptop stolen".to_owned(),
                contacts: String::new(),
            })
        );
        assert_eq!(bars(&documents, &alice, t0()), vec![refusal]);
        let odile = odile(&documents);
        let operator = odile.as_operator(&documents, t0()).unwrap();
        assert_eq!(
            crate::site::asked(&before).awaits(&operator, &Narrowing::default()),
            Err(Refusal::IsKeptOut {
                kept: Box::new(kept.clone())
            })
        );
        // Another operator of it reads the same, and it can be lifted by its name alone.
        assert_eq!(operator.meant_to_keep_out(kept.name()), vec![kept]);
    }
}

#[test]
fn i5_what_one_client_keeps_out_is_nothing_to_what_is_not_its_own() {
    let before = with_flows(BOTH);
    let (alice_was, bruno_was) = (alice(&before), bruno(&before));
    // A target that is kept closed leaves the others; a person and a station leave other people and stations.
    for (kept, presence, wanted) in [
        (Kept::Target(target("db01")), &alice_was, "web01"),
        (Kept::Person(person("alice")), &bruno_was, "db01"),
        (
            Kept::Station(StationId::parse("atelier-1").unwrap()),
            &bruno_was,
            "db01",
        ),
    ] {
        let documents = saying(&before, keeping(accepted(&["alice", "bruno"]), kept));
        let _ = requested(&documents, presence, ask_for(&[wanted], "1h"), t0()).unwrap();
    }
    // What the town says is nothing to the hospital.
    for kept in kinds() {
        let said = BTreeMap::from([
            (client("hopital"), accepted(&["alice"])),
            (client("mairie"), keeping(accepted(&[]), kept)),
        ]);
        let documents = before.clone().cleared(Clearances::on_record(said));
        let _ = requested(&documents, &alice_was, ask_for(&["db01"], "1h"), t0()).unwrap();
    }
}

/// I6: what is not theirs is nothing to them: neither other clients' targets and people, nor themselves.
#[test]
fn i6_an_operator_accepts_and_keeps_out_what_is_their_clients_and_never_themselves() {
    let documents = saying(&documents(), accepted(&[]));
    let odile = odile(&documents);
    let operator = odile.as_operator(&documents, t0()).unwrap();
    for name in [
        "odile",
        "olive",
        "aurele",
        "other-technician",
        "other-station",
        "archive",
        "nobody",
        "",
        "bruno",
    ] {
        assert_eq!(operator.meant_to_keep_out(name), vec![], "{name}");
        if let Ok(person) = PersonId::parse(name) {
            assert_eq!(operator.newcomer(&person), None, "{name}");
        }
    }
    let names: Vec<String> = people_of(&documents, &client("hopital"))
        .iter()
        .map(|one| one.person.to_string())
        .collect();
    assert_eq!(names, ["alice"]);
    assert_eq!(people_of(&documents, &client("mairie")), vec![]);
}

/// I2: what gives takes a code of now.
#[test]
fn i2_a_lift_and_a_yes_take_a_code_of_now() {
    let kept = Kept::Person(person("alice"));
    let documents = saying(&documents(), keeping(accepted(&[]), kept.clone()));
    let odile = odile(&documents);
    let operator = odile.as_operator(&documents, t0()).unwrap();
    let code = ProvenCode::of_log_on(&odile);
    let widening = operator.to_widen(&code).unwrap();
    assert!(widening.lifts(&kept));
    assert!(!widening.lifts(&Kept::All));
    let alice = operator.newcomer(&person("alice")).unwrap();
    assert!(widening.accepts(&alice));
}

#[test]
fn what_is_kept_out_reads_as_it_is_written() {
    for kept in kinds() {
        assert_eq!(Kept::parse(&kept.to_string()), Some(kept));
    }
    for text in [
        "",
        "all of it",
        "person",
        "person ",
        "person Alice!",
        "gate x",
    ] {
        assert_eq!(Kept::parse(text), None, "{text}");
    }
}

/// `explain` says what a request would meet.
#[test]
fn what_keeps_somebody_out_is_explained() {
    let before = documents();
    let kept = keeping(accepted(&["alice"]), Kept::Target(target("db01")));
    for (said, wanted) in [
        (kept, "odile keeps target db01 out"),
        (accepted(&[]), "people accept alice"),
    ] {
        let documents = saying(&before, said);
        let asked = FlowRequest::Shell;
        let found = explain(&documents, &person("alice"), &target("db01"), &asked, t0());
        let Explanation::Missing { general, .. } = found else {
            panic!("{found:?}");
        };
        assert!(
            general.iter().any(|one| one.contains(wanted)),
            "{general:?}"
        );
    }
}
