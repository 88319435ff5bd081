//! What a terminal shows, an auditor is shown (R10, R11): named sequences, each run through the real `tmux` and through
//! the model behind `watch`, `replay`, transcripts and search.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::panic)]

use ecluse_recordings::screen::{Screen, Size};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// What the model shows of a case.
enum Shows {
    /// What `tmux` shows.
    Same,
    /// More, because terminals differ: the rows, and which terminal shows them.
    More(&'static [&'static str], &'static str),
}
use Shows::{More, Same};

/// Strings that end, and strings that never do.
const STRINGS: &[(&str, &str, Shows)] = &[
    ("title, BEL", "\x1b]0;x\x07line 1\r\nline 2", Same),
    ("title, ST", "\x1b]2;x\x1b\\line 1\r\nline 2", Same),
    (
        "title ended by a sequence",
        "\x1b]0;x\x1b[31mline 1\r\nline 2",
        Same,
    ),
    ("title ended by CAN", "\x1b]0;x\x18line 1\r\nline 2", Same),
    ("title ended by SUB", "\x1b]0;x\x1aline 1\r\nline 2", Same),
    (
        "title of many letters",
        "\x1b]0;é水\u{301}\u{202e}x\x07line 1",
        Same,
    ),
    ("clipboard", "a\x1b]52;c;c2VjcmV0\x07b", Same),
    (
        "link",
        "\x1b]8;;http://x/\x1b\\text\x1b]8;;\x1b\\ after",
        Same,
    ),
    ("device control string", "a\x1bP1;2|payload\x1b\\b", Same),
    (
        "for the outer terminal",
        "a\x1bPtmux;\x1b\x1b]0;y\x07\x1b\\b",
        Same,
    ),
    ("application command", "a\x1b_payload\x1b\\b", Same),
    ("private message", "a\x1b^payload\x1b\\b", Same),
    ("string", "a\x1bXpayload\x1b\\b", Same),
    (
        "BEL ends no private message",
        "a\x1b^hid\x07den\x1b\\b",
        Same,
    ),
    (
        "title without an end",
        "a\x1b]0;x\r\nline 1\r\nline 2",
        More(
            &["a", "line 1", "line 2"],
            "PuTTY at once; what comes five seconds later, tmux; xterm nothing",
        ),
    ),
    (
        "device control string without an end",
        "a\x1bPx\r\nline 1\r\n\x1b[31mline 2",
        More(
            &["aline 2"],
            "xterm from the next ESC on, tmux after five seconds",
        ),
    ),
    (
        "device control string cut by a sequence",
        "a\x1bPx\x1b[31mline 1",
        More(
            &["aline 1"],
            "xterm: any ESC ends a string; tmux waits for ESC \\",
        ),
    ),
    (
        "application command without an end",
        "a\x1b_x\r\nline 1",
        More(&["a", "line 1"], "PuTTY at once, tmux after five seconds"),
    ),
    (
        "a return in a title",
        "SECRET\x1b]0;x\r            \x07",
        Same,
    ),
    (
        "a line feed in a link",
        "a\x1b]8;;http://x\r\nb\x1b\\c",
        Same,
    ),
    (
        "a return in a device control string",
        "SECRET\x1bPx\r            \x1b\\",
        Same,
    ),
    (
        "a return in an application command",
        "SECRET\x1b_x\r            \x1b\\",
        Same,
    ),
    (
        "a return in a private message",
        "SECRET\x1b^x\r            \x1b\\",
        Same,
    ),
    (
        "a return in a string",
        "SECRET\x1bXx\r            \x1b\\",
        Same,
    ),
    (
        "title of a window as screen(1) has it",
        "a\x1bktitle\x1b\\b",
        More(&["atitleb"], "xterm knows no such string and shows it"),
    ),
];

/// Sequences: whole, odd, endless.
const SEQUENCES: &[(&str, &str, Shows)] = &[
    (
        "colours",
        "\x1b[1;31;48;5;21mred\x1b[38:2::1:2:3m rgb\x1b[m plain",
        Same,
    ),
    ("a line feed inside", "a\x1b[3\r\n1mb", Same),
    ("a return inside", "abc\x1b[\r1mx", Same),
    ("ESC inside", "a\x1b[3\x1b[31mb", Same),
    ("CAN inside", "a\x1b[3\x18mb", Same),
    ("ESC ESC", "a\x1b\x1b[31mb", Same),
    ("a line feed after ESC", "a\x1b\r\n[31mb", Same),
    (
        "charsets and sizes",
        "a\x1b F\x1b#3\x1b%G\x1b(B\x1b)0b",
        Same,
    ),
    (
        "line drawing",
        "\x1b(0lqk\x1b(B lqk",
        More(
            &["┌─┐ lqk"],
            "terminals draw lines; tmux captures the letters behind them",
        ),
    ),
    (
        "unknown, private",
        "a\x1b[?9999h\x1b[>4;2m\x1b[!q\x1b[1$}b",
        Same,
    ),
    (
        "many parameters",
        "a\x1b[1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1mb",
        Same,
    ),
    ("margins upside down", "abc\x1b[3;1rx", Same),
    ("margins below the screen", "abc\x1b[80;81rx", Same),
    ("a margin below the screen", "1\r\n2\x1b[1;99rx", Same),
    (
        "a colon where none belongs",
        "abc\x1b[1:1Kx\x1b[2:2Jy",
        Same,
    ),
    ("cursor with a colon", "abc\x1b[1:1Hx\x1b[2:3Cy", Same),
    ("a number of 33 bits", "abc\x1b[4294967298Kx", Same),
    ("a number of 17 bits", "abc\x1b[65537Kx\x1b[65538Jy", Same),
    ("back by much", "abc\x1b[65556Dx", Same),
    (
        "its oldest name among others",
        "main\x1b[?1;047halt\x1b[?47;1l",
        Same,
    ),
    ("erasing", "abcdef\x1b[3D\x1b[Kx\r\nyyyy\x1b[2Kz", Same),
    (
        "inserting and deleting",
        "abcdef\x1b[3D\x1b[2P\x1b[@x",
        Same,
    ),
    (
        "moving",
        "\x1b[5;10Hx\x1b[2Ay\x1b[3Bz\x1b[1;1Ha\x1b[20Gb\x1b[3dc",
        Same,
    ),
    (
        "a region",
        "1\r\n2\r\n3\r\n4\x1b[2;3r\x1b[3;1H\n\x1b[r\x1b[5;1Hx",
        Same,
    ),
    (
        "lines in and out",
        "1\r\n2\r\n3\x1b[2;1H\x1b[Lx\x1b[3;1H\x1b[M",
        Same,
    ),
    ("tabs", "a\tb\x1b[3g\tc", Same),
    ("repeated", "ab\x1b[5bc", Same),
    (
        "the alternate screen",
        "main\x1b[?1049halt\x1b[?1049lback",
        Same,
    ),
    ("its oldest name", "main\x1b[?47halt\x1b[?47l", Same),
    ("concealed", "a\x1b[8mhidden\x1b[28mb", Same),
    ("black on black", "a\x1b[30;40mhidden\x1b[mb", Same),
    (
        "wrapping",
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234",
        Same,
    ),
    (
        "no wrapping",
        "\x1b[?7l0123456789012345678901234567890123456789012345678901234567890123456789012345678901234",
        Same,
    ),
    (
        "not ASCII inside",
        "a\x1b[3é水b",
        More(&["aé水b"], "xterm shows what is no part of a sequence"),
    ),
    (
        "not ASCII after ESC",
        "a\x1b水b",
        More(&["a水b"], "xterm shows what is no part of a sequence"),
    ),
];

/// Bytes that are no letters.
const BYTES: &[(&str, &str, Shows)] = &[
    ("NUL between letters", "a\0b\0\0c\r\n\0d", Same),
    ("DEL", "a\x7fb", Same),
    ("vertical tab and form feed", "a\x0bb\x0cc", Same),
    ("bells", "a\x07\x07b", Same),
    ("backspace", "abc\x08\x08x", Same),
    (
        "enquiry and friends",
        "a\x05\x01\x02\x11\x13\x1c\x1db",
        Same,
    ),
    ("SUB and CAN", "a\x1ab\x18c", Same),
    ("8-bit CSI, decoded", "a\u{9b}31mb", Same),
    ("8-bit OSC, decoded", "a\u{9d}0;hid\x07b", Same),
    ("8-bit NEL, decoded", "a\u{85}b", Same),
];

/// Letters with marks, and wide ones.
const LETTERS: &[(&str, &str, Shows)] = &[
    (
        "combining",
        "e\u{301}cole|\r\nécole|\r\nx\u{323}\u{301}|",
        Same,
    ),
    ("enclosing", "x\u{20dd}y|", Same),
    ("wide", "水門|\r\n|水", Same),
    ("wide with a mark", "水\u{301}門|", Same),
    ("a mark on nothing", "\u{301}abc|", Same),
    ("a mark after a line feed", "a\r\n\u{301}b|", Same),
    ("a mark after a colour", "e\x1b[31m\u{301}x|", Same),
    ("a mark after moving", "abc\x1b[2D\u{301}x|", Same),
    (
        "a mark in the last column",
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678e\u{301}x",
        Same,
    ),
    ("family", "👨\u{200d}👩\u{200d}👧|", Same),
    ("selectors", "❤\u{fe0f}|\r\n⌚\u{fe0e}|", Same),
    ("joiner and non-joiner", "a\u{200c}b\u{200d}c|", Same),
    ("directions", "a\u{202e}gpj\u{202c}|", Same),
    ("no width", "a\u{200b}b\u{2060}c\u{feff}d|", Same),
    ("thai", "\u{e01}\u{e34}\u{e01}\u{e35}|", Same),
    ("hebrew", "ש\u{5c1}ל\u{5b9}ום|", Same),
    ("arabic", "م\u{64f}ح|", Same),
    ("private", "\u{e0b0}|", Same),
    (
        "overwritten",
        "水門\r\x1b[1Cx|",
        More(
            &[" x|"],
            "xterm: a letter over half of a wide one takes all of it; tmux 3.3 keeps the first half",
        ),
    ),
    (
        "wide at the margin",
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678水b",
        Same,
    ),
];

/// R10: the texts agree, or the model shows what `tmux` does not.
#[test]
fn what_tmux_shows_is_shown() {
    let tmux = Tmux::start();
    let mut wrong = Vec::new();
    for (name, text, shows) in [STRINGS, SEQUENCES, BYTES, LETTERS].into_iter().flatten() {
        let expected = match shows {
            Same => tmux.shows(text),
            More(rows, why) => {
                assert_ne!(rows.to_vec(), tmux.shows(text), "{name}: not {why}");
                rows.iter().map(|row| (*row).to_owned()).collect()
            }
        };
        let shown = model(&[(Duration::ZERO, text)]);
        if shown != expected {
            wrong.push(format!("{name}: {shown:?}, and not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// R10: joiners and selectors of letters whose script has them: `tmux` has them to the letter, as transcripts do (a test beside
/// their lines reads the same file).
#[test]
fn what_joins_in_its_script_is_in_the_text() {
    let tmux = Tmux::start();
    for text in include_str!("corpus/joined.txt").lines() {
        assert_eq!(tmux.captures(text).first().map(String::as_str), Some(text));
    }
}

/// A string that nothing ends hides a line, not the session, whatever string it is.
#[test]
fn no_string_without_an_end_hides_what_follows() {
    let lines: String = (0..3000).map(|n| format!("line {n}\r\n")).collect();
    for begins in [
        "\x1b]0;x",
        "\x1b]52;c;",
        "\x1bPq",
        "\x1b_G",
        "\x1b^",
        "\x1bX",
        "\x1b[",
        "\x1b[38;5;",
        "\x1b",
        "\x1b(",
    ] {
        let shown = model(&[(Duration::ZERO, begins), (Duration::ZERO, &lines)]);
        assert_eq!(
            shown.last().map(String::as_str),
            Some("line 2999"),
            "{begins:?}"
        );
        // One that no line feed ends is over after five seconds, as tmux has it.
        let late = model(&[(Duration::ZERO, begins), (Duration::from_secs(6), "shown")]);
        assert_eq!(late, ["shown"], "{begins:?}");
    }
    let digits = "1\r\n".repeat(3000);
    let shown = model(&[(Duration::ZERO, "\x1b["), (Duration::ZERO, &digits)]);
    assert_eq!(shown.iter().filter(|row| *row == "1").count(), 23);
}

fn model(pieces: &[(Duration, &str)]) -> Vec<String> {
    let mut screen = Screen::new(Size::clamped(80, 24));
    for (at, text) in pieces {
        screen.passes(*at);
        screen.feed(text.as_bytes());
    }
    // What waits for its end gets none.
    let last = pieces.last().map_or(Duration::ZERO, |(at, _)| *at);
    screen.passes(last + Duration::from_secs(6));
    rows(screen.plain_text())
}

/// Without what takes no place and shows nothing, and without empty rows at the end.
fn rows(rows: Vec<String>) -> Vec<String> {
    let blank = |letter: &char| matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fffd}');
    let mut rows: Vec<String> = rows
        .iter()
        .map(|row| {
            row.chars()
                .filter(|letter| !blank(letter))
                .collect::<String>()
        })
        .map(|row| row.trim_end().to_owned())
        .collect();
    while rows.last().is_some_and(String::is_empty) {
        rows.pop();
    }
    rows
}

/// A `tmux` server of its own.
struct Tmux(tempfile::TempDir);

impl Tmux {
    fn start() -> Self {
        let tmux = Tmux(tempfile::tempdir().unwrap());
        tmux.run(&[
            "new-session",
            "-d",
            "-s",
            "s",
            "-x",
            "80",
            "-y",
            "24",
            "sleep 600",
        ]);
        tmux.run(&["set", "-g", "remain-on-exit", "on"]);
        tmux.run(&["set", "-g", "remain-on-exit-format", ""]);
        tmux.run(&["set", "-g", "status", "off"]);
        tmux
    }

    fn shows(&self, text: &str) -> Vec<String> {
        rows(self.captures(text))
    }

    fn captures(&self, text: &str) -> Vec<String> {
        let (fifo, seen) = (self.0.path().join("case"), self.0.path().join("seen"));
        let made = Command::new("mkfifo").arg(&fifo).status().unwrap();
        assert!(made.success());
        let print = format!("stty raw -echo; exec cat {}", fifo.display());
        self.run(&["new-window", "-n", "case", &print]);
        let pipe = format!("exec cat > {}", seen.display());
        self.run(&["pipe-pane", "-O", "-t", "case", &pipe]);
        // Open once the program reads, and until what it prints is drawn: at the end of a program, tmux gives up what it
        // has not read. What comes out of the pipe was drawn in the same step.
        let mut program = File::options().write(true).open(&fifo).unwrap();
        program.write_all(text.as_bytes()).unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        while std::fs::metadata(&seen).map_or(0, |seen| seen.len()) < text.len() as u64 {
            assert!(Instant::now() < deadline, "{text:?} is not printed");
        }
        let captured = self.run(&["capture-pane", "-p", "-t", "case"]);
        self.run(&["kill-window", "-t", "case"]);
        std::fs::remove_file(&fifo).unwrap();
        std::fs::remove_file(&seen).unwrap();
        let captured = String::from_utf8(captured.stdout).unwrap();
        let lines = captured.lines();
        lines.map(|line| line.trim_end().to_owned()).collect()
    }

    fn run(&self, command: &[&str]) -> Output {
        let output = tmux(self.0.path()).args(command).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {said}");
        output
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let _ = tmux(self.0.path()).arg("kill-server").output();
    }
}

fn tmux(dir: &Path) -> Command {
    let mut command = Command::new("tmux");
    command
        .arg("-S")
        .arg(dir.join("socket"))
        .args(["-f", "/dev/null"])
        .env("LC_ALL", "C.UTF-8")
        .env_remove("TMUX");
    command
}
