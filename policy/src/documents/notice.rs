//! `[recording-notice]`: what a client's technicians are told before anything of theirs is recorded (P3).
//!
//! The words only; where nothing is written, the gateway builds a sentence from the rest of the document. When and where
//! they are shown is the gateway's business.

use super::reader::Table;
use super::words::is_visible;
use crate::name::{Lang, shown};

/// Longest notice, in characters: it stands above a prompt, on a terminal of 80 columns.
const LONGEST: usize = 400;
const ACCEPTED: &str = "1 to 400 visible characters on one line: that it is recorded, may be watched, by whom it is read, how long it is kept";

/// A client's own words for its technicians, by language; none where the gateway's sentence will do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoticeRules {
    /// In French.
    pub fr: Option<String>,
    /// In English.
    pub en: Option<String>,
}

impl NoticeRules {
    /// The words for people of this language.
    #[must_use]
    pub fn in_lang(&self, lang: Lang) -> Option<&str> {
        match lang {
            Lang::Fr => self.fr.as_deref(),
            Lang::En => self.en.as_deref(),
        }
    }
}

/// `[recording-notice]`.
pub(super) fn notice(root: &Table<'_>) -> NoticeRules {
    const NAME: &str = "recording-notice";
    let Some(table) = root.maybe_table(NAME, "a [recording-notice] table") else {
        return NoticeRules::default();
    };
    let words = |key| table.maybe_parsed(key, ACCEPTED, words).map(|at| at.value);
    let rules = NoticeRules {
        fr: words("fr"),
        en: words("en"),
    };
    if !table.has("fr") && !table.has("en") {
        table.error(table.line, "fr", "is missing, and so is en", ACCEPTED);
    }
    table.finish();
    rules
}

fn words(text: &str) -> Result<String, String> {
    let fits = text.chars().count() <= LONGEST && !text.trim().is_empty();
    if fits && is_visible(text) {
        Ok(text.to_owned())
    } else {
        Err(format!("`{}` does not read as a notice", shown(text)))
    }
}
