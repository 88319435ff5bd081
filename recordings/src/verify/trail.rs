//! The client's trail: the numbers and the chain inside its entries, which show by themselves whether one is missing.
//!
//! A bundle of chosen sessions has some of the client's entries, so numbers are missing between them, which is told and
//! speaks against nothing. One that says that it has all of them from a number on is held to it.

use super::{Report, Verdict};
use crate::bundle::{Files, TRAIL, TrailFacts};
use crate::log::trail::{Break, TrailEnd, Trails, trail_name};
use crate::log::{Entry, Hash};

use super::entries::place;
use super::trust;

/// Numbers that are not there.
struct Hole {
    /// The entry behind them.
    entry: Entry,
    found: Break,
    missing: u64,
    /// The place of the entry before them.
    after: u64,
}

/// Words that were destroyed on record.
struct Destroyed {
    entries: u64,
    up_to: u64,
}

/// The check, as the entries go by.
pub(super) struct Chain {
    trails: Trails,
    facts: Option<TrailFacts>,
    /// Numbers left out between the entries, and how many of the entries in the bundle have one.
    left_out: u64,
    numbered: u64,
    gaps: Vec<Hole>,
    /// The place of the last entry that has a number.
    last: u64,
    /// What was destroyed, as entries in the bundle say: how many entries lost their words, and up to which place.
    destroyed: Vec<Destroyed>,
}

impl Chain {
    /// Reads what the bundle says of the trail; bundles from before trails were numbered say nothing.
    pub(super) fn begin(files: &Files, report: &mut Report) -> Self {
        let facts = files.find(TRAIL).and_then(|_| {
            let text = trust::text(files, TRAIL, report)?;
            match serde_json::from_str(&text) {
                Ok(facts) => Some(facts),
                Err(error) => {
                    report.find(Verdict::Altered, TRAIL, error.to_string());
                    None
                }
            }
        });
        Self {
            trails: Trails::new(),
            facts,
            left_out: 0,
            numbered: 0,
            gaps: Vec::new(),
            last: 0,
            destroyed: Vec::new(),
        }
    }

    /// The next entry.
    pub(super) fn see(&mut self, entry: &Entry, leaf: Hash, report: &mut Report) {
        if entry.kind == "entries-destroyed" {
            let entries = entry.detail_number("entries").unwrap_or_default();
            let up_to = entry.detail_number("up-to").unwrap_or(entry.seq);
            self.destroyed.push(Destroyed { entries, up_to });
        }
        let after = self.last;
        if entry.nth.is_some() {
            self.last = entry.seq;
        }
        self.numbered += u64::from(entry.nth.is_some());
        match self.trails.see(entry, leaf) {
            Ok(()) => {}
            Err(found @ Break::Gap { missing, .. }) => {
                self.left_out = self.left_out.saturating_add(missing);
                if self.gaps.len() < MAX_GAPS {
                    self.gaps.push(Hole {
                        entry: entry.clone(),
                        found,
                        missing,
                        after,
                    });
                }
            }
            Err(
                found
                @ (Break::Again { .. } | Break::OtherBefore { .. } | Break::Unnumbered { .. }),
            ) => report.find(Verdict::Altered, place(entry), found.to_string()),
        }
    }

    /// After the last entry: whether all is there that the bundle says it has.
    pub(super) fn conclude(mut self, report: &mut Report) {
        let Some(facts) = self.facts.take() else {
            if self.left_out > 0 {
                report.note(TRAIL, self.partial());
            }
            return;
        };
        let client = facts.client.as_str();
        let end = self
            .trails
            .ends()
            .find(|(name, _, _)| *name == Some(client))
            .map(|(_, end, _)| end);
        if self.trails.unnumbered(Some(client)) > 0 {
            report.note(
                TRAIL,
                format!(
                    "{} entries are from before {} was numbered: that none of those is missing, no number shows",
                    self.trails.unnumbered(Some(client)),
                    trail_name(Some(client))
                ),
            );
        }
        if let Some(TrailEnd { nth, leaf, .. }) = end
            && (nth > facts.entries || (nth == facts.entries && Some(leaf) != facts.head))
        {
            let text = format!(
                "it says that {} ends with number {}, and number {nth} is another entry",
                trail_name(Some(client)),
                facts.entries
            );
            report.find(Verdict::Altered, TRAIL, text);
        }
        let Some(from) = facts.whole_from else {
            if self.left_out > 0 {
                report.note(TRAIL, self.partial());
            }
            return;
        };
        self.hold_to(from, end, &facts, report);
    }

    /// All numbers from `from` to the end have to be there, but for those whose words were destroyed on record.
    fn hold_to(
        mut self,
        from: u64,
        end: Option<TrailEnd>,
        facts: &TrailFacts,
        report: &mut Report,
    ) {
        let mut wordless = 0;
        for hole in std::mem::take(&mut self.gaps) {
            let Break::Gap { from: first, .. } = hole.found else {
                continue;
            };
            // What lies before its beginning or behind its end, the bundle does not say it has.
            let last = first.saturating_add(hole.missing).saturating_sub(1);
            let end = last.min(facts.whole_to.unwrap_or(last));
            let missing = end.saturating_add(1).saturating_sub(first.max(from));
            let left = self.uncovered(missing, hole.after);
            wordless += missing - left;
            if left > 0 {
                report.find(Verdict::Missing, place(&hole.entry), hole.found.to_string());
            }
        }
        // What says that words were destroyed stands behind them, so that no tail is covered.
        let last = end.map_or(from.saturating_sub(1), |end| end.nth);
        let to = facts.whole_to.unwrap_or(facts.entries);
        if to > last {
            report.find(
                Verdict::Missing,
                TRAIL,
                format!(
                    "{} has {} entries, and the last one here is number {last}: the end is missing",
                    trail_name(Some(&facts.client)),
                    facts.entries
                ),
            );
        }
        if wordless > 0 {
            report.note(
                TRAIL,
                format!("{wordless} entries lost their words under retention, on record: their numbers are not here"),
            );
        }
    }

    /// How many of the numbers behind a place are missing and no destruction tells of: one tells of nothing behind its end.
    fn uncovered(&mut self, mut missing: u64, after: u64) -> u64 {
        for destroyed in &mut self.destroyed {
            if destroyed.up_to > after {
                let by = missing.min(destroyed.entries);
                destroyed.entries -= by;
                missing -= by;
            }
        }
        missing
    }

    fn partial(&self) -> String {
        format!(
            "the bundle has {} of the client's numbered entries and leaves {} between them out, since it is of chosen sessions; an export of the whole client has all of them",
            self.numbered, self.left_out
        )
    }
}

/// Most gaps that are told one by one.
const MAX_GAPS: usize = 1000;
