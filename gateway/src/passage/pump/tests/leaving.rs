//! A technician who leaves while what they sent still waits.

use tokio::sync::watch;

use super::*;
use crate::passage::kinds::LEFT_BEFORE_THE_END;

/// Pieces of a technician who may be gone before they are read.
struct Technician {
    coming: Coming,
    left: watch::Receiver<bool>,
}

impl Source for Technician {
    fn next(&mut self) -> Soon<'_, Option<Piece>> {
        self.coming.next()
    }

    fn more(&mut self) -> Option<Bytes> {
        self.coming.more()
    }

    fn gone(&self) -> Soon<'static, ()> {
        let mut left = self.left.clone();
        Box::pin(async move {
            let _ = left.wait_for(|left| *left).await;
        })
    }
}

/// What becomes of a passage whose technician sent `sent` and whose target takes as much as `room` says.
struct Left {
    world: World,
    technician: End,
    target: End,
    leave: watch::Sender<bool>,
}

fn left(sent: Vec<Piece>, room: &Arc<Semaphore>) -> Left {
    let (world, (leave, left)) = (World::default(), watch::channel(false));
    let technician = End::new(
        Box::new(Technician {
            coming: Coming(sent.into()),
            left,
        }),
        Box::new(Taking {
            world: world.clone(),
            towards: ToTechnician,
            room: Arc::new(Semaphore::new(0)),
        }),
    );
    let target = end(&world, Vec::new(), ToTarget, room);
    Left {
        world,
        technician,
        target,
        leave,
    }
}

impl Left {
    async fn run(&mut self, drained_within: Duration) -> Stopped {
        self.run_under(never_held(), drained_within).await
    }

    async fn run_under(&mut self, holds: Holds<'_>, drained_within: Duration) -> Stopped {
        let (meter, (_keep, mut lines)) = (Meter::default(), mpsc::channel(1));
        let (_said, mut answers) = mpsc::channel(1);
        let mut pump = Pump {
            kind: &mut Opaque::default(),
            permit: &|_: &FlowRequest| Ok(()),
            tape: &self.world,
            meter: &meter,
            toll: &Toll::free(),
            notices: Notices {
                lines: &mut lines,
                shown: &|line: &str| line.to_owned(),
            },
            lines: no_lines(),
            confirms: no_confirms(&mut answers),
            drained_within,
            known: Known::default(),
            holds,
            idle: never(),
        };
        pump.run(&mut self.technician, &mut self.target).await
    }
}

/// F5: a technician who is gone is noticed although the target takes nothing, and so the end of what they sent is not seen.
#[tokio::test]
async fn a_technician_who_is_gone_is_noticed_while_the_target_takes_nothing() {
    let mut sent = pieces(&[7; 5000]);
    sent.push(Piece::Close);
    let room = Arc::new(Semaphore::new(3));
    let mut passage = left(sent, &room);
    passage.leave.send(true).unwrap();
    let stopped = passage.run(Duration::from_millis(100));
    let stopped = tokio::time::timeout(Duration::from_secs(20), stopped).await;
    assert!(
        matches!(stopped, Ok(Stopped::TechnicianLeft)),
        "{stopped:?}"
    );
    passage.world.look(|seen| {
        assert_eq!(seen.up.len(), 3 * PART, "what was taken before");
        let noted = seen.recorded_events.last().unwrap();
        assert!(noted.contains(LEFT_BEFORE_THE_END), "{noted}");
    });
}

/// What was sent before they left is not lost on a target that takes it.
#[tokio::test]
async fn what_a_technician_sent_before_they_left_goes_out() {
    let mut sent = pieces(&[7; 5000]);
    sent.push(Piece::Close);
    let room = Arc::new(Semaphore::new(0));
    let mut passage = left(sent, &room);
    passage.leave.send(true).unwrap();
    let slow = async {
        // A packet each time the passage has had its turn.
        for _ in 0..60 {
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            room.add_permits(1);
        }
        std::future::pending::<()>().await;
    };
    let stopped = tokio::select! {
        stopped = passage.run(Duration::from_secs(60)) => stopped,
        () = slow => unreachable!("it never ends"),
    };
    assert!(matches!(stopped, Stopped::TechnicianLeft), "{stopped:?}");
    passage.world.look(|seen| {
        assert_eq!(seen.up.len(), 5000);
        assert_eq!(seen.events, ["ToTarget ends"]);
    });
}

/// X3: whoever leaves while it is held is not waited for: what they sent does not go out.
#[tokio::test]
async fn x3_who_leaves_while_it_is_held_has_left() {
    let mut sent = pieces(&[7; 5000]);
    sent.push(Piece::Close);
    let room = Arc::new(Semaphore::new(100));
    let mut passage = left(sent, &room);
    passage.leave.send(true).unwrap();
    let held = watch::Sender::new(crate::live::Held::default());
    held.send_modify(|held| assert!(held.hold(7, super::holding::spent())));
    let holds = Holds {
        held: held.subscribe(),
        ..never_held()
    };
    let stopped = passage.run_under(holds, Duration::from_secs(3600));
    let stopped = tokio::time::timeout(Duration::from_secs(20), stopped).await;
    assert!(
        matches!(stopped, Ok(Stopped::TechnicianLeft)),
        "{stopped:?}"
    );
    passage.world.look(|seen| assert!(seen.up.is_empty()));
}

/// Whoever ends their input in due form has not left.
#[tokio::test]
async fn a_technician_who_ends_their_input_waits_for_what_comes() {
    let mut sent = pieces(&[7; 500]);
    sent.push(Piece::Eof);
    let room = Arc::new(Semaphore::new(100));
    let mut passage = left(sent, &room);
    let world = passage.world.clone();
    let stopped = passage.run(Duration::ZERO);
    let waits = async {
        while world.look(|seen| seen.events.is_empty()) {
            tokio::task::yield_now().await;
        }
        // Longer than the words of a target whose technician has left are waited for.
        tokio::time::sleep(LAST_WORDS * 2).await;
    };
    tokio::select! {
        stopped = stopped => panic!("it ended: {stopped:?}"),
        () = waits => {}
    }
}
