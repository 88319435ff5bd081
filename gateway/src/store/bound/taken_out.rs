//! The last text of a client that no document names any more, and since when, as the log has both: by them retention knows
//! until when to keep what there is of it.

use ecluse_policy::{ClientId, Timestamp};

use super::super::sql::values;
use super::super::{AuditQuery, Store, StoreError};
use super::documents::{digest, document_text};
use crate::audit::AuditKind;

/// What is known of the document of a client that left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LastText {
    /// The text that the log has the digest of, and when it was taken out of force.
    Known {
        /// Its file.
        file: String,
        /// Its words.
        text: String,
        /// Since when it is in force no more.
        out: Timestamp,
    },
    /// The log tells of another text than the store has, or of none.
    Lost,
    /// No entry with words tells of it: it was taken out before there were digests, with this version at the latest; or,
    /// without one, those entries were removed under retention.
    Untold {
        /// The last version before there were digests.
        up_to: Option<u64>,
    },
}

impl Store {
    /// What is known of the last document of a client that no document in force names.
    ///
    /// # Errors
    /// The store failed.
    pub async fn last_text(&self, client: &ClientId) -> Result<LastText, StoreError> {
        self.follow().await?;
        let owner = format!("client {client}");
        let (said, tells, old) = {
            let said = self.said();
            let out = said.taken_out(&owner);
            let out = out.map(|(digest, out)| (digest.to_owned(), out));
            (out, said.tells_of(&owner), said.old_version())
        };
        let Some((wanted, out)) = said else {
            let removed = AuditQuery {
                client: Some(client.clone()),
                kinds: vec![AuditKind::EntriesDestroyed],
                limit: Some(1),
                ..AuditQuery::default()
            };
            return Ok(match (self.audit(&removed).await?.is_empty(), tells) {
                (false, _) => LastText::Untold { up_to: None },
                (true, false) if old > 0 => LastText::Untold { up_to: Some(old) },
                (true, false | true) => LastText::Lost,
            });
        };
        let sql = "SELECT file, text, salt, owner FROM document_texts WHERE owner = $1 ORDER BY version DESC";
        for row in &self.db().rows(sql, values![&owner]).await? {
            let found = document_text(row)?;
            if digest(&found) == wanted {
                return Ok(LastText::Known {
                    file: found.file,
                    text: found.text,
                    out: Timestamp::from_micros(out),
                });
            }
        }
        Ok(LastText::Lost)
    }
}
