//! A code in the middle of things: for acts that give somebody more than they had (A6). Policy says whether the one of this
//! connection is fresh enough; here another is looked at, counted and used up as at the door.

use ecluse_policy::{CodeOutcome, LoginRefusal};

use super::put_on_record;
use crate::actor::Actor;
use crate::audit::AuditKind;
use crate::clock;
use crate::gateway::Gateway;
use crate::store::{Claim, StoreError};

/// Looks at a code that somebody gives for an act.
pub(crate) async fn prove(
    house: &Gateway,
    by: &Actor,
    act: &str,
    code: &str,
) -> Result<CodeOutcome, StoreError> {
    let now = clock::agreed();
    let claim = Claim {
        person: by.person().as_str(),
        source: by.origin.source().ip(),
        at: now,
        rules: house.settings.authentication.lockout,
        elsewhere: false,
    };
    let record = by.record(AuditKind::CodeRefused, now).detail("act", act);
    let store = house.store_for(by.authenticated.role());
    let judged = store
        .judge_code(&claim, by.person(), code, record.clone())
        .await?;
    let mut outcome = judged.outcome;
    if let Some(step) = judged.step {
        let record = record.clone().kind(AuditKind::CodeProven).permitted();
        if !store.use_code(by.person(), step, record).await? {
            // It was given for something else at the same moment.
            outcome = CodeOutcome::Again;
        }
    }
    if outcome != CodeOutcome::Accepted && !outcome.counts_as_guess() {
        // What counts was written with its count.
        let record = record.refused().reason(LoginRefusal::Code(outcome));
        put_on_record(house, by, record).await?;
    }
    by.code_judged(outcome, now);
    Ok(outcome)
}
