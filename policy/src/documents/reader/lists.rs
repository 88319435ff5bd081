//! Lists inside a table: of texts, of numbers, and of entries that are a text or a table.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Display;

use toml::de::DeValue;

use super::{At, Table, whole_number};
use crate::name::shown;

impl Table<'_> {
    /// A required list of texts that `parse` accepts, each with its line; the list's own line beside.
    pub(in crate::documents) fn list<T, E: Display>(
        &self,
        name: &str,
        accepted: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<At<Vec<At<T>>>> {
        if !self.has(name) {
            self.taken.borrow_mut().insert(name.to_owned());
            self.missing(name, accepted);
            return None;
        }
        self.maybe_list(name, accepted, parse)
    }

    /// A list of texts that `parse` accepts, where it is there.
    pub(in crate::documents) fn maybe_list<T, E: Display>(
        &self,
        name: &str,
        accepted: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<At<Vec<At<T>>>> {
        let (value, line) = self.take(name)?;
        let Some(array) = value.as_array() else {
            self.no_list(line, name, value, accepted);
            return None;
        };
        let mut whole = true;
        let mut said = BTreeSet::new();
        let mut entries = Vec::new();
        for entry in array.iter() {
            let line = self.reader.line(entry.span().start);
            let Some(text) = entry.get_ref().as_str() else {
                self.wrong(line, name, entry.get_ref(), accepted);
                whole = false;
                continue;
            };
            whole &= self.once(line, name, text, &mut said);
            match self.text_entry(line, name, text, accepted, &parse) {
                Some(value) => entries.push(At { value, line }),
                None => whole = false,
            }
        }
        whole.then_some(At {
            value: entries,
            line,
        })
    }

    fn no_list(&self, line: u32, name: &str, found: &DeValue<'_>, accepted: &str) {
        let found = found.type_str();
        let problem = format_args!(
            "a value of type {found} does not stand here; entries stand in a list, also a single one: {name} = [\"…\"]"
        );
        self.error(line, name, problem, accepted);
    }

    /// A required list whose entries are texts, or tables with such a text under the key `text`. `parse` reads the text;
    /// `with` gets what it read, and the table where there is one, whose other keys it takes.
    pub(in crate::documents) fn entries<P, T, E: Display>(
        &self,
        name: &str,
        text: &str,
        accepted: &str,
        parse: impl Fn(&str) -> Result<P, E>,
        with: impl Fn(P, Option<&Table<'_>>) -> Option<T>,
    ) -> Option<At<Vec<At<T>>>> {
        let Some((value, line)) = self.take(name) else {
            self.missing(name, accepted);
            return None;
        };
        let Some(array) = value.as_array() else {
            self.no_list(line, name, value, accepted);
            return None;
        };
        let mut whole = true;
        let mut said = BTreeSet::new();
        let mut entries = Vec::new();
        for entry in array.iter() {
            let line = self.reader.line(entry.span().start);
            let table = entry.get_ref().as_table().map(|table| Table {
                table,
                line,
                path: self.key(name),
                taken: RefCell::default(),
                reader: self.reader,
            });
            let read = match (&table, entry.get_ref().as_str()) {
                (Some(table), _) => {
                    let parsed = table.parsed(text, accepted, |text| {
                        whole &= self.once(line, name, text, &mut said);
                        parse(text)
                    });
                    // Which other keys are accepted depends on what the text says.
                    parsed.and_then(|at| {
                        let entry = with(at.value, Some(table));
                        table.finish();
                        entry
                    })
                }
                (None, Some(text)) => {
                    whole &= self.once(line, name, text, &mut said);
                    self.text_entry(line, name, text, accepted, &parse)
                        .and_then(|parsed| with(parsed, None))
                }
                (None, None) => {
                    self.wrong(line, name, entry.get_ref(), accepted);
                    None
                }
            };
            match read {
                Some(value) => entries.push(At { value, line }),
                None => whole = false,
            }
        }
        whole.then_some(At {
            value: entries,
            line,
        })
    }

    fn text_entry<T, E: Display>(
        &self,
        line: u32,
        name: &str,
        text: &str,
        accepted: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        parse(text)
            .map_err(|problem| self.say(line, name, problem, accepted))
            .ok()
    }

    /// Whether a list says it for the first time.
    fn once(&self, line: u32, name: &str, text: &str, said: &mut BTreeSet<String>) -> bool {
        let first = said.insert(text.to_owned());
        if !first {
            let problem = format_args!("`{}` stands here twice", shown(text));
            self.error(line, name, problem, "each entry once");
        }
        first
    }

    /// A list of whole numbers, empty where it is not there.
    pub(in crate::documents) fn numbers(&self, name: &str, accepted: &str) -> BTreeSet<u64> {
        let Some((value, line)) = self.take(name) else {
            return BTreeSet::new();
        };
        let Some(array) = value.as_array() else {
            self.no_list(line, name, value, accepted);
            return BTreeSet::new();
        };
        let mut numbers = BTreeSet::new();
        for entry in array.iter() {
            match whole_number(entry.get_ref()) {
                Some(number) => _ = numbers.insert(number),
                None => self.wrong_number(
                    self.reader.line(entry.span().start),
                    name,
                    entry.get_ref(),
                    accepted,
                ),
            }
        }
        numbers
    }
}
