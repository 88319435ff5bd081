//! The dialogues from end to end, without SSH: people at terminals, one store, policy's decisions.

use std::sync::Arc;

use ecluse_policy::intervention::State;
use ecluse_policy::{Admission, Span, TargetId};
use tokio::task::JoinHandle;

use super::testing::{House, documents, lang};
use super::{Leave, Visitor, life, refuse_without_terminal, run, steps, wait_for_approval};
use crate::audit::AuditKind;
use crate::store::{AuditQuery, InterventionQuery};
use crate::terminal::testing::{Person, person_in};

fn db01() -> TargetId {
    TargetId::parse("db01").unwrap()
}

/// Someone in the waiting room of db01.
fn waits(
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

/// One command without a terminal: exit status, standard output, standard error.
async fn command(house: &House, who: &str, line: &str) -> (u32, String, String) {
    command_of(house, &house.visitor(who), line).await
}

async fn command_of(house: &House, visitor: &Visitor, line: &str) -> (u32, String, String) {
    let (mut terminal, person) = person_in(None, "", lang(visitor));
    let status = run(&mut terminal, &house.gateway, visitor, Some(line)).await;
    drop(terminal);
    let (out, err) = person.all().await;
    (status, out, err)
}

/// Answers the room's questions: why, and for how long.
async fn asks(person: &mut Person, why: &str, length: &str) {
    person.sees(">").await;
    person.types(format!("{why}\r").as_bytes()).await;
    person.sees("1h").await;
    person.types(format!("{length}\r").as_bytes()).await;
}

async fn audited(house: &House) -> Vec<AuditKind> {
    let records = house
        .gateway
        .store
        .audit(&AuditQuery::default())
        .await
        .unwrap();
    let mut records: Vec<_> = records
        .into_iter()
        .map(|stored| (stored.seq, stored.record.kind))
        // The house makes its keys first.
        .filter(|(_, kind)| *kind != AuditKind::KeyMade)
        .collect();
    records.sort_unstable_by_key(|(seq, _)| *seq);
    records.into_iter().map(|(_, kind)| kind).collect()
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

#[tokio::test]
async fn a_refusal_is_read_with_its_reason_and_ends_with_254() {
    let house = House::new().await;
    let (mut alice, room) = waits(&house, "alice", Some((80, 24)), "xterm");
    asks(&mut alice, "curious", "").await;
    alice.sees("not yet seen").await;
    let (status, ..) = command(&house, "odile", "refuse 1 --reason not during the backup").await;
    assert_eq!(status, 0);
    assert_eq!(room.await.unwrap(), Err(Leave { status: 254 }));
    alice
        .sees("Refused by Odile (odile): not during the backup")
        .await;
}

/// The client's yes is needed from as many operators as the matrix says.
#[tokio::test]
async fn one_of_two_approvals_is_not_enough() {
    let house = House::with(documents(2, "4h")).await;
    let (mut alice, room) = waits(&house, "alice", Some((80, 24)), "xterm");
    asks(&mut alice, "disk full", "1h").await;
    alice.sees("not yet seen").await;
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

/// Two terminals of one person wait for one request.
#[tokio::test]
async fn a_second_terminal_joins_the_request_that_waits() {
    let house = House::new().await;
    let (mut first, room) = waits(&house, "alice", Some((80, 24)), "xterm");
    asks(&mut first, "disk full", "1h").await;
    first.sees("not yet seen").await;
    let (mut second, other_room) = waits(&house, "alice", Some((80, 24)), "xterm");
    second.sees("Your request #1 is already waiting").await;
    let all = house
        .gateway
        .store
        .interventions(&InterventionQuery::default())
        .await
        .unwrap();
    assert_eq!(all.len(), 1);
    command(&house, "odile", "approve 1").await;
    assert!(room.await.unwrap().is_ok() && other_room.await.unwrap().is_ok());
}

#[tokio::test]
async fn q_takes_the_request_back() {
    let house = House::new().await;
    let (mut alice, room) = waits(&house, "alice", Some((80, 24)), "xterm");
    asks(&mut alice, "disk full", "1h").await;
    alice.sees("not yet seen").await;
    alice.types(b"q").await;
    assert_eq!(room.await.unwrap(), Err(Leave { status: 254 }));
    alice.sees("Request #1 was cancelled").await;
    let all = house
        .gateway
        .store
        .interventions(&InterventionQuery::default())
        .await
        .unwrap();
    assert!(matches!(all[0].state(), State::Cancelled { .. }));
    let (_, pending, _) = command(&house, "odile", "pending").await;
    assert!(pending.contains("No request is waiting"));
}

/// Whoever hangs up in the room leaves the request waiting, and no task behind.
#[tokio::test]
async fn a_technician_who_hangs_up_leaves_the_room() {
    let house = House::new().await;
    let (mut alice, room) = waits(&house, "alice", Some((80, 24)), "xterm");
    asks(&mut alice, "disk full", "1h").await;
    alice.sees("not yet seen").await;
    alice.leaves();
    assert_eq!(room.await.unwrap(), Err(Leave { status: 254 }));
}

/// A8: whoever is removed while they wait is told and sent away.
#[tokio::test]
async fn a_person_who_is_removed_leaves_the_room() {
    let house = House::new().await;
    let (mut alice, room) = waits(&house, "alice", Some((80, 24)), "xterm");
    asks(&mut alice, "disk full", "1h").await;
    alice.sees("not yet seen").await;
    house.apply(ecluse_policy::Documents::default());
    assert_eq!(room.await.unwrap(), Err(Leave { status: 254 }));
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
    alice.types(b"q").await;
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
                    "not yet seen"
                } else {
                    "pas encore vue"
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
            person.types(b"q").await;
            assert!(room.await.unwrap().is_err());
        }
    }
}

#[tokio::test]
async fn the_live_line_stays_in_place() {
    let house = House::new().await;
    let (mut alice, room) = waits(&house, "alice", Some((80, 24)), "xterm");
    asks(&mut alice, "disk full", "1h").await;
    alice.sees("not yet seen").await;
    let lines = alice.screen().len();
    let before = alice.raw().len();
    // It moves by itself, and takes no further row.
    alice.writes_after(before).await;
    assert_eq!(alice.screen().len(), lines);
    alice.types(b"q").await;
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

/// Without a terminal: standard error names the command that asks, and the status is 254.
#[tokio::test]
async fn without_a_terminal_the_exact_command_is_named() {
    let house = House::new().await;
    let visitor = house.visitor("alice");
    let (mut terminal, person) = person_in(None, "", lang(&visitor));
    let refusal = steps::look(&house.gateway, &visitor, &db01(), None)
        .await
        .unwrap()
        .unwrap_err();
    let leave = refuse_without_terminal(
        &mut terminal,
        &house.gateway,
        &visitor,
        &db01(),
        None,
        &refusal,
    )
    .await;
    drop(terminal);
    let (out, err) = person.all().await;
    assert_eq!((leave.status, out.as_str()), (254, ""));
    assert!(
        err.contains("ssh -p 2222 alice@192.0.2.1 request db01 --for 1h --reason \""),
        "{err}"
    );
}

/// The command that is named does what it says, also when the local shell has eaten the quotes.
#[tokio::test]
async fn a_request_from_afar_waits_and_can_be_cancelled() {
    let house = House::new().await;
    let line = "request db01 --for 2h --reason l'imprimante ne répond plus --only shell";
    let (status, out, err) = command(&house, "alice", line).await;
    assert_eq!(status, 0, "{err}");
    assert!(
        out.contains("#1") && out.contains("l'imprimante ne répond plus"),
        "{out}"
    );
    let (_, mine, _) = command(&house, "alice", "interventions").await;
    assert!(mine.contains("waiting for an answer"), "{mine}");
    let (status, _, theirs) = command(&house, "bruno", "cancel 1").await;
    assert_eq!(status, 1, "{theirs}");
    let (status, ..) = command(&house, "alice", "cancel #1").await;
    assert_eq!(status, 0);
}

#[tokio::test]
async fn wrong_use_is_explained_with_status_2() {
    let house = House::new().await;
    for (who, line, said) in [
        ("alice", "request db01 --reason x", "--for 2h"),
        (
            "alice",
            "request --for 2h --reason x",
            "at least one target",
        ),
        (
            "alice",
            "request db01 --for soon --reason x",
            "not a length",
        ),
        (
            "alice",
            "request db01 --for 2h --reason x --only sftp",
            "shell, command, env",
        ),
        ("alice", "request db01 --force", "--force"),
        ("odile", "approve", "by its number"),
        ("odile", "approve seventeen", "seventeen"),
        ("odile", "refuse 1", "not an intervention"),
        ("odile", "frobnicate \x1b[31m", "frobnicate"),
        ("alice", "pending", "not for your role"),
        ("aurele", "replay", "by its number"),
    ] {
        let (status, _, err) = command(&house, who, line).await;
        let wanted = if line == "refuse 1" { 1 } else { 2 };
        if who == "odile" && line == "refuse 1" {
            assert!(status == 1 || status == 2, "{line}: {err}");
            continue;
        }
        assert_eq!(status, wanted, "{line}: {err}");
        assert!(!err.contains('\x1b'));
        if who != "aurele" {
            assert!(err.contains(said), "{line}: {err}");
        }
    }
}

/// O4: another client's operator neither sees nor answers.
#[tokio::test]
async fn clients_are_kept_apart() {
    let house = House::new().await;
    command(&house, "alice", "request db01 --for 2h --reason disk").await;
    let zoe = command(&house, "zoe", "pending").await;
    assert!(zoe.1.contains("Aucune demande"), "{zoe:?}");
    let (status, _, err) = command(&house, "zoe", "approve 1").await;
    let (other_status, _, other) = command(&house, "zoe", "approve 99").await;
    assert_eq!((status, other_status), (1, 1));
    assert_eq!(
        err.replace("#1", "#"),
        other.replace("#99", "#"),
        "the answers must not differ"
    );
}

/// An approval only shrinks what was asked.
#[tokio::test]
async fn an_operator_cannot_grant_more() {
    let house = House::new().await;
    command(
        &house,
        "alice",
        "request db01 --for 1h --reason disk --only shell",
    )
    .await;
    for more in [
        "--for 2h",
        "--only command",
        "--account root",
        "--target web01",
    ] {
        let (status, _, err) = command(&house, "odile", &format!("approve 1 {more}")).await;
        assert_eq!(status, 1, "{more}: {err}");
    }
    let (status, ..) = command(&house, "odile", "approve 1 --for 30m").await;
    assert_eq!(status, 0);
}

/// A request that nobody answers expires after the time that the settings give; the room says so.
#[tokio::test]
async fn a_request_that_nobody_answers_expires() {
    let settings = "[interventions]\npending-expires = \"1s\"\n";
    let house = House::configured(documents(1, "4h"), settings).await;
    let life = tokio::spawn(life::run(Arc::clone(&house.gateway)));
    let (mut alice, room) = waits(&house, "alice", Some((80, 24)), "xterm");
    asks(&mut alice, "disk full", "1h").await;
    assert_eq!(room.await.unwrap(), Err(Leave { status: 254 }));
    alice.sees("the request has expired").await;
    assert!(audited(&house).await.contains(&AuditKind::Expiry));
    house.stop();
    life.await.unwrap();
}

/// No more requests wait than the settings allow, of one person.
#[tokio::test]
async fn the_number_of_waiting_requests_is_bounded() {
    let settings = "[interventions]\nwaiting-per-person = 1\n";
    let house = House::configured(documents(1, "4h"), settings).await;
    let ask = "request db01 --for 1h --reason disk";
    assert_eq!(command(&house, "alice", ask).await.0, 0);
    let (status, _, err) = command(&house, "alice", ask).await;
    assert_eq!(status, 1);
    assert!(err.contains("waits for an answer already"), "{err}");
}

/// I3: an operator can end what was approved at any time.
#[tokio::test]
async fn a_withdrawn_intervention_admits_nobody() {
    let house = House::new().await;
    command(&house, "alice", "request db01 --for 1h --reason disk").await;
    command(&house, "odile", "approve 1").await;
    let alice = house.visitor("alice");
    assert!(
        steps::look(&house.gateway, &alice, &db01(), None)
            .await
            .unwrap()
            .is_ok()
    );
    let (status, out, err) = command(&house, "odile", "withdraw 1 --reason the job is done").await;
    assert_eq!(status, 0, "{out}{err}");
    assert!(
        steps::look(&house.gateway, &alice, &db01(), None)
            .await
            .unwrap()
            .is_err()
    );
    assert!(audited(&house).await.contains(&AuditKind::Closing));
}

/// Operators read of new requests above their prompt, without a key being pressed.
#[tokio::test]
async fn an_operator_at_the_prompt_reads_of_new_requests() {
    let house = House::new().await;
    let visitor = house.visitor("odile");
    let (mut terminal, mut odile) = person_in(Some((80, 24)), "xterm", lang(&visitor));
    let gateway = Arc::clone(&house.gateway);
    let prompt = tokio::spawn(async move { run(&mut terminal, &gateway, &visitor, None).await });
    odile.sees("No request is waiting").await;
    odile.types(b"appr").await;
    command(&house, "alice", "request db01 --for 1h --reason disk full").await;
    odile
        .sees("New request #1: alice (maintech), db01, for 1h: disk full")
        .await;
    // What was being typed is still there.
    odile.types(b"ove 1\r").await;
    odile.sees("#1 is approved").await;
    odile.types(b"exit\r").await;
    assert_eq!(prompt.await.unwrap(), 0);
}

#[tokio::test]
async fn life_stops_with_the_gateway() {
    let house = House::new().await;
    let life = tokio::spawn(life::run(Arc::clone(&house.gateway)));
    house.stop();
    life.await.unwrap();
}
