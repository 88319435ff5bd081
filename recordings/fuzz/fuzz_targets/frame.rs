//! Journals: walked without a key, opened with one, and what stands behind a seal.
//!
//! The first byte says how: as it is, with every checksum made right first, or as what a seal covered.

#![no_main]

use std::io::Cursor;
use std::path::Path;
use std::sync::LazyLock;

use ecluse_recordings::evidence::key::{Identity, RecordingKey};
use ecluse_recordings::{JournalFrames, JournalReader, frame};
use libfuzzer_sys::fuzz_target;

static KEY: LazyLock<RecordingKey> = LazyLock::new(RecordingKey::generate);

fuzz_target!(|data: &[u8]| {
    let Some((how, bytes)) = data.split_first() else {
        return;
    };
    let mut bytes = bytes.to_vec();
    match how % 3 {
        0 => {}
        1 => repair(&mut bytes),
        _ => {
            let _ = frame::inside(&bytes);
            let _ = Identity::parse_all(&String::from_utf8_lossy(&bytes));
            let _ = RecordingKey::unwrap_with(&bytes, std::slice::from_ref(KEY.identity()));
            return;
        }
    }
    let place = Path::new("journal");
    if let Ok(mut frames) = JournalFrames::from_reader(place, Cursor::new(bytes.clone())) {
        let mut offset = frames.offset();
        while let Ok(Some(frame)) = frames.next_frame() {
            assert_eq!(frame.offset, offset);
            assert_eq!(frame.offset + frame.bytes, frames.offset());
            offset = frames.offset();
        }
        assert!(frames.offset() <= bytes.len() as u64);
    }
    if let Ok(mut reader) = JournalReader::from_reader(place, Cursor::new(bytes), &KEY) {
        while let Ok(Some(_)) = reader.next_frame() {}
    }
});

/// Puts right what finds accidents, so that what comes behind is reached.
fn repair(bytes: &mut [u8]) {
    let number = |bytes: &[u8], at: usize| {
        bytes
            .get(at..)
            .and_then(|rest| rest.first_chunk::<4>())
            .map_or(usize::MAX, |four| u32::from_le_bytes(*four) as usize)
    };
    let lengths = [12, 16, 20].map(|at| number(bytes, at));
    let mut at = 0;
    let mut end = lengths.iter().fold(frame::FILE_HEADER, |sum, length| {
        sum.saturating_add(*length)
    });
    let mut next = 0u64;
    loop {
        let Some(covered) = bytes.get(at..end) else {
            return;
        };
        let crc = crc32fast::hash(covered).to_le_bytes();
        let Some(place) = bytes.get_mut(end..end + frame::CRC) else {
            return;
        };
        place.copy_from_slice(&crc);
        at = end + frame::CRC;
        end = at
            .saturating_add(number(bytes, at))
            .saturating_add(frame::FRAME_HEAD + frame::SEAL);
        if let Some(place) = bytes.get_mut(at + 4..at + 12) {
            place.copy_from_slice(&next.to_le_bytes());
        }
        next += 1;
    }
}
