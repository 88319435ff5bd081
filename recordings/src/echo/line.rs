//! A line while it is typed: which of its letters came back, and which have not.

use std::collections::VecDeque;

/// An echo comes within so many letters of other output.
const SOON: usize = 256;
/// …and within so many where a prompt asked for a secret.
const SOON_AFTER_PROMPT: usize = 8;
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
        }
    }

    pub(super) fn add(&mut self, letter: char, end: u64) {
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

    pub(super) fn waits(&self) -> bool {
        !self.failed && !self.missing.is_empty()
    }

    pub(super) fn echoed(&self) -> bool {
        !self.failed && self.missing.is_empty()
    }

    /// Whether at least so many letters were typed, next to none came back, in whatever order, and nothing asked for a
    /// secret. A key that a program swallowed, and a line after it, is not hidden.
    pub(super) fn is_hidden(&self, least: usize) -> bool {
        let typed = self.typed.chars().count();
        !self.asked && typed >= least && self.missing.len() >= typed && 2 * self.alike < typed
    }
}
