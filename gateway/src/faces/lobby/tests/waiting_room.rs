//! Technicians in the waiting room: what they are asked and shown, and how they come out.

use std::sync::Arc;

use ecluse_policy::intervention::{Intervention, State};
use ecluse_policy::{Admission, Span};
use tokio::task::JoinHandle;

use super::super::testing::{House, documents, lang};
use super::super::{Leave, wait_for_approval};
use super::posture::heightens;
use super::{audited, command, db01};
use crate::audit::AuditKind;
use crate::life;
use crate::store::InterventionQuery;
use crate::terminal::testing::{Person, person_in};

/// Someone in the waiting room of db01.
pub(super) fn waits(
    house: &House,
    who: &str,
    size: Option<(u16, u16)>,
    term: &str,
) -> (Person, JoinHandle<Result<Admission, Leave>>) {
    let visitor = house.visitor(who);
    let (mut terminal, person) = person_in(size, term, lang(&visitor));
    let gateway = Arc::clone(&house.gateway);
    let room = tokio::spawn(async move {
        wait_for_approval(&mut terminal, &gateway, &visitor, &db01(), None).await
    });
    (person, room)
}

/// Answers the room's questions: why, and for how long.
pub(super) async fn asks(person: &mut Person, why: &str, length: &str) {
    person.sees(">").await;
    person.types(format!("{why}\r").as_bytes()).await;
    person.sees("1h").await;
    person.types(format!("{length}\r").as_bytes()).await;
}

/// Alice at her terminal, who has asked for an hour on db01 and waits for an answer.
async fn alice_waits(house: &House) -> (Person, JoinHandle<Result<Admission, Leave>>) {
    let (mut alice, room) = waits(house, "alice", Some((80, 24)), "xterm");
    asks(&mut alice, "disk full", "1h").await;
    alice.sees("not yet seen").await;
    (alice, room)
}

/// I1, I2: asked, seen, approved for less, told, admitted; every step on record.
#[tokio::test]
async fn a_technician_asks_is_seen_is_granted_less_and_goes_on() {
    let house = House::new().await;
    let (mut alice, room) = waits(&house, "alice", Some((80, 24)), "xterm");
    asks(&mut alice, "disk full on /var", "4h").await;
    alice
        .sees("is for the operators of hopital: Odile (odile), Omar (omar)")
        .await;
    alice.sees("not yet seen").await;

    let (status, pending, _) = command(&house, "odile", "pending").await;
    assert_eq!(status, 0);
    for shown in [
        "#1",
        "alice (maintech)",
        "atelier-1",
        "db01",
        "postgres",
        "disk full on /var",
        "4h",
        "pg_dump --schema-only {db}",
    ] {
        assert!(pending.contains(shown), "{shown} is not in\n{pending}");
    }
    alice.sees("Seen by Odile (odile).").await;
    // Both sides compare the same code.
    let code = pending
        .split_whitespace()
        .find(|word| {
            word.len() == 9
                && word.contains('-')
                && word
                    .chars()
                    .all(|c| c == '-' || c.is_ascii_uppercase() || c.is_ascii_digit())
        })
        .unwrap();
    alice.sees(code).await;

    let (status, approved, _) = command(&house, "odile", "approve 1 --for 1h --only shell").await;
    assert_eq!(status, 0, "{approved}");
    assert!(approved.contains("4h → 1h"), "{approved}");
    alice.sees("Approved by Odile (odile)").await;
    alice.sees("length: asked 4h → granted 1h").await;
    alice.sees("→ granted shell").await;
    alice.sees("Opening db01").await;

    let admission = room.await.unwrap().unwrap();
    assert_eq!(admission.target(), &db01());
    assert!(admission.closes_at() <= crate::clock::now().plus(Span::from_hours(1)));
    assert_eq!(
        audited(&house).await,
        [AuditKind::Request, AuditKind::Seen, AuditKind::Approval]
    );
}

fn refused() -> Leave {
    Leave {
        status: 254,
        before_answer: false,
    }
}

fn left() -> Leave {
    Leave {
        before_answer: true,
        ..refused()
    }
}

#[tokio::test]
async fn a_refusal_is_read_with_its_reason_and_ends_with_254() {
    let house = House::new().await;
    let (mut alice, room) = waits(&house, "alice", Some((80, 24)), "xterm");
    asks(&mut alice, "curious", "").await;
    alice.sees("not yet seen").await;
    let (status, ..) = command(&house, "odile", "refuse 1 --reason not during the backup").await;
    assert_eq!(status, 0);
    assert_eq!(room.await.unwrap(), Err(refused()));
    alice
        .sees("Refused by Odile (odile): not during the backup")
        .await;
}

/// P6: whoever waits reads that the posture was raised meanwhile, and that it is over.
#[tokio::test]
async fn p6_whoever_waits_reads_of_a_posture_raised_meanwhile() {
    let house = House::new().await;
    let (mut alice, room) = alice_waits(&house).await;
    heightens(&house, "approvers = 2");
    alice.sees("hopital is in heightened posture since").await;
    alice.sees("approvals needed: 2 at least").await;
    command(&house, "odile", "approve 1").await;
    alice.sees("Another operator has to approve it too").await;
    house.apply(documents(1, "4h"));
    alice.sees("The posture of hopital is normal again").await;
    room.abort();
}

/// The client's yes is needed from as many operators as the matrix says.
#[tokio::test]
async fn one_of_two_approvals_is_not_enough() {
    let house = House::with(documents(2, "4h")).await;
    let (mut alice, room) = alice_waits(&house).await;
    let (_, first, _) = command(&house, "odile", "approve 1").await;
    assert!(first.contains("Another operator"), "{first}");
    alice.sees("Another operator has to approve it too").await;
    let (status, _, again) = command(&house, "odile", "approve 1").await;
    assert_eq!(status, 1);
    assert!(again.contains("already"), "{again}");
    let (status, ..) = command(&house, "omar", "approve 1").await;
    assert_eq!(status, 0);
    assert!(room.await.unwrap().is_ok());
}

/// Every request there is.
async fn requests(house: &House) -> Vec<Intervention> {
    let all = InterventionQuery::default();
    house.gateway.store.interventions(&all).await.unwrap()
}

/// Two terminals of one person wait for one request.
#[tokio::test]
async fn a_second_terminal_joins_the_request_that_waits() {
    let house = House::new().await;
    let (_first, room) = alice_waits(&house).await;
    let (mut second, other_room) = waits(&house, "alice", Some((80, 24)), "xterm");
    second.sees("Your request #1 is already waiting").await;
    let all = requests(&house).await;
    assert_eq!(all.len(), 1);
    command(&house, "odile", "approve 1").await;
    assert!(room.await.unwrap().is_ok() && other_room.await.unwrap().is_ok());
}

#[tokio::test]
async fn q_takes_the_request_back_when_it_is_typed_again() {
    let house = House::new().await;
    let (mut alice, room) = alice_waits(&house).await;
    alice.types(b"q").await;
    alice.sees("q again to cancel the request").await;
    assert!(matches!(
        requests(&house).await[0].state(),
        State::Requested
    ));
    // Another key goes on waiting, and q asks anew.
    alice.types(b"x").await;
    let before = alice.raw().len();
    alice.types(b"q").await;
    alice.writes_after(before).await;
    assert!(matches!(
        requests(&house).await[0].state(),
        State::Requested
    ));
    alice.types(b"q").await;
    assert_eq!(room.await.unwrap(), Err(left()));
    alice.sees("Request #1 was cancelled").await;
    let all = requests(&house).await;
    assert!(matches!(all[0].state(), State::Cancelled { .. }));
    let (_, pending, _) = command(&house, "odile", "pending").await;
    assert!(pending.contains("No request is waiting"));
}

/// ^C is no key that is hit by mistake.
#[tokio::test]
async fn control_c_takes_the_request_back_at_once() {
    let house = House::new().await;
    let (mut alice, room) = alice_waits(&house).await;
    alice.types(b"\x03").await;
    assert_eq!(room.await.unwrap(), Err(left()));
    alice.sees("Request #1 was cancelled").await;
}

/// Whoever hangs up in the room leaves the request waiting, and no task behind.
#[tokio::test]
async fn a_technician_who_hangs_up_leaves_the_room() {
    let house = House::new().await;
    let (mut alice, room) = alice_waits(&house).await;
    alice.leaves();
    assert_eq!(room.await.unwrap(), Err(left()));
}

/// A8: whoever is removed while they wait is told and sent away.
#[tokio::test]
async fn a_person_who_is_removed_leaves_the_room() {
    let house = House::new().await;
    let (mut alice, room) = alice_waits(&house).await;
    house.apply(ecluse_policy::Documents::default());
    assert_eq!(room.await.unwrap(), Err(refused()));
    alice.sees("Your account was removed").await;
}

/// Control characters of a hostile reason never reach the other side as such.
#[tokio::test]
async fn hostile_input_is_asked_again_and_never_shown_raw() {
    let house = House::new().await;
    let (mut alice, room) = waits(&house, "alice", Some((80, 24)), "xterm");
    alice.sees(">").await;
    alice.types("\x1b]0;owned\x07\x1b[200~".as_bytes()).await;
    alice.types("x".repeat(10_000).as_bytes()).await;
    alice.types(b"\x1b[201~\r").await;
    alice.sees("1000 at most").await;
    alice.types(b"\x15why \xff\xfe\xc3(\r").await;
    alice.sees("For how long").await;
    alice.types(b"soon\r").await;
    alice.sees("is not a length").await;
    alice.types(b"9h\r").await;
    alice.sees("9h is more than the 4h").await;
    alice.types(b"30m\r").await;
    // U+FFFD is a visible character; policy takes it or the room says why not.
    alice.sees("#1").await;
    alice.types(b"qq").await;
    let _ = room.await;
    assert!(!alice.text().contains("owned"));
}

/// The golden screens: what the technician sees at 80 and 40 columns, in both languages.
#[tokio::test]
async fn the_waiting_room_reads_well_on_any_terminal() {
    for (who, wanted) in [
        ("alice", "disk full on /var When"),
        ("bruno", "disk full on /var Période"),
    ] {
        for cols in [80, 40] {
            let house = House::new().await;
            let (mut person, room) = waits(&house, who, Some((cols, 20)), "xterm");
            asks(&mut person, "disk full on /var", "2h").await;
            person.sees(wanted).await;
            person
                .sees(if who == "alice" {
                    "q cancels"
                } else {
                    "q annule"
                })
                .await;
            for line in person.screen() {
                assert!(line.chars().count() <= cols.into(), "{line:?}");
                // Nothing was left of a template or of a message that does not exist.
                assert!(!line.contains("{") || line.contains("{db}"), "{line:?}");
                assert!(
                    !line.contains("room-") && !line.contains("field-"),
                    "{line:?}"
                );
            }
            person.types(b"qq").await;
            assert!(room.await.unwrap().is_err());
        }
    }
}

#[tokio::test]
async fn the_live_line_stays_in_place() {
    let house = House::new().await;
    let (mut alice, room) = alice_waits(&house).await;
    let lines = alice.screen().len();
    let before = alice.raw().len();
    // It moves by itself, and takes no further row.
    alice.writes_after(before).await;
    assert_eq!(alice.screen().len(), lines);
    alice.types(b"qq").await;
    let _ = room.await;
}

#[tokio::test]
async fn a_dumb_terminal_waits_without_escape_sequences() {
    let house = House::new().await;
    let (mut alice, room) = waits(&house, "alice", Some((80, 24)), "dumb");
    asks(&mut alice, "disk full", "1h").await;
    alice.sees("is for the operators of").await;
    command(&house, "odile", "approve 1").await;
    assert!(room.await.unwrap().is_ok());
    assert!(!alice.raw().contains(&0x1b), "{:?}", alice.text());
}

/// A request that nobody answers expires after the time that the settings give; the room says so.
#[tokio::test]
async fn a_request_that_nobody_answers_expires() {
    let settings = "[interventions]\npending-expires = \"1s\"\n";
    let house = House::configured(documents(1, "4h"), settings).await;
    let life = tokio::spawn(life::run(Arc::clone(&house.gateway)));
    let (mut alice, room) = waits(&house, "alice", Some((80, 24)), "xterm");
    asks(&mut alice, "disk full", "1h").await;
    assert_eq!(room.await.unwrap(), Err(refused()));
    alice.sees("the request has expired").await;
    assert!(audited(&house).await.contains(&AuditKind::Expiry));
    house.stop();
    life.await.unwrap();
}
