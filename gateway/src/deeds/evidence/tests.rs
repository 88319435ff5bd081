//! What is looked at, without any face: an actor, a store, and what came of it.

use ecluse_policy::documents::RecordingRules;
use ecluse_policy::{
    AccountName, ClientId, CodeOutcome, InterventionId, PersonId, ProvenCode, Refusal, SessionId,
    Span, TargetId,
};
use ecluse_recordings::{ChannelKind, ChannelOpened, Event};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use super::recordings::{Course, Recordings, course, recordings};
use super::replay::{Replay, State, What, replay};
use super::watch::{Watch, may_still_watch, watch};
use super::{Medium, may_still_read};
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::deeds::search::{Outcome, Search, search};
use crate::deeds::{Ask, Subject, Undone, Wants};
use crate::faces::lobby::testing::{House, documents, documents_where};
use crate::passage::testing::facts;
use crate::store::testing::records_of;
use crate::store::{SessionQuery, SessionStart};

fn ask<A: DeserializeOwned>(body: Value) -> A {
    serde_json::from_value(body).unwrap()
}

/// An hopital session of alice in passage, in whose recording stands `patience`. It lives while the value does.
async fn in_passage(house: &House) -> impl Sized {
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
    let dir = recorder.dir().strip_prefix(keeper.root()).unwrap();
    let start = SessionStart {
        id: SessionId::from_uuid(id),
        node: "test".into(),
        person: PersonId::parse("alice").unwrap(),
        station: None,
        source: "192.0.2.7".parse().unwrap(),
        client: ClientId::parse("hopital").unwrap(),
        target: TargetId::parse("db01").unwrap(),
        account: AccountName::parse("postgres").unwrap(),
        intervention: InterventionId::from_uuid(Uuid::from_u128(8)),
        documents: 1,
        recording: Some(dir.display().to_string()),
        at: clock::now(),
    };
    let store = &house.gateway.store;
    store.start_session(&start, &[]).await.unwrap();
    recorder
}

async fn acts_refused(house: &House) -> Vec<AuditRecord> {
    records_of(&house.gateway.store, &[AuditKind::ActRefused]).await
}

/// R10: of a recording that is being sealed nothing that was asked for is left out in silence.
#[tokio::test]
async fn what_a_recording_that_is_being_sealed_cannot_give_is_refused() {
    let house = House::new().await;
    let _recorder = in_passage(&house).await;
    let end = crate::store::SessionEnd {
        at: clock::now(),
        reason: "closed".into(),
        because: None,
        to_target: 0,
        to_technician: 0,
    };
    let id = SessionId::from_uuid(Uuid::from_u128(7));
    let ended = house.gateway.store.end_session(id, &end, &[]).await;
    assert!(ended.unwrap());
    let aurele = house.visitor("aurele");
    for (body, option) in [
        (json!({"session": 1}), None),
        (json!({"session": 1, "at": "2.5s"}), None),
        (json!({"session": 1, "at": "17:02"}), Some("--at HH:MM")),
        (json!({"session": 1, "find": "patience"}), Some("--find")),
    ] {
        let given = replay(&house.gateway, &aurele, &ask(body), Medium::Screen).await;
        match (given, option) {
            (Ok((given, _)), None) => assert_eq!(given.state, State::BeingSealed),
            (Err(Undone::Unshown(unshown)), Some(option)) => {
                let why = format!("{:?}", unshown.why);
                assert_eq!(why, format!("NotSealed({option:?})"));
            }
            (given, option) => panic!("{option:?}: {given:?}"),
        }
    }
}

/// R10, R5: what there is of a session in passage is given to a screen, at a place, on record; nothing else of it is, and why
/// not is a fact and no sentence.
#[tokio::test]
async fn a_recording_is_resolved_without_a_terminal() {
    let house = House::new().await;
    let _recorder = in_passage(&house).await;
    let aurele = house.visitor("aurele");
    let wanted: Replay = ask(json!({"session": 1, "at": "2.5s", "speed": "×4"}));
    let (given, what) = replay(&house.gateway, &aurele, &wanted, Medium::Screen)
        .await
        .unwrap();
    let What::Screen(playback, markers, None) = what else {
        panic!("{what:?}");
    };
    assert_eq!((given.number, given.channel), (1, Some(1)));
    assert_eq!(given.at, std::time::Duration::from_millis(2500));
    assert_eq!((given.state, playback.speed()), (State::InPassage, 4.0));
    assert!(markers.is_empty());
    let body = serde_json::to_value(&given).unwrap();
    assert_eq!(
        (&body["target"], &body["state"]),
        (&json!("db01"), &json!("in-passage"))
    );
    let records = records_of(&house.gateway.store, &[AuditKind::Replay]).await;
    assert_eq!(records.len(), 1, "{records:?}");
    for (body, on, why) in [
        (json!({"session": 1}), Medium::Text, "InPassage"),
        (
            json!({"session": 1, "text": true}),
            Medium::Screen,
            "NotYet(\"--text\")",
        ),
        (
            json!({"session": 1, "unmask": true}),
            Medium::Screen,
            "NotYet(\"--unmask\")",
        ),
        (
            json!({"session": 1, "at": "17:02"}),
            Medium::Screen,
            "NotYet(\"--at HH:MM\")",
        ),
        (
            json!({"session": 1, "find": "x"}),
            Medium::Screen,
            "NotYet(\"--find\")",
        ),
    ] {
        let undone = replay(&house.gateway, &aurele, &ask(body), on).await;
        let Err(Undone::Unshown(unshown)) = undone else {
            panic!("{why}: {undone:?}");
        };
        assert_eq!(
            (unshown.number, format!("{:?}", unshown.why).as_str()),
            (1, why)
        );
    }
}

/// O4, A2, R5: another client's is not there, whoever may not look is refused, and both are on record.
#[tokio::test]
async fn nobody_looks_at_what_is_not_theirs() {
    let house = House::new().await;
    let _recorder = in_passage(&house).await;
    let replay_of = |who: &'static str, number: u64| {
        let (gateway, by) = (&house.gateway, house.visitor(who));
        async move {
            replay(
                gateway,
                &by,
                &ask(json!({"session": number})),
                Medium::Screen,
            )
            .await
        }
    };
    let undone = replay_of("aurele", 9).await;
    assert!(
        matches!(undone, Err(Undone::NoSuch(Subject::Recording(9)))),
        "{undone:?}"
    );
    for who in ["odile", "alice"] {
        let undone = replay_of(who, 1).await;
        assert!(
            matches!(undone, Err(Undone::Refused(Refusal::NotAnAuditor))),
            "{undone:?}"
        );
    }
    let zoe = house.visitor("zoe");
    let undone = watch(
        &house.gateway,
        &zoe,
        ask(json!({"session": 1})),
        Medium::Screen,
    )
    .await;
    assert!(
        matches!(undone, Err(Undone::NoSuch(Subject::Session(1)))),
        "{undone:?}"
    );
    let records = acts_refused(&house).await;
    let acts: Vec<&Value> = records.iter().map(|record| &record.detail["act"]).collect();
    assert_eq!(acts, ["replay", "replay", "replay", "watch"], "{records:?}");
    let client = ClientId::parse("hopital").unwrap();
    let (aurele, odile) = (house.visitor("aurele"), house.visitor("odile"));
    assert_eq!(
        may_still_read(&house.gateway, &aurele, &client, false),
        Ok(())
    );
    assert_eq!(may_still_watch(&house.gateway, &odile, &client), Ok(()));
    assert_eq!(
        may_still_watch(&house.gateway, &zoe, &client),
        Err(Refusal::NotAnOperator)
    );
    house.apply(documents_where(1, "4h", |text| {
        text.replace("id = \"aurele\"\n", "id = \"aurele\"\ndisabled = true\n")
    }));
    let ended = may_still_read(&house.gateway, &aurele, &client, false);
    assert!(matches!(ended, Err(Refusal::Ended(_))), "{ended:?}");
}

/// A2: what was typed in clear wants the grant and a code of now; without the grant that is on record, without the code
/// nothing is.
#[tokio::test]
async fn typing_in_clear_wants_a_grant_and_a_code() {
    let house = House::new().await;
    let hidden = || ask::<Search>(json!({"in": "hidden"}));
    let aurele = house.visitor("aurele");
    let undone = search(&house.gateway, &aurele, &hidden()).await.err();
    assert!(matches!(undone, Some(Undone::Refused(_))), "{undone:?}");
    let records = records_of(&house.gateway.store, &[AuditKind::Search]).await;
    assert_eq!(records.len(), 1, "{records:?}");
    house.apply(documents_where(1, "4h", |text| {
        text.replace("unmask = false", "unmask = true")
    }));
    let mut stale = ProvenCode::default();
    stale.judged(
        CodeOutcome::Accepted,
        clock::now().minus(Span::from_hours(1)),
    );
    *aurele.code.lock().unwrap() = stale;
    let undone = search(&house.gateway, &aurele, &hidden()).await.err();
    assert!(
        matches!(undone, Some(Undone::Wants(Wants::Code(_)))),
        "{undone:?}"
    );
    aurele.code_judged(CodeOutcome::Accepted, clock::now());
    let Ok(Outcome::Hits(mut searching)) = search(&house.gateway, &aurele, &hidden()).await else {
        panic!("a code of now, and the grant");
    };
    assert!(searching.next().await.unwrap().is_none());
    let records = records_of(&house.gateway.store, &[AuditKind::Search]).await;
    assert_eq!(records.len(), 2, "{records:?}");
}

/// R10: a search without words lists, says what it wants, or says why it cannot; and one that goes on ends with the right.
#[tokio::test]
async fn a_search_is_given_as_it_is_found() {
    let house = House::new().await;
    let _recorder = in_passage(&house).await;
    let aurele = house.visitor("aurele");
    let found = |body: Value| search(&house.gateway, &aurele, Box::leak(Box::new(ask(body))));
    let Ok(Outcome::Sessions(listed)) = found(json!({})).await else {
        panic!("without words, sessions");
    };
    assert_eq!((listed.sessions.len(), listed.more), (1, false));
    serde_json::to_value(&listed).unwrap();
    let undone = found(json!({"all": true})).await.err();
    assert!(matches!(undone, Some(Undone::Wants(Wants::Words))));
    let undone = found(json!({"words": ["x"]})).await.err();
    assert!(matches!(undone, Some(Undone::Unsearchable(_))));
    let undone = found(json!({"words": ["disk"], "person": "nobody"}))
        .await
        .err();
    assert!(
        matches!(undone, Some(Undone::NoSuch(Subject::Name { .. }))),
        "{undone:?}"
    );
    let undone = found(json!({"words": ["disk"], "since": "soon"}))
        .await
        .err();
    assert!(matches!(undone, Some(Undone::Unclear(_))), "{undone:?}");
    let Ok(Outcome::Hits(mut searching)) = found(json!({"words": ["disk"]})).await else {
        panic!("nothing is wrong with that");
    };
    assert_eq!(searching.next().await.unwrap(), None);
    let over = serde_json::to_value(searching.over()).unwrap();
    assert_eq!(
        (&over["given"], &over["left"]["live"]),
        (&json!(0), &json!(1))
    );
    let Ok(Outcome::Hits(mut searching)) = found(json!({"words": ["disk"]})).await else {
        panic!("nothing is wrong with that");
    };
    house.apply(documents_where(1, "4h", |text| {
        text.replace("id = \"aurele\"\n", "id = \"aurele\"\ndisabled = true\n")
    }));
    let undone = searching.next().await;
    assert!(matches!(undone, Err(Undone::Refused(Refusal::Ended(_)))));
}

/// B7: looks are bounded, whatever the face, and looking too often is on record.
#[tokio::test]
async fn who_looks_too_often_is_told_to_wait() {
    let house = House::with(documents(1, "4h")).await;
    let _recorder = in_passage(&house).await;
    let aurele = house.visitor("aurele");
    while house.gateway.people.may_look(aurele.person()) {}
    let wanted: Replay = ask(json!({"session": 1}));
    let undone = replay(&house.gateway, &aurele, &wanted, Medium::Screen).await;
    assert!(matches!(undone, Err(Undone::TooOften)), "{undone:?}");
    assert_eq!(acts_refused(&house).await.len(), 1);
    // A list is none.
    let listed = recordings(&house.gateway, &aurele, &Recordings::default()).await;
    assert_eq!(listed.unwrap().sessions.len(), 1);
}

/// R1: a session that is over and has no end on record is not listed as if it were in passage.
#[tokio::test]
async fn a_session_that_nobody_carries_is_not_listed_as_open() {
    let house = House::new().await;
    let _recorder = in_passage(&house).await;
    let sessions = house.gateway.store.sessions(&SessionQuery::default()).await;
    let session = sessions.unwrap().remove(0);
    let course = |later: Span| {
        let now = session.start.at.plus(later);
        course(&house.gateway, &[], &session, now)
    };
    // It began this moment, and enters passage in the next.
    assert_eq!(course(Span::from_secs(0)), Course::Open);
    assert_eq!(course(Span::from_mins(1)), Course::Unended);
}

/// What is asked is the same on a command line, in a form and in a body; what it does not know is refused.
#[test]
fn an_ask_goes_through_json_and_back() {
    fn returns<A: Ask + PartialEq + std::fmt::Debug>(line: &str) {
        let words = crate::faces::lobby::words::split(line);
        let ask: A = crate::faces::lobby::grammar::parse(&words).unwrap();
        let text = serde_json::to_string(&ask).unwrap();
        assert_eq!(serde_json::from_str::<A>(&text).unwrap(), ask, "{text}");
    }
    returns::<Replay>("#7 --channel 2 --speed 0,5 --skip-idle 1m --at 12m03.482s --unmask");
    returns::<Replay>("7 --at 17:02:49 --find rm -rf --text");
    returns::<Watch>("7 #2");
    returns::<Recordings>(
        "--person alice --target db01 --intervention #3 --since 2d --until 07:50",
    );
    returns::<Search>("no space left --in hidden --all --since 1h");
    returns::<Search>("--in screen -- --force");
    assert!(serde_json::from_value::<Replay>(json!({"session": 1, "umask": true})).is_err());
    assert!(serde_json::from_value::<Replay>(json!({"session": 1, "speed": "900"})).is_err());
    assert!(serde_json::from_value::<Search>(json!({"in": "sctp"})).is_err());
}
