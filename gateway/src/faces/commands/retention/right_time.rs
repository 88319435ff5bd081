//! Whether what this command takes for the time is the time: whoever sets the clock of one command, or of one machine, makes
//! nothing due (R7, `adr/0033-time-and-the-order-of-the-log.md`).
//!
//! A gateway that serves puts the time on record: when it starts and stops, when its clock jumps, and each hour. What
//! administrators' commands put there is dated by the very clock that is in question, and shows nothing.

use std::time::Duration;

use anyhow::{bail, ensure};
use ecluse_policy::{Span, Timestamp};

use crate::audit::AuditKind;
use crate::clock;
use crate::settings::Settings;
use crate::store::{AuditQuery, ServeLock, Store};
use crate::time_source;

/// How far the clock may be from time servers and from the store's own. Days count here, not seconds. **Unit**: microseconds.
const OFF: u64 = 60_000_000;
/// How long ago a gateway may have put the time on record: one that serves does so each hour.
const WITHIN: Span = Span::from_hours(2);
/// Entries that only a gateway that serves makes.
const BY_GATEWAYS: [AuditKind; 5] = [
    AuditKind::GatewayStart,
    AuditKind::GatewayStop,
    AuditKind::TrailCount,
    AuditKind::ClockReading,
    AuditKind::ClockJump,
];
/// How long a gateway that serves here may take to notice that the machine's clock was set, and how often that is looked for.
const NOTICED_WITHIN: Duration = Duration::from_secs(3);
const LOOKED_EVERY: Duration = Duration::from_millis(200);

/// Refuses where `now` is not the time as the time servers, the store and the log have it.
pub(super) async fn check(
    store: &Store,
    settings: &Settings,
    now: Timestamp,
) -> anyhow::Result<()> {
    by_servers(settings).await?;
    let ahead = store.clock_ahead().await?;
    ensure!(
        ahead.unsigned_abs() <= OFF,
        "nothing is removed: this machine's clock is {} s {} the clock of the store's database; set the wrong one of the two right (NTP), then run this again",
        ahead.unsigned_abs() / 1_000_000,
        if ahead > 0 { "behind" } else { "ahead of" }
    );
    let began = clock::monotonic();
    loop {
        let problem = match by_the_log(store).await? {
            Some(seen) => match apart(seen, now) {
                None => return Ok(()),
                Some(problem) => problem,
            },
            None => "no gateway ever put its time on record".to_owned(),
        };
        if began.elapsed() < NOTICED_WITHIN && ServeLock::is_held(&settings.data_dir)? {
            tokio::time::sleep(LOOKED_EVERY).await;
            continue;
        }
        bail!(
            "nothing is removed: {problem}. One that serves does so each hour, so that the clock of this command alone makes nothing due: set this machine's clock right, or let the gateway serve (ecluse serve), then run this again"
        );
    }
}

/// When a gateway last put the time on record, by the order of the log, and with which entry.
async fn by_the_log(store: &Store) -> anyhow::Result<Option<(u64, Timestamp)>> {
    let query = AuditQuery {
        kinds: BY_GATEWAYS.to_vec(),
        latest_first: true,
        limit: Some(1),
        ..AuditQuery::default()
    };
    let found = store.audit(&query).await?;
    Ok(found.first().map(|last| (last.seq, last.record.at)))
}

/// Why `now` cannot be the time, by what a gateway put on record last.
fn apart((seq, at): (u64, Timestamp), now: Timestamp) -> Option<String> {
    (now > at.plus(WITHIN) || at > now.plus(WITHIN)).then(|| {
        format!("it is {now} by this command's clock, and a gateway last put its own on record at {at} (entry {seq})")
    })
}

/// By the time servers, where any are named.
async fn by_servers(settings: &Settings) -> anyhow::Result<()> {
    let servers = &settings.clock.servers;
    if servers.is_empty() {
        return Ok(());
    }
    let status = time_source::compare(servers).await;
    match status.offset_us {
        Some(offset) if offset.unsigned_abs() <= OFF => Ok(()),
        Some(offset) => bail!(
            "nothing is removed: this machine's clock is {} seconds off its time servers; set it first",
            offset / 1_000_000
        ),
        None => bail!(
            "nothing is removed: what time it is cannot be known ({}); check the servers under [clock]",
            status.source
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::AuditRecord;
    use crate::store::testing::on_each_engine;

    fn at(hour: u64) -> Timestamp {
        Timestamp::from_secs(1_800_000_000).plus(Span::from_hours(hour))
    }

    /// R7: what a gateway last put on record counts, by the order of the log; what commands put there does not, whatever its
    /// date is.
    #[test]
    fn r7_the_time_is_what_a_gateway_put_on_record() {
        on_each_engine(async |store| {
            assert_eq!(by_the_log(store).await.unwrap(), None);
            let seq = store.journal_size().await.unwrap();
            let records = [
                AuditRecord::new(AuditKind::GatewayStart, at(0)),
                AuditRecord::new(AuditKind::CredentialSet, at(63 * 24)),
                AuditRecord::new(AuditKind::Export, at(63 * 24)),
            ];
            store.record(&records).await.unwrap();
            let seen = by_the_log(store).await.unwrap().unwrap();
            assert_eq!(seen, (seq + 1, at(0)));
            assert_eq!(apart(seen, at(0)), None);
            assert_eq!(apart(seen, at(2)), None);
            for wrong in [at(3), at(63 * 24)] {
                let problem = apart(seen, wrong).unwrap();
                assert!(
                    problem.contains("a gateway last put its own on record"),
                    "{problem}"
                );
            }
            assert!(apart((1, at(63 * 24)), at(0)).is_some(), "set back");
        });
    }
}
