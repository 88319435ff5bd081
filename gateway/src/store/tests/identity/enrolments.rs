//! Enrolments, their secrets, and the factors remembered of them (A4).

use ecluse_policy::{ClientId, CodeOutcome, Fingerprint, PersonId, StationId};

use super::super::{at, confirmed};
use super::{SOURCE, alice, enrol, judge, wrong};
use crate::audit::{AuditKind, AuditRecord};
use crate::identity::totp::TotpSecret;
use crate::store::testing::{on_each_engine, records_of};
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
            judge(store, &alice(), &code, 3000).await,
            CodeOutcome::Accepted
        );
        let enrolment = AuditRecord::new(AuditKind::Enrolment, at(2)).person(&alice());
        let replaced = store
            .enrol(&confirmed(&alice(), &second), true, &[enrolment])
            .await
            .unwrap();
        assert_eq!(replaced, Enrolled::Done);
        let code = second.code(at(3060));
        assert_eq!(
            judge(store, &alice(), &code, 3060).await,
            CodeOutcome::Accepted
        );
        assert_eq!(store.enrolments().await.unwrap().len(), 1);
    });
}

/// R5: on record, a replaced second factor is no newcomer's.
#[test]
fn r5_a_replaced_second_factor_is_not_on_record_as_a_first_one() {
    on_each_engine(async |store| {
        for replace in [false, true] {
            let secret = TotpSecret::generate().unwrap();
            let record = AuditRecord::new(AuditKind::Enrolment, at(1)).person(&alice());
            let records = [record];
            let person = alice();
            let new = confirmed(&person, &secret);
            let done = store.enrol(&new, replace, &records).await.unwrap();
            assert_eq!(done, Enrolled::Done);
        }
        let records = records_of(store, &[AuditKind::Enrolment]).await;
        let told: Vec<_> = records.iter().map(|one| &one.detail["change"]).collect();
        assert_eq!(told, ["first", "replaced"]);
    });
}

/// R5: nor is it where the row of the first was taken out: by the log there is one, which only a replacement replaces.
#[test]
fn r5_a_second_factor_whose_row_is_gone_is_replaced_on_record() {
    on_each_engine(async |store| {
        enrol(store).await;
        store.changed_by_hand("DELETE FROM enrolments").await;
        let (person, secret) = (alice(), TotpSecret::generate().unwrap());
        let records = [AuditRecord::new(AuditKind::Enrolment, at(2)).person(&person)];
        let new = confirmed(&person, &secret);
        let other = store.as_another_process().await;
        for store in [&store.store, &other] {
            assert!(store.is_enrolment_on_record(&person).await.unwrap());
            let told = store.enrol(&new, false, &records).await.unwrap();
            assert_eq!(told, Enrolled::OnRecord);
        }
        let done = other.enrol(&new, true, &records).await.unwrap();
        assert_eq!(done, Enrolled::Done);
        let records = records_of(store, &[AuditKind::Enrolment]).await;
        let told: Vec<_> = records.iter().map(|one| &one.detail["change"]).collect();
        assert_eq!(told, ["first", "replaced"]);
        let bruno = PersonId::parse("bruno").unwrap();
        assert!(!other.is_enrolment_on_record(&bruno).await.unwrap());
        other.close().await;
    });
}

#[test]
fn a_disabled_enrolment_accepts_no_code() {
    on_each_engine(async |store| {
        let secret = enrol(store).await;
        let record = AuditRecord::new(AuditKind::EnrolmentDisabled, at(5)).person(&alice());
        let disabled = store.disable_enrolment(&alice(), at(5), &[record]).await;
        assert!(disabled.unwrap());
        assert!(!store.disable_enrolment(&alice(), at(6), &[]).await.unwrap());
        let code = secret.code(at(3000));
        assert_eq!(
            judge(store, &alice(), &code, 3000).await,
            CodeOutcome::NotEnrolled
        );
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
            .log_on(&alice(), None, Some((&binding, at(600))), at(0), None)
            .await
            .unwrap();
        assert!(store.factor_remembered(&binding, at(599)).await.unwrap());
        assert!(!store.factor_remembered(&binding, at(600)).await.unwrap());
        // A clock that was set back since prolongs nothing.
        assert!(!store.factor_remembered(&binding, at(-3600)).await.unwrap());
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
    });
}

/// A4: what is written into the table by hand is no factor: neither a row that nobody proved, nor another's, nor a longer time, nor
/// one that was taken away and is put back.
#[test]
fn a4_a_row_that_is_written_by_hand_is_no_remembered_factor() {
    on_each_engine(async |store| {
        let secret = enrol(store).await;
        let binding = FactorBinding {
            person: alice(),
            key: key(1),
            station: Some(StationId::parse("laptop-1").unwrap()),
            source: SOURCE,
            client: None,
        };
        let holds = async |binding: &FactorBinding, second| {
            let other = store.as_another_process().await;
            let here = store.factor_remembered(binding, at(second)).await.unwrap();
            let there = other.factor_remembered(binding, at(second)).await.unwrap();
            assert_eq!(here, there);
            other.close().await;
            here
        };
        let remember = async || {
            let both = Some((&binding, at(600)));
            store
                .log_on(&alice(), None, both, at(2), None)
                .await
                .unwrap();
        };
        remember().await;
        assert!(holds(&binding, 599).await);
        // As before this format: the code is asked for once more.
        store
            .changed_by_hand("UPDATE remembered SET proof = NULL")
            .await;
        assert!(!holds(&binding, 3).await);
        remember().await;
        store
            .changed_by_hand("UPDATE remembered SET until = 9000000000")
            .await;
        assert!(holds(&binding, 599).await && !holds(&binding, 600).await);
        remember().await;
        store
            .changed_by_hand(
                "INSERT INTO remembered SELECT 'bruno', person_key, station, source, client, until, proof FROM remembered",
            )
            .await;
        store
            .changed_by_hand(
                "INSERT INTO remembered SELECT person, person_key, 'laptop-2', source, client, until, proof FROM remembered \
                 WHERE person = 'alice'",
            )
            .await;
        let bruno = FactorBinding {
            person: PersonId::parse("bruno").unwrap(),
            ..binding.clone()
        };
        let elsewhere = FactorBinding {
            station: Some(StationId::parse("laptop-2").unwrap()),
            ..binding.clone()
        };
        assert!(!holds(&bruno, 3).await && !holds(&elsewhere, 3).await);
        let put_back = "INSERT INTO remembered SELECT 'alice', person_key, 'laptop-1', source, client, until, proof FROM remembered \
                        WHERE person = 'bruno'";
        let enrolment = |kind| AuditRecord::new(kind, at(4)).person(&alice());
        let again = [enrolment(AuditKind::Enrolment)];
        let person = alice();
        let new = confirmed(&person, &secret);
        let _ = store.enrol(&new, true, &again).await.unwrap();
        store.changed_by_hand(put_back).await;
        assert!(!holds(&binding, 5).await, "they were enrolled anew");
        remember().await;
        assert!(holds(&binding, 5).await);
        store
            .changed_by_hand("UPDATE remembered SET proof = (SELECT proof FROM remembered WHERE person = 'alice' AND station = 'laptop-1') WHERE person = 'bruno'")
            .await;
        let disabled = [enrolment(AuditKind::EnrolmentDisabled)];
        let done = store.disable_enrolment(&person, at(6), &disabled).await;
        assert!(done.unwrap());
        store.changed_by_hand(put_back).await;
        assert!(!holds(&binding, 7).await, "their enrolment was disabled");
    });
}

#[test]
fn a_block_forgets_the_remembered_factors() {
    on_each_engine(async |store| {
        let secret = enrol(store).await;
        let binding = FactorBinding {
            person: alice(),
            key: key(1),
            station: None,
            source: SOURCE,
            client: None,
        };
        store
            .log_on(&alice(), None, Some((&binding, at(9000))), at(0), None)
            .await
            .unwrap();
        for _ in 0..3 {
            let code = wrong(&secret, 0);
            assert_eq!(
                judge(store, &alice(), &code, 3000).await,
                CodeOutcome::Wrong
            );
        }
        assert!(!store.factor_remembered(&binding, at(3001)).await.unwrap());
    });
}
