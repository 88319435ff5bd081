use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use tokio::sync::Semaphore;

use super::*;
use crate::passage::kinds::opaque::Opaque;
use crate::passage::kinds::{Ticket, Verdict};
use crate::passage::side::{Gone, Signal, Sink, Soon, Source};
use crate::terminal::Aside;

mod holding;
mod leaving;
mod paying;

/// What was recorded and what went out, and whether the one came before the other.
#[derive(Default)]
struct Seen {
    recorded_up: Vec<u8>,
    recorded_down: Vec<u8>,
    recorded_error: Vec<u8>,
    recorded_events: Vec<String>,
    up: Vec<u8>,
    down: Vec<u8>,
    error: Vec<u8>,
    events: Vec<String>,
    writes: usize,
    /// The write of the recording that fails, and those after it.
    fails_at: Option<usize>,
    failed: bool,
    wrong: Vec<String>,
}

#[derive(Clone, Default)]
struct World(Arc<Mutex<Seen>>);

impl World {
    fn look<T>(&self, look: impl FnOnce(&mut Seen) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    fn write(&self, record: impl FnOnce(&mut Seen)) -> Result<(), RecordError> {
        self.look(|seen| {
            seen.writes += 1;
            seen.failed |= seen.fails_at == Some(seen.writes);
            if seen.failed {
                return Err(RecordError::Closed);
            }
            record(seen);
            Ok(())
        })
    }
}

impl Tape for World {
    fn bytes(
        &self,
        stream: ecluse_recordings::Stream,
        pieces: &[Bytes],
    ) -> Result<(), RecordError> {
        self.write(|seen| {
            let recorded = match stream {
                ecluse_recordings::Stream::Input => &mut seen.recorded_up,
                ecluse_recordings::Stream::Output => &mut seen.recorded_down,
                ecluse_recordings::Stream::ErrorOutput => &mut seen.recorded_error,
            };
            pieces
                .iter()
                .for_each(|piece| recorded.extend_from_slice(piece));
        })
    }

    fn event(&self, event: Event<'_>) -> Result<(), RecordError> {
        let told = if let Event::Resize { cols, rows } = event {
            format!("{cols}x{rows}")
        } else if let Event::Marker(marker) = event {
            marker.to_owned()
        } else if let Event::Eof(towards) = event {
            format!("{towards:?} ends")
        } else if let Event::ExitStatus(status) = event {
            format!("status {status}")
        } else {
            format!("{event:?}")
        };
        self.write(|seen| seen.recorded_events.push(told))
    }

    fn restore(&self) -> Result<Option<Bytes>, RecordError> {
        Ok(None)
    }
}

/// It may be idle for as long as it likes.
fn never() -> Idle<'static> {
    Idle {
        after: tokio::sync::watch::Sender::new(None).subscribe(),
        warns: &|_| String::new(),
    }
}

/// A channel on which nothing waits for a yes.
fn no_confirms(answers: &mut mpsc::Receiver<(Ticket, Verdict)>) -> Confirms<'_> {
    Confirms {
        ask: &|_, _| {},
        answers,
    }
}

/// A channel without files.
fn no_lines() -> Lines<'static> {
    Lines {
        changed: tokio::sync::watch::Sender::new(None).subscribe(),
        left: &|| None,
        refused: &|_| {},
        unsettled: Box::leak(Box::default()),
        logs: &|_| {},
        shows: &|_| {},
        closes: None,
    }
}

/// Takes no answers.
struct Nobody;

impl Desk for Nobody {
    fn aside(&self) -> Aside {
        Aside::new("Answer: ".to_owned(), "[Enter first]".to_owned(), false)
    }

    fn columns(&self) -> u16 {
        80
    }

    fn takes(&self, _: u64, _: &str) -> Result<(), String> {
        Err("nobody asks".to_owned())
    }
}

/// Pieces that come one after another; then nothing, for ever.
struct Coming(VecDeque<Piece>);

impl Source for Coming {
    fn next(&mut self) -> Soon<'_, Option<Piece>> {
        Box::pin(async move {
            // Whoever stops waiting here has taken nothing.
            tokio::task::yield_now().await;
            match self.0.pop_front() {
                Some(piece) => Some(piece),
                None => std::future::pending().await,
            }
        })
    }

    fn more(&mut self) -> Option<Bytes> {
        match self.0.front() {
            Some(Piece::Data(_)) => self.0.pop_front()?.bytes().cloned(),
            _ => None,
        }
    }
}

/// Takes as many bytes as there is room.
struct Taking {
    world: World,
    towards: Direction,
    room: Arc<Semaphore>,
}

impl Taking {
    fn takes(&self, piece: &Piece, part: &[u8]) {
        self.world.look(|seen| {
            if seen.failed {
                seen.wrong
                    .push(format!("{part:?} after the recording failed"));
            }
            let (recorded, gone) = match (self.towards, piece) {
                (ToTarget, _) => (&seen.recorded_up, &mut seen.up),
                (ToTechnician, Piece::ErrorData(_)) => (&seen.recorded_error, &mut seen.error),
                (ToTechnician, _) => (&seen.recorded_down, &mut seen.down),
            };
            gone.extend_from_slice(part);
            if !recorded.starts_with(gone) && part != WORDS.as_bytes() {
                seen.wrong.push(format!("{part:?} is not recorded"));
            }
        });
    }

    fn hears(&self, told: String) {
        self.world.look(|seen| {
            if seen.failed || !seen.recorded_events.contains(&told) {
                seen.wrong.push(format!("{told} is not recorded"));
            }
            seen.events.push(told);
        });
    }
}

impl Sink for Taking {
    fn send<'a>(&'a mut self, piece: &'a mut Piece) -> Soon<'a, Result<(), Gone>> {
        Box::pin(async move {
            let whole = piece.clone();
            match piece {
                Piece::Data(data) | Piece::ErrorData(data) => {
                    while !data.is_empty() {
                        self.room.acquire().await.unwrap().forget();
                        let part = data.split_to(data.len().min(PART));
                        self.takes(&whole, &part);
                    }
                }
                Piece::Resize(size) => self.hears(format!("{}x{}", size.cols, size.rows)),
                Piece::Signal(signal) => self.hears(format!("signal {}", signal.name())),
                Piece::Eof => self.hears(format!("{:?} ends", self.towards)),
                Piece::Exit(Exit::Status(status)) => self.hears(format!("status {status}")),
                Piece::Exit(Exit::Signal { .. })
                | Piece::Refused
                | Piece::Beside(_)
                | Piece::BesideOver
                | Piece::Run(_)
                | Piece::Remark(_) => {
                    unreachable!("nobody sends it here")
                }
                Piece::Close => {}
            }
            Ok(())
        })
    }
}

/// Bytes that a side takes at a time.
const PART: usize = 100;
/// What the gateway says while nothing passes.
const WORDS: &str = "held for a moment";

fn end(world: &World, coming: Vec<Piece>, towards: Direction, room: &Arc<Semaphore>) -> End {
    End::new(
        Box::new(Coming(coming.into())),
        Box::new(Taking {
            world: world.clone(),
            towards,
            room: Arc::clone(room),
        }),
    )
}

fn pieces(bytes: &[u8]) -> Vec<Piece> {
    bytes
        .chunks(700)
        .map(|chunk| Piece::Data(Bytes::copy_from_slice(chunk)))
        .collect()
}

/// Nothing holds it, ever.
fn never_held() -> Holds<'static> {
    Holds {
        held: tokio::sync::watch::Sender::default().subscribe(),
        channel: 1,
        typed: false,
        refused: &|refused| format!("{refused} refused"),
        desk: &Nobody,
    }
}

/// A channel is paused in the middle of a transfer both ways, its technician is spoken to, and it goes on: every byte once,
/// in order, and none of the target's behind the words' back.
#[tokio::test]
async fn a_passage_is_paused_spoken_on_and_resumed_exactly() {
    let world = World::default();
    let up: Vec<u8> = (0..60_000u32).map(|n| (n % 251) as u8).collect();
    let down: Vec<u8> = (0..60_000u32).map(|n| (n % 241) as u8).collect();
    let (up_room, down_room) = (Arc::new(Semaphore::new(170)), Arc::new(Semaphore::new(230)));
    let mut from_target = pieces(&down);
    from_target.extend([Piece::Exit(Exit::Status(0)), Piece::Close]);
    let mut technician = end(&world, pieces(&up), ToTechnician, &down_room);
    let mut target = end(&world, from_target, ToTarget, &up_room);
    let (meter, (_keep, mut lines)) = (Meter::default(), mpsc::channel(1));
    let (_said, mut answers) = mpsc::channel(1);
    let mut pump = Pump {
        kind: &mut Opaque::default(),
        permit: &|_: &FlowRequest| Ok(()),
        tape: &world,
        meter: &meter,
        toll: &Toll::free(),
        notices: Notices {
            lines: &mut lines,
            shown: &|line: &str| line.to_owned(),
        },
        lines: no_lines(),
        confirms: no_confirms(&mut answers),
        drained_within: DRAINED_WITHIN,
        known: Known::default(),
        holds: never_held(),
        idle: never(),
    };
    let stuck = async {
        while up_room.available_permits() > 0 || down_room.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        stopped = pump.run(&mut technician, &mut target) => panic!("it ended: {stopped:?}"),
        () = stuck => {}
    }
    let at = world.look(|seen| (seen.up.len(), seen.down.len()));
    assert_eq!(at, (17_000, 23_000));

    down_room.add_permits(1);
    let words = Piece::Data(Bytes::from_static(WORDS.as_bytes()));
    technician.say(words).await.unwrap();
    let then = world.look(|seen| (seen.up.len(), seen.down.len()));
    assert_eq!(then, (at.0, at.1 + WORDS.len()), "something else passed");
    world.look(|seen| seen.down.truncate(at.1));

    up_room.add_permits(10_000);
    down_room.add_permits(10_000);
    let stopped = pump.run(&mut technician, &mut target).await;
    assert!(matches!(stopped, Stopped::Finished), "{stopped:?}");
    world.look(|seen| {
        assert!(seen.wrong.is_empty(), "{:?}", seen.wrong);
        assert!(seen.down == down, "the technician's bytes are not exact");
        assert!(up.starts_with(&seen.up) && seen.up.len() > at.0);
        assert_eq!(seen.events, ["status 0"]);
        assert_eq!(meter.with_received(0).to_technician, 60_000);
    });
}

/// What either side may send in passing.
fn passing(towards: Direction) -> BoxedStrategy<Piece> {
    let bytes = || proptest::collection::vec(any::<u8>(), 1..400).prop_map(Bytes::from);
    match towards {
        ToTarget => prop_oneof![
            4 => bytes().prop_map(Piece::Data),
            1 => (1..300u32).prop_map(|cols| Piece::Resize(TermSize { cols, rows: 24 })),
            1 => "[A-Z]{1,6}".prop_map(|name| Piece::Signal(Signal::named(name))),
            1 => Just(Piece::Eof),
        ]
        .boxed(),
        ToTechnician => prop_oneof![
            4 => bytes().prop_map(Piece::Data),
            2 => bytes().prop_map(Piece::ErrorData),
            1 => Just(Piece::Eof),
            1 => (0..9u32).prop_map(|status| Piece::Exit(Exit::Status(status))),
        ]
        .boxed(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Invariant 3: whatever passes, in whatever order, is recorded before it is forwarded; what the recording did not take
    /// is not forwarded, and nothing after it.
    #[test]
    fn nothing_is_forwarded_that_is_not_recorded(
        up in proptest::collection::vec(passing(ToTarget), 0..30),
        down in proptest::collection::vec(passing(ToTechnician), 0..30),
        fails_at in proptest::option::of(1..30usize),
        permits in any::<bool>(),
    ) {
        let world = World::default();
        world.look(|seen| seen.fails_at = fails_at);
        let room = Arc::new(Semaphore::new(100_000));
        let (mut up, mut down) = (up, down);
        up.push(Piece::Eof);
        down.push(Piece::Close);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let stopped = runtime.block_on(async {
            let mut technician = end(&world, up, ToTechnician, &room);
            let mut target = end(&world, down, ToTarget, &room);
            let (meter, (_keep, mut lines)) = (Meter::default(), mpsc::channel(1));
    let (_said, mut answers) = mpsc::channel(1);
            let refused = || Refusal::WindowOver { closed_at: clock::now() };
            Pump {
                kind: &mut Opaque::default(),
                permit: &|_: &FlowRequest| if permits { Ok(()) } else { Err(refused()) },
                tape: &world,
                meter: &meter,
                toll: &Toll::free(),
                notices: Notices { lines: &mut lines, shown: &|line: &str| line.to_owned() },
                lines: no_lines(),
        confirms: no_confirms(&mut answers),
                drained_within: DRAINED_WITHIN,
                known: Known::default(),
            holds: never_held(),
            idle: never(),
            }
            .run(&mut technician, &mut target)
            .await
        });
        world.look(|seen| {
            prop_assert!(seen.wrong.is_empty(), "{:?}", seen.wrong);
            prop_assert_eq!(seen.failed, matches!(stopped, Stopped::Unrecorded(_)));
            if !seen.failed {
                prop_assert!(matches!(stopped, Stopped::Finished));
                prop_assert!(seen.down == seen.recorded_down, "bytes of the target are missing");
                prop_assert!(seen.error == seen.recorded_error);
            }
            Ok(())
        })?;
    }
}
