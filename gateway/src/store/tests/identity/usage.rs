//! When an account was last used, whatever its row says and retention takes (A8).

use ecluse_policy::{AccountUse, PersonId};

use super::super::at;
use super::{alice, enrol};
use crate::audit::{AuditKind, AuditRecord};
use crate::store::Destruction;
use crate::store::testing::on_each_engine;

/// A8: the store knows when an account was used last, and when it was enabled again.
#[test]
fn a8_the_last_use_of_an_account_is_kept() {
    on_each_engine(async |store| {
        enrol(store).await;
        let usage = async || store.enrolment(&alice()).await.unwrap().unwrap().usage;
        let enrolled_at = usage().await.enrolled_at;
        let never = AccountUse {
            enrolled_at,
            logged_on_at: None,
            enabled_at: None,
        };
        assert_eq!(usage().await, never);
        let alice = alice();
        let record = |kind, seconds| [AuditRecord::new(kind, at(seconds)).person(&alice)];
        let [log_on] = record(AuditKind::LogOn, 500);
        let noted = store.log_on(&alice, None, None, at(500), Some(log_on.permitted()));
        assert!(noted.await.unwrap());
        let enabled = record(AuditKind::AccountEnabled, 900);
        let enabled = store.enable_account(&alice, at(900), &enabled).await;
        assert!(enabled.unwrap());
        let used = AccountUse {
            logged_on_at: Some(at(500)),
            enabled_at: Some(at(900)),
            ..never
        };
        assert_eq!(usage().await, used);
        assert_eq!(store.enrolments().await.unwrap()[0].usage, used);
        // Whatever the row is made to say, for a node that begins afterwards too.
        let by_hand = "UPDATE enrolments SET confirmed_at = 99000000000, logged_on_at = 99000000000, enabled_at = NULL";
        store.changed_by_hand(by_hand).await;
        assert_eq!(usage().await, used);
        let late = store.as_another_process().await;
        assert_eq!(late.enrolments().await.unwrap()[0].usage, used);
        late.close().await;
        // Of what retention takes the words of, the removal says again when it was: the row still tells nothing.
        for _ in 0..4 {
            store.record(&record(AuditKind::LogOff, 1)).await.unwrap();
        }
        let removal = Destruction {
            client: None,
            in_force: false,
            before: at(600),
            at: at(1000),
            by: "root".into(),
            why: "a test".into(),
        };
        let done = store.destroy_client_entries(&removal).await.unwrap();
        assert!(done.is_some());
        let late = store.as_another_process().await;
        let told = late.enrolment(&alice).await.unwrap().unwrap().usage;
        assert_eq!(told, used);
        for row in ["550000000", "NULL"] {
            let by_hand = format!("UPDATE enrolments SET logged_on_at = {row}");
            store.changed_by_hand(&by_hand).await;
            let told = late.enrolment(&alice).await.unwrap().unwrap().usage;
            assert_eq!(told, used, "{row}");
        }
        late.close().await;
        // And once more, when those words go; one whose second factor is in force no more is left to its time.
        for _ in 0..4 {
            store.record(&record(AuditKind::LogOff, 950)).await.unwrap();
        }
        let again = Destruction {
            before: at(1100),
            at: at(2000),
            ..removal.clone()
        };
        assert!(
            store
                .destroy_client_entries(&again)
                .await
                .unwrap()
                .is_some()
        );
        let late = store.as_another_process().await;
        let told = late.enrolment(&alice).await.unwrap().unwrap().usage;
        assert_eq!(told, used);
        late.close().await;
        let nobody = PersonId::parse("bruno").unwrap();
        assert!(!store.enable_account(&nobody, at(900), &[]).await.unwrap());
    });
}
