//! Bytes that nobody looks into: a shell, a command.
//!
//! They pass as they are. What comes beside them is asked of the permit, and a target, which may be hostile, tells how a
//! command ended once.

use std::time::{Duration, Instant};

use ecluse_policy::FlowRequest;
use ecluse_recordings as recordings;
use ecluse_recordings::Direction::{self, ToTarget, ToTechnician};

use super::{Ask, Kind, Step};
use crate::passage::caps;
use crate::passage::side::{Exit, Piece};

/// How long the end of output waits for the exit status while the technician's input is still open. Long, because a
/// client whose input ends meanwhile would lose the status; not for ever, because a program may wait for the one end
/// before it makes the other.
const STATUS_FOLLOWS_WITHIN: Duration = Duration::from_secs(20);

/// Bytes of what a target says about the signal that ended a command.
const SIGNAL_MESSAGE: usize = 1 << 10;

/// What is known of the channel.
#[derive(Debug, Default)]
pub(crate) struct Opaque {
    /// What the technician sends.
    input: Flow,
    /// What the target sends.
    output: Flow,
    /// The target has told how the command ended.
    finished: bool,
    /// It told so again, which was noted.
    finished_again: bool,
    /// When the end of output was held back. A client that has ended its input too closes the channel as soon as it
    /// hears of it, and that close is answered at once: an exit status that comes after the end of output, as sshd often
    /// sends it, would then never arrive.
    held_at: Option<Instant>,
}

/// What is known of the bytes of one direction.
#[derive(Debug, Default)]
struct Flow {
    /// No more were to come.
    ended: bool,
    /// Some came all the same, which was noted.
    more: bool,
}

impl Kind for Opaque {
    fn read(
        &mut self,
        towards: Direction,
        piece: Piece,
        at: Instant,
        ask: &mut Ask<'_>,
        out: &mut Vec<Step>,
    ) {
        match (towards, piece) {
            (_, piece @ Piece::Data(_)) | (ToTechnician, piece @ Piece::ErrorData(_)) => {
                self.bytes(towards, piece, out);
            }
            (ToTarget, Piece::Resize(size)) => {
                asked(Piece::Resize(size), &FlowRequest::WindowChange, ask, out);
            }
            (ToTarget, Piece::Signal(signal)) => {
                let request = FlowRequest::Signal(signal.name().to_owned());
                asked(Piece::Signal(signal), &request, ask, out);
            }
            (ToTarget, Piece::Eof) => {
                if !std::mem::replace(&mut self.input.ended, true) {
                    out.push(Step::Pass(ToTarget, Piece::Eof));
                }
            }
            (ToTechnician, Piece::Eof) => self.output_ends(at, out),
            (ToTechnician, piece @ Piece::Exit(_)) => self.finishes(piece, out),
            // What the other side has no business to send goes nowhere; the rest is the pump's.
            (ToTarget, Piece::ErrorData(_) | Piece::Exit(_))
            | (ToTechnician, Piece::Resize(_) | Piece::Signal(_))
            | (
                _,
                Piece::Refused
                | Piece::Remark(_)
                | Piece::Close
                | Piece::Beside(_)
                | Piece::BesideOver
                | Piece::Run(_),
            ) => {}
        }
    }

    /// Never once the technician's input has ended.
    fn due(&self) -> Option<Instant> {
        self.held_at
            .filter(|_| !self.input.ended)
            .map(|at| at + STATUS_FOLLOWS_WITHIN)
    }

    fn release(&mut self, out: &mut Vec<Step>) {
        if self.held_at.take().is_some() {
            out.push(Step::Release(ToTechnician));
        }
    }

    fn is_finished(&self) -> bool {
        self.finished
    }
}

impl Opaque {
    /// Bytes pass until their side has said that none follow: a client that hears more after that breaks off, with every
    /// other channel of its connection (RFC 4254 §5.3). That there was more is noted once; it is not recorded, because
    /// nobody's window would bound it.
    fn bytes(&mut self, towards: Direction, piece: Piece, out: &mut Vec<Step>) {
        let (known, more) = match towards {
            ToTarget => (
                &mut self.input,
                "the technician goes on sending after the end of the input, which is not passed on",
            ),
            ToTechnician => (
                &mut self.output,
                "the target goes on sending after the end of its output, which is not passed on",
            ),
        };
        if !known.ended {
            out.push(Step::Pass(towards, piece));
        } else if !std::mem::replace(&mut known.more, true) {
            out.push(Step::Note(more.into()));
        }
    }

    fn output_ends(&mut self, at: Instant, out: &mut Vec<Step>) {
        if std::mem::replace(&mut self.output.ended, true) {
            return;
        }
        if self.finished {
            out.push(Step::Pass(ToTechnician, Piece::Eof));
        } else {
            self.held_at = Some(at);
            out.push(Step::Hold(ToTechnician, Piece::Eof));
        }
    }

    fn finishes(&mut self, mut exit: Piece, out: &mut Vec<Step>) {
        if !std::mem::replace(&mut self.finished, true) {
            if let Piece::Exit(Exit::Signal { message, .. }) = &mut exit {
                message.truncate(caps::clip(message, SIGNAL_MESSAGE).len());
            }
            out.push(Step::Pass(ToTechnician, exit));
            self.release(out);
        } else if !std::mem::replace(&mut self.finished_again, true) {
            out.push(Step::Note(
                "the target says again how the command ended, which is not passed on".into(),
            ));
        }
    }
}

/// Passes on what comes with the permit. What does not is on record, and goes no further.
fn asked(piece: Piece, request: &FlowRequest, ask: &mut Ask<'_>, out: &mut Vec<Step>) {
    out.push(match ask(request) {
        Ok(()) => Step::Pass(ToTarget, piece),
        Err(refusal) => {
            let note = recordings::neutralise(format!("not passed on: {refusal}"));
            Step::Note(note.into())
        }
    });
}

#[cfg(test)]
mod tests;
