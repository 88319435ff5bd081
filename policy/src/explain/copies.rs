//! What a copy by `scp` needs of a flow with lines of files, as far as that can be told without its target.
//!
//! A path that does not begin at the root leads where the account's home is, and a link leads where the target says: such a
//! path is asked of each line of its way. The gateway itself judges where they end.

use crate::capability::Capability;
use crate::capability::files::{FileLine, FileNeed, FileRight, TargetPath};
use crate::capability::scp::{Command, Typed, Way};
use crate::flow::FlowRequest;

/// One path of a copy.
struct Wanted {
    way: Way,
    /// Whether what it names may be a directory, or is a pattern in one.
    is_listed: bool,
    /// Where that can be told.
    path: Option<TargetPath>,
}

/// Whether `capability` may give a part of `request`: of a copy only the lines of its way do.
pub(super) fn may_give(capability: &Capability, request: &FlowRequest) -> bool {
    match (capability, wanted(request)) {
        (Capability::File(line), Some(wanted)) => wanted.iter().any(|path| path.is_given_by(line)),
        (
            Capability::File(_)
            | Capability::Shell
            | Capability::Command(_)
            | Capability::Env(_)
            | Capability::Forward(_),
            _,
        ) => true,
    }
}

/// The line that is missing for the first path of a copy that none of `given` gives.
pub(super) fn missing<'a>(
    given: impl Iterator<Item = &'a Capability>,
    request: &FlowRequest,
) -> Option<String> {
    let mut lines = Vec::new();
    for capability in given {
        match capability {
            Capability::File(line) => lines.push(line),
            // As a command like any other, whatever its paths are.
            Capability::Command(_) => return None,
            Capability::Shell | Capability::Env(_) | Capability::Forward(_) => {}
        }
    }
    let wanted = wanted(request)?;
    let is_missing = |path: &&Wanted| !lines.iter().any(|line| path.is_given_by(line));
    wanted.iter().find(is_missing).map(Wanted::line)
}

/// The paths of a copy; none where this is none.
fn wanted(request: &FlowRequest) -> Option<Vec<Wanted>> {
    let FlowRequest::Command(command) = request else {
        return None;
    };
    let command = Command::parse(command)?;
    let one = |typed: &Typed| Wanted {
        way: command.way,
        is_listed: command.recursive || typed.pattern.is_some(),
        path: TargetPath::canonical(without_end(&typed.path)).ok(),
    };
    Some(command.paths.iter().map(one).collect())
}

/// Without the slash of a directory.
fn without_end(path: &[u8]) -> &[u8] {
    match path.strip_suffix(b"/") {
        Some(path) if !path.is_empty() => path,
        Some(_) | None => path,
    }
}

impl Wanted {
    const fn right(&self) -> FileRight {
        match self.way {
            Way::To => FileRight::Write,
            Way::From => FileRight::Read,
        }
    }

    fn is_given_by(&self, line: &FileLine) -> bool {
        let is_of = |right: FileRight| line.family() == right.family();
        let Some(path) = &self.path else {
            return is_of(self.right()) || self.is_listed && is_of(FileRight::List);
        };
        let gives = |right| line.answers(&FileNeed::Right(right, path.clone()));
        match self.way {
            // Where there is a directory, it goes below.
            Way::To => is_of(FileRight::Write) && line.answers(&FileNeed::Look(path.clone())),
            Way::From => gives(FileRight::Read) || self.is_listed && gives(FileRight::List),
        }
    }

    fn line(&self) -> String {
        let right = match self.is_listed && self.way == Way::From {
            true => FileRight::List,
            false => self.right(),
        };
        match &self.path {
            Some(path) => FileNeed::Right(right, path.clone()).line(),
            None => right.family().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lacks(lines: &[&str], command: &str) -> Option<String> {
        let line = |line: &&str| Capability::parse(line).unwrap();
        let lines: Vec<Capability> = lines.iter().map(line).collect();
        let request = FlowRequest::Command(command.into());
        let given = lines.iter().filter(|line| may_give(line, &request));
        missing(given, &request)
    }

    #[test]
    fn a_copy_needs_a_line_of_its_way_for_each_path() {
        let reads = ["sftp-read: /srv/**", "sftp-list: /srv"];
        assert_eq!(lacks(&reads, "scp -f /srv/a"), None);
        assert_eq!(lacks(&reads, "scp -f '/srv/*'"), None);
        let line = |line: &str| Some(line.to_owned());
        assert_eq!(lacks(&reads, "scp -f /srv/a /b"), line("sftp-read: /b"));
        assert_eq!(lacks(&reads, "scp -r -f /etc"), line("sftp-list: /etc"));
        assert_eq!(lacks(&reads, "scp -t /srv/a"), line("sftp-write: /srv/a"));
        // Where it leads the account's home says.
        assert_eq!(lacks(&reads, "scp -f a"), None);
        assert_eq!(lacks(&reads, "scp -t a"), line("sftp-write"));
        assert_eq!(lacks(&["sftp-write: /srv/in/**"], "scp -t /srv/in"), None);
    }

    #[test]
    fn nothing_else_is_a_copy() {
        assert_eq!(lacks(&["command: uptime"], "uptime"), None);
        assert_eq!(lacks(&["command: scp -f {path}"], "scp -f /srv/a"), None);
        assert_eq!(lacks(&["sftp-read: /srv/**"], "uptime"), None);
    }
}
