//! What of a flow waits for an operator's yes while it is in use: `confirm = ["sftp-write: /etc/**", "command: systemctl restart *"]`.
//!
//! A line of `confirm` gives nothing: it makes what `allow` gives wait. So it errs on the side of asking, where a line of `allow`
//! errs on the side of no. Where several flows give the same, one that asks is asked by (`adr/0023-a-yes-in-use.md`).

use std::collections::BTreeMap;
use std::fmt;

use crate::capability::destination::ForwardLine;
use crate::capability::files::FileLine;
use crate::capability::{Allowed, Capability, CommandTemplate, copies_by};
use crate::documents::{Documents, Flow};
use crate::flow::choke::by_paths;
use crate::flow::{FlowRequest, Scope};
use crate::matrix::{allowed, flows_for};
use crate::name::{FlowName, PersonId};
use crate::time::{Span, Timestamp};

/// What may be written, in words.
pub(crate) const ACCEPTED: &str = "\"sftp-write: /etc/**\" (or another family of files), \"command: systemctl restart *\", \"forward: HOST:PORT\", \"socket: PATH\", \"shell\", or a table { line = \"…\", each = true, within = \"10m\" }";
/// How long an answer is waited for, where nothing is written.
pub(crate) const WITHIN: Span = Span::from_secs(300);
/// Beside the beginning of a command: whatever follows.
const AND_MORE: &str = " *";

/// One entry of `confirm`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirm {
    what: Kind,
    terms: Confirmation,
}

/// How something that is asked waits for a yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confirmation {
    /// Each time; else once for what is the same, in one session.
    pub each: bool,
    /// How long an answer is waited for; then it is no.
    pub within: Span,
}

/// What waits.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// A shell.
    Shell,
    /// Commands like this; with whatever words behind it.
    Command(CommandTemplate, bool),
    /// What this line of files would give.
    File(FileLine),
    /// A connection to this place.
    Place(ForwardLine),
}

impl Confirm {
    /// An entry that asks once a session and waits as long as is usual.
    ///
    /// # Errors
    /// What does not hold of the text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let beginning = text
            .strip_prefix("command:")
            .and_then(|words| words.trim_start().strip_suffix(AND_MORE));
        let what = match beginning {
            Some(words) => match Capability::parse(&format!("command: {words}")) {
                Ok(Capability::Command(template)) => Kind::Command(template, true),
                Ok(_) => return Err(format!("`{text}` is no command")),
                Err(error) => return Err(error.to_string()),
            },
            None => match Capability::parse(text).map_err(|error| error.to_string())? {
                Capability::Shell => Kind::Shell,
                Capability::Command(template) => Kind::Command(template, false),
                Capability::File(line) => Kind::File(line),
                Capability::Forward(line) => Kind::Place(line),
                Capability::Env(_) => {
                    return Err("a variable alone does nothing that could wait".to_owned());
                }
            },
        };
        Ok(Self {
            what,
            terms: Confirmation {
                each: false,
                within: WITHIN,
            },
        })
    }

    /// The same on these terms.
    #[must_use]
    pub(crate) fn on(self, terms: Confirmation) -> Self {
        Self {
            what: self.what,
            terms,
        }
    }

    /// How it waits.
    #[must_use]
    pub const fn terms(&self) -> Confirmation {
        self.terms
    }

    /// Whether `request` waits.
    #[must_use]
    pub(crate) fn asks(&self, request: &FlowRequest) -> bool {
        match (&self.what, request) {
            (Kind::Shell, FlowRequest::Shell) => true,
            (Kind::Command(template, and_more), FlowRequest::Command(command)) => {
                template.resembles(command, *and_more)
            }
            (Kind::File(line), FlowRequest::File(need)) => {
                // Who may look is the line's own matter. What is moved from or to there is read or written there by another way.
                line.is_touched_by(need) || line.is_moved_by(need)
            }
            (Kind::Place(line), _) => request.place().as_ref() == Some(line),
            (Kind::Shell | Kind::Command(..) | Kind::File(_), _) => false,
        }
    }

    /// Whether these entries give anything that it would make wait.
    #[must_use]
    pub(crate) fn meets(&self, allow: &[Allowed], now: Timestamp) -> bool {
        let by_paths = by_paths(allow);
        let mut given = allow.iter().filter_map(|entry| entry.at(now));
        given.any(|given| match (&self.what, given) {
            (Kind::Shell, Capability::Shell) => true,
            (Kind::Command(one, and_more), Capability::Command(two)) => {
                // In such a flow a copy is judged by paths.
                !copies_by(given).is_some_and(|protocol| by_paths.contains(&protocol))
                    && one.may_meet(two, *and_more)
            }
            (Kind::File(one), Capability::File(two)) => {
                one.may_meet(two) || one.may_be_moved_by(two)
            }
            (Kind::Place(one), Capability::Forward(two)) => one == two,
            (Kind::Shell | Kind::Command(..) | Kind::File(_) | Kind::Place(_), _) => false,
        })
    }

    /// What in the same flow does the same without a yes, by other words.
    #[must_use]
    pub(crate) fn gone_around_by(&self, allow: &[Allowed], now: Timestamp) -> Option<String> {
        let mut given = allow.iter().filter_map(|entry| entry.at(now));
        let around = given.find(|given| match (&self.what, given) {
            // Both ask of all that there is.
            (Kind::Shell, Capability::Shell)
            | (Kind::Command(CommandTemplate::Any, _), Capability::Command(_)) => false,
            (_, Capability::Shell | Capability::Command(CommandTemplate::Any)) => true,
            (
                _,
                Capability::Command(_)
                | Capability::Env(_)
                | Capability::File(_)
                | Capability::Forward(_),
            ) => false,
        });
        around.map(ToString::to_string)
    }

    /// The entries of a flow that make something of what it gives wait.
    pub(crate) fn in_force(flow: &Flow, now: Timestamp) -> impl Iterator<Item = &Self> {
        let entries = flow.confirm.iter();
        entries.filter(move |one| one.meets(&flow.allow, now))
    }

    /// What it names, without its terms.
    #[must_use]
    pub fn line(&self) -> String {
        match &self.what {
            Kind::Shell => "shell".to_owned(),
            Kind::Command(template, and_more) => {
                let more = if *and_more { AND_MORE } else { "" };
                format!("command: {template}{more}")
            }
            Kind::File(line) => line.to_string(),
            Kind::Place(line) => line.to_string(),
        }
    }

    /// How `request` waits by these entries; none where it does not.
    #[must_use]
    pub(crate) fn of(entries: &[Self], request: &FlowRequest) -> Option<Confirmation> {
        let asking = entries.iter().filter(|one| one.asks(request));
        Confirmation::strictest(asking.map(Self::terms))
    }
}

impl Confirmation {
    /// Of several that ask, everything that any of them wants.
    #[must_use]
    pub fn strictest(all: impl IntoIterator<Item = Self>) -> Option<Self> {
        all.into_iter().reduce(|one, two| Self {
            each: one.each || two.each,
            within: one.within.min(two.within),
        })
    }
}

/// The flows that give some of `scope` to a technician at `now`, each with what of it waits for a yes while it is used: what whoever
/// asks and whoever says yes is told.
#[must_use]
pub fn confirmed_flows(
    documents: &Documents,
    person: &PersonId,
    scope: &Scope,
    now: Timestamp,
) -> BTreeMap<FlowName, Vec<Confirm>> {
    let asked: Vec<Allowed> = scope
        .capabilities
        .iter()
        .cloned()
        .map(Allowed::plain)
        .collect();
    let mut found = BTreeMap::new();
    for target in &scope.targets {
        for account in &scope.accounts {
            for flow in flows_for(documents, person, target, account) {
                let gives = |asked| allowed(flow, now).any(|one| one.common(asked).is_some());
                let waits = Confirm::in_force(flow, now).filter(|one| one.meets(&asked, now));
                let waits: Vec<Confirm> = waits.cloned().collect();
                if !waits.is_empty() && scope.capabilities.iter().any(gives) {
                    found.insert(flow.name.clone(), waits);
                }
            }
        }
    }
    found
}

impl fmt::Display for Confirmation {
    /// What `explain` says of it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how_often = match self.each {
            true => "each time",
            false => "once a session for the same",
        };
        write!(
            formatter,
            "needs an operator's yes, {how_often}; without an answer within {} it is refused",
            self.within
        )
    }
}

impl fmt::Display for Confirm {
    /// As it is written, with its terms where they are not the usual ones.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.line())?;
        let Confirmation { each, within } = self.terms;
        match (each, within == WITHIN) {
            (false, true) => Ok(()),
            (true, true) => formatter.write_str(" (each)"),
            (false, false) => write!(formatter, " (within {within})"),
            (true, false) => write!(formatter, " (each, within {within})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::files::FileNeed;

    fn asks(line: &str, command: &str) -> bool {
        let request = FlowRequest::Command(command.as_bytes().to_vec());
        Confirm::parse(line).unwrap().asks(&request)
    }

    /// It errs on the side of asking: other blanks and other words in holes are no way around.
    #[test]
    fn a_command_waits_however_it_is_spaced_and_whatever_follows() {
        let restart = "command: systemctl restart *";
        for command in [
            "systemctl restart nginx",
            " systemctl  restart\tnginx --now",
            "systemctl restart",
        ] {
            assert!(asks(restart, command), "{command}");
        }
        for command in ["systemctl status nginx", "systemctl", "restart nginx"] {
            assert!(!asks(restart, command), "{command}");
        }
        let dump = "command: pg_dump {db}";
        assert!(asks(dump, "pg_dump main") && asks(dump, "pg_dump  $(date)"));
        assert!(!asks(dump, "pg_dump main more"));
        assert!(asks("command: *", "anything at all"));
        assert!(!asks("shell", "sh"));
    }

    /// What waits for a write or a read is not gone around by a rename of it, or of a directory on the way there.
    #[test]
    fn a_rename_waits_as_what_it_stands_for() {
        use crate::capability::files::{FileRight, TargetPath};
        let asks = |line: &str, right, path: &str| {
            let path = TargetPath::canonical(path.as_bytes()).unwrap();
            let request = FlowRequest::File(FileNeed::Right(right, path));
            Confirm::parse(line).unwrap().asks(&request)
        };
        for family in ["sftp-write", "sftp-read", "sftp-delete", "sftp-rename"] {
            let line = format!("{family}: /srv/conf/**");
            for path in ["/srv/conf/app.conf", "/srv/conf", "/srv"] {
                assert!(asks(&line, FileRight::Rename, path), "{line}: {path}");
            }
            for path in ["/srv/tmp/x", "/srv/confx"] {
                assert!(!asks(&line, FileRight::Rename, path), "{line}: {path}");
            }
        }
        let line = "sftp-write: /srv/conf/**";
        assert!(!asks(line, FileRight::Read, "/srv/conf/app.conf"));
        assert!(!asks(line, FileRight::Write, "/srv/conf"));
    }

    /// A place waits however it is asked for, and no other place does.
    #[test]
    fn a_place_waits_in_every_spelling() {
        let waits = Confirm::parse("forward: 127.0.0.1:5432").unwrap();
        let to = |host: &str, port| FlowRequest::DirectTcpip {
            host: host.to_owned(),
            port,
        };
        assert!(waits.asks(&to("127.0.0.1", 5432)) && waits.asks(&to("localhost", 5432)));
        assert!(!waits.asks(&to("127.0.0.1", 5433)) && !waits.asks(&to("db02", 5432)));
    }

    #[test]
    fn what_is_written_is_shown_again_and_what_cannot_wait_is_refused() {
        for line in [
            "command: systemctl restart *",
            "command: reboot",
            "command: *",
            "sftp-write: /etc/**",
            "forward: 127.0.0.1:5432",
            "socket: /run/db.sock",
            "shell",
        ] {
            assert_eq!(Confirm::parse(line).unwrap().to_string(), line);
        }
        for line in ["env: LANG", "sftp-write", "command: ; *", "everything"] {
            assert!(Confirm::parse(line).is_err(), "{line}");
        }
    }
}
