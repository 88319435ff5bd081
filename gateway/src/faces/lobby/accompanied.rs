//! That what is asked for is accompanied, in words: to whoever asks, and to whoever says yes (I4).

use ecluse_policy::intervention::Request;
use ecluse_policy::{Accompanied, Lang, Timestamp, accompanied_flows};

use super::desk::Desk;
use crate::texts::Texts;

/// One line for each flow of it that is accompanied.
pub(super) fn lines(desk: &Desk<'_>, request: &Request, now: Timestamp) -> Vec<String> {
    let documents = &desk.applied().documents;
    let flows = accompanied_flows(documents, &request.person, &request.scope, now).into_iter();
    flows
        .map(|(flow, rule)| {
            let args = [
                ("flow", flow.as_str().into()),
                ("client", request.client.as_str().into()),
                ("count", u64::from(rule.sessions_per_operator).into()),
            ];
            desk.say("accompany-request", &args)
        })
        .collect()
}

/// How a flow is.
pub(super) fn rule(texts: &Texts, lang: Lang, rule: Accompanied) -> String {
    let count = u64::from(rule.sessions_per_operator);
    texts.say(lang, "accompany-flow", &[("count", count.into())])
}
