//! Files of a recording that is kept as its journal, made while they are read.
//!
//! A thread converts the journal and keeps one of the files, a few pieces ahead of its reader; nothing is written to
//! disk and memory stays bounded.

use crate::artefact::Artefacts;
use crate::evidence::key::RecordingKey;
use crate::passes::Pass;
use crate::survey::Survey;
use crate::{FinishError, JournalReader, ReadError, convert, layout};
use std::io::{self, BufWriter, Read, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

const PIECE: usize = 64 * 1024;
/// Pieces made ahead of the reader.
const AHEAD: usize = 4;

/// Every file goes nowhere: for what a conversion tells, not for what it writes.
pub(crate) struct Nowhere;

impl Artefacts for Nowhere {
    type Out = io::Sink;

    fn create(&mut self, _name: &str, _about: u64) -> Result<Self::Out, FinishError> {
        Ok(io::sink())
    }

    fn finish(&mut self, _name: &str, _out: Self::Out) -> Result<(), FinishError> {
        Ok(())
    }
}

/// The plain bytes of the file `name` of the journal at `journal`.
pub(crate) fn open(
    journal: PathBuf,
    key: RecordingKey,
    survey: Survey,
    name: &str,
) -> Result<Box<dyn Read + Send>, ReadError> {
    // Whether it opens is said at once.
    drop(JournalReader::open(&journal, &key)?);
    let source = journal.clone();
    let (sender, pieces) = sync_channel(AHEAD);
    let mut one = One {
        wanted: name.to_owned(),
        sender: Some(sender.clone()),
        found: false,
    };
    std::thread::Builder::new()
        .name("convert".to_owned())
        .spawn(move || {
            // Whether the client wants more than commands in it was for the gateway that could read it to say.
            let lines = (one.wanted == layout::TEXT).then_some(false);
            let passes = vec![Pass::of_everything()];
            let reopen = || JournalReader::open(&source, &key);
            let problem = match convert::convert(reopen, survey, passes, &mut one, 0, lines) {
                Ok(_) if one.found => return,
                Ok(_) => "there is no such file in this recording".to_owned(),
                Err(error) => error.to_string(),
            };
            // Whoever stopped reading does not hear why the rest was not made.
            let _ = sender.send(Piece::Failed(problem));
        })
        .map_err(|error| ReadError::io(&journal, error))?;
    Ok(Box::new(Pieces {
        pieces,
        piece: Vec::new(),
        at: 0,
        ended: false,
    }))
}

enum Piece {
    Bytes(Vec<u8>),
    End,
    Failed(String),
}

/// Keeps one file and drops the others.
struct One {
    wanted: String,
    sender: Option<SyncSender<Piece>>,
    found: bool,
}

enum Part {
    Wanted(SyncSender<Piece>),
    Other,
}

impl Write for Part {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Part::Wanted(sender) => sender
                .send(Piece::Bytes(bytes.to_vec()))
                .map_err(|_| io::ErrorKind::BrokenPipe)?,
            Part::Other => {}
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Artefacts for One {
    type Out = BufWriter<Part>;

    fn create(&mut self, name: &str, _about: u64) -> Result<Self::Out, FinishError> {
        let part = match self.sender.take_if(|_| name == self.wanted) {
            Some(sender) => Part::Wanted(sender),
            None => Part::Other,
        };
        Ok(BufWriter::with_capacity(PIECE, part))
    }

    fn finish(&mut self, name: &str, out: Self::Out) -> Result<(), FinishError> {
        let ended = out
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
            .and_then(|part| match part {
                Part::Wanted(sender) => {
                    self.found = true;
                    sender
                        .send(Piece::End)
                        .map_err(|_| io::ErrorKind::BrokenPipe.into())
                }
                Part::Other => Ok(()),
            });
        ended.map_err(|error| FinishError::io("give", name.as_ref(), error))
    }
}

struct Pieces {
    pieces: Receiver<Piece>,
    piece: Vec<u8>,
    at: usize,
    ended: bool,
}

impl Read for Pieces {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at >= self.piece.len() {
            if self.ended {
                return Ok(0);
            }
            match self.pieces.recv() {
                Ok(Piece::Bytes(bytes)) => (self.piece, self.at) = (bytes, 0),
                Ok(Piece::End) => self.ended = true,
                Ok(Piece::Failed(problem)) => {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
                }
                Err(_) => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        let rest = self.piece.get(self.at..).unwrap_or_default();
        let length = rest.len().min(out.len());
        let (Some(from), Some(to)) = (rest.get(..length), out.get_mut(..length)) else {
            return Ok(0);
        };
        to.copy_from_slice(from);
        self.at += length;
        Ok(length)
    }
}
