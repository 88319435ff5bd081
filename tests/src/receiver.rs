//! Receivers of copies on another machine, played on this one: Debian's rsyslog behind TLS, with certificates of their own.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::ports::free_port;
use crate::process::{Care, Process};
use crate::wait;

/// An authority, and a certificate of it for 127.0.0.1.
#[derive(Debug)]
pub struct Authority {
    directory: TempDir,
}

impl Authority {
    /// A new authority, whose certificate is for `name`: `IP:127.0.0.1`, `DNS:logs.example`.
    ///
    /// # Errors
    /// When openssl does not make them.
    pub fn new(name: &str) -> Result<Self> {
        let authority = Self {
            directory: tempfile::Builder::new().prefix("ecluse-ca-").tempdir()?,
        };
        let openssl = |arguments: &[&str]| -> Result<()> {
            let made = Command::new("openssl")
                .args(arguments)
                .current_dir(authority.directory.path())
                .stdin(Stdio::null())
                .output()
                .context("openssl cannot be run")?;
            ensure!(
                made.status.success(),
                "openssl {arguments:?}: {}",
                String::from_utf8_lossy(&made.stderr)
            );
            Ok(())
        };
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
        let root = [
            &["req", "-x509", "-nodes", "-days", "30"],
            &curve[..],
            &[
                "-subj",
                "/CN=the client's own",
                "-keyout",
                "ca.key",
                "-out",
                "ca.pem",
            ],
        ];
        openssl(&root.concat())?;
        let asked = [
            &["req", "-nodes"],
            &curve[..],
            &[
                "-subj",
                "/CN=receiver",
                "-keyout",
                "key.pem",
                "-out",
                "asked.pem",
            ],
        ];
        openssl(&asked.concat())?;
        fs::write(
            authority.file("extensions"),
            format!(
                "subjectAltName={name}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n"
            ),
        )?;
        openssl(&[
            "x509",
            "-req",
            "-in",
            "asked.pem",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "30",
            "-extfile",
            "extensions",
            "-out",
            "cert.pem",
        ])?;
        Ok(authority)
    }

    /// `ca.pem`, `cert.pem`, `key.pem`.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The authority's certificate, as documents hold it.
    ///
    /// # Errors
    /// When it does not read.
    pub fn pem(&self) -> Result<String> {
        Ok(fs::read_to_string(self.file("ca.pem"))?)
    }
}

/// rsyslog, receiving over TLS.
#[derive(Debug)]
pub struct Rsyslog {
    port: u16,
    directory: TempDir,
    process: Option<Process>,
}

/// One message as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The head and the structured data.
    pub head: String,
    /// The text behind the mark of UTF-8.
    pub text: String,
}

impl Message {
    /// A field of the structured data, where it holds nothing escaped.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.head.split_once(&format!(" {name}=\""))?;
        rest.split('"').next()
    }

    /// Its number in the journal.
    #[must_use]
    pub fn seq(&self) -> Option<u64> {
        self.field("seq")?.parse().ok()
    }

    /// The text as JSON.
    ///
    /// # Errors
    /// When it is none.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.text).with_context(|| format!("no JSON: {}", self.text))
    }
}

impl Rsyslog {
    /// A receiver that is not running yet.
    ///
    /// # Errors
    /// When there is no port.
    pub fn new(authority: &Authority) -> Result<Self> {
        let port = free_port()?;
        let directory = tempfile::Builder::new()
            .prefix("ecluse-rsyslog-")
            .tempdir()?;
        let path = |path: &Path| path.display().to_string();
        let configuration = format!(
            "global(workDirectory=\"{work}\" maxMessageSize=\"1m\" defaultNetstreamDriver=\"gtls\" defaultNetstreamDriverCAFile=\"{ca}\"\n\
             \x20 defaultNetstreamDriverCertFile=\"{cert}\" defaultNetstreamDriverKeyFile=\"{key}\")\n\
             module(load=\"imtcp\" streamDriver.name=\"gtls\" streamDriver.mode=\"1\" streamDriver.authMode=\"anon\")\n\
             template(name=\"raw\" type=\"string\" string=\"%rawmsg%\\n\")\n\
             input(type=\"imtcp\" address=\"127.0.0.1\" port=\"{port}\")\n\
             action(type=\"omfile\" file=\"{received}\" template=\"raw\")\n",
            work = path(directory.path()),
            ca = path(&authority.file("ca.pem")),
            cert = path(&authority.file("cert.pem")),
            key = path(&authority.file("key.pem")),
            received = path(&directory.path().join("received")),
        );
        fs::write(directory.path().join("rsyslog.conf"), configuration)?;
        Ok(Self {
            port,
            directory,
            process: None,
        })
    }

    /// `[copies]` of a client whose events go there.
    ///
    /// # Errors
    /// When the authority does not read.
    pub fn document(&self, authority: &Authority) -> Result<String> {
        Ok(format!(
            "\n[copies]\nsyslog = \"tls://127.0.0.1:{}\"\nsyslog-ca = \"\"\"\n{}\"\"\"\n",
            self.port,
            authority.pem()?
        ))
    }

    /// Starts it, and waits until it answers.
    ///
    /// # Errors
    /// When it does not.
    pub fn start(&mut self) -> Result<()> {
        let directory = self.directory.path();
        let mut command = Command::new("/usr/sbin/rsyslogd");
        command
            .args(["-n", "-iNONE", "-f"])
            .arg(directory.join("rsyslog.conf"));
        self.process = Some(Process::start(
            "rsyslog",
            &mut command,
            directory,
            Care::Test,
        )?);
        wait::until_true("rsyslog to listen", Duration::from_secs(60), || {
            Ok(std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok())
        })
    }

    /// Stops it, in order or with a `kill -9`.
    ///
    /// # Errors
    /// When it does not end.
    pub fn stop(&mut self, at_once: bool) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            if at_once {
                process.kill()?;
            } else {
                process.stop()?;
            }
        }
        Ok(())
    }

    /// What arrived, in order, as often as it did.
    ///
    /// # Errors
    /// When something arrived that is no message.
    pub fn messages(&self) -> Result<Vec<Message>> {
        let received = self.directory.path().join("received");
        let text = fs::read(received).unwrap_or_default();
        let text = String::from_utf8(text).context("something arrived that is no UTF-8")?;
        // The last line may be on its way to the disk.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole
            .lines()
            .map(|line| {
                let (head, text) = line
                    .split_once('\u{feff}')
                    .with_context(|| format!("no mark of UTF-8 in {line:?}"))?;
                Ok(Message {
                    head: head.to_owned(),
                    text: text.to_owned(),
                })
            })
            .collect()
    }
}
