//! What a technician is told before anything passes: that it is recorded (P3), and in which session.
//!
//! A shell is told each time, on its terminal. A command is told by one line of standard error, and not by every one of a
//! hundred `scp`: once a connection, and not again for as long as a proven factor is remembered.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use ecluse_policy::documents::{Client, Regime};
use ecluse_policy::extraction::{Budget, ByteCount, Spent, Way};
use ecluse_policy::{ClientId, Lang, PersonId, Span, StationId, Timestamp};

use super::channel::{Opening, Start};
use super::visit::Visit;
use super::visit::sessions::Seated;
use super::window::told_size;
use crate::clock;
use crate::extraction::budgeted::{Budgeted, standing};
use crate::gateway::Gateway;
use crate::live::budget_key;
use crate::store::Booked;
use crate::terminal::layout;
use crate::texts::{Texts, Value, amounts, times};

/// To whom it was said, from where, about whose recordings.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Hearer {
    person: PersonId,
    station: StationId,
    source: IpAddr,
    client: ClientId,
}

/// Who was told what lately.
#[derive(Debug, Default)]
pub(crate) struct Told(Mutex<HashMap<Hearer, (String, Timestamp)>>);

impl Told {
    /// Whether `words` are to be said: not where the same were said within `remember`. They are said then.
    fn again(&self, hearer: Hearer, words: &str, remember: Span, now: Timestamp) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back tells again.
        told.retain(|_, (_, at)| *at <= now && now.since(*at) < remember);
        let again = told.get(&hearer).is_none_or(|(said, _)| said != words);
        if again {
            told.insert(hearer, (words.to_owned(), now));
        }
        again
    }
}

/// What a technician is told.
pub(super) struct Notice {
    /// On one line, for the recording.
    pub(super) recorded: String,
    /// In whole lines, as the channel shows it.
    pub(super) shown: String,
}

/// What the technician of one channel is told before its first byte; `leaves` is how much may leave.
pub(super) fn for_channel(
    visit: &Visit,
    opening: &Opening,
    start: &Start,
    seated: &Seated,
    leaves: &[(Budget, Spent)],
) -> Option<Notice> {
    let (gateway, now) = (visit.gateway(), seated.session.live().now());
    let (texts, lang) = (&gateway.texts, visit.lang());
    let facts = seated.session.live().facts();
    let session = || ("session", facts.number.into());
    let number = || ("number", facts.intervention_number.to_string().into());
    let mut lines = Vec::new();
    if let Some(before) = seated.beside {
        let args = [session(), number(), ("before", before.into())];
        lines.push(texts.say(lang, "notice-beside", &args));
    }
    let words = match gateway.applied().documents.client(&facts.client) {
        Some(client) => words(texts, lang, client),
        None => String::new(),
    };
    let hearer = Hearer {
        person: facts.person.clone(),
        station: facts.station.clone(),
        source: facts.source.ip(),
        client: facts.client.clone(),
    };
    let remember = gateway.settings.authentication.remember;
    let first = visit.tell_once();
    let again = first && gateway.told.again(hearer, &words, remember, now);
    let at_a_prompt = matches!(start, Start::Shell) && opening.terminal.is_some();
    if at_a_prompt || again {
        let left = times::countdown(lang, seated.permit.closes_at().since(now));
        let args = [session(), number(), ("left", left.into())];
        let session = texts.say(lang, "notice-session", &args);
        let budgets = budgets(texts, lang, leaves);
        let then = seated.admission.then().map(|(number, length)| {
            let args = [
                ("number", number.to_string().into()),
                ("length", times::length_in(lang, length).into()),
            ];
            texts.say(lang, "notice-then", &args)
        });
        let mark = at_a_prompt.then(|| {
            let args = [("mark", seated.session.mark().into())];
            texts.say(lang, "notice-mark", &args)
        });
        let told: Vec<String> = [Some(session), then, Some(words), budgets, mark]
            .into_iter()
            .flatten()
            .filter(|words| !words.is_empty())
            .collect();
        lines.push(told.join(" "));
    }
    if lines.is_empty() {
        return None;
    }
    let recorded = lines.join(" ");
    // A person's prompt is wrapped at words; a command's line is one line, however long.
    let columns = opening
        .terminal_now()
        .filter(|_| at_a_prompt)
        .map(|terminal| usize::from(told_size(&terminal).cols));
    if let Some(columns) = columns {
        lines = lines
            .iter()
            .flat_map(|line| layout::wrap(line, columns, 0))
            .collect();
    }
    let end = if opening.terminal.is_some() {
        "\r\n"
    } else {
        "\n"
    };
    let shown = lines.into_iter().map(|line| line + end).collect();
    Some(Notice { recorded, shown })
}

/// The budgets of what leaves, with what was added to them, and what of each is spent.
pub(super) async fn as_they_stand(gateway: &Gateway, pays_by: &Budgeted) -> Vec<(Budget, Spent)> {
    let charges = pays_by.charges(Way::Down, clock::agreed());
    let accounts: Vec<String> = charges.iter().map(|one| one.account.key.clone()).collect();
    // Without the store nothing is begun; what its documents say is then still true.
    let booked = gateway.store.booked(&accounts).await.unwrap_or_default();
    let booked = booked
        .into_iter()
        .chain(std::iter::repeat(Booked::default()));
    let all = charges.iter().zip(booked);
    all.map(|(charge, booked)| {
        let (budget, Spent(spent)) = standing(charge, &booked);
        // What is drawn here and not used has not left.
        let unused = ByteCount::new(gateway.extraction.unused_of(&charge.account.key));
        (budget, Spent(spent.minus(unused)))
    })
    .collect()
}

/// How much may leave, and what is left of that; none where nothing bounds it.
fn budgets(texts: &Texts, lang: Lang, budgets: &[(Budget, Spent)]) -> Option<String> {
    let limits = budgets.iter().filter_map(|(one, Spent(spent))| {
        let limit = one.bytes.bytes()?;
        let size = |bytes: ByteCount| Value::from(amounts::size(lang, bytes.as_u64()));
        let name = texts.budget(lang, &budget_key(one.level, one.way));
        let (limit_of, left) = (size(limit), size(limit.minus(*spent)));
        let id = if spent.as_u64() == 0 {
            "notice-budget-whole"
        } else {
            "notice-budget-left"
        };
        let args = [("limit", limit_of), ("left", left), ("name", name.into())];
        Some(texts.say(lang, id, &args))
    });
    let limits = limits.collect::<Vec<_>>().join(", ");
    let args = [("limits", limits.as_str().into())];
    (!limits.is_empty()).then(|| texts.say(lang, "notice-budget", &args))
}

/// A client's own words, or a sentence that its document makes: recorded, perhaps watched, read by whom, kept how long.
fn words(texts: &Texts, lang: Lang, client: &Client) -> String {
    if let Some(words) = client.notice.in_lang(lang) {
        return words.to_owned();
    }
    let auditors = || {
        let names: Vec<&str> = client
            .auditors
            .iter()
            .map(|auditor| auditor.name.as_str())
            .collect();
        if names.is_empty() {
            return texts.say(lang, "notice-auditors", &[]);
        }
        let names = names.join(", ");
        texts.say(lang, "notice-auditors-named", &[("names", names.into())])
    };
    let keys = || {
        let count = client.recordings.recipients.len();
        texts.say(lang, "notice-keys", &[("count", count.into())])
    };
    // Auditors read at the gateway, where it holds a key itself.
    let keyed = !client.recordings.recipients.is_empty();
    let readers = match (client.recordings.gateway, keyed) {
        (true, false) => auditors(),
        (false, _) => keys(),
        (true, true) => {
            let args = [("auditors", auditors().into()), ("keys", keys().into())];
            texts.say(lang, "notice-auditors-and-keys", &args)
        }
    };
    let rules = &client.retention;
    let from = match rules.regime {
        Regime::Mj => "notice-kept",
        Regime::Ext | Regime::Own => "notice-kept-session",
    };
    let kept = match &rules.legal_hold {
        None => texts.say(
            lang,
            from,
            &[("keep", times::spelled(lang, rules.told()).into())],
        ),
        Some(_) => texts.say(lang, "notice-kept-hold", &[]),
    };
    let args = [
        ("client", client.name.as_str().into()),
        ("readers", readers.into()),
        ("kept", kept.into()),
    ];
    texts.say(lang, "notice-recorded", &args)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_words_are_said_once_while_they_are_remembered() {
        let told = Told::default();
        let hearer = |source: &str| Hearer {
            person: PersonId::parse("alice").unwrap(),
            station: StationId::parse("poste-1").unwrap(),
            source: source.parse().unwrap(),
            client: ClientId::parse("hopital").unwrap(),
        };
        let at = |seconds| Timestamp::from_micros(0).plus(Span::from_secs(seconds));
        let remember = Span::from_secs(600);
        let here = || hearer("192.0.2.7");
        assert!(told.again(here(), "recorded", remember, at(0)));
        assert!(!told.again(here(), "recorded", remember, at(599)));
        assert!(told.again(here(), "recorded, and read by others", remember, at(599)));
        assert!(told.again(hearer("192.0.2.8"), "recorded", remember, at(599)));
        assert!(told.again(here(), "recorded, and read by others", remember, at(1199)));
        // Nothing is remembered: once a connection is the visit's business.
        let nothing = Span::from_secs(0);
        assert!(told.again(here(), "recorded", nothing, at(1200)));
        assert!(told.again(here(), "recorded", nothing, at(1200)));
    }
}
