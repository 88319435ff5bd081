//! What people are told beside what they asked for: how many have to say yes, until when a yes lasts, what changed.

use ecluse_policy::{AccountName, ClientId, InterventionId, PersonId, SessionId, Span};
use uuid::Uuid;

use super::super::testing::{House, documents};
use super::{command, db01};
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::store::SessionStart;
use crate::store::testing::{attack, records_of, words_away, words_back};

/// I2: where two have to approve, everybody who reads of the request reads how many have; the operator reads until when a yes
/// lasts, and the technician when a planned intervention runs.
#[tokio::test]
async fn i2_how_many_approvals_are_needed_is_told_to_all_sides() {
    let house = House::with(documents(2, "4h")).await;
    let (status, asked, err) = command(
        &house,
        "alice",
        "request db01 --for 30m --at 23:59 --reason the disk is full",
    )
    .await;
    assert_eq!(status, 0, "{err}");
    let needed = "2 approvals needed, none yet";
    assert!(
        asked.contains(needed) && asked.contains("from the first use, not before"),
        "{asked}"
    );
    let (_, pending, err) = command(&house, "odile", "pending").await;
    assert!(
        pending.contains(needed)
            && pending.contains("approved now, it is over at")
            && pending.contains("from the first use, not before"),
        "{pending}{err}"
    );
    for (who, needed) in [
        ("alice", needed),
        ("odile", needed),
        ("aurele", "2 approbations nécessaires, aucune encore"),
    ] {
        let (_, listed, err) = command(&house, who, "interventions").await;
        assert!(listed.contains(needed), "{who}: {listed}{err}");
    }
    // Where one does, nobody counts.
    let house = House::new().await;
    command(&house, "alice", "request db01 --for 30m --reason disk").await;
    let (_, pending, _) = command(&house, "odile", "pending").await;
    assert!(
        !pending.contains("needed") && pending.contains("approved now, it is over at"),
        "{pending}"
    );
}

/// R9: an operator who never opens the prompt is told what changed, once, by the first of their commands that shows what is to
/// do.
#[tokio::test]
async fn r9_single_commands_tell_what_changed_once() {
    let house = House::new().await;
    let client = ClientId::parse("hopital").unwrap();
    let ago = |minutes| clock::now().minus(Span::from_mins(minutes));
    let change = |minutes| {
        AuditRecord::new(AuditKind::DocumentChange, ago(minutes))
            .client(&client)
            .detail("object", "target hopital/db01")
            .detail("change", "changed")
            .detail("by", "root")
            .detail("lines", vec!["hours: 8-18 -> nothing"])
    };
    let came = AuditRecord::new(AuditKind::LogOn, ago(60))
        .client(&client)
        .claimed("odile")
        .detail("connection", "an earlier one");
    let records = [came, change(30)];
    house.gateway.store.record(&records).await.unwrap();
    let (_, told, err) = command(&house, "odile", "pending").await;
    assert!(
        told.contains("8-18") && told.contains("changes"),
        "{told}{err}"
    );
    let (_, again, _) = command(&house, "odile", "live").await;
    assert!(!again.contains("8-18"), "{again}");
    house.gateway.store.record(&[change(0)]).await.unwrap();
    let (_, told, err) = command(&house, "odile", "live").await;
    assert!(told.contains("8-18"), "{told}{err}");
}

/// R2, R3: what operators are told is pushed out by nothing: not by ten others of its kind, and not by a hundred of one thing.
#[tokio::test]
async fn r2_no_alert_is_pushed_out_by_others() {
    let house = House::new().await;
    let client = ClientId::parse("hopital").unwrap();
    let of = |kind, seconds: u64| {
        let at = clock::now().minus(Span::from_mins(60));
        AuditRecord::new(kind, at.plus(Span::from_secs(seconds)))
            .client(&client)
            .claimed("alice")
    };
    let mut records = vec![of(AuditKind::NotOnRecord, 0).detail("number", 9u64)];
    for number in 1..=45u64 {
        let hidden = of(AuditKind::TypingHidden, number).detail("number", number);
        records.push(hidden.detail("lines", 1u64));
        records.push(of(AuditKind::NotOnRecord, number).detail("number", 24u64));
    }
    house.gateway.store.record(&records).await.unwrap();
    let (_, told, err) = command(&house, "odile", "pending").await;
    assert!(told.contains("intervention #9"), "{told}{err}");
    assert_eq!(told.matches("intervention #24").count(), 1, "{told}");
    // 22 lines in all: two interventions, twenty sessions and what counts the others.
    assert!(
        told.contains("Further alerts of the last seven days: 17"),
        "{told}"
    );
    let (_, told, err) = command(&house, "odile", "alerts").await;
    assert!(told.contains("intervention #9"), "{told}{err}");
    assert!(
        told.contains("And 25 more sessions in which alice typed lines that were not shown: 1–25."),
        "{told}"
    );
}

/// R5: an auditor reads at the gateway who was admitted to nothing, and an operator whose act a new key was.
#[tokio::test]
async fn r5_attempts_without_an_approval_are_found_by_auditors() {
    let house = House::new().await;
    let client = ClientId::parse("hopital").unwrap();
    let of = |kind| AuditRecord::new(kind, clock::now()).client(&client);
    let attempt = of(AuditKind::Admission)
        .claimed("alice")
        .refused()
        .reason("no approved intervention is open")
        .detail("flow", "the command `uptime`");
    let key = of(AuditKind::KeyMade);
    let records = [attempt, key.clone(), key.claimed("root (uid 0)")];
    house.gateway.store.record(&records).await.unwrap();
    let (_, found, err) = command(&house, "aurele", "search --in refusal").await;
    assert!(
        found.contains("the command `uptime`: no approved intervention is open"),
        "{found}{err}"
    );
    let (_, changes, err) = command(&house, "odile", "changes").await;
    assert!(
        changes.contains("The gateway made a new key of its own")
            && changes.contains("The administrator root (uid 0) gave the gateway a new key"),
        "{changes}{err}"
    );
}

/// R3, R4: while words of the log are away, whoever lists or replays a session is told that it is not known yet whether the table
/// is right: nobody is accused, and once they are back it is listed as any other.
#[tokio::test(flavor = "multi_thread")]
async fn r4_a_session_whose_words_are_away_accuses_nobody() {
    let house = House::new().await;
    let store = &house.gateway.store;
    let start = SessionStart {
        id: SessionId::from_uuid(Uuid::from_u128(7)),
        node: "test".into(),
        person: PersonId::parse("alice").unwrap(),
        station: None,
        source: "192.0.2.7".parse().unwrap(),
        client: ClientId::parse("hopital").unwrap(),
        target: db01(),
        account: AccountName::parse("postgres").unwrap(),
        intervention: InterventionId::from_uuid(Uuid::from_u128(8)),
        documents: 1,
        recording: None,
        at: clock::now(),
    };
    let record = AuditRecord::new(AuditKind::SessionStart, start.at)
        .person(&start.person)
        .source(start.source)
        .client(&start.client)
        .target(&start.target)
        .intervention(start.intervention)
        .session(start.id);
    store.start_session(&start, &[record]).await.unwrap();
    store.watch().await.unwrap();
    let asked = async |line: &str| {
        let (_, out, err) = command(&house, "aurele", line).await;
        let text = format!("{out}{err}").replace('\u{a0}', " ");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let listed = asked("recordings").await;
    assert!(
        listed.contains("alice") && !listed.contains("JOURNAL"),
        "{listed}"
    );
    words_away(store, "entry LIKE '%\"session-start\"%'").await;
    for line in ["recordings", "replay 1"] {
        let told = asked(line).await;
        assert!(told.contains("PAS ENCORE si la table"), "{line}: {told}");
        assert!(
            !told.contains("JOURNAL") && !told.contains("modifié"),
            "{line}: {told}"
        );
    }
    // So it is where its row is away too.
    attack(
        store,
        &[
            "CREATE TABLE rows AS SELECT * FROM sessions",
            "DELETE FROM sessions",
        ],
    )
    .await;
    let told = asked("recordings").await;
    assert!(
        !told.contains("JOURNAL") && !told.contains("retirée"),
        "{told}"
    );
    let again = "INSERT INTO sessions SELECT * FROM rows";
    attack(store, &[again, "DROP TABLE rows"]).await;
    words_back(store).await;
    store.watch().await.unwrap();
    assert_eq!(asked("recordings").await, listed);
    let accused = records_of(store, &[AuditKind::NotOnRecord]).await;
    assert!(accused.is_empty(), "{accused:?}");
}
