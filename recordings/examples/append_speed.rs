//! How fast appending, sealing and verifying are, and how much room a sealed recording takes:
//! `cargo run --release -p ecluse-recordings --example append_speed [DIR]`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::disallowed_methods
)]

use ecluse_recordings::evidence::key::Identity;
use ecluse_recordings::evidence::signature::{HeldKey, Signer};
use ecluse_recordings::{
    ChannelKind, ChannelOpened, Event, OpenRecording, Protection, Pty, Recorder, Sealing,
    SessionEnd, SessionFacts, seal,
};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

const FRAME: usize = 32 * 1024;
const TOTAL: usize = 1024 * 1024 * 1024;
/// What the system counts processor time in (`/proc/self/stat`).
const TICKS: f64 = 100.0;

fn main() {
    let root = std::env::args()
        .nth(1)
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let mut word = 88_172_645_463_325_252_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        word.to_le_bytes()
    })
    .take(8 * 1024 * 1024 / 8)
    .flatten()
    .collect();
    let mut log = String::new();
    for number in 0u64.. {
        let (millis, host) = (number * 7 % 100_000, number * 2_654_435_761 % 251);
        log.push_str(&format!("2026-11-23T10:00:00.{number:06}Z db{host:03} postgres[{millis}]: LOG: \"checkpoint\" complete, {host} buffers\r\n"));
        if log.len() >= 8 * 1024 * 1024 {
            break;
        }
    }
    log.truncate(8 * 1024 * 1024);
    measure(&root, "binary, command", &noise, None);
    measure(&root, "log text, command", log.as_bytes(), None);
    let pty = Some(Pty {
        term: "xterm".into(),
        cols: 80,
        rows: 24,
        modes: Vec::new(),
    });
    measure(&root, "log text, terminal", log.as_bytes(), pty);
}

fn measure(root: &Path, name: &str, content: &[u8], pty: Option<Pty>) {
    let dir = root.join(format!("append-speed-{}", std::process::id()));
    let client = Identity::generate();
    let protection = Protection::for_recipients(vec![client.public()]).unwrap();
    let recorder = Recorder::open(&dir, facts(), protection, None).unwrap();
    let opened = ChannelOpened {
        kind: ChannelKind::Exec,
        command: None,
        account: None,
        pty,
        env: vec![],
    };
    recorder.append(1, 0, Event::opened(&opened)).unwrap();
    let appending = Watch::start();
    for (number, frame) in (0..TOTAL / FRAME).zip(content.chunks_exact(FRAME).cycle()) {
        recorder
            .append(1, number as u64, Event::Output(frame))
            .unwrap();
    }
    let appended = appending.told();
    let closed = recorder
        .close(1_000_000, &SessionEnd::because("closed"))
        .unwrap();
    let signer = HeldKey::from_seed(&[1; 32]).unwrap();
    let sealing = Sealing {
        signer: &signer,
        ours: &[signer.public()],
        by: "append_speed",
        now: 0,
        screen_text: &|_| false,
    };
    let watch = Watch::start();
    let sealed = seal(&closed, recorder.key(), &sealing).unwrap();
    sealed.remove_journal().unwrap();
    let sealing = watch.told();
    let opened = sealed.unlock(&[client]).unwrap();
    let watch = Watch::start();
    opened.verify().unwrap();
    let verifying = watch.told();
    println!("{name:20} append {appended}   seal {sealing}   verify {verifying}");
    let on_disk: u64 = sealed.manifest().files.iter().map(|file| file.bytes).sum();
    let compressed = plainly_compressed(&opened);
    println!(
        "{:20} {on_disk} bytes on disk, {compressed} as `zstd -3` of the plain files: {:.4}",
        "",
        on_disk as f64 / compressed as f64
    );
    std::fs::remove_dir_all(&dir).unwrap();
}

/// What `zstd -3` makes of the same files without encryption.
fn plainly_compressed(recording: &OpenRecording) -> u64 {
    let mut total = 0;
    for file in &recording.sealed().manifest().files {
        let name = file.name.strip_suffix(".zst.age").unwrap();
        let mut counted = Counted(0);
        let mut plain = recording.open(name).unwrap();
        let mut encoder = zstd::Encoder::new(&mut counted, 3).unwrap();
        std::io::copy(&mut plain.by_ref(), &mut encoder).unwrap();
        encoder.finish().unwrap();
        total += counted.0;
    }
    total
}

struct Counted(u64);

impl std::io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Watch {
    began: Instant,
    used: (f64, f64),
}

impl Watch {
    fn start() -> Self {
        Watch {
            began: Instant::now(),
            used: used(),
        }
    }

    fn told(&self) -> String {
        let (user, system) = used();
        let elapsed = self.began.elapsed().as_secs_f64();
        let per_gb = |seconds: f64| seconds / (TOTAL as f64 / 1e9);
        format!(
            "{:5.0} MB/s, CPU-s/GB {:.2} user + {:.2} system",
            TOTAL as f64 / 1e6 / elapsed,
            per_gb(user - self.used.0),
            per_gb(system - self.used.1)
        )
    }
}

/// Processor time of this process so far: user, system.
fn used() -> (f64, f64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let seconds = |at: usize| fields.get(at).unwrap().parse::<f64>().unwrap() / TICKS;
    (seconds(11), seconds(12))
}

fn facts() -> SessionFacts {
    SessionFacts {
        session: uuid::Uuid::from_u128(1),
        client: "hopital".into(),
        person: "alice".into(),
        provider: None,
        station: None,
        source: "127.0.0.1:1".into(),
        terminal: "ssh".into(),
        target: "db01".into(),
        accounts: vec![],
        intervention: None,
        started: 0,
        documents_version: 1,
        reason: "speed".into(),
        approvals: vec![],
    }
}
