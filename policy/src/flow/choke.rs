//! Which capability answers which request: the one table that decides for every kind of channel and request.
//!
//! Both matches name every variant: a new kind of request, or of capability, stops the compiler here.

use super::{FlowRequest, SFTP};
use crate::capability::files::Protocol;
use crate::capability::transfer::Transfer;
use crate::capability::{Allowed, Capability, CommandRefused, EnvRefused, copies_by, git};

/// Why one capability does not answer one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mismatch {
    /// It is for something else.
    OtherKind,
    /// It is for commands, not for this one.
    Command(CommandRefused),
    /// It is for variables, not for this one.
    Env(EnvRefused),
}

/// The protocols of which a flow has lines of files, in force or not: what such a flow lets copy by them is judged by paths, and
/// a line that is over leaves no more than it gave.
pub(crate) fn by_paths(entries: &[Allowed]) -> Vec<Protocol> {
    let mut protocols: Vec<Protocol> = entries.iter().filter_map(Allowed::protocol).collect();
    protocols.sort_unstable();
    protocols.dedup();
    protocols
}

/// Whether `capability` lets `request` pass in a flow that has lines of files of these protocols: a copy by one of them is no command there.
pub(crate) fn answers_in(
    by_paths: &[Protocol],
    capability: &Capability,
    request: &FlowRequest,
) -> Result<(), Mismatch> {
    let is_judged =
        |protocol: Option<Protocol>| protocol.is_some_and(|one| by_paths.contains(&one));
    match capability {
        Capability::Command(_) if is_judged(Transfer::protocol_of(request)) => {
            Err(Mismatch::OtherKind)
        }
        // Nor by a line that is read as no copy, which the program copies by all the same.
        Capability::Command(_)
            if matches!(request, FlowRequest::Command(_)) && is_judged(copies_by(capability)) =>
        {
            Err(Mismatch::OtherKind)
        }
        Capability::Command(_)
        | Capability::Shell
        | Capability::Env(_)
        | Capability::File(_)
        | Capability::Forward(_) => answers(capability, request),
    }
}

/// Whether `capability` alone lets `request` pass.
pub(crate) fn answers(capability: &Capability, request: &FlowRequest) -> Result<(), Mismatch> {
    match request {
        // What carries a shell or a command, and says nothing by itself.
        FlowRequest::SessionChannel => match capability {
            Capability::Shell | Capability::Command(_) | Capability::File(_) => Ok(()),
            Capability::Env(_) | Capability::Forward(_) => Err(Mismatch::OtherKind),
        },
        FlowRequest::Shell => match capability {
            Capability::Shell => Ok(()),
            Capability::Command(_)
            | Capability::Env(_)
            | Capability::File(_)
            | Capability::Forward(_) => Err(Mismatch::OtherKind),
        },
        // What comes with a shell or a command is never had by itself: `crate::terms` decides it beside the start, and
        // on the permit of a channel that has started.
        FlowRequest::Pty
        | FlowRequest::WindowChange
        | FlowRequest::Signal(_)
        | FlowRequest::Break => Err(Mismatch::OtherKind),
        FlowRequest::Command(command) => match capability {
            Capability::Command(template) => template.matches(command).map_err(Mismatch::Command),
            // What carries every line of files, as the subsystem does.
            Capability::File(line) if Transfer::protocol_of(request) == Some(line.protocol()) => {
                Ok(())
            }
            // A shell can run anything, but an agreed shell is watched as one: `exec` is another flow.
            Capability::Shell
            | Capability::Env(_)
            | Capability::File(_)
            | Capability::Forward(_) => Err(Mismatch::OtherKind),
        },
        FlowRequest::Env { name, value } => match capability {
            Capability::Env(names) => names.matches(name, value).map_err(Mismatch::Env),
            // Which of its protocols git's client speaks: it says nothing else by it.
            Capability::File(line)
                if line.protocol() == Protocol::Git
                    && name == git::PROTOCOL_VARIABLE
                    && git::PROTOCOLS.contains(&value.as_str()) =>
            {
                Ok(())
            }
            Capability::Shell
            | Capability::Command(_)
            | Capability::File(_)
            | Capability::Forward(_) => Err(Mismatch::OtherKind),
        },
        // What carries every line of files; each thing asked on it needs its own.
        FlowRequest::Subsystem(name) if name == SFTP => match capability {
            Capability::File(line) if line.protocol() == Protocol::Sftp => Ok(()),
            Capability::Shell
            | Capability::Command(_)
            | Capability::Env(_)
            | Capability::File(_)
            | Capability::Forward(_) => Err(Mismatch::OtherKind),
        },
        FlowRequest::File(need) => match capability {
            Capability::File(line) if line.answers(need) => Ok(()),
            Capability::File(_)
            | Capability::Shell
            | Capability::Command(_)
            | Capability::Env(_)
            | Capability::Forward(_) => Err(Mismatch::OtherKind),
        },
        // In the one spelling that a place has: what has none is named by no line.
        FlowRequest::DirectTcpip { .. } | FlowRequest::DirectStreamlocal { .. } => match capability
        {
            Capability::Forward(line) if request.place().as_ref() == Some(line) => Ok(()),
            Capability::Forward(_)
            | Capability::Shell
            | Capability::Command(_)
            | Capability::Env(_)
            | Capability::File(_) => Err(Mismatch::OtherKind),
        },
        FlowRequest::Subsystem(_)
        | FlowRequest::X11
        | FlowRequest::AgentForwarding
        | FlowRequest::RemoteForward { .. }
        | FlowRequest::RemoteStreamlocal { .. }
        | FlowRequest::UnknownChannel(_)
        | FlowRequest::UnknownRequest(_)
        | FlowRequest::UnnamedRequest { .. } => Err(Mismatch::OtherKind),
    }
}

/// How many words of a template fit the command that is asked for.
pub(crate) fn fit(capability: &Capability, request: &FlowRequest) -> usize {
    match (capability, request) {
        (Capability::Command(template), FlowRequest::Command(command)) => template.fit(command),
        (
            Capability::Command(_)
            | Capability::Shell
            | Capability::Env(_)
            | Capability::File(_)
            | Capability::Forward(_),
            _,
        ) => 0,
    }
}
