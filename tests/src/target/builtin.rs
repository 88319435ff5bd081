//! A small SSH server with a real shell under a pty, for machines without an sshd.
//!
//! It serves one account, by the same keys as the sshd would: shell, exec, environment, window changes, signals, exit status and
//! exit signal. It refuses forwards and subsystems. It is a stand-in for a target, not a server to put on a network.

mod command;

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use russh::keys::{Certificate, PublicKey, load_secret_key};
use russh::server::{
    Auth, ChannelOpenHandle, Config, Handler, Msg, Session, VerifiedPublicKey, run_stream,
};
use russh::{Channel, ChannelId, MethodKind, MethodSet, Pty, Sig};
use rustix::process::Signal;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use self::command::{Input, Outlet, Queue, Running, launch};
use crate::layout::Layout;
use crate::process::send;

/// Input in bytes that may wait for a slow command before the client is given less credit.
const INPUT_MARK: usize = 1024 * 1024;

/// The credit of a client that is ahead of its command: enough to hear from it again.
const TRICKLE: u32 = 1024;

/// The credit of a client otherwise.
const WINDOW: u32 = 2 * 1024 * 1024;

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
