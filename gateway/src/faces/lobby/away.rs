//! Where nothing passes: why, and the command that would change it.

use ecluse_policy::{AccountName, PersonId, Refusal, TargetId};

use super::desk::{Desk, Trouble};
use super::next;
use crate::clock;
use crate::texts::times;

/// Says why nothing passes, and the exact command that would change it.
pub(super) async fn send_away(
    desk: &mut Desk<'_>,
    target: &TargetId,
    account: Option<&AccountName>,
    refusal: &Refusal,
) -> Result<(), Trouble> {
    let person: &PersonId = desk.person();
    let about = [
        ("person", person.to_string().into()),
        ("target", target.to_string().into()),
    ];
    let [person_arg, target_arg] = about;
    if let Refusal::NoIntervention { .. } = refusal {
        desk.problem("gateway-no-terminal", &[person_arg, target_arg])
            .await?;
        let ask = next::ask(desk.gateway, desk.visitor, target, account);
        desk.terminal.err_line(&ask).await?;
    } else if let Refusal::Pending { number, .. } = refusal {
        desk.problem(
            "gateway-no-terminal-pending",
            &[
                person_arg,
                target_arg,
                ("number", number.to_string().into()),
            ],
        )
        .await?;
        desk.problem("gateway-wait-with", &[]).await?;
        let command = format!("  {}", desk.visitor.ssh(Some((target, account))));
        desk.terminal.err_line(&command).await?;
    } else if let Refusal::NotYet { starts_at, .. } = refusal {
        let start = times::moment(*starts_at, clock::now(), None);
        desk.problem(
            "gateway-no-terminal-starts",
            &[person_arg, target_arg, ("start", start.into())],
        )
        .await?;
    } else {
        explain(desk, target, account, refusal).await?;
    }
    Ok(())
}

/// A refusal in the gateway's own words, and the command that helps, where one does.
pub(super) async fn explain(
    desk: &mut Desk<'_>,
    target: &TargetId,
    account: Option<&AccountName>,
    refusal: &Refusal,
) -> Result<(), Trouble> {
    let words = desk
        .gateway
        .texts
        .refusal(desk.lang(), refusal, clock::now());
    let words = next::announced(desk.gateway, desk.lang(), &words);
    desk.terminal.err_line(&words).await?;
    let helps = next::after_on(desk.gateway, desk.visitor, refusal, target, account);
    if let Some(helps) = helps {
        desk.terminal.err_line(&helps).await?;
    }
    Ok(())
}
