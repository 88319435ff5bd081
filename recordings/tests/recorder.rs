//! R2: what cannot be recorded does not pass; what was recorded survives the death of the process.
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
    client, exec, facts, opened, protection, recorder, recover_with_key, sealed, sealing, shell,
    stream,
};
use ecluse_recordings::{
    Event, Follower, JournalFrames, JournalReader, ReadError, RecordError, Recorder, SessionEnd,
    Stream, layout, seal,
};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[test]
fn nobody_else_can_read_a_recording() {
    let root = tempfile::tempdir().unwrap();
    let recorder = recorder(&root.path().join("recordings"));
    recorder.append(1, 1, Event::opened(&exec("id"))).unwrap();
    recorder.append(1, 2, Event::Output(&[0xff; 100])).unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(recorder.journal()), 0o600);
    for dir in recorder.dir().ancestors().take(6) {
        assert_eq!(mode(dir), 0o700, "{}", dir.display());
    }
    let recording = sealed(&recorder, 9, &SessionEnd::because("closed"));
    for entry in std::fs::read_dir(recording.dir()).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}

#[test]
fn a_session_is_recorded_once() {
    let root = tempfile::tempdir().unwrap();
    let _first = recorder(root.path());
    assert!(matches!(
        Recorder::open(root.path(), facts(), protection(), None),
        Err(RecordError::Io {
            doing: "create directory",
            ..
        })
    ));
}

#[test]
fn a_client_name_cannot_leave_the_root() {
    let root = tempfile::tempdir().unwrap();
    let error = Recorder::open(
        root.path(),
        ecluse_recordings::SessionFacts {
            client: "../x".into(),
            ..facts()
        },
        protection(),
        None,
    )
    .err();
    assert!(
        matches!(error, Some(RecordError::Facts { what: "client", .. })),
        "{error:?}"
    );
}

#[test]
fn bytes_on_a_channel_that_is_not_open_are_refused_and_the_rest_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let recorder = recorder(root.path());
    assert_eq!(
        recorder.append(1, 1, Event::Output(b"x")),
        Err(RecordError::ChannelNotOpen(1))
    );
    recorder
        .append(2, 1, Event::opened(&shell(80, 24)))
        .unwrap();
    for used in [0, 1, 2] {
        let refused = recorder.append(used, 1, Event::opened(&shell(80, 24)));
        assert_eq!(refused, Err(RecordError::ChannelNumber(used)));
    }
    recorder.append(2, 2, Event::closed("closed")).unwrap();
    assert_eq!(
        recorder.append(2, 3, Event::Output(b"x")),
        Err(RecordError::ChannelNotOpen(2))
    );
    recorder
        .append(0, 3, Event::Refusal("forward 10.0.0.1:22"))
        .unwrap();
    let closed = recorder.close(4, &SessionEnd::because("closed")).unwrap();
    assert_eq!(
        recorder.append(0, 5, Event::Note("late")),
        Err(RecordError::Closed)
    );
    assert_eq!(
        recorder.close(6, &SessionEnd::because("again")),
        Err(RecordError::Closed)
    );
    let recording = seal(&closed, recorder.key(), &sealing()).unwrap();
    assert_eq!(recording.unlock(&[client()]).unwrap().record().notes, 1);
}

#[test]
fn a_long_piece_of_output_is_kept_whole() {
    let root = tempfile::tempdir().unwrap();
    let recorder = recorder(root.path());
    recorder.append(1, 1, Event::opened(&exec("cat"))).unwrap();
    let long: Vec<u8> = (0..3_000_000u32).map(|at| (at * 7 % 251) as u8).collect();
    recorder.append(1, 2, Event::Output(&long)).unwrap();
    assert!(matches!(
        recorder.append(1, 3, Event::Note(&"x".repeat(2_000_000))),
        Err(RecordError::TooLong { .. })
    ));
    let recording = sealed(&recorder, 4, &SessionEnd::because("closed"));
    assert_eq!(
        stream(&recording, &recording.record().channels[0], Stream::Output),
        long
    );
}

#[test]
fn a_follower_sees_each_frame_as_soon_as_it_is_appended() {
    let root = tempfile::tempdir().unwrap();
    let woken = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&woken);
    let hook = Box::new(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    let recorder = Recorder::open(root.path(), facts(), protection(), Some(hook)).unwrap();
    let mut follower = Follower::open(recorder.journal(), recorder.key()).unwrap();
    assert_eq!(follower.facts(), &facts());
    assert_eq!(follower.next_frame().unwrap(), None);
    recorder
        .append(1, 5, Event::opened(&shell(80, 24)))
        .unwrap();
    assert!(matches!(
        follower.next_frame().unwrap().unwrap().event,
        Event::ChannelOpened(_)
    ));
    assert_eq!(follower.next_frame().unwrap(), None);
    for number in 0..500u32 {
        let text = vec![b'x'; number as usize * 97 + 1];
        // A clock that steps back must not make a journal that does not read.
        recorder
            .append(1, u64::from(1000 - number), Event::Output(&text))
            .unwrap();
        let frame = follower.next_frame().unwrap().unwrap();
        assert_eq!(frame.event, Event::Output(&text));
        assert_eq!(frame.at_us, 1000);
    }
    assert_eq!(woken.load(Ordering::Relaxed), 501);
    let closed = recorder
        .close(2000, &SessionEnd::because("closed"))
        .unwrap();
    let recording = seal(&closed, recorder.key(), &sealing()).unwrap();
    recording.remove_journal().unwrap();
    // The journal is gone; who follows it still reads to its end.
    assert!(matches!(
        follower.next_frame().unwrap().unwrap().event,
        Event::ChannelClosed(_)
    ));
    assert!(matches!(
        follower.next_frame().unwrap().unwrap().event,
        Event::SessionEnd(_)
    ));
    assert_eq!(follower.next_frame().unwrap(), None);
}

#[test]
fn durability_follows_the_sync() {
    let root = tempfile::tempdir().unwrap();
    let recorder = recorder(root.path());
    let sync = recorder.sync_handle();
    assert_eq!(recorder.progress().durable, None);
    assert_eq!(sync.sync_if_dirty(), Ok(true));
    assert_eq!(sync.sync_if_dirty(), Ok(false));
    recorder.append(0, 1, Event::Note("hello")).unwrap();
    let progress = recorder.progress();
    assert_eq!(progress.frames, 1);
    assert!(progress.durable.unwrap().bytes < progress.bytes);
    assert_eq!(progress.durable.unwrap().last_seal, None);
    assert_eq!(sync.sync_if_dirty(), Ok(true));
    let durable = recorder.progress().durable.unwrap();
    assert_eq!(
        (durable.frames, durable.bytes, durable.last_seal),
        (progress.frames, progress.bytes, progress.last_seal)
    );
    assert!(durable.last_seal.is_some());
}

#[test]
fn appends_from_many_threads_keep_one_order() {
    let root = tempfile::tempdir().unwrap();
    let recorder = Arc::new(recorder(root.path()));
    for channel in 1..=4 {
        recorder
            .append(channel, 0, Event::opened(&exec("cat")))
            .unwrap();
    }
    std::thread::scope(|scope| {
        for channel in 1..=4u32 {
            let recorder = &recorder;
            scope.spawn(move || {
                for number in 0..500u64 {
                    recorder
                        .append(channel, number, Event::Output(&[channel as u8; 33]))
                        .unwrap();
                }
            });
        }
    });
    let recording = sealed(&recorder, 1_000_000, &SessionEnd::because("closed"));
    for (channel, number) in recording.record().channels.iter().zip(1u8..) {
        assert_eq!(
            stream(&recording, channel, Stream::Output),
            vec![number; 33 * 500]
        );
    }
}

/// Not a test by itself: what the next one kills.
#[test]
#[ignore = "a child process of `kill_9_loses_nothing_that_was_acknowledged`"]
fn child_that_appends_until_it_is_killed() {
    let root = std::env::var("RECORDINGS_ROOT").unwrap();
    let recorder = recorder(Path::new(&root));
    recorder.append(1, 0, Event::opened(&exec("yes"))).unwrap();
    let mut out = std::io::stderr();
    for number in 0u64.. {
        let line = format!("{number}\n").repeat(50);
        recorder
            .append(1, number, Event::Output(line.as_bytes()))
            .unwrap();
        writeln!(out, "acknowledged {number}").unwrap();
    }
}

#[test]
fn kill_9_loses_nothing_that_was_acknowledged() {
    for wanted in [1u64, 40, 333] {
        let root = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "child_that_appends_until_it_is_killed",
                "--ignored",
                "--nocapture",
            ])
            .env("RECORDINGS_ROOT", root.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut acknowledged = 0;
        while acknowledged < wanted {
            let line = lines
                .next()
                .expect("the child appends until it is killed")
                .unwrap();
            if let Some(number) = line.strip_prefix("acknowledged ") {
                acknowledged = number.parse().unwrap();
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            if let Some(number) = line
                .strip_prefix("acknowledged ")
                .and_then(|number| number.parse().ok())
            {
                acknowledged = number;
            }
        }
        let recording = opened(&recover_with_key(root.path())[0].outcome);
        assert!(recording.record().cut_short && recording.sealed().manifest().cut_short);
        let output = stream(&recording, &recording.record().channels[0], Stream::Output);
        let expected: String = (0..=acknowledged)
            .map(|number| format!("{number}\n").repeat(50))
            .collect();
        assert!(
            output.starts_with(expected.as_bytes()),
            "{} bytes, {acknowledged} acknowledged",
            output.len()
        );
    }
}

/// Not a test by itself: runs inside a file system of its own.
#[test]
#[ignore = "a child process of `a_full_disk_stops_the_recording_and_still_lets_it_close`"]
fn child_on_a_small_disk() {
    let root = std::env::var("RECORDINGS_ROOT").unwrap();
    let recorder = recorder(Path::new(&root));
    recorder.append(1, 0, Event::opened(&exec("yes"))).unwrap();
    let mut recorded = 0u64;
    let failure = loop {
        match recorder.append(1, recorded, Event::Output(&[b'y'; 5000])) {
            Ok(()) => recorded += 5000,
            Err(failure) => break failure,
        }
    };
    assert!(failure.is_disk_full(), "{failure}");
    // Fails closed: the same answer from now on, for every channel.
    assert_eq!(
        recorder.append(1, 0, Event::Output(b"y")),
        Err(failure.clone())
    );
    assert_eq!(
        recorder.append(0, 0, Event::Note("n")),
        Err(failure.clone())
    );
    assert_eq!(recorder.failure(), Some(failure));
    // The reserve lets the end be written, behind the last whole frame.
    recorder
        .close(recorded, &SessionEnd::because("recording-failed"))
        .unwrap();
    let mut reader = JournalReader::open(recorder.journal(), recorder.key()).unwrap();
    let (mut bytes, mut ended) = (0, false);
    let file = std::fs::read(recorder.journal()).unwrap();
    let mut attempts = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        attempts.push(file[frame.offset as usize + 3]);
        match frame.event {
            Event::Output(output) => bytes += output.len() as u64,
            Event::SessionEnd(end) => ended = end.reason == "recording-failed",
            _ => {}
        }
    }
    assert!(ended);
    // What was cut off was encrypted under its number already: what took its place has another nonce.
    let first_again = attempts.iter().position(|attempt| *attempt == 1).unwrap();
    assert_eq!(first_again as u64 - 1, recorded / 5000);
    assert!(attempts[..first_again].iter().all(|attempt| *attempt == 0));
    assert!(attempts[first_again..].iter().all(|attempt| *attempt == 1));
    assert_eq!(bytes, recorded);
    assert!(recorded > 50_000);
}

#[test]
fn a_full_disk_stops_the_recording_and_still_lets_it_close() {
    common::in_child_on_small_disk("child_on_a_small_disk", "400k");
}

#[test]
fn a_reader_names_what_is_wrong_with_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(layout::LIVE);
    for (bytes, expected) in [
        (&b""[..], "ends inside its header"),
        (b"ECLUSEJL\x02\x01", "ends inside its header"),
        (
            b"not a journal at all, by far",
            "does not begin with ECLUSEJL",
        ),
        (
            b"ECLUSEJL\x01\x00\x00\x00\x02\x00\x00\x00{}\x00\x00\x00\x00\x00\x00\x00\x00",
            "journal version 1",
        ),
        (
            b"ECLUSEJL\x02\x00\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00",
            "protection 0",
        ),
        (
            b"ECLUSEJL\x02\x01\x00\x00\xff\xff\xff\xff\x02\x00\x00\x00\x02\x00\x00\x00",
            "damaged",
        ),
        (
            b"ECLUSEJL\x02\x01\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00{}{}x\x00\x00\x00\x00",
            "checksum",
        ),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let error = JournalReader::open(&path, &protection().key)
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert!(matches!(
        JournalReader::open(&dir.path().join("none"), &protection().key),
        Err(ReadError::Io { .. })
    ));
}

proptest::proptest! {
    /// Whatever stands behind a header that holds, reading it ends, without a panic.
    #[test]
    fn no_bytes_make_the_journal_reader_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
        let root = common::fast_dir();
        let recorder = recorder(root.path());
        let (path, key) = (recorder.journal().to_owned(), recorder.key().clone());
        drop(recorder);
        std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(&bytes).unwrap();
        let mut frames = JournalFrames::open(&path).unwrap();
        while let Ok(Some(_)) = frames.next_frame() {}
        let mut reader = JournalReader::open(&path, &key).unwrap();
        while let Ok(Some(_)) = reader.next_frame() {}
        let mut follower = Follower::open(&path, &key).unwrap();
        while let Ok(Some(_)) = follower.next_frame() {}
    }
}

#[test]
fn a_follower_reads_a_frame_that_replaces_a_torn_one() {
    let root = tempfile::tempdir().unwrap();
    let recorder = recorder(root.path());
    recorder.append(0, 1, Event::Note("first")).unwrap();
    let mut follower = Follower::open(recorder.journal(), recorder.key()).unwrap();
    follower.next_frame().unwrap().unwrap();
    // A full disk: half a frame, cut off again, and the closing frames in its place.
    let whole = recorder.progress().bytes;
    let file = std::fs::OpenOptions::new()
        .append(true)
        .open(recorder.journal())
        .unwrap();
    (&file)
        .write_all(&[[0x20, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0].as_slice(), &[7; 20]].concat())
        .unwrap();
    assert_eq!(follower.next_frame().unwrap(), None);
    file.set_len(whole).unwrap();
    recorder.append(0, 2, Event::Note("second")).unwrap();
    assert_eq!(
        follower.next_frame().unwrap().unwrap().event,
        Event::Note("second")
    );
}

/// What waits together is written together, and every byte of it counts once: pieces of any size, empty ones, one
/// longer than a frame, on each stream.
#[test]
fn pieces_written_together_are_the_same_bytes_in_order() {
    let root = tempfile::tempdir().unwrap();
    let recorder = recorder(root.path());
    recorder.append(1, 1, Event::opened(&exec("cat"))).unwrap();
    let pieces: Vec<Vec<u8>> = [0, 1, 32 << 10, 0, 700 << 10, 600 << 10, 3 << 20, 5]
        .iter()
        .enumerate()
        .map(|(seed, length)| (0..*length).map(|n| ((n * 7 + seed) % 251) as u8).collect())
        .collect();
    let wanted = pieces.concat();
    for stream in Stream::ALL {
        recorder.append_pieces(1, 2, stream, &pieces).unwrap();
        recorder.append_pieces(1, 3, stream, &[b"end"]).unwrap();
    }
    assert_eq!(
        recorder.append_pieces(2, 4, Stream::Output, &[b"x"]),
        Err(RecordError::ChannelNotOpen(2))
    );
    let recording = sealed(&recorder, 9, &SessionEnd::because("closed"));
    recording.verify().unwrap();
    let channel = &recording.record().channels[0];
    for kind in Stream::ALL {
        let bytes = stream(&recording, channel, kind);
        assert_eq!(bytes.len(), wanted.len() + 3, "{kind:?}");
        assert!(
            bytes.starts_with(&wanted) && bytes.ends_with(b"end"),
            "{kind:?}"
        );
    }
    assert!(matches!(
        recorder.append_pieces(1, 10, Stream::Output, &[b"late"]),
        Err(RecordError::Closed)
    ));
}
