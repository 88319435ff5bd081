//! Promises about keys that are offered before anything is signed: what the answer tells (A6).

use ecluse_policy::*;

use crate::login::{begin, step};
use crate::site::*;

/// Public keys are no secret, so an offered key is told that it is worth a signature only where that tells
/// nothing of people: a station's anywhere, a person's under their own name and, for a technician, after a station's
/// signature in this login; an unknown one never.
#[test]
fn an_offered_key_tells_nothing_of_people() {
    let nobody_certifies =
        maintech().replace(&format!("authority = [\"{}\"]", line(AUTHORITY)), "");
    let documents = Documents::parse([
        ("providers/maintech.toml", nobody_certifies.as_str()),
        ("clients/hopital.toml", &hopital(DBA)),
    ])
    .unwrap();
    let names = [
        "alice",
        "alice+db01",
        "bruno",
        "odile",
        "aurele",
        "nobody",
        "not a name!",
    ];
    let people = [
        (ALICE, "alice"),
        (BRUNO, "bruno"),
        (ODILE, "odile"),
        (AURELE, "aurele"),
    ];
    for user in names {
        for station in [None, Some(ATELIER_1), Some(ATELIER_2)] {
            let mut login = begin(user);
            if let Some(station) = station {
                assert_eq!(step(&mut login, &documents, station), Step::NeedKey);
            }
            let wants = |seed| login.wants_key(&documents, &key(seed));
            for seed in [ATELIER_1, ATELIER_2] {
                assert!(wants(seed), "{user}: stations' keys are wanted");
            }
            assert!(!wants(STRANGER), "{user}: nobody's key is not");
            for (seed, owner) in people {
                let own = user == owner || user.strip_suffix("+db01") == Some(owner);
                let technician = seed == ALICE || seed == BRUNO;
                assert_eq!(
                    wants(seed),
                    own && (!technician || station.is_some()),
                    "{owner}'s key under {user}, station {station:?}"
                );
            }
        }
    }
    let mut login = begin("alice");
    let _ = step(&mut login, &documents, ATELIER_1);
    login.restart_if_changed("alice+db01");
    assert!(
        !login.wants_key(&documents, &key(ALICE)),
        "what was proven for one name does not count for another"
    );
}

/// Where some provider names an authority, any key may turn out to be certified; but only after a station's.
#[test]
fn an_unknown_key_is_wanted_only_where_it_may_be_certified() {
    let documents = documents();
    for user in ["alice", "odile", "nobody"] {
        let mut login = begin(user);
        assert!(!login.wants_key(&documents, &key(STRANGER)));
        let _ = step(&mut login, &documents, ATELIER_1);
        assert!(login.wants_key(&documents, &key(STRANGER)));
        assert!(
            !login.wants_key(&documents, &key(BRUNO)),
            "somebody else's key cannot be certified for them"
        );
    }
}
