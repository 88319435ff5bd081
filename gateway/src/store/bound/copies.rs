//! What takes something from somebody stands twice: in the log, and sealed beside it.
//!
//! Words that are away may be those of a block, of an enrolment that ended, of a document that named fewer people. What takes
//! rights away must not be lifted by that, and one damaged row must not close the house either. So each entry leaves a
//! copy under the store's key, which who writes the database does not have: its hash, and its words if it is of one of
//! [`KINDS`], or tells of a code: one that was accepted takes that code, and one that counts takes a try. What only gives has none: that its words are
//! away keeps somebody out until its giver says so again, and lets nobody in. Where retention took the words, the copy says
//! that, and by which entry. Where words are missing, the copy says them, or that they take nothing. Where there is no copy that opens, they may
//! take anything (`adr/0036-words-that-are-away-lift-no-block.md`). So they may where the row is gone with its hash: whoever set the store
//! back once has copies of what stood there then, and nothing tells such a one from the right one.

use std::collections::{BTreeMap, BTreeSet};

use ecluse_recordings::log::{Entry, Hash, leaf_hash};

use super::super::journal::leaves_digest;
use super::super::sql::{Conditions, Row, Tx, values};
use super::super::{Inner, Store, StoreError};
use super::codes::tells_of_codes;
use super::said::Said;
use super::watching::{Reader, leaf};
use crate::audit::AuditKind;
use crate::secrets::StoreKey;

const TABLE: &str = "entry_copies";
/// The detail of a gateway's start from which on each entry has a copy.
pub(in crate::store) const COPIES: &str = "copies";
/// What takes something from somebody, whether or not it gives something too; and what tells that words were taken away on
/// record, how gateways began and ended, and since when there are copies.
const KINDS: [AuditKind; 18] = [
    AuditKind::Lockout,
    AuditKind::Enrolment,
    AuditKind::EnrolmentDisabled,
    AuditKind::CredentialSet,
    AuditKind::Bound,
    AuditKind::DocumentChange,
    AuditKind::Reached,
    AuditKind::EntriesDestroyed,
    AuditKind::GatewayStart,
    AuditKind::GatewayStop,
    AuditKind::ServeCutShort,
    AuditKind::KeepOut,
    AuditKind::PostureHigh,
    AuditKind::PersonRefused,
    AuditKind::ClearanceEnded,
    // What lets in beside them: words that are away let nobody in, and need not keep anybody out.
    AuditKind::PeopleAccepted,
    AuditKind::KeepOutLifted,
    AuditKind::PostureNormal,
];

/// What only takes, whatever stood in its place indeed: believed of a copy that there is no hash to compare with.
const ONLY_TAKE: [AuditKind; 5] = [
    AuditKind::Lockout,
    AuditKind::KeepOut,
    AuditKind::PostureHigh,
    AuditKind::LogOnRefused,
    AuditKind::CodeRefused,
];

/// What is known of a place whose words are missing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Takes {
    /// Nobody looked yet.
    #[default]
    Unasked,
    /// It takes nothing.
    Nothing,
    /// There is no copy that is known to be of it: it may take anything.
    Unknown,
    /// Its words were destroyed by this entry, which is not known to say so: it may take anything.
    Destroyed(u64),
}

/// Stands behind the hash in the copy of an entry whose words were destroyed on record, before the place of the entry that says so;
/// no words begin so.
const DESTROYED: u8 = 0;

/// What a copy says.
pub(super) enum Copied {
    Nothing,
    Words(String),
    /// That they were destroyed, and by which entry.
    Destroyed(u64),
}

/// Keeps the copy of an entry that was just written. What stood in its place was put there by hand.
pub(in crate::store) async fn keep(
    tx: &mut Tx,
    key: &StoreKey,
    entry: &Entry,
    leaf: Hash,
    line: &str,
) -> Result<(), StoreError> {
    let mut copy = leaf.0.to_vec();
    let takes = KINDS.iter().any(|kind| kind.name() == entry.kind);
    if takes || tells_of_codes(&entry.kind, line) {
        copy.extend_from_slice(line.as_bytes());
    }
    put(tx, key, entry.seq, &copy).await
}

/// Keeps, where the copy of an entry stood, that its words were destroyed by another: who marks a row otherwise takes nothing of that,
/// and nobody waits for the words.
pub(in crate::store) async fn keep_destroyed(
    tx: &mut Tx,
    key: &StoreKey,
    (seq, leaf): (u64, Hash),
    by: u64,
) -> Result<(), StoreError> {
    let mut copy = leaf.0.to_vec();
    copy.push(DESTROYED);
    copy.extend_from_slice(&by.to_be_bytes());
    put(tx, key, seq, &copy).await
}

async fn put(tx: &mut Tx, key: &StoreKey, seq: u64, copy: &[u8]) -> Result<(), StoreError> {
    let sealed = key.seal(TABLE, &seq.to_string(), copy)?;
    let sql = "INSERT INTO entry_copies (seq, sealed) VALUES ($1, $2) \
               ON CONFLICT (seq) DO UPDATE SET sealed = excluded.sealed";
    tx.execute(sql, values![seq, sealed]).await?;
    Ok(())
}

/// Rows of destroyed words without a copy.
const UNMARKED: &str = "SELECT seq, destroyed_by FROM journal WHERE destroyed_by IS NOT NULL \
     AND NOT EXISTS (SELECT 1 FROM entry_copies WHERE entry_copies.seq = journal.seq)";

/// Of what an older program destroyed there is no copy: it gets the one that says so, as far as the log tells of it.
pub(in crate::store) async fn begin_destroyed(store: &Store) -> Result<(), StoreError> {
    if store.db().rows(UNMARKED, &[]).await?.is_empty() {
        return Ok(());
    }
    let mut change = store.write().await?;
    change.follow().await?;
    let mut unmarked: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    for row in &change.tx.rows(UNMARKED, values![]).await? {
        let by = unmarked.entry(row.count("destroyed_by")?).or_default();
        by.insert(row.count("seq")?);
    }
    for (by, unmarked) in unmarked {
        let mut reader = Reader::Tx(&mut change.tx);
        let taken = taken_by(&mut reader, &change.inner, by).await?;
        for place in taken.into_iter().flatten() {
            if unmarked.contains(&place.0) {
                keep_destroyed(&mut change.tx, &change.inner.key, place, by).await?;
            }
        }
    }
    change.commit(&[]).await
}

/// The places that are marked as destroyed by an entry, in order, with their hashes; none where they are not those that it tells of.
pub(super) async fn taken_by(
    reader: &mut Reader<'_>,
    inner: &Inner,
    by: u64,
) -> Result<Option<Vec<(u64, Hash)>>, StoreError> {
    let wanted = inner.said().destructions.get(&by).cloned();
    let Some(removal) = wanted else {
        return Ok(None);
    };
    let sql = "SELECT seq, leaf FROM journal WHERE destroyed_by = $1 ORDER BY seq";
    let rows = reader.rows(sql, values![by]).await?;
    if rows.len() as u64 != removal.entries || leaves_digest(&rows)? != removal.leaves {
        return Ok(None);
    }
    let place = |row: &Row| Ok((row.count("seq")?, leaf(row)?));
    rows.iter().map(place).collect::<Result<_, _>>().map(Some)
}

/// What the copy of a place says, if it is of the entry with this hash, as far as that is known.
pub(super) fn opened(
    key: &StoreKey,
    seq: u64,
    leaf: Option<Hash>,
    sealed: &[u8],
) -> Option<Copied> {
    let copy = key.open(TABLE, &seq.to_string(), sealed).ok()?;
    let (hash, words) = copy.split_first_chunk::<32>()?;
    if leaf.is_some_and(|leaf| leaf.0 != *hash) {
        return None;
    }
    if words.is_empty() {
        return Some(Copied::Nothing);
    }
    if let Some((&DESTROYED, by)) = words.split_first() {
        let by = by.try_into().ok()?;
        return Some(Copied::Destroyed(u64::from_be_bytes(by)));
    }
    let words = String::from_utf8(words.to_vec()).ok()?;
    (leaf_hash(words.as_bytes()).0 == *hash).then_some(Copied::Words(words))
}

/// Asks the copies what stood where words are missing, as far as that is not known.
pub(super) async fn look(reader: &mut Reader<'_>, inner: &Inner) -> Result<(), StoreError> {
    let mut asked = Takes::Unasked;
    loop {
        let places = inner.said().missing.uncopied(asked);
        // Those that had none are asked again, some at each look.
        match (places.is_empty(), asked) {
            (true, Takes::Unasked) => {
                believe_removals(reader, inner).await?;
                asked = Takes::Unknown;
                continue;
            }
            (true, Takes::Nothing | Takes::Unknown | Takes::Destroyed(_)) => return Ok(()),
            (false, _) => {}
        }
        let mut conditions = Conditions::default();
        conditions.and_in("seq", places.iter().copied());
        let (sql, values) = conditions.statement("SELECT seq, sealed FROM entry_copies", "");
        let rows = reader.rows(sql, values).await?;
        {
            let mut said = inner.said();
            for seq in places {
                said.missing.copied(seq, Takes::Unknown);
            }
            for row in &rows {
                let (seq, sealed) = (row.count("seq")?, row.bytes("sealed")?);
                let leaf = said.missing.leaf(seq).flatten();
                match opened(&inner.key, seq, leaf, &sealed) {
                    Some(Copied::Nothing) if leaf.is_some() => {
                        said.missing.copied(seq, Takes::Nothing)
                    }
                    Some(Copied::Words(line)) => said.copy(seq, leaf, &line),
                    Some(Copied::Destroyed(by)) if leaf.is_some() => {
                        said.missing.copied(seq, Takes::Destroyed(by));
                    }
                    Some(Copied::Nothing | Copied::Destroyed(_)) | None => {}
                }
            }
        }
        if asked == Takes::Unknown {
            return believe_removals(reader, inner).await;
        }
    }
}

/// Of the places whose copies say that they were destroyed, those are not missing that the entry which they name reaches: a removal
/// that is in this log. The copy of another timeline may name any entry.
async fn believe_removals(reader: &mut Reader<'_>, inner: &Inner) -> Result<(), StoreError> {
    let named: Vec<(u64, u64, u64)> = {
        let said = inner.said();
        let named = said.missing.said_destroyed().into_iter();
        let named = named.filter_map(|(seq, by)| {
            let removal = said.destructions.get(&by)?;
            (seq < by && seq <= removal.up_to).then_some((seq, by, removal.entries))
        });
        named.collect()
    };
    let removals: BTreeSet<u64> = named.iter().map(|(_, by, _)| *by).collect();
    for by in removals {
        if let Some(places) = taken_by(reader, inner, by).await? {
            let places = places.into_iter().map(|(seq, _)| seq).collect();
            inner.said().missing.settle(by, Some(places));
        }
    }
    let mut said = inner.said();
    for (seq, by, entries) in named {
        said.missing.was_destroyed(seq, by, entries);
    }
    Ok(())
}

impl Said {
    /// Takes in the words of an entry by its copy: as far as rights go, they are known. They are missing in the log all the same. Where no
    /// hash stands there any more, only what takes is taken in, and the place may have taken anything else.
    fn copy(&mut self, seq: u64, leaf: Option<Hash>, line: &str) {
        if self.missing.unknown_leaf(seq).is_none() {
            // They were read before.
            return;
        }
        let is_first = self.was_first(seq, leaf_hash(line.as_bytes()));
        if let Ok(entry) = Entry::parse(line.as_bytes())
            && is_first
            && entry.seq == seq
        {
            if leaf.is_some() {
                self.missing.is_known(seq);
            } else if !ONLY_TAKE.iter().any(|kind| kind.name() == entry.kind) {
                return;
            }
            self.fold(seq, &entry, line.contains("salted-sha256\""), true);
        }
    }

    /// Whether the end of a gateway may be among what is missing after a place.
    pub(super) fn may_end_after(&self, seq: u64) -> bool {
        self.is_cut_off() || self.missing.unknown_after(seq).is_some()
    }

    /// A place after another one whose words are missing and may take anything away.
    pub(super) fn may_be_taken_after(&self, seq: u64) -> Option<u64> {
        let since = self.copies_since.filter(|_| !self.is_strict)?;
        self.missing.unknown_after(seq.max(since.saturating_sub(1)))
    }
}
