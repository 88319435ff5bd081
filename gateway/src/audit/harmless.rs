//! Texts of strangers before they enter a record: bounded, and without anything that a terminal would obey (R11).

use serde_json::Value;

/// Longest text a record keeps of what others wrote, in characters.
pub(crate) const LONGEST: usize = 2000;

/// The same for every text within a value.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "numbers and the like are no text"
)]
pub(super) fn harmless_value(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(harmless(&text)),
        Value::Array(list) => Value::Array(list.into_iter().map(harmless_value).collect()),
        Value::Object(map) => Value::Object(
            map.into_iter()
                .map(|(key, value)| (harmless(&key), harmless_value(value)))
                .collect(),
        ),
        other => other,
    }
}

/// A stranger's text, bounded and without anything a terminal would obey.
pub(super) fn harmless(text: &str) -> String {
    let bounded: String = text.chars().take(LONGEST).collect();
    ecluse_recordings::neutralise(&bounded)
}
