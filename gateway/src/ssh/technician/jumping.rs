//! A channel to a target: a connection within this one ([`crate::passage::jump`]).

use std::sync::Arc;

use ecluse_policy::FlowRequest;
use russh::server::{self, Auth, ChannelOpenHandle, Msg};
use russh::{Channel, ChannelOpenFailure, MethodKind, MethodSet};

use super::door::{self, Door, Line, PROHIBITED};
use super::downlink::Downlink;
use crate::passage::caps;
use crate::passage::channel::Opening;
use crate::passage::jump::{self, Jump};
use crate::texts;

impl Door {
    /// A channel to a port: of a target that the person may ask for a connection within this one, else a forward.
    pub(super) async fn opens_to_port(
        &mut self,
        (host, port): (&str, u32),
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        session: &mut server::Session,
    ) -> Result<(), russh::Error> {
        if let Some(jump) = self.leads(host, door::port(port)) {
            return self.jump(jump, channel, reply, session).await;
        }
        let host = caps::named(host);
        let flow = FlowRequest::DirectTcpip { host, port };
        self.forward(channel, flow, reply, session).await
    }

    /// Where a channel to `host` and `port` leads, if that is a target that this person may ask for.
    ///
    /// Within another connection nothing leads on: whoever needs another target jumps from outside.
    fn leads(&self, host: &str, port: u16) -> Option<Jump> {
        if self.knock.leads().is_some() {
            return None;
        }
        Jump::aim(self.knock.visit()?, host, port)
    }

    /// Opens the channel and speaks SSH on it.
    async fn jump(
        &mut self,
        jump: Jump,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        session: &mut server::Session,
    ) -> Result<(), russh::Error> {
        let Some((uplink, reply)) = self.room(reply).await? else {
            return Ok(());
        };
        let visit = Arc::clone(self.visit()?);
        let place = match self.knock.place_within() {
            Ok(place) => place,
            Err(full) => {
                let reason = texts::plain(&jump.no_place(&visit, full));
                let code = PROHIBITED;
                reply
                    .reject(ChannelOpenFailure::Other { code, reason })
                    .await;
                return Ok(());
            }
        };
        let id = channel.id();
        let (read, write) = channel.split();
        let downlink = Downlink::new(write, session.handle(), Arc::clone(&uplink));
        let mut opening = Opening::new(Arc::clone(&uplink), downlink);
        if !opening.pay(jump::COST) {
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
            return Ok(());
        }
        self.channels.insert(
            id,
            Line {
                uplink,
                read,
                opening: None,
            },
        );
        reply.accept().await;
        let (knock, config) = (Arc::clone(&self.knock), self.config.clone());
        let serving = jump::serve(knock, Arc::clone(&visit), opening, jump, place, config);
        visit.tasks().spawn(serving);
        Ok(())
    }

    /// Lets somebody in whose connection goes by a channel of another one, under the name of an account: they proved who they
    /// are on that one, so that whatever they prove here adds nothing. None where this is no such connection.
    pub(super) async fn enter_within(&mut self, user: &str) -> Option<Auth> {
        let within = self.knock.leads()?;
        Some(if jump::enter(&self.knock, within, user).await {
            Auth::Accept
        } else {
            Auth::Reject {
                proceed_with_methods: Some(MethodSet::from(
                    [MethodKind::KeyboardInteractive].as_slice(),
                )),
                partial_success: false,
            }
        })
    }

    /// What whoever is not let in so reads: a request for information without a question (RFC 4256 §3.2), once.
    pub(super) async fn told_within(&mut self, user: &str, answered: bool) -> Option<Auth> {
        match self.enter_within(user).await? {
            Auth::Reject { .. } if !answered => {
                let within = self.knock.leads()?;
                let target = ("target", within.target.as_str().into());
                let words = within.outer.words_with("jump-account", &[target]);
                Some(Auth::Partial {
                    name: "".into(),
                    instructions: words.into(),
                    prompts: Vec::new().into(),
                })
            }
            answer @ (Auth::Accept
            | Auth::Reject { .. }
            | Auth::Partial { .. }
            | Auth::UnsupportedMethod) => Some(answer),
        }
    }
}
