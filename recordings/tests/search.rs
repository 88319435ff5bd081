//! The lines that people look for, in the recordings they belong to (R10).

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests may stop at the first surprise"
)]

mod common;

use common::*;
use ecluse_recordings::search::{Line, LineKind, filter_of, may_hold, scan};
use ecluse_recordings::{
    Event, Form, OpenRecording, PlayEvent, Playback, Recorder, Screen, SessionEnd, SessionFacts,
    Step, layout,
};
use std::io::{BufReader, Read};
use std::path::Path;
use std::time::Duration;

const PASSWORD: &str = "Correct-Horse-9";

fn of_client(client: &str) -> SessionFacts {
    SessionFacts {
        client: client.to_owned(),
        ..facts()
    }
}

/// A technician looks at patients and becomes root.
fn work(root: &Path, facts: SessionFacts) -> Recorder {
    let recorder = recorder_of(root, facts);
    let event = |at_ms: u64, channel: u32, event: Event<'_>| {
        recorder.append(channel, at_ms * 1000, event).unwrap();
    };
    event(1, 1, Event::opened(&shell(80, 24)));
    event(2, 1, Event::Output(b"$ "));
    event(3, 1, Event::Input(b"psql patients\r"));
    event(
        4,
        1,
        Event::Output(b"psql patients\r\nDurand, Louise\r\n$ "),
    );
    event(500, 1, Event::Input(b"sudo -s\r"));
    event(
        501,
        1,
        Event::Output(b"sudo -s\r\n[sudo] password for ops: "),
    );
    event(600, 1, Event::Input(format!("{PASSWORD}\r").as_bytes()));
    event(601, 1, Event::Output(b"\r\n# "));
    event(700, 2, Event::opened(&exec("pg_dump patients")));
    event(701, 2, Event::Output(b"COPY patients\n"));
    event(702, 0, Event::Refusal("port 5900 is not listed"));
    recorder
}

fn lines(recording: &OpenRecording) -> Vec<Line> {
    let mut text = BufReader::new(recording.open(layout::TEXT).unwrap());
    let mut lines = Vec::new();
    scan(&mut text, |line| {
        lines.push(line);
        true
    })
    .unwrap();
    lines
}

fn texts(lines: &[Line], kind: LineKind) -> Vec<&str> {
    lines
        .iter()
        .filter(|line| line.kind == kind)
        .map(|line| line.text.as_str())
        .collect()
}

#[test]
fn a_sealed_recording_holds_its_lines_and_never_a_password() {
    let root = tempfile::tempdir().unwrap();
    let recorder = work(root.path(), facts());
    let recording = sealed(&recorder, 1_000_000, &SessionEnd::because("closed"));
    let found = lines(&recording);
    assert_eq!(texts(&found, LineKind::Command), ["pg_dump patients"]);
    assert_eq!(texts(&found, LineKind::Typed), ["psql patients", "sudo -s"]);
    assert_eq!(
        texts(&found, LineKind::Refusal),
        ["port 5900 is not listed"]
    );
    let shown = texts(&found, LineKind::Screen);
    assert!(
        shown.contains(&"Durand, Louise") && shown.contains(&"COPY patients"),
        "{shown:?}"
    );
    assert!(
        !found.iter().any(|line| line.text.contains("Horse")),
        "{found:?}"
    );

    let mut text = BufReader::new(recording.open(layout::TEXT).unwrap());
    let filter = filter_of(&mut text).unwrap();
    let grams = |word: &str| {
        ecluse_recordings::search::Query::new([word])
            .unwrap()
            .grams()
    };
    assert!(may_hold(filter.as_bytes(), &grams("DURAND")));
    assert!(!may_hold(filter.as_bytes(), &grams(PASSWORD)));
    // Encrypted as everything else in it.
    let mut sealed = Vec::new();
    std::fs::File::open(on_disk(&recording, layout::TEXT))
        .unwrap()
        .read_to_end(&mut sealed)
        .unwrap();
    assert!(sealed.starts_with(b"age-encryption.org/v1"));
}

#[test]
fn what_screens_showed_is_kept_for_clients_that_said_so_alone() {
    let root = tempfile::tempdir().unwrap();
    let recorder = work(root.path(), of_client("mairie"));
    let recording = sealed(&recorder, 1_000_000, &SessionEnd::because("closed"));
    let found = lines(&recording);
    assert_eq!(texts(&found, LineKind::Screen), Vec::<&str>::new());
    assert_eq!(texts(&found, LineKind::Typed), ["psql patients", "sudo -s"]);
}

/// A recording that a gateway without its key kept as a journal is searched by whoever has it.
#[test]
fn a_recording_in_journal_form_gives_its_commands_too() {
    let root = tempfile::tempdir().unwrap();
    drop(work(root.path(), facts()));
    let recovered = recover_without_key(root.path());
    let recording = opened(&recovered[0].outcome);
    assert_eq!(recording.sealed().manifest().form, Form::Journal);
    let found = lines(&recording);
    assert_eq!(texts(&found, LineKind::Command), ["pg_dump patients"]);
    assert_eq!(texts(&found, LineKind::Typed), ["psql patients", "sudo -s"]);
    assert!(!found.iter().any(|line| line.text.contains("Horse")));
}

/// R10: a replay that goes to the time of a line shows it before anything that came later.
#[test]
fn a_replay_lands_on_every_line() {
    let root = tempfile::tempdir().unwrap();
    let recorder = recorder_of(root.path(), facts());
    let event = |at_ms: u64, event: Event<'_>| {
        recorder.append(1, at_ms * 1000, event).unwrap();
    };
    // The channel opens late: its own time is not the session's.
    event(5_000, Event::opened(&shell(60, 6)));
    for n in 0..200u64 {
        let at = 6_000 + n * 3_000;
        event(at, Event::Output(format!("\r\nrow {n}\r\n").as_bytes()));
        event(at + 40, Event::Output(format!("more of {n}").as_bytes()));
        if n % 7 == 0 {
            event(at + 2_000, Event::Output(b"\x1b[H\x1b[J"));
        }
    }
    let recording = sealed(&recorder, 1_000_000_000, &SessionEnd::because("closed"));
    let opened_us = recording.record().channels[0].opened_us;
    let found = lines(&recording);
    assert!(found.len() >= 400, "{}", found.len());
    // Why it was asked for and how it ended is of the session, and on no channel.
    let of_channel = found.iter().filter(|line| line.channel == 1);
    for line in of_channel.step_by(9) {
        let to = Duration::from_micros(line.at_us - opened_us);
        let mut playback = Playback::recording(&recording, 1).unwrap();
        playback.seek(to).unwrap();
        let mut screen = Screen::for_channel(&recording.record().channels[0].opened);
        while let Step::Event(timed) = playback.next_step().unwrap() {
            if !timed.wait.is_zero() {
                break;
            }
            if let PlayEvent::Output(bytes) = timed.event {
                screen.feed(&bytes);
            }
        }
        let shown = screen.plain_text().join("\n");
        assert!(shown.contains(&line.text), "{line:?} is not in:\n{shown}");
    }
}

/// What opening one recording for a search costs: an hour of terminal output, some two megabytes of lines.
#[test]
#[ignore = "measures: cargo nextest run --release -p ecluse-recordings --run-ignored only an_hour"]
#[expect(clippy::disallowed_methods, reason = "it measures")]
fn an_hour_is_searched_in_a_fraction_of_a_second() {
    let root = tempfile::tempdir().unwrap();
    let recorder = recorder_of(root.path(), facts());
    let opened = shell(120, 40);
    recorder.append(1, 1, Event::opened(&opened)).unwrap();
    let mut word = 1u64;
    let mut bytes = 0;
    for n in 0..36_000u64 {
        word = word.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(11);
        let line = format!(
            "{n} connection {:x} from host-{} took {} ms\r\n",
            word,
            word % 97,
            word % 1009
        );
        bytes += line.len();
        let at_us = 2 + n * 100_000;
        recorder
            .append(1, at_us, Event::Output(line.as_bytes()))
            .unwrap();
    }
    let begun = std::time::Instant::now();
    let recording = sealed(&recorder, 3_600_000_001, &SessionEnd::because("closed"));
    let sealing = begun.elapsed();
    let sealed = recording.sealed().clone();
    drop(recording);
    let question = ecluse_recordings::search::Query::new(["35999 connection"]).unwrap();
    let begun = std::time::Instant::now();
    let recording = sealed.unlock(&[client()]).unwrap();
    let mut text = BufReader::new(recording.open(layout::TEXT).unwrap());
    let (mut lines, mut hits, mut room) = (0, 0, String::new());
    scan(&mut text, |line| {
        lines += 1;
        hits += usize::from(question.matches(&line.text, &mut room));
        true
    })
    .unwrap();
    let took = begun.elapsed();
    eprintln!(
        "{bytes} bytes of output, {lines} lines: sealed in {sealing:?}, searched in {took:?}"
    );
    assert_eq!(hits, 1);
    assert!(took < Duration::from_millis(500), "{took:?}");
}
