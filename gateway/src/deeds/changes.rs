//! What changed for a client: its documents, its people and those that its matrix reaches, their enrolments, its copies.
//!
//! Operators are told of everything since they were told last, and that they were is on record: who changes something
//! behind a client's back has its operators read of it.

mod since;

use clap::Args;
use ecluse_policy::{AsOperator, ClientId, Span, TargetId, Timestamp};
use serde::{Deserialize, Serialize};

use self::since::{Since, since};
use super::{Ask, Undone, right, typed};
use crate::actor::Actor;
use crate::archive::changes::GATEWAY_KEY;
use crate::archive::cut_short;
use crate::audit::{AuditKind, AuditRecord, KEPT_OUT, PEOPLE, StoredAuditRecord};
use crate::clock;
use crate::gateway::Gateway;
use crate::store::{AuditQuery, FIRST, JOINED, NODE, REPLACED, StoreError, Stretches};

/// Changes read in one go. All are read: so many of one kind push none of another out.
const PAGE: u32 = 500;
/// How far back somebody is told who never was told before, and how far `changes` looks by itself.
const BACK: Span = Span::from_hours(30 * 24);

/// The detail of an entry that somebody was told: which entries up to there could not be read.
const UNREAD: &str = "unread";
/// Stretches of such entries that are kept in mind for somebody.
const STRETCHES: usize = 500;

/// What is told, by kind and by what happened to an object of the documents.
const TOLD: [(AuditKind, &str, What); 26] = [
    (AuditKind::DocumentChange, "again", What::Again),
    (AuditKind::DocumentChange, "created", What::Created),
    (AuditKind::DocumentChange, "changed", What::Changed),
    (AuditKind::DocumentChange, "removed", What::Removed),
    (AuditKind::Reached, "reach-begun", What::Reached),
    (AuditKind::Reached, "changed-elsewhere", What::Elsewhere),
    (AuditKind::Enrolment, FIRST, What::EnrolledFirst),
    (AuditKind::Enrolment, REPLACED, What::EnrolledAnew),
    (AuditKind::Enrolment, "", What::Enrolled),
    (AuditKind::EnrolmentDisabled, "", What::EnrolmentDisabled),
    (AuditKind::CredentialSet, "", What::Credential),
    (AuditKind::RecordingRewrapped, "", What::Rewrapped),
    (AuditKind::CopiesAway, "", What::CopiesAway),
    (AuditKind::CopiesBack, "", What::CopiesBack),
    (AuditKind::KeyMade, "", What::Key),
    (AuditKind::SettingsChange, JOINED, What::Joined),
    (AuditKind::SettingsChange, "", What::Settings),
    (AuditKind::ServeCutShort, "", What::CutShort),
    (AuditKind::RecordingDestroyed, "", What::Destroyed),
    (AuditKind::EntriesDestroyed, "", What::WordsDestroyed),
    (AuditKind::PeopleAccepted, "", What::Accepted),
    (AuditKind::PersonRefused, "", What::Refused),
    (AuditKind::KeepOut, "", What::KeptOut),
    (AuditKind::KeepOutLifted, "", What::Lifted),
    (AuditKind::PostureHigh, "", What::Heightened),
    (AuditKind::PostureNormal, "", What::Normal),
];

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum What {
    /// An object of the documents stands again as it did.
    Again,
    /// It was created.
    Created,
    /// It was changed.
    Changed,
    /// It was removed.
    Removed,
    /// The matrix reaches somebody or something of a provider that it did not.
    Reached,
    /// The provider's document changed in what does not concern the client.
    Elsewhere,
    /// A source of codes was enrolled; whether in the place of another is not on record of before that was told.
    Enrolled,
    /// The first source of codes of somebody.
    EnrolledFirst,
    /// A source of codes in the place of the one that they had.
    EnrolledAnew,
    /// An enrolment was disabled.
    EnrolmentDisabled,
    /// A target's credential was set.
    Credential,
    /// A recording's key was wrapped for other recipients.
    Rewrapped,
    /// Copies stopped to arrive.
    CopiesAway,
    /// They arrive again.
    CopiesBack,
    /// The gateway made a key of its own.
    Key,
    /// The gateway serves with other settings.
    Settings,
    /// A gateway serves with the store that did not before.
    Joined,
    /// The gateway had stopped out of order.
    CutShort,
    /// A recording was removed at the end of its time.
    Destroyed,
    /// The words of entries were.
    WordsDestroyed,
    /// Somebody of a provider was accepted: by an operator, or by the client's first document.
    Accepted,
    /// An operator refused somebody.
    Refused,
    /// An operator keeps something out.
    KeptOut,
    /// An operator lifted that.
    Lifted,
    /// An operator heightened the client's posture.
    Heightened,
    /// An operator said that it is over.
    Normal,
    /// Another change, in its own words.
    Worded,
}

/// One change, as the log has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Change {
    /// When.
    pub(crate) at: Timestamp,
    /// What happened.
    pub(crate) what: What,
    /// Whom it is about.
    pub(crate) person: String,
    /// Who did it.
    pub(crate) by: String,
    /// Whose matter it is.
    pub(crate) client: Option<ClientId>,
    /// To which object of the documents: `target hopital/db01`.
    pub(crate) object: String,
    /// What of it changed: `address: a -> b`.
    pub(crate) lines: Vec<String>,
    /// Who can read from then on, by their keys.
    pub(crate) gained: Vec<String>,
    /// Who no longer can.
    pub(crate) lost: Vec<String>,
    /// Which of these keys is the gateway's own.
    pub(crate) gateway: String,
    /// Which session, as people call it.
    pub(crate) session: String,
    /// Which target.
    pub(crate) target: Option<TargetId>,
    /// Which account on it.
    pub(crate) account: String,
    /// Which receiver of copies.
    pub(crate) destination: String,
    /// Which sessions were cut short.
    pub(crate) sessions: Vec<String>,
    /// When the gateway was last heard of before.
    pub(crate) stopped: Option<Timestamp>,
    /// How many entries lost their words.
    pub(crate) entries: u64,
    /// Which gateway, as its data directory calls it.
    pub(crate) node: String,
    /// In which parts its settings differ.
    pub(crate) parts: Vec<String>,
}

impl Change {
    fn of(record: AuditRecord) -> Self {
        let text = |key: &str| {
            let value = record.detail.get(key).and_then(|text| text.as_str());
            value.unwrap_or_default().to_owned()
        };
        let list = |key: &str| {
            let list = record.detail.get(key).and_then(|list| list.as_array());
            let texts = list.into_iter().flatten().filter_map(|one| one.as_str());
            texts.map(str::to_owned).collect()
        };
        let change = text("change");
        let number = record
            .detail
            .get("number")
            .and_then(|number| number.as_u64());
        let session = match number {
            Some(number) => Some(format!("#{number}")),
            None => record.session.map(|session| session.to_string()),
        };
        let what = TOLD
            .iter()
            .find(|(kind, of, _)| *kind == record.kind && (of.is_empty() || *of == change))
            .map_or(What::Worded, |(_, _, what)| *what);
        let (object, lines) = if let What::Accepted | What::Refused = what {
            (String::new(), list(PEOPLE))
        } else if let What::KeptOut | What::Lifted = what {
            (text(KEPT_OUT), record.reason.iter().cloned().collect())
        } else if what == What::Heightened {
            (String::new(), record.reason.iter().cloned().collect())
        } else {
            (text("object"), list("lines"))
        };
        Self {
            at: record.at,
            what,
            by: text("by"),
            object,
            lines,
            gained: list("gained"),
            lost: list("lost"),
            gateway: text(GATEWAY_KEY),
            session: session.unwrap_or_default(),
            account: text("account"),
            destination: text("destination"),
            node: text(NODE),
            parts: list("parts"),
            sessions: list(cut_short::SESSIONS),
            stopped: Timestamp::parse(&text(cut_short::AFTER)).ok(),
            entries: record
                .detail
                .get("entries")
                .and_then(|entries| entries.as_u64())
                .unwrap_or_default(),
            person: record.person.unwrap_or_default(),
            client: record.client,
            target: record.target,
        }
    }
}

/// Asks what changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Changes {
    /// Since when; for a month, without it.
    #[arg(long)]
    #[serde(default)]
    pub(crate) since: Option<String>,
}

impl Ask for Changes {
    const ACT: &'static str = "changes";
    const USAGE: &'static str = "changes [--since D]";
}

/// What changed, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Changed {
    /// For whom.
    pub(crate) client: ClientId,
    /// Since when.
    pub(crate) from: Timestamp,
    /// What that time is.
    pub(crate) begin: Begin,
    /// What.
    pub(crate) changes: Vec<Change>,
}

/// What the time is since when changes are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Begin {
    /// It was asked for, or somebody came then for the first time.
    Asked,
    /// They were told then.
    Told,
    /// Up to when retention took words: that of when they were told may be among them.
    Removed,
}

/// What changed for the operator's client.
pub(crate) async fn changes(house: &Gateway, by: &Actor, ask: Changes) -> Result<Changed, Undone> {
    let applied = house.applied();
    let operator = right(house, by, Changes::ACT, by.as_operator(&applied)).await?;
    let now = operator.now();
    let from = match &ask.since {
        Some(typed) => typed::past(typed, now)?,
        None => now.minus(BACK),
    };
    let query = AuditQuery {
        from: Some(from),
        ..of(&operator)
    };
    let found = all(house, query).await?;
    Ok(changed(&operator, (from, Begin::Asked), found))
}

fn changed(
    by: &AsOperator<'_>,
    (from, begin): (Timestamp, Begin),
    found: Vec<StoredAuditRecord>,
) -> Changed {
    let changes = found.into_iter().map(|stored| Change::of(stored.record));
    // A first document that names nobody accepts nobody.
    let changes =
        changes.filter(|change| change.what != What::Accepted || !change.lines.is_empty());
    Changed {
        client: by.client().clone(),
        from,
        begin,
        changes: changes.collect(),
    }
}

/// Up to where an operator was told.
#[derive(Debug, Clone)]
pub(crate) struct UpTo {
    seq: u64,
    at: Timestamp,
    begin: Begin,
    /// What could not be read up to there: it is told when it can be, and nothing else is told again for that.
    away: Stretches,
}

impl UpTo {
    /// After which entry something may be news.
    fn after(&self) -> u64 {
        let first = self.away.first().map(|first| first.saturating_sub(1));
        first.map_or(self.seq, |first| first.min(self.seq))
    }

    fn is_news(&self, seq: u64) -> bool {
        seq > self.seq || self.away.has(seq)
    }
}

/// What is there already is no news; [`untold`] may still tell of it.
pub(crate) async fn up_to_now(house: &Gateway, by: &AsOperator<'_>) -> Result<UpTo, StoreError> {
    let query = AuditQuery {
        latest_first: true,
        limit: Some(1),
        ..of(by)
    };
    let found = house.store.audit(&query).await?;
    Ok(UpTo {
        seq: found.first().map_or(0, |latest| latest.seq),
        at: by.now(),
        begin: Begin::Told,
        away: Stretches::default(),
    })
}

/// What changed since, once; on record as told. None where nothing did.
pub(crate) async fn news(
    house: &Gateway,
    by: &Actor,
    upto: &mut UpTo,
) -> Result<Option<Changed>, Undone> {
    let applied = house.applied();
    let operator = right(house, by, Changes::ACT, by.as_operator(&applied)).await?;
    let (query, since) = (of(&operator), Since::Told(upto.clone()));
    Ok(told(house, by, &operator, query, since, upto).await?)
}

/// What changed since this operator was told last, on record as told. None where nothing did, or where they come for the
/// first time: nothing changed for them.
pub(crate) async fn untold(
    house: &Gateway,
    by: &Actor,
    upto: &mut UpTo,
) -> Result<Option<Changed>, Undone> {
    let applied = house.applied();
    let operator = right(house, by, Changes::ACT, by.as_operator(&applied)).await?;
    let Some(since) = since(house, by, &operator).await? else {
        return Ok(None);
    };
    Ok(told(house, by, &operator, of(&operator), since, upto).await?)
}

/// What a query finds, on record as told.
async fn told(
    house: &Gateway,
    by: &Actor,
    operator: &AsOperator<'_>,
    query: AuditQuery,
    since: Since,
    upto: &mut UpTo,
) -> Result<Option<Changed>, StoreError> {
    let (query, from) = match &since {
        Since::Told(told) => {
            let after = Some(told.after());
            (AuditQuery { after, ..query }, (told.at, told.begin))
        }
        Since::Came(at) => {
            let from = Some(*at);
            (AuditQuery { from, ..query }, (*at, Begin::Asked))
        }
    };
    let after = query.after;
    let mut found = all(house, query).await?;
    found.retain(|stored| !is_own(by, &stored.record));
    if let Since::Told(told) = &since {
        found.retain(|stored| told.is_news(stored.seq));
    }
    let latest = found.iter().map(|stored| stored.seq).max();
    let told = match (&since, latest) {
        (Since::Told(told), Some(latest)) => told.seq.max(latest),
        (Since::Came(_), Some(latest)) => latest,
        (Since::Told(told), None) => {
            upto.away = told.away.clone();
            return Ok(None);
        }
        (Since::Came(_), None) => return Ok(None),
    };
    // What cannot be read up to there is told when it can be; they are told nothing twice for that.
    let mut unread = house.store.places_away(after.unwrap_or(0), told);
    let beyond = unread.keep(STRETCHES);
    let told = beyond.map_or(told, |beyond| told.min(beyond.saturating_sub(1)));
    let record = by
        .record(AuditKind::ChangesTold, clock::now())
        .client(operator.client())
        .detail("entries", found.len())
        .detail("up-to", told);
    let record = if unread.is_empty() {
        record
    } else {
        record.detail(UNREAD, unread.to_string())
    };
    house.store.record(&[record]).await?;
    upto.seq = upto.seq.max(told);
    (upto.at, upto.begin) = (operator.now(), Begin::Told);
    upto.away = unread;
    Ok(Some(changed(operator, from, found)))
}

/// Whether they did it themselves on this connection, and read what came of it.
fn is_own(by: &Actor, record: &AuditRecord) -> bool {
    let said = [
        AuditKind::KeepOut,
        AuditKind::KeepOutLifted,
        AuditKind::PeopleAccepted,
        AuditKind::PersonRefused,
        AuditKind::PostureHigh,
        AuditKind::PostureNormal,
    ];
    let connection = record.detail.get("connection").and_then(|id| id.as_str());
    said.contains(&record.kind) && connection == Some(by.connection.to_string().as_str())
}

/// All that a query finds, the latest first, a page at a time.
async fn all(house: &Gateway, mut query: AuditQuery) -> Result<Vec<StoredAuditRecord>, StoreError> {
    query.limit = Some(PAGE);
    let mut found = Vec::new();
    loop {
        let (page, _) = house.store.audit_so_far(&query).await?;
        let Some(last) = page.last() else {
            found.reverse();
            return Ok(found);
        };
        query.after = Some(last.seq);
        found.extend(page);
    }
}

fn of(by: &AsOperator<'_>) -> AuditQuery {
    AuditQuery {
        client: Some(by.client().clone()),
        kinds: TOLD.iter().map(|(kind, _, _)| *kind).collect(),
        ..AuditQuery::default()
    }
}
