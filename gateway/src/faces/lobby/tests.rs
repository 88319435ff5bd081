//! The dialogues from end to end, without SSH: people at terminals, one store, policy's decisions.

mod assurance;
mod commands;
mod grammar;
mod posture;
mod rights;
mod told;
mod waiting_room;

use std::sync::Arc;

use ecluse_policy::TargetId;

use super::run;
use super::testing::{House, lang};
use crate::actor::Actor;
use crate::audit::AuditKind;
use crate::life;
use crate::store::AuditQuery;
use crate::terminal::testing::person_in;

fn db01() -> TargetId {
    TargetId::parse("db01").unwrap()
}

/// One command without a terminal: exit status, standard output, standard error.
async fn command(house: &House, who: &str, line: &str) -> (u32, String, String) {
    command_of(house, &house.visitor(who), line).await
}

/// The same, of somebody who logged on before.
async fn command_of(house: &House, visitor: &Actor, line: &str) -> (u32, String, String) {
    let (mut terminal, person) = person_in(None, "", lang(visitor));
    let status = run(&mut terminal, &house.gateway, visitor, Some(line)).await;
    drop(terminal);
    let (out, err) = person.all().await;
    (status, out, err)
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

#[tokio::test]
async fn life_stops_with_the_gateway() {
    let house = House::new().await;
    let life = tokio::spawn(life::run(Arc::clone(&house.gateway)));
    house.stop();
    life.await.unwrap();
}
