//! Who is let in and who is not, said where people look first: to technicians what bars them from a client, to operators who is
//! new and what their client keeps out (I5, I8, P1). Said in the greeting, as it changes, and beside what it explains.

use std::collections::{BTreeMap, BTreeSet};

use ecluse_policy::{ClientId, Refusal, Role, bars, clients_concerned};

use super::desk::{Desk, Trouble};
use super::operator::keep_out::named;
use super::operator::posture::{means, standing};
use crate::clock;
use crate::deeds::posture::Stands;
use crate::deeds::{keep_out, people};

/// How it stood when it was last said: each line, and the client that a technician is barred from by it; and the clients in
/// heightened posture.
pub(super) struct Standing(BTreeMap<String, Option<ClientId>>, BTreeSet<ClientId>);

impl Standing {
    /// Says how it stands.
    pub(super) async fn greet(desk: &mut Desk<'_>) -> Result<Self, Trouble> {
        tell(desk).await?;
        Ok(Self(lines(desk), heightened(desk)))
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
        let high = heightened(desk);
        for client in self.1.difference(&high) {
            let args = [("client", client.as_str().into())];
            news.push(desk.say("posture-is-over", &args));
        }
        self.1 = high;
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

/// The clients of theirs whose posture is heightened.
fn heightened(desk: &Desk<'_>) -> BTreeSet<ClientId> {
    let documents = &desk.applied().documents;
    let mut clients = clients_concerned(documents, desk.person());
    clients.retain(|client| documents.posture(client).is_some());
    clients
}

/// Says which clients of theirs are in heightened posture, and what that means.
pub(super) async fn tell_posture(desk: &mut Desk<'_>) -> Result<(), Trouble> {
    for line in postures(desk) {
        desk.terminal.hanging(&line, super::doors::NEWS).await?;
    }
    Ok(())
}

fn postures(desk: &Desk<'_>) -> Vec<String> {
    let clients = heightened(desk).into_iter();
    clients
        .filter_map(|client| posture_of(desk, &client))
        .collect()
}

/// That a client is in heightened posture, where it is, and what that means.
pub(super) fn posture_of(desk: &Desk<'_>, client: &ClientId) -> Option<String> {
    let documents = &desk.applied().documents;
    documents.posture(client)?;
    let stands = Stands::at(documents, client)?;
    let (said, means) = (standing(desk, &stands), means(desk, &stands.means));
    Some(format!("{said} {means}"))
}

fn lines(desk: &Desk<'_>) -> BTreeMap<String, Option<ClientId>> {
    let applied = desk.applied();
    let mut lines = BTreeMap::new();
    lines.extend(postures(desk).into_iter().map(|line| (line, None)));
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
