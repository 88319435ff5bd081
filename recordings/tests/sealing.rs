//! Sealing: nothing rests in clear at any moment, an interruption loses nothing, a full disk keeps the journal, and the
//! manifest tells what is known.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::disallowed_methods,
    missing_docs
)]

mod common;

use common::{
    client, exec, facts, fast_dir, opened, read_all, recorder, recover_with_key, recovery, sealed,
    sealing, shell, stream,
};
use ecluse_recordings::{
    ClockReading, Event, FinishError, Legs, Outcome, Recorder, SealedRecording, SessionEnd, Stream,
    layout, recover, seal,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Long enough to be found by chance nowhere; compressors leave noise as it is.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut word = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    std::iter::repeat_with(|| {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        word.to_le_bytes()
    })
    .flatten()
    .take(length)
    .collect()
}

const SAID: &[u8] = b"the-secret-plans-of-the-lock";

/// Fails when content of the recording stands in any file under `dir` in clear, compressed or not.
fn nothing_in_clear(dir: &Path, content: &[&[u8]]) {
    let mut looked_at = 0;
    let mut open = vec![dir.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            looked_at += 1;
            for content in content {
                // Its beginning: a file that is being written ends anywhere.
                let part = &content[..24];
                assert!(
                    !bytes.windows(24).any(|window| window == part),
                    "content in clear in {}",
                    path.display()
                );
            }
            let name = path.file_name().unwrap().to_str().unwrap();
            if name.ends_with(layout::SEALED_SUFFIX) && bytes.len() > 32 {
                assert!(bytes.starts_with(b"age-encryption.org/v1\n"), "{name}");
            }
        }
    }
    assert!(looked_at > 0);
}

/// What C2 asks of the operator's disk: at rest, nobody without a key reads what was said.
#[test]
fn nothing_of_a_recording_rests_in_clear_while_it_is_written_and_after() {
    let root = fast_dir();
    let recorder = recorder(root.path());
    let noise = noise(3, 480);
    let content: [&[u8]; 2] = [&noise, SAID];
    recorder
        .append(1, 1, Event::opened(&shell(80, 24)))
        .unwrap();
    for number in 2..30 {
        recorder.append(1, number, Event::Output(SAID)).unwrap();
        recorder.append(1, number, Event::Output(&noise)).unwrap();
        recorder.append(1, number, Event::Input(SAID)).unwrap();
        recorder
            .append(1, number, Event::ErrorOutput(SAID))
            .unwrap();
        recorder
            .append(0, number, Event::Note(std::str::from_utf8(SAID).unwrap()))
            .unwrap();
        nothing_in_clear(root.path(), &content);
    }
    let recording = sealed(&recorder, 100, &SessionEnd::because("closed"));
    nothing_in_clear(root.path(), &content);
    // It is all there nevertheless.
    let input = stream(&recording, &recording.record().channels[0], Stream::Input);
    assert_eq!(input, SAID.repeat(28));
}

/// Not a test by itself: what the next one kills.
#[test]
#[ignore = "a child process of `a_sealing_killed_at_any_instant_is_done_again`"]
fn child_that_seals() {
    let dir = PathBuf::from(std::env::var("RECORDINGS_ROOT").unwrap());
    let recovered = recover(&dir, &recovery()).unwrap();
    assert!(matches!(recovered[0].outcome, Outcome::Sealed { .. }));
}

/// Invariant 3: interrupted anywhere, sealing is done again, loses nothing, and leaves nothing in clear meanwhile.
#[test]
fn a_sealing_killed_at_any_instant_is_done_again() {
    let noise = noise(5, 1 << 20);
    let text = [SAID, b"\n"].concat().repeat(20_000);
    let original = fast_dir();
    let journal = recorder(original.path());
    journal.append(1, 1, Event::opened(&exec("cat"))).unwrap();
    journal.append(1, 2, Event::Output(&noise)).unwrap();
    journal.append(1, 3, Event::Input(&text)).unwrap();
    journal.close(9, &SessionEnd::because("closed")).unwrap();
    let kept = journal.dir().to_path_buf();
    drop(journal);

    let run = |root: &Path| {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_seals", "--ignored", "--nocapture"])
            .env("RECORDINGS_ROOT", root)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    let place = || {
        let root = fast_dir();
        let dir = layout::session_dir(root.path(), &facts()).unwrap();
        fs::create_dir_all(&dir).unwrap();
        for name in [layout::LIVE, layout::WRAPPED_KEY] {
            fs::copy(kept.join(name), dir.join(name)).unwrap();
        }
        (root, dir)
    };
    let (root, dir) = place();
    let began = Instant::now();
    assert!(run(root.path()).wait().unwrap().success());
    let whole = began.elapsed();
    assert!(dir.join(layout::SIGNATURE).exists());

    const KILLS: u32 = 24;
    let content: [&[u8]; 2] = [&noise, SAID];
    let mut interrupted = 0;
    for kill in 0..KILLS {
        let (root, dir) = place();
        let mut child = run(root.path());
        // The instant is what is tried here; nothing is waited for.
        std::thread::sleep(whole * kill / KILLS + Duration::from_micros(u64::from(kill) * 137));
        child.kill().unwrap();
        child.wait().unwrap();
        nothing_in_clear(root.path(), &content);
        interrupted += u32::from(dir.join(layout::CONVERTING).exists());
        let recovered = recover_with_key(root.path());
        let recording = opened(&recovered[0].outcome);
        recording.verify().unwrap();
        let channel = &recording.record().channels[0];
        assert!(stream(&recording, channel, Stream::Output) == noise);
        assert!(stream(&recording, channel, Stream::Input) == text);
        assert!(!recording.record().cut_short);
        let names: Vec<String> = read_all(&dir).into_keys().collect();
        assert!(
            !names
                .iter()
                .any(|name| name.contains("journal") || name.contains("tmp")),
            "{names:?}"
        );
    }
    assert!(interrupted > 3, "{interrupted} of {KILLS} met the sealing");
}

/// Not a test by itself: runs inside a file system of its own.
#[test]
#[ignore = "a child process of `a_full_disk_keeps_the_journal_and_sealing_goes_on_later`"]
fn child_that_seals_on_a_small_disk() {
    let root = PathBuf::from(std::env::var("RECORDINGS_ROOT").unwrap());
    let recorder = recorder(&root);
    let noise = noise(8, 1_200_000);
    recorder.append(1, 0, Event::opened(&exec("cat"))).unwrap();
    recorder.append(1, 1, Event::Output(&noise)).unwrap();
    let closed = recorder.close(2, &SessionEnd::because("closed")).unwrap();
    let before = fs::read(recorder.journal()).unwrap();
    for _ in 0..2 {
        let error = seal(&closed, recorder.key(), &sealing()).unwrap_err();
        let FinishError::Io { source, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!(source.kind(), std::io::ErrorKind::StorageFull, "{error}");
        assert_eq!(fs::read(recorder.journal()).unwrap(), before);
        // What was begun gives its room back to the sessions that live.
        assert!(!recorder.dir().join(layout::CONVERTING).exists());
    }
    let grown = Command::new("mount")
        .args(["-o", "remount,size=20m"])
        .arg(&root)
        .status()
        .unwrap();
    assert!(grown.success());
    let recording = sealed_again(&recorder, &closed);
    let opened = recording.unlock(&[client()]).unwrap();
    assert!(stream(&opened, &opened.record().channels[0], Stream::Output) == noise);
}

fn sealed_again(recorder: &Recorder, closed: &ecluse_recordings::ClosedJournal) -> SealedRecording {
    let recording = seal(closed, recorder.key(), &sealing()).unwrap();
    recording.remove_journal().unwrap();
    recording
}

#[test]
fn a_full_disk_keeps_the_journal_and_sealing_goes_on_later() {
    common::in_child_on_small_disk("child_that_seals_on_a_small_disk", "2m");
}

/// R6, R1: what the gateway's two sides counted and what it knew of its clock stand in the manifest.
#[test]
fn the_manifest_tells_what_passed_unrecorded_and_what_the_clock_was() {
    let root = fast_dir();
    let recorder = recorder(root.path());
    let reading = ClockReading {
        at_us: 0,
        source: "ntp ntp1.example".into(),
        offset_us: Some(-1200),
        jumped_us: None,
    };
    recorder
        .append(0, 1, Event::clock(reading.clone()))
        .unwrap();
    for (channel, to_technician) in [(1, 5), (2, 6)] {
        recorder
            .append(channel, 2, Event::opened(&exec("cat")))
            .unwrap();
        recorder
            .append(channel, 3, Event::Output(b"12345"))
            .unwrap();
        let legs = Legs {
            from_target: 5,
            to_technician,
            from_technician: 0,
            to_target: 0,
        };
        recorder
            .append(channel, 4, Event::closed_after("closed", Some(legs)))
            .unwrap();
    }
    let recording = sealed(&recorder, 9, &SessionEnd::because("closed"));
    let manifest = recording.sealed().manifest();
    assert_eq!(
        manifest.clock,
        [ClockReading {
            at_us: 1,
            ..reading
        }]
    );
    assert_eq!(manifest.channels[0].gap, None);
    assert_eq!(
        manifest.channels[1].gap.as_deref(),
        Some("6 bytes went to the technician and 5 are recorded")
    );
    assert_eq!(
        manifest.journal.header_sha256.len(),
        64,
        "{:?}",
        manifest.journal
    );
}

/// Nothing about what was said can be confirmed from what is readable without a key.
#[test]
fn digests_of_plain_files_are_salted_anew_each_time() {
    let digests = |root: &Path| {
        let recorder = recorder(root);
        recorder.append(1, 1, Event::opened(&exec("id"))).unwrap();
        let recording = sealed(&recorder, 2, &SessionEnd::because("closed"));
        let files = recording.sealed().manifest().files.clone();
        files
            .into_iter()
            .map(|file| file.plain_salted_sha256.unwrap())
            .collect::<Vec<_>>()
    };
    let (one, two) = (fast_dir(), fast_dir());
    let (one, two) = (digests(one.path()), digests(two.path()));
    assert_eq!(one.len(), two.len());
    assert!(one.iter().all(|digest| !two.contains(digest)));
}
