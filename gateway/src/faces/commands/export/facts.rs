//! What the pages of a bundle tell of an intervention: what was asked, and everything that was decided about it, to its end.

use ecluse_policy::intervention::{CloseReason, State};
use ecluse_policy::{Intervention, Lang, PersonId, Scope, Timestamp};
use ecluse_recordings::bundle::{Decision, Granted, InterventionFacts, Language, Window, moment};

use super::passed::passed_of;
use crate::deeds::totals::Totals;
use crate::live::presence::Presence;
use crate::texts::{Texts, sizes};

/// What happened to it, in words.
struct Words {
    account: &'static str,
    seen: &'static str,
    approved: &'static str,
    at_most: &'static str,
    refused: &'static str,
    expired: &'static str,
    unapproved: &'static str,
    unused: &'static str,
    opened: &'static str,
    window_over: &'static str,
    finished: &'static str,
    ended: &'static str,
    cancelled: &'static str,
    accompanies: &'static str,
    confirmed: &'static str,
    denied: &'static str,
    unanswered: &'static str,
    until: &'static str,
}

const FRENCH: Words = Words {
    account: "compte",
    seen: "vue",
    approved: "approuvée pour",
    at_most: "au plus",
    refused: "refusée",
    expired: "expirée",
    unapproved: "expirée sans réponse",
    unused: "expirée\u{a0}: approuvée, jamais utilisée",
    opened: "ouverte",
    window_over: "terminée\u{a0}: sa durée était écoulée",
    finished: "terminée par le technicien",
    ended: "retirée",
    cancelled: "annulée par le technicien",
    accompanies: "accompagne",
    confirmed: "a dit oui, à l'usage, à",
    denied: "a dit non, à l'usage, à",
    unanswered: "resté sans accord à l'usage\u{a0}:",
    until: "jusqu'à",
};

const ENGLISH: Words = Words {
    account: "account",
    seen: "seen",
    approved: "approved for",
    at_most: "at most",
    refused: "refused",
    expired: "expired",
    unapproved: "expired without an answer",
    unused: "expired: approved, never used",
    opened: "opened",
    window_over: "over: its time had passed",
    finished: "finished by the technician",
    ended: "withdrawn",
    cancelled: "cancelled by the technician",
    accompanies: "accompanies",
    confirmed: "said yes, while it was used, to",
    denied: "said no, while it was used, to",
    unanswered: "had no yes while it was used:",
    until: "until",
};

/// What is told of an intervention.
pub(super) fn facts_of(
    intervention: &Intervention,
    presences: &[Presence],
    totals: &Totals,
    (texts, language): (&Texts, Language),
) -> InterventionFacts {
    let (words, lang) = match language {
        Language::French => (&FRENCH, Lang::Fr),
        Language::English => (&ENGLISH, Lang::En),
    };
    let request = intervention.request();
    let granted = intervention.last_grant().map(|grant| {
        let when = match intervention.window() {
            Some((from, until)) => Window::Used {
                from: from.as_micros(),
                until: until.as_micros(),
            },
            None => Window::Unused {
                from: grant.starts_at.as_micros(),
                length: grant.length.to_string(),
                until: grant.latest_end.as_micros(),
            },
        };
        let mut what = told(&grant.scope, words);
        if let Some(bytes) = grant.bytes {
            let bytes = sizes::size_in(lang, bytes);
            what.push(format!("{} {bytes}", words.at_most));
        }
        Granted { what, when }
    });
    let seen = intervention
        .seen()
        .map(|(by, at)| decision(Some(by), *at, words.seen, ""));
    let approvals = intervention.approvals().iter().map(|approval| {
        let mut length = approval.length.to_string();
        if let Some(bytes) = approval.bytes {
            let bytes = sizes::size_in(lang, bytes);
            length = format!("{length}, {} {bytes}", words.at_most);
        }
        decision(
            Some(&approval.operator),
            approval.at,
            words.approved,
            &length,
        )
    });
    let person = &request.person;
    let accompanied = presences.iter().map(|presence| {
        let session = format!("session #{}", presence.number);
        let text = match presence.until {
            Some(until) => {
                let until = moment(until.as_micros());
                format!("{session}, {} {until}", words.until)
            }
            None => session,
        };
        let by = Some(&presence.operator);
        decision(by, presence.from, words.accompanies, &text)
    });
    // Who said yes while it was used, and to what.
    let waited = totals.waited.iter().filter_map(|one| {
        let said = one.said.as_ref()?;
        let what = match (said.is_yes, &said.by) {
            (true, _) => words.confirmed,
            (false, Some(_)) => words.denied,
            (false, None) => words.unanswered,
        };
        let mut text = format!("{} “{}”", one.nth, one.what);
        if let Some(reason) = &said.reason {
            text = format!("{text} – {reason}");
        }
        Some(decision(said.by.as_ref(), said.at, what, &text))
    });
    let decided = seen.into_iter().chain(approvals).chain(waited);
    let decided = decided.chain(what_became(intervention, person, words));
    let mut decisions: Vec<Decision> = decided.chain(accompanied).collect();
    decisions.sort_by_key(|decision| decision.at_us);
    InterventionFacts {
        id: intervention.id().as_uuid(),
        number: format!("#{}", intervention.number().0),
        person: person.to_string(),
        client: request.client.to_string(),
        asked: told(&request.scope, words),
        reason: request.reason.clone(),
        requested_us: request.requested_at.as_micros(),
        granted,
        passed: passed_of(totals, language),
        acts: totals
            .done()
            .map(|(id, count)| texts.say(lang, id, &[("count", count.into())]))
            .collect(),
        decisions,
    }
}

/// Targets, accounts and flows, each in a word.
fn told(scope: &Scope, words: &Words) -> Vec<String> {
    let accounts = scope.accounts.iter();
    scope
        .targets
        .iter()
        .map(ToString::to_string)
        .chain(accounts.map(|account| format!("{} {account}", words.account)))
        .chain(scope.capabilities.iter().map(ToString::to_string))
        .collect()
}

/// What became of it after the answers.
fn what_became(intervention: &Intervention, person: &PersonId, words: &Words) -> Vec<Decision> {
    let opened = |at: &Option<Timestamp>| at.map(|at| decision(Some(person), at, words.opened, ""));
    match intervention.state() {
        State::Requested | State::Approved { .. } => Vec::new(),
        State::Refused { by, at, reason } => {
            vec![decision(Some(by), *at, words.refused, reason)]
        }
        State::Expired { at, .. } => {
            let what = if intervention.last_grant().is_some() {
                words.unused
            } else if intervention.approvals().is_empty() {
                words.unapproved
            } else {
                // Not by everybody who had to; or what was granted an earlier program did not keep.
                words.expired
            };
            vec![decision(None, *at, what, "")]
        }
        State::Cancelled { at, .. } => vec![decision(Some(person), *at, words.cancelled, "")],
        State::Open { opened_at, .. } => opened(&Some(*opened_at)).into_iter().collect(),
        State::Closed {
            at,
            opened_at,
            reason,
            ..
        } => {
            let end = match reason {
                CloseReason::WindowOver => decision(None, *at, words.window_over, ""),
                CloseReason::ByTechnician => decision(Some(person), *at, words.finished, ""),
                CloseReason::ByOperator { by, reason } => {
                    decision(Some(by), *at, words.ended, reason)
                }
            };
            opened(opened_at).into_iter().chain([end]).collect()
        }
    }
}

fn decision(by: Option<&PersonId>, at: Timestamp, what: &str, text: &str) -> Decision {
    Decision {
        at_us: at.as_micros(),
        by: by.map_or_else(|| "–".to_owned(), ToString::to_string),
        what: what.to_owned(),
        text: text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// R10: what was approved and never used is not told like what nobody answered.
    #[test]
    fn r10_what_was_approved_and_never_used_is_told_as_that() {
        let scope = json!({ "targets": ["db01"], "accounts": ["postgres"], "capabilities": [] });
        let granted = json!({ "scope": scope, "starts_at": 2_000_000, "length": 60_000_000, "latest_end": 3_000_000_000_i64 });
        let yes =
            json!([{ "operator": "odile", "at": 2_000_000, "scope": scope, "length": 60_000_000 }]);
        let texts = Texts::load().unwrap();
        let told = |granted: serde_json::Value, approvals: &serde_json::Value, language| {
            let intervention: Intervention = serde_json::from_value(json!({
                "request": {
                    "id": uuid::Uuid::from_u128(7), "number": 3, "person": "alice", "provider": "maintech", "station": "laptop-1",
                    "client": "hopital", "scope": scope, "reason": "the disk is full", "requested_at": 1_000_000, "start": null,
                    "length": 60_000_000, "answer_due": 3_600_000_000_i64,
                },
                "state": { "expired": { "at": 3_000_000_000_i64, "granted": granted } },
                "seen": null, "approvals": approvals, "revision": 2,
            }))
            .unwrap();
            facts_of(&intervention, &[], &Totals::default(), (&texts, language))
                .decisions
                .pop()
                .unwrap()
                .what
        };
        let none = json!([]);
        for (granted, approvals, english, french) in [
            (
                granted,
                &yes,
                "expired: approved, never used",
                "expirée\u{a0}: approuvée, jamais utilisée",
            ),
            (
                json!(null),
                &none,
                "expired without an answer",
                "expirée sans réponse",
            ),
            (json!(null), &yes, "expired", "expirée"),
        ] {
            let told = |language| told(granted.clone(), approvals, language);
            assert_eq!(told(Language::English), english);
            assert_eq!(told(Language::French), french);
        }
    }

    /// X3, I4: the page has the same row of acts as `interventions N`, what was granted names its bytes, and each time is of one form.
    #[test]
    fn x3_the_page_tells_what_was_done_as_the_list_does() {
        let scope = json!({ "targets": ["db01"], "accounts": ["postgres"], "capabilities": [] });
        let at = 1_796_000_000_000_000_i64;
        let intervention: Intervention = serde_json::from_value(json!({
            "request": {
                "id": uuid::Uuid::from_u128(7), "number": 3, "person": "alice", "provider": "maintech", "station": "laptop-1",
                "client": "hopital", "scope": scope, "reason": "the disk is full", "requested_at": 1_000_000, "start": null,
                "length": 60_000_000, "answer_due": 3_600_000_000_i64,
            },
            "state": { "expired": { "at": at, "granted": {
                "scope": scope, "starts_at": 2_000_000, "length": 60_000_000, "latest_end": at, "bytes": 409_600,
            } } },
            "seen": null, "approvals": [], "revision": 2,
        }))
        .unwrap();
        let presence = Presence {
            operator: PersonId::parse("odile").unwrap(),
            session: ecluse_policy::SessionId::from_uuid(uuid::Uuid::from_u128(9)),
            number: 1,
            from: Timestamp::from_micros(at),
            until: Some(Timestamp::from_micros(at + 15_064_000)),
            seq: 1,
            each: 1,
        };
        let totals = Totals {
            sessions: 1,
            topped_up: 2,
            held: 1,
            asked: 3,
            signals: 1,
            by_posture: 1,
            ..Totals::default()
        };
        let texts = Texts::load().unwrap();
        let facts = |language| {
            facts_of(
                &intervention,
                std::slice::from_ref(&presence),
                &totals,
                (&texts, language),
            )
        };
        let (french, english) = (facts(Language::French), facts(Language::English));
        assert_eq!(
            french.acts,
            [
                "augmenté\u{a0}: 2 fois",
                "suspendue à la main\u{a0}: 1 fois",
                "question posée\u{a0}: 3 fois",
                "signal donné\u{a0}: 1 fois",
                "terminée par la posture renforcée\u{a0}: 1 fois",
            ]
        );
        assert_eq!(
            english.acts,
            [
                "added to: 2 ×",
                "held by hand: 1 ×",
                "questions asked: 3 ×",
                "signals: 1 ×",
                "ended by the heightened posture: 1 ×",
            ]
        );
        let granted =
            |facts: &InterventionFacts| facts.granted.clone().unwrap().what.pop().unwrap();
        assert_eq!(granted(&french), "au plus 400 Kio");
        assert_eq!(granted(&english), "at most 400 KiB");
        let until = moment(at + 15_064_000);
        assert!(until.ends_with(".064 UTC"), "{until}");
        let there = |facts: &InterventionFacts| {
            let all = facts.decisions.iter();
            let mut there = all.filter(|one| one.by == "odile");
            there.next().unwrap().text.clone()
        };
        assert_eq!(there(&french), format!("session #1, jusqu'à {until}"));
        assert_eq!(there(&english), format!("session #1, until {until}"));
    }
}
