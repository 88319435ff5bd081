//! Lines that were typed and not shown: counted apart from what a prompt asked for in secret.

use super::*;

pub(super) fn hidden_lines(said: &[Said<'_>]) -> u64 {
    let mut detector = EchoDetector::new(true);
    for piece in said {
        match piece {
            Typed(text) => detector.input(text.as_bytes()),
            Printed(text) => detector.output(text.as_bytes()),
        }
    }
    detector.finish().hidden_lines
}

/// A line is hidden where none of it came back and nothing asked for a secret.
#[test]
fn lines_typed_without_echo_are_counted() {
    let unseen = [
        Printed("> "),
        Typed("rm -rf /srv\r"),
        Printed("\r\n> "),
        Typed("exit\r"),
        Printed("\r\n"),
    ];
    assert_eq!(hidden_lines(&unseen), 2);
    // One that ends with the end of file is sent as well.
    let sent = [Printed("> "), Typed("rm -rf /srv\x04"), Printed("\r\n> ")];
    assert_eq!(hidden_lines(&sent), 1);
    let secret = [Printed("Password: "), Typed("hunter2\r"), Printed("\r\n$ ")];
    assert_eq!(hidden_lines(&secret), 0);
    let mut shown = vec![Printed("$ ")];
    shown.extend(echoing("ls -l"));
    shown.extend([Typed("\r"), Printed("\r\ntotal 0\r\n$ ")]);
    assert_eq!(hidden_lines(&shown), 0);
    // A key of a pager, and the command after it.
    let mut key = vec![
        Printed("\x1b[?1049h:"),
        Typed("q"),
        Printed("\x1b[?1049l$ "),
    ];
    key.extend(echoing("ls"));
    key.extend([Typed("\r"), Printed("\r\n")]);
    assert_eq!(hidden_lines(&key), 0);
}

/// What a full-screen program draws of a line, wherever and however late within a moment, is no hidden line; what it does not
/// draw is one, and so is what it draws much later.
#[test]
fn a_line_that_a_full_screen_program_draws_is_not_hidden() {
    let count = |pieces: &[(u64, Said<'_>)]| {
        let mut detector = EchoDetector::new(true);
        for (at, piece) in pieces {
            detector.at(*at);
            match piece {
                Typed(text) => detector.input(text.as_bytes()),
                Printed(text) => detector.output(text.as_bytes()),
            }
        }
        detector.finish().hidden_lines
    };
    let padding = "~\r\n".repeat(300);
    let opened = format!("\x1b[?1049h\x1b[1;1H{padding}");
    let begin = || (0, Printed(opened.as_str()));
    let typed = (10, Typed("idroite un\r"));
    let drawn = "\x1b[1;1Hdroite\x1b[24;1H1,7 All\x1b[1;8Hun\x1b[2;1H";
    assert_eq!(count(&[begin(), typed, (1_500_000, Printed(drawn))]), 0);
    assert_eq!(count(&[begin(), typed, (2_500_000, Printed(drawn))]), 1);
    let other = "\x1b[1;1Hload average 0.10\x1b[24;1H1,7 All";
    assert_eq!(count(&[begin(), typed, (20, Printed(other))]), 1);
    // As it is typed, with what stands between.
    let slowly = [
        begin(),
        (10, Typed("i /s")),
        (20, Printed("\x1b[3;4H /s\x1b[K")),
        (30, Typed("sh")),
        (40, Printed("sh")),
        (50, Typed("\r")),
    ];
    assert_eq!(count(&slowly), 0);
    // Without such a program nothing changes.
    let plain = [(0, Printed("$ ")), typed, (1_000_000, Printed(other))];
    assert_eq!(count(&plain), 1);
}
