//! Who is let in and who is not, said where people look first: to technicians what bars them from a client, to operators who is
//! new and what their client keeps out (I5, I8, P1). Said in the greeting, as it changes, and beside what it explains.

use std::collections::{BTreeMap, BTreeSet};

use ecluse_policy::{ClientId, Refusal, Role, bars};

use super::desk::{Desk, Trouble};
use super::operator::keep_out::named;
use crate::clock;
use crate::deeds::{keep_out, people};

/// How it stood when it was last said: each line, and the client that a technician is barred from by it.
pub(super) struct Standing(BTreeMap<String, Option<ClientId>>);

impl Standing {
    /// Says how it stands.
    pub(super) async fn greet(desk: &mut Desk<'_>) -> Result<Self, Trouble> {
        tell(desk).await?;
        Ok(Self(lines(desk)))
    }

    /// One line for each thing that is so since, and for each client that lets a technician come again.
    pub(super) fn news(&mut self, desk: &Desk<'_>) -> Vec<String> {
        let before = std::mem::replace(&mut self.0, lines(desk));
        let is_kept_out = |line: &&String| !is_of_what_is_kept_out(desk, line);
        // What an operator keeps out is told with who did it, as a change.
        let new = self.0.keys().filter(|line| !before.contains_key(*line));
        let mut news: Vec<String> = new.filter(is_kept_out).cloned().collect();
        let barred = |client: &ClientId| self.0.values().flatten().any(|one| one == client);
        let clients: BTreeSet<&ClientId> = before.values().flatten().collect();
        for client in clients.into_iter().filter(|client| !barred(client)) {
            news.push(desk.say("let-in", &[("client", client.as_str().into())]));
        }
        news
    }
}

/// Says how it stands; how many lines.
pub(super) async fn tell(desk: &mut Desk<'_>) -> Result<usize, Trouble> {
    let lines = lines(desk);
    for line in lines.keys() {
        desk.terminal.hanging(line, super::doors::NEWS).await?;
    }
    Ok(lines.len())
}

fn is_of_what_is_kept_out(desk: &Desk<'_>, line: &str) -> bool {
    kept_out(desk).is_some_and(|kept| kept == line)
}

fn lines(desk: &Desk<'_>) -> BTreeMap<String, Option<ClientId>> {
    let applied = desk.applied();
    let mut lines = BTreeMap::new();
    match desk.visitor.authenticated.role() {
        Role::Technician { .. } => {
            let Ok(by) = desk.visitor.as_technician(&applied) else {
                return lines;
            };
            for bar in bars(&applied.documents, by.presence(), by.now()) {
                let mut from = None;
                if let Refusal::KeptOut { client, .. }
                | Refusal::NotAccepted { client, .. }
                | Refusal::PersonRefused { client, .. } = &bar
                {
                    from = Some(client.clone());
                }
                let texts = &desk.gateway.texts;
                lines.insert(texts.refusal(desk.lang(), &bar, clock::now()), from);
            }
        }
        Role::Operator { .. } => {
            let Ok(by) = desk.visitor.as_operator(&applied) else {
                return lines;
            };
            for one in people::newcomers(&by) {
                let args = [
                    ("person", one.person.as_str().into()),
                    ("provider", one.provider.as_str().into()),
                ];
                lines.insert(desk.say("people-newcomer", &args), None);
            }
            lines.extend(kept_out(desk).map(|line| (line, None)));
        }
        Role::Auditor { .. } => {}
    }
    lines
}

/// What an operator's client keeps out, in one line.
fn kept_out(desk: &Desk<'_>) -> Option<String> {
    let applied = desk.applied();
    let by = desk.visitor.as_operator(&applied).ok()?;
    let all = keep_out::standing(&by);
    let what: Vec<String> = all.iter().map(|one| named(desk, &one.kept)).collect();
    let args = [("what", what.join(", ").into())];
    (!what.is_empty()).then(|| desk.say("keep-out-standing", &args))
}
