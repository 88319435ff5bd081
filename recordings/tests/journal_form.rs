//! A recording sealed by a gateway that has no key of it: kept as its journal, read like any other, turned into files.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::expect_used,
    missing_docs
)]

mod common;

use common::{
    client, exec, facts, fast_dir, keyless, plain, read_all, recorder, recover_by,
    recover_with_key, recover_without_key, sealing, sealing_rotated, shell, signer, stream,
};
use ecluse_recordings::evidence::key::Identity;
use ecluse_recordings::evidence::signature::{HeldKey, Signer};
use ecluse_recordings::{
    ClosedJournal, Event, Form, OpenRecording, Outcome, PlayEvent, Playback, ReadError, Recovery,
    SealedRecording, Sealing, SessionEnd, Step, Stream, convert_journal_form, converted, layout,
    seal_as_journal, transcript,
};
use std::fs;
use std::path::{Path, PathBuf};

/// A session with a password, binary output and a note, closed but not sealed.
fn closed(root: &Path) -> (ClosedJournal, PathBuf) {
    let recorder = recorder(root);
    let say = |channel, at, event: Event<'_>| recorder.append(channel, at, event).unwrap();
    say(1, 1, Event::opened(&shell(80, 24)));
    say(1, 2, Event::Output(b"$ "));
    for letter in b"id" {
        say(1, 3, Event::Input(&[*letter]));
        say(1, 3, Event::Output(&[*letter]));
    }
    say(1, 4, Event::Input(b"\r"));
    say(1, 5, Event::Output(b"\r\nPassword: "));
    say(1, 6, Event::Input(b"hunter2"));
    say(1, 6, Event::Input(b"\r"));
    say(1, 7, Event::Output(b"\r\nuid=0\r\n"));
    say(0, 8, Event::Refusal("forward"));
    say(2, 9, Event::opened(&exec("cat noise")));
    for number in 0..200u64 {
        let bytes: Vec<u8> = (0..3000)
            .map(|at| (at * (number + 3) % 251) as u8)
            .collect();
        say(2, 10 + number, Event::Output(&bytes));
    }
    say(2, 300, Event::closed("closed"));
    let closed = recorder.close(400, &SessionEnd::because("closed")).unwrap();
    (closed, recorder.dir().to_path_buf())
}

fn text(recording: &OpenRecording) -> String {
    let mut text = Vec::new();
    transcript(recording, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

fn played(recording: &OpenRecording, channel: u32) -> Vec<PlayEvent> {
    let mut playback = Playback::recording(recording, channel).unwrap();
    let mut events = Vec::new();
    while let Step::Event(timed) = playback.next_step().unwrap() {
        events.push(timed.event);
    }
    events
}

#[test]
fn a_journal_sealed_as_it_is_reads_like_files() {
    let (as_files, as_journal) = (fast_dir(), fast_dir());
    closed(as_files.path());
    let files = common::opened(&recover_with_key(as_files.path())[0].outcome);
    let (journal, dir) = closed(as_journal.path());
    let live = fs::read(dir.join(layout::LIVE)).unwrap();
    let sealed = seal_as_journal(&journal, false, &sealing()).unwrap();
    sealed.remove_journal().unwrap();
    assert_eq!(
        read_all(&dir).keys().collect::<Vec<_>>(),
        [
            layout::MANIFEST,
            layout::SIGNATURE,
            layout::WRAPPED_KEY,
            layout::SEALED_JOURNAL
        ]
    );
    assert_eq!(fs::read(dir.join(layout::SEALED_JOURNAL)).unwrap(), live);
    assert_eq!(sealed.manifest().form, Form::Journal);
    assert_eq!(sealed.manifest().facts, facts());
    assert!(sealed.verify_signature(&[signer().public()]).is_ok());
    assert!(matches!(
        sealed.unlock(&[Identity::generate()]),
        Err(ReadError::Locked { .. })
    ));

    let opened = sealed.unlock(&[client()]).unwrap();
    opened.verify().unwrap();
    assert_eq!(text(&opened), text(&files));
    for (channel, same) in opened
        .record()
        .channels
        .iter()
        .zip(&files.record().channels)
    {
        assert_eq!(channel, same);
        assert_eq!(
            played(&opened, channel.number),
            played(&files, channel.number)
        );
        for kind in Stream::ALL {
            assert_eq!(stream(&opened, channel, kind), stream(&files, same, kind));
        }
        for name in channel.files.all() {
            assert_eq!(plain(&opened, name), plain(&files, name), "{name}");
        }
    }
    assert!(text(&opened).contains("not echoed") && !text(&opened).contains("hunter2"));
    // A reader that stops in the middle, and a file that is none.
    drop(opened.open("02-exec.output.raw").unwrap());
    let mut none = opened.open("03-exec.cast").unwrap();
    assert!(std::io::Read::read(&mut none, &mut [0; 10]).is_err());
}

#[test]
fn a_holder_of_a_key_turns_it_into_files() {
    let root = fast_dir();
    let (journal, dir) = closed(root.path());
    let sealed = seal_as_journal(&journal, false, &sealing()).unwrap();
    sealed.remove_journal().unwrap();
    let before = text(&sealed.unlock(&[client()]).unwrap());
    let allowed = [signer().public()];
    let refused = |identities: &[Identity], allowed: &[[u8; 32]]| {
        let refused = convert_journal_form(&dir, identities, allowed, &sealing());
        refused.unwrap_err().to_string()
    };
    let locked = refused(&[Identity::generate()], &allowed);
    assert!(locked.contains("none of the given keys"), "{locked}");
    // Not signed by anybody who counts: whoever converts it would sign it for them.
    let unsigned = refused(&[client()], &[[1; 32]]);
    assert!(unsigned.contains("sign"), "{unsigned}");
    assert_eq!(SealedRecording::open(&dir).unwrap(), sealed);

    let files = convert_journal_form(&dir, &[client()], &allowed, &sealing()).unwrap();
    assert_eq!(files.manifest().form, Form::Files);
    assert_eq!(files.manifest().journal, sealed.manifest().journal);
    files.remove_journal().unwrap();
    assert!(!dir.join(layout::SEALED_JOURNAL).exists());
    let opened = files.unlock(&[client()]).unwrap();
    opened.verify().unwrap();
    assert_eq!(text(&opened), before);
    // Doing it again changes nothing.
    let again = convert_journal_form(&dir, &[client()], &allowed, &sealing()).unwrap();
    assert_eq!(again, files);
}

/// The manifest has its name and the signature not yet: the next start gives it, and signs nothing anew.
#[test]
fn a_conversion_interrupted_between_manifest_and_signature_is_finished() {
    finished_with(sealing());
}

#[test]
fn a_conversion_interrupted_there_is_finished_after_its_key_was_rotated() {
    finished_with(sealing_rotated());
}

fn finished_with(next: Sealing<'_>) {
    let root = fast_dir();
    let (journal, dir) = closed(root.path());
    let sealed = seal_as_journal(&journal, false, &sealing()).unwrap();
    sealed.remove_journal().unwrap();
    let old = fs::read(dir.join(layout::SIGNATURE)).unwrap();
    let files = convert_journal_form(&dir, &[client()], &[signer().public()], &sealing()).unwrap();
    let temporary = dir.join(layout::CONVERTING);
    fs::create_dir(&temporary).unwrap();
    fs::rename(
        dir.join(layout::SIGNATURE),
        temporary.join(layout::SIGNATURE),
    )
    .unwrap();
    fs::write(dir.join(layout::SIGNATURE), &old).unwrap();
    // A gateway whose key it never was leaves all of it as it is.
    let stranger = HeldKey::from_seed(&[3; 32]).unwrap();
    let strangers = Recovery {
        sealing: Sealing {
            signer: &stranger,
            ours: &[stranger.public()],
            ..sealing()
        },
        ..keyless()
    };
    assert!(recover_by(root.path(), &strangers).is_empty());
    assert_eq!(fs::read(dir.join(layout::SIGNATURE)).unwrap(), old);
    assert!(temporary.join(layout::SIGNATURE).exists());
    let next = Recovery {
        sealing: next,
        ..keyless()
    };
    assert!(recover_by(root.path(), &next).is_empty());
    assert!(!temporary.exists());
    assert_eq!(SealedRecording::open(&dir).unwrap(), files);
}

/// Killed before the manifest has its name: what was named already and what waits goes, and the journal form is as it was.
#[test]
fn a_conversion_interrupted_before_its_manifest_leaves_no_trace() {
    let root = fast_dir();
    let (journal, dir) = closed(root.path());
    let sealed = seal_as_journal(&journal, false, &sealing()).unwrap();
    sealed.remove_journal().unwrap();
    let before = read_all(&dir);
    let temporary = dir.join(layout::CONVERTING);
    for named in [false, true] {
        fs::create_dir(&temporary).unwrap();
        fs::write(temporary.join("session.json.zst.age"), "half").unwrap();
        if named {
            fs::write(dir.join("01-shell.cast.zst.age"), "whole").unwrap();
        }
        assert!(recover_without_key(root.path()).is_empty());
        assert_eq!(read_all(&dir), before);
    }
    assert_eq!(converted(&dir).unwrap(), None);
}

/// While somebody converts, a gateway that starts leaves it alone; and what is not on record yet is told apart.
#[test]
fn a_conversion_that_goes_on_is_left_alone() {
    let root = fast_dir();
    let (journal, dir) = closed(root.path());
    let sealed = seal_as_journal(&journal, false, &sealing()).unwrap();
    sealed.remove_journal().unwrap();
    let temporary = dir.join(layout::CONVERTING);
    fs::create_dir(&temporary).unwrap();
    let held = fs::File::open(dir.join(layout::SEALED_JOURNAL)).unwrap();
    held.lock().unwrap();
    assert!(recover_without_key(root.path()).is_empty());
    assert!(temporary.exists());
    drop(held);
    let files = convert_journal_form(&dir, &[client()], &[signer().public()], &sealing()).unwrap();
    assert_eq!(converted(&dir).unwrap().as_ref(), Some(&files));
    files.remove_journal().unwrap();
    assert_eq!(converted(&dir).unwrap(), None);
}

#[test]
fn recovery_without_a_key_keeps_the_journal_and_its_torn_tail() {
    let root = fast_dir();
    let (_, dir) = closed(root.path());
    let live = dir.join(layout::LIVE);
    let bytes = fs::read(&live).unwrap();
    let cut = bytes.len() - 10;
    fs::write(&live, &bytes[..cut]).unwrap();
    // Left by a sealing that a gateway with the key had begun.
    fs::write(dir.join("01-shell.cast.zst.age"), "half").unwrap();
    let recovered = recover_without_key(root.path());
    let Outcome::Sealed { recording, .. } = &recovered[0].outcome else {
        panic!("{:?}", recovered[0].outcome)
    };
    let manifest = recording.manifest();
    assert!(manifest.cut_short && manifest.journal.torn_bytes > 0);
    let names: Vec<&str> = manifest
        .files
        .iter()
        .map(|file| file.name.as_str())
        .collect();
    assert_eq!(names, [layout::SEALED_JOURNAL, layout::TORN]);
    let kept = [
        fs::read(dir.join(layout::SEALED_JOURNAL)).unwrap(),
        fs::read(dir.join(layout::TORN)).unwrap(),
    ];
    assert_eq!(kept.concat(), bytes[..cut]);
    assert!(!dir.join("01-shell.cast.zst.age").exists() && !live.exists());
    let opened = recording.unlock(&[client()]).unwrap();
    assert!(opened.record().cut_short);
    assert!(recover_without_key(root.path()).is_empty());
    let files = convert_journal_form(&dir, &[client()], &[signer().public()], &sealing()).unwrap();
    files.remove_journal().unwrap();
    let opened = files.unlock(&[client()]).unwrap();
    assert_eq!(plain(&opened, layout::TORN), kept[1]);
}

#[test]
fn a_sealed_journal_that_was_cut_off_or_changed_does_not_open() {
    for change in 0..3 {
        let root = fast_dir();
        let (journal, dir) = closed(root.path());
        let sealed = seal_as_journal(&journal, false, &sealing()).unwrap();
        sealed.remove_journal().unwrap();
        let path = dir.join(layout::SEALED_JOURNAL);
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        match change {
            0 => bytes[middle] ^= 1,
            1 => bytes.truncate(middle),
            // Between two frames: only the manifest knows that there were more. The last frame is 288 bytes.
            _ => bytes.truncate(bytes.len() - 288),
        }
        fs::write(&path, bytes).unwrap();
        let error = sealed.unlock(&[client()]).unwrap_err().to_string();
        assert!(
            [
                "checksum that does not hold",
                "ends inside a frame",
                "does not end where the manifest says"
            ][change..=change]
                .iter()
                .any(|expected| error.contains(expected)),
            "{change}: {error}"
        );
    }
}
