//! What bounds several flows that are in use on one channel.

use super::budget::{AtLimit, Budget, Budgets};
use super::bytes::{ByteCount, ByteRate};

impl Budgets {
    /// What holds where several flows are in use on one channel: of each level what ends first, and the slowest pace.
    #[must_use]
    pub fn strictest<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut all = all.into_iter();
        let Some(mut least) = all.next().cloned() else {
            return Self::default();
        };
        for other in all {
            for budget in &other.list {
                let same = |one: &&mut Budget| one.level == budget.level && one.way == budget.way;
                match least.list.iter_mut().find(same) {
                    Some(said) if budget.strictness() < said.strictness() => *said = *budget,
                    Some(_) => {}
                    None => least.list.push(*budget),
                }
            }
            let slower = |one: Option<ByteRate>, two| one.into_iter().chain(two).min();
            least.rate_down = slower(least.rate_down, other.rate_down);
            least.rate_up = slower(least.rate_up, other.rate_up);
        }
        least.list.sort_by_key(|one| (one.level, one.way));
        least
    }
}

impl Budget {
    /// Of two budgets of one level, the lesser in this order is the stricter.
    fn strictness(&self) -> (ByteCount, ByteCount, AtLimit) {
        let limit = self.bytes.bytes().unwrap_or(ByteCount::MAX);
        (self.ceiling().unwrap_or(limit), limit, self.at_limit)
    }
}
