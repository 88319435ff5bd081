//! One broken file per defect, and files of other writers.

use super::*;
use proptest::prelude::*;
use std::io::Cursor;

fn read(bytes: impl Into<Vec<u8>>) -> Result<(CastHeader, Vec<CastEvent>, u64), ReadError> {
    let mut reader = CastReader::from_reader(Path::new("x.cast"), Cursor::new(bytes.into()))?;
    let mut events = Vec::new();
    while let Some(event) = reader.next_event()? {
        events.push(event);
    }
    Ok((reader.header().clone(), events, reader.skipped()))
}

fn event(at_us: u64, code: Code, text: &str) -> CastEvent {
    CastEvent {
        at_us,
        code,
        text: text.to_owned(),
    }
}

#[test]
fn version_1_reads() {
    let one = r#"{"version": 1, "width": 100, "height": 30, "duration": 1.5, "command": "/bin/sh",
        "title": null, "env": {}, "stdout": [[0.25, "hello "], [1.25, "world\r\n"]]}"#;
    for text in [one.to_owned(), one.replace('\n', " ")] {
        let (header, events, skipped) = read(text).unwrap();
        assert_eq!((header.version, header.width, header.height), (1, 100, 30));
        assert_eq!(header.command.as_deref(), Some("/bin/sh"));
        assert_eq!(
            events,
            [
                event(250_000, Code::Output, "hello "),
                event(1_500_000, Code::Output, "world\r\n")
            ]
        );
        assert_eq!(skipped, 0);
    }
}

#[test]
fn version_2_reads() {
    let (header, events, skipped) = read(
        "{\"version\": 2, \"width\": 80, \"height\": 24, \"timestamp\": 1504467315, \"title\": \"Demo\"}\n\
         [0.248848, \"o\", \"\\u001b[1;31mHello\"]\n[1.001376, \"i\", \"x\"]\n[2, \"r\", \"100x40\"]\n\
         [3.5, \"m\", \"here\"]\n[4.0, \"z\", \"?\"]\n",
    )
    .unwrap();
    assert_eq!(header.timestamp, Some(1_504_467_315));
    assert_eq!(
        events,
        [
            event(248_848, Code::Output, "\x1b[1;31mHello"),
            event(1_001_376, Code::Input, "x"),
            event(
                2_000_000,
                Code::Resize {
                    cols: 100,
                    rows: 40
                },
                "100x40"
            ),
            event(3_500_000, Code::Marker, "here"),
            event(4_000_000, Code::Other('z'), "?"),
        ]
    );
    assert_eq!(skipped, 0);
}

#[test]
fn version_3_reads_with_times_between_events_and_comments() {
    let (header, events, _) = read(
        "{\"version\":3,\"term\":{\"cols\":90,\"rows\":20,\"type\":\"xterm\"},\"timestamp\":1}\n# a comment\n\n\
         [0.5, \"o\", \"a\"]\n[0.25, \"o\", \"b\"]\n[1, \"x\", \"0\"]\n",
    )
    .unwrap();
    assert_eq!((header.version, header.width, header.height), (3, 90, 20));
    assert_eq!(
        events,
        [
            event(500_000, Code::Output, "a"),
            event(750_000, Code::Output, "b"),
            event(1_750_000, Code::Exit, "0")
        ]
    );
}

const V2: &str = "{\"version\":2,\"width\":80,\"height\":24}\n";

#[test]
fn lines_that_are_no_event_are_skipped_and_counted() {
    for broken in [
        "[1.0, \"o\"",
        "[1.0, \"o\"]",
        "[\"x\", \"o\", \"y\"]",
        "[1.0, \"oo\", \"y\"]",
        "[1.0, \"o\", 7]",
        "{}",
        "null",
        "[1e999, \"o\", \"y\"]",
        "[1.0, \"o\", \"\\ud800\"]",
        "\u{feff}[1.0, \"o\", \"y\"]",
        "[1.0, \"o\", \"a\"] trailing",
    ] {
        let (_, events, skipped) = read(format!("{V2}{broken}\n[2, \"o\", \"kept\"]\n")).unwrap();
        assert_eq!(
            (events, skipped),
            (vec![event(2_000_000, Code::Output, "kept")], 1),
            "{broken}"
        );
    }
    let mut invalid = format!("{V2}[1, \"o\", \"").into_bytes();
    invalid.extend_from_slice(b"\xff\"]\n[2, \"o\", \"kept\"]");
    assert_eq!(
        read(invalid).unwrap().1,
        [event(2_000_000, Code::Output, "kept")]
    );
}

#[test]
fn files_that_are_no_cast_are_refused_with_what_was_found() {
    for (bytes, found) in [
        (&b""[..], "does not begin"),
        (b"\x7fELF", "does not begin"),
        (b"{\"version\":4}\n", "no asciicast version"),
        (b"{}\n", "no asciicast version"),
        (b"[]\n", "no asciicast version"),
        (b"{\"version\":\"2\"}\n", "no asciicast version"),
        (b"{\"version\":1,\"stdout\":[[1]]}", "asciicast 1"),
    ] {
        let error = read(bytes).unwrap_err().to_string();
        assert!(error.contains(found), "{error}");
    }
}

#[test]
fn absurd_numbers_are_survived() {
    let header = "{\"version\":2,\"width\":99999999999,\"height\":-4,\"timestamp\":1e300}\n";
    let (header, events, _) =
        read(format!("{header}[-5, \"o\", \"a\"]\n[1e300, \"o\", \"b\"]\n[1, \"r\", \"99999999999x1\"]\n[3, \"r\", \"x\"]\n"))
            .unwrap();
    assert_eq!((header.width, header.height), (80, 24));
    assert_eq!(events[0].at_us, 0);
    // Time never goes back.
    assert_eq!(events[1].at_us, u64::MAX);
    assert_eq!(
        events[2],
        event(u64::MAX, Code::Other('r'), "99999999999x1")
    );
    assert_eq!(events[3].at_us, u64::MAX);
}

#[test]
fn a_line_longer_than_the_limit_costs_no_memory_and_only_itself() {
    let mut reader = std::io::BufReader::with_capacity(
        16,
        Cursor::new(b"0123456789\nshort\nlast one, long".to_vec()),
    );
    let mut line = Vec::new();
    assert!(read_line(&mut reader, &mut line, 6).unwrap() == Line::TooLong);
    assert!(line.capacity() < 64);
    assert!(read_line(&mut reader, &mut line, 6).unwrap() == Line::Whole);
    assert_eq!(line, b"short\n");
    assert!(read_line(&mut reader, &mut line, 6).unwrap() == Line::TooLong);
    assert!(read_line(&mut reader, &mut line, 6).unwrap() == Line::End);
}

#[test]
fn deep_nesting_is_survived() {
    let _ = read("[".repeat(1_000_000));
    let (_, events, skipped) = read(format!("{V2}{}\n", "[".repeat(1_000_000))).unwrap();
    assert_eq!((events.len(), skipped), (0, 1));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), prefix in any::<bool>()) {
        let mut file = if prefix { V2.as_bytes().to_vec() } else { Vec::new() };
        file.extend_from_slice(&bytes);
        let _ = read(file);
    }

    /// What the writer wrote, the reader gives back, to the microsecond, for thirty years.
    #[test]
    fn microseconds_come_back(at_us in 0u64..=1_000_000_000_000_000, text in any::<String>()) {
        let header = super::super::Header { width: 80, height: 24, timestamp: i64::MAX, command: None, title: text.clone(), term: None };
        let mut file = Vec::new();
        let mut writer = super::super::CastWriter::new(&mut file, &header).unwrap();
        writer.output(at_us, &mut text.clone()).unwrap();
        writer.marker(at_us, &text).unwrap();
        writer.resize(at_us, 80, 24).unwrap();
        let (header, events, skipped) = read(file).unwrap();
        prop_assert_eq!(header.title, Some(text.clone()));
        prop_assert_eq!(skipped, 0);
        prop_assert_eq!(&events[0], &event(at_us, Code::Output, &text));
        prop_assert_eq!(&events[2], &event(at_us, Code::Resize { cols: 80, rows: 24 }, "80x24"));
    }
}
