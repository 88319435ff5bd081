//! The leg of a target through the library, with a target that sends without end and a technician who takes nothing.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use ecluse_policy::PublicKey;
use russh::keys::PrivateKey;
use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::server::{self, Auth, ChannelOpenHandle, Msg};
use russh::{ChannelId, Limits};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::door::stream::GuardedStream;
use crate::passage::inflow::{PACKET, WINDOW};
use crate::passage::purse::Purse;
use crate::passage::reach::Greeting;

/// A target that sends without end, and counts what it gets.
struct Flood(Arc<AtomicUsize>);

impl server::Handler for Flood {
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
        reply.accept().await;
        Ok(())
    }

    async fn shell_request(
        &mut self,
        id: ChannelId,
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        let handle = session.handle();
        tokio::spawn(async move {
            let packet = Bytes::from(vec![7; PACKET]);
            while handle.data(id, packet.clone()).await.is_ok() {}
        });
        Ok(())
    }

    async fn data(
        &mut self,
        _id: ChannelId,
        data: &[u8],
        _session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        self.0.fetch_add(data.len(), SeqCst);
        Ok(())
    }
}

/// What is sent through a leg that renews its keys on the way, while nobody takes what the target sends.
async fn send(bytes: usize, keys_after: usize, taken: &AtomicUsize, flood: Flood) {
    let key = PrivateKey::from(Ed25519Keypair::from_seed(&[7; 32]));
    let pinned = PublicKey::from_blob(&key.public_key().to_bytes().unwrap()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (far, _) = listener.accept().await.unwrap();
    let serving = Arc::new(server::Config {
        keys: vec![key],
        auth_rejection_time_initial: Some(Duration::ZERO),
        ..Default::default()
    });
    tokio::spawn(async move {
        if let Ok(running) = server::run_stream(serving, far, flood).await {
            let _ = running.await;
        }
    });

    let inflow = Inflow::new(Purse::of_connection(&Purse::common(1 << 30)));
    let gate: Arc<Inflow> = Arc::clone(&inflow);
    let stream = GuardedStream::new(near, u64::MAX).behind(gate);
    let intake = Intake::new(Arc::clone(&inflow));
    let target = Target::new(&[pinned], &Greeting::default(), Arc::clone(&intake));
    let config = Arc::new(client::Config {
        limits: Limits::new(keys_after, 1 << 30, Duration::from_secs(3600)),
        window_size: WINDOW,
        maximum_packet_size: PACKET as u32,
        ..Default::default()
    });
    let mut handle = client::connect_stream(config, stream, target)
        .await
        .unwrap();
    handle.authenticate_none("anybody").await.unwrap();
    let (read, write) = handle.channel_open_session().await.unwrap().split();
    intake.begin(read).unwrap();
    write.request_shell(false).await.unwrap();
    while !inflow.is_shut() {
        tokio::task::yield_now().await;
    }

    let mut sink = ToTarget {
        write: Arc::new(write),
        handle: Arc::new(handle),
        inflow,
        in_flight: None,
    };
    for _ in 0..bytes / PACKET {
        let mut piece = Piece::Data(Bytes::from(vec![1; PACKET]));
        sink.send(&mut piece).await.unwrap();
    }
    sink.send(&mut Piece::Signal(signals::of_wire(&russh::Sig::INT)))
        .await
        .unwrap();
    while taken.load(SeqCst) < bytes {
        tokio::task::yield_now().await;
    }
}

/// The target's part in a renewal of keys lies behind output that nobody takes, and nothing is sent before it is read.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_survives_a_renewal_of_keys_behind_output_that_nobody_takes() {
    let taken = Arc::new(AtomicUsize::new(0));
    let sending = send(5 << 18, 1 << 20, &taken, Flood(Arc::clone(&taken)));
    tokio::time::timeout(Duration::from_secs(60), sending)
        .await
        .unwrap_or_else(|_| panic!("stuck after {} bytes", taken.load(SeqCst)));
}
