//! What other operators did by hand to sessions (X3).

use ecluse_policy::ClientId;
use ecluse_policy::extraction::Hand;
use serde::{Deserialize, Serialize};

use super::since::{ended_since, ends_since};
use super::{Alert, Since, Told, all_of, count, text};
use crate::actor::Actor;
use crate::audit::{AuditKind, AuditRecord};
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

/// What ends that anything is to be done about it.
const ENDS: &[AuditKind] = &[
    AuditKind::Resume,
    AuditKind::SessionEnd,
    AuditKind::SessionOutlived,
];

/// Whether what was done waits no longer since something: the session is over; and what was answered waits for whoever lets the
/// session go on.
fn is_over(done: &AuditRecord, since: &AuditRecord) -> bool {
    let resumed = since.kind == AuditKind::Resume;
    ended_since(done, since) && (!resumed || done.kind == AuditKind::Answer)
}

/// Whether a budget holds a session that is in passage here.
fn by_budget(house: &Gateway, number: u64) -> bool {
    let mut live = house.live.all().into_iter();
    let session = live.find(|session| session.facts().number == number);
    session.is_some_and(|session| session.held().borrow().by_budget())
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
    let ends = ends_since(house, client, ENDS, &found).await?;
    let told = found.into_iter().filter_map(|record| {
        let session = count(&record, "number").unwrap_or_default();
        let over = ends.iter().any(|end| is_over(&record, end));
        let laid = match hands::read(&record)? {
            Entry::Hand(laid) => laid,
            Entry::Answer { to: _, words } => {
                let told = Told::Answered {
                    question: text(&record, ASKED),
                    answer: words,
                    person: record.person.unwrap_or_default(),
                    target: record.target,
                    session,
                    budget: by_budget(house, session),
                    over,
                };
                return Some(Alert {
                    at: record.at,
                    told,
                });
            }
            // None of the kinds that were looked for.
            Entry::Waits(_) | Entry::Says { .. } => return None,
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
            over,
        };
        Some(Alert {
            at: record.at,
            told,
        })
    });
    Ok(told.collect())
}

#[cfg(test)]
mod tests {
    use ecluse_policy::{SessionId, Timestamp};
    use uuid::Uuid;

    use super::*;

    /// N1: nobody is asked to let go on what goes on, or to cut what is over.
    #[test]
    fn n1_an_answer_waits_until_its_session_goes_on_or_is_over() {
        let record = |kind, minutes: i64, session| {
            AuditRecord::new(kind, Timestamp::from_micros(minutes * 60_000_000))
                .session(SessionId::from_uuid(Uuid::from_u128(session)))
        };
        for (done, since, over) in [
            (AuditKind::Answer, record(AuditKind::Resume, 6, 1), true),
            (AuditKind::Answer, record(AuditKind::Resume, 6, 2), false),
            (AuditKind::Answer, record(AuditKind::Resume, 4, 1), false),
            (AuditKind::Answer, record(AuditKind::SessionEnd, 6, 1), true),
            (AuditKind::Hold, record(AuditKind::Resume, 6, 1), false),
            (AuditKind::Hold, record(AuditKind::SessionEnd, 6, 1), true),
        ] {
            let done = record(done, 5, 1);
            assert_eq!(is_over(&done, &since), over, "{done:?} {since:?}");
        }
    }
}
