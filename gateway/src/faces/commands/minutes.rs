//! What a gateway that serves does once a minute.

use std::sync::Arc;

use tokio::time::MissedTickBehavior;

use crate::clock;
use crate::gateway::Gateway;
use crate::log::Ticker;
use crate::store::ServeLock;

/// Once a minute while anything happens: how many log-ons were refused beside those on record, how far live recordings have
/// come, a checkpoint over all of it, and a sign of life.
pub(super) async fn each_minute(gateway: Arc<Gateway>, ticker: Arc<Ticker>, lock: Arc<ServeLock>) {
    let mut minutes = tokio::time::interval(Ticker::EVERY);
    minutes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        minutes.tick().await;
        let now = clock::now();
        if let Err(error) = gateway.keeper.tell_progress(&gateway.store, now).await {
            tracing::error!(%error, "how far recordings have come is not on record");
        }
        gateway.ledger.close(&gateway.store, now).await;
        gateway.people.close(&gateway.store, now).await;
        if let Err(error) = gateway.store.count_trails(now).await {
            tracing::error!(%error, "how many entries each trail has is not on record");
        }
        ticker.tick(now).await;
        if let Err(error) = lock.serving(now) {
            tracing::error!(%error, "a start after a crash would not know until when the gateway served");
        }
    }
}
