//! Requests on their way to the target, by numbers of our own.
//!
//! Every request that goes to the target, the technician's and ours, has a number from one sequence, and the answer is
//! given the technician's number back. So ours never meet theirs, an answer to nothing is known as one, and a client may
//! choose its numbers as it likes.

use std::collections::HashMap;

use super::handles::Key;
use super::reply::Expected;

/// Requests that may be on their way at once; what a client sends beyond waits unread.
pub(crate) const MOST_IN_FLIGHT: usize = 256;

/// What a request was, until its answer comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flight {
    /// The technician's, on something open.
    Handle {
        /// The technician's number.
        client: u32,
        /// What is open.
        key: Key,
        /// What was asked of it.
        what: OnHandle,
    },
    /// The technician's `limits@openssh.com`.
    Limits {
        /// The technician's number.
        client: u32,
    },
    /// Something for a request by path.
    Task {
        /// Which.
        task: u64,
        /// What.
        what: ForTask,
    },
    /// Ours: where the account starts.
    Home,
    /// Ours: whether the server follows links.
    Probe,
    /// Ours: something is closed that the technician may not have any more, or never had.
    Close,
}

/// What was asked of something open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnHandle {
    Close,
    Read { offset: u64, length: u32 },
    Write { offset: u64, length: u32 },
    Attributes,
    SetAttributes,
    Entries,
    Room,
    Sync,
    Copy { to: Key },
}

/// What was asked for a request by path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ForTask {
    /// Ours: where one of its paths leads.
    Place {
        /// Which path.
        place: usize,
        /// Which question.
        question: usize,
        /// What its answer looks like.
        expected: Expected,
    },
    /// What makes a path of its words: `expand-path`, `home-directory`.
    Words,
    /// Ours: whether what it renames is a link, and where that points.
    Link,
    /// The request itself.
    Itself(Expected),
    /// Ours: whether what was opened is still where it was.
    Again {
        /// Which question.
        question: usize,
        /// What its answer looks like.
        expected: Expected,
    },
    /// Ours: the attributes of what was opened.
    Size,
}

/// Everything on its way.
#[derive(Debug, Default)]
pub(super) struct Flights {
    flights: HashMap<u32, Flight>,
    next: u32,
}

impl Flights {
    /// How many are on their way.
    #[must_use]
    pub(super) fn len(&self) -> usize {
        self.flights.len()
    }

    /// A number for one more.
    pub(super) fn add(&mut self, flight: Flight) -> u32 {
        // There are far fewer than four billion at once.
        while self.flights.contains_key(&self.next) {
            self.next = self.next.wrapping_add(1);
        }
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        self.flights.insert(number, flight);
        number
    }

    /// What was asked by this number, which is answered.
    pub(super) fn take(&mut self, number: u32) -> Option<Flight> {
        self.flights.remove(&number)
    }
}

impl Flight {
    /// What its answer looks like.
    #[must_use]
    pub(super) const fn expects(self) -> Expected {
        match self {
            Self::Handle { what, .. } => match what {
                OnHandle::Read { length, .. } => Expected::Data(length),
                OnHandle::Attributes => Expected::Attributes,
                OnHandle::Entries => Expected::Entries,
                OnHandle::Room => Expected::Extended(STATVFS),
                OnHandle::Close
                | OnHandle::Write { .. }
                | OnHandle::SetAttributes
                | OnHandle::Sync
                | OnHandle::Copy { .. } => Expected::Status,
            },
            Self::Limits { .. } => Expected::Extended(LIMITS),
            Self::Task { what, .. } => match what {
                ForTask::Place { expected, .. }
                | ForTask::Again { expected, .. }
                | ForTask::Itself(expected) => expected,
                ForTask::Words | ForTask::Link => Expected::Path,
                ForTask::Size => Expected::Attributes,
            },
            Self::Home | Self::Probe => Expected::Path,
            Self::Close => Expected::Status,
        }
    }
}

/// Bytes of what `statvfs@openssh.com` answers: eleven numbers of eight bytes.
pub(super) const STATVFS: usize = 88;
/// Bytes of what `limits@openssh.com` answers: four of them.
const LIMITS: usize = 32;
