//! The terminal that a channel asks for, and the size of its window, which changes whenever its user pulls at it.
//!
//! In characters, as recordings keep it. What clients tell in pixels goes no further: a target would get bytes that no
//! recording holds.

use ecluse_policy::{Term, TermRefused};
use russh::Pty;

use crate::terminal::Size;

/// A terminal request (RFC 4254 §6.2).
#[derive(Debug, Clone)]
pub(crate) struct TerminalRequest {
    /// Its name, or why a target is not told it.
    pub(crate) term: Result<Term, TermRefused>,
    pub(crate) cols: u32,
    pub(crate) rows: u32,
    pub(crate) modes: Vec<(Pty, u32)>,
}

impl TerminalRequest {
    /// A terminal that can do nothing but write lines.
    pub(crate) const PLAIN: &'static str = "dumb";

    /// The name by which the gateway itself writes on it.
    pub(crate) fn name(&self) -> &str {
        self.term.as_ref().map_or(Self::PLAIN, Term::as_str)
    }

    /// Its modes as a recording keeps them: among them whether what is typed is echoed.
    pub(super) fn recorded_modes(&self) -> Vec<(u8, u32)> {
        self.modes
            .iter()
            .map(|(mode, value)| (*mode as u8, *value))
            .collect()
    }
}

/// The size of a terminal's window, as an SSH client tells it, in characters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WindowSize {
    pub(crate) cols: u32,
    pub(crate) rows: u32,
}

/// The size that a terminal request tells, bounded to what terminals have.
pub(crate) fn told_size(terminal: &TerminalRequest) -> Size {
    Size::told(terminal.cols, terminal.rows)
}
