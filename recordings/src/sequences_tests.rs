//! What is cut out of an output, and told.

use super::*;
use proptest::prelude::*;

/// What is shown, and what is told.
fn read(pieces: &[&str]) -> (String, Vec<String>) {
    let (shown, hidden) = cut(pieces);
    let told = hidden.iter().filter(|one| one.says_something());
    (shown, told.map(Hidden::told).collect())
}

/// What is shown, and what is not.
fn cut(pieces: &[&str]) -> (String, Vec<Hidden>) {
    let (mut shown, mut hidden) = (String::new(), Vec::new());
    let mut sequences = Sequences::default();
    let mut out = |piece: Piece<'_>| match piece {
        Piece::Letter(letter) => shown.push(letter),
        Piece::Sequence(_) => {}
        Piece::Hidden(one) => hidden.push(one),
    };
    for piece in pieces {
        for letter in piece.chars() {
            sequences.letter(letter, &mut out);
        }
    }
    sequences.end(&mut out);
    (shown, hidden)
}

#[test]
fn what_is_hidden_is_told_by_its_name() {
    for (text, told) in [
        ("\x1b]0;a title\x07", "title: a title"),
        ("\x1b]2;a title\x1b\\", "title: a title"),
        ("\x1b]52;c;cm0gLXJmIC8=\x07", "clipboard: rm -rf /"),
        ("\x1b]52;c;not base64!\x07", "clipboard: not base64!"),
        ("\x1b]8;;http://x/\x1b\\", "link: http://x/"),
        (
            "\x1b]7;file://db01/srv\x07",
            "working directory: file://db01/srv",
        ),
        ("\x1b]1337;x=1\x07", "command: 1337;x=1"),
        ("\x1b]11;not a colour\x07", "command: 11;not a colour"),
        ("\x1bPpayload\x1b\\", "device control string: payload"),
        ("\x1b_payload\x1b\\", "application command: payload"),
        ("\x1b^payload\x1b\\", "private message: payload"),
        ("\x1bXpayload\x1b\\", "string: payload"),
        ("\x1b]0;\u{202e}x\x07", "title: ‹U+202E›x"),
        ("\x1b]2no semicolon\x07", "title: no semicolon"),
        ("\x1b]lof old\x1b\\", "title: of old"),
        ("\x1b]0;⒮⒠⒞\x07", "title: ⒮⒠⒞"),
        ("\x1b]2;🇸🇪\x07", "title: 🇸🇪"),
        ("\x1b]2;⠎⠑⠉\x07", "title: ⠎⠑⠉"),
        ("\x1b]0;x\r   \x07", "title: x␍   "),
        ("\x1b^a\r\nb\x1b[m", "private message: a␍␊b"),
    ] {
        assert_eq!(
            read(&[text]).1,
            [format!("[not shown, {told}]")],
            "{text:?}"
        );
    }
    for usual in [
        "\x1b]0;\x07",
        "\x1b]8;;\x1b\\",
        "\x1b]11;?\x07",
        "\x1b]4;1;rgb:ff/00/00\x1b\\",
        "\x1b]133;A\x07",
        "\x1bP$qm\x1b\\",
        "\x1b[31m",
    ] {
        assert_eq!(read(&[usual]), (String::new(), vec![]), "{usual:?}");
    }
    let long = format!("\x1b]0;{}\x07", "x".repeat(5000));
    assert!(read(&[&long]).1[0].ends_with("x … and 906 more]"));
}

proptest! {
    /// Where the output is cut changes nothing, and no line feed is ever swallowed: it is shown, or hidden and kept.
    #[test]
    fn cutting_changes_nothing_and_line_feeds_stay(text in "(\x1b[\\]P_^X\\[k(]?|[a-z0-9;?水\u{301}]|\n|\x07|\x18|\x1b\\\\){0,40}", place in 0usize..60) {
        let place = (0..=place.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let whole = read(&[&text]);
        let (before, after) = text.split_at(place);
        prop_assert_eq!(&read(&[before, after]), &whole);
        let (shown, hidden) = cut(&[&text]);
        let feeds = |text: &str| text.matches('\n').count();
        let kept: usize = hidden.iter().map(|one| feeds(&one.text)).sum();
        prop_assert_eq!(feeds(&shown) + kept, feeds(&text));
    }
}

/// Beyond the 256th of one moment they are counted, and the last is told: it is the title that stays.
#[test]
fn the_last_of_many_titles_is_told() {
    let mut withheld = Withheld::default();
    for number in 0..300 {
        let text = format!("0;title {number}");
        withheld.keep(Hidden::new(Kind::Osc, text));
    }
    let told: Vec<String> = withheld.take().iter().map(Hidden::told).collect();
    assert_eq!(told.len(), 258);
    assert_eq!(
        told[256..],
        [
            "[not shown: 43 more that were hidden at once]",
            "[not shown, title: title 299]"
        ]
    );
    assert_eq!(withheld.take(), []);
}
