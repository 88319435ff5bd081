//! A server that tells which key exchange a client of ours agreed on with it.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use ecluse_policy::documents::Certificates;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Longer than any handshake takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A TLS server on 127.0.0.1 with a certificate of its own.
pub(crate) struct TlsServer {
    directory: TempDir,
    listener: TcpListener,
    /// What is said to a client before the handshake, once it has asked for it.
    first: Option<&'static [u8]>,
}

impl TlsServer {
    /// Listens; with `first`, reads the eight bytes by which PostgreSQL is asked for TLS and answers that.
    pub(crate) async fn start(first: Option<&'static [u8]>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let made = Command::new("openssl")
            .args(["req", "-x509", "-nodes", "-days", "30", "-newkey", "ec"])
            .args(["-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=server"])
            .args(["-addext", "subjectAltName=IP:127.0.0.1"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .args(["-keyout", "key.pem", "-out", "server.pem"])
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .output()
            .expect("openssl cannot be run: install openssl");
        assert!(made.status.success(), "{made:?}");
        Self {
            directory,
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            first,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    /// The certificate that a client is to trust.
    pub(crate) fn certificate_file(&self) -> PathBuf {
        self.directory.path().join("server.pem")
    }

    /// The same, as a document has it.
    pub(crate) fn certificates(&self) -> Certificates {
        let text = std::fs::read_to_string(self.certificate_file()).unwrap();
        Certificates::parse(&text).unwrap()
    }

    /// Takes one client, and names the key exchange that was agreed on, as the server sees it.
    pub(crate) async fn negotiated(&self) -> String {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from_pem_file(self.certificate_file()).unwrap()],
                PrivateKeyDer::from_pem_file(self.directory.path().join("key.pem")).unwrap(),
            )
            .unwrap();
        let taken = tokio::time::timeout(PATIENCE, async {
            let (mut tcp, _) = self.listener.accept().await.unwrap();
            if let Some(first) = self.first {
                tcp.read_exact(&mut [0; 8]).await.unwrap();
                tcp.write_all(first).await.unwrap();
            }
            let tls = TlsAcceptor::from(Arc::new(config)).accept(tcp).await;
            let tls = tls.expect("the client agreed on nothing");
            let group = tls.get_ref().1.negotiated_key_exchange_group();
            format!("{:?}", group.unwrap().name())
        });
        taken.await.expect("no client came")
    }
}
