//! The client's trail: its numbers and its chain inside the entries, against what the bundle says it has.

use ecluse_recordings::bundle::{ENTRIES, PROOFS, TRAIL, TrailFacts};
use ecluse_recordings::log::{Entry, leaf_hash};
use ecluse_recordings::verify::Verdict::{self, Altered, Intact, Missing};

use crate::edit;
use crate::site::{Bundle, Site, assert_found, gateway};

/// A bundle of one client's whole trail of five entries, signed; `change` is made of the lines before they are hashed.
fn whole(change: impl FnOnce(&mut Vec<Entry>)) -> Bundle {
    told(|_| {}, change)
}

/// The same; `prepare` is of entries that are chained then.
fn told(prepare: impl FnOnce(&mut Vec<Entry>), change: impl FnOnce(&mut Vec<Entry>)) -> Bundle {
    let mut site = Site::new();
    let first = site.journal.size() + 1;
    let mut entries: Vec<Entry> = (0..5u64)
        .map(|at| Entry {
            salt: format!("{:032x}", at + 1),
            seq: first + at,
            at_us: 1_795_600_800_000_000,
            kind: "log-on".to_owned(),
            client: Some("hopital".to_owned()),
            nth: Some(at + 1),
            ..Entry::default()
        })
        .collect();
    prepare(&mut entries);
    let mut before = None;
    for entry in &mut entries {
        entry.previous = before;
        before = Some(leaf_hash(&entry.to_line().unwrap()));
    }
    let facts = TrailFacts {
        client: "hopital".to_owned(),
        entries: 5,
        head: before,
        whole_from: Some(1),
        whole_to: None,
    };
    change(&mut entries);
    for entry in &entries {
        site.journal.lines.push(entry.to_line().unwrap());
    }
    let mut bundle = site.unsigned();
    bundle.put(TRAIL, serde_json::to_vec(&facts).unwrap());
    bundle.sign(&gateway());
    bundle
}

fn drop_line(bundle: &mut Bundle, nth: u64) {
    let of = format!("\"nth\":{nth}");
    let mut seq = String::new();
    edit(bundle, ENTRIES, |lines| {
        lines.retain(|line| {
            let is_it = line.contains(&of);
            if is_it {
                let entry = Entry::parse(line.as_bytes()).unwrap();
                seq = format!("{{\"seq\":{},", entry.seq);
            }
            !is_it
        });
    });
    edit(bundle, PROOFS, |lines| {
        lines.retain(|line| !line.starts_with(&seq));
    });
    bundle.sign(&gateway());
}

#[test]
fn a_whole_trail_holds() {
    let report = whole(|_| {}).verify();
    assert_eq!(report.verdict, Intact, "{}", report.text());
}

/// R3, R9: left out with its proof, by whoever can sign the bundle anew.
#[test]
fn an_entry_left_out_of_a_whole_trail_is_named() {
    let mut bundle = whole(|_| {});
    drop_line(&mut bundle, 3);
    let report = bundle.verify();
    assert_found(&report, Missing, "entry");
    assert!(
        report
            .text()
            .contains("number 4 of the trail of hopital, and number 3 is missing"),
        "{}",
        report.text()
    );
}

#[test]
fn the_end_left_out_of_a_whole_trail_is_named() {
    let mut bundle = whole(|_| {});
    drop_line(&mut bundle, 5);
    let report = bundle.verify();
    assert_found(&report, Missing, TRAIL);
    assert!(
        report.text().contains("the end is missing"),
        "{}",
        report.text()
    );
}

/// A bundle of chosen entries does not say that it has all of them, and is not held to it.
#[test]
fn numbers_left_out_of_chosen_entries_are_only_told() {
    let mut bundle = whole(|_| {});
    let facts = String::from_utf8(bundle.files[TRAIL].clone()).unwrap();
    bundle.put(TRAIL, facts.replace(",\"whole-from\":1", ""));
    drop_line(&mut bundle, 3);
    let report = bundle.verify();
    assert_eq!(report.verdict, Intact, "{}", report.text());
    assert!(
        report.text().contains("leaves 1 between them out"),
        "{}",
        report.text()
    );
}

fn found(change: impl FnOnce(&mut Vec<Entry>)) -> (Verdict, String) {
    let report = whole(change).verify();
    (report.verdict, report.text())
}

/// Logged by the gateway itself, and no chain all the same: another entry before, a number twice, none at all.
#[test]
fn a_chain_that_does_not_hold_is_altered() {
    let (verdict, text) = found(|entries| entries[2].person = Some("bruno".to_owned()));
    assert_eq!(verdict, Altered, "{text}");
    assert!(text.contains("follows another entry"), "{text}");
    let (verdict, text) = found(|entries| entries[3].nth = Some(3));
    assert_eq!(verdict, Altered, "{text}");
    assert!(
        text.contains("number 3 of the trail of hopital, and comes after number 3"),
        "{text}"
    );
    let (verdict, text) = found(|entries| {
        entries[4].nth = None;
        entries[4].previous = None;
        // Else it would not be in the bundle.
        entries[4].session = Some(uuid::Uuid::nil().to_string());
    });
    assert_eq!(verdict, Altered, "{text}");
    assert!(text.contains("bears no number"), "{text}");
    let (verdict, text) = found(|entries| entries[4].person = Some("bruno".to_owned()));
    assert_eq!(verdict, Altered, "{text}");
    assert!(text.contains("ends with number 5"), "{text}");
}

/// R7: words destroyed on record are no gap.
#[test]
fn destroyed_words_are_no_gap() {
    let destroyed = |entries: &mut Vec<Entry>| {
        entries[4].kind = "entries-destroyed".to_owned();
        entries[4].detail.insert("entries".to_owned(), 2.into());
    };
    let mut bundle = told(destroyed, |_| {});
    drop_line(&mut bundle, 2);
    drop_line(&mut bundle, 3);
    let report = bundle.verify();
    assert_eq!(report.verdict, Intact, "{}", report.text());
    assert!(
        report.text().contains("2 entries lost their words"),
        "{}",
        report.text()
    );
    // And cover no more than they say.
    drop_line(&mut bundle, 4);
    assert_found(&bundle.verify(), Missing, "entry");
}

/// R3, R7: a destruction tells of entries up to its end: what is missing behind it is lost, and keeps that word.
#[test]
fn words_destroyed_on_record_hide_no_later_loss() {
    let destroyed = |entries: &mut Vec<Entry>| {
        let up_to = entries[1].seq;
        entries[2].kind = "entries-destroyed".to_owned();
        entries[2].detail.insert("entries".to_owned(), 2.into());
        entries[2].detail.insert("up-to".to_owned(), up_to.into());
    };
    let mut bundle = told(destroyed, |_| {});
    drop_line(&mut bundle, 2);
    let report = bundle.verify();
    assert_eq!(report.verdict, Intact, "{}", report.text());
    // It has one more that it could tell of, and this is none of them.
    drop_line(&mut bundle, 4);
    assert_found(&bundle.verify(), Missing, "entry");
}
