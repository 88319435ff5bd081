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
use crate::passage::changes::GATEWAY_KEY;
use crate::passage::cut_short;
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
/// How far the second line of a change stands in.
const INDENT: usize = 4;

/// What is told, by kind and by what happened to an object of the documents, and in which words.
const WORDS: [(AuditKind, &str, &str); 15] = [
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
    (AuditKind::ServeCutShort, "", "changes-cut-short"),
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

/// Up to where an operator at the prompt was told.
pub(crate) struct UpTo {
    seq: u64,
    at: Timestamp,
}

impl UpTo {
    /// What is there already is no news; [`tell`] may still tell of it.
    pub(crate) async fn now(desk: &Desk<'_>, by: &AsOperator<'_>) -> Result<Self, Trouble> {
        let query = AuditQuery {
            latest_first: true,
            limit: Some(1),
            ..of(by)
        };
        let found = desk.gateway.store.audit(&query).await?;
        Ok(Self {
            seq: found.first().map_or(0, |latest| latest.seq),
            at: by.now(),
        })
    }

    /// What changed since, in words, once.
    pub(crate) async fn news(
        &mut self,
        desk: &Desk<'_>,
        by: &AsOperator<'_>,
    ) -> Result<Vec<String>, Trouble> {
        let query = AuditQuery {
            after: Some(self.seq),
            ..of(by)
        };
        let told = told(desk, by, query, self.at).await?;
        self.take(&told, by.now());
        Ok(told.map(|told| told.lines).unwrap_or_default())
    }

    fn take(&mut self, told: &Option<Told>, now: Timestamp) {
        if let Some(told) = told {
            self.seq = self.seq.max(told.upto);
            self.at = now;
        }
    }
}

/// Tells what changed since this operator was told last, and puts on record that they were.
pub(crate) async fn tell(
    desk: &mut Desk<'_>,
    by: &AsOperator<'_>,
    upto: &mut UpTo,
) -> Result<(), Trouble> {
    let Some(since) = since(desk, by).await? else {
        // Their first time: nothing changed for them.
        return Ok(());
    };
    let (query, from) = match since {
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
    let told = told(desk, by, query, from).await?;
    upto.take(&told, by.now());
    for line in told.into_iter().flat_map(|told| told.lines) {
        desk.terminal.hanging(&line, INDENT).await?;
    }
    Ok(())
}

/// What an operator is told, and up to which entry.
struct Told {
    lines: Vec<String>,
    upto: u64,
}

/// What a query finds, in words, and on record as told; none where it finds nothing.
async fn told(
    desk: &Desk<'_>,
    by: &AsOperator<'_>,
    mut query: AuditQuery,
    from: Timestamp,
) -> Result<Option<Told>, Trouble> {
    query.limit = Some(MOST);
    query.latest_first = true;
    let found = desk.gateway.store.audit(&query).await?;
    let Some(latest) = found.first() else {
        return Ok(None);
    };
    let (now, count) = (by.now(), found.len());
    let args = [
        ("count", count.into()),
        ("client", by.client().as_str().into()),
        ("time", times::moment(from, now, None).into()),
    ];
    let mut lines = vec![desk.say("changes-since", &args)];
    lines.extend(in_lines(desk, &found, SHOWN, now));
    lines.push(desk.say("changes-hint", &[]));
    let record = desk
        .record(AuditKind::ChangesTold, clock::now())
        .client(by.client())
        .detail("entries", count)
        .detail("up-to", latest.seq);
    desk.gateway.store.record(&[record]).await?;
    let upto = latest.seq;
    Ok(Some(Told { lines, upto }))
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
    for line in in_lines(desk, &found, usize::MAX, now) {
        desk.terminal.hanging(&line, INDENT).await?;
    }
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
fn in_lines(
    desk: &Desk<'_>,
    changes: &[StoredAuditRecord],
    most: usize,
    now: Timestamp,
) -> Vec<String> {
    let mut all: Vec<Same> = Vec::new();
    for StoredAuditRecord { record, .. } in changes {
        let said = in_words(desk, record);
        match all.iter_mut().find(|one| one.said == said) {
            Some(same) => {
                same.first = record.at;
                same.count += 1;
            }
            None => all.push(Same {
                said,
                first: record.at,
                last: record.at,
                count: 1,
            }),
        }
    }
    let mut lines = Vec::new();
    for one in all.iter().take(most) {
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
        lines.push(format!("  {line}"));
    }
    let left: usize = all.iter().skip(most).map(|one| one.count).sum();
    if left > 0 {
        lines.push(desk.say("changes-more", &[("count", left.into())]));
    }
    lines
}

/// What was said of changes, once.
struct Same {
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
    let gateway = detail(GATEWAY_KEY);
    let reader = |reader: &str| match reader == gateway {
        true => desk.say("changes-reader-gateway", &[]),
        false => reader.to_owned(),
    };
    let session = record.session.map(|session| session.to_string());
    let number = record
        .detail
        .get("number")
        .and_then(|number| number.as_u64());
    let session = number.map_or(session, |number| Some(format!("#{number}")));
    let readers = |key: &str| match list(key, &reader) {
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
    let sessions = list(cut_short::SESSIONS, &str::to_owned);
    let cut = record.detail.get(cut_short::SESSIONS);
    let cut = cut.and_then(|cut| cut.as_array()).map_or(0, Vec::len);
    let stopped = Timestamp::parse(detail(cut_short::AFTER)).ok();
    let stopped = stopped.map(|at| times::moment(at, clock::now(), None));
    let args = [
        ("count", cut.into()),
        ("sessions", sessions.into()),
        ("stopped", stopped.unwrap_or_default().into()),
        (
            "latest",
            times::moment(record.at, clock::now(), None).into(),
        ),
        ("client", client.unwrap_or_default().into()),
        ("person", person.into()),
        ("by", detail("by").into()),
        ("object", object(desk, detail("object")).into()),
        (
            "text",
            list("lines", &|line| desk.gateway.texts.part(desk.lang(), line)).into(),
        ),
        ("session", session.unwrap_or_default().into()),
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
