//! The terminal that a channel asks for.

use ecluse_policy::{Term, TermRefused};

use crate::terminal::Size;

/// A terminal request (RFC 4254 §6.2).
#[derive(Debug, Clone)]
pub(crate) struct TerminalRequest {
    /// Its name, or why a target is not told it.
    pub(crate) term: Result<Term, TermRefused>,
    pub(crate) cols: u32,
    pub(crate) rows: u32,
    /// Its modes, by their opcodes (RFC 4254 §8): among them whether what is typed is echoed.
    pub(crate) modes: Vec<(u8, u32)>,
}

impl TerminalRequest {
    /// A terminal that can do nothing but write lines.
    pub(crate) const PLAIN: &'static str = "dumb";

    /// The name by which the gateway itself writes on it.
    pub(crate) fn name(&self) -> &str {
        self.term.as_ref().map_or(Self::PLAIN, Term::as_str)
    }
}

/// The size that a terminal request tells, bounded to what terminals have.
pub(crate) fn told_size(terminal: &TerminalRequest) -> Size {
    Size::told(terminal.cols, terminal.rows)
}
