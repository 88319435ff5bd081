//! What the log contradicts gives nobody anything, and closes no other's door (R3, I2).

use ecluse_policy::documents::{Closed, parse_client, parse_provider};
use ecluse_policy::*;

use crate::site::*;

/// The same documents with doors that are closed.
fn with_closed(closed: Closed) -> Documents {
    let (hopital, mairie) = (hopital(DBA), mairie());
    let providers = [("maintech", maintech()), ("elsewhere", elsewhere())];
    let clients = [("hopital", hopital), ("mairie", mairie)];
    Documents::assemble_around(
        closed,
        providers
            .iter()
            .map(|(name, text)| parse_provider(&format!("providers/{name}.toml"), text).unwrap())
            .collect(),
        clients
            .iter()
            .map(|(name, text)| parse_client(&format!("clients/{name}.toml"), text).unwrap())
            .collect(),
    )
    .unwrap()
}

fn client(id: &str) -> ClientId {
    ClientId::parse(id).unwrap()
}

/// Neither admission nor any step, and the end of what runs; `wrong` is what the store would make of a row changed by hand.
#[test]
fn r3_an_intervention_that_the_log_contradicts_admits_nobody_and_takes_no_step() {
    let documents = documents();
    let admission = admitted(&documents);
    let wrong = admission.intervention().clone().contradicted();
    let refused = Refusal::NotOnRecord {
        number: wrong.number(),
    };
    let admitted = admit(
        &documents,
        &alice(&documents),
        &target("db01"),
        None,
        std::slice::from_ref(&wrong),
        t0(),
    );
    assert_eq!(admitted.unwrap_err(), refused);
    let ended = EndReason::NotOnRecord {
        number: wrong.number(),
    };
    assert_eq!(
        admission.recheck(&documents, Some(&wrong), t0()),
        Err(ended.clone())
    );
    assert!(!ended.ends_presence(), "what else runs there goes on");
    let odile = odile(&documents);
    let operator = odile.as_operator(&documents, t0()).unwrap();
    assert_eq!(wrong.close(&operator, "enough"), Err(refused.clone()));
    assert_eq!(wrong.open(t0()), Err(refused.clone()));
    let waiting = asked(&documents).contradicted();
    let refused = Refusal::NotOnRecord {
        number: waiting.number(),
    };
    assert_eq!(waiting.seen_by(&operator), Err(refused.clone()));
    assert_eq!(waiting.refuse(&operator, "no"), Err(refused.clone()));
    assert_eq!(
        waiting.awaits(&operator, &Narrowing::default()),
        Err(refused)
    );
    // Time would put it on record as it is.
    assert_eq!(waiting.expire_if_due(Timestamp::MAX), None);
    for refusal in [
        "refusal-not-on-record",
        "end-not-on-record",
        "refusal-door-closed",
    ] {
        assert!(TEXT_IDS.contains(&refusal));
    }
}

/// R3: while words of the log are not there that may be newer, what grants is refused and what ends is taken; what runs goes on,
/// unless what stands there has ended or is another than the last word about it.
#[test]
fn r3_what_is_not_known_yet_grants_nothing_and_ends() {
    let documents = documents();
    let admission = admitted(&documents);
    let taken = admission.intervention().clone();
    let refused = |number| Refusal::NotKnownYet { number };
    let odile = odile(&documents);
    let operator = odile.as_operator(&documents, t0()).unwrap();
    for (found, goes_on) in [
        (taken.clone().unconfirmed(), true),
        (taken.clone().unknown(), false),
    ] {
        let number = found.number();
        let admitted = admit(
            &documents,
            &alice(&documents),
            &target("db01"),
            None,
            std::slice::from_ref(&found),
            t0(),
        );
        assert_eq!(admitted.unwrap_err(), refused(number));
        assert_eq!(found.open(t0()), Err(refused(number)));
        let again = admission.recheck(&documents, Some(&found), t0());
        assert_eq!(again.is_ok(), goes_on);
        assert_eq!(found.close(&operator, "enough").is_ok(), goes_on);
        assert_eq!(found.is_contradicted(), !goes_on);
    }
    let ended = taken.close(&operator, "enough").unwrap().unknown();
    assert!(matches!(
        admission.recheck(&documents, Some(&ended), t0()),
        Err(EndReason::InterventionEnded { .. } | EndReason::Withdrawn(_))
    ));
    let waiting = asked(&documents).unconfirmed();
    let refused = refused(waiting.number());
    assert_eq!(waiting.seen_by(&operator), Err(refused.clone()));
    assert_eq!(
        waiting.awaits(&operator, &Narrowing::default()),
        Err(refused)
    );
    assert!(waiting.refuse(&operator, "no").is_ok());
    assert!(waiting.expire_if_due(Timestamp::MAX).is_some());
    assert!(TEXT_IDS.contains(&"refusal-not-known-yet"));
}

/// The mark is of the reader, never of what is kept.
#[test]
fn the_mark_is_not_kept_and_cannot_be_written() {
    let documents = documents();
    let right = serde_json::to_string(&asked(&documents)).unwrap();
    for wrong in [
        asked(&documents).contradicted(),
        asked(&documents).unconfirmed(),
        asked(&documents).unknown(),
    ] {
        let kept = serde_json::to_string(&wrong).unwrap();
        let read: Intervention = serde_json::from_str(&kept).unwrap();
        assert_eq!(kept, right);
        assert!(!read.is_contradicted() && !read.is_not_known_yet());
    }
}

#[test]
fn r3_a_clients_document_that_is_not_on_record_closes_its_door_and_no_others() {
    let before = documents();
    let admission = admitted(&before);
    let closed = with_closed(Closed {
        clients: set([client("hopital")]),
        ..Closed::default()
    });
    let refused = Refusal::DoorClosed {
        client: client("hopital"),
    };
    let open = admission.intervention().clone();
    assert_eq!(
        admission.recheck(&closed, Some(&open), t0()),
        Err(EndReason::DoorClosed {
            client: client("hopital")
        })
    );
    let again = admit(
        &closed,
        &alice(&closed),
        &target("db01"),
        None,
        std::slice::from_ref(&open),
        t0(),
    );
    assert_eq!(again.unwrap_err(), refused);
    assert_eq!(
        odile(&before).as_operator(&closed, t0()).unwrap_err(),
        refused
    );
    assert!(
        matrix_scope(&closed, &person("alice"), t0())
            .iter()
            .all(|reach| reach.client != client("hopital"))
    );
    // The other client's matter is as it was.
    let other = with_closed(Closed {
        clients: set([client("mairie")]),
        ..Closed::default()
    });
    assert_eq!(admission.recheck(&other, Some(&open), t0()), Ok(()));
    odile(&other).as_operator(&other, t0()).unwrap();
}

#[test]
fn r3_a_providers_document_that_is_not_on_record_keeps_its_people_out_and_no_others() {
    let before = documents();
    let admission = admitted(&before);
    let closed = with_closed(Closed {
        providers: set([ProviderId::parse("maintech").unwrap()]),
        ..Closed::default()
    });
    let open = admission.intervention().clone();
    let ended = Ended::ProviderClosed {
        person: person("alice"),
    };
    assert_eq!(
        admission.recheck(&closed, Some(&open), t0()),
        Err(EndReason::Withdrawn(ended))
    );
    odile(&before).as_operator(&closed, t0()).unwrap();
    // Its text may be gone altogether: what clients say of its people is left alone.
    let without = Documents::assemble_around(
        closed.closed().clone(),
        vec![parse_provider("providers/elsewhere.toml", &elsewhere()).unwrap()],
        vec![parse_client("clients/hopital.toml", &hopital(DBA)).unwrap()],
    );
    assert!(without.unwrap().client(&client("hopital")).is_some());
}

/// A6: a technician whose provider's document is not the one on record is told so before any code is looked at; an operator whose client's is
/// not comes in to read it.
#[test]
fn a6_people_of_a_closed_provider_are_told_before_any_code() {
    let facts = AccountFacts {
        blocked_until: None,
        usage: None,
        unused: None,
    };
    let told = |documents: &Documents, person: &str, keys: &[u8]| {
        let mut login = crate::login::begin(person);
        for seed in keys {
            let _ = crate::login::step(&mut login, documents, *seed);
        }
        let barred = login.barred(documents, &facts, t0());
        barred.map(|barred| barred.text_id())
    };
    let closed = with_closed(Closed {
        providers: [ProviderId::parse("maintech").unwrap()].into(),
        clients: [client("hopital")].into(),
    });
    let keys = [ATELIER_1, ALICE];
    assert_eq!(
        told(&closed, "alice", &keys),
        Some("barred-provider-closed")
    );
    assert_eq!(told(&closed, "alice", &[ALICE]), None, "not every key");
    assert_eq!(told(&closed, "odile", &[ODILE]), None);
    assert_eq!(told(&documents(), "alice", &keys), None);
}
