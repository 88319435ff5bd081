//! Failed logins, counted by person and by source, and the judgement of a one-time code.
//!
//! Policy says from how many failures somebody is blocked and for how long; the counting and the judgement
//! are one change here, so that twenty guesses at once are judged one after the other and the fourth finds
//! the block that the third brought about (A6). A person nobody knows is counted as any other. What counts as a guess is
//! policy's to say.
//!
//! That a block began is an entry, which has until when; so a block is lifted by its end, by whoever may lift it, on record, or
//! by a new enrolment, and not by rows that are taken out of the table.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ecluse_policy::lockout as policy;
use ecluse_policy::{CodeOutcome, LockoutRule, PersonId, Timestamp};
use serde_json::{Map, Value as Json};

use super::enrolments::{Held, Usable};
use super::sql::{Row, values};
use super::{Store, StoreError, Writing, enrolments, new_id, remembered};
use crate::audit::{AuditKind, AuditRecord};
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
        let mut blocks = Vec::new();
        for (subject, rule) in subjects(claim) {
            blocks.push(self.said().blocked_until(&subject, claim.at));
            let rows = self
                .db()
                .rows(TIMES, values![subject, claim.since()])
                .await?;
            blocks.push(policy::blocked_until(&times(&rows)?, rule, claim.at));
        }
        Ok(blocks.into_iter().flatten().max())
    }

    /// Blocks that are on record and in force, and of which the table of failures has nothing, in words.
    ///
    /// # Errors
    /// The store failed.
    pub async fn blocks_without_failures(&self, at: Timestamp) -> Result<Vec<String>, StoreError> {
        self.follow().await?;
        let blocks = self.said().blocks(at);
        let mut found = Vec::new();
        for (subject, until) in blocks {
            let sql = "SELECT id FROM failures WHERE subject = $1 LIMIT 1";
            if self.db().row(sql, values![&subject]).await?.is_none() {
                found.push(format!(
                    "{subject} is blocked until {until} on record, and the table of failures has none of theirs: somebody took them away, or a gateway whose rules count for less long; the block stands"
                ));
            }
        }
        Ok(found)
    }

    /// How many wrong codes more block a claimed person or their source, whichever comes first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn tries_left(&self, claim: &Claim<'_>) -> Result<u32, StoreError> {
        let mut left = Vec::new();
        for (subject, rule) in subjects(claim) {
            let rows = self
                .db()
                .rows(TIMES, values![subject, claim.since()])
                .await?;
            left.push(policy::tries_left(&times(&rows)?, rule, claim.at));
        }
        Ok(left.into_iter().min().unwrap_or_default())
    }

    /// Everybody and every address blocked at `at`, by name, with the end of the block.
    ///
    /// # Errors
    /// The store failed.
    pub async fn blocks(
        &self,
        rules: LockoutRules,
        at: Timestamp,
    ) -> Result<Vec<Block>, StoreError> {
        let sql = "SELECT subject, at FROM failures WHERE at >= $1 ORDER BY subject, at";
        let rows = self.db().rows(sql, values![rules.since(at)]).await?;
        let mut failures: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
        for row in &rows {
            failures
                .entry(row.text("subject")?)
                .or_default()
                .push(row.time("at")?);
        }
        self.follow().await?;
        for (subject, _) in self.said().blocks(at) {
            failures.entry(subject).or_default();
        }
        let said = self.said();
        let blocks = failures.iter().filter_map(|(subject, times)| {
            let (of, rule) = match subject.strip_prefix(PERSON) {
                Some(person) => (Blocked::Person(person.to_owned()), rules.person),
                None => (
                    Blocked::Source(subject.strip_prefix(SOURCE)?.parse().ok()?),
                    rules.source,
                ),
            };
            let counted = policy::blocked_until(times, rule, at);
            let until = counted.max(said.blocked_until(subject, at))?;
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
        let before = blocked(&mut change, claim).await?;
        let (until, records) = count(&mut change, claim, known, before, record).await?;
        change.commit(&records).await?;
        Ok(until)
    }

    /// Forgets the failures counted against a person, as after a good login. Those of the source remain:
    /// one good login among many guesses does not make an address good.
    ///
    /// # Errors
    /// The store failed; nothing is forgotten.
    pub async fn forget_failures(
        &self,
        person: &PersonId,
        records: &[AuditRecord],
    ) -> Result<(), StoreError> {
        let mut change = self.write().await?;
        forget(&mut change, person.as_str()).await?;
        change.commit(records).await
    }

    /// Judges a one-time code, in one change: is the claimant blocked, is it the right code, was it used
    /// before; then counts a failure, or uses the code up and forgets the person's failures.
    ///
    /// `known` is the claimed person when the documents know them; an unknown one takes the same way and
    /// the same time. `record` says what is refused, to whom and from where; a refusal is written to the audit trail from it,
    /// with its reason, and so is a block that begins. An accepted code writes nothing, the log-on, once
    /// complete, being the door's record; nor does what is refused without being counted.
    ///
    /// # Errors
    /// The store failed; nothing is counted, and the code is neither accepted nor used up.
    pub async fn judge_code(
        &self,
        claim: &Claim<'_>,
        known: Option<&PersonId>,
        code: &str,
        record: AuditRecord,
    ) -> Result<CodeOutcome, StoreError> {
        let mut change = self.write().await?;
        if let Some(until) = blocked(&mut change, claim).await? {
            change.commit(&[]).await?;
            return Ok(CodeOutcome::Blocked { until });
        }
        let judged = judge(&mut change, known, code, claim.at).await?;
        let judgement = judged.outcome;
        let reason = match judgement {
            CodeOutcome::Accepted => {
                forget(&mut change, claim.person).await?;
                change.commit(&[]).await?;
                return Ok(judgement);
            }
            // Not written here: nothing bounds how often it is repeated, and the door counts what is.
            CodeOutcome::Empty | CodeOutcome::Again | CodeOutcome::Blocked { .. } => {
                change.commit(&[]).await?;
                return Ok(judgement);
            }
            CodeOutcome::Wrong => "wrong one-time code",
            CodeOutcome::Replayed => "one-time code used before",
            // No row was there to judge it by: it is nobody's guess, and blocks nobody.
            CodeOutcome::NotEnrolled if judged.is_other => {
                let reason = "the enrolment in the store is not the one on record";
                let mut records = vec![record.reason(reason)];
                records.extend(judged.fault);
                change.commit(&records).await?;
                return Ok(judgement);
            }
            CodeOutcome::NotEnrolled => "no usable enrolment of a second factor",
        };
        let record = record.reason(reason);
        let (_, records) = count(&mut change, claim, known, None, record).await?;
        change.commit(&records).await?;
        Ok(judgement)
    }
}

/// What came of a code.
struct Judged {
    outcome: CodeOutcome,
    /// Whether the row that would have judged it is not the one on record.
    is_other: bool,
    /// The entry of that, where there is none yet.
    fault: Option<AuditRecord>,
}

impl From<CodeOutcome> for Judged {
    fn from(outcome: CodeOutcome) -> Self {
        Self {
            outcome,
            is_other: false,
            fault: None,
        }
    }
}

async fn judge(
    change: &mut Writing,
    known: Option<&PersonId>,
    code: &str,
    at: Timestamp,
) -> Result<Judged, StoreError> {
    let (mut is_other, mut fault) = (false, None);
    let usable = match known {
        Some(person) => match enrolments::usable(change, person, at).await? {
            Held::Usable(usable) => Some((person, usable)),
            Held::Other(found) => {
                (is_other, fault) = (true, found.map(|fault| *fault));
                None
            }
            Held::Not => None,
        },
        None => {
            enrolments::look_for_nobody(change).await?;
            None
        }
    };
    let Some((person, Usable { secret, last_step })) = usable else {
        totp::check_nobody(code, at);
        return Ok(if code.trim().is_empty() {
            CodeOutcome::Empty.into()
        } else {
            Judged {
                outcome: CodeOutcome::NotEnrolled,
                is_other,
                fault,
            }
        });
    };
    if code.trim().is_empty() {
        return Ok(CodeOutcome::Empty.into());
    }
    if secret.is_code_of(code, last_step) {
        return Ok(CodeOutcome::Again.into());
    }
    Ok(match secret.check(code, at) {
        None => CodeOutcome::Wrong.into(),
        Some(step) if enrolments::accept_step(change, person, step).await? => {
            CodeOutcome::Accepted.into()
        }
        Some(_) => CodeOutcome::Replayed.into(),
    })
}

/// Counts a failure; until when that blocks, and the records to write.
async fn count(
    change: &mut Writing,
    claim: &Claim<'_>,
    known: Option<&PersonId>,
    before: Option<Timestamp>,
    record: AuditRecord,
) -> Result<(Option<Timestamp>, Vec<AuditRecord>), StoreError> {
    change
        .tx
        .execute("DELETE FROM failures WHERE at < $1", values![claim.since()])
        .await?;
    for (subject, _) in subjects(claim) {
        let sql = "INSERT INTO failures (id, subject, at) VALUES ($1, $2, $3)";
        change
            .tx
            .execute(sql, values![new_id(claim.at)?, subject, claim.at])
            .await?;
    }
    let blocks = blocks_of(change, claim).await?;
    let until = blocks.values().copied().max();
    let refused = record.refused();
    let mut records = vec![refused.clone()];
    if let (None, Some(until)) = (before, until) {
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

async fn blocked(change: &mut Writing, claim: &Claim<'_>) -> Result<Option<Timestamp>, StoreError> {
    Ok(blocks_of(change, claim).await?.into_values().max())
}

/// The blocks in force of a claimed person and their source, each with its end: by the failures, and by the log.
async fn blocks_of(
    change: &mut Writing,
    claim: &Claim<'_>,
) -> Result<BTreeMap<String, Timestamp>, StoreError> {
    change.follow().await?;
    let mut blocks = BTreeMap::new();
    for (subject, rule) in subjects(claim) {
        let on_record = change.inner.said().blocked_until(&subject, claim.at);
        let values = values![&subject, claim.since()];
        let rows = change.tx.rows(TIMES, values).await?;
        let counted = policy::blocked_until(&times(&rows)?, rule, claim.at);
        if let Some(until) = counted.max(on_record) {
            blocks.insert(subject, until);
        }
    }
    Ok(blocks)
}

const TIMES: &str = "SELECT at FROM failures WHERE subject = $1 AND at >= $2 ORDER BY at";

fn times(rows: &[Row]) -> Result<Vec<Timestamp>, StoreError> {
    rows.iter().map(|row| row.time("at")).collect()
}

fn subjects(claim: &Claim<'_>) -> [(String, LockoutRule); 2] {
    [
        (person_subject(claim.person), claim.rules.person),
        (source_subject(claim.source), claim.rules.source),
    ]
}

pub(super) async fn forget(change: &mut Writing, person: &str) -> Result<(), StoreError> {
    change
        .tx
        .execute(
            "DELETE FROM failures WHERE subject = $1",
            values![person_subject(person)],
        )
        .await?;
    Ok(())
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
