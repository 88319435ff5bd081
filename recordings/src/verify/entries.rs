//! The journal's entries: in their order, each in the journal that was signed, none left out.
//!
//! Streamed: a year of a journal does not have to fit into memory. What is kept is what concerns recordings.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};

use super::approvals::Approvals;
use super::times::{Found, Times};
use super::trail::Chain;
use super::{Report, Verdict};
use crate::bundle::{Choice, ENTRIES, EntryProof, Files, LineReader, PROOFS, ProofsHead};
use crate::log::entry::MAX_ENTRY;
use crate::log::{Checkpoint, Entry, leaf_hash, verify_inclusion};

/// Longest line of the proofs: 64 hashes.
const MAX_PROOF: usize = 8192;
/// Most proofs kept for entries that have not come yet.
const MAX_WAITING: usize = 100_000;

/// What the journal says about recordings.
#[derive(Default)]
pub(super) struct Journal {
    pub(super) sessions: BTreeMap<String, SessionEntries>,
    /// What it says of what sessions rest on.
    pub(super) approvals: Approvals,
}

impl Journal {
    pub(super) fn session(&self, name: &str) -> Option<&SessionEntries> {
        self.sessions.get(name)
    }
}

/// What the journal says about one session.
#[derive(Default)]
pub(super) struct SessionEntries {
    pub(super) start: Option<Entry>,
    pub(super) end: Option<Entry>,
    pub(super) progress: Vec<Entry>,
    pub(super) sealed: Vec<Entry>,
    pub(super) rewrapped: Vec<Entry>,
    pub(super) destroyed: Option<Entry>,
}

impl SessionEntries {
    /// Whether the choice behind the bundle asks for the recording of this session.
    pub(super) fn belong_to(&self, session: &str, choice: &Choice) -> bool {
        let start = self.start.as_ref();
        let intervention = start.and_then(|start| start.intervention.as_deref());
        let began = start.map(|start| start.at_us);
        choice.rule.covers(session, intervention, began)
    }
}

/// How an entry is named in findings.
pub(super) fn place(entry: &Entry) -> String {
    format!("entry {} ({})", entry.seq, entry.kind)
}

/// `checkpoints` are those that were found signed, by how many entries they have and when they were made.
pub(super) fn check(
    files: &Files,
    head: Option<&Checkpoint>,
    checkpoints: &[(u64, i64)],
    report: &mut Report,
) -> Journal {
    let mut journal = Journal::default();
    let (Some(mut entries), Some(proofs)) = (
        open(files, ENTRIES, MAX_ENTRY, report),
        open(files, PROOFS, MAX_PROOF, report),
    ) else {
        return journal;
    };
    let mut proofs = Proofs {
        lines: proofs,
        waiting: BTreeMap::new(),
    };
    if let Err(problem) = proofs.head(head) {
        report.find(Verdict::Altered, PROOFS, problem);
    }
    let mut chain = Chain::begin(files, report);
    let mut times = Times::default();
    for (size, at) in checkpoints {
        times.checkpoint(*size, *at);
    }
    let (mut line, mut last) = (0u64, 0u64);
    loop {
        line += 1;
        let bytes = match entries.next_line() {
            Ok(Some(bytes)) => bytes,
            Ok(None) => break,
            Err(error) => {
                report.find(Verdict::Altered, ENTRIES, format!("line {line}: {error}"));
                break;
            }
        };
        let entry = match Entry::parse(bytes) {
            Ok(entry) => entry,
            Err(problem) => {
                report.find(Verdict::Altered, ENTRIES, format!("line {line}: {problem}"));
                continue;
            }
        };
        if entry.seq == last {
            report.find(Verdict::Altered, place(&entry), "it is there a second time");
            continue;
        }
        if entry.seq < last {
            report.find(
                Verdict::Reordered,
                place(&entry),
                format!("it stands after entry {last}"),
            );
        }
        last = entry.seq.max(last);
        chain.see(&entry, leaf_hash(bytes), report);
        let proof = match proofs.of(entry.seq) {
            Ok(proof) => proof,
            Err(problem) => {
                report.find(Verdict::Altered, PROOFS, problem);
                None
            }
        };
        match included(&entry, bytes, proof.as_ref(), head) {
            Ok(()) => {
                if let Some(log) = &mut report.log {
                    log.entries += 1;
                }
                times.see(&entry);
                journal.keep(entry, report);
            }
            Err(Some((verdict, text))) => report.find(verdict, place(&entry), text),
            // There is no checkpoint to compare with, which is a finding already.
            Err(None) => journal.keep(entry, report),
        }
    }
    chain.conclude(report);
    let Found { early, notes } = times.judge();
    for (place, text) in early {
        report.find(Verdict::Missing, place, text);
    }
    for (place, text) in notes {
        report.note(place, text);
    }
    match proofs.left_over() {
        Ok(waiting) => {
            for seq in waiting {
                report.find(
                    Verdict::Missing,
                    format!("entry {seq}"),
                    format!("{PROOFS} has its proof, and {ENTRIES} does not have it"),
                );
            }
        }
        Err(problem) => report.find(Verdict::Altered, PROOFS, problem),
    }
    journal
}

fn included(
    entry: &Entry,
    bytes: &[u8],
    proof: Option<&EntryProof>,
    head: Option<&Checkpoint>,
) -> Result<(), Option<(Verdict, String)>> {
    let head = head.ok_or(None)?;
    if entry.index() >= head.size {
        let text = format!("the checkpoint covers entries up to {} only", head.size);
        return Err(Some((Verdict::NotInLog, text)));
    }
    let Some(proof) = proof else {
        let text = "there is no proof that it is in the journal".to_owned();
        return Err(Some((Verdict::NotInLog, text)));
    };
    verify_inclusion(
        &leaf_hash(bytes),
        entry.index(),
        head.size,
        &proof.proof,
        &head.root,
    )
    .map_err(|error| {
        let text = format!("it was changed, or never stood here in this journal ({error})");
        Some((Verdict::Altered, text))
    })
}

impl Journal {
    fn keep(&mut self, entry: Entry, report: &mut Report) {
        self.approvals.see(&entry);
        let Some(session) = entry.session.clone() else {
            return;
        };
        let kind = entry.kind.clone();
        let mut of = |keep: &dyn Fn(&mut SessionEntries, Entry) -> Option<Entry>, entry: Entry| {
            let twice = keep(self.sessions.entry(session.clone()).or_default(), entry);
            if let Some(other) = twice {
                report.find(
                    Verdict::Altered,
                    place(&other),
                    format!("the journal has two entries of this kind for the session {session}"),
                );
            }
        };
        match kind.as_str() {
            "session-start" => of(&|kept, entry| kept.start.replace(entry), entry),
            "session-end" => of(&|kept, entry| kept.end.replace(entry), entry),
            "recording-destroyed" => of(
                &|kept, entry| {
                    kept.destroyed = Some(entry);
                    None
                },
                entry,
            ),
            "recording-progress" => of(
                &|kept, entry| {
                    kept.progress.push(entry);
                    None
                },
                entry,
            ),
            "recording-sealed" => of(
                &|kept, entry| {
                    kept.sealed.push(entry);
                    None
                },
                entry,
            ),
            "recording-rewrapped" => of(
                &|kept, entry| {
                    kept.rewrapped.push(entry);
                    None
                },
                entry,
            ),
            _ => {}
        }
    }
}

type Lines = LineReader<BufReader<Box<dyn Read + Send>>>;

fn open(files: &Files, name: &str, limit: usize, report: &mut Report) -> Option<Lines> {
    match files.read(name) {
        Ok(from) => Some(LineReader::new(BufReader::new(from), limit)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            report.find(Verdict::Missing, name, "it is not there");
            None
        }
        Err(error) => {
            report.find(Verdict::Altered, name, format!("it does not read: {error}"));
            None
        }
    }
}

/// The proofs, which stand in the order of the entries; those read too early wait.
struct Proofs {
    lines: Lines,
    waiting: BTreeMap<u64, EntryProof>,
}

impl Proofs {
    fn head(&mut self, head: Option<&Checkpoint>) -> Result<(), String> {
        let line = self
            .lines
            .next_line()
            .map_err(|error| error.to_string())?
            .ok_or("it is empty")?;
        let said: ProofsHead = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        match head {
            Some(head) if said.size != head.size || said.root != head.root => Err(format!(
                "it was made for another checkpoint, of {} entries",
                said.size
            )),
            Some(_) | None => Ok(()),
        }
    }

    fn of(&mut self, seq: u64) -> Result<Option<EntryProof>, String> {
        if let Some(proof) = self.waiting.remove(&seq) {
            return Ok(Some(proof));
        }
        while let Some(proof) = self.next()? {
            if proof.seq == seq {
                return Ok(Some(proof));
            }
            let beyond = proof.seq > seq;
            self.wait(proof)?;
            if beyond {
                break;
            }
        }
        Ok(None)
    }

    fn next(&mut self) -> Result<Option<EntryProof>, String> {
        let line = self.lines.next_line().map_err(|error| error.to_string())?;
        line.map(|line| serde_json::from_slice(line).map_err(|error| error.to_string()))
            .transpose()
    }

    fn wait(&mut self, proof: EntryProof) -> Result<(), String> {
        if self.waiting.len() >= MAX_WAITING {
            return Err("it has far more proofs than there are entries".to_owned());
        }
        let seq = proof.seq;
        match self.waiting.insert(seq, proof) {
            Some(_) => Err(format!("it has two proofs for entry {seq}")),
            None => Ok(()),
        }
    }

    /// Entries whose proofs nobody asked for.
    fn left_over(mut self) -> Result<Vec<u64>, String> {
        while let Some(proof) = self.next()? {
            self.wait(proof)?;
        }
        Ok(self.waiting.into_keys().collect())
    }
}
