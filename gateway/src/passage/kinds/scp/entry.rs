//! One line of the source, `C…` or `D…`: which place it is about.

use std::time::Instant;

use bytes::Bytes;
use ecluse_policy::capability::files::{FileRequest, PathError, TargetPath, shown_bytes};
use ecluse_policy::capability::scp::Way;

use super::interceptor::Scp;
use super::lookup::Nature;
use super::passing::Folder;
use super::wire::Entry;
use super::words::{Complaint, Fault, Words};
use super::{Operation, Step};

/// Directories in one another, at most.
const MOST_DEEP: usize = 64;

/// A file or directory on its way to be answered.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) entry: Entry,
    /// Its times, which go before it.
    pub(super) times: Option<Bytes>,
    /// The name that the sink is told.
    pub(super) told: Bytes,
    /// As the technician would write its path.
    pub(super) typed: Bytes,
    /// Where it is, or may be; a link at its end not followed yet.
    pub(super) place: Option<TargetPath>,
    pub(super) at: Instant,
    /// What somebody has said yes to.
    pub(super) agreed: Vec<Operation>,
    /// What somebody is asked about.
    pub(super) asked: Option<Operation>,
    /// What policy has said yes to, and where.
    pub(super) request: Option<FileRequest>,
    pub(super) path: Option<TargetPath>,
}

/// A place as far as the lines tell it.
struct Spot {
    place: Result<TargetPath, PathError>,
    typed: Bytes,
    told: Bytes,
}

impl Scp {
    pub(super) fn entry(
        &mut self,
        entry: Entry,
        at: Instant,
        out: &mut Vec<Step>,
    ) -> Result<(), Complaint> {
        let shown = || shown_bytes(&entry.name);
        if entry.is_directory && !self.command.recursive {
            return Err(self.source_fault(Fault::Directory(shown())));
        }
        if entry.is_directory && self.folders.len() >= MOST_DEEP {
            return Err(self.source_fault(Fault::Deep));
        }
        let spot = match (self.folders.last_mut(), self.command.way) {
            (Some(folder), _) => {
                folder.entries += 1;
                folder.bytes = folder
                    .bytes
                    .saturating_add(u64::try_from(entry.name.len()).unwrap_or(u64::MAX));
                below(folder, &entry.name)
            }
            (None, Way::To) => self.at_goal(&entry.name),
            (None, Way::From) => self
                .at_source(&entry.name)
                .ok_or_else(|| self.source_fault(Fault::Unasked(shown())))?,
        };
        let place = spot.place.ok();
        let is_path = place.is_some();
        self.line = Some(Line {
            entry,
            times: self.times.take(),
            told: spot.told,
            typed: spot.typed,
            place,
            at,
            agreed: Vec::new(),
            asked: None,
            request: None,
            path: None,
        });
        if is_path {
            self.look(out);
        } else {
            self.refuse(self.say.of(Words::NoPath), None, at, out);
        }
        Ok(())
    }

    /// What the technician sends first: to the path itself, or into it where it is a directory.
    fn at_goal(&self, name: &Bytes) -> Spot {
        let Some((top, Some(Ok(found)))) = self.tops.first().map(|top| (top, &top.found)) else {
            return Spot {
                place: Err(PathError::Relative),
                typed: Bytes::new(),
                told: name.clone(),
            };
        };
        let into = || found.path.join(name);
        let is_into = match found.nature {
            Nature::Directory => true,
            Nature::File | Nature::Nothing => false,
        };
        let place = match is_into {
            true => into(),
            false => Ok(found.path.clone()),
        };
        let typed = if is_into {
            typed_below(&top.typed, name)
        } else {
            top.typed.clone()
        };
        Spot {
            place,
            typed,
            told: name.clone(),
        }
    }

    /// What the target sends first: something that was asked for, each once, under the name that it was asked by.
    fn at_source(&mut self, name: &Bytes) -> Option<Spot> {
        let asked = |top: &&mut super::opening::Top| match &top.pattern {
            None => !top.was_sent && top.name() == Some(name),
            Some(pattern) => pattern.matches(name),
        };
        let top = self.tops.iter_mut().find(asked)?;
        let path = top.path()?.clone();
        top.was_sent = true;
        Some(match &top.told {
            Some(told) => Spot {
                place: Ok(path),
                typed: top.typed.clone(),
                told: told.clone(),
            },
            None => {
                let slash = top
                    .typed
                    .iter()
                    .rposition(|byte| *byte == b'/')
                    .map_or(0, |slash| slash + 1);
                let directory = top.typed.get(..slash).unwrap_or_default();
                Spot {
                    place: path.join(name),
                    typed: [directory, name].concat().into(),
                    told: name.clone(),
                }
            }
        })
    }
}

fn below(folder: &Folder, name: &Bytes) -> Spot {
    Spot {
        place: folder.place.join(name),
        typed: typed_below(&folder.typed, name),
        told: name.clone(),
    }
}

fn typed_below(directory: &[u8], name: &[u8]) -> Bytes {
    let slash = if directory.ends_with(b"/") {
        &b""[..]
    } else {
        b"/"
    };
    [directory, slash, name].concat().into()
}
