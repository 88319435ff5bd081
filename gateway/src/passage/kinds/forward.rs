//! One connection to a place that the target sees: two streams of bytes, each with an end of its own.
//!
//! Nothing is asked on it and nobody looks into it. Each side ends what it sends by itself, and the other may go on
//! (RFC 4254 §5.3): the end of one is passed on at once, and nothing after it.

use std::time::Instant;

use ecluse_recordings::Direction::{self, ToTarget, ToTechnician};

use super::{Ask, Kind, Step};
use crate::passage::side::Piece;

/// What is known of the connection.
#[derive(Debug, Default)]
pub(crate) struct Forward {
    up: Way,
    down: Way,
    /// The target sent bytes that no forward has, which was noted.
    undefined: bool,
}

/// What is known of the bytes of one direction.
#[derive(Debug, Default)]
struct Way {
    /// No more were to come.
    ended: bool,
    /// Some came all the same, which was noted.
    more: bool,
}

impl Kind for Forward {
    fn read(
        &mut self,
        towards: Direction,
        piece: Piece,
        _at: Instant,
        _ask: &mut Ask<'_>,
        out: &mut Vec<Step>,
    ) {
        let way = match towards {
            ToTarget => &mut self.up,
            ToTechnician => &mut self.down,
        };
        match piece {
            piece @ Piece::Data(_) if !way.ended => out.push(Step::Pass(towards, piece)),
            Piece::Data(_) => {
                if !std::mem::replace(&mut way.more, true) {
                    let note = "bytes after the end of their stream are not passed on";
                    out.push(Step::Note(note.into()));
                }
            }
            Piece::ErrorData(_) => {
                if !std::mem::replace(&mut self.undefined, true) {
                    let note = "bytes of a second stream, which no forward has, are not passed on";
                    out.push(Step::Note(note.into()));
                }
            }
            Piece::Eof => {
                if !std::mem::replace(&mut way.ended, true) {
                    out.push(Step::Pass(towards, Piece::Eof));
                }
            }
            // None belongs to a forward; the rest is the pump's.
            Piece::Resize(_)
            | Piece::Signal(_)
            | Piece::Exit(_)
            | Piece::Refused
            | Piece::Beside(_)
            | Piece::BesideOver
            | Piece::Run(_)
            | Piece::Remark(_)
            | Piece::Close => {}
        }
    }

    fn due(&self) -> Option<Instant> {
        None
    }

    fn release(&mut self, _out: &mut Vec<Step>) {}

    /// Both ends of it: a target that is lost while something still goes up has not ended, whatever it had said before.
    fn is_finished(&self) -> bool {
        self.up.ended && self.down.ended
    }

    fn left_before_the_end(&self) -> Option<&'static str> {
        (!self.down.ended).then_some("the technician closed it before the target had ended")
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::clock;
    use crate::passage::side::Exit;

    fn read(kind: &mut Forward, towards: Direction, piece: Piece) -> Vec<Step> {
        let mut out = Vec::new();
        let mut ask = |_: &ecluse_policy::FlowRequest| Ok(());
        kind.read(towards, piece, clock::monotonic(), &mut ask, &mut out);
        out
    }

    #[test]
    fn each_side_ends_by_itself_and_the_other_goes_on() {
        let bytes = |text: &'static str| Piece::Data(Bytes::from_static(text.as_bytes()));
        let mut kind = Forward::default();
        for (towards, other) in [(ToTarget, ToTechnician), (ToTechnician, ToTarget)] {
            let passed = read(&mut kind, towards, Piece::Eof);
            assert_eq!(passed, [Step::Pass(towards, Piece::Eof)]);
            assert_eq!(read(&mut kind, towards, Piece::Eof), []);
            assert!(matches!(
                read(&mut kind, towards, bytes("x"))[..],
                [Step::Note(_)]
            ));
            assert_eq!(read(&mut kind, towards, bytes("x")), []);
            if towards == ToTarget {
                assert!(!kind.is_finished() && kind.left_before_the_end().is_some());
                let passed = read(&mut kind, other, bytes("on"));
                assert_eq!(passed, [Step::Pass(other, bytes("on"))]);
            }
        }
        assert!(kind.is_finished() && kind.left_before_the_end().is_none());
    }

    #[test]
    fn a_target_that_has_said_all_is_not_done_with_what_goes_up() {
        let mut kind = Forward::default();
        read(&mut kind, ToTechnician, Piece::Eof);
        assert!(!kind.is_finished() && kind.left_before_the_end().is_none());
        read(&mut kind, ToTarget, Piece::Eof);
        assert!(kind.is_finished());
    }

    #[test]
    fn what_no_forward_has_goes_nowhere() {
        let mut kind = Forward::default();
        let error = || Piece::ErrorData(Bytes::from_static(b"x"));
        assert!(matches!(
            read(&mut kind, ToTechnician, error())[..],
            [Step::Note(_)]
        ));
        for piece in [error(), Piece::Exit(Exit::Status(0)), Piece::Refused] {
            assert_eq!(read(&mut kind, ToTechnician, piece), []);
        }
    }
}
