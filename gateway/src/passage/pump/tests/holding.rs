//! A passage that a budget holds.

use ecluse_policy::extraction::{ByteCount, Level, Way};
use tokio::sync::watch;

use super::paying::Till;
use super::*;
use crate::live::{Exhausted, Held};
use crate::passage::kinds::Ask;

pub(super) fn spent() -> Exhausted {
    Exhausted {
        level: Level::Session,
        way: Way::Down,
        limit: ByteCount::new(1),
        spent: ByteCount::new(1),
        passed: ByteCount::new(1),
        ceiling: false,
    }
}

/// Pumps what a person types or a stream sends, on channel 1, while a story goes on beside it; how it ended, where that came first.
async fn pumped(
    (technician, target): (&mut End, &mut End),
    toll: &Arc<Toll>,
    (held, typed): (&watch::Sender<Held>, bool),
    story: impl Future<Output = ()>,
) -> Option<Stopped> {
    let (world, meter) = (World::default(), Meter::default());
    let (_keep, mut lines) = mpsc::channel(1);
    let (_said, mut answers) = mpsc::channel(1);
    let mut kind = Opaque::default();
    let mut pump = Pump {
        kind: &mut kind,
        permit: &|_: &FlowRequest| Ok(()),
        tape: &world,
        meter: &meter,
        toll,
        notices: Notices {
            lines: &mut lines,
            shown: &|line: &str| line.to_owned(),
        },
        holds: Holds {
            held: held.subscribe(),
            channel: 1,
            typed,
            refused: &|refused| format!("{refused} refused"),
            desk: &Nobody,
        },
        idle: never(),
        lines: no_lines(),
        confirms: no_confirms(&mut answers),
        drained_within: DRAINED_WITHIN,
        known: Known::default(),
    };
    tokio::select! {
        stopped = pump.run(technician, target) => Some(stopped),
        () = story => None,
    }
}

/// Everything that would happen by now has happened.
async fn some_time() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

/// X3: while it is held nothing passes either way. Then what a stream had sent goes on, and what somebody typed does not: they
/// are told how much that was.
#[tokio::test]
async fn x3_a_stream_waits_and_what_is_typed_is_refused() {
    for typed in [true, false] {
        let (to_technician, to_target) = (Till::default(), Till::default());
        let keys = Piece::Data(Bytes::from_static(b"rm -r *\r"));
        let mut technician = to_technician.end(vec![keys]);
        let output = Piece::Data(Bytes::from_static(b"output"));
        let mut target = to_target.end(vec![output]);
        let held = watch::Sender::new(Held::default());
        held.send_modify(|held| assert!(held.hold(7, spent())));
        let arrives = async {
            some_time().await;
            assert!(to_technician.pieces().is_empty() && to_target.pieces().is_empty());
            held.send_modify(|held| assert!(held.let_go(7, Way::Down)));
            while to_technician.paid() < 6 || (!typed && to_target.paid() < 8) {
                tokio::task::yield_now().await;
            }
        };
        let ends = (&mut technician, &mut target);
        let ended = pumped(ends, &Toll::free(), (&held, typed), arrives).await;
        assert!(ended.is_none(), "{ended:?}");
        let told = Piece::ErrorData(Bytes::from_static(b"8 refused"));
        assert_eq!(to_technician.pieces().contains(&told), typed);
        assert_eq!(to_target.pieces().is_empty(), typed);
    }
}

/// X3: what is typed is refused whatever waits on its way to the target: a budget of that way holds it, or the target does not
/// take it. Of the sizes of the window, the last is told.
#[tokio::test]
async fn x3_what_is_typed_is_refused_whatever_waits_upward() {
    for toll in [Toll::bounded(&[(Way::Up, 0)], None).0, Toll::free()] {
        let (to_technician, to_target) = (Till::default(), Till::default());
        let sizes = [80, 100, 120].map(|cols| Piece::Resize(TermSize { cols, rows: 24 }));
        let [first, second, last] = sizes;
        let keys = || Piece::Data(Bytes::from_static(b"rm -r *\r"));
        let mut technician =
            to_technician.end(vec![keys(), first, keys(), second, last.clone(), keys()]);
        let mut target = to_target.end(Vec::new());
        let before = Piece::Data(Bytes::from_static(b"typed before"));
        target.outbox.put(before.clone());
        let held = watch::Sender::new(Held::default());
        held.send_modify(|held| assert!(held.hold(7, spent())));
        let is_bounded = !toll.budgeted().budgets.list.is_empty();
        let told = Piece::ErrorData(Bytes::from_static(b"24 refused"));
        let arrives = async {
            some_time().await;
            held.send_modify(|held| assert!(held.let_go(7, Way::Down)));
            some_time().await;
        };
        let ends = (&mut technician, &mut target);
        let ended = pumped(ends, &toll, (&held, true), arrives).await;
        assert!(ended.is_none(), "{ended:?}");
        assert!(to_technician.pieces().contains(&told));
        let went = if is_bounded {
            vec![]
        } else {
            vec![before, last]
        };
        assert_eq!(to_target.pieces(), went);
    }
}

/// X3: what waits for the target when somebody, or a signal, holds the session reaches it once that goes on, and never where the
/// technician leaves instead: the line of a tripwire does not run behind their back.
#[tokio::test]
async fn x3_what_is_held_by_hand_reaches_no_target_before_it_goes_on() {
    // By a signal, and by the absence of whoever accompanies it (I4).
    let ways = [(true, true), (true, false), (false, true), (false, false)];
    for (goes_on, is_alone) in ways {
        let (to_technician, to_target) = (Till::default(), Till::default());
        let coming = if goes_on { vec![] } else { vec![Piece::Close] };
        let mut technician = to_technician.end(coming);
        let mut target = to_target.end(Vec::new());
        let line = Piece::Data(Bytes::from_static(b"rm -r *\r"));
        target.outbox.put(line.clone());
        let held = watch::Sender::new(Held::default());
        held.send_modify(|held| match is_alone {
            true => drop(held.is_alone(true)),
            false => held.is_signalled(),
        });
        let arrives = async {
            some_time().await;
            assert!(to_target.pieces().is_empty());
            if !goes_on {
                // It ends by itself.
                return std::future::pending().await;
            }
            held.send_modify(|held| match is_alone {
                true => drop(held.is_alone(false)),
                false => held.is_on_record(),
            });
            while to_target.pieces().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        let ends = (&mut technician, &mut target);
        let ended = pumped(ends, &Toll::free(), (&held, true), arrives).await;
        assert_eq!(ended.is_none(), goes_on, "{ended:?}");
        assert_eq!(to_target.pieces().contains(&line), goes_on);
    }
}

/// A channel of which something waits.
struct Waits(Opaque, bool);

impl Kind for Waits {
    fn read(
        &mut self,
        towards: Direction,
        piece: Piece,
        at: Instant,
        ask: &mut Ask<'_>,
        out: &mut Vec<Step>,
    ) {
        self.0.read(towards, piece, at, ask, out);
    }

    fn due(&self) -> Option<Instant> {
        self.0.due()
    }

    fn release(&mut self, out: &mut Vec<Step>) {
        self.0.release(out);
    }

    fn is_finished(&self) -> bool {
        self.0.is_finished()
    }

    fn is_waiting(&self) -> bool {
        self.1
    }
}

/// Nobody is idle who waits for an operator's yes; their time begins once that was said.
#[tokio::test]
async fn i4_what_waits_for_a_yes_is_not_idle() {
    let (world, meter, toll) = (World::default(), Meter::default(), Toll::free());
    let after = watch::Sender::new(Some(Span::from_secs(600)));
    for is_waiting in [true, false] {
        let (_keep, mut lines) = mpsc::channel(1);
        let (_said, mut answers) = mpsc::channel(1);
        let mut kind = Waits(Opaque::default(), is_waiting);
        let mut pump = Pump {
            kind: &mut kind,
            permit: &|_: &FlowRequest| Ok(()),
            tape: &world,
            meter: &meter,
            toll: &toll,
            notices: Notices {
                lines: &mut lines,
                shown: &|line: &str| line.to_owned(),
            },
            holds: never_held(),
            idle: Idle {
                after: after.subscribe(),
                warns: &|_| String::new(),
            },
            lines: no_lines(),
            confirms: no_confirms(&mut answers),
            drained_within: DRAINED_WITHIN,
            known: Known::default(),
        };
        assert_eq!(pump.idle_due(false).is_none(), is_waiting);
        // And whoever leaves meanwhile keeps nobody asked.
        let left = clock::monotonic();
        pump.known.left_at = Some(left);
        let within = if is_waiting {
            LAST_WORDS
        } else {
            DRAINED_WITHIN
        };
        assert_eq!(pump.leaves_at(false), Some(left + within));
    }
}
