//! Whom a client has accepted, in words (P1, I10).

use crate::clock;
use crate::deeds::people::{self, Done, People, Person, Stands, by_provider};
use crate::deeds::{Undone, Wants};
use crate::faces::lobby::commands::Command;
use crate::faces::lobby::desk::{Desk, Trouble, status};
use crate::faces::lobby::words::Misuse;
use crate::faces::lobby::{grammar, shown, step_up};
use crate::texts::times;

/// `people`; asks for a code where one is wanted.
pub(crate) async fn people(
    desk: &mut Desk<'_>,
    command: &Command,
    words: &[String],
) -> Result<u32, Trouble> {
    let ask: People = grammar::parse(words)?;
    if ask.answer.is_some() && ask.person.is_none() {
        return Err(Misuse::Missing("usage-no-person").into());
    }
    let mut done = people::people(desk.gateway, desk.visitor, ask.clone()).await;
    if let Err(Undone::Wants(Wants::Code(refusal))) = &done {
        if let Some(status) = step_up::code(desk, command, words, refusal).await? {
            return Ok(status);
        }
        done = people::people(desk.gateway, desk.visitor, ask).await;
    }
    let (id, person, provider, sessions) = match done? {
        Done::Listed(all) => {
            list(desk, &all).await?;
            return Ok(status::DONE);
        }
        Done::Accepted {
            person,
            provider,
            is_new,
        } => {
            let id = match is_new {
                true => "people-accepted",
                false => "people-accepted-before",
            };
            (id, person, provider, 0)
        }
        Done::Refused {
            person,
            provider,
            is_new,
            sessions,
        } => {
            let id = match is_new {
                true => "people-refused",
                false => "people-refused-before",
            };
            (id, person, provider, sessions)
        }
    };
    let args = [
        ("person", person.as_str().into()),
        ("provider", provider.as_str().into()),
        ("count", sessions.into()),
    ];
    desk.line(id, &args).await?;
    Ok(status::DONE)
}

async fn list(desk: &mut Desk<'_>, all: &[Person]) -> Result<(), Trouble> {
    if all.is_empty() {
        desk.line("people-none", &[]).await?;
    }
    for (provider, people) in by_provider(all) {
        let applied = desk.applied();
        let name = applied.documents.provider(provider);
        let name = name.map_or_else(String::new, |provider| provider.name.clone());
        let head = desk.terminal.bold(&format!("{provider} ({name})"));
        desk.terminal.line(&head).await?;
        for (place, person) in people.into_iter().enumerate() {
            if place > 0 {
                desk.terminal.line("").await?;
            }
            let fields = fields(desk, person);
            desk.terminal.fields(&fields).await?;
        }
    }
    Ok(())
}

fn fields(desk: &Desk<'_>, person: &Person) -> Vec<(String, String)> {
    let now = clock::now();
    let moment = |at| times::moment(at, now, None);
    let since = person.since.map(moment).unwrap_or_default();
    let by = person.by.as_ref().map(ToString::to_string);
    let (id, by) = match (person.stands, by) {
        (Stands::Accepted, Some(by)) => ("people-stands-accepted", by),
        (Stands::Accepted, None) => ("people-stands-first", String::new()),
        (Stands::Refused, by) => ("people-stands-refused", by.unwrap_or_default()),
        (Stands::New, _) => ("people-stands-new", String::new()),
    };
    let args = [
        ("by", by.into()),
        ("time", since.into()),
        ("person", person.person.as_str().into()),
    ];
    let mut stands = desk.say(id, &args);
    if person.kept_out {
        stands = format!("{stands} · {}", desk.say("people-kept-out", &[]));
    }
    let certified = person
        .authorities
        .iter()
        .map(|key| desk.say("people-key-certificate", &[("key", key.as_str().into())]));
    let keys: Vec<String> = person.keys.iter().cloned().chain(certified).collect();
    let last = match person.last {
        Some(at) => moment(at),
        None => desk.say("people-last-never", &[]),
    };
    let label = |id: &str| desk.say(id, &[]);
    vec![
        (
            label("field-person"),
            format!("{} ({})", person.person, person.name),
        ),
        (label("field-stands"), stands),
        (label("field-stations"), shown::names(&person.stations)),
        (label("field-keys"), shown::names(&keys)),
        (label("field-last-session"), last),
    ]
}
