//! The interceptor of SFTP between a client and a server that say anything.

use std::collections::HashMap;

use bytes::Bytes;
use ecluse_recordings::Direction::{self, ToTarget, ToTechnician};

use crate::passage::kinds::sftp::{Say, Sftp, Step, Verdict};
use crate::script::Script;
use crate::target::{Target, packet, string, text, with_id};
use crate::{Counts, Judge, is_inside, now};

/// The largest packet that either side may get: what OpenSSH takes, and its length.
const LONGEST: usize = 256 * 1024 + 4;
/// Requests whose first string is a path that something is done to.
const ON_PATHS: &[u8] = &[3, 9, 11, 13, 14, 15, 18];

/// Plays a script twice, in whole pieces and in small ones: the same passes.
pub fn run(data: &[u8]) {
    let Some((cut, script)) = data.split_first() else {
        return;
    };
    let whole = played(script, usize::MAX);
    let pieces = played(script, usize::from(cut % 9) + 1);
    assert_eq!(whole, pieces);
}

/// What came of it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Done {
    to_target: Vec<Bytes>,
    to_technician: Vec<Bytes>,
    logged: usize,
    stopped: bool,
}

struct Play {
    sftp: Sftp,
    judge: Judge,
    piece: usize,
    done: Done,
    target: Target,
    /// How often each number was asked by the client, less how often it was answered.
    open: HashMap<u32, i64>,
    /// What the client sent that is not a whole packet yet.
    held: Vec<u8>,
    /// The client said something that is no request: no number is counted from there.
    is_lost: bool,
}

fn played(script: &[u8], piece: usize) -> Done {
    let mut play = Play {
        sftp: Sftp::new(
            Some(Box::new(|| Box::new(Counts::default()))),
            Say::default(),
        ),
        judge: Judge::new(),
        piece,
        done: Done::default(),
        target: Target::default(),
        open: HashMap::new(),
        held: Vec::new(),
        is_lost: false,
    };
    let mut script = Script(script);
    play.says(ToTarget, &packet(1, &3u32.to_be_bytes()));
    while let Some(what) = script.next() {
        match what % 16 {
            0..6 => {
                let request = request(&mut script);
                play.says(ToTarget, &request);
            }
            6..9 => play.is_honest(),
            9 => {
                let answer = play.target.lies(&mut script);
                play.says(ToTechnician, &answer);
            }
            10 => {
                let bytes = script.bytes();
                play.says(ToTarget, bytes);
            }
            11 => {
                let bytes = script.bytes();
                play.says(ToTechnician, bytes);
            }
            12 => play.verdict(script.byte() % 2 == 0),
            13 => play.loses(),
            14 => {
                let body = script.bytes();
                let kind = script.byte();
                play.says(ToTarget, &packet(kind, body));
            }
            _ => {
                let body = script.bytes();
                let kind = script.byte();
                play.says(ToTechnician, &packet(kind, body));
            }
        }
    }
    let mut out = Vec::new();
    play.sftp.finish(now(), &mut out);
    play.takes(out);
    play.done
}

impl Play {
    fn says(&mut self, towards: Direction, bytes: &[u8]) {
        // What is not wanted stays with whoever sends it.
        if !self.sftp.wants(towards) || self.done.stopped {
            return;
        }
        if towards == ToTarget {
            self.counts(bytes);
        }
        for piece in bytes.chunks(self.piece) {
            let mut out = Vec::new();
            let judge = &mut self.judge;
            self.sftp.read(
                towards,
                piece,
                now(),
                &mut |operation| judge.answer(operation),
                &mut out,
            );
            self.takes(out);
        }
    }

    /// The numbers that a client has asked by.
    fn counts(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
        loop {
            let Some((length, rest)) = self.held.split_first_chunk::<4>() else {
                return;
            };
            let length = u32::from_be_bytes(*length) as usize;
            if rest.len() < length {
                return;
            }
            match rest[..length].split_first() {
                Some((kind, body)) if *kind != 1 => match body.first_chunk::<4>() {
                    Some(id) => *self.open.entry(u32::from_be_bytes(*id)).or_default() += 1,
                    None => self.is_lost = true,
                },
                Some(_) => {}
                None => self.is_lost = true,
            }
            self.held.drain(..4 + length);
        }
    }

    fn takes(&mut self, steps: Vec<Step>) {
        for step in steps {
            assert!(
                !self.done.stopped || matches!(step, Step::Log(_)),
                "{step:?} behind a stop"
            );
            match step {
                Step::Pass {
                    towards,
                    bytes,
                    payload,
                } => {
                    assert!(payload <= bytes.len() as u64);
                    if towards == ToTarget {
                        stays_inside(&bytes);
                    }
                    self.goes(towards, bytes);
                }
                Step::Own {
                    towards,
                    bytes,
                    payload,
                } => {
                    assert!(payload <= bytes.len() as u64);
                    self.goes(towards, bytes);
                }
                Step::Log(_) => self.done.logged += 1,
                Step::Stop(_) => self.done.stopped = true,
            }
        }
    }

    /// A whole packet, to whoever it is for.
    fn goes(&mut self, towards: Direction, bytes: Bytes) {
        assert!(bytes.len() <= LONGEST, "{} bytes", bytes.len());
        let (length, rest) = bytes.split_first_chunk::<4>().unwrap();
        assert_eq!(u32::from_be_bytes(*length) as usize, rest.len());
        let (kind, body) = rest.split_first().unwrap();
        match towards {
            ToTarget => {
                self.target.hears(&bytes);
                self.done.to_target.push(bytes);
            }
            ToTechnician => {
                if *kind != 2 {
                    let id = u32::from_be_bytes(*body.first_chunk::<4>().unwrap());
                    let open = self.open.entry(id).or_default();
                    *open -= 1;
                    assert!(*open >= 0 || self.is_lost, "{id} was not asked");
                }
                self.done.to_technician.push(bytes);
            }
        }
    }

    /// The target answers all that it was asked, as one does that does what it says.
    fn is_honest(&mut self) {
        for _ in 0..64 {
            let Some(answer) = self.target.answers() else {
                return;
            };
            self.says(ToTechnician, &answer);
        }
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
        let (mut out, judge) = (Vec::new(), &mut self.judge);
        let ask = &mut |operation: &_| judge.answer(operation);
        self.sftp.answered(ticket, verdict, now(), ask, &mut out);
        self.takes(out);
    }

    /// The lines are gone.
    fn loses(&mut self) {
        self.judge.lines.clear();
        let mut out = Vec::new();
        let mut ask = |_: &_| Err("the line is lost".to_owned());
        self.sftp.revoke(now(), &mut ask, &mut out);
        self.takes(out);
    }
}

/// What of a client reaches the target acts within what the lines name, and nowhere else.
fn stays_inside(packet: &[u8]) {
    let (kind, fields) = (packet[4], packet.get(9..).unwrap_or_default());
    if !ON_PATHS.contains(&kind) {
        return;
    }
    let path = string(fields).unwrap();
    assert!(is_inside(path), "{kind}: {}", String::from_utf8_lossy(path));
    if kind == 18 {
        let other = string(&fields[4 + path.len()..]).unwrap();
        assert!(is_inside(other), "{}", String::from_utf8_lossy(other));
    }
}

/// A request as clients make them.
fn request(script: &mut Script<'_>) -> Vec<u8> {
    const NAMES: &[&[u8]] = &[
        b"posix-rename@openssh.com",
        b"hardlink@openssh.com",
        b"lsetstat@openssh.com",
        b"expand-path@openssh.com",
        b"statvfs@openssh.com",
        b"fstatvfs@openssh.com",
        b"fsync@openssh.com",
        b"limits@openssh.com",
        b"copy-data",
        b"home-directory",
        b"users-groups-by-id@openssh.com",
        b"vendor@nobody",
    ];
    let id = u32::from(script.byte() % 32);
    let handle = |script: &mut Script<'_>| text(&u32::from(script.byte() % 6).to_be_bytes());
    let long = |script: &mut Script<'_>| script.number().to_be_bytes();
    let path = |script: &mut Script<'_>| text(&script.path());
    let attributes = |script: &mut Script<'_>| match script.byte() % 4 {
        0 => 0u32.to_be_bytes().to_vec(),
        1 => [4u32.to_be_bytes(), 0o644u32.to_be_bytes()].concat(),
        2 => [&1u32.to_be_bytes()[..], &script.number().to_be_bytes()].concat(),
        _ => [&(script.number() as u32).to_be_bytes()[..], script.bytes()].concat(),
    };
    let kind = script.among(&[
        3u8, 3, 3, 4, 5, 5, 6, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 18, 19, 20, 20, 200,
        200,
    ]);
    let body = match kind {
        3 => {
            let path = path(script);
            let flags = u32::from(script.byte() % 64).to_be_bytes();
            [path, flags.to_vec(), attributes(script)].concat()
        }
        4 | 8 | 12 => handle(script),
        5 => {
            let (handle, offset) = (handle(script), long(script));
            let length = (script.number() as u32).to_be_bytes();
            [handle, offset.to_vec(), length.to_vec()].concat()
        }
        6 => {
            let (handle, offset) = (handle(script), long(script));
            [handle, offset.to_vec(), text(script.bytes())].concat()
        }
        9 | 14 => [path(script), attributes(script)].concat(),
        10 => [handle(script), attributes(script)].concat(),
        18 | 20 => [path(script), path(script)].concat(),
        200 => {
            let name = script.among(NAMES);
            let fields = match script.byte() % 5 {
                0 => [path(script), path(script)].concat(),
                1 => [path(script), attributes(script)].concat(),
                2 => handle(script),
                3 => {
                    let (one, from, many) = (handle(script), long(script), long(script));
                    let (two, to) = (handle(script), long(script));
                    [one, from.to_vec(), many.to_vec(), two, to.to_vec()].concat()
                }
                _ => script.bytes().to_vec(),
            };
            [text(name), fields].concat()
        }
        _ => path(script),
    };
    with_id(kind, id, &body)
}
