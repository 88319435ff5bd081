//! One thing that is wrong with a document.

use std::fmt;

/// One thing that is wrong with a document, and what would be accepted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DocumentError {
    /// The file, as it was named to the reader.
    pub file: String,
    /// The line, counted from 1.
    pub line: Option<u32>,
    /// The key: `flow.dba.allow`.
    pub key: String,
    /// What is wrong.
    pub problem: String,
    /// What would be accepted.
    pub accepted: String,
}

impl fmt::Display for DocumentError {
    /// `clients/hopital.toml:12: flow.dba.allow: … ; accepted: …`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            key,
            problem,
            accepted,
        } = self;
        write!(formatter, "{file}")?;
        if let Some(line) = line {
            write!(formatter, ":{line}")?;
        }
        if !key.is_empty() {
            write!(formatter, ": {key}")?;
        }
        write!(formatter, ": {problem}")?;
        // Errors that already say it, or where nothing would do, leave this empty.
        if !accepted.is_empty() {
            write!(formatter, "; accepted: {accepted}")?;
        }
        Ok(())
    }
}

impl std::error::Error for DocumentError {}
