//! Reading a stranger's archive: where each file begins, and nothing that an archive could do beyond holding files.
//!
//! Only plain ustar headers of regular files are followed. Links, devices, directories and extended headers, which
//! could carry other names or endless lengths, are reported and skipped.

use std::io::{self, Read};

use super::is_bundle_name;

/// Most bytes of zeros after the end; GNU tar fills its last record.
const MAX_PADDING: u64 = 1024 * 1024;

/// What the archive holds next.
pub(super) enum Step {
    /// A file of that name and length; its bytes follow.
    File(String, u64),
    /// Something that no bundle holds, in words; it was skipped.
    Foreign(String),
    /// The end, as it must be.
    End,
    /// The archive stops in the middle.
    CutOff,
    /// What follows cannot be read, in words.
    Broken(String),
}

/// Walks an archive. The caller reads exactly the announced bytes of a file from it before asking for the next step.
pub(super) struct TarReader<R> {
    from: R,
    /// Bytes read so far.
    pub(super) position: u64,
    /// Bytes that fill the last block of the file before.
    padding: u64,
}

impl<R: Read> TarReader<R> {
    pub(super) fn new(from: R) -> Self {
        TarReader {
            from,
            position: 0,
            padding: 0,
        }
    }

    /// Moves to the next header.
    pub(super) fn step(&mut self) -> io::Result<Step> {
        let padding = self.padding;
        if !self.zeros(padding)? {
            return Ok(Step::Broken(format!(
                "bytes that belong to no file before byte {}",
                self.position
            )));
        }
        self.padding = 0;
        let Some(block) = self.block()? else {
            return Ok(Step::CutOff);
        };
        if block == [0; 512] {
            return self.end();
        }
        let header = tar::Header::from_byte_slice(&block);
        if header.as_ustar().is_none() || !checksum_holds(&block) {
            return Ok(Step::Broken(format!(
                "no header of a file at byte {}",
                self.position.saturating_sub(512)
            )));
        }
        let Ok(length) = header.entry_size() else {
            return Ok(Step::Broken("a file without a length".to_owned()));
        };
        self.padding = (512 - length % 512) % 512;
        let name = String::from_utf8_lossy(&header.path_bytes()).into_owned();
        if !header.entry_type().is_file() || !is_bundle_name(&name) {
            let name = crate::neutralise(&name);
            let what =
                format!("`{name}` is not a file of a bundle (a link, a device, another name)");
            return Ok(if self.skip(length)? {
                Step::Foreign(what)
            } else {
                Step::CutOff
            });
        }
        Ok(Step::File(name, length))
    }

    fn end(&mut self) -> io::Result<Step> {
        match self.block()? {
            None => return Ok(Step::CutOff),
            Some(block) if block != [0; 512] => {
                return Ok(Step::Broken("one empty block between files".to_owned()));
            }
            Some(_) => {}
        }
        let mut rest = Vec::new();
        (&mut self.from).take(MAX_PADDING).read_to_end(&mut rest)?;
        let mut more = [0; 1];
        if rest.iter().any(|byte| *byte != 0) || self.from.read(&mut more)? != 0 {
            return Ok(Step::Broken(
                "bytes after the end of the archive".to_owned(),
            ));
        }
        Ok(Step::End)
    }

    fn block(&mut self) -> io::Result<Option<[u8; 512]>> {
        let mut block = [0; 512];
        match self.from.read_exact(&mut block) {
            Ok(()) => {
                self.position = self.position.saturating_add(512);
                Ok(Some(block))
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads `count` bytes, at most 512, that must be zeros; true also where the archive ends before.
    fn zeros(&mut self, count: u64) -> io::Result<bool> {
        let mut bytes = Vec::new();
        (&mut self.from).take(count).read_to_end(&mut bytes)?;
        self.position = self.position.saturating_add(count);
        Ok(bytes.iter().all(|byte| *byte == 0))
    }

    fn skip(&mut self, count: u64) -> io::Result<bool> {
        let skipped = io::copy(&mut (&mut self.from).take(count), &mut io::sink())?;
        self.position = self.position.saturating_add(skipped);
        Ok(skipped == count)
    }
}

impl<R: Read> Read for TarReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        let count = u64::try_from(read).unwrap_or(0);
        self.position = self.position.saturating_add(count);
        Ok(read)
    }
}

/// POSIX pax, ustar: the sum of all bytes of the header, those of the sum itself taken as spaces.
fn checksum_holds(block: &[u8; 512]) -> bool {
    let sum: u32 = block
        .iter()
        .enumerate()
        .map(|(at, byte)| {
            if (148..156).contains(&at) {
                u32::from(b' ')
            } else {
                u32::from(*byte)
            }
        })
        .sum();
    tar::Header::from_byte_slice(block)
        .cksum()
        .is_ok_and(|said| said == sum)
}
