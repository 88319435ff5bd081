//! R1, invariant 3: what was recorded comes back byte for byte, whatever it was and however it was cut.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use common::{exec, fast_dir, plain, recorder, sealed, shell, stream, stream_of};
use ecluse_recordings::{Event, OpenRecording, SessionEnd, Stream};
use proptest::collection::vec;
use proptest::prelude::*;

fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => "[ -~éœ水\u{1f512}]{0,40}".prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..40),
        1 => Just(vec![0u8; 300]),
        1 => vec(any::<u8>(), 300..1500),
        1 => Just("é水🔒".as_bytes()[..5].to_vec()),
        1 => Just("é水🔒".as_bytes()[5..].to_vec()),
        1 => Just("hunter2•".as_bytes().to_vec()),
        2 => Just(b"\r".to_vec()),
        2 => Just(b"\r\n[sudo] password for ops: ".to_vec()),
        1 => Just(b"ecluse:stderr".to_vec()),
    ]
}

fn finished(
    pty: bool,
    pieces: &[(u8, Vec<u8>)],
) -> (tempfile::TempDir, OpenRecording, [Vec<u8>; 3]) {
    let root = fast_dir();
    let recorder = recorder(root.path());
    let opened = if pty { shell(80, 24) } else { exec("cat") };
    recorder.append(1, 5, Event::opened(&opened)).unwrap();
    let mut expected = [vec![], vec![], vec![]];
    for (index, (which, bytes)) in pieces.iter().enumerate() {
        let at = 10 + index as u64 * 1_000;
        let event = match which {
            0 => Event::Output(bytes),
            1 => Event::ErrorOutput(bytes),
            _ => Event::Input(bytes),
        };
        recorder.append(1, at, event).unwrap();
        expected[usize::from(*which).min(2)].extend_from_slice(bytes);
    }
    recorder
        .append(1, 999_999_999, Event::ExitStatus(3))
        .unwrap();
    recorder
        .append(1, 999_999_999, Event::closed("closed"))
        .unwrap();
    let recording = sealed(&recorder, 1_000_000_000, &SessionEnd::because("closed"));
    (root, recording, expected)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_stream_comes_back_exactly(pty in any::<bool>(), pieces in vec((0u8..3, piece()), 0..30)) {
        let (_root, recording, expected) = finished(pty, &pieces);
        let channel = &recording.record().channels[0];
        for (which, expected) in Stream::ALL.into_iter().zip(&expected) {
            prop_assert_eq!(&stream(&recording, channel, which), expected, "{:?}", which);
            prop_assert_eq!(channel.stream(which).bytes, expected.len() as u64);
        }
        recording.verify().unwrap();
        // Masked or not, the outputs are the same.
        prop_assert_eq!(&stream_of(&recording, channel, Stream::Output, false), &expected[0]);
    }
}

#[test]
fn a_gigabyte_of_zeros_does_not_become_six() {
    let zeros = vec![0u8; 32 * 1024];
    let pieces: Vec<_> = (0..256).map(|_| (0, zeros.clone())).collect();
    let (_root, recording, expected) = finished(false, &pieces);
    let channel = &recording.record().channels[0];
    let cast = String::from_utf8(plain(&recording, &channel.files.cast)).unwrap();
    assert!(cast.len() < 4096, "{}", cast.len());
    assert!(
        cast.contains("ecluse:binary stream=output offset=0 length="),
        "{cast}"
    );
    let raw = plain(&recording, channel.files.output.as_ref().unwrap());
    assert_eq!(raw, expected[0]);
}

#[test]
fn text_needs_no_raw_file_and_reads_with_the_asciicast_types() {
    let pieces = [
        (0, b"caf\xc3".to_vec()),
        (0, b"\xa9\r\n".to_vec()),
        (1, b"oops\n".to_vec()),
        (2, b"q".to_vec()),
    ];
    let (_root, recording, _) = finished(false, &pieces);
    let channel = &recording.record().channels[0];
    assert_eq!(channel.files.all().count(), 1);
    let cast = String::from_utf8(plain(&recording, &channel.files.cast)).unwrap();
    let mut lines = cast.lines();
    let header: asciicast::Header = serde_json::from_str(lines.next().unwrap()).unwrap();
    assert_eq!((header.version, header.width, header.height), (2, 80, 24));
    let text: String = lines
        .filter_map(|line| serde_json::from_str::<asciicast::Entry>(line).ok())
        .filter(|entry| entry.event_type == asciicast::EventType::Output)
        .map(|entry| entry.event_data)
        .collect();
    assert_eq!(text, "café\r\noops\n");
    assert!(cast.contains(r#""m","ecluse:stderr""#));
    assert!(cast.contains(r#""m","ecluse:exit 3""#));
}

#[test]
fn sealing_leaves_no_journal_and_no_temporary_file() {
    let (_root, recording, _) = finished(true, &[(0, b"hello".to_vec())]);
    let mut names: Vec<_> = std::fs::read_dir(recording.dir())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "01-shell.cast.zst.age",
            "manifest.json",
            "manifest.json.sig",
            "recording.key.age",
            "session.json.zst.age",
            "text.jsonl.zst.age"
        ]
    );
}
