//! The signed list of files: each is as listed, none is missing, none came in beside it.

use super::trust::{self, Trust};
use super::{Report, Verdict};
use crate::bundle::{Files, SUMS, SUMS_SIGNATURE, parse_sums};
use crate::evidence::signature::BUNDLE_NAMESPACE;

pub(super) fn check(files: &Files, trust: &mut Trust, report: &mut Report) {
    let Some(text) = trust::text(files, SUMS, report) else {
        return;
    };
    trust.check(
        files,
        SUMS,
        text.as_bytes(),
        SUMS_SIGNATURE,
        BUNDLE_NAMESPACE,
        report,
    );
    let sums = match parse_sums(&text) {
        Ok(sums) => sums,
        Err(problem) => return report.find(Verdict::Altered, SUMS, problem),
    };
    for (name, digest) in &sums {
        match files.find(name) {
            None => report.find(
                Verdict::Missing,
                name,
                format!("{SUMS} lists it, and it is not there"),
            ),
            Some(seen) if seen.sha256 != *digest => report.find(
                Verdict::Altered,
                name,
                format!("its digest is not the one that {SUMS} lists"),
            ),
            Some(_) => {}
        }
    }
    for (name, _) in files.iter() {
        if !sums.contains_key(name) && ![SUMS, SUMS_SIGNATURE].contains(&name) {
            report.find(
                Verdict::Altered,
                name,
                format!("it was added: {SUMS} does not list it"),
            );
        }
    }
}
