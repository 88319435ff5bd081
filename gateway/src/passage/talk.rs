//! Channels that the gateway answers itself: the lobby, the waiting room, operators' and auditors' commands.
//!
//! Carries bytes between a technician's channel and a [`Terminal`], whose other end knows no SSH.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::channel::{Opening, Start};
use super::order::Order;
use super::side::{End, Gone, Piece, Stream, TermSize};
use super::visit::Visit;
use super::window::{TerminalRequest, told_size};
use crate::actor::Actor;
use crate::faces::lobby;
use crate::gateway::Gateway;
use crate::terminal::{Size, Terminal, TerminalEnds, TerminalInput, TerminalOutput};

/// Serves a person who named no target: a prompt, or one command. Returns the exit status.
pub(crate) async fn converse(
    visit: &Arc<Visit>,
    opening: &mut Opening,
    start: &Start,
) -> Result<u32, Gone> {
    let command = match start {
        // Nobody converses by it: `story` refuses it first.
        Start::Shell | Start::Files | Start::Forward(_) => None,
        Start::Command(command) => Some(String::from_utf8_lossy(command).into_owned()),
        Start::Copy(copy) => Some(String::from_utf8_lossy(&copy.typed).into_owned()),
    };
    attend(
        visit,
        opening,
        |mut terminal, gateway, visitor| async move {
            lobby::run(&mut terminal, &gateway, &visitor, command.as_deref()).await
        },
    )
    .await
}

/// Lets `talk` use the technician's terminal, or speak to a technician who has none, before a target gets the channel.
pub(crate) async fn attend<T, F>(
    visit: &Arc<Visit>,
    opening: &mut Opening,
    talk: impl FnOnce(Terminal, Arc<Gateway>, Arc<Actor>) -> F,
) -> Result<T, Gone>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let size = opening.terminal.as_ref().map(told_size);
    let asked = opening.terminal.as_ref();
    let term = asked.map_or(TerminalRequest::PLAIN, TerminalRequest::name);
    let visitor = Arc::clone(visit.visitor());
    let (terminal, ends) = Terminal::new(size, term, visitor.authenticated.lang());
    let terminal = terminal.by(opening.program.clone());
    // The talk owns the terminal, so that the output ends when the talk does and nothing it said is lost. It runs beside
    // the workers: a dialogue may read whole recordings, and no session may wait for that.
    let talk = talk(terminal, Arc::clone(visit.gateway()), visitor);
    let mut talking = Talking(visit.gateway().talks.spawn(talk));
    let talk = async { (&mut talking.0).await.map_err(|_| Gone) };
    let person = Person {
        end: &mut opening.end,
        order: &mut opening.order,
        resized: &mut opening.resized,
    };
    carry(ends, person, talk).await?
}

/// A talk that ends when nobody listens any more.
struct Talking<T>(JoinHandle<T>);

impl<T> Drop for Talking<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Whom a talk is with.
struct Person<'a> {
    end: &'a mut End,
    /// What the talk switches on in their terminal.
    order: &'a mut Order,
    /// The size of their window.
    resized: &'a mut Option<TermSize>,
}

impl Person<'_> {
    async fn say(&mut self, stream: Stream, bytes: Bytes) -> Result<(), Gone> {
        self.order.read(&bytes);
        self.end.say(stream.piece(bytes)).await
    }
}

/// Carries until the talk is over and everything that it said was sent. What arrives afterwards stays where it waits, for
/// whoever has the channel next; a size that was taken out before is in `resized`. So none is lost, whenever it comes.
async fn carry<T>(
    ends: TerminalEnds,
    mut person: Person<'_>,
    talk: impl Future<Output = T>,
) -> Result<T, Gone> {
    let TerminalEnds { input, mut output } = ends;
    let mut input = Some(input);
    let mut result = None;
    tokio::pin!(talk);
    loop {
        tokio::select! {
            said = output.recv() => match said {
                Some(TerminalOutput::Out(bytes)) => person.say(Stream::Output, bytes).await?,
                Some(TerminalOutput::Err(bytes)) => person.say(Stream::ErrorOutput, bytes).await?,
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
            piece = person.end.source.next(), if input.is_some() => {
                if !hand_over(piece, person.resized, &mut input) {
                    return Err(Gone);
                }
            }
        }
    }
}

/// Hands a piece to the talk; false when the technician has left.
fn hand_over(
    piece: Option<Piece>,
    resized: &mut Option<TermSize>,
    input: &mut Option<mpsc::Sender<TerminalInput>>,
) -> bool {
    let event = match piece {
        Some(Piece::Data(bytes)) => TerminalInput::Bytes(bytes),
        Some(Piece::Resize(size)) => {
            *resized = Some(size);
            TerminalInput::Resize(Size::told(size.cols, size.rows))
        }
        Some(Piece::Eof) => TerminalInput::Eof,
        // Nothing of ours runs on a signal; Ctrl-C arrives as a byte. The rest no technician sends.
        Some(
            Piece::Signal(_)
            | Piece::ErrorData(_)
            | Piece::Exit(_)
            | Piece::Refused
            | Piece::Beside(_)
            | Piece::BesideOver
            | Piece::Run(_)
            | Piece::Remark(_),
        ) => return true,
        Some(Piece::Close) | None => return false,
    };
    // A person types slower than this fills; what a machine pours in beyond it is dropped, not queued.
    if let Some(input) = input {
        let _ = input.try_send(event);
    }
    true
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

    use ecluse_policy::Lang;
    use tokio::sync::{Semaphore, oneshot};

    use super::*;
    use crate::passage::side::{Sink, Soon};
    use crate::passage::testing::uplink;
    use crate::passage::uplink::{FromTechnician, Item};
    use crate::terminal::Event;

    fn resize(cols: u32) -> Item {
        Item::Resize(TermSize { cols, rows: 24 })
    }

    /// A technician who reads nothing until they may.
    struct Reader {
        read: Semaphore,
        unread: AtomicBool,
    }

    struct Screen(Arc<Reader>);

    impl Sink for Screen {
        fn send<'a>(&'a mut self, _piece: &'a mut Piece) -> Soon<'a, Result<(), Gone>> {
            Box::pin(async move {
                self.0.unread.store(true, SeqCst);
                self.0.read.acquire().await.unwrap().forget();
                Ok(())
            })
        }
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
        let mut known = None;
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
        let reader = Arc::new(Reader {
            read: Semaphore::new(0),
            unread: AtomicBool::new(false),
        });
        let mut end = End::new(
            Box::new(FromTechnician(Arc::clone(&uplink))),
            Box::new(Screen(Arc::clone(&reader))),
        );
        pull(BeforeItBegins);
        {
            let person = Person {
                end: &mut end,
                order: &mut Order::new(24),
                resized: &mut known,
            };
            let carried = carry(ends, person, talk);
            let pulls = async {
                waiting.await.unwrap();
                pull(WhileItWaits);
                // Now and then before what was pulled has been looked at.
                go_on.send(()).unwrap();
                while !reader.unread.load(SeqCst) {
                    tokio::task::yield_now().await;
                }
                pull(WhileItsLastWordsGoOut);
                reader.read.add_permits(100);
            };
            let (carried, ()) = tokio::join!(carried, pulls);
            carried.unwrap();
        }
        pull(AfterItIsOver);
        uplink.close();
        // The shell begins with what is known, and is told what waits.
        loop {
            match uplink.next().await {
                Item::Resize(size) => known = Some(size),
                Item::Close => return known.map(|size| size.cols),
                Item::Data(_) | Item::Signal(_) | Item::Eof => {}
            }
        }
    }
}
