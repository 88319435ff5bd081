//! What a bundle shows beside its recordings, interventions and documents, against the entries: each text with its salt is
//! the one that an entry has the digest of, and none that a session rests on is left out.

use std::collections::{BTreeMap, BTreeSet};

use super::approvals::{Approvals, Problem, Rest};
use super::{Report, Verdict, recording, trust};
use crate::bound;
use crate::bundle::{Choice, DOCUMENTS, Files, INTERVENTIONS, Rule, SALTS};

/// Longest text of an intervention or a document that is read.
const MAX_TEXT: u64 = 4 * 1024 * 1024;

/// Compares them.
pub(super) fn check(
    files: &Files,
    approvals: &Approvals,
    choice: Option<&Choice>,
    report: &mut Report,
) {
    let salts = salts(files, report);
    // Of others the bundle has what concerns these, and not all.
    let here = recording::names(files);
    let is_here = |session: &str| here.contains(session);
    tell(approvals.problems(is_here), report);
    let mut documents: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    let mut interventions = Vec::new();
    let shown: Vec<String> = files
        .under(INTERVENTIONS)
        .chain(files.under(DOCUMENTS))
        .map(|(name, _)| name.to_owned())
        .collect();
    for name in shown {
        let Ok(Some(text)) = files.text(&name, MAX_TEXT) else {
            report.find(Verdict::Altered, &name, "it does not read");
            continue;
        };
        let salt = salts.get(&name).map(String::as_str);
        if let Some(number) = number_of(&name, INTERVENTIONS, ".json") {
            interventions.push(number);
            tell(approvals.intervention(&name, salt, &text), report);
        } else if let Some(version) = version_of(&name) {
            if let Some(salt) = salt {
                let digest = bound::digest(salt, &text);
                documents.entry(version).or_default().push(digest);
            }
            tell(approvals.document(&name, version, salt, &text), report);
        }
    }
    for number in choice.map_or_else(BTreeSet::new, |choice| demanded(approvals, choice)) {
        if !interventions.contains(&number) {
            report.find(
                Verdict::Missing,
                format!("{INTERVENTIONS}{number}.json"),
                "it was asked for, the entries tell of it, and it is not there",
            );
            interventions.push(number);
        }
    }
    for rests in approvals.rested_on(is_here) {
        let (place, there) = match &rests.what {
            Rest::Intervention(number) => (
                format!("{INTERVENTIONS}{number}.json"),
                interventions.contains(number),
            ),
            Rest::Document {
                owner,
                version,
                digest,
            } => {
                let shown = documents.get(version);
                (
                    format!("{DOCUMENTS}v{version}/, the document of {owner}"),
                    shown.is_some_and(|shown| shown.contains(digest)),
                )
            }
        };
        match (there, rests.removed) {
            (true, _) => {}
            (false, true) => report.note(place, "removed under retention"),
            (false, false) => report.find(
                Verdict::Missing,
                place,
                "a session rests on it, and it is not there as it was in force then",
            ),
        }
    }
}

/// The interventions that the choice behind the bundle asks for, whether they became sessions or not.
fn demanded(approvals: &Approvals, choice: &Choice) -> BTreeSet<u64> {
    match &choice.rule {
        Rule::Sessions(_) => BTreeSet::new(),
        Rule::Interventions(ids) => ids
            .iter()
            .filter_map(|id| approvals.number_of(&id.to_string()))
            .collect(),
        Rule::Began { from, until } => approvals.asked_for(&choice.client, *from, *until),
    }
}

/// Adds problems to a report.
pub(super) fn tell(problems: impl IntoIterator<Item = Problem>, report: &mut Report) {
    for problem in problems {
        match problem.verdict {
            Some(verdict) => report.find(verdict, problem.place, problem.text),
            None => report.note(problem.place, problem.text),
        }
    }
}

/// By the name of the file; none in a bundle from before there were any.
fn salts(files: &Files, report: &mut Report) -> BTreeMap<String, String> {
    if files.find(SALTS).is_none() {
        return BTreeMap::new();
    }
    let Some(text) = trust::text(files, SALTS, report) else {
        return BTreeMap::new();
    };
    let lines = text.lines().filter_map(|line| line.split_once("  "));
    lines
        .map(|(salt, name)| (name.to_owned(), salt.to_owned()))
        .collect()
}

fn number_of(name: &str, before: &str, after: &str) -> Option<u64> {
    name.strip_prefix(before)?.strip_suffix(after)?.parse().ok()
}

fn version_of(name: &str) -> Option<u64> {
    let (version, _) = name.strip_prefix(DOCUMENTS)?.split_once('/')?;
    version.strip_prefix('v')?.parse().ok()
}
