//! Doors that are closed because a document is not the one on record: said in the greeting, and as they close and open.

use std::collections::BTreeSet;

use ecluse_policy::{ClientId, Refusal, closed_doors};

use super::desk::{Desk, Trouble};
use crate::clock;
use crate::terminal::Prompt;

/// How far the second line of a piece of news stands in: it may hold words of others, and is no news of its own.
pub(super) const NEWS: usize = 4;

/// The closed doors that the person was told of.
pub(super) struct Doors(BTreeSet<ClientId>);

impl Doors {
    /// Tells of those that are closed to the person now.
    pub(super) async fn greet(desk: &mut Desk<'_>) -> Result<Self, Trouble> {
        let doors = Self(closed(desk));
        doors.tell(desk).await?;
        Ok(doors)
    }

    async fn tell(&self, desk: &mut Desk<'_>) -> Result<(), Trouble> {
        for client in &self.0 {
            let line = is_closed(desk, client);
            desk.terminal.err_line(&line).await?;
        }
        Ok(())
    }

    /// Whether all are open.
    pub(super) fn are_open(&self) -> bool {
        self.0.is_empty()
    }

    /// One line for each that closed or opened since.
    pub(super) fn news(&mut self, desk: &Desk<'_>) -> Vec<String> {
        let before = std::mem::replace(&mut self.0, closed(desk));
        let shut = self.0.difference(&before);
        let opened = before.difference(&self.0);
        let opens =
            |client: &ClientId| desk.say("door-open-again", &[("client", client.as_str().into())]);
        shut.map(|client| is_closed(desk, client))
            .chain(opened.map(opens))
            .collect()
    }
}

/// Says which doors are closed to the person, where what they may do there is looked up; how many.
pub(super) async fn tell_closed(desk: &mut Desk<'_>) -> Result<usize, Trouble> {
    let doors = Doors(closed(desk));
    doors.tell(desk).await?;
    Ok(doors.0.len())
}

fn closed(desk: &Desk<'_>) -> BTreeSet<ClientId> {
    closed_doors(&desk.applied().documents, desk.person())
}

fn is_closed(desk: &Desk<'_>, client: &ClientId) -> String {
    let client = client.clone();
    let texts = &desk.gateway.texts;
    texts.refusal(desk.lang(), &Refusal::DoorClosed { client }, clock::now())
}

/// Says news above the prompt.
pub(super) async fn show_news(
    desk: &mut Desk<'_>,
    news: Vec<String>,
    prompt: &mut Prompt,
) -> Result<(), Trouble> {
    if !news.is_empty() {
        prompt.hide(desk.terminal).await?;
        for line in news {
            desk.terminal.hanging(&line, NEWS).await?;
        }
        prompt.show(desk.terminal).await?;
    }
    Ok(())
}
