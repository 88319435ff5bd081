//! What a search did not look into: counted while it runs, and said at its end, so that nobody takes silence for an answer.

use crate::admission::desk::{Desk, Trouble};

/// Numbers of recordings that are written out.
const NUMBERS: usize = 30;

/// What was not looked into.
#[derive(Default)]
pub(super) struct Left {
    pub(super) live: usize,
    pub(super) unreadable: usize,
    /// Looked into, but not all of it is in its search text.
    pub(super) partly: usize,
    /// The numbers of those looked into, but not for what screens showed: it is not in their search text.
    pub(super) without_screens: Vec<u64>,
    /// And of those where that is not known.
    pub(super) screens_unknown: Vec<u64>,
}

impl Left {
    /// Whether nothing was left out.
    pub(super) fn is_nothing(&self) -> bool {
        let unseen = self.without_screens.len() + self.screens_unknown.len();
        self.unreadable + self.live + self.partly + unseen == 0
    }

    /// Says it, a line for each reason.
    pub(super) async fn tell(self, desk: &mut Desk<'_>) -> Result<(), Trouble> {
        for (id, mut numbers) in [
            ("search-screens-left-out", self.without_screens),
            ("search-screens-unknown", self.screens_unknown),
        ] {
            if !numbers.is_empty() {
                let count = numbers.len();
                numbers.sort_unstable();
                let args = [
                    ("count", count.into()),
                    ("numbers", numbered(desk, &numbers).into()),
                ];
                desk.line(id, &args).await?;
            }
        }
        if self.partly > 0 {
            desk.line("search-partly", &[("count", self.partly.into())])
                .await?;
        }
        if self.unreadable > 0 {
            desk.line("search-unreadable", &[("count", self.unreadable.into())])
                .await?;
        }
        if self.live > 0 {
            desk.line("search-live", &[("count", self.live.into())])
                .await?;
        }
        Ok(())
    }
}

/// `3, 4, 9`, and how many more where there are many.
fn numbered(desk: &Desk<'_>, numbers: &[u64]) -> String {
    let shown: Vec<String> = numbers.iter().take(NUMBERS).map(u64::to_string).collect();
    let shown = shown.join(", ");
    match numbers.len().saturating_sub(NUMBERS) {
        0 => shown,
        more => {
            let args = [("numbers", shown.into()), ("count", more.into())];
            desk.say("search-numbers-more", &args)
        }
    }
}
