//! How much memory the gateway may take at most: the sum of everything that is bounded.
//!
//! `ecluse check` prints it, and the unit's `MemoryMax` stands above it.

use std::fmt;

use crate::passage::purse;
use crate::settings::LimitSettings;

const MIB: u64 = 1 << 20;
/// Sealing, one recording at a time in each of two lanes (`recordings/adr/0005-sealing-in-passes.md`), each with its record
/// and its manifest.
const SEALING: u64 = 2 * 128 * MIB;
/// Dialogues that read recordings: watching, replaying, searching.
const READING: u64 = 512 * MIB;
/// The program itself: its code, the documents, the store and its cache, copies on their way.
const PROGRAM: u64 = 256 * MIB;

/// The caps under these settings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caps {
    connections: u64,
    strangers: u64,
    kept: u64,
}

impl Caps {
    /// The caps that `limits` sets.
    pub(crate) fn of(limits: &LimitSettings) -> Self {
        Self {
            connections: u64::from(limits.total),
            strangers: u64::from(limits.unauthenticated)
                + u64::from(limits.unauthenticated_operators)
                + u64::from(limits.unauthenticated_stations),
            kept: limits.memory,
        }
    }

    /// All of them together, in bytes.
    pub(crate) fn sum(self) -> u64 {
        let each = purse::PER_CONNECTION + purse::RECORDING;
        let connections = self.connections * each + self.strangers * purse::PER_CONNECTION;
        let fixed = SEALING + READING + PROGRAM;
        self.kept.saturating_add(connections).saturating_add(fixed)
    }
}

impl fmt::Display for Caps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| bytes.div_ceil(MIB);
        write!(
            f,
            "{} MiB at most: {} for what peers send and are granted, for recordings beside the first of a connection and for terminals where a tripwire lies, {} x ({} + {} for its recording) for connections, \
             {} x {} for those that have not logged on, {} for sealing, {} for reading recordings, {} for the program and its store",
            mib(self.sum()),
            mib(self.kept),
            self.connections,
            mib(purse::PER_CONNECTION),
            mib(purse::RECORDING),
            self.strangers,
            mib(purse::PER_CONNECTION),
            mib(SEALING),
            mib(READING),
            mib(PROGRAM),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use std::path::Path;

    /// F5: the unit lets the gateway have what `check` says it may take with the sample's settings, and not much more.
    #[test]
    fn the_unit_allows_what_the_sample_may_take() {
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config");
        let settings = Settings::read(&config.join("gateway.toml")).unwrap();
        let unit = std::fs::read_to_string(config.join("ecluse.service")).unwrap();
        let allowed = unit
            .lines()
            .find_map(|line| line.strip_prefix("MemoryMax="))
            .and_then(|amount| amount.strip_suffix('M'))
            .and_then(|mib| mib.parse::<u64>().ok())
            .expect("the unit says MemoryMax=…M")
            * MIB;
        let caps = Caps::of(&settings.limits);
        assert!(caps.sum() <= allowed, "{caps}");
        assert!(allowed <= caps.sum() * 5 / 4, "{caps}");
        let arithmetic = unit
            .lines()
            .filter_map(|line| line.strip_prefix("# "))
            .collect::<Vec<_>>()
            .join(" ");
        assert!(arithmetic.contains(&caps.to_string()), "{caps}");
    }
}
