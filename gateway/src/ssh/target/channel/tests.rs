//! The leg of a target through the library, with a target that sends without end and a technician who takes nothing.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll};

use ecluse_policy::PublicKey;
use russh::keys::PrivateKey;
use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::server::{self, Auth, ChannelOpenHandle, Msg};
use russh::{ChannelId, Limits};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::door::stream::GuardedStream;
use crate::passage::inflow::{PACKET, WINDOW};
use crate::passage::purse::Purse;
use crate::passage::reach::Greeting;
use crate::ssh::algorithms;

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

/// A leg towards a target that sends without end.
struct Leg {
    handle: Arc<client::Handle<Target>>,
    write: ChannelWriteHalf<client::Msg>,
    inflow: Arc<Inflow>,
    intake: Arc<Intake>,
    /// What was sent to the target, enciphered. **Unit**: bytes.
    sent: Arc<AtomicUsize>,
}

impl Leg {
    async fn open(limits: Limits, flood: Flood) -> Self {
        let key = PrivateKey::from(Ed25519Keypair::from_seed(&[7; 32]));
        let pinned = PublicKey::from_blob(&key.public_key().to_bytes().unwrap()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (far, _) = listener.accept().await.unwrap();
        let sent = Arc::new(AtomicUsize::new(0));
        let far = Counting(far, Arc::clone(&sent));
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
        let beside = Intake::new(Arc::clone(intake.inflow()));
        let target = Target::new(
            &[pinned],
            &Greeting::default(),
            Arc::clone(&intake),
            beside,
            Arc::default(),
        );
        let config = Arc::new(client::Config {
            limits,
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
        let leg = Self {
            handle: Arc::new(handle),
            write,
            inflow,
            intake,
            sent,
        };
        leg.until_shut().await;
        leg
    }

    async fn until_shut(&self) {
        while !self.inflow.is_shut() {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until something more is sent; how much.
    async fn until_sent(&self) -> usize {
        let before = self.sent.load(SeqCst);
        loop {
            tokio::task::yield_now().await;
            let more = self.sent.load(SeqCst) - before;
            if more > 0 {
                return more;
            }
        }
    }
}

/// A stream that counts what is read of it.
struct Counting(TcpStream, Arc<AtomicUsize>);

impl AsyncRead for Counting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.0).poll_read(cx, buf);
        self.1.fetch_add(buf.filled().len() - before, SeqCst);
        read
    }
}

impl AsyncWrite for Counting {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// What is sent through a leg that renews its keys on the way, while nobody takes what the target sends.
async fn send(bytes: usize, keys_after: usize, taken: &AtomicUsize, flood: Flood) {
    let limits = Limits::new(keys_after, 1 << 30, Duration::from_secs(3600));
    let Leg {
        handle,
        write,
        inflow,
        // Kept: whoever drops it takes nothing over any more.
        intake: _intake,
        sent: _,
    } = Leg::open(limits, flood).await;

    let mut sink = ToTarget {
        write: Arc::new(write),
        handle,
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

/// X3: for as long as nobody reads, the target hears that the gateway is there, through many times the life of its keys: they are
/// renewed once it is read again.
#[tokio::test(flavor = "multi_thread")]
async fn x3_a_target_that_is_held_is_told_through_the_life_of_its_keys() {
    /// Less than the gateway's part in a renewal takes, and more than a sign of life. **Unit**: bytes.
    const PART: usize = 1 << 10;
    let limits = algorithms::without_a_clock();
    assert!(limits.rekey_time_limit > Duration::from_secs(1 << 30));
    let rhythm = Rhythm {
        still_here: Duration::from_millis(10),
        renewal: Duration::from_millis(100),
    };
    let story = async {
        let leg = Leg::open(limits, Flood(Arc::default())).await;
        let kept = (Arc::clone(&leg.handle), leg.write.id());
        let keeping = tokio::spawn(keep(
            (kept.0, move || Some(kept.1)),
            Arc::clone(&leg.inflow),
            rhythm,
        ));
        for _ in 0..50 {
            let more = leg.until_sent().await;
            assert!(more < PART, "{more} bytes: keys are renewed");
        }
        // It is read.
        let mut before = leg.sent.load(SeqCst);
        loop {
            leg.intake.next().await.unwrap();
            let sent = leg.sent.load(SeqCst);
            if sent - before >= PART {
                break;
            }
            before = sent;
        }
        // And is not.
        leg.until_shut().await;
        for _ in 0..50 {
            leg.until_sent().await;
        }
        assert!(!keeping.is_finished());
        keeping.abort();
    };
    tokio::time::timeout(Duration::from_secs(60), story)
        .await
        .expect("the target hears nothing more");
}
