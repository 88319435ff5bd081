//! What a target says on its channel, between the library's task and the pump.
//!
//! The library lays down one message for each callback of a channel in a queue of its own, and its task waits for ever
//! where that queue is full. So each callback takes over what lies there ([`Intake::gather`]), into a queue that is bounded
//! by what is read of the target at all ([`Inflow`]).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use russh::{ChannelId, ChannelMsg, ChannelReadHalf};
use tokio::sync::Notify;

use crate::passage::inflow::{Inflow, TooLarge, Weight};
use crate::ssh::signals;

/// The messages of one channel.
pub(super) struct Intake {
    inflow: Arc<Inflow>,
    laid: Mutex<Laid>,
    /// Wakes whoever waits for a message.
    filled: Notify,
}

#[derive(Default)]
struct Laid {
    /// Where the library lays them down.
    read: Option<ChannelReadHalf>,
    /// Those that were taken over; bytes carry their weight themselves.
    messages: VecDeque<(ChannelMsg, Option<Weight>)>,
    /// Nothing more comes.
    over: bool,
}

impl Intake {
    /// Nothing has come yet.
    pub(super) fn new(inflow: Arc<Inflow>) -> Arc<Self> {
        Arc::new(Self {
            inflow,
            laid: Mutex::default(),
            filled: Notify::new(),
        })
    }

    /// What is on its way of this target.
    pub(super) fn inflow(&self) -> &Arc<Inflow> {
        &self.inflow
    }

    /// The channel is open; the library lays down in `read` what comes.
    ///
    /// # Errors
    /// [`TooLarge`] as [`Intake::gather`].
    pub(super) fn begin(&self, read: ChannelReadHalf) -> Result<(), TooLarge> {
        self.lock().read = Some(read);
        self.gather()
    }

    /// Takes over what the library has laid down.
    ///
    /// # Errors
    /// [`TooLarge`] when the target broke the rule of packet sizes; its connection must then end.
    pub(super) fn gather(&self) -> Result<(), TooLarge> {
        let mut laid = self.lock();
        let Laid {
            read,
            messages,
            over,
        } = &mut *laid;
        let Some(read) = read else {
            return Ok(());
        };
        while let Some(next) = read.wait().now_or_never() {
            let Some(message) = next else {
                // The library knows the channel no more.
                *over = true;
                break;
            };
            if let Some(weighed) = self.weigh(message)? {
                messages.push_back(weighed);
            }
        }
        if self.inflow.is_abandoned() {
            messages.clear();
        }
        drop(laid);
        self.filled.notify_one();
        Ok(())
    }

    /// The library's task is over.
    pub(super) fn end(&self) {
        // What broke a rule at the very end goes no further.
        let _ = self.gather();
        let mut laid = self.lock();
        laid.over = true;
        laid.read = None;
        drop(laid);
        self.filled.notify_one();
    }

    /// The next message; none after the last. Dropped while it waits, it has taken nothing.
    pub(super) async fn next(&self) -> Option<ChannelMsg> {
        loop {
            let filled = self.filled.notified();
            if let Some(message) = self.here() {
                return Some(message);
            }
            if self.lock().over {
                return None;
            }
            filled.await;
        }
    }

    /// The next message, if it is here already.
    pub(super) fn here(&self) -> Option<ChannelMsg> {
        let (message, _weight) = self.lock().messages.pop_front()?;
        Some(message)
    }

    /// Whether the library knows the channel no more: the target has closed it.
    pub(super) fn is_over(&self) -> bool {
        self.lock().over
    }

    fn lock(&self) -> MutexGuard<'_, Laid> {
        self.laid.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The message with what it weighs; nothing, where it is the library's bookkeeping or none of a target's business.
    fn weigh(&self, message: ChannelMsg) -> Result<Option<(ChannelMsg, Option<Weight>)>, TooLarge> {
        let inflow = &self.inflow;
        let bytes = match message {
            ChannelMsg::Data { data } => {
                let data = inflow.hold(data)?;
                return Ok(Some((ChannelMsg::Data { data }, None)));
            }
            ChannelMsg::ExtendedData { data, ext } => {
                let data = inflow.hold(data)?;
                return Ok(Some((ChannelMsg::ExtendedData { data, ext }, None)));
            }
            ChannelMsg::ExitSignal {
                ref signal_name,
                ref error_message,
                ref lang_tag,
                ..
            } => {
                let name = signals::of_wire(signal_name);
                name.name().len() + error_message.len() + lang_tag.len()
            }
            ChannelMsg::Eof
            | ChannelMsg::ExitStatus { .. }
            | ChannelMsg::Success
            | ChannelMsg::Failure
            | ChannelMsg::Close => 0,
            ChannelMsg::WindowAdjusted { .. }
            | ChannelMsg::XonXoff { .. }
            | ChannelMsg::Open { .. }
            | ChannelMsg::OpenFailure(_)
            | ChannelMsg::RequestPty { .. }
            | ChannelMsg::RequestShell { .. }
            | ChannelMsg::Exec { .. }
            | ChannelMsg::Signal { .. }
            | ChannelMsg::RequestSubsystem { .. }
            | ChannelMsg::RequestX11 { .. }
            | ChannelMsg::SetEnv { .. }
            | ChannelMsg::WindowChange { .. }
            | ChannelMsg::AgentForward { .. } => return Ok(None),
            // The library's enum may grow; what we do not know does not pass.
            _ => return Ok(None),
        };
        Ok(Some((message, Some(inflow.weigh(bytes)?))))
    }
}

/// The messages of the channels of one connection that come and go, by their numbers.
#[derive(Default)]
pub(super) struct Intakes(Mutex<Listed>);

#[derive(Default)]
struct Listed {
    channels: HashMap<ChannelId, Arc<Intake>>,
    /// The library's task is over.
    ended: bool,
}

impl Intakes {
    /// Lists a channel: what is laid down of it from now on is taken over.
    pub(super) fn list(&self, id: ChannelId, intake: &Arc<Intake>) {
        let mut listed = self.lock();
        listed.channels.insert(id, Arc::clone(intake));
        let ended = listed.ended;
        drop(listed);
        if ended {
            intake.end();
        }
    }

    /// Forgets a channel.
    pub(super) fn forget(&self, id: ChannelId) {
        self.lock().channels.remove(&id);
    }

    /// How many are listed.
    pub(super) fn len(&self) -> usize {
        self.lock().channels.len()
    }

    /// One that is listed, if any is.
    pub(super) fn any(&self) -> Option<ChannelId> {
        self.lock().channels.keys().next().copied()
    }

    /// Takes over what the library has laid down of a channel.
    ///
    /// # Errors
    /// [`TooLarge`] as [`Intake::gather`].
    pub(super) fn gather(&self, id: ChannelId) -> Result<(), TooLarge> {
        let intake = self.lock().channels.get(&id).map(Arc::clone);
        intake.map_or(Ok(()), |intake| intake.gather())
    }

    /// The library's task is over.
    pub(super) fn end(&self) {
        let mut listed = self.lock();
        listed.ended = true;
        let channels: Vec<_> = listed.channels.values().map(Arc::clone).collect();
        drop(listed);
        for intake in channels {
            intake.end();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Listed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
