//! Enrolments, their secrets, and the factors remembered of them (A4).

use ecluse_policy::{ClientId, CodeOutcome, Fingerprint, PersonId, StationId};

use super::super::{at, confirmed};
use super::{SOURCE, alice, enrol, judge};
use crate::identity::totp::TotpSecret;
use crate::store::testing::on_each_engine;
use crate::store::{Enrolled, FactorBinding};

/// The fingerprint of some key.
fn key(seed: u8) -> Fingerprint {
    let mut blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20".to_vec();
    blob.extend([seed; 32]);
    ecluse_policy::PublicKey::from_blob(&blob)
        .unwrap()
        .fingerprint()
}

#[test]
fn a4_nobody_is_enrolled_unless_enrolled_and_a_second_enrolment_must_be_asked_for() {
    on_each_engine(async |store| {
        assert_eq!(store.enrolment(&alice()).await.unwrap(), None);
        let first = enrol(store).await;
        let second = TotpSecret::generate().unwrap();
        let refused = store
            .enrol(&confirmed(&alice(), &second), false, &[])
            .await
            .unwrap();
        assert!(
            matches!(refused, Enrolled::Already(enrolment) if enrolment.confirmed_by == "root")
        );
        let code = first.code(at(3000));
        assert_eq!(
            judge(store, Some(&alice()), &code, 3000).await,
            CodeOutcome::Accepted
        );
        let replaced = store
            .enrol(&confirmed(&alice(), &second), true, &[])
            .await
            .unwrap();
        assert_eq!(replaced, Enrolled::Done);
        let code = second.code(at(3060));
        assert_eq!(
            judge(store, Some(&alice()), &code, 3060).await,
            CodeOutcome::Accepted
        );
        assert_eq!(store.enrolments().await.unwrap().len(), 1);
    });
}

#[test]
fn a_disabled_enrolment_accepts_no_code() {
    on_each_engine(async |store| {
        let secret = enrol(store).await;
        assert!(store.disable_enrolment(&alice(), at(5), &[]).await.unwrap());
        assert!(!store.disable_enrolment(&alice(), at(6), &[]).await.unwrap());
        let code = secret.code(at(3000));
        assert_eq!(
            judge(store, Some(&alice()), &code, 3000).await,
            CodeOutcome::NotEnrolled
        );
        assert!(!store.accept_code_step(&alice(), 100).await.unwrap());
    });
}

#[test]
fn a_secret_is_not_readable_in_the_database() {
    on_each_engine(async |store| {
        let secret = enrol(store).await;
        let row = store
            .db()
            .row("SELECT secret FROM enrolments", &[])
            .await
            .unwrap()
            .unwrap();
        let sealed = row.bytes("secret").unwrap();
        assert!(
            !sealed
                .windows(secret.as_bytes().len())
                .any(|window| window == secret.as_bytes())
        );
    });
}

#[test]
fn a_remembered_factor_counts_for_its_binding_and_its_time_only() {
    on_each_engine(async |store| {
        let binding = FactorBinding {
            person: alice(),
            key: key(1),
            station: Some(StationId::parse("laptop-1").unwrap()),
            source: SOURCE,
            client: Some(ClientId::parse("hopital").unwrap()),
        };
        store
            .log_on(&alice(), Some((&binding, at(600))), at(0), &[])
            .await
            .unwrap();
        assert!(store.factor_remembered(&binding, at(599)).await.unwrap());
        assert!(!store.factor_remembered(&binding, at(600)).await.unwrap());
        for other in [
            FactorBinding {
                person: PersonId::parse("bruno").unwrap(),
                ..binding.clone()
            },
            FactorBinding {
                key: key(2),
                ..binding.clone()
            },
            FactorBinding {
                station: None,
                ..binding.clone()
            },
            FactorBinding {
                source: "192.0.2.8".parse().unwrap(),
                ..binding.clone()
            },
            FactorBinding {
                client: None,
                ..binding.clone()
            },
        ] {
            assert!(
                !store.factor_remembered(&other, at(1)).await.unwrap(),
                "{other:?}"
            );
        }
        store.forget_factors(&alice(), &[]).await.unwrap();
        assert!(!store.factor_remembered(&binding, at(1)).await.unwrap());
    });
}

#[test]
fn a_block_forgets_the_remembered_factors() {
    on_each_engine(async |store| {
        enrol(store).await;
        let binding = FactorBinding {
            person: alice(),
            key: key(1),
            station: None,
            source: SOURCE,
            client: None,
        };
        store
            .log_on(&alice(), Some((&binding, at(9000))), at(0), &[])
            .await
            .unwrap();
        for _ in 0..3 {
            assert_eq!(
                judge(store, Some(&alice()), "no", 3000).await,
                CodeOutcome::Wrong
            );
        }
        assert!(!store.factor_remembered(&binding, at(3001)).await.unwrap());
    });
}
