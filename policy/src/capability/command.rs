//! Templates of commands, matched word for word.
//!
//! The target's account hands the string to its shell (RFC 4254 §6.5), so a filter that lets through anything a shell
//! reads as more than a word is no filter. A template therefore permits only strings in which every byte stands for
//! itself in a POSIX shell: [`stands_for_itself`] and single spaces between words. Quotes, `$`, `;`, `|`, `*`, `~`,
//! newlines and all the rest have no way in, neither in the template nor in what fills a hole. What needs a pipeline is
//! a script on the target, and the script's name stands in the template.
//!
//! `command: *` is the exception that must be written: any command, passed on as it came.

use std::fmt;

use crate::name::shown;

/// Longest command that a template matches, in bytes.
const LONGEST_COMMAND: usize = 4_096;
/// Longest text that fills a name or a word, an `{int}`, and a `{path}`, in bytes.
const LONGEST_WORD: usize = 255;
const LONGEST_INT: usize = 18;
const LONGEST_PATH: usize = 1_024;

/// Which commands are allowed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CommandTemplate {
    /// `*`: every command, whatever the shell of the target makes of it.
    Any,
    /// Exactly these words.
    Words(Words),
}

/// The words of a template.
///
/// Invariant: at least one; the first is literal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Words(Vec<Word>);

/// One word: literal text, or a hole between literal texts (`--table={name}`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Word {
    Literal(String),
    Hole {
        before: String,
        hole: Hole,
        name: String,
        after: String,
    },
}

/// What may fill a hole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Hole {
    /// `{word}` or `{any-name}`: a name, `[A-Za-z0-9_][A-Za-z0-9_.-]*`. Nothing in it reads as an option, an address, an
    /// assignment or a connection string (`host=elsewhere`) to the program that gets it.
    Name,
    /// `{any-name:word}`: one word without `/`.
    Word,
    /// `{path}` or `{any-name:path}`: one word, `/` allowed, no `..` component.
    Path,
    /// `{int}` or `{any-name:int}`: decimal digits, no sign.
    Int,
}

/// Why a command does not match a template.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum CommandRefused {
    /// It does not look like the template at all.
    #[error("it is not the command that was agreed")]
    OtherWords,
    /// A byte that a shell could read as more than itself.
    #[error("`{shown}` has a meaning to a shell and is never part of an agreed command")]
    ShellMeaning {
        /// The character, escaped.
        shown: String,
    },
    /// The words are not separated by exactly one space.
    #[error("its words must be separated by one space each, with none before or after")]
    Spacing,
    /// What fills a hole is not of its kind.
    #[error("{{{hole}}} does not take that value: {problem}")]
    Hole {
        /// The hole's name in the template.
        hole: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Longer than any command that is looked at.
    #[error("it is longer than {LONGEST_COMMAND} bytes")]
    TooLong,
    /// No bytes at all, or a NUL among them, which would end the string early for the target's shell.
    #[error("it is empty or holds a NUL byte")]
    EmptyOrNul,
}

/// Whether a POSIX shell reads this byte as itself, wherever it stands in an argument.
#[must_use]
pub const fn stands_for_itself(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'_' | b'@' | b'%' | b'+' | b'=' | b':' | b',' | b'.' | b'/' | b'-'
        )
}

impl CommandTemplate {
    /// Parses what follows `command: `. The error says what does not hold and what to write.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        if text.is_empty() || text.len() > LONGEST_COMMAND {
            return Err("write `*` for every command, or the command's words".to_owned());
        }
        let words = text
            .split(' ')
            .map(Word::parse)
            .collect::<Result<Vec<_>, _>>()?;
        match words.first() {
            Some(Word::Literal(program)) if !program.contains('=') => Ok(Self::Words(Words(words))),
            // `NAME=value program` would set a variable, and a hole would let the technician choose the program.
            _ => Err(
                "the first word is the program and must be written out, without a hole or `=`"
                    .to_owned(),
            ),
        }
    }

    /// Whether the command is allowed.
    ///
    /// # Errors
    /// A [`CommandRefused`] that says what does not fit.
    pub fn matches(&self, command: &[u8]) -> Result<(), CommandRefused> {
        if command.is_empty() || command.contains(&0) {
            return Err(CommandRefused::EmptyOrNul);
        }
        match self {
            Self::Any => Ok(()),
            Self::Words(words) => words.matches(command),
        }
    }

    /// How many of its words fit the words of a command: what tells which of several templates was meant.
    pub(crate) fn fit(&self, command: &[u8]) -> usize {
        let Self::Words(Words(words)) = self else {
            return 0;
        };
        let said = String::from_utf8_lossy(command);
        let pairs = words.iter().zip(said.split(' '));
        pairs
            .filter(|(word, said)| word.matches(said).is_ok())
            .count()
    }

    /// Whether a command looks like it, however its words are spaced and whatever fills its holes; with whatever words behind it
    /// where there may be `more`. Errs on the side of yes.
    pub(crate) fn resembles(&self, command: &[u8], more: bool) -> bool {
        let Self::Words(Words(words)) = self else {
            return true;
        };
        let said = String::from_utf8_lossy(command);
        let said: Vec<&str> = said.split_ascii_whitespace().collect();
        let is_long_enough = match more {
            true => words.len() <= said.len(),
            false => words.len() == said.len(),
        };
        let mut pairs = words.iter().zip(&said);
        is_long_enough && pairs.all(|(word, said)| word.resembles(said))
    }

    /// Whether some command may be one of both; of this one, with whatever words behind it where there may be `more`.
    pub(crate) fn may_meet(&self, other: &Self, more: bool) -> bool {
        let (Self::Words(Words(one)), Self::Words(Words(two))) = (self, other) else {
            return true;
        };
        let fits = match more {
            true => one.len() <= two.len(),
            false => one.len() == two.len(),
        };
        fits && one.iter().zip(two).all(|(one, two)| one.may_meet(two))
    }

    /// The names of the holes that take a plain name.
    pub(crate) fn plain_holes(&self) -> Vec<&str> {
        let Self::Words(Words(words)) = self else {
            return Vec::new();
        };
        words
            .iter()
            .filter_map(|word| match word {
                Word::Hole {
                    hole: Hole::Name,
                    name,
                    ..
                } => Some(name.as_str()),
                Word::Hole {
                    hole: Hole::Word | Hole::Path | Hole::Int,
                    ..
                }
                | Word::Literal(_) => None,
            })
            .collect()
    }

    /// Whether every command `narrow` allows is allowed by this one.
    #[must_use]
    pub fn includes(&self, narrow: &Self) -> bool {
        match (self, narrow) {
            (Self::Any, Self::Any | Self::Words(_)) => true,
            (Self::Words(_), Self::Any) => false,
            (Self::Words(Words(wide)), Self::Words(Words(narrow))) => {
                wide.len() == narrow.len()
                    && wide
                        .iter()
                        .zip(narrow)
                        .all(|(wide, narrow)| wide.includes(narrow))
            }
        }
    }
}

impl Words {
    fn matches(&self, command: &[u8]) -> Result<(), CommandRefused> {
        if command.len() > LONGEST_COMMAND {
            return Err(CommandRefused::TooLong);
        }
        if let Some(position) = command
            .iter()
            .position(|byte| *byte != b' ' && !stands_for_itself(*byte))
        {
            return Err(CommandRefused::ShellMeaning {
                shown: first_character(command.get(position..).unwrap_or_default()),
            });
        }
        // All bytes are ASCII from here on.
        let text = str::from_utf8(command).map_err(|_| CommandRefused::OtherWords)?;
        let said: Vec<&str> = text.split(' ').collect();
        if said.iter().any(|word| word.is_empty()) {
            return Err(CommandRefused::Spacing);
        }
        let Self(words) = self;
        if said.len() != words.len() {
            return Err(CommandRefused::OtherWords);
        }
        words
            .iter()
            .zip(said)
            .try_for_each(|(word, said)| word.matches(said))
    }
}

/// The first character of what may not be UTF-8, escaped.
fn first_character(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes.get(..bytes.len().min(4)).unwrap_or_default());
    text.chars()
        .next()
        .map(|character| shown(&character.to_string()))
        .unwrap_or_default()
}

impl Word {
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err(
                "separate the words by one space each, with none before or after".to_owned(),
            );
        }
        let Some((before, rest)) = text.split_once('{') else {
            return Ok(Self::Literal(literal(text)?));
        };
        let (name, after) = rest.split_once('}').ok_or(
            "a hole is written {name}, {path}, {int}, {name:word}, {name:path} or {name:int}",
        )?;
        let (name, kind) = match name.split_once(':') {
            Some((name, kind)) => (name, Some(kind)),
            None => (name, None),
        };
        let plain_name = !name.is_empty()
            && name.len() <= 32
            && name.bytes().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-')
            });
        if !plain_name {
            return Err("a hole's name has 1 to 32 of a-z 0-9 _ -".to_owned());
        }
        let hole = match (name, kind) {
            ("path", None) | (_, Some("path")) => Hole::Path,
            ("int", None) | (_, Some("int")) => Hole::Int,
            (_, None) => Hole::Name,
            (_, Some("word")) => Hole::Word,
            (_, Some(kind)) => {
                return Err(format!(
                    "`{}` is not a kind of hole: {{{name}}} takes a name, {{{name}:word}} one word, {{{name}:path}} a path, {{{name}:int}} digits",
                    shown(kind)
                ));
            }
        };
        let told_by_name = match name {
            "path" => Some(Hole::Path),
            "int" => Some(Hole::Int),
            _ => None,
        };
        if told_by_name.is_some_and(|told| told != hole) {
            return Err(format!(
                "{{{name}}} says its kind already; give the hole another name"
            ));
        }
        let (before, after) = (literal(before)?, literal(after)?);
        if climbs(&before) || climbs(&after) {
            return Err("a word with a hole may not hold a `..` component".to_owned());
        }
        Ok(Self::Hole {
            before,
            hole,
            name: name.to_owned(),
            after,
        })
    }

    fn matches(&self, said: &str) -> Result<(), CommandRefused> {
        match self {
            Self::Literal(text) => (text == said)
                .then_some(())
                .ok_or(CommandRefused::OtherWords),
            Self::Hole {
                before,
                hole,
                name,
                after,
            } => {
                let filled = said
                    .strip_prefix(before.as_str())
                    .and_then(|rest| rest.strip_suffix(after.as_str()))
                    .ok_or(CommandRefused::OtherWords)?;
                let refused = |problem| CommandRefused::Hole {
                    hole: name.clone(),
                    problem,
                };
                hole.takes(filled).map_err(refused)?;
                // Over the whole word: `/var/log/.` before a hole and `./x` in it are a `..` together.
                if climbs(said) {
                    return Err(refused("`..` would leave the directory"));
                }
                Ok(())
            }
        }
    }

    /// Whether a word looks like it, whatever its hole takes.
    fn resembles(&self, said: &str) -> bool {
        match self {
            Self::Literal(text) => text == said,
            Self::Hole { before, after, .. } => {
                said.starts_with(before.as_str()) && said.ends_with(after.as_str())
            }
        }
    }

    fn may_meet(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Literal(text), word) | (word, Self::Literal(text)) => word.resembles(text),
            (Self::Hole { .. }, Self::Hole { .. }) => true,
        }
    }

    fn includes(&self, narrow: &Self) -> bool {
        match (self, narrow) {
            (Self::Literal(one), Self::Literal(two)) => one == two,
            (Self::Literal(_), Self::Hole { .. }) => false,
            (Self::Hole { .. }, Self::Literal(text)) => self.matches(text).is_ok(),
            (
                Self::Hole {
                    before,
                    hole,
                    name: _,
                    after,
                },
                Self::Hole {
                    before: narrow_before,
                    hole: narrow_hole,
                    name: _,
                    after: narrow_after,
                },
            ) => before == narrow_before && after == narrow_after && hole.includes(*narrow_hole),
        }
    }
}

/// Checks a literal part. It may be empty beside a hole.
fn literal(text: &str) -> Result<String, String> {
    match text
        .chars()
        .find(|character| !u8::try_from(*character).is_ok_and(stands_for_itself))
    {
        None => Ok(text.to_owned()),
        Some(character) => Err(format!(
            "`{}` has a meaning to a shell; accepted: A-Z a-z 0-9 _ @ % + = : , . / - and holes; put anything else into a script on the target and name the script",
            shown(&character.to_string())
        )),
    }
}

/// Whether a path has a `..` component.
fn climbs(text: &str) -> bool {
    // `=`, `:` and `,` too: programs split `--dir=../x` and `a:../x` there.
    text.split(['/', '=', ':', ','])
        .any(|component| component == "..")
}

/// `[A-Za-z0-9_][A-Za-z0-9_.-]*`.
fn is_plain_name(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
        && !text.starts_with(['.', '-'])
}

impl Hole {
    /// What is written after a hole's name, where the name does not say it.
    fn kind_beside(self, name: &str) -> &'static str {
        match self {
            Self::Name => "",
            Self::Word => ":word",
            Self::Path if name == "path" => "",
            Self::Path => ":path",
            Self::Int if name == "int" => "",
            Self::Int => ":int",
        }
    }

    fn takes(self, text: &str) -> Result<(), &'static str> {
        // An option where a word was agreed (`-oProxyCommand=…`), and what zsh and csh read at the head of a word.
        if text.starts_with(['-', '=', '%', '@']) {
            return Err("it may not begin with - = % or @");
        }
        match self {
            _ if text.is_empty() => Err("it is empty"),
            Self::Int
                if text.len() > LONGEST_INT || !text.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                Err("it takes up to 18 digits")
            }
            Self::Name if text.len() > LONGEST_WORD => Err("it is longer than 255 bytes"),
            Self::Name if !is_plain_name(text) => {
                Err("it takes letters, digits, _ . - and begins with a letter, a digit or _")
            }
            Self::Word if text.contains('/') => Err("it takes no `/`; a {path} would"),
            Self::Word if text.len() > LONGEST_WORD => Err("it is longer than 255 bytes"),
            Self::Path if text.len() > LONGEST_PATH => Err("it is longer than 1024 bytes"),
            Self::Name | Self::Word | Self::Path | Self::Int => Ok(()),
        }
    }

    const fn includes(self, narrow: Self) -> bool {
        match (self, narrow) {
            (Self::Path, Self::Path | Self::Word | Self::Name | Self::Int)
            | (Self::Word, Self::Word | Self::Name | Self::Int)
            | (Self::Name, Self::Name | Self::Int)
            | (Self::Int, Self::Int) => true,
            (Self::Word, Self::Path)
            | (Self::Name, Self::Word | Self::Path)
            | (Self::Int, Self::Name | Self::Word | Self::Path) => false,
        }
    }
}

impl fmt::Display for CommandTemplate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => formatter.write_str("*"),
            Self::Words(Words(words)) => {
                for (position, word) in words.iter().enumerate() {
                    if position > 0 {
                        formatter.write_str(" ")?;
                    }
                    match word {
                        Word::Literal(text) => formatter.write_str(text)?,
                        Word::Hole {
                            before,
                            hole,
                            name,
                            after,
                        } => {
                            let kind = hole.kind_beside(name);
                            write!(formatter, "{before}{{{name}{kind}}}{after}")?;
                        }
                    }
                }
                Ok(())
            }
        }
    }
}
