//! The steps of an intervention, each by the right of its moment.

use ecluse_policy::*;

use crate::site::code_of;

/// The steps of an intervention, each by the right of that moment, as the gateway takes them.
pub(crate) trait Steps {
    fn approved_by(
        &self,
        documents: &Documents,
        by: &Authenticated,
        narrowing: &Narrowing,
        now: Timestamp,
    ) -> Result<Intervention, Refusal>;
    fn refused_by(
        &self,
        documents: &Documents,
        by: &Authenticated,
        reason: &str,
        now: Timestamp,
    ) -> Result<Intervention, Refusal>;
    fn looked_at_by(
        &self,
        documents: &Documents,
        by: &Authenticated,
        now: Timestamp,
    ) -> Result<Intervention, Refusal>;
    fn closed_by(
        &self,
        documents: &Documents,
        by: &Authenticated,
        reason: &str,
        now: Timestamp,
    ) -> Result<Intervention, Refusal>;
    fn cancelled_by(
        &self,
        documents: &Documents,
        by: &Presence,
        now: Timestamp,
    ) -> Result<Intervention, Refusal>;
    fn finished_by(
        &self,
        documents: &Documents,
        by: &Presence,
        now: Timestamp,
    ) -> Result<Intervention, Refusal>;
}

impl Steps for Intervention {
    fn approved_by(
        &self,
        documents: &Documents,
        by: &Authenticated,
        narrowing: &Narrowing,
        now: Timestamp,
    ) -> Result<Intervention, Refusal> {
        self.approve(
            &by.as_operator(documents, now)?.to_widen(&code_of(now))?,
            narrowing,
        )
    }

    fn refused_by(
        &self,
        documents: &Documents,
        by: &Authenticated,
        reason: &str,
        now: Timestamp,
    ) -> Result<Intervention, Refusal> {
        self.refuse(&by.as_operator(documents, now)?, reason)
    }

    fn looked_at_by(
        &self,
        documents: &Documents,
        by: &Authenticated,
        now: Timestamp,
    ) -> Result<Intervention, Refusal> {
        self.seen_by(&by.as_operator(documents, now)?)
    }

    fn closed_by(
        &self,
        documents: &Documents,
        by: &Authenticated,
        reason: &str,
        now: Timestamp,
    ) -> Result<Intervention, Refusal> {
        self.close(&by.as_operator(documents, now)?, reason)
    }

    fn cancelled_by(
        &self,
        documents: &Documents,
        by: &Presence,
        now: Timestamp,
    ) -> Result<Intervention, Refusal> {
        self.cancel(&by.authenticated().as_technician(documents, now)?)
    }

    fn finished_by(
        &self,
        documents: &Documents,
        by: &Presence,
        now: Timestamp,
    ) -> Result<Intervention, Refusal> {
        self.finish(&by.authenticated().as_technician(documents, now)?)
    }
}
