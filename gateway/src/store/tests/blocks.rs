//! Blocks of those who failed too often, and the clocks of several nodes (A6, R3).

use ecluse_policy::{PersonId, Span, Timestamp};

use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::settings::Settings;
use crate::store::testing::on_each_engine;
use crate::store::{Claim, Store};

async fn blocked(store: &Store, person: &str, at: Timestamp) -> Timestamp {
    let known = PersonId::parse(person).unwrap();
    loop {
        let refused = AuditRecord::new(AuditKind::LogOnRefused, at).person(&known);
        let claim = claim(person, at);
        let counted = store.count_failure(&claim, Some(&known), refused).await;
        if let Some(until) = counted.unwrap() {
            return until;
        }
    }
}

fn claim(person: &str, at: Timestamp) -> Claim<'_> {
    let settings = Settings::parse(std::path::Path::new("/gateway.toml"), "").unwrap();
    Claim {
        person,
        source: match person {
            "bruno" => "192.0.2.7",
            _ => "192.0.2.8",
        }
        .parse()
        .unwrap(),
        at,
        rules: settings.authentication.lockout,
    }
}

/// A6, R3: a node whose clock runs ahead, honest or not, lifts nobody's block by what it puts on record, on whichever node.
#[test]
fn a6_a_node_whose_clock_runs_ahead_lifts_no_block_of_others() {
    on_each_engine(async |store| {
        let now = clock::agreed();
        let until = blocked(&store.store, "bruno", now).await;
        let ahead = store.as_another_process().await;
        blocked(&ahead, "alice", now.plus(Span::from_hours(2))).await;
        // Its own clean-up took the failures away; what is on record stands, for whoever reads it first now too.
        let late = store.as_another_process().await;
        for store in [&store.store, &ahead, &late] {
            let claim = claim("bruno", now.plus(Span::from_secs(60)));
            assert_eq!(store.blocked_until(&claim).await.unwrap(), Some(until));
        }
        ahead.close().await;
        late.close().await;
    });
}
