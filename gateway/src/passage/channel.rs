//! What a channel of a technician asks for before it starts, and what starts it.

use std::sync::Arc;

use bytes::Bytes;
use ecluse_policy::capability::transfer::Transfer;
use ecluse_policy::{FlowRequest, Permit, SFTP};
use ecluse_recordings as recordings;

use super::caps;
use super::order::Order;
use super::purse::RequestCosts;
use super::side::{End, Gone, Sink, Stream, TermSize};
use super::uplink::{FromTechnician, Uplink};
use super::window::TerminalRequest;
use crate::live::Program;
use crate::terminal::layout;

/// What a channel asked for before its shell or command.
pub(crate) struct Opening {
    pub(crate) uplink: Arc<Uplink>,
    /// The technician's side.
    pub(super) end: End,
    pub(crate) terminal: Option<TerminalRequest>,
    pub(crate) environment: Vec<(String, String)>,
    /// How many variables were asked for beyond what is kept ([`super::caps`]).
    pub(crate) variables_unkept: u32,
    /// The size that its window was given while it talked to the gateway.
    pub(super) resized: Option<TermSize>,
    /// The program that it came from.
    pub(super) program: Option<Arc<dyn Program>>,
    /// What the requests are paid for with.
    costs: RequestCosts,
    /// Its target was reached, and has what comes.
    pub(super) reached: bool,
    /// What the gateway's own dialogue switched on in the person's terminal.
    pub(super) order: Order,
}

impl Opening {
    /// A channel that has asked for nothing yet, whose way there is `uplink` and whose way back is `downlink`.
    pub(crate) fn new(uplink: Arc<Uplink>, downlink: impl Sink + 'static) -> Self {
        let source = FromTechnician(Arc::clone(&uplink));
        Self {
            uplink,
            end: End::new(Box::new(source), Box::new(downlink)),
            terminal: None,
            environment: Vec::new(),
            variables_unkept: 0,
            resized: None,
            program: None,
            costs: RequestCosts::default(),
            reached: false,
            order: Order::new(u32::MAX),
        }
    }

    /// The same from `program`, which can be asked whether it is there.
    pub(crate) fn by(self, program: impl Program + 'static) -> Self {
        Self {
            program: Some(Arc::new(program)),
            ..self
        }
    }

    /// Says something of the gateway's own.
    ///
    /// # Errors
    /// [`Gone`] when nobody is there to read it.
    pub(super) async fn say(
        &mut self,
        stream: Stream,
        words: impl Into<Bytes>,
    ) -> Result<(), Gone> {
        self.end.say(stream.piece(words.into())).await
    }

    /// What puts the person's terminal in order after a dialogue; none where it is.
    pub(super) fn restore(&mut self) -> Option<Bytes> {
        self.order.restore().map(Bytes::from)
    }

    /// Pays for `bytes` kept for as long as the channel is open; false when the purse is empty.
    pub(crate) fn pay(&mut self, bytes: usize) -> bool {
        self.costs.pay(self.uplink.connection().purse(), bytes)
    }

    /// The terminal that was asked for, with the size that its window has by now: the shell that comes after a talk begins
    /// with it.
    pub(super) fn terminal_now(&self) -> Option<TerminalRequest> {
        let asked = self.terminal.clone()?;
        Some(match self.resized {
            None => asked,
            Some(TermSize { cols, rows }) => TerminalRequest {
                cols,
                rows,
                ..asked
            },
        })
    }
}

/// `words` in lines that fit the technician's terminal, where there is one.
pub(super) fn lines(uplink: &Uplink, words: &str) -> String {
    match uplink.columns() {
        Some(columns) => layout::told(words, columns),
        None => format!("{words}\n"),
    }
}

/// What starts a channel.
#[derive(Debug, Clone)]
pub(crate) enum Start {
    /// The account's shell.
    Shell,
    /// One command, as bytes.
    Command(Vec<u8>),
    /// Files by a command that is looked into.
    Copy(Copying),
    /// Files: the subsystem `sftp`.
    Files,
    /// One connection to a place that the target sees.
    Forward(FlowRequest),
}

/// A command that copies files.
#[derive(Debug, Clone)]
pub(crate) struct Copying {
    /// As it was typed.
    pub(crate) typed: Vec<u8>,
    /// What it means.
    pub(crate) means: Transfer,
}

impl Start {
    /// The same by what permits it: a command that goes by lines of files is looked into.
    pub(super) fn by(self, permit: &Permit) -> Self {
        match self {
            Self::Command(typed) if permit.terms().files().is_some() => {
                match Transfer::parse(&typed) {
                    Some(means) => Self::Copy(Copying { typed, means }),
                    // Cannot be: by this it was permitted. What is no packet of SFTP does not pass there.
                    None => Self::Files,
                }
            }
            Self::Shell | Self::Command(_) | Self::Copy(_) | Self::Files | Self::Forward(_) => self,
        }
    }

    pub(super) fn flow(&self) -> FlowRequest {
        match self {
            Self::Shell => FlowRequest::Shell,
            Self::Command(command) => FlowRequest::Command(command.clone()),
            Self::Copy(copy) => FlowRequest::Command(copy.typed.clone()),
            Self::Files => FlowRequest::Subsystem(SFTP.to_owned()),
            Self::Forward(flow) => flow.clone(),
        }
    }

    /// The same, where it does not run: no longer than a name.
    pub(crate) fn attempted(&self) -> FlowRequest {
        match self {
            Self::Shell => FlowRequest::Shell,
            Self::Command(command) => FlowRequest::Command(caps::attempted(command)),
            Self::Copy(copy) => FlowRequest::Command(caps::attempted(&copy.typed)),
            Self::Files | Self::Forward(_) => self.flow(),
        }
    }

    /// The command, escaped for display; none of a shell. Files go by the name of their subsystem, a forward by its place.
    pub(super) fn shown(&self) -> Option<String> {
        match self {
            Self::Shell => None,
            Self::Command(command) => Some(recordings::spelled(command)),
            Self::Copy(copy) => Some(recordings::spelled(&copy.typed)),
            Self::Files => Some(SFTP.to_owned()),
            Self::Forward(flow) => Some(flow.place().map_or_else(
                || ecluse_recordings::neutralise(flow.to_string()),
                |place| place.to_string(),
            )),
        }
    }
}
