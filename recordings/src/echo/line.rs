//! A line while it is typed: which of its letters came back, and which have not.

use std::collections::VecDeque;

/// An echo comes within so many letters of other output.
const SOON: usize = 256;
/// …and within so many where a prompt asked for a secret.
const SOON_AFTER_PROMPT: usize = 8;
/// As many keys of a full-screen program may begin a line that goes on where the program has ended: more may be words.
const KEYS: usize = 3;
/// Longest line; beyond, it is masked.
pub(super) const MAX_TYPED: usize = 4096;

/// The line being typed.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) typed: String,
    /// Letters whose echo has not come.
    pub(super) missing: VecDeque<char>,
    /// Letters of output since the last echo or the first missing letter.
    waited: usize,
    /// Letters of output that are among those missing, whatever their order.
    alike: usize,
    pub(super) failed: bool,
    /// The output before it asked for a secret.
    pub(super) asked: bool,
    /// Keys that a full-screen program took before it gave the screen back, and where they end: what follows is judged
    /// without them.
    keys: Option<(VecDeque<char>, u64)>,
}

impl Line {
    pub(super) fn new(start: u64, asked: bool) -> Self {
        Line {
            start,
            end: start,
            typed: String::new(),
            missing: VecDeque::new(),
            waited: 0,
            alike: 0,
            failed: false,
            asked,
            keys: None,
        }
    }

    /// A letter is typed; whether the output before it asked for a secret.
    pub(super) fn add(&mut self, letter: char, end: u64, asked: bool) {
        if self
            .keys
            .as_ref()
            .is_some_and(|(_, keys)| *keys == self.end)
        {
            self.asked = asked;
        }
        self.end = end;
        if self.typed.len() >= MAX_TYPED {
            self.failed = true;
            return;
        }
        self.typed.push(letter);
        if self.missing.is_empty() {
            self.waited = 0;
        }
        self.missing.push_back(letter);
    }

    pub(super) fn erase(&mut self) {
        self.typed.pop();
        // Erased before it came back: there is no telling whether it would have.
        if self.missing.pop_back().is_some() {
            self.failed = true;
        }
    }

    pub(super) fn see(&mut self, letter: char) {
        if self.waits() && self.missing.contains(&letter) {
            self.alike += 1;
        }
        if !self.waits() {
            return;
        }
        if self.missing.front() == Some(&letter) {
            self.missing.pop_front();
            self.waited = 0;
            return;
        }
        self.waited += 1;
        if self.waited > if self.asked { SOON_AFTER_PROMPT } else { SOON } {
            self.failed = true;
        }
    }

    /// A full-screen program gave the screen back: what it took of the line, a pager's `q` above all, it did not echo, and
    /// nothing follows from that for what is typed from here on.
    pub(super) fn screen_back(&mut self) {
        let typed = self.typed.chars().count();
        if self.keys.is_none()
            && !self.failed
            && !self.asked
            && typed <= KEYS
            && self.missing.len() == typed
        {
            self.keys = Some((std::mem::take(&mut self.missing), self.end));
        }
    }

    /// Where the keys of a full-screen program end, if all that was typed after them came back.
    pub(super) fn keys_alone(&self) -> Option<u64> {
        let (_, end) = self.keys.as_ref()?;
        (!self.failed && self.missing.is_empty()).then_some(*end)
    }

    /// The line with its keys, as one that was not echoed.
    pub(super) fn whole(mut self) -> Self {
        if let Some((mut keys, _)) = self.keys.take() {
            keys.append(&mut self.missing);
            self.missing = keys;
        }
        self
    }

    pub(super) fn waits(&self) -> bool {
        !self.failed && !self.missing.is_empty()
    }

    pub(super) fn echoed(&self) -> bool {
        !self.failed && self.missing.is_empty() && self.keys.is_none()
    }

    /// Whether at least so many letters were typed, next to none came back, in whatever order, and nothing asked for a
    /// secret. A key that a program swallowed, and a line after it, is not hidden.
    pub(super) fn is_hidden(&self, least: usize) -> bool {
        let typed = self.typed.chars().count();
        !self.asked && typed >= least && self.missing.len() >= typed && 2 * self.alike < typed
    }
}
