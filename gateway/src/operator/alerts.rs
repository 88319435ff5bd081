//! What operators are told wherever they look first: targets that presented another host key than their document names
//! (C3), accounts that guesses blocked and an administrator opened again (A6, A8), a gateway that runs out of room for
//! recordings, recordings that are not whole (R2, R3), copies that do not arrive (R8),
//! doors where connections find no place (F5).

use std::collections::BTreeSet;

use ecluse_policy::documents::Pool;
use ecluse_policy::{AsOperator, ClientId, Span, Timestamp};

use crate::admission::desk::{Desk, Trouble};
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::copies::Away;
use crate::door::crowd::{Crowd, Places};
use crate::space::{Level, Room, mebibytes};
use crate::store::{AuditQuery, ORDER};
use crate::texts::times;

/// How long an alert is shown again at each look.
const SHOWN_FOR: Span = Span::from_hours(7 * 24);
/// How long after its end a crowd at a door is still told.
const CROWD_SHOWN_FOR: Span = Span::from_hours(24);
/// Troubles with recordings told at once.
const MOST: u32 = 10;

/// An alert in words, and when what it tells happened or began.
type Alert = (Timestamp, String);

/// Tells the recent alerts of the operator's client that were not told in this dialogue yet, the latest last.
pub(crate) async fn tell(desk: &mut Desk<'_>, by: &AsOperator<'_>) -> Result<(), Trouble> {
    let client = by.client();
    let since = clock::now().minus(SHOWN_FOR);
    let mut alerts = on_record(desk, client, since).await?;
    alerts.extend(room(desk, desk.gateway.space.last()));
    let crowds = desk
        .gateway
        .crowds
        .told(clock::now().minus(CROWD_SHOWN_FOR));
    alerts.extend(crowds.iter().map(|crowd| crowded(desk, crowd)));
    let away = desk.gateway.absences.of(client);
    alerts.extend(away.iter().map(|away| copies_away(desk, away)));
    for alert in in_order(alerts) {
        if desk.alerted.insert(alert.clone()) {
            desk.terminal.line(&alert).await?;
        }
    }
    Ok(())
}

/// The alerts since a time, in words, the latest last.
pub(crate) async fn since_then(
    desk: &mut Desk<'_>,
    by: &AsOperator<'_>,
    since: Timestamp,
) -> Result<Vec<String>, Trouble> {
    let client = by.client();
    let mut alerts = on_record(desk, client, since).await?;
    let now = desk.gateway.space.last();
    if now.since >= since {
        alerts.extend(room(desk, now));
    }
    let crowds = desk.gateway.crowds.told(since);
    let new = crowds
        .iter()
        .filter(|crowd| crowd.told.is_some_and(|told| told >= since));
    alerts.extend(new.map(|crowd| crowded(desk, crowd)));
    let away = desk.gateway.absences.of(client);
    let new = away.iter().filter(|away| away.told >= since);
    alerts.extend(new.map(|away| copies_away(desk, away)));
    let mut alerts = in_order(alerts);
    alerts.retain(|alert| desk.alerted.insert(alert.clone()));
    Ok(alerts)
}

/// The latest stands last, where the eye is: nearest to the prompt.
fn in_order(mut alerts: Vec<Alert>) -> Vec<String> {
    alerts.sort_by_key(|(at, _)| *at);
    alerts.into_iter().map(|(_, words)| words).collect()
}

/// What is on record and concerns the client, since a time.
async fn on_record(
    desk: &Desk<'_>,
    client: &ClientId,
    since: Timestamp,
) -> Result<Vec<Alert>, Trouble> {
    let mut alerts = host_keys(desk, client, since).await?;
    alerts.extend(accounts(desk, client, since).await?);
    alerts.extend(recordings(desk, client, since).await?);
    alerts.extend(hidden_typing(desk, client, since).await?);
    alerts.extend(contradicted(desk, client, since).await?);
    alerts.extend(not_on_record(desk, client, since).await?);
    Ok(alerts)
}

/// Accounts that are the client's matter and were blocked, or opened again, since a time.
async fn accounts(
    desk: &Desk<'_>,
    client: &ClientId,
    since: Timestamp,
) -> Result<Vec<Alert>, Trouble> {
    let kinds = [
        AuditKind::Lockout,
        AuditKind::LockoutLifted,
        AuditKind::AccountEnabled,
    ];
    let now = clock::now();
    let found = latest(desk, client, &kinds, since).await?;
    // The latest first: what is of one instant stays in its order.
    Ok(found
        .into_iter()
        .rev()
        .map(|record| {
            let by = record.detail.get("by").and_then(|by| by.as_str());
            let args = [
                ("time", times::moment(record.at, now, None).into()),
                ("person", record.person.clone().unwrap_or_default().into()),
                ("by", by.unwrap_or_default().into()),
            ];
            let id = if record.kind == AuditKind::LockoutLifted {
                "operator-account-unlocked"
            } else if record.kind == AuditKind::AccountEnabled {
                "operator-account-enabled"
            } else {
                "operator-account-blocked"
            };
            (record.at, desk.say(id, &args))
        })
        .collect())
}

/// Too little room, in words. It is the gateway's, so every client's operators are told.
fn room(desk: &Desk<'_>, room: Room) -> Option<Alert> {
    let id = match room.level {
        Level::Enough => return None,
        Level::Low => "operator-space-low",
        Level::Full => "operator-space-full",
    };
    let args = [
        ("time", times::moment(room.since, clock::now(), None).into()),
        ("free", mebibytes(room.free).into()),
        (
            "bound",
            mebibytes(desk.gateway.space.bounds().refuse_below).into(),
        ),
    ];
    Some((room.since, desk.say(id, &args)))
}

/// Places that are short at the doors, in words. They are the gateway's, so every client's operators are told.
fn crowded(desk: &Desk<'_>, crowd: &Crowd) -> Alert {
    let place = desk.say(
        match (crowd.turned.only_shares(), crowd.places) {
            (true, Places::Before(_)) => "crowd-shares",
            (true, Places::Inside) => "crowd-person",
            (false, Places::Before(Pool::Operators)) => "crowd-operators",
            (false, Places::Before(Pool::Stations)) => "crowd-stations",
            (false, Places::Before(Pool::Everybody)) => "crowd-everybody",
            (false, Places::Inside) => "crowd-inside",
        },
        &[],
    );
    let now = clock::now();
    let args = [
        ("time", times::moment(crowd.since, now, None).into()),
        ("until", times::moment(crowd.latest, now, None).into()),
        ("count", crowd.turned.total().to_string().into()),
        ("sources", crowd.turned.sources().into()),
        ("place", place.into()),
    ];
    let id = if crowd.over {
        "operator-crowd-over"
    } else {
        "operator-crowd"
    };
    (crowd.since, desk.say(id, &args))
}

/// Recordings that failed, lost something or were found altered, since a time.
async fn recordings(
    desk: &Desk<'_>,
    client: &ClientId,
    since: Timestamp,
) -> Result<Vec<Alert>, Trouble> {
    let kinds = [AuditKind::RecordingFailed, AuditKind::CoverageGap];
    let now = clock::now();
    let found = latest(desk, client, &kinds, since).await?;
    Ok(found
        .into_iter()
        .map(|record| {
            let args = [
                ("time", times::moment(record.at, now, None).into()),
                ("person", record.person.unwrap_or_default().into()),
                (
                    "target",
                    record
                        .target
                        .map(|id| id.to_string())
                        .unwrap_or_default()
                        .into(),
                ),
                ("problem", record.reason.unwrap_or_default().into()),
            ];
            (record.at, desk.say("operator-recording-trouble", &args))
        })
        .collect())
}

/// What was typed, or is going to be, without being shown, since a time.
async fn hidden_typing(
    desk: &Desk<'_>,
    client: &ClientId,
    since: Timestamp,
) -> Result<Vec<Alert>, Trouble> {
    let now = clock::now();
    let found = latest(desk, client, &[AuditKind::TypingHidden], since).await?;
    Ok(found
        .into_iter()
        .map(|record| {
            let target = record.target.map(|id| id.to_string());
            let mut args = vec![
                ("time", times::moment(record.at, now, None).into()),
                ("person", record.person.unwrap_or_default().into()),
                ("target", target.unwrap_or_default().into()),
            ];
            let number = record
                .detail
                .get("number")
                .and_then(serde_json::Value::as_u64);
            // From before it was kept: none.
            args.push(("session", number.unwrap_or_default().into()));
            let said = match record
                .detail
                .get("lines")
                .and_then(serde_json::Value::as_u64)
            {
                Some(lines) => {
                    args.push(("lines", lines.into()));
                    desk.say("operator-typing-hidden", &args)
                }
                None => desk.say("operator-terminal-without-echo", &args),
            };
            (record.at, said)
        })
        .collect())
}

/// Places whose checkpoints the journal contradicts (R3), since a time.
async fn contradicted(
    desk: &Desk<'_>,
    client: &ClientId,
    since: Timestamp,
) -> Result<Vec<Alert>, Trouble> {
    let kinds = [AuditKind::CheckpointFailed];
    let now = clock::now();
    let found = latest(desk, client, &kinds, since).await?;
    Ok(found
        .into_iter()
        .map(|record| {
            let destination = record.detail.get("destination");
            let destination = destination.and_then(|name| name.as_str());
            let args = [
                ("time", times::moment(record.at, now, None).into()),
                ("destination", destination.unwrap_or_default().into()),
                ("problem", record.reason.clone().unwrap_or_default().into()),
            ];
            (record.at, desk.say("operator-copies-contradicted", &args))
        })
        .collect())
}

/// Interventions, documents and sessions in the store that the log contradicts (R3), since a time.
async fn not_on_record(
    desk: &Desk<'_>,
    client: &ClientId,
    since: Timestamp,
) -> Result<Vec<Alert>, Trouble> {
    let kinds = [AuditKind::NotOnRecord];
    let now = clock::now();
    let found = latest(desk, client, &kinds, since).await?;
    Ok(found
        .into_iter()
        .map(|record| {
            let time = times::moment(record.at, now, None).into();
            let number = record
                .detail
                .get("number")
                .and_then(|number| number.as_u64());
            let said = match (record.session, number) {
                (Some(_), number) => {
                    let args = [("time", time), ("number", number.unwrap_or(0).into())];
                    desk.say("operator-session-not-on-record", &args)
                }
                (None, Some(number)) => {
                    let args = [("time", time), ("number", number.into())];
                    desk.say("operator-intervention-not-on-record", &args)
                }
                (None, None) if record.detail.contains_key(ORDER) => {
                    desk.say("operator-order-not-on-record", &[("time", time)])
                }
                (None, None) => desk.say("operator-document-not-on-record", &[("time", time)]),
            };
            (record.at, said)
        })
        .collect())
}

/// The latest records of these kinds about the client, since a time.
async fn latest(
    desk: &Desk<'_>,
    client: &ClientId,
    kinds: &[AuditKind],
    since: Timestamp,
) -> Result<Vec<AuditRecord>, Trouble> {
    let query = AuditQuery {
        client: Some(client.clone()),
        kinds: kinds.to_vec(),
        from: Some(since),
        latest_first: true,
        limit: Some(MOST),
        ..AuditQuery::default()
    };
    let found = desk.gateway.store.audit(&query).await?;
    Ok(found.into_iter().map(|stored| stored.record).collect())
}

/// A destination of the client's copies where none arrive, in words.
fn copies_away(desk: &Desk<'_>, away: &Away) -> Alert {
    let args = [
        ("time", times::moment(away.since, clock::now(), None).into()),
        ("destination", away.destination.as_str().into()),
    ];
    (away.since, desk.say("operator-copies-away", &args))
}

/// Unexpected host keys since a time: each key of each target once, the latest meeting of it.
async fn host_keys(
    desk: &Desk<'_>,
    client: &ClientId,
    since: Timestamp,
) -> Result<Vec<Alert>, Trouble> {
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
            alerts.push((alert.at, desk.say("operator-host-key", &args)));
        }
    }
    Ok(alerts)
}
