//! Under which names bytes are added up, and which day it is (X2).

use uuid::Uuid;

use super::*;

fn place<'a>(admission: &'a Admission, session: u128, channel: u64) -> Place<'a> {
    Place {
        node: "gw/1",
        client: admission.client(),
        target: admission.target(),
        person: admission.presence().person(),
        intervention: admission.intervention().id(),
        session: SessionId::from_uuid(Uuid::from_u128(session)),
        channel,
    }
}

/// R7: accounts of a client's days can be told from all others, by their names.
#[test]
fn accounts_of_days_that_are_over_are_known_by_their_names() {
    let client = ClientId::parse("hopital").unwrap();
    let day = Zone::UTC.day(t0());
    let is_over = |key: &str| Account::is_of_client_before(key, &client, day);
    for over in [
        "down/client/2020-01-31/hopital",
        "up/target/2020-01-31/hopital/db01",
        "down/technician-day/2020-01-31/hopital/alice",
    ] {
        assert!(is_over(over), "{over}");
    }
    for stays in [
        "down/technician-day/2999-01-31/hopital/alice",
        "down/technician-day/2020-01-31/mairie/hopital",
        "down/node/2020-01-31/hopital",
        "down/session/2020-01-31/hopital",
        "down/client",
    ] {
        assert!(!is_over(stays), "{stays}");
    }
}

/// X2: each level is added up under a name of its own, days by the client's clock.
#[test]
fn every_level_has_an_account_and_a_day_ends_at_the_clients_midnight() {
    let all = "extraction = { session = \"1 MiB\", intervention = \"2 MiB\", channel = \"1 KiB\", technician-day = \"3 MiB\", day = \"4 MiB\" }";
    let documents = documents_saying(all, "extraction = { day = \"5 MiB\" }", "").on_node(node(
        "[extraction]\nday = \"1 GiB\"\nzone = \"Asia/Tokyo\"\n",
    ));
    let admission = admission(&documents, &approved(&documents));
    let permit = permitted(admission.decide(&FlowRequest::Shell, t0()));
    let place = place(&admission, 7, 3);
    // The only zone that its hours name: 23:30 in Paris, and another day in Tokyo.
    let charges = permit
        .terms()
        .budgets()
        .charges(&place, Way::Down, at("2026-11-23T22:30:00Z"));
    let told: Vec<(String, Option<String>)> = charges
        .iter()
        .map(|charge| {
            (
                charge.account.key.clone(),
                charge.account.until.map(|until| until.to_string()),
            )
        })
        .collect();
    let id = admission.intervention().id();
    let session = SessionId::from_uuid(Uuid::from_u128(7));
    let midnight = Some("2026-11-23T23:00:00Z".to_owned());
    assert_eq!(
        told,
        [
            (
                "down/node/2026-11-24/gw/1".to_owned(),
                Some("2026-11-24T15:00:00Z".to_owned())
            ),
            (
                "down/client/2026-11-23/hopital".to_owned(),
                midnight.clone()
            ),
            (
                "down/target/2026-11-23/hopital/db01".to_owned(),
                midnight.clone()
            ),
            (
                "down/technician-day/2026-11-23/hopital/alice".to_owned(),
                midnight
            ),
            (format!("down/intervention/{id}"), None),
            (format!("down/session/{session}"), None),
            (format!("down/channel/{session}/3"), None),
        ]
    );
    assert!(
        permit
            .terms()
            .budgets()
            .charges(&place, Way::Up, t0())
            .is_empty()
    );
}

#[test]
fn a_client_says_its_zone_or_its_hours_do() {
    let zone = |client: &str, hours: &str| {
        let text = hopital(&DBA.replace("mon-fri 07:00-20:00 Europe/Paris", hours))
            .replace("lang = \"fr\"\n", &format!("lang = \"fr\"\n{client}\n"));
        parse_client("clients/hopital.toml", &text)
            .unwrap()
            .days_of()
            .to_string()
    };
    let both = "mon 07:00-20:00 Europe/Paris; tue 07:00-20:00 America/Cayenne";
    for (client, hours, expected) in [
        ("", "mon-fri 07:00-20:00 Europe/Paris", "Europe/Paris"),
        ("", "always", "UTC"),
        ("", both, "UTC"),
        ("zone = \"Indian/Reunion\"", both, "Indian/Reunion"),
    ] {
        assert_eq!(zone(client, hours), expected, "{client} {hours}");
    }
}

// ── told
