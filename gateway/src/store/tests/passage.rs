//! Sessions, credentials and host keys.

use std::collections::BTreeMap;

use ecluse_policy::{AccountName, ClientId, InterventionId, PersonId, SessionId, TargetId};
use zeroize::Zeroizing;

use super::at;
use crate::audit::{AuditKind, AuditRecord};
use crate::live::{Because, KnownBy};
use crate::secrets::new_ed25519;
use crate::ssh::keys::LineEnding;
use crate::store::testing::{on_each_engine, records_of};
use crate::store::{
    AuditQuery, Credential, CredentialKind, HostKeyAlert, LastMoment, SessionEnd, SessionQuery,
    SessionStart, StoreError, new_id,
};

fn start(client: &str, node: &str) -> SessionStart {
    SessionStart {
        id: SessionId::from_uuid(new_id(at(1)).unwrap()),
        node: node.to_owned(),
        person: PersonId::parse("alice").unwrap(),
        station: None,
        source: "192.0.2.7".parse().unwrap(),
        client: ClientId::parse(client).unwrap(),
        target: TargetId::parse("db01").unwrap(),
        account: AccountName::parse("postgres").unwrap(),
        intervention: InterventionId::from_uuid(new_id(at(1)).unwrap()),
        documents: 4,
        recording: Some("hopital/2026/11/23/x".into()),
        at: at(10),
    }
}

#[test]
fn a_session_is_live_until_it_ends_once() {
    on_each_engine(async |store| {
        let first = start("hopital", "a");
        let record = AuditRecord::new(AuditKind::SessionStart, at(10)).session(first.id);
        assert_eq!(store.start_session(&first, &[record]).await.unwrap(), 1);
        assert_eq!(
            store
                .start_session(&start("mairie", "a"), &[])
                .await
                .unwrap(),
            2
        );
        let live = SessionQuery {
            live: true,
            client: Some(first.client.clone()),
            ..SessionQuery::default()
        };
        let listed = store.sessions(&live).await.unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!((&listed[0].start, &listed[0].end), (&first, &None));
        let end = SessionEnd {
            at: at(20),
            because: Some(crate::live::Because::Cut {
                by: "odile".to_owned(),
                reason: Some("enough".to_owned()),
            }),
            reason: "closed".into(),
            to_target: 7,
            to_technician: 1 << 40,
        };
        let over = [AuditRecord::new(AuditKind::SessionEnd, at(20))
            .session(first.id)
            .reason("closed")
            .detail("to-target", 7)
            .detail("to-technician", 1_u64 << 40)];
        assert!(store.end_session(first.id, &end, &over).await.unwrap());
        assert!(!store.end_session(first.id, &end, &over).await.unwrap());
        assert_eq!(store.sessions(&live).await.unwrap(), []);
        assert_eq!(store.session(1).await.unwrap().unwrap().end, Some(end));
        assert_eq!(store.session(3).await.unwrap(), None);
        let records = store
            .audit(&AuditQuery {
                session: Some(first.id),
                ..AuditQuery::default()
            })
            .await
            .unwrap();
        assert_eq!(records[0].record.detail["number"], 1);
        assert_eq!(records.len(), 2, "the second end wrote nothing");
    });
}

#[test]
fn sessions_of_a_gateway_that_died_are_ended_at_its_next_start_and_those_of_others_are_not() {
    on_each_engine(async |store| {
        let dead = SessionStart {
            recording: None,
            ..start("hopital", "a")
        };
        let began = AuditRecord::new(AuditKind::SessionStart, dead.at)
            .person(&dead.person)
            .source(dead.source)
            .client(&dead.client)
            .target(&dead.target)
            .intervention(dead.intervention)
            .session(dead.id);
        store.start_session(&dead, &[began]).await.unwrap();
        store
            .start_session(&start("hopital", "b"), &[])
            .await
            .unwrap();
        let found = store.orphans("a").await.unwrap();
        assert_eq!(found[0].start.id, dead.id);
        let last = LastMoment {
            at: at(42),
            by: KnownBy::Frame,
        };
        let ends = BTreeMap::from([(dead.id, last)]);
        let orphans = store.close_orphans("a", &ends, at(99)).await.unwrap();
        assert_eq!(
            orphans
                .iter()
                .map(|orphan| orphan.start.id)
                .collect::<Vec<_>>(),
            [dead.id]
        );
        let ended = store.session(1).await.unwrap().unwrap().end.unwrap();
        assert_eq!(
            (ended.at, ended.reason.as_str()),
            (at(42), KnownBy::Frame.reason())
        );
        assert_eq!(
            ended.because,
            Some(Because::Recovered {
                by: KnownBy::Frame,
                latest: Some(at(99)),
            })
        );
        assert_eq!(store.session(2).await.unwrap().unwrap().end, None);
        // The entry is of when it was written, and says when the session ended.
        let records = records_of(store, &[AuditKind::SessionEnd]).await;
        assert_eq!((records.len(), records[0].at), (1, at(99)));
        assert_eq!(records[0].detail["ended-at"], at(42).to_string());
        assert_eq!(records[0].detail["recovered"], true);
        assert_eq!(store.close_orphans("a", &ends, at(100)).await.unwrap(), []);
    });
}

#[test]
fn sessions_are_read_on_by_number() {
    on_each_engine(async |store| {
        for _ in 0..5 {
            store
                .start_session(&start("hopital", "a"), &[])
                .await
                .unwrap();
        }
        let query = SessionQuery {
            limit: Some(2),
            before: Some(5),
            ..SessionQuery::default()
        };
        let numbers: Vec<_> = store
            .sessions(&query)
            .await
            .unwrap()
            .iter()
            .map(|session| session.number)
            .collect();
        assert_eq!(numbers, [4, 3]);
    });
}

#[test]
fn c2_a_credential_comes_back_and_is_not_readable_in_the_database() {
    on_each_engine(async |store| {
        let (target, account) = (
            TargetId::parse("db01").unwrap(),
            AccountName::parse("postgres").unwrap(),
        );
        assert!(
            store
                .credential(&target, &account, at(9))
                .await
                .unwrap()
                .is_none()
        );
        let password = Credential::Password(Zeroizing::new("hunter2 hunter2".into()));
        assert!(
            !store
                .set_credential(&target, &account, &password, "root", at(1), &[])
                .await
                .unwrap()
        );
        let row = store
            .db()
            .row("SELECT sealed FROM credentials", &[])
            .await
            .unwrap()
            .unwrap();
        assert!(
            !row.bytes("sealed")
                .unwrap()
                .windows(7)
                .any(|window| window == b"hunter2")
        );
        let Some(Credential::Password(read)) =
            store.credential(&target, &account, at(9)).await.unwrap()
        else {
            panic!()
        };
        assert_eq!(read.as_str(), "hunter2 hunter2");

        let key = new_ed25519("a target's").unwrap();
        let credential = Credential::PrivateKey(Box::new(key.clone()));
        assert!(!format!("{credential:?}").contains("BEGIN"));
        assert!(
            store
                .set_credential(&target, &account, &credential, "root", at(2), &[])
                .await
                .unwrap(),
            "replaced"
        );
        let Some(Credential::PrivateKey(read)) =
            store.credential(&target, &account, at(9)).await.unwrap()
        else {
            panic!()
        };
        assert_eq!(
            read.to_openssh(LineEnding::LF).unwrap(),
            key.to_openssh(LineEnding::LF).unwrap()
        );
        assert_eq!(
            store.credentials().await.unwrap()[0].kind,
            CredentialKind::PrivateKey
        );
        assert!(
            store
                .remove_credential(&target, &account, &[])
                .await
                .unwrap()
        );
        assert!(
            !store
                .remove_credential(&target, &account, &[])
                .await
                .unwrap()
        );
    });
}

#[test]
fn a_credential_moved_to_another_account_does_not_open() {
    on_each_engine(async |store| {
        let (target, account) = (
            TargetId::parse("db01").unwrap(),
            AccountName::parse("postgres").unwrap(),
        );
        let password = Credential::Password(Zeroizing::new("secret".into()));
        store
            .set_credential(&target, &account, &password, "root", at(1), &[])
            .await
            .unwrap();
        let mut tx = store.db().begin().await.unwrap();
        tx.execute("UPDATE credentials SET account = 'intruder'", &[])
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let intruder = AccountName::parse("intruder").unwrap();
        assert!(matches!(
            store.credential(&target, &intruder, at(9)).await,
            Err(StoreError::Secret(_))
        ));
    });
}

#[test]
fn two_processes_that_need_the_authority_at_once_share_one() {
    on_each_engine(async |store| {
        let other = store.as_another_process().await;
        let (one, two) = tokio::join!(store.user_authority(at(1)), other.user_authority(at(1)));
        let (one, two) = (one.unwrap(), two.unwrap());
        assert_eq!(one.public_key().key_data(), two.public_key().key_data());
        let again = store.user_authority(at(2)).await.unwrap();
        assert_eq!(one.public_key().key_data(), again.public_key().key_data());
        assert_eq!(records_of(store, &[AuditKind::KeyMade]).await.len(), 1);
        other.close().await;
    });
}

#[test]
fn a_client_sees_the_host_key_alerts_of_its_own_targets() {
    on_each_engine(async |store| {
        let alert = HostKeyAlert {
            at: at(5),
            client: ClientId::parse("hopital").unwrap(),
            target: TargetId::parse("db01").unwrap(),
            expected: "SHA256:a".into(),
            got: "SHA256:b".into(),
        };
        store
            .alert_host_key(
                &alert,
                &[AuditRecord::new(AuditKind::HostKeyMismatch, at(5))],
            )
            .await
            .unwrap();
        assert_eq!(
            store.host_key_alerts(&alert.client, at(5)).await.unwrap(),
            std::slice::from_ref(&alert)
        );
        assert_eq!(
            store.host_key_alerts(&alert.client, at(6)).await.unwrap(),
            []
        );
        assert_eq!(
            store
                .host_key_alerts(&ClientId::parse("mairie").unwrap(), at(0))
                .await
                .unwrap(),
            []
        );
    });
}

/// R3: what a recording was sealed as stands in the store once, and its destruction beside it.
#[test]
fn a_recording_is_sealed_once_and_destroyed_on_record() {
    on_each_engine(async |store| {
        let first = start("hopital", "a");
        store.start_session(&first, &[]).await.unwrap();
        assert_eq!(store.sealed_recording(first.id).await.unwrap(), None);
        assert_eq!(store.unsealed_sessions().await.unwrap(), [], "it is live");
        let end = SessionEnd {
            at: at(20),
            because: None,
            reason: "closed".into(),
            to_target: 7,
            to_technician: 1,
        };
        store.end_session(first.id, &end, &[]).await.unwrap();
        assert_eq!(store.unsealed_sessions().await.unwrap(), [first.id]);
        let record = AuditRecord::new(AuditKind::RecordingSealed, at(21)).session(first.id);
        let seal = async |digest: &str| {
            let records = std::slice::from_ref(&record);
            store
                .sealed(first.id, digest, "files", at(21), records)
                .await
                .unwrap()
        };
        assert!(seal("ab").await);
        assert!(!seal("cd").await, "a recording is sealed once");
        let sealed = store.sealed_recording(first.id).await.unwrap().unwrap();
        assert_eq!(
            (sealed.manifest_sha256.as_str(), sealed.form.as_str()),
            ("ab", "files")
        );
        assert_eq!((sealed.at, sealed.destroyed), (at(21), false));
        assert_eq!(sealed.recording, first.recording);
        assert_eq!(store.unsealed_sessions().await.unwrap(), []);
        let gone = AuditRecord::new(AuditKind::RecordingDestroyed, at(22)).session(first.id);
        store.recording_destroyed(first.id, &[gone]).await.unwrap();
        let sealed = store.sealed_recording(first.id).await.unwrap().unwrap();
        assert!(sealed.destroyed);
        assert_eq!(store.journal_size().await.unwrap(), 2);
    });
}

/// R3: a journal form may become files, once; nothing else takes the place of a seal.
#[test]
fn a_seal_is_replaced_by_that_of_the_files_of_its_journal_and_by_no_other() {
    on_each_engine(async |store| {
        let first = start("hopital", "a");
        store.start_session(&first, &[]).await.unwrap();
        let record = AuditRecord::new(AuditKind::RecordingSealed, at(21)).session(first.id);
        let records = std::slice::from_ref(&record);
        let converted = async |digest: &str| {
            let done = store.converted(first.id, digest, at(22), records).await;
            done.unwrap()
        };
        assert!(!converted("cd").await, "nothing was sealed");
        let sealed = store
            .sealed(first.id, "ab", "journal", at(21), records)
            .await;
        assert!(sealed.unwrap());
        assert!(converted("cd").await);
        assert!(converted("cd").await, "said again");
        assert!(!converted("ef").await, "files are sealed once");
        let sealed = store.sealed_recording(first.id).await.unwrap().unwrap();
        assert_eq!(
            (sealed.manifest_sha256.as_str(), sealed.form.as_str()),
            ("cd", "files")
        );
        assert_eq!(store.journal_size().await.unwrap(), 2);
        store.recording_destroyed(first.id, &[]).await.unwrap();
        assert!(!converted("cd").await, "it is gone");
    });
}
