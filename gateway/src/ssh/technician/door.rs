//! What the callbacks of one connection share: its login, its channels, and the ways to answer.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ecluse_policy::FlowRequest;
use futures_util::FutureExt;
use russh::server::{self, Auth, ChannelOpenHandle};
use russh::{ChannelId, ChannelMsg, ChannelOpenFailure, ChannelReadHalf, MethodKind, MethodSet};
use tokio::sync::oneshot;

use super::Config;
use super::overheard::Overheard;
use crate::identity::desk::{Answer, Desk};
use crate::passage::caps;
use crate::passage::channel::{Opening, Start};
use crate::passage::knock::Knock;
use crate::passage::story;
use crate::passage::uplink::{Item, Overflow, Uplink};
use crate::passage::visit::Visit;
use crate::settings::Banner;
use crate::terminal::layout;
use crate::texts;

/// RFC 4254 §5.1: administratively prohibited.
pub(super) const PROHIBITED: u32 = 1;
/// How long a client may take to come past the words of a refusal before it is refused.
const TOLD_WITHIN: Duration = Duration::from_secs(1);
/// Channels that wait for the end of a connection for which there is no place.
const UNANSWERED: usize = 8;

/// Answers one connection.
pub(crate) struct Door {
    pub(super) knock: Arc<Knock>,
    pub(super) desk: Desk,
    pub(super) channels: HashMap<ChannelId, Line>,
    unanswered: Vec<ChannelOpenHandle>,
    /// What the library refuses without asking; none before there is a visit.
    pub(super) overheard: Option<Overheard>,
    /// How a connection within this one is served.
    pub(super) config: Config,
}

/// One channel of the connection.
pub(super) struct Line {
    pub(super) uplink: Arc<Uplink>,
    /// Where the library lays down what arrives before it calls us. Emptied in each callback ([`Door::heard`]).
    pub(super) read: ChannelReadHalf,
    /// What was asked before the shell or command; gone once the channel has started.
    pub(super) opening: Option<Opening>,
}

impl Door {
    /// A door for the connection of `knock`.
    pub(crate) fn new(knock: Arc<Knock>, config: Config) -> Self {
        let desk = Desk::new(
            Arc::clone(knock.gateway()),
            knock.source(),
            (knock.door(), knock.doorway()),
            knock.id(),
        );
        Self {
            knock,
            desk,
            channels: HashMap::new(),
            unanswered: Vec::new(),
            overheard: None,
            config,
        }
    }

    /// The visit. The library passes nothing but authentication before there is one; should it ever, the connection ends.
    pub(super) fn visit(&self) -> Result<&Arc<Visit>, russh::Error> {
        self.knock.visit().ok_or(russh::Error::Inconsistent)
    }

    /// What everybody reads before logging on (P3): nothing that depends on who they are.
    pub(super) fn banner(&self) -> Option<String> {
        // Whoever comes by another connection has read it there.
        if self.knock.leads().is_some() {
            return None;
        }
        let gateway = self.knock.gateway();
        let words = match &gateway.settings.ssh.banner {
            Banner::Usual => gateway
                .texts
                .say(gateway.settings.lang, "login-banner", &[]),
            Banner::Written(words) => words.clone(),
        };
        (!words.is_empty()).then(|| layout::told(words.trim_end(), layout::UNKNOWN))
    }

    pub(super) fn answer(&self, answer: Answer) -> Auth {
        self.knock.keys_proven(self.desk.keys_proven());
        match answer {
            Answer::Accept(arrival) => {
                let (visitor, address) = *arrival;
                // Whoever finds no place inside is told so, and a client reads that only after a good answer: it has no
                // visit, and so no channel.
                self.knock.let_in(visitor, address);
                Auth::Accept
            }
            Answer::NeedKey => partial(MethodKind::PublicKey),
            Answer::NeedCode => partial(MethodKind::KeyboardInteractive),
            Answer::Ask {
                instructions,
                prompt,
            } => Auth::Partial {
                name: "".into(),
                instructions: instructions.into(),
                prompts: vec![(prompt.into(), false)].into(),
            },
            // A request for information without a question (RFC 4256 §3.2): words, then the client's empty answer.
            Answer::Tell { words } => Auth::Partial {
                name: "".into(),
                instructions: words.into(),
                prompts: Vec::new().into(),
            },
            Answer::Refuse { code_next } => Auth::Reject {
                proceed_with_methods: Some(MethodSet::from(
                    [if code_next {
                        MethodKind::KeyboardInteractive
                    } else {
                        MethodKind::PublicKey
                    }]
                    .as_slice(),
                )),
                partial_success: false,
            },
        }
    }

    /// Takes out what the library has laid down of a channel before it called us, and keeps the bytes, where it is bytes.
    ///
    /// Each callback of a channel begins with it: the library lays down one thing for each, and would wait for ever where
    /// as many lie there as there is room for.
    pub(super) fn heard(&mut self, id: ChannelId) -> Option<Bytes> {
        let line = self.channels.get_mut(&id)?;
        let mut bytes = None;
        while let Some(Some(message)) = line.read.wait().now_or_never() {
            if let ChannelMsg::Data { data } = message {
                bytes = Some(data);
            }
        }
        bytes
    }

    pub(super) fn start(
        &mut self,
        id: ChannelId,
        start: Start,
        session: &mut server::Session,
    ) -> Result<(), russh::Error> {
        if let Some((visit, opening)) = self.take(id, &start, session)? {
            let serving = story::serve(Arc::clone(&visit), opening, start);
            visit.tasks().spawn(serving);
        }
        Ok(())
    }

    /// Takes a channel that has not started, answering success; answers failure to a second start on one channel, of
    /// which RFC 4254 §6.5 allows one.
    fn take(
        &mut self,
        id: ChannelId,
        start: &Start,
        session: &mut server::Session,
    ) -> Result<Option<(Arc<Visit>, Opening)>, russh::Error> {
        let visit = Arc::clone(self.visit()?);
        let opening = self
            .channels
            .get_mut(&id)
            .and_then(|line| line.opening.take());
        match opening {
            Some(opening) => {
                session.channel_success(id)?;
                Ok(Some((visit, opening)))
            }
            None => {
                self.too_late(id, start.attempted(), session)?;
                Ok(None)
            }
        }
    }

    /// Refuses what a channel asks for once, before it starts, on one that has it or that runs.
    pub(super) fn too_late(
        &self,
        id: ChannelId,
        flow: FlowRequest,
        session: &mut server::Session,
    ) -> Result<(), russh::Error> {
        if self.channels.contains_key(&id) {
            self.visit()?.refuse_too_late(flow);
        }
        session.channel_failure(id)
    }

    /// Refuses a request on a channel: says why on its standard error, then answers `failure`.
    pub(super) fn refuse(
        &mut self,
        id: ChannelId,
        flow: FlowRequest,
        session: &mut server::Session,
    ) -> Result<(), russh::Error> {
        self.tell_refusal(id, flow, session)?;
        session.channel_failure(id)
    }

    /// The same for a client that leaves as soon as it has the failure, whatever stands before it: answers once it has come
    /// past the words, which its answer to a question behind them proves.
    pub(super) fn refuse_once_told(
        &mut self,
        id: ChannelId,
        flow: FlowRequest,
        session: &mut server::Session,
    ) -> Result<(), russh::Error> {
        if !self.tell_refusal(id, flow, session)? {
            return session.channel_failure(id);
        }
        let (ask, answer) = oneshot::channel();
        session.send_ping(ask)?;
        let (visit, handle) = (self.visit()?, session.handle());
        let connection = Arc::clone(self.knock.connection());
        visit.tasks().spawn(async move {
            // A client that answers nothing is refused all the same.
            let _ = tokio::time::timeout(TOLD_WITHIN, answer).await;
            let _ = handle.channel_failure(id).await;
            connection.control_sent();
        });
        Ok(())
    }

    /// Puts a refusal on record, and says it on the standard error of a channel that has not started; whether it was said.
    fn tell_refusal(
        &mut self,
        id: ChannelId,
        flow: FlowRequest,
        session: &mut server::Session,
    ) -> Result<bool, russh::Error> {
        let visit = self.visit()?;
        let words = visit.explained(visit.refuse_unserved(flow));
        let Some(line) = self.channels.get(&id).filter(|line| line.opening.is_some()) else {
            return Ok(false);
        };
        let columns = line.uplink.columns().unwrap_or(layout::UNKNOWN);
        session.extended_data(id, 1, layout::told(&words, columns).into_bytes())?;
        Ok(true)
    }

    pub(super) async fn refuse_channel(
        &mut self,
        flow: FlowRequest,
        reply: ChannelOpenHandle,
    ) -> Result<(), russh::Error> {
        self.is_asked();
        if self.knock.found_no_place() {
            self.leave_unanswered(reply);
            return Ok(());
        }
        // OpenSSH shows each byte of an accent, or of a blank that does not break, as an octal escape.
        let reason = texts::plain(&self.visit()?.refuse_unserved(flow));
        reply
            .reject(ChannelOpenFailure::Other {
                code: PROHIBITED,
                reason,
            })
            .await;
        Ok(())
    }

    /// The library asks about the channel that is being opened: it is not one that it refuses by itself.
    pub(super) fn is_asked(&self) {
        if let Some(overheard) = &self.overheard {
            overheard.is_asked();
        }
    }

    /// Leaves a channel without an answer until the connection ends, which says why: with an answer, a client would leave
    /// before it has read that.
    pub(super) fn leave_unanswered(&mut self, reply: ChannelOpenHandle) {
        if self.unanswered.len() < UNANSWERED {
            self.unanswered.push(reply);
        }
    }

    pub(super) fn push(&self, id: ChannelId, item: Item) -> Result<(), russh::Error> {
        match self.channels.get(&id).map(|line| line.uplink.push(item)) {
            Some(Err(Overflow)) => self.overflowed(),
            Some(Ok(())) | None => Ok(()),
        }
    }

    /// The client sent more than it was allowed to: it is not honest, and its connection ends.
    pub(super) fn overflowed(&self) -> Result<(), russh::Error> {
        self.visit()?.overflowed();
        Err(russh::Error::Inconsistent)
    }

    /// Pays for `bytes` of a request, if the channel has not started yet; false when the purse is empty.
    pub(super) fn pay(&mut self, id: ChannelId, bytes: usize) -> bool {
        self.channels
            .get_mut(&id)
            .and_then(|line| line.opening.as_mut())
            .is_none_or(|opening| opening.pay(bytes))
    }

    /// Keeps a variable until the channel starts, within what is kept.
    pub(super) fn variable(
        &mut self,
        id: ChannelId,
        name: &str,
        value: &str,
        session: &mut server::Session,
    ) -> Result<(), russh::Error> {
        // Which names pass is decided when the channel starts. Saying yes to a name that does not pass is what sshd's
        // own clients expect: they send what they are configured to and go on.
        if let Some(opening) = self
            .channels
            .get_mut(&id)
            .and_then(|line| line.opening.as_mut())
        {
            let fits = opening.environment.len() < caps::VARIABLES
                && name.len() <= caps::NAME
                && value.len() <= caps::VALUE;
            if !fits || !opening.pay(name.len() + value.len()) {
                opening.variables_unkept = opening.variables_unkept.saturating_add(1);
                return session.channel_failure(id);
            }
            opening
                .environment
                .push((name.to_owned(), value.to_owned()));
            return session.channel_success(id);
        }
        // What runs already is sent none.
        let flow = FlowRequest::Env {
            name: caps::named(name),
            value: String::new(),
        };
        self.too_late(id, flow, session)
    }

    /// Refuses a command that is too long, saying so: a client prints what a channel wrote, not what it got before a
    /// failed request.
    pub(super) fn too_long(
        &mut self,
        id: ChannelId,
        command: &[u8],
        session: &mut server::Session,
    ) -> Result<(), russh::Error> {
        let start = Start::Command(caps::attempted(command));
        if let Some((visit, opening)) = self.take(id, &start, session)? {
            let words = visit.say("command-too-long");
            visit.tasks().spawn(story::refuse(opening, words));
        }
        Ok(())
    }

    /// Looks whether the library is renewing the connection's keys, if that may be: data it is given then, even none,
    /// it keeps for later.
    pub(super) fn look_for_new_keys(
        &self,
        id: ChannelId,
        session: &mut server::Session,
    ) -> Result<(), russh::Error> {
        let connection = self.knock.connection();
        if connection.is_rekeying_soon() && !session.has_pending_data(id) {
            session.data(id, Bytes::new())?;
            if session.has_pending_data(id) {
                connection.rekeying();
            }
        }
        Ok(())
    }
}

impl Drop for Door {
    /// The connection is gone: every channel learns it.
    fn drop(&mut self) {
        for line in self.channels.values() {
            line.uplink.close();
        }
    }
}

/// A port as asked; what is no port is asked for in vain all the same.
pub(super) fn port(asked: u32) -> u16 {
    u16::try_from(asked).unwrap_or(u16::MAX)
}

fn partial(next: MethodKind) -> Auth {
    Auth::Reject {
        proceed_with_methods: Some(MethodSet::from([next].as_slice())),
        partial_success: true,
    }
}
