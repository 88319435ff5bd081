use super::*;

fn after(output: &str) -> Option<String> {
    let mut order = Order::new(24);
    order.read(output.as_bytes());
    let restored = order.restore();
    // In order then, whatever it was.
    assert_eq!(order.restore(), None);
    restored
}

#[test]
fn a_terminal_that_was_left_in_order_gets_nothing() {
    for output in [
        "",
        "plain text, é, 日本\r\n",
        "\x1b[31mred\x1b[0m",
        "\x1b[1;31mred\x1b[m",
        "\x1b[1;31mred\x1b[22;39m",
        "\x1b[38;5;196mred\x1b[48;2;1;2;3mon\x1b[39;49m",
        "\x1b[4:3mcurly\x1b[4:0m",
        "\x1b[?2004h$ exit\x1b[?2004l\r\n",
        "\x1b[?1049h\x1b[?25l…\x1b[?25h\x1b[?1049l",
        "\x1b[?1000;1006h\x1b[?1006;1000l",
        "\x1b[1;24rfull\x1b[r",
        "\x1b[1;24rfull",
        "\x1b(0lqk\x1b(B",
        "\x0elqk\x0f",
        "\x1b]0;title\x07",
        "\x1b]8;;https://example.test\x1b\\link\x1b]8;;\x1b\\",
        // Saved and brought back, as it was.
        "\x1b7\x1b[31m\x1b(0\x0e\x1b8",
        "\x1b[s\x1b[1;7m\x1b[u",
        "\x1b[31m\x1b8",
        "\x1b[?1048h\x1b[31m\x1b[?1048l",
        "\x1b[?1049h\x1b[31m\x1b[?1049l",
        "\x1b[?1049h\x1b[31m\x1b7\x1b[?1049l",
        "\x1b[?6h\x1b8",
        // Modes that were stored and restored.
        "\x1b[?1s\x1b[?1h\x1b[?1r",
        "\x1b[?25;2004s\x1b[?25l\x1b[?2004h\x1b[?25;2004r",
        "\x1b[?1049s\x1b[?1049h\x1b[?1049r",
        "\x1b[2h\x1b[2l",
        "\x1b[12l\x1b[12h",
        "\x1bn\x0f",
        "\x1bo\x0f",
        "\x1b~\x1b}",
        "\x1b)0\x1b*A\x1b+<\x1b)B\x1b*B\x1b+B",
        "\x1b(%5\x1b(B",
        "\x1b%@\x1b%G",
        "\x1b[?2l\x1b<",
        "\x1b[?69h\x1b[5;20s\x1b[?69l",
        "\x1b]4;1;rgb:f/0/0\x07\x1b]104\x07",
        "\x1b]4;1;red;2;blue\x07\x1b]104;1;2\x07",
        "\x1b]4;1;?\x07\x1b]10;?\x07\x1b]11;?\x1b\\",
        "\x1b]10;red;blue\x07\x1b]110\x07\x1b]111\x07",
        "\x1b]12;red\x1b\\\x1b]112\x1b\\",
        // The second set of controls, in UTF-8.
        "\u{9b}?1049h\u{9b}?1049l",
        "\u{9d}11;red\u{9c}\u{9d}111\u{9c}",
        "\u{90}$q m\u{9c}",
        "\u{e2}\u{a0}\u{c2}",
        "\x1bP$q m\x1b\\",
        "\x1b[?1049h\x1b[?1002h\x1bc",
        "\x1b[>1u\x1b[<u",
        "\x1b[>4;2m\x1b[>4;m",
        "\x1b[2 q\x1b[0 q",
    ] {
        assert_eq!(after(output), None, "{output:?}");
    }
}

#[test]
fn what_was_left_on_is_switched_off_and_nothing_else() {
    for (output, restored) in [
        ("\x1b[?1049hvim", "\x1b[?1049l"),
        ("\x1b[?47h\x1b[?1049h", "\x1b[?47l\x1b[?1049l"),
        ("\x1b[?25l", "\x1b[?25h"),
        ("\x1b[?7l", "\x1b[?7h"),
        ("\x1b[?2004h$ ", "\x1b[?2004l"),
        ("\x1b[?1000h\x1b[?1006h", "\x1b[?1000l\x1b[?1006l"),
        ("\x1b[1;31mred", "\x1b[0m"),
        ("\x1b[31mred\x1b[49m", "\x1b[0m"),
        ("\x1b[38;5;0m", "\x1b[0m"),
        ("\x1b[0;23r", "\x1b7\x1b[r\x1b8"),
        ("\x1b(0lqk", "\x1b(B"),
        ("\x0elqk", "\x0f"),
        ("\x1b=", "\x1b>"),
        ("\x1b[4h", "\x1b[4l"),
        ("\x1b[>1u\x1b[>5u", "\x1b[<2u"),
        ("\x1b[>4;2m", "\x1b[>4m"),
        ("\x1b[6 q", "\x1b[0 q"),
        ("\x1b]8;;https://example.test\x1b\\link", "\x1b]8;;\x1b\\"),
        // Brought back to what had been switched on before.
        ("\x1b[31m\x1b7\x1b[0m\x1b8", "\x1b[0m\x1b7"),
        ("\x1b[31m\x1b[s\x1b[0m\x1b[u", "\x1b[0m\x1b7"),
        ("\x1b(0\x1b7\x1b(B", "\x1b7"),
        ("\x1b[31m\x1b[?1049h\x1b[0m", "\x1b[?1049l\x1b[0m\x1b7"),
        ("\x1b[31m\x1b[?1049h\x1b[0m\x1b[?1049l", "\x1b[0m\x1b7"),
        ("\x1b[?6h\x1b7\x1b[?6l\x1b8", "\x1b[?6l\x1b7"),
        ("\x1b[?1h\x1b[?1s\x1b[?1l\x1b[?1r", "\x1b[?1l"),
        ("\x1b[?25l\x1b[?25s\x1b[?25h\x1b[?25r", "\x1b[?25h"),
        ("\x1b[?8l", "\x1b[?8h"),
        ("\x1b[2h", "\x1b[2l"),
        ("\x1b[12l", "\x1b[12h"),
        ("\x1b[2;12l", "\x1b[12h"),
        ("\x1bn", "\x0f"),
        ("\x1bo", "\x0f"),
        ("\x1b~", "\x1b}"),
        ("\x1b)0", "\x1b)B"),
        ("\x1b*0\x1b/A", "\x1b*B\x1b+B"),
        ("\x1b(%5", "\x1b(B"),
        ("\x1b%@", "\x1b%G"),
        ("\x1b[?2l", "\x1b<"),
        ("\x1b[?69h\x1b[5;20s", "\x1b[?69l"),
        ("\x1b]4;1;rgb:ff/00/00\x07", "\x1b]104\x1b\\"),
        ("\x1b]4;1;red;2;blue\x07\x1b]104;1\x07", "\x1b]104\x1b\\"),
        ("\x1b]5;0;red\x07", "\x1b]105\x1b\\"),
        ("\x1b]10;#ff0000\x07", "\x1b]110\x1b\\"),
        ("\x1b]10;?;blue\x07", "\x1b]111\x1b\\"),
        (
            "\x1b]11;red\x1b\\\x1b]12;red\x1b\\",
            "\x1b]111\x1b\\\x1b]112\x1b\\",
        ),
        ("\u{9b}?1049h\u{9b}31m", "\x1b[0m\x1b[?1049l"),
        ("\u{9d}12;red\u{9c}", "\x1b]112\x1b\\"),
        ("é\u{9b}?25lç", "\x1b[?25h"),
        // What a reset does not reset.
        (
            "\x1b[?1049h\x1b[?2004h\x1b[31m\x1b[!p",
            "\x1b[?2004l\x1b[?1049l",
        ),
        ("\x1b]11;red\x07\x1bc", "\x1b]111\x1b\\"),
        (
            "\x1b[?1049h\x1b[?25l\x1b[7mbar",
            "\x1b[0m\x1b[?25h\x1b[?1049l",
        ),
    ] {
        assert_eq!(after(output).as_deref(), Some(restored), "{output:?}");
    }
}

/// Whatever the pieces in which it arrives.
#[test]
fn a_sequence_in_pieces_is_one_sequence() {
    let mut order = Order::new(24);
    for byte in "text\x1b[?1049;2004h\x1b]0;a [?25l title\x07more".bytes() {
        order.read(&[byte]);
    }
    assert_eq!(order.restore().unwrap(), "\x1b[?2004l\x1b[?1049l");
}

#[test]
fn a_sequence_that_was_cut_in_two_is_ended() {
    assert_eq!(after("\x1b]0;tit").unwrap(), "\x18\x1b\\");
    assert_eq!(after("\x1b[?104").unwrap(), "\x18\x1b\\");
}

#[test]
fn what_no_program_sends_costs_little_and_puts_everything_in_order() {
    let mut order = Order::new(24);
    order.read(b"\x1b[?");
    for _ in 0..100_000 {
        order.read(b"1049;");
    }
    order.read(b"h");
    assert!(order.kept.capacity() < 4 * LONGEST);
    let restored = order.restore().unwrap();
    for part in ["\x1b[?1049l", "\x1b[?25h", "\x1b[0m", "\x1b[?2004l"] {
        assert!(restored.contains(part), "{restored:?}");
    }
}

#[test]
fn colours_without_end_cost_little_and_are_put_back() {
    let mut order = Order::new(24);
    order.read(b"\x1b]4");
    for colour in 0..20_000 {
        order.read(format!(";{};red", colour % 65_536).as_bytes());
    }
    order.read(b"\x07");
    assert!(order.kept.capacity() < 4 * LONGEST);
    for colour in 0..20_000 {
        order.read(format!("\x1b]4;{colour};red\x07").as_bytes());
    }
    let restored = order.restore().unwrap();
    assert_eq!(restored, "\x1b]104\x1b\\");
    assert_eq!(order.restore(), None);
}
