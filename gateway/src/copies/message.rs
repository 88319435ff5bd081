//! An entry of the journal, or a checkpoint, as one syslog message (RFC 5424) and as a frame of a TLS stream (RFC 5425).
//!
//! The structured data is for those who search: number, person, target. The text is the entry itself, byte for byte as
//! it was hashed, so that whoever kept it can check it against the log later; what travels in front of it proves
//! nothing. Duplicates are told by `seq`.

use ecluse_policy::ClientId;
use ecluse_recordings::log::checkpoint::write_moment;
use ecluse_recordings::log::{Entry, Extension};
use serde_json::json;

use crate::audit::AuditVerdict;
use crate::store::{JournalEntry, TrailHead};

/// Facility 13, "log audit".
const FACILITY: u8 = 13;
/// The structured data's name; 32473 is the number that RFC 5612 keeps for examples, so that nobody else's is taken.
const SD_ID: &str = "ecluse@32473";
/// UTF-8 follows (RFC 5424 §6.4).
const BOM: &str = "\u{feff}";

/// Severities (RFC 5424 §6.2.1) in use.
#[derive(Debug, Clone, Copy)]
enum Severity {
    Warning = 4,
    Notice = 5,
    Informational = 6,
}

/// Who sends: the same in every message of this process.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    hostname: String,
    process: u32,
}

impl Sender {
    /// This machine and process.
    pub(super) fn this_process() -> Self {
        Self {
            hostname: printable(&rustix::system::uname().nodename().to_string_lossy(), 255),
            process: std::process::id(),
        }
    }

    /// The message of an entry; none where its words were destroyed.
    pub(super) fn entry(&self, stored: &JournalEntry) -> Option<Vec<u8>> {
        let line = stored.line.as_deref()?;
        let mut data = Data::new();
        data.add("seq", &stored.seq.to_string());
        data.add("leaf", &stored.leaf.to_string());
        // A line that does not read goes out as it is: that it does not is for the receiver to see.
        let Ok(entry) = Entry::parse(line.as_bytes()) else {
            return Some(self.message(Severity::Warning, None, "-", data, line));
        };
        for (name, value) in [
            ("person", &entry.person),
            ("station", &entry.station),
            ("source", &entry.source),
            ("client", &entry.client),
            ("target", &entry.target),
            ("intervention", &entry.intervention),
            ("session", &entry.session),
            ("verdict", &entry.verdict),
            ("reason", &entry.reason),
        ] {
            if let Some(value) = value {
                data.add(name, value);
            }
        }
        let severity = match entry.verdict.as_deref().and_then(AuditVerdict::parse) {
            Some(AuditVerdict::Refuse) => Severity::Warning,
            Some(AuditVerdict::Permit) => Severity::Notice,
            None => Severity::Informational,
        };
        let kind = printable(&entry.kind, 32);
        Some(self.message(severity, Some(entry.at_us), &kind, data, line))
    }

    /// The message of a checkpoint with its proof, and how far the client's own trail had come then. A line of JSON,
    /// since receivers break messages at line feeds.
    pub(super) fn checkpoint(
        &self,
        extension: &Extension,
        trail: Option<(&ClientId, TrailHead)>,
    ) -> Vec<u8> {
        let signed = extension.note.unverified().ok();
        let mut data = Data::new();
        if let Some(signed) = &signed {
            data.add("size", &signed.size.to_string());
            data.add("root", &signed.root.to_string());
            data.add("origin", &signed.origin);
        }
        if let Some((client, head)) = &trail {
            data.add("client", client.as_str());
            data.add("entries", &head.nth.to_string());
            data.add("head", &head.leaf.to_string());
        }
        let proof: Vec<String> = extension
            .proof
            .iter()
            .map(|hash| hash.to_base64())
            .collect();
        let text = json!({
            "checkpoint": extension.note.text(),
            "old": extension.old,
            "consistency": proof,
            "trail": trail.map(|(client, head)| json!({
                "client": client.as_str(),
                "entries": head.nth,
                "head": head.leaf.to_string(),
            })),
        })
        .to_string();
        let at = signed.map(|signed| signed.at_us);
        self.message(Severity::Informational, at, "checkpoint", data, &text)
    }

    fn message(
        &self,
        severity: Severity,
        at_us: Option<i64>,
        kind: &str,
        data: Data,
        text: &str,
    ) -> Vec<u8> {
        let priority = FACILITY * 8 + severity as u8;
        let at = at_us
            .filter(|at| at_us_writes(*at))
            .map_or_else(|| "-".to_owned(), write_moment);
        let (hostname, process) = (&self.hostname, self.process);
        let data = data.text();
        format!("<{priority}>1 {at} {hostname} ecluse {process} {kind} {data} {BOM}{text}")
            .into_bytes()
    }
}

/// The message with its length in front (RFC 5425 §4.3).
pub(super) fn frame(message: &[u8]) -> Vec<u8> {
    let mut frame = format!("{} ", message.len()).into_bytes();
    frame.extend_from_slice(message);
    frame
}

/// Whether the time has four digits for its year.
fn at_us_writes(at_us: i64) -> bool {
    // 9999-12-31T23:59:59.999999Z
    (0..=253_402_300_799_999_999).contains(&at_us)
}

/// Printable ASCII without spaces, as headers demand; `-` for nothing.
fn printable(text: &str, most: usize) -> String {
    let kept: String = text
        .chars()
        .filter(char::is_ascii_graphic)
        .take(most)
        .collect();
    if kept.is_empty() {
        "-".to_owned()
    } else {
        kept
    }
}

/// One element of structured data.
struct Data(String);

impl Data {
    fn new() -> Self {
        Self(format!("[{SD_ID}"))
    }

    fn add(&mut self, name: &str, value: &str) {
        self.0.push(' ');
        self.0.push_str(name);
        self.0.push_str("=\"");
        // Harmless first: no line feed of a stranger begins a line at a receiver that splits at them.
        for character in ecluse_recordings::neutralise(value).chars() {
            // RFC 5424 §6.3.3: these three, and no other.
            if matches!(character, '"' | '\\' | ']') {
                self.0.push('\\');
            }
            self.0.push(character);
        }
        self.0.push('"');
    }

    fn text(self) -> String {
        self.0 + "]"
    }
}

#[cfg(test)]
mod tests {
    use ecluse_recordings::log::leaf_hash;

    use super::*;

    fn sender() -> Sender {
        Sender {
            hostname: "gw1".to_owned(),
            process: 42,
        }
    }

    fn stored(line: &str) -> JournalEntry {
        JournalEntry {
            seq: 7,
            leaf: leaf_hash(line.as_bytes()),
            line: Some(line.to_owned()),
            destroyed_by: None,
        }
    }

    fn line(reason: &str, verdict: &str) -> String {
        let entry = json!({
            "salt": "00112233445566778899aabbccddeeff", "seq": 7, "at": 1_795_600_800_123_456i64, "kind": "flow-refused",
            "person": "alice", "client": "hopital", "verdict": verdict, "reason": reason, "detail": {},
        });
        let entry: Entry = Entry::parse(entry.to_string().as_bytes()).unwrap();
        String::from_utf8(entry.to_line().unwrap()).unwrap()
    }

    fn text(line: &str) -> String {
        String::from_utf8(sender().entry(&stored(line)).unwrap()).unwrap()
    }

    #[test]
    fn a_message_has_the_form_of_rfc_5424() {
        let line = line("because", "refuse");
        let text = text(&line);
        let leaf = leaf_hash(line.as_bytes());
        assert_eq!(
            text,
            format!(
                "<108>1 2026-11-25T10:00:00.123456Z gw1 ecluse 42 flow-refused [ecluse@32473 seq=\"7\" leaf=\"{leaf}\" \
                 person=\"alice\" client=\"hopital\" verdict=\"refuse\" reason=\"because\"] \u{feff}{line}"
            )
        );
    }

    #[test]
    fn the_severity_follows_the_verdict() {
        assert!(text(&line("x", "refuse")).starts_with("<108>"));
        assert!(text(&line("x", "permit")).starts_with("<109>"));
        let none = line("x", "permit").replace("\"verdict\":\"permit\",", "");
        assert!(text(&none).starts_with("<110>"), "{none}");
    }

    /// RFC 5424 §6.3.3. What a stranger wrote closes no field and begins no line.
    #[test]
    fn strangers_words_stay_inside_their_field() {
        let text = text(&line("a\"b]c\\d\n<0>1 - - - - - -", "refuse"));
        let (head, entry) = text.split_once('\u{feff}').unwrap();
        assert!(head.contains(r#"reason="a\"b\]c\\d"#), "{head}");
        assert!(!head.contains('\n'), "{head}");
        assert!(!entry.contains('\n'), "{entry}");
    }

    /// The text after the mark is what was hashed.
    #[test]
    fn the_text_is_the_entry_byte_for_byte() {
        let line = line("é \u{1f512}", "permit");
        let message = sender().entry(&stored(&line)).unwrap();
        let mark = BOM.as_bytes();
        let at = message
            .windows(mark.len())
            .position(|window| window == mark)
            .unwrap();
        let sent = &message[at + mark.len()..];
        assert_eq!(leaf_hash(sent), leaf_hash(line.as_bytes()));
    }

    #[test]
    fn a_destroyed_entry_is_not_sent_and_an_unreadable_one_is() {
        let mut gone = stored("x");
        gone.line = None;
        assert!(sender().entry(&gone).is_none());
        let text = text("not json");
        assert!(text.starts_with("<108>1 - gw1 ecluse 42 - [ecluse@32473 seq=\"7\""));
        assert!(text.ends_with("\u{feff}not json"));
    }

    #[test]
    fn a_time_beyond_the_format_is_left_out() {
        for at in [i64::MIN, -1, i64::MAX] {
            let line = line("x", "permit").replace("1795600800123456", &at.to_string());
            let text = text(&line);
            assert!(
                text.starts_with("<109>1 - gw1") || text.starts_with("<108>1 - gw1"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_frame_tells_its_length_in_bytes() {
        assert_eq!(frame("é".as_bytes()), b"2 \xc3\xa9");
    }

    #[test]
    fn headers_are_printable_and_never_empty() {
        assert_eq!(printable("", 3), "-");
        assert_eq!(printable("a b\u{e9}\nc", 255), "abc");
        assert_eq!(printable("abcd", 3), "abc");
    }
}
