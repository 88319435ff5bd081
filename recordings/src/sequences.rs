//! Control sequences, cut out of what a target prints: what a terminal shows goes on, what it hides is told.
//!
//! Terminals agree on whole sequences and differ on those that never end, or end oddly. Where `xterm` and `tmux` agree, so
//! does this; where one of them shows more, so does this, because whoever reads a recording must see at least what the
//! technician may have seen (`adr/0019-what-was-shown.md`, `tests/shown.rs`). Only whole sequences come out of here: nothing
//! behind it can be left waiting for an end that a target never sends.

/// A string that a target never ends is ended by a terminal after so much time, …
const LONGEST_US: u64 = 5_000_000;
/// … or after so many letters.
const LONGEST_STRING: usize = 1 << 20;
/// No sequence but a string is so long.
const LONGEST_SEQUENCE: usize = 256;
/// So much of a string is kept to be told, and so much of what follows a line end in it waits for the string's end.
const TOLD: usize = 4096;

/// So much that is not shown is kept until somebody asks for it.
const MOST_HIDDEN: usize = 256;

/// What comes out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// A letter, or a control character to be carried out.
    Letter(char),
    /// A whole sequence, from its `ESC` to its last letter.
    Sequence(&'a str),
    /// What a terminal does not show.
    Hidden(Hidden),
}

/// What a string kept from the screen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Hidden {
    kind: Kind,
    text: String,
    /// Letters that are not in `text`.
    more: usize,
}

/// What hides text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Osc,
    Dcs,
    Sos,
    Pm,
    Apc,
    /// A sequence that was never ended.
    Csi,
    /// Marks beyond what is kept of them.
    Marks,
    /// Nothing hides it, but the model behind does not draw it.
    Rectangles,
    /// An older terminal's sequences from here on, in which the letters of others are text.
    Vt52,
    /// More of all these than are told, and how many.
    More(u64),
}

/// The state between two letters.
#[derive(Debug, Default)]
pub(crate) struct Sequences {
    state: State,
    /// The sequence so far, or the string.
    held: String,
    more: usize,
    /// What stands behind the first line end of a string: hidden once the string ends, shown if it never does.
    tail: String,
    /// The sequences are those of a VT52 (DECANM reset).
    vt52: bool,
    now_us: u64,
    since_us: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    /// After `ESC`, with what stands between it and its last letter.
    Escape,
    Control,
    String(Kind),
    /// `ESC` inside a string.
    StringEscape(Kind),
    /// After a VT52's `ESC Y`: a row and a column come.
    Address,
}

impl Sequences {
    /// Recorded time goes on.
    pub(crate) fn passes(&mut self, at_us: u64) {
        self.now_us = self.now_us.max(at_us);
    }

    /// Whether what waits for its end has done so for too long: it has to be [given up](Self::end).
    pub(crate) fn is_overdue(&self) -> bool {
        self.state != State::Ground && self.now_us.saturating_sub(self.since_us) >= LONGEST_US
    }

    /// Takes the next letter.
    pub(crate) fn letter(&mut self, letter: char, out: &mut impl FnMut(Piece<'_>)) {
        match self.state {
            State::Ground => self.ground(letter, out),
            State::Escape => self.escape(letter, out),
            State::Control => self.control(letter, out),
            State::String(kind) => self.string(kind, letter, out),
            State::StringEscape(kind) => self.after_escape(kind, letter, out),
            State::Address => self.address(letter, out),
        }
    }

    /// Nothing that waits for its end will get one.
    pub(crate) fn end(&mut self, out: &mut impl FnMut(Piece<'_>)) {
        self.give_up(out);
    }

    fn ground(&mut self, letter: char, out: &mut impl FnMut(Piece<'_>)) {
        match letter {
            '\x1b' => self.begin(),
            // A terminal ignores them; so it does with the 8-bit controls once they are decoded from UTF-8.
            '\0' | '\x18' | '\x1a' | '\x7f'..='\u{9f}' => {}
            letter => out(Piece::Letter(letter)),
        }
    }

    fn begin(&mut self) {
        self.state = State::Escape;
        self.since_us = self.now_us;
        self.more = 0;
        self.held.clear();
        self.held.push('\x1b');
    }

    fn escape(&mut self, letter: char, out: &mut impl FnMut(Piece<'_>)) {
        let first = self.held.len() == 1;
        match letter {
            '\x1b' => self.begin(),
            '\x18' | '\x1a' => self.state = State::Ground,
            '\0' | '\x7f'..='\u{9f}' => {}
            '\x01'..='\x1f' => out(Piece::Letter(letter)),
            'Y' if first && self.vt52 => self.state = State::Address,
            'A'..='D' | 'H'..='K' | '<' if first && self.vt52 => self.of_vt52(letter, out),
            '[' if first => {
                self.held.push(letter);
                self.state = State::Control;
            }
            ']' if first => self.begin_string(Kind::Osc),
            'P' if first => self.begin_string(Kind::Dcs),
            'X' if first => self.begin_string(Kind::Sos),
            '^' if first => self.begin_string(Kind::Pm),
            '_' if first => self.begin_string(Kind::Apc),
            ' '..='/' if self.held.len() < LONGEST_SEQUENCE => self.held.push(letter),
            '0'..='~' => {
                self.held.push(letter);
                self.state = State::Ground;
                out(Piece::Sequence(&self.held));
            }
            // What belongs to no sequence is shown.
            letter => {
                self.state = State::Ground;
                out(Piece::Letter(letter));
            }
        }
    }

    /// A VT52's sequence of one letter, as what other terminals have for it.
    fn of_vt52(&mut self, letter: char, out: &mut impl FnMut(Piece<'_>)) {
        self.state = State::Ground;
        match letter {
            '<' => self.vt52 = false,
            'I' => out(Piece::Sequence("\x1bM")),
            letter => {
                self.held.push('[');
                self.held.push(letter);
                out(Piece::Sequence(&self.held));
            }
        }
    }

    /// A row and a column, each a letter from the blank on.
    fn address(&mut self, letter: char, out: &mut impl FnMut(Piece<'_>)) {
        match letter {
            '\x1b' => self.begin(),
            '\0'..='\x1f' | '\x7f'..='\u{9f}' => {
                self.state = State::Ground;
                self.ground(letter, out);
            }
            letter if self.held.len() == 1 => self.held.push(letter),
            column => {
                let row = self.held.chars().last().unwrap_or(' ');
                let place = |letter: char| u32::from(letter).saturating_sub(31).max(1);
                let address = format!("\x1b[{};{}H", place(row), place(column));
                self.state = State::Ground;
                out(Piece::Sequence(&address));
            }
        }
    }

    /// Whether a sequence sets or resets the mode that other terminals' sequences are understood in.
    fn notes_mode(&mut self, out: &mut impl FnMut(Piece<'_>)) {
        let Some(modes) = self.held.strip_prefix("\x1b[?") else {
            return;
        };
        let (list, last) = modes.split_at(modes.len().saturating_sub(1));
        let names = |mode: &str| mode.trim_start_matches('0') == "2";
        if !matches!(last, "h" | "l") || !list.split(';').any(names) {
            return;
        }
        let was = std::mem::replace(&mut self.vt52, last == "l");
        if self.vt52 && !was {
            out(Piece::Hidden(Hidden::new(Kind::Vt52, String::new())));
        }
    }

    fn control(&mut self, letter: char, out: &mut impl FnMut(Piece<'_>)) {
        match letter {
            '\x1b' => self.begin(),
            '\x18' | '\x1a' => self.state = State::Ground,
            '\0' | '\x7f'..='\u{9f}' => {}
            '\x01'..='\x1f' => out(Piece::Letter(letter)),
            '@'..='~' => {
                self.held.push(letter);
                self.state = State::Ground;
                self.notes_mode(out);
                out(Piece::Sequence(&self.held));
            }
            ' '..='?' if self.held.len() < LONGEST_SEQUENCE => self.held.push(letter),
            letter => {
                self.give_up(out);
                self.ground(letter, out);
            }
        }
    }

    fn begin_string(&mut self, kind: Kind) {
        self.state = State::String(kind);
        self.held.clear();
        self.tail.clear();
    }

    fn string(&mut self, kind: Kind, letter: char, out: &mut impl FnMut(Piece<'_>)) {
        match letter {
            '\x1b' => self.state = State::StringEscape(kind),
            '\x07' if kind == Kind::Osc => self.hide(out),
            '\x18' | '\x1a' => self.hide(out),
            letter => self.hold(letter, out),
        }
    }

    /// A letter inside a string. `xterm` and `tmux` hide lines in it like all else, until it ends; a terminal that ends it
    /// at a line end shows them. So they wait, and are shown where no end comes.
    fn hold(&mut self, letter: char, out: &mut impl FnMut(Piece<'_>)) {
        let ends_line = matches!(letter, '\n' | '\x0b' | '\x0c' | '\r');
        if ends_line || !self.tail.is_empty() {
            self.tail.push(letter);
            if self.tail.len() >= TOLD {
                self.give_up(out);
            }
        } else if self.held.len().saturating_add(self.more) >= LONGEST_STRING {
            self.give_up(out);
            self.ground(letter, out);
        } else if self.held.len() < TOLD {
            self.held.push(letter);
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    /// `ESC \` is the end of a string; any other `ESC` ends it too, and begins a sequence.
    fn after_escape(&mut self, kind: Kind, letter: char, out: &mut impl FnMut(Piece<'_>)) {
        // A string for the terminal around the one that gets it: its own are doubled.
        if kind == Kind::Dcs && letter == '\x1b' {
            self.state = State::String(kind);
            return self.hold(letter, out);
        }
        self.hide(out);
        if letter != '\\' {
            self.begin();
            self.escape(letter, out);
        }
    }

    /// A string ended: all of it was hidden.
    fn hide(&mut self, out: &mut impl FnMut(Piece<'_>)) {
        let tail = std::mem::take(&mut self.tail);
        self.held.push_str(&tail);
        self.give_up(out);
    }

    /// What waited for its end does so no longer.
    fn give_up(&mut self, out: &mut impl FnMut(Piece<'_>)) {
        let kind = match std::mem::take(&mut self.state) {
            State::Ground | State::Escape | State::Address => return,
            State::Control => Kind::Csi,
            State::String(kind) | State::StringEscape(kind) => kind,
        };
        let held = std::mem::take(&mut self.held);
        let text = match kind {
            Kind::Csi => held.trim_start_matches(['\x1b', '[']).to_owned(),
            Kind::Osc
            | Kind::Dcs
            | Kind::Sos
            | Kind::Pm
            | Kind::Apc
            | Kind::Marks
            | Kind::Rectangles
            | Kind::Vt52
            | Kind::More(_) => held,
        };
        if !text.is_empty() {
            let more = self.more;
            out(Piece::Hidden(Hidden { kind, text, more }));
        }
        for letter in std::mem::take(&mut self.tail).chars() {
            self.ground(letter, out);
        }
    }
}

/// What was hidden since it was asked for last: so many, each once, how many more, and the last of these.
#[derive(Debug, Default)]
pub(crate) struct Withheld {
    kept: Vec<Hidden>,
    more: u64,
    last: Option<Hidden>,
}

impl Withheld {
    /// One more, if there is something to tell of it.
    pub(crate) fn keep(&mut self, one: Hidden) {
        if !one.says_something() || self.kept.contains(&one) {
            return;
        }
        if self.kept.len() < MOST_HIDDEN {
            self.kept.push(one);
        } else {
            self.more = self.more.saturating_add(1);
            self.last = Some(one);
        }
    }

    /// All that is to be told.
    pub(crate) fn take(&mut self) -> Vec<Hidden> {
        let Withheld { kept, more, last } = std::mem::take(self);
        let count = (more > 1).then(|| Hidden::new(Kind::More(more - 1), String::new()));
        kept.into_iter().chain(count).chain(last).collect()
    }
}

impl Hidden {
    fn new(kind: Kind, text: String) -> Self {
        Hidden {
            kind,
            text,
            more: 0,
        }
    }

    /// Letters with marks that are not shown.
    pub(crate) fn marks(text: String) -> Self {
        Self::new(Kind::Marks, text)
    }

    /// Letters drawn as rectangles.
    pub(crate) fn rectangles(text: String) -> Self {
        Self::new(Kind::Rectangles, text)
    }

    /// What to say of it.
    pub(crate) fn told(&self) -> String {
        let (what, text) = match self.kind {
            Kind::Osc => self.command(),
            Kind::Dcs => ("device control string", self.text.clone()),
            Kind::Sos => ("string", self.text.clone()),
            Kind::Pm => ("private message", self.text.clone()),
            Kind::Apc => ("application command", self.text.clone()),
            Kind::Csi => ("sequence without an end", self.text.clone()),
            Kind::Marks => (
                "more marks on letters than are kept of them",
                self.text.clone(),
            ),
            Kind::Rectangles => ("drawn as rectangles", self.text.clone()),
            Kind::Vt52 => {
                return "[not shown: some terminals take what comes now for a VT52's, and show letters of sequences]".to_owned();
            }
            Kind::More(more) => {
                return format!("[not shown: {more} more that were hidden at once]");
            }
        };
        let text = crate::neutralise(text);
        match self.more {
            0 => format!("[not shown, {what}: {text}]"),
            more => format!("[not shown, {what}: {text} … and {more} more]"),
        }
    }

    /// The commands that people know, by their number.
    fn command(&self) -> (&'static str, String) {
        let (number, rest) = self.numbered();
        match number {
            "0" | "1" | "2" | "l" | "L" | "I" => ("title", rest.to_owned()),
            "7" => ("working directory", rest.to_owned()),
            "8" => ("link", rest.trim_start_matches(';').to_owned()),
            "52" => {
                let data = rest.split_once(';').map_or(rest, |(_, data)| data);
                let decoded =
                    base64::Engine::decode(&base64::engine::general_purpose::STANDARD, data.trim());
                let plain = match decoded {
                    Ok(bytes) if self.more == 0 => String::from_utf8_lossy(&bytes).into_owned(),
                    Ok(_) | Err(_) => data.to_owned(),
                };
                ("clipboard", plain)
            }
            _ => ("command", self.text.clone()),
        }
    }

    /// The number of a command and what follows it. Terminals ask for no `;` between them; those of old titles are letters.
    fn numbered(&self) -> (&str, &str) {
        let digits = self.text.find(|letter: char| !letter.is_ascii_digit());
        let end = match digits {
            Some(0) if self.text.starts_with(['l', 'L', 'I']) => 1,
            Some(end) => end,
            None => self.text.len(),
        };
        let (number, rest) = self.text.split_at_checked(end).unwrap_or((&self.text, ""));
        (number, rest.strip_prefix(';').unwrap_or(rest))
    }

    /// Whether there is something to tell: a link that ends, or a question to the terminal, hides nothing.
    pub(crate) fn says_something(&self) -> bool {
        let bare = |text: &str| {
            text.trim_matches(|c: char| c.is_whitespace() || c == ';')
                .is_empty()
        };
        match self.kind {
            Kind::Osc => {
                let (number, rest) = self.numbered();
                // Colours and questions after them, and the marks around prompts.
                let colour =
                    |letter: char| letter.is_ascii_hexdigit() || ";:/?#rgb".contains(letter);
                let usual = match number {
                    "4" | "10" | "11" | "12" => rest.len() <= 40 && rest.chars().all(colour),
                    "104" | "110" | "111" | "112" => rest.len() <= 8,
                    "133" => rest.len() <= 8,
                    _ => false,
                };
                !usual && !bare(rest)
            }
            Kind::Dcs => {
                let question = self.text.starts_with("$q") || self.text.starts_with("+q");
                !(question && self.text.len() <= 64)
            }
            Kind::Sos | Kind::Pm | Kind::Apc | Kind::Csi | Kind::Marks | Kind::Rectangles => {
                !bare(&self.text)
            }
            Kind::Vt52 | Kind::More(_) => true,
        }
    }
}

#[cfg(test)]
#[path = "sequences_tests.rs"]
mod tests;
