//! What an operator adds to budgets (X3).

use super::budget::{Budget, Level, Limit};
use super::bytes::ByteCount;
use super::tree::Spent;
use crate::mandate::ToWiden;

impl ToWiden<'_, '_> {
    /// What is added to each of these accounts of the operator's client, so that `bytes` may pass from here on at full speed;
    /// of one that has as much left, nothing.
    ///
    /// What passes through a gateway in a day is not a client's to widen.
    #[must_use]
    pub fn top_up(&self, levels: &[(Budget, Spent)], bytes: ByteCount) -> Vec<ByteCount> {
        levels
            .iter()
            .map(
                |(budget, Spent(spent))| match (budget.level, budget.bytes) {
                    (Level::Node, _) | (_, Limit::Unlimited) => ByteCount::ZERO,
                    (
                        Level::Client
                        | Level::Target
                        | Level::TechnicianDay
                        | Level::Intervention
                        | Level::Session
                        | Level::Channel,
                        Limit::Bytes(limit),
                    ) => spent.plus(bytes).minus(limit),
                },
            )
            .collect()
    }
}
