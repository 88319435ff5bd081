//! Promises of `idle`: what a line opened ends once nobody does anything there.

use ecluse_policy::documents::diff;
use ecluse_policy::*;

use crate::site::*;

fn saying(flow: &str) -> Documents {
    documents_of(&maintech(), &hopital(&format!("{DBA}{flow}\n")))
}

/// It comes with the permit, acts on what is open once it is another, and is none where nothing is written.
#[test]
fn what_a_line_says_of_idle_time_comes_with_its_permits_and_acts_at_once() {
    let before = saying("idle = \"15m\"");
    let intervention = approved(&before);
    let its = std::slice::from_ref(&intervention);
    let (by, at) = (alice(&before), target("db01"));
    let admission = admit(&before, &by, &at, None, its, t0()).unwrap();
    let permit = permitted(admission.decide(&FlowRequest::Shell, t0()));
    let quarter = Some(Span::from_secs(900));
    assert_eq!(permit.terms().idle(), quarter);
    let opened = admission.intervention();
    let now = |documents: &Documents| {
        let bounds = admission.bounds(&permit, documents, Some(opened), t0());
        bounds.unwrap().idle
    };
    assert_eq!(now(&before), quarter);
    assert_eq!(now(&saying("")), None);
    assert_eq!(now(&saying("idle = \"1m\"")), Some(Span::from_secs(60)));
}

#[test]
fn differences_explanations_and_remarks_speak_of_idle_time() {
    let (before, after) = (saying(""), saying("idle = \"15m\""));
    let told: Vec<String> = diff(&before, &after)
        .iter()
        .flat_map(|change| change.detail.iter().map(ToString::to_string))
        .collect();
    assert_eq!(told, ["idle: 15m"]);
    let explained = |documents: &Documents| {
        let (by, at) = (person("alice"), target("db01"));
        explain(documents, &by, &at, &FlowRequest::Shell, t0()).to_string()
    };
    assert!(explained(&after).ends_with("\n    ends after 15m without anybody"));
    assert!(!explained(&before).contains("without anybody"));
    let remarks = |documents: &Documents| {
        let remarks = documents.remarks(t0());
        remarks.iter().any(|it| it.key == "flow.dba.idle")
    };
    assert!(remarks(&saying("idle = \"4h\"")) && !remarks(&after));
}
