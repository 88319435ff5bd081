//! What the bundle was asked to hold, as the gateway signed it: what nobody asked for is no loss, and what was asked for
//! and is not there stays one.

use super::trust;
use super::{Report, Verdict};
use crate::bundle::{CHOICE, Choice, Files, RECORDINGS, Why};
use crate::evidence::manifest::sha256_hex;
use crate::log::{Checkpoint, Entry};

/// The digest of the name of the gateway that recorded a session, in the entry that began it.
const NODE: &str = "node-sha256";

/// Reads the choice. None where the bundle is from before choices were told: then everything belongs into it.
pub(super) fn check(
    files: &Files,
    head: Option<&Checkpoint>,
    report: &mut Report,
) -> Option<Choice> {
    files.find(CHOICE)?;
    let text = trust::bytes(files, CHOICE, report)?;
    let choice: Choice = match serde_json::from_slice(&text) {
        Ok(choice) => choice,
        Err(error) => {
            report.find(Verdict::Altered, CHOICE, error.to_string());
            return None;
        }
    };
    report.asked_for = Some(choice.asked_for.clone());
    if let Some(head) = head.filter(|head| head.size != choice.entries) {
        report.find(
            Verdict::Altered,
            CHOICE,
            format!(
                "it was made at {} entries of the journal, and the checkpoint is of {}",
                choice.entries, head.size
            ),
        );
    }
    for session in &choice.recordings {
        let directory = format!("{RECORDINGS}{session}/");
        if files.under(&directory).next().is_none() {
            report.find(
                Verdict::Missing,
                directory,
                format!("{CHOICE} says that it is here, and it is not"),
            );
        }
    }
    // Those that the choice leaves out are told with their entries.
    for left_out in &choice.left_out {
        if left_out.why != Why::NotChosen {
            report.note(format!("session #{}", left_out.number), left_out.words());
        }
    }
    Some(choice)
}

/// Tells of a session that nobody asked for.
pub(super) fn left_out(directory: &str, session: &str, choice: &Choice, report: &mut Report) {
    let number = choice
        .left_out
        .iter()
        .find(|left_out| left_out.session.to_string() == session)
        .map(|left_out| format!(" (session #{})", left_out.number))
        .unwrap_or_default();
    report.note(
        directory,
        format!(
            "{}{number}, but: {}; what the journal has of it is here",
            Why::NotChosen.words(),
            choice.asked_for
        ),
    );
}

/// Whether the choice says of a session that its recording lies on another gateway, and the entry that began it says that one.
pub(super) fn lies_elsewhere(session: &str, began: Option<&Entry>, choice: &Choice) -> bool {
    let mut left_out = choice.left_out.iter();
    let one = left_out.find(|one| one.session.to_string() == session);
    let node = one.filter(|one| one.why == Why::Elsewhere);
    let node = node.and_then(|one| one.node.as_ref());
    let there = began.and_then(|began| began.detail_text(NODE));
    node.is_some_and(|node| there == Some(sha256_hex(node.as_bytes()).as_str()))
}
