//! How often one person may look within a minute.

use super::commands::Command;
use super::desk::{Desk, Trouble};

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
        .visitor
        .refused(command.name)
        .reason("looked at too many things within a minute");
    desk.put_refusal_on_record(record).await?;
    desk.problem("common-looks-too-often", &[]).await.map(Some)
}
