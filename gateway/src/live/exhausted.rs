//! A budget that lets nothing more pass (X3).

use std::fmt;

use ecluse_policy::extraction::{ByteCount, Level, Way};
use serde::{Deserialize, Serialize};

/// Which budget, and how much was taken of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exhausted {
    /// Whose bytes it counts.
    pub level: Level,
    /// Which way.
    pub way: Way,
    /// The budget.
    pub limit: ByteCount,
    /// What counts as taken: more than the budget where it slows. What a gateway that was killed had drawn is in it.
    pub spent: ByteCount,
    /// What of it passed in the session that it ends or holds.
    pub passed: ByteCount,
    /// Whether it slowed first, and this is its ceiling.
    pub ceiling: bool,
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, limit) = (key(self.level, self.way), self.limit);
        match self.ceiling {
            false => write!(f, "a budget is spent: {limit} ({name})"),
            true => write!(f, "a budget is spent up to its ceiling: {limit} ({name})"),
        }
    }
}

/// What a budget is called where documents write it.
pub(crate) fn key(level: Level, way: Way) -> String {
    let towards = match way {
        Way::Down => "",
        Way::Up => "up-",
    };
    let (key, of) = match level {
        Level::Node => ("day", " gateway"),
        Level::Client => ("day", " client"),
        Level::Target => ("day", " target"),
        Level::TechnicianDay => ("technician-day", ""),
        Level::Intervention => ("intervention", ""),
        Level::Session => ("session", ""),
        Level::Channel => ("channel", ""),
    };
    format!("{towards}{key}{of}")
}

/// The same as it is kept, and never renamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SpentBudget {
    /// What the budget is called.
    pub key: String,
    /// How many bytes.
    pub limit: u64,
    /// How many were taken.
    pub spent: u64,
    /// How many of them had passed in the session; none in what was kept before that was told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed: Option<u64>,
}

impl From<&Exhausted> for SpentBudget {
    fn from(over: &Exhausted) -> Self {
        Self {
            key: key(over.level, over.way),
            limit: over.limit.as_u64(),
            spent: over.spent.as_u64(),
            passed: Some(over.passed.as_u64()),
        }
    }
}
