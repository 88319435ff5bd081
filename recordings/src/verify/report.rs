//! What verification answers: one verdict, what it rests on, and each finding with the file or entry it concerns.

use std::fmt::{self, Write as _};

use serde::Serialize;

use crate::layout::moment;

/// Most findings and notes that are kept; a stranger's bundle may be wrong in a million places.
const MAX_LINES: usize = 1000;

/// What is to be said of a bundle or a recording.
///
/// Where several hold, the report's verdict is the most severe, in this order: *altered* (what is there is not what
/// was), *reordered* (it is, elsewhere), *missing* (it is not there), *not in the log* (nothing vouches for it), *older*
/// (than the checkpoint that it was to be compared with, which accuses nobody), *cut short* (as the gateway itself says),
/// *intact*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything is as it was sealed.
    Intact,
    /// Everything is as it was sealed; a recording stops where a crash stopped it.
    CutShort,
    /// Something was changed.
    Altered,
    /// Something is not there.
    Missing,
    /// Something is not in its place.
    Reordered,
    /// Nothing shows that it is in the journal.
    NotInLog,
    /// It was made before the checkpoint that it was to be compared with, and nothing that was given joins the two.
    Older,
}

impl Verdict {
    /// The exit code of `ecluse verify`; 1 is a failure to run, 2 wrong usage.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Verdict::Intact => 0,
            Verdict::CutShort => 3,
            Verdict::Altered => 4,
            Verdict::Missing => 5,
            Verdict::Reordered => 6,
            Verdict::NotInLog => 7,
            Verdict::Older => 8,
        }
    }

    const fn severity(self) -> u8 {
        match self {
            Verdict::Intact => 0,
            Verdict::CutShort => 1,
            Verdict::Older => 2,
            Verdict::NotInLog => 3,
            Verdict::Missing => 4,
            Verdict::Reordered => 5,
            Verdict::Altered => 6,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Verdict::Intact => "intact",
            Verdict::CutShort => "cut short by a crash",
            Verdict::Altered => "altered",
            Verdict::Missing => "missing",
            Verdict::Reordered => "reordered",
            Verdict::NotInLog => "not in the log",
            Verdict::Older => "older than the checkpoint",
        })
    }
}

/// One thing that is not as it was sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which kind of thing.
    pub verdict: Verdict,
    /// The file or entry, such as `recordings/…/manifest.json` or `entry 12`.
    pub place: String,
    /// What is wrong, in words.
    pub text: String,
}

/// Something to know that speaks for or against nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// The file or entry.
    pub place: String,
    /// What there is to know, in words.
    pub text: String,
}

/// One recording, as far as it was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct RecordingLine {
    /// The session.
    pub session: String,
    /// The client.
    pub client: String,
    /// The target.
    pub target: String,
    /// The technician.
    pub person: String,
    /// When it began. **Unit**: microseconds since 1970, UTC.
    pub started: i64,
    /// How many files its manifest names.
    pub files: usize,
    /// Whether a key was given that read all of it, to its end.
    pub read: bool,
}

/// The journal, as far as it was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct LogLine {
    /// Its name.
    pub origin: String,
    /// Entries that the checkpoint covers.
    pub size: u64,
    /// The checkpoint's root, hexadecimal.
    pub root: String,
    /// When the checkpoint was made. **Unit**: microseconds since 1970, UTC.
    pub at: i64,
    /// Entries that were shown to be in it.
    pub entries: u64,
    /// Who cosigned it, with a key that was given, and when (seconds since 1970).
    pub cosigned: Vec<(String, u64)>,
    /// Sizes of the earlier checkpoints that it was shown to extend.
    pub extends: Vec<u64>,
    /// Sizes of the later checkpoints that were shown to extend it.
    pub extended_by: Vec<u64>,
}

/// Whose word it all rests on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct TrustLine {
    /// Whether the keys that sign files were given by whoever verifies; otherwise they came with what they sign.
    pub signers_given: bool,
    /// Fingerprints of the keys that did sign, as `ssh-keygen -l` prints them.
    pub signers: Vec<String>,
    /// Whether the keys that sign checkpoints were given by whoever verifies.
    pub log_keys_given: bool,
    /// The key that signed the checkpoint.
    pub log_keys: Vec<String>,
}

/// What verification answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// The most severe of all findings.
    pub verdict: Verdict,
    /// Every finding, the most severe first.
    pub findings: Vec<Finding>,
    /// What else there is to know.
    pub notes: Vec<Note>,
    /// Whose word it rests on.
    pub trust: TrustLine,
    /// What the bundle was asked to hold, in words; none where it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_for: Option<String>,
    /// The journal; none where only a recording was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<LogLine>,
    /// The recordings.
    pub recordings: Vec<RecordingLine>,
}

impl Default for Report {
    fn default() -> Self {
        Report {
            verdict: Verdict::Intact,
            findings: Vec::new(),
            notes: Vec::new(),
            trust: TrustLine::default(),
            asked_for: None,
            log: None,
            recordings: Vec::new(),
        }
    }
}

impl Report {
    /// Adds a finding. Texts come from the files themselves in part, and are made harmless here.
    pub(super) fn find(
        &mut self,
        verdict: Verdict,
        place: impl AsRef<[u8]>,
        text: impl AsRef<[u8]>,
    ) {
        if verdict.severity() > self.verdict.severity() {
            self.verdict = verdict;
        }
        let finding = Finding {
            verdict,
            place: crate::neutralise(place),
            text: crate::neutralise(text),
        };
        if self.findings.contains(&finding) {
            return;
        }
        // The most severe first: what there is no room for is the least of it.
        let graver = |found: &Finding| found.verdict.severity() >= verdict.severity();
        let place = self.findings.partition_point(graver);
        self.findings.insert(place, finding);
        self.findings.truncate(MAX_LINES);
    }

    /// Adds a note.
    pub(super) fn note(&mut self, place: impl AsRef<[u8]>, text: impl AsRef<[u8]>) {
        let note = Note {
            place: crate::neutralise(place),
            text: crate::neutralise(text),
        };
        if self.notes.len() < MAX_LINES && !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// The report for people; safe for a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = format!("verdict: {}\n", self.verdict);
        for finding in &self.findings {
            let Finding {
                verdict,
                place,
                text,
            } = finding;
            let _ = writeln!(out, "  {verdict}: {place}: {text}");
        }
        if self.findings.len() == MAX_LINES {
            out.push_str("  … and more\n");
        }
        for Note { place, text } in &self.notes {
            let _ = writeln!(out, "  note: {place}: {text}");
        }
        if let Some(asked_for) = &self.asked_for {
            let _ = writeln!(out, "asked for: {}", crate::neutralise(asked_for));
        }
        for recording in &self.recordings {
            let _ = writeln!(
                out,
                "recording {}: {} on {} of {}, {}; {} {}, {}",
                recording.session,
                crate::neutralise(&recording.person),
                crate::neutralise(&recording.target),
                crate::neutralise(&recording.client),
                moment(recording.started),
                recording.files,
                if recording.files == 1 {
                    "file"
                } else {
                    "files"
                },
                if recording.read {
                    "read to the end with the key given"
                } else {
                    "not read (no key given that opens it)"
                }
            );
        }
        self.log_text(&mut out);
        self.trust_text(&mut out);
        out
    }

    fn log_text(&self, out: &mut String) {
        let Some(log) = &self.log else { return };
        let _ = writeln!(
            out,
            "journal {}: {} entries shown to be among its first {}, checkpoint of {}",
            crate::neutralise(&log.origin),
            log.entries,
            log.size,
            moment(log.at)
        );
        for (name, seconds) in &log.cosigned {
            let micros = i64::try_from(*seconds)
                .unwrap_or(i64::MAX)
                .saturating_mul(1_000_000);
            let _ = writeln!(
                out,
                "  countersigned by {} at {}",
                crate::neutralise(name),
                moment(micros)
            );
        }
        for size in &log.extends {
            let _ = writeln!(out, "  extends the checkpoint of {size} entries");
        }
        for size in &log.extended_by {
            let _ = writeln!(
                out,
                "  is the beginning of the checkpoint of {size} entries"
            );
        }
        if log.extends.is_empty() && log.extended_by.is_empty() {
            out.push_str(
                "  not compared with an earlier checkpoint: a journal written anew would not be seen (--since)\n",
            );
        }
    }

    fn trust_text(&self, out: &mut String) {
        let trust = &self.trust;
        for signer in &trust.signers {
            let _ = writeln!(out, "signed by {signer}");
        }
        for key in &trust.log_keys {
            let _ = writeln!(out, "checkpoint signed by {key}");
        }
        let given = trust.signers_given && (trust.log_keys_given || self.log.is_none());
        if !given {
            out.push_str(
                "These keys came with what they sign and vouch only for themselves: compare them with what the gateway's \
                 administrator gave you in another way, or give the keys you trust (--signers, --log-key).\n",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_finding_decides() {
        use Verdict::{Altered, CutShort, Missing, NotInLog, Older, Reordered};
        let order = [CutShort, Older, NotInLog, Missing, Reordered, Altered];
        for (at, worst) in order.into_iter().enumerate() {
            let mut report = Report::default();
            for verdict in order.iter().take(at + 1).rev() {
                report.find(*verdict, "file", "text");
            }
            report.find(CutShort, "file", "text");
            assert_eq!(report.verdict, worst);
            assert_eq!(report.findings[0].verdict, worst, "it stands first");
        }
    }

    #[test]
    fn a_report_cannot_act_on_a_terminal() {
        let mut report = Report::default();
        report.find(Verdict::Altered, "a\x1b]0;x\x07", "b\u{202e}\n");
        report.note("c\x1b[2J", "\r");
        assert!(
            !report
                .text()
                .chars()
                .any(|c| c != '\n' && crate::text::acts(c))
        );
        assert_eq!(report.findings[0].place, "a␛]0;x␇");
    }
}
