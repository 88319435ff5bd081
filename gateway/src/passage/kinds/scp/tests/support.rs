//! What the tests share: lines, and a channel in memory whose target is asked by a table.

use std::collections::HashMap;
use std::time::Instant;

use ecluse_policy::capability::files::{FileLine, TargetPath};

pub(super) use crate::passage::kinds::scp::lookup::{Found, Lost, Nature};
pub(super) use crate::passage::kinds::scp::words::Fault;
pub(super) use crate::passage::kinds::scp::*;

use crate::passage::kinds::files::Sha256;
use crate::passage::kinds::sftp::coverage::Digest;

#[allow(clippy::disallowed_methods, reason = "a test's clock")]
pub(super) fn now() -> Instant {
    Instant::now()
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut digest: Box<dyn Digest> = Box::new(Sha256::default());
    digest.update(bytes);
    digest.finish()
}

pub(super) fn lines(texts: &[&str]) -> Vec<FileLine> {
    texts
        .iter()
        .map(|text| {
            let (family, pattern) = text.split_once(": ").unwrap();
            FileLine::parse(family, pattern).unwrap().unwrap()
        })
        .collect()
}

pub(super) fn path(text: &str) -> TargetPath {
    TargetPath::canonical(text.as_bytes()).unwrap()
}

/// A channel whose target says of each path where it leads, by a table; of what the table lacks, that it is nothing.
pub(super) struct Channel {
    pub(super) scp: Scp,
    lines: Vec<FileLine>,
    /// Where a path leads.
    pub(super) tree: HashMap<String, (String, Nature)>,
    /// Names that are links outside, wherever they stand.
    pub(super) leads_out: &'static [&'static str],
    /// Questions are kept for the test to answer.
    pub(super) keeps_questions: bool,
    pub(super) questions: Vec<Query>,
    /// What waits for a yes, by the beginning of its line.
    pub(super) waits_for: Option<&'static str>,
    pub(super) to_technician: Vec<u8>,
    pub(super) to_target: Vec<u8>,
    pub(super) payload: u64,
    /// Lines of files and directories that passed.
    pub(super) entries: Vec<Vec<u8>>,
    pub(super) run: Option<String>,
    pub(super) log: Vec<Record>,
    pub(super) ended: Option<u32>,
    pub(super) stopped: Option<Complaint>,
}

impl Channel {
    pub(super) fn open(command: &str, rules: &[&str], tree: &[(&str, &str, Nature)]) -> Self {
        let mut channel = Self::closed(command, rules, tree);
        channel.start();
        channel
    }

    pub(super) fn closed(command: &str, rules: &[&str], tree: &[(&str, &str, Nature)]) -> Self {
        let command = Command::parse(command.as_bytes()).unwrap_or_else(|| panic!("{command}"));
        let tree = tree
            .iter()
            .map(|(from, to, nature)| ((*from).to_owned(), ((*to).to_owned(), *nature)))
            .collect();
        Self {
            scp: Scp::new(
                command,
                Some(Box::new(|| Box::new(Sha256::default()))),
                Say::default(),
            ),
            lines: lines(rules),
            tree,
            leads_out: &[],
            keeps_questions: false,
            questions: Vec::new(),
            waits_for: None,
            to_technician: Vec::new(),
            to_target: Vec::new(),
            payload: 0,
            entries: Vec::new(),
            run: None,
            log: Vec::new(),
            ended: None,
            stopped: None,
        }
    }

    pub(super) fn start(&mut self) {
        self.with(|scp, _, out| scp.start(now(), out));
    }

    pub(super) fn target_says(&mut self, bytes: &[u8]) {
        self.with(|scp, _, out| scp.read(Direction::ToTechnician, bytes, now(), out));
    }

    pub(super) fn technician_says(&mut self, bytes: &[u8]) {
        self.with(|scp, _, out| scp.read(Direction::ToTarget, bytes, now(), out));
    }

    pub(super) fn answer(&mut self, id: u64, found: Result<Found, Lost>) {
        self.with(|scp, ask, out| scp.found(id, found, now(), ask, out));
    }

    pub(super) fn verdict(&mut self, verdict: Verdict) {
        self.with(|scp, _, out| scp.answered(Ticket(7), verdict, now(), out));
    }

    pub(super) fn finish(&mut self) {
        self.with(|scp, _, out| scp.finish(now(), out));
    }

    pub(super) fn technician_ends(&mut self) {
        self.with(|scp, _, out| scp.technician_ended(out));
    }

    pub(super) fn lose(&mut self) {
        self.lines.clear();
        self.with(|scp, _, out| {
            scp.revoke(now(), &mut |_| Err("the line is lost".to_owned()), out)
        });
    }

    /// What has gone to the technician since it was asked last.
    pub(super) fn technician_hears(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.to_technician)
    }

    pub(super) fn target_hears(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.to_target)
    }

    fn with(&mut self, act: impl FnOnce(&mut Scp, &mut Ask<'_>, &mut Vec<Step>)) {
        let mut out = Vec::new();
        let (lines, waits_for) = (self.lines.clone(), self.waits_for);
        let mut ask =
            |operation: &Operation| match operation.request.missing(&lines) {
                None if operation.request.needs().iter().any(|need| {
                    waits_for.is_some_and(|begins| need.line().starts_with(begins))
                }) =>
                {
                    Answer::Wait(Ticket(7))
                }
                None => Answer::Permit,
                Some(need) => Answer::Refuse(format!(
                    "{} is not part of this intervention",
                    operation.missing_lines(&need).join(" | ")
                )),
            };
        act(&mut self.scp, &mut ask, &mut out);
        self.carry(out);
    }

    fn carry(&mut self, steps: Vec<Step>) {
        for step in steps {
            assert!(self.stopped.is_none(), "nothing behind a stop: {step:?}");
            match step {
                Step::Pass {
                    towards,
                    bytes,
                    payload,
                } => {
                    self.payload += payload;
                    // In these tests no file holds as much.
                    if bytes.len() > 5 && matches!(bytes[0], b'C' | b'D') {
                        self.entries.push(bytes.to_vec());
                    }
                    self.put(towards, &bytes);
                }
                Step::Own {
                    towards,
                    bytes,
                    payload,
                } => {
                    self.payload += payload;
                    self.put(towards, &bytes);
                }
                Step::Look(query) if self.keeps_questions => self.questions.push(query),
                Step::Look(query) => {
                    let found = self.found(&query.path);
                    self.answer(query.id, found);
                }
                Step::Run(line) => self.run = Some(String::from_utf8_lossy(&line).into_owned()),
                Step::Log(record) => self.log.push(record),
                Step::End(code) => self.ended = Some(code),
                Step::Stop(complaint) => self.stopped = Some(complaint),
            }
        }
    }

    fn put(&mut self, towards: Direction, bytes: &[u8]) {
        match towards {
            Direction::ToTechnician => self.to_technician.extend_from_slice(bytes),
            Direction::ToTarget => self.to_target.extend_from_slice(bytes),
        }
    }

    pub(super) fn found(&self, asked: &[u8]) -> Result<Found, Lost> {
        let asked = String::from_utf8_lossy(asked).into_owned();
        if let Some(name) = asked.rsplit('/').next()
            && self.leads_out.contains(&name)
        {
            return Ok(Found {
                path: path(&format!("/etc/{name}")),
                nature: Nature::File,
            });
        }
        match self.tree.get(&asked) {
            Some((to, _)) if to.is_empty() => Err(Lost::Nowhere(
                TargetPath::by_letters(&path("/home/ops"), asked.as_bytes()).ok(),
            )),
            Some((to, nature)) => Ok(Found {
                path: path(to),
                nature: *nature,
            }),
            None => match TargetPath::by_letters(&path("/home/ops"), asked.as_bytes()) {
                Ok(path) => Ok(Found {
                    path,
                    nature: Nature::Nothing,
                }),
                Err(_) => Err(Lost::Unclear),
            },
        }
    }
}
