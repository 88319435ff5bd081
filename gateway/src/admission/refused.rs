//! An act that is not somebody's, on record and told (R5: attempts too).

use ecluse_policy::Refusal;

use super::commands::Command;
use super::desk::{Desk, Trouble};
use crate::texts::Value;

/// Policy gives no right to this act.
pub(crate) async fn refused(
    desk: &mut Desk<'_>,
    command: &Command,
    refusal: &Refusal,
) -> Result<u32, Trouble> {
    let record = desk.visitor.refused(command.name).reason(refusal);
    desk.put_refusal_on_record(record).await?;
    desk.refused(refusal).await
}

/// Nothing that this person may act on has the name they typed, whether or not another client has something of it. What was
/// typed is all that is said of it; `text_id` tells them.
pub(crate) async fn not_theirs(
    desk: &mut Desk<'_>,
    command: &Command,
    typed: &str,
    text_id: &str,
    args: &[(&str, Value<'_>)],
) -> Result<u32, Trouble> {
    let record = desk
        .visitor
        .refused(command.name)
        .detail("named", typed)
        .reason("nothing of theirs has this name");
    desk.put_refusal_on_record(record).await?;
    desk.problem(text_id, args).await
}
