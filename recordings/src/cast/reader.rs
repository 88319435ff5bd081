//! Reads asciicast v1, v2 and v3 from anybody: bounded, never panicking, keeping what can be kept.

use crate::ReadError;
use serde::Deserialize;
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Longest line that is read; a longer one is skipped and counted.
pub(super) const MAX_LINE: usize = 16 * 1024 * 1024;
/// Longest version 1 file: that format is one JSON document.
pub(super) const MAX_V1: u64 = 64 * 1024 * 1024;

/// What kind of event a line holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// `o`
    Output,
    /// `i`
    Input,
    /// `r`
    Resize {
        /// Columns.
        cols: u32,
        /// Rows.
        rows: u32,
    },
    /// `m`
    Marker,
    /// `x`, version 3: the exit status is the text.
    Exit,
    /// Any other letter, or a size that does not read.
    Other(char),
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CastEvent {
    /// **Unit**: microseconds since the start; never goes back.
    pub at_us: u64,
    /// What kind.
    pub code: Code,
    /// Its text.
    pub text: String,
}

/// What the file says of itself; absent or absurd values are defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CastHeader {
    /// 1, 2 or 3.
    pub version: u64,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// **Unit**: seconds since 1970.
    pub timestamp: Option<i64>,
    /// The command.
    pub command: Option<String>,
    /// The title.
    pub title: Option<String>,
}

/// Reads one cast.
pub struct CastReader {
    path: PathBuf,
    header: CastHeader,
    source: Source,
    at_us: u64,
    line: Vec<u8>,
    offset: u64,
    skipped: u64,
}

enum Source {
    Lines(Box<dyn BufRead + Send>),
    /// Version 1, read whole, in reverse.
    Whole(Vec<(f64, String)>),
}

impl CastReader {
    /// Opens a cast and reads its header.
    ///
    /// # Errors
    /// When the file does not open, or does not begin as an asciicast.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let file = File::open(path).map_err(|error| ReadError::io(path, error))?;
        Self::from_reader(path, BufReader::with_capacity(256 * 1024, file))
    }

    /// The same from anything that reads; `path` only names it in errors.
    ///
    /// # Errors
    /// As [`CastReader::open`].
    pub fn from_reader(
        path: &Path,
        mut reader: impl BufRead + Send + 'static,
    ) -> Result<Self, ReadError> {
        let mut line = Vec::new();
        let complete = read_line(&mut reader, &mut line, MAX_LINE)
            .map_err(|error| ReadError::io(path, error))?;
        if complete == Line::TooLong {
            return Err(ReadError::foreign(
                path,
                "its first line is longer than 16 MiB",
            ));
        }
        let (header, source) = match serde_json::from_slice::<Value>(&line) {
            Ok(value) if version(&value) == Some(1) => {
                (parse_header(&value), Source::Whole(parse_v1(path, &line)?))
            }
            Ok(value) if matches!(version(&value), Some(2 | 3)) => {
                (parse_header(&value), Source::Lines(Box::new(reader)))
            }
            Ok(_) => {
                return Err(ReadError::foreign(
                    path,
                    "its first line names no asciicast version from 1 to 3",
                ));
            }
            Err(_) => {
                // A version 1 file may be spread over lines.
                let mut whole = std::mem::take(&mut line);
                let room = MAX_V1.saturating_sub(whole.len() as u64);
                reader
                    .take(room)
                    .read_to_end(&mut whole)
                    .map_err(|error| ReadError::io(path, error))?;
                let value: Value = serde_json::from_slice(&whole).map_err(|error| {
                    ReadError::foreign(path, format!("it does not begin as an asciicast: {error}"))
                })?;
                if version(&value) != Some(1) {
                    return Err(ReadError::foreign(
                        path,
                        "it names no asciicast version from 1 to 3",
                    ));
                }
                (parse_header(&value), Source::Whole(parse_v1(path, &whole)?))
            }
        };
        let offset = line.len() as u64;
        Ok(CastReader {
            path: path.to_path_buf(),
            header,
            source,
            at_us: 0,
            line,
            offset,
            skipped: 0,
        })
    }

    /// What the file says of itself.
    #[must_use]
    pub fn header(&self) -> &CastHeader {
        &self.header
    }

    /// How many lines could not be read as events.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Bytes consumed so far, line ends included.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next event, or `None` at the end. Comments and empty lines are passed over; a line that is
    /// no event is skipped and counted.
    ///
    /// # Errors
    /// When the system refuses to read.
    pub fn next_event(&mut self) -> Result<Option<CastEvent>, ReadError> {
        let lines = match &mut self.source {
            Source::Whole(events) => {
                let Some((delay, text)) = events.pop() else {
                    return Ok(None);
                };
                self.at_us = self.at_us.saturating_add(micros(delay));
                return Ok(Some(CastEvent {
                    at_us: self.at_us,
                    code: Code::Output,
                    text,
                }));
            }
            Source::Lines(lines) => lines,
        };
        loop {
            crate::pace::ask().map_err(|error| ReadError::io(&self.path, error))?;
            let read = read_line(lines, &mut self.line, MAX_LINE)
                .map_err(|error| ReadError::io(&self.path, error))?;
            match read {
                Line::End => return Ok(None),
                Line::TooLong => {
                    self.skipped = self.skipped.saturating_add(1);
                    continue;
                }
                Line::Whole => self.offset = self.offset.saturating_add(self.line.len() as u64),
            }
            let text = self.line.trim_ascii();
            if text.is_empty() || text.starts_with(b"#") {
                continue;
            }
            let Some((time, letter, data)) = parse_event(text) else {
                self.skipped = self.skipped.saturating_add(1);
                continue;
            };
            let time = micros(time);
            self.at_us = match self.header.version {
                3 => self.at_us.saturating_add(time),
                _ => time.max(self.at_us),
            };
            let code = code(letter, &data);
            return Ok(Some(CastEvent {
                at_us: self.at_us,
                code,
                text: data,
            }));
        }
    }
}

/// A line as JSON: `[time, "code", "data", …]`; more elements are passed over.
fn parse_event(line: &[u8]) -> Option<(f64, char, String)> {
    struct Event(f64, char, String);
    impl<'de> Deserialize<'de> for Event {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Visitor;
            impl<'de> serde::de::Visitor<'de> for Visitor {
                type Value = Event;

                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("[time, code, text]")
                }

                fn visit_seq<A: serde::de::SeqAccess<'de>>(
                    self,
                    mut seq: A,
                ) -> Result<Event, A::Error> {
                    let missing = || serde::de::Error::custom("too short");
                    let time = seq.next_element::<f64>()?.ok_or_else(missing)?;
                    let letter = seq.next_element::<char>()?.ok_or_else(missing)?;
                    let text = seq.next_element::<String>()?.ok_or_else(missing)?;
                    while seq.next_element::<serde::de::IgnoredAny>()?.is_some() {}
                    Ok(Event(time, letter, text))
                }
            }
            deserializer.deserialize_seq(Visitor)
        }
    }
    serde_json::from_slice::<Event>(line)
        .ok()
        .map(|Event(time, letter, text)| (time, letter, text))
}

fn code(letter: char, data: &str) -> Code {
    match letter {
        'o' => Code::Output,
        'i' => Code::Input,
        'm' => Code::Marker,
        'x' => Code::Exit,
        'r' => {
            let size = data
                .split_once('x')
                .and_then(|(cols, rows)| Some((cols.parse().ok()?, rows.parse().ok()?)));
            size.map_or(Code::Other('r'), |(cols, rows)| Code::Resize { cols, rows })
        }
        other => Code::Other(other),
    }
}

/// Seconds to microseconds; what is not a time is no delay. `as` saturates.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates, and NaN becomes 0"
)]
fn micros(seconds: f64) -> u64 {
    (seconds * 1e6).round() as u64
}

fn version(value: &Value) -> Option<u64> {
    value.get("version")?.as_u64()
}

fn parse_header(value: &Value) -> CastHeader {
    // Version 3 has its size inside `term`.
    let term = value.get("term");
    let size = |name: &str, short: &str, default: u32| {
        value
            .get(name)
            .or_else(|| term.and_then(|term| term.get(short)))
            .and_then(Value::as_u64)
            .and_then(|size| u32::try_from(size).ok())
            .unwrap_or(default)
    };
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    #[expect(clippy::cast_possible_truncation, reason = "saturates")]
    let timestamp = value
        .get("timestamp")
        .and_then(|at| at.as_i64().or_else(|| at.as_f64().map(|at| at as i64)));
    CastHeader {
        version: version(value).unwrap_or(0),
        width: size("width", "cols", 80),
        height: size("height", "rows", 24),
        timestamp,
        command: text("command"),
        title: text("title"),
    }
}

fn parse_v1(path: &Path, whole: &[u8]) -> Result<Vec<(f64, String)>, ReadError> {
    #[derive(Deserialize)]
    struct V1 {
        #[serde(default)]
        stdout: Vec<(f64, String)>,
    }
    let mut events = serde_json::from_slice::<V1>(whole)
        .map_err(|error| ReadError::foreign(path, format!("asciicast 1: {error}")))?
        .stdout;
    events.reverse();
    Ok(events)
}

#[derive(PartialEq, Eq)]
enum Line {
    Whole,
    TooLong,
    End,
}

/// Reads a line with its end into `line`; a longer one is consumed and dropped.
fn read_line(
    reader: &mut (impl BufRead + ?Sized),
    line: &mut Vec<u8>,
    limit: usize,
) -> std::io::Result<Line> {
    line.clear();
    let read = reader.take(limit as u64).read_until(b'\n', line)?;
    if read == 0 {
        return Ok(Line::End);
    }
    if read < limit || line.ends_with(b"\n") {
        return Ok(Line::Whole);
    }
    line.clear();
    loop {
        let available = match reader.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if available.is_empty() {
            return Ok(Line::TooLong);
        }
        let end = available.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(available.len(), |end| end + 1);
        reader.consume(used);
        if end.is_some() {
            return Ok(Line::TooLong);
        }
    }
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
