//! An order of another node reaches who had begun and enters passage late (I5).

use std::path::PathBuf;

use ecluse_policy::{
    AccountName, ClientId, InterventionId, InterventionNumber, ProviderId, SessionId, StationId,
    Timestamp,
};
use ecluse_recordings::evidence::key::RecordingKey;
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::audit::AuditKind;
use crate::door::stream::GuardedStream;
use crate::passage::connection::Connection;
use crate::passage::purse::Purse;
use crate::ssh::algorithms;
use crate::store::ORDER;

/// A session of alice on db01, and the ends of its socket, to be held.
async fn session(number: u64) -> (Arc<LiveSession>, (TcpStream, GuardedStream)) {
    session_recorded(number, "unused".into(), RecordingKey::generate()).await
}

/// The same with a journal, and the key that reads it.
pub(crate) async fn session_recorded(
    number: u64,
    journal: PathBuf,
    key: RecordingKey,
) -> (Arc<LiveSession>, (TcpStream, GuardedStream)) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (accepted, source) = listener.accept().await.unwrap();
    let stream = GuardedStream::new(accepted, u64::MAX);
    let connection = Connection::new(
        stream.socket(),
        &Purse::common(1 << 30),
        algorithms::renewal(&algorithms::limits()),
        128,
    );
    let now = Timestamp::from_micros(1);
    let facts = SessionFacts {
        id: SessionId::from_uuid(Uuid::from_u128(u128::from(number))),
        number,
        person: PersonId::parse("alice").unwrap(),
        provider: ProviderId::parse("acme").unwrap(),
        station: StationId::parse("ws-1").unwrap(),
        source,
        client: ClientId::parse("hopital").unwrap(),
        target: TargetId::parse("db01").unwrap(),
        account: AccountName::parse("postgres").unwrap(),
        intervention: InterventionId::from_uuid(Uuid::from_u128(1)),
        intervention_number: InterventionNumber(1),
        started: now,
        closes_at: now,
        journal,
        key,
    };
    let live = LiveSession::new(facts, clock::Onward::begin(), Shared::new(connection));
    (live, (peer, stream))
}

#[tokio::test]
async fn i5_who_enters_after_an_order_ends_with_an_entry_of_its_own() {
    let live = Live::default();
    let order = Order {
        client: ClientId::parse("hopital").unwrap(),
        by: PersonId::parse("odile").unwrap(),
        what: CutWhat::Target(TargetId::parse("db01").unwrap()),
        reason: Some("enough".to_owned()),
    };
    let id = Uuid::from_u128(7);
    assert!(live.carry_out(id, &order, 5).is_empty());
    let (late, _held) = session(5).await;
    let cut = live.enter(Arc::clone(&late)).unwrap();
    assert!(matches!(late.stopped(), Some(Stop::Cut { .. })));
    assert_eq!(cut.kind, AuditKind::Cut);
    assert_eq!(cut.session, Some(late.facts().id));
    assert_eq!(
        (cut.person.as_deref(), cut.reason.as_deref()),
        (Some("odile"), Some("enough"))
    );
    assert_eq!(cut.detail.get(ORDER), Some(&id.to_string().into()));
    // What began after it is not meant.
    let (later, _held) = session(6).await;
    assert_eq!(live.enter(Arc::clone(&later)), None);
    assert_eq!(later.stopped(), None);
}

/// R4: what is in passage here and has ended on record ends at once, alone.
#[tokio::test]
async fn r4_a_session_in_passage_that_has_ended_on_record_ends() {
    let live = Live::default();
    let (outlived, _held) = session(5).await;
    let (other, _held_too) = session(6).await;
    live.enter(Arc::clone(&outlived));
    live.enter(Arc::clone(&other));
    let ended = BTreeSet::from([outlived.facts().id]);
    assert_eq!(live.end_outlived(&ended).len(), 1);
    assert_eq!(outlived.stopped(), Some(Stop::EndedOnRecord));
    assert_eq!(other.stopped(), None);
    // One that has left puts its own end on record, and is not meant.
    live.leave(5);
    assert!(live.end_outlived(&ended).is_empty());
}

/// X3: of channels that are let go at once, the last one says that it goes on, once, before anything passes.
#[tokio::test]
async fn x3_of_channels_that_go_on_at_once_the_last_one_says_so() {
    use ecluse_policy::extraction::{ByteCount, Level, Way};

    let (session, _end) = session(1).await;
    let channel = |number| LiveChannel {
        doing: None,
        number,
        command: None,
        capabilities: Vec::new(),
        terminal: true,
        started: clock::now(),
        closes_at: clock::now(),
    };
    let over = Exhausted {
        level: Level::Session,
        way: Way::Down,
        limit: ByteCount::new(1),
        spent: ByteCount::new(1),
        passed: ByteCount::new(1),
        ceiling: false,
    };
    for round in 0..200 {
        let mut read = session.enter(channel(1));
        let _other = session.enter(channel(2));
        session.hold(1, over.clone());
        session.hold(2, over.clone());
        let both = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            for number in [1, 2] {
                let (session, both) = (&session, &both);
                scope.spawn(move || {
                    both.wait();
                    session.let_go(number, Way::Down, |_| "it goes on".into());
                });
            }
        });
        assert_eq!(
            read.try_recv().as_deref(),
            Ok("it goes on"),
            "round {round}"
        );
        assert!(read.try_recv().is_err(), "round {round}");
    }
}

/// R4: a session ended as the last of its channels did: one that lost its target is outlived by another.
#[tokio::test]
async fn r4_a_session_ends_as_its_last_channel() {
    let (session, _end) = session(1).await;
    for (how, because) in [
        (ByItself::TargetLost, Because::TargetLost),
        (ByItself::Closed, Because::Closed),
    ] {
        session.ended_by_itself(how);
        assert_eq!(Because::from(session.how_it_ended_by_itself()), because);
    }
}

/// O4: who may close only connections without a session closes none that carries one by a channel; what ends such a connection ends
/// those within, with its reason.
#[tokio::test]
async fn o4_a_connection_has_the_sessions_that_its_channels_carry() {
    let (_, (_peer, stream)) = session(4).await;
    let outer = Shared::new(Connection::new(
        stream.socket(),
        &Purse::common(1 << 30),
        algorithms::renewal(&algorithms::limits()),
        128,
    ));
    assert!(!outer.has_sessions());
    let (within, _held) = session(5).await;
    outer.carries(within.shared());
    assert!(outer.has_sessions());
    outer.end(&Stop::GatewayStops);
    assert_eq!(within.stopped(), Some(Stop::GatewayStops));
    assert!(!outer.has_sessions());
    // One that comes late ends too.
    let (late, _held) = session(6).await;
    outer.carries(late.shared());
    assert_eq!(late.stopped(), Some(Stop::GatewayStops));
}
