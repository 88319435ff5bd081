//! What changed for a client: its documents, its people and those that its matrix reaches, their enrolments, its copies.
//!
//! Operators are told at the prompt of everything since they were told last, and that they were is on record: who
//! changes something behind a client's back has its operators read of it.

use ecluse_policy::{AsOperator, Span, Timestamp};

use crate::admission::commands::Command;
use crate::admission::desk::{Desk, Trouble, arguments, status};
use crate::admission::words::{Misuse, Takes};
use crate::audit::{AuditKind, AuditRecord, StoredAuditRecord};
use crate::clock;
use crate::store::AuditQuery;
use crate::texts::times;

/// Changes shown in the greeting; the rest is counted.
const SHOWN: usize = 5;
/// Changes counted at most.
const MOST: u32 = 500;
/// How far back somebody is told who never was told before, and how far `changes` looks by itself.
const BACK: Span = Span::from_hours(30 * 24);
/// Longest text of one change, in characters.
const LONGEST: usize = 400;

/// What is told, by kind and by what happened to an object of the documents, and in which words.
const WORDS: [(AuditKind, &str, &str); 14] = [
    (AuditKind::DocumentChange, "again", "changes-again"),
    (AuditKind::DocumentChange, "created", "changes-created"),
    (AuditKind::DocumentChange, "changed", "changes-changed"),
    (AuditKind::DocumentChange, "removed", "changes-removed"),
    (AuditKind::Reached, "reach-begun", "changes-reached"),
    (AuditKind::Reached, "changed-elsewhere", "changes-elsewhere"),
    (AuditKind::Enrolment, "", "changes-enrolled"),
    (
        AuditKind::EnrolmentDisabled,
        "",
        "changes-enrolment-disabled",
    ),
    (AuditKind::CredentialSet, "", "changes-credential"),
    (AuditKind::RecordingRewrapped, "", "changes-rewrapped"),
    (AuditKind::CopiesAway, "", "changes-copies-away"),
    (AuditKind::CopiesBack, "", "changes-copies-back"),
    (AuditKind::KeyMade, "", "changes-key"),
    (AuditKind::SettingsChange, "", "changes-settings"),
];

const TAKES: Takes = Takes {
    values: &["since"],
    sentences: &[],
    switches: &[],
};

/// Since when somebody was not told.
enum Since {
    /// Since they were told, up to this entry.
    Told { seq: u64, at: Timestamp },
    /// They never were; since they came for the first time, or a while ago.
    Came(Timestamp),
}

/// Tells what changed since this operator was told last, and puts on record that they were.
pub(crate) async fn tell(desk: &mut Desk<'_>, by: &AsOperator<'_>) -> Result<(), Trouble> {
    let now = by.now();
    let Some(since) = since(desk, by).await? else {
        // Their first time: nothing changed for them.
        return Ok(());
    };
    let (mut query, from) = match since {
        Since::Told { seq, at } => {
            let query = AuditQuery {
                after: Some(seq),
                ..of(by)
            };
            (query, at)
        }
        Since::Came(at) => {
            let query = AuditQuery {
                from: Some(at),
                ..of(by)
            };
            (query, at)
        }
    };
    query.limit = Some(MOST);
    query.latest_first = true;
    let found = desk.gateway.store.audit(&query).await?;
    let Some(latest) = found.first() else {
        return Ok(());
    };
    let count = found.len();
    let args = [
        ("count", count.into()),
        ("client", by.client().as_str().into()),
        ("time", times::moment(from, now, None).into()),
    ];
    desk.line("changes-since", &args).await?;
    show(desk, &found, SHOWN, now).await?;
    desk.line("changes-hint", &[]).await?;
    let record = desk
        .record(AuditKind::ChangesTold, clock::now())
        .client(by.client())
        .detail("entries", count)
        .detail("up-to", latest.seq);
    desk.gateway.store.record(&[record]).await?;
    Ok(())
}

/// `changes [--since D]`
pub(crate) async fn changes(
    desk: &mut Desk<'_>,
    by: &AsOperator<'_>,
    command: &Command,
    words: &[String],
) -> Result<u32, Trouble> {
    let now = by.now();
    let given = match arguments(words, TAKES, 0) {
        Ok(given) => given,
        Err(misuse) => return desk.misused(command, &misuse).await,
    };
    let from = match given.one("since") {
        Ok(None) => now.minus(BACK),
        Ok(Some(typed)) => match times::parse_past(typed, now) {
            Some(from) => from,
            None => {
                let misuse = Misuse::MomentUnclear(typed.to_owned());
                return desk.misused(command, &misuse).await;
            }
        },
        Err(misuse) => return desk.misused(command, &misuse).await,
    };
    let query = AuditQuery {
        from: Some(from),
        latest_first: true,
        limit: Some(MOST),
        ..of(by)
    };
    let found = desk.gateway.store.audit(&query).await?;
    if found.is_empty() {
        let args = [
            ("client", by.client().as_str().into()),
            ("time", times::moment(from, now, None).into()),
        ];
        desk.line("changes-none", &args).await?;
    }
    show(desk, &found, usize::MAX, now).await?;
    Ok(status::DONE)
}

fn of(by: &AsOperator<'_>) -> AuditQuery {
    AuditQuery {
        client: Some(by.client().clone()),
        kinds: WORDS.iter().map(|(kind, _, _)| *kind).collect(),
        ..AuditQuery::default()
    }
}

async fn since(desk: &Desk<'_>, by: &AsOperator<'_>) -> Result<Option<Since>, Trouble> {
    let theirs = |kind| AuditQuery {
        client: Some(by.client().clone()),
        person: Some(desk.person().to_string()),
        kinds: vec![kind],
        ..AuditQuery::default()
    };
    let told = AuditQuery {
        latest_first: true,
        limit: Some(1),
        ..theirs(AuditKind::ChangesTold)
    };
    if let Some(StoredAuditRecord { record, .. }) = desk.gateway.store.audit(&told).await?.first() {
        let upto = record.detail.get("up-to").and_then(|upto| upto.as_u64());
        return Ok(Some(Since::Told {
            seq: upto.unwrap_or_default(),
            at: record.at,
        }));
    }
    let came = AuditQuery {
        limit: Some(2),
        ..theirs(AuditKind::LogOn)
    };
    let here = desk.visitor.connection.to_string();
    let before = desk.gateway.store.audit(&came).await?;
    let first = before.iter().map(|stored| &stored.record).find(|record| {
        let connection = record.detail.get("connection");
        connection.and_then(|id| id.as_str()) != Some(here.as_str())
    });
    Ok(first.map(|record| Since::Came(record.at.max(by.now().minus(BACK)))))
}

/// Changes in words, the latest first; those that say the same are one, with how often, and when first and last.
async fn show(
    desk: &mut Desk<'_>,
    changes: &[StoredAuditRecord],
    most: usize,
    now: Timestamp,
) -> Result<(), Trouble> {
    let mut told: Vec<Told> = Vec::new();
    for StoredAuditRecord { record, .. } in changes {
        let said = in_words(desk, record);
        match told.iter_mut().find(|told| told.said == said) {
            Some(same) => {
                same.first = record.at;
                same.count += 1;
            }
            None => told.push(Told {
                said,
                first: record.at,
                last: record.at,
                count: 1,
            }),
        }
    }
    for one in told.iter().take(most) {
        let last = times::moment(one.last, now, None);
        let line = if one.count == 1 {
            format!("{last}  {}", one.said)
        } else {
            let args = [
                ("count", one.count.into()),
                ("first", times::moment(one.first, now, None).into()),
                ("last", last.into()),
                ("change", one.said.as_str().into()),
            ];
            desk.say("changes-repeated", &args)
        };
        desk.terminal.hanging(&format!("  {line}"), 4).await?;
    }
    let left: usize = told.iter().skip(most).map(|one| one.count).sum();
    if left > 0 {
        desk.line("changes-more", &[("count", left.into())]).await?;
    }
    Ok(())
}

/// What was said of changes, once.
struct Told {
    said: String,
    first: Timestamp,
    last: Timestamp,
    count: usize,
}

fn in_words(desk: &Desk<'_>, record: &AuditRecord) -> String {
    let detail = |key: &str| {
        let value = record.detail.get(key);
        value.and_then(|text| text.as_str()).unwrap_or_default()
    };
    let list = |key: &str, say: &dyn Fn(&str) -> String| -> String {
        let list = record.detail.get(key).and_then(|list| list.as_array());
        let texts = list.into_iter().flatten().filter_map(|one| one.as_str());
        let text = texts.map(say).collect::<Vec<_>>().join("; ");
        text.chars().take(LONGEST).collect()
    };
    // What nobody gained or lost is a dash.
    let readers = |key: &str| match list(key, &str::to_owned) {
        none if none.is_empty() => "–".to_owned(),
        some => some,
    };
    let person = record.person.clone().unwrap_or_default();
    let id = WORDS
        .iter()
        .find(|(kind, change, _)| {
            *kind == record.kind && (change.is_empty() || *change == detail("change"))
        })
        .map_or("changes-worded", |(_, _, id)| *id);
    let target = record.target.as_ref().map(ToString::to_string);
    let client = record.client.as_ref().map(ToString::to_string);
    let args = [
        ("client", client.unwrap_or_default().into()),
        ("person", person.into()),
        ("by", detail("by").into()),
        ("object", object(desk, detail("object")).into()),
        ("text", list("lines", &|line| part(desk, line)).into()),
        ("gained", readers("gained").into()),
        ("lost", readers("lost").into()),
        ("target", target.unwrap_or_default().into()),
        ("account", detail("account").into()),
        ("destination", detail("destination").into()),
    ];
    desk.say(id, &args)
}

/// `target hopital/db01`, in the reader's words.
fn object(desk: &Desk<'_>, object: &str) -> String {
    let Some((kind, name)) = object.split_once(' ') else {
        return object.to_owned();
    };
    let id = match kind {
        "client" => "object-client",
        "operator" => "object-operator",
        "auditor" => "object-auditor",
        "target" => "object-target",
        "flow" => "object-flow",
        "provider" => "object-provider",
        "technician" => "object-technician",
        "station" => "object-station",
        _ => return object.to_owned(),
    };
    desk.say(id, &[("name", name.into())])
}

/// One part of an object that changed, `address: a -> b`: in the words of the document but for what is not there any more.
fn part(desk: &Desk<'_>, line: &str) -> String {
    match line.strip_suffix(" -> nothing") {
        Some(before) => desk.say("changes-part-gone", &[("part", before.into())]),
        None => line.to_owned(),
    }
}
