//! Changes that other processes make: heard by name on PostgreSQL (LISTEN), and counted on both engines ([`poll`]).
//!
//! Words may be lost with a connection, and anybody who can connect to the database can say some: those that no gateway of
//! this store marked are not heard. The epoch is not lost: it counts every commit, and what nobody named wakes everybody.

use std::sync::{Arc, Weak};
use std::time::Duration;

use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::time::Instant;

use super::sql::{Db, values};
use super::{Inner, POLL, StoreError, read_epoch, topics};

/// How long the words of a commit may take after the commit itself, before it counts as one that nobody named.
const WORDS_COME_WITHIN: Duration = Duration::from_millis(25);
/// So many words are heard in a [`TURN`]: six times what a store commits at its best. More are somebody else's, and wait.
const WORDS_A_TURN: u32 = 100;
/// See [`WORDS_A_TURN`].
const TURN: Duration = Duration::from_millis(25);
/// After a failure: not at once again.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// The channel of one store: several stores may share a database, each in a schema.
const CHANNEL: &str = "SELECT 'ecluse_' || md5(current_schema()) AS channel";
/// Says words to every process that listens to this store, if the transaction commits.
pub(super) const SAY: &str = "SELECT pg_notify('ecluse_' || md5(current_schema()), $1)";

/// Follows the changes of other processes for as long as the store exists.
pub(super) fn begin(inner: &Arc<Inner>) {
    tokio::spawn(poll(Arc::downgrade(inner)));
    if matches!(inner.db, Db::Postgres(_)) {
        tokio::spawn(listen(Arc::downgrade(inner)));
    }
}

async fn poll(store: Weak<Inner>) {
    let mut ticks = tokio::time::interval(POLL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(inner) = store.upgrade() else { return };
        let look = inner.announcer.look();
        match read_epoch(&inner.db).await {
            Ok(epoch) if inner.announcer.looked(look, epoch) => {}
            Ok(epoch) => {
                // Committed a moment ago, its words are under way.
                tokio::time::sleep(WORDS_COME_WITHIN).await;
                inner.announcer.catch_up(epoch);
            }
            Err(StoreError::Database(sqlx::Error::PoolClosed)) => return,
            Err(error) => tracing::warn!(%error, "changes of other processes are not seen"),
        }
    }
}

async fn listen(store: Weak<Inner>) {
    while let Some(inner) = store.upgrade() {
        let Db::Postgres(pool) = &inner.db else {
            return;
        };
        let (pool, db) = (pool.clone(), inner.db.clone());
        drop(inner);
        let heard = async {
            let row = db.row(CHANNEL, values![]).await?;
            let channel = row.ok_or(StoreError::Null { column: "channel" })?;
            // A connection of its own, beside those that statements wait for.
            let one = PgPoolOptions::new()
                .max_connections(1)
                .idle_timeout(None)
                .max_lifetime(None)
                .connect_with((*pool.connect_options()).clone())
                .await?;
            let mut listener = PgListener::connect_with(&one).await?;
            listener.listen(&channel.text("channel")?).await?;
            drop((db, pool));
            hear(&store, &mut listener).await
        };
        if let Err(error) = heard.await {
            tracing::debug!(%error, "changes of other processes are not heard by name; they are counted");
        }
        tokio::time::sleep(AFTER_FAILURE).await;
    }
}

/// Returns when the store is gone.
///
/// A flood of words takes no processor from anybody else: it is heard at its own pace, and the commits that are named behind
/// it are counted meanwhile.
async fn hear(store: &Weak<Inner>, listener: &mut PgListener) -> Result<(), StoreError> {
    let mut turn = Instant::now() + TURN;
    let mut words = 0;
    loop {
        // What is said while the connection is away is counted all the same.
        let said = listener.try_recv().await?;
        let Some(inner) = store.upgrade() else {
            return Ok(());
        };
        if let Some((epoch, topics)) =
            said.and_then(|said| topics::read(&inner.key, said.payload()))
        {
            inner.announcer.hear(epoch, topics.as_ref());
        }
        drop(inner);
        words += 1;
        if Instant::now() >= turn {
            (turn, words) = (Instant::now() + TURN, 0);
        } else if words >= WORDS_A_TURN {
            tokio::time::sleep_until(turn).await;
            (turn, words) = (Instant::now() + TURN, 0);
        }
        // However many words come at once, everybody else has their turn between them.
        tokio::task::yield_now().await;
    }
}
