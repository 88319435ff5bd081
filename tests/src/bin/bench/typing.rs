//! Keystrokes: how long until a key comes back, alone and beside what else goes on.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ecluse_tests::payload::Kind;
use ecluse_tests::{Ssh, recording};

use crate::Bench;
use crate::bulk::{Way, transfer};
use crate::report::{micros, percentile};

/// What is allowed to what goes on beside a keystroke.
const NOISE: &str = "within noise (± 25 % or 150 µs)";
/// Keystrokes between two looks at whether sealing goes on.
const BATCH: usize = 25;

impl Bench<'_> {
    pub(crate) fn keystrokes(&mut self) -> Result<()> {
        let [direct, through] = self.type_in_turn()?;
        let (d50, d99) = (percentile(&direct, 0.50), percentile(&direct, 0.99));
        let (t50, t99) = (percentile(&through, 0.50), percentile(&through, 0.99));
        self.note(
            "keystroke, p50",
            &micros(d50),
            &micros(t50),
            &format!("+ {}", micros(t50 - d50)),
            "≤ + 120 µs",
            Some(t50 - d50 <= 120e-6),
        );
        self.note(
            "keystroke, p99",
            &micros(d99),
            &micros(t99),
            &format!("+ {}", micros(t99 - d99)),
            "≤ + 300 µs",
            Some(t99 - d99 <= 300e-6),
        );
        Ok(())
    }

    /// One keystroke without the gateway, one through it, and so on: what disturbs one disturbs the other.
    fn type_in_turn(&self) -> Result<[Vec<f64>; 2]> {
        let mut typists = [
            Typist::start(&self.direct())?,
            Typist::start(&self.through())?,
        ];
        let mut times = [Vec::new(), Vec::new()];
        for stroke in 0..self.arguments.keystrokes + 100 {
            for (typist, times) in typists.iter_mut().zip(&mut times) {
                let took = typist.strokes(1)?;
                if stroke >= 100 {
                    times.extend(took);
                }
            }
        }
        Ok(times)
    }

    pub(crate) fn strangers(&mut self) -> Result<()> {
        let [_, before] = self.type_in_turn()?;
        let port = self.site.plan().ports.door;
        let mut held = Vec::new();
        for number in 0..self.arguments.strangers {
            let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
            if number % 2 == 0 {
                socket.write_all(b"SSH-2.0-stranger\r\n")?;
            }
            held.push(socket);
        }
        let [_, during] = self.type_in_turn()?;
        let still = held.iter().filter(|socket| is_open(socket)).count();
        drop(held);
        let (before, during) = (percentile(&before, 0.99), percentile(&during, 0.99));
        self.note(
            &format!(
                "keystroke p99 beside {} strangers ({still} still held at the end)",
                self.arguments.strangers
            ),
            &format!("{} without them", micros(before)),
            &micros(during),
            &format!("{:+.0} µs", (during - before) * 1e6),
            NOISE,
            Some(is_noise(before, during)),
        );
        Ok(())
    }

    /// Keystrokes while a large recording is being sealed behind them, and as many while nothing is, in turn; each time
    /// some that do not pass the gateway at all: sealing takes processor time from them too.
    pub(crate) fn beside_sealing(&mut self) -> Result<()> {
        let (file, length) = self.file(Kind::Noise)?;
        let mut typists = [
            Typist::start(&self.direct())?,
            Typist::start(&self.through())?,
        ];
        let (mut alone, mut beside) = (Pair::default(), Pair::default());
        type_a_batch(&mut typists)?;
        for _ in 0..self.arguments.rounds {
            transfer(&self.through(), Way::Down, "cat noise", &file, length)?;
            loop {
                let strokes = type_a_batch(&mut typists)?;
                if !self.is_sealing()? {
                    break;
                }
                beside.extend(strokes);
            }
            // What sealing left to be written belongs to neither.
            rustix::fs::sync();
            while alone.count() < beside.count() {
                alone.extend(type_a_batch(&mut typists)?);
            }
        }
        drop(typists);
        self.recordings_are_finished()?;
        for (name, part) in [("p50", 0.50), ("p99", 0.99)] {
            let (Pair([direct, through]), Pair([direct_beside, through_beside])) =
                (&alone, &beside);
            let direct = (percentile(direct, part), percentile(direct_beside, part));
            let through = (percentile(through, part), percentile(through_beside, part));
            let shown = |(alone, beside)| format!("{} → {}", micros(alone), micros(beside));
            let more = (through.1 - through.0) - (direct.1 - direct.0);
            self.note(
                &format!(
                    "keystroke {name}, while nothing is sealed → while a recording of {} MiB is ({} each)",
                    self.arguments.size,
                    beside.count()
                ),
                &shown(direct),
                &shown(through),
                &format!("{:+.0} µs more", more * 1e6),
                NOISE,
                Some(is_noise(through.0, through.0 + more)),
            );
        }
        Ok(())
    }

    /// Whether there is a journal beside the one of the session that types.
    fn is_sealing(&self) -> Result<bool> {
        let recordings = self.site.layout().recordings();
        let journals = recording::files(&recordings, &|path| path.ends_with("live.journal"))?;
        Ok(journals.len() > 1)
    }
}

/// Seconds of keystrokes without the gateway and through it.
#[derive(Default)]
struct Pair([Vec<f64>; 2]);

impl Pair {
    fn extend(&mut self, more: Pair) {
        for (all, more) in self.0.iter_mut().zip(more.0) {
            all.extend(more);
        }
    }

    fn count(&self) -> usize {
        let Pair([direct, _]) = self;
        direct.len()
    }
}

/// Both ways in turn, as many times each.
fn type_a_batch(typists: &mut [Typist; 2]) -> Result<Pair> {
    let mut batch = Pair::default();
    for _ in 0..BATCH {
        for (typist, times) in typists.iter_mut().zip(&mut batch.0) {
            times.extend(typist.strokes(1)?);
        }
    }
    Ok(batch)
}

fn is_noise(before: f64, during: f64) -> bool {
    during - before <= (before * 0.25).max(150e-6)
}

/// A person at a terminal that gives each key back.
pub(crate) struct Typist {
    child: Child,
    keys: ChildStdin,
    screen: ChildStdout,
}

impl Typist {
    pub(crate) fn start(ssh: &Ssh) -> Result<Self> {
        let mut command = ssh
            .clone()
            .flag("-tt")
            .run("stty raw -echo; printf ready; exec cat")
            .command();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        let keys = child.stdin.take().context("no stdin")?;
        let mut screen = child.stdout.take().context("no stdout")?;
        let mut seen = Vec::new();
        let mut one = [0_u8; 1];
        while !seen.ends_with(b"ready") {
            screen.read_exact(&mut one).with_context(|| {
                format!(
                    "the terminal did not open: {}",
                    String::from_utf8_lossy(&seen)
                )
            })?;
            seen.extend(one);
        }
        Ok(Self {
            child,
            keys,
            screen,
        })
    }

    /// Seconds until each of some keys came back.
    pub(crate) fn strokes(&mut self, count: usize) -> Result<Vec<f64>> {
        let mut times = Vec::with_capacity(count);
        for _ in 0..count {
            times.push(self.stroke()?);
            // As fast a typist as there is; a loop without pause would measure another thing.
            thread::sleep(Duration::from_millis(2));
        }
        Ok(times)
    }

    /// Seconds until one key came back.
    fn stroke(&mut self) -> Result<f64> {
        let began = Instant::now();
        self.keys.write_all(b"x")?;
        let mut back = [0_u8; 1];
        self.screen.read_exact(&mut back)?;
        Ok(began.elapsed().as_secs_f64())
    }
}

impl Drop for Typist {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_open(socket: &TcpStream) -> bool {
    if socket.set_nonblocking(true).is_err() {
        return false;
    }
    let mut bytes = [0_u8; 4096];
    let mut socket = socket;
    loop {
        match socket.read(&mut bytes) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::WouldBlock,
        }
    }
}
