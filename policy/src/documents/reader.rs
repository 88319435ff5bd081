//! Reads one TOML text with the place of every value, and collects every error on the way.
//!
//! A table is read by taking its keys; what nobody took is refused by name ([`Table::finish`]). Keys that a later version
//! serves are refused in their own words.

mod lists;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Display;

use toml::de::{DeTable, DeValue};

use super::error::DocumentError;
use super::words::{PEOPLE, for_people, is_visible};
use crate::name::shown;

/// Longest text read, in bytes: a document is written by hand.
const LONGEST_DOCUMENT: usize = 4 * 1024 * 1024;

/// Keys that DESIGN §4 names and a later version enforces.
const LATER: &[&str] = &[
    "consent-to-changes",
    "credentials",
    "algorithms",
    "certificates",
    "break-glass",
    "scan",
];

/// Where errors go, and how offsets become lines.
pub(super) struct Reader<'t> {
    file: &'t str,
    line_ends: Vec<usize>,
    errors: RefCell<Vec<DocumentError>>,
}

impl<'t> Reader<'t> {
    /// Reads the text and gives the root table to `read`; its value only when nothing was wrong.
    pub(super) fn read<T>(
        file: &'t str,
        text: &str,
        read: impl FnOnce(&Self, &Table<'_>) -> Option<T>,
    ) -> Result<T, Vec<DocumentError>> {
        let reader = Self {
            file,
            line_ends: text.match_indices('\n').map(|(offset, _)| offset).collect(),
            errors: RefCell::default(),
        };
        if text.len() > LONGEST_DOCUMENT {
            reader.error(
                None,
                "",
                "the document is longer than 4 MiB",
                "a document written by hand",
            );
            return Err(reader.errors.into_inner());
        }
        let (root, syntax) = DeTable::parse_recoverable(text);
        // The first alone: those behind it are made of what it left open.
        let mut first: Option<&toml::de::Error> = None;
        for error in &syntax {
            let start =
                |error: &toml::de::Error| error.span().map_or(usize::MAX, |span| span.start);
            if first.is_none_or(|first| start(error) < start(first)) {
                first = Some(error);
            }
        }
        if let Some(error) = first {
            let line = error.span().map(|span| reader.line(span.start));
            reader.error(
                line,
                "",
                shown(error.message()),
                "the syntax of TOML, as in the samples",
            );
        }
        // A text that is not TOML is not looked into any further: what was recovered of it is a guess.
        let value = if syntax.is_empty() {
            let root = Table {
                table: root.get_ref(),
                line: 1,
                path: String::new(),
                taken: RefCell::default(),
                reader: &reader,
            };
            read(&reader, &root)
        } else {
            None
        };
        let mut errors = reader.errors.into_inner();
        errors.sort_by_key(|error| error.line);
        match value {
            Some(value) if errors.is_empty() => Ok(value),
            Some(_) | None => Err(errors),
        }
    }

    pub(super) const fn file(&self) -> &str {
        self.file
    }

    fn line(&self, offset: usize) -> u32 {
        let before = self.line_ends.partition_point(|end| *end < offset);
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
    }

    pub(super) fn error(
        &self,
        line: Option<u32>,
        key: &str,
        problem: impl Display,
        accepted: &str,
    ) {
        self.errors.borrow_mut().push(DocumentError {
            file: self.file.to_owned(),
            line,
            key: key.to_owned(),
            problem: problem.to_string(),
            accepted: accepted.to_owned(),
        });
    }
}

/// One value with its place.
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) line: u32,
}

/// One table, and which of its keys were read.
pub(super) struct Table<'d> {
    table: &'d DeTable<'d>,
    pub(super) line: u32,
    path: String,
    taken: RefCell<BTreeSet<String>>,
    reader: &'d Reader<'d>,
}

impl<'d> Table<'d> {
    fn key(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    /// Records an error about one of its keys.
    pub(super) fn error(&self, line: u32, name: &str, problem: impl Display, accepted: &str) {
        self.reader
            .error(Some(line), &self.key(name), problem, accepted);
    }

    /// Whether the key is there, whatever its value.
    pub(super) fn has(&self, name: &str) -> bool {
        self.table.iter().any(|(key, _)| key.get_ref() == name)
    }

    /// Whether the key is there as a table.
    pub(super) fn has_table(&self, name: &str) -> bool {
        let mut all = self.table.iter();
        all.any(|(key, value)| key.get_ref() == name && value.get_ref().is_table())
    }

    fn take(&self, name: &str) -> Option<(&'d DeValue<'d>, u32)> {
        self.taken.borrow_mut().insert(name.to_owned());
        let (key, value) = self.table.iter().find(|(key, _)| key.get_ref() == name)?;
        let _ = key;
        Some((value.get_ref(), self.reader.line(value.span().start)))
    }

    fn missing(&self, name: &str, accepted: &str) {
        self.error(self.line, name, "is missing", accepted);
    }

    fn wrong(&self, line: u32, name: &str, found: &DeValue<'_>, accepted: &str) {
        self.error(
            line,
            name,
            format_args!("a value of type {} does not stand here", found.type_str()),
            accepted,
        );
    }

    /// A required text that `parse` accepts.
    pub(super) fn parsed<T, E: Display>(
        &self,
        name: &str,
        accepted: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<At<T>> {
        if !self.has(name) {
            self.taken.borrow_mut().insert(name.to_owned());
            self.missing(name, accepted);
            return None;
        }
        self.maybe_parsed(name, accepted, parse)
    }

    /// A text that `parse` accepts, where it is there.
    pub(super) fn maybe_parsed<T, E: Display>(
        &self,
        name: &str,
        accepted: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<At<T>> {
        let (value, line) = self.take(name)?;
        let Some(text) = value.as_str() else {
            self.wrong(line, name, value, accepted);
            return None;
        };
        match parse(text) {
            Ok(value) => Some(At { value, line }),
            Err(problem) => {
                self.say(line, name, problem, accepted);
                None
            }
        }
    }

    /// Records an error whose text may already say what is accepted.
    fn say(&self, line: u32, name: &str, problem: impl Display, accepted: &str) {
        let problem = problem.to_string();
        let says_it = problem.contains("accepted: ");
        self.error(line, name, problem, if says_it { "" } else { accepted });
    }

    /// A required text for people: not empty, one line, without invisible characters.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.parsed(name, PEOPLE, for_people).map(|at| at.value)
    }

    /// A text for people, where it is there.
    pub(super) fn maybe_text(&self, name: &str) -> Option<String> {
        self.maybe_parsed(name, PEOPLE, for_people)
            .map(|at| at.value)
    }

    /// `true` or `false`; `false` where it is not there.
    pub(super) fn flag(&self, name: &str) -> bool {
        let Some((value, line)) = self.take(name) else {
            return false;
        };
        value.as_bool().unwrap_or_else(|| {
            self.wrong(line, name, value, "true or false");
            false
        })
    }

    /// `true` or `false`, where it is there.
    pub(super) fn maybe_flag(&self, name: &str) -> Option<At<bool>> {
        if self.has(name) {
            let value = self.flag(name);
            let line = self.take(name).map_or(self.line, |(_, line)| line);
            return Some(At { value, line });
        }
        self.taken.borrow_mut().insert(name.to_owned());
        None
    }

    /// A required whole number.
    pub(super) fn number(&self, name: &str, accepted: &str) -> Option<At<u64>> {
        let Some((value, line)) = self.take(name) else {
            self.missing(name, accepted);
            return None;
        };
        let number = whole_number(value);
        if number.is_none() {
            self.wrong_number(line, name, value, accepted);
        }
        number.map(|value| At { value, line })
    }

    /// A whole number, where it is there.
    pub(super) fn maybe_number(&self, name: &str, accepted: &str) -> Option<Option<At<u64>>> {
        if self.has(name) {
            return self.number(name, accepted).map(Some);
        }
        self.taken.borrow_mut().insert(name.to_owned());
        Some(None)
    }

    fn wrong_number(&self, line: u32, name: &str, value: &DeValue<'_>, accepted: &str) {
        match value.as_integer() {
            Some(number) => self.error(line, name, format_args!("{number} does not fit"), accepted),
            None => self.wrong(line, name, value, accepted),
        }
    }

    /// A required table. `None`, with an error, where it is not there.
    pub(super) fn table(&self, name: &str, accepted: &str) -> Option<Table<'d>> {
        if !self.has(name) {
            self.taken.borrow_mut().insert(name.to_owned());
            self.missing(name, accepted);
            return None;
        }
        self.maybe_table(name, accepted)
    }

    /// A table, where it is there.
    pub(super) fn maybe_table(&self, name: &str, accepted: &str) -> Option<Table<'d>> {
        let (value, line) = self.take(name)?;
        let Some(table) = value.as_table() else {
            self.wrong(line, name, value, accepted);
            return None;
        };
        Some(Table {
            table,
            line,
            path: self.key(name),
            taken: RefCell::default(),
            reader: self.reader,
        })
    }

    /// Tables written as `[[name]]`, none where there are none. Each is named after its `id` or `name` in errors.
    pub(super) fn tables(&self, name: &str) -> Vec<Table<'d>> {
        let Some((value, line)) = self.take(name) else {
            return Vec::new();
        };
        let accepted = format!("[[{name}]] tables");
        let Some(array) = value.as_array() else {
            self.wrong(line, name, value, &accepted);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for entry in array.iter() {
            let line = self.reader.line(entry.span().start);
            match entry.get_ref().as_table() {
                Some(table) => {
                    let path = format!("{}{}", self.key(name), called(table));
                    tables.push(Table {
                        table,
                        line,
                        path,
                        taken: RefCell::default(),
                        reader: self.reader,
                    });
                }
                None => self.wrong(line, name, entry.get_ref(), &accepted),
            }
        }
        tables
    }

    /// Refuses every key that nobody read, naming those that are accepted.
    pub(super) fn finish(&self) {
        let taken = self.taken.borrow();
        let accepted: Vec<&str> = taken.iter().map(String::as_str).collect();
        for (key, _) in self.table.iter() {
            let name: &str = key.get_ref();
            if taken.contains(name) {
                continue;
            }
            let line = self.reader.line(key.span().start);
            if LATER.contains(&name) {
                let problem = "is not served by this version, and a limit that is not enforced must not look enforced; remove it";
                self.error(line, name, problem, &accepted.join(", "));
            } else {
                self.error(
                    line,
                    &shown(name),
                    "is not a key here",
                    &accepted.join(", "),
                );
            }
        }
    }
}

/// `.alice`, from the table's own `id` or `name`, when it is fit to be shown.
fn called(table: &DeTable<'_>) -> String {
    let text = |wanted: &str| {
        table
            .iter()
            .find(|(key, _)| key.get_ref() == wanted)
            .and_then(|(_, value)| value.get_ref().as_str())
    };
    match text("id").or_else(|| text("name")) {
        Some(text) if text.len() <= 64 && is_visible(text) && !text.is_empty() => {
            format!(".{text}")
        }
        Some(_) | None => String::new(),
    }
}

fn whole_number(value: &DeValue<'_>) -> Option<u64> {
    let number = value.as_integer()?;
    u64::from_str_radix(number.as_str(), number.radix()).ok()
}
