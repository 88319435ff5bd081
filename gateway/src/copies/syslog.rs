//! A client's entries and the checkpoints, to its syslog receiver over TLS (RFC 5424, RFC 5425).
//!
//! One connection, held while there is nothing to send too, so that an absence is noticed. Entries are read from the
//! store a page at a time and never faster than the receiver takes them: one that stops reading costs a page of memory
//! and a socket's buffers.

use std::time::Duration;

use ecluse_policy::documents::SyslogReceiver;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};

use super::delivery::{Cursor, Delivery, End};
use super::message::{Sender, frame};
use super::{Errand, PAUSE, checkpoints_since, pause, stopped, tls, trail_of};
use crate::clock;
use crate::store::{Copied, StoreError, Topics};

/// Entries read at once.
const PAGE: u32 = 32;
/// How long one message may wait to be taken.
const TAKEN_WITHIN: Duration = Duration::from_secs(60);
/// How often a standing connection is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After so long a connection is no accident.
const STANDS_FIRMLY: Duration = Duration::from_secs(5);
/// How often the store is asked at most, however much happens there.
const GATHER: Duration = Duration::from_millis(100);
/// How long the receiver may take to close after we did.
const CLOSES_WITHIN: Duration = Duration::from_secs(3);

/// Why a conversation ended.
pub(super) struct Ended {
    pub(super) end: End,
    pub(super) problem: String,
}

impl Ended {
    fn broken(problem: impl std::fmt::Display) -> Self {
        Self {
            end: End::Broken,
            problem: problem.to_string(),
        }
    }
}

/// Sends until told to stop.
pub(super) async fn run(mut errand: Errand, receiver: &SyslogReceiver) {
    let mut wait = PAUSE.0;
    let mut delivery = loop {
        match errand.store.copied(&errand.key).await {
            Ok(copied) => break Delivery::from(cursor(copied)),
            Err(error) => tracing::error!(%error, "copies cannot begin: the store does not answer"),
        }
        if pause(&mut wait, &mut errand.stop).await {
            return;
        }
    };
    let sender = Sender::this_process();
    loop {
        match tls::connect(&receiver.address, &receiver.authority).await {
            Err(error) => errand.absence.is_away(&error.to_string()).await,
            Ok(stream) => {
                let began = clock::monotonic();
                let Ended { end, problem } =
                    converse(stream, &mut errand, &mut delivery, &sender).await;
                delivery.ended(end);
                remember(&errand, &delivery).await;
                if end == End::Concluded {
                    return;
                }
                errand.absence.is_away(&problem).await;
                if began.elapsed() > STANDS_FIRMLY {
                    wait = PAUSE.0;
                }
            }
        }
        if pause(&mut wait, &mut errand.stop).await {
            return;
        }
    }
}

/// One connection, from its handshake to its end.
pub(super) async fn converse(
    stream: impl AsyncRead + AsyncWrite,
    errand: &mut Errand,
    delivery: &mut Delivery,
    sender: &Sender,
) -> Ended {
    let (mut read, mut write) = split(stream);
    let mut receiver = std::pin::pin!(until_closed(&mut read));
    let mut changes = errand.store.changes(Topics::copied_to(&errand.client));
    let began = clock::monotonic();
    let mut firm = false;
    let mut changed = true;
    loop {
        if changed {
            changes.mark_unchanged();
            tokio::select! {
                sent = send_all(errand, delivery, sender, &mut write) => if let Err(ended) = sent {
                    return ended;
                },
                ended = &mut receiver => return ended,
            }
        }
        if *errand.stop.borrow() || errand.is_farewell_said(delivery.next().checkpoint) {
            if write.shutdown().await.is_err() {
                return Ended::broken("it did not take our end");
            }
            return match tokio::time::timeout(CLOSES_WITHIN, receiver).await {
                Ok(Ended {
                    end: End::Closed, ..
                }) => Ended {
                    end: End::Concluded,
                    problem: String::new(),
                },
                Ok(ended) => ended,
                Err(_) => Ended::broken("it did not close in turn"),
            };
        }
        changed = tokio::select! {
            _ = changes.changed() => {
                tokio::time::sleep(GATHER).await;
                true
            }
            () = tokio::time::sleep(LOOK_EVERY) => false,
            () = stopped(&mut errand.stop) => true,
            Ok(()) = errand.farewell.changed() => true,
            ended = &mut receiver => return ended,
        };
        if delivery.stands(clock::monotonic()) {
            remember(errand, delivery).await;
        }
        if !firm && began.elapsed() > STANDS_FIRMLY {
            firm = true;
            errand.absence.is_there().await;
        }
    }
}

/// Reads until the receiver closes. It has nothing to say; what it says nevertheless is left.
async fn until_closed(read: &mut (impl AsyncRead + Unpin)) -> Ended {
    let mut ignored = [0; 1024];
    loop {
        match read.read(&mut ignored).await {
            Ok(0) => break,
            Ok(_) => {}
            // Closed without the word of TLS for it, as many receivers do.
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Ended::broken(error),
        }
    }
    Ended {
        end: End::Closed,
        problem: "it closed the connection".to_owned(),
    }
}

/// Sends everything there is to send.
async fn send_all(
    errand: &Errand,
    delivery: &mut Delivery,
    sender: &Sender,
    write: &mut (impl AsyncWrite + Unpin),
) -> Result<(), Ended> {
    loop {
        let next = delivery.next();
        let after = next.entry.saturating_sub(1);
        // R9: nobody else's.
        let entries = errand.store.trail(&errand.client, after, PAGE).await;
        let entries = entries.map_err(unread)?;
        let Some(last) = entries.last() else { break };
        let after = Cursor {
            entry: last.seq.saturating_add(1),
            ..next
        };
        for message in entries.iter().filter_map(|entry| sender.entry(entry)) {
            hand_over(write, &message).await?;
        }
        flush(write).await?;
        delivery.handed_over(after, clock::monotonic());
    }
    loop {
        let next = delivery.next();
        let checkpoints = checkpoints_since(&errand.store, next.checkpoint, PAGE)
            .await
            .map_err(unread)?;
        let Some((size, _)) = checkpoints.last() else {
            return Ok(());
        };
        let after = Cursor {
            checkpoint: size.saturating_add(1),
            ..next
        };
        for (size, checkpoint) in &checkpoints {
            let trail = trail_of(errand, *size).await.map_err(unread)?;
            let message = sender.checkpoint(checkpoint, trail.map(|head| (&errand.client, head)));
            hand_over(write, &message).await?;
        }
        flush(write).await?;
        delivery.handed_over(after, clock::monotonic());
    }
}

async fn hand_over(write: &mut (impl AsyncWrite + Unpin), message: &[u8]) -> Result<(), Ended> {
    in_time(async { write.write_all(&frame(message)).await }).await
}

async fn flush(write: &mut (impl AsyncWrite + Unpin)) -> Result<(), Ended> {
    in_time(async { write.flush().await }).await
}

async fn in_time(work: impl Future<Output = std::io::Result<()>>) -> Result<(), Ended> {
    match tokio::time::timeout(TAKEN_WITHIN, work).await {
        Ok(done) => done.map_err(Ended::broken),
        Err(_) => Err(Ended::broken("it does not take what is sent")),
    }
}

/// Not the receiver's doing; the connection is given up all the same, and with it nothing is lost.
fn unread(error: StoreError) -> Ended {
    tracing::error!(%error, "copies cannot be read from the store");
    Ended::broken(format!("the gateway cannot read its journal: {error}"))
}

async fn remember(errand: &Errand, delivery: &Delivery) {
    let Cursor { entry, checkpoint } = delivery.arrived();
    let copied = Copied {
        next_entry: entry,
        next_checkpoint: checkpoint,
        at: clock::now(),
    };
    if let Err(error) = errand.store.set_copied(&errand.key, copied).await {
        // They are sent again then.
        tracing::warn!(%error, "how far copies have gone could not be kept");
    }
}

fn cursor(copied: Option<Copied>) -> Cursor {
    copied.map_or(
        Cursor {
            entry: 1,
            checkpoint: 0,
        },
        |copied| Cursor {
            entry: copied.next_entry,
            checkpoint: copied.next_checkpoint,
        },
    )
}
