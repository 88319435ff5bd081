//! The prompt that commands are typed at, with news above it as they come.

use std::time::Instant;

use super::commands::{Next, execute};
use super::desk::{Desk, Trouble, status};
use super::doors::{Doors, NEWS, show_news};
use super::notices::Notices;
use super::standing::Standing;
use crate::deeds::news;
use crate::terminal::{History, Line, Prompt};

/// Longest command line, in characters.
const LONGEST_LINE: usize = 4000;

/// The prompt: commands until `exit`, with news above it as they come.
pub(crate) async fn prompt(desk: &mut Desk<'_>) -> Result<u32, Trouble> {
    let mut history = History::default();
    let mut changes = news::follow(desk.gateway, desk.visitor);
    let mut documents = desk.gateway.documents.clone();
    let mut notices = Notices::begin(desk).await?;
    desk.line(
        "lobby-welcome",
        &[("person", desk.person().as_str().into())],
    )
    .await?;
    let mut doors = Doors::greet(desk).await?;
    let mut standing = Standing::greet(desk).await?;
    notices.greet(desk).await?;
    desk.line("lobby-hint", &[]).await?;
    loop {
        let mut prompt = Prompt::new(&label(desk), LONGEST_LINE);
        prompt.show(desk.terminal).await?;
        let line = loop {
            tokio::select! {
                event = desk.terminal.event() => {
                    if let Some(line) = prompt.event(event?, desk.terminal, Some(&history)).await? {
                        break line;
                    }
                }
                Ok(()) = changes.changed() => tell_news(desk, &mut notices, &mut prompt).await?,
                () = until(notices.due()) => tell_news(desk, &mut notices, &mut prompt).await?,
                Ok(()) = documents.changed() => {
                    if let Some(ended) = desk.ended() {
                        prompt.hide(desk.terminal).await?;
                        desk.terminal.err_line(&ended).await?;
                        return Ok(status::NOT_ADMITTED);
                    }
                    let mut news = doors.news(desk);
                    news.extend(standing.news(desk));
                    // What a closed door kept back begins once it is open.
                    if doors.are_open() && notices.are_kept_back() {
                        notices = Notices::begin(desk).await?;
                    }
                    show_news(desk, news, &mut prompt).await?;
                    tell_news(desk, &mut notices, &mut prompt).await?;
                }
            }
        };
        match line {
            Line::Text(text) => {
                history.remember(&text);
                if let Next::Exit = execute(desk, &text).await? {
                    break;
                }
                for line in notices.news(desk).await? {
                    desk.terminal.hanging(&line, NEWS).await?;
                }
            }
            Line::Interrupted => {}
            Line::End => break,
        }
    }
    desk.line("common-bye", &[]).await?;
    Ok(status::DONE)
}

async fn tell_news(
    desk: &mut Desk<'_>,
    notices: &mut Notices,
    prompt: &mut Prompt,
) -> Result<(), Trouble> {
    let news = notices.news(desk).await?;
    show_news(desk, news, prompt).await
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

fn label(desk: &Desk<'_>) -> String {
    format!("{}> ", desk.terminal.bold("écluse"))
}
