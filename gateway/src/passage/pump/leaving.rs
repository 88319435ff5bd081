//! A technician who leaves: what the target still says is for the record, and their passage ends soon.

use std::time::Instant;

use ecluse_recordings::RecordError;

use super::{Ends, LAST_WORDS, Pump};
use crate::clock;
use crate::passage::side::Piece;

impl Pump<'_> {
    /// When the passage ends of a technician who has left. What is held or waits for an operator's yes takes nothing, and nobody is
    /// left for whom it waits.
    pub(super) fn leaves_at(&self, held: bool) -> Option<Instant> {
        let known = &self.known;
        match (known.technician_closed, known.left_at?) {
            (Some(closed), _) => Some(closed + LAST_WORDS),
            (None, left) if held || self.kind.is_waiting() || known.target_takes_nothing => {
                Some(left + LAST_WORDS)
            }
            (None, left) => Some(left + self.drained_within),
        }
    }

    pub(super) fn technician_is_gone(&mut self, ends: &mut Ends<'_>) {
        self.known.left_at.get_or_insert_with(clock::monotonic);
        ends.technician.outbox.clear();
    }

    /// What the target still says is for the record; it hears that its input has ended.
    pub(super) fn technician_closed(&mut self, ends: &mut Ends<'_>) -> Result<(), RecordError> {
        self.known.technician_closed = Some(clock::monotonic());
        self.technician_is_gone(ends);
        if !ends.target.outbox.has_ended() {
            self.tape.ends()?;
            ends.target.outbox.put_own(Piece::Eof);
        }
        Ok(())
    }
}
