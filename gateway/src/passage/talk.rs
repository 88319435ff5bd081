//! Channels that the gateway answers itself: the lobby, the waiting room, operators' and auditors' commands.
//!
//! Carries bytes between a technician's channel and a [`Terminal`], whose other end knows no SSH.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::channel::{Opening, Start, TerminalRequest, WindowSize, told_size};
use super::downlink::{Gone, Stream};
use super::uplink::Item;
use super::visit::Visit;
use crate::admission::{self, Visitor};
use crate::gateway::Gateway;
use crate::terminal::{Size, Terminal, TerminalEnds, TerminalInput, TerminalOutput};

/// Serves a person who named no target: a prompt, or one command. Returns the exit status.
pub(crate) async fn converse(
    visit: &Arc<Visit>,
    opening: &Opening,
    start: &Start,
) -> Result<u32, Gone> {
    let command = match start {
        Start::Shell => None,
        Start::Command(command) => Some(String::from_utf8_lossy(command).into_owned()),
    };
    let size = opening.terminal.as_ref().map(told_size);
    let term = opening
        .terminal
        .as_ref()
        .map_or(TerminalRequest::PLAIN, TerminalRequest::name);
    attend(
        visit,
        opening,
        size,
        term,
        |mut terminal, gateway, visitor| async move {
            admission::run(&mut terminal, &gateway, &visitor, command.as_deref()).await
        },
    )
    .await
}

/// Lets `talk` use the technician's terminal before the target gets it.
pub(crate) async fn with_terminal<T, F>(
    visit: &Arc<Visit>,
    opening: &Opening,
    terminal: &TerminalRequest,
    talk: impl FnOnce(Terminal, Arc<Gateway>, Arc<Visitor>) -> F,
) -> Result<T, Gone>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    attend(
        visit,
        opening,
        Some(told_size(terminal)),
        terminal.name(),
        talk,
    )
    .await
}

/// Lets `talk` speak to a technician who has no terminal.
pub(crate) async fn without_terminal<T, F>(
    visit: &Arc<Visit>,
    opening: &Opening,
    talk: impl FnOnce(Terminal, Arc<Gateway>, Arc<Visitor>) -> F,
) -> Result<T, Gone>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    attend(visit, opening, None, "dumb", talk).await
}

async fn attend<T, F>(
    visit: &Arc<Visit>,
    opening: &Opening,
    size: Option<Size>,
    term: &str,
    talk: impl FnOnce(Terminal, Arc<Gateway>, Arc<Visitor>) -> F,
) -> Result<T, Gone>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let visitor = Arc::clone(visit.visitor());
    let (terminal, ends) = Terminal::new(size, term, visitor.authenticated.lang());
    // The talk owns the terminal, so that the output ends when the talk does and nothing it said is lost. It runs beside
    // the workers: a dialogue may read whole recordings, and no session may wait for that.
    let talk = talk(terminal, Arc::clone(visit.gateway()), visitor);
    let mut talking = Talking(visit.gateway().talks.spawn(talk));
    let talk = async { (&mut talking.0).await.map_err(|_| Gone) };
    carry(ends, opening, talk).await?
}

/// A talk that ends when nobody listens any more.
struct Talking<T>(JoinHandle<T>);

impl<T> Drop for Talking<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn carry<T>(
    ends: TerminalEnds,
    opening: &Opening,
    talk: impl Future<Output = T>,
) -> Result<T, Gone> {
    let Opening {
        uplink, downlink, ..
    } = opening;
    let TerminalEnds { input, mut output } = ends;
    let mut input = Some(input);
    let mut result = None;
    tokio::pin!(talk);
    loop {
        tokio::select! {
            said = output.recv() => match said {
                Some(TerminalOutput::Out(bytes)) => downlink.send(Stream::Output, bytes).await?,
                Some(TerminalOutput::Err(bytes)) => downlink.send(Stream::ErrorOutput, bytes).await?,
                None => match result {
                    Some(result) => return Ok(result),
                    // The terminal was dropped before the talk's last steps; they need no terminal.
                    None => return Ok(talk.await),
                },
            },
            done = &mut talk, if result.is_none() => {
                result = Some(done);
                // What is typed from here on is for whoever has the channel next.
                input = None;
            }
            item = uplink.next(), if input.is_some() => {
                if !hand_over(item, opening, &mut input) {
                    return Err(Gone);
                }
            }
        }
    }
}

/// Hands an item to the talk; false when the technician has left.
fn hand_over(
    item: Item,
    opening: &Opening,
    input: &mut Option<mpsc::Sender<TerminalInput>>,
) -> bool {
    let event = match item {
        Item::Data(bytes) => TerminalInput::Bytes(bytes),
        Item::Resize {
            cols,
            rows,
            width,
            height,
        } => {
            opening.resize(WindowSize {
                cols,
                rows,
                width,
                height,
            });
            TerminalInput::Resize(Size::told(cols, rows))
        }
        Item::Eof => TerminalInput::Eof,
        // Nothing of ours runs on a signal; Ctrl-C arrives as a byte.
        Item::Signal(_) => return true,
        Item::Close => return false,
    };
    // A person types slower than this fills; what a machine pours in beyond it is dropped, not queued.
    if let Some(input) = input {
        let _ = input.try_send(event);
    }
    true
}
