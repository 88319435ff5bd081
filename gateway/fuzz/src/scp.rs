//! The interceptor of `scp` between two programs that say anything, and what looks its paths up on the target.

use bytes::Bytes;
use ecluse_policy::capability::files::TargetPath;
use ecluse_policy::capability::scp::Command;
use ecluse_recordings::Direction::{self, ToTarget, ToTechnician};

use crate::passage::kinds::scp::lookup::{Found, Lost, Nature};
use crate::passage::kinds::scp::{Lookup, Query, Say, Scp, Step, Told};
use crate::passage::kinds::sftp::Verdict;
use crate::passage::kinds::sftp::log::Outcome;
use crate::script::Script;
use crate::target::Target;
use crate::tree::{self, Node};
use crate::{Counts, Judge, now};

/// Command lines of clients.
const COMMANDS: &[&[u8]] = &[
    b"scp -t /srv/in",
    b"scp -r -p -t /srv/in",
    b"scp -f /srv/in/file",
    b"scp -r -p -f /srv/in/d",
    b"scp -f /srv/in/* /srv/in/file",
    b"scp -t /srv/in/new",
    b"scp -d -t -- wait",
    b"scp -p -f /srv/in/up/in/file",
];
/// What is said in the protocol.
const SAID: &[&[u8]] = &[
    b"\0",
    b"\0\0",
    b"\x01no\n",
    b"\x02gone\n",
    b"T1 0 1 0\n",
    b"E\n",
    b"C0644 3 file\n",
    b"C0644 3 x\n",
    b"C0644 0 link\n",
    b"D0755 0 d\n",
    b"D0755 0 up\n",
    b"abc",
    b"abc\0",
    b"C0644 3 ..\n",
    b"C0644 3 wait\n",
    b"C06",
    b"44 3 ",
    b"file\n",
    b"\n",
    b"C0644 18446744073709551615 x\n",
];

/// Plays a script twice, in whole pieces and in small ones: the same passes.
pub fn run(data: &[u8]) {
    // Any line is read as a command, or is none.
    let _ = Command::parse(data);
    let Some((cut, script)) = data.split_first() else {
        return;
    };
    if *cut == u8::MAX {
        return looks_up(script);
    }
    let whole = played(script, usize::MAX);
    let pieces = played(script, usize::from(cut % 9) + 1);
    assert_eq!(whole, pieces);
}

/// What came of it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Done {
    to_target: Vec<u8>,
    to_technician: Vec<u8>,
    run: Option<Bytes>,
    logged: usize,
    ended: bool,
    stopped: bool,
}

struct Play {
    scp: Scp,
    judge: Judge,
    piece: usize,
    asked: Vec<Query>,
    done: Done,
}

fn played(script: &[u8], piece: usize) -> Done {
    let mut script = Script(script);
    let line = match script.byte() {
        u8::MAX => script.bytes(),
        which => COMMANDS[usize::from(which) % COMMANDS.len()],
    };
    let Some(command) = Command::parse(line) else {
        return Done::default();
    };
    let digest = Box::new(|| Box::<Counts>::default() as Box<_>);
    let mut play = Play {
        scp: Scp::new(command, Some(digest), Say::default()),
        judge: Judge::new(),
        piece,
        asked: Vec::new(),
        done: Done::default(),
    };
    let mut out = Vec::new();
    play.scp.start(now(), &mut out);
    play.takes(out);
    while let Some(what) = script.next() {
        let towards = match what & 0x10 {
            0 => ToTarget,
            _ => ToTechnician,
        };
        match what % 12 {
            0..5 => {
                let said = script.among(SAID);
                play.says(towards, said);
            }
            5 | 6 => play.is_honest(),
            7 => play.lies(&mut script),
            8 => {
                let bytes = script.bytes();
                play.says(towards, bytes);
            }
            9 => play.verdict(script.byte() % 2 == 0),
            10 => play.loses(),
            _ => {
                let mut out = Vec::new();
                play.scp.technician_ended(&mut out);
                play.takes(out);
            }
        }
    }
    let mut out = Vec::new();
    play.scp.finish(now(), &mut out);
    play.takes(out);
    play.done
}

impl Play {
    fn says(&mut self, towards: Direction, bytes: &[u8]) {
        for piece in bytes.chunks(self.piece) {
            let mut out = Vec::new();
            self.scp.read(towards, piece, now(), &mut out);
            self.takes(out);
        }
    }

    fn takes(&mut self, steps: Vec<Step>) {
        for step in steps {
            let over = self.done.stopped || self.done.ended;
            assert!(
                !over || matches!(step, Step::Log(_)),
                "{step:?} behind the end"
            );
            match step {
                Step::Pass {
                    towards,
                    bytes,
                    payload,
                }
                | Step::Own {
                    towards,
                    bytes,
                    payload,
                } => {
                    assert!(payload <= bytes.len() as u64);
                    let to = match towards {
                        ToTarget => &mut self.done.to_target,
                        ToTechnician => &mut self.done.to_technician,
                    };
                    to.extend_from_slice(&bytes);
                }
                Step::Look(query) => self.asked.push(query),
                Step::Run(line) => {
                    assert!(self.done.run.is_none(), "two programs");
                    self.done.run = Some(line);
                }
                Step::Log(record) => {
                    self.done.logged += 1;
                    let passed = record.moved.as_ref();
                    let passed = passed.is_some_and(|moved| moved.read + moved.written > 0);
                    let refused = matches!(record.outcome, Outcome::Refused(_));
                    assert!(!(passed && refused), "{record:?}");
                }
                Step::End(_) => self.done.ended = true,
                Step::Stop(_) => self.done.stopped = true,
            }
        }
    }

    fn is_honest(&mut self) {
        for _ in 0..64 {
            if self.asked.is_empty() {
                return;
            }
            let query = self.asked.remove(0);
            let found = match tree::leads(&query.path, true) {
                None => Err(Lost::Nowhere(None)),
                Some(path) => {
                    let nature = match tree::node(&path) {
                        Some(Node::Directory) => Nature::Directory,
                        Some(Node::File | Node::Link(_)) => Nature::File,
                        None => Nature::Nothing,
                    };
                    TargetPath::canonical(&path)
                        .map(|path| Found { path, nature })
                        .map_err(|_| Lost::Unclear)
                }
            };
            self.found(query.id, found);
        }
    }

    fn lies(&mut self, script: &mut Script<'_>) {
        let id = match self.asked.is_empty() {
            true => script.number(),
            false => self.asked.remove(0).id,
        };
        let nature = script.among(&[0, 1, 2, 3]);
        let nature = match nature {
            0 => Nature::Directory,
            1 => Nature::File,
            _ => Nature::Nothing,
        };
        let found = match (script.byte() % 4, TargetPath::canonical(&script.path())) {
            (0, _) | (_, Err(_)) => Err(Lost::Unclear),
            (1, Ok(path)) => Err(Lost::Nowhere(Some(path))),
            (_, Ok(path)) => Ok(Found { path, nature }),
        };
        self.found(id, found);
    }

    fn found(&mut self, id: u64, found: Result<Found, Lost>) {
        let (mut out, judge) = (Vec::new(), &mut self.judge);
        let ask = &mut |operation: &_| judge.answer(operation);
        self.scp.found(id, found, now(), ask, &mut out);
        self.takes(out);
    }

    fn verdict(&mut self, is_yes: bool) {
        if self.judge.waiting.is_empty() {
            return;
        }
        let ticket = self.judge.waiting.remove(0);
        let verdict = match is_yes {
            true => Verdict::Permit,
            false => Verdict::Refuse("no".to_owned()),
        };
        let mut out = Vec::new();
        self.scp.answered(ticket, verdict, now(), &mut out);
        self.takes(out);
    }

    /// The lines are gone.
    fn loses(&mut self) {
        self.judge.lines.clear();
        let mut out = Vec::new();
        let mut ask = |_: &_| Err("the line is lost".to_owned());
        self.scp.revoke(now(), &mut ask, &mut out);
        self.takes(out);
    }
}

/// What asks the target's SFTP subsystem where paths lead, and hears anything. An honest target is believed as it is.
fn looks_up(script: &[u8]) {
    let mut script = Script(script);
    let (mut lookup, first) = Lookup::start();
    let (mut target, mut asked, mut lied) = (Target::default(), Vec::new(), false);
    target.hears(&first);
    let mut told = Vec::new();
    while let Some(what) = script.next() {
        let heard = match what % 8 {
            0..3 => {
                let path = Bytes::from([b"/", &script.path()[..]].concat());
                asked.push(path.clone());
                let id = asked.len() as u64;
                lookup.ask(Query { id, path }, &mut told);
                Ok(())
            }
            3..6 => match target.answers() {
                Some(answer) => lookup.read(&answer, &mut told),
                None => Ok(()),
            },
            6 => {
                lied = true;
                lookup.read(&target.lies(&mut script), &mut told)
            }
            _ => {
                lied = true;
                lookup.read(script.bytes(), &mut told)
            }
        };
        hears(&mut told, &mut target, &mut asked, lied);
        if heard.is_err() {
            assert!(lied, "an honest target is none: {heard:?}");
            break;
        }
    }
    lookup.end(&mut told);
    hears(&mut told, &mut target, &mut asked, true);
    // Whoever asked hears.
    assert!(asked.iter().all(Bytes::is_empty), "{asked:?}");
}

/// What it says: whole requests to the target, and where a path leads, once.
fn hears(told: &mut Vec<Told>, target: &mut Target, asked: &mut [Bytes], lied: bool) {
    for one in told.drain(..) {
        match one {
            Told::Send(bytes) => target.hears(&bytes),
            Told::Found(id, found) => {
                let path = std::mem::take(&mut asked[id as usize - 1]);
                assert!(!path.is_empty(), "{id} was answered already");
                if let (Ok(found), false) = (found, lied) {
                    match tree::leads(&path, true) {
                        Some(leads) => assert_eq!(found.path.as_bytes(), leads, "{path:?}"),
                        // A directory on the way is missing, and with it whatever is behind.
                        None => assert_eq!(found.nature, Nature::Nothing, "{path:?}"),
                    }
                }
            }
        }
    }
}
