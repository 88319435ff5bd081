//! Invariant 3: wherever a journal stops, every whole frame becomes part of a recording; what was
//! altered is set aside, and nothing is deleted.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::wildcard_enum_match_arm,
    missing_docs
)]

mod common;

use common::{facts, fast_dir, shell, stream};
use ecluse_recordings::{Event, Outcome, Recorder, SessionEnd, Stream, frame, layout, recover};
use std::fs;
use std::path::{Path, PathBuf};

/// Offsets where frames end, and how much output stands before each.
struct Small {
    bytes: Vec<u8>,
    frames: Vec<(usize, Vec<u8>)>,
    header: usize,
}

fn small_journal() -> Small {
    let root = fast_dir();
    let recorder = Recorder::open(root.path(), facts()).unwrap();
    let mut output = Vec::new();
    let header = recorder.progress().bytes as usize;
    let mut frames = vec![(header, vec![])];
    let mut append = |event: Event<'_>, printed: &[u8], number: u64| {
        recorder.append(1, number * 10, event).unwrap();
        output.extend_from_slice(printed);
        frames.push((recorder.progress().bytes as usize, output.clone()));
    };
    append(Event::opened(&shell(80, 24)), b"", 0);
    append(Event::Output(b"$ "), b"$ ", 1);
    append(Event::Input(b"id\r"), b"", 2);
    append(Event::Output(b"id\r\n"), b"id\r\n", 3);
    append(Event::Output(b"uid=0 \xff\r\n"), b"uid=0 \xff\r\n", 4);
    append(Event::closed("closed"), b"", 5);
    recorder.close(100, &SessionEnd::because("closed")).unwrap();
    let bytes = fs::read(recorder.journal()).unwrap();
    Small {
        bytes,
        frames,
        header,
    }
}

fn place(root: &Path, bytes: &[u8]) -> PathBuf {
    let dir = layout::session_dir(root, &facts()).unwrap();
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join(layout::LIVE), bytes).unwrap();
    dir
}

#[test]
fn cut_at_any_byte_all_whole_frames_are_kept() {
    let small = small_journal();
    for cut in small.header..=small.bytes.len() {
        let root = fast_dir();
        let dir = place(root.path(), &small.bytes[..cut]);
        let recovered = recover(root.path()).unwrap();
        assert_eq!(recovered.len(), 1);
        let Outcome::Finished(recording) = &recovered[0].outcome else {
            panic!("cut at {cut}: {:?}", recovered[0].outcome)
        };
        let record = recording.record();
        assert_eq!(record.cut_short, cut < small.bytes.len(), "cut at {cut}");
        let (whole, output) = small
            .frames
            .iter()
            .rev()
            .find(|(end, _)| *end <= cut)
            .unwrap();
        match record.channels.first() {
            Some(channel) => assert_eq!(
                &stream(recording, channel, Stream::Output),
                output,
                "cut at {cut}"
            ),
            None => assert!(output.is_empty()),
        }
        // The torn bytes are kept, and only they.
        let tail = fs::read(dir.join(layout::TORN)).unwrap_or_default();
        let end = if cut == small.bytes.len() {
            cut
        } else {
            *whole
        };
        assert_eq!(tail, small.bytes[end..cut], "cut at {cut}");
        assert_eq!(record.torn_bytes, tail.len() as u64);
        assert!(!dir.join(layout::LIVE).exists());
        // Recovering again finds nothing to do.
        assert!(recover(root.path()).unwrap().is_empty());
    }
}

#[test]
fn cut_inside_its_header_a_journal_is_kept_as_found() {
    let small = small_journal();
    for cut in 0..small.header {
        let root = fast_dir();
        place(root.path(), &small.bytes[..cut]);
        let recovered = recover(root.path()).unwrap();
        let Outcome::Damaged { kept_as, .. } = &recovered[0].outcome else {
            panic!("cut at {cut}")
        };
        assert_eq!(fs::read(kept_as).unwrap(), small.bytes[..cut]);
    }
}

#[test]
fn a_changed_byte_never_passes_unseen() {
    let small = small_journal();
    let last = small.frames.last().unwrap().0;
    for at in 0..small.bytes.len() {
        {
            let bit = 1u8 << (at % 8);
            let mut bytes = small.bytes.clone();
            bytes[at] ^= bit;
            let root = fast_dir();
            let dir = place(root.path(), &bytes);
            let recovered = recover(root.path()).unwrap();
            match &recovered[0].outcome {
                Outcome::Damaged { kept_as, problem } => {
                    assert!(at < last, "byte {at} of the last frame: {problem}");
                    assert_eq!(fs::read(kept_as).unwrap(), bytes);
                }
                // In the last frame a change looks like a write that was cut off: it is not used.
                Outcome::Finished(recording) => {
                    assert!(at >= last, "byte {at}");
                    assert!(
                        recording.record().cut_short && recording.record().torn_bytes > 0,
                        "byte {at}"
                    );
                    assert_eq!(fs::read(dir.join(layout::TORN)).unwrap(), bytes[last..]);
                }
                other => panic!("byte {at}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_frame_left_out_repeated_or_moved_is_seen() {
    let small = small_journal();
    let ends: Vec<usize> = small.frames.iter().map(|frame| frame.0).collect();
    let part = |from: usize, to: usize| small.bytes[ends[from]..ends[to]].to_vec();
    let head = || small.bytes[..ends[0]].to_vec();
    let rest = |from: usize| small.bytes[ends[from]..].to_vec();
    let cases = [
        ("left out", [head(), part(0, 1), rest(2)].concat()),
        (
            "repeated",
            [head(), part(0, 2), part(1, 2), rest(2)].concat(),
        ),
        (
            "moved",
            [head(), part(0, 1), part(2, 3), part(1, 2), rest(3)].concat(),
        ),
    ];
    for (name, bytes) in cases {
        let root = fast_dir();
        place(root.path(), &bytes);
        let recovered = recover(root.path()).unwrap();
        assert!(
            matches!(recovered[0].outcome, Outcome::Damaged { .. }),
            "{name}: {:?}",
            recovered[0].outcome
        );
    }
}

#[test]
fn zeros_behind_the_last_frame_are_a_torn_tail() {
    // What ext4 leaves of a file extended just before a power cut.
    let small = small_journal();
    let root = fast_dir();
    let cut = small.frames[3].0;
    let dir = place(root.path(), &[&small.bytes[..cut], &[0; 5000]].concat());
    let recovered = recover(root.path()).unwrap();
    assert!(
        matches!(recovered[0].outcome, Outcome::Finished(_)),
        "{:?}",
        recovered[0].outcome
    );
    assert_eq!(fs::read(dir.join(layout::TORN)).unwrap(), [0; 5000]);
}

#[test]
fn a_journal_of_a_later_version_is_kept() {
    let small = small_journal();
    for (at, value) in [(8, 2), (9, 1)] {
        let mut bytes = small.bytes.clone();
        bytes[at] = value;
        let root = fast_dir();
        place(root.path(), &bytes);
        let recovered = recover(root.path()).unwrap();
        let Outcome::Damaged { problem, .. } = &recovered[0].outcome else {
            panic!()
        };
        assert!(problem.contains("this version reads"), "{problem}");
    }
    assert_eq!(small.bytes[..8], frame::MAGIC);
}

#[test]
fn a_journal_somebody_writes_is_left_alone() {
    let root = fast_dir();
    let recorder = Recorder::open(root.path(), facts()).unwrap();
    let recovered = recover(root.path()).unwrap();
    assert!(matches!(recovered[0].outcome, Outcome::InUse));
    recorder
        .append(1, 1, Event::opened(&shell(80, 24)))
        .unwrap();
    drop(recorder);
    let recovered = recover(root.path()).unwrap();
    let Outcome::Finished(recording) = &recovered[0].outcome else {
        panic!()
    };
    assert!(recording.record().cut_short);
    assert_eq!(recording.record().channels[0].reason, None);
}

#[test]
fn an_interrupted_finish_is_done_again_from_any_point() {
    let small = small_journal();
    // What the final state is.
    let root = fast_dir();
    let dir = place(root.path(), &small.bytes);
    recover(root.path()).unwrap();
    let files = read_all(&dir);
    // Stopped before, between and after the renames, with or without temporary files.
    let names: Vec<&String> = files
        .keys()
        .filter(|name| *name != layout::RECORD)
        .collect();
    for named in 0..=names.len() + 1 {
        let root = fast_dir();
        let dir = place(root.path(), &small.bytes);
        fs::create_dir(dir.join(layout::CONVERTING)).unwrap();
        fs::write(dir.join(layout::CONVERTING).join("01-shell.cast"), "half").unwrap();
        for name in names.iter().take(named) {
            fs::write(dir.join(name), &files[*name]).unwrap();
        }
        if named > names.len() {
            fs::write(dir.join(layout::RECORD), &files[layout::RECORD]).unwrap();
            fs::remove_dir_all(dir.join(layout::CONVERTING)).unwrap();
        }
        let recovered = recover(root.path()).unwrap();
        assert!(
            matches!(recovered[0].outcome, Outcome::Finished(_)),
            "{:?}",
            recovered[0].outcome
        );
        assert_eq!(read_all(&dir), files, "{named} files named");
    }
}

fn read_all(dir: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                fs::read(entry.path()).unwrap(),
            )
        })
        .collect()
}
