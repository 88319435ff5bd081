//! Recordings of a [`House`], for tests of how they are kept, changed and recovered.

use std::sync::Arc;
use std::time::Duration;

use ecluse_recordings::SessionFacts;
use uuid::Uuid;

use crate::admission::testing::House;
use crate::clock;

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
pub(super) async fn until_sealed(house: &House) {
    let gateway = Arc::clone(&house.gateway);
    let patience = Duration::from_secs(60);
    let waiting = tokio::task::spawn_blocking(move || gateway.keeper.wait_until_finished(patience));
    assert_eq!(waiting.await.unwrap(), 0);
}
