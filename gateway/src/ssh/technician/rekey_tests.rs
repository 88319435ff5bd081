//! An upload through the library while it renews keys.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use russh::keys::PrivateKey;
use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::server::{self, Auth, ChannelOpenHandle, Msg};
use russh::{Channel, ChannelId, Limits, client};
use tokio::net::{TcpListener, TcpStream};

use crate::door::stream::GuardedStream;
use crate::passage::connection::{Connection, WINDOW};
use crate::passage::purse::Purse;
use crate::passage::uplink::{Item, Uplink};
use crate::ssh::algorithms;

/// A door without people: takes one upload and throws it away.
struct Sink {
    connection: Arc<Connection>,
    uplink: Option<Arc<Uplink>>,
}

impl server::Handler for Sink {
    type Error = russh::Error;

    async fn auth_none(&mut self, _user: &str) -> Result<Auth, Self::Error> {
        Ok(Auth::Accept)
    }

    async fn channel_open_session(
        &mut self,
        _channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        let uplink = Uplink::open(&self.connection).unwrap();
        let emptied = Arc::clone(&uplink);
        tokio::spawn(async move { while !matches!(emptied.next().await, Item::Close) {} });
        self.uplink = Some(uplink);
        reply.accept().await;
        Ok(())
    }

    async fn data(
        &mut self,
        id: ChannelId,
        data: &[u8],
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        if self.connection.is_rekeying_soon() && !session.has_pending_data(id) {
            session.data(id, Bytes::new())?;
            if session.has_pending_data(id) {
                self.connection.rekeying();
            }
        }
        self.uplink
            .as_ref()
            .unwrap()
            .accept(Bytes::copy_from_slice(data))
            .await
            .unwrap();
        Ok(())
    }

    fn adjust_window(&mut self, _id: ChannelId, current: u32) -> u32 {
        self.uplink.as_ref().unwrap().refilled(current)
    }
}

struct Anybody;

impl client::Handler for Anybody {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        _key: &russh::keys::PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        Ok(true)
    }
}

/// Uploads through a door that renews its keys after 128 MiB.
async fn upload(mebibytes: usize) -> Result<(), russh::Error> {
    let limits = Limits::new(128 << 20, 128 << 20, Duration::from_secs(3600));
    let key = PrivateKey::from(Ed25519Keypair::from_seed(&[7; 32]));
    let config = Arc::new(server::Config {
        keys: vec![key],
        limits: limits.clone(),
        window_size: WINDOW,
        maximum_packet_size: 32 << 10,
        auth_rejection_time_initial: Some(Duration::ZERO),
        ..Default::default()
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (far, _) = listener.accept().await.unwrap();
    let stream = GuardedStream::new(far, u64::MAX);
    let sink = Sink {
        connection: Connection::new(
            stream.socket(),
            &Purse::common(1 << 30),
            algorithms::renewal(&limits),
            128,
        ),
        uplink: None,
    };
    tokio::spawn(async move {
        if let Ok(running) = server::run_stream(config, stream, sink).await {
            let _ = running.await;
        }
    });
    let mut handle = client::connect_stream(Arc::default(), near, Anybody).await?;
    handle.authenticate_none("anybody").await?;
    let channel = handle.channel_open_session().await?;
    let piece = Bytes::from(vec![7; 1 << 20]);
    for _ in 0..mebibytes {
        channel.data_bytes(piece.clone()).await?;
    }
    channel.eof().await?;
    // Answered only after all that was sent before.
    handle.send_ping().await?;
    Ok(())
}

/// The library ends a connection of which too much is under way when it renews keys.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_survives_the_renewal_of_keys() {
    let within = Duration::from_secs(120);
    tokio::time::timeout(within, upload(300))
        .await
        .expect("the upload stands still")
        .unwrap();
}
