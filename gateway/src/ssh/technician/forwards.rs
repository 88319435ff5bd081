//! Channels that a client opens to a place: it waits for the answer, which is given once the place is reached.
//!
//! Nothing but what the two sides say passes on such a channel. So what the gateway says before it is open becomes the
//! reason why it is not ([`Unopened`]), and what it says later goes nowhere.

use std::sync::Arc;

use ecluse_policy::FlowRequest;
use russh::server::{self, ChannelOpenHandle, Msg};
use russh::{Channel, ChannelOpenFailure};

use super::door::{Door, Line, PROHIBITED};
use super::downlink::Downlink;
use crate::passage::channel::{Opening, Start};
use crate::passage::farewell::REFUSED;
use crate::passage::side::{Exit, Gone, Piece, Sink, Soon};
use crate::passage::story;
use crate::passage::uplink::Uplink;
use crate::texts;

/// RFC 4254 §5.1: the place could not be reached.
const CONNECT_FAILED: u32 = 2;

impl Door {
    /// Room for one more channel; `None` where there is none, which the client was told, or will be when its connection ends.
    pub(super) async fn room(
        &mut self,
        reply: ChannelOpenHandle,
    ) -> Result<Option<(Arc<Uplink>, ChannelOpenHandle)>, russh::Error> {
        self.is_asked();
        if self.knock.found_no_place() {
            self.leave_unanswered(reply);
            return Ok(None);
        }
        // The library does not tell of a close that answers ours.
        self.channels.retain(|_, line| !line.uplink.is_closed());
        if self.channels.len() >= self.visit()?.channel_bound() {
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
            return Ok(None);
        }
        let Some(uplink) = Uplink::open(self.knock.connection()) else {
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
            return Ok(None);
        };
        Ok(Some((uplink, reply)))
    }

    /// A client asks for a connection to a place that the target sees: the story of any channel, which answers it.
    pub(super) async fn forward(
        &mut self,
        channel: Channel<Msg>,
        flow: FlowRequest,
        reply: ChannelOpenHandle,
        session: &mut server::Session,
    ) -> Result<(), russh::Error> {
        let Some((uplink, reply)) = self.room(reply).await? else {
            return Ok(());
        };
        let id = channel.id();
        let (read, write) = channel.split();
        let downlink = Downlink::new(write, session.handle(), Arc::clone(&uplink));
        let unopened = Unopened {
            downlink,
            uplink: Arc::clone(&uplink),
            reply: Some(reply),
            words: String::new(),
            code: PROHIBITED,
        };
        let line = Line {
            uplink: Arc::clone(&uplink),
            read,
            opening: None,
        };
        self.channels.insert(id, line);
        let visit = Arc::clone(self.visit()?);
        let opening = Opening::new(uplink, unopened);
        let serving = story::serve(Arc::clone(&visit), opening, Start::Forward(flow));
        visit.tasks().spawn(serving);
        Ok(())
    }
}

/// The way back of a channel that a client waits for. Dropped, it is refused.
struct Unopened {
    downlink: Downlink,
    uplink: Arc<Uplink>,
    /// The answer; none once it was given.
    reply: Option<ChannelOpenHandle>,
    /// What was said so far.
    words: String,
    /// What kind of refusal it is.
    code: u32,
}

impl Unopened {
    async fn refuse(&mut self, reply: ChannelOpenHandle) {
        let words = std::mem::take(&mut self.words);
        // OpenSSH shows each byte of an accent, or of a line's end, as an octal escape.
        let reason = texts::plain(&on_one_line(&words));
        let code = self.code;
        reply
            .reject(ChannelOpenFailure::Other { code, reason })
            .await;
        self.uplink.connection().control_sent();
    }
}

/// Lines as one, each a sentence.
fn on_one_line(words: &str) -> String {
    let mut line = String::new();
    for words in words.lines().map(str::trim).filter(|it| !it.is_empty()) {
        match line.chars().last() {
            None => {}
            Some('.' | ':' | ';' | '?' | '!') => line.push(' '),
            Some(_) => line.push_str(". "),
        }
        line.push_str(words);
    }
    line
}

impl Sink for Unopened {
    fn send<'a>(&'a mut self, piece: &'a mut Piece) -> Soon<'a, Result<(), Gone>> {
        Box::pin(async move {
            if self.reply.is_none() {
                return match piece {
                    // Words of the gateway's, and a status: no forward has either.
                    Piece::ErrorData(_) | Piece::Exit(_) => Ok(()),
                    Piece::Data(_)
                    | Piece::Eof
                    | Piece::Close
                    | Piece::Resize(_)
                    | Piece::Signal(_)
                    | Piece::Refused
                    | Piece::Beside(_)
                    | Piece::BesideOver
                    | Piece::Run(_)
                    | Piece::Remark(_) => self.downlink.send(piece).await,
                };
            }
            match piece {
                Piece::ErrorData(words) => self.words.push_str(&String::from_utf8_lossy(words)),
                Piece::Exit(Exit::Status(status)) if *status != REFUSED => {
                    self.code = CONNECT_FAILED;
                }
                Piece::Close => {
                    if let Some(reply) = self.reply.take() {
                        self.refuse(reply).await;
                    }
                }
                Piece::Data(_)
                | Piece::Eof
                | Piece::Exit(_)
                | Piece::Resize(_)
                | Piece::Signal(_)
                | Piece::Refused
                | Piece::Beside(_)
                | Piece::BesideOver
                | Piece::Run(_)
                | Piece::Remark(_) => {}
            }
            Ok(())
        })
    }

    fn opened(&mut self) -> Soon<'_, ()> {
        Box::pin(async move {
            if let Some(reply) = self.reply.take() {
                reply.accept().await;
                self.uplink.connection().control_sent();
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::on_one_line;

    #[test]
    fn words_of_several_lines_are_sentences_of_one() {
        let told = "It is refused. Missing: forward: a:1\n\n  Ask: ssh x flows\n";
        let line = "It is refused. Missing: forward: a:1. Ask: ssh x flows";
        assert_eq!(on_one_line(told), line);
        assert_eq!(on_one_line("One.\nTwo"), "One. Two");
        assert_eq!(on_one_line(""), "");
    }
}
