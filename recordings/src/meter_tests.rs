//! What drawing costs, measured on the operations that the model carries out and on what comes out of them.

use super::*;
use crate::Screen;
use crate::model::Model;
use crate::screen::hostile;
use crate::scrolling::Scrolling;
use avt::observer::{Observation, Observer};
use avt::{Operation, Terminal};
use proptest::prelude::*;

/// Counts the work of every operation that reached the terminal, by its own prices: cells written or blanked, and a
/// row's weight for each row that a letter, a line feed or an erasing may begin.
#[derive(Default)]
struct Work {
    cells: u64,
    evicted: u64,
}

impl Observer for Work {
    type Output = ();

    fn before(&mut self, context: &mut Observation<'_>, operation: &Operation) {
        let (cols, rows) = context.terminal().size();
        let (cols, rows) = (cols as u64, rows as u64);
        let primary = context.terminal().active_screen_kind() == avt::ScreenKind::Primary;
        let Operation::Function(function) = operation else {
            return;
        };
        self.cells += match function {
            Function::Rep(times) => u64::from(*times) + u64::from(*times) / cols * cols,
            Function::Il(n) | Function::Dl(n) | Function::Su(n) | Function::Sd(n) => {
                match u64::from((*n).max(1)).min(rows) {
                    // As a line feed.
                    1 => 1,
                    rows => rows * cols,
                }
            }
            Function::Ed(EdScope::SavedLines) => 0,
            Function::Ed(EdScope::All) if primary => 2 * rows * cols,
            Function::Ed(_) | Function::Decaln => rows * cols,
            Function::Ris => 2 * rows * cols,
            Function::Decset(modes) if primary && modes.as_slice().iter().any(is_alternate) => {
                rows * cols
            }
            // A letter or a line feed may scroll a row, most do nothing like it.
            Function::Print(_) | Function::Lf | Function::Nel | Function::Ri => 1,
            _ => 0,
        };
    }

    fn evicted(&mut self, _: &mut Observation<'_>, _: &avt::Line) {
        self.evicted += 1;
    }

    fn end(&mut self, _: &mut Observation<'_>) {}
}

fn work(size: Size, text: &str) -> (Work, u64) {
    let mut model = Model::new(size);
    let mut work = Work::default();
    model.feed(text, &mut work).unwrap();
    (work, model.left_out())
}

fn most_cells(size: Size, text: &str) -> u64 {
    text.chars().count() as u64 * (CELLS_A_CHARACTER + 1) + SAVED_SCREENS * screen_of(size)
}

/// Every control function that touches more than a row, at its worst, and some that hide among them.
const WORST: &[&str] = &[
    "\x1b[65535b",
    "x\x1b[65535b",
    "\x1b#8",
    "\x1b#8\x1b[65535S",
    "\x1b[65535S",
    "\x1b[200S",
    "\x1b[65535T",
    "\x1b[65535L",
    "\x1b[65535M",
    "\x1bc",
    "x\x1bc",
    "\x1b[2J",
    "x\x1b[2J",
    "\x1b[41m\x1b[2J\x1b[42m\x1b[2J",
    "\x1b[J",
    "\x1b[1J",
    "x\x1b[H\x1b[J",
    "\x1b[?1049h\x1b[?1049l",
    "\x1b[?1047h\x1b[?1047l",
    "\x1b[?1047;1049h\x1b[?1049l",
    "\x1b[2;3r\x1b[65535S",
    "\x1b[4hx\x1b[65535b",
    "\x1b[?6h\x1b[65535M",
];

fn sizes() -> Vec<Size> {
    [(80, 24), (500, 200), (1, 200), (500, 1), (1, 1)]
        .map(|(cols, rows)| Size::clamped(cols, rows))
        .to_vec()
}

/// 24 kB of one sequence may not draw more than 24 kB are worth, whichever sequence it is, however large the window
/// (175 MB of transcript came out of `CSI 65535 b`). What was left out is told.
#[test]
fn the_worst_of_every_sequence_costs_what_its_bytes_are_worth() {
    for size in sizes() {
        for sequence in WORST {
            let text = sequence.repeat(24_000 / sequence.len());
            let (work, left_out) = work(size, &text);
            let most = most_cells(size, &text);
            assert!(
                work.cells <= most,
                "{sequence:?} in {size:?}: {} cells of {most}",
                work.cells
            );
            // Of a row at a time some are honest; what touches a whole screen thousands of times is not.
            if size.rows() > 1
                && size.cols() > 1
                && !["\x1b[J", "\x1b[1J", "\x1b[2J"].contains(sequence)
            {
                assert!(
                    left_out > 0,
                    "{sequence:?} in {size:?} was left out in silence"
                );
            }
            let mut transcript = Scrolling::new(size);
            let mut lines = transcript.feed(1, &text);
            lines.extend(transcript.rest());
            let bytes: usize = lines.iter().map(|line| line.text.len() + 24).sum();
            let bound = text.len() * 64
                + 4 * SAVED_SCREENS as usize
                    * usize::from(size.rows())
                    * (usize::from(size.cols()) + 24);
            assert!(
                bytes <= bound,
                "{sequence:?} in {size:?}: {bytes} bytes of transcript"
            );
            let told = lines
                .iter()
                .filter(|line| line.text.contains("left out"))
                .count();
            assert_eq!(told > 0, left_out > 0, "{sequence:?}");
        }
    }
}

#[test]
fn a_line_without_an_end_is_given_in_pieces() {
    let mut transcript = Scrolling::new(Size::clamped(80, 24));
    let mut longest = 0;
    for at_us in 0..100 {
        let lines = transcript.feed(at_us, &"x".repeat(10_000));
        longest = lines
            .iter()
            .map(|line| line.text.len())
            .max()
            .unwrap_or(0)
            .max(longest);
    }
    assert!(longest > 10_000 && longest < 100_000, "{longest}");
}

/// A technician's window may change as often as it likes: reflowing costs too. The last size is taken in the end.
#[test]
fn sizes_change_as_often_as_there_is_credit_and_the_last_one_stays() {
    let mut screen = Screen::new(Size::clamped(500, 200));
    screen.feed("a line\r\n".repeat(300).as_bytes());
    for round in 0..1000u32 {
        screen.resize(1 + round % 2 * 499, 200);
    }
    screen.resize(120, 40);
    for _ in 0..4000 {
        screen.feed(b"some output that comes afterwards\r\n");
    }
    assert_eq!(screen.size(), Size::clamped(120, 40));
}

/// A person clears a wide screen by hand, and programs draw it anew as often as it can be seen: all of it is drawn.
#[test]
fn recorded_time_brings_credit() {
    let size = Size::clamped(500, 200);
    let mut transcript = Scrolling::new(size);
    for second in 0..600u64 {
        let lines = transcript.feed(second * 500_000, "\x1b[H\x1b[2J\x1b[3J$ ");
        assert!(
            lines.iter().all(|line| !line.text.contains("left out")),
            "{second}"
        );
    }
    assert!(
        transcript
            .rest()
            .iter()
            .all(|line| !line.text.contains("left out"))
    );
}

/// A person who clears again and again, as fast as a hand can, is never told that it was not done: what stood there is
/// in the transcript, and no old cell stays between new ones.
#[test]
fn an_ordinary_clear_is_always_carried_out() {
    let size = Size::clamped(500, 200);
    let (mut screen, mut transcript) = (Screen::new(size), Scrolling::new(size));
    let (mut kept, mut at_us) = (Vec::new(), 0);
    for round in 0..12 {
        let text = format!(
            "$ echo secret-act-{round}; uname; clear\r\nsecret-act-{round}\r\nLinux\r\n\x1b[H\x1b[2J\x1b[3J"
        );
        at_us += 1000;
        screen.passes(std::time::Duration::from_micros(at_us));
        screen.feed(text.as_bytes());
        kept.extend(transcript.feed(at_us, &text));
    }
    assert_eq!(screen.left_out(), 0);
    assert_eq!(screen.plain_text().join("").trim(), "");
    for round in 0..12 {
        let wanted = format!("secret-act-{round}");
        assert!(kept.iter().any(|line| line.text == wanted), "{wanted}");
    }
}

/// Erasing what is blank already changes nothing, so that it may be done for nothing.
#[test]
fn clearing_a_blank_screen_is_not_told() {
    let (_, left_out) = work(
        Size::clamped(80, 24),
        &"\x1b[H\x1b[2J\x1b[3J".repeat(10_000),
    );
    assert_eq!(left_out, 0);
}

fn rows(terminal: &Terminal) -> Vec<String> {
    terminal
        .screen()
        .visible_lines()
        .map(avt::Line::text)
        .collect()
}

/// What programs that people work with printed into a terminal, as it came: drawn as `avt` alone draws it, with nothing
/// left out.
#[test]
fn programs_are_drawn_as_without_a_meter() {
    for program in ["vim", "less", "mc", "htop", "top", "tmux"] {
        for (cols, rows) in [(80, 24), (220, 60)] {
            let name = format!("{program}-{cols}x{rows}");
            let path = format!("{}/tests/corpus/{name}.zst", env!("CARGO_MANIFEST_DIR"));
            let printed = zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap();
            let size = Size::clamped(cols, rows);
            let (mut metered, mut transcript) = (Model::new(size), Scrolling::new(size));
            let mut alone = Terminal::new(cols as usize, rows as usize).unwrap();
            let mut decoder = crate::Utf8Decoder::default();
            for piece in printed.chunks(1000) {
                decoder.feed(piece, |text| {
                    metered.feed(text, &mut ()).unwrap();
                    alone.feed(text);
                    transcript.feed(0, text);
                });
                assert_eq!(self::rows(metered.terminal()), self::rows(&alone), "{name}");
                assert_eq!(metered.terminal().cursor(), alone.cursor(), "{name}");
            }
            assert_eq!(metered.left_out(), 0, "{name}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever comes, mixed however: the cost is bounded by what came.
    #[test]
    fn cost_is_bounded_by_bytes(
        cols in 1u32..120, height in 1u32..60,
        pieces in proptest::collection::vec(prop_oneof![
            2 => proptest::sample::select(WORST).prop_map(str::to_owned),
            1 => hostile().prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
            1 => "[ -~\r\n]{0,40}",
        ], 0..200),
    ) {
        let size = Size::clamped(cols, height);
        let text = pieces.concat();
        let (work, _) = work(size, &text);
        prop_assert!(work.cells <= most_cells(size, &text), "{} cells", work.cells);
    }

    /// However output is cut into pieces, everybody reads the same.
    #[test]
    fn pieces_do_not_matter(
        pieces in proptest::collection::vec(proptest::sample::select(WORST), 1..60),
        cut in 1usize..50,
    ) {
        let size = Size::clamped(60, 20);
        let text = pieces.concat();
        let (mut whole, mut cut_up) = (Model::new(size), Model::new(size));
        whole.feed(&text, &mut ()).unwrap();
        let letters: Vec<char> = text.chars().collect();
        for piece in letters.chunks(cut) {
            cut_up.feed(&piece.iter().collect::<String>(), &mut ()).unwrap();
        }
        prop_assert_eq!(rows(whole.terminal()), rows(cut_up.terminal()));
        prop_assert_eq!(whole.left_out(), cut_up.left_out());
    }

    /// Output of the kind that programs print is drawn as `avt` alone draws it.
    #[test]
    fn ordinary_output_is_drawn_as_without_a_meter(
        lines in proptest::collection::vec("(\x1b\\[[0-9]{1,2}(;[0-9]{1,2})?[HmKABCDGd]|[ -~é水]{0,60}|\r\n|\x1b\\[[1-9][LMPSTX@b]){1,12}", 1..40),
    ) {
        let size = Size::clamped(100, 30);
        let mut metered = Model::new(size);
        let mut alone = Terminal::new(100, 30).unwrap();
        for line in lines {
            metered.feed(&line, &mut ()).unwrap();
            alone.feed(line.as_str());
            prop_assert_eq!(rows(metered.terminal()), rows(&alone));
            prop_assert_eq!(metered.terminal().cursor(), alone.cursor());
        }
        prop_assert_eq!(metered.left_out(), 0);
    }
}
