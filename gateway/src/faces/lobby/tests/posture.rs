//! Heightened posture as people read of it (P6).

use std::sync::Arc;

use tokio::task::JoinHandle;

use super::super::run;
use super::super::testing::{House, documents_where, lang};
use super::command;
use crate::clock;
use crate::terminal::testing::{Person, person_in};

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
        status == 1 && format!("{out}{err}").contains("heightened posture"),
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
