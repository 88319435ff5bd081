//! Lines typed while a full-screen program has the screen: an editor takes keys for orders and draws text where it likes, so
//! that nothing comes back in the order in which it was typed. Whether its screen showed a line is asked a little later.

use std::collections::VecDeque;

/// So long a screen has to show what was typed.
pub(super) const SOON_US: u64 = 2_000_000;
/// Letters drawn that are kept.
const KEPT: usize = 16 * 1024;
/// Lines that wait; more are judged at once.
const MOST: usize = 64;
/// Letters of a line that are looked for.
const LOOKED_FOR: usize = 48;
/// Fewer letters in a row are chance.
const RUN: usize = 3;

/// What was drawn of late, without blanks, and the lines that wait to be seen in it.
#[derive(Debug, Default)]
pub(super) struct Drawn {
    letters: String,
    /// Bytes of `letters` that were dropped before those there are.
    dropped: usize,
    takes: bool,
    /// Where the line that is being typed begins.
    begins: usize,
    lines: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    typed: Vec<char>,
    begins: usize,
    until_us: u64,
}

impl Drawn {
    /// Whether a line waits.
    pub(super) fn wants(&self) -> bool {
        !self.lines.is_empty()
    }

    /// Whether what is drawn now is kept.
    pub(super) fn takes(&mut self, takes: bool) {
        self.takes = takes;
    }

    /// The program drew this letter.
    pub(super) fn see(&mut self, letter: char) {
        if !self.takes || letter.is_whitespace() {
            return;
        }
        if self.letters.len() >= 2 * KEPT {
            let cut = self.letters.ceil_char_boundary(KEPT);
            self.letters.drain(..cut);
            self.dropped += cut;
        }
        self.letters.push(letter);
    }

    /// The first letter of a line is typed.
    pub(super) fn line_begins(&mut self) {
        if self.lines.is_empty() {
            self.dropped += self.letters.len();
            self.letters.clear();
        }
        self.begins = self.end();
    }

    /// A line of which nothing came back is sent; how many that were sent before were not seen.
    pub(super) fn line_sent(&mut self, typed: &str, now_us: u64) -> u64 {
        let mut unseen = 0;
        if self.lines.len() >= MOST
            && let Some(first) = self.lines.pop_front()
        {
            unseen += u64::from(!self.shows(&first));
        }
        let letters = typed.chars().filter(|letter| !letter.is_whitespace());
        self.lines.push_back(Waiting {
            typed: letters.take(LOOKED_FOR).collect(),
            begins: self.begins,
            until_us: now_us.saturating_add(SOON_US),
        });
        unseen
    }

    /// How many lines whose time is over were not seen.
    pub(super) fn judge(&mut self, now_us: u64) -> u64 {
        let mut unseen = 0;
        while let Some(first) = self.lines.pop_front_if(|line| line.until_us <= now_us) {
            unseen += u64::from(!self.shows(&first));
        }
        unseen
    }

    fn end(&self) -> usize {
        self.dropped + self.letters.len()
    }

    /// Whether at least half of a line stands in what was drawn since it was begun, in its order, in runs of letters: the
    /// rest are orders to the program.
    fn shows(&self, line: &Waiting) -> bool {
        let from = line.begins.saturating_sub(self.dropped);
        let mut drawn = self.letters.get(from..).unwrap_or(&self.letters);
        let (mut at, mut seen) = (0, 0);
        while let Some(run) = line.typed.get(at..at + RUN) {
            let run: String = run.iter().collect();
            let Some(place) = drawn.find(&run) else {
                at += 1;
                continue;
            };
            let there = drawn.get(place..).unwrap_or_default().chars();
            let rest = line.typed.iter().skip(at).copied();
            let same: Vec<char> = there
                .zip(rest)
                .take_while(|(drawn, typed)| drawn == typed)
                .map(|(letter, _)| letter)
                .collect();
            let length: usize = same.iter().map(|letter| letter.len_utf8()).sum();
            drawn = drawn.get(place + length..).unwrap_or_default();
            at += same.len();
            seen += same.len();
        }
        !line.typed.is_empty() && 2 * seen >= line.typed.len()
    }
}
