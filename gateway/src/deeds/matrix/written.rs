//! The matrix with everything that is said of it, as one value: what each form is written from, and what the form for programs is.

use std::collections::BTreeSet;

use ecluse_policy::capability::Standing;
use ecluse_policy::documents::{Client, Flow};
use ecluse_policy::review::{self, Towards};
use ecluse_policy::{Derogation, Documents, Lang, Span, Timestamp};
use serde::{Serialize, Serializer};

use super::DAYS;
use super::seen::{Seen, Since, Tally};
use crate::gateway::Applied;
use crate::store::{CredentialEntry, DocumentOf};

/// What it is written from, beside the documents.
pub(super) struct Facts {
    pub(super) seen: Seen,
    pub(super) since: Since,
    pub(super) document: DocumentOf,
    pub(super) credentials: Vec<CredentialEntry>,
    pub(super) from: Timestamp,
    pub(super) now: Timestamp,
}

/// The matrix of one client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Matrix {
    /// What this is, and in which version: `ecluse-matrix-1`.
    pub(crate) form: &'static str,
    pub(crate) client: String,
    pub(crate) name: String,
    #[serde(serialize_with = "in_text")]
    pub(crate) lang: Lang,
    #[serde(serialize_with = "in_text")]
    pub(crate) at: Timestamp,
    /// Where the client's days begin.
    pub(crate) zone: String,
    /// The version of all documents that is in force.
    pub(crate) version: u64,
    pub(crate) document: Document,
    /// Since when what was seen is counted.
    #[serde(serialize_with = "in_text")]
    pub(crate) seen_from: Timestamp,
    pub(crate) days: u64,
    /// Since when the client's posture is heightened: what stands here is what is written.
    #[serde(serialize_with = "maybe_in_text")]
    pub(crate) posture_high_since: Option<Timestamp>,
    pub(crate) flows: Vec<FlowOf>,
    pub(crate) accounts: Vec<AccountOf>,
    pub(crate) derogations: Vec<DerogationOf>,
    /// What says no reason.
    pub(crate) without_why: Vec<String>,
    /// Uses of lines that are not there any more.
    pub(crate) uses_of_lines_gone: u64,
    /// Entries whose words retention removed: what they were uses of is not known.
    pub(crate) entries_without_words: u64,
}

/// The client's own document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Document {
    pub(crate) file: String,
    pub(crate) sha256: String,
    /// The version by which it came to say what it says.
    pub(crate) version: u64,
    #[serde(serialize_with = "maybe_in_text")]
    pub(crate) applied_at: Option<Timestamp>,
    pub(crate) applied_by: String,
}

/// One flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct FlowOf {
    pub(crate) name: String,
    pub(crate) line: u32,
    pub(crate) why: Option<String>,
    pub(crate) technicians: Vec<WhoOf>,
    pub(crate) targets: Vec<TargetOf>,
    pub(crate) accounts: Vec<String>,
    pub(crate) hours: String,
    pub(crate) authentication: Vec<&'static str>,
    /// How many operators say yes.
    pub(crate) approvals: u32,
    #[serde(serialize_with = "in_text")]
    pub(crate) at_most: Span,
    /// How many sessions an operator accompanies, where one has to.
    pub(crate) accompanied: Option<u32>,
    pub(crate) extraction: Vec<BoundsOf>,
    #[serde(serialize_with = "maybe_in_text")]
    pub(crate) idle: Option<Span>,
    pub(crate) confirm: Vec<String>,
    pub(crate) lines: Vec<LineOf>,
    pub(crate) seen: SeenOf,
}

/// Whom a flow names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct WhoOf {
    /// As it is written.
    pub(crate) selector: String,
    /// Whom that is today.
    pub(crate) people: Vec<String>,
    /// From where they may come.
    pub(crate) stations: BTreeSet<String>,
}

/// One target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct TargetOf {
    pub(crate) id: String,
    pub(crate) address: String,
    pub(crate) protocol: String,
}

/// How much may pass, on one target or on all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct BoundsOf {
    pub(crate) target: Option<String>,
    pub(crate) bounds: Vec<(String, String)>,
}

/// One line of a flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct LineOf {
    pub(crate) allow: String,
    pub(crate) line: u32,
    #[serde(serialize_with = "towards")]
    pub(crate) towards: Towards,
    pub(crate) terminal: bool,
    pub(crate) why: Option<String>,
    pub(crate) derogation: Option<AnsweredOf>,
    pub(crate) in_force: bool,
    /// Since when it stands there, where that is since it was looked.
    #[serde(serialize_with = "maybe_in_text")]
    pub(crate) since: Option<Timestamp>,
    pub(crate) state: State,
    pub(crate) seen: SeenOf,
}

/// Whether anybody uses a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// It was used.
    Used,
    /// Not once in all the time that was looked at: is it needed?
    Dead,
    /// Not yet: it does not stand there for so long.
    NotYet,
    /// The log does not tell any more, or not of this line alone.
    Unknown,
}

/// What was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct SeenOf {
    /// Interventions that were approved for it.
    pub(crate) granted: u64,
    /// Interventions by which it was used.
    pub(crate) interventions: usize,
    pub(crate) sessions: usize,
    pub(crate) uses: u64,
    #[serde(serialize_with = "maybe_in_text")]
    pub(crate) last: Option<Timestamp>,
}

impl SeenOf {
    fn of(tally: &Tally) -> Self {
        Self {
            granted: tally.granted,
            interventions: tally.interventions.len(),
            sessions: tally.sessions.len(),
            uses: tally.uses,
            last: tally.last,
        }
    }
}

/// Who answers for a derogation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct AnsweredOf {
    pub(crate) owner: String,
    /// Its last day, as it is written.
    pub(crate) until: String,
    /// Whole days that are left; none where it is over.
    pub(crate) days_left: Option<u64>,
}

impl AnsweredOf {
    fn of(derogation: &Derogation, now: Timestamp) -> Self {
        const DAY: u64 = 24 * 3_600_000_000;
        let left = derogation.ends_at().as_micros().abs_diff(now.as_micros()) / DAY;
        Self {
            owner: derogation.owner().to_owned(),
            until: derogation.until().to_owned(),
            days_left: derogation.holds_at(now).then_some(left),
        }
    }
}

/// One derogation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct DerogationOf {
    /// Where it stands: `flow.dba.allow`.
    pub(crate) key: String,
    pub(crate) line: u32,
    pub(crate) what: String,
    pub(crate) why: Option<String>,
    /// Nobody, where the document is of before that was asked for.
    pub(crate) answered: Option<AnsweredOf>,
    pub(crate) in_force: bool,
}

/// One account of a target, and what the gateway logs on to it with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct AccountOf {
    pub(crate) target: String,
    pub(crate) account: String,
    pub(crate) why: Option<String>,
    /// Which kind of credential the gateway holds; none where it holds none.
    pub(crate) credential: Option<String>,
    #[serde(serialize_with = "maybe_in_text")]
    pub(crate) credential_set_at: Option<Timestamp>,
    pub(crate) credential_why: Option<String>,
    /// The flows that name it there.
    pub(crate) flows: Vec<String>,
}

fn in_text<S: Serializer>(value: &impl std::fmt::Display, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

fn maybe_in_text<S: Serializer>(
    value: &Option<impl std::fmt::Display>,
    to: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => to.collect_str(value),
        None => to.serialize_none(),
    }
}

fn towards<S: Serializer>(value: &Towards, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(match value {
        Towards::Target => "to-target",
        Towards::Technician => "to-technician",
        Towards::Both => "both",
    })
}

/// The matrix of a client, of the documents and of what else is known.
pub(super) fn matrix(applied: &Applied, client: &Client, facts: Facts) -> Matrix {
    let documents = &applied.documents;
    let flows = review::flows(documents, client).iter().enumerate();
    let flows = flows.map(|(nth, flow)| one_flow(documents, client, (nth, flow), &facts));
    let derogations = review::derogations(documents, client).into_iter();
    let derogations = derogations.map(|one| DerogationOf {
        in_force: one.holds_at(facts.now),
        key: one.key,
        line: one.line,
        what: one.what,
        why: one.why.map(str::to_owned),
        answered: one.answered.map(|it| AnsweredOf::of(it, facts.now)),
    });
    Matrix {
        form: "ecluse-matrix-1",
        client: client.id.to_string(),
        name: client.name.clone(),
        lang: client.lang,
        at: facts.now,
        zone: client.days_of().to_string(),
        version: applied.version,
        seen_from: facts.from,
        days: DAYS,
        posture_high_since: documents.posture(&client.id).map(|high| high.said.at),
        flows: flows.collect(),
        accounts: accounts(documents, client, &facts),
        derogations: derogations.collect(),
        without_why: review::without_why(documents, client),
        uses_of_lines_gone: facts.seen.gone,
        entries_without_words: facts.seen.wordless,
        document: Document {
            file: client.file.clone(),
            sha256: facts.document.sha256,
            version: facts.document.version,
            applied_at: facts.document.applied_at,
            applied_by: facts.document.applied_by,
        },
    }
}

fn one_flow(
    documents: &Documents,
    client: &Client,
    (nth, flow): (usize, &Flow),
    facts: &Facts,
) -> FlowOf {
    let now = facts.now;
    let who = flow.technicians.iter().map(|selector| {
        let named = review::named(documents, selector);
        let stations = named.iter().flat_map(|(provider, person)| {
            let stations = review::stations(provider, person).into_iter();
            stations.map(ToString::to_string)
        });
        WhoOf {
            selector: selector.to_string(),
            stations: stations.collect(),
            people: named
                .iter()
                .map(|(_, person)| person.id.to_string())
                .collect(),
        }
    });
    let targets = client.targets.iter();
    let targets = targets.filter(|target| flow.targets.contains(&target.id));
    let targets = targets.map(|target| TargetOf {
        id: target.id.to_string(),
        address: target.address.to_string(),
        protocol: target.protocol.to_string(),
    });
    let bounds = review::budgets(documents, client, flow, now).into_iter();
    let bounds = bounds.map(|(target, bounds)| BoundsOf {
        target: target.map(|target| target.to_string()),
        bounds,
    });
    let rule = flow.approval.at(now);
    let lines = review::entries(flow)
        .enumerate()
        .map(|(place, (entry, line))| {
            let tally = facts
                .seen
                .lines
                .get(&(nth, place))
                .cloned()
                .unwrap_or_default();
            let since = facts.since.get(&(nth, place)).copied();
            let family = entry.line();
            let family = family.split(':').next().unwrap_or_default();
            LineOf {
                allow: entry.line(),
                line,
                towards: review::towards(family),
                terminal: entry.terminal(),
                why: entry.why().map(str::to_owned),
                derogation: entry.derogation().map(|it| AnsweredOf::of(it, now)),
                in_force: matches!(entry.standing(now), Standing::InForce),
                since,
                state: state(&tally, since, facts.seen.wordless),
                seen: SeenOf::of(&tally),
            }
        });
    let seen = facts.seen.flows.get(&nth).map(SeenOf::of);
    FlowOf {
        name: flow.name.to_string(),
        line: flow.lines.flow,
        why: flow.why.clone(),
        technicians: who.collect(),
        targets: targets.collect(),
        accounts: flow.accounts.iter().map(ToString::to_string).collect(),
        hours: flow.hours.to_string(),
        authentication: flow
            .authentication
            .iter()
            .map(|factor| factor.as_str())
            .collect(),
        approvals: rule.by,
        at_most: rule.at_most,
        accompanied: flow
            .approval
            .accompanied()
            .map(|rule| rule.sessions_per_operator),
        extraction: bounds.collect(),
        idle: flow.idle,
        confirm: flow.confirm.iter().map(ToString::to_string).collect(),
        lines: lines.collect(),
        seen: seen.unwrap_or_default(),
    }
}

/// A line that was used is used, whatever else is not known. Of one that was not, nobody says "never" who cannot know it.
fn state(tally: &Tally, since: Option<Timestamp>, wordless: u64) -> State {
    if tally.uses > 0 {
        State::Used
    } else if tally.perhaps > 0 || wordless > 0 {
        State::Unknown
    } else if since.is_some() {
        State::NotYet
    } else {
        State::Dead
    }
}

fn accounts(documents: &Documents, client: &Client, facts: &Facts) -> Vec<AccountOf> {
    let mut all = Vec::new();
    for target in &client.targets {
        for account in &target.accounts {
            let whys = target.whys.get(account);
            let mut credentials = facts.credentials.iter();
            let credential =
                credentials.find(|one| one.target == target.id && one.account == *account);
            let flows = review::flows(documents, client).iter();
            let flows = flows.filter(|flow| {
                flow.targets.contains(&target.id) && flow.accounts.contains(account)
            });
            all.push(AccountOf {
                target: target.id.to_string(),
                account: account.to_string(),
                why: whys.and_then(|whys| whys.account.clone()),
                credential: credential.map(|one| one.kind.to_string()),
                credential_set_at: credential.map(|one| one.set_at),
                credential_why: whys.and_then(|whys| whys.credential.clone()),
                flows: flows.map(|flow| flow.name.to_string()).collect(),
            });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F7: a line is dead where it stood all the time and nobody used it; "not yet" where it is younger; and where the log does not
    /// tell, neither is said.
    #[test]
    fn f7_a_line_is_dead_only_where_that_can_be_known() {
        let at = Some(Timestamp::from_micros(1));
        let used = Tally {
            uses: 1,
            ..Tally::default()
        };
        let perhaps = Tally {
            perhaps: 1,
            ..Tally::default()
        };
        for (tally, since, wordless, expected) in [
            (&used, at, 9, State::Used),
            (&Tally::default(), None, 0, State::Dead),
            (&Tally::default(), at, 0, State::NotYet),
            (&Tally::default(), None, 1, State::Unknown),
            (&perhaps, None, 0, State::Unknown),
        ] {
            assert_eq!(state(tally, since, wordless), expected);
        }
    }
}
