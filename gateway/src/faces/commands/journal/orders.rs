//! Cuts that another gateway ordered, against the entries that gave the orders.
//!
//! A gateway obeys an order only with its entry before its eyes. So a cut that names an order which no entry before it gave
//! was made by an order that somebody forged, and took away again.

use std::collections::BTreeMap;

use ecluse_policy::Timestamp;
use ecluse_recordings::log::Entry;
use ecluse_recordings::neutralise;
use ecluse_recordings::verify::Verdict;
use uuid::Uuid;

use super::verify::Findings;
use crate::audit::AuditKind;
use crate::store::ORDER;

/// What the entries say of orders, as they go by.
#[derive(Debug, Default)]
pub(super) struct Orders {
    /// Who gave which, and for which client.
    given: BTreeMap<String, (Option<String>, Option<String>)>,
    /// Cuts by an order that nobody had given by then: place, order, client.
    forged: Vec<(u64, String, Option<String>)>,
}

impl Orders {
    pub(super) fn see(&mut self, entry: &Entry) {
        let Some(order) = entry.detail_text(ORDER) else {
            return;
        };
        let by = (entry.person.clone(), entry.client.clone());
        if entry.kind == AuditKind::CutOrdered.name() {
            self.given.entry(order.to_owned()).or_insert(by);
        } else if entry.kind == AuditKind::Cut.name() && self.given.get(order) != Some(&by) {
            let cut = (entry.seq, order.to_owned(), entry.client.clone());
            self.forged.push(cut);
        }
    }

    /// Accuses cuts by orders that nobody gave. `removed` is before when each client's words were removed under retention:
    /// what was ordered before may have gone with them.
    pub(super) fn judge(self, removed: &BTreeMap<String, Timestamp>, findings: &mut Findings) {
        for (seq, order, client) in self.forged {
            let before = client.and_then(|client| removed.get(&client));
            if before.is_some_and(|before| given_at(&order).is_some_and(|at| at < *before)) {
                findings.note(format!(
                    "entry {seq} tells of a cut by an order whose entry was removed under retention"
                ));
                continue;
            }
            findings.add(
                Verdict::NotInLog,
                format!(
                    "entry {seq} tells of a cut by order {}, which no entry before it gave in that name: the order was forged",
                    neutralise(order)
                ),
            );
        }
    }
}

/// When an order was given, as its id has it.
fn given_at(order: &str) -> Option<Timestamp> {
    let (seconds, nanos) = Uuid::parse_str(order).ok()?.get_timestamp()?.to_unix();
    let seconds = i64::try_from(seconds).ok()?;
    let micros = seconds.checked_mul(1_000_000)?;
    Some(Timestamp::from_micros(
        micros.checked_add(i64::from(nanos / 1000))?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(seq: u64, kind: AuditKind, order: &str, person: &str) -> Entry {
        let line = format!(
            r#"{{"salt":"00000000000000000000000000000000","seq":{seq},"at":{seq},"kind":"{}","person":"{person}","client":"hopital","detail":{{"order":"{order}"}}}}"#,
            kind.name()
        );
        Entry::parse(line.as_bytes()).unwrap()
    }

    fn judged(entries: &[Entry], before: Option<i64>) -> Findings {
        let mut orders = Orders::default();
        entries.iter().for_each(|entry| orders.see(entry));
        let removed = before.map(|at| ("hopital".to_owned(), Timestamp::from_micros(at)));
        let mut findings = Findings::default();
        orders.judge(&removed.into_iter().collect(), &mut findings);
        findings
    }

    /// R3: forged, obeyed, and taken away again: the cut is left.
    #[test]
    fn r3_a_cut_by_an_order_that_no_entry_gave_before_is_accused() {
        // Given in the first second of 1970.
        const ID: &str = "00000000-0001-7000-8000-000000000000";
        let given = entry(1, AuditKind::CutOrdered, ID, "odile");
        let cut = entry(2, AuditKind::Cut, ID, "odile");
        let fine = judged(&[given.clone(), cut.clone()], None);
        assert!(fine.lines.is_empty(), "{fine:?}");
        let others = entry(1, AuditKind::CutOrdered, ID, "omar");
        for forged in [
            vec![cut.clone()],
            vec![cut.clone(), given],
            vec![others, cut.clone()],
        ] {
            let found = judged(&forged, None);
            let [(Verdict::NotInLog, said)] = found.lines.as_slice() else {
                panic!("{found:?}")
            };
            assert!(
                said.starts_with("entry 2 tells of a cut by order"),
                "{said}"
            );
        }
        // What gave it may have gone under retention; that of a later time did not.
        let gone = judged(std::slice::from_ref(&cut), Some(2_000_000));
        assert!(gone.lines.is_empty() && gone.notes.len() == 1, "{gone:?}");
        assert_eq!(judged(&[cut], Some(500)).lines.len(), 1);
    }
}
