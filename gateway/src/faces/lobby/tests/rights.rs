//! A8, O4: every command × every role, and the documents in force at the act. What each act needs is tried on its own in
//! `policy/tests/promises/mandates.rs`.

use std::collections::BTreeMap;

use ecluse_policy::documents::RecordingRules;
use ecluse_policy::{AccountName, ClientId, Documents, InterventionId, PersonId, SessionId};
use ecluse_recordings::{ChannelKind, ChannelOpened, Event};
use uuid::Uuid;

use super::super::testing::documents_where;
use super::*;
use crate::audit::AuditRecord;
use crate::clock;
use crate::passage::testing::facts;
use crate::store::SessionStart;
use crate::store::testing::records_of;

const TECHNICIANS: [&str; 7] = [
    "request db01 --for 1h --reason disk",
    "interventions",
    "flows",
    "cancel 1",
    "quota",
    "host-ca",
    "answer 1 an audit",
];
const OPERATORS: [&str; 23] = [
    "alerts",
    "pending",
    "approve 1",
    "refuse 1 --reason no",
    "interventions",
    "live",
    "watch 1",
    "topup 1 5MiB",
    "slow 1 8KiB/s",
    "hold 1 --reason what",
    "ask 1 what is that?",
    "confirm",
    "deny 1.1",
    "resume 1",
    "cut all",
    "keep-out",
    "posture",
    "people",
    "withdraw 1 --reason no",
    "changes",
    "receipts",
    "matrix",
    "reach alice",
];
/// What both read.
const AUDITORS_TOO: [&str; 4] = ["posture", "receipts", "matrix", "reach alice"];
const AUDITORS: [&str; 4] = ["interventions", "recordings", "search disk", "replay 1"];

/// The documents with `id` switched off.
fn without(id: &str) -> Documents {
    let named = format!("id = \"{id}\"\n");
    documents_where(1, "4h", |text| {
        text.replace(&named, &format!("{named}disabled = true\n"))
    })
}

/// What a role reads of an act that is another's; French for those who read French.
fn is_refused(err: &str, english: &str, french: &str) -> bool {
    err.contains(english) || err.contains(french)
}

/// So many refusals of a person are on record one by one in a minute, and those beyond as a count.
const ONE_BY_ONE: usize = 20;

/// What is not tried here would be a command that nobody tried.
#[test]
fn every_command_is_among_those_that_are_tried() {
    let lines = TECHNICIANS.iter().chain(&OPERATORS).chain(&AUDITORS);
    let tried: Vec<&str> = lines.filter_map(|line| line.split(' ').next()).collect();
    for command in crate::faces::lobby::commands::COMMANDS {
        let everybodys = ["help", "exit"].contains(&command.name);
        assert!(
            everybodys || tried.contains(&command.name),
            "{}",
            command.name
        );
    }
}

#[tokio::test]
async fn each_act_is_for_one_role_and_refused_to_the_others() {
    let house = House::new().await;
    let mut refused: BTreeMap<&str, usize> = BTreeMap::new();
    let groups = [
        (
            "technicians",
            "techniciens",
            &TECHNICIANS[..],
            &["alice"][..],
        ),
        ("operators", "opérateurs", &OPERATORS, &["odile", "zoe"]),
        ("auditors", "auditeurs", &AUDITORS, &["aurele"]),
    ];
    for (english, french, lines, theirs) in groups {
        for who in ["alice", "odile", "zoe", "aurele"] {
            for line in lines {
                // Each role has one of this name.
                let auditors_too = AUDITORS_TOO.contains(line) && who == "aurele";
                if *line == "interventions" && !theirs.contains(&who) || auditors_too {
                    continue;
                }
                let (status, out, err) = command(&house, who, line).await;
                let not_theirs = is_refused(&err, english, french);
                if theirs.contains(&who) {
                    assert!(!not_theirs, "{who}: {line}: {err}");
                } else {
                    assert!(status == 1 && not_theirs, "{who}: {line}: {out}{err}");
                    assert_eq!(out, "", "{who}: {line}");
                    *refused.entry(who).or_default() += 1;
                }
            }
        }
    }
    let on_record = records_of(&house.gateway.store, &[AuditKind::ActRefused]).await;
    // What is theirs to try, and names nothing of theirs, is on record beside that.
    let (named, by_role): (Vec<_>, Vec<_>) = on_record
        .iter()
        .partition(|record| record.detail.contains_key("named"));
    for (who, refused) in &refused {
        let of = |all: &[&AuditRecord]| {
            let all = all.iter();
            all.filter(|record| record.person.as_deref() == Some(who))
                .count()
        };
        let (named, by_role) = (of(&named), of(&by_role));
        assert_eq!(by_role + named, (refused + named).min(ONE_BY_ONE), "{who}");
    }
    assert!(
        named
            .iter()
            .all(|record| record.reason.as_deref() == Some("nothing of theirs has this name"))
    );
    let by = |who| {
        on_record
            .iter()
            .filter(move |record| record.person.as_deref() == Some(who))
    };
    assert!(by("aurele").all(|record| record.client.as_ref().unwrap().as_str() == "hopital"));
    assert!(by("alice").any(|record| record.detail["act"] == "cut"));
}

/// A2, R5: whoever may not do something at all is told that, and it is on record, however wrongly they wrote it; whoever
/// may is told what they wrote wrongly.
#[tokio::test]
async fn the_right_is_asked_before_the_grammar() {
    let house = House::new().await;
    let mut refused: BTreeMap<&str, usize> = BTreeMap::from([("alice", 1)]);
    let (status, _, err) = command(&house, "alice", "approve nonsense").await;
    assert!(status == 1 && err.contains("operators"), "{err}");
    for (lines, theirs) in [
        (&TECHNICIANS[..], &["alice"][..]),
        (&OPERATORS, &["odile", "zoe"]),
        (&AUDITORS, &["aurele"]),
    ] {
        for who in ["alice", "odile", "zoe", "aurele"] {
            for line in lines {
                let name = line.split(' ').next().unwrap();
                if name == "interventions" && !theirs.contains(&who) {
                    continue;
                }
                let (status, out, err) = command(&house, who, &format!("{name} --onyl")).await;
                // How it stands, auditors look at too.
                let is_both = |line: &&str| line.split(' ').next() == Some(name);
                let auditors_too = AUDITORS_TOO.iter().any(is_both) && who == "aurele";
                let may = theirs.contains(&who) || auditors_too;
                assert_eq!(status, if may { 2 } else { 1 }, "{who}: {name}: {err}");
                assert_eq!(err.contains("--onyl"), may, "{who}: {name}: {err}");
                assert_eq!(out, "", "{who}: {name}");
                *refused.entry(who).or_default() += usize::from(!may);
            }
        }
    }
    let on_record = records_of(&house.gateway.store, &[AuditKind::ActRefused]).await;
    let one_by_one = refused.values().map(|count| (*count).min(ONE_BY_ONE));
    assert_eq!(on_record.len(), one_by_one.sum::<usize>());
    let first = on_record.first().unwrap();
    assert_eq!(first.person.as_deref(), Some("alice"));
    assert_eq!(first.detail["act"], "approve");
}

/// A8: whoever was switched off since they logged on does nothing, whatever they may have typed before.
#[tokio::test]
async fn each_act_asks_the_documents_in_force() {
    let house = House::new().await;
    command(&house, "bruno", "request db01 --for 1h --reason disk").await;
    for (who, lines) in [
        ("alice", &TECHNICIANS[..]),
        ("odile", &OPERATORS),
        ("aurele", &AUDITORS),
    ] {
        let visitor = house.visitor(who);
        house.apply(without(who));
        let before = audited(&house).await;
        for line in lines {
            let (status, out, err) = command_of(&house, &visitor, line).await;
            let ended = is_refused(&err, "disabled", "hors service");
            assert!(status == 1 && ended, "{who}: {line}: {out}{err}");
            assert_eq!(out, "", "{who}: {line}");
        }
        let after = audited(&house).await;
        let new = &after[before.len()..];
        assert_eq!(new.len(), lines.len().min(ONE_BY_ONE));
        assert!(
            new.iter().all(|kind| *kind == AuditKind::ActRefused),
            "{new:?}"
        );
        house.apply(super::super::testing::documents(1, "4h"));
    }
    let (_, pending, _) = command(&house, "odile", "pending").await;
    assert!(pending.contains("#1"), "{pending}");
}

/// A reason takes a while to type: the right is the one of its last key.
#[tokio::test]
async fn an_answer_asks_again_after_its_reason_was_typed() {
    let house = House::new().await;
    command(&house, "alice", "request db01 --for 1h --reason disk").await;
    let visitor = house.visitor("odile");
    let (mut terminal, mut odile) = person_in(Some((80, 24)), "xterm", lang(&visitor));
    let gateway = Arc::clone(&house.gateway);
    let prompt = tokio::spawn(async move { run(&mut terminal, &gateway, &visitor, None).await });
    odile.sees("One request is waiting").await;
    odile.types(b"refuse 1\r").await;
    odile.sees("Why? alice reads this").await;
    house.apply(without("odile"));
    odile.types(b"not today\r").await;
    prompt.await.unwrap();
    assert!(odile.errors().contains("disabled") || odile.text().contains("disabled"));
    let (_, pending, _) = command(&house, "omar", "pending").await;
    assert!(pending.contains("#1"), "{pending}");
}

/// A replay lasts: it ends within a second of the right to it, and leaves the screen in order.
#[tokio::test(flavor = "multi_thread")]
async fn a_replay_ends_with_the_right_to_it() {
    let house = House::new().await;
    let id = Uuid::from_u128(7);
    let keeper = &house.gateway.keeper;
    let recorder = keeper.open(facts(id), &RecordingRules::default()).unwrap();
    let opened = ChannelOpened {
        kind: ChannelKind::Shell,
        command: None,
        account: None,
        pty: None,
        env: Vec::new(),
    };
    recorder
        .append(1, 1, Event::ChannelOpened(std::borrow::Cow::Owned(opened)))
        .unwrap();
    recorder.append(1, 2, Event::Output(b"patience")).unwrap();
    recorder.sync_handle().sync_if_dirty().unwrap();
    let start = SessionStart {
        id: SessionId::from_uuid(id),
        node: "test".into(),
        person: PersonId::parse("alice").unwrap(),
        station: None,
        source: "192.0.2.7".parse().unwrap(),
        client: ClientId::parse("hopital").unwrap(),
        target: db01(),
        account: AccountName::parse("postgres").unwrap(),
        intervention: InterventionId::from_uuid(Uuid::from_u128(8)),
        documents: 1,
        recording: Some(
            recorder
                .dir()
                .strip_prefix(keeper.root())
                .unwrap()
                .display()
                .to_string(),
        ),
        at: clock::now(),
    };
    house
        .gateway
        .store
        .start_session(&start, &[])
        .await
        .unwrap();
    let visitor = house.visitor("aurele");
    let (mut terminal, mut aurele) = person_in(Some((80, 24)), "xterm", lang(&visitor));
    let gateway = Arc::clone(&house.gateway);
    let replay =
        tokio::spawn(async move { run(&mut terminal, &gateway, &visitor, Some("replay 1")).await });
    aurele.writes("patience").await;
    house.apply(without("aurele"));
    let ended = tokio::time::timeout(std::time::Duration::from_secs(20), replay).await;
    assert_eq!(ended.expect("the replay goes on").unwrap(), 1);
    let (text, errors) = aurele.all().await;
    assert!(
        text.contains("\x1b[?1049l"),
        "the screen is left as it was drawn"
    );
    assert!(
        errors.contains("hors service") || text.contains("hors service"),
        "{text}{errors}"
    );
}
