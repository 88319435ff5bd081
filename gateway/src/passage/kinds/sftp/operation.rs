//! What the interceptor asks of policy, and what it hears.

use bytes::Bytes;

use ecluse_policy::capability::files::{FileNeed, FileRequest, FileRight, TargetPath, shown_bytes};

/// One thing that a technician wants done, by the paths where it would be done.
///
/// Two do the same where their `request` is the same, however it was typed: that is what somebody is asked about once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Operation {
    /// What, by canonical paths.
    pub(crate) request: FileRequest,
    /// The paths as the technician's client wrote them: for words to the technician, who may not learn where links lead.
    pub(crate) typed: Vec<Bytes>,
}

impl Operation {
    /// The line that is missing, as the technician may read it: by the path that was typed, because where it leads is
    /// nothing that they were told of.
    #[must_use]
    pub(crate) fn missing_line(&self, need: &FileNeed) -> String {
        let (right, path) = match need {
            FileNeed::Right(right, path) => (right, path),
            FileNeed::Tree(right, path) => return self.missing_tree(*right, path),
            FileNeed::Look(path) => (&FileRight::List, path),
            FileNeed::Names => return FileRight::List.family().to_owned(),
        };
        let family = right.family();
        match self.typed.as_slice() {
            typed if typed.iter().any(|typed| typed == path.as_bytes()) => {
                format!("{family}: {path}")
            }
            [] => family.to_owned(),
            [one] => format!("{family}: {}", shown_bytes(one)),
            [one, two, ..] => {
                format!("{family}: {} or {}", shown_bytes(one), shown_bytes(two))
            }
        }
    }
}

impl Operation {
    /// The same of everything below a path.
    fn missing_tree(&self, right: FileRight, path: &TargetPath) -> String {
        let typed = self.typed.first().map_or(path.as_bytes(), |typed| typed);
        let end = typed.iter().rposition(|byte| *byte != b'/');
        let typed = end.map_or(&b""[..], |end| typed.get(..=end).unwrap_or(typed));
        format!("{}: {}/**", right.family(), shown_bytes(typed))
    }
}

/// What policy says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub(crate) enum Answer {
    /// It goes on to the target.
    Permit,
    /// It does not, and the technician reads why.
    Refuse(String),
    /// Somebody is asked; [`super::Sftp::answered`] says how it went.
    Wait(Ticket),
}

/// A question that somebody was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ticket(pub(crate) u64);

/// What somebody who was asked says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub(crate) enum Verdict {
    /// Yes.
    Permit,
    /// No, and the technician reads why.
    Refuse(String),
}

/// Asks policy.
pub(crate) type Ask<'a> = dyn FnMut(&Operation) -> Answer + 'a;
