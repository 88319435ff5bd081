//! How fast appending and finishing are: `cargo run --release --example append_speed [DIR]`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::disallowed_methods
)]

use ecluse_recordings::{
    ChannelKind, ChannelOpened, Event, Pty, Recorder, SessionEnd, SessionFacts, finish,
};
use std::path::{Path, PathBuf};
use std::time::Instant;

const FRAME: usize = 32 * 1024;
const TOTAL: usize = 1024 * 1024 * 1024;

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
    .take(FRAME / 8)
    .flatten()
    .collect();
    let mut log = String::new();
    for number in 0.. {
        log.push_str(&format!("2026-11-23T10:00:00.{number:06}Z db01 postgres[{number}]: LOG: \"checkpoint\" complete\r\n"));
        if log.len() >= FRAME {
            break;
        }
    }
    log.truncate(FRAME);
    measure(&root, "binary, command", &noise, None);
    measure(&root, "log text, command", log.as_bytes(), None);
    let pty = Some(Pty {
        term: "xterm".into(),
        cols: 80,
        rows: 24,
    });
    measure(&root, "log text, terminal", log.as_bytes(), pty);
}

fn measure(root: &Path, name: &str, frame: &[u8], pty: Option<Pty>) {
    let dir = root.join(format!("append-speed-{}", std::process::id()));
    let recorder = Recorder::open(&dir, facts()).unwrap();
    let opened = ChannelOpened {
        kind: ChannelKind::Exec,
        command: None,
        account: None,
        pty,
        env: vec![],
    };
    recorder.append(1, 0, Event::opened(&opened)).unwrap();
    let start = Instant::now();
    for number in 0..TOTAL / FRAME {
        recorder
            .append(1, number as u64, Event::Output(frame))
            .unwrap();
    }
    let appended = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let closed = recorder
        .close(1_000_000, &SessionEnd::because("closed"))
        .unwrap();
    let synced = start.elapsed().as_secs_f64();
    drop(recorder);
    let start = Instant::now();
    finish(&closed).unwrap();
    let finished = start.elapsed().as_secs_f64();
    std::fs::remove_dir_all(&dir).unwrap();
    let rate = |seconds: f64| TOTAL as f64 / 1e6 / seconds;
    println!(
        "{name:20} append {:6.0} MB/s   sync {synced:5.2} s   finish {:6.0} MB/s",
        rate(appended),
        rate(finished)
    );
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
    }
}
