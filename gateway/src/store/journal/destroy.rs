//! Taking a client's words out of the journal at the end of its service (R7, O9), and saying so in it.
//!
//! The leaves stay, so that the log still proves everything else; the words go, here and in the audit trail. The entry
//! that says so names how many and the digest over their leaves, so that nobody can take away more under its cover.
//! Whether something may be removed at all, [`ecluse_policy::retention`] decides.

use ecluse_policy::{ClientId, Timestamp};
use ecluse_recordings::evidence::manifest::sha256_hex;

use super::super::sql::{Row, values};
use super::super::{Store, StoreError, bound};
use super::hash;
use crate::audit::{AuditKind, AuditRecord};

/// What is to be destroyed, for whom, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destruction {
    /// Whose words.
    pub client: ClientId,
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

/// What says that something was destroyed is never destroyed.
const KEPT: &str = "('recording-destroyed', 'entries-destroyed')";

impl Store {
    /// Destroys the words of a client's entries, and its sessions and interventions that are over, with a record of it;
    /// none where there is nothing to destroy.
    ///
    /// # Errors
    /// The store failed; nothing is destroyed.
    pub async fn destroy_client_entries(
        &self,
        destruction: &Destruction,
    ) -> Result<Option<Destroyed>, StoreError> {
        let Destruction {
            client,
            before,
            at,
            by,
            why,
        } = destruction;
        let client_id = client.as_str();
        let mut change = self.write().await?;
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT journal.seq AS seq, journal.leaf AS leaf FROM audit JOIN journal ON journal.seq = audit.seq \
             WHERE audit.client = $1 AND audit.at < $2 AND journal.entry IS NOT NULL AND audit.kind NOT IN {KEPT} \
             ORDER BY journal.seq"
        ));
        let doomed = change.tx.rows(sql, values![client_id, *before]).await?;
        let Some(last) = doomed.last() else {
            return Ok(None);
        };
        let up_to = last.count("seq")?;
        let entries = doomed.len() as u64;
        let record = AuditRecord::new(AuditKind::EntriesDestroyed, *at)
            .claimed(by)
            .client(client)
            .reason(why)
            .detail("entries", entries)
            .detail("before", before.to_string())
            .detail("up-to", up_to)
            .detail("leaves-sha256", leaves_digest(&doomed)?);
        let places = doomed
            .iter()
            .map(|row| row.count("seq"))
            .collect::<Result<_, _>>()?;
        let again = bound::put_in_force_again(&mut change, client, &places, *at).await?;
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
        }
        let sql = "UPDATE audit SET person = NULL, station = NULL, source = NULL, terminal = NULL, target = NULL, \
                   intervention = NULL, session = NULL, verdict = NULL, reason = NULL, detail = '{}' \
                   WHERE seq IN (SELECT seq FROM journal WHERE destroyed_by = $1)";
        change.tx.execute(sql, values![seq]).await?;
        let sql = "DELETE FROM sessions WHERE client = $1 AND ended_at < $2";
        let sessions = change.tx.execute(sql, values![client_id, *before]).await?;
        let sql = "DELETE FROM interventions WHERE client = $1 AND requested_at < $2 \
                   AND state NOT IN ('requested', 'approved', 'open')";
        let interventions = change.tx.execute(sql, values![client_id, *before]).await?;
        let sql = "DELETE FROM host_key_alerts WHERE client = $1 AND at < $2";
        change.tx.execute(sql, values![client_id, *before]).await?;
        // Texts that are in force no more go with their salts.
        let sql = "DELETE FROM document_texts WHERE owner = $1 \
                   AND version IN (SELECT version FROM document_versions WHERE applied_at < $2) \
                   AND salt NOT IN (SELECT salt FROM document_texts WHERE owner = $1 AND salt IS NOT NULL \
                   AND version = (SELECT MAX(version) FROM document_versions))";
        let owner = format!("client {client}");
        change.tx.execute(sql, values![owner, *before]).await?;
        change.commit(again.as_slice()).await?;
        Ok(Some(Destroyed {
            seq,
            entries,
            sessions,
            interventions,
        }))
    }
}

/// SHA-256 over a line `SEQ LEAF` for each entry, in order; what [`super::verify`] computes again.
pub(super) fn digest_of_leaves(lines: &str) -> String {
    sha256_hex(lines.as_bytes())
}

fn leaves_digest(rows: &[Row]) -> Result<String, StoreError> {
    let mut lines = String::new();
    for row in rows {
        lines.push_str(&leaf_line(row.count("seq")?, &hash(row, "leaf")?));
    }
    Ok(digest_of_leaves(&lines))
}

pub(super) fn leaf_line(seq: u64, leaf: &ecluse_recordings::log::Hash) -> String {
    format!("{seq} {leaf}\n")
}
