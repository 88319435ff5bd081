//! A signing key held by an ssh-agent: another process, another account, or hardware behind it.
//!
//! Speaks as little of the agent's protocol (draft-ietf-sshm-ssh-agent) as signing needs: the list of keys, and one
//! signature. Every answer is bounded in size and time. It waits, so it is called where waiting is allowed.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ecluse_recordings::evidence::signature::{SignatureError, Signer};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

/// How long the agent may take for each part of an answer. A key that asks for a touch has a person behind it.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest answer that is read: a few thousand keys.
const LONGEST: u32 = 256 * 1024;
const ED25519: &[u8] = b"ssh-ed25519";

const FAILURE: u8 = 5;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;

/// Why an agent does not help.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// It cannot be reached, or is too slow.
    #[error("{0}; check that it runs and that its socket may be used by this account")]
    Io(io::Error),
    /// It refuses.
    #[error("it refused; load the key, and confirm its use where it asks for that")]
    Refused,
    /// It answers something else.
    #[error("its answer does not read ({0})")]
    Malformed(&'static str),
}

/// One Ed25519 key of an agent.
#[derive(Debug)]
pub(super) struct Agent {
    path: PathBuf,
    public: [u8; 32],
}

impl Agent {
    pub(super) fn new(path: &Path, public: [u8; 32]) -> Self {
        Self {
            path: path.to_owned(),
            public,
        }
    }

    /// The Ed25519 keys of the agent at `path`.
    pub(super) fn keys(path: &Path) -> Result<Vec<[u8; 32]>, AgentError> {
        let answer = ask(path, &[REQUEST_IDENTITIES])?;
        let mut answer = expect(&answer, IDENTITIES_ANSWER)?;
        let count = number(&mut answer)?;
        let mut keys = Vec::new();
        for _ in 0..count {
            let blob = string(&mut answer)?;
            let _comment = string(&mut answer)?;
            keys.extend(ed25519(blob));
        }
        Ok(keys)
    }

    fn signature(&self, message: &[u8]) -> Result<[u8; 64], AgentError> {
        let mut blob = Vec::new();
        put_string(&mut blob, ED25519)?;
        put_string(&mut blob, &self.public)?;
        let mut request = vec![SIGN_REQUEST];
        put_string(&mut request, &blob)?;
        put_string(&mut request, message)?;
        request.extend_from_slice(&0u32.to_be_bytes());
        let answer = ask(&self.path, &request)?;
        let mut answer = expect(&answer, SIGN_RESPONSE)?;
        let mut signature = string(&mut answer)?;
        if string(&mut signature)? != ED25519 {
            return Err(AgentError::Malformed("a signature of another kind"));
        }
        string(&mut signature)?
            .try_into()
            .map_err(|_| AgentError::Malformed("a signature of another length"))
    }
}

impl Signer for Agent {
    fn public(&self) -> [u8; 32] {
        self.public
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignatureError> {
        let refused = |error: AgentError| {
            SignatureError::NotSigned(format!("the ssh-agent at {}: {error}", self.path.display()))
        };
        self.signature(message).map_err(refused)
    }
}

/// One request, one answer, on a connection of their own.
fn ask(path: &Path, request: &[u8]) -> Result<Vec<u8>, AgentError> {
    let mut stream = open(path)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut framed = Vec::new();
    put_string(&mut framed, request)?;
    stream.write_all(&framed)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if length == 0 || length > LONGEST {
        return Err(AgentError::Malformed("its length cannot be"));
    }
    let mut answer = vec![0; length as usize];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

/// Connects without waiting: an agent whose queue is full would hold a blocking connect for ever.
fn open(path: &Path) -> Result<UnixStream, AgentError> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let address = SocketAddrUnix::new(path).map_err(io::Error::from)?;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)
        .map_err(io::Error::from)?;
    connect(&socket, &address).map_err(io::Error::from)?;
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

fn expect(answer: &[u8], kind: u8) -> Result<&[u8], AgentError> {
    match answer.split_first() {
        Some((found, rest)) if *found == kind => Ok(rest),
        Some((&FAILURE, _)) => Err(AgentError::Refused),
        Some(_) | None => Err(AgentError::Malformed("an answer to something else")),
    }
}

fn number(from: &mut &[u8]) -> Result<u32, AgentError> {
    let (bytes, rest) = from
        .split_first_chunk::<4>()
        .ok_or(AgentError::Malformed("it ends too early"))?;
    *from = rest;
    Ok(u32::from_be_bytes(*bytes))
}

fn string<'b>(from: &mut &'b [u8]) -> Result<&'b [u8], AgentError> {
    let length = number(from)? as usize;
    let (bytes, rest) = from
        .split_at_checked(length)
        .ok_or(AgentError::Malformed("it ends too early"))?;
    *from = rest;
    Ok(bytes)
}

fn put_string(to: &mut Vec<u8>, bytes: &[u8]) -> Result<(), AgentError> {
    let length =
        u32::try_from(bytes.len()).map_err(|_| AgentError::Malformed("the message is too long"))?;
    to.extend_from_slice(&length.to_be_bytes());
    to.extend_from_slice(bytes);
    Ok(())
}

/// The key of a public key's blob (RFC 8709 §4); none for another kind.
fn ed25519(mut blob: &[u8]) -> Option<[u8; 32]> {
    let kind = string(&mut blob).ok()?;
    let key = string(&mut blob).ok()?;
    (kind == ED25519 && blob.is_empty())
        .then(|| key.try_into().ok())
        .flatten()
}
