use super::*;
use crate::echo::EchoDetector;
use crate::search::{FilterBuilder, Query, may_hold, scan};
use crate::{ChannelKind, Direction, Pty, Screen};
use proptest::prelude::*;

const SECOND: u64 = 1_000_000;

/// Events with their times, in milliseconds, on channel 1.
type Script<'a> = Vec<(u64, Event<'a>)>;

fn opened(command: Option<&str>, pty: bool) -> ChannelOpened {
    ChannelOpened {
        kind: ChannelKind::Shell,
        command: command.map(Into::into),
        account: None,
        pty: pty.then(|| Pty {
            term: "xterm".to_owned(),
            cols: 40,
            rows: 5,
            modes: Vec::new(),
        }),
        env: vec![],
    }
}

fn out(text: &str) -> Event<'_> {
    Event::Output(text.as_bytes())
}

fn typed(text: &str) -> Event<'_> {
    Event::Input(text.as_bytes())
}

/// Both passes over a channel, as sealing makes them.
fn extract_within(
    opened: &ChannelOpened,
    script: &Script<'_>,
    screen: bool,
    bounds: Bounds,
) -> (Vec<Line>, Extracted) {
    let mut echo = EchoDetector::new(opened.pty.is_some());
    for (_, event) in script {
        match event {
            Event::Output(bytes) => echo.output(bytes),
            Event::Input(bytes) => echo.input(bytes),
            _ => {}
        }
    }
    let masks = BTreeMap::from([(1, echo.finish().masks)]);
    let mut extractor = Extractor::new(Vec::new(), screen, masks, bounds);
    extractor.event(0, 1, &Event::opened(opened)).unwrap();
    for (at_ms, event) in script {
        extractor.event(at_ms * 1000, 1, event).unwrap();
    }
    let (text, extracted) = extractor.finish().unwrap();
    let mut lines = Vec::new();
    scan(&mut text.as_slice(), |line| {
        lines.push(line);
        true
    })
    .unwrap();
    assert_eq!(lines.len() as u64, extracted.lines);
    (lines, extracted)
}

fn extract(pty: bool, script: &Script<'_>) -> Vec<Line> {
    extract_within(&opened(None, pty), script, true, Bounds::default()).0
}

fn texts(lines: &[Line], kind: LineKind) -> Vec<(u64, &str)> {
    lines
        .iter()
        .filter(|line| line.kind == kind)
        .map(|line| (line.at_us / 1000, line.text.as_str()))
        .collect()
}

/// What stands on the screen once everything up to a time was printed.
fn shown_at(script: &Script<'_>, at_us: u64) -> String {
    let mut screen = Screen::for_channel(&opened(None, true));
    for (_, event) in script.iter().filter(|(at_ms, _)| at_ms * 1000 <= at_us) {
        if let Event::Output(bytes) = event {
            screen.feed(bytes);
        }
    }
    screen.plain_text().join("\n")
}

fn assert_lands(script: &Script<'_>, lines: &[Line]) {
    for line in lines.iter().filter(|line| line.kind == LineKind::Screen) {
        let shown = shown_at(script, line.at_us);
        assert!(shown.contains(&line.text), "{line:?} is not in:\n{shown}");
    }
}

#[test]
fn commands_notes_and_refusals_are_lines() {
    let command = opened(Some("for i in a b\ndo rm -rf \"$i\"\ndone"), false);
    let script = vec![
        (1, Event::Note("the operator watches")),
        (2, Event::Refusal("port 5900 is not listed")),
        (3, Event::Marker("half time")),
    ];
    let (lines, extracted) = extract_within(&command, &script, false, Bounds::default());
    assert_eq!(
        texts(&lines, LineKind::Command),
        [(0, "for i in a b"), (0, "do rm -rf \"$i\""), (0, "done")]
    );
    assert_eq!(
        texts(&lines, LineKind::Note),
        [(1, "the operator watches"), (3, "half time")]
    );
    assert_eq!(
        texts(&lines, LineKind::Refusal),
        [(2, "port 5900 is not listed")]
    );
    assert!(!extracted.partial);
}

/// R10: a command is found where its echo stood on the screen, once, and not letter by letter.
#[test]
fn a_typed_line_is_given_at_its_enter_and_its_echo_once() {
    let script = vec![
        (0, out("$ ")),
        (1000, typed("l")),
        (1001, out("l")),
        (2000, typed("s")),
        (2001, out("s")),
        (3000, typed("\r")),
        (3001, out("\r\nreport.txt\r\n$ ")),
        (9000, typed("x")),
        (9001, out("x")),
    ];
    let lines = extract(true, &script);
    assert_eq!(texts(&lines, LineKind::Typed), [(3000, "ls")]);
    assert_eq!(
        texts(&lines, LineKind::Screen),
        [(3001, "$ ls"), (3001, "report.txt"), (9001, "$ x")]
    );
    assert_lands(&script, &lines);
}

/// A password typed at a prompt is nowhere in the text.
#[test]
fn what_was_not_echoed_is_no_line() {
    let script = vec![
        (0, out("$ ")),
        (1, typed("sudo -s\r")),
        (2, out("sudo -s\r\n[sudo] password for ops: ")),
        (1000, typed("Correct-Horse-9\r")),
        (1001, out("\r\n# ")),
        (2000, typed("id\r")),
        (2001, out("id\r\nroot\r\n# ")),
    ];
    let lines = extract(true, &script);
    assert_eq!(
        texts(&lines, LineKind::Typed),
        [(1, "sudo -s"), (2000, "id")]
    );
    assert!(!lines.iter().any(|line| line.text.contains("Horse")));
    // Nothing is echoed without a terminal: nothing of it is taken.
    let script = vec![(0, typed("chpasswd: root:Correct-Horse-9\n"))];
    assert_eq!(extract(false, &script), []);
}

/// The masks of a channel that nobody surveyed are not known, so none of its input is.
#[test]
fn input_without_masks_is_no_line() {
    let mut extractor = Extractor::new(Vec::new(), true, BTreeMap::new(), Bounds::default());
    let opened = opened(None, true);
    extractor.event(0, 7, &Event::opened(&opened)).unwrap();
    extractor.event(1, 7, &typed("secret\r")).unwrap();
    assert_eq!(extractor.finish().unwrap().0, b"");
}

#[test]
fn without_the_clients_word_nothing_shown_is_a_line() {
    for pty in [true, false] {
        let script = vec![
            (0, out("the patient's name\r\n")),
            (1, Event::ErrorOutput(b"oh\n")),
        ];
        let (lines, _) = extract_within(&opened(None, pty), &script, false, Bounds::default());
        assert_eq!(lines, []);
    }
}

/// Sequences that ask for more drawing than their bytes may cost make neither lines without number nor a secret of it.
#[test]
fn what_was_not_drawn_is_told_in_a_note() {
    let flood = "x\x1b[65535b".repeat(3_000);
    let script = vec![(0, out("$ \r\n")), (1, Event::Output(flood.as_bytes()))];
    let lines = extract(true, &script);
    let length: usize = lines.iter().map(|line| line.text.len()).sum();
    assert!(length < 64 * flood.len(), "{length}");
    let notes = texts(&lines, LineKind::Note);
    assert!(
        notes.iter().any(|(_, text)| text.contains("left out")),
        "{notes:?}"
    );
}

/// R10: landing at the time of a line shows it, also once it scrolled off or was wiped.
#[test]
fn a_line_is_on_the_screen_at_its_time() {
    let many: String = (0..4).map(|n| format!("line {n}\r\n")).collect();
    let script = vec![
        (0, out("first\r\nsecond\r\n")),
        // Scrolls the first lines off within the second.
        (100, out(&many)),
        (180, out("tail\r\n")),
        (
            5000,
            out("\x1b[H\x1b[Jafter the wiping, a line that wraps around the edge\r\n"),
        ),
        (9000, out("\x1b[?1049h\x1b[2J\x1b[Hin a pager\r\n~\r\n~")),
        (9500, out("\x1b[H\x1b[Kanother page\r\n")),
        (9600, out("\x1b[?1049l$ ")),
    ];
    let lines = extract(true, &script);
    let found: Vec<&str> = texts(&lines, LineKind::Screen)
        .iter()
        .map(|line| line.1)
        .collect();
    for text in [
        "first",
        "second",
        "line 0",
        "line 3",
        "tail",
        "in a pager",
        "another page",
    ] {
        assert_eq!(
            found.iter().filter(|line| **line == text).count(),
            1,
            "{text}: {found:?}"
        );
    }
    assert!(
        found.contains(&"after the wiping, a line that wraps around the edge"),
        "{found:?}"
    );
    let whole: Vec<Line> = lines
        .iter()
        .filter(|line| line.text.len() < 40)
        .cloned()
        .collect();
    assert_lands(&script, &whole);
}

#[test]
fn what_stays_on_the_screen_is_given_once() {
    let frames: Vec<String> = (0..100)
        .map(|n| format!("\x1b[Hload\r\nfree {n} bytes\r\nsame\r\n"))
        .collect();
    let script: Script<'_> = frames
        .iter()
        .enumerate()
        .map(|(n, frame)| (n as u64 * 3000, out(frame)))
        .collect();
    let lines = extract(true, &script);
    let count = |text: &str| lines.iter().filter(|line| line.text == text).count();
    assert_eq!(
        (count("load"), count("same"), count("free 42 bytes")),
        (1, 1, 1)
    );
    assert_lands(&script, &lines);
}

#[test]
fn output_without_a_terminal_is_given_line_by_line_and_binary_is_not() {
    let noise = [0u8; 4096];
    let script = vec![
        (0, out("\x1b[1mon")),
        (1, out("e\x1b[0m\n")),
        (2, Event::ErrorOutput(b"oops\ntw")),
        (3, Event::Output(&noise)),
        (4, Event::ErrorOutput(b"o\n")),
        (5, out("end")),
    ];
    let lines = extract(false, &script);
    assert_eq!(
        texts(&lines, LineKind::Screen),
        [(1, "one"), (2, "oops"), (4, "two"), (5, "end")]
    );
}

#[test]
fn more_than_the_bounds_is_said_not_hidden() {
    let bounds = Bounds {
        terminal: 100,
        plain: 100,
        text: 1000,
    };
    let long = "0123456789\n".repeat(20);
    let script = vec![(0, out(&long)), (SECOND, out("late\n"))];
    let (lines, extracted) = extract_within(&opened(None, false), &script, true, bounds);
    assert!(extracted.partial);
    assert!(!lines.iter().any(|line| line.text == "late"));
    let last = lines.last().unwrap();
    assert!(
        last.channel == SESSION && last.text.starts_with("not all of this"),
        "{last:?}"
    );

    let command = opened(Some(&"word \n".repeat(1000)), true);
    let (lines, extracted) = extract_within(&command, &vec![], true, bounds);
    assert!(extracted.partial && lines.len() < 300, "{}", lines.len());
}

#[test]
fn a_line_too_long_is_several() {
    let script = vec![(0, Event::Note("水門 ")); 1];
    let text = "水門 ".repeat(1000);
    let command = opened(Some(&text), true);
    let (lines, _) = extract_within(&command, &script, true, Bounds::default());
    assert!(lines.len() > 6);
    assert!(lines.iter().all(|line| line.text.len() <= LONGEST_LINE));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// No line holds a letter of input that was masked, wherever the masks and the frames begin.
    #[test]
    fn nothing_masked_is_ever_a_line(letters in proptest::collection::vec(prop_oneof![Just('X'), Just('a'), Just('\r'), Just('\x7f'), Just('\x1b'), Just('é')], 0..200), cuts in proptest::collection::vec(1usize..20, 1..50)) {
        let text: String = letters.iter().collect();
        // The masks of `X`, through the detector's own eyes: what is typed comes back but for `X`.
        let mut echo = EchoDetector::new(true);
        let mut events: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        let mut rest: Vec<char> = letters.clone();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() { break; }
            let piece: String = rest.drain(..(*cut).min(rest.len())).collect();
            let back: String = piece.chars().filter(|letter| *letter != 'X').collect();
            events.push((piece.into_bytes(), back.replace('\r', "\r\n").into_bytes()));
        }
        for (input, back) in &events { echo.input(input); echo.output(back); }
        let mut extractor = Extractor::new(Vec::new(), false, BTreeMap::from([(1, echo.finish().masks)]), Bounds::default());
        let opened = opened(None, true);
        extractor.event(0, 1, &Event::opened(&opened)).unwrap();
        for (input, _) in &events { extractor.event(1, 1, &Event::Input(input)).unwrap(); }
        let found = String::from_utf8(extractor.finish().unwrap().0).unwrap();
        prop_assert!(!found.contains('X'), "{found} from {text:?}");
    }

    /// R10, R11: whatever comes, lines are short and harmless, and each is found by any part of it.
    #[test]
    fn any_line_is_found_by_any_part_of_it(pieces in proptest::collection::vec((0u64..2_000, crate::screen::hostile()), 0..40), pty: bool, from: prop::sample::Index, length in 3usize..12) {
        let mut at_ms = 0;
        let script: Script<'_> = pieces.iter().map(|(wait, bytes)| { at_ms += wait; (at_ms, Event::Output(bytes)) }).collect();
        let (lines, _) = extract_within(&opened(None, pty), &script, true, Bounds::default());
        let mut filter = FilterBuilder::default();
        for line in &lines { filter.line(&line.text); }
        let filter = filter.finish();
        for line in &lines {
            prop_assert!(line.text.len() <= LONGEST_LINE);
            prop_assert!(!line.text.chars().any(acts), "{:?}", line.text);
            prop_assert!(line.at_us <= at_ms * 1000);
            let letters: Vec<char> = line.text.chars().collect();
            let first = from.index(letters.len());
            let part: String = letters.iter().skip(first).take(length).collect();
            if let Ok(query) = Query::new([part.as_str()]) {
                prop_assert!(query.find(&line.text).is_some(), "{part:?} in {:?}", line.text);
                prop_assert!(may_hold(filter.as_bytes(), &query.grams()), "{part:?}");
            }
        }
    }
}

/// R10: a forward is one line, of when it began, with what passed each way and how it ended; of one without an end that is said.
#[test]
fn r10_a_forward_is_one_line_with_its_bytes() {
    let forward = ChannelOpened {
        kind: ChannelKind::Forward,
        command: Some("forward: 10.0.0.7:5432".into()),
        ..opened(None, false)
    };
    let mut extractor = Extractor::new(Vec::new(), false, BTreeMap::new(), Bounds::default());
    let opens = Event::opened(&forward);
    let reached = Event::Note(crate::REACHED);
    let closed = |why: &str| Event::closed(why.to_owned());
    let (over, cut) = (closed("closed"), closed("cut by odile"));
    for (at_ms, channel, event) in [
        (1_000, 1, &opens),
        (1_001, 1, &reached),
        (1_002, 2, &opens),
        (1_003, 3, &opens),
        (1_004, 3, &reached),
        (1_100, 1, &typed("SELECT 1")),
        (1_200, 1, &out("one row")),
        (1_201, 2, &cut),
        (2_500, 1, &over),
        (2_600, 3, &out("x")),
    ] {
        extractor.event(at_ms * 1_000, channel, event).unwrap();
    }
    let (text, _) = extractor.finish().unwrap();
    let mut lines = Vec::new();
    scan(&mut text.as_slice(), |line| {
        lines.push(line);
        true
    })
    .unwrap();
    lines.retain(|line| line.kind != LineKind::Note);
    let said: Vec<_> = lines
        .iter()
        .map(|line| (line.channel, line.at_us / 1_000, line.text.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            (
                2,
                1_002,
                "forward: 10.0.0.7:5432 · ↑ 0 bytes · ↓ 0 bytes · 0.199 s · did not reach its place: cut by odile"
            ),
            (
                1,
                1_000,
                "forward: 10.0.0.7:5432 · ↑ 8 bytes · ↓ 7 bytes · 1.500 s · ended"
            ),
            (
                3,
                1_003,
                "forward: 10.0.0.7:5432 · ↑ 0 bytes · ↓ 1 bytes · 1.597 s · ended: the recording has no end of it"
            ),
        ]
    );
    let ways = |line: &Line| {
        (
            line.passed(Direction::ToTarget),
            line.passed(Direction::ToTechnician),
        )
    };
    let ways: Vec<_> = lines.iter().map(ways).collect();
    assert_eq!(
        ways,
        [(Some(0), Some(0)), (Some(8), Some(7)), (None, Some(1))]
    );
    for (line, french) in lines.iter().zip([
        "n'a pas atteint son but\u{a0}: coupée par odile",
        "terminée",
        "terminée\u{a0}: ",
    ]) {
        let told = crate::spoken::spoken(Language::French, &line.text).unwrap();
        assert!(told.contains(french) && told.contains("octets"), "{told}");
    }
}

/// R10: a line of a file says which way it was to go and how much of it did, also where nothing passed.
#[test]
fn r10_a_file_has_its_way() {
    let part = |bytes| {
        Some(FilePart {
            bytes,
            extent: crate::transfer::Extent::Whole,
        })
    };
    let entry = |operation, read, written| FileEntry {
        operation,
        path: "/srv/a".into(),
        to: None,
        typed: Vec::new(),
        outcome: crate::FileOutcome::Done,
        status: None,
        because: None,
        read,
        written,
        size: None,
        entries: None,
        sha256: None,
        took_us: 1,
    };
    for (operation, read, written, up, down) in [
        (FileOperation::Read, part(7), None, None, Some(7)),
        (FileOperation::Write, None, part(7), Some(7), None),
        (FileOperation::Read, None, None, None, Some(0)),
        (FileOperation::Write, None, part(0), Some(0), None),
        (FileOperation::ReadWrite, part(0), part(3), Some(3), None),
        (FileOperation::List, None, None, None, None),
    ] {
        let entry = entry(operation, read, written);
        let line = with_bytes(Line::new(0, 1, LineKind::File, String::new()), &entry);
        assert_eq!(
            (
                line.passed(Direction::ToTarget),
                line.passed(Direction::ToTechnician)
            ),
            (up, down),
            "{entry:?}"
        );
    }
}
