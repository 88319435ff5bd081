//! What of a passage waits for an operator's yes; the rest of it goes on meanwhile.

use ecluse_policy::FlowRequest;
use ecluse_recordings::RecordError;
use tokio::sync::mpsc;

use super::{Ends, Pump};
use crate::clock;
use crate::passage::confirming::Wanted;
use crate::passage::kinds::{Ticket, Verdict};

/// Whom it is asked of, and how it is answered.
pub(crate) struct Confirms<'a> {
    /// Asks; the answer comes later.
    pub(crate) ask: &'a (dyn Fn(Ticket, Wanted) + Send + Sync),
    /// As they come.
    pub(crate) answers: &'a mut mpsc::Receiver<(Ticket, Verdict)>,
}

impl Pump<'_> {
    /// Somebody said yes or no to what waits.
    pub(super) fn answered(
        &mut self,
        ticket: Ticket,
        verdict: Verdict,
        ends: &mut Ends<'_>,
    ) -> Result<(), RecordError> {
        let (mut steps, permit) = (Vec::new(), self.permit);
        let mut ask = |request: &FlowRequest| permit(request);
        let at = clock::monotonic();
        self.kind
            .answered(ticket, verdict, at, &mut ask, &mut steps);
        self.carry_out(steps, ends)
    }
}
