//! Each gateway's beginnings and ends: one that began twice ended in between, and that is on record, in order or not.

use std::collections::BTreeMap;

use ecluse_recordings::log::Entry;
use ecluse_recordings::neutralise;
use ecluse_recordings::verify::Verdict;

use super::verify::Findings;
use crate::store::ENDS;

/// What the entries say of them.
#[derive(Debug, Default)]
pub(super) struct Runs {
    /// How each node began last, with which entry, by which event and when, while its end is not on record; as far as that would
    /// name the node, which those of earlier versions did not.
    open: BTreeMap<String, (u64, String, i64)>,
    /// Nodes that began, after which entry and with which, and that had no end in between.
    unended: Vec<(String, u64, u64)>,
}

impl Runs {
    /// A gateway begins.
    pub(super) fn begin(&mut self, entry: &Entry, node: Option<String>) {
        let Some(node) = node else { return };
        // One event is an entry in each trail; where an earlier store had no events, its entries are of one moment.
        let event = entry.event.clone().unwrap_or_default();
        if let Some((before, of, at)) = self.open.get(&node)
            && *of != event
            && *at != entry.at_us
        {
            self.unended.push((node.clone(), *before, entry.seq));
        }
        if entry.detail.contains_key(ENDS) {
            self.open.insert(node, (entry.seq, event, entry.at_us));
        } else {
            self.open.remove(&node);
        }
    }

    /// One ended, in order or not.
    pub(super) fn end(&mut self, node: Option<String>) {
        match node {
            Some(node) => drop(self.open.remove(&node)),
            // Of an earlier version, which named none: of whichever there was.
            None => self.open.clear(),
        }
    }

    /// Names what lacks an end; its words may be among those that were removed.
    pub(super) fn tell(&self, were_removed: bool, findings: &mut Findings) {
        for (node, before, seq) in &self.unended {
            let words = format!(
                "the gateway {} began with entry {seq}, and no entry says how its run before ended, which began with entry {before}: neither in order nor cut short",
                neutralise(node)
            );
            if were_removed {
                findings.note(format!("{words}; some words were removed under retention"));
            } else {
                findings.add(Verdict::Missing, words);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(seq: u64, event: &str, by_node: bool) -> Entry {
        let ends = if by_node {
            r#","ends-by-node":true"#
        } else {
            ""
        };
        let at = event.len();
        let line = format!(
            r#"{{"salt":"00","seq":{seq},"at":{at},"kind":"serve-start","event":"{event}","detail":{{"node":"a"{ends}}}}}"#
        );
        Entry::parse(line.as_bytes()).unwrap()
    }

    /// N3: a second beginning without an end between is named, an entry in each trail is one beginning, and what an earlier
    /// version wrote accuses nobody.
    #[test]
    fn n3_a_gateway_that_begins_twice_without_an_end_is_named() {
        let node = || Some("a".to_owned());
        let unended = |see: &dyn Fn(&mut Runs)| {
            let mut runs = Runs::default();
            runs.begin(&start(1, "x", true), node());
            runs.begin(&start(2, "x", true), node());
            see(&mut runs);
            runs.begin(&start(5, "later", true), node());
            runs.begin(&start(6, "later", true), node());
            // The same moment, without the event.
            runs.begin(&start(7, "again", true), node());
            runs.unended
        };
        assert_eq!(unended(&|_| {}), [("a".to_owned(), 2, 5)]);
        assert_eq!(unended(&|runs| runs.end(Some("b".into()))).len(), 1);
        assert!(unended(&|runs| runs.end(node())).is_empty());
        assert!(unended(&|runs| runs.end(None)).is_empty());
        let mut older = Runs::default();
        older.begin(&start(1, "x", false), node());
        older.begin(&start(2, "y", true), node());
        assert!(older.unended.is_empty());
    }
}
