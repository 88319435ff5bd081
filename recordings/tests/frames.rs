//! A journal's frames, against people: what can be told without the key is nothing but time, and what is changed without
//! it is seen.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::expect_used,
    missing_docs
)]

mod common;

use common::{
    exec, facts_of, fast_dir, protection, recorder, recorder_of, recover_with_key, shell,
};
use ecluse_recordings::{
    Event, JournalFrames, JournalReader, Outcome, ReadError, Recorder, SessionEnd, layout,
};
use std::fs;
use std::path::Path;

/// Keystrokes are told by nothing but their time: each takes the same room, whatever was typed.
#[test]
fn short_frames_look_alike() {
    let root = fast_dir();
    let recorder = recorder(root.path());
    recorder
        .append(1, 1, Event::opened(&shell(80, 24)))
        .unwrap();
    let mut before = recorder.progress().bytes;
    for length in 1..200 {
        recorder
            .append(1, length as u64, Event::Input(&vec![b'k'; length]))
            .unwrap();
        let after = recorder.progress().bytes;
        assert_eq!(after - before, 256 + 12 + 16 + 4, "{length} bytes");
        before = after;
    }
}

/// A closed journal of `session`, its key, and where its frames begin and end.
fn journal(root: &Path, session: uuid::Uuid) -> (Recorder, Vec<u8>, Vec<(usize, usize)>) {
    let recorder = recorder_of(root, facts_of(session));
    recorder.append(1, 1, Event::opened(&exec("cat"))).unwrap();
    for number in 0..6u8 {
        let text = vec![b'a' + number; 40];
        recorder.append(1, 10, Event::Output(&text)).unwrap();
    }
    recorder.close(20, &SessionEnd::because("closed")).unwrap();
    let bytes = fs::read(recorder.journal()).unwrap();
    let mut frames = JournalFrames::open(recorder.journal()).unwrap();
    let mut places = Vec::new();
    while let Some(frame) = frames.next_frame().unwrap() {
        let from = frame.offset as usize;
        places.push((from, from + frame.bytes as usize));
    }
    (recorder, bytes, places)
}

/// A frame as somebody without the key could put it elsewhere: its number and its checksum made to fit.
fn renumbered(frame: &[u8], number: u64) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[4..12].copy_from_slice(&number.to_le_bytes());
    let body = frame.len() - 4;
    let crc = crc32fast::hash(&frame[..body]);
    frame[body..].copy_from_slice(&crc.to_le_bytes());
    frame
}

/// The checksum finds accidents; against people, the seals do.
#[test]
fn frames_changed_with_their_checksums_made_to_fit_are_seen() {
    let root = fast_dir();
    let one = uuid::Uuid::from_u128(1);
    let (recorder, bytes, frames) = journal(root.path(), one);
    let (_, other, others) = journal(root.path(), uuid::Uuid::from_u128(2));
    let frame = |at: usize| &bytes[frames[at].0..frames[at].1];
    let (head, count) = (&bytes[..frames[0].0], frames.len());
    let put_together = |order: &[&[u8]]| {
        let parts = order
            .iter()
            .zip(0u64..)
            .map(|(frame, number)| renumbered(frame, number));
        [head.to_vec()]
            .into_iter()
            .chain(parts)
            .flatten()
            .collect::<Vec<u8>>()
    };
    let all: Vec<&[u8]> = (0..count).map(frame).collect();
    assert_eq!(put_together(&all), bytes);
    let mut changed = bytes.clone();
    let (from, to) = frames[3];
    changed[from + 20] ^= 1;
    let fixed = renumbered(&changed[from..to], 3);
    changed[from..to].copy_from_slice(&fixed);
    let mut swapped = all.clone();
    swapped.swap(2, 3);
    let mut repeated = all.clone();
    repeated.insert(3, frame(2));
    let mut dropped = all.clone();
    dropped.remove(2);
    // Same place, same time, same length: of another recording, whose key is another.
    let mut foreign = all.clone();
    foreign[4] = &other[others[4].0..others[4].1];
    assert_eq!(foreign[4].len(), all[4].len());
    let mut facts_changed = bytes.clone();
    let at = bytes
        .windows(5)
        .position(|window| window == b"alice")
        .unwrap();
    facts_changed[at] = b'm';
    let body = frames[0].0 - 4;
    let crc = crc32fast::hash(&facts_changed[..body]);
    facts_changed[body..body + 4].copy_from_slice(&crc.to_le_bytes());

    for (name, journal) in [
        ("changed", changed),
        ("swapped", put_together(&swapped)),
        ("repeated", put_together(&repeated)),
        ("dropped", put_together(&dropped)),
        ("of another recording", put_together(&foreign)),
        ("under another name", facts_changed),
    ] {
        let dir = fast_dir();
        let path = layout::session_dir(dir.path(), &facts_of(one)).unwrap();
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join(layout::LIVE), &journal).unwrap();
        // Without the key all seems well …
        let mut keyless = JournalFrames::open(&path.join(layout::LIVE)).unwrap();
        while keyless.next_frame().expect(name).is_some() {}
        // … with it, nothing is.
        let mut reader = JournalReader::open(&path.join(layout::LIVE), recorder.key()).unwrap();
        let error = loop {
            match reader.next_frame() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("{name} passes"),
                Err(error) => break error,
            }
        };
        assert!(error.to_string().contains("seal"), "{name}: {error}");
        // Sealing sets it aside, whole, and signs nothing.
        let recovered = recover_with_key(dir.path());
        let Outcome::Damaged { kept_as, problem } = &recovered[0].outcome else {
            panic!("{name}: {:?}", recovered[0].outcome)
        };
        assert!(problem.contains("seal"), "{name}: {problem}");
        assert_eq!(fs::read(kept_as).unwrap(), journal, "{name}");
        assert!(!path.join(layout::MANIFEST).exists(), "{name}");
    }
    assert!(matches!(
        JournalReader::open(recorder.journal(), &protection().key),
        Err(ReadError::Foreign { .. })
    ));
}
