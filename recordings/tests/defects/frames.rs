//! Frames of a journal that is kept as it was: dropped, moved, repeated, cut off, numbered anew.

use ecluse_recordings::verify::Report;
use ecluse_recordings::verify::Verdict::{Altered, Reordered};

use crate::retold;
use crate::site::{Made, Recording, Site, assert_found, assert_intact, reading};

/// Frames of the sealed journal, header first.
fn frames(recording: &Recording) -> Vec<Vec<u8>> {
    let bytes = &recording.files["sealed.journal"];
    let first = recording.marks[0].1 as usize;
    let header = {
        let length = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        24 + length(12) + length(16) + length(20) + 4
    };
    let mut parts = vec![bytes[..header].to_vec(), bytes[header..first].to_vec()];
    for pair in recording.marks.windows(2) {
        parts.push(bytes[pair[0].1 as usize..pair[1].1 as usize].to_vec());
    }
    parts
}

fn rebuilt(change: impl FnOnce(&mut Vec<Vec<u8>>)) -> (Report, Report, String) {
    let mut site = Site::made(Made::ClosedJournal);
    let mut parts = frames(&site.recordings[0]);
    change(&mut parts);
    site.recordings[0].replace("sealed.journal", parts.concat());
    let bundle = retold(&mut site);
    let name = site.path(0, "sealed.journal");
    (bundle.verify(), bundle.verify_with(&reading(&site)), name)
}

#[test]
fn frames_come_apart_and_together_again() {
    let (report, read, _) = rebuilt(|_| {});
    assert_intact(&report);
    assert_intact(&read);
}

#[test]
fn frame_dropped() {
    let (report, read, name) = rebuilt(|parts| {
        parts.remove(4);
    });
    assert_found(&report, Reordered, &name);
    assert!(report.text().contains("frame 3: "), "{}", report.text());
    assert_found(&read, Reordered, &name);
}

#[test]
fn frames_reordered() {
    let (report, read, name) = rebuilt(|parts| parts.swap(4, 5));
    assert_found(&report, Reordered, &name);
    assert_found(&read, Reordered, &name);
}

#[test]
fn frame_duplicated() {
    let (report, read, name) = rebuilt(|parts| parts.insert(4, parts[4].clone()));
    assert_found(&report, Reordered, &name);
    assert_found(&read, Reordered, &name);
}

/// Changed where it stands: nothing was moved, and nobody is to look for that.
#[test]
fn frame_damaged() {
    let (report, read, name) = rebuilt(|parts| {
        let middle = parts[4].len() / 2;
        parts[4][middle] ^= 1;
    });
    for report in [report, read] {
        assert_found(&report, Altered, &name);
        assert!(report.text().contains("frame 3: "), "{}", report.text());
        let moved = |finding: &ecluse_recordings::verify::Finding| finding.verdict == Reordered;
        assert!(!report.findings.iter().any(moved), "{}", report.text());
    }
}

#[test]
fn tail_of_the_journal_truncated() {
    let (report, _, name) = rebuilt(|parts| {
        parts.pop();
    });
    assert_found(&report, Altered, &name);
    assert!(
        report.text().contains("not where its manifest says"),
        "{}",
        report.text()
    );
    let (report, _, name) = rebuilt(|parts| {
        parts.last_mut().unwrap().pop();
    });
    assert_found(&report, Altered, &name);
}

/// Whoever repairs number and checksum of a frame that he dropped cannot make its successors' seals hold.
#[test]
fn frame_dropped_and_the_rest_numbered_anew() {
    let dropped = |parts: &mut Vec<Vec<u8>>| {
        parts.remove(4);
        for (number, frame) in (0u64..).zip(parts.iter_mut().skip(1)) {
            // A frame's head: length 4, number 8.
            frame[4..12].copy_from_slice(&number.to_le_bytes());
            let end = frame.len() - 4;
            let mut crc = crc32fast::Hasher::new();
            crc.update(&frame[..end]);
            let crc = crc.finalize().to_le_bytes();
            frame[end..].copy_from_slice(&crc);
        }
    };
    let (report, read, name) = rebuilt(dropped);
    // Without a key the journal's entries show it: their seals are not at their places.
    assert_found(&report, Altered, &name);
    assert!(
        report.text().contains("is not the one on record with"),
        "{}",
        report.text()
    );
    assert_found(&read, Altered, &name);
    assert!(
        read.text().contains("a seal that does not hold"),
        "{}",
        read.text()
    );
}
