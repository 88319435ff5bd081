//! Kinds of channels: what of the pieces that arrive passes, and when.
//!
//! A kind is pure: it knows no socket, no clock and no recording. It is given each piece of either side and says by
//! [`Step`]s what becomes of it; [`super::pump`] records, counts and forwards that, in this order, for every kind alike.
//! A new kind is one file here, and what it may let pass is asked of policy through `ask`.

pub(crate) mod opaque;

use std::borrow::Cow;
use std::time::Instant;

use ecluse_policy::{FlowRequest, Refusal};
use ecluse_recordings::Direction;

use super::side::Piece;

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
}

/// Asks the channel's permit for what comes on the open channel.
pub(crate) type Ask<'a> = dyn FnMut(&FlowRequest) -> Result<(), Refusal> + 'a;

/// One kind of channel.
pub(crate) trait Kind: Send {
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
}
