use ecluse_policy::{Confirmation, FileNeed, FlowRequest, Refusal, Span};

use super::*;
use crate::clock;

/// Reads everything as it is on record.
#[derive(Clone)]
struct Plain;

impl Reads for Plain {
    fn own(&self, words: Words) -> String {
        words.to_string()
    }

    fn copying(&self, words: scp::Words) -> String {
        words.to_string()
    }

    fn tree(&self, words: &tree::Words) -> String {
        words.to_string()
    }

    fn refused(&self, _: &Refusal, operation: &Operation, need: &FileNeed) -> String {
        format!("missing: {}", operation.missing_lines(need).join(" | "))
    }

    /// Whatever is written below `/srv/etc`.
    fn waits(&self, operation: &Operation) -> Option<Wanted> {
        let needs = operation.request.needs();
        let waits = |need: &FileNeed| need.line().starts_with("sftp-write: /srv/etc/");
        let lines: Vec<String> = needs.iter().map(FileNeed::line).collect();
        let terms = Confirmation {
            each: false,
            within: Span::from_secs(300),
        };
        let is_asked = needs.iter().any(waits);
        is_asked.then(|| Wanted::new(&lines.join(" + "), &[], terms))
    }
}

fn packet(kind: u8, fields: &[&[u8]]) -> Vec<u8> {
    let body = [&[kind], fields.concat().as_slice()].concat();
    let length = u32::try_from(body.len()).unwrap();
    [&length.to_be_bytes()[..], &body].concat()
}

fn string(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap();
    [&length.to_be_bytes()[..], bytes].concat()
}

/// A server that has no file, and answers what it is asked in order: each path leads where it says.
#[derive(Default)]
struct Server(Vec<u8>);

impl Server {
    fn answers(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.0.extend_from_slice(bytes);
        let mut answers = Vec::new();
        while let Some(length) = self.0.first_chunk::<4>() {
            let end = 4 + u32::from_be_bytes(*length) as usize;
            let Some(packet) = self.0.get(..end).map(<[u8]>::to_vec) else {
                break;
            };
            self.0.drain(..end);
            answers.extend(answer(&packet));
        }
        answers
    }
}

fn answer(request: &[u8]) -> Vec<u8> {
    let number = request[5..9].to_vec();
    let path = request.get(13..).unwrap_or_default();
    match request[4] {
        1 => packet(2, &[&3u32.to_be_bytes()]),
        16 => {
            let path = match path {
                b"." => &b"/home"[..],
                b"/proc/net" => &b"/proc/7/net"[..],
                path => path,
            };
            packet(
                104,
                &[
                    &number,
                    &1u32.to_be_bytes(),
                    &string(path),
                    &string(b""),
                    &[0; 4],
                ],
            )
        }
        _ => packet(
            101,
            &[&number, &2u32.to_be_bytes(), &string(b"no"), &string(b"")],
        ),
    }
}

/// A channel with its server, and what came of it.
struct Line {
    files: Files<Plain>,
    server: Server,
    recorded: usize,
    sent: usize,
    counted: usize,
    log: usize,
    told: Vec<String>,
    held: usize,
    released: bool,
    stopped: bool,
    to_technician: Vec<u8>,
    /// What waits for a yes.
    waits: Vec<(Ticket, Wanted)>,
    /// Everything is listed.
    lists: bool,
}

impl Line {
    fn new() -> Self {
        let mut line = Self {
            files: Files::new(Plain),
            server: Server::default(),
            recorded: 0,
            sent: 0,
            counted: 0,
            log: 0,
            told: Vec::new(),
            held: 0,
            released: false,
            stopped: false,
            to_technician: Vec::new(),
            waits: Vec::new(),
            lists: false,
        };
        line.sends(&packet(1, &[&3u32.to_be_bytes()]));
        line
    }

    fn sends(&mut self, bytes: &[u8]) {
        self.takes(ToTarget, Piece::Data(Bytes::copy_from_slice(bytes)));
    }

    fn takes(&mut self, towards: Direction, piece: Piece) {
        let mut steps = Vec::new();
        let mut ask = asks(self.lists);
        let at = clock::monotonic();
        self.files.read(towards, piece, at, &mut ask, &mut steps);
        self.does(steps);
    }

    /// An operator says yes or no to the first that waits.
    fn says(&mut self, verdict: Verdict) {
        let (ticket, _) = self.waits.remove(0);
        let mut steps = Vec::new();
        let mut ask = asks(self.lists);
        let at = clock::monotonic();
        self.files
            .answered(ticket, verdict, at, &mut ask, &mut steps);
        self.does(steps);
    }

    fn does(&mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Record(_, bytes) => self.recorded += bytes.len(),
                Step::Send {
                    towards: ToTarget,
                    bytes,
                    counts,
                    payload,
                } => {
                    assert!(payload <= bytes.len());
                    self.sent += bytes.len();
                    self.counted += counts;
                    let answers = self.server.answers(&bytes);
                    if !answers.is_empty() {
                        self.takes(ToTechnician, Piece::Data(answers.into()));
                    }
                }
                Step::Send {
                    towards: ToTechnician,
                    bytes,
                    ..
                } => self.to_technician.extend_from_slice(&bytes),
                Step::Log(_) => self.log += 1,
                Step::Refused { words, .. } => self.told.extend(words),
                Step::Hold(ToTarget, Piece::Eof) => self.held += 1,
                Step::Release(ToTarget) => self.released = true,
                Step::Stop(_) => self.stopped = true,
                Step::Confirm(ticket, wanted) => self.waits.push((ticket, wanted)),
                Step::Hold(..)
                | Step::Release(_)
                | Step::Pass(..)
                | Step::Beside { .. }
                | Step::Run(_)
                | Step::End { .. }
                | Step::Note(_) => {
                    panic!("none of these")
                }
            }
        }
    }

    fn opens(&mut self, number: u32, path: &str) {
        self.opens_for(number, path, 1);
    }

    fn opens_for(&mut self, number: u32, path: &str, flags: u8) {
        let fields = [
            number.to_be_bytes().to_vec(),
            string(path.as_bytes()),
            vec![0, 0, 0, flags],
            vec![0; 4],
        ];
        let fields: Vec<&[u8]> = fields.iter().map(Vec::as_slice).collect();
        self.sends(&packet(3, &fields));
    }
}

fn asks(lists: bool) -> impl FnMut(&FlowRequest) -> Result<(), Refusal> {
    move |flow: &FlowRequest| {
        let (flow, missing) = (flow.clone(), flow.missing_flow());
        match lists {
            true => Ok(()),
            false => Err(Refusal::FlowNotListed { flow, missing }),
        }
    }
}

/// What waits for a yes waits alone: what comes behind it passes meanwhile. A no is told in its words and on record; a yes passes,
/// and is not asked for again.
#[test]
fn what_waits_for_a_yes_holds_up_nothing_else() {
    let mut line = Line::new();
    line.lists = true;
    // 26: write, create, truncate.
    line.opens_for(1, "/srv/etc/hosts", 26);
    line.opens_for(2, "/srv/in/hosts", 26);
    let wanted = "sftp-write: /srv/etc/hosts";
    assert!(line.waits.len() == 1 && line.files.is_waiting());
    assert_eq!(line.waits[0].1.what, wanted);
    let is_answered = |line: &Line, number: u32| {
        let number = number.to_be_bytes();
        let mut packets = line.to_technician.windows(5);
        packets.any(|part| part[0] == 101 && part[1..] == number)
    };
    assert!(is_answered(&line, 2) && !is_answered(&line, 1));
    let sent = line.sent;
    line.says(Verdict::Permit);
    assert!(line.sent > sent && is_answered(&line, 1) && line.waits.is_empty());
    line.opens_for(3, "/srv/etc/hosts", 26);
    line.takes(ToTarget, Piece::Eof);
    assert!(line.waits.len() == 1 && !line.released, "it waits");
    line.says(Verdict::Refuse("odile said no".to_owned()));
    assert!(is_answered(&line, 3) && line.released && !line.files.is_waiting());
    assert_eq!(line.told, ["odile said no"]);
}

/// What was refused is answered and on record each time, told once, and ends the channel where it does not end.
#[test]
fn what_is_refused_is_told_once_and_bounded() {
    let mut line = Line::new();
    for number in 0..3 {
        line.opens(number, "/etc/passwd");
    }
    assert_eq!((line.log, line.told.len()), (3, 1), "{:?}", line.told);
    assert!(line.told[0].contains("sftp-read: /etc/passwd"));
    for number in 3..200 {
        line.opens(number, &format!("/etc/{number}"));
    }
    assert_eq!((line.log, line.told.len()), (200, MOST_TOLD));
    assert!(!line.stopped);
    for number in 200..u32::try_from(MOST_REFUSED).unwrap() {
        line.opens(number, "/etc/passwd");
    }
    assert!(line.stopped);
}

/// What goes to the target is never counted as more than what is recorded, however much of it is the gateway's own.
#[test]
fn what_is_counted_is_recorded() {
    let mut line = Line::new();
    for number in 0..50 {
        line.opens(number, "/a/long/path/that/is/asked/of/the/target");
        assert!(
            line.counted <= line.recorded,
            "{} {}",
            line.counted,
            line.recorded
        );
    }
    assert!(line.sent > 0 && line.recorded > 0);
}

/// The end of what the technician sends goes on once everything they asked is answered.
#[test]
fn the_end_waits_for_the_answers() {
    let mut line = Line::new();
    line.opens(1, "/etc/passwd");
    line.takes(ToTarget, Piece::Eof);
    assert!(line.held == 1 && line.released);
    // What comes behind it goes nowhere.
    let recorded = line.recorded;
    line.opens(2, "/etc/shadow");
    assert_eq!((line.recorded, line.held), (recorded, 1));
}
