//! What a search did not look into: counted while it runs, and told at its end, so that nobody takes silence for an answer.

use serde::Serialize;

/// What was not looked into.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Left {
    /// Recordings of sessions in passage.
    pub(crate) live: usize,
    /// Those that this gateway cannot read.
    pub(crate) unreadable: usize,
    /// Looked into, but not all of it is in its search text.
    pub(crate) partly: usize,
    /// The numbers of those looked into, but not for what screens showed: it is not in their search text.
    pub(crate) without_screens: Vec<u64>,
    /// And of those where that is not known.
    pub(crate) screens_unknown: Vec<u64>,
    /// The numbers of those with typed lines whose echo was not recognised, which no search text has.
    pub(crate) hidden: Vec<u64>,
}

impl Left {
    /// Whether nothing was left out.
    pub(crate) fn is_nothing(&self) -> bool {
        let unseen = self.without_screens.len() + self.screens_unknown.len();
        self.unreadable + self.live + self.partly + unseen == 0
    }

    /// All numbers in their order.
    pub(super) fn sorted(mut self) -> Self {
        self.without_screens.sort_unstable();
        self.screens_unknown.sort_unstable();
        self.hidden.sort_unstable();
        self
    }
}
