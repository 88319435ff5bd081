//! What a target may make the gateway do: prove its key, greet, and send on its channel what the technician takes, and on the one beside
//! it what the gateway asked.

use std::sync::{Arc, Mutex, PoisonError};

use ecluse_policy::PublicKey;
use russh::keys::PublicKeyOrCertificate;
use russh::keys::ssh_key::HashAlg;
use russh::{Channel, ChannelId, ChannelOpenFailure, Sig, client};

use super::intake::{Intake, Intakes};
use crate::passage::inflow::TooLarge;
use crate::passage::reach::Greeting;

/// What a target may make the gateway do. Every channel it opens is refused by dropping the reply.
pub(crate) struct Target {
    /// The keys by which it may prove itself.
    pub(super) pinned: Vec<PublicKey>,
    /// The fingerprint of another key that it presented.
    pub(super) presented: Arc<Mutex<Option<String>>>,
    /// What it says before it lets the gateway in.
    pub(super) greeting: Greeting,
    /// What it has sent on its channel. Every callback of the channel takes over what the library has laid down.
    pub(super) intake: Arc<Intake>,
    /// The same of the channel beside it, on which the gateway asks for itself.
    pub(super) beside: Arc<Intake>,
    /// The same of the channels of forwards, by their numbers.
    pub(super) forwards: Arc<Intakes>,
}

impl Target {
    /// A target that may prove itself by the keys in `pinned`.
    pub(super) fn new(
        pinned: &[PublicKey],
        greeting: &Greeting,
        intake: Arc<Intake>,
        beside: Arc<Intake>,
        forwards: Arc<Intakes>,
    ) -> Self {
        Self {
            pinned: pinned.to_vec(),
            presented: Arc::default(),
            greeting: greeting.clone(),
            intake,
            beside,
            forwards,
        }
    }

    fn heard(&self, id: ChannelId) -> Result<(), russh::Error> {
        let gathered = self.intake.gather();
        gathered
            .and_then(|()| self.beside.gather())
            .and_then(|()| self.forwards.gather(id))
            .map_err(|TooLarge(bytes)| russh::Error::PacketSize(bytes))
    }
}

impl Drop for Target {
    /// The library's task is over, however that came.
    fn drop(&mut self) {
        self.intake.end();
        self.beside.end();
        self.forwards.end();
    }
}

impl client::Handler for Target {
    type Error = russh::Error;

    async fn auth_banner(
        &mut self,
        banner: &str,
        _session: &mut client::Session,
    ) -> Result<(), Self::Error> {
        self.greeting.hear(banner);
        Ok(())
    }

    async fn check_server_key(
        &mut self,
        presented: &PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = presented else {
            return Ok(false);
        };
        let pinned = key
            .to_bytes()
            .ok()
            .and_then(|blob| PublicKey::from_blob(&blob).ok())
            .is_some_and(|key| self.pinned.contains(&key));
        if !pinned {
            let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
            *self
                .presented
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some(fingerprint);
        }
        Ok(pinned)
    }

    async fn data(
        &mut self,
        id: ChannelId,
        _data: &[u8],
        _session: &mut client::Session,
    ) -> Result<(), Self::Error> {
        self.heard(id)
    }

    async fn extended_data(
        &mut self,
        id: ChannelId,
        _ext: u32,
        _data: &[u8],
        _session: &mut client::Session,
    ) -> Result<(), Self::Error> {
        self.heard(id)
    }

    async fn channel_eof(
        &mut self,
        id: ChannelId,
        _session: &mut client::Session,
    ) -> Result<(), Self::Error> {
        self.heard(id)
    }

    async fn channel_close(
        &mut self,
        id: ChannelId,
        _session: &mut client::Session,
    ) -> Result<(), Self::Error> {
        self.heard(id)
    }

    async fn channel_success(
        &mut self,
        id: ChannelId,
        _session: &mut client::Session,
    ) -> Result<(), Self::Error> {
        self.heard(id)
    }

    async fn channel_failure(
        &mut self,
        id: ChannelId,
        _session: &mut client::Session,
    ) -> Result<(), Self::Error> {
        self.heard(id)
    }

    async fn exit_status(
        &mut self,
        id: ChannelId,
        _exit_status: u32,
        _session: &mut client::Session,
    ) -> Result<(), Self::Error> {
        self.heard(id)
    }

    async fn exit_signal(
        &mut self,
        id: ChannelId,
        _signal_name: Sig,
        _core_dumped: bool,
        _error_message: &str,
        _lang_tag: &str,
        _session: &mut client::Session,
    ) -> Result<(), Self::Error> {
        self.heard(id)
    }

    async fn xon_xoff(
        &mut self,
        id: ChannelId,
        _client_can_do: bool,
        _session: &mut client::Session,
    ) -> Result<(), Self::Error> {
        self.heard(id)
    }

    async fn window_adjusted(
        &mut self,
        id: ChannelId,
        _new_size: u32,
        _session: &mut client::Session,
    ) -> Result<(), Self::Error> {
        self.heard(id)
    }

    async fn channel_open_confirmation(
        &mut self,
        id: ChannelId,
        _max_packet_size: u32,
        _window_size: u32,
        _session: &mut client::Session,
    ) -> Result<(), Self::Error> {
        self.heard(id)
    }

    async fn channel_open_failure(
        &mut self,
        id: ChannelId,
        _reason: ChannelOpenFailure,
        _description: &str,
        _language: &str,
        _session: &mut client::Session,
    ) -> Result<(), Self::Error> {
        self.heard(id)
    }

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        _channel: Channel<client::Msg>,
        _connected_address: &str,
        _connected_port: u32,
        _originator_address: &str,
        _originator_port: u32,
        _reply: client::ChannelOpenHandle,
        _session: &mut client::Session,
    ) -> Result<(), Self::Error> {
        Ok(())
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        _channel: Channel<client::Msg>,
        _socket_path: &str,
        _reply: client::ChannelOpenHandle,
        _session: &mut client::Session,
    ) -> Result<(), Self::Error> {
        Ok(())
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        _channel: Channel<client::Msg>,
        _reply: client::ChannelOpenHandle,
        _session: &mut client::Session,
    ) -> Result<(), Self::Error> {
        Ok(())
    }

    async fn server_channel_open_session(
        &mut self,
        _channel: Channel<client::Msg>,
        _reply: client::ChannelOpenHandle,
        _session: &mut client::Session,
    ) -> Result<(), Self::Error> {
        Ok(())
    }

    async fn server_channel_open_direct_tcpip(
        &mut self,
        _channel: Channel<client::Msg>,
        _host_to_connect: &str,
        _port_to_connect: u32,
        _originator_address: &str,
        _originator_port: u32,
        _reply: client::ChannelOpenHandle,
        _session: &mut client::Session,
    ) -> Result<(), Self::Error> {
        Ok(())
    }

    async fn server_channel_open_direct_streamlocal(
        &mut self,
        _channel: Channel<client::Msg>,
        _socket_path: &str,
        _reply: client::ChannelOpenHandle,
        _session: &mut client::Session,
    ) -> Result<(), Self::Error> {
        Ok(())
    }

    async fn server_channel_open_x11(
        &mut self,
        _channel: Channel<client::Msg>,
        _originator_address: &str,
        _originator_port: u32,
        _reply: client::ChannelOpenHandle,
        _session: &mut client::Session,
    ) -> Result<(), Self::Error> {
        Ok(())
    }
}
