//! Bundles of a part: what nobody asked for is no loss, and what was asked for cannot be left out (R10).

use ecluse_recordings::bundle::{CHOICE, Choice, LeftOut, Rule, Why};
use ecluse_recordings::verify::Verdict::{Altered, Missing};

use crate::site::{Bundle, Journal, MINUTE, START, Site, assert_found, assert_intact, gateway};

/// A bundle of the first of two recordings, with what the journal has of both.
fn part(site: &Site, rule: Option<Rule>) -> Bundle {
    let mut bundle = site.unsigned();
    let other = format!("recordings/{}/", site.id(1));
    bundle.files.retain(|name, _| !name.starts_with(&other));
    if let Some(rule) = rule {
        bundle.put(CHOICE, serde_json::to_vec(&choice(site, rule)).unwrap());
    }
    bundle.sign(&gateway());
    bundle
}

fn choice(site: &Site, rule: Rule) -> Choice {
    Choice {
        asked_for: "session #1".to_owned(),
        client: "hopital".to_owned(),
        rule,
        entries: site.journal.size(),
        recordings: vec![site.id(0)],
        left_out: vec![LeftOut {
            session: site.id(1),
            number: 2,
            why: Why::NotChosen,
            node: None,
        }],
    }
}

#[test]
fn what_was_not_asked_for_is_no_loss() {
    let site = Site::new();
    // The first session began with entry 2, the second with entry 9.
    let began = Rule::Began {
        from: Some(START),
        until: Some(START + 9 * MINUTE),
    };
    for rule in [Rule::Sessions(vec![site.id(0)]), began] {
        let report = part(&site, Some(rule)).verify();
        assert_intact(&report);
        let text = report.text();
        assert!(
            text.contains("asked for: session #1")
                && text.contains("(session #2), but: session #1"),
            "{text}"
        );
    }
}

#[test]
fn what_was_asked_for_and_is_not_there_is_missing() {
    let site = Site::new();
    let place = format!("recordings/{}/", site.id(1));
    let all = Rule::Began {
        from: None,
        until: None,
    };
    let until_the_second = Rule::Began {
        from: None,
        until: Some(START + 9 * MINUTE + 1),
    };
    for rule in [
        Rule::Sessions(vec![site.id(0), site.id(1)]),
        Rule::Interventions(Vec::new()),
        all,
        until_the_second,
    ] {
        // The list of what is left out does not decide: the rule does.
        assert_found(&part(&site, Some(rule)).verify(), Missing, &place);
    }
    let mut bundle = site.unsigned();
    let mut told = choice(&site, Rule::Sessions(vec![site.id(0)]));
    told.recordings.push(crate::site::session(66));
    bundle.put(CHOICE, serde_json::to_vec(&told).unwrap());
    bundle.sign(&gateway());
    let gone = crate::site::session(66).to_string();
    assert_found(&bundle.verify(), Missing, &gone);
}

/// A recording on another gateway's disk is no loss, where the entry that began its session names that one; it is told, with the gateway.
#[test]
fn what_lies_on_another_gateway_is_told_and_is_no_loss() {
    let mut site = Site::new();
    site.journal = Journal {
        node: Some("n2".to_owned()),
        ..Journal::default()
    };
    for recording in &site.recordings {
        site.journal.add_session(recording);
    }
    let all = Rule::Sessions(vec![site.id(0), site.id(1)]);
    let told = |why, node: Option<&str>| {
        let mut told = choice(&site, all.clone());
        told.left_out[0].why = why;
        told.left_out[0].node = node.map(str::to_owned);
        let mut bundle = part(&site, None);
        bundle.put(CHOICE, serde_json::to_vec(&told).unwrap());
        bundle.sign(&gateway());
        bundle
    };
    let report = told(Why::Elsewhere, Some("n2")).verify();
    assert_intact(&report);
    let text = report.text();
    assert!(
        text.contains(
            "session #2: its recording lies on the gateway n2, not here: export it there as well"
        ),
        "{text}"
    );
    let place = format!("recordings/{}/", site.id(1));
    for (why, node) in [
        (Why::Elsewhere, Some("n3")),
        (Why::Elsewhere, None),
        (Why::NotThere, Some("n2")),
    ] {
        assert_found(&told(why, node).verify(), Missing, &place);
    }
    // Nobody says so afterwards.
    let mut bundle = told(Why::NotThere, Some("n2"));
    let words = String::from_utf8(bundle.files[CHOICE].clone()).unwrap();
    bundle.put(CHOICE, words.replace("not-there", "elsewhere"));
    assert_found(&bundle.verify(), Altered, CHOICE);
}

/// A bundle from before choices were told is judged as if all belonged into it, and says what that may be.
#[test]
fn a_bundle_without_a_choice_says_that_it_is_older() {
    let site = Site::new();
    let report = part(&site, None).verify();
    assert_found(&report, Missing, &format!("recordings/{}/", site.id(1)));
    let text = report.text();
    assert!(
        text.contains("from before bundles say what was asked for"),
        "{text}"
    );
}

#[test]
fn a_choice_of_another_bundle_or_touched_is_altered() {
    let site = Site::new();
    let mut other = choice(&site, Rule::Sessions(vec![site.id(0)]));
    other.entries -= 1;
    let mut bundle = part(&site, None);
    bundle.put(CHOICE, serde_json::to_vec(&other).unwrap());
    bundle.sign(&gateway());
    assert_found(&bundle.verify(), Altered, CHOICE);
    let mut bundle = part(&site, Some(Rule::Sessions(vec![site.id(0)])));
    bundle.flip(CHOICE);
    assert_found(&bundle.verify(), Altered, CHOICE);
    bundle.files.remove(CHOICE);
    assert_found(&bundle.verify(), Missing, CHOICE);
}
