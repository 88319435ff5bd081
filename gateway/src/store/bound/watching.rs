//! The store's log against the one that this process has seen: read on, compared at every change, and told where it is
//! shorter or another (R3).

use std::collections::BTreeSet;
use std::fmt;

use ecluse_recordings::log::{
    Frontier, Hash, inclusion_needs, inclusion_proof, root_at, root_needs, verify_inclusion,
};
use sqlx::AssertSqlSafe;

use super::super::journal::{frontier_at, node_query, read_nodes};
use super::super::sql::{Conditions, Db, Row, Tx, Value, values};
use super::super::{Inner, Store, StoreError, Writing};
use super::witness::{BLOCK, Blocks, NONE, Witness};
use super::{copies, said};

/// Blocks whose hashes are read in one statement.
const BLOCKS_AT_ONCE: usize = 50;

/// Whoever reads: beside changes, or within one.
pub(in crate::store) enum Reader<'r> {
    Db(&'r Db),
    Tx(&'r mut Tx),
}

impl Reader<'_> {
    pub(super) async fn rows(
        &mut self,
        sql: impl sqlx::SqlSafeStr,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Db(db) => db.rows(sql, values).await,
            Self::Tx(tx) => tx.rows(sql, values).await,
        }
    }
}

/// The log that is there is not the one that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Other {
    /// It ends before.
    Shorter { end: u64, read: u64 },
    /// The last entry that was read is another.
    Another { seq: u64 },
    /// An entry is counted and is not there.
    Gap { seq: u64 },
    /// Entries that were read are others, from this one on.
    Differs { seq: u64, read: u64 },
    /// The tree that is kept beside the entries is not theirs.
    Tree { size: u64 },
}

impl fmt::Display for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shorter { end, read } => write!(
                f,
                "the log was cut or set back while the gateway ran: it ends with entry {end}, and was read up to entry {read}"
            ),
            Self::Another { seq } => write!(
                f,
                "the log was rewritten while the gateway ran: entry {seq} is not the one that was read"
            ),
            Self::Gap { seq } => write!(
                f,
                "the log is counted further than it goes: entry {seq} is not there"
            ),
            Self::Differs { seq, read } => write!(
                f,
                "the log was rewritten while the gateway ran: from entry {seq} on it is not the one that was read, which went to entry {read}"
            ),
            Self::Tree { size } => write!(
                f,
                "the tree of the log at {size} entries is not that of the entries that were read"
            ),
        }
    }
}

/// Reads on in the log, to its end; or what is wrong with it.
async fn read_on(reader: &mut Reader<'_>, inner: &Inner) -> Result<Option<Other>, StoreError> {
    loop {
        let (from, leaf) = {
            let said = inner.said();
            (said.read_to(), said.witness.recent(said.read_to()))
        };
        let row = reader.rows(said::END, values![from]).await?.pop();
        let (end, found) = match &row {
            Some(row) => (row.count("last")?, row.bytes_or_none("leaf")?),
            None => (0, None),
        };
        if end < from {
            return Ok(Some(Other::Shorter { end, read: from }));
        }
        if let Some(leaf) = leaf
            && leaf != NONE
            && found.as_deref() != Some(&leaf.0)
        {
            return Ok(Some(Other::Another { seq: from }));
        }
        let Some(mut to) = said::next(from, end) else {
            inner.said().watch(None);
            look_for_missing(reader, inner).await?;
            return Ok(None);
        };
        let mut rows = reader.rows(said::ENTRIES, values![from, to]).await?;
        if rows.is_empty() {
            // Where rows are gone, what is beyond them is read all the same.
            let row = reader.rows(BEYOND, values![from, end]).await?.pop();
            let beyond = row.map(|row| row.int_or_none("seq")).transpose()?.flatten();
            let Some(beyond) = beyond.and_then(|seq| u64::try_from(seq).ok()) else {
                return Ok(Some(gap(inner, from)));
            };
            to = beyond;
            rows = reader.rows(said::ENTRIES, values![from, to]).await?;
        }
        let whole = whole(&rows, from)?;
        if whole < rows.len() && !has_tree_of(reader, end).await? {
            // Nothing stood there: the rest is no part of the log.
            rows.truncate(whole);
        }
        let (is_gap, read_to) = {
            let mut said = inner.said();
            (said.take(&rows)?.is_some(), said.read_to())
        };
        if is_gap || read_to == from {
            return Ok(Some(gap(inner, read_to)));
        }
    }
}

/// How many rows follow one another after a place.
fn whole(rows: &[Row], from: u64) -> Result<usize, StoreError> {
    for (index, row) in rows.iter().enumerate() {
        if row.count("seq")? != from.saturating_add(index as u64 + 1) {
            return Ok(index);
        }
    }
    Ok(rows.len())
}

/// Whether a tree of this size is stored: then entries stood where rows are gone.
async fn has_tree_of(reader: &mut Reader<'_>, size: u64) -> Result<bool, StoreError> {
    let Some((sql, values)) = node_query(&root_needs(size)) else {
        return Ok(false);
    };
    let nodes = read_nodes(&reader.rows(sql, &values).await?)?;
    Ok(root_at(size, &|id| nodes.get(&id).copied()).is_ok())
}

/// The first row that is there after a place.
const BEYOND: &str = "SELECT MIN(seq) AS seq FROM journal WHERE seq > $1 AND seq <= $2";

fn gap(inner: &Inner, from: u64) -> Other {
    let seq = from.saturating_add(1);
    inner.said().watch(Some(seq));
    Other::Gap { seq }
}

/// Looks again at what was missing when it was read.
async fn look_for_missing(reader: &mut Reader<'_>, inner: &Inner) -> Result<(), StoreError> {
    copies::look(reader, inner).await?;
    loop {
        let places = inner.said().missing.next();
        if places.is_empty() {
            break;
        }
        let mut conditions = Conditions::default();
        conditions.and_in("seq", places.iter().copied());
        let (sql, values) = conditions.statement(AGAIN, "ORDER BY seq");
        let rows = reader.rows(sql, values).await?;
        let (mut found, back) = inner.said().looked(&rows, &places)?;
        for (seq, leaf, line) in back {
            if is_in_tree(reader, inner, seq, leaf).await? {
                inner.said().filled(seq, leaf, &line);
                found = true;
            }
        }
        if !found {
            break;
        }
    }
    let read_to = inner.said().read_to();
    let due = inner.said().missing.destructions(read_to);
    let mut is_refuted = false;
    for by in due {
        let covered = copies::taken_by(reader, inner, by).await?;
        let covered =
            covered.map(|places| places.into_iter().map(|(seq, _)| seq).collect::<Vec<_>>());
        is_refuted |= covered.is_none();
        inner.said().missing.settle(by, covered);
    }
    if is_refuted {
        // Of each of them its copy tells.
        copies::look(reader, inner).await?;
    }
    Ok(())
}

const AGAIN: &str = "SELECT seq, leaf, entry, destroyed_by, \
     (SELECT value FROM counters WHERE name = 'audit') AS counted FROM journal";

/// Whether the stored tree has a leaf at a place.
async fn is_in_tree(
    reader: &mut Reader<'_>,
    inner: &Inner,
    seq: u64,
    leaf: Hash,
) -> Result<bool, StoreError> {
    let (index, size) = (seq.saturating_sub(1), inner.said().read_to());
    let mut wanted = inclusion_needs(index, size);
    wanted.extend(root_needs(size));
    wanted.sort_unstable();
    wanted.dedup();
    let Some((sql, values)) = node_query(&wanted) else {
        return Ok(false);
    };
    let nodes = read_nodes(&reader.rows(sql, &values).await?)?;
    let node = |id| nodes.get(&id).copied();
    let (Ok(proof), Ok(root)) = (inclusion_proof(index, size, &node), root_at(size, &node)) else {
        return Ok(false);
    };
    Ok(verify_inclusion(&leaf, index, size, &proof, &root).is_ok())
}

/// Which of these entries are those that this process saw at their places; all of them where it has seen nothing.
pub(super) async fn seen(
    reader: &mut Reader<'_>,
    inner: &Inner,
    entries: &[(u64, Hash)],
) -> Result<BTreeSet<u64>, StoreError> {
    let places = || entries.iter().map(|(seq, _)| *seq);
    let needed = {
        let said = inner.said();
        if !said.is_watching() {
            return Ok(places().collect());
        }
        said.witness.needs(places())
    };
    let mut blocks = Blocks::new();
    for needed in needed.chunks(BLOCKS_AT_ONCE) {
        let (mut stretches, mut bound) = (Vec::new(), Vec::new());
        for number in needed {
            let from = number.saturating_mul(BLOCK);
            bound.extend([Value::from(from), Value::from(from.saturating_add(BLOCK))]);
            let last = bound.len();
            stretches.push(format!("(seq > ${} AND seq <= ${last})", last - 1));
        }
        // Only placeholders were put in.
        let sql = AssertSqlSafe(format!(
            "SELECT seq, leaf FROM journal WHERE {} ORDER BY seq",
            stretches.join(" OR ")
        ));
        for row in &reader.rows(sql, &bound).await? {
            let index = row.count("seq")?.saturating_sub(1);
            let block = blocks
                .entry(index / BLOCK)
                .or_insert_with(|| vec![NONE; usize::try_from(BLOCK).unwrap_or(0)]);
            let place = usize::try_from(index % BLOCK).unwrap_or(usize::MAX);
            if let Some(place) = block.get_mut(place) {
                *place = leaf(row)?;
            }
        }
    }
    let said = inner.said();
    let known = entries.iter().filter(|(seq, leaf)| {
        said.was_first(*seq, *leaf) && said.witness.has(*seq, *leaf, &blocks)
    });
    Ok(known.map(|(seq, _)| *seq).collect())
}

pub(super) fn leaf(row: &Row) -> Result<Hash, StoreError> {
    let leaf: Result<[u8; 32], _> = row.bytes("leaf")?.try_into();
    Ok(leaf.map_or(NONE, Hash))
}

impl Store {
    /// Reads on in the log. Where it is not the one that was read before, nothing more is read of it, and that is put on
    /// record: what was believed stays.
    pub(in crate::store) async fn follow(&self) -> Result<(), StoreError> {
        self.is_followed().await.map(drop)
    }

    /// As [`follow`](Self::follow); whether the log is the one that was read.
    async fn is_followed(&self) -> Result<bool, StoreError> {
        let was_watching = self.said().is_watching();
        let other = read_on(&mut Reader::Db(self.db()), &self.inner).await?;
        if let Some(other) = other {
            self.contradict(other);
        } else if was_watching && self.said().tell_missing() {
            // Not by who reads the log once and is gone.
            self.owe_untold();
        }
        Ok(other.is_none())
    }

    /// Makes sure that the log is the one that this process has seen, with its tree; what is wrong with it is put on record.
    ///
    /// # Errors
    /// The store failed.
    pub async fn watch(&self) -> Result<(), StoreError> {
        if !self.is_followed().await? {
            return Ok(());
        }
        if self.said().tell_missing() {
            self.owe_untold();
        }
        let (size, seen) = {
            let said = self.said();
            (said.read_to(), said.witness.root_at(said.read_to()))
        };
        if let Some(seen) = seen
            && self.journal_root(size).await? != seen
        {
            self.contradict(Other::Tree { size });
        }
        Ok(())
    }

    /// Which of these entries are those that this process saw at their places.
    pub(in crate::store) async fn seen(
        &self,
        entries: &[(u64, Hash)],
    ) -> Result<BTreeSet<u64>, StoreError> {
        if self.said().is_watching() {
            self.follow().await?;
        }
        seen(&mut Reader::Db(self.db()), &self.inner, entries).await
    }

    fn contradict(&self, other: Other) {
        if self.said().contradict(other.to_string()) {
            self.owe_untold();
        }
    }

    /// The root that the log had at a size as this process has seen it; none where it has not.
    pub(in crate::store) fn seen_root(&self, size: u64) -> Option<Hash> {
        let said = self.said();
        said.witness.root_at(size).filter(|_| said.is_watching())
    }
}

impl Writing {
    /// Reads on in the log, as this change sees it. Once the change has added to it itself, nothing is read: what it added
    /// may never happen.
    pub(in crate::store) async fn follow(&mut self) -> Result<(), StoreError> {
        if self.frontier.is_some() {
            return Ok(());
        }
        let was_watching = self.said().is_watching();
        loop {
            let other = read_on(&mut Reader::Tx(&mut self.tx), &self.inner).await?;
            let (end, other) = match other {
                None => {
                    if was_watching {
                        self.said().tell_missing();
                    }
                    break;
                }
                // Nothing can be added to it: the tree lacks what is not there.
                Some(other @ Other::Gap { .. }) => {
                    self.said().contradict(other.to_string());
                    return Ok(());
                }
                Some(other @ Other::Shorter { end, .. }) => (end, other),
                Some(
                    other @ (Other::Another { .. } | Other::Differs { .. } | Other::Tree { .. }),
                ) => (u64::MAX, other),
            };
            self.said().contradict(other.to_string());
            let read = self.said().read_to();
            if self.cut_to_common(end).await? == read {
                // A row of it reads otherwise, and its tree is the one that was seen: what was seen stays.
                return Ok(());
            }
        }
        self.compare_tree().await
    }

    /// As [`follow`](Self::follow), where this process has read the log before; what only writes need not read all of it.
    pub(in crate::store) async fn compare(&mut self) -> Result<(), StoreError> {
        if self.said().is_watching() {
            self.follow().await?;
        }
        Ok(())
    }

    /// Forgets what was read of the log beyond what it has in common with the one that is there, which ends with `end`. How
    /// many entries it has in common.
    async fn cut_to_common(&mut self, end: u64) -> Result<u64, StoreError> {
        let seen = self.said().witness.clone();
        let to = end.min(seen.size());
        let common = match seen.at(to) {
            // Where the tree is the one that was seen, the entries were, whatever their rows read for the moment.
            Some(kept) if self.has_tree(&kept).await => to,
            Some(_) | None => self.common(&seen, end).await?,
        };
        self.said().cut(common);
        Ok(common)
    }

    /// Whether the stored tree begins with this one.
    async fn has_tree(&mut self, seen: &Frontier) -> bool {
        let stored = frontier_at(&mut self.tx, seen.size()).await;
        stored.is_ok_and(|stored| stored == *seen)
    }

    /// How many entries of what was seen are those that are there, as far as their hashes are kept one by one.
    async fn common(&mut self, seen: &Witness, end: u64) -> Result<u64, StoreError> {
        let (from, to) = (seen.recent_from(), end.min(seen.size()));
        if to <= from {
            return Ok(to);
        }
        let sql = "SELECT seq, leaf FROM journal WHERE seq > $1 AND seq <= $2 ORDER BY seq";
        let rows = self.tx.rows(sql, values![from, to]).await?;
        let mut common = from;
        for row in &rows {
            let seq = row.count("seq")?;
            // What was gone already is no difference, nor that it is there again.
            while common.saturating_add(1) < seq && seen.is_hole(common.saturating_add(1)) {
                common = common.saturating_add(1);
            }
            let same = seen.is_hole(seq) || seen.recent(seq) == Some(leaf(row)?);
            if seq != common.saturating_add(1) || !same {
                return Ok(common);
            }
            common = seq;
        }
        while common < to && seen.is_hole(common.saturating_add(1)) {
            common = common.saturating_add(1);
        }
        Ok(common)
    }

    /// Compares the tree that is stored with that of the entries that were seen, and goes on from it.
    async fn compare_tree(&mut self) -> Result<(), StoreError> {
        let (seen, is_compared) = {
            let said = self.said();
            (said.witness.frontier().clone(), said.witness.is_compared())
        };
        let size = seen.size();
        let stored = frontier_at(&mut self.tx, size).await?;
        if stored == seen {
            let mut said = self.said();
            said.witness.is_found();
            said.is_sound();
            drop(said);
            self.frontier = Some(stored);
            return Ok(());
        }
        let witness = self.said().witness.clone();
        let common = self.common(&witness, size).await?;
        if common < size {
            let seq = common.saturating_add(1);
            let other = Other::Differs { seq, read: size };
            self.said().contradict(other.to_string());
            self.said().cut(common);
            return Box::pin(self.follow()).await;
        }
        if witness.has_holes() && !is_compared {
            // It has what is not there; that it is not is told.
            let mut said = self.said();
            said.witness.adopt(stored.clone());
            said.is_sound();
            drop(said);
            self.frontier = Some(stored);
            return Ok(());
        }
        self.said().contradict(Other::Tree { size }.to_string());
        if is_compared {
            // It was theirs before: what is added goes on from what was seen.
            self.frontier = Some(seen);
        } else {
            self.said().witness.adopt(stored.clone());
            self.frontier = Some(stored);
        }
        Ok(())
    }
}
