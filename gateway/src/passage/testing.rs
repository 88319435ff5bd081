//! Recordings of a [`House`], for tests of how they are kept, changed and recovered.

use std::sync::Arc;
use std::time::Duration;

use ecluse_recordings::SessionFacts;
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

use super::connection::Connection;
use super::purse::Purse;
use super::uplink::Uplink;

use crate::clock;
use crate::door::stream::GuardedStream;
use crate::faces::lobby::testing::House;
use crate::ssh::algorithms;

/// What is known of a session of alice on db01.
pub(crate) fn facts(session: Uuid) -> SessionFacts {
    SessionFacts {
        session,
        client: "hopital".into(),
        person: "alice".into(),
        provider: None,
        station: None,
        source: "192.0.2.7:4022".into(),
        terminal: "OpenSSH".into(),
        target: "db01".into(),
        accounts: vec!["postgres".into()],
        intervention: None,
        started: clock::now().as_micros(),
        documents_version: 1,
        reason: "a test".into(),
        approvals: Vec::new(),
    }
}

/// Waits until every closed recording of the house is sealed.
pub(crate) async fn until_sealed(house: &House) {
    let gateway = Arc::clone(&house.gateway);
    let patience = Duration::from_secs(60);
    let waiting = tokio::task::spawn_blocking(move || gateway.keeper.wait_until_finished(patience));
    assert_eq!(waiting.await.unwrap(), 0);
}

/// The queue of a channel of a connection that nobody serves, and the ends of its socket, to be held.
pub(crate) async fn uplink() -> (Arc<Uplink>, (TcpStream, GuardedStream)) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (accepted, _) = listener.accept().await.unwrap();
    let stream = GuardedStream::new(accepted, u64::MAX);
    let connection = Connection::new(
        stream.socket(),
        &Purse::common(1 << 30),
        algorithms::renewal(&algorithms::limits()),
        128,
    );
    (Uplink::open(&connection).unwrap(), (peer, stream))
}
