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

use common::{
    facts, fast_dir, opened, plain, read_all, recorder, recover_by, recover_with_key, recovery,
    sealing, sealing_rotated, shell, stream,
};
use ecluse_recordings::{Event, Outcome, Recovery, SessionEnd, Stream, frame, layout, seal};
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
    let recorder = recorder(root.path());
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
        let recovered = recover_with_key(root.path());
        assert_eq!(recovered.len(), 1);
        let recording = opened(&recovered[0].outcome);
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
                &stream(&recording, channel, Stream::Output),
                output,
                "cut at {cut}"
            ),
            None => assert!(output.is_empty()),
        }
        // The torn bytes are kept, and only they.
        let tail = kept_tail(&recording);
        assert!(!dir.join(layout::TORN).exists());
        let end = if cut == small.bytes.len() {
            cut
        } else {
            *whole
        };
        assert_eq!(tail, small.bytes[end..cut], "cut at {cut}");
        assert_eq!(record.torn_bytes, tail.len() as u64);
        assert!(!dir.join(layout::LIVE).exists());
        // Recovering again finds nothing to do.
        assert!(recover_with_key(root.path()).is_empty());
    }
}

#[test]
fn cut_inside_its_header_a_journal_is_kept_as_found() {
    let small = small_journal();
    for cut in 0..small.header {
        let root = fast_dir();
        place(root.path(), &small.bytes[..cut]);
        let recovered = recover_with_key(root.path());
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
            place(root.path(), &bytes);
            let recovered = recover_with_key(root.path());
            match &recovered[0].outcome {
                Outcome::Damaged { kept_as, problem } => {
                    assert!(at < last, "byte {at} of the last frame: {problem}");
                    assert_eq!(fs::read(kept_as).unwrap(), bytes);
                }
                // In the last frame a change looks like a write that was cut off: it is not used.
                sealed @ Outcome::Sealed { .. } => {
                    let recording = opened(sealed);
                    assert!(at >= last, "byte {at}");
                    assert!(
                        recording.record().cut_short && recording.record().torn_bytes > 0,
                        "byte {at}"
                    );
                    assert_eq!(kept_tail(&recording), bytes[last..]);
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
        let recovered = recover_with_key(root.path());
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
    place(root.path(), &[&small.bytes[..cut], &[0; 5000]].concat());
    let recovered = recover_with_key(root.path());
    assert_eq!(kept_tail(&opened(&recovered[0].outcome)), [0; 5000]);
}

#[test]
fn a_journal_of_another_version_or_in_clear_is_kept_and_not_read() {
    let small = small_journal();
    for (at, value) in [(8, 1), (8, 3), (9, 0), (9, 2)] {
        let mut bytes = small.bytes.clone();
        bytes[at] = value;
        let root = fast_dir();
        place(root.path(), &bytes);
        let recovered = recover_with_key(root.path());
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
    let recorder = recorder(root.path());
    let recovered = recover_with_key(root.path());
    assert!(matches!(recovered[0].outcome, Outcome::InUse));
    recorder
        .append(1, 1, Event::opened(&shell(80, 24)))
        .unwrap();
    drop(recorder);
    let recovered = recover_with_key(root.path());
    let recording = opened(&recovered[0].outcome);
    assert!(recording.record().cut_short);
    assert_eq!(recording.record().channels[0].reason, None);
}

fn kept_tail(recording: &ecluse_recordings::OpenRecording) -> Vec<u8> {
    match recording.record().torn_bytes {
        0 => Vec::new(),
        _ => plain(recording, layout::TORN),
    }
}

#[test]
fn an_interrupted_sealing_is_done_again_from_any_point() {
    let small = small_journal();
    // What the final state is.
    let root = fast_dir();
    let dir = place(root.path(), &small.bytes);
    let whole = opened(&recover_with_key(root.path())[0].outcome);
    let expected = stream(&whole, &whole.record().channels[0], Stream::Output);
    let files = read_all(&dir);
    // Stopped before, between and after the renames, in the order in which they happen.
    let artefacts = files
        .keys()
        .filter(|name| name.ends_with(layout::SEALED_SUFFIX));
    let names: Vec<&str> = [layout::WRAPPED_KEY]
        .into_iter()
        .chain(artefacts.map(String::as_str))
        .chain([layout::MANIFEST, layout::SIGNATURE])
        .collect();
    for named in 0..=names.len() {
        let root = fast_dir();
        let dir = place(root.path(), &small.bytes);
        let temporary = dir.join(layout::CONVERTING);
        fs::create_dir(&temporary).unwrap();
        fs::write(temporary.join("left"), "half").unwrap();
        for (place, name) in names.iter().enumerate() {
            let to = if place < named { &dir } else { &temporary };
            fs::write(to.join(name), &files[*name]).unwrap();
        }
        let recovered = recover_with_key(root.path());
        let recording = opened(&recovered[0].outcome);
        recording.verify().unwrap();
        assert_eq!(
            stream(&recording, &recording.record().channels[0], Stream::Output),
            expected
        );
        let again = read_all(&dir);
        assert_eq!(
            again.keys().collect::<Vec<_>>(),
            files.keys().collect::<Vec<_>>(),
            "{named} files named"
        );
        // Once the manifest has its name it stays: its digest may be on record already.
        let kept = again[layout::MANIFEST] == files[layout::MANIFEST];
        assert_eq!(kept, named + 1 >= names.len(), "{named} files named");
    }
}

/// What stands in the place of the manifest is no reason to leave the journal unsealed.
#[test]
fn a_manifest_that_does_not_read_is_made_anew_from_the_journal() {
    let small = small_journal();
    let root = fast_dir();
    let dir = place(root.path(), &small.bytes);
    fs::write(dir.join(layout::MANIFEST), "{").unwrap();
    fs::write(dir.join(layout::SIGNATURE), "none").unwrap();
    let recovered = recover_with_key(root.path());
    opened(&recovered[0].outcome).verify().unwrap();
}

/// Its seal may be on record, and only the journal had to go: another seal would read as altered.
#[test]
fn a_seal_stays_whose_key_was_rotated_before_its_journal_went() {
    let root = fast_dir();
    let recorder = recorder(root.path());
    let closed = recorder.close(9, &SessionEnd::because("closed")).unwrap();
    let sealed = seal(&closed, recorder.key(), &sealing()).unwrap();
    drop(recorder);
    let rotated = Recovery {
        sealing: sealing_rotated(),
        ..recovery()
    };
    let recovered = recover_by(root.path(), &rotated);
    let recording = opened(&recovered[0].outcome);
    assert_eq!(recording.sealed(), &sealed);
    assert!(!closed.dir().join(layout::LIVE).exists());
}

/// R3, and a start that always comes to its end: every place of the tail begins like a frame of a mebibyte, and a
/// checksum for each would keep a gateway busy for hours.
#[test]
fn a_tail_made_to_look_like_frames_everywhere_is_set_aside_and_not_hashed_without_end() {
    let small = small_journal();
    let header = small.frames.last().unwrap().0;
    let mut bytes = small.bytes[..header].to_vec();
    let number = small.frames.len() as u64;
    let length = [0xff, 0xff, 0x0f];
    while bytes.len() < 3 * 1024 * 1024 {
        bytes.extend(length);
        bytes.push(0);
        bytes.extend(number.to_le_bytes());
    }
    let root = fast_dir();
    place(root.path(), &bytes);
    let recovered = recover_with_key(root.path());
    let Outcome::Damaged { kept_as, problem } = &recovered[0].outcome else {
        panic!("{:?}", recovered[0].outcome)
    };
    assert!(problem.contains("begins like a frame"), "{problem}");
    assert_eq!(fs::read(kept_as).unwrap(), bytes);
}

/// A torn frame of any content is a torn frame: chance does not make it look like somebody's doing.
#[test]
fn a_torn_frame_of_noise_is_kept_as_a_tail() {
    let small = small_journal();
    let end = small.frames[3].0;
    let mut bytes = small.bytes[..end].to_vec();
    let mut word = 88_172_645_463_325_252_u64;
    let noise = std::iter::repeat_with(|| {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        word.to_le_bytes()
    });
    bytes.extend([0x11, 0x00, 0x10, 0x00]);
    bytes.extend(3u64.to_le_bytes());
    bytes.extend(noise.take(1024 * 1024 / 8 - 64).flatten());
    let root = fast_dir();
    place(root.path(), &bytes);
    let recovered = recover_with_key(root.path());
    let recording = opened(&recovered[0].outcome);
    assert_eq!(recording.record().torn_bytes, (bytes.len() - end) as u64);
    assert_eq!(kept_tail(&recording), bytes[end..]);
}
