//! Whether a bundle or a recording is what it was when it was sealed. Needs no gateway, no network, no clock.
//!
//! Read [`verify`]: it is the argument, step by step. What is looked at came from strangers; whatever is wrong with it
//! becomes a [`Finding`] that names the file or entry, and only a path that does not read at all is an error.
//!
//! What this cannot know: entries of the journal that concern the bundle and were left out of it together with all that
//! points at them; and, without an earlier checkpoint, whether the journal as a whole was written anew.

pub mod approvals;
mod beside;
mod checkpoints;
mod choice;
mod content;
mod entries;
mod key_file;
mod list;
mod recording;
mod report;
mod request;
mod seals;
mod served;
mod sessions;
pub mod times;
mod trail;
mod trust;

use std::path::Path;

pub use report::{Finding, LogLine, Note, RecordingLine, Report, TrustLine, Verdict};
pub use request::{Answer, Request, RequestError};
pub use seals::{Further, Seal, Seals};

use crate::bundle::{self, Consistency, Files, Kind, Place, ReaderError};
use crate::evidence::key::Identity;
use crate::log::{SignedNote, VerifierKey};
use trust::Trust;

/// What whoever verifies brings along. Everything is optional; what is not given is not checked, and the report says so.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Keys that read recordings.
    pub identities: Vec<Identity>,
    /// Keys that may sign manifests and lists. Empty: those that came with the bundle, which vouch for themselves.
    pub signers: Vec<[u8; 32]>,
    /// Keys that may sign checkpoints, the log's and witnesses'. Empty: those that came with the bundle.
    pub log_keys: Vec<VerifierKey>,
    /// Checkpoints seen earlier, with a name for each.
    pub since: Vec<(String, SignedNote)>,
    /// Proofs that join checkpoints, beside those that come with the bundle.
    pub joining: Vec<Consistency>,
    /// The recording's seal is on record elsewhere: a journal that still lies beside its files belongs to nobody's doing
    /// but the gateway's, which takes it away next.
    pub seal_on_record: bool,
}

/// Verifies a bundle (packed or not) or the directory of one sealed recording.
///
/// # Errors
/// The path does not read, or is something else. What is wrong inside is in the report.
pub fn verify(path: &Path, options: &Options) -> Result<Report, ReaderError> {
    let files = Files::open(path)?;
    if files.kind() == Kind::Recording
        && files.find(crate::layout::LIVE).is_some()
        && !options.seal_on_record
    {
        return Err(ReaderError::NotSealed(path.to_path_buf()));
    }
    let mut report = Report::default();
    oddities(&files, &mut report);
    let mut trust = Trust::new(&files, options, &mut report);

    match files.kind() {
        Kind::Recording => {
            let checked = recording::check(&files, "", None, options, &mut trust, &mut report);
            if let Some(name) = path.file_name().and_then(|name| name.to_str()) {
                recording::compare_name(name, "", checked.as_ref(), &mut report);
            }
            report.note(
                bundle::ENTRIES,
                "a recording alone says nothing of the journal; export it to have the entries that vouch for it",
            );
        }
        Kind::Bundle => {
            // Everything is as whoever exported it signed it …
            list::check(&files, &mut trust, &mut report);
            // … the journal is the one that was signed, and every entry is in it …
            let mut dated = Vec::new();
            let checkpoint =
                checkpoints::check(&files, options, &mut trust, &mut dated, &mut report);
            let journal = entries::check(&files, checkpoint.as_ref(), &dated, &mut report);
            let choice = choice::check(&files, checkpoint.as_ref(), &mut report);
            // … every recording is as it was sealed, and the journal says the same of it.
            for name in recording::names(&files) {
                let entries = journal.session(&name);
                let prefix = format!("{}{name}/", bundle::RECORDINGS);
                let checked =
                    recording::check(&files, &prefix, entries, options, &mut trust, &mut report);
                recording::compare_name(&name, &prefix, checked.as_ref(), &mut report);
                sessions::compare(&prefix, checked.as_ref(), entries, &mut report);
                if let Some(checked) = &checked {
                    beside::tell(journal.approvals.manifest(&checked.manifest), &mut report);
                }
            }
            // Somebody asked for each session, and others said yes to what is shown.
            beside::check(&files, &journal.approvals, choice.as_ref(), &mut report);
            let choice = choice.as_ref();
            sessions::absent(&files, &journal, choice, checkpoint.as_ref(), &mut report);
        }
    }
    trust.conclude(&mut report);
    Ok(report)
}

fn oddities(files: &Files, report: &mut Report) {
    for oddity in files.oddities() {
        match oddity {
            Place::Foreign(what) => report.find(Verdict::Altered, "the archive", what),
            Place::Twice(name) => report.find(
                Verdict::Altered,
                name,
                "it is in the archive a second time; the first was looked at",
            ),
            Place::CutOff => report.find(
                Verdict::Missing,
                "the archive",
                "it ends early: what would follow is missing, and nothing can be said of it; get the whole file",
            ),
            Place::Broken(why) => report.find(Verdict::Altered, "the archive", why),
        }
    }
}
