//! A connection to a receiver, proven by the certificates that the client's document names, and by no others.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ecluse_policy::documents::{Certificates, HostPort};
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long reaching a receiver may take, from its name to the end of the handshake.
const PATIENCE: Duration = Duration::from_secs(10);
/// After so long without its bytes being taken, the system ends the connection.
pub(super) const STANDS_STILL: Duration = Duration::from_secs(20);
/// Bytes that the system keeps for a receiver that is slow.
const WAITING_BYTES: usize = 128 << 10;

/// Why a receiver cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("`syslog-ca` cannot be used: {0}")]
    Authority(String),
    #[error("its name is no name of a certificate")]
    Name,
    #[error("its name is not known: {0}")]
    Unresolved(io::Error),
    #[error("it cannot be reached: {0}")]
    Unreachable(io::Error),
    /// Above all a certificate that `syslog-ca` does not vouch for.
    #[error("it does not prove who it is: {0}")]
    Unproven(io::Error),
    #[error("it does not answer")]
    Silent,
}

/// Reaches `address` and makes sure that it is the receiver meant.
pub(super) async fn connect(
    address: &HostPort,
    authority: &Certificates,
) -> Result<TlsStream<TcpStream>, ConnectError> {
    let connector = TlsConnector::from(Arc::new(config(authority)?));
    let name = ServerName::try_from(address.host().to_owned()).map_err(|_| ConnectError::Name)?;
    let reached = tokio::time::timeout(PATIENCE, async {
        let tcp = reach(address).await?;
        connector
            .connect(name, tcp)
            .await
            .map_err(ConnectError::Unproven)
    });
    reached.await.unwrap_or(Err(ConnectError::Silent))
}

async fn reach(address: &HostPort) -> Result<TcpStream, ConnectError> {
    let places: Vec<SocketAddr> = lookup_host((address.host(), address.port()))
        .await
        .map_err(ConnectError::Unresolved)?
        .collect();
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for place in places {
        match TcpStream::connect(place).await {
            Ok(tcp) => {
                prepare(&tcp).map_err(ConnectError::Unreachable)?;
                return Ok(tcp);
            }
            Err(error) => last = error,
        }
    }
    Err(ConnectError::Unreachable(last))
}

/// A receiver that is gone, or stands still, is noticed within [`STANDS_STILL`] also while nothing is sent.
fn prepare(tcp: &TcpStream) -> io::Result<()> {
    use rustix::net::sockopt;
    let millis = u32::try_from(STANDS_STILL.as_millis()).unwrap_or(u32::MAX);
    sockopt::set_tcp_user_timeout(tcp, millis)?;
    sockopt::set_socket_keepalive(tcp, true)?;
    sockopt::set_tcp_keepidle(tcp, STANDS_STILL / 4)?;
    sockopt::set_tcp_keepintvl(tcp, STANDS_STILL / 4)?;
    sockopt::set_tcp_keepcnt(tcp, 3)?;
    sockopt::set_socket_send_buffer_size(tcp, WAITING_BYTES)?;
    tcp.set_nodelay(true)
}

/// TLS 1.3, or 1.2 towards old receivers (RFC 5425 demands no more), for this one authority.
fn config(authority: &Certificates) -> Result<ClientConfig, ConnectError> {
    let refused = |problem: &dyn std::fmt::Display| ConnectError::Authority(problem.to_string());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authority.as_str().as_bytes()) {
        let certificate = certificate.map_err(|error| refused(&error))?;
        roots.add(certificate).map_err(|error| refused(&error))?;
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| refused(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // Every connection proves who it leads to.
    config.resumption = Resumption::disabled();
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copies::testing::TlsServer;

    /// DESIGN §11: copies that are stored on their way are not read later by a quantum computer, where the receiver can.
    #[tokio::test]
    async fn a_receiver_is_offered_a_post_quantum_exchange_first() {
        let server = TlsServer::start(None).await;
        let address = HostPort::parse(&format!("127.0.0.1:{}", server.port())).unwrap();
        let certificates = server.certificates();
        let (group, connected) =
            tokio::join!(server.negotiated(), connect(&address, &certificates));
        assert_eq!(group, "X25519MLKEM768");
        connected.unwrap();
    }
}
