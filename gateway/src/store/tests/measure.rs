//! No test: a store with a long log, by the way in which a gateway writes it, and what an entry of it costs. `tests/README.md` says how
//! to run it; `ecluse serve` on that store then shows how long a start takes.

use std::path::Path;

use ecluse_policy::{ClientId, PersonId, SessionId, TargetId, Timestamp};
use ecluse_recordings::log::{Entry, leaf_hash};
use uuid::Uuid;

use crate::audit::{AuditKind, AuditRecord, CODE_STEP};
use crate::clock;
use crate::settings::Settings;
use crate::store::{Store, bound};

/// Entries of one commit while the store is filled.
const AT_ONCE: u64 = 100;
/// Entries, and copies, whose cost is measured.
const MEASURED: u64 = 2_000;

/// What a technician leaves in the log who comes for a moment.
fn records(nth: u64, at: Timestamp) -> Vec<AuditRecord> {
    let person = PersonId::parse(&format!("t{}", nth % 200)).unwrap();
    let client = ClientId::parse("hopital").unwrap();
    let target = TargetId::parse("db01").unwrap();
    let session = SessionId::from_uuid(Uuid::from_u128(u128::from(nth) + 1));
    let of = |kind| {
        AuditRecord::new(kind, at)
            .person(&person)
            .client(&client)
            .target(&target)
            .source("192.0.2.7".parse().unwrap())
            .permitted()
            .detail("connection", Uuid::from_u128(u128::from(nth)).to_string())
            .detail("user-name", format!("{person}+db01"))
    };
    vec![
        of(AuditKind::LogOn)
            .detail(CODE_STEP, 60_000_000 + nth)
            .detail(
                "person-key",
                "SHA256:0000000000000000000000000000000000000000000",
            )
            .detail("second-factor", "one-time code"),
        of(AuditKind::Admission).reason("no approved intervention"),
        of(AuditKind::SessionStart).session(session),
        of(AuditKind::Permit)
            .session(session)
            .detail("command", "uptime"),
        of(AuditKind::SessionEnd).session(session).reason("closed"),
        of(AuditKind::LogOff),
    ]
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement: ECLUSE_MEASURE=/path/to/gateway.toml ECLUSE_ENTRIES=100000"]
async fn a_long_log() {
    let settings = std::env::var("ECLUSE_MEASURE").expect("ECLUSE_MEASURE names a gateway.toml");
    let settings = Settings::read(Path::new(&settings)).unwrap();
    let entries = std::env::var("ECLUSE_ENTRIES").map_or(100_000, |text| text.parse().unwrap());
    let store = Store::open(&settings).await.unwrap();
    let mut nth = store.journal_size().await.unwrap();
    let begun = clock::monotonic();
    while store.journal_size().await.unwrap() < entries {
        let mut batch = Vec::new();
        while (batch.len() as u64) < AT_ONCE {
            nth += 1;
            batch.extend(records(nth, clock::now()));
        }
        store.record(&batch).await.unwrap();
    }
    println!("{entries} entries in {:.1?}", begun.elapsed());

    let begun = clock::monotonic();
    for nth in 0..MEASURED {
        let one = &records(1_000_000 + nth, clock::now())[3];
        store.record(std::slice::from_ref(one)).await.unwrap();
    }
    let each = begun.elapsed() / u32::try_from(MEASURED).unwrap();
    println!("one entry, committed by itself: {each:.1?}");

    let begun = clock::monotonic();
    for nth in 0..MEASURED / 100 {
        let many: Vec<_> = (0..100)
            .map(|one| records(2_000_000 + 100 * nth + one, clock::now()).swap_remove(3))
            .collect();
        store.record(&many).await.unwrap();
    }
    let each = begun.elapsed() / u32::try_from(MEASURED).unwrap();
    println!("one entry among a hundred: {each:.1?}");

    // Its copy alone, without words and with them.
    for (kind, what) in [("permit", "hash"), ("lockout", "words")] {
        let line = "x".repeat(700);
        let mut change = store.write().await.unwrap();
        let begun = clock::monotonic();
        for seq in 0..MEASURED {
            let entry = Entry {
                seq: 900_000_000 + seq,
                kind: kind.to_owned(),
                ..Entry::default()
            };
            let leaf = leaf_hash(line.as_bytes());
            let key = std::sync::Arc::clone(&change.inner.key);
            bound::keep_copy(&mut change.tx, &key, &entry, leaf, &line)
                .await
                .unwrap();
        }
        let each = begun.elapsed() / u32::try_from(MEASURED).unwrap();
        println!("the copy of one entry ({what}): {each:.1?}");
        // Nothing of it stays.
        drop(change);
    }
    let begun = clock::monotonic();
    let late = Store::open(&settings).await.unwrap();
    late.follow().await.unwrap();
    println!("the log read to its end: {:.1?}", begun.elapsed());
    late.close().await;
    store.close().await;
}
