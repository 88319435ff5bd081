//! What of a terminal becomes lines, and when.

use super::*;

fn at(lines: &[TimedLine]) -> Vec<(u64, &str)> {
    lines
        .iter()
        .map(|line| (line.at_us, line.text.as_str()))
        .collect()
}

fn erased(lines: &[TimedLine]) -> Vec<(u64, &str, u64)> {
    lines
        .iter()
        .filter_map(|line| Some((line.at_us, line.text.as_str(), line.until_us?)))
        .collect()
}

#[test]
fn lines_bear_the_time_they_were_printed_not_the_time_they_left() {
    let mut screen = Scrolling::new(Size::clamped(10, 3));
    assert_eq!(screen.feed(1, "$ one\r\n"), []);
    assert_eq!(screen.feed(2, "result\r\n"), []);
    assert_eq!(screen.feed(3, "$ tw"), []);
    assert_eq!(
        at(&screen.feed(4, "o\r\nx\r\n")),
        [(1, "$ one"), (2, "result")]
    );
    let long = screen.feed(5, "a line that wraps\r\n\r\n\r\n");
    assert_eq!(
        at(&long),
        [(4, "$ two"), (4, "x"), (5, "a line that wraps")]
    );
    assert_eq!(
        at(&screen.feed(6, "end\x1bcnew")),
        [(5, ""), (5, ""), (6, "end")]
    );
    assert_eq!(at(&screen.rest()), [(6, "new")]);
}

/// R10: who goes to a row and draws it from its beginning does not go on with the line that wrapped into it: each stands for
/// itself, with its own time, and what stood there whole until then.
#[test]
fn a_row_drawn_anew_is_not_the_rest_of_the_line_above() {
    let mut screen = Scrolling::new(Size::clamped(20, 6));
    let mut lines = screen.feed(1_000_000, "$ run\r\n0123456789 systemctl stop app\r\n");
    lines.extend(screen.feed(5_000_000, "\x1b[3;1H\x1b[1msystemctl start sql\x1b[6;1H"));
    lines.extend(screen.feed(6_000_000, "# top\r\n"));
    lines.extend(screen.rest());
    assert_eq!(
        erased(&lines),
        [(1_000_000, "0123456789 systemctl stop app", 5_000_000)]
    );
    let stayed: Vec<TimedLine> = lines
        .into_iter()
        .filter(|line| line.until_us.is_none() && !line.text.is_empty())
        .collect();
    assert_eq!(
        at(&stayed),
        [
            (1_000_000, "$ run"),
            (1_000_000, "0123456789 systemctl"),
            (5_000_000, "systemctl start sql"),
            (6_000_000, "# top"),
        ]
    );
}

/// What is typed over blanks is no part of the word that it then takes away, nor is its time.
#[test]
fn letters_that_are_being_printed_are_not_of_what_they_take() {
    let mut screen = Scrolling::new(Size::clamped(20, 6));
    let mut lines = screen.feed(1_000_000, "first\r\n  stop app\r\n");
    lines.extend(screen.feed(5_000_000, "\x1b[2;1Hsystemctl\x1b[4;1H"));
    lines.extend(screen.rest());
    assert_eq!(erased(&lines), [(1_000_999, "  stop app", 5_000_000)]);
}

/// A line that goes on being typed in its next row is one line, of the time of its last letter.
#[test]
fn a_line_typed_over_the_edge_is_one_line() {
    let mut screen = Scrolling::new(Size::clamped(20, 6));
    screen.feed(1_000_000, "$ echo 0123456789 ab");
    screen.feed(4_000_000, "cdef\rabcdeg\r\n");
    assert_eq!(
        at(&screen.rest())[0],
        (4_000_000, "$ echo 0123456789 ababcdeg")
    );
}

/// R10: a full-screen program leaves what it showed, between the lines that say when it was there.
#[test]
fn a_full_screen_program_leaves_its_times_and_what_it_showed() {
    let mut screen = Scrolling::new(Size::clamped(20, 3));
    let mut lines = screen.feed(1, "$ vi\r\n");
    lines.extend(screen.feed(2_000_000, "\x1b[?1049h\x1b[2Jtext\r\n~\r\n~"));
    lines.extend(screen.feed(4_000_000, "\x1b[Hmore"));
    lines.extend(screen.feed(9_000_000, "\x1b[?1049l$ "));
    lines.extend(screen.rest());
    assert_eq!(
        at(&lines),
        [
            (2_000_000, "[a full-screen program begins]"),
            (2_000_000, "text"),
            (4_000_000, "more"),
            (2_000_000, "~"),
            (9_000_000, "[the full-screen program ends, after 7 s]"),
            (1, "$ vi"),
            (9_000_000, "$"),
        ]
    );
}

/// One that still has the screen when the channel is closed was there until then, though it printed nothing more.
#[test]
fn a_full_screen_program_that_is_cut_ends_with_its_channel() {
    let mut screen = Scrolling::new(Size::clamped(20, 3));
    let mut lines = screen.feed(2_000_000, "\x1b[?1049h\x1b[2Jtext");
    screen.stays_until(20_600_000);
    lines.extend(screen.rest());
    let ends = (20_600_000, "[the full-screen program ends, after 18 s]");
    assert!(at(&lines).contains(&ends), "{:?}", at(&lines));
    assert_eq!(erased(&lines), [(2_000_000, "text", 20_600_000)]);
}

/// Shown for two seconds and gone: overwritten, erased to the end of its line, wiped with the screen.
#[test]
fn what_was_shown_and_erased_in_place_is_kept() {
    for erase in [
        "\r\x1b[K$ ",
        "\r$ ok             ",
        "\x1b[2K\r$ ",
        "\x1b[H\x1b[J$ ",
        "\x1b[1J\r",
        "\x1b[1;1H\x1b[J",
    ] {
        let mut screen = Scrolling::new(Size::clamped(30, 4));
        let mut lines = screen.feed(1, "secret plan");
        lines.extend(screen.feed(2_000_001, erase));
        lines.extend(screen.feed(4_000_000, "next"));
        assert_eq!(erased(&lines), [(1, "secret plan", 2_000_001)], "{erase:?}");
    }
}

/// `clear` wipes a screen in two ways; what stood there is in the transcript, again and again.
#[test]
fn what_clear_wipes_is_kept() {
    for clear in ["\x1b[H\x1b[2J\x1b[3J", "\x1b[H\x1b[J", "\x1bc"] {
        let mut screen = Scrolling::new(Size::clamped(30, 24));
        let mut lines = Vec::new();
        for round in 0..3 {
            let rows: String = (1..=30)
                .map(|row| format!("row {row} of {round}\r\n"))
                .collect();
            lines.extend(screen.feed(round, &rows));
            lines.extend(screen.feed(round, "Linux\r\n"));
            lines.extend(screen.feed(round, clear));
        }
        lines.extend(screen.rest());
        let texts: Vec<&str> = lines
            .iter()
            .map(|line| line.text.as_str())
            .filter(|text| !text.is_empty())
            .collect();
        let wanted: Vec<String> = (0..3)
            .flat_map(|round| {
                let rows = (1..=30).map(move |row| format!("row {row} of {round}"));
                rows.chain(["Linux".to_owned()])
            })
            .collect();
        assert_eq!(texts, wanted, "{clear:?}");
    }
}

#[test]
fn what_grows_or_moves_was_not_erased() {
    let mut screen = Scrolling::new(Size::clamped(30, 3));
    let mut lines = Vec::new();
    for (second, text) in (1..).zip(["$ l", "s", " -l\r\n", "one\r\n", "two\r\n", "three\r\n"]) {
        lines.extend(screen.feed(second * 1_000_000, text));
    }
    // A region scrolls, as `less` does.
    lines.extend(screen.feed(9_000_000, "\x1b[1;3r\x1b[1;1H\x1bM"));
    lines.extend(screen.resize(10_000_000, Size::clamped(20, 3)));
    lines.extend(screen.feed(11_000_000, "x"));
    assert_eq!(erased(&lines), []);
}

#[test]
fn what_is_not_shown_is_told() {
    let mut screen = Scrolling::new(Size::clamped(60, 4));
    let mut lines = screen.feed(
        1,
        "\x1b]0;a title\x07\x1b]52;c;c2VjcmV0\x07$ \x1b[8mhid\x1b[0m\r\n",
    );
    lines.extend(screen.feed(2, "\x1b[30;40mblack\x1b[m \x1b]0;a title\x07\x1b_unended"));
    lines.extend(screen.rest());
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "[not shown, title: a title]",
            "[not shown, clipboard: secret]",
            "[not shown, application command: unended]",
            "$ hid",
            "[concealed: hid]",
            "black",
            "[concealed: black]",
        ]
    );
}

/// A target that erases without end does not fill the disk of who reads.
#[test]
fn what_is_erased_costs_what_its_bytes_are_worth() {
    let mut screen = Scrolling::new(Size::clamped(500, 200));
    let (mut fed, mut given) = (0, 0);
    for round in 0..2000u64 {
        let text = format!("\x1b[{};1H{round}\x1b[499C.\x1b[2J", round % 200 + 1);
        fed += text.len();
        given += screen
            .feed(round, &text)
            .iter()
            .map(|line| line.text.len())
            .sum::<usize>();
    }
    given += screen
        .rest()
        .iter()
        .map(|line| line.text.len())
        .sum::<usize>();
    assert!(
        given <= fed * 64 + SAVED_SCREENS * 500 * 200 + 200,
        "{given} of {fed}"
    );
}

/// R10: what joins in its script stands in the transcript as it was sent; in any other word it does not.
#[test]
fn joiners_stand_in_the_lines_of_their_scripts() {
    let shown = |text: &str| {
        let mut screen = Scrolling::new(Size::clamped(80, 24));
        screen.feed(1, text);
        let lines = screen.rest();
        lines.first().map(|line| line.text.clone())
    };
    for text in include_str!("../tests/corpus/joined.txt").lines() {
        assert_eq!(shown(text).as_deref(), Some(text));
    }
    assert_eq!(
        shown("pa\u{200d}ss\u{200c}word").as_deref(),
        Some("password")
    );
}
