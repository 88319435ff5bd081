//! Blocks of those who failed too often, and the clocks of several nodes (A6, R3).

use ecluse_policy::{CodeOutcome, PersonId, Span, Timestamp};

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
        elsewhere: false,
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
        // What is on record stands, for whoever reads it first now too.
        let late = store.as_another_process().await;
        for store in [&store.store, &ahead, &late] {
            let claim = claim("bruno", now.plus(Span::from_secs(60)));
            assert_eq!(store.blocked_until(&claim).await.unwrap(), Some(until));
        }
        ahead.close().await;
        late.close().await;
    });
}

/// A6, R3: who guesses at several gateways, and while they are started anew, has as many tries as the rule gives and no more; a
/// block is lifted on record alone, and is the same wherever it is asked for.
#[test]
fn a6_a_guesser_has_as_many_tries_at_several_gateways_as_at_one() {
    on_each_engine(async |store| {
        let bruno = PersonId::parse("bruno").unwrap();
        let now = clock::agreed();
        let guess = async |store: &Store, after: u64| {
            let at = now.plus(Span::from_secs(after));
            let refused = AuditRecord::new(AuditKind::LogOnRefused, at).person(&bruno);
            let claim = claim("bruno", at);
            let judged = store.judge_code(&claim, &bruno, "000000", refused);
            judged.await.unwrap().outcome
        };
        let running = store.as_another_process().await;
        running.blocks(now).await.unwrap();
        let mut guesses = 0;
        for after in 0..9_u64 {
            let begun = store.as_another_process().await;
            let one = match after % 3 {
                0 => &store.store,
                1 => &running,
                _ => &begun,
            };
            let outcome = guess(one, after).await;
            guesses += usize::from(!matches!(outcome, CodeOutcome::Blocked { .. }));
            begun.close().await;
        }
        assert_eq!(guesses, 3);
        let late = store.as_another_process().await;
        let later = now.plus(Span::from_secs(60));
        for store in [&store.store, &running, &late] {
            assert_eq!(store.blocks(later).await.unwrap().len(), 1);
            let claim = claim("bruno", later);
            assert!(store.blocked_until(&claim).await.unwrap().is_some());
            assert_eq!(store.tries_left(&claim).await.unwrap(), 0);
        }
        let lifted = AuditRecord::new(AuditKind::LockoutLifted, later).person(&bruno);
        store.record(&[lifted]).await.unwrap();
        let claim = claim("bruno", later);
        assert_eq!(late.blocked_until(&claim).await.unwrap(), None);
        assert_eq!(late.tries_left(&claim).await.unwrap(), 3, "they count anew");
        running.close().await;
        late.close().await;
    });
}
