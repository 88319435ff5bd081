//! How a session begins: its recording is opened, then its start written down, and neither without the other (R2).

use std::sync::Arc;

use ecluse_policy::{Admission, Approval, SessionId, Timestamp};
use ecluse_recordings as recordings;
use ecluse_recordings::log::Hash;
use ecluse_recordings::verify::times::PERMITTED_UNTIL;

use super::super::purse::RecordingPlace;
use super::super::session::Session;
use super::Visit;
use crate::archive::recovery::HEADER;
use crate::audit::AuditKind;
use crate::clock;
use crate::live::{LiveSession, SessionFacts};
use crate::store::{self, SessionStart};

impl Visit {
    pub(super) async fn open_session(
        &self,
        admission: &Admission,
        place: RecordingPlace,
    ) -> Result<Session, String> {
        let now = clock::now();
        let began = clock::monotonic();
        let time = self.gateway.live.time_of(admission.intervention().id());
        let unrecorded = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "a session could not begin");
            self.gateway.texts.say(self.lang(), "end-unrecorded", &[])
        };
        let applied = self.gateway.applied();
        let id = store::new_id(now)
            .map(SessionId::from_uuid)
            .map_err(|error| unrecorded(&error))?;
        let client = applied
            .documents
            .client(admission.client())
            .ok_or_else(|| unrecorded(&"its client is in no document any more"))?;
        let facts = self.recorded_facts(admission, id, applied.version, now);
        let recorder = self
            .gateway
            .keeper
            .open(facts, &client.recordings)
            .map_err(|error| unrecorded(&error))?;
        let start = SessionStart {
            id,
            node: self.gateway.node.clone(),
            person: self.visitor.person().clone(),
            station: Some(admission.presence().station().clone()),
            source: self.visitor.origin.source().ip(),
            client: admission.client().clone(),
            target: admission.target().clone(),
            account: admission.account().clone(),
            intervention: admission.intervention().id(),
            documents: applied.version,
            recording: recorder
                .dir()
                .strip_prefix(self.gateway.keeper.root())
                .ok()
                .map(|directory| directory.display().to_string()),
            at: now,
        };
        let record = self
            .visitor
            .record(AuditKind::SessionStart, now)
            .client(admission.client())
            .target(admission.target())
            .intervention(admission.intervention().id())
            .session(id)
            .permitted()
            .detail("account", admission.account().to_string())
            .detail("documents", applied.version)
            .detail(PERMITTED_UNTIL, admission.closes_at().as_micros())
            .detail(HEADER, Hash(recorder.header_sha256()).to_string());
        let number = match self.gateway.store.start_session(&start, &[record]).await {
            Ok(number) => number,
            Err(error) => {
                let end = recordings::SessionEnd::because("not-begun");
                let _ = self.gateway.keeper.close(&recorder, 0, &end);
                return Err(unrecorded(&error));
            }
        };
        let facts = SessionFacts {
            id,
            number,
            person: start.person,
            provider: admission.presence().provider().clone(),
            station: admission.presence().station().clone(),
            source: self.visitor.origin.source(),
            client: start.client,
            target: start.target,
            account: start.account,
            intervention: start.intervention,
            intervention_number: admission.intervention().number(),
            started: now,
            closes_at: admission.closes_at(),
            journal: recorder.journal().to_owned(),
            key: recorder.key().clone(),
        };
        let live = LiveSession::new(facts, time, Arc::clone(&self.shared));
        Ok(Session::new(
            live,
            recorder,
            began,
            admission.clone(),
            place,
        ))
    }

    fn recorded_facts(
        &self,
        admission: &Admission,
        id: SessionId,
        documents: u64,
        now: Timestamp,
    ) -> recordings::SessionFacts {
        recordings::SessionFacts {
            session: id.as_uuid(),
            client: admission.client().to_string(),
            person: self.visitor.person().to_string(),
            provider: Some(admission.presence().provider().to_string()),
            station: Some(admission.presence().station().to_string()),
            source: self.visitor.origin.source().to_string(),
            terminal: self.visitor.origin.to_string(),
            target: admission.target().to_string(),
            accounts: vec![admission.account().to_string()],
            intervention: Some(admission.intervention().id().as_uuid()),
            started: now.as_micros(),
            documents_version: i64::try_from(documents).unwrap_or(i64::MAX),
            reason: admission.intervention().request().reason.clone(),
            approvals: admission
                .intervention()
                .approvals()
                .iter()
                .map(|approval| recordings::Approval {
                    by: approval.operator.to_string(),
                    at: approval.at.as_micros(),
                    what: approved(approval),
                })
                .collect(),
        }
    }
}

/// What an approval left of the request, in words, as the recording keeps it.
fn approved(approval: &Approval) -> String {
    let Approval {
        operator: _,
        at: _,
        scope,
        length,
        bytes,
    } = approval;
    let bytes = bytes.map_or(String::new(), |bytes| format!(", {bytes} at most"));
    let list = |names: &mut dyn Iterator<Item = String>| names.collect::<Vec<_>>().join(", ");
    format!(
        "{} as {} for {length}{bytes}: {}",
        list(&mut scope.targets.iter().map(ToString::to_string)),
        list(&mut scope.accounts.iter().map(ToString::to_string)),
        list(&mut scope.capabilities.iter().map(ToString::to_string)),
    )
}

#[cfg(test)]
mod tests {
    use ecluse_policy::{ByteCount, PersonId, Scope, Span, Timestamp};

    use super::*;

    /// I2: what was granted stands in the manifest, bytes like the rest.
    #[test]
    fn an_approval_is_recorded_with_everything_that_it_left() {
        let approval = |bytes: Option<&str>| Approval {
            operator: PersonId::parse("odile").unwrap(),
            at: Timestamp::from_secs(0),
            scope: Scope {
                targets: ["db01".parse().unwrap()].into(),
                accounts: ["postgres".parse().unwrap()].into(),
                capabilities: vec![ecluse_policy::Capability::parse("shell").unwrap()],
            },
            length: Span::from_hours(2),
            bytes: bytes.map(|bytes| ByteCount::parse(bytes).unwrap()),
        };
        assert_eq!(approved(&approval(None)), "db01 as postgres for 2h: shell");
        assert_eq!(
            approved(&approval(Some("30 MiB"))),
            "db01 as postgres for 2h, 30 MiB at most: shell"
        );
    }
}
