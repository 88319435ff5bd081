//! Codes, guesses and mistakes, and the use of accounts (A6, A8). Enrolments and what is remembered of them: [`enrolments`];
//! when an account was last used: [`usage`].

mod enrolments;
mod usage;

use std::net::IpAddr;

use ecluse_policy::{CodeOutcome, LockoutRule, PersonId};

use super::{at, confirmed};
use crate::audit::{AuditKind, AuditRecord, CODE_STEP};
use crate::clock;
use crate::identity::totp::{self, TotpSecret};
use crate::settings::LockoutRules;
use crate::store::testing::{TestStore, on_each_engine, records_of};
use crate::store::{Block, Blocked, Claim, Enrolled, Store};

const SOURCE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

pub(super) fn alice() -> PersonId {
    PersonId::parse("alice").unwrap()
}

fn claim(person: &str, seconds: i64) -> Claim<'_> {
    let rules = LockoutRules {
        person: LockoutRule::PERSON,
        source: LockoutRule::SOURCE,
    };
    Claim {
        elsewhere: false,
        person,
        source: SOURCE,
        at: at(seconds),
        rules,
    }
}

fn record(seconds: i64) -> AuditRecord {
    AuditRecord::new(AuditKind::LogOnRefused, at(seconds))
        .claimed("alice")
        .source(SOURCE)
}

/// How many failures are counted against a subject, such as `person:alice`.
async fn counted(store: &Store, subject: &str) -> usize {
    store.follow().await.unwrap();
    store.said().tries(subject, at(0)).len()
}

async fn enrol(store: &TestStore) -> TotpSecret {
    let secret = TotpSecret::generate().unwrap();
    let record = AuditRecord::new(AuditKind::Enrolment, at(1)).person(&alice());
    let done = store
        .enrol(&confirmed(&alice(), &secret), false, &[record])
        .await
        .unwrap();
    assert_eq!(done, Enrolled::Done);
    secret
}

pub(super) async fn judge(
    store: &Store,
    person: &PersonId,
    code: &str,
    seconds: i64,
) -> CodeOutcome {
    store
        .judge_code(&claim("alice", seconds), person, code, record(seconds))
        .await
        .unwrap()
        .outcome
}

/// One of the codes that are wrong around the times of these tests.
pub(super) fn wrong(secret: &TotpSecret, nth: usize) -> String {
    let is_wrong = |code: &String| {
        let right = |seconds| secret.check(code, at(seconds)).is_some();
        !right(3000) && !right(3030)
    };
    let mut codes = (0..1_000_000).map(|number| format!("{number:06}"));
    codes.by_ref().filter(is_wrong).nth(nth).unwrap()
}

/// Logs on with a code; what came of it.
pub(super) async fn log_on(store: &Store, code: &str, seconds: i64) -> CodeOutcome {
    let alice = alice();
    let judged = store
        .judge_code(&claim("alice", seconds), &alice, code, record(seconds))
        .await
        .unwrap();
    let Some(step) = judged.step else {
        return judged.outcome;
    };
    let record = AuditRecord::new(AuditKind::LogOn, at(seconds))
        .person(&alice)
        .permitted();
    let noted = store.log_on(&alice, Some(step), None, at(seconds), Some(record));
    if noted.await.unwrap() {
        judged.outcome
    } else {
        CodeOutcome::Again
    }
}

/// A6: a code lets in once, on one node or on several, and the table has no say in it.
#[test]
fn a6_one_code_is_accepted_once_under_twenty_logins_at_once() {
    on_each_engine(async |store| {
        let secret = enrol(store).await;
        let other = store.as_another_process().await;
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..20 {
            let store = if number % 2 == 0 {
                store.store.clone()
            } else {
                other.clone()
            };
            let code = secret.code(at(3000));
            tasks.spawn(async move { log_on(&store, &code, 3000).await });
        }
        let outcomes = tasks.join_all().await;
        let of = |wanted| {
            outcomes
                .iter()
                .filter(|outcome| **outcome == wanted)
                .count()
        };
        assert_eq!(
            (of(CodeOutcome::Accepted), of(CodeOutcome::Again)),
            (1, 19),
            "nobody guesses with a right code"
        );
        // Nor does it on one that begins later; an earlier step is no longer accepted, and the next is.
        let late = store.as_another_process().await;
        for (seconds, outcome) in [
            (3000, CodeOutcome::Again),
            (2970, CodeOutcome::Replayed),
            (3030, CodeOutcome::Accepted),
        ] {
            let code = secret.code(at(seconds));
            assert_eq!(log_on(&late, &code, 3000).await, outcome, "{seconds}");
        }
        let proven = AuditRecord::new(AuditKind::CodeProven, at(3060)).person(&alice());
        for (step, is_new) in [(101, false), (102, true), (102, false)] {
            let used = store.use_code(&alice(), step, proven.clone()).await;
            assert_eq!(used.unwrap(), is_new, "{step}");
        }
        for store in [other, late] {
            store.close().await;
        }
    });
}

#[test]
fn a6_twenty_guesses_at_once_are_three_failures_and_seventeen_blocked() {
    on_each_engine(async |store| {
        let secret = enrol(store).await;
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..20 {
            let store = store.store.clone();
            let code = wrong(&secret, number);
            tasks.spawn(async move { judge(&store, &alice(), &code, 3000).await });
        }
        let judgements = tasks.join_all().await;
        assert_eq!(
            judgements
                .iter()
                .filter(|judgement| **judgement == CodeOutcome::Wrong)
                .count(),
            3
        );
        assert_eq!(
            judgements
                .iter()
                .filter(|judgement| **judgement == CodeOutcome::Blocked { until: at(4800) })
                .count(),
            17
        );
        let right = secret.code(at(3000));
        assert_eq!(
            judge(store, &alice(), &right, 3000).await,
            CodeOutcome::Blocked { until: at(4800) }
        );
        assert_eq!(
            records_of(store, &[AuditKind::Lockout]).await.len(),
            1,
            "the block is told once, as it begins"
        );
        assert_eq!(
            records_of(store, &[AuditKind::LogOnRefused]).await.len(),
            3,
            "what a blocked claimant repeats is the door's to count"
        );
        let right = secret.code(at(4801));
        assert_eq!(
            judge(store, &alice(), &right, 4801).await,
            CodeOutcome::Accepted
        );
    });
}

#[test]
fn a_right_code_forgets_the_persons_failures_and_not_the_sources() {
    on_each_engine(async |store| {
        let secret = enrol(store).await;
        for _ in 0..2 {
            let code = wrong(&secret, 0);
            assert_eq!(
                judge(store, &alice(), &code, 3000).await,
                CodeOutcome::Wrong
            );
        }
        let code = secret.code(at(3000));
        assert_eq!(log_on(store, &code, 3000).await, CodeOutcome::Accepted);
        assert_eq!(
            (
                counted(store, "person:alice").await,
                counted(store, "source:192.0.2.7").await
            ),
            (0, 2)
        );
    });
}

/// A6 stops guesses, not mistakes: an empty answer and the last code once more are refused and not counted, for the person
/// and for the source; any other code used before is counted.
#[test]
fn a6_an_empty_answer_and_the_last_code_again_are_refused_and_not_counted() {
    on_each_engine(async |store| {
        let secret = enrol(store).await;
        let counts = async || {
            (
                counted(store, "person:alice").await,
                counted(store, "source:192.0.2.7").await,
            )
        };
        let (earlier, code) = (secret.code(at(3000)), secret.code(at(3030)));
        assert_eq!(log_on(store, &code, 3010).await, CodeOutcome::Accepted);
        for _ in 0..5 {
            for (answer, outcome) in [
                ("", CodeOutcome::Empty),
                (" \t", CodeOutcome::Empty),
                ("hunter2", CodeOutcome::Shapeless),
                ("12345", CodeOutcome::Shapeless),
                ("1234567", CodeOutcome::Shapeless),
                ("１２３４５６", CodeOutcome::Shapeless),
                (code.as_str(), CodeOutcome::Again),
                (
                    &format!("{} {}", &code[..3], &code[3..]),
                    CodeOutcome::Again,
                ),
            ] {
                assert_eq!(judge(store, &alice(), answer, 3010).await, outcome);
                assert_eq!(judge(store, &alice(), answer, 9000).await, outcome);
            }
            // Of who has no second factor nothing else is said.
            for (answer, outcome) in [("", CodeOutcome::Empty), ("no", CodeOutcome::Shapeless)] {
                let carol = PersonId::parse("carol").unwrap();
                assert_eq!(judge(store, &carol, answer, 3010).await, outcome);
            }
        }
        assert_eq!(counts().await, (0, 0));
        let refused = records_of(store, &[AuditKind::LogOnRefused]).await;
        assert_eq!(refused.len(), 0, "the door puts them on record, and counts");
        assert_eq!(
            judge(store, &alice(), &earlier, 3010).await,
            CodeOutcome::Replayed
        );
        let other = wrong(&secret, 0);
        assert_eq!(
            judge(store, &alice(), &other, 3010).await,
            CodeOutcome::Wrong
        );
        assert_eq!(counts().await, (2, 2));
        let next = secret.code(at(3060));
        assert_eq!(
            judge(store, &alice(), &next, 3060).await,
            CodeOutcome::Accepted
        );
    });
}

/// The code that confirms an enrolment is used up: typed at the first login, it is a mistake and no guess.
#[test]
fn the_code_of_the_enrolment_is_used_up_and_not_a_guess() {
    on_each_engine(async |store| {
        let secret = enrol(store).await;
        let code = secret.code(at(10 * 30));
        assert_eq!(judge(store, &alice(), &code, 300).await, CodeOutcome::Again);
        assert_eq!(counted(store, "person:alice").await, 0);
    });
}

#[test]
fn blocks_in_force_are_listed_and_a_person_is_unlocked() {
    on_each_engine(async |store| {
        for number in 0..30 {
            let name = if number < 3 {
                "alice".to_owned()
            } else {
                format!("guess{number}")
            };
            store
                .count_failure(&claim(&name, 3000), None, record(3000))
                .await
                .unwrap();
        }
        let alices = Block {
            of: Blocked::Person("alice".to_owned()),
            until: at(4800),
        };
        let sources = Block {
            of: Blocked::Source(SOURCE),
            until: at(4800),
        };
        assert_eq!(
            store.blocks(at(3001)).await.unwrap(),
            [alices, sources.clone()]
        );
        let lifted = AuditRecord::new(AuditKind::LockoutLifted, at(3001)).person(&alice());
        store.record(&[lifted]).await.unwrap();
        assert_eq!(store.blocks(at(3001)).await.unwrap(), [sources]);
        assert_eq!(store.blocks(at(4800)).await.unwrap(), []);
    });
}

/// A6: after a day of log-ons by a clock that was a day ahead, a code lets in once all the same, on a node that begins then too; and
/// what was accepted ahead is refused when its time comes.
#[test]
fn a6_steps_of_a_clock_that_was_ahead_drive_out_no_others() {
    on_each_engine(async |store| {
        let secret = enrol(store).await;
        let now = clock::agreed();
        let ahead = totp::latest_step(now) + 2880;
        for nth in 0..70 {
            let record = AuditRecord::new(AuditKind::LogOn, now)
                .person(&alice())
                .permitted()
                .detail(CODE_STEP, ahead + nth);
            store.record(&[record]).await.unwrap();
        }
        let seconds = now.as_micros() / 1_000_000;
        let code = secret.code(at(seconds));
        assert_eq!(log_on(store, &code, seconds).await, CodeOutcome::Accepted);
        let late = store.as_another_process().await;
        for store in [&store.store, &late] {
            assert_eq!(log_on(store, &code, seconds).await, CodeOutcome::Again);
            let later = i64::try_from(ahead + 69).unwrap() * 30;
            let outcome = log_on(store, &secret.code(at(later)), later).await;
            assert_eq!(outcome, CodeOutcome::Again);
        }
        late.close().await;
    });
}

#[test]
fn a_person_who_is_not_enrolled_is_counted_and_blocked_like_any_other() {
    on_each_engine(async |store| {
        for _ in 0..3 {
            assert_eq!(
                judge(store, &alice(), "123456", 3000).await,
                CodeOutcome::NotEnrolled
            );
        }
        assert_eq!(
            judge(store, &alice(), "123456", 3000).await,
            CodeOutcome::Blocked { until: at(4800) }
        );
        let long = "x".repeat(100_000);
        store
            .count_failure(&claim(&long, 3000), None, record(3000))
            .await
            .unwrap();
        store
            .count_failure(&claim("nul\0nul", 3000), None, record(3000))
            .await
            .unwrap();
        assert_eq!(counted(store, "person:nulnul").await, 1);
    });
}

#[test]
fn failures_of_other_factors_block_too_and_the_block_is_told_once() {
    on_each_engine(async |store| {
        for _ in 0..2 {
            let until = store
                .count_failure(&claim("alice", 3000), Some(&alice()), record(3000))
                .await
                .unwrap();
            assert_eq!(until, None);
        }
        assert_eq!(
            store.blocked_until(&claim("alice", 3000)).await.unwrap(),
            None
        );
        for _ in 0..2 {
            let until = store
                .count_failure(&claim("alice", 3000), Some(&alice()), record(3000))
                .await
                .unwrap();
            assert_eq!(until, Some(at(4800)));
        }
        assert_eq!(
            store.blocked_until(&claim("alice", 4799)).await.unwrap(),
            Some(at(4800))
        );
        assert_eq!(
            store.blocked_until(&claim("alice", 4800)).await.unwrap(),
            None
        );
        assert_eq!(
            store.blocked_until(&claim("bruno", 4799)).await.unwrap(),
            None
        );
        assert_eq!(records_of(store, &[AuditKind::Lockout]).await.len(), 1);
    });
}

#[test]
fn a_source_that_tries_many_names_is_blocked_for_all_of_them() {
    on_each_engine(async |store| {
        for number in 0..30 {
            let name = format!("guess{number}");
            store
                .count_failure(&claim(&name, 3000), None, record(3000))
                .await
                .unwrap();
        }
        assert_eq!(
            store.blocked_until(&claim("alice", 3001)).await.unwrap(),
            Some(at(4800))
        );
        let elsewhere = Claim {
            source: "192.0.2.99".parse().unwrap(),
            ..claim("alice", 3001)
        };
        assert_eq!(store.blocked_until(&elsewhere).await.unwrap(), None);
    });
}
