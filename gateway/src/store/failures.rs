//! Failed logins, counted by person and by source, and the judgement of a one-time code.
//!
//! Policy says from how many failures somebody is blocked and for how long; the counting and the judgement
//! are one change here, so that twenty guesses at once are judged one after the other and the fourth finds
//! the block that the third brought about (A6). What counts as a guess is policy's to say; a code of somebody whose keys are not
//! proven is none, and is not looked at.
//!
//! Each try that counts is an entry, and so is a block that began, with until when. No table has them: nothing that is put into
//! the store blocks anybody, and nothing that is taken out of it gives more tries. A block is lifted by its end, by whoever may lift
//! it, on record, or by a new enrolment; what a person's tries count up to, by a code that was accepted too.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ecluse_policy::lockout as policy;
use ecluse_policy::{CodeOutcome, LockoutRule, PersonId, Timestamp};
use serde_json::{Map, Value as Json};

use super::bound::Said;
use super::enrolments::{Held, Usable};
use super::{Store, StoreError, Writing, enrolments, remembered};
use crate::audit::{AuditKind, AuditRecord, COUNTED};
use crate::identity::totp;
use crate::settings::LockoutRules;

/// Longest claimed name that is counted, in characters; what follows makes no difference.
const LONGEST_CLAIM: usize = 64;
/// What a subject begins with that is a person's name, or an address.
const PERSON: &str = "person:";
const SOURCE: &str = "source:";
/// The detail of an entry that somebody is blocked: until when, by whom it is counted under.
pub(super) const BLOCKS: &str = "blocks";

/// Somebody who tries to log in, as far as failures are counted.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'c> {
    /// Who they claim to be; any text.
    pub person: &'c str,
    /// Where from.
    pub source: IpAddr,
    /// When.
    pub at: Timestamp,
    /// How many failures block, and for how long.
    pub rules: LockoutRules,
    /// Whether they sit where they may not work. A failure counts against the person alone then: whoever shares the address reads
    /// by the tries that they have left themselves how many of another's codes were wrong.
    pub elsewhere: bool,
}

impl Claim<'_> {
    fn since(&self) -> Timestamp {
        self.rules.since(self.at)
    }
}

impl LockoutRules {
    /// Failures before this time matter to no rule: those that block together lie within one `block`, and
    /// the block they begin lasts another.
    fn since(self, at: Timestamp) -> Timestamp {
        let longest = self.person.block.max(self.source.block);
        at.minus(longest).minus(longest)
    }
}

/// A block in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Whose.
    pub of: Blocked,
    /// Until when, excluded.
    pub until: Timestamp,
}

/// Who is blocked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blocked {
    /// Somebody, by the name they claimed.
    Person(String),
    /// Everybody who comes from an address.
    Source(IpAddr),
}

impl Store {
    /// Until when a claimed person or their source is blocked, if either is.
    ///
    /// # Errors
    /// The store failed.
    pub async fn blocked_until(&self, claim: &Claim<'_>) -> Result<Option<Timestamp>, StoreError> {
        self.follow().await?;
        Ok(blocks_of(&self.said(), claim).into_values().max())
    }

    /// How many wrong codes more block a claimed person or their source, whichever comes first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn tries_left(&self, claim: &Claim<'_>) -> Result<u32, StoreError> {
        self.follow().await?;
        let said = self.said();
        if !blocks_of(&said, claim).is_empty() {
            return Ok(0);
        }
        let left = subjects(claim).into_iter().map(|(subject, rule)| {
            policy::tries_left(&said.tries(&subject, claim.since()), rule, claim.at)
        });
        Ok(left.min().unwrap_or_default())
    }

    /// Everybody and every address blocked at `at`, by name, with the end of the block.
    ///
    /// # Errors
    /// The store failed.
    pub async fn blocks(&self, at: Timestamp) -> Result<Vec<Block>, StoreError> {
        self.follow().await?;
        let blocks = self.said().blocks(at);
        let blocks = blocks.into_iter().filter_map(|(subject, until)| {
            let of = match subject.strip_prefix(PERSON) {
                Some(person) => Blocked::Person(person.to_owned()),
                None => Blocked::Source(subject.strip_prefix(SOURCE)?.parse().ok()?),
            };
            Some(Block { of, until })
        });
        Ok(blocks.collect())
    }

    /// Counts a failure against the claimed person and the source, and returns until when that blocks them.
    ///
    /// `record` says what was refused, to whom, from where and why; it is written, and once more as a lockout when
    /// this failure begins a block.
    ///
    /// # Errors
    /// The store failed; nothing is counted.
    pub async fn count_failure(
        &self,
        claim: &Claim<'_>,
        known: Option<&PersonId>,
        record: AuditRecord,
    ) -> Result<Option<Timestamp>, StoreError> {
        let mut change = self.write().await?;
        let (until, records) = count(&mut change, claim, known, record).await?;
        change.commit(&records).await?;
        Ok(until)
    }

    /// Judges a one-time code, in one change: is the claimant blocked, is it the right code, was it used before; then
    /// counts a failure.
    ///
    /// `person` is the claimed one, whose keys are proven: of nobody else is a code looked at. `record` says what is refused, to whom and from where; a refusal is written to the audit trail from it,
    /// with its reason, and so is a block that begins. An accepted code writes nothing and is not used up yet: that is one change
    /// with the record of what it was given for ([`log_on`](Store::log_on), [`use_code`](Store::use_code)). Nor does what is refused
    /// without being counted.
    ///
    /// # Errors
    /// The store failed; nothing is counted, and the code is not accepted.
    pub async fn judge_code(
        &self,
        claim: &Claim<'_>,
        person: &PersonId,
        code: &str,
        record: AuditRecord,
    ) -> Result<Judged, StoreError> {
        let mut change = self.write().await?;
        change.follow().await?;
        let block = blocks_of(&change.inner.said(), claim).into_values().max();
        if let Some(until) = block {
            change.commit(&[]).await?;
            return Ok(CodeOutcome::Blocked { until }.into());
        }
        let judged = judge(&mut change, person, code, claim.at).await?;
        let reason = match judged.outcome {
            // Not written here: nothing bounds how often it is repeated, and the door counts what is.
            CodeOutcome::Accepted
            | CodeOutcome::Empty
            | CodeOutcome::Shapeless
            | CodeOutcome::Again
            | CodeOutcome::Blocked { .. } => {
                change.commit(&[]).await?;
                return Ok(judged);
            }
            CodeOutcome::Wrong => "wrong one-time code",
            CodeOutcome::Replayed => "one-time code used before",
            // No row was there to judge it by: it is nobody's guess, and blocks nobody.
            CodeOutcome::NotEnrolled if judged.is_other => {
                let reason = "the enrolment in the store is not the one on record";
                let mut records = vec![record.reason(reason)];
                records.extend(judged.fault.clone());
                change.commit(&records).await?;
                return Ok(judged);
            }
            CodeOutcome::NotEnrolled => "no usable enrolment of a second factor",
        };
        let record = record.reason(reason);
        let (_, records) = count(&mut change, claim, Some(person), record).await?;
        change.commit(&records).await?;
        Ok(judged)
    }
}

/// What came of a code.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// What is said of it.
    pub outcome: CodeOutcome,
    /// The step whose code it is, where it is accepted: to be used up with what it was given for.
    pub step: Option<u64>,
    /// Whether the row that would have judged it is not the one on record, or is not there.
    is_other: bool,
    /// The entry of that, where there is none yet.
    fault: Option<AuditRecord>,
}

impl From<CodeOutcome> for Judged {
    fn from(outcome: CodeOutcome) -> Self {
        Self {
            outcome,
            step: None,
            is_other: false,
            fault: None,
        }
    }
}

async fn judge(
    change: &mut Writing,
    person: &PersonId,
    code: &str,
    at: Timestamp,
) -> Result<Judged, StoreError> {
    let mut refused = Judged::from(CodeOutcome::NotEnrolled);
    let usable = match enrolments::usable(change, person, at).await? {
        Held::Usable(usable) => Some(usable),
        Held::Other(fault) => {
            (refused.is_other, refused.fault) = (true, fault.map(|fault| *fault));
            None
        }
        Held::Not => None,
    };
    // No code, whoever gives it.
    let none = if code.trim().is_empty() {
        Some(CodeOutcome::Empty)
    } else {
        (!totp::is_shaped(code)).then_some(CodeOutcome::Shapeless)
    };
    let Some(Usable { secret, used }) = usable else {
        totp::check_nobody(code, at);
        return Ok(none.map_or(refused, Judged::from));
    };
    if let Some(none) = none {
        return Ok(none.into());
    }
    if used.is_some_and(|used| secret.is_code_of(code, used)) {
        return Ok(CodeOutcome::Again.into());
    }
    Ok(match secret.check(code, at) {
        None => CodeOutcome::Wrong.into(),
        Some(step) if used.is_some_and(|used| step <= used) => CodeOutcome::Replayed.into(),
        Some(step) => Judged {
            step: Some(step),
            ..CodeOutcome::Accepted.into()
        },
    })
}

/// Counts a failure; until when that blocks, and the records to write.
async fn count(
    change: &mut Writing,
    claim: &Claim<'_>,
    known: Option<&PersonId>,
    record: AuditRecord,
) -> Result<(Option<Timestamp>, Vec<AuditRecord>), StoreError> {
    change.follow().await?;
    let mut counted = Map::new();
    let (before, blocks) = {
        let said = change.inner.said();
        let before = blocks_of(&said, claim);
        let mut blocks = before.clone();
        for (subject, rule) in subjects(claim) {
            if claim.elsewhere && subject.starts_with(SOURCE) {
                continue;
            }
            let mut tries = said.tries(&subject, claim.since());
            tries.push(claim.at);
            if let Some(until) = policy::blocked_until(&tries, rule, claim.at) {
                let last = blocks.entry(subject.clone()).or_insert(until);
                *last = until.max(*last);
            }
            counted.insert(subject, claim.at.as_micros().into());
        }
        (before, blocks)
    };
    let until = blocks.values().copied().max();
    let refused = record.refused();
    let mut records = vec![refused.clone().detail(COUNTED, counted)];
    if let (true, Some(until)) = (before.is_empty(), until) {
        if let Some(person) = known {
            remembered::forget(change, person).await?;
        }
        let blocks = blocks
            .into_iter()
            .map(|(subject, until)| (subject, Json::from(until.as_micros())));
        records.push(
            refused
                .kind(AuditKind::Lockout)
                .reason(format!("too many failures; blocked until {until}"))
                .detail(BLOCKS, blocks.collect::<Map<_, _>>()),
        );
    }
    Ok((until, records))
}

/// The blocks in force of a claimed person and their source, each with its end, by the log. Where the rule leaves not even one
/// try, everybody is blocked.
fn blocks_of(said: &Said, claim: &Claim<'_>) -> BTreeMap<String, Timestamp> {
    let blocks = subjects(claim).into_iter().filter_map(|(subject, rule)| {
        let ruled = policy::blocked_until(&[], rule, claim.at);
        let until = said.blocked_until(&subject, claim.at).max(ruled)?;
        Some((subject, until))
    });
    blocks.collect()
}

fn subjects(claim: &Claim<'_>) -> [(String, LockoutRule); 2] {
    [
        (person_subject(claim.person), claim.rules.person),
        (source_subject(claim.source), claim.rules.source),
    ]
}

pub(super) fn person_subject(person: &str) -> String {
    // NUL ends a text for PostgreSQL.
    let claim: String = person
        .chars()
        .filter(|c| *c != '\0')
        .take(LONGEST_CLAIM)
        .collect();
    format!("{PERSON}{claim}")
}

fn source_subject(source: IpAddr) -> String {
    format!("{SOURCE}{}", source.to_canonical())
}
