//! Channels that the gateway answers itself: the lobby, the waiting room, operators' and auditors' commands.
//!
//! Carries bytes between a technician's channel and a [`Terminal`], whose other end knows no SSH.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::channel::{Opening, Start};
use super::downlink::{Gone, Stream};
use super::uplink::{Item, Uplink};
use super::visit::Visit;
use super::window::{TerminalRequest, WindowSize, told_size};
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
    let send = |stream, bytes| opening.say(stream, bytes);
    carry(
        ends,
        &opening.uplink,
        send,
        |size| opening.resize(size),
        talk,
    )
    .await?
}

/// A talk that ends when nobody listens any more.
struct Talking<T>(JoinHandle<T>);

impl<T> Drop for Talking<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Carries until the talk is over and everything that it said was sent. What arrives afterwards stays in the queue, for
/// whoever has the channel next; a size that was taken out before is in `resized`. So none is lost, whenever it comes.
async fn carry<T, S: Future<Output = Result<(), Gone>>>(
    ends: TerminalEnds,
    uplink: &Uplink,
    send: impl Fn(Stream, Bytes) -> S,
    resized: impl Fn(WindowSize),
    talk: impl Future<Output = T>,
) -> Result<T, Gone> {
    let TerminalEnds { input, mut output } = ends;
    let mut input = Some(input);
    let mut result = None;
    tokio::pin!(talk);
    loop {
        tokio::select! {
            said = output.recv() => match said {
                Some(TerminalOutput::Out(bytes)) => send(Stream::Output, bytes).await?,
                Some(TerminalOutput::Err(bytes)) => send(Stream::ErrorOutput, bytes).await?,
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
                if !hand_over(item, &resized, &mut input) {
                    return Err(Gone);
                }
            }
        }
    }
}

/// Hands an item to the talk; false when the technician has left.
fn hand_over(
    item: Item,
    resized: &impl Fn(WindowSize),
    input: &mut Option<mpsc::Sender<TerminalInput>>,
) -> bool {
    let event = match item {
        Item::Data(bytes) => TerminalInput::Bytes(bytes),
        Item::Resize { cols, rows } => {
            resized(WindowSize { cols, rows });
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use ecluse_policy::Lang;
    use tokio::sync::{Semaphore, oneshot};

    use super::*;
    use crate::passage::testing::uplink;
    use crate::terminal::Event;

    fn resize(cols: u32) -> Item {
        Item::Resize { cols, rows: 24 }
    }

    /// When the window is pulled to another size, seen from the talk.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum When {
        BeforeItBegins,
        WhileItWaits,
        /// It is over, and what it said last waits for a technician who does not read.
        WhileItsLastWordsGoOut,
        AfterItIsOver,
    }

    use When::{AfterItIsOver, BeforeItBegins, WhileItWaits, WhileItsLastWordsGoOut};

    /// Whenever the window is pulled to another size while its user is asked or waits, the shell that comes next knows
    /// the last one, by what was remembered or by what still waits in the queue.
    #[tokio::test]
    async fn a_size_is_never_lost_between_the_talk_and_the_shell() {
        let orders: [&[When]; 7] = [
            &[BeforeItBegins],
            &[WhileItWaits],
            &[WhileItsLastWordsGoOut],
            &[AfterItIsOver],
            &[BeforeItBegins, WhileItWaits],
            &[WhileItWaits, WhileItsLastWordsGoOut],
            &[
                BeforeItBegins,
                WhileItWaits,
                WhileItsLastWordsGoOut,
                AfterItIsOver,
            ],
        ];
        for order in orders {
            // What is ready at once is looked at in any order, so each order is tried often.
            for _ in 0..50 {
                let width = width_after(order).await;
                assert_eq!(width, Some(order.len() as u32), "{order:?}");
            }
        }
    }

    /// The width that the shell gets, where the window is made one column wide, then two, and so on, at these times.
    async fn width_after(order: &[When]) -> Option<u32> {
        let (uplink, _peer) = uplink().await;
        let mut sizes = order.iter().zip(1..).peekable();
        let mut pull = |when: When| {
            if let Some((_, cols)) = sizes.next_if(|(at, _)| **at == when) {
                uplink.push(resize(cols)).unwrap();
            }
        };
        let known = Cell::new(None);
        let (mut terminal, ends) = Terminal::new(Some(Size::told(80, 24)), "xterm", Lang::En);
        let (waits, waiting) = oneshot::channel();
        let (go_on, gone_on) = oneshot::channel::<()>();
        let talk = async move {
            // It reads along, as a room that waits for an answer does.
            waits.send(()).unwrap();
            let mut gone_on = gone_on;
            loop {
                tokio::select! {
                    event = terminal.event() => assert!(matches!(event, Ok(Event::Resize(_)))),
                    _ = &mut gone_on => break,
                }
            }
            terminal.line("last words").await.unwrap();
        };
        let read = Semaphore::new(0);
        let unread = Cell::new(false);
        let send = |_, _| async {
            unread.set(true);
            read.acquire().await.unwrap().forget();
            Ok(())
        };
        pull(BeforeItBegins);
        {
            let carried = carry(
                ends,
                &uplink,
                send,
                |size: WindowSize| known.set(Some(size.cols)),
                talk,
            );
            let pulls = async {
                waiting.await.unwrap();
                pull(WhileItWaits);
                // Now and then before what was pulled has been looked at.
                go_on.send(()).unwrap();
                while !unread.get() {
                    tokio::task::yield_now().await;
                }
                pull(WhileItsLastWordsGoOut);
                read.add_permits(100);
            };
            let (carried, ()) = tokio::join!(carried, pulls);
            carried.unwrap();
        }
        pull(AfterItIsOver);
        uplink.close();
        // The shell begins with what is known, and is told what waits.
        loop {
            match uplink.next().await {
                Item::Resize { cols, .. } => known.set(Some(cols)),
                Item::Close => return known.get(),
                Item::Data(_) | Item::Signal(_) | Item::Eof => {}
            }
        }
    }
}
