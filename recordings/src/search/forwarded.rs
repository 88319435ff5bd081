//! What is kept of a forward for who looks for it: one line, made as it ends.
//!
//! Counts what passes; what the bytes are, nobody looks at here.

use crate::forwards::REACHED;
use crate::{Direction, Event};

/// A forward that goes on.
#[derive(Debug)]
pub(super) struct Forwarded {
    /// Where to, as its line of the matrix is written.
    place: String,
    /// The place in time at which it began. **Unit**: microseconds since the session's start.
    pub(super) opened_us: u64,
    reached: bool,
    pub(super) to_target: u64,
    pub(super) to_technician: u64,
}

impl Forwarded {
    pub(super) fn new(opened_us: u64, place: &[u8]) -> Self {
        Forwarded {
            place: String::from_utf8_lossy(place).into_owned(),
            opened_us,
            reached: false,
            to_target: 0,
            to_technician: 0,
        }
    }

    /// What happens on it.
    pub(super) fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Input(bytes) => self.passed(Direction::ToTarget, bytes.len()),
            Event::Output(bytes) => self.passed(Direction::ToTechnician, bytes.len()),
            Event::Note(note) => self.reached |= *note == REACHED,
            // A forward has one stream each way; what else is told of it is a line of its own.
            Event::ErrorOutput(_)
            | Event::ChannelOpened(_)
            | Event::ChannelClosed(_)
            | Event::Resize { .. }
            | Event::Marker(_)
            | Event::Refusal(_)
            | Event::File(_)
            | Event::SessionEnd(_)
            | Event::Eof(_)
            | Event::ExitStatus(_)
            | Event::ExitSignal(_)
            | Event::Clock(_) => {}
        }
    }

    fn passed(&mut self, towards: Direction, bytes: usize) {
        let way = match towards {
            Direction::ToTarget => &mut self.to_target,
            Direction::ToTechnician => &mut self.to_technician,
        };
        *way = way.saturating_add(bytes as u64);
    }

    /// How it is told of: where to, how much each way, how long, how it ended.
    pub(super) fn line(&self, at_us: u64, why: &str) -> String {
        let outcome = match self.reached {
            true => "ended",
            false => "did not reach its place",
        };
        let why = match why {
            "closed" => String::new(),
            why => format!(": {why}"),
        };
        let millis = at_us.saturating_sub(self.opened_us) / 1_000;
        format!(
            "{} · ↑ {} bytes · ↓ {} bytes · {}.{:03} s · {outcome}{why}",
            self.place,
            self.to_target,
            self.to_technician,
            millis / 1_000,
            millis % 1_000,
        )
    }
}
