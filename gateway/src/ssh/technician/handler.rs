//! Callbacks of the SSH library, turned into single events.
//!
//! Each callback answers at once and never waits for a target or an operator: the library runs one task a connection,
//! and a callback that waits stops every channel, keystroke and keepalive of it. Requests are answered inside their
//! callback too, because the library remembers only one outstanding answer a channel.
//!
//! Before authentication the library passes nothing but authentication to us. After it:
//!
//! | asked | answered |
//! |---|---|
//! | session channel | opened, within the bound of channels |
//! | a channel to a target that the person may ask for | opened, and SSH spoken on it ([`super::jumping`]) |
//! | `pty-req`, `env` | kept until the channel starts, within [`caps`] and the purse, then asked of policy with its shell or command |
//! | `shell`, `exec`, the subsystem `sftp` | starts [`crate::passage::story`], once a channel |
//! | `direct-tcpip`, `direct-streamlocal@openssh.com` | starts the same, and is answered by it: opened once its place is reached, refused in words |
//! | any of these on a channel that has it or that runs | refused, on record |
//! | `window-change`, `signal` | queued in order, asked of the channel's permit in their turn |
//! | data, EOF, close | queued in order |
//! | confirms a channel that the gateway did not open | the connection ends |
//! | every other channel, request, subsystem, forward | refused, naming the missing flow |
//! | what the library has no callback for | refused by the library, and overheard ([`super::overheard`]) |

use std::sync::Arc;

use bytes::Bytes;
use ecluse_policy::capability::transfer::Transfer;
use ecluse_policy::{FlowRequest, SFTP, Term};
use russh::keys::ssh_key::Certificate;
use russh::server::{
    self, Auth, ChannelOpenHandle, Msg, PublicKeyOffer, Response, VerifiedPublicKey,
};
use russh::{Channel, ChannelId, Pty, Sig};

use super::door::{Door, Line, port};
use super::downlink::Downlink;
use super::overheard::Overheard;
use super::program::OnConnection;
use crate::passage::caps;
use crate::passage::channel::{Opening, Start};
use crate::passage::side::TermSize;
use crate::passage::uplink::{Item, Overflow};
use crate::passage::window::TerminalRequest;
use crate::ssh::{algorithms, signals};

impl server::Handler for Door {
    type Error = russh::Error;

    async fn authentication_banner(&mut self) -> Result<Option<String>, Self::Error> {
        Ok(self.banner())
    }

    async fn auth_none(&mut self, user: &str) -> Result<Auth, Self::Error> {
        if let Some(answer) = self.enter_within(user).await {
            return Ok(answer);
        }
        self.desk.named(user);
        Ok(self.answer(self.desk.no()))
    }

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, Self::Error> {
        if self.knock.leads().is_some() {
            return Ok(Auth::Accept);
        }
        let wanted = algorithms::accepts_signature(offer.algorithm)
            && self.desk.wants(user, offer.public_key);
        Ok(if wanted {
            Auth::Accept
        } else {
            self.answer(self.desk.no())
        })
    }

    async fn auth_publickey(
        &mut self,
        user: &str,
        key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        if let Some(answer) = self.enter_within(user).await {
            return Ok(answer);
        }
        if !algorithms::accepts_signature(key.algorithm) {
            return Ok(self.answer(self.desk.no()));
        }
        let answer = self.desk.key_proven(user, key.public_key).await;
        Ok(self.answer(answer))
    }

    async fn auth_openssh_certificate(
        &mut self,
        user: &str,
        certificate: &Certificate,
    ) -> Result<Auth, Self::Error> {
        if let Some(answer) = self.enter_within(user).await {
            return Ok(answer);
        }
        let answer = self.desk.certificate_proven(user, certificate).await;
        Ok(self.answer(answer))
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        user: &str,
        _submethods: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        if let Some(answer) = self.told_within(user, response.is_some()).await {
            return Ok(answer);
        }
        // One prompt was asked, so one answer counts; an answer that is no text is a wrong one.
        let code = response.map(|mut answers| {
            answers
                .next()
                .map(|answer| String::from_utf8_lossy(&answer).into_owned())
                .unwrap_or_default()
        });
        let answer = self.desk.code(user, code).await;
        Ok(self.answer(answer))
    }

    async fn auth_succeeded(&mut self, _session: &mut server::Session) -> Result<(), Self::Error> {
        self.knock.connection().socket().trust();
        // In the library's own task, from here on the connection's.
        self.overheard = self.knock.visit().and_then(Overheard::of);
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        let Some((uplink, reply)) = self.room(reply).await? else {
            return Ok(());
        };
        let id = channel.id();
        let (read, write) = channel.split();
        let downlink = Downlink::new(write, session.handle(), Arc::clone(&uplink));
        let connection = Arc::clone(self.knock.connection());
        let program = OnConnection::new(session.handle(), connection);
        self.channels.insert(
            id,
            Line {
                uplink: Arc::clone(&uplink),
                read,
                opening: Some(Opening::new(uplink, downlink).by(program)),
            },
        );
        reply.accept().await;
        Ok(())
    }

    async fn channel_open_confirmation(
        &mut self,
        _id: ChannelId,
        _max_packet_size: u32,
        _window_size: u32,
        _session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        // The gateway opens no channel towards a client. What the library lays down for it nobody would take out.
        Err(russh::Error::Inconsistent)
    }

    async fn channel_open_x11(
        &mut self,
        _channel: Channel<Msg>,
        _originator_address: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        self.refuse_channel(FlowRequest::X11, reply).await
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host_to_connect: &str,
        port_to_connect: u32,
        _originator_address: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        let to = (host_to_connect, port_to_connect);
        self.opens_to_port(to, channel, reply, session).await
    }

    async fn channel_open_forwarded_tcpip(
        &mut self,
        _channel: Channel<Msg>,
        _host_to_connect: &str,
        _port_to_connect: u32,
        _originator_address: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        self.refuse_channel(FlowRequest::of_channel("forwarded-tcpip"), reply)
            .await
    }

    async fn channel_open_direct_streamlocal(
        &mut self,
        channel: Channel<Msg>,
        socket_path: &str,
        reply: ChannelOpenHandle,
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        let flow = FlowRequest::DirectStreamlocal {
            path: caps::named(socket_path),
        };
        self.forward(channel, flow, reply, session).await
    }

    async fn pty_request(
        &mut self,
        id: ChannelId,
        term: &str,
        cols: u32,
        rows: u32,
        _pixels_wide: u32,
        _pixels_high: u32,
        modes: &[(Pty, u32)],
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        self.heard(id);
        match self
            .channels
            .get_mut(&id)
            .and_then(|line| line.opening.as_mut())
        {
            Some(opening) if opening.terminal.is_none() => {
                opening.uplink.has_columns(cols);
                opening.terminal = Some(TerminalRequest {
                    term: Term::parse(term),
                    cols,
                    rows,
                    modes: modes
                        .iter()
                        .map(|(mode, value)| (*mode as u8, *value))
                        .collect(),
                });
                session.channel_success(id)
            }
            Some(_) | None => self.too_late(id, FlowRequest::Pty, session),
        }
    }

    async fn env_request(
        &mut self,
        id: ChannelId,
        name: &str,
        value: &str,
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        self.heard(id);
        self.variable(id, name, value, session)
    }

    async fn shell_request(
        &mut self,
        id: ChannelId,
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        self.heard(id);
        self.start(id, Start::Shell, session)
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        command: &[u8],
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        self.heard(id);
        if command.len() > caps::COMMAND {
            return self.too_long(id, command, session);
        }
        let copies = Transfer::parse(command).map_or(0, |_| caps::COPY);
        if !self.pay(id, command.len() * caps::COMMAND_COPIES + copies) {
            return session.channel_failure(id);
        }
        self.start(id, Start::Command(command.to_vec()), session)
    }

    async fn subsystem_request(
        &mut self,
        id: ChannelId,
        name: &str,
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        self.heard(id);
        if name == SFTP {
            // A line could give it: whoever has none reads so within the protocol ([`crate::passage::story`]).
            if !self.pay(id, caps::FILES) {
                return session.channel_failure(id);
            }
            return self.start(id, Start::Files, session);
        }
        // No line could give one, so the client hears of it at once: one that is answered yes and then sent away tries
        // again, ten times some of them.
        let name = caps::named(name);
        self.refuse_once_told(id, FlowRequest::Subsystem(name), session)
    }

    async fn x11_request(
        &mut self,
        id: ChannelId,
        _single_connection: bool,
        _x11_auth_protocol: &str,
        _x11_auth_cookie: &str,
        _x11_screen_number: u32,
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        self.heard(id);
        self.refuse(id, FlowRequest::X11, session)
    }

    async fn agent_request(
        &mut self,
        id: ChannelId,
        session: &mut server::Session,
    ) -> Result<bool, Self::Error> {
        self.heard(id);
        self.refuse(id, FlowRequest::AgentForwarding, session)?;
        Ok(false)
    }

    async fn tcpip_forward(
        &mut self,
        address: &str,
        port: &mut u32,
        _session: &mut server::Session,
    ) -> Result<bool, Self::Error> {
        if self.knock.found_no_place() {
            return Ok(false);
        }
        self.visit()?.refuse_unserved(FlowRequest::RemoteForward {
            address: caps::named(address),
            port: self::port(*port),
        });
        Ok(false)
    }

    async fn streamlocal_forward(
        &mut self,
        socket_path: &str,
        _session: &mut server::Session,
    ) -> Result<bool, Self::Error> {
        if self.knock.found_no_place() {
            return Ok(false);
        }
        self.visit()?
            .refuse_unserved(FlowRequest::RemoteStreamlocal {
                path: caps::named(socket_path),
            });
        Ok(false)
    }

    async fn window_change_request(
        &mut self,
        id: ChannelId,
        cols: u32,
        rows: u32,
        _pixels_wide: u32,
        _pixels_high: u32,
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        self.heard(id);
        let resize = Item::Resize(TermSize { cols, rows });
        self.push(id, resize)?;
        session.channel_success(id)
    }

    async fn signal(
        &mut self,
        id: ChannelId,
        signal: Sig,
        _session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        self.heard(id);
        let signal = signals::of_wire(&signal);
        // No signal has so long a name.
        if signal.name().len() > caps::NAME {
            return Ok(());
        }
        self.push(id, Item::Signal(signal))
    }

    async fn data(
        &mut self,
        id: ChannelId,
        data: &[u8],
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        // The library's own buffer, taken over and not copied.
        let bytes = match self.heard(id) {
            Some(heard) if heard.as_ptr() == data.as_ptr() && heard.len() == data.len() => heard,
            Some(_) | None => Bytes::copy_from_slice(data),
        };
        let Some(uplink) = self.channels.get(&id).map(|line| Arc::clone(&line.uplink)) else {
            return Ok(());
        };
        self.look_for_new_keys(id, session)?;
        match uplink.accept(bytes).await {
            Ok(()) => Ok(()),
            Err(Overflow) => self.overflowed(),
        }
    }

    async fn extended_data(
        &mut self,
        id: ChannelId,
        _code: u32,
        data: &[u8],
        _session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        self.heard(id);
        // RFC 4254 §5.2 defines none from a client to a server; nothing undefined passes. It takes of the window.
        match self
            .channels
            .get(&id)
            .map(|line| line.uplink.spend(data.len()))
        {
            Some(Err(Overflow)) => self.overflowed(),
            Some(Ok(())) | None => Ok(()),
        }
    }

    async fn channel_eof(
        &mut self,
        id: ChannelId,
        _session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        self.heard(id);
        self.push(id, Item::Eof)
    }

    async fn channel_close(
        &mut self,
        id: ChannelId,
        _session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        if let Some(line) = self.channels.remove(&id) {
            line.uplink.close();
        }
        Ok(())
    }

    fn adjust_window(&mut self, id: ChannelId, current: u32) -> u32 {
        self.channels
            .get(&id)
            .map_or(current, |line| line.uplink.refilled(current))
    }

    async fn window_adjusted(
        &mut self,
        id: ChannelId,
        _new_size: u32,
        _session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        // Laid down too, sixteen at most: the next bytes would wait for ever behind them.
        self.heard(id);
        if let Some(line) = self.channels.get(&id) {
            line.uplink.window_grown();
        }
        Ok(())
    }
}
