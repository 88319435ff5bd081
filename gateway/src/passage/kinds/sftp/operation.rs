//! What the interceptor asks of policy, and what it hears.

use bytes::Bytes;

use ecluse_policy::capability::files::{EITHER, FileNeed, FileRequest, shown_bytes};

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
    /// The lines of which any is missing, as the technician may read them: by the path that was typed, because where it leads
    /// is nothing that they were told of.
    #[must_use]
    pub(crate) fn missing_lines(&self, need: &FileNeed) -> Vec<String> {
        let path = match need {
            FileNeed::Tree(_, path) => below(self.typed.first().map_or(path.as_bytes(), |it| it)),
            FileNeed::Right(_, path) | FileNeed::Look(path) if self.is_as_typed(need) => {
                format!(": {path}")
            }
            FileNeed::Right(..) | FileNeed::Look(_) => {
                let typed: Vec<String> = self.typed.iter().map(|it| shown_bytes(it)).collect();
                match typed.is_empty() {
                    true => String::new(),
                    false => format!(": {}", typed.join(EITHER)),
                }
            }
            FileNeed::Names => String::new(),
        };
        let rights = need.rights().into_iter();
        rights
            .map(|right| format!("{}{path}", right.family()))
            .collect()
    }

    /// Whether what is needed is needed where somebody typed it, so that whatever is said of it tells nothing of links.
    #[must_use]
    pub(crate) fn is_as_typed(&self, need: &FileNeed) -> bool {
        match need {
            FileNeed::Right(_, path) | FileNeed::Tree(_, path) | FileNeed::Look(path) => {
                self.typed.iter().any(|typed| typed == path.as_bytes())
            }
            FileNeed::Names => true,
        }
    }
}

/// Everything below a path.
fn below(path: &[u8]) -> String {
    let end = path.iter().rposition(|byte| *byte != b'/');
    let path = end.map_or(&b""[..], |end| path.get(..=end).unwrap_or(path));
    format!(": {}/**", shown_bytes(path))
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
