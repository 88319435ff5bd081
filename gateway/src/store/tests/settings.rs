//! With which settings a gateway begins is on record (R5).

use std::collections::BTreeMap;

use super::at;
use crate::audit::{AuditKind, AuditRecord};
use crate::store::testing::{on_each_engine, records_of};

fn parts(node: &str) -> BTreeMap<String, String> {
    [("node", node), ("ssh", "as it was")]
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .into()
}

fn of(record: &AuditRecord) -> (Option<String>, Option<String>) {
    let text = |name: &str| {
        let found = record.detail.iter().find(|(key, _)| key.as_str() == name);
        found.map(|(_, value)| value.to_string())
    };
    (text("node"), text("parts"))
}

/// R5: each node is compared with its own last beginning. That another one of the same store, whose settings are its own,
/// began between is no change, and a change of one is told of that one.
#[test]
fn r5_settings_change_where_the_same_node_began_with_others() {
    on_each_engine(async |store| {
        for second in 0..2 {
            for node in ["a", "b"] {
                let at = at(second);
                store
                    .begin_with_settings(node, &parts(node), at)
                    .await
                    .unwrap();
            }
        }
        // The second one joined, with other settings of its own.
        let changes = async || {
            let mut all = records_of(store, &[AuditKind::SettingsChange]).await;
            all.retain(|record| !record.detail.contains_key("change"));
            all
        };
        assert!(changes().await.is_empty());
        let mut other = parts("b");
        other.insert("ssh".into(), "as it is".into());
        store.begin_with_settings("b", &other, at(2)).await.unwrap();
        store
            .begin_with_settings("a", &parts("a"), at(3))
            .await
            .unwrap();
        let told: Vec<_> = changes().await.iter().map(of).collect();
        let expected = (Some(r#""b""#.to_owned()), Some(r#"["ssh"]"#.to_owned()));
        assert!(
            !told.is_empty() && told.iter().all(|one| *one == expected),
            "{told:?}"
        );
    });
}

/// R5: a gateway that the store does not know is compared with the last of the others that began, and that it joined is told; so
/// is what the store kept of settings where it is gone, or is not what is on record.
#[test]
fn r5_no_settings_begin_unseen_under_another_name() {
    on_each_engine(async |store| {
        let begin = async |node: &str, ssh: &str, second: i64| {
            let mut parts = parts("one name");
            parts.insert("ssh".into(), ssh.to_owned());
            let done = store.begin_with_settings(node, &parts, at(second));
            done.await.unwrap();
        };
        let last = async || {
            let all = records_of(store, &[AuditKind::SettingsChange]).await;
            let change = all.last().and_then(|last| last.detail.get("change"));
            let joined = change.map(|change| change.as_str().unwrap().to_owned());
            let last = all.last().map(of).unwrap_or_default();
            (all.len(), joined, last.0, last.1)
        };
        let some = |text: &str| Some(text.to_owned());
        begin("a", "strict", 1).await;
        assert_eq!(last().await.0, 0);
        begin("b", "weak", 2).await;
        let joined = (1, some("joined"), some(r#""b""#), some(r#"["ssh"]"#));
        assert_eq!(last().await, joined);
        begin("c", "weak", 3).await;
        let joined = (2, some("joined"), some(r#""c""#), some("[]"));
        assert_eq!(last().await, joined);
        begin("c", "weak", 4).await;
        assert_eq!(last().await.0, 2);
        // The facts go by hand.
        let lost = |count| (count, None, some(r#""a""#), some(r#"["node","ssh"]"#));
        store
            .changed_by_hand("DELETE FROM facts WHERE name = 'settings of a'")
            .await;
        begin("a", "weak", 5).await;
        assert_eq!(last().await, lost(3));
        store
            .changed_by_hand("UPDATE facts SET value = (SELECT value FROM facts WHERE name = 'settings of c') WHERE name = 'settings of a'")
            .await;
        begin("a", "weak", 6).await;
        assert_eq!(last().await, lost(4));
        begin("a", "weak", 7).await;
        assert_eq!(last().await.0, 4);
    });
}
