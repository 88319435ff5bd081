//! One part of a document's object that changed, as the difference has it (`keep: 60d -> 90d`), for those who read of it
//! later. What it is called is said in their language; values are the document's own, but for those that are words.

use ecluse_policy::{Lang, Schedule, Timestamp};

use super::{Texts, Value, hours};
use crate::store::UNKNOWN_BEFORE;

/// Parts that are said with yes and no.
const YES_OR_NO: [&str; 4] = [
    "disabled",
    "unmask",
    "search.screen-text",
    "approval.accompanied",
];
/// Parts that are the last day of something.
const LAST_DAYS: [&str; 2] = ["expires", "retention.service-ended"];
/// Parts with a derogation beside them, or that are one: who answers for it, and its last day.
const ANSWERED: [&str; 2] = ["allow", "approval.long"];
/// Parts that are lengths.
const LENGTHS: [&str; 6] = [
    "approval.at-most",
    "retention.keep",
    "retention.longest",
    "idle",
    "posture.high.at-most",
    "posture.high.warning",
];

/// What stands between several parts that may hold commas themselves.
pub(crate) const fn between(lang: Lang) -> &'static str {
    match lang {
        Lang::Fr => "\u{a0}; ",
        Lang::En => "; ",
    }
}

impl Texts {
    /// A line of a difference.
    pub(crate) fn part(&self, lang: Lang, line: &str) -> String {
        if line == UNKNOWN_BEFORE {
            return self.say(lang, "changes-unknown-before", &[]);
        }
        let Some((part, rest)) = line.split_once(": ") else {
            return line.to_owned();
        };
        let values: Vec<String> = match rest.strip_suffix(" -> nothing") {
            Some(before) => vec![
                self.value(lang, part, before),
                self.say(lang, "changes-nothing", &[]),
            ],
            // Of a text that holds an arrow itself nothing is a word of ours.
            None => rest
                .split(" -> ")
                .map(|value| self.value(lang, part, value))
                .collect(),
        };
        let kind = part.replace('.', "-");
        let args = [
            ("kind", kind.into()),
            ("part", part.into()),
            ("text", Value::Exact(values.join(" -> ").into())),
        ];
        self.say(lang, "changes-part", &args)
    }

    fn value(&self, lang: Lang, part: &str, value: &str) -> String {
        match (lang, value) {
            // An earlier version put the first instant on record when it is over.
            (_, instant) if LAST_DAYS.contains(&part) => {
                Timestamp::parse(instant).map_or_else(|_| instant.to_owned(), Timestamp::last_day)
            }
            (Lang::En, _) => value.to_owned(),
            (Lang::Fr, "true") if YES_OR_NO.contains(&part) => "oui".to_owned(),
            (Lang::Fr, "false") if YES_OR_NO.contains(&part) => "non".to_owned(),
            (Lang::Fr, "nowhere") if part == "networks" => "aucun".to_owned(),
            (Lang::Fr, answered) if ANSWERED.contains(&part) => in_french(answered),
            (Lang::Fr, length) if LENGTHS.contains(&part) => length.replace('d', "j"),
            (Lang::Fr, choice) if part == "extraction.at-limit" => then_in_french(choice),
            (Lang::Fr, rule) if part.starts_with("signals.") => rule_in_french(rule),
            (Lang::Fr, _) => value.to_owned(),
        }
    }
}

/// What is done at a limit, or on a signal.
fn then_in_french(then: &str) -> String {
    match then {
        "end" => "mettre fin",
        "slow" => "ralentir",
        "hold" => "suspendre",
        "notify" => "signaler",
        other => other,
    }
    .to_owned()
}

/// `notify: 5 times the past, from 1 MiB a minute`, `hold: outside mon-fri 07:00-20:00 UTC`. Whatever is not of this form stays.
fn rule_in_french(rule: &str) -> String {
    let Some((then, what)) = rule.split_once(": ") else {
        return rule.to_owned();
    };
    let what = if let Some(usual) = what.strip_prefix("outside ") {
        let usual = Schedule::parse(usual)
            .map_or_else(|_| usual.to_owned(), |usual| hours::hours(Lang::Fr, &usual));
        format!("en dehors de {usual}")
    } else {
        let what = what.replace(" times the past, from ", " fois le passé, à partir de ");
        what.replace(" a minute", " par minute")
            .replace(" for ", " pendant ")
    };
    format!("{}\u{a0}: {what}", then_in_french(then))
}

/// `command: * (owner Odile, until 2027-03-31, why: Ansible)`, `owner Odile, until 2027-03-31`: the words between what the
/// document says itself. Whatever is not of this form stays.
fn in_french(answered: &str) -> String {
    let (before, rest) = match answered.split_once("owner ") {
        Some((before, rest)) if before.is_empty() || before.ends_with(['(', ' ']) => (before, rest),
        Some(_) | None => return answered.to_owned(),
    };
    let Some((owner, rest)) = rest.split_once(", until ") else {
        return answered.to_owned();
    };
    let rest = rest.replacen(", why: ", ", motif\u{a0}: ", 1);
    format!("{before}responsable {owner}, jusqu'au {rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_said_in_the_readers_language() {
        let texts = Texts::load().unwrap();
        for (line, french, english) in [
            (
                "disabled: false -> true",
                "hors service (disabled)\u{a0}: non -> oui",
                "disabled: false -> true",
            ),
            (
                "retention.keep: 60d -> 90d",
                "conservation (retention.keep)\u{a0}: 60j -> 90j",
                "retention.keep: 60d -> 90d",
            ),
            (
                "expires: 2027-12-01T00:00:00Z -> nothing",
                "dernier jour du compte (expires)\u{a0}: 2027-11-30 -> rien",
                "expires: 2027-11-30 -> nothing",
            ),
            (
                "expires: 2027-11-30 -> 2027-12-01T18:00:00Z",
                "dernier jour du compte (expires)\u{a0}: 2027-11-30 -> 2027-12-01T18:00:00Z",
                "expires: 2027-11-30 -> 2027-12-01T18:00:00Z",
            ),
            (
                "retention.service-ended: 2026-10-02T00:00:00Z",
                "dernier jour de la prestation (retention.service-ended)\u{a0}: 2026-10-01",
                "retention.service-ended: 2026-10-01",
            ),
            (
                "allow: + command: * (owner Odile, until 2027-11-30, why: Ansible)",
                "permet (allow)\u{a0}: + command: * (responsable Odile, jusqu'au 2027-11-30, motif\u{a0}: Ansible)",
                "allow: + command: * (owner Odile, until 2027-11-30, why: Ansible)",
            ),
            (
                "approval.long: owner Odile, until 2027-11-30",
                "durée longue (approval.long)\u{a0}: responsable Odile, jusqu'au 2027-11-30",
                "approval.long: owner Odile, until 2027-11-30",
            ),
            (
                "allow: + command: echo true",
                "permet (allow)\u{a0}: + command: echo true",
                "allow: + command: echo true",
            ),
            (
                "name: a -> true",
                "nom (name)\u{a0}: a -> true",
                "name: a -> true",
            ),
            (
                "extraction.at-limit: end -> hold",
                "une fois le budget épuisé (extraction.at-limit)\u{a0}: mettre fin -> suspendre",
                "extraction.at-limit: end -> hold",
            ),
            (
                "signals.burst: notify: 5 times the past, from 1 MiB a minute",
                "signal de rafale (signals.burst)\u{a0}: signaler\u{a0}: 5 fois le passé, à partir de 1 MiB par minute",
                "signals.burst: notify: 5 times the past, from 1 MiB a minute",
            ),
            (
                "signals.hours: hold: outside mon-fri 07:00-20:00 UTC",
                "signal d'horaire (signals.hours)\u{a0}: suspendre\u{a0}: en dehors de lun-ven 07:00-20:00 UTC",
                "signals.hours: hold: outside mon-fri 07:00-20:00 UTC",
            ),
            (
                "extraction.up-session: 50 MiB",
                "au plus par session, en entrée (extraction.up-session)\u{a0}: 50 MiB",
                "extraction.up-session: 50 MiB",
            ),
            (
                "posture.high.at-most: 1d",
                "posture renforcée, durée au plus (posture.high.at-most)\u{a0}: 1j",
                "posture.high.at-most: 1d",
            ),
            (
                "later: 1d -> 2d",
                "later\u{a0}: 1d -> 2d",
                "later: 1d -> 2d",
            ),
        ] {
            assert_eq!(texts.part(Lang::Fr, line), french);
            assert_eq!(texts.part(Lang::En, line), english);
        }
    }
}
