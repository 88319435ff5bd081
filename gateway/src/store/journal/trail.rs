//! The trails in the store: where the chain of each client's entries stands, and the entries of one client, found by the
//! index and held to the chain.
//!
//! The index may have been altered, the chain is hashed: where the chain shows that the index left an entry out, the
//! lines of the journal are read themselves.

use std::collections::BTreeMap;

use ecluse_policy::{ClientId, Span, Timestamp};
use ecluse_recordings::log::{Entry, Hash, Trails};

use super::super::sql::{Row, Tx, values};
use super::super::{Store, StoreError};
use super::verify::Defect;
use super::{JournalEntry, hash, stored};
use crate::audit::{AuditKind, AuditRecord};

/// How often it is on record how many entries a trail has.
const COUNTED_EVERY: Span = Span::from_hours(1);
/// Entries looked at for the last one before a place.
const LOOKED_AT: u32 = 20;
/// Lines read at once where the index left something out.
const PAGE: u64 = 500;

/// How far a trail has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrailHead {
    /// Its numbered entries.
    pub nth: u64,
    /// The hash of the last one.
    pub leaf: Hash,
}

const HEAD: &str = "SELECT nth, seq, leaf FROM trails WHERE client = $1";

/// The name of a trail in the store; no client is named by the empty text.
fn name(client: Option<&str>) -> &str {
    client.unwrap_or_default()
}

fn read_head(row: &Row) -> Result<TrailHead, StoreError> {
    Ok(TrailHead {
        nth: row.count("nth")?,
        leaf: hash(row, "leaf")?,
    })
}

/// Where a trail stands within a change; none before its first entry.
pub(super) async fn head(
    tx: &mut Tx,
    client: Option<&str>,
) -> Result<Option<TrailHead>, StoreError> {
    let row = tx.row(HEAD, values![name(client)]).await?;
    row.as_ref().map(read_head).transpose()
}

/// The trail ends with this entry now.
pub(super) async fn advance(
    tx: &mut Tx,
    client: Option<&str>,
    entry: &Entry,
    leaf: Hash,
    at: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO trails (client, nth, seq, leaf, counted_at) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (client) DO UPDATE SET nth = excluded.nth, seq = excluded.seq, leaf = excluded.leaf";
    let nth = entry.nth.unwrap_or_default();
    let values = values![name(client), nth, entry.seq, leaf.0.as_slice(), at];
    tx.execute(sql, values).await.map(drop)
}

const FIND: &str = "SELECT journal.seq AS seq, journal.leaf AS leaf, journal.entry AS entry, \
                    journal.destroyed_by AS destroyed_by FROM audit JOIN journal ON journal.seq = audit.seq ";

/// An entry of a trail, read.
struct Found {
    stored: JournalEntry,
    /// None where its words were destroyed, or do not read.
    entry: Option<Entry>,
}

impl Found {
    fn nth(&self) -> Option<u64> {
        self.entry.as_ref()?.nth
    }
}

fn found(row: &Row) -> Result<Found, StoreError> {
    let stored = stored(row)?;
    let line = stored.line.as_deref();
    let entry = line.and_then(|line| Entry::parse(line.as_bytes()).ok());
    Ok(Found { stored, entry })
}

impl Store {
    /// A client's entries after a place, in order, at least one where there is one, and about `limit`.
    ///
    /// Found by the index, and held to the chain: an entry that the index gives to somebody else is found all the same,
    /// one that it gives to this client wrongly is not among them (R9).
    ///
    /// # Errors
    /// The store failed.
    pub async fn trail(
        &self,
        client: &ClientId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<JournalEntry>, StoreError> {
        let id = client.as_str();
        let sql = sqlx::AssertSqlSafe(format!(
            "{FIND} WHERE audit.client = $1 AND audit.seq > $2 ORDER BY audit.seq LIMIT $3"
        ));
        let rows = self.db().rows(sql, values![id, after, limit]).await?;
        let read = rows.iter().map(found).collect::<Result<Vec<_>, _>>()?;
        // Whether the index has more of them.
        let more = u32::try_from(read.len()).unwrap_or(u32::MAX) >= limit;
        let upto = read.last().map(|last| last.stored.seq);
        let theirs = |found: &Found| match &found.entry {
            Some(entry) => entry.client.as_deref() == Some(id),
            // Without words nothing is told; what does not read is for the reader to see.
            None => true,
        };
        let mut walk = Walk {
            store: self,
            client: id,
            after,
            kept: BTreeMap::new(),
            last: self.before(id, after).await?,
            wordless: 0,
        };
        for found in read.into_iter().filter(theirs) {
            walk.next(found).await?;
        }
        if more {
            // Where the whole page was another's, what follows it is asked for.
            return match upto {
                Some(upto) if walk.kept.is_empty() => {
                    Box::pin(self.trail(client, upto, limit)).await
                }
                Some(_) | None => Ok(walk.kept.into_values().collect()),
            };
        }
        if let Some(row) = self.db().row(HEAD, values![id]).await? {
            walk.end(row.count("nth")?, row.count("seq")?).await?;
        }
        Ok(walk.kept.into_values().collect())
    }

    /// The place and the number of the last numbered entry up to a place, by the index.
    async fn before(&self, client: &str, upto: u64) -> Result<(u64, u64), StoreError> {
        let sql = sqlx::AssertSqlSafe(format!(
            "{FIND} WHERE audit.client = $1 AND audit.seq <= $2 ORDER BY audit.seq DESC LIMIT $3"
        ));
        let rows = self
            .db()
            .rows(sql, values![client, upto, LOOKED_AT])
            .await?;
        for row in &rows {
            let last = found(row)?;
            let seq = last.stored.seq;
            match &last.entry {
                // Another's, which the index gives to this client.
                Some(entry) if entry.client.as_deref() != Some(client) => {}
                Some(Entry { nth: Some(nth), .. }) => return Ok((seq, *nth)),
                // Its words are gone, or it is from before: nothing is measured across it.
                Some(_) | None => return Ok((seq, u64::MAX)),
            }
        }
        Ok((0, 0))
    }

    /// How far a client's trail had come when the journal had `size` entries.
    ///
    /// # Errors
    /// The store failed.
    pub async fn trail_at(
        &self,
        client: &ClientId,
        size: u64,
    ) -> Result<Option<TrailHead>, StoreError> {
        let id = client.as_str();
        let Some(row) = self.db().row(HEAD, values![id]).await? else {
            return Ok(None);
        };
        if row.count("seq")? <= size {
            return read_head(&row).map(Some);
        }
        // The first one after it tells of the one before it.
        for next in self.trail(client, size, 1).await? {
            let line = next.line.as_deref();
            let entry = line.and_then(|line| Entry::parse(line.as_bytes()).ok());
            if let Some(Entry {
                nth: Some(nth),
                previous,
                ..
            }) = entry
            {
                return Ok(previous.map(|leaf| TrailHead {
                    nth: nth.saturating_sub(1),
                    leaf,
                }));
            }
        }
        Ok(None)
    }

    /// Puts on record how many entries each trail has, where that was not done for an hour: to whoever holds a trail
    /// without one, its end was cut off.
    ///
    /// # Errors
    /// The store failed; nothing is written.
    pub async fn count_trails(&self, now: Timestamp) -> Result<(), StoreError> {
        // A clock that was put back makes nothing wait.
        let due = "SELECT client, nth, seq, leaf FROM trails WHERE counted_at <= $1 OR counted_at > $2 ORDER BY client";
        let values = values![now.minus(COUNTED_EVERY), now];
        if self.db().row(due, values).await?.is_none() {
            return Ok(());
        }
        let mut change = self.write().await?;
        let known = change.documents().await?;
        for row in &change.tx.rows(due, values).await? {
            let client = row.text("client")?;
            let head = read_head(row)?;
            let sql = "UPDATE trails SET counted_at = $2 WHERE client = $1";
            change.tx.execute(sql, values![&client, now]).await?;
            let record = AuditRecord::new(AuditKind::TrailCount, now)
                .detail("entries", head.nth)
                .detail("head", head.leaf.to_string());
            if client.is_empty() {
                change.append(&record).await?;
            } else if let Ok(client) = ClientId::parse(&client)
                && known.client(&client).is_some()
            {
                change.append(&record.client(&client)).await?;
            }
        }
        change.commit(&[]).await
    }
}

/// Compares where trails end with what was counted of them, all of the moment that `store` is of.
pub(super) async fn ends(store: &Store, trails: &Trails) -> Result<Vec<Defect>, StoreError> {
    let sql = "SELECT client, nth, seq, leaf FROM trails ORDER BY client";
    let mut counted = BTreeMap::new();
    for row in &store.db().rows(sql, values![]).await? {
        let client = Some(row.text("client")?).filter(|client| !client.is_empty());
        counted.insert(client, (row.count("seq")?, read_head(row)?));
    }
    let mut defects = Vec::new();
    let mut compare = |client: Option<String>, found: u64, counted: u64| {
        defects.push(Defect::TrailEnd {
            client,
            counted,
            found,
        });
    };
    for (client, end, wordless) in trails.ends() {
        let client = client.map(str::to_owned);
        match counted.remove(&client) {
            Some((seq, head)) if head.nth == end.nth.saturating_add(wordless) => {
                // Of entries without words hash and place are not compared here: the tree has them.
                if wordless == 0 && (head.leaf != end.leaf || seq != end.seq) {
                    compare(client, end.nth, head.nth);
                }
            }
            Some((_, head)) => compare(client, end.nth, head.nth),
            None => compare(client, end.nth, 0),
        }
    }
    for (client, (_, head)) in counted {
        if !trails.is_wordless(client.as_deref(), head.leaf) {
            compare(client, 0, head.nth);
        }
    }
    Ok(defects)
}

/// Entries of one client as they come, with the numbers that have to come.
struct Walk<'s> {
    store: &'s Store,
    client: &'s str,
    after: u64,
    kept: BTreeMap<u64, JournalEntry>,
    /// Place and number of the last numbered one.
    last: (u64, u64),
    /// Those since then of which only the hash is left.
    wordless: u64,
}

impl Walk<'_> {
    async fn next(&mut self, found: Found) -> Result<(), StoreError> {
        let seq = found.stored.seq;
        match found.nth() {
            Some(nth) => {
                self.expect(nth, seq).await?;
                self.last = (seq, nth);
                self.wordless = 0;
            }
            // One with words and without a number is from before the trail was numbered.
            None => self.wordless += u64::from(found.stored.line.is_none()),
        }
        self.kept.insert(seq, found.stored);
        Ok(())
    }

    /// The trail stands at number `nth`, entry `seq`: reads what the index left out of it.
    async fn end(&mut self, nth: u64, seq: u64) -> Result<(), StoreError> {
        if seq > self.last.0 {
            self.expect(nth.saturating_add(1), seq.saturating_add(1))
                .await?;
        }
        Ok(())
    }

    /// Number `nth` comes at `seq`; whatever is missing before it is looked for in the lines themselves.
    async fn expect(&mut self, nth: u64, seq: u64) -> Result<(), StoreError> {
        let (last_seq, last_nth) = self.last;
        let between = nth.saturating_sub(1).saturating_sub(last_nth);
        if between <= self.wordless {
            return Ok(());
        }
        tracing::error!(
            client = self.client,
            after = last_seq,
            before = seq,
            missing = between - self.wordless,
            "the index of the audit trail leaves entries out: it was altered; run: ecluse journal verify"
        );
        let mut from = last_seq.max(self.after).saturating_add(1);
        while from < seq {
            let to = seq.min(from + PAGE);
            let sql = "SELECT seq, leaf, entry, destroyed_by FROM journal WHERE seq >= $1 AND seq < $2 ORDER BY seq";
            for row in &self.store.db().rows(sql, values![from, to]).await? {
                let found = found(row)?;
                if found
                    .entry
                    .as_ref()
                    .is_some_and(|entry| entry.client.as_deref() == Some(self.client))
                {
                    self.kept.insert(found.stored.seq, found.stored);
                }
            }
            from = to;
        }
        Ok(())
    }
}
