//! Paths of a target, as bytes, in one canonical spelling.
//!
//! A name on a file system is bytes: a Latin-1 name is as good as one in UTF-8, and nothing here turns one into the other.
//! Whether a path leads where it seems to (links, `..` behind a link) only the target can tell; who asks it is the
//! gateway. Here is only what the answer must look like.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest path that is looked at, in bytes: `PATH_MAX` of Linux.
pub const LONGEST_PATH: usize = 4_096;
/// Characters that are shown of a path.
const SHOWN: usize = 400;

/// An absolute path in its one canonical spelling.
///
/// Invariant: begins with `/`; no component is empty, `.` or `..`; no `/` at its end unless it is `/` itself; no NUL; at
/// most [`LONGEST_PATH`] bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<u8>", into = "Vec<u8>")]
pub struct TargetPath(Box<[u8]>);

/// Why bytes are not a canonical path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It does not begin with `/`.
    #[error("it does not begin with `/`")]
    Relative,
    /// An empty component, `.`, `..`, or a `/` at the end.
    #[error("it is not in its canonical spelling")]
    Spelling,
    /// A NUL, which would end the path early for the target.
    #[error("it holds a NUL byte")]
    Nul,
    /// Too long.
    #[error("it is longer than {LONGEST_PATH} bytes")]
    TooLong,
}

impl TargetPath {
    /// `/`.
    #[must_use]
    pub fn root() -> Self {
        Self(Box::from(&b"/"[..]))
    }

    /// Takes a path that is canonical already.
    ///
    /// # Errors
    /// A [`PathError`] that says why it is not.
    pub fn canonical(bytes: &[u8]) -> Result<Self, PathError> {
        check(bytes)?;
        let Some(rest) = bytes.strip_prefix(b"/") else {
            return Err(PathError::Relative);
        };
        let is_canonical = rest.is_empty()
            || rest
                .split(|byte| *byte == b'/')
                .all(|part| !matches!(part, b"" | b"." | b".."));
        match is_canonical {
            true => Ok(Self(Box::from(bytes))),
            false => Err(PathError::Spelling),
        }
    }

    /// Reads `typed` from `base` on by its letters alone: what it would mean if nothing on the way were a link.
    ///
    /// # Errors
    /// A [`PathError`] when it holds a NUL or is too long.
    pub fn by_letters(base: &Self, typed: &[u8]) -> Result<Self, PathError> {
        check(typed)?;
        let mut parts: Vec<&[u8]> = match typed.first() {
            Some(b'/') => Vec::new(),
            _ => base.components().collect(),
        };
        for part in typed.split(|byte| *byte == b'/') {
            match part {
                b"" | b"." => {}
                b".." => {
                    parts.pop();
                }
                name => parts.push(name),
            }
        }
        let mut bytes = Vec::with_capacity(typed.len() + 1);
        for part in parts {
            bytes.push(b'/');
            bytes.extend_from_slice(part);
        }
        if bytes.is_empty() {
            bytes.push(b'/');
        }
        check(&bytes)?;
        Ok(Self(bytes.into()))
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Its components, from the root on; none for `/`.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0
            .split(|byte| *byte == b'/')
            .filter(|part| !part.is_empty())
    }

    /// The directory that it stands in; none for `/`.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let slash = self.0.iter().rposition(|byte| *byte == b'/')?;
        match self.0.get(..slash) {
            _ if self.is_root() => None,
            Some([]) | None => Some(Self::root()),
            Some(parent) => Some(Self(Box::from(parent))),
        }
    }

    /// Whether it is `/`.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.len() == 1
    }

    /// One component below it.
    ///
    /// # Errors
    /// A [`PathError`] when `name` is not one component, or the whole becomes too long.
    pub fn join(&self, name: &[u8]) -> Result<Self, PathError> {
        if matches!(name, b"" | b"." | b"..") || name.contains(&b'/') {
            return Err(PathError::Spelling);
        }
        let mut bytes = Vec::with_capacity(self.0.len() + 1 + name.len());
        if !self.is_root() {
            bytes.extend_from_slice(&self.0);
        }
        bytes.push(b'/');
        bytes.extend_from_slice(name);
        check(&bytes)?;
        Ok(Self(bytes.into()))
    }

    /// Every directory above it that is not `/`, from the root down, and then the path itself; none for `/`.
    pub fn steps(&self) -> impl Iterator<Item = Self> {
        let ends = self.0.iter().enumerate().skip(1);
        ends.filter(|(_, byte)| **byte == b'/')
            .map(|(end, _)| end)
            .chain((!self.is_root()).then_some(self.0.len()))
            .filter_map(|end| self.0.get(..end).map(|part| Self(Box::from(part))))
    }
}

impl TryFrom<Vec<u8>> for TargetPath {
    type Error = PathError;
    fn try_from(bytes: Vec<u8>) -> Result<Self, PathError> {
        Self::canonical(&bytes)
    }
}

impl From<TargetPath> for Vec<u8> {
    fn from(path: TargetPath) -> Self {
        path.0.into()
    }
}

fn check(bytes: &[u8]) -> Result<(), PathError> {
    if bytes.len() > LONGEST_PATH {
        return Err(PathError::TooLong);
    }
    if bytes.contains(&0) {
        return Err(PathError::Nul);
    }
    Ok(())
}

impl fmt::Display for TargetPath {
    /// For people, on one line, with a stranger's bytes escaped.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&shown_bytes(&self.0))
    }
}

impl fmt::Debug for TargetPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// A stranger's bytes for people: text as it reads, whatever is not text or could move a cursor as `\xE9`, at most 400
/// characters.
#[must_use]
pub fn shown_bytes(bytes: &[u8]) -> String {
    let mut line = String::new();
    for (shown, (character, raw)) in characters(bytes).enumerate() {
        if shown == SHOWN {
            line.push('…');
            break;
        }
        match character {
            Some(character) if is_plain(character) => line.push(character),
            Some(_) | None => raw
                .iter()
                .for_each(|byte| line.push_str(&format!("\\x{byte:02X}"))),
        }
    }
    line
}

/// Whether a character stands for itself in what people read and write: no control, nothing invisible but the space.
pub(crate) fn is_plain(character: char) -> bool {
    // What `escape_debug` escapes beside quotes and the backslash is what does not print.
    character != '\\' && (matches!(character, '\'' | '"') || character.escape_debug().len() == 1)
}

/// The characters of what may not be text, each with its bytes; a byte that belongs to none alone.
pub(crate) fn characters(bytes: &[u8]) -> impl Iterator<Item = (Option<char>, &[u8])> {
    bytes.utf8_chunks().flat_map(|chunk| {
        let (valid, invalid) = (chunk.valid(), chunk.invalid());
        let text = valid.char_indices().map(|(at, character)| {
            let end = at + character.len_utf8();
            (
                Some(character),
                valid.as_bytes().get(at..end).unwrap_or_default(),
            )
        });
        text.chain(invalid.chunks(1).map(|byte| (None, byte)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path(text: &str) -> TargetPath {
        TargetPath::canonical(text.as_bytes()).unwrap()
    }

    #[test]
    fn only_the_canonical_spelling_is_taken() {
        for good in ["/", "/a", "/a/b", "/a/...", "/a/.b", "/ a"] {
            assert!(TargetPath::canonical(good.as_bytes()).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("", PathError::Relative),
            ("a", PathError::Relative),
            ("//", PathError::Spelling),
            ("/a/", PathError::Spelling),
            ("/a//b", PathError::Spelling),
            ("/./a", PathError::Spelling),
            ("/a/..", PathError::Spelling),
            ("/a\0b", PathError::Nul),
        ] {
            assert_eq!(TargetPath::canonical(bad.as_bytes()), Err(why), "{bad}");
        }
        let long = vec![b'a'; LONGEST_PATH + 1];
        assert_eq!(TargetPath::canonical(&long), Err(PathError::TooLong));
    }

    #[test]
    fn letters_alone_climb_no_higher_than_the_root() {
        let home = path("/home/ops");
        for (typed, read) in [
            ("", "/home/ops"),
            (".", "/home/ops"),
            ("a/../b", "/home/ops/b"),
            ("../../../..", "/"),
            ("/../x//y/.", "/x/y"),
            ("~", "/home/ops/~"),
        ] {
            assert_eq!(
                TargetPath::by_letters(&home, typed.as_bytes()),
                Ok(path(read))
            );
        }
    }

    #[test]
    fn the_way_to_a_path_is_told_step_by_step() {
        let steps: Vec<_> = path("/a/b/c").steps().collect();
        assert_eq!(steps, [path("/a"), path("/a/b"), path("/a/b/c")]);
        assert_eq!(TargetPath::root().steps().count(), 0);
        assert_eq!(path("/a").parent(), Some(TargetPath::root()));
        assert_eq!(TargetPath::root().parent(), None);
        assert_eq!(TargetPath::root().join(b"x"), Ok(path("/x")));
        assert!(path("/a").join(b"..").is_err() && path("/a").join(b"x/y").is_err());
    }

    #[test]
    fn a_stranger_s_bytes_are_shown_escaped() {
        assert_eq!(shown_bytes(b"/caf\xe9\x1b[2J\n"), "/caf\\xE9\\x1B[2J\\x0A");
        assert_eq!(shown_bytes("/été".as_bytes()), "/été");
        assert_eq!(shown_bytes("\u{202e}x".as_bytes()), "\\xE2\\x80\\xAEx");
    }

    proptest! {
        #[test]
        fn what_is_read_by_letters_is_canonical(typed in proptest::collection::vec(prop_oneof![Just(b'/'), Just(b'.'), any::<u8>()], 0..80)) {
            if let Ok(read) = TargetPath::by_letters(&path("/x/y"), &typed) {
                prop_assert_eq!(TargetPath::canonical(read.as_bytes()), Ok(read));
            } else {
                prop_assert!(typed.contains(&0));
            }
        }
    }
}
