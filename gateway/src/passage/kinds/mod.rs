//! Kinds of channels: what of the pieces that arrive passes, and when.
//!
//! A kind is pure: it knows no socket, no clock and no recording. It is given each piece of either side and says by
//! [`Step`]s what becomes of it; [`super::pump`] records, counts and forwards that, in this order, for every kind alike.
//! A new kind is one file here, and what it may let pass is asked of policy through `ask`.

pub(crate) mod copying;
pub(crate) mod files;
pub(crate) mod forward;
mod judge;
pub(crate) mod opaque;
pub(crate) mod scp;
pub(crate) mod sftp;
pub(crate) mod tree;

use std::borrow::Cow;
use std::time::Instant;

use bytes::Bytes;
use ecluse_policy::{FlowRequest, Refusal};
use ecluse_recordings::{Direction, FileEntry};

pub(crate) use self::sftp::{Ticket, Verdict};

use self::sftp::Doing;
use super::confirming::Wanted;
use super::side::Piece;

/// Noted when nobody will know how a command ended.
pub(crate) const LEFT_BEFORE_THE_END: &str =
    "the technician left before the target told how the command ended";

/// What becomes of something that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// It is recorded and goes on, in this direction.
    Pass(Direction, Piece),
    /// It is recorded and held back, behind what is held back already.
    Hold(Direction, Piece),
    /// What was held back in this direction goes on.
    Release(Direction),
    /// Something does not pass, which the recording says.
    Note(Cow<'static, str>),
    /// It is recorded as it came; what of it goes on is in the steps behind.
    Record(Direction, Bytes),
    /// A packet goes on. Towards the technician it is recorded; towards the target it is made of what is.
    Send {
        /// Which way.
        towards: Direction,
        /// All of it.
        bytes: Bytes,
        /// What is paid for it: what whoever sent it chose and whoever gets it learns. **Unit**: bytes.
        payload: usize,
        /// How many of its bytes are counted as what passed; none of the gateway's own.
        counts: usize,
    },
    /// An entry of the recording's log of files.
    Log(Box<FileEntry>),
    /// The gateway asks the target something for itself, on the channel beside the program's; what is recorded led to it.
    Beside {
        /// A whole question.
        bytes: Bytes,
        /// What of it the technician chose. **Unit**: bytes.
        payload: usize,
    },
    /// Something waits until an operator says yes: [`Kind::answered`] says how it went.
    Confirm(Ticket, Wanted),
    /// The target starts this command, and no other; it is on record.
    Run(Bytes),
    /// Something was refused that goes on record in the log.
    Refused {
        /// What the technician is told of it beside the stream.
        words: Option<String>,
        /// As it is on record.
        line: String,
    },
    /// Nothing more passes: a side does not speak as agreed, in these words.
    Stop(String),
    /// Nothing more passes, by the gateway's own word.
    End {
        /// What the technician does not know from the stream.
        words: Option<String>,
        /// Why, for the record.
        because: String,
    },
}

/// Asks the channel's permit for what comes on the open channel.
pub(crate) type Ask<'a> = dyn FnMut(&FlowRequest) -> Result<(), Refusal> + 'a;

/// One kind of channel.
pub(crate) trait Kind: Send {
    /// Its target is reached, for the first time or again after a pause: what is asked of it before anything arrives, once.
    fn begin(&mut self, _at: Instant, _ask: &mut Ask<'_>, _out: &mut Vec<Step>) {}

    /// A piece arrived, on its way `towards` the other side: bytes, a request, an end. Everything that happens to it is
    /// in `out`; what is not, does not happen.
    fn read(
        &mut self,
        towards: Direction,
        piece: Piece,
        at: Instant,
        ask: &mut Ask<'_>,
        out: &mut Vec<Step>,
    );

    /// When what is held back goes on although nothing arrives.
    fn due(&self) -> Option<Instant>;

    /// It is due, or nothing more comes of the target: what is held back goes on.
    fn release(&mut self, out: &mut Vec<Step>);

    /// Whether the target has told how it ended.
    fn is_finished(&self) -> bool;

    /// What the recording says of a technician who has left before the target was done; none where it was.
    fn left_before_the_end(&self) -> Option<&'static str> {
        (!self.is_finished()).then_some(LEFT_BEFORE_THE_END)
    }

    /// Whether more of this direction may be given; what is not taken stays with whoever sends it.
    fn wants(&self, _towards: Direction) -> bool {
        true
    }

    /// Whether something of it waits for an operator's yes.
    fn is_waiting(&self) -> bool {
        false
    }

    /// Something that waited for an operator's yes has it, or the words of a no. A ticket that nobody waits for is nothing.
    fn answered(
        &mut self,
        _ticket: Ticket,
        _verdict: Verdict,
        _at: Instant,
        _ask: &mut Ask<'_>,
        _out: &mut Vec<Step>,
    ) {
    }

    /// Something that it rests on may be lost: what is open is asked for again, and ends where it does not stand.
    fn revoke(&mut self, _at: Instant, _ask: &mut Ask<'_>, _out: &mut Vec<Step>) {}

    /// Nothing more passes: what is still open goes on record as it is.
    fn finish(&mut self, _at: Instant, _out: &mut Vec<Step>) {}

    /// What passes at this moment, where that can be told.
    fn doing(&self) -> Option<Doing> {
        None
    }
}
