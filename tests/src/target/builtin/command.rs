//! A command of the account: started with or without a terminal, fed from its channel, copied back to it.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use russh::server::Handle;
use russh::{ChannelId, Sig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use super::{Account, State};

/// Bytes read from a command at once.
const CHUNK: usize = 32 * 1024;

/// A command that runs.
pub(super) struct Running {
    pub(super) input: mpsc::UnboundedSender<Input>,
    pub(super) waiting: Arc<AtomicUsize>,
    pub(super) id: Option<u32>,
}

/// What the client sends to a command.
pub(super) enum Input {
    Data(Vec<u8>),
    Size(pty_process::Size),
    Eof,
}

impl Input {
    pub(super) fn length(&self) -> usize {
        if let Self::Data(bytes) = self {
            bytes.len()
        } else {
            0
        }
    }
}

/// The reading end of a command's input, which counts what was taken.
pub(super) struct Queue {
    pub(super) receiver: mpsc::UnboundedReceiver<Input>,
    pub(super) waiting: Arc<AtomicUsize>,
}

impl Queue {
    async fn next(&mut self) -> Option<Input> {
        let input = self.receiver.recv().await?;
        self.waiting.fetch_sub(input.length(), Ordering::Relaxed);
        Some(input)
    }
}

/// Where a command's output goes.
#[derive(Clone)]
pub(super) struct Outlet {
    pub(super) handle: Handle,
    pub(super) channel: ChannelId,
}

pub(super) fn launch(
    account: &Account,
    state: &State,
    command: Option<&[u8]>,
    outlet: Outlet,
    input: Queue,
) -> Result<Option<u32>> {
    use std::os::unix::ffi::OsStrExt;
    let mut environment = vec![
        ("HOME".to_owned(), account.home.display().to_string()),
        ("SHELL".to_owned(), account.shell.display().to_string()),
        ("USER".to_owned(), account.name.clone()),
        ("LOGNAME".to_owned(), account.name.clone()),
        (
            "PATH".to_owned(),
            "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin".to_owned(),
        ),
        // What bash takes as the sign that it was started by an SSH server, to read .bashrc.
        ("SSH_CLIENT".to_owned(), "127.0.0.1 0 0".to_owned()),
    ];
    environment.extend(state.environment.iter().cloned());
    let arguments: Vec<&std::ffi::OsStr> = match command {
        Some(command) => vec!["-c".as_ref(), std::ffi::OsStr::from_bytes(command)],
        None => vec!["-l".as_ref()],
    };
    if let Some((term, size)) = &state.terminal {
        environment.push(("TERM".to_owned(), term.clone()));
        let (pty, pts) = pty_process::open()?;
        pty.resize(*size)?;
        let child = pty_process::Command::new(&account.shell)
            .args(arguments)
            .env_clear()
            .envs(environment)
            .current_dir(&account.home)
            .kill_on_drop(true)
            .spawn(pts)?;
        let id = child.id();
        tokio::spawn(run_terminal(child, pty, outlet, input));
        return Ok(id);
    }
    let mut child = Command::new(&account.shell)
        .args(arguments)
        .env_clear()
        .envs(environment)
        .current_dir(&account.home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let id = child.id();
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    tokio::spawn(async move {
        let writing = tokio::spawn(write_pipe(stdin, input));
        let errors = tokio::spawn(copy_out(stderr, outlet.clone(), true));
        copy_out(stdout, outlet.clone(), false).await;
        let _ = errors.await;
        let status = child.wait().await;
        writing.abort();
        finish(status.ok(), &outlet).await;
    });
    Ok(id)
}

async fn run_terminal(mut child: Child, pty: pty_process::Pty, outlet: Outlet, mut input: Queue) {
    let (reading, mut writing) = pty.into_split();
    let output = tokio::spawn(copy_out(Some(reading), outlet.clone(), false));
    let typing = tokio::spawn(async move {
        while let Some(next) = input.next().await {
            let done = match next {
                Input::Data(bytes) => writing.write_all(&bytes).await.is_ok(),
                Input::Size(size) => writing.resize(size).is_ok(),
                // End of input at a terminal is the character that says so.
                Input::Eof => writing.write_all(&[4]).await.is_ok(),
            };
            if !done {
                break;
            }
        }
    });
    let status = child.wait().await;
    // The last output is read until the terminal's other end is closed.
    let _ = output.await;
    typing.abort();
    finish(status.ok(), &outlet).await;
}

async fn write_pipe(pipe: Option<impl AsyncWrite + Unpin>, mut input: Queue) {
    let Some(mut pipe) = pipe else { return };
    let mut open = true;
    while let Some(next) = input.next().await {
        match next {
            // Once the command stopped reading, the rest is drained so that the connection goes on.
            Input::Data(bytes) if open => open = pipe.write_all(&bytes).await.is_ok(),
            Input::Data(_) | Input::Size(_) => {}
            Input::Eof => break,
        }
    }
    let _ = pipe.shutdown().await;
    drop(pipe);
    while input.next().await.is_some() {}
}

async fn copy_out(from: Option<impl AsyncRead + Unpin>, outlet: Outlet, is_error: bool) {
    let Some(mut from) = from else { return };
    let mut chunk = vec![0_u8; CHUNK];
    // A terminal whose other end is closed reads as an error; both mean the end.
    while let Ok(length) = from.read(&mut chunk).await {
        let Some(bytes) = chunk.get(..length).filter(|bytes| !bytes.is_empty()) else {
            break;
        };
        let sent = if is_error {
            outlet
                .handle
                .extended_data(outlet.channel, 1, bytes.to_vec())
                .await
                .is_ok()
        } else {
            outlet
                .handle
                .data(outlet.channel, bytes.to_vec())
                .await
                .is_ok()
        };
        if !sent {
            break;
        }
    }
}

async fn finish(status: Option<ExitStatus>, outlet: &Outlet) {
    let Outlet { handle, channel } = outlet;
    let _ = handle.eof(*channel).await;
    if let Some(status) = status {
        if let Some(code) = status.code() {
            let _ = handle
                .exit_status_request(*channel, u32::try_from(code).unwrap_or(255))
                .await;
        } else if let Some(signal) = status.signal() {
            let _ = handle
                .exit_signal_request(
                    *channel,
                    signal_name(signal),
                    status.core_dumped(),
                    String::new(),
                    String::new(),
                )
                .await;
        }
    }
    let _ = handle.close(*channel).await;
}

fn signal_name(number: i32) -> Sig {
    match number {
        1 => Sig::HUP,
        2 => Sig::INT,
        3 => Sig::QUIT,
        4 => Sig::ILL,
        6 => Sig::ABRT,
        8 => Sig::FPE,
        9 => Sig::KILL,
        10 => Sig::USR1,
        11 => Sig::SEGV,
        13 => Sig::PIPE,
        14 => Sig::ALRM,
        15 => Sig::TERM,
        other => Sig::Custom(other.to_string()),
    }
}
