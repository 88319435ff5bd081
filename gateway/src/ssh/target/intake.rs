//! What a target says on its channel, between the library's task and the pump.
//!
//! The library lays down one message for each callback of a channel in a queue of its own, and its task waits for ever
//! where that queue is full. So each callback takes over what lies there ([`Intake::gather`]), into a queue that is bounded
//! by what is read of the target at all ([`Inflow`]).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use russh::{ChannelMsg, ChannelReadHalf};
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
        let Laid { read, messages, .. } = &mut *laid;
        let Some(read) = read else {
            return Ok(());
        };
        while let Some(Some(message)) = read.wait().now_or_never() {
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
