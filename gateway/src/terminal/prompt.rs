//! A prompt on one row of the screen: draws the line that is being typed.
//!
//! The text scrolls sideways where it is longer than the row, so that no wrapping can confuse the terminal.

use super::editor::{History, Line, LineEditor, Outcome};
use super::layout::{shorten, width};
use super::{Event, Key, Left, Terminal};

/// A prompt on screen, which can be hidden while something else is printed and shown again.
#[derive(Debug)]
pub struct Prompt {
    label: String,
    editor: LineEditor,
    /// On a plain terminal: what stands on the row already, so that only the difference is written.
    echoed: Option<String>,
    /// The text changed after it was drawn.
    stale: bool,
    /// What is typed is not shown.
    hidden: bool,
}

impl Prompt {
    /// A prompt with `label` before the text; `limit` characters can be typed.
    pub fn new(label: &str, limit: usize) -> Self {
        Self::with_text(label, limit, "")
    }

    /// A prompt that begins with `text`, to be corrected.
    pub fn with_text(label: &str, limit: usize, text: &str) -> Self {
        Self {
            label: label.to_owned(),
            editor: LineEditor::new(limit, text),
            echoed: None,
            stale: false,
            hidden: false,
        }
    }

    /// A prompt that shows nothing of what is typed, for a code.
    pub fn hidden(label: &str, limit: usize) -> Self {
        Self {
            hidden: true,
            ..Self::new(label, limit)
        }
    }

    /// Draws the prompt.
    ///
    /// # Errors
    /// [`Left`] when the person is gone.
    pub async fn show(&mut self, terminal: &mut Terminal) -> Result<(), Left> {
        if terminal.size().is_none() {
            return Ok(());
        }
        if terminal.is_plain() {
            let text = format!("{}{}", self.label, self.shown());
            self.echoed = Some(self.shown());
            return terminal.write(&text).await;
        }
        // Bracketed paste: pasted line ends must not answer the next question too.
        terminal.write("\x1b[?2004h").await?;
        self.draw(terminal).await
    }

    /// Takes the prompt off the row, which is then free for other lines.
    ///
    /// # Errors
    /// [`Left`] when the person is gone.
    pub async fn hide(&mut self, terminal: &mut Terminal) -> Result<(), Left> {
        if terminal.size().is_none() {
            Ok(())
        } else if terminal.is_plain() {
            self.echoed = None;
            terminal.write("\r\n").await
        } else {
            terminal.write("\r\x1b[K").await
        }
    }

    /// Takes one event; `Some` when the line is done. A resize or an end of input is an event too.
    ///
    /// # Errors
    /// [`Left`] when the person is gone.
    pub async fn event(
        &mut self,
        event: Event,
        terminal: &mut Terminal,
        history: Option<&History>,
    ) -> Result<Option<Line>, Left> {
        let outcome = match event {
            // On a plain terminal the cursor cannot move: such keys do nothing.
            Event::Key(key) if terminal.is_plain() && moves(key) => Outcome::Same,
            Event::Key(key) => self.editor.key(key, history),
            Event::Resize(_) => Outcome::Changed,
            // A last line without its line end counts where input is a file or a pipe.
            Event::Eof if !self.editor.is_empty() && terminal.size().is_none() => {
                terminal.end_again();
                Outcome::Done(Line::Text(self.editor.text()))
            }
            Event::Eof => Outcome::Done(Line::End),
        };
        match outcome {
            Outcome::Same => {}
            Outcome::Changed => self.stale = true,
            Outcome::Clear => {
                if !terminal.is_plain() {
                    terminal.write("\x1b[H\x1b[2J").await?;
                }
                self.stale = true;
            }
            Outcome::Done(line) => {
                self.finish(&line, terminal).await?;
                return Ok(Some(line));
            }
        }
        // Pasted text arrives in pieces: draw once, when the last key at hand is in.
        if self.stale && !terminal.has_more_keys() {
            self.draw(terminal).await?;
        }
        Ok(None)
    }

    async fn finish(&mut self, line: &Line, terminal: &mut Terminal) -> Result<(), Left> {
        if terminal.size().is_none() {
            return Ok(());
        }
        self.editor.go_to_end();
        let columns = terminal.size().filter(|_| !terminal.is_plain());
        let text = self.shown();
        match columns.and_then(|size| whole(&self.label, &text, size.cols)) {
            Some(whole) => terminal.write(&whole).await?,
            None => self.draw(terminal).await?,
        }
        let mark = if *line == Line::Interrupted { "^C" } else { "" };
        let paste_off = if terminal.is_plain() {
            ""
        } else {
            "\x1b[?2004l"
        };
        terminal.write(&format!("{mark}{paste_off}\r\n")).await
    }

    async fn draw(&mut self, terminal: &mut Terminal) -> Result<(), Left> {
        self.stale = false;
        let Some(size) = terminal.size() else {
            return Ok(());
        };
        if terminal.is_plain() {
            return self.draw_plain(terminal).await;
        }
        let letters = match self.editor.letters() {
            _ if self.hidden => (&[][..], 0),
            letters => letters,
        };
        terminal.write(&row(&self.label, letters, size.cols)).await
    }

    /// The text as far as it is shown.
    fn shown(&self) -> String {
        if self.hidden {
            String::new()
        } else {
            self.editor.text()
        }
    }

    async fn draw_plain(&mut self, terminal: &mut Terminal) -> Result<(), Left> {
        let text = self.shown();
        let echoed = self.echoed.replace(text.clone()).unwrap_or_default();
        terminal
            .write(&plain_row(&self.label, &echoed, &text))
            .await
    }
}

/// Draws a row of so many columns anew: a label, and the letters that are being typed, with the cursor among them.
pub(super) fn row(label: &str, (letters, at): (&[char], usize), columns: u16) -> String {
    let row = usize::from(columns.max(8)) - 1;
    let typed: String = letters.iter().collect();
    // The label gives way to what is typed, down to half the row.
    let label = shorten(label, row.saturating_sub(width(&typed) + 1).max(row / 2));
    let (shown, cursor) = visible(letters, at, row - width(&label));
    let column = width(&label) + cursor;
    let go = if column == 0 {
        String::new()
    } else {
        format!("\x1b[{column}C")
    };
    format!("\r\x1b[K{label}{shown}\r{go}")
}

/// A line that is done and was shown in part, whole: on as many rows as it takes, for whoever reads it later. None where it
/// stands on one.
pub(super) fn whole(label: &str, text: &str, columns: u16) -> Option<String> {
    let is_cut = width(label) + width(text) + 1 >= usize::from(columns.max(8));
    is_cut.then(|| format!("\r\x1b[K{label}{text}"))
}

/// The same on a terminal on which the cursor cannot move: what is to be written where `echoed` stands.
pub(super) fn plain_row(label: &str, echoed: &str, text: &str) -> String {
    if let Some(added) = text.strip_prefix(echoed) {
        added.to_owned()
    } else if let Some(gone) = echoed.strip_prefix(text) {
        "\x08 \x08".repeat(width(gone))
    } else {
        format!("\r\n{label}{text}")
    }
}

pub(super) fn moves(key: Key) -> bool {
    matches!(
        key,
        Key::Left
            | Key::Right
            | Key::Home
            | Key::End
            | Key::Delete
            | Key::Control('a' | 'b' | 'e' | 'f' | 'k' | 'l')
    )
}

/// The part of `text` around `cursor` that fits into `room` columns, and the cursor's column in it.
fn visible(text: &[char], cursor: usize, room: usize) -> (String, usize) {
    let columns = |chars: &[char]| width(&chars.iter().collect::<String>());
    // The cursor needs a column of its own after the last character.
    let room = room.max(2) - 1;
    let before = text.get(..cursor).unwrap_or(text);
    if columns(text) <= room {
        return (text.iter().collect(), columns(before));
    }
    let mut start = 0;
    while columns(before.get(start..).unwrap_or_default()) > room.saturating_sub(1)
        && start < cursor
    {
        start += 1;
    }
    let mut shown = String::new();
    if start > 0 {
        shown.push('…');
    }
    let lead = width(&shown);
    let column = lead + columns(before.get(start..).unwrap_or_default());
    let tail: String = text.get(start..).unwrap_or_default().iter().collect();
    shown.push_str(&tail);
    (shorten(&shown, room + 1), column)
}

impl Terminal {
    /// Asks for one line of at most `limit` characters.
    ///
    /// # Errors
    /// [`Left`] when the person is gone.
    pub async fn read_line(
        &mut self,
        label: &str,
        limit: usize,
        history: Option<&mut History>,
    ) -> Result<Line, Left> {
        self.ask(Prompt::new(label, limit), history).await
    }

    /// Runs a prepared prompt to its end.
    ///
    /// # Errors
    /// [`Left`] when the person is gone.
    pub async fn ask(
        &mut self,
        mut prompt: Prompt,
        history: Option<&mut History>,
    ) -> Result<Line, Left> {
        prompt.show(self).await?;
        loop {
            let event = self.event().await?;
            if let Some(line) = prompt.event(event, self, history.as_deref()).await? {
                if let (Line::Text(text), Some(history)) = (&line, history) {
                    history.remember(text);
                }
                return Ok(line);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Person, person};
    use super::*;
    use proptest::prelude::*;

    #[tokio::test]
    async fn a_long_line_stays_on_one_row_of_a_narrow_terminal_until_it_is_done() {
        let (mut terminal, mut person) = person(Some((40, 20)), "xterm");
        person
            .types(format!("{}\x1b[D\x1b[D!", "z".repeat(200)).as_bytes())
            .await;
        let rows = |person: &mut Person| {
            let screen = person.screen();
            screen.iter().filter(|row| row.contains('z')).count()
        };
        let mut prompt = Prompt::new("> ", 500);
        prompt.show(&mut terminal).await.unwrap();
        for _ in 0..203 {
            let event = terminal.event().await.unwrap();
            assert_eq!(
                prompt.event(event, &mut terminal, None).await.unwrap(),
                None
            );
        }
        person.sees("zz!").await;
        assert_eq!(rows(&mut person), 1);
        // Whoever looks at it afterwards reads all of it.
        person.types(b"\r").await;
        let event = terminal.event().await.unwrap();
        let line = prompt.event(event, &mut terminal, None).await.unwrap();
        assert_eq!(line, Some(Line::Text(format!("{}!zz", "z".repeat(198)))));
        let whole = format!("> {}!zz", "z".repeat(198));
        person.sees(&whole).await;
    }

    /// A label that fits beside what is typed is whole: nothing is typed on the screen where a code is asked for.
    #[tokio::test]
    async fn a_label_that_fits_is_not_cut() {
        let label = "Code à usage unique : ";
        let (mut terminal, mut person) = person(Some((40, 20)), "xterm");
        person.types(b"123456\r").await;
        let prompt = Prompt::hidden(label, 64);
        let line = terminal.ask(prompt, None).await.unwrap();
        assert_eq!(line, Line::Text("123456".to_owned()));
        person.sees(label.trim_end()).await;
        person.types(b"abcdef\r").await;
        let line = terminal.read_line(label, 64, None).await.unwrap();
        assert_eq!(line, Line::Text("abcdef".to_owned()));
        person.sees(&format!("{label}abcdef")).await;
    }

    #[tokio::test]
    async fn a_dumb_terminal_gets_no_escape_sequence() {
        let (mut terminal, mut person) = person(Some((80, 24)), "dumb");
        person.types(b"ab\x7fc\x1b[D\x15pending\r").await;
        let line = terminal.read_line("> ", 500, None).await.unwrap();
        assert_eq!(line, Line::Text("pending".to_owned()));
        assert!(!person.raw().contains(&0x1b));
    }

    #[tokio::test]
    async fn a_hidden_prompt_shows_nothing_of_what_is_typed() {
        for term in ["xterm", "dumb"] {
            let (mut terminal, mut person) = person(Some((80, 24)), term);
            person.types(b"12x\x7f3456\r").await;
            let prompt = Prompt::hidden("Code: ", 64);
            let line = terminal.ask(prompt, None).await.unwrap();
            assert_eq!(line, Line::Text("123456".to_owned()));
            person.sees("Code: ").await;
            let raw = String::from_utf8_lossy(&person.raw()).into_owned();
            assert!(
                !raw.contains(['2', '5', '6', 'x']) || term == "xterm",
                "{raw:?}"
            );
            assert!(!person.text().contains("12"), "{}", person.text());
        }
    }

    #[tokio::test]
    async fn without_a_terminal_lines_are_read_and_nothing_is_echoed() {
        let (mut terminal, mut person): (_, Person) = person(None, "");
        person.types(b"pending\nlive").await;
        person.ends().await;
        assert_eq!(
            terminal.read_line("> ", 500, None).await.unwrap(),
            Line::Text("pending".to_owned())
        );
        assert_eq!(
            terminal.read_line("> ", 500, None).await.unwrap(),
            Line::Text("live".to_owned())
        );
        assert_eq!(
            terminal.read_line("> ", 500, None).await.unwrap(),
            Line::End
        );
        assert!(person.raw().is_empty());
    }

    proptest! {
        /// No byte sequence breaks the editor, and what it draws never leaves its row.
        #[test]
        fn random_bytes_never_break_the_editor(bytes in proptest::collection::vec(any::<u8>(), 0..600), cols in 1u16..60) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let (mut terminal, mut person) = person(Some((cols, 5)), "xterm");
                person.types(&bytes).await;
                person.ends().await;
                let mut history = History::default();
                while let Ok(line) = terminal.read_line("écluse> ", 100, Some(&mut history)).await {
                    if let Line::Text(text) = &line {
                        assert!(!text.chars().any(char::is_control));
                        assert!(text.chars().count() <= 100);
                    }
                    if line == Line::End && person.ended() {
                        break;
                    }
                }
            });
        }
    }
}
