//! What was written is read back before anything takes its name: a file that does not hold what the journal held ends
//! the sealing (R3).

use super::*;
use crate::artefact::Artefacts;
use crate::convert::tests::journal;
use crate::evidence::key::RecordingKey;
use crate::evidence::manifest::FileRecord;
use crate::seal::{fresh_directory, write_record};
use crate::survey::survey;
use crate::{JournalReader, convert, passes};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;

/// The files of a recording as they are before they are read back, and what they are read back with.
struct Sealing {
    _root: tempfile::TempDir,
    dir: PathBuf,
    key: RecordingKey,
    files: Vec<FileRecord>,
    salts: BTreeMap<String, String>,
    sums: BTreeMap<String, u32>,
    record: SessionRecord,
}

impl Sealing {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let (recorder, path) = journal(root.path());
        let key = recorder.key().clone();
        let dir = fresh_directory(recorder.dir()).unwrap();
        let reopen = || JournalReader::open(&path, &key);
        let found = survey(&mut reopen().unwrap()).unwrap();
        let mut files = SealedArtefacts::new(&dir, &key);
        let passes = vec![passes::Pass::of_everything()];
        let mut record =
            convert::convert(reopen, found, passes, &mut files, 0, Some(true)).unwrap();
        write_record(&mut files, &mut record).unwrap();
        let SealedArtefacts {
            files, salts, sums, ..
        } = files;
        Self {
            _root: root,
            dir,
            key,
            files,
            salts,
            sums,
            record,
        }
    }

    fn artefacts(&self) -> SealedArtefacts<'_> {
        let mut files = SealedArtefacts::new(&self.dir, &self.key);
        files.files.clone_from(&self.files);
        files.salts.clone_from(&self.salts);
        files.sums.clone_from(&self.sums);
        files
    }

    fn read_back(&self) -> Result<(), FinishError> {
        read_back(&self.artefacts(), &self.record)
    }

    /// Writes a file once more, with its last letter another one, as a disk or a compressor in error would; what was said
    /// of the first stays.
    fn spoil(&self, name: &str) {
        let mut files = self.artefacts();
        let mut plain = Vec::new();
        let mut reader = files.open_plain(name).unwrap();
        reader.read_to_end(&mut plain).unwrap();
        let place = plain.iter().rposition(u8::is_ascii_alphanumeric).unwrap();
        plain[place] = if plain[place] == b'1' { b'2' } else { b'1' };
        fs::remove_file(files.path(name)).unwrap();
        let mut out = files.create_salted(name, [0; 32], 0).unwrap();
        out.write_all(&plain).unwrap();
        files.finish(name, out).unwrap();
    }
}

#[test]
fn a_file_that_does_not_read_back_the_same_ends_the_sealing() {
    Sealing::new().read_back().unwrap();
    let names: Vec<String> = Sealing::new()
        .files
        .iter()
        .map(|file| file.name.clone())
        .collect();
    let one_of_each = [
        layout::NOTES,
        layout::TEXT,
        layout::RECORD,
        "03-shell.cast",
        "01-exec.error-output.raw",
        "03-shell.unechoed.jsonl",
    ];
    for name in one_of_each {
        assert!(names.contains(&layout::sealed_name(name)), "{names:?}");
        let sealing = Sealing::new();
        sealing.spoil(name);
        sealing.read_back().expect_err(name);
    }
}

#[test]
fn what_is_said_of_a_file_must_be_what_it_holds() {
    let refused = |change: &dyn Fn(&mut Sealing)| {
        let mut sealing = Sealing::new();
        change(&mut sealing);
        let refused = sealing.read_back().unwrap_err();
        assert!(matches!(refused, FinishError::Mismatch { .. }), "{refused}");
    };
    refused(&|sealing| sealing.record.facts.reason.push('!'));
    refused(&|sealing| sealing.record.notes += 1);
    refused(&|sealing| sealing.record.channels[4].output.bytes += 1);
    refused(&|sealing| sealing.record.channels[4].output.sha256 = None);
    refused(&|sealing| {
        let salts = &mut sealing.record.salts;
        salts.insert(layout::NOTES.to_owned(), "00".to_owned());
    });
    refused(&|sealing| {
        let name = layout::sealed_name(layout::NOTES);
        let file = sealing.files.iter_mut().find(|file| file.name == name);
        file.unwrap().plain_salted_sha256 = None;
    });
}
