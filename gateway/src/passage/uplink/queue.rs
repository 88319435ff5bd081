//! What waits on one channel towards its target, each thing at its real cost.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use crate::passage::side::{Piece, Signal, TermSize};

/// What one queued item costs beside its bytes.
const ITEM: usize = 96;
/// Small packets that wait together are kept together, up to this many bytes: each by itself would cost more than it
/// holds.
const TOGETHER: usize = 4 << 10;
/// One thing that the technician's side sent, in order.
#[derive(Debug)]
pub(crate) enum Item {
    /// Bytes for the target's standard input.
    Data(Bytes),
    /// The terminal changed its size.
    Resize(TermSize),
    /// A signal.
    Signal(Signal),
    /// No more input.
    Eof,
    /// The technician closed the channel, or the connection is gone.
    Close,
}

impl From<Item> for Piece {
    fn from(item: Item) -> Self {
        match item {
            Item::Data(data) => Self::Data(data),
            Item::Resize(size) => Self::Resize(size),
            Item::Signal(signal) => Self::Signal(signal),
            Item::Eof => Self::Eof,
            Item::Close => Self::Close,
        }
    }
}

/// The technician sent more than it was allowed to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Overflow;

/// What waits.
#[derive(Debug)]
pub(super) enum Queued {
    /// Bytes, gathered while they wait.
    Data(BytesMut),
    /// Bytes as they came, in the buffer that they came in: it holds nothing else.
    Whole(Bytes),
    /// Anything else.
    Item(Item),
}

/// What waits on one channel, and what the client may still send.
#[derive(Debug)]
pub(super) struct Queue {
    items: VecDeque<Queued>,
    /// What the items cost.
    bytes: usize,
    /// Items that are no data.
    requests: usize,
    /// What the client may still send, by the library's count.
    granted: u32,
    /// The window that the library has filled up to while the packet that is about to arrive was counted.
    regranted: Option<u32>,
    /// Set by [`Item::Eof`]; no data is queued after it.
    ended: bool,
    /// Set by [`Item::Close`]; nothing is queued after it.
    closed: bool,
}

impl Queue {
    /// An empty queue of a client that may send `granted` bytes.
    pub(super) fn granted(granted: u32) -> Self {
        Self {
            items: VecDeque::new(),
            bytes: 0,
            requests: 0,
            granted,
            regranted: None,
            ended: false,
            closed: false,
        }
    }

    /// What the items cost.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn starts_with_data(&self) -> bool {
        matches!(self.items.front(), Some(Queued::Data(_) | Queued::Whole(_)))
    }

    /// Counts bytes that arrived against what the client may send.
    pub(super) fn spend(&mut self, bytes: u32) -> Result<(), Overflow> {
        let left = self.granted.checked_sub(bytes).ok_or(Overflow)?;
        self.granted = self.regranted.take().unwrap_or(left);
        Ok(())
    }

    /// The library has filled the window up to `granted`, before it tells of the packet that made it do so.
    pub(super) fn refill(&mut self, granted: u32) {
        self.regranted = Some(granted);
    }

    /// Forgets what waits.
    pub(super) fn clear(&mut self) {
        self.items.clear();
        self.bytes = 0;
        self.requests = 0;
    }

    /// What is paid for: what is queued, and what the client may still send, for as long as that would be queued.
    pub(super) fn charged(&self) -> usize {
        let granted = self.granted.max(self.regranted.unwrap_or(0)) as usize;
        self.bytes + if self.closed { 0 } else { granted }
    }

    pub(super) fn append(&mut self, data: Bytes) {
        if self.closed || self.ended {
            return;
        }
        let queued = if data.len() > TOGETHER {
            Queued::Whole(data)
        } else {
            let rest = self.fill_tail(&data);
            if rest.is_empty() {
                return;
            }
            Queued::Data(BytesMut::from(rest))
        };
        self.bytes += cost(&queued);
        self.items.push_back(queued);
    }

    /// Puts as much of a small packet beside the one before it as [`TOGETHER`] allows; returns what is left of it.
    fn fill_tail<'d>(&mut self, data: &'d [u8]) -> &'d [u8] {
        let Some(Queued::Data(tail)) = self.items.back_mut() else {
            return data;
        };
        let room = TOGETHER.saturating_sub(tail.len());
        if room == 0 {
            return data;
        }
        let (beside, rest) = data.split_at(room.min(data.len()));
        let before = tail.capacity();
        let length = tail.len() + beside.len();
        if length > before {
            let mut wider = BytesMut::with_capacity((before * 2).clamp(length, TOGETHER));
            wider.extend_from_slice(tail);
            *tail = wider;
        }
        tail.extend_from_slice(beside);
        self.bytes += tail.capacity() - before;
        rest
    }

    pub(super) fn push(&mut self, item: Item, bound: usize) -> Result<(), Overflow> {
        if self.closed || (self.ended && matches!(item, Item::Eof)) {
            return Ok(());
        }
        if let Some(Queued::Item(last)) = self.items.back_mut()
            && replaces(&item, last)
        {
            *last = item;
            return Ok(());
        }
        self.ended |= matches!(item, Item::Eof);
        self.closed = matches!(item, Item::Close);
        if self.requests >= bound && !self.closed {
            return Err(Overflow);
        }
        self.requests += 1;
        let queued = Queued::Item(item);
        self.bytes += cost(&queued);
        self.items.push_back(queued);
        Ok(())
    }

    pub(super) fn take(&mut self) -> Option<Queued> {
        let queued = self.items.pop_front()?;
        self.bytes -= cost(&queued);
        if matches!(queued, Queued::Item(_)) {
            self.requests -= 1;
        }
        Some(queued)
    }
}

/// Whether nothing is lost when `item` takes the place of `last`, which waits right before it.
fn replaces(item: &Item, last: &Item) -> bool {
    match (item, last) {
        (Item::Resize(_), Item::Resize(_)) => true,
        (Item::Signal(item), Item::Signal(last)) => item == last,
        _ => false,
    }
}

fn cost(queued: &Queued) -> usize {
    ITEM + match queued {
        Queued::Data(data) => data.capacity(),
        Queued::Whole(data) => data.len(),
        Queued::Item(Item::Signal(signal)) => signal.name().len(),
        Queued::Item(Item::Data(_) | Item::Resize(_) | Item::Eof | Item::Close) => 0,
    }
}
