//! What a door or a verdict believes is what the log says last: sealed secrets, ends of gateways, answers to orders, lists.

use ecluse_policy::{AccountName, ClientId, CodeOutcome, PersonId, SessionId, TargetId};
use zeroize::Zeroizing;

use super::identity::{alice, judge};
use super::sessions::{began, record as of_session};
use super::{at, confirmed};
use crate::archive::cut_short;
use crate::audit::{AuditKind, AuditRecord, SECRET};
use crate::identity::totp::TotpSecret;
use crate::live::{CutWhat, Order};
use crate::store::sql::values;
use crate::store::testing::{TestStore, on_each_engine, records_of};
use crate::store::{
    Credential, Enrolled, Held, NODE, ORDER, Reply, ServeLock, SessionQuery, Store, StoreError,
};

pub(super) async fn enrolled(store: &Store) -> TotpSecret {
    let secret = TotpSecret::generate().unwrap();
    let record = AuditRecord::new(AuditKind::Enrolment, at(1)).person(&alice());
    let done = store
        .enrol(&confirmed(&alice(), &secret), true, &[record])
        .await
        .unwrap();
    assert_eq!(done, Enrolled::Done);
    secret
}

async fn sealed(store: &TestStore, sql: &'static str) -> Vec<u8> {
    let row = store.db().row(sql, &[]).await.unwrap().unwrap();
    row.bytes("sealed").unwrap()
}

async fn put_back(store: &TestStore, sql: &'static str, sealed: &[u8]) {
    let mut tx = store.db().begin().await.unwrap();
    assert_eq!(tx.execute(sql, values![sealed]).await.unwrap(), 1);
    tx.commit().await.unwrap();
}

async fn told(store: &Store) -> Vec<AuditRecord> {
    records_of(store, &[AuditKind::NotOnRecord]).await
}

const ENROLMENT: &str = "SELECT secret AS sealed FROM enrolments";

/// A3, A8: the row of a second factor that was replaced lets nobody in again, on a node that saw the replacement and on one that
/// begins later; the right row does. It is told once.
#[test]
fn a3_a_second_factor_that_was_replaced_stays_so() {
    on_each_engine(async |store| {
        let old = enrolled(store).await;
        let row = sealed(store, ENROLMENT).await;
        let new = enrolled(store).await;
        let right = sealed(store, ENROLMENT).await;
        put_back(store, "UPDATE enrolments SET secret = $1", &row).await;
        // More often than a wrong code may come: nobody is blocked by what nobody could judge.
        for (seconds, other) in (0..8).map(|n| (3000 + 60 * n, n == 1)) {
            let code = old.code(at(seconds));
            let outcome = if other {
                let other = store.as_another_process().await;
                let of = judge(&other, &alice(), &code, seconds).await;
                other.close().await;
                of
            } else {
                judge(store, &alice(), &code, seconds).await
            };
            assert_eq!(outcome, CodeOutcome::NotEnrolled);
        }
        let found = told(store).await;
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].detail[SECRET], "enrolment of alice");
        let refused = records_of(store, &[AuditKind::LogOnRefused]).await;
        let why = "the enrolment in the store is not the one on record";
        assert_eq!(refused[0].reason.as_deref(), Some(why));
        put_back(store, "UPDATE enrolments SET secret = $1", &right).await;
        let code = new.code(at(3600));
        let outcome = judge(store, &alice(), &code, 3600).await;
        assert_eq!(outcome, CodeOutcome::Accepted);
    });
}

/// A8: an enrolment that was disabled on record is not enabled by its row.
#[test]
fn a8_a_disabled_enrolment_stays_so() {
    on_each_engine(async |store| {
        let secret = enrolled(store).await;
        // Nor one whose row somebody disabled first, so that there is nothing left to disable.
        store
            .changed_by_hand("UPDATE enrolments SET disabled_at = 1")
            .await;
        let record = AuditRecord::new(AuditKind::EnrolmentDisabled, at(5)).person(&alice());
        let disabled = store.disable_enrolment(&alice(), at(5), &[record]).await;
        assert!(disabled.unwrap());
        store
            .changed_by_hand("UPDATE enrolments SET disabled_at = NULL")
            .await;
        let code = secret.code(at(3000));
        let outcome = judge(store, &alice(), &code, 3000).await;
        assert_eq!(outcome, CodeOutcome::NotEnrolled);
        assert_eq!(told(store).await.len(), 1);
    });
}

/// Where the log has no digest yet, as from before, the row is believed.
#[test]
fn a_second_factor_from_before_goes_on_working() {
    on_each_engine(async |store| {
        let secret = TotpSecret::generate().unwrap();
        let done = store
            .enrol(&confirmed(&alice(), &secret), false, &[])
            .await
            .unwrap();
        assert_eq!(done, Enrolled::Done);
        let record = AuditRecord::new(AuditKind::Enrolment, at(1)).person(&alice());
        store.record(&[record]).await.unwrap();
        let code = secret.code(at(3000));
        let outcome = judge(store, &alice(), &code, 3000).await;
        assert_eq!(outcome, CodeOutcome::Accepted);
    });
}

/// C2: neither does the gateway log on with a credential that was replaced.
#[test]
fn c2_a_credential_that_was_replaced_stays_so() {
    on_each_engine(async |store| {
        let target = TargetId::parse("db01").unwrap();
        let account = AccountName::parse("postgres").unwrap();
        let set = async |word: &str| {
            let secret = Credential::Password(Zeroizing::new(word.to_owned()));
            let record = AuditRecord::new(AuditKind::CredentialSet, at(1))
                .target(&target)
                .detail("account", account.as_str())
                .detail("credential", secret.kind().to_string());
            store
                .set_credential(&target, &account, &secret, "root", at(1), &[record])
                .await
                .unwrap();
        };
        set("old").await;
        let row = sealed(store, "SELECT sealed FROM credentials").await;
        set("new").await;
        let right = sealed(store, "SELECT sealed FROM credentials").await;
        put_back(store, "UPDATE credentials SET sealed = $1", &row).await;
        for _ in 0..2 {
            let error = store.credential(&target, &account, at(9)).await;
            let is_told = matches!(error, Err(StoreError::NotOnRecord { .. }));
            assert!(is_told, "{error:?}");
        }
        assert_eq!(told(store).await.len(), 1);
        put_back(store, "UPDATE credentials SET sealed = $1", &right).await;
        let found = store.credential(&target, &account, at(9)).await.unwrap();
        assert!(matches!(found, Some(Credential::Password(word)) if word.as_str() == "new"));
        // One that is removed on record stays so, although somebody took its row away before and puts it back.
        for sql in [
            "CREATE TABLE kept AS SELECT * FROM credentials",
            "DELETE FROM credentials",
        ] {
            store.changed_by_hand(sql).await;
        }
        let record = AuditRecord::new(AuditKind::CredentialSet, at(2))
            .target(&target)
            .detail("account", account.as_str());
        for is_there in [true, false] {
            let removed = store.remove_credential(&target, &account, std::slice::from_ref(&record));
            assert_eq!(removed.await.unwrap(), is_there);
        }
        let back = "INSERT INTO credentials SELECT * FROM kept";
        store.changed_by_hand(back).await;
        let error = store.credential(&target, &account, at(9)).await;
        assert!(
            matches!(error, Err(StoreError::NotOnRecord { .. })),
            "{error:?}"
        );
    });
}

/// N3: whether a gateway stopped in order the log decides, and not the file of its lock, which was taken away.
#[test]
fn n3_a_gateway_that_was_killed_is_told_of_without_its_lock_file() {
    on_each_engine(async |store| {
        let begin = async |node: &str| {
            let parts = [("ssh".to_owned(), "as it was".to_owned())].into();
            store
                .begin_with_settings(node, &parts, at(1))
                .await
                .unwrap();
        };
        let starts = async |node: &str| {
            let dir = tempfile::tempdir().unwrap();
            let lock = ServeLock::take(dir.path()).unwrap();
            assert_eq!(lock.unended(), None);
            cut_short::tell(store, &lock, node, at(9)).await.unwrap();
        };
        let told = async || records_of(store, &[AuditKind::ServeCutShort]).await.len();
        let stop = AuditRecord::new(AuditKind::GatewayStop, at(2));
        // It never began; it ended in order, as an earlier version says that and as this one does.
        starts("a").await;
        for stop in [stop.clone(), stop.clone().detail(NODE, "a")] {
            begin("a").await;
            store.record(&[stop]).await.unwrap();
            starts("a").await;
        }
        assert_eq!(told().await, 0);
        begin("a").await;
        // That another one ended says nothing of this one.
        begin("b").await;
        store.record(&[stop.detail(NODE, "b")]).await.unwrap();
        for _ in 0..2 {
            starts("a").await;
            assert_eq!(told().await, 1, "once");
        }
        // A process that reads the log anew says the same.
        let other = store.as_another_process().await;
        assert_eq!(other.unended_run("a").await.unwrap(), None);
        begin("a").await;
        assert_eq!(other.unended_run("a").await.unwrap(), Some((at(1), true)));
        other.close().await;
    });
}

/// I5: what a node answers to an order counts for what the log has of it, and an answer that the node did not give keeps it from
/// obeying nothing.
#[test]
fn i5_an_answer_to_an_order_is_what_the_log_has() {
    on_each_engine(async |store| {
        let session = began(store).await;
        let order = Order {
            client: ClientId::parse("hopital").unwrap(),
            by: PersonId::parse("odile").unwrap(),
            what: CutWhat::All,
            reason: None,
        };
        let record = AuditRecord::new(AuditKind::CutOrdered, at(1)).client(&order.client);
        let given = store
            .give_order(&order, &["b".to_owned()], record, &[])
            .await
            .unwrap();
        store
            .changed_by_hand(
                "UPDATE orders SET answer = '{\"done\":{\"sessions\":[1],\"guests\":[]}}'",
            )
            .await;
        assert_eq!(store.answers(&given).await.unwrap().len(), 1);
        let cuts = store.cuts_of(&given).await.unwrap();
        assert!(
            cuts.sessions.is_empty() && cuts.open.contains(&1),
            "{cuts:?}"
        );
        assert_eq!(store.orders_for("b").await.unwrap(), []);
        let held = store.orders_answered("b").await.unwrap();
        assert!(matches!(held.as_slice(), [Held::OnRecord { id, .. }] if *id == given.id));
        let cut = of_session(AuditKind::Cut, &session, 2)
            .detail("number", 1)
            .detail(ORDER, given.id.to_string());
        let guest = AuditRecord::new(AuditKind::Cut, at(2)).detail(ORDER, given.id.to_string());
        let reply = Reply::Done {
            sessions: vec![1],
            guests: vec![alice()],
        };
        store
            .answer_orders(&[given.id], "b", &reply, &[cut, guest])
            .await
            .unwrap();
        let cuts = store.cuts_of(&given).await.unwrap();
        assert!(cuts.sessions.contains(&1) && cuts.guests == 1, "{cuts:?}");
    });
}

/// R10: a session whose row names another client or person, or is gone, is found by who asks for it all the same.
#[test]
fn r10_no_list_leaves_a_session_out_in_silence() {
    on_each_engine(async |store| {
        let start = began(store).await;
        let of = |person: Option<&str>, until: Option<i64>| SessionQuery {
            client: Some(start.client.clone()),
            person: person.map(|person| PersonId::parse(person).unwrap()),
            until: until.map(at),
            ..SessionQuery::default()
        };
        let hidden = async |query: SessionQuery| {
            let hidden = store.hidden_sessions(&query).await.unwrap();
            let gone: Vec<u64> = hidden.gone.iter().map(|fault| fault.number).collect();
            let ids: Vec<SessionId> = hidden.ids().into_iter().collect();
            (ids, gone)
        };
        let none: (Vec<SessionId>, Vec<u64>) = (vec![], vec![]);
        assert_eq!(hidden(of(None, None)).await, none);
        for altered in [
            "UPDATE sessions SET client = 'mairie'",
            "UPDATE sessions SET client = 'hopital', person = 'bruno'",
            "UPDATE sessions SET person = 'alice', started_at = started_at + 1",
        ] {
            store.changed_by_hand(altered).await;
            let found = (vec![start.id], vec![]);
            assert_eq!(hidden(of(Some("alice"), None)).await, found, "{altered}");
            assert_eq!(hidden(of(Some("bruno"), None)).await, none, "{altered}");
            assert_eq!(hidden(of(None, Some(9))).await, none, "{altered}");
        }
        store.changed_by_hand("DELETE FROM sessions").await;
        assert_eq!(hidden(of(Some("alice"), None)).await, (vec![], vec![1]));
        assert_eq!(hidden(of(Some("bruno"), None)).await, none);
        let gone = store.gone_session(Some(&start.client), 1).await.unwrap();
        assert_eq!(gone.unwrap().id, start.id);
        let other = ClientId::parse("mairie").unwrap();
        assert!(store.gone_session(Some(&other), 1).await.unwrap().is_none());
    });
}
