//! Sealing: nothing rests in clear at any moment, an interruption loses nothing, a full disk keeps the journal, and the
//! seals of a journal's frames tell every change.
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
    client, exec, facts, facts_of, fast_dir, opened, protection, read_all, recorder, recorder_of,
    recover_with_key, sealed, sealing, shell, stream,
};
use ecluse_recordings::evidence::key::{Identity, RecordingKey};
use ecluse_recordings::{
    ClockReading, Event, FinishError, JournalFrames, JournalReader, Legs, Outcome, ReadError,
    Recorder, Recovery, Seal, SealedRecording, SessionEnd, Stream, Unknown, Witness, layout,
    recover, rewrap, seal,
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

/// Not a test by itself: what the next one kills.
#[test]
#[ignore = "a child process of `a_sealing_killed_at_any_instant_is_done_again`"]
fn child_that_seals() {
    let dir = PathBuf::from(std::env::var("RECORDINGS_ROOT").unwrap());
    let recovered = recover(&dir, &recovery()).unwrap();
    assert!(matches!(recovered[0].outcome, Outcome::Sealed { .. }));
}

fn unwrap(wrapped: &[u8]) -> Option<RecordingKey> {
    RecordingKey::unwrap_with(wrapped, &[client()]).ok()
}

fn recovery() -> Recovery<'static> {
    Recovery {
        unwrap: &unwrap,
        known: &|_| Ok(None),
        sealing: sealing(),
    }
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
    let root = tempfile::tempdir().unwrap();
    let script = format!(
        "mount -t tmpfs -o size=2m none '{0}' && exec '{1}' --exact child_that_seals_on_a_small_disk --ignored --nocapture",
        root.path().display(),
        std::env::current_exe().unwrap().display()
    );
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
        .env("RECORDINGS_ROOT", root.path())
        .output();
    let output = match output {
        Ok(output) => output,
        Err(error) => return eprintln!("skipped: unshare (util-linux) is needed: {error}"),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() && (said.contains("unshare:") || said.contains("mount:")) {
        return eprintln!("skipped: user namespaces with mounts are needed: {said}");
    }
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stdout)
    );
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

/// One file is replaced: the new reader reads, the old one does not, and every signature holds as before.
#[test]
fn rewrapping_changes_who_reads_and_nothing_else() {
    let root = fast_dir();
    let recorder = recorder(root.path());
    recorder.append(1, 1, Event::opened(&exec("id"))).unwrap();
    let recording = sealed(&recorder, 2, &SessionEnd::because("closed"));
    let dir = recording.dir().to_path_buf();
    let before = read_all(&dir);
    let auditor = Identity::generate();
    assert!(rewrap(&dir, std::slice::from_ref(&auditor), &[auditor.public()]).is_err());
    assert!(rewrap(&dir, &[client()], &[]).is_err());
    assert_eq!(read_all(&dir), before);
    let sha256 = rewrap(&dir, &[client()], &[auditor.public()]).unwrap();
    let after = read_all(&dir);
    assert_eq!(
        sha256,
        ecluse_recordings::evidence::manifest::sha256_hex(&after[layout::WRAPPED_KEY])
    );
    for (name, bytes) in &before {
        assert_eq!(after[name] == *bytes, name != layout::WRAPPED_KEY, "{name}");
    }
    let sealed = SealedRecording::open(&dir).unwrap();
    assert!(
        sealed
            .verify_signature(&[common::signer().public()])
            .is_ok()
    );
    sealed.unlock(&[auditor]).unwrap().verify().unwrap();
    assert!(matches!(
        sealed.unlock(&[client()]),
        Err(ReadError::Locked { .. })
    ));
    // A key of somebody's own, wrapped for the client, does not pass for the recording's.
    let other = protection();
    fs::write(dir.join(layout::WRAPPED_KEY), other.wrapped).unwrap();
    let error = sealed.unlock(&[client()]).unwrap_err().to_string();
    assert!(error.contains("another recording"), "{error}");
}

fn left_open(root: &Path) -> (PathBuf, u64, Seal) {
    let recorder = recorder(root);
    recorder.append(1, 1, Event::opened(&exec("id"))).unwrap();
    recorder.append(1, 2, Event::Output(b"uid=0")).unwrap();
    let progress = recorder.progress();
    recorder.append(1, 3, Event::Output(b"more")).unwrap();
    (
        recorder.dir().to_path_buf(),
        progress.frames,
        progress.last_seal.unwrap(),
    )
}

/// Who can write on the disk cannot have a recording of their own signed: the log knows which ones there are.
#[test]
fn what_the_log_does_not_know_is_not_signed() {
    let root = fast_dir();
    let (dir, ..) = left_open(root.path());
    let recovery = Recovery {
        known: &|header| {
            let problem = format!("no session {} began", header.facts.session);
            Err(Unknown::NotOurs(problem))
        },
        ..recovery()
    };
    let recovered = recover(root.path(), &recovery).unwrap();
    let Outcome::Damaged { problem, .. } = &recovered[0].outcome else {
        panic!("{:?}", recovered[0].outcome)
    };
    assert!(problem.contains("no session"), "{problem}");
    assert!(!dir.join(layout::MANIFEST).exists());
    assert!(dir.join(layout::DAMAGED).exists());
}

/// A log that does not answer says nothing against a recording.
#[test]
fn a_log_that_does_not_answer_leaves_the_journal_for_the_next_start() {
    let root = fast_dir();
    let (dir, ..) = left_open(root.path());
    let recovery_later = Recovery {
        known: &|_| Err(Unknown::NotNow(std::io::Error::other("the store is away"))),
        ..recovery()
    };
    let recovered = recover(root.path(), &recovery_later).unwrap();
    let Outcome::Failed(error) = &recovered[0].outcome else {
        panic!("{:?}", recovered[0].outcome)
    };
    assert!(error.to_string().contains("the store is away"), "{error}");
    assert!(dir.join(layout::LIVE).exists() && !dir.join(layout::DAMAGED).exists());
    let recovered = recover(root.path(), &recovery()).unwrap();
    assert!(matches!(recovered[0].outcome, Outcome::Sealed { .. }));
}

#[test]
fn what_the_log_knows_otherwise_or_beyond_is_told() {
    let root = fast_dir();
    let (_, frames, last_seal) = left_open(root.path());
    let lost = |frames: u64, last_seal: Seal| {
        let witness = Witness { frames, last_seal };
        let root_again = fast_dir();
        let dir = layout::session_dir(root_again.path(), &facts()).unwrap();
        fs::create_dir_all(&dir).unwrap();
        let from = layout::session_dir(root.path(), &facts()).unwrap();
        fs::copy(from.join(layout::LIVE), dir.join(layout::LIVE)).unwrap();
        let recovery = Recovery {
            known: &|_| Ok(Some(witness)),
            ..recovery()
        };
        let mut recovered = recover(root_again.path(), &recovery).unwrap();
        match recovered.remove(0).outcome {
            Outcome::Sealed { lost_frames, .. } => Some(lost_frames),
            Outcome::Damaged { .. } => None,
            other @ (Outcome::InUse | Outcome::Failed(_)) => panic!("{other:?}"),
        }
    };
    assert_eq!(lost(frames, last_seal), Some(0));
    assert_eq!(lost(frames + 3, last_seal), Some(2));
    assert_eq!(lost(frames, Seal::default()), None);
}
