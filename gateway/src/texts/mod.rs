//! French and English: every sentence that a technician, an operator or an auditor reads.
//!
//! The sentences are in `gateway/i18n/{fr,en}.ftl` and, of the matrix, in `matrix.{fr,en}.ftl` beside them; the tests below hold both to the same messages
//! with the same variables, and the code to messages that exist.
//!
//! Invariant: a value put into a sentence is neutralised here, whoever it comes from. No caller can
//! forget it: nothing of a person's text reaches a terminal as a control character, or padded so that
//! part of it reads as another line; nor does it end the quotation marks that it stands in (`quoted.rs`).

pub(crate) mod amounts;
mod ends;
pub(crate) mod hours;
pub(crate) mod parts;
mod plain;
mod quoted;
mod refusals;
mod signals;
pub mod sizes;
pub mod times;
mod unreadable;

pub(crate) use self::plain::plain;
use self::quoted::Quoted;
pub(crate) use self::unreadable::Unreadable;

use std::borrow::Cow;

use ecluse_policy::Lang;
use ecluse_recordings::bundle::Language;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;
use unicode_width::UnicodeWidthChar;

const FR: &str = concat!(
    include_str!("../../i18n/fr.ftl"),
    include_str!("../../i18n/matrix.fr.ftl")
);
const EN: &str = concat!(
    include_str!("../../i18n/en.ftl"),
    include_str!("../../i18n/matrix.en.ftl")
);

/// A value inside a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// Text, of anybody: on one line, without padding.
    Text(Cow<'a, str>),
    /// Text of which every blank counts, such as a command: on one line.
    Exact(Cow<'a, str>),
    /// A count; the sentence chooses its plural.
    Number(u64),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<u64> for Value<'_> {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<usize> for Value<'_> {
    fn from(number: usize) -> Self {
        Self::Number(u64::try_from(number).unwrap_or(u64::MAX))
    }
}

/// The texts built into this binary do not parse: a defect of the build, told at start.
#[derive(Debug, thiserror::Error)]
#[error("the built-in texts ({lang}) are damaged: {problem}; install this version of ecluse again")]
pub struct TextsError {
    lang: &'static str,
    problem: String,
}

/// All sentences, in both languages.
pub struct Texts {
    fr: FluentBundle<FluentResource>,
    en: FluentBundle<FluentResource>,
    quoted: Quoted,
}

impl std::fmt::Debug for Texts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Texts")
    }
}

impl Texts {
    /// Loads the built-in texts.
    ///
    /// # Errors
    /// [`TextsError`] when they do not parse (a test makes sure that they do).
    pub fn load() -> Result<Self, TextsError> {
        Ok(Self {
            fr: bundle("fr", FR)?,
            en: bundle("en", EN)?,
            quoted: Quoted::of(&[FR, EN]),
        })
    }

    /// The sentence `id` in `lang`, with `args` put in. Text arguments are neutralised.
    ///
    /// An unknown id is a defect that a test finds; here the id itself stands in for the sentence, so
    /// that the person still sees that something was said.
    pub fn say(&self, lang: Lang, id: &str, args: &[(&str, Value<'_>)]) -> String {
        let bundle = match lang {
            Lang::Fr => &self.fr,
            Lang::En => &self.en,
        };
        let Some(pattern) = bundle.get_message(id).and_then(|message| message.value()) else {
            tracing::warn!(id, "a text is missing");
            return id.to_owned();
        };
        let mut harmless = FluentArgs::with_capacity(args.len());
        for (name, value) in args {
            let value = match value {
                Value::Text(text) => {
                    FluentValue::from(self.quoted.closed(id, name, self::told(text)))
                }
                Value::Exact(text) => {
                    FluentValue::from(self.quoted.closed(id, name, self::harmless(text)))
                }
                Value::Number(number) => FluentValue::from(*number),
            };
            harmless.set(Cow::Borrowed(*name), value);
        }
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, Some(&harmless), &mut errors);
        if let Some(error) = errors.first() {
            tracing::warn!(id, %error, "a text lacks a variable");
        }
        text.into_owned()
    }
}

impl Texts {
    /// How much of somebody else's larger terminal is seen, and the keys that move over it; `None` where all of it is.
    pub(crate) fn in_part(
        &self,
        lang: Lang,
        picture: ecluse_recordings::Size,
        viewer: crate::terminal::Size,
    ) -> Option<String> {
        let seen = crate::terminal::below::seen(picture, viewer)?;
        let size = |cols: u16, rows: u16| Value::from(format!("{cols}×{rows}"));
        let args = [
            ("size", size(picture.cols(), picture.rows())),
            ("seen", size(seen.cols, seen.rows)),
        ];
        Some(self.say(lang, "screen-in-part", &args))
    }
}

/// `text` on one line, without anything that a terminal would obey.
pub fn harmless(text: &str) -> String {
    ecluse_recordings::neutralise(text)
}

/// The same for words that somebody tells others: no padding that would push some of them to where another line begins,
/// and no pile of marks on one letter that would cover its neighbours.
pub fn told(text: &str) -> String {
    /// Marks on one letter that writing needs.
    const MARKS: usize = 4;
    let mut marks = 0;
    let flat = ecluse_policy::words::folded(text);
    let kept: String = flat
        .chars()
        .filter(|letter| {
            marks = if letter.width() == Some(0) {
                marks + 1
            } else {
                0
            };
            marks <= MARKS
        })
        .collect();
    harmless(&kept)
}

/// `de db01`, `d'alice`: French elides before a vowel, and an h is mute in most names.
fn of(name: &str) -> String {
    let first = name
        .chars()
        .next()
        .map(|letter| letter.to_ascii_lowercase());
    match first {
        Some('a' | 'e' | 'h' | 'i' | 'o' | 'u' | 'y' | 'à' | 'â' | 'é' | 'è' | 'ê' | 'î' | 'ô') =>
        {
            format!("d'{name}")
        }
        Some(_) | None => format!("de {name}"),
    }
}

/// A person's language, as recordings and bundles name it.
pub(crate) fn language(lang: Lang) -> Language {
    match lang {
        Lang::Fr => Language::French,
        Lang::En => Language::English,
    }
}

fn bundle(lang: &'static str, source: &str) -> Result<FluentBundle<FluentResource>, TextsError> {
    let damaged = |problem: String| TextsError { lang, problem };
    let resource = FluentResource::try_new(source.to_owned())
        .map_err(|(_, errors)| damaged(format!("{errors:?}")))?;
    let locale: LanguageIdentifier = lang.parse().map_err(|error| damaged(format!("{error}")))?;
    let mut bundle = FluentBundle::new_concurrent(vec![locale]);
    // Isolation marks are for right-to-left text; terminals draw them as boxes.
    bundle.set_use_isolating(false);
    bundle
        .add_function("DE", |values, _| match values.first() {
            Some(FluentValue::String(name)) => FluentValue::from(of(name)),
            _ => FluentValue::Error,
        })
        .map_err(|error| damaged(format!("{error:?}")))?;
    bundle
        .add_resource(resource)
        .map_err(|errors| damaged(format!("{errors:?}")))?;
    Ok(bundle)
}

#[cfg(test)]
mod tests;
