//! Interventions as people read them: technicians before the client, the client before its answer.
//!
//! Both sides are shown the same facts by the same functions, so that what an operator approves is what
//! the technician was told that the client would see.

use std::collections::BTreeSet;
use std::fmt::Display;

use ecluse_policy::capability::{Allowed, Capability, CommandTemplate};
use ecluse_policy::documents::{Client, Documents};
use ecluse_policy::intervention::{Grant, Intervention, Outlook, Request, State};
use ecluse_policy::matrix::Behind;
use ecluse_policy::{ByteCount, ClientId, CloseReason, Lang, PersonId, Timestamp};

use crate::deeds::requests::can_answer;
use crate::texts::{Texts, Value, sizes, times};

/// `shell · commands: pg_dump --schema-only {db} · environment variables: LANG LC_*`
pub(crate) fn capabilities(texts: &Texts, lang: Lang, capabilities: &[Capability]) -> String {
    let mut shown = Vec::new();
    let (mut commands, mut files, mut forwards) = (Vec::new(), Vec::new(), Vec::new());
    for capability in capabilities {
        match capability {
            Capability::Shell => shown.push(texts.say(lang, "flow-shell", &[])),
            Capability::Command(CommandTemplate::Any) => {
                shown.push(texts.say(lang, "flow-any-command", &[]))
            }
            Capability::Command(template) => commands.push(template.to_string()),
            Capability::File(line) => files.push(line.to_string()),
            Capability::Forward(line) => forwards.push(line.to_string()),
            Capability::Env(names) => {
                let names = names.iter().collect::<Vec<_>>().join(" ");
                shown.push(texts.say(lang, "flow-environment", &[("names", names.into())]));
            }
        }
    }
    if !commands.is_empty() {
        let commands = Value::Exact(commands.join(" | ").into());
        shown.push(texts.say(lang, "flow-commands", &[("commands", commands)]));
    }
    if !files.is_empty() {
        let files = Value::Exact(files.join(" | ").into());
        shown.push(texts.say(lang, "flow-files", &[("files", files)]));
    }
    if !forwards.is_empty() {
        let forwards = Value::Exact(forwards.join(" | ").into());
        shown.push(texts.say(lang, "flow-forwards", &[("forwards", forwards)]));
    }
    if shown.is_empty() {
        texts.say(lang, "common-none", &[])
    } else {
        shown.join(" · ")
    }
}

/// `command: * · with a terminal · derogation of Odile, until 2027-03-31 · for Ansible`: an entry of the matrix and its
/// terms; none where it has none, as a shell.
pub(crate) fn entry(texts: &Texts, lang: Lang, entry: &Allowed, now: Timestamp) -> Option<String> {
    let terms = terms(texts, lang, entry, now);
    let line = crate::texts::harmless(&entry.line());
    (!terms.is_empty()).then(|| format!("{line} · {}", terms.join(" · ")))
}

/// `dba: command: id · with a terminal · by the line “command: *” · …`: what an entry gives of what is asked for, and no more,
/// with the terms that come with it.
pub(crate) fn behind(texts: &Texts, lang: Lang, behind: &Behind, now: Timestamp) -> Option<String> {
    let Behind { flow, entry, gives } = behind;
    let mut terms = terms(texts, lang, entry, now);
    if terms.is_empty() {
        return None;
    }
    let line = entry.line();
    let gives: Vec<String> = gives.iter().map(ToString::to_string).collect();
    if gives != [line.as_str()] {
        let line = Value::Exact(line.into());
        terms.insert(1, texts.say(lang, "term-by-line", &[("line", line)]));
    }
    let gives = crate::texts::harmless(&gives.join(" | "));
    Some(format!("{flow}: {gives} · {}", terms.join(" · ")))
}

/// The terms of an entry; none where it has none, as a shell.
fn terms(texts: &Texts, lang: Lang, entry: &Allowed, now: Timestamp) -> Vec<String> {
    let mut terms = Vec::new();
    if let Some(Capability::Command(_)) = entry.at(now) {
        let id = if entry.terminal() {
            "term-terminal"
        } else {
            "term-no-terminal"
        };
        terms.push(texts.say(lang, id, &[]));
    }
    if let Some(derogation) = entry.derogation() {
        let args = [
            ("owner", derogation.owner().into()),
            ("until", derogation.until().into()),
        ];
        terms.push(texts.say(lang, "term-derogation", &args));
    }
    if let Some(why) = entry.why() {
        terms.push(texts.say(lang, "term-why", &[("why", why.into())]));
    }
    terms
}

/// `shell, command`: the families only, for tables, in the words that `--only` takes.
pub(crate) fn families(capabilities: &[Capability]) -> String {
    let families: BTreeSet<&str> = capabilities.iter().map(Capability::family).collect();
    names(families)
}

/// Names in a row: `db01, db02`.
pub(crate) fn names<T: Display>(names: impl IntoIterator<Item = T>) -> String {
    names
        .into_iter()
        .map(|name| name.to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

/// The state of an intervention in words.
pub(crate) fn state(texts: &Texts, lang: Lang, state: &State) -> String {
    let id = match state {
        State::Requested => "state-requested",
        State::Approved { .. } => "state-approved",
        State::Refused { .. } => "state-refused",
        State::Expired {
            granted: Some(_), ..
        } => "state-unused",
        State::Expired { granted: None, .. } => "state-expired",
        State::Open { .. } => "state-open",
        State::Closed { .. } => "state-closed",
        State::Cancelled { .. } => "state-cancelled",
    };
    texts.say(lang, id, &[])
}

/// The same of an intervention, unless the log says something else of it; with how many approvals it has of those that it
/// needs, where one does not do.
pub(crate) fn standing(
    texts: &Texts,
    lang: Lang,
    intervention: &Intervention,
    documents: &Documents,
    now: Timestamp,
) -> String {
    if intervention.is_not_known_yet() {
        return texts.say(lang, "state-not-known-yet", &[]);
    }
    if intervention.is_contradicted() {
        return texts.say(lang, "state-not-on-record", &[]);
    }
    // An operator answered, whatever was wanting; an earlier program kept no more of that than the yes.
    let was_answered = !intervention.approvals().is_empty();
    let state = if was_answered && matches!(intervention.state(), State::Expired { .. }) {
        texts.say(lang, "state-unused", &[])
    } else {
        outcome(texts, lang, intervention.state())
    };
    let outlook = intervention.outlook(documents, now);
    // What was approved and wants one more yes gives nothing meanwhile.
    let state = match intervention.granted() {
        Some(_) if outlook.is_some() => texts.say(lang, "state-suspended", &[]),
        Some(_) | None => state,
    };
    match outlook.and_then(|outlook| approvals(texts, lang, &outlook)) {
        Some(approvals) => format!("{state} · {approvals}"),
        None => state,
    }
}

/// `1 of 2 approvals (olivia)`; none where one does, and nobody said yes.
pub(crate) fn approvals(texts: &Texts, lang: Lang, outlook: &Outlook) -> Option<String> {
    let given = outlook.given.len();
    let args = [
        ("given", given.into()),
        ("needed", u64::from(outlook.needed).into()),
        ("people", names(&outlook.given).into()),
    ];
    (outlook.needed > 1 || given > 0).then(|| texts.say(lang, "request-approvals", &args))
}

/// What can be granted at most of a request, where that is less than it asks for.
pub(crate) fn at_most(texts: &Texts, lang: Lang, outlook: &Outlook) -> Vec<String> {
    let length = outlook.at_most.map(|length| {
        let args = [("length", times::length_in(lang, length).into())];
        texts.say(lang, "request-at-most-length", &args)
    });
    let amount = outlook.bytes.map(|bytes| {
        let args = [("bytes", self::bytes(texts, lang, Some(bytes)).into())];
        texts.say(lang, "request-at-most-bytes", &args)
    });
    length.into_iter().chain(amount).collect()
}

/// The state in words, with who brought it about and why, where somebody did.
pub(crate) fn outcome(texts: &Texts, lang: Lang, state: &State) -> String {
    match state {
        State::Refused { by, reason, .. } => {
            let args = [("person", by.as_str().into()), ("reason", reason.into())];
            texts.say(lang, "outcome-refused", &args)
        }
        // Says itself that it is closed.
        State::Closed {
            reason: reason @ CloseReason::ByOperator { .. },
            ..
        } => close_reason(texts, lang, reason),
        State::Closed { reason, .. } => {
            let why = close_reason(texts, lang, reason);
            texts.say(lang, "outcome-closed", &[("reason", why.into())])
        }
        State::Requested
        | State::Approved { .. }
        | State::Expired { .. }
        | State::Open { .. }
        | State::Cancelled { .. } => self::state(texts, lang, state),
    }
}

/// What is shown of a request, to both sides: label and value. Contains the comparison code, last.
pub(crate) fn request_fields(
    texts: &Texts,
    lang: Lang,
    request: &Request,
    source: Option<&str>,
    now: Timestamp,
) -> Vec<(String, String)> {
    let label = |id: &str| texts.say(lang, id, &[]);
    let person = texts.say(
        lang,
        "field-person-of",
        &[
            ("person", request.person.as_str().into()),
            ("provider", request.provider.as_str().into()),
        ],
    );
    let station = station(texts, lang, request, source);
    let target = texts.say(
        lang,
        "field-target-account",
        &[
            ("target", names(&request.scope.targets).into()),
            ("account", names(&request.scope.accounts).into()),
        ],
    );
    let mut fields = vec![
        (label("field-request"), request.number.to_string()),
        (label("field-person"), person),
        (label("field-station"), station),
        (label("field-target"), target),
        (
            label("field-flows"),
            capabilities(texts, lang, &request.scope.capabilities),
        ),
        (label("field-reason"), crate::texts::told(&request.reason)),
        (label("field-when"), when(texts, lang, request, now)),
    ];
    if request.bytes.is_some() {
        fields.push((label("field-bytes"), bytes(texts, lang, request.bytes)));
    }
    fields.push((label("field-code"), request.code()));
    fields
}

/// `ws-1, from 192.0.2.10`
pub(crate) fn station(
    texts: &Texts,
    lang: Lang,
    request: &Request,
    source: Option<&str>,
) -> String {
    let station = request.station.as_str();
    match source {
        Some(source) => texts.say(
            lang,
            "field-station-from",
            &[("station", station.into()), ("source", source.into())],
        ),
        None => station.to_owned(),
    }
}

/// `from the first use, for 2h` or `from 14:00 UTC, for 2h`.
pub(crate) fn when(texts: &Texts, lang: Lang, request: &Request, now: Timestamp) -> String {
    let length = times::length_in(lang, request.length);
    match request.start {
        None => texts.say(
            lang,
            "field-when-from-approval",
            &[("length", length.into())],
        ),
        Some(start) => texts.say(
            lang,
            "field-when-planned",
            &[
                ("start", times::moment(start, now, None).into()),
                ("length", length.into()),
            ],
        ),
    }
}

/// A part of a request that an operator can narrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Length,
    Bytes,
    Flows,
    Targets,
    Accounts,
}

impl Part {
    /// All of them, in the order in which they are shown.
    pub(crate) const ALL: [Self; 5] = [
        Self::Length,
        Self::Bytes,
        Self::Flows,
        Self::Targets,
        Self::Accounts,
    ];

    /// The word for it, as the head of a line.
    pub(crate) fn label_id(self) -> &'static str {
        match self {
            Self::Length => "field-length",
            Self::Bytes => "field-bytes",
            Self::Flows => "field-flow",
            Self::Targets => "field-targets",
            Self::Accounts => "field-accounts",
        }
    }

    /// The word for it, within a sentence.
    pub(crate) fn word_id(self) -> &'static str {
        match self {
            Self::Length => "room-less-length",
            Self::Bytes => "room-less-bytes",
            Self::Flows => "room-less-flows",
            Self::Targets => "room-less-targets",
            Self::Accounts => "room-less-accounts",
        }
    }
}

/// One part of a request, and what was granted of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Compared {
    /// The part.
    pub(crate) part: Part,
    /// What was asked.
    pub(crate) asked: String,
    /// What was granted of it.
    pub(crate) granted: String,
}

impl Compared {
    /// Whether something was left out.
    pub(crate) fn is_less(&self) -> bool {
        self.asked != self.granted
    }
}

/// A request and what was granted of it, part by part.
pub(crate) fn compared(
    texts: &Texts,
    lang: Lang,
    request: &Request,
    grant: &Grant,
) -> Vec<Compared> {
    let (asked, granted) = (&request.scope, &grant.scope);
    let values = |part: Part| match part {
        Part::Length => (
            times::length_in(lang, request.length),
            times::length_in(lang, grant.length),
        ),
        Part::Bytes => (
            bytes(texts, lang, request.bytes),
            bytes(texts, lang, grant.bytes),
        ),
        Part::Flows => (
            capabilities(texts, lang, &asked.capabilities),
            capabilities(texts, lang, &granted.capabilities),
        ),
        Part::Targets => (names(&asked.targets), names(&granted.targets)),
        Part::Accounts => (names(&asked.accounts), names(&granted.accounts)),
    };
    let compare = |part: Part| {
        let (asked, granted) = values(part);
        Compared {
            part,
            asked,
            granted,
        }
    };
    // Where neither said anything of it, there is nothing to compare.
    let is_said = |part: &Part| *part != Part::Bytes || request.bytes.or(grant.bytes).is_some();
    Part::ALL.into_iter().filter(is_said).map(compare).collect()
}

/// How much may leave in all: what was said, or that the matrix says it.
pub(crate) fn bytes(texts: &Texts, lang: Lang, bytes: Option<ByteCount>) -> String {
    match bytes {
        Some(bytes) => sizes::size_in(lang, bytes),
        None => texts.say(lang, "field-bytes-matrix", &[]),
    }
}

/// The person's name with their id, `Odile Martin (odile)`, or the id alone.
pub(crate) fn person(documents: &Documents, id: &PersonId) -> String {
    let name = documents
        .person(id)
        .map(|person| person.name().to_owned())
        .unwrap_or_default();
    if name.is_empty() || name == id.as_str() {
        id.to_string()
    } else {
        format!("{name} ({id})")
    }
}

/// The operators of a client who can answer at `now`.
pub(crate) fn operators(documents: &Documents, client: &ClientId, now: Timestamp) -> Vec<String> {
    can_answer(documents, client, now)
        .into_iter()
        .map(|id| person(documents, id))
        .collect()
}

/// Whom to call at a client when nobody answers (I9); `none` where its document names nobody, which is a sentence of its own.
pub(crate) fn contacts(client: Option<&Client>) -> String {
    let contacts = client.map(|client| &client.contacts);
    let parts = contacts
        .into_iter()
        .flat_map(|contacts| contacts.decision.iter().chain(&contacts.technical));
    let contacts = names(parts);
    if contacts.is_empty() {
        "none".to_owned()
    } else {
        crate::texts::told(&contacts)
    }
}

/// The ids of the same operators, for the live line.
pub(crate) fn operator_ids(documents: &Documents, client: &ClientId, now: Timestamp) -> String {
    names(can_answer(documents, client, now))
}

/// Why an intervention is over, in words.
pub(crate) fn close_reason(texts: &Texts, lang: Lang, reason: &CloseReason) -> String {
    match reason {
        CloseReason::WindowOver => texts.say(lang, "close-window-over", &[]),
        CloseReason::ByTechnician => texts.say(lang, "close-by-technician", &[]),
        CloseReason::ByOperator { by, reason } => texts.say(
            lang,
            "close-by-operator",
            &[("person", by.as_str().into()), ("reason", reason.into())],
        ),
    }
}
