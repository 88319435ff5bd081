use bytes::Bytes;
use ecluse_policy::Refusal;
use proptest::prelude::*;

use super::*;
use crate::clock;
use crate::passage::side::{Signal, TermSize};

/// What a side, honest or not, may send.
fn pieces() -> impl Strategy<Value = (Direction, Piece)> {
    let towards = prop_oneof![Just(ToTarget), Just(ToTechnician)];
    let bytes = || proptest::collection::vec(any::<u8>(), 0..6).prop_map(Bytes::from);
    let piece = prop_oneof![
        4 => bytes().prop_map(Piece::Data),
        2 => bytes().prop_map(Piece::ErrorData),
        1 => (1..300u32).prop_map(|cols| Piece::Resize(TermSize { cols, rows: 24 })),
        1 => "[A-Z]{1,6}".prop_map(|name| Piece::Signal(Signal::named(name))),
        2 => Just(Piece::Eof),
        2 => any::<u32>().prop_map(|status| Piece::Exit(Exit::Status(status))),
        1 => "\\PC{0,1500}".prop_map(|message| Piece::Exit(Exit::Signal {
            signal: Signal::named("TERM"),
            core_dumped: false,
            message,
        })),
        1 => Just(Piece::Refused),
        1 => Just(Piece::Remark("odd".into())),
        1 => Just(Piece::Close),
    ];
    (towards, piece)
}

/// A refusal, whichever.
fn refusal() -> Refusal {
    Refusal::WindowOver {
        closed_at: clock::now(),
    }
}

/// What goes on in each direction, as the pump carries it out.
#[derive(Default)]
struct Carried {
    passed: Vec<(Direction, Piece)>,
    held: Vec<(Direction, Piece)>,
}

impl Carried {
    fn out(&mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Pass(towards, piece) => self.passed.push((towards, piece)),
                Step::Hold(towards, piece) => self.held.push((towards, piece)),
                Step::Release(towards) => {
                    let (released, kept) = std::mem::take(&mut self.held)
                        .into_iter()
                        .partition(|(way, _)| *way == towards);
                    self.held = kept;
                    self.passed.extend::<Vec<_>>(released);
                }
                Step::Note(_) => {}
                Step::Record(..)
                | Step::Send { .. }
                | Step::Log(_)
                | Step::Beside { .. }
                | Step::Confirm(..)
                | Step::Run(_)
                | Step::Refused { .. }
                | Step::End { .. }
                | Step::Stop(_) => panic!("of files"),
            }
        }
    }

    fn bytes(from: &[(Direction, Piece)], towards: Direction, error: bool) -> Vec<u8> {
        from.iter()
            .filter(|(way, piece)| *way == towards && matches!(piece, Piece::ErrorData(_)) == error)
            .filter_map(|(_, piece)| piece.bytes())
            .flatten()
            .copied()
            .collect()
    }
}

proptest! {
    /// F5: whatever either side sends, in whatever order: bytes pass unchanged; a target tells once how the command ended,
    /// and once that its output has; requests pass where the permit says so; nothing passes that is no side's to send.
    #[test]
    fn bytes_pass_unchanged_and_ends_once(
        sent in proptest::collection::vec(pieces(), 0..60),
        permits in any::<bool>(),
    ) {
        let mut kind = Opaque::default();
        let mut carried = Carried::default();
        let mut asked = 0;
        for (towards, piece) in &sent {
            let mut steps = Vec::new();
            let mut ask = |_: &FlowRequest| {
                asked += 1;
                if permits { Ok(()) } else { Err(refusal()) }
            };
            kind.read(*towards, piece.clone(), clock::monotonic(), &mut ask, &mut steps);
            carried.out(steps);
        }
        // What comes after its own side's end reaches nobody.
        let until_end = |towards| {
            let eof = move |one: &(Direction, Piece)| *one == (towards, Piece::Eof);
            sent.iter().position(eof).unwrap_or(sent.len())
        };
        for (towards, error) in [(ToTarget, false), (ToTechnician, false), (ToTechnician, true)] {
            let (before, _) = sent.split_at(until_end(towards));
            prop_assert_eq!(
                Carried::bytes(&carried.passed, towards, error),
                Carried::bytes(before, towards, error)
            );
        }
        let count = |all: &[(Direction, Piece)], is: &dyn Fn(&(Direction, Piece)) -> bool| {
            all.iter().filter(|one| is(one)).count()
        };
        let exit = |one: &(Direction, Piece)| one.0 == ToTechnician && matches!(one.1, Piece::Exit(_));
        prop_assert_eq!(count(&carried.passed, &exit), count(&sent, &exit).min(1));
        prop_assert_eq!(kind.is_finished(), count(&sent, &exit) > 0);
        for way in [ToTarget, ToTechnician] {
            let eof = move |one: &(Direction, Piece)| *one == (way, Piece::Eof);
            let gone_on = count(&carried.passed, &eof) + count(&carried.held, &eof);
            prop_assert_eq!(gone_on, count(&sent, &eof).min(1));
        }
        let request = |one: &(Direction, Piece)| {
            one.0 == ToTarget && matches!(one.1, Piece::Resize(_) | Piece::Signal(_))
        };
        prop_assert_eq!(asked, count(&sent, &request));
        let passed = if permits { asked } else { 0 };
        prop_assert_eq!(count(&carried.passed, &request), passed);
        let nobodys = |one: &(Direction, Piece)| match &one.1 {
            Piece::Refused
            | Piece::Remark(_)
            | Piece::Close
            | Piece::Beside(_)
            | Piece::BesideOver
            | Piece::Run(_) => true,
            Piece::ErrorData(_) | Piece::Exit(_) => one.0 == ToTarget,
            Piece::Resize(_) | Piece::Signal(_) => one.0 == ToTechnician,
            Piece::Data(_) | Piece::Eof => false,
        };
        prop_assert_eq!(count(&carried.passed, &nobodys), 0);
        // The end of output never overtakes the status while nothing released it, and nothing is held once both are told.
        let at = |is: &dyn Fn(&(Direction, Piece)) -> bool| carried.passed.iter().position(is);
        if let Some(eof) = at(&|one| *one == (ToTechnician, Piece::Eof)) {
            prop_assert!(at(&exit).is_some_and(|exit| exit < eof));
        }
        prop_assert!(!kind.is_finished() || carried.held.is_empty());
        for (_, piece) in &carried.passed {
            if let Piece::Exit(Exit::Signal { message, .. }) = piece {
                prop_assert!(message.len() <= SIGNAL_MESSAGE);
            }
        }
    }
}

fn read(kind: &mut Opaque, towards: Direction, piece: Piece, at: Instant) -> Vec<Step> {
    let mut steps = Vec::new();
    kind.read(towards, piece, at, &mut |_| Ok(()), &mut steps);
    steps
}

/// The end of output waits for the status, for a time, and for as long as it takes once the input has ended: a client that
/// hears of both ends leaves without the status.
#[test]
fn the_end_of_output_waits_for_the_status() {
    let at = clock::monotonic();
    let mut kind = Opaque::default();
    assert_eq!(kind.due(), None);
    assert_eq!(
        read(&mut kind, ToTechnician, Piece::Eof, at),
        [Step::Hold(ToTechnician, Piece::Eof)]
    );
    assert_eq!(kind.due(), Some(at + STATUS_FOLLOWS_WITHIN));
    read(&mut kind, ToTarget, Piece::Eof, at);
    assert_eq!(kind.due(), None);
    let exit = Piece::Exit(Exit::Status(3));
    assert_eq!(
        read(&mut kind, ToTechnician, exit.clone(), at),
        [
            Step::Pass(ToTechnician, exit.clone()),
            Step::Release(ToTechnician)
        ]
    );
    assert!(matches!(
        read(&mut kind, ToTechnician, exit, at).as_slice(),
        [Step::Note(_)]
    ));
    let mut steps = Vec::new();
    kind.release(&mut steps);
    assert!(steps.is_empty(), "it has gone on already");
}

/// A client that hears of more bytes after the end of output breaks off its whole connection: what a target sends then is
/// told once and passed to nobody; the other direction goes on.
#[test]
fn what_comes_after_the_end_of_output_is_told_and_not_passed() {
    let at = clock::monotonic();
    let mut kind = Opaque::default();
    read(&mut kind, ToTechnician, Piece::Exit(Exit::Status(5)), at);
    read(&mut kind, ToTechnician, Piece::Eof, at);
    let late = Piece::ErrorData(Bytes::from_static(b"late"));
    assert!(matches!(
        read(&mut kind, ToTechnician, late.clone(), at).as_slice(),
        [Step::Note(_)]
    ));
    assert_eq!(read(&mut kind, ToTechnician, late, at), []);
    let typed = Piece::Data(Bytes::from_static(b"typed"));
    assert_eq!(
        read(&mut kind, ToTarget, typed.clone(), at),
        [Step::Pass(ToTarget, typed)]
    );
}
