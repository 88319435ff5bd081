//! What a looker sees: a picture of somebody else's terminal, clipped to their own, with a status line below.

use std::sync::Arc;
use std::time::Duration;

use ecluse_policy::Lang;
use ecluse_recordings::{Painter, Screen, Size as ScreenSize};
use tokio::time::Instant;

use crate::faces::lobby::desk::Desk;
use crate::gateway::Gateway;
use crate::terminal::{Key, Size, below};
use crate::texts::Value;

/// The shortest time between two drawings: a flood of output is drawn twenty times a second.
pub(super) const FRAME: Duration = Duration::from_millis(50);
/// How far one key moves over a picture that is larger than what is seen of it.
const COLUMNS: i32 = 8;

/// The looker's terminal, as far as a player fills it.
pub(crate) struct Canvas {
    pub(super) gateway: Arc<Gateway>,
    pub(super) lang: Lang,
    /// The looker was asked whether they are sure that it is to be cut.
    pub(super) sure: bool,
    /// All keys are named in the status line: from `?` until the next key.
    pub(super) help: bool,
    painter: Painter,
    size: Size,
    /// Whether it takes a frame.
    room: bool,
    begun: Instant,
    drawn: Option<Instant>,
    frame: String,
}

impl Canvas {
    pub(super) fn new(desk: &Desk<'_>) -> Self {
        let size = desk.terminal.size().unwrap_or(Size { cols: 80, rows: 24 });
        Self {
            gateway: Arc::clone(desk.gateway),
            lang: desk.lang(),
            sure: false,
            help: false,
            painter: Painter::new(viewer(size)),
            size,
            room: true,
            begun: Instant::now(),
            drawn: None,
            frame: String::new(),
        }
    }

    /// What to send first.
    pub(super) fn enter(&mut self) -> String {
        self.painter.enter()
    }

    /// What to send last.
    pub(super) fn leave(&mut self) -> String {
        self.painter.leave()
    }

    /// The looker's own terminal.
    pub(super) fn size(&self) -> Size {
        self.size
    }

    /// A turn begins, with what is known of the looker.
    pub(super) fn begin(&mut self, size: Size, room: bool, sure: bool) {
        (self.room, self.sure) = (room, sure);
        if self.size != size {
            self.size = size;
            self.painter.resize(viewer(size));
        }
    }

    /// Moves over the picture, where a key says so: h j k l and the cursor keys, and f for where the cursor is.
    pub(super) fn press(&mut self, key: Key) {
        match key {
            Key::Char('f') => self.painter.follow(),
            Key::Char('h') | Key::Left => self.painter.move_by(-COLUMNS, 0),
            Key::Char('l') | Key::Right => self.painter.move_by(COLUMNS, 0),
            Key::Char('k') | Key::Up => self.painter.move_by(0, -1),
            Key::Char('j') | Key::Down => self.painter.move_by(0, 1),
            Key::Char(_)
            | Key::Control(_)
            | Key::Enter
            | Key::Backspace
            | Key::Delete
            | Key::Tab
            | Key::Home
            | Key::End
            | Key::PageUp
            | Key::PageDown
            | Key::PasteStart
            | Key::PasteEnd => {}
        }
    }

    /// Another picture is shown from here on.
    pub(super) fn turn_page(&mut self) {
        self.painter.follow();
    }

    /// Whether nothing was drawn yet.
    pub(super) fn is_blank(&self) -> bool {
        self.drawn.is_none()
    }

    /// Whether so long has passed since something was drawn, or since the beginning.
    pub(super) fn waited(&self, patience: Duration) -> bool {
        self.drawn.unwrap_or(self.begun).elapsed() >= patience
    }

    pub(super) fn say(&self, id: &str, args: &[(&str, Value<'_>)]) -> String {
        self.gateway.texts.say(self.lang, id, args)
    }

    /// That the picture is not all of what was sent, where that is so.
    pub(super) fn left_out(&self, screen: &Screen) -> Option<String> {
        let count = Some(screen.left_out()).filter(|count| *count > 0)?;
        Some(self.say("screen-left-out", &[("count", count.into())]))
    }

    /// That the picture is larger than what is seen of it, where that is so.
    pub(super) fn in_part(&self, screen: &Screen) -> Option<String> {
        let texts = &self.gateway.texts;
        texts.in_part(self.lang, screen.size(), self.size)
    }

    /// Whether all of `said` has its place in the status.
    pub(super) fn has_place(&self, said: &[String]) -> bool {
        let status = below::status(said, 1, self.size);
        said.iter().all(|part| status.contains(part.as_str()))
    }

    /// Paints, with what is said below: the most important first, how to leave before all. A narrow terminal has no place
    /// for the last.
    pub(super) fn show(&mut self, screen: &Screen, said: &[String]) {
        self.show_saying(screen, said, 1);
    }

    /// The same; the first `must` of what is said have their place, if only cut.
    pub(super) fn show_saying(&mut self, screen: &Screen, said: &[String], must: usize) {
        if self.room {
            let status = below::status(said, must, self.size);
            self.frame = self.painter.paint(screen, &status);
            self.drawn = Some(Instant::now());
        }
    }

    /// What is to be sent; empty where nothing changed.
    pub(super) fn take_frame(&mut self) -> String {
        std::mem::take(&mut self.frame)
    }
}

/// The recordings crate's size of a terminal of ours.
fn viewer(size: Size) -> ScreenSize {
    ScreenSize::clamped(size.cols.into(), size.rows.into())
}
