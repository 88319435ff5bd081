//! A channel that the gateway itself answers: lobby, waiting room, operators' and auditors' dialogues.
//!
//! It knows bytes, sizes and languages, and nothing of SSH: the door pumps [`TerminalEnds`]. Dialogues
//! read [`Event`]s and write lines; they need not know whether there is a pty, how wide it is, or
//! whether it understands escape sequences.
//!
//! Invariant: what is written here comes from our texts and from harmless (neutralised) values; this
//! module adds the only escape sequences there are.

mod aside;
pub mod below;
mod editor;
mod keys;
pub mod layout;
mod prompt;
mod size;
#[cfg(test)]
pub(crate) mod testing;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use ecluse_policy::Lang;
use tokio::sync::mpsc;

use crate::live::Program;

pub(crate) use aside::{Aside, Typed as AsideTyped};
pub use editor::{History, Line};
pub use keys::Key;
use keys::KeyDecoder;
pub use prompt::Prompt;
pub use size::Size;

/// Packets that may wait in either direction before the sender waits.
const QUEUE: usize = 32;
/// Where quoted words are broken without a terminal: no narrower than any window people work in.
const QUOTED: usize = 76;

/// Whether a terminal of this name can do nothing but write lines.
pub(crate) fn only_lines(term: &str) -> bool {
    matches!(term, "" | "dumb" | "unknown" | "network")
}

/// What comes from the person's side. The channel closing means that the person left.
#[derive(Debug, Clone)]
pub enum TerminalInput {
    /// Bytes typed or piped.
    Bytes(Bytes),
    /// The window has another size.
    Resize(Size),
    /// No more input will come; output is still read.
    Eof,
}

/// What goes to the person's side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TerminalOutput {
    /// Standard output.
    Out(Bytes),
    /// Standard error (extended data 1).
    Err(Bytes),
}

/// The door's ends of a [`Terminal`].
#[derive(Debug)]
pub struct TerminalEnds {
    /// Where the door puts what the client sends. Dropping it says that the person left.
    pub input: mpsc::Sender<TerminalInput>,
    /// What the door sends to the client. It ends when the dialogue is over.
    pub output: mpsc::Receiver<TerminalOutput>,
}

/// The person is gone: the dialogue has nobody left to talk to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the person left")]
pub struct Left;

/// One thing that happened on the person's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A key.
    Key(Key),
    /// The window changed; [`Terminal::size`] already says the new size.
    Resize(Size),
    /// The input ended.
    Eof,
}

/// A person's terminal, or pipe.
#[derive(Debug)]
pub struct Terminal {
    size: Option<Size>,
    plain: bool,
    lang: Lang,
    input: mpsc::Receiver<TerminalInput>,
    output: mpsc::Sender<TerminalOutput>,
    decoder: KeyDecoder,
    keys: VecDeque<Key>,
    ended: bool,
    /// A status line stands on the current row, and below it nothing.
    status: bool,
    /// The program that shows it.
    program: Option<Arc<dyn Program>>,
}

impl Terminal {
    /// A terminal and the door's ends of it. `size` is `None` without a pty; `term` is the client's `TERM`.
    pub fn new(size: Option<Size>, term: &str, lang: Lang) -> (Self, TerminalEnds) {
        let (input_sender, input) = mpsc::channel(QUEUE);
        let (output, output_receiver) = mpsc::channel(QUEUE);
        let terminal = Self {
            size,
            plain: only_lines(term),
            lang,
            input,
            output,
            decoder: KeyDecoder::default(),
            keys: VecDeque::new(),
            ended: false,
            status: false,
            program: None,
        };
        let ends = TerminalEnds {
            input: input_sender,
            output: output_receiver,
        };
        (terminal, ends)
    }

    /// The same, shown by `program`, which can be asked whether it is there.
    pub(crate) fn by(self, program: Option<Arc<dyn Program>>) -> Self {
        Self { program, ..self }
    }

    /// The program that shows it.
    pub(crate) fn program(&self) -> Option<Arc<dyn Program>> {
        self.program.clone()
    }

    /// The size, `None` without a pty.
    pub fn size(&self) -> Option<Size> {
        self.size
    }

    /// The person's language.
    pub fn lang(&self) -> Lang {
        self.lang
    }

    /// Whether the terminal takes no escape sequences (or there is none).
    pub fn is_plain(&self) -> bool {
        self.plain || self.size.is_none()
    }

    /// The columns that a table may take; `None` without a pty, where lines are as long as they are.
    pub fn columns(&self) -> Option<usize> {
        self.size.map(|size| usize::from(size.cols))
    }

    /// `text` in bold, where the terminal can.
    pub fn bold(&self, text: &str) -> String {
        self.styled("1", text)
    }

    /// `text` dimmed, where the terminal can.
    pub fn dim(&self, text: &str) -> String {
        self.styled("2", text)
    }

    /// `text` in a colour (SGR code), where the terminal can.
    pub fn styled(&self, sgr: &str, text: &str) -> String {
        if self.is_plain() || text.is_empty() {
            text.to_owned()
        } else {
            format!("\x1b[{sgr}m{text}\x1b[0m")
        }
    }

    /// The next thing that happens on the person's side. Cancel safe: nothing is lost when the
    /// future is dropped.
    ///
    /// # Errors
    /// [`Left`] when the person is gone.
    pub async fn event(&mut self) -> Result<Event, Left> {
        loop {
            if let Some(key) = self.keys.pop_front() {
                return Ok(Event::Key(key));
            }
            if std::mem::take(&mut self.ended) {
                return Ok(Event::Eof);
            }
            match self.input.recv().await {
                Some(TerminalInput::Bytes(bytes)) => self.decoder.feed(&bytes, &mut self.keys),
                Some(TerminalInput::Resize(size)) => {
                    self.size = self.size.map(|_| size);
                    return Ok(Event::Resize(size));
                }
                Some(TerminalInput::Eof) => self.ended = true,
                None => return Err(Left),
            }
        }
    }

    /// Whether keys are at hand that were already received.
    pub fn has_more_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Whether something can be written without waiting. Who draws leaves out what a slow terminal has no time for.
    pub fn has_room(&self) -> bool {
        self.output.capacity() > QUEUE / 2
    }

    /// Says once more that the input ended, for a reader who took its last line first.
    fn end_again(&mut self) {
        self.ended = true;
    }

    /// Forgets what was typed ahead: it must not answer a question that had not been asked.
    pub fn forget_typed_ahead(&mut self) {
        self.keys.clear();
        while let Ok(input) = self.input.try_recv() {
            match input {
                TerminalInput::Bytes(_) => {}
                TerminalInput::Resize(size) => self.size = self.size.map(|_| size),
                TerminalInput::Eof => self.ended = true,
            }
        }
        self.decoder = KeyDecoder::default();
    }

    /// Writes a paragraph: wrapped between words where there is a terminal, as it is otherwise.
    ///
    /// # Errors
    /// [`Left`] when the person is gone.
    pub async fn line(&mut self, text: &str) -> Result<(), Left> {
        self.hanging(text, 0).await
    }

    /// Like [`Terminal::line`], with the second and following lines indented by `hanging` more columns.
    ///
    /// # Errors
    /// [`Left`] when the person is gone.
    pub async fn hanging(&mut self, text: &str, hanging: usize) -> Result<(), Left> {
        let mut out = self.take_status();
        match self.columns() {
            Some(columns) => {
                for line in layout::wrap(text, columns, hanging) {
                    out.push_str(&line);
                    out.push_str("\r\n");
                }
            }
            None => {
                out.push_str(text);
                out.push('\n');
            }
        }
        self.write(&out).await
    }

    /// Writes somebody's words so that none of them can be taken for a line of the gateway: a mark begins each of their
    /// lines, at `indent`. Without a terminal they are broken at [`QUOTED`] columns, lest whoever shows them does it.
    ///
    /// # Errors
    /// [`Left`] when the person is gone.
    pub async fn quoted(&mut self, indent: usize, words: &str) -> Result<(), Left> {
        let room = self.columns().unwrap_or(QUOTED).saturating_sub(indent + 2);
        for line in layout::wrap(words, room, 0) {
            self.line(&format!("{}│ {line}", " ".repeat(indent)))
                .await?;
        }
        Ok(())
    }

    /// Writes a table (see [`layout::table`]); the heads are dimmed.
    ///
    /// # Errors
    /// [`Left`] when the person is gone.
    pub async fn table(&mut self, heads: &[String], rows: &[Vec<String>]) -> Result<(), Left> {
        self.table_giving(heads, rows, &[]).await
    }

    /// Like [`Terminal::table`], with columns that give way where it is too wide.
    ///
    /// # Errors
    /// [`Left`] when the person is gone.
    pub async fn table_giving(
        &mut self,
        heads: &[String],
        rows: &[Vec<String>],
        gives: &[layout::Gives],
    ) -> Result<(), Left> {
        let heads: Vec<String> = heads.iter().map(|head| self.dim(head)).collect();
        for line in layout::table(&heads, rows, gives, self.columns(), self.colon()) {
            self.hanging(&line, 2).await?;
        }
        Ok(())
    }

    /// A colon as the person's language writes it.
    fn colon(&self) -> &'static str {
        match self.lang {
            Lang::Fr => "\u{a0}:",
            Lang::En => ":",
        }
    }

    /// Writes labelled values, the labels in a column of their own; on a narrow terminal each value
    /// follows its label.
    ///
    /// # Errors
    /// [`Left`] when the person is gone.
    pub async fn fields(&mut self, fields: &[(String, String)]) -> Result<(), Left> {
        let widest = fields
            .iter()
            .map(|(label, _)| layout::width(label))
            .max()
            .unwrap_or(0);
        let narrow = self.columns().is_some_and(|columns| columns < widest + 32);
        for (label, value) in fields {
            if narrow {
                let text = format!("{}{} {value}", self.dim(label), self.colon());
                self.hanging(&text, 2).await?;
            } else {
                let label = self.dim(&layout::pad(label, widest));
                self.hanging(&format!("  {label}  {value}"), widest + 2)
                    .await?;
            }
        }
        Ok(())
    }

    /// Writes a paragraph to standard error. With a pty there is only one stream, as everywhere.
    ///
    /// # Errors
    /// [`Left`] when the person is gone.
    pub async fn err_line(&mut self, text: &str) -> Result<(), Left> {
        self.err_hanging(text, 0).await
    }

    /// Like [`Terminal::err_line`], with the second and following lines indented by `hanging` more columns.
    ///
    /// # Errors
    /// [`Left`] when the person is gone.
    pub async fn err_hanging(&mut self, text: &str, hanging: usize) -> Result<(), Left> {
        if self.size.is_some() {
            return self.hanging(text, hanging).await;
        }
        self.send(TerminalOutput::Err(Bytes::from(format!("{text}\n"))))
            .await
    }

    /// Shows `text` on the row of the live status line, replacing what stood there. Drawn in one write
    /// and only over itself, so that nothing flickers. A plain terminal gets nothing: there the caller
    /// writes lines, sparingly.
    ///
    /// # Errors
    /// [`Left`] when the person is gone.
    pub async fn status(&mut self, text: &str) -> Result<(), Left> {
        let Some(size) = self.size else {
            return Ok(());
        };
        if self.plain {
            return Ok(());
        }
        let row = usize::from(size.cols.max(2)) - 1;
        let text = layout::shorten(text, row);
        self.status = true;
        // The cursor waits at its beginning: where a narrower window folds the row, in whichever way, the next one is
        // drawn from there on and nothing of the old one is left.
        self.write(&format!("\r{text}\x1b[J\r")).await
    }

    /// Takes the live status line off the screen.
    ///
    /// # Errors
    /// [`Left`] when the person is gone.
    pub async fn end_status(&mut self) -> Result<(), Left> {
        let out = self.take_status();
        if out.is_empty() {
            Ok(())
        } else {
            self.write(&out).await
        }
    }

    fn take_status(&mut self) -> String {
        if std::mem::take(&mut self.status) {
            "\r\x1b[J".to_owned()
        } else {
            String::new()
        }
    }

    /// Writes to standard output as it is: our own sequences and harmless text only.
    ///
    /// # Errors
    /// [`Left`] when the person is gone.
    pub async fn write(&mut self, text: &str) -> Result<(), Left> {
        if text.is_empty() {
            return Ok(());
        }
        self.send(TerminalOutput::Out(Bytes::copy_from_slice(text.as_bytes())))
            .await
    }

    async fn send(&mut self, output: TerminalOutput) -> Result<(), Left> {
        self.output.send(output).await.map_err(|_| Left)
    }
}

#[cfg(test)]
mod tests {
    use super::testing::person;
    use super::*;

    #[tokio::test]
    async fn a_status_line_replaces_itself_and_makes_room_for_lines() {
        let (mut terminal, person) = person(Some((40, 10)), "xterm");
        terminal.status("29:59 left").await.unwrap();
        terminal.status("29:58 left").await.unwrap();
        terminal.line("seen by odile").await.unwrap();
        terminal.status("29:57 left").await.unwrap();
        drop(terminal);
        let mut person = person;
        person.sees("29:57").await;
        assert_eq!(person.screen(), ["seen by odile", "29:57 left"]);
    }

    /// A window that is pulled narrower folds the row: the next status line is drawn from its beginning, over all of it.
    #[tokio::test]
    async fn a_status_line_leaves_nothing_behind_where_the_window_narrows() {
        let (mut terminal, mut person) = person(Some((40, 10)), "xterm");
        terminal.line("seen by odile").await.unwrap();
        terminal.status(&"x".repeat(39)).await.unwrap();
        person.sees("xxx").await;
        let raw = String::from_utf8_lossy(&person.raw()).into_owned();
        assert!(raw.ends_with('\r'), "{raw:?}");
        terminal.status("short").await.unwrap();
        person.sees("short").await;
        let raw = String::from_utf8_lossy(&person.raw()).into_owned();
        assert!(raw.ends_with("\rshort\x1b[J\r"), "{raw:?}");
        assert_eq!(person.screen(), ["seen by odile", "short"]);
    }

    #[tokio::test]
    async fn a_status_line_fits_a_terminal_of_any_width() {
        for cols in [1, 2, 5, 40] {
            let (mut terminal, mut person) = person(Some((cols, 10)), "xterm");
            terminal.status(&"x".repeat(100)).await.unwrap();
            terminal.status(&"y".repeat(100)).await.unwrap();
            drop(terminal);
            person.leaves();
            let (text, _) = person.all().await;
            assert!(!text.contains('\n'), "{cols} columns: {text:?}");
        }
    }

    #[tokio::test]
    async fn without_a_pty_errors_go_to_the_error_stream() {
        let (mut terminal, person) = person(None, "");
        terminal.line("out").await.unwrap();
        terminal.err_line("err").await.unwrap();
        drop(terminal);
        let (out, err) = person.all().await;
        assert_eq!((out.as_str(), err.as_str()), ("out\n", "err\n"));
    }

    #[tokio::test]
    async fn a_person_who_leaves_is_noticed() {
        let (mut terminal, mut person) = person(Some((80, 24)), "xterm");
        person.resizes(60, 20).await;
        person.leaves();
        assert_eq!(
            terminal.event().await,
            Ok(Event::Resize(Size { cols: 60, rows: 20 }))
        );
        assert_eq!(terminal.event().await, Err(Left));
    }

    #[test]
    fn a_told_size_is_never_zero_nor_huge() {
        assert_eq!(Size::told(0, 0), Size { cols: 80, rows: 24 });
        assert_eq!(
            Size::told(u32::MAX, 3),
            Size {
                cols: 1000,
                rows: 3
            }
        );
    }
}
