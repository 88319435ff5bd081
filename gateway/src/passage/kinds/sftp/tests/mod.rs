//! The interceptor before servers and clients of every kind, the real `sftp-server` among them. What the tests share: packets of a client, a server in memory, and a site with the real `sftp-server`.
mod ground;
mod lies;
mod line;
mod packets;
mod real;
mod server;

mod anything;
mod cuts;
mod ends;
mod grid;
mod lying_client;
mod lying_server;
mod midway;
mod protocol;

use std::time::Instant;

use super::log::Record;
use super::{Answer, Complaint, Direction, Operation, Sftp, Step};
use bytes::Bytes;
use ecluse_policy::capability::files::FileLine;

#[allow(clippy::disallowed_methods, reason = "a test's clock")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// Lines as a document writes them.
pub(super) fn lines(texts: &[&str]) -> Vec<FileLine> {
    texts
        .iter()
        .map(|text| {
            let (family, pattern) = text.split_once(": ").expect(text);
            FileLine::parse(family, pattern).expect(text).expect(text)
        })
        .collect()
}

/// Every right on everything below `root`.
pub(super) fn all_below(root: &str) -> Vec<FileLine> {
    ["read", "write", "list", "delete", "rename", "mkdir"]
        .iter()
        .map(|right| lines(&[&format!("sftp-{right}: {root}/**")]).remove(0))
        .collect()
}

/// Asks these lines.
pub(super) fn judge(lines: &[FileLine], operation: &Operation) -> Answer {
    match operation.request.missing(lines) {
        None => Answer::Permit,
        Some(need) => Answer::Refuse(format!(
            "{} is not part of this intervention",
            operation.missing_lines(&need).join(" | ")
        )),
    }
}

/// What steps did, sorted.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Done {
    pub(super) to_target: Vec<Bytes>,
    pub(super) to_technician: Vec<Bytes>,
    pub(super) passed: Vec<(Direction, Bytes, u64)>,
    pub(super) log: Vec<Record>,
    pub(super) stopped: Option<Complaint>,
}

impl Done {
    pub(super) fn take(&mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Pass {
                    towards,
                    bytes,
                    payload,
                } => {
                    self.passed.push((towards, bytes.clone(), payload));
                    self.to(towards).push(bytes);
                }
                Step::Own { towards, bytes, .. } => self.to(towards).push(bytes),
                Step::Log(record) => self.log.push(record),
                Step::Stop(complaint) => self.stopped = Some(complaint),
            }
        }
    }

    fn to(&mut self, towards: Direction) -> &mut Vec<Bytes> {
        match towards {
            Direction::ToTarget => &mut self.to_target,
            Direction::ToTechnician => &mut self.to_technician,
        }
    }
}

/// Gives bytes to an interceptor under these lines.
pub(super) fn give(sftp: &mut Sftp, lines: &[FileLine], towards: Direction, bytes: &[u8]) -> Done {
    let mut steps = Vec::new();
    let mut ask = |operation: &Operation| judge(lines, operation);
    sftp.read(towards, bytes, now(), &mut ask, &mut steps);
    let mut done = Done::default();
    done.take(steps);
    done
}
