//! Which capability answers which request: the one table that decides for every kind of channel and request.
//!
//! Both matches name every variant: a new kind of request, or of capability, stops the compiler here.

use super::{FlowRequest, SFTP};
use crate::capability::{Allowed, Capability, CommandRefused, EnvRefused, is_of_copies, scp};

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

/// Whether `request` is a command that copies files by a protocol that is looked into.
pub(crate) fn copies(request: &FlowRequest) -> bool {
    match request {
        FlowRequest::Command(command) => scp::Command::parse(command).is_some(),
        FlowRequest::SessionChannel
        | FlowRequest::Pty
        | FlowRequest::Shell
        | FlowRequest::Env { .. }
        | FlowRequest::WindowChange
        | FlowRequest::Signal(_)
        | FlowRequest::Break
        | FlowRequest::Subsystem(_)
        | FlowRequest::File(_)
        | FlowRequest::X11
        | FlowRequest::AgentForwarding
        | FlowRequest::DirectTcpip { .. }
        | FlowRequest::DirectStreamlocal { .. }
        | FlowRequest::RemoteForward { .. }
        | FlowRequest::RemoteStreamlocal { .. }
        | FlowRequest::UnknownChannel(_)
        | FlowRequest::UnknownRequest(_)
        | FlowRequest::UnnamedRequest { .. } => false,
    }
}

/// Whether one of these entries of a flow is a line of files, in force or not: what such a flow lets copy is judged by paths, and
/// a line that is over leaves no more than it gave.
pub(crate) fn has_files(entries: &[Allowed]) -> bool {
    entries.iter().any(Allowed::is_of_files)
}

/// Whether `capability` lets `request` pass in a flow that has lines of files or not: a copy is no command there.
pub(crate) fn answers_in(
    has_files: bool,
    capability: &Capability,
    request: &FlowRequest,
) -> Result<(), Mismatch> {
    match capability {
        Capability::Command(_) if has_files && copies(request) => Err(Mismatch::OtherKind),
        // Nor by a line that is read as no copy, which the program copies by all the same.
        Capability::Command(_)
            if has_files
                && is_of_copies(capability)
                && matches!(request, FlowRequest::Command(_)) =>
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
            Capability::File(_) if copies(request) => Ok(()),
            // A shell can run anything, but an agreed shell is watched as one: `exec` is another flow.
            Capability::Shell
            | Capability::Env(_)
            | Capability::File(_)
            | Capability::Forward(_) => Err(Mismatch::OtherKind),
        },
        FlowRequest::Env { name, value } => match capability {
            Capability::Env(names) => names.matches(name, value).map_err(Mismatch::Env),
            Capability::Shell
            | Capability::Command(_)
            | Capability::File(_)
            | Capability::Forward(_) => Err(Mismatch::OtherKind),
        },
        // What carries every line of files; each thing asked on it needs its own.
        FlowRequest::Subsystem(name) if name == SFTP => match capability {
            Capability::File(_) => Ok(()),
            Capability::Shell
            | Capability::Command(_)
            | Capability::Env(_)
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
