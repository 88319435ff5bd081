//! Entries of the journal and their proofs: removed, moved, repeated, edited, made up.

use ecluse_recordings::bundle::{ENTRIES, PROOFS};
use ecluse_recordings::verify::Verdict::{Altered, Missing, NotInLog, Reordered};

use crate::edit;
use crate::site::{Bundle, Site, assert_found, gateway};

#[test]
fn entry_of_the_seal_removed() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    // With its proof, so that nothing points at it any more.
    edit(&mut bundle, ENTRIES, |lines| {
        lines.retain(|line| !line.contains("\"seq\":7,"))
    });
    edit(&mut bundle, PROOFS, |lines| {
        lines.retain(|line| !line.starts_with("{\"seq\":7,"))
    });
    assert_found(&bundle.verify(), NotInLog, &site.path(0, "manifest.json"));
}

#[test]
fn entry_of_the_start_removed() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    edit(&mut bundle, ENTRIES, |lines| {
        lines.remove(0);
    });
    edit(&mut bundle, PROOFS, |lines| {
        lines.remove(1);
    });
    assert_found(
        &bundle.verify(),
        Missing,
        &format!("entry session-start of {}", site.id(0)),
    );
}

#[test]
fn entry_removed_and_its_proof_left() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    edit(&mut bundle, ENTRIES, |lines| {
        lines.remove(2);
    });
    let report = bundle.verify();
    assert_found(&report, Missing, "entry 5");
    assert_eq!(report.findings.len(), 1, "{}", report.text());
}

#[test]
fn last_entry_removed_and_its_proof_left() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    edit(&mut bundle, ENTRIES, |lines| {
        lines.pop();
    });
    assert_found(&bundle.verify(), Missing, "entry 14");
}

#[test]
fn proof_removed() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    edit(&mut bundle, PROOFS, |lines| {
        lines.remove(3);
    });
    assert_found(&bundle.verify(), NotInLog, "entry 5 (recording-progress)");
}

#[test]
fn entries_reordered() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    edit(&mut bundle, ENTRIES, |lines| lines.swap(2, 3));
    let report = bundle.verify();
    assert_found(&report, Reordered, "entry 5");
    assert_eq!(report.findings.len(), 1, "{}", report.text());
    // Together with their proofs.
    edit(&mut bundle, PROOFS, |lines| lines.swap(3, 4));
    assert_found(&bundle.verify(), Reordered, "entry 5");
}

#[test]
fn entry_twice() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    edit(&mut bundle, ENTRIES, |lines| {
        lines.insert(2, lines[2].clone())
    });
    assert_found(&bundle.verify(), Altered, "entry 5");
}

#[test]
fn entry_edited() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    edit(&mut bundle, ENTRIES, |lines| {
        lines[1] = lines[1].replace("alice", "bob")
    });
    assert_found(&bundle.verify(), Altered, "entry 4 (recording-progress)");
}

#[test]
fn entry_moved_to_another_number() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    // Entries 4 and 5 exchange their words and keep their numbers.
    edit(&mut bundle, ENTRIES, |lines| {
        let (four, five) = (lines[1].clone(), lines[2].clone());
        lines[1] = five.replace("\"seq\":5,", "\"seq\":4,");
        lines[2] = four.replace("\"seq\":4,", "\"seq\":5,");
    });
    let report = bundle.verify();
    assert_found(&report, Altered, "entry 4");
    assert_found(&report, Altered, "entry 5");
}

#[test]
fn entry_made_up_beyond_the_checkpoint() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    edit(&mut bundle, ENTRIES, |lines| {
        let made_up = lines[0]
            .replace("\"seq\":2,", "\"seq\":900,")
            .replace("session-start", "approval");
        lines.push(made_up);
    });
    assert_found(&bundle.verify(), NotInLog, "entry 900 (approval)");
}

#[test]
fn bit_flipped_in_a_proof_and_the_list_signed_again() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    edit(&mut bundle, PROOFS, |lines| {
        let last = lines[2].pop();
        assert_eq!(last, Some('}'));
        let turned = if lines[2].contains("0\"]") {
            "1\"]}"
        } else {
            "0\"]}"
        };
        let keep = lines[2].len() - 3;
        lines[2].truncate(keep);
        lines[2].push_str(turned);
    });
    assert_found(&bundle.verify(), Altered, "entry 4 (recording-progress)");
}

#[test]
fn proofs_of_another_checkpoint() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    let mut older = Bundle::default();
    site.journal.at(14).put_into(&mut older, &gateway());
    bundle.put(PROOFS, older.files[PROOFS].clone());
    bundle.sign(&gateway());
    assert_found(&bundle.verify(), Altered, PROOFS);
}

#[test]
fn a_line_of_the_entries_that_never_ends() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    bundle.put(ENTRIES, vec![b'x'; 2 << 20]);
    bundle.sign(&gateway());
    assert_found(&bundle.verify(), Altered, ENTRIES);
}

#[test]
fn a_line_of_the_entries_that_does_not_read_is_told_by_its_number() {
    let site = Site::new();
    let mut bundle = site.unsigned();
    edit(&mut bundle, ENTRIES, |lines| lines[2] = "{".to_owned());
    let report = bundle.verify();
    assert_found(&report, Altered, ENTRIES);
    assert!(report.text().contains("line 3: "), "{}", report.text());
}
