//! Dials an SSH target: one connection per technician channel.
//!
//! A target may be hostile. It is given one key exchange, a bounded time, no channel or request of its own, and nothing
//! it says is believed beyond its pinned key.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ecluse_policy::{Permit, PublicKey, Timestamp};
use russh::keys::ssh_key::{Algorithm, HashAlg};
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg};
use russh::{Channel, ChannelReadHalf, ChannelWriteHalf, client};
use tokio::net::TcpStream;
use zeroize::Zeroizing;

use super::certificate::{self, Purpose};
use super::target::{Greeting, Target};
use crate::door::ssh::algorithms;
use crate::door::stream::{GuardedStream, Socket};
use crate::passage::inflow::{Inflow, PACKET};
use crate::passage::purse::Purse;

/// Until the target's TCP port answers.
const DIAL_WITHIN: Duration = Duration::from_secs(10);
/// Until the target has proven its key, let the gateway log on and opened a channel.
const LOG_ON_WITHIN: Duration = Duration::from_secs(20);
/// Until a target that is being left has taken what was sent to it.
const TAKEN_WITHIN: Duration = Duration::from_secs(5);
/// Receive window towards a target, in bytes.
const WINDOW: u32 = 2 << 20;
/// Messages of the target queued at most; how many bytes they may hold, [`Inflow`] says.
const QUEUED_MESSAGES: usize = 64;

/// How the gateway logs on to a target's account. Never shown to anybody (C2).
#[derive(Debug)]
pub(crate) enum Credential {
    /// A private key in OpenSSH form.
    Key(Box<PrivateKey>),
    /// A password.
    Password(Zeroizing<String>),
    /// A certificate made for this connection by the gateway's authority.
    Certificate {
        /// The authority's key.
        authority: Box<PrivateKey>,
        /// Who it is for, written to the target's log.
        key_id: String,
    },
}

/// Why no connection to the target came about. Whose doing it is stands in the name; `text_id` is what the technician
/// reads, in words that reveal nothing about the target's address or credential.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// The name of the destination has no address.
    #[error("the target's name cannot be resolved: {0}")]
    Unresolved(std::io::Error),
    /// Nothing listens there, or a firewall says no.
    #[error("the target refuses connections: {0}")]
    Refused(std::io::Error),
    /// Nothing answers within the time allowed.
    #[error("the target does not answer within {} s", .0.as_secs())]
    Silent(Duration),
    /// The target proves another key than the pinned ones.
    #[error("the target's host key is {got}, pinned: {}", .pinned.join(", "))]
    HostKey {
        /// Fingerprint that the target presented.
        got: String,
        /// Fingerprints in the client's document.
        pinned: Vec<String>,
    },
    /// The handshake failed.
    #[error("the target does not speak SSH as agreed: {0}")]
    Handshake(String),
    /// No credential is set for this account.
    #[error(
        "no credential is set for this account; ask the administrator to run `ecluse credential set`"
    )]
    NoCredential,
    /// The stored credential cannot be used.
    #[error("the credential of this account cannot be used: {0}")]
    BadCredential(String),
    /// The target refuses the gateway's credential.
    #[error("the target refuses the credential of this account")]
    Authentication,
    /// The target logs on but opens no channel.
    #[error("the target opens no channel: {0}")]
    Channel(String),
    /// The technician left meanwhile.
    #[error("the technician left before the target answered")]
    Abandoned,
}

impl ConnectError {
    /// The message for the technician.
    pub(crate) fn text_id(&self) -> &'static str {
        match self {
            Self::Unresolved(_) => "target-unresolved",
            Self::Refused(_) => "target-down",
            Self::Silent(_) => "target-silent",
            Self::HostKey { .. } => "target-host-key",
            Self::Handshake(_) => "target-handshake",
            Self::NoCredential => "target-no-credential",
            Self::BadCredential(_) => "target-bad-credential",
            Self::Authentication => "target-authentication",
            Self::Channel(_) => "target-channel",
            // Nobody is there to read it.
            Self::Abandoned => "target-lost",
        }
    }
}

/// A channel on a target, ready for its requests.
pub(crate) struct TargetChannel {
    /// Messages of the target.
    pub(crate) read: ChannelReadHalf,
    /// Requests and input for the target.
    pub(crate) write: ChannelWriteHalf<client::Msg>,
    /// Cuts the connection to the target.
    pub(crate) socket: Arc<Socket>,
    handle: client::Handle<Target>,
    inflow: Arc<Inflow>,
}

impl TargetChannel {
    /// The two directions, and what keeps the connection open.
    pub(crate) fn into_parts(
        self,
    ) -> (
        ChannelReadHalf,
        ChannelWriteHalf<client::Msg>,
        TargetConnection,
    ) {
        (
            self.read,
            self.write,
            TargetConnection {
                socket: self.socket,
                handle: self.handle,
                inflow: self.inflow,
            },
        )
    }
}

/// Keeps the connection to a target open; cuts it when dropped, because the library's own task only detaches and waits
/// behind what the target does not read.
pub(crate) struct TargetConnection {
    socket: Arc<Socket>,
    handle: client::Handle<Target>,
    inflow: Arc<Inflow>,
}

impl TargetConnection {
    /// By which the connection can be cut.
    pub(crate) fn socket(&self) -> &Arc<Socket> {
        &self.socket
    }

    /// What the target has sent and the technician has not taken.
    pub(crate) fn inflow(&self) -> &Arc<Inflow> {
        &self.inflow
    }

    /// Closes the connection once the target has taken what was sent to it, or after a few seconds. Must run inside the
    /// runtime.
    pub(crate) fn close_gently(mut self) {
        // Nobody takes what it still sends, and the library's task must not wait for that.
        self.inflow.abandon();
        tokio::spawn(async move {
            let taken = async {
                let reason = russh::Disconnect::ByApplication;
                let _ = self.handle.disconnect(reason, "", "").await;
                let _ = (&mut self.handle).await;
            };
            let _ = tokio::time::timeout(TAKEN_WITHIN, taken).await;
            drop(self);
        });
    }
}

impl Drop for TargetConnection {
    fn drop(&mut self) {
        self.inflow.abandon();
        self.socket.cut();
    }
}

/// Connects to the destination of `permit` and opens one session channel there. What the target says before is in
/// `greeting`, also where nothing comes of it; what it sends is counted against `purse`.
///
/// # Errors
/// [`ConnectError`]; nothing stays open then.
pub(crate) async fn connect(
    permit: &Permit,
    credential: Credential,
    with_terminal: bool,
    now: Timestamp,
    greeting: &Greeting,
    purse: &Arc<Purse>,
) -> Result<TargetChannel, ConnectError> {
    let destination = permit.destination();
    let address = (destination.host().to_owned(), destination.port());
    let tcp = match tokio::time::timeout(DIAL_WITHIN, TcpStream::connect(address)).await {
        Err(_) => return Err(ConnectError::Silent(DIAL_WITHIN)),
        Ok(Err(error)) if error.raw_os_error().is_none() => {
            return Err(ConnectError::Unresolved(error));
        }
        Ok(Err(error)) => return Err(ConnectError::Refused(error)),
        Ok(Ok(tcp)) => tcp,
    };
    let stream = GuardedStream::new(tcp, u64::MAX);
    let socket = stream.socket();
    // Whatever goes wrong from here on, the target's socket is closed, not left to a detached task.
    let guard = CutOnDrop(Some(Arc::clone(&socket)));
    let inflow = Inflow::new(Arc::clone(purse));
    let target = Target::new(permit.host_keys(), greeting, Arc::clone(&inflow));
    let logging_on = log_on(stream, permit, credential, with_terminal, now, target);
    let (handle, channel) = match tokio::time::timeout(LOG_ON_WITHIN, logging_on).await {
        Err(_) => return Err(ConnectError::Silent(LOG_ON_WITHIN)),
        Ok(result) => result?,
    };
    guard.keep();
    let (read, write) = channel.split();
    Ok(TargetChannel {
        read,
        write,
        socket,
        handle,
        inflow,
    })
}

async fn log_on(
    stream: GuardedStream,
    permit: &Permit,
    credential: Credential,
    with_terminal: bool,
    now: Timestamp,
    target: Target,
) -> Result<(client::Handle<Target>, Channel<client::Msg>), ConnectError> {
    let presented = Arc::clone(&target.presented);
    let mut handle = match client::connect_stream(config(permit.host_keys()), stream, target).await
    {
        Ok(handle) => handle,
        Err(error) => return Err(refused_handshake(&error, &presented, permit.host_keys())),
    };
    let account = permit.account().to_string();
    authenticate(&mut handle, account, credential, with_terminal, now).await?;
    let channel = handle
        .channel_open_session()
        .await
        .map_err(|error| ConnectError::Channel(error.to_string()))?;
    Ok((handle, channel))
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
        limits: algorithms::limits(),
        window_size: WINDOW,
        maximum_packet_size: PACKET as u32,
        channel_buffer_size: QUEUED_MESSAGES,
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
    with_terminal: bool,
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
struct CutOnDrop(Option<Arc<Socket>>);

impl CutOnDrop {
    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for CutOnDrop {
    fn drop(&mut self) {
        if let Some(socket) = &self.0 {
            socket.cut();
        }
    }
}
