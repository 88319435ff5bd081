//! One broken story a test (R3, I2, I6, R7).

use serde_json::{Map, Value, json};

use super::{Approvals, Rest};
use crate::bound;
use crate::log::Entry;
use crate::verify::Verdict;

const BODY: &str = r#"{"request":{"id":"i1"}}"#;

/// Who asked, was approved twice, opened and came: the places are those of the list.
fn story() -> Vec<Entry> {
    let steps = [
        (
            "document-change",
            "root",
            json!({ "document-of": "client hopital", "version": 3, "document-salted-sha256": bound::digest("d", b"text") }),
        ),
        (
            "request",
            "alice",
            json!({ "number": 1, "state": "requested" }),
        ),
        (
            "approval",
            "odile",
            json!({ "number": 1, "state": "requested", "approvals": 1 }),
        ),
        (
            "approval",
            "omar",
            json!({ "number": 1, "state": "approved", "approvals": 2 }),
        ),
        ("opening", "alice", json!({})),
        (
            "session-start",
            "alice",
            json!({ "documents": 3, "account": "postgres", "documents-salted-sha256": { "client hopital": bound::digest("d", b"text") } }),
        ),
        ("permit", "alice", json!({})),
    ];
    let entries = steps.into_iter().zip(1..);
    entries
        .map(|((kind, person, detail), seq)| {
            let Value::Object(mut detail) = detail else {
                unreachable!()
            };
            if kind != "document-change" {
                let salt = if seq < 5 { seq.to_string() } else { "5".into() };
                detail.insert(
                    bound::INTERVENTION.into(),
                    bound::digest(&salt, BODY.as_bytes()).into(),
                );
            }
            Entry {
                seq,
                at_us: i64::try_from(seq).unwrap() * 10,
                kind: kind.into(),
                person: Some(person.into()),
                client: Some("hopital".into()),
                intervention: (kind != "document-change").then(|| "i1".into()),
                session: (seq > 5).then(|| "s1".into()),
                verdict: Some("permit".into()),
                detail,
                ..Entry::default()
            }
        })
        .collect()
}

fn seen(entries: &[Entry]) -> Approvals {
    let mut approvals = Approvals::new(true);
    entries.iter().for_each(|entry| approvals.see(entry));
    approvals
}

/// The verdicts and words about a changed story.
fn told(change: impl FnOnce(&mut Vec<Entry>)) -> Vec<(Option<Verdict>, String)> {
    let mut entries = story();
    change(&mut entries);
    let problems = seen(&entries).problems(|_| true).into_iter();
    problems
        .map(|problem| (problem.verdict, problem.text))
        .collect()
}

fn without(kind: &'static str) -> impl FnOnce(&mut Vec<Entry>) {
    move |entries| entries.retain(|entry| entry.kind != kind)
}

fn has(told: &[(Option<Verdict>, String)], verdict: Verdict, words: &str) {
    let mut all = told.iter();
    assert!(
        all.any(|(found, text)| *found == Some(verdict) && text.contains(words)),
        "{verdict} {words}: {told:?}"
    );
}

fn only(told: &[(Option<Verdict>, String)], verdict: Verdict, words: &str) {
    assert!(
        told.len() == 1 && told[0].0 == Some(verdict) && told[0].1.contains(words),
        "{verdict} {words}: {told:?}"
    );
}

#[test]
fn a_whole_story_has_nothing_to_tell() {
    assert_eq!(told(|_| ()), []);
    let approvals = seen(&story());
    assert_eq!(
        approvals.intervention("i", Some("5"), BODY.as_bytes()),
        None
    );
    assert_eq!(approvals.document("d", 3, Some("d"), b"text"), None);
}

#[test]
fn r3_each_step_that_no_entry_tells_of_is_named() {
    only(&told(without("request")), Verdict::Missing, "who asked");
    only(
        &told(without("approval")),
        Verdict::Missing,
        "somebody approved",
    );
    has(&told(without("opening")), Verdict::Missing, "was opened");
    only(
        &told(without("document-change")),
        Verdict::Missing,
        "client hopital in force",
    );
    // Two were needed, and one is there.
    only(
        &told(|all| drop(all.remove(2))),
        Verdict::Missing,
        "approval number 2",
    );
}

#[test]
fn r3_what_does_not_fit_is_named() {
    only(
        &told(|all| all[5].person = Some("bruno".into())),
        Verdict::Altered,
        "bruno came",
    );
    only(
        &told(|all| {
            let mut end = all[4].clone();
            (end.kind, end.seq) = ("closing".into(), 5);
            all[4].seq = 4;
            all.insert(5, end);
        }),
        Verdict::Altered,
        "was over",
    );
    only(
        &told(|all| {
            all[5]
                .detail
                .insert(bound::INTERVENTION.into(), "ff".into());
        }),
        Verdict::Altered,
        "another intervention than the one on record with entry 5",
    );
    only(
        &told(|all| {
            all[6]
                .detail
                .insert(bound::INTERVENTION.into(), "ff".into());
        }),
        Verdict::Altered,
        "changed in the store between entry 5 and entry 7",
    );
    has(
        &told(|all| drop(all[4].detail.remove(bound::INTERVENTION))),
        Verdict::Missing,
        "entry 5 (opening) has no digest",
    );
}

/// I6: nobody approves their own request, whatever an entry says.
#[test]
fn i6_an_approval_by_who_asked_is_told() {
    let told = told(|all| all[2].person = Some("alice".into()));
    assert!(
        told.iter()
            .any(|(verdict, text)| *verdict == Some(Verdict::Altered)
                && text.contains("who asked for it approved it")),
        "{told:?}"
    );
}

/// The yes came after: the words and the order of the entries say so.
#[test]
fn r3_a_yes_that_came_after_is_out_of_order() {
    let told = told(|all| {
        let mut late = all.remove(3);
        late.seq = 8;
        all.push(late);
    });
    only(&told, Verdict::Reordered, "approved with entry 8 only");
}

#[test]
fn a_story_from_before_digests_is_a_note_and_a_later_one_is_not() {
    let bare = |entries: &mut Vec<Entry>| {
        entries.remove(0);
        for entry in entries {
            entry.detail.retain(|key, _| !key.contains("sha256"));
        }
    };
    let old = told(bare);
    assert!(old.iter().all(|(verdict, _)| verdict.is_none()) && !old.is_empty());
    // Its approval left out: told, and nobody is accused.
    let old = told(|all| {
        bare(all);
        all.retain(|entry| entry.kind != "approval");
    });
    assert!(old.iter().all(|(verdict, _)| verdict.is_none()));
    assert!(
        old.iter()
            .any(|(_, text)| text.contains("somebody approved"))
    );
    // Once the digests have begun, nothing passes for old.
    let new = told(|all| {
        bare(all);
        all.retain(|entry| entry.kind != "approval");
        let begin = Entry {
            seq: 1,
            kind: bound::BEGIN.into(),
            ..Entry::default()
        };
        all.insert(0, begin);
    });
    assert!(
        new.iter()
            .any(|(verdict, text)| *verdict == Some(Verdict::Missing)
                && text.contains("somebody approved"))
    );
}

/// R7: what retention took is said as that.
#[test]
fn r7_what_was_removed_under_retention_is_a_note() {
    let told = told(|all| {
        all.retain(|entry| entry.kind == "session-start");
        all.push(Entry {
            seq: 9,
            kind: "entries-destroyed".into(),
            client: Some("hopital".into()),
            ..Entry::default()
        });
    });
    assert!(
        told.len() == 1 && told[0].0.is_none() && told[0].1.contains("removed under retention"),
        "{told:?}"
    );
}

/// R3, R7: what came behind the end of a removal was not removed: it is missing, whatever was removed before.
#[test]
fn r7_a_removal_of_before_covers_no_later_loss() {
    let removal = || Entry {
        seq: 9,
        kind: "entries-destroyed".into(),
        client: Some("hopital".into()),
        detail: Map::from_iter([("up-to".to_owned(), 2.into())]),
        ..Entry::default()
    };
    let told = told(|all| {
        all.retain(|entry| entry.kind == "session-start");
        all.push(removal());
    });
    has(&told, Verdict::Missing, "who asked");
    has(&told, Verdict::Missing, "approved");
    let mut all = story();
    all.push(removal());
    let approvals = seen(&all);
    assert!(approvals.rested_on(|_| true).iter().all(|one| !one.removed));
    // Its request is from before; another client's removal is none of its.
    assert!(approvals.was_removed("i1"));
    let mut all = story();
    all.push(Entry {
        client: Some("mairie".into()),
        ..removal()
    });
    assert!(!seen(&all).was_removed("i1"));
}

#[test]
fn r3_texts_that_are_not_the_ones_on_record_are_told() {
    let approvals = seen(&story());
    let verdict = |problem: Option<super::Problem>| problem.and_then(|problem| problem.verdict);
    let body = BODY.as_bytes();
    assert_eq!(
        verdict(approvals.intervention("i", Some("4"), body)),
        Some(Verdict::Altered)
    );
    assert_eq!(
        verdict(approvals.intervention("i", None, body)),
        Some(Verdict::Missing)
    );
    let other = br#"{"request":{"id":"i2"}}"#;
    assert_eq!(
        verdict(approvals.intervention("i", Some("5"), other)),
        Some(Verdict::NotInLog)
    );
    assert_eq!(
        verdict(approvals.document("d", 3, Some("d"), b"text!")),
        Some(Verdict::Altered)
    );
    assert_eq!(
        verdict(approvals.document("d", 2, Some("d"), b"text")),
        Some(Verdict::Altered)
    );
    // A provider that the client began to know later: no entry of theirs tells of its document, and that is no forgery.
    let provider = b"[provider]\nid = \"maintech\"";
    let place = "documents/v3/providers/maintech.toml";
    let alone = approvals.document(place, 3, Some("d"), provider).unwrap();
    assert!(alone.verdict.is_none() && alone.text.contains("concerned this client"));
    // One that an entry tells of is what the entry says.
    let mut known = story();
    let of = json!({ "document-of": "provider maintech", "version": 2, "document-salted-sha256": bound::digest("d", b"text") });
    let Value::Object(detail) = of else {
        unreachable!()
    };
    known[0].detail = detail;
    assert_eq!(
        verdict(seen(&known).document(place, 3, Some("d"), provider)),
        Some(Verdict::Altered)
    );
    let rests: Vec<Rest> = approvals
        .rested_on(|_| true)
        .into_iter()
        .map(|one| one.what)
        .collect();
    assert_eq!(rests.len(), 2);
    assert_eq!(rests[0], Rest::Intervention(1));
}

#[test]
fn a_refused_attempt_is_no_step() {
    let refused = told(|all| {
        let mut no = all[2].clone();
        (no.seq, no.verdict) = (5, Some("refuse".into()));
        no.detail = Map::new();
        all.insert(5, no);
    });
    assert_eq!(refused, []);
}
