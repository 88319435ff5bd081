//! Memory of sealing: bounded whatever a technician had open at once. The only test of its program, so that the peak is
//! its own.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use common::{exec, fast_dir, recorder, sealed};
use ecluse_recordings::{Event, SessionEnd};
use std::fs;

const CHANNELS: u32 = 72;
const MIB: usize = 1024 * 1024;

/// Peak of resident memory. **Unit**: bytes.
fn peak() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib: usize = line
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    kib * 1024
}

#[test]
fn channels_open_all_at_once_do_not_decide_how_much_memory_sealing_takes() {
    let root = fast_dir();
    let recorder = recorder(root.path());
    let mut word = 88_172_645_463_325_252_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        word.to_le_bytes()
    })
    .take(MIB / 8)
    .flatten()
    .collect();
    for channel in 1..=CHANNELS {
        recorder
            .append(channel, 1, Event::opened(&exec("cat dump")))
            .unwrap();
    }
    // Each more than the window of a compressor, so that all of its memory is in use.
    for piece in noise.chunks(MIB / 2).cycle().take(5) {
        for channel in 1..=CHANNELS {
            recorder.append(channel, 2, Event::Output(piece)).unwrap();
        }
    }
    let before = peak();
    let recording = sealed(&recorder, 3, &SessionEnd::because("closed"));
    let grown = peak() - before;
    assert_eq!(recording.record().channels.len() as u32, CHANNELS);
    assert_eq!(
        recording.record().channels[0].output.bytes,
        5 * MIB as u64 / 2
    );
    // With all of them open at once, a compressor's window alone takes 144 MiB.
    assert!(grown < 96 * MIB, "{} MiB", grown / MIB);
}
