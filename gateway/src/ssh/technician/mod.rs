//! The SSH door: technicians' connections.
//!
//! [`handler`] turns the library's callbacks into single events with one reply each; what they mean is decided
//! elsewhere: who is there in [`crate::identity`], what may happen in `ecluse-policy`, what then happens in
//! [`crate::passage`]. [`wire`] is the running connection as `passage` sees it, [`downlink`] the way back on one channel,
//! [`forwards`] what a client waits for until the place of a forward is reached, [`jumping`] what a channel to a target becomes.

pub(crate) mod door;
pub(crate) mod downlink;
#[cfg(test)]
mod everything;
pub(crate) mod forwards;
pub(crate) mod handler;
mod jumping;
pub(crate) mod overheard;
pub(crate) mod program;
pub(crate) mod wire;

use std::sync::Arc;
use std::time::Duration;

use ecluse_policy::Timestamp;
use russh::keys::{PrivateKey, ssh_key};
use russh::{MethodKind, MethodSet, server};

use super::{algorithms, certificate};
use crate::passage::connection::WINDOW;
use crate::passage::rekey::Limits;

/// Failed attempts of one connection, all methods together.
const ATTEMPTS: usize = 20;
/// Keepalive towards technicians; a vanished laptop frees its place after [`SILENCES`] of them. Long, because a client
/// that is merely suspended answers none and must find its session again.
const KEEPALIVE: Duration = Duration::from_secs(60);
/// Unanswered keepalives after which a connection ends.
const SILENCES: usize = 10;

/// How technicians' connections are served.
#[derive(Clone)]
pub(crate) struct Config {
    server: Arc<server::Config>,
    proof: Arc<Proof>,
}

/// By what the gateway proves what it is.
struct Proof {
    host_key: PrivateKey,
    /// Signs what it is within another connection: the target that somebody jumps to.
    authority: PrivateKey,
}

impl Config {
    /// The gateway proves itself by `host_key`, and, where somebody jumps to a target, by a certificate of `authority`.
    pub(crate) fn new(host_key: PrivateKey, authority: PrivateKey) -> Self {
        Self {
            server: Arc::new(Self::server(host_key.clone())),
            proof: Arc::new(Proof {
                host_key,
                authority,
            }),
        }
    }

    /// The same for a connection that goes by a channel of another one: proven by a certificate for these names, and open to
    /// whoever that one's person is.
    ///
    /// # Errors
    /// When the system gives no randomness or the authority's key cannot sign.
    pub(crate) fn within(&self, called: &[&str], now: Timestamp) -> Result<Self, ssh_key::Error> {
        let Proof {
            host_key,
            authority,
        } = &*self.proof;
        let certificate = certificate::of_host(authority, host_key.public_key(), called, now)?;
        Ok(Self {
            server: Arc::new(server::Config {
                methods: MethodSet::from([MethodKind::None].as_slice()),
                certificates: vec![certificate],
                ..Self::server(host_key.clone())
            }),
            proof: Arc::clone(&self.proof),
        })
    }

    fn server(host_key: PrivateKey) -> server::Config {
        server::Config {
            // No version: it would tell strangers what to try.
            server_id: russh::SshId::Standard("SSH-2.0-Ecluse".into()),
            methods: MethodSet::from([MethodKind::PublicKey].as_slice()),
            // The library sleeps this long on good steps too; our own failures take their time (`identity`).
            auth_rejection_time: Duration::ZERO,
            auth_rejection_time_initial: Some(Duration::ZERO),
            max_auth_attempts: ATTEMPTS,
            preferred: algorithms::preferred(algorithms::KEYS.to_vec()),
            keys: vec![host_key],
            limits: algorithms::limits(),
            // What the library bears while keys are renewed follows from it (`passage/rekey.rs`).
            window_size: WINDOW,
            maximum_packet_size: 32 << 10,
            channel_buffer_size: 16,
            event_buffer_size: 32,
            inactivity_timeout: None,
            keepalive_interval: Some(KEEPALIVE),
            keepalive_max: SILENCES,
            nodelay: true,
            ..Default::default()
        }
    }

    /// Within which a connection's keys are renewed.
    pub(crate) fn renewal(&self) -> Limits {
        algorithms::renewal(&self.server.limits)
    }
}

#[cfg(test)]
mod rekey_tests;
