//! The other side of a terminal, for tests of dialogues: a [`Person`] who types, and looks at a screen.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use ecluse_policy::Lang;
use tokio::sync::{mpsc, watch};

use super::{Size, Terminal, TerminalInput, TerminalOutput};

/// Types into a terminal, and looks at its screen.
pub(crate) struct Person {
    ends: Option<mpsc::Sender<TerminalInput>>,
    raw: Arc<Mutex<Vec<u8>>>,
    errors: Arc<Mutex<Vec<u8>>>,
    changed: watch::Receiver<usize>,
    size: (u16, u16),
    eof: bool,
}

/// Without regard to where lines were broken.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A terminal with a person in front of it, who reads all the time.
pub(crate) fn person(size: Option<(u16, u16)>, term: &str) -> (Terminal, Person) {
    person_in(size, term, Lang::En)
}

pub(crate) fn person_in(size: Option<(u16, u16)>, term: &str, lang: Lang) -> (Terminal, Person) {
    let told = size.map(|(cols, rows)| Size { cols, rows });
    let (terminal, mut ends) = Terminal::new(told, term, lang);
    let raw = Arc::new(Mutex::new(Vec::new()));
    let errors = Arc::new(Mutex::new(Vec::new()));
    let (bump, changed) = watch::channel(0);
    let (kept, kept_errors) = (raw.clone(), errors.clone());
    tokio::spawn(async move {
        while let Some(output) = ends.output.recv().await {
            match output {
                TerminalOutput::Out(bytes) => kept.lock().unwrap().extend_from_slice(&bytes),
                TerminalOutput::Err(bytes) => kept_errors.lock().unwrap().extend_from_slice(&bytes),
            }
            bump.send_modify(|n| *n += 1);
        }
    });
    let person = Person {
        ends: Some(ends.input),
        raw,
        errors,
        changed,
        size: size.unwrap_or((80, 24)),
        eof: false,
    };
    (terminal, person)
}

impl Person {
    pub(crate) async fn types(&mut self, bytes: &[u8]) {
        let bytes = Bytes::copy_from_slice(bytes);
        let _ = self
            .ends
            .as_ref()
            .unwrap()
            .send(TerminalInput::Bytes(bytes))
            .await;
    }

    pub(crate) async fn resizes(&mut self, cols: u16, rows: u16) {
        let _ = self
            .ends
            .as_ref()
            .unwrap()
            .send(TerminalInput::Resize(Size { cols, rows }))
            .await;
    }

    /// Ends the input, then leaves.
    pub(crate) async fn ends(&mut self) {
        let _ = self.ends.as_ref().unwrap().send(TerminalInput::Eof).await;
        self.eof = true;
    }

    pub(crate) fn leaves(&mut self) {
        self.ends = None;
    }

    pub(crate) fn ended(&self) -> bool {
        self.eof
    }

    pub(crate) fn raw(&self) -> Vec<u8> {
        self.raw.lock().unwrap().clone()
    }

    pub(crate) fn errors(&self) -> String {
        String::from_utf8(self.errors.lock().unwrap().clone()).unwrap()
    }

    /// All that was written, as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.raw()).unwrap()
    }

    /// What a terminal of this size shows, scrolled lines included.
    pub(crate) fn screen(&self) -> Vec<String> {
        let (cols, rows) = self.size;
        let mut terminal = avt::Terminal::with_scrollback(cols.into(), rows.into(), None).unwrap();
        terminal.feed(self.text().as_str());
        let lines = terminal.primary_screen().text();
        let used = lines
            .iter()
            .rposition(|line| !line.trim().is_empty())
            .map_or(0, |at| at + 1);
        lines
            .iter()
            .take(used)
            .map(|line| line.trim_end().to_owned())
            .collect()
    }

    /// Everything that was written, once nobody writes any more.
    pub(crate) async fn all(mut self) -> (String, String) {
        while self.changed.changed().await.is_ok() {}
        (self.text(), self.errors())
    }

    /// Waits until more than `count` bytes were written.
    pub(crate) async fn writes_after(&mut self, count: usize) {
        let deadline = std::time::Duration::from_secs(20);
        let more =
            async { while self.raw().len() <= count && self.changed.changed().await.is_ok() {} };
        tokio::time::timeout(deadline, more)
            .await
            .expect("nothing more is written");
    }

    /// Waits until `wanted` was written, on whichever screen.
    pub(crate) async fn writes(&mut self, wanted: &str) {
        let deadline = std::time::Duration::from_secs(20);
        let written = async {
            while !self.text().contains(wanted) && self.changed.changed().await.is_ok() {}
        };
        tokio::time::timeout(deadline, written)
            .await
            .unwrap_or_else(|_| panic!("never written: {wanted:?} in\n{}", self.text()));
    }

    /// Waits until `wanted` can be read on the screen.
    pub(crate) async fn sees(&mut self, wanted: &str) {
        let deadline = std::time::Duration::from_secs(20);
        let found = tokio::time::timeout(deadline, async {
            while !flat(&self.screen().join(" ")).contains(&flat(wanted)) {
                if self.changed.changed().await.is_err() {
                    break;
                }
            }
        });
        let _ = found.await;
        let screen = self.screen().join("\n");
        assert!(
            flat(&screen).contains(&flat(wanted)),
            "never seen: {wanted:?} on\n{screen}"
        );
    }
}
