//! Patterns of paths: `/var/log/**`, `/srv/*/in/*.csv`.
//!
//! - `*` stands for any bytes within one component, none included; it never crosses a `/`.
//! - `**` stands alone between slashes, for any number of components: at the end for whatever lies below, one at least;
//!   elsewhere also for none.
//! - Everything else stands for itself, byte for byte, a leading dot included. `\` takes the meaning from `* \ ? [ ] { }`,
//!   and `\xE9` is one byte, for names that are not UTF-8.
//!
//! Two patterns are compared by how they are written, and a doubt is a no: [`PathGlob::includes`] may say no of two
//! patterns that match the same, and never yes of one that matches more.

use std::fmt;

use super::path::{LONGEST_PATH, TargetPath, characters, is_plain};

/// Longest pattern, in bytes, as written.
const LONGEST: usize = 1_024;
/// Most stars in one pattern, which bounds what a match costs.
const MOST_STARS: usize = 16;
/// What is accepted, in words.
pub const ACCEPTED: &str = "an absolute path such as /var/log/app.log, with `*` for a part of one name and `**` between slashes for whatever lies below (/var/log/**); `\\xE9` is one byte";

/// Which paths.
///
/// Invariant: at least one component, or none for `/` alone; no component is `.` or `..` or empty, no two `**` follow one
/// another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathGlob(Vec<Component>);

/// What stands between two slashes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Component {
    /// `**`.
    Any,
    /// One name.
    Name(Vec<Token>),
}

/// What a name is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Token {
    Byte(u8),
    Star,
}

/// One step down, as the automaton of a pattern reads it.
#[derive(Clone, Copy)]
enum Step<'a> {
    /// This name.
    Name(&'a [u8]),
    /// Whatever name: what holds for it holds for each.
    Every,
}

impl PathGlob {
    /// Parses a pattern as documents write it. The error says what does not hold and what to write.
    ///
    /// # Errors
    /// Words for whoever wrote the document.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("it is longer than {LONGEST} bytes"));
        }
        let Some(rest) = text.strip_prefix('/') else {
            return Err(match text.strip_prefix('~') {
                Some(_) => "`~` is nobody's directory here; write the absolute path".to_owned(),
                None => format!("it does not begin with `/`; accepted: {ACCEPTED}"),
            });
        };
        if rest.is_empty() {
            return Ok(Self(Vec::new()));
        }
        if text.ends_with('/') {
            return Err(format!(
                "a path ends without `/`; for whatever lies below, write {text}**"
            ));
        }
        if text.ends_with(' ') {
            return Err("a space at the end is written \\x20".to_owned());
        }
        let components = rest
            .split('/')
            .map(Component::parse)
            .collect::<Result<Vec<_>, _>>()?;
        if components
            .windows(2)
            .any(|pair| matches!(pair, [Component::Any, Component::Any]))
        {
            return Err("`**/**` says no more than `**`; write one".to_owned());
        }
        if components.iter().map(Component::stars).sum::<usize>() > MOST_STARS {
            return Err(format!("it has more than {MOST_STARS} stars"));
        }
        Ok(Self(components))
    }

    /// The pattern that matches `path` alone.
    #[must_use]
    pub fn exactly(path: &TargetPath) -> Self {
        let name = |name: &[u8]| Component::Name(name.iter().map(|b| Token::Byte(*b)).collect());
        Self(path.components().map(name).collect())
    }

    /// The pattern of everything below `path`.
    #[must_use]
    pub fn below(path: &TargetPath) -> Self {
        let Self(mut components) = Self::exactly(path);
        components.push(Component::Any);
        Self(components)
    }

    /// Whether its first name is any name at all.
    #[must_use]
    pub fn begins_anywhere(&self) -> bool {
        match self.0.first() {
            Some(Component::Any) => true,
            Some(Component::Name(tokens)) => tokens.iter().all(|token| *token == Token::Star),
            None => false,
        }
    }

    /// Whether it names the path.
    #[must_use]
    pub fn matches(&self, path: &TargetPath) -> bool {
        self.accepts(&self.after(path))
    }

    /// Whether something that it names may lie below the path: the path is on the way there.
    #[must_use]
    pub fn leads_through(&self, path: &TargetPath) -> bool {
        let states = self.after(path);
        // Whatever is left of the pattern, some name fits it.
        states
            .iter()
            .take(self.0.len())
            .any(|is_reached| *is_reached)
    }

    /// Whether it names everything that can stand in the directory, whatever its name.
    #[must_use]
    pub fn names_all_in(&self, directory: &TargetPath) -> bool {
        let states = self.step(&self.after(directory), Step::Every);
        self.accepts(&states)
    }

    /// Whether every path that `narrow` names is named by this one. Errs on the side of no.
    #[must_use]
    pub fn includes(&self, narrow: &Self) -> bool {
        let mut known = vec![None; (self.0.len() + 1) * (narrow.0.len() + 1)];
        covers(&self.0, &narrow.0, narrow.0.len() + 1, &mut known)
    }

    /// Whether some path may match both: errs on the side of yes.
    #[must_use]
    pub(crate) fn may_meet(&self, other: &Self) -> bool {
        let (Self(one), Self(two)) = (self, other);
        for (one, two) in one.iter().zip(two) {
            match (one, two) {
                (Component::Any, _) | (_, Component::Any) => return true,
                (Component::Name(one), Component::Name(two)) => {
                    let is_exact = |name: &[Token]| !name.contains(&Token::Star);
                    if one != two && is_exact(one) && is_exact(two) {
                        return false;
                    }
                }
            }
        }
        let (longer, shorter) = match one.len() < two.len() {
            true => (two, one),
            false => (one, two),
        };
        let rest = longer.get(shorter.len()..).unwrap_or_default();
        rest.iter().all(|component| *component == Component::Any)
    }

    /// What both name; `None` when that is nothing, or cannot be told.
    #[must_use]
    pub fn common(&self, other: &Self) -> Option<Self> {
        if self.includes(other) {
            return Some(other.clone());
        }
        if other.includes(self) {
            return Some(self.clone());
        }
        if self.0.len() != other.0.len() {
            return None;
        }
        // Name by name, where both have as many and none is a `**`.
        let narrower = |(one, two): (&Component, &Component)| match (one, two) {
            (Component::Name(one), Component::Name(two)) if fits(one, two) => {
                Some(Component::Name(two.clone()))
            }
            (Component::Name(one), Component::Name(two)) if fits(two, one) => {
                Some(Component::Name(one.clone()))
            }
            (Component::Name(_) | Component::Any, _) => None,
        };
        let both: Option<Vec<_>> = self.0.iter().zip(&other.0).map(narrower).collect();
        both.map(Self)
    }

    /// Where the automaton may be once it has read the path: one place before each component, and one behind the last.
    fn after(&self, path: &TargetPath) -> Vec<bool> {
        let mut states = vec![false; self.0.len() + 1];
        if let Some(first) = states.first_mut() {
            *first = true;
        }
        self.skip(&mut states);
        path.components()
            .fold(states, |states, name| self.step(&states, Step::Name(name)))
    }

    fn step(&self, states: &[bool], step: Step<'_>) -> Vec<bool> {
        let mut next = vec![false; states.len()];
        let mut reach = |place: usize| {
            if let Some(state) = next.get_mut(place) {
                *state = true;
            }
        };
        for (place, component) in self.0.iter().enumerate() {
            if !states.get(place).is_some_and(|is_reached| *is_reached) {
                continue;
            }
            match component {
                Component::Any => {
                    reach(place);
                    if place + 1 == self.0.len() {
                        reach(place + 1);
                    }
                }
                Component::Name(tokens) if takes(tokens, step) => reach(place + 1),
                Component::Name(_) => {}
            }
        }
        self.skip(&mut next);
        next
    }

    /// A `**` that is not the last may stand for nothing.
    fn skip(&self, states: &mut [bool]) {
        let inner = self.0.len().saturating_sub(1);
        for (place, component) in self.0.iter().take(inner).enumerate() {
            let is_reached = states.get(place).is_some_and(|is_reached| *is_reached);
            if is_reached
                && *component == Component::Any
                && let Some(next) = states.get_mut(place + 1)
            {
                *next = true;
            }
        }
    }

    fn accepts(&self, states: &[bool]) -> bool {
        states
            .get(self.0.len())
            .is_some_and(|is_reached| *is_reached)
    }
}

/// Whether everything that `narrow` names is named by `wide`, component by component.
fn covers(
    wide: &[Component],
    narrow: &[Component],
    width: usize,
    known: &mut Vec<Option<bool>>,
) -> bool {
    let place = wide.len() * width + narrow.len();
    if let Some(Some(known)) = known.get(place) {
        return *known;
    }
    let answer = match (wide, narrow) {
        ([], []) => true,
        // At least one component is left of `narrow`, whatever it is made of.
        ([Component::Any], narrow) => !narrow.is_empty(),
        ([Component::Any, rest @ ..], _) => {
            covers(rest, narrow, width, known)
                || narrow
                    .split_first()
                    .is_some_and(|(_, narrow)| covers(wide, narrow, width, known))
        }
        ([Component::Name(wide), rest @ ..], [Component::Name(narrow), narrow_rest @ ..]) => {
            fits(wide, narrow) && covers(rest, narrow_rest, width, known)
        }
        ([Component::Name(_), ..], [Component::Any, ..] | []) | ([], [_, ..]) => false,
    };
    if let Some(known) = known.get_mut(place) {
        *known = Some(answer);
    }
    answer
}

/// Whether every name that `narrow` takes is taken by `wide`: a star of the one is taken by a star of the other alone.
fn fits(wide: &[Token], narrow: &[Token]) -> bool {
    greedy(wide, narrow.len(), |place, token| {
        narrow.get(place) == Some(&token)
    })
}

fn takes(tokens: &[Token], step: Step<'_>) -> bool {
    match step {
        Step::Every => tokens.iter().all(|token| *token == Token::Star),
        Step::Name(name) => greedy(
            tokens,
            name.len(),
            |place, token| matches!(token, Token::Byte(byte) if name.get(place) == Some(&byte)),
        ),
    }
}

/// Matches with one way back, to the last star: enough for patterns whose only wildcard is the star.
fn greedy(tokens: &[Token], length: usize, is_at: impl Fn(usize, Token) -> bool) -> bool {
    let (mut place, mut at) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while at < length {
        match tokens.get(place) {
            Some(Token::Star) => {
                back = Some((place + 1, at));
                place += 1;
            }
            Some(token) if is_at(at, *token) => {
                place += 1;
                at += 1;
            }
            Some(Token::Byte(_)) | None => {
                let Some((after, from)) = back else {
                    return false;
                };
                (place, at) = (after, from + 1);
                back = Some((after, from + 1));
            }
        }
    }
    tokens
        .get(place..)
        .unwrap_or_default()
        .iter()
        .all(|token| *token == Token::Star)
}

impl Component {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "**" {
            return Ok(Self::Any);
        }
        if text.contains("**") {
            return Err("`**` stands alone between slashes; within a name, write `*`".to_owned());
        }
        let mut tokens = Vec::new();
        let mut rest = text.chars();
        while let Some(character) = rest.next() {
            match character {
                '*' => tokens.push(Token::Star),
                '\\' => tokens.push(Token::Byte(escaped(&mut rest)?)),
                '?' | '[' | ']' | '{' | '}' => {
                    return Err(format!(
                        "`{character}` is no wildcard here; write \\{character} where the name has it; accepted: {ACCEPTED}"
                    ));
                }
                plain if is_plain(plain) => {
                    let mut buffer = [0; 4];
                    let bytes = plain.encode_utf8(&mut buffer).bytes();
                    tokens.extend(bytes.map(Token::Byte));
                }
                other => {
                    let bytes: String = other
                        .to_string()
                        .bytes()
                        .map(|byte| format!("\\x{byte:02X}"))
                        .collect();
                    return Err(format!("a character that nobody sees is written {bytes}"));
                }
            }
        }
        match tokens.as_slice() {
            [] => Err("there is an empty name between two `/`; write one `/`".to_owned()),
            [Token::Byte(b'.')] | [Token::Byte(b'.'), Token::Byte(b'.')] => Err(
                "`.` and `..` are no names; write the path as the target itself spells it"
                    .to_owned(),
            ),
            _ => Ok(Self::Name(tokens)),
        }
    }

    fn stars(&self) -> usize {
        match self {
            Self::Any => 1,
            Self::Name(tokens) => tokens.iter().filter(|token| **token == Token::Star).count(),
        }
    }
}

/// The byte behind a backslash.
fn escaped(rest: &mut std::str::Chars<'_>) -> Result<u8, String> {
    let wrong = || {
        format!(
            "after `\\` comes one of * \\ ? [ ] {{ }} or xHH, a byte other than 00 and 2F; the longest path has {LONGEST_PATH} bytes"
        )
    };
    match rest.next() {
        Some(meant @ ('*' | '\\' | '?' | '[' | ']' | '{' | '}')) => {
            u8::try_from(meant).map_err(|_| wrong())
        }
        Some('x') => {
            let mut digit = || rest.next().and_then(|digit| digit.to_digit(16));
            let byte = digit()
                .zip(digit())
                .and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
            byte.filter(|byte| !matches!(byte, 0 | b'/'))
                .ok_or_else(wrong)
        }
        Some(_) | None => Err(wrong()),
    }
}

impl fmt::Display for PathGlob {
    /// As it is written in a document.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return formatter.write_str("/");
        }
        for component in &self.0 {
            formatter.write_str("/")?;
            let Component::Name(tokens) = component else {
                formatter.write_str("**")?;
                continue;
            };
            for (number, part) in tokens.split(|token| *token == Token::Star).enumerate() {
                if number > 0 {
                    formatter.write_str("*")?;
                }
                let bytes: Vec<u8> = part
                    .iter()
                    .filter_map(|token| match token {
                        Token::Byte(byte) => Some(*byte),
                        Token::Star => None,
                    })
                    .collect();
                write_literal(formatter, &bytes)?;
            }
        }
        Ok(())
    }
}

fn write_literal(formatter: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    for (character, raw) in characters(bytes) {
        match character {
            Some(meant @ ('*' | '\\' | '?' | '[' | ']' | '{' | '}')) => {
                write!(formatter, "\\{meant}")?;
            }
            Some(plain) if plain != ' ' && is_plain(plain) => write!(formatter, "{plain}")?,
            // At the end of a line nobody sees it.
            Some(' ') if !std::ptr::eq(raw, tail(bytes)) => write!(formatter, " ")?,
            Some(_) | None => {
                for byte in raw {
                    write!(formatter, "\\x{byte:02X}")?;
                }
            }
        }
    }
    Ok(())
}

/// The last byte, as a part of them.
fn tail(bytes: &[u8]) -> &[u8] {
    bytes
        .get(bytes.len().saturating_sub(1)..)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
