//! Signals by their names, and who holds a session, in words.

use ecluse_policy::Lang;
use ecluse_policy::signals::{By, Signal};

use super::Texts;

impl Texts {
    /// A signal by its name.
    pub(crate) fn signal(&self, lang: Lang, signal: &Signal) -> String {
        let args = [
            ("kind", signal.kind().into()),
            ("name", signal.given().unwrap_or_default().into()),
        ];
        self.say(lang, "signal-name", &args)
    }

    /// Who holds a session.
    pub(crate) fn holder(&self, lang: Lang, by: &By) -> String {
        match by {
            By::Person(person) => person.to_string(),
            By::Signal(signal) => self.signal(lang, signal),
        }
    }
}
