//! What is paid for before it goes out, whatever carries it (X1).

use ecluse_policy::extraction::Way;

use super::*;
use crate::extraction::toll::{Over, Toll};

/// Takes whatever comes: what of it a target chose, and in which order words and bytes came.
#[derive(Clone, Default)]
pub(super) struct Till(Arc<Mutex<(usize, Vec<Piece>)>>);

impl Till {
    pub(super) fn end(&self, coming: Vec<Piece>) -> End {
        End::new(Box::new(Coming(coming.into())), Box::new(self.clone()))
    }

    /// What came that is not the gateway's.
    pub(super) fn paid(&self) -> usize {
        self.0.lock().unwrap().0
    }

    pub(super) fn pieces(&self) -> Vec<Piece> {
        self.0.lock().unwrap().1.clone()
    }
}

impl Sink for Till {
    fn send<'a>(&'a mut self, piece: &'a mut Piece) -> Soon<'a, Result<(), Gone>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            let mut got = self.0.lock().unwrap();
            if piece.bytes().is_none_or(|bytes| bytes != WORDS.as_bytes()) {
                got.0 += piece.payload();
            }
            got.1.push(piece.clone());
            Ok(())
        })
    }
}

/// Pumps until a side ends or a budget lets nothing more pass.
async fn pump(
    world: &World,
    (technician, target): (&mut End, &mut End),
    (toll, mut over): (Arc<Toll>, Over),
    lines: &mut mpsc::Receiver<String>,
) {
    let meter = Meter::default();
    let (_said, mut answers) = mpsc::channel(1);
    let mut kind = Opaque::default();
    let mut pump = Pump {
        kind: &mut kind,
        permit: &|_: &FlowRequest| Ok(()),
        tape: world,
        meter: &meter,
        toll: &toll,
        notices: Notices {
            lines,
            shown: &|line: &str| line.to_owned(),
        },
        lines: no_lines(),
        confirms: no_confirms(&mut answers),
        drained_within: DRAINED_WITHIN,
        known: Known::default(),
        holds: never_held(),
        idle: never(),
    };
    tokio::select! {
        biased;
        _ = pump.run(technician, target) => {}
        () = over.until() => {}
    }
}

/// Every kind of piece of a target, and of a technician.
fn any_piece(towards: Direction) -> BoxedStrategy<Piece> {
    let exit = ("[A-Z]{1,9}", any::<bool>(), ".{0,80}").prop_map(|(name, core_dumped, message)| {
        Piece::Exit(Exit::Signal {
            signal: Signal::named(name),
            core_dumped,
            message,
        })
    });
    match towards {
        ToTarget => passing(ToTarget),
        ToTechnician => prop_oneof![
            6 => passing(ToTechnician),
            2 => exit,
            1 => Just(Piece::Remark("something".into())),
        ]
        .boxed(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// X1: whatever kinds of pieces come in whatever order, what goes out is never more than the budget, either way; and all
    /// of it goes where there is enough.
    #[test]
    fn x1_no_kind_of_piece_takes_more_than_the_budget(
        up in proptest::collection::vec(any_piece(ToTarget), 0..20),
        down in proptest::collection::vec(any_piece(ToTechnician), 0..20),
        budget in 0u64..6_000,
        up_budget in 0u64..6_000,
    ) {
        let cost = |pieces: &[Piece]| pieces.iter().map(Piece::payload).sum::<usize>() as u64;
        let enough = cost(&down) <= budget && cost(&up) <= up_budget;
        let (world, to_technician, to_target) = (World::default(), Till::default(), Till::default());
        let mut technician = to_technician.end(up);
        let mut target = to_target.end(down.iter().cloned().chain([Piece::Close]).collect());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let toll = Toll::bounded(&[(Way::Down, budget), (Way::Up, up_budget)], None);
            let (_keep, mut lines) = mpsc::channel(1);
            pump(&world, (&mut technician, &mut target), toll, &mut lines).await;
        });
        prop_assert!(to_technician.paid() as u64 <= budget);
        prop_assert!(to_target.paid() as u64 <= up_budget);
        if enough {
            // What a target sends after the end of its output goes no further.
            let bytes = |pieces: &[Piece]| -> Vec<u8> {
                let until_end = pieces.iter().take_while(|piece| **piece != Piece::Eof);
                until_end.filter_map(Piece::bytes).flatten().copied().collect()
            };
            prop_assert_eq!(bytes(&to_technician.pieces()), bytes(&down));
        }
    }
}

/// What the gateway says is heard at once, beside a flow that is slowed to a crawl, and costs nothing.
#[tokio::test]
async fn words_go_before_what_waits_to_be_paid_for() {
    let (world, to_technician) = (World::default(), Till::default());
    let flood = Bytes::from(vec![b'x'; 20_000]);
    let mut technician = to_technician.end(Vec::new());
    let mut target = Till::default().end(vec![Piece::Data(flood)]);
    let toll = Toll::bounded(&[(Way::Down, 1 << 20)], Some(1));
    let (say, mut lines) = mpsc::channel(1);
    say.send(WORDS.to_owned()).await.unwrap();
    let heard = async {
        let words = |piece: &Piece| piece.bytes().is_some_and(|bytes| bytes == WORDS.as_bytes());
        while !to_technician.pieces().iter().any(words) {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = pump(&world, (&mut technician, &mut target), toll, &mut lines) => panic!("it ended"),
        () = heard => {}
    }
    assert!(
        to_technician.paid() < 1_000,
        "{} bytes came before",
        to_technician.paid()
    );
}
