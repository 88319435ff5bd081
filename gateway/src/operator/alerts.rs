//! Targets that presented another host key than their document names (C3): told to operators wherever they look first.

use std::collections::BTreeSet;

use ecluse_policy::{ClientId, Span, Timestamp};

use crate::admission::desk::{Desk, Trouble};
use crate::clock;
use crate::texts::times;

/// How long an alert is shown again at each look.
const SHOWN_FOR: Span = Span::from_hours(7 * 24);

/// Tells the recent alerts of the operator's client, if there are any.
pub(crate) async fn tell(desk: &mut Desk<'_>) -> Result<(), Trouble> {
    let Some(client) = desk.client().cloned() else {
        return Ok(());
    };
    let since = clock::now().minus(SHOWN_FOR);
    for alert in since_then(desk, &client, since).await? {
        desk.terminal.line(&alert).await?;
    }
    Ok(())
}

/// The alerts since a time, in words: each key of each target once, the latest meeting of it.
pub(crate) async fn since_then(
    desk: &Desk<'_>,
    client: &ClientId,
    since: Timestamp,
) -> Result<Vec<String>, Trouble> {
    let now = clock::now();
    let mut told = BTreeSet::new();
    let mut alerts = Vec::new();
    for alert in desk.gateway.store.host_key_alerts(client, since).await? {
        if told.insert((alert.target.clone(), alert.got.clone())) {
            let args = [
                ("time", times::moment(alert.at, now, None).into()),
                ("target", alert.target.as_str().into()),
                ("got", alert.got.into()),
                ("pinned", alert.expected.into()),
            ];
            alerts.push(desk.say("operator-host-key", &args));
        }
    }
    Ok(alerts)
}
