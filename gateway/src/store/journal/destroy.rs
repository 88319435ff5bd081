//! Taking words out of the journal at the end of their time (R7, O9), a client's or nobody's, and saying so in it.
//!
//! The leaves stay, so that the log still proves everything else; the words go, here and in the audit trail. The entry
//! that says so names how many and the digest over their leaves, so that nobody can take away more under its cover.
//! Whether something may be removed at all, [`ecluse_policy::retention`] decides.

use std::collections::BTreeSet;

use ecluse_policy::{ClientId, Timestamp};
use ecluse_recordings::evidence::manifest::sha256_hex;
use ecluse_recordings::log::Entry;

use super::super::sql::{Row, values};
use super::super::{Store, StoreError, bound};
use super::hash;
use crate::audit::{AuditKind, AuditRecord, USES_TOLD};

/// What is to be destroyed, for whom, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destruction {
    /// Whose words; without a client, those that concern none.
    pub client: Option<ClientId>,
    /// Whether the client's document is in force: then the entries that tell of it stay.
    pub in_force: bool,
    /// Only of what happened before this time.
    pub before: Timestamp,
    /// When it is done.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// Why, such as the rule and the day since when it is due.
    pub why: String,
}

/// What was destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Destroyed {
    /// The entry that says so.
    pub seq: u64,
    /// How many entries lost their words.
    pub entries: u64,
    /// How many sessions were removed.
    pub sessions: u64,
    /// How many interventions were removed.
    pub interventions: u64,
}

/// What says that something was destroyed is never destroyed, nor what the journal's own proof rests on.
const KEPT: [AuditKind; 5] = [
    AuditKind::BindingsBegin,
    AuditKind::RecordingDestroyed,
    AuditKind::EntriesDestroyed,
    AuditKind::KeyMade,
    AuditKind::JournalStart,
];
/// What tells of documents, and of whom their clients let in beside them.
const OF_DOCUMENTS: [AuditKind; 9] = [
    AuditKind::DocumentChange,
    AuditKind::Reached,
    AuditKind::KeepOut,
    AuditKind::KeepOutLifted,
    AuditKind::PostureHigh,
    AuditKind::PostureNormal,
    AuditKind::PeopleAccepted,
    AuditKind::PersonRefused,
    AuditKind::ClearanceEnded,
];
/// Stands in `destructions` for no client; no client's id is empty.
const NOBODY: &str = "";

/// The interventions of a client ($1) that stay at a time ($2): those that may still be used, those that came to their end
/// since, and those with a session that stays: one that went on after its end was on record ended when that was told. An intervention and its sessions stay or go together, with their entries, so
/// that what is kept of them is kept whole.
macro_rules! kept {
    () => {
        "(SELECT id FROM interventions WHERE client = $1 \
           AND (requested_at >= $2 OR state IN ('requested', 'approved', 'open')) \
         UNION SELECT intervention AS id FROM audit WHERE client = $1 AND at >= $2 AND intervention IS NOT NULL \
           AND kind IN ('request', 'seen', 'approval', 'refusal', 'cancel', 'expiry', 'opening', 'closing', \
             'session-outlived') \
         UNION SELECT intervention AS id FROM sessions WHERE client = $1 AND (ended_at IS NULL OR ended_at >= $2))"
    };
}

/// Where the log comes to a time ($2): most of the entries up to there are earlier, and most of those after it are not. One that
/// is dated falsely loses its words when those around it do, and makes nothing of them go.
macro_rules! come_to {
    () => {
        "(SELECT COALESCE(MAX(seq), 0) FROM (SELECT seq FROM (SELECT seq, \
           SUM(CASE WHEN at < $2 THEN 1 ELSE -1 END) OVER (ORDER BY seq) AS score FROM audit) AS scores \
         WHERE score > 0 ORDER BY score DESC, seq LIMIT 1) AS place)"
    };
}

/// Entries whose time came, as the index has them.
const DOOMED: &str = concat!(
    "SELECT journal.seq AS seq, journal.leaf AS leaf, journal.entry AS entry \
     FROM audit JOIN journal ON journal.seq = audit.seq \
     WHERE COALESCE(audit.client, '') = $1 AND audit.at < $2 AND journal.entry IS NOT NULL \
     AND (audit.session IS NULL OR audit.session NOT IN \
       (SELECT id FROM sessions WHERE client = $1 AND intervention IN ",
    kept!(),
    ")) AND (audit.intervention IS NULL OR audit.intervention NOT IN ",
    kept!(),
    ") AND journal.seq <= ",
    come_to!(),
    " ORDER BY journal.seq"
);
const INTERVENTIONS_GO: &str = concat!(
    "DELETE FROM interventions WHERE client = $1 AND requested_at < $2 AND id NOT IN ",
    kept!()
);
const SESSIONS_GO: &str = concat!(
    "DELETE FROM sessions WHERE client = $1 AND ended_at < $2 AND intervention NOT IN ",
    kept!()
);

/// Interventions and sessions whose words stay.
const STAYING: &str = concat!(
    "SELECT id FROM ",
    kept!(),
    " AS staying UNION SELECT id FROM sessions WHERE client = $1 AND intervention IN ",
    kept!()
);

/// Whether an entry is among those to be destroyed, by what it says itself: under a client's retention nobody else's
/// words go, nor those of what stays, whatever the index was made to say.
fn is_doomed(line: &str, destruction: &Destruction, staying: &BTreeSet<String>) -> bool {
    let Destruction {
        client,
        in_force,
        before,
        ..
    } = destruction;
    let is_kept = |kind: &str| {
        KEPT.iter().any(|kept| kept.name() == kind)
            // What tells of documents that still are in force.
            || ((*in_force || client.is_none())
                && OF_DOCUMENTS.iter().any(|one| one.name() == kind))
    };
    Entry::parse(line.as_bytes()).is_ok_and(|entry| {
        entry.client.as_deref() == client.as_ref().map(ClientId::as_str)
            && entry.at_us < before.as_micros()
            && !is_kept(&entry.kind)
            && ![&entry.intervention, &entry.session]
                .into_iter()
                .flatten()
                .any(|of| staying.contains(of))
    })
}

/// The ids that [`STAYING`] found, as entries write them.
fn staying(rows: &[Row]) -> Result<BTreeSet<String>, StoreError> {
    rows.iter()
        .map(|row| Ok(row.id("id")?.to_string()))
        .collect()
}

impl Store {
    /// Destroys the words of a client's entries, and its sessions and interventions that are over, with a record of it; or
    /// the words of entries that concern no client. None where there is nothing to destroy.
    ///
    /// # Errors
    /// The store failed; nothing is destroyed.
    pub async fn destroy_client_entries(
        &self,
        destruction: &Destruction,
    ) -> Result<Option<Destroyed>, StoreError> {
        let Destruction {
            client,
            in_force: _,
            before,
            at,
            by,
            why,
        } = destruction;
        let client_id = client.as_ref().map_or(NOBODY, ClientId::as_str);
        let mut change = self.write().await?;
        let rows = change.tx.rows(DOOMED, values![client_id, *before]).await?;
        let kept = values![client_id, *before];
        let kept = staying(&change.tx.rows(STAYING, kept).await?)?;
        let doomed = doomed(rows, destruction, &kept)?;
        let Some(last) = doomed.last() else {
            return Ok(None);
        };
        let up_to = last.count("seq")?;
        let entries = doomed.len() as u64;
        let record = AuditRecord::new(AuditKind::EntriesDestroyed, *at)
            .claimed(by)
            .reason(why)
            .detail("entries", entries)
            .detail("before", before.to_string())
            .detail("up-to", up_to)
            .detail("leaves-sha256", leaves_digest(&doomed)?)
            .detail(USES_TOLD, true);
        let record = match client {
            Some(client) => record.client(client),
            None => record,
        };
        let places = doomed
            .iter()
            .map(|row| row.count("seq"))
            .collect::<Result<_, _>>()?;
        let mut again = bound::put_in_force_again(&mut change, &places, *at).await?;
        again.extend(bound::uses_again(&change, &places, *at));
        again.extend(bound::secrets_again(&change, &places, *at));
        let record = bound::telling_of_secrets(&mut change, record).await?;
        let seq = change.append(&record).await?;
        let sql = "INSERT INTO destructions (seq, client, up_to, at) VALUES ($1, $2, $3, $4)";
        let values = values![seq, client_id, up_to, *at];
        change.tx.execute(sql, values).await?;
        for row in &doomed {
            let sql = "UPDATE journal SET entry = NULL, destroyed_by = $2 WHERE seq = $1";
            change
                .tx
                .execute(sql, values![row.count("seq")?, seq])
                .await?;
            let place = (row.count("seq")?, hash(row, "leaf")?);
            let key = &change.inner.key;
            bound::keep_destroyed(&mut change.tx, key, place, seq).await?;
        }
        let sql = "UPDATE audit SET person = NULL, target = NULL, intervention = NULL, session = NULL \
                   WHERE seq IN (SELECT seq FROM journal WHERE destroyed_by = $1)";
        change.tx.execute(sql, values![seq]).await?;
        let sessions = values![client_id, *before];
        let sessions = change.tx.execute(SESSIONS_GO, sessions).await?;
        let interventions = values![client_id, *before];
        let interventions = change.tx.execute(INTERVENTIONS_GO, interventions).await?;
        let sql = "DELETE FROM host_key_alerts WHERE client = $1 AND at < $2";
        change.tx.execute(sql, values![client_id, *before]).await?;
        // Texts that are in force no more, and that no session left rests on, go with their salts.
        if let Some(client) = client {
            let sql = "DELETE FROM document_texts WHERE owner = $1 \
                       AND version IN (SELECT version FROM document_versions WHERE applied_at < $2) \
                       AND version NOT IN (SELECT documents FROM sessions WHERE client = $3) \
                       AND salt NOT IN (SELECT salt FROM document_texts WHERE owner = $1 AND salt IS NOT NULL \
                       AND version = (SELECT MAX(version) FROM document_versions))";
            let owner = format!("client {client}");
            change
                .tx
                .execute(sql, values![owner, *before, client_id])
                .await?;
        }
        change.commit(again.as_slice()).await?;
        Ok(Some(Destroyed {
            seq,
            entries,
            sessions,
            interventions,
        }))
    }
}

/// Those of the rows that a destruction takes the words of.
fn doomed(
    mut rows: Vec<Row>,
    destruction: &Destruction,
    staying: &BTreeSet<String>,
) -> Result<Vec<Row>, StoreError> {
    let mut read = Ok(());
    rows.retain(|row| match row.text("entry") {
        Ok(line) => is_doomed(&line, destruction, staying),
        Err(error) => {
            read = Err(error);
            false
        }
    });
    read?;
    Ok(rows)
}

impl Store {
    /// Whether a destruction would take any words.
    ///
    /// # Errors
    /// The store failed.
    pub async fn would_destroy(&self, destruction: &Destruction) -> Result<bool, StoreError> {
        let client = destruction.client.as_ref().map_or(NOBODY, ClientId::as_str);
        let values = values![client, destruction.before];
        let rows = self.db().rows(DOOMED, values).await?;
        let kept = values![client, destruction.before];
        let kept = staying(&self.db().rows(STAYING, kept).await?)?;
        Ok(!doomed(rows, destruction, &kept)?.is_empty())
    }

    /// Every client that the journal tells of.
    ///
    /// # Errors
    /// The store failed.
    pub async fn clients_on_record(&self) -> Result<BTreeSet<ClientId>, StoreError> {
        let sql = "SELECT client FROM sessions UNION SELECT client FROM interventions \
                   UNION SELECT client FROM audit WHERE client IS NOT NULL";
        let rows = self.db().rows(sql, values![]).await?;
        rows.iter()
            .map(|row| row.parsed("client", ClientId::parse))
            .collect()
    }
}

/// SHA-256 over a line `SEQ LEAF` for each entry, in order; what [`super::verify`] computes again.
pub(super) fn digest_of_leaves(lines: &str) -> String {
    sha256_hex(lines.as_bytes())
}

pub(in crate::store) fn leaves_digest(rows: &[Row]) -> Result<String, StoreError> {
    let mut lines = String::new();
    for row in rows {
        lines.push_str(&leaf_line(row.count("seq")?, &hash(row, "leaf")?));
    }
    Ok(digest_of_leaves(&lines))
}

pub(super) fn leaf_line(seq: u64, leaf: &ecluse_recordings::log::Hash) -> String {
    format!("{seq} {leaf}\n")
}
