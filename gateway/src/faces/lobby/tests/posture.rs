//! Heightened posture as people read of it (P6).

use std::sync::Arc;

use tokio::task::JoinHandle;

use super::super::run;
use super::super::testing::{House, documents, documents_where, lang};
use super::waiting_room::{asks, waits};
use super::{audited, command};
use crate::audit::AuditKind;
use crate::terminal::testing::{Person, person_in};
use crate::{clock, life};

/// Two operators approve meanwhile.
const TWO: &str = "approvers = 2";

/// The posture is heightened by now, without lines that it refuses unless `rules` name some.
pub(super) fn heightens(house: &House, rules: &str) {
    let tight = documents_where(1, "4h", |text| with(text, rules));
    house.apply(tight.as_if_heightened(clock::now(), "an intrusion"));
}

fn with(text: String, rules: &str) -> String {
    match text.contains("id = \"hopital\"") {
        true => format!("{text}[posture.high]\n{rules}\n"),
        false => text,
    }
}

/// P6: whoever gives the last yes that the posture wants reads that nothing more is wanted, and so does the technician.
#[tokio::test]
async fn p6_the_last_yes_is_told_as_enough() {
    let house = House::new().await;
    let asks = "request db01 --for 30m --reason the disk is full";
    let (status, _, err) = command(&house, "alice", asks).await;
    assert_eq!(status, 0, "{err}");
    command(&house, "odile", "approve 1").await;
    heightens(&house, TWO);
    let (_, told, err) = command(&house, "omar", "approve 1").await;
    assert!(
        told.contains("est approuvée") && !told.contains("Un autre opérateur"),
        "{told}{err}"
    );
    // One of two is not.
    command(&house, "alice", asks).await;
    let (_, told, err) = command(&house, "odile", "approve 2").await;
    assert!(told.contains("Another operator has to"), "{told}{err}");
}

/// P6: what a yes gives is said of each request: nothing where all of it is refused meanwhile; and whoever asks for a family that
/// the posture refuses reads of the posture.
#[tokio::test]
async fn p6_a_yes_is_not_promised_to_give_what_is_refused() {
    let house = House::new().await;
    for only in ["shell", "command"] {
        let asks = format!("request db01 --only {only} --for 30m --reason disk");
        let (status, _, err) = command(&house, "alice", &asks).await;
        assert_eq!(status, 0, "{err}");
    }
    command(&house, "odile", "approve 1").await;
    command(&house, "odile", "approve 2").await;
    heightens(&house, "approvers = 2\nrefuse = [\"command\"]");
    let (_, told, err) = command(&house, "odile", "pending").await;
    let count = |words: &str| told.matches(words).count();
    assert_eq!(count("goes on by the same number once"), 1, "{told}{err}");
    assert_eq!(count("a yes alone changes nothing"), 1, "{told}{err}");
    let asks = "request db01 --only command --for 30m --reason disk";
    let (status, out, err) = command(&house, "alice", asks).await;
    assert!(
        status == 1
            && format!("{out}{err}").contains("heightened posture")
            && err.contains("is refused on db01 until the posture is over"),
        "{out}{err}"
    );
}

/// An operator's prompt, and what it becomes.
fn at_the_prompt(house: &House, who: &str) -> (Person, JoinHandle<u32>) {
    let visitor = house.visitor(who);
    let (mut terminal, person) = person_in(Some((100, 40)), "xterm", lang(&visitor));
    let gateway = Arc::clone(&house.gateway);
    let prompt = tokio::spawn(async move { run(&mut terminal, &gateway, &visitor, None).await });
    (person, prompt)
}

/// P6: what was approved and wants one more yes is told as that and not as a request that is new, and not to whoever gave theirs.
#[tokio::test]
async fn p6_what_a_posture_suspends_is_no_new_request() {
    let house = House::new().await;
    let asks = "request db01 --for 30m --reason the disk is full";
    command(&house, "alice", asks).await;
    command(&house, "odile", "approve 1").await;
    let (mut odile, of_odile) = at_the_prompt(&house, "odile");
    let (mut omar, of_omar) = at_the_prompt(&house, "omar");
    odile.sees("No request is waiting").await;
    omar.sees("Aucune demande n'attend").await;
    heightens(&house, TWO);
    omar.sees("La posture renforcée suspend #1 d'alice (maintech), db01")
        .await;
    odile.sees("hopital is in heightened posture").await;
    // What comes after it was told: so was all before.
    command(&house, "alice", asks).await;
    odile.sees("New request #2").await;
    for mut person in [odile, omar] {
        person.types(b"exit\r").await;
        let told = person.text();
        assert!(
            !told.contains("New request #1") && !told.contains("Nouvelle demande #1"),
            "{told}"
        );
    }
    assert_eq!((of_odile.await.unwrap(), of_omar.await.unwrap()), (0, 0));
}

/// P6: one yes of two while the posture is high is enough once it is over: the technician who waits goes on by themselves, by a
/// step on record that is nobody's; until then whoever gave it reads that another's is wanted, and is offered no second.
#[tokio::test]
async fn p6_who_waits_goes_on_once_the_posture_is_over() {
    let house = House::new().await;
    let life = tokio::spawn(life::run(Arc::clone(&house.gateway)));
    let (mut alice, room) = waits(&house, "alice", Some((120, 40)), "xterm");
    asks(&mut alice, "disk full", "1h").await;
    alice.sees("not yet seen").await;
    heightens(&house, "approvers = 2\nat-most = \"30m\"");
    // Who waits is told of what can be had.
    alice
        .sees("At present 30m at most of it can be granted")
        .await;
    let (_, told, err) = command(&house, "odile", "pending").await;
    for words in [
        "2 approvals needed, none yet",
        "approve #1 --for 30m",
        "refuse 1 --reason",
    ] {
        assert!(told.contains(words), "{words}: {told}{err}");
    }
    assert!(!told.contains("approve 1   or"), "{told}");
    let (status, out, err) = command(&house, "odile", "approve 1").await;
    let said = format!("{out}{err}");
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        status == 1 && said.contains("approve #1 --for 30m") && !said.contains("ask for"),
        "{said}"
    );
    command(&house, "odile", "approve 1 --for 30m").await;
    alice.sees("Another operator has to approve it too").await;
    let (_, told, _) = command(&house, "odile", "pending").await;
    assert!(
        told.contains("1 of 2 approvals (odile)") && told.contains("Another operator must"),
        "{told}"
    );
    house.apply(documents(1, "4h"));
    alice.sees("Opening db01").await;
    let admission = room.await.unwrap().unwrap();
    let granted = admission.intervention().granted().unwrap();
    assert_eq!(granted.length, ecluse_policy::Span::from_mins(30));
    let kinds = audited(&house).await;
    let yeses = kinds.iter().filter(|kind| **kind == AuditKind::Approval);
    // One that was refused, one that counts, and what that became.
    assert_eq!(yeses.count(), 3, "{kinds:?}");
    house.stop();
    life.await.unwrap();
}

/// P6: whoever gave a yes that was not enough is told when it is, as any other operator; and not of what their own yes does.
#[tokio::test]
async fn p6_whoever_said_yes_is_told_when_that_suffices() {
    let house = House::new().await;
    let life = tokio::spawn(life::run(Arc::clone(&house.gateway)));
    heightens(&house, TWO);
    let asks = "request db01 --for 30m --reason the disk is full";
    let (mut odile, of_odile) = at_the_prompt(&house, "odile");
    odile.sees("No request is waiting").await;
    command(&house, "alice", asks).await;
    odile.sees("New request #1").await;
    command(&house, "odile", "approve 1").await;
    // What comes after it was looked at: so was her yes.
    command(&house, "alice", asks).await;
    odile.sees("New request #2").await;
    house.apply(documents(1, "4h"));
    odile.sees("Request #1 of alice is no longer waiting").await;
    command(&house, "odile", "approve 2").await;
    command(&house, "alice", asks).await;
    odile.sees("New request #3").await;
    odile.types(b"exit\r").await;
    let told = odile.text();
    assert!(!told.contains("Request #2"), "{told}");
    assert_eq!(of_odile.await.unwrap(), 0);
    house.stop();
    life.await.unwrap();
}

/// P6: what is suspended is listed as that, and not as open; an auditor is offered no act.
#[tokio::test]
async fn p6_lists_tell_of_what_is_suspended() {
    let house = House::new().await;
    let asks = "request db01 --for 30m --reason the disk is full";
    command(&house, "alice", asks).await;
    command(&house, "odile", "approve 1").await;
    let (_, told, _) = command(&house, "aurele", "posture").await;
    assert!(
        told.contains("normal") && !told.contains("posture high"),
        "{told}"
    );
    heightens(&house, TWO);
    for (who, words) in [
        (
            "odile",
            "suspended by heightened posture · 1 of 2 approvals",
        ),
        ("omar", "suspendue par la posture renforcée · 1 sur 2"),
    ] {
        let (_, told, err) = command(&house, who, "interventions 1").await;
        assert!(told.replace('\u{a0}', " ").contains(words), "{told}{err}");
    }
}

/// P6: each time that a posture was over is told by itself, so that one reads when it was high.
#[tokio::test]
async fn p6_each_end_of_a_posture_is_a_line_of_its_own() {
    let house = House::new().await;
    let odile = house.visitor("odile");
    let client = ecluse_policy::ClientId::parse("hopital").unwrap();
    for kind in [AuditKind::PostureHigh, AuditKind::PostureNormal].repeat(2) {
        let record = odile.record(kind, clock::now()).client(&client);
        let record = record.permitted().reason("an intrusion");
        house.gateway.store.record(&[record]).await.unwrap();
    }
    let (_, told, err) = command(&house, "omar", "changes").await;
    let lines = told.lines().filter(|line| line.contains("est terminée"));
    assert_eq!(lines.count(), 2, "{told}{err}");
}
