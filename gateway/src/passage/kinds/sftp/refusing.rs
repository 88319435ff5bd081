//! A subsystem that is refused, inside the protocol: a client that is told no by SSH shows its person a broken pipe.

use super::interceptor::{VERSION, in_words};
use super::wire::{Framer, Writer, kind, status};
use super::words::{ClientFault, Complaint};
use super::{Direction, Step};

/// A channel without a target: it greets, and answers everything with permission denied and the words.
#[derive(Debug)]
pub(crate) struct Refusing {
    words: String,
    framer: Framer,
    has_begun: bool,
    is_over: bool,
}

impl Refusing {
    /// Refuses by these words.
    #[must_use]
    pub(crate) fn new(words: String) -> Self {
        Self {
            words,
            framer: Framer::default(),
            has_begun: false,
            is_over: false,
        }
    }

    /// Takes bytes of the technician.
    pub(crate) fn read(&mut self, bytes: &[u8], out: &mut Vec<Step>) {
        if self.is_over {
            return;
        }
        self.framer.push(bytes);
        loop {
            let answer = match self.framer.take() {
                Ok(None) => return,
                Ok(Some(packet)) => match (packet.kind(), self.has_begun) {
                    (kind::INIT, false) => {
                        self.has_begun = true;
                        Ok(Writer::new(kind::VERSION, VERSION).finish())
                    }
                    (kind::INIT, true) | (_, false) => Err(ClientFault::Init),
                    (_, true) => Ok(in_words(
                        packet.number(),
                        status::PERMISSION_DENIED,
                        &self.words,
                    )),
                },
                Err(fault) => Err(fault.into()),
            };
            match answer {
                Ok(bytes) => out.push(Step::Own {
                    towards: Direction::ToTechnician,
                    bytes,
                    payload: 0,
                }),
                Err(fault) => {
                    self.is_over = true;
                    out.push(Step::Stop(Complaint::Client(fault)));
                    return;
                }
            }
        }
    }
}
