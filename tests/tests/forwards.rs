//! Connections through a target: what the matrix lists passes by stock programs, byte for byte, and nothing else does. F1, F2, F6.
//!
//! The target is a real sshd, and the places are services of the test on the target's machine.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::client::Running;
use ecluse_tests::payload::{self, Kind, Payload};
use ecluse_tests::{Answer, Plan, Site, ports, wait};

mod carried;
mod midway;
mod programs;
mod refused;

const PATIENCE: Duration = Duration::from_secs(60);
/// What a service says before it is asked anything.
const GREETING: &[u8] = b"220 ready\r\n";

/// Services on the target's machine.
struct Places {
    /// Greets, then says back what it hears as it hears it.
    echo: u16,
    /// Hears all there is to its end, then says its digest.
    digest: u16,
    /// Sends for ever.
    pours: u16,
    /// Nobody lists it.
    other: u16,
    /// Greets and says back, at a path.
    socket: PathBuf,
    _folder: tempfile::TempDir,
}

impl Places {
    fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let socket = folder.path().join("echo.sock");
        let listener = UnixListener::bind(&socket)?;
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || echo(&stream, &stream));
            }
        });
        Ok(Self {
            echo: serve(|stream| echo(stream, stream))?,
            digest: serve(digest)?,
            pours: serve(pour)?,
            other: serve(|stream| echo(stream, stream))?,
            socket,
            _folder: folder,
        })
    }

    /// The lines by which the matrix lists them.
    fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = [self.echo, self.digest, self.pours]
            .iter()
            .map(|port| format!("forward: 127.0.0.1:{port}"))
            .collect();
        lines.push(format!("socket: {}", self.socket.display()));
        lines.push("command: true".to_owned());
        lines
    }
}

fn serve(
    each: impl Fn(&TcpStream) -> std::io::Result<()> + Send + Sync + Copy + 'static,
) -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || each(&stream));
        }
    });
    Ok(port)
}

fn echo(mut from: impl Read, mut to: impl Write) -> std::io::Result<()> {
    to.write_all(GREETING)?;
    std::io::copy(&mut from, &mut to)?;
    Ok(())
}

fn digest(mut stream: &TcpStream) -> std::io::Result<()> {
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard)?;
    stream.write_all(payload::digest(&heard).as_bytes())
}

fn pour(mut stream: &TcpStream) -> std::io::Result<()> {
    let block = vec![b'p'; 64 << 10];
    loop {
        stream.write_all(&block)?;
    }
}

/// A site whose matrix lists them.
struct Ground {
    site: Site,
    places: Places,
}

impl Ground {
    fn start() -> Result<Self> {
        Self::start_with(|_, _| Ok(()))
    }

    fn start_with(change: impl FnOnce(&mut Plan, &Places) -> Result<()>) -> Result<Self> {
        let places = Places::start()?;
        let site = Site::start_with(|plan| {
            plan.documents.flow("dba")?.allow = places.lines();
            change(plan, &places)
        })?;
        site.proven("alice", "db01")?;
        Ok(Self { site, places })
    }

    /// `ssh -N` as alice with these flags, once `port` of this machine listens.
    fn ssh(&self, flags: &[&str], port: u16) -> Result<Running> {
        let mut ssh = self.site.ssh("alice+db01").flag("-N");
        ssh = ssh
            .option("ExitOnForwardFailure yes")
            .option("LogLevel INFO");
        for flag in flags {
            ssh = ssh.flag(*flag);
        }
        let running = ssh.spawn()?;
        wait::until_true("the forward to listen", PATIENCE, || {
            // Seen without a connection, which would be a forward of its own.
            let listens = std::fs::read_to_string("/proc/net/tcp")?;
            Ok(listens.contains(&format!("0100007F:{port:04X} 00000000:0000 0A")))
        })?;
        Ok(running)
    }
}

/// A port of this machine that is free.
fn free() -> Result<u16> {
    ports::free_port()
}

fn connect(port: u16) -> Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Asks the SOCKS server of `ssh -D` for a place; what it answers, with the stream behind it.
fn socks(proxy: u16, host: &str, port: u16) -> Result<(u8, TcpStream)> {
    let mut stream = connect(proxy)?;
    stream.write_all(&[5, 1, 0])?;
    let mut chosen = [0; 2];
    stream.read_exact(&mut chosen)?;
    ensure!(chosen == [5, 0], "{chosen:?}");
    let length = u8::try_from(host.len())?;
    let mut asked = vec![5, 1, 0, 3, length];
    asked.extend(host.as_bytes());
    asked.extend(port.to_be_bytes());
    stream.write_all(&asked)?;
    let mut answer = [0; 10];
    // A place that is refused is answered by a close.
    match stream.read_exact(&mut answer) {
        Ok(()) => Ok((answer[1], stream)),
        Err(_) => Ok((u8::MAX, stream)),
    }
}

/// Says `bytes` to an echo and hears its greeting and them again.
fn echoes(stream: &TcpStream, bytes: &[u8]) -> Result<()> {
    let mut heard = vec![0; GREETING.len()];
    let mut from = stream;
    from.read_exact(&mut heard)?;
    ensure!(heard == GREETING, "{heard:?}");
    thread::scope(|scope| {
        let sending = scope.spawn(|| {
            let mut to = stream;
            to.write_all(bytes)
                .and_then(|()| stream.shutdown(Shutdown::Write))
        });
        let mut back = Vec::new();
        from.read_to_end(&mut back)?;
        sending.join().ok().context("the sender failed")??;
        ensure!(
            payload::digest(&back) == payload::digest(bytes),
            "{} of {}",
            back.len(),
            bytes.len()
        );
        Ok(())
    })
}

fn noise(bytes: u64, seed: u64) -> Vec<u8> {
    Payload::new(Kind::Noise, bytes, seed).bytes()
}

/// On one line, so that it reads the same however wide it was shown.
fn said(answer: &Answer) -> String {
    let words: Vec<&str> = answer.errors.split_whitespace().collect();
    words.join(" ")
}

/// How often the target let the gateway in.
fn log_ons(site: &Site) -> Result<usize> {
    let log = std::fs::read_to_string(ecluse_tests::target::sshd::log(site.layout()))?;
    Ok(log.matches("Accepted publickey").count())
}

fn recordings(site: &Site, end: &str) -> Result<Vec<PathBuf>> {
    let root: &Path = &site.layout().recordings();
    ecluse_tests::recording::sealed(root, end)
}
