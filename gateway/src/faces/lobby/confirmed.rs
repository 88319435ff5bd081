//! That something of what is asked for waits for a yes while it is used, in words: to whoever asks, and to whoever says yes (I4).

use ecluse_policy::intervention::Request;
use ecluse_policy::{Confirm, Lang, Timestamp, confirmed_flows};

use super::desk::Desk;
use crate::texts::{Texts, times};

/// One line for each flow of it of which something waits.
pub(super) fn lines(desk: &Desk<'_>, request: &Request, now: Timestamp) -> Vec<String> {
    let documents = &desk.applied().documents;
    let flows = confirmed_flows(documents, &request.person, &request.scope, now).into_iter();
    flows
        .map(|(flow, waits)| {
            let args = [
                ("flow", flow.as_str().into()),
                ("client", request.client.as_str().into()),
                (
                    "what",
                    what(&desk.gateway.texts, desk.lang(), &waits).into(),
                ),
            ];
            desk.say("confirm-request", &args)
        })
        .collect()
}

/// What of a flow waits, and how.
pub(super) fn what(texts: &Texts, lang: Lang, waits: &[Confirm]) -> String {
    let one = |one: &Confirm| {
        let terms = one.terms();
        let args = [
            ("what", one.line().into()),
            ("each", if terms.each { "yes" } else { "no" }.into()),
            ("within", times::length_in(lang, terms.within).into()),
        ];
        texts.say(lang, "confirm-line", &args)
    };
    let all: Vec<String> = waits.iter().map(one).collect();
    all.join(", ")
}
