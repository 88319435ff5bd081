//! SSH targets: one connection per technician channel, with a channel of the gateway's own beside it where paths are looked up;
//! and one more for all forwards of a session ([`forwards`]).
//!
//! [`dial`] reaches the destination written in a permit and nothing else (invariant 5), lets the target prove itself
//! (C3) and logs on with a credential that technicians never see (C2). [`channel`] is the side that it becomes.
//!
//! A target may be hostile. It is given one key exchange, a bounded time, no channel or request of its own, and nothing
//! it says is believed beyond its pinned key.

mod beside;
mod callbacks;
mod channel;
mod credential;
mod forwards;
mod intake;

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ecluse_policy::{AccountName, HostPort, PublicKey, Timestamp};
use russh::client;
use russh::keys::PrivateKeyWithHashAlg;
use russh::keys::ssh_key::{Algorithm, HashAlg};
use tokio::net::TcpStream;

use super::algorithms;
use super::certificate::{self, Purpose};
use crate::clock;
use crate::door::stream::{GuardedStream, Socket};
use crate::passage::channel::Start;
use crate::passage::inflow::{Inflow, PACKET, WINDOW};
use crate::passage::reach::{Asking, ConnectError, Greeting, Reached};
use crate::passage::visit::Visit;
use callbacks::Target;
use channel::TargetConnection;
use credential::Credential;
pub(crate) use forwards::{Forwards, forward};
use intake::{Intake, Intakes};

/// Until the target's TCP port answers.
const DIAL_WITHIN: Duration = Duration::from_secs(10);
/// Until the target has proven its key, let the gateway log on and opened a channel.
const LOG_ON_WITHIN: Duration = Duration::from_secs(20);
/// A machine that has been silent for so long is asked whether it is there (RFC 1122 §4.2.3.6): it is gone 2 min after its
/// last word at the latest.
const ASKED_AFTER: Duration = Duration::from_secs(60);
/// Asked again after this time.
const ASKED_EVERY: Duration = Duration::from_secs(15);
/// Unanswered, it is gone.
const ASKED_TIMES: u32 = 4;
/// Messages of the target that the library has room for; each is taken over at once ([`intake`]).
const LAID_DOWN: usize = 64;

/// Where an SSH server is, how it proves itself, and as whom to log on: as the permit says.
pub(crate) struct Server<'p> {
    pub(crate) destination: &'p HostPort,
    pub(crate) host_keys: &'p [PublicKey],
    pub(crate) account: &'p AccountName,
}

/// Dials `server`, logs on, opens a channel and asks for what `asking` says. What the target says
/// before is in `greeting`, also where nothing comes of it.
///
/// # Errors
/// [`ConnectError`]; nothing stays open then.
pub(crate) async fn dial(
    visit: &Visit,
    server: Server<'_>,
    asking: &Asking<'_>,
    greeting: &Greeting,
) -> Result<Reached, ConnectError> {
    let LoggedOn {
        handle,
        guard,
        inflow,
        intake,
        beside: intake_beside,
        forwards: _,
        until,
    } = log_on(visit, server, asking, greeting).await?;
    let opening = async {
        let not_opened = |error: russh::Error| ConnectError::Channel(error.to_string());
        let channel = handle.channel_open_session().await.map_err(not_opened)?;
        let beside = match asking.start {
            Start::Copy(_) => Some(handle.channel_open_session().await.map_err(not_opened)?),
            Start::Shell | Start::Command(_) | Start::Files | Start::Forward(_) => None,
        };
        Ok((channel, beside))
    };
    let (channel, beside) = within(until, opening).await?;
    let handle = Arc::new(handle);
    // However long somebody holds it: then, at once, what is asked.
    asking.until_free(visit).await;
    let id = channel.id();
    let intakes = (&intake, &intake_beside);
    let end = channel::ask(&handle, channel, beside, asking, intakes).await?;
    let socket = guard.keep();
    let connection = TargetConnection::new(socket, handle, move || Some(id), inflow);
    Ok(Reached::new(end, Box::new(connection)))
}

/// A connection to a target that has let the gateway in.
struct LoggedOn {
    handle: client::Handle<Target>,
    guard: CutOnDrop,
    inflow: Arc<Inflow>,
    intake: Arc<Intake>,
    beside: Arc<Intake>,
    forwards: Arc<Intakes>,
    /// Until when a channel has to be open.
    until: Instant,
}

/// Dials `server` and logs on.
async fn log_on(
    visit: &Visit,
    server: Server<'_>,
    asking: &Asking<'_>,
    greeting: &Greeting,
) -> Result<LoggedOn, ConnectError> {
    let Server {
        destination,
        host_keys,
        account,
    } = server;
    let credential = Credential::of(visit, asking.permit).await?;
    let address = (destination.host().to_owned(), destination.port());
    let tcp = match tokio::time::timeout(DIAL_WITHIN, TcpStream::connect(address)).await {
        Err(_) => return Err(ConnectError::Silent(DIAL_WITHIN)),
        Ok(Err(error)) if error.raw_os_error().is_none() => {
            return Err(ConnectError::Unresolved(error));
        }
        Ok(Err(error)) => return Err(ConnectError::Refused(error)),
        Ok(Ok(tcp)) => tcp,
    };
    notice_when_gone(&tcp).map_err(ConnectError::Refused)?;
    let inflow = Inflow::new(Arc::clone(visit.connection().purse()));
    let gate: Arc<Inflow> = Arc::clone(&inflow);
    let stream = GuardedStream::new(tcp, u64::MAX).behind(gate);
    // Whatever goes wrong from here on, the target's socket is closed, not left to a detached task.
    let guard = CutOnDrop(stream.socket(), true);
    let intake = Intake::new(Arc::clone(&inflow));
    let beside = Intake::new(Arc::clone(&inflow));
    let forwards: Arc<Intakes> = Arc::default();
    let of_all = (
        Arc::clone(&intake),
        Arc::clone(&beside),
        Arc::clone(&forwards),
    );
    let target = Target::new(host_keys, greeting, of_all.0, of_all.1, of_all.2);
    let me = Login {
        host_keys,
        account,
        credential,
        with_terminal: asking.terminal.is_some(),
        with_forwards: matches!(asking.start, Start::Forward(_)),
        now: clock::now(),
    };
    let until = clock::monotonic() + LOG_ON_WITHIN;
    let handle = within(until, me.log_on(stream, target)).await?;
    Ok(LoggedOn {
        handle,
        guard,
        inflow,
        intake,
        beside,
        forwards,
        until,
    })
}

/// Does it, or says that the target is silent.
async fn within<T>(
    until: Instant,
    work: impl Future<Output = Result<T, ConnectError>>,
) -> Result<T, ConnectError> {
    match tokio::time::timeout_at(until.into(), work).await {
        Err(_) => Err(ConnectError::Silent(LOG_ON_WITHIN)),
        Ok(done) => done,
    }
}

/// Asks the target's machine whether it is still there while nothing is sent, so that a session does not stay open with one
/// that vanished. Of a machine that holds back what it is sent, or is held back, nothing is asked that it does not answer.
fn notice_when_gone(tcp: &TcpStream) -> io::Result<()> {
    use rustix::net::sockopt;
    sockopt::set_socket_keepalive(tcp, true)?;
    sockopt::set_tcp_keepidle(tcp, ASKED_AFTER)?;
    sockopt::set_tcp_keepintvl(tcp, ASKED_EVERY)?;
    sockopt::set_tcp_keepcnt(tcp, ASKED_TIMES)?;
    Ok(())
}

/// How the gateway logs on.
struct Login<'a> {
    host_keys: &'a [PublicKey],
    account: &'a AccountName,
    credential: Credential,
    with_terminal: bool,
    with_forwards: bool,
    now: Timestamp,
}

impl Login<'_> {
    async fn log_on(
        self,
        stream: GuardedStream,
        target: Target,
    ) -> Result<client::Handle<Target>, ConnectError> {
        let Self {
            host_keys,
            account,
            credential,
            with_terminal,
            with_forwards,
            now,
        } = self;
        let presented = Arc::clone(&target.presented);
        let mut handle = match client::connect_stream(config(host_keys), stream, target).await {
            Ok(handle) => handle,
            Err(error) => return Err(refused_handshake(&error, &presented, host_keys)),
        };
        let account = account.to_string();
        let with = (with_terminal, with_forwards);
        authenticate(&mut handle, account, credential, with, now).await?;
        Ok(handle)
    }
}

fn config(host_keys: &[PublicKey]) -> Arc<client::Config> {
    // Only the pinned kinds are asked for, so that a target with several keys presents the one that was pinned.
    let pinned: Vec<Algorithm> = algorithms::KEYS
        .iter()
        .filter(|algorithm| is_pinned(algorithm, host_keys))
        .cloned()
        .collect();
    Arc::new(client::Config {
        client_id: russh::SshId::Standard("SSH-2.0-Ecluse".into()),
        limits: algorithms::without_a_clock(),
        window_size: WINDOW,
        maximum_packet_size: PACKET as u32,
        channel_buffer_size: LAID_DOWN,
        preferred: algorithms::preferred(pinned),
        inactivity_timeout: None,
        keepalive_interval: None,
        nodelay: true,
        ..Default::default()
    })
}

fn is_pinned(algorithm: &Algorithm, host_keys: &[PublicKey]) -> bool {
    // The two RSA signatures belong to one kind of key.
    let kind = if is_rsa(algorithm) {
        "ssh-rsa"
    } else {
        algorithm.as_str()
    };
    host_keys.iter().any(|key| key.algorithm().name() == kind)
}

fn is_rsa(algorithm: &Algorithm) -> bool {
    matches!(algorithm, Algorithm::Rsa { .. })
}

fn refused_handshake(
    error: &russh::Error,
    presented: &Mutex<Option<String>>,
    pinned: &[PublicKey],
) -> ConnectError {
    let presented = presented
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    let fingerprints = || {
        pinned
            .iter()
            .map(|key| key.fingerprint().to_string())
            .collect()
    };
    match (error, presented) {
        (russh::Error::UnknownKey, Some(got)) => ConnectError::HostKey {
            got,
            pinned: fingerprints(),
        },
        (russh::Error::NoCommonAlgo { theirs, .. }, _)
            if error.to_string().to_lowercase().contains("key") =>
        {
            ConnectError::HostKey {
                got: format!("none of these kinds ({})", theirs.join(", ")),
                pinned: fingerprints(),
            }
        }
        _ => ConnectError::Handshake(error.to_string()),
    }
}

async fn authenticate(
    handle: &mut client::Handle<Target>,
    account: String,
    credential: Credential,
    (with_terminal, with_forwards): (bool, bool),
    now: Timestamp,
) -> Result<(), ConnectError> {
    let lost = |error: russh::Error| ConnectError::Handshake(error.to_string());
    let accepted = match credential {
        Credential::Key(key) => {
            let hash = if is_rsa(&key.algorithm()) {
                let best = handle.best_supported_rsa_hash().await.map_err(lost)?;
                best.flatten().or(Some(HashAlg::Sha512))
            } else {
                None
            };
            let key = PrivateKeyWithHashAlg::new(Arc::new(*key), hash);
            handle
                .authenticate_publickey(account, key)
                .await
                .map_err(lost)?
                .success()
        }
        Credential::Password(password) => password_logs_on(handle, account, &password)
            .await
            .map_err(lost)?,
        Credential::Certificate { authority, key_id } => {
            let purpose = Purpose {
                account: &account,
                key_id,
                with_terminal,
                with_forwards,
            };
            let (key, certificate) = certificate::issue(&authority, &purpose, now)
                .map_err(|error| ConnectError::BadCredential(error.to_string()))?;
            handle
                .authenticate_openssh_cert(account, Arc::new(key), certificate)
                .await
                .map_err(lost)?
                .success()
        }
    };
    if accepted {
        Ok(())
    } else {
        Err(ConnectError::Authentication)
    }
}

/// Tries the `password` method, then the prompts of `keyboard-interactive` that hide what is typed.
async fn password_logs_on(
    handle: &mut client::Handle<Target>,
    account: String,
    password: &str,
) -> Result<bool, russh::Error> {
    if handle
        .authenticate_password(account.clone(), password)
        .await?
        .success()
    {
        return Ok(true);
    }
    let mut answer = handle
        .authenticate_keyboard_interactive_start(account, None)
        .await?;
    // A target may ask in several rounds; more than a few is a game.
    for _ in 0..4 {
        match answer {
            client::KeyboardInteractiveAuthResponse::Success => return Ok(true),
            client::KeyboardInteractiveAuthResponse::Failure { .. } => return Ok(false),
            client::KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => {
                let replies = prompts
                    .iter()
                    .map(|prompt| {
                        if prompt.echo {
                            String::new()
                        } else {
                            password.to_owned()
                        }
                    })
                    .collect();
                answer = handle
                    .authenticate_keyboard_interactive_respond(replies)
                    .await?;
            }
        }
    }
    Ok(false)
}

/// Cuts the socket unless told to keep it.
struct CutOnDrop(Arc<Socket>, bool);

impl CutOnDrop {
    fn keep(mut self) -> Arc<Socket> {
        self.1 = false;
        Arc::clone(&self.0)
    }
}

impl Drop for CutOnDrop {
    fn drop(&mut self) {
        if self.1 {
            self.0.cut();
        }
    }
}
