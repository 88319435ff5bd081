//! Hashing the whole journal anew, and naming what does not belong.
//!
//! What it finds is what the store itself contradicts. That a whole history was replaced by another, consistent one,
//! only a checkpoint from outside shows: [`Recomputed::root_at`] is compared with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ecluse_recordings::log::trail::trail_name;
use ecluse_recordings::log::{Break, Entry, Frontier, Hash, NodeId, Trails, leaf_hash};

use super::super::audit::{self, Index};
use super::super::bound::Uncopied;
use super::super::sql::values;
use super::super::{Store, StoreError};
use super::destroy::{digest_of_leaves, leaf_line};
use super::{JournalEntry, read_nodes, stored, trail};
use crate::audit::AuditKind;

/// How many entries are read at once.
const PAGE: u64 = 1000;

/// Something in the journal that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Defect {
    /// An entry is not there, and others come after it, or were counted.
    Missing {
        /// Its place.
        seq: u64,
    },
    /// An entry's words are not those that were hashed.
    Altered {
        /// Its place.
        seq: u64,
    },
    /// An entry stands at another place than its words say.
    Misplaced {
        /// Where it stands.
        seq: u64,
        /// Where it says it belongs.
        says: u64,
    },
    /// An entry reads differently from its record in the audit trail.
    RecordDiffers {
        /// Its place.
        seq: u64,
    },
    /// An entry without words, which no entry says were destroyed.
    Emptied {
        /// Its place.
        seq: u64,
    },
    /// What a destruction says it destroyed is not what is gone.
    DestructionDiffers {
        /// The entry that tells of it.
        seq: u64,
    },
    /// A trail does not hold at an entry of it.
    Trail {
        /// Its place.
        seq: u64,
        /// Where it does not.
        found: Break,
    },
    /// A trail was counted further than its entries go, or less far.
    TrailEnd {
        /// Whose; none for the gateway's own.
        client: Option<String>,
        /// How many entries were counted.
        counted: u64,
        /// How many there are.
        found: u64,
    },
    /// An entry that was never counted.
    Uncounted {
        /// Its place.
        seq: i64,
    },
    /// A record of the audit trail beyond the end of the log.
    RecordPlanted {
        /// Its place.
        seq: i64,
    },
    /// A node of the tree that no entry completes.
    NodePlanted {
        /// Level and index, as the row has them.
        id: (i64, i64),
    },
    /// A node of the tree is missing or is not the hash of what it covers.
    Node {
        /// Level and index.
        id: NodeId,
    },
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { seq } => write!(f, "entry {seq} is missing: it was taken away"),
            Self::Altered { seq } => {
                write!(f, "entry {seq} was altered: its words have another hash")
            }
            Self::Misplaced { seq, says } => {
                write!(f, "entry {seq} was moved: it says that it is entry {says}")
            }
            Self::RecordDiffers { seq } => {
                write!(
                    f,
                    "audit record {seq} was altered: its entry in the journal says something else, and is right"
                )
            }
            Self::Emptied { seq } => {
                write!(
                    f,
                    "entry {seq} lost its words, and nothing says that they were destroyed"
                )
            }
            Self::DestructionDiffers { seq } => {
                write!(
                    f,
                    "entry {seq} tells of a destruction of other entries than those that lost their words"
                )
            }
            Self::Trail { seq, found } => write!(f, "entry {seq}: {found}"),
            Self::TrailEnd {
                client,
                counted,
                found,
            } => {
                let trail = trail_name(client.as_deref());
                write!(
                    f,
                    "{trail} was counted up to number {counted}, and ends with number {found}: the count was altered, or entries were cut off"
                )
            }
            Self::Uncounted { seq } => write!(f, "entry {seq} was never written by the gateway"),
            Self::RecordPlanted { seq } => write!(
                f,
                "audit record {seq} stands beyond the end of the log: it was put in by hand"
            ),
            Self::NodePlanted { id: (level, index) } => write!(
                f,
                "node {index} of level {level} is completed by no entry: it was put in by hand"
            ),
            Self::Node { id: (level, index) } => {
                write!(f, "node {index} of level {level} is missing or altered")
            }
        }
    }
}

/// The journal as its entries make it, whatever the store keeps beside them.
#[derive(Debug)]
pub struct Recomputed {
    /// How many entries there have to be.
    pub size: u64,
    /// Entries from before trails were numbered.
    pub unnumbered: u64,
    /// Everything that cannot be.
    pub defects: Vec<Defect>,
    /// Entries without a copy beside the log.
    pub uncopied: Uncopied,
    roots: BTreeMap<u64, Hash>,
}

impl Recomputed {
    /// The last place whose words are not those that were hashed, or are gone: what an entry there says is not known.
    pub fn last_away(&self) -> Option<u64> {
        let places = self.defects.iter().filter_map(|defect| match defect {
            Defect::Missing { seq } | Defect::Altered { seq } | Defect::Emptied { seq, .. } => {
                Some(*seq)
            }
            // What is beside the words says nothing of them; one that was moved is read where it stands.
            Defect::Misplaced { .. }
            | Defect::RecordDiffers { .. }
            | Defect::DestructionDiffers { .. }
            | Defect::Trail { .. }
            | Defect::TrailEnd { .. }
            | Defect::Uncounted { .. }
            | Defect::RecordPlanted { .. }
            | Defect::NodePlanted { .. }
            | Defect::Node { .. } => None,
        });
        places.max()
    }

    /// The root over all entries; none where some are missing.
    pub fn root(&self) -> Option<Hash> {
        self.root_at(self.size)
    }

    /// The root at the end, or at one of the sizes that were asked for; none beyond what is missing.
    pub fn root_at(&self, size: u64) -> Option<Hash> {
        self.roots.get(&size).copied()
    }
}

/// What a destruction claims, and what was found of it.
#[derive(Default)]
struct Claim {
    entries: Option<u64>,
    digest: Option<String>,
    found: u64,
    lines: String,
}

/// The work of [`Store::recompute`].
struct Work<'s, See> {
    store: &'s Store,
    see: See,
    watched: BTreeSet<u64>,
    frontier: Frontier,
    /// Whether an entry is missing: without its leaf nothing after it can be proven.
    broken: bool,
    defects: Vec<Defect>,
    uncopied: Uncopied,
    roots: BTreeMap<u64, Hash>,
    claims: BTreeMap<u64, Claim>,
    trails: Trails,
}

impl Store {
    /// Hashes the whole journal anew from its entries, and compares everything that is kept beside them, all of one moment.
    ///
    /// `watched` are the sizes whose roots the caller will ask for. `see` is shown each entry that has words, in order.
    ///
    /// # Errors
    /// The store failed. What is wrong with the journal is no error here: see [`Recomputed::defects`].
    pub async fn recompute(
        &self,
        watched: impl IntoIterator<Item = u64>,
        see: impl FnMut(&Entry),
    ) -> Result<Recomputed, StoreError> {
        let store = &self.snapshot().await?;
        let size = store.journal_size().await?;
        let mut watched: BTreeSet<u64> = watched.into_iter().collect();
        watched.insert(size);
        let mut work = Work {
            store,
            see,
            watched,
            frontier: Frontier::new(),
            broken: false,
            defects: Vec::new(),
            uncopied: Uncopied::default(),
            roots: BTreeMap::new(),
            claims: BTreeMap::new(),
            trails: Trails::new(),
        };
        work.note_root();
        let mut first = 1;
        while first <= size {
            let last = size.min(first + (PAGE - 1));
            work.page(first, last).await?;
            first = last + 1;
        }
        work.beyond(size).await?;
        let ends = trail::ends(store, &work.trails).await?;
        work.defects.extend(ends);
        for (seq, claim) in std::mem::take(&mut work.claims) {
            if !claim.holds() {
                work.defects.push(Defect::DestructionDiffers { seq });
            }
        }
        Ok(Recomputed {
            size,
            unnumbered: work.trails.unnumbered_in_all(),
            defects: work.defects,
            uncopied: work.uncopied,
            roots: work.roots,
        })
    }
}

impl<See: FnMut(&Entry)> Work<'_, See> {
    async fn page(&mut self, first: u64, last: u64) -> Result<(), StoreError> {
        let sql =
            "SELECT seq, leaf, entry, destroyed_by FROM journal WHERE seq >= $1 AND seq <= $2";
        let rows = self.store.db().rows(sql, values![first, last]).await?;
        let entries = rows
            .iter()
            .map(|row| stored(row).map(|entry| (entry.seq, entry)))
            .collect::<Result<BTreeMap<_, _>, _>>()?;
        let records = audit::indexes(self.store.db(), first, last).await?;
        let mut completed = BTreeMap::new();
        for seq in first..=last {
            let Some(entry) = entries.get(&seq) else {
                self.defects.push(Defect::Missing { seq });
                self.broken = true;
                continue;
            };
            let leaf = self.entry(entry, records.get(&seq));
            if !self.broken {
                let nodes = self.frontier.push(leaf);
                completed.extend(
                    nodes
                        .into_iter()
                        .map(|(level, idx, hash)| ((level, idx), hash)),
                );
                self.note_root();
            }
        }
        self.nodes(&completed).await?;
        let leaves = entries.values().map(|entry| (entry.seq, entry.leaf));
        let leaves = leaves.collect();
        self.uncopied.look(self.store, (first, last), &leaves).await
    }

    /// Looks at one entry; its hash. Where words and hash differ it is the hash that the rest is measured by, so that one
    /// altered entry is one defect.
    fn entry(&mut self, entry: &JournalEntry, record: Option<&Index>) -> Hash {
        let seq = entry.seq;
        let Some(line) = &entry.line else {
            self.trails
                .wordless(record.and_then(Index::client), entry.leaf);
            match entry.destroyed_by {
                Some(by) => {
                    let claim = self.claims.entry(by).or_default();
                    claim.found += 1;
                    claim.lines.push_str(&leaf_line(seq, &entry.leaf));
                }
                None => self.defects.push(Defect::Emptied { seq }),
            }
            return entry.leaf;
        };
        let parsed = Entry::parse(line.as_bytes()).ok();
        match parsed {
            Some(parsed) if leaf_hash(line.as_bytes()) == entry.leaf => {
                let is_misplaced = parsed.seq != seq;
                if is_misplaced {
                    let says = parsed.seq;
                    self.defects.push(Defect::Misplaced { seq, says });
                    self.trails.wordless(parsed.client.as_deref(), entry.leaf);
                } else if record != Some(&Index::of(&parsed)) {
                    self.defects.push(Defect::RecordDiffers { seq });
                }
                if !is_misplaced && let Err(found) = self.trails.see(&parsed, entry.leaf) {
                    self.defects.push(Defect::Trail { seq, found });
                }
                if parsed.kind == AuditKind::EntriesDestroyed.name() {
                    let claim = self.claims.entry(seq).or_default();
                    claim.entries = parsed.detail_number("entries");
                    claim.digest = parsed.detail_text("leaves-sha256").map(str::to_owned);
                }
                self.uncopied.see(&parsed);
                (self.see)(&parsed);
            }
            Some(_) | None => {
                self.trails
                    .wordless(record.and_then(Index::client), entry.leaf);
                self.defects.push(Defect::Altered { seq });
            }
        }
        entry.leaf
    }

    /// Compares the nodes above the leaves with those that were kept.
    async fn nodes(&mut self, completed: &BTreeMap<NodeId, Hash>) -> Result<(), StoreError> {
        let levels: BTreeSet<u8> = completed.keys().map(|(level, _)| *level).collect();
        for level in levels.into_iter().filter(|level| *level > 0) {
            let wanted: BTreeMap<NodeId, Hash> = completed
                .range((level, 0)..=(level, u64::MAX))
                .map(|(id, hash)| (*id, *hash))
                .collect();
            let Some((((_, from), _), ((_, to), _))) =
                wanted.first_key_value().zip(wanted.last_key_value())
            else {
                continue;
            };
            let sql = "SELECT level, idx, hash FROM journal_nodes WHERE level = $1 AND idx >= $2 AND idx <= $3";
            let rows = self
                .store
                .db()
                .rows(sql, values![u32::from(level), *from, *to])
                .await?;
            let kept = read_nodes(&rows)?;
            let altered = wanted
                .iter()
                .filter(|(id, hash)| kept.get(id) != Some(hash));
            self.defects
                .extend(altered.map(|(id, _)| Defect::Node { id: *id }));
        }
        Ok(())
    }

    /// Entries that were never counted.
    async fn beyond(&mut self, size: u64) -> Result<(), StoreError> {
        let sql = "SELECT seq FROM journal WHERE seq > $1 OR seq < 1 ORDER BY seq LIMIT 100";
        for row in &self.store.db().rows(sql, values![size]).await? {
            let seq = row.int("seq")?;
            self.defects.push(Defect::Uncounted { seq });
        }
        let sql = "SELECT seq FROM audit WHERE seq > $1 OR seq < 1 ORDER BY seq LIMIT 100";
        for row in &self.store.db().rows(sql, values![size]).await? {
            let seq = row.int("seq")?;
            self.defects.push(Defect::RecordPlanted { seq });
        }
        // The complete nodes of a level above the leaves are one for each 2^level entries.
        let sql = "SELECT level, idx FROM journal_nodes WHERE level < 1 OR level > 62 OR idx < 0 \
                   OR idx >= ($1 >> CAST(level AS INTEGER)) ORDER BY level, idx LIMIT 100";
        for row in &self.store.db().rows(sql, values![size]).await? {
            let id = (row.int("level")?, row.int("idx")?);
            self.defects.push(Defect::NodePlanted { id });
        }
        Ok(())
    }

    fn note_root(&mut self) {
        if self.watched.contains(&self.frontier.size()) {
            self.roots
                .insert(self.frontier.size(), self.frontier.root());
        }
    }
}

impl Claim {
    fn holds(&self) -> bool {
        self.entries == Some(self.found)
            && self.digest.as_ref() == Some(&digest_of_leaves(&self.lines))
    }
}
