//! What other operators did by hand to sessions (X3).

use ecluse_policy::ClientId;
use ecluse_policy::extraction::Hand;
use serde::{Deserialize, Serialize};

use super::{Alert, Since, Told, all_of, count, text};
use crate::actor::Actor;
use crate::audit::AuditKind;
use crate::gateway::Gateway;
use crate::live::hands::{self, ASKED, Entry};
use crate::store::StoreError;

/// What an operator did by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum HandAct {
    /// They held it.
    Hold,
    /// They asked its technician something.
    Ask,
    /// They let it go on.
    Resume,
    /// They slowed it. **Unit**: bytes a second.
    Slow(u64),
    /// They slow it no more.
    FullSpeed,
}

/// What others than this operator did by hand to sessions, and what technicians answered to whoever asked.
pub(super) async fn by_hand(
    house: &Gateway,
    by: &Actor,
    client: &ClientId,
    since: Since,
) -> Result<Vec<Alert>, StoreError> {
    const HANDS: &[AuditKind] = &[
        AuditKind::Hold,
        AuditKind::Resume,
        AuditKind::Slow,
        AuditKind::Question,
        AuditKind::Answer,
    ];
    let mut found = all_of(house, client, HANDS, since).await?;
    found.retain(|record| record.person.as_deref() != Some(by.person().as_str()));
    let told = found.into_iter().filter_map(|record| {
        let session = count(&record, "number").unwrap_or_default();
        let laid = match hands::read(&record)? {
            Entry::Hand(laid) => laid,
            Entry::Answer { to: _, words } => {
                let told = Told::Answered {
                    question: text(&record, ASKED),
                    answer: words,
                    person: record.person.unwrap_or_default(),
                    target: record.target,
                    session,
                };
                return Some(Alert {
                    at: record.at,
                    told,
                });
            }
        };
        let act = match &laid.hand {
            Hand::Hold { .. } => HandAct::Hold,
            Hand::Ask { .. } => HandAct::Ask,
            Hand::Resume => HandAct::Resume,
            Hand::Slow { rate: None } => HandAct::FullSpeed,
            Hand::Slow { rate: Some(rate) } => HandAct::Slow(rate.as_u64()),
        };
        let told = Told::Hand {
            by: laid.by.to_string(),
            person: text(&record, "technician"),
            session,
            act,
            reason: record.reason,
            target: record.target,
        };
        Some(Alert {
            at: record.at,
            told,
        })
    });
    Ok(told.collect())
}
