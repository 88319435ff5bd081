//! A second channel on the same connection to a target, on which the gateway asks for itself where paths lead.
//!
//! The technician neither sees it nor sends on it; what comes and goes by it are pieces of their own ([`Piece::Beside`]).

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use russh::ChannelMsg;

use super::channel::{FromTarget, ToTarget};
use super::intake::Intake;
use crate::clock;
use crate::passage::side::{End, Gone, Piece, Sink, Soon, Source};

/// Until a target that has what is asked for says its first word; some never say that they have not.
const SPEAKS_WITHIN: Duration = Duration::from_secs(20);

/// The channel beside.
pub(super) struct Beside {
    pub(super) from: Arc<Intake>,
    pub(super) to: ToTarget,
}

/// One side of a passage out of a channel and the one beside it.
pub(super) fn joined(source: FromTarget, sink: ToTarget, beside: Beside) -> End {
    let Beside { from, to } = beside;
    let source = FromBoth {
        main: source,
        beside: Some(from),
        silent_until: Some(clock::monotonic() + SPEAKS_WITHIN),
    };
    let sink = ToBoth {
        main: sink,
        beside: to,
    };
    End::new(Box::new(source), Box::new(sink))
}

struct FromBoth {
    main: FromTarget,
    /// None once nothing more comes of it.
    beside: Option<Arc<Intake>>,
    /// When it counts as having nothing to say; none once it said something.
    silent_until: Option<Instant>,
}

impl Source for FromBoth {
    fn next(&mut self) -> Soon<'_, Option<Piece>> {
        Box::pin(async move {
            loop {
                let Some(beside) = &self.beside else {
                    return self.main.next().await;
                };
                let message = tokio::select! {
                    biased;
                    message = beside.next() => message,
                    () = until(self.silent_until) => None,
                    piece = self.main.next() => return piece,
                };
                match message {
                    Some(ChannelMsg::Data { data }) => {
                        self.silent_until = None;
                        return Some(Piece::Beside(data));
                    }
                    Some(ChannelMsg::Failure | ChannelMsg::Eof | ChannelMsg::Close) | None => {
                        self.beside = None;
                        return Some(Piece::BesideOver);
                    }
                    // It says yes, talks beside the protocol, or tells how it ended: the end of its bytes follows.
                    Some(_) => {}
                }
            }
        })
    }

    fn more(&mut self) -> Option<Bytes> {
        self.main.more()
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

struct ToBoth {
    main: ToTarget,
    beside: ToTarget,
}

impl Sink for ToBoth {
    fn send<'a>(&'a mut self, piece: &'a mut Piece) -> Soon<'a, Result<(), Gone>> {
        let Piece::Beside(data) = piece else {
            return self.main.send(piece);
        };
        Box::pin(async move {
            // That nobody reads it there is told by its end.
            let _ = self.beside.data(data).await;
            Ok(())
        })
    }
}
