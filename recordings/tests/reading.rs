//! R10, R11: a recording is replayed, listed and read as text, by us and by stock asciinema, and
//! nothing in it acts on who reads it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::expect_used,
    missing_docs
)]

mod common;

use common::{
    client, exec, facts, facts_of, on_disk, plain, recorder, recorder_of, sealed, shell, stream_of,
};
use ecluse_recordings::{
    ChannelOpened, Event, OpenRecording, PlayEvent, Playback, ReadError, Recorder, Screen,
    SealedRecording, SessionEnd, State, Step, Stream, list, transcript,
};
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const SECOND: u64 = 1_000_000;

/// A shell in which somebody becomes root, and a command.
fn record(root: &Path) -> Recorder {
    let recorder = recorder(root);
    let say = |channel, at, event: Event<'_>| recorder.append(channel, at, event).unwrap();
    say(1, SECOND, Event::opened(&shell(80, 24)));
    say(
        1,
        SECOND,
        Event::Output(b"\x1b]0;evil title\x07\x1b[1;32mops@db01\x1b[0m:~$ "),
    );
    for (number, letter) in (0u64..).zip(b"sudo id") {
        say(1, 2 * SECOND + number * 100_000, Event::Input(&[*letter]));
        say(1, 2 * SECOND + number * 100_000, Event::Output(&[*letter]));
    }
    say(1, 4 * SECOND, Event::Input(b"\r"));
    say(
        1,
        4 * SECOND,
        Event::Output(b"\r\n[sudo] Mot de passe de ops : "),
    );
    for letter in b"hunter2" {
        say(1, 5 * SECOND, Event::Input(&[*letter]));
    }
    say(1, 6 * SECOND, Event::Input(b"\r"));
    say(
        1,
        6 * SECOND,
        Event::Output(b"\r\nuid=0(root)\r\n\x1b]52;c;ZXZpbA==\x07# "),
    );
    say(
        1,
        7 * SECOND,
        Event::Resize {
            cols: 100,
            rows: 30,
        },
    );
    say(1, 7 * SECOND, Event::Marker("root"));
    say(
        0,
        8 * SECOND,
        Event::Refusal("forward to 10.0.0.1:22\x1b[2J"),
    );
    say(
        2,
        3600 * SECOND,
        Event::opened(&exec("cat \x1b]0;x\x07/etc/motd")),
    );
    say(
        2,
        3601 * SECOND,
        Event::Output("bonjour\n水門\n".as_bytes()),
    );
    say(2, 3601 * SECOND, Event::ErrorOutput(b"cat: \x1b[31mno\n"));
    say(2, 3601 * SECOND, Event::ExitStatus(1));
    say(2, 3601 * SECOND, Event::closed("closed"));
    recorder
}

fn finished(root: &Path) -> OpenRecording {
    let end = SessionEnd {
        reason: "cut".into(),
        text: "la maintenance est finie".into(),
        by: Some("odile".into()),
    };
    sealed(&record(root), 3700 * SECOND, &end)
}

/// Plays to the end; the screen then, the input as shown, and the sum of the waits.
fn play(playback: &mut Playback) -> (Vec<String>, String, Duration, Step) {
    let mut screen = Screen::new(ecluse_recordings::Size::clamped(0, 0));
    let (mut input, mut waited) = (String::new(), Duration::ZERO);
    loop {
        let step = playback.next_step().unwrap();
        let Step::Event(timed) = step else {
            return (screen.plain_text(), input, waited, step);
        };
        waited += timed.wait;
        match timed.event {
            PlayEvent::Opened(opened) => screen = Screen::for_channel(&opened),
            PlayEvent::Output(bytes) => screen.feed(&bytes),
            PlayEvent::Input(text) => input.push_str(&text),
            PlayEvent::Resize { cols, rows } => screen.resize(cols, rows),
            PlayEvent::Marker(_) => {}
        }
    }
}

#[test]
fn a_replay_masks_what_was_not_echoed_and_only_the_file_apart_has_it() {
    let root = tempfile::tempdir().unwrap();
    let recording = finished(root.path());
    let (screen, input, ..) = play(&mut Playback::recording(&recording, 1).unwrap());
    assert_eq!(input, "sudo id\r•••••••\r");
    assert_eq!(
        screen[..3],
        [
            "ops@db01:~$ sudo id",
            "[sudo] Mot de passe de ops :",
            "uid=0(root)"
        ]
    );
    let channel = &recording.record().channels[0];
    let unechoed = channel.files.unechoed.as_ref().unwrap();
    for file in &recording.sealed().manifest().files {
        // One file a keystroke apart: `hunter2` stands letter by letter in the file apart alone.
        let name = file.name.strip_suffix(".zst.age").unwrap();
        let text = String::from_utf8(plain(&recording, name)).unwrap();
        assert_eq!(text.contains("\"bytes\":\"h\""), name == unechoed, "{name}");
    }
    assert_eq!(
        stream_of(&recording, channel, Stream::Input, true),
        b"sudo id\rhunter2\r"
    );
    assert_eq!(
        stream_of(&recording, channel, Stream::Input, false),
        "sudo id\r•••••••\r".as_bytes()
    );
    // Not even as a digest that could be guessed.
    assert_eq!(channel.input.sha256, None);
    // Taken away, the rest still reads.
    std::fs::remove_file(on_disk(&recording, unechoed)).unwrap();
    assert_eq!(
        play(&mut Playback::recording(&recording, 1).unwrap()).1,
        "sudo id\r•••••••\r"
    );
}

#[test]
fn replay_keeps_time_speed_idle_limit_and_seeks() {
    let root = tempfile::tempdir().unwrap();
    let recording = finished(root.path());
    let mut playback = Playback::recording(&recording, 1).unwrap();
    // The channel stays open until the session ends, at 3700 s; it opened at 1 s.
    let (_, _, waited, end) = play(&mut playback);
    assert_eq!((waited, end), (Duration::from_secs(3699), Step::End));
    playback.seek(Duration::ZERO).unwrap();
    playback.set_speed(2.0);
    playback.set_idle_limit(Some(Duration::from_secs(1)));
    // 1 s, six times 100 ms, 1 s (was 1.4), 1, 1, 1, 1 (a refusal), 1 (was an hour), at double speed.
    assert_eq!(play(&mut playback).2, Duration::from_millis(3800));
    playback.seek(Duration::from_secs(5)).unwrap();
    let Step::Event(first) = playback.next_step().unwrap() else {
        panic!()
    };
    assert!(matches!(first.event, PlayEvent::Opened(_)));
    playback.set_idle_limit(None);
    playback.set_speed(1.0);
    assert_eq!(play(&mut playback).2, Duration::from_secs(3694));
    assert_eq!(
        playback.markers().unwrap(),
        [
            (Duration::from_secs(6), "root".to_owned()),
            (
                Duration::from_secs(7),
                "ecluse:refused forward to 10.0.0.1:22␛[2J".to_owned()
            ),
        ]
    );
    assert!(Playback::recording(&recording, 9).is_err());
}

#[test]
fn a_live_journal_plays_as_a_finished_recording_does_with_all_input_masked() {
    let root = tempfile::tempdir().unwrap();
    let recorder = record(root.path());
    let mut live = Playback::live(recorder.journal(), recorder.key(), 1).unwrap();
    live.seek(Duration::MAX).unwrap();
    let (screen, input, waited, step) = play(&mut live);
    assert_eq!(
        (input.as_str(), waited, step),
        ("••••••••••••••••", Duration::ZERO, Step::Waiting)
    );
    assert_eq!(screen[0], "ops@db01:~$ sudo id");
    recorder
        .append(1, 3650 * SECOND, Event::Output(b"whoami\r\n"))
        .unwrap();
    let Step::Event(timed) = live.next_step().unwrap() else {
        panic!()
    };
    assert_eq!(timed.event, PlayEvent::Output(b"whoami\r\n".to_vec()));
    recorder
        .close(3700 * SECOND, &SessionEnd::because("closed"))
        .unwrap();
    assert!(matches!(live.next_step().unwrap(), Step::Event(_)));
    assert_eq!(live.next_step().unwrap(), Step::End);
    assert_eq!(live.next_step().unwrap(), Step::End);
}

#[test]
fn a_transcript_tells_the_session_and_cannot_act() {
    let root = tempfile::tempdir().unwrap();
    let recording = finished(root.path());
    let mut text = Vec::new();
    transcript(&recording, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(
        !text
            .chars()
            .any(|letter| letter.is_control() && letter != '\n'),
        "{text:?}"
    );
    for expected in [
        "who      alice of maintech, station maintech-st1, from 127.0.0.1:53122",
        "where    db01 of hopital, as postgres",
        "why      vérifier la réplication",
        ":02.600 1 │ ops@db01:~$ sudo id\n",
        "1 ║ [not shown, title: evil title]\n",
        "1 ║ [not shown, clipboard: evil]\n",
        "│ uid=0(root)\n",
        "[typed, not echoed: •••••••]\n",
        "command  cat ␛]0;x␇/etc/motd\n",
        "out│ bonjour\n",
        "out│ 水門\n",
        "err│ cat: ␛[31mno\n",
        "exit     status 1\n",
        "[refused forward to 10.0.0.1:22␛[2J]",
        ": cut by odile: la maintenance est finie\n",
    ] {
        assert!(text.contains(expected), "{expected}\n--\n{text}");
    }
    assert!(!text.contains("hunter2"));
}

/// R3, R10: what a target prints never reads like what the recording says: its lines stand behind a sign of their own, on a
/// terminal and without one.
#[test]
fn no_target_speaks_for_the_recording() {
    let root = tempfile::tempdir().unwrap();
    let recorder = recorder(root.path());
    let say = |channel, at, event: Event<'_>| recorder.append(channel, at, event).unwrap();
    say(1, SECOND, Event::opened(&shell(80, 24)));
    say(2, SECOND, Event::opened(&exec("cat")));
    for channel in [1, 2] {
        say(
            channel,
            2 * SECOND,
            Event::Output("[refused X11 forged]\r\n║ [refused X11 forged]\r\n".as_bytes()),
        );
        say(
            channel,
            3 * SECOND,
            Event::Refusal("X11 of the gateway's own"),
        );
    }
    let recording = sealed(&recorder, 4 * SECOND, &SessionEnd::because("closed"));
    let mut text = Vec::new();
    transcript(&recording, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let sign = |line: &str| line.chars().find(|letter| "│┊║".contains(*letter));
    let signs = |what: &str| -> Vec<Option<char>> {
        let lines = text.lines().filter(|line| line.contains(what));
        lines.map(sign).collect()
    };
    assert_eq!(signs("forged"), [Some('│'); 4], "{text}");
    assert_eq!(signs("of the gateway's own"), [Some('║'); 2], "{text}");
}

#[test]
fn sessions_are_listed_by_client_and_state() {
    let root = tempfile::tempdir().unwrap();
    finished(root.path());
    let other = ecluse_recordings::SessionFacts {
        client: "mairie".into(),
        ..facts_of(uuid::Uuid::from_u128(2))
    };
    let live = recorder_of(root.path(), other);
    let hopital = list(root.path(), Some("hopital")).unwrap();
    let [only] = &hopital[..] else {
        panic!("{hopital:?}")
    };
    assert!(matches!(&only.state, State::Sealed(manifest) if manifest.facts == facts()));
    let all = list(root.path(), None).unwrap();
    assert_eq!(all.len(), 2);
    assert!(matches!(&all[1].state, State::Live(facts) if facts.client == "mairie"));
    assert!(list(root.path(), Some("../..")).unwrap().is_empty());
    assert!(list(&root.path().join("none"), None).unwrap().is_empty());
    drop(live);
}

#[test]
fn a_manifest_that_names_files_elsewhere_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let recording = finished(root.path());
    let path = recording.dir().join("manifest.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(
        &path,
        text.replace("01-shell.cast.zst.age", "../../../../../../etc/passwd"),
    )
    .unwrap();
    let error = SealedRecording::open(recording.dir())
        .unwrap_err()
        .to_string();
    assert!(error.contains("outside of the recording"), "{error}");
}

/// Anybody can encrypt for a recording's public key, so a file that decrypts proves nothing: it must be the one that the
/// manifest names.
#[test]
fn a_file_that_anybody_encrypted_for_the_recording_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let recording = finished(root.path());
    let cast = String::from_utf8(plain(&recording, "02-exec.cast")).unwrap();
    let forged = cast.replace("bonjour", "bonsoir");
    let compressed = zstd::encode_all(forged.as_bytes(), 3).unwrap();
    let recipient: age::x25519::Recipient = recording.key().public().to_string().parse().unwrap();
    let sealed = age::encrypt(&recipient, &compressed).unwrap();
    std::fs::write(on_disk(&recording, "02-exec.cast"), sealed).unwrap();
    let again = recording.sealed().unlock(&[client()]).unwrap();
    assert!(matches!(
        again.open("02-exec.cast"),
        Err(ReadError::Damaged { .. })
    ));
    assert!(again.verify().is_err());
    // The rest still reads.
    assert!(again.open("01-shell.cast").is_ok());
}

#[test]
fn changed_files_do_not_open() {
    for name in [
        "01-shell.cast",
        "02-exec.cast",
        "01-shell.unechoed.jsonl",
        "session.json",
    ] {
        let root = tempfile::tempdir().unwrap();
        let recording = finished(root.path());
        recording.verify().unwrap();
        let path = on_disk(&recording, name);
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        match recording.sealed().unlock(&[client()]) {
            Ok(again) => assert!(again.verify().is_err(), "{name}"),
            Err(error) => assert!(name == "session.json", "{name}: {error}"),
        }
    }
}

/// `age -d` with the client's key, `age -d` with the recording's key, `zstd -d`: what the README tells auditors.
fn decrypted_by_stock_tools(recording: &OpenRecording, name: &str, to: &Path) -> bool {
    if Command::new("age").arg("--version").output().is_err()
        || Command::new("zstd").arg("--version").output().is_err()
    {
        return false;
    }
    let work = tempfile::tempdir().unwrap();
    std::fs::write(work.path().join("client.key"), common::CLIENT_KEY).unwrap();
    let script = format!(
        "set -e; age -d -i client.key '{dir}/recording.key.age' > rec.key; \
         age -d -i rec.key '{file}' | zstd -d -q > '{to}'",
        dir = recording.dir().display(),
        file = on_disk(recording, name).display(),
        to = to.display()
    );
    let output = Command::new("bash")
        .args(["-o", "pipefail", "-c", &script])
        .current_dir(work.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    true
}

/// The players that are there: the distribution's, and the one of the registry that `ECLUSE_TEST_ASCIINEMA` names.
fn players() -> Vec<OsString> {
    let named = std::env::var_os("ECLUSE_TEST_ASCIINEMA");
    let all = [Some("asciinema".into()), named].into_iter().flatten();
    all.filter(|player| Command::new(player).arg("--version").output().is_ok())
        .collect()
}

/// How a player prints the output of a cast as it is: the third generation gave `cat` another meaning.
fn prints_raw(player: &OsString) -> &'static str {
    let version = Command::new(player).arg("--version").output().unwrap();
    if version.stdout.starts_with(b"asciinema 2") {
        r#""$PLAYER" cat "$CAST" >"$PRINTED""#
    } else {
        r#""$PLAYER" convert -f raw "$CAST" "$PRINTED""#
    }
}

/// What a player printed without the sizes (`ESC [ 8 ; rows ; columns t`) that the third generation puts in front of it and
/// into it. The recording itself has none.
fn without_sizes(printed: &[u8]) -> Vec<u8> {
    const SIZE: &[u8] = b"\x1b[8;";
    let mut rest = printed;
    let mut kept = Vec::new();
    while let Some(at) = rest.windows(SIZE.len()).position(|bytes| bytes == SIZE) {
        kept.extend_from_slice(&rest[..at]);
        let end = rest[at..].iter().position(|byte| *byte == b't').unwrap();
        rest = &rest[at + end + 1..];
    }
    kept.extend_from_slice(rest);
    kept
}

/// R1, invariant 8: the file on disk plays in stock players, after stock tools have decrypted it.
#[test]
fn stock_asciinema_prints_every_byte_of_output() {
    let players = players();
    if players.is_empty() {
        return common::skipped("asciinema is needed (apt-get install asciinema)");
    }
    if std::env::var_os("CI").is_some() {
        let both = "the distribution's asciinema and the one that ECLUSE_TEST_ASCIINEMA names are needed; tests/run has both";
        assert_eq!(players.len(), 2, "{both}");
    }
    let root = tempfile::tempdir().unwrap();
    let recording = finished(root.path());
    for channel in &recording.record().channels {
        let mut expected = stream_of(&recording, channel, Stream::Output, false);
        expected.extend(stream_of(&recording, channel, Stream::ErrorOutput, false));
        let cast = root.path().join("plain.cast");
        if !decrypted_by_stock_tools(&recording, &channel.files.cast, &cast) {
            return common::skipped("age and zstd are needed (apt-get install age zstd)");
        }
        for player in &players {
            // It wants a terminal for its keys; what it prints goes to a file, so that no line
            // discipline changes it.
            let printed = root.path().join("printed");
            let _ = std::fs::remove_file(&printed);
            let printing = Command::new("script")
                .args(["-qec", prints_raw(player), "/dev/null"])
                .env("PLAYER", player)
                .env("CAST", &cast)
                .env("PRINTED", &printed)
                .env("LC_ALL", "C.UTF-8")
                .env("HOME", root.path())
                .stdin(std::process::Stdio::null())
                .output();
            let printing = match printing {
                Ok(printing) => printing,
                Err(error) => {
                    return common::skipped(&format!("script (bsdutils) is needed: {error}"));
                }
            };
            let said = String::from_utf8_lossy(&printing.stdout);
            assert!(printing.status.success(), "{player:?}: {said}");
            assert_eq!(
                without_sizes(&std::fs::read(&printed).unwrap()),
                expected,
                "channel {} in {player:?}",
                channel.number
            );
        }
    }
}

#[test]
fn a_channel_without_terminal_draws_on_a_usual_screen() {
    let opened: ChannelOpened = exec("ls");
    let mut screen = Screen::for_channel(&opened);
    screen.feed(b"a\nb\n");
    assert_eq!((screen.size().cols(), screen.size().rows()), (80, 24));
    assert_eq!(screen.plain_text()[..2], ["a", "b"]);
}
