//! What documents may not say any more, and what whoever wrote them should know.
//!
//! A document that is in force was right when it was applied. Where this version asks for more (an owner and an end of a
//! derogation, a ceiling), the part that lacks it is not in force and the rest stands; a document that is applied now is
//! refused for it ([`Documents::outdated`]). Nothing here is a right: the parts say themselves whether they hold.

use std::fmt;

use super::approval::{CEILING, LONG};
use super::error::DocumentError;
use super::{Client, Documents, Extraction, Flow, derogation, waiting};
use crate::capability::files::Protocol;
use crate::capability::{Allowed, Capability, CommandTemplate, Standing};
use crate::flow::choke::by_paths;
use crate::time::Timestamp;

/// Something that whoever wrote a document should know. It is no error.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remark {
    /// The file.
    pub file: String,
    /// The line, counted from 1.
    pub line: u32,
    /// The key: `flow.dba.allow`.
    pub key: String,
    /// What there is to know.
    pub says: String,
}

impl fmt::Display for Remark {
    /// `clients/hopital.toml:12: flow.dba.allow: …`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            key,
            says,
        } = self;
        write!(formatter, "{file}:{line}: {key}: {says}")
    }
}

impl Documents {
    /// Everything for which documents that are applied today are refused, although they read.
    #[must_use]
    pub fn outdated(&self) -> Vec<DocumentError> {
        let mut errors = self.without_budget();
        for (client, flow) in self.flows() {
            let mut wrong = |line: u32, key: &str, problem: String, accepted: String| {
                errors.push(DocumentError {
                    file: client.file.clone(),
                    line: Some(line),
                    key: format!("flow.{}.{key}", flow.name),
                    problem,
                    accepted,
                });
            };
            for (entry, line) in entries(flow) {
                // Whatever the time: an entry without an end is in force or not for good.
                if let Standing::Unanswered = entry.standing(Timestamp::MAX) {
                    let written = entry.line();
                    let problem = format!(
                        "`{written}` is a derogation, which somebody answers for and which ends"
                    );
                    let accepted = format!("{{ line = \"{written}\", {} }}", derogation::KEYS);
                    wrong(line, "allow", problem, accepted);
                }
                for problem in entry.never_sent() {
                    let accepted = "variables that are sent, such as LANG and LC_*".to_owned();
                    wrong(line, "allow", problem, accepted);
                }
            }
            let approval = &flow.approval;
            if approval.written() > CEILING && approval.long().is_none() {
                let problem = format!("{} is longer than a day", approval.written());
                wrong(
                    flow.lines.approval,
                    "approval.at-most",
                    problem,
                    LONG.to_owned(),
                );
            }
        }
        errors.sort();
        errors
    }

    /// What there is to know at `now`: what is kept longer than it says, derogations that are over, templates whose holes take less than they did, and who
    /// waits for their log-on among everybody else.
    #[must_use]
    pub fn remarks(&self, now: Timestamp) -> Vec<Remark> {
        let mut remarks = waiting::remarks(self);
        remarks.extend(self.clients.values().filter_map(|client| {
            Some(Remark {
                file: client.file.clone(),
                line: client.retention.line,
                key: "retention.keep".to_owned(),
                says: client.retention.remark()?,
            })
        }));
        for client in self.clients.values() {
            let targets = client.targets.iter();
            let of_targets = targets.map(|it| (format!("target.{}.", it.id), &it.extraction));
            let itself = (String::from("client."), &client.extraction);
            for (path, extraction) in std::iter::once(itself).chain(of_targets) {
                remarks.extend(unlimited_over(client, &path, extraction, now));
            }
        }
        for (client, flow) in self.flows() {
            let path = format!("flow.{}.", flow.name);
            remarks.extend(unlimited_over(client, &path, &flow.extraction, now));
            let mut say = |line: u32, key: &str, says: String| {
                remarks.push(Remark {
                    file: client.file.clone(),
                    line,
                    key: format!("flow.{}.{key}", flow.name),
                    says,
                });
            };
            for (entry, line) in entries(flow) {
                if let Standing::Over(derogation) = entry.standing(now) {
                    let says = format!(
                        "`{}` is over ({derogation}) and allows nothing; the rest stands. Renew it or remove it",
                        entry.line()
                    );
                    say(line, "allow", says);
                }
                for hole in entry.plain_holes() {
                    let says = format!(
                        "`{}`: {{{hole}}} takes a name (A-Z a-z 0-9 _ . -) since this version; {{{hole}:word}} takes what it took before, with @ % + = : , too",
                        entry.line()
                    );
                    say(line, "allow", says);
                }
            }
            for (entry, line) in entries(flow) {
                let own = client
                    .targets
                    .iter()
                    .filter(|it| flow.targets.contains(&it.id));
                let doors = own.filter_map(|own| Some((own, self.never(own, entry.at(now)?)?)));
                for (own, door) in doors {
                    let says = format!(
                        "`{}` gives nothing on {}: it is the door of {door} by SSH, where a session is recorded. Open one by its name",
                        entry.line(),
                        own.id
                    );
                    say(line, "allow", says);
                }
            }
            let by_paths = by_paths(&flow.allow);
            for (entry, line) in entries(flow) {
                let Some(protocol) = entry.copies_by().filter(|one| by_paths.contains(one)) else {
                    continue;
                };
                let (program, lines) = match protocol {
                    Protocol::Sftp => (
                        "scp",
                        "files is judged by these (`sftp-read`, `sftp-write` …)",
                    ),
                    Protocol::Rsync => (
                        "rsync",
                        "rsync is judged by these (`rsync-read`, `rsync-write`)",
                    ),
                    Protocol::Git => ("git", "git is judged by these (`git-read`, `git-write`)"),
                };
                let says = format!(
                    "`{}` gives no copy here: what `{program}` copies in a flow with lines of {lines}",
                    entry.line()
                );
                say(line, "allow", says);
            }
            if let Some((bars_nothing, line)) = paths_bar_nothing(flow, now) {
                let says = format!(
                    "the paths of this flow's files are no barrier: `{bars_nothing}` in it reads and writes whatever its account may"
                );
                say(line, "allow", says);
            }
            let at_most = flow.approval.at(now).at_most;
            if let Some(idle) = flow.idle.filter(|idle| at_most <= *idle) {
                let says =
                    format!("{idle} ends nothing: no intervention lasts longer than {at_most}");
                say(flow.lines.flow, "idle", says);
            }
            super::confirm::remark(flow, now, &mut say);
            if let Some(rule) = flow.approval.accompanied() {
                let operators = client.operators.iter();
                let count = operators
                    .filter(|one| !one.disabled && one.expires.is_none_or(|end| now < end))
                    .count();
                let says = match count {
                    0 => format!("{rule}; and no operator is in force, so nothing can"),
                    1 => format!("{rule}; one operator is in force"),
                    _ => format!("{rule}; {count} operators are in force"),
                };
                say(flow.lines.approval, "approval.accompanied", says);
            }
            if let Some(long) = flow.approval.long().filter(|long| !long.holds_at(now)) {
                let says = format!(
                    "{} is over ({long}); {CEILING} holds now, and the rest stands. Renew it or remove it",
                    flow.approval.written()
                );
                say(flow.lines.approval, "approval.long", says);
            }
        }
        remarks.sort();
        remarks
    }

    pub(super) fn flows(&self) -> impl Iterator<Item = (&Client, &Flow)> {
        self.clients
            .values()
            .flat_map(|client| client.flows.iter().map(move |flow| (client, flow)))
    }
}

/// What was unlimited and is not any more.
fn unlimited_over(
    client: &Client,
    path: &str,
    extraction: &Extraction,
    now: Timestamp,
) -> Option<Remark> {
    let (line, derogation) = extraction.over(now)?;
    Some(Remark {
        file: client.file.clone(),
        line,
        key: format!("{path}extraction"),
        says: format!(
            "`unlimited` is over ({derogation}) and counts as not written: what is further out holds, or nothing may leave. Renew it or write a number"
        ),
    })
}

/// What of a flow makes its paths of files no barrier, and the line of the first of these.
fn paths_bar_nothing(flow: &Flow, now: Timestamp) -> Option<(String, u32)> {
    let standing = || entries(flow).filter_map(|(entry, line)| Some((entry.at(now)?, line)));
    let (_, line) = standing().find(|(one, _)| matches!(one, Capability::File(_)))?;
    let runs_anything = |one: &Capability| {
        matches!(
            one,
            Capability::Shell | Capability::Command(CommandTemplate::Any)
        )
    };
    let (bars_nothing, _) = standing().find(|(one, _)| runs_anything(one))?;
    Some((bars_nothing.to_string(), line))
}

/// The entries of a flow's `allow`, each with its line.
fn entries(flow: &Flow) -> impl Iterator<Item = (&Allowed, u32)> {
    flow.allow.iter().enumerate().map(|(place, entry)| {
        let line = flow.lines.allow.get(place).copied();
        (entry, line.unwrap_or(flow.lines.flow))
    })
}
