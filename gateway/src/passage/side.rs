//! The two sides of a passage, and what comes and goes by them: no type of a library.
//!
//! Each side is an [`End`]: a [`Source`] that pieces come from and a [`Sink`] that takes them. Doors and targets make
//! them (`ssh/technician`, `ssh/target`); [`super::pump`] borrows two of them and gives them back whole, so that whoever
//! stopped it may speak to one side and start it again.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use super::meter::Meter;
pub(crate) use super::signals::Signal;
use super::unsettled::Progress;
use crate::extraction::toll::Toll;
use crate::extraction::way;
use ecluse_recordings::Direction;

/// A future of a trait object's method.
pub(crate) type Soon<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The size of a terminal's window, in characters. What clients tell in pixels goes no further: a target would get bytes
/// that no recording holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TermSize {
    pub(crate) cols: u32,
    pub(crate) rows: u32,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Exit {
    /// By itself, with this status.
    Status(u32),
    /// By a signal.
    Signal {
        /// Which.
        signal: Signal,
        /// Whether a core was left.
        core_dumped: bool,
        /// What the target says about it.
        message: String,
    },
}

/// One thing that comes or goes, in order with all others of its direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Bytes: of standard input, standard output, the terminal.
    Data(Bytes),
    /// Bytes of standard error.
    ErrorData(Bytes),
    /// The technician's terminal changed its size.
    Resize(TermSize),
    /// A signal for what runs.
    Signal(Signal),
    /// No more bytes follow.
    Eof,
    /// How the command ended.
    Exit(Exit),
    /// The target does not start what it was asked for.
    Refused,
    /// Bytes of the channel beside it, on which the gateway asks a target for itself.
    Beside(Bytes),
    /// Nothing more comes of that channel.
    BesideOver,
    /// What a target is to start now, where it was reached and asked for nothing yet.
    Run(Bytes),
    /// Said by the side itself about what came and goes no further.
    Remark(Cow<'static, str>),
    /// The channel is closed, in due form.
    Close,
}

/// Which of the two output streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Standard output, or the terminal.
    Output,
    /// Standard error.
    ErrorOutput,
}

impl Stream {
    /// Bytes of this stream.
    pub(crate) fn piece(self, bytes: Bytes) -> Piece {
        match self {
            Self::Output => Piece::Data(bytes),
            Self::ErrorOutput => Piece::ErrorData(bytes),
        }
    }
}

impl Piece {
    /// The bytes that it holds, where it is some.
    pub(crate) fn bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Data(bytes) | Self::ErrorData(bytes) => Some(bytes),
            // What is beside is of no stream.
            Self::Beside(_)
            | Self::BesideOver
            | Self::Run(_)
            | Self::Resize(_)
            | Self::Signal(_)
            | Self::Eof
            | Self::Exit(_)
            | Self::Refused
            | Self::Remark(_)
            | Self::Close => None,
        }
    }

    /// What it costs: the bytes that whoever sent it chose and that whoever gets it learns, whatever carries them. A kind of
    /// piece says so here, or does not compile.
    pub(crate) fn payload(&self) -> usize {
        match self {
            Self::Data(bytes) | Self::ErrorData(bytes) | Self::Beside(bytes) | Self::Run(bytes) => {
                bytes.len()
            }
            // Columns and rows.
            Self::Resize(TermSize { cols: _, rows: _ }) => 8,
            Self::Signal(signal) => signal.name().len(),
            Self::Exit(Exit::Status(_)) => 4,
            Self::Exit(Exit::Signal {
                signal,
                core_dumped: _,
                message,
            }) => signal.name().len() + 1 + message.len(),
            // That it comes is all that it says; a remark goes no further than the recording.
            Self::Eof | Self::Refused | Self::Remark(_) | Self::Close | Self::BesideOver => 0,
        }
    }

    /// Takes the first `part` of its bytes out, where it has more.
    fn split_to(&mut self, part: usize) -> Option<Self> {
        match self {
            Self::Data(bytes) if part < bytes.len() => Some(Self::Data(bytes.split_to(part))),
            Self::ErrorData(bytes) if part < bytes.len() => {
                Some(Self::ErrorData(bytes.split_to(part)))
            }
            Self::Data(_)
            | Self::ErrorData(_)
            | Self::Beside(_)
            | Self::BesideOver
            | Self::Run(_)
            | Self::Resize(_)
            | Self::Signal(_)
            | Self::Eof
            | Self::Exit(_)
            | Self::Refused
            | Self::Remark(_)
            | Self::Close => None,
        }
    }
}

/// Whoever was to take a piece is gone; nothing more can be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the other side has left")]
pub(crate) struct Gone;

/// Where pieces come from.
pub(crate) trait Source: Send {
    /// The next piece; none once its side is gone without a word. Dropped while it waits, it has taken nothing.
    fn next(&mut self) -> Soon<'_, Option<Piece>>;

    /// More bytes of the stream that the last piece was of, if they are here already: what waits together is recorded
    /// together.
    fn more(&mut self) -> Option<Bytes>;

    /// Waits until the side has left, whatever of it still waits to be read. A side that cannot tell says so by its last
    /// piece alone.
    fn gone(&self) -> Soon<'static, ()> {
        Box::pin(std::future::pending())
    }
}

/// Where pieces go.
pub(crate) trait Sink: Send {
    /// Delivers `piece`, waiting for the peer's window as often as needed. Dropped while it waits, it leaves in `piece`
    /// what was not taken, and goes on there when it is called again.
    ///
    /// # Errors
    /// [`Gone`] when nobody takes it any more.
    fn send<'a>(&'a mut self, piece: &'a mut Piece) -> Soon<'a, Result<(), Gone>>;

    /// What was asked for is reached: a client that waits for its channel hears so.
    fn opened(&mut self) -> Soon<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// One side of a passage.
pub(crate) struct End {
    pub(super) source: Box<dyn Source>,
    pub(super) sink: Box<dyn Sink>,
    pub(super) outbox: Outbox,
}

impl End {
    /// A side of which nothing has come and to which nothing has gone.
    pub(crate) fn new(source: Box<dyn Source>, sink: Box<dyn Sink>) -> Self {
        Self {
            source,
            sink,
            outbox: Outbox::default(),
        }
    }

    /// Says something of the gateway's own, before whatever waits for this side.
    ///
    /// # Errors
    /// [`Gone`] when nobody is there to take it.
    pub(crate) async fn say(&mut self, mut piece: Piece) -> Result<(), Gone> {
        self.sink.send(&mut piece).await
    }
}

/// What is recorded and not yet taken by one side. It stays with its side while nobody pumps.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// Paid for, and being handed over, with what of it is payload.
    going: Option<(Piece, usize)>,
    /// How much of all that was put in has gone.
    progress: Arc<Progress>,
    waiting: VecDeque<Owed>,
    /// How many of the first that wait are words of the gateway.
    words: usize,
    /// Held back until a [`super::kinds::Step::Release`].
    held: VecDeque<Piece>,
    /// The end of input or output has been put in.
    ended: bool,
}

/// A piece on its way.
#[derive(Debug)]
struct Owed {
    piece: Piece,
    /// What is to be paid before it goes out; nothing for the gateway's own.
    unpaid: usize,
    /// Whether it is the gateway's own, which is counted nowhere.
    own: bool,
    /// How many of its bytes are counted; all of them where that is not said.
    counts: Option<usize>,
    /// What of it is payload, and is not handed over.
    payload: usize,
}

impl Outbox {
    /// Puts in what was recorded.
    pub(super) fn put(&mut self, piece: Piece) {
        self.ended |= matches!(piece, Piece::Eof);
        let payload = piece.payload();
        self.progress.put(payload);
        self.waiting.push_back(Owed {
            unpaid: payload,
            own: false,
            counts: None,
            payload,
            piece,
        });
    }

    /// What was to be put in goes nowhere: its side has left.
    pub(super) fn passes_over(&self, payload: usize) {
        self.progress.put(payload);
    }

    /// How much of all that was put in has gone.
    pub(super) fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    /// Puts in bytes of which so many are paid for, and so many counted.
    pub(super) fn put_counted(&mut self, piece: Piece, payload: usize, counts: usize) {
        self.progress.put(payload);
        self.waiting.push_back(Owed {
            piece,
            unpaid: payload,
            own: false,
            counts: Some(counts),
            payload,
        });
    }

    /// Puts in what is the gateway's own.
    pub(super) fn put_own(&mut self, piece: Piece) {
        self.ended |= matches!(piece, Piece::Eof);
        self.waiting.push_back(Owed::own(piece));
    }

    /// Puts in words of the gateway, before whatever waits to be paid for.
    pub(super) fn put_words(&mut self, piece: Piece) {
        self.waiting.insert(self.words, Owed::own(piece));
        self.words += 1;
    }

    /// How many words of the gateway wait.
    pub(super) fn words(&self) -> usize {
        self.words
    }

    /// Keeps back what was recorded.
    pub(super) fn hold(&mut self, piece: Piece) {
        self.ended |= matches!(piece, Piece::Eof);
        self.held.push_back(piece);
    }

    /// What was held back, in order.
    pub(super) fn release(&mut self) -> VecDeque<Piece> {
        std::mem::take(&mut self.held)
    }

    /// Forgets what nobody will take.
    pub(super) fn clear(&mut self) {
        self.going = None;
        self.waiting.clear();
        self.words = 0;
        self.held.clear();
    }

    /// Whether all was taken that is not held back.
    pub(super) fn is_empty(&self) -> bool {
        self.going.is_none() && self.waiting.is_empty()
    }

    /// Whether the end of input or output is among what was put in.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Hands all that waits to `sink`, each paid for and counted just before: what is not paid for goes nowhere. Dropped while
    /// it waits, it goes on where it was.
    ///
    /// # Errors
    /// [`Gone`] when nobody takes it any more.
    pub(super) async fn flush(
        &mut self,
        sink: &mut dyn Sink,
        towards: Direction,
        meter: &Meter,
        toll: &Arc<Toll>,
    ) -> Result<(), Gone> {
        loop {
            if let Some((going, payload)) = &mut self.going {
                sink.send(going).await?;
                self.progress.gone(*payload);
                self.going = None;
            }
            let Some(owed) = self.waiting.front_mut() else {
                return Ok(());
            };
            let mut part = None;
            if owed.unpaid > 0 {
                let paid = toll.pay(way(towards), owed.unpaid).await;
                owed.unpaid = owed.unpaid.saturating_sub(paid);
                // Bytes go as far as they are paid for; what is not bytes, or is paid for, goes whole.
                if owed.unpaid > 0 {
                    part = owed.piece.split_to(paid);
                    if part.is_none() {
                        continue;
                    }
                }
            }
            // No await from here on: what is counted is handed over.
            let own = owed.own;
            let mut counted = owed.counts;
            if let (Some(part), Some(left)) = (&part, &mut owed.counts) {
                let now = part.bytes().map_or(0, Bytes::len).min(*left);
                counted = Some(now);
                *left -= now;
            }
            let (going, payload) = match part {
                Some(part) => {
                    let left = owed.piece.bytes().map_or(0, Bytes::len);
                    // Its data stand behind everything else of a packet.
                    let behind = owed.payload.min(left);
                    let gone = owed.payload - behind;
                    owed.payload = behind;
                    (part, gone)
                }
                None => match self.waiting.pop_front() {
                    Some(owed) => (owed.piece, owed.payload),
                    None => return Ok(()),
                },
            };
            if own {
                self.words = self.words.saturating_sub(1);
            } else {
                let length = going.bytes().map_or(0, Bytes::len);
                meter.sent(towards, counted.unwrap_or(length));
            }
            self.going = Some((going, payload));
        }
    }
}

impl Owed {
    fn own(piece: Piece) -> Self {
        Self {
            piece,
            unpaid: 0,
            own: true,
            counts: None,
            payload: 0,
        }
    }
}
