//! What operators are told wherever they look first: targets that presented another host key than their document names
//! (C3), accounts that guesses blocked and an administrator opened again, right codes at a wrong station (A6, A8), a gateway that runs out of room for
//! recordings, recordings that are not whole (R2, R3), copies that do not arrive (R8),
//! doors where connections find no place (F5).

mod alone;
mod budgets;
mod by_hand;
mod confirming;
mod folded;
mod handful;
mod host_keys;
mod known;
mod signals;
mod since;

use clap::Args;
use ecluse_policy::documents::Pool;
use ecluse_policy::{ClientId, Span, TargetId, Timestamp};
use serde::{Deserialize, Serialize};

use self::alone::alone;
use self::budgets::budgets;
pub(crate) use self::by_hand::HandAct;
use self::by_hand::by_hand;
pub(crate) use self::folded::Sort;
pub(crate) use self::handful::{Handful, handful};
use self::host_keys::host_keys;
pub(crate) use self::known::Known;
pub(crate) use self::signals::Found;
use self::since::{Since, all_of};
pub(crate) use self::since::{UpTo, up_to_now};
use super::{Ask, Undone, right};
use crate::actor::Actor;
use crate::archive::space::{Level, Room};
use crate::audit::{AuditKind, AuditRecord, AuditVerdict, SECRET};
use crate::clock;
use crate::copies::Away;
use crate::door::crowd::{Crowd, Places};
use crate::gateway::Gateway;
use crate::log::CONTRADICTED;
use crate::store::{ORDER, StoreError};

/// How long an alert is shown again at each look.
const SHOWN_FOR: Span = Span::from_hours(7 * 24);
/// How long after its end a crowd at a door is still told.
const CROWD_SHOWN_FOR: Span = Span::from_hours(24);
/// Entries read at once.
const PAGE: u32 = 1000;

/// Asks for what is to be told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Alerts {
    /// Only what was found since; everything that is shown again at each look, without it.
    #[arg(skip)]
    #[serde(default)]
    pub(crate) since: Option<UpTo>,
}

impl Ask for Alerts {
    const ACT: &'static str = "alerts";
    const USAGE: &'static str = "alerts";
}

/// What is to be told, and when it happened or began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Alert {
    /// When.
    pub(crate) at: Timestamp,
    /// What.
    pub(crate) told: Told,
}

/// What an alert tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Told {
    /// Guesses blocked an account.
    Blocked { person: String },
    /// A right code of theirs was given at a station from which they may not work.
    CodeElsewhere { person: String },
    /// An administrator ended the block.
    Unblocked { person: String, by: String },
    /// An administrator enabled an account that lay unused.
    Enabled { person: String, by: String },
    /// There is little room for recordings, in bytes; sessions are refused below the bound.
    SpaceLow { free: u64, bound: u64 },
    /// There is too little to begin any session.
    SpaceFull { free: u64, bound: u64 },
    /// Connections find no place.
    Crowd {
        place: Place,
        until: Timestamp,
        count: u64,
        sources: usize,
        over: bool,
    },
    /// A recording failed, lost something or was found altered.
    Recording {
        person: String,
        target: Option<TargetId>,
        problem: String,
    },
    /// Lines were typed that were not shown, or a terminal was asked for that shows none.
    Hidden {
        person: String,
        target: Option<TargetId>,
        /// Of which session; 0 from before that was kept.
        session: u64,
        lines: Option<u64>,
    },
    /// An account of a budget reached a mark.
    Budget {
        person: String,
        target: Option<TargetId>,
        session: u64,
        channel: u64,
        /// What is running there, where it is no shell.
        command: Option<String>,
        /// Which mark, as it is named on record.
        mark: String,
        /// What the budget is called.
        key: String,
        spent: u64,
        limit: u64,
        /// Whether it slows at the limit.
        slows: bool,
        /// Whether it waits for somebody who adds to it, in the end.
        holds: bool,
        /// Whether nothing waits any more: something was added since, or the session is over.
        over: bool,
    },
    /// Something waits for an operator's yes.
    Waits(confirming::Waits),
    /// A session waits for an operator who accompanies it (I4).
    Alone {
        person: String,
        target: Option<TargetId>,
        session: u64,
        /// Whether it waits no more: somebody came, or it is over.
        over: bool,
    },
    /// A signal was found.
    Signal {
        person: String,
        target: Option<TargetId>,
        session: u64,
        channel: u64,
        /// What is running there, where it is no shell.
        command: Option<String>,
        /// Which, as it is named on record.
        signal: String,
        /// What was found, and what that was held against.
        measured: Found,
        threshold: Found,
        /// Whether it holds its session.
        holds: bool,
        /// Whether nothing waits any more: somebody let it go on, or the session is over.
        over: bool,
    },
    /// Another operator did something by hand to a session.
    Hand {
        by: String,
        person: String,
        target: Option<TargetId>,
        session: u64,
        act: HandAct,
        /// Why, if said.
        reason: Option<String>,
        /// Whether the session is over.
        over: bool,
    },
    /// A technician answered what an operator asked (N1).
    Answered {
        person: String,
        target: Option<TargetId>,
        session: u64,
        question: String,
        answer: String,
        /// Whether a budget holds it too, where this gateway carries it.
        budget: bool,
        /// Whether nothing waits any more: somebody let it go on, or the session is over.
        over: bool,
    },
    /// The journal contradicts the checkpoints of a place.
    CopiesContradicted {
        destination: String,
        problem: String,
    },
    /// The journal contradicts the checkpoints that its gateway signed.
    JournalContradicted { problem: String },
    /// No checkpoint could be signed since.
    CheckpointFailed { problem: String },
    /// Copies do not arrive at a place.
    CopiesAway { destination: String },
    /// The store has something else of a session than the log.
    SessionNotOnRecord { number: u64 },
    /// A session went on after its end was on record.
    SessionOutlived { number: u64 },
    /// The store has something else of an intervention than the log.
    InterventionNotOnRecord { number: u64 },
    /// A gateway's clock was set, or is not the store's.
    Clock { problem: String },
    /// Of an order to another node.
    OrderNotOnRecord,
    /// Of a document.
    DocumentNotOnRecord,
    /// Of the second factor of a person.
    EnrolmentNotOnRecord { person: String },
    /// Of the secret with which the gateway logs on to an account of a target.
    CredentialNotOnRecord { target: TargetId, account: String },
    /// More of a sort, about a person where they are about one, than are told one by one.
    More {
        sort: Sort,
        person: Option<String>,
        count: u64,
        /// Of the sessions or interventions, where they have some.
        numbers: Vec<u64>,
    },
    /// A target presented another host key than its document names.
    HostKey {
        target: TargetId,
        got: String,
        pinned: String,
    },
}

/// Which places at the doors are short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Place {
    /// The share of one source.
    Shares,
    /// Those of one person.
    Person,
    /// Those kept for operators.
    Operators,
    /// Those kept for known stations.
    Stations,
    /// Those for everybody.
    Everybody,
    /// Those after log-on.
    Inside,
}

/// The alerts of the operator's client, the latest last.
pub(crate) async fn alerts(house: &Gateway, by: &Actor, ask: Alerts) -> Result<Vec<Alert>, Undone> {
    let applied = house.applied();
    let operator = right(house, by, Alerts::ACT, by.as_operator(&applied)).await?;
    let (client, now) = (operator.client(), operator.now());
    let (since, is_new) = (ask.since, ask.since.is_some());
    let looked = since.map_or(Since::Time(now.minus(SHOWN_FOR)), Since::Told);
    let since = since.map(|upto| upto.at);
    let from = since.unwrap_or(now.minus(SHOWN_FOR));
    let mut alerts = on_record(house, client, looked).await?;
    alerts.extend(by_hand(house, by, client, looked).await?);
    alerts.extend(alone(house, client, looked).await?);
    alerts.extend(confirming::waits(house, client, looked).await?);
    let room = house.space.last();
    if !is_new || room.since >= from {
        alerts.extend(of_room(house, room));
    }
    let crowds = house
        .crowds
        .told(since.unwrap_or(now.minus(CROWD_SHOWN_FOR)));
    let crowds = crowds
        .iter()
        .filter(|crowd| !is_new || crowd.told.is_some_and(|told| told >= from));
    alerts.extend(crowds.map(of_crowd));
    let away = house.absences.of(client);
    let away = away.iter().filter(|away| !is_new || away.told >= from);
    alerts.extend(away.map(of_copies));
    Ok(folded::folded(alerts))
}

/// What is on record and concerns the client, since then.
async fn on_record(
    house: &Gateway,
    client: &ClientId,
    since: Since,
) -> Result<Vec<Alert>, StoreError> {
    /// What is looked for together, and what of it is told.
    type Tell = fn(AuditRecord) -> Told;
    const ACCOUNTS: &[AuditKind] = &[
        AuditKind::Lockout,
        AuditKind::CodeElsewhere,
        AuditKind::LockoutLifted,
        AuditKind::AccountEnabled,
    ];
    const RECORDINGS: &[AuditKind] = &[AuditKind::RecordingFailed, AuditKind::CoverageGap];
    const LOOKED_FOR: [(&[AuditKind], Tell); 7] = [
        (ACCOUNTS, account),
        (RECORDINGS, recording),
        (&[AuditKind::TypingHidden], hidden),
        (&[AuditKind::CheckpointFailed], contradicted),
        (&[AuditKind::NotOnRecord], not_on_record),
        (&[AuditKind::SessionOutlived], outlived),
        (&[AuditKind::ClockJump], clock_set),
    ];
    let mut alerts = host_keys(house, client, since).await?;
    alerts.extend(budgets(house, client, since).await?);
    alerts.extend(signals::signals(house, client, since).await?);
    for (kinds, tell) in LOOKED_FOR {
        let mut found = all_of(house, client, kinds, since).await?;
        leave_out_made_again(&mut found);
        found.retain(|record| record.kind != AuditKind::ClockJump || jumped(record) > clock::APART);
        alerts.extend(found.into_iter().map(|record| Alert {
            at: record.at,
            told: tell(record),
        }));
    }
    Ok(alerts)
}

fn text(record: &AuditRecord, key: &str) -> String {
    let value = record.detail.get(key).and_then(|value| value.as_str());
    value.unwrap_or_default().to_owned()
}

fn count(record: &AuditRecord, key: &str) -> Option<u64> {
    record.detail.get(key).and_then(|value| value.as_u64())
}

/// Accounts that are the client's matter and were blocked, or opened again.
fn account(record: AuditRecord) -> Told {
    let by = text(&record, "by");
    let person = record.person.unwrap_or_default();
    if record.kind == AuditKind::LockoutLifted {
        Told::Unblocked { person, by }
    } else if record.kind == AuditKind::AccountEnabled {
        Told::Enabled { person, by }
    } else if record.kind == AuditKind::CodeElsewhere {
        Told::CodeElsewhere { person }
    } else {
        Told::Blocked { person }
    }
}

fn recording(record: AuditRecord) -> Told {
    Told::Recording {
        person: record.person.unwrap_or_default(),
        target: record.target,
        problem: record.reason.unwrap_or_default(),
    }
}

fn hidden(record: AuditRecord) -> Told {
    Told::Hidden {
        lines: count(&record, "lines"),
        session: count(&record, "number").unwrap_or_default(),
        person: record.person.unwrap_or_default(),
        target: record.target,
    }
}

/// Takes out checkpoints that could not be made and have been made since, and the word that they were: nothing lacks.
fn leave_out_made_again(found: &mut Vec<AuditRecord>) {
    let of_checkpoints = |record: &AuditRecord| record.kind == AuditKind::CheckpointFailed;
    let is_good = |record: &AuditRecord| record.verdict == Some(AuditVerdict::Permit);
    let good = found
        .iter()
        .filter(|one| of_checkpoints(one) && is_good(one));
    let again = good.map(|record| record.at).max();
    let proves_nothing = |record: &AuditRecord| {
        let detail = &record.detail;
        !detail.contains_key("destination") && !detail.contains_key(CONTRADICTED)
    };
    found.retain(|record| {
        let made = is_good(record)
            || proves_nothing(record) && again.is_some_and(|again| again >= record.at);
        !(of_checkpoints(record) && made)
    });
}

/// Checkpoints that the journal contradicts, at a place or the gateway's own, or that cannot be made (R3).
fn contradicted(record: AuditRecord) -> Told {
    let problem = record.reason.clone().unwrap_or_default();
    if record.detail.contains_key("destination") {
        Told::CopiesContradicted {
            destination: text(&record, "destination"),
            problem,
        }
    } else if record.detail.contains_key(CONTRADICTED) {
        Told::JournalContradicted { problem }
    } else {
        Told::CheckpointFailed { problem }
    }
}

/// Interventions, documents, sessions and secrets in the store that the log contradicts (R3).
fn not_on_record(record: AuditRecord) -> Told {
    let number = count(&record, "number");
    match (record.session, number) {
        (Some(_), number) => Told::SessionNotOnRecord {
            number: number.unwrap_or(0),
        },
        (None, Some(number)) => Told::InterventionNotOnRecord { number },
        (None, None) if record.detail.contains_key(ORDER) => Told::OrderNotOnRecord,
        (None, None) if record.detail.contains_key(SECRET) => match record.target.clone() {
            Some(target) => Told::CredentialNotOnRecord {
                account: text(&record, "account"),
                target,
            },
            None => Told::EnrolmentNotOnRecord {
                person: record.person.unwrap_or_default(),
            },
        },
        (None, None) => Told::DocumentNotOnRecord,
    }
}

/// How far a clock is from what it showed before, or from the store's. **Unit**: microseconds.
fn jumped(record: &AuditRecord) -> u64 {
    let micros = |key| record.detail.get(key).and_then(|value| value.as_i64());
    let far = micros("micros").or_else(|| micros("store-ahead-micros"));
    far.unwrap_or_default().unsigned_abs()
}

/// Clocks that were set, or are not the store's (R6).
fn clock_set(record: AuditRecord) -> Told {
    Told::Clock {
        problem: record.reason.unwrap_or_default(),
    }
}

/// Sessions whose gateway was taken out while it lived (R4).
fn outlived(record: AuditRecord) -> Told {
    Told::SessionOutlived {
        number: count(&record, "number").unwrap_or_default(),
    }
}

/// Too little room. It is the gateway's, so every client's operators are told.
fn of_room(house: &Gateway, room: Room) -> Option<Alert> {
    let (free, bound) = (room.free, house.space.bounds().refuse_below);
    let told = match room.level {
        Level::Enough => return None,
        Level::Low => Told::SpaceLow { free, bound },
        Level::Full => Told::SpaceFull { free, bound },
    };
    Some(Alert {
        at: room.since,
        told,
    })
}

/// Places that are short at the doors. They are the gateway's, so every client's operators are told.
fn of_crowd(crowd: &Crowd) -> Alert {
    let place = match (crowd.turned.only_shares(), crowd.places) {
        (true, Places::Before(_)) => Place::Shares,
        (true, Places::Inside) => Place::Person,
        (false, Places::Before(Pool::Operators)) => Place::Operators,
        (false, Places::Before(Pool::Stations)) => Place::Stations,
        (false, Places::Before(Pool::Everybody)) => Place::Everybody,
        (false, Places::Inside) => Place::Inside,
    };
    Alert {
        at: crowd.since,
        told: Told::Crowd {
            place,
            until: crowd.latest,
            count: crowd.turned.total(),
            sources: crowd.turned.sources(),
            over: crowd.over,
        },
    }
}

/// A destination of the client's copies where none arrive.
fn of_copies(away: &Away) -> Alert {
    Alert {
        at: away.since,
        told: Told::CopiesAway {
            destination: away.destination.clone(),
        },
    }
}
