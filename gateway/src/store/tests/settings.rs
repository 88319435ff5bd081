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
        let changes = || records_of(store, &[AuditKind::SettingsChange]);
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
