//! The benchmark: each figure beside the same figure without the gateway, measured in turn in one run.
//!
//! Client, gateway and target share the machine, so a ratio says more than a figure. Nothing here is tuned for the gateway: both
//! ways use the same stock client, the same cipher and the same sshd.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use ecluse_tests::payload::{Kind, Payload};
use ecluse_tests::{Site, Ssh, recording, wait};

/// Both ways use these, so that only the gateway differs: OpenSSH by itself would choose a slower key exchange without it.
const CIPHER: &str = "Ciphers aes256-gcm@openssh.com";
const EXCHANGE: &str = "KexAlgorithms curve25519-sha256";
/// After this long without an end, a transfer has stalled.
const STALL: Duration = Duration::from_secs(900);

/// Measures a session through the gateway against the same session without it.
#[derive(Debug, Parser)]
struct Arguments {
    /// Size of a transfer, in MiB.
    #[arg(long, default_value_t = 1024)]
    size: u64,
    /// How often each transfer is made, each way; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Keystrokes, each way.
    #[arg(long, default_value_t = 3000)]
    keystrokes: usize,
    /// Sessions opened one after the other, each way.
    #[arg(long, default_value_t = 40)]
    setups: usize,
    /// Idle shells held open.
    #[arg(long, default_value_t = 200)]
    sessions: usize,
    /// Connections held open that never log in.
    #[arg(long, default_value_t = 500)]
    strangers: usize,
    /// Only these: down, up, duplex, keys, setup, idle, stall, strangers.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Where the results are written.
    #[arg(long, overrides_with = "results")]
    results: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let wanted =
        |name: &str| arguments.only.is_empty() || arguments.only.iter().any(|only| only == name);
    let mut bench = Bench::start(&arguments)?;
    for kind in [Kind::Noise, Kind::Log] {
        if wanted("down") {
            bench.bulk(Way::Down, kind)?;
        }
        if wanted("up") {
            bench.bulk(Way::Up, kind)?;
        }
        if wanted("duplex") {
            bench.bulk(Way::Both, kind)?;
        }
    }
    if wanted("keys") {
        bench.keystrokes()?;
    }
    if wanted("strangers") {
        bench.strangers()?;
    }
    if wanted("stall") {
        bench.stalled_reader()?;
    }
    if wanted("idle") {
        bench.idle_shells()?;
    }
    if wanted("setup") {
        bench.setups()?;
        bench.setups_with_codes()?;
    }
    bench.report(arguments.results.as_deref())
}

/// Which way bytes go, as the technician sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Down,
    Up,
    Both,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Up => "up",
            Self::Both => "both ways at once",
        }
    }

    fn command(self, file: &str) -> String {
        match self {
            Self::Down => format!("cat {file}"),
            Self::Up => "cat >/dev/null".to_owned(),
            Self::Both => "cat".to_owned(),
        }
    }
}

/// One line of the results.
struct Figure {
    what: String,
    direct: String,
    through: String,
    result: String,
    goal: String,
    reached: Option<bool>,
}

struct Bench<'a> {
    arguments: &'a Arguments,
    site: Site,
    figures: Vec<Figure>,
    removable: Vec<PathBuf>,
}

impl<'a> Bench<'a> {
    fn start(arguments: &'a Arguments) -> Result<Self> {
        let site = Site::start_with(|plan| {
            plan.documents.settings.remember = "4h".to_owned();
            plan.documents.settings.limits = limits();
            Ok(())
        })?;
        site.approved("alice", "db01")?;
        Ok(Self {
            arguments,
            site,
            figures: Vec::new(),
            removable: Vec::new(),
        })
    }

    fn direct(&self) -> Ssh {
        self.site.direct().option(CIPHER).option(EXCHANGE)
    }

    fn through(&self) -> Ssh {
        self.site.ssh("alice+db01").option(CIPHER).option(EXCHANGE)
    }

    fn bulk(&mut self, way: Way, kind: Kind) -> Result<()> {
        let name = match kind {
            Kind::Noise => "noise",
            Kind::Log => "log",
        };
        let file = self.site.layout().target_home().join(name);
        let length = self.arguments.size << 20;
        if !file.exists() {
            std::io::copy(
                &mut Payload::new(kind, length, 1),
                &mut File::create(&file)?,
            )?;
        }
        let (mut direct, mut through) = (Vec::new(), Vec::new());
        let (mut relaying, mut finishing) = (Vec::new(), Vec::new());
        for _ in 0..self.arguments.rounds {
            direct.push(transfer(&self.direct(), way, &file, length)?);
            let before = self.site.process()?.usage()?.cpu;
            through.push(transfer(&self.through(), way, &file, length)?);
            let relayed = self.site.process()?.usage()?.cpu;
            self.recordings_are_finished()?;
            let finished = self.site.process()?.usage()?.cpu;
            let moved = if way == Way::Both { 2.0 } else { 1.0 } * length as f64 / 1e9;
            relaying.push((relayed - before) / moved);
            finishing.push((finished - relayed) / moved);
        }
        let rate = |times: &[f64]| length as f64 / 1e6 / median(times);
        let ratio = median(&direct) / median(&through);
        self.note(
            &format!("{} MiB {}, {name}", self.arguments.size, way.name()),
            &format!("{:.0} MB/s", rate(&direct)),
            &format!("{:.0} MB/s", rate(&through)),
            &format!("{ratio:.2} ×"),
            "≥ 0.85 ×",
            Some(ratio >= 0.85),
        );
        let cost = median(&relaying);
        self.note(
            "  processor time of the gateway, recording included",
            "",
            &format!("{cost:.2} s/GB"),
            "",
            "≤ 2.0 s/GB",
            Some(cost <= 2.0),
        );
        let cost = median(&finishing);
        self.note(
            "  the same to finish the recording afterwards",
            "",
            &format!("{cost:.2} s/GB"),
            "",
            "",
            None,
        );
        Ok(())
    }

    /// Waits until the last recording is in its final files, so that what follows is not disturbed, and makes room on the disk.
    fn recordings_are_finished(&mut self) -> Result<()> {
        let recordings = self.site.layout().recordings();
        wait::until_true("finished recordings", STALL, || {
            Ok(recording::files(&recordings, &|path| path.ends_with("live.journal"))?.is_empty())
        })?;
        // Only what was finished a round ago: of the newest, the gateway may still be syncing the directory.
        for file in std::mem::take(&mut self.removable) {
            fs::remove_file(&file)
                .with_context(|| format!("{} cannot be removed", file.display()))?;
        }
        self.removable = recording::files(&recordings, &|_| true)?;
        Ok(())
    }

    fn keystrokes(&mut self) -> Result<()> {
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
                let took = typist.stroke()?;
                if stroke >= 100 {
                    times.push(took);
                }
                // As fast a typist as there is; a loop without pause would measure another thing.
                thread::sleep(Duration::from_millis(2));
            }
        }
        Ok(times)
    }

    fn strangers(&mut self) -> Result<()> {
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
            "within noise (± 25 % or 150 µs)",
            Some(during - before <= (before * 0.25).max(150e-6)),
        );
        Ok(())
    }

    fn stalled_reader(&mut self) -> Result<()> {
        let file = self.site.layout().target_home().join("noise");
        let length = self.arguments.size << 20;
        if !file.exists() {
            std::io::copy(
                &mut Payload::new(Kind::Noise, length, 1),
                &mut File::create(&file)?,
            )?;
        }
        transfer(&self.through(), Way::Down, &file, length)?;
        self.recordings_are_finished()?;
        let before = self.site.process()?.usage()?.memory;
        let mut client = self.through().run("cat noise").command();
        let mut child = client
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut stdout = child.stdout.take().context("no stdout")?;
        let mut some = vec![0_u8; 1 << 20];
        let mut worst = 0;
        // Half of it flows, then the reader stands still for ten seconds, then the rest flows.
        let mut left = length;
        let mut stalled = false;
        while left > 0 {
            let read = stdout.read(&mut some)?;
            ensure!(read > 0, "the transfer ended {left} bytes early");
            left = left.saturating_sub(u64::try_from(read)?);
            if !stalled && left < length / 2 {
                stalled = true;
                for _ in 0..100 {
                    thread::sleep(Duration::from_millis(100));
                    worst = worst.max(self.site.process()?.usage()?.memory.saturating_sub(before));
                }
            }
            if left % (1 << 24) < (1 << 15) {
                worst = worst.max(self.site.process()?.usage()?.memory.saturating_sub(before));
            }
        }
        child.wait()?;
        self.recordings_are_finished()?;
        self.note(
            &format!(
                "growth while a reader stalls during {} MiB",
                self.arguments.size
            ),
            "",
            &kibibytes(worst),
            "",
            "≤ 16 MiB",
            Some(worst <= 16 << 20),
        );
        Ok(())
    }

    fn idle_shells(&mut self) -> Result<()> {
        let before = self.site.process()?.usage()?.memory;
        let mut shells = Vec::new();
        while shells.len() < self.arguments.sessions {
            let batch = (self.arguments.sessions - shells.len()).min(8);
            let mut opening = Vec::new();
            for _ in 0..batch {
                opening.push(Shell::start(&self.through())?);
            }
            for mut shell in opening {
                shell.sees_prompt()?;
                shells.push(shell);
            }
        }
        let each = self.site.process()?.usage()?.memory.saturating_sub(before)
            / u64::try_from(shells.len().max(1))?;
        self.note(
            &format!(
                "memory of the gateway for an idle shell, of {}",
                shells.len()
            ),
            "",
            &kibibytes(each),
            "",
            "≤ 200 KiB",
            Some(each <= 200 << 10),
        );
        drop(shells);
        self.site
            .wait_for_target_sessions(0, Duration::from_secs(60))
    }

    fn setups(&mut self) -> Result<()> {
        let (mut direct, mut through) = (Vec::new(), Vec::new());
        for _ in 0..self.arguments.setups {
            direct.push(set_up(&self.direct())?);
            through.push(set_up(&self.through())?);
        }
        self.note_set_up(
            "session of `true`, two keys, code remembered",
            &direct,
            &through,
        );
        Ok(())
    }

    /// With the code itself: few, because each person has one code in thirty seconds.
    fn setups_with_codes(&mut self) -> Result<()> {
        let site = Site::start_with(|plan| {
            plan.documents.settings.remember = "0s".to_owned();
            plan.documents.settings.limits = limits();
            Ok(())
        })?;
        let (mut direct, mut through) = (Vec::new(), Vec::new());
        for person in ["alice", "bruno"] {
            site.approved(person, "db01")?;
        }
        for _ in 0..3 {
            for person in ["alice", "bruno"] {
                let code = site.fresh_code(person)?;
                direct.push(set_up(&site.direct().option(CIPHER).option(EXCHANGE))?);
                through.push(set_up(
                    &site
                        .ssh(&format!("{person}+db01"))
                        .option(CIPHER)
                        .option(EXCHANGE)
                        .code(&code),
                )?);
            }
        }
        self.note_set_up(
            "session of `true`, two keys and a code typed by a script",
            &direct,
            &through,
        );
        Ok(())
    }

    fn note_set_up(&mut self, what: &str, direct: &[f64], through: &[f64]) {
        let (direct, through) = (median(direct), median(through));
        let more = through - direct;
        self.note(
            what,
            &millis(direct),
            &millis(through),
            &format!("+ {}", millis(more)),
            "≤ + 60 ms",
            Some(more <= 0.060),
        );
    }

    fn note(
        &mut self,
        what: &str,
        direct: &str,
        through: &str,
        result: &str,
        goal: &str,
        reached: Option<bool>,
    ) {
        let mark = reached.map_or(
            "",
            |reached| if reached { "reached" } else { "NOT reached" },
        );
        println!("{what}: direct {direct} | through {through} | {result} | goal {goal} {mark}");
        self.figures.push(Figure {
            what: what.to_owned(),
            direct: direct.to_owned(),
            through: through.to_owned(),
            result: result.to_owned(),
            goal: goal.to_owned(),
            reached,
        });
    }

    fn report(self, file: Option<&Path>) -> Result<()> {
        let mut text = format!(
            "# Measured\n\nWritten by `tests/bench/run`. Client, gateway and target on one machine: {}. OpenSSH {}; both ways with \
             aes256-gcm, the gateway recording before it relays. Medians of {} rounds, the two ways in turn.\n\n\
             | what | without the gateway | through it | | goal | |\n|---|---|---|---|---|---|\n",
            machine(),
            openssh(),
            self.arguments.rounds
        );
        for Figure {
            what,
            direct,
            through,
            result,
            goal,
            reached,
        } in &self.figures
        {
            let mark = reached.map_or("", |reached| if reached { "yes" } else { "**no**" });
            let _ = writeln!(
                text,
                "| {what} | {direct} | {through} | {result} | {goal} | {mark} |"
            );
        }
        if let Some(file) = file {
            fs::write(file, &text)
                .with_context(|| format!("{} cannot be written", file.display()))?;
        }
        Ok(())
    }
}

/// Enough room for what the benchmark itself opens; the defaults are for the open sea.
fn limits() -> Vec<String> {
    vec![
        "per-source = 3000".to_owned(),
        "total = 3000".to_owned(),
        "unauthenticated = 2000".to_owned(),
        "authenticate-within = \"5m\"".to_owned(),
    ]
}

/// Seconds that a transfer takes, from the start of the client to its end.
fn transfer(ssh: &Ssh, way: Way, file: &Path, length: u64) -> Result<f64> {
    let name = file
        .file_name()
        .context("no name")?
        .to_string_lossy()
        .into_owned();
    let mut command = ssh.clone().run(way.command(&name)).command();
    command.stderr(Stdio::inherit()).stdin(Stdio::null());
    if way != Way::Down {
        command.stdin(File::open(file)?);
    }
    command.stdout(if way == Way::Up {
        Stdio::null()
    } else {
        Stdio::piped()
    });
    let began = Instant::now();
    let mut child = command.spawn()?;
    let reading = child.stdout.take().map(|mut stdout| {
        thread::spawn(move || {
            let mut chunk = vec![0_u8; 1 << 20];
            let mut total = 0_u64;
            while let Ok(read) = stdout.read(&mut chunk) {
                if read == 0 {
                    break;
                }
                total += u64::try_from(read).unwrap_or(0);
            }
            total
        })
    });
    let status = wait::until("the end of the transfer", STALL, || Ok(child.try_wait()?));
    if status.is_err() {
        let _ = child.kill();
    }
    let status = status?;
    let took = began.elapsed().as_secs_f64();
    ensure!(status.success(), "the transfer ended with {status}");
    if let Some(reading) = reading {
        let received = reading
            .join()
            .map_err(|_| anyhow::anyhow!("the reader panicked"))?;
        ensure!(received == length, "{received} of {length} bytes arrived");
    }
    Ok(took)
}

fn set_up(ssh: &Ssh) -> Result<f64> {
    let mut command = ssh.clone().run("true").command();
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit());
    let began = Instant::now();
    let status = command.status()?;
    ensure!(status.success(), "a session ended with {status}");
    Ok(began.elapsed().as_secs_f64())
}

/// A person at a terminal that gives each key back.
struct Typist {
    child: Child,
    keys: ChildStdin,
    screen: ChildStdout,
}

impl Typist {
    fn start(ssh: &Ssh) -> Result<Self> {
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

/// A shell that nobody types into.
struct Shell {
    child: Child,
    _keys: ChildStdin,
    screen: ChildStdout,
}

impl Shell {
    fn start(ssh: &Ssh) -> Result<Self> {
        let mut command = ssh.clone().flag("-tt").command();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        let keys = child.stdin.take().context("no stdin")?;
        let screen = child.stdout.take().context("no stdout")?;
        Ok(Self {
            child,
            _keys: keys,
            screen,
        })
    }

    fn sees_prompt(&mut self) -> Result<()> {
        let mut seen = Vec::new();
        let mut one = [0_u8; 1];
        while !seen.ends_with(b"target$ ") {
            if self.screen.read(&mut one)? == 0 {
                bail!(
                    "a shell ended before its prompt: {}",
                    String::from_utf8_lossy(&seen)
                );
            }
            seen.extend(one);
        }
        Ok(())
    }
}

impl Drop for Shell {
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

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values
}

fn percentile(values: &[f64], part: f64) -> f64 {
    let values = sorted(values);
    let at = ((values.len() as f64 * part) as usize).min(values.len().saturating_sub(1));
    values.get(at).copied().unwrap_or(f64::NAN)
}

fn median(values: &[f64]) -> f64 {
    percentile(values, 0.5)
}

fn micros(seconds: f64) -> String {
    format!("{:.0} µs", seconds * 1e6)
}

fn millis(seconds: f64) -> String {
    format!("{:.1} ms", seconds * 1e3)
}

fn kibibytes(bytes: u64) -> String {
    format!("{} KiB", bytes >> 10)
}

fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or("")
        .trim_start_matches([' ', '\t', ':'])
        .to_owned();
    let cores = thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cores} cores ({model}), Linux {}", kernel.trim())
}

fn openssh() -> String {
    let output = std::process::Command::new("ssh").arg("-V").output();
    let text = output
        .map(|output| String::from_utf8_lossy(&output.stderr).into_owned())
        .unwrap_or_default();
    text.split([',', ' '])
        .next()
        .unwrap_or_default()
        .trim_start_matches("OpenSSH_")
        .to_owned()
}
