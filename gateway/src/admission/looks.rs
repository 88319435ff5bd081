//! How often one person may look within a minute.

use ecluse_policy::Role;

use super::commands::Command;
use super::desk::{Desk, Trouble};
use crate::audit::AuditKind;
use crate::clock;

/// Whether one more recording, or session, may be looked at now; where not, that is told. Each look is on record, so there
/// is a bound to how many there are in a minute.
pub(super) async fn may_look(
    desk: &mut Desk<'_>,
    command: &Command,
) -> Result<Option<u32>, Trouble> {
    if desk.gateway.people.may_look(desk.person()) {
        return Ok(None);
    }
    let record = desk
        .record(AuditKind::ActRefused, clock::now())
        .detail("act", command.name)
        .refused()
        .reason("looked at too many things within a minute");
    let record = match desk.visitor.authenticated.role() {
        Role::Technician { .. } => record,
        Role::Operator { client } | Role::Auditor { client } => record.client(client),
    };
    desk.put_refusal_on_record(record).await?;
    desk.problem("common-looks-too-often", &[]).await.map(Some)
}
