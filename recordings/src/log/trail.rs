//! The chain of one client's entries within the log, and that of the entries of no client: a trail.
//!
//! Each entry bears its number in its trail and the hash of the one before, so that whoever holds a client's entries
//! alone sees whether one is missing, without the entries of others. Entries from before trails were numbered bear
//! neither; the first numbered one has the number 1. Pure: entries are shown one by one, in the order of the log.

use std::collections::BTreeMap;
use std::fmt;

use super::{Entry, Hash};

/// Where a trail stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrailEnd {
    /// Numbered entries so far.
    pub nth: u64,
    /// The hash of the last one.
    pub leaf: Hash,
    /// Its place in the log.
    pub seq: u64,
}

/// Where a trail does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Break {
    /// Numbers are missing.
    Gap {
        /// Whose trail; none for the gateway's own.
        client: Option<String>,
        /// The number that is there.
        nth: u64,
        /// How many before it are not.
        missing: u64,
        /// The first one that is not.
        from: u64,
    },
    /// A number that was given already.
    Again {
        /// Whose trail.
        client: Option<String>,
        /// The number.
        nth: u64,
        /// The number of the entry before.
        after: u64,
    },
    /// The entry before is another one than it says.
    OtherBefore {
        /// Whose trail.
        client: Option<String>,
        /// The number.
        nth: u64,
    },
    /// An entry without a number after others that have one.
    Unnumbered {
        /// Whose trail.
        client: Option<String>,
        /// The number of the entry before.
        after: u64,
    },
}

/// Names a trail, for people.
#[must_use]
pub fn trail_name(client: Option<&str>) -> String {
    match client {
        Some(client) => format!("the trail of {}", crate::neutralise(client)),
        None => "the gateway's own trail".to_owned(),
    }
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gap {
                client,
                nth,
                missing,
                from,
            } => {
                let trail = trail_name(client.as_deref());
                let last = nth.saturating_sub(1);
                if *missing == 1 {
                    write!(
                        f,
                        "it is number {nth} of {trail}, and number {last} is missing"
                    )
                } else {
                    write!(
                        f,
                        "it is number {nth} of {trail}, and {missing} before it are missing, from number {from} to {last}"
                    )
                }
            }
            Self::Again { client, nth, after } => {
                let trail = trail_name(client.as_deref());
                write!(
                    f,
                    "it says that it is number {nth} of {trail}, and comes after number {after}"
                )
            }
            Self::OtherBefore { client, nth } => {
                let trail = trail_name(client.as_deref());
                write!(
                    f,
                    "it is number {nth} of {trail}, and follows another entry than the one before it"
                )
            }
            Self::Unnumbered { client, after } => {
                let trail = trail_name(client.as_deref());
                write!(
                    f,
                    "it bears no number of {trail}, and comes after number {after}"
                )
            }
        }
    }
}

/// One trail as it goes by.
#[derive(Clone, Debug, Default)]
struct Trail {
    end: Option<TrailEnd>,
    /// Entries without a number, from before.
    unnumbered: u64,
    /// Entries since the end whose words were destroyed, and the hash of the last of them.
    wordless: u64,
    last_wordless: Option<Hash>,
}

/// All trails of a log, or those of a part of it.
#[derive(Clone, Debug, Default)]
pub struct Trails {
    trails: BTreeMap<Option<String>, Trail>,
}

impl Trails {
    /// None of them begun.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The next entry of the log, and its hash.
    ///
    /// # Errors
    /// Its trail does not hold there; what follows is measured from this entry on.
    pub fn see(&mut self, entry: &Entry, leaf: Hash) -> Result<(), Break> {
        let client = &entry.client;
        let trail = self.trails.entry(client.clone()).or_default();
        let before = trail.end;
        let Some(nth) = entry.nth else {
            trail.unnumbered += 1;
            return match before {
                Some(TrailEnd { nth: after, .. }) => Err(Break::Unnumbered {
                    client: client.clone(),
                    after,
                }),
                None => Ok(()),
            };
        };
        let wordless = std::mem::take(&mut trail.wordless);
        let last_wordless = trail.last_wordless.take();
        trail.end = Some(TrailEnd {
            nth,
            leaf,
            seq: entry.seq,
        });
        let after = before.map_or(0, |end| end.nth);
        if nth <= after {
            return Err(Break::Again {
                client: client.clone(),
                nth,
                after,
            });
        }
        // Entries from before trails were numbered may be among the wordless ones.
        let between = nth - after - 1;
        let missing = between.saturating_sub(wordless);
        if missing > 0 {
            return Err(Break::Gap {
                client: client.clone(),
                nth,
                missing,
                from: after + 1,
            });
        }
        let expected = if between > 0 {
            last_wordless
        } else {
            before.map(|end| end.leaf)
        };
        if entry.previous != expected {
            return Err(Break::OtherBefore {
                client: client.clone(),
                nth,
            });
        }
        Ok(())
    }

    /// The next entry of the log, of which only the hash is left.
    pub fn wordless(&mut self, client: Option<&str>, leaf: Hash) {
        let trail = self.trails.entry(client.map(str::to_owned)).or_default();
        trail.wordless += 1;
        trail.last_wordless = Some(leaf);
    }

    /// The trails that were seen, where each stands by what has words, and how many of its entries have none after that.
    pub fn ends(&self) -> impl Iterator<Item = (Option<&str>, TrailEnd, u64)> {
        self.trails
            .iter()
            .filter_map(|(client, trail)| Some((client.as_deref(), trail.end?, trail.wordless)))
    }

    /// Whether the last entry of a trail is one of which only the hash is left, this one.
    #[must_use]
    pub fn is_wordless(&self, client: Option<&str>, leaf: Hash) -> bool {
        self.trails
            .get(&client.map(str::to_owned))
            .is_some_and(|trail| trail.last_wordless == Some(leaf))
    }

    /// Entries without a number in all trails.
    #[must_use]
    pub fn unnumbered_in_all(&self) -> u64 {
        self.trails.values().map(|trail| trail.unnumbered).sum()
    }

    /// Entries without a number in a trail.
    #[must_use]
    pub fn unnumbered(&self, client: Option<&str>) -> u64 {
        self.trails
            .get(&client.map(str::to_owned))
            .map_or(0, |trail| trail.unnumbered)
    }
}

#[cfg(test)]
mod tests {
    use super::super::leaf_hash;
    use super::*;

    /// A log of two clients and of the gateway, numbered from its third entry on.
    fn log() -> Vec<(Entry, Hash)> {
        let mut ends: BTreeMap<Option<String>, (u64, Hash)> = BTreeMap::new();
        let clients = [Some("hopital"), None, Some("mairie")];
        (1..=12u64)
            .map(|seq| {
                let client = clients[seq as usize % 3].map(str::to_owned);
                let mut entry = Entry {
                    seq,
                    kind: "permit".to_owned(),
                    client: client.clone(),
                    ..Entry::default()
                };
                if seq > 2 {
                    let before = ends.get(&client).copied();
                    entry.nth = Some(before.map_or(1, |(nth, _)| nth + 1));
                    entry.previous = before.map(|(_, leaf)| leaf);
                }
                let leaf = leaf_hash(&entry.to_line().unwrap());
                if let Some(nth) = entry.nth {
                    ends.insert(client, (nth, leaf));
                }
                (entry, leaf)
            })
            .collect()
    }

    fn breaks(log: &[(Entry, Hash)]) -> Vec<(u64, Break)> {
        let mut trails = Trails::new();
        let seen = log
            .iter()
            .map(|(entry, leaf)| (entry.seq, trails.see(entry, *leaf)));
        seen.filter_map(|(seq, seen)| Some((seq, seen.err()?)))
            .collect()
    }

    #[test]
    fn a_whole_log_holds_and_tells_where_each_trail_stands() {
        let log = log();
        assert_eq!(breaks(&log), []);
        let mut trails = Trails::new();
        for (entry, leaf) in &log {
            trails.see(entry, *leaf).unwrap();
        }
        let ends: Vec<_> = trails
            .ends()
            .map(|(client, end, _)| (client, end.nth, end.seq))
            .collect();
        assert_eq!(
            ends,
            [
                (None, 3, 10),
                (Some("hopital"), 4, 12),
                (Some("mairie"), 3, 11)
            ]
        );
        assert_eq!(trails.unnumbered(Some("mairie")), 1);
    }

    #[test]
    fn each_way_a_trail_does_not_hold_is_named() {
        let whole = log();
        // Entry 6 is hopital's second, 9 its third.
        let mut one_gone = whole.clone();
        one_gone.retain(|(entry, _)| entry.seq != 6);
        let hopital = Some("hopital".to_owned());
        assert_eq!(
            breaks(&one_gone),
            [(
                9,
                Break::Gap {
                    client: hopital.clone(),
                    nth: 3,
                    missing: 1,
                    from: 2
                }
            )]
        );
        assert_eq!(
            breaks(&one_gone)[0].1.to_string(),
            "it is number 3 of the trail of hopital, and number 2 is missing"
        );
        let mut moved = whole.clone();
        moved[5].0.client = Some("mairie".to_owned());
        assert!(!breaks(&moved).is_empty());
        let mut altered = whole.clone();
        altered[5].1 = leaf_hash(b"something else");
        assert_eq!(
            breaks(&altered),
            [(
                9,
                Break::OtherBefore {
                    client: hopital.clone(),
                    nth: 3
                }
            )]
        );
        let mut twice = whole.clone();
        twice.insert(6, whole[5].clone());
        assert_eq!(
            breaks(&twice),
            [(
                6,
                Break::Again {
                    client: hopital.clone(),
                    nth: 2,
                    after: 2
                }
            )]
        );
        let mut bare = whole.clone();
        (bare[11].0.nth, bare[11].0.previous) = (None, None);
        assert_eq!(
            breaks(&bare),
            [(
                12,
                Break::Unnumbered {
                    client: hopital,
                    after: 3
                }
            )]
        );
    }

    #[test]
    fn an_entry_without_words_keeps_its_place_in_the_chain_and_covers_no_other() {
        let log = log();
        let see = |gone: &[u64], cut: &[u64]| {
            let mut trails = Trails::new();
            let mut breaks = Vec::new();
            for (entry, leaf) in log.iter().filter(|(entry, _)| !cut.contains(&entry.seq)) {
                if gone.contains(&entry.seq) {
                    trails.wordless(entry.client.as_deref(), *leaf);
                } else if let Err(found) = trails.see(entry, *leaf) {
                    breaks.push(found);
                }
            }
            breaks
        };
        assert_eq!(see(&[1, 2, 3, 6], &[]), []);
        assert_eq!(see(&[6, 9], &[]), []);
        assert!(matches!(
            see(&[6], &[9])[..],
            [Break::Gap { missing: 1, .. }]
        ));
    }
}
