//! A line of the log of files, as [`FileEntry::line`](crate::FileEntry::line) writes it in English, in the reader's words.
//!
//! Names stand in it that somebody chose, which may hold anything that the line itself is made of: they are left as they are,
//! and where what follows them begins is where all the rest reads as the end of such a line.

use crate::transfer::{Extent, FileOperation, FileOutcome};

/// What stands between the parts of a line.
const BETWEEN: &str = " · ";

/// `line` in French; none where it is no such line.
pub(super) fn french(line: &str) -> Option<String> {
    let operations = FileOperation::ALL.iter().filter_map(|operation| {
        let rest = line.strip_prefix(operation.word(false))?;
        Some((*operation, rest.strip_prefix(' ')?))
    });
    // `read and write` begins as `read` does.
    let (operation, rest) = operations.min_by_key(|(_, rest)| rest.len())?;
    rest.match_indices(BETWEEN).find_map(|(at, between)| {
        let (names, end) = (rest.get(..at)?, rest.get(at + between.len()..)?);
        let (names, end) = (named(names), ending(end)?);
        Some(format!("{} {names}{BETWEEN}{end}", operation.word(true)))
    })
}

/// The paths, and how they were typed.
fn named(names: &str) -> String {
    match names.rsplit_once(" (typed ") {
        Some((paths, typed)) if typed.ends_with(')') => format!("{paths} (écrit {typed}"),
        Some(_) | None => names.to_owned(),
    }
}

/// What passed, how long it took, and how it ended.
fn ending(end: &str) -> Option<String> {
    let (part, rest) = end.split_once(BETWEEN)?;
    let said = match took(part) {
        true => return Some(format!("{part}{BETWEEN}{}", outcome(rest)?)),
        false => passed(part)?,
    };
    Some(format!("{said}{BETWEEN}{}", ending(rest)?))
}

/// `0.012 s`
fn took(part: &str) -> bool {
    let number = part.strip_suffix(" s").and_then(|it| it.split_once('.'));
    number.is_some_and(|(seconds, millis)| is_number(seconds) && is_number(millis))
}

/// `↓ 10/40 bytes, a part`, `3 entries`, `sha256 …`
fn passed(part: &str) -> Option<String> {
    if part.starts_with("sha256 ") {
        return Some(part.to_owned());
    }
    if let Some(count) = part.strip_suffix(" entries").filter(|it| is_number(it)) {
        return Some(format!("{count} entrées"));
    }
    let (bytes, extent) = part.split_once(" bytes, ")?;
    let is_way = bytes.starts_with(['↓', '↑']);
    let extents = Extent::ALL.iter();
    let mut known = extents.filter(|it| it.word(false) == extent);
    let extent = known.next().filter(|_| is_way)?;
    Some(format!("{bytes} octets, {}", extent.word(true)))
}

/// How it ended, and why, in the words that the technician read.
fn outcome(end: &str) -> Option<String> {
    let (ended, because) = match end.split_once(": ") {
        Some((ended, because)) => (ended, format!("\u{a0}: {because}")),
        None => (end, String::new()),
    };
    if let Some(status) = ended.strip_prefix("failed on the target, status ") {
        let said = is_number(status).then(|| format!("refusé par la cible, code {status}"));
        return said.map(|said| said + &because);
    }
    let mut all = FileOutcome::ALL.iter();
    let known = all.find(|it| it.word(false) == ended)?;
    Some(format!("{}{because}", known.word(true)))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::Language;
    use crate::transfer::FilePart;
    use crate::{Bytes, FileEntry};

    /// Whatever is logged reads in French as if it had been written so.
    #[test]
    fn each_line_reads_as_it_would_have_been_written() {
        let part = |extent| FilePart { bytes: 10, extent };
        for (operation, outcome, extent) in FileOperation::ALL.iter().flat_map(|operation| {
            let outcomes = FileOutcome::ALL.iter();
            let extents = move |outcome| {
                Extent::ALL
                    .iter()
                    .map(move |extent| (operation, outcome, extent))
            };
            outcomes.flat_map(extents)
        }) {
            for status in [None, Some(3)] {
                let entry = FileEntry {
                    operation: *operation,
                    path: Bytes::from("/srv/a · b (typed x): done"),
                    to: status.map(|_| Bytes::from("/srv/to")),
                    typed: vec![Bytes::from("a"), Bytes::from("b")],
                    outcome: *outcome,
                    status,
                    because: status.map(|_| "parti · fait: oui".to_owned()),
                    read: Some(part(*extent)),
                    written: status.map(|_| part(Extent::Whole)),
                    size: Some(40),
                    entries: status.map(|_| 7),
                    sha256: status.map(|_| "ab12".to_owned()),
                    took_us: 12_000,
                };
                let english = entry.line(Language::English);
                assert_eq!(french(&english), Some(entry.line(Language::French)));
            }
        }
        for other in [
            "read",
            "read /x",
            "cut by odile",
            "read /x · 1 s · done",
            "look /x · 0.1 s · gone",
        ] {
            assert_eq!(french(other), None, "{other}");
        }
    }
}
