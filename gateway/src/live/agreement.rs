//! Whether this machine's clock and the store's agree.
//!
//! Gateways that share a store close what is over for one another, and count one another's failures. One whose clock is wrong
//! would close everybody's interventions too early or keep its own open too long, so it does not begin to serve, and goes by
//! the one of the two that was not set once they are found to be apart ([`clock::agreed`]).

use std::sync::atomic::{AtomicBool, Ordering};

use ecluse_policy::Timestamp;

use crate::audit::{AuditKind, AuditRecord};
use crate::clock::{self, Counts};
use crate::store::{Serving, Store, StoreError};

/// Whether the clocks were found apart at the last look.
#[derive(Debug, Default)]
pub(crate) struct Agreement {
    apart: AtomicBool,
}

/// The machine's clock is not the store's.
#[derive(Debug, thiserror::Error)]
#[error(
    "this machine's clock is {seconds} s {direction} the clock of the store's database: by its own it would close interventions of other gateways {when}; set the wrong one of the two right (NTP), then start again"
)]
pub(crate) struct Apart {
    seconds: u64,
    direction: &'static str,
    when: &'static str,
}

impl Apart {
    /// None where they agree. `ahead` is how far the store's is, in microseconds.
    fn of(ahead: i64) -> Option<Self> {
        let (direction, when) = if ahead > 0 {
            ("behind", "too late")
        } else {
            ("ahead of", "too early")
        };
        (ahead.unsigned_abs() > clock::APART).then_some(Self {
            seconds: ahead.unsigned_abs() / 1_000_000,
            direction,
            when,
        })
    }
}

/// Refuses to go on where the clocks are apart.
///
/// # Errors
/// They are, or the store failed.
pub(crate) async fn check(store: &Store) -> anyhow::Result<()> {
    match Apart::of(shown(store).await?) {
        None => Ok(()),
        Some(apart) => Err(apart.into()),
    }
}

/// How far ahead the store's clock is, taken in for what ends rights.
async fn shown(store: &Store) -> Result<i64, StoreError> {
    let ahead = store.clock_ahead().await?;
    if store.may_be_shared() {
        let at = clock::now().as_micros().saturating_add(ahead);
        clock::store_shows(Timestamp::from_micros(at));
    }
    Ok(ahead)
}

impl Agreement {
    /// Whether they were found apart.
    #[cfg(test)]
    fn is_apart(&self) -> bool {
        self.apart.load(Ordering::Acquire)
    }

    /// What a look found; the record of it where that is news.
    fn found(&self, ahead: i64, counts: Counts, by: &Serving) -> Option<AuditRecord> {
        let apart = Apart::of(ahead);
        let news = self.apart.swap(apart.is_some(), Ordering::AcqRel) != apart.is_some();
        if !news {
            return None;
        }
        let record = AuditRecord::new(AuditKind::ClockJump, clock::now())
            .detail("store-ahead-micros", ahead);
        let record = by.names(record);
        Some(match apart {
            Some(apart) => {
                let by = match counts {
                    Counts::Own => {
                        "the store's is the one that was set: until they agree again this gateway goes by its own"
                    }
                    Counts::Store => "until they agree again this gateway goes by the store's",
                    Counts::Onward => {
                        "both were set: until they agree again this gateway goes on from when they did"
                    }
                };
                tracing::error!("{apart}; {by}");
                record.reason(format!(
                    "this machine's clock is {} s {} the store's; {by}",
                    apart.seconds, apart.direction
                ))
            }
            None => {
                tracing::info!("this machine's clock and the store's agree again");
                record.reason("this machine's clock and the store's agree again")
            }
        })
    }

    /// Looks, and puts on record when they part and when they agree again.
    pub(super) async fn look(&self, store: &Store, by: &Serving) {
        match shown(store).await {
            Ok(ahead) => {
                if let Some(record) = self.found(ahead, clock::counts(), by) {
                    store.record_at_last(vec![record]).await;
                }
            }
            Err(error) => tracing::debug!(%error, "the store's clock is not known"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Run;

    /// R6: clocks that part are told once, and once when they agree again.
    #[test]
    fn r6_clocks_that_part_are_told_once() {
        let agreement = Agreement::default();
        let by = Serving {
            node: "a".into(),
            run: Run::of("one"),
        };
        for (ahead, is_apart, told) in [
            (0, false, None),
            (-4_000_000, false, None),
            (
                -3 * 3_600_000_000,
                true,
                Some("10800 s ahead of the store's"),
            ),
            (-3 * 3_600_000_000, true, None),
            (6_000_000, true, None),
            (1_000, false, Some("agree again")),
            (6_000_000, true, Some("6 s behind the store's")),
        ] {
            let record = agreement.found(ahead, Counts::Store, &by);
            assert_eq!(agreement.is_apart(), is_apart, "{ahead}");
            let reason = record.and_then(|record| record.reason);
            assert_eq!(reason.is_some(), told.is_some(), "{ahead}: {reason:?}");
            if let (Some(reason), Some(told)) = (reason, told) {
                assert!(reason.contains(told), "{reason}");
            }
        }
    }
}
