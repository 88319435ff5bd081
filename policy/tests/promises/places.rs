//! Promises of where somebody logs on: by which door, from which network, and among whom they wait (F4, F5, P13).

use std::net::IpAddr;

use ecluse_policy::documents::{Networks, Pool};
use ecluse_policy::identity::{Doorway, Misplaced};
use ecluse_policy::*;

use crate::site::*;

const OFFICE: &str = "10.20.3.4";
const CAFE: &str = "198.51.100.9";

fn at(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// The site, where odile works from the office and aurele from anywhere.
fn office() -> Documents {
    with_networks("networks = [\"10.20.0.0/16\", \"2001:db8:20::/48\"]")
}

/// The site with a line in odile's table.
fn with_networks(line: &str) -> Documents {
    let client = hopital(DBA).replace("name = \"Odile\"\n", &format!("name = \"Odile\"\n{line}\n"));
    documents_of(&maintech(), &client)
}

fn log_in_at(
    documents: &Documents,
    user: &str,
    source: &str,
    doorway: Doorway,
    keys: &[u8],
) -> Result<Authenticated, Step> {
    let mut login = Login::begin(user, at(source)).at(doorway);
    for seed in keys {
        let wanted = login.wants_key(documents, &key(*seed));
        let step = login.key_proven(documents, &key(*seed), t0());
        if let Step::Refuse(_) = step {
            assert!(!wanted, "{step:?}: it was worth a signature");
            return Err(step);
        }
    }
    match login.code_result(documents, CodeOutcome::Accepted, t0()) {
        Step::Complete(authenticated) => Ok(*authenticated),
        other => Err(other),
    }
}

fn misplaced(step: Result<Authenticated, Step>) -> Misplaced {
    match step.unwrap_err() {
        Step::Refuse(LoginRefusal::Misplaced { why, .. }) => why,
        other => panic!("{other:?}"),
    }
}

/// P13: outside their networks, operators' keys are nobody's; people whose document names none come from anywhere.
#[test]
fn an_operator_logs_on_from_their_networks_and_from_nowhere_else() {
    let documents = office();
    for (source, inside) in [
        (OFFICE, true),
        ("::ffff:10.20.3.4", true),
        ("2001:db8:20::1", true),
        (CAFE, false),
        ("10.21.0.1", false),
        ("2001:db8:21::1", false),
    ] {
        let entered = log_in_at(&documents, "odile", source, Doorway::Everybody, &[ODILE]);
        if inside {
            entered.unwrap();
        } else {
            assert_eq!(misplaced(entered), Misplaced::Network, "{source}");
        }
        log_in_at(&documents, "aurele", source, Doorway::Everybody, &[AURELE]).unwrap();
    }
    let nowhere = with_networks("networks = []");
    let entered = log_in_at(&nowhere, "odile", OFFICE, Doorway::Everybody, &[ODILE]);
    assert_eq!(
        misplaced(entered),
        Misplaced::Network,
        "empty means nothing"
    );
}

/// A6, F4: every role at every door: the other door's people are answered as a key that nobody has.
#[test]
fn each_door_is_for_its_own_people() {
    let documents = documents();
    let alice = [ATELIER_1, ALICE];
    for (user, keys, doorway, enters) in [
        ("alice", &alice[..], Doorway::Everybody, true),
        ("alice", &alice[..], Doorway::Technicians, true),
        ("alice", &alice[..], Doorway::Operators, false),
        ("alice", &alice[1..], Doorway::Operators, false),
        ("odile", &[ODILE], Doorway::Everybody, true),
        ("odile", &[ODILE], Doorway::Technicians, false),
        ("odile", &[ODILE], Doorway::Operators, true),
        ("aurele", &[AURELE], Doorway::Everybody, true),
        ("aurele", &[AURELE], Doorway::Technicians, false),
        ("aurele", &[AURELE], Doorway::Operators, true),
    ] {
        let entered = log_in_at(&documents, user, STATION_SOURCE, doorway, keys);
        if enters {
            assert!(entered.is_ok(), "{user} {doorway:?}: {entered:?}");
        } else {
            assert_eq!(misplaced(entered), Misplaced::Door, "{user} {doorway:?}");
        }
    }
    // A login that begins anew stays at its door.
    let mut login = Login::begin("alice", source()).at(Doorway::Operators);
    login.restart_if_changed("odile");
    assert!(!login.wants_key(&documents, &key(ATELIER_1)));
}

/// A misplaced key moves nothing and counts against nobody, as one that nobody has; the record knows it.
#[test]
fn a_misplaced_key_is_nobodys_but_on_record() {
    let documents = office();
    let refusal = |seed| {
        let mut login = Login::begin("odile", at(CAFE));
        assert!(!login.wants_key(&documents, &key(seed)));
        match login.key_proven(&documents, &key(seed), t0()) {
            Step::Refuse(refusal) => (login.proven_person(&documents), refusal),
            other => panic!("{other:?}"),
        }
    };
    let ((nobody, unknown), (person, misplaced)) = (refusal(STRANGER), refusal(ODILE));
    assert_eq!((nobody, person), (None, None));
    assert!(matches!(unknown, LoginRefusal::UnknownKey { .. }));
    assert!(
        misplaced
            .to_string()
            .ends_with(" of odile is shown from outside their networks"),
        "{misplaced}"
    );
}

/// A8: a network that is taken away ends what was begun from it.
#[test]
fn a_network_that_is_taken_away_ends_the_stay() {
    let before = office();
    let odile = log_in_at(&before, "odile", OFFICE, Doorway::Everybody, &[ODILE]).unwrap();
    assert_eq!(odile.still_valid(&before, t0()), Ok(()));
    assert_eq!(odile.still_valid(&documents(), t0()), Ok(()));
    assert_eq!(
        odile.still_valid(&with_networks("networks = [\"10.30.0.0/16\"]"), t0()),
        Err(Ended::NetworkWithdrawn {
            person: person("odile")
        })
    );
}

/// F5: three pools; operators' networks before stations', and what is disabled or as wide as half the world is nobody's.
#[test]
fn a_source_waits_where_somebodys_network_holds_it() {
    let documents = office();
    for (source, pool) in [
        (OFFICE, Pool::Operators),
        ("::ffff:10.20.3.4", Pool::Operators),
        ("2001:db8:20:1::7", Pool::Operators),
        (STATION_SOURCE, Pool::Stations),
        (CAFE, Pool::Everybody),
        ("2001:db8:99::1", Pool::Stations),
        ("2001:db9::1", Pool::Everybody),
    ] {
        assert_eq!(documents.pool_of(at(source)), pool, "{source}");
    }
    assert_eq!(Documents::default().pool_of(at(OFFICE)), Pool::Everybody);
    for line in [
        "networks = [\"10.20.0.0/16\"]\ndisabled = true",
        "networks = [\"0.0.0.0/0\"]",
        "networks = [\"8.0.0.0/7\"]",
        "networks = [\"2000::/3\"]",
        "networks = []",
    ] {
        assert_eq!(
            with_networks(line).pool_of(at("10.20.3.4")),
            Pool::Everybody,
            "{line}"
        );
    }
    let both = with_networks("networks = [\"192.0.2.0/24\"]");
    assert_eq!(both.pool_of(at(STATION_SOURCE)), Pool::Operators);
}

/// P13: `check` says who waits among everybody else, where, and what to write.
#[test]
fn those_who_wait_among_everybody_else_are_remarked() {
    let remarks = |documents: &Documents| -> Vec<String> {
        let texts = documents
            .remarks(t0())
            .into_iter()
            .map(|remark| remark.to_string());
        texts.filter(|text| text.contains("odile")).collect()
    };
    let anywhere = remarks(&documents());
    assert_eq!(anywhere.len(), 1, "{anywhere:?}");
    assert!(
        anywhere[0].starts_with("clients/hopital.toml:")
            && anywhere[0].contains(": operator.odile.networks: odile may log on from anywhere")
            && anywhere[0].contains("networks = ["),
        "{anywhere:?}"
    );
    assert_eq!(remarks(&office()), [""; 0]);
    assert_eq!(
        remarks(&with_networks("disabled = true")),
        [""; 0],
        "nobody waits"
    );
    let wide = remarks(&with_networks("networks = [\"0.0.0.0/1\"]"));
    assert!(wide[0].contains("0.0.0.0/1 is so wide"), "{wide:?}");
    let everywhere = maintech().replace("192.0.2.0/24", "0.0.0.0/0");
    let provider = documents::parse_provider("providers/maintech.toml", &everywhere).unwrap();
    let alone = Documents::assemble(vec![provider], Vec::new()).unwrap();
    let said: Vec<String> = alone
        .remarks(t0())
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(
        said.iter()
            .any(|text| text.contains(": station.atelier-1.networks: 0.0.0.0/0 is so wide")),
        "{said:?}"
    );
}

/// R5: who comes from where is part of what a change shows.
#[test]
fn a_change_of_networks_is_shown() {
    let changes = |old: &Documents, new: &Documents| -> Vec<String> {
        let changes = documents::diff(old, new);
        changes
            .into_iter()
            .flat_map(|change| change.detail)
            .collect()
    };
    assert_eq!(
        changes(&documents(), &office()),
        ["networks: + 10.20.0.0/16", "networks: + 2001:db8:20::/48"]
    );
    assert_eq!(
        changes(&documents(), &with_networks("networks = []")),
        ["networks: nowhere"]
    );
    let odile = documents();
    let odile = odile.person(&person("odile")).unwrap();
    assert_eq!(odile.networks(), Some(&Networks::Anywhere));
}
