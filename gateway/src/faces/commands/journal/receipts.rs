//! Receipts of files, against one another: each client's numbers, from the first on, without a gap and none twice (P10).
//!
//! That an entry is missing, the log itself shows; this shows that somebody set back or forth what numbers are drawn from, before
//! the next is drawn and after.

use std::collections::BTreeMap;

use ecluse_policy::Timestamp;
use ecluse_recordings::log::Entry;
use ecluse_recordings::neutralise;
use ecluse_recordings::verify::Verdict;

use super::verify::Findings;
use crate::audit::AuditKind;
use crate::receipts::NUMBER;

/// What the entries say of receipts, as they go by.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    /// The last number of each client.
    last: BTreeMap<String, u64>,
    /// Numbers that do not follow the one before: place, client, that one, this one.
    odd: Vec<(u64, String, u64, u64)>,
}

impl Receipts {
    pub(super) fn see(&mut self, entry: &Entry) {
        let (true, Some(client)) = (entry.kind == AuditKind::Receipt.name(), &entry.client) else {
            return;
        };
        let number = entry.detail_number(NUMBER).unwrap_or_default();
        let last = self.last.entry(client.clone()).or_default();
        if last.checked_add(1) != Some(number) {
            self.odd.push((entry.seq, client.clone(), *last, number));
        }
        *last = number.max(*last);
    }

    /// Accuses numbers that stand twice or leave some out. Where words of the client were `removed` under retention, or some are not
    /// there, those that are left out may be among them. The next are drawn from what stands in `drawn`, which is the last on record.
    pub(super) fn judge(
        self,
        removed: &BTreeMap<String, Timestamp>,
        away: Option<u64>,
        mut drawn: BTreeMap<String, u64>,
        findings: &mut Findings,
    ) {
        let is_partial = away.is_some() || findings.lacks();
        for client in self.last.keys() {
            drawn.entry(client.clone()).or_default();
        }
        for (client, stands) in drawn {
            let last = self.last.get(&client).copied().unwrap_or_default();
            let is_beyond = stands > last && !is_partial && !removed.contains_key(&client);
            if stands < last || is_beyond {
                let of = neutralise(&client);
                let text = format!(
                    "the counter of receipts of {of} stands at {stands}, and the last that the log tells of has number {last}"
                );
                findings.add(Verdict::Altered, text);
            }
        }
        for (seq, client, last, number) in self.odd {
            let left_out = number > last;
            if left_out && (removed.contains_key(&client) || away.is_some()) {
                continue;
            }
            let of = neutralise(&client);
            let (verdict, text) = match left_out {
                true => (
                    Verdict::Missing,
                    format!(
                        "entry {seq}: receipt {number} of {of} follows {last}: those between were never written"
                    ),
                ),
                false => (
                    Verdict::Altered,
                    format!(
                        "entry {seq}: receipt {number} of {of} comes after {last}: what numbers are drawn from was set back"
                    ),
                ),
            };
            findings.add(verdict, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(numbers: &[u64], removed: bool) -> Verdict {
        let last = numbers.last().copied().unwrap_or_default();
        drawn_from(numbers, removed, last)
    }

    fn drawn_from(numbers: &[u64], removed: bool, stands: u64) -> Verdict {
        let mut receipts = Receipts::default();
        for (number, seq) in numbers.iter().zip(1..) {
            let seq: u64 = seq;
            let line = format!(
                r#"{{"salt":"00000000000000000000000000000000","seq":{seq},"at":{seq},"kind":"receipt","client":"hopital","detail":{{"receipt":{number}}}}}"#
            );
            receipts.see(&Entry::parse(line.as_bytes()).unwrap());
        }
        let removed = removed.then(|| ("hopital".to_owned(), Timestamp::from_micros(9)));
        let mut findings = Findings::default();
        let drawn = [("hopital".to_owned(), stands)].into();
        receipts.judge(&removed.into_iter().collect(), None, drawn, &mut findings);
        findings.verdict()
    }

    /// P10: a number that stands twice, or one that is left out, is found; what was removed under retention is not missing.
    #[test]
    fn p10_numbers_that_do_not_follow_one_another_are_found() {
        assert_eq!(found(&[1, 2, 3], false), Verdict::Intact);
        assert_eq!(found(&[1, 2, 2], false), Verdict::Altered);
        assert_eq!(found(&[1, 2, 4], false), Verdict::Missing);
        assert_eq!(found(&[2], false), Verdict::Missing);
        assert_eq!(found(&[7, 8], true), Verdict::Intact);
    }

    /// P10: what the next number is drawn from is the last on record, found before one is drawn; what was removed under retention may
    /// have been later.
    #[test]
    fn p10_a_counter_that_was_set_is_found_before_the_next_number() {
        assert_eq!(drawn_from(&[1, 2, 3], false, 2), Verdict::Altered);
        assert_eq!(drawn_from(&[1, 2, 3], false, 0), Verdict::Altered);
        assert_eq!(drawn_from(&[1, 2, 3], false, 9), Verdict::Altered);
        assert_eq!(drawn_from(&[], false, 4), Verdict::Altered);
        assert_eq!(drawn_from(&[1, 2], true, 9), Verdict::Intact);
        assert_eq!(drawn_from(&[1, 2], true, 1), Verdict::Altered);
    }
}
