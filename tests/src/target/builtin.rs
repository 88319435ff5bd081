//! A small SSH server with a real shell under a pty, for machines without an sshd.
//!
//! It serves one account, by the same keys as the sshd would: shell, exec, environment, window changes, signals, exit status and
//! exit signal. It refuses forwards and subsystems. It is a stand-in for a target, not a server to put on a network.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use russh::keys::{Certificate, PublicKey, load_secret_key};
use russh::server::{
    Auth, ChannelOpenHandle, Config, Handle, Handler, Msg, Session, VerifiedPublicKey, run_stream,
};
use russh::{Channel, ChannelId, MethodKind, MethodSet, Pty, Sig};
use rustix::process::Signal;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use crate::layout::Layout;
use crate::process::send;

/// Input in bytes that may wait for a slow command before the client is given less credit.
const INPUT_MARK: usize = 1024 * 1024;
/// The credit of a client that is ahead of its command: enough to hear from it again.
const TRICKLE: u32 = 1024;
/// The credit of a client otherwise.
const WINDOW: u32 = 2 * 1024 * 1024;
/// Bytes read from a command at once.
const CHUNK: usize = 32 * 1024;

/// Serves until the process is ended.
///
/// # Errors
/// When the port is taken or the keys cannot be read.
pub async fn serve(layout: &Layout, port: u16) -> Result<()> {
    let mut config = Config {
        keys: vec![
            load_secret_key(layout.key(super::HOST_KEY), None)
                .context("the target's host key cannot be read")?,
        ],
        methods: MethodSet::from([MethodKind::PublicKey].as_slice()),
        auth_rejection_time: std::time::Duration::ZERO,
        inactivity_timeout: None,
        nodelay: true,
        window_size: WINDOW,
        ..Config::default()
    };
    config.auth_rejection_time_initial = Some(std::time::Duration::ZERO);
    let config = Arc::new(config);
    let site = Arc::new(Account {
        name: super::account()?,
        home: layout.target_home(),
        shell: super::login_shell(),
        keys: layout.target().join("authorized_keys"),
        authorities: layout.target().join("user_ca.pub"),
    });
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .with_context(|| format!("port {port} is in use"))?;
    loop {
        let (socket, _) = listener.accept().await?;
        let (config, site) = (Arc::clone(&config), Arc::clone(&site));
        tokio::spawn(async move {
            if let Ok(session) = run_stream(config, socket, Visitor::new(site)).await {
                let _ = session.await;
            }
        });
    }
}

/// The one account that is served.
#[derive(Debug)]
struct Account {
    name: String,
    home: PathBuf,
    shell: PathBuf,
    keys: PathBuf,
    authorities: PathBuf,
}

impl Account {
    /// Whether `file` lists `key`; read at each login, as sshd does.
    fn lists(file: &Path, key: &PublicKey) -> bool {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        text.lines()
            .filter_map(|line| PublicKey::from_openssh(line).ok())
            .any(|known| known.key_data() == key.key_data())
    }
}

/// One connection.
struct Visitor {
    account: Arc<Account>,
    channels: HashMap<ChannelId, State>,
}

/// One session channel, before and after its command started.
#[derive(Default)]
struct State {
    environment: Vec<(String, String)>,
    terminal: Option<(String, pty_process::Size)>,
    running: Option<Running>,
}

/// A command that runs.
struct Running {
    input: mpsc::UnboundedSender<Input>,
    waiting: Arc<AtomicUsize>,
    id: Option<u32>,
}

/// What the client sends to a command.
enum Input {
    Data(Vec<u8>),
    Size(pty_process::Size),
    Eof,
}

impl Input {
    fn length(&self) -> usize {
        if let Self::Data(bytes) = self {
            bytes.len()
        } else {
            0
        }
    }
}

/// The reading end of a command's input, which counts what was taken.
struct Queue {
    receiver: mpsc::UnboundedReceiver<Input>,
    waiting: Arc<AtomicUsize>,
}

impl Queue {
    async fn next(&mut self) -> Option<Input> {
        let input = self.receiver.recv().await?;
        self.waiting.fetch_sub(input.length(), Ordering::Relaxed);
        Some(input)
    }
}

impl Visitor {
    fn new(account: Arc<Account>) -> Self {
        Self {
            account,
            channels: HashMap::new(),
        }
    }

    /// Starts `command`, or a login shell, and answers the request.
    fn start(
        &mut self,
        channel: ChannelId,
        command: Option<&[u8]>,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        let Some(state) = self
            .channels
            .get_mut(&channel)
            .filter(|state| state.running.is_none())
        else {
            return session.channel_failure(channel);
        };
        let (sender, receiver) = mpsc::unbounded_channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let outlet = Outlet {
            handle: session.handle(),
            channel,
        };
        let queue = Queue {
            receiver,
            waiting: Arc::clone(&waiting),
        };
        let id = match launch(&self.account, state, command, outlet, queue) {
            Ok(id) => id,
            Err(_) => return session.channel_failure(channel),
        };
        state.running = Some(Running {
            input: sender,
            waiting,
            id,
        });
        session.channel_success(channel)
    }

    /// Queues without waiting: the task of the connection must go on, or two full queues would wait for each other.
    fn feed(&self, channel: ChannelId, input: Input) {
        if let Some(running) = self.running(channel) {
            running.waiting.fetch_add(input.length(), Ordering::Relaxed);
            // A command that reads no more loses what is sent to it, as through a closed pipe.
            let _ = running.input.send(input);
        }
    }

    fn running(&self, channel: ChannelId) -> Option<&Running> {
        self.channels
            .get(&channel)
            .and_then(|state| state.running.as_ref())
    }
}

impl Handler for Visitor {
    type Error = russh::Error;

    async fn auth_publickey(
        &mut self,
        user: &str,
        key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        let known = user == self.account.name && Account::lists(&self.account.keys, key.public_key);
        Ok(if known { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_openssh_certificate(
        &mut self,
        user: &str,
        certificate: &Certificate,
    ) -> Result<Auth, Self::Error> {
        // The library checked signature and dates; trust, type, principal and options are ours to check.
        let authority = PublicKey::from(certificate.signature_key().clone());
        let known = user == self.account.name
            && certificate.cert_type().is_user()
            && certificate
                .valid_principals()
                .iter()
                .any(|principal| principal == user)
            && certificate.critical_options().is_empty()
            && Account::lists(&self.account.authorities, &authority);
        Ok(if known { Auth::Accept } else { Auth::reject() })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        self.channels.insert(channel.id(), State::default());
        reply.accept().await;
        Ok(())
    }

    async fn channel_close(
        &mut self,
        channel: ChannelId,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        if let Some(id) = self
            .channels
            .remove(&channel)
            .and_then(|state| state.running)
            .and_then(|running| running.id)
        {
            // As the hang-up of a terminal.
            let _ = send(id, Signal::HUP);
        }
        Ok(())
    }

    async fn channel_eof(
        &mut self,
        channel: ChannelId,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        self.feed(channel, Input::Eof);
        Ok(())
    }

    async fn data(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        self.feed(channel, Input::Data(data.to_vec()));
        Ok(())
    }

    fn adjust_window(&mut self, channel: ChannelId, current: u32) -> u32 {
        let ahead = self
            .running(channel)
            .is_some_and(|running| running.waiting.load(Ordering::Relaxed) > INPUT_MARK);
        if ahead { TRICKLE } else { current.max(WINDOW) }
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        term: &str,
        columns: u32,
        rows: u32,
        _: u32,
        _: u32,
        _: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let Some(state) = self.channels.get_mut(&channel) else {
            return session.channel_failure(channel);
        };
        state.terminal = Some((term.to_owned(), size(columns, rows)));
        session.channel_success(channel)
    }

    async fn env_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        value: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let Some(state) = self
            .channels
            .get_mut(&channel)
            .filter(|_| name == "LANG" || name.starts_with("LC_"))
        else {
            return session.channel_failure(channel);
        };
        state.environment.push((name.to_owned(), value.to_owned()));
        session.channel_success(channel)
    }

    async fn shell_request(
        &mut self,
        channel: ChannelId,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.start(channel, None, session)
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.start(channel, Some(command), session)
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        _: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_failure(channel)
    }

    async fn window_change_request(
        &mut self,
        channel: ChannelId,
        columns: u32,
        rows: u32,
        _: u32,
        _: u32,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.feed(channel, Input::Size(size(columns, rows)));
        session.channel_success(channel)
    }

    async fn signal(
        &mut self,
        channel: ChannelId,
        signal: Sig,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        let running = self
            .channels
            .get(&channel)
            .and_then(|state| state.running.as_ref());
        if let (Some(id), Some(signal)) = (
            running.and_then(|running| running.id),
            known_signal(&signal),
        ) {
            let _ = send(id, signal);
        }
        Ok(())
    }
}

/// Where a command's output goes.
#[derive(Clone)]
struct Outlet {
    handle: Handle,
    channel: ChannelId,
}

fn launch(
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

fn size(columns: u32, rows: u32) -> pty_process::Size {
    let narrow = |number: u32| u16::try_from(number).unwrap_or(u16::MAX);
    pty_process::Size::new(narrow(rows), narrow(columns))
}

fn known_signal(signal: &Sig) -> Option<Signal> {
    Some(match signal {
        Sig::ABRT => Signal::ABORT,
        Sig::ALRM => Signal::ALARM,
        Sig::FPE => Signal::FPE,
        Sig::HUP => Signal::HUP,
        Sig::ILL => Signal::ILL,
        Sig::INT => Signal::INT,
        Sig::KILL => Signal::KILL,
        Sig::PIPE => Signal::PIPE,
        Sig::QUIT => Signal::QUIT,
        Sig::SEGV => Signal::SEGV,
        Sig::TERM => Signal::TERM,
        Sig::USR1 => Signal::USR1,
        Sig::Custom(_) => return None,
    })
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
