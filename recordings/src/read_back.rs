//! What was written is read back before anything takes its name.
//!
//! Every file is decrypted, decompressed and compared with what went in, and the streams are rebuilt from the files and
//! compared with what the journal held: an error of the disk, of memory or of this program ends the sealing, and the
//! journal stays. Nobody is kept out by this; digests and the signature are for that.

use crate::artefact::{self, Plain, SealedArtefacts};
use crate::record::SessionRecord;
use crate::seal::salted_digest;
use crate::sealed::parse_record;
use crate::{FinishError, ReadError, layout, rebuild};
use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Decrypts everything again: streams by their counts and digests (one that is a file of its own by that file), every file by its checksum, what has a salted digest
/// of its own in the manifest and is not large by that too.
pub(crate) fn read_back(
    files: &SealedArtefacts<'_>,
    record: &SessionRecord,
) -> Result<(), FinishError> {
    let written = Written {
        files,
        whole: Arc::default(),
    };
    for channel in &record.channels {
        rebuild::verify(&written, channel, true)?;
    }
    for name in [layout::NOTES, layout::RECORD] {
        let sealed_name = layout::sealed_name(name);
        let Some(file) = files.files.iter().find(|file| file.name == sealed_name) else {
            continue;
        };
        let found = salted_digest(&written, name, record.salts.get(name))?;
        if file.plain_salted_sha256.as_ref() != Some(&found) {
            return Err(FinishError::Mismatch { what: sealed_name });
        }
    }
    let read = parse_record(&written)?;
    if read != *record {
        return Err(FinishError::Mismatch {
            what: layout::RECORD.to_owned(),
        });
    }
    for name in files.sums.keys() {
        if !written.was_read(name) {
            artefact::copy(&mut written.open_plain(name)?, &mut io::sink())
                .map_err(|error| FinishError::io("read back", &written.place(name), error))?;
        }
    }
    Ok(())
}

/// The files before they have their names.
struct Written<'a> {
    files: &'a SealedArtefacts<'a>,
    /// What was read to its end, by plain name, and is what was written.
    whole: Arc<Mutex<BTreeSet<String>>>,
}

impl Written<'_> {
    fn was_read(&self, name: &str) -> bool {
        let whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        whole.contains(name)
    }
}

impl Plain for Written<'_> {
    fn open_plain(&self, name: &str) -> Result<Box<dyn Read + Send>, ReadError> {
        let place = self.place(name);
        let expected = self.files.sums.get(name);
        let expected =
            expected.ok_or_else(|| ReadError::foreign(&place, "no such file was written"))?;
        Ok(Box::new(Compared {
            plain: self.files.open_plain(name)?,
            sum: crc32fast::Hasher::new(),
            expected: *expected,
            name: name.to_owned(),
            whole: Arc::clone(&self.whole),
        }))
    }

    fn place(&self, name: &str) -> PathBuf {
        self.files.place(name)
    }
}

/// Compares what is read with what was written, at its end.
struct Compared {
    plain: Box<dyn Read + Send>,
    sum: crc32fast::Hasher,
    expected: u32,
    name: String,
    whole: Arc<Mutex<BTreeSet<String>>>,
}

impl Read for Compared {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.plain.read(buffer)?;
        self.sum.update(buffer.get(..read).unwrap_or_default());
        if read == 0 && !buffer.is_empty() {
            if self.sum.clone().finalize() != self.expected {
                let problem = "it does not read back as it was written";
                return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
            }
            let mut whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
            whole.insert(self.name.clone());
        }
        Ok(read)
    }
}

#[cfg(test)]
#[path = "read_back_tests.rs"]
mod tests;
